package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/ratelimit"
	"causerie/internal/store"
	"causerie/internal/text"
)

// Wrong passwords are counted by guesser. A guesser is a source that guesses at one account, a browser in which the
// author signed in before (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"), or a session. Only a
// guesser who was wrong too often is refused. Guesses of strangers make other strangers wait, but never known browsers.
const (
	guessWindow     = 15 * time.Minute
	guessesOfPair   = 10 // from one source at one account; also in one known browser, and in one session
	guessesOfSource = 50 // from one source at all accounts together

	// The first guesses do not wait. Each of the next ones waits twice as long as the one before.
	promptOfPair    = 3
	promptOfAccount = 10 // from all strangers together
	firstDelay      = 250 * time.Millisecond
	longestDelay    = 4 * time.Second

	// The number of strangers who may wait at once, in this process. Each one holds a connection and a goroutine.
	placesOfStrangers = 64

	knownFor = 365 * 24 * time.Hour // how long a browser stays known after the last sign-in
)

// errSlow is returned to a guesser who was wrong too often. wait is the time until they may guess again.
type errSlow struct{ wait time.Duration }

func (errSlow) Error() string { return "too many wrong guesses" }

// minutes is the waiting time, rounded up to whole minutes.
func (e errSlow) minutes() int { return max(1, int((e.wait+time.Minute-1)/time.Minute)) }

func (e errSlow) time() string { return text.Plural(e.minutes(), "minute", "minutes") }

// guesser identifies who tries a password.
type guesser struct {
	known   bool   // a browser in which the author signed in before, or a session
	account string // the typed name; "" for known guessers
	source  string
}

// guesser is a browser in which the author signed in before, or a stranger at an address.
func (h *Handler) guesser(req *request, name string, author blog.Author) (guesser, error) {
	stranger := guesser{account: name, source: ratelimit.Source(req.r.RemoteAddr)}
	hash := h.browserHash(req)
	if hash == "" {
		return stranger, nil
	}
	browser, err := h.store.KnownBrowser(req.ctx(), hash, h.now().Add(-knownFor))
	switch {
	// A browser that is known for another author is a stranger here, or every author could guess at all others without
	// waiting.
	case errors.Is(err, blog.ErrNotFound), err == nil && browser.VoiceID != author.ID:
		return stranger, nil
	}
	return guesser{known: true, source: "browser:" + hash}, err
}

// guess compares a password with the stored hash. stale is as in account.Matches. The error is errSlow for a guesser
// who was wrong too often, and errBusy if too many guess at once; in both cases nothing was compared.
func (h *Handler) guess(ctx context.Context, who guesser, password, hash string) (ok, stale bool, err error) {
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
	// The guess is counted before it is compared. Otherwise many guesses at once would all pass before the first is
	// counted.
	g := store.Guess{ID: blog.NewID(now), Account: who.account, Source: who.source, At: now}
	if err := h.store.AddGuess(ctx, g, now.Add(-guessWindow)); err != nil {
		return false, false, err
	}
	if ok, stale, err = h.compare(ctx, who, password, hash, before.delay()); err != nil {
		// Nothing was compared, so the guess must not count, also when the caller has hung up.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// Two independent errors: why nothing was compared, and whether the guess is still counted.
		return false, false, errors.Join(err, h.store.ForgetGuess(undo, g.ID))
	}
	if ok {
		// Whoever knows the password is no attacker: typing errors before it are forgotten.
		err = h.store.ForgiveGuesses(ctx, who.account, who.source)
	}
	return ok, stale, err
}

// compare does what guess does once the guess is counted.
func (h *Handler) compare(ctx context.Context, who guesser, password, hash string,
	delay time.Duration) (ok, stale bool, err error) {
	now := h.now()
	with, err := h.failures(ctx, who, now)
	if err != nil {
		return false, false, err
	}
	// Read again: other guesses may have been counted since guess looked.
	if wait := with.refusedFor(now, 1); wait > 0 {
		return false, false, errSlow{wait}
	}
	if err := h.Wait(ctx, delay); err != nil {
		return false, false, err
	}
	// Known guessers have their own lane, so strangers cannot keep authors waiting.
	lane := h.hashStrangers
	if who.known {
		lane = h.hashKnown
	}
	err = h.whileHashing(ctx, lane, func() { ok, stale = account.Matches(password, hash) })
	return ok, stale, err
}

// failures are the times of wrong guesses within the window, newest first.
type failures struct {
	pair    []time.Time // of this guesser
	source  []time.Time // of this source at any account; nil for those who are known
	account []time.Time // of all strangers at this account; nil for those who are known
}

// failures reads the wrong guesses that count for a guesser.
func (h *Handler) failures(ctx context.Context, who guesser, now time.Time) (f failures, err error) {
	since := now.Add(-guessWindow)
	// One more than the limit: the guess that is being compared is counted already.
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

// refusedFor is how long this guesser is refused; 0 if they may guess. own is the number of guesses among the
// failures that are being compared now.
func (f failures) refusedFor(now time.Time, own int) time.Duration {
	return max(untilFewer(f.pair, guessesOfPair+own, now), untilFewer(f.source, guessesOfSource+own, now))
}

// untilFewer is how long it takes until fewer than most of these times are within the window.
func untilFewer(at []time.Time, most int, now time.Time) time.Duration {
	if len(at) < most {
		return 0
	}
	return at[most-1].Add(guessWindow).Sub(now)
}

// delay is how long a guess waits before it is compared.
func (f failures) delay() time.Duration {
	return max(delayAfter(len(f.pair), promptOfPair), delayAfter(len(f.account), promptOfAccount))
}

// delayAfter doubles with each failure after the first prompt ones.
func delayAfter(failures, prompt int) time.Duration {
	if failures < prompt {
		return 0
	}
	// The shift is bounded, because a large one would overflow to a short delay.
	return min(longestDelay, firstDelay<<min(failures-prompt, 10))
}

// enter takes one of the waiting places for strangers, or returns errBusy. The caller must call leave.
func (h *Handler) enter(who guesser, fresh bool) (leave func(), err error) {
	if who.known {
		return func() {}, nil
	}
	places := int32(placesOfStrangers)
	if !fresh {
		// A source that failed before may use half of the places only. The other half stays for people who sign in.
		places /= 2
	}
	leave = func() { h.waiting.Add(-1) }
	// Add first and check afterwards: two at once cannot both take the last place.
	if h.waiting.Add(1) > places {
		leave()
		return nil, errBusy
	}
	return leave, nil
}

// wait sleeps, unless the context ends first.
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

// remember makes this browser a known one of the author who has just signed in. Its token opens nothing.
func (h *Handler) remember(req *request) error {
	token := account.NewToken()
	browser := store.KnownBrowser{TokenHash: account.HashToken(token), VoiceID: req.author.ID, SeenAt: h.now()}
	if err := h.store.AddKnownBrowser(req.ctx(), browser, h.browserHash(req)); err != nil {
		return err
	}
	// Only the sign-in form needs this cookie. With Path /login no other page gets it.
	http.SetCookie(req.w, &http.Cookie{Name: h.browserCookie(), Value: token, Path: "/login",
		MaxAge:   int(knownFor / time.Second),
		HttpOnly: true, Secure: h.secure(), SameSite: http.SameSiteStrictMode})
	return nil
}

// browserHash is the hash of the token of this browser; "" if it has none.
func (h *Handler) browserHash(req *request) string {
	cookie, err := req.r.Cookie(h.browserCookie())
	if err != nil || cookie.Value == "" || len(cookie.Value) > 100 {
		return ""
	}
	return account.HashToken(cookie.Value)
}

// browserCookie is the name of the cookie. The prefix __Host- needs the path /, so this one is __Secure-.
func (h *Handler) browserCookie() string {
	if h.secure() {
		return "__Secure-" + page.SignInCookie + "-known"
	}
	return page.SignInCookie + "-known"
}

const (
	hashesOfStrangers = 2 // at once, in all
	hashesOfKnown     = 1 // at once, for known browsers, sessions and the first run
	hashWait          = 5 * time.Second
)

// whileHashing runs do when its lane has a free place. The error is errBusy if that takes too long.
func (h *Handler) whileHashing(ctx context.Context, lane *semaphore.Weighted, do func()) error {
	// Each hash takes 19 MiB and tens of milliseconds of a core.
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	if lane.Acquire(ctx, 1) != nil {
		return errBusy
	}
	defer lane.Release(1)
	do()
	return nil
}
