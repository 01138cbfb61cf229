package inbox_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/inbox"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

// keepComments stores public comments under an article, one for each address of a list of replies.
func keepComments(o *overkant.Blog, a blog.Article, lists []string) {
	o.T.Helper()
	keep(o, a, len(lists), func(i int, c *blog.Comment) {
		c.Address, c.RepliesURL = fmt.Sprintf("%s/%s/%d", lists[i], a.ID, i), lists[i]
	})
}

// keepHidden stores hidden comments under an article, and returns their addresses.
func keepHidden(o *overkant.Blog, a blog.Article, n int) (addresses []string) {
	o.T.Helper()
	keep(o, a, n, func(i int, c *blog.Comment) {
		c.State = blog.CommentHidden
		addresses = append(addresses, c.Address)
	})
	return addresses
}

// keep stores comments of one actor under an article, each changed by a function.
func keep(o *overkant.Blog, a blog.Article, n int, change func(i int, c *blog.Comment)) {
	o.T.Helper()
	const author = "https://noordkade.example/nadia"
	actor := blog.Actor{ID: author, Type: "Person", Host: "noordkade.example", Inbox: author + "/inbox",
		FetchedAt: time.Now()}
	if err := o.Store.SaveActor(o.Soon(), actor); err != nil {
		o.T.Fatal(err)
	}
	// Not in one transaction: PostgreSQL keeps each version of a count until the commit.
	for first := 0; first < n; first += 200 {
		err := o.Store.InTx(o.Soon(), func(s *store.Store) error {
			for i := first; i < min(n, first+200); i++ {
				now := time.Now()
				c := blog.Comment{ID: blog.NewID(now), Address: fmt.Sprint(author, "/", i), ArticleID: a.ID,
					ActorID: author, Origin: blog.Pushed, Visibility: blog.PublicComment, State: blog.CommentShown,
					PublishedAt: now, SortedAt: now, ArrivedAt: now}
				change(i, &c)
				if err := s.AddComment(o.T.Context(), c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			o.T.Fatal(err)
		}
	}
}

// pageOf is a page of a list of replies.
func (v *documentServer) pageOf(path, next string, items ...string) map[string]any {
	page := map[string]any{"id": v.URL + path, "type": "OrderedCollectionPage", "orderedItems": items}
	if next != "" {
		page["next"] = v.URL + next
	}
	return page
}

func TestAConversationCostsAHundredPages(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for lists, cut := range map[int]bool{10: false, 11: true} { // of ten pages each, the eleventh of one
			a := o.PublishNumbered(lists)
			v := newDocumentServer(t, func(v *documentServer, path, _ string) any {
				var list, page int
				if n, _ := fmt.Sscanf(path, "/lists/%d/%d", &list, &page); n != 2 {
					return nil
				}
				if page == 10 || list == 10 {
					return v.pageOf(path, "")
				}
				return v.pageOf(path, fmt.Sprintf("/lists/%d/%d", list, page+1))
			})
			var begin []string
			for list := range lists {
				begin = append(begin, fmt.Sprintf("%s/lists/%d/1", v.URL, list))
			}
			keepComments(o, a, begin)
			found := o.Backfill(a)
			if n := v.visits("/lists/"); n != 100 || found.Cut != cut {
				t.Errorf("of %d lists %d pages are read, %+v", lists, n, found)
			}
		}
	})
}

func TestAConversationListsTwoThousandAddresses(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		// What is known here is not fetched, so that the limit of posts is not reached before.
		known := keepHidden(o, a, 2000)
		before := 1999 // known ones that are listed before the new one
		v := newDocumentServer(t, func(v *documentServer, path, _ string) any {
			const size = 900
			var page int
			switch _, err := fmt.Sscanf(path, "/lists/%d", &page); {
			case path == "/aaf":
				return v.resident("aaf")
			case err != nil:
				return v.note(path, "aaf", o.Object(a))
			case (page+1)*size < before:
				return v.pageOf(path, fmt.Sprint("/lists/", page+1), known[page*size:(page+1)*size]...)
			}
			return v.pageOf(path, "", append(slices.Clone(known[page*size:before]), fmt.Sprint(v.URL, "/new/", before))...)
		})
		keepComments(o, a, []string{v.URL + "/lists/0"})
		if found := o.Backfill(a); found.Cut || found.New != 1 || found.Listed != 2000 {
			t.Errorf("of 2,000 addresses, with the new one at the end: %+v", found)
		}
		before++
		if found := o.Backfill(a); !found.Cut || found.New != 0 || v.visits("/new/2000") != 0 {
			t.Errorf("of 2,001 addresses, with the new one at the end: %+v", found)
		}
	})
}

func TestAConversationIsReadInSixteenRounds(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for long, cut := range map[int]bool{16: false, 17: true} { // each answers the one before
			a := o.PublishNumbered(long)
			v := newDocumentServer(t, func(v *documentServer, path, _ string) any {
				var n int
				switch _, err := fmt.Sscanf(path, "/%d", &n); {
				case path == "/aaf":
					return v.resident("aaf")
				case err != nil:
					return nil
				case strings.HasSuffix(path, "/replies") && n < long:
					return v.pageOf(path, "", fmt.Sprintf("%s/%d", v.URL, n+1))
				case strings.HasSuffix(path, "/replies"):
					return v.pageOf(path, "")
				}
				above := o.Object(a)
				if n > 1 {
					above = fmt.Sprintf("%s/%d", v.URL, n-1)
				}
				return v.note(path, "aaf", above, "replies", v.URL+path+"/replies")
			})
			o.FetchComment(v.URL + "/1")
			found := o.Backfill(a)
			if found.New != long-1 || found.Cut != cut || v.visits("/16/replies") != 1 || v.visits("/17/replies") != 0 {
				t.Errorf("a conversation that is %d deep: %+v", long, found)
			}
		}
	})
}

func TestFourConversationsAreCompletedAtOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		held := hold(o, 5)
		for i, server := range held.servers {
			a := o.PublishNumbered(i)
			keepComments(o, a, []string{server + "/list"})
			if err := o.Store.RequestBackfill(o.Soon(), a.ID, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			inbox.NewBackfill(o.Inbox).Run(ctx)
		}()
		held.expectAtOnce(4)
		stop()
		<-ended
	})
}

func TestThirtyTwoServersOfAConversationAreAskedAtOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		held, a := hold(o, 33), o.Publish()
		var lists []string
		for _, server := range held.servers {
			lists = append(lists, server+"/list")
		}
		keepComments(o, a, lists)
		done := make(chan blog.BackfillResult, 1)
		go func() {
			found, err := inbox.NewBackfill(o.Inbox).Complete(o.Ctx, a.ID)
			if err != nil {
				t.Error(err)
			}
			done <- found
		}()
		held.expectAtOnce(32)
		if found := <-done; found.Servers != 33 {
			t.Errorf("in the end: %+v", found)
		}
	})
}

func TestAResultNamesFiveServersForEachReason(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for n, named := range map[int]int{5: 5, 6: 5} {
			a := o.PublishNumbered(n)
			var lists []string
			for range n {
				v := newDocumentServer(t, func(*documentServer, string, string) any { return nil })
				lists = append(lists, v.URL+"/list")
			}
			keepComments(o, a, lists)
			found := o.Backfill(a)
			if len(found.Skipped) != 1 || found.Skipped[0].N != n || len(found.Skipped[0].Servers) != named {
				t.Errorf("with %d servers that have no list: %+v", n, found)
			}
		}
	})
}
