// Package fedtest is a small fediverse on loopback: servers with people on them who follow, reply, like and boost
// over real HTTP with real signatures, and who remember every delivery they get. Tests and benchmarks measure Causerie
// against it, and the demo lives in it.
//
// It shares no code with the rooms it judges. Signatures are made and checked by go-fed/httpsig (draft-cavage-12),
// digests and dates by checks of its own, so that one mistake cannot hide on both sides of the wire.
//
// A [World] owns any number of [Server]s; a server has [Person]s. Everybody acts through methods that post to the
// inbox of whomever it concerns and return what was answered:
//
//	world := neighbour.New(neighbour.Config{})
//	defer world.Close()
//	veerhuis, err := world.Server("veerhuis", neighbour.Mastodon)
//	bram := veerhuis.Person("bram")
//	ilse, err := bram.LookUp(ctx, "ilse@127.0.0.1:8080")
//	_, err = bram.Follow(ctx, ilse.ID)
//	err = bram.WaitAccepted(ctx, ilse.ID)
//	delivery, err := veerhuis.WaitFor(ctx, neighbour.OfType("Create"))
//	reply, err := bram.Reply(ctx, delivery.Object, "<p>Four minutes, if the wind lets you.</p>")
//
// What arrives is written down in a ledger whether it was accepted or not ([Delivery]), and what was accepted stands in
// the timelines ([Server.Timeline], [Person.Home]). How a server behaves is its [Mood], changed at any time.
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

// Config says how a world is laid out. Its zero value is right for tests on Linux.
type Config struct {
	// Ports puts every server on a port of 127.0.0.1, which works on every system. Otherwise each server listens on an
	// address of its own in 127.0.0.0/8, all on the same port, and speaks from that address; only Linux has those.
	Ports bool
	// FirstPort is the first port tried (Ports), or the one port that all servers share. Zero: a free one is chosen.
	FirstPort int
	// KeyPool, when positive, makes all people of the world share that many RSA keys, for thousands of people.
	// Zero: everybody has a key of their own.
	KeyPool int
	// SharedCache lets all servers share what they have learnt of actors elsewhere, so that a delivery to a thousand
	// servers costs its sender one request for its key instead of a thousand.
	SharedCache bool
	// Now is the clock that dates and checks signatures; time.Now when nil.
	Now func() time.Time
	// Log receives what goes wrong in the background (an Accept that cannot be delivered); nothing when nil.
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

// New makes a world without servers. It must be closed.
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

// AddServer adds a server of the given flavour and starts it. The name is for people to read; it is reached by its
// address, as in http://127.1.0.1:20417/users/bram.
func (w *World) AddServer(name string, flavour Software) (*Server, error) {
	listener, err := w.listen()
	if err != nil {
		return nil, fmt.Errorf("start neighbour %q: %w", name, err)
	}
	s := newServer(w, name, flavour, listener.Addr().(*net.TCPAddr))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		listener.Close()
		return nil, fmt.Errorf("start neighbour %q: the world is closed", name)
	}
	w.servers = append(w.servers, s)
	s.serve(listener)
	return s, nil
}

// AddServers adds n servers named 1 to n.
func (w *World) AddServers(n int, flavour Software) ([]*Server, error) {
	servers := make([]*Server, 0, n)
	for i := range n {
		s, err := w.AddServer(fmt.Sprint(i+1), flavour)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// Close ends all servers, whatever their mood, and waits (10 s at most) until nobody in the world does anything more.
func (w *World) Close() error {
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
		return fmt.Errorf("close the neighbours: some are still busy after 10 s")
	}
	for _, s := range servers { // connections that became idle meanwhile
		s.client.CloseIdleConnections()
	}
	return nil
}

// listen finds the next free place. The shared port, once found free, is kept for all addresses.
func (w *World) listen() (net.Listener, error) {
	var last error
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

// nextAddress names the next address to try. Chosen ports lie below those that systems give to outgoing connections, so
// that nothing takes them while a server is closed for a while.
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
	port := w.port
	if port == 0 {
		port = lowPort()
	}
	return fmt.Sprintf("127.%d.%d.%d:%d", 1+n/62500, n/250%250, 1+n%250, port)
}

func (w *World) keepPort(listener net.Listener) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.port == 0 {
		w.port = listener.Addr().(*net.TCPAddr).Port
	}
}

func lowPort() int { return 20000 + rand.IntN(12000) }

// startWork says that work starts for which Close has to wait; false when it is too late for that.
func (w *World) startWork() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.busy++
	return true
}

func (w *World) endWork() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	if w.closed && w.busy == 0 {
		close(w.idle)
	}
}

// background does something nobody waits for, within the time of one exchange.
func (w *World) background(what string, do func(context.Context) error) {
	if !w.startWork() {
		return
	}
	go func() {
		defer w.endWork()
		ctx, cancel := context.WithTimeout(w.ctx, exchangeTime)
		defer cancel()
		if err := do(ctx); err != nil && w.ctx.Err() == nil {
			w.config.Log.Warn("neighbour: "+what, "error", err)
		}
	}()
}

// nextID is a fresh number for ids, larger than those before it.
func (w *World) nextID() int64 {
	return w.config.Now().UnixMilli()<<16 | w.ids.Add(1)&0xffff
}
