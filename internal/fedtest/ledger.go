package fedtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Delivery is the record of one POST to an inbox and of its response.
type Delivery struct {
	At     time.Time
	Server *Server
	Inbox  string // path of the inbox
	Header http.Header
	Body   []byte // raw; nil when it was over 1 MiB

	// What the body claims, verified or not. A member that is missing is empty.
	ID, Type, Actor    string
	Object, ObjectType string

	KeyID  string // key id of the signature
	Fault  string // why it was refused or not looked at; empty when its signature is valid
	Status int    // status of the response; 0 when there was none
}

// Accepted reports whether the delivery had a valid signature, was answered with 2xx and was processed.
func (d Delivery) Accepted() bool { return d.Fault == "" && d.Status/100 == 2 }

// JSON returns the activity. It is nil when the body is not a JSON object.
func (d Delivery) JSON() map[string]any {
	var activity map[string]any
	if json.Unmarshal(d.Body, &activity) != nil {
		return nil
	}
	return activity
}

// Request is the record of one request that is no delivery: for an actor, a note, WebFinger or a page.
type Request struct {
	At     time.Time
	Path   string // with the query
	Header http.Header
	Status int // 0 when it got no answer
}

// OfType matches accepted deliveries of an activity type, such as "Create" or "Accept".
func OfType(activity string) func(Delivery) bool {
	return func(d Delivery) bool { return d.Accepted() && d.Type == activity }
}

// About matches accepted deliveries of an activity type whose object has that id.
func About(activity, object string) func(Delivery) bool {
	return func(d Delivery) bool { return d.Accepted() && d.Type == activity && d.Object == object }
}

// maxLedger is the most deliveries, and the most requests, that a server records. A full ledger drops its older half,
// so that the demo can run for days.
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

// check counts one delivery if it matches. World.mu is held.
func (w *watch) check(d Delivery) {
	// The last match of the past may have ended the watch already, and a channel cannot be closed twice.
	if w.need > 0 && w.match(d) {
		w.last = d
		if w.need--; w.need == 0 {
			close(w.done)
		}
	}
}

// record writes a delivery into the ledger and wakes those who wait for it.
func (s *Server) record(d Delivery) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	s.ledger.deliveries = append(dropOldHalf(s.ledger.deliveries), d)
	w.deliveries++
	for watch := range w.watches {
		watch.check(d)
	}
}

// recordRequest writes a request that is no delivery into the ledger.
func (s *Server) recordRequest(r *http.Request, status int) {
	entry := Request{At: s.world.config.Now(), Path: r.URL.RequestURI(), Header: r.Header.Clone(), Status: status}
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.ledger.requests = append(dropOldHalf(s.ledger.requests), entry)
}

// dropOldHalf makes room in a full list.
func dropOldHalf[T any](all []T) []T {
	if len(all) < maxLedger {
		return all
	}
	return slices.Clone(all[len(all)/2:])
}

// Deliveries returns the records of all POSTs to inboxes, oldest first, refused ones too.
func (s *Server) Deliveries() []Delivery {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return slices.Clone(s.ledger.deliveries)
}

// Requests returns the records of all other requests, oldest first.
func (s *Server) Requests() []Request {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return slices.Clone(s.ledger.requests)
}

// Received returns the accepted deliveries of an activity type, oldest first. An empty type matches all.
func (s *Server) Received(activity string) []Delivery {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	var found []Delivery
	for _, d := range s.ledger.deliveries {
		if d.Accepted() && (activity == "" || d.Type == activity) {
			found = append(found, d)
		}
	}
	return found
}

// WaitFor returns the first recorded delivery that matches, and waits until there is one. match is called under a
// lock: it must be quick and must not call the World or its servers. The error of a wait that ends with ctx describes
// what came instead.
func (s *Server) WaitFor(ctx context.Context, match func(Delivery) bool) (Delivery, error) {
	d, err := s.world.wait(ctx, 1, s, match)
	if err != nil {
		return d, fmt.Errorf("wait for a delivery at %s: %w (%s)", s.Name, err, s.summary())
	}
	return d, nil
}

// summary describes the last delivery, for the message of a failed test.
func (s *Server) summary() string {
	deliveries := s.Deliveries()
	if len(deliveries) == 0 {
		return "no delivery has come"
	}
	last := deliveries[len(deliveries)-1]
	return fmt.Sprintf("of %d deliveries the last is %s %s: status %d %s", len(deliveries), last.Type, last.Object,
		last.Status, last.Fault)
}

// TotalDeliveries returns how many POSTs all inboxes of the world got, refused ones too.
func (w *World) TotalDeliveries() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deliveries
}

// CountDeliveries returns how many recorded deliveries of all servers match. match is called under a lock, as in
// WaitFor.
func (w *World) CountDeliveries(match func(Delivery) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, s := range w.servers {
		for _, d := range s.ledger.deliveries {
			if match(d) {
				n++
			}
		}
	}
	return n
}

// WaitForCount waits until n recorded deliveries match, at all servers together. match is called under a lock, as in
// WaitFor.
func (w *World) WaitForCount(ctx context.Context, n int, match func(Delivery) bool) error {
	if _, err := w.wait(ctx, n, nil, match); err != nil {
		return fmt.Errorf("wait for %d deliveries: %w, and %d had come", n, err, w.CountDeliveries(match))
	}
	return nil
}

// wait waits for n matching deliveries at one server, or at all when it is nil, and returns the last of them.
func (w *World) wait(ctx context.Context, n int, at *Server, match func(Delivery) bool) (Delivery, error) {
	if n <= 0 {
		return Delivery{}, nil
	}
	watch := &watch{need: n, done: make(chan struct{}), match: func(d Delivery) bool {
		return (at == nil || d.Server == at) && match(d)
	}}
	// Past deliveries and the registration share one lock: no delivery can come between them unseen.
	w.mu.Lock()
	for _, s := range w.servers {
		for _, d := range s.ledger.deliveries {
			watch.check(d)
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
