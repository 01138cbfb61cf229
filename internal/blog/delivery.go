package blog

import "time"

// Activity is one ActivityPub activity of a voice of ours: written once, sent to every server as the same bytes.
type Activity struct {
	ID       ID
	VoiceID  ID     // whose key signs it; "" for the site's instance actor
	Kind     string // the ActivityStreams type: Create, Update, Delete, Accept ...
	ObjectID ID     // of the article or note that it is about, "" otherwise
	Revision int    // of the article; records which server has which version
	Payload  []byte
	Quiet    bool // a change without a newer time: servers keep their text and notify nobody
	At       time.Time
}

// DeliveryStatus is the state of one delivery, as the author sees it.
type DeliveryStatus string

const (
	Waiting    DeliveryStatus = "waiting"    // not attempted yet
	Retrying   DeliveryStatus = "retrying"   // attempted without success; its server rests until the next attempt
	Delivered  DeliveryStatus = "delivered"  // answered 2xx
	Refused    DeliveryStatus = "refused"    // answered 4xx; not retried automatically
	GoneAway   DeliveryStatus = "gone"       // answered 410: the inbox no longer exists
	GivenUp    DeliveryStatus = "given up"   // a week without success
	Superseded DeliveryStatus = "superseded" // replaced by a later delivery about the same object
)

// Settled reports whether the delivery needs no further attempt.
func (s DeliveryStatus) Settled() bool { return s != Waiting && s != Retrying }

// Delivery is one activity for one inbox. Its row stays after it is settled: it is the author's report, and it
// decides where a later edit or deletion must go.
type Delivery struct {
	ActivityID ID
	Inbox      string
	Host       string
	Attempts   int
	Status     DeliveryStatus
	Code       int    // last HTTP status, 0 when there was no answer
	Answer     string // last answer or error, in words
	TookMS     int64  // duration of the last attempt
	Revision   int    // of the article that it carries
	Unsure     bool   // it may have arrived: there was no answer, or a failing proxy gave it
	SettledAt  *time.Time
}

// DeliveryRow is a delivery with everything that the author's report shows about it.
type DeliveryRow struct {
	Delivery
	Kind      string
	SaidAt    time.Time
	Quiet     bool      // see Activity
	Welcome   bool      // an older article, delivered because the first follower came from there
	Followers int       // how many followers of the author it reaches
	Software  string    // as the server reports it, "" when unknown
	NextAt    time.Time // of the next attempt, if there is one

	ObjectID ID         // of the copy; an article gets a new one each time it is published
	Newest   int        // latest version of that copy that was sent
	GoneAt   *time.Time // when that copy was deleted
	Holds    int        // latest version that the server accepted, 0 for none
	Asked    bool       // the server accepted the request to delete it
	Past     bool       // summed up with others: it cannot be tried again
	Alike    int        // other servers in the same state that have no row of their own

	Failures         int        // of the server, in a row
	FailingSince     *time.Time // when it became silent; nil while it answers, even with 429
	UnavailableSince *time.Time // when it was given up, after seven days of silence

	RefusingSince *time.Time // since when the server answers but accepts nothing from this author
	RefusalCode   int        // HTTP status of its last such answer, perhaps to another delivery
	RefusalAnswer string     // beginning of that answer
}

// Arrival is an activity from another server with a valid signature, kept until it is handled.
type Arrival struct {
	ID         ID
	Host       string // of the signer
	ActivityID string
	Signer     string // address of the actor whose key signed it
	Body       []byte
	At         time.Time
	Attempts   int
}
