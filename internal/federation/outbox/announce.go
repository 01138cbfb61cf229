package outbox

import (
	"context"
	"errors"
	"slices"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// carryOn lets the voices that carry an article to followers of their own say so, since on the wire it has one author
// (contract F-042). Each announces it once, when it begins to be theirs to carry, and takes that back when it ends to
// be; before is the article as it was, the zero one at its publication. A withdrawal needs no word of theirs: the
// Delete goes to whoever heard of it from them.
func (o *Outbox) carryOn(ctx context.Context, s *store.Store, before, after blog.Article) error {
	had, err := o.carriers(ctx, s, before)
	if err != nil {
		return err
	}
	have, err := o.carriers(ctx, s, after)
	if err != nil {
		return err
	}
	for _, voice := range have {
		if voice.SilentAt == nil && !containsVoice(had, voice) {
			err = errors.Join(err, o.queueAnnounce(ctx, s, voice, after))
		}
	}
	for _, voice := range had {
		if !containsVoice(have, voice) {
			err = errors.Join(err, o.takeAnnounceBack(ctx, s, voice, after))
		}
	}
	return err
}

func containsVoice(voices []blog.Voice, v blog.Voice) bool {
	return slices.ContainsFunc(voices, func(other blog.Voice) bool { return other.ID == v.ID })
}

// carriers are the voices other than its owner's that an article concerns: of those who wrote it too, and, while
// everybody may read it, of its series and of the blog as a whole.
func (o *Outbox) carriers(ctx context.Context, s *store.Store, a blog.Article) ([]blog.Voice, error) {
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
		if by.VoiceID != "" {
			if err := add(s.Voice(ctx, by.VoiceID)); err != nil {
				return nil, err
			}
		}
	}
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
	said, err := o.compose(ctx, s, voice, "Announce", a.ObjectID, a.Revision, func(e activity.Envelope) ([]byte, error) {
		return activity.WrapAnnounce(e, o.Site.ArticleID(a.ObjectID), o.Site.ActorID(a.VoiceID))
	})
	if err != nil {
		return err
	}
	return s.TellFollowers(ctx, said)
}

// takeAnnounceBack undoes what a voice said of an article, before all who may have heard it.
func (o *Outbox) takeAnnounceBack(ctx context.Context, s *store.Store, voice blog.Voice, a blog.Article) error {
	announced, err := s.Announcement(ctx, voice.ID, a.ObjectID)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	said, err := o.compose(ctx, s, voice, "Undo", a.ObjectID, a.Revision, func(e activity.Envelope) ([]byte, error) {
		return activity.WrapUndo(e, announced.Payload)
	})
	if err != nil {
		return err
	}
	return errors.Join(s.TellOutboxReaders(ctx, said, announced.ID), s.TellFollowers(ctx, said))
}
