package activity

import (
	"cmp"
	"fmt"
	"html"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/markup"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
)

// Reply is a comment by one of our authors, with everything that its ActivityPub object is made of.
type Reply struct {
	Site      blog.Site
	Author    blog.Voice
	Comment   blog.Comment // HTML, Language, Warning, Visibility, URL and times are read
	Article   blog.Article // the article of the conversation; its policies apply to the reply, too
	InReplyTo string       // id of what it replies to; "" means the article
	To        *Mention     // the person it replies to; nil when it replies to the article
	Context   string       // id of the conversation; "" means that of the article
}

// Answer returns the object of an author's comment as other servers get it: a Note. Its url is its id, which leads
// browsers to its place on the article's page. That place has no address of its own: without the fragment, which no
// request carries, it is the article's.
func Answer(r Reply) ([]byte, error) {
	note, id, article := streams.NewActivityStreamsNote(), r.Site.NoteID(r.Comment.ID),
		r.Site.ArticleID(r.Article.ObjectID)
	setID(note, id)
	setAuthor(note, r.Site.ActorID(r.Author.ID))
	setURL(note, id)
	setTimes(note, r.Comment.PublishedAt, r.Comment.UpdatedAt)
	setContext(note, cmp.Or(r.Context, article+"/context"))
	setInReplyTo(note, cmp.Or(r.InReplyTo, article))
	setAudience(note, r.audience())
	setTags(note, r.Site, nil, r.mentions())
	content := r.content()
	setContent(note, content)
	if r.Comment.Warning != "" {
		setSummary(note, r.Comment.Warning)
	}
	more := extensions{"sensitive": r.Comment.Warning != "", "attachment": []any{}}
	// Only its addressee gets a restricted comment, so there is nobody whom a policy could allow anything.
	if r.Comment.Visibility != blog.RestrictedComment {
		more["interactionPolicy"] = policy(r.Article, r.Site.ActorID(r.Author.ID))
	}
	addCollections(more, id)
	addLanguage(more, r.Comment.Language)
	addVersions(more, "contentMap", versions{{r.Comment.Language, content}})
	bytes, err := marshal(note, more)
	if err != nil {
		return nil, fmt.Errorf("write answer %s: %w", r.Comment.ID, err)
	}
	return bytes, nil
}

func (r Reply) page() string { return cmp.Or(r.Comment.URL, r.Site.NoteID(r.Comment.ID)) }

func (r Reply) mentions() []Mention {
	if r.To == nil {
		return nil
	}
	return []Mention{*r.To}
}

// audience returns the recipients. A restricted comment goes to the person it replies to and to nobody else.
func (r Reply) audience() audience {
	followers, whom := r.Site.ActorID(r.Author.ID)+"/followers", ""
	if r.To != nil {
		whom = r.To.ActorID
	}
	switch r.Comment.Visibility {
	case blog.RestrictedComment:
		return audience{to: unique([]string{whom}), cc: []string{}}
	case blog.UnlistedComment:
		return audience{to: []string{followers}, cc: unique([]string{Public, whom})}
	}
	return audience{to: []string{Public}, cc: unique([]string{followers, whom})}
}

// content returns the text. It begins with a mention of the person it replies to, unless the text has one already.
func (r Reply) content() string {
	text := string(markup.Federated(markup.Trusted(r.Comment.HTML), markup.NoteHTML, r.page()))
	// The author may have mentioned the person already.
	if r.To == nil || strings.Contains(text, `href="`+html.EscapeString(r.To.Page())+`"`) {
		return text
	}
	// Into the first paragraph, where Mastodon writes it, too.
	if rest, found := strings.CutPrefix(text, "<p>"); found {
		return "<p>" + r.To.html() + " " + rest
	}
	return "<p>" + r.To.html() + "</p>" + text
}

type withInReplyTo interface {
	SetActivityStreamsInReplyTo(vocab.ActivityStreamsInReplyToProperty)
}

// setInReplyTo sets what a post replies to. It does nothing for "".
func setInReplyTo(thing withInReplyTo, address string) {
	if address == "" {
		return
	}
	parent := streams.NewActivityStreamsInReplyToProperty()
	parent.AppendIRI(iri(address))
	thing.SetActivityStreamsInReplyTo(parent)
}
