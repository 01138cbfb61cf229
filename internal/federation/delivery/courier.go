// Package delivery sends activities to the inboxes of other servers.
//
// The unit of work is a server: one worker claims it, signs and posts its deliveries in order, and records the result
// of each. A server that does not answer is left alone for a while. If it refuses a delivery of one author, only that
// author waits.
package delivery

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/lru"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// Courier sends the deliveries that are queued in the store. It claims servers, not single deliveries: one worker
// sends the deliveries of a server one after another, in the order in which they were queued, and stops when the
// server does not answer. A server that hangs costs one connection and delays no other server. When a server refuses a
// delivery, the delivery ends, or the deliveries of its author wait for that server; other authors are not delayed.
type Courier struct {
	federation.Core
	wake     chan struct{}
	slots    limit
	keys     sync.Map // ring -> []signature.Key
	mu       sync.Mutex
	payloads *lru.Cache[payloadKey, message] // most servers get the same few
	reading  singleflight.Group              // of keys and payloads: hundreds of visits may begin in one moment
}

const (
	slowAfter     = time.Second
	idleGap       = 20 * time.Millisecond // shortest time between two claims when the first found nothing
	busyGap       = 5 * idleGap           // the same, while many servers are served
	unblockedTime = time.Second           // how long a check for blocks is valid
	maxClaims     = 256                   // servers in one claim
	minRoom       = maxServers / 8        // free slots below which nothing is claimed, see claim
	maxRead       = 50                    // deliveries of a server in one read
	maxPayloads   = 64
	settleTime    = 20 * time.Second // to record the result of a delivery

	// stopGrace is how long a request may still take that is on its way when the courier stops.
	stopGrace = 5 * time.Second

	// probeAfter is how often a server may refuse a delivery before another one of the same author is tried.
	probeAfter = 4
)

// NewCourier returns a courier. Run starts it.
func NewCourier(b federation.Core) *Courier {
	c := &Courier{Core: b, wake: make(chan struct{}, 1), payloads: lru.New[payloadKey, message](maxPayloads)}
	c.slots.freed = c.Wake
	return c
}

// Wake makes the courier look for queued deliveries. It never blocks.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run sends deliveries until the context ends. Then it releases the servers that it claimed and returns. Requests that
// are on their way get five more seconds; a delivery that is cut off after that is queued again.
func (c *Courier) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	if err := c.Store.Recover(ctx, c.Now()); err != nil {
		c.Log.Error("claims from before the start cannot be released", "error", err)
	}
	for ctx.Err() == nil {
		// Servers that failed last time are claimed separately, because they must not take all the slots.
		claims := append(c.claim(ctx, false), c.claim(ctx, true)...)
		for _, server := range claims {
			working.Go(func() {
				defer server.slot.free()
				c.visit(ctx, server)
			})
		}
		if len(claims) == 0 {
			// Each visit that ends wakes us. The gap keeps many short visits from becoming as many claims.
			gap := idleGap
			if c.slots.room(false) < maxServers-minRoom {
				gap = busyGap
			}
			federation.Pause(ctx, nil, gap)
			// A random wait keeps several processes from asking the database at the same moments.
			federation.Pause(ctx, c.wake, federation.PollTime/2+rand.N(federation.PollTime/2))
		}
	}
}

// lease is a server that this process has claimed, and what it learned about it during the visit.
type lease struct {
	store.Claim
	slot        *slot
	renewed     time.Time
	deliveries  []store.Delivery // read together with those of other servers; nil when they still have to be read
	unblockedAt time.Time        // when the server was last known not to be blocked
	resting     map[blog.ID]bool // voices with a delivery that the server refused in this visit
	refused     map[topic]bool   // the topics of those deliveries
	knowsKey    map[blog.ID]bool // voices whose newest key the server has, as this visit showed
}

// topic identifies deliveries that must reach a server in order: those of one voice about one object.
type topic struct {
	voice blog.ID
	about string
}

// topicOf returns the topic of a delivery. A delivery without an object is about the voice itself, or about one inbox.
func topicOf(d store.Delivery) topic {
	switch {
	case d.ObjectID != "":
		return topic{d.VoiceID, string(d.ObjectID)}
	case d.Kind == "Update" || d.Kind == "Delete" || d.Kind == "Move":
		return topic{d.VoiceID, ""}
	}
	return topic{d.VoiceID, d.Inbox}
}

// markKeyKnown notes that the server has the newest key of a voice.
func (l *lease) markKeyKnown(voice blog.ID) {
	if l.knowsKey == nil {
		l.knowsKey = map[blog.ID]bool{}
	}
	l.knowsKey[voice] = true
}

// skips reports whether a delivery must wait because the server refused another one of the same voice. A delivery that
// a person asked to retry is sent nevertheless, unless the refused one has the same topic: topics keep their order.
func (l *lease) skips(d store.Delivery) bool {
	return l.resting[d.VoiceID] && (!d.Asked || l.refused[topicOf(d)])
}

// markRefused notes that the server refused a delivery, so that its voice rests there.
func (l *lease) markRefused(d store.Delivery) {
	if l.resting == nil {
		l.resting, l.refused = map[blog.ID]bool{}, map[topic]bool{}
	}
	l.resting[d.VoiceID], l.refused[topicOf(d)] = true, true
}

// claim claims servers for the free slots: those that failed last time, or those that did not.
func (c *Courier) claim(ctx context.Context, failing bool) []lease {
	room := min(maxClaims, c.slots.room(failing))
	// While hundreds of servers are served, a few more would not make anything faster. Each claim costs as much as some
	// deliveries, however few servers it finds.
	if room < minRoom {
		return nil
	}
	claims, err := c.Store.ClaimPeers(ctx, c.Now(), federation.LeaseTime, room, failing)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("servers cannot be claimed for delivery", "error", err)
	}
	if len(claims) == 0 {
		return nil
	}
	list, hosts, places := make([]lease, len(claims)), make([]string, len(claims)), map[string]int{}
	for i, claim := range claims {
		list[i] = lease{Claim: claim, slot: c.slots.take(), renewed: c.Now()}
		hosts[i], places[claim.Host] = claim.Host, i
	}
	// One query for all servers; most of them have one delivery.
	deliveries, err := c.Store.WaitingFor(ctx, maxRead, hosts...)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("deliveries cannot be read", "error", err) // each visit tries again
	}
	unblockedAt := c.checkUnblocked(ctx, hosts)
	for _, delivery := range deliveries {
		server := &list[places[delivery.Host]]
		server.deliveries, server.unblockedAt = append(server.deliveries, delivery), unblockedAt
	}
	return list
}

// checkUnblocked returns the present time if none of the servers is blocked. Otherwise it returns the zero time, and
// each delivery is checked alone.
func (c *Courier) checkUnblocked(ctx context.Context, hosts []string) time.Time {
	// With an allow list, each server must be on the list. AnyBlocked cannot check that for all servers at once.
	if c.AllowList {
		return time.Time{}
	}
	now := c.Now()
	blocked, err := c.Store.AnyBlocked(ctx, hosts...)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("blocks cannot be read", "error", err)
	}
	if blocked || err != nil {
		return time.Time{}
	}
	return now
}

// isBlocked reports whether a delivery goes to a blocked server or actor.
func (c *Courier) isBlocked(ctx context.Context, server *lease, delivery store.Delivery) (bool, error) {
	// Who is blocked still gets what ends the follows in both directions.
	if delivery.Kind == "Reject" || delivery.Kind == "Undo" || c.Now().Sub(server.unblockedAt) < unblockedTime {
		return false, nil
	}
	return c.Blocked(ctx, c.Store, delivery.Inbox)
}

// read returns the next deliveries of a server, at most maxRead.
func (c *Courier) read(ctx context.Context, server *lease) ([]store.Delivery, error) {
	if deliveries := server.deliveries; deliveries != nil {
		server.deliveries = nil
		return deliveries, nil
	}
	return c.Store.WaitingFor(ctx, maxRead, server.Host)
}

// visit sends a server its deliveries and then releases the server. After a panic, the server waits for one minute, and
// the program continues.
func (c *Courier) visit(ctx context.Context, server lease) {
	var end store.VisitEnd
	err := federation.Safely(func() error {
		end = c.deliver(ctx, server)
		return nil
	})
	if err != nil {
		c.Log.Error("a visit to a server failed", "host", server.Host, "error", err)
		end = store.VisitEnd{How: store.HandedBack, FreeAt: c.Now().Add(time.Minute)}
	}
	if end.How == lostClaim {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	// Release records the last result of the visit as well (end.Last), which saves one commit for each server.
	err = c.Store.Release(ctx, server.Claim, end, c.Now())
	if err != nil && !errors.Is(err, store.ErrLost) {
		c.Log.Error("a server cannot be released", "host", server.Host, "error", err)
	}
}

// lostClaim ends a visit to a server that another process has claimed meanwhile.
const lostClaim store.Ending = -1

// deliver sends deliveries until none is left, the server must rest, or we stop.
func (c *Courier) deliver(ctx context.Context, server lease) store.VisitEnd {
	how := store.HandedBack
round:
	for {
		deliveries, err := c.read(ctx, &server)
		if err != nil {
			return c.abort(ctx, "deliveries cannot be read", server, err)
		}
		more := len(deliveries) == maxRead // if not, Release checks whether new ones were queued meanwhile
		tried := false
		for i, delivery := range deliveries {
			if server.skips(delivery) {
				continue
			}
			tried = true
			sent, err := c.deliverOne(ctx, &server, delivery)
			switch {
			case errors.Is(err, errNotSent):
				continue
			case err != nil:
				return c.abort(ctx, "a delivery cannot be sent", server, err)
			case sent.wait > 0: // checked before our own stop, so that the request of the server to wait is recorded
				return c.endWithRest(server, sent)
			case ctx.Err() != nil:
				return store.VisitEnd{How: store.HandedBack, FreeAt: c.Now(), Last: sent.settlement}
			case sent.voiceRests():
				end, probed := c.handleRefusal(ctx, &server, &sent)
				if end != nil {
					return *end
				}
				if err := c.settle(ctx, server, sent.settlement); err != nil {
					return c.abort(ctx, "the result of a delivery cannot be recorded", server, err)
				}
				if how = store.Answered; probed {
					continue round // read again, because the probe may be one of the deliveries in this list
				}
				continue
			case i == len(deliveries)-1 && !more:
				return store.VisitEnd{How: store.Answered, FreeAt: c.Now(), Last: sent.settlement}
			}
			// The result is recorded before the next delivery is sent, so a crash repeats at most one delivery.
			if err := c.settle(ctx, server, sent.settlement); err != nil {
				return c.abort(ctx, "the result of a delivery cannot be recorded", server, err)
			}
			how = store.Answered
		}
		if !more || !tried {
			return store.VisitEnd{How: how, FreeAt: c.Now()}
		}
	}
}

// renew extends the claim on a server in time. It returns store.ErrLost when another process has claimed the server.
func (c *Courier) renew(ctx context.Context, server *lease) error {
	now := c.Now()
	if now.Sub(server.renewed) <= federation.LeaseTime/4 {
		return ctx.Err()
	}
	server.renewed = now
	return c.Store.Renew(ctx, server.Claim, now.Add(federation.LeaseTime))
}

// abort ends a visit because of an error on our side, and logs it with the message. A lost claim and our own stop are
// not logged.
func (c *Courier) abort(ctx context.Context, message string, server lease, err error) store.VisitEnd {
	switch {
	case errors.Is(err, store.ErrLost):
		return store.VisitEnd{How: lostClaim}
	case ctx.Err() != nil:
		return store.VisitEnd{How: store.HandedBack, FreeAt: c.Now()}
	}
	c.Log.Error(message, "host", server.Host, "error", err)
	return store.VisitEnd{How: store.HandedBack, FreeAt: c.Now().Add(time.Minute)}
}

// settle records the results of deliveries.
func (c *Courier) settle(ctx context.Context, server lease, results []store.Settlement) error {
	// A known result is recorded even while we stop. Otherwise the delivery would be sent again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for _, result := range results {
		if err := c.Store.Settle(ctx, server.Claim, result, c.Now()); err != nil {
			return err
		}
	}
	return nil
}

// endWithRest ends a visit to a server that must rest. If a person asked for this try before the rest was over, the
// server rests no longer than it would have without the try, unless the server itself asked us to wait.
func (c *Courier) endWithRest(server lease, last result) store.VisitEnd {
	end := store.VisitEnd{How: last.how, FreeAt: c.Now().Add(last.wait), Last: last.settlement}
	if server.ResumeAt != nil && server.ResumeAt.Before(end.FreeAt) && !last.asked {
		end.FreeAt = *server.ResumeAt
	}
	return end
}

// handleRefusal makes the voice of a refused delivery rest at the server. After several refusals it first sends a
// probe: a delivery of the same voice with another topic. If the server accepts the probe, it rejects only the refused
// delivery, and that one counts as refused for good.
//
// The caller records the results of both, which are then in refused.settlement. end is not nil when the visit must end
// after the probe.
func (c *Courier) handleRefusal(ctx context.Context, server *lease, refused *result) (end *store.VisitEnd,
	probed bool) {
	delivery := refused.settlement[0].Delivery
	server.markRefused(delivery)
	if delivery.Attempts+1 < probeAfter {
		return nil, false
	}
	list, err := c.Store.WaitingOf(ctx, delivery.VoiceID, server.Host, maxRead)
	if err != nil {
		end := c.abort(ctx, "deliveries cannot be read", *server, err)
		return &end, false
	}
	probe, ok := chooseProbe(list, delivery)
	if !ok {
		return nil, false
	}
	next, err := c.deliverOne(ctx, server, probe)
	switch {
	case errors.Is(err, errNotSent):
		return nil, true
	case err != nil:
		end := c.abort(ctx, "a delivery cannot be sent", *server, err)
		return &end, false
	case next.wait > 0:
		ended := c.endWithRest(*server, next)
		ended.Last = append(refused.settlement, ended.Last...)
		return &ended, false
	case next.voiceRests() || ctx.Err() != nil:
		server.markRefused(probe)
	default:
		refused.settlement[0].Outcome.Status, refused.settlement[0].Rest = blog.Refused, 0
		delete(server.resting, delivery.VoiceID)
	}
	refused.settlement = append(refused.settlement, next.settlement...)
	return nil, true
}

// chooseProbe chooses the delivery to try after another one was refused. Topics keep their order, so only the first
// delivery of each other topic may be sent. Of those it takes the one with the fewest attempts.
func chooseProbe(list []store.Delivery, refused store.Delivery) (probe store.Delivery, ok bool) {
	seen := map[topic]bool{topicOf(refused): true}
	for _, d := range list {
		if seen[topicOf(d)] {
			continue
		}
		seen[topicOf(d)] = true
		if !ok || d.Attempts < probe.Attempts {
			probe, ok = d, true
		}
	}
	return probe, ok
}

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

// result is the result of one delivery.
type result struct {
	settlement []store.Settlement // the results that the caller must record
	wait       time.Duration      // if positive, the server is silent or busy and must rest that long
	asked      bool               // the server itself asked for the wait
	how        store.Ending       // how the visit ends if this is its last delivery
}

// voiceRests reports whether the voice of the delivery must rest at the server.
func (r result) voiceRests() bool { return len(r.settlement) > 0 && r.settlement[0].Rest > 0 }

// deliverOne sends one delivery. A request that our own stop interrupts does not count as an attempt. The error is
// errNotSent when the server is blocked; any other error is one of our own, mostly of the database, and says nothing
// about the server. If the delivery cannot be composed, or sending it panics, only its voice rests.
func (c *Courier) deliverOne(ctx context.Context, server *lease, delivery store.Delivery) (r result, err error) {
	err = federation.Safely(func() error {
		r, err = c.send(ctx, server, delivery)
		return err
	})
	if errors.Is(err, federation.ErrPanic) {
		return c.failLocally(delivery, err), nil
	}
	return r, err
}

func (c *Courier) send(ctx context.Context, server *lease, delivery store.Delivery) (result, error) {
	if err := c.renew(ctx, server); err != nil {
		return result{}, err
	}
	blocked, err := c.isBlocked(ctx, server, delivery)
	switch {
	case err != nil:
		return result{}, err
	case blocked:
		return result{}, c.refuseBlocked(ctx, *server, delivery)
	}
	content, err := c.prepare(ctx, server, delivery)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return c.failLocally(delivery, err), nil
	case err != nil:
		return result{}, err
	}
	posting, cancel := outlive(ctx, stopGrace)
	defer cancel()
	// A request that is cut is sent again. After a pause of this process, somebody else may have sent it meanwhile.
	posting = httptrace.WithClientTrace(posting, &httptrace.ClientTrace{GetConn: func(string) {
		if !c.Store.Holds(server.Claim) {
			cancel()
		}
	}})
	answer, newKey, postErr := c.post(posting, server, delivery, content)
	if postErr != nil && !c.Store.Holds(server.Claim) {
		return result{}, store.ErrLost
	}
	if posting.Err() != nil && postErr != nil { // our own stop ended the request, so the error is not the server's
		return result{}, c.markUnsure(ctx, delivery, answer)
	}
	outcome, rest := classify(delivery, answer, postErr)
	if !outcome.Status.Settled() && c.Now().Sub(delivery.QueuedAt()) > blog.Patience {
		outcome.Status = blog.GivenUp
	}
	if newKey {
		server.markKeyKnown(delivery.VoiceID)
	}
	settlement := store.Settlement{Delivery: delivery, Outcome: outcome, NewKey: newKey && !delivery.KnowsKey}
	r := result{how: store.Silent, asked: answer.RetryAfter > 0}
	switch rest {
	case voiceRests:
		settlement.Rest = restTime(answer, delivery.Refusals)
	case serverRests:
		r.wait = restTime(answer, server.Failures)
	}
	if answer.Status == http.StatusTooManyRequests {
		r.how = store.Busy
	}
	r.settlement = []store.Settlement{settlement}
	if answer.Status == http.StatusGone || answer.Status == http.StatusNotFound {
		err = c.settleMissing(ctx, *server, r.settlement)
		r.settlement = nil
	}
	return r, err
}

// failLocally returns the result of a delivery that cannot be sent because of an error on our side. Its voice rests.
func (c *Courier) failLocally(delivery store.Delivery, err error) result {
	c.Log.Error("a delivery cannot be composed", "activity", delivery.ActivityID, "host", delivery.Host, "error", err)
	outcome := blog.Delivery{
		Status: blog.Retrying,
		Answer: "not sent: something went wrong here; the log of the server says what",
	}
	if c.Now().Sub(delivery.QueuedAt()) > blog.Patience {
		outcome.Status = blog.GivenUp
	}
	rest := backoff(delivery.Refusals)
	return result{settlement: []store.Settlement{{Delivery: delivery, Outcome: outcome, Rest: rest}}}
}

// settleMissing records the result of a delivery to an inbox that does not exist. Then it counts the inbox as missing
// (404), or removes it and has its actors checked (410).
func (c *Courier) settleMissing(ctx context.Context, server lease, results []store.Settlement) error {
	if err := c.settle(ctx, server, results); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	inbox := results[0].Delivery.Inbox
	if results[0].Outcome.Code == http.StatusNotFound {
		return c.Store.InboxMissing(ctx, inbox, c.Now())
	}
	if err := c.Store.RemoveInbox(ctx, inbox, results[0].Delivery.VoiceID); err != nil {
		return err
	}
	return c.Store.RecheckActorsOf(ctx, inbox, c.Now())
}

// errNotSent means that a delivery to a blocked server was settled without a request.
var errNotSent = errors.New("not sent: this server is blocked")

// refuseBlocked records a delivery to a blocked server as refused. It returns errNotSent when that succeeded.
func (c *Courier) refuseBlocked(ctx context.Context, server lease, delivery store.Delivery) error {
	outcome := blog.Delivery{Status: blog.Refused, Answer: errNotSent.Error()}
	refused := store.Settlement{Delivery: delivery, Outcome: outcome}
	return cmp.Or(c.Store.Settle(ctx, server.Claim, refused, c.Now()), errNotSent)
}

// markUnsure records that a delivery may have arrived although our stop interrupted it. It does nothing when the
// request had not been sent.
func (c *Courier) markUnsure(ctx context.Context, delivery store.Delivery, answer remote.Answer) error {
	if !answer.Left {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return c.Store.MarkUnsure(ctx, delivery)
}
