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

// Emojis counts the emoji reactions to an article itself, most used first. Each server's actors count as in Counts.
func (s *Store) Emojis(ctx context.Context, article blog.ID, limit int) ([]blog.EmojiCount, error) {
	changes.Note(ctx, changes.Article(article))
	var rows []struct {
		Emoji       string
		Total, Most int
	}
	// PostgreSQL sums integers as NUMERIC, which does not scan into an int.
	err := s.all(ctx, &rows, `
		SELECT x.emoji, CAST(sum(x.n) AS BIGINT) AS total, max(x.n) AS most FROM (
			SELECT r.emoji, count(DISTINCT r.actor_id) AS n FROM reactions r JOIN actors p ON p.id = r.actor_id
			WHERE r.article_id = ? AND r.comment_id = '' AND r.kind = 'emoji' AND `+counted+`
			GROUP BY r.emoji, p.host) AS x
		GROUP BY x.emoji ORDER BY 2 DESC, 1 LIMIT ?`, article, limit)
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
	err := s.all(ctx, &rows, `
		SELECT a.id AS article_id,
			(SELECT count(*) FROM comments c WHERE c.article_id = a.id AND `+isPublicReply+`) AS replies,
			(SELECT count(DISTINCT p.host) FROM comments c JOIN actors p ON p.id = c.actor_id WHERE c.article_id = a.id AND `+
		isPublicReply+`) AS servers,
			(SELECT count(*) FROM comments c WHERE c.article_id = a.id AND c.kind <> '' AND `+public+`) AS mentions
		FROM articles a WHERE a.id IN (?)`, ids)
	if err != nil {
		return counts, err
	}
	for _, row := range rows {
		counts[row.ArticleID] = row.Counts
	}
	// Reactions are a query of their own: they are grouped by server first.
	liked, err := s.reactionCounts(ctx, `r.article_id`, `r.comment_id = '' AND r.article_id IN (?)`, ids)
	for id, n := range liked {
		c := counts[id]
		c.Likes, c.Boosts = n.Likes, n.Boosts
		counts[id] = c
	}
	return counts, err
}

// CommentCounts counts likes and boosts of each comment under an article.
func (s *Store) CommentCounts(ctx context.Context, article blog.ID) (map[blog.ID]blog.Counts, error) {
	changes.Note(ctx, changes.Article(article))
	return s.reactionCounts(ctx, `r.comment_id`, `r.comment_id <> '' AND r.article_id = ?`, article)
}

// reactionCounts counts likes and boosts by the column of, server by server first, for blog.CountFairly.
func (s *Store) reactionCounts(ctx context.Context, of, where string, args ...any) (map[blog.ID]blog.Counts, error) {
	var rows []struct {
		ID          blog.ID
		Boosts      bool
		Total, Most int
	}
	// Likes and emoji reactions form one group: an actor who sent both counts once.
	err := s.all(ctx, &rows, `
		SELECT x.id, x.boosts, CAST(sum(x.n) AS BIGINT) AS total, max(x.n) AS most FROM (
			SELECT `+of+` AS id, r.kind = 'boost' AS boosts, count(DISTINCT r.actor_id) AS n
			FROM reactions r JOIN actors p ON p.id = r.actor_id WHERE `+where+` AND `+counted+` GROUP BY 1, 2, p.host) AS x
		GROUP BY x.id, x.boosts`, args...)
	counts := map[blog.ID]blog.Counts{}
	for _, row := range rows {
		n, fair := counts[row.ID], blog.CountFairly(row.Total, row.Most)
		if row.Boosts {
			n.Boosts = fair
		} else {
			n.Likes = fair
		}
		counts[row.ID] = n
	}
	return counts, err
}
