package admin_test

import (
	"fmt"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// TestPagesAskNoMoreQueriesForMoreRows shows that the lists of the admin read what their rows need for all rows at
// once.
func TestPagesAskNoMoreQueriesForMoreRows(t *testing.T) {
	t.Parallel()
	storetest.EachFailing(t, func(t *testing.T, s *store.Store, faults *storetest.Faults) {
		o := open(t, s, t.TempDir())
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		maud := o.author("maud", "Maud Lindqvist", blog.Writer)
		b := o.signIn("ilse")
		pages := []string{"/admin", "/admin/comments", "/admin/mentions", "/admin/reports", "/admin/series"}
		ask := func(page string) int { return b.queries(faults, page) }
		few := map[string]int{}
		for i := range 2 {
			o.rowOfEach(ilse, maud, i)
		}
		for _, page := range pages {
			few[page] = ask(page)
		}
		for i := 2; i < 24; i++ {
			o.rowOfEach(ilse, maud, i)
		}
		for _, page := range pages {
			many := ask(page)
			t.Logf("%s: %d queries", page, many)
			if many > few[page] {
				t.Errorf("%s asks %d queries for 24 rows, and %d for 2", page, many, few[page])
			}
		}
	})
}

// queries counts the queries of a page. The inbox and the courier also query now and then, so the smallest count of
// several views is that of the page itself.
func (b *browser) queries(faults *storetest.Faults, page string) int {
	b.t.Helper()
	b.open(page).want(200, page)
	least := 1 << 30
	for range 5 {
		faults.Asked()
		b.open(page)
		least = min(least, faults.Asked())
	}
	return least
}

// TestTheDeliveryReportAsksNoMoreQueriesForMoreActivities shows that the report reads the activities of an article all
// at once.
func TestTheDeliveryReportAsksNoMoreQueriesForMoreActivities(t *testing.T) {
	t.Parallel()
	storetest.EachFailing(t, func(t *testing.T, s *store.Store, faults *storetest.Faults) {
		o := open(t, s, t.TempDir())
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.befriend(o.server("veerhuis").Person("bram"), "ilse")
		b := o.signIn("ilse")
		a := o.published(b, "open")
		report := "/admin/articles/" + string(a.ID) + "/report"
		few := b.queries(faults, report)
		for i := range 6 {
			a.Markdown = fmt.Sprintf("%s\n\nThe ferry rows %d times.", prose, i)
			if err := o.outbox.ReviseWith(t.Context(), &a, outbox.ReviseOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		o.settled()
		many := b.queries(faults, report)
		b.sees("Published (Create)", "Changed (Update), to 1 server")
		if many > few {
			t.Errorf("the report asks %d queries for 7 activities, and %d for one", many, few)
		}
	})
}

// rowOfEach adds the i-th row to each list: an article with a comment of its own writer that answers another one and
// quotes, a mention, a report and a series.
func (o *overkant) rowOfEach(owner, other blog.Author, i int) {
	o.t.Helper()
	ctx, at := o.t.Context(), time.Now().UTC().Add(-time.Hour)
	check := func(err error) {
		if err != nil {
			o.t.Helper()
			o.t.Fatal(err)
		}
	}
	writer := func(name string) string {
		id := fmt.Sprintf("https://noordkade.example/users/%s%d", name, i)
		check(o.store.SaveActor(ctx, blog.Actor{ID: id, Type: "Person",
			Handle: fmt.Sprintf("%s%d@noordkade.example", name, i), Host: "noordkade.example",
			Inbox: id + "/inbox", FetchedAt: at}))
		return id
	}
	a := blog.Article{ID: blog.NewID(at), VoiceID: owner.ID, Status: blog.Draft, Format: blog.FullArticle,
		Visibility: blog.Public, Comments: blog.Approve,
		Quotes: "everyone", CreatedAt: at, Text: blog.Text{Language: "en", Title: fmt.Sprint("Ferry ", i),
			Slug: fmt.Sprint("ferry-", i), Markdown: "It rows.", HTML: "<p>It rows.</p>", Plain: "It rows."}}
	check(a.Publish(at, time.UTC))
	check(o.store.SaveArticle(ctx, &a, at))
	comment := func(c blog.Comment) blog.ID {
		c.ID, c.ArticleID, c.Visibility, c.Origin = blog.NewID(at), a.ID, blog.PublicComment, blog.Pushed
		c.Address = "https://noordkade.example/" + string(c.ID)
		c.HTML, c.Plain, c.PublishedAt, c.SortedAt, c.ArrivedAt = "<p>Who rows?</p>", "Who rows?", at, at, at
		check(o.store.AddComment(ctx, c))
		return c.ID
	}
	parent := comment(blog.Comment{ActorID: writer("bram"), State: blog.CommentShown})
	comment(blog.Comment{ActorID: writer("kade"), ParentID: parent, Kind: blog.Quoting, State: blog.CommentWaiting})
	m := blog.Mention{ID: blog.NewID(at), VoiceID: owner.ID, ActorID: writer("dijla"), Visibility: blog.PublicComment,
		HTML: "<p>Ilse!</p>", Plain: "Ilse!", PublishedAt: at, ArrivedAt: at}
	m.Address = "https://noordkade.example/" + string(m.ID)
	check(o.store.AddMention(ctx, m))
	taken, err := o.store.AddReport(ctx,
		blog.Report{ID: blog.NewID(at), ActorID: writer("steiger"), Host: "noordkade.example", Words: "Rude.",
			State: blog.ReportOpen, At: at,
			About: blog.Strings{o.site.NoteID(parent), o.site.ActorID(other.ID), o.site.ArticlePage(a)}})
	if check(err); !taken {
		o.t.Fatal("the report was not taken")
	}
	check(o.store.SaveSeries(ctx, blog.Series{ID: blog.NewID(at), Slug: fmt.Sprint("road-", i),
		Title: fmt.Sprint("Road ", i), Language: "en"}))
}
