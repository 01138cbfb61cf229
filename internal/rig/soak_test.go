//go:build linux

package rig_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"causerie/internal/rig"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// sample is what the server holds at a moment of the soak.
type sample struct {
	at        time.Duration
	resident  float64 // MiB
	openFiles int
	database  int64 // bytes
	items     int   // replies and articles that were acknowledged
}

// soakLedger is what a long mixed load left behind.
type soakLedger struct {
	samples           []sample
	base, left        int // goroutines of a server that did nothing yet, and of one that has nothing to do any more
	failed            int
	pages, deliveries int
}

// size is the size of a database in bytes.
func (s *stage) size(database string) int64 {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), database)
	s.must(err)
	defer db.Close()
	n, err := db.Size(s.t.Context())
	s.must(err)
	return n
}

// soak reads pages, sends replies, and publishes for a while, and takes samples meanwhile.
func (s *stage) soak(database string, length time.Duration) *soakLedger {
	s.t.Helper()
	l := &soakLedger{}
	read(s.t.Context(), s.program.URL+"/", "text/html", 20)
	l.base = s.program.Goroutines()
	s.program.Serve()
	first, _ := s.publish()
	load := s.load(first, 10)
	ctx, cancel := context.WithTimeout(s.t.Context(), length)
	defer cancel()
	var reading sync.WaitGroup
	var mu sync.Mutex
	for i := range 2 {
		reading.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				path := []string{"/", "/@ilse", "/feed.xml", "/archive", "/sitemap.xml"}[n%5]
				accept := "text/html"
				if n%7 == 0 {
					path, accept = rig.PageOf(first.title), rig.Activity
				}
				_, bad := read(s.t.Context(), s.program.URL+path, accept, 1)
				mu.Lock()
				l.pages, l.failed = l.pages+1, l.failed+bad
				mu.Unlock()
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	began, published, next := time.Now(), 1, time.Duration(0)
	for ctx.Err() == nil {
		if took := time.Since(began); took >= next {
			next = took + length/24
			now, _ := s.program.Resident()
			l.samples = append(l.samples, sample{took, now, s.program.OpenFiles(), s.size(database),
				load.count(202) + published})
		}
		if s.random.IntN(20) == 0 {
			s.publish()
			published++
		}
		time.Sleep(100 * time.Millisecond)
	}
	reading.Wait()
	load.stop()
	l.deliveries = s.world.TotalDeliveries()
	time.Sleep(3 * time.Second) // what is under way ends
	l.left = s.program.Goroutines()
	return l
}

// half is the samples of the second half.
func (l *soakLedger) half() []sample { return l.samples[len(l.samples)/2:] }

// growth is how much a value grows over the second half by linear regression, against its mean.
func growth(samples []sample, of func(sample) float64) float64 {
	var x, y, xx, xy float64
	for _, one := range samples {
		at := one.at.Seconds()
		x, y, xx, xy = x+at, y+of(one), xx+at*at, xy+at*of(one)
	}
	n := float64(len(samples))
	slope := (n*xy - x*y) / (n*xx - x*x)
	return slope * (samples[len(samples)-1].at - samples[0].at).Seconds() / (y / n)
}

// bytesPerItem is how many bytes of the database each item took in these samples.
func bytesPerItem(samples []sample) float64 {
	first, last := samples[0], samples[len(samples)-1]
	return float64(last.database-first.database) / float64(max(1, last.items-first.items))
}

// flat is R-15. In the small form the server still warms up: its memory has a bar that only a leak of megabytes breaks.
func (l *soakLedger) flat(b *rig.Bars) {
	half := l.half()
	b.AtMost("growth of memory in the second half", growth(half, func(s sample) float64 { return s.resident }),
		rig.Size(0.4, 0.05))
	b.Note("memory at the end, MiB", half[len(half)-1].resident)
	b.AtMost("goroutines left", float64(l.left-l.base), 5)
	files := func(list []sample) int {
		return slices.MaxFunc(list, func(x, y sample) int { return x.openFiles - y.openFiles }).openFiles
	}
	b.AtMost("more open files in the second half", float64(files(half)-files(l.samples[:len(l.samples)/2])), 10)
	before := bytesPerItem(l.samples[1 : len(l.samples)/2])
	b.AtMost("bytes per item, against the first half", bytesPerItem(half)/max(1, before), 1.5)
	b.AtMost("pages that failed", float64(l.failed), 0)
}

// TestR15ALongLoadLeavesNothingBehind is the soak: 20 minutes in the full form.
func TestR15ALongLoadLeavesNothingBehind(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 20)
		l := s.soak(database, time.Duration(rig.Size(15, 20*60))*time.Second)
		f := s.measure("R-15")
		f.Size("seconds", rig.Size(15, 20*60))
		f.Size("pages", l.pages)
		f.Sometimes("replies and articles", l.samples[len(l.samples)-1].items)
		f.Sometimes("deliveries", l.deliveries)
		f.Sometimes("goroutines counted", l.base)
		f.Judge(l.flat, func() { l.left += 100 })
		if t.Failed() {
			t.Logf("%+v", l.samples)
		}
	})
}

// TestR32NoDataRaceUnderLoad sends a mixed load to a program that was built with the race detector.
func TestR32NoDataRaceUnderLoad(t *testing.T) {
	if !rig.Racing {
		t.Skip("the race detector is not part of this test: run it with -race")
	}
	database := storetest.Postgres(t) // SQLite, which is Go, is ten times slower under the detector
	s := open(t, rig.Build(t), database, 10)
	l := s.soak(database, time.Duration(rig.Size(20, 300))*time.Second)
	races := s.program.Races()
	f := s.measure("R-32")
	f.Size("pages", l.pages)
	f.Sometimes("replies and articles", l.samples[len(l.samples)-1].items)
	f.Judge(func(b *rig.Bars) { b.AtMost("data races", float64(races), 0) }, func() { races++ })
	if races > 0 {
		t.Log(s.program.Said)
	}
}
