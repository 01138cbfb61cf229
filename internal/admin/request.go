package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// request is one HTTP request, with what every page of the admin needs.
type request struct {
	w       http.ResponseWriter
	r       *http.Request
	site    blog.Site
	author  blog.Author    // zero if nobody is signed in
	session store.Session  // zero if nobody is signed in
	zone    *time.Location // the author's, or the site's
	now     time.Time
}

func (req *request) ctx() context.Context { return req.r.Context() }

// detached returns the request for work that goes on when its browser leaves, and a function that ends it.
func (req *request) detached() (*request, context.CancelFunc) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(req.ctx()), requestTime)
	other := *req
	other.r = req.r.WithContext(ctx)
	return &other, stop
}

// id is the id in the path. One that is not well formed is not found.
func (req *request) id(name string) (blog.ID, error) {
	text := chi.URLParam(req.r, name)
	if !blog.ValidID(text) {
		return "", blog.ErrNotFound
	}
	return blog.ID(text), nil
}

// redirect answers a form with 303 See Other, so that reloading the next page does not send the form again.
func (req *request) redirect(path string) error {
	req.w.Header().Set("Location", path)
	req.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// requestTime bounds a request of an author, including lookups on other servers and the decoding of pictures.
const requestTime = 60 * time.Second

// page serves a page that needs no session.
func (h *Handler) page(handle func(*request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Without a deadline, a slow server elsewhere could hold requests and their database connections.
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		req := &request{w: w, r: r.WithContext(ctx), zone: time.UTC, now: h.now()}
		// net/http removes the files of the request that it made. This one is a copy, with another context.
		defer req.cleanup()
		site, err := h.store.Site(ctx)
		if err == nil {
			req.site, req.zone = site, site.Location()
			err = handle(req)
		}
		if err != nil {
			h.fail(req, err)
		}
	}
}

// authed serves a page to signed-in authors. Other people get the sign-in form, and come back to the page afterwards.
func (h *Handler) authed(handle func(*request) error) http.HandlerFunc {
	return h.page(func(req *request) error {
		if err := h.currentSession(req); err != nil {
			return err
		}
		if req.author.ID == "" {
			return h.askToSignIn(req)
		}
		return handle(req)
	})
}

// cleanup removes the temporary files of an upload.
func (req *request) cleanup() {
	if req.r.MultipartForm != nil {
		req.r.MultipartForm.RemoveAll()
	}
}

// frame is what surrounds every page of the admin.
type frame struct {
	Title           string
	Here            string // the menu entry of this page
	Site            blog.Site
	Author          blog.Author
	Face            face
	CommentsWaiting int
	FeaturesAsked   int // collections that wait for the author
	ReportsOpen     int // for moderators
	ServersSilent   int
	MoreSilent      bool // than these
	Toast           *toast
}

// Locale is the language of the admin, which has English only so far.
func (f frame) Locale() string { return "en" }

// IsAdmin reports whether the author may change the settings of the blog.
func (f frame) IsAdmin() bool { return f.Author.Role == blog.Admin }

// MaySeries reports whether the author may change series, which have no owner.
func (f frame) MaySeries() bool { return f.Author.May("") }

// face is a person's picture, or the first letter of the name.
type face struct{ Name, Picture string }

// frame reads what surrounds a page. here is the name of its menu entry.
func (h *Handler) frame(req *request, here, title string) (frame, error) {
	f := frame{Title: title, Here: here, Site: req.site, Author: req.author,
		Face: face{req.author.Name, mediaPath(req.author.Picture)}}
	var err error
	waiting := store.CommentFilter{Voice: req.scope(), States: []blog.CommentState{blog.CommentWaiting}}
	if f.CommentsWaiting, err = h.store.CountComments(req.ctx(), waiting); err != nil {
		return f, err
	}
	if f.FeaturesAsked, err = h.store.CountFeaturesAsked(req.ctx(), req.author.ID); err != nil {
		return f, err
	}
	if f.IsModerator() {
		if f.ReportsOpen, err = h.store.CountReports(req.ctx(),
			store.ReportList{State: blog.ReportOpen}); err != nil {
			return f, err
		}
	}
	silent, err := h.store.CountSilentPeers(req.ctx())
	f.ServersSilent, f.MoreSilent = silent.Silent, silent.More
	// An unknown word shows nothing.
	if words, ok := flashes[req.r.URL.Query().Get("done")]; ok {
		f.Toast = &toast{Words: words}
	}
	return f, err
}

// scope restricts a list to the author's own things. It is "", and so everybody's, for editors and administrators.
func (req *request) scope() blog.ID {
	if req.author.Role == blog.Admin || req.author.Role == blog.Editor {
		return ""
	}
	return req.author.ID
}

func mediaPath(file string) string {
	if file == "" {
		return ""
	}
	return "/media/" + file
}

// ownPath is path if it is a path of the admin, and otherwise the second value.
func ownPath(path, otherwise string) string {
	// Browsers read //host, /\host and a path with a tab or a line break as another host.
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\t\r\n\x00") {
		return otherwise
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil {
		return otherwise
	}
	ours := u.Path == "/admin" || strings.HasPrefix(u.Path, "/admin/") || u.Path == "/authorize_interaction"
	// After decoding, dots could still lead out of /admin.
	if !ours || strings.Contains(u.Path, "..") {
		return otherwise
	}
	return u.RequestURI()
}
