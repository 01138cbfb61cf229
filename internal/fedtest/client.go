package fedtest

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-fed/httpsig"
)

// exchangeTime bounds one exchange with another server, from dialling to the last byte.
const exchangeTime = 10 * time.Second

const activityType = "application/activity+json"

// newClient dials from the server's own address, so that its peers can tell it from the others.
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
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Response is what another server said.
type Response struct {
	URL    string
	Status int
	Header http.Header
	Body   []byte // at most 1 MiB
}

// StatusError is the error of an answer that is no success.
type StatusError struct{ Response }

func (r *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", r.URL, r.Status, strings.TrimSpace(string(r.Body[:min(len(r.Body), 300)])))
}

// PreparedDelivery is a signed delivery that has not been sent yet. It may be sent more than once, by several at a
// time, and is believed for an hour.
type PreparedDelivery struct {
	URL    string
	Header http.Header
	Body   []byte
	client *http.Client
}

// Send posts the delivery. The error is a [*Refused] when the status is not 2xx.
func (p *PreparedDelivery) Send(ctx context.Context) (Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(p.Body))
	if err != nil {
		return Response{}, err
	}
	request.Header = maps.Clone(p.Header)
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
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return Response{}, fmt.Errorf("answer of %s: %w", request.URL, err)
	}
	return Response{URL: request.URL.String(), Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// signedRequest is how a request is signed; a Twist makes it wrong on purpose.
type signedRequest struct {
	keyID       string
	key         *rsa.PrivateKey
	date        time.Time
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

// SendOption makes a delivery that should be refused, or is at least unusual. See [Person.Send].
type SendOption func(*signedRequest)

// Unsigned leaves the signature away.
func Unsigned() SendOption { return func(s *signedRequest) { s.unsigned = true } }

// Tampered changes the body after it was signed: a blank is added at its end.
func Tampered() SendOption {
	return func(s *signedRequest) { s.body = append(bytes.Clone(s.body), ' ') }
}

// WithoutDigest signs no digest and sends none.
func WithoutDigest() SendOption {
	return func(s *signedRequest) { s.digestOf, s.covered = nil, []string{httpsig.RequestTarget, "host", "date"} }
}

// DigestNotCovered sends a digest that the signature does not cover, so that anybody could have changed both.
func DigestNotCovered() SendOption {
	return func(s *signedRequest) { s.covered = []string{httpsig.RequestTarget, "host", "date"} }
}

// CoveringDateOnly covers nothing but the date, as a signature stolen from another request would.
func CoveringDateOnly() SendOption { return func(s *signedRequest) { s.covered = []string{"date"} } }

// WrongKey signs with a key that nobody knows.
func (p *Person) WrongKey() SendOption {
	return func(s *signedRequest) { s.key = p.Server.world.keys.fresh() }
}

// SignedAt signs with that date.
func SignedAt(date time.Time) SendOption { return func(s *signedRequest) { s.date = date } }

// ContentType sends another content type.
func ContentType(contentType string) SendOption {
	return func(s *signedRequest) { s.contentType = contentType }
}

// WithKeyID claims somebody else's key id, and signs with one's own key.
func WithKeyID(keyID string) SendOption { return func(s *signedRequest) { s.keyID = keyID } }

// SignedForHost signs for another host than the one it is sent to, as a delivery passed on would be.
func SignedForHost(host string) SendOption { return func(s *signedRequest) { s.host = host } }

// Covering names what the signature covers, in the order of the draft.
func Covering(names ...string) SendOption { return func(s *signedRequest) { s.covered = names } }

// UsingRFC9421 signs in the newer dialect, RFC 9421.
func UsingRFC9421() SendOption { return func(s *signedRequest) { s.rfc9421 = true } }

// FollowersSync says whom this person takes for followers at the receiver (FEP-8fcf): the header is signed, and names
// the list that answers at the address.
func (p *Person) FollowersSync(digest string) SendOption {
	return func(s *signedRequest) {
		s.synchronization = `collectionId="` + p.Followers() + `", url="` + p.ID + `/followers_synchronization", digest="` +
			digest + `"`
		s.covered = append(s.covered, "collection-synchronization")
	}
}

// EditHeader changes the header after it was signed.
func EditHeader(edit func(http.Header)) SendOption {
	return func(s *signedRequest) { s.edit = append(s.edit, edit) }
}

// Prepare signs an activity for an inbox now, to be sent later. The activity is anything that can be written as JSON;
// a json.RawMessage or []byte is sent as it is.
func (p *Person) Prepare(inbox string, activity any, twists ...SendOption) (*PreparedDelivery, error) {
	body, err := bodyOf(activity)
	if err != nil {
		return nil, err
	}
	s := signedRequest{
		keyID: p.KeyID(), key: p.privateKey(), date: p.Server.world.config.Now(), contentType: activityType,
		covered: []string{httpsig.RequestTarget, "host", "date", "digest"}, digestOf: body, body: body,
	}
	for _, twist := range twists {
		twist(&s)
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

// header is everything the request says of itself, with the signature in it.
func (s *signedRequest) header(method, address string, flavour Software) (http.Header, error) {
	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		return nil, err
	}
	software, version := flavour.nodeInfo()
	request.Header.Set("User-Agent", software+"/"+version)
	request.Header.Set("Date", s.date.UTC().Format(http.TimeFormat))
	if s.contentType != "" {
		request.Header.Set("Content-Type", s.contentType)
	}
	if s.synchronization != "" {
		request.Header.Set("Collection-Synchronization", s.synchronization)
	}
	if s.unsigned {
		return request.Header, nil
	}
	defer func() {
		for _, edit := range s.edit {
			edit(request.Header)
		}
	}()
	if s.rfc9421 {
		return request.Header, s.signRFC9421(request)
	}
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
	if flavour != GoToSocial { // httpsig always writes hs2019, as GoToSocial does; the others name what it is
		signature := request.Header.Get("Signature")
		request.Header.Set("Signature", strings.Replace(signature, `"hs2019"`, `"rsa-sha256"`, 1))
	}
	return request.Header, nil
}

// get puts one signed question and returns the answer, whatever it is.
func (p *Person) get(ctx context.Context, address, accept string, twists ...SendOption) (Response, error) {
	s := signedRequest{
		keyID: p.KeyID(), key: p.privateKey(), date: p.Server.world.config.Now(),
		covered: []string{httpsig.RequestTarget, "host", "date"},
	}
	for _, twist := range twists {
		twist(&s)
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

// Get puts one signed question for a document and returns the answer, whatever its status.
func (p *Person) Get(ctx context.Context, address string, twists ...SendOption) (Response, error) {
	return p.get(ctx, address, activityType, twists...)
}

// getFollowing asks for a document with a signature, follows three redirects (each signed anew) and returns the last
// answer. The error is a [*Refused] when the status is not 200.
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
		next, err := at.Parse(answer.Header.Get("Location"))
		if err != nil {
			return answer, fmt.Errorf("redirect of %s: %w", address, err)
		}
		address = next.String()
	}
	return Response{}, fmt.Errorf("%s: too many redirects", address)
}

// Fetch asks for a document as this person, signed, and answers its body. The error is a [*Refused] when the status is
// not 200.
func (p *Person) Fetch(ctx context.Context, address string) ([]byte, error) {
	answer, err := p.getFollowing(ctx, address, activityType)
	return answer.Body, err
}

// fetchObject asks for an ActivityPub document and believes it only with the right content type.
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

// Actor is what a server has learnt of somebody elsewhere.
type Actor struct {
	ID, Type, Handle, Name      string // Handle is the preferredUsername, or user@host from LookUp
	URL                         string
	Inbox, SharedInbox          string // SharedInbox is empty when there is none
	Followers, Outbox, Featured string
	KeyID, KeyOwner             string
	Document                    map[string]any

	key      *rsa.PublicKey
	keyFault string
}

// DeliverTo is the inbox for deliveries to this actor: the shared one where there is one.
func (a *Actor) DeliverTo() string {
	if a.SharedInbox != "" {
		return a.SharedInbox
	}
	return a.Inbox
}

func parseActor(document map[string]any) *Actor {
	endpoints, _ := document["endpoints"].(map[string]any)
	key, _ := document["publicKey"].(map[string]any)
	a := &Actor{
		ID: firstString(document["id"]), Type: firstString(document["type"]), URL: idOf(document["url"]),
		Handle: firstString(document["preferredUsername"]), Name: firstString(document["name"]),
		Inbox: idOf(document["inbox"]), SharedInbox: idOf(endpoints["sharedInbox"]),
		Followers: idOf(document["followers"]), Outbox: idOf(document["outbox"]), Featured: idOf(document["featured"]),
		KeyID: firstString(key["id"]), KeyOwner: firstString(key["owner"]), Document: document,
	}
	var err error
	if a.key, err = parsePublic(firstString(key["publicKeyPem"])); err != nil {
		a.keyFault = err.Error()
	}
	return a
}

// actorCache is what has been fetched of actors and of who wrote what. It is kept until the world ends.
type actorCache struct {
	mu      sync.Mutex
	actors  map[string]*cachedActor // by the address that was asked
	fetched map[string]bool         // ids of the actors learnt
	authors map[string]string       // object id to actor id
}

type cachedActor struct {
	known chan struct{} // closed when the answer is here
	since time.Time
	actor *Actor
	err   error
}

func newActorCache() *actorCache {
	return &actorCache{actors: map[string]*cachedActor{}, fetched: map[string]bool{}, authors: map[string]string{}}
}

// knows reports whether the actor has been fetched before.
func (m *actorCache) knows(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fetched[id]
}

// FetchActor asks for an actor elsewhere and remembers it with its key, as one does that shows something of theirs.
func (s *Server) FetchActor(ctx context.Context, id string) error {
	_, err := s.cache.actor(ctx, s, id)
	return err
}

// ForgetActors drops what the server has learnt of others, as one that begins anew.
func (s *Server) ForgetActors() {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	clear(s.cache.actors)
	clear(s.cache.fetched)
}

// forget drops what is older than that moment, and reports whether it did.
func (m *actorCache) forget(id string, before time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.actors[withoutFragment(id)]
	if entry == nil || !entry.since.Before(before) {
		return false
	}
	delete(m.actors, withoutFragment(id))
	return true
}

// replace takes an actor as an Update of its own shows it.
func (m *actorCache) replace(document map[string]any) {
	actor := parseActor(document)
	if actor.ID == "" || actor.key == nil {
		return
	}
	known := make(chan struct{})
	close(known)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.actors[actor.ID] = &cachedActor{actor: actor, known: known, since: time.Now()}
}

// actor is the actor, or owner of the key, with that id. Many who ask at once share one question, which the server's
// own actor puts; failures are not remembered.
func (m *actorCache) actor(ctx context.Context, s *Server, id string) (*Actor, error) {
	address := withoutFragment(id)
	m.mu.Lock()
	entry, ok := m.actors[address]
	if !ok {
		entry = &cachedActor{known: make(chan struct{}), since: time.Now()}
		m.actors[address] = entry
	}
	m.mu.Unlock()
	if !ok {
		m.fetch(s, address, entry)
	}
	select {
	case <-entry.known:
		return entry.actor, entry.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errUnreachableKey, ctx.Err())
	}
}

// fetch asks in the world's time and not in that of the first who wants to know: others wait for the answer too.
func (m *actorCache) fetch(s *Server, address string, entry *cachedActor) {
	defer close(entry.known)
	ctx, cancel := context.WithTimeout(s.world.ctx, exchangeTime)
	defer cancel()
	document, err := s.instance.fetchObject(ctx, address)
	if err == nil {
		entry.actor = parseActor(document)
		m.mu.Lock()
		m.fetched[entry.actor.ID] = true
		m.mu.Unlock()
		return
	}
	var refused *StatusError
	if !errors.As(err, &refused) || refused.Status/100 == 5 {
		err = fmt.Errorf("%w: %w", errUnreachableKey, err)
	}
	entry.err = err
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.actors[address] == entry {
		delete(m.actors, address)
	}
}

func (m *actorCache) setAuthor(object, author string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.authors[object] = author
}

// author asks who wrote an object, unless that is known.
func (m *actorCache) author(ctx context.Context, p *Person, object string) (string, error) {
	m.mu.Lock()
	author := m.authors[object]
	m.mu.Unlock()
	if author != "" {
		return author, nil
	}
	document, err := p.fetchObject(ctx, object)
	if err != nil {
		return "", fmt.Errorf("who wrote %s: %w", object, err)
	}
	if author = idOf(document["attributedTo"]); author == "" {
		return "", fmt.Errorf("who wrote %s: it does not say", object)
	}
	m.setAuthor(object, author)
	return author, nil
}

func withoutFragment(id string) string {
	before, _, _ := strings.Cut(id, "#")
	return before
}
