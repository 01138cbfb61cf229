package rig

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/fedtest"
)

// NewWorld returns a pretend fediverse for thousands of servers, which ends with the test.
func NewWorld(t testing.TB) *fedtest.World {
	t.Helper()
	world := fedtest.New(fedtest.Config{KeyPool: 8, SharedCache: true})
	t.Cleanup(func() { world.Close() })
	return world
}

// People returns a person on each of n new servers.
func People(t testing.TB, world *fedtest.World, n int) []*fedtest.Person {
	t.Helper()
	servers, err := world.AddServers(n, fedtest.Mastodon)
	if err != nil {
		t.Fatal(err)
	}
	people := make([]*fedtest.Person, n)
	for i, server := range servers {
		people[i] = server.Person("reader")
	}
	return people
}

// Follow lets each person follow an actor, over HTTP, and waits until all are accepted.
func Follow(t testing.TB, people []*fedtest.Person, actor string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	err := Crowd(16, len(people), func(i int) error {
		if _, err := people[i].Follow(ctx, actor); err != nil {
			return fmt.Errorf("%s follows: %w", people[i].Handle(), err)
		}
		return people[i].WaitAccepted(ctx, actor)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Crowd calls do for 0 to n-1 in so many goroutines, and returns the first error.
func Crowd(workers, n int, do func(int) error) error {
	var first error
	var once sync.Once
	var working sync.WaitGroup
	next := make(chan int)
	for range min(workers, n) {
		working.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	working.Wait()
	return first
}

// Arrival is one accepted delivery of an article's Create, as its receiver recorded it.
type Arrival struct {
	Title, Host, Activity, Object string
	At                            time.Time
}

// Arrivals is the receiving ledger: the Creates that the servers of these people accepted, in the order of each server.
func Arrivals(people []*fedtest.Person) []Arrival {
	var list []Arrival
	for _, p := range people {
		for _, d := range p.Server.Received("Create") {
			object, _ := d.JSON()["object"].(map[string]any)
			title, _ := object["name"].(string)
			list = append(list, Arrival{title, p.Server.Host, d.ID, d.Object, d.At})
		}
	}
	return list
}

// Quantile returns the value below which a share of the durations lies, in milliseconds; zero when there are none.
func Quantile(list []time.Duration, share float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	at := min(int(share*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[at].Microseconds()) / 1000
}

// Shown counts how often a page shows a text.
func Shown(page, text string) int { return strings.Count(page, text) }
