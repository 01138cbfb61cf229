package documents

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
)

// authorsCollection returns the collection of the authors that the voice of a request publishes (FEP-7aa9).
func (d *Documents) authorsCollection(ctx context.Context, r *http.Request) (activity.AuthorsCollection, error) {
	c := activity.AuthorsCollection{Site: d.Site}
	var err error
	if c.Voice, err = d.liveVoice(ctx, r); err == nil && !c.Voice.FeaturesAuthors() {
		err = blog.ErrNotFound
	}
	if err != nil {
		return c, err
	}
	c.Members, err = d.Store.FeaturesIn(ctx, d.Site.AuthorsCollection(c.Voice.ID))
	c.Members = slices.DeleteFunc(c.Members, func(t blog.Authorization) bool {
		return t.State != blog.AuthorizationGiven || t.Item == ""
	})
	return c, err
}

// collections serves the list of the collections of a voice.
func (d *Documents) collections(ctx context.Context, r *http.Request) ([]byte, error) {
	c, err := d.authorsCollection(ctx, r)
	return activity.Items(d.Site.URL+r.URL.Path, []string{d.Site.AuthorsCollection(c.Voice.ID)}), err
}

func (d *Documents) authors(ctx context.Context, r *http.Request) ([]byte, error) {
	c, err := d.authorsCollection(ctx, r)
	return c.Document(), err
}

// authorsItem serves the item of one author.
func (d *Documents) authorsItem(ctx context.Context, r *http.Request) ([]byte, error) {
	c, err := d.authorsCollection(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, t := range c.Members {
		if string(t.ID) == chi.URLParam(r, "stamp") {
			return c.Item(t), nil
		}
	}
	return nil, blog.ErrNotFound
}
