package federation_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/page"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// overkant is the blog of the fixtures, running: De Overkant, with Ilse's voice, on a real listener, with its courier and
// its inbox at work.
type overkant struct {
	t         testing.TB
	ctx       context.Context
	site      blog.Site
	store     *store.Store
	outbox    *federation.Outbox
	keys      *federation.Keyring
	inbox     *federation.Inbox
	courier   *federation.Courier
	base      federation.Base
	ilse      blog.Voice
	instance  signature.Key
	documents *federation.Documents
	world     *neighbour.World
	stop      func()
}

// start brings the blog up on a store, and a world of neighbours around it.
func start(t testing.TB, s *store.Store, settings ...func(*federation.Base)) *overkant {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	instance := newKey(t)
	site, err := s.FoundSite(t.Context(), blog.Site{URL: "http://" + host, HandleDomain: host, Name: "De Overkant", Language: "en", Timezone: "UTC",
		PublicKey: publicPEM(t, instance), CreatedAt: time.Now()}, privatePEM(t, instance))
	if err != nil {
		t.Fatal(err)
	}
	base := federation.Base{Site: site, Store: s, Now: time.Now, Log: quiet()}
	for _, set := range settings {
		set(&base)
	}
	newer, err := s.NewerSchemes(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	base.Remote = remote.New(remote.Options{UserAgent: "Causerie/test (+" + site.URL + "/)", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Key: signature.Key{ID: site.InstanceID() + "#main-key", Private: instance.Private}, Permit: base.Permit, Now: base.Now, Newer: newer, Learn: base.LearnScheme})
	o := &overkant{t: t, site: site, store: s, base: base, courier: federation.NewCourier(base), instance: instance}
	o.outbox = &federation.Outbox{Base: base, Wake: o.courier.Wake}
	if o.keys, err = federation.NewKeyring(base); err != nil {
		t.Fatal(err)
	}
	o.inbox = federation.NewInbox(base, o.keys, o.outbox)
	router := chi.NewRouter()
	o.documents = federation.NewDocuments(base, o.keys, o.inbox, page.NewKept(s.Changes, 0), "test")
	o.documents.Routes(router)
	router.NotFound(federation.Negotiate(o.documents, http.NotFoundHandler()).ServeHTTP)
	o.run(listener, router)
	o.ilse = o.addVoice("ilse", "Ilse Verhaagen")
	o.world = neighbour.New(neighbour.Config{})
	t.Cleanup(func() { o.world.Close() })
	return o
}

func (o *overkant) run(listener net.Listener, handler http.Handler) {
	ctx, cancel := context.WithCancel(context.Background())
	o.ctx = ctx
	server := &http.Server{Handler: handler}
	var working sync.WaitGroup
	working.Go(func() { server.Serve(listener) })
	working.Go(func() { o.courier.Run(ctx) })
	working.Go(func() { o.inbox.Run(ctx) })
	o.stop = sync.OnceFunc(func() {
		cancel()
		server.Close()
		working.Wait()
		o.base.Remote.Close()
	})
	o.t.Cleanup(o.stop)
}

// anotherInbox is an inbox beside the one that runs, which remembers nothing yet, as after a restart.
func (o *overkant) anotherInbox(b federation.Base) *federation.Inbox {
	o.t.Helper()
	keys, err := federation.NewKeyring(b)
	if err != nil {
		o.t.Fatal(err)
	}
	return federation.NewInbox(b, keys, o.outbox)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// keys are made once: they cost more than most tests.
var keys = sync.OnceValue(func() []signature.Key {
	list := make([]signature.Key, 4)
	for i := range list {
		key, err := signature.NewRSAKey("")
		if err != nil {
			panic(err)
		}
		list[i] = key
	}
	return list
})

var next int

func newKey(t testing.TB) signature.Key {
	t.Helper()
	next++
	return keys()[next%4]
}

func publicPEM(t testing.TB, k signature.Key) string {
	t.Helper()
	text, err := k.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func privatePEM(t testing.TB, k signature.Key) string {
	t.Helper()
	text, err := k.PEM()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (o *overkant) addVoice(handle, name string) blog.Voice {
	o.t.Helper()
	now := time.Now()
	a := blog.Author{Role: blog.Admin, Voice: blog.Voice{ID: blog.NewID(now), Kind: blog.AuthorVoice, Handle: handle, Name: name,
		Discoverable: true, Indexable: true, CreatedAt: now, UpdatedAt: now}}
	if err := o.store.AddAuthor(o.t.Context(), a, giveKeys(o.t, &a.Voice)); err != nil {
		o.t.Fatal(err)
	}
	return a.Voice
}

// giveKeys gives a voice its keys, and returns the private halves.
func giveKeys(t testing.TB, v *blog.Voice) store.VoiceKeys {
	t.Helper()
	sign := newKey(t)
	prove, err := signature.NewEd25519Key("")
	if err != nil {
		t.Fatal(err)
	}
	if v.ProofKey, err = prove.Multikey(); err != nil {
		t.Fatal(err)
	}
	v.PublicKey = publicPEM(t, sign)
	return store.VoiceKeys{RSA: privatePEM(t, sign), Ed25519: privatePEM(t, prove)}
}

// draft writes an article of Ilse's that is ready to be published.
func (o *overkant) draft(change ...func(*blog.Article)) blog.Article {
	o.t.Helper()
	now := time.Now()
	a := blog.Article{ID: blog.NewID(now), VoiceID: o.ilse.ID, Status: blog.Draft, Format: blog.FullArticle, Visibility: blog.Public, Comments: blog.Open,
		Quotes: "everyone", CreatedAt: now, Tags: blog.Words{"rivers"}, Text: blog.Text{Language: "en", Title: "Four minutes wide", Slug: "four-minutes-wide",
			Summary: "On the last rowed ferry below the weir.", Markdown: "The ferry comes when you ring.", HTML: "<p>The ferry comes when you ring.</p>",
			Plain: "The ferry comes when you ring.", Words: 6}}
	for _, c := range change {
		c(&a)
	}
	if err := o.store.SaveArticle(o.t.Context(), &a, now); err != nil {
		o.t.Fatal(err)
	}
	return a
}

func (o *overkant) publish(change ...func(*blog.Article)) blog.Article {
	o.t.Helper()
	a, err := o.outbox.Publish(o.t.Context(), o.draft(change...).ID)
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

// server adds a server of Mastodon's kind to the world.
func (o *overkant) server(name string, flavour ...neighbour.Flavour) *neighbour.Server {
	o.t.Helper()
	kind := neighbour.Mastodon
	if len(flavour) > 0 {
		kind = flavour[0]
	}
	server, err := o.world.Server(name, kind)
	if err != nil {
		o.t.Fatal(err)
	}
	return server
}

// befriend lets a person look Ilse up and follow her, and waits for the yes.
func (o *overkant) befriend(p *neighbour.Person) {
	o.t.Helper()
	ctx := o.soon()
	found, err := p.LookUp(ctx, "ilse@"+o.site.HandleDomain)
	if err != nil {
		o.t.Fatalf("%s looks ilse up: %v", p.Handle(), err)
	}
	if _, err := p.Follow(ctx, found.ID); err != nil {
		o.t.Fatalf("%s follows: %v", p.Handle(), err)
	}
	if err := p.WaitAccepted(ctx, found.ID); err != nil {
		o.t.Fatalf("%s waits for the accept: %v", p.Handle(), err)
	}
	o.until("the yes is settled here as well", func() bool { _, letters, err := o.store.CountWaiting(ctx); return err == nil && letters == 0 })
}

// soon is a context within which anything in these tests must have happened.
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

func (o *overkant) comments(a blog.Article) []blog.Comment {
	o.t.Helper()
	list, err := o.store.PublicComments(o.t.Context(), a.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

// runChores does the chores of a moment until what is due is published.
func (o *overkant) runChores(b federation.Base) error {
	o.t.Helper()
	ctx, cancel := context.WithCancel(o.soon())
	outbox := &federation.Outbox{Base: b, Wake: o.courier.Wake}
	chores := &federation.Chores{Base: b, Outbox: outbox}
	done := make(chan struct{})
	go func() { defer close(done); chores.Run(ctx) }()
	o.until("nothing is due", func() bool {
		due, err := o.store.DueArticles(o.t.Context(), b.Now())
		return err == nil && len(due) == 0
	})
	cancel()
	<-done
	return nil
}

func (o *overkant) waiting(a blog.Article) []blog.Comment {
	o.t.Helper()
	list, err := o.store.Comments(o.t.Context(), store.CommentList{Article: a.ID, States: []blog.CommentState{blog.CommentWaiting}})
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

func (o *overkant) texts(a blog.Article) string {
	o.t.Helper()
	var texts []string
	for _, c := range o.comments(a) {
		texts = append(texts, c.Plain)
	}
	return strings.Join(texts, "|")
}

func (o *overkant) counts(a blog.Article) blog.Counts {
	o.t.Helper()
	counts, err := o.store.Counts(o.t.Context(), []blog.ID{a.ID})
	if err != nil {
		o.t.Fatal(err)
	}
	return counts[a.ID]
}

func (o *overkant) object(a blog.Article) string { return o.site.ArticleID(a.ObjectID) }

// get asks the blog and answers status, content type and body.
func (o *overkant) get(path, accept string) (int, http.Header, string) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.soon(), http.MethodGet, o.site.URL+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

// status is the answer that an error of a neighbour's stands for; 202 for none.
func status(err error) int {
	var refused *neighbour.Refused
	if errors.As(err, &refused) {
		return refused.Status
	}
	if err != nil {
		return 0
	}
	return http.StatusAccepted
}

// each runs a test of the running blog on both databases.
func each(t *testing.T, test func(t *testing.T, o *overkant)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, start(t, s)) })
}
