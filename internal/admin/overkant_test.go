package admin_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"causerie/internal/account"
	"causerie/internal/admin"
	"causerie/internal/blog"
	"causerie/internal/federation/inbox"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/media"
	fixture "causerie/internal/overkant"
	"causerie/internal/page"
	"causerie/internal/signature"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
	"causerie/templates"
)

// overkant is De Overkant with its admin, running on a real listener, with its courier and inbox at work.
type overkant struct {
	t       testing.TB
	store   *store.Store
	site    blog.Site
	library *media.Library
	outbox  *outbox.Outbox
	admin   *admin.Handler
	world   *fedtest.World
	waits   waits
}

// waits are the delays of guesses at a password. They pass at once in these tests.
type waits struct {
	sync.Mutex
	all []time.Duration
}

func (w *waits) wait(_ context.Context, delay time.Duration) error {
	w.Lock()
	defer w.Unlock()
	w.all = append(w.all, delay)
	return nil
}

// last is how long the last guess had to wait.
func (w *waits) last() time.Duration {
	w.Lock()
	defer w.Unlock()
	return w.all[len(w.all)-1]
}

const password = "four words by the river"

// each opens the admin on each database.
func each(t *testing.T, test func(t *testing.T, o *overkant)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, open(t, s, t.TempDir())) })
}

// parsed are the templates, parsed once for all tests.
var parsed = sync.OnceValues(func() (*page.Set, error) { return page.Load(templates.FS, nil) })

// open adds the admin, and what its pages load, to De Overkant.
func open(t testing.TB, s *store.Store, folder string) *overkant {
	t.Helper()
	b := fixture.Build(t, s, func(site *blog.Site) { site.Timezone = "Europe/Amsterdam" })
	library, err := media.Open(folder, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { library.Close() })
	pages, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	o := &overkant{t: t, store: s, site: b.Site, library: library, outbox: b.Outbox}
	o.admin = admin.New(o.site, s, o.outbox, library, pages)
	if os.Getenv("CAUSERIE_TEST_LOG") == "" {
		o.admin.Log = b.Core.Log
	}
	o.admin.Wait = o.waits.wait
	author := o.admin.Routes()
	for _, path := range []string{"/admin", "/admin/*", "/login", "/login/*", "/authorize_interaction"} {
		b.Router.Handle(path, author)
	}
	b.Router.Handle("/media/*", library.Handler(o.admin.MayPreview))
	b.Router.Handle("/static/*", pages.Static())
	b.Router.Get("/style.css", pages.Style)
	b.Run(inbox.NewBackfill(b.Inbox).Run)
	o.world = b.World
	return o
}

// author adds an author with the password of these tests. Keys and hash are made once, since they take longer than most
// tests.
func (o *overkant) author(handle, name string, role blog.Role) blog.Author {
	o.t.Helper()
	made, err := mould()
	if err != nil {
		o.t.Fatal(err)
	}
	now := time.Now().UTC()
	a := blog.Author{Role: role, Language: "en", Password: made.password,
		Voice: blog.Voice{ID: blog.NewID(now), Kind: blog.AuthorVoice, Handle: handle, Name: name,
			PublicKey: made.public, ProofKey: made.proof, Discoverable: true, Indexable: true, CreatedAt: now, UpdatedAt: now}}
	if err := o.store.AddAuthor(o.t.Context(), a, store.VoiceKeys{RSA: made.private, Ed25519: made.proving}); err != nil {
		o.t.Fatal(err)
	}
	return a
}

type moulded struct{ public, private, proof, proving, password string }

var mould = sync.OnceValues(func() (m moulded, err error) {
	key, err := signature.NewRSAKey("")
	if err != nil {
		return m, err
	}
	prove, err := signature.NewEd25519Key("")
	if err != nil {
		return m, err
	}
	if m.proof, err = prove.Multikey(); err != nil {
		return m, err
	}
	if m.proving, err = prove.PEM(); err != nil {
		return m, err
	}
	if m.public, err = key.PublicPEM(); err != nil {
		return m, err
	}
	if m.private, err = key.PEM(); err != nil {
		return m, err
	}
	m.password, err = account.HashPassword(password)
	return m, err
})

// browser is a new browser.
func (o *overkant) browser() *browser { return newBrowser(o.t, o.site.URL) }

// signIn is a browser in which an author is signed in. It makes the session itself: the form has its own tests.
func (o *overkant) signIn(handle string) *browser {
	o.t.Helper()
	who, err := o.store.AuthorByName(o.t.Context(), handle)
	if err != nil {
		o.t.Fatal(err)
	}
	now, token := time.Now(), rand.Text()
	sum := sha256.Sum256([]byte(token))
	in := store.Session{TokenHash: hex.EncodeToString(sum[:]), VoiceID: who.ID, CreatedAt: now, UsedAt: now,
		ExpiresAt: now.Add(time.Hour)}
	if err := o.store.AddSession(o.t.Context(), in); err != nil {
		o.t.Fatal(err)
	}
	b := o.browser()
	u, err := url.Parse(o.site.URL)
	if err != nil {
		o.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "causerie", Value: token, Path: "/"}})
	return b
}

// soon is a context for whatever must happen within ten seconds.
func (o *overkant) soon() context.Context {
	ctx, cancel := context.WithTimeout(o.t.Context(), 10*time.Second)
	o.t.Cleanup(cancel)
	return ctx
}

// until waits for a condition that depends on what runs in the background.
func (o *overkant) until(what string, holds func() bool) {
	o.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			o.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// server adds a pretend Mastodon server.
func (o *overkant) server(name string) *fedtest.Server {
	o.t.Helper()
	server, err := o.world.AddServer(name, fedtest.Mastodon)
	if err != nil {
		o.t.Fatal(err)
	}
	return server
}

// asks lets a person look up an author and send a follow request.
func (o *overkant) asks(p *fedtest.Person, handle string) string {
	o.t.Helper()
	ctx := o.soon()
	found, err := p.LookUp(ctx, handle+"@"+o.site.HandleDomain)
	if err != nil {
		o.t.Fatalf("%s looks %s up: %v", p.Handle(), handle, err)
	}
	if _, err := p.Follow(ctx, found.ID); err != nil {
		o.t.Fatalf("%s follows: %v", p.Handle(), err)
	}
	return found.ID
}

// befriend lets a person follow an author and waits for the Accept.
func (o *overkant) befriend(p *fedtest.Person, handle string) {
	o.t.Helper()
	if err := p.WaitAccepted(o.soon(), o.asks(p, handle)); err != nil {
		o.t.Fatalf("%s waits for the accept: %v", p.Handle(), err)
	}
}

// only is the one article of the blog.
func (o *overkant) only() blog.Article {
	o.t.Helper()
	list, err := o.store.Articles(o.t.Context(), store.ArticleFilter{Text: true})
	if err != nil || len(list) != 1 {
		o.t.Fatalf("%d articles (%v), want one", len(list), err)
	}
	return list[0]
}

// drawing is a picture of one colour, as a PNG.
func drawing(width, height int, shade uint8) string {
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range p.Pix {
		p.Pix[i] = shade
	}
	p.Set(0, 0, color.RGBA{shade, 0, 0, 255})
	var b bytes.Buffer
	png.Encode(&b, p)
	return b.String()
}
