package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"causerie/internal/page/pagetest"
)

// BenchmarkArticlePage serves an article through the whole program, and the same bytes from a bare handler: of-bare is
// the ratio of the two.
func BenchmarkArticlePage(b *testing.B) {
	dir := b.TempDir()
	settings := []string{"--database", filepath.Join(dir, "causerie.db"), "--data", dir, "--url", "http://127.0.0.1:8099",
		"--listen", "127.0.0.1:8099"}
	cli := func(args ...string) string {
		var out, trouble output
		if status := run(b.Context(), append(args, settings...), nil, console{nil, &out, &trouble}); status != done {
			b.Fatalf("%v: %d %s", args, status, &trouble)
		}
		return out.String()
	}
	cli("author", "add", "ilse", "--name", "Ilse Verhaagen")
	file := filepath.Join(dir, "four-minutes-wide.md")
	text := "---\ntitle: Four minutes wide\n---\n" +
		strings.Repeat("The ferry at Oudewaard comes when you ring the bell, and the bell is on the other side.\n\n", 60)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	var said struct{ URL string }
	if err := json.Unmarshal([]byte(cli("article", "publish", file, "--author", "ilse", "--json")), &said); err != nil {
		b.Fatal(err)
	}
	s, err := newServer(context.Background(), configOf(b, settings), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.close)
	path := strings.TrimPrefix(said.URL, "http://127.0.0.1:8099")
	for name, more := range map[string]string{"plain": pagetest.Browser, "gzip": pagetest.Packed,
		"ActivityPub": pagetest.Server} {
		b.Run(name, func(b *testing.B) { pagetest.Compare(b, s.handler, path, more) })
	}
}

// BenchmarkStart starts the built program on an existing database: ready-ms is until it can serve, idle-MB what it
// holds in memory a little later, when nothing happens.
func BenchmarkStart(b *testing.B) {
	program := filepath.Join(b.TempDir(), "causerie")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	dir := b.TempDir()
	const address = "127.0.0.1:8098"
	begin := func() (*exec.Cmd, time.Duration) {
		began := time.Now()
		cmd := exec.Command(program, "serve", "--data", dir, "--url", "http://"+address, "--listen", address)
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		for range 2000 {
			if answer, err := http.Get("http://" + address + "/readyz"); err == nil {
				answer.Body.Close()
				return cmd, time.Since(began)
			}
			time.Sleep(5 * time.Millisecond)
		}
		cmd.Process.Kill()
		b.Fatal("it never became ready")
		return nil, 0
	}
	end := func(cmd *exec.Cmd) {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	}
	first, _ := begin() // makes the database
	end(first)
	var ready time.Duration
	var idle float64
	for b.Loop() {
		cmd, took := begin()
		time.Sleep(4 * time.Second)
		ready, idle = ready+took, max(idle, resident(b, cmd.Process.Pid))
		end(cmd)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ready.Milliseconds())/float64(b.N), "ready-ms")
	b.ReportMetric(idle, "idle-MB")
}

// resident returns the resident memory of a process, in megabytes.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("this system does not tell: ", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kilobytes) / 1000
}
