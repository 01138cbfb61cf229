package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"causerie/internal/store/storetest"
)

// The tests here are of what only the whole program can show: pages and documents at the same addresses, and its
// sockets.

const wire = "application/activity+json"

// published starts the program and publishes one article of Ilse.
func published(t *testing.T, database string) (*stage, articleLine) {
	t.Helper()
	s := open(t, database)
	s.ilse()
	return s, read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse",
		"--json"))[0]
}

// request does one request, without following redirects.
func (s *stage) request(method, address, accept string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.ctx, method, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func TestF012APageAndItsDocumentHaveOneAddress(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s, article := published(t, database)
		for _, address := range []string{article.URL, s.url + "/@ilse", s.url + "/"} {
			page, document := s.request(http.MethodGet, address, "text/html"), s.request(http.MethodGet, address, wire)
			for _, answer := range []*http.Response{page, document} {
				if vary := strings.Join(answer.Header.Values("Vary"), ", "); answer.StatusCode != 200 ||
					!strings.Contains(vary+",", "Accept,") || answer.Header.Get("ETag") == "" {
					t.Errorf("%s as %s: %d, Vary %q, ETag %q", address, answer.Header.Get("Content-Type"), answer.StatusCode, vary,
						answer.Header.Get("ETag"))
				}
			}
			if page.Header.Get("ETag") == document.Header.Get("ETag") {
				t.Errorf("%s has one ETag for both", address)
			}
		}
	})
}

func TestF014APageNamesItsObjectWhichCanBeFetched(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s, article := published(t, database)
		for _, address := range []string{article.URL, s.url + "/@ilse"} {
			page := s.request(http.MethodGet, address, "text/html")
			root, err := html.Parse(page.Body)
			if err != nil {
				t.Fatal(err)
			}
			href := ""
			for n := range root.Descendants() {
				if n.Data == "link" && attribute(n, "rel") == "alternate" && attribute(n, "type") == wire {
					href = attribute(n, "href")
				}
			}
			if want := "<" + href + `>; rel="alternate"; type="application/activity+json"`; !strings.Contains(page.Header.Get(
				"Link"), want) {
				t.Errorf("%s: Link is %q, want %q", address, page.Header.Get("Link"), want)
			}
			document := s.request(http.MethodGet, href, wire)
			var object struct{ ID, URL string }
			if err := json.NewDecoder(document.Body).Decode(&object); err != nil || document.StatusCode != 200 ||
				object.ID != href || object.URL != address {
				t.Errorf("%s answers %d with %+v, %v; want itself and %s", href, document.StatusCode, object, err, address)
			}
		}
	})
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// hostile is text that would be markup where it is not escaped.
const hostile = `"\'><img src=x onerror=alert(1)><script>alert(1)</script>{{7}}\u202e`

func TestT146FieldsOfStrangersAreOnlyText(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s, article := published(t, database)
		veerhuis, bram := s.veerhuis()
		if _, err := bram.UpdateProfile(s.ctx, hostile); err != nil {
			t.Fatal(err)
		}
		document, err := bram.Fetch(s.ctx, article.Object)
		if err != nil || len(document) == 0 {
			t.Fatal(err)
		}
		list := func(kind string, more map[string]any) map[string]any {
			tag := map[string]any{"type": kind, "name": ":" + hostile + ":", "href": veerhuis.URL + "/" + hostile,
				"url": veerhuis.URL + "/x?" + hostile}
			for k, v := range more {
				tag[k] = v
			}
			return tag
		}
		note := map[string]any{"id": bram.ID + "/notes/1", "type": "Question", "attributedTo": bram.ID,
			"inReplyTo": article.Object, "to": []string{"as:Public"},
			"content": "<p>Seen. " + hostile + "</p>", "summary": hostile, "name": hostile,
			"url": veerhuis.URL + "/n?" + hostile, "published": time.Now().UTC().Format(time.RFC3339),
			"contentMap": map[string]any{hostile: "<p>Seen. " + hostile + "</p>"},
			"oneOf":      []any{map[string]any{"type": "Note", "name": hostile}},
			"tag": []any{list("Emoji", map[string]any{"icon": map[string]any{"type": "Image",
				"url": "javascript:alert(1)"}}), list("Hashtag", nil), list("Mention", nil)},
			"attachment": []any{list("Image", map[string]any{"mediaType": hostile}), list("Document", nil), list("Link", nil)}}
		for i, activity := range []map[string]any{{"type": "Create", "object": note},
			{"type": "EmojiReact", "object": article.Object, "content": hostile},
			{"type": "Like", "object": article.Object, "content": ":" + hostile + ":", "tag": []any{list("Emoji", nil)}}} {
			activity["id"], activity["actor"] = fmt.Sprintf("%s/acts/%d", bram.ID, i), bram.ID
			if answer, err := bram.Send(s.ctx, s.url+"/ap/inbox", activity); err != nil {
				t.Fatalf("%s: %d %v", activity["type"], answer.Status, err)
			}
		}
		s.shows(article.URL, "Seen.", true)
		for _, address := range []string{article.URL, s.url + "/", s.url + "/comments/feed.xml", s.url + "/feed.xml",
			s.url + "/feed.json"} {
			answer := s.request(http.MethodGet, address, "text/html, */*;q=0.1")
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/html") {
				continue // feeds escape what they hold, and have tests of their own
			}
			root, err := html.Parse(strings.NewReader(string(body)))
			if err != nil {
				t.Fatal(err)
			}
			for n := range root.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				if n.Data == "script" && n.FirstChild != nil && strings.Contains(n.FirstChild.Data, "alert") ||
					attribute(n, "onerror") != "" || attribute(n, "src") == "x" {
					t.Errorf("%s has an element <%s %v> of a stranger's", address, n.Data, n.Attr)
				}
				if strings.HasPrefix(strings.ToLower(attribute(n, "href")), "javascript:") {
					t.Errorf("%s has a link that runs: %v", address, n.Attr)
				}
			}
		}
	})
}

func TestT101SlowCallersLeaveRoomForReadersAndAreCutOff(t *testing.T) {
	s, article := published(t, storetest.SQLite(t))
	host := strings.TrimPrefix(s.url, "http://")
	began := time.Now()
	slow := make([]net.Conn, 300)
	for i := range slow {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprintf(conn, "POST /ap/inbox HTTP/1.1\r\nHost: %s\r\nX-Slow: a", host); err != nil {
			t.Fatal(err)
		}
		slow[i] = conn
	}
	fastest := time.Hour
	for range 10 {
		asked := time.Now()
		if code, _ := s.get(article.URL, "text/html"); code != 200 {
			t.Fatalf("among slow callers a reader gets %d", code)
		}
		fastest = min(fastest, time.Since(asked))
	}
	if fastest > 200*time.Millisecond {
		t.Errorf("among slow callers a page takes %v", fastest)
	}
	for _, conn := range slow[:3] {
		conn.SetReadDeadline(began.Add(20 * time.Second))
		answer, err := io.ReadAll(conn)
		if took := time.Since(began); err != nil || took > 15*time.Second {
			t.Errorf("a slow caller is held for %v (%v): %q", took, err, answer)
		}
	}
}

func TestT102WithoutTLSOnlyHTTP11IsSpoken(t *testing.T) {
	s, _ := published(t, storetest.SQLite(t))
	host := strings.TrimPrefix(s.url, "http://")
	frame := func(kind, flags byte, stream uint32) string {
		return string([]byte{0, 0, 0, kind, flags, byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)})
	}
	flood := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
	for stream := uint32(1); stream < 4000; stream += 2 {
		flood += frame(1, 4, stream) + frame(9, 0, stream) + frame(3, 0, stream) // open, continue, reset
	}
	for name, request := range map[string]string{
		"a flood of HTTP/2": flood,
		"an upgrade": "GET /healthz HTTP/1.1\r\nHost: " + host +
			"\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		go io.WriteString(conn, request)
		first, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(first, "HTTP/1.1 ") || strings.Contains(first, " 101 ") {
			t.Errorf("%s is answered %q, %v", name, first, err)
		}
	}
	if code, _ := s.get(s.url+"/healthz", "*/*"); code != 200 {
		t.Errorf("afterwards the server answers %d", code)
	}
}
