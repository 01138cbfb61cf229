package store

import (
	"context"

	"causerie/internal/blog"
)

// TagCount is a tag with the number of listed articles that have it.
type TagCount struct {
	Tag   string // its form in addresses
	Name  string // one of its spellings
	Count int
}

// Tags lists the tags of listed articles, most used first.
func (s *Store) Tags(ctx context.Context) ([]TagCount, error) {
	var list []TagCount
	err := s.all(ctx, &list, `
		SELECT g.tag, max(g.name) AS name, count(*) AS count FROM article_tags g JOIN articles a ON a.id = g.article_id
		WHERE `+listed+`
		GROUP BY g.tag ORDER BY 3 DESC, 1`)
	return list, err
}

// TagsOf lists at most limit tags that a voice uses most in public articles, its own and those with its name in the
// by-line.
func (s *Store) TagsOf(ctx context.Context, voice blog.ID, limit int) ([]string, error) {
	var list []string
	// Authors spell one tag in different cases; max() picks one spelling.
	err := s.all(ctx, &list, `
		SELECT max(g.name) FROM article_tags g JOIN articles a ON a.id = g.article_id
		WHERE a.status = 'published' AND a.visibility = 'public'
		AND (a.voice_id = ? OR a.id IN (SELECT article_id FROM article_authors WHERE voice_id = ?))
		GROUP BY g.tag ORDER BY count(*) DESC, g.tag LIMIT ?`, voice, voice, limit)
	return list, err
}
