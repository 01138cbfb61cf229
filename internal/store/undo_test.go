package store_test

import (
	"database/sql"
	"testing"

	"causerie/internal/store/storetest"
)

// SQLite keeps what undoes a statement in memory at first, and then in a file.
func TestAStatementThatChangesMegabytesIsDoneAndUndone(t *testing.T) {
	url := storetest.SQLite(t)
	process(t, url) // sets how much is kept in memory, for all connections
	db, err := sql.Open("sqlite", "file:"+url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	do := func(statement string) error {
		_, err := tx.ExecContext(t.Context(), statement)
		return err
	}
	for _, statement := range []string{
		`CREATE TABLE large (id INTEGER PRIMARY KEY, other INTEGER UNIQUE, text BLOB)`,
		`INSERT INTO large WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
			SELECT i, i, randomblob(1500) FROM n`,
		`UPDATE large SET other = other + 5000, text = randomblob(1500)`,
	} {
		if err := do(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	// Its last row is refused, so all others must be as before.
	if err := do(`UPDATE large SET other = CASE WHEN id = 3000 THEN 1 ELSE id END, text = randomblob(1500)`); err == nil {
		t.Fatal("two rows have the same number")
	}
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM large WHERE other = id + 5000`).Scan(&n); err != nil || n != 3000 {
		t.Errorf("after a statement that failed, %d of 3000 rows are as before: %v", n, err)
	}
}
