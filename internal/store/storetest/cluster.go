package storetest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Cluster is a PostgreSQL server of one test alone, which can be stopped and paused. It writes to a disk, with fsync.
type Cluster struct {
	t    testing.TB
	dir  string
	who  *syscall.SysProcAttr
	path string // of postgres
	pid  int
	done chan struct{}
}

// NewCluster starts a server with an empty database. It ends with the test.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	initdb, err := binary("initdb")
	if err != nil {
		missing(t, err)
	}
	c := &Cluster{t: t}
	if c.path, err = binary("postgres"); err != nil {
		missing(t, err)
	}
	// The other user cannot enter the folders of t.TempDir.
	if c.dir, err = os.MkdirTemp("", "causerie-pg-"); err != nil { //nolint:usetesting // see above
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(c.dir) })
	if c.who, err = unprivileged(c.dir); err != nil {
		t.Fatal(err)
	}
	if out, err := as(c.who, initdb, "-D", filepath.Join(c.dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
		"--no-locale").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	c.Start()
	t.Cleanup(func() {
		c.Resume()
		c.Stop()
	})
	migrate(t, c.URL())
	return c
}

// URL is the address of its database.
func (c *Cluster) URL() string {
	return "postgres://postgres@/postgres?sslmode=disable&host=" + url.QueryEscape(c.dir)
}

// Start starts the server and waits until it answers.
func (c *Cluster) Start() {
	c.t.Helper()
	cmd := as(c.who, c.path, "-D", filepath.Join(c.dir, "data"), "-k", c.dir, "-c", "listen_addresses=", "-c",
		"max_connections=100")
	cmd.SysProcAttr.Setpgid = true // Pause and Resume reach all its processes
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.pid, c.done = cmd.Process.Pid, make(chan struct{})
	go func(done chan struct{}) {
		cmd.Wait() //nolint:errcheck // a server that is stopped at once ends with an error
		close(done)
	}(c.done)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		// The last line of the file says ready.
		text, err := os.ReadFile(filepath.Join(c.dir, "data", "postmaster.pid"))
		if err == nil && strings.Contains(string(text), "ready") && strings.HasPrefix(string(text), strconv.Itoa(c.pid)) {
			return
		}
	}
	c.t.Fatal("PostgreSQL did not start")
}

// Stop stops the server at once, as “pg_ctl stop -m immediate” does, without a checkpoint.
func (c *Cluster) Stop() {
	c.t.Helper()
	syscall.Kill(c.pid, syscall.SIGQUIT)
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		c.t.Error("PostgreSQL did not stop")
	}
}

// Pause stops the time of all its processes.
func (c *Cluster) Pause() { c.signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (c *Cluster) Resume() { c.signal(syscall.SIGCONT) }

func (c *Cluster) signal(signal syscall.Signal) {
	// Backends lead a process group of their own.
	for _, pid := range append(c.children(), c.pid) {
		syscall.Kill(pid, signal)
	}
}

// children are the processes of the server.
func (c *Cluster) children() (list []int) {
	entries, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range entries {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != fmt.Sprint(c.pid) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			list = append(list, pid)
		}
	}
	return list
}
