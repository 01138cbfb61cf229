package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"causerie/internal/blog"
)

const actorColumns = `p.id, p.type, p.handle, p.handle_checked_at, p.name, p.summary, p.icon, p.url, p.host, p.inbox,
	p.shared_inbox, p.followers_url, p.moved_to, p.also_known_as, p.fetched_at, p.silent_since, p.moved_at,
	p.confirm_at, p.key_mark, p.gone_at, p.block`

// SaveActor writes down what a remote actor's server says of it, with exactly the keys it lists now, and what our blocks
// make of it.
func (s *Store) SaveActor(ctx context.Context, a blog.Actor) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		if err := s.keepBlocks(ctx); err != nil {
			return err
		}
		level, err := s.blockOf(ctx, a.Host, a.ID)
		if err != nil {
			return err
		}
		err = s.do(ctx, `
			INSERT INTO actors (id, type, handle, handle_checked_at, name, summary, icon, url, host, domain, block, inbox, shared_inbox,
				mailbox, mail_host, followers_url, moved_to, also_known_as, fetched_at, refresh_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET type = excluded.type, handle = excluded.handle, block = excluded.block,
				handle_checked_at = excluded.handle_checked_at, name = excluded.name, summary = excluded.summary,
				icon = excluded.icon, url = excluded.url, inbox = excluded.inbox, shared_inbox = excluded.shared_inbox,
				mailbox = excluded.mailbox, mail_host = excluded.mail_host, followers_url = excluded.followers_url,
				moved_to = excluded.moved_to, also_known_as = excluded.also_known_as, fetched_at = excluded.fetched_at,
				refresh_at = excluded.refresh_at, silent_since = NULL,
				gone_at = CASE WHEN actors.confirm_at IS NULL THEN actors.gone_at END, confirm_at = NULL`,
			a.ID, a.Type, a.Handle, a.HandleCheckedAt, a.Name, a.Summary, a.Icon, a.URL, a.Host, Domain(a.Host), level, a.Inbox, a.SharedInbox, a.Mailbox(),
			a.MailHost(), a.FollowersURL, a.MovedTo, a.AlsoKnownAs, a.FetchedAt, refreshAt(a))
		if err != nil {
			return fmt.Errorf("save actor %s: %w", a.ID, err)
		}
		return s.saveKeys(ctx, a)
	})
}

func (s *Store) saveKeys(ctx context.Context, a blog.Actor) error {
	if err := s.do(ctx, `DELETE FROM actor_keys WHERE actor_id = ?`, a.ID); err != nil {
		return err
	}
	for _, k := range a.Keys {
		if err := s.do(ctx, `INSERT INTO actor_keys (actor_id, key_id, pem) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, a.ID, k.KeyID, k.PEM); err != nil {
			return err
		}
	}
	return nil
}

// Actor finds a remote actor by its address, without its keys, also when it is gone (GoneAt).
func (s *Store) Actor(ctx context.Context, id string) (blog.Actor, error) {
	var a blog.Actor
	return a, s.one(ctx, &a, `SELECT `+actorColumns+` FROM actors p WHERE p.id = ?`, id)
}

// KnowsActor tells whether an actor was ever written down; it is the cheap question before a storm of deletions.
func (s *Store) KnowsActor(ctx context.Context, id string) (bool, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM actors WHERE id = ?`, id)
	return n > 0, err
}

// ActorByHandle finds a remote actor by "bram@veerhuis.example".
func (s *Store) ActorByHandle(ctx context.Context, handle string) (blog.Actor, error) {
	var a blog.Actor
	return a, s.one(ctx, &a, `SELECT `+actorColumns+` FROM actors p WHERE lower(p.handle) = lower(?) AND p.gone_at IS NULL`, handle)
}

// ActorByProfile finds a remote actor by its address, or by that of its profile page.
func (s *Store) ActorByProfile(ctx context.Context, address string) (blog.Actor, error) {
	var a blog.Actor
	return a, s.one(ctx, &a, `SELECT `+actorColumns+` FROM actors p WHERE p.id = ? OR p.url = ? AND p.gone_at IS NULL ORDER BY p.id = ? DESC, p.id LIMIT 1`,
		address, address, address)
}

// Actors finds remote actors by their addresses, without their keys.
func (s *Store) Actors(ctx context.Context, ids []string) (map[string]blog.Actor, error) {
	found := map[string]blog.Actor{}
	if len(ids) == 0 {
		return found, nil
	}
	var list []blog.Actor
	err := s.all(ctx, &list, `SELECT `+actorColumns+` FROM actors p WHERE p.id IN (?)`, ids)
	for _, a := range list {
		found[a.ID] = a
	}
	return found, err
}

// KeyOwner finds who lists a key id, as (actor, PEM); blog.ErrNotFound when nobody we know does. Actors that are gone
// own no keys. Of several it is the one whose address the key's begins with: anybody can list the key of a neighbour.
func (s *Store) KeyOwner(ctx context.Context, keyID string) (blog.ActorKey, error) {
	var k blog.ActorKey
	return k, s.one(ctx, &k, `
		SELECT k.actor_id, k.key_id, k.pem FROM actor_keys k JOIN actors p ON p.id = k.actor_id
		WHERE k.key_id = ? AND p.gone_at IS NULL
		ORDER BY CASE WHEN substr(k.key_id, 1, length(k.actor_id)) = k.actor_id THEN length(k.actor_id) ELSE 0 END DESC LIMIT 1`, keyID)
}

// RemoveActor takes a person out who left: their follows, reactions and words are erased, the address stays as gone.
func (s *Store) RemoveActor(ctx context.Context, id string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		for _, statement := range []string{
			`DELETE FROM followers WHERE actor_id = ?`,
			`DELETE FROM following WHERE actor_id = ?`,
			`DELETE FROM reactions WHERE actor_id = ?`,
			`DELETE FROM mentions WHERE actor_id = ?`,
			`DELETE FROM stamps WHERE actor_id = ?`,
			`DELETE FROM actor_keys WHERE actor_id = ?`,
			`DELETE FROM comment_revisions WHERE comment_id IN (SELECT id FROM comments WHERE actor_id = ?)`,
			`UPDATE comments SET state = 'removed', html = '', plain = '', warning = '' WHERE actor_id = ?`,
		} {
			if err := s.do(ctx, statement, id); err != nil {
				return fmt.Errorf("remove actor %s: %w", id, err)
			}
		}
		return s.do(ctx, `UPDATE actors SET gone_at = ?, confirm_at = NULL, name = '', summary = '', icon = '' WHERE id = ?`, now, id)
	})
}

// Follow writes a follower down, new or known: a repeated Follow renews its address and never loses an acceptance.
// It returns the state that holds now.
func (s *Store) Follow(ctx context.Context, f blog.Follower) (blog.FollowState, error) {
	var state blog.FollowState
	err := s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.one(ctx, &state, `
			INSERT INTO followers (voice_id, actor_id, follow_id, state, since) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (voice_id, actor_id) DO UPDATE SET follow_id = excluded.follow_id,
				state = CASE WHEN followers.state IN ('accepted', 'aside') THEN 'accepted' ELSE excluded.state END
			RETURNING state`, f.VoiceID, f.ActorID, f.FollowID, f.State, f.Since)
	})
	return state, err
}

// AcceptFollower turns a pending follow into an accepted one; blog.ErrNotFound when none is pending.
func (s *Store) AcceptFollower(ctx context.Context, voice blog.ID, actor string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.must(ctx, `UPDATE followers SET state = 'accepted' WHERE voice_id = ? AND actor_id = ? AND state = 'pending'`, voice, actor)
	})
}

// Unfollow takes a follower off, whatever its state; blog.ErrNotFound when there was none.
func (s *Store) Unfollow(ctx context.Context, voice blog.ID, actor string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		if err := s.must(ctx, `DELETE FROM followers WHERE voice_id = ? AND actor_id = ?`, voice, actor); err != nil {
			return err
		}
		return s.endWelcome(ctx, actor)
	})
}

// UnfollowByID ends the follow that a bare address names, if it is this actor's.
func (s *Store) UnfollowByID(ctx context.Context, actor, followID string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		if err := s.must(ctx, `DELETE FROM followers WHERE actor_id = ? AND follow_id = ?`, actor, followID); err != nil {
			return err
		}
		return s.endWelcome(ctx, actor)
	})
}

// Follower finds one follower of a voice.
func (s *Store) Follower(ctx context.Context, voice blog.ID, actor string) (blog.Follower, error) {
	var f blog.Follower
	err := s.one(ctx, &f, `SELECT voice_id, actor_id, follow_id, state, since FROM followers WHERE voice_id = ? AND actor_id = ?`, voice, actor)
	if err != nil {
		return f, err
	}
	f.Actor, err = s.Actor(ctx, actor)
	return f, err
}

// FollowerList is which followers of a voice to list.
type FollowerList struct {
	Voice  blog.ID
	State  blog.FollowState // "" for all
	Host   string           // only of this server
	Search string           // in name and handle
	Limit  int
	Offset int
}

// wildcards takes the meaning from what means something in a pattern of LIKE.
var wildcards = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// FollowersOf lists followers with their actors, the newest first.
func (s *Store) FollowersOf(ctx context.Context, l FollowerList) ([]blog.Follower, error) {
	if l.Limit <= 0 || l.Limit > 1000 {
		l.Limit = 1000
	}
	like := "%" + wildcards.Replace(strings.ToLower(l.Search)) + "%"
	return s.followers(ctx, `
		WHERE f.voice_id = ? AND (f.state = ? OR ? = '') AND (p.host = ? OR ? = '')
			AND (lower(p.name) LIKE ? ESCAPE '!' OR lower(p.handle) LIKE ? ESCAPE '!')
		ORDER BY f.since DESC, f.actor_id LIMIT ? OFFSET ?`,
		l.Voice, l.State, l.State, l.Host, l.Host, like, like, l.Limit, max(0, l.Offset))
}

// followers lists followers with their actors, by a condition and an order.
func (s *Store) followers(ctx context.Context, which string, args ...any) ([]blog.Follower, error) {
	var rows []struct {
		VoiceID  blog.ID
		ActorID  string
		FollowID string
		State    blog.FollowState
		Since    time.Time
		blog.Actor
	}
	err := s.all(ctx, &rows, `
		SELECT f.voice_id, f.actor_id, f.follow_id, f.state, f.since, `+actorColumns+`
		FROM followers f JOIN actors p ON p.id = f.actor_id`+which, args...)
	list := make([]blog.Follower, len(rows))
	for i, r := range rows {
		list[i] = blog.Follower{VoiceID: r.VoiceID, ActorID: r.ActorID, FollowID: r.FollowID, State: r.State, Since: r.Since, Actor: r.Actor}
	}
	return list, err
}

// FollowersAfter lists the addresses of a voice's accepted followers, in their order, from behind a cursor.
func (s *Store) FollowersAfter(ctx context.Context, voice blog.ID, after string, limit int) ([]string, error) {
	var list []string
	return list, s.all(ctx, &list, `
		SELECT actor_id FROM followers WHERE voice_id = ? AND state = 'accepted' AND actor_id > ? ORDER BY actor_id LIMIT ?`, voice, after, limit)
}

// FollowerCounts is how many follow a voice, and from how many servers. Those set aside are counted by themselves.
type FollowerCounts struct{ Accepted, Pending, Servers, Aside int }

// CountFollowers counts a voice's followers.
func (s *Store) CountFollowers(ctx context.Context, voice blog.ID) (FollowerCounts, error) {
	var n FollowerCounts
	return n, s.one(ctx, &n, `
		SELECT COALESCE(sum(CASE WHEN f.state = 'accepted' THEN 1 ELSE 0 END), 0) AS accepted,
			COALESCE(sum(CASE WHEN f.state = 'pending' THEN 1 ELSE 0 END), 0) AS pending,
			COALESCE(sum(CASE WHEN f.state = 'aside' THEN 1 ELSE 0 END), 0) AS aside,
			count(DISTINCT CASE WHEN f.state = 'accepted' THEN p.mail_host END) AS servers
		FROM followers f JOIN actors p ON p.id = f.actor_id WHERE f.voice_id = ?`, voice)
}

// CountPending tells how many of one server wait for a voice's yes.
func (s *Store) CountPending(ctx context.Context, voice blog.ID, host string) (int, error) {
	var n int
	return n, s.one(ctx, &n, `
		SELECT count(*) FROM followers f JOIN actors p ON p.id = f.actor_id WHERE f.voice_id = ? AND f.state = 'pending' AND p.host = ?`, voice, host)
}

// Relation tells what ties a commenter to the voices of this blog.
func (s *Store) Relation(ctx context.Context, actor string) (blog.Relation, error) {
	var r blog.Relation
	return r, s.one(ctx, &r, `
		SELECT EXISTS (SELECT 1 FROM followers WHERE actor_id = ? AND state = 'accepted') AS follows,
			EXISTS (SELECT 1 FROM following WHERE actor_id = ? AND state = 'accepted') AS followed,
			EXISTS (SELECT 1 FROM comments c JOIN actors p ON p.id = c.actor_id AND p.key_mark = c.key_mark
				WHERE c.actor_id = ? AND c.state = 'shown' AND c.visibility <> 'restricted') AS approved_before`, actor, actor, actor)
}

// RemoveInbox forgets the followers whose own inbox answered 410. A shared inbox is left alone: its server may have moved
// it, and its people may still be there.
func (s *Store) RemoveInbox(ctx context.Context, inbox string) error {
	return s.InTx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `DELETE FROM followers WHERE actor_id IN (SELECT id FROM actors WHERE inbox = ? AND shared_inbox <> inbox)`, inbox)
		if n > 0 {
			s.touch()
		}
		return err
	})
}

// CountFollowing tells how many a voice follows.
func (s *Store) CountFollowing(ctx context.Context, voice blog.ID) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*) FROM following WHERE voice_id = ? AND state = 'accepted'`, voice)
}
