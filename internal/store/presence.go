package store

import (
	"context"
	"net"
	"sync"
)

// Prompt returns a context for somebody who waits for an answer, such as a reader. While the database does not answer,
// everything with this context fails at once with ErrUnavailable. Without it, calls wait, as background work should.
// It takes effect with PostgreSQL, and after Watch was started.
func Prompt(ctx context.Context) context.Context { return context.WithValue(ctx, promptKey{}, true) }

type promptKey struct{}

func isPrompt(ctx context.Context) bool { return ctx.Value(promptKey{}) != nil }

// presence is whether the database answers. It closes the connections of those who do not wait when it does not.
type presence struct {
	mu    sync.Mutex
	away  chan struct{} // closed while the database does not answer
	isOut bool
	conns map[net.Conn]struct{}
}

func newPresence() *presence {
	return &presence{away: make(chan struct{}), conns: map[net.Conn]struct{}{}}
}

// set records whether the database does not answer.
func (p *presence) set(out bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if out == p.isOut {
		return
	}
	p.isOut = out
	if !out {
		p.away = make(chan struct{})
		return
	}
	close(p.away)
	// A driver cannot give up a query before its server answers. A closed connection ends the wait.
	for conn := range p.conns {
		conn.Close()
	}
}

// left returns a channel that is closed when the database does not answer.
func (p *presence) left() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.away
}

// refuse returns ErrUnavailable for a prompt context while the database does not answer.
func (p *presence) refuse(ctx context.Context) error {
	if !isPrompt(ctx) {
		return nil
	}
	select {
	case <-p.left():
		return ErrUnavailable
	default:
		return nil
	}
}

// add adds a connection of those who do not wait, unless the database does not answer.
func (p *presence) add(conn net.Conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isOut {
		conn.Close()
		return ErrUnavailable
	}
	p.conns[conn] = struct{}{}
	return nil
}

func (p *presence) remove(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}
