// Package deliverytext turns the states of deliveries into English sentences, the same in the admin and in the
// terminal. Each caller passes a function that writes a time in the past in its own style.
package deliverytext

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
)

// State describes which version of an article a server has, how the server behaves, and what is unusual about its
// delivery. The last answer of the server is not part of it.
func State(s blog.ServerState, when func(time.Time) string) string {
	sentences := []string{holding(s), behaviour(s, when)}
	switch {
	case s.Welcome && s.Status == blog.Delivered:
		sentences = append(sentences, "Sent when it got its first follower.")
	case s.Welcome && !s.Status.Settled():
		sentences = append(sentences, "It is sent because this server got its first follower.")
	}
	if s.Keeps {
		sentences = append(sentences, "It still has the copy that was taken back before.")
	}
	// Fields drops the blanks around sentences that are "".
	return strings.Join(strings.Fields(strings.Join(sentences, " ")), " ")
}

// holding names the version that a server has. It is "" when the server has the only version and accepted it.
func holding(s blog.ServerState) string {
	has, newest := fmt.Sprint("version ", s.Holds), fmt.Sprint("version ", s.Newest)
	switch {
	case s.NothingToDelete():
		return "Never had it."
	case s.GoneAt != nil:
		return forgetting(s)
	case s.Status == blog.GoneAway:
		return ""
	case s.Holds == 0 && s.Unsure:
		return "May have it: it never confirmed that."
	case s.Holds == 0 && !s.Status.Settled():
		return "Does not have it yet."
	case s.Holds == 0 && s.Status != blog.Delivered:
		return "Does not have it."
	case s.Holds >= s.Newest && s.Shows > 0 && s.Shows < s.Holds:
		return fmt.Sprintf("Was told up to version %d; %s is a quiet correction, of which nobody there is told.", s.Shows,
			has)
	// A single version needs no number, unless its delivery failed and the sentence must say that a copy exists.
	case s.Holds >= s.Newest && (s.Newest > 1 || s.Status != blog.Delivered):
		return "Has " + has + ", the newest."
	case s.Holds >= s.Newest:
		return ""
	case s.Status == blog.Delivered:
		return "Has " + has + "; " + newest + " was not sent to it."
	case s.Status == blog.Refused:
		return "Has " + has + " and refused " + newest + "."
	case s.Status == blog.GivenUp:
		return "Has " + has + "; " + newest + " never arrived."
	}
	return "Has " + has + "; " + newest + " is on its way."
}

// forgetting describes what a server did with the request to delete its copy.
func forgetting(s blog.ServerState) string {
	has := "Still has it"
	if s.Holds == 0 {
		// Servers with nothing to delete were left out before: this one never confirmed its copy, but may have one.
		has = "May still have it"
	}
	switch s.Status {
	case blog.Delivered:
		return "Accepted the request to delete it."
	case blog.Refused:
		return has + ": it refused the request to delete it."
	case blog.GivenUp:
		return has + ": the request to delete it never arrived."
	case blog.GoneAway:
		return ""
	}
	return has + "; the request to delete it is on its way."
}

// behaviour describes a server that does not take deliveries. It is "" for one that does.
func behaviour(s blog.ServerState, when func(time.Time) string) string {
	switch {
	case s.UnavailableSince != nil && s.FailingSince != nil:
		return "Has been silent since " + when(*s.FailingSince) + "; given up " + when(*s.UnavailableSince) +
			", after seven days. When it answers again, it gets what it missed."
	case s.Status.Settled():
		// How the server behaves now says nothing about a delivery that was decided earlier.
		return ""
	case s.AskedToWait():
		return "It asks us to wait."
	case s.Refusing():
		return refusal(s, when)
	case s.FailingSince == nil:
		return ""
	case hadProblems(s):
		return "Has had problems since " + when(*s.FailingSince) + "."
	}
	return "Has been silent since " + when(*s.FailingSince) + "."
}

// hadProblems reports whether a failing server may have answered, for example with 503: it is then not silent.
func hadProblems(s blog.ServerState) bool {
	// A delivery that waits behind others has no answer of its own, so its server may be silent or answer 503.
	return s.Code > 0 || s.Attempts == 0
}

// refusal describes what a server answers to the deliveries of this author.
func refusal(s blog.ServerState, when func(time.Time) string) string {
	sentence := fmt.Sprintf("Refusing since %s: it answers %d to what this author sends.", when(*s.RefusingSince),
		s.RefusalCode)
	if s.RefusalCode == 0 {
		sentence = "Refusing since " + when(*s.RefusingSince) +
			": its answers to what this author sends cannot be understood."
	}
	if s.Attempts == 0 && s.RefusalAnswer != "" {
		// A delivery that was tried shows its own answer. This one has none yet, so it quotes the answer to another.
		sentence += " Its answer: “" + s.RefusalAnswer + "”."
	}
	return sentence
}

// Summary describes in one sentence which servers have a published or withdrawn article: "14 of 16 servers have it; 1
// refused it; 1 has been silent since Monday." It is "" when the article was sent to nobody.
func Summary(list []blog.ServerState, when func(time.Time) string) string {
	var reasons []reason
	for _, s := range list {
		if s.Counts() {
			reasons = reasonOf(s).addTo(reasons, 1+s.Alike)
		}
	}
	t := blog.Count(list)
	var parts []string
	if lead := Tally(t); lead != "" {
		parts = append(parts, lead)
	}
	for _, r := range reasons {
		parts = append(parts, r.describe(when))
	}
	if t.Keep > 0 {
		parts = append(parts, reason{n: t.Keep, one: "still has a copy that was taken back before",
			several: "still have a copy that was taken back before"}.describe(when))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// SummedUp says how many of the deliveries are old and known in sum only. It is "" when all are known one by one.
func SummedUp(list []blog.ServerState) string {
	n := 0
	for _, s := range list {
		if s.Past {
			n += 1 + s.Alike
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "The delivery to one server is old and summed up: it cannot be tried again."
	}
	return fmt.Sprintf("The deliveries to %d servers are old and summed up: they cannot be tried again.", n)
}

// Tally describes how many servers have an article, or accepted the request to delete it: "14 of 16 servers have it".
// It is "" when the article went to nobody.
func Tally(t blog.Tally) string {
	switch holders := holders(t); {
	case t.Servers == 0:
		return ""
	case t.Newest < t.Have:
		return fmt.Sprintf("%s, %d of them the newest version", holders, t.Newest)
	default:
		return holders
	}
}

func holders(t blog.Tally) string {
	has, have := "has it", "have it"
	if t.Gone {
		has, have = "accepted the request to delete it", "accepted the request to delete it"
	}
	switch {
	case t.Have == t.Servers && t.Servers == 1:
		return "The one server " + has
	case t.Have == t.Servers:
		return fmt.Sprintf("All %d servers %s", t.Servers, have)
	case t.Have == 0 && t.Servers == 1 && !t.Gone:
		return "The one server does not have it"
	case t.Have == 1:
		return fmt.Sprintf("1 of %d servers %s", t.Servers, has)
	}
	return fmt.Sprintf("%d of %d servers %s", t.Have, t.Servers, have)
}

// reason is why some servers do not have the newest version of an article.
type reason struct {
	n            int
	one, several string
	since        *time.Time // since when the longest silent of them is silent
}

// reasonOf classifies one server. A server that has the newest version gets the zero reason.
func reasonOf(s blog.ServerState) reason {
	refused := s.Status == blog.Refused
	switch {
	// After a deletion, the refused delivery is the Delete.
	case refused && s.GoneAt != nil:
		return reason{one: "refused, and still has it", several: "refused, and still have it"}
	case refused && s.Holds > 0:
		return reason{one: "refused the newest version", several: "refused the newest version"}
	case refused:
		return reason{one: "refused it", several: "refused it"}
	case s.Status == blog.GivenUp && s.UnavailableSince != nil:
		return reason{one: "was given up after a week of silence", several: "were given up after a week of silence"}
	case s.Status == blog.GivenUp:
		return reason{one: "was given up", several: "were given up"}
	case s.Status == blog.GoneAway:
		return reason{one: "has closed", several: "have closed"}
	case !s.Status.Settled() && s.AskedToWait():
		return reason{one: "asks us to wait", several: "ask us to wait"}
	case s.Refusing():
		return reason{one: "refuses at the moment", several: "refuse at the moment"}
	case s.Status == blog.Retrying && s.FailingSince == nil:
		// Its server has accepted another delivery since this one failed.
		return reason{one: "is tried again", several: "are tried again"}
	case s.FailingSince != nil && !s.Status.Settled() && hadProblems(s):
		return reason{one: "has had problems", several: "have had problems", since: s.FailingSince}
	case s.Status == blog.Retrying || s.Status == blog.Waiting && s.FailingSince != nil:
		return reason{one: "has been silent", several: "have been silent", since: s.FailingSince}
	case s.Status == blog.Waiting:
		return reason{one: "waits its turn", several: "wait their turn"}
	case s.Has() && s.Holds < s.Newest:
		return reason{one: "has an older version", several: "have an older version"}
	}
	return reason{}
}

// addTo counts n servers with this reason in a list that has each reason once.
func (r reason) addTo(list []reason, n int) []reason {
	if r.one == "" {
		// The server has the newest version: there is nothing to explain.
		return list
	}
	i := slices.IndexFunc(list, func(known reason) bool { return known.one == r.one })
	if i < 0 {
		i, list = len(list), append(list, r)
	}
	known := &list[i]
	known.n += n
	if r.since != nil && (known.since == nil || r.since.Before(*known.since)) {
		known.since = r.since
	}
	return list
}

func (r reason) describe(when func(time.Time) string) string {
	switch {
	case r.n == 1 && r.since != nil:
		return "1 " + r.one + " since " + when(*r.since)
	case r.n == 1:
		return "1 " + r.one
	case r.since != nil:
		return fmt.Sprintf("%d %s, the longest since %s", r.n, r.several, when(*r.since))
	}
	return fmt.Sprintf("%d %s", r.n, r.several)
}
