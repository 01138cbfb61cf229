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

// renewMention applies an edit to the mentions of a post. It reports whether there are any.
func (h *handling) renewMention(ctx context.Context, post incoming) (bool, error) {
	known, err := h.tx.MentionedBy(ctx, post.ID)
	if err != nil || !known {
		return false, err
	}
	m := h.MentionOf(post.Object, post.carrier)
	author, err := h.knownActor(ctx, post.AttributedTo)
	if err != nil {
		return true, err
	}
	m.KeyMark = author.KeyMark
	return true, h.tx.ReviseMention(ctx, m)
}
