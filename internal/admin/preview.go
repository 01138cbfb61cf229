package admin

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/markup"
)

// previewPage is an article as its readers will see it, saved or not.
type previewPage struct {
	frame
	Article blog.Article
	Text    template.HTML
	By      []face
	Hero    *picture
	Series  string
	At      time.Time
	Form    string          // where one goes on writing
	Kept    []keptFormField // the form it was asked for from, to go on writing with
}

// Translated reports whether it is the preview of a translation, which is saved on its own page.
func (p previewPage) Translated() bool { return strings.Contains(p.Form, "/texts/") }

// Locale makes the preview speak the language of the article, as its page will.
func (p previewPage) Locale() string { return p.Article.Language }

// previewArticle shows what is stored.
func (h *Handler) previewArticle(req *request) error {
	a, err := h.writable(req)
	if err != nil {
		return err
	}
	series, err := h.store.SeriesOf(req.ctx(), a)
	if err != nil {
		return err
	}
	return h.preview(req, previewPage{Article: a, Series: series.Title, Form: "/admin/articles/" + string(a.ID)})
}

// showPreview shows what was typed, without saving it; the form waits below.
func (h *Handler) showPreview(req *request, a blog.Article, p *editorPage) error {
	var fields []keptFormField
	for _, name := range []string{"saved", "title", "subtitle", "text", "summary", "slug", "language", "tags", "series",
		"part", "planned", "byline",
		"format", "visibility", "comments", "quotes", "warning", "picture-alt", "upload-alt"} {
		fields = append(fields, keptFormField{name, req.r.PostForm.Get(name)})
	}
	for i := range fields {
		if fields[i].Name == "text" {
			fields[i].Value = p.Text // with the pictures that came with this form
		}
	}
	return h.preview(req, previewPage{Article: a, Series: p.Series, Form: "/admin/articles/" + string(a.ID),
		Kept: append(fields, keptFormField{"picture", p.PictureID})})
}

// preview shows an article, in the language of its text.
func (h *Handler) preview(req *request, p previewPage) error {
	a := p.Article
	p.frame = frame{Title: "Preview: " + titled(a), Site: req.site, Author: req.author}
	p.Text, p.At = markup.Trusted(a.HTML).HTML(), req.now.In(req.zone)
	if a.PublishedAt != nil {
		p.At = a.PublishedAt.In(req.zone)
	}
	for _, by := range a.Authors {
		p.By = append(p.By, face{by.Name, mediaPath(by.Picture)})
	}
	var err error
	if p.Hero, err = h.hero(req.ctx(), a); err != nil {
		return err
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/preview", p)
}
