package activity

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"causerie/internal/blog"
	"causerie/internal/markup"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
)

// Object is a remote post as far as we read it. When the sender gave only an address, only ID is set.
type Object struct {
	Embedded     bool
	ID           string // an address, or "" when it has none that can be one
	Type         string
	AttributedTo string    // the first author; "" when there is none, or when the authors are on several origins
	InReplyTo    string    // the first
	Name         string    // plain text, as sent
	Content      string    // HTML, as sent: neither cleaned nor cut; other texts are made HTML
	Summary      string    // HTML, as sent; in a Note, and where Sensitive, it is a content warning
	Sensitive    bool      // to be folded under its summary
	Language     string    // BCP 47, "" when unknown
	URL          string    // page to read it on: http(s), on the origin of ID, else ID itself
	Published    time.Time // zero when it is absent or cannot be read
	Updated      *time.Time
	To, Cc       []string // Public in any of its three spellings
	Mentions     []string // the actors in its tags of type Mention
	Options      []string // of a poll, at most 20 of 200 runes
	Votes        []int    // for each of Options, as its server claims
	Emojis       []Emoji  // the pictures that stand for its :shortcodes:
	Quote        string   // id of the quoted object, from any of the five notations; "" when none

	Context string   // collection of its conversation (FEP-f228), on its own origin; "" when none
	Replies string   // collection of its replies, on its own origin; "" when none
	Replied []string // those of its replies that came along, at most 1,000

	// The authorizations that this post claims for its quote and its reply (FEP-044f, GoToSocial). They are not verified.
	QuoteAuthorization, ReplyAuthorization string

	// RulesReplies reports that the post says who may reply to it (interactionPolicy.canReply). Such servers (GoToSocial)
	// expect authorizations for replies.
	RulesReplies bool

	Attachments []Attachment
	Actor       *blog.Actor         // when the object is the profile of an actor
	Collection  *FeaturedCollection // when the object is a collection of recommended accounts
}

// Attachment is a file or link that hangs on a post.
type Attachment struct {
	Type      string // Image, Document, Video, Link ...
	MediaType string // as its sender claims; "" when not given
	URL       string // http(s)
	Alt       string // plain text, at most 1,500 runes
}

// Emoji is a picture that stands for a word in a text.
type Emoji struct {
	Name string // with its colons, ":ferry:"
	URL  string // of the picture, http(s)
}

var posts = set(streams.ActivityStreamsNoteName, streams.ActivityStreamsArticleName, streams.ActivityStreamsPageName,
	streams.ActivityStreamsQuestionName, streams.ActivityStreamsImageName, streams.ActivityStreamsVideoName,
	streams.ActivityStreamsAudioName, streams.ActivityStreamsEventName)

// IsPost reports whether the object is of a type that can stand as a comment.
func (o Object) IsPost() bool { return posts[o.Type] }

// IsVote reports whether the object is a vote in a poll. Mastodon and similar servers send it as a Note in reply, with
// a name and without content; of some servers, the content has tags and no words.
func (o Object) IsVote() bool {
	return o.Type == streams.ActivityStreamsNoteName && o.InReplyTo != "" && o.Name != "" &&
		markup.CleanName(markup.Clean(o.Content).Text) == ""
}

// isVoteOrChat reports whether the object is a vote or a chat message, which a blog ignores.
func (o Object) isVoteOrChat() bool { return o.IsVote() || o.Type == "ChatMessage" }

// Visibility returns who may see the object. The audience of its activity, to and cc, counts when the object has none.
// An object without any audience is restricted.
func (o Object) Visibility(to, cc []string) blog.CommentVisibility {
	if len(o.To) > 0 || len(o.Cc) > 0 {
		to, cc = o.To, o.Cc
	}
	switch {
	case anyPublic(to):
		return blog.PublicComment
	case anyPublic(cc):
		return blog.UnlistedComment
	}
	return blog.RestrictedComment
}

func anyPublic(ids []string) bool {
	for _, id := range ids {
		if isPublic(id) {
			return true
		}
	}
	return false
}

// ParseObject reads a document that is a post or the profile of an actor. The error is an ErrMalformed when it has no
// type or no id that is an address.
func ParseObject(d *Document) (o Object, err error) {
	defer recoverMalformed(&err)
	if d.Type() == "" {
		return Object{}, malformed("it has no type")
	}
	if !isAddress(d.ID()) {
		return Object{}, malformed("its id %q is no address", short(d.ID()))
	}
	kind, err := streams.ToType(context.Background(), view(d.root))
	if err != nil {
		return Object{}, malformed("%v", err)
	}
	return objectOf(d.root, kind), nil
}

// objectOf reads an object; kind is go-fed's reading of its view.
func objectOf(raw map[string]any, kind vocab.Type) Object {
	o := Object{Embedded: true, ID: addressOf(raw), Type: typeOf(raw),
		AttributedTo: writer(raw), InReplyTo: addressOf(raw["inReplyTo"]),
		To: recipients(raw["to"]), Cc: recipients(raw["cc"]),
		Mentions: mentions(raw["tag"]), Emojis: emojis(raw["tag"]), Quote: quote(raw),
		QuoteAuthorization: addressOf(raw["quoteAuthorization"]), ReplyAuthorization: addressOf(raw["replyAuthorization"]),
		Attachments: attachments(raw["attachment"])}
	o.Sensitive, _ = raw["sensitive"].(bool)
	o.RulesReplies = embedded(raw["interactionPolicy"])["canReply"] != nil
	o.Options, o.Votes = options(raw)
	o.Context, o.Replies = collectionOf(raw["context"], o.ID), collectionOf(raw["replies"], o.ID)
	o.Replied = listed(raw["replies"])
	if o.ReplyAuthorization == "" {
		o.ReplyAuthorization = addressOf(raw["approvedBy"]) // GoToSocial before 0.20
	}
	o.Name, _ = inLanguages(raw, "name")
	o.Summary, _ = inLanguages(raw, "summary")
	o.Content, o.Language = inLanguages(raw, "content")
	if !isHTML(text(raw["mediaType"]), o.Content) {
		o.Content = paragraphs(o.Content)
	}
	// Lemmy writes the language as an object with an identifier, others as a text or, as JSON-LD does, in the context.
	o.Language = cmp.Or(o.Language, language(text(embedded(raw["language"])["identifier"])),
		language(text(raw["language"])), contextLanguage(raw))
	o.URL = page(raw["url"], o.ID)
	if times, ok := kind.(dated); ok {
		o.Updated = updated(times)
		if at := published(times); at != nil {
			o.Published = *at
		}
	}
	if actors[o.Type] {
		if actor, err := actorOf(raw); err == nil {
			o.Actor = &actor
		}
	}
	o.Collection = featured(raw)
	return o
}

// isHTML reports whether the content of an object is HTML. Of other texts, Markdown among them, the words and the lines
// are kept: no Markdown of a stranger says which of the many it is. But HTML is Markdown as well, and a text that
// begins with a paragraph of it was rendered already. A type that is no text is that of a file: content has none of its
// own then.
func isHTML(mediaType, content string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(mediaType), ";")
	kind = strings.TrimSpace(kind)
	return kind == "text/html" || !strings.HasPrefix(kind, "text/") ||
		kind == "text/markdown" && strings.HasPrefix(strings.TrimSpace(content), "<p>")
}

// writer returns the author of a post. Where a post names none, its actor is meant, as in an activity.
func writer(raw map[string]any) string {
	if named := raw["attributedTo"]; len(many(named)) > 0 {
		return author(named)
	}
	return author(raw["actor"])
}

// author returns the first author of a post. Nobody can speak for an author on another origin, so a post that names one
// has no author that can be believed.
func author(value any) string {
	first := addressOf(value)
	for _, other := range many(value) {
		if id := idOf(other); !blog.SameOrigin(id, first) {
			return ""
		}
	}
	return first
}

// inLanguages returns a text and its language. A map of languages (contentMap) may come with the text or in its place.
// The language is that of the only entry, else of the only one that is the text, else of the only one with its words:
// the markup may differ. Without a text the entry with the first tag in alphabetical order is taken, because a map has
// no order.
func inLanguages(raw map[string]any, property string) (words, lang string) {
	words = text(raw[property])
	versions, _ := raw[property+"Map"].(map[string]any)
	found := 0
	if words == "" {
		for tag, version := range versions {
			if s, ok := version.(string); ok && (found == 0 || tag < lang) {
				words, lang, found = s, tag, found+1
			}
		}
		return words, language(lang)
	}
	known := map[string]string{}
	for tag, version := range versions {
		if s, ok := version.(string); ok && language(tag) != "" {
			known[tag] = s
		}
	}
	if len(known) == 1 {
		for tag := range known {
			return words, tag
		}
	}
	lang, found = matching(known, func(version string) bool { return version == words })
	if found == 0 {
		bare := markup.Words(words)
		lang, found = matching(known, func(version string) bool { return markup.Words(version) == bare })
	}
	if found != 1 {
		return words, ""
	}
	return words, lang
}

// matching returns how many versions fit, and the language of one that does.
func matching(versions map[string]string, fits func(string) bool) (lang string, found int) {
	for tag, version := range versions {
		if fits(version) {
			lang, found = tag, found+1
		}
	}
	return lang, found
}

var languagePattern = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// language returns the tag if it looks like a language tag, else "".
func language(tag string) string {
	if tag == "und" || len(tag) > 35 || !languagePattern.MatchString(tag) {
		return ""
	}
	return tag
}

// contextLanguage returns the language of all texts of a document (JSON-LD 1.1, section 4.2.4), "" when it has none.
func contextLanguage(root map[string]any) string {
	for _, v := range many(root["@context"]) {
		context, _ := v.(map[string]any)
		if tag := language(text(context["@language"])); tag != "" {
			return tag
		}
	}
	return ""
}

// page returns the address of the web page of a thing: the first of its addresses that is HTML or has no media type, on
// the origin of its id. An address on another origin could deceive a reader, so otherwise it returns the id.
func page(value any, id string) string {
	for _, v := range first(many(value), maxAttachments) {
		link, _ := v.(map[string]any)
		kind := text(link["mediaType"])
		address := href(v)
		// Videos and feeds among the addresses are not pages.
		if (kind == "" || strings.HasPrefix(kind, "text/html")) && address != "" && blog.SameOrigin(address, id) {
			return address
		}
	}
	return id
}

// href returns the target of a link: the text itself, or its href, or its url; "" unless it is http(s).
func href(value any) string {
	switch value := value.(type) {
	case string:
		if to := blog.URI(value); isAddress(to) {
			return to
		}
	case map[string]any:
		if to := blog.URI(text(value["href"])); isAddress(to) {
			return to
		}
		if inner, nested := one(value["url"]).(map[string]any); nested {
			value = inner
		}
		for _, name := range []string{"href", "url"} {
			if to := blog.URI(text(value[name])); isAddress(to) {
				return to
			}
		}
	}
	return ""
}

// MentionNames returns the names of the mentions in a post of ours, as in "@bram@veerhuis.example".
func MentionNames(d *Document) []string {
	var list []string
	for _, tag := range many(d.root["tag"]) {
		if tag, _ := tag.(map[string]any); typeOf(tag) == streams.ActivityStreamsMentionName {
			list = append(list, text(tag["name"]))
		}
	}
	return list
}

func mentions(tags any) []string {
	var list []string
	for _, tag := range many(tags) {
		tag, _ := tag.(map[string]any)
		if address := href(tag); address != "" && typeOf(tag) == streams.ActivityStreamsMentionName {
			list = append(list, address)
		}
	}
	return list
}

// quoteNames are the properties for a quoted post: of FEP-044f, of Pleroma, of Fedibird, and of Misskey.
var quoteNames = []string{"quote", "quoteUrl", "quoteUri", "_misskey_quote"}

// quote returns the id of the quoted post. The last notation that it tries is a link among the tags (FEP-e232). It need
// not say that it quotes; then its words in the text do, which begin with RE.
func quote(raw map[string]any) string {
	for _, name := range quoteNames {
		if address := addressOf(raw[name]); address != "" {
			return address
		}
	}
	for _, tag := range many(raw["tag"]) {
		tag, _ := tag.(map[string]any)
		if slices.Contains(many(tag["rel"]), any("https://misskey-hub.net/ns#_misskey_quote")) || isQuoteLink(tag) {
			return href(tag)
		}
	}
	return ""
}

func isQuoteLink(tag map[string]any) bool {
	const sign = "re:"
	name := text(tag["name"])
	return typeOf(tag) == streams.ActivityStreamsLinkName && IsActivityType(text(tag["mediaType"])) &&
		len(name) > len(sign) && strings.EqualFold(name[:len(sign)], sign)
}

// emojis returns the custom emoji among the tags that have a name and a picture.
func emojis(tags any) []Emoji {
	var list []Emoji
	for _, tag := range many(tags) {
		tag, _ := tag.(map[string]any)
		if typeOf(tag) != "Emoji" {
			continue
		}
		name, address := text(tag["name"]), href(one(tag["icon"]))
		// A name without colons occurs as well.
		if !strings.HasPrefix(name, ":") {
			name = ":" + name + ":"
		}
		if shortcodePattern.MatchString(name) && address != "" {
			list = append(list, Emoji{Name: name, URL: address})
		}
	}
	return list
}

// options returns the choices of a poll and the number of votes for each.
func options(raw map[string]any) (names []string, votes []int) {
	choices := many(raw["oneOf"])
	if len(choices) == 0 {
		// anyOf is a poll in which one may choose several.
		choices = many(raw["anyOf"])
	}
	for _, choice := range first(choices, maxOptions) {
		choice, _ := choice.(map[string]any)
		if name := text(choice["name"]); name != "" {
			names = append(names, cut(name, maxOption))
			votes = append(votes, number(embedded(choice["replies"])["totalItems"]))
		}
	}
	return names, votes
}

// number returns a count that another server claims, from 0 to maxCount; 0 when it is not a number.
func number(value any) int {
	claimed, _ := value.(float64)
	// Limited before it is converted, since the conversion of a larger float is undefined.
	return int(max(0, min(claimed, maxCount)))
}

func attachments(value any) []Attachment {
	var list []Attachment
	for _, v := range first(many(value), maxAttachments) {
		address := href(v)
		if address == "" {
			continue
		}
		thing, _ := v.(map[string]any)
		list = append(list, Attachment{Type: typeOf(thing), MediaType: short(text(thing["mediaType"])), URL: address,
			Alt: cut(description(thing), maxAlt)})
	}
	return list
}

// fileName matches what a server writes as the name of a file that has no other.
var fileName = regexp.MustCompile(`^\S+\.[A-Za-z0-9]{2,5}$`)

// description returns what is said of an attachment. Most servers say it in its name. Where that is the name of a file,
// the summary says it.
func description(thing map[string]any) string {
	name, _ := inLanguages(thing, "name")
	summary, _ := inLanguages(thing, "summary")
	if name = strings.TrimSpace(name); summary != "" && (name == "" || fileName.MatchString(name)) {
		return strings.TrimSpace(summary)
	}
	return name
}

var shortcodePattern = regexp.MustCompile(`^:[A-Za-z0-9_+.@-]{1,100}:$`)

// emoji returns a reaction that is one emoji or a :shortcode:, "" for anything else. A sequence of joined emoji with
// skin tones has up to about 16 runes. It begins with a rune beyond ASCII, or with a key of a keycap emoji.
func emoji(reaction string) string {
	reaction = strings.TrimSpace(reaction)
	if shortcodePattern.MatchString(reaction) {
		return reaction
	}
	if reaction == "" || utf8.RuneCountInString(reaction) > 16 {
		return ""
	}
	for i, r := range reaction {
		keycap := i == 0 && strings.ContainsRune("#*0123456789", r) && strings.HasSuffix(reaction, "\u20e3")
		if r < 0xa9 && !keycap {
			return ""
		}
	}
	return reaction
}
