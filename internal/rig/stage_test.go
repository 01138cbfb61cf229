//go:build linux

package rig_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/rig"
)

// stage is a blog of the real program, with an author who is signed in and people who follow her.
type stage struct {
	t       *testing.T
	run     rig.Run
	random  *rand.Rand
	program *rig.Program
	author  *rig.Author
	world   *fedtest.World
	people  []*fedtest.Person
	began   time.Time
	count   int // articles
}

// measure begins a figure whose wall time counts from the start of the stage.
func (s *stage) measure(id string) *rig.Figure {
	f := rig.Measure(s.t, id, s.run)
	f.Began(s.began)
	return f
}

// open starts the program of a build on a database, with so many followers, each on a server of its own.
func open(t *testing.T, build, database string, followers int) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("figures take their time")
	}
	run, random := rig.NewRun(t, database)
	s := &stage{t: t, began: time.Now(), run: run, random: random, program: rig.NewProgram(t, build, database),
		world: rig.NewWorld(t)}
	s.author = s.program.AddAuthor()
	s.program.Serve()
	s.must(s.author.SignIn(t.Context()))
	s.people = rig.People(t, s.world, followers)
	rig.Follow(t, s.people, s.author.Actor)
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// article is one that was published.
type article struct{ title, id, page, object string }

// draft writes the next article.
func (s *stage) draft() article {
	s.t.Helper()
	s.count++
	a := article{title: fmt.Sprint("Crossing ", s.count), id: fmt.Sprintf("01KAV3R8XQZ6M2T4N5P7S%05d", s.count)}
	a.page = s.program.URL + rig.PageOf(a.title)
	s.must(s.author.Draft(s.t.Context(), a.id, a.title, "The ferry comes when you ring."))
	return a
}

// publish publishes the next article, and returns when that was acknowledged, and how long the last request took.
func (s *stage) publish() (article, time.Duration) {
	s.t.Helper()
	a := s.draft()
	began := time.Now()
	if said, err := s.author.Publish(s.t.Context(), a.id); !said {
		s.t.Fatal(err)
	}
	took := time.Since(began)
	a.object = s.object(a)
	return a, took
}

func (s *stage) object(a article) string {
	s.t.Helper()
	status, body, err := rig.Get(s.t.Context(), a.page, rig.Activity)
	s.must(err)
	var document struct{ ID string }
	if err := json.Unmarshal([]byte(body), &document); err != nil || document.ID == "" {
		s.t.Fatalf("%s answers %d %s", a.page, status, body)
	}
	return document.ID
}

// arrived waits until the article is at all these people's servers, and returns the times of its arrivals.
func (s *stage) arrived(a article, people []*fedtest.Person, limit time.Duration) map[string]time.Time {
	s.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		at := map[string]time.Time{}
		for _, p := range people {
			for _, d := range p.Server.Received("Create") {
				if _, known := at[p.Server.Host]; d.Object == a.object && !known {
					at[p.Server.Host] = d.At
				}
			}
		}
		if len(at) == len(people) || time.Now().After(deadline) {
			return at
		}
	}
}

// deliver publishes an article and returns how long after the request each of these people's servers had it.
func (s *stage) deliver(people []*fedtest.Person) []time.Duration {
	s.t.Helper()
	began := time.Now()
	a, _ := s.publish()
	var times []time.Duration
	for _, at := range s.arrived(a, people, time.Minute) {
		times = append(times, at.Sub(began))
	}
	if len(times) != len(people) {
		s.t.Fatalf("%d of %d servers got the article; the server said:\n%s", len(times), len(people), s.program.Said)
	}
	return times
}

// reply prepares a reply to an article.
func (s *stage) reply(p *fedtest.Person, a article, text string) *fedtest.PreparedActivity {
	s.t.Helper()
	ready, err := p.PrepareReply(s.t.Context(), a.object, "<p>"+text+"</p>")
	s.must(err)
	return ready
}

// status sends a prepared activity and returns the status of the answer; zero when there was none.
func status(ctx context.Context, ready *fedtest.PreparedActivity) int {
	answer, err := ready.Deliveries[0].Send(ctx)
	if answer.Status == 0 && err != nil {
		return 0
	}
	return answer.Status
}

// read reads a page so many times, one after another, and returns how long each took and how many failed.
func read(ctx context.Context, address, accept string, times int) (took []time.Duration, failed int) {
	for range times {
		began := time.Now()
		code, _, err := rig.Get(ctx, address, accept)
		if err != nil || code != 200 {
			failed++
		}
		took = append(took, time.Since(began))
		time.Sleep(2 * time.Millisecond)
	}
	return took, failed
}
