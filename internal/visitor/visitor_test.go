package visitor_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/remote"
	"causerie/internal/visitor"
)

// serve starts the handler for readers. It may contact servers in 127.0.0.0/8.
func serve(t *testing.T, patience time.Duration) *httptest.Server {
	t.Helper()
	client := remote.New(remote.Options{UserAgent: "Causerie/test",
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	v := visitor.New(client)
	v.SearchTime = patience
	server := httptest.NewServer(v.Routes())
	t.Cleanup(func() { server.Close(); client.Close() })
	return server
}

// home is a server that answers WebFinger for "bram" and for itself with the given links.
func home(t *testing.T, links string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if resource := r.URL.Query().Get("resource"); r.URL.Path != "/.well-known/webfinger" ||
			resource != "acct:bram@"+r.Host && resource != "http://"+r.Host {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/jrd+json")
		fmt.Fprintf(w, `{"subject":"acct:bram@%s","links":[%s]}`, r.Host, strings.ReplaceAll(links, "HOME", "http://"+r.Host))
	}))
	t.Cleanup(server.Close)
	return server
}

// ask fills in the form as a reader does, and answers where it leads.
func ask(t *testing.T, server *httptest.Server, do, uri, you string) *url.URL {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(server.URL+"/interact", url.Values{"do": {do}, "uri": {uri}, "you": {you}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	to, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%q is answered %d, to %q", you, answer.StatusCode, answer.Header.Get("Location"))
	}
	return to
}

const object = "https://overkant.example/ap/articles/01JB?a=b&c"

func TestF115AReaderIsRedirectedToTheirOwnServer(t *testing.T) {
	const (
		follow  = `{"rel":"https://w3id.org/fep/3b86/Follow","template":"HOME/follow?who={object}&from={origin}"}`
		thing   = `{"rel":"https://w3id.org/fep/3b86/Object","template":"HOME/open?uri={object}"}`
		ostatus = `{"rel":"http://ostatus.org/schema/1.0/subscribe","template":"HOME/subscribe?uri={uri}"}`
		private = `{"rel":"https://w3id.org/fep/3b86/Object","template":"http://10.0.0.5/open?uri={object}"}`
		script  = `{"rel":"https://w3id.org/fep/3b86/Object","template":"javascript:alert('{object}')"}`
	)
	escaped := url.QueryEscape(object)
	for name, c := range map[string]struct{ links, do, want string }{
		"the intent for the deed comes first": {ostatus + "," + thing + "," + follow, "follow",
			"/follow?who=" + escaped + "&from="},
		"then the one for any object":  {ostatus + "," + thing, "follow", "/open?uri=" + escaped},
		"which is the one for replies": {ostatus + "," + thing + "," + follow, "reply", "/open?uri=" + escaped},
		"then that of OStatus":         {ostatus, "boost", "/subscribe?uri=" + escaped},
		"then the place where most have it": {`{"rel":"self","href":"HOME/users/bram"}`, "like",
			"/authorize_interaction?uri=" + escaped},
		"a template into a private network is not": {private + "," + ostatus, "reply", "/subscribe?uri=" + escaped},
		"nor is a script":                          {script, "reply", "/authorize_interaction?uri=" + escaped},
	} {
		t.Run(name, func(t *testing.T) {
			there := home(t, c.links)
			host := strings.TrimPrefix(there.URL, "http://")
			for _, you := range []string{"@bram@" + host, "bram@" + host, " " + host + " ", there.URL, there.URL + "/@bram"} {
				if to := ask(t, serve(t, 2*time.Second), c.do, object, you); to.String() != there.URL+c.want {
					t.Errorf("%q is taken to %s", you, to)
				}
			}
		})
	}
}

func TestAServerWithoutTemplatesIsKnownByItsNodeInfo(t *testing.T) {
	world := fedtest.New(fedtest.Config{})
	t.Cleanup(func() { world.Close() })
	server, err := world.AddServer("veerhuis", fedtest.Mastodon)
	if err != nil {
		t.Fatal(err)
	}
	if to := ask(t, serve(t, 2*time.Second), "reply", object, server.Host); to.Host != server.Host ||
		to.Path != "/authorize_interaction" || to.Query().Get("uri") != object {
		t.Errorf("taken to %s", to)
	}
}

func TestAnUnknownServerLeadsBackWithAllThatWasTyped(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		fmt.Fprint(w, "<h1>no fediverse here</h1>")
	}))
	t.Cleanup(page.Close)
	d := serve(t, 200*time.Millisecond)
	for you, trouble := range map[string]string{
		"": "name", "@": "name", "@a@b c.example": "name", "javascript:alert(1)": "name",
		"@bram@veerhuis.example/a?b#":           "name",
		strings.TrimPrefix(page.URL, "http://"): "home", "@bram@" + strings.TrimPrefix(page.URL, "http://"): "home",
	} {
		to := ask(t, d, "reply", object, you)
		got := to.Query()
		if to.Host != "" || to.Path != "/interact" || got.Get("trouble") != trouble || got.Get("you") != you ||
			got.Get("uri") != object || got.Get("do") != "reply" {
			t.Errorf("%q leads to %s, want the trouble %s", you, to, trouble)
		}
	}
}

func TestT072FailedSearchesLookTheSame(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	shut := strings.TrimPrefix(closed.URL, "http://")
	closed.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		fmt.Fprint(w, "<h1>a router</h1>")
	}))
	t.Cleanup(page.Close)
	const patience = 300 * time.Millisecond
	d := serve(t, patience)
	for _, you := range []string{shut, strings.TrimPrefix(page.URL, "http://"), "10.0.0.5", "bram@10.0.0.5:22",
		"printer.local"} {
		begun := time.Now()
		to := ask(t, d, "follow", object, you)
		if took := time.Since(begun); to.Query().Get("trouble") != "home" || took < patience {
			t.Errorf("%q is answered %s after %v", you, to, took)
		}
	}
}

func TestANameWithoutADotAsksNobodyAndIsAnsweredAtOnce(t *testing.T) {
	d := serve(t, time.Minute)
	for _, you := range []string{"kai", "@kai", "bram@kai", "@bram@kai", "https://kai/@bram"} {
		begun := time.Now()
		to := ask(t, d, "follow", object, you)
		if took := time.Since(begun); to.Query().Get("trouble") != "name" || took > 20*time.Second {
			t.Errorf("%q is answered %s after %v", you, to, took)
		}
	}
}

func TestSearchesOfOneReaderAreLimited(t *testing.T) {
	var asked int
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/jrd+json")
		fmt.Fprint(w, `{}`)
	}))
	t.Cleanup(there.Close)
	d, busy := serve(t, time.Second), 0
	for range 30 {
		if ask(t, d, "reply", object, there.URL).Query().Get("trouble") == "busy" {
			busy++
		}
	}
	if asked > 20 || busy < 10 { // the window of a minute may turn once
		t.Errorf("asked %d times, %d told to wait", asked, busy)
	}
}

func TestSearchesOfOthersDoNotCount(t *testing.T) {
	d, there := serve(t, time.Millisecond), home(t, "")
	from := func(address string) string {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{DisableKeepAlives: true,
				DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext}}
		answer, err := client.PostForm(d.URL+"/interact", url.Values{"do": {"reply"}, "uri": {object}, "you": {there.URL}})
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		to, err := url.Parse(answer.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return to.Query().Get("trouble")
	}
	for range 30 {
		from("127.0.1.1")
	}
	if got := from("127.0.1.1"); got != "busy" {
		t.Errorf("who asked 30 times is told %q", got)
	}
	if got := from("127.0.1.2"); got == "busy" {
		t.Error("another reader is told to wait")
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	d := serve(t, time.Second)
	r, err := http.NewRequest(http.MethodPost, d.URL+"/interact", strings.NewReader("do=reply&you=veerhuis.example"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("answered %d", answer.StatusCode)
	}
}

func TestTheFormOfAReaderIsAtMostFourKilobytes(t *testing.T) {
	server := serve(t, time.Second)
	post := func(size int) int {
		body := "do=reply&you=nobody&uri="
		body += strings.Repeat("x", size-len(body))
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.Post(server.URL+"/interact", "application/x-www-form-urlencoded", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if got := post(4 << 10); got != http.StatusSeeOther {
		t.Errorf("a form of 4 KiB: %d", got)
	}
	if got := post(4<<10 + 1); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 4 KiB and a byte: %d", got)
	}
}
