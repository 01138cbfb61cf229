package store

import (
	"context"
	"fmt"

	"causerie/internal/blog"
)

const (
	answered = "answers"
	quoted   = "quotes"
)

// saveSources saves which posts an article replies to and quotes.
func (s *Store) saveSources(ctx context.Context, a blog.Article) error {
	// A source that the article no longer has must go, together with its consent.
	if err := s.run(ctx, `DELETE FROM article_sources WHERE article_id = ?`, a.ID); err != nil {
		return err
	}
	for kind, source := range map[string]blog.Source{answered: a.Answers, quoted: a.Quoted} {
		if source.Address == "" {
			continue
		}
		err := s.run(ctx, `INSERT INTO article_sources (article_id, kind, address, actor_id, consent, stamp) VALUES (?, ?,
			?, ?, ?, ?)`,
			a.ID, kind, source.Address, source.ActorID, source.Consent, source.Authorization)
		if err != nil {
			return fmt.Errorf("save what the article %s: %w", kind, err)
		}
	}
	return nil
}

func (s *Store) loadSources(ctx context.Context, a *blog.Article) error {
	var rows []struct {
		Kind string
		blog.Source
	}
	err := s.all(ctx, &rows, `SELECT kind, address, actor_id, consent, stamp FROM article_sources WHERE article_id = ?`,
		a.ID)
	for _, row := range rows {
		if row.Kind == answered {
			a.Answers = row.Source
		} else {
			a.Quoted = row.Source
		}
	}
	return err
}

// SaveConsent saves whether the author of a quoted post allows the quote. authorization is the address of the proof.
func (s *Store) SaveConsent(ctx context.Context, article blog.ID, consent blog.Consent, authorization string) error {
	s.markChanged()
	// A reply needs no consent, so only the row of the quote changes.
	return s.execOne(ctx, `UPDATE article_sources SET consent = ?, stamp = ? WHERE article_id = ? AND kind = ?`, consent,
		authorization, article, quoted)
}

// ArticleByAuthorization finds the article whose quote is allowed by the authorization at an address.
func (s *Store) ArticleByAuthorization(ctx context.Context, authorization string) (blog.Article, error) {
	// Most sources have no authorization. The condition on "" allows the use of the index, which leaves those out.
	return s.article(ctx, fromArticles,
		`JOIN article_sources x ON x.article_id = a.id WHERE x.stamp = ? AND x.stamp <> ''`, authorization)
}
