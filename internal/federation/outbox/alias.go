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

// AddAlias adds an account on another server, given as @handle@server or by address, to the aliases of a voice.
// Followers can move from that account to the voice only when the voice lists it. It returns blog.Invalid when there
// is no such account.
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

// RemoveAlias removes an alias, given by its address or as @handle@server. It returns blog.Invalid when the voice has
// no such alias.
func (o *Outbox) RemoveAlias(ctx context.Context, voice blog.Voice, alias string) error {
	alias = strings.TrimSpace(alias)
	// Only the database is asked: an alias can be removed although its server is gone.
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

// saveAliases saves the aliases of a voice and plans the Update of its profile.
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

// identifyTime limits one lookup while somebody waits for the answer to a form.
const identifyTime = 15 * time.Second

// identify finds the actor that somebody names in a form field: one of our voices, or an actor as its server
// describes it now. It returns blog.Invalid with the field when the actor cannot be found. If its server did not
// answer, that error is wrapped as well.
func (o *Outbox) identify(ctx context.Context, field, name string) (blog.Actor, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyTime)
	defer cancel()
	actor, err := o.actorByName(ctx, strings.TrimSpace(name))
	return actor, o.identifyError(field, name, err)
}

// identifyError is the error of a form for a name that cannot be looked up.
func (o *Outbox) identifyError(field, name string, err error) error {
	invalid := func(problem string) error {
		return blog.Invalid{Field: field, Problem: fmt.Sprintf(problem, name)}
	}
	switch {
	case errors.Is(err, blog.ErrNotFound) && o.Site.Owns(name):
		return invalid("“%s” is an address of this blog, but nobody's: name the page of an author")
	case errors.Is(err, remote.ErrHandle):
		return invalid("“%s” is neither a handle nor an address: write it like @ilse@veerhuis.example")
	case errors.Is(err, remote.ErrRefused) && federation.DetailOf(err, remote.ErrRefused) != "":
		return invalid("“%s” cannot be looked up: " +
			// The detail becomes part of a format string.
			strings.ReplaceAll(federation.DetailOf(err, remote.ErrRefused), "%", "%%"))
	case errors.Is(err, remote.ErrNotFound), errors.Is(err, remote.ErrGone), errors.Is(err, blog.ErrNotFound):
		return invalid("“%s” is not known at its server: check the spelling")
	// A host without a dot is a typing error far more often than a server that is away.
	case federation.Temporary(err) && dotlessHost(name) != "":
		name = dotlessHost(name)
		return invalid("“%s” is not a server name: write the handle like @ilse@veerhuis.example")
	case federation.Temporary(err):
		// Both are wrapped: the form shows the Invalid, and MoveDueVoices tries again after an error that may pass.
		return fmt.Errorf("%w (%w)",
			invalid("“%s” cannot be looked up, since its server does not answer: try again later"), err)
	case federation.Permanent(err):
		return invalid("“%s” is not an account that can be read from here: check the spelling")
	}
	return err
}

// dotlessHost returns the host of a handle when it has no dot and no port, and "" otherwise.
func dotlessHost(handle string) string {
	at := strings.LastIndex(handle, "@")
	if host := handle[at+1:]; at >= 0 && !strings.ContainsAny(host, ".:/") && host != "localhost" {
		return host
	}
	return ""
}

// actorByName finds an actor by a handle, by its id or by the address of its profile page.
func (o *Outbox) actorByName(ctx context.Context, name string) (blog.Actor, error) {
	handle := strings.TrimPrefix(name, "@")
	local, ours := strings.CutSuffix(strings.ToLower(handle), "@"+strings.ToLower(o.Site.HandleDomain))
	switch {
	// Our own voices are read from the database: a blog does not send requests to itself.
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

// actorAt finds an actor by its id or by the address of its profile page.
func (o *Outbox) actorAt(ctx context.Context, address string) (blog.Actor, error) {
	doc, err := o.FetchNamed(ctx, address)
	if err != nil {
		return blog.Actor{}, err
	}
	// The address of a page leads to a document with another id, from which it was fetched.
	return o.SaveActor(ctx, doc.ID(), doc)
}

// ownActor returns one of our voices as an actor.
func (o *Outbox) ownActor(v blog.Voice) blog.Actor {
	return blog.Actor{ID: o.Site.ActorID(v.ID), Handle: v.Handle + "@" + o.Site.HandleDomain, AlsoKnownAs: v.AlsoKnownAs,
		MovedTo: v.MovedTo, GoneAt: v.RetiredAt}
}
