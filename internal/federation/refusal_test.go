package federation_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// followedBy lets somebody who is known here follow a voice.
func (o *overkant) followedBy(voice blog.ID, p *neighbour.Person) {
	o.t.Helper()
	f := blog.Follower{VoiceID: voice, ActorID: p.ID, FollowID: p.ID + "#follow-" + string(voice), State: blog.Accepted, Since: time.Now()}
	if _, err := o.store.Follow(o.soon(), f); err != nil {
		o.t.Fatal(err)
	}
}

// by makes an article somebody else's.
func by(voice blog.Voice, slug string) func(*blog.Article) {
	return func(a *blog.Article) { a.VoiceID, a.Slug, a.Title = voice.ID, slug, slug }
}

// tried waits until the first letter about an article was tried at each of some servers.
func (o *overkant) tried(a blog.Article, servers map[string]*neighbour.Server) {
	o.t.Helper()
	for name, s := range servers {
		o.until(name+" was tried", func() bool { return o.report(a)[s.Host].Attempts > 0 })
	}
}

func TestNoAnswerToOneAuthorStopsWhatOthersSend(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		tobias := o.addVoice("tobias", "Tobias Renkema")
		about := o.site.ActorID(tobias.ID)
		moods := map[string]neighbour.Mood{"garbage": neighbour.Garbling(about)}
		for _, status := range []int{301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 415, 418, 422, 425, 451, 500, 501, 505, 507, 520} {
			moods[fmt.Sprint(status)] = neighbour.Barring(about, status)
		}
		servers := map[string]*neighbour.Server{}
		for name := range moods {
			servers[name] = o.server("says" + name)
			reader := servers[name].Person("reader")
			o.befriend(reader)
			o.followedBy(tobias.ID, reader)
			o.be(servers[name], moods[name])
		}
		arrives := func(slug string) {
			t.Helper()
			a := o.publish(by(o.ilse, slug))
			for name, s := range servers {
				o.until(fmt.Sprintf("%q is at the server that answers %s to somebody else", slug, name), func() bool {
					r := o.report(a)[s.Host]
					return r.Status == blog.Delivered && r.Attempts == 1
				})
			}
		}
		refused := o.publish(by(tobias, "refused"))
		o.tried(refused, servers)
		arrives("one")
		o.edit(refused, "Refused again")
		second := o.publish(by(tobias, "second"))
		arrives("two")
		for round := range 5 { // as often as a letter may fail before it steps aside, and once more
			for _, a := range []blog.Article{refused, second} {
				if _, err := o.outbox.Retry(o.soon(), a.ID, ""); err != nil {
					t.Fatal(err)
				}
			}
			arrives(fmt.Sprint("again-", round))
		}
		if silent, err := o.store.SilentPeers(o.soon()); err != nil || len(silent) != 0 {
			t.Errorf("servers that answer are called silent: %+v, %v", silent, err)
		}
	})
}

func TestAServerThatAsksForPatienceIsObeyedForAllAuthors(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		tobias := o.addVoice("tobias", "Tobias Renkema")
		dijla := o.server("dijla")
		reader := dijla.Person("samir")
		o.befriend(reader)
		o.followedBy(tobias.ID, reader)
		o.be(dijla, neighbour.TooMany(10*time.Minute, 0))
		first := o.publish(by(tobias, "first"))
		o.until("it was tried", func() bool { return o.report(first)[dijla.Host].Attempts == 1 })
		o.rests(first, dijla, 9*time.Minute, 601*time.Second)
		a := o.publish(by(o.ilse, "later"))
		time.Sleep(300 * time.Millisecond)
		if r := o.report(a)[dijla.Host]; r.Attempts != 0 || !r.Patient() {
			t.Errorf("another author's letter: %+v", r)
		}
	})
}

func TestWhatStandsBehindARefusedLetterKeepsItsOrder(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.readers("steiger")["steiger"]
		o.be(steiger, neighbour.RefusingSignatures())
		a := o.publish()
		o.until("it was tried", func() bool { return o.report(a)[steiger.Host].Attempts == 1 })
		o.edit(a, "Five minutes wide")
		after := o.publish(func(a *blog.Article) { a.Slug = "after" })
		time.Sleep(300 * time.Millisecond)
		if n := len(got(steiger, o.object(after))); n != 0 {
			t.Errorf("%d letters of an author whom the server refuses at the moment", n)
		}
		o.be(steiger, neighbour.Healthy())
		if _, err := o.outbox.Retry(o.soon(), after.ID, ""); err != nil {
			t.Fatal(err)
		}
		o.until("what was asked for is there, and what it held up", func() bool {
			reports := o.report(a)
			post, _ := steiger.Post(o.object(a))
			return o.report(after)[steiger.Host].Status == blog.Delivered && reports[steiger.Host].Status.Settled() && post.Title == "Five minutes wide"
		})
		kinds := slices.Compact(got(steiger, o.object(a)))
		if kinds[0] != "Create" || len(kinds) > 2 {
			t.Errorf("it was brought %v", kinds)
		}
	})
}

// A server that never met an author cannot believe that they left: the key is gone with the actor.
func TestADepartureThatAServerCannotBelieveIsSettledAndHoldsNobodyUp(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			each(t, func(t *testing.T, o *overkant) {
				tobias := o.addVoice("tobias", "Tobias Renkema")
				strict := o.server("strict")
				reader := strict.Person("reader")
				o.befriend(reader)
				o.be(strict, neighbour.Barring(o.site.ActorID(tobias.ID), status))
				if err := o.outbox.Leave(o.soon(), tobias.ID); err != nil {
					t.Fatal(err)
				}
				o.until("it is settled", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
				deletes := slices.DeleteFunc(strict.Letters(), func(l neighbour.Letter) bool { return l.Type != "Delete" })
				if len(deletes) == 0 {
					t.Fatal("it was not told")
				}
				if list, err := o.store.Refusals(o.soon()); err != nil || len(list) != 0 {
					t.Errorf("refusals: %+v, %v", list, err)
				}
				if n, err := o.store.EraseKeys(o.soon()); err != nil || n != 1 {
					t.Errorf("%d keys are erased, %v", n, err)
				}
				if _, err := strict.Person("kade").Follow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
					t.Fatal(err)
				}
				if err := strict.Person("kade").WaitAccepted(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
					t.Errorf("a new follower's yes: %v", err)
				}
			})
		})
	}
}

func TestALetterWithARefusedSignatureStepsAside(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.readers("steiger")["steiger"]
		o.be(steiger, neighbour.Barring("herring", http.StatusUnauthorized))
		stuck := o.publish(func(a *blog.Article) { a.Slug, a.Title = "herring", "Red herring" })
		o.until("try 1", func() bool { return o.report(stuck)[steiger.Host].Attempts == 1 })
		after := o.publish(func(a *blog.Article) { a.Slug = "after" })
		for attempt := 2; attempt <= 4; attempt++ {
			if _, err := o.outbox.Retry(o.soon(), stuck.ID, ""); err != nil {
				t.Fatal(err)
			}
			o.until(fmt.Sprintf("try %d", attempt), func() bool { return o.report(stuck)[steiger.Host].Attempts == attempt })
		}
		o.until("the next one arrives", func() bool { return o.report(after)[steiger.Host].Status == blog.Delivered })
		if r := o.report(stuck)[steiger.Host]; r.Status != blog.Refused || r.Code != http.StatusUnauthorized || r.Answer == "" {
			t.Errorf("what was refused is %+v", r)
		}
	})
}

func TestATryThatAPersonAsksForIsMadeAtOnceAndMakesNothingLater(t *testing.T) {
	for name, mood := range map[string]neighbour.Mood{"refusing": neighbour.RefusingSignatures(), "in trouble": neighbour.Refusing(http.StatusServiceUnavailable), "silent": neighbour.Closed()} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, o *overkant) {
				steiger := o.readers("steiger")["steiger"]
				o.be(steiger, mood)
				first := o.publish()
				o.until("it was tried", func() bool {
					r := o.report(first)[steiger.Host]
					return r.Attempts == 1 && time.Until(r.NextAt) < 2*time.Minute
				})
				asked := o.publish(func(a *blog.Article) { a.Slug = "asked" })
				time.Sleep(200 * time.Millisecond) // for the visit to end: its lease is later than the next try
				next := o.report(first)[steiger.Host].NextAt
				for n := range 4 {
					before := o.report(first)[steiger.Host].Attempts + o.report(asked)[steiger.Host].Attempts
					if _, err := o.outbox.Retry(o.soon(), asked.ID, steiger.Host); err != nil {
						t.Fatal(err)
					}
					o.until(fmt.Sprintf("try %d was made", n+1), func() bool {
						return o.report(first)[steiger.Host].Attempts+o.report(asked)[steiger.Host].Attempts > before
					})
					if name == "refusing" && o.report(asked)[steiger.Host].Attempts != n+1 {
						t.Errorf("something else was tried: %+v", o.report(asked)[steiger.Host])
					}
					o.until(fmt.Sprintf("after try %d the next one is no later than it was to be", n+1), func() bool {
						return !o.report(first)[steiger.Host].NextAt.After(next)
					})
				}
			})
		})
	}
}

func TestWhatAServerRefusesIsNamed(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.readers("steiger")["steiger"]
		o.be(steiger, neighbour.RefusingSignatures())
		first := o.publish()
		o.until("it was tried", func() bool { return o.report(first)[steiger.Host].Attempts == 1 })
		behind := o.publish(func(a *blog.Article) { a.Slug = "behind" })
		list, err := o.store.Refusals(o.soon())
		if err != nil || len(list) != 1 {
			t.Fatalf("refusals: %+v, %v", list, err)
		}
		r := list[0]
		if r.Host != steiger.Host || r.Voice != "ilse" || r.Code != 401 || r.Answer == "" || r.Kind != "Create" || r.Letters != 2 || time.Since(r.Since) > time.Minute {
			t.Errorf("it says %+v", r)
		}
		when := func(time.Time) string { return "today" }
		for _, c := range []struct {
			a    blog.Article
			want string
		}{{first, "Refusing since today: it answers 401 to what this author sends."}, {behind, "Refusing since today: it answers 401 to what this author sends. Its words: “"}} {
			reports, err := o.store.Reports(o.soon(), c.a.ID)
			if err != nil {
				t.Fatal(err)
			}
			standings := blog.Standings(reports)
			if words := standings[0].Words(when); !strings.Contains(words, c.want) {
				t.Errorf("the report says %q, want %q", words, c.want)
			}
			if words := blog.Summary(standings, when); !strings.Contains(words, "1 refuses at the moment.") {
				t.Errorf("the summary is %q", words)
			}
		}
		o.be(steiger, neighbour.Healthy())
		if _, err := o.outbox.Retry(o.soon(), first.ID, ""); err != nil {
			t.Fatal(err)
		}
		o.until("all is well", func() bool { return o.report(behind)[steiger.Host].Status == blog.Delivered })
		if list, err := o.store.Refusals(o.soon()); err != nil || len(list) != 0 {
			t.Errorf("afterwards: %+v, %v", list, err)
		}
	})
}

func TestARefusalEndsByItself(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.readers("steiger")["steiger"]
		o.be(steiger, neighbour.RefusingSignatures())
		a := o.publish()
		o.until("it was tried", func() bool { return o.report(a)[steiger.Host].Attempts == 1 })
		o.stop()
		o.until("nobody visits it", func() bool { return time.Until(o.report(a)[steiger.Host].NextAt) < 2*time.Minute })
		claim := func(in time.Duration) []store.Claim {
			claims, err := o.store.ClaimPeers(o.t.Context(), time.Now().Add(in), time.Minute, 10, false)
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
		if letters, err := o.store.WaitingFor(o.t.Context(), 10, steiger.Host); err != nil || len(letters) != 1 {
			t.Errorf("letters: %+v, %v", letters, err)
		}
	})
}

func TestALetterThatCannotBeWrittenHoldsNobodyElseUp(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		o := start(t, openStore(t, database))
		tobias := o.addVoice("tobias", "Tobias Renkema")
		steiger := o.server("steiger")
		reader := steiger.Person("reader")
		o.befriend(reader)
		o.followedBy(tobias.ID, reader)
		o.be(steiger, neighbour.RefusingSignatures())
		broken := o.publish(by(tobias, "broken"))
		o.until("it was tried", func() bool { return o.report(broken)[steiger.Host].Attempts == 1 })
		storetest.Change(t, database, `UPDATE deliveries SET revision = 99 WHERE settled_at IS NULL`) // of which there are no words
		o.be(steiger, neighbour.Healthy())
		if _, err := o.store.RetryLetters(o.soon(), broken.ID, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		o.until("it arrives", func() bool { return o.report(a)[steiger.Host].Status == blog.Delivered })
		o.until("what is broken was tried", func() bool { return o.report(broken)[steiger.Host].Attempts == 2 })
		if r := o.report(broken)[steiger.Host]; r.Status != blog.Retrying || !strings.Contains(r.Answer, "not sent") {
			t.Errorf("of the other it says %+v", r)
		}
	})
}
