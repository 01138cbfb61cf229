package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"causerie/internal/blog"
)

// NextActivityID is greater than every activity's id so far, whatever the clock says. Call it in the transaction that
// says the activity.
func (s *Store) NextActivityID(ctx context.Context, now time.Time) (blog.ID, error) {
	var newest blog.ID
	err := s.one(ctx, &newest, `SELECT id FROM activities ORDER BY id DESC LIMIT 1`)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return "", err
	}
	return newest.After(now), nil
}

// AddActivity writes an activity down without sending it to anybody yet.
func (s *Store) AddActivity(ctx context.Context, a blog.Activity) error {
	s.markChanged()
	return s.run(ctx, `INSERT INTO activities (id, voice_id, kind, object_id, revision, payload, at) VALUES (?, ?, ?,
		?, ?, ?, ?)`,
		a.ID, a.VoiceID, a.Kind, a.ObjectID, a.Revision, a.Payload, a.At)
}

// MarkQuiet marks a change that was just said as one that is no newer (blog.Activity.Quiet).
func (s *Store) MarkQuiet(ctx context.Context, activity blog.ID) error {
	return s.run(ctx, `UPDATE activities SET quiet = TRUE WHERE id = ?`, activity)
}

// Activity finds what was said, by its id.
func (s *Store) Activity(ctx context.Context, id blog.ID) (blog.Activity, error) {
	var a blog.Activity
	return a, s.one(ctx, &a, `SELECT id, voice_id, kind, object_id, revision, payload, quiet, at FROM activities WHERE
		id = ?`, id)
}

// ActivitiesByID finds activities by their ids; an unknown id has no entry.
func (s *Store) ActivitiesByID(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Activity, error) {
	found := map[blog.ID]blog.Activity{}
	if len(ids) == 0 {
		return found, nil
	}
	var list []blog.Activity
	err := s.all(ctx, &list, `SELECT id, voice_id, kind, object_id, revision, payload, quiet, at FROM activities
		WHERE id IN (?)`, ids)
	for _, a := range list {
		found[a.ID] = a
	}
	return found, err
}

// Created finds the activity that first said an object.
func (s *Store) Created(ctx context.Context, object blog.ID) (blog.Activity, error) {
	var a blog.Activity
	return a, s.one(ctx, &a, `
		SELECT id, voice_id, kind, object_id, revision, payload, quiet, at FROM activities
		WHERE object_id = ? AND kind = 'Create' ORDER BY id LIMIT 1`, object)
}

// Edit finds the activity that told a revision of an object which was said before.
func (s *Store) Edit(ctx context.Context, object blog.ID, revision int) (blog.Activity, error) {
	var a blog.Activity
	return a, s.one(ctx, &a, `
		SELECT id, voice_id, kind, object_id, revision, payload, quiet, at FROM activities
		WHERE object_id = ? AND revision = ? AND kind = 'Update' ORDER BY id DESC LIMIT 1`, object, revision)
}

// InboxesOf lists the inboxes that deliveries with an activity are for.
func (s *Store) InboxesOf(ctx context.Context, activity blog.ID) ([]string, error) {
	var list []string
	return list, s.all(ctx, &list, `SELECT inbox FROM deliveries WHERE activity_id = ?`, activity)
}

// Activities lists what was said about an object, oldest first.
func (s *Store) Activities(ctx context.Context, object blog.ID) ([]blog.Activity, error) {
	var list []blog.Activity
	return list, s.all(ctx, &list, `SELECT id, voice_id, kind, object_id, revision, payload, quiet, at FROM activities
		WHERE object_id = ? ORDER BY id`, object)
}

// OutboxItem is something that a voice said, with what it was about as that is now: nil when that is not an object of
// ours.
type OutboxItem struct {
	blog.Activity
	Object []byte
}

// federal is what of our activities everybody may read: about a published article that is public or unlisted, or about
// a public answer of ours under one, and not gone; of announcements, those that stand, also of posts elsewhere.
const (
	saidColumns = `s.id, s.voice_id, s.kind, s.object_id, s.revision, s.payload, s.at, o.payload AS object`
	federal     = ` FROM activities s LEFT JOIN objects o ON o.id = s.object_id AND o.gone_at IS NULL
		LEFT JOIN articles a ON a.id = o.article_id AND a.status = 'published' AND a.visibility IN ('public', 'unlisted')
		LEFT JOIN comments c ON c.id = o.comment_id
		WHERE (a.id IS NOT NULL AND (o.comment_id = '' OR ` + public + `) AND (s.kind <> 'Announce' OR ` + standing + `)
			OR s.object_id = '' AND s.kind = 'Announce' AND ` + boosting + `)`
)

// PublicActivity finds something said that everybody may read, by its id.
func (s *Store) PublicActivity(ctx context.Context, id blog.ID) (OutboxItem, error) {
	var said OutboxItem
	return said, s.one(ctx, &said, `SELECT `+saidColumns+federal+` AND s.id = ?`, id)
}

// outbox is what of it stands in a voice's outbox.
const outbox = federal + ` AND s.kind IN ('Create', 'Announce') AND s.voice_id = ?`

// Outbox lists what a voice publicly said, newest first, from before a cursor ("" begins at the newest); with last set
// it is the oldest of all, still newest first.
func (s *Store) Outbox(ctx context.Context, voice, before blog.ID, last bool, limit int) ([]OutboxItem, error) {
	order, condition, args := ` ORDER BY s.id DESC`, ``, []any{voice}
	switch {
	case last:
		order = ` ORDER BY s.id`
	case before != "":
		condition, args = ` AND s.id < ?`, append(args, before)
	}
	var list []OutboxItem
	err := s.all(ctx, &list, `SELECT `+saidColumns+outbox+condition+order+` LIMIT ?`, append(args, limit)...)
	if last {
		slices.Reverse(list)
	}
	return list, err
}

// CountOutbox tells how much a voice publicly said.
func (s *Store) CountOutbox(ctx context.Context, voice blog.ID) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*)`+outbox, voice)
}

// standing is the condition that an Announce was not undone later.
const standing = `NOT EXISTS (SELECT 1 FROM activities u
	WHERE u.kind = 'Undo' AND u.object_id = s.object_id AND u.voice_id = s.voice_id AND u.id > s.id)`

// boosting is the condition that an Announce boosts a post on another server, whose author is not blocked.
const boosting = `EXISTS (SELECT 1 FROM gestures g WHERE g.activity_id = s.id AND g.kind = 'boost'
	AND NOT EXISTS (SELECT 1 FROM actors refused WHERE refused.id = g.actor_id AND refused.block = 'refuse'))`

// Announcement finds what a voice last said to carry an object on; blog.ErrNotFound when it never did, or took it back.
func (s *Store) Announcement(ctx context.Context, voice, object blog.ID) (blog.Activity, error) {
	var a blog.Activity
	return a, s.one(ctx, &a, `
		SELECT s.id, s.voice_id, s.kind, s.object_id, s.revision, s.payload, s.at FROM activities s
		WHERE s.object_id = ? AND s.voice_id = ? AND s.kind = 'Announce' AND `+standing+` ORDER BY s.id DESC LIMIT 1`, object,
		voice)
}
