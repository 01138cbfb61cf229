package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// process opens the same database again, as another process would.
func process(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestTwoTransactionsInADeadlockBothFinish: PostgreSQL ends a deadlock by failing one of the two.
func TestTwoTransactionsInADeadlockBothFinish(t *testing.T) {
	url := storetest.Postgres(t)
	s := process(t, url)
	author := ilse(t, s)
	var articles [2]blog.Article
	for i := range articles {
		articles[i] = blog.Article{ID: blog.NewID(now), VoiceID: author.ID, Status: blog.Draft, Format: blog.FullArticle,
			Visibility: blog.Public,
			Comments:   blog.Open, Quotes: "everyone", CreatedAt: now,
			Text: blog.Text{Language: "en", Title: fmt.Sprint("Part ", i)}}
		if err := s.SaveArticle(t.Context(), &articles[i], now); err != nil {
			t.Fatal(err)
		}
	}
	for name, run := range map[string]func(func(context.Context, *store.Store) error) error{
		"each in a transaction": func(do func(context.Context, *store.Store) error) error {
			return s.InTx(t.Context(), func(s *store.Store) error { return do(t.Context(), s) })
		},
		"each in a group": func(do func(context.Context, *store.Store) error) error {
			return process(t, url).GroupCommit(t.Context(), "", do)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var both, done sync.WaitGroup
			both.Add(2)
			for i := range articles {
				var once sync.Once
				done.Go(func() {
					err := run(func(ctx context.Context, s *store.Store) error {
						if _, err := s.LockArticle(ctx, articles[i].ID); err != nil {
							return err
						}
						once.Do(func() { both.Done(); both.Wait() })
						_, err := s.LockArticle(ctx, articles[1-i].ID)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			done.Wait()
		})
	}
}

// TestAuthorsAndCouriersOfSeveralProcessesDoNotBlockEachOther sends edits to many servers, one after another, while two
// couriers deliver: nothing may fail, be lost or be sent twice.
func TestAuthorsAndCouriersOfSeveralProcessesDoNotBlockEachOther(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, other := process(t, url), process(t, url)
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		err := s.InTx(t.Context(), func(s *store.Store) error {
			for i := range 150 {
				friend(t, s, "reader", fmt.Sprintf("h%03d.example", (i*37)%150), author.ID)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
		defer end()
		var couriers sync.WaitGroup
		var sent atomic.Int64
		stop := make(chan struct{})
		for _, s := range []*store.Store{s, other} {
			couriers.Go(func() { sendAll(ctx, t, s, stop, &sent) })
		}
		addActivity(t, s, a, "Create", 1)
		for revision := range 12 {
			err := s.InTx(ctx, func(s *store.Store) error {
				if _, err := s.LockArticle(ctx, a.ID); err != nil {
					return err
				}
				id, err := s.NextActivityID(ctx, time.Now())
				if err != nil {
					return err
				}
				update := blog.Activity{ID: id, VoiceID: author.ID, Kind: "Update", ObjectID: a.ObjectID, Revision: revision + 2,
					Payload: []byte(`{}`), At: time.Now()}
				if err := s.AddActivity(ctx, update); err != nil {
					return err
				}
				if err := s.UpdateWaitingCreates(ctx, update); err != nil {
					return err
				}
				if err := s.FanOutToHolders(ctx, update); err != nil {
					return err
				}
				return s.Supersede(ctx, update, "Update")
			})
			if err != nil {
				t.Errorf("edit %d: %v", revision, err)
			}
		}
		for waiting := 1; waiting > 0 && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if _, waiting, err = s.CountWaiting(ctx); err != nil {
				t.Fatal(err)
			}
		}
		close(stop)
		couriers.Wait()
		reports, err := s.DeliveryRows(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		delivered := 0
		for _, r := range reports {
			if r.Attempts > 1 || r.SettledAt == nil {
				t.Errorf("%s to %s: %d attempts, %s", r.Kind, r.Host, r.Attempts, r.Status)
			}
			delivered += r.Attempts
		}
		if int64(delivered) != sent.Load() {
			t.Errorf("%d deliveries were sent and %d recorded", sent.Load(), delivered)
		}
	})
}

// sendAll does what a courier does, but without a network, until it is stopped.
func sendAll(ctx context.Context, t *testing.T, s *store.Store, stop <-chan struct{}, sent *atomic.Int64) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		claims, err := s.ClaimPeers(ctx, time.Now(), time.Minute, 64, false)
		if err != nil {
			t.Error(err)
			return
		}
		var visits sync.WaitGroup
		for _, c := range claims {
			visits.Go(func() {
				deliveries, err := s.WaitingFor(ctx, 10, c.Host)
				if err != nil {
					t.Errorf("%s: %v", c.Host, err)
				}
				for _, d := range deliveries {
					sent.Add(1)
					done := store.Settlement{Delivery: d, Outcome: blog.Delivery{Status: blog.Delivered, Code: 202}}
					if err := s.Settle(ctx, c, done, time.Now()); err != nil {
						t.Errorf("%s: %v", c.Host, err)
					}
				}
				end := store.VisitEnd{How: store.Answered, FreeAt: time.Now()}
				if err := s.Release(ctx, c, end, time.Now()); err != nil {
					t.Errorf("%s: %v", c.Host, err)
				}
			})
		}
		visits.Wait()
	}
}

func TestAMemberWhoseCallerHasLeftIsSkipped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		err := s.GroupCommit(ctx, "kade", func(ctx context.Context, s *store.Store) error {
			return s.MarkDeleted(ctx, "kade", "late", now)
		})
		if _, seen, failure := s.KnownPost(t.Context(), "kade", "late"); !errors.Is(err, context.Canceled) ||
			seen || failure != nil {
			t.Errorf("served all the same: %v, %v, %v", err, seen, failure)
		}
	})
}

func TestASaveThatIsRolledBackLeavesTheArticleUnchanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fourMinutes(t, s, ilse(t, s).ID)
		refused := errors.New("refused")
		if err := s.InTx(t.Context(), func(s *store.Store) error {
			if err := s.SaveArticle(t.Context(), &a, now.Add(time.Minute)); err != nil {
				return err
			}
			return refused
		}); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if err := s.SaveArticle(t.Context(), &a, now.Add(2*time.Minute)); err != nil {
			t.Errorf("saved again: %v", err)
		}
	})
}

// The members of one group share what they read. What one of them planned before it failed must not count as planned.
func TestTheBackfillThatAFailedMemberPlannedIsPlannedByTheNext(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fourMinutes(t, s, ilse(t, s).ID)
		const bram = "https://veerhuis.example/users/bram"
		if err := s.SaveActor(t.Context(), blog.Actor{ID: bram, Type: "Person", Host: "veerhuis.example",
			Inbox: bram + "/inbox", FetchedAt: now}); err != nil {
			t.Fatal(err)
		}
		refused := errors.New("refused")
		add := func(name string, fate error) func(context.Context, *store.Store) error {
			return func(ctx context.Context, s *store.Store) error {
				if head, err := s.HeadByObject(ctx, a.ObjectID); err != nil || head.ID != a.ID {
					return fmt.Errorf("the article of %s: %s, %w", name, head.ID, err)
				}
				err := s.AddComment(ctx, blog.Comment{ID: blog.NewID(now), Address: "https://veerhuis.example/notes/" + name,
					ArticleID: a.ID, ActorID: bram, Origin: blog.Pushed,
					Visibility: blog.PublicComment, State: blog.CommentShown, PublishedAt: now, SortedAt: now, ArrivedAt: now})
				return cmp.Or(err, fate)
			}
		}
		var group sync.WaitGroup
		begun, queued := make(chan struct{}), make(chan struct{})
		group.Go(func() { // holds the queue until the others wait in it
			err := s.GroupCommit(t.Context(), "veerhuis", func(context.Context, *store.Store) error {
				close(begun)
				<-queued
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-begun
		for _, c := range []struct {
			name string
			fate error
		}{{"first", refused}, {"second", nil}, {"third", nil}, {"last", refused}} {
			group.Go(func() {
				if err := s.GroupCommit(t.Context(), "veerhuis", add(c.name, c.fate)); !errors.Is(err, c.fate) {
					t.Errorf("%s: %v", c.name, err)
				}
			})
			time.Sleep(30 * time.Millisecond) // so that they join in this order
		}
		close(queued)
		group.Wait()
		list, err := s.PublicComments(t.Context(), a.ID)
		if err != nil || len(list) != 2 {
			t.Errorf("%d comments, %v; want the second and the third", len(list), err)
		}
		if plan, err := s.BackfillOf(t.Context(), a.ID); err != nil || plan.DueAt == nil {
			t.Errorf("the backfill is %+v, %v", plan, err)
		}
	})
}
