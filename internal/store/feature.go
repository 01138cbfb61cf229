package store

import (
	"context"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

const collectionColumns = `c.address, c.actor_id, c.name, c.topic, c.url, c.check_at`

// SaveFeaturedCollection saves what is known of a collection that features an author or asks to. Its owner never
// changes.
func (s *Store) SaveFeaturedCollection(ctx context.Context, c blog.FeaturedCollection) error {
	return s.run(ctx, `
		INSERT INTO featured_collections (address, actor_id, name, topic, url, check_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (address) DO UPDATE SET name = excluded.name, topic = excluded.topic, url = excluded.url, check_at =
		excluded.check_at`, c.Address, c.ActorID, c.Name, c.Topic, c.URL, c.CheckAt)
}

// FeaturedCollection returns a collection that features an author or asks to.
func (s *Store) FeaturedCollection(ctx context.Context, address string) (blog.FeaturedCollection, error) {
	var c blog.FeaturedCollection
	err := s.one(ctx, &c, `SELECT `+collectionColumns+` FROM featured_collections c WHERE c.address = ?`, address)
	return c, err
}

// DueFeaturedCollections lists at most limit collections that are due to be fetched again, longest due first.
func (s *Store) DueFeaturedCollections(ctx context.Context, now time.Time,
	limit int) ([]blog.FeaturedCollection, error) {
	var list []blog.FeaturedCollection
	err := s.all(ctx, &list, `SELECT `+collectionColumns+
		` FROM featured_collections c WHERE c.check_at <= ? ORDER BY c.check_at LIMIT ?`, now, limit)
	return list, err
}

// FeaturesIn lists the authorizations of a collection, in any state.
func (s *Store) FeaturesIn(ctx context.Context, collection string) ([]blog.Authorization, error) {
	var list []blog.Authorization
	err := s.all(ctx, &list, `SELECT `+authorizationColumns+
		` FROM authorizations t WHERE t.instrument = ? AND t.kind = 'feature' ORDER BY t.id`, collection)
	return list, err
}

// Feature returns the authorization of a collection that features an author, by its id.
func (s *Store) Feature(ctx context.Context, voice, id blog.ID) (blog.Authorization, error) {
	var t blog.Authorization
	err := s.one(ctx, &t, `SELECT `+authorizationColumns+
		` FROM authorizations t WHERE t.id = ? AND t.kind = 'feature' AND t.voice_id = ?`, id, voice)
	return t, err
}

// MostFeatures is how many collections Features lists.
const MostFeatures = 500

// Features lists the collections that feature an author, in one state, newest first; at most MostFeatures.
func (s *Store) Features(ctx context.Context, voice blog.ID, state blog.AuthorizationState) ([]blog.Feature, error) {
	var list []blog.Feature
	err := s.all(ctx, &list, `SELECT `+authorizationColumns+` FROM authorizations t
		WHERE t.kind = 'feature' AND t.voice_id = ? AND t.state = ? ORDER BY t.at DESC, t.id DESC LIMIT ?`, voice, state,
		MostFeatures)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	addresses, owners := make([]string, len(list)), make([]string, len(list))
	for i, f := range list {
		addresses[i], owners[i] = f.Instrument, f.ActorID
	}
	var collections []blog.FeaturedCollection
	if err := s.all(ctx, &collections, `SELECT `+collectionColumns+
		` FROM featured_collections c WHERE c.address IN (?)`, addresses); err != nil {
		return nil, err
	}
	actors, err := s.Actors(ctx, owners)
	if err != nil {
		return nil, err
	}
	byAddress := map[string]blog.FeaturedCollection{}
	for _, c := range collections {
		byAddress[c.Address] = c
	}
	for i := range list {
		list[i].Collection, list[i].Owner = byAddress[list[i].Instrument], actors[list[i].ActorID]
	}
	return list, nil
}

// CountFeaturesAsked counts the collections that wait for an author's decision.
func (s *Store) CountFeaturesAsked(ctx context.Context, voice blog.ID) (int, error) {
	var n int
	err := s.one(ctx, &n, `
		SELECT count(*) FROM authorizations WHERE kind = 'feature' AND voice_id = ? AND state = 'asked'`, voice)
	return n, err
}

// FeatureCounts are the collections of one registrable domain that have, had or ask for a permission of an author.
type FeatureCounts struct{ All, Asked int }

// CountFeatures counts the collections of a registrable domain for an author.
func (s *Store) CountFeatures(ctx context.Context, voice blog.ID, domain string) (FeatureCounts, error) {
	var n FeatureCounts
	err := s.one(ctx, &n, `
		SELECT count(*) AS "all", COALESCE(sum(CASE WHEN state = 'asked' THEN 1 ELSE 0 END), 0) AS asked
		FROM authorizations WHERE kind = 'feature' AND voice_id = ? AND domain = ?`, voice, domain)
	return n, err
}

// OldFeatureRequests lists at most limit requests of others that wait since before a time, oldest first.
func (s *Store) OldFeatureRequests(ctx context.Context, before time.Time, limit int) ([]blog.Authorization, error) {
	var list []blog.Authorization
	err := s.all(ctx, &list, `SELECT `+authorizationColumns+` FROM authorizations t
		WHERE t.kind = 'feature' AND t.state = 'asked' AND t.actor_id IS NOT NULL AND t.at < ? ORDER BY t.at LIMIT ?`,
		before, limit)
	return list, err
}

// RemoveFeature deletes the authorization of a collection, and the collection when no author has to do with it any
// more.
func (s *Store) RemoveFeature(ctx context.Context, t blog.Authorization) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markAuthorization(t)
		if err := s.run(ctx, `DELETE FROM authorizations WHERE id = ?`, t.ID); err != nil {
			return err
		}
		return s.run(ctx, `DELETE FROM featured_collections WHERE address = ? AND NOT EXISTS (
			SELECT 1 FROM authorizations t WHERE t.instrument = featured_collections.address AND t.kind = 'feature')`,
			t.Instrument)
	})
}

// RemoveFeaturedCollection deletes a collection with the authorizations that it has.
func (s *Store) RemoveFeaturedCollection(ctx context.Context, address string) error {
	return s.InTx(ctx, func(s *Store) error {
		if err := s.deleteFeatures(ctx, `instrument = ?`, address); err != nil {
			return err
		}
		return s.run(ctx, `DELETE FROM featured_collections WHERE address = ?`, address)
	})
}

// removeFeaturesOf deletes all collections of an actor.
func (s *Store) removeFeaturesOf(ctx context.Context, actor string) error {
	if err := s.deleteFeatures(ctx, `actor_id = ?`, actor); err != nil {
		return err
	}
	return s.run(ctx, `DELETE FROM featured_collections WHERE actor_id = ?`, actor)
}

// deleteFeatures deletes authorizations of collections, and marks their authors.
func (s *Store) deleteFeatures(ctx context.Context, condition string, args ...any) error {
	var voices []blog.ID
	err := s.all(ctx, &voices, `DELETE FROM authorizations WHERE kind = 'feature' AND `+condition+` RETURNING voice_id`,
		args...)
	for _, voice := range voices {
		s.mark(changes.Voice(voice))
	}
	return err
}
