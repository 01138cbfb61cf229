package inbox_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/inbox"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/remote"
	"causerie/internal/rig"
	"causerie/internal/signature"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// faultTest is a blog whose database fails on demand. Nothing runs in the background: the test itself delivers to an
// inbox and handles the arrivals, so that each query of both is counted.
type faultTest struct {
	*overkant.Blog
	faults  *storetest.Faults
	log     overkant.Log
	watcher *store.Store // the same database, without faults
	people  map[string]*fedtest.Person
	clock   time.Duration // how far the inbox that handles arrivals is ahead
}

// faultCase is an activity, what precedes it, and the effect that must be left whichever query failed once.
type faultCase struct {
	// prepare returns the sender and the activity, and what is to be seen afterwards. i makes names unique.
	prepare func(f *faultTest, i int) (sender *fedtest.Person, activity any, effect func() string)
	want    string
}

// known returns a person whom the blog has met before, so that no query of a case belongs to a first lookup.
func (f *faultTest) known(name string) *fedtest.Person {
	p := f.people[name]
	if p == nil {
		p = f.stranger(name, 0)
		f.people[name] = p
		if code := f.deliver(p, map[string]any{"id": p.ID + "/acts/0", "type": "Like",
			"object": f.Object(f.article("met-" + name))}); code != http.StatusAccepted {
			f.T.Fatalf("%s is not heard: %d", name, code)
		}
	}
	return p
}

// stranger returns a person on a new server.
func (f *faultTest) stranger(name string, i int) *fedtest.Person {
	return f.Server(fmt.Sprintf("%s%d", name, i)).Person(name)
}

func (f *faultTest) article(name any) blog.Article {
	return f.Publish(func(a *blog.Article) { a.Slug = fmt.Sprint("crossing-", name) })
}

func (f *faultTest) must(err error) {
	f.T.Helper()
	if err != nil {
		f.T.Fatal(err)
	}
}

// deliver sends an activity to a new inbox and returns the status of the answer.
func (f *faultTest) deliver(sender *fedtest.Person, activity any) int {
	f.T.Helper()
	if act, ok := activity.(map[string]any); ok && act["actor"] == nil {
		act["actor"] = sender.ID
	}
	prepared, err := sender.Prepare(f.Site.SharedInbox(), activity)
	f.must(err)
	r := httptest.NewRequestWithContext(f.Soon(), http.MethodPost, prepared.URL, bytes.NewReader(prepared.Body))
	maps.Copy(r.Header, prepared.Header)
	w := httptest.NewRecorder()
	f.inbox(f.Core).ServeHTTP(w, r)
	return w.Code
}

// inbox returns a new inbox whose client remembers no failure.
func (f *faultTest) inbox(core federation.Core) *inbox.Inbox {
	f.T.Helper()
	core.Remote = remote.New(remote.Options{UserAgent: "Causerie/test",
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Key:   signature.Key{ID: f.Site.InstanceID() + "#main-key", Private: f.Instance.Private}, Permit: core.Permit})
	f.T.Cleanup(core.Remote.Close)
	return f.AnotherInbox(core)
}

// handleKept handles the arrivals until none is left, with inboxes whose clocks are later and later.
func (f *faultTest) handleKept() {
	f.T.Helper()
	for range 12 {
		if f.kept() == 0 {
			return
		}
		f.clock += 2 * time.Minute
		core := f.Core
		core.Now = func() time.Time { return time.Now().Add(f.clock) }
		in := f.inbox(core)
		ctx, cancel := context.WithTimeout(f.T.Context(), 400*time.Millisecond)
		done := make(chan struct{})
		armed := f.faults.Armed()
		go func() { defer close(done); in.Run(ctx) }()
		for ctx.Err() == nil && f.kept() > 0 && f.faults.Armed() == armed {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(10 * time.Millisecond) // what has just failed, or is done, is released
		cancel()
		<-done
	}
	f.T.Fatalf("an arrival is never handled; the log:\n%s", f.logged())
}

func (f *faultTest) kept() int {
	f.T.Helper()
	n, _, err := f.watcher.CountWaiting(f.T.Context())
	f.must(err)
	return n
}

func (f *faultTest) logged() string {
	f.log.Mu.Lock()
	defer f.log.Mu.Unlock()
	text := f.log.Text.String()
	f.log.Text.Reset()
	return text
}

// sweep counts the queries that failed, and what that broke.
type sweep struct{ met, violations int }

// TestR06ADatabaseErrorLosesNothingAndAcceptsNothing lets the first query of each case fail, then the second, and so on
// until each of them failed once. The sender gets 202, or 503 and tries again. The effect must be the same each time,
// and the log must have the error.
func TestR06ADatabaseErrorLosesNothingAndAcceptsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("failing each query once takes its time")
	}
	all, began := map[string]*sweep{}, time.Now()
	for name, c := range faultCases {
		t.Run(name, func(t *testing.T) {
			storetest.EachURL(t, func(t *testing.T, url string) {
				total := all[rig.Database(url)]
				if total == nil {
					total = &sweep{}
					all[rig.Database(url)] = total
				}
				one := failEachQuery(t, url, c)
				total.met, total.violations = total.met+one.met, total.violations+one.violations
			})
		})
	}
	for database, total := range all {
		f := rig.Measure(t, "R-06", rig.Run{Database: database})
		f.Began(began)
		f.Size("cases", len(faultCases))
		f.Sometimes("queries that failed", total.met)
		f.Judge(func(b *rig.Bars) { b.AtMost("violations", float64(total.violations), 0) }, func() { total.violations++ })
	}
}

// failEachQuery runs a case in the database at url, once without a fault and then once for each query that fails.
func failEachQuery(t *testing.T, url string, c faultCase) (found sweep) {
	s, faults := storetest.OpenFailing(t, url)
	f := &faultTest{faults: faults, people: map[string]*fedtest.Person{}, watcher: overkant.OpenStore(t, url)}
	f.Blog = overkant.Start(t, s, func(core *federation.Core) { core.Log = slog.New(slog.NewTextHandler(&f.log, nil)) })
	f.Stop()
	for i := 0; ; i++ {
		sender, activity, effect := c.prepare(f, i)
		f.logged()
		if i > 0 { // the first time, nothing fails
			faults.Fail("", i)
		}
		code := f.deliver(sender, activity)
		if code == http.StatusServiceUnavailable {
			code = f.deliver(sender, activity)
		}
		if code != http.StatusAccepted {
			found.violations++
			t.Errorf("with %q failing, the answer is %d", faults.Failed(), code)
		}
		f.handleKept()
		unmet := faults.Disarm()
		failed := faults.Failed()
		if got := effect(); got != c.want {
			found.violations++
			t.Errorf("with %q failing, what is left is %q, want %q", failed, got, c.want)
		}
		if log := f.logged(); len(failed) > 0 && !strings.Contains(log, "injected") &&
			!strings.Contains(failed[0], "callers") {
			found.violations++
			t.Errorf("with %q failing, the log says nothing of it: %s", failed, log)
		}
		if unmet {
			break
		}
		found.met++
	}
	if found.met < 5 {
		t.Errorf("only %d queries failed: the fault does not reach the handling", found.met)
	}
	return found
}

var faultCases = map[string]faultCase{
	"a reply": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, a := f.known("bram"), f.article(i)
		return bram, overkant.CreateNote(bram, fmt.Sprint("1-", i), "<p>Hello.</p>",
				map[string]any{"inReplyTo": f.Object(a)}),
			func() string { return f.CommentTexts(a) }
	}, "Hello."},
	"a reply under a post that we do not have": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, nadia, a := f.known("bram"), f.stranger("nadia", i), f.article(i)
		above, err := nadia.Post(f.Soon(), "<p>One.</p>", fedtest.InReplyTo(f.Object(a)))
		f.must(err)
		return bram, overkant.CreateNote(bram, fmt.Sprint("1-", i), "<p>Two.</p>", map[string]any{"inReplyTo": above.Object}),
			func() string {
				texts := strings.Split(f.CommentTexts(a), "|")
				slices.Sort(texts) // both were published in the same second
				return strings.Join(texts, "|")
			}
	}, "One.|Two."},
	"an edit that is only named": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, a := f.stranger("bram", i), f.article(i)
		sent, err := bram.Post(f.Soon(), "<p>Before.</p>", fedtest.InReplyTo(f.Object(a)))
		f.must(err)
		f.deliver(bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/1-", i), "type": "Create", "object": sent.Object})
		f.handleKept()
		bram.Edit(f.Soon(), sent.Object, "<p>After.</p>") // the blog does not listen; the note is changed at its origin
		return bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/2-", i), "type": "Update", "object": sent.Object},
			func() string { return f.CommentTexts(a) }
	}, "After."},
	"a Create after its Delete": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, a := f.known("bram"), f.article(i)
		f.deliver(bram, overkant.CreateNote(bram, fmt.Sprint("0-", i), "<p>Known.</p>",
			map[string]any{"inReplyTo": f.Object(a)}))
		f.deliver(bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/d-", i), "type": "Delete",
			"object": fmt.Sprint(bram.ID, "/notes/1-", i)})
		return bram, overkant.CreateNote(bram, fmt.Sprint("1-", i), "<p>Deleted.</p>",
				map[string]any{"inReplyTo": f.Object(a)}),
			func() string { return f.CommentTexts(a) }
	}, "Known."},
	"a mention after its Delete": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram := f.known("bram")
		f.deliver(bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/d-", i), "type": "Delete",
			"object": fmt.Sprint(bram.ID, "/notes/1-", i)})
		return bram, overkant.CreateNote(bram, fmt.Sprint("1-", i), "<p>Deleted.</p>",
				map[string]any{"to": f.Site.ActorID(f.Ilse.ID)}), func() string {
				return strings.Join(f.MentionTexts(), "|")
			}
	}, ""},
	"a Delete": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, a := f.known("bram"), f.article(i)
		f.deliver(bram, overkant.CreateNote(bram, fmt.Sprint("1-", i), "<p>Hello.</p>",
			map[string]any{"inReplyTo": f.Object(a)}))
		return bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/d-", i), "type": "Delete",
				"object": fmt.Sprint(bram.ID, "/notes/1-", i)}, func() string {
				return fmt.Sprint(f.Counts(a).Replies)
			}
	}, "0"},
	"a Delete that somebody else brings": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, kade, a := f.known("bram"), f.known("kade"), f.article(i)
		f.deliver(bram, overkant.CreateNote(bram, fmt.Sprint("1-", i), "<p>Hello.</p>",
			map[string]any{"inReplyTo": f.Object(a)}))
		return kade, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/d-", i), "type": "Delete", "actor": bram.ID,
				"object": fmt.Sprint(bram.ID, "/notes/1-", i)}, func() string {
				return fmt.Sprint(f.Counts(a).Replies)
			}
	}, "0"},
	"a Create with a proof that somebody else brings": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, kade, a := f.known("bram"), f.known("kade"), f.article(i)
		proven, err := bram.AddProof(f.UnfetchableReply(bram, a, fmt.Sprint("proven", i)))
		f.must(err)
		return kade, proven, func() string { return strings.TrimSuffix(f.CommentTexts(a), fmt.Sprint(i)) }
	}, "proven"},
	"a quote in a reply to something else": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, nadia, a := f.known("bram"), f.stranger("nadia", i), f.article(i)
		return bram, overkant.CreateNote(bram, fmt.Sprint("1-", i), "<p>Quoted.</p>",
				map[string]any{"inReplyTo": nadia.ID + "/notes/1", "quote": f.Object(a)}), func() string {
				return f.CommentKinds(a)
			}
	}, "[quote] Quoted."},
	"an Undo of a Follow without an id": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, ilse := f.known("bram"), f.Site.ActorID(f.Ilse.ID)
		f.deliver(bram, map[string]any{"id": fmt.Sprint(bram.ID, "/follows/1-", i), "type": "Follow", "object": ilse})
		undo := map[string]any{"id": fmt.Sprint(bram.ID, "/acts/u-", i), "type": "Undo",
			"object": map[string]any{"type": "Follow", "actor": bram.ID, "object": ilse}}
		return bram, undo, func() string { return fmt.Sprint(f.CountFollowers()) }
	}, "0"},
	"a Block": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram := f.known("bram")
		f.deliver(bram, map[string]any{"id": fmt.Sprint(bram.ID, "/follows/1-", i), "type": "Follow",
			"object": f.Site.ActorID(f.Ilse.ID)})
		f.following(bram, blog.Accepted)
		return bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/b-", i), "type": "Block",
				"object": f.Site.ActorID(f.Ilse.ID)}, func() string {
				return fmt.Sprintf("%d followers, following %q", f.CountFollowers(), f.FollowingState(f.Ilse, bram))
			}
	}, `0 followers, following ""`},
	"an Accept that shows our Follow": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram := f.stranger("bram", i)
		f.following(bram, blog.Pending)
		follow := map[string]any{"type": "Follow", "actor": f.Site.ActorID(f.Ilse.ID), "object": bram.ID}
		return bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/y-", i), "type": "Accept", "object": follow},
			func() string { return string(f.FollowingState(f.Ilse, bram)) }
	}, "accepted"},
	"a Like with a new key": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, a := f.stranger("bram", i), f.article(i)
		f.deliver(bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/0-", i), "type": "Like", "object": f.Object(a)})
		bram.RotateKeys()
		f.must(f.Store.UndoReaction(f.Soon(), bram.ID, fmt.Sprint(bram.ID, "/acts/0-", i)))
		return bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/l-", i), "type": "Like", "object": f.Object(a)},
			func() string { return fmt.Sprint(f.Counts(a).Likes) }
	}, "1"},
	"a Like of a stranger": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, a := f.stranger("bram", i), f.article(i)
		return bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/l-", i), "type": "Like", "object": f.Object(a)},
			func() string { return fmt.Sprint(f.Counts(a).Likes) }
	}, "1"},
	"a report": {func(f *faultTest, i int) (*fedtest.Person, any, func() string) {
		bram, a := f.known("bram"), f.article(i)
		before := len(f.Reports(blog.ReportOpen))
		return bram, map[string]any{"id": fmt.Sprint(bram.ID, "/acts/f-", i), "type": "Flag", "object": []any{f.Object(a)},
				"content": "Spam."}, func() string {
				return fmt.Sprint(len(f.Reports(blog.ReportOpen)) - before)
			}
	}, "1"},
}

// following saves that Ilse follows somebody, or asked to.
func (f *faultTest) following(p *fedtest.Person, state blog.FollowState) {
	f.T.Helper()
	f.must(f.Store.SaveActor(f.Soon(), blog.Actor{ID: p.ID, Type: "Person", Host: p.Server.Host, Inbox: p.Inbox(),
		FetchedAt: time.Now()}))
	f.must(f.Store.AddFollowing(f.Soon(), blog.Following{VoiceID: f.Ilse.ID, ActorID: p.ID,
		FollowID: f.Site.ActorID(f.Ilse.ID) + "#f" + p.ID, State: state,
		Since: time.Now()}))
}
