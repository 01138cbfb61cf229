package main

import (
	"encoding/json"
	"strings"
	"testing"

	"causerie/internal/store/storetest"
)

func TestASeededBlogIsOneThatGrew(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite,
		"postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			s := open(t, database(t))
			seed := []string{"bench", "seed", "--articles", "60", "--comments", "200", "--followers", "90", "--hosts", "20"}
			if out := s.cli(seed...); !strings.Contains(out, "60 articles, 200 comments and 90 followers on 20 hosts") {
				t.Errorf("it says %q", out)
			}

			var all []articleLine
			for _, a := range read[articleLine](t, s.cli("article", "list", "--json")) {
				if a.Status == "published" {
					all = append(all, a)
				}
			}
			if len(all) != 60 {
				t.Fatalf("%d articles are published", len(all))
			}
			seen := map[string]bool{}
			for _, a := range all[:10] {
				if seen[a.URL] || seen[a.Object] {
					t.Errorf("%s has an address twice", a.Slug)
				}
				seen[a.URL], seen[a.Object] = true, true
				if status, page := s.get(a.URL, "text/html"); status != 200 || !strings.Contains(page, a.Title) {
					t.Errorf("the page %s answers %d", a.URL, status)
				}
				var object struct{ ID, URL, Type string }
				status, body := s.get(a.Object, "application/activity+json")
				if err := json.Unmarshal([]byte(body), &object); err != nil || status != 200 || object.ID != a.Object ||
					object.URL != a.URL || object.Type != "Article" {
					t.Errorf("the object %s answers %d with %+v, %v", a.Object, status, object, err)
				}
			}
			if comments := read[commentLine](t, s.cli("comment", "list", "--waiting", "--json")); len(comments) == 0 {
				t.Error("no comment waits")
			}
			var outbox, followers struct{ TotalItems int }
			author := read[authorLine](t, s.cli("author", "list", "--json"))[0].Object
			for address, into := range map[string]any{author + "/outbox": &outbox, author + "/followers": &followers} {
				if _, body := s.get(address, "application/activity+json"); json.Unmarshal([]byte(body), into) != nil {
					t.Errorf("%s is %s", address, body)
				}
			}
			if outbox.TotalItems != 15 || followers.TotalItems < 45 {
				t.Errorf("the first of four authors has %d activities and %d followers", outbox.TotalItems,
					followers.TotalItems)
			}

			if _, trouble, status := cli(s.ctx, s.args(seed...), nil, ""); status != failed ||
				!strings.Contains(trouble, "choose another --data") {
				t.Errorf("a second time it ends with %d: %s", status, trouble)
			}
		})
	}
}
