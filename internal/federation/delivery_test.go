package federation_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

// be changes a server's mood.
func (o *overkant) be(s *neighbour.Server, m neighbour.Mood) {
	o.t.Helper()
	if err := s.Be(m); err != nil {
		o.t.Fatal(err)
	}
}

// rests waits until a server rests for a time between two bounds.
func (o *overkant) rests(a blog.Article, s *neighbour.Server, least, most time.Duration) {
	o.t.Helper()
	o.until(fmt.Sprintf("%s rests for %v to %v", s.Name, least, most), func() bool {
		wait := time.Until(o.report(a)[s.Host].NextAt)
		return wait > least && wait < most
	})
}

func TestF105OneLetterForEachSharedInboxAndADirectAnswerToThePersonalOne(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.befriend(bram)
		o.befriend(veerhuis.Person("nadia"))
		a := o.publish()
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		o.quietly(a)
		letters := slices.DeleteFunc(veerhuis.Letters(), func(l neighbour.Letter) bool { return l.Type != "Create" })
		if len(letters) != 1 || letters[0].Inbox != "/inbox" {
			t.Errorf("%d letters came, the first to %s", len(letters), letters[0].Inbox)
		}
		if _, err := bram.Reply(o.soon(), o.object(a), "<p>Between us?</p>", neighbour.Direct(), neighbour.Mention(o.site.ActorID(o.ilse.ID))); err != nil {
			t.Fatal(err)
		}
		private, err := o.store.Comments(o.soon(), store.CommentList{Private: true})
		if err != nil || len(private) != 1 {
			t.Fatalf("%d private words, %v", len(private), err)
		}
		answer, err := o.outbox.Reply(o.soon(), o.ilse, private[0].ID, "Between us.")
		if err != nil {
			t.Fatal(err)
		}
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", answer.Address))
		if err != nil || letter.Inbox != strings.TrimPrefix(bram.Inbox(), veerhuis.URL) {
			t.Errorf("the direct answer came to %s, %v", letter.Inbox, err)
		}
	})
}

func TestF106WhatMayPassIsTriedAgainOnScheduleOrWhenTheServerSays(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		moods := map[string]struct {
			mood        neighbour.Mood
			least, most time.Duration
		}{
			"veerhuis":  {neighbour.Refusing(503), 40 * time.Second, 73 * time.Second},
			"noordkade": {neighbour.Hanging(), 40 * time.Second, 73 * time.Second},
			"dijla":     {neighbour.TooMany(10*time.Minute, 0), 9 * time.Minute, 601 * time.Second},
			"steiger":   {neighbour.TooManyUntil(time.Now().Add(20*time.Minute), 0), 18 * time.Minute, 20 * time.Minute},
		}
		servers := o.readers("veerhuis", "noordkade", "dijla", "steiger")
		for name, m := range moods {
			o.be(servers[name], m.mood)
		}
		a := o.publish()
		for name, m := range moods {
			if name != "noordkade" { // that one is silent for ten seconds first
				o.rests(a, servers[name], m.least, m.most)
			}
		}
		time.Sleep(4 * time.Second)
		o.until("the silent one was given ten seconds", func() bool { return o.report(a)[servers["noordkade"].Host].Attempts == 1 })
		o.rests(a, servers["noordkade"], moods["noordkade"].least, moods["noordkade"].most)
		for name, r := range o.report(a) {
			if r.Status != blog.Retrying || r.Attempts != 1 {
				t.Errorf("%s: %s after %d attempts", name, r.Status, r.Attempts)
			}
		}
	})
}

func TestF107WhatIsRefusedIsNotTriedAgainAndADeadPersonalInboxTakesItsFollowerAlong(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		servers := o.readers("veerhuis", "noordkade")
		dijla := o.server("dijla", neighbour.GoToSocial) // without a shared inbox
		o.befriend(dijla.Person("samir"))
		o.be(servers["veerhuis"], neighbour.Refusing(404))
		o.be(servers["noordkade"], neighbour.Refusing(403))
		o.be(dijla, neighbour.Refusing(410))
		a := o.publish()
		o.until("all are settled", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
		report := o.report(a)
		for s, want := range map[*neighbour.Server]blog.DeliveryStatus{servers["veerhuis"]: blog.Refused, servers["noordkade"]: blog.Refused, dijla: blog.GoneAway} {
			if report[s.Host].Status != want {
				t.Errorf("%s: %s, want %s", s.Name, report[s.Host].Status, want)
			}
		}
		o.until("samir is no follower any more", func() bool {
			n, err := o.store.CountFollowers(o.soon(), o.ilse.ID)
			return err == nil && n.Accepted == 2
		})
	})
}

func TestAnInboxThatIsMissingForThreeDaysLetsItsPeopleBeLookedAt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram)
		soon := time.Now().Add(time.Hour)
		due := func() int {
			t.Helper()
			list, err := o.store.DueActors(o.soon(), soon, 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if err := o.store.RefreshAt(o.soon(), bram.ID, soon.Add(100*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		inbox := bram.Server.URL + "/inbox"
		for i, day := range []int{0, 0, 1, 9, 10, 11} { // twice on one day is once, and a week without one begins anew
			if err := o.store.InboxMissing(o.soon(), inbox, soon.AddDate(0, 0, day-11)); err != nil {
				t.Fatal(err)
			}
			if n := due(); (n == 1) != (i == 5) {
				t.Errorf("after %d notices %d people are due to be looked at", i+1, n)
			}
		}
	})
}

func TestF108ASilentServerRestsAndItsLettersArriveWithItsFirstWord(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.server("steiger")
		reader := steiger.Person("reader")
		o.befriend(reader)
		o.be(steiger, neighbour.Closed())
		var articles []blog.Article
		for n := range 5 {
			articles = append(articles, o.column(n))
		}
		o.rests(articles[0], steiger, 40*time.Second, 73*time.Second)
		tried := 0
		for _, a := range articles {
			tried += o.report(a)[steiger.Host].Attempts
		}
		if tried != 1 {
			t.Errorf("one round cost %d attempts", tried)
		}
		o.be(steiger, neighbour.Healthy())
		if _, err := reader.Like(o.soon(), o.object(articles[0])); err != nil {
			t.Fatal(err)
		}
		for _, a := range articles {
			if _, err := steiger.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
				t.Fatal(err)
			}
		}
		if got := told(steiger, "Create"); !slices.IsSorted(got) {
			t.Errorf("they arrived as %v", got)
		}
	})
}

func TestF111OneLetterAtATimeForEachServer(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		dijla := o.server("dijla", neighbour.GoToSocial) // an inbox for each of its people
		for n := range 6 {
			o.befriend(dijla.Person(fmt.Sprint("reader", n)))
		}
		const pace = 150 * time.Millisecond
		o.be(dijla, neighbour.Slow(pace))
		a := o.publish()
		if err := o.world.Wait(o.soon(), 6, neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		letters := slices.DeleteFunc(dijla.Letters(), func(l neighbour.Letter) bool { return l.Type != "Create" })
		for i, l := range letters[1:] {
			if gap := l.At.Sub(letters[i].At); gap < pace-5*time.Millisecond { // it came before the one before it was answered
				t.Errorf("letter %d came %v after the one before", i+2, gap)
			}
		}
	})
}

func TestT099ARetryAfterOutOfBoundsIsClamped(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		servers := o.readers("veerhuis", "noordkade", "dijla")
		o.be(servers["veerhuis"], neighbour.TooMany(999999999*time.Second, 0))
		o.be(servers["noordkade"], neighbour.TooMany(-5*time.Second, 0))
		o.be(servers["dijla"], neighbour.TooMany(0, 0))
		a := o.publish()
		o.rests(a, servers["veerhuis"], 23*time.Hour, 24*time.Hour)
		o.rests(a, servers["noordkade"], 40*time.Second, 73*time.Second)
		o.rests(a, servers["dijla"], 40*time.Second, 73*time.Second)
	})
}

// stranger is a server that answers everything in one way, with a follower whose inboxes lie there.
func (o *overkant) stranger(answer http.HandlerFunc) *httptest.Server {
	o.t.Helper()
	server := httptest.NewServer(answer)
	o.t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	o.follower(blog.Actor{ID: server.URL + "/reader", Type: "Person", Host: host, Inbox: server.URL + "/reader/inbox", FetchedAt: time.Now()})
	return server
}

// follower writes a follower of Ilse's down.
func (o *overkant) follower(a blog.Actor) {
	o.t.Helper()
	if err := o.followIn(o.store, a); err != nil {
		o.t.Fatal(err)
	}
}

func (o *overkant) followIn(s *store.Store, a blog.Actor) error {
	if err := s.SaveActor(o.t.Context(), a); err != nil {
		return err
	}
	_, err := s.Follow(o.t.Context(), blog.Follower{VoiceID: o.ilse.ID, ActorID: a.ID, FollowID: a.ID + "#f", State: blog.Accepted, Since: time.Now()})
	return err
}

func TestT100AnyTwoHundredIsDeliveredAndNothingElseFollows(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		shop := o.stranger(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html><title>Shop</title><p>Welcome to our shop.")
		})
		a := o.publish()
		host := strings.TrimPrefix(shop.URL, "http://")
		o.until("it counts as delivered", func() bool { return o.report(a)[host].Status == blog.Delivered })
		if r := o.report(a)[host]; r.Code != 200 || r.Software != "" || !strings.Contains(r.Answer, "Welcome to our shop.") {
			t.Errorf("the report says %+v", r)
		}
		if counts := o.counts(a); counts != (blog.Counts{}) {
			t.Errorf("it counts %+v", counts)
		}
	})
}

func TestT097ManyFollowersWithOneInboxAreOneLetter(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		asked := make(chan string, 100)
		victim := o.stranger(func(w http.ResponseWriter, r *http.Request) { asked <- r.URL.Path })
		host := strings.TrimPrefix(victim.URL, "http://")
		err := o.store.InTx(o.soon(), func(s *store.Store) error {
			for n := range 2000 {
				a := blog.Actor{ID: fmt.Sprintf("%s/minted/%d", victim.URL, n), Type: "Person", Host: host, Inbox: victim.URL + "/reader/inbox", FetchedAt: time.Now()}
				if err := o.followIn(s, a); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		o.until("it is delivered", func() bool { return o.report(a)[host].Status == blog.Delivered })
		if n := len(asked); n != 1 {
			t.Errorf("%d requests were made for one article", n)
		}
	})
}

func TestT095AServerMayLetOnlySoManyFollowersWait(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		careful := o.ilse
		careful.ApprovesFollowers = true
		if err := o.store.SaveVoice(o.soon(), careful); err != nil {
			t.Fatal(err)
		}
		veerhuis, noordkade := o.server("veerhuis"), o.server("noordkade")
		err := o.store.InTx(o.soon(), func(s *store.Store) error {
			for n := range 999 {
				a := blog.Actor{ID: fmt.Sprintf("%s/minted/%d", veerhuis.URL, n), Type: "Person", Host: veerhuis.Host, Inbox: veerhuis.URL + "/minted/inbox", FetchedAt: time.Now()}
				if err := s.SaveActor(t.Context(), a); err != nil {
					return err
				}
				if _, err := s.Follow(t.Context(), blog.Follower{VoiceID: o.ilse.ID, ActorID: a.ID, FollowID: a.ID + "#f", State: blog.Pending, Since: time.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*neighbour.Person{veerhuis.Person("bram"), veerhuis.Person("joost"), noordkade.Person("nadia")} {
			if _, err := p.Follow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
				t.Fatal(err)
			}
		}
		o.until("others are still heard", func() bool {
			n, err := o.store.CountPending(o.soon(), o.ilse.ID, noordkade.Host)
			return err == nil && n == 1
		})
		if n, err := o.store.CountPending(o.soon(), o.ilse.ID, veerhuis.Host); err != nil || n != 1000 {
			t.Errorf("%d of one server wait, %v; want 1,000", n, err)
		}
	})
}

func TestAServerThatRefusedALongLetterGetsLaterOnesShorter(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.server("steiger")
		o.befriend(steiger.Person("reader"))
		o.be(steiger, neighbour.Refusing(http.StatusRequestEntityTooLarge))
		long := func(a *blog.Article) { a.HTML = "<p>" + strings.Repeat("The ferry comes. ", 5000) + "</p>" }
		a := o.publish(long, func(a *blog.Article) { a.Slug = "long" })
		o.until("it is refused", func() bool { return o.report(a)[steiger.Host].Status == blog.Refused })
		o.be(steiger, neighbour.Healthy())
		before := len(steiger.Letters())
		again := o.publish(long, func(a *blog.Article) { a.Slug = "longer" })
		short := o.publish()
		for _, b := range []blog.Article{again, short} {
			o.until("it is delivered", func() bool { return o.report(b)[steiger.Host].Status == blog.Delivered })
		}
		letters := steiger.Letters()[before:]
		if len(letters) != 2 {
			t.Fatalf("%d letters came", len(letters))
		}
		object, whole := letters[0].JSON()["object"].(map[string]any)
		if !whole || object["content"] == nil || object["contentMap"] != nil {
			t.Errorf("a long one came as %.200s", letters[0].Body)
		}
		if object, whole := letters[1].JSON()["object"].(map[string]any); !whole || object["contentMap"] == nil {
			t.Errorf("a short one came as %.200s", letters[1].Body)
		}
	})
}

func TestT098SilentServersDelayNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.world.Close()
		o.world = neighbour.New(neighbour.Config{KeyPool: 8, SharedMemory: true})
		healthy, err := o.world.Servers(20, neighbour.Mastodon)
		if err != nil {
			t.Fatal(err)
		}
		silent, err := o.world.Servers(200, neighbour.Mastodon)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range append(slices.Clone(healthy), silent...) {
			p := s.Person("reader")
			o.follower(blog.Actor{ID: p.ID, Type: "Person", Host: s.Host, Inbox: p.Inbox(), SharedInbox: s.URL + "/inbox", FetchedAt: time.Now()})
		}
		spread := func(n int) time.Duration {
			began := time.Now()
			a := o.column(n)
			for _, s := range healthy {
				if _, err := s.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		spread(0) // connections are open from here on
		o.until("all have it", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
		alone := spread(1)
		for _, s := range silent {
			o.be(s, neighbour.Hanging())
		}
		if among := spread(2); among > 2*alone+500*time.Millisecond {
			t.Errorf("the healthy ones had an article after %v, and among silent ones after %v", alone, among)
		}
	})
}

func TestT116AnArrivalThatAlwaysFailsIsSetAsideAndBlocksNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		poison := blog.Arrival{ID: blog.NewID(time.Now()), Host: bram.Server.Host, ActivityID: bram.ID + "#poison", Signer: bram.ID, Body: []byte(`{"type":`), At: time.Now()}
		if err := o.store.Hear(o.soon(), poison); err != nil {
			t.Fatal(err)
		}
		o.until("it was tried", func() bool {
			due, err := o.store.Arrivals(o.soon(), bram.Server.Host, time.Now().Add(2*time.Minute), 10)
			return err == nil && len(due) == 1 && due[0].Attempts == 1
		})
		if _, err := bram.Reply(o.soon(), o.object(a), "<p>I come after it.</p>"); err != nil {
			t.Fatal(err)
		}
		o.until("what came after it stands there", func() bool { return o.texts(a) == "I come after it." })
		for range 20 { // as if it had failed at each of its later moments, too
			if err := o.store.Try(o.soon(), poison.ID, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bram.Like(o.soon(), o.object(a)); err != nil { // wakes whoever works through arrivals
			t.Fatal(err)
		}
		o.until("it is set aside", func() bool { arrivals, _, err := o.store.CountWaiting(o.soon()); return err == nil && arrivals == 0 })
	})
}
