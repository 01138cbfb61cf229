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

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// fetchActor asks an actor's server for it and remembers the answer.
func (b Base) fetchActor(ctx context.Context, id string) (blog.Actor, error) {
	doc, err := b.Remote.Lookup(ctx, id)
	if errors.Is(err, remote.ErrGone) {
		now := b.Now()
		return blog.Actor{}, errors.Join(err, b.Store.SeemsGone(ctx, id, now, now.Add(confirmAfter)))
	}
	if err != nil {
		return blog.Actor{}, err
	}
	return b.readActor(ctx, id, doc)
}

// readActor reads what an actor's server answers for it, and remembers that.
func (b Base) readActor(ctx context.Context, id string, doc *activity.Document) (blog.Actor, error) {
	actor, err := activity.ParseActor(doc)
	if err != nil {
		return blog.Actor{}, err
	}
	if actor.ID != id {
		return blog.Actor{}, fmt.Errorf("%w: %s answers for %s", errForeign, actor.ID, id)
	}
	return actor, b.rememberActor(ctx, &actor)
}

// rememberActor saves what a server says of its actor now. A handle that was checked before stays while its first part
// does.
func (b Base) rememberActor(ctx context.Context, actor *blog.Actor) error {
	if b.Site.Owns(actor.ID) {
		return fmt.Errorf("%w: %s is ours", errForeign, actor.ID)
	}
	actor.FetchedAt = b.Now()
	known, err := b.Store.Actor(ctx, actor.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return b.Store.SaveActor(ctx, *actor)
	}
	if err != nil {
		return err
	}
	if known.HandleCheckedAt != nil && sameUser(known.Handle, actor.Handle) {
		actor.Handle, actor.HandleCheckedAt = known.Handle, known.HandleCheckedAt
	}
	another, err := b.takenOver(ctx, known, *actor)
	if err != nil {
		return err
	}
	return b.Store.InTx(ctx, func(store *store.Store) error {
		if another {
			if err := store.NewOwner(ctx, actor.ID, string(blog.NewID(b.Now()))); err != nil {
				return err
			}
		}
		return store.SaveActor(ctx, *actor)
	})
}

func sameUser(a, b string) bool {
	first, _, _ := strings.Cut(a, "@")
	second, _, _ := strings.Cut(b, "@")
	return strings.EqualFold(first, second)
}

// Why a key or a document of somebody else's cannot be used.
var (
	errForeign = errors.New("it claims what belongs to somebody else")
	errNoKey   = errors.New("its owner does not list this key")
)

// heldKey is a parsed key and who owns it.
type heldKey struct {
	owner string
	key   crypto.PublicKey
	since time.Time
	fresh bool // fetched just now: there is no newer one
}

// Keyring finds the public keys that others sign with: among those just used, then in the store, then at their server.
// A key that stops fitting is fetched once more, but none of the same actor's again within five minutes; one that its
// owner does not list is not asked for within that time either. One that was held for ten minutes is
// looked up in the store again, where another process may have put a newer one.
//
// Whoever names more keys than are remembered (maxRemembered) can make us fetch one again too soon. The limit of each
// domain, which [remote.Client.Lookup] keeps, then still holds.
type Keyring struct {
	Base
	bases    []*url.URL // where a signed request may say that it was sent to
	renewed  *recent    // by the address at which a key was asked for
	unlisted *recent    // keys that were asked for in vain

	mu   sync.Mutex
	held *simplelru.LRU[string, heldKey]
}

const (
	renewEvery = 5 * time.Minute
	holdFor    = 10 * time.Minute
)

// NewKeyring makes the keyring of a site. It fails where the site's address is none.
func NewKeyring(b Base) (*Keyring, error) {
	base, err := url.Parse(b.Site.URL)
	if err != nil {
		return nil, fmt.Errorf("the site's address: %w", err)
	}
	return &Keyring{Base: b, bases: []*url.URL{base}, renewed: newRecent(renewEvery), unlisted: newRecent(renewEvery), held: newMemory[heldKey]()}, nil
}

// find answers the key with this id and its owner's address. Trouble with the network comes back as remote.ErrUnavailable,
// an owner who left as remote.ErrGone; anything else means that the key is not to be believed.
func (k *Keyring) find(ctx context.Context, keyID string) (heldKey, error) {
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
		return heldKey{}, err
	}
	return k.hold(listed)
}

// own is a key of ours, which is looked up at home and never asked for over the network: a [Checkup] signs with that of the
// instance actor.
func (k *Keyring) own(ctx context.Context, keyID string) (heldKey, error) {
	owner, name, _ := strings.Cut(keyID, "#")
	if name != "main-key" {
		return heldKey{}, errNoKey
	}
	pem, err := k.ownPEM(ctx, owner)
	if errors.Is(err, blog.ErrNotFound) {
		err = errNoKey
	}
	if err != nil {
		return heldKey{}, err
	}
	key, err := signature.ParsePublicKey(pem)
	return heldKey{owner: owner, key: key, since: k.Now(), fresh: true}, err
}

func (k *Keyring) ownPEM(ctx context.Context, owner string) (string, error) {
	if owner == k.Site.InstanceID() {
		site, err := k.Store.Site(ctx)
		return site.PublicKey, err
	}
	voice, err := k.voiceOf(ctx, k.Store, owner)
	if err == nil && voice.RetiredAt != nil {
		err = blog.ErrNotFound
	}
	return voice.PublicKey, err
}

// meet finds a key that nobody we know lists.
func (k *Keyring) meet(ctx context.Context, keyID string) (heldKey, error) {
	now := k.Now()
	if k.unlisted.has(keyID, now) {
		return heldKey{}, errNoKey
	}
	found, good, err := k.fetch(ctx, keyID)
	if err == nil {
		good()
		found.fresh = true
	} else if !passing(err) {
		k.unlisted.mark(keyID, now)
	}
	return found, err
}

func (k *Keyring) look(keyID string) (heldKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	held, ok := k.held.Get(keyID)
	return held, ok && k.Now().Sub(held.since) < holdFor
}

func (k *Keyring) hold(listed blog.ActorKey) (heldKey, error) {
	key, err := signature.ParsePublicKey(listed.PEM)
	if err != nil {
		return heldKey{}, err
	}
	held := heldKey{owner: listed.ActorID, key: key, since: k.Now()}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held.Add(listed.KeyID, held)
	return held, nil
}

// forget drops what is held of an actor's keys, since its profile changed or it left.
func (k *Keyring) forget(actor string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range k.held.Keys() {
		if held, ok := k.held.Peek(id); ok && held.owner == actor {
			k.held.Remove(id)
		}
	}
}

// renew fetches a key anew after it did not fit; false when that was done less than five minutes ago. good is to be
// called if the new one fits.
func (k *Keyring) renew(ctx context.Context, keyID string) (good func(), ok bool) {
	if !k.renewed.mark(withoutFragment(keyID), k.Now()) {
		return nil, false
	}
	k.mu.Lock()
	k.held.Remove(keyID)
	k.mu.Unlock()
	_, good, err := k.fetch(ctx, keyID)
	return good, err == nil
}

func withoutFragment(address string) string {
	before, _, _ := strings.Cut(address, "#")
	return before
}

// fetch asks the address of the key. Servers answer with the whole actor, or with the key alone, whose owner must then
// list it (contract F-091).
func (k *Keyring) fetch(ctx context.Context, keyID string) (key heldKey, good func(), err error) {
	doc, good, err := k.Remote.LookupKey(ctx, keyID)
	if err != nil {
		return heldKey{}, nil, err
	}
	claim, actor, err := activity.ParseKey(doc)
	switch {
	case err != nil:
		return heldKey{}, nil, err
	case actor == nil:
		return k.fetchFromOwner(ctx, keyID, claim.Owner, good)
	case !lists(*actor, keyID):
		return heldKey{}, nil, errors.Join(errNoKey, k.correct(ctx, actor))
	}
	if err := k.rememberActor(ctx, actor); err != nil {
		return heldKey{}, nil, err
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
	k.forget(actor.ID)
	return k.rememberActor(ctx, actor)
}

func (k *Keyring) fetchFromOwner(ctx context.Context, keyID, owner string, claimed func()) (key heldKey, good func(), err error) {
	if owner == "" || !blog.SameOrigin(owner, keyID) {
		return heldKey{}, nil, errNoKey
	}
	doc, listed, err := k.Remote.LookupKey(ctx, owner)
	if err != nil {
		return heldKey{}, nil, err
	}
	actor, err := k.readActor(ctx, owner, doc)
	if err != nil {
		return heldKey{}, nil, err
	}
	key, err = k.fromActor(actor, keyID)
	return key, func() { claimed(); listed() }, err
}

func (k *Keyring) fromActor(actor blog.Actor, keyID string) (heldKey, error) {
	for _, listed := range actor.Keys {
		if listed.KeyID == keyID {
			return k.hold(listed)
		}
	}
	return heldKey{}, errNoKey
}

func lists(actor blog.Actor, keyID string) bool {
	for _, listed := range actor.Keys {
		if listed.KeyID == keyID {
			return true
		}
	}
	return false
}

// verdict tells an answer that another try would not change, of somebody else's server, from trouble of our own.
func verdict(err error) bool {
	for _, known := range []error{remote.ErrRefused, remote.ErrNotFound, remote.ErrGone, remote.ErrForbidden, remote.ErrNotActivity,
		activity.ErrMalformed, errForeign} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// passing tells trouble that may be over the next time from a verdict.
func passing(err error) bool {
	return errors.Is(err, remote.ErrUnavailable) || errors.Is(err, remote.ErrTooOften) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// signer judges a signature and answers whose it is. A key that does not fit may have been changed: it is fetched anew.
// The error is errBarred for the key of a server that is refused, which is not fetched. actor is whose words the request
// carries, "" where it carries none.
func (k *Keyring) signer(r *http.Request, body []byte, actor string) (string, error) {
	keyID, key, err := k.verify(r, body, actor)
	if !errors.Is(err, signature.ErrMismatch) || key.fresh {
		return key.owner, err
	}
	good, ok := k.renew(r.Context(), keyID)
	if !ok {
		return "", err
	}
	if _, key, err = k.verify(r, body, actor); err == nil {
		good()
	}
	return key.owner, err
}

func (k *Keyring) verify(r *http.Request, body []byte, actor string) (keyID string, key heldKey, err error) {
	_, err = signature.Verify(r, body, k.bases, k.Now(), func(ctx context.Context, id string) (crypto.PublicKey, error) {
		keyID = id
		if blog.HostOf(id) != blog.HostOf(actor) { // whose server is known not to be barred
			if barred, err := k.barred(ctx, k.Store, id); barred || err != nil {
				return nil, cmp.Or(err, errBarred)
			}
		}
		key, err = k.find(ctx, id)
		return key.key, err
	})
	return keyID, key, err
}
