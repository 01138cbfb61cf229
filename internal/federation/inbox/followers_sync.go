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

// difference is the follower list of an actor of another server that may differ from ours.
type difference struct{ actor, list string }

const (
	maxDifferences = 64 // waiting lists; a list that finds no room comes again with a later delivery
	compareEvery   = time.Hour
	maxFollowed    = 1000 // our voices in one list; a longer list is not trusted
)

// compareFollowersDigest compares the Collection-Synchronization header of a delivery with our follows (FEP-8fcf). The
// header is trusted when the signature covers it and it is about the sender's own followers. If the digests differ, the
// list is queued for compareFollowerLists, at most once an hour for an actor.
func (in *Inbox) compareFollowersDigest(ctx context.Context, header http.Header, signer string) {
	value := header.Get(activity.SynchronizationHeader)
	if value == "" || !signature.Covers(header, "collection-synchronization") {
		return
	}
	sync, ok := activity.ParseSynchronization(value)
	if !ok || !blog.SameOrigin(sync.URL, signer) {
		return
	}
	actor, err := in.Store.Actor(ctx, signer)
	if err == nil && (actor.FollowersURL == "" || actor.FollowersURL != sync.Collection) {
		return
	}
	var followers []blog.Following
	if err == nil {
		followers, err = in.Store.FollowersHere(ctx, signer)
	}
	if err != nil {
		// This is no error for the sender: the activity is saved, and the header comes again with a later one.
		if !errors.Is(err, blog.ErrNotFound) {
			in.Log.Warn("a list of followers cannot be compared", "actor", signer, "error", err)
		}
		return
	}
	if activity.FollowersDigest(in.addresses(followers)) == sync.Digest || !in.compared.Mark(signer, in.Now()) {
		return
	}
	select {
	case in.differences <- difference{signer, sync.URL}:
	// The queue is full. The same header comes again with a later delivery, which must not find itself too early.
	default:
		in.compared.Unmark(signer)
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

// compareFollowerLists aligns our follows with the queued lists, one list after another.
func (in *Inbox) compareFollowerLists(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-in.differences:
			if err := federation.Safely(func() error { return in.compareFollowerList(ctx, d) }); err != nil && ctx.Err() == nil {
				in.Log.Info("a list of followers cannot be read and applied", "actor", d.actor, "error", err)
			}
		}
	}
}

// compareFollowerList reads one list and aligns our follows with it.
func (in *Inbox) compareFollowerList(ctx context.Context, d difference) error {
	listed, err := in.listedHere(ctx, d.list)
	if err != nil {
		return err
	}
	queued := false
	// The list is read before the transaction: no request is made inside one.
	err = in.Store.InTx(ctx, func(s *store.Store) error {
		actor, err := s.Actor(ctx, d.actor)
		if err != nil {
			return err
		}
		queued, err = in.align(ctx, s, actor, listed)
		return err
	})
	if err == nil && queued {
		in.outbox.Wake()
	}
	return err
}

// listedHere reads a whole list and returns those of its ids that are voices of this blog.
func (in *Inbox) listedHere(ctx context.Context, at string) ([]string, error) {
	var voices []string
	for pages := 0; at != ""; pages++ {
		if pages == maxPages {
			return nil, remote.ErrRefused // with half of a list, align would end follows that exist
		}
		page, err := in.FetchListing(ctx, at)
		if err != nil {
			return nil, err
		}
		// Only the server of the actor knows the actor's followers.
		if page.Foreign {
			return nil, federation.ErrForeign
		}
		for _, id := range page.Items {
			if in.Site.Owns(id) {
				voices = append(voices, id)
			}
		}
		if len(voices) > maxFollowed {
			return nil, remote.ErrRefused
		}
		at = cmp.Or(page.First, page.Next)
	}
	return voices, nil
}

// align makes our follows of an actor equal to the list of the actor's server. A follow that the server does not list
// ends. A pending follow that it lists is accepted, because the Accept was lost. For a follow that only the server has,
// it queues an Undo. It reports whether a delivery was queued.
func (in *Inbox) align(ctx context.Context, s *store.Store, actor blog.Actor,
	listed []string) (queued bool, err error) {
	follows, err := s.FollowersHere(ctx, actor.ID)
	if err != nil {
		return false, err
	}
	for _, f := range follows {
		id := in.Site.ActorID(f.VoiceID)
		known := slices.Contains(listed, id)
		listed = slices.DeleteFunc(listed, func(other string) bool { return other == id })
		switch {
		case known && f.State == blog.Pending:
			err = s.AcceptFollowing(ctx, actor.ID, f.FollowID, f.VoiceID, in.Now())
		case !known && f.State == blog.Accepted:
			err = s.EndFollowing(ctx, actor.ID, f.FollowID, f.VoiceID)
		}
		if err != nil {
			return queued, err
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
			return queued, err
		}
		queued = true
	}
	return queued, nil
}
