package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// grow fills an empty database: articles of one author, each with as many comments, two reactions and a delivery to
// each of three servers. Of twenty comments one waits, one is hidden and one is a mention.
func grow(t *testing.T, url string, s *store.Store, articles, comments int) {
	t.Helper()
	author := ilse(t, s)
	ago := `strftime('%Y-%m-%d %H:%M:%S+00:00', '2026-11-16 15:00:00', '-' || i || ' minutes')`
	if strings.HasPrefix(url, "postgres") {
		ago = `TIMESTAMP '2026-11-16 15:00:00' - i * INTERVAL '1 minute'`
	}
	const count = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < `
	for _, step := range []struct {
		rows         int
		into, values string
		args         []any
	}{
		{articles, `articles (id, voice_id, status, format, visibility, comments, language, month, object_id, revision, ` +
			`published_at, created_at, saved_at)`,
			`'a' || i, '` + string(author.ID) + `', 'published', 'article', 'public', 'open', 'en', '2026-11', 'o' || i, 1, ` +
				ago + `, ` + ago + `, ` + ago, nil},
		{articles, `article_texts (article_id, language, title, slug)`,
			`'a' || i, 'en', 'Crossing ' || i, 'crossing-' || i`, nil},
		{articles, `article_bodies (article_id, language, body)`, `'a' || i, 'en', ?`,
			[]any{[]byte(fmt.Sprintf("%d %d\n%s%s%s", len(long), len(long), long, long, long))}},
		{articles, `slugs (slug, article_id, language, is_current)`, `'crossing-' || i, 'a' || i, 'en', TRUE`, nil},
		{articles, `article_tags (article_id, language, position, tag, name)`, `'a' || i, '', 0, 'rivers', 'Rivers'`, nil},
		{articles, `objects (id, article_id, payload, revision, at)`, `'o' || i, 'a' || i, ?, 1, ?`,
			[]any{[]byte("{}"), now}},
		{articles, `activities (id, voice_id, kind, object_id, revision, payload, at)`,
			`'e' || i, '` + string(author.ID) + `', 'Create', 'o' || i, 1, ?, ?`, []any{[]byte("{}"), now}},
		{articles, `actors (id, type, host, domain, inbox, mailbox, mail_host, fetched_at, refresh_at)`,
			`'https://h' || i || '.example/reader', 'Person', 'h' || i || '.example', 'h' || i || '.example',
			'https://h' || i || '.example/inbox',
			'https://h' || i || '.example/inbox', 'h' || i || '.example', ?, ?`, []any{now, now.Add(time.Hour)}},
		{articles, `followers (voice_id, actor_id, follow_id, state, since)`,
			`'` + string(author.ID) + `', 'https://h' || i || '.example/reader', 'f' || i, 'accepted', ?`, []any{now}},
		{articles, `peers (host, free_at, last_success)`, `'h' || i || '.example', ?, ?`, []any{now, now}},
		{articles * 3, `deliveries (activity_id, inbox, host, attempts, status, settled_at)`,
			`'e' || (1 + i % ` + strconv.Itoa(articles) +
				`), 'https://h' || (1 + i % 97) || '.example/inbox' || i, 'h' || (1 + i % 97) || '.example', 1, 'delivered', ?`,
			[]any{now}},
		{articles * 2, `reactions (id, address, kind, actor_id, article_id, at)`,
			`'r' || i, 'https://h.example/r' || i, 'like', 'https://h' || (1 + i % 97) || '.example/reader', 'a' || (1 + i % ` +
				strconv.Itoa(articles) + `), ?`, []any{now}},
		{comments, `comments (id, address, article_id, owner_id, kind, actor_id, origin, visibility, state, html, plain, ` +
			`published_at, sorted_at, arrived_at)`,
			`'c' || i, 'https://h.example/c' || i, 'a' || (1 + i % ` + strconv.Itoa(articles) + `), '` + string(author.ID) +
				`', CASE WHEN i % 20 = 7 THEN 'mention' ELSE '' END,
			'https://h' || (1 + i % 97) || '.example/reader', 'pushed', 'public',
			CASE i % 20 WHEN 3 THEN 'waiting' WHEN 5 THEN 'hidden' ELSE 'shown' END, ?, ?, ` +
				ago + `, ` + ago + `, ` + ago, []any{long[:500], long[:500]}},
	} {
		storetest.Change(t, url, `INSERT INTO `+step.into+` `+count+strconv.Itoa(step.rows)+`) SELECT `+step.values+` FROM n`,
			step.args...)
	}
	if err := s.RelistAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(url, "postgres") {
		storetest.Change(t, url, `VACUUM ANALYZE`) // autovacuum does so within a minute
	}
}

var long = strings.Repeat("The ferry comes when you ring. ", 100)

// grown returns a blog of a given size.
func grown(t *testing.T, url string, articles, comments int) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	grow(t, url, s, articles, comments)
	return s
}

func TestCountsOfAPageTakeNoLongerInALargeBlog(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			var page []blog.ID
			for i := range 20 {
				page = append(page, blog.ID("a"+strconv.Itoa(i+1)))
			}
			took := func(s *store.Store) time.Duration {
				best := time.Hour
				for range 20 {
					began := time.Now()
					counts, err := s.Counts(t.Context(), page)
					if err != nil || len(counts) != 20 || counts["a2"].Replies != 10 || counts["a2"].Likes != 2 {
						t.Fatalf("counts of %d articles, %+v, %v", len(counts), counts["a2"], err)
					}
					best = min(best, time.Since(began))
				}
				return best
			}
			small := took(grown(t, url(t), 100, 1000))
			large := took(grown(t, url(t), 3000, 30_000))
			t.Logf("a small blog %v, a large one %v", small, large)
			// Walking all comments takes seconds. Below some milliseconds a busy machine decides.
			if large > 3*max(small, 5*time.Millisecond) {
				t.Errorf("the counts of 20 articles take %v among 3,000 articles, and %v among 100", large, small)
			}
		})
	}
}

// plans returns SQLite's query plan for each query that a method of the store runs, one line for each table.
func plans(t *testing.T, url string, do func(*store.Store) error) (lines []string) {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := do(s); err != nil {
		t.Fatal(err)
	}
	for _, query := range s.Queries() {
		lines = append(lines, plan(t, url, query)...)
	}
	return lines
}

func plan(t *testing.T, url, query string) (lines []string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`EXPLAIN QUERY PLAN `+query, make([]any, strings.Count(query, "?"))...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// hot is what is asked for pages, feeds and other servers, and by what of the comments it finds them.
var hot = map[string]struct {
	ask  func(context.Context, *store.Store) error
	find string // "" where any will do that is not by their state
}{
	"all comments under an article": {func(ctx context.Context, s *store.Store) error {
		_,
			err := s.PublicComments(ctx, "a1")
		return err
	}, "INDEX comments_article"},
	"answers page by page": {func(ctx context.Context, s *store.Store) error {
		_, err := s.RepliesTo(ctx, store.ReplyFilter{Article: "a1", Limit: 9})
		return err
	}, "INDEX comments_parent"},
	"a conversation": {func(ctx context.Context, s *store.Store) error {
		_, err := s.Conversation(ctx, "a1", "", 9)
		return err
	}, "INDEX comments_article"},
	"where a conversation goes on": {func(ctx context.Context, s *store.Store) error {
		_, err := s.UnreadLists(ctx, "a1", now, 9)
		return err
	}, ""},
	"the feed of comments": {func(ctx context.Context, s *store.Store) error {
		_,
			err := s.NewestComments(ctx, 50)
		return err
	}, "INDEX comments_newest"},
	"an article's comments, for moderators": {func(ctx context.Context, s *store.Store) error {
		_, err := s.Comments(ctx, store.CommentFilter{Article: "a1", Limit: 50})
		return err
	}, ""},
}

func TestNoPageReadsAllCommentsOnSQLite(t *testing.T) {
	url := storetest.SQLite(t)
	s := grown(t, url, 300, 3000)
	check := func(t *testing.T) {
		for name, q := range hot {
			found := false
			for _, line := range plans(t, url, func(s *store.Store) error { return q.ask(t.Context(), s) }) {
				if strings.HasPrefix(line, "SCAN c") && (q.find == "" || !strings.HasSuffix(line, q.find)) ||
					strings.Contains(line, "comments_state") {
					t.Errorf("%s: %s", name, line)
				}
				found = found || strings.Contains(line, " c USING "+q.find)
			}
			if !found {
				t.Errorf("%s: not by %s", name, q.find)
			}
		}
		waiting := plans(t, url, func(s *store.Store) error {
			_, err := s.Comments(t.Context(), store.CommentFilter{States: []blog.CommentState{blog.CommentWaiting}, Limit: 50})
			return err
		})
		if len(waiting) == 0 || !strings.Contains(waiting[0], "INDEX comments_state (state=?)") {
			t.Errorf("what waits for a moderator is found by %q", waiting)
		}
	}
	t.Run("without statistics", check)
	if err := s.RenewStatistics(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("with statistics", check)
}

func TestOpenConnectionsLearnTheStatistics(t *testing.T) {
	url := storetest.SQLite(t)
	s := grown(t, url, 300, 3000)
	if _, err := s.Usage(t.Context()); err != nil { // a reader is open now
		t.Fatal(err)
	}
	const few = `SELECT 1 FROM comments c WHERE c.state = 'shown' AND c.actor_id = ''`
	byState := func() bool {
		list, err := s.PlanOf(t.Context(), few)
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		return strings.Contains(list[0], "comments_state")
	}
	if !byState() {
		t.Fatal("the query tells nothing of the statistics")
	}
	if err := s.RenewStatistics(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Usage(t.Context()); err != nil { // a plan alone does not look whether there is something new
		t.Fatal(err)
	}
	if byState() {
		t.Error("a connection that was open does not know the statistics")
	}
}
