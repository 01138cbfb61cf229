package admin

import (
	"net/http"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// followersPage lists who hears what the author says.
type followersPage struct {
	frame
	Heading string
	Counts  store.FollowerCounts
	Search  string
	Asking  []follower
	Rows    []follower
	Pager   pager
	Handle  string
	Aside   string // how many are set aside, in words
}

// follower is one of them.
type follower struct {
	ActorID string
	Who     person
	Since   string
	Server  string // where their letters go
	Class   string // the shape and the words of what became of the last letter to them; "" when there was none lately
	Fate    string
	Block   string // the way to a block, for those who may
}

func (v *visit) follower(f blog.Follower) follower {
	row := follower{ActorID: f.ActorID, Who: someone(f.Actor), Server: f.Actor.MailHost(), Since: moment(f.Since, v.now, v.zone)}
	if (frame{Author: v.author}).IsModerator() {
		row.Block = blockPath(f.ActorID)
	}
	return row
}

const followersPerPage = 100

func (d *Desk) followers(v *visit) error {
	f, err := d.frame(v, "followers", "Followers")
	if err != nil {
		return err
	}
	p := followersPage{frame: f, Search: strings.TrimSpace(v.r.URL.Query().Get("q")), Handle: v.site.Handle(v.author.Handle)}
	if p.Counts, err = d.store.CountFollowers(v.ctx(), v.author.ID); err != nil {
		return err
	}
	p.Heading = "Nobody follows you yet."
	if n := p.Counts; n.Accepted > 0 {
		p.Heading = text.Plural(n.Accepted, "follower", "followers") + " on " + text.Plural(n.Servers, "server", "servers")
	}
	if n := p.Counts.Aside; n > 0 {
		p.Aside = text.Plural(n, "follower is", "followers are") + " set aside, since their servers have been silent for a month."
	}
	if p.Asking, err = d.listFollowers(v, store.FollowerList{State: blog.Pending, Limit: followersPerPage}); err != nil {
		return err
	}
	list := store.FollowerList{State: blog.Accepted, Search: p.Search, Limit: followersPerPage + 1, Offset: offset(v.r)}
	if p.Rows, err = d.listFollowers(v, list); err != nil {
		return err
	}
	p.Pager, p.Rows = turn(v.r, p.Rows, followersPerPage)
	return d.pages.Render(v.w, http.StatusOK, "admin/followers", p)
}

func (d *Desk) listFollowers(v *visit, l store.FollowerList) ([]follower, error) {
	l.Voice = v.author.ID
	list, err := d.store.FollowersOf(v.ctx(), l)
	if err != nil {
		return nil, err
	}
	var inboxes []string
	for _, f := range list {
		inboxes = append(inboxes, f.Actor.Inbox, f.Actor.Mailbox())
	}
	fates, err := d.store.Fates(v.ctx(), v.author.ID, inboxes)
	rows := make([]follower, len(list))
	for i, f := range list {
		rows[i] = v.follower(f)
		last, own := fates[f.Actor.Mailbox()], fates[f.Actor.Inbox]
		if own.ActivityID > last.ActivityID {
			last = own
		}
		rows[i].Class, rows[i].Fate = v.fate(last)
	}
	return rows, err
}

// fate is what became of the last letter to a follower's mailbox.
func (v *visit) fate(f store.Fate) (class, words string) {
	if f.ActivityID == "" {
		return "", ""
	}
	line := v.server(blog.Standing{Report: blog.Report{Delivery: f.Delivery, Kind: f.Kind, SaidAt: f.At}})
	if f.Status == blog.Retrying {
		line.Status = "tried " + text.Plural(f.Attempts, "time", "times")
	}
	what := "last letter"
	if f.Kind == "Accept" {
		what = "your yes"
	}
	words = what + ", " + moment(f.At, v.now, v.zone) + ": " + line.Status
	if f.Status != blog.Delivered && line.Answer != "" {
		words += " (" + text.Excerpt(line.Answer, 90) + ")"
	}
	return line.Class, words
}

// answerFollower says yes or no to somebody who asks, or sends a follower away.
func (d *Desk) answerFollower(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	actor, done := form.Get("actor"), ""
	switch form.Get("answer") {
	case "accept":
		done, err = "accepted", d.outbox.AcceptFollower(v.ctx(), v.author.ID, actor)
	case "reject":
		done, err = "rejected", d.outbox.RejectFollower(v.ctx(), v.author.ID, actor)
	case "remove":
		done, err = "sent-away", d.outbox.RejectFollower(v.ctx(), v.author.ID, actor)
	default:
		err = blog.Invalid{Field: "answer", Problem: "is neither yes nor no"}
	}
	if err != nil {
		return err
	}
	return v.see("/admin/followers?done=" + done)
}
