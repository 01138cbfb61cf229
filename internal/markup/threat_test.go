package markup

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"causerie/internal/text"
)

// The tests here carry the numbers of the rows of internal/threats.md that speak of HTML and Markdown.

func TestT145NothingThatRunsIsLeftOfRemoteHTML(t *testing.T) {
	clean(t, []cleaning{
		{"scripts and styles go with what they hold", `a<script>alert(1)</script><style>b{}</style>c`, `ac`},
		{"handlers, styles and ids go", `<p onclick="x" style="position:fixed" id="csrf" name="y">a</p>`, `<p>a</p>`},
		{"a picture becomes a link", `<img src="https://dijla.example/x.png" alt="a heron" onerror=x>`,
			`<a href="https://dijla.example/x.png" ` + rel + `>a heron</a>`},
		{"handlers in every writing go", "<p ONCLICK=x onmouseover='y' on\x00load=z/onfocus=q>a</p>", `<p>a</p>`},
		{"a frame's page goes", `a<iframe srcdoc="<script>x</script>">b</iframe>c`, `ac`},
		{"a film goes with its handler", `<video poster=x onerror=y><source src=z onerror=w>a</video>`, `a`},
		{"a body in the text is none", `a<body onload=x>b</body>`, `ab`},
	})
}

func TestT147WhatBrowsersReadDifferentlyIsDropped(t *testing.T) {
	clean(t, []cleaning{
		{"a script may hide in a template", `<template><script>x</script></template>a`, `a`},
		{"foreign content goes", `<svg><p>a<script>x</script></svg>b<math><mi>c</mi></math>d`, `bd`},
		{"comments go", `a<!-- b --><![CDATA[c]]><?d?>e`, `ae`},
		{"tricks with raw text leave text", `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `&#34;&gt;`},
		{"foreign content cannot smuggle a style",
			`<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, ``},
		{"nor a title", `<svg><title><style><img src=x onerror=alert(1)></style></title></svg>a`, `a`},
		{"a table does not throw its content out", `<table><a href="javascript:x">a</a><tr><td><script>y</script>b</table>`,
			`a <p>b</p>`},
		{"an annotation is no way in", `<math><annotation-xml encoding="text/html"><img src=x ` +
			`onerror=y></annotation-xml></math>a`, `a`},
		{"what never closes holds no markup", `a<xmp><img src=x onerror=y></xmp>b<plaintext><script>z`, `ab`},
	})
}

func TestT148OddLettersMakeNoElement(t *testing.T) {
	clean(t, []cleaning{
		{"an odd letter does not make a script", `<scr&#x131;pt>a</scr&#x131;pt><ſcript>b</ſcript>`, `a&lt;ſcript&gt;b`},
		{"nor the sign of Kelvin", "<\u212Abd onclick=x>a</\u212Abd><lin\u212A>b", "&lt;\u212Abd onclick=x&gt;ab"},
	})
}

func TestT149NoFormsFramesOrHeadsArePlaced(t *testing.T) {
	clean(t, []cleaning{
		{"forms leave their words", `<form action="https://zilverduin.example"><input name=q><button>Go</button></form>`,
			`<p>Go</p>`},
		{"heads go", `<base href="https://zilverduin.example/"><meta http-equiv=refresh content="0;url=x"><link ` +
			`rel=stylesheet href=x>a`, `a`},
		{"objects go", `<object data=x>a</object><embed src=x><applet code=x>b</applet>`, `b`},
		{"fields go", `<select><option>a</select><textarea><script>x</textarea>b`, `&lt;script&gt;xb`},
	})
}

func TestT150NothingIsPaintedOverThePage(t *testing.T) {
	clean(t, []cleaning{
		{"only known classes stay", `<span class="btn first mention">a</span><p class="trouble">b</p>`,
			`<span class="mention">a</span><p>b</p>`},
		{"a style goes", `<p style="position:fixed;inset:0">a</p>`, `<p>a</p>`},
	})
}

func TestT151NoNamesOfThePageAreTaken(t *testing.T) {
	clean(t, []cleaning{
		{"an id", `<p id="csrf">a</p>`, `<p>a</p>`},
		{"a name", `<a name="csrf" href="https://dijla.example/">a</a>`,
			`<a href="https://dijla.example/" ` + rel + `>a</a>`},
		{"a picture's", `<img name="body" id="cookie" alt="a" src="https://dijla.example/x.png">`,
			`<a href="https://dijla.example/x.png" ` + rel + `>a</a>`},
	})
}

func TestT152AnAttributeIsNotBrokenOutOf(t *testing.T) {
	clean(t, []cleaning{
		{"a quote in an attribute breaks nothing", "<a href='https://a.example/\">\n<script>x'>a</a>",
			`<a href="https://a.example/%22%3E%3Cscript%3Ex" ` + rel + `>a</a>`},
		{"nor by a line break", "<p lang=\"en\nonclick=x\" dir=\"ltr\n><script>\">a</p>", `<p>a</p>`},
		{"nor in the words of a picture", `<img src="https://dijla.example/x.png" alt='"><script>x</script>'>`,
			`<a href="https://dijla.example/x.png" ` + rel + `>&#34;&gt;&lt;script&gt;x&lt;/script&gt;</a>`},
	})
}

func TestT153MarkdownIsNoWayAroundTheList(t *testing.T) {
	for _, markdown := range []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `[a](javascript:alert(1))`,
		`[a](JaVaScRiPt&colon;alert(1))`, `[a][x]

[x]: javascript:alert(1)`,
		`<javascript:alert(1)>`, `![a](javascript:alert(1))`, `[a](https://a.example "\"onmouseover=alert(1)")`,
		`# a {#x" onclick="alert(1)}`,
		"[^1]\n\n[^1]: <script>alert(1)</script>", `<a href="data:text/html,<script>">a</a>`,
		"<style>*{position:fixed}</style>", `<svg><script>x</script></svg>`,
		"```html\n<script>x</script>\n```", `[a](java%0ascript:alert(1))`, "[a](<java\tscript:x>)",
		`<iframe src="//zilverduin.example">`, `| <script>x</script> |\n|-|\n`,
	} {
		render(t, strings.ReplaceAll(markdown, `\n`, "\n"), "en") // which looks at the result as a browser does
	}
}

func TestT154OnlyLinksOfTheWebAreLinks(t *testing.T) {
	clean(t, []cleaning{
		{"an address that runs is no link", `<a href="javascript:alert(1)">a</a><a href=" jAvA&Tab;script:x">b</a><a ` +
			`href="data:text/html,x">c</a>`, `abc`},
		{"a relative address is no link", `<a href="/login">a</a><a href="//zilverduin.example">b</a><a ` +
			`href="mailto:x@y.example">c</a>`, `abc`},
		{"a name before the host is no link", `<a href="https://overkant.example@zilverduin.example/">a</a>`, `a`},
		{"nor one of another scheme", `<a href="vbscript:x">a</a><a href="blob:https://x/1">b</a><a ` +
			`href="filesystem:x">c</a><a href="ftp://x">d</a>`, `abcd`},
		{"nor one in pieces", "<a href=\"java\nscript:x\">a</a><a href=\"\x01javascript:x\">b</a><a " +
			"href=\"&#106;avascript&#58;x\">c</a>", `abc`},
	})
}

func TestT155ALinkShowsWhereItLeads(t *testing.T) {
	clean(t, []cleaning{
		{"a text that names another host is replaced", `<a href="https://zilverduin.example/x">overkant.example</a>`,
			`<a href="https://zilverduin.example/x" ` + rel +
				`><span class="invisible">https://</span>zilverduin.example/x</a>`},
		{"hidden words in a link are replaced by the truth",
			`<a href="https://zilverduin.example/"><span ` +
				`class="invisible">https://zilverduin.example/</span>overkant.example</a>`,
			`<a href="https://zilverduin.example/" ` + rel + `><span class="invisible">https://</span>zilverduin.example/</a>`},
		{"Mastodon's way of shortening stays readable",
			`<a href="https://dijla.example/a/long/path/to/a/page/about/ferries"><span class="invisible">https://</span><span ` +
				`class="ellipsis">dijla.example/a/long</span><span class="invisible">/path</span></a>`,
			`<a href="https://dijla.example/a/long/path/to/a/page/about/ferries" ` + rel +
				`><span class="invisible">https://</span><span ` +
				`class="ellipsis">dijla.example/a/long/path/to/a/page/a</span><span class="invisible">bout/ferries</span></a>`},
	})
}

func TestT156NoWordTurnsTheLineAround(t *testing.T) {
	clean(t, []cleaning{
		{"words that turn the line around are turned back", "a\u202Ecod.exe\u202C", "acod.exe"},
		{"marks piled upon a letter are few", "a" + strings.Repeat("\u0301", 50), "a" + strings.Repeat("\u0301", maxMarks)},
	})
	if got := CleanName("Ilse\u202E esrever\u2067\u200B\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301"); strings.
		ContainsAny(got, "\u202E\u2067") || strings.Count(got, "\u0301") > maxMarks {
		t.Errorf("a name is %q", got)
	}
}

func TestT163ACutLeavesWholeWordsAndWholeHTML(t *testing.T) {
	const words = `<p>a<b>é&amp;</b> <a href="https://dijla.example/é?a=1&amp;b=2">👩‍🚀 x</a></p><ul><li>ö</li></ul>`
	for cut := range len(words) {
		checkComment(t, Clean(words[:cut]))
		if cut > 0 {
			padding := strings.Repeat("a", MaxComment-cut)
			checkComment(t, Clean(padding+words))
		}
	}
	for limit := range 40 {
		got := text.Excerpt(Clean(words).Text+" más 👩‍🚀 día", limit)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > limit || strings.ContainsAny(got, "<>") {
			t.Errorf("an excerpt of %d is %q", limit, got)
		}
	}
}

// TestT160OneRoomMakesHTMLThatIsPrintedAsItIs reads the whole program. Code that turns a string into HTML that
// templates do not escape is listed here, with the reason why it may.
func TestT160OneRoomMakesHTMLThatIsPrintedAsItIs(t *testing.T) {
	may := map[string]string{
		"internal/markup/markup.go": "the one type that says so",
		"internal/markup/policy.go": "the gate",
		"internal/admin/publish.go": "words that it escapes itself, within <p> and <b>",
		"internal/page/i18n.go":     "a name that it escapes itself, parted by <wbr>",
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "fedtest") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && makesHTML(call) && may[filepath.ToSlash(name)] == "" {
				t.Errorf("%s makes HTML that nobody escapes", name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func makesHTML(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name == "SafeHTML"
	case *ast.SelectorExpr:
		room, _ := f.X.(*ast.Ident)
		if room == nil {
			return false
		}
		switch room.Name + "." + f.Sel.Name {
		case "markup.SafeHTML", "template.HTML", "template.HTMLAttr", "template.JS", "template.CSS", "template.URL",
			"template.JSStr", "template.Srcset":
			return true
		}
	}
	return false
}
