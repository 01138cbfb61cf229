package store

import (
	"context"

	"causerie/internal/blog"
)

// counted is the condition that keeps the reactions r of people who are limited or refused from readers.
const counted = `NOT EXISTS (SELECT 1 FROM actors blocked WHERE blocked.id = r.actor_id AND blocked.block <> '')`

// AddReaction counts one act of one person on one target, once; false when it was counted already.
func (s *Store) AddReaction(ctx context.Context, r blog.Reaction) (bool, error) {
	var n int64
	err := s.InTx(ctx, func(s *Store) (err error) {
		s.markChanged()
		n, err = s.exec(ctx, `
			INSERT INTO reactions (id, address, kind, actor_id, article_id, comment_id, emoji, at) VALUES (?, ?, ?, ?, ?, ?,
			?, ?)
			ON CONFLICT DO NOTHING`, r.ID, r.Address, r.Kind, r.ActorID, r.ArticleID, r.CommentID, r.Emoji, r.At)
		return err
	})
	return n > 0, err
}

// UndoReaction takes a reaction back, found by the address of the activity that said it, if it is this actor's.
func (s *Store) UndoReaction(ctx context.Context, actor, address string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		return s.execOne(ctx, `DELETE FROM reactions WHERE actor_id = ? AND address = ?`, actor, address)
	})
}

// UndoReactionTo takes an actor's reactions of some kinds back, found by their target.
func (s *Store) UndoReactionTo(ctx context.Context, actor string, article, comment blog.ID,
	kinds ...blog.ReactionKind) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		return s.execOne(ctx, `DELETE FROM reactions WHERE actor_id = ? AND article_id = ? AND comment_id = ? AND kind IN
			(?)`,
			actor, article, comment, texts(kinds))
	})
}

// texts are words of any type as what fills an IN (?).
func texts[T ~string](list []T) []string {
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = string(word)
	}
	return words
}

// Reactions lists the reactions to an article itself, newest first, at most limit.
func (s *Store) Reactions(ctx context.Context, article blog.ID, limit int) ([]blog.Reaction, error) {
	var list []blog.Reaction
	return list, s.all(ctx, &list, `
		SELECT r.id, r.address, r.kind, r.actor_id, r.article_id, r.comment_id, r.emoji, r.at FROM reactions r
		WHERE r.article_id = ? AND r.comment_id = '' AND `+counted+`
		ORDER BY r.at DESC, r.id DESC LIMIT ?`, article, min(limit, 1000))
}

// Emojis tells with which emoji people reacted to an article itself, the most used first, at most limit. Each server's
// people are counted as Counts counts them.
func (s *Store) Emojis(ctx context.Context, article blog.ID, limit int) ([]blog.EmojiCount, error) {
	var rows []struct {
		Emoji       string
		Total, Most int
	}
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

// Counts tells for each article what stands under its title. Only what readers may see is counted; an emoji reaction
// counts as a like, and the people of one server as far as blog.CountFairly lets them.
func (s *Store) Counts(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Counts, error) {
	counts := map[blog.ID]blog.Counts{}
	if len(ids) == 0 {
		return counts, nil
	}
	var rows []struct {
		ArticleID blog.ID
		blog.Counts
	}
	err := s.all(ctx, &rows, `
		SELECT a.id AS article_id,
			(SELECT count(*) FROM comments c WHERE c.article_id = a.id AND `+reply+`) AS replies,
			(SELECT count(DISTINCT p.host) FROM comments c JOIN actors p ON p.id = c.actor_id WHERE c.article_id = a.id AND `+
		reply+`) AS servers,
			(SELECT count(*) FROM comments c WHERE c.article_id = a.id AND c.kind <> '' AND `+public+`) AS mentions
		FROM articles a WHERE a.id IN (?)`, ids)
	if err != nil {
		return counts, err
	}
	for _, row := range rows {
		counts[row.ArticleID] = row.Counts
	}
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
	return s.reactionCounts(ctx, `r.comment_id`, `r.comment_id <> '' AND r.article_id = ?`, article)
}

// reactionCounts counts likes and boosts by a column that says of what: server by server first, so that none of them
// counts for more than is fair.
func (s *Store) reactionCounts(ctx context.Context, of, where string, args ...any) (map[blog.ID]blog.Counts, error) {
	var rows []struct {
		ID          blog.ID
		Boosts      bool
		Total, Most int
	}
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
