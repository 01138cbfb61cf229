package main

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network, so that in a bubble of synctest minutes pass at once.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error {
	close(p)
	return nil
}

func (pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// timed runs a test with a connection to the server of the program, whose handler takes the given time.
func timed(t *testing.T, takes time.Duration, test func(ask func() (string, error))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(takes)
			io.WriteString(w, "at last")
		})
		server, listener := newHTTPServer(handler, slog.New(slog.DiscardHandler)), make(pipes)
		go server.Serve(listener)
		near, far := net.Pipe()
		listener <- far
		reader := bufio.NewReader(near)
		test(func() (string, error) {
			if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: overkant.example\r\n\r\n"); err != nil {
				return "", err
			}
			answer, err := http.ReadResponse(reader, nil)
			if err != nil {
				return "", err
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			return string(body), err
		})
		near.Close()
		server.Close()
	})
}

// hungUp reports whether an error says that the other side closed the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe)
}

func TestAnAnswerMayTakeNinetySeconds(t *testing.T) {
	for takes, comes := range map[time.Duration]bool{writeTime - time.Millisecond: true,
		writeTime + time.Millisecond: false} {
		timed(t, takes, func(ask func() (string, error)) {
			if got, err := ask(); comes && (err != nil || got != "at last") || !comes && (got != "" || !hungUp(err)) {
				t.Errorf("an answer after %v is %q, %v", takes, got, err)
			}
		})
	}
}

func TestAConnectionMayBeIdleForTwoMinutes(t *testing.T) {
	timed(t, 0, func(ask func() (string, error)) {
		for _, c := range []struct {
			idle  time.Duration
			stays bool
		}{{0, true}, {idleTime - time.Millisecond, true}, {idleTime + time.Millisecond, false}} {
			time.Sleep(c.idle)
			if got, err := ask(); c.stays && (err != nil || got != "at last") || !c.stays && !hungUp(err) {
				t.Errorf("after %v without a request the answer is %q, %v", c.idle, got, err)
			}
		}
	})
}
