package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
)

// Reply adds an author's answer to a comment. The answer appears in the thread, mentions the commenter, and goes to
// the commenter, to the author's followers and to everybody who takes part in the conversation. An answer to a
// restricted comment goes to its writer alone. Errors: blog.Invalid for an empty text, blog.ErrNotFound, blog.ErrGone
// when the article or the comment was withdrawn.
func (o *Outbox) Reply(ctx context.Context, voice blog.Voice, to blog.ID, markdown string) (blog.Comment, error) {
	var c blog.Comment
	err := o.Store.InTx(ctx, func(s *store.Store) (err error) {
		parent, err := s.Comment(ctx, to)
		if err != nil {
			return err
		}
		if c, err = o.newReplyComment(voice, parent, markdown); err != nil {
			return err
		}
		if err := s.AddComment(ctx, c); err != nil {
			return err
		}
		return o.queueReply(ctx, s, "Create", reply{voice, c, parent})
	})
	if err != nil {
		return c, fmt.Errorf("answer the comment %s: %w", to, err)
	}
	o.Wake()
	return c, nil
}

const maxReply = 20_000 // bytes of Markdown

// newReplyComment returns the comment that an answer becomes here.
func (o *Outbox) newReplyComment(voice blog.Voice, parent blog.Comment, markdown string) (blog.Comment, error) {
	switch {
	case parent.State == blog.CommentRemoved:
		return blog.Comment{}, blog.ErrGone
	case parent.Refused:
		return blog.Comment{}, blog.Invalid{Field: "text",
			Problem: "cannot be sent to somebody who is blocked: undo the block first"}
	}
	now := o.Now()
	id := blog.NewID(now)
	c := blog.Comment{ID: id, Address: o.Site.NoteID(id), ArticleID: parent.ArticleID, ParentID: parent.ID,
		VoiceID: voice.ID, Origin: blog.Own,
		Visibility: parent.Visibility, State: blog.CommentShown, Language: parent.Language, PublishedAt: now, SortedAt: now,
		ArrivedAt: now}
	err := renderReply(&c, markdown)
	return c, err
}

// renderReply sets the text of an answer and renders it.
func renderReply(c *blog.Comment, markdown string) error {
	if strings.TrimSpace(markdown) == "" {
		return blog.Invalid{Field: "text", Problem: "is empty: write an answer"}
	}
	if len(markdown) > maxReply {
		return blog.Invalid{Field: "text", Problem: "is too long for an answer: write an article"}
	}
	rendered, err := markup.Article(markdown, markup.Options{Language: c.Language})
	if err != nil {
		return blog.Invalid{Field: "text", Problem: err.Error()}
	}
	// The sanitizer for comments, since an answer stands among them on the page.
	clean := markup.Clean(string(rendered.HTML))
	c.Markdown, c.HTML, c.Plain = markdown, string(clean.HTML), clean.Text
	return nil
}

// reply is an author's answer to a comment.
type reply struct {
	voice           blog.Voice
	comment, parent blog.Comment // the answer, and the comment that it answers
}

// queueReply adds the activity of an answer and its deliveries. kind is Create or Update.
func (o *Outbox) queueReply(ctx context.Context, s *store.Store, kind string, r reply) error {
	c := r.comment
	a, err := s.Article(ctx, c.ArticleID)
	if err != nil {
		return err
	}
	if a.ObjectID == "" {
		return blog.ErrGone
	}
	c.URL = o.Site.CommentPage(a, c.ID)
	input := activity.Reply{Site: o.Site, Author: r.voice, Article: a, Comment: c, InReplyTo: r.parent.Address}
	commenter, err := s.Actor(ctx, r.parent.ActorID)
	switch {
	// A commenter who was blocked after the answer is neither mentioned nor sent anything; the others still get the
	// edit.
	case err == nil && commenter.Block == blog.Refuse:
		commenter = blog.Actor{}
	case err == nil:
		input.To = &activity.Mention{Handle: commenter.Handle, ActorID: commenter.ID, URL: commenter.URL}
	case !errors.Is(err, blog.ErrNotFound):
		return err
	}
	note, err := activity.Answer(input)
	if err != nil {
		return err
	}
	object := store.Object{ID: c.ID, ArticleID: a.ID, CommentID: c.ID, Payload: note, At: o.Now()}
	wrap := activity.WrapCreate
	if kind == "Update" {
		wrap = activity.WrapUpdate
		before, err := s.Object(ctx, c.ID)
		if err != nil {
			return err
		}
		object.Revision = before.Revision + 1
	}
	if err := s.SaveObject(ctx, object); err != nil {
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: r.voice, kind: kind, object: c.ID, revision: object.Revision},
		func(e activity.Envelope) ([]byte, error) { return wrap(e, note) })
	if err != nil {
		return err
	}
	return o.deliverReply(ctx, s, act, c, commenter)
}

// deliverReply adds the deliveries of an answer.
func (o *Outbox) deliverReply(ctx context.Context, s *store.Store, act blog.Activity, c blog.Comment,
	commenter blog.Actor) error {
	if c.Visibility == blog.RestrictedComment {
		return s.AddDeliveriesTo(ctx, act, commenter.Inbox)
	}
	if act.Kind == "Update" {
		return deliverEdit(ctx, s, act, blog.Public)
	}
	// Everybody in the conversation, as other servers do: a thread on their server would miss the answer otherwise.
	if err := s.FanOutToFollowers(ctx, act); err != nil {
		return err
	}
	return s.FanOutToParticipants(ctx, act, c.ArticleID)
}

// EditReply changes an answer and sends the Update to every server that has it. Errors: blog.Invalid,
// blog.ErrNotFound, blog.ErrForbidden for a comment that is not ours, blog.ErrGone when it was deleted.
func (o *Outbox) EditReply(ctx context.Context, id blog.ID, markdown string) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		c, err := s.Comment(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case c.VoiceID == "":
			return blog.ErrForbidden
		case c.State == blog.CommentRemoved:
			return blog.ErrGone
		}
		if err := renderReply(&c, markdown); err != nil {
			return err
		}
		now := o.Now()
		c.UpdatedAt = &now
		if err := s.ReviseComment(ctx, c); err != nil {
			return err
		}
		return o.queueReplyUpdate(ctx, s, c)
	})
	if err != nil {
		return fmt.Errorf("change the answer %s: %w", id, err)
	}
	o.Wake()
	return nil
}

// queueReplyUpdate adds the Update of an answer and its deliveries.
func (o *Outbox) queueReplyUpdate(ctx context.Context, s *store.Store, c blog.Comment) error {
	voice, err := s.Voice(ctx, c.VoiceID)
	if err != nil {
		return err
	}
	parent, err := s.Comment(ctx, c.ParentID)
	if err != nil {
		return err
	}
	return o.queueReply(ctx, s, "Update", reply{voice, c, parent})
}

// DeleteReply deletes an answer of ours everywhere, or removes the comment of somebody else from our page.
func (o *Outbox) DeleteReply(ctx context.Context, id blog.ID) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		c, err := s.Comment(ctx, id)
		if err != nil {
			return err
		}
		if c.VoiceID != "" && c.State != blog.CommentRemoved {
			if err := o.queueDelete(ctx, s, c.ID); err != nil {
				return err
			}
		}
		if err := o.withdrawAuthorizations(ctx, s, c.Address); err != nil {
			return err
		}
		return s.RemoveComment(ctx, id)
	})
	if err != nil {
		return fmt.Errorf("delete the comment %s: %w", id, err)
	}
	o.Wake()
	return nil
}

// Moderate shows or hides a comment, marks it as spam, or removes it. The server of its writer is told only when it
// waits for a decision, or when that changes.
func (o *Outbox) Moderate(ctx context.Context, id blog.ID, state blog.CommentState) error {
	if state == blog.CommentRemoved {
		return o.DeleteReply(ctx, id)
	}
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		c, err := s.Comment(ctx, id)
		if err != nil {
			return err
		}
		if err := s.ModerateComment(ctx, id, state); err != nil {
			return err
		}
		return o.answerAfterModeration(ctx, s, c, state)
	})
	if err != nil {
		return fmt.Errorf("moderate the comment %s: %w", id, err)
	}
	o.Wake()
	return nil
}
