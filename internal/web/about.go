package web

import (
	"context"
	"net/http"

	"causerie/internal/page"
)

// aboutPage is /about: whose blog this is, and how to follow and reply.
type aboutPage struct {
	frame
	Authors []person
}

func (w *Web) about(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	p := aboutPage{}
	for _, a := range f.authors {
		p.Authors = append(p.Authors, f.voice(a.Voice))
	}
	f.Head.Title, f.Head.Description = w.translate(&f, "about-title", "Site", f.Site.Name), f.Site.Description
	f.Head.Canonical, f.Head.Activity = f.Site.URL+"/about", f.Site.InstanceID()
	p.frame = f
	return w.document(http.StatusOK, "web/about", &f, p)
}

// privacyPage is /privacy: which data is kept.
type privacyPage struct{ frame }

func (w *Web) privacy(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Canonical = w.translate(&f, "privacy"), f.Site.URL+"/privacy"
	return w.document(http.StatusOK, "web/privacy", &f, privacyPage{f})
}
