// Package pagetest measures a page against the least that net/http can do: a handler that writes the same bytes.
package pagetest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Browser and Packed are headers of a request for a page, without and with compression. Server is that of another
// server, which asks for ActivityPub.
const (
	Browser = "Accept: text/html\r\n"
	Packed  = Browser + "Accept-Encoding: gzip\r\n"
	Server  = "Accept: application/activity+json\r\n"
)

const (
	connections = 64
	rounds      = 9
)

// Compare requests a path b.N times from a handler, and as often from a bare one that writes the same bytes and the
// same headers, over real connections on loopback. more are further headers of the request, with their line ends. The
// two take turns, so that a busy machine slows both. It reports both rates, and as their ratio the median of the
// rounds.
func Compare(b *testing.B, handler http.Handler, path, more string) {
	page := httptest.NewServer(handler)
	defer page.Close()
	header, body, err := read(page.Listener.Addr().String(), path, more)
	if err != nil {
		b.Fatal(err)
	}
	header.Del("Date")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		own := w.Header()
		for name, values := range header {
			own[name] = values
		}
		w.Write(body)
	}))
	defer bare.Close()
	n := b.N/rounds + 1
	var spent [2]time.Duration
	var ratios []float64
	b.ResetTimer()
	// The median of several rounds: a pause of the machine spoils one of them.
	for range rounds {
		var round [2]time.Duration
		for i, server := range []*httptest.Server{bare, page} {
			began := time.Now()
			if err := askOften(server.Listener.Addr().String(), path, more, n); err != nil {
				b.Fatal(err)
			}
			round[i] = time.Since(began)
			spent[i] += round[i]
		}
		ratios = append(ratios, round[0].Seconds()/round[1].Seconds())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(rounds*n)/spent[0].Seconds(), "bare/s")
	b.ReportMetric(float64(rounds*n)/spent[1].Seconds(), "page/s")
	slices.Sort(ratios)
	b.ReportMetric(ratios[rounds/2], "of-bare")
}

func requestFor(path, more string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: overkant.example\r\n" + more + "\r\n")
}

// read returns the header and the body of an answer as they are sent.
func read(addr, path, more string) (http.Header, []byte, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(requestFor(path, more)); err != nil {
		return nil, nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answers %s", path, answer.Status)
	}
	body, err := io.ReadAll(answer.Body)
	return answer.Header, body, err
}

// askOften sends n requests over a few connections, with as little work in the client as possible.
func askOften(addr, path, more string, n int) error {
	done := make(chan error, connections)
	for i := range connections {
		go func() { done <- askOnOne(addr, path, more, (n+i)/connections) }()
	}
	var failed error
	for range connections { // wait for all of them: none may still run in the next round
		if err := <-done; err != nil {
			failed = err
		}
	}
	return failed
}

// askOnOne sends n requests over one connection.
func askOnOne(addr, path, more string, n int) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	// A server that hangs must end the benchmark.
	conn.SetDeadline(time.Now().Add(5 * time.Minute))
	request := requestFor(path, more)
	in := bufio.NewReaderSize(conn, 32<<10)
	for range n {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := skip(in); err != nil {
			return err
		}
	}
	return nil
}

// skip reads one response and discards it.
func skip(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
		// The empty line ends the header.
		if len(line) == 2 {
			_, err = in.Discard(length)
			return err
		}
	}
}
