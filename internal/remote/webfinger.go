package remote

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/signature"
)

// maxUser is the longest user name that is looked up, in characters.
const maxUser = 64

// user is the name of a person before the @ (Mastodon's USERNAME_RE, with the letters of all scripts), or of an
// instance actor, which is its host with a port.
var user = regexp.MustCompile(`^[\pL\pN_][\pL\pM\pN_]*(?:[.-]+[\pL\pM\pN_]+)*(?::[0-9]{1,5})?$`)

// WebFinger finds the actor of a handle (RFC 7033): "@bram@veerhuis.example", with or without the first @ or "acct:".
// It returns the id of the actor and the subject: the handle that the server returns, as name@host, which may be
// another one. Neither is verified: a handle belongs to an actor only when the handle's own server leads to the actor's
// id and the actor's document names the handle.
//
// When a server has no WebFinger (404), its host-meta (RFC 6415) is fetched, which may name another address.
//
// The error is an ErrHandle when the text is not a handle; then no request was made. One registrable domain gets at
// most 300 of these requests in a minute; then the error is ErrTooOften. Other errors are those of [Client.Object].
func (c *Client) WebFinger(ctx context.Context, handle string) (self, subject string, err error) {
	name, host, err := c.splitHandle(handle)
	if err != nil {
		return "", "", err
	}
	if err := c.lookups.permitHandle(host); err != nil {
		return "", "", err
	}
	within, cancel := context.WithTimeout(ctx, c.options.Lookup)
	defer cancel()
	err = c.tryBothSchemes(func(scheme string) (err error) {
		self, subject, err = c.exchange().webfinger(within, scheme, name, host)
		return err
	})
	if err != nil {
		return "", "", fmt.Errorf("fetch %q: %w", handle, c.translate(ctx, err, c.options.Lookup))
	}
	return self, subject, nil
}

// tryBothSchemes calls ask with https, and with http for a server that speaks no TLS. The guard allows http for
// allowed prefixes only.
func (c *Client) tryBothSchemes(ask func(scheme string) error) error {
	err := ask("https")
	if speaksNoTLS(err) && len(c.guard.allow) > 0 {
		err = ask("http")
	}
	return err
}

// splitHandle splits a handle into name and host. It is strict, because both become part of an address.
func (c *Client) splitHandle(handle string) (name, host string, err error) {
	refuse := fmt.Errorf("%w: %q; one looks like @bram@veerhuis.example", ErrHandle, clean(handle, 100))
	rest := strings.TrimPrefix(strings.TrimPrefix(handle, "acct:"), "@")
	name, host, found := strings.Cut(rest, "@")
	// url.Parse would read these characters of a host as the beginning of a path, a query or a user name.
	if !found || utf8.RuneCountInString(name) > maxUser || !user.MatchString(name) ||
		strings.ContainsAny(host, "/?#@\\% \t\r\n") {
		return "", "", refuse
	}
	u, err := url.Parse("https://" + host)
	if err != nil || u.Hostname() == "" {
		return "", "", refuse
	}
	// The host comes back in ASCII and without the default port, as it is requested.
	if u, err = c.guard.check(u); err != nil {
		return "", "", fmt.Errorf("handle %q: %w", clean(handle, 100), err)
	}
	return name, u.Host, nil
}

func (e *exchange) webfinger(ctx context.Context, scheme, name, host string) (self, subject string, err error) {
	at := &url.URL{Scheme: scheme, Host: host, Path: "/.well-known/webfinger"}
	at.RawQuery = url.Values{"resource": {"acct:" + name + "@" + host}}.Encode()
	self, subject, err = e.resource(ctx, at)
	// Only a 404 says that WebFinger may be somewhere else.
	if !errors.Is(err, ErrNotFound) {
		return self, subject, err
	}
	template, metaErr := e.template(ctx, &url.URL{Scheme: scheme, Host: host, Path: "/.well-known/host-meta"})
	// The 404 says more than the lack of a second way.
	if metaErr != nil {
		return "", "", err // the 404 says more than the lack of a second way
	}
	if at, err = e.guard.parse(strings.ReplaceAll(template, "{uri}", url.QueryEscape("acct:"+name+"@"+host))); err != nil {
		return "", "", fmt.Errorf("host-meta: %w", err)
	}
	if err := e.hop(); err != nil {
		return "", "", err
	}
	return e.resource(ctx, at)
}

// resource fetches a JSON Resource Descriptor and returns the actor and the subject in it.
func (e *exchange) resource(ctx context.Context, from *url.URL) (self, subject string, err error) {
	found, err := e.descriptor(ctx, from)
	if err != nil {
		return "", "", err
	}
	return e.actorIn(found)
}

// descriptor is a JSON Resource Descriptor (RFC 7033 4.4), as far as it is read.
type descriptor struct {
	Subject string `json:"subject"`
	Links   []struct {
		Rel      string `json:"rel"`
		Type     string `json:"type"`
		Href     string `json:"href"`
		Template string `json:"template"`
	} `json:"links"`
}

func (e *exchange) descriptor(ctx context.Context, from *url.URL) (descriptor, error) {
	var found descriptor
	from, err := e.guard.check(from)
	if err != nil {
		return found, err
	}
	resp, _, err := e.get(ctx, from, "application/jrd+json, application/json", signature.Key{})
	if err != nil {
		return found, err
	}
	// Servers send application/jrd+json, application/json and activity+json. HTML is a page for people: no WebFinger
	// there.
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != "application/json" && !(strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) {
		resp.Body.Close()
		return found, fmt.Errorf("%w: its type is %q", ErrNotActivity, clean(kind, 80))
	}
	body, err := e.read(resp)
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return found, fmt.Errorf("%w: %s", ErrNotActivity, clean(err.Error(), 200))
	}
	return found, nil
}

// actorIn returns the actor that a descriptor links to, and the handle that it gives the actor.
func (e *exchange) actorIn(found descriptor) (self, subject string, err error) {
	// The subject becomes a handle that is shown and stored, so it is checked like a handle that somebody typed.
	name, host, err := e.splitHandle(found.Subject)
	if err != nil || !strings.HasPrefix(found.Subject, "acct:") {
		return "", "", fmt.Errorf("%w: its subject is %q", ErrNotActivity, clean(found.Subject, 100))
	}
	for _, link := range found.Links {
		// "self" also has other types; only the ActivityStreams one is the id of the actor.
		if link.Rel != "self" || !activity.IsActivityType(link.Type) {
			continue
		}
		if _, err := e.guard.parse(link.Href); err != nil {
			return "", "", fmt.Errorf("its link to the actor: %w", err)
		}
		return blog.URI(link.Href), name + "@" + host, nil
	}
	return "", "", fmt.Errorf("%w: it links to no actor", ErrNotActivity)
}

// template fetches host-meta and returns its template for WebFinger.
func (e *exchange) template(ctx context.Context, from *url.URL) (string, error) {
	if err := e.hop(); err != nil {
		return "", err
	}
	resp, _, err := e.get(ctx, from, "application/xrd+xml", signature.Key{})
	if err != nil {
		return "", err
	}
	body, err := e.read(resp)
	if err != nil {
		return "", err
	}
	var meta struct {
		Links []struct {
			Rel      string `xml:"rel,attr"`
			Type     string `xml:"type,attr"`
			Template string `xml:"template,attr"`
		} `xml:"Link"`
	}
	if err := xml.Unmarshal(body, &meta); err != nil {
		return "", fmt.Errorf("%w: %s", ErrNotActivity, clean(err.Error(), 200))
	}
	for _, link := range meta.Links {
		old := link.Type != "" && !strings.Contains(link.Type, "json") // XRD, which nobody serves any more
		if link.Rel == "lrdd" && !old && strings.Contains(link.Template, "{uri}") {
			return link.Template, nil
		}
	}
	return "", fmt.Errorf("%w: it names no WebFinger", ErrNotActivity)
}
