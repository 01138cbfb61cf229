package outbox

import (
	"context"
	"errors"
	"fmt"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// Block sets blocks. Followers among the refused are sent away and their permissions taken back, and their servers told
// so: it is the last that they hear.
// Errors: blog.Invalid for a block that cannot be, of the site itself for one.
func (o *Outbox) Block(ctx context.Context, blocks ...blog.Block) error {
	for i := range blocks {
		blocks[i].At = o.Now()
		if err := errors.Join(blocks[i].Check(), o.notOurselves(blocks[i])); err != nil {
			return err
		}
	}
	err := o.Store.InTx(ctx, func(store *store.Store) error {
		sentAway, err := store.Block(ctx, blocks...)
		if err != nil {
			return err
		}
		for _, follower := range sentAway {
			if err := o.QueueReject(ctx, store, follower); err != nil {
				return err
			}
		}
		return o.revokeRefused(ctx, store)
	})
	if err != nil {
		return fmt.Errorf("block: %w", err)
	}
	o.Wake()
	return nil
}

func (o *Outbox) notOurselves(b blog.Block) error {
	own := blocklist.Domain(blog.HostOf(o.Site.URL))
	if b.Kind == blog.BlockServer && (b.Subject == own || b.Subject == blocklist.Domain(o.Site.HandleDomain)) ||
		b.Kind == blog.BlockPerson && o.Site.Owns(b.Subject) {
		return blog.Invalid{Field: "subject", Problem: "is this blog itself"}
	}
	return nil
}
