package remote

import "github.com/hashicorp/golang-lru/v2/simplelru"

// memory is what is remembered by name, up to a number of names; then the one used least recently makes room for the
// next. It is not safe for concurrent use. How long an entry is good depends on the entry and on our clock, which the
// expirable cache of the same library does not know.
type memory[V any] struct{ *simplelru.LRU[string, V] }

func newMemory[V any](size int) *memory[V] {
	names, err := simplelru.NewLRU[string, V](size, nil)
	if err != nil {
		panic(err) // the size is not positive
	}
	return &memory[V]{names}
}

// forget drops what is over, from the entry used least recently up to the first that is not.
func (m *memory[V]) forget(over func(V) bool) {
	for {
		_, oldest, ok := m.GetOldest()
		if !ok || !over(oldest) {
			return
		}
		m.RemoveOldest()
	}
}
