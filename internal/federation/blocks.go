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

// ErrBlocked ends what has to do with somebody who is refused. It is no trouble, and its sender is told nothing.
var ErrBlocked = fmt.Errorf("%w: it is blocked", ErrNotOurs)

// Blocked tells whether nothing is heard from an address, asked of it or sent there: its server or itself is refused, or
// is not on the list of those to whom the site is confined. We ourselves never are.
func (b Core) Blocked(ctx context.Context, s *store.Store, address string) (bool, error) {
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
func (b Core) Permit(ctx context.Context, address string) error {
	barred, err := b.Blocked(ctx, b.Store, address)
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
