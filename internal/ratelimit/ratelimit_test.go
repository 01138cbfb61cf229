package ratelimit

import (
	"fmt"
	"testing"
	"time"
)

// at is a clock that the test moves.
type at struct{ time.Time }

func (a *at) now() time.Time { return a.Time }

func (a *at) pass(d time.Duration) { a.Time = a.Add(d) }

func start() *at { return &at{time.Date(2026, 4, 2, 8, 0, 0, 0, time.UTC)} }

// taken returns how many of n tokens a limiter gives out.
func taken(l *Limiter, name string, n int) (got int) {
	for range n {
		if l.Take(name) {
			got++
		}
	}
	return got
}

func TestABucketGivesItsLimitAndNoMore(t *testing.T) {
	for _, most := range []int{1, 6, 300, 600} {
		clock := start()
		l := New(most, time.Minute, clock.now)
		if got := taken(l, "veerhuis", most+1); got != most {
			t.Errorf("of %d: %d at once", most, got)
		}
		if !l.Take("zilverduin") {
			t.Error("another name has no bucket of its own")
		}
		clock.pass(time.Minute/time.Duration(most) - time.Nanosecond)
		if l.Take("veerhuis") {
			t.Errorf("of %d: a token came back too soon", most)
		}
		clock.pass(time.Nanosecond)
		if got := taken(l, "veerhuis", 2); got != 1 {
			t.Errorf("of %d: %d came back, want one", most, got)
		}
		clock.pass(time.Minute)
		if got := taken(l, "veerhuis", 2*most); got != most {
			t.Errorf("of %d: %d after a minute of rest", most, got)
		}
	}
}

func TestAskingWhetherABucketIsEmptyTakesNothing(t *testing.T) {
	clock := start()
	l := New(6, time.Minute, clock.now)
	for i := range 6 {
		for range 3 {
			if l.Spent("veerhuis") {
				t.Fatalf("after %d of 6 it is empty", i)
			}
		}
		l.Take("veerhuis")
	}
	if !l.Spent("veerhuis") || l.Spent("zilverduin") {
		t.Error("the empty bucket and the full one are mistaken")
	}
	if clock.pass(10 * time.Second); l.Spent("veerhuis") {
		t.Error("a token that came back is not seen")
	}
}

func TestAClockThatGoesBackHoldsNobodyUpLonger(t *testing.T) {
	clock := start()
	l := New(300, time.Minute, clock.now)
	taken(l, "veerhuis", 300)
	clock.pass(-24 * time.Hour)
	if l.Take("veerhuis") {
		t.Error("the step filled the bucket")
	}
	clock.pass(time.Minute)
	if got := taken(l, "veerhuis", 301); got != 300 {
		t.Errorf("%d tokens a minute later, want 300", got)
	}
}

func TestT119ALimiterRemembersAtMostTwentyThousandNames(t *testing.T) {
	clock := start()
	l := New(2, time.Minute, clock.now)
	l.Take("veerhuis")
	for i := range maxNames + 1 {
		l.Take("veerhuis") // the busy one is never forgotten
		l.Take(fmt.Sprint(i))
	}
	if l.Size() != maxNames || l.Take("veerhuis") {
		t.Errorf("%d names, want %d and the busy one among them", l.Size(), maxNames)
	}
	clock.pass(2 * time.Minute)
	l.Take("late")
	if l.Size() != 1 {
		t.Errorf("%d names are remembered after a rest, want one", l.Size())
	}
}

func TestASourceIsAnAddressOrANetwork(t *testing.T) {
	for address, want := range map[string]struct{ source, client string }{
		"203.0.113.7:4711":         {"203.0.113.7", "203.0.113.7"},
		"[::ffff:203.0.113.7]:1":   {"203.0.113.7", "203.0.113.7"},
		"[2001:db8:1:2:3::4]:4711": {"2001:db8:1:2::/64", "2001:db8:1:2::/64"},
		"[2001:db8:1:2:9::9]:1":    {"2001:db8:1:2::/64", "2001:db8:1:2::/64"},
		"127.0.0.1:4711":           {"127.0.0.1", ""},
		"127.1.0.2:4711":           {"127.1.0.2", "127.1.0.2"},
		"[::1]:4711":               {"::/64", ""},
		"192.168.1.2:1":            {"192.168.1.2", ""},
		"10.1.2.3:4711":            {"10.1.2.3", ""},
		"[fd00::1]:4711":           {"fd00::/64", ""},
		"[fe80::1%eth0]:4711":      {"fe80::/64", ""},
		"@":                        {"@", ""},
		"":                         {"", ""},
	} {
		if got := Source(address); got != want.source {
			t.Errorf("%q: source %q, want %q", address, got, want.source)
		}
		if got := ClientSource(address); got != want.client {
			t.Errorf("%q: client source %q, want %q", address, got, want.client)
		}
	}
}
