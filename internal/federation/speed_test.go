package federation_test

import (
	"context"
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
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// crowd brings the blog up among n servers with one follower each, all known already.
func crowd(b *testing.B, s *store.Store, n int) (*overkant, []*neighbour.Person) {
	b.Helper()
	o := start(b, s)
	o.world.Close()
	o.world = neighbour.New(neighbour.Config{KeyPool: 8, SharedMemory: true})
	b.Cleanup(func() { o.world.Close() })
	servers, err := o.world.Servers(n, neighbour.Mastodon)
	if err != nil {
		b.Fatal(err)
	}
	people := make([]*neighbour.Person, n)
	for i, server := range servers {
		p := server.Person("reader")
		people[i] = p
		a := blog.Actor{ID: p.ID, Type: "Person", Handle: p.Handle(), Name: "Reader", URL: p.URL(), Host: server.Host, Inbox: p.Inbox(),
			SharedInbox: server.URL + "/inbox", FetchedAt: time.Now(), Keys: []blog.ActorKey{{ActorID: p.ID, KeyID: p.KeyID(), PEM: p.PublicPEM()}}}
		if err := s.SaveActor(b.Context(), a); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Follow(b.Context(), blog.Follower{VoiceID: o.ilse.ID, ActorID: p.ID, FollowID: p.ID + "#follow", State: blog.Accepted, Since: time.Now()}); err != nil {
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

var published int

// spread publishes an article and answers how long it takes until so many servers have it.
func (o *overkant) spread(b *testing.B, servers int) time.Duration {
	b.Helper()
	published++
	draft := o.draft(func(a *blog.Article) { a.Slug = fmt.Sprintf("crossing-%d", published) })
	began := time.Now()
	a, err := o.outbox.Publish(b.Context(), draft.ID)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := o.world.Wait(ctx, servers, neighbour.About("Create", o.object(a))); err != nil {
		b.Fatalf("%d servers were to have the article: %v", servers, err)
	}
	return time.Since(began)
}

// BenchmarkFanOut sends one article to 1,000 servers on 1,000 addresses, signed one by one and judged by each.
func BenchmarkFanOut(b *testing.B) {
	eachDatabase(b, func(b *testing.B, s *store.Store) {
		o, people := crowd(b, s, 1000)
		var total time.Duration
		for b.Loop() {
			total += o.spread(b, len(people))
		}
		rate := float64(b.N*len(people)) / total.Seconds()
		b.ReportMetric(rate, "letters/s")
		b.ReportMetric(rate/signing(b), "of-signing")
	})
}

// signing is how many letters all cores could sign in a second if they did nothing else: what bounds a fan-out.
func signing(b *testing.B) float64 {
	b.Helper()
	key, digest := newKey(b), sha256.Sum256([]byte("four minutes wide"))
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
			if err := o.store.Unfollow(b.Context(), o.ilse.ID, p.ID); err != nil {
				b.Fatal(err)
			}
		}
		o.spread(b, len(healthy)) // connections are open from here on, in both
		alone := o.spread(b, len(healthy))
		for _, p := range silent {
			if err := p.Server.Be(neighbour.Hanging()); err != nil {
				b.Fatal(err)
			}
			if _, err := s.Follow(b.Context(), blog.Follower{VoiceID: o.ilse.ID, ActorID: p.ID, FollowID: p.ID + "#again", State: blog.Accepted, Since: time.Now()}); err != nil {
				b.Fatal(err)
			}
		}
		var among time.Duration
		for b.Loop() {
			among += o.spread(b, len(healthy))
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
			published++
			a := o.publish(func(a *blog.Article) { a.Slug = fmt.Sprintf("crossing-%d", published) })
			replies := prepare(b, o, a, people, each)
			b.StartTimer()
			total += o.flood(b, a, replies)
		}
		b.ReportMetric(float64(b.N*len(people)*each)/total.Seconds(), "replies/s")
	})
}

func prepare(b *testing.B, o *overkant, a blog.Article, people []*neighbour.Person, each int) []*neighbour.Ready {
	b.Helper()
	var replies []*neighbour.Ready
	for i := range each {
		for _, p := range people {
			ready, err := p.PrepareReply(b.Context(), o.object(a), fmt.Sprintf("<p>Crossing %d, and <em>nobody</em> spoke.</p>", i))
			if err != nil {
				b.Fatal(err)
			}
			replies = append(replies, ready)
		}
	}
	return replies
}

// flood sends all replies, 64 at a time, and answers how long it took until all of them are counted.
func (o *overkant) flood(b *testing.B, a blog.Article, replies []*neighbour.Ready) time.Duration {
	b.Helper()
	began := time.Now()
	var next, failed atomic.Int64
	var senders sync.WaitGroup
	for range 64 {
		senders.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(replies); i = next.Add(1) - 1 {
				if _, err := replies[i].Send(b.Context()); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	senders.Wait()
	if failed.Load() > 0 {
		b.Fatalf("%d replies were not taken", failed.Load())
	}
	o.until("all replies can be read", func() bool { return o.counts(a).Replies == len(replies) })
	return time.Since(began)
}

// BenchmarkPublishToACrowd measures the transaction that publishes to 10,000 followers on 2,000 servers: what an author
// waits for.
func BenchmarkPublishToACrowd(b *testing.B) {
	eachDatabase(b, func(b *testing.B, s *store.Store) {
		o := start(b, s)
		o.stop() // nothing is carried; o.t goes on
		err := s.InTx(b.Context(), func(s *store.Store) error {
			for i := range 10_000 {
				host := fmt.Sprintf("h%d.example", i%2000)
				a := blog.Actor{ID: fmt.Sprintf("https://%s/users/%d", host, i), Type: "Person", Host: host, Inbox: fmt.Sprintf("https://%s/users/%d/inbox", host, i),
					SharedInbox: "https://" + host + "/inbox", FetchedAt: time.Now()}
				if i%10 == 0 { // some servers have no shared inbox
					a.SharedInbox = ""
				}
				if err := s.SaveActor(b.Context(), a); err != nil {
					return err
				}
				if _, err := s.Follow(b.Context(), blog.Follower{VoiceID: o.ilse.ID, ActorID: a.ID, FollowID: a.ID + "#f", State: blog.Accepted, Since: time.Now()}); err != nil {
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
			published++
			draft := o.draft(func(a *blog.Article) { a.Slug = fmt.Sprintf("crossing-%d", published) })
			b.StartTimer()
			if last, err = o.outbox.Publish(b.Context(), draft.ID); err != nil {
				b.Fatal(err)
			}
		}
		began := time.Now()
		reports, err := s.Reports(b.Context(), last.ID)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(reports)), "letters")
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-report")
	})
}
