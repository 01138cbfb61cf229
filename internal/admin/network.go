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

// networkPage shows which servers do not take deliveries.
type networkPage struct {
	frame
	Sentence, Hint string
	Peers          []peer
	Refusing       []peer
	Aside          []asideServer
	Articles       []row // of the newest, those that not every server has
}

// peer is a server that was silent last time, asks for patience, or refuses what a voice sends.
type peer struct {
	Host, Software string
	Class, Status  string
	Words          string
}

func (h *Handler) network(req *request) error {
	f, err := h.frame(req, "network", "Network")
	if err != nil {
		return err
	}
	p := networkPage{frame: f}
	if p.Sentence, p.Hint, err = h.health(req); err != nil {
		return err
	}
	silent, err := h.store.SilentPeers(req.ctx())
	if err != nil {
		return err
	}
	aside, err := h.store.AsideServers(req.ctx(), req.scope())
	if err != nil {
		return err
	}
	for _, s := range aside {
		p.Aside = append(p.Aside, req.asideServer(s))
		// A server that is set aside has its own section, and is not listed twice.
		silent = slices.DeleteFunc(silent, func(peer store.Peer) bool { return peer.Host == s.Host })
	}
	refusals, err := h.store.Refusals(req.ctx())
	if err != nil {
		return err
	}
	for _, r := range refusals {
		p.Refusing = append(p.Refusing, req.refusal(r))
	}
	for _, s := range silent {
		p.Peers = append(p.Peers, req.peer(s))
	}
	recent := store.ArticleFilter{Voice: req.scope(), Statuses: []blog.Status{blog.Published, blog.Withdrawn}, Limit: 10}
	if p.Articles, err = h.rows(req, recent); err != nil {
		return err
	}
	// "Everything is delivered" would sound odd on a blog that never sent anything.
	if len(p.Peers)+len(p.Aside)+len(p.Refusing) == 0 &&
		!slices.ContainsFunc(p.Articles, func(r row) bool { return r.Servers.Sent }) {
		p.Sentence = "Nothing was sent yet."
	}
	p.Articles = slices.DeleteFunc(p.Articles, func(r row) bool { return !r.Servers.Sent || r.Servers.Class == "done" })
	return h.pages.Render(req.w, http.StatusOK, "admin/network", p)
}

// peer describes a silent server.
func (req *request) peer(s store.Peer) peer {
	p := peer{Host: s.Host, Software: s.Software, Class: "again", Status: "tried again " + nextTry(s.FreeAt, req)}
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
		p.Words += "; last answered " + when(*s.LastSuccess, req.now, req.zone)
	} else {
		p.Words += "; it has never answered"
	}
	// A server for which nothing waits is not tried again, so there is no time to show.
	if s.Deliveries == 0 {
		p.Class, p.Status, p.Words = "wait", "no delivery waits", p.Words+"."
		return p
	}
	p.Words += ". " + text.Plural(s.Deliveries, "delivery waits", "deliveries wait") + " for it."
	return p
}

// refusal says which server refuses what, with the server's own answer.
func (req *request) refusal(r store.Refusal) peer {
	p := peer{Host: r.Host, Class: "no", Status: "tried again any moment now",
		Words: "Refusing since " + req.since(r.Since) + ": it answers "}
	if r.NextAt != nil {
		p.Status = "tried again " + nextTry(*r.NextAt, req)
	}
	who := "this blog"
	if r.Voice != "" {
		who = "@" + r.Voice
	}
	p.Words += strings.TrimSpace(fmt.Sprintf("%d %s", r.Code, r.Answer)) + " to what " + who + " sends (" + r.Kind +
		"). " + text.Plural(r.Deliveries, "delivery waits", "deliveries wait") + " for it."
	return p
}

// asideServer is a server that was silent for a month.
type asideServer struct{ Host, Software, Words string }

func (req *request) asideServer(s store.AsideServer) asideServer {
	words := "It has never answered."
	if since := s.SilentSince(); since != nil {
		words = "Silent since " + req.since(*since) + "."
	}
	return asideServer{s.Host, s.Software, words + " " + text.Plural(s.Followers, "follower is", "followers are") +
		" set aside."}
}

// decideAside counts the followers on a dead server again, or removes them.
func (h *Handler) decideAside(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	host, done := form.Get("host"), ""
	switch form.Get("answer") {
	case "back":
		done, err = "brought-back", h.store.RetryDead(req.ctx(), req.scope(), host, req.now)
	case "remove":
		done, err = "removed-aside", h.store.DropSuspended(req.ctx(), req.scope(), host)
	default:
		err = blog.Invalid{Field: "answer", Problem: "is neither back nor remove"}
	}
	if err != nil {
		return err
	}
	return req.redirect("/admin/network?done=" + done)
}
