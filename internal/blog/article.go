package blog

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Status is the stage of an article's life.
type Status string

const (
	Draft     Status = "draft"
	Scheduled Status = "scheduled" // published at ScheduledAt; answers 404 until then
	Published Status = "published"
	Withdrawn Status = "withdrawn" // taken back: its page answers 410, its text stays with its author
	Deleted   Status = "deleted"   // the text is erased after thirty days; address and tombstones stay
)

// Format is the ActivityStreams form of an article (contract F-027 to F-031). It is fixed at first publication.
type Format string

const (
	FullArticle Format = "article"     // an Article: title, summary and text
	FullNote    Format = "note-full"   // a Note with the whole text
	TeaserNote  Format = "note-teaser" // a Note with title, summary and link
)

// Visibility is who may read an article, and where it is listed.
type Visibility string

const (
	Public    Visibility = "public"
	Unlisted  Visibility = "unlisted"  // everybody who has the address
	Followers Visibility = "followers" // followers only; not on the web
	Local     Visibility = "local"     // on the web only, never federated
)

// Text is an article's text in one language.
type Text struct {
	Language string // BCP 47
	Title    string
	Subtitle string
	Summary  string // plain text, at most 500 runes
	Markdown string
	HTML     string // made from Markdown by markup; safe to print
	Plain    string // the text without markup, for search and excerpts
	Slug     string
	// Hashtags are those in the Markdown, without "#". They are tags of the article, too.
	Hashtags Strings `db:"-"`
	// WordCount is the number of words in Plain. Its JSON name is that of the holds in the database.
	WordCount int `db:"words" json:"Words"`
}

// TrimEnd returns a text without the blank lines at its end, which mean nothing.
func TrimEnd(text string) string { return strings.TrimRight(text, " \n\t") }

var pictureAddress = regexp.MustCompile(`/media/([0-9A-HJKMNP-TV-Z]{26})-`)

// PictureIDs lists the pictures of our library in the text, each once, in order.
func (t Text) PictureIDs() []ID {
	var ids []ID
	known := map[string]bool{}
	for _, found := range pictureAddress.FindAllStringSubmatch(t.HTML, -1) {
		if !known[found[1]] {
			known[found[1]] = true
			ids = append(ids, ID(found[1]))
		}
	}
	return ids
}

// SameContent reports whether two texts have the same language and the same content.
func (t Text) SameContent(other Text) bool {
	return t.Language == other.Language && t.Title == other.Title && t.Subtitle == other.Subtitle &&
		t.Summary == other.Summary && t.Markdown == other.Markdown
}

// Article is one work of one voice, with its original text. Other voices may be named in the by-line beside the
// owner.
type Article struct {
	ID          ID
	VoiceID     ID // the owner; on the wire the only author
	Status      Status
	Format      Format
	Visibility  Visibility
	Comments    Policy
	Quotes      string // everyone, followers or nobody (FEP-044f)
	Warning     string // a content warning; needs a Note format
	SeriesID    ID     // "" outside a series, and while it is to be made
	Part        int
	PictureID   ID     // the hero, "" without one
	PictureAlt  string // overrides the picture's own words
	Month       string // "2026/11", of the first publication in the site's zone; part of the address
	ObjectID    ID     // of the living object on the wire, "" when there is none
	Revision    int    // rises with every published change
	PublishedAt *time.Time
	UpdatedAt   *time.Time // of the last change with notice to readers; nil before the first
	ScheduledAt *time.Time
	CreatedAt   time.Time
	SavedAt     time.Time // of the last save by anybody; a second editor is detected by it
	Translated  bool      // Text is a translation, read by its address or language; such an article is never saved
	Text

	// What an article that is not public asks of its series. A series belongs to everybody, so it is created, joined or
	// changed only when the article is published, by somebody who may do that. Then these fields become empty.
	SeriesTitle   string // of a series that does not exist yet
	SeriesSlug    string // its address
	SeriesPlanned int    // how many parts it is to have; 0 leaves the number unchanged

	Answers Source   `db:"-"` // the post elsewhere that it replies to
	Quoted  Source   `db:"-"` // the post elsewhere that it quotes
	Authors []Byline `db:"-"` // in the order of the by-line, the owner first
	Tags    Strings  `db:"-"` // as its author gave them; see AllTags

	OtherHashtags Strings `db:"-"` // those of its public texts in other languages; never saved
}

// Translation is an article's text in another language than the original. It is part of the article: both share the
// conversation, the counts and the object on the wire.
type Translation struct {
	Text
	Translator string // by name, if it is not the author
	Draft      bool   // not for readers yet
	Behind     bool   // the original changed after the last save of this text
}

// Check returns an Invalid for the first thing that keeps a translation from being saved. A draft may be unfinished.
func (t Translation) Check() error {
	// An article in the default settings carries the text through the checks of articles.
	trial := Article{Text: t.Text, Format: FullArticle, Visibility: Public, Comments: Open, Quotes: "everyone"}
	switch {
	case t.Language == "":
		return invalid("language", "is missing: write the language of the article")
	case utf8.RuneCountInString(t.Translator) > maxTranslator:
		return invalid("translator", "is longer than %d characters", maxTranslator)
	// Only the limits apply to a draft; ready() would ask for a title and a text.
	case t.Draft:
		return trial.Check()
	}
	return trial.ready()
}

// Byline is one name under a title: a voice of ours or a guest.
type Byline struct {
	VoiceID ID // "" for a guest
	Handle  string
	Name    string
	URL     string // a guest's own address, or ""
	Picture string
	Asked   bool // an author whom somebody else named, and who has not said yes yet
}

const (
	maxTitle    = 300
	maxSummary  = 500
	maxMarkdown = 1 << 20
	maxTags     = 50

	maxTranslator = 200
	maxSeries     = 200
)

var slugPattern = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}]+(-[\p{Ll}\p{Lo}\p{N}]+)*$`)

// ValidSlug reports whether a text can be the slug of an article: lowercase letters of any script and digits, with
// single hyphens between them, at most 200 bytes.
func ValidSlug(slug string) bool { return len(slug) <= 200 && slugPattern.MatchString(slug) }

// Check returns an Invalid for the first thing that keeps an article from being saved, even as a draft.
func (a Article) Check() error {
	switch {
	case utf8.RuneCountInString(a.Title) > maxTitle:
		return invalid("title", "is longer than %d characters", maxTitle)
	case utf8.RuneCountInString(a.Summary) > maxSummary:
		return invalid("summary", "is longer than %d characters", maxSummary)
	case len(a.Markdown) > maxMarkdown:
		return invalid("text", "is longer than one megabyte")
	case len(a.Tags) > maxTags:
		return invalid("tags", "are more than %d", maxTags)
	case a.Slug != "" && !ValidSlug(a.Slug):
		return invalid("slug",
			"may have only lowercase letters, digits and single hyphens: write it like “four-minutes-wide”")
	case utf8.RuneCountInString(a.SeriesTitle) > maxSeries:
		return invalid("series", "has a title longer than %d characters", maxSeries)
	case a.Part < 0:
		return invalid("part", "must be 1 or more")
	case a.Answers.Address != "" && !isAddress(a.Answers.Address):
		return invalid("in-reply-to", "must be the whole address of a post: it begins with https://")
	case a.Quoted.Address != "" && !isAddress(a.Quoted.Address):
		return invalid("quoting", "must be the whole address of a post: it begins with https://")
	}
	return a.checkChoices()
}

func (a Article) checkChoices() error {
	if err := oneOf("format", a.Format, FullArticle, FullNote, TeaserNote); err != nil {
		return err
	}
	if err := oneOf("visibility", a.Visibility, Public, Unlisted, Followers, Local); err != nil {
		return err
	}
	if err := oneOf("comments", a.Comments, Open, Known, Approve, Closed); err != nil {
		return err
	}
	return oneOf("quotes", a.Quotes, "everyone", "followers", "nobody")
}

// ready returns an Invalid for the first thing that keeps an article from being published.
func (a Article) ready() error {
	switch {
	case strings.TrimSpace(a.Title) == "":
		return invalid("title", "is missing: give the article a title")
	case strings.TrimSpace(a.Markdown) == "":
		return invalid("text", "is empty: there is nothing to publish yet")
	case a.Slug == "":
		return invalid("slug", "is missing")
	case a.Warning != "" && a.Format == FullArticle:
		return invalid("format", "must be note-full or note-teaser when there is a content warning: Mastodon shows the "+
			"title and summary of an Article in clear")
	}
	return a.Check()
}

// Publish makes a draft, a scheduled or a withdrawn article public, as of now. zone decides the month in its address,
// which is set once and kept. It returns an Invalid when something is missing, ErrConflict when the article is
// published already, and ErrGone when it is deleted.
func (a *Article) Publish(now time.Time, zone *time.Location) error {
	if a.Status == Published {
		return ErrConflict
	}
	if a.Status == Deleted {
		return ErrGone
	}
	if err := a.ready(); err != nil {
		return err
	}
	// Activities carry whole seconds. The stored time must equal the sent one, because later changes are compared with
	// it.
	now = now.UTC().Truncate(time.Second)
	// The job that publishes runs some seconds late. The article carries the time that its author chose.
	if a.Status == Scheduled && !a.ScheduledAt.After(now) {
		now = *a.ScheduledAt
	}
	// A withdrawn article is published as a new one: it has not been updated yet.
	a.Status, a.ScheduledAt, a.UpdatedAt = Published, nil, nil
	a.PublishedAt = &now
	a.settleMonth(now, zone)
	a.Revision++
	return nil
}

// PublishAsOf is Publish with the date of an article that was written before. With a nil date, or one that is not past,
// it is published as of now. updated is when it was last changed, between that date and now; nil if never.
func (a *Article) PublishAsOf(date, updated *time.Time, now time.Time, zone *time.Location) error {
	at := now
	if date != nil && date.Before(now) {
		at = *date
	}
	if err := a.Publish(at, zone); err != nil {
		return err
	}
	if updated != nil && updated.After(*a.PublishedAt) && !updated.After(now) {
		changed := updated.UTC().Truncate(time.Second)
		a.UpdatedAt = &changed
	}
	return nil
}

// Schedule sets a moment in the future at which the article is published. It returns an Invalid when something is
// missing or the moment is past, and ErrConflict when the article is published already.
func (a *Article) Schedule(at, now time.Time, zone *time.Location) error {
	if a.Status == Published {
		return ErrConflict
	}
	if !at.After(now) {
		return invalid("date", "has passed: publish now, or choose a later time")
	}
	if err := a.ready(); err != nil {
		return err
	}
	at = at.UTC().Truncate(time.Second)
	a.Status, a.ScheduledAt = Scheduled, &at
	a.settleMonth(at, zone)
	return nil
}

// settleMonth sets the month in the address. It stays once the article has been public.
func (a *Article) settleMonth(at time.Time, zone *time.Location) {
	// Each of the three conditions means that no reader has seen the address. Scheduling sets the month already, so a
	// second schedule may move it.
	if a.Month == "" || (a.PublishedAt == nil && a.ObjectID == "") || a.Revision == 0 {
		a.Month = at.In(zone).Format("2006/01")
	}
}

// Revise marks a published article as changed: its revision and its time of change rise. It returns an Invalid when
// something is missing, and ErrConflict when the article is not published.
func (a *Article) Revise(now time.Time) error {
	if a.Status != Published {
		return ErrConflict
	}
	if err := a.ready(); err != nil {
		return err
	}
	now = now.UTC().Truncate(time.Second)
	// Peers ignore an Update that is not newer than their copy (contract F-034). Two changes may fall into one second,
	// and the clock may be set back.
	if earliest := a.ChangedAt().Add(time.Second); now.Before(earliest) {
		now = earliest
	}
	a.UpdatedAt = &now
	a.Revision++
	return nil
}

// Correct marks a published article as changed without notice to readers. The revision rises, the time of change
// stays.
func (a *Article) Correct() error {
	if a.Status != Published {
		return ErrConflict
	}
	if err := a.ready(); err != nil {
		return err
	}
	// UpdatedAt stays. Servers take an Update without a newer time as no edit, and notify nobody.
	a.Revision++
	return nil
}

// ChangedAt is when a published article was last changed with notice to readers, or else when it was published.
func (a Article) ChangedAt() time.Time {
	if a.UpdatedAt != nil {
		return *a.UpdatedAt
	}
	return *a.PublishedAt
}

// Unpublish undoes a publication that no other server knows of. Everything that Publish changed is as before, but the
// text stays as it is now. A scheduled article becomes a draft.
func (a *Article) Unpublish(before Article) {
	a.Status, a.ScheduledAt, a.ObjectID, a.Revision = before.Status, nil, before.ObjectID, before.Revision
	a.Month, a.PublishedAt, a.UpdatedAt = before.Month, before.PublishedAt, before.UpdatedAt
	// Its moment may have passed: scheduled again, it would be published at once.
	if a.Status == Scheduled {
		a.Status = Draft
	}
	// The address was never public, so the next publication chooses its month again.
	if a.PublishedAt == nil {
		a.Month = ""
	}
}

// Withdraw takes a published article back. Its page answers 410. Its text stays and can be changed and published
// again.
func (a *Article) Withdraw() error {
	if a.Status != Published {
		return ErrConflict
	}
	a.Status = Withdrawn
	return nil
}

// Delete marks an article as deleted. Its text is erased later.
func (a *Article) Delete() error {
	if a.Status == Deleted {
		return ErrConflict
	}
	a.Status = Deleted
	return nil
}

// Listed reports whether an article appears on front pages, in archives and in feeds.
func (a Article) Listed() bool {
	return a.Status == Published && (a.Visibility == Public || a.Visibility == Local)
}

// OnTheWeb reports whether everybody may read the article's page.
func (a Article) OnTheWeb() bool { return a.Status == Published && a.Visibility != Followers }

// Federates reports whether the article is sent to other servers.
func (a Article) Federates() bool { return a.Visibility != Local }

// Minutes is the time to read the article at 230 words a minute, rounded, at least one.
func (a Article) Minutes() int { return max(1, (a.WordCount+115)/230) }

// Same reports whether two states of an article agree in everything that its author decides: the content, and who may
// read, answer or quote it.
func (a Article) Same(b Article) bool { return reflect.DeepEqual(a.decided(), b.decided()) }

// decided is the article without the fields that the program sets, and with its lists in the form in which they are
// stored.
func (a Article) decided() Article {
	a.Status, a.Month, a.ObjectID, a.Revision = "", "", "", 0
	a.Markdown = TrimEnd(a.Markdown)
	a.PublishedAt, a.UpdatedAt, a.ScheduledAt, a.CreatedAt, a.SavedAt = nil, nil, nil, time.Time{}, time.Time{}
	// The consent to a quote changes when the quoted author answers, without any decision of ours.
	a.Answers, a.Quoted = Source{Address: a.Answers.Address}, Source{Address: a.Quoted.Address}
	names := a.Authors
	a.Authors, a.OtherHashtags = nil, nil
	for _, by := range names {
		switch {
		case by.VoiceID == "":
			a.Authors = append(a.Authors, Byline{Name: by.Name, URL: by.URL})
		// The owner is always first in the by-line, whether the list names them or not.
		case by.VoiceID != a.VoiceID:
			a.Authors = append(a.Authors, Byline{VoiceID: by.VoiceID})
		}
	}
	// Tags that differ only in case are stored as one.
	a.Tags = eachOnce(a.Tags)
	return a
}

// AllTags returns the tags of an article as readers know them: those that its author gave it, then the hashtags in its
// texts.
func (a Article) AllTags() Strings { return eachOnce(a.Tags, a.Hashtags, a.OtherHashtags) }

// eachOnce joins lists of tags. Of tags that differ only in case it keeps the first.
func eachOnce(lists ...Strings) Strings {
	var all Strings
	known := map[string]bool{}
	for _, tag := range slices.Concat(lists...) {
		if lower := strings.ToLower(tag); !known[lower] {
			known[lower] = true
			all = append(all, tag)
		}
	}
	return all
}

// Same reports whether two states of a translation agree in everything that its author decides.
func (t Translation) Same(other Translation) bool {
	// Behind follows from the revision of the original, and the hashtags from the text.
	t.Behind, other.Behind, t.Hashtags, other.Hashtags = false, false, nil, nil
	t.Markdown, other.Markdown = TrimEnd(t.Markdown), TrimEnd(other.Markdown)
	return reflect.DeepEqual(t, other)
}

// Series is a work in parts. Article.Part gives their order.
type Series struct {
	ID          ID
	Slug        string
	Title       string
	Description string
	Language    string
	Planned     int // how many parts there will be, 0 when unknown
	VoiceID     ID  // of the voice that announces its parts, "" while it cannot be followed
}

// Untitled is the slug of titles without any letter or digit. Many titles share it, so it identifies none of them.
const Untitled = "untitled"

// PartOfNothing is the Problem of an Invalid for an article that has a part but no series.
const PartOfNothing = "needs a series: name the one that this is a part of, or leave the part out"

// Picture is an entry of the picture library. Its files carry no metadata and are stored in up to three widths.
type Picture struct {
	ID        ID
	VoiceID   ID
	Type      string // image/jpeg, image/png, image/gif or image/webp
	Width     int    // of the largest file
	Height    int
	Blurhash  string
	Alt       string // description for people who cannot see it
	Name      string // file name of the upload, shown to the author only
	Digest    string // SHA-256 of the upload, hex; finds the same upload again
	CreatedAt time.Time
	Files     []PictureFile `db:"-"` // smallest first
}

// PictureFile is one stored width of a picture.
type PictureFile struct {
	PictureID ID
	File      string // name under /media/
	Width     int
	Height    int
	Size      int64 // bytes
}

// Largest is the file to link to. It is zero when the picture has no files.
func (p Picture) Largest() PictureFile {
	if len(p.Files) == 0 {
		return PictureFile{}
	}
	return p.Files[len(p.Files)-1]
}
