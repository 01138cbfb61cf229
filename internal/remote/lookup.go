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
	doc, settle, err := c.LookupKey(ctx, id, "")
	if err == nil {
		settle(true)
	}
	return doc, err
}

// LookupKey is [Client.Lookup] for the key of a signature. The caller settles whether the document has the key. Only
// such a lookup no longer counts towards the limit, so a server with a document at every address is limited as well.
// What fails is counted apart for each sender; "" is everybody of whom nothing is known.
func (c *Client) LookupKey(ctx context.Context, keyID, sender string) (doc *activity.Document, settle func(good bool),
	err error) {
	return c.share(ctx, keyID, lookup{"", sender, c.object})
}

// LookupList is [Client.Lookup] for a list of addresses, which only says where to look: each of them is fetched by
// itself. So any JSON of the server will do, under whatever id.
func (c *Client) LookupList(ctx context.Context, address string) (*activity.Document, error) {
	doc, settle, err := c.share(ctx, address, lookup{"list ", "", c.list})
	if err == nil {
		settle(true)
	}
	return doc, err
}

// lookup is a kind of lookup. Those of different kinds at one address do not share requests and failures.
type lookup struct {
	kind   string
	sender string
	fetch  func(ctx context.Context, address string) (*activity.Document, *url.URL, error)
}

// share fetches an address, once for all who do so at this moment.
func (c *Client) share(ctx context.Context, keyID string, how lookup) (doc *activity.Document, settle func(good bool),
	err error) {
	at, err := c.guard.parse(keyID)
	if err != nil {
		return nil, nil, fmt.Errorf("fetch %q: %w", keyID, err)
	}
	// Before the shared lookup: a refusal of Permit must not be remembered as a failure of the server.
	if err := c.permit(ctx, at); err != nil { // before it is taken for a failure, which would be remembered
		return nil, nil, fmt.Errorf("fetch %q: %w", keyID, err)
	}
	// The lookup continues when its first caller is gone: others may share it, and it has its own deadline.
	answer := c.lookups.running.DoChan(how.kind+at.String(), func() (any, error) {
		return c.lookup(context.WithoutCancel(ctx), at, how)
	})
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case found := <-answer:
		if found.Err != nil {
			return nil, nil, found.Err
		}
		f := found.Val.(finding)
		return f.doc, f.settle, nil
	}
}

// finding is a document, and the function that says whether its place in the minute is free again.
type finding struct {
	doc    *activity.Document
	settle func(good bool)
}

func (c *Client) lookup(ctx context.Context, at *url.URL, how lookup) (finding, error) {
	id, of := how.kind+at.String(), asking{blocklist.Owner(at.Host), how.sender}
	began, err := c.lookups.begin(id, of)
	if err != nil {
		return finding{}, err
	}
	doc, final, err := how.fetch(ctx, at.String())
	// A document on another server proves nothing about a key here, even if its id fits its own address.
	if err == nil && !sameOrigin(at, final) {
		err = fmt.Errorf("ask for %q: %w: it leads to another server", id, ErrNotActivity)
	}
	if err != nil {
		c.lookups.failed(id, err)
		// A page that names an object was found, too.
		if errors.As(err, new(*Alternate)) {
			c.lookups.settle(of, began, true)
			return finding{}, err
		}
		// A server that does not answer now may have the key.
		if !errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			c.lookups.settle(of, began, false)
		}
		return finding{}, err
	}
	var once sync.Once
	return finding{doc, func(good bool) { once.Do(func() { c.lookups.settle(of, began, good) }) }}, nil
}

// asking is whom a lookup asks, and for whom.
type asking struct{ domain, sender string }

// place is one of the lookups that a minute has room for.
type place struct {
	began  time.Time
	failed bool // what was asked for does not exist
}

// places are the last lookups, in no order.
type places [maxFailedLookups]place

// lookups counts the lookups that strangers caused, and remembers their failures. The count is no token bucket, such
// as that of golang.org/x/time/rate, for two reasons: a full bucket lets through almost twice the limit within one
// minute, and it takes nothing back. Here a successful lookup gives its place back.
type lookups struct {
	now     func() time.Time
	running singleflight.Group

	mu       sync.Mutex
	failures *lru.Cache[string, failure] // by address
	asked    *lru.Cache[asking, places]
	all      *ratelimit.Limiter // by domain, also those that succeed
	handles  *ratelimit.Limiter // by domain: a document may name a handle on any server
}

type failure struct {
	err   error
	until time.Time
}

func newLookups(now func() time.Time) *lookups {
	return &lookups{now: now, failures: lru.New[string, failure](maxFailures),
		asked: lru.New[asking, places](maxDomains),
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

// begin returns a cached failure, or takes a place in this minute.
func (l *lookups) begin(id string, of asking) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if known, ok := l.failures.Get(id); ok {
		if now.Before(known.until) {
			return now, known.err
		}
		l.failures.Remove(id)
	}
	taken, _ := l.asked.Get(of)
	oldest, allFailed := 0, true
	for i, p := range taken {
		if p.began.Before(taken[oldest].began) {
			oldest = i
		}
		allFailed = allFailed && p.failed
	}
	// If the oldest of the last six is less than a minute old, all six places of this minute are taken.
	if first := taken[oldest].began; !first.IsZero() && now.Sub(first) < time.Minute {
		err := ErrTooOften
		if allFailed {
			err = ErrTooManyFailed
		}
		return now, fmt.Errorf("%w: %s, %d within a minute", err, of.domain, maxFailedLookups)
	}
	if err := l.permit(l.all, of.domain); err != nil {
		return now, err
	}
	taken[oldest] = place{began: now}
	// Expired entries are dropped here, so that the cache needs no goroutine of its own.
	l.asked.DropExpired(func(taken places) bool { return taken.idle(now) })
	l.asked.Add(of, taken)
	return now, nil
}

// settle gives the place of a good lookup back: we may meet many actors of a large server in one minute, each of them
// once. Only the failures of a domain are limited.
func (l *lookups) settle(of asking, began time.Time, good bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken, _ := l.asked.Get(of)
	for i, p := range taken {
		// Another lookup may have taken this place after a minute; then there is nothing to give back.
		if !p.began.Equal(began) || p.failed {
			continue
		}
		if good {
			taken[i] = place{}
		} else {
			taken[i].failed = true
		}
		l.asked.Add(of, taken)
		return
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

// idle reports whether none of the lookups began within the last minute.
func (taken places) idle(now time.Time) bool {
	for _, p := range taken {
		if now.Sub(p.began) < time.Minute {
			return false
		}
	}
	return true
}
