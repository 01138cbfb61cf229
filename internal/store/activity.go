package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

// NextActivityID returns an id that is greater than that of every activity so far. Call it in the transaction that
// adds the activity.
func (s *Store) NextActivityID(ctx context.Context, now time.Time) (blog.ID, error) {
	var newest blog.ID
	err := s.one(ctx, &newest, `SELECT id FROM activities ORDER BY id DESC LIMIT 1`)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return "", err
	}
	// Outboxes and deliveries are in the order of these ids, so ids must grow even after the clock was set back.
	return newest.After(now), nil
}

// AddActivity saves an activity. It adds no deliveries.
func (s *Store) AddActivity(ctx context.Context, a blog.Activity) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Voice(a.VoiceID))
		err := s.run(ctx, `INSERT INTO activities (id, voice_id, kind, object_id, revision, payload, at) VALUES (?, ?, ?,
			?, ?, ?, ?)`,
			a.ID, a.VoiceID, a.Kind, a.ObjectID, a.Revision, packed(a.Payload), a.At)
		// Of articles, an outbox lists these.
		if err != nil || a.ObjectID == "" || a.Kind != "Create" && a.Kind != "Announce" && a.Kind != "Undo" {
			return err
		}
		var articles []blog.ID
		if err := s.all(ctx, &articles, `SELECT article_id FROM objects WHERE id = ? AND comment_id = ''`,
			a.ObjectID); err != nil {
			return err
		}
		return s.relist(ctx, articles...)
	})
}

// MarkQuiet marks an Update as one whose object is no newer than before (blog.Activity.Quiet).
func (s *Store) MarkQuiet(ctx context.Context, activity blog.ID) error {
	return s.run(ctx, `UPDATE activities SET quiet = TRUE WHERE id = ?`, activity)
}

const activityColumns = `id, voice_id, kind, object_id, revision, payload, quiet, at`

// activityRow is an activity with its payload as the database has it.
type activityRow struct {
	blog.Activity
	Payload packed
}

func (r activityRow) activity() blog.Activity {
	r.Activity.Payload = r.Payload
	return r.Activity
}

// Activity returns an activity by id.
func (s *Store) Activity(ctx context.Context, id blog.ID) (blog.Activity, error) {
	var a activityRow
	err := s.one(ctx, &a, `SELECT `+activityColumns+` FROM activities WHERE
		id = ?`, id)
	return a.activity(), err
}

// ActivitiesByID returns activities by id. An unknown id has no entry.
func (s *Store) ActivitiesByID(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Activity, error) {
	found := map[blog.ID]blog.Activity{}
	if len(ids) == 0 {
		return found, nil
	}
	var list []activityRow
	err := s.all(ctx, &list, `SELECT `+activityColumns+` FROM activities
		WHERE id IN (?)`, ids)
	for _, a := range list {
		found[a.ID] = a.activity()
	}
	return found, err
}

// CreateActivityOf finds the Create of an object.
func (s *Store) CreateActivityOf(ctx context.Context, object blog.ID) (blog.Activity, error) {
	var a activityRow
	err := s.one(ctx, &a, `
		SELECT `+activityColumns+` FROM activities
		WHERE object_id = ? AND kind = 'Create' ORDER BY id LIMIT 1`, object)
	return a.activity(), err
}

// Edit finds the Update that carried a revision of an object.
func (s *Store) Edit(ctx context.Context, object blog.ID, revision int) (blog.Activity, error) {
	var a activityRow
	err := s.one(ctx, &a, `
		SELECT `+activityColumns+` FROM activities
		WHERE object_id = ? AND revision = ? AND kind = 'Update' ORDER BY id DESC LIMIT 1`, object, revision)
	return a.activity(), err
}

// InboxesOf lists the inboxes to which an activity is delivered.
func (s *Store) InboxesOf(ctx context.Context, activity blog.ID) ([]string, error) {
	var list []string
	err := s.all(ctx, &list, `SELECT inbox FROM deliveries WHERE activity_id = ?`, activity)
	return list, err
}

// Activities lists the activities about an object, oldest first.
func (s *Store) Activities(ctx context.Context, object blog.ID) ([]blog.Activity, error) {
	var rows []activityRow
	err := s.all(ctx, &rows, `SELECT `+activityColumns+` FROM activities
		WHERE object_id = ? ORDER BY id`, object)
	var list []blog.Activity
	for _, row := range rows {
		list = append(list, row.activity())
	}
	return list, err
}

// OutboxItem is an activity of a voice with the present state of its object. Object is nil if it is not ours or was
// deleted.
type OutboxItem struct {
	blog.Activity
	Object []byte
}

// outboxRow is an OutboxItem as outboxColumns returns it.
type outboxRow struct {
	activityRow
	Object packed
}

func (r outboxRow) item() OutboxItem { return OutboxItem{r.activity(), r.Object} }

// publicActivities selects the activities that everybody may read: about an article that is published and public or
// unlisted, about a public comment of ours under one, or boosts that were not undone, also of posts elsewhere.
const (
	outboxColumns    = `s.id, s.voice_id, s.kind, s.object_id, s.revision, s.payload, s.at, o.payload AS object`
	publicActivities = ` FROM activities s LEFT JOIN objects o ON o.id = s.object_id AND o.gone_at IS NULL
		LEFT JOIN articles a ON a.id = o.article_id AND a.status = 'published' AND a.visibility IN ('public', 'unlisted')
		LEFT JOIN comments c ON c.id = o.comment_id
		WHERE (a.id IS NOT NULL AND (o.comment_id = '' OR ` + public + `) AND (s.kind <> 'Announce' OR ` + standing + `)
			OR s.object_id = '' AND s.kind = 'Announce' AND ` + boosting + `)`
)

// PublicActivity returns an activity by id if everybody may read it.
func (s *Store) PublicActivity(ctx context.Context, id blog.ID) (OutboxItem, error) {
	var row outboxRow
	err := s.one(ctx, &row, `SELECT `+outboxColumns+publicActivities+` AND s.id = ?`, id)
	// The object may be a comment of ours.
	changes.Note(ctx, changes.Voice(row.VoiceID), changes.Comments)
	return row.item(), err
}

// outbox selects what a voice's outbox lists.
const outbox = publicActivities + ` AND s.kind IN ('Create', 'Announce') AND s.voice_id = ?`

// behindAllIDs follows every id in the order of both databases.
const behindAllIDs = blog.ID("zz")

// Outbox lists the public activities of a voice before an id, newest first. before "" starts at the newest. With last
// it returns the oldest page, also newest first.
func (s *Store) Outbox(ctx context.Context, voice, before blog.ID, last bool, limit int) ([]OutboxItem, error) {
	// With a condition on ids also where there is no cursor, SQLite follows the index of outboxes. Without one it walks
	// all activities of a blog with a single author.
	order, condition, args := ` ORDER BY s.id DESC`, ` AND s.id < ?`, []any{voice, cmp.Or(before, behindAllIDs)}
	// The oldest page is read from its end and turned round below: an offset would make the database count all pages.
	if last {
		order, condition, args = ` ORDER BY s.id`, ` AND s.id > ''`, []any{voice}
	}
	var rows []outboxRow
	// The limit is no argument: PostgreSQL would plan one statement for all limits, and expect a tenth of the outbox.
	err := s.all(ctx, &rows, `SELECT `+outboxColumns+outbox+condition+order+` LIMIT `+strconv.Itoa(limit), args...)
	if last {
		slices.Reverse(rows)
	}
	list := make([]OutboxItem, len(rows))
	for i, row := range rows {
		list[i] = row.item()
	}
	return list, err
}

// CountOutbox counts the public activities of a voice. Those about articles are kept as a list. Its answers and its
// boosts of posts elsewhere, which are few, are counted.
func (s *Store) CountOutbox(ctx context.Context, voice blog.ID) (int, error) {
	changes.Note(ctx, changes.Voice(voice), changes.Comments)
	articles, err := s.countList(ctx, listName{Kind: "outbox", VoiceID: voice})
	if err != nil {
		return 0, err
	}
	var others int
	err = s.one(ctx, &others, `SELECT (
			SELECT count(*) FROM comments c JOIN objects o ON o.comment_id = c.id AND o.comment_id <> '' AND o.gone_at IS NULL
			JOIN activities s ON s.object_id = o.id AND s.voice_id = c.voice_id AND s.kind = 'Create'
			JOIN articles a ON a.id = o.article_id AND a.status = 'published' AND a.visibility IN ('public', 'unlisted')
			WHERE c.voice_id = ? AND c.voice_id <> '' AND `+public+`)
		+ (SELECT count(*) FROM gestures g JOIN activities s ON s.id = g.activity_id AND s.voice_id = g.voice_id
			AND s.kind = 'Announce' AND s.object_id = ''
			WHERE g.voice_id = ? AND g.kind = 'boost' AND NOT EXISTS (SELECT 1 FROM actors refused
				WHERE refused.id = g.actor_id AND refused.block = 'refuse'))`, voice, voice)
	return articles + others, err
}

// standing is the condition that an Announce was not undone later.
const standing = `NOT EXISTS (SELECT 1 FROM activities u
	WHERE u.kind = 'Undo' AND u.object_id = s.object_id AND u.voice_id = s.voice_id AND u.id > s.id)`

// boosting is the condition that an Announce boosts a post on another server whose author is not blocked.
const boosting = `EXISTS (SELECT 1 FROM gestures g WHERE g.activity_id = s.id AND g.kind = 'boost'
	AND NOT EXISTS (SELECT 1 FROM actors refused WHERE refused.id = g.actor_id AND refused.block = 'refuse'))`

// Announcement returns the last Announce of an object by a voice. It returns blog.ErrNotFound when there is none or
// it was undone.
func (s *Store) Announcement(ctx context.Context, voice, object blog.ID) (blog.Activity, error) {
	var a activityRow
	err := s.one(ctx, &a, `
		SELECT s.id, s.voice_id, s.kind, s.object_id, s.revision, s.payload, s.at FROM activities s
		WHERE s.object_id = ? AND s.voice_id = ? AND s.kind = 'Announce' AND `+standing+` ORDER BY s.id DESC LIMIT 1`, object,
		voice)
	return a.activity(), err
}
