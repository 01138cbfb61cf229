package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
)

// referenceSigns is how many RSA signatures a second one core of the machine makes for which the bars of replies are
// meant. Rates of other machines are scaled by the signatures that they make in the same run.
const referenceSigns = 1265

// measureReplies sends replies to one article from 500 servers, and compares the last tenth with the first.
func measureReplies(ctx context.Context, b *bench) error {
	o, err := b.blog(ctx, benchSeed{})
	if err != nil {
		return err
	}
	defer o.remove()
	world, people, err := o.crowd(ctx, 500, 500)
	if err != nil {
		return err
	}
	defer world.Close()
	a, err := o.publish(ctx, "An article with many replies")
	if err != nil {
		return err
	}
	if err := o.start(ctx); err != nil {
		return err
	}
	part := b.size(2000, 10_000)
	var rates, scaled, cheap []float64
	var spent float64
	var signs signingSpeed
	for i := range 10 {
		ready, err := o.prepare(ctx, a, people, part)
		if err != nil {
			return err
		}
		before := cpu(o.process)
		took, err := flood(ctx, ready, 64)
		if err != nil {
			return err
		}
		used := cpu(o.process) - before
		spent += used
		rates = append(rates, float64(part)/took.Seconds())
		// Beside each part, since other work on the machine slows both down.
		var now signingSpeed
		if err := now.measure(); err != nil {
			return err
		}
		signs.add(now)
		scaled = append(scaled, rates[i]*referenceSigns*float64(runtime.GOMAXPROCS(0))/now.rate())
		cheap = append(cheap, now.cpu()*float64(part)/max(used, 1e-6))
		b.say("%d replies, %.0f a second", (i+1)*part, rates[i])
	}
	if err := o.has(ctx, a, 10*part); err != nil {
		return err
	}
	least := 2000.0
	if b.database != "" {
		least = 1500
	}
	each := spent / float64(10*part)
	note := fmt.Sprintf("on a machine that signs %d a second a core; here %.0f a second of %d, with %.0f signatures a "+
		"second a core. The server's own time is %.2f ms a reply, or %.2f signatures", referenceSigns,
		quantile(rates, 0.5), 10*part, signs.rate()/float64(runtime.GOMAXPROCS(0)), 1000*each,
		each/max(signs.cpu(), 1e-6))
	b.add(figure{What: "replies taken in", Value: quantile(scaled, 0.5), Unit: "a second", Least: least, CPU: spent,
		Note: note})
	// SQLite works in the server's own time, which says more than the clock when the machine does other work as well.
	flat, by := cheap, "by the server's own time"
	if b.database != "" {
		flat, by = scaled, "by the clock"
	}
	b.add(figure{What: "the last tenths, of the first", Value: quantile(flat[7:], 0.5) / quantile(flat[:3], 0.5),
		Least: 0.8, Note: by + ", three tenths each"})
	return nil
}

// prepare signs n replies to an article, by people in turn.
func (o *benchBlog) prepare(ctx context.Context, a blog.Article, people []*fedtest.Person,
	n int) ([]*fedtest.PreparedActivity, error) {
	ready := make([]*fedtest.PreparedActivity, n)
	for i := range ready {
		one, err := people[i%len(people)].PrepareReply(ctx, o.site.ArticleID(a.ObjectID),
			fmt.Sprintf("<p>Crossing %d, and <em>nobody</em> spoke.</p>", i))
		if err != nil {
			return nil, err
		}
		ready[i] = one
	}
	return ready, nil
}

// flood sends activities, some at a time, and returns how long it takes. Each must be accepted.
func flood(ctx context.Context, ready []*fedtest.PreparedActivity, atOnce int) (time.Duration, error) {
	began := time.Now()
	var next atomic.Int64
	var failed atomic.Value
	var senders sync.WaitGroup
	for range atOnce {
		senders.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(ready); i = int(next.Add(1)) - 1 {
				if _, err := ready[i].Send(ctx); err != nil {
					failed.CompareAndSwap(nil, fmt.Errorf("a reply was not accepted: %w", err))
				}
			}
		})
	}
	senders.Wait()
	if err, bad := failed.Load().(error); bad {
		return 0, err
	}
	return time.Since(began), nil
}

// has checks that an article has a number of replies.
func (o *benchBlog) has(ctx context.Context, a blog.Article, n int) error {
	counts, err := o.store.Counts(ctx, []blog.ID{a.ID})
	if err == nil && counts[a.ID].Replies != n {
		err = fmt.Errorf("%d replies were accepted, and %d are counted", n, counts[a.ID].Replies)
	}
	return err
}
