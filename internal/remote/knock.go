package remote

import (
	"context"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"causerie/internal/lru"
	"causerie/internal/signature"
)

// Which dialect of signatures a server reads is found out by knocking twice (contract F-086): first in the one that
// every server has read for years, or the one that this server took last time; and when the answer says that the
// signature was not understood, once more in the other, or just as the answer wishes (RFC 9421, section 5).

const (
	schemeKnown = 7 * 24 * time.Hour // how long a server's dialect is remembered
	maxSchemes  = 8192
)

// Newer are the servers, by host and any port, that read the newer dialect alone, and until when that is believed.
type Newer map[string]time.Time

// schemes remembers the servers that want another dialect than the usual one.
type schemes struct {
	now   func() time.Time
	learn func(ctx context.Context, host string, until time.Time)

	mu    sync.Mutex
	newer *lru.Cache[string, time.Time] // until when it is believed, by host
}

func newSchemes(options Options) *schemes {
	s := &schemes{now: options.Now, learn: options.Learn, newer: lru.New[string, time.Time](maxSchemes)}
	for host, until := range options.Newer {
		s.newer.Add(host, until)
	}
	return s
}

// of is the dialect to begin with, and whether it is what this server took before.
func (s *schemes) of(host string) (scheme signature.Scheme, remembered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, ok := s.newer.Get(host); ok && s.now().Before(until) {
		return signature.RFC9421, true
	}
	return signature.Cavage, false
}

// note remembers which dialect a server took. Only what is news is told to whoever keeps it.
func (s *schemes) note(ctx context.Context, host string, scheme signature.Scheme) {
	now := s.now()
	s.mu.Lock()
	before, known := s.newer.Get(host)
	news := scheme == signature.RFC9421 && !now.Before(before) || scheme != signature.RFC9421 && known
	if scheme != signature.RFC9421 {
		s.newer.Remove(host)
	} else if news {
		s.newer.DropExpired(func(until time.Time) bool { return !now.Before(until) })
		s.newer.Add(host, now.Add(schemeKnown))
	}
	s.mu.Unlock()
	if !news || s.learn == nil {
		return
	}
	var until time.Time
	if scheme == signature.RFC9421 {
		until = now.Add(schemeKnown)
	}
	s.learn(ctx, host, until)
}

// misunderstood tells a status by which servers say that they could not read a signature. 403 says so only where no
// dialect is known to work.
func misunderstood(status int, remembered bool) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden &&
		!remembered
}

// dialect is how a request is signed.
type dialect struct {
	scheme signature.Scheme
	wish   signature.AcceptSignature // of RFC 9421
}

// doubleKnock makes a signed request, twice at most. ask makes it in a dialect. When the second is not understood
// either, the answer to the first is the answer, and what was remembered is forgotten.
func (c *Client) doubleKnock(ctx context.Context, at *url.URL, key signature.Key,
	ask func(dialect) (*http.Response, error)) (*http.Response, error) {
	first, remembered := c.schemes.of(at.Host)
	answer, err := ask(dialect{scheme: first})
	if err != nil || !misunderstood(answer.StatusCode, remembered) {
		return answer, err
	}
	second := other(first, answer, key)
	again, err := ask(second)
	if err != nil || misunderstood(again.StatusCode, false) {
		if err == nil {
			discard(again)
		}
		c.schemes.note(ctx, at.Host, signature.Cavage)
		return answer, nil
	}
	discard(answer)
	c.schemes.note(ctx, at.Host, second.scheme)
	return again, nil
}

// other is the dialect of a second knock: what the answer to the first wishes, or else the one that was not tried.
func other(first signature.Scheme, answer *http.Response, key signature.Key) dialect {
	if wish, ok := signature.ParseAcceptSignature(answer.Header, answer.Request, key); ok {
		return dialect{signature.RFC9421, wish}
	}
	if first == signature.RFC9421 {
		return dialect{scheme: signature.Cavage}
	}
	return dialect{scheme: signature.RFC9421}
}

// signing has a place for each core.
var signing = semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))

// sign signs a request in a dialect. That takes a core for a millisecond or two. No more are signed at once than there
// are cores, and each lets whoever is ready go first: the answers to what was sent would else be read a tenth of a
// second late.
func (c *Client) sign(req *http.Request, body []byte, key signature.Key, in dialect) error {
	if err := signing.Acquire(req.Context(), 1); err != nil {
		return err
	}
	defer signing.Release(1)
	runtime.Gosched()
	if in.scheme == signature.RFC9421 {
		return signature.SignRFC9421(req, body, key, c.options.Now(), in.wish)
	}
	return signature.Sign(req, body, key, c.options.Now())
}
