package fedtest

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Actor is what a server has read about an actor elsewhere.
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

// DeliverTo returns the inbox for deliveries to this actor: the shared one where there is one.
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

// actorCache holds actors that were fetched, and the authors of objects. Nothing expires before the world is closed.
type actorCache struct {
	mu      sync.Mutex
	actors  map[string]*cachedActor // by the address that was asked
	fetched map[string]bool         // ids of the actors learnt
	authors map[string]string       // object id to actor id
}

// cachedActor is one actor, fetched or being fetched.
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

// FetchActor fetches an actor with its key and caches it, as a server does that shows a post of theirs.
func (s *Server) FetchActor(ctx context.Context, id string) error {
	_, err := s.cache.actor(ctx, s, id)
	return err
}

// ForgetActors empties the cache, as a server does that starts again.
func (s *Server) ForgetActors() {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	clear(s.cache.actors)
	clear(s.cache.fetched)
}

// forget drops an actor that was fetched before that time, and reports whether it did.
func (m *actorCache) forget(id string, before time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := m.actors[withoutFragment(id)]
	// An entry that was fetched after that moment is fresh: fetching it again would change nothing.
	if entry == nil || !entry.since.Before(before) {
		return false
	}
	delete(m.actors, withoutFragment(id))
	return true
}

// replace caches an actor as its own Update shows it.
func (m *actorCache) replace(document map[string]any) {
	actor := parseActor(document)
	// An Update without a key must not take the known key away.
	if actor.ID == "" || actor.key == nil {
		return
	}
	known := make(chan struct{})
	close(known)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.actors[actor.ID] = &cachedActor{actor: actor, known: known, since: time.Now()}
}

// actor returns the actor with an id, or the owner of the key with that id, from the cache or from its server.
func (m *actorCache) actor(ctx context.Context, s *Server, id string) (*Actor, error) {
	address := withoutFragment(id)
	m.mu.Lock()
	entry, ok := m.actors[address]
	// Only the first caller fetches. The others wait for its result.
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

// fetch fetches an actor for all callers that wait for the entry.
func (m *actorCache) fetch(s *Server, address string, entry *cachedActor) {
	defer close(entry.known)
	// Not the context of the first caller: the others still need the result when that caller gives up.
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
	// No response and 5xx may pass, so the sender should retry (503). A 4xx means that there is no such key (401).
	if !errors.As(err, &refused) || refused.Status/100 == 5 {
		err = fmt.Errorf("%w: %w", errUnreachableKey, err)
	}
	entry.err = err
	m.mu.Lock()
	defer m.mu.Unlock()
	// A failure is not cached, or one bad moment would refuse an actor for ever.
	if m.actors[address] == entry {
		delete(m.actors, address)
	}
}

func (m *actorCache) setAuthor(object, author string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.authors[object] = author
}

// author returns who wrote an object, from the cache or from the object itself.
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
