package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// complaintsPage lists what was reported to the moderators, and what they reported to others.
type complaintsPage struct {
	frame
	Heading string
	Tabs    []tab
	Tab     string
	Rows    []complaint
	Pager   pager
}

// complaint is one of them.
type complaint struct {
	ID     blog.ID
	Who    person // who reports, or is reported
	Host   string // stands for who reports where that is a server itself
	When   string
	Words  string
	About  []concern
	By     string // who of ours sent it, or put it away
	Class  string // of the shape before Status
	Status string // of ours
}

// concern is something that a complaint is about.
type concern struct {
	Words, URL string
	Ours       bool // the address lies here
	Begins     string
	Block      string // the way to a block of its writer
}

// trays are the tabs of the page.
var trays = []struct {
	name, word, heading string
	list                store.ComplaintList
}{
	{"open", "Open", "", store.ComplaintList{State: blog.ComplaintOpen}},
	{"resolved", "Resolved", "Resolved reports", store.ComplaintList{State: blog.ComplaintResolved}},
	{"sent", "Sent", "Reports to other servers", store.ComplaintList{Ours: true}},
}

const complaintsPerPage = 30

func (d *Desk) complaints(v *visit) error {
	f, err := d.frame(v, "reports", "Reports")
	if err != nil {
		return err
	}
	p := complaintsPage{frame: f, Tab: cmp.Or(v.r.URL.Query().Get("tab"), "open")}
	for _, tray := range trays {
		n, err := d.store.CountComplaints(v.ctx(), tray.list)
		if err != nil {
			return err
		}
		p.Tabs = append(p.Tabs, tab{Word: tray.word, URL: "/admin/reports?tab=" + tray.name, Count: n, Here: tray.name == p.Tab})
		if tray.name != p.Tab {
			continue
		}
		if p.Heading = tray.heading; p.Heading == "" {
			p.Heading = upper(text.PluralInWords(n, "report waits", "reports wait"))
		}
		list := tray.list
		list.Limit, list.Offset = complaintsPerPage+1, offset(v.r)
		if p.Rows, err = d.listComplaints(v, list); err != nil {
			return err
		}
	}
	if p.Heading == "" {
		return blog.ErrNotFound
	}
	p.Title = p.Heading
	p.Pager, p.Rows = turn(v.r, p.Rows, complaintsPerPage)
	return d.pages.Render(v.w, http.StatusOK, "admin/complaints", p)
}

func (d *Desk) listComplaints(v *visit, l store.ComplaintList) ([]complaint, error) {
	found, err := d.store.Complaints(v.ctx(), l)
	if err != nil {
		return nil, err
	}
	rows := make([]complaint, len(found))
	for i, c := range found {
		if rows[i], err = d.complaint(v, c); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (d *Desk) complaint(v *visit, c blog.Complaint) (complaint, error) {
	row := complaint{ID: c.ID, Host: c.Host, When: moment(c.At, v.now, v.zone), Words: c.Words}
	actor, err := d.store.Actor(v.ctx(), c.ActorID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return row, err
	}
	// Servers report by an actor of their own, so that nobody learns who complained; its name says nothing.
	if err == nil && actor.Type != "Application" && actor.Type != "Service" {
		row.Who = someone(actor)
	}
	for _, address := range c.About {
		about, err := d.concern(v, address)
		if err != nil {
			return row, err
		}
		row.About = append(row.About, about)
	}
	return row, d.fate(v.ctx(), c, &row)
}

// fate says who of ours did something about a complaint, and what became of one that we sent.
func (d *Desk) fate(ctx context.Context, c blog.Complaint, row *complaint) error {
	if by := cmp.Or(c.VoiceID, c.ResolvedBy); by != "" {
		voice, err := d.store.Voice(ctx, by)
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
		row.By = voice.Name
	}
	if !c.Ours {
		return nil
	}
	letter, err := d.store.LetterOf(ctx, c.ActivityID)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		row.Class, row.Status = "done", "sent"
		return nil
	case letter.Status == blog.Delivered:
		row.Class, row.Status = "done", "delivered"
	case letter.Status == blog.Waiting:
		row.Class, row.Status = "wait", "on its way"
	case letter.Status == blog.Retrying:
		row.Class, row.Status = "again", "tried again later"
	default:
		row.Class, row.Status = "no", string(letter.Status)
	}
	return err
}

// concern says what an address of a complaint is. Of words that were written to an author alone nothing is shown.
func (d *Desk) concern(v *visit, address string) (concern, error) {
	if kind, id, rest, ok := d.address.Local(address); ok && rest == "" {
		switch kind {
		case "actors":
			voice, err := d.store.Voice(v.ctx(), id)
			return concern{Words: "The author " + voice.Name, URL: "/@" + voice.Handle, Ours: true}, known(err)
		case "articles":
			a, err := d.store.ArticleByObject(v.ctx(), id)
			return v.aboutArticle(a), known(err)
		case "notes":
			c, err := d.store.Comment(v.ctx(), id)
			return v.aboutComment(c), known(err)
		}
	}
	if d.address.Owns(address) {
		a, err := d.store.ArticleBySlug(v.ctx(), address[strings.LastIndexByte(address, '/')+1:])
		return v.aboutArticle(a), known(err)
	}
	c, err := d.store.CommentByAddress(v.ctx(), address)
	if !errors.Is(err, blog.ErrNotFound) {
		return v.aboutComment(c), err
	}
	actor, err := d.store.Actor(v.ctx(), address)
	return concern{Words: cmp.Or(actor.DisplayName(), address), URL: actor.URL, Block: blockPath(actor.ID)}, known(err)
}

// known lets what is gone in the meantime be shown as such.
func known(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	return err
}

func (v *visit) aboutArticle(a blog.Article) concern {
	if a.ID == "" {
		return concern{Words: "An article that is gone"}
	}
	return concern{Words: "The article “" + titled(a) + "”", URL: "/admin/articles/" + string(a.ID) + "/report", Ours: true}
}

func (v *visit) aboutComment(c blog.Comment) concern {
	switch {
	case c.ID == "" || c.State == blog.CommentRemoved:
		return concern{Words: "A comment that is gone"}
	case c.Visibility == blog.RestrictedComment:
		return concern{Words: "Words that were written to an author alone", Block: blockPath(c.ActorID)}
	}
	return concern{Words: "A comment", URL: "/admin/comments/" + string(c.ID), Ours: true, Begins: text.Excerpt(c.Plain, 160), Block: blockPath(c.ActorID)}
}

// blockPath is the way to a block of somebody; "" for nobody.
func blockPath(actor string) string {
	if actor == "" {
		return ""
	}
	return "/admin/blocks/new?" + url.Values{"person": {actor}}.Encode()
}

func (d *Desk) resolve(v *visit) error {
	id, err := v.id("report")
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	by, done, tab := v.author.ID, "resolved", "open"
	if form.Get("answer") == "reopen" {
		by, done, tab = "", "reopened", "resolved"
	}
	err = d.store.ResolveComplaint(v.ctx(), id, by, v.now)
	if errors.Is(err, blog.ErrNotFound) {
		err = blog.ErrConflict
	}
	if err != nil {
		return err
	}
	return v.see("/admin/reports?" + url.Values{"tab": {tab}, "done": {done}}.Encode())
}

// complain reports a comment to the moderators of its server.
func (d *Desk) complain(v *visit) error {
	c, a, err := d.moderated(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := commentPage{Report: strings.TrimSpace(form.Get("report")), Troubles: troubles{}}
	if err := p.Troubles.note(d.outbox.Report(v.ctx(), v.author.ID, c.ID, p.Report)); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return d.comment(v, http.StatusUnprocessableEntity, c, a, p)
	}
	return v.see("/admin/comments/" + string(c.ID) + "?done=reported")
}
