package federation

import (
	"context"
	"time"
)

const (
	LeaseTime = time.Minute // how long a claimed server is ours without a sign of life; twice a delivery's deadline
	PollTime  = time.Second // how often the queues are looked at without a nudge
)

// Pause waits for a nudge, for a while, or for the end.
func Pause(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}
