package delivery_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// crowd brings the blog up among n servers with one follower each, all known already.
func crowd(b *testing.B, s *store.Store, n int) (*overkant.Blog, []*fedtest.Person) {
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

// BenchmarkFanOut sends one article to 1,000 servers on 1,000 addresses, signed one by one and judged by each.
func BenchmarkFanOut(b *testing.B) {
	eachDatabase(b, func(b *testing.B, s *store.Store) {
		o, people := crowd(b, s, 1000)
		var total time.Duration
		for b.Loop() {
			total += o.MeasureSpread(b, len(people))
		}
		rate := float64(b.N*len(people)) / total.Seconds()
		b.ReportMetric(rate, "deliveries/s")
		b.ReportMetric(rate/signing(b), "of-signing")
	})
}

// signing is how many deliveries all cores could sign in a second if they did nothing else: what bounds a fan-out.
func signing(b *testing.B) float64 {
	b.Helper()
	key, digest := overkant.NewKey(b), sha256.Sum256([]byte("four minutes wide"))
	var signed atomic.Int64
	var cores sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		cores.Go(func() {
			for time.Since(began) < time.Second {
				if _, err := key.Private.Sign(rand.Reader, digest[:], crypto.SHA256); err == nil {
					signed.Add(1)
				}
			}
		})
	}
	cores.Wait()
	return float64(signed.Load()) / time.Since(began).Seconds()
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

// BenchmarkReplies takes 5,000 replies in, by 500 people on 500 servers, until all of them can be read.
func BenchmarkReplies(b *testing.B) {
	eachDatabase(b, func(b *testing.B, s *store.Store) {
		o, people := crowd(b, s, 500)
		const each = 10
		var total time.Duration
		for b.Loop() {
			b.StopTimer()
			overkant.PublishedCount++
			a := o.Publish(func(a *blog.Article) { a.Slug = fmt.Sprintf("crossing-%d", overkant.PublishedCount) })
			replies := prepare(b, o, a, people, each)
			b.StartTimer()
			total += o.Flood(b, a, replies)
		}
		b.ReportMetric(float64(b.N*len(people)*each)/total.Seconds(), "replies/s")
	})
}

func prepare(b *testing.B, o *overkant.Blog, a blog.Article, people []*fedtest.Person,
	each int) []*fedtest.PreparedActivity {
	b.Helper()
	var replies []*fedtest.PreparedActivity
	for i := range each {
		for _, p := range people {
			ready, err := p.PrepareReply(b.Context(), o.Object(a),
				fmt.Sprintf("<p>Crossing %d, and <em>nobody</em> spoke.</p>", i))
			if err != nil {
				b.Fatal(err)
			}
			replies = append(replies, ready)
		}
	}
	return replies
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
