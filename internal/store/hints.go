package store

import (
	"context"
	"net"
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
		return
	}
	for ctx.Err() == nil {
		// An error ends the connection, not the watch.
		_ = watchFile(ctx, p, hints)
		pause(ctx, time.Second)
	}
}

// give makes sure that a hint is in the channel.
func give(hints chan<- struct{}) {
	select {
	case hints <- struct{}{}:
	default:
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
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

// fileEvery is how often a SQLite file is asked whether it has changed. That reads a few bytes of shared memory.
const fileEvery = 25 * time.Millisecond

// watchFile gives a hint after each commit to a SQLite file, also after our own.
func watchFile(ctx context.Context, p *pool, hints chan<- struct{}) error {
	conn, err := p.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// The number is the one of this connection: it changes when another connection has committed.
	version, err := conn.PrepareContext(ctx, `PRAGMA data_version`)
	if err != nil {
		return err
	}
	defer version.Close()
	tick := time.NewTicker(fileEvery)
	defer tick.Stop()
	for last := int64(-1); ; {
		var now int64
		if err := version.QueryRowContext(ctx).Scan(&now); err != nil {
			return err
		}
		if now != last {
			last = now
			give(hints)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
