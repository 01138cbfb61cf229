//go:build linux

package rig_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"golang.org/x/text/unicode/norm"

	"causerie/internal/blog"
	"causerie/internal/rig"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
	"causerie/migrations"
)

// firstRelease is the oldest schema that a release had.
const firstRelease = 4

// composed is a tag of the articles in an older schema. All have it decomposed, and half of them composed as well.
const composed = "café"

// sqlDB opens a database without the store.
func sqlDB(t *testing.T, database string) *sql.DB {
	t.Helper()
	driver, address := "postgres", database
	if rig.Database(database) == "sqlite" {
		driver, address = "sqlite", "file:"+database+"?_time_format=sqlite&_timezone=UTC&_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// steps are the migrations for a database.
func steps(t *testing.T, database string, db *sql.DB) *goose.Provider {
	t.Helper()
	dialect, others := goose.DialectPostgres, "*.sqlite.sql"
	if rig.Database(database) == "sqlite" {
		dialect, others = goose.DialectSQLite3, "*.postgres.sql"
	}
	names, err := fs.Glob(migrations.Files, others)
	if err != nil {
		t.Fatal(err)
	}
	list, err := goose.NewProvider(dialect, db, migrations.Files, goose.WithExcludeNames(names))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// older returns a new database with the schema of a version and with the rows of a small blog.
func older(t *testing.T, database string, version int64) string {
	t.Helper()
	database = blank(t, database)
	db := sqlDB(t, database)
	defer db.Close()
	list := steps(t, database, db)
	if _, err := list.UpTo(t.Context(), firstRelease); err != nil {
		t.Fatal(err)
	}
	insert := func(table, columns string, n int, row func(i int) string) {
		rows := make([]string, n)
		for i := range rows {
			rows[i] = "(" + row(i) + ")"
		}
		text := "INSERT INTO " + table + " (" + columns + ") VALUES " + strings.Join(rows, ", ")
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	const at = `'2026-11-23 07:00:00'`
	insert("voices", "id, kind, handle, name, private_key, public_key, proof_private_key, proof_key, created_at, "+
		"updated_at", 1, func(int) string {
		return `'ilse', 'author', 'ilse', 'Ilse', 'k', 'k', 'k', 'k', ` + at + `, ` + at
	})
	insert("actors", "id, type, host, domain, inbox, mailbox, mail_host, fetched_at, refresh_at", 40, func(i int) string {
		host := fmt.Sprintf("h%d.example", i%20)
		return fmt.Sprintf(`'https://%[1]s/%[2]d', 'Person', '%[1]s', '%[1]s', 'https://%[1]s/%[2]d/inbox', `+
			`'https://%[1]s/inbox', '%[1]s', %[3]s, %[3]s`, host, i, at)
	})
	insert("followers", "voice_id, actor_id, follow_id, state, since", 40, func(i int) string {
		return fmt.Sprintf(`'ilse', 'https://h%d.example/%d', 'f%d', 'accepted', %s`, i%20, i, i, at)
	})
	insert("articles", "id, voice_id, status, format, visibility, comments, language, object_id, revision, month, "+
		"published_at, created_at, saved_at", 20, func(i int) string {
		return fmt.Sprintf(`'a%d', 'ilse', 'published', 'article', 'public', 'open', 'en', 'o%d', 1, '2026/11', %s, %s, %s`,
			i, i, at, at, at)
	})
	insert("article_texts", "article_id, language, title, markdown, html, plain, slug, words", 20, func(i int) string {
		return fmt.Sprintf(`'a%d', 'en', 'Crossing %d', 'Text.', '<p>Text.</p>', 'Text.', 'crossing-%d', 1`, i, i, i)
	})
	insert("article_tags", "article_id, position, tag, name", 30, func(i int) string {
		if i >= 20 {
			return fmt.Sprintf(`'a%d', 1, '%s', '%s'`, i-20, composed, composed)
		}
		return fmt.Sprintf(`'a%d', 0, '%s', '%s'`, i, norm.NFD.String(composed), norm.NFD.String(composed))
	})
	insert("comments", "id, address, article_id, actor_id, origin, visibility, state, published_at, sorted_at, arrived_at",
		100, func(i int) string {
			return fmt.Sprintf(`'c%03d', 'https://h%d.example/n/%d', 'a%d', 'https://h%d.example/%d', 'pushed', 'public', `+
				`'shown', %s, %s, %s`, i, i%20, i, i%20, i%20, i%20, at, at, at)
		})
	insert("activities", "id, voice_id, kind, object_id, revision, payload, at", 20, func(i int) string {
		return fmt.Sprintf(`'x%d', 'ilse', 'Create', 'o%d', 1, '{}', %s`, i, i, at)
	})
	insert("deliveries", "activity_id, inbox, host, status, settled_at", 400, func(i int) string {
		return fmt.Sprintf(`'x%d', 'https://h%d.example/inbox', 'h%d.example', 'delivered', %s`, i/20, i%20, i%20, at)
	})
	if _, err := list.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	return database
}

// dump returns all rows of all tables but the history of the schema, which has the times of its steps.
func dump(t *testing.T, database string) string {
	t.Helper()
	db := sqlDB(t, database)
	defer db.Close()
	list := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`
	if rig.Database(database) == "postgres" {
		list = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	}
	var text []string
	for _, name := range column(t, db, list) {
		if name == "goose_db_version" {
			continue
		}
		rows := column(t, db, `SELECT * FROM `+name)
		slices.Sort(rows)
		for _, row := range rows {
			text = append(text, name+": "+row)
		}
	}
	slices.Sort(text)
	return strings.Join(text, "\n")
}

// column returns the rows of a query, each as one text.
func column(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, at := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			at[i] = &values[i]
		}
		if err := rows.Scan(at...); err != nil {
			t.Fatal(err)
		}
		var texts []string
		for i, value := range values {
			if raw, ok := value.([]byte); ok {
				value = string(raw)
			}
			if len(names) > 1 {
				value = fmt.Sprint(names[i], "=", value)
			}
			texts = append(texts, fmt.Sprint(value))
		}
		list = append(list, strings.Join(texts, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestR28AKilledMigrationOfAnOlderSchemaIsFinishedLater kills the migration of each older schema, with the rows of a
// blog. The next one must succeed, and leave the rows of one that nobody interrupts.
func TestR28AKilledMigrationOfAnOlderSchemaIsFinishedLater(t *testing.T) {
	if testing.Short() {
		t.Skip("figures take their time")
	}
	path := rig.Build(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		run, random := rig.NewRun(t, database)
		f := rig.Measure(t, "R-28", run)
		db := sqlDB(t, database)
		sources := steps(t, database, db).ListSources()
		newest := sources[len(sources)-1].Version
		db.Close()
		var versions []int64
		for v := int64(firstRelease); v < newest; v++ {
			versions = append(versions, v)
		}
		if !rig.Full() { // the oldest, and some of the others
			random.Shuffle(len(versions)-1, func(i, j int) { versions[i+1], versions[j+1] = versions[j+1], versions[i+1] })
			versions = versions[:4]
		}
		kills, failed, other, cut := 0, 0, 0, 0
		for _, version := range versions {
			whole := older(t, database, version)
			p := rig.NewProgram(t, path, whole)
			began := time.Now()
			p.Must("", "migrate")
			length := time.Since(began)
			want := dump(t, whole)
			for range rig.Size(1, 20) {
				target := older(t, database, version)
				p := rig.NewProgram(t, path, target)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(length))))
				if p.Command(ctx, "migrate").Run() != nil {
					cut++
				}
				cancel()
				kills++
				if _, err := p.Run("", "migrate"); err != nil {
					failed++
					t.Logf("from version %d: %v", version, err)
				}
				if got := dump(t, target); got != want {
					other++
					t.Logf("from version %d: other rows than in a whole run", version)
				}
			}
			if n := strings.Count(want, "comments: "); n != 100 {
				t.Errorf("from version %d: %d comments are left", version, n)
			}
		}
		f.Size("schemas", len(versions))
		f.Size("kills", kills)
		f.Sometimes("migrations cut", cut)
		f.Judge(func(b *rig.Bars) {
			b.AtMost("migrations that failed afterwards", float64(failed), 0)
			b.AtMost("databases with other rows", float64(other), 0)
		}, func() { failed++ })
	})
}

func TestABlockCoversActorsThatAnOlderSchemaHad(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		database = older(t, database, firstRelease)
		s, err := store.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for domain, people := range map[string]int{"h7.example": 2, "example": 40, "7.example": 0} {
			if reach, err := s.Reach(t.Context(), blog.BlockServer, domain); err != nil || reach.People != people {
				t.Errorf("a block of %s reaches %d people, %v; want %d", domain, reach.People, err, people)
			}
		}
	})
}

func TestATagThatAnOlderSchemaKeptDecomposedIsFound(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		database = older(t, database, firstRelease)
		s, err := store.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if tag, err := s.Tag(t.Context(), composed); err != nil || tag.Count != 20 || tag.Name != composed {
			t.Errorf("the tag is %+v, %v", tag, err)
		}
		a, err := s.Article(t.Context(), "a0")
		if want := (blog.Strings{composed}); err != nil || !slices.Equal(a.Tags, want) {
			t.Errorf("an article with both forms has the tags %q, %v", a.Tags, err)
		}
		if wrong, err := s.WrongLists(t.Context()); err != nil || len(wrong) > 0 {
			t.Errorf("wrong: %q, %v", wrong, err)
		}
	})
}
