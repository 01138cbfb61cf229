package admin

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/markup"
)

// previewPage is an article as readers will see it, saved or not.
type previewPage struct {
	frame
	Article blog.Article
	Text    template.HTML
	By      []face
	Hero    *picture
	Series  string
	At      time.Time
	Form    string      // the address of the editor
	Kept    []formField // the form of the editor; nil for a stored text
}

// Translated reports whether this is the preview of a translation, whose form has other buttons.
func (p previewPage) Translated() bool { return strings.Contains(p.Form, "/texts/") }

// Locale is the language of the article: the preview has the texts of the public page.
func (p previewPage) Locale() string { return p.Article.Language }

// previewArticle shows the stored article.
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

// showPreview shows the typed article, without saving it. The form waits in hidden fields.
func (h *Handler) showPreview(req *request, a blog.Article, p *editorPage) error {
	var fields []formField
	for _, name := range []string{"saved", "title", "subtitle", "text", "summary", "slug", "language", "tags", "series",
		"part", "planned", "byline",
		"format", "visibility", "comments", "quotes", "warning", "picture-alt", "upload-alt"} {
		fields = append(fields, formField{name, req.r.PostForm.Get(name)})
	}
	for i := range fields {
		if fields[i].Name == "text" {
			// The line of a picture that came with this form was added to the text. The file itself cannot be sent again.
			fields[i].Value = p.Text
		}
	}
	return h.preview(req, previewPage{Article: a, Series: p.Series, Form: "/admin/articles/" + string(a.ID),
		Kept: append(fields, formField{"picture", p.PictureID})})
}

// preview renders an article.
func (h *Handler) preview(req *request, p previewPage) error {
	a := p.Article
	// The page has no menu, so it needs no counts from the store.
	p.frame = frame{Title: "Preview: " + titleOf(a), Site: req.site, Author: req.author}
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
