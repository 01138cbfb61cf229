package inbox

import (
	"context"
	"errors"
	"slices"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// maxAuthorizations limits how many posts of one person may ask about one article. Further requests are rejected.
const maxAuthorizations = 100

// quoteRequest answers a request to quote an article, or an author's answer under it, by the policy of the article
// (FEP-044f). It ignores a request that is inconsistent: for the post of somebody else, for a post that quotes
// something else, or for an article that does not exist.
func (in *Inbox) quoteRequest(ctx context.Context, s *store.Store, act activity.Activity, what activity.QuoteRequest,
	found fetched, result *outcome) error {
	a, err := in.quotable(ctx, s, what.Object)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	post, err := in.instrument(act, what.Instrument, found)
	if err != nil || post.Quote != what.Object {
		return federation.IgnoreMissing(err)
	}
	actor, err := in.knownActor(ctx, s, act.Actor)
	if err != nil {
		return err
	}
	request, _ := act.Request()
	t := in.authorizationFor(blog.QuoteStamp, request, a)
	result.queued = true
	allowed, err := in.mayStillQuote(ctx, s, a, actor, post.ID)
	if err != nil {
		return err
	}
	return in.outbox.AnswerRequest(ctx, s, t, actor, allowed)
}

// quotable finds the article whose policy decides about a quote: the quoted article, or the one above the quoted
// answer. blog.ErrNotFound when it is not public.
func (in *Inbox) quotable(ctx context.Context, s *store.Store, address string) (blog.Article, error) {
	kind, id, rest, ok := in.Site.Local(address)
	switch {
	case ok && rest == "" && kind == "articles":
		a, err := s.HeadByObject(ctx, id)
		if err == nil && a.ObjectID != id {
			err = blog.ErrNotFound
		}
		return a, err
	case ok && rest == "" && kind == "notes":
		c, err := s.Comment(ctx, id)
		if err == nil && (c.VoiceID == "" || !c.Public()) {
			err = blog.ErrNotFound
		}
		a, _, err := in.ArticleUnder(ctx, s, c, err)
		if err == nil && a.ObjectID == "" {
			err = blog.ErrNotFound
		}
		a.VoiceID = c.VoiceID // it is their followers who are meant
		return a, err
	}
	return blog.Article{}, blog.ErrNotFound
}

// replyRequest adds a post as a comment and answers the request: Accept with an authorization when it is shown, Reject
// when it never will be, and nothing yet when the author must decide.
func (in *Inbox) replyRequest(ctx context.Context, s *store.Store, act activity.Activity, what activity.ReplyRequest,
	found fetched, result *outcome) error {
	if kind, _, rest, ok := in.Site.Local(what.Object); !ok || rest != "" || kind != "articles" && kind != "notes" {
		return nil
	}
	a, _, err := in.ResolveTarget(ctx, s, what.Object)
	if err != nil || a.Status != blog.Published {
		return federation.IgnoreMissing(err)
	}
	post, err := in.instrument(act, what.Instrument, found)
	if err != nil || post.InReplyTo != what.Object {
		return federation.IgnoreMissing(err)
	}
	actor, err := in.knownActor(ctx, s, act.Actor)
	if err != nil {
		return err
	}
	id, err := in.comment(ctx, s, post, act, blog.Pushed, found, maxAncestors)
	if err != nil && !errors.Is(err, federation.ErrNotOurs) {
		return err
	}
	request, _ := act.Request()
	t := in.authorizationFor(blog.ReplyStamp, request, a)
	result.queued = true
	if id == "" {
		return in.outbox.AnswerRequest(ctx, s, t, actor, false)
	}
	c, err := s.Comment(ctx, id)
	if err != nil || c.ActorID != actor.ID {
		return err
	}
	return in.tell(ctx, s, t, actor, c.State)
}

// tell answers for a comment, or leaves the request open until the author decides.
func (in *Inbox) tell(ctx context.Context, s *store.Store, t blog.Authorization, actor blog.Actor,
	state blog.CommentState) error {
	if state == blog.CommentWaiting {
		return in.outbox.KeepRequest(ctx, s, t)
	}
	return in.outbox.AnswerRequest(ctx, s, t, actor, state == blog.CommentShown)
}

// createAndTell adds a post, and answers for it without a request when its server waits for an answer. GoToSocial sends
// the bare Create, and shows the post to nobody until it is accepted, wherever a reply policy does not let everybody
// answer. A post with a reply policy of its own comes from such a server.
func (in *Inbox) createAndTell(ctx context.Context, s *store.Store, act activity.Activity, what activity.Create,
	found fetched, result *outcome) error {
	if err := in.create(ctx, s, act, what, found); err != nil {
		return err
	}
	post := what.Object
	if fetched := found[post.ID]; fetched != nil {
		post = *fetched
	}
	if kind, _, rest, ok := in.Site.Local(post.InReplyTo); !ok || rest != "" || kind != "articles" && kind != "notes" ||
		!post.RulesReplies {
		return nil
	}
	a, _, err := in.ResolveTarget(ctx, s, post.InReplyTo)
	if err != nil || a.Comments == blog.Open {
		return err
	}
	c, err := s.CommentByAddress(ctx, post.ID)
	if err != nil || c.ActorID != act.Actor {
		return err
	}
	actor, err := in.knownActor(ctx, s, act.Actor)
	if err != nil {
		return err
	}
	result.queued = true
	return in.tell(ctx, s, in.authorizationFor(blog.ReplyStamp,
		activity.Request{Actor: act.Actor, Object: post.InReplyTo, Instrument: post.ID}, a), actor, c.State)
}

// instrument returns the post of a request: the embedded one when its author sent it, else the one fetched from its
// origin.
func (in *Inbox) instrument(act activity.Activity, post activity.Object, found fetched) (activity.Object, error) {
	if !blog.SameOrigin(post.ID, act.Actor) {
		return post, federation.ErrNotOurs
	}
	if !post.Embedded {
		fetched, asked := found[post.ID]
		switch {
		case !asked:
			return post, missing{object: post.ID}
		case fetched == nil || fetched.ID != post.ID:
			return post, federation.ErrNotOurs
		}
		post = *fetched
	}
	if post.AttributedTo != act.Actor || !post.IsPost() {
		return post, federation.ErrNotOurs
	}
	return post, nil
}

// authorizationFor makes the authorization that a request asks for. It is not granted yet.
func (in *Inbox) authorizationFor(kind blog.AuthorizationKind, r activity.Request, a blog.Article) blog.Authorization {
	return blog.Authorization{ID: blog.NewID(in.Now()), Kind: kind, ArticleID: a.ID, Target: r.Object,
		Instrument: r.Instrument, ActorID: r.Actor,
		RequestID: r.ID, Requested: r.Type != "", State: blog.StampAsked, At: in.Now()}
}

// mayStillQuote reports whether a post may quote an article: the author's policy allows this person, the author has not
// removed the post, and has not been asked too often.
func (in *Inbox) mayStillQuote(ctx context.Context, s *store.Store, a blog.Article, actor blog.Actor,
	post string) (bool, error) {
	allowed, err := in.mayQuote(ctx, s, a, actor.ID)
	if err != nil || !allowed {
		return false, err
	}
	c, err := s.CommentByAddress(ctx, post)
	if err == nil && (c.ActorID != actor.ID ||
		slices.Contains([]blog.CommentState{blog.CommentHidden, blog.CommentSpam, blog.CommentRemoved}, c.State)) {
		return false, nil
	}
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return false, err
	}
	n, err := s.CountAuthorizations(ctx, a.ID, actor.ID)
	return n < maxAuthorizations, err
}

// mayQuote reports whether the policy of an article lets somebody quote it.
func (in *Inbox) mayQuote(ctx context.Context, s *store.Store, a blog.Article, actor string) (bool, error) {
	f, err := s.Follower(ctx, a.VoiceID, actor)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return false, err
	}
	return a.MayQuote(err == nil && f.State == blog.Accepted), nil
}

// authorized reports whether an address is that of an authorization of ours that was granted to this very post.
func (in *Inbox) authorized(ctx context.Context, s *store.Store, address string, kind blog.AuthorizationKind,
	post string) (bool, error) {
	where, id, rest, ok := in.Site.Local(address)
	if !ok || where != "authorizations" || rest != "" {
		return false, nil
	}
	t, err := s.LiveAuthorization(ctx, id)
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	return err == nil && t.Kind == kind && t.Instrument == post, err
}
