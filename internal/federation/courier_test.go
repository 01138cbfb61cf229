package federation_test

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
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

// report is what the author sees of an article's letters, by server.
func (o *overkant) report(a blog.Article) map[string]blog.Report {
	o.t.Helper()
	reports, err := o.store.Reports(o.t.Context(), a.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	found := map[string]blog.Report{}
	for _, r := range reports {
		found[r.Host] = r
	}
	return found
}

func TestEachAnswerIsJudgedAndReported(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		moods := map[string]struct {
			mood neighbour.Mood
			want blog.DeliveryStatus
			code int
		}{
			"veerhuis":   {neighbour.Healthy(), blog.Delivered, 202},
			"noordkade":  {neighbour.FailThenWell(1, 500), blog.Retrying, 500},
			"dijla":      {neighbour.TooMany(90*time.Second, 1), blog.Retrying, 429},
			"oudelinde":  {neighbour.Gone(), blog.GoneAway, 410},
			"zilverduin": {neighbour.RefusingSignatures(), blog.Retrying, 401}, // Mastodon says so when it could not fetch our key
			"lagewal":    {neighbour.Refusing(403), blog.Refused, 403},
			"steiger":    {neighbour.Closed(), blog.Retrying, 0},
		}
		servers := map[string]*neighbour.Server{}
		for name := range moods {
			servers[name] = o.server(name)
			o.befriend(servers[name].Person("reader"))
		}
		for name, m := range moods {
			if err := servers[name].Be(m.mood); err != nil {
				t.Fatal(err)
			}
		}
		a := o.publish()
		o.until("every letter was tried", func() bool {
			for _, r := range o.report(a) {
				if r.Attempts == 0 {
					return false
				}
			}
			return true
		})
		for name, m := range moods {
			r := o.report(a)[servers[name].Host]
			if r.Status != m.want || r.Code != m.code || r.Followers != 1 || (m.want != blog.Delivered && r.Answer == "") {
				t.Errorf("%s: %+v, want %s %d with the reason", name, r, m.want, m.code)
			}
		}
		rests := func(name string, least, most time.Duration) {
			t.Helper()
			o.until(fmt.Sprintf("%s rests for %v to %v", name, least, most), func() bool {
				wait := time.Until(o.report(a)[servers[name].Host].NextAt)
				return wait > least && wait < most
			})
		}
		rests("dijla", 75*time.Second, 91*time.Second) // as it asked
		rests("steiger", 40*time.Second, 73*time.Second)
	})
}

func TestTheAuthorCanTryAgainAtOnce(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.server("steiger")
		o.befriend(steiger.Person("reader"))
		if err := steiger.Be(neighbour.Refusing(403)); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		o.until("it is refused", func() bool { return o.report(a)[steiger.Host].Status == blog.Refused })
		if err := steiger.Be(neighbour.Healthy()); err != nil {
			t.Fatal(err)
		}
		if n, err := o.outbox.Retry(o.soon(), a.ID, steiger.Host); err != nil || n != 1 {
			t.Fatalf("retry: %d, %v", n, err)
		}
		o.until("it is delivered", func() bool { return o.report(a)[steiger.Host].Status == blog.Delivered })
	})
}

func TestF112ALetterThatIsTooLargeIsBroughtOnceMoreByReference(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.server("steiger")
		o.befriend(steiger.Person("reader"))
		if err := steiger.Be(neighbour.Refusing(http.StatusRequestEntityTooLarge)); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		o.until("it is refused", func() bool { return o.report(a)[steiger.Host].Status == blog.Refused })
		letters := slices.DeleteFunc(steiger.Letters(), func(l neighbour.Letter) bool { return l.Type != "Create" })
		if len(letters) != 2 || letters[0].ID != letters[1].ID || letters[1].JSON()["object"] != o.object(a) {
			t.Fatalf("%d letters came, the last %s", len(letters), letters[len(letters)-1].Body)
		}
		if _, whole := letters[0].JSON()["object"].(map[string]any); !whole {
			t.Errorf("the first was %s", letters[0].Body)
		}
	})
}

func TestOurOwnTroubleIsNotTheServersSilence(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.befriend(bram)
		now := time.Now()
		tobias := blog.Author{Role: blog.Admin, Voice: blog.Voice{ID: blog.NewID(now), Kind: blog.AuthorVoice, Handle: "tobias", Name: "Tobias Renkema", CreatedAt: now, UpdatedAt: now}}
		if err := o.store.AddAuthor(o.soon(), tobias, store.VoiceKeys{RSA: "no key"}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.store.Follow(o.soon(), blog.Follower{VoiceID: tobias.ID, ActorID: bram.ID, FollowID: bram.ID + "#f", State: blog.Accepted, Since: now}); err != nil {
			t.Fatal(err)
		}
		broken := o.publish(func(a *blog.Article) { a.VoiceID, a.Slug = tobias.ID, "bindings" })
		o.until("it is refused, with the reason", func() bool {
			r := o.report(broken)[veerhuis.Host]
			return r.Status == blog.Refused && strings.Contains(r.Answer, "key")
		})
		a := o.publish()
		o.until("others' letters arrive", func() bool { return o.report(a)[veerhuis.Host].Status == blog.Delivered })
		if silent, err := o.store.SilentPeers(o.soon()); err != nil || len(silent) != 0 {
			t.Errorf("a server was called silent: %v, %v", silent, err)
		}
	})
}

func TestAServerThatSpeaksIsBelievedToBeBack(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.server("steiger")
		reader := steiger.Person("reader")
		o.befriend(reader)
		if err := steiger.Be(neighbour.Closed()); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		o.until("it was tried in vain", func() bool { return o.report(a)[steiger.Host].Attempts == 1 })
		o.until("it rests", func() bool { peers, err := o.store.SilentPeers(o.soon()); return err == nil && len(peers) == 1 })
		if err := steiger.Be(neighbour.Healthy()); err != nil {
			t.Fatal(err)
		}
		// A rest is ended when it is longer than any lease; after several failures it is.
		for i := range 3 {
			o.failAgain(steiger.Host, i)
		}
		if _, err := reader.Like(o.soon(), o.object(a)); err != nil {
			t.Fatal(err)
		}
		o.until("its letters arrive", func() bool { return o.report(a)[steiger.Host].Status == blog.Delivered })
	})
}

// failAgain lets a server's rest grow as further failures would.
func (o *overkant) failAgain(host string, n int) {
	o.t.Helper()
	now := time.Now()
	rest := time.Duration(n+1) * 9 * time.Hour
	claims, err := o.store.ClaimPeers(o.t.Context(), now.Add(rest), time.Minute-rest, 10, true)
	if err != nil || len(claims) != 1 || claims[0].Host != host {
		o.t.Fatalf("claim %s: %v, %v", host, claims, err)
	}
	if err := o.store.Release(o.t.Context(), claims[0], now.Add(rest), store.Silent, now); err != nil {
		o.t.Fatal(err)
	}
}

func TestF109LettersKeepTheirOrder(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.server("steiger")
		o.befriend(steiger.Person("reader"))
		if err := steiger.Be(neighbour.Slow(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		for i := range 3 {
			edited, err := o.store.Article(o.soon(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			edited.Title = fmt.Sprintf("Version %d", i+2)
			if err := o.outbox.Revise(o.soon(), &edited); err != nil {
				t.Fatal(err)
			}
		}
		o.until("the newest is shown", func() bool { post, _ := steiger.Post(o.object(a)); return post.Title == "Version 4" })
		var kinds []string
		for _, l := range steiger.Received("") {
			if l.Type == "Create" || l.Type == "Update" {
				kinds = append(kinds, l.Type)
			}
		}
		if kinds[0] != "Create" || len(kinds) > 3 {
			t.Errorf("letters came as %v, want the Create first and waiting edits replaced", kinds)
		}
	})
}

func TestAStoppedCourierHandsBackAndLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, steiger := o.server("veerhuis"), o.server("steiger")
		o.befriend(veerhuis.Person("bram"))
		o.befriend(steiger.Person("reader"))
		if err := steiger.Be(neighbour.Hanging()); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		o.until("the healthy one has it", func() bool { return o.report(a)[veerhuis.Host].Status == blog.Delivered })
		began := time.Now()
		o.stop()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("stopping took %v", took)
		}
		r := o.report(a)[steiger.Host]
		if r.Status != blog.Waiting || r.Attempts != 0 || time.Until(r.NextAt) > time.Second {
			t.Errorf("the letter that was on its way: %+v, want it waiting, uncounted and free", r)
		}
	})
}

func TestAScheduledArticleGoesOutAtItsTimeAndNotBefore(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		at := time.Now().Add(time.Hour).Truncate(time.Second)
		draft := o.draft()
		if _, err := o.outbox.Schedule(o.soon(), draft.ID, time.Now().Add(-time.Minute)); !errors.As(err, new(blog.Invalid)) {
			t.Errorf("scheduled in the past: %v, want Invalid", err)
		}
		a, err := o.outbox.Schedule(o.soon(), draft.ID, at)
		if err != nil {
			t.Fatal(err)
		}
		if code, _, _ := o.get(o.site.ArticlePath(a), "application/activity+json"); code != 404 {
			t.Errorf("before its time it answers %d", code)
		}
		if due, err := o.store.DueArticles(o.soon(), at.Add(-time.Second)); err != nil || len(due) != 0 {
			t.Errorf("due a second early: %v, %v", due, err)
		}
		late := o.base
		late.Now = func() time.Time { return at.Add(500 * time.Millisecond) }
		if err := o.runChores(late); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.OfType("Create")); err != nil {
			t.Fatal(err)
		}
		out, err := o.store.Article(o.soon(), draft.ID)
		if err != nil || out.PublishedAt == nil || !out.PublishedAt.Equal(at) {
			t.Errorf("published at %v, want %v, %v", out.PublishedAt, at, err)
		}
	})
}

// lines counts what is logged.
type lines struct{ n atomic.Int64 }

func (l *lines) Write(p []byte) (int, error) { l.n.Add(1); return len(p), nil }

func TestWhatCannotBePublishedDoesNotFillTheLog(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		at := time.Now().Add(time.Hour)
		planned, err := o.outbox.Schedule(o.soon(), o.draft(func(a *blog.Article) { a.Slug = "planned" }).ID, at)
		if err != nil {
			t.Fatal(err)
		}
		planned.Title = ""
		if err := o.store.SaveArticle(o.soon(), &planned, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.outbox.Schedule(o.soon(), o.draft(func(a *blog.Article) { a.Slug = "sound" }).ID, at.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		var logged lines
		late := o.base
		began := time.Now()
		late.Now = func() time.Time { return at.Add(time.Minute + time.Since(began)) }
		late.Log = slog.New(slog.NewTextHandler(&logged, nil))
		ctx, stop := context.WithTimeout(o.soon(), 3500*time.Millisecond)
		defer stop()
		chores := &federation.Chores{Base: late, Outbox: &federation.Outbox{Base: late, Wake: func() {}}}
		chores.Run(ctx)
		if due, err := o.store.DueArticles(o.soon(), late.Now()); err != nil || len(due) != 1 || due[0] != planned.ID {
			t.Errorf("still due: %v, %v; want only what cannot be published", due, err)
		}
		if n := logged.n.Load(); n != 1 {
			t.Errorf("%d lines were logged, want 1", n)
		}
	})
}

func TestRequestThatItsServerDoesNotKnowHoldsNothingUp(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		sluis := o.server("sluiswachter", neighbour.GoToSocial)
		wim := sluis.Person("wim")
		o.befriend(wim)
		note, err := wim.Post(o.soon(), "<p>The weir is loud tonight.</p>")
		if err != nil {
			t.Fatal(err)
		}
		o.publish(func(a *blog.Article) { a.Slug, a.Quoted.Address = "quoting", note.Object })
		after := o.publish(func(a *blog.Article) { a.Slug = "after" })
		if _, err := sluis.WaitFor(o.soon(), func(l neighbour.Letter) bool {
			return l.Type == "QuoteRequest" && l.Status == http.StatusInternalServerError
		}); err != nil {
			t.Fatalf("nobody was asked: %v", err)
		}
		if _, err := sluis.WaitFor(o.soon(), func(l neighbour.Letter) bool {
			return l.Accepted() && l.Type == "Create" && l.Object == o.object(after)
		}); err != nil {
			t.Errorf("the article after the quote does not arrive: %v", err)
		}
	})
}

func TestALetterThatBreaksItsServerAgainAndAgainHoldsNothingUp(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger, noordkade := o.server("steiger"), o.server("noordkade")
		o.befriend(steiger.Person("reader"))
		o.befriend(noordkade.Person("nadia"))
		o.be(steiger, neighbour.Choking("herring"))
		o.be(noordkade, neighbour.Refusing(http.StatusInternalServerError))
		heavy := o.publish(func(a *blog.Article) { a.Slug, a.Title = "herring", "Red herring" })
		var after blog.Article
		for attempt := 1; attempt <= 4; attempt++ {
			o.until(fmt.Sprintf("try %d", attempt), func() bool {
				r := o.report(heavy)
				return r[steiger.Host].Attempts == attempt && r[noordkade.Host].Attempts == attempt
			})
			if attempt == 1 {
				after = o.publish(func(a *blog.Article) { a.Slug = "after" })
			}
			if attempt < 4 {
				if got := o.report(after)[steiger.Host]; got.Attempts != 0 {
					t.Errorf("after %d tries another was brought first: %+v", attempt, got)
				}
				if _, err := o.store.RetryLetters(o.soon(), heavy.ID, "", time.Now()); err != nil {
					t.Fatal(err)
				}
				o.courier.Wake()
			}
		}
		o.until("the next one arrives where only the first cannot be borne", func() bool { return o.report(after)[steiger.Host].Status == blog.Delivered })
		if got := o.report(heavy)[steiger.Host]; got.Status != blog.Refused || got.Code != 500 {
			t.Errorf("what broke it is %s after %d", got.Status, got.Code)
		}
		o.until("the other server was asked about both", func() bool { return o.report(after)[noordkade.Host].Attempts == 1 })
		for _, a := range []blog.Article{heavy, after} {
			// Tries that a person asks for make nothing later: the rest is still that of the first failure.
			if got := o.report(a)[noordkade.Host]; got.Status != blog.Retrying || time.Until(got.NextAt) <= 0 || time.Until(got.NextAt) > 73*time.Second {
				t.Errorf("of a server in trouble of its own %s is %s until %v", a.Slug, got.Status, got.NextAt)
			}
		}
	})
}

func TestTheReportSaysWhatAServerRuns(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, zilverduin := o.server("veerhuis"), o.server("zilverduin")
		o.befriend(veerhuis.Person("bram"))
		o.befriend(zilverduin.Person("kade"))
		if err := zilverduin.Be(neighbour.Gone()); err != nil { // also to every question
			t.Fatal(err)
		}
		a := o.publish()
		unasked := func(in time.Duration) int {
			hosts, err := o.store.UnaskedPeers(o.soon(), time.Now().Add(in), 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(hosts)
		}
		o.until("both servers answered", func() bool { return unasked(0) == 2 })
		o.choresAt(0, "both were asked", func() bool { return unasked(0) == 0 })
		if bram, kade := o.report(a)[veerhuis.Host], o.report(a)[zilverduin.Host]; bram.Software != "mastodon 4.6.2" || kade.Software != "" {
			t.Errorf("Bram's server runs %q, and Kade's, which does not say, %q", bram.Software, kade.Software)
		}
		if soon, later := unasked(29*24*time.Hour), unasked(31*24*time.Hour); soon != 0 || later != 2 {
			t.Errorf("%d are asked again within a month, and %d after it", soon, later)
		}
	})
}
