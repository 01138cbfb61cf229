package blog

import (
	"strings"
	"time"
)

// ReportState reports whether moderators have done with a complaint.
type ReportState string

const (
	ComplaintOpen     ReportState = "open"
	ComplaintResolved ReportState = "resolved"
)

// Report is what somebody elsewhere reported to our moderators, or what we reported to theirs. It is for moderators
// alone: no page for readers, no count, no log and no feed knows of it.
type Report struct {
	ID         ID
	Ours       bool    // we report
	ActorID    string  // who reports, or whom we report
	Host       string  // of that actor
	VoiceID    ID      // who of ours reported
	About      Strings // the addresses of what it is about
	CommentID  ID      // that we report
	ActivityID ID      // by which ours was sent
	Words      string  // plain text
	State      ReportState
	ResolvedBy ID // a voice
	At         time.Time
	ResolvedAt *time.Time
}

// MaxReport is how long a complaint's words may be, in characters.
const MaxReport = 5000

// Check says what a complaint of ours lacks; the error is an Invalid.
func (c Report) Check() error {
	if strings.TrimSpace(c.Words) == "" {
		return invalid("report", "has no words: say what is wrong, for people who do not know your blog")
	}
	if len([]rune(c.Words)) > MaxReport {
		return invalid("report", "is longer than 5,000 characters")
	}
	return nil
}
