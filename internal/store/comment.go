package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

const commentColumns = `c.id, c.kind, c.address, c.article_id, c.parent_id, c.actor_id, c.voice_id, c.origin,
	c.visibility, c.state,
	c.html, c.plain, c.markdown, c.warning, c.language, c.url, c.context_url, c.replies_url, c.published_at,
	c.sorted_at, c.arrived_at, c.updated_at, c.held, c.strayed, c.key_mark,
	EXISTS (SELECT 1 FROM actors refused WHERE refused.id = c.actor_id AND refused.block = 'refuse') AS refused`

// public is the condition of every comment that readers may see, and every public query must use it. It excludes
// restricted, unapproved and removed comments, and those of refused actors. It is the SQL form of
// blog.Comment.Public. visible leaves the state to the query.
const (
	public  = `c.state = 'shown' AND ` + visible
	visible = `c.visibility <> 'restricted'
	AND NOT EXISTS (SELECT 1 FROM actors refused WHERE refused.id = c.actor_id AND refused.block = 'refuse')`
)

// AddComment saves a new comment. It returns blog.ErrConflict when the address is known already.
func (s *Store) AddComment(ctx context.Context, c blog.Comment) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markComment(c)
		n, err := s.exec(ctx, `
			INSERT INTO comments (id, kind, address, article_id, parent_id, actor_id, voice_id, origin, visibility, state,
			held, strayed, html, plain,
				markdown, warning, language, url, context_url, replies_url, published_at, sorted_at, arrived_at, updated_at,
				key_mark, root_id, owner_id)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
				COALESCE((SELECT CASE p.root_id WHEN '' THEN p.id ELSE p.root_id END FROM comments p
					WHERE p.id = ? AND p.article_id = ?), ''),
				COALESCE((SELECT a.voice_id FROM articles a WHERE a.id = ?), ''))
			ON CONFLICT (address) DO NOTHING`,
			c.ID, c.Kind, c.Address, c.ArticleID, c.ParentID, c.ActorID, c.VoiceID, c.Origin, c.Visibility, c.State, c.Held,
			c.Strayed, c.HTML, c.Plain,
			c.Markdown, c.Warning, c.Language, c.URL, c.ContextURL, c.RepliesURL, c.PublishedAt, c.SortedAt, c.ArrivedAt,
			c.UpdatedAt, c.KeyMark, c.ParentID, c.ArticleID, c.ArticleID)
		if err == nil && n == 0 {
			return fmt.Errorf("comment %s: %w", c.Address, blog.ErrConflict)
		}
		// Only a comment that was sent to us plans a backfill. If a fetched comment did so too, each backfill would plan
		// the next.
		if err == nil && c.Kind == blog.Answering && c.Origin == blog.Pushed && c.Visibility != blog.RestrictedComment {
			err = s.scheduleBackfill(ctx, c.ArticleID, c.ArrivedAt)
		}
		return err
	})
}

// mostRevisions is how many former versions of a comment are kept.
const mostRevisions = 20

// ReviseComment replaces the text, visibility, state and writer of a comment. It keeps the former text for moderators.
func (s *Store) ReviseComment(ctx context.Context, c blog.Comment) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Article(c.ArticleID), changes.Comments)
		// A conflict means that this version is saved already.
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
			= ?, held = ?, strayed = FALSE, updated_at = ?, actor_id = ?, key_mark = ?
			WHERE id = ?`, c.Kind, c.HTML, c.Plain, c.Markdown, c.Warning, c.Language, c.Visibility, c.State, c.Held,
			c.UpdatedAt, c.ActorID, c.KeyMark, c.ID)
	})
}

// RemoveComment erases the text of a comment and its authorization. The row stays, because replies refer to it.
func (s *Store) RemoveComment(ctx context.Context, id blog.ID) error {
	return s.InTx(ctx, func(s *Store) error {
		if err := s.run(ctx, `DELETE FROM authorizations WHERE instrument IN (SELECT address FROM comments WHERE id = ?)`,
			id); err != nil {
			return err
		}
		return s.emptyComment(ctx, id)
	})
}

func (s *Store) emptyComment(ctx context.Context, id blog.ID) error {
	if err := s.run(ctx, `DELETE FROM comment_revisions WHERE comment_id = ?`, id); err != nil {
		return err
	}
	return s.changeComment(ctx, `UPDATE comments SET state = 'removed', strayed = FALSE, html = '', plain = '',
		markdown = '', warning = '' WHERE id = ?`, id)
}

// StrayComment removes a comment whose writer took out at a time the quote or link that put it here, or all words.
// ReviseComment brings it back.
func (s *Store) StrayComment(ctx context.Context, id blog.ID, at *time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		// A reply is one still, and what its server may show needs no second approval.
		err := s.run(ctx, `
			DELETE FROM authorizations WHERE instrument IN (SELECT address FROM comments WHERE id = ? AND kind <> '')`, id)
		if err != nil {
			return err
		}
		if err := s.emptyComment(ctx, id); err != nil {
			return err
		}
		return s.run(ctx, `UPDATE comments SET strayed = TRUE, updated_at = ? WHERE id = ?`, at, id)
	})
}

// changeComment runs an UPDATE of one comment. It returns blog.ErrNotFound when that changed nothing.
func (s *Store) changeComment(ctx context.Context, update string, args ...any) error {
	var article blog.ID
	err := s.one(ctx, &article, update+` RETURNING article_id`, args...)
	s.mark(changes.Article(article), changes.Comments)
	return err
}

// markComment marks what shows a new comment: nothing before a moderator has approved it.
func (s *Store) markComment(c blog.Comment) {
	if (c.State == blog.CommentShown || c.State == blog.CommentRemoved) && c.Visibility != blog.RestrictedComment {
		s.mark(changes.Article(c.ArticleID), changes.Comments)
	}
}

// ModerateComment sets the state of a comment. It returns blog.ErrNotFound for a removed comment, which stays
// removed.
func (s *Store) ModerateComment(ctx context.Context, id blog.ID, state blog.CommentState) error {
	return s.InTx(ctx, func(s *Store) error {
		// A moderator has decided. held = FALSE keeps the end of a limit from changing the state again.
		return s.changeComment(ctx, `UPDATE comments SET state = ?, approved = ?, held = FALSE WHERE id = ?
			AND state <> 'removed'`, state, state == blog.CommentShown, id)
	})
}

// Comment returns a comment by id.
func (s *Store) Comment(ctx context.Context, id blog.ID) (blog.Comment, error) {
	var c blog.Comment
	err := s.one(ctx, &c, `SELECT `+commentColumns+` FROM comments c WHERE c.id = ?`, id)
	changes.Note(ctx, changes.Article(c.ArticleID))
	return c, err
}

// CommentsByID returns comments by id.
func (s *Store) CommentsByID(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Comment, error) {
	list, err := commentsBy(ctx, s, `c.id`, ids)
	found := map[blog.ID]blog.Comment{}
	for _, c := range list {
		found[c.ID] = c
	}
	return found, err
}

// CommentByAddress returns a comment by its ActivityPub id.
func (s *Store) CommentByAddress(ctx context.Context, address string) (blog.Comment, error) {
	var c blog.Comment
	err := s.one(ctx, &c, `SELECT `+commentColumns+` FROM comments c WHERE c.address = ?`, address)
	changes.Note(ctx, changes.Article(c.ArticleID))
	return c, err
}

// CommentsByAddress returns comments by their ActivityPub ids.
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
	for _, c := range list {
		changes.Note(ctx, changes.Article(c.ArticleID))
	}
	return list, err
}

// PublicComments lists the comments under an article that readers may see, oldest first. Removed comments are
// included without text, because replies refer to them.
func (s *Store) PublicComments(ctx context.Context, article blog.ID) ([]blog.Comment, error) {
	changes.Note(ctx, changes.Article(article))
	var list []blog.Comment
	err := s.all(ctx, &list, `
		SELECT `+commentColumns+` FROM comments c
		WHERE c.article_id = ? AND c.state IN ('shown', 'removed') AND `+visible+`
		ORDER BY c.sorted_at, c.id`, article)
	return list, err
}

// isPublicReply is the condition of a public reply. A post elsewhere that only mentions or quotes the article is not
// one.
const isPublicReply = public + ` AND c.kind = ''`

// PublicReply is a public reply to an article or a comment, as other servers see it.
type PublicReply struct {
	ID      blog.ID
	Address string
}

// ReplyFilter selects public replies.
type ReplyFilter struct {
	Article blog.ID
	Parent  blog.ID // the comment that they answer; "" for the article itself
	After   blog.ID // only replies that arrived after this one; "" for all
	Own     bool    // only replies of our authors
	Limit   int
}

// RepliesTo lists public replies in the order of arrival.
func (s *Store) RepliesTo(ctx context.Context, f ReplyFilter) ([]PublicReply, error) {
	changes.Note(ctx, changes.Article(f.Article))
	var list []PublicReply
	index, own := ``, ``
	if f.Own {
		index, own = s.sql.indexedBy("comments_own_replies"), ` AND c.voice_id <> ''`
	}
	err := s.all(ctx, &list, `
		SELECT c.id, c.address FROM comments c`+index+`
		WHERE c.article_id = ? AND c.parent_id = ? AND c.id > ?`+own+` AND c.kind = ''
			AND `+s.sql.unindexed(`c.state`)+` = 'shown' AND `+visible+`
		ORDER BY c.id LIMIT ?`, f.Article, f.Parent, f.After, f.Limit)
	return list, err
}

// CountRepliesTo counts the public replies to an article (parent "") or to a comment under it.
func (s *Store) CountRepliesTo(ctx context.Context, article, parent blog.ID) (int, error) {
	changes.Note(ctx, changes.Article(article))
	var n int
	if parent == "" {
		err := s.one(ctx, &n, `
			SELECT CAST(COALESCE(sum(n.direct), 0) AS BIGINT) FROM conversation_counts n WHERE n.article_id = ?`, article)
		return n, err
	}
	err := s.one(ctx, &n, `
		SELECT CAST(COALESCE(sum(t.n), 0) AS BIGINT) FROM target_counts t WHERE t.target_id = ? AND t.kind = 'reply'`, parent)
	return n, err
}

// Conversation lists all public replies under an article, oldest first. It starts after the comment with the id
// after; "" starts at the oldest.
func (s *Store) Conversation(ctx context.Context, article, after blog.ID, limit int) ([]PublicReply, error) {
	changes.Note(ctx, changes.Article(article))
	var list []PublicReply
	// Only the conditions in use: with a general form such as "? = '' OR …", each page would begin at the oldest.
	behind, args := ``, []any{article}
	if after != "" {
		behind, args = ` AND (c.sorted_at, c.id) > (SELECT x.sorted_at, x.id FROM comments x WHERE x.id = ?)`,
			append(args, after)
	}
	err := s.all(ctx, &list, `SELECT c.id, c.address FROM comments c WHERE c.article_id = ?`+behind+` AND `+
		isPublicReply+` ORDER BY c.sorted_at, c.id LIMIT ?`, append(args, limit)...)
	return list, err
}

// NewestComments lists the newest public comments on listed articles, at most 1,000.
func (s *Store) NewestComments(ctx context.Context, limit int) ([]blog.Comment, error) {
	changes.Note(ctx, changes.Comments)
	var list []blog.Comment
	// This must read the comments by time and stop at the limit. The article is looked up and not joined: for a join,
	// SQLite would first read all articles into a filter.
	err := s.all(ctx, &list, `
		SELECT `+commentColumns+` FROM comments c
		WHERE c.kind = '' AND `+s.sql.unindexed(`c.state`)+` = 'shown' AND `+visible+`
			AND (SELECT `+listed+` FROM articles a WHERE a.id = c.article_id)
		ORDER BY c.sorted_at DESC, c.id DESC LIMIT ?`, min(limit, 1000))
	return list, err
}

// CommentFilter selects comments for moderators.
type CommentFilter struct {
	Voice   blog.ID             // under articles of this voice; "" for all
	Article blog.ID             // under this article; "" for all
	States  []blog.CommentState // nil for all
	Private bool                // only restricted ones; they are left out otherwise
	Before  blog.ID             // only those that arrived before this one; "" for all
	Limit   int
}

// where returns the conditions of a filter with their arguments.
func (f CommentFilter) where() (string, []any) {
	// Only the conditions in use. With a general form such as "? = '' OR …", the database would read all comments.
	where, args := ` WHERE c.visibility <> 'restricted'`, []any{}
	if f.Private {
		where = ` WHERE c.visibility = 'restricted'`
	}
	if f.Voice != "" {
		where, args = where+` AND c.owner_id = ?`, append(args, f.Voice)
	}
	if f.Article != "" {
		where, args = where+` AND c.article_id = ?`, append(args, f.Article)
	}
	if len(f.States) > 0 {
		where, args = where+` AND c.state IN (?)`, append(args, texts(f.States))
	}
	if f.Before != "" {
		where, args = where+` AND c.id < ?`, append(args, f.Before)
	}
	return where, args
}

// Comments lists comments for moderators, at most 500. The newest arrival comes first: ids grow with the arrivals.
func (s *Store) Comments(ctx context.Context, f CommentFilter) ([]blog.Comment, error) {
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 500
	}
	where, args := f.where()
	var list []blog.Comment
	err := s.all(ctx, &list, `SELECT `+commentColumns+` FROM comments c`+where+` ORDER BY c.id DESC LIMIT ?`,
		append(args, f.Limit)...)
	return list, err
}

// CountComments counts the comments that a filter selects by voice, states and privacy; its other fields do not count.
func (s *Store) CountComments(ctx context.Context, f CommentFilter) (int, error) {
	where, args := ` WHERE n.private = ?`, []any{f.Private}
	if f.Voice != "" {
		where, args = where+` AND n.voice_id = ?`, append(args, f.Voice)
	}
	if len(f.States) > 0 {
		where, args = where+` AND n.state IN (?)`, append(args, texts(f.States))
	}
	var n int
	err := s.one(ctx, &n, `SELECT CAST(COALESCE(sum(n.n), 0) AS BIGINT) FROM comment_totals n`+where, args...)
	return n, err
}
