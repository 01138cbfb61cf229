package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"causerie/internal/federation"
)

// How the server stops. All of it takes less than ten seconds, which is what systemd and containers are told.
const (
	// leaveTime is how long requests on open connections are answered before the rest of them is closed. Each answer has
	// “Connection: close”, so a busy client opens another one.
	leaveTime = 300 * time.Millisecond

	// acceptTime is how long connections that were accepted last have to send their request.
	acceptTime = 200 * time.Millisecond

	// workTime is how long the background work may take. It gives up requests of its own after five seconds.
	workTime = 7 * time.Second

	// drainTime is how long everything may take, running requests included.
	drainTime = 9 * time.Second
)

// serve answers requests and runs the background work until ctx ends. Then it finishes what is running, or gives it
// back to the queue.
func (s *server) serve(ctx context.Context, listeners []net.Listener) error {
	// Not a child of ctx: the background work must go on until readyz has changed to "leaving".
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer s.beat(ctx)()
	var working sync.WaitGroup
	for _, work := range []func(context.Context){s.courier.Run, s.inbox.Run, s.jobs.Run, s.backfill.Run} {
		working.Go(func() { work(background) })
	}
	server := newHTTPServer(s.handler, s.log)
	failed := make(chan error, len(listeners)) // room for all, so that no goroutine blocks after the first error
	for _, l := range listeners {
		go func() { failed <- server.Serve(l) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("the server stopped listening: %w", err)
	}
	s.draining.Store(true)
	stop()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime) // ctx has ended already
	defer cancel()
	// The background work ends first: a server that judges one of the last deliveries may fetch its author's key from
	// here.
	if !finished(limit, workTime, &working) {
		// Both are reported: why the server stopped, and that it did not stop cleanly.
		err = errors.Join(err, errors.New("some deliveries were not given back in time; they are tried again when their "+
			"lease ends"))
	}
	s.closeHTTP(limit, server, listeners)
	return err
}

// beat shows other processes on the database that this one is alive, until the function is called that it returns.
// Call that when nothing is leased any more.
func (s *server) beat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var beating sync.WaitGroup
	beating.Go(func() {
		s.store.Beat(ctx, s.courier.Now, func() {
			s.log.Warn("another process of this blog ended without giving its work back; it goes on here")
			s.courier.Wake()
		})
	})
	return func() {
		cancel()
		beating.Wait()
	}
}

// closeHTTP stops to accept connections and waits for the requests that run. No request that a connection was accepted
// for is cut before the limit.
func (s *server) closeHTTP(limit context.Context, server *http.Server, listeners []net.Listener) {
	// Shutdown alone would drop each request that has been read but has not reached its handler, and close connections
	// on which the next request is already under way. So clients leave first.
	federation.Pause(limit, nil, leaveTime)
	closeAll(listeners)
	federation.Pause(limit, nil, acceptTime)
	if server.Shutdown(limit) != nil {
		server.Close()
	}
}

// lastAnswers ends connections by their answers while the server stops.
func (s *server) lastAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// finished waits for the background work. It reports false when that takes longer than limit.
func finished(ctx context.Context, limit time.Duration, working *sync.WaitGroup) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		working.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-ctx.Done():
		return false
	}
}
