package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// updateDelay is how long the Update of a profile waits, so that several changes are sent as one (contract F-021).
const updateDelay = 5 * time.Minute

// SaveProfile saves a changed profile. The servers of the followers get one Update within five minutes, with all
// changes until then.
func (o *Outbox) SaveProfile(ctx context.Context, voice blog.Voice) error {
	voice.UpdatedAt = o.Now()
	err := o.changeProfile(ctx, voice.ID, func(s *store.Store) error {
		if err := s.SaveVoice(ctx, voice); err != nil {
			return err
		}
		// An author may have decided who may feature them.
		return o.renewAuthors(ctx, s)
	})
	if err != nil {
		return fmt.Errorf("save the profile of %s: %w", voice.Handle, err)
	}
	return nil
}

// changeProfile changes what other servers see of a voice, and plans the Update, in one transaction.
func (o *Outbox) changeProfile(ctx context.Context, voice blog.ID, change func(*store.Store) error) error {
	return o.Store.InTx(ctx, func(s *store.Store) error {
		if err := change(s); err != nil {
			return err
		}
		return s.IntroduceBy(ctx, voice, o.Now().Add(updateDelay))
	})
}

// Rename gives a voice another handle. Its id, inbox and keys stay. The old handle redirects to the new one for ever
// and stays taken. It returns blog.Invalid, also for a handle that somebody else has or had.
func (o *Outbox) Rename(ctx context.Context, voice blog.Voice, handle string) error {
	if err := blog.ValidHandle(handle); err != nil {
		return err
	}
	if handle == voice.Handle {
		return blog.Invalid{Field: "handle", Problem: "is that already: choose another one"}
	}
	err := o.changeProfile(ctx, voice.ID, func(s *store.Store) error {
		return s.RenameVoice(ctx, voice.ID, handle,
			o.Now())
	})
	if errors.Is(err, blog.ErrConflict) {
		return blog.Invalid{Field: "handle",
			Problem: fmt.Sprintf("“%s” belongs to somebody, or did before: choose another one", handle)}
	}
	if err != nil {
		return fmt.Errorf("rename %s: %w", voice.Handle, err)
	}
	return nil
}

// SendDueProfiles adds the Updates of profiles that are due. They go to the followers of that moment.
func (o *Outbox) SendDueProfiles(ctx context.Context) error {
	due, err := o.Store.DueIntroductions(ctx, o.Now())
	if err != nil {
		return err
	}
	var errs []error // each profile is a transaction of its own: one that fails does not hold up the others
	for _, id := range due {
		err := o.Store.InTx(ctx, func(s *store.Store) error {
			// First, since it locks out other processes: only one of them finds the Update due.
			if err := s.Introduced(ctx, id, o.Now()); err != nil {
				return err
			}
			voice, err := s.Voice(ctx, id)
			if err != nil || voice.RetiredAt != nil {
				return err
			}
			if _, err = o.queueProfile(ctx, s, voice); err != nil {
				return err
			}
			return o.queueAuthorsUpdate(ctx, s, voice)
		})
		if !errors.Is(err, blog.ErrNotFound) { // another process sent it
			errs = append(errs, err)
		}
	}
	if len(due) > 0 {
		o.Wake()
	}
	return errors.Join(errs...)
}

// queueProfile adds the Update of a profile and its deliveries to the followers.
func (o *Outbox) queueProfile(ctx context.Context, s *store.Store, voice blog.Voice) (blog.Activity, error) {
	person, err := o.Profile(ctx, s, voice)
	if err != nil {
		return blog.Activity{}, err
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Update"}, func(e activity.Envelope) ([]byte, error) {
		return activity.WrapUpdate(e, person)
	})
	if err != nil {
		return act, err
	}
	// Older Updates of the profile that still wait are settled: this one contains their changes. So are those of the
	// collection of the authors, which the caller sends again.
	if err := s.SupersedeProfile(ctx, act); err != nil {
		return act, err
	}
	return act, s.FanOutToFollowers(ctx, act)
}
