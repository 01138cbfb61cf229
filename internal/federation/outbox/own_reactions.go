package outbox

import (
	"context"
	"fmt"
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// React lets a voice like or boost a post on another server, by its address. The writer is told of a like, and of a
// boost the followers of the voice as well. Errors: blog.Invalid for a post that cannot be fetched, blog.ErrConflict
// when the voice did so before.
func (o *Outbox) React(ctx context.Context, voice blog.Voice, kind blog.ReactionKind, address string) error {
	post, writer, err := o.findPost(ctx, "uri", address)
	if err != nil {
		return err
	}
	g := store.OwnReaction{VoiceID: voice.ID, Kind: kind, Address: post.ID, ActorID: writer.ID, At: o.Now()}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		act, err := o.composeReaction(ctx, s, voice, g)
		if err != nil {
			return err
		}
		g.ActivityID = act.ID
		if err := s.AddOwnReaction(ctx, g); err != nil {
			return err
		}
		if err := s.AddDeliveriesTo(ctx, act, writer.Mailbox()); err != nil || kind != blog.Boost {
			return err
		}
		return s.FanOutToFollowers(ctx, act)
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind, address, err)
	}
	o.Wake()
	return nil
}

// composeReaction composes the Like or the Announce.
func (o *Outbox) composeReaction(ctx context.Context, s *store.Store, voice blog.Voice,
	g store.OwnReaction) (blog.Activity, error) {
	word, wrap := "Like", activity.WrapLike
	if g.Kind == blog.Boost {
		word, wrap = "Announce", activity.WrapAnnounce
	}
	return o.compose(ctx, s, outgoing{voice: voice, kind: word},
		func(e activity.Envelope) ([]byte, error) { return wrap(e, g.Address, g.ActorID) })
}

// Unreact takes a like or a boost back. It returns blog.ErrNotFound when there is none.
func (o *Outbox) Unreact(ctx context.Context, voice blog.Voice, kind blog.ReactionKind, address string) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		g, err := s.TakeOwnReaction(ctx, voice.ID, kind, address)
		if err != nil {
			return err
		}
		// To the inboxes that got it, and not to the followers of today.
		inboxes, err := s.InboxesOf(ctx, g.ActivityID)
		if err != nil {
			return err
		}
		return o.queueUndo(ctx, s, voice, g.ActivityID, inboxes...)
	})
	if err != nil {
		return fmt.Errorf("undo %s %s: %w", kind, address, err)
	}
	o.Wake()
	return nil
}

// Found is what Find finds: an actor, or a post and its author.
type Found struct {
	Actor blog.Actor
	Post  *blog.Comment // its content as it would be shown here; nil for an actor
	Title string        // "" for an actor and for a post without one
}

// Find looks up an address or a handle and changes nothing, so that an author sees what it means first. It returns
// blog.Invalid when it is neither an actor nor a post.
func (o *Outbox) Find(ctx context.Context, what string) (Found, error) {
	if what = strings.TrimSpace(what); o.Site.Owns(what) || !strings.Contains(what, "://") {
		actor, err := o.identify(ctx, "uri", what)
		return Found{Actor: actor}, err
	}
	ctx, cancel := context.WithTimeout(ctx, identifyTime)
	defer cancel()
	doc, err := o.FetchNamed(ctx, what)
	if err != nil {
		return Found{}, o.identifyError("uri", what, err)
	}
	if doc.IsActor() {
		actor, err := o.SaveActor(ctx, doc.ID(), doc)
		return Found{Actor: actor}, o.identifyError("uri", what, err)
	}
	post, writer, err := o.postIn(ctx, doc)
	if err != nil {
		return Found{}, o.identifyError("uri", what, err)
	}
	content := o.Content(post, blog.Answering)
	content.Address, content.ActorID = post.ID, writer.ID
	return Found{Actor: writer, Post: &content, Title: post.Name}, nil
}
