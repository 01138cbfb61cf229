package inbox

import (
	"context"
	"errors"
	"slices"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
)

// maxAuthorizations limits how many posts of one actor may get a permission to quote one article. Further requests
// are rejected.
const maxAuthorizations = 100

// quoteRequest answers a request to quote an article, or an author's answer under it, by the policy of the article
// (FEP-044f). It ignores a request for the post of somebody else, and for a post that quotes something else.
func (h *handling) quoteRequest(ctx context.Context, what activity.QuoteRequest) error {
	a, err := h.quotable(ctx, what.Object)
	if errors.Is(err, blog.ErrNotFound) {
		return h.rejectMissing(ctx, what.Object)
	}
	if err != nil {
		return err
	}
	post, err := h.instrument(what.Instrument)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	if same, err := h.sameTarget(ctx, post.Quote, what.Object); !same || err != nil {
		return err
	}
	actor, err := h.knownActor(ctx, h.act.Actor)
	if err != nil {
		return err
	}
	request, _ := h.act.Request()
	t := h.authorizationFor(blog.QuoteAuthorization, request, a)
	h.queued = true
	allowed, err := h.mayStillQuote(ctx, a, actor, post.ID)
	if err != nil {
		return err
	}
	return h.outbox.AnswerRequest(ctx, h.tx, t, actor, allowed)
}

// quotable returns the article whose policy decides about a quote: the quoted article itself, or the one above the
// quoted answer. It returns blog.ErrNotFound when the address is not that of a public article or answer.
func (h *handling) quotable(ctx context.Context, address string) (blog.Article, error) {
	a, comment, err := h.ownTarget(ctx, address)
	if err != nil || comment == "" {
		return a, err
	}
	c, err := h.tx.Comment(ctx, comment)
	if err == nil && (c.VoiceID == "" || !c.Public() || a.ObjectID == "") {
		err = blog.ErrNotFound
	}
	a.VoiceID = c.VoiceID // so that "followers" in the policy means the followers of the answer's author
	return a, err
}

// ownTarget returns the article or the answer of ours that an address means: its id, or the address of its page. The
// error is blog.ErrNotFound when it means neither.
func (h *handling) ownTarget(ctx context.Context, address string) (blog.Article, blog.ID, error) {
	if !h.Site.Owns(address) {
		return blog.Article{}, "", blog.ErrNotFound
	}
	a, comment, err := h.ResolveTarget(ctx, h.tx, address)
	// An article that was published again has a new id. Its former object is a Tombstone.
	if _, id, _, ok := h.Site.Local(address); err == nil && comment == "" && (ok && id != a.ObjectID || a.ObjectID == "") {
		err = blog.ErrNotFound
	}
	return a, comment, err
}

// sameTarget reports whether two addresses mean one article or answer of ours.
func (h *handling) sameTarget(ctx context.Context, one, other string) (bool, error) {
	if one == other {
		return true, nil
	}
	a, comment, err := h.ownTarget(ctx, one)
	if err != nil {
		return false, federation.IgnoreMissing(err)
	}
	b, second, err := h.ownTarget(ctx, other)
	return err == nil && a.ID == b.ID && comment == second, federation.IgnoreMissing(err)
}

// replyRequest adds a post as a comment and answers the request: Accept with an authorization when it is shown,
// Reject when it never will be, and nothing yet when the author must decide (contract F-082).
func (h *handling) replyRequest(ctx context.Context, what activity.ReplyRequest) error {
	a, _, err := h.ownTarget(ctx, what.Object)
	if errors.Is(err, blog.ErrNotFound) || err == nil && a.Status != blog.Published {
		return h.rejectMissing(ctx, what.Object)
	}
	if err != nil {
		return err
	}
	post, err := h.instrument(what.Instrument)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	if same, err := h.sameTarget(ctx, post.InReplyTo, what.Object); !same || err != nil {
		return err
	}
	actor, err := h.knownActor(ctx, h.act.Actor)
	if err != nil {
		return err
	}
	id, err := h.addReply(ctx, h.pushed(post), maxAncestors)
	// ErrNotOurs means that the comment may not be added. The id is then empty, and the request is rejected below.
	if err != nil && !errors.Is(err, federation.ErrNotOurs) {
		return err
	}
	request, _ := h.act.Request()
	t := h.authorizationFor(blog.ReplyAuthorization, request, a)
	h.queued = true
	if id == "" {
		return h.outbox.AnswerRequest(ctx, h.tx, t, actor, false)
	}
	c, err := h.tx.Comment(ctx, id)
	if err != nil || c.ActorID != actor.ID {
		return err
	}
	return h.answer(ctx, t, actor, c.State)
}

// rejectMissing rejects a request about an address of ours that is none of a public article or answer: a server that
// hears nothing would keep its post waiting.
func (h *handling) rejectMissing(ctx context.Context, object string) error {
	if !h.Site.Owns(object) {
		return nil
	}
	actor, err := h.knownActor(ctx, h.act.Actor)
	if err != nil {
		return err
	}
	request, _ := h.act.Request()
	h.queued = true
	return h.outbox.RejectMissing(ctx, h.tx, request, actor)
}

// answer answers a request for a comment by the state of the comment. While the comment waits for approval, the request
// stays open.
func (h *handling) answer(ctx context.Context, t blog.Authorization, actor blog.Actor, state blog.CommentState) error {
	if state == blog.CommentWaiting {
		return h.outbox.KeepRequest(ctx, h.tx, t)
	}
	return h.outbox.AnswerRequest(ctx, h.tx, t, actor, state == blog.CommentShown)
}

// createAndAnswer adds a post. Some servers wait for an answer although they sent no request; they get one.
func (h *handling) createAndAnswer(ctx context.Context, what activity.Create) error {
	if err := h.create(ctx, what.Object); err != nil {
		return err
	}
	post := what.Object
	if fetched := h.found[post.ID]; fetched != nil {
		post = *fetched
	}
	// GoToSocial sends no request, only the Create. Where a reply policy does not let everybody reply, it shows the post
	// to nobody until it gets an Accept. A post with a reply policy of its own comes from such a server.
	if !h.Site.Owns(post.InReplyTo) || !post.RulesReplies {
		return nil
	}
	a, _, err := h.ownTarget(ctx, post.InReplyTo)
	// The reply policy of such an article lets everybody reply, so no server waits for an answer.
	if err != nil || a.Comments == blog.Open {
		return federation.IgnoreMissing(err)
	}
	c, err := h.tx.CommentByAddress(ctx, post.ID)
	if err != nil || c.ActorID != h.act.Actor {
		return err
	}
	actor, err := h.knownActor(ctx, h.act.Actor)
	if err != nil {
		return err
	}
	h.queued = true
	return h.answer(ctx, h.authorizationFor(blog.ReplyAuthorization,
		activity.Request{Actor: h.act.Actor, Object: post.InReplyTo, Instrument: post.ID}, a), actor, c.State)
}

// instrument returns the post of a request: the embedded post, or the one that was fetched from its own server. The
// sender of the request must be its author.
func (h *handling) instrument(post activity.Object) (activity.Object, error) {
	if !blog.SameOrigin(post.ID, h.act.Actor) {
		return post, federation.ErrNotOurs
	}
	if !post.Embedded {
		fetched, asked := h.found[post.ID]
		switch {
		case !asked:
			return post, missingError{object: post.ID}
		case fetched == nil || fetched.ID != post.ID:
			return post, federation.ErrNotOurs
		}
		post = *fetched
	}
	if post.AttributedTo != h.act.Actor || !post.IsPost() {
		return post, federation.ErrNotOurs
	}
	return post, nil
}

// authorizationFor returns the authorization that a request asks for. It is not granted yet.
func (in *Inbox) authorizationFor(kind blog.AuthorizationKind, r activity.Request, a blog.Article) blog.Authorization {
	return blog.Authorization{ID: blog.NewID(in.Now()), Kind: kind, ArticleID: a.ID, Target: r.Object,
		Instrument: r.Instrument, ActorID: r.Actor,
		RequestID: r.ID, Requested: r.Type != "", State: blog.AuthorizationAsked, At: in.Now()}
}

// mayStillQuote reports whether a post may quote an article: the policy allows this actor, the author has not removed
// the post, and the actor has not asked too often.
func (h *handling) mayStillQuote(ctx context.Context, a blog.Article, actor blog.Actor, post string) (bool, error) {
	allowed, err := h.mayQuote(ctx, a, actor.ID)
	if err != nil || !allowed {
		return false, err
	}
	c, err := h.tx.CommentByAddress(ctx, post)
	if err == nil && (c.ActorID != actor.ID ||
		slices.Contains([]blog.CommentState{blog.CommentHidden, blog.CommentSpam, blog.CommentRemoved}, c.State)) {
		return false, nil
	}
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return false, err
	}
	// Whoever asks again for a post gets the answer of the first time.
	_, err = h.tx.AuthorizationFor(ctx, blog.QuoteAuthorization, post, "")
	if !errors.Is(err, blog.ErrNotFound) {
		return err == nil, err
	}
	n, err := h.tx.CountAuthorizations(ctx, blog.QuoteAuthorization, a.ID, actor.ID)
	return n < maxAuthorizations, err
}

// mayQuote reports whether the policy of an article lets an actor quote it.
func (h *handling) mayQuote(ctx context.Context, a blog.Article, actor string) (bool, error) {
	follows, err := h.follows(ctx, a.VoiceID, actor)
	return err == nil && a.MayQuote(follows), err
}

// follows reports whether an actor is an accepted follower of a voice.
func (h *handling) follows(ctx context.Context, voice blog.ID, actor string) (bool, error) {
	f, err := h.tx.Follower(ctx, voice, actor)
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	return err == nil && f.State == blog.Accepted, err
}

// authorized reports whether an address is that of an authorization that we granted to this post.
func (h *handling) authorized(ctx context.Context, address string, kind blog.AuthorizationKind,
	post string) (bool, error) {
	where, id, rest, ok := h.Site.Local(address)
	if !ok || where != "authorizations" || rest != "" {
		return false, nil
	}
	t, err := h.tx.LiveAuthorization(ctx, id)
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	// Everybody can read the address of an authorization, so it is valid only for the post that it was granted to.
	return err == nil && t.Kind == kind && t.Instrument == post, err
}
