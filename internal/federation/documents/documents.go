// Package documents serves what other servers may read: actors, articles, notes, activities, collections, and discovery
// by WebFinger and NodeInfo. It also decides which requests for a page are answered with ActivityPub instead.
package documents

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/page"
	"causerie/internal/store"
)

// Documents serves actors, posts, activities and collections under /ap/, discovery under /.well-known/ and /nodeinfo/,
// and ActivityPub at the addresses of pages. It changes nothing. Documents are cached like pages.
type Documents struct {
	federation.Core
	keys    *federation.Keyring
	inbox   http.Handler
	cache   *page.Cache
	version string // of this program, for NodeInfo

	// AuthorizedFetch requires a signature from everybody who reads documents. Set it before the first request.
	AuthorizedFetch bool
}

// NewDocuments returns the documents of a site. The keyring verifies the signatures of requests; inbox answers the
// requests to all inboxes.
func NewDocuments(b federation.Core, keys *federation.Keyring, inbox http.Handler, cache *page.Cache,
	version string) *Documents {
	return &Documents{Core: b, keys: keys, inbox: inbox, cache: cache, version: version}
}

// Routes mounts all addresses for other servers, inboxes included.
func (d *Documents) Routes(r chi.Router) {
	r.Route("/ap", d.activityRoutes)
	get := readable(r)
	get("/.well-known/webfinger", d.webfinger)
	get("/.well-known/host-meta", d.hostMeta)
	get("/.well-known/host-meta.json", d.hostMetaJSON)
	get("/.well-known/nodeinfo", d.nodeInfoLinks)
	get("/nodeinfo/{version:2\\.[01]}", d.cache.Handler("nodeinfo", d.nodeInfo, d.fail).ServeHTTP)
}

func (d *Documents) activityRoutes(r chi.Router) {
	// This also wraps the inboxes, but guarded lets them through (openToAll).
	r.Use(d.guarded)
	r.Handle("/inbox", d.inbox)
	r.Handle("/instance/inbox", d.inbox)
	r.Handle("/actors/{actor}/inbox", d.inbox)
	get := readable(r)
	// What is in an inbox is nobody's business, but it is a collection (ActivityPub, section 5.2).
	get("/inbox", d.serve(d.nothing))
	get("/instance/inbox", d.serve(d.nothing))
	get("/actors/{actor}/inbox", d.serve(d.nothingOfActor))
	get("/instance", d.serve(d.instance))
	get("/instance/outbox", d.serve(d.nothing))
	get("/actors/{actor}", d.serve(d.actor))
	get("/actors/{actor}/outbox", d.paged(d.outboxFront, d.outboxPage))
	get("/actors/{actor}/followers", d.paged(d.followers, d.followersAfter))
	get("/actors/{actor}/followers_synchronization", d.followersThere)
	get("/actors/{actor}/following", d.serve(d.following))
	get("/actors/{actor}/featured", d.serve(d.featured))
	get("/actors/{actor}/tags", d.serve(d.tags))
	get("/actors/{actor}/collections", d.serve(d.collections))
	get("/actors/{actor}/collections/authors", d.serve(d.authors))
	get("/actors/{actor}/collections/authors/{stamp}", d.serve(d.authorsItem))
	get("/articles/{object}", d.serveToReaders(d.post))
	get("/articles/{object}/{collection:replies}", d.paged(d.collection, d.repliesAfter))
	get("/articles/{object}/{collection:context}", d.paged(d.collection, d.threadAfter))
	get("/articles/{object}/{collection:likes|shares}", d.serve(d.collection))
	get("/notes/{object}", d.serveToReaders(d.post))
	get("/notes/{object}/{collection:replies}", d.paged(d.collection, d.repliesAfter))
	get("/notes/{object}/{collection:likes|shares}", d.serve(d.collection))
	get("/activities/{activity}", d.serve(d.activity))
	get("/authorizations/{stamp}", d.serve(d.authorization))
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) { nothingHere(w) })
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		federation.WriteError(w, http.StatusMethodNotAllowed, "this can only be read")
	})
}

// readable mounts addresses that can only be read: HEAD is answered like GET.
func readable(r chi.Router) func(pattern string, answer http.HandlerFunc) {
	return func(pattern string, answer http.HandlerFunc) {
		r.Get(pattern, answer)
		r.Head(pattern, answer)
	}
}

// ServePageAddress answers the address of a page with ActivityPub: an article, an author, a series or the front page.
// Only the address that the document has as its url answers with the document. Any other address of the page leads to
// the id: GoToSocial fails when a document has neither as its id nor as its url what it asked for (contract F-125). It
// reports false, and answers nothing, when the page has no ActivityPub form.
func (d *Documents) ServePageAddress(w http.ResponseWriter, r *http.Request) bool {
	var answer http.HandlerFunc
	switch {
	case r.URL.Path == "/":
		answer = d.serve(d.front)
	case blog.SeriesIn(r.URL.Path) != "":
		answer = d.serve(d.seriesAtPage)
	case blog.HandleIn(r.URL.Path) != "":
		answer = d.serve(d.actorAtPage)
	case blog.SlugIn(r.URL.Path) != "":
		answer = d.serve(d.postAtPage)
	default:
		return false
	}
	d.guarded(answer).ServeHTTP(w, r)
	return true
}

// builder builds a document. With blog.ErrGone it may also return a Tombstone.
type builder func(ctx context.Context, r *http.Request) ([]byte, error)

// serve answers GET with a cached document, in the media type that the request asks for.
func (d *Documents) serve(build builder) http.HandlerFunc { return d.serveAs("", build) }

// serveAs is serve with a prefix for the keys in the cache, for a second document at the same address.
func (d *Documents) serveAs(prefix string, build builder) http.HandlerFunc {
	byMediaType, toID := map[string]http.Handler{}, map[string]http.Handler{}
	for _, kind := range []string{activity.ContentType, activity.LinkedDataType} {
		byMediaType[kind] = d.cache.Handler(prefix+kind, d.document(build, kind), d.fail)
		toID[kind] = d.cache.Handler("id of "+prefix+kind, d.document(idOf(build), kind), d.fail)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		isPage, kind := !strings.HasPrefix(r.URL.Path, "/ap/"), activity.MediaType(r.Header.Values("Accept"))
		switch {
		case !isPage && activity.PrefersPage(r.Header.Values("Accept")) && d.toPage(w, r):
		// With a query, or written in another way, it is not the url in the document.
		case isPage && (r.URL.RawQuery != "" || r.URL.RawPath != ""):
			toID[kind].ServeHTTP(w, r)
		default:
			byMediaType[kind].ServeHTTP(w, r)
		}
	}
}

// elsewhere is the id of a document that was asked for at an address that is neither its id nor its url.
type elsewhere string

func (e elsewhere) Error() string { return "the document is at " + string(e) }

// idOf returns a builder that leads to the document of another one.
func idOf(build builder) builder {
	return func(ctx context.Context, r *http.Request) ([]byte, error) {
		body, err := build(ctx, r)
		if err != nil {
			return body, err
		}
		doc, err := activity.Read(body)
		if err != nil {
			return nil, err
		}
		return nil, elsewhere(doc.ID())
	}
}

func (d *Documents) document(build builder, kind string) page.Maker {
	return func(ctx context.Context, r *http.Request) (page.Document, error) {
		body, err := build(ctx, r)
		// The document of an actor contains its key. A server that gets an Update about a new key must not read the old one
		// from a cache, nor one that checks a permission the one that was taken back.
		doc := page.Document{Status: http.StatusOK, Body: body,
			Current: d.isActor(r.URL.Path) || d.isPermission(r.URL.Path),
			Header: http.Header{"Content-Type": {kind}, "Vary": {"Accept, Accept-Encoding"},
				"Access-Control-Allow-Origin": {"*"}, "Cache-Control": {page.ForReaders}}}
		var id elsewhere
		switch {
		case errors.As(err, &id):
			doc.Status = http.StatusSeeOther
			doc.Header.Set("Location", string(id))
			doc.Header.Del("Content-Type")
		case errors.Is(err, blog.ErrGone):
			doc.Status = http.StatusGone
		case errors.Is(err, blog.ErrNotFound):
			doc.Status, doc.Body = http.StatusNotFound, federation.ErrorBody(notFoundText)
			doc.Header.Set("Cache-Control", "no-store") // it may be published at any moment, or be for followers only
		case err != nil:
			return page.Document{}, err
		}
		return doc, nil
	}
}

// fail answers 503 after a failure of our own, such as a database error. Other servers take a 404 for a deletion.
func (d *Documents) fail(w http.ResponseWriter, r *http.Request, err error) {
	d.Log.Error("a document cannot be served", "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", "10")
	federation.WriteError(w, http.StatusServiceUnavailable, "this cannot be read at the moment")
}

func nothingHere(w http.ResponseWriter) {
	federation.WriteError(w, http.StatusNotFound, notFoundText)
}

// notFoundText is the same for what does not exist and for what is hidden, so that nobody can tell them apart.
const notFoundText = "there is nothing here"

func (d *Documents) instance(ctx context.Context, _ *http.Request) ([]byte, error) {
	site, err := d.Store.Site(ctx)
	if err != nil {
		return nil, err
	}
	return activity.Instance(site)
}

// front serves the actor of the front page: the voice of the blog when it has one, else the instance actor.
func (d *Documents) front(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.Store.SiteVoice(ctx)
	if errors.Is(err, blog.ErrNotFound) {
		return d.instance(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	return d.person(ctx, voice)
}

// seriesAtPage serves the voice of a series, if it has one.
func (d *Documents) seriesAtPage(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := federation.VoiceAt(ctx, d.Store, r.URL.Path)
	if err != nil {
		return nil, err
	}
	return d.personAtPage(ctx, r, voice)
}

// personAtPage is person at the address of a page.
func (d *Documents) personAtPage(ctx context.Context, r *http.Request, voice blog.Voice) ([]byte, error) {
	body, err := d.person(ctx, voice)
	if err == nil && d.Site.VoicePage(voice) != d.Site.Page(r.URL.Path) {
		return nil, elsewhere(d.Site.ActorID(voice.ID))
	}
	return body, err
}

func (d *Documents) actor(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.Store.Voice(ctx, blog.ID(chi.URLParam(r, "actor")))
	if err != nil {
		return nil, err
	}
	return d.person(ctx, voice)
}

// liveVoice returns the voice of a request for a collection, or blog.ErrGone when it was deleted.
func (d *Documents) liveVoice(ctx context.Context, r *http.Request) (blog.Voice, error) {
	voice, err := d.Store.Voice(ctx, blog.ID(chi.URLParam(r, "actor")))
	if err == nil && voice.RetiredAt != nil {
		err = blog.ErrGone
	}
	return voice, err
}

func (d *Documents) actorAtPage(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := federation.VoiceAt(ctx, d.Store, r.URL.Path)
	if err != nil {
		return nil, err
	}
	return d.personAtPage(ctx, r, voice)
}

func (d *Documents) person(ctx context.Context, voice blog.Voice) ([]byte, error) {
	person, err := d.Profile(ctx, d.Store, voice)
	if err == nil && voice.RetiredAt != nil {
		if person, err = activity.Tombstone(person, *voice.RetiredAt); err == nil {
			err = blog.ErrGone
		}
	}
	return person, err
}

// post serves the object of an article or a reply, with the current numbers of its replies and reactions.
func (d *Documents) post(ctx context.Context, r *http.Request) ([]byte, error) {
	object, article, err := d.object(ctx, r)
	switch {
	case err != nil:
		return object.Payload, err
	case article.Visibility == blog.Followers:
		return nil, blog.ErrNotFound
	}
	return d.counted(ctx, object)
}

// postAtPage serves the object of an article at the address of its page. The id in the document is that of the object,
// not the address of the page. A former address and that of a translation lead to the id.
func (d *Documents) postAtPage(ctx context.Context, r *http.Request) ([]byte, error) {
	a, err := d.articleAtPage(ctx, r)
	switch {
	case errors.Is(err, blog.ErrGone):
		return federation.ErrorBody("its author withdrew it"), err
	case err != nil:
		return nil, err
	case a.Translated || d.Site.ArticlePath(a) != r.URL.Path:
		return nil, elsewhere(d.Site.ArticleID(a.ObjectID))
	}
	object, err := d.Store.Object(ctx, a.ObjectID)
	if err != nil {
		return nil, err
	}
	return d.counted(ctx, object)
}

// articleAtPage returns the article of a page that everybody may read. The error is blog.ErrGone if it was withdrawn.
func (d *Documents) articleAtPage(ctx context.Context, r *http.Request) (blog.Article, error) {
	a, err := d.Store.HeadBySlug(ctx, federation.LastSegment(r.URL.Path))
	switch {
	case err != nil:
	case a.PublishedAt == nil || a.Visibility == blog.Followers:
		err = blog.ErrNotFound
	case a.Status == blog.Withdrawn || a.Status == blog.Deleted:
		err = blog.ErrGone
	case a.ObjectID == "":
		err = blog.ErrNotFound
	}
	return a, err
}

// object returns the object of a request, as objectOf does.
func (d *Documents) object(ctx context.Context, r *http.Request) (store.Object, blog.Article, error) {
	return d.objectOf(ctx, blog.ID(chi.URLParam(r, "object")))
}

// objectOf returns an object that may be served, and its article. For a deleted object it returns the Tombstone and
// blog.ErrGone. The error is blog.ErrNotFound for private answers, and for everything under an article that is not
// published.
func (d *Documents) objectOf(ctx context.Context, id blog.ID) (store.Object, blog.Article, error) {
	found, err := d.find(ctx, id)
	if err == nil && found.answered {
		return store.Object{}, blog.Article{}, blog.ErrNotFound
	}
	return found.Object, found.article, err
}

// foundObject is an object that somebody may read.
type foundObject struct {
	store.Object
	article  blog.Article
	answered bool // it is a private answer to somebody
}

// private reports whether not everybody may read the object.
func (f foundObject) private() bool { return f.answered || f.article.Visibility == blog.Followers }

// find returns an object with its article. Its errors are those of objectOf, but private answers are found.
func (d *Documents) find(ctx context.Context, id blog.ID) (found foundObject, err error) {
	if found.Object, err = d.Store.Object(ctx, id); err != nil {
		return found, err
	}
	if found.GoneAt != nil {
		return found, blog.ErrGone
	}
	if found.CommentID != "" {
		c, err := d.Store.Comment(ctx, found.CommentID)
		if err != nil {
			return foundObject{}, err
		}
		found.answered = c.Visibility == blog.RestrictedComment && c.State == blog.CommentShown
		if !c.Public() && !found.answered {
			return foundObject{}, blog.ErrNotFound
		}
	}
	// Otherwise a reply of ours would reveal an article that is not published yet, or that was withdrawn.
	if found.article, err = d.Store.Head(ctx, found.ArticleID); err == nil && found.article.Status != blog.Published {
		err = blog.ErrNotFound
	}
	return found, err
}
