package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// queue gathers what arrives in bursts (replies, settled deliveries). The first to join commits for all who wait, in
// one transaction, and each gets an answer after that commit: one flush to disk serves many.
type queue[T any] struct {
	mu      sync.Mutex
	waiting []T
	running bool
}

// member is one call of GroupCommit.
type member struct {
	ctx  context.Context
	key  string
	do   func(context.Context, *Store) error
	err  error
	done chan struct{}
}

const (
	batchSize  = 128
	batchLimit = 15 * time.Second // no caller's context can end a group
)

// GroupCommit runs do in a transaction that it shares with other calls of the same time, each behind a savepoint: one
// that fails undoes only itself and gets its own error. It returns after the commit. Inside a transaction, do joins
// that one. do gets a context of the group, since the group may outlive the caller's; like that of InTx, it may run
// twice. Calls about the same thing, such as a server by its name, run one after another within this process.
func (s *Store) GroupCommit(ctx context.Context, key string, do func(context.Context, *Store) error) error {
	if s.tx != nil {
		return do(ctx, s)
	}
	m := &member{ctx: ctx, key: key, do: do, done: make(chan struct{})}
	if queue := s.queueOf(key); queue.join(m) {
		go s.commitGroups(queue)
	}
	<-m.done
	// A deadlock ended the whole group. Each member tries once more alone, so that it does not wait for the others
	// again.
	if s.sql.deadlocked(m.err) {
		return s.InTx(ctx, func(s *Store) error { return safely(func() error { return do(ctx, s) }) })
	}
	return m.err
}

// grouped is GroupCommit on SQLite; on PostgreSQL each call has its own transaction.
func (s *Store) grouped(ctx context.Context, host string, do func(context.Context, *Store) error) error {
	// PostgreSQL itself flushes commits together. A group would hold the rows of all its members at once, while a
	// fan-out locks the same rows in another order: deadlocks.
	if s.sql.gathers() {
		return s.InTx(ctx, func(s *Store) error { return do(ctx, s) })
	}
	return s.GroupCommit(ctx, host, do)
}

// commitGroups commits groups until nobody waits.
func (s *Store) commitGroups(queue *queue[*member]) {
	for group := queue.take(batchSize); group != nil; group = queue.take(batchSize) {
		// In the order in which others lock the rows of the same servers.
		slices.SortStableFunc(group, func(a, b *member) int { return strings.Compare(a.key, b.key) })
		s.commitGroup(group)
		for _, m := range group {
			close(m.done)
		}
	}
}

// queueOf returns the queue for calls about the same thing.
func (s *Store) queueOf(key string) *queue[*member] {
	sum := fnv.New32a()
	io.WriteString(sum, key)
	return &s.queues[sum.Sum32()%uint32(len(s.queues))]
}

// join adds a member, and reports whether the caller must start to commit.
func (q *queue[T]) join(m T) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, m)
	first, q.running = !q.running, true
	return first
}

// take returns at most limit members, or none if nobody waits: then the next to join is the first again.
func (q *queue[T]) take(limit int) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running = false
		return nil
	}
	n := min(limit, len(q.waiting))
	// The third index keeps an append to the rest from writing into the group.
	group := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return group
}

// commitGroup runs a group in one transaction, and gives each member its error.
func (s *Store) commitGroup(group []*member) {
	ctx, cancel := context.WithTimeout(context.Background(), batchLimit)
	defer cancel()
	// inTx, not InTx: a group that meets a deadlock is not repeated as a whole.
	err := s.inTx(ctx, func(s *Store) error {
		for _, m := range group {
			if err := s.runMember(ctx, m, len(group) > 1); err != nil {
				return err
			}
		}
		// A single member has no savepoint: its error must undo the transaction.
		if len(group) == 1 {
			return group[0].err
		}
		return nil
	})
	if err == nil {
		return
	}
	for _, m := range group {
		// What succeeded behind its savepoint was undone with the transaction.
		if m.err == nil {
			m.err = err
		}
	}
}

// runMember runs one member, behind a savepoint if it shares the transaction. It returns only errors of the
// transaction itself.
func (s *Store) runMember(ctx context.Context, m *member, shared bool) error {
	// The caller has left; its member would only cost the others time.
	if m.err = m.ctx.Err(); m.err != nil {
		return nil
	}
	run := func() error { return m.do(ctx, s) }
	if !shared {
		m.err = safely(run)
		return nil
	}
	if err := s.run(ctx, `SAVEPOINT member`); err != nil {
		return err
	}
	// The savepoint undoes the rows; what the commit would do for them in memory is undone here.
	before := *s.txState
	if m.err = safely(run); m.err != nil {
		*s.txState = before
		return s.run(ctx, `ROLLBACK TO SAVEPOINT member`)
	}
	return s.run(ctx, `RELEASE SAVEPOINT member`)
}

// safely runs do and turns a panic into an error: the goroutine of a group serves others, too.
func safely(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	return do()
}
