package rig_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// killLedger is what was acknowledged, and what arrived, while the program was killed again and again.
type killLedger struct {
	began     time.Time
	run       rig.Run
	kills     []time.Time
	hosts     []string
	said      map[string]bool // by title: whether the author read that it is published
	replies   []*sentReply
	before    map[string]string // the pages after the last restart, before anything was sent again
	after     map[string]string // the pages at the end, of the articles that are there
	arrivals  []rig.Arrival
	uneven    []string // counts that differ from what they count
	cut       int      // kills that hit a fan-out
	cutReply  int      // replies whose answer nobody read
	cutSaying int      // publications whose answer nobody read
	again     int      // replies that were acknowledged and sent again
}

type sentReply struct {
	title, text  string
	prepared     *fedtest.PreparedActivity
	acknowledged bool
}

// victim is the program that is killed.
type victim struct {
	*killLedger
	killPlan
	t       *testing.T
	program *rig.Program
	author  *rig.Author
	world   *fedtest.World
	people  []*fedtest.Person
	random  *rand.Rand
}

// TestF110R01ToR05NothingAcknowledgedIsLostToKill publishes articles and receives replies while the program is killed:
// a third of the times at any moment, a third while it publishes, and a third in a fan-out.
func TestF110R01ToR05NothingAcknowledgedIsLostToKill(t *testing.T) {
	if testing.Short() {
		t.Skip("killing takes its time")
	}
	storetest.EachURL(t, func(t *testing.T, database string) {
		plan := killPlan{rounds: rig.Size(9, 100), servers: rig.Size(120, 500), patience: 150 * time.Second}
		l := killAgainAndAgain(t, rig.Build(t), database, plan)
		for _, figure := range []struct {
			id     string
			bars   func(*rig.Bars)
			tamper func()
		}{
			{"R-01", l.lost, func() { l.hosts = append(l.hosts, "nowhere.example") }},
			{"R-02", l.doubled, func() { l.after["Crossing 0"] += comment(l.replies[0].text) }},
			{"R-03", l.repeated, func() { l.arrivals = append(l.arrivals, l.late()) }},
			{"R-04", l.lostReplies, func() { l.replies = append(l.replies, &sentReply{"Crossing 0", "never", nil, true}) }},
			{"R-05", l.halfDone, func() { delete(l.after, "Crossing 0") }},
		} {
			kept, pages := *l, maps.Clone(l.after)
			f := rig.Measure(t, figure.id, l.run)
			f.Began(l.began)
			f.Size("kills", len(l.kills))
			f.Size("servers", len(l.hosts))
			f.Size("articles", len(l.said))
			f.Size("replies", len(l.replies))
			f.Sometimes("kills in a fan-out", l.cut)
			f.Sometimes("answers to a reply cut", l.cutReply)
			f.Sometimes("replies sent again", l.again)
			f.Judge(figure.bars, figure.tamper)
			*l, l.after = kept, pages
		}
	})
}

// killPlan is how often and where to kill.
type killPlan struct {
	rounds, servers int
	publishing      bool          // only while an article is published
	patience        time.Duration // how long deliveries may take after the last restart
}

// killAgainAndAgain kills the program of a build in each round, and returns what became of it.
func killAgainAndAgain(t *testing.T, build, database string, plan killPlan) *killLedger {
	t.Helper()
	run, random := rig.NewRun(t, database)
	v := &victim{t: t, killPlan: plan, random: random, program: rig.NewProgram(t, build, database), world: rig.NewWorld(t),
		killLedger: &killLedger{began: time.Now(), run: run, said: map[string]bool{}, before: map[string]string{},
			after: map[string]string{}}}
	v.author = v.program.AddAuthor()
	v.people = rig.People(t, v.world, plan.servers)
	for _, p := range v.people {
		v.hosts = append(v.hosts, p.Server.Host)
	}
	v.program.Serve()
	rig.Follow(t, v.people, v.author.Actor)
	v.must(v.author.SignIn(t.Context()))
	v.draft(0)
	if said, err := v.author.Publish(t.Context(), v.id(0)); !said {
		t.Fatal(err)
	}
	v.said["Crossing 0"] = true
	for round := 1; round <= plan.rounds; round++ {
		v.round(round)
		v.program.Serve()
	}
	v.settle()
	return v.killLedger
}

func (v *victim) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// id is the id of the article of a round.
func (v *victim) id(round int) string { return fmt.Sprintf("01KAV3R8XQZ6M2T4N5P7S%05d", round) }

func (v *victim) draft(round int) {
	v.t.Helper()
	v.must(v.author.Draft(v.t.Context(), v.id(round), fmt.Sprint("Crossing ", round), "The ferry comes when you ring."))
}

// round publishes an article while replies come in, and kills the program meanwhile.
func (v *victim) round(n int) {
	title := fmt.Sprint("Crossing ", n)
	replies := v.prepare(n)
	v.draft(n)
	before := v.world.TotalDeliveries()
	killed := v.plan(n)
	ctx, cancel := context.WithTimeout(v.t.Context(), 3*time.Second)
	defer cancel()
	var working sync.WaitGroup
	working.Go(func() {
		said, err := v.author.Publish(ctx, v.id(n))
		v.said[title] = said
		if !said && err != nil {
			v.cutSaying++
		}
	})
	for _, r := range replies {
		pause := time.Duration(v.random.IntN(400)) * time.Millisecond
		working.Go(func() {
			time.Sleep(pause)
			_, err := r.prepared.Send(ctx)
			r.acknowledged = err == nil
		})
	}
	<-killed
	v.program.Wait()
	v.kills = append(v.kills, time.Now())
	working.Wait()
	arrivals := rig.Arrivals(v.people)
	under := map[string]bool{} // published articles
	for _, a := range arrivals {
		under[a.Title] = true
	}
	if v.world.TotalDeliveries() > before && pairs(arrivals) < len(under)*len(v.people) {
		v.cut++
	}
	for _, r := range replies {
		if !r.acknowledged {
			v.cutReply++
		}
	}
}

// plan kills the program at a moment of the round.
func (v *victim) plan(n int) <-chan struct{} {
	killed := make(chan struct{})
	kill := func() { v.program.Signal(os.Kill); close(killed) }
	if v.publishing {
		time.AfterFunc(time.Duration(300+v.random.IntN(600))*time.Millisecond, kill)
		return killed
	}
	switch n % 3 {
	case 0:
		time.AfterFunc(time.Duration(v.random.IntN(1500))*time.Millisecond, kill)
	case 1: // while it publishes
		time.AfterFunc(time.Duration(v.random.IntN(60_000))*time.Microsecond, kill)
	case 2: // after so many deliveries
		before, more := v.world.TotalDeliveries(), 1+v.random.IntN(len(v.people)*3/4)
		go func() {
			for range 3000 {
				if v.world.TotalDeliveries() >= before+more {
					break
				}
				time.Sleep(time.Millisecond)
			}
			kill()
		}()
	}
	return killed
}

// prepare signs replies to the newest article that is known to be published.
func (v *victim) prepare(round int) []*sentReply {
	v.t.Helper()
	title := "Crossing 0"
	for n := round - 1; n > 0; n-- {
		if candidate := fmt.Sprint("Crossing ", n); v.said[candidate] {
			title = candidate
			break
		}
	}
	object := v.object(title)
	var list []*sentReply
	for i := range 10 {
		text := fmt.Sprintf("round-%d-reply-%d.", round, i)
		ready, err := v.people[(round*10+i)%len(v.people)].PrepareReply(v.t.Context(), object, "<p>"+text+"</p>")
		v.must(err)
		list = append(list, &sentReply{title: title, text: text, prepared: ready})
	}
	v.replies = append(v.replies, list...)
	return list
}

// object returns the id of a published article.
func (v *victim) object(title string) string {
	v.t.Helper()
	status, body, err := rig.Get(v.t.Context(), v.program.URL+rig.PageOf(title), rig.Activity)
	v.must(err)
	var document struct{ ID string }
	if err := json.Unmarshal([]byte(body), &document); err != nil || document.ID == "" {
		v.t.Fatalf("%s answers %d %s", rig.PageOf(title), status, body)
	}
	return document.ID
}

// settle brings the run to its end: it reads the pages, sends every reply again, and waits until all is delivered.
func (v *victim) settle() {
	v.t.Helper()
	v.read(v.before)
	// What was acknowledged is a row at least. A machine that is busy comes to it later.
	for until := time.Now().Add(v.patience); v.unseen() > 0 && time.Now().Before(until); time.Sleep(time.Second) {
		v.read(v.before)
	}
	for _, r := range v.replies {
		if r.acknowledged {
			v.again++
		}
		var refused *fedtest.StatusError
		_, err := r.prepared.Send(v.t.Context())
		for wait := 0; errors.As(err, &refused) && refused.Status == 503 && wait < 20; wait++ {
			time.Sleep(500 * time.Millisecond)
			_, err = r.prepared.Send(v.t.Context())
		}
		v.must(err)
	}
	v.read(v.after)
	want := len(v.after) * len(v.people)
	for deadline := time.Now().Add(v.patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if v.arrivals = rig.Arrivals(v.people); pairs(v.arrivals) >= want {
			break
		}
	}
	time.Sleep(time.Second) // for what comes twice
	v.arrivals = rig.Arrivals(v.people)
	v.read(v.after)
	v.compare()
}

// pairs counts the different pairs of an article and a server.
func pairs(arrivals []rig.Arrival) int {
	seen := map[[2]string]bool{}
	for _, a := range arrivals {
		seen[[2]string{a.Title, a.Host}] = true
	}
	return len(seen)
}

// read reads the pages of all articles that are there.
func (v *victim) read(into map[string]string) {
	v.t.Helper()
	for title := range v.said {
		for until := time.Now().Add(5 * time.Second); ; time.Sleep(200 * time.Millisecond) {
			status, body, err := rig.Get(v.t.Context(), v.program.URL+rig.PageOf(title), "text/html")
			v.must(err)
			if status == 200 {
				into[title] = body
			}
			if status == 200 || status == 404 || time.Now().After(until) {
				break
			}
		}
	}
}

// compare compares each public count with what it counts.
func (v *victim) compare() {
	v.t.Helper()
	check := func(address, what string, want int) {
		total, ids, err := rig.Collection(v.t.Context(), address)
		v.must(err)
		slices.Sort(ids)
		if total != len(ids) || len(slices.Compact(ids)) != total || total != want {
			v.uneven = append(v.uneven, fmt.Sprintf("%s: says %d, lists %d, want %d", what, total, len(ids), want))
		}
	}
	check(v.author.Actor+"/outbox", "the outbox", len(v.after))
	for title := range v.after {
		status, _, err := rig.Get(v.t.Context(), v.program.URL+rig.PageOf(title), rig.Activity)
		if err != nil || status != 200 {
			v.uneven = append(v.uneven, title+" has a page and no object")
			continue
		}
		sent := 0
		for _, r := range v.replies {
			if r.title == title {
				sent++
			}
		}
		check(v.object(title)+"/replies", title, sent)
	}
}

// comment is how a page shows a reply, in a line of its own: the first ones are quoted above the thread as well.
func comment(text string) string { return "\n<p>" + text + "</p>" }

// lost is R-01: pairs of an acknowledged article and a follower's server at which it did not arrive.
func (l *killLedger) lost(b *rig.Bars) {
	has := map[[2]string]bool{}
	for _, a := range l.arrivals {
		has[[2]string{a.Title, a.Host}] = true
	}
	lost := 0
	for title, said := range l.said {
		for _, host := range l.hosts {
			if said && !has[[2]string{title, host}] {
				lost++
			}
		}
	}
	b.AtMost("deliveries lost", float64(lost), 0)
	b.Note("publications not acknowledged", float64(l.cutSaying))
}

// doubled is R-02: what is there twice after everything was sent again.
func (l *killLedger) doubled(b *rig.Bars) {
	shown, objects := 0, map[string]map[string]bool{}
	for _, r := range l.replies {
		if n := rig.Shown(l.after[r.title], comment(r.text)); n > 1 {
			shown += n - 1
		}
	}
	for _, a := range l.arrivals {
		if objects[a.Title] == nil {
			objects[a.Title] = map[string]bool{}
		}
		objects[a.Title][a.Activity+" "+a.Object] = true
	}
	articles := 0
	for _, ids := range objects {
		articles += len(ids) - 1
	}
	b.AtMost("replies shown twice", float64(shown), 0)
	b.AtMost("articles with two ids", float64(articles), 0)
}

// inFlight is how long before a kill a delivery counts as under way: it was answered, and perhaps not yet recorded.
const inFlight = 2 * time.Second

// repeated is R-03: what was delivered twice. Only what was under way at a kill may be, and with the same id.
func (l *killLedger) repeated(b *rig.Bars) {
	first := map[[2]string]rig.Arrival{}
	again, other, without := 0, 0, 0
	for _, a := range l.arrivals {
		key := [2]string{a.Title, a.Host}
		before, known := first[key]
		if !known {
			first[key] = a
			continue
		}
		again++
		if before.Activity != a.Activity {
			other++
		}
		atKill := func(kill time.Time) bool { return !before.At.After(kill) && kill.Sub(before.At) < inFlight }
		if !slices.ContainsFunc(l.kills, atKill) {
			without++
		}
	}
	b.Note("again per 10,000", float64(again)*10_000/float64(max(1, len(l.arrivals))))
	b.AtMost("again under another id", float64(other), 0)
	b.AtMost("again although not under way at a kill", float64(without), 0)
}

// late is a delivery that came again long after it was answered.
func (l *killLedger) late() rig.Arrival {
	a := l.arrivals[0]
	a.Activity += "/other"
	return a
}

// unseen counts the acknowledged replies that were not shown after the last restart.
func (l *killLedger) unseen() (n int) {
	for _, r := range l.replies {
		if r.acknowledged && rig.Shown(l.before[r.title], comment(r.text)) == 0 {
			n++
		}
	}
	return n
}

// lostReplies is R-04: acknowledged replies that no reader sees after the restart.
func (l *killLedger) lostReplies(b *rig.Bars) {
	lost, acknowledged := l.unseen(), 0
	for _, r := range l.replies {
		if r.acknowledged {
			acknowledged++
		}
	}
	b.AtMost("acknowledged replies lost", float64(lost), 0)
	b.Note("acknowledged replies", float64(acknowledged))
}

// halfDone is R-05: an effect without its cause, or a count without what it counts.
func (l *killLedger) halfDone(b *rig.Bars) {
	orphans := map[string]bool{}
	for _, a := range l.arrivals {
		if l.after[a.Title] == "" {
			orphans[a.Title] = true // a delivery of an article that is not there
		}
	}
	missing := 0 // not acknowledged, published all the same, and not delivered to everybody
	has := map[[2]string]bool{}
	for _, a := range l.arrivals {
		has[[2]string{a.Title, a.Host}] = true
	}
	for title := range l.after {
		for _, host := range l.hosts {
			if !has[[2]string{title, host}] {
				missing++
			}
		}
	}
	b.AtMost("deliveries without their article", float64(len(orphans)), 0)
	b.AtMost("published and not delivered", float64(missing), 0)
	b.AtMost("counts that differ from what they count", float64(len(l.uneven)), 0)
}
