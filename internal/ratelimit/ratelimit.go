// Package ratelimit limits how often something happens for each of many names, such as the activities of one server.
package ratelimit

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"causerie/internal/lru"
)

// maxNames is how many names a limiter remembers. Anybody can invent names, so a full limiter forgets the one that was
// used least recently: the limits of those who are busy stay in force.
const maxNames = 20_000

// Limiter is a token bucket for each name. A bucket holds most tokens at first, and fills up again evenly within the
// period. So a burst of most is free, and what lasts is held to most in each period. A name costs one time of memory,
// and nothing once its bucket is full again. A Limiter is safe for concurrent use.
//
// It does not use golang.org/x/time/rate: an empty bucket of that library stays empty for as long as the clock went
// back.
type Limiter struct {
	most   int
	period time.Duration
	now    func() time.Time

	mu     sync.Mutex
	fullAt *lru.Cache[string, time.Time] // when the bucket of a name is full again
}

// New returns a limiter of most tokens in each period. most and period are positive.
func New(most int, period time.Duration, now func() time.Time) *Limiter {
	return &Limiter{most: most, period: period, now: now, fullAt: lru.New[string, time.Time](maxNames)}
}

// Take takes one token of a name. It reports false, and takes nothing, when the bucket is empty.
func (l *Limiter) Take(name string) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	fullAt := l.when(name, now)
	if after := fullAt.Add(l.each()); after.Sub(now) <= l.period {
		fullAt, ok = after, true
	}
	// Full buckets are dropped here, so that the cache needs no goroutine of its own.
	l.fullAt.DropExpired(func(at time.Time) bool { return !at.After(now) })
	l.fullAt.Add(name, fullAt)
	return ok
}

// Spent reports whether the bucket of a name is empty. It takes nothing.
func (l *Limiter) Spent(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	return l.when(name, now).Add(l.each()).Sub(now) > l.period
}

// Size returns how many names are remembered.
func (l *Limiter) Size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fullAt.Len()
}

// each is the time in which one token comes back.
func (l *Limiter) each() time.Duration { return l.period / time.Duration(l.most) }

// when returns when the bucket of a name is full again: now, unless tokens were taken.
func (l *Limiter) when(name string, now time.Time) time.Time {
	fullAt, _ := l.fullAt.Get(name)
	if fullAt.Before(now) {
		return now
	}
	// After the clock went back, the time may be hours ahead. No bucket takes longer than the period.
	if latest := now.Add(l.each() * time.Duration(l.most)); fullAt.After(latest) {
		return latest
	}
	return fullAt
}

// Source returns the name under which the requests of one client count, by the RemoteAddr of a request. An IPv6 address
// is cut to its /64 network, which one customer has. A Unix socket has no address: all its clients are one source.
func Source(remoteAddr string) string {
	address, ok := addressOf(remoteAddr)
	if !ok {
		return hostOf(remoteAddr)
	}
	if address.Is4() {
		return address.String()
	}
	network, err := address.WithZone("").Prefix(64)
	if err != nil {
		return address.String()
	}
	return network.String()
}

// ClientSource is Source for the address of one client. It is "" for an address that a proxy has, of which nobody said
// that it may tell for whom it asks: 127.0.0.1 and ::1, a private network, a Unix socket. What comes from there comes
// from everybody, and a limit for it would be one for all clients together.
func ClientSource(remoteAddr string) string {
	address, ok := addressOf(remoteAddr)
	if !ok || address == thisMachine || address.IsPrivate() || address.Is6() && !address.IsGlobalUnicast() {
		return ""
	}
	return Source(remoteAddr)
}

// thisMachine is the address from which a proxy on this machine comes. Tests have their machines in the rest of
// 127.0.0.0/8.
var thisMachine = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func addressOf(remoteAddr string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(hostOf(remoteAddr))
	return address.Unmap(), err == nil
}

func hostOf(remoteAddr string) string {
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		return remoteAddr
	}
	return host
}
