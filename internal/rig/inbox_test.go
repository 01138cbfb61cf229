//go:build linux

package rig_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

// answers counts what posts to an inbox were answered.
type answers struct {
	sync.Mutex
	by   map[int]int
	took []time.Duration // of all but 503, which waits for another server
}

func (a *answers) add(status int, took time.Duration) {
	a.Lock()
	defer a.Unlock()
	if a.by == nil {
		a.by = map[int]int{}
	}
	a.by[status]++
	if status != http.StatusServiceUnavailable {
		a.took = append(a.took, took)
	}
}

// broken counts answers that say that something went wrong here, and connections without an answer.
func (a *answers) broken() (n int) {
	for status, times := range a.by {
		if status == 0 || status >= 500 && status != http.StatusServiceUnavailable {
			n += times
		}
	}
	return n
}

// corpus is an activity of each kind that people send.
func corpus(s *stage, a article) [][]byte {
	s.t.Helper()
	p := s.people[0]
	list := [][]byte{s.reply(p, a, "One.").Deliveries[0].Body}
	for _, kind := range []string{"Like", "Announce", "Follow", "Undo", "Delete", "Update", "Flag", "Move", "Block",
		"QuoteRequest", "EmojiReact", "Accept"} {
		list = append(list, fmt.Appendf(nil, `{"@context":"https://www.w3.org/ns/activitystreams","id":"%s#%s","type":"%s",`+
			`"actor":"%s","object":"%s","to":["https://www.w3.org/ns/activitystreams#Public"],"content":"Yes."}`, p.ID, kind,
			kind, p.ID, a.object))
	}
	return list
}

// mutate changes a few places of a text.
func (s *stage) mutate(text []byte) []byte {
	text = bytes.Clone(text)
	for range 1 + s.random.IntN(4) {
		at := s.random.IntN(len(text))
		switch s.random.IntN(5) {
		case 0:
			text[at] = byte(s.random.IntN(256))
		case 1:
			text = slices.Delete(text, at, min(len(text), at+1+s.random.IntN(20)))
		case 2:
			text = slices.Insert(text, at, []byte(`{"a":[`)[:1+s.random.IntN(6)]...)
		case 3:
			text = slices.Insert(text, at, text[at:min(len(text), at+s.random.IntN(60))]...)
		case 4:
			text = bytes.Replace(text, []byte(`"`), []byte(`["`), 1)
		}
		if len(text) == 0 {
			return []byte("0")
		}
	}
	return text
}

// TestR13MutatedPostsBreakNothing posts activities and headers that were changed by chance, correctly signed where that
// is possible.
func TestR13MutatedPostsBreakNothing(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, rig.Size(20, 200))
		a, _ := s.publish()
		var valid, bodies, headers answers
		n := rig.Size(400, 10_000)
		post := func(p *fedtest.Person, body []byte, to *answers, edit ...fedtest.SendOption) {
			ready, err := p.Prepare(s.program.URL+"/ap/inbox", body, edit...)
			s.must(err)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			began := time.Now()
			answer, err := ready.Send(ctx)
			if err != nil && answer.Status == 0 && !strings.Contains(err.Error(), "invalid header") {
				to.add(0, time.Since(began))
			} else {
				to.add(answer.Status, time.Since(began))
			}
		}
		whole := corpus(s, a)
		for i := range n {
			p, body := s.people[i%len(s.people)], whole[s.random.IntN(len(whole))]
			if i%10 == 0 {
				post(p, body, &valid)
			}
			post(p, s.mutate(body), &bodies)
			post(p, body, &headers, fedtest.EditHeader(func(h http.Header) {
				names := []string{"Signature", "Date", "Digest", "Content-Type"}
				name := names[s.random.IntN(len(names))]
				text := s.mutate([]byte(h.Get(name)))
				h.Set(name, strings.Map(func(r rune) rune {
					if r < ' ' || r > '~' {
						return '~' // net/http sends nothing else
					}
					return r
				}, string(text)))
			}))
		}
		f := s.measure("R-13")
		f.Size("bodies", n)
		f.Size("headers", n)
		f.Sometimes("bodies refused as no activity", bodies.by[400])
		f.Sometimes("headers refused as badly signed", headers.by[401])
		f.Sometimes("bodies accepted", bodies.by[202])
		said := strings.Count(s.program.Said.String(), "panic")
		f.Judge(func(b *rig.Bars) {
			b.AtMost("panics", float64(said), 0)
			b.AtMost("5xx other than 503", float64(bodies.broken()+headers.broken()), 0)
			// A machine that is busy answers the valid ones late as well.
			b.AtMost("p99 ms", rig.Quantile(slices.Concat(bodies.took, headers.took), 0.99),
				max(50, 3*rig.Quantile(valid.took, 0.99)))
		}, func() { bodies.add(500, time.Millisecond) })
	})
}

// onceLedger is what many posts of one activity brought about.
type onceLedger struct {
	effects []int // of each activity; below zero where counts differ
	sent    answers
}

// postAtOnce posts each of several replies a hundred times at the same moment: on PostgreSQL to two processes in turn,
// since one process does what a server sends one after another.
func postAtOnce(s *stage, activities int) *onceLedger {
	s.t.Helper()
	addresses := []string{s.program.Address}
	if s.run.Database == "postgres" {
		other := s.program.Beside()
		other.Serve()
		addresses = append(addresses, other.Address)
	}
	l := &onceLedger{effects: make([]int, activities)}
	ctx := s.t.Context()
	for i := range activities {
		a, _ := s.publish()
		text := fmt.Sprint("once-", i, ".")
		ready := s.reply(s.people[i%len(s.people)], a, text)
		s.must(rig.Crowd(100, 100, func(n int) error {
			one := *ready.Deliveries[0]
			one.Host = s.program.Address
			one.URL = strings.Replace(one.URL, s.program.Address, addresses[n%len(addresses)], 1)
			answer, _ := one.Send(ctx)
			l.sent.add(answer.Status, 0)
			return nil
		}))
		total, ids, err := rig.Collection(ctx, a.object+"/replies")
		s.must(err)
		_, page, err := rig.Get(ctx, a.page, "text/html")
		s.must(err)
		l.effects[i] = max(total, len(ids), rig.Shown(page, comment(text)))
		if total != len(ids) {
			l.effects[i] = -1
		}
	}
	return l
}

// effectsOnce is R-30.
func (l *onceLedger) effectsOnce(b *rig.Bars) {
	wrong := 0
	for _, n := range l.effects {
		if n != 1 {
			wrong++
		}
	}
	b.AtMost("activities without exactly one effect", float64(wrong), 0)
	b.AtMost("5xx other than 503", float64(l.sent.broken()), 0)
}

func TestR30OneActivityHasOneEffect(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, rig.Size(8, 250))
		activities := rig.Size(8, 1000)
		l := postAtOnce(s, activities)
		f := s.measure("R-30")
		f.Size("activities", activities)
		f.Size("posts of each", 100)
		f.Sometimes("posts accepted again", l.sent.by[202]-activities)
		f.Judge(l.effectsOnce, func() { l.effects[0]++ })
	})
}

// TestR33BadSignaturesDoNotSlowReadersDown compares pages under a flood of invalid signatures with pages while the same
// flood goes to a bare handler, which costs the machine as much to send.
func TestR33BadSignaturesDoNotSlowReadersDown(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 4)
		a, _ := s.publish()
		bare := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusUnauthorized)
		})}
		address := rig.FreePort(t)
		bare.Addr = address
		go bare.ListenAndServe()
		defer bare.Close()
		rate, length := rig.Size(200, 5000), rig.Size(300, 3000)
		var flooded answers
		measure := func(host string) []time.Duration {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var working sync.WaitGroup
			defer working.Wait()
			defer cancel()
			var ready []*fedtest.PreparedDelivery
			for _, p := range s.people {
				one, err := p.Prepare("http://"+host+"/ap/inbox", corpus(s, a)[1], p.WrongKey())
				s.must(err)
				ready = append(ready, one)
			}
			for i := range 4 {
				working.Go(func() {
					for tick := time.NewTicker(time.Second * 4 / time.Duration(rate)); ctx.Err() == nil; <-tick.C {
						answer, _ := ready[i].Send(ctx)
						if host != address && ctx.Err() == nil {
							flooded.add(answer.Status, 0)
						}
					}
				})
			}
			time.Sleep(300 * time.Millisecond)
			took, failed := read(t.Context(), a.page, "text/html", length)
			if failed > 0 {
				t.Errorf("%d pages failed", failed)
			}
			return took
		}
		before, _ := s.program.Resident()
		var idle, under []time.Duration
		for range 2 { // in turn, since a machine has better and worse minutes
			idle = append(idle, measure(address)...)
			under = append(under, measure(s.program.Address)...)
		}
		after, _ := s.program.Resident()
		f := s.measure("R-33")
		f.Size("posts a second", rate)
		f.Size("pages", len(under))
		f.Sometimes("posts refused", flooded.by[401]+flooded.by[429])
		f.Judge(func(b *rig.Bars) {
			b.Note("p95 ms", rig.Quantile(under, 0.95))
			// In the small form others work on the machine as well, and an idle page takes one or two milliseconds.
			b.AtMost("p95 against idle", rig.Quantile(under, 0.95)/max(0.5, rig.Quantile(idle, 0.95)),
				rig.Size(3.0, 2))
			b.AtMost("more memory, MiB", after-before, 64)
			b.AtMost("accepted", float64(flooded.by[202]), 0)
		}, func() {
			for i := range under {
				under[i] *= 10
			}
		})
	})
}

// TestR34WhoSendsTooMuchIsToldSo lets one server send valid likes without end.
func TestR34WhoSendsTooMuchIsToldSo(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 3)
		a, _ := s.publish()
		n := rig.Size(900, 20_000)
		before, _ := s.program.Resident()
		var sent, others answers
		var later atomic.Int64
		s.must(rig.Crowd(8, n, func(i int) error {
			p := s.people[0]
			ready, err := p.Prepare(s.program.URL+"/ap/inbox", map[string]any{"id": fmt.Sprint(p.ID, "#like-", i),
				"type": "Like", "actor": p.ID, "object": a.object})
			if err != nil {
				return err
			}
			answer, _ := ready.Send(t.Context())
			sent.add(answer.Status, 0)
			if answer.Status == 429 && answer.Header.Get("Retry-After") != "" {
				later.Add(1)
			}
			if i%100 == 0 { // another server is not to blame
				others.add(status(t.Context(), s.reply(s.people[1], a, fmt.Sprint("other-", i))), 0)
			}
			return nil
		}))
		after, _ := s.program.Resident()
		f := s.measure("R-34")
		f.Size("posts", n)
		f.Sometimes("posts refused with 429", sent.by[429])
		f.Judge(func(b *rig.Bars) {
			b.AtMost("accepted in a minute", float64(sent.by[202]), 600)
			b.AtMost("429 without Retry-After", float64(sent.by[429]-int(later.Load())), 0)
			b.AtMost("more memory, MiB", after-before, 64)
			b.AtMost("posts of others refused", float64(len(others.took)-others.by[202]), 0)
		}, func() { sent.by[202] += 10_000 })
	})
}

// bombs are bodies that are small on the wire or cheap to make, and cost much to read.
func bombs() map[string][]byte {
	zipped := func(body []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(body)
		w.Close()
		return b.Bytes()
	}
	many := strings.Repeat
	list := map[string][]byte{
		"gzip of 64 MiB":      zipped(bytes.Repeat([]byte(" "), 64<<20)),
		"gzip of gzip":        zipped(zipped(bytes.Repeat([]byte("0"), 32<<20))),
		"a body of 16 MiB":    bytes.Repeat([]byte(" "), 16<<20),
		"a body of 1 MiB":     bytes.Repeat([]byte("x"), 1<<20),
		"nesting of lists":    []byte(many("[", 500_000)),
		"nesting of objects":  []byte(many(`{"a":`, 150_000)),
		"a long string":       []byte(`{"type":"` + many("a", 900<<10) + `"}`),
		"a string of escapes": []byte(`{"type":"` + many(`\u0000`, 150_000) + `"}`),
		"a long number":       []byte(`{"type":` + many("9", 900<<10) + `}`),
		"an exponent":         []byte(`{"type":1e` + many("9", 100<<10) + `}`),
		"a long list":         []byte(`{"to":[` + many("0,", 400_000) + `0]}`),
		"a list of lists":     []byte(`{"to":[` + many("[],", 300_000) + `[]]}`),
		"a list of objects":   []byte(`{"to":[` + many("{},", 300_000) + `{}]}`),
		"many names":          []byte("{" + many(`"a":0,`, 150_000) + `"b":0}`),
		"one name again":      []byte("{" + many(`"type":"Like",`, 60_000) + `"b":0}`),
		"a long name":         []byte(`{"` + many("n", 900<<10) + `":0}`),
		"nothing but quotes":  []byte(many(`"`, 900<<10)),
		"no UTF-8":            bytes.Repeat([]byte{0xff, 0xfe}, 450<<10),
		"nulls":               make([]byte, 900<<10),
	}
	var names strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&names, `"n%d":0,`, i)
	}
	list["many different names"] = []byte("{" + names.String() + `"b":0}`)
	return list
}

// TestR35BombsCostLittle posts each bomb, signed well, with and without the header that says that it is compressed.
func TestR35BombsCostLittle(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 20)
		growth, sent := map[string]float64{}, answers{}
		i := 0
		all := bombs()
		for range 2 {
			for name, body := range all {
				i++
				options := []fedtest.SendOption{}
				if strings.HasPrefix(name, "gzip") {
					options = append(options, fedtest.EditHeader(func(h http.Header) { h.Set("Content-Encoding", "gzip") }))
				}
				ready, err := s.people[i%len(s.people)].Prepare(s.program.URL+"/ap/inbox", body, options...)
				s.must(err)
				s.program.ResetPeak()
				before, _ := s.program.Resident()
				answer, _ := ready.Send(t.Context())
				sent.add(answer.Status, 0)
				_, peak := s.program.Resident()
				growth[name] = max(growth[name], peak-before)
			}
		}
		f := s.measure("R-35")
		f.Size("kinds", len(growth))
		f.Sometimes("bombs refused", sent.by[400]+sent.by[413]+sent.by[415])
		f.Judge(func(b *rig.Bars) {
			worst := 0.0
			for name, n := range growth {
				if n > 8 {
					b.Note(name+", MiB", n)
				}
				worst = max(worst, n)
			}
			b.AtMost("most memory for one, MiB", worst, 8)
			b.AtMost("5xx other than 503", float64(sent.broken()-sent.by[0]), 0)
			b.AtMost("accepted", float64(sent.by[202]), 0)
		}, func() { growth["tampered"] = 100 })
	})
}
