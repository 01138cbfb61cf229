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

// reportsPage lists reports (Flags) that this blog received, and those that it sent.
type reportsPage struct {
	frame
	Heading string
	Tabs    []tab
	Tab     string
	Rows    []deliveryRow
	Pager   pager
}

// deliveryRow is one report.
type deliveryRow struct {
	ID     blog.ID
	Person person // who reports
	Host   string // the server that reports, or gets the report
	When   string
	Words  string
	About  []concern
	By     string // the author who sent or resolved it
	Class  string // the CSS class of Status
	Status string // of a report that this blog sent
}

// concern is one thing that a report is about.
type concern struct {
	Words, URL string
	Ours       bool // the address is on this blog
	Begins     string
	Block      string // the form to block its writer
}

// reportTabs are the tabs of the page.
var reportTabs = []listTab[store.ReportList]{
	{name: "open", word: "Open", filter: store.ReportList{State: blog.ReportOpen}},
	{name: "resolved", word: "Resolved", heading: "Resolved reports",
		filter: store.ReportList{State: blog.ReportResolved}},
	{name: "sent", word: "Sent", heading: "Reports to other servers", filter: store.ReportList{Ours: true}},
}

const reportsPerPage = 30

func (h *Handler) reports(req *request) error {
	f, err := h.frame(req, "reports", "Reports")
	if err != nil {
		return err
	}
	p := reportsPage{frame: f, Tab: cmp.Or(req.r.URL.Query().Get("tab"), "open")}
	tabs, open, err := readTabs("/admin/reports", p.Tab, reportTabs, func(t listTab[store.ReportList]) (int, error) {
		return h.store.CountReports(req.ctx(), t.filter)
	})
	if err != nil {
		return err
	}
	p.Tabs, p.Heading = tabs, cmp.Or(open.heading, upper(text.PluralInWords(rowsOf(tabs), "report waits", "reports wait")))
	list := open.filter
	list.Limit, list.Offset = reportsPerPage+1, offset(req.r)
	reports, err := h.store.Reports(req.ctx(), list)
	if err != nil {
		return err
	}
	if p.Rows, err = h.reportRows(req, reports); err != nil {
		return err
	}
	p.Title = p.Heading
	p.Pager, p.Rows = paginate(req.r, p.Rows, reportsPerPage)
	return h.pages.Render(req.w, http.StatusOK, "admin/reports", p)
}

// reportRows makes rows of reports. What they name is read for all rows at once, so the number of queries does not
// grow with the rows.
func (h *Handler) reportRows(req *request, reports []blog.Report) ([]deliveryRow, error) {
	found, err := h.readReported(req.ctx(), reports)
	if err != nil {
		return nil, err
	}
	rows := make([]deliveryRow, len(reports))
	for i, c := range reports {
		rows[i] = req.deliveryRow(c, found)
	}
	return rows, nil
}

// reported is what reports name: writers, subjects, and the deliveries of sent reports.
type reported struct {
	actors     map[string]blog.Actor
	voices     map[blog.ID]blog.Voice
	deliveries map[blog.ID]blog.Delivery // by the activity
	objects    map[blog.ID]blog.Article  // by the object's id
	pages      map[string]blog.Article   // by the slug
	notes      map[blog.ID]blog.Comment
	posts      map[string]blog.Comment // on other servers, by their address
}

// readReported reads what reports name.
func (h *Handler) readReported(ctx context.Context, reports []blog.Report) (reported, error) {
	var found reported
	var actors, slugs, posts []string
	var voices, activities, objects, notes []blog.ID
	for _, c := range reports {
		actors = append(actors, c.ActorID)
		if by := cmp.Or(c.VoiceID, c.ResolvedBy); by != "" {
			voices = append(voices, by)
		}
		if c.Ours {
			activities = append(activities, c.ActivityID)
		}
		for _, address := range c.About {
			switch kind, id := subjectOf(h.address, address); kind {
			case "actors":
				voices = append(voices, blog.ID(id))
			case "articles":
				objects = append(objects, blog.ID(id))
			case "notes":
				notes = append(notes, blog.ID(id))
			case "page":
				slugs = append(slugs, id)
			default:
				// An address elsewhere may be a post or an actor. Only the store knows which.
				posts, actors = append(posts, address), append(actors, address)
			}
		}
	}
	var err error
	if found.actors, err = h.store.Actors(ctx, actors); err != nil {
		return found, err
	}
	if found.voices, err = h.store.Voices(ctx, voices); err != nil {
		return found, err
	}
	if found.deliveries, err = h.store.DeliveriesOf(ctx, activities); err != nil {
		return found, err
	}
	if found.objects, err = h.store.HeadsByObject(ctx, objects); err != nil {
		return found, err
	}
	if found.pages, err = h.store.HeadsBySlug(ctx, slugs); err != nil {
		return found, err
	}
	if found.notes, err = h.store.CommentsByID(ctx, notes); err != nil {
		return found, err
	}
	found.posts, err = h.store.CommentsByAddress(ctx, posts)
	return found, err
}

// subjectOf is the kind of object at an address of this blog, with its id or slug. The kind is actors, articles,
// notes or page; "" for an address elsewhere.
func subjectOf(site blog.Site, address string) (kind, id string) {
	if kind, id, rest, ok := site.Local(address); ok && rest == "" &&
		(kind == "actors" || kind == "articles" || kind == "notes") {
		return kind, string(id)
	}
	// A page of an article has the slug as its last segment.
	if site.Owns(address) {
		return "page", address[strings.LastIndexByte(address, '/')+1:]
	}
	return "", ""
}

// deliveryRow makes a row of a report.
func (req *request) deliveryRow(c blog.Report, found reported) deliveryRow {
	row := deliveryRow{ID: c.ID, Host: c.Host, When: when(c.At, req.now, req.zone), Words: c.Words,
		By: found.voices[cmp.Or(c.VoiceID, c.ResolvedBy)].Name}
	// Most servers report through an actor of their own, so that nobody learns who reported. The name of such an actor
	// says nothing.
	if actor, ok := found.actors[c.ActorID]; ok && actor.Type != "Application" && actor.Type != "Service" {
		row.Person = personOf(actor)
	}
	for _, address := range c.About {
		row.About = append(row.About, req.concern(address, found))
	}
	if !c.Ours {
		return row
	}
	switch sent, ok := found.deliveries[c.ActivityID]; {
	// The delivery is forgotten some time after it is settled.
	case !ok:
		row.Class, row.Status = "done", "sent"
	case sent.Status == blog.Delivered:
		row.Class, row.Status = "done", "delivered"
	case sent.Status == blog.Waiting:
		row.Class, row.Status = "wait", "waiting"
	case sent.Status == blog.Retrying:
		row.Class, row.Status = "again", "trying again"
	default:
		row.Class, row.Status = "no", string(sent.Status)
	}
	return row
}

// concern describes an address in a report. It shows nothing of a private post.
func (req *request) concern(address string, found reported) concern {
	switch kind, id := subjectOf(req.site, address); kind {
	case "actors":
		voice := found.voices[blog.ID(id)]
		return concern{Words: "The author " + voice.Name, URL: "/@" + voice.Handle, Ours: true}
	case "articles":
		return req.aboutArticle(found.objects[blog.ID(id)])
	case "notes":
		return req.aboutComment(found.notes[blog.ID(id)])
	case "page":
		return req.aboutArticle(found.pages[id])
	}
	if c, ok := found.posts[address]; ok {
		return req.aboutComment(c)
	}
	actor := found.actors[address]
	return concern{Words: cmp.Or(actor.DisplayName(), address), URL: actor.URL, Block: blockPath(actor.ID)}
}

// aboutArticle describes an article. The zero article stands for one that is deleted.
func (req *request) aboutArticle(a blog.Article) concern {
	if a.ID == "" {
		return concern{Words: "A deleted article"}
	}
	return concern{Words: "The article “" + titleOf(a) + "”", URL: "/admin/articles/" + string(a.ID) + "/report",
		Ours: true}
}

// aboutComment describes a comment. The zero comment stands for one that is deleted.
func (req *request) aboutComment(c blog.Comment) concern {
	switch {
	case c.ID == "" || c.State == blog.CommentRemoved:
		return concern{Words: "A deleted comment"}
	case c.Visibility == blog.RestrictedComment:
		return concern{Words: "A private comment", Block: blockPath(c.ActorID)}
	}
	return concern{Words: "A comment", URL: "/admin/comments/" + string(c.ID), Ours: true,
		Begins: text.Excerpt(c.Plain, 160), Block: blockPath(c.ActorID)}
}

// blockPath is the page to block an actor; "" for none.
func blockPath(actor string) string {
	if actor == "" {
		return ""
	}
	return "/admin/blocks/new?" + url.Values{"person": {actor}}.Encode()
}

// resolve resolves a report, or opens it again.
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
	err = h.store.ResolveReport(req.ctx(), id, by, req.now)
	if errors.Is(err, blog.ErrNotFound) {
		// Another moderator resolved it first.
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
	p := commentPage{Report: strings.TrimSpace(form.Get("report")), Errors: fieldErrors{}}
	if err := p.Errors.add(h.outbox.Report(req.ctx(), req.author.ID, c.ID, p.Report)); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.comment(req, http.StatusUnprocessableEntity, c, a, p)
	}
	return req.redirect("/admin/comments/" + string(c.ID) + "?done=reported")
}
