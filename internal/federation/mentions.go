package federation

import (
	"context"
	"strings"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
)

const mentionTime = 5 * time.Second

// findMentions looks handles up, among the actors we know first, then at their servers. One that cannot be found in
// time stays a word.
func (o *Outbox) findMentions(ctx context.Context, markdown string) []activity.Mention {
	ctx, cancel := context.WithTimeout(ctx, mentionTime)
	defer cancel()
	var mentions []activity.Mention
	rendered, err := markup.Article(markdown, markup.Options{})
	if err != nil {
		return nil
	}
	for _, handle := range rendered.Mentions {
		handle = strings.TrimPrefix(handle, "@")
		actor, err := o.Store.ActorByHandle(ctx, handle)
		if err != nil {
			actor, err = o.lookUp(ctx, handle)
		}
		if err == nil && actor.Block == blog.Refuse {
			err = errBarred
		}
		if err != nil {
			o.Log.Info("a mention could not be found", "handle", handle, "error", err)
			continue
		}
		mentions = append(mentions, activity.Mention{Handle: handle, ActorID: actor.ID, URL: actor.URL})
	}
	return mentions
}

// lookUp asks a handle's server for its actor and remembers it. Any server may say that a handle of its own means somebody
// elsewhere: it becomes theirs only when their own server says so too.
func (o *Outbox) lookUp(ctx context.Context, handle string) (blog.Actor, error) {
	self, subject, err := o.Remote.Finger(ctx, handle)
	if err != nil {
		return blog.Actor{}, err
	}
	actor, err := o.fetchActor(ctx, self)
	if err != nil {
		return actor, err
	}
	if now := o.Now(); strings.EqualFold(subject, ownHandle(actor)) {
		err = o.Store.SaveHandle(ctx, actor.ID, subject, &now)
	} else {
		err = o.checkHandle(ctx, actor)
	}
	if err != nil {
		return actor, err
	}
	return o.Store.Actor(ctx, actor.ID)
}

func (o *Outbox) tellMentioned(ctx context.Context, s *store.Store, said blog.Activity, mentions []activity.Mention) error {
	ids := make([]string, len(mentions))
	for i, m := range mentions {
		ids[i] = m.ActorID
	}
	actors, err := s.Actors(ctx, ids)
	if err != nil {
		return err
	}
	for _, actor := range actors {
		if err := s.TellInboxes(ctx, said, actor.Mailbox()); err != nil {
			return err
		}
	}
	return nil
}
