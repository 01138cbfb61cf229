package fedtest

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Software is the program that a server resembles, in its addresses and in its behaviour towards others.
type Software int

const (
	// Mastodon has a shared inbox and shows its documents to everybody.
	Mastodon Software = iota
	// GoToSocial has no shared inbox and answers 401 to unsigned requests for its people and notes. Open to all are only
	// the server's own actor and /users/{name}/main-key, where its keys are. It obeys interaction policies, and answers
	// 500 to a QuoteRequest, which it does not know.
	GoToSocial
	// Misskey is like Mastodon with opaque actor ids, and sends an emoji reaction as a Like with content.
	Misskey
)

func (f Software) nodeInfo() (name, version string) {
	switch f {
	case GoToSocial:
		return "gotosocial", "0.20.0"
	case Misskey:
		return "misskey", "2026.9.0"
	}
	return "mastodon", "4.6.2"
}

// Server is one server of the pretend fediverse. All its methods may be called by several goroutines.
type Server struct {
	Name     string
	Software Software
	URL      string // http://127.1.0.1:20417, without a slash at the end; all its ids begin with it
	Host     string // 127.1.0.1:20417, the domain of its handles

	world     *World
	cache     *actorCache
	client    *http.Client
	behaviour atomic.Pointer[activeBehaviour]

	behaviourMu sync.Mutex // one change of behaviour at a time
	instance    *Person    // the instance actor
	ledger      ledger     // guarded by world.mu

	httpMu   sync.Mutex // guards the two below
	http     *http.Server
	listener net.Listener

	mu          sync.Mutex // guards all below, and the state of its people
	people      map[string]*Person
	actors      map[string]*Person // the same by id, and itself
	notes       map[string]*note
	collections map[string]*collection
	posts       map[string]*Post
	postOrder   []string                  // ids of posts as they came
	documents   map[string]map[string]any // documents of no note and nobody, by address
}

func newServer(w *World, name string, software Software, place *net.TCPAddr) *Server {
	s := &Server{
		Name: name, Software: software, world: w, cache: w.cache,
		Host: place.String(), URL: "http://" + place.String(),
		people: map[string]*Person{}, actors: map[string]*Person{}, notes: map[string]*note{}, posts: map[string]*Post{},
		collections: map[string]*collection{},
	}
	if s.cache == nil {
		s.cache = newActorCache()
	}
	s.behaviour.Store(activate(Healthy()))
	s.client = newClient(place.IP)
	// The instance actor signs what the server fetches for itself. Its name is the host, as in Mastodon.
	s.instance = &Person{Server: s, Name: place.IP.String(), ID: s.URL + "/actor", kind: "Application"}
	s.instance.init()
	s.actors[s.instance.ID] = s.instance
	return s
}

// Person returns the person with that name, and creates them at the first call. The name consists of lower-case
// letters, digits and underscores.
func (s *Server) Person(name string) *Person { return s.resident(name, "Person") }

// Group returns the group with that name, and creates it at the first call. Like a community of Lemmy it announces
// what its members post.
func (s *Server) Group(name string) *Person { return s.resident(name, "Group") }

// resident returns or creates the actor with a name.
func (s *Server) resident(name, kind string) *Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.people[name]; ok {
		return p
	}
	p := &Person{Server: s, Name: name, ID: s.URL + "/users/" + name, kind: kind}
	// Misskey's actor ids do not contain the name: whoever parses names out of ids must fail here.
	if s.Software == Misskey {
		p.ID = s.URL + "/users/" + strings.ToLower(fmt.Sprintf("%x", s.world.nextID()))
	}
	p.init()
	s.people[name] = p
	s.actors[p.ID] = p
	return p
}

func (s *Server) serve(listener net.Listener) {
	server := &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       time.Minute,
		BaseContext:       func(net.Listener) context.Context { return s.world.ctx },
		// The tests abort connections on purpose. The server would log each of them.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	s.httpMu.Lock()
	s.http, s.listener = server, listener
	s.httpMu.Unlock()
	go server.Serve(listener)
}

// shut stops listening and cuts all connections.
func (s *Server) shut() {
	s.httpMu.Lock()
	defer s.httpMu.Unlock()
	if s.http != nil {
		s.listener.Close() // the server closes only what it has begun to serve
		s.http.Close()
		s.http, s.listener = nil, nil
	}
}

// reopen listens again on the address that shut gave up.
func (s *Server) reopen() error {
	if !s.world.startWork() {
		return fmt.Errorf("the world is closed")
	}
	defer s.world.endWork()
	var last error
	// Connections that were just cut may hold the address for a moment.
	for range 20 {
		listener, err := net.Listen("tcp4", s.Host)
		if err == nil {
			s.serve(listener)
			// World.Close may have run between startWork and serve, when there was nothing to shut.
			if s.world.ctx.Err() != nil {
				s.shut()
			}
			return nil
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	return last
}

// handle answers every request: a POST is a delivery, everything else reads a document or a page.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if !s.world.startWork() {
		// The world is closed: cut the connection, as a machine does that is switched off.
		panic(http.ErrAbortHandler)
	}
	defer s.world.endWork()
	behaviour := s.behaviour.Load()
	if r.Method == http.MethodPost {
		s.handleDelivery(w, r, behaviour)
		return
	}
	watched := &statusWriter{ResponseWriter: w}
	defer func() { s.recordRequest(r, watched.status) }()
	if behaviour.silent() {
		behaviour.keepSilent(w, r)
	}
	if behaviour.cuts() {
		behaviour.cut(w)
		return
	}
	// A trickled response returns from keepSilent with its connection taken over: nothing can be written any more.
	if behaviour.silent() || !behaviour.wait(r) {
		return
	}
	s.handleGet(watched, r, behaviour)
}

// statusWriter remembers the status that was written, for the record of requests.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// handleGet answers a request that is no delivery.
func (s *Server) handleGet(w http.ResponseWriter, r *http.Request, behaviour *activeBehaviour) {
	switch path := r.URL.Path; {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case path == "/.well-known/webfinger":
		s.webFinger(w, r)
	case strings.HasPrefix(path, "/avatars/"):
		s.avatar(w, path)
	case behaviour.kind == gone:
		writeError(w, http.StatusGone, "gone")
	case path == "/.well-known/nodeinfo" || path == "/nodeinfo/2.0":
		s.nodeInfo(w, path)
	case wantsPage(r):
		s.page(w, r)
	default:
		s.document(w, r)
	}
}

// wantsPage reports whether a browser asks. Pages are at the root and under /@name.
func wantsPage(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	if strings.Contains(accept, "application/activity+json") || strings.Contains(accept, "application/ld+json") {
		return false
	}
	return strings.Contains(accept, "text/html") || r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/@")
}
