//go:build linux

package rig_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

// blank returns a database without any table.
func blank(t *testing.T, database string) string {
	t.Helper()
	if rig.Database(database) == "sqlite" {
		return filepath.Join(t.TempDir(), "blank.db")
	}
	storetest.Change(t, database, `DROP SCHEMA public CASCADE`)
	storetest.Change(t, database, `CREATE SCHEMA public`)
	return database
}

// TestR28AMigrationThatIsKilledIsFinishedLater kills the first start at any moment. The next one must succeed, and the
// schema be the one of a start that nobody interrupts.
func TestR28AMigrationThatIsKilledIsFinishedLater(t *testing.T) {
	if testing.Short() {
		t.Skip("figures take their time")
	}
	path := rig.Build(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		run, random := rig.NewRun(t, database)
		f := rig.Measure(t, "R-28", run)
		want, length := "", time.Minute
		for range 2 { // the first time, files are read from the disk
			began := time.Now()
			want = rig.NewProgram(t, path, blank(t, database)).Must("", "migrate", "--json")
			length = min(length, time.Since(began))
		}
		kills, halfway, failed, other := rig.Size(3, 100), 0, 0, 0
		for range kills {
			target := blank(t, database)
			p := rig.NewProgram(t, path, target)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(length))))
			p.Command(ctx, "migrate").Run() //nolint:errcheck // it is killed
			cancel()
			status, err := p.Run("", "migrate", "--status", "--json")
			if err == nil && strings.Contains(status, `"done"`) && strings.Contains(status, `"waits"`) {
				halfway++
			}
			got, err := p.Run("", "migrate", "--json")
			if err != nil {
				failed++
				t.Log(err)
			}
			if got != want {
				other++
			}
			p.AddAuthor()
			p.Serve()
			if code, _, err := rig.Get(t.Context(), p.URL+"/@ilse", "text/html"); err != nil || code != http.StatusOK {
				failed++
			}
			p.Kill()
		}
		f.Size("kills", kills)
		f.Size("steps", strings.Count(want, "\n"))
		f.Sometimes("kills", kills)
		f.Judge(func(b *rig.Bars) {
			b.Note("kills between two steps", float64(halfway))
			b.AtMost("starts that failed", float64(failed), 0)
			b.AtMost("other steps than in a whole run", float64(other), 0)
		}, func() { failed++ })
	})
}

// TestR29ANewerDatabaseIsLeftAlone gives the program a database of a version that it does not know.
func TestR29ANewerDatabaseIsLeftAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("figures take their time")
	}
	path := rig.Build(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		run, _ := rig.NewRun(t, database)
		f := rig.Measure(t, "R-29", run)
		p := rig.NewProgram(t, path, database)
		p.AddAuthor()
		storetest.Change(t, database, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`)
		content := func() string {
			if run.Database != "sqlite" {
				return ""
			}
			text, err := os.ReadFile(database)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		before, refused := content(), 0
		commands := [][]string{{"serve", "--listen", p.Address}, {"migrate"}, {"article", "list"}, {"author", "list"}}
		for _, command := range commands {
			if out, err := p.Run("", command...); err != nil && strings.Contains(fmt.Sprint(out, err), "newer version") {
				refused++
			}
		}
		changed := 0
		if content() != before {
			changed++
		}
		f.Size("commands", len(commands))
		f.Sometimes("commands refused", refused)
		f.Judge(func(b *rig.Bars) {
			b.Exactly("commands that say why they refuse", float64(refused), float64(len(commands)))
			b.AtMost("files that were changed", float64(changed), 0)
		}, func() { refused-- })
	})
}
