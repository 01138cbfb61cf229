package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
)

// Outbox says what our authors say: it is the only way by which an article, an answer or a profile changes for the
// world. Each method is one transaction that holds the change and its letters; when it returns, both are on disk.
type Outbox struct {
	Base
	Wake func() // tells the courier that there is mail; must not block
}

// Publish makes a draft, a due or a withdrawn article public and writes a letter for each of the author's followers'
// servers. It gets a fresh object each time. Errors: blog.Invalid when something is missing, blog.ErrConflict when it
// is published already, blog.ErrNotFound.
func (o *Outbox) Publish(ctx context.Context, id blog.ID) (blog.Article, error) {
	mentions, err := o.articleMentions(ctx, id)
	if err != nil {
		return blog.Article{}, err
	}
	var a blog.Article
	err = o.Store.InTx(ctx, func(store *store.Store) error {
		if a, err = store.LockArticle(ctx, id); err != nil {
			return err
		}
		if err := a.Publish(o.Now(), o.Site.Location()); err != nil {
			return err
		}
		if a.Federates() {
			a.ObjectID = blog.NewID(o.Now())
		}
		if err := o.save(ctx, store, &a, "published"); err != nil {
			return err
		}
		if !a.Federates() {
			return nil
		}
		return o.sayCreate(ctx, store, a, mentions)
	})
	if err != nil {
		return a, fmt.Errorf("publish %q: %w", a.Title, err)
	}
	o.Wake()
	return a, nil
}

// save writes an article and keeps its text as a revision. A taken slug comes back with a free one offered.
func (o *Outbox) save(ctx context.Context, s *store.Store, a *blog.Article, kind string) error {
	free, err := s.FreeSlug(ctx, a.Slug, a.ID)
	if err != nil {
		return err
	}
	if free != a.Slug {
		return blog.Invalid{Field: "slug", Problem: fmt.Sprintf("“%s” belongs to another article; “%s” is free", a.Slug, free)}
	}
	if err := s.SaveArticle(ctx, a, o.Now()); err != nil {
		return err
	}
	return s.AddRevision(ctx, store.Revision{ArticleID: a.ID, Language: a.Language, Kind: kind, Title: a.Title, Summary: a.Summary,
		Markdown: a.Markdown, At: o.Now()})
}

func (o *Outbox) sayCreate(ctx context.Context, s *store.Store, a blog.Article, mentions []activity.Mention) error {
	object, w, err := o.saveObject(ctx, s, a, mentions)
	if err != nil {
		return err
	}
	said, err := o.say(ctx, s, w.Author, "Create", a.ObjectID, a.Revision, func(e activity.Envelope) ([]byte, error) {
		return activity.WrapCreate(e, object)
	})
	if err != nil {
		return err
	}
	if err := errors.Join(s.TellFollowers(ctx, said), o.tellMentioned(ctx, s, said, mentions)); err != nil {
		return err
	}
	return o.sayAnnounces(ctx, s, a)
}

// sayAnnounces lets each co-author of ours carry the article to their own followers: on the wire it has one author
// (federation.md 3.6).
func (o *Outbox) sayAnnounces(ctx context.Context, s *store.Store, a blog.Article) error {
	if a.Visibility == blog.Followers {
		return nil
	}
	for _, by := range a.Authors {
		if by.VoiceID == "" || by.VoiceID == a.VoiceID {
			continue
		}
		voice, err := s.Voice(ctx, by.VoiceID)
		if err != nil {
			return err
		}
		said, err := o.say(ctx, s, voice, "Announce", a.ObjectID, a.Revision, func(e activity.Envelope) ([]byte, error) {
			return activity.WrapAnnounce(e, o.Site.ArticleID(a.ObjectID), o.Site.ActorID(a.VoiceID))
		})
		if err != nil {
			return err
		}
		if err := s.TellFollowers(ctx, said); err != nil {
			return err
		}
	}
	return nil
}

// saveObject builds an article's object and keeps its bytes.
func (o *Outbox) saveObject(ctx context.Context, s *store.Store, a blog.Article, mentions []activity.Mention) ([]byte, activity.Work, error) {
	w, err := o.work(ctx, s, a, mentions)
	if err != nil {
		return nil, w, err
	}
	object, err := activity.Post(w)
	if err != nil {
		return nil, w, err
	}
	return object, w, s.SaveObject(ctx, store.Object{ID: a.ObjectID, ArticleID: a.ID, Payload: object, Revision: a.Revision, At: o.Now()})
}

// say mints an id, builds the activity's bytes and writes them down, without a letter yet.
func (o *Outbox) say(ctx context.Context, s *store.Store, voice blog.Voice, kind string, object blog.ID, revision int,
	build func(activity.Envelope) ([]byte, error)) (blog.Activity, error) {
	now := o.Now()
	id, err := s.NextActivityID(ctx, now)
	if err != nil {
		return blog.Activity{}, err
	}
	payload, err := build(activity.Envelope{Site: o.Site, Voice: voice, ID: id, At: now})
	if err != nil {
		return blog.Activity{}, fmt.Errorf("write %s: %w", kind, err)
	}
	said := blog.Activity{ID: id, VoiceID: voice.ID, Kind: kind, ObjectID: object, Revision: revision, Payload: payload, At: now}
	return said, s.Say(ctx, said)
}

// Schedule lets an article go out by itself at a moment in the future. Nothing is served or sent before.
func (o *Outbox) Schedule(ctx context.Context, id blog.ID, at time.Time) (blog.Article, error) {
	var a blog.Article
	err := o.Store.InTx(ctx, func(store *store.Store) (err error) {
		if a, err = store.LockArticle(ctx, id); err != nil {
			return err
		}
		if err := a.Schedule(at, o.Now(), o.Site.Location()); err != nil {
			return err
		}
		return o.save(ctx, store, &a, "saved")
	})
	if err != nil {
		return a, fmt.Errorf("schedule %q: %w", a.Title, err)
	}
	return a, nil
}

// Revise saves a changed published article and tells every server that holds it. What may not change after
// publication (format, and whether it federates) is a blog.Invalid; an article that somebody saved in the meantime is
// blog.ErrConflict.
func (o *Outbox) Revise(ctx context.Context, edited *blog.Article) error {
	mentions := o.findMentions(ctx, edited.Markdown)
	err := o.Store.InTx(ctx, func(store *store.Store) error {
		current, err := store.LockArticle(ctx, edited.ID)
		if err != nil {
			return err
		}
		if err := keepFrozen(edited, current); err != nil {
			return err
		}
		if err := edited.Revise(o.Now()); err != nil {
			return err
		}
		if err := o.save(ctx, store, edited, "published"); err != nil {
			return err
		}
		if current.ObjectID == "" {
			return nil
		}
		return o.sayUpdate(ctx, store, *edited, mentions)
	})
	if err != nil {
		return fmt.Errorf("revise %q: %w", edited.Title, err)
	}
	o.Wake()
	return nil
}

// keepFrozen carries over what an edit cannot change, and refuses what it must not.
func keepFrozen(edited *blog.Article, current blog.Article) error {
	switch {
	case edited.Format != current.Format:
		return blog.Invalid{Field: "format", Problem: "cannot change once published: servers remember what kind it was. Withdraw it and publish again"}
	case edited.Visibility != current.Visibility && (current.ObjectID == "" || !edited.Federates() || edited.Visibility == blog.Followers || current.Visibility == blog.Followers):
		return blog.Invalid{Field: "visibility", Problem: "can only change between public and unlisted once published. Withdraw it and publish again"}
	}
	edited.VoiceID, edited.Status, edited.Month, edited.ObjectID = current.VoiceID, current.Status, current.Month, current.ObjectID
	edited.PublishedAt, edited.UpdatedAt, edited.Revision, edited.CreatedAt = current.PublishedAt, current.UpdatedAt, current.Revision, current.CreatedAt
	return nil
}

func (o *Outbox) sayUpdate(ctx context.Context, s *store.Store, a blog.Article, mentions []activity.Mention) error {
	object, w, err := o.saveObject(ctx, s, a, mentions)
	if err != nil {
		return err
	}
	said, err := o.say(ctx, s, w.Author, "Update", a.ObjectID, a.Revision, func(e activity.Envelope) ([]byte, error) {
		return activity.WrapUpdate(e, object)
	})
	if err != nil {
		return err
	}
	tell := s.TellHolders
	if a.Visibility == blog.Followers { // whoever holds it and follows no more is not told its new words
		tell = s.TellFollowers
	}
	return errors.Join(s.Supersede(ctx, said, "Update"), tell(ctx, said), o.tellMentioned(ctx, s, said, mentions))
}

// Withdraw takes a published article back: its object is gone for ever, every server that may have a copy is asked to
// forget it, and its page answers 410. The text is a draft again.
func (o *Outbox) Withdraw(ctx context.Context, id blog.ID) error {
	return o.takeBack(ctx, id, "withdraw", (*blog.Article).Withdraw)
}

// Delete puts an article among the deleted ones; a published one is withdrawn with it.
func (o *Outbox) Delete(ctx context.Context, id blog.ID) error {
	return o.takeBack(ctx, id, "delete", (*blog.Article).Delete)
}

func (o *Outbox) takeBack(ctx context.Context, id blog.ID, what string, change func(*blog.Article) error) error {
	var a blog.Article
	err := o.Store.InTx(ctx, func(store *store.Store) (err error) {
		if a, err = store.LockArticle(ctx, id); err != nil {
			return err
		}
		object := a.ObjectID
		if err := change(&a); err != nil {
			return err
		}
		a.ObjectID = ""
		if err := store.SaveArticle(ctx, &a, o.Now()); err != nil || object == "" {
			return err
		}
		return o.sayDelete(ctx, store, object)
	})
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, a.Title, err)
	}
	o.Wake()
	return nil
}

// sayDelete ends an object: its bytes become a tombstone, letters about it that still wait are needless, and whoever
// may hold it is told.
func (o *Outbox) sayDelete(ctx context.Context, s *store.Store, id blog.ID) error {
	object, err := s.Object(ctx, id)
	if err != nil {
		return err
	}
	voice, err := o.ownerOf(ctx, s, object)
	if err != nil {
		return err
	}
	said, err := o.say(ctx, s, voice, "Delete", id, object.Revision, func(e activity.Envelope) ([]byte, error) {
		return activity.WrapDelete(e, object.Payload)
	})
	if err != nil {
		return err
	}
	now := o.Now()
	if object.Payload, err = activity.Tombstone(object.Payload, now); err != nil {
		return err
	}
	object.GoneAt = &now
	return errors.Join(s.SaveObject(ctx, object), s.Supersede(ctx, said, "Create", "Update", "Announce"), s.TellHolders(ctx, said))
}

func (o *Outbox) ownerOf(ctx context.Context, s *store.Store, object store.Object) (blog.Voice, error) {
	if object.CommentID != "" {
		c, err := s.Comment(ctx, object.CommentID)
		if err != nil {
			return blog.Voice{}, err
		}
		return s.Voice(ctx, c.VoiceID)
	}
	a, err := s.Article(ctx, object.ArticleID)
	if err != nil {
		return blog.Voice{}, err
	}
	return s.Voice(ctx, a.VoiceID)
}

// Introduce saves a changed profile and tells the followers' servers.
func (o *Outbox) Introduce(ctx context.Context, voice blog.Voice) error {
	voice.UpdatedAt = o.Now()
	err := o.Store.InTx(ctx, func(store *store.Store) error {
		if err := store.SaveVoice(ctx, voice); err != nil {
			return err
		}
		saved, err := store.Voice(ctx, voice.ID)
		if err != nil {
			return err
		}
		person, err := activity.Person(o.Site, saved)
		if err != nil {
			return err
		}
		said, err := o.say(ctx, store, saved, "Update", "", 0, func(e activity.Envelope) ([]byte, error) {
			return activity.WrapUpdate(e, person)
		})
		if err != nil {
			return err
		}
		return store.TellFollowers(ctx, said)
	})
	if err != nil {
		return fmt.Errorf("save the profile of %s: %w", voice.Handle, err)
	}
	o.Wake()
	return nil
}

// AcceptFollower says yes to a follower who waits for it.
func (o *Outbox) AcceptFollower(ctx context.Context, voice blog.ID, actor string) error {
	return o.answerFollower(ctx, voice, actor, func(s *store.Store, f blog.Follower) error {
		if err := s.AcceptFollower(ctx, voice, actor); err != nil {
			return err
		}
		return o.sayAccept(ctx, s, f)
	})
}

// RejectFollower says no to a follower who waits, or sends one away who was let in; their server is told.
func (o *Outbox) RejectFollower(ctx context.Context, voice blog.ID, actor string) error {
	return o.answerFollower(ctx, voice, actor, func(s *store.Store, f blog.Follower) error {
		if err := s.Unfollow(ctx, voice, actor); err != nil {
			return err
		}
		return o.sayReject(ctx, s, f)
	})
}

func (o *Outbox) answerFollower(ctx context.Context, voice blog.ID, actor string, answer func(*store.Store, blog.Follower) error) error {
	err := o.Store.InTx(ctx, func(store *store.Store) error {
		follower, err := store.Follower(ctx, voice, actor)
		if err != nil {
			return err
		}
		return answer(store, follower)
	})
	if err != nil {
		return fmt.Errorf("answer the follower %s: %w", actor, err)
	}
	o.Wake()
	return nil
}

func (o *Outbox) sayAccept(ctx context.Context, s *store.Store, f blog.Follower) error {
	return o.sayToFollower(ctx, s, f, "Accept", activity.WrapAccept)
}

func (o *Outbox) sayReject(ctx context.Context, s *store.Store, f blog.Follower) error {
	return o.sayToFollower(ctx, s, f, "Reject", activity.WrapReject)
}

// sayToFollower answers a Follow, at the personal inbox of who sent it.
func (o *Outbox) sayToFollower(ctx context.Context, s *store.Store, f blog.Follower, kind string,
	wrap func(activity.Envelope, blog.Follower) ([]byte, error)) error {
	voice, err := s.Voice(ctx, f.VoiceID)
	if err != nil {
		return err
	}
	said, err := o.say(ctx, s, voice, kind, "", 0, func(e activity.Envelope) ([]byte, error) { return wrap(e, f) })
	if err != nil {
		return err
	}
	return s.TellInboxes(ctx, said, f.Actor.Inbox)
}

// Retry lets the unsuccessful letters about an article be tried again now, only those to one server when host is not
// "". It tells how many.
func (o *Outbox) Retry(ctx context.Context, article blog.ID, host string) (int64, error) {
	n, err := o.Store.RetryLetters(ctx, article, host, o.Now())
	if err == nil {
		o.Wake()
	}
	return n, err
}

const mentionTime = 5 * time.Second

// articleMentions finds the people that an article about to be published calls by their handles.
func (o *Outbox) articleMentions(ctx context.Context, id blog.ID) ([]activity.Mention, error) {
	a, err := o.Store.Article(ctx, id)
	if err != nil {
		return nil, err
	}
	return o.findMentions(ctx, a.Markdown), nil
}

// findMentions looks handles up, among the actors we know first, then at their servers. One that cannot be found in
// time stays a word.
func (o *Outbox) findMentions(ctx context.Context, markdown string) []activity.Mention {
	ctx, cancel := context.WithTimeout(ctx, mentionTime)
	defer cancel()
	var mentions []activity.Mention
	rendered, err := markup.Article(markdown, markup.Options{})
	if err != nil {
		return nil
	}
	for _, handle := range rendered.Mentions {
		handle = strings.TrimPrefix(handle, "@")
		actor, err := o.Store.ActorByHandle(ctx, handle)
		if err != nil {
			actor, err = o.lookUp(ctx, handle)
		}
		if err != nil {
			o.Log.Info("a mention could not be found", "handle", handle, "error", err)
			continue
		}
		mentions = append(mentions, activity.Mention{Handle: handle, ActorID: actor.ID, URL: actor.URL})
	}
	return mentions
}

// lookUp asks a handle's server for its actor and remembers it.
func (o *Outbox) lookUp(ctx context.Context, handle string) (blog.Actor, error) {
	self, _, err := o.Remote.Finger(ctx, handle)
	if err != nil {
		return blog.Actor{}, err
	}
	actor, err := o.fetchActor(ctx, self)
	if err != nil {
		return actor, err
	}
	now := o.Now()
	actor.Handle, actor.HandleCheckedAt = handle, &now
	return actor, o.Store.SaveActor(ctx, actor)
}

func (o *Outbox) tellMentioned(ctx context.Context, s *store.Store, said blog.Activity, mentions []activity.Mention) error {
	ids := make([]string, len(mentions))
	for i, m := range mentions {
		ids[i] = m.ActorID
	}
	actors, err := s.Actors(ctx, ids)
	if err != nil {
		return err
	}
	for _, actor := range actors {
		if err := s.TellInboxes(ctx, said, actor.Mailbox()); err != nil {
			return err
		}
	}
	return nil
}
