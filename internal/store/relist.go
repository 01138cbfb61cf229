package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"causerie/internal/blog"
)

// Lists of articles are rows of article_lists, and their lengths rows of article_counts. Both are derived from the
// articles, their by-lines, tags and texts, and from what was sent about them. Whatever changes those calls relist in
// the same transaction.

// listRow is an article's place in a list.
type listRow struct {
	listName
	At        string // as the database writes it: SQLite knows no times in expressions
	ArticleID blog.ID
}

// listsOf returns the query for the rows of article_lists that the articles of a condition should have. The migration
// 0015 has the same query from before authors were asked and texts had tags, and explains the kinds.
func listsOf(condition string) string {
	return `SELECT kind, voice_id, name, at, article_id FROM (
		WITH one AS (
			SELECT id, voice_id, status, visibility, series_id, COALESCE(published_at, created_at) AS published,
				CASE WHEN status = 'published' THEN COALESCE(published_at, created_at) ELSE saved_at END AS changed,
				status = 'published' AND visibility IN ('public', 'local') AS listed
			FROM articles WHERE ` + condition + `),
		writers AS (
			SELECT id, voice_id FROM one
			UNION SELECT b.article_id, b.voice_id FROM article_authors b JOIN one ON one.id = b.article_id
			WHERE b.voice_id <> '' AND NOT b.asked)
		SELECT 'listed' AS kind, '' AS voice_id, '' AS name, published AS at, id AS article_id FROM one WHERE listed
		UNION ALL SELECT 'listed', w.voice_id, '', published, one.id FROM one JOIN writers w ON w.id = one.id WHERE listed
		UNION ALL SELECT DISTINCT 'tag', '', g.tag, published, id FROM one JOIN article_tags g ON g.article_id = one.id
			WHERE listed
		UNION ALL SELECT 'language', '', t.language, published, id FROM one JOIN article_texts t ON t.article_id = one.id
			AND NOT t.draft WHERE listed
		UNION ALL SELECT 'series', '', series_id, published, id FROM one WHERE listed AND series_id <> ''
		UNION ALL SELECT DISTINCT 'public tag', w.voice_id, g.tag, published, one.id FROM one JOIN writers w ON w.id = one.id
			JOIN article_tags g ON g.article_id = one.id WHERE status = 'published' AND visibility = 'public'
		UNION ALL SELECT 'outbox', s.voice_id, s.id, published, one.id FROM one JOIN objects o
			ON o.article_id = one.id AND o.comment_id = '' AND o.gone_at IS NULL JOIN activities s ON s.object_id = o.id
			AND (s.kind = 'Create' OR s.kind = 'Announce' AND ` + standing + `)
			WHERE status = 'published' AND visibility IN ('public', 'unlisted')
		UNION ALL SELECT status, '', '', changed, id FROM one
		UNION ALL SELECT status, w.voice_id, '', changed, one.id FROM one JOIN writers w ON w.id = one.id) AS derived`
}

// relist puts articles into the lists to which they belong now, and out of all others. It locks them until the
// transaction ends. Call it after every change of an article's row, by-line, tags, languages, objects or activities.
func (s *Store) relist(ctx context.Context, articles ...blog.ID) error {
	if len(articles) == 0 {
		return nil
	}
	// Two transactions may change one article in different tables. The second one waits here, and then sees the first.
	var locked []blog.ID
	if err := s.all(ctx, &locked, `SELECT id FROM articles WHERE id IN (?) ORDER BY id`+s.sql.lockRow(),
		articles); err != nil {
		return err
	}
	var before, after []listRow
	const columns = `SELECT kind, voice_id, name, CAST(at AS TEXT) AS at, article_id FROM `
	if err := s.all(ctx, &before, columns+`article_lists WHERE article_id IN (?)`, articles); err != nil {
		return err
	}
	if err := s.all(ctx, &after, columns+`(`+listsOf(`id IN (?)`)+`) AS n`, articles); err != nil {
		return err
	}
	gone, added := without(before, after), without(after, before)
	for _, r := range gone {
		if err := s.run(ctx, `DELETE FROM article_lists WHERE `+ofList+` AND at = ? AND article_id = ?`,
			append(r.args(), r.At, r.ArticleID)...); err != nil {
			return err
		}
	}
	for _, r := range added {
		if err := s.run(ctx, `INSERT INTO article_lists (kind, voice_id, name, at, article_id) VALUES (?, ?, ?, ?, ?)`,
			append(r.args(), r.At, r.ArticleID)...); err != nil {
			return err
		}
	}
	return s.addToCounts(ctx, gone, added)
}

// without returns the rows of a list that another list does not have.
func without(list, other []listRow) []listRow {
	has := make(map[listRow]bool, len(other))
	for _, r := range other {
		has[r] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(r listRow) bool { return has[r] })
}

// counted returns the list whose length counts the row. The activities of an outbox count together.
func (r listRow) counted() listName {
	if r.Kind == "outbox" {
		r.Name = ""
	}
	return r.listName
}

// addToCounts changes the lengths of lists by the rows that are gone and added.
func (s *Store) addToCounts(ctx context.Context, gone, added []listRow) error {
	type key struct {
		listName
		Month string
	}
	change := map[key]int{}
	count := func(rows []listRow, n int) {
		for _, r := range rows {
			change[key{r.counted(), ""}] += n
			change[key{r.counted(), r.At[:len(monthLayout)]}] += n
		}
	}
	count(gone, -1)
	count(added, 1)
	keys := make([]key, 0, len(change))
	for k, n := range change {
		if n != 0 {
			keys = append(keys, k)
		}
	}
	// All transactions change the rows in this order, so that no two wait for each other.
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.VoiceID, b.VoiceID), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Month, b.Month))
	})
	for _, k := range keys {
		err := s.run(ctx, `INSERT INTO article_counts (kind, voice_id, name, month, n) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (kind, voice_id, name, month) DO UPDATE SET n = article_counts.n + excluded.n`,
			append(k.args(), k.Month, change[k])...)
		if err != nil {
			return err
		}
		if change[k] > 0 {
			continue
		}
		// Without this, every tag that was ever used would keep a row.
		if err := s.run(ctx, `DELETE FROM article_counts WHERE `+ofList+` AND month = ? AND n = 0`,
			append(k.args(), k.Month)...); err != nil {
			return err
		}
	}
	return nil
}

// relistSome is how many articles relistAll takes at once: their ids are arguments of one query.
const relistSome = 500

// relistMany is relist for any number of articles.
func (s *Store) relistMany(ctx context.Context, articles []blog.ID) error {
	for some := range slices.Chunk(articles, relistSome) {
		if err := s.relist(ctx, some...); err != nil {
			return err
		}
	}
	return nil
}

// countsOfLists is the query for the rows that article_counts should have. See counted.
const countsOfLists = `SELECT kind, voice_id, CASE kind WHEN 'outbox' THEN '' ELSE name END AS name,
		substr(CAST(at AS TEXT), 1, 7) AS month, count(*) AS n FROM article_lists GROUP BY 1, 2, 3, 4
	UNION ALL SELECT kind, voice_id, CASE kind WHEN 'outbox' THEN '' ELSE name END, '', count(*) FROM article_lists
	GROUP BY 1, 2, 3`

// words names a list, for the operator.
func (l listName) words() string {
	words := "the list “" + l.Kind + "”"
	if l.Name != "" {
		words += " named “" + l.Name + "”"
	}
	if l.VoiceID != "" {
		words += " of the voice " + string(l.VoiceID)
	}
	return words
}

// RelistAll makes all lists of articles and their lengths anew. It takes as long as the blog is large, and nobody can
// write meanwhile.
func (s *Store) RelistAll(ctx context.Context) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.lockTables(ctx, "articles", "article_authors", "article_tags", "article_texts", "objects",
			"activities"); err != nil {
			return err
		}
		err := s.runAll(ctx, nil, `DELETE FROM article_counts`, `DELETE FROM article_lists`)
		if err == nil {
			err = s.listAll(ctx)
		}
		if err == nil {
			err = s.run(ctx, `INSERT INTO article_counts (kind, voice_id, name, month, n) `+countsOfLists)
		}
		if err != nil {
			return fmt.Errorf("list the articles anew: %w", err)
		}
		return nil
	})
}

// listAll adds the rows of all articles to article_lists, some articles at a time: PostgreSQL ends a statement that
// takes too long.
func (s *Store) listAll(ctx context.Context) error {
	const nextLast = `SELECT id FROM articles WHERE id > ? ORDER BY id LIMIT 1 OFFSET 4999`
	for from := blog.ID(""); ; {
		var to []blog.ID
		if err := s.all(ctx, &to, nextLast, from); err != nil {
			return err
		}
		condition, args := `id > ?`, []any{from}
		if len(to) > 0 {
			condition, args = condition+` AND id <= ?`, append(args, to[0])
		}
		err := s.run(ctx, `INSERT INTO article_lists (kind, voice_id, name, at, article_id) `+listsOf(condition), args...)
		if err != nil || len(to) == 0 {
			return err
		}
		from = to[0]
	}
}

// WrongLists describes where lists of articles or their lengths are not what the articles say, a line each, at most
// ten. It reads all articles.
func (s *Store) WrongLists(ctx context.Context) ([]string, error) {
	const kept, counts = `SELECT kind, voice_id, name, at, article_id FROM article_lists`,
		`SELECT kind, voice_id, name, month, n FROM article_counts`
	var wrong []string
	for _, check := range []struct{ words, query string }{
		{"an article is missing in", listsOf(`1 = 1`) + ` EXCEPT ` + kept},
		{"an article should not be in", kept + ` EXCEPT ` + listsOf(`1 = 1`)},
		{"the length is wrong of", `SELECT kind, voice_id, name, month, n FROM (` + countsOfLists + `) AS counted EXCEPT ` +
			counts},
		{"a length should not be kept of", counts + ` EXCEPT SELECT kind, voice_id, name, month, n FROM (` + countsOfLists +
			`) AS counted`},
	} {
		var lists []listName
		err := s.all(ctx, &lists, `SELECT DISTINCT kind, voice_id, name FROM (`+check.query+`) AS w LIMIT 10`)
		if err != nil {
			return nil, err
		}
		for _, l := range lists {
			wrong = append(wrong, check.words+" "+l.words())
		}
	}
	return wrong[:min(len(wrong), 10)], nil
}

// WrongOutboxes lists the voices for which CountOutbox differs from what the pages of their outboxes have, a line each.
// It reads all activities, and is right only while nobody writes.
func (s *Store) WrongOutboxes(ctx context.Context) ([]string, error) {
	var wrong []string
	var outboxes []struct {
		VoiceID blog.ID
		N       int
	}
	if err := s.all(ctx, &outboxes, `SELECT s.voice_id, count(*) AS n`+publicActivities+
		` AND s.kind IN ('Create', 'Announce') GROUP BY s.voice_id`); err != nil {
		return nil, err
	}
	for _, o := range outboxes {
		if n, err := s.CountOutbox(ctx, o.VoiceID); err != nil || n != o.N {
			wrong = append(wrong, fmt.Sprintf("the outbox of voice “%s” has %d activities, and says %d (%v)", o.VoiceID, o.N,
				n, err))
		}
	}
	return wrong, nil
}
