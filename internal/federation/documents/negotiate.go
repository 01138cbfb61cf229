package documents

import (
	"errors"
	"net/http"
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/page"
)

// Negotiate answers requests for ActivityPub with documents, and all others with pages.
func Negotiate(documents *Documents, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
			activity.AsksForActivity(r.Header.Values("Accept")) && documents.ServePageAddress(w, r) {
			return
		}
		// A cache must know that the ActivityPub answer at the same address depends on a signature.
		if documents.AuthorizedFetch {
			w = &bySignature{ResponseWriter: w}
		}
		pages.ServeHTTP(w, r)
	})
}

// KeptKind returns the kind of document that the cache may send by its path alone, without any of the routes; "" when
// a route must decide.
func (d *Documents) KeptKind(r *http.Request) string {
	accept := r.Header["Accept"]
	switch {
	case d.AuthorizedFetch: // the signature decides, and pages have another Vary
		return ""
	case strings.HasPrefix(r.URL.Path, "/ap/"):
		// The query says which page of a collection; a browser is sent to the web page.
		if r.URL.RawQuery != "" || activity.PrefersPage(accept) {
			return ""
		}
		return activity.MediaType(accept)
	case activity.AsksForActivity(accept):
		if r.URL.RawQuery != "" || r.URL.RawPath != "" { // it leads to the id
			return ""
		}
		return activity.MediaType(accept)
	}
	return page.HTML
}

// toPage redirects a browser from an ActivityPub address to the page of the same thing. It reports false, and answers
// nothing, when there is no such page.
func (d *Documents) toPage(w http.ResponseWriter, r *http.Request) bool {
	address, err := d.pageOf(r)
	switch {
	case errors.Is(err, blog.ErrNotFound), errors.Is(err, blog.ErrGone):
		return false // the caller serves the document, which has the right status
	case err != nil:
		d.fail(w, r, err)
		return true
	}
	w.Header().Set("Vary", "Accept")
	http.Redirect(w, r, address, http.StatusSeeOther)
	return true
}

// pageOf returns the address of the page for people. It returns blog.ErrNotFound or blog.ErrGone when there is none.
func (d *Documents) pageOf(r *http.Request) (string, error) {
	kind, id, rest, ok := d.Site.Local(d.Site.URL + r.URL.Path)
	if !ok || rest != "" {
		return "", blog.ErrNotFound
	}
	switch kind {
	case "actors":
		voice, err := d.Store.Voice(r.Context(), id)
		if err != nil {
			return "", err
		}
		if voice.RetiredAt != nil {
			return "", blog.ErrGone
		}
		return d.Site.VoicePage(voice), nil
	case "articles", "notes":
		object, article, err := d.objectOf(r.Context(), id)
		switch {
		case err != nil:
			return "", err
		case article.Visibility == blog.Followers:
			return "", blog.ErrNotFound // a redirect would reveal that the article exists
		case object.CommentID != "":
			return d.Site.CommentPage(article, object.CommentID), nil
		}
		return d.Site.ArticlePage(article), nil
	}
	return "", blog.ErrNotFound
}
