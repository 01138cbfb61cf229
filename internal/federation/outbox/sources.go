package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// preparation is what an article needs from other servers before it is sent: the actors it mentions, and the posts
// that it answers and quotes.
type preparation struct {
	mentions        []activity.Mention
	linked          []blog.Text // those that were composed again, since somebody whom they mention was not known before
	answers, quoted lookup
}

// lookup is a source as the article has it, and as it was found now.
type lookup struct{ before, now blog.Source }

// prepare looks up what an article needs on the network. It returns blog.Invalid for a source that cannot be fetched.
// held says that the article is not sent yet. changed is a translation as it will
// be, or nil.
func (o *Outbox) prepare(ctx context.Context, a blog.Article, held bool,
	changed *blog.Translation) (p preparation, err error) {
	if p.answers, err = o.findSource(ctx, "in-reply-to", a.Answers); err != nil {
		return p, err
	}
	if p.quoted, err = o.findSource(ctx, "quoting", a.Quoted); err != nil {
		return p, err
	}
	// The mentions are looked up when the hold is over. The sources are not: the author should learn now if one cannot
	// be fetched.
	if held {
		return p, nil
	}
	if err := o.findMentions(ctx, a, changed, &p); err != nil {
		return p, err
	}
	// The writers of the sources are mentioned, so that they are notified.
	for _, source := range []lookup{p.answers, p.quoted} {
		named := func(m activity.Mention) bool { return m.ActorID == source.now.ActorID }
		if source.now.ActorID == "" || slices.ContainsFunc(p.mentions, named) {
			continue
		}
		actor, err := o.Store.Actor(ctx, source.now.ActorID)
		if err != nil {
			return p, err
		}
		p.mentions = append(p.mentions, activity.Mention{Handle: actor.Handle, ActorID: actor.ID, URL: actor.URL})
	}
	return p, nil
}

// apply writes the sources and people that were found into the article. It returns blog.ErrConflict when somebody has
// changed the sources of the article since prepare.
func (p preparation) apply(a *blog.Article) error {
	if a.Answers.Address != p.answers.before.Address || a.Quoted.Address != p.quoted.before.Address {
		return fmt.Errorf("%w: somebody saved it since you opened it", blog.ErrConflict)
	}
	// A source that the article has already stays: its writer may have allowed the quote meanwhile.
	if a.Answers.ActorID == "" {
		a.Answers = p.answers.now
	}
	if a.Quoted.ActorID == "" {
		a.Quoted = p.quoted.now
	}
	p.link(&a.Text)
	return nil
}

// findSource looks up a post that an article answers or quotes. The address of its page is replaced by its id.
func (o *Outbox) findSource(ctx context.Context, field string, source blog.Source) (lookup, error) {
	if source.Address == "" || source.ActorID != "" {
		return lookup{source, source}, nil
	}
	if o.Site.Owns(source.Address) {
		return lookup{}, blog.Invalid{Field: field, Problem: "is a post of this blog: link to it in the text instead"}
	}
	post, author, err := o.findPost(ctx, field, source.Address)
	return lookup{source, blog.Source{Address: post.ID, ActorID: author.ID}}, err
}

// findPost fetches a post and its author. It returns blog.Invalid with the field for a post that cannot be fetched.
func (o *Outbox) findPost(ctx context.Context, field, address string) (activity.Object, blog.Actor, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyTime)
	defer cancel()
	doc, err := o.FetchNamed(ctx, address)
	if err != nil {
		return activity.Object{}, blog.Actor{}, sourceError(field, address, err)
	}
	post, author, err := o.postIn(ctx, doc)
	if err != nil {
		return activity.Object{}, blog.Actor{}, sourceError(field, address, err)
	}
	return post, author, nil
}

// postIn returns the post in a document from its own server, and its author. The error is federation.ErrForeign when it
// is no post.
func (o *Outbox) postIn(ctx context.Context, doc *activity.Document) (activity.Object, blog.Actor, error) {
	post, err := o.ParsePost(doc)
	if err != nil {
		return activity.Object{}, blog.Actor{}, err
	}
	if !post.IsPost() {
		return activity.Object{}, blog.Actor{}, federation.ErrForeign
	}
	author, err := o.Store.Actor(ctx, post.AttributedTo)
	if errors.Is(err, blog.ErrNotFound) {
		author, err = o.FetchActor(ctx, post.AttributedTo)
	}
	return *post, author, err
}

// sourceError returns blog.Invalid for a post that cannot be fetched, and a failure of our own unchanged.
func sourceError(field, address string, err error) error {
	if federation.Temporary(err) {
		return fmt.Errorf("%w (%w)", blog.Invalid{Field: field,
			Problem: fmt.Sprintf("“%s” cannot be read, since its server does not answer: try again later", address)}, err)
	}
	if federation.Internal(err) {
		return err
	}
	return blog.Invalid{Field: field,
		Problem: fmt.Sprintf("“%s” is not a post that can be read from here: check the address", address)}
}

// queueQuoteRequest asks the author of a quoted post for permission (FEP-044f), once for each object of the article.
// It does nothing when the article quotes nothing or has asked before.
func (o *Outbox) queueQuoteRequest(ctx context.Context, s *store.Store, a blog.Article, object []byte) error {
	if a.Quoted.Address == "" || a.Quoted.Consent != "" {
		return nil
	}
	voice, err := s.Voice(ctx, a.VoiceID)
	if err != nil {
		return err
	}
	owner, err := s.Actor(ctx, a.Quoted.ActorID)
	if err != nil {
		return err
	}
	request := outgoing{voice: voice, kind: federation.QuoteRequest, object: a.ObjectID, revision: a.Revision}
	act, err := o.compose(ctx, s, request,
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapQuoteRequest(e, a.Quoted.Address, a.Quoted.ActorID, object)
		})
	if err != nil {
		return err
	}
	if err := s.SaveConsent(ctx, a.ID, blog.ConsentAsked, ""); err != nil {
		return err
	}
	return s.AddDeliveriesTo(ctx, act, owner.Inbox)
}

// SaveQuoteConsent saves the answer of the author of a quoted post. It sends the object with the authorization, or
// without it, to every server that has the article. It reports whether deliveries were added.
func (o *Outbox) SaveQuoteConsent(ctx context.Context, s *store.Store, a blog.Article,
	answer blog.Source) (queued bool, err error) {
	if a.Quoted.Consent == answer.Consent && a.Quoted.Authorization == answer.Authorization {
		return false, nil
	}
	if err := s.SaveConsent(ctx, a.ID, answer.Consent, answer.Authorization); err != nil || a.ObjectID == "" {
		return false, err
	}
	object, err := s.Object(ctx, a.ObjectID)
	if err != nil {
		return false, err
	}
	if object.Payload, err = activity.WithQuoteAuthorization(object.Payload, answer.Authorization); err != nil {
		return false, err
	}
	if err := s.SaveObject(ctx, object); err != nil {
		return false, err
	}
	voice, err := s.Voice(ctx, a.VoiceID)
	if err != nil {
		return false, err
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Update", object: a.ObjectID, revision: a.Revision},
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapUpdate(e, object.Payload)
		})
	if err != nil {
		return false, err
	}
	// The text is the same, so other servers should show no edit.
	if err := s.MarkQuiet(ctx, act.ID); err != nil {
		return false, err
	}
	return true, deliverEdit(ctx, s, act, a.Visibility)
}
