package federation

import (
	"context"
	"fmt"
	"runtime/debug"

	"causerie/internal/activity"
	"causerie/internal/blog"
)

// Safely makes an error of a panic, so that one answer cannot take the program with it.
func Safely(do func() error) (err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("panic: %v\n%s", trouble, debug.Stack())
		}
	}()
	return do()
}

// FetchListing asks for a collection or a page of one.
func (b Core) FetchListing(ctx context.Context, at string) (activity.Listing, error) {
	doc, err := b.Remote.Lookup(ctx, at)
	if err != nil {
		return activity.Listing{}, err
	}
	return activity.ParseListing(doc)
}

// FetchPost asks a post's origin for it. Only what lies with its author is believed.
func (b Core) FetchPost(ctx context.Context, address string) (*activity.Object, error) {
	if b.Site.Owns(address) {
		return nil, ErrForeign
	}
	doc, err := b.Remote.Lookup(ctx, address)
	if err != nil {
		return nil, err
	}
	post, err := activity.ParseObject(doc)
	if err != nil {
		return nil, err
	}
	if b.Site.Owns(post.ID) || post.Type != Tombstone && !blog.SameOrigin(post.ID, post.AttributedTo) {
		return nil, ErrForeign
	}
	return &post, nil
}
