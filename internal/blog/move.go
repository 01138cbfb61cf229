package blog

import "time"

// Move is a voice's move to an actor on another server. It is planned first and can be cancelled. Once done it cannot
// be undone.
type Move struct {
	ID         ID
	VoiceID    ID
	Target     string // address of the new actor
	Handle     string // of the new actor, "ilse@veerhuis.example"; "" when unknown
	AskedAt    time.Time
	DueAt      time.Time
	MovedAt    *time.Time
	EndedAt    *time.Time // when it was cancelled
	Reason     string     `db:"trouble"` // why it was cancelled or has to wait, as a sentence
	ActivityID ID         // the Move sent to followers
	Followers  int        // at the time of the move
}

// Planned reports whether the move is still ahead.
func (m Move) Planned() bool { return m.ID != "" && m.MovedAt == nil && m.EndedAt == nil }

// BetweenMoves is the shortest time between two moves of a voice. Other servers do not follow an earlier second one.
const BetweenMoves = 30 * 24 * time.Hour

// MoveWait is how long a planned move waits, unless its owner chooses otherwise.
const MoveWait = 24 * time.Hour

// LeaveWait is how long an author's deletion waits.
const LeaveWait = 30 * 24 * time.Hour
