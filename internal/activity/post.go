package activity

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
	langs "golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"causerie/internal/blog"
	"causerie/internal/markup"
)

// Mention is an actor that a text mentions.
type Mention struct {
	Handle  string // "bram@veerhuis.example"
	ActorID string
	URL     string // of their profile page
}

// PostInput is an article with everything that its ActivityPub object is made of.
type PostInput struct {
	Site         blog.Site
	Author       blog.Voice
	Article      blog.Article
	Translations []blog.Text    // of the article; an Article carries them, a Note links to them
	Picture      *blog.Picture  // the hero
	Inline       []blog.Picture // pictures in the text, in its order
	Mentions     []Mention
}

const (
	// maxContent is the longest text that is sent whole, in bytes: other servers refuse a document over 1 MB.
	maxContent = 900 << 10
	// maxDocument is the largest object that has its text twice, in bytes: Mastodon and we accept at most a megabyte.
	maxDocument = 1000 << 10
	// maxPictures is the most pictures of a Note; Mastodon drops the rest.
	maxPictures = 4
)

// postType is what Article and Note have in common.
type postType interface {
	vocab.Type
	withID
	withName
	withSummary
	withContent
	withURL
	withMediaType
	withAuthor
	withUpdated
	withAudience
	SetActivityStreamsContext(vocab.ActivityStreamsContextProperty)
	SetActivityStreamsTag(vocab.ActivityStreamsTagProperty)
	SetActivityStreamsImage(vocab.ActivityStreamsImageProperty)
	SetActivityStreamsAttachment(vocab.ActivityStreamsAttachmentProperty)
	SetActivityStreamsPreview(vocab.ActivityStreamsPreviewProperty)
	withInReplyTo
}

// Post returns the object of an article as other servers get it: an Article, or a Note with the text or the teaser,
// depending on the article's format. Its replies, likes and shares have no numbers yet; see [WithCounts]. It is an
// error when the article was never published or is not for other servers.
func Post(w PostInput) ([]byte, error) {
	a := w.Article
	if a.PublishedAt == nil || a.ObjectID == "" || !a.Federates() {
		return nil, fmt.Errorf("write article %s: it is not published for other servers", a.ID)
	}
	thing, id := w.kind(), w.id()
	setID(thing, id)
	setAuthor(thing, w.author())
	setURL(thing, w.Site.ArticlePage(a))
	setTimes(thing, *a.PublishedAt, a.UpdatedAt)
	setContext(thing, id+"/context")
	setAudience(thing, w.audience())
	setTags(thing, w.Site, a.AllTags(), w.allMentions())
	setInReplyTo(thing, a.Answers.Address)
	more := extensions{"sensitive": a.Warning != "", "attachment": []any{}, "interactionPolicy": w.policy()}
	addNonEmpty(more, "quote", a.Quoted.Address)
	// Without the authorization Mastodon does not show the quoted post (FEP-044f).
	addNonEmpty(more, "quoteAuthorization", a.Quoted.Authorization)
	addCollections(more, id)
	addLanguage(more, a.Language)
	if a.Format == blog.FullArticle {
		w.fillArticle(thing, more)
	} else {
		w.fillNote(thing, more)
	}
	bytes, err := marshal(thing, more)
	if err == nil && len(bytes) > maxDocument { // better the text once than refused
		delete(more, "contentMap")
		bytes, err = marshal(thing, more)
	}
	if err != nil {
		return nil, fmt.Errorf("write article %s: %w", a.ID, err)
	}
	return bytes, nil
}

func (w PostInput) id() string { return w.Site.ArticleID(w.Article.ObjectID) }

func (w PostInput) author() string { return w.Site.ActorID(w.Author.ID) }

func (w PostInput) followers() string { return w.author() + "/followers" }

func (w PostInput) kind() postType {
	if w.Article.Format == blog.FullArticle {
		return streams.NewActivityStreamsArticle()
	}
	return streams.NewActivityStreamsNote()
}

// fillArticle sets the long form: title, summary and text, each with its translations, and a preview for servers that
// show only notes (FEP-b2b8).
func (w PostInput) fillArticle(thing postType, more extensions) {
	a := w.Article
	name, summary, content := a.Title, summaryOf(a.Text),
		w.quoteFallback()+w.byline(a.Language)+w.text(a.HTML, markup.ArticleHTML)
	// Too long to be accepted elsewhere: readers get the summary and the link.
	if len(content) > maxContent {
		content = w.teaser() + w.permalink()
	}
	setName(thing, name)
	setContent(thing, content)
	setMediaType(thing, "text/html")
	names, summaries, contents := versions{{a.Language, name}}, versions{{a.Language, summary}},
		versions{{a.Language, content}}
	room := maxContent - len(content)
	for _, t := range w.Translations {
		text := w.byline(t.Language) + w.text(t.HTML, markup.ArticleHTML)
		// The translations share what the original leaves of the limit. One that does not fit is only linked.
		if room -= len(text); room < 0 {
			text = paragraphs(t.Summary) + pageOf(w.translationPage(t))
		}
		names = append(names, version{t.Language, t.Title})
		contents = append(contents, version{t.Language, text})
		if t.Summary != "" {
			summaries = append(summaries, version{t.Language, summaryOf(t)})
		}
	}
	addVersions(more, "nameMap", names)
	addVersions(more, "contentMap", contents)
	if summary != "" {
		setSummary(thing, summary)
		addVersions(more, "summaryMap", summaries)
	}
	if w.Picture != nil {
		image := streams.NewActivityStreamsImageProperty()
		image.AppendActivityStreamsImage(w.hero())
		thing.SetActivityStreamsImage(image)
	}
	preview := streams.NewActivityStreamsPreviewProperty()
	preview.AppendActivityStreamsNote(w.preview())
	thing.SetActivityStreamsPreview(preview)
}

// summaryOf returns the summary of a text. One paragraph stands without its tags: many servers show a summary as one
// line of plain text.
func summaryOf(t blog.Text) string {
	if summary := paragraphs(t.Summary); strings.Count(summary, "<p>") != 1 {
		return summary
	}
	return html.EscapeString(strings.Join(strings.Fields(t.Summary), " "))
}

func (w PostInput) preview() vocab.ActivityStreamsNote {
	note := streams.NewActivityStreamsNote()
	setAuthor(note, w.author())
	setPublished(note, *w.Article.PublishedAt)
	// No link and no id, so that nobody takes the preview for a post of its own (contract F-029).
	setContent(note, w.teaser())
	return note
}

// fillNote sets the short form. Its summary is a content warning and nothing else.
func (w PostInput) fillNote(thing postType, more extensions) {
	a := w.Article
	content := w.teaser() + w.permalink() + w.translationLinks()
	attachment := streams.NewActivityStreamsAttachmentProperty()
	if full := w.quoteFallback() + w.headline() + w.text(a.HTML, markup.NoteHTML) + w.permalink() + w.translationLinks() +
		w.hashtags(); a.Format == blog.FullNote && len(full) <= maxContent {
		content = full
		w.attachPictures(attachment)
	} else {
		attachment.AppendActivityStreamsLink(pageLink(w.Site.ArticlePage(a)))
	}
	if attachment.Len() > 0 {
		// The empty list in the extensions would replace the property.
		delete(more, "attachment")
		thing.SetActivityStreamsAttachment(attachment)
	}
	setContent(thing, content)
	addVersions(more, "contentMap", versions{{a.Language, content}})
	if a.Warning != "" {
		setSummary(thing, a.Warning)
	}
}

func (w PostInput) attachPictures(to vocab.ActivityStreamsAttachmentProperty) {
	if w.Picture != nil {
		to.AppendActivityStreamsImage(w.hero())
	}
	for _, p := range w.Inline {
		// The hero may stand in the text as well.
		if to.Len() < maxPictures && (w.Picture == nil || p.ID != w.Picture.ID) {
			to.AppendActivityStreamsImage(picture(w.Site, p))
		}
	}
}

// pageLink returns the page as an attachment. Mastodon shows it as a preview card, Lemmy as the address of the post.
func pageLink(address string) vocab.ActivityStreamsLink {
	link := streams.NewActivityStreamsLink()
	setMediaType(link, "text/html")
	setHref(link, address)
	return link
}

func (w PostInput) hero() vocab.ActivityStreamsImage {
	p := *w.Picture
	if w.Article.PictureAlt != "" {
		p.Alt = w.Article.PictureAlt
	}
	return picture(w.Site, p)
}

func picture(site blog.Site, p blog.Picture) vocab.ActivityStreamsImage {
	largest, image := p.Largest(), streams.NewActivityStreamsImage()
	setMediaType(image, p.Type)
	setURL(image, site.Media(largest.File))
	if p.Alt != "" {
		setName(image, p.Alt)
	}
	if largest.Width > 0 && largest.Height > 0 {
		width, height := streams.NewActivityStreamsWidthProperty(), streams.NewActivityStreamsHeightProperty()
		width.Set(largest.Width)
		height.Set(largest.Height)
		image.SetActivityStreamsWidth(width)
		image.SetActivityStreamsHeight(height)
	}
	if p.Blurhash != "" {
		blurhash := streams.NewTootBlurhashProperty()
		blurhash.Set(p.Blurhash)
		image.SetTootBlurhash(blurhash)
	}
	return image
}

// The parts of a text.

// text returns the HTML of our own page as other servers can show it.
func (w PostInput) text(page string, kind markup.HTMLKind) string {
	return string(markup.Federated(markup.Trusted(page), kind, w.Site.ArticlePage(w.Article)))
}

// headline returns how a Note begins. A reply to a post elsewhere has no title: in a conversation it would look like
// shouting.
func (w PostInput) headline() string {
	if w.Article.Answers.Address != "" && w.Article.Format == blog.FullNote {
		return w.byline(w.Article.Language)
	}
	return "<p><strong>" + html.EscapeString(w.Article.Title) + "</strong></p>" + w.byline(w.Article.Language)
}

// quoteFallback returns a link to the quoted post, for servers that do not support quotes (FEP-044f). Others hide it by
// its class.
func (w PostInput) quoteFallback() string {
	if w.Article.Quoted.Address == "" {
		return ""
	}
	address := html.EscapeString(w.Article.Quoted.Address)
	return `<p class="quote-inline">RE: <a href="` + address + `">` + address + `</a></p>`
}

// teaser has no link in it, so other servers show the preview card of the permalink.
func (w PostInput) teaser() string { return w.headline() + paragraphs(w.Article.Summary) }

func (w PostInput) permalink() string { return pageOf(w.Site.ArticlePage(w.Article)) }

// pageOf returns a link to a page, in a paragraph of its own.
func pageOf(address string) string { return "<p>" + pageAnchor(address) + "</p>" }

func pageAnchor(address string) string {
	address = html.EscapeString(address)
	_, shown, _ := strings.Cut(address, "://")
	return `<a href="` + address + `">` + shown + `</a>`
}

// translationLinks returns links to the translations. Each shows the name of its language in that language.
func (w PostInput) translationLinks() string {
	var out strings.Builder
	for _, t := range w.Translations {
		out.WriteString(`<p><span lang="` + html.EscapeString(t.Language) + `">` +
			html.EscapeString(languageName(t.Language)) + `</span>: ` +
			pageAnchor(w.translationPage(t)) + "</p>")
	}
	return out.String()
}

// translationPage returns the address of the page of a translation.
func (w PostInput) translationPage(t blog.Text) string {
	return w.Site.ArticlePage(blog.Article{Month: w.Article.Month, Text: t})
}

// byline names those who wrote the text with its author, since attributedTo has only one author (contract F-042):
// "met @tobias" in the language of the text, or all names if the word for "with" is unknown. A guest is named without
// a link.
func (w PostInput) byline(language string) string {
	if len(w.Article.Authors) < 2 {
		return ""
	}
	base, _, _ := strings.Cut(language, "-")
	with := withWords[strings.ToLower(base)]
	var names []string
	for _, by := range w.Article.Authors {
		switch {
		// The author is shown as the sender already.
		case by.VoiceID == w.Author.ID && with != "":
		case by.VoiceID == "" || by.VoiceID == w.Author.ID:
			names = append(names, html.EscapeString(by.Name))
		default:
			names = append(names, w.coauthor(by).html())
		}
	}
	return "<p>" + strings.TrimSpace(with+" "+strings.Join(names, ", ")) + "</p>"
}

// withWords are how languages say that something was written with somebody.
var withWords = map[string]string{"ca": "amb", "da": "med", "de": "mit", "en": "with", "eo": "kun", "es": "con",
	"fr": "avec", "fy": "mei", "gl": "con",
	"it": "con", "nb": "med", "nl": "met", "nn": "med", "no": "med", "pt": "com", "ro": "cu", "sv": "med"}

func (w PostInput) coauthor(by blog.Byline) Mention {
	return Mention{Handle: by.Handle + "@" + w.Site.HandleDomain, ActorID: w.Site.ActorID(by.VoiceID),
		URL: w.Site.VoicePage(blog.Voice{Kind: blog.AuthorVoice, Handle: by.Handle})}
}

// html returns a mention in the form that servers recognise.
func (m Mention) html() string {
	name, _, _ := strings.Cut(m.Handle, "@")
	return `<span class="h-card"><a href="` + html.EscapeString(m.Page()) + `" class="u-url mention">@<span>` +
		html.EscapeString(name) + `</span></a></span>`
}

// Page returns the profile page of the actor, or its id when it has no page.
func (m Mention) Page() string {
	if m.URL != "" {
		return m.URL
	}
	return m.ActorID
}

// hashtags returns a last paragraph with the tags that the text does not have already.
func (w PostInput) hashtags() string {
	var links []string
	inText := hashtagsOf(w.Site, w.Article.Hashtags)
	for _, tag := range hashtagsOf(w.Site, w.Article.AllTags()) {
		if slices.ContainsFunc(inText, tag.same) {
			continue
		}
		links = append(links, `<a href="`+html.EscapeString(tag.page)+`" class="mention hashtag" rel="tag">#<span>`+
			tag.name+`</span></a>`)
	}
	if len(links) == 0 {
		return ""
	}
	return "<p>" + strings.Join(links, " ") + "</p>"
}

// hashtagOf is a tag as other servers know it.
type hashtagOf struct {
	name string // without "#"
	page string
}

func (t hashtagOf) same(other hashtagOf) bool { return strings.EqualFold(t.name, other.name) }

// hashtagsOf returns the hashtags of tags, each once whatever its case. Tags that no hashtag can name are left out.
func hashtagsOf(site blog.Site, tags []string) []hashtagOf {
	var list []hashtagOf
	for _, tag := range tags {
		t := hashtagOf{hashtag(tag), site.TagPage(tag)}
		if t.name != "" && !slices.ContainsFunc(list, t.same) {
			list = append(list, t)
		}
	}
	return list
}

// hashtag returns a tag as one word: "low road" is LowRoad. It is "" for a tag that cannot be one: what stands between
// the words may be lost, but C++ and C# would both be C, and others take #2026 for a number.
func hashtag(tag string) string {
	words := strings.FieldsFunc(tag, func(r rune) bool { return !inHashtag(r) })
	if len(words) == 0 || !strings.HasPrefix(tag, words[0]) || !strings.HasSuffix(tag, words[len(words)-1]) ||
		strings.ContainsFunc(tag, func(r rune) bool { return unicode.IsSymbol(r) || strings.ContainsRune("#*@%", r) }) ||
		!strings.ContainsFunc(tag, unicode.IsLetter) {
		return ""
	}
	for i, word := range words {
		// A single word stays as the author wrote it.
		if runes := []rune(word); len(words) > 1 {
			words[i] = string(unicode.ToUpper(runes[0])) + string(runes[1:])
		}
	}
	return strings.Join(words, "")
}

// inHashtag reports whether Mastodon reads a character as part of a hashtag.
func inHashtag(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || r == '_'
}

// Whom it reaches, and what they may do.

// allMentions returns those whom the text mentions, and our own authors who wrote it with the author.
func (w PostInput) allMentions() []Mention {
	all := slices.Clone(w.Mentions)
	for _, by := range w.Article.Authors {
		if by.VoiceID != "" && by.VoiceID != w.Author.ID {
			all = append(all, w.coauthor(by))
		}
	}
	return all
}

func (w PostInput) audience() audience {
	var mentioned []string
	for _, m := range w.allMentions() {
		mentioned = append(mentioned, m.ActorID)
	}
	switch w.Article.Visibility {
	case blog.Public:
		return audience{to: []string{Public}, cc: unique(append([]string{w.followers()}, mentioned...))}
	case blog.Unlisted:
		return audience{to: []string{w.followers()}, cc: unique(append([]string{Public}, mentioned...))}
	}
	return audience{to: []string{w.followers()}, cc: unique(mentioned)}
}

// policy returns who may quote the article (FEP-044f) and who may reply to it.
func (w PostInput) policy() extensions { return policy(w.Article, w.author()) }

// policy returns who may quote and reply to a text by an author that belongs to an article.
func policy(a blog.Article, author string) extensions {
	// "Nobody" is written as the author alone, since an empty list reads as a list that is not there (contract F-040).
	quote := map[string]string{"followers": author + "/followers", "nobody": author}[a.Quotes]
	return extensions{"canQuote": extensions{"automaticApproval": []string{cmp.Or(quote, Public)}},
		"canReply": replyPolicy(a.Comments, author)}
}

func replyPolicy(comments blog.Policy, author string) extensions {
	switch comments {
	case blog.Known:
		return extensions{"automaticApproval": []string{author + "/followers"}, "manualApproval": []string{Public}}
	case blog.Approve:
		return extensions{"manualApproval": []string{Public}}
	case blog.Closed:
		return extensions{"automaticApproval": []string{author}}
	}
	return extensions{"automaticApproval": []string{Public}}
}

func setContext(thing postType, address string) {
	property := streams.NewActivityStreamsContextProperty()
	property.AppendIRI(iri(address))
	thing.SetActivityStreamsContext(property)
}

// setTags adds hashtags and mentions to a post. A Hashtag is a kind of Link for which the vocabulary has no type.
func setTags(thing postType, site blog.Site, tags []string, mentions []Mention) {
	property := streams.NewActivityStreamsTagProperty()
	for _, tag := range hashtagsOf(site, tags) {
		link, kind := streams.NewActivityStreamsLink(), streams.NewJSONLDTypeProperty()
		kind.AppendXMLSchemaString("Hashtag")
		link.SetJSONLDType(kind)
		setName(link, "#"+tag.name)
		setHref(link, tag.page)
		property.AppendActivityStreamsLink(link)
	}
	for _, m := range mentions {
		mention := streams.NewActivityStreamsMention()
		setName(mention, "@"+m.Handle)
		setHref(mention, m.ActorID)
		property.AppendActivityStreamsMention(mention)
	}
	thing.SetActivityStreamsTag(property)
}

func addCollections(more extensions, id string) {
	for _, name := range []string{"replies", "likes", "shares"} {
		more[name] = uncounted(id + "/" + name)
	}
}

// addLanguage adds the language as the object that Lemmy asks for. With a bare text Lemmy would refuse the whole
// post.
func addLanguage(more extensions, tag string) {
	if tag == "" {
		return
	}
	more["language"] = extensions{"identifier": tag, "name": languageName(tag)}
}

// languageName returns the name of a language in that language, or its tag if the name is unknown.
func languageName(tag string) string {
	parsed, err := langs.Parse(tag)
	if err != nil {
		return tag
	}
	return cmp.Or(display.Self.Name(parsed), tag)
}

// addVersions adds a text in its languages, if the language of the original is known.
func addVersions(more extensions, property string, texts versions) {
	if texts[0].language != "" {
		more[property] = texts
	}
}
