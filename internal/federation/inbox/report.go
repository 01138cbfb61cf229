package inbox

import (
	"context"
	"errors"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
)

const (
	mostReported = 50   // addresses that are kept of one report
	addressSize  = 2000 // bytes of each
)

// flag saves a report for the moderators, if it is about something on this blog.
func (h *handling) flag(ctx context.Context, what activity.Flag) error {
	reporter, err := h.knownActor(ctx, h.act.Actor)
	if err != nil {
		return err
	}
	var about blog.Strings
	for _, address := range what.Objects {
		concerns, err := h.concerns(ctx, address, reporter)
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
	// A server reports for its users by an actor of its own, so the limit counts reports of the server.
	added, err := h.tx.AddReport(ctx, blog.Report{ID: blog.NewID(h.Now()), ActorID: reporter.ID, Host: reporter.Host,
		About: about, Words: what.Content, State: blog.ReportOpen, At: h.Now()})
	if err == nil && !added {
		h.Log.Warn("a report was dropped: its server has too many open ones")
	}
	return err
}

// concerns reports whether an address is that of something here: a voice, an article, a comment, or an actor whom we
// know.
func (h *handling) concerns(ctx context.Context, address string, reporter blog.Actor) (bool, error) {
	if len(address) > addressSize {
		return false, nil
	}
	_, err := h.VoiceOf(ctx, h.tx, address)
	if errors.Is(err, blog.ErrNotFound) {
		_, _, err = h.ResolveTarget(ctx, h.tx, address)
	}
	// The reporter is known by now, so an address of the reporter would always count.
	if errors.Is(err, blog.ErrNotFound) && address != reporter.ID {
		_, err = h.tx.Actor(ctx, address)
	}
	return err == nil, federation.IgnoreMissing(err)
}
