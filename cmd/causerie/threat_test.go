package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/admin"
	"causerie/internal/federation/documents"
	"causerie/internal/page"
	"causerie/internal/store/storetest"
	"causerie/internal/visitor"
	"causerie/internal/web"
	"causerie/templates"
)

// The tests here have the numbers of the rows of internal/threats.md that only the whole program can keep.

// everyRoom returns an address of each room of the program.
func everyRoom(s *stage, article articleLine) []string {
	var list []string
	for _, path := range []string{"/", "/@ilse", "/archive", "/feed.xml", "/feed.json", "/sitemap.xml", "/robots.txt",
		"/about/federation", "/interact?do=reply&uri=x", "/nothing", "/ap/instance", "/ap/nothing", "/nodeinfo/2.1",
		"/.well-known/webfinger?resource=acct:ilse@" + strings.TrimPrefix(s.url, "http://"), "/.well-known/host-meta",
		"/.well-known/nodeinfo", "/login", "/admin", "/admin/nothing", "/media/nothing", "/healthz", "/readyz"} {
		list = append(list, s.url+path)
	}
	return append(list, article.URL)
}

// do does a request as it is, without following redirects, and returns the answer with its body.
func (s *stage) do(r *http.Request) (*http.Response, string) {
	s.t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(r.WithContext(s.ctx))
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(body)
}

func newRequest(t *testing.T, method, address string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestT182TheSessionOfAnHTTPSBlogIsBoundToItsHost(t *testing.T) {
	address := freePort(t)
	s := openAt(t, storetest.SQLite(t), address, "--url", "https://overkant.example")
	s.url = "http://" + address
	s.ilse()
	_, address, _ = strings.Cut(s.cli("author", "link", "ilse"), "\n\n")
	link, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	r := newRequest(t, http.MethodPost, s.url+"/login/link", "Origin", "https://overkant.example",
		"Content-Type", "application/x-www-form-urlencoded")
	r.Host = "overkant.example"
	r.Body = io.NopCloser(strings.NewReader(link.RawQuery + "&" + link.Fragment))
	answer, body := s.do(r)
	cookie := answer.Header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "__Host-") {
		t.Fatalf("signing in by %s: %d, cookie %q\n%s", link, answer.StatusCode, cookie, body)
	}
	for _, want := range []string{"; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q lacks %q", cookie, want)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Errorf("the cookie is for other hosts too: %q", cookie)
	}
}

func TestT209AForgedHostIsNeverRepeated(t *testing.T) {
	s, article := published(t, storetest.SQLite(t))
	const evil = "evil.example"
	for _, address := range everyRoom(s, article) {
		for _, accept := range []string{"text/html", wire} {
			r := newRequest(t, http.MethodGet, address, "Accept", accept, "X-Forwarded-Host", evil,
				"X-Forwarded-Proto", "gopher", "Forwarded", "host="+evil+";proto=gopher", "X-Original-Url", "/"+evil,
				"X-Rewrite-Url", "/"+evil)
			r.Host = evil
			answer, body := s.do(r)
			var headers strings.Builder
			if err := answer.Header.Write(&headers); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(body, evil) || strings.Contains(headers.String(), evil) || strings.Contains(body, "gopher:") ||
				answer.StatusCode >= 500 {
				t.Errorf("%s as %s: %d repeats the forged host:\n%s%s", address, accept, answer.StatusCode, &headers, body)
			}
		}
	}
}

func TestT211OnlyPublicAnswersAreOpenToScriptsOfOtherSites(t *testing.T) {
	s, article := published(t, storetest.SQLite(t))
	private := regexp.MustCompile(`/(login|admin|interact|media)`)
	for _, address := range append(everyRoom(s, article), s.url+"/ap/inbox") {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			for _, accept := range []string{"text/html", wire} {
				answer, _ := s.do(newRequest(t, method, address, "Accept", accept, "Origin", "https://evil.example",
					"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "cookie"))
				allowed := answer.Header.Get("Access-Control-Allow-Origin")
				if allowed != "" && allowed != "*" || allowed != "" && private.MatchString(address) {
					t.Errorf("%s %s is open to %q", method, address, allowed)
				}
				for name := range answer.Header {
					if strings.HasPrefix(name, "Access-Control-Allow-") && name != "Access-Control-Allow-Origin" {
						t.Errorf("%s %s has %s", method, address, name)
					}
				}
			}
		}
	}
}

func TestT215OddMethodsAreRefusedEverywhere(t *testing.T) {
	s, article := published(t, storetest.SQLite(t))
	for _, address := range append(everyRoom(s, article), s.url+"/ap/inbox", s.url+"/static/causerie.css") {
		for _, method := range []string{"PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND", "FETCH", "get"} {
			r := newRequest(t, method, address, "X-Http-Method-Override", "GET", "Accept", "text/html")
			switch answer, body := s.do(r); answer.StatusCode {
			case http.StatusMethodNotAllowed:
				if answer.Header.Get("Allow") == "" {
					t.Errorf("%s %s: 405 without Allow: %q", method, address, body)
				}
			case http.StatusNotFound, http.StatusForbidden:
			default:
				t.Errorf("%s %s: %d %.80q", method, address, answer.StatusCode, body)
			}
		}
	}
}

// raw sends bytes on one connection and returns the statuses of all answers until the server closes it.
func raw(t *testing.T, address, request string) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	for reader := bufio.NewReader(conn); ; {
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		statuses = append(statuses, answer.StatusCode)
	}
}

// A proxy in front may read a request in another way than we do. Then what it takes for a body must not become a
// request here.
func TestT216NoRequestIsSmuggledInABody(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	host := strings.TrimPrefix(s.url, "http://")
	const smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, head := range map[string]string{
		"both lengths":            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
		"both, the other way":     "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
		"two lengths":             "Content-Length: 5\r\nContent-Length: 40\r\n",
		"a list of lengths":       "Content-Length: 5, 40\r\n",
		"a length with a sign":    "Content-Length: +5\r\n",
		"a blank before the name": " Content-Length: 40\r\n",
		"a blank before :":        "Transfer-Encoding : chunked\r\n",
		"an unknown coding":       "Transfer-Encoding: xchunked\r\n",
		"two codings":             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
		"a coding in two lines":   "Transfer-Encoding:\r\n chunked\r\n",
		"a tab in the coding":     "Transfer-Encoding: \x0bchunked\r\n",
		"a NUL":                   "X: a\x00b\r\n",
		"a second host":           "Host: y\r\n",
	} {
		request := "POST /ap/inbox HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/activity+json\r\n" + head +
			"\r\n0\r\n\r\n" + smuggled
		got := raw(t, host, request)
		if len(got) == 0 || slices.Contains(got, http.StatusOK) || slices.Max(got) > http.StatusNotImplemented {
			t.Errorf("%s: the answers are %v, want refusals", name, got)
		}
	}
	if got := raw(t, host, smuggled+smuggled+"GET /healthz HTTP/1.0\r\n\r\n"); !slices.Equal(got, []int{200, 200, 200}) {
		t.Errorf("three honest requests on one connection: %v", got)
	}
}

func TestT219JunkInHeadersIsAnsweredQuickly(t *testing.T) {
	s, article := published(t, storetest.SQLite(t))
	ranges := "bytes=" + strings.Repeat("0-1,", 2000) + "5-6"
	tags := strings.Repeat(`W/"x", `, 3000) + `"y"`
	for name, header := range map[string][]string{
		"ranges":           {"Range", ranges},
		"overlaps":         {"Range", "bytes=" + strings.Repeat("0-,", 3000) + "-1", "If-Range", `"x"`},
		"tags":             {"If-None-Match", tags, "If-Match", tags[:8000]},
		"cookies":          {"Cookie", strings.Repeat("causerie=x; ", 2000) + "causerie=" + strings.Repeat("y", 3000)},
		"types":            {"Accept", strings.Repeat("text/html;q=0.1, ", 1500)},
		"a type":           {"Accept", "text/html;" + strings.Repeat("a=b;", 5000)},
		"languages":        {"Accept-Language", strings.Repeat("nl-NL;q=0.5, ", 2000)},
		"codings":          {"Accept-Encoding", strings.Repeat("gzip;q=0.5, ", 2000)},
		"a date":           {"If-Modified-Since", strings.Repeat("Mon, ", 4000)},
		"a signature":      {"Signature", `keyId="` + strings.Repeat("x", 20000) + `"`},
		"many signatures":  {"Signature-Input", strings.Repeat(`a=();keyid="x", `, 1200)},
		"an address":       {"X-Forwarded-For", strings.Repeat("127.0.0.1, ", 2000)},
		"a referrer":       {"Referer", "https://" + strings.Repeat("a.", 10000)},
		"a client's words": {"User-Agent", strings.Repeat("\"<'", 8000)},
	} {
		for _, address := range everyRoom(s, article) {
			r := newRequest(t, http.MethodGet, address, append([]string{"Accept", "text/html"}, header...)...)
			began := time.Now()
			answer, body := s.do(r)
			if took := time.Since(began); answer.StatusCode >= 500 || took > 3*time.Second {
				t.Errorf("%s at %s: %d after %v", name, address, answer.StatusCode, took)
			}
			if len(body) > 200_000 {
				t.Errorf("%s at %s: %d bytes are answered", name, address, len(body))
			}
		}
	}
	// 32 KiB, and what net/http adds for itself.
	for size, want := range map[int]int{30 << 10: 200, 40 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		if answer, _ := s.do(newRequest(t, http.MethodGet, s.url+"/healthz", "X-Junk", strings.Repeat("j", size))); answer.
			StatusCode != want {
			t.Errorf("%d bytes of header: %d, want %d", size, answer.StatusCode, want)
		}
	}
}

var updateAddresses = flag.Bool("update-addresses", false, "write testdata/addresses.txt")

// An address that nobody remembers is an open door. Whoever adds one writes it down here, and so thinks of who may use
// it.
func TestT223EveryAddressIsListed(t *testing.T) {
	dir := t.TempDir()
	config := Config{Data: dir, Database: dir + "/causerie.db", URL: "https://overkant.example", TLS: "off"}
	if err := config.complete(nil); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(context.Background(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	pages, err := page.Load(templates.FS, nil)
	if err != nil {
		t.Fatal(err)
	}
	cache := page.NewCache(s.store.Changes(), 0)
	wire := chi.NewRouter()
	documents.NewDocuments(s.core(), nil, s.inbox, cache, version).Routes(wire)
	methods := map[string][]string{} // by room and route
	for room, routes := range map[string]chi.Routes{"documents": wire, "program": s.router,
		"admin":   admin.New(s.site, s.store, s.outbox, s.library, pages).Routes(),
		"visitor": visitor.New(s.core().Remote).Routes(), "web": web.New(s.store, pages, cache).Routes()} {
		err := chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			at := fmt.Sprintf("%-9s %s", room, route)
			methods[at] = append(methods[at], method)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	text := ""
	for _, at := range slices.Sorted(maps.Keys(methods)) {
		slices.Sort(methods[at])
		words := strings.Join(slices.Compact(methods[at]), " ")
		if strings.Contains(words, http.MethodTrace) { // the room itself looks at the method
			words = "any"
		}
		text += at + " " + words + "\n"
	}
	const file = "testdata/addresses.txt"
	if *updateAddresses {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(listed) {
		t.Errorf("the addresses are not those of %s; see what differs, then run go test -run T223 -update-addresses:\n%s",
			file, text)
	}
	for _, path := range []string{"/debug/pprof", "/metrics", "/debug/vars", "/causerie.db", "/.git/config", "/.env"} {
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
