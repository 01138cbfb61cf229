package federation

import (
	"context"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
)

// Tombstone is the type of what stood at an address and is gone.
const Tombstone = "Tombstone"

// WireAuthorization is a stamp as others see it: given by whoever of ours wrote what it is about; blog.ErrGone when that was
// taken back.
func (b Core) WireAuthorization(ctx context.Context, s *store.Store, t blog.Authorization) (activity.Authorization, error) {
	_, id, _, _ := b.Site.Local(t.Target)
	object, err := s.Object(ctx, id)
	if err == nil && object.GoneAt != nil {
		err = blog.ErrGone
	}
	if err != nil {
		return activity.Authorization{}, err
	}
	voice, err := b.OwnerOf(ctx, s, object)
	return activity.Authorization{Site: b.Site, Voice: voice, ID: t.ID, Post: t.Instrument, Object: t.Target}, err
}

// Content makes a comment of a stranger's post: cleaned text, a poll as its options, media as links. What stands under an
// article because it quotes it does not say so in its words as well.
func (b Core) Content(post activity.Object, kind blog.CommentKind) blog.Comment {
	clean := markup.Clean(post.Content + attachmentsHTML(post))
	if kind == blog.Quoting {
		clean = markup.CleanQuote(post.Content, attachmentsHTML(post), b.Site.Owns)
	}
	c := blog.Comment{HTML: string(clean.HTML), Plain: clean.Text, Language: post.Language, URL: post.URL, UpdatedAt: post.Updated,
		PublishedAt: post.Published, ContextURL: post.Context, RepliesURL: post.Replies}
	if post.Type == "Note" || post.Type == "Question" {
		c.Warning = markup.CleanName(markup.Clean(post.Summary).Text)
	}
	if c.PublishedAt.IsZero() {
		c.PublishedAt = b.Now()
	}
	return c
}

// attachmentsHTML is what a post holds beside its text: its name where it is no note, a poll's options, links to its media.
func attachmentsHTML(post activity.Object) string {
	var b strings.Builder
	if post.Name != "" && post.Type != "Note" && post.Type != "Question" {
		fmt.Fprintf(&b, `<p><a href="%s">%s</a></p>`, html.EscapeString(post.URL), html.EscapeString(post.Name))
	}
	if len(post.Options) > 0 {
		b.WriteString("<ul>")
		for _, option := range post.Options {
			fmt.Fprintf(&b, "<li>%s</li>", html.EscapeString(option))
		}
		b.WriteString("</ul>")
	}
	for _, media := range post.Attachments {
		words := media.Alt
		if words == "" {
			words = media.Type
		}
		fmt.Fprintf(&b, `<p><a href="%s">%s</a></p>`, html.EscapeString(media.URL), html.EscapeString(words))
	}
	return b.String()
}

// mostVoicesNamed is how many addresses of ours among those that a post names are looked up.
const mostVoicesNamed = 20

// MentionOf makes a mention of a stranger's post.
func (b Core) MentionOf(post activity.Object, act activity.Activity) blog.Mention {
	words := b.Content(post, blog.Answering)
	return blog.Mention{Address: post.ID, ActorID: post.AttributedTo, Visibility: post.Visibility(act.To, act.Cc), HTML: words.HTML, Plain: words.Plain,
		Warning: words.Warning, Language: words.Language, URL: words.URL, Answers: post.InReplyTo, PublishedAt: words.PublishedAt, UpdatedAt: words.UpdatedAt,
		ArrivedAt: b.Now()}
}

// VoicesNamed finds the voices of ours that still speak among those to whom a post is sent or, where it is public, whom it
// mentions.
func (b Core) VoicesNamed(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity) ([]blog.Voice, error) {
	names := slices.Concat(post.To, post.Cc, act.To, act.Cc)
	if post.Visibility(act.To, act.Cc) != blog.RestrictedComment {
		names = append(names, post.Mentions...)
	}
	ours := slices.DeleteFunc(names, func(a string) bool { return !b.Site.Owns(a) })
	slices.Sort(ours)
	ours = slices.Compact(ours)
	var voices []blog.Voice
	for _, address := range ours[:min(len(ours), mostVoicesNamed)] {
		voice, err := b.VoiceOf(ctx, s, address)
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

// MaxFeaturedTags is how many tags an author is known by.
const MaxFeaturedTags = 10

// Profile is a voice as other servers read it, with the tags that it uses most.
func (b Core) Profile(ctx context.Context, s *store.Store, voice blog.Voice) ([]byte, error) {
	var err error
	if voice.Tags, err = s.TagsOf(ctx, voice.ID, MaxFeaturedTags); err != nil {
		return nil, err
	}
	return activity.Person(b.Site, voice)
}

const QuoteRequest = "QuoteRequest"
