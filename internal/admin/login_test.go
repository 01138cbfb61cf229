package admin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/store"
)

func TestTheFirstAuthorIsMadeThroughTheLinkOnce(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		link, err := account.FirstRunLink(t.Context(), o.store, o.site, time.Now().UTC())
		if err != nil {
			t.Fatal(err)
		}
		o.browser().open("/login").sees("This blog has no author yet.")
		o.browser().open("/admin/first-run?token=guessed").want(404,
			"/admin/first-run").sees("This link does not work any more")
		b := o.browser().open(link).want(200, "/admin/first-run").sees("People follow you as", o.site.HandleDomain,
			"You can change it later")
		b.press("Begin", "blog", "Aan de overkant", "name", "Ilse Verhaagen", "handle", "admin", "password",
			"short").want(422, "/admin/first-run")
		b.sees("kept for the system", "The password is too short")
		if b.field("blog") != "Aan de overkant" || b.field("name") != "Ilse Verhaagen" || b.field("handle") != "admin" {
			t.Errorf("the form lost words: %q %q %q", b.field("blog"), b.field("name"), b.field("handle"))
		}
		b.press("Begin", "handle", "@Ilse", "email", "Ilse@overkant.example", "password", password).want(200, "/admin")
		b.sees("The blog is yours", "Write the first article", "Aan de overkant")
		ilse, err := o.store.AuthorByName(t.Context(), "ilse@overkant.example")
		if err != nil || ilse.Role != blog.Admin || ilse.Handle != "ilse" || !strings.HasPrefix(ilse.ProofKey, "z6Mk") ||
			!strings.Contains(ilse.PublicKey, "PUBLIC KEY") {
			t.Errorf("the author is %+v (%v)", ilse, err)
		}
		if keys, err := o.store.SigningKeys(t.Context(), ilse.ID); err != nil ||
			!strings.Contains(keys.Current, "PRIVATE KEY") {
			t.Errorf("no signing key (%v)", err)
		}
		o.browser().open(link).want(404, "/admin/first-run").sees("This link does not work any more")
		o.browser().open("/login").lacks("This blog has no author yet.").press("Sign in", "user", "ilse", "pass",
			password).want(200, "/admin")
	})
}

func TestOfTwoWhoBeginAtOnceOneWins(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		link, err := account.FirstRunLink(t.Context(), o.store, o.site, time.Now().UTC())
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		for _, handle := range []string{"ilse", "kade"} {
			b := o.browser().open(link)
			both.Go(func() { b.press("Begin", "name", handle, "handle", handle, "password", password) })
		}
		both.Wait()
		if n, err := o.store.CountAuthors(t.Context()); err != nil || n != 1 {
			t.Errorf("%d authors (%v)", n, err)
		}
	})
}

func TestANameAndAPasswordSignIn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.browser().open("/admin/articles?tab=drafts").want(200, "/login").sees("Sign in", "De Overkant")
		b.press("Sign in", "user", "@ilse", "pass", "not the password").want(401, "/login").
			sees("The name or the password is wrong")
		if b.field("user") != "@ilse" {
			t.Errorf("the name was lost: %q", b.field("user"))
		}
		wrong := b.text()
		b.press("Sign in", "user", "nobody", "pass", "not the password").want(401, "/login")
		if b.text() != wrong {
			t.Errorf("an unknown name gets other words:\n%s\n%s", b.text(), wrong)
		}
		if b.cookie() != "" {
			t.Error("somebody without a sign-in has a cookie")
		}
		b.press("Sign in", "user", "Ilse@"+o.site.HandleDomain, "pass", password).want(200,
			"/admin/articles?tab=drafts").sees("No drafts")
		first := b.cookie()
		if len(first) != 64 {
			t.Errorf("the token is %q", first)
		}
		b.open("/login").want(200, "/admin")
		b.open("/admin/account").press("Sign out on this device").want(200, "/login")
		b.open("/admin").want(200, "/login")
		old := o.browser()
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, o.site.URL+"/admin", nil)
		request.AddCookie(&http.Cookie{Name: "causerie", Value: first})
		old.do(request).want(200, "/login")
		again := o.browser().open("/login").press("Sign in", "user", "ilse", "pass", password)
		if again.cookie() == first {
			t.Error("two sign-ins share a token")
		}
	})
}

func TestTheCookieAndThePagesArePrivate(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.browser().open("/login")
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		b.press("Sign in", "user", "ilse", "pass", password, "stay", "yes")
		cookie := b.header.Get("Set-Cookie")
		for _, want := range []string{"causerie=", "Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=5184000"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("the cookie %q lacks %s", cookie, want)
			}
		}
		b.client.CheckRedirect = nil
		for _, path := range []string{"/admin", "/login", "/admin/nothing.css"} {
			b.open(path)
			if got := b.header.Get("Cache-Control"); got != "private, no-store" {
				t.Errorf("%s may be kept: %q", path, got)
			}
			if csp := b.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") ||
				!strings.Contains(csp, "script-src 'self'") {
				t.Errorf("%s: %q", path, csp)
			}
		}
	})
}

func TestT111GuessesAreSlowed(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		b := o.browser().open("/login")
		for range 10 {
			b.press("Sign in", "user", "ilse", "pass", "a wrong guess").want(401, "/login")
		}
		b.press("Sign in", "user", "ilse", "pass", password).want(429, "/login").sees("Too many wrong guesses", "15 minutes")
		if b.header.Get("Retry-After") != "900" {
			t.Errorf("Retry-After is %q", b.header.Get("Retry-After"))
		}
		b.press("Sign in", "user", "tobias", "pass", password).want(200, "/admin")
		now := time.Now()
		o.admin.Now = func() time.Time { return now.Add(16 * time.Minute) }
		o.browser().open("/login").press("Sign in", "user", "ilse", "pass", password).want(200, "/admin")
	})
}

func TestT188ManyGuessesAtOnceAreCountedAsMany(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		var all sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 30 {
			b := o.browser().open("/login")
			all.Go(func() {
				b.press("Sign in", "user", "ilse", "pass", "a wrong guess")
				mu.Lock()
				defer mu.Unlock()
				statuses[b.status]++
			})
		}
		all.Wait()
		if statuses[401] > 10 || statuses[429] < 20 {
			t.Errorf("of 30 at once: %v", statuses)
		}
	})
}

func TestAPasswordOfAMegabyteCostsNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.browser().open("/login").press("Sign in", "user", "ilse", "pass", strings.Repeat("a", 1025)).want(400, "/login")
		o.browser().open("/login").press("Sign in", "user", "ilse", "pass", strings.Repeat("a", 1<<20)).want(413,
			"/login").sees("too large")
		body := "user=ilse&pass=" + strings.Repeat("a", 5<<20)
		o.knownBrowser("ilse").post("/login", "application/x-www-form-urlencoded", strings.NewReader(body)).want(413,
			"/login").sees("too large")
	})
}

func TestTheFormsOfStrangersAreShort(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		const form = "application/x-www-form-urlencoded"
		long := "user=ilse&pass=" + url.QueryEscape(password) + "&kept-action=/admin/articles/new&kept.text=" +
			strings.Repeat("a", 100<<10)
		for _, path := range []string{"/login", "/login/link", "/admin/first-run"} {
			o.browser().post(path, form, strings.NewReader(long)).want(413, path)
			if o.browser().post(path, form, strings.NewReader("token="+strings.Repeat("a", 7<<10))).status == 413 {
				t.Errorf("%s refuses a form of 7 KiB", path)
			}
		}
		// A browser in which the author signed in before may send a whole article after its session ended.
		b := o.knownBrowser("ilse").post("/login", form, strings.NewReader(long)).want(200, "/login")
		if b.sees("What you wrote is still here"); len(b.field("text")) != 100<<10 {
			t.Errorf("the form kept %d bytes of the text", len(b.field("text")))
		}
	})
}

// endless is a form that counts what is read of it.
type endless struct{ read atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestT239NothingIsReadOfAFormOfSomebodyWithoutASession(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		gone := o.signIn("ilse").cookie()
		later := time.Now().AddDate(0, 0, 20)
		if err := o.store.EndSessions(t.Context(), ilse.ID, ""); err != nil {
			t.Fatal(err)
		}
		routes := o.admin.Routes()
		const urlencoded, multipart = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
		for _, path := range []string{"/admin/articles/01M8JFP5YNHJJNQY3X5DAYH59S", "/admin/pictures", "/admin/settings",
			"/admin/blocks/import", "/admin/profile", "/admin/articles/01M8JFP5YNHJJNQY3X5DAYH59S/texts/nl",
			"/authorize_interaction"} {
			for _, kind := range []string{urlencoded, multipart} {
				for name, cookie := range map[string]string{"no session": "", "a made-up one": strings.Repeat("a", 64),
					"one that ended long ago": gone} {
					body := &endless{}
					r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, o.site.URL+path, body)
					r.Header.Set("Content-Type", kind)
					r.Header.Set("Origin", o.site.URL)
					if cookie != "" {
						r.AddCookie(&http.Cookie{Name: "causerie", Value: cookie})
					}
					o.admin.Now = func() time.Time { return later }
					w := httptest.NewRecorder()
					routes.ServeHTTP(w, r)
					if read := body.read.Load(); w.Code != http.StatusUnauthorized || read != 0 || w.Body.Len() > 20<<10 ||
						strings.Contains(w.Body.String(), "kept-action") {
						t.Errorf("%s, %s, %s: %d with %d bytes, %d were read", path, kind, name, w.Code, w.Body.Len(), read)
					}
				}
			}
		}
	})
}

// A session that ended a moment ago was somebody's who may have written for hours. A few such forms are kept at once.
func TestT239FewFormsAreKeptAtOnceWhileTheirAuthorsSignIn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		token := o.signIn("ilse").cookie()
		if err := o.store.EndSessions(t.Context(), ilse.ID, ""); err != nil {
			t.Fatal(err)
		}
		routes := o.admin.Routes()
		begun, finish := make(chan struct{}, 10), make(chan struct{})
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, o.site.URL+"/admin/articles/new",
					io.MultiReader(strings.NewReader("text=one+"), &held{begun, finish}, strings.NewReader("two")))
				r.URL.Path = "/admin/articles/01M8JFP5YNHJJNQY3X5DAYH59S"
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Origin", o.site.URL)
				r.AddCookie(&http.Cookie{Name: "causerie", Value: token})
				w := httptest.NewRecorder()
				routes.ServeHTTP(w, r)
				if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "one two") {
					t.Errorf("a form was lost: %d", w.Code)
				}
			})
		}
		<-begun
		<-begun
		select {
		case <-begun:
			t.Error("a third form is read beside two others")
		case <-time.After(200 * time.Millisecond):
		}
		close(finish)
		all.Wait()
	})
}

// held is a part of a form that arrives when it may.
type held struct{ begun, finish chan struct{} }

func (h *held) Read([]byte) (int, error) {
	h.begun <- struct{}{}
	<-h.finish
	return 0, io.EOF
}

func TestOtherSitesCannotSendForms(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		const form = "application/x-www-form-urlencoded"
		for name, header := range map[string][]string{
			"another origin":   {"Origin", "https://zilverduin.example"},
			"another port":     {"Origin", "http://127.0.0.1:1"},
			"no origin at all": {"Origin", "null"},
			"another scheme":   {"Origin", strings.Replace(o.site.URL, "http://", "https://", 1)},
			"a name below":     {"Origin", strings.Replace(o.site.URL, "127.0.0.1", "127.0.0.1.zilverduin.example", 1)},
			"another origin that claims to be this one": {"Origin", "https://zilverduin.example",
				"Sec-Fetch-Site", "same-origin"},
			"a cross-site fetch": {"Sec-Fetch-Site", "cross-site"},
			"a sibling's fetch":  {"Sec-Fetch-Site", "same-site"},
		} {
			b.post("/admin/sign-out", form, strings.NewReader(""), header...)
			if b.status != http.StatusForbidden {
				t.Errorf("%s: a sign-out answers %d", name, b.status)
			}
			b.post("/login", form, strings.NewReader("user=ilse&pass="+password), header...)
			if b.status != http.StatusForbidden {
				t.Errorf("%s: a sign-in answers %d", name, b.status)
			}
		}
		b.open("/admin").want(200, "/admin").sees("Ilse Verhaagen")
		b.open("/admin/sign-out").want(405, "/admin/sign-out")
		b.open("/admin/nothing.css").want(404, "/admin/nothing.css")
	})
}

func TestASignInNeverRedirectsToAnotherSite(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.browser().open("/login").press("Sign in", "user", "ilse", "pass", password, "to", "//zilverduin.example/admin")
		b.want(200, "/admin")
		if b.at.Host != o.site.Host() || b.at.Path != "/admin" {
			t.Errorf("led to %s", b.at)
		}
		o.browser().open("/login").press("Sign in", "user", "ilse", "pass", password, "to",
			"/admin/followers?q=bram").want(200, "/admin/followers?q=bram")
	})
}

func TestASignInLinkWorksOnceAndNotByLooking(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		link, err := account.SignInLink(t.Context(), o.store, o.site, ilse.ID, time.Now().UTC())
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			o.browser().open(link).want(200, "/login/link").sees("as Ilse Verhaagen")
		}
		b := o.browser().open(link)
		stale := o.browser().open(link)
		b.press("Sign in").want(200, "/admin").sees("Ilse Verhaagen")
		stale.press("Sign in").want(404, "/login/link").sees("This link does not work any more")
		o.browser().open(link).want(404, "/login/link")
		old, err := account.SignInLink(t.Context(), o.store, o.site, ilse.ID, time.Now().UTC().Add(-2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		o.browser().open(old).want(404, "/login/link")
		if !strings.HasPrefix(link, o.site.URL+"/") {
			t.Errorf("the link is %s", link)
		}
	})
}

func TestANewPasswordEndsTheOtherSignIns(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		here, there := o.signIn("ilse"), o.signIn("ilse")
		before := here.cookie()
		here.open("/admin/account").press("Change the password", "old", "not this one", "new",
			"a new one of some length").want(422,
			"/admin/account").sees("not your password")
		here.press("Change the password", "old", password, "new", "short").want(422, "/admin/account").sees("too short")
		there.open("/admin").want(200, "/admin")
		here.press("Change the password", "old", password, "new", "a new one of some length").want(200,
			"/admin/account").sees("The password is changed")
		if here.cookie() == before {
			t.Error("the token stayed the same")
		}
		there.open("/admin").want(200, "/login")
		o.browser().open("/login").press("Sign in", "user", "ilse", "pass", password).want(401, "/login")
		o.browser().open("/login").press("Sign in", "user", "ilse", "pass", "a new one of some length").want(200, "/admin")
	})
}

func TestAPasswordIsWrittenIntoNoPage(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/account")
		if err := o.store.EndSessions(t.Context(), ilse.ID, ""); err != nil {
			t.Fatal(err)
		}
		b.press("Change the password", "old", password, "new", "a new one of some length").want(200,
			"/login?to=/admin/account")
		if strings.Contains(b.source, password) || strings.Contains(b.source, "a new one") {
			t.Error("the sign-in page holds a password")
		}
	})
}

func TestT188MadeUpNamesFillNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		b := o.browser().open("/login")
		now := time.Now()
		for range 50 {
			guess := store.Guess{ID: blog.NewID(now), Account: "another", Source: "127.0.0.1", At: now}
			if err := o.store.AddGuess(t.Context(), guess, now.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		b.press("Sign in", "user", "made-up", "pass", "a wrong guess").want(429, "/login")
		if kept, err := o.store.GuessesAt(t.Context(), "made-up", now.Add(-time.Hour), 100); err != nil || len(kept) != 0 {
			t.Errorf("%d guesses are kept for a made-up name (%v)", len(kept), err)
		}
	})
}

func TestT139ADisabledAuthorIsOutAtTheNextRequest(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		now := time.Now()
		ilse.DisabledAt = &now
		if err := o.store.SaveAuthor(t.Context(), ilse); err != nil {
			t.Fatal(err)
		}
		b.post("/admin/settings", "application/x-www-form-urlencoded", strings.NewReader("name=Mine&language=en&zone=UTC"),
			"Sec-Fetch-Site", "same-origin").want(401, "/admin/settings")
		if site, err := o.store.Site(t.Context()); err != nil || site.Name != "De Overkant" {
			t.Errorf("somebody disabled made it %q, %v", site.Name, err)
		}
		b.open("/admin").want(200, "/login")
		b.press("Sign in", "user", "ilse", "pass", password).want(401, "/login")
	})
}

func TestAFormHasAtMostTheSizeOfItsLimit(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		const form = "application/x-www-form-urlencoded"
		size := func(n int) *strings.Reader { return strings.NewReader("token=" + strings.Repeat("a", n-len("token="))) }
		if got := o.browser().post("/login/link", form, size(8<<10)).status; got == 413 {
			t.Error("a form of 8 KiB of a stranger is refused")
		}
		o.browser().post("/login/link", form, size(8<<10+1)).want(413, "/login/link")
		b := o.signIn("ilse")
		if got := b.post("/admin/account/hold", form, size(4<<20)).status; got == 413 {
			t.Error("a form of 4 MiB of an author is refused")
		}
		if got := b.post("/admin/account/hold", form, size(4<<20+1)).status; got != 413 {
			t.Errorf("a form of 4 MiB and a byte: %d", got)
		}
	})
}

func TestOneSourceGuessesAtMostFiftyTimesAtAllAccounts(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.browser().open("/login")
		for n := range 50 {
			b.press("Sign in", "user", fmt.Sprint("nobody", n), "pass", "a wrong guess").want(401, "/login")
		}
		b.press("Sign in", "user", "nobody50", "pass", "a wrong guess").want(429, "/login")
		b.press("Sign in", "user", "ilse", "pass", password).want(429, "/login")
	})
}
