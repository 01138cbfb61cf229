package store

import (
	"context"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

// counted is the condition that leaves out the reactions r of limited and blocked actors.
const counted = `NOT EXISTS (SELECT 1 FROM actors blocked WHERE blocked.id = r.actor_id AND blocked.block <> '')`

// AddReaction saves a reaction. It returns false when the same actor has the same reaction to the target already.
func (s *Store) AddReaction(ctx context.Context, r blog.Reaction) (bool, error) {
	var n int64
	err := s.InTx(ctx, func(s *Store) (err error) {
		n, err = s.exec(ctx, `
			INSERT INTO reactions (id, address, kind, actor_id, article_id, comment_id, emoji, at) VALUES (?, ?, ?, ?, ?, ?,
			?, ?)
			ON CONFLICT DO NOTHING`, r.ID, r.Address, r.Kind, r.ActorID, r.ArticleID, r.CommentID, r.Emoji, r.At)
		if n > 0 {
			s.mark(changes.Article(r.ArticleID))
		}
		return err
	})
	return n > 0, err
}

// UndoReaction deletes the reaction of an actor by the id of its activity.
func (s *Store) UndoReaction(ctx context.Context, actor, address string) error {
	return s.InTx(ctx, func(s *Store) error {
		var articles []blog.ID
		err := s.all(ctx, &articles, `DELETE FROM reactions WHERE actor_id = ? AND address = ? RETURNING article_id`, actor,
			address)
		if err == nil && len(articles) == 0 {
			return blog.ErrNotFound
		}
		for _, article := range articles {
			s.mark(changes.Article(article))
		}
		return err
	})
}

// UndoReactionTo deletes an actor's reactions of some kinds to a target. It serves an Undo that does not name the
// activity.
func (s *Store) UndoReactionTo(ctx context.Context, actor string, article, comment blog.ID,
	kinds ...blog.ReactionKind) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Article(article))
		return s.execOne(ctx, `DELETE FROM reactions WHERE actor_id = ? AND article_id = ? AND comment_id = ? AND kind IN
			(?)`,
			actor, article, comment, texts(kinds))
	})
}

// texts converts a list for IN (?), which takes strings only.
func texts[T ~string](list []T) []string {
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = string(word)
	}
	return words
}

// Reactions lists at most limit reactions to an article itself, newest first.
func (s *Store) Reactions(ctx context.Context, article blog.ID, limit int) ([]blog.Reaction, error) {
	changes.Note(ctx, changes.Article(article))
	var list []blog.Reaction
	err := s.all(ctx, &list, `
		SELECT r.id, r.address, r.kind, r.actor_id, r.article_id, r.comment_id, r.emoji, r.at FROM reactions r
		WHERE r.article_id = ? AND r.comment_id = '' AND `+counted+`
		ORDER BY r.at DESC, r.id DESC LIMIT ?`, article, min(limit, 1000))
	return list, err
}

// mostEmojiRows limits the counts among which Emojis finds the most used ones.
const mostEmojiRows = 200

// Emojis counts the emoji reactions to an article itself, most used first. Each server's actors count as in Counts.
func (s *Store) Emojis(ctx context.Context, article blog.ID, limit int) ([]blog.EmojiCount, error) {
	changes.Note(ctx, changes.Article(article))
	var rows []targetCount
	// Anybody can react with thousands of different emojis, so this looks only at the most used ones.
	err := s.all(ctx, &rows, selectTargets+`t.target_id = ? AND t.kind = 'emoji' AND t.emoji IN (
		SELECT m.emoji FROM target_counts m WHERE m.target_id = ? AND m.kind = 'emoji' ORDER BY m.n DESC LIMIT ?)
		GROUP BY t.target_id, t.kind, t.emoji HAVING sum(t.n) > 0 ORDER BY 4 DESC, t.emoji LIMIT ?`,
		article, article, mostEmojiRows, limit)
	list := make([]blog.EmojiCount, len(rows))
	for i, row := range rows {
		list[i] = blog.EmojiCount{Emoji: row.Emoji, N: blog.CountFairly(row.Total, row.Most)}
	}
	return list, err
}

// Counts returns the numbers under the titles of articles. It counts only what readers may see. An emoji reaction
// counts as a like, and blog.CountFairly limits the actors of one server.
func (s *Store) Counts(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Counts, error) {
	counts := map[blog.ID]blog.Counts{}
	if len(ids) == 0 {
		return counts, nil
	}
	var rows []struct {
		ArticleID blog.ID
		blog.Counts
	}
	for _, id := range ids {
		changes.Note(ctx, changes.Article(id))
	}
	// PostgreSQL sums integers as NUMERIC, which does not scan into an int.
	err := s.all(ctx, &rows, `
		SELECT n.article_id, CAST(sum(n.replies) AS BIGINT) AS replies, CAST(sum(n.servers) AS BIGINT) AS servers,
			CAST(sum(n.mentions) AS BIGINT) AS mentions
		FROM conversation_counts n WHERE n.article_id IN (?) GROUP BY n.article_id`, ids)
	if err != nil {
		return counts, err
	}
	for _, row := range rows {
		counts[row.ArticleID] = row.Counts
	}
	liked, err := s.ReactionCounts(ctx, ids)
	for id, n := range liked {
		c := counts[id]
		c.Likes, c.Boosts = n.Likes, n.Boosts
		counts[id] = c
	}
	return counts, err
}

// CountRepliers counts the people elsewhere with a public reply to an article or to a comment under it.
func (s *Store) CountRepliers(ctx context.Context, article blog.ID) (int, error) {
	changes.Note(ctx, changes.Article(article))
	var n int
	err := s.one(ctx, &n, `
		SELECT CAST(COALESCE(sum(n.people), 0) AS BIGINT) FROM conversation_counts n WHERE n.article_id = ?`, article)
	return n, err
}

// targetCount is a row of target_counts, with the count of the server that has most of it.
type targetCount struct {
	TargetID    blog.ID
	Kind        blog.ReactionKind
	Emoji       string
	Total, Most int
}

// selectTargets reads targetCounts. A condition and GROUP BY t.target_id, t.kind, t.emoji follow. Servers with at most
// a hundred actors are not in the index and never change blog.CountFairly.
const selectTargets = `
	SELECT t.target_id, t.kind, t.emoji, CAST(sum(t.n) AS BIGINT) AS total, COALESCE((
		SELECT max(s.n) FROM reaction_servers s WHERE s.target_id = t.target_id AND s.kind = t.kind AND s.emoji = t.emoji
		AND s.n > 100), 0) AS most
	FROM target_counts t WHERE `

// ReactionCounts counts likes and boosts of articles and comments by their ids. It notes no topic: whoever shows them
// has read the articles or comments.
func (s *Store) ReactionCounts(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Counts, error) {
	counts := map[blog.ID]blog.Counts{}
	if len(ids) == 0 {
		return counts, nil
	}
	var rows []targetCount
	err := s.all(ctx, &rows, selectTargets+`t.target_id IN (?) AND t.kind IN ('like', 'boost')
		GROUP BY t.target_id, t.kind, t.emoji`, ids)
	for _, row := range rows {
		n, fair := counts[row.TargetID], blog.CountFairly(row.Total, row.Most)
		if row.Kind == blog.Boost {
			n.Boosts = fair
		} else {
			n.Likes = fair
		}
		counts[row.TargetID] = n
	}
	return counts, err
}
