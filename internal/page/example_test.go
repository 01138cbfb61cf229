package page_test

import (
	"fmt"
	"log"
	"testing/fstest"

	"causerie/internal/page"
)

// replies is the data of a page. Speaks names the language of the page.
type replies struct {
	Lang string
	N    int
}

func (r replies) Locale() string { return r.Lang }

// A page stands in a layout, and says its words in its own language.
func ExampleSet_Bytes() {
	set, err := page.Load(fstest.MapFS{
		"layout/web.html":     {Data: []byte(`{{define "web"}}<html lang="{{.Lang}}">{{template "main" .}}</html>{{end}}`)},
		"web/article.html":    {Data: []byte(`{{template "web" .}}{{define "main"}}{{t "replies" "N" .N}}{{end}}`)},
		"admin/today.html":    {Data: []byte(`today`)},
		"words/en.yaml":       {Data: []byte("replies:\n  one: \"{{.N}} reply\"\n  other: \"{{.N}} replies\"\n")},
		"words/nl.yaml":       {Data: []byte("replies:\n  one: \"{{.N}} reactie\"\n  other: \"{{.N}} reacties\"\n")},
		"static/causerie.css": {Data: []byte("body { color: black }\n")},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, data := range []replies{{"en", 1}, {"nl", 2}} {
		html, err := set.Bytes("web/article", data)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(html))
	}
	// Output:
	// <html lang="en">1 reply</html>
	// <html lang="nl">2 reacties</html>
}
