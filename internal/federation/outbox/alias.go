package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// maxAliases limits how many aliases a profile lists.
const maxAliases = 10

// AddAlias adds an actor elsewhere, given as @handle@server or by address, to the aliases of a voice. The server of
// that actor demands it before followers can move to the voice. Errors: blog.Invalid when there is no such actor.
func (o *Outbox) AddAlias(ctx context.Context, voice blog.Voice, alias string) (blog.Actor, error) {
	actor, err := o.identify(ctx, "alias", alias)
	switch {
	case err != nil:
		return actor, err
	case actor.ID == o.Site.ActorID(voice.ID):
		return actor, blog.Invalid{Field: "alias", Problem: "is this account itself: name the account that you had before"}
	case slices.Contains(voice.AlsoKnownAs, actor.ID):
		return actor, nil
	case len(voice.AlsoKnownAs) >= maxAliases:
		return actor, blog.Invalid{Field: "alias",
			Problem: fmt.Sprintf("is one too many: a profile has at most %d aliases, so remove one first", maxAliases)}
	}
	return actor, o.saveAliases(ctx, voice, append(slices.Clone(voice.AlsoKnownAs), actor.ID))
}

// RemoveAlias removes an alias, given as it stands in the profile or as @handle@server. Errors: blog.Invalid when it is
// none.
func (o *Outbox) RemoveAlias(ctx context.Context, voice blog.Voice, alias string) error {
	alias = strings.TrimSpace(alias)
	actor, err := o.Store.ActorByHandle(ctx, strings.ToLower(strings.TrimPrefix(alias, "@")))
	switch {
	case err == nil:
		alias = actor.ID
	case !errors.Is(err, blog.ErrNotFound):
		return err
	}
	left := slices.DeleteFunc(slices.Clone(voice.AlsoKnownAs), func(known string) bool { return known == alias })
	if len(left) == len(voice.AlsoKnownAs) {
		return blog.Invalid{Field: "alias",
			Problem: fmt.Sprintf("“%s” is no alias of this profile: look at the list of its aliases", alias)}
	}
	return o.saveAliases(ctx, voice, left)
}

func (o *Outbox) saveAliases(ctx context.Context, voice blog.Voice, aliases blog.Strings) error {
	err := o.changeProfile(ctx, voice.ID, func(s *store.Store) error {
		return s.RenewAliases(ctx, voice.ID, aliases,
			o.Now())
	})
	if err != nil {
		return fmt.Errorf("save the aliases of %s: %w", voice.Handle, err)
	}
	return nil
}

const identifyTime = 15 * time.Second

// identify finds the actor that somebody names in a form field: as its server describes it now, or one of ours. An
// actor that cannot be found is a blog.Invalid of the field, which wraps the error of a server that does not answer.
func (o *Outbox) identify(ctx context.Context, field, name string) (blog.Actor, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyTime)
	defer cancel()
	actor, err := o.actorByName(ctx, strings.TrimSpace(name))
	if err == nil {
		return actor, nil
	}
	invalid := func(problem string) (blog.Actor, error) {
		return actor, blog.Invalid{Field: field, Problem: fmt.Sprintf(problem, name)}
	}
	switch {
	case errors.Is(err, remote.ErrHandle):
		return invalid("“%s” is neither a handle nor an address: write it like @ilse@veerhuis.example")
	case errors.Is(err, remote.ErrRefused) && federation.DetailOf(err, remote.ErrRefused) != "":
		return invalid("“%s” cannot be looked up: " +
			strings.ReplaceAll(federation.DetailOf(err, remote.ErrRefused), "%", "%%"))
	case errors.Is(err, remote.ErrNotFound), errors.Is(err, remote.ErrGone), errors.Is(err, blog.ErrNotFound):
		return invalid("“%s” is not known at its server: check the spelling")
	case federation.Temporary(err):
		_, no := invalid("“%s” cannot be looked up, since its server does not answer: try again later")
		return actor, fmt.Errorf("%w (%w)", no, err)
	case federation.Permanent(err):
		return invalid("“%s” is not an account that can be read from here: check the spelling")
	}
	return actor, err
}

func (o *Outbox) actorByName(ctx context.Context, name string) (blog.Actor, error) {
	handle := strings.TrimPrefix(name, "@")
	local, ours := strings.CutSuffix(strings.ToLower(handle), "@"+strings.ToLower(o.Site.HandleDomain))
	switch {
	case ours:
		voice, err := o.Store.VoiceByHandle(ctx, local)
		return o.ownActor(voice), err
	case o.Site.Owns(name):
		voice, err := o.VoiceOf(ctx, o.Store, name)
		return o.ownActor(voice), err
	case strings.Contains(name, "://"):
		return o.actorAt(ctx, name)
	}
	return o.lookUp(ctx, handle)
}

// actorAt finds an actor by its id or by its profile page.
func (o *Outbox) actorAt(ctx context.Context, address string) (blog.Actor, error) {
	doc, err := o.Remote.Lookup(ctx, address)
	if err != nil {
		return blog.Actor{}, err
	}
	return o.FetchActor(ctx, doc.ID())
}

// ourselves returns a voice of ours as an actor.
func (o *Outbox) ownActor(v blog.Voice) blog.Actor {
	return blog.Actor{ID: o.Site.ActorID(v.ID), Handle: v.Handle + "@" + o.Site.HandleDomain, AlsoKnownAs: v.AlsoKnownAs,
		MovedTo: v.MovedTo, GoneAt: v.RetiredAt}
}
