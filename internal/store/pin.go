package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// MostPins is how many articles an author may pin; Mastodon reads no more.
const MostPins = 10

// Pin puts an article first on its author's page. It returns false when it is pinned already, and a blog.Invalid
// beyond MostPins.
func (s *Store) Pin(ctx context.Context, a blog.Article, now time.Time) (bool, error) {
	var first bool
	err := s.InTx(ctx, func(s *Store) error {
		// The lock makes two pins at the same moment count one after the other.
		var owner blog.ID
		if err := s.one(ctx, &owner, `SELECT id FROM voices WHERE id = ?`+s.sql.lockRow(), a.VoiceID); err != nil {
			return err
		}
		n, err := s.exec(ctx, `INSERT INTO pins (article_id, voice_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, a.ID,
			a.VoiceID, now)
		if err != nil || n == 0 {
			return err
		}
		var pins int
		if err := s.one(ctx, &pins, `SELECT count(*) FROM pins WHERE voice_id = ?`, a.VoiceID); err != nil {
			return err
		}
		if pins > MostPins {
			return blog.Invalid{Field: "author page", Problem: "holds ten pinned articles already: unpin one of them first"}
		}
		s.markChanged()
		first = true
		return nil
	})
	// The commit may fail after first was set.
	return first && err == nil, err
}

// Unpin ends the pinning of an article. It returns false when the article was not pinned.
func (s *Store) Unpin(ctx context.Context, article blog.ID) (bool, error) {
	var n int64
	err := s.InTx(ctx, func(s *Store) (err error) {
		s.markChanged()
		n, err = s.exec(ctx, `DELETE FROM pins WHERE article_id = ?`, article)
		return err
	})
	return n > 0, err
}

// Pinned lists the listed articles that an author pinned, last pinned first.
func (s *Store) Pinned(ctx context.Context, voice blog.ID) ([]blog.Article, error) {
	var list []blog.Article
	err := s.all(ctx, &list, `SELECT `+articleColumns+fromArticles+`JOIN pins p ON p.article_id = a.id
		WHERE p.voice_id = ? AND `+listed+` ORDER BY p.at DESC, a.id DESC LIMIT ?`, voice, MostPins)
	if err != nil {
		return nil, err
	}
	return list, s.loadBylinesAndTags(ctx, list)
}

// Featured lists the objects of pinned articles that other servers may show.
func (s *Store) Featured(ctx context.Context, voice blog.ID) ([]blog.ID, error) {
	var list []blog.ID
	err := s.all(ctx, &list, `
		SELECT a.object_id FROM articles a JOIN pins p ON p.article_id = a.id
		WHERE p.voice_id = ? AND a.status = 'published' AND a.visibility = 'public' AND a.object_id <> ''
		ORDER BY p.at DESC, a.id DESC LIMIT ?`, voice, MostPins)
	return list, err
}

// PinsAmong returns which of the articles are pinned.
func (s *Store) PinsAmong(ctx context.Context, articles []blog.ID) (map[blog.ID]bool, error) {
	pinned := map[blog.ID]bool{}
	if len(articles) == 0 {
		return pinned, nil
	}
	var list []blog.ID
	err := s.all(ctx, &list, `SELECT article_id FROM pins WHERE article_id IN (?)`, articles)
	for _, id := range list {
		pinned[id] = true
	}
	return pinned, err
}
