package inbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/inbox"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

// documentServer is a server with any documents. It counts the requests for each.
type documentServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

func newDocumentServer(t *testing.T, document func(v *documentServer, path, query string) any) *documentServer {
	t.Helper()
	v := &documentServer{asked: map[string]int{}}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.asked[r.URL.RequestURI()]++
		v.mu.Unlock()
		switch doc := document(v, r.URL.Path, r.URL.RawQuery).(type) {
		case nil:
			w.WriteHeader(http.StatusNotFound)
		case http.HandlerFunc:
			doc(w, r)
		default:
			w.Header().Set("Content-Type", "application/activity+json")
			json.NewEncoder(w).Encode(doc)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

// visits counts the requests for addresses with a prefix.
func (v *documentServer) visits(path string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for asked, times := range v.asked {
		if strings.HasPrefix(asked, path) {
			n += times
		}
	}
	return n
}

// resident is the profile of an actor on a documentServer.
func (v *documentServer) resident(name string) map[string]any {
	return map[string]any{"id": v.URL + "/" + name, "type": "Person", "preferredUsername": name,
		"inbox": v.URL + "/" + name + "/inbox"}
}

// note is a public post of an actor on a documentServer.
func (v *documentServer) note(path, by, inReplyTo string, more ...any) map[string]any {
	doc := map[string]any{"id": v.URL + path, "type": "Note", "attributedTo": v.URL + "/" + by, "inReplyTo": inReplyTo,
		"to":      "as:Public",
		"content": "<p>" + strings.TrimPrefix(path, "/") + "</p>"}
	for i := 0; i+1 < len(more); i += 2 {
		doc[more[i].(string)] = more[i+1]
	}
	return doc
}

func why(found blog.BackfillResult, words string) int {
	for _, u := range found.Skipped {
		if strings.Contains(u.Why, words) {
			return u.N
		}
	}
	return 0
}

func TestRepliesThatNobodySentAreFetched(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram := o.Server("veerhuis").Person("bram")
		kade := o.Server("zilverduin", fedtest.GoToSocial).Person("kade")
		said, err := bram.Reply(o.Soon(), o.Object(a), "<p>Is it still rowed?</p>")
		if err != nil {
			t.Fatal(err)
		}
		ours, err := kade.Reply(o.Soon(), said.Object, "<p>It is.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Reply(o.Soon(), said.Object, "<p>Psst.</p>", fedtest.Direct()); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(o.Soon(), ours.Object, "<p>Good.</p>"); err != nil {
			t.Fatal(err)
		}
		if got := o.CommentTexts(a); got != "Is it still rowed?" {
			t.Fatalf("before: %q", got)
		}
		found := o.Backfill(a)
		if got := o.CommentTexts(a); got != "Is it still rowed?|It is.|Good." {
			t.Errorf("after: %q, %+v", got, found)
		}
		if found.New != 2 || found.Servers != 2 || found.Cut {
			t.Errorf("what came of it: %+v", found)
		}
		if again := o.Backfill(a); again.New != 0 || len(o.Comments(a)) != 3 {
			t.Errorf("a second time: %+v", again)
		}
		state, err := o.Store.BackfillOf(o.Soon(), a.ID)
		if err != nil || state.RanAt == nil || state.DueAt == nil {
			t.Errorf("afterwards it stands: %+v, %v", state, err)
		}
	})
}

func TestFetchedRepliesPassTheSameChecks(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish(func(a *blog.Article) { a.Comments = blog.Approve })
		dorp := newDocumentServer(t, func(v *documentServer, path, _ string) any {
			switch path {
			case "/aaf", "/bea":
				return v.resident(path[1:])
			case "/notes/1":
				return v.note(path, "aaf", o.Object(a), "replies", v.URL+"/notes/1/replies")
			case "/notes/1/replies":
				return map[string]any{"id": v.URL + path, "type": "Collection",
					"items": []any{v.URL + "/notes/2", v.URL + "/notes/3", v.URL + "/notes/4",
						v.URL + "/notes/5", v.URL + "/notes/6", o.Object(a),
						map[string]any{"id": v.URL + "/notes/7", "type": "Note", "content": "forged"}}}
			case "/notes/2":
				return v.note(path, "bea", v.URL+"/notes/1", "content", `<p onclick="x">Two<script>x</script></p>`)
			case "/notes/3": // for Ilse's eyes
				return v.note(path, "bea", v.URL+"/notes/1", "to", o.Site.ActorID(o.Ilse.ID))
			case "/notes/4": // of somebody elsewhere
				return v.note(path, "bea", v.URL+"/notes/1", "attributedTo", "http://127.0.0.9/bram")
			case "/notes/5":
				return v.note(path, "bea", "https://elsewhere.example/1", "inReplyTo", nil)
			case "/notes/6":
				return v.note("/notes/2", "bea", v.URL+"/notes/1") // under another's id
			}
			return nil
		})
		first := o.FetchComment(dorp.URL + "/notes/1")
		if found := o.Backfill(a); found.New != 0 {
			t.Errorf("the lists of what waits were read: %+v", found)
		}
		if err := o.Outbox.Moderate(o.Soon(), first.ID, blog.CommentShown); err != nil {
			t.Fatal(err)
		}
		found := o.Backfill(a)
		if found.New != 1 || found.Listed != 6 {
			t.Errorf("what came of it: %+v", found)
		}
		for words, n := range map[string]int{"not public": 1, "another server": 1, "replies to nothing": 1,
			"not there any more": 1} {
			if why(found, words) != n {
				t.Errorf("%q: %d times in %+v", words, why(found, words), found)
			}
		}
		waiting := o.WaitingComments(a)
		if len(waiting) != 1 || waiting[0].HTML != "<p>Two</p>" || waiting[0].Origin != blog.Fetched ||
			waiting[0].ParentID != first.ID {
			t.Errorf("waiting for approval: %+v", waiting)
		}
		private, err := o.Store.CountComments(o.Soon(), store.CommentFilter{Private: true})
		if err != nil || private != 0 {
			t.Errorf("%d private comments were fetched, %v", private, err)
		}
	})
}

func TestConversationIsReadBeforeTheRepliesOfEach(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		for _, readable := range []bool{true, false} {
			dorp := newDocumentServer(t, func(v *documentServer, path, _ string) any {
				switch path {
				case "/aaf":
					return v.resident("aaf")
				case "/1", "/2":
					return v.note(path, "aaf", o.Object(a), "context", v.URL+"/talk", "replies",
						map[string]any{"id": v.URL + path + "/replies", "type": "Collection"})
				case "/3":
					return v.note(path, "aaf", v.URL+"/2", "context", v.URL+"/talk")
				case "/2/replies":
					return map[string]any{"id": v.URL + path, "type": "Collection",
						"first": map[string]any{"type": "CollectionPage", "items": v.URL + "/3"}}
				case "/talk":
					if readable {
						return map[string]any{"id": v.URL + path, "type": "OrderedCollection",
							"orderedItems": []string{o.Object(a), v.URL + "/1", v.URL + "/2", v.URL + "/3"}}
					}
				}
				return nil
			})
			o.FetchComment(dorp.URL + "/1")
			o.FetchComment(dorp.URL + "/2")
			if found := o.Backfill(a); found.New != 1 {
				t.Errorf("readable %t: %+v", readable, found)
			}
			if n := dorp.visits("/talk"); n != 1 {
				t.Errorf("readable %t: the conversation was asked for %d times", readable, n)
			}
			if n := dorp.visits("/2/replies"); n != map[bool]int{true: 0, false: 1}[readable] {
				t.Errorf("readable %t: the replies were asked for %d times", readable, n)
			}
		}
	})
}

func TestT092EndlessListsStopAtTheirLimits(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		page := func(v *documentServer, path, query string, next any, items ...string) any {
			id := v.URL + path
			if query != "" {
				id += "?" + query
			}
			return map[string]any{"id": id, "type": "OrderedCollectionPage", "next": next, "orderedItems": items}
		}
		lists := map[string]func(v *documentServer, path, query string) any{
			"endless": func(v *documentServer, path, query string) any {
				var n int
				fmt.Sscanf(query, "page=%d", &n)
				return page(v, path, query, fmt.Sprintf("%s%s?page=%d", v.URL, path, n+1))
			},
			"circle": func(v *documentServer, path, query string) any {
				next := v.URL + path + "?page=1"
				if query != "" {
					next = v.URL + path
				}
				return page(v, path, query, next)
			},
			"foreign": func(v *documentServer, path, query string) any {
				return page(v, path, query, "http://127.0.0.3:9/list")
			},
			"private": func(v *documentServer, path, query string) any {
				return page(v, path, query, nil, "https://10.0.0.5/1", "http://[::1]:9/1", "https://192.168.0.1/2")
			},
			"crowd": func(v *documentServer, path, query string) any {
				var n int
				fmt.Sscanf(query, "page=%d", &n)
				items := make([]string, 100)
				for i := range items {
					items[i] = fmt.Sprintf("%s/crowd/%d/%d", v.URL, n, i)
				}
				return page(v, path, query, fmt.Sprintf("%s%s?page=%d", v.URL, path, n+1), items...)
			},
		}
		for _, c := range []struct {
			name        string
			pages       int
			cut         bool
			words       string
			times, most int
		}{
			{"endless", 10, true, "", 0, 0},
			{"circle", 2, false, "circle", 1, 0},
			{"foreign", 1, false, "another server", 1, 0},
			{"private", 1, false, "private address", 3, 0},
			{"crowd", 10, true, "", 0, 200},
		} {
			v := newDocumentServer(t, func(v *documentServer, path, query string) any {
				switch path {
				case "/aaf":
					return v.resident("aaf")
				case "/1":
					return v.note(path, "aaf", o.Object(a), "replies", v.URL+"/list")
				case "/list":
					return lists[c.name](v, path, query)
				}
				if strings.HasPrefix(path, "/crowd/") {
					return v.note(path, "aaf", "", "inReplyTo", nil)
				}
				return nil
			})
			comment := o.FetchComment(v.URL + "/1")
			found := o.Backfill(a)
			if n := v.visits("/list"); n != c.pages || found.Cut != c.cut || found.New != 0 {
				t.Errorf("%s: %d pages, %+v", c.name, n, found)
			}
			if c.words != "" && why(found, c.words) != c.times {
				t.Errorf("%s: %+v", c.name, found)
			}
			if n := v.visits("/crowd/"); n != c.most {
				t.Errorf("%s: %d posts were fetched", c.name, n)
			}
			if err := o.Outbox.Moderate(o.Soon(), comment.ID, blog.CommentHidden); err != nil { // nothing more to read there
				t.Fatal(err)
			}
		}
	})
}

func TestT090ChainOfAThousandCostsSixteenFetches(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.Publish()
		tower := newDocumentServer(t, func(v *documentServer, path, _ string) any {
			var n int
			if _, err := fmt.Sscanf(path, "/floor/%d", &n); err != nil || n > 1000 {
				return nil
			}
			return v.note(path, "aaf", fmt.Sprintf("%s/floor/%d", v.URL, n+1))
		})
		bram := o.Server("veerhuis").Person("bram")
		if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": bram.ID + "#1", "type": "Create", "actor": bram.ID, "to": "as:Public",
				"object": map[string]any{"id": bram.ID + "/1", "type": "Note", "attributedTo": bram.ID,
					"inReplyTo": tower.URL + "/floor/1", "to": "as:Public", "content": "x"}}); err != nil {
			t.Fatal(err)
		}
		o.Until("the arrival is done with", func() bool {
			n, _, err := o.Store.CountWaiting(o.Soon())
			return err == nil &&
				n == 0
		})
		if n := tower.visits("/floor/"); n == 0 || n > 16 {
			t.Errorf("%d floors were climbed", n)
		}
	})
}

func TestT091LoopOfRepliesEnds(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		ring := newDocumentServer(t, func(v *documentServer, path, _ string) any {
			switch path {
			case "/aaf":
				return v.resident("aaf")
			case "/a":
				return v.note(path, "aaf", v.URL+"/b", "replies", v.URL+"/a/replies")
			case "/b":
				return v.note(path, "aaf", v.URL+"/a")
			case "/1":
				return v.note(path, "aaf", o.Object(a), "replies", v.URL+"/1/replies")
			case "/1/replies":
				return map[string]any{"id": v.URL + path, "type": "Collection",
					"items": []string{v.URL + "/a", v.URL + "/b", v.URL + "/1"}}
			}
			return nil
		})
		kade := o.Server("zilverduin").Person("kade")
		for _, note := range []string{"/a", "/b"} {
			if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
				map[string]any{"id": ring.URL + note + "#create", "type": "Create", "actor": ring.URL + "/aaf",
					"object": ring.URL + note}); err != nil {
				t.Fatal(err)
			}
		}
		o.Until("the arrivals are done with", func() bool {
			n, _, err := o.Store.CountWaiting(o.Soon())
			return err == nil &&
				n == 0
		})
		if n := ring.visits("/a") + ring.visits("/b"); n > 8 {
			t.Errorf("the ring was walked %d times", n)
		}
		o.FetchComment(ring.URL + "/1")
		if found := o.Backfill(a); found.New != 0 || why(found, "no article of this blog") != 2 {
			t.Errorf("read as a list: %+v", found)
		}
		if got := o.CommentTexts(a); got != "1" {
			t.Errorf("under the article: %q", got)
		}
	})
}

func TestT093AnnounceOfItselfEnds(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram := o.Server("veerhuis").Person("bram")
		self := bram.ID + "#announce"
		inner := map[string]any{"id": self, "type": "Announce", "actor": bram.ID, "object": self}
		for _, object := range []any{self, inner,
			map[string]any{"id": self, "type": "Announce", "actor": bram.ID, "object": inner},
			map[string]any{"id": self + "2", "type": "Create", "actor": bram.ID, "object": inner}} {
			if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
				map[string]any{"id": self, "type": "Announce", "actor": bram.ID, "object": object}); err != nil {
				t.Fatal(err)
			}
			self += "x"
		}
		o.Until("the arrivals are done with", func() bool {
			n, _, err := o.Store.CountWaiting(o.Soon())
			return err == nil &&
				n == 0
		})
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>Still here.</p>"); err != nil {
			t.Fatal(err)
		}
		o.Until("the next word is heard", func() bool { return o.CommentTexts(a) == "Still here." })
		if n := o.Counts(a).Boosts; n != 0 {
			t.Errorf("%d boosts", n)
		}
	})
}

func TestServerThatHangsCostsOnlyItsOwnLane(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		over := make(chan struct{})
		hung := newDocumentServer(t, func(v *documentServer, path, _ string) any {
			switch path {
			case "/aaf":
				return v.resident("aaf")
			case "/1":
				return v.note(path, "aaf", o.Object(a), "replies", v.URL+"/list")
			}
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-over:
				case <-r.Context().Done():
				}
			})
		})
		o.FetchComment(hung.URL + "/1")
		defer close(over)
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		said, err := bram.Reply(o.Soon(), o.Object(a), "<p>Is it still rowed?</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Reply(o.Soon(), said.Object, "<p>It is.</p>"); err != nil {
			t.Fatal(err)
		}
		type result struct {
			found blog.BackfillResult
			err   error
		}
		began, done := time.Now(), make(chan result, 1)
		go func() {
			found, err := inbox.NewBackfill(o.Inbox).Complete(t.Context(), a.ID)
			done <- result{found, err}
		}()
		o.Until("the answer from elsewhere stands", func() bool { return strings.Contains(o.CommentTexts(a), "It is.") })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if _, err := inbox.NewBackfill(o.Inbox).Complete(o.Soon(), a.ID); !errors.Is(err, blog.ErrConflict) {
			t.Errorf("a second reading beside the first: %v", err)
		}
		if r := <-done; r.err != nil || why(r.found, "did not answer") != 1 || r.found.New != 1 {
			t.Errorf("what came of it: %+v, %v", r.found, r.err)
		}
	})
}

func TestConversationsAreCompletedPeriodically(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		said, err := bram.Reply(o.Soon(), o.Object(a), "<p>Is it still rowed?</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Reply(o.Soon(), said.Object, "<p>It is.</p>"); err != nil {
			t.Fatal(err)
		}
		begin, err := o.Store.BackfillOf(o.Soon(), a.ID)
		if err != nil || begin.DueAt == nil || begin.DueAt.Sub(begin.Since) != 10*time.Minute {
			t.Fatalf("after the first comment it is due: %+v, %v", begin, err)
		}
		now := begin.Since
		var gaps []time.Duration
		for range 6 {
			state, err := o.Store.BackfillOf(o.Soon(), a.ID)
			if err != nil || state.DueAt == nil {
				break
			}
			early, err := o.Store.ClaimBackfills(o.Soon(), "", state.DueAt.Add(-time.Second), time.Minute, 9)
			if err != nil || len(early) != 0 {
				t.Fatalf("claimed too early: %v, %v", early, err)
			}
			now = *state.DueAt
			gaps = append(gaps, now.Sub(begin.Since))
			claims, err := o.Store.ClaimBackfills(o.Soon(), "", now, time.Minute, 9)
			if err != nil || len(claims) != 1 {
				t.Fatalf("claimed: %v, %v", claims, err)
			}
			if err := o.Store.FinishBackfill(o.Soon(), claims[0], blog.BackfillResult{}, now); err != nil {
				t.Fatal(err)
			}
			if err := o.Store.FinishBackfill(o.Soon(), store.Backfill{ArticleID: a.ID, Claims: claims[0].Claims - 1},
				blog.BackfillResult{}, now); !errors.Is(err, store.ErrLost) {
				t.Errorf("an older claim finished: %v", err)
			}
		}
		if want := []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
			72 * time.Hour}; !slices.Equal(gaps, want) {
			t.Errorf("completed after %v", gaps)
		}
		again := now.Add(time.Minute)
		c := blog.Comment{ID: blog.NewID(again), Address: "http://127.0.0.1/later", ArticleID: a.ID, ActorID: bram.ID,
			Origin: blog.Pushed, Visibility: blog.PublicComment,
			State: blog.CommentShown, PublishedAt: again, SortedAt: again, ArrivedAt: again}
		if err := o.Store.AddComment(o.Soon(), c); err != nil {
			t.Fatal(err)
		}
		if state, err := o.Store.BackfillOf(o.Soon(), a.ID); err != nil || state.Step != 0 || state.DueAt == nil ||
			state.DueAt.Sub(now) != 15*time.Minute {
			t.Errorf("after a new comment a minute later: %+v, %v", state, err)
		}
	})
}

func TestRequestedConversationIsCompletedInTheBackground(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		said, err := bram.Reply(o.Soon(), o.Object(a), "<p>Is it still rowed?</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Reply(o.Soon(), said.Object, "<p>It is.</p>"); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{}, 2)
		for range 2 { // as two processes would
			go func() {
				inbox.NewBackfill(o.Inbox).Run(o.Ctx)
				done <- struct{}{}
			}()
		}
		if err := o.Store.RequestBackfill(o.Soon(), a.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		o.Until("it is written down what came of it", func() bool {
			state, err := o.Store.BackfillOf(t.Context(), a.ID)
			return err == nil && state.RanAt != nil && state.Found.New == 1 && state.Claims == 1
		})
		o.Stop()
		<-done
		<-done
	})
}

func TestLongConversationHasPagesThatAnotherServerCanRead(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram := o.Server("veerhuis").Person("bram")
		if _, err := bram.Like(o.Soon(), o.Object(a)); err != nil {
			t.Fatal(err)
		}
		o.Until("bram is known", func() bool { return o.Counts(a).Likes == 1 })
		want := []string{o.Object(a)}
		for i := range 130 {
			c := blog.Comment{ID: blog.NewID(time.Now()), Address: fmt.Sprintf("%s/%d", bram.ID, i), ArticleID: a.ID,
				ActorID: bram.ID, Origin: blog.Fetched,
				Visibility: blog.PublicComment, State: blog.CommentShown, PublishedAt: time.Now(),
				SortedAt: time.Now().Add(time.Duration(i%7) * time.Millisecond), ArrivedAt: time.Now()}
			if i%10 == 3 {
				c.State = blog.CommentWaiting
			}
			if err := o.Store.AddComment(o.Soon(), c); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range o.Comments(a) {
			want = append(want, c.Address)
		}
		_, front := o.Document(o.Path(o.Object(a)) + "/context")
		if front.TotalItems != 118 || len(front.OrderedItems) != 0 {
			t.Errorf("the cover: %+v", front)
		}
		var first overkant.Document
		if err := json.Unmarshal(front.First, &first); err != nil {
			t.Fatal(err)
		}
		if code, same := o.Document(o.Path(first.ID)); code != 200 || same.ID != first.ID || len(same.OrderedItems) != 61 {
			t.Errorf("the first page by itself: %d %+v", code, same)
		}
		var got []string
		for page := first; ; _, page = o.Document(o.Path(page.Next)) {
			for _, item := range page.OrderedItems {
				got = append(got, strings.Trim(string(item), `"`))
			}
			if page.Next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("walked %d, want %d: %v", len(got), len(want), got)
		}
	})
}

func TestF146AListOfRepliesOnlySaysWhereToLook(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		wp := newDocumentServer(t, func(v *documentServer, path, query string) any {
			plain := func(doc map[string]any) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json; charset=UTF-8")
					json.NewEncoder(w).Encode(doc)
				}
			}
			switch path {
			case "/aaf":
				return v.resident(path[1:])
			case "/notes/1":
				return v.note(path, "aaf", o.Object(a), "replies", v.URL+"/list")
			case "/list": // JSON without a name, under another id, with its first page within
				if query == "" {
					return plain(map[string]any{"id": v.URL + "/rest/replies", "type": "Collection",
						"first": map[string]any{"id": v.URL + "/list?page=1", "type": "CollectionPage",
							"items": []any{v.URL + "/notes/2", map[string]any{"id": v.URL + "/notes/3", "type": "Note",
								"attributedTo": v.URL + "/aaf", "inReplyTo": v.URL + "/notes/1", "content": "forged"}},
							"next": v.URL + "/list?page=2"}})
				}
				return plain(map[string]any{"type": "CollectionPage", "items": []any{v.URL + "/notes/4"}})
			case "/notes/2": // its own replies come along
				return v.note(path, "aaf", v.URL+"/notes/1", "replies", map[string]any{"type": "Collection",
					"first": map[string]any{"type": "CollectionPage", "items": []any{v.URL + "/notes/5"}}})
			case "/notes/3":
				return v.note(path, "aaf", v.URL+"/notes/1")
			case "/notes/4": // a post is no list: it needs its media type
				return plain(v.note(path, "aaf", v.URL+"/notes/1"))
			case "/notes/5":
				return v.note(path, "aaf", v.URL+"/notes/2")
			}
			return nil
		})
		o.FetchComment(wp.URL + "/notes/1")
		o.Backfill(a)
		got := strings.Split(o.CommentTexts(a), "|")
		slices.Sort(got)
		if want := []string{"notes/1", "notes/2", "notes/3", "notes/5"}; !slices.Equal(got, want) {
			t.Errorf("comments: %q, want %q", got, want)
		}
		if n := wp.visits("/list"); n != 2 {
			t.Errorf("the list was asked for %d times", n)
		}
	})
}
