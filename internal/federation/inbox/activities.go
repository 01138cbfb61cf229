package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// missingError is the error of an activity that needs a post or an actor from another server first. It is an
// errMissing.
type missingError struct {
	object string // the address of a post, or ""
	actor  string // the address of an actor, or ""
}

var errMissing = errors.New("something must be fetched first")

func (m missingError) Error() string { return fmt.Sprintf("%v: %s%s", errMissing, m.object, m.actor) }

func (m missingError) Is(target error) bool { return target == errMissing }

// fetched holds what was fetched for one activity. A post is found under the address that we requested and under its
// own id. The value is nil for a post that could not be fetched, and for an actor: actors are saved in the store.
type fetched map[string]*activity.Object

// handling is the handling of one activity in one transaction. It keeps no context: each step gets one as an
// argument.
type handling struct {
	*Inbox
	tx    *store.Store // steps use only this; Inbox.Store works outside of the transaction
	act   activity.Activity
	found fetched

	before    store.Sighting // what came under the id of the activity before
	forwarded bool           // somebody else than its actor brought the activity, with a proof

	queued bool // a delivery was added, so the courier must be woken after the commit
}

// apply handles one activity in one transaction, which may be shared with activities that arrive at the same moment.
// extra may be nil; it runs first in the same transaction. The error is a missingError when something must be fetched
// first.
func (in *Inbox) apply(ctx context.Context, act activity.Activity, signer string, found fetched,
	extra func(context.Context, *store.Store) error) (*handling, error) {
	var h *handling
	err := in.Store.GroupCommit(ctx, blog.HostOf(act.Actor), func(ctx context.Context, s *store.Store) error {
		// GroupCommit may run this again after a deadlock, so each run begins with a new handling.
		h = &handling{Inbox: in, tx: s, act: act, found: found, forwarded: signer != act.Actor}
		if extra != nil {
			if err := extra(ctx, s); err != nil {
				return err
			}
		}
		// The id is recorded in the transaction of the effect, so that neither can exist without the other.
		if over, err := h.over(ctx); over || err != nil {
			return err
		}
		// An activity about something that is not here counts as handled. Otherwise it would be tried again.
		return federation.IgnoreMissing(h.handle(ctx))
	})
	if err != nil {
		return nil, err // and not h: who did not wait for the group must not read what it still writes
	}
	return h, nil
}

// undoneFor is how long an activity has no effect after an Undo that came before it. Longer than most servers take to
// try again, but not for ever: a server that lost its database gives its ids anew.
const undoneFor = 24 * time.Hour

// over reports whether an activity must have no effect because of what came with its id before (contract F-122).
//
// A retry, or a copy for another inbox, has the same id. But some servers give the same id to all that they say of a
// post, and a second Follow or Like may have the id of the first. So activities are judged by what they say: each asks
// for a state that may be reached already. Only a report asks for none.
func (h *handling) over(ctx context.Context) (bool, error) {
	if h.act.ID == "" {
		return false, nil
	}
	var err error
	h.before, err = h.tx.Seen(ctx, h.act.Actor, h.act.ID, h.act.Type, h.Now())
	if err != nil || h.before.Kind == "" {
		return false, err
	}
	switch h.act.Act.(type) {
	case activity.Flag:
		return true, nil
	case activity.Follow, activity.Like, activity.Announce, activity.Block:
		if h.before.Kind == undone && h.Now().Sub(h.before.At) < undoneFor {
			return true, nil
		}
	}
	return h.forwarded, nil // anybody could bring it again, long after its actor changed their mind
}

// afterCommit does what must not happen before the commit: it forgets keys and wakes the courier.
func (h *handling) afterCommit() {
	switch what := h.act.Act.(type) {
	case activity.Update:
		// The new profile may list other keys.
		if what.Object.ID == h.act.Actor {
			h.keys.Forget(h.act.Actor)
		}
	case activity.Delete:
		if what.Object == h.act.Actor {
			h.keys.Forget(h.act.Actor)
		}
	}
	// Before the commit, the courier would not see the new deliveries.
	if h.queued {
		h.outbox.Wake()
	}
}

// handle calls the step for the type of the activity. Activities of other types have no effect.
func (h *handling) handle(ctx context.Context) error {
	if h.act.ID != "" && !blog.SameOrigin(h.act.ID, h.act.Actor) {
		return nil // it would take the id of an activity of another server (contract F-083, threat T-041)
	}
	switch what := h.act.Act.(type) {
	case activity.Follow:
		return h.follow(ctx, what)
	case activity.Undo:
		return h.undo(ctx, what)
	case activity.Create:
		return h.createAndAnswer(ctx, what)
	case activity.Update:
		return h.update(ctx, what)
	case activity.Delete:
		return h.delete(ctx, what)
	case activity.Like:
		return h.like(ctx, what)
	case activity.Dislike:
		return h.dislike(ctx, what)
	case activity.Announce:
		return h.announce(ctx, what)
	case activity.QuoteRequest:
		return h.quoteRequest(ctx, what)
	case activity.ReplyRequest:
		return h.replyRequest(ctx, what)
	case activity.FeatureRequest:
		return h.featureRequest(ctx, what)
	case activity.Add:
		return h.add(ctx, what)
	case activity.Remove:
		return h.remove(ctx, what)
	case activity.Accept:
		return h.accepted(ctx, what)
	case activity.Reject:
		return h.rejected(ctx, what)
	case activity.Block:
		return h.block(ctx, what)
	case activity.Move:
		return h.move(ctx, what)
	case activity.Flag:
		return h.flag(ctx, what)
	}
	return nil
}

// follow accepts a follower, lets them wait for approval, or rejects them (contract F-062).
func (h *handling) follow(ctx context.Context, what activity.Follow) error {
	voice, err := h.VoiceOf(ctx, h.tx, what.Object)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	actor, err := h.knownActor(ctx, h.act.Actor)
	if err != nil {
		return err
	}
	f := blog.Follower{VoiceID: voice.ID, ActorID: actor.ID, FollowID: h.act.ID, State: blog.Accepted, Since: h.Now(),
		Actor: actor}
	h.queued = true
	if !voice.Followable() {
		return h.outbox.QueueReject(ctx, h.tx, f)
	}
	// The followers of a limited actor or server wait for the author, whatever the author's own setting.
	if voice.ApprovesFollowers || actor.Block == blog.Limit {
		f.State = blog.Pending
	}
	if full, err := h.tooManyPending(ctx, f); full || err != nil {
		return err
	}
	state, err := h.tx.Follow(ctx, f)
	if err != nil || state != blog.Accepted {
		return err // the request is pending: the author answers it later
	}
	return h.outbox.QueueAccept(ctx, h.tx, f)
}

// maxPending limits how many followers from one server may wait for approval by one voice. A server can invent any
// number of actors.
const maxPending = 1000

// tooManyPending reports whether the pending follow requests of the follower's server have reached the limit.
func (h *handling) tooManyPending(ctx context.Context, f blog.Follower) (bool, error) {
	if f.State != blog.Pending {
		return false, nil
	}
	// Beyond the limit a request has no effect. A Reject for each would cost us as many deliveries.
	n, err := h.tx.CountPending(ctx, f.VoiceID, f.Actor.Host)
	return n >= maxPending, err
}

// undone is the kind under which the id of an activity is recorded that is undone before it was seen.
const undone = "undone"

// undo undoes a follow or a reaction, which it finds by its id or by its object. An id that was never seen is recorded
// as undone: if the activity arrives only after its Undo, it has no effect (contract F-063).
func (h *handling) undo(ctx context.Context, what activity.Undo) error {
	// The embedded activity may lack an id or a type, so each kind is tried until one fits.
	err := h.undoFollow(ctx, what)
	if errors.Is(err, blog.ErrNotFound) && what.ID != "" {
		err = h.tx.UndoReaction(ctx, h.act.Actor, what.ID)
	}
	if errors.Is(err, blog.ErrNotFound) && !h.repeated() {
		err = h.undoReactionTo(ctx, what)
	}
	// What was here has come, even if that is too long ago to be known as seen.
	if !errors.Is(err, blog.ErrNotFound) || what.ID == "" {
		return federation.IgnoreMissing(err)
	}
	_, err = h.tx.Seen(ctx, h.act.Actor, what.ID, undone, h.Now())
	return err
}

// repeated reports whether an Undo came before under the same id. It may be a copy, and must not undo what was done
// since under another id (threat T-010).
func (h *handling) repeated() bool { return h.before.Kind != "" }

func (h *handling) undoFollow(ctx context.Context, what activity.Undo) error {
	if what.Type != "" && what.Type != "Follow" {
		return blog.ErrNotFound
	}
	voice, err := h.VoiceOf(ctx, h.tx, what.Object)
	if errors.Is(err, blog.ErrNotFound) {
		return h.tx.UnfollowByID(ctx, h.act.Actor, what.ID)
	}
	if err != nil {
		return err
	}
	if h.repeated() {
		f, err := h.tx.Follower(ctx, voice.ID, h.act.Actor)
		if err != nil || f.FollowID != what.ID {
			return cmp.Or(err, blog.ErrNotFound)
		}
	}
	// An actor follows a voice once, so the pair is enough: the embedded Follow may have no id, or a new one.
	return h.tx.Unfollow(ctx, voice.ID, h.act.Actor)
}

func (h *handling) undoReactionTo(ctx context.Context, what activity.Undo) error {
	kinds, ok := reactionsOf[what.Type]
	if !ok {
		return blog.ErrNotFound
	}
	article, comment, err := h.ResolveTarget(ctx, h.tx, what.Object)
	if err != nil {
		return err
	}
	return h.tx.UndoReactionTo(ctx, h.act.Actor, article.ID, comment, kinds...)
}

// reactionsOf maps the type of an undone activity to the kinds of reaction that we may have saved for it. A Like may be
// an emoji reaction: Misskey and others send those as a Like.
var reactionsOf = map[string][]blog.ReactionKind{"Like": {blog.Like, blog.Emoji}, "EmojiReact": {blog.Emoji},
	"Announce": {blog.Boost}}

// like saves a favourite or an emoji reaction, once per actor and target.
func (h *handling) like(ctx context.Context, what activity.Like) error {
	kind := blog.Like
	if what.Emoji != "" {
		kind = blog.Emoji
	}
	return h.react(ctx, kind, what.Object, what.Emoji)
}

// dislike takes back a favourite of the same actor, who may have one vote where they are. Dislikes are not
// counted.
func (h *handling) dislike(ctx context.Context, what activity.Dislike) error {
	article, comment, err := h.ResolveTarget(ctx, h.tx, what.Object)
	if err != nil {
		return err
	}
	return h.tx.UndoReactionTo(ctx, h.act.Actor, article.ID, comment, blog.Like)
}

// announce saves a boost, or handles an activity that a group announces for one of its members (FEP-1b12). The group
// proves nothing about that activity, so the post is fetched from its own server. Votes and other types that groups
// announce have no effect.
func (h *handling) announce(ctx context.Context, what activity.Announce) error {
	switch what.InnerType {
	case "":
		return h.react(ctx, blog.Boost, what.Object, "")
	case "Create":
		// A known comment is fetched again only where the Create claims a newer version.
		c, err := h.tx.CommentByAddress(ctx, what.InnerObject)
		if err == nil && (what.InnerUpdated == nil || !newer(what.InnerUpdated, c.UpdatedAt)) {
			return nil
		}
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
		return h.acceptFetched(ctx, what.InnerObject, blog.Fetched)
	case "Update":
		return h.acceptFetched(ctx, what.InnerObject, blog.Fetched)
	case "Delete":
		return h.announcedDelete(ctx, what.InnerObject)
	}
	return nil
}

// announcedDelete handles a Delete that a group announces. It removes the comment when the comment's own server
// confirms that it is gone.
func (h *handling) announcedDelete(ctx context.Context, address string) error {
	c, err := h.tx.CommentByAddress(ctx, address)
	if err != nil || c.VoiceID != "" {
		return err
	}
	post, asked := h.found[address]
	switch {
	case !asked:
		return missingError{object: address}
	case post == nil || post.Type != federation.Tombstone:
		return nil
	}
	return h.tx.RemoveComment(ctx, c.ID)
}

func (h *handling) react(ctx context.Context, kind blog.ReactionKind, object, emoji string) error {
	article, comment, err := h.ResolveTarget(ctx, h.tx, object)
	if err != nil || !article.OnTheWeb() {
		return federation.IgnoreMissing(err)
	}
	// The actor must be known for the name in the list of reactions, and must not be blocked.
	if _, err := h.knownActor(ctx, h.act.Actor); err != nil {
		return err
	}
	_, err = h.tx.AddReaction(ctx, blog.Reaction{ID: blog.NewID(h.Now()), Address: h.act.ID, Kind: kind,
		ActorID: h.act.Actor, ArticleID: article.ID, CommentID: comment, Emoji: emoji, At: h.Now()})
	return err
}

// block handles a Block of one of our voices: the follows in both directions end. Nothing is answered.
func (h *handling) block(ctx context.Context, what activity.Block) error {
	voice, err := h.VoiceOf(ctx, h.tx, what.Object)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	if err := federation.IgnoreMissing(h.tx.Unfollow(ctx, voice.ID, h.act.Actor)); err != nil {
		return err
	}
	return h.tx.EndFollowing(ctx, h.act.Actor, "", voice.ID)
}

// delete removes the sender, or a comment, mention or reaction of the sender. Nobody can delete what belongs to others
// (threat T-037). The id is recorded as deleted, so that a Create that arrives later has no effect (contract F-064).
func (h *handling) delete(ctx context.Context, what activity.Delete) error {
	if what.Object == h.act.Actor {
		return h.tx.RemoveActor(ctx, h.act.Actor, h.Now())
	}
	if !blog.SameOrigin(what.Object, h.act.Actor) {
		return nil
	}
	if err := h.tx.MarkDeleted(ctx, h.act.Actor, what.Object, h.Now()); err != nil {
		return err
	}
	// A Delete has only an id. It may be the id of a comment, a mention, a reaction, a quote authorization or a
	// collection.
	c, err := h.tx.CommentByAddress(ctx, what.Object)
	if err == nil && c.ActorID == h.act.Actor {
		return h.tx.RemoveComment(ctx, c.ID)
	}
	if errors.Is(err, blog.ErrNotFound) {
		err = h.tx.RemoveMention(ctx, what.Object, h.act.Actor)
	}
	if errors.Is(err, blog.ErrNotFound) {
		err = h.tx.UndoReaction(ctx, h.act.Actor, what.Object)
	}
	if errors.Is(err, blog.ErrNotFound) {
		// The deleted object may be the permission to quote: its author revokes it that way (FEP-044f).
		err = h.quoteRevoked(ctx, what.Object)
	}
	if errors.Is(err, blog.ErrNotFound) {
		err = h.collectionDeleted(ctx, what.Object)
	}
	return err
}

// knownActor returns our record of an actor. The error is a missingError when the actor must be fetched first: it is
// unknown, or was gone and may have returned. It is ErrBlocked when the actor is blocked, and ErrNotOurs when the actor
// is gone still.
func (h *handling) knownActor(ctx context.Context, id string) (blog.Actor, error) {
	actor, err := h.tx.Actor(ctx, id)
	if errors.Is(err, blog.ErrNotFound) {
		return actor, missingError{actor: id}
	}
	switch {
	case err != nil:
		return actor, err
	case actor.Block == blog.Refuse:
		return actor, federation.ErrBlocked
	case actor.GoneAt != nil:
		if _, asked := h.found[id]; !asked {
			return actor, missingError{actor: id}
		}
		return actor, federation.ErrNotOurs
	// An old record is good enough for now. A job fetches the actor again soon.
	case h.Now().Sub(actor.FetchedAt) > federation.StaleAfter:
		return actor, h.tx.RefreshSoon(ctx, id, h.Now())
	}
	return actor, nil
}
