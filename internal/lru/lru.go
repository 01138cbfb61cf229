// Package lru has a cache of limited size.
package lru

import "github.com/hashicorp/golang-lru/v2/simplelru"

// Cache keeps up to a number of values by key. When it is full, a new key drops the value that was used least recently.
// It is not safe for concurrent use: its owner has a lock.
//
// It has no clock. The expirable cache of the same library would read the real one and start a goroutine that never
// ends, so the reader of a value checks how old it is.
type Cache[K comparable, V any] struct{ *simplelru.LRU[K, V] }

// New returns an empty cache for size values. It panics when size is not positive.
func New[K comparable, V any](size int) *Cache[K, V] {
	values, err := simplelru.NewLRU[K, V](size, nil)
	if err != nil {
		panic(err)
	}
	return &Cache[K, V]{values}
}

// DropExpired drops values for which expired is true, from the one used least recently to the first that is still good.
func (c *Cache[K, V]) DropExpired(expired func(V) bool) {
	for {
		_, oldest, ok := c.GetOldest()
		if !ok || !expired(oldest) {
			return
		}
		c.RemoveOldest()
	}
}
