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

// What arrives in bursts (replies, settled deliveries) is committed in groups: the first who comes gathers whoever
// waits, commits once and answers all. One flush to disk then serves many, and each is still told only after it.
type queue[T any] struct {
	mu      sync.Mutex
	waiting []T
	running bool
}

type member struct {
	ctx   context.Context
	about string
	do    func(context.Context, *Store) error
	err   error
	done  chan struct{}
}

const (
	batchSize  = 128
	batchLimit = 15 * time.Second
)

// GroupCommit runs do in a transaction shared with whoever else calls it at the same time, each behind a savepoint: one
// that fails undoes itself alone and gets its own error. It returns after the commit. What has begun may run longer
// than the caller's context lives, so do gets a context of the group; inside a transaction do just joins that one. Like
// that of InTx, do begins anew each time it is called. What is about the same thing, a server by its name, happens one
// after another within this process.
func (s *Store) GroupCommit(ctx context.Context, about string, do func(context.Context, *Store) error) error {
	if s.tx != nil {
		return do(ctx, s)
	}
	me := &member{ctx: ctx, about: about, do: do, done: make(chan struct{})}
	if queue := s.queueOf(about); queue.join(me) {
		go s.commitGroups(queue)
	}
	<-me.done
	if s.sql.deadlocked(me.err) {
		return s.InTx(ctx, func(s *Store) error { return safely(func() error { return do(ctx, s) }) })
	}
	return me.err
}

// grouped is Together where the database does not write the commits of one moment to disk together by itself. Where it
// does, each stands alone: a group holds the rows of all its members at once, in no order, while a fan-out takes the
// same rows in another.
func (s *Store) grouped(ctx context.Context, host string, do func(context.Context, *Store) error) error {
	if s.sql.gathers() {
		return s.InTx(ctx, func(s *Store) error { return do(ctx, s) })
	}
	return s.GroupCommit(ctx, host, do)
}

// commitGroups goes on until nobody waits.
func (s *Store) commitGroups(queue *queue[*member]) {
	for group := queue.take(batchSize); group != nil; group = queue.take(batchSize) {
		// In the order of their names, in which others take the rows of the same servers.
		slices.SortStableFunc(group, func(a, b *member) int { return strings.Compare(a.about, b.about) })
		s.commitGroup(group)
		for _, m := range group {
			close(m.done)
		}
	}
}

// queueOf is where what is about the same thing waits.
func (s *Store) queueOf(about string) *queue[*member] {
	sum := fnv.New32a()
	io.WriteString(sum, about)
	return &s.queues[sum.Sum32()%uint32(len(s.queues))]
}

// join adds a member and reports whether somebody must begin to commit.
func (q *queue[T]) join(m T) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, m)
	first, q.running = !q.running, true
	return first
}

// take answers the next ones, so many at most; none when nobody waits, and then the next who joins is the first again.
func (q *queue[T]) take(most int) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running = false
		return nil
	}
	n := min(most, len(q.waiting))
	group := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return group
}

func (s *Store) commitGroup(group []*member) {
	ctx, cancel := context.WithTimeout(context.Background(), batchLimit)
	defer cancel()
	err := s.inTx(ctx, func(s *Store) error {
		for _, m := range group {
			if err := s.runMember(ctx, m, len(group) > 1); err != nil {
				return err
			}
		}
		if len(group) == 1 {
			return group[0].err
		}
		return nil
	})
	if err == nil {
		return
	}
	for _, m := range group {
		if m.err == nil {
			m.err = err
		}
	}
}

// runMember runs one member behind a savepoint, unless nobody waits for it any more. Only trouble with the transaction
// itself is returned.
func (s *Store) runMember(ctx context.Context, m *member, shared bool) error {
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
