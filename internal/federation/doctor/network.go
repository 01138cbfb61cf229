package doctor

import (
	"context"
	"fmt"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// What waits in the queues, and which servers do not answer or do not accept.

// backlog checks whether deliveries and arrivals are processed in time.
func (c *Doctor) backlog(ctx context.Context) {
	now := c.Now()
	b, err := c.Store.BacklogSince(ctx, now.Add(-workTime), now)
	if c.Broken("deliveries", err) {
		return
	}
	const do = "Check whether the server runs, and read its log"
	words := fmt.Sprintf("%s to %s should have been sent more than ten minutes ago",
		text.Plural(b.Deliveries, "delivery", "deliveries"), text.Plural(b.Servers, "server", "servers"))
	switch {
	// A busy server is behind after a popular article or a restart. That is no fault.
	case b.Deliveries > 0 && b.AtWork:
		c.Warn("deliveries", words+", and others are being sent at this moment",
			"Run it again later; the number should fall")
	case b.Deliveries > 0:
		c.Wrong("deliveries", words, do)
	default:
		c.OK("deliveries", "none waits longer than it should")
	}
	if b.Arrivals > 0 {
		words := text.Plural(b.Arrivals, "arrival", "arrivals") + " should have been processed more than ten minutes ago"
		c.Wrong("arrivals", words, do)
	}
	if b.Parked > 0 {
		c.Warn("arrivals", text.Plural(b.Parked, "arrival", "arrivals")+" failed again and again and were parked",
			"Read the log of the server; they are deleted after a month")
	}
	if b.Arrivals+b.Parked == 0 {
		c.OK("arrivals", "none waits longer than it should")
	}
}

// maxNamed limits how many servers one sentence names.
const maxNamed = 5

// servers lists the servers that do not answer, ask us to wait, are unavailable, refuse deliveries, or were set
// aside.
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
	var silent, waiting, unavailable []string
	for _, p := range peers {
		switch {
		case p.UnavailableSince != nil:
			unavailable = append(unavailable, p.Host)
		case p.Patient:
			waiting = append(waiting, p.Host)
		default:
			silent = append(silent, p.Host)
		}
	}
	if len(silent) > 0 {
		c.Warn("servers", "not answering at the moment: "+listHosts(silent), "Nothing: they are tried again automatically")
	}
	// Servers that refuse do answer, so they are not among the silent ones.
	c.refusals(refusals)
	if len(waiting) > 0 {
		c.Warn("servers", "asking us to wait: "+listHosts(waiting),
			"Nothing: they are tried again when that time is over")
	}
	if len(unavailable) > 0 {
		c.Warn("servers", "unavailable for a week or longer: "+listHosts(unavailable),
			"Nothing: they get what they missed once they answer or send something")
	}
	// Only some: after a long time offline there may be hundreds.
	for _, s := range aside[:min(maxNamed, len(aside))] {
		c.Warn("servers", fmt.Sprintf("set aside, since %s has not answered for more than a month: %s", s.Host,
			text.Plural(s.Followers, "follower", "followers")),
			"Nothing: they count again when it answers; the page “Network” of the admin tries it again or removes them")
	}
	if len(peers)+len(aside)+len(refusals) > 0 {
		return
	}
	reached, err := c.Store.ReachedPeer(ctx)
	if c.Broken("servers", err) {
		return
	}
	if !reached {
		c.OK("servers", "no server got a delivery yet")
		return
	}
	c.OK("servers", "all that got deliveries answer")
}

// refusals lists the servers that refuse the deliveries of an author, with their answers.
func (c *Doctor) refusals(list []store.Refusal) {
	for _, r := range list[:min(maxNamed, len(list))] {
		// A refused delivery without a voice is signed by the instance actor.
		who := "this blog"
		if r.Voice != "" {
			who = "@" + r.Voice
		}
		words := fmt.Sprintf("%s refuses what %s sends since %s: to %s %s it answered %s; waiting for it: %s",
			r.Host, who, r.Since.UTC().Format("2 January 2006 15:04"), indefiniteArticle(r.Kind), r.Kind,
			strings.TrimSpace(code(r.Code)+" "+r.Answer), text.Plural(r.Deliveries, "delivery", "deliveries"))
		c.Warn("servers", words, "They are tried again automatically; “causerie deliveries retry” tries those of an "+
			"article now. If it goes on, ask the admin of "+r.Host)
	}
	if more := len(list) - maxNamed; more > 0 {
		c.Warn("servers", fmt.Sprintf("%d more servers refuse what this blog sends", more),
			"“causerie deliveries --failed” lists them by article")
	}
}

// indefiniteArticle returns "a" or "an" for an activity type.
func indefiniteArticle(kind string) string {
	if strings.ContainsRune("AEIOU", rune(kind[0])) {
		return "an"
	}
	return "a"
}

func listHosts(hosts []string) string {
	if more := len(hosts) - maxNamed; more > 0 {
		return strings.Join(hosts[:maxNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(hosts, ", ")
}

// followers finds followers whose follow is still pending, here or at their own server. With fix it sends the Accept
// again where that may help.
func (c *Doctor) followers(ctx context.Context, fix bool) {
	list, err := c.Store.UnconfirmedFollowers(ctx, c.Now().Add(-workTime))
	if c.Broken("followers", err) {
		return
	}
	for _, f := range list {
		words, do := whyPending(f)
		switch {
		// Sending it again would not help, or it is queued already.
		case do != "":
			c.Warn("followers", words, do)
		case !fix:
			c.Wrong("followers", words, "“causerie doctor --fix” sends the Accept again")
		default:
			c.acceptAgain(ctx, f, words)
		}
	}
	if len(list) == 0 {
		c.OK("followers", "no follower waits for a lost Accept")
	}
}

// acceptAgain sends the Accept of a follow again. The finding is a warning, since the answer is not known yet.
func (c *Doctor) acceptAgain(ctx context.Context, f store.UnconfirmedFollower, words string) {
	if err := c.Outbox.AcceptAgain(ctx, f.VoiceID, f.ActorID); err != nil {
		c.Wrong("followers", words+"; the Accept could not be sent again: "+err.Error(),
			"Check whether they still follow, and run it again")
		return
	}
	c.Warn("followers", words+"; the Accept was sent again just now",
		"Run “causerie doctor” again in a minute; if it is refused again, the fault is at their server")
}

// whyPending says why the follow of a follower is pending. do is what to do, or "" when sending the Accept again may
// help.
func whyPending(f store.UnconfirmedFollower) (words, do string) {
	who := "@" + f.Handle + " asked on " + f.Since.UTC().Format("2 January 2006") + " to follow @" + f.Voice + " and "
	answer := strings.TrimSpace(fmt.Sprintf("%s %s", code(f.Code), f.Answer))
	switch {
	// The author approved followers by hand, or the server was limited, when the request came. That is over.
	case f.State == blog.Pending:
		return who + "waits, though @" + f.Voice + " accepts everybody", ""
	case f.Unavailable != nil:
		return who + "did not get the Accept, since " + f.Host + " is unavailable",
			"Nothing: it is sent once the server answers or sends something"
	case f.Status == blog.Waiting:
		return who + "did not get the Accept, which waits behind other deliveries to " + f.Host,
			"Check whether the server runs, and see the lines “deliveries” and “servers” here"
	case f.Status == blog.Retrying:
		return who + "did not get the Accept, since " + f.Host + " does not accept it at the moment" + inBrackets(answer),
			"Nothing: it is tried again automatically"
	case f.Status == blog.GivenUp:
		return who + "did not get the Accept, which " + f.Host + " did not accept within a week" + inBrackets(answer), ""
	}
	return who + "sees that as pending, since " + f.Host + " refused the Accept" + inBrackets(answer), ""
}

func code(status int) string {
	if status == 0 {
		return ""
	}
	return fmt.Sprint(status)
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
