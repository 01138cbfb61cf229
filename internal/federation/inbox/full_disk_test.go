package inbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

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
