package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// homePage is a front page, or an older page of its list.
type homePage struct {
	frame
	list
	Languages []front  // when there are many
	Authors   []person // when there are several
	Alone     *person  // when there is one
	Whole     *person  // the voice of the blog, when one can follow it
	Featured  *entry   // the newest, large
	Empty     bool
}

const frontsInMenu = 4 // languages, and all of them together

func itoa(n int) string { return strconv.Itoa(n) }

// home shows the newest articles, of all languages or of one.
func (w *Web) home(ctx context.Context, r *http.Request) (page.Document, error) {
	language := chi.URLParam(r, "language")
	number, err := pageNumber(r)
	if err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, language)
	if err != nil {
		return page.Document{}, err
	}
	at := "/"
	if language != "" {
		at = "/" + language + "/"
	}
	p := homePage{}
	if p.list, err = w.list(ctx, &f, listed(language), at, number); err != nil {
		return page.Document{}, err
	}
	// Any two or three letters match the route.
	if language != "" && p.Pager.Total == 0 {
		return page.Document{}, blog.ErrNotFound
	}
	p.setAuthors(&f)
	if p.Whole, err = w.siteVoice(ctx, &f); err != nil {
		return page.Document{}, err
	}
	if err := w.fillEntries(ctx, &f, &p); err != nil {
		return page.Document{}, err
	}
	f.Front, f.Card = number == 1, number == 1
	if p.Languages, err = w.fronts(ctx, language); err != nil {
		return page.Document{}, err
	}
	// A few stand beside the menu. More of them would push it off the first line.
	if len(p.Languages) <= frontsInMenu {
		f.Fronts, p.Languages = p.Languages, nil
	}
	f.Head.Title, f.Head.Description = f.Site.Name, f.Site.Description
	if language != "" {
		f.Head.Feeds = append([]link{{atomLink, f.Site.URL + at + "feed.xml", f.Site.Name + " (" + language + ")"}},
			f.Head.Feeds...)
	}
	p.frame = f
	return w.document(http.StatusOK, "web/home", &f, p)
}

// authors returns the authors who can write here today, in the order in which they joined.
func (w *Web) authors(ctx context.Context) ([]blog.Author, error) {
	all, err := w.store.Authors(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(a blog.Author) bool { return a.RetiredAt != nil || a.DisabledAt != nil })
	slices.SortStableFunc(all, func(a, b blog.Author) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return all, nil
}

// setAuthors shows one author large, or several as a list.
func (p *homePage) setAuthors(f *frame) {
	if len(f.authors) == 1 {
		alone := f.voice(f.authors[0].Voice)
		p.Alone = &alone
		return
	}
	for _, a := range f.authors {
		p.Authors = append(p.Authors, f.voice(a.Voice))
	}
}

// voice returns a voice of this blog as pages name it.
func (f *frame) voice(v blog.Voice) person {
	p := person{Name: v.Name, User: v.Handle, Host: f.Site.HandleDomain,
		URL:     strings.TrimPrefix(f.Site.VoicePage(v), f.Site.URL),
		Picture: media(v.Picture)}
	if v.Followable() {
		p.Follow = interactPath("follow", f.Site.ActorID(v.ID))
	}
	return p
}

// siteVoice returns the voice of the whole blog, nil when it cannot be followed. The front page is its profile.
func (w *Web) siteVoice(ctx context.Context, f *frame) (*person, error) {
	v, err := w.store.SiteVoice(ctx)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !v.Followable():
		return nil, nil
	}
	f.Head.Activity = f.Site.ActorID(v.ID)
	p := f.voice(v)
	return &p, nil
}

// fillEntries adds the articles. On the first page the newest is shown large.
func (w *Web) fillEntries(ctx context.Context, f *frame, p *homePage) error {
	entries, err := w.entries(ctx, f, p.articles, p.counts, p.Alone == nil)
	if err != nil {
		return err
	}
	p.Empty = len(entries) == 0
	if p.Page == 1 && !p.Empty {
		heroes, err := w.heroes(ctx, p.articles[0])
		if err != nil {
			return err
		}
		p.Featured = &entries[0]
		p.Featured.Hero = heroes[p.articles[0].ID]
		// The only author stands with face and handle above it already.
		if by := p.articles[0].Authors; p.Alone == nil || len(by) > 1 {
			p.Featured.By = f.people(by)
		}
		entries = entries[1:]
	}
	p.Groups = byMonth(entries)
	return nil
}
