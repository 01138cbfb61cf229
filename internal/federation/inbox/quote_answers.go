package inbox

import (
	"context"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// quoteAllowed and quoteRefused handle the answer of the author of a quoted post.
func (in *Inbox) quoteAllowed(ctx context.Context, s *store.Store, by, request, stamp string, result *outcome) error {
	if !blog.SameOrigin(stamp, by) {
		return nil
	}
	return in.quoteAnswered(ctx, s, by, request, blog.Source{Consent: blog.ConsentGiven, Stamp: stamp}, result)
}

func (in *Inbox) quoteRefused(ctx context.Context, s *store.Store, by, request string, result *outcome) error {
	return in.quoteAnswered(ctx, s, by, request, blog.Source{Consent: blog.ConsentRefused}, result)
}

func (in *Inbox) quoteAnswered(ctx context.Context, s *store.Store, by, request string, answer blog.Source,
	result *outcome) error {
	kind, id, _, ok := in.Site.Local(request)
	if !ok || kind != "activities" {
		return blog.ErrNotFound
	}
	said, err := s.Activity(ctx, id)
	if err != nil {
		return err
	}
	if said.Kind != federation.QuoteRequest {
		return blog.ErrNotFound
	}
	a, err := s.ArticleByObject(ctx, said.ObjectID)
	if err != nil {
		return err
	}
	if a.ObjectID != said.ObjectID || a.Quoted.ActorID != by {
		return blog.ErrNotFound
	}
	told, err := in.outbox.SaveQuoteConsent(ctx, s, a, answer)
	result.queued = result.queued || told
	return err
}

// quoteRevoked handles that the author of a quoted post revokes their permission: the authorization is deleted.
func (in *Inbox) quoteRevoked(ctx context.Context, s *store.Store, by, stamp string, result *outcome) error {
	a, err := s.ArticleByStamp(ctx, stamp)
	if err != nil {
		return err
	}
	if a.Quoted.ActorID != by {
		return blog.ErrNotFound
	}
	told, err := in.outbox.SaveQuoteConsent(ctx, s, a, blog.Source{Consent: blog.ConsentRefused})
	result.queued = result.queued || told
	return err
}
