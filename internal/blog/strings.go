package blog

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// Strings is a short list of texts, stored as JSON in one column.
type Strings []string

// Fields is the table of a profile, stored as JSON in one column.
type Fields []Field

// Value implements driver.Valuer.
func (w Strings) Value() (driver.Value, error) { return toColumn(w, len(w) == 0) }

// Scan implements sql.Scanner.
func (w *Strings) Scan(column any) error { return fromColumn(column, w) }

// Value implements driver.Valuer.
func (f Fields) Value() (driver.Value, error) { return toColumn(f, len(f) == 0) }

// Scan implements sql.Scanner.
func (f *Fields) Scan(column any) error { return fromColumn(column, f) }

func toColumn(list any, empty bool) (driver.Value, error) {
	// "" is the default of these columns.
	if empty {
		return "", nil
	}
	text, err := json.Marshal(list)
	return string(text), err
}

func fromColumn(column, list any) error {
	// A driver may return a text column as a string or as bytes.
	switch text := column.(type) {
	case nil:
		return nil
	case string:
		if text == "" {
			return nil
		}
		return json.Unmarshal([]byte(text), list)
	case []byte:
		return fromColumn(string(text), list)
	}
	return fmt.Errorf("a list cannot be read from a column of %T", column)
}
