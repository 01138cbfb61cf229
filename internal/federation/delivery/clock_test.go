package delivery_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

// A machine whose clock was wrong is set right while servers are written to: what is under way and what is said next
// arrives, and what waits in the queue of arrivals is worked through. The other servers live in the same time.
func TestR12DeliveriesArriveAfterTheClockJumped(t *testing.T) {
	for name, jump := range map[string]time.Duration{"an hour back": -time.Hour, "a day back": -24 * time.Hour,
		"half an hour ahead": 30 * time.Minute, "a day ahead": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			storetest.EachURL(t, func(t *testing.T, database string) {
				s := overkant.OpenStore(t, database)
				f := rig.Measure(t, "R-12", rig.Run{Database: rig.Database(database)})
				var offset atomic.Int64
				clock := func() time.Time { return time.Now().Round(0).Add(time.Duration(offset.Load())) }
				o := overkant.Start(t, s, func(b *federation.Core) { b.Now = clock })
				o.World.Close()
				o.World = fedtest.New(fedtest.Config{Now: clock})
				const servers = 12
				for range servers - 2 {
					o.AddFollower(o.Server("quick").Person("reader"))
				}
				slow, down := o.Server("slow"), o.Server("down")
				o.AddFollower(slow.Person("reader"))
				o.AddFollower(down.Person("reader"))
				if err := slow.SetBehaviour(fedtest.Slow(2 * time.Second)); err != nil {
					t.Fatal(err)
				}
				if err := down.SetBehaviour(fedtest.FailingFirst(1, 503)); err != nil {
					t.Fatal(err)
				}
				first := o.Publish()
				o.Until("one has failed, and rests", func() bool { return o.DeliveryRows(first)[down.Host].Attempts == 1 })
				offset.Store(int64(jump))
				next := o.Publish(func(a *blog.Article) { a.Slug = "the-next-crossing" })
				for _, a := range []blog.Article{first, next} {
					if err := o.World.WaitForCount(o.Soon(), servers, fedtest.About("Create", o.Object(a))); err != nil {
						t.Error(err)
					}
				}
				o.Until("all is settled", func() bool {
					_, waiting, err := s.CountWaiting(o.Soon())
					return err == nil &&
						waiting == 0
				})
				refused := o.World.CountDeliveries(func(d fedtest.Delivery) bool { return d.Status == http.StatusUnauthorized })
				arrived := map[string]int{}
				for _, a := range []blog.Article{first, next} {
					arrived[a.Slug] = o.World.CountDeliveries(fedtest.About("Create", o.Object(a)))
				}
				f.Size("servers", servers)
				f.Size("jump, s", int(jump.Seconds()))
				f.Sometimes("deliveries before the jump that had failed", o.DeliveryRows(first)[down.Host].Attempts-1)
				f.Judge(func(b *rig.Bars) {
					for slug, n := range arrived {
						b.Exactly("arrivals of "+slug, float64(n), servers)
					}
					if jump.Abs() < time.Hour { // else a request that was under way is too old when it is looked at
						b.AtMost("false 401", float64(refused), 0)
					}
				}, func() { arrived[first.Slug]-- })
			})
		})
	}
}
