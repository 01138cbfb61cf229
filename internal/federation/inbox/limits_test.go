package inbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/federation"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// withClock runs a test of the running blog, whose clock stands still until the test moves it.
func withClock(t *testing.T, test func(t *testing.T, o *overkant.Blog, pass func(time.Duration))) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var passed atomic.Int64
		began := time.Now()
		o := overkant.Start(t, s, func(c *federation.Core) {
			c.Now = func() time.Time { return began.Add(time.Duration(passed.Load())) }
		})
		test(t, o, func(d time.Duration) { passed.Add(int64(d)) })
	})
}

// likeOften likes an article again and again, each time as a new activity, and returns the answers by status.
func likeOften(o *overkant.Blog, by *fedtest.Person, article string, n int) map[int]int {
	answers := map[int]int{}
	for i := range n {
		like := overkant.Activity("Like", by, article, fmt.Sprint(o.Core.Now().UnixNano()+int64(i)))
		answer, _ := by.Send(o.Soon(), o.Site.SharedInbox(), like)
		answers[answer.Status]++
	}
	return answers
}

func TestT238OneServerSendsAtMostThreeHundredActivitiesAMinute(t *testing.T) {
	withClock(t, func(t *testing.T, o *overkant.Blog, pass func(time.Duration)) {
		a := o.Publish()
		server := o.Server("zilverduin")
		kade, bram := server.Person("kade"), o.Server("veerhuis").Person("bram")
		if got := likeOften(o, kade, o.Object(a), 301); got[202] != 300 || got[429] != 1 {
			t.Errorf("301 in a minute: %v, want 300 times 202 and 429 once", got)
		}
		if got := likeOften(o, server.Person("tess"), o.Object(a), 1); got[429] != 1 {
			t.Errorf("somebody else there: %v", got)
		}
		if got := likeOften(o, bram, o.Object(a), 1); got[202] != 1 {
			t.Errorf("another server: %v", got)
		}
		pass(time.Minute)
		if got := likeOften(o, kade, o.Object(a), 301); got[202] != 300 || got[429] != 1 {
			t.Errorf("a minute later: %v", got)
		}
		if got := o.Counts(a).Likes; got != 2 {
			t.Errorf("%d likes, want one of each who likes it", got)
		}
	})
}

func TestT238OneAddressSendsAtMostSixHundredRequestsAMinute(t *testing.T) {
	withClock(t, func(t *testing.T, o *overkant.Blog, pass func(time.Duration)) {
		send := func(from string, n int) (answers map[int]int, last http.Header) {
			answers = map[int]int{}
			for range n {
				r := httptest.NewRequest(http.MethodPost, o.Site.SharedInbox(), strings.NewReader("{}"))
				r.Header.Set("Content-Type", "application/activity+json")
				r.RemoteAddr = from
				w := httptest.NewRecorder()
				o.Inbox.ServeHTTP(w, r)
				answers[w.Code]++
				last = w.Header()
			}
			return answers, last
		}
		got, header := send("203.0.113.7:4711", 601)
		if got[400] != 600 || got[429] != 1 || header.Get("Retry-After") != "60" {
			t.Errorf("601 in a minute: %v, Retry-After %q", got, header.Get("Retry-After"))
		}
		for from, want := range map[string]int{"203.0.113.8:1": 400, "203.0.113.7:9": 429, "[2001:db8::1]:1": 400} {
			if got, _ := send(from, 1); got[want] != 1 {
				t.Errorf("from %s: %v, want %d", from, got, want)
			}
		}
		if got, _ := send("[2001:db8::2]:1", 600); got[429] != 1 {
			t.Errorf("one network of 64 bits, 601 in a minute: %v", got)
		}
		// A proxy on this machine that does not say who asks: everybody comes from there.
		if got, _ := send("127.0.0.1:1", 700); got[400] != 700 {
			t.Errorf("from a proxy: %v", got)
		}
		pass(time.Minute)
		if got, _ := send("203.0.113.7:4711", 1); got[400] != 1 {
			t.Errorf("a minute later: %v", got)
		}
	})
}

// A stranger names keys of a server that do not exist. People of that server who are new here must still be heard.
func TestT023WhoInventsKeysKeepsNobodyElseOut(t *testing.T) {
	withClock(t, func(t *testing.T, o *overkant.Blog, _ func(time.Duration)) {
		a := o.Publish()
		server, stranger := o.Server("veerhuis"), o.Server("zilverduin").Person("kade")
		for i := range 20 {
			act := overkant.Activity("Like", stranger, o.Object(a), fmt.Sprint(i))
			invented := fmt.Sprintf("%s/users/nobody-%d#main-key", server.URL, i)
			answer, _ := stranger.Send(o.Soon(), o.Site.SharedInbox(), act, fedtest.WithKeyID(invented))
			if answer.Status != http.StatusUnauthorized {
				t.Errorf("invented key %d: %d, want 401", i, answer.Status)
			}
		}
		if got := likeOften(o, server.Person("bram"), o.Object(a), 1); got[202] != 1 {
			t.Errorf("somebody of that server: %v, want 202", got)
		}
	})
}

// Strangers at many addresses use up all that may fail at a server. Where it is known to send from, it is still heard:
// somebody new there, and somebody whose key has changed.
func TestT023NoNumberOfStrangersKeepsAKnownServerOut(t *testing.T) {
	withClock(t, func(t *testing.T, o *overkant.Blog, _ func(time.Duration)) {
		a := o.Publish()
		server := o.Server("veerhuis")
		bram, lotte := server.Person("bram"), server.Person("lotte")
		if got := likeOften(o, bram, o.Object(a), 1); got[202] != 1 {
			t.Fatalf("the first of that server: %v", got)
		}
		for n := range 4 {
			stranger := o.Server(fmt.Sprint("zilverduin", n)).Person("kade")
			for i := range 4 {
				act := overkant.Activity("Like", stranger, o.Object(a), fmt.Sprint(i))
				invented := fmt.Sprintf("%s/users/nobody-%d-%d#main-key", server.URL, n, i)
				answer, _ := stranger.Send(o.Soon(), o.Site.SharedInbox(), act, fedtest.WithKeyID(invented))
				if answer.Status != http.StatusUnauthorized {
					t.Errorf("invented key %d of stranger %d: %d, want 401", i, n, answer.Status)
				}
			}
		}
		if got := likeOften(o, lotte, o.Object(a), 1); got[202] != 1 {
			t.Errorf("somebody new of that server: %v, want 202", got)
		}
		bram.RotateKeys()
		if got := likeOften(o, bram, o.Object(a), 1); got[202] != 1 {
			t.Errorf("somebody with a new key: %v, want 202", got)
		}
	})
}
