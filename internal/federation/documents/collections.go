package documents

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/changes"
	"causerie/internal/federation"
	"causerie/internal/store"
)

const (
	firstReplies = 5  // replies of our voices in the object itself
	idsPage      = 60 // ids on a page
	outboxPage   = 20 // activities on a page
)

// counted returns the bytes of an object with its current numbers of replies, likes and shares. Those of a reply are
// returned unchanged: its thread is read at the article.
func (d *Documents) counted(ctx context.Context, object store.Object) ([]byte, error) {
	if object.CommentID != "" {
		return object.Payload, nil
	}
	counts, err := d.Store.Counts(ctx, []blog.ID{object.ArticleID})
	if err != nil {
		return nil, err
	}
	// A reader can trust these at once, since they have the origin of the object. Others must be fetched from their own.
	own, err := d.Store.RepliesTo(ctx, store.ReplyFilter{Article: object.ArticleID, Own: true, Limit: firstReplies})
	return activity.WithCounts(object.Payload, counts[object.ArticleID], addresses(own)), err
}

func addresses(replies []store.PublicReply) []string {
	list := make([]string, len(replies))
	for i, reply := range replies {
		list[i] = reply.Address
	}
	return list
}

// collection serves the collections of an object. Likes and shares have only a number.
func (d *Documents) collection(ctx context.Context, r *http.Request) ([]byte, error) {
	object, article, err := d.readable(ctx, r)
	if err != nil {
		return nil, err
	}
	id := d.Site.URL + r.URL.Path
	switch chi.URLParam(r, "collection") {
	case "replies":
		return d.replies(ctx, id, object)
	case "context":
		return d.thread(ctx, object, article)
	}
	return d.reactions(ctx, id, object, chi.URLParam(r, "collection"))
}

// readable returns the object of a request whose collections are public. The collections of a deleted object are not
// found.
func (d *Documents) readable(ctx context.Context, r *http.Request) (store.Object, blog.Article, error) {
	object, article, err := d.object(ctx, r)
	if errors.Is(err, blog.ErrGone) || err == nil && article.Visibility == blog.Followers {
		err = blog.ErrNotFound
	}
	return object, article, err
}

func (d *Documents) replies(ctx context.Context, id string, object store.Object) ([]byte, error) {
	total, err := d.Store.CountRepliesTo(ctx, object.ArticleID, object.CommentID)
	if err != nil {
		return nil, err
	}
	list, next, err := d.repliesPage(ctx, id, object, "")
	return activity.Replies(id, list, total, next), err
}

// repliesAfter serves a later page of replies.
func (d *Documents) repliesAfter(ctx context.Context, r *http.Request) ([]byte, error) {
	object, _, err := d.readable(ctx, r)
	if err != nil {
		return nil, err
	}
	id := d.Site.URL + r.URL.Path
	list, next, err := d.repliesPage(ctx, id, object, blog.ID(r.URL.Query().Get("cursor")))
	return activity.RepliesPage(id+"?"+r.URL.RawQuery, id, next, list), err
}

// repliesPage returns a page of replies after a cursor, and the address of the next page.
func (d *Documents) repliesPage(ctx context.Context, id string, object store.Object,
	after blog.ID) (list []string, next string, err error) {
	replies, err := d.Store.RepliesTo(ctx, store.ReplyFilter{Article: object.ArticleID, Parent: object.CommentID,
		After: after, Limit: idsPage + 1}) // one more than the page shows whether there is a next one
	list, next = onePage(id, replies)
	return list, next, err
}

// thread serves the public conversation under an article (FEP-7888, FEP-f228). The article is its first item.
func (d *Documents) thread(ctx context.Context, object store.Object, article blog.Article) ([]byte, error) {
	voice, err := d.Store.Voice(ctx, article.VoiceID)
	if err != nil {
		return nil, err
	}
	counts, err := d.Store.Counts(ctx, []blog.ID{article.ID})
	if err != nil {
		return nil, err
	}
	list, next, err := d.threadPage(ctx, d.Site.ArticleID(object.ID)+"/context", article.ID, "")
	return activity.ContextCollection(activity.Conversation{Article: d.Site.ArticleID(object.ID),
		Author: d.Site.ActorID(voice.ID), Comments: list, Total: counts[article.ID].Replies, Next: next}), err
}

// threadAfter serves a page of a conversation. The page after the empty cursor begins with the article.
func (d *Documents) threadAfter(ctx context.Context, r *http.Request) ([]byte, error) {
	object, article, err := d.readable(ctx, r)
	if err != nil {
		return nil, err
	}
	id, cursor := d.Site.URL+r.URL.Path, blog.ID(r.URL.Query().Get("cursor"))
	list, next, err := d.threadPage(ctx, id, article.ID, cursor)
	if cursor == "" {
		list = append([]string{d.Site.ArticleID(object.ID)}, list...)
	}
	return activity.ContextPage(id+"?"+r.URL.RawQuery, id, next, list), err
}

func (d *Documents) threadPage(ctx context.Context, id string, article,
	after blog.ID) (list []string, next string, err error) {
	replies, err := d.Store.Conversation(ctx, article, after, idsPage+1)
	list, next = onePage(id, replies)
	return list, next, err
}

// onePage returns the addresses of one page, and the address of the next page when there are more.
func onePage(id string, replies []store.PublicReply) (list []string, next string) {
	// The query asked for one more than a page has: it shows that there is a next page.
	if len(replies) > idsPage {
		replies = replies[:idsPage]
		next = id + "?cursor=" + string(replies[idsPage-1].ID)
	}
	return addresses(replies), next
}

func (d *Documents) reactions(ctx context.Context, id string, object store.Object, which string) ([]byte, error) {
	target := object.ArticleID
	if object.CommentID != "" {
		target = object.CommentID
	}
	changes.Note(ctx, changes.Article(object.ArticleID))
	counts, err := d.Store.ReactionCounts(ctx, []blog.ID{target})
	n := counts[target]
	if which == "shares" {
		return activity.Count(id, n.Boosts), err
	}
	return activity.Count(id, n.Likes), err
}

// followers serves how many followers a voice has. Mastodon takes a collection without a first page as hidden, which
// the list is unless the author shows it.
func (d *Documents) followers(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.liveVoice(ctx, r)
	if err != nil {
		return nil, err
	}
	n, err := d.Store.CountFollowers(ctx, voice.ID)
	id, first := d.Site.URL+r.URL.Path, ""
	if voice.ShowsFollowers {
		first = id + "?cursor="
	}
	return activity.Collection(id, n.Accepted, first, ""), err
}

// followersAfter serves a page of the followers of a voice that shows them.
func (d *Documents) followersAfter(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.liveVoice(ctx, r)
	if err != nil {
		return nil, err
	}
	// The author may have hidden the list after somebody read its first page.
	if !voice.ShowsFollowers {
		return nil, blog.ErrNotFound
	}
	list, err := d.Store.FollowersAfter(ctx, voice.ID, r.URL.Query().Get("cursor"), idsPage+1)
	id, next := d.Site.URL+r.URL.Path, ""
	if len(list) > idsPage {
		list = list[:idsPage]
		next = id + "?cursor=" + url.QueryEscape(list[idsPage-1])
	}
	return activity.CollectionPage(id+"?"+r.URL.RawQuery, id, next, jsonStrings(list)), err
}

func jsonStrings(ids []string) []json.RawMessage {
	list := make([]json.RawMessage, len(ids))
	for i, id := range ids {
		list[i], _ = json.Marshal(id) // a string cannot fail
	}
	return list
}

func (d *Documents) following(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.liveVoice(ctx, r)
	if err != nil {
		return nil, err
	}
	n, err := d.Store.CountFollowing(ctx, voice.ID)
	return activity.Collection(d.Site.URL+r.URL.Path, n, "", ""), err
}

// featured serves the ids of the pinned articles. Mastodon ignores embedded objects there.
func (d *Documents) featured(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.liveVoice(ctx, r)
	if err != nil {
		return nil, err
	}
	objects, err := d.Store.Featured(ctx, voice.ID)
	ids := make([]string, len(objects))
	for i, object := range objects {
		ids[i] = d.Site.ArticleID(object)
	}
	return activity.Items(d.Site.URL+r.URL.Path, ids), err
}

// tags serves the tags that a voice uses most.
func (d *Documents) tags(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.liveVoice(ctx, r)
	if err != nil {
		return nil, err
	}
	tags, err := d.Store.TagsOf(ctx, voice.ID, federation.MaxFeaturedTags)
	return activity.FeaturedTags(d.Site.URL+r.URL.Path, d.Site, tags), err
}

// nothing serves an empty collection: an inbox, or the outbox of the instance actor.
func (d *Documents) nothing(_ context.Context, r *http.Request) ([]byte, error) {
	return activity.Items(d.Site.URL+r.URL.Path, nil), nil
}

// nothingOfActor is nothing for a collection of a voice, which must exist.
func (d *Documents) nothingOfActor(ctx context.Context, r *http.Request) ([]byte, error) {
	if _, err := d.liveVoice(ctx, r); err != nil {
		return nil, err
	}
	return d.nothing(ctx, r)
}

// paged serves a collection. Its first page is cached.
func (d *Documents) paged(front, later builder) http.HandlerFunc {
	first := d.serve(front)
	return func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has("cursor") && !r.URL.Query().Has("page") {
			first(w, r)
			return
		}
		// Later pages are not cached: anybody could fill the cache with cursors.
		doc, err := d.document(later, activity.MediaType(r.Header.Values("Accept")))(r.Context(), r)
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

func (d *Documents) activity(ctx context.Context, r *http.Request) ([]byte, error) {
	item, err := d.Store.PublicActivity(ctx, blog.ID(chi.URLParam(r, "activity")))
	if err != nil {
		return nil, err
	}
	return current(item)
}

// current returns an activity with its object as it is now, so that a text that was edited out can no longer be read.
func current(item store.OutboxItem) ([]byte, error) {
	if item.Kind == "Announce" {
		// The object of an Announce is an address, so there is nothing to renew.
		return activity.WithoutProof(item.Payload)
	}
	return activity.WithObject(item.Payload, item.Object)
}

func (d *Documents) outboxFront(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.liveVoice(ctx, r)
	if err != nil {
		return nil, err
	}
	n, err := d.Store.CountOutbox(ctx, voice.ID)
	id := d.Site.URL + r.URL.Path
	return activity.Collection(id, n, id+"?cursor=", id+"?cursor="+string(oldest)), err
}

// oldest is the cursor before everything: the page after it is the last one.
const oldest = blog.ID("0")

func (d *Documents) outboxPage(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.liveVoice(ctx, r)
	if err != nil {
		return nil, err
	}
	cursor := blog.ID(r.URL.Query().Get("cursor"))
	limit := outboxPage + 1 // one more shows that there is a next page
	if cursor == oldest {
		limit = outboxPage
	}
	list, err := d.Store.Outbox(ctx, voice.ID, cursor, cursor == oldest, limit)
	if err != nil {
		return nil, err
	}
	id, next := d.Site.URL+r.URL.Path, ""
	if len(list) > outboxPage {
		list = list[:outboxPage]
		next = id + "?cursor=" + string(list[outboxPage-1].ID)
	}
	items := make([]json.RawMessage, len(list))
	for i, a := range list {
		if items[i], err = current(a); err != nil {
			return nil, err
		}
	}
	return activity.CollectionPage(id+"?"+r.URL.RawQuery, id, next, items), nil
}
