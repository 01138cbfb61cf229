package blog

import "time"

// Move is a voice's going on as an actor elsewhere. It is planned first, so that it can be called off; once it is done,
// it cannot be undone.
type Move struct {
	ID         ID
	VoiceID    ID
	Target     string // address of the actor that it goes on as
	Handle     string // of that one, "ilse@veerhuis.example"; "" when it is not known
	AskedAt    time.Time
	DueAt      time.Time
	MovedAt    *time.Time
	EndedAt    *time.Time // when it was called off
	Trouble    string     // a sentence: why it was called off, or waits longer
	ActivityID ID         // by which the followers were told
	Followers  int        // when it was done
}

// Planned reports whether the move is still to come.
func (m Move) Planned() bool { return m.ID != "" && m.MovedAt == nil && m.EndedAt == nil }

// BetweenMoves is the least time between two moves of a voice: other servers follow no sooner.
const BetweenMoves = 30 * 24 * time.Hour

// MoveWait is how long a move waits before it is done, unless its owner wants it otherwise.
const MoveWait = 24 * time.Hour

// LeaveWait is how long an author's departure waits.
const LeaveWait = 30 * 24 * time.Hour
