package doctor

import (
	"context"
	"fmt"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// What became of what is to go out and of what came.

// backlog looks for what should have been brought or worked through by now.
func (c *Doctor) backlog(ctx context.Context) {
	now := c.Now()
	b, err := c.Store.BacklogSince(ctx, now.Add(-workTime), now)
	if c.Broken("letters", err) {
		return
	}
	const do = "See whether the server runs, and what its log says"
	words := fmt.Sprintf("%s to %s should have left more than ten minutes ago", text.Plural(b.Letters, "letter", "letters"), text.Plural(b.Servers, "server", "servers"))
	switch {
	case b.Letters > 0 && b.AtWork:
		c.Warn("letters", words+", and others are being brought at this moment", "Look again in a while; the number should fall")
	case b.Letters > 0:
		c.Wrong("letters", words, do)
	default:
		c.OK("letters", "none waits longer than it should")
	}
	if b.Arrivals > 0 {
		c.Wrong("arrivals", text.Plural(b.Arrivals, "arrival", "arrivals")+" should have been worked through more than ten minutes ago", do)
	}
	if b.Parked > 0 {
		c.Warn("arrivals", text.Plural(b.Parked, "arrival", "arrivals")+" failed again and again and were set aside", "The log of the server tells why; they are forgotten after a month")
	}
	if b.Arrivals+b.Parked == 0 {
		c.OK("arrivals", "none waits longer than it should")
	}
}

// mostNamed bounds how many servers are named in one sentence.
const mostNamed = 5

// servers tells which servers are silent, refuse what somebody sends, or ask for patience.
func (c *Doctor) servers(ctx context.Context) {
	peers, err := c.Store.SilentPeers(ctx)
	if c.Broken("servers", err) {
		return
	}
	aside, err := c.Store.AsideServers(ctx, "")
	if c.Broken("servers", err) {
		return
	}
	refusals, err := c.Store.Refusals(ctx)
	if c.Broken("servers", err) {
		return
	}
	var silent, patient, unavailable []string
	for _, p := range peers {
		switch {
		case p.UnavailableSince != nil:
			unavailable = append(unavailable, p.Host)
		case p.Patient:
			patient = append(patient, p.Host)
		default:
			silent = append(silent, p.Host)
		}
	}
	if len(silent) > 0 {
		c.Warn("servers", "silent at the moment: "+listHosts(silent), "Nothing: they are tried again by themselves")
	}
	c.refusals(refusals)
	if len(patient) > 0 {
		c.Warn("servers", "asking for patience: "+listHosts(patient), "Nothing: they are tried again when they wish")
	}
	if len(unavailable) > 0 {
		c.Warn("servers", "unavailable for a week or longer: "+listHosts(unavailable), "Nothing: they hear what they missed when they answer or speak again")
	}
	for _, s := range aside[:min(mostNamed, len(aside))] {
		c.Warn("servers", fmt.Sprintf("%s at %s were set aside, since it has been silent for more than a month", text.Plural(s.Followers, "follower", "followers"), s.Host),
			"Nothing: they come back with it; under “Network” at the desk it can be tried again, or they removed")
	}
	if len(peers)+len(aside)+len(refusals) == 0 {
		c.OK("servers", "all answer that were written to")
	}
}

// refusals names the servers that hold letters up by refusing them, with their own words.
func (c *Doctor) refusals(list []store.Refusal) {
	for _, r := range list[:min(mostNamed, len(list))] {
		who := "this blog"
		if r.Voice != "" {
			who = "@" + r.Voice
		}
		words := fmt.Sprintf("%s refuses what %s sends since %s: to %s %s it answered %s; waiting for it: %s", r.Host, who, r.Since.UTC().Format("2 January 2006 15:04"),
			article(r.Kind), r.Kind, strings.TrimSpace(code(r.Code)+" "+r.Answer), text.Plural(r.Letters, "letter", "letters"))
		c.Warn("servers", words, "They are tried again by themselves; “causerie deliveries retry” tries those of an article now. If it goes on, ask who looks after "+r.Host)
	}
	if more := len(list) - mostNamed; more > 0 {
		c.Warn("servers", fmt.Sprintf("%d more refuse what somebody here sends", more), "“causerie deliveries --failed” lists them by article")
	}
}

// article is the one before the name of an activity.
func article(kind string) string {
	if strings.ContainsRune("AEIOU", rune(kind[0])) {
		return "an"
	}
	return "a"
}

func listHosts(hosts []string) string {
	if more := len(hosts) - mostNamed; more > 0 {
		return strings.Join(hosts[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(hosts, ", ")
}

// followers finds those who see the follow as pending, here or at home, and says yes again where that is wanted and may
// help.
func (c *Doctor) followers(ctx context.Context, fix bool) {
	list, err := c.Store.UnconfirmedFollowers(ctx, c.Now().Add(-workTime))
	if c.Broken("followers", err) {
		return
	}
	for _, f := range list {
		words, do := whyPending(f)
		switch {
		case do != "":
			c.Warn("followers", words, do)
		case !fix:
			c.Wrong("followers", words, "“causerie doctor --fix” says yes again")
		default:
			c.sayAgain(ctx, f, words)
		}
	}
	if len(list) == 0 {
		c.OK("followers", "nobody waits for a yes that was lost")
	}
}

func (c *Doctor) sayAgain(ctx context.Context, f store.UnconfirmedFollower, words string) {
	if err := c.Outbox.AcceptAgain(ctx, f.VoiceID, f.ActorID); err != nil {
		c.Wrong("followers", words+"; to say it again failed: "+err.Error(), "Look whether they still follow, and run it again")
		return
	}
	c.Warn("followers", words+"; it was said again just now", "Run “causerie doctor” again in a minute; if it is refused again, their server does not want it")
}

// whyPending says why a follower is stuck; and, where saying yes again would not help, what else to do.
func whyPending(f store.UnconfirmedFollower) (words, do string) {
	who := "@" + f.Handle + " asked on " + f.Since.UTC().Format("2 January 2006") + " to follow @" + f.Voice + " and "
	said := strings.TrimSpace(fmt.Sprintf("%s %s", code(f.Code), f.Answer))
	switch {
	case f.State == blog.Pending:
		return who + "waits, though @" + f.Voice + " lets everybody in", ""
	case f.Unavailable != nil:
		return who + "has not heard the yes, since " + f.Host + " is unavailable", "Nothing: it is brought there once the server answers or speaks"
	case f.Status == blog.Waiting:
		return who + "has not heard the yes, which waits behind other letters to " + f.Host, "See whether the server runs, and what is said here of letters and servers"
	case f.Status == blog.Retrying:
		return who + "has not heard the yes, since " + f.Host + " does not take it at the moment" + inBrackets(said), "Nothing: it is tried again by itself"
	case f.Status == blog.GivenUp:
		return who + "has not heard the yes, which " + f.Host + " did not take within a week" + inBrackets(said), ""
	}
	return who + "sees that as pending, since " + f.Host + " refused the yes" + inBrackets(said), ""
}

func code(status int) string {
	if status == 0 {
		return ""
	}
	return fmt.Sprint(status)
}

func inBrackets(said string) string {
	if said == "" {
		return ""
	}
	return " (" + said + ")"
}
