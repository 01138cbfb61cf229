package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/changes"
)

const actorColumns = `p.id, p.type, p.handle, p.handle_checked_at, p.name, p.summary, p.icon, p.url, p.host, p.inbox,
	p.shared_inbox, p.followers_url, p.moved_to, p.also_known_as, p.fetched_at, p.silent_since, p.moved_at,
	p.confirm_at, p.key_mark, p.gone_at, p.block`

// SaveActor saves a remote actor as its server describes it: with exactly the keys that its document lists, and with
// the level of our blocks.
func (s *Store) SaveActor(ctx context.Context, a blog.Actor) error {
	return s.InTx(ctx, func(s *Store) error {
		// Without the lock, a block that is saved at the same moment could miss the new actor, or this could save the old
		// level.
		if err := s.shareLockBlocks(ctx); err != nil {
			return err
		}
		level, err := s.levelFor(ctx, a.Host, a.ID)
		if err != nil {
			return err
		}
		if err := s.markActor(ctx, a, level); err != nil {
			return err
		}
		// While confirm_at is set, a deletion is not confirmed yet, and a document of the actor refutes it. Later the actor
		// stays gone.
		err = s.run(ctx, `
			INSERT INTO actors (id, type, handle, handle_checked_at, name, summary, icon, url, host, domain, block, inbox,
			shared_inbox,
				mailbox, mail_host, followers_url, moved_to, also_known_as, fetched_at, refresh_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET type = excluded.type, handle = excluded.handle, block = excluded.block,
				handle_checked_at = excluded.handle_checked_at, name = excluded.name, summary = excluded.summary,
				icon = excluded.icon, url = excluded.url, inbox = excluded.inbox, shared_inbox = excluded.shared_inbox,
				mailbox = excluded.mailbox, mail_host = excluded.mail_host, followers_url = excluded.followers_url,
				moved_to = excluded.moved_to, also_known_as = excluded.also_known_as, fetched_at = excluded.fetched_at,
				refresh_at = excluded.refresh_at, silent_since = NULL,
				gone_at = CASE WHEN actors.confirm_at IS NULL THEN actors.gone_at END, confirm_at = NULL`,
			a.ID, a.Type, a.Handle, a.HandleCheckedAt, a.Name, a.Summary, a.Icon, a.URL, a.Host, blocklist.Domain(a.Host), level,
			a.Inbox, a.SharedInbox, a.Mailbox(),
			a.MailHost(), a.FollowersURL, a.MovedTo, a.AlsoKnownAs, a.FetchedAt, refreshAt(a))
		if err != nil {
			return fmt.Errorf("save actor %s: %w", a.ID, err)
		}
		if err := s.saveDomain(ctx, blocklist.Domain(a.Host)); err != nil {
			return err
		}
		return s.saveKeys(ctx, a)
	})
}

// markActor marks what shows an actor, if pages will show it in another way than before.
func (s *Store) markActor(ctx context.Context, a blog.Actor, level blog.BlockLevel) error {
	was, err := s.Actor(ctx, a.ID)
	switch {
	// Nothing shows an actor of whom nothing was saved before.
	case errors.Is(err, blog.ErrNotFound):
		return nil
	case err != nil:
		return err
	case was.Block != level: // its comments and reactions may not be shown or counted any more
		s.markChanged()
	case was.Name != a.Name || was.Handle != a.Handle || was.URL != a.URL || was.Icon != a.Icon || was.Type != a.Type ||
		was.GoneAt != nil:
		s.mark(changes.Actor(a.ID))
	}
	return nil
}

func (s *Store) saveKeys(ctx context.Context, a blog.Actor) error {
	if err := s.run(ctx, `DELETE FROM actor_keys WHERE actor_id = ?`, a.ID); err != nil {
		return err
	}
	for _, k := range a.Keys {
		// A document may list the same key twice.
		if err := s.run(ctx, `INSERT INTO actor_keys (actor_id, key_id, pem) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, a.ID,
			k.KeyID, k.PEM); err != nil {
			return err
		}
	}
	return nil
}

// Actor returns a remote actor by id, without its keys. It also returns actors that are gone (GoneAt).
func (s *Store) Actor(ctx context.Context, id string) (blog.Actor, error) {
	var a blog.Actor
	err := s.one(ctx, &a, `SELECT `+actorColumns+` FROM actors p WHERE p.id = ?`, id)
	noteActor(ctx, id, err == nil)
	return a, err
}

// KnowsActor reports whether an actor was ever saved. It must be cheap: servers send the deletion of an account to
// everybody, and we never met most of those actors.
func (s *Store) KnowsActor(ctx context.Context, id string) (bool, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM actors WHERE id = ?`, id)
	return n > 0, err
}

// ActorByHandle returns a remote actor by a handle such as "bram@veerhuis.example".
func (s *Store) ActorByHandle(ctx context.Context, handle string) (blog.Actor, error) {
	var a blog.Actor
	err := s.one(ctx, &a, `SELECT `+actorColumns+
		` FROM actors p WHERE lower(p.handle) = lower(?) AND p.gone_at IS NULL`, handle)
	return a, err
}

// ActorByProfile returns a remote actor by its id or by the URL of its profile page.
func (s *Store) ActorByProfile(ctx context.Context, address string) (blog.Actor, error) {
	var a blog.Actor
	// Any actor can name any page as its profile. So an actor with this id comes first.
	err := s.one(ctx, &a, `SELECT `+actorColumns+
		` FROM actors p WHERE p.id = ? OR p.url = ? AND p.gone_at IS NULL ORDER BY p.id = ? DESC, p.id LIMIT 1`,
		address, address, address)
	return a, err
}

// Actors returns remote actors by id, without their keys.
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
	for _, id := range ids {
		_, known := found[id]
		noteActor(ctx, id, known)
	}
	return found, err
}

// noteActor notes that a page shows an actor.
func noteActor(ctx context.Context, id string, known bool) {
	changes.Note(ctx, changes.Actor(id))
	// A new actor marks nothing by itself, but the activity with which it comes does.
	if !known && id != "" {
		changes.Note(ctx, changes.Anything)
	}
}

// KeyOwner returns the actor that lists a key id. It returns blog.ErrNotFound when there is none. Actors that are
// gone have no keys.
func (s *Store) KeyOwner(ctx context.Context, keyID string) (blog.ActorKey, error) {
	var k blog.ActorKey
	// Any server can list the key id of an actor on another server. So the actor whose id is the beginning of the key id
	// comes first.
	err := s.one(ctx, &k, `
		SELECT k.actor_id, k.key_id, k.pem FROM actor_keys k JOIN actors p ON p.id = k.actor_id
		WHERE k.key_id = ? AND p.gone_at IS NULL
		ORDER BY CASE WHEN substr(k.key_id, 1, length(k.actor_id)) = k.actor_id THEN length(k.actor_id) ELSE 0 END DESC
		LIMIT 1`, keyID)
	return k, err
}

// RemoveActor erases a deleted remote actor: its follows, reactions and texts. The id stays and is marked as gone. Its
// keys stay, to tell a late activity from somebody who has the address anew (NewOwner).
func (s *Store) RemoveActor(ctx context.Context, id string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Actor(id), changes.Comments)
		for _, statement := range []string{
			`DELETE FROM mentions WHERE actor_id = ?`,
			`DELETE FROM comment_revisions WHERE comment_id IN (SELECT id FROM comments WHERE actor_id = ?)`,
		} {
			if err := s.run(ctx, statement, id); err != nil {
				return fmt.Errorf("remove actor %s: %w", id, err)
			}
		}
		for _, statement := range []string{
			`DELETE FROM followers WHERE actor_id = ?`,
			`DELETE FROM following WHERE actor_id = ?`,
		} {
			if err := ignoreMissing(s.changeFollows(ctx, statement, id)); err != nil {
				return fmt.Errorf("remove actor %s: %w", id, err)
			}
		}
		// Comments stay as empty rows, since answers hang on them.
		for _, statement := range []string{
			`DELETE FROM reactions WHERE actor_id = ?`,
			`DELETE FROM authorizations WHERE kind <> 'feature' AND actor_id = ?`,
			`UPDATE comments SET state = 'removed', strayed = FALSE, html = '', plain = '', warning = '' WHERE actor_id = ?`,
		} {
			var articles []blog.ID
			if err := s.all(ctx, &articles, statement+` RETURNING article_id`, id); err != nil {
				return fmt.Errorf("remove actor %s: %w", id, err)
			}
			for _, article := range articles {
				s.mark(changes.Article(article))
			}
		}
		if err := s.removeFeaturesOf(ctx, id); err != nil {
			return fmt.Errorf("remove actor %s: %w", id, err)
		}
		// The row stays, so that a late activity is recognised as one of a deleted actor.
		return s.run(ctx, `UPDATE actors SET gone_at = ?, confirm_at = NULL, name = '', summary = '', icon = '' WHERE id = ?`,
			now, id)
	})
}

// ActorKeys lists the public keys of an actor.
func (s *Store) ActorKeys(ctx context.Context, actor string) ([]blog.ActorKey, error) {
	var list []blog.ActorKey
	err := s.all(ctx, &list, `SELECT actor_id, key_id, pem FROM actor_keys WHERE actor_id = ? ORDER BY key_id`,
		actor)
	return list, err
}

// NewOwner saves that the address of an actor may belong to a new owner. The new owner is not gone, follows nobody here
// and cannot change the earlier posts.
func (s *Store) NewOwner(ctx context.Context, actor, mark string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Actor(actor))
		err := ignoreMissing(s.changeFollows(ctx, `DELETE FROM followers WHERE actor_id = ?`, actor))
		if err != nil {
			return err
		}
		// Posts keep the mark of their writer. An edit or a deletion is accepted only with the same mark.
		return s.execOne(ctx, `UPDATE actors SET key_mark = ?, gone_at = NULL, confirm_at = NULL WHERE id = ?`, mark, actor)
	})
}
