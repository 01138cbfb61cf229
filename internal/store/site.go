package store

import (
	"context"
	"fmt"

	"causerie/internal/blog"
)

const siteColumns = `url, handle_domain, name, description, language, timezone, public_key, created_at`

// Site returns the site of this database, or blog.ErrNotFound before the first start.
func (s *Store) Site(ctx context.Context) (blog.Site, error) {
	var site blog.Site
	err := s.one(ctx, &site, `SELECT `+siteColumns+` FROM site`)
	return site, err
}

// FoundSite saves the site at the first start, with the private key of its instance actor (PKCS#8 PEM). Later calls
// change nothing and return the saved site.
func (s *Store) FoundSite(ctx context.Context, site blog.Site, privateKey string) (blog.Site, error) {
	err := s.run(ctx, `
		INSERT INTO site (one, url, handle_domain, name, description, language, timezone, private_key, public_key, created_at)
		VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (one) DO NOTHING`,
		site.URL, site.HandleDomain, site.Name, site.Description, site.Language, site.Timezone, privateKey, site.PublicKey,
		site.CreatedAt)
	if err != nil {
		return site, fmt.Errorf("save the site: %w", err)
	}
	// Two processes may start at the same time. Both must work with the keys of the one that was first.
	return s.Site(ctx)
}

// SaveSite saves what may change of a site: name, description, language and time zone.
func (s *Store) SaveSite(ctx context.Context, site blog.Site) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		return s.execOne(ctx, `UPDATE site SET name = ?, description = ?, language = ?, timezone = ?`,
			site.Name, site.Description, site.Language, site.Timezone)
	})
}

// Ping checks that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.one(ctx, &one, `SELECT 1`)
}

// Usage is what NodeInfo reports of a site.
type Usage struct{ Authors, Articles, Comments int }

// Usage counts authors, listed articles and the public comments under them.
func (s *Store) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	err := s.one(ctx, &u, `
		SELECT (SELECT count(*) FROM authors WHERE disabled_at IS NULL) AS authors,
			COALESCE((SELECT n FROM article_counts WHERE kind = 'listed' AND voice_id = '' AND name = '' AND month = ''), 0)
				AS articles,
			(SELECT CAST(COALESCE(sum(n.listed), 0) AS BIGINT) FROM comment_totals n) AS comments`)
	return u, err
}
