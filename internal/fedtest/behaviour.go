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

// Behaviour is how a server treats its visitors. One mood may be given to many servers; each counts for itself.
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
	failingOn
	refusingText
	answeringGarbage
	cachingKeys
)

// Healthy serves at once. Every server begins so.
func Healthy() Behaviour { return Behaviour{} }

// Slow waits that long before it looks at a request, be it a delivery or a question.
func Slow(wait time.Duration) Behaviour { return Behaviour{kind: slow, pace: wait} }

// Hanging takes every request and never answers, until the mood changes, the caller leaves or the world is closed.
// Deliveries are in the ledger with status 0.
func Hanging() Behaviour { return Behaviour{kind: hanging} }

// Trickling begins an answer and writes one byte of its header in every pace, without end. Deliveries are in the ledger
// with status 0.
func Trickling(pace time.Duration) Behaviour { return Behaviour{kind: trickling, pace: pace} }

// Closed refuses connections: nobody listens and those connected are cut off. Any other mood opens the same address
// again.
func Closed() Behaviour { return Behaviour{kind: closed} }

// FailingFirst answers the next n deliveries with the status (500, say), unread, and is healthy afterwards.
func FailingFirst(n, status int) Behaviour {
	return Behaviour{kind: refusing, status: status, times: n}
}

// Refusing answers every delivery with the status, unread.
func Refusing(status int) Behaviour { return Behaviour{kind: refusing, status: status} }

// RateLimiting answers the next n deliveries with 429 and a Retry-After in whole seconds; n of zero means all.
func RateLimiting(retryAfter time.Duration, n int) Behaviour {
	return Behaviour{kind: refusing, status: http.StatusTooManyRequests, pace: retryAfter, times: n}
}

// RateLimitingUntil answers the next n deliveries with 429 and a date for Retry-After; n of zero means all.
func RateLimitingUntil(at time.Time, n int) Behaviour {
	return Behaviour{kind: refusing, status: http.StatusTooManyRequests, until: at, times: n}
}

// Gone answers 410 to every delivery and to every question about its people and their notes.
func Gone() Behaviour { return Behaviour{kind: gone} }

// RefusingSignatures answers 401 to every delivery, however well signed.
func RefusingSignatures() Behaviour { return Behaviour{kind: refusingSignatures} }

// RequiringRFC9421 reads signatures in the newer dialect, RFC 9421, alone, and demands them of questions about its
// people, too.
func RequiringRFC9421() Behaviour { return Behaviour{kind: requiringRFC9421} }

// DroppingResponses takes every delivery to heart and hangs up without an answer.
func DroppingResponses() Behaviour { return Behaviour{kind: droppingResponses} }

// FailingOn answers 500 to every delivery in which the words stand, and reads the others.
func FailingOn(words string) Behaviour { return Behaviour{kind: failingOn, text: words} }

// RefusingText answers the status to every delivery in which the words stand, and reads the others.
func RefusingText(words string, status int) Behaviour {
	return Behaviour{kind: refusingText, text: words, status: status}
}

// CachingKeys keeps the keys that it has learnt, as GoToSocial does for hours: a delivery whose signature does not fit
// is refused, and the key is not asked for again. It takes the new key from an Update of its owner that the old one
// signed.
func CachingKeys() Behaviour { return Behaviour{kind: cachingKeys} }

// AnsweringGarbage answers every delivery in which the words stand with bytes that are no HTTP, and reads the others.
func AnsweringGarbage(words string) Behaviour { return Behaviour{kind: answeringGarbage, text: words} }

// activeBehaviour is a mood while it lasts on one server.
type activeBehaviour struct {
	Behaviour
	left atomic.Int64
	over chan struct{}
}

func activate(m Behaviour) *activeBehaviour {
	s := &activeBehaviour{Behaviour: m, over: make(chan struct{})}
	s.left.Store(int64(m.times))
	return s
}

// refusal is the status a delivery gets unread; zero when it is to be read.
func (s *activeBehaviour) refusal(body []byte) int {
	switch s.kind {
	case failingOn:
		if bytes.Contains(body, []byte(s.text)) {
			return http.StatusInternalServerError
		}
	case refusingText:
		if bytes.Contains(body, []byte(s.text)) {
			return s.status
		}
	case gone:
		return http.StatusGone
	case refusingSignatures:
		return http.StatusUnauthorized
	case refusing:
		if s.times == 0 || s.left.Add(-1) >= 0 {
			return s.status
		}
	}
	return 0
}

// answersGarbage reports whether a delivery gets an answer that is no HTTP.
func (s *activeBehaviour) answersGarbage(body []byte) bool {
	return s.kind == answeringGarbage && bytes.Contains(body, []byte(s.text))
}

// writeGarbage answers with bytes that are no HTTP and hangs up.
func writeGarbage(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	io.WriteString(conn, "220 mail.example ESMTP ready\r\n")
}

// silent reports whether requests never get an answer.
func (s *activeBehaviour) silent() bool { return s.kind == hanging || s.kind == trickling }

// wait is the time that a slow server takes; false when the caller has left or the world has ended meanwhile.
func (s *activeBehaviour) wait(r *http.Request) bool {
	if s.kind != slow {
		return true
	}
	timer := time.NewTimer(s.pace)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.over:
	case <-r.Context().Done():
		return false
	}
	return true
}

// keepSilent holds a request without answering it and drops the connection when the spell is over.
func (s *activeBehaviour) keepSilent(w http.ResponseWriter, r *http.Request) {
	if s.kind == trickling {
		s.trickle(w, r)
		return
	}
	select {
	case <-s.over:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

func (s *activeBehaviour) trickle(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
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
	if !s.until.IsZero() {
		h.Set("Retry-After", s.until.UTC().Format(http.TimeFormat))
	} else if s.status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(int(s.pace.Seconds())))
	}
}

// SetBehaviour changes the mood of the server. The only error is that a closed server cannot have its address again.
func (s *Server) SetBehaviour(m Behaviour) error {
	s.behaviourMu.Lock()
	defer s.behaviourMu.Unlock()
	before := s.behaviour.Swap(activate(m))
	close(before.over)
	if m.kind == closed {
		s.shut()
		return nil
	}
	if before.kind != closed {
		return nil
	}
	if err := s.reopen(); err != nil {
		return fmt.Errorf("reopen neighbour %s: %w", s.Name, err)
	}
	return nil
}
