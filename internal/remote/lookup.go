package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"causerie/internal/activity"
	"causerie/internal/blocklist"
	"causerie/internal/lru"
	"causerie/internal/ratelimit"
)

// The limits of lookups for one registrable domain in a minute, and how long a failure is cached.
//
// A large server may show us many actors in a minute, each once. So what succeeds has a limit of its own. It is the one
// for activities that one domain sends to us: nobody needs more keys than activities. Without it, a domain with a
// document at every address would make us fetch without end.
const (
	maxFailedLookups = 6
	maxLookups       = 300
	failureKnownFor  = 5 * time.Minute
)

// The sizes of the caches. A full one drops the entry used least recently. So nobody can remove the limit of a server
// that is looked up all the time by naming thousands of others.
const (
	maxFailures = 1024
	maxDomains  = 4096
)

// Lookup is [Client.Object] for an address from a request that is not verified yet: the key of a signature, or the
// actor of an activity. One registrable domain gets at most 300 lookups in a minute, and 6 that fail; then the error is
// ErrTooOften. A failure is cached for 5 minutes. Simultaneous lookups of one address share one request. The document
// must be on the server that was asked: a redirect to another one is an error.
//
// A fragment ("#main-key") is ignored.
func (c *Client) Lookup(ctx context.Context, id string) (*activity.Document, error) {
	doc, good, err := c.LookupKey(ctx, id)
	if err == nil {
		good()
	}
	return doc, err
}

// LookupKey is [Client.Lookup] for the key of a signature. The lookup counts towards the limit until good is called,
// which the caller does when the document has the key. So a server with a document at every address is limited as well.
func (c *Client) LookupKey(ctx context.Context, keyID string) (doc *activity.Document, good func(), err error) {
	at, err := c.guard.parse(keyID)
	if err != nil {
		return nil, nil, fmt.Errorf("fetch %q: %w", keyID, err)
	}
	// Before the shared lookup: a refusal of Permit must not be remembered as a failure of the server.
	if err := c.permit(ctx, at); err != nil { // before it is taken for a failure, which would be remembered
		return nil, nil, fmt.Errorf("fetch %q: %w", keyID, err)
	}
	// The lookup continues when its first caller is gone: others may share it, and it has its own deadline.
	answer := c.lookups.running.DoChan(at.String(), func() (any, error) {
		return c.lookup(context.WithoutCancel(ctx), at)
	})
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case found := <-answer:
		if found.Err != nil {
			return nil, nil, found.Err
		}
		f := found.Val.(finding)
		return f.doc, f.good, nil
	}
}

// finding is a document, and the function that gives its place in the minute back.
type finding struct {
	doc  *activity.Document
	good func()
}

func (c *Client) lookup(ctx context.Context, at *url.URL) (finding, error) {
	id, domain := at.String(), blocklist.Owner(at.Host)
	began, err := c.lookups.begin(id, domain)
	if err != nil {
		return finding{}, err
	}
	doc, final, err := c.object(ctx, id)
	// A document on another server proves nothing about a key here, even if its id fits its own address.
	if err == nil && !sameOrigin(at, final) {
		err = fmt.Errorf("ask for %q: %w: it leads to another server", id, ErrNotActivity)
	}
	if err != nil {
		c.lookups.failed(id, err)
		return finding{}, err
	}
	return finding{doc, sync.OnceFunc(func() { c.lookups.succeeded(domain, began) })}, nil
}

// lookups counts the lookups that strangers caused, and remembers their failures. The count is no token bucket, such
// as that of golang.org/x/time/rate, for two reasons: a full bucket lets through almost twice the limit within one
// minute, and it takes nothing back. Here a successful lookup gives its place back.
type lookups struct {
	now     func() time.Time
	running singleflight.Group

	mu       sync.Mutex
	failures *lru.Cache[string, failure]                     // by address
	asked    *lru.Cache[string, [maxFailedLookups]time.Time] // by domain; the last times, in no order
	all      *ratelimit.Limiter                              // by domain, also those that succeed
	handles  *ratelimit.Limiter                              // by domain: a document may name a handle on any server
}

type failure struct {
	err   error
	until time.Time
}

func newLookups(now func() time.Time) *lookups {
	return &lookups{now: now, failures: lru.New[string, failure](maxFailures),
		asked: lru.New[string, [maxFailedLookups]time.Time](maxDomains),
		all:   ratelimit.New(maxLookups, time.Minute, now), handles: ratelimit.New(maxLookups, time.Minute, now)}
}

// permitHandle counts a WebFinger request to a host.
func (l *lookups) permitHandle(host string) error { return l.permit(l.handles, blocklist.Owner(host)) }

func (l *lookups) permit(limiter *ratelimit.Limiter, domain string) error {
	if !limiter.Take(domain) {
		return fmt.Errorf("%w: %s, %d within a minute", ErrTooOften, domain, maxLookups)
	}
	return nil
}

// begin returns a cached failure, or counts the lookup towards the domain's limit for this minute.
func (l *lookups) begin(id, domain string) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if known, ok := l.failures.Get(id); ok {
		if now.Before(known.until) {
			return now, known.err
		}
		l.failures.Remove(id)
	}
	times, _ := l.asked.Get(domain)
	oldest := 0
	for i, at := range times {
		if at.Before(times[oldest]) {
			oldest = i
		}
	}
	// If the oldest of the last six is less than a minute old, all six places of this minute are taken.
	if !times[oldest].IsZero() && now.Sub(times[oldest]) < time.Minute {
		return now, fmt.Errorf("%w: %s, %d within a minute", ErrTooOften, domain, maxFailedLookups)
	}
	if err := l.permit(l.all, domain); err != nil {
		return now, err
	}
	times[oldest] = now
	// Expired entries are dropped here, so that the cache needs no goroutine of its own.
	l.asked.DropExpired(func(times [maxFailedLookups]time.Time) bool { return idle(times, now) })
	l.asked.Add(domain, times)
	return now, nil
}

// succeeded removes a successful lookup from the count: we may meet many actors of a large server in one minute, each
// of them once. Only the failures of a domain are limited.
func (l *lookups) succeeded(domain string, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	times, _ := l.asked.Get(domain)
	for i, at := range times {
		// Another lookup may have overwritten this place after a minute; then there is nothing to give back.
		if at.Equal(began) {
			times[i] = time.Time{}
			l.asked.Add(domain, times)
			return
		}
	}
}

func (l *lookups) failed(id string, err error) {
	// These say nothing about the server, so the next caller must not get them.
	if errors.Is(err, context.Canceled) || errors.Is(err, errPermit) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.failures.DropExpired(func(f failure) bool { return !now.Before(f.until) })
	l.failures.Add(id, failure{err: err, until: now.Add(failureKnownFor)})
}

// idle reports whether none of the times is within the last minute.
func idle(times [maxFailedLookups]time.Time, now time.Time) bool {
	for _, at := range times {
		if now.Sub(at) < time.Minute {
			return false
		}
	}
	return true
}
