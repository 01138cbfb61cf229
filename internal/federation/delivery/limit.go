package delivery

import "sync"

const (
	maxServers = 512  // that are served at once
	maxSockets = 4096 // together with the servers that have been silent for a second
)

// limit limits how many servers are served at once. A request without an answer for a second gives its slot up, so that
// silent servers cannot hold up the others. All connections together have a limit of their own.
type limit struct {
	mu            sync.Mutex
	taken, silent int
	freed         func() // called when a slot becomes free; may be nil
}

// slot is the place of one server within a limit.
type slot struct {
	all   *limit
	state slotState
}

// slotState only grows: a slot is never taken back.
type slotState int

const (
	slotTaken slotState = iota
	slotGivenUp
	slotFree
)

// room returns how many more servers may be served. Servers that failed last time get half of the slots, and leave the
// last half free.
func (l *limit) room(failing bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	room := min(maxServers-l.taken, maxSockets-l.taken-l.silent)
	if failing {
		room -= maxServers / 2
	}
	return max(0, room)
}

func (l *limit) take() *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken++
	return &slot{all: l}
}

// giveUp frees the slot while the request goes on.
func (s *slot) giveUp() { s.become(slotGivenUp) }

// free ends the visit.
func (s *slot) free() { s.become(slotFree) }

func (s *slot) become(next slotState) {
	s.all.mu.Lock()
	if next <= s.state { // the timer of giveUp may fire after the visit ended
		s.all.mu.Unlock()
		return
	}
	s.all.count(s.state, -1)
	s.all.count(next, 1)
	s.state = next
	s.all.mu.Unlock()
	if s.all.freed != nil { // outside the lock: it wakes the courier, which asks for room
		s.all.freed()
	}
}

func (l *limit) count(state slotState, n int) {
	switch state {
	case slotTaken:
		l.taken += n
	case slotGivenUp:
		l.silent += n
	}
}
