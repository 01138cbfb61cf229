package outbox_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestADatabaseErrorIsNotAnUnknownMention(t *testing.T) {
	storetest.EachFailing(t, func(t *testing.T, s *store.Store, faults *storetest.Faults) {
		o := overkant.Start(t, s)
		bram := o.Server("veerhuis").Person("bram")
		now := time.Now() // known, but no follower: only the mention can bring the article
		if err := s.SaveActor(o.Soon(), blog.Actor{ID: bram.ID, Type: "Person", Handle: "bram@veerhuis.example",
			HandleCheckedAt: &now, Host: bram.Server.Host, Inbox: bram.Inbox(), FetchedAt: now}); err != nil {
			t.Fatal(err)
		}
		const unknown = "@nobody@127.9.9.9"
		a := o.Draft(func(a *blog.Article) { a.Markdown = "With @bram@veerhuis.example and " + unknown + "." })
		injected := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, storetest.ErrInjected) || len(faults.Failed()) != 1 {
				t.Errorf("%s: the error is %v", what, err)
			}
		}
		for what, query := range map[string]string{
			"publish with a mention that cannot be read":       "lower(p.handle) = lower",
			"publish with a server that may be blocked or not": "FROM blocks",
		} {
			faults.Fail(query, 1)
			_, err := o.Outbox.Publish(o.Soon(), a.ID)
			injected(what, err)
		}
		a, err := o.Outbox.Publish(o.Soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Error("the mentioned person does not get the article:", err)
		}
		faults.Fail("lower(p.handle) = lower", 1)
		_, err = o.Outbox.UnknownMentions(o.Soon(), a)
		injected("list the unknown mentions", err)
		if list, err := o.Outbox.UnknownMentions(o.Soon(), a); err != nil || !slices.Equal(list, []string{unknown}) {
			t.Errorf("the unknown mentions are %q, want %q: %v", list, unknown, err)
		}
		faults.Fail("FROM blocks", 1)
		_, _, err = o.Outbox.BlockSubject(o.Soon(), unknown)
		injected("read whom to block", err)
	})
}
