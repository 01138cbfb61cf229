package blog_test

import (
	"fmt"
	"strings"
	"time"

	"causerie/internal/blog"
)

// The comments under an article become trees: each answer stands below what it answers.
func ExampleThreads() {
	at := time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC)
	comments := []blog.Comment{
		{ID: "3", ParentID: "1", Plain: "Three on Sundays.", SortedAt: at.Add(3 * time.Minute)},
		{ID: "2", Plain: "I miss the bell.", SortedAt: at.Add(2 * time.Minute)},
		{ID: "1", Plain: "Four minutes?", SortedAt: at},
	}
	var show func([]blog.Thread)
	show = func(threads []blog.Thread) {
		for _, t := range threads {
			fmt.Println(strings.Repeat("> ", t.Depth+1) + t.Comment.Plain)
			show(t.Answers)
		}
	}
	show(blog.Threads(comments))
	// Output:
	// > Four minutes?
	// > > Three on Sundays.
	// > I miss the bell.
}
