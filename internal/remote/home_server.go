package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// HomeServer is somebody's own server, with the places that it offers to those who come from elsewhere to do something: templates
// of addresses, by their link relations (FEP-3b86, OStatus).
type HomeServer struct {
	host      string // scheme and authority
	guard     *guard
	templates map[string]string
}

// HomeServer finds the server of somebody who typed their address: "@bram@veerhuis.example", "veerhuis.example", or the address of
// their profile. It asks by WebFinger for the account, or for the server itself where only that is known. A server that
// answers so to neither is a home as well when it has a NodeInfo.
//
// ErrHandle means that it is no address of the kind, and nothing was asked; the other errors are those of [Client.Object].
func (c *Client) HomeServer(ctx context.Context, typed string) (HomeServer, error) {
	name, host, err := c.splitAddress(typed)
	if err != nil {
		return HomeServer{}, err
	}
	within, cancel := context.WithTimeout(ctx, c.options.Lookup)
	defer cancel()
	home, err := c.exchange().homeServer(within, "https", name, host)
	if speaksNoTLS(err) && len(c.guard.allow) > 0 {
		// Only what is allowed can be reached by http, and the guard sees to it.
		home, err = c.exchange().homeServer(within, "http", name, host)
	}
	if err != nil {
		return HomeServer{}, fmt.Errorf("look for the home of %q: %w", clean(typed, 100), c.translate(ctx, err, c.options.Lookup))
	}
	return home, nil
}

// splitAddress reads what people type when they are asked where they live. name is "" when only the server is told.
func (c *Client) splitAddress(typed string) (name, host string, err error) {
	typed = strings.TrimSpace(typed)
	if u, err := url.Parse(typed); err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http") {
		if at, found := strings.CutPrefix(u.Path, "/@"); found && user.MatchString(at) {
			return c.splitHandle(at + "@" + u.Host)
		}
		typed = u.Host
	}
	if strings.Contains(typed, "@") {
		return c.splitHandle(typed)
	}
	_, host, err = c.splitHandle("home@" + typed)
	return "", host, err
}

func (e *exchange) homeServer(ctx context.Context, scheme, name, host string) (HomeServer, error) {
	at := &url.URL{Scheme: scheme, Host: host, Path: "/.well-known/webfinger"}
	home := HomeServer{host: scheme + "://" + host, guard: e.guard, templates: map[string]string{}}
	resource := home.host
	if name != "" {
		resource = "acct:" + name + "@" + host
	}
	at.RawQuery = url.Values{"resource": {resource}}.Encode()
	found, err := e.descriptor(ctx, at)
	switch {
	case err == nil:
		for _, link := range found.Links {
			if _, known := home.templates[link.Rel]; !known && link.Template != "" {
				home.templates[link.Rel] = link.Template
			}
		}
		return home, nil
	case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrForbidden):
		return HomeServer{}, err
	}
	at.Path, at.RawQuery = "/.well-known/nodeinfo", ""
	if err := e.hop(); err != nil {
		return HomeServer{}, err
	}
	_, err = e.descriptor(ctx, at)
	return home, err
}

// The link relations by which servers tell where to do what (FEP-3b86), and the one before them.
const (
	intents   = "https://w3id.org/fep/3b86/"
	subscribe = "http://ostatus.org/schema/1.0/subscribe"
)

// intentOf names the intent that fits best, and its placeholder is {object}.
var intentOf = map[string]string{"follow": "Follow", "like": "Like", "boost": "Announce", "reply": "Object"}

// IntentURL is the address at which somebody at home there can follow, reply to, like or boost what has the given id. The order
// is that of Mastodon's own helper: the intent for the deed, the one for any object, the OStatus template, and the place
// where most servers have it.
func (h HomeServer) IntentURL(deed, id string) string {
	for _, rel := range []string{intents + intentOf[deed], intents + "Object", subscribe} {
		if place, ok := h.fill(h.templates[rel], id); ok {
			return place
		}
	}
	return h.host + "/authorize_interaction?uri=" + url.QueryEscape(id)
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// fill puts an id into a template. What we have no value for becomes empty; nobody is sent where the guard would not let
// us go ourselves.
func (h HomeServer) fill(template, id string) (place string, ok bool) {
	if template == "" {
		return "", false
	}
	place = placeholder.ReplaceAllStringFunc(template, func(name string) string {
		if name == "{object}" || name == "{uri}" {
			return url.QueryEscape(id)
		}
		return ""
	})
	_, err := h.guard.parse(place)
	return place, err == nil
}
