package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/semaphore"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/store"
	"causerie/internal/text"
)

// Wrong passwords are counted by who guesses: a source at an account, a browser in which the author signed in before
// (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"), or a session. Only whoever guessed wrong is
// refused. What strangers guess makes other strangers wait, and never those who are known.
const (
	guessWindow     = 15 * time.Minute
	guessesOfPair   = 10 // from one source at one account; also in one known browser, and in one session
	guessesOfSource = 50 // from one source at all accounts together

	// The first guesses cost no time, the next ones twice as much as the one before.
	promptOfPair    = 3
	promptOfAccount = 10 // from all strangers together
	firstDelay      = 250 * time.Millisecond
	longestDelay    = 4 * time.Second

	// Strangers who wait or are compared, in this process. Half of the places are for those who have not failed, so that a
	// few sources cannot take all of them.
	placesOfStrangers = 64

	knownFor = 365 * 24 * time.Hour // how long a browser stays known after the last sign-in
)

// errSlow says that somebody guesses too often, and how long they have to wait.
type errSlow struct{ wait time.Duration }

func (errSlow) Error() string { return "too many wrong guesses" }

// minutes are what is left to wait, rounded up.
func (e errSlow) minutes() int { return max(1, int((e.wait+time.Minute-1)/time.Minute)) }

func (e errSlow) time() string { return text.Plural(e.minutes(), "minute", "minutes") }

// guesser is who guesses.
type guesser struct {
	known   bool   // a browser in which the author signed in before, or a session
	account string // the name that was typed, for strangers
	source  string
}

// guesser is who guesses at a name: a browser that its author signed in with before, or a stranger at an address.
func (h *Handler) guesser(req *request, name string, author blog.Author) (guesser, error) {
	stranger := guesser{account: name, source: source(req.r)}
	hash := h.browserHash(req)
	if hash == "" {
		return stranger, nil
	}
	browser, err := h.store.KnownBrowser(req.ctx(), hash, h.now().Add(-knownFor))
	switch {
	case errors.Is(err, blog.ErrNotFound), err == nil && browser.VoiceID != author.ID:
		return stranger, nil
	}
	return guesser{known: true, source: "browser:" + hash}, err
}

// guess compares a password with a kept one. stale is as in matches. A guesser who was wrong too often is errSlow, and
// too many at once are errBusy: then nothing was compared. A guess is counted before it is compared, so that many at
// once are counted as many, and forgotten when it was right or was not compared.
func (h *Handler) guess(ctx context.Context, who guesser, password, kept string) (ok, stale bool, err error) {
	now := h.now()
	before, err := h.failures(ctx, who, now)
	if err != nil {
		return false, false, err
	}
	if wait := before.refusedFor(now, 0); wait > 0 {
		return false, false, errSlow{wait}
	}
	leave, err := h.enter(who, len(before.source) == 0)
	if err != nil {
		return false, false, err
	}
	defer leave()
	g := store.Guess{ID: blog.NewID(now), Account: who.account, Source: who.source, At: now}
	if err := h.store.AddGuess(ctx, g, now.Add(-guessWindow)); err != nil {
		return false, false, err
	}
	if ok, stale, err = h.compare(ctx, who, password, kept, before.delay()); err != nil {
		// Nothing was compared, so the guess must not count, also when the caller has hung up.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// Two independent errors: why nothing was compared, and whether the guess is still counted.
		return false, false, errors.Join(err, h.store.ForgetGuess(undo, g.ID))
	}
	if ok {
		err = h.store.ForgiveGuesses(ctx, who.account, who.source)
	}
	return ok, stale, err
}

// compare is guess once the guess is counted.
func (h *Handler) compare(ctx context.Context, who guesser, password, kept string,
	delay time.Duration) (ok, stale bool, err error) {
	now := h.now()
	with, err := h.failures(ctx, who, now)
	if err != nil {
		return false, false, err
	}
	if wait := with.refusedFor(now, 1); wait > 0 { // many came at once
		return false, false, errSlow{wait}
	}
	if err := h.Wait(ctx, delay); err != nil {
		return false, false, err
	}
	lane := h.hashStrangers
	if who.known {
		lane = h.hashKnown
	}
	err = h.whileHashing(ctx, lane, func() { ok, stale = account.Matches(password, kept) })
	return ok, stale, err
}

// failures are the moments of guesses within the window, newest first.
type failures struct {
	pair    []time.Time // of this guesser
	source  []time.Time // of this source at any account; nil for those who are known
	account []time.Time // of all strangers at this account; nil for those who are known
}

func (h *Handler) failures(ctx context.Context, who guesser, now time.Time) (f failures, err error) {
	since := now.Add(-guessWindow)
	if f.pair, err = h.store.GuessesBetween(ctx, who.account, who.source, since, guessesOfPair+1); err != nil ||
		who.known {
		return f, err
	}
	if f.source, err = h.store.GuessesFrom(ctx, who.source, since, guessesOfSource+1); err != nil {
		return f, err
	}
	f.account, err = h.store.GuessesAt(ctx, who.account, since, promptOfAccount+10)
	return f, err
}

// refusedFor is how long this guesser is refused; 0 when they may guess. Of the failures, own is the guess that is
// being judged.
func (f failures) refusedFor(now time.Time, own int) time.Duration {
	return max(untilFewer(f.pair, guessesOfPair+own, now), untilFewer(f.source, guessesOfSource+own, now))
}

// untilFewer is how long it takes until fewer than most of these moments are within the window.
func untilFewer(at []time.Time, most int, now time.Time) time.Duration {
	if len(at) < most {
		return 0
	}
	return at[most-1].Add(guessWindow).Sub(now)
}

// delay is how long a guess has to wait before it is compared.
func (f failures) delay() time.Duration {
	return max(delayAfter(len(f.pair), promptOfPair), delayAfter(len(f.account), promptOfAccount))
}

func delayAfter(failures, prompt int) time.Duration {
	if failures < prompt {
		return 0
	}
	return min(longestDelay, firstDelay<<min(failures-prompt, 10))
}

// enter gives a stranger a place to wait in, or errBusy. Known guessers are few, and need none.
func (h *Handler) enter(who guesser, fresh bool) (leave func(), err error) {
	if who.known {
		return func() {}, nil
	}
	places := int32(placesOfStrangers)
	if !fresh {
		places /= 2
	}
	leave = func() { h.waiting.Add(-1) }
	if h.waiting.Add(1) > places {
		leave()
		return nil, errBusy
	}
	return leave, nil
}

// wait waits, unless the context ends first.
func wait(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// source is where a request comes from: an address, of IPv6 the network that one customer has.
func source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if address = address.Unmap(); address.Is4() {
		return address.String()
	}
	network, err := address.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return network.String()
}

// remember makes the browser known in which an author has just signed in. Its token opens nothing.
func (h *Handler) remember(req *request) error {
	token := account.NewToken()
	browser := store.KnownBrowser{TokenHash: account.HashToken(token), VoiceID: req.author.ID, SeenAt: h.now()}
	if err := h.store.AddKnownBrowser(req.ctx(), browser, h.browserHash(req)); err != nil {
		return err
	}
	http.SetCookie(req.w, &http.Cookie{Name: h.browserCookie(), Value: token, Path: "/login",
		MaxAge:   int(knownFor / time.Second),
		HttpOnly: true, Secure: h.secure(), SameSite: http.SameSiteStrictMode})
	return nil
}

// browserHash is the hash of the token by which this browser may be known; "" when it has none.
func (h *Handler) browserHash(req *request) string {
	cookie, err := req.r.Cookie(h.browserCookie())
	if err != nil || cookie.Value == "" || len(cookie.Value) > 100 {
		return ""
	}
	return account.HashToken(cookie.Value)
}

// browserCookie is sent to /login only, which the prefix __Host- does not allow.
func (h *Handler) browserCookie() string {
	if h.secure() {
		return "__Secure-" + page.SignInCookie + "-known"
	}
	return page.SignInCookie + "-known"
}

const (
	hashesOfStrangers = 2 // at once; each takes the memory above
	hashesOfOurs      = 1 // at once, beside them: of known browsers, sessions and the first run
	hashWait          = 5 * time.Second
)

// whileHashing runs do when few enough others are hashing in that lane; errBusy when that takes too long.
func (h *Handler) whileHashing(ctx context.Context, lane *semaphore.Weighted, do func()) error {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	if lane.Acquire(ctx, 1) != nil {
		return errBusy
	}
	defer lane.Release(1)
	do()
	return nil
}
