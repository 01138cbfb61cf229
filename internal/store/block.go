package store

import (
	"context"
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
func (s *Store) Block(ctx context.Context, blocks ...blog.Block) (removed Ended, err error) {
	err = s.InTx(ctx, func(s *Store) error {
		if err := s.lockBlocks(ctx); err != nil {
			return err
		}
		for _, b := range blocks {
			if err := s.saveBlock(ctx, b); err != nil {
				return err
			}
		}
		for _, b := range blocks {
			left, err := s.applyBlock(ctx, b.Kind, b.Subject)
			if err != nil {
				return err
			}
			removed.add(left)
		}
		return nil
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
		_, err := s.applyBlock(ctx, kind, subject)
		return err
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
	return ignoreMissing(s.one(ctx, &locked, `SELECT one FROM site`+s.sql.shareRow("site")))
}

// applyBlock sets actors.block of the actors that a block covers or covered. The level stands with the actor, so that
// public queries need no search for blocks. It ends the follows of those who are refused now, and returns them.
func (s *Store) applyBlock(ctx context.Context, kind blog.BlockKind, subject string) (Ended, error) {
	if kind == blog.BlockPerson {
		return s.applyToActor(ctx, subject)
	}
	var domains []string
	if err := s.all(ctx, &domains, domainsWithin+` ORDER BY domain`, subject); err != nil {
		return Ended{}, err
	}
	var removed Ended
	for _, domain := range domains {
		left, err := s.applyToDomain(ctx, domain)
		if err != nil {
			return Ended{}, fmt.Errorf("apply the blocks to server %s: %w", domain, err)
		}
		removed.add(left)
	}
	return removed, nil
}

// domainsWithin is the query for the known domains that a domain covers: its subdomains and itself.
const domainsWithin = `SELECT domain FROM domain_parents WHERE parent = ?`

// saveDomain saves the domain of an actor with its parents.
func (s *Store) saveDomain(ctx context.Context, domain string) error {
	for _, parent := range withParents(domain) {
		n, err := s.exec(ctx, `INSERT INTO domain_parents (parent, domain) VALUES (?, ?) ON CONFLICT DO NOTHING`, parent,
			domain)
		if err != nil || n == 0 { // mostly the domain itself is there, and so are its parents
			return err
		}
	}
	return nil
}

// withParents returns a domain, and then its parents.
func withParents(domain string) []string {
	list := []string{domain}
	parents := domainAndParents(domain)
	for _, parent := range parents[1:] {
		if parent != "" && parent != domain {
			list = append(list, parent)
		}
	}
	return list
}

// applyToDomain sets the level of all actors on a domain.
func (s *Store) applyToDomain(ctx context.Context, domain string) (Ended, error) {
	level, err := s.levelFor(ctx, domain, "")
	if err != nil {
		return Ended{}, err
	}
	removed, err := s.setLevel(ctx, level, `domain = ? AND block <> ? AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.kind =
		'actor' AND b.subject = actors.id)`, domain, level)
	if err != nil {
		return Ended{}, err
	}
	var own []string
	err = s.all(ctx, &own, `SELECT b.subject FROM blocks b JOIN actors p ON p.id = b.subject
		WHERE b.kind = 'actor' AND p.domain = ? ORDER BY b.subject`, domain)
	if err != nil {
		return Ended{}, err
	}
	for _, id := range own {
		left, err := s.applyToActor(ctx, id)
		if err != nil {
			return Ended{}, err
		}
		removed.add(left)
	}
	return removed, nil
}

// applyToActor sets the level of one actor. A block may name an actor that we do not know yet: SaveActor applies it
// later.
func (s *Store) applyToActor(ctx context.Context, id string) (Ended, error) {
	actor, err := s.Actor(ctx, id)
	if err != nil {
		return Ended{}, ignoreMissing(err)
	}
	level, err := s.levelFor(ctx, actor.Host, id)
	if err != nil {
		return Ended{}, err
	}
	removed, err := s.setLevel(ctx, level, `id = ? AND block <> ?`, id, level)
	if err != nil {
		return Ended{}, fmt.Errorf("apply the blocks to actor %s: %w", id, err)
	}
	return removed, nil
}

// setLevel sets the level of the actors that a condition selects, and hides or shows their comments. With a refusal it
// deletes their follows in both directions, and returns them.
func (s *Store) setLevel(ctx context.Context, level blog.BlockLevel, where string, args ...any) (Ended, error) {
	var found bool
	// Mostly there is nobody. The statements below would look at all comments that wait.
	err := s.one(ctx, &found, `SELECT EXISTS (SELECT 1 FROM actors WHERE `+where+`)`, args...)
	if err != nil || !found {
		return Ended{}, err
	}
	among := `actor_id IN (SELECT id FROM actors WHERE ` + where + `)`
	var removed Ended
	// This comes before the level changes, because the condition tests the old level. held marks the comments that wait
	// only because of a limit, so that they are shown again when the limit ends.
	switch level {
	case blog.Limit:
		err = s.run(ctx, `UPDATE comments SET state = 'waiting', held = TRUE WHERE state = 'shown' AND visibility <>
			'restricted' AND `+among, args...)
	case "":
		err = s.run(ctx, `UPDATE comments SET state = 'shown', held = FALSE WHERE state = 'waiting' AND held AND `+among,
			args...)
	case blog.Refuse: // every public query leaves out comments of refused actors
		removed, err = s.endFollows(ctx, among, args...)
	}
	if err != nil {
		return Ended{}, err
	}
	return removed, s.run(ctx, `UPDATE actors SET block = ? WHERE `+where, append([]any{level}, args...)...)
}

// Ended are the follows that a block ended.
type Ended struct {
	Followers []blog.Follower  // who followed us
	Following []blog.Following // whom we followed
}

func (e *Ended) add(more Ended) {
	e.Followers, e.Following = append(e.Followers, more.Followers...), append(e.Following, more.Following...)
}

// endFollows deletes the follows of some actors, in both directions, and returns them.
func (s *Store) endFollows(ctx context.Context, among string, args ...any) (ended Ended, err error) {
	ended.Followers, err = s.followers(ctx, ` WHERE f.`+among+` ORDER BY f.voice_id, f.actor_id`, args...)
	if err != nil {
		return Ended{}, err
	}
	if len(ended.Followers) > 0 {
		if err := s.run(ctx, `DELETE FROM followers WHERE `+among, args...); err != nil {
			return Ended{}, err
		}
	}
	err = s.all(ctx, &ended.Following, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE `+among+`
		ORDER BY voice_id, actor_id`, args...)
	if err != nil || len(ended.Following) == 0 {
		return ended, err
	}
	if err := s.withActors(ctx, ended.Following); err != nil {
		return Ended{}, err
	}
	return ended, s.run(ctx, `DELETE FROM following WHERE `+among, args...)
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
		// No real limit: an export needs every block, and the query needs a number.
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
	where := `p.id = ?`
	if kind == blog.BlockServer {
		where = `p.domain IN (` + domainsWithin + `)`
	}
	among := `(SELECT p.id FROM actors p WHERE p.gone_at IS NULL AND ` + where + `)`
	var r blog.BlockReach
	err := s.one(ctx, &r, `
		SELECT (SELECT count(*) FROM actors WHERE id IN `+among+`) AS people,
			(SELECT count(*) FROM followers WHERE actor_id IN `+among+`) AS followers,
			(SELECT count(*) FROM comments c WHERE c.actor_id IN `+among+` AND `+public+`) AS comments,
			(SELECT count(*) FROM reactions r WHERE r.actor_id IN `+among+` AND `+counted+`) AS reactions`,
		subject, subject, subject, subject)
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
