package activity

import (
	"slices"
	"time"

	"github.com/go-fed/activity/streams"

	"causerie/internal/blog"
)

// featureContext is the @context of the collection of the authors, and of activities about it.
const featureContext = `["https://www.w3.org/ns/activitystreams",{` +
	`"toot":"http://joinmastodon.org/ns#",` +
	`"sensitive":"as:sensitive",` +
	`"discoverable":"toot:discoverable",` +
	`"FeaturedCollection":"https://w3id.org/fep/7aa9#FeaturedCollection",` +
	`"FeaturedItem":"https://w3id.org/fep/7aa9#FeaturedItem",` +
	`"featuredObject":{"@id":"https://w3id.org/fep/7aa9#featuredObject","@type":"@id"},` +
	`"featuredObjectType":"https://w3id.org/fep/7aa9#featuredObjectType",` +
	`"featureAuthorization":{"@id":"https://w3id.org/fep/7aa9#featureAuthorization","@type":"@id"}}]`

// AuthorsCollection is the collection in which the blog as a whole recommends its authors (FEP-7aa9). Each of them gave
// an authorization.
type AuthorsCollection struct {
	Site    blog.Site
	Voice   blog.Voice // of the blog
	Members []blog.Authorization
}

// Document returns the collection with all its items.
func (c AuthorsCollection) Document() []byte {
	items, changed := make([]any, 0, len(c.Members)), c.Voice.UpdatedAt
	inOrder := slices.SortedStableFunc(slices.Values(c.Members), func(a, b blog.Authorization) int {
		return a.At.Compare(b.At)
	})
	for _, t := range inOrder {
		items = append(items, c.item(t))
		if t.At.After(changed) {
			changed = t.At
		}
	}
	members := map[string]any{"id": c.Site.AuthorsCollection(c.Voice.ID), "type": featuredCollection,
		"attributedTo": c.Site.ActorID(c.Voice.ID), "name": c.Voice.Name, "url": c.Site.AuthorsPage(),
		"sensitive": false, "discoverable": c.Voice.Discoverable, "totalItems": len(items),
		"orderedItems": items}
	addNonEmpty(members, "summary", paragraphs(c.Voice.Summary))
	if since := c.Voice.FeaturesSince; since != nil {
		members["published"] = seconds(*since).Format(time.RFC3339)
		// Some servers refuse what was changed before it was published.
		if changed.After(*since) {
			members["updated"] = seconds(changed).Format(time.RFC3339)
		}
	}
	return documentIn(featureContext, members)
}

// Item returns the document of one author in the collection.
func (c AuthorsCollection) Item(t blog.Authorization) []byte {
	return documentIn(featureContext, c.item(t))
}

func (c AuthorsCollection) item(t blog.Authorization) map[string]any {
	return map[string]any{"id": c.Site.AuthorsItem(c.Voice.ID, t.ID), "type": featuredItem, "featuredObject": t.Target,
		"featuredObjectType":   streams.ActivityStreamsPersonName,
		"featureAuthorization": Authorization{Site: c.Site, ID: t.ID}.Address(),
		"published":            seconds(t.At).Format(time.RFC3339)}
}

// WrapAddTo adds a document of ours to a collection of the sender, for everybody.
func WrapAddTo(e Envelope, document []byte, target string) ([]byte, error) {
	_, bare, err := reopen(document)
	if err != nil {
		return nil, err
	}
	return e.finishIn(featureContext, streams.NewActivityStreamsAdd(), e.everybody(),
		extensions{"object": bare, "target": target})
}

// WrapRemoveFrom removes an object, by its id, from a collection of the sender, for everybody.
func WrapRemoveFrom(e Envelope, id, target string) ([]byte, error) {
	return e.finishIn(featureContext, streams.NewActivityStreamsRemove(), e.everybody(),
		extensions{"object": id, "target": target})
}

// WrapUpdateOf announces that a collection of the sender changed, for everybody.
func WrapUpdateOf(e Envelope, document []byte) ([]byte, error) {
	_, bare, err := reopen(document)
	if err != nil {
		return nil, err
	}
	return e.finishIn(featureContext, streams.NewActivityStreamsUpdate(), e.everybody(), extensions{"object": bare})
}
