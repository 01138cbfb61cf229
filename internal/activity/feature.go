package activity

import (
	"context"
	"strings"

	"github.com/go-fed/activity/streams/vocab"

	"causerie/internal/blog"
)

// The types of FEP-7aa9, which lets actors publish collections of accounts that they recommend.
const (
	featureRequest     = "FeatureRequest"
	featuredCollection = "FeaturedCollection"
	featuredItem       = "FeaturedItem"

	featureNamespace = "https://w3id.org/fep/7aa9#"
)

// FeatureRequest asks whether Collection, which belongs to the actor, may feature Object, an actor of ours (FEP-7aa9).
// Nothing but the address of the collection is read: what it is, its own server says.
type FeatureRequest struct{ Object, Collection string }

// Add adds an item to a collection of the actor (FEP-7aa9).
type Add struct {
	Item   FeaturedItem
	Target string // the collection
}

// Remove removes an object from a collection of the actor.
type Remove struct{ Object, Target string }

// FeaturedCollection is what only a collection of recommended accounts has (FEP-7aa9). The object has its id, its name,
// its owner (AttributedTo) and its page (URL).
type FeaturedCollection struct {
	Topic string         // a hashtag without its "#"; "" without one
	Items []FeaturedItem // at most 1,000
	Whole bool           // Items has all items, and each says whom it features
}

// FeaturedItem is an account in a collection. Where the sender gave only an address, only ID is set.
type FeaturedItem struct {
	ID            string
	Object        string // id of the actor
	Authorization string // address of the actor's permission
}

// Find returns the item for an actor, or the item with an address that is not "".
func (c FeaturedCollection) Find(actor, item string) (FeaturedItem, bool) {
	for _, i := range c.Items {
		if i.Object == actor || item != "" && i.ID == item {
			return i, true
		}
	}
	return FeaturedItem{}, false
}

// isA reports whether an object has a type of FEP-7aa9. Beside it may stand a type of ActivityStreams.
func isA(object map[string]any, kind string) bool {
	for _, v := range many(object["type"]) {
		if name, _ := v.(string); strings.TrimPrefix(name, featureNamespace) == kind {
			return true
		}
	}
	return false
}

// featured reads a collection of recommended accounts; nil when the object is none.
func featured(raw map[string]any) *FeaturedCollection {
	if !isA(raw, featuredCollection) {
		return nil
	}
	items := first(many(raw["orderedItems"]), maxItems)
	c := &FeaturedCollection{Topic: strings.TrimPrefix(text(embedded(raw["topic"])["name"]), "#"),
		Whole: raw["first"] == nil}
	for _, value := range items {
		item := featuredItemOf(value)
		c.Items, c.Whole = append(c.Items, item), c.Whole && item.Object != ""
	}
	if number(raw["totalItems"]) > len(items) {
		c.Whole = false
	}
	return c
}

func featuredItemOf(value any) FeaturedItem {
	raw := embedded(value)
	return FeaturedItem{ID: addressOf(value), Object: addressOf(raw["featuredObject"]),
		Authorization: addressOf(raw["featureAuthorization"])}
}

func (r *reading) featureRequest() error {
	collection := addressOf(r.root["instrument"])
	if collection == "" {
		return malformed("it has no instrument, or one without an address")
	}
	return r.requireObject(FeatureRequest{Object: r.object, Collection: collection})
}

// add reads an Add of an account to a collection. Others, such as of a pinned post, have no effect here.
func (r *reading) add(_ context.Context, _ vocab.ActivityStreamsAdd) error {
	if target := addressOf(r.root["target"]); target != "" && isA(embedded(r.root["object"]), featuredItem) {
		r.act = Add{Item: featuredItemOf(r.root["object"]), Target: target}
	}
	return nil
}

func (r *reading) remove(_ context.Context, _ vocab.ActivityStreamsRemove) error {
	if target := addressOf(r.root["target"]); target != "" && r.object != "" {
		r.act = Remove{Object: r.object, Target: target}
	}
	return nil
}

// featurePolicy says who may feature a voice (interactionPolicy.canFeature). Nobody is written as the voice itself,
// since an empty list would mean nothing.
func featurePolicy(v blog.Voice, id string) extensions {
	switch v.MayFeature() {
	case blog.FeatureEveryone:
		return extensions{"automaticApproval": []string{Public}}
	case blog.FeatureFollowers:
		return extensions{"automaticApproval": []string{id + "/followers"}}
	case blog.FeatureAsk:
		return extensions{"manualApproval": []string{Public}}
	}
	return extensions{"automaticApproval": []string{id}}
}
