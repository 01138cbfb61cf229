package store_test

import (
	"strconv"
	"testing"
	"time"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func refusal(kind blog.BlockKind, subject string) blog.Block {
	return blog.Block{Kind: kind, Subject: subject, Level: blog.Refuse, At: time.Now()}
}

func TestABlockCoversSubdomains(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		loud := refusal(blog.BlockServer, "loud.example")
		loud.Level = blog.Limit
		if _, err := s.Block(t.Context(), refusal(blog.BlockServer, "evil.tld"), loud,
			refusal(blog.BlockServer, blocklist.Domain("Köln.example")),
			refusal(blog.BlockPerson, "https://good.example/users/kade"), refusal(blog.BlockServer, "127.0.0.1")); err != nil {
			t.Fatal(err)
		}
		for host, want := range map[string]bool{"evil.tld": true, "EVIL.tld.": true, "a.evil.tld:443": true,
			"b.a.evil.tld": true, "evil.tld.:8443": true,
			"127.0.0.1:8080": true, "xn--kln-sna.example": true, "KÖLN.example": true, "a.xn--kln-sna.example": true,
			"kln.example": false,
			"notevil.tld": false, "evil.tld.good.example": false, "tld": false, "loud.example": false, "": false} {
			if got, err := s.Blocked(t.Context(), host, "https://"+host+"/users/x"); err != nil || got != want {
				t.Errorf("%q blocked: %v, %v; want %v", host, got, err, want)
			}
			if got, err := s.AnyBlocked(t.Context(), "good.example", host); err != nil || got != want {
				t.Errorf("%q blocked among others: %v, %v; want %v", host, got, err, want)
			}
		}
		if got, err := s.Blocked(t.Context(), "good.example", "https://good.example/users/kade"); err != nil || !got {
			t.Errorf("the actor is not blocked: %v", err)
		}
	})
}

func TestAnActorHasTheStrictestLevelOfItsBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		author := ilse(t, s)
		early := friend(t, s, "kade", "a.loud.example", author.ID)
		server, person := refusal(blog.BlockServer, "loud.example"), refusal(blog.BlockPerson, early.ID)
		limited := server
		limited.Level = blog.Limit
		level := func(want blog.BlockLevel, when string) {
			t.Helper()
			if a, err := s.Actor(ctx, early.ID); err != nil || a.Block != want {
				t.Errorf("%s: %q, %v; want %q", when, a.Block, err, want)
			}
		}
		level("", "before")
		for _, step := range []struct {
			when string
			do   func() error
			want blog.BlockLevel
		}{
			{"a limit of the server above it", func() error { _, err := s.Block(ctx, limited); return err }, blog.Limit},
			{"a refusal of the person as well", func() error { _, err := s.Block(ctx, person); return err }, blog.Refuse},
			{"the person's block undone", func() error { return s.Unblock(ctx, person.Kind, person.Subject) }, blog.Limit},
			{"the server refused", func() error { _, err := s.Block(ctx, server); return err }, blog.Refuse},
			{"written down anew", func() error { return s.SaveActor(ctx, early) }, blog.Refuse},
			{"the server's block undone", func() error { return s.Unblock(ctx, server.Kind, server.Subject) }, ""},
		} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			level(step.want, step.when)
		}
		if _, err := s.Block(ctx, server); err != nil {
			t.Fatal(err)
		}
		late := friend(t, s, "maud", "b.loud.example", author.ID)
		if a, err := s.Actor(ctx, late.ID); err != nil || a.Block != blog.Refuse {
			t.Errorf("one who is met after the block has the level %q, %v", a.Block, err)
		}
	})
}

func TestABlockReachesTheSubdomainsOfItsDomainAndNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		author := ilse(t, s)
		inside := []string{"loud.example", "a.loud.example", "b.a.loud.example:8443", "LOUD.example:444"}
		level := map[string]blog.BlockLevel{}
		for i, host := range append(inside, "aloud.example", "loud.example.org", "example", "a.quiet.example") {
			person := friend(t, s, "kade"+strconv.Itoa(i), host, author.ID)
			level[person.ID] = ""
			if i < len(inside) {
				level[person.ID] = blog.Refuse
			}
		}
		reach, err := s.Reach(ctx, blog.BlockServer, "loud.example")
		if want := (blog.BlockReach{People: 4, Followers: 4}); err != nil || reach != want {
			t.Errorf("it reaches %+v, %v; want %+v", reach, err, want)
		}
		removed, err := s.Block(ctx, refusal(blog.BlockServer, "loud.example"))
		if err != nil || len(removed.Followers) != 4 {
			t.Errorf("%d followers were removed, %v; want 4", len(removed.Followers), err)
		}
		for id, want := range level {
			if a, err := s.Actor(ctx, id); err != nil || a.Block != want {
				t.Errorf("%s has the level %q, %v; want %q", id, a.Block, err, want)
			}
		}
		again, err := s.Block(ctx, refusal(blog.BlockServer, "example"))
		if err != nil || len(again.Followers) != 3 { // aloud.example, example and a.quiet.example
			t.Errorf("a block of the domain above removed %d followers more, %v; want 3", len(again.Followers), err)
		}
	})
}
