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

// domains are a domain and those above it from the top, seven at most; "" where there are fewer. It has one length, so
// that the query is one that can be kept: every arrival asks it.
func domains(host string) (list [8]string) {
	list[0] = blocklist.Domain(host)
	end := len(list[0])
	for i := 1; i < len(list) && end > 0; i++ {
		end = strings.LastIndexByte(list[0][:end], '.')
		list[i] = list[0][end+1:]
	}
	return list
}

// Blocked reports whether an actor is refused, or a host: itself or a domain above it, however it is written.
func (s *Store) Blocked(ctx context.Context, host, actor string) (bool, error) {
	level, err := s.blockOf(ctx, host, actor)
	return level == blog.Refuse, err
}

// AnyBlocked reports whether any of the hosts is refused, as Blocked does for one.
func (s *Store) AnyBlocked(ctx context.Context, hosts ...string) (bool, error) {
	above := map[string]bool{}
	for _, host := range hosts {
		for _, domain := range domains(host) {
			above[domain] = true
		}
	}
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM blocks WHERE kind = 'host' AND level = 'refuse' AND subject IN (?)`,
		slices.Collect(maps.Keys(above)))
	return n > 0, err
}

// blockOf is the strictest level of the blocks that an actor falls under.
func (s *Store) blockOf(ctx context.Context, host, actor string) (blog.BlockLevel, error) {
	b, err := s.BlockOver(ctx, host, actor)
	return b.Level, ignoreMissing(err)
}

// BlockOver is the strictest of the blocks that an actor falls under, or a host with everything below it;
// blog.ErrNotFound when there is none.
func (s *Store) BlockOver(ctx context.Context, host, actor string) (blog.Block, error) {
	var b blog.Block
	d := domains(host)
	return b, s.one(ctx, &b, `
		SELECT kind, subject, level, reason, note, at FROM blocks
		WHERE kind = 'actor' AND subject = ? OR kind = 'host' AND subject IN (?, ?, ?, ?, ?, ?, ?, ?)
		ORDER BY level DESC LIMIT 1`, // "refuse" before "limit"
		actor, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7])
}

// Block sets blocks, new or known, and ends what they refuse: the followers among the refused are taken off and
// returned, so that their servers can be told. A known one keeps its reason and its note where no new ones are given.
func (s *Store) Block(ctx context.Context, blocks ...blog.Block) (sentAway []blog.Follower, err error) {
	err = s.InTx(ctx, func(s *Store) error {
		if err := s.lockBlocks(ctx); err != nil {
			return err
		}
		for _, b := range blocks {
			if err := s.saveBlock(ctx, b); err != nil {
				return err
			}
		}
		if err := s.level(ctx); err != nil {
			return err
		}
		sentAway, err = s.sendAway(ctx)
		return err
	})
	return sentAway, err
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

// Unblock takes a block away; blog.ErrNotFound when there is none. What it hid stands again, unless another block hides
// it.
func (s *Store) Unblock(ctx context.Context, kind blog.BlockKind, subject string) error {
	return s.InTx(ctx, func(s *Store) error {
		if err := s.lockBlocks(ctx); err != nil {
			return err
		}
		if err := s.execOne(ctx, `DELETE FROM blocks WHERE kind = ? AND subject = ?`, kind, subject); err != nil {
			return err
		}
		return s.level(ctx)
	})
}

// lockBlocks lets one process at a time change blocks, and none write actors down meanwhile, whose level would be that
// of before.
func (s *Store) lockBlocks(ctx context.Context) error {
	s.markChanged()
	var locked int
	return ignoreMissing(s.one(ctx, &locked, `SELECT one FROM site`+s.sql.lockRow()))
}

// keepBlocks keeps the blocks as they are until the transaction ends.
func (s *Store) keepBlocks(ctx context.Context) error {
	var locked int
	return ignoreMissing(s.one(ctx, &locked, `SELECT one FROM site`+s.sql.shareRow()))
}

func ignoreMissing(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	return err
}

// level gives every actor the level that the blocks mean for it.
func (s *Store) level(ctx context.Context) error {
	blocks, err := s.Blocks(ctx, BlockList{})
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
	if err := s.levelServers(ctx, servers); err != nil {
		return err
	}
	return s.levelPeople(ctx, servers, people)
}

func (s *Store) levelServers(ctx context.Context, servers map[string]blog.BlockLevel) error {
	var groups []struct {
		Domain string
		Block  blog.BlockLevel
	}
	if err := s.all(ctx, &groups, `SELECT DISTINCT domain, block FROM actors`); err != nil {
		return err
	}
	for _, g := range groups {
		level := levelAt(g.Domain, servers)
		if level == g.Block {
			continue
		}
		err := s.relevel(ctx, level, `domain = ? AND block = ? AND id NOT IN (SELECT subject FROM blocks WHERE kind =
			'actor')`, g.Domain, g.Block)
		if err != nil {
			return fmt.Errorf("block %s: %w", g.Domain, err)
		}
	}
	return nil
}

func (s *Store) levelPeople(ctx context.Context, servers, people map[string]blog.BlockLevel) error {
	for id, level := range people {
		actor, err := s.Actor(ctx, id)
		if errors.Is(err, blog.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if level = level.Stricter(levelAt(actor.Host, servers)); level == actor.Block {
			continue
		}
		if err := s.relevel(ctx, level, `id = ?`, id); err != nil {
			return fmt.Errorf("block %s: %w", id, err)
		}
	}
	return nil
}

// levelAt is what the blocks of servers mean for a host.
func levelAt(host string, servers map[string]blog.BlockLevel) blog.BlockLevel {
	level := blog.BlockLevel("")
	for _, domain := range domains(host) {
		level = level.Stricter(servers[domain])
	}
	return level
}

// relevel gives the actors of a condition another level than they had. Comments that wait for no other reason than a
// limit stand again when it ends.
func (s *Store) relevel(ctx context.Context, level blog.BlockLevel, where string, args ...any) error {
	among := ` AND actor_id IN (SELECT id FROM actors WHERE ` + where + `)`
	var err error
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

// sendAway ends the follows of the refused, in both directions.
func (s *Store) sendAway(ctx context.Context) ([]blog.Follower, error) {
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

// BlockList is which blocks to list. Zero fields choose all.
type BlockList struct {
	Kind   blog.BlockKind
	Search string // in the subject
	Limit  int
	Offset int
}

// Blocks lists blocks by their subjects.
func (s *Store) Blocks(ctx context.Context, l BlockList) ([]blog.Block, error) {
	if l.Limit <= 0 {
		l.Limit = 1_000_000
	}
	var list []blog.Block
	return list, s.all(ctx, &list, `
		SELECT kind, subject, level, reason, note, at FROM blocks
		WHERE (kind = ? OR ? = '') AND subject LIKE ? ESCAPE '!' ORDER BY kind DESC, subject LIMIT ? OFFSET ?`,
		l.Kind, l.Kind, "%"+wildcards.Replace(strings.ToLower(l.Search))+"%", l.Limit, max(0, l.Offset))
}

// CountBlocks counts the blocks of a kind.
func (s *Store) CountBlocks(ctx context.Context, kind blog.BlockKind) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*) FROM blocks WHERE kind = ?`, kind)
}

// BlockOf finds a block; blog.ErrNotFound when there is none.
func (s *Store) BlockOf(ctx context.Context, kind blog.BlockKind, subject string) (blog.Block, error) {
	var b blog.Block
	return b, s.one(ctx, &b, `SELECT kind, subject, level, reason, note, at FROM blocks WHERE kind = ? AND subject = ?`,
		kind, subject)
}

// Reach counts what a block of this subject touches.
func (s *Store) Reach(ctx context.Context, kind blog.BlockKind, subject string) (blog.BlockReach, error) {
	where, args := `p.id = ?`, []any{subject}
	if kind == blog.BlockServer {
		where, args = `(p.domain = ? OR p.domain LIKE ? ESCAPE '!')`, []any{subject, "%." + wildcards.Replace(subject)}
	}
	among := `(SELECT p.id FROM actors p WHERE p.gone_at IS NULL AND ` + where + `)`
	var all []any
	for range 4 {
		all = append(all, args...)
	}
	var r blog.BlockReach
	return r, s.one(ctx, &r, `
		SELECT (SELECT count(*) FROM actors WHERE id IN `+among+`) AS people,
			(SELECT count(*) FROM followers WHERE actor_id IN `+among+`) AS followers,
			(SELECT count(*) FROM comments c WHERE c.actor_id IN `+among+` AND `+public+`) AS comments,
			(SELECT count(*) FROM reactions r WHERE r.actor_id IN `+among+` AND `+counted+`) AS reactions`, all...)
}

// Allow puts a server on the list of those that are heard, asked and written to where the site is confined to it.
func (s *Store) Allow(ctx context.Context, a blog.Allowed) error {
	return s.run(ctx, `
		INSERT INTO allowed (host, note, at) VALUES (?, ?, ?)
		ON CONFLICT (host) DO UPDATE SET note = excluded.note`, a.Host, a.Note, a.At)
}

// Disallow takes a server off that list; blog.ErrNotFound when it is not on it.
func (s *Store) Disallow(ctx context.Context, host string) error {
	return s.execOne(ctx, `DELETE FROM allowed WHERE host = ?`, host)
}

// AllAllowed is that list, by name.
func (s *Store) AllAllowed(ctx context.Context) ([]blog.Allowed, error) {
	var list []blog.Allowed
	return list, s.all(ctx, &list, `SELECT host, note, at FROM allowed ORDER BY host`)
}

// Allowed reports whether a host, or a domain above it, is on that list.
func (s *Store) Allowed(ctx context.Context, host string) (bool, error) {
	var n int
	d := domains(host)
	err := s.one(ctx, &n, `SELECT count(*) FROM allowed WHERE host IN (?, ?, ?, ?, ?, ?, ?, ?)`, d[0], d[1], d[2], d[3],
		d[4], d[5], d[6], d[7])
	return n > 0, err
}
