package jobs

import "context"

// SumUpDeliveries does once what the job old-deliveries does.
func (j *Jobs) SumUpDeliveries(ctx context.Context) error { return j.sumUpDeliveries(ctx) }
