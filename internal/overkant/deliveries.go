package overkant

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/store"
)

// DeliveryRows returns the deliveries of an article as its author sees them, by server.
func (o *Blog) DeliveryRows(a blog.Article) map[string]blog.DeliveryRow {
	o.T.Helper()
	reports, err := o.Store.DeliveryRows(o.T.Context(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	found := map[string]blog.DeliveryRow{}
	for _, r := range reports {
		found[r.Host] = r
	}
	return found
}

// GrowBackoff makes a server's back-off grow as n more failures would.
func (o *Blog) GrowBackoff(host string, n int) {
	o.T.Helper()
	now := time.Now()
	rest := time.Duration(n+1) * 9 * time.Hour
	// Claimed in the future, when the back-off of now has ended.
	claims, err := o.Store.ClaimPeers(o.T.Context(), now.Add(rest), time.Minute, 10, true)
	if err != nil || len(claims) != 1 || claims[0].Host != host {
		o.T.Fatalf("claim %s: %v, %v", host, claims, err)
	}
	if err := o.Store.Release(o.T.Context(), claims[0],
		store.VisitEnd{How: store.Silent, FreeAt: now.Add(rest)}, now); err != nil {
		o.T.Fatal(err)
	}
}

// SetBehaviour changes how a pretend server treats requests.
func (o *Blog) SetBehaviour(s *fedtest.Server, m fedtest.Behaviour) {
	o.T.Helper()
	if err := s.SetBehaviour(m); err != nil {
		o.T.Fatal(err)
	}
}

// WaitBackoff waits until the next attempt at a server is between least and most away.
func (o *Blog) WaitBackoff(a blog.Article, s *fedtest.Server, least, most time.Duration) {
	o.T.Helper()
	o.Until(fmt.Sprintf("%s rests for %v to %v", s.Name, least, most), func() bool {
		row := o.DeliveryRows(a)[s.Host]
		wait := time.Until(row.NextAt)
		return row.Attempts > 0 && wait > least && wait < most // without an attempt it is the lease of the visit
	})
}

// AddRawServer starts a server with the given handler and stores a follower of Ilse whose inbox is there.
func (o *Blog) AddRawServer(answer http.HandlerFunc) *httptest.Server {
	o.T.Helper()
	server := httptest.NewServer(answer)
	o.T.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	o.StoreFollowingActor(blog.Actor{ID: server.URL + "/reader", Type: "Person", Host: host,
		Inbox: server.URL + "/reader/inbox", FetchedAt: time.Now()})
	return server
}

// StoreFollowingActor stores an actor as a follower of Ilse.
func (o *Blog) StoreFollowingActor(a blog.Actor) {
	o.T.Helper()
	if err := o.StoreFollowIn(o.Store, a); err != nil {
		o.T.Fatal(err)
	}
}

// StoreFollowIn stores an actor and their follow of Ilse in another store, or in a transaction.
func (o *Blog) StoreFollowIn(s *store.Store, a blog.Actor) error {
	if err := s.SaveActor(o.T.Context(), a); err != nil {
		return err
	}
	_, err := s.Follow(o.T.Context(), blog.Follower{VoiceID: o.Ilse.ID, ActorID: a.ID, FollowID: a.ID + "#f",
		State: blog.Accepted, Since: time.Now()})
	return err
}

// StoreFollow stores a follow of a voice by a person whose actor is stored already.
func (o *Blog) StoreFollow(voice blog.ID, p *fedtest.Person) {
	o.T.Helper()
	f := blog.Follower{VoiceID: voice, ActorID: p.ID, FollowID: p.ID + "#follow-" + string(voice), State: blog.Accepted,
		Since: time.Now()}
	if _, err := o.Store.Follow(o.Soon(), f); err != nil {
		o.T.Fatal(err)
	}
}

// OwnedBy changes the owner and the slug of an article.
func OwnedBy(voice blog.Voice, slug string) func(*blog.Article) {
	return func(a *blog.Article) { a.VoiceID, a.Slug, a.Title = voice.ID, slug, slug }
}

// WaitTried waits until each server had a first attempt at the deliveries of an article.
func (o *Blog) WaitTried(a blog.Article, servers map[string]*fedtest.Server) {
	o.T.Helper()
	for name, s := range servers {
		o.Until(name+" was tried", func() bool { return o.DeliveryRows(a)[s.Host].Attempts > 0 })
	}
}

// PublishedCount numbers the articles of benchmarks, so that each has its own slug.
var PublishedCount int

// MeasureSpread publishes an article and returns how long it takes until that many servers have it.
func (o *Blog) MeasureSpread(b *testing.B, servers int) time.Duration {
	b.Helper()
	PublishedCount++
	// Outside the measured time.
	draft := o.Draft(func(a *blog.Article) { a.Slug = fmt.Sprintf("crossing-%d", PublishedCount) })
	began := time.Now()
	a, err := o.Outbox.Publish(b.Context(), draft.ID)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := o.World.WaitForCount(ctx, servers, fedtest.About("Create", o.Object(a))); err != nil {
		b.Fatalf("%d servers should have the article: %v", servers, err)
	}
	return time.Since(began)
}

// SilentDay makes a server silent once more, on a day in the future.
func (o *Blog) SilentDay(host string, day int, how store.Ending) {
	o.T.Helper()
	at, due := time.Now().AddDate(0, 0, day), time.Now().Add(3*time.Minute)
	claims, err := o.Store.ClaimPeers(o.Soon(), due, time.Minute, 10, true)
	if err != nil || len(claims) != 1 || claims[0].Host != host {
		o.T.Fatalf("claim %s: %v, %v", host, claims, err)
	}
	// The back-off must not lie on that day: the running courier would see a clock that jumped. It ends in two minutes.
	if err := o.Store.Release(o.Soon(), claims[0],
		store.VisitEnd{How: how, FreeAt: due.Add(-70 * time.Second)}, at); err != nil {
		o.T.Fatal(err)
	}
}
