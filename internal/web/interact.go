package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"causerie/internal/blog"
)

// interactPage takes a reader to their own server, to follow or reply from there. It asks nobody: the address is worked
// out from what was typed.
type interactPage struct {
	frame
	Do, URI string
	Who     *person // whom one follows
	Address string  // to copy into the search of one's server
	You     string  // as typed
	Trouble bool
}

// deeds are what can be done from elsewhere, with the word of the title.
var deeds = map[string]string{"follow": "interact-follow", "reply": "interact-reply", "boost": "interact-boost", "like": "interact-like"}

func (w *Web) interact(out http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(out, r.Body, 4<<10)
	p := interactPage{Do: r.FormValue("do"), URI: r.FormValue("uri"), You: strings.TrimSpace(r.FormValue("you"))}
	err := w.target(r.Context(), &p)
	switch {
	case errors.Is(err, blog.ErrNotFound), errors.Is(err, blog.ErrGone):
		w.missing(out, r)
		return
	case err != nil:
		w.fail(out, r, err)
		return
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		if host := homeServer(p.You); host != "" {
			out.Header().Set("Cache-Control", "no-store")
			out.Header().Set("Location", "https://"+host+"/authorize_interaction?uri="+url.QueryEscape(p.URI))
			out.WriteHeader(http.StatusSeeOther)
			return
		}
		status, p.Trouble = http.StatusUnprocessableEntity, true
	}
	if err := w.pages.Render(out, status, "web/interact", p); err != nil {
		w.fail(out, r, err)
	}
}

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
	what := ""
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
	voices, err := w.voices(ctx, f, &articlePage{Article: blog.Article{PublishedAt: &c.SortedAt}}, []blog.Comment{c})
	if err != nil {
		return "", err
	}
	return w.say(f, "words-of", "Name", voices[0].Who.Name), nil
}

var hostPattern = regexp.MustCompile(`^[\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?(\.[\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?)+(:[0-9]{1,5})?$`)

// homeServer reads "@you@server.example", "server.example" or the address of a profile; "" when it is none of these.
func homeServer(typed string) string {
	host := strings.ToLower(typed)
	if u, err := url.Parse(host); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
		host = u.Host
	}
	host = host[strings.LastIndex(host, "@")+1:]
	if len(host) > 253 || !hostPattern.MatchString(host) {
		return ""
	}
	return host
}
