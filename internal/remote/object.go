package remote

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

const (
	activityStreams = "https://www.w3.org/ns/activitystreams"
	acceptActivity  = `application/activity+json, application/ld+json; profile="` + activityStreams + `"`
)

// Object answers the document at an address, which bears its own address as its id:
// the one that was asked for or the one that redirects led to. A document
// that bears another id of the same server is asked for once more, under that
// id; one that bears the id of another server is nothing.
//
// So the document is what its id says, but after a redirect its id may not be the one
// that was asked for. Whoever asked for somebody in particular compares.
//
// The document is one JSON object in UTF-8, no name in it twice, of 1 MiB at most. The errors are
// ErrRefused, ErrUnavailable, ErrNotFound, ErrGone, ErrForbidden and ErrNotActivity, and the
// context's own when it ended first.
func (c *Client) Object(ctx context.Context, id string) ([]byte, error) {
	body, _, err := c.object(ctx, id)
	return body, err
}

// object also answers where the document stands.
func (c *Client) object(ctx context.Context, id string) (body []byte, at *url.URL, err error) {
	within, cancel := context.WithTimeout(ctx, c.options.Lookup)
	defer cancel()
	body, at, err = c.exchange().object(within, id)
	if err != nil {
		return nil, nil, fmt.Errorf("ask for %q: %w", id, c.trouble(ctx, err, c.options.Lookup))
	}
	return body, at, nil
}

func (e *exchange) object(ctx context.Context, asked string) ([]byte, *url.URL, error) {
	body, borne, at, err := e.document(ctx, asked)
	if err != nil || borne == asked || borne == at.String() {
		return body, at, err
	}
	own, err := e.guard.parse(borne)
	if err != nil || !sameOrigin(own, at) {
		return nil, nil, fmt.Errorf("%w: it bears the id %q", ErrNotActivity, clean(borne, 200))
	}
	if err := e.hop(); err != nil {
		return nil, nil, err
	}
	body, again, at, err := e.document(ctx, borne)
	if err == nil && again != borne {
		return nil, nil, fmt.Errorf("%w: it bears the id %q, where another bears %q", ErrNotActivity, clean(borne, 200), clean(again, 200))
	}
	return body, at, err
}

// document asks once and answers the body, the id that it bears, and where it stands.
func (e *exchange) document(ctx context.Context, asked string) (body []byte, id string, at *url.URL, err error) {
	from, err := e.guard.parse(asked)
	if err != nil {
		return nil, "", nil, err
	}
	resp, at, err := e.get(ctx, from, acceptActivity, e.options.Key)
	if err != nil {
		return nil, "", nil, err
	}
	if kind := resp.Header.Get("Content-Type"); !isActivity(kind) {
		resp.Body.Close()
		return nil, "", nil, fmt.Errorf("%w: its type is %q", ErrNotActivity, clean(kind, 80))
	}
	if body, err = e.read(resp); err != nil {
		return nil, "", nil, err
	}
	if id, err = idOf(body); err != nil {
		return nil, "", nil, err
	}
	return body, id, at, nil
}

// idOf reads the id of a JSON object, and the rest of it as far as to know that it is one.
func idOf(body []byte) (string, error) {
	var document struct {
		ID string `json:"id"`
	}
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
		return "", fmt.Errorf("%w: it is not a JSON object", ErrNotActivity)
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return "", fmt.Errorf("%w: %s", ErrNotActivity, clean(err.Error(), 200))
	}
	if document.ID == "" {
		return "", fmt.Errorf("%w: it bears no id", ErrNotActivity)
	}
	return document.ID, nil
}

// isActivity tells the two media types of ActivityStreams (ActivityPub, section 3.2).
func isActivity(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return false
	}
	switch kind {
	case "application/activity+json":
		return true
	case "application/ld+json":
		return slices.Contains(strings.Fields(params["profile"]), activityStreams)
	}
	return false
}

// sameOrigin compares two judged addresses, whose hosts are written in one way only.
func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }
