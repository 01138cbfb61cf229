package store

import (
	"context"
	"errors"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

// Object is the wire form of an article or a comment of ours, as the bytes that were sent last.
type Object struct {
	ID        blog.ID
	ArticleID blog.ID
	CommentID blog.ID
	Payload   []byte
	Revision  int
	At        time.Time
	GoneAt    *time.Time
}

// objectRow is an object with its payload as the database has it.
type objectRow struct {
	Object
	Payload packed
}

func (r objectRow) object() Object {
	r.Object.Payload = r.Payload
	return r.Object
}

func objectsOf(rows []objectRow) (list []Object) {
	for _, row := range rows {
		list = append(list, row.object())
	}
	return list
}

// SaveObject saves an object or replaces its bytes. A second living object of one article is blog.ErrConflict.
func (s *Store) SaveObject(ctx context.Context, o Object) error {
	return s.InTx(ctx, func(s *Store) error {
		if o.CommentID != "" {
			s.mark(changes.Article(o.ArticleID), changes.Comments)
		} else {
			s.markChanged()
		}
		err := s.run(ctx, `
			INSERT INTO objects (id, article_id, comment_id, payload, revision, at, gone_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, revision = excluded.revision, at = excluded.at,
			gone_at = excluded.gone_at`,
			o.ID, o.ArticleID, o.CommentID, packed(o.Payload), o.Revision, o.At, o.GoneAt)
		// Lists of articles know nothing of comments.
		if err != nil || o.CommentID != "" {
			return err
		}
		return s.relist(ctx, o.ArticleID)
	})
}

// WithdrawnAt returns when an article was withdrawn last, nil when that is not known: an article that stayed on the web
// had no object.
func (s *Store) WithdrawnAt(ctx context.Context, article blog.ID) (*time.Time, error) {
	var at time.Time
	err := s.one(ctx, &at, `SELECT gone_at FROM objects WHERE article_id = ? AND comment_id = '' AND gone_at IS NOT NULL
		ORDER BY gone_at DESC LIMIT 1`, article)
	changes.Note(ctx, changes.Article(article))
	if errors.Is(err, blog.ErrNotFound) {
		return nil, nil
	}
	return &at, err
}

// Object returns an object by its id, deleted or not.
func (s *Store) Object(ctx context.Context, id blog.ID) (Object, error) {
	var o objectRow
	err := s.one(ctx, &o, `SELECT id, article_id, comment_id, payload, revision, at, gone_at FROM objects WHERE id = ?`,
		id)
	changes.Note(ctx, changes.Article(o.ArticleID))
	return o.object(), err
}
