// Package doctor finds out why a running blog does not federate as it should ([Doctor]), and shows how the blog reads
// an actor or a post of another server ([Inspect]).
//
// The files: doctor.go has the order of the checks and their findings, public_address.go the requests to the blog's own
// public address, network.go what waits in the queues and which servers do not answer, fetch.go reads something
// elsewhere.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"causerie/internal/federation"
	"causerie/internal/federation/outbox"
	"causerie/internal/remote"
	"causerie/internal/signature"
)

// Doctor checks how the blog answers at its public address, through all proxies, and whether deliveries and arrivals
// are processed. Each finding says what to do. Doctor sends requests to the blog only and works beside a running
// server. It changes nothing unless it is told to repair.
type Doctor struct {
	federation.Core
	Outbox *outbox.Outbox
	Key    signature.Key // of the instance actor

	// AuthorizedFetch says that the site demands signatures.
	AuthorizedFetch bool
	// Direct is the address of the program itself, without a proxy: "http://localhost:8080"; "" when it is not known.
	Direct string
	// UserAgent is sent with each request.
	UserAgent string

	Findings
	own *remote.SelfClient
}

// Finding is one result of a check.
type Finding struct {
	Check string `json:"check"` // one word that names the check
	Mark  Mark   `json:"mark"`
	Words string `json:"words"`        // one sentence, without a full stop
	Do    string `json:"do,omitempty"` // what to do about it
}

// jsonNames are the checks that have another name in JSON. Programs that read it must not break when a check is
// renamed here.
var jsonNames = map[string]string{"deliveries": "letters", "inbox": "letterbox"}

// MarshalJSON writes a finding, with the name from jsonNames if it has one.
func (f Finding) MarshalJSON() ([]byte, error) {
	// A type without this method, or Marshal would call it again without end.
	type plain Finding
	if name := jsonNames[f.Check]; name != "" {
		f.Check = name
	}
	return json.Marshal(plain(f))
}

// Mark is how bad a finding is.
type Mark string

const (
	Fine    Mark = "ok"
	Warning Mark = "warning" // works, but the admin should know
	Wrong   Mark = "wrong"   // does not work
)

// Findings are all results, in the order of the checks.
type Findings struct{ List []Finding }

// OK adds a finding that all is well.
func (f *Findings) OK(check, words string, args ...any) {
	f.List = append(f.List, Finding{Check: check, Mark: Fine, Words: fmt.Sprintf(words, args...)})
}

// Warn adds a finding about something that works, but that the admin should know.
func (f *Findings) Warn(check, words, do string) {
	f.List = append(f.List, Finding{check, Warning, words, do})
}

// Wrong adds a finding about something that does not work.
func (f *Findings) Wrong(check, words, do string) {
	f.List = append(f.List, Finding{check, Wrong, words, do})
}

// Broken adds a finding that a check itself failed with err. It reports whether it did: false when err is nil.
func (f *Findings) Broken(check string, err error) bool {
	if err == nil {
		return false
	}
	f.Wrong(check, "this could not be checked: "+err.Error(),
		"Repair the database first. If it is only slow, try again when the machine is less busy")
	return true
}

// Run does all checks and adds their findings. Each request has a timeout. With fix it also repairs what it can: it
// sends an Accept again that a follower's server did not get.
func (c *Doctor) Run(ctx context.Context, fix bool) {
	c.own = remote.NewSelfClient(remote.Options{UserAgent: c.UserAgent, Now: c.Now}, c.origins()...)
	defer c.own.Close()
	if c.address(ctx) { // if another program answers there, the other checks would only repeat that
		c.inbox(ctx)
		c.reading(ctx)
		c.webfinger(ctx)
		c.hostMeta(ctx)
		c.nodeInfo(ctx)
		c.people(ctx)
		c.pages(ctx)
	}
	c.clock(ctx)
	c.backlog(ctx)
	c.servers(ctx)
	c.followers(ctx, fix)
}

// origins lists the origins that requests may go to.
func (c *Doctor) origins() []string {
	list := []string{c.Site.URL, c.handleOrigin()}
	if c.Direct != "" {
		list = append(list, c.Direct)
	}
	return list
}

// workTime is how long deliveries and arrivals may wait before that is a finding.
const workTime = 10 * time.Minute
