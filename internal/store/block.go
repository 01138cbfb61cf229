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

// domainAndParents returns the domain of a host, then up to seven parent domains from the top-level domain down.
// Unused entries are empty.
func domainAndParents(host string) (list [8]string) {
	// The array makes each query with these domains have a fixed number of parameters. So it is prepared once, and it
	// runs for each arrival.
	list[0] = blocklist.Domain(host)
	end := len(list[0])
	for i := 1; i < len(list) && end > 0; i++ {
		end = strings.LastIndexByte(list[0][:end], '.')
		list[i] = list[0][end+1:]
	}
	return list
}

// Blocked reports whether a host or an actor is refused (not only limited). A block of a domain covers its
// subdomains.
func (s *Store) Blocked(ctx context.Context, host, actor string) (bool, error) {
	var blocked bool
	d := domainAndParents(host)
	// Two lookups in the index, without a sort: this runs for each activity that arrives.
	err := s.one(ctx, &blocked, `
		SELECT EXISTS (SELECT 1 FROM blocks WHERE kind = 'actor' AND subject = ? AND level = 'refuse')
			OR EXISTS (SELECT 1 FROM blocks WHERE kind = 'host' AND subject IN (?, ?, ?, ?, ?, ?, ?, ?) AND level = 'refuse')`,
		actor, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7])
	return blocked, err
}

// AnyBlocked reports whether any of the hosts is refused (not only limited).
func (s *Store) AnyBlocked(ctx context.Context, hosts ...string) (bool, error) {
	domains := map[string]bool{}
	for _, host := range hosts {
		for _, domain := range domainAndParents(host) {
			domains[domain] = true
		}
	}
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM blocks WHERE kind = 'host' AND level = 'refuse' AND subject IN (?)`,
		slices.Collect(maps.Keys(domains)))
	return n > 0, err
}

// levelFor returns the strictest level of all blocks that apply to an actor, "" when none does.
func (s *Store) levelFor(ctx context.Context, host, actor string) (blog.BlockLevel, error) {
	b, err := s.StrictestBlock(ctx, host, actor)
	return b.Level, ignoreMissing(err)
}

// StrictestBlock returns the strictest of all blocks that apply to an actor or its host. It returns blog.ErrNotFound
// when none does.
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

// Block saves new or changed blocks and applies them. For refused actors it ends all follows in both directions, and
// returns the removed followers, so that a Reject can be sent to them. A known block keeps its reason or note when
// the new one is empty.
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
		return fmt.Errorf("save the block of %s: %w", b.Subject, err)
	}
	return nil
}

// Unblock deletes a block. It returns blog.ErrNotFound when there is none. Comments that it hid are shown again
// unless another block applies to them.
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

// lockBlocks lets only one transaction at a time change blocks. It also marks that readers can see a change.
func (s *Store) lockBlocks(ctx context.Context) error {
	s.markChanged()
	// We lock the site row, not the rows of blocks: row locks would not stop a new row. SaveActor takes a share lock on
	// the same row, so it cannot save an actor with an old level.
	var locked int
	return ignoreMissing(s.one(ctx, &locked, `SELECT one FROM site`+s.sql.lockRow()))
}

// shareLockBlocks stops changes of blocks until the transaction ends.
func (s *Store) shareLockBlocks(ctx context.Context) error {
	var locked int
	return ignoreMissing(s.one(ctx, &locked, `SELECT one FROM site`+s.sql.shareRow()))
}

// applyBlocks sets actors.block of every actor from all blocks. The level stands with the actor, so that public queries
// need no search for blocks.
func (s *Store) applyBlocks(ctx context.Context) error {
	// All blocks, because others than the changed one may apply to the same actors.
	blocks, err := s.Blocks(ctx, BlockFilter{})
	if err != nil {
		return err
	}
	servers, actors := map[string]blog.BlockLevel{}, map[string]blog.BlockLevel{}
	for _, b := range blocks {
		if b.Kind == blog.BlockServer {
			servers[b.Subject] = b.Level
		} else {
			actors[b.Subject] = b.Level
		}
	}
	if err := s.applyServerBlocks(ctx, servers); err != nil {
		return err
	}
	return s.applyActorBlocks(ctx, servers, actors)
}

// applyServerBlocks sets the level of all actors without a block of their own, server by server.
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
		// An actor may have a stricter block of its own: applyActorBlocks sets those.
		err := s.setLevel(ctx, level, `domain = ? AND block = ? AND id NOT IN (SELECT subject FROM blocks WHERE kind =
			'actor')`, g.Domain, g.Block)
		if err != nil {
			return fmt.Errorf("apply the blocks to server %s: %w", g.Domain, err)
		}
	}
	return nil
}

// applyActorBlocks sets the level of each actor that has a block of its own.
func (s *Store) applyActorBlocks(ctx context.Context, servers, actors map[string]blog.BlockLevel) error {
	for id, level := range actors {
		actor, err := s.Actor(ctx, id)
		// A block may name an actor that we do not know yet. SaveActor applies it later.
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
			return fmt.Errorf("apply the blocks to actor %s: %w", id, err)
		}
	}
	return nil
}

// serverLevel returns the strictest level among the blocks of a host's domain and its parents.
func serverLevel(host string, servers map[string]blog.BlockLevel) blog.BlockLevel {
	level := blog.BlockLevel("")
	for _, domain := range domainAndParents(host) {
		level = level.Stricter(servers[domain])
	}
	return level
}

// setLevel sets the level of the actors that a condition selects, and hides or shows their comments.
func (s *Store) setLevel(ctx context.Context, level blog.BlockLevel, where string, args ...any) error {
	among := ` AND actor_id IN (SELECT id FROM actors WHERE ` + where + `)`
	var err error
	// This comes before the level changes, because the condition may test the old level. A refusal needs no case: every
	// public query leaves out comments of refused actors. held marks the comments that wait only because of a limit, so
	// that they are shown again when the limit ends.
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

// removeRefused deletes all follows of refused actors, in both directions. It returns those who followed us.
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

// BlockFilter selects blocks for a list. Zero fields select everything.
type BlockFilter struct {
	Kind   blog.BlockKind
	Search string // in the subject
	Limit  int
	Offset int
}

// Blocks lists blocks sorted by subject, those of servers first.
func (s *Store) Blocks(ctx context.Context, f BlockFilter) ([]blog.Block, error) {
	if f.Limit <= 0 {
		// No real limit: applyBlocks needs every block, and the query needs a number.
		f.Limit = 1_000_000
	}
	var list []blog.Block
	err := s.all(ctx, &list, `
		SELECT kind, subject, level, reason, note, at FROM blocks
		WHERE (kind = ? OR ? = '') AND subject LIKE ? ESCAPE '!' ORDER BY kind DESC, subject LIMIT ? OFFSET ?`,
		f.Kind, f.Kind, "%"+wildcards.Replace(strings.ToLower(f.Search))+"%", f.Limit, max(0, f.Offset))
	return list, err
}

// CountBlocks counts the blocks of a kind.
func (s *Store) CountBlocks(ctx context.Context, kind blog.BlockKind) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM blocks WHERE kind = ?`, kind)
	return n, err
}

// BlockBySubject returns the block of one domain or actor. It returns blog.ErrNotFound when there is none.
func (s *Store) BlockBySubject(ctx context.Context, kind blog.BlockKind, subject string) (blog.Block, error) {
	var b blog.Block
	err := s.one(ctx, &b, `SELECT kind, subject, level, reason, note, at FROM blocks WHERE kind = ? AND subject = ?`,
		kind, subject)
	return b, err
}

// Reach counts what a block of a subject affects. A domain includes its subdomains.
func (s *Store) Reach(ctx context.Context, kind blog.BlockKind, subject string) (blog.BlockReach, error) {
	// p is an actor.
	where, args := `p.id = ?`, []any{subject}
	if kind == blog.BlockServer {
		where, args = `(p.domain = ? OR p.domain LIKE ? ESCAPE '!')`, []any{subject, "%." + wildcards.Replace(subject)}
	}
	among := `(SELECT p.id FROM actors p WHERE p.gone_at IS NULL AND ` + where + `)`
	var repeated []any
	// The query below contains the condition four times.
	for range 4 {
		repeated = append(repeated, args...)
	}
	var r blog.BlockReach
	err := s.one(ctx, &r, `
		SELECT (SELECT count(*) FROM actors WHERE id IN `+among+`) AS people,
			(SELECT count(*) FROM followers WHERE actor_id IN `+among+`) AS followers,
			(SELECT count(*) FROM comments c WHERE c.actor_id IN `+among+` AND `+public+`) AS comments,
			(SELECT count(*) FROM reactions r WHERE r.actor_id IN `+among+` AND `+counted+`) AS reactions`, repeated...)
	return r, err
}

// Allow adds a server to the allow list. In allow-list mode, only the listed servers can send to us and get
// deliveries.
func (s *Store) Allow(ctx context.Context, a blog.Allowed) error {
	return s.run(ctx, `
		INSERT INTO allowed (host, note, at) VALUES (?, ?, ?)
		ON CONFLICT (host) DO UPDATE SET note = excluded.note`, a.Host, a.Note, a.At)
}

// Disallow removes a server from the allow list. It returns blog.ErrNotFound when it is not on the list.
func (s *Store) Disallow(ctx context.Context, host string) error {
	return s.execOne(ctx, `DELETE FROM allowed WHERE host = ?`, host)
}

// AllAllowed returns the allow list, sorted by host.
func (s *Store) AllAllowed(ctx context.Context) ([]blog.Allowed, error) {
	var list []blog.Allowed
	err := s.all(ctx, &list, `SELECT host, note, at FROM allowed ORDER BY host`)
	return list, err
}

// Allowed reports whether a host or one of its parent domains is on the allow list.
func (s *Store) Allowed(ctx context.Context, host string) (bool, error) {
	var n int
	d := domainAndParents(host)
	err := s.one(ctx, &n, `SELECT count(*) FROM allowed WHERE host IN (?, ?, ?, ?, ?, ?, ?, ?)`, d[0], d[1], d[2], d[3],
		d[4], d[5], d[6], d[7])
	return n > 0, err
}
