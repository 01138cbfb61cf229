package blog

import (
	"database/sql/driver"
	"time"
)

// Completion is what came of asking other servers for the answers under an article that nobody had sent here.
type Completion struct {
	Servers int          `json:"servers"`           // that were asked
	Listed  int          `json:"listed"`            // answers that they list, each once
	New     int          `json:"new"`               // of them were not known here, and are now
	Cut     bool         `json:"cut"`               // the limits of one reading were reached
	Untaken []NotFetched `json:"untaken,omitempty"` // why some were not taken
}

// NotFetched says why answers, or lists of them, came to nothing.
type NotFetched struct {
	Why     string   `json:"why"` // of one: "it is not public"
	N       int      `json:"n"`
	Servers []string `json:"servers,omitempty"` // where they lie, five at most
}

// Value implements driver.Valuer.
func (c Completion) Value() (driver.Value, error) {
	return toColumn(c, c.Servers == 0 && len(c.Untaken) == 0)
}

// Scan implements sql.Scanner.
func (c *Completion) Scan(column any) error { return fromColumn(column, c) }

// completionSteps are how long after the newest comment a conversation is completed. What is to be
// read lies with those who commented, so before the first comment there is nothing to complete.
var completionSteps = [...]time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// CompletionRest is the shortest time between two readings that nobody asked for.
const CompletionRest = 15 * time.Minute

// NextCompletion is when a conversation is completed the next time: since is when its newest comment came, step how
// often that was done since then, and now when it was done last. It is nil when it was done often enough.
func NextCompletion(since time.Time, step int, now time.Time) *time.Time {
	if step >= len(completionSteps) {
		return nil
	}
	at, earliest := since.Add(completionSteps[step]), now.Add(CompletionRest)
	if at.Before(earliest) {
		at = earliest
	}
	return &at
}
