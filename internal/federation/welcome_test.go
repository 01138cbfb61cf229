package federation_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
)

// welcome lets time pass for the chore that welcomes servers, a second at a time, with the letters of each second brought.
func (o *overkant) welcome(from, to time.Duration) {
	o.t.Helper()
	began := time.Now()
	for at := from; at < to; at += time.Second {
		late := o.base
		late.Now = func() time.Time { return began.Add(at) }
		if err := (&federation.Outbox{Base: late, Wake: o.courier.Wake}).WelcomeDue(o.soon()); err != nil {
			o.t.Fatal(err)
		}
		o.until("the letters of this second are brought", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
	}
}

// told are the titles that a server was brought by letters of a type, in their order.
func told(s *neighbour.Server, kind string) (titles []string) {
	for _, l := range s.Received(kind) {
		object, _ := l.JSON()["object"].(map[string]any)
		titles = append(titles, fmt.Sprint(object["name"]))
	}
	return titles
}

// column publishes a numbered article.
func (o *overkant) column(n int, change ...func(*blog.Article)) blog.Article {
	o.t.Helper()
	return o.publish(append([]func(*blog.Article){func(a *blog.Article) { a.Title, a.Slug = fmt.Sprint("Column ", n), fmt.Sprint("column-", n) }}, change...)...)
}

func TestTheFirstFollowerFromAServerBringsItTheLastTenArticlesOnce(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		var columns []blog.Article
		for n := range 12 {
			columns = append(columns, o.column(n))
		}
		for i, visibility := range []blog.Visibility{blog.Unlisted, blog.Followers, blog.Local} {
			o.column(20+i, func(a *blog.Article) { a.Visibility = visibility })
		}
		o.edit(columns[5], "Column 5, mended")
		if err := o.outbox.Withdraw(o.soon(), columns[7].ID); err != nil {
			t.Fatal(err)
		}
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		o.welcome(0, 5*time.Second)
		if got := told(veerhuis, "Create"); len(got) != 0 {
			t.Errorf("in the first seconds it was brought %v", got)
		}
		o.welcome(5*time.Second, 14*time.Second)
		if got := told(veerhuis, "Create"); len(got) != 2 {
			t.Errorf("after a quarter of a minute it has %v, want a letter every five seconds", got)
		}
		fresh := o.column(30) // goes to everybody at once
		o.welcome(14*time.Second, 70*time.Second)
		want := []string{"Column 1", "Column 2", "Column 30", "Column 3", "Column 4", "Column 5, mended", "Column 6", "Column 8", "Column 9", "Column 10", "Column 11"}
		if got := told(veerhuis, "Create"); !slices.Equal(got, want) {
			t.Errorf("it was brought %q, want %q", got, want)
		}
		for _, l := range veerhuis.Received("Create") {
			if l.Object != o.object(columns[5]) {
				continue
			}
			said, err := o.store.Created(o.soon(), columns[5].ObjectID)
			object, _ := l.JSON()["object"].(map[string]any)
			if err != nil || l.ID != o.site.ActivityID(said.ID) || object["published"] != columns[5].PublishedAt.Format(time.RFC3339) || object["updated"] == nil {
				t.Errorf("the mended one came as %s, published %v, updated %v, %v", l.ID, object["published"], object["updated"], err)
			}
		}
		o.befriend(veerhuis.Person("nadia"))
		if _, err := veerhuis.Person("bram").Unfollow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.Person("nadia").Unfollow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.befriend(veerhuis.Person("joost"))
		o.welcome(70*time.Second, 90*time.Second)
		if got := told(veerhuis, "Create"); len(got) != len(want) {
			t.Errorf("later followers brought it %v", got[len(want):])
		}
		edited := o.edit(fresh, "Column 30, mended") // and what came by welcome is held like anything else
		o.edit(columns[4], "Column 4, mended")
		if err := o.world.Wait(o.soon(), 2, neighbour.OfType("Update")); err != nil {
			t.Errorf("edits of %s and of what came before: %v", edited.Title, err)
		}
	})
}

func TestAnUnfollowStopsTheWelcome(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		for n := range 4 {
			o.column(n)
		}
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.befriend(bram)
		o.welcome(0, 7*time.Second)
		if _, err := bram.Unfollow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.welcome(7*time.Second, 40*time.Second)
		if got := told(veerhuis, "Create"); len(got) != 1 {
			t.Errorf("it was brought %v, want what came before the unfollow", got)
		}
	})
}

func TestAWelcomeStaysBehindTheAcceptAndBringsNothingTwice(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		first, second := o.column(1), o.column(2)
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		if _, err := bram.Like(o.soon(), o.object(first)); err != nil { // so that an edit reaches it before anybody follows
			t.Fatal(err)
		}
		o.edit(first, "Column 1, mended")
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Update", o.object(first))); err != nil {
			t.Fatal(err)
		}
		o.until("that is settled", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
		if err := veerhuis.Be(neighbour.FailThenWell(1, 503)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Follow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.until("the accept was tried in vain", func() bool { silent, err := o.store.SilentPeers(o.soon()); return err == nil && len(silent) == 1 })
		late := o.base
		late.Now = func() time.Time { return time.Now().Add(time.Hour) }
		outbox := &federation.Outbox{Base: late, Wake: o.courier.Wake}
		if err := outbox.WelcomeDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		if _, letters, err := o.store.CountWaiting(o.soon()); err != nil || letters != 1 {
			t.Errorf("%d letters wait beside the accept, %v", letters-1, err)
		}
		o.freeUp(veerhuis.Host)
		if err := bram.WaitAccepted(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.until("the accept is settled", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
		o.welcome(time.Hour, time.Hour+20*time.Second)
		if got := told(veerhuis, "Create"); !slices.Equal(got, []string{second.Title}) {
			t.Errorf("it was brought %v, want only what it has not", got)
		}
	})
}

// freeUp ends the rest of a server as its first word to us would.
func (o *overkant) freeUp(host string) {
	o.t.Helper()
	if err := o.store.HeardFrom(o.soon(), host, time.Now()); err != nil {
		o.t.Fatal(err)
	}
	o.courier.Wake()
}
