package store

import (
	"context"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

const authorizationColumns = `t.id, t.kind, COALESCE(t.article_id, '') AS article_id, t.voice_id, t.target, ` +
	`t.instrument, t.item, COALESCE(t.actor_id, '') AS actor_id, t.domain, t.request_id, t.requested, t.state, t.at`

// SaveAuthorization saves an authorization or its new state. A post has at most one of each kind, and a collection one
// for each author: another one is blog.ErrConflict.
func (s *Store) SaveAuthorization(ctx context.Context, t blog.Authorization) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markAuthorization(t)
		return s.run(ctx, `
			INSERT INTO authorizations (id, kind, article_id, voice_id, target, instrument, item, actor_id, domain,
				request_id, requested, state, at)
			VALUES (?, ?, NULLIF(?, ''), ?, ?, ?, ?, NULLIF(?, ''), ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET request_id = excluded.request_id, requested = excluded.requested, state =
			excluded.state, item = excluded.item, at = excluded.at`,
			t.ID, t.Kind, t.ArticleID, t.VoiceID, t.Target, t.Instrument, t.Item, t.ActorID, t.Domain,
			t.RequestID, t.Requested, t.State, t.At)
	})
}

// markAuthorization marks what shows an authorization. The collection of this blog shows those that it has.
func (s *Store) markAuthorization(t blog.Authorization) {
	if t.OfThisBlog() {
		s.markChanged()
	}
	s.mark(authorizationTopic(t))
}

// authorizationTopic is the topic of the document of an authorization.
func authorizationTopic(t blog.Authorization) changes.Topic {
	if t.Kind == blog.FeatureAuthorization {
		return changes.Voice(t.VoiceID)
	}
	return changes.Article(t.ArticleID)
}

// LiveAuthorization finds an authorization that was given, by the id in its address, while its article is published or
// its author is here.
func (s *Store) LiveAuthorization(ctx context.Context, id blog.ID) (blog.Authorization, error) {
	var t blog.Authorization
	err := s.one(ctx, &t, `
		SELECT `+authorizationColumns+` FROM authorizations t WHERE t.id = ? AND t.state = 'given'
			AND (EXISTS (SELECT 1 FROM articles a WHERE a.id = t.article_id AND a.status = 'published')
				OR EXISTS (SELECT 1 FROM voices v WHERE v.id = t.voice_id AND v.retired_at IS NULL))`, id)
	changes.Note(ctx, authorizationTopic(t))
	return t, err
}

// AuthorizationFor finds the authorization of a post or a collection, in any state. voice is the author whom the
// collection features; "" for a post.
func (s *Store) AuthorizationFor(ctx context.Context, kind blog.AuthorizationKind, instrument string,
	voice blog.ID) (blog.Authorization, error) {
	var t blog.Authorization
	err := s.one(ctx, &t, `SELECT `+authorizationColumns+
		` FROM authorizations t WHERE t.instrument = ? AND t.kind = ? AND t.voice_id = ?`, instrument, kind, voice)
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
	err := s.all(ctx, &list, `SELECT `+authorizationColumns+
		` FROM authorizations t WHERE t.instrument IN (?) AND t.kind = ?`, posts, kind)
	for _, t := range list {
		found[t.Instrument] = t
	}
	return found, err
}

// CountAuthorizations counts the authorizations of one kind for posts of one actor about one article, in any state.
func (s *Store) CountAuthorizations(ctx context.Context, kind blog.AuthorizationKind, article blog.ID,
	actor string) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM authorizations WHERE article_id = ? AND actor_id = ? AND kind = ?`,
		article, actor, kind)
	return n, err
}

// AuthorizationsOfRefused lists the authorizations given to actors that are refused by now, and those of their
// collections in any state.
func (s *Store) AuthorizationsOfRefused(ctx context.Context) ([]blog.Authorization, error) {
	var list []blog.Authorization
	err := s.all(ctx, &list, `
		SELECT `+authorizationColumns+` FROM authorizations t JOIN actors p ON p.id = t.actor_id AND p.block = 'refuse' WHERE
			(t.state = 'given' OR t.kind = 'feature') ORDER BY t.id`)
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
