package activity

import (
	"bytes"
	"encoding/json"

	"causerie/internal/blog"
)

// The documents here are made for each request, so they are written without go-fed, which is slow. They have the same
// context and the same order of members as all others.

// Collection returns an OrderedCollection without its items. first and last are the addresses of pages. Both are ""
// when the list itself is not shown.
func Collection(id string, total int, first, last string) []byte {
	members := map[string]any{"id": id, "type": "OrderedCollection", "totalItems": total}
	addNonEmpty(members, "first", first)
	addNonEmpty(members, "last", last)
	return document(members)
}

// CollectionPage returns a page of an OrderedCollection. Items are ids or whole documents; those lose their @context.
// next is the address of the next page, "" on the last one.
func CollectionPage(id, partOf, next string, items []json.RawMessage) []byte {
	list := make([]any, 0, len(items))
	for _, item := range items {
		// An id is no document: reopen fails, and the id stays as it is.
		if _, bare, err := reopen(item); err == nil {
			item = bare
		}
		list = append(list, item)
	}
	members := map[string]any{"id": id, "type": "OrderedCollectionPage", "partOf": partOf, "orderedItems": list}
	addNonEmpty(members, "next", next)
	return document(members)
}

// Items returns an OrderedCollection with all its items, such as the featured articles. Its items are ids, because
// Mastodon ignores embedded articles.
func Items(id string, ids []string) []byte {
	return document(map[string]any{"id": id, "type": "OrderedCollection", "totalItems": len(ids),
		"orderedItems": notNil(ids)})
}

// FeaturedTags returns the collection of the tags that a voice shows on its profile.
func FeaturedTags(id string, site blog.Site, tags []string) []byte {
	list := hashtags(site, tags)
	return document(map[string]any{"id": id, "type": "Collection", "totalItems": len(list), "items": list})
}

// hashtags returns tags as links to their pages. A tag that cannot be a hashtag is left out.
func hashtags(site blog.Site, tags []string) []any {
	list := make([]any, 0, len(tags))
	for _, tag := range hashtagsOf(site, tags) {
		list = append(list, extensions{"type": "Hashtag", "name": "#" + tag.name, "href": tag.page})
	}
	return list
}

// Conversation is the conversation under an article, as far as its first page shows it.
type Conversation struct {
	Article  string   // id of the article's object
	Author   string   // id of the actor that owns the conversation
	Comments []string // ids, oldest first
	Total    int      // number of comments on all pages
	Next     string   // address of the next page; "" when all comments are here
}

// ContextCollection returns the collection of a conversation (FEP-f228): the article itself, then its comments. A short
// conversation has all its items in it, a long one its first page.
func ContextCollection(c Conversation) []byte {
	id, items := c.Article+"/context", append([]string{c.Article}, c.Comments...)
	members := map[string]any{"id": id, "type": "OrderedCollection", "attributedTo": c.Author,
		"totalItems": c.Total + 1} // the article is an item, too
	// One request is enough for a short conversation.
	if c.Next == "" {
		members["orderedItems"] = items
	} else {
		members["first"] = contextPage(id+FirstReplies, id, c.Next, items)
	}
	return document(members)
}

// ContextPage returns a further page of a long conversation.
func ContextPage(id, partOf, next string, ids []string) []byte {
	return document(contextPage(id, partOf, next, notNil(ids)))
}

func contextPage(id, partOf, next string, ids []string) map[string]any {
	members := map[string]any{"id": id, "type": "OrderedCollectionPage", "partOf": partOf, "orderedItems": ids}
	addNonEmpty(members, "next", next)
	return members
}

// Replies returns the collection of the replies to an object, with its first page embedded. ids are those of the first
// page, next is the address of the next page or "".
func Replies(id string, ids []string, total int, next string) []byte {
	return document(replies(id, ids, total, next))
}

// RepliesPage returns a further page of the replies to an object.
func RepliesPage(id, partOf, next string, ids []string) []byte {
	members := map[string]any{"id": id, "type": "CollectionPage", "partOf": partOf, "items": notNil(ids)}
	addNonEmpty(members, "next", next)
	return document(members)
}

// Count returns a collection that shows only its number of items: the likes or shares of an object.
func Count(id string, total int) []byte { return document(count(id, total)) }

func replies(id string, ids []string, total int, next string) map[string]any {
	first := map[string]any{"type": "CollectionPage", "partOf": id, "items": notNil(ids)}
	addNonEmpty(first, "next", next)
	return map[string]any{"id": id, "type": "Collection", "totalItems": total, "first": first}
}

func count(id string, total int) map[string]any {
	return map[string]any{"id": id, "type": "Collection", "totalItems": total}
}

// uncounted is the placeholder in a stored object for a collection whose number changes: WithCounts fills it in. It is
// an object and never a bare address, because Mastodon reads totalItems inside without a check of the type.
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

// FirstReplies is added to the address of a collection to get that of its first page: a cursor before all items.
const FirstReplies = "?cursor="

// WithCounts puts the current numbers of replies, likes and shares into the stored bytes of a post or reply, and the
// ids of the first replies. Bytes without the placeholders are returned unchanged.
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

// splice replaces an uncounted collection in stored bytes. A quotation mark inside a text is escaped there, so the
// bytes it searches for can only be the member itself.
func splice(object []byte, name string, with func(id string) map[string]any) []byte {
	before, rest, found := bytes.Cut(object, []byte(`"`+name+`":{"id":"`))
	if !found {
		return object
	}
	id, rest, found := bytes.Cut(rest, []byte(`","type":"Collection"}`))
	// The end that was found belongs to a later member: this collection has its numbers already.
	if !found || bytes.IndexByte(id, '"') >= 0 {
		return object
	}
	// 512 bytes are enough for a collection with few ids, so that the document is copied only once.
	out := make([]byte, 0, len(object)+512)
	out = append(append(out, before...), `"`+name+`":`...)
	out = appendObject(out, with(string(id)))
	return append(out, rest...)
}
