package federation

import (
	"context"
	"errors"
	"fmt"

	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// A block, and the list to which a site may be confined, hold at three gates: the inbox, before anything that comes is
// judged or looked up; the client, before anything is asked of anybody, redirects included; and the courier, before a
// letter leaves. What a person among the refused wrote reaches us by others as well: whoever takes something in asks for
// its author by knownActor, which knows nobody who is refused.

// errBarred ends what has to do with somebody who is refused. It is no trouble, and its sender is told nothing.
var errBarred = fmt.Errorf("%w: it is blocked", errNotOurs)

// barred tells whether nothing is heard from an address, asked of it or sent there: its server or itself is refused, or
// is not on the list of those to whom the site is confined. We ourselves never are.
func (b Base) barred(ctx context.Context, s *store.Store, address string) (bool, error) {
	if b.Site.Owns(address) {
		return false, nil
	}
	host := blog.HostOf(address)
	blocked, err := s.Blocked(ctx, host, address)
	if blocked || err != nil || !b.AllowList {
		return blocked, err
	}
	allowed, err := s.Allowed(ctx, host)
	return !allowed, err
}

// Permit refuses questions to those who are barred, with remote.ErrRefused: it is the gate of the client.
func (b Base) Permit(ctx context.Context, address string) error {
	barred, err := b.barred(ctx, b.Store, address)
	if !barred {
		return err
	}
	host := blog.HostOf(address)
	blocked, err := b.Store.Blocked(ctx, host, address)
	if err == nil && !blocked {
		return fmt.Errorf("%w: %s is not on the list of servers with which this blog speaks", remote.ErrRefused, host)
	}
	return errors.Join(err, fmt.Errorf("%w: it is blocked", remote.ErrRefused))
}

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
			if err := o.sayReject(ctx, store, follower); err != nil {
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
	own := store.Domain(blog.HostOf(o.Site.URL))
	if b.Kind == blog.BlockServer && (b.Subject == own || b.Subject == store.Domain(o.Site.HandleDomain)) || b.Kind == blog.BlockPerson && o.Site.Owns(b.Subject) {
		return blog.Invalid{Field: "subject", Problem: "is this blog itself"}
	}
	return nil
}
