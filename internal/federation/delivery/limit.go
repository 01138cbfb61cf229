package delivery

import "sync"

const (
	mostPlaces  = 1024 // servers that count as being served
	mostSockets = 4096 // with those that have been silent for a second
)

// limit bound how many servers are served at once. A post that has been silent for a second gives its seat up, so that
// silent servers cannot starve the others; the sockets of all together have a bound of their own.
type limit struct {
	mu            sync.Mutex
	taken, silent int
	freed         func() // called when there is room again; may be nil
}

// slot is one server's.
type slot struct {
	all   *limit
	state seatState
}

type seatState int

const (
	seated seatState = iota
	standing
	left
)

// room is how many more may be served. Those that failed last time get half of it at most, and none of the last half.
func (s *limit) room(failing bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	room := min(mostPlaces-s.taken, mostSockets-s.taken-s.silent)
	if failing {
		room -= mostPlaces / 2
	}
	return max(0, room)
}

func (s *limit) take() *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	return &slot{all: s}
}

// giveUp leaves the seat and goes on without one.
func (s *slot) giveUp() { s.become(standing) }

// free ends the visit.
func (s *slot) free() { s.become(left) }

func (s *slot) become(next seatState) {
	s.all.mu.Lock()
	if next <= s.state {
		s.all.mu.Unlock()
		return
	}
	s.all.count(s.state, -1)
	s.all.count(next, 1)
	s.state = next
	s.all.mu.Unlock()
	if s.all.freed != nil {
		s.all.freed()
	}
}

func (s *limit) count(state seatState, n int) {
	switch state {
	case seated:
		s.taken += n
	case standing:
		s.silent += n
	}
}
