package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

const ferry = `---
title: Four minutes wide
language: en
tags: [rivers]
---

The ferry comes when you ring the bell.
`

// An article is sent out and replies come back, all through the program as its users see it.
func TestAStrangerFollowsReadsRepliesAndForgets(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		ilse := s.ilse(bram)

		file := write(t, "ferry.md", ferry)
		began := time.Now()
		published := read[articleLine](t, s.cli("article", "publish", file, "--author", "ilse", "--json"))[0]
		if published.Status != "published" || published.Deliveries != 1 {
			t.Fatalf("published as %+v", published)
		}
		soon, cancel := context.WithTimeout(s.ctx, 2*time.Second)
		defer cancel()
		delivery, err := veerhuis.WaitFor(soon, fedtest.About("Create", published.Object))
		if err != nil {
			t.Fatalf("no correctly signed Create within two seconds of publishing beside the server: %v", err)
		}
		t.Logf("delivered %d ms after the command began", time.Since(began).Milliseconds())
		if object, _ := delivery.JSON()["object"].(map[string]any); object["attributedTo"] != ilse.Object ||
			object["name"] != "Four minutes wide" {
			t.Errorf("the Create carries %v", object)
		}

		reply, err := bram.Reply(s.ctx, published.Object, "<p>If the wind lets you.</p>")
		if err != nil {
			t.Fatal(err)
		}
		s.shows(published.URL, "If the wind lets you.", true)

		again := write(t, "ferry.md", strings.Replace(ferry, "ring the bell", "wave a scarf", 1))
		revised := read[articleLine](t, s.cli("article", "publish", again, "--author", "ilse", "--json", "--database",
			database))[0]
		if revised.ID != published.ID || revised.URL != published.URL || revised.Object != published.Object {
			t.Errorf("the same file again is %+v, not a revision of %+v", revised, published)
		}
		if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Update", published.Object)); err != nil {
			t.Fatal(err)
		}
		if post, _ := veerhuis.FindPost(published.Object); !strings.Contains(post.Content, "wave a scarf") {
			t.Errorf("the stranger reads %q", post.Content)
		}
		s.shows(published.URL, "wave a scarf", true)

		s.moderate(published, reply.Object)

		s.cli("article", "withdraw", "four-minutes-wide")
		if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Delete", published.Object)); err != nil {
			t.Fatal(err)
		}
		if post, _ := veerhuis.FindPost(published.Object); !post.Gone {
			t.Error("the stranger still has the article")
		}
		for address, accept := range map[string]string{published.URL: "text/html",
			published.Object: "application/activity+json"} {
			s.wait(address+" answers 410", func() bool {
				status, _ := s.get(address, accept)
				return status == http.StatusGone
			})
		}
	})
}

// moderate hides a comment by command and approves it again.
func (s *stage) moderate(a articleLine, object string) {
	s.t.Helper()
	comments := read[commentLine](s.t, s.cli("comment", "list", "--json"))
	if len(comments) != 1 || comments[0].Object != object || comments[0].Text != "If the wind lets you." ||
		comments[0].Article != "four-minutes-wide" {
		s.t.Fatalf("the comments are %+v", comments)
	}
	id := string(comments[0].ID)
	s.cli("comment", "hide", id)
	s.shows(a.URL, "If the wind lets you.", false)
	s.cli("comment", "approve", id)
	s.shows(a.URL, "If the wind lets you.", true)
	s.cli("comment", "delete", id)
	s.shows(a.URL, "If the wind lets you.", false)
}

func TestDeliveriesShowARefusalAndRetryIt(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	veerhuis, bram := s.veerhuis()
	s.ilse(bram)
	if err := veerhuis.SetBehaviour(fedtest.Refusing(http.StatusForbidden)); err != nil {
		t.Fatal(err)
	}
	s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse")
	report := func(more ...string) []serverLine {
		return read[serverLine](t, s.cli(append([]string{"deliveries", "four-minutes-wide", "--json"}, more...)...))
	}
	s.wait("the delivery is refused", func() bool { return len(report("--failed")) == 1 })
	line := report()[0]
	if line.Status != "refused" || line.Code != http.StatusForbidden || line.Host != veerhuis.Host || line.Followers != 1 {
		t.Errorf("the report says %+v", line)
	}
	if err := veerhuis.SetBehaviour(fedtest.Healthy()); err != nil {
		t.Fatal(err)
	}
	if said := s.cli("deliveries", "retry", "four-minutes-wide", "--host", veerhuis.Host); !strings.Contains(said,
		"1 delivery") {
		t.Errorf("retry said %q", said)
	}
	s.wait("the delivery is delivered", func() bool { return report()[0].Status == "delivered" })
	if failed := report("--failed"); len(failed) != 0 {
		t.Errorf("still failed: %+v", failed)
	}
	if said := s.cli("deliveries"); !strings.Contains(said, "The one server has it.") {
		t.Errorf("the overview says %q", said)
	}
}

func TestAnArticleWithAFutureDateIsPublishedThen(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	veerhuis, bram := s.veerhuis()
	s.ilse(bram)
	at := time.Now().Add(2500 * time.Millisecond).UTC().Truncate(time.Second)
	file := write(t, "later.md", "---\ntitle: Later\ndate: "+at.Format(time.RFC3339)+"\n---\n\nNot yet.\n")
	scheduled := read[articleLine](t, s.cli("article", "publish", file, "--author", "ilse", "--json"))[0]
	if scheduled.Status != "scheduled" || scheduled.Object != "" {
		t.Fatalf("it is %+v", scheduled)
	}
	if status, _ := s.get(scheduled.URL, "text/html"); status != http.StatusNotFound {
		t.Errorf("its page answers %d before its time", status)
	}
	delivery, err := veerhuis.WaitFor(s.ctx, fedtest.OfType("Create"))
	if err != nil {
		t.Fatal(err)
	}
	if delivery.At.Before(at) {
		t.Errorf("it went out %s early", at.Sub(delivery.At))
	}
	s.shows(scheduled.URL, "Not yet.", true)
}
