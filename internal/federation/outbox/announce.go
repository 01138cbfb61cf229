package outbox

import (
	"context"
	"fmt"
	"slices"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// queueAnnounces adds the Announces and Undos of the co-authors, the series and the blog. An article has one author
// on the wire (contract F-042), so these voices share it with their own followers. before is the article before the
// change, the zero Article at publication.
func (o *Outbox) queueAnnounces(ctx context.Context, s *store.Store, before, after blog.Article) error {
	had, err := o.announcers(ctx, s, before)
	if err != nil {
		return err
	}
	have, err := o.announcers(ctx, s, after)
	if err != nil {
		return err
	}
	// An edit is not announced again: a second Announce would show the article twice in a timeline.
	for _, voice := range have {
		if voice.SilentAt == nil && !containsVoice(had, voice) {
			if err := o.queueAnnounce(ctx, s, voice, after); err != nil {
				return err
			}
		}
	}
	// A withdrawal does not come here. It needs no Undo: its Delete goes to every server that got an Announce.
	for _, voice := range had {
		if !containsVoice(have, voice) {
			if err := o.queueUndoAnnounce(ctx, s, voice, after); err != nil {
				return err
			}
		}
	}
	return nil
}

// AgreeToByline is the yes of a co-author whom somebody else named: from now on the article is announced in their name.
// It returns blog.ErrNotFound when nobody asked.
func (o *Outbox) AgreeToByline(ctx context.Context, article, voice blog.ID) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		before, err := s.LockArticle(ctx, article)
		if err != nil {
			return err
		}
		if err := s.AgreeToByline(ctx, article, voice); err != nil {
			return err
		}
		hold, err := o.currentHold(ctx, s, article)
		// What is held is announced at the end of the hold, with the answers that are there by then.
		if err != nil || hold != nil || before.Status != blog.Published {
			return err
		}
		after, err := s.Article(ctx, article)
		if err != nil {
			return err
		}
		return o.queueAnnounces(ctx, s, before, after)
	})
	if err != nil {
		return fmt.Errorf("agree to the by-line of %s: %w", article, err)
	}
	o.Wake()
	return nil
}

// DeclineByline is the no of a co-author whom somebody else named in a published article: the name is taken out, and
// servers that have the article are told without a notice. It returns blog.ErrNotFound when nobody asked.
func (o *Outbox) DeclineByline(ctx context.Context, article, voice blog.ID) error {
	a, err := o.Store.Article(ctx, article)
	if err != nil {
		return err
	}
	named := len(a.Authors)
	a.Authors = slices.DeleteFunc(a.Authors, func(by blog.Byline) bool { return by.VoiceID == voice && by.Asked })
	if len(a.Authors) == named {
		return blog.ErrNotFound
	}
	return o.ReviseWith(ctx, &a, ReviseOptions{Quiet: true})
}

func containsVoice(voices []blog.Voice, v blog.Voice) bool {
	return slices.ContainsFunc(voices, func(other blog.Voice) bool { return other.ID == v.ID })
}

// announcers returns the voices that announce an article: its co-authors and, while it is public, its series and the
// blog as a whole. Its owner is not among them.
func (o *Outbox) announcers(ctx context.Context, s *store.Store, a blog.Article) ([]blog.Voice, error) {
	// A boost would show a followers-only article to people who do not follow its owner.
	if a.ObjectID == "" || a.Visibility == blog.Followers {
		return nil, nil
	}
	var voices []blog.Voice
	add := func(v blog.Voice, err error) error {
		if err == nil && v.RetiredAt == nil && v.ID != a.VoiceID && !containsVoice(voices, v) {
			voices = append(voices, v)
		}
		return federation.IgnoreMissing(err)
	}
	for _, by := range a.Authors {
		if by.VoiceID != "" && !by.Asked {
			if err := add(s.Voice(ctx, by.VoiceID)); err != nil {
				return nil, err
			}
		}
	}
	// An unlisted article stays out of the public timelines, so only its own authors announce it.
	if a.Visibility != blog.Public {
		return voices, nil
	}
	if a.SeriesID != "" {
		if err := add(s.SeriesVoice(ctx, a.SeriesID)); err != nil {
			return nil, err
		}
	}
	return voices, add(s.SiteVoice(ctx))
}

func (o *Outbox) queueAnnounce(ctx context.Context, s *store.Store, voice blog.Voice, a blog.Article) error {
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Announce", object: a.ObjectID, revision: a.Revision},
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapAnnounce(e, o.Site.ArticleID(a.ObjectID), o.Site.ActorID(a.VoiceID))
		})
	if err != nil {
		return err
	}
	return s.FanOutToFollowers(ctx, act)
}

// queueUndoAnnounce adds the Undo of an Announce, for every server that may have got it.
func (o *Outbox) queueUndoAnnounce(ctx context.Context, s *store.Store, voice blog.Voice, a blog.Article) error {
	announced, err := s.Announcement(ctx, voice.ID, a.ObjectID)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Undo", object: a.ObjectID, revision: a.Revision},
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapUndo(e, announced.Payload)
		})
	if err != nil {
		return err
	}
	// A server whose people no longer follow this voice may still show the Announce.
	if err := s.FanOutToRecipientsOf(ctx, act, announced.ID); err != nil {
		return err
	}
	return s.FanOutToFollowers(ctx, act)
}
