package admin

import (
	"cmp"
	"net/http"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// articlesPage lists articles by status.
type articlesPage struct {
	frame
	Tabs  []tab
	Tab   string
	Rows  []row
	Pager pager
}

// row is one article in a list.
type row struct {
	ID       blog.ID
	Title    string // "" if it has none yet
	Language string // "" for English, the language of the admin
	Status   blog.Status
	Words    int
	When     string // when it was published, is scheduled, or was saved last
	Begins   string // its first words, if it has no title
	By       string // the owner, if that is somebody else
	Replies  int
	Servers  progress
	Mine     bool // the author may publish and change it
	Pinned   bool // on its author's page
	CanPin   bool
}

// articleTabs are the tabs of the list and the statuses that each shows.
var articleTabs = []listTab[[]blog.Status]{
	{name: "published", word: "Published", filter: []blog.Status{blog.Published}},
	{name: "drafts", word: "Drafts", filter: []blog.Status{blog.Draft}},
	{name: "scheduled", word: "Scheduled", filter: []blog.Status{blog.Scheduled}},
	{name: "withdrawn", word: "Withdrawn", filter: []blog.Status{blog.Withdrawn}},
	{name: "deleted", word: "Deleted", filter: []blog.Status{blog.Deleted}},
}

const rowsPerPage = 50

func (h *Handler) articles(req *request) error {
	f, err := h.frame(req, "articles", "Articles")
	if err != nil {
		return err
	}
	p := articlesPage{frame: f, Tab: cmp.Or(req.r.URL.Query().Get("tab"), "published")}
	tabs, open, err := readTabs("/admin/articles", p.Tab, articleTabs, func(t listTab[[]blog.Status]) (int, error) {
		return h.store.CountArticles(req.ctx(), store.ArticleFilter{Voice: req.scope(), Statuses: t.filter})
	})
	if err != nil {
		return err
	}
	p.Tabs = tabs
	// The published ones are in order of publication, all others with the last saved first. One row more than a page
	// shows whether another page follows.
	filter := store.ArticleFilter{Voice: req.scope(), Statuses: open.filter, BySaveTime: p.Tab != "published",
		Limit: rowsPerPage + 1, Offset: offset(req.r)}
	if p.Rows, err = h.rows(req, filter); err != nil {
		return err
	}
	p.Pager, p.Rows = paginate(req.r, p.Rows, rowsPerPage)
	return h.pages.Render(req.w, http.StatusOK, "admin/articles", p)
}

// rows reads the articles that match a filter, with their deliveries, replies and pins. The number of queries does
// not grow with the number of articles.
func (h *Handler) rows(req *request, filter store.ArticleFilter) ([]row, error) {
	list, err := h.store.Articles(req.ctx(), filter)
	if err != nil {
		return nil, err
	}
	ids := make([]blog.ID, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	samples, err := h.store.SampleDeliveryRows(req.ctx(), ids)
	if err != nil {
		return nil, err
	}
	counts, err := h.store.Counts(req.ctx(), ids)
	if err != nil {
		return nil, err
	}
	pinned, err := h.store.PinsAmong(req.ctx(), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]row, len(list))
	for i, a := range list {
		rows[i] = req.row(a)
		rows[i].Servers, rows[i].Replies = req.progress(samples[a.ID]), counts[a.ID].Replies
		rows[i].Pinned, rows[i].CanPin = pinned[a.ID], a.Listed()
	}
	return rows, nil
}

// row makes a row of what the article itself says.
func (req *request) row(a blog.Article) row {
	r := row{ID: a.ID, Title: a.Title, Status: a.Status, Words: a.WordCount, Mine: req.author.May(a.VoiceID)}
	// The admin is in English, so only other languages need a lang attribute.
	if a.Language != "en" {
		r.Language = a.Language
	}
	// Authors[0] is the owner. Editors also see the articles of others.
	if a.VoiceID != req.author.ID && len(a.Authors) > 0 {
		r.By = a.Authors[0].Name
	}
	at := a.SavedAt
	switch {
	case a.Status == blog.Published && a.PublishedAt != nil:
		at = *a.PublishedAt
	case a.Status == blog.Scheduled && a.ScheduledAt != nil:
		at = *a.ScheduledAt
	}
	r.When = when(at, req.now, req.zone)
	if a.Status == blog.Scheduled {
		r.When = "to be published " + whenAhead(at, req.now, req.zone)
	}
	if a.Title == "" {
		r.Begins = text.Excerpt(a.Summary, 60)
	}
	return r
}

// pin pins an article to its author's page, or unpins it.
func (h *Handler) pin(req *request) error {
	a, err := h.publishable(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	if form.Get("pin") == "off" {
		if err := h.outbox.Unpin(req.ctx(), a.ID); err != nil {
			return err
		}
		return req.redirect("/admin/articles?done=unpinned")
	}
	if err := h.outbox.Pin(req.ctx(), a.ID); err != nil {
		return err
	}
	return req.redirect("/admin/articles?done=pinned")
}
