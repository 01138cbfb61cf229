//go:build linux

package rig_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

// TestR27ABackupDoesNotHoldUpWrites lets a hundred replies a second come in, first alone and then while copies of the
// database are made with the database's own tool, one after another.
func TestR27ABackupDoesNotHoldUpWrites(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 60)
		s.program.Must("", "bench", "seed", "--articles", "300", "--comments", fmt.Sprint(rig.Size(5000, 100_000)),
			"--followers", "0", "--hosts", "20", "--settled", "0")
		s.count = 1000 // the seed has used the first titles
		a, _ := s.publish()
		const rate = 100
		length := time.Duration(rig.Size(3, 20)) * time.Second
		written := 0
		write := func() *answers {
			var took answers
			ready := make([]*fedtest.PreparedActivity, rate*int(length/time.Second))
			for i := range ready {
				written++
				ready[i] = s.reply(s.people[i%len(s.people)], a, fmt.Sprint("Reply ", written))
			}
			var sending sync.WaitGroup
			began := time.Now()
			for i, one := range ready {
				due := began.Add(time.Duration(i) * time.Second / rate)
				time.Sleep(time.Until(due))
				// From the moment at which it is due, so that a write that is held up counts for those behind it.
				sending.Go(func() { took.add(status(t.Context(), one), time.Since(due)) })
			}
			sending.Wait()
			return &took
		}
		alone := write()

		ctx, cancel := context.WithCancel(t.Context())
		var copying sync.WaitGroup
		copies := 0
		copying.Go(func() {
			for dir := t.TempDir(); ; copies++ {
				err := storetest.Backup(ctx, database, filepath.Join(dir, fmt.Sprint(copies)))
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
		beside := write()
		cancel()
		copying.Wait()
		f := s.measure("R-27")
		f.Size("writes a second", rate)
		f.Sometimes("copies", copies)
		f.Judge(func(b *rig.Bars) {
			b.Note("p99 ms", rig.Quantile(beside.took, 0.99))
			// In the small form others work on the machine as well, and a write alone takes a few milliseconds.
			b.AtMost("p99 against writes alone",
				rig.Quantile(beside.took, 0.99)/max(rig.Size(10.0, 1), rig.Quantile(alone.took, 0.99)), rig.Size(6.0, 2))
			b.AtMost("writes that failed", float64(2*len(alone.took)-alone.by[202]-beside.by[202]), 0)
		}, func() { beside.by[202]-- })
	})
}
