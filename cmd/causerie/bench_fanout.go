package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/signature"
)

// measureFanOut publishes articles for healthy servers, from another process than the server's.
func measureFanOut(ctx context.Context, b *bench) error {
	o, err := b.blog(ctx, benchSeed{})
	if err != nil {
		return err
	}
	defer o.remove()
	servers := b.size(500, 2000)
	world, _, err := o.crowd(ctx, servers, servers)
	if err != nil {
		return err
	}
	defer world.Close()
	if err := o.start(ctx); err != nil {
		return err
	}
	var firsts, rates []float64
	var spent float64
	for i := range 4 {
		before := cpu(o.process)
		first, all, err := o.spread(ctx, world, servers, fmt.Sprintf("Crossing %d of the fan-out", i))
		if err != nil {
			return err
		}
		if i == 0 { // connections and keys of the other servers are new
			continue
		}
		spent += cpu(o.process) - before
		firsts = append(firsts, float64(first.Milliseconds()))
		rates = append(rates, float64(servers)/all.Seconds())
	}
	able, err := signing()
	if err != nil {
		return err
	}
	deliveries := float64(3 * servers)
	rate := quantile(rates, 0.5)
	b.add(figure{What: "deliveries, of what the cores can sign", Value: rate / able, Least: 0.8, CPU: spent,
		Note: fmt.Sprintf("%.0f a second to %d servers; the cores sign %.0f; the server's time alone allows %.0f", rate,
			servers, able, float64(runtime.NumCPU())*deliveries/max(spent, 0.01))})
	b.add(figure{What: "first delivery after the commit", Value: quantile(firsts, 0.5), Unit: "ms", Most: 100})
	return nil
}

// spread publishes an article, and returns how long after the commit the first and the last of some servers have it.
func (o *benchBlog) spread(ctx context.Context, world *fedtest.World, servers int,
	title string) (first, all time.Duration, err error) {
	a, err := o.publish(ctx, title)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	limit, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	about := fedtest.About("Create", o.site.ArticleID(a.ObjectID))
	if err := world.WaitForCount(limit, 1, about); err != nil {
		return 0, 0, err
	}
	first = time.Since(began)
	if err := world.WaitForCount(limit, servers, about); err != nil {
		return 0, 0, fmt.Errorf("%d servers should have the article: %w", servers, err)
	}
	return first, time.Since(began), nil
}

// signing returns how many deliveries all cores could sign in a second if they did nothing else: what bounds a fan-out.
func signing() (float64, error) {
	key, err := signature.NewRSAKey("")
	if err != nil {
		return 0, err
	}
	digest := sha256.Sum256([]byte("four minutes wide"))
	var signed atomic.Int64
	var cores sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		cores.Go(func() {
			for time.Since(began) < 2*time.Second {
				if _, err := key.Private.Sign(rand.Reader, digest[:], crypto.SHA256); err == nil {
					signed.Add(1)
				}
			}
		})
	}
	cores.Wait()
	return float64(signed.Load()) / time.Since(began).Seconds(), nil
}
