package remote

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"causerie/internal/activity"
)

const acceptActivity = "application/activity+json, " + activity.LinkedDataType

// Object fetches the document at an address. Its id must be that address, or the address that a redirect led to. When
// the document has another id on the same server, it is fetched once more under that id. An id on another server is an
// ErrNotActivity.
//
// So the id of the document is verified, but after a redirect it may differ from the one asked for. A caller that needs
// a certain actor or post must compare.
//
// The document has at most 1 MiB and is within the limits of [activity.Read]. The errors are ErrRefused,
// ErrUnavailable, ErrNotFound, ErrGone, ErrForbidden and ErrNotActivity, or that of the context when it ended first.
func (c *Client) Object(ctx context.Context, id string) (*activity.Document, error) {
	doc, _, err := c.object(ctx, id)
	return doc, err
}

// object also returns the address at which the document was found.
func (c *Client) object(ctx context.Context, id string) (doc *activity.Document, at *url.URL, err error) {
	return c.within(ctx, id, (*exchange).object)
}

// list fetches JSON of any kind, under whatever id.
func (c *Client) list(ctx context.Context, address string) (doc *activity.Document, at *url.URL, err error) {
	return c.within(ctx, address, func(e *exchange, ctx context.Context, asked string) (*activity.Document, *url.URL,
		error) {
		return e.document(ctx, asked, isJSON)
	})
}

// within calls fetch with the deadline of a lookup.
func (c *Client) within(ctx context.Context, id string,
	fetch func(e *exchange, ctx context.Context, asked string) (*activity.Document, *url.URL, error)) (
	doc *activity.Document, at *url.URL, err error) {
	within, cancel := context.WithTimeout(ctx, c.options.Lookup)
	defer cancel()
	doc, at, err = fetch(c.exchange(), within, id)
	if err != nil {
		return nil, nil, fmt.Errorf("fetch %q: %w", id, c.translate(ctx, err, c.options.Lookup))
	}
	return doc, at, nil
}

func (e *exchange) object(ctx context.Context, asked string) (*activity.Document, *url.URL, error) {
	doc, at, err := e.identified(ctx, asked)
	// The id fits the address asked for, or the one that a redirect led to: the server vouches for it.
	if err != nil || doc.ID() == asked || doc.ID() == at.String() {
		return doc, at, err
	}
	docID := doc.ID()
	own, err := e.guard.parse(docID)
	// Only its own server may vouch for an id. This is what stops a forged copy of somebody else's post.
	if err != nil || !sameOrigin(own, at) {
		return nil, nil, fmt.Errorf("%w: it has the id %q", ErrNotActivity, clean(docID, 200))
	}
	// Many servers have a page and an object at two addresses, so one more request is normal. It counts as a redirect.
	if err := e.hop(); err != nil {
		return nil, nil, err
	}
	doc, at, err = e.identified(ctx, docID)
	if err == nil && doc.ID() != docID {
		return nil, nil, fmt.Errorf("%w: it has the id %q, where another document has %q", ErrNotActivity, clean(docID, 200),
			clean(doc.ID(), 200))
	}
	return doc, at, err
}

// identified is document for ActivityStreams, which must have an id.
func (e *exchange) identified(ctx context.Context, asked string) (doc *activity.Document, at *url.URL, err error) {
	doc, at, err = e.document(ctx, asked, activity.IsActivityType)
	if err == nil && doc.ID() == "" {
		err = fmt.Errorf("%w: it has no id", ErrNotActivity)
	}
	return doc, at, err
}

// document makes one request and returns the document, of a media type that is accepts, and its address.
func (e *exchange) document(ctx context.Context, asked string, is func(contentType string) bool) (
	doc *activity.Document, at *url.URL, err error) {
	from, err := e.guard.parse(asked)
	if err != nil {
		return nil, nil, err
	}
	resp, at, err := e.get(ctx, from, acceptActivity, e.options.Key)
	if err != nil {
		return nil, nil, err
	}
	// An upload of a user could be JSON with any id. Servers serve uploads with other media types.
	if kind := resp.Header.Get("Content-Type"); !is(kind) {
		if e.pages {
			if named := alternate(resp, at); named != nil {
				return nil, nil, named
			}
		}
		resp.Body.Close()
		return nil, nil, fmt.Errorf("%w: its type is %q", ErrNotActivity, clean(kind, 80))
	}
	body, err := e.read(resp)
	if err != nil {
		return nil, nil, err
	}
	if doc, err = activity.Read(body); err != nil {
		why := strings.TrimPrefix(err.Error(), activity.ErrMalformed.Error()+": ")
		return nil, nil, fmt.Errorf("%w: %s", ErrNotActivity, clean(why, 200))
	}
	return doc, at, nil
}

// isJSON reports whether a media type is JSON, with or without a name for what it is.
func isJSON(contentType string) bool {
	kind, params, err := activity.ParseMediaType(contentType)
	return err == nil && (params["charset"] == "" || strings.EqualFold(params["charset"], "utf-8")) &&
		(kind == "application/json" || kind == "application/ld+json" || activity.IsActivityType(contentType))
}

// sameOrigin compares two addresses that the guard returned, in which a host is written in one way only.
func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }
