package store

import (
	"maps"
	"sync"
	"time"
)

// leases are the leases that this process holds. They end by the monotonic clock, which cannot be set. When the
// system clock jumps, a lease in the database can seem to be over although this process is still working under it.
type leases struct {
	mu   sync.Mutex
	held map[leased]lease
	beat time.Time // when this process last began to show others that it lives (see Beat); zero where none looks
}

type leased struct{ table, name string }

type lease struct {
	claims int64
	length time.Duration
	ends   time.Time // with a monotonic reading, by which it is compared
}

// take adds new leases.
func (l *leases) take(table string, length time.Duration, claims map[string]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[leased]lease{}
	}
	now := time.Now()
	// Leases that ended without a release would stay in the map for ever.
	maps.DeleteFunc(l.held, func(_ leased, held lease) bool { return now.After(held.ends) })
	for name, n := range claims {
		l.held[leased{table, name}] = lease{n, length, now.Add(length)}
	}
}

// renew prolongs a lease by its own length.
func (l *leases) renew(table, name string, claims int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held, ok := l.held[leased{table, name}]; ok && held.claims == claims {
		held.ends = time.Now().Add(held.length)
		l.held[leased{table, name}] = held
	}
}

// drop ends a lease. For peers and callers, call it after the database: their release raises the fence, so a claim
// that follows at once has another number. For completions, call it before, because their release does not raise the
// fence.
func (l *leases) drop(table, name string, claims int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// An older claim must not end a newer one of the same server.
	if l.held[leased{table, name}].claims == claims {
		delete(l.held, leased{table, name})
	}
}

// has reports whether this process holds the claim with this number. Each claim raises the number by one, and so does
// the release of a server. So a new claim with the next number has taken a lease that is still held.
func (l *leases) has(table, name string, claims int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	held, ok := l.held[leased{table, name}]
	return ok && held.claims == claims && time.Now().Before(held.ends)
}

// beats records when a beat began that others can see now. first says that it is the first one, or that others took
// this process for dead since the last: then they may have whatever it leased.
func (l *leases) beats(began time.Time, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first && !l.beat.IsZero() {
		clear(l.held)
	}
	l.beat = began
}

// late reports whether others may have taken this process for dead by now.
func (l *leases) late() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.beat.IsZero() && time.Since(l.beat) > missedBeats*beatEvery
}
