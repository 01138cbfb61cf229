package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"causerie/internal/blog"
)

// interactPage asks a reader where they live, to follow or reply from there. Their answer goes to the room visitor,
// which finds the place, or sends them back here with the trouble.
type interactPage struct {
	frame
	Do, URI string
	Who     *person // whom one follows
	Address string  // to copy into the search of one's server
	You     string  // as typed
	Trouble string  // "" when there is none; name, home or busy
}

// deeds are what can be done from elsewhere, with the word of the title.
var deeds = map[string]string{"follow": "interact-follow", "reply": "interact-reply", "boost": "interact-boost",
	"like": "interact-like"}

func (w *Web) interact(out http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	p := interactPage{Do: asked.Get("do"), URI: asked.Get("uri"), You: strings.TrimSpace(asked.Get("you"))}
	if trouble := asked.Get("trouble"); troubles[trouble] {
		p.Trouble = trouble
	}
	err := w.target(r.Context(), &p)
	switch {
	case errors.Is(err, blog.ErrNotFound), errors.Is(err, blog.ErrGone):
		w.missing(out, r)
		return
	case err == nil:
		out.Header().Set("Cache-Control", "no-store") // what was typed is in its address
		err = w.pages.Render(out, http.StatusOK, "web/interact", p)
	}
	if err != nil {
		w.fail(out, r, err)
	}
}

// troubles are what may have gone wrong with a search for somebody's home; words tell them as "trouble-" and their
// name.
var troubles = map[string]bool{"name": true, "home": true, "busy": true}

// target finds what the reader wants to follow, answer or share. Only what stands on our pages can be meant.
func (w *Web) target(ctx context.Context, p *interactPage) error {
	word, ok := deeds[p.Do]
	if !ok {
		return blog.ErrNotFound
	}
	f, err := w.frame(ctx, "")
	if err != nil {
		return err
	}
	kind, id, _, ours := f.Site.Local(p.URI)
	p.Address = p.URI
	var what string
	switch {
	case p.Do == "follow" && kind == "actors":
		voice, err := w.store.Voice(ctx, id)
		if err != nil {
			return err
		}
		who := f.voice(voice)
		p.Who, p.Address, what = &who, f.Site.Handle(voice.Handle), voice.Name
	case p.Do == "follow":
		return blog.ErrNotFound
	case ours && kind == "articles":
		a, err := w.store.ArticleByObject(ctx, id)
		if err != nil {
			return err
		}
		if err := readable(a); err != nil {
			return err
		}
		f, what = w.frameOf(f.Site, a.Language), a.Title
	default:
		if what, err = w.commenter(ctx, &f, p.URI); err != nil {
			return err
		}
	}
	f.Head.Title, f.Head.Hidden, f.Head.Canonical = w.say(&f, word, "What", what), true, ""
	p.frame = f
	return nil
}

// commenter says whose words stand at an address, if they stand on a page of ours.
func (w *Web) commenter(ctx context.Context, f *frame, address string) (string, error) {
	c, err := w.store.CommentByAddress(ctx, address)
	if err != nil {
		return "", err
	}
	if !c.Public() {
		return "", blog.ErrNotFound
	}
	under, err := w.store.Head(ctx, c.ArticleID)
	if err != nil {
		return "", err
	}
	if err := readable(under); err != nil {
		return "", err
	}
	voices, err := w.voices(ctx, f, &articlePage{Article: blog.Article{PublishedAt: &c.SortedAt}}, []blog.Comment{c})
	if err != nil {
		return "", err
	}
	return w.say(f, "words-of", "Name", voices[0].Who.Name), nil
}
