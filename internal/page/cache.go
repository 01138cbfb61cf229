package page

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"causerie/internal/changes"
)

// Document is a finished response: a page, a feed, an ActivityPub document.
type Document struct {
	Status int // 0 is 200
	// Header is Content-Type and whatever else belongs to the document. The cache adds Etag and Content-Length, and Vary
	// and Cache-Control where they are missing.
	Header http.Header
	Body   []byte

	// Current means that the old document must not be shown after a change: each reader waits for the new one.
	Current bool
	// Keep is how long the document is kept when nothing changes; 0 is for ever. It is for numbers that no topic of the
	// store stands for.
	Keep time.Duration
}

// Maker makes the document for a path. The request has only a method and a path (and what a router put into the
// context): the document is the same for everybody, so it cannot depend on the reader. An error means that it cannot
// be made now. A document that does not exist, or no longer, is no error but has status 404 or 410. What the maker
// reads from the store notes the topics of the document in the context (see changes.Note).
type Maker func(ctx context.Context, r *http.Request) (Document, error)

// ErrBusy means that a page is not in the cache and could not be made in time. Readers get a 503.
var ErrBusy = errors.New("too many pages are being made at once")

const (
	rendersPerSecond = 4                      // how often one page is rendered again while everything changes
	topicsPerSecond  = 1                      // and while its topics change, as in a storm of replies
	renderBurst      = 3                      // and how often at once: single changes show at once
	staleWait        = 500 * time.Millisecond // how long the page that is there is held back for a newer one
	makeTime         = 10 * time.Second       // for making one page
	maxMakers        = 16
	overhead         = 1 << 10 // what a kept page costs beside its bytes
	minCompressed    = 512     // bytes; smaller bodies are not compressed
)

// Cache keeps finished documents until something changes that they show. One request makes a page while the others
// wait for it; when that takes long, they get the old page. All documents together stay within a number of bytes. Only
// existing pages are kept, by their path alone: query strings and invented addresses cannot fill the cache.
type Cache struct {
	// Log receives errors of pages that could not be renewed. nil is slog.Default.
	Log *slog.Logger

	changes *changes.Counter
	limit   int
	now     func() time.Time
	slots   chan struct{}

	mu    sync.Mutex
	size  int
	order *list.List // of *entry; the most recently used is first
	pages map[key]*list.Element
	calls map[key]*call
}

// NewCache returns a cache of at most limit bytes (64 MiB when limit is 0). A page is fresh until the counter has a
// change of Everything, or of a topic of the page, that is newer than the page.
func NewCache(changes *changes.Counter, limit int) *Cache {
	if limit <= 0 {
		limit = 64 << 20
	}
	return &Cache{changes: changes, limit: limit, now: time.Now, slots: make(chan struct{}, maxMakers),
		order: list.New(), pages: map[key]*list.Element{}, calls: map[key]*call{}}
}

// key is the address of a document. The same text as a path and as an encoded path are two addresses.
type key struct {
	kind, path string
	encoded    bool
}

// entry is a document in the cache, ready to be sent.
type entry struct {
	prepared
	key      key
	version  uint64          // the newest change when it was begun
	topics   []changes.Topic // what it shows
	until    time.Time       // kept no longer; zero is for ever
	renewals *renewals
}

// renewals limits how often one page is rendered. Each version of the page passes them on to the next.
type renewals struct{ everything, topics *rate.Limiter }

// allow reports whether a page that is not fresh any more may be rendered now.
func (e *entry) allow(now time.Time, counter *changes.Counter) bool {
	switch {
	case e.current:
		return true
	case counter.Of(changes.Everything) > e.version:
		return e.renewals.everything.AllowN(now, 1)
	}
	return e.renewals.topics.AllowN(now, 1)
}

// fresh reports whether a page shows all changes of its topics until now.
func (e *entry) fresh(now func() time.Time, counter *changes.Counter) bool {
	return e.version >= counter.Of(changes.Everything) && e.version >= counter.Of(e.topics...) &&
		(e.until.IsZero() || now().Before(e.until))
}

// call is the rendering of one page, for which many may wait.
type call struct {
	version uint64
	began   time.Time
	done    chan struct{}
	page    *entry // when done, unless err
	err     error
}

// Handler serves the documents of one kind (HTML, or a media type). One path may have a document of each kind. fail
// writes an error of the maker; it must not keep its response.
func (k *Cache) Handler(kind string, maker Maker, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		page, err := k.page(r, keyOf(kind, r.URL), maker)
		if err != nil {
			fail(w, r, err)
			return
		}
		page.send(w, r)
	})
}

// HTML is the kind of web pages, feeds and whatever else is for readers.
const HTML = "html"

// Kept serves what is kept and fresh by its path alone, web pages with the headers of guard. It asks next for all
// others. So what is kept needs no search for its route, which costs more than sending it. kindOf returns the kind of
// document that a request wants, or "" if it must not be answered by its path alone.
func (k *Cache) Kept(kindOf func(*http.Request) string, guard Headers, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			if kind := kindOf(r); kind != "" {
				if page := k.kept(keyOf(kind, r.URL)); page != nil {
					if page.isPage {
						guard.set(w.Header())
					}
					page.send(w, r)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// kept returns a fresh document, or nil.
func (k *Cache) kept(key key) *entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	page := k.find(key)
	// Feeds have another content type for browsers, which their route sets.
	if page == nil || key.kind == HTML && !page.isPage || !page.fresh(k.now, k.changes) {
		return nil
	}
	return page
}

// MadeMessage is logged at the level debug for each document that is made, and not taken from the cache.
const MadeMessage = "a page is made"

func keyOf(kind string, u *url.URL) key {
	if u.RawPath != "" {
		return key{kind, u.RawPath, true}
	}
	return key{kind, u.Path, false}
}

// page returns the document to send: the cached one while it is fresh, or else a new one, made here or by an earlier
// request. When changes come too fast, or making it fails, it returns the old one.
func (k *Cache) page(r *http.Request, key key, maker Maker) (*entry, error) {
	// Read before anything else: this reader must see every change that was committed before the request.
	version := k.changes.Newest()
	for {
		k.mu.Lock()
		page := k.find(key)
		if page != nil && page.fresh(k.now, k.changes) {
			k.mu.Unlock()
			return page, nil
		}
		running := k.calls[key]
		if running == nil {
			// Too many changes: show the old page.
			if page != nil && !page.allow(k.now(), k.changes) {
				k.mu.Unlock()
				return page, nil
			}
			own := &call{version: version, began: k.now(), done: make(chan struct{})}
			k.calls[key] = own
			k.mu.Unlock()
			k.render(own, r, key, page, maker)
			return own.page, own.err
		}
		k.mu.Unlock()
		if ended, err := k.wait(r.Context(), running, page != nil && !page.current); err != nil {
			return nil, err
		} else if !ended {
			return page, nil
		}
		// A page of no topic that changed is fresh, although the call began before the last change.
		if running.version >= version || running.err == nil && running.page.fresh(k.now, k.changes) {
			return running.page, running.err
		}
		// The call began before the last change that this reader may know of. Go round again for a newer page.
	}
}

// wait waits for a call, and reports whether it has ended. With an old page to show instead (other), it waits no
// longer than staleWait.
func (k *Cache) wait(ctx context.Context, f *call, other bool) (ended bool, err error) {
	limit := makeTime + time.Second
	if other {
		limit = staleWait
	}
	timer := time.NewTimer(limit - k.now().Sub(f.began))
	defer timer.Stop()
	select {
	case <-f.done:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer.C:
		if other {
			return false, nil
		}
		return false, ErrBusy
	}
}

// render makes the page and ends the call. It goes on when its own reader disconnects, since others may wait. When it
// fails and there is an old page, it logs the error and shows that one.
func (k *Cache) render(f *call, r *http.Request, key key, old *entry, maker Maker) {
	document, topics, err := k.callMaker(r, maker)
	var page *entry
	if err == nil {
		page = &entry{prepared: prepare(document), key: key, version: f.version, topics: topics}
		if document.Keep > 0 {
			page.until = k.now().Add(document.Keep)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(f.done)
	delete(k.calls, key)
	switch {
	case err == nil:
		f.page = page
		k.store(page)
	case old != nil:
		log := k.Log
		if log == nil {
			log = slog.Default()
		}
		log.Error("cannot render a page again; the old one is sent", "path", key.path, "error", err)
		f.page = old
	default:
		f.err = err
	}
}

// callMaker calls the maker with a deadline of its own, and turns a panic into an error. It also returns the topics
// that the maker read.
func (k *Cache) callMaker(r *http.Request, maker Maker) (document Document, topics []changes.Topic, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), makeTime)
	defer cancel()
	ctx, shown := changes.Collect(ctx)
	select {
	case k.slots <- struct{}{}:
		defer func() { <-k.slots }()
	case <-ctx.Done():
		return Document{}, nil, ErrBusy
	}
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("make %s: panic: %v\n%s", r.URL.Path, fault, debug.Stack())
		}
	}()
	if k.Log != nil {
		k.Log.Debug(MadeMessage, "path", r.URL.Path)
	}
	// No header, query or cookie: a maker that looked at them would show one reader's page to all.
	bare := &http.Request{Method: http.MethodGet, Header: http.Header{},
		URL: &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath}}
	document, err = maker(ctx, bare.WithContext(ctx))
	return document, shown.Topics(), err
}

// find returns a cached page, and marks it as used.
func (k *Cache) find(key key) *entry {
	place := k.pages[key]
	if place == nil {
		return nil
	}
	k.order.MoveToFront(place)
	return place.Value.(*entry)
}

// store puts a page into the cache in place of the old one.
func (k *Cache) store(page *entry) {
	// The limiter belongs to the address. A new one for each version would never limit anything.
	if old := k.pages[page.key]; old != nil {
		page.renewals = old.Value.(*entry).renewals
		k.drop(old)
	} else {
		page.renewals = &renewals{rate.NewLimiter(rendersPerSecond, renderBurst),
			rate.NewLimiter(topicsPerSecond, renderBurst)}
	}
	// One page larger than a quarter of the cache would push out too much of the rest.
	if !slices.Contains(cachedStatus, page.status) || page.size > k.limit/4 {
		return
	}
	k.pages[page.key] = k.order.PushFront(page)
	k.size += page.size
	for k.size > k.limit {
		k.drop(k.order.Back())
	}
}

// cachedStatus are the statuses of which there are no more documents than somebody has written. Redirects and 404s
// are not among them: any number of addresses may lead to them.
var cachedStatus = []int{http.StatusOK, http.StatusGone}

func (k *Cache) drop(place *list.Element) {
	page := k.order.Remove(place).(*entry)
	delete(k.pages, page.key)
	k.size -= page.size
}

// prepared is a document with everything that can be computed before a request.
type prepared struct {
	status int
	plain  variant
	packed variant // gzip; without a body when that does not pay
	size   int

	current bool // see Document.Current
	isPage  bool // it is HTML
}

// variant is one encoding of a document. All responses share its header values, which never change.
type variant struct {
	body        []byte
	etag        string
	header      Headers // of the whole answer
	revalidated Headers // of a 304
}

type field struct {
	name   string
	values []string
}

// prepare computes the ETags, the headers and the compressed body.
func prepare(d Document) prepared {
	f := prepared{status: d.Status, current: d.Current,
		isPage: strings.HasPrefix(d.Header.Get("Content-Type"), "text/html")}
	if f.status == 0 {
		f.status = http.StatusOK
	}
	hash := sha256.New()
	d.Header.Write(hash)
	hash.Write(d.Body)
	tag := hex.EncodeToString(hash.Sum(nil)[:8])
	f.plain = newVariant(d, d.Body, `"`+tag+`"`, "")
	if packed := compress(d.Body); packed != nil {
		// Another encoding needs another strong ETag (RFC 9110, 8.8.3.3).
		f.packed = newVariant(d, packed, `"`+tag+`-gzip"`, "gzip")
	}
	f.size = len(f.plain.body) + len(f.packed.body) + overhead
	return f
}

// newVariant computes the headers of one encoding, for a full response and for a 304.
func newVariant(d Document, body []byte, etag, encoding string) variant {
	header := d.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", ForReaders)
	}
	if header.Get("Vary") == "" {
		header.Set("Vary", "Accept, Accept-Encoding")
	}
	header.Set("Etag", etag)
	v := variant{body: body, etag: etag}
	for _, name := range []string{"Cache-Control", "Etag", "Vary"} {
		// Clipped, so that a handler that appends to a header value copies it first.
		v.revalidated = append(v.revalidated, field{name, slices.Clip(header[name])})
	}
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	for name, values := range header {
		v.header = append(v.header, field{name, slices.Clip(values)})
	}
	return v
}

// send writes the encoding that the client accepts, or 304 when it has the document already (RFC 9110, 13.1.2).
func (f *prepared) send(w http.ResponseWriter, r *http.Request) {
	v := &f.plain
	if f.packed.body != nil && acceptsGzip(r.Header["Accept-Encoding"]) {
		v = &f.packed
	}
	header := w.Header()
	known := f.status == http.StatusOK && matchesTag(r.Header["If-None-Match"], v.etag)
	fields, status := v.header, f.status
	if known {
		fields, status = v.revalidated, http.StatusNotModified
	}
	fields.set(header)
	if hasSessionCookie(r) && header.Get("Cache-Control") == ForReaders {
		header["Cache-Control"] = forAuthors
	}
	w.WriteHeader(status)
	if !known && r.Method != http.MethodHead {
		w.Write(v.body)
	}
}

// ForReaders is the Cache-Control of pages that change when somebody writes. A browser asks each time whether its
// copy is fresh, which costs a 304 from memory. A shared cache may answer for a minute (RFC 9111, 5.2.2.10): a
// thousand servers fetch a new article at once. It is not no-cache, which would forbid that minute too.
const ForReaders = "public, max-age=0, must-revalidate, s-maxage=60"

// forAuthors keeps pages for authors out of shared caches.
var forAuthors = []string{"private, no-cache"}

// hasSessionCookie reports whether a request has the session cookie of the admin pages, which readers never get. The
// session need not be valid: the page is the same.
func hasSessionCookie(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Cookie"],
		func(cookie string) bool { return strings.Contains(cookie, SignInCookie+"=") })
}

// SignInCookie is the end of the name of the session cookie. Over https it has a prefix.
const SignInCookie = "causerie"

// matchesTag reports whether If-None-Match has the ETag. The comparison is weak (RFC 9110, 13.1.2), since a proxy
// that compresses a response also weakens its ETag.
func matchesTag(values []string, etag string) bool {
	for _, value := range values {
		for more := true; more; {
			var part string
			part, value, more = strings.Cut(value, ",")
			part = strings.TrimSpace(part)
			if part == "*" || strings.TrimPrefix(part, "W/") == etag {
				return true
			}
		}
	}
	return false
}
