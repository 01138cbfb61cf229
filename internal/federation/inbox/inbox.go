// Package inbox handles what other servers send to this blog.
//
// [Inbox.ServeHTTP] checks the form and the signature of a request. It handles the activity, or queues it as an
// arrival, and answers 202 after the commit. [Inbox.Run] handles the arrivals: activities that need something from
// another server first. [Backfill] fetches replies that nobody sent us.
package inbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/outbox"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// Inbox answers the shared inbox and the inboxes of our actors. An activity that needs nothing from the network is
// handled at once: one commit has its effect and its id, which marks it as seen. Every other activity is queued as an
// arrival. In both cases it is on disk before the sender gets 202.
type Inbox struct {
	federation.Core
	outbox   *outbox.Outbox
	keys     *federation.Keyring
	wake     chan struct{}      // wakes Run after an arrival was queued
	contacts *federation.Recent // servers that contacted us a moment ago, by host
	limits   limits

	differences chan difference    // follower lists that Run compares with ours
	compared    *federation.Recent // whose list was queued within the last hour, by actor
}

// NewInbox returns the inbox of a site. Run handles the arrivals that it queues. The keyring verifies signatures.
func NewInbox(b federation.Core, keys *federation.Keyring, outbox *outbox.Outbox) *Inbox {
	return &Inbox{Core: b, outbox: outbox, keys: keys, wake: make(chan struct{}, 1),
		contacts: federation.NewRecent(contactEvery), limits: newLimits(b.Now),
		differences: make(chan difference, maxDifferences), compared: federation.NewRecent(compareEvery)}
}

const (
	maxBody    = 1 << 20 // bytes
	acceptTime = 25 * time.Second
)

// refusal is an answer other than 202. The sender reads the reason.
type refusal struct {
	status int
	reason string
}

func (r refusal) Error() string { return r.reason }

// ServeHTTP answers a POST to an inbox: 202 once the activity is on disk or known to need no action; 400, 401, 403,
// 404, 405, 410, 413 or 415 with a reason; 429 or 503 with Retry-After when the sender should try again.
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), acceptTime)
	defer cancel()
	err := in.receive(ctx, w, r)
	var refused refusal
	switch {
	case err == nil:
		w.WriteHeader(http.StatusAccepted)
	case errors.As(err, &refused):
		refuse(w, refused)
	case ctx.Err() != nil: // the sender hung up, or the time was over: no failure of ours that the log should name
		refuse(w, refusal{http.StatusServiceUnavailable, "the activity could not be saved in time; try again later"})
	default:
		in.Log.Error("an activity cannot be saved", "error", err)
		refuse(w, refusal{http.StatusServiceUnavailable, "the activity could not be saved; try again later"})
	}
}

func refuse(w http.ResponseWriter, refused refusal) {
	switch refused.status {
	// After a minute the place of this minute is free again (see limits).
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "60")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", "GET, HEAD, POST") // it is read elsewhere, as a collection
	}
	federation.WriteError(w, refused.status, refused.reason)
}

// receive counts a request, checks its form, then whether its sender is ignored, and only then the signature, which may
// cost a fetch. What is signed counts for its server. An activity with an effect is saved before it is answered 202
// (contract F-056 to F-061).
func (in *Inbox) receive(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if err := in.limits.checkAddress(r); err != nil {
		return err
	}
	body, err := readActivity(w, r)
	if err != nil {
		return err
	}
	if err := in.checkOwner(ctx, chi.URLParam(r, "actor")); err != nil {
		return err
	}
	doc, err := activity.Read(body)
	if err != nil {
		return refusal{http.StatusBadRequest, err.Error()}
	}
	act, err := in.summarize(doc)
	if err != nil {
		return err
	}
	if act.actor == in.Site.InstanceID() {
		return in.selfTest(ctx, r, body, act)
	}
	if ignored, err := in.ignored(ctx, act); ignored || err != nil {
		return err
	}
	signer, err := in.signer(ctx, r, body, act)
	if err != nil || signer == "" {
		return err
	}
	if err := in.limits.checkDomain(signer); err != nil {
		return err
	}
	if err := in.accept(ctx, doc, signer, body); err != nil {
		return err
	}
	// The signature is verified now. It must cover the header that names the followers.
	in.compareFollowersDigest(ctx, r.Header, signer)
	return nil
}

func readActivity(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, refusal{http.StatusMethodNotAllowed, "an activity is sent with POST"}
	}
	kind, params, err := activity.ParseMediaType(r.Header.Get("Content-Type"))
	profile, given := params["profile"]
	fits := kind == "application/activity+json" || kind == "application/ld+json" || kind == "application/json"
	if err != nil || !fits || given && !activity.HasProfile(profile) {
		return nil, refusal{http.StatusUnsupportedMediaType, "send application/activity+json"}
	}
	// Nothing is decompressed: a small body could expand far beyond maxBody.
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, refusal{http.StatusUnsupportedMediaType, "send the activity without a Content-Encoding"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refusal{http.StatusRequestEntityTooLarge, "an activity may have at most one megabyte"}
	case err != nil:
		return nil, refusal{http.StatusBadRequest, "the body is incomplete"}
	}
	return body, nil
}

// checkOwner checks that a personal inbox belongs to a voice that was not deleted. The shared inbox has no owner.
func (in *Inbox) checkOwner(ctx context.Context, actor string) error {
	if actor == "" {
		return nil
	}
	voice, err := in.Store.Voice(ctx, blog.ID(actor))
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return refusal{http.StatusNotFound, "there is no such inbox"}
	case err == nil && voice.RetiredAt != nil:
		return refusal{http.StatusGone, "the owner of this inbox was deleted"}
	}
	return err
}

// summarize reads what is known of an activity before its signature is verified.
func (in *Inbox) summarize(doc *activity.Document) (summary, error) {
	s := summary{kind: doc.Type(), id: doc.ID(), actor: doc.Actor(), object: doc.Object()}
	switch {
	case s.kind == "":
		return s, refusal{http.StatusBadRequest, "the activity has no type"}
	case blog.HostOf(s.actor) == "":
		return s, refusal{http.StatusBadRequest, "the activity needs exactly one actor, as an address"}
	// The doctor sends as the instance actor. It alone may send to its own blog.
	case in.Site.Owns(s.actor) && s.actor != in.Site.InstanceID():
		return s, errOwnActor
	}
	return s, nil
}

var errOwnActor = refusal{http.StatusForbidden, "an actor of this blog does not send from outside"}

// selfTest verifies a delivery that the doctor sends to its own blog. The delivery has no effect.
func (in *Inbox) selfTest(ctx context.Context, r *http.Request, body []byte, act summary) error {
	signer, err := in.signer(ctx, r, body, act)
	if err == nil && signer != act.actor {
		err = errOwnActor
	}
	return err
}

// summary is what an activity says of itself. It is not verified.
type summary struct{ kind, id, actor, object string }

// ignored reports whether an activity has no effect whoever signed it: its actor is blocked, or it is the Delete or
// Update of an actor whom we do not know.
func (in *Inbox) ignored(ctx context.Context, act summary) (bool, error) {
	// When an account is deleted, its server tells every server it knows, and the key is gone by then. Such activities
	// come by the thousand: they must not cost a fetch each.
	if (act.kind == "Delete" || act.kind == "Update") && act.object == act.actor {
		known, err := in.Store.KnowsActor(ctx, act.actor)
		if err != nil || !known {
			return true, err
		}
	}
	return in.Blocked(ctx, in.Store, act.actor)
}

// signer verifies the signature and returns the actor who signed. It returns "" without an error when the sender gets
// 202 and nothing happens: the actor is gone, or the signer is blocked.
func (in *Inbox) signer(ctx context.Context, r *http.Request, body []byte, act summary) (string, error) {
	owner, err := in.keys.Signer(r.WithContext(ctx), body, act.actor)
	switch {
	case err == nil:
	// A blocked server gets 202 like everybody: an error would make it try again, and tell it of the block.
	case errors.Is(err, federation.ErrBlocked):
		return "", nil
	case errors.Is(err, signature.ErrMalformed):
		return "", refusal{http.StatusBadRequest, err.Error()}
	case errors.Is(err, signature.ErrUnsigned), errors.Is(err, signature.ErrRefused):
		return "", refusal{http.StatusUnauthorized, err.Error()}
	case errors.Is(err, remote.ErrGone):
		return "", in.actorGone(ctx, act)
	case federation.Temporary(err):
		return "", refusal{http.StatusServiceUnavailable, "the signing key cannot be fetched now: " + err.Error()}
	case federation.Permanent(err):
		return "", refusal{http.StatusUnauthorized, "the signing key cannot be used: " + err.Error()}
	default: // a failure of our own, such as a database error, says nothing about the key
		return "", err
	}
	if owner == act.actor {
		return owner, nil // ignored has checked the blocks of the actor
	}
	if blocked, err := in.Blocked(ctx, in.Store, owner); blocked || err != nil {
		return "", err
	}
	return owner, nil
}

// actorGone removes an actor who sends a Delete of themselves and whose key is gone, once the actor's own address
// answers 410 as well.
func (in *Inbox) actorGone(ctx context.Context, act summary) error {
	if act.kind != "Delete" || act.object != act.actor {
		return nil
	}
	// The address of the key proves nothing: the sender chose it.
	_, err := in.Remote.Lookup(ctx, act.actor)
	switch {
	case errors.Is(err, remote.ErrGone):
		// A key that is still in memory would verify more activities of the deleted actor.
		in.keys.Forget(act.actor)
		return in.Store.RemoveActor(ctx, act.actor, in.Now())
	case err != nil && federation.Temporary(err):
		return refusal{http.StatusServiceUnavailable, "the actor cannot be fetched now: " + err.Error()}
	case err != nil && !federation.Permanent(err):
		return err
	}
	return nil
}

// accept handles an activity at once when it can, in one commit with others that arrive at this moment. It queues the
// activity as an arrival when something must be fetched first, when earlier arrivals of the same server wait, or when
// handling failed in a way that may pass.
func (in *Inbox) accept(ctx context.Context, doc *activity.Document, signer string, body []byte) error {
	act, err := activity.Parse(doc)
	if err != nil {
		return refusal{http.StatusBadRequest, err.Error()}
	}
	// A type that we do not know has no effect (contract F-058), so it is not saved.
	if signer == act.Actor && act.Act == nil {
		return nil
	}
	host := blog.HostOf(signer)
	caller, err := in.Store.CallerState(ctx, host, in.Now())
	if err != nil {
		return err
	}
	contact := in.contactStep(host, caller.Resting)
	// A later activity must not overtake an earlier one of the same server, such as a Delete its Create.
	if signer == act.Actor && !caller.Queued {
		done, err := in.tryNow(ctx, act, host, contact)
		if done || err != nil {
			return err
		}
	}
	arrival := blog.Arrival{ID: blog.NewID(in.Now()), Host: host, ActivityID: act.ID, Signer: signer, Body: body,
		At: in.Now()}
	err = in.Store.GroupCommit(ctx, host, func(ctx context.Context, s *store.Store) error {
		if contact != nil {
			if err := contact(ctx, s); err != nil {
				return err
			}
		}
		return s.AddArrival(ctx, arrival)
	})
	if err != nil {
		return err
	}
	// Only a commit counts: after a rollback the next request must record the contact.
	in.contacts.Mark(host, in.Now())
	in.wakeUp()
	return nil
}

// tryNow tries to handle an activity right away. It reports false when the activity must be kept as an arrival.
func (in *Inbox) tryNow(ctx context.Context, act activity.Activity, host string,
	contact func(context.Context, *store.Store) error) (bool, error) {
	h, err := in.apply(ctx, act, act.Actor, nil, contact)
	if err == nil {
		in.contacts.Mark(host, in.Now())
		h.afterCommit()
		return true, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if !errors.Is(err, errMissing) {
		in.Log.Error("an activity could not be handled at once and is queued", federation.LogActivity(act, act.Actor, err)...)
	}
	return false, nil
}

func (in *Inbox) wakeUp() {
	select {
	case in.wake <- struct{}{}:
	// A wake-up is pending already, and one is enough.
	default:
	}
}

// contactEvery is how often a contact of one server is saved. Without this limit, each of a thousand replies in a
// minute would write the same row.
const contactEvery = 30 * time.Second

// contactStep returns the step that records a contact of a server: it ends the server's back-off and resumes its
// followers. The step runs in the transaction of the activity. contactStep returns nil when the server has no
// back-off and contacted us within contactEvery.
func (in *Inbox) contactStep(host string, resting bool) func(context.Context, *store.Store) error {
	now := in.Now()
	if !resting && in.contacts.Has(host, now) {
		return nil
	}
	return func(ctx context.Context, s *store.Store) error {
		if err := s.PeerContacted(ctx, host, now); err != nil {
			return err
		}
		return s.ResumeFollowers(ctx, host)
	}
}
