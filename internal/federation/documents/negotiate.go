package documents

import (
	"net/http"

	"causerie/internal/activity"
	"causerie/internal/blog"
)

// Negotiate answers requests for ActivityPub with documents, and all others with pages.
func Negotiate(documents *Documents, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
			activity.AsksForActivity(r.Header.Values("Accept")) && documents.Human(w, r) {
			return
		}
		if documents.AuthorizedFetch { // a cache must know that a machine's answer depends on it
			w = &bySignature{ResponseWriter: w}
		}
		pages.ServeHTTP(w, r)
	})
}

// toPage redirects a browser from an ActivityPub address to the page of the same thing. It reports false when there is
// none.
func (d *Documents) toPage(w http.ResponseWriter, r *http.Request) bool {
	address := d.pageOf(r)
	if address == "" {
		return false
	}
	w.Header().Set("Vary", "Accept")
	http.Redirect(w, r, address, http.StatusSeeOther)
	return true
}

func (d *Documents) pageOf(r *http.Request) string {
	kind, id, rest, ok := d.Site.Local(d.Site.URL + r.URL.Path)
	if !ok || rest != "" {
		return ""
	}
	switch kind {
	case "actors":
		if voice, err := d.Store.Voice(r.Context(), id); err == nil && voice.RetiredAt == nil {
			return d.Site.VoicePage(voice)
		}
	case "articles", "notes":
		object, article, err := d.objectOf(r.Context(), id)
		switch {
		case err != nil || article.Visibility == blog.Followers:
			return ""
		case object.CommentID != "":
			return d.Site.CommentPage(article, object.CommentID)
		}
		return d.Site.ArticlePage(article)
	}
	return ""
}
