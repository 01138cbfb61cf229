package fedtest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Behaviour is how a server treats requests. Set it with [Server.SetBehaviour]. One value may be given to many
// servers; each counts its deliveries for itself.
type Behaviour struct {
	kind   behaviourKind
	pace   time.Duration
	status int
	times  int // for how many deliveries; zero for all
	until  time.Time
	text   string
}

type behaviourKind int

const (
	healthy behaviourKind = iota
	slow
	hanging
	trickling
	closed
	refusing // inboxes answer with a status
	gone
	refusingSignatures
	requiringRFC9421
	droppingResponses
	refusingText
	answeringGarbage
	cachingKeys
	resetting
	speakingTLS
	flapping
	huge
)

// Healthy answers at once. Every server begins so.
func Healthy() Behaviour { return Behaviour{} }

// Slow waits before it looks at a request, be it a delivery or a GET.
func Slow(wait time.Duration) Behaviour { return Behaviour{kind: slow, pace: wait} }

// Hanging takes every request and never answers, until the behaviour changes, the client disconnects or the world is
// closed. Deliveries are recorded with status 0.
func Hanging() Behaviour { return Behaviour{kind: hanging} }

// Trickling begins a response and then writes one byte of its header per pace, without end. Deliveries are recorded
// with status 0. It tests deadlines that start anew with each byte.
func Trickling(pace time.Duration) Behaviour { return Behaviour{kind: trickling, pace: pace} }

// Closed refuses connections: nobody listens, and open connections are cut. Any other behaviour opens the same
// address again.
func Closed() Behaviour { return Behaviour{kind: closed} }

// Resetting resets the connection of every request (RST), as an overloaded firewall does. Deliveries are recorded with
// status 0.
func Resetting() Behaviour { return Behaviour{kind: resetting} }

// SpeakingTLS answers every request with a fatal alert of TLS, as a port does that speaks nothing else. Deliveries are
// recorded with status 0.
func SpeakingTLS() Behaviour { return Behaviour{kind: speakingTLS} }

// Flapping is healthy and resets all connections in turn, each for so long.
func Flapping(each time.Duration) Behaviour {
	return Behaviour{kind: flapping, pace: each, until: time.Now()}
}

// Huge accepts every delivery, with an answer whose body never ends.
func Huge() Behaviour { return Behaviour{kind: huge} }

// FailingFirst answers the next n deliveries with the status, without reading them, and is healthy afterwards.
func FailingFirst(n, status int) Behaviour {
	return Behaviour{kind: refusing, status: status, times: n}
}

// Refusing answers every delivery with the status, without reading it.
func Refusing(status int) Behaviour { return Behaviour{kind: refusing, status: status} }

// RateLimiting answers the next n deliveries with 429 and a Retry-After in whole seconds. Zero n means all.
func RateLimiting(retryAfter time.Duration, n int) Behaviour {
	return Behaviour{kind: refusing, status: http.StatusTooManyRequests, pace: retryAfter, times: n}
}

// RateLimitingUntil answers the next n deliveries with 429 and a date as Retry-After. Zero n means all.
func RateLimitingUntil(at time.Time, n int) Behaviour {
	return Behaviour{kind: refusing, status: http.StatusTooManyRequests, until: at, times: n}
}

// Gone answers 410 to every delivery and to every request for its people and their notes.
func Gone() Behaviour { return Behaviour{kind: gone} }

// RefusingSignatures answers 401 to every delivery, however well it is signed.
func RefusingSignatures() Behaviour { return Behaviour{kind: refusingSignatures} }

// RequiringRFC9421 accepts only signatures of RFC 9421, and demands them for its documents too.
func RequiringRFC9421() Behaviour { return Behaviour{kind: requiringRFC9421} }

// DroppingResponses processes every delivery and then cuts the connection instead of answering.
func DroppingResponses() Behaviour { return Behaviour{kind: droppingResponses} }

// RefusingText answers the status to every delivery whose body contains the text, and accepts the others.
func RefusingText(text string, status int) Behaviour {
	return Behaviour{kind: refusingText, text: text, status: status}
}

// CachingKeys keeps the keys that it has fetched, as GoToSocial does for hours. A delivery whose signature does not
// fit is refused, and the key is not fetched again. The only way to replace a key is an Update of its owner, signed
// with the old key.
func CachingKeys() Behaviour { return Behaviour{kind: cachingKeys} }

// AnsweringGarbage answers with bytes that are no HTTP to every delivery whose body contains the text, and accepts
// the others.
func AnsweringGarbage(text string) Behaviour { return Behaviour{kind: answeringGarbage, text: text} }

// activeBehaviour is a behaviour while one server has it.
type activeBehaviour struct {
	Behaviour
	left atomic.Int64  // deliveries until the behaviour is over
	over chan struct{} // closed when another behaviour follows
}

func activate(m Behaviour) *activeBehaviour {
	s := &activeBehaviour{Behaviour: m, over: make(chan struct{})}
	s.left.Store(int64(m.times))
	return s
}

// refusal returns the status for a delivery that is not read, and zero for one that is to be read.
func (s *activeBehaviour) refusal(body []byte) int {
	switch s.kind {
	case refusingText:
		if bytes.Contains(body, []byte(s.text)) {
			return s.status
		}
	case gone:
		return http.StatusGone
	case refusingSignatures:
		return http.StatusUnauthorized
	case refusing:
		// Atomic, since deliveries come at the same time.
		if s.times == 0 || s.left.Add(-1) >= 0 {
			return s.status
		}
	}
	return 0
}

// answersGarbage reports whether this delivery gets a response that is no HTTP.
func (s *activeBehaviour) answersGarbage(body []byte) bool {
	return s.kind == answeringGarbage && bytes.Contains(body, []byte(s.text))
}

// writeGarbage writes the greeting of a mail server, as a misdirected port would, and hangs up.
func writeGarbage(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	io.WriteString(conn, "220 mail.example ESMTP ready\r\n")
}

// cuts reports whether this request gets no answer because its connection is cut.
func (s *activeBehaviour) cuts() bool {
	switch s.kind {
	case resetting, speakingTLS:
		return true
	case flapping:
		return time.Since(s.until)/max(s.pace, 1)%2 == 1
	}
	return false
}

// cut cuts a connection.
func (s *activeBehaviour) cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	if s.kind == speakingTLS {
		conn.Write([]byte{21, 3, 1, 0, 2, 2, 40}) // an alert: fatal, handshake failure
	} else if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) // what is not sent is dropped, and the other side gets a RST
	}
}

// writeHuge writes a body until nobody reads it any more.
func (s *activeBehaviour) writeHuge(w http.ResponseWriter, r *http.Request) {
	for chunk := bytes.Repeat([]byte("x"), 16<<10); r.Context().Err() == nil; {
		select {
		case <-s.over:
			return
		default:
		}
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// silent reports whether requests never get a response.
func (s *activeBehaviour) silent() bool { return s.kind == hanging || s.kind == trickling }

// wait waits as long as a slow server takes. It reports false when the client has disconnected or the world is
// closed.
func (s *activeBehaviour) wait(r *http.Request) bool {
	if s.kind != slow {
		return true
	}
	timer := time.NewTimer(s.pace)
	defer timer.Stop()
	select {
	case <-timer.C:
	// The new behaviour begins at once, also for requests that wait.
	case <-s.over:
	case <-r.Context().Done():
		return false
	}
	return true
}

// keepSilent holds a request without answering it, and cuts the connection when the behaviour ends.
func (s *activeBehaviour) keepSilent(w http.ResponseWriter, r *http.Request) {
	if s.kind == trickling {
		s.trickle(w, r)
		return
	}
	select {
	case <-s.over:
	case <-r.Context().Done():
	}
	// The way of net/http to cut a connection without a response.
	panic(http.ErrAbortHandler)
}

// trickle writes a header that never ends, a byte at a time.
func (s *activeBehaviour) trickle(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	// A ticker panics on a pace of zero.
	ticker := time.NewTicker(max(s.pace, time.Millisecond))
	defer ticker.Stop()
	drip := []byte("HTTP/1.1 202 Accepted\r\nX-Patience: ")
	for i := 0; writeByte(conn, drip, i); i++ {
		select {
		case <-ticker.C:
		case <-s.over:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func writeByte(conn net.Conn, text []byte, i int) bool {
	b := byte('.')
	if i < len(text) {
		b = text[i]
	}
	_, err := conn.Write([]byte{b})
	return err == nil
}

func (s *activeBehaviour) setHeader(h http.Header) {
	if !s.until.IsZero() && s.kind == refusing {
		h.Set("Retry-After", s.until.UTC().Format(http.TimeFormat))
	} else if s.status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(int(s.pace.Seconds())))
	}
}

// SetBehaviour changes how the server treats requests from now on. Requests that hang are cut. It fails only when a
// closed server cannot have its address again.
func (s *Server) SetBehaviour(m Behaviour) error {
	s.behaviourMu.Lock()
	defer s.behaviourMu.Unlock()
	before := s.behaviour.Swap(activate(m))
	// After the swap: a client that is cut here and tries again finds the new behaviour.
	close(before.over)
	if m.kind == closed {
		s.shut()
		return nil
	}
	if before.kind != closed {
		return nil
	}
	if err := s.reopen(); err != nil {
		return fmt.Errorf("reopen server %s: %w", s.Name, err)
	}
	return nil
}
