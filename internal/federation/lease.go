package federation

import (
	"context"
	"time"
)

const (
	// LeaseTime is how long a claim on a server lasts without renewal. It is twice the timeout of a delivery, so a
	// worker that waits for one answer keeps its claim.
	LeaseTime = time.Minute
	// PollTime is how often the queues are read when nothing wakes their workers.
	PollTime = time.Second
)

// Pause waits until wake receives, d has passed or the context ends. wake may be nil.
func Pause(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}
