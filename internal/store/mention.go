package store

import (
	"context"

	"causerie/internal/blog"
)

// How many mentions of one voice are kept, and of those, how many by one writer: the newest.
const (
	mostMentions         = 500
	mostMentionsByWriter = 50
)

// AddMention saves a mention, unless it is known. It deletes the oldest where a limit is exceeded.
func (s *Store) AddMention(ctx context.Context, m blog.Mention) error {
	return s.InTx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `
			INSERT INTO mentions (id, address, voice_id, actor_id, visibility, html, plain, warning, language, url, answers,
			published_at, arrived_at,
				updated_at, key_mark)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address, voice_id) DO NOTHING`,
			m.ID, m.Address, m.VoiceID, m.ActorID, m.Visibility, m.HTML, m.Plain, m.Warning, m.Language, m.URL, m.Answers,
			m.PublishedAt, m.ArrivedAt,
			m.UpdatedAt, m.KeyMark)
		if err != nil || n == 0 {
			return err
		}
		// The limit for one writer comes first, so that a flood by one person does not push out the mentions by others.
		err = s.run(ctx, `DELETE FROM mentions WHERE voice_id = ? AND actor_id = ? AND id NOT IN (
			SELECT id FROM mentions WHERE voice_id = ? AND actor_id = ? ORDER BY id DESC LIMIT ?)`, m.VoiceID, m.ActorID,
			m.VoiceID, m.ActorID, mostMentionsByWriter)
		if err != nil {
			return err
		}
		return s.run(ctx, `DELETE FROM mentions WHERE voice_id = ? AND id NOT IN (
			SELECT id FROM mentions WHERE voice_id = ? ORDER BY id DESC LIMIT ?)`, m.VoiceID, m.VoiceID, mostMentions)
	})
}

const mentionColumns = `m.id, m.address, m.voice_id, m.actor_id, m.visibility, m.html, m.plain, m.warning, m.language,
	m.url, m.answers, m.published_at, m.arrived_at, m.updated_at, m.key_mark, m.hidden`

// MentionByAddress returns the first mention by a post. All mentions by a post have the same text.
func (s *Store) MentionByAddress(ctx context.Context, address string) (blog.Mention, error) {
	var m blog.Mention
	err := s.one(ctx, &m, `SELECT `+mentionColumns+` FROM mentions m WHERE m.address = ? ORDER BY m.id LIMIT 1`, address)
	return m, err
}

// ReviseMention gives the mentions by a post its edited text, unless the edit is older or by another writer.
// Where neither has a time, the edit is newer.
func (s *Store) ReviseMention(ctx context.Context, m blog.Mention) error {
	// A restricted mention stays restricted: what was private must not become public by an edit.
	return s.run(ctx, `
		UPDATE mentions SET html = ?, plain = ?, warning = ?, language = ?, updated_at = ?, visibility = CASE WHEN
		visibility = 'restricted' THEN visibility ELSE ? END
		WHERE address = ? AND actor_id = ? AND key_mark = ? AND (updated_at IS NULL OR updated_at <= ?)`,
		m.HTML, m.Plain, m.Warning, m.Language, m.UpdatedAt, m.Visibility, m.Address, m.ActorID, m.KeyMark, m.UpdatedAt)
}

// RemoveMention deletes the mentions by a post that its writer deleted. It returns blog.ErrNotFound when there are
// none.
func (s *Store) RemoveMention(ctx context.Context, address, actor string) error {
	return s.execOne(ctx, `DELETE FROM mentions WHERE address = ? AND actor_id = ?`, address, actor)
}

// MentionList selects the mentions that an author sees.
type MentionList struct {
	Author blog.ID // who is mentioned
	Blog   bool    // includes mentions of the blog's own voices, for authors who may speak by them
	Hidden bool    // hidden ones and those by limited actors; otherwise the others
	Limit  int
	Offset int
}

func (l MentionList) where() (string, []any) {
	where := ` FROM mentions m JOIN voices v ON v.id = m.voice_id JOIN actors x ON x.id = m.actor_id AND x.block <>
		'refuse'
		WHERE (m.voice_id = ? OR ? AND v.kind <> 'author') AND (m.hidden OR x.block = 'limit') = ?`
	return where, []any{l.Author, l.Blog, l.Hidden}
}

// Mentions lists mentions, newest arrival first.
func (s *Store) Mentions(ctx context.Context, l MentionList) ([]blog.Mention, error) {
	where, args := l.where()
	var list []blog.Mention
	err := s.all(ctx, &list, `
		SELECT `+mentionColumns+where+` ORDER BY m.id DESC LIMIT ? OFFSET ?`,
		append(args, min(max(1, l.Limit), mostMentions), max(0, l.Offset))...)
	return list, err
}

// CountMentions counts the mentions of a list.
func (s *Store) CountMentions(ctx context.Context, l MentionList) (int, error) {
	where, args := l.where()
	var n int
	err := s.one(ctx, &n, `SELECT count(*)`+where, args...)
	return n, err
}

// HideMention hides a mention or shows it again. It returns blog.ErrNotFound when it is none of the author's (see
// MentionList).
func (s *Store) HideMention(ctx context.Context, of MentionList, id blog.ID, hidden bool) error {
	return s.execOne(ctx, `
		UPDATE mentions SET hidden = ? WHERE id = ? AND (voice_id = ? OR ? AND voice_id IN (SELECT v.id FROM voices v
		WHERE v.kind <> 'author'))`,
		hidden, id, of.Author, of.Blog)
}
