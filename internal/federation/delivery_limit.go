package federation

import "sync"

const (
	mostPlaces  = 1024 // servers that count as being served
	mostSockets = 4096 // with those that have been silent for a second
)

// seats bound how many servers are served at once. A post that has been silent for a second gives its seat up, so that
// silent servers cannot starve the others; the sockets of all together have a bound of their own.
type seats struct {
	mu            sync.Mutex
	taken, silent int
	freed         func() // called when there is room again; may be nil
}

// seat is one server's.
type seat struct {
	all   *seats
	state seatState
}

type seatState int

const (
	seated seatState = iota
	standing
	left
)

// room is how many more may be served. Those that failed last time get half of it at most, and none of the last half.
func (s *seats) room(failing bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	room := min(mostPlaces-s.taken, mostSockets-s.taken-s.silent)
	if failing {
		room -= mostPlaces / 2
	}
	return max(0, room)
}

func (s *seats) take() *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	return &seat{all: s}
}

// giveUp leaves the seat and goes on without one.
func (s *seat) giveUp() { s.become(standing) }

// free ends the visit.
func (s *seat) free() { s.become(left) }

func (s *seat) become(next seatState) {
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

func (s *seats) count(state seatState, n int) {
	switch state {
	case seated:
		s.taken += n
	case standing:
		s.silent += n
	}
}
