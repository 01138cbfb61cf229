package remote

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/signature"
)

// reader is a server that understands only some signature dialects, and records those that it got.
type reader struct {
	*server
	mu     sync.Mutex
	reads  map[signature.Scheme]bool
	says   int    // to what it does not understand
	accept string // in Accept-Signature, beside that
	asked  []signature.Scheme
	bytes  map[string]bool // the bodies it got
}

func newReader(t *testing.T, says int, reads ...signature.Scheme) *reader {
	r := &reader{reads: map[signature.Scheme]bool{}, says: says, bytes: map[string]bool{}}
	for _, scheme := range reads {
		r.reads[scheme] = true
	}
	r.server = serve(t, "127.0.0.1:0", func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		scheme := signature.Cavage
		if req.Header.Get("Signature-Input") != "" {
			scheme = signature.RFC9421
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asked = append(r.asked, scheme)
		reads := r.reads[scheme] && (r.accept == "" || strings.Contains(req.Header.Get("Signature-Input"), r.accept))
		r.bytes[string(body)] = true
		switch {
		case !reads:
			w.Header().Set("Accept-Signature", r.accept)
			w.WriteHeader(r.says)
		case req.Method == http.MethodGet:
			document(`{"id":"http://%s%s"}`, req.Host, req.URL.Path)(w, req)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	})
	return r
}

// knocks tells how it was asked since the last time.
func (r *reader) knocks() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := ""
	for _, scheme := range r.asked {
		text += map[signature.Scheme]string{signature.Cavage: "c", signature.RFC9421: "9"}[scheme]
	}
	r.asked = nil
	return text
}

func TestF086ASecondRequestIsInTheOtherDialectAndRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		says   int
		reads  []signature.Scheme
		first  string
		then   string
		status int
	}{
		"a server that reads the usual one":           {401, []signature.Scheme{signature.Cavage}, "c", "c", 202},
		"one that reads the newer alone and says 401": {401, []signature.Scheme{signature.RFC9421}, "c9", "9", 202},
		"one that reads the newer alone and says 400": {400, []signature.Scheme{signature.RFC9421}, "c9", "9", 202},
		"one that reads the newer alone and says 403": {403, []signature.Scheme{signature.RFC9421}, "c9", "9", 202},
		"one that refuses whatever is said":           {401, nil, "c9", "c9", 401},
		"one that has no such inbox":                  {404, nil, "c", "c", 404},
	} {
		near := newReader(t, c.says, c.reads...)
		client := client(t, Options{Key: instanceKey()})
		for i, want := range []string{c.first, c.then} {
			answer, err := client.Post(t.Context(), near.URL+"/inbox", []byte(`{"type":"Create"}`), instanceKey())
			if err != nil || answer.Status != c.status {
				t.Errorf("%s: delivery %d: %d, %v; want %d", name, i+1, answer.Status, err, c.status)
			}
			if got := near.knocks(); got != want {
				t.Errorf("%s: delivery %d was signed as %q, want %q", name, i+1, got, want)
			}
		}
		if len(near.bytes) != 1 {
			t.Errorf("%s: got %d different bodies", name, len(near.bytes))
		}
	}
}

func TestAFetchTriesBothDialectsAsADeliveryDoes(t *testing.T) {
	near := newReader(t, 401, signature.RFC9421)
	clock := newClock()
	c := client(t, Options{Key: instanceKey(), Now: clock.now})
	for _, want := range []string{"c9", "9"} {
		if _, err := c.Object(t.Context(), near.URL+"/users/bram"); err != nil {
			t.Fatal(err)
		}
		if got := near.knocks(); got != want {
			t.Errorf("knocked %q, want %q", got, want)
		}
	}
	if answer, err := c.Post(t.Context(), near.URL+"/inbox", []byte(`{}`), instanceKey()); err != nil ||
		answer.Status != 202 || near.knocks() != "9" {
		t.Errorf("a delivery to the same server: %+v, %v", answer, err)
	}
	clock.pass(schemeKnown)
	if scheme, _ := c.schemes.first(near.Listener.Addr().String()); scheme != signature.Cavage {
		t.Error("a dialect is remembered for ever")
	}
}

func TestADialectThatFailsIsForgotten(t *testing.T) {
	near := newReader(t, 401, signature.RFC9421)
	c := client(t, Options{Key: instanceKey()})
	post := func() int {
		answer, err := c.Post(t.Context(), near.URL+"/inbox", []byte(`{}`), instanceKey())
		if err != nil {
			t.Fatal(err)
		}
		return answer.Status
	}
	post()
	near.mu.Lock()
	near.reads = map[signature.Scheme]bool{signature.Cavage: true}
	near.mu.Unlock()
	near.knocks()
	if status := post(); status != 202 || near.knocks() != "9c" {
		t.Errorf("after its change it answers %d", status)
	}
	if status := post(); status != 202 || near.knocks() != "c" {
		t.Errorf("then it answers %d", status)
	}
}

func TestRememberedDialectsAreLimited(t *testing.T) {
	s := newSchemes(Options{Now: time.Now})
	for i := range 3 * maxSchemes {
		s.remember(t.Context(), fmt.Sprintf("s%d.example", i), signature.RFC9421)
	}
	if s.newer.Len() > maxSchemes {
		t.Errorf("%d servers are remembered", s.newer.Len())
	}
}

func TestAServerInUseKeepsItsDialect(t *testing.T) {
	s := newSchemes(Options{Now: time.Now, Newer: Newer{"veerhuis.example": time.Now().Add(time.Hour)}})
	for i := range 3 * maxSchemes {
		if scheme, _ := s.first("veerhuis.example"); scheme != signature.RFC9421 {
			t.Fatalf("after %d other servers its dialect is forgotten", i)
		}
		s.remember(t.Context(), fmt.Sprintf("s%d.example", i), signature.RFC9421)
	}
}

func TestF086AnAcceptSignatureIsFollowed(t *testing.T) {
	near := newReader(t, 401, signature.RFC9421)
	near.accept = `ask=("@method" "@authority" "@path" "@query");nonce="n-1"`
	c := client(t, Options{Key: instanceKey()})
	for _, want := range []string{"c9", "99"} { // the header has a nonce, which nobody can know before
		if _, err := c.Object(t.Context(), near.URL+"/users/bram"); err != nil {
			t.Fatal(err)
		}
		if got := near.knocks(); got != want {
			t.Errorf("a question knocked %q, want %q", got, want)
		}
	}
	near.accept = `ask=("@method" "@target-uri" "content-digest" "content-type");created`
	if answer, err := c.Post(t.Context(), near.URL+"/inbox", []byte(`{}`), instanceKey()); err != nil ||
		answer.Status != 202 || near.knocks() != "99" {
		t.Errorf("a delivery: %+v, %v", answer, err)
	}
	near.accept = `ask=("@method" "@authority" "content-digest");created` // good for any inbox of the server
	if answer, err := c.Post(t.Context(), near.URL+"/inbox", []byte(`{}`), instanceKey()); err != nil ||
		answer.Status != 401 {
		t.Errorf("a set that we do not sign: %+v, %v", answer, err)
	}
}

func TestADialectIsLearntAndUsedAgain(t *testing.T) {
	near := newReader(t, 401, signature.RFC9421)
	kept, told := Newer{}, 0
	clock := newClock()
	options := Options{Key: instanceKey(), Now: clock.now, Learn: func(_ context.Context, host string, until time.Time) {
		told++
		if kept[host] = until; until.IsZero() {
			delete(kept, host)
		}
	}}
	post := func(want string) {
		t.Helper()
		options.Newer = kept
		c := client(t, options) // as after a restart
		for range 2 {
			if _, err := c.Post(t.Context(), near.URL+"/inbox", []byte(`{}`), instanceKey()); err != nil {
				t.Fatal(err)
			}
		}
		if got := near.knocks(); got != want {
			t.Errorf("knocked %q, want %q", got, want)
		}
	}
	post("c99")
	post("99")
	if until := kept[near.Listener.Addr().String()]; told != 1 || !until.Equal(clock.now().Add(7*24*time.Hour)) {
		t.Errorf("told %d times, kept %v", told, kept)
	}
	clock.pass(7 * 24 * time.Hour)
	post("c99")
	near.mu.Lock()
	near.reads = map[signature.Scheme]bool{signature.Cavage: true}
	near.mu.Unlock()
	if post("9cc"); len(kept) != 0 {
		t.Errorf("a dialect that failed is kept: %v", kept)
	}
}
