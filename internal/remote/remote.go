// Package remote makes requests to other servers: it fetches the documents of actors and posts, finds the actor of a
// handle, and delivers activities to inboxes.
//
// Everything that another server sends is untrusted, also every address in it. Three rules hold for each call:
//
// No connection goes to an address that is not public. An address is checked twice: its text before the DNS lookup, and
// the IP address after it, in the dialer. So no name, redirect, notation or second DNS answer gets around the check
// (ssrf_guard.go). Prefixes that the operator allows may also be reached over http, on any port, and by IP address.
//
// One call has one deadline for everything: DNS, connections, redirects and the last byte. It also has one limit of
// redirects and one limit of bytes, counted after decompression.
//
// A document is accepted only at the address that it has as its id (FEP-fe34, origin-based security).
package remote

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"causerie/internal/signature"
)

// The errors that callers can compare with errors.Is. [StatusError] and [Unreachable] give details.
var (
	// ErrRefused means that the address, or one that it redirects to, is not allowed. Nothing was sent to it.
	ErrRefused = errors.New("this address may not be contacted")

	// ErrUnavailable means that the server cannot be reached or has a temporary fault (5xx, 408, 425, 429). A later
	// attempt may succeed.
	ErrUnavailable = errors.New("the server is unavailable")

	// ErrNotFound means 404: the document does not exist, or we may not see it.
	ErrNotFound = errors.New("not found")

	// ErrGone means 410: the document was deleted for good.
	ErrGone = errors.New("gone")

	// ErrForbidden means that the server does not show the document: 401, 403, and every other status for which another
	// attempt is useless.
	ErrForbidden = errors.New("the server will not show it")

	// ErrNotActivity means that the answer is not the document that we asked for: it has another media type, is too long,
	// is not one JSON object, or has the id of another server.
	ErrNotActivity = errors.New("not the document that we asked for")

	// ErrTooOften means that the limit of lookups for this server in this minute is reached.
	ErrTooOften = errors.New("too many lookups")
	// ErrTooManyFailed is the ErrTooOften of a server where nothing that was looked up in this minute exists.
	ErrTooManyFailed = fmt.Errorf("%w of what does not exist", ErrTooOften)

	// ErrHandle means that a text is not a handle such as @bram@veerhuis.example.
	ErrHandle = errors.New("not a handle")
)

// Limits of one call.
const (
	maxDocument = 1 << 20  // bytes of documents, decompressed
	maxAnswer   = 64 << 10 // bytes read of the answer to a delivery, decompressed
	maxHeader   = 64 << 10 // bytes of a response's header
	maxHops     = 3        // redirects, and further requests that an answer makes necessary
	maxURL      = 2 << 10  // bytes of an address

	// The defaults of Options.
	lookupTime    = 10 * time.Second
	deliveryTime  = 30 * time.Second
	dialTime      = 5 * time.Second
	handshakeTime = 5 * time.Second
	answerTime    = 10 * time.Second
)

// Options configure a Client. Only UserAgent is required.
type Options struct {
	// UserAgent names us, as in "Causerie/1.0 (+https://overkant.example/)".
	UserAgent string

	// Allow are prefixes that may be reached although they are not public, also over http, on any port, and by IP address.
	Allow []netip.Prefix

	// Key is the key of the instance actor. It signs what we fetch. Zero: nothing is signed.
	Key signature.Key

	// Newer are the servers known to accept only RFC 9421 signatures. Learn stores that one was found, valid until the
	// given time, or removes it for the zero time. It is called during a request, so it must return soon. Nil: nothing is
	// stored.
	Newer Newer
	Learn func(ctx context.Context, host string, until time.Time)

	// Permit is called with the address before each fetch and each redirect of one. Its error ends the fetch. Nil: all are
	// permitted. It is not called for deliveries.
	Permit func(ctx context.Context, address string) error

	// Now is the clock for signatures and caches. Nil: time.Now.
	Now func() time.Time

	// Lookup is the deadline of a fetch with all its requests (default 10 s); Delivery is that of a delivery (30 s).
	Lookup, Delivery time.Duration

	// Dial is the timeout of DNS and the connection (5 s), Handshake that of the TLS handshake (5 s), Header that of the
	// wait for the first line of an answer (10 s).
	Dial, Handshake, Header time.Duration
}

// Client makes requests to other servers. It is safe for use by many goroutines and reuses connections, so make one
// and share it.
type Client struct {
	options   Options
	guard     *guard
	transport *http.Transport
	lookups   *lookups
	schemes   *schemes
}

// New makes a Client. It ignores proxy settings of the environment: with a proxy, the checked address would not be the
// one that is reached.
func New(options Options) *Client {
	options.complete()
	guard := newGuard(options.Allow, options.Dial)
	return &Client{
		options:   options,
		guard:     guard,
		transport: newTransport(guard.dial, options),
		lookups:   newLookups(options.Now),
		schemes:   newSchemes(options),
	}
}

// newTransport returns a transport for thousands of servers, most of which are not needed again soon: small buffers, at
// most two connections for a host, and a short idle time. It uses only HTTP/1.1, which every server supports and which
// needs less state for each connection.
func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error),
	options Options) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dial,
		TLSHandshakeTimeout:    options.Handshake,
		ResponseHeaderTimeout:  options.Header,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        2,
		MaxIdleConnsPerHost:    2,
		MaxIdleConns:           4096,
		IdleConnTimeout:        20 * time.Second,
		ReadBufferSize:         2 << 10,
		WriteBufferSize:        2 << 10,
		Protocols:              protocols,
	}
}

func (o *Options) complete() {
	setDefault(&o.Lookup, lookupTime)
	setDefault(&o.Delivery, deliveryTime)
	setDefault(&o.Dial, dialTime)
	setDefault(&o.Handshake, handshakeTime)
	setDefault(&o.Header, answerTime)
	if o.Now == nil {
		o.Now = time.Now
	}
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// request makes a request with the headers that all our requests have.
func (c *Client) request(ctx context.Context, method string, to *url.URL, accept string,
	body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", c.options.UserAgent)
	return req, nil
}

// exchange counts what one call may still use, over all its requests.
type exchange struct {
	*Client
	hopsLeft  int  // redirects and further questions that are left
	bytesLeft int  // bytes that are left
	pages     bool // a page is asked for the object that it names
}

func (c *Client) exchange() *exchange {
	return &exchange{Client: c, hopsLeft: maxHops, bytesLeft: maxDocument}
}

// hop counts one redirect or further request. It is an ErrRefused when none is left.
func (e *exchange) hop() error {
	if e.hopsLeft == 0 {
		return fmt.Errorf("%w: it redirects more than %d times", ErrRefused, maxHops)
	}
	e.hopsLeft--
	return nil
}

// get fetches a document and follows redirects; each is checked and signed again. It returns a response with status 200
// and its final address. The caller reads and closes the body.
func (e *exchange) get(ctx context.Context, from *url.URL, accept string,
	key signature.Key) (*http.Response, *url.URL, error) {
	at := from
	for {
		resp, err := e.getOnce(ctx, at, accept, key)
		if err != nil {
			return nil, nil, err
		}
		if resp.StatusCode == http.StatusOK {
			return resp, at, nil
		}
		// RoundTrip is used instead of an http.Client, so redirects are ours to follow: each target is checked by the guard
		// and gets a signature of its own.
		location := resp.Header.Get("Location")
		discard(resp)
		if !redirects(resp.StatusCode) || location == "" {
			return nil, nil, &StatusError{Status: resp.StatusCode, RetryAfter: e.retryAfter(resp.Header)}
		}
		if err := e.hop(); err != nil {
			return nil, nil, err
		}
		if at, err = e.guard.follow(at, location); err != nil {
			return nil, nil, fmt.Errorf("redirected: %w", err)
		}
	}
}

func (e *exchange) getOnce(ctx context.Context, at *url.URL, accept string, key signature.Key) (*http.Response, error) {
	// Before each request of a fetch, so a redirect to a blocked server is not followed either.
	if err := e.permit(ctx, at); err != nil {
		return nil, err
	}
	if key.Private == nil {
		req, err := e.request(ctx, http.MethodGet, at, accept, nil)
		if err != nil {
			return nil, err
		}
		return e.transport.RoundTrip(req)
	}
	return e.doubleKnock(ctx, at, key, func(in dialect) (*http.Response, error) {
		req, err := e.request(ctx, http.MethodGet, at, accept, nil)
		if err != nil {
			return nil, err
		}
		if err := e.sign(req, nil, key, in); err != nil {
			return nil, err
		}
		return e.transport.RoundTrip(req)
	})
}

func (c *Client) permit(ctx context.Context, at *url.URL) error {
	if c.options.Permit == nil {
		return nil
	}
	err := c.options.Permit(ctx, at.String())
	if err == nil || errors.Is(err, ErrRefused) {
		return err
	}
	return fmt.Errorf("%w: %w", errPermit, err)
}

// errPermit means that Permit itself failed. It says nothing about the other server, so it is neither a refusal nor
// an ErrUnavailable, and it is not remembered.
var errPermit = errors.New("check whether an address may be asked")

// read reads the whole body, up to the limit of bytes, and closes it. It does not trust Content-Length.
func (e *exchange) read(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	// net/http asks for gzip and decodes it. Any other coding was not asked for.
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, fmt.Errorf("%w: it is encoded as %q", ErrNotActivity, clean(coding, 40))
	}
	// One byte more than allowed, to distinguish a document of exactly the limit from a longer one.
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(e.bytesLeft)+1))
	// Broken compression is an answer that cannot be understood, not a server that cannot be reached.
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return nil, fmt.Errorf("%w: %v", ErrNotActivity, err)
	}
	if err != nil {
		return nil, err
	}
	if len(body) > e.bytesLeft {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrNotActivity, maxDocument)
	}
	e.bytesLeft -= len(body)
	return body, nil
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// discard closes a body that is not needed. It reads a short one first, so that the connection can be reused.
func discard(resp *http.Response) {
	// An error only means that the connection is not reused.
	io.CopyN(io.Discard, resp.Body, 2<<10)
	resp.Body.Close()
}
