//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/rig"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

const stops = 10

// cuts counts what clients saw while the server stopped.
type cuts struct {
	answered  atomic.Int64
	unnoticed atomic.Int64 // connections that were in the backlog of the listener when it closed
	mu        sync.Mutex
	cut       []string // requests on accepted connections without a whole answer
}

// TestNoRequestIsCutWhenTheServerStops stops the program again and again while clients send requests on connections
// that they keep.
func TestNoRequestIsCutWhenTheServerStops(t *testing.T) {
	if testing.Short() {
		t.Skip("stopping takes its time")
	}
	storetest.EachURL(t, func(t *testing.T, database string) {
		program := rig.NewProgram(t, rig.Build(t), database)
		var seen cuts
		for range stops {
			program.Serve()
			var clients sync.WaitGroup
			for i := range 24 {
				clients.Go(func() { seen.load(strings.TrimPrefix(program.URL, "http://"), i) })
			}
			time.Sleep(400 * time.Millisecond)
			stop(t, program)
			clients.Wait()
		}
		t.Logf("%d stops: %d requests answered, %d cut, %d connections that nobody had accepted", stops,
			seen.answered.Load(), len(seen.cut), seen.unnoticed.Load())
		if seen.answered.Load() < stops*100 {
			t.Errorf("only %d requests were answered: this proves little", seen.answered.Load())
		}
		for _, what := range seen.cut {
			t.Error(what)
		}
	})
}

// load sends requests until nobody listens any more. Every third client opens a new connection for each request.
func (c *cuts) load(address string, client int) {
	const get = "GET /healthz HTTP/1.1\r\nHost: %[1]s\r\n\r\n"
	const post = "POST /ap/inbox HTTP/1.1\r\nHost: %[1]s\r\nContent-Type: application/activity+json\r\nContent-Length: " +
		"%[2]d\r\n\r\n%[3]s"
	body := `{"type":"Like","pad":"` + strings.Repeat("x", 3000) + `"}`
	request := fmt.Sprintf(get, address)
	if client%2 == 0 {
		request = fmt.Sprintf(post, address, len(body), body)
	}
	for {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return // nobody listens any more
		}
		c.talk(conn, request, client%3 == 0)
	}
}

// talk sends requests on one connection until the server ends it.
func (c *cuts) talk(conn net.Conn, request string, once bool) {
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for n := 0; ; n++ {
		_, err := io.WriteString(conn, request)
		var answer *http.Response
		if err == nil {
			answer, err = http.ReadResponse(answers, nil)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		switch {
		case err == nil:
			c.answered.Add(1)
		// A connection that the kernel took and the program never did is reset when its listener closes. No program can
		// prevent that, and no byte of it was read.
		case n == 0 && answer == nil && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)):
			c.unnoticed.Add(1)
			return
		default:
			c.mu.Lock()
			c.cut = append(c.cut, fmt.Sprintf("request %d of a connection: %v", n+1, err))
			c.mu.Unlock()
			return
		}
		if answer.Close || once {
			return
		}
	}
}

// TestNoDeliveryIsRepeatedAfterAStop stops the program while deliveries wait for their answers. Those answers must be
// recorded, so that the next process does not send the same again.
func TestNoDeliveryIsRepeatedAfterAStop(t *testing.T) {
	if testing.Short() {
		t.Skip("stopping takes its time")
	}
	storetest.EachURL(t, func(t *testing.T, database string) {
		program, world := rig.NewProgram(t, rig.Build(t), database), rig.NewWorld(t)
		author, people := program.AddAuthor(), rig.People(t, world, 200)
		program.Serve()
		rig.Follow(t, people, author.Actor)
		if err := author.SignIn(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, p := range people {
			if err := p.Server.SetBehaviour(fedtest.Slow(600 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
		}
		caught := 0
		const rounds = 3
		for round := range rounds {
			id := fmt.Sprintf("01KAV3R8XQZ6M2T4N5P7S%05d", round)
			if err := author.Draft(t.Context(), id, fmt.Sprint("Crossing ", round), "It comes when you ring."); err != nil {
				t.Fatal(err)
			}
			if said, err := author.Publish(t.Context(), id); !said {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(200+250*round) * time.Millisecond)
			_, before, err := s.CountWaiting(t.Context())
			stop(t, program)
			if err == nil && before > 0 {
				caught++
			}
			// The servers fetch the author's key when they judge the first delivery. They could not do that once nobody
			// listened, and answered with errors.
			if n, err := s.CountSilentPeers(t.Context()); err != nil || n.Silent+n.Patient > 0 {
				t.Errorf("%d servers rest after the stop (%v)", n.Silent+n.Patient, err)
			}
			program.Serve()
		}
		for waiting, end := 1, time.Now().Add(time.Minute); waiting > 0 && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond)
			if _, waiting, err = s.CountWaiting(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		sent := world.CountDeliveries(fedtest.OfType("Create"))
		t.Logf("%d of %d stops hit a fan-out; %d deliveries, %d wanted", caught, rounds, sent, rounds*len(people))
		if caught == 0 {
			t.Error("no stop hit a fan-out: this proves nothing")
		}
		if sent != rounds*len(people) {
			t.Errorf("%d deliveries were sent, want %d", sent, rounds*len(people))
		}
	})
}

// stop asks the program to stop, and waits for its end.
func stop(t *testing.T, program *rig.Program) {
	t.Helper()
	began := time.Now()
	program.Signal(syscall.SIGTERM)
	if err := program.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to stop", took)
	}
}
