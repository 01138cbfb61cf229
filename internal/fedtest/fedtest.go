// Package fedtest is a small pretend fediverse for tests and for the demo. Its servers listen on loopback, and the
// people on them follow, reply, like and boost over real HTTP with real signatures. Each server records every request
// that it gets.
//
// A [World] starts and stops servers, each a [Server]. A Server has people, each a [Person]. A Person's methods post
// activities to the inboxes that they concern and return the responses. A test in ten lines, against a blog at
// 127.0.0.1:8080:
//
//	world := fedtest.New(fedtest.Config{})
//	defer world.Close()
//	veerhuis, err := world.AddServer("veerhuis", fedtest.Mastodon)
//	bram := veerhuis.Person("bram")
//	ilse, err := bram.LookUp(ctx, "ilse@127.0.0.1:8080")
//	_, err = bram.Follow(ctx, ilse.ID)
//	err = bram.WaitAccepted(ctx, ilse.ID)
//	create, err := veerhuis.WaitFor(ctx, fedtest.OfType("Create"))
//	reply, err := bram.Reply(ctx, create.Object, "<p>Four minutes, if the wind lets you.</p>")
//	err = veerhuis.SetBehaviour(fedtest.Refusing(503))
//
// To see what arrived, look at the records ([Server.Deliveries], [Server.Requests]), which hold refused requests too,
// or at what the server shows ([Server.Timeline], [Person.HomeTimeline]), which holds only what it accepted.
// [SendOption]s make a delivery that a receiver must refuse. A [Behaviour] makes a server slow, broken or hostile.
//
// The package shares no code with the rooms that it tests. go-fed/httpsig signs and verifies (draft-cavage-12), and
// digests and dates are checked here. A mistake on one side of the wire is therefore seen by the other.
package fedtest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Config is the layout of a world. Its zero value is right for tests on Linux.
type Config struct {
	// Ports puts every server on its own port of 127.0.0.1, which works on every system. Otherwise each server has its
	// own address in 127.0.0.0/8, all on the same port, and sends from that address; only Linux has those addresses.
	Ports bool
	// FirstPort is the first port that is tried (with Ports), or the port that all servers share. Zero chooses a free
	// one.
	FirstPort int
	// KeyPool, when positive, is the number of RSA keys that all people of the world share. Use it for thousands of
	// people. Zero gives everybody their own key.
	KeyPool int
	// SharedCache lets all servers share their cache of actors. A delivery to a thousand servers then costs its sender
	// one request for its key instead of a thousand.
	SharedCache bool
	// Now is the clock that dates and checks signatures. nil is time.Now.
	Now func() time.Time
	// Log receives errors of background work, such as an Accept that cannot be delivered. nil discards them.
	Log *slog.Logger
}

// World is a set of servers that start and end together.
type World struct {
	config Config
	cache  *actorCache // of all servers, with SharedMemory; else nil
	keys   keyring
	ids    atomic.Int64

	ctx    context.Context
	cancel context.CancelFunc

	mu         sync.Mutex // guards all below, and the ledgers of all servers
	servers    []*Server
	addresses  int // addresses or ports given out
	port       int // shared by all addresses
	deliveries int // deliveries in all ledgers
	watches    map[*watch]bool
	busy       int // handlers and background work that Close waits for
	idle       chan struct{}
	closed     bool
}

// New returns a world without servers. The caller must close it.
func New(config Config) *World {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	w := &World{config: config, port: config.FirstPort, watches: map[*watch]bool{}, idle: make(chan struct{})}
	w.keys.pool = config.KeyPool
	if config.SharedCache {
		w.cache = newActorCache()
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// AddServer starts a server that resembles the given software. The name is for messages and pages; other servers
// reach it by its address, such as http://127.1.0.1:20417.
func (w *World) AddServer(name string, software Software) (*Server, error) {
	listener, err := w.listen()
	if err != nil {
		return nil, fmt.Errorf("start server %q: %w", name, err)
	}
	s := newServer(w, name, software, listener.Addr().(*net.TCPAddr))
	w.mu.Lock()
	defer w.mu.Unlock()
	// Close may have run while we looked for an address.
	if w.closed {
		listener.Close()
		return nil, fmt.Errorf("start server %q: the world is closed", name)
	}
	w.servers = append(w.servers, s)
	s.serve(listener)
	return s, nil
}

// AddServers starts n servers, named "1" to n.
func (w *World) AddServers(n int, software Software) ([]*Server, error) {
	servers := make([]*Server, 0, n)
	for i := range n {
		s, err := w.AddServer(fmt.Sprint(i+1), software)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// Close stops all servers, whatever their behaviour, and waits at most 10 s for the work in progress. It returns an
// error when some work has not ended by then.
func (w *World) Close() error {
	// First of all: hanging requests and background work end with this context.
	w.cancel()
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		if w.busy == 0 {
			close(w.idle)
		}
	}
	servers := w.servers
	w.mu.Unlock()
	for _, s := range servers {
		s.shut()
		s.client.CloseIdleConnections()
	}
	select {
	case <-w.idle:
	case <-time.After(10 * time.Second):
		return fmt.Errorf("close the world: some servers are still busy after 10 s")
	}
	// A request that was in progress above may have left an idle connection behind.
	for _, s := range servers { // connections that became idle meanwhile
		s.client.CloseIdleConnections()
	}
	return nil
}

// listen listens on the next free address. The first port that is found free becomes the port of all addresses.
func (w *World) listen() (net.Listener, error) {
	var last error
	// Another program may hold the port that we drew, so try many.
	for range 200 {
		listener, err := net.Listen("tcp4", w.nextAddress())
		if err == nil {
			w.keepPort(listener)
			return listener, nil
		}
		last = err
	}
	if !w.config.Ports {
		return nil, fmt.Errorf("%w (addresses other than 127.0.0.1 need Linux; Config.Ports does without)", last)
	}
	return nil, last
}

// nextAddress returns the next address to try.
func (w *World) nextAddress() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.addresses
	w.addresses++
	if w.config.Ports {
		if w.config.FirstPort > 0 {
			return fmt.Sprintf("127.0.0.1:%d", w.config.FirstPort+n)
		}
		return fmt.Sprintf("127.0.0.1:%d", lowPort())
	}
	// One port for all addresses: "127.1.0.1:port", "127.1.0.2:port" and so on, 62,500 for each second byte.
	port := w.port
	if port == 0 {
		port = lowPort()
	}
	return fmt.Sprintf("127.%d.%d.%d:%d", 1+n/62500, n/250%250, 1+n%250, port)
}

// keepPort keeps the port of the first listener for the servers that follow.
func (w *World) keepPort(listener net.Listener) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.port == 0 {
		w.port = listener.Addr().(*net.TCPAddr).Port
	}
}

// lowPort returns a random port below the ephemeral range. A port from that range could be taken by an outgoing
// connection before its server listens, or while it is [Closed].
func lowPort() int { return 20000 + rand.IntN(12000) }

// FreeAddress returns a loopback address for a program that is about to listen: nobody has it at the moment, and no
// outgoing connection takes it.
func FreeAddress() (string, error) {
	var last error
	for range 200 {
		address := fmt.Sprintf("127.0.0.1:%d", lowPort())
		listener, err := net.Listen("tcp4", address)
		if err == nil {
			return address, listener.Close()
		}
		last = err
	}
	return "", last
}

// startWork registers work that Close waits for. It reports false when the world is closed and the work must not
// begin.
func (w *World) startWork() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.busy++
	return true
}

// endWork ends what startWork registered.
func (w *World) endWork() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	if w.closed && w.busy == 0 {
		close(w.idle)
	}
}

// background runs do in a goroutine, for at most exchangeTime, and logs its error. Close waits for it.
func (w *World) background(what string, do func(context.Context) error) {
	if !w.startWork() {
		return
	}
	go func() {
		defer w.endWork()
		ctx, cancel := context.WithTimeout(w.ctx, exchangeTime)
		defer cancel()
		if err := do(ctx); err != nil && w.ctx.Err() == nil {
			w.config.Log.Warn("fedtest: "+what, "error", err)
		}
	}()
}

// nextID returns a number for a new id, larger than all before: milliseconds and a counter, as in Mastodon's ids.
func (w *World) nextID() int64 {
	return w.config.Now().UnixMilli()<<16 | w.ids.Add(1)&0xffff
}
