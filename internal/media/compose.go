package media

import (
	"context"
	"errors"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/markup"
)

// Compose turns an article's Markdown into what is stored of it: HTML, Plain and WordCount are filled in, pictures come
// from the library of the article's owner, and people who are known here become links. beside holds pictures that lie
// next to the text under names of their own, such as the files beside a file, by the reference as written; the Markdown
// is changed to say the names that they have in the library. nil is none.
//
// What the author should know (a picture that is not there, raw HTML left out) is in the answer's Notices. A text that
// cannot be rendered is a blog.Invalid for the field "text".
func (l *Library) Compose(ctx context.Context, a *blog.Article,
	beside map[string]blog.Picture) (markup.Rendered, error) {
	for reference, picture := range beside {
		a.Markdown = rename(a.Markdown, reference, picture.Name)
	}
	site, err := l.store.Site(ctx)
	if err != nil {
		return markup.Rendered{}, err
	}
	find := finder{library: l, ctx: ctx, voice: a.VoiceID, site: site}
	rendered, err := markup.Article(a.Markdown,
		markup.Options{Language: a.Language, Resolve: find.picture, Mention: find.person})
	switch {
	case errors.Is(err, markup.ErrTooLarge):
		return rendered, blog.Invalid{Field: "text", Problem: "is longer than one megabyte: part it into several articles"}
	case errors.Is(err, markup.ErrTooComplex):
		return rendered, blog.Invalid{Field: "text",
			Problem: "is too entangled to be shown: look for long rows of brackets or stars, and for deep quotations"}
	case err != nil:
		return rendered, err
	case find.err != nil:
		return rendered, find.err
	}
	a.HTML, a.Plain, a.WordCount = string(rendered.HTML), rendered.Text, rendered.Words
	return rendered, nil
}

// finder answers what the renderer asks, and keeps the first failure of the store: a picture that could not be looked
// up must not be stored as one that is not there.
type finder struct {
	library *Library
	ctx     context.Context
	voice   blog.ID
	site    blog.Site
	err     error
}

func (f *finder) picture(reference string) (markup.Picture, bool) {
	reference = strings.TrimPrefix(reference, f.site.URL)
	if strings.Contains(reference, "://") {
		return markup.Picture{}, false
	}
	p, err := f.library.Picture(f.ctx, f.voice, reference)
	if f.failed(err) || len(p.Files) == 0 {
		return markup.Picture{}, false
	}
	shown := markup.Picture{URL: "/media/" + p.Largest().File, Width: p.Width, Height: p.Height}
	if len(p.Files) > 1 {
		shown.Srcset = SrcSet(p)
	}
	return shown, true
}

func (f *finder) person(handle string) (string, bool) {
	handle = strings.TrimPrefix(handle, "@")
	if name, ours := strings.CutSuffix(handle, "@"+f.site.HandleDomain); ours {
		voice, err := f.library.store.VoiceByHandle(f.ctx, strings.ToLower(name))
		return f.site.VoicePage(voice), !f.failed(err) && voice.RetiredAt == nil
	}
	actor, err := f.library.store.ActorByHandle(f.ctx, handle)
	if f.failed(err) || actor.URL == "" {
		return "", false
	}
	return actor.URL, true
}

// failed reports whether there is no answer, whatever the reason.
func (f *finder) failed(err error) bool {
	if err != nil && !errors.Is(err, blog.ErrNotFound) && f.err == nil {
		f.err = err
	}
	return err != nil
}

// rename changes a picture's address in Markdown, in the forms it can stand in: ![…](name), ![…](name "title"),
// ![…](<name>) and [label]: name.
func rename(markdown, from, to string) string {
	if from == to {
		return markdown
	}
	return strings.NewReplacer("]("+from+")", "]("+to+")", "]("+from+" ", "]("+to+" ", "](<"+from+">", "](<"+to+">",
		"]: "+from+"\n", "]: "+to+"\n", "]: "+from+" ", "]: "+to+" ").Replace(markdown)
}
