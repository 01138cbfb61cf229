package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causerie/internal/blog"
)

// Backfill is when the conversation under an article is fetched from other servers, and what came of the last time.
type Backfill struct {
	ArticleID blog.ID
	Since     time.Time // when its newest comment arrived
	Step      int       // how often it was completed since then
	Claims    int64     // the fence, as for a [Claim]
	DueAt     *time.Time
	FreeAt    time.Time // when the lease ends
	RanAt     *time.Time
	Found     blog.BackfillResult // what came of it the last time
}

const backfillColumns = `article_id, since, step, claims, due_at, free_at, ran_at, found`

// expectEvery is how often the arrival of comments is noted for an article: a burst of comments costs one write.
const expectEvery = time.Minute

// scheduleBackfill schedules the completion of a conversation after a comment was sent here.
func (s *Store) scheduleBackfill(ctx context.Context, article blog.ID, now time.Time) error {
	known, err := s.BackfillOf(ctx, article)
	// A time in the future was written before the clock was set back.
	if err == nil && known.Since.After(now.Add(-expectEvery)) && !known.Since.After(now.Add(expectEvery)) {
		return nil
	}
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	// Never completed: the first time need not wait for BackfillRest.
	last := now.Add(-blog.BackfillRest)
	if known.RanAt != nil && !known.RanAt.After(now) { // one ahead is of a clock that was set back since
		last = *known.RanAt
	}
	return s.run(ctx, `
		INSERT INTO completions (article_id, since, due_at, free_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (article_id) DO UPDATE SET since = excluded.since, step = 0,
			due_at = CASE WHEN completions.due_at < excluded.due_at THEN completions.due_at ELSE excluded.due_at END`,
		article, now, blog.NextBackfill(now, 0, last), now)
}

// RequestBackfill makes the completion of a conversation due at once, since its author asked for it.
func (s *Store) RequestBackfill(ctx context.Context, article blog.ID, now time.Time) error {
	return s.run(ctx, `
		INSERT INTO completions (article_id, since, due_at, free_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (article_id) DO UPDATE SET due_at = excluded.due_at`, article, now, now, now)
}

// BackfillOf finds the completion of an article's conversation; blog.ErrNotFound if there was never a reason for
// one.
func (s *Store) BackfillOf(ctx context.Context, article blog.ID) (Backfill, error) {
	var c Backfill
	err := s.one(ctx, &c, `SELECT `+backfillColumns+` FROM completions WHERE article_id = ?`, article)
	return c, err
}

// ClaimBackfills claims up to n conversations that are due and that nobody works on, for the length of the lease;
// with an article, only that one.
func (s *Store) ClaimBackfills(ctx context.Context, article blog.ID, now time.Time, lease time.Duration,
	n int) ([]Backfill, error) {
	ahead := aheadOf(now, lease)
	// A newest comment or a last completion in the future was written before the clock was set back, and so was due_at.
	due := ` FROM completions p WHERE p.due_at IS NOT NULL AND (p.due_at <= ? OR p.since > ? OR p.ran_at > ?) AND ` +
		freeLease + ` AND (p.article_id = ? OR ? = '')`
	args := []any{now, ahead, ahead, now, ahead, article, article}
	// The readers are asked first, as in claim.
	var some int
	if err := s.one(ctx, &some, `SELECT count(*) FROM (SELECT 1`+due+` LIMIT 1) AS x`, args...); err != nil || some == 0 {
		return nil, err
	}
	var claims []Backfill
	err := s.InTx(ctx, func(s *Store) error {
		claims = nil
		err := s.all(ctx, &claims, `
			WITH due AS (SELECT p.article_id`+due+` ORDER BY p.due_at LIMIT ?`+s.sql.skipLocked("p")+`)
			UPDATE completions SET free_at = ?, claims = claims + 1 WHERE article_id IN (SELECT article_id FROM due)
			RETURNING `+backfillColumns, append(slices.Clone(args), n, now.Add(lease))...)
		if err != nil {
			return err
		}
		// What this process works on already only looks free after the clock jumped, as in claim.
		var stillHeld []blog.ID
		claims = slices.DeleteFunc(claims, func(c Backfill) bool {
			held := s.leases.has("completions", string(c.ArticleID), c.Claims-1)
			if held {
				stillHeld = append(stillHeld, c.ArticleID)
			}
			return held
		})
		if len(stillHeld) == 0 {
			return nil
		}
		return s.run(ctx, `UPDATE completions SET claims = claims - 1 WHERE article_id IN (?)`, stillHeld)
	})
	if err != nil {
		return nil, fmt.Errorf("claim conversations: %w", err)
	}
	taken := make(map[string]int64, len(claims))
	for _, c := range claims {
		taken[string(c.ArticleID)] = c.Claims
	}
	s.leases.take("completions", lease, taken)
	return claims, nil
}

// FinishBackfill records what came of a claim and when the next completion is due. ErrLost if somebody else has
// claimed the conversation.
func (s *Store) FinishBackfill(ctx context.Context, claim Backfill, found blog.BackfillResult, now time.Time) error {
	// Before the database is told: neither this nor ReleaseBackfill raises the fence, so a claim that follows at once
	// would be taken for this one (see leases.drop).
	s.leases.drop("completions", string(claim.ArticleID), claim.Claims)
	return s.InTx(ctx, func(s *Store) error {
		var c Backfill
		err := s.one(ctx, &c, `SELECT `+backfillColumns+` FROM completions WHERE article_id = ?`+s.sql.lockRow(),
			claim.ArticleID)
		if err != nil {
			return lost(err)
		}
		if c.Claims != claim.Claims {
			return ErrLost
		}
		// A comment that arrived during the work has reset the steps.
		if c.Since.Equal(claim.Since) {
			c.Step++
		}
		since := c.Since
		if since.After(now) { // of a clock that was set back since: the next step would be due as far ahead
			since = now
		}
		return s.run(ctx, `UPDATE completions SET since = ?, step = ?, due_at = ?, free_at = ?, ran_at = ?, found = ?
			WHERE article_id = ?`,
			since, c.Step, blog.NextBackfill(since, c.Step, now), now, now, found, claim.ArticleID)
	})
}

// ReleaseBackfill gives a claim back without a result; the conversation stays due.
func (s *Store) ReleaseBackfill(ctx context.Context, claim Backfill, now time.Time) error {
	s.leases.drop("completions", string(claim.ArticleID), claim.Claims)
	return s.run(ctx, `UPDATE completions SET free_at = ? WHERE article_id = ? AND claims = ?`, now, claim.ArticleID,
		claim.Claims)
}

// AnswerLists are the addresses at which the server of a comment lists the answers to it.
type AnswerLists struct {
	ID         blog.ID // of the comment
	Address    string
	ContextURL string
	RepliesURL string
}

// UnreadLists lists the AnswerLists of the public answers under an article that were not read since a moment: first
// those that were never read, then those read longest ago.
func (s *Store) UnreadLists(ctx context.Context, article blog.ID, since time.Time, limit int) ([]AnswerLists, error) {
	var list []AnswerLists
	err := s.all(ctx, &list, `
		SELECT c.id, c.address, c.context_url, c.replies_url FROM comments c
		WHERE c.article_id = ? AND c.actor_id <> '' AND (c.context_url <> '' OR c.replies_url <> '') AND (c.read_at IS
		NULL OR c.read_at < ?)
			AND `+reply+`
		ORDER BY CASE WHEN c.read_at IS NULL THEN 0 ELSE 1 END, c.read_at, c.id LIMIT ?`, article, since, limit)
	return list, err
}

// MarkListRead records that the lists of a comment were read.
func (s *Store) MarkListRead(ctx context.Context, comment blog.ID, now time.Time) error {
	return s.run(ctx, `UPDATE comments SET read_at = ? WHERE id = ?`, now, comment)
}

// CountFetched counts the comments under an article that were fetched from elsewhere.
func (s *Store) CountFetched(ctx context.Context, article blog.ID) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM comments WHERE article_id = ? AND origin = 'fetched'`, article)
	return n, err
}
