package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/signature"

	"golang.org/x/net/dns/dnsmessage"
)

const agent = "Causerie/test (+https://overkant.example/)"

// The world of these tests is loopback. 127.0.0.1 is allowed and plays the public
// network; 127.0.0.2 is not allowed and plays the private one.
var (
	openWorld = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	forbidden = "127.0.0.2"
)

var instanceKey = sync.OnceValue(func() signature.Key {
	key, err := signature.NewRSAKey("https://overkant.example/ap/instance#main-key")
	if err != nil {
		panic(err)
	}
	return key
})

func client(t testing.TB, options Options) *Client {
	options.UserAgent = agent
	if options.Allow == nil {
		options.Allow = openWorld
	}
	c := New(options)
	t.Cleanup(c.Close)
	return c
}

// server is a pretended other server, which counts its connections and requests.
type server struct {
	*httptest.Server
	connections, requests atomic.Int64
}

func serve(t testing.TB, at string, handler http.HandlerFunc) *server {
	t.Helper()
	s := start(t, at, handler)
	s.Start()
	return s
}

func start(t testing.TB, at string, handler http.HandlerFunc) *server {
	t.Helper()
	listener, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{}
	s.Server = &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.requests.Add(1)
			handler(w, r)
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.connections.Add(1)
			}
		},
		ErrorLog: quiet,
	}}
	t.Cleanup(s.Close)
	return s
}

// trust makes a client believe the certificate of a server, as SSL_CERT_FILE would.
func trust(c *Client, s *server) {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c.transport.TLSClientConfig = &tls.Config{RootCAs: roots}
}

// document answers with one JSON document, as an honest server does.
func document(format string, args ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/activity+json; charset=utf-8")
		fmt.Fprintf(w, format, args...)
	}
}

// hang waits until the client gives up, or the test ends.
func hang(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body) // net/http notices that the other side left only after this
	select {
	case <-r.Context().Done():
	case <-time.After(10 * time.Second):
	}
}

// nameServer answers DNS queries: each name has a list of answers, each of which is a list of IP addresses. The last
// answer is repeated.
type nameServer struct {
	mu      sync.Mutex
	answers map[string][][]string
	asked   []string
}

// resolve makes both dialers of a client ask this server of names.
func (n *nameServer) resolve(t *testing.T, c *Client) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go n.serve(conn)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	c.guard.toPublic.Resolver, c.guard.toAllowedOnly.Resolver = resolver, resolver
}

func (n *nameServer) serve(conn net.PacketConn) {
	buffer := make([]byte, 2048)
	for {
		size, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var message dnsmessage.Message
		if message.Unpack(buffer[:size]) != nil || len(message.Questions) != 1 {
			continue
		}
		n.answer(&message)
		if packed, err := message.Pack(); err == nil {
			conn.WriteTo(packed, from)
		}
	}
}

func (n *nameServer) answer(message *dnsmessage.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	question := message.Questions[0]
	name := strings.TrimSuffix(question.Name.String(), ".")
	message.Header = dnsmessage.Header{ID: message.ID, Response: true, RecursionAvailable: true}
	message.Additionals = nil
	answers, ok := n.answers[name]
	if !ok {
		message.RCode = dnsmessage.RCodeNameError
		return
	}
	if question.Type != dnsmessage.TypeA {
		return
	}
	n.asked = append(n.asked, name)
	if len(answers) > 1 {
		n.answers[name] = answers[1:]
	}
	for _, number := range answers[0] {
		message.Answers = append(message.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 0},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(number).As4()},
		})
	}
}

func (n *nameServer) questions() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}
