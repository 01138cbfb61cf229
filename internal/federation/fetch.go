package federation

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
)

// ErrPanic is the error of Safely after a panic.
var ErrPanic = errors.New("panic")

// Safely calls do and turns a panic into an ErrPanic that carries the stack. Work that strangers can cause runs in
// it, so that one bad document or answer cannot end the program.
func Safely(do func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, fault, debug.Stack())
		}
	}()
	return do()
}

// FetchListing fetches a collection, or one page of a collection.
func (b Core) FetchListing(ctx context.Context, at string) (activity.Listing, error) {
	doc, err := b.Remote.LookupList(ctx, at)
	if err != nil {
		return activity.Listing{}, err
	}
	return activity.ParseListing(doc, at)
}

// FetchPost fetches a post from its own server. The error is ErrForeign for an address of ours. See ParsePost.
func (b Core) FetchPost(ctx context.Context, address string) (*activity.Object, error) {
	// An address of ours is read from the store, never over the network (threat T-047).
	if b.Site.Owns(address) {
		return nil, ErrForeign
	}
	doc, err := b.Remote.Lookup(ctx, address)
	if err != nil {
		return nil, err
	}
	return b.ParsePost(doc)
}

// ParsePost reads a post that was fetched from its own server. The error is ErrForeign for an id of ours, and for a
// post whose id and author do not have one origin (contract F-099). A Tombstone has no author.
func (b Core) ParsePost(doc *activity.Document) (*activity.Object, error) {
	post, err := activity.ParseObject(doc)
	if err != nil {
		return nil, err
	}
	// The id may differ from the address that was fetched, so it is checked as well.
	if b.Site.Owns(post.ID) || post.Type != Tombstone && !blog.SameOrigin(post.ID, post.AttributedTo) {
		return nil, ErrForeign
	}
	return &post, nil
}

// FetchNamed fetches the actor or post that an address means which a person gave: its id, or a page that names it. A
// page on another server than the object is believed when the object names the page as its own. The error is ErrForeign
// for an address of ours, and for a page that names what is not its own.
func (b Core) FetchNamed(ctx context.Context, address string) (*activity.Document, error) {
	if b.Site.Owns(address) {
		return nil, ErrForeign
	}
	doc, err := b.Remote.LookupPage(ctx, address)
	var named *remote.Alternate
	if errors.As(err, &named) {
		// One hop: the object is fetched from its own server, and must not be one more page.
		if b.Site.Owns(named.ID) {
			return nil, ErrForeign
		}
		if doc, err = b.Remote.Lookup(ctx, named.ID); err == nil && !blog.SameOrigin(named.Page, doc.ID()) &&
			!doc.HasPage(named.Page) && !doc.HasPage(address) {
			err = fmt.Errorf("%w: %s names %s, which does not name it", ErrForeign, named.Page, doc.ID())
		}
	}
	if err != nil {
		return nil, err
	}
	return doc, nil
}

// ParseActor reads the actor that was fetched from the address id. The error is ErrForeign when the document has
// another id.
func ParseActor(doc *activity.Document, id string) (blog.Actor, error) {
	actor, err := activity.ParseActor(doc)
	if err != nil {
		return blog.Actor{}, err
	}
	if actor.ID != blog.URI(id) {
		return blog.Actor{}, fmt.Errorf("%w: %s answers for %s", ErrForeign, actor.ID, id)
	}
	return actor, nil
}
