package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/text"
)

// authorPage is /@handle: an author's profile with their articles.
type authorPage struct {
	frame
	list
	Person    person
	Bio       []string // paragraphs
	Fields    []profileField
	Followers int
	Total     int     // of their articles
	Pinned    []group // before the others
	Feed      string
	Moved     *person // as whom they go on elsewhere
}

// profileField is a line of a profile. URL is set when the value is an address.
type profileField struct{ Name, Value, URL string }

func (w *Web) author(ctx context.Context, r *http.Request) (page.Document, error) {
	handle := chi.URLParam(r, "handle")
	// Mastodon serves its feeds at this address, and readers try it.
	if name, found := strings.CutSuffix(handle, ".rss"); found {
		return movedDocument("/@" + name + "/feed.xml"), nil
	}
	// One address for each page. Handles are stored in lower case.
	if lower := strings.ToLower(handle); lower != handle {
		return movedDocument("/@" + lower), nil
	}
	number, err := pageNumber(r)
	if err != nil {
		return page.Document{}, err
	}
	author, err := w.authorByHandle(ctx, handle)
	if errors.Is(err, errNoAuthor) {
		return w.redirectToVoice(ctx, handle)
	}
	if err != nil {
		return page.Document{}, err
	}
	// An old handle after a rename.
	if author.Handle != handle {
		return movedDocument("/@" + author.Handle), nil
	}
	f, err := w.frame(ctx, author.Language)
	if err != nil {
		return page.Document{}, err
	}
	p := authorPage{Person: f.voice(author.Voice), Bio: paragraphs(author.Summary), Fields: fields(author.Fields),
		Feed: "/@" + handle + "/feed.xml"}
	if p.Moved, err = w.movedTo(ctx, &f, author.Voice); err != nil {
		return page.Document{}, err
	}
	filter := listed("")
	filter.Voice, filter.Unpinned = author.ID, true
	if p.list, err = w.list(ctx, &f, filter, "/@"+handle, number); err != nil {
		return page.Document{}, err
	}
	entries, err := w.entries(ctx, &f, p.articles, p.counts, false)
	if err != nil {
		return page.Document{}, err
	}
	p.Groups = oneGroup(entries)
	if err := w.fillPinned(ctx, &f, &p, author.ID); err != nil {
		return page.Document{}, err
	}
	followers, err := w.store.CountFollowers(ctx, author.ID)
	if err != nil {
		return page.Document{}, err
	}
	p.Followers = followers.Accepted
	p.describe(&f, author.Voice)
	p.frame = f
	return w.document(http.StatusOK, "web/author", &f, p)
}

// fillPinned adds the author's pinned articles to the first page.
func (w *Web) fillPinned(ctx context.Context, f *frame, p *authorPage, author blog.ID) error {
	pinned, err := w.store.Pinned(ctx, author)
	if err != nil {
		return err
	}
	// The filter of the list leaves the pinned ones out, also from its total.
	p.Total = p.Pager.Total + len(pinned)
	if p.Page > 1 {
		return nil
	}
	counts, err := w.store.Counts(ctx, ids(pinned))
	if err != nil {
		return err
	}
	entries, err := w.entries(ctx, f, pinned, counts, false)
	p.Pinned = oneGroup(entries)
	return err
}

// movedTo returns the account that a voice has moved to, nil when it has not moved. An account about which we know
// nothing has only a URL.
func (w *Web) movedTo(ctx context.Context, f *frame, v blog.Voice) (*person, error) {
	if v.MovedTo == "" {
		return nil, nil
	}
	// To another voice of this blog.
	if kind, id, _, ok := f.Site.Local(v.MovedTo); ok && kind == "actors" {
		other, err := w.store.Voice(ctx, id)
		here := f.voice(other)
		return &here, err
	}
	whom, err := w.knownPerson(ctx, v.MovedTo)
	if whom.User == "" || whom.URL == "" {
		whom = person{URL: v.MovedTo}
	}
	return &whom, err
}

// knownPerson returns an actor elsewhere, and nobody when they are unknown, refused or deleted.
func (w *Web) knownPerson(ctx context.Context, address string) (person, error) {
	actor, err := w.store.Actor(ctx, address)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return person{}, nil
	case err != nil:
		return person{}, err
	// Not shown by name: a moderator has refused them, or the account is deleted.
	case actor.Block == blog.Refuse || actor.GoneAt != nil:
		return person{}, nil
	}
	return personOf(actor), nil
}

// errNoAuthor means that a handle belongs to the blog or to a series. These have pages of their own.
var errNoAuthor = fmt.Errorf("%w: it is no author", blog.ErrNotFound)

// redirectToVoice redirects the handle of the blog or of a series to its page.
func (w *Web) redirectToVoice(ctx context.Context, handle string) (page.Document, error) {
	site, err := w.store.Site(ctx)
	if err != nil {
		return page.Document{}, err
	}
	voice, err := w.store.VoiceByHandle(ctx, handle)
	return movedDocument(strings.TrimPrefix(site.VoicePage(voice), site.URL)), err
}

// authorByHandle finds an author by a handle that they have or had. It returns blog.ErrGone when the author has left,
// and errNoAuthor for the voice of the blog or of a series.
func (w *Web) authorByHandle(ctx context.Context, handle string) (blog.Author, error) {
	voice, err := w.store.VoiceByHandle(ctx, handle)
	if err != nil {
		return blog.Author{}, err
	}
	if voice.Kind != blog.AuthorVoice {
		return blog.Author{}, errNoAuthor
	}
	if voice.RetiredAt != nil {
		return blog.Author{}, blog.ErrGone
	}
	return w.store.Author(ctx, voice.ID)
}

// describe fills the head of a profile.
func (p *authorPage) describe(f *frame, v blog.Voice) {
	f.Card = true
	f.Head.Type, f.Head.Title, f.Head.Description = "profile", v.Name,
		text.Excerpt(strings.Join(p.Bio, " "), summaryLength)
	f.Head.Activity = f.Site.ActorID(v.ID)
	f.Head.Hidden = !v.Indexable
	f.Head.Creators = []string{f.Site.Handle(v.Handle)}
	f.Head.Feeds = append([]link{{atomLink, f.Site.URL + p.Feed, v.Name}}, f.Head.Feeds...)
	for _, field := range p.Fields {
		if field.URL != "" {
			f.Head.Me = append(f.Head.Me, field.URL)
		}
	}
}

// paragraphs splits plain text at its blank lines.
func paragraphs(text string) []string {
	var list []string
	// Browsers send CRLF from a text field.
	for _, part := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// fields returns the lines of a profile. A web address becomes a link and is shown without its scheme.
func fields(list blog.Fields) []profileField {
	var shown []profileField
	for _, field := range list {
		line := profileField{Name: field.Name, Value: field.Value}
		// Only http and https: a javascript: address must not become a link.
		if u, err := url.Parse(strings.TrimSpace(field.Value)); err == nil && (u.Scheme == "https" || u.Scheme == "http") &&
			u.Host != "" {
			line.URL = u.String()
			line.Value = strings.TrimSuffix(strings.TrimPrefix(line.URL, u.Scheme+"://"), "/")
		}
		shown = append(shown, line)
	}
	return shown
}
