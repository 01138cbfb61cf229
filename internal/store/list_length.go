package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// listName names a list of article_lists. Its kinds are explained in the migration.
type listName struct {
	Kind    string
	VoiceID blog.ID // "" for the whole blog
	Name    string
}

// ofList is the condition for the rows of a list, in article_lists and in article_counts.
const ofList = `kind = ? AND voice_id = ? AND name = ?`

func (l listName) args() []any { return []any{l.Kind, l.VoiceID, l.Name} }

// monthLayout is the form of article_counts.month.
const monthLayout = "2006-01"

// countList returns how many articles a list has.
func (s *Store) countList(ctx context.Context, l listName) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT n FROM article_counts WHERE `+ofList+` AND month = ''`, l.args()...)
	// An empty list has no row.
	return n, ignoreMissing(err)
}

// monthCount is how many articles of a list are of a month, by UTC.
type monthCount struct {
	Month string
	N     int
}

// begin returns the first moment of the month.
func (m monthCount) begin() (time.Time, error) { return time.Parse(monthLayout, m.Month) }

// listMonths returns the months of a list that have articles, the newest first.
func (s *Store) listMonths(ctx context.Context, l listName) ([]monthCount, error) {
	var months []monthCount
	err := s.all(ctx, &months, `SELECT month, n FROM article_counts WHERE `+ofList+` AND month <> '' ORDER BY month DESC`,
		l.args()...)
	return months, err
}

// longestSkip is the offset up to which the database skips rows itself.
const longestSkip = 200

// skip turns an offset in a list into a moment before which the reading begins, and a smaller offset from there. So a
// page costs the same, however far back it is. A zero time begins at the newest.
func (s *Store) skip(ctx context.Context, f ArticleFilter, l listName, offset int) (time.Time, int, error) {
	months, err := s.listMonths(ctx, l)
	if err != nil {
		return time.Time{}, 0, err
	}
	var pinned []time.Time
	if f.Unpinned {
		if pinned, err = s.pinnedIn(ctx, l); err != nil {
			return time.Time{}, 0, err
		}
	}
	until := time.Time{}
	for _, m := range months {
		begin, err := m.begin()
		if err != nil {
			return until, offset, err
		}
		n := m.N
		for _, at := range pinned {
			if at.UTC().Format(monthLayout) == m.Month {
				n--
			}
		}
		if n > offset {
			break
		}
		until, offset = begin, offset-n
	}
	return until, offset, nil
}

// pinnedIn returns the times of those articles in a list that its voice pinned.
func (s *Store) pinnedIn(ctx context.Context, l listName) ([]time.Time, error) {
	var times []time.Time
	err := s.all(ctx, &times, `SELECT l.at FROM pins n JOIN article_lists l ON l.article_id = n.article_id
		AND l.kind = ? AND l.voice_id = n.voice_id AND l.name = ? WHERE n.voice_id = ?`, l.Kind, l.Name, l.VoiceID)
	return times, err
}

// YearCount is a year of the archive.
type YearCount struct {
	Year   int
	Newer  int // how many listed articles are of later years: the place of its newest one in the list
	Length int // how many are of this year
}

// Years returns the years that have listed articles, the newest first. A year begins by the clock of the zone.
func (s *Store) Years(ctx context.Context, zone *time.Location) ([]YearCount, error) {
	l, _ := ArticleFilter{Listed: true}.list()
	months, err := s.listMonths(ctx, l)
	if err != nil || len(months) == 0 {
		return nil, err
	}
	newest, err := months[0].begin()
	if err != nil {
		return nil, err
	}
	oldest, err := months[len(months)-1].begin()
	if err != nil {
		return nil, err
	}
	var years []YearCount
	newer := 0
	// By another clock, the first and the last day may be of a year before or after.
	for year := newest.Year() + 1; year >= oldest.Year()-1; year-- {
		from, err := s.newerThan(ctx, l, months, time.Date(year, time.January, 1, 0, 0, 0, 0, zone))
		if err != nil {
			return nil, err
		}
		if from > newer {
			years = append(years, YearCount{Year: year, Newer: newer, Length: from - newer})
		}
		newer = from
	}
	return years, nil
}

// newerThan counts the articles of a list that are not older than a moment near the beginning of a month.
func (s *Store) newerThan(ctx context.Context, l listName, months []monthCount, at time.Time) (int, error) {
	at = at.UTC()
	// Most of them are counted by month. Only those between the moment and the month are looked at.
	border := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	if at.Day() > 15 {
		border = border.AddDate(0, 1, 0)
	}
	all := 0
	for _, m := range months {
		if m.Month >= border.Format(monthLayout) {
			all += m.N
		}
	}
	if at.Equal(border) {
		return all, nil
	}
	first, last, sign := at, border, 1
	if border.Before(at) {
		first, last, sign = border, at, -1
	}
	var between int
	err := s.one(ctx, &between, `SELECT count(*) FROM article_lists WHERE `+ofList+` AND at >= ? AND at < ?`,
		append(l.args(), first, last)...)
	return all + sign*between, err
}
