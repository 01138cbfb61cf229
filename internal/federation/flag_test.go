package federation_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// log is what the blog wrote to its log.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (o *overkant) complaints(state blog.ComplaintState) []blog.Complaint {
	o.t.Helper()
	list, err := o.store.Complaints(o.t.Context(), store.ComplaintList{State: state, Limit: 500})
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

func TestAReportReachesTheModeratorsAndNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var written log
		o := start(t, s, func(b *federation.Base) { b.Log = slog.New(slog.NewTextHandler(&written, nil)) })
		veerhuis, kade := o.server("veerhuis"), o.server("zilverduin").Person("kade")
		bram := veerhuis.Person("bram")
		a, ctx := o.publish(), o.soon()
		reply, err := kade.Reply(ctx, o.object(a), "<p>Loud.</p>")
		if err != nil {
			t.Fatal(err)
		}
		ilse := o.site.ActorID(o.ilse.ID)
		if _, err := veerhuis.Report(ctx, ilse, []string{reply.Object, o.object(a), "https://elsewhere.example/1"}, "A canary: "+strings.Repeat("é", 6000)); err != nil {
			t.Fatal(err)
		}
		o.settled()
		list := o.complaints(blog.ComplaintOpen)
		if len(list) != 1 {
			t.Fatalf("%d reports", len(list))
		}
		c := list[0]
		if got, want := strings.Join(c.About, " "), strings.Join([]string{ilse, reply.Object, o.object(a)}, " "); got != want {
			t.Errorf("about %s, want %s", got, want)
		}
		if n := len([]rune(c.Words)); n != blog.MaxComplaint || c.Host != veerhuis.Host {
			t.Errorf("%d characters from %s", n, c.Host)
		}
		// The same again is the same one with its newest words; another person's is another; one about nothing here is none.
		for range 2 {
			if _, err := bram.Report(ctx, ilse, []string{o.object(a)}, "Again."); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bram.Send(ctx, o.site.SharedInbox(), map[string]any{"id": bram.ID + "/f/1", "type": "Flag", "actor": bram.ID, "content": "Of others.",
			"object": []string{"https://elsewhere.example/users/x"}}); err != nil {
			t.Fatal(err)
		}
		if list := o.complaints(blog.ComplaintOpen); len(list) != 2 || list[0].Words != "Again." {
			t.Errorf("afterwards %d: %+v", len(list), list)
		}
		for _, path := range []string{"", "/replies", "/context", "/likes"} {
			if _, _, body := o.get(o.path(o.object(a))+path, asMastodon); strings.Contains(body, "canary") {
				t.Errorf("%s tells of it", path)
			}
		}
		written.mu.Lock()
		defer written.mu.Unlock()
		if said := written.text.String(); strings.Contains(said, "canary") || strings.Contains(said, "Again.") || strings.Contains(said, bram.ID) {
			t.Errorf("the log tells of it: %s", said)
		}
	})
}

func TestTroubleWithAReportIsLoggedWithoutItsReporter(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := openStore(t, database)
		var written log
		o := start(t, s, func(b *federation.Base) { b.Log = slog.New(slog.NewTextHandler(&written, nil)) })
		bram := o.server("veerhuis").Person("bram")
		storetest.Change(t, database, `ALTER TABLE reports RENAME TO away`)
		if _, err := bram.Report(o.soon(), o.site.ActorID(o.ilse.ID), nil, "A canary."); err != nil {
			t.Fatal(err)
		}
		said := func() string {
			written.mu.Lock()
			defer written.mu.Unlock()
			return written.text.String()
		}
		o.until("the trouble is logged twice", func() bool {
			return strings.Contains(said(), "could not be handled at once") && strings.Contains(said(), "an arrival could not be handled")
		})
		if said := said(); !strings.Contains(said, "a report") || strings.Contains(said, "bram") || strings.Contains(said, bram.Server.Host) || strings.Contains(said, "canary") {
			t.Errorf("the log tells of it: %s", said)
		}
	})
}

func TestReportsOfOneServerHaveAnEnd(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a, ctx := o.publish(), o.soon()
		for i := range 105 {
			if _, err := o.store.AddComplaint(ctx, blog.Complaint{ID: blog.NewID(o.base.Now()), ActorID: bram.ID + strings.Repeat("x", i), Host: bram.Server.Host,
				About: blog.Words{o.object(a)}, State: blog.ComplaintOpen, At: o.base.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bram.Report(ctx, o.site.ActorID(o.ilse.ID), nil, "One too many."); err != nil {
			t.Errorf("the last one is answered with %v, want 202", err)
		}
		if n := len(o.complaints(blog.ComplaintOpen)); n != 100 {
			t.Errorf("%d are kept", n)
		}
	})
}
