package federation

import (
	"cmp"
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

// Tombstone is the type of an object that was deleted.
const Tombstone = "Tombstone"

// WireAuthorization returns an authorization as other servers read it (FEP-044f, FEP-7aa9), given by the author of its
// target. The error is blog.ErrGone when the target was withdrawn, or is an author who was deleted.
func (b Core) WireAuthorization(ctx context.Context, s *store.Store,
	t blog.Authorization) (activity.Authorization, error) {
	wire := activity.Authorization{Site: b.Site, ID: t.ID, Kind: t.Kind, Instrument: t.Instrument, Target: t.Target}
	var err error
	if t.Kind == blog.FeatureAuthorization {
		if wire.Voice, err = s.Voice(ctx, t.VoiceID); err == nil && wire.Voice.RetiredAt != nil {
			err = blog.ErrGone
		}
		return wire, err
	}
	_, id, _, ok := b.Site.Local(t.Target)
	if !ok { // the address of a page
		a, comment, err := b.ResolveTarget(ctx, s, t.Target)
		if err != nil {
			return activity.Authorization{}, err
		}
		id = cmp.Or(comment, a.ObjectID)
	}
	object, err := s.Object(ctx, id)
	if err != nil {
		return activity.Authorization{}, err
	}
	if object.GoneAt != nil {
		return activity.Authorization{}, blog.ErrGone
	}
	wire.Voice, err = b.OwnerOf(ctx, s, object)
	return wire, err
}

// Content makes a comment from a remote post: cleaned HTML and text, a poll as a list of its options, media as links.
// A quote of an article loses the line that says what it quotes, since it is shown under that article.
func (b Core) Content(post activity.Object, kind blog.CommentKind) blog.Comment {
	words := titleHTML(post) + excerptHTML(post) + post.Content
	clean := markup.Clean(words + attachmentsHTML(post))
	if kind == blog.Quoting {
		clean = markup.CleanQuote(words, attachmentsHTML(post), b.Site.Owns)
	}
	c := blog.Comment{
		HTML: string(clean.HTML), Plain: clean.Text, Language: post.Language, URL: post.URL,
		UpdatedAt: post.Updated, PublishedAt: post.Published, ContextURL: post.Context, RepliesURL: post.Replies,
	}
	if c.RepliesURL == "" && len(post.Replied) > 0 {
		c.RepliesURL = post.ID // the list comes along with the post
	}
	if warns(post) {
		c.Warning = markup.CleanName(markup.Clean(post.Summary).Text)
	}
	// A post may lack the time, or have one that cannot be read.
	if c.PublishedAt.IsZero() {
		c.PublishedAt = b.Now()
	}
	return c
}

// short reports whether a post is of the types that need no title, and whose summary is a warning.
func short(post activity.Object) bool { return post.Type == "Note" || post.Type == "Question" }

// warns reports whether the summary of a post is a content warning. In long types it is an excerpt, unless they say
// that something is to be hidden.
func warns(post activity.Object) bool { return post.Summary != "" && (short(post) || post.Sensitive) }

// titleHTML renders the name of a post, which stands above its text. The name of a note is often how its text begins.
func titleHTML(post activity.Object) string {
	if markup.Blank(post.Name) || short(post) && strings.HasPrefix(bare(post.Content), bare(post.Name)) {
		return ""
	}
	return fmt.Sprintf(`<p><a href="%s">%s</a></p>`, html.EscapeString(post.URL), html.EscapeString(post.Name))
}

// excerptHTML renders the summary of a long post, unless it only repeats the title or a part of the text.
func excerptHTML(post activity.Object) string {
	if post.Summary == "" || warns(post) || strings.Contains(bare(post.Name+" "+post.Content), bare(post.Summary)) {
		return ""
	}
	if strings.HasPrefix(post.Summary, "<p") {
		return post.Summary
	}
	return "<p>" + post.Summary + "</p>"
}

// bare returns the words of a text in one form, to find them in another text. It cuts the sign that more follows.
func bare(text string) string {
	words := strings.ToLower(markup.Words(text))
	for _, more := range []string{"…", "...", "[…]", "[...]"} {
		words = strings.TrimSpace(strings.TrimSuffix(words, more))
	}
	return words
}

// attachmentsHTML renders what a post has beside its text: the options of a poll, and links to its media, each once.
// Nothing is embedded: a reader's browser would tell the other server of the visit.
func attachmentsHTML(post activity.Object) string {
	var b strings.Builder
	if len(post.Options) > 0 {
		b.WriteString("<ul>")
		for _, option := range post.Options {
			fmt.Fprintf(&b, "<li>%s</li>", html.EscapeString(option))
		}
		b.WriteString("</ul>")
	}
	for _, media := range post.Beside() {
		words := []string{media.Alt, media.Type, media.URL}
		visible := slices.IndexFunc(words, func(s string) bool { return markup.CleanName(s) != "" })
		fmt.Fprintf(&b, `<p><a href="%s">%s</a></p>`, html.EscapeString(media.URL), html.EscapeString(words[visible]))
	}
	return b.String()
}

// maxVoicesNamed limits how many of our addresses in a post are looked up. A stranger's post can name any number.
const maxVoicesNamed = 20

// MentionOf makes a mention from a remote post.
func (b Core) MentionOf(post activity.Object, act activity.Activity) blog.Mention {
	content := b.Content(post, blog.Answering)
	return blog.Mention{
		Address: post.ID, ActorID: post.AttributedTo, Visibility: post.Visibility(act.To, act.Cc),
		HTML: content.HTML, Plain: content.Plain, Warning: content.Warning, Language: content.Language,
		URL: content.URL, Answers: post.InReplyTo,
		PublishedAt: content.PublishedAt, UpdatedAt: content.UpdatedAt, ArrivedAt: b.Now(),
	}
}

// VoicesNamed returns our voices to which a post is addressed or, if the post is public, which it mentions. Retired
// voices are left out.
func (b Core) VoicesNamed(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity) (
	[]blog.Voice, error,
) {
	names := slices.Concat(post.To, post.Cc, act.To, act.Cc)
	// A restricted post may name in a tag somebody to whom it is not sent.
	if post.Visibility(act.To, act.Cc) != blog.RestrictedComment {
		names = append(names, post.Mentions...)
	}
	own := slices.DeleteFunc(names, func(a string) bool { return !b.Site.Owns(a) })
	slices.Sort(own)
	own = slices.Compact(own)
	var voices []blog.Voice
	for _, address := range own[:min(len(own), maxVoicesNamed)] {
		voice, err := b.VoiceOf(ctx, s, address)
		switch {
		// An address of ours that is no voice, such as an article, mentions nobody.
		case errors.Is(err, blog.ErrNotFound):
		case err != nil:
			return nil, err
		case voice.RetiredAt == nil:
			voices = append(voices, voice)
		}
	}
	return voices, nil
}

// MaxFeaturedTags is how many tags an author's profile lists.
const MaxFeaturedTags = 10

// Profile returns the actor document of a voice, with the tags that it uses most.
func (b Core) Profile(ctx context.Context, s *store.Store, voice blog.Voice) ([]byte, error) {
	var err error
	if voice.Tags, err = s.TagsOf(ctx, voice.ID, MaxFeaturedTags); err != nil {
		return nil, err
	}
	return activity.Person(b.Site, voice)
}

// QuoteRequest is the type of an activity that asks for permission to quote (FEP-044f).
const QuoteRequest = "QuoteRequest"
