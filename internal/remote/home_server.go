package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// HomeServer is the server of a reader's account. It has templates of addresses at which the reader can follow, reply
// or like there, by link relation (FEP-3b86, OStatus).
type HomeServer struct {
	host      string // scheme and authority
	guard     *guard
	templates map[string]string
}

// HomeServer finds the server of a reader who typed a handle, a host or the address of a profile:
// "@bram@veerhuis.example", "veerhuis.example". It asks WebFinger for the account, or for the server itself when no
// account was given. A server without such an answer is accepted, too, when it has a NodeInfo.
//
// The error is an ErrHandle when the text is none of these; then no request was made. Other errors are those of
// [Client.Object].
func (c *Client) HomeServer(ctx context.Context, typed string) (HomeServer, error) {
	name, host, err := c.splitAddress(typed)
	if err != nil {
		return HomeServer{}, err
	}
	within, cancel := context.WithTimeout(ctx, c.options.Lookup)
	defer cancel()
	home, err := c.exchange().homeServer(within, "https", name, host)
	// The guard allows http for allowed prefixes only.
	if speaksNoTLS(err) && len(c.guard.allow) > 0 {
		// The guard allows http for allowed prefixes only.
		home, err = c.exchange().homeServer(within, "http", name, host)
	}
	if err != nil {
		return HomeServer{}, fmt.Errorf("find the server of %q: %w", clean(typed, 100),
			c.translate(ctx, err, c.options.Lookup))
	}
	return home, nil
}

// splitAddress reads what people type as their server or handle. name is "" when only the server was given.
func (c *Client) splitAddress(typed string) (name, host string, err error) {
	typed = strings.TrimSpace(typed)
	if u, err := url.Parse(typed); err == nil && u.Host != "" && u.User == nil &&
		(u.Scheme == "https" || u.Scheme == "http") {
		// "https://host/@name" is how most servers write a profile.
		typed = u.Host
		if at, found := strings.CutPrefix(u.Path, "/@"); found && user.MatchString(at) {
			typed = at + "@" + u.Host
		}
	}
	// A name without a dot is nobody's server; it is often the first half of a handle.
	if last := typed[strings.LastIndex(typed, "@")+1:]; !strings.ContainsAny(last, ".:") && last != "localhost" {
		return "", "", fmt.Errorf("%w: %q; a server looks like veerhuis.example", ErrHandle, clean(typed, 100))
	}
	if strings.Contains(typed, "@") {
		return c.splitHandle(typed)
	}
	// A host alone is checked as part of a handle; any user name will do.
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
			// A server may repeat a relation; the first counts.
			if _, known := home.templates[link.Rel]; !known && link.Template != "" {
				home.templates[link.Rel] = link.Template
			}
		}
		return home, nil
	// 404 and 403 are answers of a server that lives. It may lack WebFinger for this account, or allow it only with a
	// signature.
	case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrForbidden):
		return HomeServer{}, err
	}
	at.Path, at.RawQuery = "/.well-known/nodeinfo", ""
	if err := e.hop(); err != nil {
		return HomeServer{}, err
	}
	// NodeInfo only proves that a fediverse server is there; IntentURL then uses the usual path.
	_, err = e.descriptor(ctx, at)
	return home, err
}

// The link relations of the templates: those of FEP-3b86, and the older one of OStatus.
const (
	intents   = "https://w3id.org/fep/3b86/"
	subscribe = "http://ostatus.org/schema/1.0/subscribe"
)

// intentOf names the FEP-3b86 intent for an action. Its placeholder is {object}.
var intentOf = map[string]string{"follow": "Follow", "like": "Like", "boost": "Announce", "reply": "Object"}

// IntentURL returns the address at which a user of that server can follow, reply to, like or boost the object with
// this id. The order is that of Mastodon's own helper: the intent for the action, the intent for any object, the
// OStatus template, and the path that most servers use.
func (h HomeServer) IntentURL(action, id string) string {
	for _, rel := range []string{intents + intentOf[action], intents + "Object", subscribe} {
		if place, ok := h.fill(h.templates[rel], id); ok {
			return place
		}
	}
	return h.host + "/authorize_interaction?uri=" + url.QueryEscape(id)
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// fill puts an id into a template. Other placeholders become empty. It is not ok when the guard refuses the address: we
// do not send a reader where we would not go.
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
	// A template is text of another server: without this check it could send our reader to any address.
	_, err := h.guard.parse(place)
	return place, err == nil
}
