package federation_test

import (
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// A machine whose clock was wrong is set right while servers are written to: what is under way and what is said next
// arrives, and what waits in the queue of arrivals is worked through. The other servers live in the same time.
func TestDeliveriesArriveAfterTheClockJumped(t *testing.T) {
	for name, jump := range map[string]time.Duration{"an hour back": -time.Hour, "a day back": -24 * time.Hour, "a day ahead": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				var offset atomic.Int64
				clock := func() time.Time { return time.Now().Round(0).Add(time.Duration(offset.Load())) }
				o := start(t, s, func(b *federation.Base) { b.Now = clock })
				o.world.Close()
				o.world = neighbour.New(neighbour.Config{Now: clock})
				const servers = 12
				for range servers - 2 {
					o.befriend(o.server("quick").Person("reader"))
				}
				slow, down := o.server("slow"), o.server("down")
				o.befriend(slow.Person("reader"))
				o.befriend(down.Person("reader"))
				if err := slow.Be(neighbour.Slow(2 * time.Second)); err != nil {
					t.Fatal(err)
				}
				if err := down.Be(neighbour.FailThenWell(1, 503)); err != nil {
					t.Fatal(err)
				}
				first := o.publish()
				o.until("one has failed, and rests", func() bool { return o.report(first)[down.Host].Attempts == 1 })
				offset.Store(int64(jump))
				next := o.publish(func(a *blog.Article) { a.Slug = "the-next-crossing" })
				for _, a := range []blog.Article{first, next} {
					if err := o.world.Wait(o.soon(), servers, neighbour.About("Create", o.object(a))); err != nil {
						t.Error(err)
					}
				}
				o.until("all is settled", func() bool { _, waiting, err := s.CountWaiting(o.soon()); return err == nil && waiting == 0 })
				if n := o.world.Count(neighbour.About("Create", o.object(first))); n != servers {
					t.Errorf("the first arrived %d times at %d servers", n, servers)
				}
			})
		})
	}
}
