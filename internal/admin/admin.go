// Package admin is the part of the site where authors work: they sign in, write, publish, and moderate comments. It
// reads the store, and changes what other servers see through the outbox.
//
// Each page is one file: its handler stands beside the struct that its template shows. A handler gets a request,
// which knows the author, the site and the time zone, and returns an error. errors.go turns the error into a page.
// Every page works without scripts. A form with errors comes back with everything that was typed.
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"causerie/internal/authoring"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/media"
	"causerie/internal/page"
	"causerie/internal/store"
)

// Handler serves the pages of the admin.
type Handler struct {
	Now  func() time.Time                           // the clock; New sets time.Now
	Log  *slog.Logger                               // New sets slog.Default
	Wait func(context.Context, time.Duration) error // sleeps before a guess is compared; tests replace it

	store         *store.Store
	outbox        *outbox.Outbox
	library       *media.Library
	pages         *page.Set
	address       blog.Site           // for the addresses, which never change; what can change is read for each request
	hashStrangers *semaphore.Weighted // limits how many passwords of strangers are hashed at once
	hashKnown     *semaphore.Weighted // the same for known browsers and sessions, so strangers never keep them waiting
	keeping       *semaphore.Weighted // limits how many forms are kept at once while their authors sign in
	pressed       singleflight.Group  // publications under way, for a button that is pressed twice
	waiting       atomic.Int32        // strangers who wait for their guess to be compared
}

// New makes the admin of a site. Set Now, Log and Wait afterwards if they differ from the defaults.
func New(site blog.Site, store *store.Store, outbox *outbox.Outbox, library *media.Library, pages *page.Set) *Handler {
	return &Handler{Now: time.Now, Log: slog.Default(), Wait: wait, store: store, outbox: outbox, library: library,
		pages: pages, address: site,
		hashStrangers: semaphore.NewWeighted(hashesOfStrangers), hashKnown: semaphore.NewWeighted(hashesOfKnown),
		keeping: semaphore.NewWeighted(keptForms)}
}

const (
	signedOutLimit = 8 << 10 // bytes of a form of somebody who is not signed in: a name, a password, a token

	keptForms = 2 // that are kept at once while their authors sign in

	formLimit   = 4 << 20  // bytes of a form without files: a megabyte of text, encoded
	uploadLimit = 32 << 20 // with files: above the limit for a picture, so that one too large is an error of its field
)

// Routes are all addresses of the admin: /login, /admin and all below them, and /authorize_interaction. The paths are
// whole: do not strip a prefix from the requests.
func (h *Handler) Routes() chi.Router {
	r := chi.NewRouter()
	// The order matters: headers come first, so that also the refusal of a cross-origin request carries them.
	r.Use(page.SecurityHeaders(h.secure()).Wrap, private, h.sameOrigin, page.HeadAsGet)
	r.NotFound(h.page(func(*request) error { return blog.ErrNotFound }))
	r.MethodNotAllowed(h.page(func(req *request) error {
		page.SetAllow(req.w, req.r, r)
		return errMethod
	}))

	signedOut := r.With(limited(signedOutLimit))
	signedOut.Get("/login", h.page(h.showLogin))
	signedOut.Get("/login/link", h.page(h.showLink))
	signedOut.Post("/login/link", h.page(h.useLink))
	signedOut.Get("/admin/first-run", h.page(h.showFirstRun))
	signedOut.Post("/admin/first-run", h.page(h.firstRun))
	signedOut.Post("/admin/sign-out", h.page(h.signOut))
	r.Post("/login", h.page(h.signIn)) // signIn limits the body itself: by what it knows of the browser

	plain := r.With(limited(formLimit))
	plain.Get("/admin", h.authed(h.today))
	// chi has two routes for /admin and /admin/, and people type both.
	plain.Get("/admin/", h.authed(h.today))
	plain.Get("/admin/more", h.authed(h.more))

	plain.Get("/admin/articles", h.authed(h.articles))
	plain.Get("/admin/articles/new", h.authed(h.newArticle))
	plain.Get("/admin/articles/{article}", h.authed(h.editArticle))
	plain.Get("/admin/articles/{article}/preview", h.authed(h.previewArticle))
	plain.Get("/admin/articles/{article}/publish", h.authed(h.showPublish))
	plain.Post("/admin/articles/{article}/publish", h.authed(h.publish))
	plain.Post("/admin/articles/{article}/unschedule", h.authed(h.unschedule))
	plain.Get("/admin/articles/{article}/texts/{language}", h.authed(h.editTranslation))
	plain.Post("/admin/articles/{article}/texts/{language}", h.authed(h.saveTranslation))
	plain.Get("/admin/articles/{article}/texts/{language}/preview", h.authed(h.previewTranslation))
	plain.Post("/admin/articles/{article}/texts/{language}/remove", h.authed(h.removeTranslation))
	plain.Get("/admin/articles/{article}/versions", h.authed(h.versions))
	plain.Get("/admin/articles/{article}/versions/{language}/{number}", h.authed(h.oneVersion))
	plain.Post("/admin/articles/{article}/pin", h.authed(h.pin))
	plain.Post("/admin/articles/{article}/byline", h.authed(h.answerByline))
	plain.Get("/admin/articles/{article}/withdraw", h.authed(h.showWithdraw))
	plain.Post("/admin/articles/{article}/withdraw", h.authed(h.withdraw))
	plain.Post("/admin/articles/{article}/delete", h.authed(h.deleteArticle))
	plain.Get("/admin/articles/{article}/report", h.authed(h.deliveries))
	plain.Post("/admin/articles/{article}/report/retry", h.authed(h.retry))
	plain.Post("/admin/articles/{article}/report/replies", h.authed(h.fetchReplies))

	plain.Get("/admin/series", h.authed(h.allSeries))
	plain.Get("/admin/series/{series}", h.authed(h.showSeries))
	plain.Post("/admin/series/{series}", h.authed(h.saveSeries))
	plain.Post("/admin/series/{series}/voice", h.authed(h.switchSeries))
	plain.Post("/admin/series/{series}/delete", h.authed(h.deleteSeries))

	plain.Get("/admin/comments", h.authed(h.comments))
	plain.Get("/admin/comments/{comment}", h.authed(h.showComment))
	plain.Post("/admin/comments/{comment}/state", h.authed(h.moderate))
	plain.Post("/admin/comments/{comment}/reply", h.authed(h.reply))
	plain.Post("/admin/comments/{comment}/edit", h.authed(h.editReply))
	plain.Post("/admin/comments/{comment}/revoke", h.authed(h.revokeQuote))
	plain.Post("/admin/comments/{comment}/delete", h.authed(h.deleteComment))
	plain.Post("/admin/comments/{comment}/report", h.authed(h.sendReport))
	plain.Get("/admin/mentions", h.authed(h.mentions))
	plain.Post("/admin/mentions/{mention}", h.authed(h.hideMention))
	plain.Get("/admin/reports", h.moderators(h.reports))
	plain.Post("/admin/reports/{report}", h.moderators(h.resolve))
	plain.Get("/admin/blocks", h.moderators(h.blocks))
	plain.Post("/admin/blocks", h.moderators(h.block))
	plain.Get("/admin/blocks.csv", h.moderators(h.exportBlocks))
	plain.Get("/admin/blocks/new", h.moderators(h.showBlock))
	plain.Post("/admin/blocks/undo", h.moderators(h.unblock))
	plain.Get("/admin/followers", h.authed(h.followers))
	plain.Post("/admin/followers", h.authed(h.answerFollower))
	plain.Get("/admin/featured", h.authed(h.featured))
	plain.Post("/admin/featured/{feature}", h.authed(h.answerFeature))
	plain.Get("/admin/following", h.authed(h.following))
	plain.Get("/authorize_interaction", h.authed(h.interact))
	plain.Post("/authorize_interaction", h.authed(h.doInteract))
	plain.Get("/admin/network", h.authed(h.network))
	plain.Post("/admin/network/aside", h.authed(h.decideAside))

	plain.Get("/admin/pictures", h.authed(h.pictures))
	plain.Post("/admin/pictures/{picture}", h.authed(h.describePicture))
	plain.Get("/admin/profile", h.authed(h.showProfile))
	plain.Get("/admin/identity", h.authed(h.showIdentity))
	plain.Post("/admin/identity/handle", h.authed(h.rename))
	plain.Post("/admin/identity/aliases", h.authed(h.changeAliases))
	plain.Post("/admin/identity/move", h.authed(h.moveAway))
	plain.Post("/admin/identity/leave", h.authed(h.leave))
	plain.Get("/admin/account", h.authed(h.showAccount))
	plain.Post("/admin/account/password", h.authed(h.changePassword))
	plain.Post("/admin/account/hold", h.authed(h.saveHold))
	plain.Get("/admin/settings", h.authed(h.showSettings))
	plain.Post("/admin/settings", h.authed(h.saveSettings))
	plain.Post("/admin/settings/voice", h.authed(h.switchSite))
	plain.Post("/admin/settings/authors", h.authed(h.switchAuthors))

	// These forms have file fields, or are sent from a page that has some.
	files := r.With(limited(uploadLimit))
	files.Post("/admin/articles/{article}", h.authed(h.saveArticle))
	files.Post("/admin/articles/{article}/undo", h.authed(h.undo))
	files.Post("/admin/blocks/import", h.moderators(h.importBlocks))
	files.Post("/admin/pictures", h.authed(h.addPicture))
	files.Post("/admin/profile", h.authed(h.saveProfile))
	return r
}

// secure reports whether the site is served over https.
func (h *Handler) secure() bool { return strings.HasPrefix(h.address.URL, "https://") }

// now is the time in microseconds, the precision that PostgreSQL keeps.
func (h *Handler) now() time.Time { return h.Now().UTC().Truncate(time.Microsecond) }

// authoring returns the service that writes articles, with the clock of the handler.
func (h *Handler) authoring() authoring.Service {
	return authoring.Service{Site: h.address, Store: h.store, Outbox: h.outbox, Now: h.now}
}

// private keeps pages out of every cache and out of frames: they show what only one author may see.
func private(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-store")
		// For old browsers: new ones obey frame-ancestors in the Content-Security-Policy.
		w.Header().Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

// limited is middleware that bounds the body of a request, in bytes.
func limited(bytes int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, bytes)
			next.ServeHTTP(w, r)
		})
	}
}
