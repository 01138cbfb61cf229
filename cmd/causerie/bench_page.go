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

	"causerie/internal/store"
)

// benchBare is the control of the line "page": a process of the same program that serves one file from memory.
type benchBare struct {
	Body     string `required:"" help:"The file."`
	Type     string `required:"" help:"Its content type."`
	Encoding string `help:"Its content encoding."`
}

func (c benchBare) Run(ctx context.Context, config Config, _ *slog.Logger) error {
	body, err := os.ReadFile(c.Body)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: config.Listen, ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/readyz" {
				return
			}
			w.Header().Set("Content-Type", c.Type)
			if c.Encoding != "" {
				w.Header().Set("Content-Encoding", c.Encoding)
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.Write(body)
		})}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// measurePage requests a kept article page over 64 connections, in turn with the same bytes from a bare handler in a
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
	header, body, err := askOnce(o.config.Listen, request)
	if err != nil {
		return err
	}
	file := filepath.Join(o.b.folder, "bare")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	bare, err := self("bench", "bare", "--listen", address, "--body", file, "--type", header.Get("Content-Type"),
		"--encoding="+header.Get("Content-Encoding"))
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
	const connections, rounds = 64, 7
	n := o.b.size(6000, 30_000)
	var ratios, costs []float64
	var spent float64
	for range rounds { // in turn, so that a busy machine slows both; the median, since a pause spoils one round
		before := cpu(bare)
		plain, err := askOften(address, request, connections, n)
		if err != nil {
			return err
		}
		least := cpu(bare) - before
		before = cpu(o.process)
		ours, err := askOften(o.config.Listen, request, connections, n)
		if err != nil {
			return err
		}
		used := cpu(o.process) - before
		spent += used
		ratios = append(ratios, plain.Seconds()/ours.Seconds())
		if used > 0 {
			costs = append(costs, least/used)
		}
	}
	o.b.add(figure{What: name + ", of a bare handler", Value: quantile(ratios, 0.5), Least: 0.9, CPU: spent,
		Note: fmt.Sprintf("%d bytes; by processor time %.2f", len(body), quantile(costs, 0.5))})
	return nil
}

// askOnce sends a request as it is, and returns the header and the body as they came.
func askOnce(address string, request []byte) (http.Header, []byte, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write(request); err != nil {
		return nil, nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
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
