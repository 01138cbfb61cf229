package markup

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const rel = `rel="nofollow ugc noopener"`

// cleaning is HTML of a stranger and what is left of it.
type cleaning struct{ name, html, want string }

func clean(t *testing.T, list []cleaning) {
	t.Helper()
	for _, test := range list {
		t.Run(test.name, func(t *testing.T) {
			got := Clean(test.html)
			if diff := cmp.Diff(test.want, string(got.HTML)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			checkComment(t, got)
		})
	}
}

func TestClean(t *testing.T) {
	clean(t, []cleaning{
		{"a reply from Mastodon stays as it is",
			`<p><span class="h-card"><a href="https://overkant.example/@ilse" class="u-url ` +
				`mention">@<span>ilse</span></a></span> A bell is a letter.</p>`,
			`<p><span class="h-card"><a href="https://overkant.example/@ilse" class="u-url mention" ` + rel +
				`>@<span>ilse</span></a></span> A bell is a letter.</p>`},
		{"emphasis, code and lists stay", `<p><b>a</b> <em>b</em> <del>c</del> <code>d</code></p><ol start="3" ` +
			`reversed><li value="7">e</li></ol>`,
			`<p><b>a</b> <em>b</em> <del>c</del> <code>d</code></p><ol start="3" reversed="reversed"><li value="7">e</li></ol>`},
		{"ruby stays", `<ruby>渡<rp>(</rp><rt>わたし</rt></ruby>`, `<ruby>渡<rp>(</rp><rt>わたし</rt></ruby>`},
		{"language and direction stay", `<p lang="ar" dir="rtl">قبل</p>`, `<p lang="ar" dir="rtl">قبل</p>`},
		{"a foolish language is dropped", `<p lang="x onclick" dir="up">a</p>`, `<p>a</p>`},
		{"headings become bold paragraphs", `<h2>Title</h2>text`, `<p><strong>Title</strong></p>text`},
		{"a paragraph in a heading does not nest", `<h1><p>a</p></h1>`, `<p><strong> a </strong></p>`},
		{"a division that stands for a paragraph becomes one", `<div>a</div><div>b</div>`, `<p>a</p><p>b</p>`},
		{"cells of a table do not run together", `<table><tr><td>a</td><td>b</td></tr></table>`, `<p>a</p><p>b</p>`},
		{"a formula leaves its TeX", `<math><semantics><mi>x</mi><annotation ` +
			`encoding="application/x-tex">x^2</annotation></semantics></math>`, `x^2`},
		{"a target goes", `<a href="https://dijla.example/x" target="_blank" rel="me">here</a>`,
			`<a href="https://dijla.example/x" ` + rel + `>here</a>`},
		{"links do not nest", `<a href="https://a.example">x<a href="https://b.example">y</a></a>`,
			`<a href="https://a.example" ` + rel + `>x</a><a href="https://b.example" ` + rel + `>y</a>`},
		{"a picture without alt shows its address", `<img src="https://dijla.example/x.png">`,
			`<a href="https://dijla.example/x.png" ` + rel + `><span class="invisible">https://</span>dijla.example/x.png</a>`},
		{"a picture inside a link is its alt text",
			`<a href="https://a.example"><img src="https://dijla.example/x.png" alt="a heron"></a>`,
			`<a href="https://a.example" ` + rel + `>a heron</a>`},
		{"an emoji is its name", `<img src="https://dijla.example/x.png" alt=":heron:">`, `:heron:`},
		{"unclosed elements are closed", `<p>a<b>c`, `<p>a<b>c</b></p>`},
		{"misplaced ends are ignored", `</p></div>a</b>`, `a`},
		{"nothing is nothing", ``, ``},
	})
}

func TestCommentText(t *testing.T) {
	for _, test := range []struct{ name, html, want string }{
		{"paragraphs stand apart", `<p>a</p><p>b<br>c</p>`, "a\n\nb\nc"},
		{"hidden parts of an address are not read",
			`<p>See <a href="https://dijla.example/x"><span class="invisible">https://</span>x</a></p>`, "See dijla.example/x"},
		{"a quoted post's address is not read",
			`<p class="quote-inline">RE: <a href="https://a.example/1">a.example/1</a></p><p>Yes.</p>`, "Yes."},
		{"entities are characters", `<p>a &lt; b &amp; c</p>`, "a < b & c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Clean(test.html).Text); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAQuoteLosesItsFallbackLink(t *testing.T) {
	reservedIDs := func(address string) bool { return strings.HasPrefix(address, "https://overkant.example/") }
	const link = `<a href="https://overkant.example/ap/articles/1">https://overkant.example/ap/articles/1</a>`
	const elsewhere = `<a href="https://misskey.io/notes/1">https://misskey.io/notes/1</a>`
	for _, test := range []struct{ name, words, beside, want string }{
		{"Mastodon's and our own", `<p class="quote-inline">RE: ` + link + `</p><p>Yes.</p>`, "", "Yes."},
		{"FEP-044f's", `Yes.<span class="quote-inline"><br/>RE: ` + link + `</span>`, "", "Yes."},
		{"Misskey's", `<p><span>Yes.<br><br>RE: </span>` + link + `</p>`, `<p>a heron</p>`, "Yes.\n\na heron"},
		{"Misskey's without a word", `<p><span>RE: </span>` + link + `</p>`, "", ""},
		{"a link to something else stays", `<p><span>Yes.<br>RE: </span>` + elsewhere + `</p>`, "",
			"Yes.\nRE: https://misskey.io/notes/1"},
		{"a link that is part of the words stays", `<p>Read ` + link + `</p>`, "",
			"Read https://overkant.example/ap/articles/1"},
		{"one that words follow stays", `<p>RE: ` + link + ` is right</p>`, "",
			"RE: https://overkant.example/ap/articles/1 is right"},
		{"nothing", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := CleanQuote(test.words, test.beside, reservedIDs)
			checkComment(t, got)
			if diff := cmp.Diff(test.want, got.Text); diff != "" || strings.Contains(string(got.HTML), "quote-inline") {
				t.Errorf("(-want +got)\n%s%s", diff, got.HTML)
			}
		})
	}
}

func TestCleanCutsLongCommentsBetweenRunesAndTags(t *testing.T) {
	got := Clean("<p>" + strings.Repeat("é", MaxComment))
	if n := utf8.RuneCountInString(got.Text); n < MaxComment/2-5 || n > MaxComment/2 {
		t.Errorf("%d runes left", n)
	}
	checkComment(t, got)
	got = Clean(strings.Repeat("a", MaxComment-5) + `<a href="https://dijla.example/">x</a>`)
	if string(got.HTML) != strings.Repeat("a", MaxComment-5) {
		t.Errorf("ends in %q", got.HTML[MaxComment-10:])
	}
}

func TestCleanName(t *testing.T) {
	for _, test := range []struct{ name, given, want string }{
		{"a plain name stays", "Bram Oosterling", "Bram Oosterling"},
		{"markup is only text", "<b>Bram</b>", "<b>Bram</b>"},
		{"lines become one", " Bram\n\tOosterling ", "Bram Oosterling"},
		{"controls go", "Br\x00am\x07\u0085", "Bram"},
		{"what turns the line around goes", "Bram\u202Egnirts\u2066x\u2069", "Bramgnirtsx"},
		{"a joined emoji stays joined", "👩‍🚀 Nadia", "👩‍🚀 Nadia"},
		{"Persian keeps its joiner", "می\u200cخواهم", "می\u200cخواهم"},
		{"padding alone is no name", "\u200B\u3164 \uFEFF", ""},
		{"marks alone are no name", "\u0301", ""},
		{"broken bytes are shown as such", "Br\xffam", "Br\uFFFDam"},
		{"a long name is cut at a rune", strings.Repeat("é", 500), strings.Repeat("é", MaxName)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, CleanName(test.given)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// wordsOfTheWild calls do with the texts of payloads that were found in the wild, where those are at hand.
func wordsOfTheWild(tb testing.TB, do func(html string)) {
	root := os.Getenv("CAUSERIE_CORPUS")
	if root == "" {
		return
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		body, err := os.ReadFile(path)
		var payload any
		if json.Unmarshal(body, &payload) == nil {
			texts(payload, do)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func texts(value any, do func(string)) {
	switch value := value.(type) {
	case string:
		if strings.Contains(value, "<") {
			do(value)
		}
	case []any:
		for _, item := range value {
			texts(item, do)
		}
	case map[string]any:
		for _, member := range value {
			texts(member, do)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		`<p>a<b>c`, `<a href=" jAvA&Tab;script:x">b</a>`, `<svg><style><img src=x onerror=alert(1)>`,
		`<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<table><a href=https://a.example><tr></a>`,
		`<p><p><li><ul></li><h1><p></h1>`,
		`<img src="https://a.example/\"onerror=x">`, "<a href='https://a\x00.example'>\x00",
		`<a href=https://[::1%25x]/>a</a>`, `<!--><script>--><plaintext>`, `&#0;&#x202e;&lt;b&gt;`,
	} {
		f.Add(seed)
	}
	wordsOfTheWild(f, func(html string) { f.Add(html) })
	f.Fuzz(func(t *testing.T, html string) {
		checkComment(t, Clean(html))
		checkComment(t, CleanQuote(html, html, func(string) bool { return true }))
		if n := utf8.RuneCountInString(CleanName(html)); n > MaxName {
			t.Errorf("a name of %d runes", n)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	reply := `<p><span class="h-card"><a href="https://overkant.example/@ilse" class="u-url ` +
		`mention">@<span>ilse</span></a></span> My grandmother kept a ferry house. She used to say that a bell is a letter ` +
		`you do not have to write.</p><p>See <a href="https://veerhuis.example/bell"><span ` +
		`class="invisible">https://</span>veerhuis.example/bell</a></p>`
	b.SetBytes(int64(len(reply)))
	for b.Loop() {
		Clean(reply)
	}
}
