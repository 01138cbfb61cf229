package delivery

import (
	"net/http"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/rig"
)

// TestR21TheScheduleOfRetriesIsThePublishedOne draws many rests after each number of failures.
func TestR21TheScheduleOfRetriesIsThePublishedOne(t *testing.T) {
	table := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
		12 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour}
	const draws = 2000
	drawn := make([][]time.Duration, len(table))
	for failures := range table {
		for range draws {
			drawn[failures] = append(drawn[failures], restTime(remote.Answer{Status: http.StatusBadGateway}, failures))
		}
	}
	asked := restTime(remote.Answer{Status: http.StatusTooManyRequests, RetryAfter: 7 * time.Minute}, 3)
	f := rig.Measure(t, "R-21", rig.Run{})
	f.Size("draws for each number of failures", draws)
	f.Sometimes("rests", draws*len(table))
	f.Judge(func(b *rig.Bars) {
		outside, jitter := 0, 1.0
		for failures, list := range drawn {
			shortest, longest, base := list[0], list[0], table[failures]
			for _, rest := range list {
				shortest, longest = min(shortest, rest), max(longest, rest)
				if rest < base*4/5 || rest > base*6/5 {
					outside++
				}
			}
			jitter = min(jitter, float64(longest-shortest)/float64(base))
		}
		b.AtMost("rests outside the table", float64(outside), 0)
		b.AtLeast("jitter, of a rest", jitter, 0.2)
		b.Exactly("Retry-After obeyed, s", asked.Seconds(), (7 * time.Minute).Seconds())
	}, func() { drawn[3][0] = time.Second })
	if blog.Backoff(len(table)) != table[len(table)-1] {
		t.Error("the table has another end")
	}
}
