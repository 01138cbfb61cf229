package store

import (
	"context"
	"net"
	"os"
	"time"

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

// fileEvery is how often the times of a SQLite file are read. That takes two microseconds.
const fileEvery = 25 * time.Millisecond

// commitLooks is how many hints follow a write. The commit can be read only when the disk has what was written.
const commitLooks = 5

// watchFile gives a hint after each commit to a SQLite file, also after our own.
func watchFile(ctx context.Context, p *pool, hints chan<- struct{}) {
	tick := time.NewTicker(fileEvery)
	defer tick.Stop()
	for last, looks := (fileState{}), 0; ; looks-- {
		if now := stateOf(p.url + "-wal"); now != last {
			last, looks = now, commitLooks
		}
		if looks > 0 {
			give(hints)
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
	// Each commit writes to the write-ahead log. There is none before the first.
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime().UnixNano()}
}
