package federation

import (
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
)

// LogActivity returns the attributes of a log line about an activity that failed: its id, its signer and the error.
// Of a report (Flag) it returns only the error, without names: only moderators may know who reports.
func LogActivity(act activity.Activity, signer string, err error) []any {
	if _, report := act.Act.(activity.Flag); !report {
		return []any{"activity", act.ID, "signer", signer, "error", err}
	}
	var secrets []string
	// The text of an error may have an address or a host in it.
	for _, secret := range []string{act.ID, act.Actor, signer, blog.HostOf(act.Actor), blog.HostOf(signer)} {
		if secret != "" {
			secrets = append(secrets, secret, "…")
		}
	}
	return []any{"activity", "a report", "error", strings.NewReplacer(secrets...).Replace(err.Error())}
}

// LogArrival is LogActivity for an arrival. The body of an arrival may be unreadable; its id and signer are then taken
// from the row.
func LogArrival(arrival blog.Arrival, failure error) []any {
	doc, err := activity.Read(arrival.Body)
	if err == nil {
		if act, err := activity.Parse(doc); err == nil {
			return LogActivity(act, arrival.Signer, failure)
		}
	}
	return []any{"activity", arrival.ActivityID, "signer", arrival.Signer, "error", failure}
}
