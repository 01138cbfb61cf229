package inbox

import (
	"context"
	"errors"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// missing is the error of an activity that needs something first: a post or an actor to fetch.
type missing struct {
	object string // a post, by its address
	actor  string // somebody, by their address
}

var errMissing = errors.New("something must be fetched first")

func (n missing) Error() string { return fmt.Sprintf("%v: %s%s", errMissing, n.object, n.actor) }

func (n missing) Is(target error) bool { return target == errMissing }

// fetched are the posts that were fetched from their origin for one activity, by id. A nil one could not be fetched.
type fetched map[string]*activity.Object

// handling is the handling of one activity in one transaction. It keeps no context: each step gets it as an argument.
type handling struct {
	*Inbox
	tx    *store.Store // all that a step reads and writes; Inbox.Store is outside of the transaction
	act   activity.Activity
	found fetched

	queued bool // a delivery was added, so the courier must be woken after the commit
}

// apply handles one activity in one transaction, which it may share with others that arrive at the same moment. An
// activity that was seen before has no effect. also runs in the same transaction.
func (in *Inbox) apply(ctx context.Context, act activity.Activity, found fetched,
	also func(context.Context, *store.Store) error) (*handling, error) {
	var h *handling
	err := in.Store.GroupCommit(ctx, blog.HostOf(act.Actor), func(ctx context.Context, s *store.Store) error {
		// GroupCommit runs this once more, alone, when the shared transaction failed: each run begins with nothing queued.
		h = &handling{Inbox: in, tx: s, act: act, found: found}
		if also != nil {
			if err := also(ctx, s); err != nil {
				return err
			}
		}
		if act.ID != "" {
			first, err := s.Seen(ctx, act.Actor, act.ID, act.Type, in.Now())
			if err != nil || !first {
				return err
			}
		}
		return federation.IgnoreMissing(h.handle(ctx))
	})
	return h, err
}

// afterCommit does what must wait for the commit: forget keys, wake the courier.
func (h *handling) afterCommit() {
	switch what := h.act.Act.(type) {
	case activity.Update:
		if what.Object.Actor != nil {
			h.keys.Forget(h.act.Actor)
		}
	case activity.Delete:
		if what.Object == h.act.Actor {
			h.keys.Forget(h.act.Actor)
		}
	}
	if h.queued {
		h.outbox.Wake()
	}
}

// handle is the table of activities that we act on. All others were acknowledged and have no effect.
func (h *handling) handle(ctx context.Context) error {
	if h.act.ID != "" && !blog.SameOrigin(h.act.ID, h.act.Actor) {
		return nil // an activity's id lies with its actor (contract F-083, threat T-041)
	}
	switch what := h.act.Act.(type) {
	case activity.Follow:
		return h.follow(ctx, what)
	case activity.Undo:
		return h.undo(ctx, what)
	case activity.Create:
		return h.createAndTell(ctx, what)
	case activity.Update:
		return h.update(ctx, what)
	case activity.Delete:
		return h.delete(ctx, what)
	case activity.Like:
		return h.like(ctx, what)
	case activity.Announce:
		return h.announce(ctx, what)
	case activity.QuoteRequest:
		return h.quoteRequest(ctx, what)
	case activity.ReplyRequest:
		return h.replyRequest(ctx, what)
	case activity.Accept:
		return h.accepted(ctx, what)
	case activity.Reject:
		return h.rejected(ctx, what)
	case activity.Block:
		return h.blocked(ctx, what)
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
	if voice.ApprovesFollowers || actor.Block == blog.Limit {
		f.State = blog.Pending
	}
	if full, err := h.tooManyPending(ctx, f); full || err != nil {
		return err
	}
	state, err := h.tx.Follow(ctx, f)
	if err != nil || state != blog.Accepted {
		return err
	}
	return h.outbox.QueueAccept(ctx, h.tx, f)
}

// mostPending limits how many followers of one server may wait for approval by a voice.
const mostPending = 1000

// tooManyPending reports whether the pending follow requests of the follower's server have reached the limit.
func (h *handling) tooManyPending(ctx context.Context, f blog.Follower) (bool, error) {
	if f.State != blog.Pending {
		return false, nil
	}
	n, err := h.tx.CountPending(ctx, f.VoiceID, f.Actor.Host)
	return n >= mostPending, err
}

// undo undoes a follow or a reaction, found by its id or by its object. An Undo that comes before its activity is
// recorded, so that the late activity has no effect.
func (h *handling) undo(ctx context.Context, what activity.Undo) error {
	err := h.undoFollow(ctx, what)
	if errors.Is(err, blog.ErrNotFound) && what.ID != "" {
		err = h.tx.UndoReaction(ctx, h.act.Actor, what.ID)
	}
	if errors.Is(err, blog.ErrNotFound) {
		err = h.undoReactionTo(ctx, what)
	}
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	if what.ID != "" {
		_, err = h.tx.Seen(ctx, h.act.Actor, what.ID, "undone", h.Now())
		return err
	}
	return nil
}

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
	return h.tx.Unfollow(ctx, voice.ID, h.act.Actor)
}

func (h *handling) undoReactionTo(ctx context.Context, what activity.Undo) error {
	kinds, ok := undone[what.Type]
	if !ok {
		return blog.ErrNotFound
	}
	article, comment, err := h.ResolveTarget(ctx, h.tx, what.Object)
	if err != nil {
		return err
	}
	return h.tx.UndoReactionTo(ctx, h.act.Actor, article.ID, comment, kinds...)
}

// undone maps the type of an undone activity to the reactions that it may have been. Servers like Misskey send an emoji
// reaction as a Like.
var undone = map[string][]blog.ReactionKind{"Like": {blog.Like, blog.Emoji}, "EmojiReact": {blog.Emoji},
	"Announce": {blog.Boost}}

// like counts a favourite or an emoji reaction, once per person and target.
func (h *handling) like(ctx context.Context, what activity.Like) error {
	kind := blog.Like
	if what.Emoji != "" {
		kind = blog.Emoji
	}
	return h.react(ctx, kind, what.Object, what.Emoji)
}

// announce counts a boost. A group that announces an activity only says where to look: the post is fetched from its
// origin (FEP-1b12). Votes and the like, which groups announce too, are ignored.
func (h *handling) announce(ctx context.Context, what activity.Announce) error {
	switch what.InnerType {
	case "":
		return h.react(ctx, blog.Boost, what.Object, "")
	case "Create":
		if _, err := h.tx.CommentByAddress(ctx, what.InnerObject); !errors.Is(err, blog.ErrNotFound) {
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

// announcedDelete removes a comment that a group calls deleted, once the origin of the comment confirms it.
func (h *handling) announcedDelete(ctx context.Context, address string) error {
	c, err := h.tx.CommentByAddress(ctx, address)
	if err != nil || c.VoiceID != "" {
		return err
	}
	post, asked := h.found[address]
	switch {
	case !asked:
		return missing{object: address}
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
	if _, err := h.knownActor(ctx, h.act.Actor); err != nil {
		return err
	}
	_, err = h.tx.AddReaction(ctx, blog.Reaction{ID: blog.NewID(h.Now()), Address: h.act.ID, Kind: kind,
		ActorID: h.act.Actor, ArticleID: article.ID, CommentID: comment, Emoji: emoji, At: h.Now()})
	return err
}

// blocked handles the block of an author by somebody elsewhere: both follows end, and nothing is answered.
func (h *handling) blocked(ctx context.Context, what activity.Block) error {
	voice, err := h.VoiceOf(ctx, h.tx, what.Object)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	if err := federation.IgnoreMissing(h.tx.Unfollow(ctx, voice.ID, h.act.Actor)); err != nil {
		return err
	}
	return h.tx.EndFollowing(ctx, h.act.Actor, "", voice.ID)
}

// delete removes an actor, or a comment of the sender. Nobody can remove what belongs to somebody else. The id is
// recorded, so that a late Create has no effect.
func (h *handling) delete(ctx context.Context, what activity.Delete) error {
	if what.Object == h.act.Actor {
		return h.tx.RemoveActor(ctx, h.act.Actor, h.Now())
	}
	if !blog.SameOrigin(what.Object, h.act.Actor) {
		return nil
	}
	if _, err := h.tx.Seen(ctx, h.act.Actor, what.Object, deleted, h.Now()); err != nil {
		return err
	}
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
		err = h.quoteRevoked(ctx, what.Object)
	}
	return err
}

// deleted is the kind of a seen id whose object was deleted.
const deleted = "deleted"

// knownActor returns the actor as we know it. An actor that must be fetched first is a missing error, a blocked one
// ErrBlocked.
func (h *handling) knownActor(ctx context.Context, id string) (blog.Actor, error) {
	actor, err := h.tx.Actor(ctx, id)
	if errors.Is(err, blog.ErrNotFound) {
		return actor, missing{actor: id}
	}
	switch {
	case err != nil:
		return actor, err
	case actor.Block == blog.Refuse:
		return actor, federation.ErrBlocked
	case actor.GoneAt != nil:
		return actor, federation.ErrNotOurs
	case h.Now().Sub(actor.FetchedAt) > federation.StaleAfter:
		return actor, h.tx.RefreshSoon(ctx, id, h.Now())
	}
	return actor, nil
}
