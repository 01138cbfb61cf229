package store

import (
	"context"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

const authorizationColumns = `t.id, t.kind, t.article_id, t.target, t.instrument, t.actor_id, t.request_id, ` +
	`t.requested, t.state, t.at`

// SaveAuthorization saves an authorization or its new state. A post has at most one of each kind: another one is
// blog.ErrConflict.
func (s *Store) SaveAuthorization(ctx context.Context, t blog.Authorization) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Article(t.ArticleID))
		return s.run(ctx, `
			INSERT INTO stamps (id, kind, article_id, target, instrument, actor_id, request_id, requested, state, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET request_id = excluded.request_id, requested = excluded.requested, state =
			excluded.state`,
			t.ID, t.Kind, t.ArticleID, t.Target, t.Instrument, t.ActorID, t.RequestID, t.Requested, t.State, t.At)
	})
}

// LiveAuthorization finds an authorization that was given, by the id in its address, while its article is published.
func (s *Store) LiveAuthorization(ctx context.Context, id blog.ID) (blog.Authorization, error) {
	var t blog.Authorization
	err := s.one(ctx, &t, `
		SELECT `+authorizationColumns+` FROM stamps t JOIN articles a ON a.id = t.article_id AND a.status = 'published'
		WHERE t.id = ? AND t.state = 'given'`, id)
	changes.Note(ctx, changes.Article(t.ArticleID))
	return t, err
}

// AuthorizationFor finds the authorization of a post, in any state.
func (s *Store) AuthorizationFor(ctx context.Context, kind blog.AuthorizationKind,
	post string) (blog.Authorization, error) {
	var t blog.Authorization
	err := s.one(ctx, &t, `SELECT `+authorizationColumns+` FROM stamps t WHERE t.instrument = ? AND t.kind = ?`, post,
		kind)
	return t, err
}

// AuthorizationsFor finds the authorizations of one kind for posts, in any state, by the address of the post.
func (s *Store) AuthorizationsFor(ctx context.Context, kind blog.AuthorizationKind,
	posts []string) (map[string]blog.Authorization, error) {
	found := map[string]blog.Authorization{}
	if len(posts) == 0 {
		return found, nil
	}
	var list []blog.Authorization
	err := s.all(ctx, &list, `SELECT `+authorizationColumns+` FROM stamps t WHERE t.instrument IN (?) AND t.kind = ?`,
		posts, kind)
	for _, t := range list {
		found[t.Instrument] = t
	}
	return found, err
}

// CountAuthorizations counts the authorizations for posts of one actor about one article.
func (s *Store) CountAuthorizations(ctx context.Context, article blog.ID, actor string) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM stamps WHERE article_id = ? AND actor_id = ?`, article, actor)
	return n, err
}

// AuthorizationsOfRefused lists the authorizations given to actors that are refused by now.
func (s *Store) AuthorizationsOfRefused(ctx context.Context) ([]blog.Authorization, error) {
	var list []blog.Authorization
	err := s.all(ctx, &list, `
		SELECT `+authorizationColumns+` FROM stamps t JOIN actors p ON p.id = t.actor_id AND p.block = 'refuse' WHERE
			t.state = 'given' ORDER BY t.id`)
	return list, err
}

// Boosters lists the ids of actors that boosted a comment, found by the comment's address; at most 1,000.
func (s *Store) Boosters(ctx context.Context, address string) ([]string, error) {
	var list []string
	err := s.all(ctx, &list, `
		SELECT DISTINCT p.id FROM comments c
		JOIN reactions r ON r.article_id = c.article_id AND r.comment_id = c.id AND r.kind = 'boost'
		JOIN actors p ON p.id = r.actor_id AND p.gone_at IS NULL
		WHERE c.address = ? ORDER BY 1 LIMIT 1000`, address)
	return list, err
}
