package store_test

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// other is another process on a database, which beats until the test closes its store. Then it looks as if it had been
// killed: it gives nothing back.
func other(t *testing.T, url string) *store.Store {
	t.Helper()
	s := open(t, url)
	go s.Beat(t.Context(), time.Now, func() {})
	for range 1000 {
		if n, err := s.Beating(t.Context()); err == nil && n > 0 {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it never beats")
	return nil
}

// TestWhatAKilledProcessLeasedIsFreeSoon needs several processes, so it is about PostgreSQL.
func TestWhatAKilledProcessLeasedIsFreeSoon(t *testing.T) {
	url := storetest.Postgres(t)
	killed := other(t, url)
	s := open(t, url)
	author := ilse(t, s)
	a := fourMinutes(t, s, author.ID)
	friend(t, s, "bram", "veerhuis.example", author.ID)
	addActivity(t, s, a, "Create", 1)
	at := time.Now()
	receive(t, s, "noordkade.example", "https://noordkade.example/1", at)
	if err := s.RequestBackfill(t.Context(), a.ID, at); err != nil {
		t.Fatal(err)
	}
	stale, deliveries := claimed(t, killed, at, false)
	if callers, err := killed.ClaimCallers(t.Context(), at, time.Minute, 5); err != nil || len(callers) != 1 {
		t.Fatal(callers, err)
	}
	if claims, err := killed.ClaimBackfills(t.Context(), "", at, time.Minute, 5); err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	if won, err := killed.ClaimJob(t.Context(), "old-rows", at, time.Hour); err != nil || !won {
		t.Fatal(won, err)
	}
	freed := make(chan struct{}, 1)
	go s.Beat(t.Context(), time.Now, func() { freed <- struct{}{} })
	// It lives, and this process looks at it again and again.
	select {
	case <-freed:
		t.Fatal("a process that beats counts as dead")
	case <-time.After(6 * time.Second):
	}
	if got := hosts(t, s, time.Now(), false); len(got) != 0 {
		t.Fatalf("%v is free although a living process leases it", got)
	}
	began := time.Now()
	killed.Close()
	select {
	case <-freed:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was freed")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	soon := time.Now().Add(time.Millisecond)
	if got := hosts(t, s, soon, false); len(got) != 1 {
		t.Errorf("free are %v", got)
	}
	if callers, err := s.ClaimCallers(t.Context(), soon, time.Minute, 5); err != nil || len(callers) != 1 {
		t.Errorf("callers %v, %v", callers, err)
	}
	if claims, err := s.ClaimBackfills(t.Context(), "", soon, time.Minute, 5); err != nil || len(claims) != 1 {
		t.Errorf("backfills %v, %v", claims, err)
	}
	if won, err := s.ClaimJob(t.Context(), "old-rows", soon, time.Hour); err != nil || !won {
		t.Errorf("its job is done again: %v, %v", won, err)
	}
	// It was only paused, and wakes up: nothing that it writes counts.
	late := open(t, url)
	last := store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: blog.Refused, Code: 400}}
	if err := late.Settle(t.Context(), stale, last, soon); !errors.Is(err, store.ErrLost) {
		t.Errorf("a stale claim settles: %v", err)
	}
	err := late.Renew(t.Context(), stale, soon.Add(time.Hour))
	if !errors.Is(err, store.ErrLost) {
		t.Errorf("a stale claim is renewed: %v", err)
	}
}

// TestALookAtTheQueueReadsNoServersThatRest counts the rows that a claim reads among thousands that rest.
func TestALookAtTheQueueReadsNoServersThatRest(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := open(t, url)
		author := ilse(t, s)
		now := time.Now()
		const n = 5000
		const count = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT `
		for _, rows := range []string{
			`INSERT INTO peers (host, waiting, free_at, freed_at, failures) ` + count + `'s' || i || '.example', TRUE, ?, ?, 3
				FROM n`,
			`INSERT INTO callers (host, waiting, free_at, due_at) ` + count + `'c' || i || '.example', TRUE, ?, ? FROM n`,
		} {
			free, due := now.Add(time.Hour), now.Add(-time.Minute)
			if strings.Contains(rows, "callers") {
				free, due = due, free
			}
			storetest.Change(t, url, rows, free.UTC(), due.UTC())
		}
		storetest.Change(t, url, `INSERT INTO refusals (host, voice_id, failures, since, refused_at, next_at, kind, code,
			answer) `+count+`'s' || i || '.example', '`+string(author.ID)+`', 1, ?, ?, ?, 'Create', 500, '' FROM n`,
			now.UTC(), now.UTC(), now.Add(time.Hour).UTC())
		for _, failing := range []bool{true, false} {
			if got, err := s.ClaimPeers(t.Context(), now, time.Minute, 10, failing); err != nil || len(got) != 0 {
				t.Fatal(got, err)
			}
		}
		if got, err := s.ClaimCallers(t.Context(), now, time.Minute, 10); err != nil || len(got) != 0 {
			t.Fatal(got, err)
		}
		storetest.Change(t, url, `ANALYZE`)
		ahead, long, late := now.Add(2*time.Minute), now.Add(30*time.Hour), now.Add(4*time.Hour)
		looks := map[string][]any{
			"p.failures > 0":          {now, ahead, ahead, long, ahead, ahead, long},
			"p.failures = 0":          {now, ahead, ahead, long},
			"FROM callers p":          {now, ahead, now, now, ahead, late},
			"refusals WHERE next_at ": {now, long, ahead},
		}
		for _, query := range s.Queries() {
			for part, args := range looks {
				if !strings.Contains(query, part) {
					continue
				}
				delete(looks, part)
				if read, plan := rowsOfALook(t, s, strings.HasPrefix(url, "postgres"), query, args); read > n/10 {
					t.Errorf("it reads %d rows:\n%s\n%s", read, query, plan)
				}
			}
		}
		if len(looks) > 0 {
			t.Errorf("these looks were not found: %v", looks)
		}
	})
}

// rowsOfALook is how many rows a query reads, with its plan. SQLite does not say it: a step without a range of an index
// counts as all rows.
func rowsOfALook(t *testing.T, s *store.Store, postgres bool, query string, args []any) (read int, plan string) {
	t.Helper()
	if !postgres {
		lines, err := s.PlanOf(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			// The others are subqueries, which have their own lines.
			switch line {
			case "SCAN p", "SCAN peers", "SCAN callers", "SCAN refusals", "SCAN f":
				read += 5000
			}
			if strings.HasPrefix(line, "SCAN") && strings.Contains(line, "USING") {
				read += 5000
			}
		}
		return read, strings.Join(lines, "\n")
	}
	lines, err := s.Explained(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		for _, what := range rowsInAPlan.FindAllStringSubmatch(line, -1) {
			rows, err := strconv.ParseFloat(what[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			read += int(rows)
		}
	}
	return read, strings.Join(lines, "\n")
}

var rowsInAPlan = regexp.MustCompile(`(?:actual time=\S+ rows=|Rows Removed by (?:Filter|Index Recheck): )([0-9.]+)`)
