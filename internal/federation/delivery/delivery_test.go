package delivery_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestF105OneDeliveryForEachSharedInboxAndADirectAnswerToThePersonalOne(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollower(bram)
		o.AddFollower(veerhuis.Person("nadia"))
		a := o.Publish()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		o.WaitDelivered(a)
		deliveries := slices.DeleteFunc(veerhuis.Deliveries(), func(l fedtest.Delivery) bool { return l.Type != "Create" })
		if len(deliveries) != 1 || deliveries[0].Inbox != "/inbox" {
			t.Errorf("%d deliveries came, the first to %s", len(deliveries), deliveries[0].Inbox)
		}
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>Between us?</p>", fedtest.Direct(),
			fedtest.Mention(o.Site.ActorID(o.Ilse.ID))); err != nil {
			t.Fatal(err)
		}
		private, err := o.Store.Comments(o.Soon(), store.CommentFilter{Private: true})
		if err != nil || len(private) != 1 {
			t.Fatalf("%d private words, %v", len(private), err)
		}
		answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, private[0].ID, "Between us.")
		if err != nil {
			t.Fatal(err)
		}
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", answer.Address))
		if err != nil || delivery.Inbox != strings.TrimPrefix(bram.Inbox(), veerhuis.URL) {
			t.Errorf("the direct answer came to %s, %v", delivery.Inbox, err)
		}
	})
}

func TestF106ATemporaryFailureIsRetriedOnScheduleOrWhenTheServerAsks(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		moods := map[string]struct {
			mood        fedtest.Behaviour
			least, most time.Duration
		}{
			"veerhuis":  {fedtest.Refusing(503), 40 * time.Second, 73 * time.Second},
			"noordkade": {fedtest.Hanging(), 40 * time.Second, 73 * time.Second},
			"dijla":     {fedtest.RateLimiting(10*time.Minute, 0), 9 * time.Minute, 601 * time.Second},
			"steiger":   {fedtest.RateLimitingUntil(time.Now().Add(20*time.Minute), 0), 18 * time.Minute, 20 * time.Minute},
		}
		servers := o.AddReaders("veerhuis", "noordkade", "dijla", "steiger")
		for name, m := range moods {
			o.SetBehaviour(servers[name], m.mood)
		}
		a := o.Publish()
		for name, m := range moods {
			if name != "noordkade" { // that one is silent for ten seconds first
				o.WaitBackoff(a, servers[name], m.least, m.most)
			}
		}
		time.Sleep(4 * time.Second)
		o.Until("the silent one was given ten seconds",
			func() bool { return o.DeliveryRows(a)[servers["noordkade"].Host].Attempts == 1 })
		o.WaitBackoff(a, servers["noordkade"], moods["noordkade"].least, moods["noordkade"].most)
		for name, r := range o.DeliveryRows(a) {
			if r.Status != blog.Retrying || r.Attempts != 1 {
				t.Errorf("%s: %s after %d attempts", name, r.Status, r.Attempts)
			}
		}
	})
}

func TestF107ARefusedDeliveryIsNotRetriedAndADeadPersonalInboxLosesItsFollower(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		servers := o.AddReaders("veerhuis", "noordkade")
		dijla := o.Server("dijla", fedtest.GoToSocial) // without a shared inbox
		o.AddFollower(dijla.Person("samir"))
		o.SetBehaviour(servers["veerhuis"], fedtest.Refusing(404))
		o.SetBehaviour(servers["noordkade"], fedtest.Refusing(403))
		o.SetBehaviour(dijla, fedtest.Refusing(410))
		a := o.Publish()
		o.Until("all are settled", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
		report := o.DeliveryRows(a)
		for s, want := range map[*fedtest.Server]blog.DeliveryStatus{servers["veerhuis"]: blog.Refused,
			servers["noordkade"]: blog.Refused, dijla: blog.GoneAway} {
			if report[s.Host].Status != want {
				t.Errorf("%s: %s, want %s", s.Name, report[s.Host].Status, want)
			}
		}
		o.Until("samir is no follower any more", func() bool {
			n, err := o.Store.CountFollowers(o.Soon(), o.Ilse.ID)
			return err == nil && n.Accepted == 2
		})
	})
}

func TestTheActorsOfAnInboxThatIsMissingForThreeDaysAreChecked(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		soon := time.Now().Add(time.Hour)
		due := func() int {
			t.Helper()
			list, err := o.Store.DueActors(o.Soon(), soon, 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if err := o.Store.RefreshAt(o.Soon(), bram.ID, soon.Add(100*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		inbox := bram.Server.URL + "/inbox"
		for i, day := range []int{0, 0, 1, 9, 10, 11} { // twice on one day is once, and a week without one begins anew
			if err := o.Store.InboxMissing(o.Soon(), inbox, soon.AddDate(0, 0, day-11)); err != nil {
				t.Fatal(err)
			}
			if n := due(); (n == 1) != (i == 5) {
				t.Errorf("after %d notices %d people are due to be looked at", i+1, n)
			}
		}
	})
}

func TestF108ASilentServerRestsAndItsDeliveriesArriveWhenItIsBack(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.Server("steiger")
		reader := steiger.Person("reader")
		o.AddFollower(reader)
		o.SetBehaviour(steiger, fedtest.Closed())
		var articles []blog.Article
		for n := range 5 {
			articles = append(articles, o.PublishNumbered(n))
		}
		o.WaitBackoff(articles[0], steiger, 40*time.Second, 73*time.Second)
		tried := 0
		for _, a := range articles {
			tried += o.DeliveryRows(a)[steiger.Host].Attempts
		}
		if tried != 1 {
			t.Errorf("one round cost %d attempts", tried)
		}
		o.SetBehaviour(steiger, fedtest.Healthy())
		if _, err := reader.Like(o.Soon(), o.Object(articles[0])); err != nil {
			t.Fatal(err)
		}
		for _, a := range articles {
			if _, err := steiger.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
				t.Fatal(err)
			}
		}
		if got := overkant.DeliveredTitles(steiger, "Create"); !slices.IsSorted(got) {
			t.Errorf("they arrived as %v", got)
		}
	})
}

func TestF111OneDeliveryAtATimeForEachServer(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		dijla := o.Server("dijla", fedtest.GoToSocial) // an inbox for each of its people
		for n := range 6 {
			o.AddFollower(dijla.Person(fmt.Sprint("reader", n)))
		}
		const pace = 150 * time.Millisecond
		o.SetBehaviour(dijla, fedtest.Slow(pace))
		a := o.Publish()
		if err := o.World.WaitForCount(o.Soon(), 6, fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		deliveries := slices.DeleteFunc(dijla.Deliveries(), func(l fedtest.Delivery) bool { return l.Type != "Create" })
		for i, l := range deliveries[1:] {
			// it came before the one before it was answered
			if gap := l.At.Sub(deliveries[i].At); gap < pace-5*time.Millisecond {
				t.Errorf("delivery %d came %v after the one before", i+2, gap)
			}
		}
	})
}

func TestT099ARetryAfterOutOfBoundsIsClamped(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		servers := o.AddReaders("veerhuis", "noordkade", "dijla")
		o.SetBehaviour(servers["veerhuis"], fedtest.RateLimiting(999999999*time.Second, 0))
		o.SetBehaviour(servers["noordkade"], fedtest.RateLimiting(-5*time.Second, 0))
		o.SetBehaviour(servers["dijla"], fedtest.RateLimiting(0, 0))
		a := o.Publish()
		o.WaitBackoff(a, servers["veerhuis"], 23*time.Hour, 24*time.Hour)
		o.WaitBackoff(a, servers["noordkade"], 40*time.Second, 73*time.Second)
		o.WaitBackoff(a, servers["dijla"], 40*time.Second, 73*time.Second)
	})
}

func TestT100AnyTwoHundredIsDeliveredAndNothingElseFollows(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		shop := o.AddRawServer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html><title>Shop</title><p>Welcome to our shop.")
		})
		a := o.Publish()
		host := strings.TrimPrefix(shop.URL, "http://")
		o.Until("it counts as delivered", func() bool { return o.DeliveryRows(a)[host].Status == blog.Delivered })
		if r := o.DeliveryRows(a)[host]; r.Code != 200 || r.Software != "" || !strings.Contains(r.Answer,
			"Welcome to our shop.") {
			t.Errorf("the report says %+v", r)
		}
		if counts := o.Counts(a); counts != (blog.Counts{}) {
			t.Errorf("it counts %+v", counts)
		}
	})
}

func TestT097ManyFollowersWithOneInboxAreOneDelivery(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		asked := make(chan string, 100)
		victim := o.AddRawServer(func(w http.ResponseWriter, r *http.Request) { asked <- r.URL.Path })
		host := strings.TrimPrefix(victim.URL, "http://")
		err := o.Store.InTx(o.Soon(), func(s *store.Store) error {
			for n := range 2000 {
				a := blog.Actor{ID: fmt.Sprintf("%s/minted/%d", victim.URL, n), Type: "Person", Host: host,
					Inbox: victim.URL + "/reader/inbox", FetchedAt: time.Now()}
				if err := o.StoreFollowIn(s, a); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("it is delivered", func() bool { return o.DeliveryRows(a)[host].Status == blog.Delivered })
		if n := len(asked); n != 1 {
			t.Errorf("%d requests were made for one article", n)
		}
	})
}

func TestT095TheWaitingFollowersOfAServerAreLimited(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		careful := o.Ilse
		careful.ApprovesFollowers = true
		if err := o.Store.SaveVoice(o.Soon(), careful); err != nil {
			t.Fatal(err)
		}
		veerhuis, noordkade := o.Server("veerhuis"), o.Server("noordkade")
		err := o.Store.InTx(o.Soon(), func(s *store.Store) error {
			for n := range 999 {
				a := blog.Actor{ID: fmt.Sprintf("%s/minted/%d", veerhuis.URL, n), Type: "Person", Host: veerhuis.Host,
					Inbox: veerhuis.URL + "/minted/inbox", FetchedAt: time.Now()}
				if err := s.SaveActor(t.Context(), a); err != nil {
					return err
				}
				if _, err := s.Follow(t.Context(), blog.Follower{VoiceID: o.Ilse.ID, ActorID: a.ID, FollowID: a.ID + "#f",
					State: blog.Pending, Since: time.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*fedtest.Person{veerhuis.Person("bram"), veerhuis.Person("joost"), noordkade.Person("nadia")} {
			if _, err := p.Follow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
				t.Fatal(err)
			}
		}
		o.Until("others are still heard", func() bool {
			n, err := o.Store.CountPending(o.Soon(), o.Ilse.ID, noordkade.Host)
			return err == nil && n == 1
		})
		if n, err := o.Store.CountPending(o.Soon(), o.Ilse.ID, veerhuis.Host); err != nil || n != 1000 {
			t.Errorf("%d of one server wait, %v; want 1,000", n, err)
		}
	})
}

func TestAServerThatRefusedALongDeliveryGetsLaterOnesShorter(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.Server("steiger")
		o.AddFollower(steiger.Person("reader"))
		o.SetBehaviour(steiger, fedtest.Refusing(http.StatusRequestEntityTooLarge))
		long := func(a *blog.Article) { a.HTML = "<p>" + strings.Repeat("The ferry comes. ", 5000) + "</p>" }
		a := o.Publish(long, func(a *blog.Article) { a.Slug = "long" })
		o.Until("it is refused", func() bool { return o.DeliveryRows(a)[steiger.Host].Status == blog.Refused })
		o.SetBehaviour(steiger, fedtest.Healthy())
		before := len(steiger.Deliveries())
		again := o.Publish(long, func(a *blog.Article) { a.Slug = "longer" })
		short := o.Publish()
		for _, b := range []blog.Article{again, short} {
			o.Until("it is delivered", func() bool { return o.DeliveryRows(b)[steiger.Host].Status == blog.Delivered })
		}
		deliveries := steiger.Deliveries()[before:]
		if len(deliveries) != 2 {
			t.Fatalf("%d deliveries came", len(deliveries))
		}
		object, whole := deliveries[0].JSON()["object"].(map[string]any)
		if !whole || object["content"] == nil || object["contentMap"] != nil {
			t.Errorf("a long one came as %.200s", deliveries[0].Body)
		}
		if object, whole := deliveries[1].JSON()["object"].(map[string]any); !whole || object["contentMap"] == nil {
			t.Errorf("a short one came as %.200s", deliveries[1].Body)
		}
	})
}

func TestT098SilentServersDelayNobodyElse(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.World.Close()
		o.World = fedtest.New(fedtest.Config{KeyPool: 8, SharedCache: true})
		healthy, err := o.World.AddServers(20, fedtest.Mastodon)
		if err != nil {
			t.Fatal(err)
		}
		silent, err := o.World.AddServers(200, fedtest.Mastodon)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range append(slices.Clone(healthy), silent...) {
			p := s.Person("reader")
			o.StoreFollowingActor(blog.Actor{ID: p.ID, Type: "Person", Host: s.Host, Inbox: p.Inbox(), SharedInbox: s.URL +
				"/inbox",
				FetchedAt: time.Now()})
		}
		spread := func(n int) time.Duration {
			began := time.Now()
			a := o.PublishNumbered(n)
			for _, s := range healthy {
				if _, err := s.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		spread(0) // connections are open from here on
		o.Until("all have it", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
		alone := spread(1)
		for _, s := range silent {
			o.SetBehaviour(s, fedtest.Hanging())
		}
		if among := spread(2); among > 2*alone+500*time.Millisecond {
			t.Errorf("the healthy ones had an article after %v, and among silent ones after %v", alone, among)
		}
	})
}

func TestT116AnArrivalThatAlwaysFailsIsSetAsideAndBlocksNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		poison := blog.Arrival{ID: blog.NewID(time.Now()), Host: bram.Server.Host, ActivityID: bram.ID + "#poison",
			Signer: bram.ID, Body: []byte(`{"type":`), At: time.Now()}
		if err := o.Store.AddArrival(o.Soon(), poison); err != nil {
			t.Fatal(err)
		}
		o.Until("it was tried", func() bool {
			due, err := o.Store.Arrivals(o.Soon(), bram.Server.Host, time.Now().Add(2*time.Minute), 10)
			return err == nil && len(due) == 1 && due[0].Attempts == 1
		})
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>I come after it.</p>"); err != nil {
			t.Fatal(err)
		}
		o.Until("what came after it stands there", func() bool { return o.CommentTexts(a) == "I come after it." })
		for range 20 { // as if it had failed at each of its later moments, too
			if err := o.Store.CountAttempt(o.Soon(), poison.ID, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bram.Like(o.Soon(), o.Object(a)); err != nil { // wakes whoever works through arrivals
			t.Fatal(err)
		}
		o.Until("it is set aside", func() bool {
			arrivals, _, err := o.Store.CountWaiting(o.Soon())
			return err == nil &&
				arrivals == 0
		})
	})
}
