package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// Backfill fetches the missing replies of conversations. A reply to a reply is sent to the author of that reply, and
// not to us. But the server of a comment lists what it knows of the conversation (FEP-7888, FEP-f228), and Backfill
// reads that list. Each listed post is fetched from its own origin and goes through the same checks as a post that is
// sent to us: the list says where to look, and proves nothing.
//
// One run asks many servers at once, but each server one request at a time, so a server that hangs delays no other. A
// server that was silent is not asked again in that run.
type Backfill struct {
	*Inbox
}

// NewBackfill returns a Backfill for the blog of an inbox.
func NewBackfill(in *Inbox) *Backfill { return &Backfill{in} }

const (
	// Limits of one run. An unknown server can list any number of posts, on any number of servers.
	maxPages    = 10   // of one list
	maxRequests = 100  // for pages of lists, all servers together
	maxPosts    = 200  // fetched posts, parents included
	maxListed   = 2000 // addresses in all lists together
	maxRounds   = 16   // each round reads the lists of the comments that the round before added

	runTime          = 4 * time.Minute
	runLease         = 5 * time.Minute
	maxConversations = 4  // at once
	maxServers       = 32 // of one conversation at once
)

// Run completes the conversations that are due until the context ends. Any number of processes may run it: each
// conversation is claimed by one of them.
func (b *Backfill) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	slots := make(chan struct{}, maxConversations)
	for ctx.Err() == nil {
		var claims []store.Backfill
		if free := maxConversations - len(slots); free > 0 {
			var err error
			if claims, err = b.Store.ClaimBackfills(ctx, "", b.Now(), runLease, free); err != nil && ctx.Err() == nil {
				b.Log.Error("conversations cannot be claimed", "error", err)
			}
		}
		for _, claim := range claims {
			slots <- struct{}{}
			working.Go(func() {
				defer func() { <-slots }()
				if _, err := b.completeSafely(ctx, claim); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrLost) {
					b.Log.Error("a conversation cannot be completed", "article", claim.ArticleID, "error", err)
				}
			})
		}
		federation.Pause(ctx, nil, federation.PollTime)
	}
}

// Complete completes the conversation under an article now, and returns what was found. The error is blog.ErrConflict
// when another run has claimed the conversation.
func (b *Backfill) Complete(ctx context.Context, article blog.ID) (blog.BackfillResult, error) {
	now := b.Now()
	if err := b.Store.RequestBackfill(ctx, article, now); err != nil {
		return blog.BackfillResult{}, err
	}
	claims, err := b.Store.ClaimBackfills(ctx, article, now, runLease, 1)
	if err != nil {
		return blog.BackfillResult{}, err
	}
	if len(claims) == 0 {
		return blog.BackfillResult{}, fmt.Errorf("complete the conversation: %w", blog.ErrConflict)
	}
	return b.completeSafely(ctx, claims[0])
}

// completeSafely completes a claimed conversation. A panic becomes an error, so that it does not stop the others.
func (b *Backfill) completeSafely(ctx context.Context, claim store.Backfill) (found blog.BackfillResult, err error) {
	err = federation.Safely(func() error {
		found, err = b.completeClaim(ctx, claim)
		return err
	})
	return found, err
}

func (b *Backfill) completeClaim(ctx context.Context, claim store.Backfill) (found blog.BackfillResult, err error) {
	// The result is saved even when the context ends, at a shutdown or because the author closed the page.
	saveCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), runTime+20*time.Second)
	defer cancel()
	a, err := b.Store.Head(ctx, claim.ArticleID)
	if err != nil {
		return found, err // the conversation is due again when the lease ends
	}
	// The article may have been withdrawn since the claim. The claim is then finished without a request.
	if a.Status == blog.Published && a.Federates() {
		found, err = b.read(ctx, claim.ArticleID)
	}
	if ctx.Err() != nil {
		// The claim is released, so that another process need not wait until its lease ends.
		if err := b.Store.ReleaseBackfill(saveCtx, claim, b.Now()); err != nil {
			return found, err
		}
		return found, ctx.Err()
	}
	if err != nil {
		return found, err // also due again when the lease ends
	}
	return found, b.Store.FinishBackfill(saveCtx, claim, found, b.Now())
}

// read reads the lists of all comments, then the lists of the comments that were added, and so on.
func (b *Backfill) read(ctx context.Context, article blog.ID) (blog.BackfillResult, error) {
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	before, err := b.Store.CountFetched(ctx, article)
	if err != nil {
		return blog.BackfillResult{}, err
	}
	began := b.Now()
	r := newRun(ctx, b)
	for round := 0; ; round++ {
		lists, err := b.Store.UnreadLists(ctx, article, began, maxRequests)
		if err != nil {
			return blog.BackfillResult{}, err
		}
		if len(lists) == 0 || r.found.Cut {
			break
		}
		if round == maxRounds {
			r.cut()
			break
		}
		for _, l := range lists {
			r.add(blog.HostOf(l.Address), func() error { return r.readLists(l) })
		}
		// The next round reads the lists of comments that this one saves.
		r.working.Wait()
	}
	// When the time of the run is over, what it saved still counts.
	after, err := b.Store.CountFetched(context.WithoutCancel(ctx), article)
	return r.result(after - before), err
}

// backfillRun is one run over the servers of a conversation.
type backfillRun struct {
	*Backfill
	ctx     context.Context
	slots   chan struct{} // servers that are asked at this moment
	working sync.WaitGroup

	mu              sync.Mutex // guards all below
	lanes           map[string]*lane
	seen            map[string]bool  // addresses of pages and posts
	conversations   map[string]bool  // lists of conversations that were read: whether that succeeded
	silent          map[string]error // servers that did not answer
	requests, posts int              // left in the budget
	found           blog.BackfillResult
	failures        map[string]*blog.NotFetched // by their reason
}

// lane is the queue of requests to one server. They are sent one after another.
type lane struct {
	tasks   []func() error
	running bool
}

func newRun(ctx context.Context, b *Backfill) *backfillRun {
	return &backfillRun{Backfill: b, ctx: ctx, slots: make(chan struct{}, maxServers), lanes: map[string]*lane{},
		seen: map[string]bool{}, conversations: map[string]bool{}, silent: map[string]error{}, requests: maxRequests,
		posts: maxPosts, failures: map[string]*blog.NotFetched{}}
}

// add queues a request to a server.
func (r *backfillRun) add(host string, do func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lanes[host]
	if l == nil {
		l = &lane{}
		r.lanes[host] = l
	}
	l.tasks = append(l.tasks, do)
	if !l.running {
		l.running = true
		r.working.Go(func() { r.work(host, l) })
	}
}

// work sends the requests to one server until none is left.
func (r *backfillRun) work(host string, l *lane) {
	r.slots <- struct{}{}
	defer func() { <-r.slots }()
	for do := r.next(l); do != nil; do = r.next(l) {
		r.recordFailure(host, federation.Safely(do))
	}
}

func (r *backfillRun) next(l *lane) (do func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(l.tasks) == 0 {
		l.running = false
		return nil
	}
	do, l.tasks = l.tasks[0], l.tasks[1:]
	return do
}

// readLists reads the conversation that a comment's server lists, or else the replies of the comment.
func (r *backfillRun) readLists(l store.AnswerLists) error {
	// Marked first: a list that cannot be read must not be read again in each round.
	if err := r.Store.MarkListRead(r.ctx, l.ID, r.Now()); err != nil {
		return err
	}
	if l.ContextURL != "" {
		err := r.conversation(l.ContextURL)
		if err == nil || l.RepliesURL == "" {
			return err
		}
	}
	err := r.list(l.RepliesURL)
	// The first replies may come along with the post, although its server does not serve the list.
	if federation.Permanent(err) && l.RepliesURL != l.Address && r.list(l.Address) == nil {
		return nil
	}
	return err
}

var errUnreadable = errors.New("its conversation cannot be read")

// conversation reads the list of a conversation, once for all its comments. An error means that the replies of each
// comment must be read instead.
func (r *backfillRun) conversation(at string) error {
	r.mu.Lock()
	read, known := r.conversations[at]
	r.mu.Unlock()
	switch {
	case known && read:
		return nil
	case known:
		return errUnreadable
	}
	err := r.list(at)
	r.mu.Lock()
	r.conversations[at] = err == nil
	r.mu.Unlock()
	return err
}

// list reads a list of replies page by page.
func (r *backfillRun) list(at string) error {
	for pages := 0; at != ""; pages++ {
		if !r.markSeen(at) {
			// Another comment may have the same list. But only a list that repeats leads to a later page again.
			if pages > 0 {
				return federation.NotOurs("its list of replies runs in a circle")
			}
			return nil
		}
		if pages == maxPages || !r.spend(&r.requests) {
			r.cut()
			return nil
		}
		page, err := r.page(at)
		if err != nil {
			return err
		}
		for _, address := range page.Items {
			r.addPost(address)
		}
		// The posts of this page count, since each is fetched from its own server. But another server must not continue
		// the list.
		if page.Foreign {
			return federation.NotOurs("its list of replies continues at another server")
		}
		at = cmp.Or(page.First, page.Next)
	}
	return nil
}

func (r *backfillRun) page(at string) (page activity.Listing, err error) {
	err = r.ask(at, func() error {
		page, err = r.FetchListing(r.ctx, at)
		return err
	})
	return page, err
}

// addPost queues the fetch of a listed post, unless it is known.
func (r *backfillRun) addPost(address string) {
	if r.Site.Owns(address) || !r.markSeen(address) {
		return
	}
	r.mu.Lock()
	r.found.Listed++
	full := r.found.Listed > maxListed
	r.mu.Unlock()
	if full {
		r.cut()
		return
	}
	_, err := r.Store.CommentByAddress(r.ctx, address)
	if !errors.Is(err, blog.ErrNotFound) {
		r.recordFailure(blog.HostOf(address), err)
		return
	}
	r.add(blog.HostOf(address), func() error { return r.fetchPost(address) })
}

// fetchPost fetches a post and handles it as if it had been sent here.
func (r *backfillRun) fetchPost(address string) error {
	found := fetched{}
	if err := r.fetchMissing(missingError{object: address}, found); err != nil {
		return err
	}
	for range maxFetches {
		var why error
		// The transaction commits even if this post is refused: the parents that were added before it stay.
		err := r.Store.GroupCommit(r.ctx, blog.HostOf(address), func(ctx context.Context, s *store.Store) error {
			h := &handling{Inbox: r.Inbox, tx: s, found: found}
			why = h.acceptFetched(ctx, address, blog.Fetched)
			return federation.IgnoreMissing(why)
		})
		var missing missingError
		if !errors.As(err, &missing) {
			return cmp.Or(err, why)
		}
		if err := r.fetchMissing(missing, found); err != nil {
			return err
		}
	}
	return federation.NotOurs("its thread is too long")
}

// fetchMissing fetches what a post needs, within the budget. The error is errLimit when the budget is spent.
func (r *backfillRun) fetchMissing(missing missingError, found fetched) error {
	if missing.actor == "" && !r.spend(&r.posts) {
		r.cut()
		return errLimit
	}
	return r.ask(missing.object+missing.actor, func() error {
		if missing.actor != "" {
			return r.fetch(r.ctx, missing, found)
		}
		// Inbox.fetch records a post that cannot be fetched, and goes on. Here the author learns the reason.
		post, err := r.FetchPost(r.ctx, missing.object)
		if err != nil {
			return err
		}
		found[missing.object], found[post.ID] = post, post
		for _, reply := range post.Replied {
			r.addPost(reply)
		}
		return nil
	})
}

// ask sends a request to the server of an address, unless that server was silent before or is blocked.
func (r *backfillRun) ask(address string, do func() error) error {
	host := blog.HostOf(address)
	r.mu.Lock()
	silent := r.silent[host]
	r.mu.Unlock()
	if silent != nil {
		return silent
	}
	if blocked, err := r.Blocked(r.ctx, r.Store, address); blocked || err != nil {
		return cmp.Or(err, federation.ErrBlocked)
	}
	err := do()
	r.mu.Lock()
	defer r.mu.Unlock()
	// The prefix keeps hosts apart from the addresses in the same map.
	if r.markSeenLocked("server " + host) {
		r.found.Servers++
	}
	if errors.Is(err, remote.ErrUnavailable) {
		r.silent[host] = err
	}
	return err
}

// markSeen marks an address as seen in this run. It reports whether the address was new.
func (r *backfillRun) markSeen(address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.markSeenLocked(address)
}

// markSeenLocked is markSeen for callers that hold the lock.
func (r *backfillRun) markSeenLocked(address string) bool {
	if r.seen[address] {
		return false
	}
	r.seen[address] = true
	return true
}

// spend takes one from a budget. It reports whether anything was left.
func (r *backfillRun) spend(left *int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *left == 0 {
		return false
	}
	*left--
	return true
}

// cut records that the run did not read everything.
func (r *backfillRun) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.Cut = true
}

// errLimit means that a limit of the run was reached. It says nothing about the post.
var errLimit = errors.New("a limit of the run was reached")

const maxServersNamed = 5

// recordFailure counts why something could not be fetched.
func (r *backfillRun) recordFailure(host string, err error) {
	if err == nil || errors.Is(err, errLimit) {
		return
	}
	why := r.reason(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	// The time of the run is over, so the failure is not the server's.
	if r.ctx.Err() != nil {
		r.found.Cut = true
		return
	}
	failure := r.failures[why]
	if failure == nil {
		failure = &blog.NotFetched{Why: why}
		r.failures[why] = failure
	}
	failure.N++
	if len(failure.Servers) < maxServersNamed && !slices.Contains(failure.Servers, host) {
		failure.Servers = append(failure.Servers, host)
	}
}

// PrivateAddress is the reason for a reply at an address that is not public, or that is refused for another reason.
const PrivateAddress = "private address"

// reasons explain to an author why something could not be fetched. The first error that fits is used.
var reasons = []struct {
	err error
	why string
}{
	{federation.ErrBlocked, "its author or their server is blocked"},
	{remote.ErrRefused, PrivateAddress},
	{remote.ErrNotFound, "it is not there any more"},
	{remote.ErrGone, "it is not there any more"},
	{remote.ErrForbidden, "its server does not show it"},
	{remote.ErrNotActivity, "its address leads to something else"},
	{activity.ErrMalformed, "its address leads to something else"},
	{federation.ErrForeign, "it claims what belongs to another server"},
	{remote.ErrTooOften, "its server was asked too often for now"},
	{remote.ErrUnavailable, "its server did not answer"},
	{errUnreadable, "its conversation cannot be read"},
}

func (r *backfillRun) reason(err error) string {
	for _, known := range reasons {
		if errors.Is(err, known.err) {
			return known.why
		}
	}
	var why federation.NotOurs
	switch {
	case errors.As(err, &why):
		return string(why)
	case errors.Is(err, federation.ErrNotOurs):
		return federation.ErrNowhere.Error()
	case r.ctx.Err() == nil:
		r.Log.Error("a reply cannot be fetched and saved", "error", err)
	}
	return "it could not be saved here; the log has the reason"
}

// result returns what the run found, the most frequent failure first.
func (r *backfillRun) result(fetched int) blog.BackfillResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.New = fetched
	for _, failure := range r.failures {
		r.found.Skipped = append(r.found.Skipped, *failure)
	}
	slices.SortFunc(r.found.Skipped, func(a, b blog.NotFetched) int { return cmp.Or(b.N-a.N, cmp.Compare(a.Why, b.Why)) })
	return r.found
}
