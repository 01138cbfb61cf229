package federation

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/lru"
	"causerie/internal/ratelimit"
	"causerie/internal/remote"
	"causerie/internal/signature"
)

// RemoteKey is a parsed public key and the actor who owns it.
type RemoteKey struct {
	Owner string
	Key   crypto.PublicKey
	since time.Time
	Fresh bool // fetched just now: there is no newer one
}

// Keyring finds the public keys of signatures: in memory, then in the store, then at their server.
//
// A key that no longer matches is fetched again, but at most once in five minutes at one address. A key that its
// owner does not list is not fetched again for five minutes. A key stays in memory for ten minutes. Then the store is
// read again, where another process may have saved a newer key.
//
// A sender who names more keys than are remembered (MaxRemembered) can make us fetch a key again too soon. The limit
// of each domain, which [remote.Client.Lookup] keeps, then still holds.
type Keyring struct {
	Core
	bases    []*url.URL         // the addresses that a signed request may have as its target
	renewed  *Recent            // keys that were fetched again, by their address without the fragment
	unlisted *Recent            // keys that could not be found
	guesses  *ratelimit.Limiter // keys that do not exist, by who named them and the domain of the key
	senders  *Recent            // addresses from which a domain sent with a valid signature, in the same form

	mu     sync.Mutex
	cached *lru.Cache[string, RemoteKey]
}

const (
	renewEvery = 5 * time.Minute
	cacheTime  = 10 * time.Minute

	// maxGuesses is how many keys of one domain that do not exist one address may name in a minute. It is less than what
	// may fail at the domain in all (remote.Client.Lookup): a stranger who invents keys cannot use up what others need.
	maxGuesses = 3

	// senderKnownFor is how long a domain is believed to send from an address. Until then, keys that strangers invent
	// use up nothing that this address needs.
	senderKnownFor = 24 * time.Hour
)

// NewKeyring returns the keyring of a site. The error means that the site's address cannot be parsed.
func NewKeyring(b Core) (*Keyring, error) {
	base, err := url.Parse(b.Site.URL)
	if err != nil {
		return nil, fmt.Errorf("the site's address: %w", err)
	}
	return &Keyring{Core: b, bases: []*url.URL{base}, renewed: NewRecent(renewEvery), unlisted: NewRecent(renewEvery),
		guesses: ratelimit.New(maxGuesses, time.Minute, b.Now), senders: NewRecent(senderKnownFor),
		cached: lru.New[string, RemoteKey](MaxRemembered)}, nil
}

// Find returns the key with this id. The error is [Temporary] when the server of the key does not answer,
// remote.ErrGone when the owner is gone, and [Permanent] when the key cannot be trusted.
func (k *Keyring) Find(ctx context.Context, keyID string) (RemoteKey, error) {
	return k.findFor(ctx, keyID, "")
}

// findFor is Find for the client at an address, "" when it is not known. An address that named several keys of a domain
// that do not exist gets ErrGuessing for the next unknown one. Nothing is fetched then, so that others still can have
// their keys fetched: what fails at one domain is limited (remote.Client.Lookup).
func (k *Keyring) findFor(ctx context.Context, keyID, client string) (RemoteKey, error) {
	if k.Site.Owns(keyID) {
		return k.own(ctx, keyID)
	}
	if key, ok := k.fromCache(keyID); ok {
		return key, nil
	}
	listed, err := k.Store.KeyOwner(ctx, keyID)
	if errors.Is(err, blog.ErrNotFound) {
		listed, err = k.knownSoleKey(ctx, keyID)
	}
	if errors.Is(err, blog.ErrNotFound) {
		return k.fetchFor(ctx, keyID, client)
	}
	if err != nil {
		return RemoteKey{}, err
	}
	return k.cacheKey(listed)
}

// knownSoleKey returns the key that a known actor's id means. The error is blog.ErrNotFound when it means none.
func (k *Keyring) knownSoleKey(ctx context.Context, actor string) (blog.ActorKey, error) {
	keys, err := k.Store.ActorKeys(ctx, actor)
	if err != nil {
		return blog.ActorKey{}, err
	}
	key, ok := keyNamed(blog.Actor{ID: actor, Keys: keys}, actor)
	if !ok {
		return blog.ActorKey{}, blog.ErrNotFound
	}
	return key, nil
}

// fetchFor is fetchUnknown for the client at an address.
func (k *Keyring) fetchFor(ctx context.Context, keyID, client string) (RemoteKey, error) {
	if client == "" {
		return k.fetchUnknown(ctx, keyID, "")
	}
	name := senderName(client, keyID)
	if k.guesses.Spent(name) {
		return RemoteKey{}, ErrGuessing
	}
	key, err := k.fetchUnknown(ctx, keyID, k.sender(client, keyID))
	// A server that does not answer now is not guessed at.
	if Permanent(err) {
		k.guesses.Take(name)
	}
	return key, err
}

// sender is the client at an address from which the domain of a key is known to send, else "".
func (k *Keyring) sender(client, keyID string) string {
	if client != "" && k.senders.Has(senderName(client, keyID), k.Now()) {
		return client
	}
	return ""
}

// senderName is an address with the domain for which it sends.
func senderName(client, keyID string) string {
	return client + " " + blocklist.Owner(blog.HostOf(keyID))
}

// own returns a key of ours from the store. It is never fetched over the network (threat T-047). The doctor signs
// with the key of the instance actor.
func (k *Keyring) own(ctx context.Context, keyID string) (RemoteKey, error) {
	owner, name, _ := strings.Cut(keyID, "#")
	if name != "main-key" {
		return RemoteKey{}, ErrNoKey
	}
	pem, err := k.ownPEM(ctx, owner)
	if errors.Is(err, blog.ErrNotFound) {
		err = ErrNoKey
	}
	if err != nil {
		return RemoteKey{}, err
	}
	key, err := signature.ParsePublicKey(pem)
	return RemoteKey{Owner: owner, Key: key, since: k.Now(), Fresh: true}, err
}

func (k *Keyring) ownPEM(ctx context.Context, owner string) (string, error) {
	if owner == k.Site.InstanceID() {
		site, err := k.Store.Site(ctx)
		return site.PublicKey, err
	}
	voice, err := k.VoiceOf(ctx, k.Store, owner)
	if err == nil && voice.RetiredAt != nil {
		err = blog.ErrNotFound
	}
	return voice.PublicKey, err
}

// fetchUnknown fetches a key that no actor in the store lists.
func (k *Keyring) fetchUnknown(ctx context.Context, keyID, sender string) (RemoteKey, error) {
	now := k.Now()
	if k.unlisted.Has(keyID, now) {
		return RemoteKey{}, ErrNoKey
	}
	found, settle, err := k.fetch(ctx, keyID, sender)
	if err == nil {
		settle(true)
		found.Fresh = true
		// Only an answer counts. A server that is down may have the key when it is back.
	} else if Permanent(err) {
		k.unlisted.Mark(keyID, now)
	}
	return found, err
}

func (k *Keyring) fromCache(keyID string) (RemoteKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.cached.Get(keyID)
	return key, ok && k.Now().Sub(key.since) < cacheTime
}

// cacheKey parses a key and keeps it in memory.
func (k *Keyring) cacheKey(listed blog.ActorKey) (RemoteKey, error) {
	public, err := signature.ParsePublicKey(listed.PEM)
	if err != nil {
		return RemoteKey{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	key := RemoteKey{Owner: listed.ActorID, Key: public, since: k.Now()}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cached.Add(listed.KeyID, key)
	return key, nil
}

// Forget drops the cached keys of an actor, whose profile changed or who is gone.
func (k *Keyring) Forget(actor string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range k.cached.Keys() {
		if key, ok := k.cached.Peek(id); ok && key.Owner == actor {
			k.cached.Remove(id)
		}
	}
}

// Renew fetches a key again after a signature did not match it. good is nil when there is no newer key: its server
// gave none, or was asked less than five minutes ago. Otherwise the caller calls good if the new key matches. An
// error is a failure of our own.
func (k *Keyring) Renew(ctx context.Context, keyID string) (good func(), err error) {
	return k.renewFor(ctx, keyID, "")
}

// renewFor is Renew for a sender, as in [remote.Client.LookupKey].
func (k *Keyring) renewFor(ctx context.Context, keyID, sender string) (good func(), err error) {
	// An actor's keys differ in the fragment only, and one fetch brings them all.
	if !k.renewed.Mark(withoutFragment(keyID), k.Now()) {
		return nil, nil
	}
	k.mu.Lock()
	k.cached.Remove(keyID)
	k.mu.Unlock()
	_, settle, err := k.fetch(ctx, keyID, sender)
	switch {
	case err == nil:
		return func() { settle(true) }, nil
	case Permanent(err), Temporary(err):
		return nil, nil
	}
	k.renewed.Unmark(withoutFragment(keyID)) // our own failure must not block the next try
	return nil, err
}

func withoutFragment(address string) string {
	before, _, _ := strings.Cut(address, "#")
	return before
}

// fetch fetches a key from its address. Servers answer with the whole actor, or with the key alone, whose owner must
// then list it (contract F-091). sender and settle are as in [remote.Client.LookupKey].
func (k *Keyring) fetch(ctx context.Context, keyID, sender string) (key RemoteKey, settle func(good bool), err error) {
	doc, settle, err := k.Remote.LookupKey(ctx, keyID, sender)
	if err != nil {
		return RemoteKey{}, nil, err
	}
	defer func() {
		if Permanent(err) {
			settle(false)
		}
	}()
	claim, actor, err := activity.ParseKey(doc)
	listed := false
	if actor != nil {
		_, listed = keyNamed(*actor, keyID)
	}
	switch {
	case err != nil:
		return RemoteKey{}, settle, err
	case actor == nil:
		return k.fetchFromOwner(ctx, keyID, claim.Owner, sender, settle)
	// The owner has dropped this key, so our record of the owner is too old.
	case !listed:
		if err := k.updateKnown(ctx, actor); err != nil {
			return RemoteKey{}, settle, err
		}
		return RemoteKey{}, settle, ErrNoKey
	}
	if err := k.rememberActor(ctx, actor); err != nil {
		return RemoteKey{}, settle, err
	}
	key, err = k.fromActor(*actor, keyID)
	return key, settle, err
}

// updateKnown saves an actor again, so that a key that the actor no longer lists is not trusted any more (threat
// T-021).
func (k *Keyring) updateKnown(ctx context.Context, actor *blog.Actor) error {
	known, err := k.Store.KnowsActor(ctx, actor.ID)
	// An unknown actor is not saved: anybody could fill the store with actors by naming keys.
	if err != nil || !known {
		return err
	}
	k.Forget(actor.ID)
	return k.rememberActor(ctx, actor)
}

// fetchFromOwner fetches the owner that a key names, and returns the key if the owner lists it. claimed settles the
// lookup of the key.
func (k *Keyring) fetchFromOwner(ctx context.Context, keyID, owner, sender string,
	claimed func(good bool)) (key RemoteKey, settle func(good bool), err error) {
	if owner == "" || !blog.SameOrigin(owner, keyID) {
		return RemoteKey{}, claimed, ErrNoKey
	}
	doc, listed, err := k.Remote.LookupKey(ctx, owner, sender)
	if errors.Is(err, remote.ErrTooOften) {
		// Lookups that run at this moment have all places. They must not stay taken for a minute because of that: then a
		// few people of one server who write at once would keep the whole server out.
		claimed(true)
	}
	if err != nil {
		return RemoteKey{}, claimed, err
	}
	settle = func(good bool) { claimed(good); listed(good) }
	actor, err := k.SaveActor(ctx, owner, doc)
	if err != nil {
		return RemoteKey{}, settle, err
	}
	key, err = k.fromActor(actor, keyID)
	return key, settle, err
}

// fromActor returns the key with this id among those that an actor lists.
func (k *Keyring) fromActor(actor blog.Actor, keyID string) (RemoteKey, error) {
	listed, ok := keyNamed(actor, keyID)
	if !ok {
		return RemoteKey{}, ErrNoKey
	}
	return k.cacheKey(listed)
}

// keyNamed returns the key with an id among those that an actor lists. Some servers sign under the id of the actor: it
// means the one RSA key that the actor has, or the only key. It comes back under the id that was asked for.
func keyNamed(actor blog.Actor, keyID string) (blog.ActorKey, bool) {
	for _, listed := range actor.Keys {
		if listed.KeyID == keyID {
			return listed, true
		}
	}
	if keyID != actor.ID {
		return blog.ActorKey{}, false
	}
	keys := actor.Keys
	// A key of another kind is most often that of proofs.
	if len(keys) > 1 {
		keys = slices.DeleteFunc(slices.Clone(keys), func(listed blog.ActorKey) bool { return !isRSA(listed) })
	}
	if len(keys) != 1 {
		return blog.ActorKey{}, false
	}
	return blog.ActorKey{ActorID: actor.ID, KeyID: keyID, PEM: keys[0].PEM}, true
}

func isRSA(listed blog.ActorKey) bool {
	key, err := signature.ParsePublicKey(listed.PEM)
	_, ok := key.(*rsa.PublicKey)
	return err == nil && ok
}

// Signer verifies a signature and returns the actor who owns its key. A key that does not match may be old: it is
// fetched again, and the signature verified once more. The error is ErrBlocked for the key of a blocked server; that
// key is not fetched. actor is the actor of the activity in the body, "" when there is none.
func (k *Keyring) Signer(r *http.Request, body []byte, actor string) (string, error) {
	keyID, key, err := k.verify(r, body, actor)
	// A key that was fetched a moment ago cannot be out of date.
	if !errors.Is(err, signature.ErrMismatch) || key.Fresh {
		return key.Owner, err
	}
	good, renewErr := k.renewFor(r.Context(), keyID, k.sender(ratelimit.ClientSource(r.RemoteAddr), keyID))
	if renewErr != nil {
		return "", renewErr
	}
	if good == nil {
		return "", err
	}
	if _, key, err = k.verify(r, body, actor); err == nil {
		good()
	}
	return key.Owner, err
}

func (k *Keyring) verify(r *http.Request, body []byte, actor string) (keyID string, key RemoteKey, err error) {
	client := ratelimit.ClientSource(r.RemoteAddr)
	find := func(ctx context.Context, id string) (crypto.PublicKey, error) {
		id = blog.URI(id)
		keyID = id
		// The caller has checked the blocks of the actor, and so of the actor's host.
		if blog.HostOf(id) != blog.HostOf(actor) {
			if blocked, err := k.Blocked(ctx, k.Store, id); blocked || err != nil {
				return nil, cmp.Or(err, ErrBlocked)
			}
		}
		key, err = k.findFor(ctx, id, client)
		// Where only keys that do not exist were looked for in this minute, one more is taken for another of them.
		if errors.Is(err, remote.ErrTooManyFailed) {
			err = ErrGuessing
		}
		return key.Key, err
	}
	_, err = signature.Verify(r, body, k.bases, k.Now(), signature.Keys{Find: find, Choose: ofActor(actor)})
	if err == nil && client != "" {
		k.senders.Mark(senderName(client, keyID), k.Now())
	}
	return keyID, key, err
}

// ofActor chooses among several signatures the one whose key belongs to an actor: its id begins with that of the actor,
// or at least has the same origin. A proxy may have added the others.
func ofActor(actor string) func(keyIDs []string) int {
	return func(keyIDs []string) int {
		own := func(id string) bool {
			rest, ok := strings.CutPrefix(blog.URI(id), actor)
			return ok && actor != "" && (rest == "" || strings.ContainsAny(rest[:1], "#/?"))
		}
		if i := slices.IndexFunc(keyIDs, own); i >= 0 {
			return i
		}
		return slices.IndexFunc(keyIDs, func(id string) bool { return blog.SameOrigin(blog.URI(id), actor) })
	}
}
