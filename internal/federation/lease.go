package federation

import "time"

const (
	leaseTime = time.Minute // how long a claimed server is ours without a sign of life; twice a delivery's deadline
	pollTime  = time.Second // how often the queues are looked at without a nudge
)
