package store_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/deliverytext"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// deliverAll settles all waiting deliveries. answer returns the answer of a server.
func deliverAll(t *testing.T, s *store.Store, at time.Time, answer func(host, kind string) blog.Delivery) {
	t.Helper()
	claims, err := s.ClaimPeers(t.Context(), at, time.Minute, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range claims {
		deliveries, err := s.WaitingFor(t.Context(), 10, c.Host)
		if err != nil {
			t.Fatal(err)
		}
		how, free := store.Answered, at
		for _, l := range deliveries {
			outcome := answer(c.Host, l.Kind)
			if err := s.Settle(t.Context(), c, store.Settlement{Delivery: l, Outcome: outcome}, at); err != nil {
				t.Fatal(err)
			}
			if !outcome.Status.Settled() {
				how, free = store.Silent, at.Add(24*time.Hour)
			}
		}
		if err := s.Release(t.Context(), c, store.VisitEnd{How: how, FreeAt: free}, at); err != nil {
			t.Fatal(err)
		}
	}
}

// revise adds an activity that changes or deletes an article's object.
func revise(t *testing.T, s *store.Store, a blog.Article, kind string, revision int) {
	t.Helper()
	o, superseded := store.Object{ID: a.ObjectID, ArticleID: a.ID, Payload: []byte(`{}`), Revision: revision, At: now},
		[]string{"Update"}
	if kind == "Delete" {
		o.GoneAt, superseded = &now, []string{"Create", "Update"}
	}
	if err := s.SaveObject(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	activity := addActivity(t, s, a, kind, revision)
	if err := s.Supersede(t.Context(), activity, superseded...); err != nil {
		t.Fatal(err)
	}
}

// TestSampleDeliveryRowsCountAllServers: the samples give the same counts as all deliveries.
func TestSampleDeliveryRowsCountAllServers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		other := fourMinutesMore(a)
		other.ObjectID = blog.NewID(now)
		if err := s.SaveArticle(t.Context(), &other, now); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveObject(t.Context(), store.Object{ID: other.ObjectID, ArticleID: other.ID, Payload: []byte(`{}`),
			Revision: 1, At: now}); err != nil {
			t.Fatal(err)
		}
		for name, n := range map[string]int{"well": 20, "refuses": 3, "silent": 4, "balks": 5} {
			for i := range n {
				friend(t, s, "bram", fmt.Sprintf("%s%d.example", name, i), author.ID)
			}
		}
		answer := func(host, kind string) blog.Delivery {
			switch {
			case strings.HasPrefix(host, "refuses"), kind != "Create" && strings.HasPrefix(host, "balks"):
				return blog.Delivery{Status: blog.Refused, Code: 403, Answer: host + " says no"}
			case strings.HasPrefix(host, "silent"):
				return blog.Delivery{Status: blog.Retrying, Answer: "nothing from " + host}
			}
			return blog.Delivery{Status: blog.Delivered, Code: 202}
		}
		check := func(when, want string) {
			t.Helper()
			samples, err := s.SampleDeliveryRows(t.Context(), []blog.ID{a.ID, other.ID})
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []blog.ID{a.ID, other.ID} {
				all, err := s.DeliveryRows(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				got, whole := blog.ServerStates(samples[id]), blog.ServerStates(all)
				if !reflect.DeepEqual(blog.Count(got), blog.Count(whole)) ||
					deliverytext.Summary(got, time.Time.String) != deliverytext.Summary(whole, time.Time.String) {
					t.Errorf("%s: the samples show %+v, all deliveries %+v", when, blog.Count(got), blog.Count(whole))
				}
				if len(got) > 4 {
					t.Errorf("%s: %d servers were read", when, len(got))
				}
			}
			monday := func(time.Time) string { return "Monday" }
			if got := deliverytext.Summary(blog.ServerStates(samples[a.ID]), monday); got != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		check("before", "")
		addActivity(t, s, other, "Create", 1)
		addActivity(t, s, a, "Create", 1)
		check("queued", "0 of 32 servers have it; 32 wait their turn.")
		deliverAll(t, s, now, answer)
		check("delivered", "25 of 32 servers have it; 3 refused it; 4 have been silent, the longest since Monday.")
		revise(t, s, a, "Update", 2)
		deliverAll(t, s, now.Add(time.Hour), answer)
		check("revised", "25 of 32 servers have it, 20 of them the newest version; 5 refused the newest version; 3 refused "+
			"it; 4 have been silent, the longest since Monday.")
		revise(t, s, a, "Delete", 3)
		deliverAll(t, s, now.Add(2*time.Hour), answer)
		check("taken back", "20 of 25 servers accepted the request to delete it; 5 refused, and still have it.")
		again := a
		again.ObjectID, again.SavedAt = blog.NewID(now), a.SavedAt
		if err := s.SaveArticle(t.Context(), &again, now); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveObject(t.Context(), store.Object{ID: again.ObjectID, ArticleID: a.ID, Payload: []byte(`{}`),
			Revision: 4, At: now}); err != nil {
			t.Fatal(err)
		}
		addActivity(t, s, again, "Create", 4)
		deliverAll(t, s, now.Add(3*time.Hour), func(host, kind string) blog.Delivery { return answer(host, "Create") })
		check("out again", "25 of 32 servers have it; 3 refused it; 4 have had problems, the longest since Monday; "+
			"5 still have a copy that was taken back before.")
	})
}
