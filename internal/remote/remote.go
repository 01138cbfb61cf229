// Package remote asks other servers: for the documents of people and posts, for
// the person behind a handle, and to take a letter.
//
// Everything that other servers say is a claim of strangers, and so is every
// address in it. Three rules hold for each call, whatever the other side does:
//
// No connection leaves for an address that is not public. An address is judged
// twice: its text before anything is looked up, and the number that is dialled
// after the lookup, in the dialer, so that no name, redirect, notation or second
// answer leads past it (guard.go). Prefixes that the operator allows are open
// in all the ways that the rest of the world is not: http, any port, bare numbers.
//
// One call has one deadline, which covers names, connections, redirects and the
// last byte, one number of hops, and one number of bytes, counted after decompression.
//
// A document counts only when it stands at the address that it bears as its id
// (FEP-fe34, origin-based security).
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

// What a caller can decide on. [StatusError] and [Unreachable] tell more.
var (
	// ErrRefused means that we do not go there: the address, or one that it leads to, is not
	// one that strangers may send us to. Nothing was sent to it.
	ErrRefused = errors.New("not an address that we would go to")

	// ErrUnavailable means that the server cannot be reached or is not well (5xx, 408,
	// 425, 429). Another time it may be.
	ErrUnavailable = errors.New("the server is unavailable")

	// ErrNotFound means 404: it is not there, or not for us.
	ErrNotFound = errors.New("not found")

	// ErrGone means 410: it was there and never will be again.
	ErrGone = errors.New("gone")

	// ErrForbidden means that the server answers and will not show it: 401, 403, and
	// every other status that is no use in asking again.
	ErrForbidden = errors.New("the server will not show it")

	// ErrNotActivity means that something is there, but not what we asked for: another media type, too
	// long, not one JSON object, or a document with somebody else's id.
	ErrNotActivity = errors.New("not the document that we asked for")

	// ErrTooOften means that strangers had us ask this server often enough for this minute.
	ErrTooOften = errors.New("asked too often")

	// ErrHandle means that a text is not a handle such as @bram@veerhuis.example.
	ErrHandle = errors.New("not a handle")
)

// Limits of one call.
const (
	maxDocument = 1 << 20  // bytes of documents, decompressed
	maxAnswer   = 64 << 10 // bytes read of the answer to a letter, decompressed
	maxHeader   = 64 << 10 // bytes of a response's header
	maxHops     = 3        // redirects, and further questions that an answer makes us ask
	maxURL      = 2 << 10  // bytes of an address
)

// Options say how a Client behaves. All may be left zero but UserAgent.
type Options struct {
	// UserAgent names us, as in "Causerie/1.0 (+https://overkant.example/)".
	UserAgent string

	// Allow are the prefixes that may be reached although they are not public; and then
	// also over http, on any port, and by bare number.
	Allow []netip.Prefix

	// Key signs what we ask, and is that of the instance actor. Zero: nothing is signed.
	Key signature.Key

	// Newer are the servers that were found to read the newer dialect of signatures alone, from the times before;
	// Learn keeps what is found of one now, until the moment given, or forgets it where that is the zero time. It is
	// called while its caller waits for the server, and must end soon. Nil: what is found is forgotten with the Client.
	Newer Newer
	Learn func(ctx context.Context, host string, until time.Time)

	// Permit is asked before each question, and before each that a redirect makes us ask, with the address that is to be
	// asked; its error ends the question. Nil: everything may be asked. Letters are not its business.
	Permit func(ctx context.Context, address string) error

	// Now is the clock of signatures and of what is remembered. Nil: the real one.
	Now func() time.Time

	// Lookup is the deadline of a question, with all that it takes (10 s); Delivery
	// that of a letter (30 s).
	Lookup, Delivery time.Duration

	// Dial bounds the lookup of a name and the connection (5 s), Handshake that of TLS (5 s),
	// Header the wait for the first line of an answer (10 s).
	Dial, Handshake, Header time.Duration
}

// Client asks other servers. It is safe for use by many goroutines and keeps
// connections, so make one and share it.
type Client struct {
	options Options
	guard   *guard
	wire    *http.Transport
	lookups *lookups
	schemes *schemes
}

// New makes a Client. It takes no proxy from the environment: behind a proxy, the
// address that we judge would not be the one that is reached.
func New(options Options) *Client {
	options.complete()
	guard := newGuard(options.Allow, options.Dial)
	return &Client{
		options: options,
		guard:   guard,
		wire:    newTransport(guard.dial, options),
		lookups: newLookups(options.Now),
		schemes: newSchemes(options),
	}
}

// newTransport is made for thousands of servers at once, few of which are
// written to again soon: small buffers, two connections a host at most, and
// kept ones that do not stay long. It speaks HTTP/1.1 only, which
// every server does, with less state for each connection.
func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error), options Options) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dial,
		TLSHandshakeTimeout:    options.Handshake,
		ResponseHeaderTimeout:  options.Header,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        2,
		MaxIdleConnsPerHost:    2,
		MaxIdleConns:           1024,
		IdleConnTimeout:        20 * time.Second,
		ReadBufferSize:         2 << 10,
		WriteBufferSize:        2 << 10,
		Protocols:              protocols,
	}
}

func (o *Options) complete() {
	setDefault(&o.Lookup, 10*time.Second)
	setDefault(&o.Delivery, 30*time.Second)
	setDefault(&o.Dial, 5*time.Second)
	setDefault(&o.Handshake, 5*time.Second)
	setDefault(&o.Header, 10*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// Close lets go of the connections that are kept and not in use.
func (c *Client) Close() { c.wire.CloseIdleConnections() }

// request is the beginning of every request that we make.
func (c *Client) request(ctx context.Context, method string, to *url.URL, accept string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", c.options.UserAgent)
	return req, nil
}

// exchange is what one question may cost, over all the requests that it takes.
type exchange struct {
	*Client
	hops int // redirects and further questions that are left
	room int // bytes that are left
}

func (c *Client) exchange() *exchange {
	return &exchange{Client: c, hops: maxHops, room: maxDocument}
}

// hop counts one step that an answer makes us take.
func (e *exchange) hop() error {
	if e.hops == 0 {
		return fmt.Errorf("%w: it leads on more than %d times", ErrRefused, maxHops)
	}
	e.hops--
	return nil
}

// get asks for a document and follows redirects, each judged and signed anew. It
// answers a response with status 200, whose body is still to be read and
// closed, and the address at which it stands.
func (e *exchange) get(ctx context.Context, from *url.URL, accept string, key signature.Key) (*http.Response, *url.URL, error) {
	at := from
	for {
		resp, err := e.getOnce(ctx, at, accept, key)
		if err != nil {
			return nil, nil, err
		}
		if resp.StatusCode == http.StatusOK {
			return resp, at, nil
		}
		location := resp.Header.Get("Location")
		discard(resp)
		if !redirects(resp.StatusCode) || location == "" {
			return nil, nil, e.statusError(resp)
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
	if err := e.permit(ctx, at); err != nil {
		return nil, err
	}
	if key.Private == nil {
		req, err := e.request(ctx, http.MethodGet, at, accept, nil)
		if err != nil {
			return nil, err
		}
		return e.wire.RoundTrip(req)
	}
	return e.doubleKnock(ctx, at, key, func(in dialect) (*http.Response, error) {
		req, err := e.request(ctx, http.MethodGet, at, accept, nil)
		if err != nil {
			return nil, err
		}
		if err := e.sign(req, nil, key, in); err != nil {
			return nil, err
		}
		return e.wire.RoundTrip(req)
	})
}

func (c *Client) permit(ctx context.Context, at *url.URL) error {
	if c.options.Permit == nil {
		return nil
	}
	return c.options.Permit(ctx, at.String())
}

// read takes the whole body, as far as there is room, and closes it. Content-Length
// is no promise; a coding that is left over after gzip is nothing that we asked for.
func (e *exchange) read(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, fmt.Errorf("%w: it is encoded as %q", ErrNotActivity, clean(coding, 40))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(e.room)+1))
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return nil, fmt.Errorf("%w: %v", ErrNotActivity, err)
	}
	if err != nil {
		return nil, err
	}
	if len(body) > e.room {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrNotActivity, maxDocument)
	}
	e.room -= len(body)
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

// discard closes a body of which nothing is wanted, and keeps the connection when the body is short.
func discard(resp *http.Response) {
	io.CopyN(io.Discard, resp.Body, 2<<10)
	resp.Body.Close()
}
