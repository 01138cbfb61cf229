//go:build linux

package rig_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/rig"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// replyLoad sends replies to an article, one after another from each of a few people, until it is stopped.
type replyLoad struct {
	mu           sync.Mutex
	acknowledged []string // their texts
	by           map[int]int
	without      int // 503 without Retry-After
	last         time.Time
	slowest      time.Duration
	stop         func()
}

// load begins to send replies.
func (s *stage) load(a article, senders int) *replyLoad {
	s.t.Helper()
	l := &replyLoad{by: map[int]int{}}
	ctx, cancel := context.WithCancel(s.t.Context())
	var working sync.WaitGroup
	const each = 3000
	for i := range senders {
		p := s.people[i%len(s.people)]
		working.Go(func() {
			for n := 0; n < each && ctx.Err() == nil; n++ {
				text := fmt.Sprintf("load-%d-%d.", i, n)
				note := map[string]any{"id": fmt.Sprintf("%s/load/%d-%d", p.ID, i, n), "type": "Note", "attributedTo": p.ID,
					"inReplyTo": a.object, "content": "<p>" + text + "</p>", "published": time.Now().UTC().Format(time.RFC3339),
					"to": []string{"https://www.w3.org/ns/activitystreams#Public"}}
				ready, err := p.Prepare(s.program.URL+"/ap/inbox", map[string]any{"id": note["id"].(string) + "/create",
					"type": "Create", "actor": p.ID, "to": note["to"], "object": note})
				if err != nil {
					return
				}
				l.send(ctx, ready, text)
				time.Sleep(200 * time.Millisecond) // below what a server may send in a minute
			}
		})
	}
	l.stop = func() { cancel(); working.Wait() }
	return l
}

func (l *replyLoad) send(ctx context.Context, ready *fedtest.PreparedDelivery, text string) {
	began := time.Now()
	answer, _ := ready.Send(ctx)
	if ctx.Err() != nil && answer.Status == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by[answer.Status]++
	l.slowest = max(l.slowest, time.Since(began))
	switch {
	case answer.Status == http.StatusAccepted:
		l.acknowledged, l.last = append(l.acknowledged, text), time.Now()
	case answer.Status == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "":
		l.without++
	}
}

// count returns how many replies were answered with a status.
func (l *replyLoad) count(status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[status]
}

// since waits until a reply is acknowledged that was sent after a moment, and returns how long that took.
func (l *replyLoad) since(moment time.Time, limit time.Duration) time.Duration {
	for time.Since(moment) < limit {
		l.mu.Lock()
		last := l.last
		l.mu.Unlock()
		if last.After(moment) {
			return last.Sub(moment)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return limit
}

// lost waits until the article's list of replies has all that were acknowledged, and returns how many it lacks in the
// end, and how long after the call the last one came. An acknowledged reply is a row in the queue of arrivals: a fault
// on the way from there may let it wait for its next attempt.
func (l *replyLoad) lost(s *stage, a article) (missing int, last time.Duration) {
	s.t.Helper()
	const limit = 3 * time.Minute // the second attempt is due a minute after the first, the third five minutes later
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		_, ids, err := rig.Collection(s.t.Context(), a.object+"/replies")
		s.must(err)
		listed := map[string]bool{}
		for _, id := range ids {
			_, number, _ := strings.Cut(id, "/load/")
			listed["load-"+number+"."] = true
		}
		before := missing
		missing = 0
		for _, text := range l.acknowledged {
			if !listed[text] {
				missing++
			}
		}
		if missing < before {
			last = time.Since(began)
		}
		if missing == 0 || time.Since(began) > limit {
			return missing, last
		}
	}
}

// TestR08AFullDiskLosesNothing fills a small disk again and again while replies come in.
func TestR08AFullDiskLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("figures take their time")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=40m"); err != nil {
		t.Skip("a small disk cannot be mounted here: ", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	s := open(t, rig.Build(t), filepath.Join(dir, "causerie.db"), 20)
	a, _ := s.publish()
	l := s.load(a, 10)
	rounds, length := rig.Size(3, 10), time.Duration(rig.Size(3, 12))*time.Second
	var slowest time.Duration
	failed := 0
	for round := range rounds {
		filler := filepath.Join(dir, fmt.Sprint("filler-", round))
		file, err := os.Create(filler)
		s.must(err)
		block, refused := make([]byte, 1<<20), l.count(503)
		// On a machine that is busy little is sent in this time: the disk stays full until something met that.
		for began := time.Now(); time.Since(began) < length || l.count(503) == refused && time.Since(began) < time.Minute; {
			if _, err := file.Write(block); err != nil {
				block = block[:4096]                                // what others freed
				_, bad := read(t.Context(), a.page, "text/html", 1) // readers are served meanwhile
				failed += bad
				time.Sleep(20 * time.Millisecond)
			}
		}
		file.Close()
		s.must(os.Remove(filler))
		slowest = max(slowest, l.since(time.Now(), 30*time.Second))
	}
	exits := 0
	if s.program.Exited() {
		exits++
	}
	l.stop()
	lost, shown := l.lost(s, a)
	f := s.measure("R-08")
	f.Size("times that the disk was full", rounds)
	f.Sometimes("replies answered 503", l.by[503])
	f.Sometimes("replies acknowledged", len(l.acknowledged))
	f.Judge(func(b *rig.Bars) {
		b.AtMost("acknowledged replies lost", float64(lost), 0)
		b.Note("last of them shown after, s", shown.Seconds())
		b.AtMost("exits", float64(exits), 0)
		b.AtMost("slowest recovery, s", slowest.Seconds(), 10)
		b.AtMost("503 without Retry-After", float64(l.without), 0)
		b.AtMost("pages that failed", float64(failed), 0)
	}, func() { lost++ })
}

// TestR09PostgreSQLStopsAtOnce stops the database as “-m immediate” does, again and again, while replies come in.
func TestR09PostgreSQLStopsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("figures take their time")
	}
	cluster := storetest.NewCluster(t)
	s := open(t, rig.Build(t), cluster.URL(), 20)
	a, _ := s.publish()
	l := s.load(a, 10)
	rounds := rig.Size(3, 20)
	var slowest time.Duration
	failed := 0
	for range rounds {
		time.Sleep(time.Duration(500+s.random.IntN(1500)) * time.Millisecond)
		read(t.Context(), a.page, "text/html", 1) // it is kept from here on
		cluster.Stop()
		_, bad := read(t.Context(), a.page, "text/html", 20)
		failed += bad
		cluster.Start()
		slowest = max(slowest, l.since(time.Now(), 30*time.Second))
	}
	l.stop()
	lost, shown := l.lost(s, a)
	f := s.measure("R-09")
	f.Size("stops of the database", rounds)
	f.Sometimes("replies answered 503", l.by[503])
	f.Sometimes("replies acknowledged", len(l.acknowledged))
	f.Judge(func(b *rig.Bars) {
		b.AtMost("acknowledged replies lost", float64(lost), 0)
		b.Note("last of them shown after, s", shown.Seconds())
		b.AtMost("slowest recovery, s", slowest.Seconds(), 5)
		b.AtMost("503 without Retry-After", float64(l.without), 0)
		b.AtMost("kept pages that failed", float64(failed), 0)
	}, func() { lost++ })
}

// TestR10PostgreSQLHangs pauses the database. Kept pages are served, and the inbox says soon that it cannot.
func TestR10PostgreSQLHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("figures take their time")
	}
	cluster := storetest.NewCluster(t)
	s := open(t, rig.Build(t), cluster.URL(), 20)
	a, _ := s.publish()
	read(t.Context(), a.page, "text/html", 5)
	l := s.load(a, 5)
	time.Sleep(2 * time.Second)
	l.stop()
	read(t.Context(), a.page, "text/html", 5)
	cluster.Pause()
	defer cluster.Resume()
	l2 := s.load(a, 5)
	began := time.Now()
	pages, failed := 0, 0
	for length := time.Duration(rig.Size(8, 30)) * time.Second; time.Since(began) < length; {
		_, bad := read(t.Context(), a.page, "text/html", 1)
		pages, failed = pages+1, failed+bad
		time.Sleep(50 * time.Millisecond)
	}
	cluster.Resume()
	recovered := l2.since(time.Now(), 30*time.Second)
	l2.stop()
	lost, shown := l.lost(s, a)
	f := s.measure("R-10")
	f.Size("pages", pages)
	f.Sometimes("replies answered 503", l2.by[503])
	f.Judge(func(b *rig.Bars) {
		b.AtLeast("share of kept pages served", 1-float64(failed)/float64(pages), 0.99)
		b.AtMost("slowest answer of the inbox, s", l2.slowest.Seconds(), 5)
		b.AtMost("recovered after, s", recovered.Seconds(), 5)
		b.AtMost("acknowledged replies lost", float64(lost), 0)
		b.Note("last of them shown after, s", shown.Seconds())
	}, func() { failed += pages })
}

// TestR11ManyWritersShareSQLite lets readers, authors, commands and other servers write to SQLite at the same time.
func TestR11ManyWritersShareSQLite(t *testing.T) {
	s := open(t, rig.Build(t), storetest.SQLite(t), 20)
	a, _ := s.publish()
	l := s.load(a, 16)
	var working sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rig.Size(8, 600))*time.Second)
	defer cancel()
	var mu sync.Mutex
	saves, runs, troubles := 0, 0, []string{}
	for i := range 16 {
		working.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				var err error
				if i < 4 {
					_, err = s.program.Run("", "article", "list")
				} else {
					id := fmt.Sprintf("01KAV3R8XQZ6M2T4N5P7T%02d%03d", i, n%1000)
					err = s.author.Draft(context.WithoutCancel(ctx), id, fmt.Sprint("Draft ", i, " ", n), "Text.")
				}
				mu.Lock()
				if i < 4 {
					runs++
				} else {
					saves++
				}
				if err != nil {
					troubles = append(troubles, err.Error())
				}
				mu.Unlock()
			}
		})
	}
	working.Wait()
	l.stop()
	locked := strings.Count(s.program.Said.String(), "locked") + strings.Count(strings.Join(troubles, "\n"), "locked")
	lost, shown := l.lost(s, a)
	f := s.measure("R-11")
	f.Size("writers", 32)
	f.Sometimes("drafts saved", saves)
	f.Sometimes("commands", runs)
	f.Sometimes("replies", len(l.acknowledged))
	f.Judge(func(b *rig.Bars) {
		b.AtMost("“database is locked”", float64(locked), 0)
		b.AtMost("writes that failed", float64(len(troubles)), 0)
		b.AtMost("acknowledged replies lost", float64(lost), 0)
		b.Note("last of them shown after, s", shown.Seconds())
	}, func() { locked++ })
	for _, trouble := range troubles[:min(3, len(troubles))] {
		t.Log(trouble)
	}
}

// TestR25AStartWithALongQueueIsQuick starts the program with deliveries to servers that do not exist, and to one that
// does.
func TestR25AStartWithALongQueueIsQuick(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, rig.Build(t), database, 1)
		s.program.Signal(syscall.SIGTERM)
		s.must(s.program.Wait())
		// The same with an empty queue: a machine that is busy starts everything late.
		usual := time.Now()
		s.program.Serve()
		read(t.Context(), s.program.URL+"/", "text/html", 1)
		usualPage := time.Since(usual)
		usualFirst := usualPage + s.deliver(s.people)[0]
		s.program.Signal(syscall.SIGTERM)
		s.must(s.program.Wait())
		hosts := rig.Size(2000, 20_000)
		folder := t.TempDir()
		addFollowers(t, database, hosts)
		queued := 0
		for n := range 5 {
			file := filepath.Join(folder, fmt.Sprintf("queue-%d.md", n))
			s.must(os.WriteFile(file, fmt.Appendf(nil, "---\ntitle: Queue %d\nslug: queue-%d\n---\nText.\n", n, n), 0o600))
			s.program.Must("", "article", "publish", file, "--author", "ilse")
			queued += hosts
		}
		began := time.Now()
		ready := s.program.Serve()
		_, failed := read(t.Context(), s.program.URL+"/", "text/html", 1)
		page := time.Since(began)
		var first time.Duration
		for time.Since(began) < 30*time.Second {
			if len(s.people[0].Server.Received("Create")) > 1 {
				first = time.Since(began)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		stopping := time.Now()
		s.program.Signal(syscall.SIGTERM)
		s.must(s.program.Wait())
		stopped := time.Since(stopping)
		f := s.measure("R-25")
		f.Size("queued", queued)
		f.Sometimes("deliveries before it was stopped", len(s.people[0].Server.Received("Create"))-1)
		f.Judge(func(b *rig.Bars) {
			b.Note("ready after, s", ready.Seconds())
			b.AtMost("first page after, s", page.Seconds(), max(1, 3*usualPage.Seconds()))
			b.AtMost("first delivery after, s", first.Seconds(), max(3, 3*usualFirst.Seconds()))
			b.Note("stopped after, s", stopped.Seconds())
			b.AtMost("pages that failed", float64(failed), 0)
		}, func() { page = time.Minute })
	})
}

// addFollowers gives Ilse a follower on each of so many servers that do not exist.
func addFollowers(t *testing.T, database string, hosts int) {
	t.Helper()
	s, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ilse, err := s.VoiceByHandle(t.Context(), "ilse")
	if err != nil {
		t.Fatal(err)
	}
	err = s.InTx(t.Context(), func(s *store.Store) error {
		for i := range hosts {
			host := fmt.Sprintf("h%d.nowhere.invalid", i)
			a := blog.Actor{ID: "https://" + host + "/users/reader", Type: "Person", Host: host,
				Inbox: "https://" + host + "/users/reader/inbox", SharedInbox: "https://" + host + "/inbox", FetchedAt: time.Now()}
			if err := s.SaveActor(t.Context(), a); err != nil {
				return err
			}
			if _, err := s.Follow(t.Context(), blog.Follower{VoiceID: ilse.ID, ActorID: a.ID, FollowID: a.ID + "#follow",
				State: blog.Accepted, Since: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
