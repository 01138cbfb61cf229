package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/jobs"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestEachAnswerIsClassifiedAndReported(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		moods := map[string]struct {
			mood fedtest.Behaviour
			want blog.DeliveryStatus
			code int
		}{
			"veerhuis":   {fedtest.Healthy(), blog.Delivered, 202},
			"noordkade":  {fedtest.FailingFirst(1, 500), blog.Retrying, 500},
			"dijla":      {fedtest.RateLimiting(90*time.Second, 1), blog.Retrying, 429},
			"oudelinde":  {fedtest.Gone(), blog.GoneAway, 410},
			"zilverduin": {fedtest.RefusingSignatures(), blog.Retrying, 401}, // Mastodon says so when it could not fetch our key
			"lagewal":    {fedtest.Refusing(403), blog.Refused, 403},
			"steiger":    {fedtest.Closed(), blog.Retrying, 0},
		}
		servers := map[string]*fedtest.Server{}
		for name := range moods {
			servers[name] = o.Server(name)
			o.AddFollower(servers[name].Person("reader"))
		}
		for name, m := range moods {
			if err := servers[name].SetBehaviour(m.mood); err != nil {
				t.Fatal(err)
			}
		}
		a := o.Publish()
		o.Until("every delivery was tried", func() bool {
			for _, r := range o.DeliveryRows(a) {
				if r.Attempts == 0 {
					return false
				}
			}
			return true
		})
		for name, m := range moods {
			r := o.DeliveryRows(a)[servers[name].Host]
			if r.Status != m.want || r.Code != m.code || r.Followers != 1 || (m.want != blog.Delivered && r.Answer == "") {
				t.Errorf("%s: %+v, want %s %d with the reason", name, r, m.want, m.code)
			}
		}
		rests := func(name string, least, most time.Duration) {
			t.Helper()
			o.Until(fmt.Sprintf("%s rests for %v to %v", name, least, most), func() bool {
				wait := time.Until(o.DeliveryRows(a)[servers[name].Host].NextAt)
				return wait > least && wait < most
			})
		}
		rests("dijla", 75*time.Second, 91*time.Second) // as it asked
		rests("steiger", 40*time.Second, 73*time.Second)
	})
}

func TestTheAuthorCanTryAgainAtOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.Server("steiger")
		o.AddFollower(steiger.Person("reader"))
		if err := steiger.SetBehaviour(fedtest.Refusing(403)); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("it is refused", func() bool { return o.DeliveryRows(a)[steiger.Host].Status == blog.Refused })
		if err := steiger.SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		if n, err := o.Outbox.Retry(o.Soon(), a.ID, steiger.Host); err != nil || n != 1 {
			t.Fatalf("retry: %d, %v", n, err)
		}
		o.Until("it is delivered", func() bool { return o.DeliveryRows(a)[steiger.Host].Status == blog.Delivered })
	})
}

func TestF112ADeliveryThatIsTooLargeIsSentOnceMoreByReference(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.Server("steiger")
		o.AddFollower(steiger.Person("reader"))
		if err := steiger.SetBehaviour(fedtest.Refusing(http.StatusRequestEntityTooLarge)); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("it is refused", func() bool { return o.DeliveryRows(a)[steiger.Host].Status == blog.Refused })
		deliveries := slices.DeleteFunc(steiger.Deliveries(), func(l fedtest.Delivery) bool { return l.Type != "Create" })
		if len(deliveries) != 2 || deliveries[0].ID != deliveries[1].ID || deliveries[1].JSON()["object"] != o.Object(a) {
			t.Fatalf("%d deliveries came, the last %s", len(deliveries), deliveries[len(deliveries)-1].Body)
		}
		if _, whole := deliveries[0].JSON()["object"].(map[string]any); !whole {
			t.Errorf("the first was %s", deliveries[0].Body)
		}
	})
}

func TestOurOwnFailureIsNotTheServersSilence(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollower(bram)
		now := time.Now()
		tobias := blog.Author{Role: blog.Admin,
			Voice: blog.Voice{ID: blog.NewID(now), Kind: blog.AuthorVoice, Handle: "tobias", Name: "Tobias Renkema",
				CreatedAt: now, UpdatedAt: now}}
		if err := o.Store.AddAuthor(o.Soon(), tobias, store.VoiceKeys{RSA: "no key"}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Store.Follow(o.Soon(), blog.Follower{VoiceID: tobias.ID, ActorID: bram.ID, FollowID: bram.ID + "#f",
			State: blog.Accepted, Since: now}); err != nil {
			t.Fatal(err)
		}
		broken := o.Publish(func(a *blog.Article) { a.VoiceID, a.Slug = tobias.ID, "bindings" })
		o.Until("it is refused, with the reason", func() bool {
			r := o.DeliveryRows(broken)[veerhuis.Host]
			return r.Status == blog.Refused && strings.Contains(r.Answer, "key")
		})
		a := o.Publish()
		o.Until("others' deliveries arrive", func() bool { return o.DeliveryRows(a)[veerhuis.Host].Status == blog.Delivered })
		if silent, err := o.Store.SilentPeers(o.Soon()); err != nil || len(silent) != 0 {
			t.Errorf("a server was called silent: %v, %v", silent, err)
		}
	})
}

func TestAServerThatSendsSomethingIsTriedAgain(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.Server("steiger")
		reader := steiger.Person("reader")
		o.AddFollower(reader)
		if err := steiger.SetBehaviour(fedtest.Closed()); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("it was tried in vain", func() bool { return o.DeliveryRows(a)[steiger.Host].Attempts == 1 })
		o.Until("it rests", func() bool { peers, err := o.Store.SilentPeers(o.Soon()); return err == nil && len(peers) == 1 })
		if err := steiger.SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		// A rest is ended when it is longer than any lease; after several failures it is.
		for i := range 3 {
			o.GrowBackoff(steiger.Host, i)
		}
		if _, err := reader.Like(o.Soon(), o.Object(a)); err != nil {
			t.Fatal(err)
		}
		o.Until("its deliveries arrive", func() bool { return o.DeliveryRows(a)[steiger.Host].Status == blog.Delivered })
	})
}

func TestF109DeliveriesKeepTheirOrder(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.Server("steiger")
		o.AddFollower(steiger.Person("reader"))
		if err := steiger.SetBehaviour(fedtest.Slow(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		for i := range 3 {
			edited, err := o.Store.Article(o.Soon(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			edited.Title = fmt.Sprintf("Version %d", i+2)
			if err := o.Outbox.Revise(o.Soon(), &edited); err != nil {
				t.Fatal(err)
			}
		}
		o.Until("the newest is shown", func() bool {
			post,
				_ := steiger.FindPost(o.Object(a))
			return post.Title == "Version 4"
		})
		var kinds []string
		for _, l := range steiger.Received("") {
			if l.Type == "Create" || l.Type == "Update" {
				kinds = append(kinds, l.Type)
			}
		}
		if kinds[0] != "Create" || len(kinds) > 3 {
			t.Errorf("deliveries came as %v, want the Create first and waiting edits replaced", kinds)
		}
	})
}

func TestAStoppedCourierReleasesItsClaimsAndLosesNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, steiger := o.Server("veerhuis"), o.Server("steiger")
		o.AddFollower(veerhuis.Person("bram"))
		o.AddFollower(steiger.Person("reader"))
		if err := steiger.SetBehaviour(fedtest.Hanging()); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("the healthy one has it", func() bool { return o.DeliveryRows(a)[veerhuis.Host].Status == blog.Delivered })
		began := time.Now()
		o.Stop()
		if took := time.Since(began); took > 7*time.Second { // a silent server gets 5 seconds to answer
			t.Errorf("stopping took %v", took)
		}
		r := o.DeliveryRows(a)[steiger.Host]
		if r.Status != blog.Waiting || r.Attempts != 0 || time.Until(r.NextAt) > time.Second {
			t.Errorf("the delivery that was on its way: %+v, want it waiting, uncounted and free", r)
		}
	})
}

func TestADeliveryOnItsWayIsFinishedAfterTheStop(t *testing.T) {
	for name, status := range map[string]int{"taken": http.StatusAccepted, "too many": http.StatusTooManyRequests} {
		t.Run(name, func(t *testing.T) {
			overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
				arrived, requests := make(chan struct{}, 1), atomic.Int32{}
				server := o.AddRawServer(func(w http.ResponseWriter, r *http.Request) {
					if requests.Add(1) == 1 {
						arrived <- struct{}{}
					}
					time.Sleep(time.Second)
					w.WriteHeader(status)
				})
				a := o.Publish()
				<-arrived
				o.Stop()
				want := blog.Delivered
				if status != http.StatusAccepted {
					want = blog.Retrying
				}
				r := o.DeliveryRows(a)[strings.TrimPrefix(server.URL, "http://")]
				if r.Status != want || r.Code != status || r.Attempts != 1 || requests.Load() != 1 {
					t.Errorf("after %d requests: %+v, want %s %d in one", requests.Load(), r, want, status)
				}
				if wait := time.Until(r.NextAt); want == blog.Retrying && wait < 40*time.Second {
					t.Errorf("it is tried again in %v", wait)
				}
			})
		})
	}
}

func TestAScheduledArticleIsPublishedAtItsTimeAndNotBefore(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		at := time.Now().Add(time.Hour).Truncate(time.Second)
		draft := o.Draft()
		if _, err := o.Outbox.Schedule(o.Soon(), draft.ID, time.Now().Add(-time.Minute)); !errors.As(err, new(blog.Invalid)) {
			t.Errorf("scheduled in the past: %v, want Invalid", err)
		}
		a, err := o.Outbox.Schedule(o.Soon(), draft.ID, at)
		if err != nil {
			t.Fatal(err)
		}
		if code, _, _ := o.Get(o.Site.ArticlePath(a), "application/activity+json"); code != 404 {
			t.Errorf("before its time it answers %d", code)
		}
		if due, err := o.Store.DueArticles(o.Soon(), at.Add(-time.Second)); err != nil || len(due) != 0 {
			t.Errorf("due a second early: %v, %v", due, err)
		}
		late := o.Core
		late.Now = func() time.Time { return at.Add(500 * time.Millisecond) }
		if err := o.PublishDue(late); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.OfType("Create")); err != nil {
			t.Fatal(err)
		}
		out, err := o.Store.Article(o.Soon(), draft.ID)
		if err != nil || out.PublishedAt == nil || !out.PublishedAt.Equal(at) {
			t.Errorf("published at %v, want %v, %v", out.PublishedAt, at, err)
		}
	})
}

// lines counts what is logged.
type lines struct{ n atomic.Int64 }

func (l *lines) Write(p []byte) (int, error) { l.n.Add(1); return len(p), nil }

func TestAnArticleThatCannotBePublishedDoesNotFillTheLog(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		at := time.Now().Add(time.Hour)
		planned, err := o.Outbox.Schedule(o.Soon(), o.Draft(func(a *blog.Article) { a.Slug = "planned" }).ID, at)
		if err != nil {
			t.Fatal(err)
		}
		planned.Title = ""
		if err := o.Store.SaveArticle(o.Soon(), &planned, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Outbox.Schedule(o.Soon(), o.Draft(func(a *blog.Article) { a.Slug = "sound" }).ID,
			at.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		var logged lines
		late := o.Core
		began := time.Now()
		late.Now = func() time.Time { return at.Add(time.Minute + time.Since(began)) }
		late.Log = slog.New(slog.NewTextHandler(&logged, nil))
		ctx, stop := context.WithTimeout(o.Soon(), 3500*time.Millisecond)
		defer stop()
		later := &jobs.Jobs{Core: late, Outbox: &outbox.Outbox{Core: late, Wake: func() {}}}
		later.Run(ctx)
		if due, err := o.Store.DueArticles(o.Soon(), late.Now()); err != nil || len(due) != 1 || due[0] != planned.ID {
			t.Errorf("still due: %v, %v; want only what cannot be published", due, err)
		}
		if n := logged.n.Load(); n != 1 {
			t.Errorf("%d lines were logged, want 1", n)
		}
	})
}

func TestAQuoteRequestThatAServerDoesNotKnowHoldsNothingUp(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		sluis := o.Server("sluiswachter", fedtest.GoToSocial)
		wim := sluis.Person("wim")
		o.AddFollower(wim)
		note, err := wim.Post(o.Soon(), "<p>The weir is loud tonight.</p>")
		if err != nil {
			t.Fatal(err)
		}
		o.Publish(func(a *blog.Article) { a.Slug, a.Quoted.Address = "quoting", note.Object })
		after := o.Publish(func(a *blog.Article) { a.Slug = "after" })
		if _, err := sluis.WaitFor(o.Soon(), func(l fedtest.Delivery) bool {
			return l.Type == "QuoteRequest" && l.Status == http.StatusInternalServerError
		}); err != nil {
			t.Fatalf("nobody was asked: %v", err)
		}
		if _, err := sluis.WaitFor(o.Soon(), func(l fedtest.Delivery) bool {
			return l.Accepted() && l.Type == "Create" && l.Object == o.Object(after)
		}); err != nil {
			t.Errorf("the article after the quote does not arrive: %v", err)
		}
	})
}

func TestADeliveryThatFailsAgainAndAgainHoldsNothingUp(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger, noordkade := o.Server("steiger"), o.Server("noordkade")
		o.AddFollower(steiger.Person("reader"))
		o.AddFollower(noordkade.Person("nadia"))
		o.SetBehaviour(steiger, fedtest.RefusingText("herring", 500))
		o.SetBehaviour(noordkade, fedtest.Refusing(http.StatusInternalServerError))
		heavy := o.Publish(func(a *blog.Article) { a.Slug, a.Title = "herring", "Red herring" })
		var after blog.Article
		for attempt := 1; attempt <= 4; attempt++ {
			o.Until(fmt.Sprintf("try %d", attempt), func() bool {
				r := o.DeliveryRows(heavy)
				return r[steiger.Host].Attempts == attempt && r[noordkade.Host].Attempts == attempt
			})
			if attempt == 1 {
				after = o.Publish(func(a *blog.Article) { a.Slug = "after" })
			}
			if attempt < 4 {
				if got := o.DeliveryRows(after)[steiger.Host]; got.Attempts != 0 {
					t.Errorf("after %d tries another was brought first: %+v", attempt, got)
				}
				if _, err := o.Store.RetryDeliveries(o.Soon(), heavy.ID, "", time.Now()); err != nil {
					t.Fatal(err)
				}
				o.Courier.Wake()
			}
		}
		o.Until("the next one arrives where only the first cannot be borne",
			func() bool { return o.DeliveryRows(after)[steiger.Host].Status == blog.Delivered })
		if got := o.DeliveryRows(heavy)[steiger.Host]; got.Status != blog.Refused || got.Code != 500 {
			t.Errorf("what broke it is %s after %d", got.Status, got.Code)
		}
		o.Until("the other server was asked about both",
			func() bool { return o.DeliveryRows(after)[noordkade.Host].Attempts == 1 })
		for _, a := range []blog.Article{heavy, after} {
			// Tries that a person asks for make nothing later: the rest is still that of the first failure.
			if got := o.DeliveryRows(a)[noordkade.Host]; got.Status != blog.Retrying || time.Until(got.NextAt) <= 0 ||
				time.Until(got.NextAt) > 73*time.Second {
				t.Errorf("of a server in trouble of its own %s is %s until %v", a.Slug, got.Status, got.NextAt)
			}
		}
	})
}

func TestTheDeliveriesNameTheSoftwareOfAServer(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, zilverduin := o.Server("veerhuis"), o.Server("zilverduin")
		o.AddFollower(veerhuis.Person("bram"))
		o.AddFollower(zilverduin.Person("kade"))
		if err := zilverduin.SetBehaviour(fedtest.Gone()); err != nil { // also to every question
			t.Fatal(err)
		}
		a := o.Publish()
		unasked := func(in time.Duration) int {
			hosts, err := o.Store.UnaskedPeers(o.Soon(), time.Now().Add(in), 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(hosts)
		}
		o.Until("both servers answered", func() bool { return unasked(0) == 2 })
		o.RunJobsUntil(0, "both were asked", func() bool { return unasked(0) == 0 })
		if bram, kade := o.DeliveryRows(a)[veerhuis.Host],
			o.DeliveryRows(a)[zilverduin.Host]; bram.Software != "mastodon 4.6.2" ||
			kade.Software != "" {
			t.Errorf("Bram's server runs %q, and Kade's, which does not say, %q", bram.Software, kade.Software)
		}
		if soon, later := unasked(29*24*time.Hour), unasked(31*24*time.Hour); soon != 0 || later != 2 {
			t.Errorf("%d are asked again within a month, and %d after it", soon, later)
		}
	})
}
