// Package inbox takes in everything that other servers say.
//
// A request is bounded, its signature judged, and its activity handled or kept as an arrival. Only after that commit
// the answer is 202. What needs something from elsewhere first is worked through later, server by server.
package inbox

import (
	"context"
	"errors"
	"io"
	"mime"
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
// handled at once: its effect and its id, which marks it as seen, are in one commit. Every other activity is kept as an
// arrival. In both cases it is on disk before the sender gets 202.
type Inbox struct {
	federation.Core
	outbox   *outbox.Outbox
	keys     *federation.Keyring
	wake     chan struct{}      // tells Run that an arrival was kept
	contacts *federation.Recent // servers whose rest was ended

	differences chan difference    // lists of followers that are to be compared with ours
	compared    *federation.Recent // by whose they are
}

// NewInbox returns the inbox of a site. Run handles the arrivals that it keeps. The keyring verifies signatures.
func NewInbox(b federation.Core, keys *federation.Keyring, outbox *outbox.Outbox) *Inbox {
	return &Inbox{Core: b, outbox: outbox, keys: keys, wake: make(chan struct{}, 1),
		contacts: federation.NewRecent(hearEvery), differences: make(chan difference, mostDifferences),
		compared: federation.NewRecent(compareEvery)}
}

const (
	maxBody  = 1 << 20
	takeTime = 25 * time.Second
)

// refusal is an answer other than 202, with its reason.
type refusal struct {
	status int
	why    string
}

func (r refusal) Error() string { return r.why }

// ServeHTTP answers a POST to an inbox: 202 once the activity is on disk or known to need no action; 400, 401, 403,
// 404, 405, 410, 413 or 415 with a reason; 503 with Retry-After when the sender should try again.
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), takeTime)
	defer cancel()
	err := in.receive(ctx, w, r)
	var no refusal
	switch {
	case err == nil:
		w.WriteHeader(http.StatusAccepted)
	case errors.As(err, &no):
		sayNo(w, no)
	case ctx.Err() != nil: // its sender went away, or waited as long as we let anybody
		sayNo(w, refusal{http.StatusServiceUnavailable, "it could not be written down in time; come again later"})
	default:
		in.Log.Error("an activity could not be taken in", "error", err)
		sayNo(w, refusal{http.StatusServiceUnavailable, "it could not be written down; come again later"})
	}
}

func sayNo(w http.ResponseWriter, no refusal) {
	switch no.status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "60")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	federation.WriteError(w, no.status, no.why)
}

// receive checks the form of a request first, then whether its sender is ignored, and only then the signature, which
// may cost a fetch. An activity with an effect is saved before it is answered 202 (contract F-056 to F-061).
func (in *Inbox) receive(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
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
	if err := in.accept(ctx, doc, signer, body); err != nil {
		return err
	}
	in.compareFollowers(ctx, r.Header, signer)
	return nil
}

func readActivity(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, refusal{http.StatusMethodNotAllowed, "an inbox is for posting to"}
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/activity+json" && kind != "application/ld+json" && kind != "application/json" {
		return nil, refusal{http.StatusUnsupportedMediaType, "send application/activity+json"}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, refusal{http.StatusUnsupportedMediaType, "send the activity without a Content-Encoding"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refusal{http.StatusRequestEntityTooLarge, "an activity may have one megabyte"}
	case err != nil:
		return nil, refusal{http.StatusBadRequest, "the body ended before it was whole"}
	}
	return body, nil
}

// checkOwner checks that a personal inbox belongs to a voice. The shared inbox has no owner.
func (in *Inbox) checkOwner(ctx context.Context, actor string) error {
	if actor == "" {
		return nil
	}
	voice, err := in.Store.Voice(ctx, blog.ID(actor))
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return refusal{http.StatusNotFound, "nobody has this inbox"}
	case err == nil && voice.RetiredAt != nil:
		return refusal{http.StatusGone, "the owner of this inbox has left"}
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
	case in.Site.Owns(s.actor) && s.actor != in.Site.InstanceID():
		return s, errOurOwn
	}
	return s, nil
}

var errOurOwn = refusal{http.StatusForbidden, "our own actors do not write to us from outside"}

// selfTest verifies a delivery that the doctor sends to this blog. It has no effect.
func (in *Inbox) selfTest(ctx context.Context, r *http.Request, body []byte, act summary) error {
	signer, err := in.signer(ctx, r, body, act)
	if err == nil && signer != act.actor {
		err = errOurOwn
	}
	return err
}

type summary struct{ kind, id, actor, object string }

// ignored reports whether an activity needs no signature, since it will have no effect: it comes from a blocked server,
// or it is the Delete or Update of an actor whom we do not know. Those come in storms, and their keys are gone.
func (in *Inbox) ignored(ctx context.Context, act summary) (bool, error) {
	if (act.kind == "Delete" || act.kind == "Update") && act.object == act.actor {
		known, err := in.Store.KnowsActor(ctx, act.actor)
		if err != nil || !known {
			return true, err
		}
	}
	return in.Blocked(ctx, in.Store, act.actor)
}

// signer verifies the signature and returns the actor who signed. It returns "" without an error where the sender gets
// 202 and nothing happens: the actor is gone, or the signer is blocked.
func (in *Inbox) signer(ctx context.Context, r *http.Request, body []byte, act summary) (string, error) {
	owner, err := in.keys.Signer(r.WithContext(ctx), body, act.actor)
	switch {
	case err == nil:
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
	default: // trouble of our own, such as a database error, is no verdict on the key
		return "", err
	}
	if owner == act.actor {
		return owner, nil // asked already, before the signature was judged
	}
	if barred, err := in.Blocked(ctx, in.Store, owner); barred || err != nil {
		return "", err
	}
	return owner, nil
}

// actorGone removes an actor who sends a Delete of themselves and whose key is gone, once their own address answers 410
// too. The address of the key is not enough: the sender chose it.
func (in *Inbox) actorGone(ctx context.Context, act summary) error {
	if act.kind != "Delete" || act.object != act.actor {
		return nil
	}
	_, err := in.Remote.Lookup(ctx, act.actor)
	switch {
	case errors.Is(err, remote.ErrGone):
		in.keys.Forget(act.actor)
		return in.Store.RemoveActor(ctx, act.actor, in.Now())
	case err != nil && federation.Temporary(err):
		return refusal{http.StatusServiceUnavailable, "the actor cannot be asked for now: " + err.Error()}
	case err != nil && !federation.Permanent(err):
		return err
	}
	return nil
}

// accept handles an activity at once when it can, in one commit with whatever else arrives at this moment. It keeps the
// activity as an arrival when something must be fetched first, when earlier arrivals of the same server still wait, or
// when handling failed in a way that may pass.
func (in *Inbox) accept(ctx context.Context, doc *activity.Document, signer string, body []byte) error {
	act, err := activity.Parse(doc)
	if err != nil {
		return refusal{http.StatusBadRequest, err.Error()}
	}
	if signer == act.Actor && act.Act == nil {
		return nil
	}
	host := blog.HostOf(signer)
	standing, err := in.Store.CallerState(ctx, host, in.Now())
	if err != nil {
		return err
	}
	hear := in.contactStep(host, standing.Resting)
	if signer == act.Actor && !standing.Queued {
		done, err := in.tryNow(ctx, act, host, hear)
		if done || err != nil {
			return err
		}
	}
	arrival := blog.Arrival{ID: blog.NewID(in.Now()), Host: host, ActivityID: act.ID, Signer: signer, Body: body,
		At: in.Now()}
	err = in.Store.GroupCommit(ctx, host, func(ctx context.Context, s *store.Store) error {
		if hear != nil {
			if err := hear(ctx, s); err != nil {
				return err
			}
		}
		return s.AddArrival(ctx, arrival)
	})
	if err != nil {
		return err
	}
	in.contacts.Mark(host, in.Now())
	in.wakeUp()
	return nil
}

// tryNow tries to handle an activity right away. It reports false when the activity must be kept as an arrival.
func (in *Inbox) tryNow(ctx context.Context, act activity.Activity, host string,
	hear func(context.Context, *store.Store) error) (bool, error) {
	h, err := in.apply(ctx, act, nil, hear)
	if err == nil {
		in.contacts.Mark(host, in.Now())
		h.afterCommit()
		return true, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if !errors.Is(err, errMissing) {
		in.Log.Error("an activity could not be handled at once and is kept", federation.LogActivity(act, act.Actor, err)...)
	}
	return false, nil
}

func (in *Inbox) wakeUp() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

const hearEvery = 30 * time.Second

// contactStep returns the step that ends the rest of a server that contacts us, to run in the transaction of the
// activity. It returns nil when the server does not rest and contacted us a moment ago.
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
