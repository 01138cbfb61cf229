package federation

import "time"

// How long what we know of people elsewhere is good.
const (
	staleAfter   = 24 * time.Hour      // older than this, it is asked for anew once something needs it
	confirmAfter = 24 * time.Hour      // a departure that only showed itself is looked at once more
	forgottenBy  = 30 * 24 * time.Hour // out of reach for longer, and another key: another owner
)
