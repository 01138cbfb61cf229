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

// preparation is what an article needs from elsewhere before it is said: the people whom it mentions, and whose posts
// it answers and quotes.
type preparation struct {
	mentions        []activity.Mention
	answers, quoted lookup
}

// lookup is a source as it stood in the article, and as it is now.
type lookup struct{ before, now blog.Source }

// prepare asks the network. Its errors are blog.Invalid for a source that cannot be fetched. Of what is held back, only
// a source is looked up, and that once: its author should hear now that it cannot be fetched.
func (o *Outbox) prepare(ctx context.Context, a blog.Article, held bool) (p preparation, err error) {
	if p.answers, err = o.findSource(ctx, "in-reply-to", a.Answers); err != nil {
		return p, err
	}
	if p.quoted, err = o.findSource(ctx, "quoting", a.Quoted); err != nil {
		return p, err
	}
	if held {
		return p, nil
	}
	p.mentions = o.findMentions(ctx, a.Markdown)
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

// settle puts the sources as they were found into the article. An article that somebody changed since is
// blog.ErrConflict.
func (p preparation) settle(a *blog.Article) error {
	if a.Answers.Address != p.answers.before.Address || a.Quoted.Address != p.quoted.before.Address {
		return fmt.Errorf("%w: somebody saved it since you opened it", blog.ErrConflict)
	}
	if a.Answers.ActorID == "" {
		a.Answers = p.answers.now
	}
	if a.Quoted.ActorID == "" {
		a.Quoted = p.quoted.now
	}
	return nil
}

// findSource looks a post up that an article answers or quotes. The address that people see becomes the post's id.
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

// findPost asks for a post elsewhere and for who wrote it. What keeps it from being had is a blog.Invalid of the field.
func (o *Outbox) findPost(ctx context.Context, field, address string) (activity.Object, blog.Actor, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyTime)
	defer cancel()
	post, err := o.FetchPost(ctx, address)
	if err == nil && !post.IsPost() {
		err = federation.ErrForeign
	}
	if err != nil {
		return activity.Object{}, blog.Actor{}, notFound(field, address, err)
	}
	author, err := o.Store.Actor(ctx, post.AttributedTo)
	if errors.Is(err, blog.ErrNotFound) {
		author, err = o.FetchActor(ctx, post.AttributedTo)
	}
	if err != nil {
		return activity.Object{}, blog.Actor{}, notFound(field, address, err)
	}
	return *post, author, nil
}

func notFound(field, address string, err error) error {
	if federation.Temporary(err) {
		return fmt.Errorf("%w (%w)", blog.Invalid{Field: field,
			Problem: fmt.Sprintf("“%s” cannot be read, since its server does not answer: try again later", address)}, err)
	}
	return blog.Invalid{Field: field, Problem: fmt.Sprintf("“%s” is no post that can be read from here: check the address",
		address)}
}

// askToQuote asks the writer of a quoted post for their consent, once for each object of the article (FEP-044f). It
// notes in the article that it did.
func (o *Outbox) askToQuote(ctx context.Context, s *store.Store, a blog.Article, object []byte) error {
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
	said, err := o.compose(ctx, s, voice, federation.QuoteRequest, a.ObjectID, a.Revision,
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapQuoteRequest(e, a.Quoted.Address, a.Quoted.ActorID, object)
		})
	if err != nil {
		return err
	}
	return errors.Join(s.SaveConsent(ctx, a.ID, blog.ConsentAsked, ""), s.TellInboxes(ctx, said, owner.Inbox))
}

// SaveQuoteConsent writes down what the writer of a quoted post says, and sends everybody who holds the article the
// object with the stamp, or without it. Its words are the same, so it is no newer. It reports whether a delivery waits.
func (o *Outbox) SaveQuoteConsent(ctx context.Context, s *store.Store, a blog.Article,
	answer blog.Source) (told bool, err error) {
	if a.Quoted.Consent == answer.Consent && a.Quoted.Stamp == answer.Stamp {
		return false, nil
	}
	if err := s.SaveConsent(ctx, a.ID, answer.Consent, answer.Stamp); err != nil || a.ObjectID == "" {
		return false, err
	}
	object, err := s.Object(ctx, a.ObjectID)
	if err != nil {
		return false, err
	}
	if object.Payload, err = activity.WithQuoteAuthorization(object.Payload, answer.Stamp); err != nil {
		return false, err
	}
	if err := s.SaveObject(ctx, object); err != nil {
		return false, err
	}
	voice, err := s.Voice(ctx, a.VoiceID)
	if err != nil {
		return false, err
	}
	said, err := o.compose(ctx, s, voice, "Update", a.ObjectID, a.Revision, func(e activity.Envelope) ([]byte, error) {
		return activity.WrapUpdate(e, object.Payload)
	})
	if err != nil {
		return false, err
	}
	if err := s.MarkQuiet(ctx, said.ID); err != nil {
		return false, err
	}
	return true, tellEdit(ctx, s, said, a.Visibility)
}
