package blog

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Describe tells in plain sentences what a server has of an article, how the server is, and what is unusual about its
// delivery. when writes a moment of the past; what the server answered is not among them.
func (s ServerState) Describe(when func(time.Time) string) string {
	words := []string{s.describeCopy(), s.describeServer(when)}
	switch {
	case s.Welcome && s.Status == Delivered:
		words = append(words, "Brought when its first follower came.")
	case s.Welcome && !s.Status.Settled():
		words = append(words, "It is brought since a first follower came.")
	}
	if s.Keeps {
		words = append(words, "It still has the copy that was taken back before.")
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// describeCopy tells which version a server has, "" when it simply has the only one.
func (s ServerState) describeCopy() string {
	has, newest := fmt.Sprint("version ", s.Holds), fmt.Sprint("version ", s.Newest)
	switch {
	case s.Spared():
		return "Never had it."
	case s.GoneAt != nil:
		return s.describeForgetting()
	case s.Status == GoneAway:
		return ""
	case s.Holds == 0 && s.Unsure:
		return "May have it: it never said so."
	case s.Holds == 0 && !s.Status.Settled():
		return "Does not have it yet."
	case s.Holds == 0 && s.Status != Delivered:
		return "Does not have it."
	case s.Holds >= s.Newest && s.Shows > 0 && s.Shows < s.Holds:
		return fmt.Sprintf("Was told up to version %d; %s is a quiet correction, of which nobody there is told.", s.Shows,
			has)
	case s.Holds >= s.Newest && (s.Newest > 1 || s.Status != Delivered):
		return "Has " + has + ", the newest."
	case s.Holds >= s.Newest:
		return ""
	case s.Status == Delivered:
		return "Has " + has + "; " + newest + " was not sent to it."
	case s.Status == Refused:
		return "Has " + has + " and refused " + newest + "."
	case s.Status == GivenUp:
		return "Has " + has + "; " + newest + " never arrived."
	}
	return "Has " + has + "; " + newest + " is on its way."
}

// describeForgetting tells what became of a copy that was taken back.
func (s ServerState) describeForgetting() string {
	has := "Still has it"
	if s.Holds == 0 {
		has = "May still have it"
	}
	switch s.Status {
	case Delivered:
		return "Took the request to forget it."
	case Refused:
		return has + ": it refused the request to forget it."
	case GivenUp:
		return has + ": the request to forget it never arrived."
	case GoneAway:
		return ""
	}
	return has + "; the request to forget it is on its way."
}

// describeServer tells how a server is that does not take deliveries, "" for one that does.
func (s ServerState) describeServer(when func(time.Time) string) string {
	switch {
	case s.UnavailableSince != nil && s.FailingSince != nil:
		return "Silent since " + when(*s.FailingSince) + "; given up " + when(*s.UnavailableSince) +
			", after seven days. When it speaks again it is told what it missed."
	case s.Status.Settled():
		return ""
	case s.Patient():
		return "It asks for patience."
	case s.Refusing():
		return s.refusalWords(when)
	case s.FailingSince == nil:
		return ""
	case s.Code > 0:
		return "In trouble since " + when(*s.FailingSince) + "."
	}
	return "Silent since " + when(*s.FailingSince) + "."
}

// refusalWords tells what a server answers that does not take what an author sends; and how the answer begins, for a
// delivery that was not tried itself.
func (s ServerState) refusalWords(when func(time.Time) string) string {
	words := fmt.Sprintf("Refusing since %s: it answers %d to what this author sends.", when(*s.RefusingSince),
		s.RefusalCode)
	if s.RefusalCode == 0 {
		words = "Refusing since " + when(*s.RefusingSince) +
			": there is no answer to what this author sends that can be understood."
	}
	if s.Attempts == 0 && s.RefusalAnswer != "" {
		words += " Its words: “" + s.RefusalAnswer + "”."
	}
	return words
}

// Summary says in one sentence how the network stands with a published or withdrawn article: "14 of 16 servers have it;
// 1 refused it; 1 is silent since Monday." It is "" when the article was sent to nobody.
func Summary(list []ServerState, when func(time.Time) string) string {
	t := Count(list)
	var plights []reason
	for _, s := range list {
		if s.counts() {
			plights = s.reason().among(plights, 1+s.Alike)
		}
	}
	var parts []string
	if lead := t.Describe(); lead != "" {
		parts = append(parts, lead)
	}
	for _, p := range plights {
		parts = append(parts, p.describe(when))
	}
	if t.Keep > 0 {
		parts = append(parts, (&reason{n: t.Keep, one: "still has a copy that was taken back before",
			several: "still have a copy that was taken back before"}).describe(when))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// Describe says how many servers have an article, or were asked to forget it: "14 of 16 servers have it". They are ""
// when it went to nobody.
func (t Tally) Describe() string {
	switch words := t.describeHolders(); {
	case t.Servers == 0:
		return ""
	case t.Newest < t.Have:
		return fmt.Sprintf("%s, %d of them the newest version", words, t.Newest)
	default:
		return words
	}
}

func (t Tally) describeHolders() string {
	has, have := "has it", "have it"
	if t.Gone {
		has, have = "took the request to forget it", "took the request to forget it"
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

// reason is what keeps some servers from having the newest of an article.
type reason struct {
	n            int
	one, several string
	since        *time.Time // the longest, of silent ones
}

func (s ServerState) reason() reason {
	refused := s.Status == Refused
	switch {
	case refused && s.GoneAt != nil:
		return reason{one: "refused, and still has it", several: "refused, and still have it"}
	case refused && s.Holds > 0:
		return reason{one: "refused the newest version", several: "refused the newest version"}
	case refused:
		return reason{one: "refused it", several: "refused it"}
	case s.Status == GivenUp && s.UnavailableSince != nil:
		return reason{one: "was given up after a week of silence", several: "were given up after a week of silence"}
	case s.Status == GivenUp:
		return reason{one: "was given up", several: "were given up"}
	case s.Status == GoneAway:
		return reason{one: "has closed", several: "have closed"}
	case !s.Status.Settled() && s.Patient():
		return reason{one: "asks for patience", several: "ask for patience"}
	case s.Refusing():
		return reason{one: "refuses at the moment", several: "refuse at the moment"}
	case s.Status == Retrying || s.Status == Waiting && s.FailingSince != nil:
		return reason{one: "is silent", several: "are silent", since: s.FailingSince}
	case s.Status == Waiting:
		return reason{one: "waits its turn", several: "wait their turn"}
	case s.Has() && s.Holds < s.Newest:
		return reason{one: "has an older version", several: "have an older version"}
	}
	return reason{}
}

// among counts the plight of n servers with those of the same kind.
func (p reason) among(list []reason, n int) []reason {
	if p.one == "" {
		return list
	}
	i := slices.IndexFunc(list, func(known reason) bool { return known.one == p.one })
	if i < 0 {
		i, list = len(list), append(list, p)
	}
	known := &list[i]
	known.n += n
	if p.since != nil && (known.since == nil || p.since.Before(*known.since)) {
		known.since = p.since
	}
	return list
}

func (p reason) describe(when func(time.Time) string) string {
	switch {
	case p.n == 1 && p.since != nil:
		return "1 " + p.one + " since " + when(*p.since)
	case p.n == 1:
		return "1 " + p.one
	case p.since != nil:
		return fmt.Sprintf("%d %s, the longest since %s", p.n, p.several, when(*p.since))
	}
	return fmt.Sprintf("%d %s", p.n, p.several)
}
