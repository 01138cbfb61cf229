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

// request is one request, with what every page of the admin needs to know.
type request struct {
	w      http.ResponseWriter
	r      *http.Request
	site   blog.Site
	author blog.Author    // who is signed in; zero at the door
	browse store.Session  // this browser's sign-in; zero at the door
	zone   *time.Location // the author's, or the site's
	now    time.Time
}

func (req *request) ctx() context.Context { return req.r.Context() }

// id is an id of ours in the path; what cannot be one is not found.
func (req *request) id(name string) (blog.ID, error) {
	text := chi.URLParam(req.r, name)
	if !blog.ValidID(text) {
		return "", blog.ErrNotFound
	}
	return blog.ID(text), nil
}

// redirect answers a form by leading to a page, where the words of note are shown.
func (req *request) redirect(path string) error {
	req.w.Header().Set("Location", path)
	req.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// requestTime bounds what one request of an author may take, mentions looked up on the network and pictures included.
const requestTime = 60 * time.Second

// page serves a page that needs nobody signed in.
func (h *Handler) page(handle func(*request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		req := &request{w: w, r: r.WithContext(ctx), zone: time.UTC, now: h.now()}
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

// authed serves a page of the admin; whoever is not signed in finds the door, and behind it what they came for.
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

// frame is what stands around every page of the admin.
type frame struct {
	Title           string
	Here            string // the menu's word for this page
	Site            blog.Site
	Author          blog.Author
	Face            face
	CommentsWaiting int
	ReportsOpen     int // for moderators
	ServersSilent   int
	Toast           *toast
}

// Locale makes the admin speak English, the one language it has so far.
func (f frame) Locale() string { return "en" }

// IsAdmin reports whether the settings of the site are open to the author.
func (f frame) IsAdmin() bool { return f.Author.Role == blog.Admin }

// MaySeries reports whether the author may change series, which are nobody's own.
func (f frame) MaySeries() bool { return f.Author.May("") }

// face is somebody's picture, or the first letter of their name.
type face struct{ Name, Picture string }

// frame begins a page of the admin.
func (h *Handler) frame(req *request, here, title string) (frame, error) {
	f := frame{Title: title, Here: here, Site: req.site, Author: req.author,
		Face: face{req.author.Name, mediaPath(req.author.Picture)}}
	var err error
	waiting := store.CommentList{Voice: req.scope(), States: []blog.CommentState{blog.CommentWaiting}}
	if f.CommentsWaiting, err = h.store.CountComments(req.ctx(), waiting); err != nil {
		return f, err
	}
	if f.IsModerator() {
		if f.ReportsOpen, err = h.store.CountComplaints(req.ctx(),
			store.ComplaintList{State: blog.ComplaintOpen}); err != nil {
			return f, err
		}
	}
	silent, err := h.store.CountSilentPeers(req.ctx())
	f.ServersSilent = silent.Silent
	if words, ok := done[req.r.URL.Query().Get("done")]; ok {
		f.Toast = &toast{Words: words}
	}
	return f, err
}

// scope narrows a list to the author's own things; editors and administrators see everybody's.
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

// ownPath is a path on this site to lead a browser to, or the given other one: nothing that a browser could read as
// another host gets through.
func ownPath(path, otherwise string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\t\r\n\x00") {
		return otherwise
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil {
		return otherwise
	}
	ours := u.Path == "/admin" || strings.HasPrefix(u.Path, "/admin/") || u.Path == "/authorize_interaction"
	if !ours || strings.Contains(u.Path, "..") {
		return otherwise
	}
	return u.RequestURI()
}
