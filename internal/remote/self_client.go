package remote

import (
	"bytes"
	"context"
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

// SelfClient makes requests to our own site only, as other servers would. The operator decides where those addresses
// lead, so private IP addresses are allowed; instead it follows no redirect and refuses every other origin. It ignores
// proxy settings of the environment and has the same timeouts as a Client.
type SelfClient struct {
	client  *Client
	origins []string
}

// maxSelfReply is the most that is read of a reply, in bytes.
const maxSelfReply = 2 << 20

// NewSelfClient makes a SelfClient for the given origins ("https://overkant.example"). It uses only UserAgent, Now and
// the timeouts of options.
func NewSelfClient(options Options, origins ...string) *SelfClient {
	options.complete()
	dialer := &net.Dialer{Timeout: options.Dial}
	// No guard: addresses of our own site may be private, and parse refuses all others.
	return &SelfClient{client: &Client{options: options, transport: newTransport(dialer.DialContext, options)},
		origins: origins}
}

// Close closes idle connections.
func (o *SelfClient) Close() { o.client.Close() }

// Reply is the answer of an address of ours.
type Reply struct {
	Status  int
	Kind    string // media type, without parameters
	Header  http.Header
	Body    []byte    // 2 MiB at most
	At      time.Time // when its header arrived
	Expires time.Time // of the certificate; zero without TLS
}

// Signing is how a SelfClient signs a request. The zero value signs nothing.
type Signing struct {
	Scheme signature.Scheme
	Key    signature.Key
}

// Get fetches an address. The error is an ErrRefused when it is not ours, else an ErrUnavailable (an [Unreachable]).
func (o *SelfClient) Get(ctx context.Context, address, accept string, in Signing) (Reply, error) {
	return o.ask(ctx, selfRequest{http.MethodGet, address, accept, nil, in})
}

// Post delivers an activity to an inbox. The errors are those of Get.
func (o *SelfClient) Post(ctx context.Context, address string, body []byte, in Signing) (Reply, error) {
	return o.ask(ctx, selfRequest{http.MethodPost, address, acceptActivity, body, in})
}

// selfRequest is one request of a SelfClient.
type selfRequest struct {
	method, address, accept string
	body                    []byte
	in                      Signing
}

func (o *SelfClient) ask(ctx context.Context, r selfRequest) (Reply, error) {
	within, cancel := context.WithTimeout(ctx, o.client.options.Lookup)
	defer cancel()
	at, err := o.parse(r.address)
	if err != nil {
		return Reply{}, err
	}
	req, err := o.client.request(within, r.method, at, r.accept, bytes.NewReader(r.body))
	if err != nil {
		return Reply{}, err
	}
	if r.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/activity+json")
	}
	if r.in.Key.Private != nil {
		if err := o.client.sign(req, r.body, r.in.Key, dialect{scheme: r.in.Scheme}); err != nil {
			return Reply{}, o.client.translate(ctx, err, o.client.options.Lookup)
		}
	}
	// RoundTrip follows no redirects: the doctor wants to see them.
	resp, err := o.client.transport.RoundTrip(req)
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

// parse parses an address of the site. It is an ErrRefused for any other origin.
func (o *SelfClient) parse(address string) (*url.URL, error) {
	// The slash belongs to the comparison: without it https://overkant.example.evil.example would be ours.
	ours := func(origin string) bool { return strings.HasPrefix(address, origin+"/") }
	at, err := url.Parse(address)
	if err != nil || at.User != nil || !slices.ContainsFunc(o.origins, ours) {
		return nil, fmt.Errorf("%w: %q is not an address of this site", ErrRefused, clean(address, 200))
	}
	return at, nil
}

// Describe returns the reply in words for a person: "301 Moved Permanently, which leads to …".
func (r Reply) Describe() string {
	words := strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)))
	if to := r.Header.Get("Location"); to != "" {
		words += ", which leads to " + clean(to, 200)
	}
	if r.Kind != "" {
		words += " (" + clean(r.Kind, 80) + ")"
	}
	return words
}

// Date returns the clock of the answering server (RFC 9110, section 6.6.1). It is an ErrUnavailable without a valid
// Date.
func (r Reply) Date() (time.Time, error) {
	date, err := signature.ParseDate(r.Header.Get("Date"))
	if err != nil {
		return date, fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	return date, nil
}
