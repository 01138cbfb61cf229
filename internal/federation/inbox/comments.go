package inbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
)

// maxAncestors limits the walk from a reply up to its article (contract F-066).
const maxAncestors = 16

// incoming is a post that may become a comment or a mention.
type incoming struct {
	activity.Object
	carrier activity.Activity // the activity that brought the post; empty when the post was fetched from its origin
	origin  blog.Origin
}

// create adds a reply as a comment. A post that is given by its id alone is fetched. An embedded post is trusted when
// it has its actor's origin and is attributed to them (threat T-034).
func (h *handling) create(ctx context.Context, post activity.Object) error {
	if !post.Embedded || post.AttributedTo != h.act.Actor || !blog.SameOrigin(post.ID, h.act.Actor) {
		return h.acceptFetched(ctx, post.ID, blog.Pushed)
	}
	return h.acceptPost(ctx, h.pushed(post))
}

// pushed returns the post that the activity carries.
func (h *handling) pushed(post activity.Object) incoming { return incoming{post, h.act, blog.Pushed} }

// acceptPost accepts a trusted post: as a comment when it replies to something here, or quotes or links an article. A
// post that was sent to us and does neither is kept for the authors that it mentions.
func (h *handling) acceptPost(ctx context.Context, post incoming) error {
	// A vote in a poll is a Note as well. It belongs to the poll.
	if !post.IsPost() || post.IsVote() {
		return federation.NotOurs("it is not a post")
	}
	err := h.acceptComment(ctx, post)
	if post.origin == blog.Pushed && (errors.Is(err, federation.ErrNowhere) || errors.Is(err, federation.ErrNoArticle)) {
		return h.keepMention(ctx, post)
	}
	return err
}

// acceptComment accepts a post that replies to something here or refers to an article. The error is ErrNowhere or
// ErrNoArticle when it does neither.
func (h *handling) acceptComment(ctx context.Context, post incoming) error {
	if post.InReplyTo == "" {
		return h.addReference(ctx, post)
	}
	// A quote that also replies to something elsewhere counts as a quote: the thread elsewhere does not lead here.
	if h.Site.Owns(post.Quote) {
		_, _, err := h.ResolveTarget(ctx, h.tx, post.InReplyTo)
		if errors.Is(err, blog.ErrNotFound) {
			return h.addReference(ctx, post)
		}
		if err != nil {
			return err
		}
	}
	_, err := h.comment(ctx, post, maxAncestors)
	return err
}

// addReference adds a post that does not reply, but quotes an article or links to it. It is shown under the article,
// apart from the replies.
func (h *handling) addReference(ctx context.Context, post incoming) error {
	if _, err := h.tx.CommentByAddress(ctx, post.ID); !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	a, kind, err := h.ArticleAbout(ctx, h.tx, post.Object)
	if err == nil {
		_, err = h.addComment(ctx, post, place{article: a, kind: kind})
	}
	return err
}

// acceptFetched accepts a post as its own origin serves it. The error is missing until it was fetched. The origin of
// a post that we looked for ourselves is blog.Fetched.
func (h *handling) acceptFetched(ctx context.Context, address string, origin blog.Origin) error {
	if address == "" || h.Site.Owns(address) {
		return nil
	}
	post, asked := h.found[address]
	if !asked {
		return missing{object: address}
	}
	switch {
	case post == nil:
		return federation.NotOurs("it could not be fetched")
	// Nobody sent us this post, so it is not addressed to us: only public ones may be shown.
	case origin == blog.Fetched && post.IsPost() && post.Visibility(nil, nil) == blog.RestrictedComment:
		return federation.NotOurs("it is not public")
	}
	c, err := h.tx.CommentByAddress(ctx, post.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return h.acceptPost(ctx, incoming{Object: *post, origin: origin})
	}
	if err != nil {
		return err
	}
	// The origin vouches for the author of the post, as the signature does for the actor of an activity.
	return h.revise(ctx, c, incoming{Object: *post, carrier: activity.Activity{Actor: post.AttributedTo}, origin: origin})
}

// comment adds a post under the article that its thread leads to. Posts in between, up to hops of them, are added
// first, as fetched. It returns the id of the comment, or an ErrNotOurs when the thread does not lead to an article
// here.
func (h *handling) comment(ctx context.Context, post incoming, hops int) (blog.ID, error) {
	if known, err := h.tx.CommentByAddress(ctx, post.ID); !errors.Is(err, blog.ErrNotFound) {
		return known.ID, err
	}
	article, parent, err := h.ResolveTarget(ctx, h.tx, post.InReplyTo)
	if errors.Is(err, blog.ErrNotFound) {
		article, parent, err = h.resolveParent(ctx, post.InReplyTo, hops)
	}
	if err != nil {
		return "", err
	}
	if article.PublishedAt == nil || article.Status == blog.Deleted {
		return "", federation.NotOurs("it replies to something that is not published")
	}
	return h.addComment(ctx, post, place{article: article, parent: parent})
}

// place is where a comment is shown.
type place struct {
	article blog.Article
	parent  blog.ID // the comment that it replies to, or ""
	kind    blog.CommentKind
}

// resolveParent finds the parent of a post, by its address, and adds it first when it must be fetched.
func (h *handling) resolveParent(ctx context.Context, address string, hops int) (blog.Article, blog.ID, error) {
	if hops == 0 || address == "" || h.Site.Owns(address) {
		return blog.Article{}, "", federation.ErrNowhere
	}
	parent, asked := h.found[address]
	if !asked {
		return blog.Article{}, "", missing{object: address}
	}
	// The chain ends at a post that replies to nothing. A restricted post in it must not be shown.
	if parent == nil || !parent.IsPost() || parent.InReplyTo == "" ||
		parent.Visibility(nil, nil) == blog.RestrictedComment {
		return blog.Article{}, "", federation.ErrNowhere
	}
	id, err := h.comment(ctx, incoming{Object: *parent, origin: blog.Fetched}, hops-1)
	if err != nil {
		return blog.Article{}, "", err
	}
	c, err := h.tx.Comment(ctx, id)
	return h.ArticleUnder(ctx, h.tx, c, err)
}

// addComment adds a comment in the state that the article's policy decides.
func (h *handling) addComment(ctx context.Context, post incoming, at place) (blog.ID, error) {
	if err := h.checkNotDeleted(ctx, post); err != nil {
		return "", err
	}
	actor, err := h.knownActor(ctx, post.AttributedTo)
	if err != nil {
		return "", err
	}
	if err := h.mayReplyTo(ctx, at.parent); err != nil {
		return "", err
	}
	visibility := post.Visibility(post.carrier.To, post.carrier.Cc)
	if visibility == blog.RestrictedComment && !h.addressedToUs(post) {
		return "", federation.NotOurs("it is not public")
	}
	c := h.Content(post.Object, at.kind)
	now := h.Now()
	c.ID, c.Kind, c.Address, c.ArticleID, c.ParentID, c.ActorID, c.Origin = blog.NewID(now), at.kind, post.ID,
		at.article.ID, at.parent, actor.ID, post.origin
	// An edit counts only while the address has the same owner.
	c.KeyMark = actor.KeyMark
	c.Visibility, c.ArrivedAt = visibility, now
	// The time in a post is what its server claims. It must not sort before the article or in the future.
	c.SortedAt = blog.ClampTime(c.PublishedAt, *at.article.PublishedAt, now)
	if c.State, err = h.initialState(ctx, c, at.article, post); err != nil {
		return "", err
	}
	if actor.Block == blog.Limit {
		hold(&c)
	}
	return c.ID, h.tx.AddComment(ctx, c)
}

// checkNotDeleted returns a NotOurs for a post that its author deleted: a Create may arrive after its Delete.
func (h *handling) checkNotDeleted(ctx context.Context, post incoming) error {
	kind, _, err := h.tx.WasSeen(ctx, post.AttributedTo, post.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	if err == nil && kind == deleted {
		return federation.NotOurs("its author deleted it")
	}
	return err
}

// hold makes the comment of a limited actor wait for approval.
func hold(c *blog.Comment) {
	// A restricted comment is not shown in public anyway.
	if c.State == blog.CommentShown && c.Visibility != blog.RestrictedComment {
		c.State, c.Held = blog.CommentWaiting, true
	}
}

// mayReplyTo refuses a reply to a comment of a blocked actor: it would be shown without what it replies to.
func (h *handling) mayReplyTo(ctx context.Context, parent blog.ID) error {
	if parent == "" {
		return nil
	}
	c, err := h.tx.Comment(ctx, parent)
	if err == nil && c.Refused {
		err = federation.ErrBlocked
	}
	return err
}

// initialState decides whether a new comment is shown or waits: by the authorization that its post carries, else by
// the article's policy. A quote that the policy does not allow waits. The error is an ErrNotOurs when the comment may
// not be added at all.
func (h *handling) initialState(ctx context.Context, c blog.Comment, a blog.Article,
	post incoming) (blog.CommentState, error) {
	authorized, err := h.authorized(ctx, post.ReplyAuthorization, blog.ReplyAuthorization, post.ID)
	if authorized || err != nil {
		return blog.CommentShown, err
	}
	var relation blog.Relation
	// Only this policy asks for the relation, and each reply would pay for the query.
	if a.Comments == blog.Known {
		if relation, err = h.tx.Relation(ctx, c.ActorID); err != nil {
			return "", err
		}
	}
	state, err := a.Comments.Admit(c, relation)
	switch {
	case errors.Is(err, blog.ErrForbidden):
		return "", federation.NotOurs("comments are closed here")
	case err != nil:
		return "", err
	case c.Kind != blog.Quoting || c.Visibility == blog.RestrictedComment:
		return state, nil // a restricted quote is shown to nobody but the author
	}
	if allowed, err := h.quotes(ctx, c, a); !allowed {
		return blog.CommentWaiting, err
	}
	return state, nil
}

// quotes reports whether a quote is allowed: by an authorization of its own, or by the article's policy. A revoked
// authorization means no.
func (h *handling) quotes(ctx context.Context, c blog.Comment, a blog.Article) (bool, error) {
	t, err := h.tx.AuthorizationFor(ctx, blog.QuoteAuthorization, c.Address)
	if errors.Is(err, blog.ErrNotFound) {
		return h.mayQuote(ctx, a, c.ActorID)
	}
	return err == nil && t.State == blog.AuthorizationGiven, err
}

// addressedToUs reports whether a post, or the activity that brought it, is addressed to an actor of ours.
func (h *handling) addressedToUs(post incoming) bool {
	return slices.ContainsFunc(slices.Concat(post.To, post.Cc, post.carrier.To, post.carrier.Cc), h.Site.Owns)
}

// maxUnseenAge is how old a post may be whose Update arrives although its Create was never seen.
const maxUnseenAge = 24 * time.Hour

// update updates the profile of the sender, or a comment or mention of theirs.
func (h *handling) update(ctx context.Context, what activity.Update) error {
	if actor := what.Object.Actor; actor != nil {
		if actor.ID != h.act.Actor {
			return nil
		}
		return h.renewActor(ctx, *actor)
	}
	post := what.Object
	if !post.Embedded {
		return h.acceptFetched(ctx, post.ID, blog.Pushed)
	}
	if post.AttributedTo != h.act.Actor || !blog.SameOrigin(post.ID, h.act.Actor) || !post.IsPost() {
		return nil
	}
	c, err := h.tx.CommentByAddress(ctx, post.ID)
	switch {
	case err == nil:
		return h.revise(ctx, c, h.pushed(post))
	case !errors.Is(err, blog.ErrNotFound):
		return err
	}
	if known, err := h.renewMention(ctx, h.pushed(post)); known || err != nil {
		return err
	}
	// The Update may have overtaken the Create, or the edit may be the first to mention us.
	if h.Now().Sub(post.Published) > maxUnseenAge {
		return nil
	}
	return h.create(ctx, post)
}

// renewActor saves the profile that an actor sends. An actor whom we do not know has no effect here, so it is not
// saved.
func (h *handling) renewActor(ctx context.Context, actor blog.Actor) error {
	known, err := h.tx.Actor(ctx, actor.ID)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	actor.FetchedAt = h.Now()
	// The domain of the new handle is a claim: the verified handle is kept as long as its user part is unchanged.
	if known.HandleCheckedAt != nil && federation.SameUser(known.Handle, actor.Handle) {
		actor.Handle, actor.HandleCheckedAt = known.Handle, known.HandleCheckedAt
	}
	return h.tx.SaveActor(ctx, actor)
}

// revise replaces the text of a comment with a newer one of its author. An edit may make a comment restricted: it
// leaves the page at once. An edit never makes a restricted comment public.
func (h *handling) revise(ctx context.Context, c blog.Comment, post incoming) error {
	if c.ActorID != post.carrier.Actor || c.ActorID != post.AttributedTo || c.State == blog.CommentRemoved {
		return nil
	}
	// Updates can arrive in any order, and more than once.
	if post.Updated == nil || c.UpdatedAt != nil && !post.Updated.After(*c.UpdatedAt) {
		return nil
	}
	a, err := h.tx.Head(ctx, c.ArticleID)
	if err != nil {
		return err
	}
	if c.Kind != blog.Answering {
		b, kind, err := h.ArticleAbout(ctx, h.tx, post.Object)
		if errors.Is(err, federation.ErrNotOurs) || err == nil && b.ID != a.ID {
			return h.tx.RemoveComment(ctx, c.ID) // the edit took out the quote or link that put it here
		}
		if err != nil {
			return err
		}
		c.Kind = kind
	}
	edited := h.Content(post.Object, c.Kind)
	c.HTML, c.Plain, c.Warning, c.Language, c.UpdatedAt = edited.HTML, edited.Plain, edited.Warning, edited.Language,
		post.Updated
	if c.Visibility != blog.RestrictedComment {
		c.Visibility = post.Visibility(post.carrier.To, post.carrier.Cc)
	}
	author, err := h.knownActor(ctx, c.ActorID)
	if err != nil || author.KeyMark != c.KeyMark {
		return err // the address has a new owner, who may delete the comment but not change it (threat T-049)
	}
	// Approval was given to the text before the edit. Hidden comments and spam stay what they are.
	if c.State == blog.CommentShown {
		if c.State, err = h.stateAfterEdit(ctx, c, a); err != nil {
			return err
		}
	}
	if author.Block == blog.Limit {
		hold(&c)
	}
	return h.tx.ReviseComment(ctx, c)
}

// stateAfterEdit decides whether a comment that is shown stays so after an edit.
func (h *handling) stateAfterEdit(ctx context.Context, c blog.Comment, a blog.Article) (blog.CommentState, error) {
	if a.Comments == blog.Approve {
		return blog.CommentWaiting, nil
	}
	if c.Kind == blog.Quoting {
		if allowed, err := h.quotes(ctx, c, a); !allowed {
			return blog.CommentWaiting, err
		}
	}
	return c.State, nil
}
