package feed_test

import (
	"fmt"
	"log"
	"strings"
	"time"

	"causerie/internal/feed"
)

// A JSON Feed with one article.
func ExampleJSON() {
	at := time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC)
	text, err := feed.JSON(feed.Feed{
		ID: "https://overkant.example/", Title: "De Overkant", Language: "en",
		Home: "https://overkant.example/", Self: "https://overkant.example/feed.json", Updated: at,
		Entries: []feed.Entry{{
			ID:    "https://overkant.example/ap/articles/01KAW0M5E8D3G6J9N2Q4T7V0XA",
			URL:   "https://overkant.example/2026/11/four-minutes-wide",
			Title: "Four minutes wide", HTML: "<p>The ferry.</p>", Published: at, Updated: at,
			Authors: []feed.Person{{Name: "Ilse Verhaagen"}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.ReplaceAll(string(text), `,"`, ",\n\""))
	// Output:
	// {"version":"https://jsonfeed.org/version/1.1",
	// "title":"De Overkant",
	// "home_page_url":"https://overkant.example/",
	// "feed_url":"https://overkant.example/feed.json",
	// "language":"en",
	// "items":[{"id":"https://overkant.example/ap/articles/01KAW0M5E8D3G6J9N2Q4T7V0XA",
	// "url":"https://overkant.example/2026/11/four-minutes-wide",
	// "title":"Four minutes wide",
	// "content_html":"\u003cp\u003eThe ferry.\u003c/p\u003e",
	// "date_published":"2026-11-22T20:30:00Z",
	// "authors":[{"name":"Ilse Verhaagen"}]}]}
}
