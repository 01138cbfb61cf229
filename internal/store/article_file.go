package store

import (
	"context"

	"causerie/internal/blog"
)

// ArticleFile is the file that a text of an article was read from last.
type ArticleFile struct {
	ArticleID blog.ID
	Language  string  // of a translation; "" for the original
	VoiceID   blog.ID // the owner of the article
	File      string  // its path; "" for standard input
	Mark      string  // what the text was then, as package authoring writes it; "" when an older version read the file
}

// ArticleFile returns the file of an article's original, or of its translation into a language. It returns
// blog.ErrNotFound for a text that came from no file.
func (s *Store) ArticleFile(ctx context.Context, article blog.ID, language string) (ArticleFile, error) {
	var f ArticleFile
	err := s.one(ctx, &f, `SELECT article_id, language, voice_id, file, mark FROM article_files
		WHERE article_id = ? AND language = ?`, article, language)
	return f, err
}

// ArticleByFile returns the newest article of a voice whose original came from a file. Deleted articles are not found.
func (s *Store) ArticleByFile(ctx context.Context, voice blog.ID, file string) (blog.Article, error) {
	return s.article(ctx, fromArticles, `JOIN article_files f ON f.article_id = a.id AND f.language = ''
		WHERE f.voice_id = ? AND f.file = ? AND a.status <> 'deleted' ORDER BY a.id DESC LIMIT 1`, voice, file)
}

// SaveArticleFile records the file that a text was read from.
func (s *Store) SaveArticleFile(ctx context.Context, f ArticleFile) error {
	return s.run(ctx, `
		INSERT INTO article_files (article_id, language, voice_id, file, mark) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (article_id, language) DO UPDATE SET file = excluded.file, mark = excluded.mark`,
		f.ArticleID, f.Language, f.VoiceID, f.File, f.Mark)
}
