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
	Language string // where it is not the desk's
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

// shelves are the tabs of the list and the statuses that stand there.
var shelves = []struct {
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

func (d *Desk) articles(v *visit) error {
	f, err := d.frame(v, "articles", "Articles")
	if err != nil {
		return err
	}
	p := articlesPage{frame: f, Tab: v.r.URL.Query().Get("tab")}
	if p.Tab == "" {
		p.Tab = "published"
	}
	filter := store.Filter{Voice: v.own(), Recent: p.Tab != "published", Limit: rowsPerPage + 1, Offset: offset(v.r)}
	for _, shelf := range shelves {
		n, err := d.store.CountArticles(v.ctx(), store.Filter{Voice: v.own(), Statuses: shelf.statuses})
		if err != nil {
			return err
		}
		p.Tabs = append(p.Tabs, tab{Word: shelf.word, URL: "/admin/articles?tab=" + shelf.name, Count: n, Here: p.Tab == shelf.name})
		if p.Tab == shelf.name {
			filter.Statuses = shelf.statuses
		}
	}
	if filter.Statuses == nil {
		return blog.ErrNotFound
	}
	if p.Rows, err = d.rows(v, filter); err != nil {
		return err
	}
	p.Pager, p.Rows = turn(v.r, p.Rows, rowsPerPage)
	return d.pages.Render(v.w, http.StatusOK, "admin/articles", p)
}

func (d *Desk) rows(v *visit, filter store.Filter) ([]row, error) {
	list, err := d.store.Articles(v.ctx(), filter)
	if err != nil {
		return nil, err
	}
	ids := make([]blog.ID, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	letters, err := d.store.Samples(v.ctx(), ids)
	if err != nil {
		return nil, err
	}
	counts, err := d.store.Counts(v.ctx(), ids)
	if err != nil {
		return nil, err
	}
	pinned, err := d.store.PinsAmong(v.ctx(), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]row, len(list))
	for i, a := range list {
		rows[i] = v.row(a)
		rows[i].Servers, rows[i].Replies = v.progress(letters[a.ID]), counts[a.ID].Replies
		rows[i].Pinned, rows[i].CanPin = pinned[a.ID], a.Listed()
	}
	return rows, nil
}

func (v *visit) row(a blog.Article) row {
	r := row{ID: a.ID, Title: a.Title, Status: a.Status, Words: a.Words, Mine: v.author.May(a.VoiceID)}
	if a.Language != "en" {
		r.Language = a.Language
	}
	if a.VoiceID != v.author.ID && len(a.Authors) > 0 {
		r.By = a.Authors[0].Name
	}
	at := a.SavedAt
	switch {
	case a.Status == blog.Published && a.PublishedAt != nil:
		at = *a.PublishedAt
	case a.Status == blog.Scheduled && a.ScheduledAt != nil:
		at = *a.ScheduledAt
	}
	r.When = moment(at, v.now, v.zone)
	if a.Status == blog.Scheduled {
		r.When = "goes out " + comes(at, v.now, v.zone)
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
func (d *Desk) pin(v *visit) error {
	a, err := d.publishable(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	if form.Get("pin") == "off" {
		if err := d.outbox.Unpin(v.ctx(), a.ID); err != nil {
			return err
		}
		return v.see("/admin/articles?done=unpinned")
	}
	if err := d.outbox.Pin(v.ctx(), a.ID); err != nil {
		return err
	}
	return v.see("/admin/articles?done=pinned")
}
