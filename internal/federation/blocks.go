package federation

import (
	"context"
	"fmt"

	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// Blocks and the list of allowed servers are checked in three places: in the inbox, before a signature is verified or
// anything is fetched; in the client, before each request and each redirect; and in the courier, before a delivery is
// sent. Posts of a blocked author also reach us through others, so the inbox checks the author of each post as well.

// ErrBlocked ends the handling of an activity of a blocked actor. It is not logged, and the sender gets no reason.
var ErrBlocked = fmt.Errorf("%w: it is blocked", ErrNotOurs)

// Blocked reports whether nothing is accepted from an address, fetched from it or sent to it: it or its server is
// blocked, or AllowList is set and the server is not on the list. An address of ours is never blocked.
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

// Permit returns remote.ErrRefused for an address that is blocked. The client asks it before each request.
func (b Core) Permit(ctx context.Context, address string) error {
	refused, err := b.Blocked(ctx, b.Store, address)
	if !refused {
		return err
	}
	// Blocked does not say which of its two reasons applies, and the error should.
	host := blog.HostOf(address)
	blocked, err := b.Store.Blocked(ctx, host, address)
	switch {
	case err != nil:
		return err
	case blocked:
		return fmt.Errorf("%w: it is blocked", remote.ErrRefused)
	}
	return fmt.Errorf("%w: %s is not on the list of allowed servers", remote.ErrRefused, host)
}
