package markup

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// render calls Article with the pictures and profiles of the sample article.
func render(t *testing.T, markdown, language string) Rendered {
	t.Helper()
	r, err := Article(markdown, Options{
		Language: language,
		Resolve: func(src string) (Picture, bool) {
			p := Picture{URL: "/media/" + src, Width: 1200, Height: 420,
				Srcset: "/media/600-" + src + " 600w, /media/" + src + " 1200w"}
			return p, src == "section.jpg" || src == "bridge.jpg"
		},
		Mention: func(handle string) (string, bool) {
			return "https://veerhuis.example/@bram", handle == "@bram@veerhuis.example"
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkArticle(t, r)
	return r
}

const img = `<img src="/media/section.jpg" alt="A section." srcset="/media/600-section.jpg 600w, /media/section.jpg ` +
	`1200w" sizes="(min-width: 44em) 42em, 100vw" width="1200" height="420" loading="lazy" decoding="async">`

const end = `<span class="end" role="presentation"></span>`

func TestArticleHTML(t *testing.T) {
	for _, test := range []struct{ name, markdown, want string }{
		{"the last paragraph ends with the mark", "One.\n\nTwo.", "<p>One.</p>\n<p>Two." + end + "</p>"},
		{"a list at the end has no mark", "- a", "<ul>\n<li>a</li>\n</ul>"},
		{"strikethrough and bare addresses", "~~a~~ https://dijla.example/x.",
			`<p><del>a</del> <a href="https://dijla.example/x">https://dijla.example/x</a>.` + end + "</p>"},
		{"tasks", "- [x] a\n- [ ] b", "<ul>\n" + `<li><span class="task" role="img" aria-label="done">☑</span> a</li>` +
			"\n" + `<li><span class="task" role="img" aria-label="to do">☐</span> b</li>` + "\n</ul>"},
		{"definitions", "Buoy\n: It is red.", "<dl>\n<dt>Buoy</dt>\n<dd>It is red.</dd>\n</dl>"},
		{"headings have ids", "## Keeping the log\n\n### Keeping the log\n\n## Één ding",
			`<h2 id="keeping-the-log">Keeping the log</h2>` + "\n" + `<h3 id="keeping-the-log-2">Keeping the log</h3>` + "\n" +
				`<h2 id="één-ding">Één ding</h2>`},
		{"a heading may choose its id", "## The length of *it* {#length}", `<h2 id="length">The length of <em>it</em></h2>`},
		{"a heading keeps off the page's ids", "## Notes\n\n## n1",
			`<h2 id="s-notes">Notes</h2>` + "\n" + `<h2 id="s-n1">n1</h2>`},
		{"headings are lowered when one is of the first level", "# A\n\n## B",
			`<h2 id="a">A</h2>` + "\n" + `<h3 id="b">B</h3>`},
		{"a picture alone is a figure", `![A section.](section.jpg "The crossing's end.")`,
			"<figure>" + img + "<figcaption>The crossing’s end.</figcaption>\n</figure>"},
		{"a picture may be wide", `![A section.](section.jpg){.wide}`,
			`<figure class="wide">` + strings.Replace(strings.Replace(img, ` sizes="(min-width: 44em) 42em, 100vw"`, "", 1),
				`async"`, `async" sizes="(min-width: 75em) 56em, 100vw"`, 1) + "</figure>"},
		{"a picture in a line stays there", `A ![A section.](section.jpg "t") b`, "<p>A " + img + " b" + end + "</p>"},
		{"a remote picture is a link", `![a heron](https://dijla.example/h.png)`,
			`<p><a href="https://dijla.example/h.png">a heron</a>` + end + "</p>"},
		{"a missing picture is its description", `![a heron](h.png)`, `<p>a heron` + end + "</p>"},
		{"code is a box with a name", "```go\nx := \"a\"\n```",
			`<pre class="box" tabindex="0" role="group" aria-label="Code, go"><code class="language-go"><span ` +
				`class="nx">x</span> <span class="o">:=</span> <span class="s">&#34;a&#34;</span>` + "\n</code></pre>"},
		{"code in no known language is plain", "```kantoor\n<a>\n```",
			`<pre class="box" tabindex="0" role="group" aria-label="Code, kantoor"><code class="language-kantoor">&lt;a&gt;` +
				"\n</code></pre>"},
		{"a fence cannot smuggle attributes", "```go\"onclick=x {hl_style=a linenos=table}\na\n```",
			`<pre class="box" tabindex="0" role="group" aria-label="Code"><code>a` + "\n</code></pre>"},
		{"a table is a box", "| Water | n |\n|---|--:|\n| Low | 9 |\n\nTable: Crossings by *height*",
			`<div class="box" tabindex="0" role="group" aria-label="Table: Crossings by height"><table><caption>Crossings by ` +
				`<em>height</em></caption>` + "\n" +
				`<thead><tr><th scope="col">Water</th>` + "\n" + `<th scope="col" class="num">n</th>` + "\n</tr>\n</thead>\n" +
				`<tbody><tr><th scope="row">Low</th>` + "\n" + `<td class="num">9</td>` + "\n</tr>\n</tbody>\n</table>\n</div>"},
		{"a quotation says whose it is", "> They tell the river.\n>\n> -- Harm, *ferryman*",
			"<blockquote>\n<p>They tell the river.</p>\n<footer>Harm, <em>ferryman</em></footer>\n</blockquote>"},
		{"a note stands at the foot", "Said.[^a]\n\n[^a]: With permission.",
			`<p>Said.<sup id="r1"><a href="#n1" aria-label="Note 1">1</a></sup>` + end + "</p>\n" +
				`<aside class="notes" aria-labelledby="notes"><h2 id="notes" class="vh">Notes</h2>` + "\n" +
				`<ol><li id="n1"><p>With permission.</p>` + "\n" +
				` <a class="back" href="#r1" aria-label="Back to reference 1">↩</a></li>` + "\n</ol>\n</aside>"},
		{"a mention is a card", "@bram@veerhuis.example said",
			`<p><span class="h-card"><a href="https://veerhuis.example/@bram" class="u-url ` +
				`mention">@<span>bram</span></a></span> said` + end + "</p>"},
		{"a tag is a link", "(#LowRoad)", `<p>(<a href="/tags/lowroad" class="mention hashtag" ` +
			`rel="tag">#<span>LowRoad</span></a>)` + end + "</p>"},
		{"names in code and links are only words", "`@bram@veerhuis.example #a` [#b @bram@veerhuis.example](/x)",
			`<p><code>@bram@veerhuis.example #a</code> <a href="/x">#b @bram@veerhuis.example</a>` + end + "</p>"},
		{"links do not nest", "[a https://dijla.example b](https://overkant.example)",
			`<p><a href="https://overkant.example">a https://dijla.example b</a>` + end + "</p>"},
		{"small elements may be written", `H<sub>2</sub>O, <span lang="ar" dir="rtl" onclick="x">قبل</span><br>`,
			`<p>H<sub>2</sub>O, <span lang="ar" dir="rtl">قبل</span><br>` + end + "</p>"},
		{"a script in a line goes with its words", `a <script>alert(1)</script> b`, `<p>a  b` + end + "</p>"},
		{"a block of HTML leaves its words", "<div onclick=x>\nHello <script>evil()</script> there\n</div>",
			`<p>Hello there</p>`},
		{"crossed tags are dropped", `<b>a <i>b</b> c</i>`, `<p><b>a b</b> c` + end + "</p>"},
		{"an address that runs is no link", `[a](javascript:alert(1)) <javascript:alert(1)> [b](&#x6A;avascript:x) ` +
			`[c](java%73cript:x)`, `<p><span>a</span> javascript:alert(1) <span>b</span> <span>c</span>` + end + "</p>"},
		{"a title cannot break out", `[a](/x "\"><script>")`,
			`<p><a href="/x" title="&#34;&gt;&lt;script&gt;">a</a>` + end + "</p>"},
		{"an entity at the end of a block", "And then the tide turned&#8230;\n\n- price &#8364;\n- &#x20AC;\n\n> 5&#8364;\n" +
			"\nTwice &#8220;quoted&#8221;",
			"<p>And then the tide turned…</p>\n<ul>\n<li>price €</li>\n<li>€</li>\n</ul>\n" +
				"<blockquote>\n<p>5€</p>\n</blockquote>\n" +
				"<p>Twice “quoted”" + end + "</p>"},
		{"an entity at the end of a heading, an emphasis, a link and a line",
			"## A &#8230;\n\n*b&#8230;* [c&#8230;](/c)&#8230;\nd&#8230;  \ne",
			`<h2 id="a">A …</h2>` + "\n" + `<p><em>b…</em> <a href="/c">c…</a>…` + "\nd…<br>\ne" + end + "</p>"},
		{"an entity at the end of a cell", "| a&#8364; |\n|---|\n| 5 &#8364; |",
			`<div class="box" tabindex="0" role="group" aria-label="Table"><table><thead><tr><th scope="col">a€</th>` + "\n" +
				"</tr>\n</thead>\n" + `<tbody><tr><th scope="row">5 €</th>` + "\n</tr>\n</tbody>\n</table>\n</div>"},
		{"columns keep their alignment", "| a | b | c | d |\n|:--|:-:|--:|---|\n| 1 | 2 | 3 | 4 |",
			`<div class="box" tabindex="0" role="group" aria-label="Table"><table><thead><tr>` +
				`<th scope="col" class="left">a</th>` + "\n" +
				`<th scope="col" class="centre">b</th>` + "\n" + `<th scope="col" class="num">c</th>` + "\n" +
				`<th scope="col">d</th>` + "\n</tr>\n</thead>\n" + `<tbody><tr><th scope="row" class="left">1</th>` + "\n" +
				`<td class="centre">2</td>` + "\n" + `<td class="num">3</td>` + "\n<td>4</td>\n</tr>\n</tbody>\n</table>\n</div>"},
		{"a line may end in a carriage return alone", "a\r\rb\r\r- c\r- d\r",
			"<p>a</p>\n<p>b</p>\n<ul>\n<li>c</li>\n<li>d</li>\n</ul>"},
		{"two speakers of a quotation", "> — Bonjour, dit-elle.\n>\n> — Bonsoir, dit-il.\n>\n> — Vous partez ?",
			"<blockquote>\n<p>— Bonjour, dit-elle.</p>\n<p>— Bonsoir, dit-il.</p>\n<p>— Vous partez ?</p>\n</blockquote>"},
		{"speakers after a sentence, with blanks that do not break",
			"> Il dit :\n>\n> —\u00a0Bonjour.\n>\n> —\u00a0Bonsoir.",
			"<blockquote>\n<p>Il dit :</p>\n<p>—\u00a0Bonjour.</p>\n<p>—\u00a0Bonsoir.</p>\n</blockquote>"},
		{"speakers in lines of one paragraph", "> Il dit :\n>\n> – Bonjour.\n> – Bonsoir.",
			"<blockquote>\n<p>Il dit :</p>\n<p>– Bonjour.\n– Bonsoir.</p>\n</blockquote>"},
		{"a quotation of two paragraphs says whose it is", "> A.\n>\n> B.\n>\n> —\u00a0Harm",
			"<blockquote>\n<p>A.</p>\n<p>B.</p>\n<footer>Harm</footer>\n</blockquote>"},
		{"emphasis beside Chinese punctuation", "**重要提示（注意）：**请看。~~渡船。~~每",
			"<p><strong>重要提示（注意）：</strong>请看。<del>渡船。</del>每" + end + "</p>"},
		{"emphasis beside Japanese and Korean", "この**「渡し船」**は *(朝)*に。**배(船)**가",
			"<p>この<strong>「渡し船」</strong>は <em>(朝)</em>に。<strong>배(船)</strong>가" + end + "</p>"},
		{"no blank between Han letters", "渡船每四分钟\n一班。\n**渡船**\n每\na\n배가\n옵니다",
			"<p>渡船每四分钟一班。<strong>渡船</strong>每\na\n배가\n옵니다" + end + "</p>"},
		{"a host beyond ASCII is written as in the DNS",
			"[a](https://Münster-quay.example:8443/é) <https://münster-quay.example/>",
			`<p><a href="https://xn--mnster-quay-thb.example:8443/%C3%A9">a</a> ` +
				`<a href="https://xn--mnster-quay-thb.example/">` +
				"https://münster-quay.example/</a>" + end + "</p>"},
		{"nothing is nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strings.TrimSpace(string(render(t, test.markdown, "en").HTML))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestBareAddressesAreLinkedWhole(t *testing.T) {
	for given, want := range map[string]struct{ label, rest string }{
		"https://quay.example/wiki/Café_Zuid is near":  {"https://quay.example/wiki/Café_Zuid", "is near"},
		"https://quay.example/wiki/Cafe\u0301_Zuid":    {"https://quay.example/wiki/Café_Zuid", ""},
		"https://quay.example/вики/Габрово, too":       {"https://quay.example/вики/Габрово", ", too"},
		"https://quay.example/渡船。":                     {"https://quay.example/渡船", "。"},
		"https://münster-quay.example/plan here":       {"https://münster-quay.example/plan", "here"},
		"https://пример.рф":                            {"https://пример.рф", ""},
		"https://xn--e1afmkfd.xn--p1ai/a":              {"https://xn--e1afmkfd.xn--p1ai/a", ""},
		"www.münster-quay.example/é":                   {"www.münster-quay.example/é", ""},
		"'look at https://quay.example/map'.":          {"https://quay.example/map", "’."},
		`"look at https://quay.example/map".`:          {"https://quay.example/map", "”."},
		`"https://quay.example/map"`:                   {"https://quay.example/map", "”"},
		`'https://quay.example/map'`:                   {"https://quay.example/map", "’"},
		"“see https://quay.example/map”":               {"https://quay.example/map", "”"},
		"« https://quay.example/é »":                   {"https://quay.example/é", "»"},
		"(„at https://quay.example/map“)":              {"https://quay.example/map", "“)"},
		"(see https://quay.example/a_(b))":             {"https://quay.example/a_(b)", ")"},
		"https://quay.example/Harm's_boat":             {"https://quay.example/Harm's_boat", ""},
		"https://quay.example/L’Aquila–Pescara, there": {"https://quay.example/L’Aquila–Pescara", ", there"},
		"https://quay.example/a?b=é&c=ü#ß":             {"https://quay.example/a?b=é&c=ü#ß", ""},
	} {
		text := render(t, "x "+given, "en")
		_, after, found := strings.Cut(string(text.HTML), "<a href=")
		_, after, _ = strings.Cut(after, ">")
		label, rest, _ := strings.Cut(after, "</a>")
		rest = strings.TrimSuffix(strings.TrimSpace(rest), end+"</p>")
		label, rest = html.UnescapeString(label), html.UnescapeString(rest)
		if !found || label != want.label || rest != want.rest {
			t.Errorf("%s: link %q, rest %q in %s", given, label, rest, text.HTML)
		}
	}
}

func TestTheAlignmentOfATableIsSent(t *testing.T) {
	table := render(t, "| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |", "en").HTML
	want := `<table><thead><tr><th align="left">a</th><th align="center">b</th><th align="right">c</th></tr></thead>` +
		`<tbody><tr><th align="left">1</th><td align="center">2</td><td align="right">3</td></tr></tbody></table>`
	if diff := cmp.Diff(want, string(Federated(table, ArticleHTML, ferry))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPunctuation(t *testing.T) {
	for _, test := range []struct{ name, language, given, want string }{
		{"quotation marks", "en", `"a" and 'b'`, "“a” and ‘b’"},
		{"marks around markup", "en", `"*a*" *"b"*`, "“a” “b”"},
		{"marks inside marks", "en", `"'a' b"`, "“‘a’ b”"},
		{"apostrophes", "en", `Harm's don't ferrymen' '90s 'twas 1990's`,
			"Harm’s don’t ferrymen’ ’90s ’twas 1990’s"},
		{"a quoted word that begins with t", "en", `'the river'`, "‘the river’"},
		{"feet and inches", "en", `5'10" tall`, `5'10" tall`},
		{"dashes", "en", `a -- b --- c 1--2`, "a – b — c 1–2"},
		{"options of a command", "en", `use --once here`, "use --once here"},
		{"an ellipsis", "en", `well... .... ..`, "well… .... .."},
		{"escaped marks stay", "en", `\"a\" \-- b`, `"a" -- b`},
		{"Dutch elisions", "nl", `'s avonds in 't veer zei 'ie "ja"`, "’s avonds in ’t veer zei ’ie “ja”"},
		{"German", "de", `"a" 'b'`, "„a“ ‚b‘"},
		{"years without their century", "de", "Im Sommer der '80er fuhr Hans' Boot, die '68er, '80ern",
			"Im Sommer der ’80er fuhr Hans’ Boot, die ’68er, ’80ern"},
		{"German elisions", "de", "So 'ne Fähre, 'n Boot, 's ist 'raus, wie geht's 'den' Leuten",
			"So ’ne Fähre, ’n Boot, ’s ist ’raus, wie geht’s ‚den‘ Leuten"},
		{"Dutch years and genitives", "nl", "In de jaren '80 voer Frits' boot, de '80-er jaren, foto's van 's-Gravenhage",
			"In de jaren ’80 voer Frits’ boot, de ’80-er jaren, foto’s van ’s-Gravenhage"},
		{"English years and genitives", "en", "In the '80s James' boat, rock 'n' roll and 'that' of '99",
			"In the ’80s James’ boat, rock ’n’ roll and ‘that’ of ’99"},
		{"French years and elisions", "fr", "L'été '85, les années '80, un p'tit 'tit bac d'aujourd'hui",
			"L’été ’85, les années ’80, un p’tit ’tit bac d’aujourd’hui"},
		{"French", "fr", `"a" l'eau`, "«\u202Fa\u202F» l’eau"},
		{"marks across lines", "en", "\"a\nb\" 'c\nd'", "“a b” ‘c d’"},
		{"an entity is left alone", "en", `&quot;a&quot;`, `"a"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, render(t, test.given, test.language).Text); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

const sampleArticle = `The ferry comes when *you* ring the bell.[^1] @bram@veerhuis.example knows, ` +
	`@kade@zilverduin.example does not. #Rivers #rivers

## Keeping the log {#log}

![A section.](section.jpg "The crossing.")

![](bridge.jpg) ![x](https://dijla.example/x.png) ![y](y.png)

See [the log](https://overkant.example/log), [again](https://overkant.example/log) ` +
	`and [evil](vbscript:x). <blink>No.</blink>

` + "```awk\n{ mid++ }\n```" + `

[^1]: And the bell is on the other side.
`

func TestArticleReportsWhatItFound(t *testing.T) {
	got := render(t, sampleArticle, "en")
	picture := func(name string) Picture {
		return Picture{URL: "/media/" + name, Width: 1200, Height: 420,
			Srcset: "/media/600-" + name + " 600w, /media/" + name + " 1200w"}
	}
	want := Rendered{
		Words: 40, Minutes: 1,
		Headings: []Heading{{"log", "Keeping the log", 2}},
		Images: []Image{{"section.jpg", "A section.", picture("section.jpg")}, {"bridge.jpg", "", picture("bridge.jpg")},
			{Source: "https://dijla.example/x.png", Alt: "x"}, {Source: "y.png", Alt: "y"}},
		Links:    []string{"https://overkant.example/log"},
		Mentions: []string{"@bram@veerhuis.example", "@kade@zilverduin.example"},
		Hashtags: []string{"Rivers"},
		Notices: []Notice{{UnknownMention, "@kade@zilverduin.example", 1}, {NoAlt, "bridge.jpg", 7},
			{RemotePicture, "https://dijla.example/x.png", 7},
			{MissingPicture, "y.png", 7}, {RawHTML, "<blink>", 9}, {UnsafeLink, "vbscript:x", 9}},
	}
	want.HTML, want.Text = got.HTML, got.Text
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	wantText := `The ferry comes when you ring the bell. @bram knows, @kade@zilverduin.example does not. #Rivers #rivers

Keeping the log

A section.

The crossing.

x y

See the log, again and evil. No.

{ mid++ }

And the bell is on the other side.`
	if diff := cmp.Diff(wantText, got.Text); diff != "" {
		t.Errorf("text (-want +got)\n%s", diff)
	}
	if want, got := "line 9: raw HTML left out: <blink>", got.Notices[4].String(); got != want {
		t.Errorf("notice %q, want %q", got, want)
	}
}

func TestIDsMayHaveAPrefix(t *testing.T) {
	r, err := Article("## A\n\nb[^1] [c](#a)\n\n[^1]: d", Options{IDPrefix: "x7-"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<h2 id="x7-a">`, `<sup id="x7-r1"><a href="#x7-n1"`, `<li id="x7-n1">`, `href="#x7-r1"`,
		`<a href="#x7-a">c</a>`, `aria-labelledby="x7-notes"`, `<h2 id="x7-notes"`} {
		if !strings.Contains(string(r.HTML), want) {
			t.Errorf("no %s in %s", want, r.HTML)
		}
	}
}

func TestANoteMayBeReferredToTwice(t *testing.T) {
	html := string(render(t, "a[^1] b[^1]\n\n[^1]: c", "nl").HTML)
	for _, want := range []string{`<sup id="r1">`, `<sup id="r1-2"><a href="#n1" aria-label="Noot 1">`,
		`href="#r1" aria-label="Terug naar verwijzing 1"`, `href="#r1-2"`, `>Noten</h2>`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in %s", want, html)
		}
	}
}

func TestArticleRefusesWhatIsTooLarge(t *testing.T) {
	if _, err := Article(strings.Repeat("a", MaxArticle+1), Options{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if _, err := Article(strings.Repeat("> ", 500)+"a", Options{}); !errors.Is(err, ErrTooComplex) {
		t.Errorf("error %v", err)
	}
}

func TestLongHonestArticlesAreNotRefused(t *testing.T) {
	long := strings.Repeat(strings.ReplaceAll(strings.ReplaceAll(sampleArticle, "[^1]", ""), ": And", "And")+
		"\n- a *b* [c](/d)\n  - e `f`\n    1. g\n\n| a | b |\n|---|---|\n| c | d |\n\n"+
		strings.Repeat("Nobody sits silent for *four* minutes opposite a man who is [rowing](/x). ", 40)+"\n\n", 290)
	if len(long) < 900_000 || len(long) > MaxArticle {
		t.Fatalf("%d bytes", len(long))
	}
	if _, err := Article(long, Options{}); err != nil {
		t.Error(err)
	}
}

func TestSummaryIsTheFirstParagraph(t *testing.T) {
	html := render(t, "## A\n\n![A section.](section.jpg)\n\nThe *ferry* comes.[^1] When?\n\nMore.\n\n[^1]: Note.",
		"en").HTML
	if got, want := Summary(html, 100), "The ferry comes. When?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for markdown, want := range map[string]string{
		"## A": "",
		"## Timetable\n\n| a | b |\n|---|---|\n| 6 | 9 |\n\n```\nx\n```\n\n" +
			"Every four minutes.[^1]\n\n[^1]: Except at night.": "Every four minutes.",
		"## A\n\n- One.\n- Two.\n\n```\nx\n```": "One.",
		"> Quoted.\n>\n> -- Harm\n\n- One.":     "Quoted.",
		"渡船" + strings.Repeat("每四分钟一班", 20): "渡船" +
			strings.Repeat("每四分钟一班", 16) + "每…",
		"e\u0301" + strings.Repeat("x\u0301", 60) + "y": "é" + strings.Repeat("x\u0301", 49) + "…",
	} {
		if got := Summary(render(t, markdown, "en").HTML, 100); got != want {
			t.Errorf("%q: got %q, want %q", markdown, got, want)
		}
	}
}

func TestCountWords(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"words", "The ferry, at 5 o’clock – comes", 6},
		{"nothing", " – ", 0},
		{"characters count half", "渡し船が来る", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := CountWords(test.text); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func FuzzArticle(f *testing.F) {
	f.Add(sampleArticle)
	f.Add(sampleFile)
	for _, seed := range []string{
		"<b>a <i>b</b> c</i>", "a <script>b", "[a](javascript:x)", "![a](x \"\\\"><script>\")",
		"| a |\n|-|\n| <b> |\n\nTable: x", "> a\n>\n> -- b", "# a {#b}\n# a {#b}",
		"a[^b] [^b]\n\n[^b]: c [^b]", "[^a]: [^a]\n[^a]", "![@a@b.c](x)", "[![x](y)](z){.wide}",
		"- [x] a\n\n  [^1]\n\n[^1]: - b", "a\n: b\n: c", "```\x00\n", "\"'*_`\\", "<div>\n<script>\n</div>", "&lt;script&gt;",
		"x <!-- y", "1. a\n\n\n   b\n\n       c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, markdown string) {
		r, err := Article(markdown, Options{Language: "nl",
			Resolve: func(src string) (Picture, bool) { return Picture{URL: "/media/" + src}, len(src)%2 == 0 },
			Mention: func(handle string) (string, bool) { return "https://dijla.example/" + handle, true }})
		if err != nil {
			if !errors.Is(err, ErrTooComplex) {
				t.Error(err)
			}
			return
		}
		checkArticle(t, r)
	})
}

func BenchmarkArticle(b *testing.B) {
	text := strings.Repeat(strings.ReplaceAll(sampleArticle, "[^1]", ""), 10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Article(text, Options{Language: "en"}); err != nil {
			b.Fatal(err)
		}
	}
}
