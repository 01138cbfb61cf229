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

// outcome is what must be done after the commit of an activity.
type outcome struct {
	queued bool // a delivery was added: the courier must be woken
}

// apply handles one activity in one transaction, which it may share with others that arrive at the same moment. An
// activity that was seen before has no effect. also runs in the same transaction.
func (in *Inbox) apply(ctx context.Context, act activity.Activity, found fetched,
	also func(context.Context, *store.Store) error) (outcome, error) {
	var result outcome
	err := in.Store.GroupCommit(ctx, blog.HostOf(act.Actor), func(ctx context.Context, s *store.Store) error {
		result = outcome{}
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
		return federation.IgnoreMissing(in.handle(ctx, s, act, found, &result))
	})
	return result, err
}

// afterCommit does what must wait for the commit: forget keys, wake the courier.
func (in *Inbox) afterCommit(act activity.Activity, result outcome) {
	switch what := act.Act.(type) {
	case activity.Update:
		if what.Object.Actor != nil {
			in.keys.Forget(act.Actor)
		}
	case activity.Delete:
		if what.Object == act.Actor {
			in.keys.Forget(act.Actor)
		}
	}
	if result.queued {
		in.outbox.Wake()
	}
}

// handle is the table of activities that we act on. All others were acknowledged and have no effect.
func (in *Inbox) handle(ctx context.Context, s *store.Store, act activity.Activity, found fetched,
	result *outcome) error {
	if act.ID != "" && !blog.SameOrigin(act.ID, act.Actor) {
		return nil // an activity's id lies with its actor (contract F-083, threat T-041)
	}
	switch what := act.Act.(type) {
	case activity.Follow:
		return in.follow(ctx, s, act, what, result)
	case activity.Undo:
		return in.undo(ctx, s, act, what)
	case activity.Create:
		return in.createAndTell(ctx, s, act, what, found, result)
	case activity.Update:
		return in.update(ctx, s, act, what, found)
	case activity.Delete:
		return in.delete(ctx, s, act, what, result)
	case activity.Like:
		return in.like(ctx, s, act, what)
	case activity.Announce:
		return in.announce(ctx, s, act, what, found)
	case activity.QuoteRequest:
		return in.quoteRequest(ctx, s, act, what, found, result)
	case activity.ReplyRequest:
		return in.replyRequest(ctx, s, act, what, found, result)
	case activity.Accept:
		return in.accepted(ctx, s, act, what, result)
	case activity.Reject:
		return in.rejected(ctx, s, act, what, result)
	case activity.Block:
		return in.blocked(ctx, s, act, what)
	case activity.Move:
		return in.move(ctx, s, act, what, found, result)
	case activity.Flag:
		return in.flag(ctx, s, act, what)
	}
	return nil
}

// follow accepts a follower, lets them wait for approval, or rejects them (contract F-062).
func (in *Inbox) follow(ctx context.Context, s *store.Store, act activity.Activity, what activity.Follow,
	result *outcome) error {
	voice, err := in.VoiceOf(ctx, s, what.Object)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	actor, err := in.knownActor(ctx, s, act.Actor)
	if err != nil {
		return err
	}
	f := blog.Follower{VoiceID: voice.ID, ActorID: actor.ID, FollowID: act.ID, State: blog.Accepted, Since: in.Now(),
		Actor: actor}
	result.queued = true
	if !voice.Followable() {
		return in.outbox.QueueReject(ctx, s, f)
	}
	if voice.ApprovesFollowers || actor.Block == blog.Limit {
		f.State = blog.Pending
	}
	if full, err := in.tooManyPending(ctx, s, f); full || err != nil {
		return err
	}
	state, err := s.Follow(ctx, f)
	if err != nil || state != blog.Accepted {
		return err
	}
	return in.outbox.QueueAccept(ctx, s, f)
}

// mostPending limits how many followers of one server may wait for approval by a voice.
const mostPending = 1000

// tooManyPending reports whether the pending follow requests of the follower's server have reached the limit.
func (in *Inbox) tooManyPending(ctx context.Context, s *store.Store, f blog.Follower) (bool, error) {
	if f.State != blog.Pending {
		return false, nil
	}
	n, err := s.CountPending(ctx, f.VoiceID, f.Actor.Host)
	return n >= mostPending, err
}

// undo undoes a follow or a reaction, found by its id or by its object. An Undo that comes before its activity is
// recorded, so that the late activity has no effect.
func (in *Inbox) undo(ctx context.Context, s *store.Store, act activity.Activity, what activity.Undo) error {
	err := in.undoFollow(ctx, s, act.Actor, what)
	if errors.Is(err, blog.ErrNotFound) && what.ID != "" {
		err = s.UndoReaction(ctx, act.Actor, what.ID)
	}
	if errors.Is(err, blog.ErrNotFound) {
		err = in.undoReactionTo(ctx, s, act.Actor, what)
	}
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	if what.ID != "" {
		_, err = s.Seen(ctx, act.Actor, what.ID, "undone", in.Now())
		return err
	}
	return nil
}

func (in *Inbox) undoFollow(ctx context.Context, s *store.Store, actor string, what activity.Undo) error {
	if what.Type != "" && what.Type != "Follow" {
		return blog.ErrNotFound
	}
	voice, err := in.VoiceOf(ctx, s, what.Object)
	if errors.Is(err, blog.ErrNotFound) {
		return s.UnfollowByID(ctx, actor, what.ID)
	}
	if err != nil {
		return err
	}
	return s.Unfollow(ctx, voice.ID, actor)
}

func (in *Inbox) undoReactionTo(ctx context.Context, s *store.Store, actor string, what activity.Undo) error {
	kinds, ok := undone[what.Type]
	if !ok {
		return blog.ErrNotFound
	}
	article, comment, err := in.ResolveTarget(ctx, s, what.Object)
	if err != nil {
		return err
	}
	return s.UndoReactionTo(ctx, actor, article.ID, comment, kinds...)
}

// undone maps the type of an undone activity to the reactions that it may have been. Servers like Misskey send an emoji
// reaction as a Like.
var undone = map[string][]blog.ReactionKind{"Like": {blog.Like, blog.Emoji}, "EmojiReact": {blog.Emoji},
	"Announce": {blog.Boost}}

// like counts a favourite or an emoji reaction, once per person and target.
func (in *Inbox) like(ctx context.Context, s *store.Store, act activity.Activity, what activity.Like) error {
	kind := blog.Like
	if what.Emoji != "" {
		kind = blog.Emoji
	}
	return in.react(ctx, s, act, kind, what.Object, what.Emoji)
}

// announce counts a boost. A group that announces an activity only says where to look: the post is fetched from its
// origin (FEP-1b12). Votes and the like, which groups announce too, are ignored.
func (in *Inbox) announce(ctx context.Context, s *store.Store, act activity.Activity, what activity.Announce,
	found fetched) error {
	switch what.InnerType {
	case "":
		return in.react(ctx, s, act, blog.Boost, what.Object, "")
	case "Create":
		if _, err := s.CommentByAddress(ctx, what.InnerObject); !errors.Is(err, blog.ErrNotFound) {
			return err
		}
		return in.acceptFetched(ctx, s, what.InnerObject, blog.Fetched, found)
	case "Update":
		return in.acceptFetched(ctx, s, what.InnerObject, blog.Fetched, found)
	case "Delete":
		return in.announcedDelete(ctx, s, what.InnerObject, found)
	}
	return nil
}

// announcedDelete removes a comment that a group calls deleted, once the origin of the comment confirms it.
func (in *Inbox) announcedDelete(ctx context.Context, s *store.Store, address string, found fetched) error {
	c, err := s.CommentByAddress(ctx, address)
	if err != nil || c.VoiceID != "" {
		return err
	}
	post, asked := found[address]
	switch {
	case !asked:
		return missing{object: address}
	case post == nil || post.Type != federation.Tombstone:
		return nil
	}
	return s.RemoveComment(ctx, c.ID)
}

func (in *Inbox) react(ctx context.Context, s *store.Store, act activity.Activity, kind blog.ReactionKind, object,
	emoji string) error {
	article, comment, err := in.ResolveTarget(ctx, s, object)
	if err != nil || !article.OnTheWeb() {
		return federation.IgnoreMissing(err)
	}
	if _, err := in.knownActor(ctx, s, act.Actor); err != nil {
		return err
	}
	_, err = s.AddReaction(ctx, blog.Reaction{ID: blog.NewID(in.Now()), Address: act.ID, Kind: kind, ActorID: act.Actor,
		ArticleID: article.ID, CommentID: comment, Emoji: emoji, At: in.Now()})
	return err
}

// blocked handles the block of an author by somebody elsewhere: both follows end, and nothing is answered.
func (in *Inbox) blocked(ctx context.Context, s *store.Store, act activity.Activity, what activity.Block) error {
	voice, err := in.VoiceOf(ctx, s, what.Object)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	if err := federation.IgnoreMissing(s.Unfollow(ctx, voice.ID, act.Actor)); err != nil {
		return err
	}
	return s.EndFollowing(ctx, act.Actor, "", voice.ID)
}

// delete removes an actor, or a comment of the sender. Nobody can remove what belongs to somebody else. The id is
// recorded, so that a late Create has no effect.
func (in *Inbox) delete(ctx context.Context, s *store.Store, act activity.Activity, what activity.Delete,
	result *outcome) error {
	if what.Object == act.Actor {
		return s.RemoveActor(ctx, act.Actor, in.Now())
	}
	if !blog.SameOrigin(what.Object, act.Actor) {
		return nil
	}
	if _, err := s.Seen(ctx, act.Actor, what.Object, deleted, in.Now()); err != nil {
		return err
	}
	c, err := s.CommentByAddress(ctx, what.Object)
	if err == nil && c.ActorID == act.Actor {
		return s.RemoveComment(ctx, c.ID)
	}
	if errors.Is(err, blog.ErrNotFound) {
		err = s.RemoveMention(ctx, what.Object, act.Actor)
	}
	if errors.Is(err, blog.ErrNotFound) {
		err = s.UndoReaction(ctx, act.Actor, what.Object)
	}
	if errors.Is(err, blog.ErrNotFound) {
		err = in.quoteRevoked(ctx, s, act.Actor, what.Object, result)
	}
	return err
}

// deleted is the kind of a seen id whose object was deleted.
const deleted = "deleted"

// knownActor returns the actor as we know it. An actor that must be fetched first is a missing error, a blocked one
// ErrBlocked.
func (in *Inbox) knownActor(ctx context.Context, s *store.Store, id string) (blog.Actor, error) {
	actor, err := s.Actor(ctx, id)
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
	case in.Now().Sub(actor.FetchedAt) > federation.StaleAfter:
		return actor, s.RefreshSoon(ctx, id, in.Now())
	}
	return actor, nil
}
