package fedtest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

// exchangeTime limits one request to another server, from dialling to the last byte of the response.
const exchangeTime = 10 * time.Second

const activityType = "application/activity+json"

// newClient returns a client that dials from the server's own address, so that receivers can tell the servers apart.
func newClient(from net.IP) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: from}}
	return &http.Client{
		Timeout: exchangeTime,
		Transport: &http.Transport{
			DialContext:         dialer.DialContext,
			MaxIdleConnsPerHost: 8,
			IdleConnTimeout:     30 * time.Second,
			DisableCompression:  true,
		},
		// getFollowing signs each step of a redirect anew, which the client cannot do.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Response is what another server answered.
type Response struct {
	URL    string
	Status int
	Header http.Header
	Body   []byte // at most 1 MiB
}

// StatusError is the error for a response that is not 2xx.
type StatusError struct{ Response }

func (r *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", r.URL, r.Status, strings.TrimSpace(string(r.Body[:min(len(r.Body), 300)])))
}

// PreparedDelivery is a signed delivery that has not been sent yet. It may be sent several times, also at once.
// Receivers accept its date for an hour.
type PreparedDelivery struct {
	URL    string
	Host   string // that the request names, where it is not the one of URL, as behind a proxy; else ""
	Header http.Header
	Body   []byte
	client *http.Client
}

// Send posts the delivery. The error is a [*StatusError] when the status is not 2xx.
func (p *PreparedDelivery) Send(ctx context.Context) (Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(p.Body))
	if err != nil {
		return Response{}, err
	}
	request.Header, request.Host = maps.Clone(p.Header), p.Host
	answer, err := exchange(p.client, request)
	if err == nil && answer.Status/100 != 2 {
		return answer, &StatusError{answer}
	}
	return answer, err
}

func exchange(client *http.Client, request *http.Request) (Response, error) {
	response, err := client.Do(request)
	if err != nil {
		return Response{}, err
	}
	defer response.Body.Close()
	// A server under test may send without end.
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return Response{}, fmt.Errorf("answer of %s: %w", request.URL, err)
	}
	return Response{URL: request.URL.String(), Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// signedRequest is everything that a signature is made from. A SendOption changes it.
type signedRequest struct {
	keyID       string
	key         *rsa.PrivateKey
	date        time.Time
	dateLayout  string // of the Date header
	host        string
	contentType string
	covered     []string
	digestOf    []byte // nil: no Digest header
	unsigned    bool
	rfc9421     bool   // in RFC 9421
	body        []byte // as sent
	edit        []func(http.Header)

	synchronization string // "" for none
}

// Prepare signs a delivery of an activity to an inbox now, to be sent later. The activity is any value for
// json.Marshal; a json.RawMessage or []byte is sent as it is.
func (p *Person) Prepare(inbox string, activity any, options ...SendOption) (*PreparedDelivery, error) {
	body, err := bodyOf(activity)
	if err != nil {
		return nil, err
	}
	s := signedRequest{
		keyID: p.KeyID(), key: p.privateKey(), date: p.Server.world.config.Now(), contentType: activityType,
		covered: []string{httpsig.RequestTarget, "host", "date", "digest"}, digestOf: body, body: body,
	}
	// Before the signature: an option changes what is signed. Only EditHeader comes after it.
	for _, option := range options {
		option(&s)
	}
	header, err := s.header(http.MethodPost, inbox, p.Server.Software)
	if err != nil {
		return nil, fmt.Errorf("sign for %s: %w", inbox, err)
	}
	return &PreparedDelivery{URL: inbox, Header: header, Body: s.body, client: p.Server.client}, nil
}

func bodyOf(activity any) ([]byte, error) {
	switch body := activity.(type) {
	case []byte:
		return body, nil
	case json.RawMessage:
		return body, nil
	}
	return json.Marshal(activity)
}

// header returns the header of the request, with the signature in it.
func (s *signedRequest) header(method, address string, software Software) (http.Header, error) {
	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		return nil, err
	}
	name, version := software.nodeInfo()
	request.Header.Set("User-Agent", name+"/"+version)
	request.Header.Set("Date", s.date.UTC().Format(cmp.Or(s.dateLayout, http.TimeFormat)))
	if s.contentType != "" {
		request.Header.Set("Content-Type", s.contentType)
	}
	if s.synchronization != "" {
		request.Header.Set("Collection-Synchronization", s.synchronization)
	}
	if s.unsigned {
		return request.Header, nil
	}
	// EditHeader must spoil a request that is signed already, whichever way it is signed.
	defer func() {
		for _, edit := range s.edit {
			edit(request.Header)
		}
	}()
	if s.rfc9421 {
		return request.Header, s.signRFC9421(request)
	}
	// httpsig reads the host from the header map, where net/http does not keep it.
	request.Header.Set("Host", request.URL.Host)
	if s.host != "" {
		request.Header.Set("Host", s.host)
	}
	signer, _, err := httpsig.NewSigner([]httpsig.Algorithm{httpsig.RSA_SHA256}, httpsig.DigestSha256, s.covered,
		httpsig.Signature, 0)
	if err != nil {
		return nil, err
	}
	if err := signer.SignRequest(s.key, s.keyID, request, s.digestOf); err != nil {
		return nil, err
	}
	request.Header.Del("Host")
	if software != GoToSocial { // httpsig always writes hs2019, as GoToSocial does; the others name what it is
		signature := request.Header.Get("Signature")
		request.Header.Set("Signature", strings.Replace(signature, `"hs2019"`, `"rsa-sha256"`, 1))
	}
	return request.Header, nil
}

// get sends one signed GET and returns the response, whatever its status.
func (p *Person) get(ctx context.Context, address, accept string, options ...SendOption) (Response, error) {
	s := signedRequest{
		keyID: p.KeyID(), key: p.privateKey(), date: p.Server.world.config.Now(),
		covered: []string{httpsig.RequestTarget, "host", "date"},
	}
	for _, option := range options {
		option(&s)
	}
	header, err := s.header(http.MethodGet, address, p.Server.Software)
	if err != nil {
		return Response{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Response{}, err
	}
	request.Header = header
	request.Header.Set("Accept", accept)
	return exchange(p.Server.client, request)
}

// Get sends one signed GET for an ActivityPub document and returns the response, whatever its status.
func (p *Person) Get(ctx context.Context, address string, options ...SendOption) (Response, error) {
	return p.get(ctx, address, activityType, options...)
}

// getFollowing sends a signed GET, follows up to three redirects, each signed anew, and returns the last response.
// The error is a [*StatusError] when the status is not 200.
func (p *Person) getFollowing(ctx context.Context, address, accept string) (Response, error) {
	for range 4 {
		answer, err := p.get(ctx, address, accept)
		switch {
		case err != nil:
			return answer, err
		case answer.Status == http.StatusOK:
			return answer, nil
		case answer.Status/100 != 3:
			return answer, &StatusError{answer}
		}
		at, err := url.Parse(address)
		if err != nil {
			return answer, err
		}
		// Location may be relative.
		next, err := at.Parse(answer.Header.Get("Location"))
		if err != nil {
			return answer, fmt.Errorf("redirect of %s: %w", address, err)
		}
		address = next.String()
	}
	return Response{}, fmt.Errorf("%s: too many redirects", address)
}

// Fetch reads a document with a signed GET and returns its body. It follows redirects. The error is a [*StatusError]
// when the status is not 200.
func (p *Person) Fetch(ctx context.Context, address string) ([]byte, error) {
	answer, err := p.getFollowing(ctx, address, activityType)
	return answer.Body, err
}

// fetchObject reads an ActivityPub document. It refuses a content type that is not one of ActivityPub, as Mastodon
// does since CVE-2024-25623.
func (p *Person) fetchObject(ctx context.Context, address string) (map[string]any, error) {
	answer, err := p.getFollowing(ctx, address, `application/activity+json, application/ld+json; `+
		`profile="https://www.w3.org/ns/activitystreams"`)
	if err != nil {
		return nil, err
	}
	if kind := answer.Header.Get("Content-Type"); !isActivity(kind) {
		return nil, fmt.Errorf("%s has the content type %q", address, kind)
	}
	var document map[string]any
	if err := json.Unmarshal(answer.Body, &document); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object: %w", address, err)
	}
	return document, nil
}
