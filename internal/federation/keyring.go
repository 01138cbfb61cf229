package federation

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"causerie/internal/lru"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/signature"
)

// RemoteKey is a parsed key and who owns it.
type RemoteKey struct {
	Owner string
	Key   crypto.PublicKey
	since time.Time
	Fresh bool // fetched just now: there is no newer one
}

// Keyring finds the public keys that others sign with: among those just used, then in the store, then at their server.
// A key that stops fitting is fetched once more, but none of the same actor's again within five minutes; one that its
// owner does not list is not asked for within that time either. One that was held for ten minutes is
// looked up in the store again, where another process may have put a newer one.
//
// Whoever names more keys than are remembered (MaxRemembered) can make us fetch one again too soon. The limit of each
// domain, which [remote.Client.Lookup] keeps, then still holds.
type Keyring struct {
	Core
	bases    []*url.URL // where a signed request may say that it was sent to
	renewed  *Recent    // by the address at which a key was asked for
	unlisted *Recent    // keys that were asked for in vain

	mu   sync.Mutex
	held *lru.Cache[string, RemoteKey]
}

const (
	renewEvery = 5 * time.Minute
	holdFor    = 10 * time.Minute
)

// NewKeyring makes the keyring of a site. It fails where the site's address is none.
func NewKeyring(b Core) (*Keyring, error) {
	base, err := url.Parse(b.Site.URL)
	if err != nil {
		return nil, fmt.Errorf("the site's address: %w", err)
	}
	return &Keyring{Core: b, bases: []*url.URL{base}, renewed: NewRecent(renewEvery), unlisted: NewRecent(renewEvery),
		held: lru.New[string, RemoteKey](MaxRemembered)}, nil
}

// Find answers the key with this id and its owner's address. Trouble with the network comes back as
// remote.ErrUnavailable, an owner who left as remote.ErrGone; anything else means that the key is not to be believed.
func (k *Keyring) Find(ctx context.Context, keyID string) (RemoteKey, error) {
	if blog.SameOrigin(keyID, k.Site.URL) {
		return k.own(ctx, keyID)
	}
	if held, ok := k.look(keyID); ok {
		return held, nil
	}
	listed, err := k.Store.KeyOwner(ctx, keyID)
	if errors.Is(err, blog.ErrNotFound) {
		return k.meet(ctx, keyID)
	}
	if err != nil {
		return RemoteKey{}, err
	}
	return k.hold(listed)
}

// own is a key of ours, which is looked up at home and never asked for over the network: a [Checkup] signs with that of
// the instance actor.
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

// meet finds a key that nobody we know lists.
func (k *Keyring) meet(ctx context.Context, keyID string) (RemoteKey, error) {
	now := k.Now()
	if k.unlisted.Has(keyID, now) {
		return RemoteKey{}, ErrNoKey
	}
	found, good, err := k.fetch(ctx, keyID)
	if err == nil {
		good()
		found.Fresh = true
	} else if Permanent(err) {
		k.unlisted.Mark(keyID, now)
	}
	return found, err
}

func (k *Keyring) look(keyID string) (RemoteKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	held, ok := k.held.Get(keyID)
	return held, ok && k.Now().Sub(held.since) < holdFor
}

func (k *Keyring) hold(listed blog.ActorKey) (RemoteKey, error) {
	key, err := signature.ParsePublicKey(listed.PEM)
	if err != nil {
		return RemoteKey{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	held := RemoteKey{Owner: listed.ActorID, Key: key, since: k.Now()}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held.Add(listed.KeyID, held)
	return held, nil
}

// Forget drops what is held of an actor's keys, since its profile changed or it left.
func (k *Keyring) Forget(actor string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range k.held.Keys() {
		if held, ok := k.held.Peek(id); ok && held.Owner == actor {
			k.held.Remove(id)
		}
	}
}

// Renew fetches a key again after a signature did not match it. good is nil when there is no newer key: its server gave
// none, or was asked less than five minutes ago. Otherwise the caller calls good if the new key matches. An error is
// trouble of our own.
func (k *Keyring) Renew(ctx context.Context, keyID string) (good func(), err error) {
	if !k.renewed.Mark(withoutFragment(keyID), k.Now()) {
		return nil, nil
	}
	k.mu.Lock()
	k.held.Remove(keyID)
	k.mu.Unlock()
	_, good, err = k.fetch(ctx, keyID)
	switch {
	case err == nil:
		return good, nil
	case Permanent(err), Temporary(err):
		return nil, nil
	}
	k.renewed.Unmark(withoutFragment(keyID)) // nothing was learnt, so the next try may ask again
	return nil, err
}

func withoutFragment(address string) string {
	before, _, _ := strings.Cut(address, "#")
	return before
}

// fetch asks the address of the key. Servers answer with the whole actor, or with the key alone, whose owner must then
// list it (contract F-091).
func (k *Keyring) fetch(ctx context.Context, keyID string) (key RemoteKey, good func(), err error) {
	doc, good, err := k.Remote.LookupKey(ctx, keyID)
	if err != nil {
		return RemoteKey{}, nil, err
	}
	claim, actor, err := activity.ParseKey(doc)
	switch {
	case err != nil:
		return RemoteKey{}, nil, err
	case actor == nil:
		return k.fetchFromOwner(ctx, keyID, claim.Owner, good)
	case !lists(*actor, keyID):
		if err := k.correct(ctx, actor); err != nil {
			return RemoteKey{}, nil, err
		}
		return RemoteKey{}, nil, ErrNoKey
	}
	if err := k.rememberActor(ctx, actor); err != nil {
		return RemoteKey{}, nil, err
	}
	key, err = k.fromActor(*actor, keyID)
	return key, good, err
}

// correct renews what is remembered of an actor, so that a key which it lists no more is none.
func (k *Keyring) correct(ctx context.Context, actor *blog.Actor) error {
	known, err := k.Store.KnowsActor(ctx, actor.ID)
	if err != nil || !known {
		return err
	}
	k.Forget(actor.ID)
	return k.rememberActor(ctx, actor)
}

func (k *Keyring) fetchFromOwner(ctx context.Context, keyID, owner string,
	claimed func()) (key RemoteKey, good func(), err error) {
	if owner == "" || !blog.SameOrigin(owner, keyID) {
		return RemoteKey{}, nil, ErrNoKey
	}
	doc, listed, err := k.Remote.LookupKey(ctx, owner)
	if err != nil {
		return RemoteKey{}, nil, err
	}
	actor, err := k.saveActor(ctx, owner, doc)
	if err != nil {
		return RemoteKey{}, nil, err
	}
	key, err = k.fromActor(actor, keyID)
	return key, func() { claimed(); listed() }, err
}

func (k *Keyring) fromActor(actor blog.Actor, keyID string) (RemoteKey, error) {
	for _, listed := range actor.Keys {
		if listed.KeyID == keyID {
			return k.hold(listed)
		}
	}
	return RemoteKey{}, ErrNoKey
}

func lists(actor blog.Actor, keyID string) bool {
	for _, listed := range actor.Keys {
		if listed.KeyID == keyID {
			return true
		}
	}
	return false
}

// Signer judges a signature and answers whose it is. A key that does not fit may have been changed: it is fetched anew.
// The error is ErrBlocked for the key of a server that is refused, which is not fetched. actor is whose words the
// request carries, "" where it carries none.
func (k *Keyring) Signer(r *http.Request, body []byte, actor string) (string, error) {
	keyID, key, err := k.verify(r, body, actor)
	if !errors.Is(err, signature.ErrMismatch) || key.Fresh {
		return key.Owner, err
	}
	good, renewErr := k.Renew(r.Context(), keyID)
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
	_, err = signature.Verify(r, body, k.bases, k.Now(), func(ctx context.Context, id string) (crypto.PublicKey, error) {
		keyID = id
		if blog.HostOf(id) != blog.HostOf(actor) { // whose server is known not to be barred
			if barred, err := k.Blocked(ctx, k.Store, id); barred || err != nil {
				return nil, cmp.Or(err, ErrBlocked)
			}
		}
		key, err = k.Find(ctx, id)
		return key.Key, err
	})
	return keyID, key, err
}
