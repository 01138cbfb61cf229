package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// keptCount is a table of counts that triggers keep, and the query that counts them anew.
type keptCount struct {
	table  string
	keys   []string
	values []string
	anew   string // selects the keys and the values
	strict bool   // a row whose values are all 0 is wrong, because rows are counted; elsewhere it does not matter
}

// countedComment is the condition of visible for rows that are shown, for a count that joins the writer as p.
const (
	countedComment  = `c.state = 'shown' AND c.visibility <> 'restricted' AND COALESCE(p.block, '') <> 'refuse'`
	commentsCounted = ` FROM comments c LEFT JOIN actors p ON p.id = c.actor_id WHERE ` + countedComment
	targetOf        = `CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END`
)

const (
	followersCounted = ` FROM followers f JOIN actors p ON p.id = f.actor_id`
	followerServer   = `CASE f.state WHEN 'pending' THEN p.host ELSE p.mail_host END`
)

// countedReactions are the reactions that count, by target, kind, emoji and writer p.
const countedReactions = ` FROM (
	SELECT DISTINCT ` + targetOf + ` AS target_id, CASE r.kind WHEN 'boost' THEN 'boost' ELSE 'like' END AS kind,
		'' AS emoji, r.actor_id FROM reactions r
	UNION ALL SELECT ` + targetOf + `, 'emoji', r.emoji, r.actor_id FROM reactions r WHERE r.kind = 'emoji') AS x
	JOIN actors p ON p.id = x.actor_id AND p.block = ''`

// keptCounts are in the order in which they can be filled: the counts of people and servers change those of articles
// and voices.
var keptCounts = []keptCount{
	{"repliers", []string{"article_id", "actor_id"}, []string{"n"},
		`SELECT c.article_id, c.actor_id, count(*)` + commentsCounted + ` AND c.kind = '' AND c.actor_id <> ''
		GROUP BY c.article_id, c.actor_id`, false},
	{"replier_servers", []string{"article_id", "host"}, []string{"n"},
		`SELECT c.article_id, p.host, count(DISTINCT c.actor_id)` + commentsCounted + ` AND c.kind = '' AND p.id IS NOT NULL
		GROUP BY c.article_id, p.host`, false},
	{"conversation_counts", []string{"article_id"}, []string{"replies", "direct", "mentions", "people", "servers"},
		`SELECT c.article_id, sum(CASE c.kind WHEN '' THEN 1 ELSE 0 END),
			sum(CASE WHEN c.kind = '' AND c.parent_id = '' THEN 1 ELSE 0 END), sum(CASE c.kind WHEN '' THEN 0 ELSE 1 END),
			count(DISTINCT CASE WHEN c.kind = '' AND c.actor_id <> '' THEN c.actor_id END),
			count(DISTINCT CASE WHEN c.kind = '' THEN p.host END)` + commentsCounted + ` GROUP BY c.article_id`, false},
	{"threads", []string{"article_id", "sorted_at", "root_id"}, []string{"n", "removed", "own"},
		`SELECT c.article_id, r.sorted_at, r.id, sum(CASE c.state WHEN 'shown' THEN 1 ELSE 0 END),
			sum(CASE c.state WHEN 'removed' THEN 1 ELSE 0 END),
			sum(CASE WHEN c.state = 'shown' AND c.voice_id <> '' THEN 1 ELSE 0 END)
		FROM comments c JOIN comments r ON r.id = CASE c.root_id WHEN '' THEN c.id ELSE c.root_id END
		LEFT JOIN actors p ON p.id = c.actor_id
		WHERE c.state IN ('shown', 'removed') AND c.visibility <> 'restricted' AND COALESCE(p.block, '') <> 'refuse'
		GROUP BY c.article_id, r.sorted_at, r.id`, false},
	{"reaction_servers", []string{"target_id", "kind", "emoji", "host"}, []string{"n"},
		`SELECT x.target_id, x.kind, x.emoji, p.host, count(*)` + countedReactions + ` GROUP BY x.target_id, x.kind, x.emoji,
			p.host`, false},
	{"target_counts", []string{"target_id", "kind", "emoji"}, []string{"n"},
		`SELECT x.target_id, x.kind, x.emoji, count(*)` + countedReactions + ` GROUP BY x.target_id, x.kind, x.emoji
		UNION ALL SELECT c.parent_id, 'reply', '', count(*)` + commentsCounted + ` AND c.kind = '' AND c.parent_id <> ''
		GROUP BY c.parent_id`, false},
	{"comment_totals", []string{"voice_id", "state", "private"}, []string{"n", "listed"},
		`SELECT a.voice_id, c.state, c.visibility = 'restricted', count(*),
			sum(CASE WHEN ` + countedComment + ` AND ` + listed + ` THEN 1 ELSE 0 END)
		FROM comments c JOIN articles a ON a.id = c.article_id LEFT JOIN actors p ON p.id = c.actor_id
		GROUP BY a.voice_id, c.state, c.visibility = 'restricted'`, false},
	{"follower_mailboxes", []string{"voice_id", "mailbox", "host"}, []string{"n"},
		`SELECT f.voice_id, p.mailbox, p.mail_host, count(*)` + followersCounted + ` WHERE f.state = 'accepted' AND
		p.gone_at IS NULL GROUP BY f.voice_id, p.mailbox, p.mail_host`, true},
	{"follower_servers", []string{"voice_id", "state", "host"}, []string{"n"},
		`SELECT f.voice_id, f.state, ` + followerServer + `, count(*)` + followersCounted + ` WHERE p.gone_at IS NULL
		GROUP BY f.voice_id, f.state, ` + followerServer, true},
	{"follower_counts", []string{"voice_id"}, []string{"accepted", "pending", "aside", "servers"},
		`SELECT f.voice_id, sum(CASE f.state WHEN 'accepted' THEN 1 ELSE 0 END),
			sum(CASE f.state WHEN 'pending' THEN 1 ELSE 0 END), sum(CASE f.state WHEN 'aside' THEN 1 ELSE 0 END),
			count(DISTINCT CASE WHEN f.state = 'accepted' AND p.gone_at IS NULL THEN p.mail_host END)` +
			followersCounted + ` GROUP BY f.voice_id`, false},
}

// kept selects the keys and values as they are kept.
func (k keptCount) kept() string {
	var sums, some []string
	for _, value := range k.values {
		sums, some = append(sums, `sum(`+value+`)`), append(some, `sum(`+value+`) <> 0`)
	}
	keys := strings.Join(k.keys, ", ")
	query := `SELECT ` + keys + `, ` + strings.Join(sums, ", ") + ` FROM ` + k.table + ` GROUP BY ` + keys
	if k.strict {
		return query
	}
	return query + ` HAVING ` + strings.Join(some, " OR ")
}

// WrongCounts counts everything anew of which counts are kept, and lists the tables with rows that differ, each with
// the number of these rows. It reads all comments, reactions and followers.
func (s *Store) WrongCounts(ctx context.Context) ([]string, error) {
	var wrong []string
	for _, k := range keptCounts {
		var n int
		err := s.one(ctx, &n, `SELECT count(*) FROM (SELECT * FROM (`+k.anew+` EXCEPT `+k.kept()+`) AS missing
			UNION ALL SELECT * FROM (`+k.kept()+` EXCEPT SELECT * FROM (`+k.anew+`) AS anew) AS wrong) AS differ`)
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", k.table, err)
		}
		if n > 0 {
			wrong = append(wrong, fmt.Sprintf("%s (%d)", k.table, n))
		}
	}
	return wrong, nil
}

// Recount counts everything anew of which counts are kept. Nobody can write meanwhile.
func (s *Store) Recount(ctx context.Context) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.lockTables(ctx, "articles", "actors", "comments", "reactions", "followers"); err != nil {
			return err
		}
		for _, k := range keptCounts {
			err := s.run(ctx, `DELETE FROM `+k.table)
			if err == nil {
				err = s.run(ctx, `INSERT INTO `+k.table+` (`+strings.Join(slices.Concat(k.keys, k.values), ", ")+`) `+k.anew)
			}
			if err != nil {
				return fmt.Errorf("count %s anew: %w", k.table, err)
			}
		}
		return nil
	})
}

// lockTables keeps others from writing to tables until the transaction ends.
func (s *Store) lockTables(ctx context.Context, tables ...string) error {
	statement := s.sql.lockTables(tables)
	if statement == "" {
		return nil
	}
	return s.run(ctx, statement)
}
