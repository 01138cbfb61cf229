package inbox

import (
	"context"

	"causerie/internal/blog"
	"causerie/internal/federation"
)

// quoteAnswered saves the answer of the author of a quoted post to our QuoteRequest. The error is blog.ErrNotFound
// when the sender was not asked (threat T-039).
func (h *handling) quoteAnswered(ctx context.Context, request string, answer blog.Source) error {
	kind, id, _, ok := h.Site.Local(request)
	if !ok || kind != "activities" {
		return blog.ErrNotFound
	}
	asked, err := h.tx.Activity(ctx, id)
	if err != nil {
		return err
	}
	if asked.Kind != federation.QuoteRequest {
		return blog.ErrNotFound
	}
	a, err := h.tx.ArticleByObject(ctx, asked.ObjectID)
	if err != nil {
		return err
	}
	// The article may have a new object, or quote somebody else, since the request: the answer says nothing about that.
	if a.ObjectID != asked.ObjectID || a.Quoted.ActorID != h.act.Actor {
		return blog.ErrNotFound
	}
	queued, err := h.outbox.SaveQuoteConsent(ctx, h.tx, a, answer)
	h.queued = h.queued || queued
	return err
}

// quoteRevoked handles that the author of a quoted post deletes their authorization, and so revokes the permission.
func (h *handling) quoteRevoked(ctx context.Context, authorization string) error {
	a, err := h.tx.ArticleByAuthorization(ctx, authorization)
	if err != nil {
		return err
	}
	if a.Quoted.ActorID != h.act.Actor {
		return blog.ErrNotFound
	}
	queued, err := h.outbox.SaveQuoteConsent(ctx, h.tx, a, blog.Source{Consent: blog.ConsentRefused})
	h.queued = h.queued || queued
	return err
}
