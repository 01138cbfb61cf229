package store

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/lib/pq"
)

// channel is the name of the notifications between the processes of one PostgreSQL database.
const channel = "causerie"

// notify returns the statement that sends a hint, with the name of the process; "" where the database needs none.
func (d dialect) notify() string {
	if d.postgres {
		return `SELECT pg_notify('` + channel + `', $1)`
	}
	return ""
}

// hints sends to a channel when another process may have changed something, until the context ends.
func (d dialect) hints(ctx context.Context, p *pool, hints chan<- struct{}) {
	if d.postgres {
		listen(ctx, p, hints)
	} else {
		watchFile(ctx, p, hints)
	}
}

// give makes sure that a hint is in the channel.
func give(hints chan<- struct{}) {
	select {
	case hints <- struct{}{}:
	default:
	}
}

// listen passes on notifications of other processes.
func listen(ctx context.Context, p *pool, hints chan<- struct{}) {
	settings, err := postgresSettings(p.url)
	if err != nil {
		return // Open has refused this address already
	}
	l := pq.NewDialListener(plainDialer{}, settings, time.Second, time.Minute, nil)
	defer l.Close()
	// It waits for a connection, however long that takes.
	go func() { _ = l.Listen(channel) }()
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-l.NotificationChannel():
			// nil comes after a lost connection: there may have been others.
			if n == nil || n.Extra != p.name {
				give(hints)
			}
		case <-time.After(time.Minute):
			// A connection whose other end is gone is silent. This finds out.
			go func() { _ = l.Ping() }()
		}
	}
}

// plainDialer dials connections that may be silent for long.
type plainDialer struct{}

func (plainDialer) Dial(network, address string) (net.Conn, error) {
	return net.DialTimeout(network, address, 5*time.Second)
}

func (plainDialer) DialTimeout(network, address string, limit time.Duration) (net.Conn, error) {
	return net.DialTimeout(network, address, limit)
}

// commitLooks are the pauses before the hints that follow a write. The commit can be read only when the disk has what
// was written, and that takes a disk longer than another. The first pause also makes one look of many writes.
var commitLooks = []time.Duration{20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond,
	20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond, 160 * time.Millisecond, 320 * time.Millisecond}

// watchFile gives hints after each commit to a SQLite file, also after our own.
func watchFile(ctx context.Context, p *pool, hints chan<- struct{}) {
	file := p.url
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target // where SQLite puts the log, too
	}
	writes := make(chan struct{}, 1)
	// Each commit writes to the write-ahead log.
	go noticeWrites(ctx, file+"-wal", writes)
	for {
		select {
		case <-ctx.Done():
			return
		case <-writes:
		}
		for next := 0; next < len(commitLooks); next++ {
			select {
			case <-ctx.Done():
				return
			case <-time.After(commitLooks[next]):
			}
			select {
			case <-writes:
				next = -1 // the looks for this write begin after the next one
			default:
			}
			give(hints)
		}
	}
}

// noticeWrites gives a hint when a file was written, until the context ends. The system tells of writes, so a server at
// rest has nothing to do. The file need not exist yet.
func noticeWrites(ctx context.Context, path string, writes chan<- struct{}) {
	// Elsewhere (kqueue) the files of the folder are opened, and closing one of them drops SQLite's locks on it.
	if runtime.GOOS != "linux" {
		pollWrites(ctx, path, writes)
		return
	}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		// The folder, and not the file: SQLite may delete the log and make another one.
		err = watcher.Add(filepath.Dir(path))
	}
	if err != nil { // the limits of the system are reached, say
		pollWrites(ctx, path, writes)
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.Events:
			if event.Name == path && event.Has(fsnotify.Write|fsnotify.Create) {
				give(writes)
			}
		case <-watcher.Errors: // events may be lost
			give(writes)
		}
	}
}

// pollEvery is how often the times of a file are read where the system does not tell of writes.
const pollEvery = 25 * time.Millisecond

// pollWrites gives a hint when a file was written, until the context ends.
func pollWrites(ctx context.Context, path string, writes chan<- struct{}) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for last := (fileState{}); ; {
		if now := stateOf(path); now != last {
			last = now
			give(writes)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// fileState is what shows that a file was written. Two writes within one tick of the file system's clock look the same;
// then the next look of Watch sees the second.
type fileState struct{ size, written int64 }

func stateOf(path string) fileState {
	// There is no write-ahead log before the first commit.
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime().UnixNano()}
}
