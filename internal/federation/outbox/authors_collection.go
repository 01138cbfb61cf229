package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// FeatureAuthors switches the collection of the authors on or off, which the voice of the blog publishes (FEP-7aa9).
// Its followers get the Add or the Remove. It returns blog.ErrNotFound when the blog has no voice that can be followed.
func (o *Outbox) FeatureAuthors(ctx context.Context, on bool) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		voice, err := s.LockSiteVoice(ctx)
		switch {
		case err != nil:
			return err
		case on && !voice.Followable():
			return blog.ErrNotFound
		case on == (voice.FeaturesSince != nil):
			return nil
		}
		voice.FeaturesSince, voice.UpdatedAt = nil, o.Now()
		if on {
			voice.FeaturesSince = &voice.UpdatedAt
		}
		if err := s.SetFeaturesSince(ctx, voice.ID, voice.FeaturesSince, voice.UpdatedAt); err != nil {
			return err
		}
		list, err := o.listAuthors(ctx, s, voice, false)
		if err != nil {
			return err
		}
		if on {
			return o.queueAuthorsAdd(ctx, s, voice, list)
		}
		return o.queueAuthorsRemove(ctx, s, voice)
	})
	if err != nil {
		return fmt.Errorf("feature the authors: %w", err)
	}
	o.Wake()
	return nil
}

// queueAuthorsAdd announces the collection. The profile goes first, and at once: Mastodon takes an Add only to the list
// that the profile names.
func (o *Outbox) queueAuthorsAdd(ctx context.Context, s *store.Store, voice blog.Voice,
	list []blog.Authorization) error {
	if _, err := o.queueProfile(ctx, s, voice); err != nil {
		return err
	}
	collection := activity.AuthorsCollection{Site: o.Site, Voice: voice, Members: list}
	return o.queueAuthors(ctx, s, voice, "Add", func(e activity.Envelope) ([]byte, error) {
		return activity.WrapAddTo(e, collection.Document(), o.Site.Collections(voice.ID))
	})
}

// queueAuthorsRemove announces that the collection is gone. The profile follows, for the same reason.
func (o *Outbox) queueAuthorsRemove(ctx context.Context, s *store.Store, voice blog.Voice) error {
	err := o.queueAuthors(ctx, s, voice, "Remove", func(e activity.Envelope) ([]byte, error) {
		return activity.WrapRemoveFrom(e, o.Site.AuthorsCollection(voice.ID), o.Site.Collections(voice.ID))
	})
	if err != nil {
		return err
	}
	return s.IntroduceBy(ctx, voice.ID, o.Now().Add(updateDelay))
}

// RenewAuthors brings the collection of the authors up to date: with those who joined, left, or changed their mind.
func (o *Outbox) RenewAuthors(ctx context.Context) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error { return o.renewAuthors(ctx, s) })
	if err != nil {
		return fmt.Errorf("renew the collection of the authors: %w", err)
	}
	o.Wake()
	return nil
}

func (o *Outbox) renewAuthors(ctx context.Context, s *store.Store) error {
	voice, err := s.LockSiteVoice(ctx)
	if errors.Is(err, blog.ErrNotFound) || err == nil && !voice.FeaturesAuthors() {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = o.listAuthors(ctx, s, voice, true)
	return err
}

// listAuthors asks new authors by their own policy, and returns the permissions of those who are in the collection now.
// With announce, followers get what changed. It writes nothing when nothing changed.
func (o *Outbox) listAuthors(ctx context.Context, s *store.Store, voice blog.Voice,
	announce bool) ([]blog.Authorization, error) {
	known, err := s.FeaturesIn(ctx, o.Site.AuthorsCollection(voice.ID))
	if err != nil {
		return nil, err
	}
	wanted, err := o.wantedAuthors(ctx, s, voice, known)
	if err != nil {
		return nil, err
	}
	// Those who leave go first, so that no server ever sees more than blog.MostFeatured.
	for _, t := range known {
		if slices.ContainsFunc(wanted, ofAuthor(t.VoiceID)) {
			continue
		}
		if err := o.dropAuthor(ctx, s, voice, t, announce); err != nil {
			return nil, err
		}
		// What an author decided stays, also while the collection is switched off.
		if t.State == blog.AuthorizationAsked || t.State == blog.AuthorizationGiven {
			if err := s.RemoveFeature(ctx, t); err != nil {
				return nil, err
			}
		}
	}
	var list []blog.Authorization
	for _, t := range wanted {
		if t.State == blog.AuthorizationGiven {
			if t, err = o.addAuthor(ctx, s, voice, t, announce); err != nil {
				return nil, err
			}
			list = append(list, t)
		} else if !slices.ContainsFunc(known, ofAuthor(t.VoiceID)) {
			if err := s.SaveAuthorization(ctx, t); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// ofAuthor returns whether an authorization is that of an author.
func ofAuthor(author blog.ID) func(blog.Authorization) bool {
	return func(t blog.Authorization) bool { return t.VoiceID == author }
}

// wantedAuthors returns the permissions of the authors who belong into the collection, or are to be asked: the first
// blog.MostFeatured who joined and allow it. Those of authors who were not asked before are new.
func (o *Outbox) wantedAuthors(ctx context.Context, s *store.Store, voice blog.Voice,
	known []blog.Authorization) ([]blog.Authorization, error) {
	if !voice.FeaturesAuthors() {
		return nil, nil
	}
	authors, err := s.Authors(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(authors, func(a, b blog.Author) int { return a.CreatedAt.Compare(b.CreatedAt) })
	var wanted []blog.Authorization
	given := 0
	for _, a := range authors {
		if a.DisabledAt != nil || !a.Followable() || given == blog.MostFeatured {
			continue
		}
		t := o.newFeature(voice, a.Voice)
		if at := slices.IndexFunc(known, ofAuthor(a.ID)); at >= 0 {
			t = known[at]
		}
		if t.State == blog.AuthorizationGiven {
			given++
		}
		if t.State == blog.AuthorizationGiven || t.State == blog.AuthorizationAsked {
			wanted = append(wanted, t)
		}
	}
	return wanted, nil
}

// newFeature returns the permission of an author as their policy says, before it is saved. It is refused where a
// request of others would be.
func (o *Outbox) newFeature(voice, author blog.Voice) blog.Authorization {
	t := blog.Authorization{ID: blog.NewID(o.Now()), Kind: blog.FeatureAuthorization, VoiceID: author.ID,
		Target: o.Site.ActorID(author.ID), Instrument: o.Site.AuthorsCollection(voice.ID),
		State: blog.AuthorizationRefused, At: o.Now()}
	switch author.MayFeature() {
	case blog.FeatureEveryone:
		t.State = blog.AuthorizationGiven
	case blog.FeatureAsk:
		t.State = blog.AuthorizationAsked
	}
	return t
}

// addAuthor puts an author into the collection who is not in it yet, and announces that.
func (o *Outbox) addAuthor(ctx context.Context, s *store.Store, voice blog.Voice, t blog.Authorization,
	announce bool) (blog.Authorization, error) {
	if t.Item != "" {
		return t, nil
	}
	t.Item = o.Site.AuthorsItem(voice.ID, t.ID)
	if err := s.SaveAuthorization(ctx, t); err != nil || !announce {
		return t, err
	}
	item := activity.AuthorsCollection{Site: o.Site, Voice: voice}.Item(t)
	return t, o.queueAuthors(ctx, s, voice, "Add", func(e activity.Envelope) ([]byte, error) {
		return activity.WrapAddTo(e, item, t.Instrument)
	})
}

// dropAuthor takes an author out of the collection, and announces that. The permission stays.
func (o *Outbox) dropAuthor(ctx context.Context, s *store.Store, voice blog.Voice, t blog.Authorization,
	announce bool) error {
	item := t.Item
	if item == "" {
		return nil
	}
	t.Item = ""
	if err := s.SaveAuthorization(ctx, t); err != nil || !announce {
		return err
	}
	return o.queueAuthors(ctx, s, voice, "Remove", func(e activity.Envelope) ([]byte, error) {
		return activity.WrapRemoveFrom(e, item, t.Instrument)
	})
}

// forgetAuthor takes an author who is deleted out of the collection.
func (o *Outbox) forgetAuthor(ctx context.Context, s *store.Store, author blog.ID) error {
	voice, err := s.LockSiteVoice(ctx)
	if errors.Is(err, blog.ErrNotFound) || err == nil && !voice.FeaturesAuthors() {
		return nil
	}
	if err != nil {
		return err
	}
	t, err := s.AuthorizationFor(ctx, blog.FeatureAuthorization, o.Site.AuthorsCollection(voice.ID), author)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	return o.dropAuthor(ctx, s, voice, t, true)
}

// queueAuthorsUpdate sends the collection of the authors again, if there is one: it has the name and the text of the
// blog.
func (o *Outbox) queueAuthorsUpdate(ctx context.Context, s *store.Store, voice blog.Voice) error {
	if !voice.FeaturesAuthors() {
		return nil
	}
	list, err := o.listAuthors(ctx, s, voice, true)
	if err != nil {
		return err
	}
	collection := activity.AuthorsCollection{Site: o.Site, Voice: voice, Members: list}
	return o.queueAuthors(ctx, s, voice, "Update", func(e activity.Envelope) ([]byte, error) {
		return activity.WrapUpdateOf(e, collection.Document())
	})
}

// queueAuthors adds an activity about the collection of the authors, for the followers of the blog.
func (o *Outbox) queueAuthors(ctx context.Context, s *store.Store, voice blog.Voice, kind string,
	wrap func(activity.Envelope) ([]byte, error)) error {
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: kind}, wrap)
	if err != nil {
		return err
	}
	return s.FanOutToFollowers(ctx, act)
}
