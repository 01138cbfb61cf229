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

// authorPage is an author's profile with their articles.
type authorPage struct {
	frame
	list
	Who       person
	Bio       []string // paragraphs
	Fields    []profileField
	Followers int
	Total     int     // of their articles
	Pinned    []group // before the others
	Feed      string
	Moved     *person // as whom they go on elsewhere
}

// profileField is a line of a profile; URL is set when the value is an address.
type profileField struct{ Name, Value, URL string }

func (w *Web) author(ctx context.Context, r *http.Request) (page.Document, error) {
	handle := chi.URLParam(r, "handle")
	if name, found := strings.CutSuffix(handle, ".rss"); found {
		return moved("/@" + name + "/feed.xml"), nil
	}
	if lower := strings.ToLower(handle); lower != handle {
		return moved("/@" + lower), nil
	}
	number, err := pageNumber(r)
	if err != nil {
		return page.Document{}, err
	}
	author, err := w.authorByHandle(ctx, handle)
	if errors.Is(err, errElsewhere) {
		return w.otherVoice(ctx, handle)
	}
	if err != nil {
		return page.Document{}, err
	}
	if author.Handle != handle {
		return moved("/@" + author.Handle), nil
	}
	f, err := w.frame(ctx, author.Language)
	if err != nil {
		return page.Document{}, err
	}
	p := authorPage{Who: f.voice(author.Voice), Bio: paragraphs(author.Summary), Fields: fields(author.Fields),
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
	p.Groups = together(entries)
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

// fillPinned adds what the author wants to be seen first, on the first page.
func (w *Web) fillPinned(ctx context.Context, f *frame, p *authorPage, author blog.ID) error {
	pinned, err := w.store.Pinned(ctx, author)
	if err != nil {
		return err
	}
	p.Total = p.Pager.Total + len(pinned)
	if p.Page > 1 {
		return nil
	}
	counts, err := w.store.Counts(ctx, ids(pinned))
	if err != nil {
		return err
	}
	entries, err := w.entries(ctx, f, pinned, counts, false)
	p.Pinned = together(entries)
	return err
}

// movedTo is who a voice goes on as, nil when it has not moved. One of whom we know no more is named by its address.
func (w *Web) movedTo(ctx context.Context, f *frame, v blog.Voice) (*person, error) {
	if v.MovedTo == "" {
		return nil, nil
	}
	if kind, id, _, ok := f.Site.Local(v.MovedTo); ok && kind == "actors" {
		other, err := w.store.Voice(ctx, id)
		here := f.voice(other)
		return &here, err
	}
	whom, err := w.acquaintance(ctx, v.MovedTo)
	if whom.User == "" || whom.URL == "" {
		whom = person{URL: v.MovedTo}
	}
	return &whom, err
}

// acquaintance is somebody elsewhere whom readers may be shown; nobody when we do not know them or refuse to.
func (w *Web) acquaintance(ctx context.Context, address string) (person, error) {
	actor, err := w.store.Actor(ctx, address)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return person{}, nil
	case err != nil:
		return person{}, err
	case actor.Block == blog.Refuse || actor.GoneAt != nil:
		return person{}, nil
	}
	return stranger(actor), nil
}

// errElsewhere says that a handle is that of the blog or of a series, which have pages of their own.
var errElsewhere = fmt.Errorf("%w: it is no author", blog.ErrNotFound)

// otherVoice leads from the handle of the blog or of a series to its page.
func (w *Web) otherVoice(ctx context.Context, handle string) (page.Document, error) {
	site, err := w.store.Site(ctx)
	if err != nil {
		return page.Document{}, err
	}
	voice, err := w.store.VoiceByHandle(ctx, handle)
	return moved(strings.TrimPrefix(site.VoicePage(voice), site.URL)), err
}

// authorByHandle finds an author of ours by the handle they have or had; one who has left is blog.ErrGone.
func (w *Web) authorByHandle(ctx context.Context, handle string) (blog.Author, error) {
	voice, err := w.store.VoiceByHandle(ctx, handle)
	if err != nil {
		return blog.Author{}, err
	}
	if voice.Kind != blog.AuthorVoice {
		return blog.Author{}, errElsewhere
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

// paragraphs parts a plain text at its blank lines.
func paragraphs(text string) []string {
	var list []string
	for _, part := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// fields are the lines of a profile; a value that is a web address becomes a link, shown without its scheme.
func fields(list blog.Fields) []profileField {
	var shown []profileField
	for _, field := range list {
		line := profileField{Name: field.Name, Value: field.Value}
		if u, err := url.Parse(strings.TrimSpace(field.Value)); err == nil && (u.Scheme == "https" || u.Scheme == "http") &&
			u.Host != "" {
			line.URL = u.String()
			line.Value = strings.TrimSuffix(strings.TrimPrefix(line.URL, u.Scheme+"://"), "/")
		}
		shown = append(shown, line)
	}
	return shown
}
