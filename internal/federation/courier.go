package federation

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

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
	wake   chan struct{}
	places chan struct{} // servers that count as being served
	silent atomic.Int64  // posts that have been silent for a second and do not count any more
	keys   sync.Map      // voice id -> signature.Key
	mu     sync.Mutex
	words  map[blog.ID][]byte // payloads of what was said lately
}

const (
	mostPlaces   = 1024
	mostSilent   = 3072
	silence      = time.Second
	claimAtOnce  = 256
	lettersOnce  = 50
	mostPayloads = 64
)

// NewCourier makes a courier; Run sets it going.
func NewCourier(b Base) *Courier {
	return &Courier{Base: b, wake: make(chan struct{}, 1), places: make(chan struct{}, mostPlaces), words: map[blog.ID][]byte{}}
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
		claims := c.claim(ctx)
		for _, claim := range claims {
			place := c.takePlace()
			working.Go(func() {
				defer place.free()
				c.visit(ctx, claim, place)
			})
		}
		if len(claims) == 0 {
			pause(ctx, c.wake, pollTime/2+rand.N(pollTime/2))
		}
	}
}

// claim takes servers for the free places. Those that failed last time get half of the places at most.
func (c *Courier) claim(ctx context.Context) []store.Claim {
	free := mostPlaces - len(c.places)
	if c.silent.Load() >= mostSilent {
		free = 0
	}
	var claims []store.Claim
	for _, failing := range []bool{false, true} {
		n := min(claimAtOnce, free-len(claims))
		if failing {
			n = min(n, free-mostPlaces/2)
		}
		if n <= 0 {
			continue
		}
		more, err := c.Store.ClaimPeers(ctx, c.Now(), leaseTime, n, failing)
		if err != nil && ctx.Err() == nil {
			c.Log.Error("letters cannot be claimed", "error", err)
		}
		claims = append(claims, more...)
	}
	return claims
}

// place is one of the seats that bound how many servers are served at once. A post that has been silent for a second
// gives its seat up, so that silent servers cannot starve the others.
type place struct {
	courier *Courier
	mu      sync.Mutex
	seated  bool
}

func (c *Courier) takePlace() *place {
	c.places <- struct{}{}
	return &place{courier: c, seated: true}
}

func (p *place) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seated {
		p.seated = false
		<-p.courier.places
		p.courier.silent.Add(1)
		p.courier.Wake()
	}
}

func (p *place) free() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seated {
		p.seated = false
		<-p.courier.places
	} else {
		p.courier.silent.Add(-1)
	}
	p.courier.Wake()
}

// visit brings a server its letters and then lets go of it.
func (c *Courier) visit(ctx context.Context, claim store.Claim, seat *place) {
	end, freeAt := c.deliver(ctx, claim, seat)
	if end == lostClaim {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := c.Store.Release(ctx, claim, freeAt, end, c.Now()); err != nil && !errors.Is(err, store.ErrLost) {
		c.Log.Error("a server cannot be released", "host", claim.Host, "error", err)
	}
}

// lostClaim ends a visit whose server somebody else has by now.
const lostClaim store.Ending = -1

func (c *Courier) deliver(ctx context.Context, claim store.Claim, seat *place) (store.Ending, time.Time) {
	renewed, answered := c.Now(), store.HandedBack
	for {
		letters, err := c.Store.WaitingFor(ctx, claim.Host, lettersOnce)
		if err != nil || len(letters) == 0 {
			if err != nil && ctx.Err() == nil {
				c.Log.Error("letters cannot be read", "host", claim.Host, "error", err)
				return store.HandedBack, c.Now().Add(time.Minute)
			}
			return answered, c.Now()
		}
		for _, letter := range letters {
			if ctx.Err() != nil {
				return store.HandedBack, c.Now()
			}
			if c.Now().Sub(renewed) > leaseTime/4 {
				renewed = c.Now()
				if err := c.Store.Renew(ctx, claim, renewed.Add(leaseTime)); err != nil {
					return lostClaim, time.Time{}
				}
			}
			switch wait, err := c.carry(ctx, claim, letter, seat); {
			case errors.Is(err, store.ErrLost):
				return lostClaim, time.Time{}
			case err != nil:
				c.Log.Error("a letter cannot be settled", "host", claim.Host, "error", err)
				return store.HandedBack, c.Now().Add(time.Minute)
			case ctx.Err() != nil:
				return store.HandedBack, c.Now()
			case wait > 0:
				return store.Silent, c.Now().Add(wait)
			}
			answered = store.Answered
		}
	}
}

// carry brings one letter and writes down what became of it. A positive wait means that the server was silent, or asked
// to be left alone for so long. A letter that was cut off by our own end is not counted.
func (c *Courier) carry(ctx context.Context, claim store.Claim, letter store.Letter, seat *place) (wait time.Duration, err error) {
	answer, postErr := c.post(ctx, letter, seat)
	if ctx.Err() != nil && postErr != nil {
		return 0, nil
	}
	result, wait := judge(answer, postErr, claim.Failures)
	if !result.Status.Settled() && c.Now().Sub(letter.SaidAt) > blog.Patience {
		result.Status = blog.GivenUp
	}
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if err := c.Store.Settle(settle, claim, letter, result, c.Now()); err != nil {
		return 0, err
	}
	if result.Status == blog.GoneAway {
		return wait, c.Store.RemoveInbox(settle, letter.Inbox)
	}
	return wait, nil
}

func (c *Courier) post(ctx context.Context, letter store.Letter, seat *place) (remote.Answer, error) {
	key, err := c.key(ctx, letter.VoiceID)
	if err != nil {
		return remote.Answer{}, err
	}
	payload, err := c.payload(ctx, letter.ActivityID)
	if err != nil {
		return remote.Answer{}, err
	}
	quiet := time.AfterFunc(silence, seat.giveUp)
	defer quiet.Stop()
	return c.Remote.Post(ctx, letter.Inbox, payload, key)
}

// key is the signing key of a voice, parsed once.
func (c *Courier) key(ctx context.Context, voice blog.ID) (signature.Key, error) {
	if key, ok := c.keys.Load(voice); ok {
		return key.(signature.Key), nil
	}
	pem, err := c.Store.SigningKey(ctx, voice)
	if err != nil {
		return signature.Key{}, err
	}
	id := c.Site.InstanceID()
	if voice != "" {
		id = c.Site.ActorID(voice)
	}
	key, err := signature.ParseKey(id+"#main-key", pem)
	if err == nil {
		c.keys.Store(voice, key)
	}
	return key, err
}

// payload is what an activity says, kept while its letters go out.
func (c *Courier) payload(ctx context.Context, id blog.ID) ([]byte, error) {
	c.mu.Lock()
	words, ok := c.words[id]
	c.mu.Unlock()
	if ok {
		return words, nil
	}
	said, err := c.Store.Activity(ctx, id)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.words) >= mostPayloads {
		clear(c.words)
	}
	c.words[id] = said.Payload
	return said.Payload, nil
}

// judge is federation.md 9.3: what an answer means for the letter, and how long its server is to rest.
func judge(answer remote.Answer, err error, failures int) (blog.Delivery, time.Duration) {
	d := blog.Delivery{Status: blog.Retrying, Code: answer.Status, Answer: answer.Words, TookMS: answer.Took.Milliseconds()}
	if errors.Is(err, remote.ErrRefused) { // an address we do not go to will be none tomorrow
		d.Status, d.Answer = blog.Refused, err.Error()
		return d, 0
	}
	if err != nil {
		d.Answer = err.Error()
		return d, rest(failures)
	}
	switch status := answer.Status; {
	case status/100 == 2:
		d.Status = blog.Delivered
	case status == http.StatusGone:
		d.Status = blog.GoneAway
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests,
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

// rest is how long a server rests after it failed once more, give or take a fifth.
func rest(failures int) time.Duration {
	d := blog.Restful(failures + 1)
	return d - d/5 + rand.N(2*d/5)
}
