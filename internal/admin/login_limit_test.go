package admin_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"causerie/internal/blog"
)

// from makes the browser connect from another address: all of 127.0.0.0/8 is this machine.
func (b *browser) from(address string) *browser {
	b.t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	b.t.Cleanup(transport.CloseIdleConnections)
	b.client.Transport = transport
	return b
}

// guess sends a name and a password without opening the form first.
func (b *browser) guess(user, pass string) *browser {
	b.t.Helper()
	form := url.Values{"user": {user}, "pass": {pass}}
	return b.post("/login", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), "Origin", b.base)
}

// cheaply stores an author's password with a cheap hash, so that a thousand guesses take seconds.
func (o *overkant) cheaply(author blog.Author) {
	o.t.Helper()
	salt := []byte("sixteen bytes of")
	sum := argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)
	author.Password = fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
	if err := o.store.SaveAuthor(o.t.Context(), author); err != nil {
		o.t.Fatal(err)
	}
}

// knownBrowser is one in which an author signed in and out.
func (o *overkant) knownBrowser(handle string) *browser {
	o.t.Helper()
	b := o.browser().open("/login").press("Sign in", "user", handle, "pass", password).want(200, "/admin")
	return b.open("/admin/account").press("Sign out on this device").want(200, "/login")
}

func (o *overkant) guessesAt(account string) int {
	o.t.Helper()
	at, err := o.store.GuessesAt(o.t.Context(), account, time.Time{}, 10_000)
	if err != nil {
		o.t.Fatal(err)
	}
	return len(at)
}

func TestT188StrangersWhoGuessKeepNoOwnerOut(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		known := o.knownBrowser("ilse")
		o.cheaply(ilse)
		now := time.Now()
		o.admin.Now = func() time.Time { return now }
		for i := range 250 {
			stranger := o.browser().from(fmt.Sprintf("127.0.1.%d", i+1))
			for range 4 {
				stranger.guess("ilse", "a wrong guess").want(401, "/login")
			}
		}
		if got := o.waits.last(); got != 4*time.Second {
			t.Errorf("after 1,000 guesses the next one waits %v", got)
		}
		known.press("Sign in", "user", "ilse", "pass", password).want(200, "/admin")
		if got := o.waits.last(); got != 0 {
			t.Errorf("the owner waited %v in a known browser", got)
		}
		o.browser().from("127.0.2.1").open("/login").press("Sign in", "user", "ilse", "pass", password).want(200, "/admin")
		if got := o.waits.last(); got != 4*time.Second {
			t.Errorf("the owner waited %v in a new browser", got)
		}
		if got := o.guessesAt("ilse"); got != 1000 {
			t.Errorf("%d guesses of strangers are counted, want 1,000: the owner does not forgive them by signing in", got)
		}
		now = now.Add(16 * time.Minute)
		o.browser().from("127.0.1.1").guess("ilse", "a wrong guess").want(401, "/login")
		if got, wait := o.guessesAt("ilse"), o.waits.last(); got != 1 || wait != 0 {
			t.Errorf("16 minutes later %d guesses are kept, and the next one waits %v", got, wait)
		}
		if err := o.store.Forget(t.Context(), now.Add(2*time.Hour)); err != nil || o.guessesAt("ilse") != 0 {
			t.Errorf("%d guesses are kept for ever (%v)", o.guessesAt("ilse"), err)
		}
	})
}

func TestWhoGuessesFromOneSourceWaitsLongerEachTimeAndIsRefused(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.cheaply(ilse)
		now := time.Now()
		o.admin.Now = func() time.Time { return now }
		guesser := o.browser().from("127.0.3.1")
		for i, ms := range []int{0, 0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000} {
			want := time.Duration(ms) * time.Millisecond
			guesser.guess("ilse", "a wrong guess").want(401, "/login")
			if got := o.waits.last(); got != want {
				t.Errorf("guess %d waited %v, want %v", i+1, got, want)
			}
			now = now.Add(time.Second)
		}
		for after, words := range map[time.Duration]string{0: "Wait 15 minutes and", 10 * time.Minute: "Wait 5 minutes and",
			14*time.Minute + 30*time.Second: "Wait 1 minute and"} {
			then := now.Add(after)
			o.admin.Now = func() time.Time { return then }
			guesser.guess("ilse", password).want(429, "/login").sees("Too many wrong guesses.", words)
			var minutes int
			fmt.Sscanf(words, "Wait %d", &minutes)
			if seconds := guesser.header.Get("Retry-After"); seconds != fmt.Sprint(60*minutes) {
				t.Errorf("Retry-After is %s beside %q", seconds, words)
			}
		}
		o.admin.Now = func() time.Time { return now }
		o.browser().from("127.0.3.2").guess("ilse", password).want(200, "/admin")
		guesser.guess("ilse", password).want(429, "/login")
		o.admin.Now = func() time.Time { return now.Add(15 * time.Minute) }
		guesser.guess("ilse", password).want(200, "/admin")
	})
}

func TestT188AKnownBrowserHasABudgetOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		known, other, forged := o.knownBrowser("ilse"), o.knownBrowser("tobias"), o.browser()
		home, err := url.Parse(o.site.URL + "/login")
		if err != nil {
			t.Fatal(err)
		}
		forged.client.Jar.SetCookies(home, []*http.Cookie{{Name: "causerie-known", Value: strings.Repeat("0", 64),
			Path: "/login"}})
		o.cheaply(ilse)
		for range 10 {
			o.browser().guess("ilse", "a wrong guess").want(401, "/login")
		}
		o.browser().guess("ilse", password).want(429, "/login")
		other.guess("ilse", password).want(429, "/login")
		forged.guess("ilse", password).want(429, "/login")
		known.guess("ilse", password).want(200, "/admin")
		for range 10 {
			known.guess("ilse", "a wrong guess").want(401, "/login")
		}
		known.guess("ilse", password).want(429, "/login").sees("Too many wrong guesses.", "Wait 15 minutes")
		other.guess("tobias", password).want(200, "/admin")
	})
}

func TestTheCookieOfAKnownBrowserOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.browser().open("/login")
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		b.press("Sign in", "user", "ilse", "pass", password)
		var token string
		for _, line := range b.header.Values("Set-Cookie") {
			cookie, err := http.ParseSetCookie(line)
			if err != nil {
				t.Fatal(err)
			}
			if cookie.Name != "causerie-known" {
				continue
			}
			token = cookie.Value
			if cookie.Path != "/login" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode ||
				cookie.MaxAge != 365*24*3600 || len(token) != 64 {
				t.Errorf("the cookie is %q", line)
			}
		}
		thief := o.browser()
		home, err := url.Parse(o.site.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"causerie", "causerie-known"} {
			thief.client.Jar.SetCookies(home, []*http.Cookie{{Name: name, Value: token, Path: "/"}})
		}
		thief.open("/admin").want(200, "/login")
	})
}

func TestOthersCannotUseUpTheFormForANewPassword(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.cheaply(ilse)
		here, there := o.signIn("ilse"), o.signIn("ilse")
		now := time.Now()
		o.admin.Now = func() time.Time { return now }
		for range 10 {
			o.browser().guess("ilse", "a wrong guess").want(401, "/login")
		}
		o.browser().guess("ilse", password).want(429, "/login")
		there.open("/admin/account")
		for range 10 {
			there.press("Change the password", "old", "not this one", "new", "a new one of some length").want(422,
				"/admin/account").sees("not your password")
		}
		there.press("Change the password", "old", password, "new", "a new one of some length").want(422,
			"/admin/account").sees("Too many wrong guesses.", "Wait 15 minutes")
		here.open("/admin/account").press("Change the password", "old", password, "new", "a new one of some length").want(200,
			"/admin/account").sees("The password is changed")
		now = now.Add(16 * time.Minute)
		o.browser().guess("ilse", "a new one of some length").want(200, "/admin")
	})
}

func TestACrowdAtTheSignInFormIsBoundedAndKeepsNoKnownBrowserWaiting(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		known := o.knownBrowser("ilse")
		o.cheaply(ilse)
		for i := range 20 {
			o.browser().from(fmt.Sprintf("127.0.4.%d", i+1)).guess("ilse", "a wrong guess").want(401, "/login")
		}
		open := make(chan struct{})
		o.admin.Wait = func(ctx context.Context, delay time.Duration) error {
			if delay == 0 {
				return nil
			}
			select {
			case <-open:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var crowd sync.WaitGroup
		statuses := make(chan int, 100)
		send := func(address string) {
			b := o.browser().from(address)
			crowd.Go(func() { statuses <- b.guess("ilse", "a wrong guess").status })
		}
		for i := range 10 { // those who failed before get half of the places, in which they are refused in the end
			for range 4 {
				send(fmt.Sprintf("127.0.4.%d", i+1))
			}
		}
		refused := map[int]int{}
		for range 8 {
			refused[<-statuses]++
		}
		for i := range 40 {
			send(fmt.Sprintf("127.0.5.%d", i+1))
		}
		for range 8 {
			refused[<-statuses]++
		}
		if refused[503] != 16 {
			t.Errorf("of 80 strangers at 64 places, %v were told to come back", refused)
		}
		late := o.browser().from("127.0.6.1").guess("ilse", password).want(503,
			"/login").sees("Too many people are signing in at once.")
		if late.field("user") != "ilse" || late.header.Get("Retry-After") != "10" {
			t.Errorf("told %q to come back after %q", late.field("user"), late.header.Get("Retry-After"))
		}
		known.guess("ilse", password).want(200, "/admin")
		close(open)
		crowd.Wait()
		late.guess("ilse", password).want(200, "/admin")
		if got := o.guessesAt("ilse"); got != 20+64 {
			t.Errorf("%d guesses are counted, want those that were compared: 84", got)
		}
	})
}
