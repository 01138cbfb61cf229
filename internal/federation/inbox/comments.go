package inbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/markup"
)

// maxAncestors limits the walk from a reply up to its article (contract F-066).
const maxAncestors = 16

// incoming is a post that may become a comment or a mention.
type incoming struct {
	activity.Object
	carrier activity.Activity // the activity that brought the post; empty when the post was fetched from its origin
	origin  blog.Origin
	served  bool // it is what its own server serves now
}

// create handles the post of a Create. An embedded post is trusted when it has the origin of the actor and is
// attributed to the actor (threat T-034). Any other post is fetched from its own server.
func (h *handling) create(ctx context.Context, post activity.Object) error {
	if !post.Embedded || post.AttributedTo != h.act.Actor || !blog.SameOrigin(post.ID, h.act.Actor) {
		return h.acceptFetched(ctx, post.ID, blog.Pushed)
	}
	return h.acceptPost(ctx, h.pushed(post))
}

// pushed returns the post that the activity carries.
func (h *handling) pushed(post activity.Object) incoming {
	return incoming{Object: post, carrier: h.act, origin: blog.Pushed}
}

// acceptPost accepts a trusted post. It becomes a comment when it replies to something here, or quotes or links an
// article. Any other post that was sent to us becomes a mention for each author whom it mentions.
func (h *handling) acceptPost(ctx context.Context, post incoming) error {
	// A vote in a poll is also a Note, but it is not written to be read.
	if !post.IsPost() || post.IsVote() {
		return federation.NotOurs("it is not a post")
	}
	err := h.acceptComment(ctx, post)
	if post.origin == blog.Pushed && (errors.Is(err, federation.ErrNowhere) || errors.Is(err, federation.ErrNoArticle)) {
		return h.keepMention(ctx, post)
	}
	return err
}

// checkID returns a NotOurs for a post whose id belongs to an actor or to something of its author. One id names one
// thing: what is done to one of two would be done to the other. An activity may have the id of its post: WriteFreely
// gives both the same.
func (h *handling) checkID(ctx context.Context, post incoming, author blog.Actor) error {
	taken := slices.Contains([]string{author.ID, author.Inbox, author.FollowersURL}, post.ID)
	if !taken {
		_, err := h.tx.KeyOwner(ctx, post.ID)
		if taken = err == nil; !taken && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
	}
	if !taken {
		var err error
		if taken, err = h.tx.KnowsActor(ctx, post.ID); err != nil {
			return err
		}
	}
	if taken {
		return federation.NotOurs("its id is that of something else")
	}
	return nil
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
	_, err := h.addReply(ctx, post, maxAncestors)
	return err
}

// addReference adds a post that does not reply, but quotes an article or links to it. It is shown under the article,
// apart from the replies.
func (h *handling) addReference(ctx context.Context, post incoming) error {
	if known, err := h.knownPost(ctx, post); known != "" || err != nil {
		return err
	}
	a, kind, err := h.ArticleAbout(ctx, h.tx, post.Object)
	if err == nil {
		_, err = h.addComment(ctx, post, place{article: a, kind: kind})
	}
	return err
}

// acceptFetched accepts a post in the form that its own server serves. The error is a missingError as long as the post
// is not fetched. origin is blog.Fetched for a post that nobody sent us.
func (h *handling) acceptFetched(ctx context.Context, address string, origin blog.Origin) error {
	if address == "" || h.Site.Owns(address) {
		return nil
	}
	post, asked := h.found[address]
	if !asked {
		return missingError{object: address}
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
		return h.acceptPost(ctx, incoming{Object: *post, origin: origin, served: true})
	}
	if err != nil {
		return err
	}
	// The post's own server vouches for its author. So the author counts as the actor who sent this edit.
	return h.revise(ctx, c, incoming{Object: *post, carrier: activity.Activity{Actor: post.AttributedTo}, origin: origin,
		served: true})
}

// addReply adds a post as a comment under the article at the top of its thread. It first adds the parents of the post
// that are not known yet, at most hops of them. It returns the id of the comment. The error is an ErrNotOurs when the
// thread does not lead to an article here.
func (h *handling) addReply(ctx context.Context, post incoming, hops int) (blog.ID, error) {
	if known, err := h.knownPost(ctx, post); known != "" || err != nil {
		return known, err
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

// resolveParent adds a fetched post, the parent of another one, as a comment. It returns the article above it and the
// id of the comment.
func (h *handling) resolveParent(ctx context.Context, address string, hops int) (blog.Article, blog.ID, error) {
	if hops == 0 || address == "" || h.Site.Owns(address) {
		return blog.Article{}, "", federation.ErrNowhere
	}
	parent, asked := h.found[address]
	if !asked {
		return blog.Article{}, "", missingError{object: address}
	}
	// A post that replies to nothing is the top of its thread, and no article. A restricted post must not be shown here.
	if parent == nil || !parent.IsPost() || parent.InReplyTo == "" ||
		parent.Visibility(nil, nil) == blog.RestrictedComment {
		return blog.Article{}, "", federation.ErrNowhere
	}
	id, err := h.addReply(ctx, incoming{Object: *parent, origin: blog.Fetched}, hops-1)
	if err != nil {
		return blog.Article{}, "", err
	}
	c, err := h.tx.Comment(ctx, id)
	return h.ArticleUnder(ctx, h.tx, c, err)
}

// addComment adds a comment that knownPost does not know, in the state that the article's policy decides.
func (h *handling) addComment(ctx context.Context, post incoming, at place) (blog.ID, error) {
	actor, err := h.knownActor(ctx, post.AttributedTo)
	if err != nil {
		return "", err
	}
	if err := h.checkID(ctx, post, actor); err != nil {
		return "", err
	}
	if err := h.checkParent(ctx, at.parent); err != nil {
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
	// revise compares this mark: an edit counts only as long as the address of the actor has the same owner.
	c.KeyMark = actor.KeyMark
	c.Visibility, c.ArrivedAt = visibility, now
	// The server of a post can claim any time. We sort no comment before its article or in the future.
	c.SortedAt = blog.ClampTime(c.PublishedAt, *at.article.PublishedAt, now)
	if c.State, err = h.initialState(ctx, c, at.article, post); err != nil {
		return "", err
	}
	if actor.Block == blog.Limit {
		holdForApproval(&c)
	}
	if wordless(c) {
		c.State, c.Strayed, c.Held = blog.CommentRemoved, true, false
	}
	return c.ID, h.tx.AddComment(ctx, c)
}

// wordless reports whether a reply shows nothing to a reader. It is kept, so that it is known when an edit gives it
// words, but not shown. A quote says something without words.
func wordless(c blog.Comment) bool {
	return c.Kind == blog.Answering && markup.Blank(c.Plain) && c.Warning == ""
}

// knownPost returns the id of the comment that a post became already, "" when there is none. A newer version revises
// the comment, whatever activity brought it: WordPress sends a Create when a draft is published again. The error is a
// NotOurs for a post that its author deleted: a Create may arrive after its Delete.
func (h *handling) knownPost(ctx context.Context, post incoming) (blog.ID, error) {
	id, gone, err := h.tx.KnownPost(ctx, post.AttributedTo, post.ID)
	switch {
	case err != nil:
	case id == "" && gone:
		err = federation.NotOurs("its author deleted it")
	case id != "" && post.origin == blog.Pushed && post.Updated != nil:
		var c blog.Comment
		if c, err = h.tx.Comment(ctx, id); err == nil {
			err = h.revise(ctx, c, post)
		}
	}
	return id, err
}

// holdForApproval makes the comment of a limited actor wait for approval.
func holdForApproval(c *blog.Comment) {
	// A restricted comment is not shown in public anyway.
	if c.State == blog.CommentShown && c.Visibility != blog.RestrictedComment {
		c.State, c.Held = blog.CommentWaiting, true
	}
}

// checkParent returns ErrBlocked for a reply to a comment of a blocked actor. That comment is hidden, so readers would
// see the reply without it.
func (h *handling) checkParent(ctx context.Context, parent blog.ID) error {
	if parent == "" {
		return nil
	}
	c, err := h.tx.Comment(ctx, parent)
	if err == nil && c.Refused {
		err = federation.ErrBlocked
	}
	return err
}

// initialState returns the state of a new comment: shown, or waiting for approval. A valid authorization in the post
// decides, else the policy of the article. A quote that the policy does not allow waits. The error is an ErrNotOurs
// when the comment may not be added at all.
func (h *handling) initialState(ctx context.Context, c blog.Comment, a blog.Article,
	post incoming) (blog.CommentState, error) {
	authorized, err := h.authorized(ctx, post.ReplyAuthorization, blog.ReplyAuthorization, post.ID)
	if authorized || err != nil {
		return blog.CommentShown, err
	}
	var relation blog.Relation
	// Only this policy needs the relation, and the query would cost time for each reply.
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
	if allowed, err := h.quoteAllowed(ctx, c, a); !allowed {
		return blog.CommentWaiting, err
	}
	return state, nil
}

// quoteAllowed reports whether a quote may be shown. The authorization of the quote decides if there is one, else the
// policy of the article.
func (h *handling) quoteAllowed(ctx context.Context, c blog.Comment, a blog.Article) (bool, error) {
	t, err := h.tx.AuthorizationFor(ctx, blog.QuoteAuthorization, c.Address, "")
	if errors.Is(err, blog.ErrNotFound) {
		return h.mayQuote(ctx, a, c.ActorID)
	}
	return err == nil && t.State == blog.AuthorizationGiven, err
}

// addressedToUs reports whether a post, or the activity that brought it, is addressed to an actor of ours.
func (h *handling) addressedToUs(post incoming) bool {
	return slices.ContainsFunc(slices.Concat(post.To, post.Cc, post.carrier.To, post.carrier.Cc), h.Site.Owns)
}

// update updates the profile of the sender, or a comment, mention or collection of theirs.
func (h *handling) update(ctx context.Context, what activity.Update) error {
	if actor := what.Object.Actor; actor != nil {
		if actor.ID != h.act.Actor {
			return nil
		}
		return h.renewActor(ctx, *actor)
	}
	post := what.Object
	if post.Collection != nil {
		return h.renewCollection(ctx, post)
	}
	switch {
	case post.ID == h.act.Actor:
		return h.fetchSender(ctx)
	case !post.Embedded:
		if err := h.fetchCollection(ctx, post.ID); !errors.Is(err, blog.ErrNotFound) {
			return err
		}
		return h.acceptFetched(ctx, post.ID, blog.Pushed)
	case !blog.SameOrigin(post.ID, h.act.Actor) || !post.IsPost():
		return nil
	// The post may have another author now. Only its own server can say so.
	case post.AttributedTo != h.act.Actor:
		return h.acceptFetched(ctx, post.ID, blog.Pushed)
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
	// The Update may have arrived before the Create, or this edit may be the first version that mentions us. Like a Create
	// it may be of any age: servers that were away send late.
	return h.create(ctx, post)
}

// renewActor saves the profile that an actor sends. It ignores an actor whom we do not know, because nothing here shows
// that profile.
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

// fetchSender renews the profile of the sender, who did not send it along, from its server. Like renewActor it ignores
// an actor whom we do not know.
func (h *handling) fetchSender(ctx context.Context) error {
	if _, err := h.tx.Actor(ctx, h.act.Actor); err != nil {
		return federation.IgnoreMissing(err)
	}
	if _, asked := h.found[h.act.Actor]; !asked {
		return missingError{actor: h.act.Actor}
	}
	return nil
}

// revise replaces the text of a comment with a newer version by its author. An edit may restrict a comment, which then
// disappears from the page at once. An edit never makes a restricted comment public.
func (h *handling) revise(ctx context.Context, c blog.Comment, post incoming) error {
	if post.carrier.Actor != post.AttributedTo || c.State == blog.CommentRemoved && !c.Strayed {
		return nil
	}
	doubtful, err := h.doubtful(c, post)
	switch {
	case err != nil:
		return err
	case post.Updated != nil && c.UpdatedAt != nil && post.Updated.Before(*c.UpdatedAt):
		return nil
	case doubtful && !post.served:
		return h.acceptFetched(ctx, post.ID, blog.Pushed)
	case !doubtful && !newer(post.Updated, c.UpdatedAt):
		return nil
	}
	known := c
	a, err := h.tx.Head(ctx, c.ArticleID)
	if err != nil {
		return err
	}
	// What a moderator hid stays here and hidden, whatever its writer takes out and puts back.
	hidden := c.State == blog.CommentHidden || c.State == blog.CommentSpam
	if c.Kind != blog.Answering && !hidden {
		b, kind, err := h.ArticleAbout(ctx, h.tx, post.Object)
		if errors.Is(err, federation.ErrNotOurs) || err == nil && b.ID != a.ID {
			return h.stray(ctx, c, post) // the edit took out the quote or link that put it here
		}
		if err != nil {
			return err
		}
		c.Kind = kind
	}
	edited := h.Content(post.Object, c.Kind)
	c.HTML, c.Plain, c.Warning, c.Language, c.UpdatedAt = edited.HTML, edited.Plain, edited.Warning, edited.Language,
		post.Updated
	if wordless(c) && !hidden {
		return h.stray(ctx, c, post)
	}
	if c.Visibility != blog.RestrictedComment {
		c.Visibility = post.Visibility(post.carrier.To, post.carrier.Cc)
	}
	// What is approved need not be approved again because its server is asked for it again.
	if c == known {
		return nil
	}
	author, err := h.knownActor(ctx, c.ActorID)
	if err != nil || author.KeyMark != c.KeyMark {
		return err // the address has a new owner, who may delete the comment but not change it (threat T-049)
	}
	if c.ActorID != post.AttributedTo {
		if author, err = h.knownActor(ctx, post.AttributedTo); err != nil {
			return err
		}
		c.ActorID, c.KeyMark = author.ID, author.KeyMark
	}
	if c.Strayed {
		if c.State, err = h.initialState(ctx, c, a, post); err != nil {
			return err
		}
	}
	// The author approved the text before the edit, not this one. Hidden comments and spam stay what they are.
	if c.State == blog.CommentShown {
		if c.State, err = h.stateAfterEdit(ctx, c, a); err != nil {
			return err
		}
	}
	if author.Block == blog.Limit {
		holdForApproval(&c)
	}
	return h.tx.ReviseComment(ctx, c)
}

// stray removes a comment until a later edit puts back what this one took out.
func (h *handling) stray(ctx context.Context, c blog.Comment, post incoming) error {
	if c.Strayed {
		return nil
	}
	return h.tx.StrayComment(ctx, c.ID, post.Updated)
}

// doubtful reports whether only a post's own server can say whether a version of it replaces a comment: the version
// has another author of the same server, or other words at the same time. WordPress writes the time of the first edit
// alone. The error is an ErrNotOurs for an author of another server.
func (h *handling) doubtful(c blog.Comment, post incoming) (bool, error) {
	if c.ActorID != post.AttributedTo {
		if !blog.SameOrigin(c.ActorID, post.AttributedTo) {
			return false, federation.NotOurs("it has another author")
		}
		return true, nil
	}
	if post.Updated == nil || c.UpdatedAt == nil || !post.Updated.Equal(*c.UpdatedAt) {
		return false, nil
	}
	edited := h.Content(post.Object, c.Kind)
	edited.Kind = c.Kind
	if c.Strayed && wordless(edited) {
		return false, nil // a copy of what took the words out
	}
	return edited.HTML != c.HTML || edited.Warning != c.Warning, nil
}

// newer reports whether a version of a post replaces the one that we have: Updates can arrive in any order, and more
// than once. Where neither says a time, the order of arrival counts. What says none never replaces what does.
func newer(updated, known *time.Time) bool {
	return known == nil || updated != nil && updated.After(*known)
}

// stateAfterEdit returns the state that a shown comment gets after an edit: still shown, or waiting for approval.
func (h *handling) stateAfterEdit(ctx context.Context, c blog.Comment, a blog.Article) (blog.CommentState, error) {
	if a.Comments == blog.Approve {
		return blog.CommentWaiting, nil
	}
	if c.Kind == blog.Quoting {
		if allowed, err := h.quoteAllowed(ctx, c, a); !allowed {
			return blog.CommentWaiting, err
		}
	}
	return c.State, nil
}
