package activity

import (
	"fmt"
	"html"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/markup"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
)

// Reply is a comment of an author of ours, with all that its object on the wire is made of.
type Reply struct {
	Site      blog.Site
	Author    blog.Voice
	Comment   blog.Comment // HTML, Language, Warning, Visibility, URL and times are read
	Article   blog.Article // that the conversation is about: its object's id, and its policies, which are also those of its answers
	InReplyTo string       // what it answers; "" stands for the article
	To        *Mention     // whom it answers; nil when that is the article itself
	Context   string       // of the conversation; "" stands for that of the article
}

// Answer is an author's comment as other servers get it: a Note. Its page is Comment.URL, or the id itself, which leads
// browsers there.
func Answer(r Reply) ([]byte, error) {
	note, id, article := streams.NewActivityStreamsNote(), r.Site.NoteID(r.Comment.ID), r.Site.ArticleID(r.Article.ObjectID)
	setID(note, id)
	setAuthor(note, r.Site.ActorID(r.Author.ID))
	setURL(note, r.page())
	setTimes(note, r.Comment.PublishedAt, r.Comment.UpdatedAt)
	setContext(note, or(r.Context, article+"/context"))
	setInReplyTo(note, or(r.InReplyTo, article))
	setAudience(note, r.audience())
	setTags(note, r.Site, nil, r.mentions())
	content := r.content()
	setContent(note, content)
	if r.Comment.Warning != "" {
		setSummary(note, r.Comment.Warning)
	}
	more := extensions{"sensitive": r.Comment.Warning != "", "attachment": []any{}}
	if r.Comment.Visibility != blog.RestrictedComment {
		more["interactionPolicy"] = policy(r.Article, r.Site.ActorID(r.Author.ID))
	}
	addCollections(more, id)
	addLanguage(more, r.Comment.Language)
	addVersions(more, "contentMap", versions{{r.Comment.Language, content}})
	bytes, err := wire(note, more)
	if err != nil {
		return nil, fmt.Errorf("write answer %s: %w", r.Comment.ID, err)
	}
	return bytes, nil
}

func (r Reply) page() string { return or(r.Comment.URL, r.Site.NoteID(r.Comment.ID)) }

func (r Reply) mentions() []Mention {
	if r.To == nil {
		return nil
	}
	return []Mention{*r.To}
}

// audience is everybody, or the one who is answered: then nobody else ever gets it.
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

// content is the text, begun with the one it speaks to unless it names them anyway.
func (r Reply) content() string {
	text := string(markup.Federated(markup.Trusted(r.Comment.HTML), markup.NoteHTML, r.page()))
	if r.To == nil || strings.Contains(text, `href="`+html.EscapeString(r.To.page())+`"`) {
		return text
	}
	if rest, found := strings.CutPrefix(text, "<p>"); found {
		return "<p>" + r.To.html() + " " + rest
	}
	return "<p>" + r.To.html() + "</p>" + text
}

type withInReplyTo interface {
	SetActivityStreamsInReplyTo(vocab.ActivityStreamsInReplyToProperty)
}

// setInReplyTo says what a post answers, unless it answers nothing.
func setInReplyTo(thing withInReplyTo, address string) {
	if address == "" {
		return
	}
	parent := streams.NewActivityStreamsInReplyToProperty()
	parent.AppendIRI(iri(address))
	thing.SetActivityStreamsInReplyTo(parent)
}

// or is the first text, or the second where it is empty.
func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
