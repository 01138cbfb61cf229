package page

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"
)

// BenchmarkKeptPage measures a kept page against the least that net/http can do: a handler that writes the same bytes.
// Both are asked over real connections to loopback, in turns, so that a busy machine slows both.
func BenchmarkKeptPage(b *testing.B) {
	text := bytes.Repeat([]byte(story), 5)
	kept := NewKept(func() uint64 { return 1 }, 0)
	page := httptest.NewServer(Guard(true)(kept.Handler("html", func(context.Context, *http.Request) (Document, error) {
		return html(string(text)), nil
	}, fiveHundred)))
	defer page.Close()
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.Write(text)
	}))
	defer bare.Close()
	const rounds = 5
	var spent [2]time.Duration
	for range rounds {
		for i, server := range []*httptest.Server{bare, page} {
			began := time.Now()
			askOften(b, server.Listener.Addr().String(), b.N/rounds+1)
			spent[i] += time.Since(began)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(rounds*(b.N/rounds+1))/spent[0].Seconds(), "bare/s")
	b.ReportMetric(float64(rounds*(b.N/rounds+1))/spent[1].Seconds(), "kept/s")
	b.ReportMetric(spent[0].Seconds()/spent[1].Seconds(), "of-bare")
}

// askOften asks n times over a few connections, with as little work on this side as possible.
func askOften(b *testing.B, addr string, n int) {
	const connections = 16
	done := make(chan error, connections)
	for i := range connections {
		go func() { done <- askOnOne(addr, n/connections+min(1, max(0, n%connections-i))) }()
	}
	for range connections {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

func askOnOne(addr string, n int) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	request := []byte("GET /2026/11/four-minutes-wide HTTP/1.1\r\nHost: overkant.example\r\nAccept: text/html\r\n\r\n")
	in := bufio.NewReaderSize(conn, 32<<10)
	for range n {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		length := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return err
			}
			if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := io.CopyN(io.Discard, in, int64(length)); err != nil {
			return err
		}
	}
	return nil
}
