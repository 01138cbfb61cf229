package remote

import (
	"net/http"
	"net/url"
	"sync"
	"time"

	"causerie/internal/signature"
)

// Which dialect of signatures a server reads is found out by knocking twice (federation.md 6.3): first in the one that
// every server has read for years, or the one that this server took last time; and when the answer says that the
// signature was not understood, once more in the other.

const (
	schemeKnown = 7 * 24 * time.Hour // how long a server's dialect is remembered
	maxSchemes  = 8192
)

// schemes remembers the servers that want another dialect than the usual one.
type schemes struct {
	now func() time.Time

	mu    sync.Mutex
	newer map[string]time.Time // until when, by scheme and host
}

func newSchemes(now func() time.Time) *schemes {
	return &schemes{now: now, newer: map[string]time.Time{}}
}

// of is the dialect to begin with, and whether it is what this server took before.
func (s *schemes) of(origin string) (scheme signature.Scheme, remembered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, ok := s.newer[origin]; ok && s.now().Before(until) {
		return signature.RFC9421, true
	}
	return signature.Cavage, false
}

func (s *schemes) learn(origin string, scheme signature.Scheme) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scheme != signature.RFC9421 {
		delete(s.newer, origin)
		return
	}
	now := s.now()
	makeRoom(s.newer, maxSchemes, func(until time.Time) bool { return !now.Before(until) })
	s.newer[origin] = now.Add(schemeKnown)
}

// misunderstood tells a status by which servers say that they could not read a signature. 403 says so only where no
// dialect is known to work.
func misunderstood(status int, remembered bool) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden && !remembered
}

// knock makes a signed request, twice at most. ask makes it in a dialect. When the second is not understood either, the
// answer to the first is the answer, and what was remembered is forgotten.
func (c *Client) knock(at *url.URL, ask func(signature.Scheme) (*http.Response, error)) (*http.Response, error) {
	origin := at.Scheme + "://" + at.Host
	first, remembered := c.schemes.of(origin)
	answer, err := ask(first)
	if err != nil || !misunderstood(answer.StatusCode, remembered) {
		return answer, err
	}
	second := signature.RFC9421
	if first == signature.RFC9421 {
		second = signature.Cavage
	}
	again, err := ask(second)
	if err != nil || misunderstood(again.StatusCode, false) {
		if err == nil {
			discard(again)
		}
		c.schemes.learn(origin, signature.Cavage)
		return answer, nil
	}
	discard(answer)
	c.schemes.learn(origin, second)
	return again, nil
}

// sign signs a request in a dialect.
func (c *Client) sign(req *http.Request, body []byte, key signature.Key, scheme signature.Scheme) error {
	if scheme == signature.RFC9421 {
		return signature.SignRFC9421(req, body, key, c.options.Now())
	}
	return signature.Sign(req, body, key, c.options.Now())
}
