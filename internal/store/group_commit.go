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

	"causerie/internal/blog"
)

// queue collects calls that come in bursts, such as replies and settled deliveries. The first to join starts a
// goroutine that commits for all, in one transaction. Each caller gets its answer after that commit. So one flush to
// disk serves many.
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

// GroupCommit runs do in a transaction that it shares with other calls of the same time, and returns after the
// commit. Each call has a savepoint: one that fails undoes only its own changes and gets its own error. Inside a
// transaction, do joins that transaction. The context of do belongs to the group, because the group may outlive the
// caller's context; a caller with a context of Prompt does not wait for it any longer. do may run twice, as in InTx.
// Within this process, calls with the same key, such as the name of a
// server, run one after another.
func (s *Store) GroupCommit(ctx context.Context, key string, do func(context.Context, *Store) error) error {
	if s.tx != nil {
		return do(ctx, s)
	}
	if err := s.presence.refuse(ctx); err != nil {
		return err
	}
	m := &member{ctx: ctx, key: key, do: do, done: make(chan struct{})}
	if queue := s.queueOf(key); queue.join(m) {
		go s.commitGroups(queue)
	}
	if isPrompt(ctx) {
		// What runs for somebody who has left may still commit. The same call again then finds that it was done.
		select {
		case <-m.done:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.presence.left():
			return ErrUnavailable
		}
	} else {
		<-m.done
	}
	// A deadlock ended the whole group. Each member runs once more in a transaction of its own, so that it cannot wait
	// for the other members again.
	if s.sql.deadlocked(m.err) {
		return s.InTx(ctx, func(s *Store) error { return safely(func() error { return do(ctx, s) }) })
	}
	return m.err
}

// grouped is GroupCommit on SQLite. On PostgreSQL, each call has its own transaction.
func (s *Store) grouped(ctx context.Context, host string, do func(context.Context, *Store) error) error {
	// PostgreSQL flushes commits of the same moment together anyway. And a group would lock the rows of all its members,
	// in another order than a fan-out does: that causes deadlocks.
	if s.sql.gathers() {
		return s.InTx(ctx, func(s *Store) error { return do(ctx, s) })
	}
	return s.GroupCommit(ctx, host, do)
}

// commitGroups commits groups until the queue is empty.
func (s *Store) commitGroups(queue *queue[*member]) {
	for group := queue.take(batchSize); group != nil; group = queue.take(batchSize) {
		// Fan-outs lock the rows of servers in this order too, so that the two do not wait for each other.
		slices.SortStableFunc(group, func(a, b *member) int { return strings.Compare(a.key, b.key) })
		s.commitGroup(group)
		for _, m := range group {
			close(m.done)
		}
	}
}

// queueOf returns the queue for a key.
func (s *Store) queueOf(key string) *queue[*member] {
	sum := fnv.New32a()
	io.WriteString(sum, key)
	return &s.queues[sum.Sum32()%uint32(len(s.queues))]
}

// join adds a member. It reports whether the caller must start to commit.
func (q *queue[T]) join(m T) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, m)
	first, q.running = !q.running, true
	return first
}

// take removes and returns at most limit members. If there are none, it returns nil, and the next member to join is
// the first again.
func (q *queue[T]) take(limit int) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running = false
		return nil
	}
	n := min(limit, len(q.waiting))
	// The third index sets the capacity, so that an append to group cannot overwrite the rest of the queue.
	group := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return group
}

// commitGroup runs a group in one transaction and sets the error of each member.
func (s *Store) commitGroup(group []*member) {
	ctx, cancel := context.WithTimeout(context.Background(), batchLimit)
	defer cancel()
	// inTx and not InTx: after a deadlock, the group must not run again as a whole.
	err := s.inTx(ctx, func(s *Store) error {
		s.txState.group = &groupState{heads: map[blog.ID]blog.Article{}, planned: map[blog.ID]bool{}}
		// A single member has no savepoint, so its error must roll back the transaction.
		if len(group) == 1 {
			s.runMember(ctx, group[0])
			return group[0].err
		}
		return s.runMembers(ctx, group)
	})
	if err == nil {
		return
	}
	for _, m := range group {
		// The rollback also undid members that had succeeded.
		if m.err == nil {
			m.err = err
		}
	}
}

// groupState is what the members of a group share.
type groupState struct {
	heads   map[blog.ID]blog.Article // by object, see HeadByObject: no member of a group changes an article
	planned map[blog.ID]bool         // articles whose backfill is planned
}

// runMembers runs each member after a savepoint. It returns only errors of the transaction itself.
func (s *Store) runMembers(ctx context.Context, group []*member) error {
	if err := s.run(ctx, `SAVEPOINT member`); err != nil {
		return err
	}
	for i, m := range group {
		before := *s.txState
		s.runMember(ctx, m)
		// One statement for both, because each is a way to PostgreSQL and back.
		next := `RELEASE SAVEPOINT member; SAVEPOINT member`
		switch {
		case m.err != nil:
			// The rollback undoes the rows. This undoes the member's changes of txState.
			*s.txState = before
			clear(s.txState.group.planned)
			next = `ROLLBACK TO SAVEPOINT member`
		case i == len(group)-1:
			return nil // the commit ends the savepoint
		}
		if err := s.run(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// runMember runs one member and sets its error.
func (s *Store) runMember(ctx context.Context, m *member) {
	// If the caller has left, nobody needs the result.
	if m.err = m.ctx.Err(); m.err == nil {
		m.err = safely(func() error { return m.do(ctx, s) })
	}
}

// safely runs do and returns a panic as an error. One member must not end the goroutine that serves the whole group.
func safely(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	return do()
}
