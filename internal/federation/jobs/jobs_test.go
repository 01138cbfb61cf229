package jobs_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/jobs"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestTheStatisticsOfTheDatabaseAreRenewedAtTheStart(t *testing.T) {
	url := storetest.SQLite(t)
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o := overkant.Start(t, s)
	db, err := sql.Open("sqlite", "file:"+url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	known := func() (n int) {
		if err := db.QueryRow(`SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'`).Scan(&n); err != nil ||
			n == 0 {
			return 0
		}
		if err := db.QueryRow(`SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'voices'`).Scan(&n); err != nil {
			return 0
		}
		return n
	}
	if known() != 0 {
		t.Fatal("the statistics are there before the start")
	}
	if won, err := s.ClaimJob(t.Context(), "database-statistics", o.Core.Now(), 1<<40); err != nil ||
		!won {
		t.Fatal(won, err) // the start counts, also where the job was done a moment ago
	}
	ctx, cancel := context.WithCancel(t.Context())
	periodic, ended := &jobs.Jobs{Core: o.Core, Outbox: o.Outbox}, make(chan struct{})
	go func() { defer close(ended); periodic.Run(ctx) }()
	o.Until("the statistics are there", func() bool { return known() > 0 })
	cancel()
	<-ended
}

func TestDeliveriesAreSummedUpWhenTheyAreOld(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		a := o.Publish()
		o.WaitDelivered(a)
		summedUp := func() bool { return o.DeliveryRows(a)[veerhuis.Host].Past }
		for _, c := range []struct {
			after, keep time.Duration
			want        bool
		}{
			{30 * 24 * time.Hour, jobs.MinKeepDeliveries, false},
			{40 * 24 * time.Hour, 0, false},
			{40 * 24 * time.Hour, jobs.MinKeepDeliveries, true},
		} {
			late := o.Core
			late.Now = func() time.Time { return time.Now().Add(c.after) }
			if _, err := o.Store.ClaimJob(t.Context(), "old-deliveries", time.Now().Add(-time.Hour), time.Minute); err != nil {
				t.Fatal(err)
			}
			patience := 2 * time.Second
			if c.want {
				patience = 15 * time.Second
			}
			ctx, stop := context.WithTimeout(t.Context(), patience)
			go func() {
				for ctx.Err() == nil && !summedUp() {
					time.Sleep(50 * time.Millisecond)
				}
				stop()
			}()
			(&jobs.Jobs{Core: late, Outbox: o.Outbox, KeepDeliveries: c.keep}).Run(ctx)
			stop()
			if summedUp() != c.want {
				t.Errorf("after %v, with %v: summed up is %v", c.after, c.keep, summedUp())
			}
		}
	})
}

func TestOldDeliveriesAreSummedUpForTwentySecondsAtOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, began := o.Server("veerhuis"), time.Now()
		o.AddFollower(veerhuis.Person("bram"))
		for i, c := range []struct {
			each time.Duration // how long each article takes
			want int           // how many of three are summed up at once
		}{{10 * time.Second, 2}, {10*time.Second - time.Millisecond, 3}} {
			var articles []blog.Article
			for n := range 3 {
				articles = append(articles, o.PublishNumbered(3*i+n))
				o.WaitDelivered(articles[n])
			}
			summedUp := func() (n int) {
				for _, a := range articles {
					if o.DeliveryRows(a)[veerhuis.Host].Past {
						n++
					}
				}
				return n
			}
			late := o.Core
			late.Now = func() time.Time {
				return began.AddDate(0, 0, 40).Add(time.Duration(summedUp()) * c.each)
			}
			runner := &jobs.Jobs{Core: late, Outbox: o.Outbox, KeepDeliveries: jobs.MinKeepDeliveries}
			for _, want := range []int{c.want, 3} {
				if err := runner.SumUpDeliveries(o.Soon()); err != nil {
					t.Fatal(err)
				}
				if got := summedUp(); got != want {
					t.Errorf("with %v for each article, %d are summed up, want %d", c.each, got, want)
				}
			}
		}
	})
}
