package admin

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"causerie/internal/blog"
)

// when formats a time relative to now: "today 12:04", "Friday 09:30", "8 November, 12:04", "8 November 2025, 12:04".
func when(at, now time.Time, zone *time.Location) string {
	at, now = at.In(zone), now.In(zone)
	// Dates are compared in UTC, where each day has 24 hours. A day in the zone may have 23 or 25.
	days := int(midnight(now).Sub(midnight(at)).Round(24*time.Hour) / (24 * time.Hour))
	switch {
	case days == 0:
		return "today " + at.Format("15:04")
	case days == 1:
		return "yesterday " + at.Format("15:04")
	case days == -1:
		return "tomorrow " + at.Format("15:04")
	case days > 1 && days < 7:
		return at.Format("Monday 15:04")
	case at.Year() == now.Year():
		return at.Format("2 January, 15:04")
	}
	return at.Format("2 January 2006, 15:04")
}

// whenAhead formats a future time for the middle of a sentence: "tomorrow 09:00", "on 29 November at 09:00".
func whenAhead(at, now time.Time, zone *time.Location) string {
	words := when(at, now, zone)
	if words[0] < '0' || words[0] > '9' {
		return words
	}
	return "on " + strings.Replace(words, ", ", " at ", 1)
}

// midnight is the start of a date, in UTC.
func midnight(at time.Time) time.Time {
	y, m, day := at.Date()
	return time.Date(y, m, day, 0, 0, 0, 0, time.UTC)
}

// duration formats milliseconds: "12 ms", "0.4 s", "12 s", "3 min".
func duration(ms int64) string {
	switch h := time.Duration(ms) * time.Millisecond; {
	case h < 100*time.Millisecond:
		return fmt.Sprintf("%d ms", ms)
	case h < 10*time.Second:
		return fmt.Sprintf("%.1f s", h.Seconds())
	case h < 2*time.Minute:
		return fmt.Sprintf("%d s", int(h.Seconds()))
	default:
		return fmt.Sprintf("%d min", int(h.Minutes()))
	}
}

// titleOf is the name of an article in the title of a page.
func titleOf(a blog.Article) string { return cmp.Or(a.Title, "No title yet") }

// joinNames joins names as a sentence does: "a, b and c".
func joinNames(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// englishName returns the name of a language in English, which is the language of the admin; the code if it has none.
func englishName(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return code
	}
	return cmp.Or(display.English.Tags().Name(tag), code)
}
