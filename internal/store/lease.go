package store

import (
	"maps"
	"sync"
	"time"
)

// leases are the leases that this process holds. They end by the monotonic clock, which nobody can set. When the
// clock of the machine jumps, a lease in the database may seem to be over while this process is still at work under
// it.
type leases struct {
	mu   sync.Mutex
	held map[leased]lease
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
	// Leases that ended without a release would stay here for ever.
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

// drop ends a lease. For peers and callers it is called after the database was told: their release raises the number
// of claims, so a claim that follows at once is not taken for this one. For completions, whose release raises
// nothing, it is called before.
func (l *leases) drop(table, name string, claims int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// An older claim must not end a newer one of the same server.
	if l.held[leased{table, name}].claims == claims {
		delete(l.held, leased{table, name})
	}
}

// has reports whether the claim with this number is held here and goes on. Each claim raises the number by one, and
// so does the release of a server. A new claim whose number is the next one therefore took what is still held.
func (l *leases) has(table, name string, claims int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	held, ok := l.held[leased{table, name}]
	return ok && held.claims == claims && time.Now().Before(held.ends)
}
