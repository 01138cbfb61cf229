package inbox_test

import (
	"log/slog"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestAReportReachesTheModeratorsAndNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var written overkant.Log
		o := overkant.Start(t, s, func(b *federation.Core) { b.Log = slog.New(slog.NewTextHandler(&written, nil)) })
		veerhuis, kade := o.Server("veerhuis"), o.Server("zilverduin").Person("kade")
		bram := veerhuis.Person("bram")
		a, ctx := o.Publish(), o.Soon()
		reply, err := kade.Reply(ctx, o.Object(a), "<p>Loud.</p>")
		if err != nil {
			t.Fatal(err)
		}
		ilse := o.Site.ActorID(o.Ilse.ID)
		if _, err := veerhuis.Report(ctx, ilse, []string{reply.Object, o.Object(a), "https://elsewhere.example/1"},
			"A canary: "+strings.Repeat("é", 6000)); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		list := o.Reports(blog.ReportOpen)
		if len(list) != 1 {
			t.Fatalf("%d reports", len(list))
		}
		c := list[0]
		if got, want := strings.Join(c.About, " "),
			strings.Join([]string{ilse, reply.Object, o.Object(a)}, " "); got != want {
			t.Errorf("about %s, want %s", got, want)
		}
		if n := len([]rune(c.Words)); n != blog.MaxReport || c.Host != veerhuis.Host {
			t.Errorf("%d characters from %s", n, c.Host)
		}
		// The same again is the same one with its newest words; another person's is another; one about nothing here is none.
		for range 2 {
			if _, err := bram.Report(ctx, ilse, []string{o.Object(a)}, "Again."); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bram.Send(ctx, o.Site.SharedInbox(),
			map[string]any{"id": bram.ID + "/f/1", "type": "Flag", "actor": bram.ID, "content": "Of others.",
				"object": []string{"https://elsewhere.example/users/x"}}); err != nil {
			t.Fatal(err)
		}
		if list := o.Reports(blog.ReportOpen); len(list) != 2 || list[0].Words != "Again." {
			t.Errorf("afterwards %d: %+v", len(list), list)
		}
		for _, path := range []string{"", "/replies", "/context", "/likes"} {
			if _, _, body := o.Get(o.Path(o.Object(a))+path, overkant.AsMastodon); strings.Contains(body, "canary") {
				t.Errorf("%s tells of it", path)
			}
		}
		written.Mu.Lock()
		defer written.Mu.Unlock()
		if said := written.Text.String(); strings.Contains(said, "canary") || strings.Contains(said, "Again.") ||
			strings.Contains(said, bram.ID) {
			t.Errorf("the log tells of it: %s", said)
		}
	})
}

func TestAFailureOfAReportIsLoggedWithoutItsReporter(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := overkant.OpenStore(t, database)
		var written overkant.Log
		o := overkant.Start(t, s, func(b *federation.Core) { b.Log = slog.New(slog.NewTextHandler(&written, nil)) })
		bram := o.Server("veerhuis").Person("bram")
		storetest.Change(t, database, `ALTER TABLE reports RENAME TO away`)
		if _, err := bram.Report(o.Soon(), o.Site.ActorID(o.Ilse.ID), nil, "A canary."); err != nil {
			t.Fatal(err)
		}
		said := func() string {
			written.Mu.Lock()
			defer written.Mu.Unlock()
			return written.Text.String()
		}
		o.Until("the trouble is logged twice", func() bool {
			return strings.Contains(said(), "could not be handled at once") &&
				strings.Contains(said(), "an arrival failed; it will be tried again")
		})
		if said := said(); !strings.Contains(said, "a report") || strings.Contains(said, "bram") ||
			strings.Contains(said, bram.Server.Host) || strings.Contains(said, "canary") {
			t.Errorf("the log tells of it: %s", said)
		}
	})
}

func TestReportsOfOneServerAreLimited(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a, ctx := o.Publish(), o.Soon()
		for i := range 105 {
			if _, err := o.Store.AddReport(ctx,
				blog.Report{ID: blog.NewID(o.Core.Now()), ActorID: bram.ID + strings.Repeat("x", i), Host: bram.Server.Host,
					About: blog.Strings{o.Object(a)}, State: blog.ReportOpen, At: o.Core.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bram.Report(ctx, o.Site.ActorID(o.Ilse.ID), nil, "One too many."); err != nil {
			t.Errorf("the last one is answered with %v, want 202", err)
		}
		if n := len(o.Reports(blog.ReportOpen)); n != 100 {
			t.Errorf("%d are kept", n)
		}
	})
}
