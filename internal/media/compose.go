package media

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
)

// Beside is what a text names and the store does not know by that name. The zero value has nothing.
type Beside struct {
	// Pictures are those of the library by the reference that the Markdown uses for them, such as files beside a Markdown
	// file. The references are replaced by names in the library.
	Pictures map[string]blog.Picture
	// People are profile pages by the handle in lower case, such as "bram@veerhuis.example".
	People map[string]string
}

// Compose renders an article's Markdown and fills in HTML, Plain, WordCount and Hashtags. Pictures come from the
// library of the article's voice, and handles of known people become links.
//
// The result's Notices tell the author what was left out, such as a missing picture or raw HTML. A text that cannot
// be rendered is a blog.Invalid for the field "text".
func Compose(ctx context.Context, s *store.Store, a *blog.Article, beside Beside) (markup.Rendered, error) {
	for reference, picture := range beside.Pictures {
		a.Markdown = renameReference(a.Markdown, reference, picture.Name)
	}
	site, err := s.Site(ctx)
	if err != nil {
		return markup.Rendered{}, err
	}
	find := finder{store: s, ctx: ctx, voice: a.VoiceID, site: site, people: beside.People}
	rendered, err := markup.Article(a.Markdown,
		markup.Options{Language: a.Language, Resolve: find.picture, Mention: find.person})
	switch {
	case errors.Is(err, markup.ErrTooLarge):
		return rendered, blog.Invalid{Field: "text", Problem: "is longer than one megabyte: split it into several articles"}
	case errors.Is(err, markup.ErrTooComplex):
		return rendered, blog.Invalid{Field: "text",
			Problem: "is too complicated to be shown: look for long rows of brackets or stars, and for deep quotations"}
	case err != nil:
		return rendered, err
	case find.err != nil:
		return rendered, find.err
	}
	a.HTML, a.Plain, a.WordCount = string(rendered.HTML), rendered.Text, rendered.Words
	a.Hashtags = rendered.Hashtags
	return rendered, nil
}

// finder answers the renderer's questions about pictures and people. It keeps the first error of the store: an
// article must not be saved without a picture that only could not be looked up.
type finder struct {
	store  *store.Store
	ctx    context.Context
	voice  blog.ID
	site   blog.Site
	people map[string]string
	err    error
}

func (f *finder) picture(reference string) (markup.Picture, bool) {
	reference = strings.TrimPrefix(reference, f.site.URL)
	// Not from other servers: they would see every reader, and the policy of our pages forbids it.
	if strings.Contains(reference, "://") {
		return markup.Picture{}, false
	}
	p, err := FindPicture(f.ctx, f.store, f.voice, reference)
	if f.failed(err) || len(p.Files) == 0 {
		return markup.Picture{}, false
	}
	shown := markup.Picture{URL: "/media/" + p.Largest().File, Width: p.Width, Height: p.Height}
	// A small picture has one file, and nothing to choose from.
	if len(p.Files) > 1 {
		shown.Srcset = SrcSet(p)
	}
	return shown, true
}

func (f *finder) person(handle string) (string, bool) {
	handle = strings.TrimPrefix(handle, "@")
	if name, ours := strings.CutSuffix(handle, "@"+f.site.HandleDomain); ours {
		voice, err := f.store.VoiceByHandle(f.ctx, strings.ToLower(name))
		return f.site.VoicePage(voice), !f.failed(err) && voice.RetiredAt == nil
	}
	if page := f.people[strings.ToLower(handle)]; page != "" {
		return page, true
	}
	actor, err := f.store.ActorByHandle(f.ctx, handle)
	if f.failed(err) {
		return "", false
	}
	// Some servers have no pages for people. The id leads to the person all the same.
	return cmp.Or(actor.URL, actor.ID), true
}

// failed reports whether there is no answer, for whatever reason.
func (f *finder) failed(err error) bool {
	if err != nil && !errors.Is(err, blog.ErrNotFound) && f.err == nil {
		f.err = err
	}
	return err != nil
}

// renameReference replaces the address of a picture in Markdown in all forms: ![…](name), ![…](name "title"),
// ![…](<name>) and [label]: name.
func renameReference(markdown, from, to string) string {
	if from == to {
		return markdown
	}
	return strings.NewReplacer("]("+from+")", "]("+to+")", "]("+from+" ", "]("+to+" ", "](<"+from+">", "](<"+to+">",
		"]: "+from+"\n", "]: "+to+"\n", "]: "+from+" ", "]: "+to+" ").Replace(markdown)
}
