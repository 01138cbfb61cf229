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
// unknown actor is fetched. Anything else is a blog.Invalid.
func (o *Outbox) BlockSubject(ctx context.Context, text string) (blog.BlockKind, string, error) {
	text = strings.TrimSpace(text)
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

// personAt returns the actor at an address: one who is blocked already, is known, or can be fetched.
func (o *Outbox) personAt(ctx context.Context, address string) (string, error) {
	if _, err := o.Store.BlockOf(ctx, blog.BlockPerson, address); !errors.Is(err, blog.ErrNotFound) {
		return address, err
	}
	actor, err := o.Store.ActorByProfile(ctx, address)
	if errors.Is(err, blog.ErrNotFound) {
		ask, cancel := context.WithTimeout(ctx, mentionTime)
		defer cancel()
		actor, err = o.actorByName(ask, address)
	}
	if err != nil && ctx.Err() == nil && !federation.Internal(err) {
		return "", blog.Invalid{Field: "subject",
			Problem: fmt.Sprintf("“%s” is nobody whom we know or can ask for: write “%s” to block the whole server", address,
				blocklist.Domain(blog.HostOf(address)))}
	}
	return actor.ID, err
}

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
	New   []blog.Block // of servers that were not blocked
	Raise []blog.Block // that limited a server and refuse it now
	Known int          // that change nothing: what a list says never lowers a block
}

// PlanImport compares a list with the blocks that exist. It is a blog.Invalid when the list names the blog itself.
func (o *Outbox) PlanImport(ctx context.Context, list blocklist.Blocklist) (Import, error) {
	known, err := o.Store.Blocks(ctx, store.BlockList{Kind: blog.BlockServer})
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
				Problem: "names " + b.Subject + ", which is this blog itself: take that line out"}
		}
		before, blocked := levels[b.Subject]
		switch {
		case !blocked:
			plan.New = append(plan.New, b)
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
