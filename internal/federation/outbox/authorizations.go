package outbox

import (
	"context"
	"errors"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// AnswerRequest accepts or rejects a request for an authorization (FEP-044f, FEP-7aa9), in the transaction of s. A
// second request for the same post or collection gets the same authorization again. If that was revoked, the request
// is rejected.
func (o *Outbox) AnswerRequest(ctx context.Context, s *store.Store, t blog.Authorization, actor blog.Actor,
	allowed bool) error {
	held, err := s.AuthorizationFor(ctx, t.Kind, t.Instrument, t.VoiceID)
	switch {
	// Only the actor who asked first for a post may get or change its authorization.
	case err == nil && (held.ActorID != t.ActorID || held.Target != t.Target || held.State == blog.AuthorizationRevoked):
		return o.queueRefused(ctx, s, t, actor)
	// The id stays the same, because other servers verify the authorization at an address that contains it.
	case err == nil:
		t.ID, t.Item = held.ID, held.Item
		if held.State == blog.AuthorizationGiven {
			t.At = held.At
		}
	case !errors.Is(err, blog.ErrNotFound):
		return err
	}
	if !allowed {
		return o.queueRefused(ctx, s, t, actor)
	}
	return o.queueAllowed(ctx, s, t, actor)
}

// KeepRequest saves a request that waits for the author's decision, in the transaction of s.
func (o *Outbox) KeepRequest(ctx context.Context, s *store.Store, t blog.Authorization) error {
	held, err := s.AuthorizationFor(ctx, t.Kind, t.Instrument, t.VoiceID)
	switch {
	// The request was decided before, or somebody else asked for this post first.
	case err == nil && (held.State != blog.AuthorizationAsked || held.ActorID != t.ActorID):
		return nil
	// It has waited since the first request, so that repeating it does not make it wait for ever.
	case err == nil:
		t.ID, t.At = held.ID, held.At
	case !errors.Is(err, blog.ErrNotFound):
		return err
	}
	return s.SaveAuthorization(ctx, t)
}

// answerAfterModeration answers the requests of a reply or quote after the author showed or hid the comment, or takes
// the answers back. It does nothing for a comment without a request.
func (o *Outbox) answerAfterModeration(ctx context.Context, s *store.Store, c blog.Comment,
	state blog.CommentState) error {
	for _, kind := range authorizationKinds {
		t, err := s.AuthorizationFor(ctx, kind, c.Address, "")
		if errors.Is(err, blog.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := o.answerOne(ctx, s, t, state); err != nil {
			return err
		}
	}
	return nil
}

// authorizationKinds are the kinds of which a post may have one authorization each.
var authorizationKinds = []blog.AuthorizationKind{blog.QuoteAuthorization, blog.ReplyAuthorization}

func (o *Outbox) answerOne(ctx context.Context, s *store.Store, t blog.Authorization, state blog.CommentState) error {
	actor, err := s.Actor(ctx, t.ActorID)
	if err != nil {
		return err
	}
	// Other servers show what is authorized, so what is hidden here must not stay authorized.
	hidden := state == blog.CommentHidden || state == blog.CommentSpam
	switch {
	case state == blog.CommentShown && t.State != blog.AuthorizationGiven:
		return o.queueAllowed(ctx, s, t, actor)
	case hidden && t.State == blog.AuthorizationGiven:
		return o.queueRevoked(ctx, s, t)
	case hidden && t.State == blog.AuthorizationAsked:
		t.State = blog.AuthorizationRefused
		if err := s.SaveAuthorization(ctx, t); err != nil {
			return err
		}
		return o.queueRefused(ctx, s, t, actor)
	}
	return nil
}

// withdrawAuthorizations revokes the authorizations of a post that is removed here, and rejects its open requests.
func (o *Outbox) withdrawAuthorizations(ctx context.Context, s *store.Store, post string) error {
	for _, kind := range authorizationKinds {
		t, err := s.AuthorizationFor(ctx, kind, post, "")
		if errors.Is(err, blog.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		switch t.State {
		case blog.AuthorizationGiven:
			err = o.queueRevoked(ctx, s, t)
		case blog.AuthorizationAsked:
			var actor blog.Actor
			if actor, err = s.Actor(ctx, t.ActorID); err == nil {
				err = o.queueRefused(ctx, s, t, actor)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// RevokeQuote revokes the authorization of a quote, given by its comment, and hides it on the page. The Delete of the
// authorization goes to the author of the quote and to the actors who are known to have boosted it. Errors:
// blog.ErrNotFound; blog.ErrConflict when there is no authorization to revoke.
func (o *Outbox) RevokeQuote(ctx context.Context, comment blog.ID) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		c, err := s.Comment(ctx, comment)
		if err != nil {
			return err
		}
		t, err := s.AuthorizationFor(ctx, blog.QuoteAuthorization, c.Address, "")
		if errors.Is(err, blog.ErrNotFound) || err == nil && t.State != blog.AuthorizationGiven {
			return blog.ErrConflict
		}
		if err != nil {
			return err
		}
		if err := o.queueRevoked(ctx, s, t); err != nil {
			return err
		}
		return s.ModerateComment(ctx, c.ID, blog.CommentHidden)
	})
	if err != nil {
		return fmt.Errorf("revoke the permission of the quote %s: %w", comment, err)
	}
	o.Wake()
	return nil
}

// revokeBlocked revokes the authorizations of everybody who is blocked. Their collections are forgotten: after the
// block they may ask again.
func (o *Outbox) revokeBlocked(ctx context.Context, s *store.Store) error {
	authorizations, err := s.AuthorizationsOfRefused(ctx)
	if err != nil {
		return err
	}
	for _, t := range authorizations {
		if t.State == blog.AuthorizationGiven {
			if err := o.queueRevoked(ctx, s, t); err != nil {
				return err
			}
		}
		if t.Kind == blog.FeatureAuthorization {
			if err := s.RemoveFeature(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// queueAllowed grants an authorization and sends the Accept.
func (o *Outbox) queueAllowed(ctx context.Context, s *store.Store, t blog.Authorization, actor blog.Actor) error {
	wire, err := o.WireAuthorization(ctx, s, t)
	// The article was withdrawn, so there is nothing left to answer or to quote.
	if errors.Is(err, blog.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	t.State = blog.AuthorizationGiven
	if err := s.SaveAuthorization(ctx, t); err != nil {
		return err
	}
	// The Accept goes to the personal inbox, because it concerns one actor.
	act, err := o.compose(ctx, s, outgoing{voice: wire.Voice, kind: "Accept", object: t.ID},
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapAcceptRequest(e, requestFor(t), wire.Address())
		})
	if err != nil {
		return err
	}
	return s.AddDeliveriesTo(ctx, act, actor.Inbox)
}

// queueRefused sends the Reject of a request for an authorization.
func (o *Outbox) queueRefused(ctx context.Context, s *store.Store, t blog.Authorization, actor blog.Actor) error {
	wire, err := o.WireAuthorization(ctx, s, t)
	if err != nil {
		if errors.Is(err, blog.ErrGone) {
			return nil
		}
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: wire.Voice, kind: "Reject", object: t.ID},
		func(e activity.Envelope) ([]byte, error) { return activity.WrapRejectRequest(e, requestFor(t)) })
	if err != nil {
		return err
	}
	return s.AddDeliveriesTo(ctx, act, actor.Inbox)
}

// RejectMissing rejects a request about something of ours that does not exist, in the transaction of s. The voice that
// had it answers, where everybody may know that it was there, and otherwise the instance actor: the same for a draft
// and for what never was.
func (o *Outbox) RejectMissing(ctx context.Context, s *store.Store, r activity.Request, actor blog.Actor) error {
	voice, err := o.formerOwner(ctx, s, r.Object)
	if err != nil {
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Reject"},
		func(e activity.Envelope) ([]byte, error) { return activity.WrapRejectRequest(e, r) })
	if err != nil {
		return err
	}
	return s.AddDeliveriesTo(ctx, act, actor.Inbox)
}

// formerOwner returns the voice that had what is at an address of ours, if that answers 410 to everybody now. Otherwise
// it returns the zero Voice.
func (o *Outbox) formerOwner(ctx context.Context, s *store.Store, address string) (voice blog.Voice, err error) {
	if _, id, _, ok := o.Site.Local(address); ok {
		var object store.Object
		object, err = s.Object(ctx, id)
		if err != nil || object.GoneAt == nil {
			return blog.Voice{}, federation.IgnoreMissing(err)
		}
		voice, err = o.OwnerOf(ctx, s, object)
	} else {
		var a blog.Article
		a, _, err = o.ResolveTarget(ctx, s, address)
		if err != nil || a.PublishedAt == nil || a.Status == blog.Published || a.Visibility == blog.Followers {
			return blog.Voice{}, federation.IgnoreMissing(err)
		}
		voice, err = s.Voice(ctx, a.VoiceID)
	}
	if err != nil || voice.RetiredAt != nil {
		return blog.Voice{}, federation.IgnoreMissing(err)
	}
	return voice, nil
}

// requestFor returns the request that an authorization answers. If the post came without a request, the type is empty
// and the post itself is answered.
func requestFor(t blog.Authorization) activity.Request {
	request := activity.Request{ID: t.RequestID, Actor: t.ActorID, Object: t.Target, Instrument: t.Instrument}
	if t.Requested {
		request.Type = activity.RequestFor(t.Kind)
	}
	return request
}

// queueRevoked revokes an authorization and sends its Delete to the author of the post, or to the owner of the
// collection, and to the actors who are known to have boosted the post. The address of the authorization answers 404
// from now on.
func (o *Outbox) queueRevoked(ctx context.Context, s *store.Store, t blog.Authorization) error {
	t.State = blog.AuthorizationRevoked
	// The state is saved even if the article is gone, so that the authorization is never served again.
	if err := s.SaveAuthorization(ctx, t); err != nil {
		return err
	}
	wire, err := o.WireAuthorization(ctx, s, t)
	if errors.Is(err, blog.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	sharers, err := s.Boosters(ctx, t.Instrument)
	if err != nil {
		return err
	}
	recipients := append([]string{t.ActorID}, sharers...)
	actors, err := s.Actors(ctx, recipients)
	if err != nil {
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: wire.Voice, kind: "Delete", object: t.ID},
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapDeleteAuthorization(e, wire, recipients...)
		})
	if err != nil {
		return err
	}
	inboxes := make([]string, 0, len(actors))
	for _, actor := range actors {
		inboxes = append(inboxes, actor.Inbox)
	}
	return s.AddDeliveriesTo(ctx, act, inboxes...)
}
