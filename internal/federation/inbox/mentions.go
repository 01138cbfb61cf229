package inbox

import (
	"context"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// keepMention keeps a post that mentions voices of ours and no article, for each of them to read. A post that is not
// public must be addressed to them. ErrNowhere when it mentions nobody here.
func (in *Inbox) keepMention(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity) error {
	if err := checkNotDeleted(ctx, s, post); err != nil {
		return err
	}
	m := in.MentionOf(post, act)
	voices, err := in.VoicesNamed(ctx, s, post, act)
	if err != nil {
		return err
	}
	if len(voices) == 0 {
		return federation.ErrNowhere
	}
	actor, err := in.knownActor(ctx, s, post.AttributedTo)
	if err != nil {
		return err
	}
	for _, voice := range voices {
		m.ID, m.VoiceID, m.KeyMark = blog.NewID(in.Now()), voice.ID, actor.KeyMark
		if err := s.AddMention(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// renewMention applies an edit to the mentions of a post. It reports whether there are any.
func (in *Inbox) renewMention(ctx context.Context, s *store.Store, post activity.Object,
	act activity.Activity) (bool, error) {
	known, err := s.MentionedBy(ctx, post.ID)
	if err != nil || !known {
		return false, err
	}
	m := in.MentionOf(post, act)
	if m.UpdatedAt == nil {
		m.UpdatedAt = &m.ArrivedAt
	}
	writer, err := in.knownActor(ctx, s, post.AttributedTo)
	if err != nil {
		return true, err
	}
	m.KeyMark = writer.KeyMark
	return true, s.ReviseMention(ctx, m)
}
