package admin

import (
	"net/http"
	"slices"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// networkPage is how the blog stands with other servers.
type networkPage struct {
	frame
	Sentence, Hint string
	Peers          []peer
	Articles       []row // the newest, with how far they have come
}

// peer is a server that did not answer last time.
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
	for _, s := range silent {
		p.Peers = append(p.Peers, v.peer(s))
	}
	recent := store.Filter{Voice: v.own(), Statuses: []blog.Status{blog.Published, blog.Withdrawn}, Limit: 10}
	if p.Articles, err = d.rows(v, recent); err != nil {
		return err
	}
	if len(p.Peers) == 0 && !slices.ContainsFunc(p.Articles, func(r row) bool { return r.Letters.Total > 0 }) {
		p.Sentence = "Nothing had to be sent yet."
	}
	return d.pages.Render(v.w, http.StatusOK, "admin/network", p)
}

func (v *visit) peer(s store.Peer) peer {
	p := peer{Host: s.Host, Software: s.Software, Class: "again", Status: "tried again " + nextTry(s.FreeAt, v)}
	p.Words = "Silent once"
	if s.Failures > 1 {
		p.Words = "Silent " + figure(s.Failures) + " times in a row"
	}
	if s.FailingDays > 1 {
		p.Words += ", on " + many(s.FailingDays, "day", "days")
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
	p.Words += ". " + many(s.Letters, "letter waits", "letters wait") + " for it."
	return p
}
