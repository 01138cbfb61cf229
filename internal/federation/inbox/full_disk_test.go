package inbox_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/overkant"
	"causerie/internal/store/storetest"
)

// Replies arrive while the disk is full. A long one needs room that is not there, so its server is told to come again.
func TestT235AFullDiskLosesNothingAndEndsByItself(t *testing.T) {
	s, disk := storetest.OnDisk(t)
	o := overkant.Start(t, s)
	a, bram := o.Publish(), o.Server("veerhuis").Person("bram")
	o.PostExpecting(bram, o.UnfetchableReply(bram, a, "before"), http.StatusAccepted)
	reply := func(name string) map[string]any {
		act := o.UnfetchableReply(bram, a, name)
		act["object"].(map[string]any)["content"] = "<p>" + strings.Repeat("The water is high. ", 1000) + "</p>"
		return act
	}

	disk.Fill()
	var mu sync.Mutex
	accepted, refused := 1, 0
	var all sync.WaitGroup
	for i := range 40 { // at once, so that they share transactions
		all.Go(func() {
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), reply(fmt.Sprint("during-", i)))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case answer.Status == http.StatusAccepted:
				accepted++
			case answer.Status == http.StatusServiceUnavailable:
				refused++
			default:
				t.Errorf("reply %d: %d, want 202 or 503", i, answer.Status)
			}
		})
	}
	all.Wait()
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	if got := len(o.Comments(a)); got != accepted {
		t.Errorf("%d comments, %d were accepted", got, accepted)
	}
	if code, _, _ := o.Get(o.Path(o.Object(a)), overkant.AsMastodon); code != http.StatusOK {
		t.Errorf("a reader gets %d", code)
	}

	disk.Free()
	for i := range 40 {
		o.PostExpecting(bram, reply(fmt.Sprint("during-", i)), http.StatusAccepted)
	}
	o.Until("all are there, once each", func() bool { return len(o.Comments(a)) == 41 })
}

// An arrival in the queue is tried while the disk is full. That must not cost it an attempt, nor a minute of rest.
func TestT235AnArrivalDoesNotPayForAFullDisk(t *testing.T) {
	s, disk := storetest.OnDisk(t)
	var log overkant.Log
	o := overkant.Start(t, s, func(core *federation.Core) { core.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	a, bram := o.Publish(), o.Server("veerhuis").Person("bram")
	o.PostExpecting(bram, o.UnfetchableReply(bram, a, "before"), http.StatusAccepted)
	said := func(text string) bool {
		log.Mu.Lock()
		defer log.Mu.Unlock()
		return strings.Contains(log.Text.String(), text)
	}

	tried := 0
	for n := 0; tried == 0 && n < 10; n++ { // the inbox may look between the two lines that follow
		// The activity is short, so that the attempt can be counted. The post that it names needs room.
		note := bram.Server.ServeDocument(fmt.Sprint("/long/", n), map[string]any{"type": "Note",
			"attributedTo": bram.ID, "inReplyTo": o.Object(a), "to": "https://www.w3.org/ns/activitystreams#Public",
			"content": "<p>" + strings.Repeat("The water is high. ", 3000) + "</p>"})
		act := map[string]any{"id": note + "#create", "type": "Create", "actor": bram.ID, "object": note}
		prepared, err := bram.Prepare(o.Site.SharedInbox(), act)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddArrival(t.Context(), blog.Arrival{ID: blog.NewID(time.Now()), Host: bram.Server.Host,
			ActivityID: note + "#create", Signer: bram.ID, Body: prepared.Body, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		disk.Fill()
		o.Until("the arrival was tried", func() bool { return said(note) || len(o.Comments(a)) == n+2 })
		if said(note) {
			tried = n + 2
		}
		time.Sleep(2 * time.Second) // it is tried again meanwhile
		disk.Free()
	}
	if tried == 0 {
		t.Fatal("the disk was never full")
	}
	o.Until("it is handled", func() bool { return len(o.Comments(a)) == tried })
	if n, _, err := s.CountWaiting(t.Context()); err != nil || n != 0 {
		t.Errorf("%d arrivals wait: %v", n, err)
	}
}
