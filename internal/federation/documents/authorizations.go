package documents

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
)

// authorization serves an authorization while it is valid.
func (d *Documents) authorization(ctx context.Context, r *http.Request) ([]byte, error) {
	t, err := d.Store.LiveAuthorization(ctx, blog.ID(chi.URLParam(r, "stamp")))
	if err != nil {
		return nil, err
	}
	wire, err := d.WireAuthorization(ctx, d.Store, t)
	switch {
	// A revoked authorization and one for a withdrawn post look the same: neither is valid.
	case errors.Is(err, blog.ErrGone):
		return nil, blog.ErrNotFound
	case err != nil:
		return nil, err
	}
	return wire.Document(), nil
}
