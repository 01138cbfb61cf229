package federation

import (
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
)

// LogActivity is what the log says of an activity that there is trouble with: which, by whom, and what trouble. Of a report it is
// the trouble alone: who reports is for the moderators to know.
func LogActivity(act activity.Activity, signer string, trouble error) []any {
	if _, report := act.Act.(activity.Flag); !report {
		return []any{"activity", act.ID, "signer", signer, "error", trouble}
	}
	var secrets []string
	for _, secret := range []string{act.ID, act.Actor, signer, blog.HostOf(act.Actor), blog.HostOf(signer)} {
		if secret != "" {
			secrets = append(secrets, secret, "…")
		}
	}
	return []any{"activity", "a report", "error", strings.NewReplacer(secrets...).Replace(trouble.Error())}
}

// LogArrival is LogActivity an arrival; of one that cannot be read, its address and its signer are all there is to say.
func LogArrival(arrival blog.Arrival, trouble error) []any {
	doc, err := activity.Read(arrival.Body)
	if err == nil {
		if act, err := activity.Parse(doc); err == nil {
			return LogActivity(act, arrival.Signer, trouble)
		}
	}
	return []any{"activity", arrival.ActivityID, "signer", arrival.Signer, "error", trouble}
}
