package storetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

var errNoBinaries = errors.New("no PostgreSQL binaries in PATH or /usr/lib/postgresql: install Debian's package " +
	"postgresql to run this half")

// missing skips the PostgreSQL half of a test, or fails it where PostgreSQL is required.
func missing(t testing.TB, err error) {
	t.Helper()
	// Binaries that are present but do not start are a failure in any case.
	if Required("postgres") || !errors.Is(err, errNoBinaries) {
		t.Fatalf("PostgreSQL: %v", err)
	}
	t.Skipf("PostgreSQL: %v", err)
}

// binary finds a program of PostgreSQL, in PATH or else the newest version in Debian's folders.
func binary(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return "", errNoBinaries
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	return found[0], nil
}

// version reads 15 from /usr/lib/postgresql/15/bin/initdb.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// start makes a database cluster in a temporary folder and starts a server for it.
func start() (*server, error) {
	initdb, err := binary("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := binary("postgres")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(quickest(), "causerie-pg-")
	if err != nil {
		return nil, err
	}
	who, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	// Tests need no durability, and no sorting by a language: --no-locale compares bytes, as SQLite does.
	data := filepath.Join(dir, "data")
	if out, err := as(who, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale",
		"--no-sync").CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	s := &server{dir: dir}
	if err := s.run(who, postgres, data); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, s.prepare()
}

// quickest is a folder in memory, or "" for the usual one. A database consists of a thousand files, which take ten
// times as long on a disk.
func quickest() string {
	// A full memory disk would stop the tests in the middle.
	const memory, room = "/dev/shm", 2 << 30
	var fs syscall.Statfs_t
	err := syscall.Statfs(memory, &fs)
	//nolint:unconvert // Bsize has another type on other systems
	if err != nil || int64(fs.Bavail)*int64(fs.Bsize) < room {
		return ""
	}
	return memory
}

// run starts the server below a shell that waits for the end of a pipe from this process.
func (s *server) run(who *syscall.SysProcAttr, postgres, data string) error {
	// When this process ends in any way, even by kill -9, the pipe closes. Then the shell stops the server and removes
	// its folder.
	const script = `"$1" -D "$2" -k "$3" -c listen_addresses= -c fsync=off -c max_connections=300 -c shared_buffers=64MB \
		>"$3/log" 2>&1 & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$3"`
	cmd := as(who, "/bin/sh", "-c", script, "sh", postgres, data, s.dir)
	cmd.SysProcAttr.Setpgid = true // Ctrl-C must reach the tests only; the shell learns of their end by the pipe
	var err error
	if s.alive, err = cmd.StdinPipe(); err != nil {
		return err
	}
	return cmd.Start()
}

// unprivileged gives the folder to another user when the tests run as root: PostgreSQL refuses to run as root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}},
		os.Chown(dir, uid, gid)
}

// as is a command with attributes of a process.
func as(who *syscall.SysProcAttr, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	// The caller changes its copy (Setpgid).
	attr := *who
	cmd.SysProcAttr = &attr
	// The other user may have no access to the present folder.
	cmd.Dir = "/"
	return cmd
}
