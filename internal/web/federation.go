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

// federationPage tells developers of other servers what this one sends and accepts (FEP-67ff). It is in English
// whatever the blog is written in.
type federationPage struct {
	frame
	Text template.HTML
}

var federationText = sync.OnceValues(func() (markup.Rendered, error) {
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
	f.Head.Title, f.Head.Canonical, f.Head.Code = w.say(&f, "federation-title"), f.Site.URL+"/about/federation", true
	return w.document(http.StatusOK, "web/federation", &f, federationPage{f, text.HTML.HTML()})
}
