// Package changes says which pages a change concerns. A transaction that changes what readers see marks topics. What
// reads the database for a page notes the topics of which the page shows something. The page is old when one of them
// has changed since.
package changes

import (
	"context"
	"hash/fnv"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// Topic is something that pages show. There are few topics for many things, so that counters stay small: two things may
// share one, and then a change of one makes the pages of the other old as well.
type Topic uint16

// The topics that are not computed from an id.
const (
	Anything   Topic = iota // marked by every change
	Everything              // marked by a change that any page may show
	Mail                    // deliveries were added; no page shows it
	Comments                // the newest comments of the blog

	firstHashed
)

// Topics is the number of all topics. The table page_changes has a row for each.
const Topics = 4096

// Article is the topic of an article's comments, reactions and their counts. Its text belongs to Everything.
func Article[ID ~string](id ID) Topic { return hashed("article", string(id)) }

// Voice is the topic of a voice's followers, of those whom it follows, and of its outbox.
func Voice[ID ~string](id ID) Topic { return hashed("voice", string(id)) }

// Actor is the topic of the name and the address of an actor on another server.
func Actor(id string) Topic { return hashed("actor", id) }

func hashed(kind, id string) Topic {
	sum := fnv.New32a()
	io.WriteString(sum, kind)
	io.WriteString(sum, id)
	return firstHashed + Topic(sum.Sum32()%uint32(Topics-firstHashed))
}

// Counter holds the number of the last change of each topic that a process knows of. Numbers rise with every change.
// The zero Counter is ready for use.
type Counter struct{ last [Topics]atomic.Uint64 }

// Newest returns the number of the last change of anything.
func (c *Counter) Newest() uint64 { return c.last[Anything].Load() }

// Of returns the number of the last change of any of the topics.
func (c *Counter) Of(topics ...Topic) uint64 {
	var newest uint64
	for _, t := range topics {
		newest = max(newest, c.last[t].Load())
	}
	return newest
}

// Saw records a change of topics by its number. Changes may come in any order.
func (c *Counter) Saw(n uint64, topics ...Topic) {
	for _, t := range topics {
		raise(&c.last[t], n)
	}
	// Last: who reads this number must already find the topics.
	raise(&c.last[Anything], n)
}

// raise sets a number unless it is higher already.
func raise(number *atomic.Uint64, n uint64) {
	for have := number.Load(); n > have; have = number.Load() {
		if number.CompareAndSwap(have, n) {
			return
		}
	}
}

// Shown collects the topics of one page.
type Shown struct {
	mu     sync.Mutex
	topics []Topic
}

type contextKey struct{}

// Collect returns a context in which Note adds to the result.
func Collect(ctx context.Context) (context.Context, *Shown) {
	shown := &Shown{}
	return context.WithValue(ctx, contextKey{}, shown), shown
}

// Note records that something of the topics is read. Without Collect it does nothing.
func Note(ctx context.Context, topics ...Topic) {
	shown, ok := ctx.Value(contextKey{}).(*Shown)
	if !ok {
		return
	}
	shown.mu.Lock()
	defer shown.mu.Unlock()
	shown.topics = append(shown.topics, topics...)
}

// mostShown limits the topics of one page. They are compared at each request.
const mostShown = 512

// Topics returns the topics that were noted, each once. Beyond mostShown of them it returns Anything alone.
func (s *Shown) Topics() []Topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.topics)
	s.topics = slices.Compact(s.topics)
	if len(s.topics) > mostShown {
		return []Topic{Anything}
	}
	return slices.Clone(s.topics)
}
