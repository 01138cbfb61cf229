package web

import (
	"context"
	"html/template"
	"net/http"
	"sync"

	"causerie/internal/markup"
	"causerie/internal/page"
	"causerie/templates"
)

// federationPage is /about/federation: what this server sends and accepts, for developers of other servers
// (FEP-67ff). It is always in English.
type federationPage struct {
	frame
	Text template.HTML
}

// federationText is rendered once: it is the same for every blog.
var federationText = sync.OnceValues(func() (markup.Rendered, error) {
	// Prefixed, so that no id of a heading is one of the page's own.
	return markup.Article(templates.Federation, markup.Options{Language: "en", IDPrefix: "f-"})
})

func (w *Web) federation(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	text, err := federationText()
	if err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Canonical = w.translate(&f, "federation-title"), f.Site.URL+"/about/federation"
	return w.document(http.StatusOK, "web/federation", &f, federationPage{f, text.HTML.HTML()})
}
