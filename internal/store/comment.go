package store

import (
	"context"
	"fmt"

	"causerie/internal/blog"
)

const commentColumns = `c.id, c.kind, c.address, c.article_id, c.parent_id, c.actor_id, c.voice_id, c.origin,
	c.visibility, c.state,
	c.html, c.plain, c.markdown, c.warning, c.language, c.url, c.context_url, c.replies_url, c.published_at,
	c.sorted_at, c.arrived_at, c.updated_at, c.held, c.key_mark,
	EXISTS (SELECT 1 FROM actors refused WHERE refused.id = c.actor_id AND refused.block = 'refuse') AS refused`

// public is the condition of everything that readers may see: it excludes restricted, unapproved and removed
// comments, and those of refused actors. It says in SQL what blog.Comment.Public says. Every query for the public
// uses it.
const (
	public = `c.state = 'shown' AND ` + seen
	seen   = `c.visibility <> 'restricted'
	AND NOT EXISTS (SELECT 1 FROM actors refused WHERE refused.id = c.actor_id AND refused.block = 'refuse')`
)

// AddComment adds a comment. An address that is known already is blog.ErrConflict.
func (s *Store) AddComment(ctx context.Context, c blog.Comment) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		n, err := s.exec(ctx, `
			INSERT INTO comments (id, kind, address, article_id, parent_id, actor_id, voice_id, origin, visibility, state,
			held, html, plain,
				markdown, warning, language, url, context_url, replies_url, published_at, sorted_at, arrived_at, updated_at,
				key_mark)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (address) DO NOTHING`,
			c.ID, c.Kind, c.Address, c.ArticleID, c.ParentID, c.ActorID, c.VoiceID, c.Origin, c.Visibility, c.State, c.Held,
			c.HTML, c.Plain,
			c.Markdown, c.Warning, c.Language, c.URL, c.ContextURL, c.RepliesURL, c.PublishedAt, c.SortedAt, c.ArrivedAt,
			c.UpdatedAt, c.KeyMark)
		if err == nil && n == 0 {
			return fmt.Errorf("comment %s: %w", c.Address, blog.ErrConflict)
		}
		// Only a comment that was sent to us is a reason: one that was fetched would make each completion cause the next.
		if err == nil && c.Kind == blog.Answering && c.Origin == blog.Pushed && c.Visibility != blog.RestrictedComment {
			err = s.scheduleBackfill(ctx, c.ArticleID, c.ArrivedAt)
		}
		return err
	})
}

// mostRevisions is how many earlier versions of a comment are kept.
const mostRevisions = 20

// ReviseComment replaces a comment's text, visibility and state, and keeps the former text for moderators.
func (s *Store) ReviseComment(ctx context.Context, c blog.Comment) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		// A conflict means that this version is kept already.
		err := s.run(ctx, `
			INSERT INTO comment_revisions (comment_id, at, html) SELECT id, COALESCE(updated_at, arrived_at), html FROM
			comments WHERE id = ?
			ON CONFLICT DO NOTHING`, c.ID)
		if err != nil {
			return err
		}
		err = s.run(ctx, `
			DELETE FROM comment_revisions WHERE comment_id = ? AND at NOT IN (
				SELECT at FROM comment_revisions WHERE comment_id = ? ORDER BY at DESC LIMIT ?)`, c.ID, c.ID, mostRevisions)
		if err != nil {
			return err
		}
		return s.execOne(ctx, `
			UPDATE comments SET kind = ?, html = ?, plain = ?, markdown = ?, warning = ?, language = ?, visibility = ?, state
			= ?, held = ?, updated_at = ?
			WHERE id = ?`, c.Kind, c.HTML, c.Plain, c.Markdown, c.Warning, c.Language, c.Visibility, c.State, c.Held,
			c.UpdatedAt, c.ID)
	})
}

// RemoveComment erases a comment's text and its authorization. The row stays, since answers may hang on it.
func (s *Store) RemoveComment(ctx context.Context, id blog.ID) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.run(ctx, `DELETE FROM comment_revisions WHERE comment_id = ?`, id); err != nil {
			return err
		}
		if err := s.run(ctx, `DELETE FROM stamps WHERE instrument IN (SELECT address FROM comments WHERE id = ?)`,
			id); err != nil {
			return err
		}
		return s.execOne(ctx, `UPDATE comments SET state = 'removed', html = '', plain = '', markdown = '', warning = ''
			WHERE id = ?`, id)
	})
}

// ModerateComment sets a comment's state. A removed one stays removed: blog.ErrNotFound.
func (s *Store) ModerateComment(ctx context.Context, id blog.ID, state blog.CommentState) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		// A moderator has decided, so the end of a limit must not change the state again.
		return s.execOne(ctx, `UPDATE comments SET state = ?, held = FALSE WHERE id = ? AND state <> 'removed'`, state, id)
	})
}

// Comment finds a comment by id.
func (s *Store) Comment(ctx context.Context, id blog.ID) (blog.Comment, error) {
	var c blog.Comment
	err := s.one(ctx, &c, `SELECT `+commentColumns+` FROM comments c WHERE c.id = ?`, id)
	return c, err
}

// CommentsByID finds comments by their ids.
func (s *Store) CommentsByID(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Comment, error) {
	list, err := commentsBy(ctx, s, `c.id`, ids)
	found := map[blog.ID]blog.Comment{}
	for _, c := range list {
		found[c.ID] = c
	}
	return found, err
}

// CommentByAddress finds a comment by its ActivityPub id.
func (s *Store) CommentByAddress(ctx context.Context, address string) (blog.Comment, error) {
	var c blog.Comment
	err := s.one(ctx, &c, `SELECT `+commentColumns+` FROM comments c WHERE c.address = ?`, address)
	return c, err
}

// CommentsByAddress finds comments by their ActivityPub ids.
func (s *Store) CommentsByAddress(ctx context.Context, addresses []string) (map[string]blog.Comment, error) {
	list, err := commentsBy(ctx, s, `c.address`, addresses)
	found := map[string]blog.Comment{}
	for _, c := range list {
		found[c.Address] = c
	}
	return found, err
}

func commentsBy[K ~string](ctx context.Context, s *Store, column string, keys []K) ([]blog.Comment, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var list []blog.Comment
	err := s.all(ctx, &list, `SELECT `+commentColumns+` FROM comments c WHERE `+column+` IN (?)`, keys)
	return list, err
}

// PublicComments lists the comments under an article, oldest first: those that readers may see, and removed ones
// without their text, since answers hang on them.
func (s *Store) PublicComments(ctx context.Context, article blog.ID) ([]blog.Comment, error) {
	var list []blog.Comment
	err := s.all(ctx, &list, `
		SELECT `+commentColumns+` FROM comments c
		WHERE c.article_id = ? AND c.state IN ('shown', 'removed') AND `+seen+`
		ORDER BY c.sorted_at, c.id`, article)
	return list, err
}

// reply is the condition of a public answer, in contrast to a post elsewhere about the article.
const reply = public + ` AND c.kind = ''`

// PublicReply is a public answer as other servers see it.
type PublicReply struct {
	ID      blog.ID
	Address string
}

// ReplyFilter says which public replies to list.
type ReplyFilter struct {
	Article blog.ID
	Parent  blog.ID // the comment that they answer; "" for the article itself
	After   blog.ID // only replies that arrived after this one; "" for all
	Own     bool    // only replies of our authors
	Limit   int
}

// RepliesTo lists public replies in the order of arrival.
func (s *Store) RepliesTo(ctx context.Context, l ReplyFilter) ([]PublicReply, error) {
	var list []PublicReply
	err := s.all(ctx, &list, `
		SELECT c.id, c.address FROM comments c
		WHERE c.article_id = ? AND c.parent_id = ? AND c.id > ? AND (c.voice_id <> '' OR NOT ?) AND `+reply+`
		ORDER BY c.id LIMIT ?`, l.Article, l.Parent, l.After, l.Own, l.Limit)
	return list, err
}

// CountRepliesTo counts the public replies to an article (parent "") or to a comment under it.
func (s *Store) CountRepliesTo(ctx context.Context, article, parent blog.ID) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM comments c WHERE c.article_id = ? AND c.parent_id = ? AND `+reply,
		article, parent)
	return n, err
}

// Conversation lists all public replies under an article, oldest first, from after a comment; "" begins at the
// oldest.
func (s *Store) Conversation(ctx context.Context, article, after blog.ID, limit int) ([]PublicReply, error) {
	var list []PublicReply
	err := s.all(ctx, &list, `
		SELECT c.id, c.address FROM comments c
		WHERE c.article_id = ? AND (? = '' OR (c.sorted_at, c.id) > (SELECT x.sorted_at, x.id FROM comments x WHERE x.id =
		?)) AND `+reply+`
		ORDER BY c.sorted_at, c.id LIMIT ?`, article, after, after, limit)
	return list, err
}

// NewestComments lists the newest comments that readers may see, on listed articles; at most 1,000.
func (s *Store) NewestComments(ctx context.Context, limit int) ([]blog.Comment, error) {
	var list []blog.Comment
	// SQLite must begin with the newest comment. In a CROSS JOIN it reads the first table first, and c.state || '' keeps
	// it from using the index of the state: nearly all comments are shown, and it would sort all of them.
	err := s.all(ctx, &list, `
		SELECT `+commentColumns+` FROM comments c CROSS JOIN articles a
		WHERE a.id = c.article_id AND c.kind = '' AND c.state || '' = 'shown' AND `+seen+` AND `+listed+`
		ORDER BY c.sorted_at DESC, c.id DESC LIMIT ?`, min(limit, 1000))
	return list, err
}

// CommentFilter says which comments a moderator sees.
type CommentFilter struct {
	Voice   blog.ID             // under articles of this voice; "" for all
	Article blog.ID             // under this article; "" for all
	States  []blog.CommentState // nil for all
	Private bool                // only restricted ones; they are left out otherwise
	Limit   int
	Offset  int
}

// from returns the source of a list with its arguments.
func (l CommentFilter) from() (string, []any) {
	// Only conditions that are asked for. One that may hold for all, as in "? = '' OR ...", would make a database read
	// all comments.
	from, where, args := ` FROM comments c`, ` WHERE c.visibility <> 'restricted'`, []any{}
	if l.Private {
		where = ` WHERE c.visibility = 'restricted'`
	}
	if l.Voice != "" {
		from, where, args = from+` JOIN articles a ON a.id = c.article_id`, where+` AND a.voice_id = ?`, append(args, l.Voice)
	}
	if l.Article != "" {
		where, args = where+` AND c.article_id = ?`, append(args, l.Article)
	}
	if len(l.States) > 0 {
		names := make([]string, len(l.States))
		for i, state := range l.States {
			names[i] = string(state)
		}
		where, args = where+` AND c.state IN (?)`, append(args, names)
	}
	return from + where, args
}

// Comments lists comments for moderators, the newest arrival first; at most 500.
func (s *Store) Comments(ctx context.Context, l CommentFilter) ([]blog.Comment, error) {
	if l.Limit <= 0 || l.Limit > 500 {
		l.Limit = 500
	}
	from, args := l.from()
	var list []blog.Comment
	err := s.all(ctx, &list, `SELECT `+commentColumns+from+` ORDER BY c.arrived_at DESC, c.id DESC LIMIT ? OFFSET ?`,
		append(args, l.Limit, max(0, l.Offset))...)
	return list, err
}

// CountComments counts the comments of a list.
func (s *Store) CountComments(ctx context.Context, l CommentFilter) (int, error) {
	from, args := l.from()
	var n int
	err := s.one(ctx, &n, `SELECT count(*)`+from, args...)
	return n, err
}

// ParticipantInboxes lists the mailboxes of all who publicly take part in an article's conversation.
func (s *Store) ParticipantInboxes(ctx context.Context, article blog.ID) ([]string, error) {
	var list []string
	err := s.all(ctx, &list, `
		SELECT DISTINCT p.mailbox FROM comments c JOIN actors p ON p.id = c.actor_id AND p.gone_at IS NULL
		WHERE c.article_id = ? AND `+public+` ORDER BY 1`, article)
	return list, err
}
