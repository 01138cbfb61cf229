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

// missing skips the PostgreSQL half, or fails it where it is required.
func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CAUSERIE_TEST_REQUIRE") == "postgres" || !errors.Is(err, errNoBinaries) {
		t.Fatalf("PostgreSQL: %v", err)
	}
	t.Skipf("PostgreSQL: %v", err)
}

// binary finds a program of PostgreSQL, the newest version first.
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

// quickest is the folder in memory, where the machine has one with room for the databases of many tests: each is made
// of a thousand files, which take ten times as long on a disk. Else it is "", the usual one.
func quickest() string {
	const memory, room = "/dev/shm", 2 << 30
	var fs syscall.Statfs_t
	err := syscall.Statfs(memory, &fs)
	//nolint:unconvert // Bsize has another type on other systems
	if err != nil || int64(fs.Bavail)*int64(fs.Bsize) < room {
		return ""
	}
	return memory
}

// run starts the server under a shell that waits for our end of a pipe: when this process ends, in whatever way, the
// pipe closes, and the server and its folder go.
func (s *server) run(who *syscall.SysProcAttr, postgres, data string) error {
	const script = `"$1" -D "$2" -k "$3" -c listen_addresses= -c fsync=off -c max_connections=300 -c shared_buffers=64MB \
		>"$3/log" 2>&1 & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$3"`
	cmd := as(who, "/bin/sh", "-c", script, "sh", postgres, data, s.dir)
	cmd.SysProcAttr.Setpgid = true // Ctrl-C is for the tests; the pipe tells the rest
	var err error
	if s.alive, err = cmd.StdinPipe(); err != nil {
		return err
	}
	return cmd.Start()
}

// unprivileged gives the folder to a user that PostgreSQL agrees to run as, when we are root.
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

func as(who *syscall.SysProcAttr, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	attr := *who
	cmd.SysProcAttr = &attr
	cmd.Dir = "/"
	return cmd
}
