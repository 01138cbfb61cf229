package outbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/markup"
	"causerie/internal/store"
)

// mentionTime limits the search for all mentions of a text: an author waits for it when publishing.
const mentionTime = 5 * time.Second

// findMentions looks up the handles in a text: first among the known actors, then at their servers. A handle that is
// not found in time stays plain text. An error is a failure of our own.
func (o *Outbox) findMentions(ctx context.Context, markdown string) ([]activity.Mention, error) {
	ctx, cancel := context.WithTimeout(ctx, mentionTime)
	defer cancel()
	var mentions []activity.Mention
	rendered, err := markup.Article(markdown, markup.Options{})
	if err != nil {
		return nil, err
	}
	for _, handle := range rendered.Mentions {
		handle = strings.TrimPrefix(handle, "@")
		actor, err := o.Store.ActorByHandle(ctx, handle)
		if errors.Is(err, blog.ErrNotFound) {
			actor, err = o.lookUp(ctx, handle)
		}
		// A failure of our own must not drop a mention: an article is sent once, and the person would never be notified.
		if federation.Internal(err) && ctx.Err() == nil {
			return nil, err
		}
		if err == nil && actor.Block == blog.Refuse {
			err = federation.ErrBlocked
		}
		if err != nil {
			o.Log.Info("an account that is mentioned cannot be found", "handle", handle, "error", err)
			continue
		}
		mentions = append(mentions, activity.Mention{Handle: handle, ActorID: actor.ID, URL: actor.URL})
	}
	return mentions, nil
}

// lookUp fetches the actor of a handle and saves it.
func (o *Outbox) lookUp(ctx context.Context, handle string) (blog.Actor, error) {
	self, subject, err := o.Remote.WebFinger(ctx, handle)
	if err != nil {
		return blog.Actor{}, err
	}
	actor, err := o.FetchActor(ctx, self)
	if err != nil {
		return actor, err
	}
	// Any server may claim that a handle of its own domain belongs to an actor elsewhere. The handle is saved for that
	// actor only if the server of the actor confirms it.
	if now := o.Now(); strings.EqualFold(subject, federation.ClaimedHandle(actor)) {
		err = o.Store.SaveHandle(ctx, actor.ID, subject, &now)
	} else {
		err = o.CheckHandle(ctx, actor)
	}
	if err != nil {
		return actor, err
	}
	return o.Store.Actor(ctx, actor.ID)
}

// UnknownMentions returns the handles in an article whose actor was not found when its newest text was sent, so that
// nobody was notified. It returns none while the article is held.
func (o *Outbox) UnknownMentions(ctx context.Context, a blog.Article) ([]string, error) {
	rendered, err := markup.Article(a.Markdown, markup.Options{})
	if err != nil || len(rendered.Mentions) == 0 || a.Status != blog.Published || !a.Federates() {
		return nil, err
	}
	// The mentions of a held article are looked up only when the hold is over.
	if _, err := o.Store.Hold(ctx, a.ID); !errors.Is(err, blog.ErrNotFound) {
		return nil, err
	}
	object, err := o.Store.Object(ctx, a.ObjectID)
	if err != nil {
		return nil, err
	}
	document, err := activity.Read(object.Payload)
	if err != nil {
		return nil, err
	}
	named := activity.MentionNames(document)
	var unknown []string
	for _, handle := range rendered.Mentions {
		if strings.HasSuffix(strings.ToLower(handle), "@"+o.Site.HandleDomain) ||
			slices.ContainsFunc(named, func(name string) bool { return strings.EqualFold(name, handle) }) {
			continue
		}
		actor, err := o.Store.ActorByHandle(ctx, strings.TrimPrefix(handle, "@"))
		if federation.IgnoreMissing(err) != nil {
			return nil, err
		}
		if actor.Block != blog.Refuse { // a blocked actor was left out on purpose
			unknown = append(unknown, handle)
		}
	}
	return unknown, nil
}

// deliverToMentioned adds the deliveries of an activity to the mentioned actors.
func (o *Outbox) deliverToMentioned(ctx context.Context, s *store.Store, act blog.Activity,
	mentions []activity.Mention) error {
	ids := make([]string, len(mentions))
	for i, m := range mentions {
		ids[i] = m.ActorID
	}
	actors, err := s.Actors(ctx, ids)
	if err != nil {
		return err
	}
	for _, actor := range actors {
		if err := s.AddDeliveriesTo(ctx, act, actor.Mailbox()); err != nil {
			return err
		}
	}
	return nil
}
