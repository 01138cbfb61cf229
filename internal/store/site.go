package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/blog"
)

const siteColumns = `url, handle_domain, name, description, language, timezone, public_key, created_at`

// Site is the one site of this database; blog.ErrNotFound before the first start.
func (s *Store) Site(ctx context.Context) (blog.Site, error) {
	var site blog.Site
	return site, s.one(ctx, &site, `SELECT `+siteColumns+` FROM site`)
}

// FoundSite writes the site down at the first start, with its instance actor's private key (PKCS#8 PEM). Later calls
// change nothing and return what stands there.
func (s *Store) FoundSite(ctx context.Context, site blog.Site, privateKey string) (blog.Site, error) {
	err := s.do(ctx, `
		INSERT INTO site (one, url, handle_domain, name, description, language, timezone, private_key, public_key, created_at)
		VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (one) DO NOTHING`,
		site.URL, site.HandleDomain, site.Name, site.Description, site.Language, site.Timezone, privateKey, site.PublicKey, site.CreatedAt)
	if err != nil {
		return site, fmt.Errorf("write the site down: %w", err)
	}
	return s.Site(ctx)
}

// SaveSite changes what may change of a site: name, description, language and time zone.
func (s *Store) SaveSite(ctx context.Context, site blog.Site) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.must(ctx, `UPDATE site SET name = ?, description = ?, language = ?, timezone = ?`,
			site.Name, site.Description, site.Language, site.Timezone)
	})
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.one(ctx, &one, `SELECT 1`)
}

// ClaimChore takes a periodic job if it is due, and makes it due again after the given time; false when another
// process has it or it is not due. A chore nobody knew of is due at once, and so is one that is due later than a claim of now
// would make it, since the clock was set back.
func (s *Store) ClaimChore(ctx context.Context, name string, now time.Time, every time.Duration) (bool, error) {
	n, err := s.exec(ctx, `
		INSERT INTO chores (name, due_at, claims) VALUES (?, ?, 1)
		ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at, claims = chores.claims + 1
		WHERE chores.due_at <= ? OR chores.due_at > ?`, name, now.Add(every), now, now.Add(every+time.Minute))
	return n == 1, err
}

// Forget ends what must not grow for ever: old dedupe marks, reports that were done with a year ago, guesses, sign-ins and
// links, browsers in which nobody signed in for a year, and once they are a month old, letters that belong to no article,
// and people and servers elsewhere with whom nothing ties us.
func (s *Store) Forget(ctx context.Context, now time.Time) error {
	month := now.AddDate(0, 0, -31)
	return errors.Join(
		s.do(ctx, `DELETE FROM seen WHERE at < ?`, month),
		s.do(ctx, `DELETE FROM guesses WHERE at < ?`, now.Add(-time.Hour)),
		s.do(ctx, `DELETE FROM sign_ins WHERE expires_at < ?`, now),
		s.do(ctx, `DELETE FROM known_browsers WHERE seen_at < ?`, now.AddDate(-1, 0, 0)),
		s.do(ctx, `DELETE FROM links WHERE expires_at < ?`, now),
		s.do(ctx, `DELETE FROM arrivals WHERE parked <> '' AND at < ?`, month),
		s.do(ctx, `
			DELETE FROM deliveries WHERE settled_at < ? AND activity_id IN (SELECT id FROM activities WHERE object_id = '')
				AND (status = 'delivered' OR activity_id NOT IN (SELECT accept_id FROM followers))`, month),
		s.do(ctx, `DELETE FROM activities WHERE at < ? AND object_id = '' AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.activity_id = activities.id)`, month),
		s.do(ctx, `DELETE FROM reports WHERE resolved_at < ? OR direction = 'out' AND at < ?`, now.AddDate(-1, 0, 0), now.AddDate(-1, 0, 0)),
		s.do(ctx, `DELETE FROM callers WHERE NOT waiting AND free_at < ?`, month),
		s.do(ctx, `DELETE FROM missing_inboxes WHERE last_on < ?`, month.UTC().Format("2006-01-02")),
		s.do(ctx, forgetSchemes, month),
		s.forgetStrangers(ctx, month),
	)
}

// strangers are actors that nothing of ours points to. Keys were fetched of many more people than ever said a word here.
const strangers = `SELECT p.id FROM actors p WHERE p.fetched_at < ? AND (p.gone_at IS NULL OR p.gone_at < ?)
	AND NOT EXISTS (SELECT 1 FROM followers x WHERE x.actor_id = p.id) AND NOT EXISTS (SELECT 1 FROM following x WHERE x.actor_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM reports x WHERE x.actor_id = p.id) AND NOT EXISTS (SELECT 1 FROM comments x WHERE x.actor_id = p.id) AND NOT EXISTS (SELECT 1 FROM reactions x WHERE x.actor_id = p.id)`

func (s *Store) forgetStrangers(ctx context.Context, before time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		return errors.Join(
			s.do(ctx, `DELETE FROM actor_keys WHERE actor_id IN (`+strangers+`)`, before, before),
			s.do(ctx, `DELETE FROM actors WHERE id IN (`+strangers+`)`, before, before))
	})
}

// Usage is what NodeInfo tells of a site.
type Usage struct{ Authors, Articles, Comments int }

// Usage counts authors, listed articles and the public comments under them.
func (s *Store) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	return u, s.one(ctx, &u, `
		SELECT (SELECT count(*) FROM authors WHERE disabled_at IS NULL) AS authors,
			(SELECT count(*) FROM articles a WHERE `+listed+`) AS articles,
			(SELECT count(*) FROM comments c JOIN articles a ON a.id = c.article_id WHERE `+public+` AND `+listed+`) AS comments`)
}
