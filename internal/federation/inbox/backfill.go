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

// Backfill fetches the missing replies of conversations. A reply to a reply is sent to the person it answers, and not
// to us. But the server of a comment lists what it knows of the conversation (FEP-7888, FEP-f228), and Backfill reads
// that list. Each listed post is fetched from its own origin and goes through the same checks as a post that is sent to
// us: the list says where to look, and proves nothing.
//
// One run asks many servers at once, but each server one request at a time. A server that hangs so delays no other. A
// server that was silent is not asked again in that run.
type Backfill struct {
	*Inbox
}

// NewBackfill returns a Backfill for the blog of an inbox.
func NewBackfill(in *Inbox) *Backfill { return &Backfill{in} }

// What one reading may take.
const (
	mostPages    = 10  // of one list
	mostRequests = 100 // for lists and pages, of all servers together
	mostItems    = 200 // posts that are fetched, those above them among them
	mostAnswers  = 2000
	mostRounds   = 16 // what was found is asked for its own answers in the next round

	readingTime  = 4 * time.Minute
	readingLease = 5 * time.Minute
	readingsOnce = 4  // conversations
	lanesOnce    = 32 // servers
)

// Run completes the conversations that are due until the context ends. Any number of processes may run it: each
// conversation is claimed by one of them.
func (b *Backfill) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	places := make(chan struct{}, readingsOnce)
	for ctx.Err() == nil {
		var claims []store.Completion
		if free := readingsOnce - len(places); free > 0 {
			var err error
			if claims, err = b.Store.ClaimCompletions(ctx, "", b.Now(), readingLease, free); err != nil && ctx.Err() == nil {
				b.Log.Error("conversations cannot be claimed", "error", err)
			}
		}
		for _, claim := range claims {
			places <- struct{}{}
			working.Go(func() {
				defer func() { <-places }()
				if _, err := b.complete(ctx, claim); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrLost) {
					b.Log.Error("a conversation cannot be completed", "article", claim.ArticleID, "error", err)
				}
			})
		}
		federation.Pause(ctx, nil, federation.PollTime)
	}
}

// Complete completes the conversation under an article now, and returns what came of it. blog.ErrConflict means that
// another run is doing so.
func (b *Backfill) Complete(ctx context.Context, article blog.ID) (blog.Completion, error) {
	now := b.Now()
	if err := b.Store.AskCompletion(ctx, article, now); err != nil {
		return blog.Completion{}, err
	}
	claims, err := b.Store.ClaimCompletions(ctx, article, now, readingLease, 1)
	if err != nil {
		return blog.Completion{}, err
	}
	if len(claims) == 0 {
		return blog.Completion{}, fmt.Errorf("complete the conversation: %w", blog.ErrConflict)
	}
	return b.complete(ctx, claims[0])
}

// complete reads one conversation. A panic becomes an error of this conversation alone.
func (b *Backfill) complete(ctx context.Context, claim store.Completion) (found blog.Completion, err error) {
	err = federation.Safely(func() error {
		found, err = b.completeClaimed(ctx, claim)
		return err
	})
	return found, err
}

func (b *Backfill) completeClaimed(ctx context.Context, claim store.Completion) (found blog.Completion, err error) {
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), readingTime+20*time.Second)
	defer cancel()
	a, err := b.Store.Head(ctx, claim.ArticleID)
	if err != nil {
		return found, err // due again once the lease ends
	}
	if a.Status == blog.Published && a.Federates() {
		found, err = b.read(ctx, claim.ArticleID)
	}
	if ctx.Err() != nil {
		// The claim is given back, so that another process need not wait for the end of its lease.
		if err := b.Store.ReleaseCompletion(settle, claim, b.Now()); err != nil {
			return found, err
		}
		return found, ctx.Err()
	}
	if err != nil {
		return found, err // due again once the lease ends
	}
	return found, b.Store.FinishCompletion(settle, claim, found, b.Now())
}

// read reads the lists of all comments, then those of the comments that were found, and so on.
func (b *Backfill) read(ctx context.Context, article blog.ID) (blog.Completion, error) {
	ctx, cancel := context.WithTimeout(ctx, readingTime)
	defer cancel()
	before, err := b.Store.CountFetched(ctx, article)
	if err != nil {
		return blog.Completion{}, err
	}
	began := b.Now()
	r := newReading(ctx, b)
	for range mostRounds {
		lists, err := b.Store.UnreadLists(ctx, article, began, mostRequests)
		if err != nil {
			return blog.Completion{}, err
		}
		if len(lists) == 0 || r.found.Cut {
			break
		}
		for _, l := range lists {
			r.add(blog.HostOf(l.Address), func() error { return r.answersTo(l) })
		}
		r.working.Wait()
	}
	after, err := b.Store.CountFetched(context.WithoutCancel(ctx), article)
	return r.sum(after - before), err
}

// reading is one run over the servers of a conversation.
type reading struct {
	*Backfill
	ctx     context.Context
	places  chan struct{}
	working sync.WaitGroup

	mu              sync.Mutex // guards all below
	lanes           map[string]*lane
	seen            map[string]bool  // addresses of pages and posts
	whole           map[string]bool  // conversations: whether they could be read
	silent          map[string]error // servers that did not answer
	requests, items int              // that are left
	found           blog.Completion
	untaken         map[string]*blog.NotFetched
}

// lane is the queue of requests to one server, one after another.
type lane struct {
	tasks   []func() error
	running bool
}

func newReading(ctx context.Context, b *Backfill) *reading {
	return &reading{Backfill: b, ctx: ctx, places: make(chan struct{}, lanesOnce), lanes: map[string]*lane{},
		seen:  map[string]bool{},
		whole: map[string]bool{}, silent: map[string]error{}, requests: mostRequests, items: mostItems,
		untaken: map[string]*blog.NotFetched{}}
}

// add queues a request to a server.
func (r *reading) add(host string, do func() error) {
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

func (r *reading) work(host string, l *lane) {
	r.places <- struct{}{}
	defer func() { <-r.places }()
	for do := r.next(l); do != nil; do = r.next(l) {
		r.note(host, federation.Safely(do))
	}
}

func (r *reading) next(l *lane) (do func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(l.tasks) == 0 {
		l.running = false
		return nil
	}
	do, l.tasks = l.tasks[0], l.tasks[1:]
	return do
}

// answersTo reads the conversation that a comment's server lists, or else the replies of the comment.
func (r *reading) answersTo(l store.AnswerLists) error {
	if err := r.Store.MarkListRead(r.ctx, l.ID, r.Now()); err != nil {
		return err
	}
	if l.ContextURL != "" {
		err := r.conversation(l.ContextURL)
		if err == nil || l.RepliesURL == "" {
			return err
		}
	}
	return r.list(l.RepliesURL)
}

var errNotWhole = errors.New("its conversation cannot be read")

// conversation reads the list of a conversation, once for all its comments. An error means that the replies of each
// comment must be read instead.
func (r *reading) conversation(at string) error {
	r.mu.Lock()
	whole, asked := r.whole[at]
	r.mu.Unlock()
	if asked && !whole {
		return errNotWhole
	}
	if asked {
		return nil
	}
	err := r.list(at)
	r.mu.Lock()
	r.whole[at] = err == nil
	r.mu.Unlock()
	return err
}

// list reads a list of replies page by page.
func (r *reading) list(at string) error {
	for pages := 0; at != ""; pages++ {
		if !r.first(at) {
			if pages > 0 {
				return federation.NotOurs("its list of answers runs in a circle")
			}
			return nil
		}
		if pages == mostPages || !r.spend(&r.requests) {
			r.cut()
			return nil
		}
		page, err := r.page(at)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			r.item(item)
		}
		if page.Foreign {
			return federation.NotOurs("its list of answers is said to go on at another server")
		}
		at = cmp.Or(page.First, page.Next)
	}
	return nil
}

func (r *reading) page(at string) (page activity.Listing, err error) {
	err = r.ask(at, func() error {
		page, err = r.FetchListing(r.ctx, at)
		return err
	})
	return page, err
}

// item queues the fetch of a listed post, unless it is known.
func (r *reading) item(address string) {
	if r.Site.Owns(address) || !r.first(address) {
		return
	}
	r.mu.Lock()
	r.found.Listed++
	full := r.found.Listed > mostAnswers
	r.mu.Unlock()
	if full {
		r.cut()
		return
	}
	_, err := r.Store.CommentByAddress(r.ctx, address)
	if !errors.Is(err, blog.ErrNotFound) {
		r.note(blog.HostOf(address), err)
		return
	}
	r.add(blog.HostOf(address), func() error { return r.take(address) })
}

// take fetches a post and handles it as if it had been sent here.
func (r *reading) take(address string) error {
	found := fetched{}
	if err := r.supply(missing{object: address}, found); err != nil {
		return err
	}
	for range maxFetches {
		var why error
		err := r.Store.GroupCommit(r.ctx, blog.HostOf(address), func(ctx context.Context, s *store.Store) error {
			h := &handling{Inbox: r.Inbox, tx: s, found: found}
			why = h.acceptFetched(ctx, address, blog.Fetched)
			return federation.IgnoreMissing(why)
		})
		var missing missing
		if !errors.As(err, &missing) {
			return cmp.Or(err, why)
		}
		if err := r.supply(missing, found); err != nil {
			return err
		}
	}
	return federation.NotOurs("what it answers lies too far away")
}

// supply fetches what an activity needs.
func (r *reading) supply(missing missing, found fetched) error {
	if missing.actor == "" && !r.spend(&r.items) {
		r.cut()
		return errLimit
	}
	return r.ask(missing.object+missing.actor, func() error {
		if missing.actor != "" {
			return r.fetch(r.ctx, missing, found)
		}
		post, err := r.FetchPost(r.ctx, missing.object)
		if err != nil {
			return err
		}
		found[missing.object], found[post.ID] = post, post
		return nil
	})
}

// ask sends a request to the server of an address, unless that server was silent before or is blocked.
func (r *reading) ask(address string, do func() error) error {
	host := blog.HostOf(address)
	r.mu.Lock()
	silent := r.silent[host]
	r.mu.Unlock()
	if silent != nil {
		return silent
	}
	if barred, err := r.Blocked(r.ctx, r.Store, address); barred || err != nil {
		return cmp.Or(err, federation.ErrBlocked)
	}
	err := do()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.meet("server " + host) {
		r.found.Servers++
	}
	if errors.Is(err, remote.ErrUnavailable) {
		r.silent[host] = err
	}
	return err
}

// first reports whether an address is new in this run.
func (r *reading) first(address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.meet(address)
}

// meet is first, for callers that hold the lock.
func (r *reading) meet(address string) bool {
	if r.seen[address] {
		return false
	}
	r.seen[address] = true
	return true
}

// spend takes one from a budget. It reports false when nothing is left.
func (r *reading) spend(left *int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *left == 0 {
		return false
	}
	*left--
	return true
}

func (r *reading) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.Cut = true
}

// errLimit means that a limit of the run was reached. It says nothing about the post.
var errLimit = errors.New("the limits of one reading were reached")

const mostServersNamed = 5

// note records why a fetch failed.
func (r *reading) note(host string, err error) {
	if err == nil || errors.Is(err, errLimit) {
		return
	}
	why := r.reason(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		r.found.Cut = true
		return
	}
	u := r.untaken[why]
	if u == nil {
		u = &blog.NotFetched{Why: why}
		r.untaken[why] = u
	}
	u.N++
	if len(u.Servers) < mostServersNamed && !slices.Contains(u.Servers, host) {
		u.Servers = append(u.Servers, host)
	}
}

// reasons are the words for an author of why something could not be fetched.
var reasons = []struct {
	err error
	why string
}{
	{federation.ErrBlocked, "its writer or their server is blocked"},
	{remote.ErrRefused, "it is said to lie at an address that we do not go to"},
	{remote.ErrNotFound, "it is not there any more"},
	{remote.ErrGone, "it is not there any more"},
	{remote.ErrForbidden, "its server does not show it"},
	{remote.ErrNotActivity, "what stands at its address is something else"},
	{activity.ErrMalformed, "what stands at its address is something else"},
	{federation.ErrForeign, "it claims what belongs to another server"},
	{remote.ErrTooOften, "its server was asked often enough for now"},
	{remote.ErrUnavailable, "its server did not answer"},
	{errNotWhole, "its conversation cannot be read"},
}

func (r *reading) reason(err error) string {
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
		return "it leads to no article of ours"
	case r.ctx.Err() == nil:
		r.Log.Error("an answer from elsewhere could not be taken in", "error", err)
	}
	return "it could not be written down here; the log tells more"
}

func (r *reading) sum(fetched int) blog.Completion {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.New = fetched
	for _, u := range r.untaken {
		r.found.Untaken = append(r.found.Untaken, *u)
	}
	slices.SortFunc(r.found.Untaken, func(a, b blog.NotFetched) int { return cmp.Or(b.N-a.N, cmp.Compare(a.Why, b.Why)) })
	return r.found
}
