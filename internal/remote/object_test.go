package remote

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/activity"
	"causerie/internal/signature"
)

const activityJSON = "application/activity+json"

// library is a server with documents of every kind at its addresses, and another one that has what it is asked for.
func library(t *testing.T) (near, far *server) {
	answer := func(kind, format string, args ...any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			fmt.Fprintf(w, format, args...)
		}
	}
	lead := func(to func() string, status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to(), status) }
	}
	pages := http.NewServeMux()
	near = serve(t, "127.0.0.1:0", pages.ServeHTTP)
	far = serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		document(`{"id":"%s%s"}`, far.URL, r.URL.Path)(w, r)
	})
	good := fmt.Sprintf(`{"id":"%s/good","type":"Person"}`, near.URL)
	pages.HandleFunc("/good", answer(activityJSON, "%s", good))
	pages.HandleFunc("/@bram", answer(activityJSON, "%s", good))
	pages.HandleFunc("/moved", lead(func() string { return "/good" }, 302))
	pages.HandleFunc("/away", lead(func() string { return far.URL + "/users/nadia" }, 301))
	pages.HandleFunc("/stolen", answer(activityJSON, `{"id":"%s/users/nadia"}`, far.URL))
	pages.HandleFunc("/stolen-scheme", answer(activityJSON, `{"id":"https%s/good"}`, strings.TrimPrefix(near.URL, "http")))
	pages.HandleFunc("/in-circles", answer(activityJSON, `{"id":"%s/in-circles-2"}`, near.URL))
	pages.HandleFunc("/in-circles-2", answer(activityJSON, `{"id":"%s/in-circles"}`, near.URL))
	pages.HandleFunc("/me", answer(activityJSON, `{"id":"%s/me#me"}`, near.URL))
	for path, kind := range map[string]string{
		"/profile":      `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`,
		"/two-profiles": `application/ld+json;profile="http://x https://www.w3.org/ns/activitystreams"`,
		"/charset":      "application/activity+json; charset=UTF-8",
		"/bare-ld":      "application/ld+json", "/json": "application/json", "/text": "text/plain", "/html": "text/html",
		"/none": "", "/latin": "application/activity+json; charset=latin1", "/nonsense": ";;;",
		"/octets": "application/octet-stream", "/picture": "image/png",
	} {
		pages.HandleFunc(path, answer(kind, `{"id":"%s%s"}`, near.URL, path))
	}
	for path, body := range map[string]string{
		"/array": `[%q]`, "/text-only": `%q`, "/empty": ``, "/null": `null`, "/two": `{"id":%q}{}`,
		"/bom":   "\ufeff{\"id\":%q}",
		"/no-id": `{"type":"Note"}`, "/null-id": `{"id":null}`, "/number-id": `{"id":5}`, "/list-id": `{"id":[%q]}`,
		"/upper-id": `{"ID":%q}`, "/two-ids": `{"id":"x","id":%q}`, "/deep-twice": `{"id":%q,"object":{"a":[{"b":1,"b":2}]}}`,
		"/cut-off": `{"id":%q`, "/not-utf-8": "{\"id\":%q,\"x\":\"\xff\"}", "/nul": "{\"id\":%q}\x00",
		"/html-page": "<!DOCTYPE html>",
	} {
		if strings.Contains(body, "%q") {
			body = fmt.Sprintf(body, near.URL+path)
		}
		pages.HandleFunc(path, answer(activityJSON, "%s", body))
	}
	for _, status := range []int{201, 204, 206, 300, 304, 400, 401, 403, 404, 406, 408, 410, 425, 429, 500, 501, 502,
		503} {
		pages.HandleFunc(fmt.Sprintf("/status-%d", status), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", activityJSON)
			w.WriteHeader(status)
		})
	}

	return near, far
}

// told is what comes of asking for a document: its id, or an error.
type told struct {
	path, id string
	want     error
}

func ask(t *testing.T, questions ...told) {
	t.Helper()
	near, _ := library(t)
	for _, test := range questions {
		doc, err := client(t, Options{}).Object(t.Context(), near.URL+test.path)
		if !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", test.path, err, test.want)
		}
		if want := near.URL + test.id; err == nil && doc.ID() != want {
			t.Errorf("%s: got %s, want %s", test.path, doc.ID(), want)
		}
		if err != nil && doc != nil {
			t.Errorf("%s: %s beside an error", test.path, doc.ID())
		}
	}
}

// useless are addresses at which there is no document that could be used.
func useless(paths ...string) []told {
	list := make([]told, len(paths))
	for i, path := range paths {
		list[i] = told{path, "", ErrNotActivity}
	}
	return list
}

func TestF097ADocumentCountsOnlyAtItsOwnID(t *testing.T) {
	ask(t, append(useless("/stolen", "/stolen-scheme", "/in-circles"), told{"/good", "/good", nil},
		told{"/good#main-key", "/good", nil}, told{"/@bram", "/good", nil},
		told{"/moved", "/good", nil}, told{"/me#me", "/me#me", nil}, told{"/me", "/me#me", nil})...)
}

func TestT035ADocumentElsewhereIsThatOfElsewhere(t *testing.T) {
	near, far := library(t)
	ask(t, useless("/stolen")...)
	doc, err := client(t, Options{}).Object(t.Context(), near.URL+"/away")
	if want := far.URL + "/users/nadia"; err != nil || doc.ID() != want {
		t.Errorf("got %v, %v", doc, err)
	}
	if _, err := client(t, Options{}).Lookup(t.Context(), near.URL+"/away"); !errors.Is(err, ErrNotActivity) {
		t.Errorf("whoever looks up a stranger's key got %v", err)
	}
}

func TestF096OnlyTheMediaTypesOfActivityPubAreRead(t *testing.T) {
	ask(t, append(useless("/text", "/html", "/json", "/picture", "/none", "/octets", "/nonsense", "/latin"),
		told{"/profile", "/profile", nil},
		told{"/two-profiles", "/two-profiles", nil}, told{"/charset", "/charset", nil})...)
}

func TestT044AnUploadedFileIsNoDocument(t *testing.T) {
	ask(t, useless("/text", "/json", "/bare-ld", "/octets", "/picture")...)
}

func TestT086WrongAnswersAreErrorsAndNothingMore(t *testing.T) {
	ask(t, append(useless("/array", "/text-only", "/empty", "/null", "/two", "/bom", "/no-id", "/null-id", "/number-id",
		"/list-id", "/upper-id", "/two-ids",
		"/deep-twice", "/cut-off", "/not-utf-8", "/nul", "/html-page", "/json", "/text", "/html", "/none", "/latin",
		"/nonsense", "/octets", "/picture",
		"/status-201", "/status-204", "/status-206", "/status-300", "/status-304"),
		told{"/status-400", "", ErrForbidden}, told{"/status-401", "", ErrForbidden}, told{"/status-403", "", ErrForbidden},
		told{"/status-406", "", ErrForbidden},
		told{"/status-404", "", ErrNotFound}, told{"/status-410", "", ErrGone}, told{"/status-501", "", ErrForbidden},
		told{"/status-408", "", ErrUnavailable}, told{"/status-425", "", ErrUnavailable},
		told{"/status-429", "", ErrUnavailable},
		told{"/status-500", "", ErrUnavailable}, told{"/status-502", "", ErrUnavailable},
		told{"/status-503", "", ErrUnavailable})...)
}

func TestAFetchedDocumentIsReadAsOneThatWasSent(t *testing.T) {
	var body string
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", activityJSON)
		io.WriteString(w, body)
	})
	c := client(t, Options{})
	for name, test := range map[string]struct {
		members string
		sound   bool
	}{
		"half an emoji":     {`"content":"\ud83d cut"`, true},
		"a huge number":     {`"x":1e999`, true},
		"32 levels":         {`"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31), true},
		"33 levels":         {`"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32), false},
		"1,001 items":       {`"to":["a"` + strings.Repeat(`,"a"`, 1000) + `]`, false},
		"a NUL":             {`"content":"\u0000"`, true},
		"@graph":            {`"@graph":[]`, false},
		"a name twice":      {`"x":{"a":1,"a":2}`, false},
		"a long text":       {`"content":"` + strings.Repeat("x", 256<<10) + `"`, true},
		"a longer text":     {`"content":"` + strings.Repeat("x", 256<<10+1) + `"`, false},
		"an unknown escape": {`"content":"\x41"`, false},
	} {
		body = fmt.Sprintf(`{"id":"%s/note",%s}`, near.URL, test.members)
		if _, err := activity.Read([]byte(body)); (err == nil) != test.sound {
			t.Errorf("%s, sent: got %v", name, err)
		}
		_, err := c.Object(t.Context(), near.URL+"/note")
		if (err == nil) != test.sound || err != nil && !errors.Is(err, ErrNotActivity) {
			t.Errorf("%s, fetched: got %v", name, err)
		}
	}
}

func TestT080AFetchIsSignedByTheInstanceAtEachHop(t *testing.T) {
	find := func(context.Context, string) (crypto.PublicKey, error) { return instanceKey().Private.Public(), nil }
	check := func(r *http.Request) error {
		if r.Header.Get("User-Agent") != agent || r.Header.Get("Accept") != acceptActivity ||
			r.Header.Get("Accept-Encoding") != "gzip" {
			return fmt.Errorf("header %v", r.Header)
		}
		_, err := signature.Verify(r, nil, []*url.URL{{Scheme: "http", Host: r.Host}}, time.Now(), signature.Keys{Find: find})
		return err
	}
	far := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if err := check(r); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		document(`{"id":"http://%s%s"}`, r.Host, r.URL)(w, r)
	})
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if err := check(r); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, far.URL+"/users/nadia?a=%2F", http.StatusFound)
	})
	if _, err := client(t, Options{Key: instanceKey()}).Object(t.Context(), near.URL+"/users/nadia"); err != nil {
		t.Error(err)
	}
	if _, err := client(t, Options{}).Object(t.Context(), far.URL+"/users/nadia"); !errors.Is(err, ErrForbidden) {
		t.Errorf("without a key: got %v", err)
	}
}

// misleading are pages that lead elsewhere, to private places and in circles.
func misleading(t *testing.T) (near, bait *server) {
	bait = serve(t, forbidden+":0", document("{}"))
	pages := http.NewServeMux()
	near = serve(t, "127.0.0.1:0", pages.ServeHTTP)
	for path, to := range map[string]string{
		"/private": bait.URL, "/metadata": "http://169.254.169.254/latest/meta-data/",
		"/mapped": "http://[::ffff:127.0.0.2]/", "/disguised": "http://2130706434/",
		"/file": "file:///etc/passwd", "/gopher": "gopher://127.0.0.1:70/", "/data": "data:application/activity+json,{}",
		"/ftp":  "ftp://127.0.0.1/",
		"/user": "http://a@" + near.Listener.Addr().String() + "/", "/broken": "http://%zz/", "/loop-a": "/loop-b",
		"/loop-b": "/loop-a",
		"/4":      "/3", "/3": "/2", "/2": "/1", "/1": "/0",
	} {
		pages.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})
	}
	pages.HandleFunc("/0", document(`{"id":"%s/0"}`, near.URL))
	pages.HandleFunc("/nowhere", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusFound) })
	// Three redirects, and then an id that would have to be asked for: a fourth hop.
	pages.HandleFunc("/a3", func(w http.ResponseWriter,
		r *http.Request) {
		http.Redirect(w, r, "/a2", http.StatusTemporaryRedirect)
	})
	pages.HandleFunc("/a2", func(w http.ResponseWriter,
		r *http.Request) {
		http.Redirect(w, r, "/a1", http.StatusPermanentRedirect)
	})
	pages.HandleFunc("/a1", func(w http.ResponseWriter,
		r *http.Request) {
		http.Redirect(w, r, "/a0", http.StatusSeeOther)
	})
	pages.HandleFunc("/a0", document(`{"id":"%s/0"}`, near.URL))
	return near, bait
}

// led is a page to start from, the error it ends in, and how many requests it took.
type led struct {
	path     string
	want     error
	requests int64
}

func follow(t *testing.T, journeys ...led) {
	t.Helper()
	near, bait := misleading(t)
	for _, test := range journeys {
		near.requests.Store(0)
		_, err := client(t, Options{}).Object(t.Context(), near.URL+test.path)
		if !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", test.path, err, test.want)
		}
		if got := near.requests.Load(); got != test.requests {
			t.Errorf("%s: %d requests, want %d", test.path, got, test.requests)
		}
	}
	if bait.connections.Load() != 0 {
		t.Error("a forbidden server was reached")
	}
}

func TestT068NoRedirectLeadsToAPrivatePlace(t *testing.T) {
	follow(t, led{"/private", ErrRefused, 1}, led{"/metadata", ErrRefused, 1}, led{"/mapped", ErrRefused, 1},
		led{"/disguised", ErrRefused, 1})
}

func TestT069NoRedirectLeadsToAnotherScheme(t *testing.T) {
	follow(t, led{"/file", ErrRefused, 1}, led{"/gopher", ErrRefused, 1}, led{"/data", ErrRefused, 1},
		led{"/ftp", ErrRefused, 1}, led{"/user", ErrRefused, 1},
		led{"/broken", ErrRefused, 1}, led{"/nowhere", ErrNotActivity, 1})
}

func TestT079RedirectsAndIDsShareOneCount(t *testing.T) {
	follow(t, led{"/3", nil, 4}, led{"/4", ErrRefused, 4}, led{"/loop-a", ErrRefused, 4}, led{"/a2", nil, 4},
		led{"/a3", ErrRefused, 4})
}

func TestT069HttpsNeverLeadsToHttp(t *testing.T) {
	plain := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		document(`{"id":"http://%s%s"}`, r.Host, r.URL.Path)(w, r)
	})
	port := plain.URL[strings.LastIndex(plain.URL, ":"):]
	secure := start(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.URL.Query().Get("to")+port+"/", http.StatusFound)
	})
	secure.StartTLS()
	names := &nameServer{answers: map[string][][]string{"example.com": {{"127.0.0.1"}}}}
	c := client(t, Options{})
	names.resolve(t, c)
	trust(c, secure)
	named := "https://example.com" + secure.URL[strings.LastIndex(secure.URL, ":"):]
	if _, err := c.Object(t.Context(), named+"/?to=127.0.0.1"); !errors.Is(err, ErrRefused) {
		t.Errorf("from a name to a number: got %v", err)
	}
	if _, err := c.Object(t.Context(), secure.URL+"/?to=example.com"); !errors.Is(err, ErrRefused) {
		t.Errorf("from a number to a name: got %v", err)
	}
	if plain.connections.Load() != 0 {
		t.Error("http was asked")
	}
	if _, err := c.Object(t.Context(), secure.URL+"/?to=127.0.0.1"); err != nil {
		t.Errorf("between allowed numbers: got %v", err)
	}
}

func TestT081CertificatesAreChecked(t *testing.T) {
	secure := start(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		document(`{"id":"https://%s%s"}`, r.Host, r.URL.Path)(w, r)
	})
	secure.StartTLS()
	c := client(t, Options{})
	_, err := c.Object(t.Context(), secure.URL+"/users/bram")
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(),
		"its certificate is from an authority that we do not know") {
		t.Errorf("self-signed: got %v", err)
	}
	if secure.requests.Load() != 0 {
		t.Error("it was asked all the same")
	}
	c = client(t, Options{})
	trust(c, secure)
	if _, err := c.Object(t.Context(), secure.URL+"/users/bram"); err != nil {
		t.Errorf("trusted: %v", err)
	}
	names := &nameServer{answers: map[string][][]string{"dijla.example": {{"127.0.0.1"}}}}
	c = client(t, Options{})
	trust(c, secure)
	names.resolve(t, c)
	_, err = c.Object(t.Context(), "https://dijla.example"+secure.URL[strings.LastIndex(secure.URL, ":"):]+"/")
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "its certificate is for another name") {
		t.Errorf("another name: got %v", err)
	}
}

// padded is a document of so many bytes, under this id. No string in it is too long for a document.
func padded(id string, size int) string {
	const length = 64 << 10
	head := fmt.Sprintf(`{"id":"%s","x":[`, id)
	full := strings.Repeat(`"`+strings.Repeat("x", length)+`",`, (size-len(head))/(length+3)-1)
	rest := size - len(head) - len(full) - len(`""]}`)
	return head + full + `"` + strings.Repeat("x", rest) + `"]}`
}

// torrent answers with bodies at the limit and beyond it, and counts what it could send of an endless one.
func torrent(t *testing.T) (near *server, sent *atomic.Int64) {
	sent = &atomic.Int64{}
	send := func(w http.ResponseWriter, r *http.Request, size int, packed bool) {
		w.Header().Set("Content-Type", activityJSON)
		body := padded("http://"+r.Host+r.URL.Path, size)
		if !packed {
			io.WriteString(w, body)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		io.WriteString(zip, body)
		zip.Close()
	}
	near = serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/full":
			send(w, r, maxDocument, false)
		case "/over":
			send(w, r, maxDocument+1, false)
		case "/full-gzip":
			send(w, r, maxDocument, true)
		case "/over-gzip":
			send(w, r, maxDocument+1, true)
		case "/endless":
			w.Header().Set("Content-Type", activityJSON)
			w.Header().Set("Content-Length", "999999999999")
			for chunk := bytes.Repeat([]byte(" "), 64<<10); r.Context().Err() == nil; {
				n, err := w.Write(chunk)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Type", activityJSON)
			w.Header().Set("Content-Encoding", "gzip")
			zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
			for chunk := make([]byte, 1<<20); r.Context().Err() == nil; {
				if _, err := zip.Write(chunk); err != nil {
					return
				}
			}
		case "/twice-gzip":
			w.Header().Set("Content-Type", activityJSON)
			w.Header().Set("Content-Encoding", "gzip, gzip")
		case "/brotli":
			w.Header().Set("Content-Type", activityJSON)
			w.Header().Set("Content-Encoding", "br")
		case "/no-gzip":
			w.Header().Set("Content-Type", activityJSON)
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "certainly not compressed")
		case "/header":
			w.Header().Set("X", strings.Repeat("x", 65<<10))
		}
	})
	return near, sent
}

func drink(t *testing.T, near *server, want map[string]error) {
	t.Helper()
	for path, want := range want {
		_, err := client(t, Options{Lookup: 5 * time.Second}).Object(t.Context(), near.URL+path)
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
}

func TestT077ABodyHasALimitWhateverItsContentLength(t *testing.T) {
	near, sent := torrent(t)
	drink(t, near, map[string]error{"/full": nil, "/over": ErrNotActivity, "/endless": ErrNotActivity,
		"/header": ErrUnavailable})
	if got := sent.Load(); got > 16<<20 { // what was read, and what the sockets held
		t.Errorf("%d bytes of an endless body were taken", got)
	}
}

func TestT078ACompressedBodyIsCountedUnpacked(t *testing.T) {
	near, _ := torrent(t)
	drink(t, near, map[string]error{"/full-gzip": nil, "/over-gzip": ErrNotActivity, "/bomb": ErrNotActivity,
		"/twice-gzip": ErrNotActivity,
		"/brotli":     ErrNotActivity, "/no-gzip": ErrNotActivity})
}

func TestT076OneDeadlineCoversAWholeCall(t *testing.T) {
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			hang(w, r)
		case "/drip":
			w.Header().Set("Content-Type", activityJSON)
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		default: // three redirects, each slow, none too slow by itself
			time.Sleep(150 * time.Millisecond)
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}
	})
	for path, words := range map[string]string{
		"/silent": "no complete answer within 400ms", "/drip": "no complete answer within 400ms",
		"/slow": "no complete answer within 400ms",
	} {
		start := time.Now()
		_, err := client(t, Options{Lookup: 400 * time.Millisecond}).Object(t.Context(), near.URL+path)
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: got %v", path, err)
		}
		if took := time.Since(start); took < 350*time.Millisecond || took > 2*time.Second {
			t.Errorf("%s took %v", path, took)
		}
	}
	_, err := client(t, Options{Header: 200 * time.Millisecond}).Object(t.Context(), near.URL+"/silent")
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "no answer within 200ms") {
		t.Errorf("a silent server: got %v", err)
	}
}

func TestACancelledCallSaysNothingAboutTheServer(t *testing.T) {
	near := serve(t, "127.0.0.1:0", hang)
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	c := client(t, Options{Lookup: 500 * time.Millisecond}) // a shared question goes on that long
	if _, err := c.Object(soon(), near.URL); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
		t.Errorf("Object: got %v", err)
	}
	if _, err := c.Post(soon(), near.URL, nil, instanceKey()); !errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, ErrUnavailable) {
		t.Errorf("Post: got %v", err)
	}
	if _, err := c.Lookup(soon(), near.URL); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
		t.Errorf("Lookup: got %v", err)
	}
}

func TestT074AnEncodedLineBreakMakesOneRequest(t *testing.T) {
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Evil") != "" || r.RequestURI != "/a%0d%0aX-Evil:%201" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		document(`{"id":"http://%s%s"}`, r.Host, r.RequestURI)(w, r)
	})
	if _, err := client(t, Options{}).Object(t.Context(), near.URL+"/a%0d%0aX-Evil:%201"); err != nil ||
		near.requests.Load() != 1 {
		t.Errorf("got %v after %d requests", err, near.requests.Load())
	}
}

func TestT072AClosedAndAnOpenForbiddenPortLookAlike(t *testing.T) {
	bait := serve(t, forbidden+":0", document("{}"))
	c := client(t, Options{})
	_, open := c.Object(t.Context(), bait.URL)
	bait.Close()
	_, closed := c.Object(t.Context(), bait.URL)
	if open == nil || closed == nil || open.Error() != closed.Error() || bait.connections.Load() != 0 {
		t.Errorf("open: %v; closed: %v", open, closed)
	}
}

func TestT256ADocumentOfAnotherProfileIsRefused(t *testing.T) {
	for kind, ok := range map[string]bool{
		activityJSON: true,
		`application/activity+json; profile="https://www.w3.org/ns/activitystreams"`:                    true,
		`application/activity+json; profile="https://example.org/other"`:                                false,
		`application/activity+json; profile="https://www.w3.org/ns/activitystreams https://b.example"`:  true,
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`:                          true,
		`application/ld+json; profile="https://example.org/other"`:                                      false,
		"application/ld+json; profile=https://www.w3.org/ns/activitystreams":                            true,
		"application/ld+json;profile=https://www.w3.org/ns/activitystreams;charset=utf-8":               true,
		`application/ld+json; profile='https://www.w3.org/ns/activitystreams'`:                          true,
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams#"`:                         true,
		`application/ld+json; profile="http://www.w3.org/ns/activitystreams"`:                           true,
		"application/ld+json; profile=https://example.org/other":                                        false,
		"application/ld+json; profile=https://www.w3.org/ns/activitystreams; profile=https://b.example": false,
		"application/activity+json; profile=https://example.org/other":                                  false,
		"application/activity+json; charset=latin1; x=https://a.example":                                false,
		"application/activity+json, text/html":                                                          false,
		`application/ld+json`:                                                                           false,
	} {
		near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			fmt.Fprintf(w, `{"id":"http://%s%s","type":"Note"}`, r.Host, r.URL.Path)
		})
		if _, err := client(t, Options{}).Object(t.Context(), near.URL+"/1"); (err == nil) != ok {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
