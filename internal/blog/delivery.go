package blog

import "time"

// Activity is something a voice of ours said, once, as the bytes that every server gets.
type Activity struct {
	ID       ID
	VoiceID  ID     // whose key signs it; "" for the site's instance actor
	Kind     string // the word on the wire: Create, Update, Delete, Accept ...
	ObjectID ID     // the object (of an article or a note) it is about, "" otherwise
	Revision int    // of the article, for the log of who holds what
	Payload  []byte
	Quiet    bool // a change that is no newer: servers hear of it, keep the words of their copies and tell nobody
	At       time.Time
}

// DeliveryStatus is what became of one delivery, as the author sees it.
type DeliveryStatus string

const (
	Waiting    DeliveryStatus = "waiting"    // not tried yet
	Retrying   DeliveryStatus = "retrying"   // tried without success; its server rests until the next try
	Delivered  DeliveryStatus = "delivered"  // answered 2xx
	Refused    DeliveryStatus = "refused"    // answered 4xx: it will not be tried again by itself
	GoneAway   DeliveryStatus = "gone"       // answered 410: nobody lives there any more
	GivenUp    DeliveryStatus = "given up"   // a week without success
	Superseded DeliveryStatus = "superseded" // a later delivery about the same object made it needless
)

// Settled reports whether the delivery needs no further try.
func (s DeliveryStatus) Settled() bool { return s != Waiting && s != Retrying }

// Delivery is one delivery: one activity to one inbox. It stays after it is settled, since it is what the author sees
// and what decides where an edit or a withdrawal must go.
type Delivery struct {
	ActivityID ID
	Inbox      string
	Host       string
	Attempts   int
	Status     DeliveryStatus
	Code       int    // last HTTP status, 0 when there was no answer
	Answer     string // last answer or trouble, in words
	TookMS     int64  // of the last attempt
	Revision   int    // of the article, whose words it carries
	Unsure     bool   // it may have arrived, though nobody said so: there was no answer, or one of a server in trouble
	SettledAt  *time.Time
}

// DeliveryRow is a delivery with what its author wants to know of it.
type DeliveryRow struct {
	Delivery
	Kind      string
	SaidAt    time.Time
	Quiet     bool      // see Activity
	Welcome   bool      // brought long after it was said, when the first follower came from there
	Followers int       // how many followers of the author it reaches
	Software  string    // as the server calls itself, "" when unknown
	NextAt    time.Time // of the next try, when there will be one

	ObjectID ID         // of the copy that it is about; an article has another one each time it is published
	Newest   int        // version of that copy as it was said last
	GoneAt   *time.Time // when that copy was taken back
	Holds    int        // the version of it that the server took last, 0 for none
	Asked    bool       // the server took the word that it is to forget it
	Alike    int        // other servers that stand just so and are not reported themselves

	Failures         int        // of the server, in a row
	FailingSince     *time.Time // when it fell silent; nil while it answers, if only to ask for patience
	UnavailableSince *time.Time // when it was given up, after seven days of silence

	RefusingSince *time.Time // since when the server answers and does not take what this author sends
	RefusalCode   int        // the HTTP status of its last such answer, perhaps to another letter
	RefusalAnswer string     // how that answer began
}

// Arrival is an activity from elsewhere whose signature was good, kept until it has been worked through.
type Arrival struct {
	ID         ID
	Host       string // of the signer
	ActivityID string
	Signer     string // address of the actor whose key signed it
	Body       []byte
	At         time.Time
	Attempts   int
}
