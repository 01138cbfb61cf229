package main

import (
	"database/sql"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

// The server that delivers is another process than the one that publishes: it must hear of the commit, not find it
// when it looks the next time.
func TestTheFirstDeliveryLeavesWithin100msOfACommitByTheCLI(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		s.ilse(bram)
		driver, source := "sqlite", "file:"+database+"?_pragma=busy_timeout(10000)&_pragma=query_only(1)"
		if strings.HasPrefix(database, "postgres") {
			driver, source = "postgres", database
		}
		db, err := sql.Open(driver, source)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var waits, trips []time.Duration
		const rounds = 7
		for n := range rounds {
			// What this machine needs for anything at the moment.
			asked := time.Now()
			if answer, err := http.Get("http://" + veerhuis.Host + "/.well-known/nodeinfo"); err != nil {
				t.Fatal(err)
			} else {
				answer.Body.Close()
			}
			trips = append(trips, time.Since(asked))
			name := "round-" + strconv.Itoa(n) + ".md"
			program := exec.Command(os.Args[0], s.args("article", "publish", write(t, name,
				strings.Replace(ferry, "Four", "Number "+strconv.Itoa(n)+", four", 1)), "--author", "ilse")...)
			program.Env = append(os.Environ(), asProgram+"=1")
			var said output
			program.Stdout, program.Stderr = &said, &said
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			// The commit was after the last look that did not see it.
			before := time.Now()
			for seen := 0; seen <= n; {
				asked := time.Now()
				if err := db.QueryRow(`SELECT count(*) FROM activities WHERE kind = 'Create'`).Scan(&seen); err != nil {
					t.Fatal(err)
				}
				if seen <= n {
					before = asked
				}
				if s.ctx.Err() != nil {
					t.Fatalf("nothing was published: %s", said.String())
				}
				time.Sleep(time.Millisecond)
			}
			var first fedtest.Delivery
			s.wait("the article is delivered", func() bool {
				all := slices.DeleteFunc(veerhuis.Deliveries(), func(d fedtest.Delivery) bool { return d.Type != "Create" })
				if len(all) > n {
					first = all[n]
				}
				return len(all) > n
			})
			if !first.Accepted() {
				t.Errorf("the first delivery was not accepted: %d %s", first.Status, first.Fault)
			}
			waits = append(waits, first.At.Sub(before))
			if err := program.Wait(); err != nil {
				t.Fatalf("publish: %v: %s", err, said.String())
			}
		}
		slices.Sort(waits)
		slices.Sort(trips)
		limit := 100*time.Millisecond + 10*trips[rounds/2]
		t.Logf("delivered after %v; a round trip took %v, so the limit is %v", waits, trips[rounds/2], limit)
		// Without hints it would look every 300 ms, and wait 150 ms in the middle.
		if waits[rounds/2] > limit {
			t.Errorf("half of the first deliveries left later than %v after the commit", waits[rounds/2])
		}
	})
}
