// Package delivery brings activities to the inboxes of other servers.
//
// The unit of work is a server: one worker claims it, signs and posts its deliveries in order, and records what became
// of each. Silence rests the server, an answer about one author rests that author alone.
package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"runtime/debug"
	"sync"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// Courier carries letters. What it claims is a server, not a letter: one worker holds a server, brings its letters one
// after another in the order in which they were said, and stops at the first silence. A server that hangs so costs one
// socket and delays nobody. One that answers and does not take a letter settles that letter, or lets its author rest there:
// what others send goes on.
type Courier struct {
	federation.Core
	wake     chan struct{}
	seats    limit
	keys     sync.Map // ring -> []signature.Key
	mu       sync.Mutex
	payloads map[payloadKey]message // of what was said lately
}

const (
	slowAfter      = time.Second
	idleGap        = 20 * time.Millisecond // between two looks for mail where there was none
	unblocked      = time.Second           // for how long it is believed of servers that they are not blocked
	claimAtOnce    = 256
	deliveriesOnce = 50
	mostPayloads   = 64
)

// NewCourier makes a courier; Run sets it going.
func NewCourier(b federation.Core) *Courier {
	c := &Courier{Core: b, wake: make(chan struct{}, 1), payloads: map[payloadKey]message{}}
	c.seats.freed = c.Wake
	return c
}

// Wake tells the courier that there is mail. It never blocks.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run carries letters until the context ends; then it hands back what it holds and returns. Letters that were on their
// way are finished if they are answered within the grace of their requests.
func (c *Courier) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	if err := c.Store.Recover(ctx, c.Now()); err != nil {
		c.Log.Error("what was claimed before the start cannot be freed", "error", err)
	}
	for ctx.Err() == nil {
		claims := append(c.claim(ctx, false), c.claim(ctx, true)...)
		for _, held := range claims {
			working.Go(func() {
				defer held.seat.free()
				c.visit(ctx, held)
			})
		}
		if len(claims) == 0 {
			federation.Pause(ctx, nil, idleGap) // each server that is let go of wakes us
			federation.Pause(ctx, c.wake, federation.PollTime/2+rand.N(federation.PollTime/2))
		}
	}
}

// lease is a server that is ours for a while, and its seat.
type lease struct {
	store.Claim
	seat        *slot
	renewed     time.Time
	deliveries  []store.Delivery // read together with those of others; nil when they were not
	unblockedAt time.Time        // when it was last seen that it is not blocked
	resting     map[blog.ID]bool // voices of which it did not take a letter in this visit
	stuck       map[matter]bool  // and what those letters were about
	knowsKey    map[blog.ID]bool // voices of which it has the newest key, as was seen in this visit
}

// matter is what must be told a server in its order: what one voice says about one object.
type matter struct {
	voice blog.ID
	about string
}

// matterOf is the matter of a letter. Without an object, it is about the voice itself or about somebody at its inbox.
func matterOf(l store.Delivery) matter {
	switch {
	case l.ObjectID != "":
		return matter{l.VoiceID, string(l.ObjectID)}
	case l.Kind == "Update" || l.Kind == "Delete" || l.Kind == "Move":
		return matter{l.VoiceID, ""}
	}
	return matter{l.VoiceID, l.Inbox}
}

// learnKey notes that the server has the newest key of a voice.
func (h *lease) learnKey(voice blog.ID) {
	if h.knowsKey == nil {
		h.knowsKey = map[blog.ID]bool{}
	}
	h.knowsKey[voice] = true
}

// passesOver reports whether a letter is left for later, since the server did not take another one of its voice. One that a
// person asked for is brought all the same, unless that was about the same.
func (h *lease) passesOver(l store.Delivery) bool {
	return h.resting[l.VoiceID] && (!l.Asked || h.stuck[matterOf(l)])
}

// rest notes that the server did not take a letter and that its voice rests.
func (h *lease) rest(l store.Delivery) {
	if h.resting == nil {
		h.resting, h.stuck = map[blog.ID]bool{}, map[matter]bool{}
	}
	h.resting[l.VoiceID], h.stuck[matterOf(l)] = true, true
}

// claim takes servers for the free seats, of those that failed last time or of those that did not.
func (c *Courier) claim(ctx context.Context, failing bool) []lease {
	claims, err := c.Store.ClaimPeers(ctx, c.Now(), federation.LeaseTime, min(claimAtOnce, c.seats.room(failing)), failing)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("letters cannot be claimed", "error", err)
	}
	if len(claims) == 0 {
		return nil
	}
	list, hosts, places := make([]lease, len(claims)), make([]string, len(claims)), map[string]int{}
	for i, claim := range claims {
		list[i] = lease{Claim: claim, seat: c.seats.take(), renewed: c.Now()}
		hosts[i], places[claim.Host] = claim.Host, i
	}
	deliveries, err := c.Store.WaitingFor(ctx, deliveriesOnce, hosts...)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("letters cannot be read", "error", err) // each visit tries again
	}
	cleared := c.checkedUnblocked(ctx, hosts)
	for _, delivery := range deliveries {
		server := &list[places[delivery.Host]]
		server.deliveries, server.unblockedAt = append(server.deliveries, delivery), cleared
	}
	return list
}

// checkedUnblocked is now when none of the servers is one with whom we do not speak; else each letter is looked at by itself.
func (c *Courier) checkedUnblocked(ctx context.Context, hosts []string) time.Time {
	if c.AllowList {
		return time.Time{}
	}
	now := c.Now()
	blocked, err := c.Store.AnyBlocked(ctx, hosts...)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("blocks cannot be looked up", "error", err)
	}
	if blocked || err != nil {
		return time.Time{}
	}
	return now
}

// mayNot tells whether a letter goes to somebody with whom we do not speak.
func (c *Courier) mayNot(ctx context.Context, server *lease, delivery store.Delivery) (bool, error) {
	if delivery.Kind == "Reject" || c.Now().Sub(server.unblockedAt) < unblocked { // a Reject is the last that the blocked hear
		return false, nil
	}
	return c.Blocked(ctx, c.Store, delivery.Inbox)
}

// waiting are the letters to bring next.
func (c *Courier) waiting(ctx context.Context, server *lease) ([]store.Delivery, error) {
	if deliveries := server.deliveries; deliveries != nil {
		server.deliveries = nil
		return deliveries, nil
	}
	return c.Store.WaitingFor(ctx, deliveriesOnce, server.Host)
}

// visit brings a server its letters and then lets go of it, in one commit with what became of the last of them.
func (c *Courier) visit(ctx context.Context, server lease) {
	end := c.deliver(ctx, server)
	if end.how == lostClaim {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if err := c.Store.Release(ctx, server.Claim, end.freeAt, end.how, c.Now(), end.last...); err != nil && !errors.Is(err, store.ErrLost) {
		c.Log.Error("a server cannot be released", "host", server.Host, "error", err)
	}
}

// settleTime bounds the writing down of what became of a letter.
const settleTime = 20 * time.Second

// visitEnd is how a visit ended, when its server is free again, and what became of the last letter.
type visitEnd struct {
	how    store.Ending
	freeAt time.Time
	last   []store.Settlement
}

// lostClaim ends a visit whose server somebody else has by now.
const lostClaim store.Ending = -1

// deliver brings letters until there are none, the server is silent, or we stop. A bug that a letter brings to light costs
// its server a minute, and not the program its life.
func (c *Courier) deliver(ctx context.Context, server lease) (end visitEnd) {
	defer func() {
		if trouble := recover(); trouble != nil {
			c.Log.Error("a visit broke down", "host", server.Host, "trouble", trouble, "stack", string(debug.Stack()))
			end = visitEnd{how: store.HandedBack, freeAt: c.Now().Add(time.Minute)}
		}
	}()
	how := store.HandedBack
round:
	for {
		deliveries, err := c.waiting(ctx, &server)
		if err != nil {
			return c.abort(ctx, "letters cannot be read", server, err)
		}
		more := len(deliveries) == deliveriesOnce // if not, Release looks whether some have come meanwhile
		carried := false
		for i, delivery := range deliveries {
			if server.passesOver(delivery) {
				continue
			}
			carried = true
			brought, err := c.deliverOne(ctx, &server, delivery)
			switch {
			case errors.Is(err, errUnsent):
				continue
			case err != nil:
				return c.abort(ctx, "a letter cannot be carried", server, err)
			case brought.wait > 0: // also while we stop: a server that asked for patience gets it
				return c.ended(server, brought)
			case ctx.Err() != nil:
				return visitEnd{store.HandedBack, c.Now(), brought.settlement}
			case brought.rests():
				end, probed := c.stepAside(ctx, &server, &brought)
				if end != nil {
					return *end
				}
				if err := c.settle(ctx, server, brought.settlement); err != nil {
					return c.abort(ctx, "a letter cannot be settled", server, err)
				}
				if how = store.Answered; probed {
					continue round
				}
				continue
			case i == len(deliveries)-1 && !more:
				return visitEnd{store.Answered, c.Now(), brought.settlement}
			}
			if err := c.settle(ctx, server, brought.settlement); err != nil {
				return c.abort(ctx, "a letter cannot be settled", server, err)
			}
			how = store.Answered
		}
		if !more || !carried {
			return visitEnd{how: how, freeAt: c.Now()}
		}
	}
}

// renew prolongs the claim on a server before it ends; store.ErrLost when somebody else has it.
func (c *Courier) renew(ctx context.Context, server *lease) error {
	now := c.Now()
	if now.Sub(server.renewed) <= federation.LeaseTime/4 {
		return ctx.Err()
	}
	server.renewed = now
	return c.Store.Renew(ctx, server.Claim, now.Add(federation.LeaseTime))
}

// abort ends a visit for trouble of our own, which says nothing of the server; not even that it is lost, or that we stop.
func (c *Courier) abort(ctx context.Context, what string, server lease, err error) visitEnd {
	switch {
	case errors.Is(err, store.ErrLost):
		return visitEnd{how: lostClaim}
	case ctx.Err() != nil:
		return visitEnd{how: store.HandedBack, freeAt: c.Now()}
	}
	c.Log.Error(what, "host", server.Host, "error", err)
	return visitEnd{how: store.HandedBack, freeAt: c.Now().Add(time.Minute)}
}

// settle writes down what became of a letter, before the next one leaves.
func (c *Courier) settle(ctx context.Context, server lease, done []store.Settlement) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for _, done := range done {
		if err := c.Store.Settle(ctx, server.Claim, done, c.Now()); err != nil {
			return err
		}
	}
	return nil
}

// ended ends a visit to a server that is to rest. Where a person asked for the try, it rests no longer than it was to, unless it
// says so itself.
func (c *Courier) ended(server lease, last result) visitEnd {
	end := visitEnd{last.how, c.Now().Add(last.wait), last.settlement}
	if server.ResumeAt != nil && server.ResumeAt.Before(end.freeAt) && !last.told {
		end.freeAt = *server.ResumeAt
	}
	return end
}

// stepAside lets the voice of a letter that was not taken rest at its server, unless the letter was not taken again and again:
// then the next one of the same voice about something else is tried. Where that is taken, it is the letter that the server does
// not want, and it counts as refused. The next one is written down here; a visit that ends with it comes back as its ending.
func (c *Courier) stepAside(ctx context.Context, server *lease, stuck *result) (end *visitEnd, probed bool) {
	delivery := stuck.settlement[0].Delivery
	server.rest(delivery)
	if delivery.Attempts+1 < bearable {
		return nil, false
	}
	list, err := c.Store.WaitingOf(ctx, delivery.VoiceID, server.Host, deliveriesOnce)
	if err != nil {
		end := c.abort(ctx, "letters cannot be read", *server, err)
		return &end, false
	}
	other, ok := another(list, delivery)
	if !ok {
		return nil, false
	}
	next, err := c.deliverOne(ctx, server, other)
	switch {
	case errors.Is(err, errUnsent):
		return nil, true
	case err != nil:
		end := c.abort(ctx, "a letter cannot be carried", *server, err)
		return &end, false
	case next.wait > 0:
		ended := c.ended(*server, next)
		ended.last = append(stuck.settlement, ended.last...)
		return &ended, false
	case next.rests() || ctx.Err() != nil:
		server.rest(other)
	default:
		stuck.settlement[0].Outcome.Status, stuck.settlement[0].Rest = blog.Refused, 0
		delete(server.resting, delivery.VoiceID)
	}
	stuck.settlement = append(stuck.settlement, next.settlement...)
	return nil, true
}

// another is the letter to try in the place of one that is not taken: about something else, the first about that, and of those
// the one that was tried least.
func another(list []store.Delivery, stuck store.Delivery) (found store.Delivery, ok bool) {
	seen := map[matter]bool{matterOf(stuck): true}
	for _, l := range list {
		if seen[matterOf(l)] {
			continue
		}
		seen[matterOf(l)] = true
		if !ok || l.Attempts < found.Attempts {
			found, ok = l, true
		}
	}
	return found, ok
}

// bearable is how often a server may refuse to take a letter now before others of its voice are tried.
const bearable = 4

// stopGrace is how long a request that is on its way when the courier stops may still take.
const stopGrace = 5 * time.Second

// outlive returns a context that ends grace after its parent.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-own.Done():
		}
	})
	return own, func() {
		release()
		cancel()
	}
}

// result is what became of a letter, as far as it is not written down yet. A positive wait means that the server is to rest,
// being silent or busy.
type result struct {
	settlement []store.Settlement // none when it is written down
	wait       time.Duration
	told       bool // the server asked for that wait itself
	how        store.Ending
}

// rests reports whether the voice of the letter is to rest at the server.
func (b result) rests() bool { return len(b.settlement) > 0 && b.settlement[0].Rest > 0 }

// deliverOne brings one letter. One that was cut off by our own end is not counted; trouble with our own database comes back as
// an error and says nothing of the server. A letter that cannot be written, or brings a bug to light, lets its voice rest alone.
func (c *Courier) deliverOne(ctx context.Context, server *lease, delivery store.Delivery) (b result, err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			b, err = c.spoilt(delivery, fmt.Errorf("panic: %v\n%s", trouble, debug.Stack())), nil
		}
	}()
	if err := c.renew(ctx, server); err != nil {
		return result{}, err
	}
	barred, err := c.mayNot(ctx, server, delivery)
	switch {
	case err != nil:
		return result{}, err
	case barred:
		return result{}, c.refuse(ctx, *server, delivery)
	}
	said, err := c.seal(ctx, server, delivery)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return c.spoilt(delivery, err), nil
	case err != nil:
		return result{}, err
	}
	posting, cancel := outlive(ctx, stopGrace)
	defer cancel()
	answer, newKey, postErr := c.post(posting, server, delivery, said)
	if posting.Err() != nil && postErr != nil { // our own stop cut it off, so it says nothing about the server
		return result{}, c.markUnsure(ctx, delivery, answer)
	}
	outcome, resting := classify(delivery, answer, postErr)
	if !outcome.Status.Settled() && c.Now().Sub(delivery.Since()) > blog.Patience {
		outcome.Status = blog.GivenUp
	}
	if newKey {
		server.learnKey(delivery.VoiceID)
	}
	b = result{settlement: []store.Settlement{{Delivery: delivery, Outcome: outcome, NewKey: newKey && !delivery.KnowsKey}}, how: store.Silent, told: answer.RetryAfter > 0}
	switch wait := answer.RetryAfter; resting {
	case theVoice:
		b.settlement[0].Rest = cmp.Or(wait, backoff(delivery.Refusals))
	case theServer:
		b.wait = cmp.Or(wait, backoff(server.Failures))
	}
	if answer.Status == http.StatusTooManyRequests {
		b.how = store.Busy
	}
	if answer.Status == http.StatusGone || answer.Status == http.StatusNotFound {
		err = c.missing(ctx, *server, b.settlement)
		b.settlement = nil
	}
	return b, err
}

// spoilt is what becomes of a letter that we cannot bring for a reason of our own that lies in this letter.
func (c *Courier) spoilt(delivery store.Delivery, err error) result {
	c.Log.Error("a letter cannot be brought", "activity", delivery.ActivityID, "host", delivery.Host, "error", err)
	outcome := blog.Delivery{Status: blog.Retrying, Answer: "not sent: something went wrong here; the log of the server says what"}
	if c.Now().Sub(delivery.Since()) > blog.Patience {
		outcome.Status = blog.GivenUp
	}
	return result{settlement: []store.Settlement{{Delivery: delivery, Outcome: outcome, Rest: backoff(delivery.Refusals)}}}
}

// missing settles a letter to an inbox that is not there, and draws the conclusions.
func (c *Courier) missing(ctx context.Context, server lease, done []store.Settlement) error {
	if err := c.settle(ctx, server, done); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	inbox := done[0].Delivery.Inbox
	if done[0].Outcome.Code == http.StatusNotFound {
		return c.Store.InboxMissing(ctx, inbox, c.Now())
	}
	return errors.Join(c.Store.RemoveInbox(ctx, inbox), c.Store.RecheckActorsOf(ctx, inbox, c.Now()))
}

// errUnsent tells that a letter is settled and its server was not asked.
var errUnsent = errors.New("not sent: this server is blocked")

// refuse settles a letter that is not to be brought.
func (c *Courier) refuse(ctx context.Context, server lease, delivery store.Delivery) error {
	refused := store.Settlement{Delivery: delivery, Outcome: blog.Delivery{Status: blog.Refused, Answer: errUnsent.Error()}}
	return cmp.Or(c.Store.Settle(ctx, server.Claim, refused, c.Now()), errUnsent)
}

// markUnsure remembers of a letter that we cut off whether it had left.
func (c *Courier) markUnsure(ctx context.Context, delivery store.Delivery, answer remote.Answer) error {
	if !answer.Left {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return c.Store.MarkUnsure(ctx, delivery)
}

// signed is what a letter says, and the keys that sign it.
type signed struct {
	words     []byte
	signers   signers
	followers string // what goes along of the followers at its server, see synchronization
}

func (c *Courier) seal(ctx context.Context, server *lease, delivery store.Delivery) (s signed, err error) {
	if s.signers, err = c.signers(ctx, server, delivery); err != nil {
		return s, err
	}
	said, err := c.payload(ctx, delivery)
	if err != nil {
		return s, err
	}
	s.words = said.payload
	if said.forFollowers {
		s.followers, err = c.synchronization(ctx, delivery)
	}
	return s, err
}

// post brings a letter. A server that finds it too large gets it once more with the id of what it is about, to be fetched,
// and later ones of that size in a shorter form from the beginning.
func (c *Courier) post(ctx context.Context, server *lease, delivery store.Delivery, said signed) (answer remote.Answer, newKey bool, err error) {
	quiet := time.AfterFunc(time.Hour, server.seat.giveUp)
	defer quiet.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) { quiet.Reset(slowAfter) }}) // it is signed by then
	whole := said.words
	if server.TooLarge > 0 && len(whole) >= server.TooLarge {
		said.words = shortened(whole, server.TooLarge)
	}
	answer, newKey, err = c.postSigned(ctx, delivery, said)
	if err != nil || answer.Status != http.StatusRequestEntityTooLarge {
		return answer, newKey, err
	}
	if err := c.Store.TooLarge(ctx, server.Host, len(said.words)); err != nil {
		return answer, false, err
	}
	short, err := activity.ByReference(whole)
	if err != nil || len(short) >= len(said.words) {
		return answer, false, nil
	}
	said.words = short
	return c.postSigned(ctx, delivery, said)
}

// shortened is what a letter says in less than so many bytes: without what it says twice, else with the id of its object
// in the place of that (contract F-112). One that has no shorter form stays as it is.
func shortened(words []byte, limit int) []byte {
	if once, err := activity.WithoutContentMap(words); err == nil && len(once) < limit {
		return once
	}
	if short, err := activity.ByReference(words); err == nil {
		return short
	}
	return words
}

// payloadKey is an activity with a revision of the object it is about.
type payloadKey struct {
	activity blog.ID
	revision int
}

// message is what an activity says, and whether to followers alone.
type message struct {
	payload      []byte
	forFollowers bool
}

// payload is what a letter says, kept while others that say the same go out.
func (c *Courier) payload(ctx context.Context, delivery store.Delivery) (message, error) {
	of := payloadKey{delivery.ActivityID, delivery.Revision}
	c.mu.Lock()
	words, ok := c.payloads[of]
	c.mu.Unlock()
	if ok {
		return words, nil
	}
	payload, err := c.compose(ctx, delivery)
	if err != nil {
		return message{}, err
	}
	words = message{payload, delivery.VoiceID != "" && activity.ForFollowersAlone(payload, c.Site.ActorID(delivery.VoiceID))}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.payloads) >= mostPayloads {
		clear(c.payloads)
	}
	c.payloads[of] = words
	return words, nil
}

// compose puts the words of a later edit into a Create that had not left when it was made. They are those of the edit's
// own activity, so that every try brings the same bytes.
func (c *Courier) compose(ctx context.Context, delivery store.Delivery) ([]byte, error) {
	said, err := c.Store.Activity(ctx, delivery.ActivityID)
	if err != nil || said.Kind != "Create" || said.Revision == delivery.Revision {
		return said.Payload, err
	}
	edit, err := c.Store.Edit(ctx, said.ObjectID, delivery.Revision)
	if err != nil {
		return nil, fmt.Errorf("revision %d: %w", delivery.Revision, err)
	}
	return activity.WithObjectOf(said.Payload, edit.Payload)
}

// resting is who is left alone for a while after a try.
type resting int

const (
	nobody    resting = iota // the letter is settled
	theVoice                 // the server answered, about this letter or whoever sends it: what others send goes on
	theServer                // it is silent, asks for patience, or something that stands before it answered in its place
)

// classify is what an answer means for a letter, and who is to rest (contract F-106, F-107). An answer about one letter never holds up what others send.
// GoToSocial answers 500 to activities of a type that it does not know, today and tomorrow; what comes after them must not wait.
func classify(delivery store.Delivery, answer remote.Answer, err error) (blog.Delivery, resting) {
	d := blog.Delivery{Status: blog.Retrying, Code: answer.Status, Answer: answer.Words, TookMS: answer.Took.Milliseconds(), Unsure: unsure(answer, err)}
	if err != nil {
		d.Answer = err.Error()
		switch {
		case answer.Garbled:
			return d, theVoice
		case federation.Temporary(err):
			return d, theServer
		}
		d.Status = blog.Refused // an address we do not go to, or a key that cannot sign, will be none tomorrow
		return d, nobody
	}
	switch status := answer.Status; {
	case status/100 == 2:
		d.Status = blog.Delivered
	case status == http.StatusGone:
		d.Status = blog.GoneAway
	case status == http.StatusInternalServerError && delivery.Kind == federation.QuoteRequest,
		status == http.StatusUnauthorized && leaving(delivery): // the key is gone with the actor: whoever never met it cannot believe it
		d.Status = blog.Refused
	case status == http.StatusTooManyRequests,
		status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout,
		status/100 == 5 && status != http.StatusNotImplemented && answer.RetryAfter > 0:
		return d, theServer
	case status == http.StatusUnauthorized, // often since it could not fetch our key just now
		status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status/100 == 5 && status != http.StatusNotImplemented:
		return d, theVoice
	default:
		d.Status = blog.Refused
	}
	return d, nobody
}

// leaving reports whether a letter says that one of our actors is gone.
func leaving(l store.Delivery) bool { return l.Kind == "Delete" && l.ObjectID == "" }

// unsure tells whether a letter may have been taken to heart although nobody said so: it left and no answer came back, or
// that of a server that broke down over it or of one that stands before it.
func unsure(answer remote.Answer, err error) bool {
	if err != nil {
		return answer.Left
	}
	return answer.Status == http.StatusInternalServerError || answer.Status == http.StatusBadGateway || answer.Status == http.StatusGatewayTimeout
}

// backoff is how long a server, or a voice at one, rests after it failed once more, give or take a fifth.
func backoff(failures int) time.Duration {
	d := blog.Restful(failures + 1)
	return d - d/5 + rand.N(2*d/5)
}
