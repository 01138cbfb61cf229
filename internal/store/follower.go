package store

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

// Follow saves a follower and returns the resulting state. A repeated Follow gets the new id, but an accepted
// follower stays accepted.
func (s *Store) Follow(ctx context.Context, f blog.Follower) (blog.FollowState, error) {
	var state blog.FollowState
	err := s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Voice(f.VoiceID))
		// A Follow proves that the server is alive, so a follower who was set aside is accepted again.
		return s.one(ctx, &state, `
			INSERT INTO followers (voice_id, actor_id, follow_id, state, since) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (voice_id, actor_id) DO UPDATE SET follow_id = excluded.follow_id,
				state = CASE WHEN followers.state IN ('accepted', 'aside') THEN 'accepted' ELSE excluded.state END
			RETURNING state`, f.VoiceID, f.ActorID, f.FollowID, f.State, f.Since)
	})
	return state, err
}

// AcceptFollower accepts a pending follower. It returns blog.ErrNotFound when none is pending.
func (s *Store) AcceptFollower(ctx context.Context, voice blog.ID, actor string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Voice(voice))
		return s.execOne(ctx, `UPDATE followers SET state = 'accepted' WHERE voice_id = ? AND actor_id = ? AND state =
			'pending'`, voice, actor)
	})
}

// Unfollow removes a follower in any state. It returns blog.ErrNotFound when there is none.
func (s *Store) Unfollow(ctx context.Context, voice blog.ID, actor string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Voice(voice))
		if err := s.execOne(ctx, `DELETE FROM followers WHERE voice_id = ? AND actor_id = ?`, voice, actor); err != nil {
			return err
		}
		// The server may still have waiting welcomes. Without a follower there, they must not be sent.
		return s.endWelcome(ctx, actor)
	})
}

// UnfollowByID removes the follower with the given Follow id, if it belongs to the actor. Some servers send an Undo
// that has only the id of the Follow.
func (s *Store) UnfollowByID(ctx context.Context, actor, followID string) error {
	return s.InTx(ctx, func(s *Store) error {
		err := s.changeFollows(ctx, `DELETE FROM followers WHERE actor_id = ? AND follow_id = ?`, actor, followID)
		if err != nil {
			return err
		}
		return s.endWelcome(ctx, actor)
	})
}

// Follower returns one follower of a voice, with the actor.
func (s *Store) Follower(ctx context.Context, voice blog.ID, actor string) (blog.Follower, error) {
	var f blog.Follower
	err := s.one(ctx, &f, `SELECT voice_id, actor_id, follow_id, state, since FROM followers WHERE voice_id = ? AND
		actor_id = ?`, voice, actor)
	if err != nil {
		return f, err
	}
	f.Actor, err = s.Actor(ctx, actor)
	return f, err
}

// FollowerFilter selects followers of a voice.
type FollowerFilter struct {
	Voice blog.ID
	State blog.FollowState // blog.Accepted or blog.Pending
	After *FollowerMark    // only those behind it; nil from the beginning
	Limit int
}

// FollowerMark is the place of a follower in the list of FollowersOf.
type FollowerMark struct {
	Since   time.Time
	ActorID string
}

// wildcards escapes the special characters of a LIKE pattern, with "!" as the escape character.
var wildcards = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// FollowersOf lists followers with their actors, newest first.
func (s *Store) FollowersOf(ctx context.Context, l FollowerFilter) ([]blog.Follower, error) {
	if l.Limit <= 0 || l.Limit > 1000 {
		l.Limit = 1000
	}
	behind, args := "", []any{l.Voice}
	if l.After != nil {
		// The first condition is the one that an index can use.
		behind = ` AND f.since <= ? AND (f.since < ? OR f.actor_id > ?)`
		args = append(args, l.After.Since, l.After.Since, l.After.ActorID)
	}
	return s.followers(ctx, ` WHERE f.voice_id = ? AND f.state = `+l.state()+behind+`
		ORDER BY f.since DESC, f.actor_id LIMIT ?`, append(args, l.Limit)...)
}

// state is the state in a query. It is no argument, because each state has an index of its own.
func (l FollowerFilter) state() string {
	if l.State == blog.Pending {
		return `'pending'`
	}
	return `'accepted'`
}

// mostExamined is how many people with a matching handle or name FindFollowers looks at.
const mostExamined = 300

// FindFollowers lists accepted followers whose handle or name begins with the given text, whatever the case of the
// letters.
func (s *Store) FindFollowers(ctx context.Context, l FollowerFilter, begins string) ([]blog.Follower, error) {
	// Many people can have the same beginning and follow nobody, so the inner limit bounds the search. The highest
	// character is above all that can follow.
	among := func(column string) string {
		text := `lower(a.` + column + `)` + s.sql.bytewise()
		return `SELECT id FROM (SELECT a.id FROM actors a WHERE ` + text + ` >= lower(?) AND ` + text + ` < lower(?) || '` +
			string(utf8.MaxRune) + `' ORDER BY ` + text + ` LIMIT ?) AS ` + column
	}
	return s.followers(ctx, `
		WHERE f.voice_id = ? AND f.state || '' = 'accepted'
			AND f.actor_id IN (`+among("handle")+` UNION `+among("name")+`)
		ORDER BY f.since DESC, f.actor_id LIMIT ?`,
		l.Voice, begins, begins, mostExamined, begins, begins, mostExamined, l.Limit)
}

// followers lists followers with their actors. conditions is the rest of the query, from WHERE on; f is the follower
// and p the actor.
func (s *Store) followers(ctx context.Context, conditions string, args ...any) ([]blog.Follower, error) {
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
		FROM followers f JOIN actors p ON p.id = f.actor_id`+conditions, args...)
	list := make([]blog.Follower, len(rows))
	for i, r := range rows {
		list[i] = blog.Follower{VoiceID: r.VoiceID, ActorID: r.ActorID, FollowID: r.FollowID, State: r.State, Since: r.Since,
			Actor: r.Actor}
	}
	return list, err
}

// FollowersAfter lists the ids of a voice's accepted followers in order, starting after an id.
func (s *Store) FollowersAfter(ctx context.Context, voice blog.ID, after string, limit int) ([]string, error) {
	var list []string
	// A start id costs the same on each page of a long collection. OFFSET would read all rows before it.
	err := s.all(ctx, &list, `
		SELECT actor_id FROM followers WHERE voice_id = ? AND state = 'accepted' AND actor_id > ? ORDER BY actor_id LIMIT ?`,
		voice, after, limit)
	return list, err
}

// FollowerCounts counts the followers of a voice by state, and the servers to which deliveries for the accepted ones
// go.
type FollowerCounts struct{ Accepted, Pending, Servers, Aside int }

// CountFollowers counts a voice's followers.
func (s *Store) CountFollowers(ctx context.Context, voice blog.ID) (FollowerCounts, error) {
	changes.Note(ctx, changes.Voice(voice))
	var n FollowerCounts
	// Triggers keep the counts. A voice that never had a follower has none.
	err := s.one(ctx, &n, `SELECT accepted, pending, servers, aside FROM follower_counts WHERE voice_id = ?`, voice)
	return n, ignoreMissing(err)
}

// CountPending counts the pending follow requests from one server to a voice.
func (s *Store) CountPending(ctx context.Context, voice blog.ID, host string) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT n FROM follower_servers WHERE voice_id = ? AND state = 'pending' AND host = ?`,
		voice, host)
	return n, ignoreMissing(err)
}

// Relation returns how an actor is connected with the voices of this blog. An unknown actor has the zero Relation.
func (s *Store) Relation(ctx context.Context, actor string) (blog.Relation, error) {
	all, err := s.Relations(ctx, []string{actor})
	return all[actor], err
}

// Relations is Relation for several actors, by their ids.
func (s *Store) Relations(ctx context.Context, actors []string) (map[string]blog.Relation, error) {
	found := map[string]blog.Relation{}
	if len(actors) == 0 {
		return found, nil
	}
	var list []struct {
		ID string
		blog.Relation
	}
	// An address can get a new owner with a new key. The comparison of key_mark leaves out comments of the former owner.
	err := s.all(ctx, &list, `
		SELECT p.id, EXISTS (SELECT 1 FROM followers f WHERE f.actor_id = p.id AND f.state = 'accepted') AS follows,
			EXISTS (SELECT 1 FROM following f WHERE f.actor_id = p.id AND f.state = 'accepted') AS followed,
			EXISTS (SELECT 1 FROM comments c WHERE c.actor_id = p.id AND c.key_mark = p.key_mark
				AND `+s.sql.unindexed(`c.state`)+` = 'shown' AND c.visibility <> 'restricted') AS shown_before,
			EXISTS (SELECT 1 FROM comments c WHERE c.actor_id = p.id AND c.key_mark = p.key_mark AND c.approved
				AND `+s.sql.unindexed(`c.state`)+` = 'shown' AND c.visibility <> 'restricted') AS approved_before
		FROM actors p WHERE p.id IN (?)`, actors)
	for _, row := range list {
		found[row.ID] = row.Relation
	}
	return found, err
}

// SaveFollowerAccept saves the last Accept that was sent to a follower, until it is delivered.
func (s *Store) SaveFollowerAccept(ctx context.Context, f blog.Follower, accept blog.ID) error {
	return s.run(ctx, `UPDATE followers SET accept_id = ? WHERE voice_id = ? AND actor_id = ?`, accept, f.VoiceID,
		f.ActorID)
}

// confirmFollower saves that the Accepts of followers were delivered.
func (s *Store) confirmFollower(ctx context.Context, accepts ...blog.ID) error {
	if len(accepts) == 0 {
		return nil
	}
	// The second condition lets SQLite use the index, which has no empty ids.
	return s.run(ctx, `UPDATE followers SET accept_id = '' WHERE accept_id IN (?) AND accept_id <> ''`, accepts)
}

// UnconfirmedFollower is a follower who may still see the follow as pending: our Accept did not arrive, or there is
// none although the voice accepts everybody.
type UnconfirmedFollower struct {
	VoiceID     blog.ID
	Voice       string // handle
	ActorID     string
	Handle      string
	State       blog.FollowState
	Since       time.Time
	Status      blog.DeliveryStatus // of our Accept; "" when none was sent
	Code        int
	Answer      string
	Host        string     // of the Accept's inbox
	Unavailable *time.Time // since when that server is given up
}

// mostUnconfirmed is how many followers of each kind UnconfirmedFollowers lists.
const mostUnconfirmed = 250

// UnconfirmedFollowers lists followers of three kinds: those who are pending since before a time although the voice
// accepts everybody, those whose Accept was refused or given up, and those whose Accept waits since before that time.
// At most 250 are pending, and at most 250 are others.
func (s *Store) UnconfirmedFollowers(ctx context.Context, before time.Time) ([]UnconfirmedFollower, error) {
	var asking, accepted []UnconfirmedFollower
	err := s.all(ctx, &asking, `
		SELECT f.voice_id, v.handle AS voice, f.actor_id, a.handle, f.state, f.since, a.host,
			p.unavailable_since AS unavailable
		FROM voices v JOIN followers f ON f.voice_id = v.id AND f.state = 'pending' JOIN actors a ON a.id = f.actor_id
		LEFT JOIN peers p ON p.host = a.mail_host
		WHERE v.retired_at IS NULL AND NOT v.approves_followers AND a.block = '' AND f.since < ? LIMIT ?`,
		before, mostUnconfirmed)
	if err != nil {
		return nil, err
	}
	// The empty texts leave SQLite no other way than to begin with the few followers that have an Accept.
	err = s.all(ctx, &accepted, `
		SELECT f.voice_id, v.handle AS voice, f.actor_id, a.handle, f.state, f.since, d.status, d.code, d.answer, d.host,
			p.unavailable_since AS unavailable
		FROM followers f JOIN voices v ON v.id = f.voice_id || '' AND v.retired_at IS NULL
		JOIN actors a ON a.id = f.actor_id || '' JOIN deliveries d ON d.activity_id = f.accept_id || ''
		JOIN activities y ON y.id = d.activity_id LEFT JOIN peers p ON p.host = d.host
		WHERE f.accept_id <> '' AND f.state || '' = 'accepted' AND d.status NOT IN ('delivered', 'superseded')
			AND (d.settled_at IS NOT NULL OR y.at < ?) LIMIT ?`, before, mostUnconfirmed)
	list := append(asking, accepted...)
	slices.SortStableFunc(list, func(a, b UnconfirmedFollower) int { return a.Since.Compare(b.Since) })
	return list, err
}

// FollowersAt lists the ids of a voice's followers on one origin ("https://veerhuis.example"), for FEP-8fcf. It
// includes followers who are set aside, because their server still has the follow.
func (s *Store) FollowersAt(ctx context.Context, voice blog.ID, origin string) ([]string, error) {
	var list []string
	// The host uses an index. The pattern then separates http from https.
	err := s.all(ctx, &list, `
		SELECT f.actor_id FROM followers f JOIN actors p ON p.id = f.actor_id
		WHERE f.voice_id = ? AND f.state <> 'pending' AND p.host = ? AND f.actor_id LIKE ? ESCAPE '!' ORDER BY f.actor_id`,
		voice, blog.HostOf(origin), wildcards.Replace(origin)+"/%")
	return list, err
}

// IsFollower reports whether an actor follows any voice of ours, in any state.
func (s *Store) IsFollower(ctx context.Context, actor string) (bool, error) {
	var n int
	// The inner LIMIT stops the search at the first row.
	err := s.one(ctx, &n, `SELECT count(*) FROM (SELECT 1 FROM followers WHERE actor_id = ? LIMIT 1) AS x`, actor)
	return n > 0, err
}
