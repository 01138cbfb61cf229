package inbox

import (
	"context"
	"errors"

	"causerie/internal/activity"
	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/federation"
)

// How many collections may have to do with one author. A request beyond a limit is rejected.
const (
	maxFeatures         = 100 // of one registrable domain: that feature the author, ask to, or were refused
	maxWaitingFeatures  = 200 // that wait for the author
	maxWaitingPerDomain = 20  // of one registrable domain, that wait for the author
)

// featureRequest answers a request to feature an author in a collection (FEP-7aa9), by the policy of the author, or
// keeps it until the author has decided. It ignores a request for what is no collection of the sender.
func (h *handling) featureRequest(ctx context.Context, what activity.FeatureRequest) error {
	voice, err := h.VoiceOf(ctx, h.tx, what.Object)
	if err != nil || voice.RetiredAt != nil {
		return federation.IgnoreMissing(err)
	}
	collection, err := h.collection(ctx, what.Collection)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	actor, err := h.knownActor(ctx, h.act.Actor)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	request, _ := h.act.Request()
	t := h.authorizationFor(blog.FeatureAuthorization, request, blog.Article{})
	t.VoiceID, t.Target, t.Domain = voice.ID, h.Site.ActorID(voice.ID), blocklist.Owner(actor.Host)
	answer, err := h.featureAnswer(ctx, voice, actor, t)
	if err != nil {
		return err
	}
	if answer != blog.AuthorizationRefused {
		if err := h.outbox.SaveCollection(ctx, h.tx, collection); err != nil {
			return err
		}
	}
	if answer == blog.AuthorizationAsked {
		return h.outbox.KeepRequest(ctx, h.tx, t)
	}
	h.queued = true
	return h.outbox.AnswerRequest(ctx, h.tx, t, actor, answer == blog.AuthorizationGiven)
}

// collection returns a collection of the sender, as its own server shows it. The error is an ErrNotOurs when there is
// none at the address.
func (h *handling) collection(ctx context.Context, address string) (activity.Object, error) {
	if !blog.SameOrigin(address, h.act.Actor) {
		return activity.Object{}, federation.ErrNotOurs
	}
	object, asked := h.found[address]
	switch {
	case !asked:
		return activity.Object{}, missingError{object: address}
	case object == nil || object.ID != address || object.Collection == nil || object.AttributedTo != h.act.Actor:
		return activity.Object{}, federation.ErrNotOurs
	}
	// Whoever had it before has its permissions.
	known, err := h.tx.FeaturedCollection(ctx, address)
	if err == nil && known.ActorID != h.act.Actor {
		return activity.Object{}, federation.ErrNotOurs
	}
	return *object, federation.IgnoreMissing(err)
}

// featureAnswer returns the answer to a request: the state that its authorization gets.
func (h *handling) featureAnswer(ctx context.Context, voice blog.Voice, actor blog.Actor,
	t blog.Authorization) (blog.AuthorizationState, error) {
	held, err := h.tx.AuthorizationFor(ctx, t.Kind, t.Instrument, t.VoiceID)
	switch {
	case errors.Is(err, blog.ErrNotFound):
	case err != nil:
		return "", err
	// What the author decided stays, and a permission is the same when it is asked for again.
	case held.State == blog.AuthorizationRevoked:
		return blog.AuthorizationRefused, nil
	case held.State != blog.AuthorizationAsked:
		return held.State, nil
	}
	answer := blog.AuthorizationRefused
	switch voice.MayFeature() {
	case blog.FeatureEveryone:
		answer = blog.AuthorizationGiven
	case blog.FeatureAsk:
		answer = blog.AuthorizationAsked
	case blog.FeatureFollowers:
		follows, err := h.follows(ctx, voice.ID, actor.ID)
		if err != nil {
			return "", err
		}
		if follows {
			answer = blog.AuthorizationGiven
		}
	}
	// As with followers: what a limited actor or server asks, the author decides.
	if actor.Block == blog.Limit && answer == blog.AuthorizationGiven {
		answer = blog.AuthorizationAsked
	}
	if held.ID != "" || answer == blog.AuthorizationRefused {
		return answer, nil
	}
	full, err := h.tooManyFeatures(ctx, t, answer)
	if full {
		answer = blog.AuthorizationRefused
	}
	return answer, err
}

// tooManyFeatures reports whether a new collection would exceed a limit, with the state that it is to get.
func (h *handling) tooManyFeatures(ctx context.Context, t blog.Authorization,
	state blog.AuthorizationState) (bool, error) {
	n, err := h.tx.CountFeatures(ctx, t.VoiceID, t.Domain)
	if err != nil || n.All >= maxFeatures || state != blog.AuthorizationAsked {
		return n.All >= maxFeatures, err
	}
	waiting, err := h.tx.CountFeaturesAsked(ctx, t.VoiceID)
	return n.Asked >= maxWaitingPerDomain || waiting >= maxWaitingFeatures, err
}

// ownCollection returns a collection of the sender that features an author or asks to. The error is blog.ErrNotFound
// when it is none, or belongs to somebody else.
func (h *handling) ownCollection(ctx context.Context, address string) (blog.FeaturedCollection, error) {
	c, err := h.tx.FeaturedCollection(ctx, address)
	if err == nil && c.ActorID != h.act.Actor {
		err = blog.ErrNotFound
	}
	return c, err
}

// ownFeatures returns the permissions of our authors that a collection of the sender has or asks for. The errors are
// those of ownCollection.
func (h *handling) ownFeatures(ctx context.Context, address string) ([]blog.Authorization, error) {
	if _, err := h.ownCollection(ctx, address); err != nil {
		return nil, err
	}
	return h.tx.FeaturesIn(ctx, address)
}

// renewCollection takes over the collection that its owner sends in an Update.
func (h *handling) renewCollection(ctx context.Context, object activity.Object) error {
	if object.AttributedTo != h.act.Actor || !blog.SameOrigin(object.ID, h.act.Actor) {
		return nil
	}
	return h.outbox.RenewCollection(ctx, h.tx, object)
}

// fetchCollection takes over a collection of the sender as its own server shows it now. The error is blog.ErrNotFound
// when the sender has none at the address that is known here.
func (h *handling) fetchCollection(ctx context.Context, address string) error {
	c, err := h.ownCollection(ctx, address)
	if err != nil {
		return err
	}
	object, asked := h.found[c.Address]
	switch {
	case !asked:
		return missingError{object: c.Address}
	case object == nil: // a job fetches it again
		return nil
	case object.Type == federation.Tombstone:
		return h.tx.RemoveFeaturedCollection(ctx, c.Address)
	case object.ID != c.Address || object.Collection == nil:
		return nil
	}
	return h.renewCollection(ctx, *object)
}

// add notes the item of an author of ours in a collection of the sender.
func (h *handling) add(ctx context.Context, what activity.Add) error {
	list, err := h.ownFeatures(ctx, what.Target)
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.Target == what.Item.Object && t.State == blog.AuthorizationGiven {
			t.Item = what.Item.ID
			return h.tx.SaveAuthorization(ctx, t)
		}
	}
	return nil
}

// remove handles that the sender takes an author of ours out of a collection, or deletes the collection. An item that
// is not known here may be anybody's, so the collection is looked at.
func (h *handling) remove(ctx context.Context, what activity.Remove) error {
	if _, err := h.ownCollection(ctx, what.Object); !errors.Is(err, blog.ErrNotFound) {
		if err != nil {
			return err
		}
		return h.tx.RemoveFeaturedCollection(ctx, what.Object)
	}
	list, err := h.ownFeatures(ctx, what.Target)
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.Target != what.Object && t.Item != what.Object {
			continue
		}
		if t.State != blog.AuthorizationGiven && t.State != blog.AuthorizationAsked {
			return nil // the author's no stays
		}
		return h.tx.RemoveFeature(ctx, t)
	}
	return h.fetchCollection(ctx, what.Target)
}

// collectionDeleted handles that the owner of a collection deletes it.
func (h *handling) collectionDeleted(ctx context.Context, address string) error {
	if _, err := h.ownCollection(ctx, address); err != nil {
		return err
	}
	return h.tx.RemoveFeaturedCollection(ctx, address)
}
