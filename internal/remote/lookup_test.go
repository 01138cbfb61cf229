package remote

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/blocklist"
)

// clock is a clock that the test moves.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time                      { return time.Unix(0, c.at.Load()) }
func (c *clock) pass(d time.Duration)                { c.at.Add(int64(d)) }
func newClock() *clock                               { c := &clock{}; c.at.Store(time.Now().UnixNano()); return c }
func missing(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) }

func TestAThousandBadKeysCostSixLookupsAMinute(t *testing.T) {
	near := serve(t, "127.0.0.1:0", missing)
	clock := newClock()
	c := client(t, Options{Now: clock.now})
	tooOften := 0
	for i := range 1000 {
		_, err := c.Lookup(t.Context(), fmt.Sprintf("%s/users/%d#main-key", near.URL, i))
		if errors.Is(err, ErrTooOften) {
			tooOften++
		} else if !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
	}
	if near.requests.Load() != 6 || tooOften != 994 {
		t.Errorf("%d questions, %d put off", near.requests.Load(), tooOften)
	}
	clock.pass(time.Minute - time.Nanosecond)
	if _, err := c.Lookup(t.Context(), near.URL+"/later"); !errors.Is(err, ErrTooOften) {
		t.Errorf("within the minute: got %v", err)
	}
	clock.pass(time.Minute)
	if _, err := c.Lookup(t.Context(), near.URL+"/later"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after the minute: got %v", err)
	}
}

func TestAFailureIsRememberedForFiveMinutes(t *testing.T) {
	var well atomic.Bool
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if !well.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		document(`{"id":"http://%s%s"}`, r.Host, r.URL.Path)(w, r)
	})
	clock := newClock()
	c := client(t, Options{Now: clock.now})
	for _, fragment := range []string{"", "#main-key", "#another"} {
		if _, err := c.Lookup(t.Context(), near.URL+"/users/bram"+fragment); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	well.Store(true)
	clock.pass(5*time.Minute - time.Nanosecond)
	if _, err := c.Lookup(t.Context(), near.URL+"/users/bram"); !errors.Is(err, ErrUnavailable) ||
		near.requests.Load() != 1 {
		t.Errorf("got %v after %d questions, want the memory of one", err, near.requests.Load())
	}
	if _, err := c.Lookup(t.Context(), near.URL+"/users/another"); err != nil {
		t.Errorf("another address shares the memory: %v", err)
	}
	clock.pass(time.Nanosecond)
	if _, err := c.Lookup(t.Context(), near.URL+"/users/bram"); err != nil {
		t.Errorf("after five minutes: %v", err)
	}
}

func TestSimultaneousLookupsShareOneRequest(t *testing.T) {
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(200 * time.Millisecond)
		document(`{"id":"http://%s%s"}`, r.Host, r.URL.Path)(w, r)
	})
	c := client(t, Options{})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := c.Lookup(t.Context(), near.URL+"/users/bram#main-key"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if near.requests.Load() != 1 {
		t.Errorf("%d questions", near.requests.Load())
	}
}

func TestAForbiddenLookupLeavesNoTrace(t *testing.T) {
	c := client(t, Options{Allow: []netip.Prefix{}})
	for i := range 10 {
		if _, err := c.Lookup(t.Context(), fmt.Sprintf("https://10.0.0.%d/", i)); !errors.Is(err, ErrRefused) {
			t.Errorf("got %v", err)
		}
	}
	if c.lookups.failures.Len()+c.lookups.asked.Len() != 0 {
		t.Error("it is remembered")
	}
}

func TestT085AllNamesBelowOneDomainShareOneLimit(t *testing.T) {
	l, asked := newLookups(newClock().now), 0
	for i := range 10_000 {
		u, err := url.Parse(fmt.Sprintf("https://n%d.zilverduin.nl/users/x", i))
		if err != nil {
			t.Fatal(err)
		}
		switch _, err := l.begin(u.String(), asking{domain: blocklist.Owner(u.Host)}); {
		case err == nil:
			asked++
		case !errors.Is(err, ErrTooOften):
			t.Fatal(err)
		}
	}
	if asked != maxFailedLookups {
		t.Errorf("ten thousand names below one domain may be asked %d times a minute", asked)
	}
}

func TestT085NamesThatAllAnswerShareTheLargerLimit(t *testing.T) {
	clock := newClock()
	l, began := newLookups(clock.now), 0
	for i := range 10_000 {
		at, err := l.begin(fmt.Sprintf("https://n%d.zilverduin.nl/users/x", i), asking{domain: "zilverduin.nl"})
		switch {
		case err == nil:
			began++
			l.settle(asking{domain: "zilverduin.nl"}, at, true)
		case !errors.Is(err, ErrTooOften):
			t.Fatal(err)
		}
	}
	if began != maxLookups {
		t.Errorf("ten thousand names that all answer are asked %d times at once, want %d", began, maxLookups)
	}
	if _, err := l.begin("https://veerhuis.nl/users/x", asking{domain: "veerhuis.nl"}); err != nil {
		t.Errorf("another domain: %v", err)
	}
	clock.pass(time.Minute)
	if _, err := l.begin("https://zilverduin.nl/users/y", asking{domain: "zilverduin.nl"}); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestT085HandlesBelowOneDomainShareOneLimit(t *testing.T) {
	near := serve(t, "127.0.0.1:0", missing)
	host := strings.TrimPrefix(near.URL, "http://")
	c := client(t, Options{Now: newClock().now})
	for i := range maxLookups {
		if _, _, err := c.WebFinger(t.Context(), fmt.Sprintf("@n%d@%s", i, host)); !errors.Is(err, ErrNotFound) {
			t.Fatalf("handle %d: %v", i, err)
		}
	}
	asked := near.requests.Load()
	if _, _, err := c.WebFinger(t.Context(), "@late@"+host); !errors.Is(err, ErrTooOften) ||
		near.requests.Load() != asked {
		t.Errorf("one more: %v, %d further requests", err, near.requests.Load()-asked)
	}
}

func TestTheCachesAreLimited(t *testing.T) {
	clock := newClock()
	l := newLookups(clock.now)
	for i := range 3 * maxDomains {
		domain := fmt.Sprintf("%d.nl", i)
		if _, err := l.begin("https://"+domain+"/", asking{domain: domain}); err != nil {
			t.Fatal(err)
		}
		l.failed("https://"+domain+"/", ErrNotFound)
		if l.asked.Len() > maxDomains || l.failures.Len() > maxFailures {
			t.Fatalf("%d domains, %d failures", l.asked.Len(), l.failures.Len())
		}
	}
	clock.pass(failureKnownFor)
	if _, err := l.begin("https://new.nl/", asking{domain: "new.nl"}); err != nil {
		t.Fatal(err)
	}
	if l.failed("https://new.nl/", ErrNotFound); l.asked.Len() != 1 || l.failures.Len() != 1 {
		t.Errorf("%d domains and %d failures outlive their time", l.asked.Len(), l.failures.Len())
	}
}

func TestAFullCacheDropsTheLeastRecentlyUsed(t *testing.T) {
	clock := newClock()
	l := newLookups(clock.now)
	spend := func(domain string) error {
		_, err := l.begin("https://"+domain+"/", asking{domain: domain})
		return err
	}
	for range maxFailedLookups {
		if err := spend("veerhuis.nl"); err != nil {
			t.Fatal(err)
		}
	}
	l.failed("https://veerhuis.nl/a", ErrNotFound)
	for i := range 3 * maxDomains {
		domain := fmt.Sprintf("%d.nl", i)
		if err := spend(domain); err != nil {
			t.Fatal(err)
		}
		l.failed("https://"+domain+"/a", ErrForbidden)
		if i%100 != 0 {
			continue
		}
		if err := spend("veerhuis.nl"); !errors.Is(err, ErrTooOften) {
			t.Fatalf("after %d other domains it may be asked again: %v", i, err)
		}
		if _, err := l.begin("https://veerhuis.nl/a", asking{domain: "another.nl"}); !errors.Is(err, ErrNotFound) {
			t.Fatalf("after %d other failures its own is forgotten: %v", i, err)
		}
	}
	if n := l.asked.Len(); n != maxDomains {
		t.Errorf("%d domains are remembered, of %d that fit", n, maxDomains)
	}
	if n := l.failures.Len(); n != maxFailures {
		t.Errorf("%d failures are remembered, of %d that fit", n, maxFailures)
	}
}

func TestManyActorsOfOneServerAreLookedUp(t *testing.T) {
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		document(`{"id":"http://%s%s"}`, r.Host, r.URL.Path)(w, r)
	})
	c := client(t, Options{})
	for i := range 100 {
		if _, err := c.Lookup(t.Context(), fmt.Sprintf("%s/users/%d", near.URL, i)); err != nil {
			t.Fatalf("person %d: %v", i, err)
		}
	}
}
