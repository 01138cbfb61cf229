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

// reportsPage lists what was reported to the moderators, and what they reported to others.
type reportsPage struct {
	frame
	Heading string
	Tabs    []tab
	Tab     string
	Rows    []reportRow
	Pager   pager
}

// reportRow is one of them.
type reportRow struct {
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

// reportTabs are the tabs of the page.
var reportTabs = []struct {
	name, word, heading string
	list                store.ComplaintList
}{
	{"open", "Open", "", store.ComplaintList{State: blog.ComplaintOpen}},
	{"resolved", "Resolved", "Resolved reports", store.ComplaintList{State: blog.ComplaintResolved}},
	{"sent", "Sent", "Reports to other servers", store.ComplaintList{Ours: true}},
}

const reportsPerPage = 30

func (h *Handler) reports(req *request) error {
	f, err := h.frame(req, "reports", "Reports")
	if err != nil {
		return err
	}
	p := reportsPage{frame: f, Tab: cmp.Or(req.r.URL.Query().Get("tab"), "open")}
	for _, tray := range reportTabs {
		n, err := h.store.CountComplaints(req.ctx(), tray.list)
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
		list.Limit, list.Offset = reportsPerPage+1, offset(req.r)
		if p.Rows, err = h.listReports(req, list); err != nil {
			return err
		}
	}
	if p.Heading == "" {
		return blog.ErrNotFound
	}
	p.Title = p.Heading
	p.Pager, p.Rows = turn(req.r, p.Rows, reportsPerPage)
	return h.pages.Render(req.w, http.StatusOK, "admin/complaints", p)
}

func (h *Handler) listReports(req *request, l store.ComplaintList) ([]reportRow, error) {
	found, err := h.store.Complaints(req.ctx(), l)
	if err != nil {
		return nil, err
	}
	rows := make([]reportRow, len(found))
	for i, c := range found {
		if rows[i], err = h.reportRow(req, c); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (h *Handler) reportRow(req *request, c blog.Report) (reportRow, error) {
	row := reportRow{ID: c.ID, Host: c.Host, When: when(c.At, req.now, req.zone), Words: c.Words}
	actor, err := h.store.Actor(req.ctx(), c.ActorID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return row, err
	}
	// Servers report by an actor of their own, so that nobody learns who complained; its name says nothing.
	if err == nil && actor.Type != "Application" && actor.Type != "Service" {
		row.Who = someone(actor)
	}
	for _, address := range c.About {
		about, err := h.concern(req, address)
		if err != nil {
			return row, err
		}
		row.About = append(row.About, about)
	}
	return row, h.fate(req.ctx(), c, &row)
}

// fate says who of ours did something about a complaint, and what became of one that we sent.
func (h *Handler) fate(ctx context.Context, c blog.Report, row *reportRow) error {
	if by := cmp.Or(c.VoiceID, c.ResolvedBy); by != "" {
		voice, err := h.store.Voice(ctx, by)
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
		row.By = voice.Name
	}
	if !c.Ours {
		return nil
	}
	letter, err := h.store.DeliveryOf(ctx, c.ActivityID)
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
func (h *Handler) concern(req *request, address string) (concern, error) {
	if kind, id, rest, ok := h.address.Local(address); ok && rest == "" {
		switch kind {
		case "actors":
			voice, err := h.store.Voice(req.ctx(), id)
			return concern{Words: "The author " + voice.Name, URL: "/@" + voice.Handle, Ours: true}, known(err)
		case "articles":
			a, err := h.store.ArticleByObject(req.ctx(), id)
			return req.aboutArticle(a), known(err)
		case "notes":
			c, err := h.store.Comment(req.ctx(), id)
			return req.aboutComment(c), known(err)
		}
	}
	if h.address.Owns(address) {
		a, err := h.store.ArticleBySlug(req.ctx(), address[strings.LastIndexByte(address, '/')+1:])
		return req.aboutArticle(a), known(err)
	}
	c, err := h.store.CommentByAddress(req.ctx(), address)
	if !errors.Is(err, blog.ErrNotFound) {
		return req.aboutComment(c), err
	}
	actor, err := h.store.Actor(req.ctx(), address)
	return concern{Words: cmp.Or(actor.DisplayName(), address), URL: actor.URL, Block: blockPath(actor.ID)}, known(err)
}

// known lets what is gone in the meantime be shown as such.
func known(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	return err
}

func (req *request) aboutArticle(a blog.Article) concern {
	if a.ID == "" {
		return concern{Words: "An article that is gone"}
	}
	return concern{Words: "The article “" + titled(a) + "”", URL: "/admin/articles/" + string(a.ID) + "/report", Ours: true}
}

func (req *request) aboutComment(c blog.Comment) concern {
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

func (h *Handler) resolve(req *request) error {
	id, err := req.id("report")
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	by, done, tab := req.author.ID, "resolved", "open"
	if form.Get("answer") == "reopen" {
		by, done, tab = "", "reopened", "resolved"
	}
	err = h.store.ResolveComplaint(req.ctx(), id, by, req.now)
	if errors.Is(err, blog.ErrNotFound) {
		err = blog.ErrConflict
	}
	if err != nil {
		return err
	}
	return req.redirect("/admin/reports?" + url.Values{"tab": {tab}, "done": {done}}.Encode())
}

// sendReport reports a comment to the moderators of its server.
func (h *Handler) sendReport(req *request) error {
	c, a, err := h.moderated(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := commentPage{Report: strings.TrimSpace(form.Get("report")), Troubles: fieldErrors{}}
	if err := p.Troubles.add(h.outbox.Report(req.ctx(), req.author.ID, c.ID, p.Report)); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return h.comment(req, http.StatusUnprocessableEntity, c, a, p)
	}
	return req.redirect("/admin/comments/" + string(c.ID) + "?done=reported")
}
