package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// BlockSubject reads what somebody wants to block: a domain, "@kade@evil.example", or the address of an actor. An
// actor that is not known is fetched. It returns blog.Invalid for anything else.
func (o *Outbox) BlockSubject(ctx context.Context, text string) (blog.BlockKind, string, error) {
	text = strings.TrimSpace(text)
	// An address without a path, such as https://evil.example/, means the server.
	if u, err := url.Parse(text); err == nil && (u.Scheme == "https" || u.Scheme == "http") &&
		strings.Trim(u.Path, "/") != "" {
		id, err := o.personAt(ctx, text)
		return blog.BlockPerson, id, err
	}
	if name, _, ok := strings.Cut(strings.TrimPrefix(text, "@"), "@"); ok && name != "" {
		id, err := o.personBehind(ctx, strings.TrimPrefix(text, "@"))
		return blog.BlockPerson, id, err
	}
	domain, err := blocklist.ReadDomain(text)
	return blog.BlockServer, domain, err
}

// personAt returns the id of the actor at an address.
func (o *Outbox) personAt(ctx context.Context, address string) (string, error) {
	// A blocked actor must be found without a request, since requests to it are refused: else nobody could unblock it.
	if _, err := o.Store.BlockBySubject(ctx, blog.BlockPerson, address); !errors.Is(err, blog.ErrNotFound) {
		return address, err
	}
	actor, err := o.Store.ActorByProfile(ctx, address)
	if errors.Is(err, blog.ErrNotFound) {
		ask, cancel := context.WithTimeout(ctx, mentionTime)
		defer cancel()
		actor, err = o.actorByName(ask, address)
	}
	// A failure of our own is not the fault of what was typed.
	if err != nil && ctx.Err() == nil && !federation.Internal(err) {
		return "", blog.Invalid{Field: "subject",
			Problem: fmt.Sprintf("“%s” is not an account that can be found: write “%s” to block the whole server", address,
				blocklist.Domain(blog.HostOf(address)))}
	}
	return actor.ID, err
}

// personBehind returns the id of the actor with a handle.
func (o *Outbox) personBehind(ctx context.Context, handle string) (string, error) {
	actor, err := o.Store.ActorByHandle(ctx, handle)
	if errors.Is(err, blog.ErrNotFound) {
		ask, cancel := context.WithTimeout(ctx, mentionTime)
		defer cancel()
		actor, err = o.lookUp(ask, handle)
	}
	if err != nil && ctx.Err() == nil && !federation.Internal(err) {
		return "", blog.Invalid{Field: "subject",
			Problem: fmt.Sprintf("“@%s” cannot be found: write the address of their actor, or block their server", handle)}
	}
	return actor.ID, err
}

// Import is what a list of blocks would change.
type Import struct {
	New   []blog.Block // servers that were not blocked
	Raise []blog.Block // servers that were limited and are refused now
	Known int          // blocks that stay: a list never lowers the level of one
}

// PlanImport compares a list with the existing blocks. It returns blog.Invalid when the list names this blog.
func (o *Outbox) PlanImport(ctx context.Context, list blocklist.Blocklist) (Import, error) {
	known, err := o.Store.Blocks(ctx, store.BlockFilter{Kind: blog.BlockServer})
	if err != nil {
		return Import{}, err
	}
	levels := map[string]blog.Block{}
	for _, b := range known {
		levels[b.Subject] = b
	}
	var plan Import
	for _, b := range list.Blocks {
		if o.notOurselves(b) != nil {
			return Import{}, blog.Invalid{Field: "list",
				Problem: "names " + b.Subject + ", which is this blog itself: remove that line"}
		}
		before, blocked := levels[b.Subject]
		switch {
		case !blocked:
			plan.New = append(plan.New, b)
		// The existing block keeps its reason and its note; only the level is raised.
		case before.Level != before.Level.Stricter(b.Level):
			before.Level = b.Level
			plan.Raise = append(plan.Raise, before)
		default:
			plan.Known++
		}
	}
	return plan, nil
}

// Import saves the blocks of a plan, all or none.
func (o *Outbox) Import(ctx context.Context, plan Import) error {
	return o.Block(ctx, slices.Concat(plan.New, plan.Raise)...)
}
