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

// Answer is what another server said.
type Answer struct {
	URL    string
	Status int
	Header http.Header
	Body   []byte // at most 1 MiB
}

// Refused is the error of an answer that is no success.
type Refused struct{ Answer }

func (r *Refused) Error() string {
	return fmt.Sprintf("%s answered %d %s", r.URL, r.Status, strings.TrimSpace(string(r.Body[:min(len(r.Body), 300)])))
}

// Prepared is a signed delivery that has not been sent yet. It may be sent more than once, by several at a time, and
// is believed for an hour.
type Prepared struct {
	URL    string
	Header http.Header
	Body   []byte
	client *http.Client
}

// Send posts the delivery. The error is a [*Refused] when the status is not 2xx.
func (p *Prepared) Send(ctx context.Context) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(p.Body))
	if err != nil {
		return Answer{}, err
	}
	request.Header = maps.Clone(p.Header)
	answer, err := exchange(p.client, request)
	if err == nil && answer.Status/100 != 2 {
		return answer, &Refused{answer}
	}
	return answer, err
}

func exchange(client *http.Client, request *http.Request) (Answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, largest))
	if err != nil {
		return Answer{}, fmt.Errorf("answer of %s: %w", request.URL, err)
	}
	return Answer{URL: request.URL.String(), Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// signed is how a request is signed; a Twist makes it wrong on purpose.
type signed struct {
	keyID       string
	key         *rsa.PrivateKey
	date        time.Time
	host        string
	contentType string
	covered     []string
	digestOf    []byte // nil: no Digest header
	unsigned    bool
	newer       bool   // in RFC 9421
	body        []byte // as sent
	edit        []func(http.Header)

	synchronization string // "" for none
}

// Twist makes a delivery that should be refused, or is at least unusual. See [Person.Send].
type Twist func(*signed)

// Unsigned leaves the signature away.
func Unsigned() Twist { return func(s *signed) { s.unsigned = true } }

// Tampered changes the body after it was signed: a blank is added at its end.
func Tampered() Twist { return func(s *signed) { s.body = append(bytes.Clone(s.body), ' ') } }

// WithoutDigest signs no digest and sends none.
func WithoutDigest() Twist {
	return func(s *signed) { s.digestOf, s.covered = nil, []string{httpsig.RequestTarget, "host", "date"} }
}

// DigestNotCovered sends a digest that the signature does not cover, so that anybody could have changed both.
func DigestNotCovered() Twist {
	return func(s *signed) { s.covered = []string{httpsig.RequestTarget, "host", "date"} }
}

// DateOnly covers nothing but the date, as a signature stolen from another request would.
func DateOnly() Twist { return func(s *signed) { s.covered = []string{"date"} } }

// WrongKey signs with a key that nobody knows.
func (p *Person) WrongKey() Twist {
	return func(s *signed) { s.key = p.Server.world.keys.fresh() }
}

// Dated signs with that date.
func Dated(date time.Time) Twist { return func(s *signed) { s.date = date } }

// Typed sends another content type.
func Typed(contentType string) Twist { return func(s *signed) { s.contentType = contentType } }

// As claims somebody else's key id, and signs with one's own key.
func As(keyID string) Twist { return func(s *signed) { s.keyID = keyID } }

// ForHost signs for another host than the one it is sent to, as a delivery passed on would be.
func ForHost(host string) Twist { return func(s *signed) { s.host = host } }

// Covering names what the signature covers, in the order of the draft.
func Covering(names ...string) Twist { return func(s *signed) { s.covered = names } }

// Newer signs in the newer dialect, RFC 9421.
func Newer() Twist { return func(s *signed) { s.newer = true } }

// Synchronizing says whom this person takes for followers at the receiver (FEP-8fcf): the header is signed, and names
// the list that answers at the address.
func (p *Person) Synchronizing(digest string) Twist {
	return func(s *signed) {
		s.synchronization = `collectionId="` + p.Followers() + `", url="` + p.ID + `/followers_synchronization", digest="` +
			digest + `"`
		s.covered = append(s.covered, "collection-synchronization")
	}
}

// WithHeader changes the header after it was signed.
func WithHeader(edit func(http.Header)) Twist {
	return func(s *signed) { s.edit = append(s.edit, edit) }
}

// Prepare signs an activity for an inbox now, to be sent later. The activity is anything that can be written as JSON;
// a json.RawMessage or []byte is sent as it is.
func (p *Person) Prepare(inbox string, activity any, twists ...Twist) (*Prepared, error) {
	body, err := bodyOf(activity)
	if err != nil {
		return nil, err
	}
	s := signed{
		keyID: p.KeyID(), key: p.privateKey(), date: p.Server.world.config.Now(), contentType: activityType,
		covered: []string{httpsig.RequestTarget, "host", "date", "digest"}, digestOf: body, body: body,
	}
	for _, twist := range twists {
		twist(&s)
	}
	header, err := s.header(http.MethodPost, inbox, p.Server.Flavour)
	if err != nil {
		return nil, fmt.Errorf("sign for %s: %w", inbox, err)
	}
	return &Prepared{URL: inbox, Header: header, Body: s.body, client: p.Server.client}, nil
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
func (s *signed) header(method, address string, flavour Flavour) (http.Header, error) {
	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		return nil, err
	}
	software, version := flavour.software()
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
	if s.newer {
		return request.Header, s.signNewer(request)
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

// ask puts one signed question and returns the answer, whatever it is.
func (p *Person) ask(ctx context.Context, address, accept string, twists ...Twist) (Answer, error) {
	s := signed{
		keyID: p.KeyID(), key: p.privateKey(), date: p.Server.world.config.Now(),
		covered: []string{httpsig.RequestTarget, "host", "date"},
	}
	for _, twist := range twists {
		twist(&s)
	}
	header, err := s.header(http.MethodGet, address, p.Server.Flavour)
	if err != nil {
		return Answer{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Answer{}, err
	}
	request.Header = header
	request.Header.Set("Accept", accept)
	return exchange(p.Server.client, request)
}

// Ask puts one signed question for a document and returns the answer, whatever its status.
func (p *Person) Ask(ctx context.Context, address string, twists ...Twist) (Answer, error) {
	return p.ask(ctx, address, activityType, twists...)
}

// get asks for a document with a signature, follows three redirects (each signed anew) and returns the last answer.
// The error is a [*Refused] when the status is not 200.
func (p *Person) get(ctx context.Context, address, accept string) (Answer, error) {
	for range 4 {
		answer, err := p.ask(ctx, address, accept)
		switch {
		case err != nil:
			return answer, err
		case answer.Status == http.StatusOK:
			return answer, nil
		case answer.Status/100 != 3:
			return answer, &Refused{answer}
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
	return Answer{}, fmt.Errorf("%s: too many redirects", address)
}

// Fetch asks for a document as this person, signed, and answers its body. The error is a [*Refused] when the status is
// not 200.
func (p *Person) Fetch(ctx context.Context, address string) ([]byte, error) {
	answer, err := p.get(ctx, address, activityType)
	return answer.Body, err
}

// object asks for an ActivityPub document and believes it only with the right content type.
func (p *Person) object(ctx context.Context, address string) (map[string]any, error) {
	answer, err := p.get(ctx, address, `application/activity+json, application/ld+json; `+
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
		ID: text(document["id"]), Type: text(document["type"]), URL: idOf(document["url"]),
		Handle: text(document["preferredUsername"]), Name: text(document["name"]),
		Inbox: idOf(document["inbox"]), SharedInbox: idOf(endpoints["sharedInbox"]),
		Followers: idOf(document["followers"]), Outbox: idOf(document["outbox"]), Featured: idOf(document["featured"]),
		KeyID: text(key["id"]), KeyOwner: text(key["owner"]), Document: document,
	}
	var err error
	if a.key, err = parsePublic(text(key["publicKeyPem"])); err != nil {
		a.keyFault = err.Error()
	}
	return a
}

// memory is what has been fetched of actors and of who wrote what. It is kept until the world ends.
type memory struct {
	mu      sync.Mutex
	actors  map[string]*memorised // by the address that was asked
	met     map[string]bool       // ids of the actors learnt
	authors map[string]string     // object id to actor id
}

type memorised struct {
	known chan struct{} // closed when the answer is here
	since time.Time
	actor *Actor
	err   error
}

func newMemory() *memory {
	return &memory{actors: map[string]*memorised{}, met: map[string]bool{}, authors: map[string]string{}}
}

// knows reports whether the actor has been fetched before.
func (m *memory) knows(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.met[id]
}

// Learn asks for an actor elsewhere and remembers it with its key, as one does that shows something of theirs.
func (s *Server) Learn(ctx context.Context, id string) error {
	_, err := s.memory.actor(ctx, s, id)
	return err
}

// Forget drops what the server has learnt of others, as one that begins anew.
func (s *Server) Forget() {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	clear(s.memory.actors)
	clear(s.memory.met)
}

// forget drops what is older than that moment, and reports whether it did.
func (m *memory) forget(id string, before time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.actors[withoutFragment(id)]
	if entry == nil || !entry.since.Before(before) {
		return false
	}
	delete(m.actors, withoutFragment(id))
	return true
}

// renew takes an actor as an Update of its own shows it.
func (m *memory) renew(document map[string]any) {
	actor := parseActor(document)
	if actor.ID == "" || actor.key == nil {
		return
	}
	known := make(chan struct{})
	close(known)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.actors[actor.ID] = &memorised{actor: actor, known: known, since: time.Now()}
}

// actor is the actor, or owner of the key, with that id. Many who ask at once share one question, which the server's
// own actor puts; failures are not remembered.
func (m *memory) actor(ctx context.Context, s *Server, id string) (*Actor, error) {
	address := withoutFragment(id)
	m.mu.Lock()
	entry, ok := m.actors[address]
	if !ok {
		entry = &memorised{known: make(chan struct{}), since: time.Now()}
		m.actors[address] = entry
	}
	m.mu.Unlock()
	if !ok {
		m.learn(s, address, entry)
	}
	select {
	case <-entry.known:
		return entry.actor, entry.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errUnreachableKey, ctx.Err())
	}
}

// learn asks in the world's time and not in that of the first who wants to know: others wait for the answer too.
func (m *memory) learn(s *Server, address string, entry *memorised) {
	defer close(entry.known)
	ctx, cancel := context.WithTimeout(s.world.ctx, exchangeTime)
	defer cancel()
	document, err := s.itself.object(ctx, address)
	if err == nil {
		entry.actor = parseActor(document)
		m.mu.Lock()
		m.met[entry.actor.ID] = true
		m.mu.Unlock()
		return
	}
	var refused *Refused
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

func (m *memory) wrote(object, author string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.authors[object] = author
}

// author asks who wrote an object, unless that is known.
func (m *memory) author(ctx context.Context, p *Person, object string) (string, error) {
	m.mu.Lock()
	author := m.authors[object]
	m.mu.Unlock()
	if author != "" {
		return author, nil
	}
	document, err := p.object(ctx, object)
	if err != nil {
		return "", fmt.Errorf("who wrote %s: %w", object, err)
	}
	if author = idOf(document["attributedTo"]); author == "" {
		return "", fmt.Errorf("who wrote %s: it does not say", object)
	}
	m.wrote(object, author)
	return author, nil
}

func withoutFragment(id string) string {
	before, _, _ := strings.Cut(id, "#")
	return before
}
