package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/rig"
)

// asProgram is set in the environment of a test binary that shall run as the program, for tests that need a process
// of its own.
const asProgram = "TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(rig.Main(m))
}

// stage is the program, serving a blog, with commands that run beside it.
type stage struct {
	t        *testing.T
	ctx      context.Context
	url      string
	settings []string // which blog is meant
	out      *output
	stop     func() int // ends the server and returns its exit status
}

// output is what a program writes. It can be read meanwhile.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *output) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *output) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// freePort returns a loopback address with a port that is free.
func freePort(t *testing.T) string {
	t.Helper()
	address, err := fedtest.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// open starts “causerie serve” on a database and waits until it is ready.
func open(t *testing.T, database string) *stage {
	t.Helper()
	return openAt(t, database, freePort(t))
}

// openAt is open at a given address, with more settings.
func openAt(t *testing.T, database, address string, settings ...string) *stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	t.Cleanup(cancel)
	s := &stage{t: t, ctx: ctx, url: "http://" + address, out: &output{},
		settings: append([]string{"--database", database, "--data", t.TempDir(), "--federation-allow", "127.0.0.0/8", "--log",
			"text,error"}, settings...)}
	serving, leave := context.WithCancel(context.Background())
	status := make(chan int, 1)
	go func() {
		status <- run(serving, s.args("serve", "--listen", address, "--url", s.url), nil, console{nil, s.out, s.out})
	}()
	s.stop = sync.OnceValue(func() int {
		leave()
		return <-status
	})
	t.Cleanup(func() {
		if code := s.stop(); code != done || t.Failed() {
			t.Errorf("the server ended with %d and said:\n%s", code, s.out)
		}
	})
	s.wait("the server is ready", func() bool {
		answer, err := http.Get(s.url + "/readyz")
		if err == nil {
			answer.Body.Close()
		}
		return err == nil && answer.StatusCode == http.StatusOK
	})
	return s
}

func (s *stage) args(args ...string) []string { return append(args, s.settings...) }

// wait waits until yes returns true.
func (s *stage) wait(what string, yes func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !yes() {
		if time.Now().After(deadline) || s.ctx.Err() != nil {
			s.t.Fatalf("waited too long until %s; the server said:\n%s", what, s.out)
		}
		time.Sleep(15 * time.Millisecond)
	}
}

// cli runs a command beside the server, which must succeed, and returns its output.
func (s *stage) cli(args ...string) string {
	s.t.Helper()
	out, trouble, status := cli(s.ctx, s.args(args...), nil, "")
	if status != done {
		s.t.Fatalf("%q ended with %d: %s", args, status, trouble)
	}
	return out
}

// cli runs the program to its end.
func cli(ctx context.Context, args, env []string, in string) (out, trouble string, status int) {
	var o, e bytes.Buffer
	status = run(ctx, args, env, console{strings.NewReader(in), &o, &e})
	return o.String(), e.String(), status
}

// read decodes the JSON objects that a command printed.
func read[T any](t *testing.T, out string) []T {
	t.Helper()
	var list []T
	for app := json.NewDecoder(strings.NewReader(out)); ; {
		var one T
		err := app.Decode(&one)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		list = append(list, one)
	}
}

// folders are the folders of write, by the names of the tests.
var folders sync.Map

// write writes an article file to the folder of the test. The same name is the same file.
func write(t *testing.T, name, text string) string {
	t.Helper()
	folder, known := folders.Load(t.Name())
	if !known {
		folder = t.TempDir()
		folders.Store(t.Name(), folder)
		t.Cleanup(func() { folders.Delete(t.Name()) })
	}
	path := filepath.Join(folder.(string), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// get requests an address as a browser or another server does, and returns the status and the body.
func (s *stage) get(address, accept string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// shows waits until a page contains a text, or no longer does.
func (s *stage) shows(address, words string, yes bool) {
	s.t.Helper()
	s.wait("the page says "+words, func() bool {
		_, body := s.get(address, "text/html")
		return strings.Contains(body, words) == yes
	})
}

// veerhuis starts a pretend server with Bram on it.
func (s *stage) veerhuis() (*fedtest.Server, *fedtest.Person) {
	s.t.Helper()
	world := fedtest.New(fedtest.Config{Ports: true})
	s.t.Cleanup(func() { world.Close() })
	server, err := world.AddServer("veerhuis", fedtest.Mastodon)
	if err != nil {
		s.t.Fatal(err)
	}
	return server, server.Person("bram")
}

// follow lets people follow an author or the blog, and waits until they do.
func (s *stage) follow(handle string, followers ...*fedtest.Person) {
	s.t.Helper()
	for _, f := range followers {
		found, err := f.LookUp(s.ctx, strings.TrimPrefix(handle, "@"))
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := f.Follow(s.ctx, found.ID); err != nil {
			s.t.Fatal(err)
		}
		if err := f.WaitAccepted(s.ctx, found.ID); err != nil {
			s.t.Fatal(err)
		}
	}
}

// ilse adds the author of most tests, and lets people follow her.
func (s *stage) ilse(followers ...*fedtest.Person) authorLine {
	s.t.Helper()
	author := read[authorLine](s.t, s.cli("author", "add", "ilse", "--name", "Ilse Verhaagen", "--json"))[0]
	s.follow(author.Handle, followers...)
	return author
}
