package storetest

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Stall is a PostgreSQL server that can stop to answer while its connections stay open, like a paused machine. It is a
// proxy in front of the real one.
type Stall struct {
	mu     sync.Mutex
	moving *sync.Cond
	still  bool
}

// Begin stops all answers.
func (s *Stall) Begin() { s.set(true) }

// End lets the answers go on.
func (s *Stall) End() { s.set(false) }

func (s *Stall) set(still bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.still = still
	s.moving.Broadcast()
}

// Stalling returns the address of a fresh migrated PostgreSQL database that can stall.
func Stalling(t testing.TB) (string, *Stall) {
	t.Helper()
	u, err := url.Parse(Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	stall := &Stall{}
	stall.moving = sync.NewCond(&stall.mu)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stall.End(); listener.Close() })
	socket := filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go stall.pass(near, socket)
		}
	}()
	return "postgres://postgres@" + listener.Addr().String() + "/" + strings.TrimPrefix(u.Path, "/") + "?sslmode=disable",
		stall
}

// pass connects a client with the server.
func (s *Stall) pass(near net.Conn, socket string) {
	defer near.Close()
	far, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		_, _ = io.Copy(far, near)
		far.Close()
	}()
	_, _ = io.Copy(stallWriter{near, s}, far)
}

// stallWriter writes when the server does not stall.
type stallWriter struct {
	io.Writer
	*Stall
}

func (w stallWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	for w.still {
		w.moving.Wait()
	}
	w.mu.Unlock()
	return w.Writer.Write(p)
}
