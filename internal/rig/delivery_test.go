//go:build linux

package rig_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

func mood(t *testing.T, people []*fedtest.Person, behaviour fedtest.Behaviour) {
	t.Helper()
	for _, p := range people {
		if err := p.Server.SetBehaviour(behaviour); err != nil {
			t.Fatal(err)
		}
	}
}

// hangLedger is what deliveries to healthy servers took without and beside servers that hang, and the connections that
// those held.
type hangLedger struct {
	alone, beside [][]time.Duration
	most, late    int  // connections to one hanging server, and to all after the deadline of a delivery
	waited        bool // for that deadline
	companions    bool // alone means: beside as many servers that are healthy, which cost this machine work as well
}

// besideHanging delivers articles to healthy servers alone and beside new hanging ones, in turn.
func besideHanging(t *testing.T, s *stage, healthy, rounds, each int) *hangLedger {
	t.Helper()
	l := &hangLedger{}
	hanging := l.besideTrouble(s, healthy, rounds, each, func(people []*fedtest.Person) {
		mood(t, people, fedtest.Hanging())
	})
	// The program is the same for both databases here, so that the small form waits for the deadline once.
	if l.waited = rig.Full() || s.run.Database == "sqlite"; !l.waited {
		return l
	}
	// A delivery has thirty seconds; the rest is for a machine that is busy.
	for deadline := time.Now().Add(45 * time.Second); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		if _, l.late = socketsTo(t, hanging); l.late == 0 {
			break
		}
	}
	return l
}

// besideTrouble delivers articles to healthy servers alone, and beside new servers that are spoilt, in turn. It returns
// the people of the spoilt ones.
func (l *hangLedger) besideTrouble(s *stage, healthy, rounds, each int,
	spoil func([]*fedtest.Person)) (troubled []*fedtest.Person) {
	s.t.Helper()
	s.deliver(s.people[:healthy]) // opens connections
	for range rounds {
		if !l.companions {
			l.alone = append(l.alone, s.deliver(s.people[:healthy]))
		}
		// New ones each time: those that failed are left alone for a while.
		more := rig.People(s.t, s.world, each)
		rig.Follow(s.t, more, s.author.Actor)
		if l.companions {
			l.alone = append(l.alone, s.deliver(s.people[:healthy]))
		}
		spoil(more)
		troubled = append(troubled, more...)
		l.beside = append(l.beside, s.deliver(s.people[:healthy]))
		most, _ := socketsTo(s.t, troubled)
		l.most = max(l.most, most)
	}
	return troubled
}

// moods are the ways of servers that are not healthy.
var moods = map[string]fedtest.Behaviour{"slow": fedtest.Slow(2 * time.Second), "hanging": fedtest.Hanging(),
	"trickling": fedtest.Trickling(time.Second), "500": fedtest.Refusing(500), "429": fedtest.RateLimiting(time.Hour, 0),
	"410": fedtest.Gone(), "reset": fedtest.Resetting(), "TLS": fedtest.SpeakingTLS(), "huge": fedtest.Huge(),
	"flapping": fedtest.Flapping(200 * time.Millisecond), "garbage": fedtest.AnsweringGarbage("Create"),
	"closed": fedtest.Closed()}

// TestR16AllMoodsStandBesideEachOther delivers to healthy servers beside servers of each mood.
func TestR16AllMoodsStandBesideEachOther(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		healthy, rounds, each := rig.Size(30, 100), rig.Size(2, 4), rig.Size(3, 40)
		s := open(t, rig.Build(t), database, healthy)
		l := &hangLedger{companions: true}
		names, met := slices.Sorted(maps.Keys(moods)), map[string]int{}
		creates := func(p *fedtest.Person) (n int) {
			for _, d := range p.Server.Deliveries() {
				if d.Type == "Create" {
					n++
				}
			}
			return n
		}
		in := map[*fedtest.Person]string{}
		l.besideTrouble(s, healthy, rounds, each*len(moods), func(people []*fedtest.Person) {
			for i, p := range people {
				in[p] = names[i%len(names)]
				met[in[p]] -= creates(p) // while it was healthy
				mood(t, []*fedtest.Person{p}, moods[in[p]])
			}
		})
		f := s.measure("R-16")
		f.Size("healthy servers", healthy)
		f.Size("servers of each mood", rounds*each)
		// A slow server writes down what it got when it answers.
		for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
			after := maps.Clone(met)
			for p, name := range in {
				after[name] += creates(p)
			}
			delete(after, "closed") // nobody listens there, so nobody counts
			if slices.Min(slices.Collect(maps.Values(after))) > 0 || time.Until(until) < time.Second {
				met = after
				break
			}
		}
		for _, name := range slices.Sorted(maps.Keys(met)) {
			f.Sometimes("deliveries that met "+name, met[name])
		}
		f.Judge(l.slower, func() {
			for i := range l.beside {
				l.beside[i] = append(l.beside[i], slices.Repeat([]time.Duration{time.Minute}, healthy)...)
			}
		})
	})
}

// socketsTo counts connections to people's servers: the most to one, and to all.
func socketsTo(t *testing.T, people []*fedtest.Person) (most, all int) {
	t.Helper()
	count, err := rig.SocketsTo()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		most, all = max(most, count[p.Server.Host]), all+count[p.Server.Host]
	}
	return most, all
}

// slower is R-16: each round against the run before it. In the small size the best of the rounds counts, and twice the
// bar, since others work on the machine as well: if servers that hang were in the way, each round would take seconds
// longer.
func (l *hangLedger) slower(b *rig.Bars) {
	var ratios []float64
	var beside []time.Duration
	for i := range l.alone {
		ratios = append(ratios, rig.Quantile(l.beside[i], 0.95)/rig.Quantile(l.alone[i], 0.95))
		beside = append(beside, l.beside[i]...)
	}
	slices.Sort(ratios)
	b.AtMost("p95 against a run without them", ratios[rig.Size(0, len(ratios)/2)], rig.Size(3, 1.5))
	b.Note("p95 ms", rig.Quantile(beside, 0.95))
}

// sockets is R-17.
func (l *hangLedger) sockets(b *rig.Bars) {
	b.AtMost("connections to one hanging server", float64(l.most), 1)
	if l.waited {
		b.AtMost("connections after the deadline", float64(l.late), 0)
	}
}

func TestR16R17SilentServersDelayNobody(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		healthy, rounds, each := rig.Size(40, 100), 3, rig.Size(60, 340)
		s := open(t, rig.Build(t), database, healthy)
		l := besideHanging(t, s, healthy, rounds, each)
		for _, figure := range []struct {
			id     string
			bars   func(*rig.Bars)
			tamper func()
		}{
			{"R-16", l.slower, func() {
				for i := range l.beside {
					l.beside[i] = append(l.beside[i], slices.Repeat([]time.Duration{time.Minute}, healthy)...)
				}
			}},
			{"R-17", l.sockets, func() { l.most++ }},
		} {
			f := s.measure(figure.id)
			f.Size("healthy servers", healthy)
			f.Size("hanging servers", rounds*each)
			f.Sometimes("connections held", l.most)
			f.Judge(figure.bars, figure.tamper)
		}
	})
}

// stopLedger is what happened at each SIGTERM.
type stopLedger struct {
	slowest           time.Duration
	cut, answered     int64
	bad               int // stops that did not end well
	lost, waiting     int
	twice, deliveries int
}

// TestR22AStopCutsNothing stops the program with SIGTERM while pages are read and articles are sent.
func TestR22AStopCutsNothing(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, rig.Size(150, 300))
		var l stopLedger
		rounds := rig.Size(6, 100)
		var list []article
		for range rounds {
			a, _ := s.publish()
			list = append(list, a)
			l.stop(s, a)
			s.program.Serve()
		}
		for _, a := range list {
			l.lost += len(s.people) - len(s.arrived(a, s.people, 90*time.Second))
		}
		for _, p := range s.people {
			l.deliveries += len(p.Server.Received("Create"))
		}
		l.twice = l.deliveries + l.lost - len(list)*len(s.people)
		f := s.measure("R-22")
		f.Size("stops", rounds)
		f.Size("servers", len(s.people))
		f.Sometimes("requests answered around the stops", int(l.answered))
		f.Sometimes("stops with deliveries waiting", l.waiting)
		f.Judge(func(b *rig.Bars) {
			b.AtMost("slowest stop, s", l.slowest.Seconds(), 10)
			b.AtMost("stops that ended badly", float64(l.bad), 0)
			b.AtMost("requests cut", float64(l.cut), 0)
			b.AtMost("deliveries lost", float64(l.lost), 0)
			b.AtMost("delivered twice", float64(l.twice), 0)
		}, func() { l.cut++ })
	})
}

// stop sends SIGTERM while readers and other servers send requests.
func (l *stopLedger) stop(s *stage, a article) {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	var working sync.WaitGroup
	var cut, answered atomic.Int64
	for i := range 8 {
		client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
		ready := s.reply(s.people[i], a, "stop")
		working.Go(func() {
			for ctx.Err() == nil {
				var err error
				if i < 4 {
					var answer *http.Response
					if answer, err = client.Get(a.page); err == nil {
						_, err = io.Copy(io.Discard, answer.Body)
						answer.Body.Close()
					}
				} else {
					_, err = ready.Send(s.t.Context())
				}
				var refused *fedtest.StatusError
				switch {
				case err == nil || errors.As(err, &refused):
					answered.Add(1)
				case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
					cut.Add(1) // read by the server, and not answered
				case errors.Is(err, syscall.ECONNREFUSED):
					return // it listens no more
				}
			}
		})
	}
	time.Sleep(time.Duration(s.random.IntN(100)) * time.Millisecond)
	if len(s.arrived(a, s.people, 0)) < len(s.people) {
		l.waiting++
	}
	began := time.Now()
	s.program.Signal(syscall.SIGTERM)
	if s.program.Wait() != nil {
		l.bad++
	}
	l.slowest = max(l.slowest, time.Since(began))
	cancel()
	working.Wait()
	l.cut, l.answered = l.cut+cut.Load(), l.answered+answered.Load()
}

// TestR23SeveralProcessesDeliverOnce lets several processes share one PostgreSQL.
func TestR23SeveralProcessesDeliverOnce(t *testing.T) {
	s := open(t, rig.Build(t), storetest.Postgres(t), rig.Size(60, 500))
	processes := []*rig.Program{s.program}
	for range rig.Size(1, 3) {
		other := s.program.Beside()
		other.Serve()
		processes = append(processes, other)
	}
	articles := rig.Size(10, 100)
	before := make([]int, len(processes))
	for i, p := range processes {
		before[i] = p.CPU()
	}
	times := map[string]int{}
	var list []article
	for range articles {
		a, _ := s.publish()
		list = append(list, a)
	}
	lost := 0
	for _, a := range list {
		lost += len(s.people) - len(s.arrived(a, s.people, time.Minute))
	}
	time.Sleep(2 * time.Second) // for what comes twice
	for _, p := range s.people {
		for _, d := range p.Server.Received("Create") {
			times[d.ID+" "+d.Server.Host]++
		}
	}
	f := s.measure("R-23")
	f.Size("processes", len(processes))
	f.Size("deliveries", articles*len(s.people))
	for i, p := range processes[1:] {
		f.Sometimes("work of another process, 1/100 s", p.CPU()-before[i+1])
	}
	f.Judge(func(b *rig.Bars) {
		twice := 0
		for _, n := range times {
			twice += n - 1
		}
		b.AtMost("delivered twice", float64(twice), 0)
		b.AtMost("lost", float64(lost), 0)
	}, func() { times["tampered"] = 2 })
}

// sleepLedger is what became of deliveries that a sleeping process had under way.
type sleepLedger struct {
	held, sentLater int
	states          []deliveryLine
	took            time.Duration
}

type deliveryLine struct {
	Host, Status string
	Attempts     int
	Code         int    // of the last answer
	SilentSince  string `json:"silent_since"`
}

// sleepThrough stops a process by SIGSTOP with deliveries under way, lets another process deliver them after the lease,
// and wakes the first up.
func sleepThrough(t *testing.T, build string) (*stage, *sleepLedger) {
	t.Helper()
	s := open(t, build, storetest.Postgres(t), rig.Size(20, 200))
	l := &sleepLedger{}
	mood(t, s.people, fedtest.Hanging())
	a, _ := s.publish()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, l.held = socketsTo(t, s.people); l.held == len(s.people) {
			break
		}
	}
	s.program.Signal(syscall.SIGSTOP)
	defer s.program.Signal(syscall.SIGCONT)
	mood(t, s.people, fedtest.Healthy())
	began := time.Now()
	other := s.program.Beside()
	other.Serve()
	s.arrived(a, s.people, 100*time.Second)
	l.took = time.Since(began)
	time.Sleep(time.Second) // what arrived is recorded
	before := s.world.TotalDeliveries()
	s.program.Signal(syscall.SIGCONT)
	time.Sleep(4 * time.Second) // it reads that its requests were cut, and wants to write that down
	l.sentLater = s.world.TotalDeliveries() - before
	decoder := json.NewDecoder(strings.NewReader(other.Must("", "deliveries", rig.Slug(a.title), "--json")))
	for {
		var one deliveryLine
		if err := decoder.Decode(&one); err != nil {
			break
		}
		l.states = append(l.states, one)
	}
	return s, l
}

// stale is R-24.
func (l *sleepLedger) stale(b *rig.Bars) {
	stale := 0
	for _, one := range l.states {
		if one.Status != "delivered" || one.Code != http.StatusAccepted || one.Attempts > 1 || one.SilentSince != "" {
			stale++
		}
	}
	b.AtMost("results that the sleeper overwrote", float64(stale), 0)
	b.AtMost("deliveries sent again by the sleeper", float64(l.sentLater), 0)
	b.Exactly("servers in the report", float64(len(l.states)), float64(l.held))
	b.Note("taken over after, s", l.took.Seconds())
}

func TestR24AProcessThatOversleptWritesNothing(t *testing.T) {
	s, l := sleepThrough(t, rig.Build(t))
	f := s.measure("R-24")
	f.Size("servers", len(s.people))
	f.Sometimes("deliveries under way when it fell asleep", l.held)
	f.Judge(l.stale, func() { l.states[0].Status = "retrying" })
}

// TestR38AFanOutToManyIsQuick publishes to many followers on many servers.
func TestR38AFanOutToManyIsQuick(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, rig.Size(150, 2000))
		var more []*fedtest.Person
		for _, p := range s.people {
			for range rig.Size(1, 4) {
				more = append(more, p.Server.Person("neighbour"+strings.Repeat("x", len(more)%7)))
			}
		}
		rig.Follow(t, more, s.author.Actor)
		s.deliver(s.people)
		a := s.draft()
		began := time.Now()
		said, err := s.author.Publish(t.Context(), a.id)
		took := time.Since(began)
		if !said {
			t.Fatal(err)
		}
		a.object = s.object(a)
		at := s.arrived(a, s.people, 2*time.Minute)
		last := began
		for _, moment := range at {
			if moment.After(last) {
				last = moment
			}
		}
		f := s.measure("R-38")
		f.Size("followers", len(s.people)+len(more))
		f.Size("servers", len(s.people))
		f.Sometimes("deliveries", len(at))
		f.Judge(func(b *rig.Bars) {
			// Two requests of a browser, with the pages; the transaction is a part of the second.
			b.AtMost("publish, ms", float64(took.Milliseconds()), float64(rig.Size(5000, 1000)))
			b.AtMost("last delivery after, s", last.Sub(began).Seconds(), 60)
			b.Exactly("servers that have it", float64(len(at)), float64(len(s.people)))
		}, func() { delete(at, s.people[0].Server.Host) })
	})
}

// TestR39OneServersTroubleIsItsOwn delivers while one server answers 500 to everything: its deliveries fail again and
// again, and those of others must not wait.
func TestR39OneServersTroubleIsItsOwn(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 20)
		poison, healthy := s.people[:1], s.people[1:]
		s.deliver(s.people)
		mood(t, poison, fedtest.Refusing(http.StatusInternalServerError))
		rounds := rig.Size(4, 40)
		late := 0
		for range rounds {
			for _, took := range s.deliver(healthy) {
				if took > 10*time.Second {
					late++
				}
			}
		}
		attempts := map[string]int{}
		for _, d := range poison[0].Server.Deliveries() {
			if d.Type == "Create" && d.Status == http.StatusInternalServerError {
				attempts[d.ID]++
			}
		}
		f := s.measure("R-39")
		f.Size("articles", rounds)
		f.Sometimes("deliveries that failed", len(attempts))
		f.Judge(func(b *rig.Bars) {
			worst := 0
			for _, n := range attempts {
				worst = max(worst, n)
			}
			b.AtMost("deliveries of others delayed", float64(late), 0)
			b.AtMost("attempts for one", float64(worst), 20)
		}, func() { late++ })
	})
}
