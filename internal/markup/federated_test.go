package markup

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFederated(t *testing.T) {
	for _, test := range []struct{ name, markdown, article, note string }{
		{"plain paragraphs stay", "a *b*\n\nc", `<p>a <em>b</em></p><p>c</p>`, `<p>a <em>b</em></p><p>c</p>`},
		{"headings lose their ids", "## A", `<h2>A</h2>`, `<h2>A</h2>`},
		{"addresses become absolute", "[a](/tags/x) [b](../y) [c](#d)",
			`<p><a href="https://overkant.example/tags/x">a</a> <a href="https://overkant.example/2026/y">b</a> <a ` +
				`href="https://overkant.example/2026/11/four-minutes-wide#d">c</a></p>`, `=`},
		{"only https leads anywhere", "[a](http://dijla.example) <ilse@overkant.example>", `<p>a ilse@overkant.example</p>`,
			`=`},
		{"names keep their shape", "@bram@veerhuis.example #Rivers",
			`<p><span class="h-card"><a href="https://veerhuis.example/@bram" class="u-url ` +
				`mention">@<span>bram</span></a></span> <a href="https://overkant.example/tags/rivers" class="mention hashtag" ` +
				`rel="tag">#<span>Rivers</span></a></p>`, `=`},
		{"code loses its colours", "```go\nx := 1\n```", "<pre><code class=\"language-go\">x := 1\n</code></pre>", `=`},
		{"a picture is attached to a note", `![A section.](section.jpg "The *end*")`,
			`<figure><img src="https://overkant.example/media/section.jpg" alt="A section." width="1200" ` +
				`height="420"><figcaption>The *end*</figcaption></figure>`, `<p><em>The *end*</em></p>`},
		{"a rule is three stars in a note", "a\n\n---\n\nb", `<p>a</p><hr><p>b</p>`, `<p>a</p><p>* * *</p><p>b</p>`},
		{"a table is rows in a note", "| a | b |\n|-|-|\n| *c* | d |\n\nTable: e",
			`<table><caption>e</caption><thead><tr><th>a</th><th>b</th></tr></thead>` +
				`<tbody><tr><th><em>c</em></th><td>d</td></tr></tbody></table>`,
			`<p><em>e</em></p><p><strong>a | b</strong></p><p><em>c</em> | d</p>`},
		{"notes are a numbered list", "Said.[^1]\n\n[^1]: With *permission*.",
			`<p>Said.<sup><a href="https://overkant.example/2026/11/four-minutes-wide#n1">1</a></sup></p><ol><li><p>With ` +
				`<em>permission</em>.</p></li></ol>`,
			`<p>Said.[1]</p><ol><li><p>With <em>permission</em>.</p></li></ol>`},
		{"a raised number is a character in a note", "m<sup>2</sup> H<sub>2</sub>O", `<p>m<sup>2</sup> H<sub>2</sub>O</p>`,
			`<p>m² H₂O</p>`},
		{"definitions are paragraphs", "a\n: b", `<p><strong>a</strong></p><p>b</p>`, `=`},
		{"whose words they are follows a dash", "> a\n>\n> -- Harm", `<blockquote><p>a</p><p>— Harm</p></blockquote>`, `=`},
		{"tasks keep their sign", "- [x] a", `<ul><li>☑ a</li></ul>`, `=`},
		{"keys are code", "<kbd>a</kbd> <mark>b</mark> <ins>c</ins>", `<p><code>a</code> b <u>c</u></p>`, `=`},
		{"other languages are marked", `a <span lang="nl">b</span>`, `<p>a <span lang="nl">b</span></p>`, `=`},
		{"a list keeps its beginning", "3. a\n4. b", `<ol start="3"><li>a</li><li>b</li></ol>`, `=`},
	} {
		t.Run(test.name, func(t *testing.T) {
			html := render(t, test.markdown, "en").HTML
			if diff := cmp.Diff(test.article, string(Federated(html, ArticleHTML, ferry))); diff != "" {
				t.Errorf("article (-want +got)\n%s", diff)
			}
			if test.note == "=" {
				test.note = test.article
			}
			if diff := cmp.Diff(test.note, string(Federated(html, NoteHTML, ferry))); diff != "" {
				t.Errorf("note (-want +got)\n%s", diff)
			}
		})
	}
}

func TestOnALoopbackSiteHTTPIsSent(t *testing.T) {
	html := render(t, "[a](/x) [b](http://dijla.example/)", "en").HTML
	got := string(Federated(html, ArticleHTML, "http://127.0.0.1:8080/2026/11/four-minutes-wide"))
	if want := `<p><a href="http://127.0.0.1:8080/x">a</a> <a href="http://dijla.example/">b</a></p>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStripLinks(t *testing.T) {
	html := render(t, "a [b *c*](/d) #e", "en").HTML
	if got, want := string(StripLinks(html)),
		`<p>a b <em>c</em> #<span>e</span><span class="end" role="presentation"></span></p>`+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
