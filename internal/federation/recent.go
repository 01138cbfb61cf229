package federation

import (
	"sync"
	"time"

	"causerie/internal/lru"
)

// MaxRemembered limits each memory of what other servers did. Anybody can fill a memory, so a full one drops only the
// entry that was used least recently: the limits for other servers stay in force.
const MaxRemembered = 20_000

// Recent remembers when something was last done for each of many names, so that it is not done again too soon. It is
// safe for concurrent use.
type Recent struct {
	every time.Duration
	mu    sync.Mutex
	last  *lru.Cache[string, time.Time]
}

// NewRecent returns a Recent that allows one mark of a name in each period of every.
func NewRecent(every time.Duration) *Recent {
	return &Recent{every: every, last: lru.New[string, time.Time](MaxRemembered)}
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

// Mark notes that it was done for the name. It reports false, and changes nothing, when the name was marked less than
// every ago.
func (r *Recent) Mark(name string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.within(name, now) {
		return false
	}
	r.last.Add(name, now)
	return true
}

// Unmark forgets that the name was marked.
func (r *Recent) Unmark(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last.Remove(name)
}

// Size returns how many names are remembered.
func (r *Recent) Size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.Len()
}
