package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// talker does what changes counts, at random.
type talker struct {
	*testing.T
	*store.Store
	random   *rand.Rand
	articles []blog.Article
	people   []blog.Actor
	author   blog.ID
	comments []blog.ID
}

func newTalker(t *testing.T, s *store.Store, seed uint64) *talker {
	t.Helper()
	x := &talker{T: t, Store: s, random: rand.New(rand.NewPCG(seed, 0)), author: ilse(t, s).ID}
	a := fourMinutes(t, s, x.author)
	other := fourMinutesMore(a)
	other.ObjectID = ""
	if err := s.SaveArticle(t.Context(), &other, now); err != nil {
		t.Fatal(err)
	}
	x.articles = []blog.Article{a, other}
	for i := range 9 {
		x.people = append(x.people, friend(t, s, fmt.Sprint("p", i), fmt.Sprintf("h%d.example", i%4), ""))
	}
	return x
}

// follow lets a person follow the author, or stop it.
func (x *talker) follow(who blog.Actor) error {
	state := pick(x, []blog.FollowState{blog.Accepted, blog.Pending, ""})
	if state == "" {
		return x.Unfollow(x.Context(), x.author, who.ID)
	}
	_, err := x.Follow(x.Context(), blog.Follower{VoiceID: x.author, ActorID: who.ID, FollowID: who.ID + "#f",
		State: state, Since: now})
	return err
}

func pick[T any](x *talker, list []T) T { return list[x.random.IntN(len(list))] }

// comment makes a comment of some kind somewhere in the conversation.
func (x *talker) comment() blog.Comment {
	at := now.Add(time.Duration(x.random.IntN(10_000)) * time.Second)
	c := blog.Comment{ID: blog.NewID(at), ArticleID: pick(x, x.articles).ID, Origin: blog.Pushed,
		Visibility: pick(x, []blog.CommentVisibility{"public", "public", "unlisted", "restricted"}),
		State:      pick(x, []blog.CommentState{"shown", "shown", "shown", "waiting", "spam"}),
		Kind:       pick(x, []blog.CommentKind{"", "", "", "quote", "mention"}), Plain: "Three.", PublishedAt: at,
		SortedAt: at, ArrivedAt: at}
	c.Address = "https://h.example/notes/" + string(c.ID)
	if x.random.IntN(6) == 0 {
		c.VoiceID, c.Origin = x.author, blog.Own
	} else {
		c.ActorID = pick(x, x.people).ID
	}
	if len(x.comments) > 0 && x.random.IntN(3) > 0 {
		c.ParentID = pick(x, x.comments)
		if parent, err := x.Comment(x.Context(), c.ParentID); err == nil {
			c.ArticleID, c.Kind = parent.ArticleID, ""
		}
	}
	return c
}

func (x *talker) step() error {
	ctx, who := x.Context(), pick(x, x.people)
	switch n := x.random.IntN(22); {
	case n > 19:
		return x.follow(who)
	case n < 8 || len(x.comments) == 0:
		c := x.comment()
		x.comments = append(x.comments, c.ID)
		return x.AddComment(ctx, c)
	case n < 11:
		return x.ModerateComment(ctx, pick(x, x.comments),
			pick(x, []blog.CommentState{"shown", "hidden", "spam", "waiting"}))
	case n == 11:
		return x.RemoveComment(ctx, pick(x, x.comments))
	case n == 12:
		c, err := x.Comment(ctx, pick(x, x.comments))
		if err != nil {
			return err
		}
		c.Visibility, c.UpdatedAt = blog.RestrictedComment, &now
		return x.ReviseComment(ctx, c)
	case n < 16:
		r := blog.Reaction{ID: blog.NewID(now), Kind: pick(x, []blog.ReactionKind{"like", "boost", "emoji"}), ActorID: who.ID,
			ArticleID: pick(x, x.articles).ID, At: now}
		r.Address = who.ID + "#" + string(r.ID)
		if r.Kind == blog.Emoji {
			r.Emoji = pick(x, []string{"⛴️", ":bell:"})
		}
		if x.random.IntN(3) == 0 {
			c, err := x.Comment(ctx, pick(x, x.comments))
			if err != nil {
				return err
			}
			r.CommentID, r.ArticleID = c.ID, c.ArticleID
		}
		_, err := x.AddReaction(ctx, r)
		return err
	case n == 16:
		return x.UndoReactionTo(ctx, who.ID, pick(x, x.articles).ID, "", blog.Like, blog.Emoji)
	case n == 17:
		_, err := x.Block(ctx, blog.Block{Kind: pick(x, []blog.BlockKind{blog.BlockServer, blog.BlockPerson}),
			Subject: pick(x, []string{who.ID, who.Host}), Level: pick(x, []blog.BlockLevel{blog.Limit, blog.Refuse}), At: now})
		return err
	case n == 18:
		return x.Unblock(ctx, pick(x, []blog.BlockKind{blog.BlockServer, blog.BlockPerson}),
			pick(x, []string{who.ID, who.Host}))
	}
	return x.rarely(who)
}

// rarely erases a person, or takes an article out of the lists of readers, or puts it back.
func (x *talker) rarely(who blog.Actor) error {
	if x.random.IntN(4) == 0 {
		return x.RemoveActor(x.Context(), who.ID, now)
	}
	a := &x.articles[x.random.IntN(len(x.articles))]
	a.Visibility = pick(x, []blog.Visibility{blog.Public, blog.Unlisted})
	return x.SaveArticle(x.Context(), a, a.SavedAt.Add(time.Second))
}

func TestKeptCountsAreThoseOfTheRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		x := newTalker(t, s, seed)
		for i := range 400 {
			if err := x.step(); err != nil && !errors.Is(err, blog.ErrNotFound) {
				t.Fatalf("step %d: %v", i, err)
			}
			if i%50 > 0 {
				continue
			}
			if wrong, err := s.WrongCounts(t.Context()); err != nil || len(wrong) > 0 {
				t.Fatalf("after step %d these are wrong: %q, %v", i, wrong, err)
			}
		}
	})
}

func TestAWrongCountIsFoundAndCountedAnew(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := process(t, url)
		x := newTalker(t, s, 7)
		for range 200 {
			if err := x.step(); err != nil && !errors.Is(err, blog.ErrNotFound) {
				t.Fatal(err)
			}
		}
		friend(t, s, "maud", "h0.example", x.author)
		tables := []string{"repliers", "conversation_counts", "threads", "target_counts", "reaction_servers",
			"comment_totals", "follower_mailboxes", "follower_servers", "follower_counts"}
		for _, table := range tables {
			column := map[string]string{"conversation_counts": "replies", "follower_counts": "pending"}[table]
			if column == "" {
				column = "n"
			}
			storetest.Change(t, url, `UPDATE `+table+` SET `+column+` = `+column+` + 1`)
		}
		wrong, err := s.WrongCounts(t.Context())
		for _, table := range tables {
			if err != nil || !strings.Contains(strings.Join(wrong, " "), table) {
				t.Fatalf("found wrong: %q, not %s (%v)", wrong, table, err)
			}
		}
		if err := s.Recount(t.Context()); err != nil {
			t.Fatal(err)
		}
		if wrong, err := s.WrongCounts(t.Context()); err != nil || len(wrong) > 0 {
			t.Errorf("still wrong: %q, %v", wrong, err)
		}
	})
}

// TestManyCanCountAtOnce: two processes take in replies and reactions of the same people, while people are blocked and
// let in again. Nothing fails, and the counts are right at the end (storetest).
func TestManyCanCountAtOnce(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := process(t, url)
		x := newTalker(t, s, 1)
		var all sync.WaitGroup
		for i, s := range []*store.Store{s, process(t, url), s, process(t, url)} {
			y := *x
			y.Store, y.random = s, rand.New(rand.NewPCG(uint64(i), 2))
			y.articles, y.comments = slices.Clone(x.articles), slices.Clone(x.comments)
			all.Go(func() {
				for range 60 {
					if err := y.step(); err != nil && !errors.Is(err, blog.ErrNotFound) && !errors.Is(err, blog.ErrConflict) {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// TestThreadsStandInTheirOrder compares every part of every order with the whole.
func TestThreadsStandInTheirOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		x := newTalker(t, s, 3)
		for range 150 {
			if err := x.AddComment(t.Context(), x.comment()); err != nil {
				t.Fatal(err)
			}
		}
		article := x.articles[0].ID
		counts, err := s.Counts(t.Context(), []blog.ID{article})
		if err != nil {
			t.Fatal(err)
		}
		n := counts[article].Replies + counts[article].Mentions
		line := func(list []store.Thread, from, to int) string {
			var b strings.Builder
			for _, thread := range list {
				if thread.Behind > from && thread.Behind-thread.N < to {
					fmt.Fprintf(&b, "%s %d of %d\n", thread.RootID, thread.N, thread.Behind)
				}
			}
			return b.String()
		}
		for _, order := range []store.ThreadOrder{store.OldestThreads, store.NewestThreads, store.AnsweredThreads} {
			whole, err := s.Threads(t.Context(), article, order, store.Span{To: n, All: n})
			if err != nil || len(whole) < 5 || whole[len(whole)-1].Behind != n {
				t.Fatalf("%d threads of %d comments, %v", len(whole), n, err)
			}
			for from := 0; from < n; from += 7 {
				part, err := s.Threads(t.Context(), article, order, store.Span{From: from, To: min(from+7, n), All: n})
				if err != nil {
					t.Fatal(err)
				}
				if got, want := line(part, 0, n), line(whole, from, min(from+7, n)); got != want {
					t.Fatalf("order %d from %d:\n%swant:\n%s", order, from, got, want)
				}
			}
		}
	})
}
