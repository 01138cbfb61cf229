package inbox

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// difference is a list of followers elsewhere that may differ from ours.
type difference struct{ actor, list string }

const (
	mostDifferences = 64 // that wait; of more the next delivery tells again
	compareEvery    = time.Hour
	mostFollowed    = 1000 // of ours in a list that is believed
)

// compareFollowers reads the Collection-Synchronization header of a delivery (FEP-8fcf). The header is trusted when the
// signature covers it and it is about the sender's own followers. It is acted on once an hour at most.
func (in *Inbox) compareFollowers(ctx context.Context, header http.Header, signer string) {
	value := header.Get(activity.SynchronizationHeader)
	if value == "" || !signature.Covers(header, "collection-synchronization") {
		return
	}
	said, ok := activity.ParseSynchronization(value)
	if !ok || !blog.SameOrigin(said.URL, signer) {
		return
	}
	actor, err := in.Store.Actor(ctx, signer)
	if err == nil && (actor.FollowersURL == "" || actor.FollowersURL != said.Collection) {
		return
	}
	var ours []blog.Following
	if err == nil {
		ours, err = in.Store.FollowersHere(ctx, signer)
	}
	if err != nil {
		// The activity itself is saved, and the sender repeats the header with later ones: it need not try again now.
		if !errors.Is(err, blog.ErrNotFound) {
			in.Log.Warn("the followers named by a delivery cannot be compared", "actor", signer, "error", err)
		}
		return
	}
	if activity.FollowersDigest(in.addresses(ours)) == said.Digest || !in.compared.Mark(signer, in.Now()) {
		return
	}
	select {
	case in.differences <- difference{signer, said.URL}:
	default:
	}
}

// addresses returns the actor ids of our voices whose follow was accepted.
func (in *Inbox) addresses(list []blog.Following) []string {
	var ids []string
	for _, f := range list {
		if f.State == blog.Accepted {
			ids = append(ids, in.Site.ActorID(f.VoiceID))
		}
	}
	return ids
}

// settleDifferences brings our follows in line with the lists of others, one list after another.
func (in *Inbox) settleDifferences(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-in.differences:
			if err := federation.Safely(func() error { return in.settleDifference(ctx, d) }); err != nil && ctx.Err() == nil {
				in.Log.Info("a list of followers could not be compared", "actor", d.actor, "error", err)
			}
		}
	}
}

func (in *Inbox) settleDifference(ctx context.Context, d difference) error {
	listed, err := in.listedHere(ctx, d.list)
	if err != nil {
		return err
	}
	said := false
	err = in.Store.InTx(ctx, func(s *store.Store) error {
		actor, err := s.Actor(ctx, d.actor)
		if err != nil {
			return err
		}
		said, err = in.align(ctx, s, actor, listed)
		return err
	})
	if err == nil && said {
		in.outbox.Wake()
	}
	return err
}

// listedHere reads a whole list and returns the followers that are voices of ours.
func (in *Inbox) listedHere(ctx context.Context, at string) ([]string, error) {
	var ours []string
	for pages := 0; at != ""; pages++ {
		if pages == mostPages || len(ours) > mostFollowed {
			return nil, remote.ErrRefused // half a list would end what is well
		}
		page, err := in.FetchListing(ctx, at)
		if err != nil {
			return nil, err
		}
		if page.Foreign {
			return nil, federation.ErrForeign
		}
		for _, id := range page.Items {
			if in.Site.Owns(id) {
				ours = append(ours, id)
			}
		}
		at = cmp.Or(page.First, page.Next)
	}
	return ours, nil
}

// align ends follows that the other side does not have, accepts those whose Accept was lost, and undoes those that only
// the other side has. It reports whether a delivery was added.
func (in *Inbox) align(ctx context.Context, s *store.Store, actor blog.Actor, listed []string) (said bool, err error) {
	ours, err := s.FollowersHere(ctx, actor.ID)
	if err != nil {
		return false, err
	}
	for _, f := range ours {
		id := in.Site.ActorID(f.VoiceID)
		there := slices.Contains(listed, id)
		listed = slices.DeleteFunc(listed, func(other string) bool { return other == id })
		switch {
		case there && f.State == blog.Pending:
			err = s.AcceptFollowing(ctx, actor.ID, f.FollowID, f.VoiceID, in.Now())
		case !there && f.State == blog.Accepted:
			err = s.EndFollowing(ctx, actor.ID, f.FollowID, f.VoiceID)
		}
		if err != nil {
			return said, err
		}
	}
	for _, id := range listed {
		voice, err := in.VoiceOf(ctx, s, id)
		if errors.Is(err, blog.ErrNotFound) || err == nil && voice.RetiredAt != nil {
			continue
		}
		if err == nil {
			err = in.outbox.QueueUndoFollow(ctx, s, voice, actor)
		}
		if err != nil {
			return said, err
		}
		said = true
	}
	return said, nil
}
