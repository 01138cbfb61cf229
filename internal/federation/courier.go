package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// Courier carries letters. What it claims is a server, not a letter: one worker holds a server, brings its letters one
// after another in the order in which they were said, and stops at the first silence. A server that hangs so costs one
// socket and delays nobody; one that refuses settles that letter alone.
type Courier struct {
	Base
	wake  chan struct{}
	seats seats
	keys  sync.Map // ring -> []signature.Key
	mu    sync.Mutex
	words map[spoken]wording // of what was said lately
}

const (
	silence      = time.Second
	breath       = 20 * time.Millisecond // between two looks for mail where there was none
	unblocked    = time.Second           // for how long it is believed of servers that they are not blocked
	claimAtOnce  = 256
	lettersOnce  = 50
	mostPayloads = 64
)

// NewCourier makes a courier; Run sets it going.
func NewCourier(b Base) *Courier {
	c := &Courier{Base: b, wake: make(chan struct{}, 1), words: map[spoken]wording{}}
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
			pause(ctx, nil, breath) // each server that is let go of wakes us
			pause(ctx, c.wake, pollTime/2+rand.N(pollTime/2))
		}
	}
}

// held is a server that is ours for a while, and its seat.
type held struct {
	store.Claim
	seat    *seat
	renewed time.Time
	letters []store.Letter // read together with those of others; nil when they were not
	cleared time.Time      // when it was last seen that it is not blocked
}

// claim takes servers for the free seats, of those that failed last time or of those that did not.
func (c *Courier) claim(ctx context.Context, failing bool) []held {
	claims, err := c.Store.ClaimPeers(ctx, c.Now(), leaseTime, min(claimAtOnce, c.seats.room(failing)), failing)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("letters cannot be claimed", "error", err)
	}
	if len(claims) == 0 {
		return nil
	}
	list, hosts, places := make([]held, len(claims)), make([]string, len(claims)), map[string]int{}
	for i, claim := range claims {
		list[i] = held{Claim: claim, seat: c.seats.take(), renewed: c.Now()}
		hosts[i], places[claim.Host] = claim.Host, i
	}
	letters, err := c.Store.WaitingFor(ctx, lettersOnce, hosts...)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("letters cannot be read", "error", err) // each visit tries again
	}
	cleared := c.cleared(ctx, hosts)
	for _, letter := range letters {
		server := &list[places[letter.Host]]
		server.letters, server.cleared = append(server.letters, letter), cleared
	}
	return list
}

// cleared is now when none of the servers is one with whom we do not speak; else each letter is looked at by itself.
func (c *Courier) cleared(ctx context.Context, hosts []string) time.Time {
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
func (c *Courier) mayNot(ctx context.Context, server *held, letter store.Letter) (bool, error) {
	if letter.Kind == "Reject" || c.Now().Sub(server.cleared) < unblocked { // a Reject is the last that the blocked hear
		return false, nil
	}
	return c.barred(ctx, c.Store, letter.Inbox)
}

// waiting are the letters to bring next.
func (c *Courier) waiting(ctx context.Context, server *held) ([]store.Letter, error) {
	if letters := server.letters; letters != nil {
		server.letters = nil
		return letters, nil
	}
	return c.Store.WaitingFor(ctx, lettersOnce, server.Host)
}

// visit brings a server its letters and then lets go of it, in one commit with what became of the last of them.
func (c *Courier) visit(ctx context.Context, server held) {
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

// ending is how a visit ended, when its server is free again, and what became of the last letter.
type ending struct {
	how    store.Ending
	freeAt time.Time
	last   []store.Settlement
}

// lostClaim ends a visit whose server somebody else has by now.
const lostClaim store.Ending = -1

// deliver brings letters until there are none, the server is silent, or we stop. A bug that a letter brings to light costs
// its server a minute, and not the program its life.
func (c *Courier) deliver(ctx context.Context, server held) (end ending) {
	defer func() {
		if trouble := recover(); trouble != nil {
			c.Log.Error("a visit broke down", "host", server.Host, "trouble", trouble, "stack", string(debug.Stack()))
			end = ending{how: store.HandedBack, freeAt: c.Now().Add(time.Minute)}
		}
	}()
	how := store.HandedBack
round:
	for {
		letters, err := c.waiting(ctx, &server)
		if err != nil {
			return c.broken(ctx, "letters cannot be read", server, err)
		}
		more := len(letters) == lettersOnce // if not, Release looks whether some have come meanwhile
		for i, letter := range letters {
			brought, err := c.carry(ctx, &server, letter)
			switch {
			case errors.Is(err, errUnsent):
				continue
			case err != nil:
				return c.broken(ctx, "a letter cannot be carried", server, err)
			case ctx.Err() != nil:
				return ending{store.HandedBack, c.Now(), brought.settlement}
			case brought.wait > 0:
				end, past := c.pass(ctx, &server, brought, letters[i:])
				if !past {
					return end
				}
				how = store.Answered
				continue round
			case i == len(letters)-1 && !more:
				return ending{store.Answered, c.Now(), brought.settlement}
			}
			if err := c.settle(ctx, server, brought.settlement); err != nil {
				return c.broken(ctx, "a letter cannot be settled", server, err)
			}
			how = store.Answered
		}
		if !more {
			return ending{how: how, freeAt: c.Now()}
		}
	}
}

// keep prolongs the claim on a server before it ends; store.ErrLost when somebody else has it.
func (c *Courier) keep(ctx context.Context, server *held) error {
	now := c.Now()
	if now.Sub(server.renewed) <= leaseTime/4 {
		return ctx.Err()
	}
	server.renewed = now
	return c.Store.Renew(ctx, server.Claim, now.Add(leaseTime))
}

// broken ends a visit for trouble of our own, which says nothing of the server; not even that it is lost, or that we stop.
func (c *Courier) broken(ctx context.Context, what string, server held, err error) ending {
	switch {
	case errors.Is(err, store.ErrLost):
		return ending{how: lostClaim}
	case ctx.Err() != nil:
		return ending{how: store.HandedBack, freeAt: c.Now()}
	}
	c.Log.Error(what, "host", server.Host, "error", err)
	return ending{how: store.HandedBack, freeAt: c.Now().Add(time.Minute)}
}

// settle writes down what became of a letter, before the next one leaves.
func (c *Courier) settle(ctx context.Context, server held, done []store.Settlement) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for _, done := range done {
		if err := c.Store.Settle(ctx, server.Claim, done, c.Now()); err != nil {
			return err
		}
	}
	return nil
}

// pass ends a visit at a letter that could not be brought, unless it broke its server again and again: then the next one
// about something else is tried. Where that is taken, it is the letter that the server cannot bear, and it counts as refused.
func (c *Courier) pass(ctx context.Context, server *held, stuck brought, letters []store.Letter) (end ending, past bool) {
	end = ending{stuck.how, c.Now().Add(stuck.wait), stuck.settlement}
	other := slices.IndexFunc(letters, func(l store.Letter) bool { return l.ObjectID != letters[0].ObjectID })
	if !stuck.broke || letters[0].Attempts+1 < bearable || other < 0 {
		return end, false
	}
	next, err := c.carry(ctx, server, letters[other])
	if err != nil || ctx.Err() != nil {
		return end, false
	}
	if next.wait == 0 {
		end.last[0].Outcome.Status = blog.Refused
	}
	end.last = append(end.last, next.settlement...)
	if next.wait > 0 {
		return end, false
	}
	if err := c.settle(ctx, *server, end.last); err != nil {
		return c.broken(ctx, "letters cannot be settled", *server, err), false
	}
	return end, true
}

// bearable is how often a letter may break its server before others are tried.
const bearable = 4

// brought is what became of a letter, as far as it is not written down yet. A positive wait means that the server is to rest,
// being silent or busy.
type brought struct {
	settlement []store.Settlement // one or none
	wait       time.Duration
	how        store.Ending
	broke      bool // the server over it: it said so itself, by 500
}

// carry brings one letter. One that was cut off by our own end is not counted; trouble with our own database comes back as
// an error and says nothing of the server.
func (c *Courier) carry(ctx context.Context, server *held, letter store.Letter) (brought, error) {
	if err := c.keep(ctx, server); err != nil {
		return brought{}, err
	}
	barred, err := c.mayNot(ctx, server, letter)
	switch {
	case err != nil:
		return brought{}, err
	case barred:
		return brought{}, c.leave(ctx, *server, letter)
	}
	said, err := c.seal(ctx, letter)
	if err != nil {
		return brought{}, err
	}
	answer, postErr := c.post(ctx, *server, letter, said)
	if ctx.Err() != nil && postErr != nil {
		return brought{}, c.doubt(ctx, letter, answer)
	}
	outcome, wait := judge(letter.Kind, answer, postErr, server.Failures)
	if !outcome.Status.Settled() && c.Now().Sub(letter.Since()) > blog.Patience {
		outcome.Status = blog.GivenUp
	}
	b := brought{[]store.Settlement{{Letter: letter, Outcome: outcome}}, wait, store.Silent, answer.Status == http.StatusInternalServerError}
	if answer.Status/100 == 4 {
		b.how = store.Busy
	}
	if answer.Status == http.StatusGone || answer.Status == http.StatusNotFound {
		err = c.missing(ctx, *server, b.settlement)
		b.settlement = nil
	}
	return b, err
}

// missing settles a letter to an inbox that is not there, and draws the conclusions.
func (c *Courier) missing(ctx context.Context, server held, done []store.Settlement) error {
	if err := c.settle(ctx, server, done); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	inbox := done[0].Letter.Inbox
	if done[0].Outcome.Code == http.StatusNotFound {
		return c.Store.InboxMissing(ctx, inbox, c.Now())
	}
	return errors.Join(c.Store.RemoveInbox(ctx, inbox), c.Store.LookBehind(ctx, inbox, c.Now()))
}

// errUnsent tells that a letter is settled and its server was not asked.
var errUnsent = errors.New("not sent: this server is blocked")

// leave settles a letter that is not to be brought.
func (c *Courier) leave(ctx context.Context, server held, letter store.Letter) error {
	refused := store.Settlement{Letter: letter, Outcome: blog.Delivery{Status: blog.Refused, Answer: errUnsent.Error()}}
	return cmp.Or(c.Store.Settle(ctx, server.Claim, refused, c.Now()), errUnsent)
}

// doubt remembers of a letter that we cut off whether it had left.
func (c *Courier) doubt(ctx context.Context, letter store.Letter, answer remote.Answer) error {
	if !answer.Left {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return c.Store.Doubt(ctx, letter)
}

// sealed is what a letter says, and the keys that sign it: the second one where the first is not believed any more.
type sealed struct {
	words     []byte
	keys      []signature.Key
	followers string // what goes along of the followers at its server, see synchronization
}

func (c *Courier) seal(ctx context.Context, letter store.Letter) (s sealed, err error) {
	if s.keys, err = c.signers(ctx, letter); err != nil {
		return s, err
	}
	said, err := c.payload(ctx, letter)
	if err != nil {
		return s, err
	}
	s.words = said.payload
	if said.forFollowers {
		s.followers, err = c.synchronization(ctx, letter)
	}
	return s, err
}

// post brings a letter. A server that finds it too large gets it once more with the id of what it is about, to be fetched,
// and later ones of that size in a shorter form from the beginning.
func (c *Courier) post(ctx context.Context, server held, letter store.Letter, said sealed) (remote.Answer, error) {
	quiet := time.AfterFunc(time.Hour, server.seat.giveUp)
	defer quiet.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) { quiet.Reset(silence) }}) // it is signed by then
	whole := said.words
	if server.TooLarge > 0 && len(whole) >= server.TooLarge {
		said.words = shortened(whole, server.TooLarge)
	}
	answer, err := c.postSigned(ctx, letter.Inbox, said)
	if err != nil || answer.Status != http.StatusRequestEntityTooLarge {
		return answer, err
	}
	if err := c.Store.TooLarge(ctx, server.Host, len(said.words)); err != nil {
		return answer, err
	}
	short, err := activity.ByReference(whole)
	if err != nil || len(short) >= len(said.words) {
		return answer, nil
	}
	said.words = short
	return c.postSigned(ctx, letter.Inbox, said)
}

// shortened is what a letter says in less than so many bytes: without what it says twice, else with the id of its object
// in the place of that (contract F-112). One that has no shorter form stays as it is.
func shortened(words []byte, limit int) []byte {
	if once, err := activity.Once(words); err == nil && len(once) < limit {
		return once
	}
	if short, err := activity.ByReference(words); err == nil {
		return short
	}
	return words
}

// postSigned brings words signed with the first of the keys. A server that refuses the signature has asked for our newest
// key already, and gets them signed with that.
func (c *Courier) postSigned(ctx context.Context, inbox string, said sealed) (remote.Answer, error) {
	answer, err := c.Remote.Post(ctx, inbox, said.words, said.keys[0], said.followers)
	refused := err == nil && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden)
	if !refused || len(said.keys) == 1 {
		return answer, err
	}
	return c.Remote.Post(ctx, inbox, said.words, said.keys[1], said.followers)
}

// spoken is an activity with a revision of the object it is about.
type spoken struct {
	activity blog.ID
	revision int
}

// wording is what an activity says, and whether to followers alone.
type wording struct {
	payload      []byte
	forFollowers bool
}

// payload is what a letter says, kept while others that say the same go out.
func (c *Courier) payload(ctx context.Context, letter store.Letter) (wording, error) {
	of := spoken{letter.ActivityID, letter.Revision}
	c.mu.Lock()
	words, ok := c.words[of]
	c.mu.Unlock()
	if ok {
		return words, nil
	}
	payload, err := c.compose(ctx, letter)
	if err != nil {
		return wording{}, err
	}
	words = wording{payload, letter.VoiceID != "" && activity.ForFollowersAlone(payload, c.Site.ActorID(letter.VoiceID))}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.words) >= mostPayloads {
		clear(c.words)
	}
	c.words[of] = words
	return words, nil
}

// compose puts the words of a later edit into a Create that had not left when it was made. They are those of the edit's
// own activity, so that every try brings the same bytes.
func (c *Courier) compose(ctx context.Context, letter store.Letter) ([]byte, error) {
	said, err := c.Store.Activity(ctx, letter.ActivityID)
	if err != nil || said.Kind != "Create" || said.Revision == letter.Revision {
		return said.Payload, err
	}
	edit, err := c.Store.Edit(ctx, said.ObjectID, letter.Revision)
	if err != nil {
		return nil, fmt.Errorf("revision %d: %w", letter.Revision, err)
	}
	return activity.WithObjectOf(said.Payload, edit.Payload)
}

// judge is what an answer means for a letter of a kind, and how long its server is to rest (contract F-106, F-107).
// GoToSocial answers 500 to activities of a type that it does not know, today and tomorrow; what comes after them must not
// wait.
func judge(kind string, answer remote.Answer, err error, failures int) (blog.Delivery, time.Duration) {
	d := blog.Delivery{Status: blog.Retrying, Code: answer.Status, Answer: answer.Words, TookMS: answer.Took.Milliseconds(), Unsure: unsure(answer, err)}
	if err != nil {
		d.Answer = err.Error()
		if passing(err) {
			return d, rest(failures)
		}
		d.Status = blog.Refused // an address we do not go to, or a key that cannot sign, will be none tomorrow
		return d, 0
	}
	switch status := answer.Status; {
	case status/100 == 2:
		d.Status = blog.Delivered
	case status == http.StatusGone:
		d.Status = blog.GoneAway
	case status == http.StatusInternalServerError && kind == quoteRequest:
		d.Status = blog.Refused
	case status == http.StatusUnauthorized, // often since it could not fetch our key just now
		status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests,
		status/100 == 5 && status != http.StatusNotImplemented:
		if answer.RetryAfter > 0 {
			return d, answer.RetryAfter
		}
		return d, rest(failures)
	default:
		d.Status = blog.Refused
	}
	return d, 0
}

// unsure tells whether a letter may have been taken to heart although nobody said so: it left and no answer came back, or
// that of a server that broke down over it or of one that stands before it.
func unsure(answer remote.Answer, err error) bool {
	if err != nil {
		return answer.Left
	}
	return answer.Status == http.StatusInternalServerError || answer.Status == http.StatusBadGateway || answer.Status == http.StatusGatewayTimeout
}

// rest is how long a server rests after it failed once more, give or take a fifth.
func rest(failures int) time.Duration {
	d := blog.Restful(failures + 1)
	return d - d/5 + rand.N(2*d/5)
}
