package activity

import (
	"bytes"
	"encoding/json"

	"causerie/internal/blog"
)

// The documents here are made for each request, or on the way to a reader, so they are written without go-fed. They
// have the same context and the same order of members as all others.

// Collection is the cover of an OrderedCollection. first and last are the addresses of pages; both may be "", which
// says that the list itself is not shown.
func Collection(id string, total int, first, last string) []byte {
	members := map[string]any{"id": id, "type": "OrderedCollection", "totalItems": total}
	addNonEmpty(members, "first", first)
	addNonEmpty(members, "last", last)
	return document(members)
}

// CollectionPage is a page of an OrderedCollection with its items as they are: ids, or whole documents, which lose
// their @context. next is "" on the last page.
func CollectionPage(id, partOf, next string, items []json.RawMessage) []byte {
	list := make([]any, 0, len(items))
	for _, item := range items {
		if _, bare, err := reopen(item); err == nil {
			item = bare
		}
		list = append(list, item)
	}
	members := map[string]any{"id": id, "type": "OrderedCollectionPage", "partOf": partOf, "orderedItems": list}
	addNonEmpty(members, "next", next)
	return document(members)
}

// Items is an OrderedCollection that is shown at once, such as the featured articles. Its items are ids: Mastodon
// passes over embedded articles.
func Items(id string, ids []string) []byte {
	return document(map[string]any{"id": id, "type": "OrderedCollection", "totalItems": len(ids), "orderedItems": notNil(ids)})
}

// FeaturedTags is the collection of what a voice writes about.
func FeaturedTags(id string, site blog.Site, tags []string) []byte {
	list := hashtags(site, tags)
	return document(map[string]any{"id": id, "type": "Collection", "totalItems": len(list), "items": list})
}

// hashtags are tags as links to their pages, those of them that can be a hashtag.
func hashtags(site blog.Site, tags []string) []any {
	list := make([]any, 0, len(tags))
	for _, tag := range tags {
		if name := hashtag(tag); name != "" {
			list = append(list, extensions{"type": "Hashtag", "name": "#" + name, "href": site.TagPage(tag)})
		}
	}
	return list
}

// ContextCollection is the conversation under an article (FEP-f228): the article itself, then the comments that ids names,
// oldest first, of total comments. next is the address of the page where it goes on, or "": a short one is shown at once,
// of a long one the first page.
func ContextCollection(site blog.Site, author blog.Voice, object blog.ID, ids []string, total int, next string) []byte {
	article := site.ArticleID(object)
	id, items := article+"/context", append([]string{article}, ids...)
	members := map[string]any{"id": id, "type": "OrderedCollection", "attributedTo": site.ActorID(author.ID), "totalItems": total + 1}
	if next == "" {
		members["orderedItems"] = items
	} else {
		members["first"] = contextPage(id+FirstReplies, id, next, items)
	}
	return document(members)
}

// ContextPage is a page of a long conversation.
func ContextPage(id, partOf, next string, ids []string) []byte {
	return document(contextPage(id, partOf, next, notNil(ids)))
}

func contextPage(id, partOf, next string, ids []string) map[string]any {
	members := map[string]any{"id": id, "type": "OrderedCollectionPage", "partOf": partOf, "orderedItems": ids}
	addNonEmpty(members, "next", next)
	return members
}

// Replies is the collection of answers to an object, with its first page in it: ids of those that are shown first, and
// next, the address of the page where it goes on, or "".
func Replies(id string, ids []string, total int, next string) []byte {
	return document(replies(id, ids, total, next))
}

// RepliesPage is a further page of the answers to an object.
func RepliesPage(id, partOf, next string, ids []string) []byte {
	members := map[string]any{"id": id, "type": "CollectionPage", "partOf": partOf, "items": notNil(ids)}
	addNonEmpty(members, "next", next)
	return document(members)
}

// Count is a collection of which nothing but the number is told: the likes or shares of an object.
func Count(id string, total int) []byte { return document(count(id, total)) }

func replies(id string, ids []string, total int, next string) map[string]any {
	first := map[string]any{"type": "CollectionPage", "partOf": id, "items": notNil(ids)}
	addNonEmpty(first, "next", next)
	return map[string]any{"id": id, "type": "Collection", "totalItems": total, "first": first}
}

func count(id string, total int) map[string]any {
	return map[string]any{"id": id, "type": "Collection", "totalItems": total}
}

// uncounted stands in a stored object for a collection whose number will have changed by the time it is read. It is an
// object, never a bare address: Mastodon looks for totalItems inside without asking what it has there.
func uncounted(id string) extensions { return extensions{"id": id, "type": "Collection"} }

func addNonEmpty(members map[string]any, name, value string) {
	if value != "" {
		members[name] = value
	}
}

func notNil(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

// FirstReplies is what follows the address of an object's replies to give that of their first page: a cursor before all.
const FirstReplies = "?cursor="

// WithCounts puts the numbers of today into the stored bytes of a post or answer: how many replies, likes and shares it
// has, and the first of the replies by their ids. Bytes that hold no such places come back as they are.
func WithCounts(object []byte, c blog.Counts, replyIDs []string) []byte {
	object = splice(object, "replies", func(id string) map[string]any {
		next := ""
		if c.Replies > len(replyIDs) {
			next = id + FirstReplies
		}
		return replies(id, replyIDs, c.Replies, next)
	})
	object = splice(object, "likes", func(id string) map[string]any { return count(id, c.Likes) })
	return splice(object, "shares", func(id string) map[string]any { return count(id, c.Boosts) })
}

// splice replaces an uncounted collection. A quotation mark inside a text is escaped, so the bytes looked for can be
// nothing but the member itself.
func splice(object []byte, name string, with func(id string) map[string]any) []byte {
	before, rest, found := bytes.Cut(object, []byte(`"`+name+`":{"id":"`))
	if !found {
		return object
	}
	id, rest, found := bytes.Cut(rest, []byte(`","type":"Collection"}`))
	if !found || bytes.IndexByte(id, '"') >= 0 {
		return object
	}
	out := make([]byte, 0, len(object)+512)
	out = append(append(out, before...), `"`+name+`":`...)
	out = appendObject(out, with(string(id)))
	return append(out, rest...)
}
