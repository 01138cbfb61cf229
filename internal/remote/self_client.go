package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"causerie/internal/signature"
)

// SelfClient asks the addresses of one site, ours, as the world does, and no others. Where they lead is for its keeper to say, so
// there is no guard against numbers that are not public; instead no redirect is followed, and nothing else is asked. It
// takes no proxy from the environment, and has the same patience as a Client.
type SelfClient struct {
	client  *Client
	origins []string
}

// maxSelfReply is how much is read of an answer of our own, in bytes.
const maxSelfReply = 2 << 20

// NewSelfClient makes an Own for everything at the given origins ("https://overkant.example"). Of the options it takes the name, the
// clock and the deadlines.
func NewSelfClient(options Options, origins ...string) *SelfClient {
	options.complete()
	dialer := &net.Dialer{Timeout: options.Dial}
	return &SelfClient{client: &Client{options: options, wire: newTransport(dialer.DialContext, options)}, origins: origins}
}

// Close lets go of the connections that are kept.
func (o *SelfClient) Close() { o.client.Close() }

// Reply is what an address of ours answers.
type Reply struct {
	Status  int
	Kind    string // media type, without parameters
	Header  http.Header
	Body    []byte    // 2 MiB at most
	At      time.Time // when its first line was here
	Expires time.Time // of the certificate; zero without TLS
}

// Get asks for an address, signed in a dialect where a key is given.
func (o *SelfClient) Get(ctx context.Context, address, accept string, scheme signature.Scheme, key signature.Key) (Reply, error) {
	return o.ask(ctx, http.MethodGet, address, accept, nil, dialect{scheme: scheme}, key)
}

// Post brings a letter, signed in a dialect.
func (o *SelfClient) Post(ctx context.Context, address string, body []byte, scheme signature.Scheme, key signature.Key) (Reply, error) {
	return o.ask(ctx, http.MethodPost, address, acceptActivity, body, dialect{scheme: scheme}, key)
}

// ask makes one request. The errors are ErrRefused for what is not ours, and ErrUnavailable (a [Unreachable]).
func (o *SelfClient) ask(ctx context.Context, method, address, accept string, body []byte, in dialect, key signature.Key) (Reply, error) {
	within, cancel := context.WithTimeout(ctx, o.client.options.Lookup)
	defer cancel()
	at, err := o.parse(address)
	if err != nil {
		return Reply{}, err
	}
	req, err := o.client.request(within, method, at, accept, bytes.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/activity+json")
	}
	if key.Private != nil {
		if err := o.client.sign(req, body, key, in); err != nil {
			return Reply{}, o.client.translate(ctx, err, o.client.options.Lookup)
		}
	}
	resp, err := o.client.wire.RoundTrip(req)
	if err != nil {
		return Reply{}, o.client.translate(ctx, err, o.client.options.Lookup)
	}
	defer resp.Body.Close()
	reply := Reply{Status: resp.StatusCode, Header: resp.Header, At: o.client.options.Now()}
	reply.Kind, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		reply.Expires = resp.TLS.PeerCertificates[0].NotAfter
	}
	if reply.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxSelfReply)); err != nil {
		return Reply{}, o.client.translate(ctx, err, o.client.options.Lookup)
	}
	return reply, nil
}

// parse lets through what lies at one of the origins.
func (o *SelfClient) parse(address string) (*url.URL, error) {
	ours := func(origin string) bool { return strings.HasPrefix(address, origin+"/") }
	at, err := url.Parse(address)
	if err != nil || at.User != nil || !slices.ContainsFunc(o.origins, ours) {
		return nil, fmt.Errorf("%w: %q is not an address of this site", ErrRefused, clean(address, 200))
	}
	return at, nil
}

// Said is how a reply is told to a person.
func (r Reply) Said() string {
	words := strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)))
	if to := r.Header.Get("Location"); to != "" {
		words += ", which leads to " + clean(to, 200)
	}
	if r.Kind != "" {
		words += " (" + clean(r.Kind, 80) + ")"
	}
	return words
}

// Date is what time the answering side has; ErrUnavailable when it does not say (RFC 9110, section 6.6.1).
func (r Reply) Date() (time.Time, error) {
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return date, errors.Join(ErrUnavailable, err)
	}
	return date, nil
}
