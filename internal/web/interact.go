package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// interactPage is /interact: it asks a reader for their handle, to follow or reply from there. The form goes to the
// room visitor, which finds the server or redirects back here with an error.
type interactPage struct {
	frame
	Do, URI string
	Person  *person // whom one follows
	Address string  // to copy into the search of one's server
	You     string  // as typed
	Problem *searchError
	Host    string // the server as typed, which did not answer; "" if it cannot be told
}

// intents are the actions a reader can start, with the id of the page's title.
var intents = map[string]string{"follow": "interact-follow", "reply": "interact-reply", "boost": "interact-boost",
	"like": "interact-like"}

func (w *Web) interact(out http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	p := interactPage{Do: asked.Get("do"), URI: asked.Get("uri"), You: strings.TrimSpace(asked.Get("you"))}
	if problem, ok := searchErrors[asked.Get("trouble")]; ok {
		p.Problem = &problem
		if p.Host = typedHost(p.You); p.Host != "" && problem.What == "error-home" {
			p.Problem.What = "error-home-at"
		}
	}
	err := w.findTarget(r.Context(), &p)
	switch {
	// A copied link that lost its query: the list of similar pages would not help.
	case p.Do == "" || p.URI == "":
		w.writeDocument(out, r, w.incomplete)
		return
	case errors.Is(err, blog.ErrNotFound), errors.Is(err, blog.ErrGone):
		w.writeDocument(out, r, func(ctx context.Context) (page.Document, error) { return w.notFound(ctx, r) })
		return
	case err == nil:
		out.Header().Set("Cache-Control", "no-store") // what was typed is in its address
		err = w.pages.Render(out, http.StatusOK, "web/interact", p)
	}
	if err != nil {
		w.fail(out, r, err)
	}
}

// searchError is why no server was found and what the reader can do, as ids of texts.
type searchError struct{ What, Do string }

// searchErrors are the errors that the room visitor may add to the address.
var searchErrors = map[string]searchError{"name": {"error-name", "error-name-next"},
	"home": {"error-home", "error-home-next"}, "busy": {"error-busy", "error-busy-next"}}

// hostPattern is what a name of a server looks like. Nothing else that an address of this page says is repeated in a
// sentence of ours.
var hostPattern = regexp.MustCompile(`^[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+(:[0-9]{1,5})?$`)

// typedHost returns the server in what a reader typed: a handle, a server, or the address of a page. It is "" when
// there is none.
func typedHost(typed string) string {
	host := typed
	if u, err := url.Parse(typed); err == nil && u.Host != "" {
		host = u.Host
	}
	host = host[strings.LastIndex(host, "@")+1:]
	if len(host) > 100 || !hostPattern.MatchString(host) {
		return ""
	}
	return strings.ToLower(host)
}

// findTarget finds what the reader wants to follow, reply to or share. It must be on a page of this blog: a link must
// not make this page speak about anything else.
func (w *Web) findTarget(ctx context.Context, p *interactPage) error {
	word, ok := intents[p.Do]
	if !ok {
		return blog.ErrNotFound
	}
	f, err := w.frame(ctx, "")
	if err != nil {
		return err
	}
	kind, id, _, ours := f.Site.Local(p.URI)
	slug := f.Site.PageSlug(p.URI)
	p.Address = p.URI
	var what string
	switch {
	case p.Do == "follow" && kind == "actors":
		voice, err := w.store.Voice(ctx, id)
		if err != nil {
			return err
		}
		who := f.voice(voice)
		p.Person, p.Address, what = &who, f.Site.Handle(voice.Handle), voice.Name
	case p.Do == "follow":
		return blog.ErrNotFound
	case slug != "" || ours && kind == "articles":
		var a blog.Article
		if slug == "" {
			a, err = w.store.HeadByObject(ctx, id)
		} else {
			a, err = w.store.HeadBySlug(ctx, slug) // a page is what people copy
		}
		if err == nil {
			err = readable(a)
		}
		// What is only here has no id, so no other server can answer it.
		if err == nil && a.ObjectID == "" {
			err = blog.ErrNotFound
		}
		if err != nil {
			return err
		}
		// From here on it goes by the id that other servers know.
		if slug != "" {
			p.URI = f.Site.ArticleID(a.ObjectID)
			p.Address = p.URI
		}
		f, what = w.frameOf(f.Site, a.Language), a.Title
	default:
		if what, err = w.commentTitle(ctx, &f, p.URI); err != nil {
			return err
		}
	}
	f.Head.Title, f.Head.Hidden, f.Head.Canonical = w.translate(&f, word, "What", what), true, ""
	p.frame = f
	return nil
}

// commentTitle returns the title for a comment at an address. It returns blog.ErrNotFound when the comment is on no
// page of ours.
func (w *Web) commentTitle(ctx context.Context, f *frame, address string) (string, error) {
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
	read, err := w.readWriters(ctx, []blog.Comment{c})
	if err != nil {
		return "", err
	}
	// Only the name is needed. The date is there because view compares its year.
	v := read.view(f, &articlePage{Article: blog.Article{PublishedAt: &c.SortedAt}}, c)
	return w.translate(f, "words-of", "Name", v.Person.Name), nil
}
