package store

import (
	"context"

	"causerie/internal/blog"
)

// FollowersHere lists the voices of ours that follow an actor or asked to.
func (s *Store) FollowersHere(ctx context.Context, actor string) ([]blog.Following, error) {
	var list []blog.Following
	return list, s.all(ctx, &list, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE actor_id =
		? ORDER BY voice_id`, actor)
}

// FollowersAt lists the ids of a voice's followers on one origin ("https://veerhuis.example"), for FEP-8fcf. It
// includes those set aside: on their server they still follow.
func (s *Store) FollowersAt(ctx context.Context, voice blog.ID, origin string) ([]string, error) {
	var list []string
	// The host narrows the search by an index. The pattern tells http from https.
	return list, s.all(ctx, &list, `
		SELECT f.actor_id FROM followers f JOIN actors p ON p.id = f.actor_id
		WHERE f.voice_id = ? AND f.state <> 'pending' AND p.host = ? AND f.actor_id LIKE ? ESCAPE '!' ORDER BY f.actor_id`,
		voice, blog.HostOf(origin), wildcards.Replace(origin)+"/%")
}
