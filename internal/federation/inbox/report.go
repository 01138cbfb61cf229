package inbox

import (
	"context"
	"errors"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

const (
	mostReported = 50   // addresses that are kept of one report
	addressSize  = 2000 // bytes of each
)

// flag keeps a report for the moderators, if it is about something on this blog.
func (in *Inbox) flag(ctx context.Context, s *store.Store, act activity.Activity, what activity.Flag) error {
	reporter, err := in.knownActor(ctx, s, act.Actor)
	if err != nil {
		return err
	}
	var about blog.Strings
	for _, address := range what.Objects {
		concerns, err := in.concerns(ctx, s, address, reporter)
		if err != nil {
			return err
		}
		if concerns && len(about) < mostReported {
			about = append(about, address)
		}
	}
	if len(about) == 0 {
		return nil
	}
	taken, err := s.AddComplaint(ctx, blog.Report{ID: blog.NewID(in.Now()), ActorID: reporter.ID, Host: reporter.Host,
		About: about,
		Words: what.Content, State: blog.ComplaintOpen, At: in.Now()})
	if err == nil && !taken {
		in.Log.Warn("a report was dropped: its server has too many open ones")
	}
	return err
}

// concerns reports whether an address is that of something here: an author, an article, a comment, or an actor whom we
// know.
func (in *Inbox) concerns(ctx context.Context, s *store.Store, address string, reporter blog.Actor) (bool, error) {
	if len(address) > addressSize {
		return false, nil
	}
	_, err := in.VoiceOf(ctx, s, address)
	if errors.Is(err, blog.ErrNotFound) {
		_, _, err = in.ResolveTarget(ctx, s, address)
	}
	if errors.Is(err, blog.ErrNotFound) && address != reporter.ID {
		_, err = s.Actor(ctx, address)
	}
	return err == nil, federation.IgnoreMissing(err)
}
