package documents

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
)

// authorization returns an authorization while it is valid.
func (d *Documents) authorization(ctx context.Context, r *http.Request) ([]byte, error) {
	t, err := d.Store.LiveAuthorization(ctx, blog.ID(chi.URLParam(r, "stamp")))
	if err != nil {
		return nil, err
	}
	wire, err := d.WireAuthorization(ctx, d.Store, t)
	switch {
	case errors.Is(err, blog.ErrGone):
		return nil, blog.ErrNotFound
	case err != nil:
		return nil, err
	case t.Kind == blog.QuoteStamp:
		return activity.QuoteAuthorization(wire), nil
	}
	return activity.ReplyAuthorization(wire), nil
}
