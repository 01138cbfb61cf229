package lru

import (
	"slices"
	"testing"
)

func TestAFullCacheDropsTheValueUsedLeastRecently(t *testing.T) {
	c := New[string, int](2)
	c.Add("a", 1)
	c.Add("b", 2)
	c.Get("a")
	c.Add("c", 3)
	if keys := c.Keys(); !slices.Equal(keys, []string{"a", "c"}) {
		t.Errorf("left are %q", keys)
	}
}

func TestDropExpiredStopsAtTheFirstGoodValue(t *testing.T) {
	c := New[string, int](9)
	for i, key := range []string{"a", "b", "c", "d"} {
		c.Add(key, i)
	}
	c.Get("b")
	c.DropExpired(func(v int) bool { return v != 2 })
	if keys := c.Keys(); !slices.Equal(keys, []string{"c", "d", "b"}) {
		t.Errorf("left are %q", keys)
	}
}
