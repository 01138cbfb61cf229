package blog

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// Strings is a short list of texts kept in one column, as JSON.
type Strings []string

// Fields is a profile's table kept in one column, as JSON.
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
	if empty {
		return "", nil
	}
	text, err := json.Marshal(list)
	return string(text), err
}

func fromColumn(column, list any) error {
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
