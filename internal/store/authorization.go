package store

import (
	"context"

	"causerie/internal/blog"
)

const stampColumns = `t.id, t.kind, t.article_id, t.target, t.instrument, t.actor_id, t.request_id, t.requested, t.state, t.at`

// SaveStamp writes a stamp down, or what became of it. A post has one of each kind: another one is blog.ErrConflict.
func (s *Store) SaveStamp(ctx context.Context, t blog.Stamp) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.do(ctx, `
			INSERT INTO stamps (id, kind, article_id, target, instrument, actor_id, request_id, requested, state, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET request_id = excluded.request_id, requested = excluded.requested, state = excluded.state`,
			t.ID, t.Kind, t.ArticleID, t.Target, t.Instrument, t.ActorID, t.RequestID, t.Requested, t.State, t.At)
	})
}

// LivingStamp finds a stamp that was given, by the id in its address, while its article is published.
func (s *Store) LivingStamp(ctx context.Context, id blog.ID) (blog.Stamp, error) {
	var t blog.Stamp
	return t, s.one(ctx, &t, `
		SELECT `+stampColumns+` FROM stamps t JOIN articles a ON a.id = t.article_id AND a.status = 'published'
		WHERE t.id = ? AND t.state = 'given'`, id)
}

// StampFor finds the stamp of a post, whatever became of it.
func (s *Store) StampFor(ctx context.Context, kind blog.StampKind, post string) (blog.Stamp, error) {
	var t blog.Stamp
	return t, s.one(ctx, &t, `SELECT `+stampColumns+` FROM stamps t WHERE t.instrument = ? AND t.kind = ?`, post, kind)
}

// CountStamps counts the stamps for posts of one person about one article.
func (s *Store) CountStamps(ctx context.Context, article blog.ID, actor string) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*) FROM stamps WHERE article_id = ? AND actor_id = ?`, article, actor)
}

// StampsOfRefused lists the stamps that were given to people who are refused.
func (s *Store) StampsOfRefused(ctx context.Context) ([]blog.Stamp, error) {
	var list []blog.Stamp
	return list, s.all(ctx, &list, `
		SELECT `+stampColumns+` FROM stamps t JOIN actors p ON p.id = t.actor_id AND p.block = 'refuse' WHERE t.state = 'given' ORDER BY t.id`)
}

// Boosters lists the addresses of some of those who are known to have boosted a comment, found by its own address.
func (s *Store) Boosters(ctx context.Context, address string) ([]string, error) {
	var list []string
	return list, s.all(ctx, &list, `
		SELECT DISTINCT p.id FROM comments c JOIN reactions r ON r.comment_id = c.id AND r.kind = 'boost'
		JOIN actors p ON p.id = r.actor_id AND p.gone_at IS NULL
		WHERE c.address = ? ORDER BY 1 LIMIT 1000`, address)
}
