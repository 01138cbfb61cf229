package federation

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/store"
)

// Documents serves what other servers may read: actors, posts, activities and collections under /ap/, discovery under
// /.well-known/ and /nodeinfo/, and the ActivityPub answer of human addresses. It only reads. Documents are kept
// finished, like pages; no builder of go-fed runs here.
type Documents struct {
	Base
	inbox   *Inbox
	kept    *page.Kept
	version string // of this program, for NodeInfo
}

// NewDocuments makes the documents of a site. The inbox judges the signatures of those who ask for followers-only words.
func NewDocuments(b Base, inbox *Inbox, kept *page.Kept, version string) *Documents {
	return &Documents{Base: b, inbox: inbox, kept: kept, version: version}
}

// Routes mounts everything that only machines ask for, the inboxes among it.
func (d *Documents) Routes(r chi.Router) {
	r.Route("/ap", func(r chi.Router) {
		r.Handle("/inbox", d.inbox)
		r.Handle("/instance/inbox", d.inbox)
		r.Handle("/actors/{actor}/inbox", d.inbox)
		r.Get("/instance", d.serve(d.instance))
		r.Get("/instance/outbox", d.serve(d.empty))
		r.Get("/actors/{actor}", d.serve(d.actor))
		r.Get("/actors/{actor}/outbox", d.paged(d.outboxFront, d.outboxPage))
		r.Get("/actors/{actor}/followers", d.serve(d.followers))
		r.Get("/actors/{actor}/following", d.serve(d.following))
		r.Get("/actors/{actor}/featured", d.serve(d.empty))
		r.Get("/actors/{actor}/tags", d.serve(d.empty))
		r.Get("/articles/{object}", d.open(d.post))
		r.Get("/articles/{object}/{collection:replies}", d.paged(d.collection, d.repliesAfter))
		r.Get("/articles/{object}/{collection:likes|shares|context}", d.serve(d.collection))
		r.Get("/notes/{object}", d.open(d.post))
		r.Get("/notes/{object}/{collection:replies}", d.paged(d.collection, d.repliesAfter))
		r.Get("/notes/{object}/{collection:likes|shares}", d.serve(d.collection))
		r.Get("/activities/{activity}", d.serve(d.activity))
		r.NotFound(func(w http.ResponseWriter, r *http.Request) {
			writeError(w, http.StatusNotFound, "there is nothing here")
		})
		r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			writeError(w, http.StatusMethodNotAllowed, "this can only be read")
		})
	})
	r.Get("/.well-known/webfinger", d.webfinger)
	r.Get("/.well-known/host-meta", d.hostMeta)
	r.Get("/.well-known/host-meta.json", d.hostMetaJSON)
	r.Get("/.well-known/nodeinfo", d.nodeInfoLinks)
	r.Get("/nodeinfo/{version:2\\.[01]}", d.nodeInfo)
}

// Human answers a human address as ActivityPub, for those who ask for it: an article's page, an author's, the front page.
// false when the address has no such answer, so that the page is served instead.
func (d *Documents) Human(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.URL.Path == "/":
		d.serve(d.instance)(w, r)
	case strings.HasPrefix(r.URL.Path, "/@") && !strings.Contains(r.URL.Path[1:], "/"):
		d.serve(d.humanActor)(w, r)
	case articlePath.MatchString(r.URL.Path):
		d.serve(d.humanPost)(w, r)
	default:
		return false
	}
	return true
}

var articlePath = regexp.MustCompile(`^/\d{4}/\d{2}/[^/]+$`)

// maker makes a document's bytes; blog.ErrNotFound and blog.ErrGone are its 404 and 410. Bytes beside ErrGone are the
// tombstone.
type maker func(ctx context.Context, r *http.Request) ([]byte, error)

// serve answers GET with a kept document, in the media type that was asked for.
func (d *Documents) serve(make maker) http.HandlerFunc {
	kinds := map[string]http.Handler{}
	for _, kind := range []string{activity.ContentType, linkedData} {
		kinds[kind] = d.kept.Handler(kind, d.document(make, kind), d.fail)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/ap/") && prefersPage(r) && d.toPage(w, r) {
			return
		}
		kinds[mediaType(r)].ServeHTTP(w, r)
	}
}

func (d *Documents) document(make maker, kind string) page.Maker {
	return func(ctx context.Context, r *http.Request) (page.Document, error) {
		body, err := make(ctx, r)
		doc := page.Document{Status: http.StatusOK, Body: body, Header: http.Header{"Content-Type": {kind}, "Vary": {"Accept, Accept-Encoding"},
			"Access-Control-Allow-Origin": {"*"}, "Cache-Control": {"public, max-age=180"}}}
		switch {
		case errors.Is(err, blog.ErrGone):
			doc.Status = http.StatusGone
		case errors.Is(err, blog.ErrNotFound):
			doc.Status, doc.Body = http.StatusNotFound, errorBody("there is nothing here")
		case err != nil:
			return page.Document{}, err
		}
		return doc, nil
	}
}

func (d *Documents) fail(w http.ResponseWriter, r *http.Request, err error) {
	d.Log.Error("a document could not be made", "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", "10")
	writeError(w, http.StatusServiceUnavailable, "this cannot be read at the moment")
}

func writeError(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(errorBody(why))
}

func errorBody(why string) []byte {
	body, _ := json.Marshal(map[string]string{"error": why})
	return body
}

func (d *Documents) instance(ctx context.Context, _ *http.Request) ([]byte, error) {
	site, err := d.Store.Site(ctx)
	if err != nil {
		return nil, err
	}
	return activity.Instance(site)
}

func (d *Documents) actor(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.Store.Voice(ctx, blog.ID(chi.URLParam(r, "actor")))
	if err != nil {
		return nil, err
	}
	return d.person(voice)
}

func (d *Documents) humanActor(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.Store.VoiceByHandle(ctx, strings.ToLower(strings.TrimPrefix(r.URL.Path, "/@")))
	if err != nil {
		return nil, err
	}
	return d.person(voice)
}

func (d *Documents) person(voice blog.Voice) ([]byte, error) {
	person, err := activity.Person(d.Site, voice)
	if err == nil && voice.RetiredAt != nil {
		if person, err = activity.Tombstone(person, *voice.RetiredAt); err == nil {
			err = blog.ErrGone
		}
	}
	return person, err
}

// post is an article's or a comment's object with what stands under it now.
func (d *Documents) post(ctx context.Context, r *http.Request) ([]byte, error) {
	object, article, err := d.object(ctx, blog.ID(chi.URLParam(r, "object")))
	if err != nil {
		return object.Payload, err
	}
	if article.Visibility == blog.Followers {
		return nil, blog.ErrNotFound
	}
	return d.counted(ctx, object)
}

func (d *Documents) humanPost(ctx context.Context, r *http.Request) ([]byte, error) {
	a, err := d.Store.ArticleBySlug(ctx, lastSegment(r.URL.Path))
	if err != nil {
		return nil, err
	}
	if a.Status == blog.Withdrawn || a.Status == blog.Deleted {
		return errorBody("it was taken back by its author"), blog.ErrGone
	}
	if a.ObjectID == "" || d.Site.ArticlePath(a) != r.URL.Path || a.Visibility == blog.Followers {
		return nil, blog.ErrNotFound
	}
	object, err := d.Store.Object(ctx, a.ObjectID)
	if err != nil {
		return nil, err
	}
	return d.counted(ctx, object)
}

// object finds an object that may be served: gone ones are blog.ErrGone with their tombstone, restricted answers nothing.
func (d *Documents) object(ctx context.Context, id blog.ID) (store.Object, blog.Article, error) {
	object, err := d.Store.Object(ctx, id)
	if err != nil {
		return object, blog.Article{}, err
	}
	if object.GoneAt != nil {
		return object, blog.Article{}, blog.ErrGone
	}
	if object.CommentID != "" {
		c, err := d.Store.Comment(ctx, object.CommentID)
		if err != nil || !c.Public() {
			return store.Object{}, blog.Article{}, errors.Join(err, blog.ErrNotFound)
		}
	}
	a, err := d.Store.Article(ctx, object.ArticleID)
	return object, a, err
}

const firstReplies = 5

// counted adds to an object's bytes what stands under it now; an answer's own thread is read at the article.
func (d *Documents) counted(ctx context.Context, object store.Object) ([]byte, error) {
	if object.CommentID != "" {
		return object.Payload, nil
	}
	counts, err := d.Store.Counts(ctx, []blog.ID{object.ArticleID})
	if err != nil {
		return nil, err
	}
	replies, err := d.replies(ctx, object)
	if err != nil {
		return nil, err
	}
	return activity.WithCounts(object.Payload, counts[object.ArticleID], own(replies)), nil
}

// replies lists what publicly answers an object directly, oldest first.
func (d *Documents) replies(ctx context.Context, object store.Object) ([]blog.Comment, error) {
	comments, err := d.Store.PublicComments(ctx, object.ArticleID)
	return slices.DeleteFunc(comments, func(c blog.Comment) bool { return hidden(c) || c.ParentID != object.CommentID }), err
}

// own picks the first few answers that are ours: those a reader may believe at once.
func own(replies []blog.Comment) []string {
	var list []string
	for _, c := range replies {
		if c.VoiceID != "" && len(list) < firstReplies {
			list = append(list, c.Address)
		}
	}
	return list
}

// collection serves what hangs on an object. Likes and shares show their number alone.
func (d *Documents) collection(ctx context.Context, r *http.Request) ([]byte, error) {
	object, article, err := d.object(ctx, blog.ID(chi.URLParam(r, "object")))
	if errors.Is(err, blog.ErrGone) || err == nil && article.Visibility == blog.Followers {
		return nil, blog.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	id := d.Site.URL + r.URL.Path
	switch chi.URLParam(r, "collection") {
	case "replies":
		replies, err := d.replies(ctx, object)
		first, next := part(replies, "", id)
		return activity.Replies(id, addresses(first), len(replies), next), err
	case "context":
		return d.thread(ctx, object, article)
	}
	return d.reactions(ctx, id, object, chi.URLParam(r, "collection"))
}

const repliesPage = 60

// part is a page of answers after a cursor, and the address of the page after it.
func part(replies []blog.Comment, after blog.ID, id string) (page []blog.Comment, next string) {
	begin := 0
	for i, c := range replies {
		if c.ID == after {
			begin = i + 1
		}
	}
	page = replies[begin:]
	if len(page) > repliesPage {
		page = page[:repliesPage]
		next = id + "?cursor=" + string(page[repliesPage-1].ID)
	}
	return page, next
}

func addresses(comments []blog.Comment) []string {
	list := make([]string, len(comments))
	for i, c := range comments {
		list[i] = c.Address
	}
	return list
}

// repliesAfter is a later page of an object's answers.
func (d *Documents) repliesAfter(ctx context.Context, r *http.Request) ([]byte, error) {
	object, article, err := d.object(ctx, blog.ID(chi.URLParam(r, "object")))
	if err != nil || article.Visibility == blog.Followers {
		return nil, errors.Join(err, blog.ErrNotFound)
	}
	replies, err := d.replies(ctx, object)
	id := d.Site.URL + r.URL.Path
	page, next := part(replies, blog.ID(r.URL.Query().Get("cursor")), id)
	return activity.RepliesPage(id+"?"+r.URL.RawQuery, id, next, addresses(page)), err
}

// thread is the whole public conversation, the article first (FEP-7888, FEP-f228).
func (d *Documents) thread(ctx context.Context, object store.Object, article blog.Article) ([]byte, error) {
	comments, err := d.Store.PublicComments(ctx, object.ArticleID)
	if err != nil {
		return nil, err
	}
	voice, err := d.Store.Voice(ctx, article.VoiceID)
	return activity.ContextCollection(d.Site, voice, object.ID, addresses(slices.DeleteFunc(comments, hidden))), err
}

func hidden(c blog.Comment) bool { return !c.Public() }

func (d *Documents) reactions(ctx context.Context, id string, object store.Object, which string) ([]byte, error) {
	counts, err := d.Store.Counts(ctx, []blog.ID{object.ArticleID})
	n := counts[object.ArticleID]
	if err == nil && object.CommentID != "" {
		var all map[blog.ID]blog.Counts
		all, err = d.Store.CommentCounts(ctx, object.ArticleID)
		n = all[object.CommentID]
	}
	if which == "shares" {
		return activity.Count(id, n.Boosts), err
	}
	return activity.Count(id, n.Likes), err
}

func (d *Documents) activity(ctx context.Context, r *http.Request) ([]byte, error) {
	said, err := d.Store.PublicActivity(ctx, blog.ID(chi.URLParam(r, "activity")))
	return said.Payload, err
}

// followers tells how many there are. Without a first page Mastodon takes the list as hidden, which it is unless the
// author shows it.
func (d *Documents) followers(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.Store.Voice(ctx, blog.ID(chi.URLParam(r, "actor")))
	if err != nil {
		return nil, err
	}
	id := d.Site.URL + r.URL.Path
	if !voice.ShowsFollowers {
		n, err := d.Store.CountFollowers(ctx, voice.ID)
		return activity.Collection(id, n.Accepted, "", ""), err
	}
	list, err := d.Store.FollowersOf(ctx, store.FollowerList{Voice: voice.ID, State: blog.Accepted})
	ids := make([]string, len(list))
	for i, f := range list {
		ids[i] = f.ActorID
	}
	return activity.Items(id, ids), err
}

func (d *Documents) following(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.Store.Voice(ctx, blog.ID(chi.URLParam(r, "actor")))
	if err != nil {
		return nil, err
	}
	n, err := d.Store.CountFollowing(ctx, voice.ID)
	return activity.Collection(d.Site.URL+r.URL.Path, n, "", ""), err
}

// empty is a collection that exists and holds nothing.
func (d *Documents) empty(ctx context.Context, r *http.Request) ([]byte, error) {
	if actor := chi.URLParam(r, "actor"); actor != "" {
		if _, err := d.Store.Voice(ctx, blog.ID(actor)); err != nil {
			return nil, err
		}
	}
	return activity.Items(d.Site.URL+r.URL.Path, nil), nil
}

const outboxPage = 20

// paged serves a collection: its front kept, later pages, which are found by a cursor and never by a number, made for
// each who asks.
func (d *Documents) paged(front, later maker) http.HandlerFunc {
	first := d.serve(front)
	return func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has("cursor") && !r.URL.Query().Has("page") {
			first(w, r)
			return
		}
		doc, err := d.document(later, mediaType(r))(r.Context(), r)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		maps.Copy(w.Header(), doc.Header)
		w.Header().Set("Content-Length", strconv.Itoa(len(doc.Body)))
		w.WriteHeader(doc.Status)
		w.Write(doc.Body)
	}
}

func (d *Documents) outboxFront(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.Store.Voice(ctx, blog.ID(chi.URLParam(r, "actor")))
	if err != nil {
		return nil, err
	}
	n, err := d.Store.CountOutbox(ctx, voice.ID)
	id := d.Site.URL + r.URL.Path
	return activity.Collection(id, n, id+"?cursor=", id+"?cursor="+string(oldest)), err
}

// oldest is a cursor before everything: the page behind it is the last one.
const oldest = blog.ID("0")

func (d *Documents) outboxPage(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.Store.Voice(ctx, blog.ID(chi.URLParam(r, "actor")))
	if err != nil {
		return nil, err
	}
	cursor := blog.ID(r.URL.Query().Get("cursor"))
	if cursor != "" && cursor != oldest && !blog.ValidID(string(cursor)) {
		return nil, blog.ErrNotFound
	}
	said, err := d.Store.Outbox(ctx, voice.ID, cursor, cursor == oldest, outboxPage+1)
	if err != nil {
		return nil, err
	}
	id, next := d.Site.URL+r.URL.Path, ""
	if len(said) > outboxPage {
		said = said[:outboxPage]
		next = id + "?cursor=" + string(said[outboxPage-1].ID)
	}
	items := make([]json.RawMessage, len(said))
	for i, a := range said {
		items[i] = a.Payload
	}
	return activity.CollectionPage(id+"?"+r.URL.RawQuery, id, next, items), nil
}

// open is serve for documents that some may read only when they sign: followers-only articles.
func (d *Documents) open(make maker) http.HandlerFunc {
	public := d.serve(make)
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Signature") == "" || !d.forFollower(w, r) {
			public(w, r)
		}
	}
}

// forFollower serves a followers-only article to an actor who follows its author; false when it is anything else.
func (d *Documents) forFollower(w http.ResponseWriter, r *http.Request) bool {
	object, article, err := d.object(r.Context(), blog.ID(chi.URLParam(r, "object")))
	if err != nil || article.Visibility != blog.Followers {
		return false
	}
	reader, _, err := d.inbox.verify(r, nil)
	if err != nil {
		return false
	}
	follower, err := d.Store.Follower(r.Context(), article.VoiceID, reader)
	if err != nil || follower.State != blog.Accepted {
		return false
	}
	w.Header().Set("Content-Type", mediaType(r))
	w.Header().Set("Cache-Control", "private, no-store")
	w.Write(object.Payload)
	return true
}
