package fedtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Delivery is one request to an inbox and its answer.
type Delivery struct {
	At     time.Time
	Server *Server
	Inbox  string // path of the inbox
	Header http.Header
	Body   []byte // raw; nil when it was over 1 MiB

	// What the body claims, verified or not; empty when it is missing.
	ID, Type, Actor    string
	Object, ObjectType string

	KeyID  string // that the signature names
	Fault  string // why the delivery is not valid, or was not looked at; empty when its signature is valid
	Status int    // answered; 0 when it got no answer
}

// Accepted reports whether the delivery had a valid signature, was answered with 2xx, and was processed.
func (l Delivery) Accepted() bool { return l.Fault == "" && l.Status/100 == 2 }

// JSON returns the activity; nil when the body is not a JSON object.
func (l Delivery) JSON() map[string]any {
	var activity map[string]any
	if json.Unmarshal(l.Body, &activity) != nil {
		return nil
	}
	return activity
}

// Request is one request that is not a delivery: for an actor, a note, WebFinger, a page.
type Request struct {
	At     time.Time
	Path   string // with the query
	Header http.Header
	Status int // 0 when it got no answer
}

// OfType matches accepted deliveries of an activity type: "Create", "Accept".
func OfType(activity string) func(Delivery) bool {
	return func(l Delivery) bool { return l.Accepted() && l.Type == activity }
}

// About matches accepted deliveries of an activity type about an object id.
func About(activity, object string) func(Delivery) bool {
	return func(l Delivery) bool { return l.Accepted() && l.Type == activity && l.Object == object }
}

// ledgerEnd is the most entries that a server keeps. When it is full the older half is dropped.
const maxLedger = 100_000

type ledger struct {
	deliveries []Delivery
	requests   []Request
}

// watch waits until need more matching deliveries have come.
type watch struct {
	match func(Delivery) bool
	need  int
	last  Delivery
	done  chan struct{}
}

func (w *watch) check(l Delivery) {
	if w.need > 0 && w.match(l) {
		w.last = l
		if w.need--; w.need == 0 {
			close(w.done)
		}
	}
}

func (s *Server) record(l Delivery) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	s.ledger.deliveries = append(dropOldHalf(s.ledger.deliveries), l)
	w.deliveries++
	for watch := range w.watches {
		watch.check(l)
	}
}

func (s *Server) recordRequest(r *http.Request, status int) {
	visit := Request{At: s.world.config.Now(), Path: r.URL.RequestURI(), Header: r.Header.Clone(), Status: status}
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.ledger.requests = append(dropOldHalf(s.ledger.requests), visit)
}

func dropOldHalf[T any](all []T) []T {
	if len(all) < maxLedger {
		return all
	}
	return slices.Clone(all[len(all)/2:])
}

// Deliveries returns everything that came to the inboxes, oldest first.
func (s *Server) Deliveries() []Delivery {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return slices.Clone(s.ledger.deliveries)
}

// Requests returns all other requests, oldest first.
func (s *Server) Requests() []Request {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return slices.Clone(s.ledger.requests)
}

// Received returns the accepted deliveries of an activity type, oldest first; of any type when it is empty.
func (s *Server) Received(activity string) []Delivery {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	var found []Delivery
	for _, l := range s.ledger.deliveries {
		if l.Accepted() && (activity == "" || l.Type == activity) {
			found = append(found, l)
		}
	}
	return found
}

// WaitFor returns the first delivery in the ledger that matches, and waits for it if it has not come yet. match is
// called under a lock: it must be quick and may not call the World or its servers. The error says what came instead.
func (s *Server) WaitFor(ctx context.Context, match func(Delivery) bool) (Delivery, error) {
	l, err := s.world.wait(ctx, 1, s, match)
	if err != nil {
		return l, fmt.Errorf("wait for a delivery at %s: %w (%s)", s.Name, err, s.summary())
	}
	return l, nil
}

// summary tells a failing test what did come.
func (s *Server) summary() string {
	deliveries := s.Deliveries()
	if len(deliveries) == 0 {
		return "no delivery has come"
	}
	last := deliveries[len(deliveries)-1]
	return fmt.Sprintf("of %d deliveries the last is %s %s: status %d %s", len(deliveries), last.Type, last.Object,
		last.Status, last.Fault)
}

// TotalDeliveries counts the requests to all inboxes of the world, accepted or not.
func (w *World) TotalDeliveries() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deliveries
}

// CountDeliveries counts the deliveries of the whole world that match. The match is called under a lock, as in WaitFor.
func (w *World) CountDeliveries(match func(Delivery) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, s := range w.servers {
		for _, l := range s.ledger.deliveries {
			if match(l) {
				n++
			}
		}
	}
	return n
}

// WaitForCount returns when n deliveries that match have come, to any servers. The match is called under a lock, as
// in WaitFor.
func (w *World) WaitForCount(ctx context.Context, n int, match func(Delivery) bool) error {
	if _, err := w.wait(ctx, n, nil, match); err != nil {
		return fmt.Errorf("wait for %d deliveries: %w, and %d had come", n, err, w.CountDeliveries(match))
	}
	return nil
}

// wait looks through the ledgers and then at each new delivery, at one server or (nil) at all.
func (w *World) wait(ctx context.Context, n int, at *Server, match func(Delivery) bool) (Delivery, error) {
	if n <= 0 {
		return Delivery{}, nil
	}
	watch := &watch{need: n, done: make(chan struct{}), match: func(l Delivery) bool {
		return (at == nil || l.Server == at) && match(l)
	}}
	w.mu.Lock()
	for _, s := range w.servers {
		for _, l := range s.ledger.deliveries {
			watch.check(l)
		}
	}
	w.watches[watch] = true
	w.mu.Unlock()
	defer w.forget(watch)
	select {
	case <-watch.done:
		return watch.last, nil
	case <-ctx.Done():
		return Delivery{}, ctx.Err()
	case <-w.ctx.Done():
		return Delivery{}, fmt.Errorf("the world is closed")
	}
}

func (w *World) forget(watch *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.watches, watch)
}
