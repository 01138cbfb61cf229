package blog

import "time"

// Backoff is how long a silent server rests after that many failures in a row (contract F-108). Callers add jitter.
func Backoff(failures int) time.Duration {
	rests := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
		12 * time.Hour}
	switch {
	case failures <= 0:
		return 0
	case failures > len(rests):
		return 24 * time.Hour
	}
	return rests[failures-1]
}

// Patience is how long a delivery is retried before it is given up.
const Patience = 7 * 24 * time.Hour
