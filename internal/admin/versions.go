package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/page"
	"causerie/internal/store"
)

// versionsPage lists the states in which an article's texts were kept, or shows one of them.
type versionsPage struct {
	frame
	Article blog.Article
	Rows    []version
	One     *version
}

// version is a text as it once was.
type version struct {
	store.Revision
	Name  string // of its language, where that is not the article's
	When  string
	Words int
	Path  string // where it is read
	Take  string // where it is put into a form, unsaved
}

func (v *visit) version(a blog.Article, r store.Revision) version {
	one := version{Revision: r, When: moment(r.At, v.now, v.zone), Words: markup.CountWords(r.Markdown),
		Path: fmt.Sprintf("/admin/articles/%s/versions/%s/%d", a.ID, url.PathEscape(r.Language), r.Number)}
	one.Take = "/admin/articles/" + string(a.ID)
	if r.Language != a.Language {
		one.Name, one.Take = page.LanguageName(r.Language), textPath(a, r.Language)
	}
	one.Take += "?version=" + strconv.Itoa(r.Number)
	return one
}

func (d *Desk) versions(v *visit) error { return d.showVersions(v, "", "") }

func (d *Desk) oneVersion(v *visit) error {
	return d.showVersions(v, chi.URLParam(v.r, "language"), chi.URLParam(v.r, "number"))
}

// showVersions shows one version, or without a number all of them.
func (d *Desk) showVersions(v *visit, language, number string) error {
	a, err := d.writable(v)
	if err == nil && a.Status == blog.Deleted {
		err = blog.ErrGone
	}
	if err != nil {
		return err
	}
	f, err := d.frame(v, "articles", "Earlier versions: "+titled(a))
	if err != nil {
		return err
	}
	p := versionsPage{frame: f, Article: a}
	if number != "" {
		r, err := d.revision(v, a, language, number)
		if err != nil {
			return err
		}
		one := v.version(a, r)
		p.One = &one
		return d.pages.Render(v.w, http.StatusOK, "admin/versions", p)
	}
	list, err := d.store.Revisions(v.ctx(), a.ID)
	if err != nil {
		return err
	}
	for _, r := range list {
		p.Rows = append(p.Rows, v.version(a, r))
	}
	return d.pages.Render(v.w, http.StatusOK, "admin/versions", p)
}

// revision finds one version of a text of an article.
func (d *Desk) revision(v *visit, a blog.Article, language, number string) (store.Revision, error) {
	list, err := d.store.Revisions(v.ctx(), a.ID)
	at := slices.IndexFunc(list, func(r store.Revision) bool { return r.Language == language && strconv.Itoa(r.Number) == number })
	if err == nil && at < 0 {
		err = blog.ErrNotFound
	}
	if err != nil {
		return store.Revision{}, err
	}
	return list[at], nil
}

// asked finds the version that the address wants put into the form; nil when it wants none.
func (d *Desk) asked(v *visit, a blog.Article, language string) (*store.Revision, error) {
	number := v.r.URL.Query().Get("version")
	if number == "" {
		return nil, nil
	}
	r, err := d.revision(v, a, language, number)
	return &r, err
}

// takenUp is how a form says that it holds an earlier version.
func (v *visit) takenUp(r store.Revision) string {
	return "Not saved: the words of " + moment(r.At, v.now, v.zone)
}
