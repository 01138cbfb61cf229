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

// spelling is how the newest article of the list l of a tag writes it. Authors spell one tag in different cases.
const spelling = `COALESCE((SELECT g.name FROM article_tags g WHERE g.tag = l.name AND g.article_id = (
	SELECT o.article_id FROM article_lists o WHERE o.kind = l.kind AND o.voice_id = l.voice_id AND o.name = l.name
	ORDER BY o.at DESC, o.article_id DESC LIMIT 1)), l.name)`

// Tags lists at most limit tags of listed articles, the most used first.
func (s *Store) Tags(ctx context.Context, limit int) ([]TagCount, error) {
	var list []TagCount
	err := s.all(ctx, &list, `SELECT l.name AS tag, `+spelling+` AS name, l.n AS count FROM article_counts l
		WHERE l.kind = 'tag' AND l.voice_id = '' AND l.month = '' ORDER BY l.n DESC, l.name LIMIT ?`, limit)
	return list, err
}

// Tag returns a tag of listed articles by its form in addresses, or blog.ErrNotFound.
func (s *Store) Tag(ctx context.Context, tag string) (TagCount, error) {
	var t TagCount
	err := s.one(ctx, &t, `SELECT l.name AS tag, `+spelling+` AS name, l.n AS count FROM article_counts l
		WHERE l.kind = 'tag' AND l.voice_id = '' AND l.name = ? AND l.month = ''`, tag)
	return t, err
}

// TagsOf lists at most limit tags that a voice uses most in public articles, its own and those with its name in the
// by-line.
func (s *Store) TagsOf(ctx context.Context, voice blog.ID, limit int) ([]string, error) {
	var list []string
	err := s.all(ctx, &list, `SELECT `+spelling+` FROM article_counts l
		WHERE l.kind = 'public tag' AND l.voice_id = ? AND l.month = '' ORDER BY l.n DESC, l.name LIMIT ?`, voice, limit)
	return list, err
}
