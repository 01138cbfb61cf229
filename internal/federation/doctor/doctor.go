// Package doctor looks for what is wrong with a running blog, and shows how it understands something elsewhere.
package doctor

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/federation"
	"causerie/internal/federation/outbox"
	"causerie/internal/remote"
	"causerie/internal/signature"
)

// Doctor finds out what is wrong with a blog's conversation, and says what to do: how the blog answers those who come by its
// public address, through whatever proxies stand before it, and what became of what is to go out and of what came. It asks
// nobody but the blog itself, works beside a running server, and changes nothing but what it is told to mend.
type Doctor struct {
	federation.Core
	Outbox *outbox.Outbox
	Key    signature.Key // of the instance actor

	// AuthorizedFetch says that the site asks for signatures.
	AuthorizedFetch bool
	// Door is where the program itself waits for requests, "http://localhost:8080"; "" when that is not known.
	Door string
	// UserAgent names us.
	UserAgent string

	Findings
	own *remote.SelfClient
}

// Finding is one thing that a checkup has to say.
type Finding struct {
	Check string `json:"check"` // one word for what was looked at
	Mark  Mark   `json:"mark"`
	Words string `json:"words"`        // one sentence, without a full stop
	Do    string `json:"do,omitempty"` // what to do about it
}

// Mark is how bad a finding is.
type Mark string

const (
	Fine    Mark = "ok"
	Warning Mark = "warning" // works, but somebody should know
	Wrong   Mark = "wrong"   // does not work
)

// Findings are all that a checkup has to say, in the order in which it looked.
type Findings struct{ List []Finding }

// OK notes that all is well with something.
func (f *Findings) OK(check, words string, args ...any) {
	f.List = append(f.List, Finding{Check: check, Mark: Fine, Words: fmt.Sprintf(words, args...)})
}

// Warn notes what works, and that somebody should know of.
func (f *Findings) Warn(check, words, do string) {
	f.List = append(f.List, Finding{check, Warning, words, do})
}

// Wrong notes what does not work.
func (f *Findings) Wrong(check, words, do string) {
	f.List = append(f.List, Finding{check, Wrong, words, do})
}

// Broken notes that something could not be looked at; false when it could.
func (f *Findings) Broken(check string, err error) bool {
	if err != nil {
		f.Wrong(check, "this could not be looked at: "+err.Error(), "Mend the database first; if it only takes long, look again when the machine has less to do")
	}
	return err != nil
}

// Run looks at everything, within a deadline for each question that it asks.
func (c *Doctor) Run(ctx context.Context, fix bool) {
	c.own = remote.NewSelfClient(remote.Options{UserAgent: c.UserAgent, Now: c.Now}, c.origins()...)
	defer c.own.Close()
	if c.address(ctx) {
		c.letterbox(ctx)
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

// origins are where the blog may be asked.
func (c *Doctor) origins() []string {
	list := []string{c.Site.URL, c.handleOrigin()}
	if c.Door != "" {
		list = append(list, c.Door)
	}
	return list
}

// workTime is how long something may wait before that is worth a word.
const workTime = 10 * time.Minute
