package text

import (
	"errors"
	"strings"
	"time"
)

// timeLayouts are the forms of ISO 8601 that programs write, without a zone last. A fraction of a second may follow the
// seconds in each.
var timeLayouts = func() (list []string) {
	for _, zone := range []string{"Z07:00", "Z0700", " Z07:00", " Z0700", ""} {
		for _, clock := range []string{"T15:04:05", " 15:04:05", "T15:04", " 15:04"} {
			list = append(list, "2006-01-02"+clock+zone)
		}
	}
	return list
}()

var errNoTime = errors.New("it is no time")

// ParseTime reads a time in the form of RFC 3339, or in one of those that programs write in its place: with a blank
// for the T, without seconds, with the zone as +0100 or UTC, or without a zone, which then is the given one.
func ParseTime(written string, zone *time.Location) (time.Time, error) {
	written = strings.ToUpper(strings.TrimSpace(written))
	// Go writes "+0000 UTC", others "UTC" alone.
	if at, utc := strings.CutSuffix(written, "UTC"); utc {
		written, zone = strings.TrimSpace(at), time.UTC
	}
	for _, layout := range timeLayouts {
		if at, err := time.ParseInLocation(layout, written, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errNoTime
}
