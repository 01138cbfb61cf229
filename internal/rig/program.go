package rig

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/fedtest"
)

// builds is the program that the tests of this binary share.
var builds struct {
	sync.Mutex
	dir, path string
}

// Main runs the tests of a package and then deletes the program that they built.
func Main(m *testing.M) int {
	defer func() {
		if builds.dir != "" {
			os.RemoveAll(builds.dir)
		}
	}()
	return m.Run()
}

// Build returns the path of the program, built once, and with the race detector if the test is.
func Build(t testing.TB) string {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if builds.path != "" {
		return builds.path
	}
	dir, err := os.MkdirTemp("", "causerie-rig-") //nolint:usetesting // it outlives the test that makes it
	if err != nil {
		t.Fatal(err)
	}
	builds.dir = dir
	builds.path = filepath.Join(dir, "causerie")
	build(t, builds.path)
	return builds.path
}

// build builds the program.
func build(t testing.TB, path string, flags ...string) {
	t.Helper()
	args := append([]string{"build", "-o", path}, flags...)
	if Racing {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "causerie/cmd/causerie")...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
}

// Program is the program with the settings of one blog. Serve starts it; Run runs a command beside it.
type Program struct {
	URL      string // of the blog
	Address  string // that this process listens on
	Data     string // its data folder
	Settings []string
	Said     *Output // by all its servers

	t       testing.TB
	path    string
	env     []string
	serving *exec.Cmd
}

// Output is what processes write. It can be read meanwhile, and keeps the last megabyte.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
	all  int
}

const keptOutput = 1 << 20

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all += len(p)
	if o.text.Len() > 2*keptOutput {
		tail := bytes.Clone(o.text.Bytes()[o.text.Len()-keptOutput:])
		o.text.Reset()
		o.text.Write(tail)
	}
	return o.text.Write(p)
}

// String returns what was written.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Len returns how many bytes were written in all.
func (o *Output) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all
}

// NewProgram returns the program with a database and a new data folder, on a free port of loopback.
func NewProgram(t testing.TB, path, database string, settings ...string) *Program {
	t.Helper()
	address := FreePort(t)
	p := &Program{t: t, path: path, URL: "http://" + address, Address: address, Data: t.TempDir(), Said: &Output{}}
	p.Settings = append([]string{"--database", database, "--data", p.Data, "--url", p.URL, "--timezone", "UTC",
		"--federation-allow", "127.0.0.0/8", "--log", "text,warn"}, settings...)
	// The program refuses variables with its prefix that are not settings.
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "CAUSERIE_") {
			p.env = append(p.env, entry)
		}
	}
	return p
}

// Beside returns a second process of the same blog on a port of its own.
func (p *Program) Beside() *Program {
	p.t.Helper()
	other := *p
	other.Address, other.serving, other.Said = FreePort(p.t), nil, &Output{}
	return &other
}

// FreePort returns a loopback address with a port that is free.
func FreePort(t testing.TB) string {
	t.Helper()
	address, err := fedtest.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Command returns a command of the program that is not started yet.
func (p *Program) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.path, append(args, p.Settings...)...)
	cmd.Env = p.env
	return cmd
}

// Run runs a command with a text on standard input and returns its output. The error has what it complained of.
func (p *Program) Run(in string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := p.Command(ctx, args...)
	var complaint bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(in), &complaint
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%v: %w\n%s", args, err, complaint.String())
	}
	return string(out), nil
}

// Must is Run for commands that must succeed.
func (p *Program) Must(in string, args ...string) string {
	p.t.Helper()
	out, err := p.Run(in, args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// Begin starts the server and does not wait for it.
func (p *Program) Begin(args ...string) {
	p.t.Helper()
	cmd := p.Command(context.Background(), append([]string{"serve", "--listen", p.Address}, args...)...)
	cmd.Stdout, cmd.Stderr = p.Said, p.Said
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.serving = cmd
	p.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// Serve starts the server, waits until it is ready, and returns how long that took.
func (p *Program) Serve(args ...string) time.Duration {
	p.t.Helper()
	began := time.Now()
	p.Begin(args...)
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for time.Since(began) < 30*time.Second {
		answer, err := client.Get("http://" + p.Address + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.t.Fatalf("the server never became ready and said:\n%s", p.Said)
	return 0
}

// PID is the process of the server.
func (p *Program) PID() int { return p.serving.Process.Pid }

// Signal sends a signal to the server.
func (p *Program) Signal(signal os.Signal) { p.serving.Process.Signal(signal) }

// Kill kills the server and waits for its end.
func (p *Program) Kill() {
	p.serving.Process.Kill()
	p.serving.Wait()
}

// Wait waits for the end of the server, and returns how it ended.
func (p *Program) Wait() error { return p.serving.Wait() }

// Races counts the reports of the race detector. It is zero in a program that was built without.
func (p *Program) Races() int { return strings.Count(p.Said.String(), "WARNING: DATA RACE") }
