package blog

import (
	"database/sql/driver"
	"time"
)

// BackfillResult is the result of one reading of other servers, in search of replies to an article that were not sent
// here.
type BackfillResult struct {
	Servers int          `json:"servers"`           // servers asked
	Listed  int          `json:"listed"`            // different replies that they list
	New     int          `json:"new"`               // of those, new here and accepted
	Cut     bool         `json:"cut"`               // a limit of one reading was reached
	Skipped []NotFetched `json:"untaken,omitempty"` // why others were not accepted
}

// NotFetched counts replies, or lists of replies, that were not fetched for the same reason.
type NotFetched struct {
	Why     string   `json:"why"` // for one of them: "it is not public"
	N       int      `json:"n"`
	Servers []string `json:"servers,omitempty"` // at most five
}

// Value implements driver.Valuer.
func (c BackfillResult) Value() (driver.Value, error) {
	return toColumn(c, c.Servers == 0 && len(c.Skipped) == 0)
}

// Scan implements sql.Scanner.
func (c *BackfillResult) Scan(column any) error { return fromColumn(column, c) }

// backfillSteps are the times after the newest comment at which a conversation is completed. Only servers with
// known comments are asked, so before the first comment there is nothing to complete.
var backfillSteps = [...]time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// BackfillRest is the shortest time between two readings that no author asked for.
const BackfillRest = 15 * time.Minute

// NextBackfill is the time of a conversation's next reading, nil when there is none. since is when the newest
// comment came, step counts the readings after that, and now is the time of the last one.
func NextBackfill(since time.Time, step int, now time.Time) *time.Time {
	if step >= len(backfillSteps) {
		return nil
	}
	at, earliest := since.Add(backfillSteps[step]), now.Add(BackfillRest)
	// A process that was down for hours must not make up for the missed steps in a row.
	if at.Before(earliest) {
		at = earliest
	}
	return &at
}
