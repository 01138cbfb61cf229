package inbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"causerie/internal/overkant"
)

// held are servers that keep each request waiting until it is let go. They have nothing: the answer is 404.
type held struct {
	o       *overkant.Blog
	servers []string // their addresses
	came    atomic.Int64
	let     chan struct{} // lets one request go
	letAll  func()
}

func hold(o *overkant.Blog, n int) *held {
	h := &held{o: o, let: make(chan struct{})}
	h.letAll = sync.OnceFunc(func() { close(h.let) })
	for range n {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// A server of another test had this port before, and somebody may still call it.
			if strings.Contains(r.UserAgent(), o.Site.URL) {
				h.came.Add(1)
				select {
				case <-h.let:
				case <-r.Context().Done():
				}
			}
			http.NotFound(w, r)
		}))
		o.T.Cleanup(server.Close)
		h.servers = append(h.servers, server.URL)
	}
	o.T.Cleanup(h.letAll) // before the servers are closed, which wait for their answers
	return h
}

// expectAtOnce checks that n requests come at once, and the next one when one of them is answered. Then it lets all go.
func (h *held) expectAtOnce(n int) {
	h.o.T.Helper()
	h.o.Until(fmt.Sprint(n, " requests have come"), func() bool { return h.came.Load() >= int64(n) })
	time.Sleep(200 * time.Millisecond)
	if got := h.came.Load(); got != int64(n) {
		h.o.T.Errorf("%d requests came at once, want %d", got, n)
	}
	h.let <- struct{}{}
	h.o.Until("one more has come", func() bool { return h.came.Load() > int64(n) })
	h.letAll()
}
