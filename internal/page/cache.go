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
)

// Document is a finished answer: a page, a feed, an ActivityPub document.
type Document struct {
	Status int // 0 is 200
	// Content-Type, and whatever else belongs to it; ETag, Content-Length and the ordinary Vary and Cache-Control are
	// added
	Header http.Header
	Body   []byte

	// Current forbids the old document after a change, even under a storm of changes: each reader waits for the new one.
	Current bool
}

// Maker makes the document at the path of the request. It is given nothing but method and path (and what a router put
// into the context): what every reader gets cannot depend on who asks. An error means that it could not be made now;
// what is not there or is gone is a Document too, with status 404 or 410.
type Maker func(ctx context.Context, r *http.Request) (Document, error)

// ErrBusy is given to a reader whose page was not there and could not be begun in time. It is a 503.
var ErrBusy = errors.New("too many pages are being made at once")

const (
	pagesPerSecond = 4                      // how often one page is made anew while everything changes
	pagesAtOnce    = 3                      // and how often at once: single changes show at once
	patience       = 500 * time.Millisecond // how long the page that is there is held back for a newer one
	deadline       = 10 * time.Second       // for making one page
	makersAtOnce   = 16
	overhead       = 1 << 10 // what a kept page costs beside its bytes
	worthPacking   = 512     // bytes; smaller bodies are not compressed
)

// Cache keeps finished documents until something changes. One page is made by one request at a time while the others
// wait, or take the page that is there once waiting takes long. All documents together stay within a number of bytes;
// only what exists is kept, under its path alone, so that neither query strings nor made-up addresses fill it.
type Cache struct {
	// Log receives pages that could not be renewed; nil is slog.Default.
	Log *slog.Logger

	changes func() uint64
	limit   int
	now     func() time.Time
	slots   chan struct{}

	mu    sync.Mutex
	size  int
	order *list.List // of *entry; the most recently used is first
	pages map[key]*list.Element
	calls map[key]*call
}

// NewCache keeps at most limit bytes (64 MiB when 0). changes returns how often the store has changed so far: a page is
// fresh while that number is the one it was made at. It is asked on every request and must cost next to nothing.
func NewCache(changes func() uint64, limit int) *Cache {
	if limit <= 0 {
		limit = 64 << 20
	}
	return &Cache{changes: changes, limit: limit, now: time.Now, slots: make(chan struct{}, makersAtOnce),
		order: list.New(), pages: map[key]*list.Element{}, calls: map[key]*call{}}
}

// key is what a document is kept under. The same text as a path and as an encoded path is not the same address.
type key struct {
	kind, path string
	encoded    bool
}

// entry is a document ready to be sent.
type entry struct {
	finished
	key      key
	version  uint64
	renewals *rate.Limiter // how often it is made anew; it is handed on from one version of the page to the next
}

// call is the making of one page, which many may wait for.
type call struct {
	version uint64
	began   time.Time
	done    chan struct{}
	page    *entry // when done, unless err
	err     error
}

// Handler serves the documents of one kind ("html", "activity"): the same path may have one of each. fail tells the
// reader about an error of the maker; it must not keep the answer.
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

func keyOf(kind string, u *url.URL) key {
	if u.RawPath != "" {
		return key{kind, u.RawPath, true}
	}
	return key{kind, u.Path, false}
}

// page is the document to send: the kept one while it is fresh; else a new one, made here or by whoever came first;
// else, under a storm of changes or when making it fails, the old one.
func (k *Cache) page(r *http.Request, key key, maker Maker) (*entry, error) {
	version := k.changes()
	for {
		k.mu.Lock()
		page := k.touch(key)
		if page != nil && page.version >= version {
			k.mu.Unlock()
			return page, nil
		}
		under := k.calls[key]
		if under == nil {
			if page != nil && !page.current && !page.renewals.AllowN(k.now(), 1) {
				k.mu.Unlock()
				return page, nil
			}
			mine := &call{version: version, began: k.now(), done: make(chan struct{})}
			k.calls[key] = mine
			k.mu.Unlock()
			k.render(mine, r, key, page, maker)
			return mine.page, mine.err
		}
		k.mu.Unlock()
		if landed, err := k.await(r.Context(), under, page != nil && !page.current); err != nil {
			return nil, err
		} else if !landed {
			return page, nil
		}
		if under.version >= version {
			return under.page, under.err
		}
		// It was begun before the change that this reader may have made. The next one is not.
	}
}

// await waits for a call. With an old page to show instead (other), it waits no longer than patience.
func (k *Cache) await(ctx context.Context, f *call, other bool) (landed bool, err error) {
	limit := deadline + time.Second
	if other {
		limit = patience
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

// render makes the page. It goes on when its own reader leaves, since others may wait for it. When it fails and there
// is an old page, that one is shown and the failure logged.
func (k *Cache) render(f *call, r *http.Request, key key, old *entry, maker Maker) {
	document, err := k.made(r, maker)
	var page *entry
	if err == nil {
		page = &entry{finished: finish(document), key: key, version: f.version}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(f.done)
	delete(k.calls, key)
	switch {
	case err == nil:
		f.page = page
		k.put(page)
	case old != nil:
		log := k.Log
		if log == nil {
			log = slog.Default()
		}
		log.Error("a page could not be renewed; the old one is shown", "path", key.path, "error", err)
		f.page = old
	default:
		f.err = err
	}
}

// made calls the maker with a deadline of its own and turns a panic into an error.
func (k *Cache) made(r *http.Request, maker Maker) (document Document, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), deadline)
	defer cancel()
	select {
	case k.slots <- struct{}{}:
		defer func() { <-k.slots }()
	case <-ctx.Done():
		return Document{}, ErrBusy
	}
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("make %s: panic: %v\n%s", r.URL.Path, fault, debug.Stack())
		}
	}()
	bare := &http.Request{Method: http.MethodGet, Header: http.Header{},
		URL: &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath}}
	return maker(ctx, bare.WithContext(ctx))
}

// touch finds a page and notes that it was used.
func (k *Cache) touch(key key) *entry {
	place := k.pages[key]
	if place == nil {
		return nil
	}
	if k.order.Front() != place {
		k.order.MoveToFront(place)
	}
	return place.Value.(*entry)
}

// put keeps a page in the place of its elder. What is not there is not kept, and neither is what would push out a
// quarter of all the rest.
func (k *Cache) put(page *entry) {
	if elder := k.pages[page.key]; elder != nil {
		page.renewals = elder.Value.(*entry).renewals
		k.drop(elder)
	} else {
		page.renewals = rate.NewLimiter(pagesPerSecond, pagesAtOnce)
	}
	if !slices.Contains(keptStatus, page.status) || page.size > k.limit/4 {
		return
	}
	k.pages[page.key] = k.order.PushFront(page)
	k.size += page.size
	for k.size > k.limit {
		k.drop(k.order.Back())
	}
}

// keptStatus are the answers of which there are no more than things that were written. Redirects are not among them:
// any number of addresses may lead to one page.
var keptStatus = []int{http.StatusOK, http.StatusGone}

func (k *Cache) drop(place *list.Element) {
	page := k.order.Remove(place).(*entry)
	delete(k.pages, page.key)
	k.size -= page.size
}

// finished is a document with everything that can be worked out before somebody asks for it.
type finished struct {
	status int
	plain  variant
	packed variant // gzip; without a body when that does not pay
	size   int

	current bool // see Document.Current
}

// variant is one encoding of a document. Its header values are shared by all answers and never changed.
type variant struct {
	body   []byte
	etag   string
	header []field // of the whole answer
	notice []field // of a 304
}

type field struct {
	name   string
	values []string
}

func finish(d Document) finished {
	f := finished{status: d.Status, current: d.Current}
	if f.status == 0 {
		f.status = http.StatusOK
	}
	hash := sha256.New()
	d.Header.Write(hash)
	hash.Write(d.Body)
	tag := hex.EncodeToString(hash.Sum(nil)[:8])
	f.plain = newVariant(d, d.Body, `"`+tag+`"`, "")
	if packed := pack(d.Body); packed != nil {
		f.packed = newVariant(d, packed, `"`+tag+`-gzip"`, "gzip")
	}
	f.size = len(f.plain.body) + len(f.packed.body) + overhead
	return f
}

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
		v.notice = append(v.notice, field{name, slices.Clip(header[name])})
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

// send writes the variant that the reader can take, or says that they have it already (RFC 9110, 13.1.2).
func (f *finished) send(w http.ResponseWriter, r *http.Request) {
	v := &f.plain
	if f.packed.body != nil && takesGzip(r.Header["Accept-Encoding"]) {
		v = &f.packed
	}
	header := w.Header()
	known := f.status == http.StatusOK && has(r.Header["If-None-Match"], v.etag)
	fields, status := v.header, f.status
	if known {
		fields, status = v.notice, http.StatusNotModified
	}
	for _, field := range fields {
		header[field.name] = field.values
	}
	if bySomebodySignedIn(r) && header.Get("Cache-Control") == ForReaders {
		header["Cache-Control"] = forAuthors
	}
	w.WriteHeader(status)
	if !known && r.Method != http.MethodHead {
		w.Write(v.body)
	}
}

// ForReaders is the Cache-Control of what changes when somebody writes. A browser asks each time whether its copy is
// still good, which costs a 304 from memory. A shared cache may answer for a minute, and no longer (RFC 9111,
// 5.2.2.10): a thousand servers that crawl a new article ask for it at once. It does not say no-cache, which would
// forbid shared caches to answer too.
const ForReaders = "public, max-age=0, must-revalidate, s-maxage=60"

// forAuthors keeps what authors are shown out of shared caches as well.
var forAuthors = []string{"private, no-cache"}

// bySomebodySignedIn reports whether a request carries the session cookie of the admin pages. Readers never get one.
// Whether the session is still valid does not matter here: the page is the same.
func bySomebodySignedIn(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Cookie"],
		func(cookie string) bool { return strings.Contains(cookie, SignInCookie+"=") })
}

// SignInCookie is the end of the name of the admin pages' session cookie; over https a prefix stands before it.
const SignInCookie = "causerie"

// has reports whether If-None-Match names the tag. The comparison is weak (RFC 9110, 13.1.2), because a proxy that
// compresses an answer also weakens its tag.
func has(values []string, etag string) bool {
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
