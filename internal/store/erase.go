package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"causerie/internal/blog"
)

// PlanLeave sets when a voice will be erased. A nil time cancels that. It returns blog.ErrNotFound for an erased
// voice.
func (s *Store) PlanLeave(ctx context.Context, voice blog.ID, at *time.Time) error {
	return s.execOne(ctx, `UPDATE voices SET leaves_at = ? WHERE id = ? AND retired_at IS NULL`, at, voice)
}

// DueLeaves lists the voices that are due to be erased.
func (s *Store) DueLeaves(ctx context.Context, now time.Time) ([]blog.ID, error) {
	var list []blog.ID
	err := s.all(ctx, &list, `SELECT id FROM voices WHERE leaves_at <= ? AND retired_at IS NULL ORDER BY leaves_at`,
		now)
	return list, err
}

// OtherAdmins counts the admins besides one author who can sign in and are not about to leave.
func (s *Store) OtherAdmins(ctx context.Context, except blog.ID) (int, error) {
	var admins []blog.ID
	// The lock lasts until the transaction ends. Without it, the last two admins could leave at the same time, each
	// counting the other.
	err := s.all(ctx, &admins, `
		SELECT a.voice_id`+fromAuthors+`WHERE a.role = 'admin' AND a.disabled_at IS NULL AND v.leaves_at IS NULL ORDER BY
			a.voice_id`+s.sql.lockRow())
	others := slices.DeleteFunc(admins, func(id blog.ID) bool { return id == except })
	return len(others), err
}

// articlesOfVoice selects the ids of a voice's articles.
const articlesOfVoice = `(SELECT id FROM articles WHERE voice_id = ?)`

// LivingObjects lists at most limit objects of a voice that are not deleted yet: those of its articles and replies.
func (s *Store) LivingObjects(ctx context.Context, voice blog.ID, limit int) ([]Object, error) {
	var list []objectRow
	err := s.all(ctx, &list, `
		SELECT id, article_id, comment_id, payload, revision, at, gone_at FROM objects o
		WHERE o.gone_at IS NULL AND (o.comment_id = '' AND o.article_id IN `+articlesOfVoice+`
			OR o.comment_id <> '' AND o.comment_id IN (SELECT id FROM comments WHERE voice_id = ?)) LIMIT ?`, voice, voice,
		limit)
	return objectsOf(list), err
}

// EraseVoice erases a voice for ever. What stays: its id, its handles, and the addresses and tombstones of its
// articles. The keys stay until EraseKeys, because they sign the last deliveries. Call it after all living objects
// have become tombstones.
func (s *Store) EraseVoice(ctx context.Context, voice blog.Voice, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.eraseDeliveries(ctx, voice.ID, now); err != nil {
			return fmt.Errorf("erase %s: %w", voice.Handle, err)
		}
		if err := s.eraseContent(ctx, voice.ID, now); err != nil {
			return fmt.Errorf("erase %s: %w", voice.Handle, err)
		}
		if err := s.eraseAccount(ctx, voice); err != nil {
			return fmt.Errorf("erase %s: %w", voice.Handle, err)
		}
		// The row stays, so that nobody can take the handle and the address answers 410.
		return s.execOne(ctx, `
			UPDATE voices SET name = '', summary = '', picture = '', header = '', fields = '', also_known_as = '', moved_to = '',
				introduce_at = NULL, leaves_at = NULL, updated_at = ?, retired_at = ?
			WHERE id = ? AND retired_at IS NULL`, now, now, voice.ID)
	})
}

// runAll runs several statements with the same arguments.
func (s *Store) runAll(ctx context.Context, args []any, statements ...string) error {
	for _, statement := range statements {
		if err := s.run(ctx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}

// eraseDeliveries deletes the activities of a voice and their deliveries. The Deletes stay, because they are still to
// be sent.
func (s *Store) eraseDeliveries(ctx context.Context, voice blog.ID, now time.Time) error {
	// Other voices may have sent activities about these articles, such as an Announce by the blog. Those must not be
	// sent any more.
	err := s.run(ctx, `
		UPDATE deliveries SET status = 'superseded', settled_at = ? WHERE `+unsettled+` AND activity_id IN (
			SELECT e.id FROM activities e JOIN objects o ON o.id = e.object_id WHERE e.kind <> 'Delete' AND o.article_id IN `+
		articlesOfVoice+`)`, now, voice)
	if err != nil {
		return err
	}
	return s.runAll(ctx, []any{voice},
		`DELETE FROM welcome_letters WHERE voice_id = ?`,
		`DELETE FROM refusals WHERE voice_id = ?`,
		`DELETE FROM delivery_samples WHERE article_id IN `+articlesOfVoice,
		`DELETE FROM deliveries WHERE activity_id IN (SELECT id FROM activities WHERE voice_id = ? AND kind <> 'Delete')`,
		`DELETE FROM delivery_counts WHERE activity_id IN (SELECT id FROM activities WHERE voice_id = ?
			AND kind <> 'Delete')`,
		`DELETE FROM past_deliveries WHERE activity_id IN (SELECT id FROM activities WHERE voice_id = ?
			AND kind <> 'Delete')`,
		`DELETE FROM activities WHERE voice_id = ? AND kind <> 'Delete'`)
}

// eraseContent empties the articles, replies and pictures of a voice. The rows stay, so that published articles
// answer 410.
func (s *Store) eraseContent(ctx context.Context, voice blog.ID, now time.Time) error {
	// Those of others, of which the voice is a co-author, leave its lists too.
	var articles []blog.ID
	if err := s.all(ctx, &articles, `SELECT id FROM articles WHERE voice_id = ?
		UNION SELECT article_id FROM article_authors WHERE voice_id = ? ORDER BY 1`, voice, voice); err != nil {
		return err
	}
	err := s.run(ctx, `
		UPDATE articles SET status = 'deleted', deleted_at = ?, warning = '', series_title = '', series_slug = '',
		series_planned = 0,
			picture_id = '', picture_alt = '', object_id = '', scheduled_at = NULL
		WHERE voice_id = ?`, now, voice)
	if err != nil {
		return err
	}
	// The order matters: discarded_files gets the names of the picture files before their rows are deleted. A job
	// deletes the files after the commit, so a rollback loses none.
	err = s.run(ctx, `UPDATE article_bodies SET body = ? WHERE article_id IN `+articlesOfVoice, packedBody{}, voice)
	if err != nil {
		return err
	}
	err = s.runAll(ctx, []any{voice},
		`DELETE FROM mentions WHERE voice_id = ?`,
		`UPDATE article_texts SET title = '', subtitle = '', summary = '', words = 0, translator = ''
			WHERE article_id IN `+articlesOfVoice,
		`DELETE FROM revisions WHERE article_id IN `+articlesOfVoice,
		`DELETE FROM holds WHERE article_id IN `+articlesOfVoice,
		`DELETE FROM article_files WHERE article_id IN `+articlesOfVoice,
		`DELETE FROM article_tags WHERE article_id IN `+articlesOfVoice,
		`DELETE FROM article_authors WHERE article_id IN `+articlesOfVoice,
		`DELETE FROM article_authors WHERE voice_id = ?`,
		`DELETE FROM comment_revisions WHERE comment_id IN (SELECT id FROM comments WHERE voice_id = ?)`,
		`UPDATE comments SET state = 'removed', html = '', plain = '', markdown = '', warning = '' WHERE voice_id = ?`,
		`INSERT INTO discarded_files (file) SELECT f.file FROM media_files f JOIN media m ON m.id = f.picture_id WHERE
			m.voice_id = ? ON CONFLICT DO NOTHING`,
		`DELETE FROM media_files WHERE picture_id IN (SELECT id FROM media WHERE voice_id = ?)`,
		`DELETE FROM media WHERE voice_id = ?`)
	if err != nil {
		return err
	}
	return s.relistMany(ctx, articles)
}

// eraseAccount deletes all that an author needs to sign in, and the voice's followers and followed actors.
func (s *Store) eraseAccount(ctx context.Context, voice blog.Voice) error {
	// This needs the email, so it comes before the row in authors is deleted.
	if err := s.run(ctx, `DELETE FROM guesses WHERE account = ? OR account = (SELECT email FROM authors WHERE voice_id
		= ? AND email <> '')`,
		voice.Handle, voice.ID); err != nil {
		return err
	}
	if err := s.deleteFeatures(ctx, `voice_id = ?`, voice.ID); err != nil {
		return err
	}
	return s.runAll(ctx, []any{voice.ID},
		`DELETE FROM sign_ins WHERE voice_id = ?`,
		`DELETE FROM known_browsers WHERE voice_id = ?`,
		`DELETE FROM links WHERE voice_id = ?`,
		`DELETE FROM authors WHERE voice_id = ?`,
		`DELETE FROM followers WHERE voice_id = ?`,
		`DELETE FROM following WHERE voice_id = ?`,
		`DELETE FROM welcomes WHERE voice_id = ?`,
		`DELETE FROM moves WHERE voice_id = ?`)
}

// EraseKeys deletes the keys of erased voices without waiting deliveries. It returns how many voices that were.
func (s *Store) EraseKeys(ctx context.Context) (int64, error) {
	return s.exec(ctx, `
		UPDATE voices SET private_key = '', public_key = '', old_private_key = '', proof_private_key = '', proof_key = ''
		WHERE retired_at IS NOT NULL AND private_key <> ''
		AND id NOT IN (SELECT a.voice_id FROM deliveries d JOIN activities a ON a.id = d.activity_id WHERE d.settled_at IS
		NULL)`)
}

// DiscardedFiles lists at most limit files of deleted pictures that may still be on the disk.
func (s *Store) DiscardedFiles(ctx context.Context, limit int) ([]string, error) {
	var list []string
	err := s.all(ctx, &list, `SELECT file FROM discarded_files ORDER BY file LIMIT ?`, limit)
	return list, err
}

// ForgetDiscardedFiles removes files from the list of DiscardedFiles. Call it after they were deleted from the disk.
func (s *Store) ForgetDiscardedFiles(ctx context.Context, files []string) error {
	if len(files) == 0 {
		return nil
	}
	return s.run(ctx, `DELETE FROM discarded_files WHERE file IN (?)`, files)
}
