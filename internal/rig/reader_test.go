//go:build linux

package rig_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

// TestR31SavesAtTheSameTimeLoseNothingSilently saves one article a hundred times at once, from the same state of it.
func TestR31SavesAtTheSameTimeLoseNothingSilently(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 0)
		rounds, each := rig.Size(2, 20), rig.Size(40, 100)
		silent, conflicts, saved := 0, 0, 0
		for range rounds {
			a := s.draft()
			token, err := s.author.Token(t.Context(), a.id)
			s.must(err)
			states := make([]int, each)
			s.must(rig.Crowd(each, each, func(i int) (err error) {
				states[i], err = s.author.Save(t.Context(), a.id, token, a.title, fmt.Sprintf("Text of %d.", i))
				return err
			}))
			text := s.author.Text(t.Context(), a.id)
			for i, status := range states {
				switch {
				case status == http.StatusConflict:
					conflicts++
				case status == http.StatusSeeOther:
					saved++
					if !strings.Contains(text, fmt.Sprintf("Text of %d.", i)) {
						silent++ // told that it is saved, and overwritten
					}
				}
			}
		}
		f := s.measure("R-31")
		f.Size("rounds", rounds)
		f.Size("saves at once", each)
		f.Sometimes("conflicts shown", conflicts)
		f.Judge(func(b *rig.Bars) {
			b.AtMost("saves lost without a word", float64(silent), 0)
			b.Exactly("saves that won", float64(saved), float64(rounds))
			b.Exactly("all others saw the conflict", float64(conflicts+saved), float64(rounds*each))
		}, func() { saved++; silent++ })
	})
}

// fetch is an address that a herd asks for.
type fetch struct{ address, accept string }

// herd lets so many new clients fetch addresses within a second, and returns how long each took by its address.
func herd(ctx context.Context, clients int, list []fetch) (took map[string][]time.Duration, failed int) {
	var mu sync.Mutex
	var working sync.WaitGroup
	took = map[string][]time.Duration{}
	for i := range clients {
		working.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / time.Duration(clients))
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			for _, one := range list {
				began := time.Now()
				ok := false
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, one.address, nil)
				if err == nil {
					r.Header.Set("Accept", one.accept)
					var answer *http.Response
					if answer, err = client.Do(r); err == nil {
						_, err = io.Copy(io.Discard, answer.Body)
						answer.Body.Close()
						ok = err == nil && answer.StatusCode == http.StatusOK
					}
				}
				mu.Lock()
				took[one.address] = append(took[one.address], time.Since(began))
				if !ok {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	working.Wait()
	return took, failed
}

// bare serves the bytes of a page from a handler that does nothing else: what a busy machine makes slow is slow there
// as well.
func bare(t *testing.T, page string) string {
	t.Helper()
	_, body, err := rig.Get(t.Context(), page, "text/html")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestR36AHerdIsServed sends new clients to an article that nobody has read yet, and to a bare handler beside it.
func TestR36AHerdIsServed(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 1)
		clients := rig.Size(300, 2000)
		warm, _ := s.publish()
		plain := bare(t, warm.page)
		herd(t.Context(), clients/4, []fetch{{warm.page, "text/html"}}) // the machine wakes up
		fresh := s.draft()
		if said, err := s.author.Publish(t.Context(), fresh.id); !said {
			t.Fatal(err)
		}
		list := []fetch{{plain, "text/html"}, {fresh.page, "text/html"}, {warm.object, rig.Activity}}
		took, failed := herd(t.Context(), clients, list)
		f := s.measure("R-36")
		f.Size("clients", clients)
		f.Sometimes("requests", len(took[fresh.page]))
		f.Judge(func(b *rig.Bars) {
			limit := max(250, 4*rig.Quantile(took[plain], 0.99))
			b.AtMost("page p99 ms", rig.Quantile(took[fresh.page], 0.99), limit)
			b.AtMost("object p99 ms", rig.Quantile(took[warm.object], 0.99), limit)
			b.AtMost("errors", float64(failed), 0)
		}, func() { failed++ })
	})
}

// TestR37AStormOfRepliesIsStoredOnce sends many replies to one article, while its page is read.
func TestR37AStormOfRepliesIsStoredOnce(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, rig.Size(40, 200))
		a, _ := s.publish()
		n := rig.Size(800, 10_000)
		ready := make([]func() int, n)
		s.must(rig.Crowd(8, n, func(i int) error {
			one, err := s.people[i%len(s.people)].PrepareReply(t.Context(), a.object, fmt.Sprintf("<p>storm-%d.</p>", i))
			ready[i] = func() int { return status(t.Context(), one) }
			return err
		}))
		plain := bare(t, a.page)
		storm, stop := context.WithCancel(t.Context())
		var pages, beside []time.Duration
		var reading sync.WaitGroup
		failed := 0
		reading.Go(func() {
			for storm.Err() == nil {
				took, bad := read(t.Context(), a.page, "text/html", 1)
				pages, failed = append(pages, took...), failed+bad
				took, _ = read(t.Context(), plain, "text/html", 1)
				beside = append(beside, took...)
			}
		})
		var sent answers
		pace := time.Minute * 8 / 10_000 // of each of eight senders: 10,000 a minute together
		s.must(rig.Crowd(8, n, func(i int) error {
			began := time.Now()
			code := ready[i]()
			for tries := 0; code == http.StatusTooManyRequests && tries < 30; tries++ {
				time.Sleep(time.Second)
				code = ready[i]()
			}
			sent.add(code, time.Since(began))
			time.Sleep(pace - time.Since(began))
			return nil
		}))
		stop()
		reading.Wait()
		total, ids, err := rig.Collection(t.Context(), a.object+"/replies")
		s.must(err)
		slices.Sort(ids)
		_, page, err := rig.Get(t.Context(), a.page, "text/html")
		s.must(err)
		f := s.measure("R-37")
		f.Size("replies", n)
		f.Sometimes("pages read meanwhile", len(pages))
		f.Judge(func(b *rig.Bars) {
			b.Exactly("replies accepted", float64(sent.by[202]), float64(n))
			b.Exactly("replies stored", float64(total), float64(n))
			b.Exactly("replies listed once", float64(len(slices.Compact(slices.Clone(ids)))), float64(n))
			b.AtMost("pages that failed", float64(failed), 0)
			b.AtMost("page p95 ms", rig.Quantile(pages, 0.95), max(100, 8*rig.Quantile(beside, 0.95)))
			b.AtMost("size of the page, KiB", float64(len(page)>>10), 512)
		}, func() { total-- })
	})
}
