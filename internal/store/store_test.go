package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

var now = time.Date(2026, 11, 16, 15, 0, 0, 0, time.UTC)

// ilse adds the author that most tests use.
func ilse(t *testing.T, s *store.Store) blog.Author {
	t.Helper()
	a := blog.Author{Role: blog.Admin, Email: "ilse@overkant.example",
		Voice: blog.Voice{ID: blog.NewID(now), Kind: blog.AuthorVoice,
			Handle: "ilse", Name: "Ilse Verhaagen", Fields: blog.Fields{{Name: "River", Value: "the Waal"}}, PublicKey: "public",
			ProofKey:  "z6Mk",
			CreatedAt: now, UpdatedAt: now}}
	if err := s.AddAuthor(t.Context(), a, store.VoiceKeys{RSA: "rsa", Ed25519: "ed"}); err != nil {
		t.Fatal(err)
	}
	return a
}

func fourMinutes(t *testing.T, s *store.Store, owner blog.ID) blog.Article {
	t.Helper()
	a := blog.Article{ID: blog.NewID(now), VoiceID: owner, Status: blog.Draft, Format: blog.FullArticle,
		Visibility: blog.Public,
		Comments:   blog.Open, Quotes: "everyone", CreatedAt: now, Tags: blog.Strings{"Rivers", "ferries"},
		Text: blog.Text{Language: "en", Title: "Four minutes wide", Slug: "four-minutes-wide", Markdown: "The ferry.",
			HTML: "<p>The ferry.</p>", Plain: "The ferry.", WordCount: 2},
		Authors: []blog.Byline{{VoiceID: owner}, {Name: "Harm", URL: "https://harm.example"}}}
	if err := a.Publish(now, time.UTC); err != nil {
		t.Fatal(err)
	}
	a.ObjectID = blog.NewID(now)
	err := s.InTx(t.Context(), func(s *store.Store) error {
		if err := s.SaveArticle(t.Context(), &a, now); err != nil {
			return err
		}
		return s.SaveObject(t.Context(), store.Object{ID: a.ObjectID, ArticleID: a.ID, Payload: []byte(`{}`), Revision: 1,
			At: now})
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// friend adds a follower on a server.
func friend(t *testing.T, s *store.Store, name, host string, follows blog.ID) blog.Actor {
	t.Helper()
	id := "https://" + host + "/users/" + name
	a := blog.Actor{ID: id, Type: "Person", Handle: name + "@" + host, Name: name, URL: id, Host: host,
		Inbox:       id + "/inbox",
		SharedInbox: "https://" + host + "/inbox", FetchedAt: now,
		Keys: []blog.ActorKey{{ActorID: id, KeyID: id + "#main-key", PEM: "pem"}}}
	if err := s.SaveActor(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if follows != "" {
		if _, err := s.Follow(t.Context(), blog.Follower{VoiceID: follows, ActorID: id, FollowID: id + "#f",
			State: blog.Accepted, Since: now}); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestAnArticleIsReadBackAsItWasSaved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		got, err := s.ArticleBySlug(t.Context(), "four-minutes-wide")
		if err != nil {
			t.Fatal(err)
		}
		want := a
		want.Authors = []blog.Byline{{VoiceID: author.ID, Handle: "ilse", Name: "Ilse Verhaagen"},
			{Name: "Harm", URL: "https://harm.example"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("article differs (-want +got):\n%s", diff)
		}
		for _, filter := range []store.ArticleFilter{{Listed: true}, {Listed: true, Tag: "Rivers"},
			{Listed: true, Voice: author.ID, Unpinned: true}, {Listed: true, Language: "en"},
			{Statuses: []blog.Status{blog.Published}}, {InOutbox: true},
			{Statuses: []blog.Status{blog.Draft, blog.Published}, BySaveTime: true, Voice: author.ID}} {
			list, err := s.Articles(t.Context(), filter)
			if err != nil || len(list) != 1 || list[0].Markdown != "" || list[0].Title != want.Title {
				t.Errorf("%+v: list = %v, %v; want the one article without its text", filter, list, err)
			}
			filter.Text = true
			list, err = s.Articles(t.Context(), filter)
			if err != nil || len(list) != 1 || list[0].Markdown != want.Markdown {
				t.Errorf("%+v: list = %v, %v; want the one article with its text", filter, list, err)
			}
		}
	})
}

func TestASecondSaveOfTheSameVersionIsAConflict(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fourMinutes(t, s, ilse(t, s).ID)
		mine, theirs := a, a
		if err := s.SaveArticle(t.Context(), &mine, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveArticle(t.Context(), &theirs, now.Add(time.Minute)); !errors.Is(err, blog.ErrConflict) {
			t.Errorf("second save: %v, want a conflict", err)
		}
	})
}

func TestAnOldSlugStaysTakenAndFindsItsArticle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		a.Slug = "four-minutes"
		if err := s.SaveArticle(t.Context(), &a, now); err != nil {
			t.Fatal(err)
		}
		if old, err := s.ArticleBySlug(t.Context(), "four-minutes-wide"); err != nil || old.Slug != "four-minutes" {
			t.Errorf("old slug finds %q, %v", old.Slug, err)
		}
		other := a
		other.ID, other.Slug, other.SavedAt = blog.NewID(now), "four-minutes-wide", time.Time{}
		var taken blog.Invalid
		if err := s.SaveArticle(t.Context(), &other, now); !errors.As(err, &taken) || taken.Field != "slug" {
			t.Errorf("taking an old slug: %v, want Invalid slug", err)
		}
		if free, err := s.FreeSlug(t.Context(), "four-minutes-wide", other.ID, "en"); err != nil ||
			free != "four-minutes-wide-2" {
			t.Errorf("free slug = %q, %v", free, err)
		}
	})
}

func TestOneDeliveryPerSharedInboxAndOneRowPerServer(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		friend(t, s, "joost", "veerhuis.example", author.ID)
		friend(t, s, "nadia", "noordkade.example", author.ID)
		friend(t, s, "kade", "zilverduin.example", "")
		addActivity(t, s, a, "Create", 1)
		claims, err := s.ClaimPeers(t.Context(), now, time.Minute, 10, false)
		if err != nil || len(claims) != 2 {
			t.Fatalf("claims = %v, %v; want two servers", claims, err)
		}
		if again, _ := s.ClaimPeers(t.Context(), now, time.Minute, 10, false); len(again) != 0 {
			t.Errorf("claimed twice: %v", again)
		}
		if later, _ := other.ClaimPeers(t.Context(), now.Add(2*time.Minute), time.Minute, 10, false); len(later) != 2 {
			t.Errorf("after the lease: %v, want both again", later)
		}
	})
}

func addActivity(t *testing.T, s *store.Store, a blog.Article, kind string, revision int) blog.Activity {
	t.Helper()
	var said blog.Activity
	err := s.InTx(t.Context(), func(s *store.Store) error {
		id, err := s.NextActivityID(t.Context(), now)
		if err != nil {
			return err
		}
		said = blog.Activity{ID: id, VoiceID: a.VoiceID, Kind: kind, ObjectID: a.ObjectID, Revision: revision,
			Payload: []byte(kind), At: now}
		if err := s.AddActivity(t.Context(), said); err != nil {
			return err
		}
		if kind == "Create" {
			return s.FanOutToFollowers(t.Context(), said)
		}
		return errors.Join(s.UpdateWaitingCreates(t.Context(), said), s.FanOutToHolders(t.Context(), said))
	})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func TestADeliveryIsSettledOnlyUnderTheNewestClaim(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url) // a process does not claim twice
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		old, _ := other.ClaimPeers(t.Context(), now, time.Minute, 10, false)
		fresh, _ := s.ClaimPeers(t.Context(), now.Add(2*time.Minute), time.Minute, 10, false)
		deliveries, err := s.WaitingFor(t.Context(), 10, "veerhuis.example")
		if err != nil || len(deliveries) != 1 {
			t.Fatalf("deliveries = %v, %v", deliveries, err)
		}
		done := blog.Delivery{Status: blog.Delivered, Code: 202}
		if err := other.Settle(t.Context(), old[0], store.Settlement{Delivery: deliveries[0], Outcome: done},
			now); !errors.Is(err, store.ErrLost) {
			t.Errorf("settle under the old claim: %v, want ErrLost", err)
		}
		if err := other.Release(t.Context(), old[0],
			store.VisitEnd{How: store.Answered, FreeAt: now}, now); !errors.Is(err, store.ErrLost) {
			t.Errorf("release under the old claim: %v, want ErrLost", err)
		}
		if err := s.Settle(t.Context(), fresh[0], store.Settlement{Delivery: deliveries[0], Outcome: done}, now); err != nil {
			t.Fatal(err)
		}
		if err := s.Release(t.Context(), fresh[0], store.VisitEnd{How: store.Answered, FreeAt: now}, now); err != nil {
			t.Fatal(err)
		}
		if again, _ := s.ClaimPeers(t.Context(), now.Add(time.Hour), time.Minute, 10, false); len(again) != 0 {
			t.Errorf("a server without deliveries was claimed: %v", again)
		}
		reports, err := s.DeliveryRows(t.Context(), a.ID)
		if err != nil || len(reports) != 1 || reports[0].Status != blog.Delivered || reports[0].Followers != 1 ||
			reports[0].Attempts != 1 {
			t.Errorf("report = %+v, %v", reports, err)
		}
		if n, err := s.CountDeliveries(t.Context(), []blog.ID{a.ID}); err != nil || n[a.ID] != 1 {
			t.Errorf("%d deliveries were counted, %v", n[a.ID], err)
		}
	})
}

// bring settles the first delivery to one server as delivered, and releases all other servers.
func bring(t *testing.T, s *store.Store, host string) {
	t.Helper()
	claims, err := s.ClaimPeers(t.Context(), now, time.Minute, 10, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range claims {
		if claim.Host == host {
			deliveries, err := s.WaitingFor(t.Context(), 1, host)
			if err != nil || len(deliveries) != 1 {
				t.Fatalf("deliveries to %s: %v, %v", host, deliveries, err)
			}
			if err := s.Settle(t.Context(), claim,
				store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: blog.Delivered, Code: 202}},
				now); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Release(t.Context(), claim, store.VisitEnd{How: store.HandedBack, FreeAt: now}, now); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEditGoesToHoldersAndReplacesAWaitingEdit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		friend(t, s, "reader", "steiger.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		bring(t, s, "veerhuis.example")
		friend(t, s, "nadia", "noordkade.example", author.ID) // followed later and holds nothing
		liker := friend(t, s, "deniz", "dijla.example", "")
		if _, err := s.AddReaction(t.Context(),
			blog.Reaction{ID: blog.NewID(now), Address: "x", Kind: blog.Like, ActorID: liker.ID, ArticleID: a.ID,
				At: now}); err != nil {
			t.Fatal(err)
		}
		first := addActivity(t, s, a, "Update", 2)
		second := addActivity(t, s, a, "Update", 3)
		if first.ID >= second.ID {
			t.Errorf("ids do not rise: %s, %s", first.ID, second.ID)
		}
		if err := s.Supersede(t.Context(), second, "Update"); err != nil {
			t.Fatal(err)
		}
		for host, want := range map[string][]string{"veerhuis.example": {"Update 3"}, "steiger.example": {"Create 3"},
			"dijla.example": {"Update 3"}, "noordkade.example": nil} {
			deliveries, err := s.WaitingFor(t.Context(), 10, host)
			var kinds []string
			for _, l := range deliveries {
				kinds = append(kinds, fmt.Sprint(l.Kind, " ", l.Revision))
			}
			if diff := cmp.Diff(want, kinds); diff != "" || err != nil {
				t.Errorf("deliveries to %s (-want +got):\n%s%v", host, diff, err)
			}
		}
	})
}

func TestASilentServerRestsUntilItMakesContact(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "kade", "zilverduin.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		claims, _ := s.ClaimPeers(t.Context(), now, time.Minute, 10, false)
		if err := s.Release(t.Context(), claims[0],
			store.VisitEnd{How: store.Silent, FreeAt: now.Add(time.Hour)}, now); err != nil {
			t.Fatal(err)
		}
		for _, failing := range []bool{false, true} {
			if c, _ := s.ClaimPeers(t.Context(), now.Add(time.Minute), time.Minute, 10, failing); len(c) != 0 {
				t.Errorf("claimed while it rests (failing=%v): %v", failing, c)
			}
		}
		if err := s.PeerContacted(t.Context(), "zilverduin.example", now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		c, err := s.ClaimPeers(t.Context(), now.Add(time.Minute), time.Minute, 10, true)
		if err != nil || len(c) != 1 || c[0].Failures != 1 {
			t.Errorf("after it was heard from: %v, %v; want one claim with one failure", c, err)
		}
	})
}

func TestRestrictedAndUnapprovedCommentsAreInNoPublicQuery(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		bram := friend(t, s, "bram", "veerhuis.example", "")
		for i, c := range []blog.Comment{
			{Visibility: blog.PublicComment, State: blog.CommentShown, Plain: "seen"},
			{Visibility: blog.RestrictedComment, State: blog.CommentShown, Plain: "secret"},
			{Visibility: blog.PublicComment, State: blog.CommentWaiting, Plain: "waits"},
			{Visibility: blog.PublicComment, State: blog.CommentSpam, Plain: "spam"},
		} {
			c.ID, c.Address, c.ArticleID, c.ActorID, c.Origin = blog.NewID(now), fmt.Sprint("https://veerhuis.example/", i),
				a.ID, bram.ID, blog.Pushed
			c.PublishedAt, c.SortedAt, c.ArrivedAt = now, now, now
			if err := s.AddComment(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if err := s.AddComment(t.Context(), c); !errors.Is(err, blog.ErrConflict) {
				t.Errorf("the same address twice: %v, want a conflict", err)
			}
		}
		comments, err := s.PublicComments(t.Context(), a.ID)
		if err != nil || len(comments) != 1 || comments[0].Plain != "seen" {
			t.Errorf("public comments = %v, %v", comments, err)
		}
		newest, err := s.NewestComments(t.Context(), 10)
		if err != nil || len(newest) != 1 {
			t.Errorf("newest comments = %v, %v", newest, err)
		}
		counts, err := s.Counts(t.Context(), []blog.ID{a.ID})
		if want := (blog.Counts{Replies: 1, Servers: 1}); err != nil || counts[a.ID] != want {
			t.Errorf("counts = %+v, %v; want %+v", counts, err, want)
		}
		private, err := s.Comments(t.Context(), store.CommentFilter{Private: true})
		if err != nil || len(private) != 1 || private[0].Plain != "secret" {
			t.Errorf("private = %v, %v", private, err)
		}
	})
}

func TestAFailedMemberOfAGroupDoesNotFailTheOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var group sync.WaitGroup
		refused := errors.New("refused")
		var kept, failed int
		var mu sync.Mutex
		for i := range 200 {
			group.Go(func() {
				err := s.GroupCommit(t.Context(), fmt.Sprint(i%7), func(ctx context.Context, s *store.Store) error {
					if err := s.MarkDeleted(ctx, "kade", fmt.Sprint(i), now); err != nil {
						return err
					}
					switch i % 10 {
					case 3:
						return refused
					case 7:
						panic("poison")
					}
					return nil
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					kept++
				} else if i%10 == 7 || errors.Is(err, refused) {
					failed++
				}
			})
		}
		group.Wait()
		if kept != 160 || failed != 40 {
			t.Fatalf("kept %d and failed %d, want 160 and 40", kept, failed)
		}
		for i := range 200 {
			_, marked, err := s.KnownPost(t.Context(), "kade", fmt.Sprint(i))
			if want := i%10 != 3 && i%10 != 7; marked != want || err != nil {
				t.Errorf("mark %d: %v, %v", i, marked, err)
			}
		}
	})
}

func TestTheChangeCounterRisesOnlyWithACommit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		before := s.Changes().Newest()
		s.InTx(t.Context(), func(s *store.Store) error {
			friend(t, s, "bram", "veerhuis.example", author.ID)
			return errors.New("no")
		})
		if s.Changes().Newest() != before {
			t.Error("a change that was rolled back was counted")
		}
		friend(t, s, "bram", "veerhuis.example", "")
		if s.Changes().Newest() != before {
			t.Error("an actor whom no page shows was counted")
		}
		friend(t, s, "bram", "veerhuis.example", author.ID)
		if s.Changes().Newest() <= before {
			t.Error("a committed change was not counted")
		}
	})
}

func TestASignInLinkWorksOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		if err := s.AddLink(t.Context(), store.Link{TokenHash: "h", Kind: store.SignInLink, VoiceID: author.ID,
			CreatedAt: now, ExpiresAt: now.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if err := s.UseLink(t.Context(), "h", now); err != nil {
			t.Fatal(err)
		}
		if err := s.UseLink(t.Context(), "h", now); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("second use: %v", err)
		}
		in := store.Session{TokenHash: "t", VoiceID: author.ID, CreatedAt: now, UsedAt: now, ExpiresAt: now.Add(time.Hour)}
		if err := s.AddSession(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if _, who, err := s.Session(t.Context(), "t", now); err != nil || who.Handle != "ilse" {
			t.Errorf("signed in as %q, %v", who.Handle, err)
		}
		author.DisabledAt = &now
		if err := s.SaveAuthor(t.Context(), author); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Session(t.Context(), "t", now); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("a disabled author is still signed in: %v", err)
		}
	})
}

func TestAJobIsClaimedOncePerPeriod(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i, want := range []bool{true, false, false, true} {
			got, err := s.ClaimJob(t.Context(), "publish", now.Add(time.Duration(i)*20*time.Second), time.Minute)
			if err != nil || got != want {
				t.Errorf("claim %d = %v, %v; want %v", i, got, err, want)
			}
		}
		if err := s.Forget(t.Context(), now); err != nil {
			t.Error(err)
		}
	})
}

// addAccept adds the Accept of a follow, which waits to be delivered.
func addAccept(t *testing.T, s *store.Store, voice blog.ID, inbox string) blog.ID {
	t.Helper()
	accept := blog.Activity{ID: blog.NewID(now), VoiceID: voice, Kind: "Accept", Payload: []byte(`{}`), At: now}
	if err := s.AddActivity(t.Context(), accept); err != nil {
		t.Fatal(err)
	}
	if err := s.AddDeliveriesTo(t.Context(), accept, inbox); err != nil {
		t.Fatal(err)
	}
	return accept.ID
}

func TestAllListsCanBeRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		bram := friend(t, s, "bram", "veerhuis.example", author.ID)
		ctx := t.Context()
		check := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := s.FollowersOf(ctx, store.FollowerFilter{Voice: author.ID, State: blog.Accepted})
		check("followers", err)
		if err := s.SaveFollowerAccept(ctx, blog.Follower{VoiceID: author.ID, ActorID: bram.ID},
			addAccept(t, s, author.ID, bram.Inbox)); err != nil {
			t.Fatal(err)
		}
		if list, err := s.UnconfirmedFollowers(ctx, now.Add(time.Hour)); err != nil || len(list) != 1 ||
			list[0].ActorID != bram.ID || list[0].Voice != "ilse" || list[0].Status != blog.Waiting {
			t.Errorf("unconfirmed are %+v, %v", list, err)
		}
		n, err := s.CountFollowers(ctx, author.ID)
		check("count followers", err)
		if n != (store.FollowerCounts{Accepted: 1, Servers: 1}) {
			t.Errorf("counts = %+v", n)
		}
		_, err = s.Relation(ctx, bram.ID)
		check("relation", err)
		_, err = s.Reactions(ctx, a.ID, 10)
		check("reactions", err)
		_, err = s.ReactionCounts(ctx, []blog.ID{a.ID})
		check("reaction counts", err)
		_, err = s.CountComments(ctx, store.CommentFilter{States: []blog.CommentState{blog.CommentWaiting}})
		check("count comments", err)
		_, err = s.Tags(ctx, 10)
		check("tags", err)
		_, err = s.SeriesByTitle(ctx, 100, 0)
		check("series", err)
		_, err = s.NewestSeries(ctx, 10)
		check("newest series", err)
		_, err = s.DueArticles(ctx, now)
		check("due", err)
		_, err = s.SilentPeers(ctx)
		check("peers", err)
		_, _, err = s.CountWaiting(ctx)
		check("waiting", err)
		_, err = s.CountArticles(ctx, store.ArticleFilter{Statuses: []blog.Status{blog.Draft, blog.Published}})
		check("count articles", err)
		_, err = s.GiveUp(ctx, now, now)
		check("give up", err)
		_, err = s.RetryDeliveries(ctx, a.ID, "", now)
		check("retry", err)
		_, err = s.KeyOwner(ctx, bram.ID+"#main-key")
		check("key owner", err)
		check("describe", s.AddPicture(ctx, blog.Picture{ID: "P", VoiceID: author.ID, Type: "image/jpeg", Digest: "d",
			CreatedAt: now, Files: []blog.PictureFile{{File: "f.jpg", Width: 1}}}))
		pictures, err := s.PicturesOf(ctx, author.ID, 10, 0)
		check("pictures", err)
		if len(pictures) != 1 || len(pictures[0].Files) != 1 {
			t.Errorf("pictures = %v", pictures)
		}
		check("revision", s.AddRevision(ctx, store.Revision{ArticleID: a.ID, Language: "en", Kind: "saved", At: now}))
		check("hear", s.AddArrival(ctx, blog.Arrival{ID: blog.NewID(now), Host: "veerhuis.example", At: now,
			Body: []byte("{}")}))
		callers, err := s.ClaimCallers(ctx, now, time.Minute, 5)
		check("callers", err)
		if len(callers) != 1 {
			t.Fatalf("callers = %v", callers)
		}
		check("release caller", s.ReleaseCaller(ctx, callers[0], now))
		check("remove actor", s.RemoveActor(ctx, bram.ID, now))
		if _, err := s.KeyOwner(ctx, bram.ID+"#main-key"); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("a gone actor still has a key: %v", err)
		}
	})
}

// TestAClosedStoreKeepsNoFileOpen closes stores while queries are being prepared: SQLite removes its log with the
// last connection.
func TestAClosedStoreKeepsNoFileOpen(t *testing.T) {
	path := storetest.SQLite(t)
	for range 20 {
		s, err := store.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.InTx(t.Context(), func(s *store.Store) error {
			return s.PeerContacted(t.Context(), "veerhuis.example",
				now)
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("a connection is still open: %v", err)
		}
	}
}

func TestArticlesPublishedAtTheSameTimeMakeOneSeries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		const parts = 8
		list := make([]blog.Article, parts)
		for i := range list {
			a := blog.Article{ID: blog.NewID(now), VoiceID: author.ID, Status: blog.Draft, Format: blog.FullArticle,
				Visibility: blog.Public, Comments: blog.Open,
				Quotes: "everyone", Part: i + 1, CreatedAt: now,
				Text: blog.Text{Language: "en", Title: "Part", Markdown: "Words.", Slug: fmt.Sprintf("part-%d", i)}}
			if err := s.RequestSeries(t.Context(), &a, []string{"The Low Road", "the low road"}[i%2], "the-low-road",
				parts); err != nil {
				t.Fatal(err)
			}
			if err := s.SaveArticle(t.Context(), &a, now); err != nil {
				t.Fatal(err)
			}
			list[i] = a
		}
		if all, err := s.SeriesByTitle(t.Context(), 100, 0); err != nil || len(all) != 0 {
			t.Fatalf("drafts made %+v, %v", all, err)
		}
		var together sync.WaitGroup
		for i := range list {
			together.Go(func() {
				a := &list[i]
				if err := errors.Join(a.Publish(now, time.UTC), s.SaveArticle(t.Context(), a, now)); err != nil {
					t.Error(err)
				}
			})
		}
		together.Wait()
		all, err := s.SeriesByTitle(t.Context(), 100, 0)
		if err != nil || len(all) != 1 || all[0].Slug != "the-low-road" || all[0].Planned != parts {
			t.Fatalf("they made %+v, %v", all, err)
		}
		for _, a := range list {
			if kept, err := s.Article(t.Context(), a.ID); err != nil || kept.SeriesID != all[0].ID || kept.SeriesTitle != "" ||
				a.SeriesTitle != "" || a.SeriesID != all[0].ID {
				t.Errorf("part %d is in %q and wishes for %q, %v", a.Part, kept.SeriesID, kept.SeriesTitle, err)
			}
		}
	})
}
