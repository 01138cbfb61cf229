package federation

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// Two servers may come to differ over who follows whom: a letter was lost, or a database set back. What goes to followers
// alone then reaches too many or too few. So each such letter says, in a digest, whom its sender takes for followers at the
// receiver, who asks for the list when it has another one in mind (FEP-8fcf).

// synchronization is what goes along with a letter that is for followers alone.
func (c *Courier) synchronization(ctx context.Context, letter store.Letter) (string, error) {
	actor := c.Site.ActorID(letter.VoiceID)
	there, err := c.Store.FollowersAt(ctx, letter.VoiceID, originOf(letter.Inbox))
	return activity.Synchronization{Collection: actor + "/followers", URL: actor + "/followers_synchronization",
		Digest: activity.FollowersDigest(there)}.String(), err
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + blog.HostOf(address)
}

// followersThere lists, to whoever signs the question, the followers of a voice at the server of the one who asks, and no
// others.
func (d *Documents) followersThere(w http.ResponseWriter, r *http.Request) {
	voice, err := d.speaker(r.Context(), r)
	if err != nil {
		d.refuseList(w, r, err)
		return
	}
	reader, ok := d.reader(w, r)
	if !ok {
		return
	}
	list, err := d.Store.FollowersAt(r.Context(), voice.ID, originOf(reader))
	if err != nil {
		d.refuseList(w, r, err)
		return
	}
	w.Header().Set("Content-Type", mediaType(r))
	w.Header().Set("Cache-Control", "private, no-store")
	w.Write(activity.Items(d.Site.ActorID(blog.ID(chi.URLParam(r, "actor")))+"/followers_synchronization", list))
}

func (d *Documents) refuseList(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, blog.ErrNotFound):
		nothingHere(w)
	case errors.Is(err, blog.ErrGone):
		writeError(w, http.StatusGone, "its owner has left")
	default:
		d.fail(w, r, err)
	}
}

// difference is a list of followers that may differ from what we have.
type difference struct{ actor, list string }

const (
	mostDifferences = 64 // that wait; of more the next letter tells again
	compareEvery    = time.Hour
	mostFollowed    = 1000 // of ours in a list that is believed
)

// compareFollowers hears what a letter says of its sender's followers among us. It is believed when the signature covers
// it, when it speaks of the sender's own followers, and once an hour.
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
	if err != nil || actor.FollowersURL == "" || actor.FollowersURL != said.Collection {
		return
	}
	ours, err := in.Store.FollowersHere(ctx, signer)
	if err != nil || activity.FollowersDigest(in.addresses(ours)) == said.Digest || !in.compared.mark(signer, in.Now()) {
		return
	}
	select {
	case in.differences <- difference{signer, said.URL}:
	default:
	}
}

// addresses are those of the voices of ours who follow with the other side's yes.
func (in *Inbox) addresses(list []blog.Following) []string {
	var ids []string
	for _, f := range list {
		if f.State == blog.Accepted {
			ids = append(ids, in.Site.ActorID(f.VoiceID))
		}
	}
	return ids
}

// settleDifferences brings what we have in line with what others have, one list after another.
func (in *Inbox) settleDifferences(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-in.differences:
			if err := safely(func() error { return in.settleDifference(ctx, d) }); err != nil && ctx.Err() == nil {
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

// listedHere reads the whole list; what lies elsewhere is none of its business.
func (in *Inbox) listedHere(ctx context.Context, at string) ([]string, error) {
	var ours []string
	for pages := 0; at != ""; pages++ {
		if pages == mostPages || len(ours) > mostFollowed {
			return nil, remote.ErrRefused // half a list would end what is well
		}
		page, err := in.listing(ctx, at)
		if err != nil {
			return nil, err
		}
		if page.Foreign {
			return nil, errForeign
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

// align ends what the other side does not have, takes a yes that was lost, and takes back what it has and we do not. It
// tells whether something was said.
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
		voice, err := in.voiceOf(ctx, s, id)
		if errors.Is(err, blog.ErrNotFound) || err == nil && voice.RetiredAt != nil {
			continue
		}
		if err == nil {
			err = in.outbox.sayNoFollow(ctx, s, voice, actor)
		}
		if err != nil {
			return said, err
		}
		said = true
	}
	return said, nil
}

// sayNoFollow takes a Follow back of which we know nothing. Servers look for who and whom; its address is made up.
func (o *Outbox) sayNoFollow(ctx context.Context, s *store.Store, voice blog.Voice, actor blog.Actor) error {
	said, err := o.say(ctx, s, voice, "Undo", "", 0, func(e activity.Envelope) ([]byte, error) {
		follow, err := activity.WrapFollow(activity.Envelope{Site: o.Site, Voice: voice, ID: blog.NewID(e.At), At: e.At}, actor.ID)
		if err != nil {
			return nil, err
		}
		return activity.WrapUndo(e, follow)
	})
	if err != nil {
		return err
	}
	return s.TellInboxes(ctx, said, actor.Inbox)
}
