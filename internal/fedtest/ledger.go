package fedtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Letter is one request to an inbox, as it came and as it was answered.
type Letter struct {
	At     time.Time
	Server *Server
	Inbox  string // path of the inbox
	Header http.Header
	Body   []byte // raw; nil when it was over 1 MiB

	// What the body says of itself, believed or not; empty when it does not say.
	ID, Type, Actor    string
	Object, ObjectType string

	KeyID  string // that the signature names
	Fault  string // why the letter is not valid, or was not looked at; empty when its signature is valid
	Status int    // answered; 0 when it got no answer
}

// Accepted tells whether the letter was validly signed, answered with success and taken to heart.
func (l Letter) Accepted() bool { return l.Fault == "" && l.Status/100 == 2 }

// JSON is the activity; nil when the body is not a JSON object.
func (l Letter) JSON() map[string]any {
	var activity map[string]any
	if json.Unmarshal(l.Body, &activity) != nil {
		return nil
	}
	return activity
}

// Visit is one question: an actor, a note, WebFinger, a page.
type Visit struct {
	At     time.Time
	Path   string // with the query
	Header http.Header
	Status int // 0 when it got no answer
}

// OfType matches accepted letters of an activity type: "Create", "Accept".
func OfType(activity string) func(Letter) bool {
	return func(l Letter) bool { return l.Accepted() && l.Type == activity }
}

// About matches accepted letters of an activity type about an object id.
func About(activity, object string) func(Letter) bool {
	return func(l Letter) bool { return l.Accepted() && l.Type == activity && l.Object == object }
}

// ledgerEnd bounds what a server remembers; when it is full the older half is forgotten.
const ledgerEnd = 100_000

type ledger struct {
	letters []Letter
	visits  []Visit
}

// watch waits until so many matching letters have come.
type watch struct {
	match func(Letter) bool
	need  int
	last  Letter
	done  chan struct{}
}

func (w *watch) see(l Letter) {
	if w.need > 0 && w.match(l) {
		w.last = l
		if w.need--; w.need == 0 {
			close(w.done)
		}
	}
}

func (s *Server) record(l Letter) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	s.ledger.letters = append(forgetOld(s.ledger.letters), l)
	w.total++
	for watch := range w.watches {
		watch.see(l)
	}
}

func (s *Server) noteVisit(r *http.Request, status int) {
	visit := Visit{At: s.world.config.Now(), Path: r.URL.RequestURI(), Header: r.Header.Clone(), Status: status}
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.ledger.visits = append(forgetOld(s.ledger.visits), visit)
}

func forgetOld[T any](all []T) []T {
	if len(all) < ledgerEnd {
		return all
	}
	return slices.Clone(all[len(all)/2:])
}

// Letters is everything that came to the inboxes, oldest first.
func (s *Server) Letters() []Letter {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return slices.Clone(s.ledger.letters)
}

// Visits is everything else that was asked, oldest first.
func (s *Server) Visits() []Visit {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return slices.Clone(s.ledger.visits)
}

// Received is the accepted letters of an activity type, oldest first; of any type when it is empty.
func (s *Server) Received(activity string) []Letter {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	var found []Letter
	for _, l := range s.ledger.letters {
		if l.Accepted() && (activity == "" || l.Type == activity) {
			found = append(found, l)
		}
	}
	return found
}

// WaitFor returns the first letter in the ledger that matches, and waits for it if it has not come yet. The match
// is called under a lock: it must be quick and ask nothing of the world. The error says what had come instead.
func (s *Server) WaitFor(ctx context.Context, match func(Letter) bool) (Letter, error) {
	l, err := s.world.wait(ctx, 1, s, match)
	if err != nil {
		return l, fmt.Errorf("wait for a letter at %s: %w (%s)", s.Name, err, s.summary())
	}
	return l, nil
}

// summary tells a failing test what did come.
func (s *Server) summary() string {
	letters := s.Letters()
	if len(letters) == 0 {
		return "no letter has come"
	}
	last := letters[len(letters)-1]
	return fmt.Sprintf("of %d letters the last is %s %s: status %d %s", len(letters), last.Type, last.Object, last.Status, last.Fault)
}

// Letters counts the requests to all inboxes of the world, accepted or not.
func (w *World) Letters() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// Count counts the letters of the whole world that match. The match is called under a lock, as in WaitFor.
func (w *World) Count(match func(Letter) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, s := range w.servers {
		for _, l := range s.ledger.letters {
			if match(l) {
				n++
			}
		}
	}
	return n
}

// Wait returns when n letters that match have come, to any servers. The match is called under a lock, as in WaitFor.
func (w *World) Wait(ctx context.Context, n int, match func(Letter) bool) error {
	if _, err := w.wait(ctx, n, nil, match); err != nil {
		return fmt.Errorf("wait for %d letters: %w, and %d had come", n, err, w.Count(match))
	}
	return nil
}

// wait looks through the ledgers and then at each new letter, at one server or (nil) at all.
func (w *World) wait(ctx context.Context, n int, at *Server, match func(Letter) bool) (Letter, error) {
	if n <= 0 {
		return Letter{}, nil
	}
	watch := &watch{need: n, done: make(chan struct{}), match: func(l Letter) bool {
		return (at == nil || l.Server == at) && match(l)
	}}
	w.mu.Lock()
	for _, s := range w.servers {
		for _, l := range s.ledger.letters {
			watch.see(l)
		}
	}
	w.watches[watch] = true
	w.mu.Unlock()
	defer w.forget(watch)
	select {
	case <-watch.done:
		return watch.last, nil
	case <-ctx.Done():
		return Letter{}, ctx.Err()
	case <-w.ctx.Done():
		return Letter{}, fmt.Errorf("the world is closed")
	}
}

func (w *World) forget(watch *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.watches, watch)
}
