package federation

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// MaxRemembered bounds each memory of others. Anybody can add to it, so when it is full it forgets what was used least
// recently, and nothing else: the rest still holds back what it is there to hold back.
const MaxRemembered = 20_000

// newMemory is an empty memory of MaxRemembered entries. It is not safe for concurrent use.
//
// It is not the expirable cache of the same library: that one reads the real clock, and starts a goroutine that never
// ends. How long an entry is good is checked by whoever reads it.
func newMemory[V any]() *simplelru.LRU[string, V] {
	memory, err := simplelru.NewLRU[string, V](MaxRemembered, nil)
	if err != nil {
		panic(err) // the size is not positive
	}
	return memory
}

// Recent remembers when something was last done for each of many names, so that it is not done again too soon.
type Recent struct {
	every time.Duration
	mu    sync.Mutex
	last  *simplelru.LRU[string, time.Time]
}

func NewRecent(every time.Duration) *Recent {
	return &Recent{every: every, last: newMemory[time.Time]()}
}

// Has reports whether the name was marked less than every ago.
func (r *Recent) Has(name string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.within(name, now)
}

func (r *Recent) within(name string, now time.Time) bool {
	last, ok := r.last.Get(name)
	return ok && now.Sub(last) < r.every
}

// Mark notes that it was done for the name. It reports false, and changes nothing, when the name was marked less than every
// ago.
func (r *Recent) Mark(name string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.within(name, now) {
		return false
	}
	r.last.Add(name, now)
	return true
}

// Size is how many names are remembered.
func (r *Recent) Size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.Len()
}
