package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
)

// domains returns a domain and those above it, at most seven of them from the top; "" fills the rest.
func domainAndParents(host string) (list [8]string) {
	// The length is fixed, so that the query with them is one that can be prepared: every arrival asks it.
	list[0] = blocklist.Domain(host)
	end := len(list[0])
	for i := 1; i < len(list) && end > 0; i++ {
		end = strings.LastIndexByte(list[0][:end], '.')
		list[i] = list[0][end+1:]
	}
	return list
}

// Blocked reports whether an actor or a host is refused, the host by itself or by a domain above it.
func (s *Store) Blocked(ctx context.Context, host, actor string) (bool, error) {
	level, err := s.levelFor(ctx, host, actor)
	return level == blog.Refuse, err
}

// AnyBlocked reports whether any of the hosts is refused.
func (s *Store) AnyBlocked(ctx context.Context, hosts ...string) (bool, error) {
	above := map[string]bool{}
	for _, host := range hosts {
		for _, domain := range domainAndParents(host) {
			above[domain] = true
		}
	}
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM blocks WHERE kind = 'host' AND level = 'refuse' AND subject IN (?)`,
		slices.Collect(maps.Keys(above)))
	return n > 0, err
}

// levelFor returns the strictest level among the blocks that apply to an actor; "" if there are none.
func (s *Store) levelFor(ctx context.Context, host, actor string) (blog.BlockLevel, error) {
	b, err := s.StrictestBlock(ctx, host, actor)
	return b.Level, ignoreMissing(err)
}

// StrictestBlock finds the strictest of the blocks that apply to an actor or a host; blog.ErrNotFound if there is none.
func (s *Store) StrictestBlock(ctx context.Context, host, actor string) (blog.Block, error) {
	var b blog.Block
	d := domainAndParents(host)
	err := s.one(ctx, &b, `
		SELECT kind, subject, level, reason, note, at FROM blocks
		WHERE kind = 'actor' AND subject = ? OR kind = 'host' AND subject IN (?, ?, ?, ?, ?, ?, ?, ?)
		ORDER BY level DESC LIMIT 1`, // "refuse" before "limit"
		actor, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7])
	return b, err
}

// Block sets blocks, new or known. It removes the followers among the refused and returns them, so that their servers
// can be told. A known block keeps its reason and its note if no new ones are given.
func (s *Store) Block(ctx context.Context, blocks ...blog.Block) (removed []blog.Follower, err error) {
	err = s.InTx(ctx, func(s *Store) error {
		if err := s.lockBlocks(ctx); err != nil {
			return err
		}
		for _, b := range blocks {
			if err := s.saveBlock(ctx, b); err != nil {
				return err
			}
		}
		if err := s.applyBlocks(ctx); err != nil {
			return err
		}
		removed, err = s.removeRefused(ctx)
		return err
	})
	return removed, err
}

func (s *Store) saveBlock(ctx context.Context, b blog.Block) error {
	err := s.run(ctx, `
		INSERT INTO blocks (kind, subject, level, reason, note, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (kind, subject) DO UPDATE SET level = excluded.level, at = excluded.at,
			reason = CASE WHEN excluded.reason = '' THEN blocks.reason ELSE excluded.reason END,
			note = CASE WHEN excluded.note = '' THEN blocks.note ELSE excluded.note END`,
		b.Kind, b.Subject, b.Level, b.Reason, b.Note, b.At)
	if err != nil {
		return fmt.Errorf("block %s: %w", b.Subject, err)
	}
	return nil
}

// Unblock deletes a block; blog.ErrNotFound if there is none. What it hid is shown again, unless another block hides
// it.
func (s *Store) Unblock(ctx context.Context, kind blog.BlockKind, subject string) error {
	return s.InTx(ctx, func(s *Store) error {
		if err := s.lockBlocks(ctx); err != nil {
			return err
		}
		if err := s.execOne(ctx, `DELETE FROM blocks WHERE kind = ? AND subject = ?`, kind, subject); err != nil {
			return err
		}
		return s.applyBlocks(ctx)
	})
}

// lockBlocks lets one transaction at a time change blocks.
func (s *Store) lockBlocks(ctx context.Context) error {
	s.markChanged()
	// The row of the site stands for the whole table: a lock on the rows of blocks would not cover a new one. Whoever
	// saves an actor shares it (see shareLockBlocks), so no actor is saved with a level of before.
	var locked int
	return ignoreMissing(s.one(ctx, &locked, `SELECT one FROM site`+s.sql.lockRow()))
}

// shareLockBlocks keeps the blocks as they are until the transaction ends.
func (s *Store) shareLockBlocks(ctx context.Context) error {
	var locked int
	return ignoreMissing(s.one(ctx, &locked, `SELECT one FROM site`+s.sql.shareRow()))
}

func ignoreMissing(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	return err
}

// applyBlocks gives every actor the level that the blocks mean for it.
func (s *Store) applyBlocks(ctx context.Context) error {
	// All blocks, not only the changed one: another block may apply to the same actors.
	blocks, err := s.Blocks(ctx, BlockFilter{})
	if err != nil {
		return err
	}
	servers, people := map[string]blog.BlockLevel{}, map[string]blog.BlockLevel{}
	for _, b := range blocks {
		if b.Kind == blog.BlockServer {
			servers[b.Subject] = b.Level
		} else {
			people[b.Subject] = b.Level
		}
	}
	if err := s.applyServerBlocks(ctx, servers); err != nil {
		return err
	}
	return s.applyActorBlocks(ctx, servers, people)
}

func (s *Store) applyServerBlocks(ctx context.Context, servers map[string]blog.BlockLevel) error {
	var groups []struct {
		Domain string
		Block  blog.BlockLevel
	}
	if err := s.all(ctx, &groups, `SELECT DISTINCT domain, block FROM actors`); err != nil {
		return err
	}
	for _, g := range groups {
		level := serverLevel(g.Domain, servers)
		if level == g.Block {
			continue
		}
		// Actors with a block of their own are set by applyActorBlocks.
		err := s.setLevel(ctx, level, `domain = ? AND block = ? AND id NOT IN (SELECT subject FROM blocks WHERE kind =
			'actor')`, g.Domain, g.Block)
		if err != nil {
			return fmt.Errorf("block %s: %w", g.Domain, err)
		}
	}
	return nil
}

func (s *Store) applyActorBlocks(ctx context.Context, servers, people map[string]blog.BlockLevel) error {
	for id, level := range people {
		actor, err := s.Actor(ctx, id)
		// A block may name an actor that we have not met.
		if errors.Is(err, blog.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if level = level.Stricter(serverLevel(actor.Host, servers)); level == actor.Block {
			continue
		}
		if err := s.setLevel(ctx, level, `id = ?`, id); err != nil {
			return fmt.Errorf("block %s: %w", id, err)
		}
	}
	return nil
}

// serverLevel returns the level that the blocks of servers mean for a host.
func serverLevel(host string, servers map[string]blog.BlockLevel) blog.BlockLevel {
	level := blog.BlockLevel("")
	for _, domain := range domainAndParents(host) {
		level = level.Stricter(servers[domain])
	}
	return level
}

// setLevel gives the actors of a condition another level.
func (s *Store) setLevel(ctx context.Context, level blog.BlockLevel, where string, args ...any) error {
	among := ` AND actor_id IN (SELECT id FROM actors WHERE ` + where + `)`
	var err error
	// held marks the comments that wait only because of a limit: those are shown again when it ends. Before the level
	// changes, since the condition may name the old one.
	switch level {
	case blog.Limit:
		err = s.run(ctx, `UPDATE comments SET state = 'waiting', held = TRUE WHERE state = 'shown' AND visibility <>
			'restricted'`+among, args...)
	case "":
		err = s.run(ctx, `UPDATE comments SET state = 'shown', held = FALSE WHERE state = 'waiting' AND held`+among, args...)
	}
	if err != nil {
		return err
	}
	return s.run(ctx, `UPDATE actors SET block = ? WHERE `+where, append([]any{level}, args...)...)
}

// removeRefused ends the follows of the refused, in both directions.
func (s *Store) removeRefused(ctx context.Context) ([]blog.Follower, error) {
	const refused = `actor_id IN (SELECT id FROM actors WHERE block = 'refuse')`
	list, err := s.followers(ctx, ` WHERE f.`+refused+` ORDER BY f.voice_id, f.actor_id`)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		if err := s.run(ctx, `DELETE FROM followers WHERE `+refused); err != nil {
			return nil, err
		}
	}
	return list, s.run(ctx, `DELETE FROM following WHERE `+refused)
}

// BlockFilter says which blocks to list. Zero fields choose all.
type BlockFilter struct {
	Kind   blog.BlockKind
	Search string // in the subject
	Limit  int
	Offset int
}

// Blocks lists blocks by their subjects.
func (s *Store) Blocks(ctx context.Context, l BlockFilter) ([]blog.Block, error) {
	if l.Limit <= 0 {
		// Without a limit: applyBlocks needs all of them.
		l.Limit = 1_000_000
	}
	var list []blog.Block
	err := s.all(ctx, &list, `
		SELECT kind, subject, level, reason, note, at FROM blocks
		WHERE (kind = ? OR ? = '') AND subject LIKE ? ESCAPE '!' ORDER BY kind DESC, subject LIMIT ? OFFSET ?`,
		l.Kind, l.Kind, "%"+wildcards.Replace(strings.ToLower(l.Search))+"%", l.Limit, max(0, l.Offset))
	return list, err
}

// CountBlocks counts the blocks of a kind.
func (s *Store) CountBlocks(ctx context.Context, kind blog.BlockKind) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM blocks WHERE kind = ?`, kind)
	return n, err
}

// BlockBySubject finds a block by its subject; blog.ErrNotFound if there is none.
func (s *Store) BlockBySubject(ctx context.Context, kind blog.BlockKind, subject string) (blog.Block, error) {
	var b blog.Block
	err := s.one(ctx, &b, `SELECT kind, subject, level, reason, note, at FROM blocks WHERE kind = ? AND subject = ?`,
		kind, subject)
	return b, err
}

// Reach counts what a block of this subject affects.
func (s *Store) Reach(ctx context.Context, kind blog.BlockKind, subject string) (blog.BlockReach, error) {
	where, args := `p.id = ?`, []any{subject}
	if kind == blog.BlockServer {
		where, args = `(p.domain = ? OR p.domain LIKE ? ESCAPE '!')`, []any{subject, "%." + wildcards.Replace(subject)}
	}
	among := `(SELECT p.id FROM actors p WHERE p.gone_at IS NULL AND ` + where + `)`
	var all []any
	// The condition stands in the query four times.
	for range 4 {
		all = append(all, args...)
	}
	var r blog.BlockReach
	err := s.one(ctx, &r, `
		SELECT (SELECT count(*) FROM actors WHERE id IN `+among+`) AS people,
			(SELECT count(*) FROM followers WHERE actor_id IN `+among+`) AS followers,
			(SELECT count(*) FROM comments c WHERE c.actor_id IN `+among+` AND `+public+`) AS comments,
			(SELECT count(*) FROM reactions r WHERE r.actor_id IN `+among+` AND `+counted+`) AS reactions`, all...)
	return r, err
}

// Allow adds a server to the allow list: where the site is confined to that list, only its servers can send to us and
// get deliveries.
func (s *Store) Allow(ctx context.Context, a blog.Allowed) error {
	return s.run(ctx, `
		INSERT INTO allowed (host, note, at) VALUES (?, ?, ?)
		ON CONFLICT (host) DO UPDATE SET note = excluded.note`, a.Host, a.Note, a.At)
}

// Disallow removes a server from the allow list; blog.ErrNotFound if it is not on it.
func (s *Store) Disallow(ctx context.Context, host string) error {
	return s.execOne(ctx, `DELETE FROM allowed WHERE host = ?`, host)
}

// AllAllowed returns the allow list, by name.
func (s *Store) AllAllowed(ctx context.Context) ([]blog.Allowed, error) {
	var list []blog.Allowed
	err := s.all(ctx, &list, `SELECT host, note, at FROM allowed ORDER BY host`)
	return list, err
}

// Allowed reports whether a host, or a domain above it, is on the allow list.
func (s *Store) Allowed(ctx context.Context, host string) (bool, error) {
	var n int
	d := domainAndParents(host)
	err := s.one(ctx, &n, `SELECT count(*) FROM allowed WHERE host IN (?, ?, ?, ?, ?, ?, ?, ?)`, d[0], d[1], d[2], d[3],
		d[4], d[5], d[6], d[7])
	return n > 0, err
}
