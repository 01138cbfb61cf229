package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causerie/internal/blog"
)

// Backfill is when the missing replies under an article are fetched from other servers, and what the last run found.
// The table is called completions.
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

// expectEvery is how often a new comment can update the backfill of its article. A burst of comments then costs one
// write.
const expectEvery = time.Minute

// scheduleBackfill plans the next backfill of an article after a comment was sent to us, once for a group.
func (s *Store) scheduleBackfill(ctx context.Context, article blog.ID, now time.Time) error {
	if s.txState == nil || s.txState.group == nil {
		return s.planBackfill(ctx, article, now)
	}
	planned := s.txState.group.planned
	if planned[article] {
		return nil
	}
	err := s.planBackfill(ctx, article, now)
	planned[article] = err == nil
	return err
}

func (s *Store) planBackfill(ctx context.Context, article blog.ID, now time.Time) error {
	known, err := s.BackfillOf(ctx, article)
	// A time in the future was written before the clock was set back.
	if err == nil && known.Since.After(now.Add(-expectEvery)) && !known.Since.After(now.Add(expectEvery)) {
		return nil
	}
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	// An article without a backfill yet need not wait for BackfillRest.
	last := now.Add(-blog.BackfillRest)
	// A time in the future was written before the clock was set back.
	if known.RanAt != nil && !known.RanAt.After(now) { // one ahead is of a clock that was set back since
		last = *known.RanAt
	}
	// A new comment never delays a backfill that is planned already.
	return s.run(ctx, `
		INSERT INTO completions (article_id, since, due_at, free_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (article_id) DO UPDATE SET since = excluded.since, step = 0,
			due_at = CASE WHEN completions.due_at < excluded.due_at THEN completions.due_at ELSE excluded.due_at END`,
		article, now, blog.NextBackfill(now, 0, last), now)
}

// RequestBackfill makes the backfill of an article due now, because its author asked for it.
func (s *Store) RequestBackfill(ctx context.Context, article blog.ID, now time.Time) error {
	return s.run(ctx, `
		INSERT INTO completions (article_id, since, due_at, free_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (article_id) DO UPDATE SET due_at = excluded.due_at`, article, now, now, now)
}

// BackfillOf returns the backfill of an article. It returns blog.ErrNotFound when none was ever planned.
func (s *Store) BackfillOf(ctx context.Context, article blog.ID) (Backfill, error) {
	var c Backfill
	err := s.one(ctx, &c, `SELECT `+backfillColumns+` FROM completions WHERE article_id = ?`, article)
	return c, err
}

// ClaimBackfills claims up to n due backfills that no process is working on. Each claim lasts for lease. With an
// article, it claims only that one.
func (s *Store) ClaimBackfills(ctx context.Context, article blog.ID, now time.Time, lease time.Duration,
	n int) ([]Backfill, error) {
	ahead := aheadOf(now, lease)
	// If since or ran_at lies in the future, it was written before the clock was set back. Then due_at is wrong too, so
	// the backfill counts as due.
	due := ` FROM completions p WHERE p.due_at IS NOT NULL AND (p.due_at <= ? OR p.since > ? OR p.ran_at > ?) AND ` +
		freeLease + ` AND (p.article_id = ? OR ? = '')`
	args := []any{now, ahead, ahead, now, ahead, article, article}
	// A read comes first: an idle poll must not use the only connection that writes on SQLite.
	var some int
	if err := s.one(ctx, &some, `SELECT count(*) FROM (SELECT 1`+due+` LIMIT 1) AS x`, args...); err != nil || some == 0 {
		return nil, err
	}
	var claims []Backfill
	err := s.InTx(ctx, func(s *Store) error {
		claims = nil
		err := s.all(ctx, &claims, `
			WITH due AS (SELECT p.article_id`+due+` ORDER BY p.due_at LIMIT ?`+s.sql.skipLocked("p")+`)
			UPDATE completions SET free_at = ?, claims = claims + 1, process = ?
			WHERE article_id IN (SELECT article_id FROM due)
			RETURNING `+backfillColumns, append(slices.Clone(args), n, now.Add(lease), s.name)...)
		if err != nil {
			return err
		}
		// A backfill that this process is still working on can look free after a jump of the clock. Its fence must not
		// rise, so the claim is taken back.
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

// FinishBackfill saves the result of a claim and plans the next backfill. It returns ErrLost when another process has
// claimed the article.
func (s *Store) FinishBackfill(ctx context.Context, claim Backfill, found blog.BackfillResult, now time.Time) error {
	// This comes before the database. Neither this method nor ReleaseBackfill raises the fence. If the lease were
	// dropped after the commit, a new claim in between would look like one that is still held (see leases.drop).
	s.leases.drop("completions", string(claim.ArticleID), claim.Claims)
	return s.InTx(ctx, func(s *Store) error {
		var c Backfill
		err := s.one(ctx, &c, `SELECT `+backfillColumns+` FROM completions WHERE article_id = ?`+s.sql.lockRow(),
			claim.ArticleID)
		if err != nil {
			return asLost(err)
		}
		if c.Claims != claim.Claims {
			return ErrLost
		}
		// A comment that arrived during the run has set the step to 0. It stays 0.
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

// ReleaseBackfill gives a claim back without a result. The backfill stays due.
func (s *Store) ReleaseBackfill(ctx context.Context, claim Backfill, now time.Time) error {
	s.leases.drop("completions", string(claim.ArticleID), claim.Claims)
	return s.run(ctx, `UPDATE completions SET free_at = ? WHERE article_id = ? AND claims = ?`, now, claim.ArticleID,
		claim.Claims)
}

// AnswerLists are the addresses at which the server of a comment lists the replies that it knows.
type AnswerLists struct {
	ID         blog.ID // of the comment
	Address    string
	ContextURL string
	RepliesURL string
}

// UnreadLists lists the AnswerLists of the public replies under an article that were not read since a time. Those
// that were never read come first, then those read longest ago.
func (s *Store) UnreadLists(ctx context.Context, article blog.ID, since time.Time, limit int) ([]AnswerLists, error) {
	var list []AnswerLists
	err := s.all(ctx, &list, `
		SELECT c.id, c.address, c.context_url, c.replies_url FROM comments c
		WHERE c.article_id = ? AND c.actor_id <> '' AND (c.context_url <> '' OR c.replies_url <> '') AND (c.read_at IS
		NULL OR c.read_at < ?)
			AND `+isPublicReply+`
		ORDER BY CASE WHEN c.read_at IS NULL THEN 0 ELSE 1 END, c.read_at, c.id LIMIT ?`, article, since, limit)
	return list, err
}

// MarkListRead records that the lists of a comment were read.
func (s *Store) MarkListRead(ctx context.Context, comment blog.ID, now time.Time) error {
	return s.run(ctx, `UPDATE comments SET read_at = ? WHERE id = ?`, now, comment)
}

// CountFetched counts the comments under an article that we fetched ourselves.
func (s *Store) CountFetched(ctx context.Context, article blog.ID) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM comments WHERE article_id = ? AND origin = 'fetched'`, article)
	return n, err
}
