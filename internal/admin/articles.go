package admin

import (
	"net/http"
	"net/url"
	"strconv"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// articlesPage lists articles by where they stand in their life.
type articlesPage struct {
	frame
	Tabs  []tab
	Tab   string
	Rows  []row
	Pager pager
}

// tab is one state of a list, with how many there are.
type tab struct {
	Word  string
	URL   string
	Count int
	Here  bool
}

// pager leads to the neighbouring pages of a list.
type pager struct{ Newer, Older string }

// row is an article in a list.
type row struct {
	ID       blog.ID
	Title    string // "" before it has one
	Language string // where it is not the admin's
	Status   blog.Status
	Words    int
	When     string // of the last save, the publication or the schedule, by its status
	Begins   string // its first words, where it has no title
	By       string // the owner, where it is somebody else
	Replies  int
	Servers  progress
	Mine     bool // to publish and change
	Pinned   bool // first on its author's page
	CanPin   bool
}

// articleTabs are the tabs of the list and the statuses that stand there.
var articleTabs = []struct {
	name, word string
	statuses   []blog.Status
}{
	{"published", "Published", []blog.Status{blog.Published}},
	{"drafts", "Drafts", []blog.Status{blog.Draft}},
	{"scheduled", "Scheduled", []blog.Status{blog.Scheduled}},
	{"withdrawn", "Withdrawn", []blog.Status{blog.Withdrawn}},
	{"deleted", "Deleted", []blog.Status{blog.Deleted}},
}

const rowsPerPage = 50

func (h *Handler) articles(req *request) error {
	f, err := h.frame(req, "articles", "Articles")
	if err != nil {
		return err
	}
	p := articlesPage{frame: f, Tab: req.r.URL.Query().Get("tab")}
	if p.Tab == "" {
		p.Tab = "published"
	}
	filter := store.Filter{Voice: req.scope(), Recent: p.Tab != "published", Limit: rowsPerPage + 1, Offset: offset(req.r)}
	for _, shelf := range articleTabs {
		n, err := h.store.CountArticles(req.ctx(), store.Filter{Voice: req.scope(), Statuses: shelf.statuses})
		if err != nil {
			return err
		}
		p.Tabs = append(p.Tabs, tab{Word: shelf.word, URL: "/admin/articles?tab=" + shelf.name, Count: n,
			Here: p.Tab == shelf.name})
		if p.Tab == shelf.name {
			filter.Statuses = shelf.statuses
		}
	}
	if filter.Statuses == nil {
		return blog.ErrNotFound
	}
	if p.Rows, err = h.rows(req, filter); err != nil {
		return err
	}
	p.Pager, p.Rows = turn(req.r, p.Rows, rowsPerPage)
	return h.pages.Render(req.w, http.StatusOK, "admin/articles", p)
}

func (h *Handler) rows(req *request, filter store.Filter) ([]row, error) {
	list, err := h.store.Articles(req.ctx(), filter)
	if err != nil {
		return nil, err
	}
	ids := make([]blog.ID, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	letters, err := h.store.Samples(req.ctx(), ids)
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
		rows[i].Servers, rows[i].Replies = req.progress(letters[a.ID]), counts[a.ID].Replies
		rows[i].Pinned, rows[i].CanPin = pinned[a.ID], a.Listed()
	}
	return rows, nil
}

func (req *request) row(a blog.Article) row {
	r := row{ID: a.ID, Title: a.Title, Status: a.Status, Words: a.WordCount, Mine: req.author.May(a.VoiceID)}
	if a.Language != "en" {
		r.Language = a.Language
	}
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
		r.When = "goes out " + whenAhead(at, req.now, req.zone)
	}
	if a.Title == "" {
		r.Begins = text.Excerpt(a.Summary, 60)
	}
	return r
}

// offset is where in a list a page begins, from its address.
func offset(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || n < 0 || n > 1_000_000 {
		return 0
	}
	return n
}

// turn makes the pager of a list that was read with one row too many, and takes that row off.
func turn[T any](r *http.Request, rows []T, size int) (pager, []T) {
	var p pager
	at := func(from int) string {
		query := url.Values{}
		for _, name := range []string{"tab", "q", "host"} {
			if value := r.URL.Query().Get(name); value != "" {
				query.Set(name, value)
			}
		}
		query.Set("from", strconv.Itoa(from))
		return r.URL.Path + "?" + query.Encode()
	}
	from := offset(r)
	if from > 0 {
		p.Newer = at(max(0, from-size))
	}
	if len(rows) > size {
		p.Older, rows = at(from+size), rows[:size]
	}
	return p, rows
}

// pin puts an article first on its author's page, or back among the others.
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
