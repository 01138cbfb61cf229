package storetest

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"causerie/internal/store"
)

// counted are the kept counts: for each, a query that lists what is kept and a query that counts it anew.
var counted = []struct{ what, kept, anew string }{
	{"followers", `SELECT voice_id, accepted, pending, aside, servers FROM follower_counts
		WHERE accepted <> 0 OR pending <> 0 OR aside <> 0 OR servers <> 0`,
		`SELECT f.voice_id, sum(CASE WHEN f.state = 'accepted' THEN 1 ELSE 0 END),
			sum(CASE WHEN f.state = 'pending' THEN 1 ELSE 0 END), sum(CASE WHEN f.state = 'aside' THEN 1 ELSE 0 END),
			count(DISTINCT CASE WHEN f.state = 'accepted' AND p.gone_at IS NULL THEN p.mail_host END)
		FROM followers f JOIN actors p ON p.id = f.actor_id GROUP BY f.voice_id`},
	{"mailboxes of followers", `SELECT voice_id, mailbox, host, n FROM follower_mailboxes`,
		`SELECT f.voice_id, p.mailbox, p.mail_host, count(*) FROM followers f JOIN actors p ON p.id = f.actor_id
		WHERE f.state = 'accepted' AND p.gone_at IS NULL GROUP BY f.voice_id, p.mailbox, p.mail_host`},
	{"servers of followers", `SELECT voice_id, state, host, n FROM follower_servers`,
		`SELECT f.voice_id, f.state, CASE f.state WHEN 'pending' THEN p.host ELSE p.mail_host END AS server, count(*)
		FROM followers f JOIN actors p ON p.id = f.actor_id WHERE p.gone_at IS NULL GROUP BY f.voice_id, f.state, server`},
}

// countTheCounts compares each kept count of a database with its rows, at the end of a test.
func countTheCounts(t testing.TB, url string) {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(url, "postgres") {
		driver = "postgres"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Errorf("count the counts: %v", err)
		return
	}
	defer db.Close()
	checkStore(t, url)
	for _, c := range counted {
		for which, query := range map[string]string{
			"are not kept":  c.anew + ` EXCEPT ` + c.kept,
			"are kept only": c.kept + ` EXCEPT ` + c.anew,
		} {
			var n int
			if err := db.QueryRow(`SELECT count(*) FROM (` + query + `) AS x`).Scan(&n); err != nil {
				t.Errorf("count the %s: %v", c.what, err)
			} else if n > 0 {
				t.Errorf("counts of the %s: %d rows %s", c.what, n, which)
			}
		}
	}
}

// checkStore checks what the store itself can check: the lists of articles and their lengths, and the kept counts of
// comments and reactions.
func checkStore(t testing.TB, url string) {
	t.Helper()
	// The context of the test has ended.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := store.Open(ctx, url)
	if err != nil {
		t.Errorf("count the counts: %v", err)
		return
	}
	defer s.Close()
	wrong, err := s.WrongLists(ctx)
	if err != nil {
		t.Errorf("check the lists of articles: %v", err)
	}
	for _, line := range wrong {
		t.Error(line)
	}
	if wrong, err := s.WrongCounts(ctx); err != nil || len(wrong) > 0 {
		t.Errorf("wrong counts: %q, %v", wrong, err)
	}
}
