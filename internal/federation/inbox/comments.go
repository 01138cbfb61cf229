package inbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// maxAncestors limits the walk from a reply up to its article.
const maxAncestors = 16

// create adds a reply as a comment. A post that is given by its id alone is fetched. An embedded post is trusted when
// it has its actor's origin and is attributed to them (threat T-034).
func (in *Inbox) create(ctx context.Context, s *store.Store, act activity.Activity, what activity.Create,
	found fetched) error {
	post := what.Object
	if !post.Embedded || post.AttributedTo != act.Actor || !blog.SameOrigin(post.ID, act.Actor) {
		return in.acceptFetched(ctx, s, post.ID, blog.Pushed, found)
	}
	return in.acceptPost(ctx, s, post, act, blog.Pushed, found)
}

// acceptPost accepts a trusted post: as a comment when it is a reply, else as a quote or mention of an article. A quote
// that also replies to something elsewhere counts as a quote. A post that was sent to us and is none of these is kept
// for the authors that it mentions.
func (in *Inbox) acceptPost(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity,
	origin blog.Origin, found fetched) error {
	if !post.IsPost() || post.IsVote() {
		return federation.NotOurs("it is no post")
	}
	err := in.acceptMention(ctx, s, post, act, origin, found)
	if origin == blog.Pushed && (errors.Is(err, federation.ErrNowhere) || errors.Is(err, federation.ErrNoArticle)) {
		return in.keepMention(ctx, s, post, act)
	}
	return err
}

// acceptMention accepts a post that replies to something here or refers to an article. ErrNowhere or ErrNoArticle when
// it does neither.
func (in *Inbox) acceptMention(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity,
	origin blog.Origin, found fetched) error {
	if post.InReplyTo == "" {
		return in.mention(ctx, s, post, act, origin)
	}
	if in.Site.Owns(post.Quote) {
		_, _, err := in.ResolveTarget(ctx, s, post.InReplyTo)
		if errors.Is(err, blog.ErrNotFound) {
			return in.mention(ctx, s, post, act, origin)
		}
		if err != nil {
			return err
		}
	}
	_, err := in.comment(ctx, s, post, act, origin, found, maxAncestors)
	return err
}

// acceptFetched accepts a post as its own origin serves it.
func (in *Inbox) acceptFetched(ctx context.Context, s *store.Store, address string, origin blog.Origin,
	found fetched) error {
	if address == "" || in.Site.Owns(address) {
		return nil
	}
	post, asked := found[address]
	if !asked {
		return missing{object: address}
	}
	switch {
	case post == nil:
		return federation.NotOurs("it could not be had")
	case origin == blog.Fetched && post.IsPost() && post.Visibility(nil, nil) == blog.RestrictedComment:
		return federation.NotOurs("it is not public")
	}
	c, err := s.CommentByAddress(ctx, post.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return in.acceptPost(ctx, s, *post, activity.Activity{}, origin, found)
	}
	if err != nil {
		return err
	}
	return in.revise(ctx, s, c, *post, activity.Activity{Actor: post.AttributedTo})
}

// comment finds what a post replies to, up to maxAncestors posts above it, and adds it under the article. The posts in
// between are added first, as fetched. It returns the id of the comment, or ErrNotOurs when the thread does not lead to
// an article here.
func (in *Inbox) comment(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity,
	origin blog.Origin, found fetched, hops int) (blog.ID, error) {
	if known, err := s.CommentByAddress(ctx, post.ID); !errors.Is(err, blog.ErrNotFound) {
		return known.ID, err
	}
	article, parent, err := in.ResolveTarget(ctx, s, post.InReplyTo)
	if errors.Is(err, blog.ErrNotFound) {
		article, parent, err = in.resolveParent(ctx, s, post, found, hops)
	}
	if err != nil {
		return "", err
	}
	if article.PublishedAt == nil || article.Status == blog.Deleted {
		return "", federation.NotOurs("what it answers is not published")
	}
	return in.addComment(ctx, s, post, act, place{article: article, parent: parent}, origin)
}

// place is where a comment belongs.
type place struct {
	article blog.Article
	parent  blog.ID // the comment that it answers, or ""
	kind    blog.CommentKind
}

// resolveParent finds the parent of a post, and adds it first when it must be fetched.
func (in *Inbox) resolveParent(ctx context.Context, s *store.Store, post activity.Object, found fetched,
	hops int) (blog.Article, blog.ID, error) {
	above := post.InReplyTo
	if hops == 0 || above == "" || in.Site.Owns(above) {
		return blog.Article{}, "", federation.ErrNowhere
	}
	parent, asked := found[above]
	if !asked {
		return blog.Article{}, "", missing{object: above}
	}
	if parent == nil || !parent.IsPost() || parent.InReplyTo == "" ||
		parent.Visibility(nil, nil) == blog.RestrictedComment {
		return blog.Article{}, "", federation.ErrNowhere
	}
	id, err := in.comment(ctx, s, *parent, activity.Activity{}, blog.Fetched, found, hops-1)
	if err != nil {
		return blog.Article{}, "", err
	}
	c, err := s.Comment(ctx, id)
	return in.ArticleUnder(ctx, s, c, err)
}

// addComment adds a comment in the state that the article's policy decides.
func (in *Inbox) addComment(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity, at place,
	origin blog.Origin) (blog.ID, error) {
	if err := checkNotDeleted(ctx, s, post); err != nil {
		return "", err
	}
	actor, err := in.knownActor(ctx, s, post.AttributedTo)
	if err != nil {
		return "", err
	}
	if err := in.mayAnswer(ctx, s, at.parent); err != nil {
		return "", err
	}
	visibility := post.Visibility(act.To, act.Cc)
	if visibility == blog.RestrictedComment && !in.speaksToUs(post, act) {
		return "", federation.NotOurs("it is not public")
	}
	c := in.Content(post, at.kind)
	now := in.Now()
	c.ID, c.Kind, c.Address, c.ArticleID, c.ParentID, c.ActorID, c.Origin = blog.NewID(now), at.kind, post.ID,
		at.article.ID, at.parent, actor.ID, origin
	c.KeyMark = actor.KeyMark
	c.Visibility, c.ArrivedAt = visibility, now
	c.SortedAt = blog.ClampTime(c.PublishedAt, *at.article.PublishedAt, now)
	if c.State, err = in.initialState(ctx, s, c, at.article, post); err != nil {
		return "", err
	}
	if actor.Block == blog.Limit {
		hold(&c)
	}
	return c.ID, s.AddComment(ctx, c)
}

// checkNotDeleted returns a NotOurs for a post that its author deleted: a Create may arrive after its Delete.
func checkNotDeleted(ctx context.Context, s *store.Store, post activity.Object) error {
	kind, _, err := s.WasSeen(ctx, post.AttributedTo, post.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	if err == nil && kind == deleted {
		return federation.NotOurs("it was deleted by its writer")
	}
	return err
}

// hold lets the comment of a limited person wait for approval.
func hold(c *blog.Comment) {
	if c.State == blog.CommentShown && c.Visibility != blog.RestrictedComment {
		c.State, c.Held = blog.CommentWaiting, true
	}
}

// mayAnswer refuses a reply to a comment of somebody who is blocked: it would be shown without what it answers.
func (in *Inbox) mayAnswer(ctx context.Context, s *store.Store, parent blog.ID) error {
	if parent == "" {
		return nil
	}
	c, err := s.Comment(ctx, parent)
	if err == nil && c.Refused {
		err = federation.ErrBlocked
	}
	return err
}

// initialState decides whether a new comment is shown or waits: by the authorization that its post carries, else by the
// article's policy. A quote that the policy does not allow waits. ErrNotOurs when the comment may not be added at all.
func (in *Inbox) initialState(ctx context.Context, s *store.Store, c blog.Comment, a blog.Article,
	post activity.Object) (blog.CommentState, error) {
	if stamped, err := in.authorized(ctx, s, post.ReplyAuthorization, blog.ReplyStamp, post.ID); stamped || err != nil {
		return blog.CommentShown, err
	}
	var who blog.Relation
	var err error
	if a.Comments == blog.Known {
		if who, err = s.Relation(ctx, c.ActorID); err != nil {
			return "", err
		}
	}
	state, err := a.Comments.Admit(c, who)
	if errors.Is(err, blog.ErrForbidden) {
		return "", federation.NotOurs("comments are closed here")
	}
	if c.Kind != blog.Quoting || c.Visibility == blog.RestrictedComment {
		return state, err
	}
	if allowed, err := in.quotes(ctx, s, c, a); !allowed {
		return blog.CommentWaiting, err
	}
	return state, nil
}

// quotes reports whether a quote is allowed: by an authorization of its own, or by the article's policy. A revoked
// authorization means no.
func (in *Inbox) quotes(ctx context.Context, s *store.Store, c blog.Comment, a blog.Article) (bool, error) {
	t, err := s.AuthorizationFor(ctx, blog.QuoteStamp, c.Address)
	if errors.Is(err, blog.ErrNotFound) {
		return in.mayQuote(ctx, s, a, c.ActorID)
	}
	return err == nil && t.State == blog.StampGiven, err
}

// speaksToUs reports whether a post, or the activity that brought it, is addressed to an actor of ours.
func (in *Inbox) speaksToUs(post activity.Object, act activity.Activity) bool {
	return slices.ContainsFunc(slices.Concat(post.To, post.Cc, act.To, act.Cc), in.Site.Owns)
}

// lateCreate is how old a post may be whose Update arrives although its Create was never seen.
const lateCreate = 24 * time.Hour

// update updates the profile of the sender, or a comment of theirs.
func (in *Inbox) update(ctx context.Context, s *store.Store, act activity.Activity, what activity.Update,
	found fetched) error {
	if actor := what.Object.Actor; actor != nil {
		if actor.ID != act.Actor {
			return nil
		}
		return in.renewActor(ctx, s, *actor)
	}
	post := what.Object
	if !post.Embedded {
		return in.acceptFetched(ctx, s, post.ID, blog.Pushed, found)
	}
	if post.AttributedTo != act.Actor || !blog.SameOrigin(post.ID, act.Actor) || !post.IsPost() {
		return nil
	}
	c, err := s.CommentByAddress(ctx, post.ID)
	switch {
	case err == nil:
		return in.revise(ctx, s, c, post, act)
	case !errors.Is(err, blog.ErrNotFound):
		return err
	}
	if known, err := in.renewMention(ctx, s, post, act); known || err != nil {
		return err
	}
	if in.Now().Sub(post.Published) > lateCreate {
		return nil
	}
	return in.create(ctx, s, act, activity.Create{Object: post}, found)
}

func (in *Inbox) renewActor(ctx context.Context, s *store.Store, actor blog.Actor) error {
	known, err := s.Actor(ctx, actor.ID)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	actor.FetchedAt = in.Now()
	if known.HandleCheckedAt != nil && federation.SameUser(known.Handle, actor.Handle) {
		actor.Handle, actor.HandleCheckedAt = known.Handle, known.HandleCheckedAt
	}
	return s.SaveActor(ctx, actor)
}

// revise replaces the text of a comment with a newer one of its author. An edit may make a comment restricted: then it
// leaves the page at once. An edit never makes a restricted comment public.
func (in *Inbox) revise(ctx context.Context, s *store.Store, c blog.Comment, post activity.Object,
	act activity.Activity) error {
	if c.ActorID != act.Actor || c.ActorID != post.AttributedTo || c.State == blog.CommentRemoved {
		return nil
	}
	if post.Updated == nil || c.UpdatedAt != nil && !post.Updated.After(*c.UpdatedAt) {
		return nil
	}
	a, err := s.Head(ctx, c.ArticleID)
	if err != nil {
		return err
	}
	if c.Kind != blog.Answering {
		b, kind, err := in.ArticleAbout(ctx, s, post)
		if errors.Is(err, federation.ErrNotOurs) || err == nil && b.ID != a.ID {
			return s.RemoveComment(ctx, c.ID) // it speaks of something else now
		}
		if err != nil {
			return err
		}
		c.Kind = kind
	}
	changed := in.Content(post, c.Kind)
	c.HTML, c.Plain, c.Warning, c.Language, c.UpdatedAt = changed.HTML, changed.Plain, changed.Warning, changed.Language,
		post.Updated
	if c.Visibility != blog.RestrictedComment {
		c.Visibility = post.Visibility(act.To, act.Cc)
	}
	writer, err := in.knownActor(ctx, s, c.ActorID)
	if err != nil || writer.KeyMark != c.KeyMark {
		return err // somebody else has that address now: they may take the words away, and not change them
	}
	if c.State == blog.CommentShown {
		if c.State, err = in.stateAfterEdit(ctx, s, c, a); err != nil {
			return err
		}
	}
	if writer.Block == blog.Limit {
		hold(&c)
	}
	return s.ReviseComment(ctx, c)
}

// stateAfterEdit decides whether a comment that is shown stays so after an edit.
func (in *Inbox) stateAfterEdit(ctx context.Context, s *store.Store, c blog.Comment,
	a blog.Article) (blog.CommentState, error) {
	if a.Comments == blog.Approve {
		return blog.CommentWaiting, nil
	}
	if c.Kind == blog.Quoting {
		if allowed, err := in.quotes(ctx, s, c, a); !allowed {
			return blog.CommentWaiting, err
		}
	}
	return c.State, nil
}
