package outbox

import (
	"context"
	"errors"
	"html"
	"slices"
	"strings"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/markup"
	"causerie/internal/media"
	"causerie/internal/store"
)

// mentionTime limits the search for all mentions of a text: an author waits for it when publishing.
const mentionTime = 5 * time.Second

// findMentions looks up the handles in the texts of an article: first among the known actors, then at their servers. A
// handle that is not found in time stays plain text. Texts that do not link to all who were found are composed again.
// changed is a translation as it will be, or nil. An error is a failure of our own.
func (o *Outbox) findMentions(ctx context.Context, a blog.Article, changed *blog.Translation, p *preparation) error {
	texts, err := o.publicTexts(ctx, a, changed)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, mentionTime)
	defer cancel()
	people := map[string]string{} // profile pages by handle
	for _, text := range texts {
		rendered, err := markup.Article(text.Markdown, markup.Options{})
		if err != nil {
			return err
		}
		linked := true
		for _, handle := range rendered.Mentions {
			handle = strings.TrimPrefix(handle, "@")
			page, known := people[strings.ToLower(handle)]
			if !known {
				mention, err := o.findMention(limited, handle)
				if err != nil {
					return err
				}
				if mention.ActorID != "" {
					p.mentions = append(p.mentions, mention)
				}
				page = mention.Page()
				people[strings.ToLower(handle)] = page
			}
			linked = linked && (page == "" || strings.Contains(text.HTML, `href="`+html.EscapeString(page)+`"`))
		}
		if linked {
			continue
		}
		trial := a
		trial.Text = text
		if _, err := media.Compose(ctx, o.Store, &trial, media.Beside{People: people}); err != nil {
			return err
		}
		p.linked = append(p.linked, trial.Text)
	}
	return nil
}

// publicTexts returns the text of an article and its translations that readers have. changed is a translation as it
// will be, or nil.
func (o *Outbox) publicTexts(ctx context.Context, a blog.Article, changed *blog.Translation) ([]blog.Text, error) {
	translations, err := o.Store.Translations(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	texts, replaced := []blog.Text{a.Text}, false
	for _, t := range translations {
		if t.Draft {
			continue
		}
		if changed != nil && t.Language == changed.Language {
			t.Text, replaced = changed.Text, true
		}
		texts = append(texts, t.Text)
	}
	if changed != nil && !changed.Draft && !replaced {
		texts = append(texts, changed.Text)
	}
	return texts, nil
}

// findMention returns the mention of a handle. It is empty when there is no such actor, or when its server does not
// answer until the context ends.
func (o *Outbox) findMention(ctx context.Context, handle string) (activity.Mention, error) {
	actor, err := o.Store.ActorByHandle(ctx, handle)
	if errors.Is(err, blog.ErrNotFound) {
		actor, err = o.lookUp(ctx, handle)
	}
	// A failure of our own must not drop a mention: an article is sent once, and the person would never be notified.
	if federation.Internal(err) && ctx.Err() == nil {
		return activity.Mention{}, err
	}
	if err == nil && actor.Block == blog.Refuse {
		err = federation.ErrBlocked
	}
	if err != nil {
		o.Log.Info("an account that is mentioned cannot be found", "handle", handle, "error", err)
		return activity.Mention{}, nil
	}
	return activity.Mention{Handle: handle, ActorID: actor.ID, URL: actor.URL}, nil
}

// link gives a text the links to people that were found only now.
func (p preparation) link(t *blog.Text) {
	for _, linked := range p.linked {
		if linked.Language == t.Language && linked.Markdown == t.Markdown {
			t.HTML, t.Plain = linked.HTML, linked.Plain
		}
	}
}

// saveLinks gives the saved texts of an article the links to people that were found only now. What somebody has written
// since the search has its own turn.
func (p preparation) saveLinks(ctx context.Context, s *store.Store, a *blog.Article) error {
	if len(p.linked) == 0 {
		return nil
	}
	save := func(t *blog.Text) error {
		before := t.HTML
		if p.link(t); t.HTML == before {
			return nil
		}
		return s.UpdateBody(ctx, a.ID, *t)
	}
	if err := save(&a.Text); err != nil {
		return err
	}
	translations, err := s.Translations(ctx, a.ID)
	if err != nil {
		return err
	}
	for _, t := range translations {
		if err := save(&t.Text); err != nil {
			return err
		}
	}
	return nil
}

// lookUp fetches the actor of a handle and saves it.
func (o *Outbox) lookUp(ctx context.Context, handle string) (blog.Actor, error) {
	self, subject, err := o.Remote.WebFinger(ctx, handle)
	if err != nil {
		return blog.Actor{}, err
	}
	actor, err := o.FetchActor(ctx, self)
	if err != nil {
		return actor, err
	}
	// Any server may claim that a handle of its own domain belongs to an actor elsewhere. The handle is saved for that
	// actor only if the server of the actor confirms it.
	if now := o.Now(); strings.EqualFold(subject, federation.ClaimedHandle(actor)) {
		err = o.Store.SaveHandle(ctx, actor.ID, subject, &now)
	} else {
		err = o.CheckHandle(ctx, actor)
	}
	if err != nil {
		return actor, err
	}
	return o.Store.Actor(ctx, actor.ID)
}

// UnknownMentions returns the handles in an article whose actor was not found when its newest text was sent, so that
// nobody was notified. It returns none while the article is held.
func (o *Outbox) UnknownMentions(ctx context.Context, a blog.Article) ([]string, error) {
	rendered, err := markup.Article(a.Markdown, markup.Options{})
	if err != nil || len(rendered.Mentions) == 0 || a.Status != blog.Published || !a.Federates() {
		return nil, err
	}
	// The mentions of a held article are looked up only when the hold is over.
	if _, err := o.Store.Hold(ctx, a.ID); !errors.Is(err, blog.ErrNotFound) {
		return nil, err
	}
	object, err := o.Store.Object(ctx, a.ObjectID)
	if err != nil {
		return nil, err
	}
	document, err := activity.Read(object.Payload)
	if err != nil {
		return nil, err
	}
	named := activity.MentionNames(document)
	var unknown []string
	for _, handle := range rendered.Mentions {
		if strings.HasSuffix(strings.ToLower(handle), "@"+o.Site.HandleDomain) ||
			slices.ContainsFunc(named, func(name string) bool { return strings.EqualFold(name, handle) }) {
			continue
		}
		actor, err := o.Store.ActorByHandle(ctx, strings.TrimPrefix(handle, "@"))
		if federation.IgnoreMissing(err) != nil {
			return nil, err
		}
		if actor.Block != blog.Refuse { // a blocked actor was left out on purpose
			unknown = append(unknown, handle)
		}
	}
	return unknown, nil
}

// deliverToMentioned adds the deliveries of an activity to the mentioned actors.
func (o *Outbox) deliverToMentioned(ctx context.Context, s *store.Store, act blog.Activity,
	mentions []activity.Mention) error {
	ids := make([]string, len(mentions))
	for i, m := range mentions {
		ids[i] = m.ActorID
	}
	actors, err := s.Actors(ctx, ids)
	if err != nil {
		return err
	}
	for _, actor := range actors {
		if err := s.AddDeliveriesTo(ctx, act, actor.Mailbox()); err != nil {
			return err
		}
	}
	return nil
}
