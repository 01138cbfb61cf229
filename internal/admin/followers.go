package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"

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
	More    bool // the search finds more than it lists
	Pager   pager
	Handle  string
	Aside   string // how many are set aside; "" for none
}

// follower is one row of the list.
type follower struct {
	ActorID      string
	Person       person
	Since        string
	Class        string // the CSS class of LastDelivery
	LastDelivery string // what became of it; "" if it arrived, or if there was none lately
	Block        string // the form to block them, for moderators
}

func (req *request) follower(f blog.Follower) follower {
	row := follower{ActorID: f.ActorID, Person: personOf(f.Actor), Since: when(f.Since, req.now, req.zone)}
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
	p := followersPage{frame: f, Search: text.WrittenLine(req.r.URL.Query().Get("q")),
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
	asking, err := h.store.FollowersOf(req.ctx(),
		store.FollowerFilter{Voice: req.author.ID, State: blog.Pending, Limit: followersPerPage})
	if err != nil {
		return err
	}
	if p.Asking, err = h.followerRows(req, asking); err != nil {
		return err
	}
	if err := h.acceptedFollowers(req, &p); err != nil {
		return err
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/followers", p)
}

// acceptedFollowers reads one page of the followers, or those that the author searches for.
func (h *Handler) acceptedFollowers(req *request, p *followersPage) error {
	filter := store.FollowerFilter{Voice: req.author.ID, State: blog.Accepted, After: followerMark(req.r),
		Limit: followersPerPage + 1}
	read := h.store.FollowersOf
	if p.Search != "" {
		read = func(ctx context.Context, l store.FollowerFilter) ([]blog.Follower, error) {
			return h.store.FindFollowers(ctx, l, p.Search)
		}
	}
	list, err := read(req.ctx(), filter)
	if err != nil {
		return err
	}
	if len(list) > followersPerPage {
		list = list[:followersPerPage]
		if p.More = p.Search != ""; !p.More {
			p.Pager.Older = followersBehind(list[len(list)-1])
		}
	}
	if filter.After != nil && p.Search == "" {
		p.Pager.Newest = "/admin/followers"
	}
	p.Rows, err = h.followerRows(req, list)
	return err
}

// followersBehind is the address of the page that begins behind a follower. An offset would make the database read all
// rows before it.
func followersBehind(f blog.Follower) string {
	mark := url.Values{"since": {f.Since.UTC().Format(time.RFC3339Nano)}, "actor": {f.ActorID}}
	return "/admin/followers?" + mark.Encode()
}

// followerMark is the follower behind which the page begins; nil for the first page.
func followerMark(r *http.Request) *store.FollowerMark {
	since, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since"))
	if err != nil {
		return nil
	}
	return &store.FollowerMark{Since: since, ActorID: r.URL.Query().Get("actor")}
}

// followerRows reads the last delivery to each of some followers.
func (h *Handler) followerRows(req *request, list []blog.Follower) ([]follower, error) {
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
	// That a delivery arrived is what everybody expects.
	if f.ActivityID == "" || f.Status == blog.Delivered {
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
	if line.Answer != "" {
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
