// Package overkant sets up De Overkant, the blog of the fixtures, for tests: on a real store, with real HTTP on
// loopback and with pretend servers (see fedtest) around it. [Start] runs the whole blog, [Found] only founds it.
// Each runs a test on both databases:
//
//	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
//		bram := o.Server("veerhuis").Person("bram")
//		o.AddFollower(bram)
//		a := o.Publish()
//		reply, err := bram.Reply(o.Soon(), o.Object(a), "<p>How wide?</p>")
//		o.WaitSettled()
//	})
//
// Methods whose names begin with Wait, and Until, fail the test when nothing happens for ten seconds. Those that
// begin with Store write into the database without any activity.
package overkant

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
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/delivery"
	"causerie/internal/federation/documents"
	"causerie/internal/federation/inbox"
	"causerie/internal/federation/jobs"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/page"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// Blog is De Overkant with one author, Ilse.
type Blog struct {
	T         testing.TB
	Ctx       context.Context
	Site      blog.Site
	Store     *store.Store
	Outbox    *outbox.Outbox
	Keys      *federation.Keyring
	Inbox     *inbox.Inbox
	Courier   *delivery.Courier
	Core      federation.Core
	Ilse      blog.Voice
	Instance  signature.Key
	Documents *documents.Documents
	Router    chi.Router
	World     *fedtest.World
	Stop      func()

	listener net.Listener
}

// Found founds De Overkant in a store, at an address such as "https://overkant.example", and starts nothing. Only Site,
// Store, Instance and the methods that write to the store can be used.
func Found(t testing.TB, s *store.Store, address string, change ...func(*blog.Site)) *Blog {
	t.Helper()
	instance := NewKey(t)
	_, host, _ := strings.Cut(address, "://")
	site := blog.Site{URL: address, HandleDomain: host, Name: "De Overkant", Language: "en", Timezone: "UTC",
		PublicKey: PublicPEM(t, instance), CreatedAt: time.Now()}
	// After the defaults, so that a test may change each of them.
	for _, c := range change {
		c(&site)
	}
	site, err := s.FoundSite(t.Context(), site, privatePEM(t, instance))
	if err != nil {
		t.Fatal(err)
	}
	return &Blog{T: t, Site: site, Store: s, Instance: instance}
}

// Start founds De Overkant in a store, runs it on loopback, and adds Ilse and a world of pretend servers. settings
// change the core before anything runs.
func Start(t testing.TB, s *store.Store, settings ...func(*federation.Core)) *Blog {
	t.Helper()
	o := Build(t, s, func(*blog.Site) {}, settings...)
	o.Run()
	o.Ilse = o.AddAuthor("ilse", "Ilse Verhaagen")
	return o
}

// Build founds De Overkant in a store and connects its federation rooms at a loopback address. It has no authors yet,
// and nothing runs before Run. Until then, other rooms can add their routes to Router.
func Build(t testing.TB, s *store.Store, change func(*blog.Site), settings ...func(*federation.Core)) *Blog {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := Found(t, s, "http://"+listener.Addr().String(), change)
	o.listener = listener
	base := federation.Core{Site: o.Site, Store: s, Now: time.Now, Log: quiet()}
	for _, set := range settings {
		set(&base)
	}
	newer, err := s.RFC9421Peers(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// The pretend servers are on loopback, which the client refuses unless it is allowed.
	base.Remote = remote.New(remote.Options{UserAgent: "Causerie/test (+" + o.Site.URL + "/)",
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Key:   signature.Key{ID: o.Site.InstanceID() + "#main-key", Private: o.Instance.Private}, Permit: base.Permit,
		Now: base.Now, Newer: newer, Learn: base.LearnScheme})
	o.Core, o.Courier = base, delivery.NewCourier(base)
	o.Outbox = &outbox.Outbox{Core: base, Wake: o.Courier.Wake}
	if o.Keys, err = federation.NewKeyring(base); err != nil {
		t.Fatal(err)
	}
	o.Inbox = inbox.NewInbox(base, o.Keys, o.Outbox)
	o.Router = chi.NewRouter()
	o.Documents = documents.NewDocuments(base, o.Keys, o.Inbox, page.NewCache(s.Changes(), 0), "test")
	o.Documents.Routes(o.Router)
	o.Router.NotFound(documents.Negotiate(o.Documents, http.NotFoundHandler()).ServeHTTP)
	return o
}

// Run serves the blog that Build made, runs its courier, its inbox and more, and makes the world of pretend servers.
func (o *Blog) Run(more ...func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	o.Ctx = ctx
	server := &http.Server{Handler: o.Router}
	var working sync.WaitGroup
	// Stop waits for all of them, so that nothing uses the store after the test has closed it.
	working.Go(func() { server.Serve(o.listener) })
	for _, run := range append(more, o.Courier.Run, o.Inbox.Run) {
		working.Go(func() { run(ctx) })
	}
	o.Stop = sync.OnceFunc(func() {
		cancel()
		server.Close()
		working.Wait()
		o.Core.Remote.Close()
	})
	o.T.Cleanup(o.Stop)
	o.World = fedtest.New(fedtest.Config{})
	o.T.Cleanup(func() { o.World.Close() }) // before Stop: cleanups run from the last to the first
}

// AnotherInbox returns a second inbox with empty caches, as after a restart.
func (o *Blog) AnotherInbox(b federation.Core) *inbox.Inbox {
	o.T.Helper()
	keys, err := federation.NewKeyring(b)
	if err != nil {
		o.T.Fatal(err)
	}
	return inbox.NewInbox(b, keys, o.Outbox)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// keys are made once: an RSA key costs more than most tests.
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

var next atomic.Int64 // parallel tests share the keys

// NewKey returns one of four RSA keys in turn.
func NewKey(t testing.TB) signature.Key {
	t.Helper()
	return keys()[next.Add(1)%4]
}

// PublicPEM returns the public half of a key in PEM form.
func PublicPEM(t testing.TB, k signature.Key) string {
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

// AddAuthor adds an author with keys, changed by the functions.
func (o *Blog) AddAuthor(handle, name string, change ...func(*blog.Author)) blog.Voice {
	o.T.Helper()
	now := time.Now()
	a := blog.Author{Role: blog.Admin, Voice: blog.Voice{ID: blog.NewID(now), Kind: blog.AuthorVoice, Handle: handle,
		Name: name, Discoverable: true, Indexable: true, CreatedAt: now, UpdatedAt: now}}
	for _, c := range change {
		c(&a)
	}
	if err := o.Store.AddAuthor(o.T.Context(), a, giveKeys(o.T, &a.Voice)); err != nil {
		o.T.Fatal(err)
	}
	return a.Voice
}

// giveKeys sets a voice's public keys and returns the private ones.
func giveKeys(t testing.TB, v *blog.Voice) store.VoiceKeys {
	t.Helper()
	sign := NewKey(t)
	prove, err := signature.NewEd25519Key("")
	if err != nil {
		t.Fatal(err)
	}
	if v.ProofKey, err = prove.Multikey(); err != nil {
		t.Fatal(err)
	}
	v.PublicKey = PublicPEM(t, sign)
	return store.VoiceKeys{RSA: privatePEM(t, sign), Ed25519: privatePEM(t, prove)}
}

// Draft saves an article of Ilse's, changed by the functions, that is ready to be published.
func (o *Blog) Draft(change ...func(*blog.Article)) blog.Article {
	o.T.Helper()
	now := time.Now()
	a := blog.Article{ID: blog.NewID(now), VoiceID: o.Ilse.ID, Status: blog.Draft, Format: blog.FullArticle,
		Visibility: blog.Public, Comments: blog.Open,
		Quotes: "everyone", CreatedAt: now, Tags: blog.Strings{"rivers"},
		Text: blog.Text{Language: "en", Title: "Four minutes wide", Slug: "four-minutes-wide",
			Summary: "On the last rowed ferry below the weir.", Markdown: "The ferry comes when you ring.",
			HTML:  "<p>The ferry comes when you ring.</p>",
			Plain: "The ferry comes when you ring.", WordCount: 6}}
	for _, c := range change {
		c(&a)
	}
	if err := o.Store.SaveArticle(o.T.Context(), &a, now); err != nil {
		o.T.Fatal(err)
	}
	return a
}

// Publish publishes a draft of Ilse's, changed by the functions.
func (o *Blog) Publish(change ...func(*blog.Article)) blog.Article {
	o.T.Helper()
	a, err := o.Outbox.Publish(o.T.Context(), o.Draft(change...).ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return a
}

// Server adds a pretend server, of Mastodon unless a software is given.
func (o *Blog) Server(name string, software ...fedtest.Software) *fedtest.Server {
	o.T.Helper()
	kind := fedtest.Mastodon
	if len(software) > 0 {
		kind = software[0]
	}
	server, err := o.World.AddServer(name, kind)
	if err != nil {
		o.T.Fatal(err)
	}
	return server
}

// AddFollower lets a person look Ilse up and follow her, and waits until the Accept has arrived.
func (o *Blog) AddFollower(p *fedtest.Person) {
	o.T.Helper()
	ctx := o.Soon()
	found, err := p.LookUp(ctx, "ilse@"+o.Site.HandleDomain)
	if err != nil {
		o.T.Fatalf("%s looks ilse up: %v", p.Handle(), err)
	}
	if _, err := p.Follow(ctx, found.ID); err != nil {
		o.T.Fatalf("%s follows: %v", p.Handle(), err)
	}
	if err := p.WaitAccepted(ctx, found.ID); err != nil {
		o.T.Fatalf("%s waits for the accept: %v", p.Handle(), err)
	}
	// The Accept is a delivery. Tests that count deliveries must not see it.
	o.Until("the Accept is delivered",
		func() bool { _, deliveries, err := o.Store.CountWaiting(ctx); return err == nil && deliveries == 0 })
}

// Soon returns a context of ten seconds, within which anything in a test must happen.
func (o *Blog) Soon() context.Context {
	ctx, cancel := context.WithTimeout(o.T.Context(), 10*time.Second)
	o.T.Cleanup(cancel)
	return ctx
}

// Until waits until holds returns true, and fails the test after ten seconds. what completes "waited in vain until".
func (o *Blog) Until(what string, holds func() bool) {
	o.T.Helper()
	// Polling: most conditions are rows that another goroutine writes.
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			o.T.Fatalf("waited in vain until %s", what)
		}
	}
}

// Comments returns the comments of an article that readers see.
func (o *Blog) Comments(a blog.Article) []blog.Comment {
	o.T.Helper()
	list, err := o.Store.PublicComments(o.T.Context(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return list
}

// PublishDue runs the jobs until no article is due.
func (o *Blog) PublishDue(b federation.Core) error {
	o.T.Helper()
	ctx, cancel := context.WithCancel(o.Soon())
	outbox := &outbox.Outbox{Core: b, Wake: o.Courier.Wake}
	runner := &jobs.Jobs{Core: b, Outbox: outbox}
	done := make(chan struct{})
	go func() { defer close(done); runner.Run(ctx) }()
	o.Until("nothing is due", func() bool {
		due, err := o.Store.DueArticles(o.T.Context(), b.Now())
		return err == nil && len(due) == 0
	})
	// Stopped before returning: the next step of a test may set another clock.
	cancel()
	<-done
	return nil
}

// WaitingComments returns the comments of an article that wait for approval.
func (o *Blog) WaitingComments(a blog.Article) []blog.Comment {
	o.T.Helper()
	list, err := o.Store.Comments(o.T.Context(),
		store.CommentFilter{Article: a.ID, States: []blog.CommentState{blog.CommentWaiting}})
	if err != nil {
		o.T.Fatal(err)
	}
	return list
}

// CommentTexts returns the texts of the comments that readers see, joined with "|".
func (o *Blog) CommentTexts(a blog.Article) string {
	o.T.Helper()
	var texts []string
	for _, c := range o.Comments(a) {
		texts = append(texts, c.Plain)
	}
	return strings.Join(texts, "|")
}

// Counts returns the reaction counts of an article.
func (o *Blog) Counts(a blog.Article) blog.Counts {
	o.T.Helper()
	counts, err := o.Store.Counts(o.T.Context(), []blog.ID{a.ID})
	if err != nil {
		o.T.Fatal(err)
	}
	return counts[a.ID]
}

// Object returns the ActivityPub id of an article.
func (o *Blog) Object(a blog.Article) string { return o.Site.ArticleID(a.ObjectID) }

// Get requests a path and returns status, header and body. It follows no redirects.
func (o *Blog) Get(path, accept string) (int, http.Header, string) {
	o.T.Helper()
	request, err := http.NewRequestWithContext(o.Soon(), http.MethodGet, o.Site.URL+path, nil)
	if err != nil {
		o.T.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	// Redirects are what many tests look at.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		o.T.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		o.T.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

// StatusOf returns the status with which a fedtest call was refused, 202 for a nil error and 0 for another error.
func StatusOf(err error) int {
	var refused *fedtest.StatusError
	if errors.As(err, &refused) {
		return refused.Status
	}
	if err != nil {
		return 0
	}
	return http.StatusAccepted
}

// Each runs a test of the running blog on both databases.
func Each(t *testing.T, test func(t *testing.T, o *Blog)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, Start(t, s)) })
}
