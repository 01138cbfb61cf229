package admin

import (
	"net/http"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// followersPage lists the followers of the author, and the requests to follow.
type followersPage struct {
	frame
	Heading string
	Counts  store.FollowerCounts
	Search  string
	Asking  []follower
	Rows    []follower
	Pager   pager
	Handle  string
	Aside   string // how many are set aside; "" for none
}

// follower is one row of the list.
type follower struct {
	ActorID      string
	Person       person
	Since        string
	Server       string // to which deliveries for them go
	Class        string // the CSS class of LastDelivery
	LastDelivery string // what became of it; "" if there was none lately
	Block        string // the form to block them, for moderators
}

func (req *request) follower(f blog.Follower) follower {
	row := follower{ActorID: f.ActorID, Person: personOf(f.Actor), Server: f.Actor.MailHost(),
		Since: when(f.Since, req.now, req.zone)}
	if (frame{Author: req.author}).IsModerator() {
		row.Block = blockPath(f.ActorID)
	}
	return row
}

const followersPerPage = 100

func (h *Handler) followers(req *request) error {
	f, err := h.frame(req, "followers", "Followers")
	if err != nil {
		return err
	}
	p := followersPage{frame: f, Search: strings.TrimSpace(req.r.URL.Query().Get("q")),
		Handle: req.site.Handle(req.author.Handle)}
	if p.Counts, err = h.store.CountFollowers(req.ctx(), req.author.ID); err != nil {
		return err
	}
	p.Heading = "Nobody follows you yet."
	if n := p.Counts; n.Accepted > 0 {
		p.Heading = text.Plural(n.Accepted, "follower", "followers") + " on " + text.Plural(n.Servers, "server", "servers")
	}
	if n := p.Counts.Aside; n > 0 {
		p.Aside = text.Plural(n, "follower is", "followers are") +
			" set aside: their servers have been silent for a month."
	}
	// Requests have no pages: an author who answers the first hundred sees the next.
	p.Asking, err = h.listFollowers(req, store.FollowerFilter{State: blog.Pending, Limit: followersPerPage})
	if err != nil {
		return err
	}
	list := store.FollowerFilter{State: blog.Accepted, Search: p.Search, Limit: followersPerPage + 1,
		Offset: offset(req.r)}
	if p.Rows, err = h.listFollowers(req, list); err != nil {
		return err
	}
	p.Pager, p.Rows = paginate(req.r, p.Rows, followersPerPage)
	return h.pages.Render(req.w, http.StatusOK, "admin/followers", p)
}

// listFollowers reads followers and the last delivery to each.
func (h *Handler) listFollowers(req *request, l store.FollowerFilter) ([]follower, error) {
	l.Voice = req.author.ID
	list, err := h.store.FollowersOf(req.ctx(), l)
	if err != nil {
		return nil, err
	}
	var inboxes []string
	for _, f := range list {
		// A delivery goes to the shared inbox of a server, or to the follower's own. The newer of the two counts.
		inboxes = append(inboxes, f.Actor.Inbox, f.Actor.Mailbox())
	}
	fates, err := h.store.LastDeliveries(req.ctx(), req.author.ID, inboxes)
	rows := make([]follower, len(list))
	for i, f := range list {
		rows[i] = req.follower(f)
		last, own := fates[f.Actor.Mailbox()], fates[f.Actor.Inbox]
		if own.ActivityID > last.ActivityID {
			last = own
		}
		rows[i].Class, rows[i].LastDelivery = req.lastDelivery(last)
	}
	return rows, err
}

// lastDelivery says what became of a delivery, with the CSS class of its mark.
func (req *request) lastDelivery(f store.LastDelivery) (class, words string) {
	if f.ActivityID == "" {
		return "", ""
	}
	delivery := blog.DeliveryRow{Delivery: f.Delivery, Kind: f.Kind, SaidAt: f.At}
	line := req.serverRowOf(blog.ServerState{DeliveryRow: delivery})
	// The row shows no time of the next try: that belongs to the server, not to this follower.
	if f.Status == blog.Retrying {
		line.StatusText = "tried " + text.Plural(f.Attempts, "time", "times")
	}
	what := "last delivery"
	if f.Kind == "Accept" {
		what = "your approval"
	}
	words = what + ", " + when(f.At, req.now, req.zone) + ": " + line.StatusText
	if f.Status != blog.Delivered && line.Answer != "" {
		words += " (" + text.Excerpt(line.Answer, 90) + ")"
	}
	return line.Class, words
}

// answerFollower accepts or rejects a follow request, or removes a follower.
func (h *Handler) answerFollower(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	actor, done := form.Get("actor"), ""
	switch form.Get("answer") {
	case "accept":
		done, err = "accepted", h.outbox.AcceptFollower(req.ctx(), req.author.ID, actor)
	case "reject":
		done, err = "rejected", h.outbox.RejectFollower(req.ctx(), req.author.ID, actor)
	// The same Reject as for a request: servers take it for both.
	case "remove":
		done, err = "sent-away", h.outbox.RejectFollower(req.ctx(), req.author.ID, actor)
	default:
		err = blog.Invalid{Field: "answer", Problem: "is neither accept nor reject"}
	}
	if err != nil {
		return err
	}
	return req.redirect("/admin/followers?done=" + done)
}
