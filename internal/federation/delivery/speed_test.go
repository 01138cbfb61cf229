package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// crowd brings the blog up among n servers with one follower each, all known already.
func crowd(b testing.TB, s *store.Store, n int) (*overkant.Blog, []*fedtest.Person) {
	b.Helper()
	o := overkant.Start(b, s)
	o.World.Close()
	o.World = fedtest.New(fedtest.Config{KeyPool: 8, SharedCache: true})
	b.Cleanup(func() { o.World.Close() })
	servers, err := o.World.AddServers(n, fedtest.Mastodon)
	if err != nil {
		b.Fatal(err)
	}
	people := make([]*fedtest.Person, n)
	for i, server := range servers {
		p := server.Person("reader")
		people[i] = p
		a := blog.Actor{ID: p.ID, Type: "Person", Handle: p.Handle(), Name: "Reader", URL: p.URL(), Host: server.Host,
			Inbox:       p.Inbox(),
			SharedInbox: server.URL + "/inbox", FetchedAt: time.Now(),
			Keys: []blog.ActorKey{{ActorID: p.ID, KeyID: p.KeyID(), PEM: p.PublicPEM()}}}
		if err := s.SaveActor(b.Context(), a); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Follow(b.Context(), blog.Follower{VoiceID: o.Ilse.ID, ActorID: p.ID, FollowID: p.ID + "#follow",
			State: blog.Accepted, Since: time.Now()}); err != nil {
			b.Fatal(err)
		}
	}
	return o, people
}

func eachDatabase(b *testing.B, bench func(b *testing.B, s *store.Store)) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(b.Context(), url(b))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.Close() })
			bench(b, s)
		})
	}
}

// All servers are claimed in the same moment, when nothing is cached yet.
func TestTheFirstDeliveriesOfAnArticleComposeItOnce(t *testing.T) {
	var reads storetest.Reads
	s, err := store.Open(t.Context(), storetest.Postgres(t), reads.Wrap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o, people := crowd(t, s, 40)
	a := o.Publish()
	if err := o.World.WaitForCount(o.Soon(), len(people), fedtest.About("Create", o.Object(a))); err != nil {
		t.Fatal(err)
	}
	asked := map[string]int{}
	for _, r := range reads.Take() {
		asked[r.By]++
	}
	// Another author's activity may be on its way, too.
	if asked["Activity"] == 0 || asked["Activity"] > 3 || asked["SigningKeys"] == 0 || asked["SigningKeys"] > 3 {
		t.Errorf("the activity was read %d times, the keys %d times", asked["Activity"], asked["SigningKeys"])
	}
}

// BenchmarkFanOutAmongSilent measures what 200 servers that never answer cost the 800 others: 1 is nothing.
func BenchmarkFanOutAmongSilent(b *testing.B) {
	eachDatabase(b, func(b *testing.B, s *store.Store) {
		o, people := crowd(b, s, 1000)
		silent, healthy := people[:200], people[200:]
		for _, p := range silent {
			if err := o.Store.Unfollow(b.Context(), o.Ilse.ID, p.ID); err != nil {
				b.Fatal(err)
			}
		}
		o.MeasureSpread(b, len(healthy)) // connections are open from here on, in both
		alone := o.MeasureSpread(b, len(healthy))
		for _, p := range silent {
			if err := p.Server.SetBehaviour(fedtest.Hanging()); err != nil {
				b.Fatal(err)
			}
			if _, err := s.Follow(b.Context(), blog.Follower{VoiceID: o.Ilse.ID, ActorID: p.ID, FollowID: p.ID + "#again",
				State: blog.Accepted, Since: time.Now()}); err != nil {
				b.Fatal(err)
			}
		}
		var among time.Duration
		for b.Loop() {
			among += o.MeasureSpread(b, len(healthy))
		}
		b.ReportMetric(among.Seconds()/float64(b.N)/alone.Seconds(), "x-alone")
	})
}

// BenchmarkPublishToACrowd measures the transaction that publishes to 10,000 followers on 2,000 servers: what an author
// waits for.
func BenchmarkPublishToACrowd(b *testing.B) {
	eachDatabase(b, func(b *testing.B, s *store.Store) {
		o := overkant.Start(b, s)
		o.Stop() // nothing is carried; o.t goes on
		err := s.InTx(b.Context(), func(s *store.Store) error {
			for i := range 10_000 {
				host := fmt.Sprintf("h%d.example", i%2000)
				a := blog.Actor{ID: fmt.Sprintf("https://%s/users/%d", host, i), Type: "Person", Host: host,
					Inbox:       fmt.Sprintf("https://%s/users/%d/inbox", host, i),
					SharedInbox: "https://" + host + "/inbox", FetchedAt: time.Now()}
				if i%10 == 0 { // some servers have no shared inbox
					a.SharedInbox = ""
				}
				if err := s.SaveActor(b.Context(), a); err != nil {
					return err
				}
				if _, err := s.Follow(b.Context(), blog.Follower{VoiceID: o.Ilse.ID, ActorID: a.ID, FollowID: a.ID + "#f",
					State: blog.Accepted, Since: time.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		var last blog.Article
		for b.Loop() {
			b.StopTimer()
			overkant.PublishedCount++
			draft := o.Draft(func(a *blog.Article) { a.Slug = fmt.Sprintf("crossing-%d", overkant.PublishedCount) })
			b.StartTimer()
			if last, err = o.Outbox.Publish(b.Context(), draft.ID); err != nil {
				b.Fatal(err)
			}
		}
		began := time.Now()
		reports, err := s.DeliveryRows(b.Context(), last.ID)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(reports)), "deliveries")
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-report")
	})
}
