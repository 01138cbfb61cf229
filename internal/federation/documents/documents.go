// Package documents serves what other servers may read: actors, articles, notes, activities, collections, and
// discovery by WebFinger and NodeInfo. It also decides which requests for the address of a page get ActivityPub.
package documents

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/page"
	"causerie/internal/store"
)

// Documents serves what other servers may read: actors, posts, activities and collections under /ap/, discovery under
// /.well-known/ and /nodeinfo/, and the ActivityPub answer at the addresses of pages. It only reads. Finished
// documents are cached like pages.
type Documents struct {
	federation.Core
	keys    *federation.Keyring
	inbox   http.Handler
	cache   *page.Cache
	version string // of this program, for NodeInfo

	// AuthorizedFetch demands a signature of whoever reads documents. Set it before anything is served.
	AuthorizedFetch bool
}

// NewDocuments returns the documents of a site. The keyring verifies the signatures of requests; inbox answers
// requests to the inboxes.
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
	// The inboxes are below it too: guarded lets them through.
	r.Use(d.guarded)
	r.Handle("/inbox", d.inbox)
	r.Handle("/instance/inbox", d.inbox)
	r.Handle("/actors/{actor}/inbox", d.inbox)
	get := readable(r)
	get("/instance", d.serve(d.instance))
	get("/instance/outbox", d.serve(d.nothing))
	get("/actors/{actor}", d.serve(d.actor))
	get("/actors/{actor}/outbox", d.paged(d.outboxFront, d.outboxPage))
	get("/actors/{actor}/followers", d.paged(d.followers, d.followersAfter))
	get("/actors/{actor}/followers_synchronization", d.followersThere)
	get("/actors/{actor}/following", d.serve(d.following))
	get("/actors/{actor}/featured", d.serve(d.featured))
	get("/actors/{actor}/tags", d.serve(d.tags))
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

// Human answers the address of a page as ActivityPub: the page of an article, an author or a series, or the front
// page. It reports false when the address has no such answer, so that the page is served instead.
func (d *Documents) Human(w http.ResponseWriter, r *http.Request) bool {
	var answer http.HandlerFunc
	switch {
	case r.URL.Path == "/":
		answer = d.serve(d.front)
	case seriesPath.MatchString(r.URL.Path):
		answer = d.serve(d.humanSeries)
	case strings.HasPrefix(r.URL.Path, "/@") && !strings.Contains(r.URL.Path[1:], "/"):
		answer = d.serve(d.humanActor)
	case federation.ArticlePath.MatchString(r.URL.Path):
		answer = d.serve(d.humanPost)
	default:
		return false
	}
	d.guarded(answer).ServeHTTP(w, r)
	return true
}

var seriesPath = regexp.MustCompile(`^/series/[^/]+$`)

// maker makes a document. With blog.ErrGone it may return a Tombstone as well.
type maker func(ctx context.Context, r *http.Request) ([]byte, error)

// serve answers GET with a cached document, in the media type that the request asks for.
func (d *Documents) serve(make maker) http.HandlerFunc { return d.serveAs("", make) }

// serveAs is serve with a key prefix in the cache, for a second document at the same address.
func (d *Documents) serveAs(what string, make maker) http.HandlerFunc {
	byMediaType := map[string]http.Handler{}
	for _, kind := range []string{activity.ContentType, activity.LinkedDataType} {
		byMediaType[kind] = d.cache.Handler(what+kind, d.document(make, kind), d.fail)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/ap/") && activity.PrefersPage(r.Header.Values("Accept")) && d.toPage(w, r) {
			return
		}
		byMediaType[activity.MediaType(r.Header.Values("Accept"))].ServeHTTP(w, r)
	}
}

func (d *Documents) document(make maker, kind string) page.Maker {
	return func(ctx context.Context, r *http.Request) (page.Document, error) {
		body, err := make(ctx, r)
		// An actor has its key. A server that gets an Update about a new key must not read the old one from a cache.
		doc := page.Document{Status: http.StatusOK, Body: body, Current: d.isActor(r.URL.Path),
			Header: http.Header{"Content-Type": {kind}, "Vary": {"Accept, Accept-Encoding"},
				"Access-Control-Allow-Origin": {"*"}, "Cache-Control": {page.ForReaders}}}
		switch {
		case errors.Is(err, blog.ErrGone):
			doc.Status = http.StatusGone
		case errors.Is(err, blog.ErrNotFound):
			doc.Status, doc.Body = http.StatusNotFound, federation.ErrorBody(notFoundText)
			doc.Header.Set("Cache-Control", "no-store") // it may be published at any moment, or exist for followers
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

// notFoundText is the same for what does not exist and for what is hidden.
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

// humanSeries serves the voice of a series, if it has one.
func (d *Documents) humanSeries(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.voiceOfSeries(ctx, federation.LastSegment(r.URL.Path))
	if err != nil {
		return nil, err
	}
	return d.person(ctx, voice)
}

func (d *Documents) voiceOfSeries(ctx context.Context, slug string) (blog.Voice, error) {
	series, err := d.Store.SeriesBySlug(ctx, slug)
	if err != nil {
		return blog.Voice{}, err
	}
	return d.Store.SeriesVoice(ctx, series.ID)
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

func (d *Documents) humanActor(ctx context.Context, r *http.Request) ([]byte, error) {
	// Handles are stored in lower case, and people write them in any.
	voice, err := d.Store.VoiceByHandle(ctx, strings.ToLower(strings.TrimPrefix(r.URL.Path, "/@")))
	if err != nil {
		return nil, err
	}
	return d.person(ctx, voice)
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

// post serves the object of an article or a reply with its current counts.
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

// humanPost serves the object of an article at the address of its page, also a former one. The document has the id of
// the article.
func (d *Documents) humanPost(ctx context.Context, r *http.Request) ([]byte, error) {
	a, err := d.Store.HeadBySlug(ctx, federation.LastSegment(r.URL.Path))
	switch {
	case err != nil:
		return nil, err
	case a.PublishedAt == nil || a.Visibility == blog.Followers:
		return nil, blog.ErrNotFound
	case a.Status == blog.Withdrawn || a.Status == blog.Deleted:
		return federation.ErrorBody("its author withdrew it"), blog.ErrGone
	case a.ObjectID == "":
		return nil, blog.ErrNotFound
	}
	object, err := d.Store.Object(ctx, a.ObjectID)
	if err != nil {
		return nil, err
	}
	return d.counted(ctx, object)
}

// object returns the object of a request, as objectOf does.
func (d *Documents) object(ctx context.Context, r *http.Request) (store.Object, blog.Article, error) {
	return d.objectOf(ctx, blog.ID(chi.URLParam(r, "object")))
}

// objectOf returns an object that may be served. A deleted one comes with blog.ErrGone and its Tombstone. The error
// is blog.ErrNotFound for restricted replies, and for everything under an article that is not published.
func (d *Documents) objectOf(ctx context.Context, id blog.ID) (store.Object, blog.Article, error) {
	object, err := d.Store.Object(ctx, id)
	if err != nil {
		return object, blog.Article{}, err
	}
	if object.GoneAt != nil {
		return object, blog.Article{}, blog.ErrGone
	}
	if object.CommentID != "" {
		c, err := d.Store.Comment(ctx, object.CommentID)
		if err != nil {
			return store.Object{}, blog.Article{}, err
		}
		if !c.Public() {
			return store.Object{}, blog.Article{}, blog.ErrNotFound
		}
	}
	a, err := d.Store.Head(ctx, object.ArticleID)
	// A reply of ours must not show that there was an article before it was published or after it was withdrawn.
	if err == nil && a.Status != blog.Published {
		err = blog.ErrNotFound
	}
	return object, a, err
}
