package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"causerie/internal/store/storetest"
)

// folderOf returns a folder with files, by their paths.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for path, body := range files {
		place(t, filepath.Join(folder, path), body)
	}
	return folder
}

// place writes a file, with its folders.
func place(t *testing.T, path, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

// slugs lists the articles by slug, each with its title.
func (s *stage) slugs() map[string]string {
	s.t.Helper()
	list := map[string]string{}
	for _, a := range read[articleLine](s.t, s.cli("article", "list", "--json")) {
		list[a.Slug] = a.Title
	}
	return list
}

func (s *stage) hasSlugs(want string) {
	s.t.Helper()
	list := s.slugs()
	for _, slug := range strings.Fields(want) {
		if _, found := list[slug]; !found {
			s.t.Errorf("there is no article %s among %v", slug, list)
		}
	}
	if len(list) != len(strings.Fields(want)) {
		s.t.Errorf("the articles are %v, want %s", list, want)
	}
}

const titled = "---\ntitle: %T\n---\n%B\n"

func articleText(title, body string) string {
	return strings.NewReplacer("%T", title, "%B", body).Replace(titled)
}

func TestAMendedTitleRevisesTheArticleOfItsFile(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		file := filepath.Join(folderOf(t, map[string]string{"ferry.md": articleText("The fery leaves", "One.")}), "ferry.md")
		s.tells("published ", "article", "publish", file)
		place(t, file, articleText("The ferry leaves", "One."))
		s.tells("revised ", "article", "publish", file)
		s.hasSlugs("the-fery-leaves") // its address stays
		s.tells("The ferry leaves", "article", "show", "the-fery-leaves")
	})
}

func TestAnotherFolderSFileDoesNotReplaceAnArticle(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		folder := folderOf(t, map[string]string{
			"jan/links.md": articleText("Links of the month", "Links of jan."),
			"feb/links.md": articleText("Links of the month", "Links of feb.")})
		s.cli("article", "publish", filepath.Join(folder, "jan/links.md"))
		s.refuses(failed, "belongs to the article “Links of the month”", "article", "publish",
			filepath.Join(folder, "feb/links.md"))
		s.tells("Links of jan.", "article", "show", "links-of-the-month")
	})
}

// editor is a signed-in browser of Ilse.
type editor struct {
	s      *stage
	client *http.Client
}

func (s *stage) editor() editor {
	s.t.Helper()
	const password = "four words by the river"
	if _, trouble, status := cli(s.ctx, s.args("author", "password", "ilse"), nil, password+"\n"); status != done {
		s.t.Fatal(trouble)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	e := editor{s, &http.Client{Jar: jar}}
	e.post("/login", url.Values{"user": {"ilse"}, "pass": {password}})
	return e
}

func (e editor) post(path string, form url.Values) string {
	e.s.t.Helper()
	r, err := http.NewRequestWithContext(e.s.ctx, http.MethodPost, e.s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		e.s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return e.answer(r)
}

func (e editor) answer(r *http.Request) string {
	e.s.t.Helper()
	answer, err := e.client.Do(r)
	if err != nil {
		e.s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		e.s.t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		e.s.t.Fatalf("%s answers %d: %s", r.URL, answer.StatusCode, body)
	}
	return string(body)
}

var savedToken = regexp.MustCompile(`name="saved" value="([^"]*)"`)

// saves changes an article in the admin and sends the form with an action.
func (e editor) saves(path, action string, form url.Values) {
	e.s.t.Helper()
	r, err := http.NewRequestWithContext(e.s.ctx, http.MethodGet, e.s.url+path, nil)
	if err != nil {
		e.s.t.Fatal(err)
	}
	page := e.answer(r)
	token := savedToken.FindStringSubmatch(page)
	if token == nil {
		e.s.t.Fatalf("%s is no editor: %s", path, page)
	}
	form.Set("saved", token[1])
	form.Set("action", action)
	e.post(path, form)
}

func TestAChangeInTheAdminIsToldBeforeAFileOverwritesIt(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		e := s.editor()
		file := filepath.Join(folderOf(t, map[string]string{"hands.md": articleText("Two hands", "The file says one.")}),
			"hands.md")
		a := read[articleLine](t, s.cli("article", "publish", file, "--json"))[0]
		e.saves("/admin/articles/"+string(a.ID), "quiet", url.Values{"title": {"Two hands"}, "slug": {"two-hands"},
			"text": {"The admin says two."}, "language": {"en"}})
		s.tells("The admin says two.", "article", "show", "two-hands")
		place(t, file, articleText("Two hands", "The file says one and two."))
		s.refuses(failed, "“Two hands” was changed elsewhere since this file was read (text)", "article", "publish", file)
		s.tells("The admin says two.", "article", "show", "two-hands")
	})
}

func TestForceNewAndIDSayWhichArticleAFileIs(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		folder := folderOf(t, map[string]string{
			"jan/links.md":  articleText("Links", "Jan."),
			"feb/links.md":  articleText("Links", "Feb."),
			"slug/copy.md":  articleText("Copy\nslug: links", "A copy."),
			"both/links.md": articleText("Both\nid: 01K8QZ3V5T7W9X1Y2Z3A4B5C6D", "None.")})
		in := func(path string) string { return filepath.Join(folder, path) }
		jan := read[articleLine](t, s.cli("article", "publish", in("jan/links.md"), "--json"))[0]
		s.refuses(failed, "write “id: "+string(jan.ID)+"” into the front matter to revise that one, or add --new",
			"article", "publish", in("feb/links.md"))
		s.refuses(failed, "the slug “links” belongs to the article “Links”, which came from "+
			in("jan/links.md"), "article", "publish", in("slug/copy.md"))
		s.refuses(failed, "there is no article of ilse with the id 01K8QZ3V5T7W9X1Y2Z3A4B5C6D", "article", "publish",
			in("both/links.md"))
		s.refuses(misusing, "--new makes a new article and --force replaces one", "article", "publish", in("feb/links.md"),
			"--new", "--force")
		s.tells("/links-2", "article", "publish", in("feb/links.md"), "--new")
		s.hasSlugs("links links-2")
		// Both files go on to be known.
		for path, slug := range map[string]string{"jan/links.md": "links", "feb/links.md": "links-2"} {
			place(t, in(path), articleText("Links, mended", "Of "+path))
			s.tells("revised ", "article", "publish", in(path))
			s.tells("Of "+path, "article", "show", slug)
		}
		// A published article keeps its address, unless its author says so.
		place(t, in("jan/links.md"), articleText("Links\nslug: links-of-jan", "Of Jan."))
		s.refuses(failed, "with the slug “links”, and has the slug “links-of-jan” now", "article", "publish",
			in("jan/links.md"))
		s.tells("/links-of-jan", "article", "publish", in("jan/links.md"), "--force")
		s.hasSlugs("links-of-jan links-2")
		// A file that was moved is known by its id or its slug.
		if err := os.Rename(in("jan"), in("january")); err != nil {
			t.Fatal(err)
		}
		s.tells("nothing changed", "article", "publish", in("january/links.md"))
		if err := os.Rename(in("january"), in("year")); err != nil {
			t.Fatal(err)
		}
		place(t, in("year/links.md"), articleText("Others\nid: "+string(jan.ID), "By its id."))
		s.tells("revised ", "article", "publish", in("year/links.md"))
		s.tells("By its id.", "article", "show", "links-of-jan")
		s.tells("revised ", "article", "publish", in("slug/copy.md"), "--force") // it had this slug before
		s.hasSlugs("links links-2")
	})
}

func TestAFileIsKnownByItsPathBelowTheRoot(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	// The same files, checked out in two places.
	one := folderOf(t, map[string]string{".causerie-root": "", "feb/links.md": articleText("Links", "One.")})
	two := folderOf(t, map[string]string{"feb/links.md": articleText("Links, mended", "Two.")})
	s.tells("published ", "article", "publish", filepath.Join(one, "feb/links.md"))
	s.refuses(failed, "--new", "article", "publish", filepath.Join(folderOf(t, map[string]string{
		"links.md": articleText("Links", "Elsewhere.")}), "links.md"))
	s.tells("revised ", "article", "publish", filepath.Join(two, "feb/links.md"), "--root", two)
	s.hasSlugs("links")
	s.refuses(misusing, "is not below", "article", "publish", filepath.Join(two, "feb/links.md"), "--root", one)
	s.refuses(misusing, "there is no folder", "article", "publish", filepath.Join(two, "feb/links.md"), "--root",
		filepath.Join(two, "none"))
}

// What was published before the root was named goes on to be known.
func TestARootMayBeNamedLater(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	folder := folderOf(t, map[string]string{"feb/links.md": articleText("Links", "One.")})
	file := filepath.Join(folder, "feb/links.md")
	s.cli("article", "publish", file)
	place(t, filepath.Join(folder, ".causerie-root"), "")
	place(t, file, articleText("Links, mended", "Two."))
	s.tells("revised ", "article", "publish", file)
	s.hasSlugs("links")
}

func TestADraftFollowsTheTitleOfItsFile(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	file := write(t, "plan.md", articleText("A plann", "One."))
	s.cli("article", "draft", file)
	place(t, file, articleText("A plan", "One."))
	s.cli("article", "draft", file)
	s.hasSlugs("a-plan")
}

func TestEachFieldThatWasChangedElsewhereIsTold(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		e := s.editor()
		file := write(t, "hands.md",
			articleText("Two hands\nsummary: On hands.\ntags: [a, A, b]\nseries: Hands\npart: 1", "One."))
		a := read[articleLine](t, s.cli("article", "publish", file, "--json"))[0]
		page := "/admin/articles/" + string(a.ID)
		form := func(more ...string) url.Values {
			form := url.Values{"title": {"Two hands"}, "slug": {"two-hands"}, "text": {"One."}, "language": {"en"},
				"summary": {"On hands."}, "tags": {"a, b"}, "series": {"Hands"}, "part": {"1"}}
			for i := 0; i < len(more); i += 2 {
				form.Set(more[i], more[i+1])
			}
			return form
		}
		e.saves(page, "quiet", form())
		s.tells("nothing changed", "article", "publish", file) // nothing was changed in the admin either
		e.saves(page, "quiet", form("title", "Two hands!", "tags", "a, c", "warning", ""))
		s.refuses(failed, "(title, tags)", "article", "publish", file)
		// What the file has now as well is no loss.
		place(t, file, articleText("Two hands!\nsummary: On hands.\ntags: [a, c]\nseries: Hands\npart: 1", "Three."))
		s.tells("revised ", "article", "publish", file)
		e.saves(page, "quiet", form("text", "Four.", "title", "Two hands!"))
		s.refuses(failed, "(text, tags)", "article", "publish", file)
		s.tells("revised ", "article", "publish", file, "--force")
		s.tells("Three.", "article", "show", "two-hands")
	})
}

func TestATranslationKnowsItsFileToo(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		e := s.editor()
		original := write(t, "hands.md", articleText("Two hands", "One."))
		a := read[articleLine](t, s.cli("article", "publish", original, "--json"))[0]
		const head = "Twee handen\nlanguage: nl\ntranslation-of: two-hands"
		file := write(t, "handen.md", articleText(head, "Een."))
		s.tells("published ", "article", "publish", file)
		s.refuses(failed, "belongs to the article “Twee handen”, which came from ", "article", "publish",
			write(t, "other.md", articleText(head, "Een ander.")))
		e.saves("/admin/articles/"+string(a.ID)+"/texts/nl", "save", url.Values{"title": {"Twee handen"},
			"slug": {"twee-handen"}, "text": {"In het beheer."}})
		place(t, file, articleText(head, "Een en twee."))
		s.refuses(failed, "“Twee handen” was changed elsewhere since this file was read (text)",
			"article", "publish", file)
		s.refuses(misusing, "--new does not work for a translation", "article", "publish", file, "--new")
		s.tells("published ", "article", "publish", file, "--force")
	})
}
