package inbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// queue stores activities as arrivals that wait, all in one commit.
func queue(o *overkant.Blog, activities []map[string]any) {
	o.T.Helper()
	err := o.Store.InTx(o.Soon(), func(s *store.Store) error {
		for i, act := range activities {
			body, err := json.Marshal(act)
			if err != nil {
				return err
			}
			at, actor := time.Now().Add(time.Duration(i)*time.Millisecond), act["actor"].(string)
			if err := s.AddArrival(o.T.Context(), blog.Arrival{ID: blog.NewID(at), Host: blog.HostOf(actor),
				ActivityID: act["id"].(string), Signer: actor, Body: body, At: at}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.T.Fatal(err)
	}
}

// handle handles the arrivals with another inbox, after a restart, while meanwhile runs.
func handle(o *overkant.Blog, meanwhile func()) {
	o.T.Helper()
	ctx, stop := context.WithCancel(o.T.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.AnotherInbox(o.Core).Run(ctx)
	}()
	meanwhile()
	o.Until("no arrival waits", func() bool {
		n, _, err := o.Store.CountWaiting(o.T.Context())
		return err == nil && n == 0
	})
	stop()
	<-ended
}

func TestTheArrivalsOf256ServersAreHandledAtOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		held := hold(o, 257) // before the port of the blog is free
		o.Stop()
		var activities []map[string]any
		for _, server := range held.servers { // each waits for a post there
			activities = append(activities, map[string]any{"id": server + "/create", "type": "Create",
				"actor": server + "/aaf", "object": server + "/1"})
		}
		queue(o, activities)
		handle(o, func() { held.expectAtOnce(256) })
	})
}

func TestFiftyArrivalsOfAServerAreReadAtOnce(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		var reads storetest.Reads
		s, err := store.Open(t.Context(), url, reads.Wrap)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		o := overkant.Start(t, s)
		o.Stop()
		for n, want := range map[int][]int{50: {50}, 51: {50, 1}} {
			var activities []map[string]any
			for i := range n {
				id := fmt.Sprintf("https://veerhuis.example/acts/%d-%d", n, i)
				activities = append(activities, map[string]any{"id": id, "type": "Undo",
					"actor": "https://veerhuis.example/bram", "object": id + "/like"})
			}
			queue(o, activities)
			reads.Take()
			handle(o, func() {})
			var got []int
			for _, read := range reads.Take() {
				if read.By == "Arrivals" && read.Rows > 0 {
					got = append(got, read.Rows)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d arrivals of a server are read as %v, want %v", n, got, want)
			}
		}
	})
}
