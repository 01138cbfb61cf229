package remote

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/signature"
)

var payload = []byte(`{"type":"Create","object":{"name":"Four minutes wide"}}`)

// inbox takes deliveries that are signed as they should be.
func inbox(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	find := func(context.Context, string) (crypto.PublicKey, error) { return instanceKey().Private.Public(), nil }
	if _, err := signature.Verify(r, body, []*url.URL{{Scheme: "http", Host: r.Host}}, time.Now(),
		signature.Keys{Find: find}); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != activityJSON ||
		r.Header.Get("Accept") != activityJSON ||
		r.Header.Get("User-Agent") != agent || !bytes.Equal(body, payload) || r.Header["Idempotency-Key"] != nil {
		http.Error(w, fmt.Sprint(r.Header), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func TestADeliveryIsSignedAndAccepted(t *testing.T) {
	near := serve(t, "127.0.0.1:0", inbox)
	answer, err := client(t, Options{}).Post(t.Context(), near.URL+"/inbox?for=bram%2F", payload, instanceKey())
	if err != nil || answer.Status != http.StatusAccepted || answer.Took <= 0 {
		t.Errorf("got %+v, %v", answer, err)
	}
}

// All requests are signed by a few goroutines, which must survive a key that makes one of them panic.
func TestAKeyThatPanicsStopsNobodyElse(t *testing.T) {
	near := serve(t, "127.0.0.1:0", inbox)
	c := client(t, Options{})
	broken := signature.Key{ID: instanceKey().ID, Private: panicking{instanceKey().Private}}
	for range 2 * runtime.GOMAXPROCS(0) {
		func() {
			defer func() {
				if got := recover(); got != "a broken key" {
					t.Errorf("whoever signs with it gets %v", got)
				}
			}()
			c.Post(t.Context(), near.URL+"/inbox", payload, broken)
		}()
	}
	answer, err := c.Post(t.Context(), near.URL+"/inbox", payload, instanceKey())
	if err != nil || answer.Status != http.StatusAccepted {
		t.Errorf("after it: %+v, %v", answer, err)
	}
}

type panicking struct{ crypto.Signer }

func (panicking) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { panic("a broken key") }

func TestAnswersToADelivery(t *testing.T) {
	now := time.Date(2026, 11, 14, 9, 30, 0, 0, time.UTC)
	var status int
	var header http.Header
	var body string
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
	c := client(t, Options{Now: func() time.Time { return now }})
	after := func(value string) http.Header { return http.Header{"Retry-After": {value}} }
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	page := http.Header{"Content-Type": {"text/html; charset=utf-8"}}

	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   Answer
	}{
		{"taken", 202, nil, "", Answer{}},
		{"refused with a word", 401, nil, "  Request\n\tnot   signed\n", Answer{Text: "Request not signed"}},
		{"gone", 410, nil, "", Answer{}},
		{"a redirect by 301 is an answer", 301, http.Header{"Location": {"/elsewhere"}}, "", Answer{}},
		{"controls, invisible signs and broken text are left out", 500, nil, "a\x00\x1b[31mb\xff\u202ec\u200b d",
			Answer{Text: "a [31mb c d"}},
		{"300 bytes are kept", 500, nil, strings.Repeat("x", 300), Answer{Text: strings.Repeat("x", 300)}},
		{"301 bytes are cut", 500, nil, strings.Repeat("x", 301), Answer{Text: strings.Repeat("x", 300)}},
		{"a rune is not cut in two", 500, nil, strings.Repeat("é", 151), Answer{Text: strings.Repeat("é", 150)}},
		{"a page is read as a browser shows it", 502, page,
			"<!DOCTYPE html><html><head><title>Bad &amp; " +
				"Gateway</title><style>p{}</style><script>x()</script></head><body><h1>Oh</h1>no</body>",
			Answer{Text: "Bad & Gateway Oh no"}},
		{"a page of nothing but script says nothing", 502, page, "<script>" + strings.Repeat("x", 9000), Answer{}},
		{"30 seconds are a minute", 429, after("30"), "", Answer{RetryAfter: time.Minute}},
		{"no seconds are a minute", 429, after("0"), "", Answer{RetryAfter: time.Minute}},
		{"a date may be written as in mail", 429, after(now.Add(2 * time.Hour).Format("Mon, 2 Jan 2006 15:04:05 -0700")),
			"", Answer{RetryAfter: 2 * time.Hour}},
		{"61 seconds are 61 seconds", 429, after("61"), "", Answer{RetryAfter: 61 * time.Second}},
		{"a day is a day", 503, after("86400"), "", Answer{RetryAfter: 24 * time.Hour}},
		{"a day and a second are a day", 503, after("86401"), "", Answer{RetryAfter: 24 * time.Hour}},
		{"eternity is a day", 503, after("9223372036854775807"), "", Answer{RetryAfter: 24 * time.Hour}},
		{"more than a number is nothing", 503, after("99999999999999999999"), "", Answer{}},
		{"less than nothing is nothing", 503, after("-5"), "", Answer{}},
		{"words are nothing", 503, after("soon"), "", Answer{}},
		{"a date is read", 503, after(date(time.Hour)), "", Answer{RetryAfter: time.Hour}},
		{"a date of yesterday is a minute", 503, after(date(-24 * time.Hour)), "", Answer{RetryAfter: time.Minute}},
		{"a date of next week is a day", 503, after(date(7 * 24 * time.Hour)), "", Answer{RetryAfter: 24 * time.Hour}},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, header, body = test.status, test.header, test.body
			got, err := c.Post(t.Context(), near.URL, payload, instanceKey())
			if err != nil {
				t.Fatal(err)
			}
			got.Took, test.want.Status = 0, test.status
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := near.connections.Load(); got > 2 {
		t.Errorf("%d connections, where one after another is kept", got)
	}
}

func TestADeliveryFollowsOneRedirectOnTheSameServer(t *testing.T) {
	far := serve(t, "127.0.0.1:0", inbox)
	pages := http.NewServeMux()
	near := serve(t, "127.0.0.1:0", pages.ServeHTTP)
	for path, to := range map[string]string{"/moved": "/inbox", "/away": far.URL + "/inbox", "/twice": "/moved",
		"/private": "http://10.0.0.5/", "/odd": "http://%zz/", "/nowhere": ""} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			pages.HandleFunc(fmt.Sprintf("%s-%d", path, status), func(w http.ResponseWriter, r *http.Request) {
				if to == "/moved" {
					to = fmt.Sprintf("/moved-%d", status)
				}
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			})
		}
	}
	pages.HandleFunc("/inbox", inbox)
	for path, want := range map[string]int{
		"/moved-307": 202, "/moved-308": 202, "/moved-301": 301, "/moved-302": 302, "/moved-303": 303,
		"/away-307": 307, "/away-308": 308, "/twice-307": 307, "/private-307": 307, "/odd-307": 307, "/nowhere-307": 307,
	} {
		answer, err := client(t, Options{}).Post(t.Context(), near.URL+path, payload, instanceKey())
		if err != nil || answer.Status != want {
			t.Errorf("%s: got %+v, %v, want %d", path, answer, err, want)
		}
	}
	if far.requests.Load() != 0 {
		t.Error("another server got the delivery")
	}
}

func TestADeliveryToAForbiddenAddressIsNotSent(t *testing.T) {
	bait := serve(t, forbidden+":0", inbox)
	c := client(t, Options{})
	for _, address := range []string{bait.URL, "http://10.0.0.5/inbox", "https://[::1]/inbox", "file:///inbox", ""} {
		if _, err := c.Post(t.Context(), address, payload, instanceKey()); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if bait.connections.Load() != 0 {
		t.Error("a forbidden server was reached")
	}
	if _, err := c.Post(t.Context(), "https://noordkade.nl/inbox", payload, signature.Key{}); err == nil ||
		errors.Is(err, ErrUnavailable) {
		t.Errorf("without a key: got %v", err)
	}
}

// expired is a certificate for 127.0.0.1 whose time is over.
func expired(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2025, 5, 2, 0, 0, 0, 0, time.UTC),
	}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestUnreachableSaysWhy(t *testing.T) {
	secure := start(t, "127.0.0.1:0", inbox)
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{expired(t)}}
	secure.StartTLS()
	plain := serve(t, "127.0.0.1:0", inbox)
	silent := serve(t, "127.0.0.1:0", hang)
	closing := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	closed := serve(t, "127.0.0.1:0", inbox)
	closed.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word of TLS
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mute.Close() })
	noHTTP, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { noHTTP.Close() })
	go func() {
		for conn, err := noHTTP.Accept(); err == nil; conn, err = noHTTP.Accept() {
			conn.Read(make([]byte, 4096)) // it hears us out, so that the connection is in use when it answers
			io.WriteString(conn, "220 smtp ready\r\n")
			conn.Close()
		}
	}()
	names := &nameServer{answers: map[string][][]string{}}

	for _, test := range []struct{ name, inbox, want string }{
		{"a closed port", closed.URL, "connection refused"},
		{"a name that nobody has", "https://nobody.noordkade.nl/inbox", "no such host"},
		{"a certificate of the past", secure.URL, "its certificate has expired on 2 May 2025"},
		{"no TLS", "https" + strings.TrimPrefix(plain.URL, "http"), "it does not speak TLS"},
		{"no word of TLS", "https://" + mute.Addr().String(), "no secure connection within 300ms"},
		{"no answer", silent.URL, "no answer within a second"},
		{"a connection that breaks", closing.URL, "it closed the connection"},
		{"another protocol", "http://" + noHTTP.Addr().String(), "its answer could not be understood"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, Options{Handshake: 300 * time.Millisecond, Header: time.Second})
			names.resolve(t, c)
			_, err := c.Post(t.Context(), test.inbox, payload, instanceKey())
			var trouble *Unreachable
			if !errors.Is(err, ErrUnavailable) || !errors.As(err, &trouble) || trouble.Cause == nil {
				t.Fatalf("got %v", err)
			}
			if err.Error() != test.want {
				t.Errorf("got %q, want %q", err, test.want)
			}
		})
	}
}

func TestASlowLookupIsReported(t *testing.T) {
	deaf, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	c := client(t, Options{Dial: 200 * time.Millisecond})
	c.guard.toPublic.Resolver = &net.Resolver{PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", deaf.LocalAddr().String())
		}}
	_, err = c.Post(t.Context(), "https://noordkade.nl/inbox", payload, instanceKey())
	if !errors.Is(err, ErrUnavailable) || err.Error() != "its name could not be looked up within 200ms" {
		t.Errorf("got %v", err)
	}
}

func TestTheAnswerToADeliveryHasADeadlineAndALimit(t *testing.T) {
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			hang(w, r)
		case "/drip":
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
			for r.Context().Err() == nil {
				io.WriteString(w, "x")
				http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
			for chunk := bytes.Repeat([]byte("x"), 1<<20); r.Context().Err() == nil; {
				if _, err := zip.Write(chunk); err != nil {
					return
				}
			}
		}
	})
	c := client(t, Options{Delivery: 300 * time.Millisecond})
	start := time.Now()
	if _, err := c.Post(t.Context(), near.URL+"/silent", payload, instanceKey()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("silent: got %v", err)
	}
	if answer, err := c.Post(t.Context(), near.URL+"/drip", payload, instanceKey()); err != nil || answer.Status != 202 {
		t.Errorf("a delivery that was taken by a slow server: got %+v, %v", answer, err)
	}
	if took := time.Since(start); took > 8*time.Second { // without the deadline they would take for ever
		t.Errorf("they took %v", took)
	}
	c = client(t, Options{})
	if answer, err := c.Post(t.Context(), near.URL+"/bomb", payload, instanceKey()); err != nil ||
		len(answer.Text) != maxText || answer.Took > 2*time.Second {
		t.Errorf("a bomb: got %+v, %v", answer, err)
	}
}

func TestAClosedIdleConnectionDoesNotLoseADelivery(t *testing.T) {
	near := serve(t, "127.0.0.1:0", inbox)
	c := client(t, Options{})
	for i := range 3 {
		if answer, err := c.Post(t.Context(), near.URL, payload, instanceKey()); err != nil || answer.Status != 202 {
			t.Errorf("delivery %d: %+v, %v", i+1, answer, err)
		}
		near.CloseClientConnections()
	}
}

func TestAServerIsNeverHeldByMoreThanTwoConnections(t *testing.T) {
	var mu sync.Mutex
	var open, most int
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		open++
		most = max(most, open)
		mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
		open--
		mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	})
	c := client(t, Options{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.Post(t.Context(), near.URL, payload, instanceKey()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most != 2 || near.connections.Load() != 2 {
		t.Errorf("%d deliveries at once over %d connections, want 2 and 2", most, near.connections.Load())
	}
}

func TestNothingIsLeftBehindAfterManyServers(t *testing.T) {
	before := runtime.NumGoroutine()
	servers := make([]*server, 50)
	for i := range servers {
		servers[i] = start(t, "127.0.0.1:0", []http.HandlerFunc{inbox, hang, document(`{"id":"x"}`)}[i%3])
		servers[i].Start()
	}
	c := New(Options{UserAgent: agent, Allow: openWorld, Key: instanceKey(), Delivery: 500 * time.Millisecond,
		Lookup: 500 * time.Millisecond})
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(func() { c.Post(t.Context(), s.URL, payload, instanceKey()) })
		all.Go(func() { c.Object(t.Context(), s.URL) })
	}
	all.Wait()
	c.Close()
	for _, s := range servers {
		s.CloseClientConnections()
		s.Close()
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x00b \u202e\n c", 5)
	f.Fuzz(func(t *testing.T, text string, most int) {
		got := clean(text, most)
		if len(got) > max(most, 0) || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\t\x00\x1b\u202e") ||
			strings.TrimSpace(got) != got {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
