package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"causerie/internal/fedtest"
	"causerie/internal/store"
)

// benchBare is the control of the line "page": a process of the same program whose handler sends one recorded answer
// from memory. Its connections have the same limits as ours, and the answer has the same header.
type benchBare struct {
	Answer string `required:"" help:"A file with the answer as it is sent over HTTP."`
}

func (c benchBare) Run(ctx context.Context, config Config, log *slog.Logger) error {
	file, err := os.Open(c.Answer)
	if err != nil {
		return err
	}
	defer file.Close()
	header, body, err := readAnswer(file)
	if err != nil {
		return err
	}
	header.Del("Date") // net/http sets it for each answer
	server := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		own := w.Header()
		for name, values := range header {
			own[name] = values
		}
		w.Write(body)
	}), log)
	server.Addr = config.Listen
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// measurePage requests a kept article page over 64 connections, in turn with the same answer from a bare handler in a
// process of its own.
func measurePage(ctx context.Context, b *bench) error {
	o, err := b.blog(ctx, benchSeed{Comments: 100, Followers: 50})
	if err != nil {
		return err
	}
	defer o.remove()
	if err := o.start(ctx); err != nil {
		return err
	}
	articles, err := o.store.Articles(ctx, store.ArticleFilter{Listed: true, Limit: 1})
	if err != nil {
		return err
	}
	a := articles[0]
	for _, form := range []struct{ name, path, accept, encoding string }{
		{"plain", o.site.ArticlePath(a), "text/html", ""},
		{"gzip", o.site.ArticlePath(a), "text/html", "gzip"},
		{"ActivityPub", "/ap/articles/" + string(a.ObjectID), asServer, ""},
	} {
		request := "GET " + form.path + " HTTP/1.1\r\nHost: " + o.config.Listen + "\r\nAccept: " + form.accept + "\r\n"
		if form.encoding != "" {
			request += "Accept-Encoding: " + form.encoding + "\r\n"
		}
		if err := o.compare(ctx, form.name, []byte(request+"\r\n")); err != nil {
			return fmt.Errorf("%s: %w", form.name, err)
		}
	}
	return nil
}

// compare measures one form of the page.
func (o *benchBlog) compare(ctx context.Context, name string, request []byte) error {
	answer, size, err := askOnce(o.config.Listen, request)
	if err != nil {
		return err
	}
	file := filepath.Join(o.b.folder, "answer")
	if err := os.WriteFile(file, answer, 0o600); err != nil {
		return err
	}
	address, err := fedtest.FreeAddress()
	if err != nil {
		return err
	}
	bare, err := self("bench", "bare", "--listen", address, "--answer", file)
	if err != nil {
		return err
	}
	if err := bare.Start(); err != nil {
		return err
	}
	defer endProcess(bare)
	if err := waitReady(ctx, "http://"+address); err != nil {
		return err
	}
	const connections, rounds = 64, 15
	n := o.b.size(4000, 20_000)
	var ratios []float64
	var least, spent float64
	for range rounds { // in turn, so that a busy machine slows both; the median, since a pause spoils one round
		before := cpu(bare)
		plain, err := askOften(address, request, connections, n)
		if err != nil {
			return err
		}
		least += cpu(bare) - before
		before = cpu(o.process)
		ours, err := askOften(o.config.Listen, request, connections, n)
		if err != nil {
			return err
		}
		spent += cpu(o.process) - before
		ratios = append(ratios, plain.Seconds()/ours.Seconds())
	}
	o.b.add(figure{What: name + ", of a bare handler", Value: quantile(ratios, 0.5), Least: 0.9, CPU: spent,
		Note: fmt.Sprintf("by processor time %.2f; the bare handler has the same header, body of %d bytes and limits",
			least/max(spent, 0.01), size)})
	return nil
}

// askOnce sends a request, and returns the answer as it came and the size of its body.
func askOnce(address string, request []byte) (answer []byte, size int, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write(request); err != nil {
		return nil, 0, err
	}
	var came bytes.Buffer
	_, body, err := readAnswer(io.TeeReader(conn, &came))
	return came.Bytes(), len(body), err
}

// readAnswer reads an answer with its header and body as they are sent.
func readAnswer(from io.Reader) (http.Header, []byte, error) {
	answer, err := http.ReadResponse(bufio.NewReader(from), nil)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("it answers %s", answer.Status)
	}
	body, err := io.ReadAll(answer.Body)
	return answer.Header, body, err
}

// askOften sends a request n times over some connections, with as little work as possible, and returns how long it
// takes.
func askOften(address string, request []byte, connections, n int) (time.Duration, error) {
	began := time.Now()
	var asking errgroup.Group
	for i := range connections {
		asking.Go(func() error { return askOnOne(address, request, (n+i)/connections) })
	}
	err := asking.Wait()
	return time.Since(began), err
}

// askOnOne sends a request n times over one connection.
func askOnOne(address string, request []byte, n int) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Minute)) // a server that hangs must not hang the measurement
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

// skip reads one response with a Content-Length, and discards it.
func skip(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("it answers %q", bytes.TrimSpace(line))
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
		if len(line) == 2 { // the empty line ends the header
			_, err = in.Discard(length)
			return err
		}
	}
}
