package remote

import (
	"context"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"causerie/internal/lru"
	"causerie/internal/signature"
)

const (
	schemeKnown = 7 * 24 * time.Hour // how long a server's dialect is remembered
	maxSchemes  = 8192
)

// Newer are the servers, by host with port, that read only the newer dialect, and until when that is believed.
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

// first returns the dialect to begin with, and whether this server took it before.
func (s *schemes) first(host string) (scheme signature.Scheme, remembered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, ok := s.newer.Get(host); ok && s.now().Before(until) {
		return signature.RFC9421, true
	}
	return signature.Cavage, false
}

// remember stores which dialect a server took. It calls learn only when that is new.
func (s *schemes) remember(ctx context.Context, host string, scheme signature.Scheme) {
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
	// learn is the caller's code, so it runs without the lock.
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

// misunderstood reports whether a server says with this status that it could not read the signature. 403 says so only
// while no dialect is known to work.
func misunderstood(status int, remembered bool) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden &&
		!remembered
}

// dialect is how a request is signed.
type dialect struct {
	scheme signature.Scheme
	accept signature.AcceptSignature // of RFC 9421
}

// doubleKnock makes a signed request, at most twice (double knocking, contract F-086). It begins with the dialect
// that every server has read for years, or with the one that this server took last time. When the answer says that
// the signature was not understood, it repeats the request in the other dialect, or as the answer asks (RFC 9421,
// section 5). When the second is not understood either, the first answer is returned, and what was remembered is
// removed.
func (c *Client) doubleKnock(ctx context.Context, at *url.URL, key signature.Key,
	ask func(dialect) (*http.Response, error)) (*http.Response, error) {
	first, remembered := c.schemes.first(at.Host)
	answer, err := ask(dialect{scheme: first})
	if err != nil || !misunderstood(answer.StatusCode, remembered) {
		return answer, err
	}
	second := nextDialect(first, answer, key)
	again, err := ask(second)
	if err != nil || misunderstood(again.StatusCode, false) {
		// Both bodies must be closed: an open one keeps its connection, of which a host has two.
		if err == nil {
			discard(again)
		}
		// What was remembered does not help this server: the next request begins with the usual dialect.
		c.schemes.remember(ctx, at.Host, signature.Cavage)
		return answer, nil
	}
	discard(answer)
	c.schemes.remember(ctx, at.Host, second.scheme)
	return again, nil
}

// nextDialect returns the dialect of the second request: what the first answer asks for, or else the one that was not
// tried.
func nextDialect(first signature.Scheme, answer *http.Response, key signature.Key) dialect {
	if accept, ok := signature.ParseAcceptSignature(answer.Header, answer.Request, key); ok {
		return dialect{signature.RFC9421, accept}
	}
	if first == signature.RFC9421 {
		return dialect{scheme: signature.Cavage}
	}
	return dialect{scheme: signature.RFC9421}
}

// signing are the requests that wait for a signature. One goroutine for each core signs them, so that those who wait do
// not hinder each other. They stay, because a signature needs a large stack: the goroutines that deliver would each
// have to grow one.
var signing = make(chan func())

var startSigners = sync.OnceFunc(func() {
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for sign := range signing {
				// Goroutines that are ready go first. Else answers to requests that were sent would be read a tenth of a second
				// late.
				runtime.Gosched()
				sign()
			}
		}()
	}
})

// sign signs a request in a dialect. An RSA signature takes a core for a millisecond or two.
func (c *Client) sign(req *http.Request, body []byte, key signature.Key, in dialect) (err error) {
	startSigners()
	done := make(chan struct{})
	var panicked any
	work := func() {
		defer close(done)
		// It belongs to whoever waits. Here it would end the program.
		defer func() { panicked = recover() }()
		if in.scheme == signature.RFC9421 {
			err = signature.SignRFC9421(req, body, key, c.options.Now(), in.accept)
		} else {
			err = signature.Sign(req, body, key, c.options.Now())
		}
	}
	select {
	case signing <- work:
		<-done
		if panicked != nil {
			panic(panicked)
		}
		return err
	case <-req.Context().Done():
		return req.Context().Err()
	}
}
