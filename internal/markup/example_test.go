package markup_test

import (
	"fmt"
	"log"

	"causerie/internal/markup"
)

// Markdown becomes HTML that is safe to print, and the author is told what was left out.
func ExampleArticle() {
	text := `Ask @bram@veerhuis.example about the "low road".<script>alert(1)</script>`
	article, err := markup.Article(text, markup.Options{
		Language: "en",
		Mention:  func(string) (string, bool) { return "https://veerhuis.example/@bram", true },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(article.Text)
	fmt.Println(article.Mentions, article.Words, "words")
	for _, notice := range article.Notices {
		fmt.Println("notice:", notice.Problem)
	}
	// Output:
	// Ask @bram about the “low road”.
	// [@bram@veerhuis.example] 6 words
	// notice: raw HTML left out
}

// What a stranger sent as HTML keeps its words and loses what could harm a reader.
func ExampleClean() {
	comment := markup.Clean(`<p onclick="steal()">Three on <b>Sundays</b>.<script>steal()</script></p>`)
	fmt.Println(comment.HTML)
	// Output:
	// <p>Three on <b>Sundays</b>.</p>
}
