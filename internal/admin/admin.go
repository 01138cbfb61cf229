// Package admin is the author's desk: signing in, writing, publishing, and looking after what comes back. It reads the
// store, and whatever the world should hear it says through the outbox.
//
// A page is a file: its handler and the struct that its template shows stand side by side. Handlers are given a visit
// (who asks, on which site, in which time zone) and return an error; trouble.go turns that into a page, in one place.
// Every page is a form or a list that works without a script, and a form that cannot be taken comes back with every
// word still in it.
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/sync/semaphore"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/media"
	"causerie/internal/page"
	"causerie/internal/store"
)

// Desk answers authors.
type Desk struct {
	Now  func() time.Time                           // the clock; time.Now unless set
	Log  *slog.Logger                               // slog.Default unless set
	Wait func(context.Context, time.Duration) error // waits before a guess is compared; the real time unless set

	store         *store.Store
	outbox        *outbox.Outbox
	library       *media.Library
	pages         *page.Set
	address       blog.Site           // the site's addresses, which never change; its name is read where it is shown
	hashStrangers *semaphore.Weighted // passwords of strangers being hashed
	hashKnown     *semaphore.Weighted // passwords of those who are known, so that strangers never keep them waiting
	waiting       atomic.Int32        // strangers at the door
}

// New makes the desk of a site.
func New(site blog.Site, store *store.Store, outbox *outbox.Outbox, library *media.Library, pages *page.Set) *Desk {
	return &Desk{Now: time.Now, Log: slog.Default(), Wait: wait, store: store, outbox: outbox, library: library, pages: pages, address: site,
		hashStrangers: semaphore.NewWeighted(hashesOfStrangers), hashKnown: semaphore.NewWeighted(hashesOfOurs)}
}

const (
	formLimit   = 4 << 20  // bytes of a form without files: a megabyte of text, encoded
	uploadLimit = 32 << 20 // with files: enough to refuse a picture in words, with the form still filled in
)

// Routes are all addresses of the desk: /login and /admin with what lies below them, and /authorize_interaction. They are whole paths: hand the
// requests over as they came.
func (d *Desk) Routes() chi.Router {
	r := chi.NewRouter()
	r.Use(page.Guard(d.secure()), private, d.sameOrigin, middleware.GetHead)
	r.NotFound(d.knocked(func(*visit) error { return blog.ErrNotFound }))
	r.MethodNotAllowed(d.knocked(func(*visit) error { return errMethod }))

	plain := r.With(limited(formLimit))
	plain.Get("/login", d.knocked(d.showDoor))
	plain.Post("/login", d.knocked(d.signIn))
	plain.Get("/login/link", d.knocked(d.showLink))
	plain.Post("/login/link", d.knocked(d.useLink))
	plain.Get("/admin/first-run", d.knocked(d.showFirstRun))
	plain.Post("/admin/first-run", d.knocked(d.firstRun))
	plain.Post("/admin/sign-out", d.knocked(d.signOut))

	plain.Get("/admin", d.signedIn(d.today))
	plain.Get("/admin/", d.signedIn(d.today))
	plain.Get("/admin/more", d.signedIn(d.more))

	plain.Get("/admin/articles", d.signedIn(d.articles))
	plain.Get("/admin/articles/new", d.signedIn(d.newArticle))
	plain.Get("/admin/articles/{article}", d.signedIn(d.editArticle))
	plain.Get("/admin/articles/{article}/preview", d.signedIn(d.previewArticle))
	plain.Get("/admin/articles/{article}/publish", d.signedIn(d.showPublish))
	plain.Post("/admin/articles/{article}/publish", d.signedIn(d.publish))
	plain.Post("/admin/articles/{article}/unschedule", d.signedIn(d.unschedule))
	plain.Get("/admin/articles/{article}/texts/{language}", d.signedIn(d.editTranslation))
	plain.Post("/admin/articles/{article}/texts/{language}", d.signedIn(d.saveTranslation))
	plain.Get("/admin/articles/{article}/texts/{language}/preview", d.signedIn(d.previewTranslation))
	plain.Post("/admin/articles/{article}/texts/{language}/remove", d.signedIn(d.removeTranslation))
	plain.Get("/admin/articles/{article}/versions", d.signedIn(d.versions))
	plain.Get("/admin/articles/{article}/versions/{language}/{number}", d.signedIn(d.oneVersion))
	plain.Post("/admin/articles/{article}/pin", d.signedIn(d.pin))
	plain.Get("/admin/articles/{article}/withdraw", d.signedIn(d.showWithdraw))
	plain.Post("/admin/articles/{article}/withdraw", d.signedIn(d.withdraw))
	plain.Post("/admin/articles/{article}/delete", d.signedIn(d.deleteArticle))
	plain.Get("/admin/articles/{article}/report", d.signedIn(d.report))
	plain.Post("/admin/articles/{article}/report/retry", d.signedIn(d.retry))
	plain.Post("/admin/articles/{article}/report/replies", d.signedIn(d.fetchReplies))

	plain.Get("/admin/series", d.signedIn(d.allSeries))
	plain.Get("/admin/series/{series}", d.signedIn(d.showSeries))
	plain.Post("/admin/series/{series}", d.signedIn(d.saveSeries))
	plain.Post("/admin/series/{series}/voice", d.signedIn(d.switchSeries))

	plain.Get("/admin/comments", d.signedIn(d.comments))
	plain.Get("/admin/comments/{comment}", d.signedIn(d.showComment))
	plain.Post("/admin/comments/{comment}/state", d.signedIn(d.moderate))
	plain.Post("/admin/comments/{comment}/reply", d.signedIn(d.reply))
	plain.Post("/admin/comments/{comment}/edit", d.signedIn(d.editReply))
	plain.Post("/admin/comments/{comment}/revoke", d.signedIn(d.revokeQuote))
	plain.Post("/admin/comments/{comment}/delete", d.signedIn(d.deleteComment))
	plain.Post("/admin/comments/{comment}/report", d.signedIn(d.complain))
	plain.Get("/admin/mentions", d.signedIn(d.mentions))
	plain.Post("/admin/mentions/{mention}", d.signedIn(d.hideMention))
	plain.Get("/admin/reports", d.moderators(d.complaints))
	plain.Post("/admin/reports/{report}", d.moderators(d.resolve))
	plain.Get("/admin/blocks", d.moderators(d.blocks))
	plain.Post("/admin/blocks", d.moderators(d.block))
	plain.Get("/admin/blocks.csv", d.moderators(d.exportBlocks))
	plain.Get("/admin/blocks/new", d.moderators(d.showBlock))
	plain.Post("/admin/blocks/undo", d.moderators(d.unblock))
	plain.Get("/admin/followers", d.signedIn(d.followers))
	plain.Post("/admin/followers", d.signedIn(d.answerFollower))
	plain.Get("/admin/following", d.signedIn(d.following))
	plain.Get("/authorize_interaction", d.signedIn(d.interact))
	plain.Post("/authorize_interaction", d.signedIn(d.doInteract))
	plain.Get("/admin/network", d.signedIn(d.network))
	plain.Post("/admin/network/aside", d.signedIn(d.decideAside))

	plain.Get("/admin/pictures", d.signedIn(d.pictures))
	plain.Post("/admin/pictures/{picture}", d.signedIn(d.describePicture))
	plain.Get("/admin/profile", d.signedIn(d.showProfile))
	plain.Get("/admin/identity", d.signedIn(d.showIdentity))
	plain.Post("/admin/identity/handle", d.signedIn(d.rename))
	plain.Post("/admin/identity/aliases", d.signedIn(d.changeAliases))
	plain.Post("/admin/identity/move", d.signedIn(d.moveAway))
	plain.Post("/admin/identity/leave", d.signedIn(d.leave))
	plain.Get("/admin/account", d.signedIn(d.showAccount))
	plain.Post("/admin/account/password", d.signedIn(d.changePassword))
	plain.Post("/admin/account/hold", d.signedIn(d.saveHold))
	plain.Get("/admin/settings", d.signedIn(d.showSettings))
	plain.Post("/admin/settings", d.signedIn(d.saveSettings))
	plain.Post("/admin/settings/voice", d.signedIn(d.switchSite))

	files := r.With(limited(uploadLimit))
	files.Post("/admin/articles/{article}", d.signedIn(d.saveArticle))
	files.Post("/admin/articles/{article}/undo", d.signedIn(d.undo))
	files.Post("/admin/blocks/import", d.moderators(d.importBlocks))
	files.Post("/admin/pictures", d.signedIn(d.addPicture))
	files.Post("/admin/profile", d.signedIn(d.saveProfile))
	return r
}

// secure tells whether the site is served over https.
func (d *Desk) secure() bool { return strings.HasPrefix(d.address.URL, "https://") }

func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }

// private keeps what one author sees out of every cache.
func private(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-store")
		w.Header().Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what another site's page makes a browser send.
func (d *Desk) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(d.address.URL); err != nil { // ours, also when a proxy rewrites Host
		d.Log.Error("the site's address is no origin", "url", d.address.URL, "error", err)
	}
	guard.SetDenyHandler(d.knocked(func(*visit) error { return errCrossOrigin }))
	return guard.Handler(next)
}

// limited bounds the body of a request.
func limited(bytes int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, bytes)
			next.ServeHTTP(w, r)
		})
	}
}
