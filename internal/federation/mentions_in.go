package federation

import (
	"context"
	"errors"
	"slices"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// mostVoicesNamed is how many addresses of ours among those that a post names are looked up.
const mostVoicesNamed = 20

// named keeps a post that names voices of ours and speaks of no article, for each of them to read. One that
// is not public must be sent to them. errNowhere when it names nobody here.
func (in *Inbox) named(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity) error {
	if kind, _, err := s.WasSeen(ctx, post.AttributedTo, post.ID); err == nil && kind == deleted {
		return notOurs("it was deleted by its writer")
	}
	m := in.mentionBy(post, act)
	voices, err := in.voicesNamed(ctx, s, post, act)
	if err != nil {
		return err
	}
	if len(voices) == 0 {
		return errNowhere
	}
	actor, err := in.knownActor(ctx, s, post.AttributedTo)
	if err != nil {
		return err
	}
	for _, voice := range voices {
		m.ID, m.VoiceID, m.KeyMark = blog.NewID(in.Now()), voice.ID, actor.KeyMark
		if err := s.AddMention(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// mentionBy makes a mention of a stranger's post.
func (b Base) mentionBy(post activity.Object, act activity.Activity) blog.Mention {
	words := b.words(post, blog.Answering)
	return blog.Mention{Address: post.ID, ActorID: post.AttributedTo, Visibility: post.Visibility(act.To, act.Cc), HTML: words.HTML, Plain: words.Plain,
		Warning: words.Warning, Language: words.Language, URL: words.URL, Answers: post.InReplyTo, PublishedAt: words.PublishedAt, UpdatedAt: words.UpdatedAt,
		ArrivedAt: b.Now()}
}

// voicesNamed finds the voices of ours that still speak among those to whom a post is sent or, where it is public, whom it
// mentions.
func (b Base) voicesNamed(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity) ([]blog.Voice, error) {
	names := slices.Concat(post.To, post.Cc, act.To, act.Cc)
	if post.Visibility(act.To, act.Cc) != blog.RestrictedComment {
		names = append(names, post.Mentions...)
	}
	ours := slices.DeleteFunc(names, func(a string) bool { return !b.Site.Owns(a) })
	slices.Sort(ours)
	ours = slices.Compact(ours)
	var voices []blog.Voice
	for _, address := range ours[:min(len(ours), mostVoicesNamed)] {
		voice, err := b.voiceOf(ctx, s, address)
		switch {
		case errors.Is(err, blog.ErrNotFound):
		case err != nil:
			return nil, err
		case voice.RetiredAt == nil:
			voices = append(voices, voice)
		}
	}
	return voices, nil
}

// renewMention applies an edit to the mentions by a post; it tells whether there are any.
func (in *Inbox) renewMention(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity) (bool, error) {
	known, err := s.MentionedBy(ctx, post.ID)
	if err != nil || !known {
		return false, err
	}
	m := in.mentionBy(post, act)
	if m.UpdatedAt == nil {
		m.UpdatedAt = &m.ArrivedAt
	}
	writer, err := in.knownActor(ctx, s, post.AttributedTo)
	if err != nil {
		return true, err
	}
	m.KeyMark = writer.KeyMark
	return true, s.ReviseMention(ctx, m)
}
