package storetest

import (
	"database/sql"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Change runs a statement without the store, for what only months would bring about, such as old times in rows. It
// has ? for arguments, whatever the database.
func Change(t testing.TB, url, statement string, args ...any) {
	t.Helper()
	// The times must be written as the store's own connections write them, or SQLite compares them wrongly.
	driver, address := "sqlite", "file:"+url+"?_time_format=sqlite&_timezone=UTC&_pragma=busy_timeout(10000)"
	if strings.HasPrefix(url, "postgres") {
		driver, address = "postgres", url
		for n := 1; strings.Contains(statement, "?"); n++ {
			statement = strings.Replace(statement, "?", "$"+strconv.Itoa(n), 1)
		}
	}
	for i, arg := range args {
		if at, ok := arg.(time.Time); ok {
			// Both databases keep microseconds.
			args[i] = at.UTC().Truncate(time.Microsecond)
		}
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
