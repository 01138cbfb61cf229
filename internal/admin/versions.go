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

// versionsPage lists the kept versions of an article's texts, or shows one of them.
type versionsPage struct {
	frame
	Article blog.Article
	Rows    []version
	One     *version
}

// version is one kept version of a text.
type version struct {
	store.Revision
	Name  string // of its language; "" for that of the article
	When  string
	Words int
	Path  string // of its page
	Take  string // the editor with this version, unsaved
}

func (req *request) version(a blog.Article, r store.Revision) version {
	one := version{Revision: r, When: when(r.At, req.now, req.zone), Words: markup.CountWords(r.Markdown),
		Path: fmt.Sprintf("/admin/articles/%s/versions/%s/%d", a.ID, url.PathEscape(r.Language), r.Number)}
	one.Take = "/admin/articles/" + string(a.ID)
	if r.Language != a.Language {
		one.Name, one.Take = page.LanguageName(r.Language), textPath(a, r.Language)
	}
	one.Take += "?version=" + strconv.Itoa(r.Number)
	return one
}

func (h *Handler) versions(req *request) error { return h.showVersions(req, "", "") }

func (h *Handler) oneVersion(req *request) error {
	return h.showVersions(req, chi.URLParam(req.r, "language"), chi.URLParam(req.r, "number"))
}

// showVersions shows one version, or all of them if number is "".
func (h *Handler) showVersions(req *request, language, number string) error {
	a, err := h.writable(req)
	if err == nil && a.Status == blog.Deleted {
		err = blog.ErrGone
	}
	if err != nil {
		return err
	}
	f, err := h.frame(req, "articles", "Earlier versions: "+titleOf(a))
	if err != nil {
		return err
	}
	p := versionsPage{frame: f, Article: a}
	// Both pages have the same address up to the number, and the same rights.
	if number != "" {
		r, err := h.revision(req, a, language, number)
		if err != nil {
			return err
		}
		one := req.version(a, r)
		p.One = &one
		return h.pages.Render(req.w, http.StatusOK, "admin/versions", p)
	}
	list, err := h.store.Revisions(req.ctx(), a.ID)
	if err != nil {
		return err
	}
	for _, r := range list {
		p.Rows = append(p.Rows, req.version(a, r))
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/versions", p)
}

// revision finds one version of an article in a language.
func (h *Handler) revision(req *request, a blog.Article, language, number string) (store.Revision, error) {
	list, err := h.store.Revisions(req.ctx(), a.ID)
	at := slices.IndexFunc(list, func(r store.Revision) bool {
		return r.Language == language &&
			strconv.Itoa(r.Number) == number
	})
	if err == nil && at < 0 {
		err = blog.ErrNotFound
	}
	if err != nil {
		return store.Revision{}, err
	}
	return list[at], nil
}

// requestedVersion is the version that the address asks to put into the form; nil if it asks for none.
func (h *Handler) requestedVersion(req *request, a blog.Article, language string) (*store.Revision, error) {
	number := req.r.URL.Query().Get("version")
	if number == "" {
		return nil, nil
	}
	r, err := h.revision(req, a, language, number)
	return &r, err
}

// versionState says that the form holds an earlier version.
func (req *request) versionState(r store.Revision) string {
	return "Not saved: the version of " + when(r.At, req.now, req.zone)
}
