package delivery_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/deliverytext"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestNoAnswerToOneAuthorStopsWhatOthersSend(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		about := o.Site.ActorID(tobias.ID)
		moods := map[string]fedtest.Behaviour{"garbage": fedtest.AnsweringGarbage(about)}
		for _, status := range []int{301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 415, 418, 422,
			425, 451, 500, 501, 505, 507, 520} {
			moods[fmt.Sprint(status)] = fedtest.RefusingText(about, status)
		}
		servers := map[string]*fedtest.Server{}
		for name := range moods {
			servers[name] = o.Server("says" + name)
			reader := servers[name].Person("reader")
			o.AddFollower(reader)
			o.StoreFollow(tobias.ID, reader)
			o.SetBehaviour(servers[name], moods[name])
		}
		arrives := func(slug string) {
			t.Helper()
			a := o.Publish(overkant.OwnedBy(o.Ilse, slug))
			for name, s := range servers {
				o.Until(fmt.Sprintf("%q is at the server that answers %s to somebody else", slug, name), func() bool {
					r := o.DeliveryRows(a)[s.Host]
					return r.Status == blog.Delivered && r.Attempts == 1
				})
			}
		}
		refused := o.Publish(overkant.OwnedBy(tobias, "refused"))
		o.WaitTried(refused, servers)
		arrives("one")
		o.Retitle(refused, "Refused again")
		second := o.Publish(overkant.OwnedBy(tobias, "second"))
		arrives("two")
		for round := range 5 { // as often as a delivery may fail before it steps aside, and once more
			for _, a := range []blog.Article{refused, second} {
				if _, err := o.Outbox.Retry(o.Soon(), a.ID, ""); err != nil {
					t.Fatal(err)
				}
			}
			arrives(fmt.Sprint("again-", round))
		}
		if silent, err := o.Store.SilentPeers(o.Soon()); err != nil || len(silent) != 0 {
			t.Errorf("servers that answer are called silent: %+v, %v", silent, err)
		}
	})
}

func TestARetryAfterIsObeyedForAllAuthors(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		dijla := o.Server("dijla")
		reader := dijla.Person("samir")
		o.AddFollower(reader)
		o.StoreFollow(tobias.ID, reader)
		o.SetBehaviour(dijla, fedtest.RateLimiting(10*time.Minute, 0))
		first := o.Publish(overkant.OwnedBy(tobias, "first"))
		o.Until("it was tried", func() bool { return o.DeliveryRows(first)[dijla.Host].Attempts == 1 })
		o.WaitBackoff(first, dijla, 9*time.Minute, 601*time.Second)
		a := o.Publish(overkant.OwnedBy(o.Ilse, "later"))
		time.Sleep(300 * time.Millisecond)
		if r := o.DeliveryRows(a)[dijla.Host]; r.Attempts != 0 || !r.AskedToWait() {
			t.Errorf("another author's delivery: %+v", r)
		}
	})
}

func TestDeliveriesBehindARefusedOneKeepTheirOrder(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.AddReaders("steiger")["steiger"]
		o.SetBehaviour(steiger, fedtest.RefusingSignatures())
		a := o.Publish()
		o.Until("it was tried", func() bool { return o.DeliveryRows(a)[steiger.Host].Attempts == 1 })
		o.Retitle(a, "Five minutes wide")
		after := o.Publish(func(a *blog.Article) { a.Slug = "after" })
		time.Sleep(300 * time.Millisecond)
		if n := len(overkant.DeliveredTypes(steiger, o.Object(after))); n != 0 {
			t.Errorf("%d deliveries of an author whom the server refuses at the moment", n)
		}
		o.SetBehaviour(steiger, fedtest.Healthy())
		if _, err := o.Outbox.Retry(o.Soon(), after.ID, ""); err != nil {
			t.Fatal(err)
		}
		o.Until("what was asked for is there, and what it held up", func() bool {
			reports := o.DeliveryRows(a)
			post, _ := steiger.FindPost(o.Object(a))
			return o.DeliveryRows(after)[steiger.Host].Status == blog.Delivered && reports[steiger.Host].Status.Settled() &&
				post.Title == "Five minutes wide"
		})
		kinds := slices.Compact(overkant.DeliveredTypes(steiger, o.Object(a)))
		if kinds[0] != "Create" || len(kinds) > 2 {
			t.Errorf("it was brought %v", kinds)
		}
	})
}

// A server that never met an author cannot believe that they left: the key is gone with the actor.
func TestF158ADeletionThatAServerCannotVerifyIsSettledAndHoldsNothingUp(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusGone} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
				tobias := o.AddAuthor("tobias", "Tobias Renkema")
				strict := o.Server("strict", fedtest.GoToSocial) // an inbox for each of its people
				reader := strict.Person("reader")
				o.AddFollower(reader)
				if status == http.StatusGone { // then the articles that it has cannot be taken back either
					o.StoreFollow(tobias.ID, reader)
					taken := o.Publish(overkant.OwnedBy(tobias, "taken"))
					o.Until("it has an article", func() bool { return o.DeliveryRows(taken)[strict.Host].Status == blog.Delivered })
				}
				o.SetBehaviour(strict, fedtest.RefusingText(o.Site.ActorID(tobias.ID), status))
				if err := o.Outbox.DeleteAuthor(o.Soon(), tobias.ID); err != nil {
					t.Fatal(err)
				}
				o.Until("it is settled", func() bool {
					_, deliveries, err := o.Store.CountWaiting(o.Soon())
					return err == nil && deliveries == 0
				})
				deletes := slices.DeleteFunc(strict.Deliveries(), func(l fedtest.Delivery) bool { return l.Type != "Delete" })
				if len(deletes) == 0 {
					t.Fatal("it was not told")
				}
				if list, err := o.Store.Refusals(o.Soon()); err != nil || len(list) != 0 {
					t.Errorf("refusals: %+v, %v", list, err)
				}
				if n, err := o.Store.EraseKeys(o.Soon()); err != nil || n != 1 {
					t.Errorf("%d keys are erased, %v", n, err)
				}
				if _, err := strict.Person("kade").Follow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
					t.Fatal(err)
				}
				if err := strict.Person("kade").WaitAccepted(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
					t.Errorf("a new follower's yes: %v", err)
				}
				a := o.Publish()
				o.Until("who followed another author before still does", func() bool {
					return o.DeliveryRows(a)[strict.Host].Status == blog.Delivered && slices.ContainsFunc(strict.Deliveries(),
						func(d fedtest.Delivery) bool {
							return d.Object == o.Object(a) && strings.HasSuffix(reader.Inbox(), d.Inbox)
						})
				})
			})
		})
	}
}

func TestADeliveryWithARefusedSignatureLetsOthersPass(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.AddReaders("steiger")["steiger"]
		o.SetBehaviour(steiger, fedtest.RefusingText("herring", http.StatusUnauthorized))
		stuck := o.Publish(func(a *blog.Article) { a.Slug, a.Title = "herring", "Red herring" })
		o.Until("try 1", func() bool { return o.DeliveryRows(stuck)[steiger.Host].Attempts == 1 })
		after := o.Publish(func(a *blog.Article) { a.Slug = "after" })
		for attempt := 2; attempt <= 4; attempt++ {
			if _, err := o.Outbox.Retry(o.Soon(), stuck.ID, ""); err != nil {
				t.Fatal(err)
			}
			o.Until(fmt.Sprintf("try %d", attempt),
				func() bool { return o.DeliveryRows(stuck)[steiger.Host].Attempts == attempt })
		}
		o.Until("the next one arrives", func() bool { return o.DeliveryRows(after)[steiger.Host].Status == blog.Delivered })
		if r := o.DeliveryRows(stuck)[steiger.Host]; r.Status != blog.Refused || r.Code != http.StatusUnauthorized ||
			r.Answer == "" {
			t.Errorf("what was refused is %+v", r)
		}
	})
}

func TestARetryThatAPersonAsksForIsMadeAtOnceAndDelaysNothing(t *testing.T) {
	for name, mood := range map[string]fedtest.Behaviour{"refusing": fedtest.RefusingSignatures(),
		"in trouble": fedtest.Refusing(http.StatusServiceUnavailable), "silent": fedtest.Closed()} {
		t.Run(name, func(t *testing.T) {
			overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
				steiger := o.AddReaders("steiger")["steiger"]
				o.SetBehaviour(steiger, mood)
				first := o.Publish()
				o.Until("it was tried", func() bool {
					r := o.DeliveryRows(first)[steiger.Host]
					return r.Attempts == 1 && time.Until(r.NextAt) < 2*time.Minute
				})
				asked := o.Publish(func(a *blog.Article) { a.Slug = "asked" })
				time.Sleep(200 * time.Millisecond) // for the visit to end: its lease is later than the next try
				next := o.DeliveryRows(first)[steiger.Host].NextAt
				for n := range 4 {
					before := o.DeliveryRows(first)[steiger.Host].Attempts + o.DeliveryRows(asked)[steiger.Host].Attempts
					if _, err := o.Outbox.Retry(o.Soon(), asked.ID, steiger.Host); err != nil {
						t.Fatal(err)
					}
					o.Until(fmt.Sprintf("try %d was made", n+1), func() bool {
						return o.DeliveryRows(first)[steiger.Host].Attempts+o.DeliveryRows(asked)[steiger.Host].Attempts > before
					})
					if name == "refusing" && o.DeliveryRows(asked)[steiger.Host].Attempts != n+1 {
						t.Errorf("something else was tried: %+v", o.DeliveryRows(asked)[steiger.Host])
					}
					o.Until(fmt.Sprintf("after try %d the next one is no later than it was to be", n+1), func() bool {
						return !o.DeliveryRows(first)[steiger.Host].NextAt.After(next)
					})
				}
			})
		})
	}
}

func TestTheAuthorSeesWhatAServerRefuses(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.AddReaders("steiger")["steiger"]
		o.SetBehaviour(steiger, fedtest.RefusingSignatures())
		first := o.Publish()
		o.Until("it was tried", func() bool { return o.DeliveryRows(first)[steiger.Host].Attempts == 1 })
		behind := o.Publish(func(a *blog.Article) { a.Slug = "behind" })
		list, err := o.Store.Refusals(o.Soon())
		if err != nil || len(list) != 1 {
			t.Fatalf("refusals: %+v, %v", list, err)
		}
		r := list[0]
		if r.Host != steiger.Host || r.Voice != "ilse" || r.Code != 401 || r.Answer == "" || r.Kind != "Create" ||
			r.Deliveries != 2 || time.Since(r.Since) > time.Minute {
			t.Errorf("it says %+v", r)
		}
		when := func(time.Time) string { return "today" }
		for _, c := range []struct {
			a    blog.Article
			want string
		}{{first, "Refusing since today: it answers 401 to what this author sends."},
			{behind, "Refusing since today: it answers 401 to what this author sends. Its answer: “"}} {
			reports, err := o.Store.DeliveryRows(o.Soon(), c.a.ID)
			if err != nil {
				t.Fatal(err)
			}
			standings := blog.ServerStates(reports)
			if words := deliverytext.State(standings[0], when); !strings.Contains(words, c.want) {
				t.Errorf("the report says %q, want %q", words, c.want)
			}
			if words := deliverytext.Summary(standings, when); !strings.Contains(words, "1 refuses at the moment.") {
				t.Errorf("the summary is %q", words)
			}
		}
		o.SetBehaviour(steiger, fedtest.Healthy())
		if _, err := o.Outbox.Retry(o.Soon(), first.ID, ""); err != nil {
			t.Fatal(err)
		}
		o.Until("all is well", func() bool { return o.DeliveryRows(behind)[steiger.Host].Status == blog.Delivered })
		if list, err := o.Store.Refusals(o.Soon()); err != nil || len(list) != 0 {
			t.Errorf("afterwards: %+v, %v", list, err)
		}
	})
}

func TestARefusalEndsWithoutHelp(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.AddReaders("steiger")["steiger"]
		o.SetBehaviour(steiger, fedtest.RefusingSignatures())
		a := o.Publish()
		o.Until("it was tried", func() bool { return o.DeliveryRows(a)[steiger.Host].Attempts == 1 })
		o.Stop()
		o.Until("nobody visits it", func() bool { return time.Until(o.DeliveryRows(a)[steiger.Host].NextAt) < 2*time.Minute })
		claim := func(in time.Duration) []store.Claim {
			claims, err := o.Store.ClaimPeers(o.T.Context(), time.Now().Add(in), time.Minute, 10, false)
			if err != nil {
				t.Fatal(err)
			}
			return claims
		}
		if claims := claim(30 * time.Second); len(claims) != 0 {
			t.Errorf("too early: %+v", claims)
		}
		if claims := claim(2 * time.Minute); len(claims) != 1 || claims[0].Host != steiger.Host {
			t.Fatalf("when its rest is over: %+v", claims)
		}
		if deliveries, err := o.Store.WaitingFor(o.T.Context(), 10, steiger.Host); err != nil || len(deliveries) != 1 {
			t.Errorf("deliveries: %+v, %v", deliveries, err)
		}
	})
}

func TestADeliveryThatCannotBeComposedHoldsNothingElseUp(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		o := overkant.Start(t, overkant.OpenStore(t, database))
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		steiger := o.Server("steiger")
		reader := steiger.Person("reader")
		o.AddFollower(reader)
		o.StoreFollow(tobias.ID, reader)
		o.SetBehaviour(steiger, fedtest.RefusingSignatures())
		broken := o.Publish(overkant.OwnedBy(tobias, "broken"))
		o.Until("it was tried", func() bool { return o.DeliveryRows(broken)[steiger.Host].Attempts == 1 })
		// of which there are no words
		storetest.Change(t, database, `UPDATE deliveries SET revision = 99 WHERE settled_at IS NULL`)
		o.SetBehaviour(steiger, fedtest.Healthy())
		if _, err := o.Store.RetryDeliveries(o.Soon(), broken.ID, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("it arrives", func() bool { return o.DeliveryRows(a)[steiger.Host].Status == blog.Delivered })
		o.Until("what is broken was tried", func() bool { return o.DeliveryRows(broken)[steiger.Host].Attempts == 2 })
		if r := o.DeliveryRows(broken)[steiger.Host]; r.Status != blog.Retrying || !strings.Contains(r.Answer, "not sent") {
			t.Errorf("of the other it says %+v", r)
		}
	})
}
