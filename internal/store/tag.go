package store

import (
	"context"
	"strings"

	"golang.org/x/text/unicode/norm"

	"causerie/internal/blog"
)

// typed stands for the language of a text in the rows of tags that an author gave the article itself.
const typed = ""

// saveArticleTags saves the tags that an author gave an article, and the hashtags of its original text.
func (s *Store) saveArticleTags(ctx context.Context, a blog.Article) error {
	if err := s.saveTags(ctx, a.ID, typed, a.Tags); err != nil {
		return err
	}
	return s.saveTags(ctx, a.ID, a.Language, a.Hashtags)
}

// saveTags replaces the tags of an article that were typed, or those that stand in its text in one language.
func (s *Store) saveTags(ctx context.Context, article blog.ID, language string, names blog.Strings) error {
	if err := s.run(ctx, `DELETE FROM article_tags WHERE article_id = ? AND language = ?`, article, language); err != nil {
		return err
	}
	for i, name := range names {
		// One letter may be written as two characters. An address with either means the same tag.
		name = norm.NFC.String(name)
		// tag is the form in URLs, name is what the author wrote.
		if err := s.run(ctx, `INSERT INTO article_tags (article_id, language, position, tag, name) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, article, language, i, strings.ToLower(name), name); err != nil {
			return err
		}
	}
	return nil
}

// TagCount is a tag with the number of listed articles that have it.
type TagCount struct {
	Tag   string // its form in addresses
	Name  string // one of its spellings
	Count int
}

// spelling is how the newest article of the list l of a tag writes it. Authors spell one tag in different cases.
const spelling = `COALESCE((SELECT g.name FROM article_tags g WHERE g.tag = l.name AND g.article_id = (
	SELECT o.article_id FROM article_lists o WHERE o.kind = l.kind AND o.voice_id = l.voice_id AND o.name = l.name
	ORDER BY o.at DESC, o.article_id DESC LIMIT 1) ORDER BY g.language LIMIT 1), l.name)`

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
