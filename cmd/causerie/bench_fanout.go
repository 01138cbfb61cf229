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

// measureFanOut publishes articles for healthy servers, from another process than the server's. The other servers share
// the cores with the server, so what counts is its own processor time, beside that of a signature in the same run.
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
	var able signingSpeed
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
		sleep(ctx, time.Second) // the last results are saved, and pages made anew
		spent += cpu(o.process) - before
		firsts = append(firsts, float64(first.Milliseconds()))
		rates = append(rates, float64(servers)/all.Seconds())
		// After each, since a busy machine is slower for both.
		if err := able.measure(); err != nil {
			return err
		}
	}
	rate, each := quantile(rates, 0.5), spent/float64(3*servers)
	b.add(figure{What: "deliveries, of what the cores can sign", Value: able.cpu() / max(each, 1e-6), Least: 0.8,
		CPU: spent, Note: fmt.Sprintf("by processor time: %.2f ms for each delivery to %d servers, %.2f ms for a signature; "+
			"with the other servers on the same cores %.0f a second of %.0f signatures, %.2f", 1000*each, servers,
			1000*able.cpu(), rate, able.rate(), rate/able.rate())})
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

// signingSpeed is how fast this machine makes RSA signatures of 2048 bits, which is what bounds a fan-out.
type signingSpeed struct {
	signed         int64
	took, consumed float64 // seconds, of time and of one core
}

// rate is how many signatures all cores together make in a second if they do nothing else.
func (s *signingSpeed) rate() float64 { return float64(s.signed) / s.took }

// cpu is the processor time of one signature in seconds; 0 where it cannot be read.
func (s *signingSpeed) cpu() float64 { return s.consumed / float64(s.signed) }

// add adds what another one measured.
func (s *signingSpeed) add(other signingSpeed) {
	s.signed += other.signed
	s.took += other.took
	s.consumed += other.consumed
}

// measure signs for a second on all cores, and adds the result to that of earlier calls.
func (s *signingSpeed) measure() error {
	key, err := signature.NewRSAKey("")
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte("four minutes wide"))
	var signed atomic.Int64
	var cores sync.WaitGroup
	began, before := time.Now(), ownCPU()
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
	s.signed += signed.Load()
	s.took += time.Since(began).Seconds()
	s.consumed += ownCPU() - before
	return nil
}
