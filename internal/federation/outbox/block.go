package outbox

import (
	"context"
	"fmt"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// Block saves blocks. Blocked followers are removed, their authorizations are revoked, and their servers get a
// Reject. Follows of ours end with an Undo. It returns blog.Invalid for a block that is not possible, for example of
// this blog itself.
func (o *Outbox) Block(ctx context.Context, blocks ...blog.Block) error {
	for i := range blocks {
		blocks[i].At = o.Now()
		if err := blocks[i].Check(); err != nil {
			return err
		}
		if err := o.notOurselves(blocks[i]); err != nil {
			return err
		}
	}
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		ended, err := s.Block(ctx, blocks...)
		if err != nil {
			return err
		}
		// Undo and Reject are the last that a blocked server gets. Without them, it would go on showing the follows.
		for _, f := range ended.Following {
			voice, err := s.Voice(ctx, f.VoiceID)
			if err != nil {
				return err
			}
			if err := o.queueUndoFollow(ctx, s, voice, f); err != nil {
				return err
			}
		}
		for _, follower := range ended.Followers {
			if err := o.QueueReject(ctx, s, follower); err != nil {
				return err
			}
		}
		return o.revokeBlocked(ctx, s)
	})
	if err != nil {
		return fmt.Errorf("block: %w", err)
	}
	o.Wake()
	return nil
}

// notOurselves returns blog.Invalid for a block of this blog or of one of its voices.
func (o *Outbox) notOurselves(b blog.Block) error {
	own := blocklist.Domain(blog.HostOf(o.Site.URL))
	if b.Kind == blog.BlockServer && (b.Subject == own || b.Subject == blocklist.Domain(o.Site.HandleDomain)) ||
		b.Kind == blog.BlockPerson && o.Site.Owns(b.Subject) {
		return blog.Invalid{Field: "subject", Problem: "is this blog itself"}
	}
	return nil
}
