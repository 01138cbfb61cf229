package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// networkPage is how the blog stands with other servers.
type networkPage struct {
	frame
	Sentence, Hint string
	Peers          []peer
	Refusing       []peer
	Aside          []asideServer
	Articles       []row // the newest, with how far they have come
}

// peer is a server that was silent last time, asked for patience, or refuses what somebody sends.
type peer struct {
	Host, Software string
	Class, Status  string
	Words          string
}

func (d *Desk) network(v *visit) error {
	f, err := d.frame(v, "network", "Network")
	if err != nil {
		return err
	}
	p := networkPage{frame: f}
	if p.Sentence, p.Hint, err = d.health(v); err != nil {
		return err
	}
	silent, err := d.store.SilentPeers(v.ctx())
	if err != nil {
		return err
	}
	aside, err := d.store.AsideServers(v.ctx(), v.own())
	if err != nil {
		return err
	}
	for _, s := range aside {
		p.Aside = append(p.Aside, v.asideServer(s))
		silent = slices.DeleteFunc(silent, func(peer store.Peer) bool { return peer.Host == s.Host })
	}
	refusals, err := d.store.Refusals(v.ctx())
	if err != nil {
		return err
	}
	for _, r := range refusals {
		p.Refusing = append(p.Refusing, v.refusal(r))
	}
	for _, s := range silent {
		p.Peers = append(p.Peers, v.peer(s))
	}
	recent := store.Filter{Voice: v.own(), Statuses: []blog.Status{blog.Published, blog.Withdrawn}, Limit: 10}
	if p.Articles, err = d.rows(v, recent); err != nil {
		return err
	}
	if len(p.Peers)+len(p.Aside)+len(p.Refusing) == 0 && !slices.ContainsFunc(p.Articles, func(r row) bool { return r.Servers.Sent }) {
		p.Sentence = "Nothing had to be sent yet."
	}
	return d.pages.Render(v.w, http.StatusOK, "admin/network", p)
}

func (v *visit) peer(s store.Peer) peer {
	p := peer{Host: s.Host, Software: s.Software, Class: "again", Status: "tried again " + nextTry(s.FreeAt, v)}
	p.Words = "Silent once"
	switch {
	case s.Patient:
		p.Words = "Asks for patience"
	case s.Failures > 1:
		p.Words = "Silent " + text.Number(s.Failures) + " times in a row"
	}
	if s.FailingDays > 1 {
		p.Words += ", on " + text.Plural(s.FailingDays, "day", "days")
	}
	if s.LastSuccess != nil {
		p.Words += "; last answered " + moment(*s.LastSuccess, v.now, v.zone)
	} else {
		p.Words += "; it has never answered"
	}
	if s.Letters == 0 {
		p.Class, p.Status, p.Words = "wait", "nothing waits for it", p.Words+"."
		return p
	}
	p.Words += ". " + text.Plural(s.Letters, "letter waits", "letters wait") + " for it."
	return p
}

// refusal names who refuses what whom sends, with the server's own words.
func (v *visit) refusal(r store.Refusal) peer {
	p := peer{Host: r.Host, Class: "no", Status: "tried again any moment now", Words: "Refusing since " + v.since(r.Since) + ": it answers "}
	if r.NextAt != nil {
		p.Status = "tried again " + nextTry(*r.NextAt, v)
	}
	who := "this blog"
	if r.Voice != "" {
		who = "@" + r.Voice
	}
	p.Words += strings.TrimSpace(fmt.Sprintf("%d %s", r.Code, r.Answer)) + " to what " + who + " sends (" + r.Kind + "). " + text.Plural(r.Letters, "letter waits", "letters wait") + " for it."
	return p
}

// asideServer is a server that has been silent for a month, with the followers there.
type asideServer struct{ Host, Software, Words string }

func (v *visit) asideServer(s store.AsideServer) asideServer {
	words := "It has never answered."
	if since := s.SilentSince(); since != nil {
		words = "Silent since " + moment(*since, v.now, v.zone) + "."
	}
	return asideServer{s.Host, s.Software, words + " " + text.Plural(s.Followers, "follower is", "followers are") + " set aside."}
}

// decideAside brings the followers on a dead server back, or removes them.
func (d *Desk) decideAside(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	host, done := form.Get("host"), ""
	switch form.Get("answer") {
	case "back":
		done, err = "brought-back", d.store.TryAgain(v.ctx(), v.own(), host, v.now)
	case "remove":
		done, err = "removed-aside", d.store.RemoveAside(v.ctx(), v.own(), host)
	default:
		err = blog.Invalid{Field: "answer", Problem: "is neither of the two"}
	}
	if err != nil {
		return err
	}
	return v.see("/admin/network?done=" + done)
}
