package inbox

import (
	"context"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/markup"
)

// keepMention saves a post for each of our voices that it mentions. A post that is not public must be addressed to
// them. The error is ErrNowhere when it mentions none, and a NotOurs when it shows nothing.
func (h *handling) keepMention(ctx context.Context, post incoming) error {
	if known, err := h.knownPost(ctx, post); known != "" || err != nil {
		return err
	}
	if post.Updated != nil {
		if known, err := h.renewMention(ctx, post); known || err != nil {
			return err
		}
	}
	m := h.MentionOf(post.Object, post.carrier)
	voices, err := h.VoicesNamed(ctx, h.tx, post.Object, post.carrier)
	if err != nil {
		return err
	}
	if len(voices) == 0 {
		return federation.ErrNowhere
	}
	if markup.Blank(m.Plain) && m.Warning == "" {
		return federation.NotOurs("it has no words")
	}
	actor, err := h.knownActor(ctx, post.AttributedTo)
	if err != nil {
		return err
	}
	if err := h.checkID(ctx, post, actor); err != nil {
		return err
	}
	for _, voice := range voices {
		m.ID, m.VoiceID, m.KeyMark = blog.NewID(h.Now()), voice.ID, actor.KeyMark
		if err := h.tx.AddMention(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// renewMention applies an edit to the mentions of a post. It reports whether there are any. As in a comment
// (doubtful), other words at the same time are taken as the post's own server serves them, and in their order where it
// serves them to nobody.
func (h *handling) renewMention(ctx context.Context, post incoming) (bool, error) {
	known, err := h.tx.MentionByAddress(ctx, post.ID)
	if err != nil {
		return false, federation.IgnoreMissing(err)
	}
	m := h.MentionOf(post.Object, post.carrier)
	sameTime := m.UpdatedAt != nil && known.UpdatedAt != nil && m.UpdatedAt.Equal(*known.UpdatedAt)
	if sameTime && m.HTML == known.HTML && m.Warning == known.Warning {
		return true, nil
	}
	if sameTime && !post.served && known.Visibility != blog.RestrictedComment {
		return true, h.acceptFetched(ctx, post.ID, blog.Pushed)
	}
	author, err := h.knownActor(ctx, post.AttributedTo)
	if err != nil {
		return true, err
	}
	m.KeyMark = author.KeyMark
	return true, h.tx.ReviseMention(ctx, m)
}
