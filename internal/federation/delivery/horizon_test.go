package delivery_test

import (
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

// later is a blog whose clock a test sets ahead, with one follower on a server that is away.
type later struct {
	*overkant.Blog
	offset atomic.Int64
	away   *fedtest.Person
	tried  int // attempts that the server had to get by now
}

func newLater(t *testing.T, database string) *later {
	t.Helper()
	l := &later{}
	clock := func() time.Time { return time.Now().Round(0).Add(time.Duration(l.offset.Load())) }
	l.Blog = overkant.Start(t, overkant.OpenStore(t, database), func(b *federation.Core) { b.Now = clock })
	l.World.Close()
	l.World = fedtest.New(fedtest.Config{Now: clock})
	t.Cleanup(func() { l.World.Close() })
	l.away = l.Server("away").Person("reader")
	l.AddFollower(l.away)
	if err := l.away.Server.SetBehaviour(fedtest.Closed()); err != nil {
		t.Fatal(err)
	}
	return l
}

// tries lets time pass until the server was tried once more, or the delivery is settled. It reports the latter.
func (l *later) tries(a blog.Article, pause time.Duration) (settled bool) {
	l.T.Helper()
	l.tried++ // the first attempt may be over when a test asks for it
	l.offset.Add(int64(pause))
	l.Courier.Wake()
	l.Until("the server is tried again", func() bool {
		if _, err := l.Store.GiveUp(l.Soon(), l.Core.Now().Add(-blog.Patience), l.Core.Now()); err != nil {
			l.T.Fatal(err)
		}
		now := l.DeliveryRows(a)[l.away.Server.Host]
		settled = now.Status.Settled()
		return settled || now.Attempts >= l.tried
	})
	return settled
}

// rests are a little longer than the rests of the schedule, in its order.
var rests = []time.Duration{0, 75 * time.Second, 370 * time.Second, 19 * time.Minute, 73 * time.Minute,
	220 * time.Minute, 440 * time.Minute, 15 * time.Hour, 29 * time.Hour, 29 * time.Hour, 29 * time.Hour, 29 * time.Hour,
	29 * time.Hour, 29 * time.Hour, 29 * time.Hour, 29 * time.Hour, 29 * time.Hour, 29 * time.Hour}

func TestR20AServerThatIsGoneForGoodCostsLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("thirty days of attempts take their time")
	}
	storetest.EachURL(t, func(t *testing.T, database string) {
		f := rig.Measure(t, "R-20", rig.Run{Database: rig.Database(database)})
		l := newLater(t, database)
		a := l.Publish()
		tries := 0
		for _, pause := range rests {
			tries++
			if l.tries(a, pause) {
				break
			}
		}
		row := l.DeliveryRows(a)[l.away.Server.Host]
		_, waiting, err := l.Store.CountWaiting(l.Soon())
		if err != nil {
			t.Fatal(err)
		}
		f.Size("days", int(time.Duration(l.offset.Load()).Hours()/24))
		f.Sometimes("attempts", row.Attempts)
		f.Judge(func(b *rig.Bars) {
			b.AtMost("attempts for one delivery", float64(row.Attempts), 20)
			b.AtMost("deliveries left in the queue", float64(waiting), 0)
		}, func() { waiting++ })
	})
}

func TestR19AServerThatComesBackGetsEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("three days of attempts take their time")
	}
	storetest.EachURL(t, func(t *testing.T, database string) {
		for name, steps := range map[string]int{"after two hours": 5, "after three days": 10} {
			t.Run(name, func(t *testing.T) {
				f := rig.Measure(t, "R-19", rig.Run{Database: rig.Database(database)})
				l := newLater(t, fresh(t, database))
				first := l.Publish()
				for _, pause := range rests[:steps] {
					l.tries(first, pause)
				}
				second := l.Publish(func(a *blog.Article) { a.Slug = "second" })
				if err := l.away.Server.SetBehaviour(fedtest.Healthy()); err != nil {
					t.Fatal(err)
				}
				gone := time.Duration(l.offset.Load())
				// It speaks: that ends its rest.
				began := time.Now()
				if _, err := l.away.Like(l.Soon(), l.Object(first)); err != nil {
					t.Fatal(err)
				}
				arrived := 0
				for _, a := range []blog.Article{first, second} {
					if _, err := l.away.Server.WaitFor(l.Soon(), fedtest.About("Create", l.Object(a))); err == nil {
						arrived++
					}
				}
				took := time.Since(began)
				f.Size("hours away", int(gone.Hours()))
				f.Sometimes("attempts while it was away", l.DeliveryRows(first)[l.away.Server.Host].Attempts-1)
				f.Judge(func(b *rig.Bars) {
					b.Exactly("held deliveries that arrived", float64(arrived), 2)
					b.AtMost("first after it spoke, s", took.Seconds(), 120)
				}, func() { arrived-- })
			})
		}
	})
}

// fresh returns a new database of the same kind.
func fresh(t *testing.T, database string) string {
	t.Helper()
	if rig.Database(database) == "postgres" {
		return storetest.Postgres(t)
	}
	return storetest.SQLite(t)
}
