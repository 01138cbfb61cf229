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

// Mood is how a server treats its visitors. One mood may be given to many servers; each counts for itself.
type Mood struct {
	kind   moodKind
	pace   time.Duration
	status int
	times  int // for how many deliveries; zero for all
	until  time.Time
	words  string
}

type moodKind int

const (
	healthy moodKind = iota
	slow
	hanging
	trickling
	closed
	answering // inboxes answer with a status
	gone
	refusingSignatures
	newerOnly
	swallowing
	choking
	barring
	garbling
	remembering
)

// Healthy serves at once. Every server begins so.
func Healthy() Mood { return Mood{} }

// Slow waits that long before it looks at a request, be it a delivery or a question.
func Slow(wait time.Duration) Mood { return Mood{kind: slow, pace: wait} }

// Hanging takes every request and never answers, until the mood changes, the caller leaves or the world is closed.
// Deliveries are in the ledger with status 0.
func Hanging() Mood { return Mood{kind: hanging} }

// Trickling begins an answer and writes one byte of its header in every pace, without end. Deliveries are in the ledger
// with status 0.
func Trickling(pace time.Duration) Mood { return Mood{kind: trickling, pace: pace} }

// Closed refuses connections: nobody listens and those connected are cut off. Any other mood opens the same address
// again.
func Closed() Mood { return Mood{kind: closed} }

// FailThenWell answers the next n deliveries with the status (500, say), unread, and is healthy afterwards.
func FailThenWell(n, status int) Mood { return Mood{kind: answering, status: status, times: n} }

// Refusing answers every delivery with the status, unread.
func Refusing(status int) Mood { return Mood{kind: answering, status: status} }

// TooMany answers the next n deliveries with 429 and a Retry-After in whole seconds; n of zero means all.
func TooMany(retryAfter time.Duration, n int) Mood {
	return Mood{kind: answering, status: http.StatusTooManyRequests, pace: retryAfter, times: n}
}

// TooManyUntil answers the next n deliveries with 429 and a date for Retry-After; n of zero means all.
func TooManyUntil(at time.Time, n int) Mood {
	return Mood{kind: answering, status: http.StatusTooManyRequests, until: at, times: n}
}

// Gone answers 410 to every delivery and to every question about its people and their notes.
func Gone() Mood { return Mood{kind: gone} }

// RefusingSignatures answers 401 to every delivery, however well signed.
func RefusingSignatures() Mood { return Mood{kind: refusingSignatures} }

// NewerOnly reads signatures in the newer dialect, RFC 9421, alone, and demands them of questions about its people,
// too.
func NewerOnly() Mood { return Mood{kind: newerOnly} }

// Swallowing takes every delivery to heart and hangs up without an answer.
func Swallowing() Mood { return Mood{kind: swallowing} }

// Choking answers 500 to every delivery in which the words stand, and reads the others.
func Choking(words string) Mood { return Mood{kind: choking, words: words} }

// Barring answers the status to every delivery in which the words stand, and reads the others.
func Barring(words string, status int) Mood { return Mood{kind: barring, words: words, status: status} }

// Remembering keeps the keys that it has learnt, as GoToSocial does for hours: a delivery whose signature does not fit
// is refused, and the key is not asked for again. It takes the new key from an Update of its owner that the old one
// signed.
func Remembering() Mood { return Mood{kind: remembering} }

// Garbling answers every delivery in which the words stand with bytes that are no HTTP, and reads the others.
func Garbling(words string) Mood { return Mood{kind: garbling, words: words} }

// spell is a mood while it lasts on one server.
type spell struct {
	Mood
	left atomic.Int64
	over chan struct{}
}

func newSpell(m Mood) *spell {
	s := &spell{Mood: m, over: make(chan struct{})}
	s.left.Store(int64(m.times))
	return s
}

// refusal is the status a delivery gets unread; zero when it is to be read.
func (s *spell) refusal(body []byte) int {
	switch s.kind {
	case choking:
		if bytes.Contains(body, []byte(s.words)) {
			return http.StatusInternalServerError
		}
	case barring:
		if bytes.Contains(body, []byte(s.words)) {
			return s.status
		}
	case gone:
		return http.StatusGone
	case refusingSignatures:
		return http.StatusUnauthorized
	case answering:
		if s.times == 0 || s.left.Add(-1) >= 0 {
			return s.status
		}
	}
	return 0
}

// garbles reports whether a delivery gets an answer that is no HTTP.
func (s *spell) garbles(body []byte) bool {
	return s.kind == garbling && bytes.Contains(body, []byte(s.words))
}

// garble answers with bytes that are no HTTP and hangs up.
func garble(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	io.WriteString(conn, "220 mail.example ESMTP ready\r\n")
}

// silent reports whether requests never get an answer.
func (s *spell) silent() bool { return s.kind == hanging || s.kind == trickling }

// wait is the time that a slow server takes; false when the caller has left or the world has ended meanwhile.
func (s *spell) wait(r *http.Request) bool {
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
func (s *spell) keepSilent(w http.ResponseWriter, r *http.Request) {
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

func (s *spell) trickle(w http.ResponseWriter, r *http.Request) {
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

func (s *spell) setHeader(h http.Header) {
	if !s.until.IsZero() {
		h.Set("Retry-After", s.until.UTC().Format(http.TimeFormat))
	} else if s.status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(int(s.pace.Seconds())))
	}
}

// Be changes the mood of the server. The only error is that a closed server cannot have its address again.
func (s *Server) Be(m Mood) error {
	s.moodMu.Lock()
	defer s.moodMu.Unlock()
	before := s.spell.Swap(newSpell(m))
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
