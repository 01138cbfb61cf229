package changes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
)

func TestACounterKeepsTheLastChangeOfEachTopic(t *testing.T) {
	var c Counter
	a, b := Article("01KAV3R8XQZ6M2T4N5P7S9W0YB"), Voice("01KAV3R8XQZ6M2T4N5P7S9W0YB")
	if a == b || a < firstHashed || b < firstHashed {
		t.Fatalf("the topics are %d and %d", a, b)
	}
	c.Saw(7, a)
	c.Saw(5, b)
	c.Saw(3, a)
	if c.Of(a) != 7 || c.Of(b) != 5 || c.Of(a, b) != 7 || c.Newest() != 7 || c.Of(Everything) != 0 || c.Of() != 0 {
		t.Errorf("a %d, b %d, both %d, newest %d, everything %d", c.Of(a), c.Of(b), c.Of(a, b), c.Newest(),
			c.Of(Everything))
	}
	var working sync.WaitGroup
	for n := range uint64(1000) {
		working.Go(func() { c.Saw(n, b) })
	}
	working.Wait()
	if c.Of(b) != 999 {
		t.Errorf("after changes in any order the last is %d", c.Of(b))
	}
}

func TestAPageCollectsItsTopicsOnce(t *testing.T) {
	Note(t.Context(), Comments) // collected by nobody
	ctx, shown := Collect(t.Context())
	Note(ctx, Article("b"), Comments)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	Note(inner, Article("a"), Article("b"))
	want := []Topic{Comments, Article("a"), Article("b")}
	slices.Sort(want)
	if got := shown.Topics(); !slices.Equal(got, want) {
		t.Errorf("collected %v, want %v", got, want)
	}
	for n := range 2000 {
		Note(ctx, Article(fmt.Sprint(n)))
	}
	if got := shown.Topics(); !slices.Equal(got, []Topic{Anything}) {
		t.Errorf("a page of 2,000 topics depends on %d of them", len(got))
	}
}
