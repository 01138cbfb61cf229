package blog

import (
	"strings"
	"time"
)

// ReportState is whether moderators are done with a report.
type ReportState string

const (
	ReportOpen     ReportState = "open"
	ReportResolved ReportState = "resolved"
)

// Report is a Flag that somebody elsewhere sent to our moderators, or that we sent to theirs. Only moderators see it:
// it is on no page for readers and in no count, log or feed.
type Report struct {
	ID         ID
	Ours       bool    // sent by us
	ActorID    string  // the reporter, or whom we report
	Host       string  // of that actor
	VoiceID    ID      // the voice of ours that sent it
	About      Strings // the addresses of what it is about
	CommentID  ID      // the comment that we report
	ActivityID ID      // the Flag that we sent
	Words      string  // plain text
	State      ReportState
	ResolvedBy ID // a voice
	At         time.Time
	ResolvedAt *time.Time
}

// MaxReport is the longest text of a report, in characters.
const MaxReport = 5000

// Check returns an Invalid for the first thing that is wrong with a report of ours.
func (c Report) Check() error {
	if strings.TrimSpace(c.Words) == "" {
		return invalid("report", "is empty: write what is wrong, for people who do not know your blog")
	}
	if len([]rune(c.Words)) > MaxReport {
		return invalid("report", "is longer than 5,000 characters")
	}
	return nil
}
