package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"causerie/internal/blog"
)

// PlanLeave notes when a voice is to end, or with nil that it stays; blog.ErrNotFound for one that has ended.
func (s *Store) PlanLeave(ctx context.Context, voice blog.ID, at *time.Time) error {
	return s.execOne(ctx, `UPDATE voices SET leaves_at = ? WHERE id = ? AND retired_at IS NULL`, at, voice)
}

// DueLeaves lists the voices that are to end by now.
func (s *Store) DueLeaves(ctx context.Context, now time.Time) ([]blog.ID, error) {
	var list []blog.ID
	return list, s.all(ctx, &list, `SELECT id FROM voices WHERE leaves_at <= ? AND retired_at IS NULL ORDER BY leaves_at`,
		now)
}

// OtherAdmins counts the admins who may sign in, and stay, besides one author. In a transaction they stay admins until
// its end, so that two cannot leave at once in each other's trust.
func (s *Store) OtherAdmins(ctx context.Context, but blog.ID) (int, error) {
	var admins []blog.ID
	err := s.all(ctx, &admins, `
		SELECT a.voice_id`+fromAuthors+`WHERE a.role = 'admin' AND a.disabled_at IS NULL AND v.leaves_at IS NULL ORDER BY
			a.voice_id`+s.sql.lockRow())
	others := slices.DeleteFunc(admins, func(id blog.ID) bool { return id == but })
	return len(others), err
}

// TellEveryone writes a delivery for every inbox that we ever wrote to or know of, since it may hold something of the
// speaker; one for all who share an inbox.
func (s *Store) TellEveryone(ctx context.Context, a blog.Activity) error {
	return s.tell(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host)
		SELECT s.id, d.inbox, d.host FROM activities s, deliveries d WHERE s.id = ? AND d.activity_id <> s.id AND d.status
		<> 'gone'
			AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.inbox = d.inbox AND p.mailbox <> p.inbox)
		UNION
		SELECT s.id, p.mailbox, p.mail_host FROM activities s, actors p WHERE s.id = ? AND p.gone_at IS NULL AND p.mailbox
		<> ''
		ON CONFLICT DO NOTHING`, a.ID, a.ID)
}

// owned are the articles of a voice.
const owned = `(SELECT id FROM articles WHERE voice_id = ?)`

// LivingObjects lists objects of a voice's articles and answers that are not gone, so many at most.
func (s *Store) LivingObjects(ctx context.Context, voice blog.ID, limit int) ([]Object, error) {
	var list []Object
	return list, s.all(ctx, &list, `
		SELECT id, article_id, comment_id, payload, revision, at, gone_at FROM objects o
		WHERE o.gone_at IS NULL AND (o.comment_id = '' AND o.article_id IN `+owned+`
			OR o.comment_id <> '' AND o.comment_id IN (SELECT id FROM comments WHERE voice_id = ?)) LIMIT ?`, voice, voice,
		limit)
}

// EraseVoice ends a voice for ever: of what it was, said and kept, nothing stays but its id, its handles, the addresses
// and tombstones of its articles, and, until the last delivery about the departure is settled, its keys. Living objects
// must have become tombstones before.
func (s *Store) EraseVoice(ctx context.Context, voice blog.Voice, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.eraseDeliveries(ctx, voice.ID, now); err != nil {
			return fmt.Errorf("erase %s: %w", voice.Handle, err)
		}
		if err := s.eraseWords(ctx, voice.ID, now); err != nil {
			return fmt.Errorf("erase %s: %w", voice.Handle, err)
		}
		if err := s.erasePerson(ctx, voice); err != nil {
			return fmt.Errorf("erase %s: %w", voice.Handle, err)
		}
		return s.execOne(ctx, `
			UPDATE voices SET name = '', summary = '', picture = '', header = '', fields = '', also_known_as = '', moved_to = '',
				introduce_at = NULL, leaves_at = NULL, updated_at = ?, retired_at = ?
			WHERE id = ? AND retired_at IS NULL`, now, now, voice.ID)
	})
}

// each runs statements that all take the same arguments.
func (s *Store) each(ctx context.Context, args []any, statements ...string) error {
	for _, statement := range statements {
		if err := s.run(ctx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}

// eraseDeliveries forgets what a voice said but for what it took back: only that still goes out.
func (s *Store) eraseDeliveries(ctx context.Context, voice blog.ID, now time.Time) error {
	err := s.run(ctx, `
		UPDATE deliveries SET status = 'superseded', settled_at = ? WHERE settled_at IS NULL AND activity_id IN (
			SELECT e.id FROM activities e JOIN objects o ON o.id = e.object_id WHERE e.kind <> 'Delete' AND o.article_id IN `+
		owned+`)`, now, voice)
	if err != nil {
		return err
	}
	return s.each(ctx, []any{voice},
		`DELETE FROM welcome_letters WHERE voice_id = ?`,
		`DELETE FROM refusals WHERE voice_id = ?`,
		`DELETE FROM deliveries WHERE activity_id IN (SELECT id FROM activities WHERE voice_id = ? AND kind <> 'Delete')`,
		`DELETE FROM activities WHERE voice_id = ? AND kind <> 'Delete'`)
}

// eraseWords empties a voice's articles, answers and pictures. Articles that were public once answer 410 at their
// addresses for ever; drafts leave nothing.
func (s *Store) eraseWords(ctx context.Context, voice blog.ID, now time.Time) error {
	err := s.run(ctx, `
		UPDATE articles SET status = 'deleted', deleted_at = ?, warning = '', series_title = '', series_slug = '',
		series_planned = 0,
			picture_id = '', picture_alt = '', file = '', object_id = '', scheduled_at = NULL
		WHERE voice_id = ?`, now, voice)
	if err != nil {
		return err
	}
	return s.each(ctx, []any{voice},
		`DELETE FROM mentions WHERE voice_id = ?`,
		`UPDATE article_texts SET title = '', subtitle = '', summary = '', markdown = '', html = '', plain = '', words =
			0, translator = ''
			WHERE article_id IN `+owned,
		`DELETE FROM revisions WHERE article_id IN `+owned,
		`DELETE FROM holds WHERE article_id IN `+owned,
		`DELETE FROM article_tags WHERE article_id IN `+owned,
		`DELETE FROM article_authors WHERE article_id IN `+owned,
		`DELETE FROM article_authors WHERE voice_id = ?`,
		`DELETE FROM comment_revisions WHERE comment_id IN (SELECT id FROM comments WHERE voice_id = ?)`,
		`UPDATE comments SET state = 'removed', html = '', plain = '', markdown = '', warning = '' WHERE voice_id = ?`,
		`INSERT INTO discarded_files (file) SELECT f.file FROM media_files f JOIN media m ON m.id = f.picture_id WHERE
			m.voice_id = ? ON CONFLICT DO NOTHING`,
		`DELETE FROM media_files WHERE picture_id IN (SELECT id FROM media WHERE voice_id = ?)`,
		`DELETE FROM media WHERE voice_id = ?`)
}

// erasePerson forgets how an author signed in, and everybody who followed or was followed.
func (s *Store) erasePerson(ctx context.Context, voice blog.Voice) error {
	if err := s.run(ctx, `DELETE FROM guesses WHERE account = ? OR account = (SELECT email FROM authors WHERE voice_id
		= ? AND email <> '')`,
		voice.Handle, voice.ID); err != nil {
		return err
	}
	return s.each(ctx, []any{voice.ID},
		`DELETE FROM sign_ins WHERE voice_id = ?`,
		`DELETE FROM known_browsers WHERE voice_id = ?`,
		`DELETE FROM links WHERE voice_id = ?`,
		`DELETE FROM authors WHERE voice_id = ?`,
		`DELETE FROM followers WHERE voice_id = ?`,
		`DELETE FROM following WHERE voice_id = ?`,
		`DELETE FROM welcomes WHERE voice_id = ?`,
		`DELETE FROM moves WHERE voice_id = ?`)
}

// EraseKeys forgets the keys of voices that ended, once all their deliveries are settled. It returns how many.
func (s *Store) EraseKeys(ctx context.Context) (int64, error) {
	return s.exec(ctx, `
		UPDATE voices SET private_key = '', public_key = '', old_private_key = '', proof_private_key = '', proof_key = ''
		WHERE retired_at IS NOT NULL AND private_key <> ''
		AND id NOT IN (SELECT a.voice_id FROM deliveries d JOIN activities a ON a.id = d.activity_id WHERE d.settled_at IS
		NULL)`)
}

// DiscardedFiles lists files of pictures that are no more, so many at most.
func (s *Store) DiscardedFiles(ctx context.Context, limit int) ([]string, error) {
	var list []string
	return list, s.all(ctx, &list, `SELECT file FROM discarded_files ORDER BY file LIMIT ?`, limit)
}

// Discarded notes that files are off the disk.
func (s *Store) Discarded(ctx context.Context, files []string) error {
	if len(files) == 0 {
		return nil
	}
	return s.run(ctx, `DELETE FROM discarded_files WHERE file IN (?)`, files)
}
