package documents

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// openToAll reports whether a path is open without a signature even with authorized-fetch:
//
//   - the inboxes, which show nothing,
//   - the instance actor, without whose key no server could sign a request that we can verify,
//   - authorizations, which prove to third parties what may quote, reply or feature.
func openToAll(path string) bool {
	return strings.HasSuffix(path, "/inbox") || path == "/ap/instance" || strings.HasPrefix(path, "/ap/instance/") ||
		strings.HasPrefix(path, "/ap/authorizations/")
}

// readerKey is the key of the verified reader in the context of a request.
type readerKey struct{}

// guarded serves next to readers who may read documents of this site. With authorized-fetch (contract F-095) a reader
// signs the request and is not blocked. Without a signature a reader gets a stub of an actor, and 401 elsewhere. What
// is gone answers everybody that it is: other servers delete it only then, and some of them ask without a signature
// (contract F-128).
func (d *Documents) guarded(next http.Handler) http.Handler {
	// The stub has the key: a server in the same mode must read our key before it can verify our request for its key.
	stub := d.serveAs("stub of ", d.stub)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if !d.AuthorizedFetch || !reads || openToAll(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		gone, err := d.isGone(r)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		// A cache must not give the answer for one reader to another.
		w = &bySignature{ResponseWriter: w, personal: isSigned(r)}
		switch {
		case strings.HasPrefix(r.URL.Path, "/ap/") && activity.PrefersPage(r.Header.Values("Accept")) && d.toPage(w, r):
		case gone:
			next.ServeHTTP(w, r)
		case isSigned(r):
			if reader, ok := d.reader(w, r); ok {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), readerKey{}, reader)))
			}
		case d.isActor(r.URL.Path):
			stub(w, r)
		default:
			refuseReader(w, "sign the request")
		}
	})
}

// isGone reports whether the post at an address was taken back.
func (d *Documents) isGone(r *http.Request) (bool, error) {
	var err error
	if blog.SlugIn(r.URL.Path) != "" {
		_, err = d.articleAtPage(r.Context(), r)
	} else if kind, id, rest, ok := d.Site.Local(d.Site.URL + r.URL.Path); ok && rest == "" &&
		(kind == "articles" || kind == "notes") {
		_, _, err = d.objectOf(r.Context(), id)
	}
	if errors.Is(err, blog.ErrGone) {
		return true, nil
	}
	return false, federation.IgnoreMissing(err)
}

func refuseReader(w http.ResponseWriter, why string) {
	w.Header().Set("WWW-Authenticate", `Signature headers="(request-target) host date"`)
	federation.WriteError(w, http.StatusUnauthorized, why)
}

// reader verifies a signed request and returns who sent it. A request that may not be answered is refused here. A
// blocked reader gets 404 for everything.
func (d *Documents) reader(w http.ResponseWriter, r *http.Request) (reader string, ok bool) {
	reader, err := d.readerOf(r)
	switch {
	case errors.Is(err, federation.ErrBlocked):
		nothingHere(w)
		return "", false
	case err != nil && federation.Temporary(err):
		// The server of the key does not answer now. A 401 would be final for the reader.
		w.Header().Set("Retry-After", "60")
		federation.WriteError(w, http.StatusServiceUnavailable,
			"the key of the signature cannot be fetched now: "+err.Error())
		return "", false
	case federation.Internal(err):
		d.fail(w, r, err)
		return "", false
	case err != nil:
		refuseReader(w, err.Error())
		return "", false
	}
	switch blocked, err := d.Blocked(r.Context(), d.Store, reader); {
	case err != nil:
		d.fail(w, r, err)
	case blocked:
		nothingHere(w)
	default:
		return reader, true
	}
	return "", false
}

// isActor reports whether a path is the address of a voice, under /ap/ or as a page.
func (d *Documents) isActor(path string) bool {
	kind, _, rest, ok := d.Site.Local(d.Site.URL + path)
	return ok && kind == "actors" && rest == "" || path == "/" || blog.HandleIn(path) != "" || blog.SeriesIn(path) != ""
}

// isPermission reports whether a path is that of an authorization, or of a collection that lists some of ours.
func (d *Documents) isPermission(path string) bool {
	kind, _, rest, ok := d.Site.Local(d.Site.URL + path)
	return ok && (kind == "authorizations" || kind == "actors" && strings.HasPrefix(rest+"/", "collections/"))
}

// stub returns what a reader without a signature gets of a voice. The front page of a blog without a voice of its own
// belongs to the instance actor.
func (d *Documents) stub(ctx context.Context, r *http.Request) ([]byte, error) {
	voice, err := d.VoiceOf(ctx, d.Store, d.Site.Page(r.URL.Path))
	switch {
	case errors.Is(err, blog.ErrNotFound) && r.URL.Path == "/":
		return d.instance(ctx, r)
	case err != nil:
		return nil, err
	// A Tombstone says nothing private, and other servers fetch it to confirm a Delete.
	case voice.RetiredAt != nil:
		return d.person(ctx, voice)
	case !strings.HasPrefix(r.URL.Path, "/ap/") && d.Site.VoicePage(voice) != d.Site.Page(r.URL.Path):
		return nil, elsewhere(d.Site.ActorID(voice.ID))
	}
	return activity.Stub(d.Site, voice)
}

// bySignature is the answer to a request whose signature matters. No cache may keep one for a signed request.
type bySignature struct {
	http.ResponseWriter
	personal, wroteHeader bool
}

func (b *bySignature) WriteHeader(status int) {
	if header := b.Header(); !b.wroteHeader {
		// An error comes without a Vary header.
		vary := header.Get("Vary")
		if vary == "" {
			vary = "Accept"
		}
		header.Set("Vary", vary+", Signature")
		if b.personal {
			header.Set("Cache-Control", "private, no-store")
		}
	}
	b.wroteHeader = true
	b.ResponseWriter.WriteHeader(status)
}

func (b *bySignature) Write(body []byte) (int, error) {
	if !b.wroteHeader {
		b.WriteHeader(http.StatusOK)
	}
	return b.ResponseWriter.Write(body)
}

func isSigned(r *http.Request) bool { return signature.Present(r.Header) }

// serveToReaders is serve for documents that some may read only with a signature: followers-only articles and private
// answers.
func (d *Documents) serveToReaders(build builder) http.HandlerFunc {
	public := d.serve(build)
	return func(w http.ResponseWriter, r *http.Request) {
		if !isSigned(r) || !d.toReader(w, r) {
			public(w, r)
		}
	}
}

// toReader serves what is not public to somebody who may read it: to whom it is addressed, and a followers-only article
// to a follower of its author. It reports false for anything else.
func (d *Documents) toReader(w http.ResponseWriter, r *http.Request) bool {
	found, err := d.find(r.Context(), blog.ID(chi.URLParam(r, "object")))
	if err == nil && !found.private() || errors.Is(err, blog.ErrGone) {
		return false
	}
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		d.fail(w, r, err)
		return true
	}
	// The signature is verified even when there is no such document: the fetch of the key must not reveal that there is
	// one. The same holds for the answer when the key cannot be looked up here.
	reader, unverified := d.readerOf(r)
	if federation.Internal(unverified) {
		d.fail(w, r, unverified)
		return true
	}
	if unverified != nil || err != nil {
		return false
	}
	reads, err := d.mayRead(r.Context(), found, reader)
	if err != nil {
		d.fail(w, r, err) // a 404 means to the reader's server that the document was deleted
		return true
	}
	if !reads {
		return false
	}
	d.personal(w, r, found.Object)
	return true
}

// readerOf returns who sent a request. guarded may have verified the signature already.
func (d *Documents) readerOf(r *http.Request) (string, error) {
	if reader, ok := r.Context().Value(readerKey{}).(string); ok {
		return reader, nil
	}
	return d.keys.Signer(r, nil, "")
}

// mayRead reports whether an actor may read a document that is not public.
func (d *Documents) mayRead(ctx context.Context, found foundObject, reader string) (bool, error) {
	if blocked, err := d.Blocked(ctx, d.Store, reader); blocked || err != nil {
		return false, err
	}
	if activity.IsAddressedTo(found.Payload, reader) {
		return true, nil
	}
	if found.answered {
		return false, nil
	}
	follower, err := d.Store.Follower(ctx, found.article.VoiceID, reader)
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	return err == nil && follower.State != blog.Pending, err
}

// personal serves an object that is not public to one reader.
func (d *Documents) personal(w http.ResponseWriter, r *http.Request, object store.Object) {
	if _, wrapped := w.(*bySignature); !wrapped {
		w = &bySignature{ResponseWriter: w, personal: true}
	}
	w.Header().Set("Content-Type", activity.MediaType(r.Header.Values("Accept")))
	w.Write(object.Payload)
}
