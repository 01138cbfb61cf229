package page

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"causerie/templates"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const (
	englishDates = "months: January February March April May June July August September October November December\n" +
		"months-short: Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec\n" +
		"date: \"{{.Day}} {{.Month}} {{.Year}}\"\ndate-short: \"{{.Day}} {{.Month}}\"\n" +
		"month-year: \"{{.Month}} {{.Year}}\"\n"
	dutchDates = "months: januari februari maart april mei juni juli augustus september oktober november december\n" +
		"months-short: jan feb mrt apr mei jun jul aug sep okt nov dec\n"
)

// little is a set as small as a set can be.
func little(t *testing.T, main string) *Set {
	t.Helper()
	set, err := Load(fstest.MapFS{
		"layout/web.html":  {Data: []byte(`{{define "web"}}<html lang="{{.Lang}}">{{template "main" .}}</html>{{end}}`)},
		"web/article.html": {Data: []byte(`{{template "web" .}}{{define "main"}}` + main + `{{end}}`)},
		"words/en.yaml": {Data: []byte(englishDates +
			"replies:\n  one: \"{{.N}} reply\"\n  other: \"{{.N}} replies\"\nto: \"to " +
			"{{.Name}}\"\n")},
		"words/nl.yaml": {Data: []byte(dutchDates +
			"replies:\n  one: \"{{.N}} reactie\"\n  other: \"{{.N}} reacties\"\nto: \"op " +
			"{{.Name}}\"\n")},
		"static/causerie.css":  {Data: []byte(strings.Repeat("body { color: black }\n", 100))},
		"static/favicon.ico":   {Data: []byte("icon")},
		"admin/dashboard.html": {Data: []byte(`plain`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// sheet is page data that speaks a language.
type sheet struct {
	Lang string
	N    int
	Name string
	At   time.Time
}

func (s sheet) Locale() string { return s.Lang }

func TestAPageIsInItsOwnLanguage(t *testing.T) {
	set := little(t, `{{t "replies" "N" .N}} {{t "to" "Name" .Name}}, {{day .At}}, {{shortday .At}}, {{month .At}}, `+
		`{{clock .At}}, {{instant .At}}, {{number .N}}`)
	zone := time.FixedZone("", 3600)
	set.Zone = zone
	at := time.Date(2026, 3, 16, 23, 30, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		data sheet
		want string
	}{
		"English": {sheet{"en", 1, "Ilse", at},
			`<html lang="en">1 reply to Ilse, 17 March 2026, 17 Mar, March 2026, 00:30, 2026-03-17T00:30:00+01:00, 1</html>`},
		"Dutch with another plural and points in numbers": {sheet{"nl", 1204, "Bram", at},
			`<html lang="nl">1.204 reacties op Bram, 17 maart 2026, 17 mrt, maart 2026, 00:30, 2026-03-17T00:30:00+01:00, ` +
				`1.204</html>`},
		"a kind of Dutch": {sheet{"nl-BE", 0, "Bram", at},
			`<html lang="nl-BE">0 reacties op Bram, 17 maart 2026, 17 mrt, maart 2026, 00:30, 2026-03-17T00:30:00+01:00, ` +
				`0</html>`},
		"a language without words of ours": {sheet{"pt", 2, "Inês", at},
			`<html lang="pt">2 replies to Inês, 17 March 2026, 17 Mar, March 2026, 00:30, 2026-03-17T00:30:00+01:00, 2</html>`},
		"a time that was given its own zone": {sheet{"en", 2, "Kade", at.In(time.FixedZone("", -7200))},
			`<html lang="en">2 replies to Kade, 16 March 2026, 16 Mar, March 2026, 21:30, 2026-03-16T21:30:00-02:00, 2</html>`},
		"a name that would be markup": {sheet{"en", 2, "<script>", at},
			`<html lang="en">2 replies to &lt;script&gt;, 17 March 2026, 17 Mar, March 2026, 00:30, ` +
				`2026-03-17T00:30:00+01:00, 2</html>`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := set.Bytes("web/article", test.data)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(got), "&#43;", "+")
			if diff := cmp.Diff(test.want, text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestABrokenTemplateSendsNoHalfPage(t *testing.T) {
	for name, main := range map[string]string{
		"a field that is not there":            `A long beginning. {{.Nothing}}`,
		"a word that is not there":             `A long beginning. {{t "nothing"}}`,
		"a static file not there":              `A long beginning. {{static "nothing.css"}}`,
		"a name without a value":               `A long beginning. {{t "to" "Name"}}`,
		"a value in place of a name":           `A long beginning. {{t "to" 3 4}}`,
		"a call on something that is a number": `A long beginning. {{call .N}}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := little(t, main).Render(w, 200, "web/article", sheet{Lang: "en"}); err == nil {
				t.Error("no error")
			}
			if w.Body.Len() > 0 || len(w.Header()) > 0 {
				t.Errorf("wrote %q with %v", w.Body, w.Header())
			}
		})
	}
	if err := little(t, "x").Render(httptest.NewRecorder(), 200, "web/nothing", nil); err == nil {
		t.Error("a page that does not exist was rendered")
	}
}

func TestAPageForOneReaderIsNotStored(t *testing.T) {
	w := httptest.NewRecorder()
	if err := little(t, "x").Render(w, 422, "web/article", sheet{Lang: "en"}); err != nil {
		t.Fatal(err)
	}
	want := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Length": {fmt.Sprint(w.Body.Len())},
		"Cache-Control": {"no-store"}}
	if diff := cmp.Diff(want, w.Header()); diff != "" || w.Code != 422 {
		t.Errorf("status %d, headers (-want +got):\n%s", w.Code, diff)
	}
}

func TestEveryMistakeThatCanBeFoundWithoutDataIsFoundAtLoad(t *testing.T) {
	good := fstest.MapFS{"layout/web.html": {Data: []byte("x")}, "words/en.yaml": {Data: []byte("a: b")},
		"static/causerie.css": {Data: []byte("body { color: black }")}}
	if _, err := Load(good, nil); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]struct{ name, text string }{
		"a template that does not parse": {"web/home.html", "{{if}}"},
		"a function nobody has":          {"web/home.html", `{{shout "x"}}`},
		"words that are not YAML":        {"words/nl.yaml", "a: [b"},
		"a layout that does not parse":   {"layout/web.html", "{{end}}"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{file.name: {Data: []byte(file.text)}}
			for name, file := range good {
				if tree[name] == nil {
					tree[name] = file
				}
			}
			if _, err := Load(tree, nil); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := Load(fstest.MapFS{}, nil); err == nil {
		t.Error("an empty folder was loaded")
	}
}

func TestStaticFilesMayBeStoredForEverUnderAHashOfTheirContent(t *testing.T) {
	static := little(t, "x").Static()
	address, err := static.Address("causerie.css")
	if err != nil || !regexp.MustCompile(`^/static/causerie\.[0-9a-f]{10}\.css$`).MatchString(address) {
		t.Fatalf("address %q, %v", address, err)
	}
	for name, test := range map[string]struct {
		path   string
		status int
		cache  string
	}{
		"the address with the hash":      {address, 200, "public, max-age=31536000, immutable"},
		"an address of an older version": {"/static/causerie.0123456789.css", 200, "no-cache"},
		"the plain name":                 {"/static/causerie.css", 200, "no-cache"},
		"a name nobody has":              {"/static/nothing.css", 404, ""},
		"the folder":                     {"/static/", 404, ""},
		"a way out of the folder":        {"/static/../web/article.html", 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(static, "GET", test.path, "Accept-Encoding", "gzip")
			if got.StatusCode != test.status || got.Header.Get("Cache-Control") != test.cache {
				t.Errorf("status %d, cache %q", got.StatusCode, got.Header.Get("Cache-Control"))
			}
			if test.status == 200 && (got.Header.Get("Content-Encoding") != "gzip" ||
				got.Header.Get("Content-Type") != "text/css; charset=utf-8" || got.Header.Get("Vary") != "Accept-Encoding") {
				t.Errorf("headers %v", got.Header)
			}
		})
	}
	if got := ask(static.File("favicon.ico"), "GET", "/favicon.ico"); got.StatusCode != 200 ||
		got.Header.Get("Content-Type") != "image/x-icon" {
		t.Errorf("favicon: status %d, type %q", got.StatusCode, got.Header.Get("Content-Type"))
	}
}

func TestAReaderChoosesTheThemeAndReturnsToThePage(t *testing.T) {
	set := little(t, "")
	post := func(light, referer string) *http.Response {
		r := httptest.NewRequest("POST", "https://overkant.example/theme", strings.NewReader("theme="+light))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", referer)
		w := httptest.NewRecorder()
		ChooseTheme(w, r)
		return w.Result()
	}
	for name, test := range map[string]struct {
		light, referer string
		status         int
		location       string
		sheet          string
	}{
		"dark, back to the article": {"dark", "https://overkant.example/2026/11/four-minutes-wide?x=1", 303,
			"/2026/11/four-minutes-wide?x=1", "color-scheme:dark"},
		"light, from nowhere": {"light", "", 303, "/", "color-scheme:light"},
		"from another site":   {"light", "https://zilverduin.example/trap", 303, "/", "color-scheme:light"},
		"to another site by two slashes": {"dark", "https://overkant.example//zilverduin.example", 303, "/zilverduin.example",
			"color-scheme:dark"},
		"as the machine has it": {"auto", "https://overkant.example/", 303, "/", `[value="auto"]`},
		"a light that is none":  {"purple", "https://overkant.example/", 400, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := post(test.light, test.referer)
			if got.StatusCode != test.status || got.Header.Get("Location") != test.location {
				t.Errorf("status %d, location %q", got.StatusCode, got.Header.Get("Location"))
			}
			if test.status != 303 {
				return
			}
			cookie := got.Cookies()[0]
			sheet := ask(http.HandlerFunc(set.Style), "GET", "/style.css", "Cookie", cookie.Name+"="+cookie.Value)
			if text := body(t, sheet); !strings.Contains(text, test.sheet) {
				t.Errorf("the sheet is %q", text)
			}
			if sheet.Header.Get("Cache-Control") != "private, no-cache" ||
				sheet.Header.Get("Vary") != "Cookie, Accept-Encoding" {
				t.Errorf("headers %v", sheet.Header)
			}
		})
	}
}

func TestSecurityHeadersAreSet(t *testing.T) {
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	got := ask(SecurityHeaders(true).Wrap(plain), "GET", "/").Header
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
			"manifest-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self' https:; frame-ancestors 'none'; " +
			"base-uri 'none'",
		"X-Content-Type-Options":    "nosniff",
		"Referrer-Policy":           "same-origin",
		"Strict-Transport-Security": "max-age=31536000",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	atHome := ask(SecurityHeaders(false).Wrap(plain), "GET", "/").Header
	if got := atHome.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("over http browsers were asked to stay on https: %q", got)
	}
	if got := atHome.Get("Content-Security-Policy"); !strings.Contains(got, "; form-action 'self' https: http:; ") {
		t.Errorf("over http forms may lead where %q says", got)
	}
}

func TestTheProgramsOwnTemplatesLoad(t *testing.T) {
	if _, err := Load(templates.FS, nil); err != nil {
		t.Fatal(err)
	}
}

// forms are the shapes that a text has: "" for one without a number.
func forms(text any) []string {
	if shapes, ok := text.(map[string]any); ok {
		var all []string
		for _, name := range []string{"one", "other"} {
			if _, ok := shapes[name]; ok {
				all = append(all, name)
			}
		}
		return all
	}
	return []string{""}
}

func TestEveryTextExistsInEveryLanguage(t *testing.T) {
	known := map[string]map[string]any{}
	files, _ := fs.Glob(templates.FS, "words/*.yaml")
	for _, file := range files {
		text, _ := fs.ReadFile(templates.FS, file)
		words := map[string]any{}
		if err := yaml.Unmarshal(text, &words); err != nil {
			t.Fatal(err)
		}
		known[file] = words
	}
	english := known["words/en.yaml"]
	placeholder := regexp.MustCompile(`{{\.\w+}}`)
	for file, words := range known {
		for id, text := range words {
			if diff := cmp.Diff(forms(english[id]), forms(text)); english[id] == nil || diff != "" {
				t.Errorf("%s: %q does not have the forms it has in English: %s", file, id, diff)
			}
			for _, name := range placeholder.FindAllString(fmt.Sprint(english[id]), -1) {
				if !strings.Contains(fmt.Sprint(text), name) {
					t.Errorf("%s: %q leaves out %s", file, id, name)
				}
			}
		}
		if len(words) != len(english) {
			t.Errorf("%s has %d texts, English %d", file, len(words), len(english))
		}
	}
	used := regexp.MustCompile(`\bt "([^"]+)"([^}]*)`)
	err := fs.WalkDir(templates.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".html") {
			return err
		}
		text, err := fs.ReadFile(templates.FS, path)
		for _, match := range used.FindAllStringSubmatch(string(text), -1) {
			word, ok := english[match[1]]
			if !ok {
				t.Errorf("%s says %q, which is no word", path, match[1])
			}
			for _, name := range placeholder.FindAllString(fmt.Sprint(word), -1) {
				if !strings.Contains(match[2], `"`+strings.Trim(name, "{}.")+`"`) {
					t.Errorf("%s says %q without %s", path, match[1], name)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSheetsAndScriptsStayWithinTheirBudgets(t *testing.T) {
	packed := func(names ...string) int {
		var all, out bytes.Buffer
		for _, name := range names {
			text, err := fs.ReadFile(templates.FS, "static/"+name)
			if errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("%s is missing", name)
			}
			all.Write(text)
		}
		zip := gzip.NewWriter(&out)
		zip.Write(all.Bytes())
		zip.Close()
		return out.Len()
	}
	if got := packed("causerie.css"); got > 12<<10 {
		t.Errorf("the readers' sheet is %d bytes on the wire, 12 KB are allowed", got)
	}
	if got := packed("causerie.css", "admin.css"); got > 14<<10 {
		t.Errorf("both sheets are %d bytes on the wire, 14 KB are allowed", got)
	}
	scripts, _ := fs.Glob(templates.FS, "static/*.js")
	for _, script := range scripts {
		limit := 25 << 10
		if !strings.HasPrefix(script, "static/admin") {
			limit = 4 << 10
		}
		if got := packed(strings.TrimPrefix(script, "static/")); got > limit {
			t.Errorf("%s is %d bytes on the wire, %d are allowed", script, got, limit)
		}
	}
}
