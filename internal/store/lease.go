package store

import (
	"maps"
	"sync"
	"time"
)

// leases are what this process holds. They end by a clock that nobody can set: when the clock of the machine jumps, a
// lease in the database seems to have ended, or to come from another time, while somebody here is still at work under
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

// take notes a new lease, and forgets those that ended without a word.
func (l *leases) take(table string, length time.Duration, claims map[string]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[leased]lease{}
	}
	now := time.Now()
	maps.DeleteFunc(l.held, func(_ leased, held lease) bool { return now.After(held.ends) })
	for name, n := range claims {
		l.held[leased{table, name}] = lease{n, length, now.Add(length)}
	}
}

// renew prolongs a lease by its length.
func (l *leases) renew(table, name string, claims int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held, ok := l.held[leased{table, name}]; ok && held.claims == claims {
		held.ends = time.Now().Add(held.length)
		l.held[leased{table, name}] = held
	}
}

// drop ends a lease. Where another claim may follow at once it is called after the database was told, and that claim
// has another number; elsewhere before.
func (l *leases) drop(table, name string, claims int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[leased{table, name}].claims == claims {
		delete(l.held, leased{table, name})
	}
}

// has reports whether the claim with this number is held here and goes on. Each claim raises the number by one, and so
// does the end of one of a server: whoever finds the number that comes next took what is still held.
func (l *leases) has(table, name string, claims int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	held, ok := l.held[leased{table, name}]
	return ok && held.claims == claims && time.Now().Before(held.ends)
}
