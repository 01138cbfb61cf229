package blog

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Status is where an article stands in its life.
type Status string

const (
	Draft     Status = "draft"
	Scheduled Status = "scheduled" // goes out by itself at ScheduledAt; answers 404 until then
	Published Status = "published"
	Withdrawn Status = "withdrawn" // taken back: its page answers 410, its text stays with its author
	Deleted   Status = "deleted"   // erased after thirty days but for its address and tombstones
)

// Format is how an article is spoken on the wire (contract F-027 to F-031). It is frozen at first publication.
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
	Unlisted  Visibility = "unlisted"  // by address only
	Followers Visibility = "followers" // not on the public web
	Local     Visibility = "local"     // on the web only, never federated
)

// Text is an article's words in one language.
type Text struct {
	Language string // BCP 47
	Title    string
	Subtitle string
	Summary  string // plain text, at most 500 runes
	Markdown string
	HTML     string // made from Markdown by markup; safe to print
	Plain    string // the text without markup, for search and excerpts
	Slug     string
	// WordCount is the number of words in Plain. Its JSON name is that of the holds in the database.
	WordCount int `db:"words" json:"Words"`
}

// Says reports whether a text says the same as another, in the same language.
func (t Text) Says(other Text) bool {
	return t.Language == other.Language && t.Title == other.Title && t.Subtitle == other.Subtitle &&
		t.Summary == other.Summary && t.Markdown == other.Markdown
}

// Article is one work of one voice, with its original text. Other voices may stand beside the owner in the by-line.
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
	File        string // the name of the file that it came from last, "" when it was written at the admin
	Month       string // "2026/11", of the first publication, in the site's zone; part of the address for ever
	ObjectID    ID     // of the object on the wire that is not gone; "" when there is none
	Revision    int    // rises with every published change
	PublishedAt *time.Time
	UpdatedAt   *time.Time // of the last told change; nil when never changed since publication
	ScheduledAt *time.Time
	CreatedAt   time.Time
	SavedAt     time.Time // of the last save, whoever made it: also the token that notices two editors
	Translated  bool      // the Text is a translation, read for its address or its language; such an article is not saved
	Text

	// What an article that is not public wishes for: a series belongs to everybody, so it is made, joined or changed when
	// the article is published, by whoever may do that, and these are empty from then on.
	SeriesTitle   string // of the series that is not there yet
	SeriesSlug    string // its address
	SeriesPlanned int    // how many parts it is to have; 0 leaves the total as it is

	Answers Source   `db:"-"` // the post elsewhere that it answers
	Quoted  Source   `db:"-"` // the post elsewhere that it quotes
	Authors []Byline `db:"-"` // in the order of the by-line, the owner first
	Tags    Strings  `db:"-"`
}

// Translation is an article's words in a language other than its original's. It is part of that article: there is one
// conversation, one count, and on the wire one object.
type Translation struct {
	Text
	Translator string // by name, where that is somebody else than the author
	Draft      bool   // not for readers yet
	Behind     bool   // the original's words changed since it was last saved
}

// Check says what a translation lacks; the error is an Invalid. A draft may be unfinished.
func (t Translation) Check() error {
	trial := Article{Text: t.Text, Format: FullArticle, Visibility: Public, Comments: Open, Quotes: "everyone"}
	switch {
	case t.Language == "":
		return invalid("language", "is missing: say in which one it is")
	case utf8.RuneCountInString(t.Translator) > maxTranslator:
		return invalid("translator", "is longer than %d characters", maxTranslator)
	case t.Draft:
		return trial.Check()
	}
	return trial.ready()
}

// Byline is one name under a title: an author of ours, or a guest.
type Byline struct {
	VoiceID ID // "" for a guest
	Handle  string
	Name    string
	URL     string // a guest's own address, or ""
	Picture string
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

// Check says what cannot even be kept as a draft; the error is an Invalid.
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
	case a.Slug != "" && (!slugPattern.MatchString(a.Slug) || len(a.Slug) > 200):
		return invalid("slug", "may have small letters, digits and single hyphens: “four-minutes-wide”")
	case utf8.RuneCountInString(a.SeriesTitle) > maxSeries:
		return invalid("series", "has a title longer than %d characters", maxSeries)
	case a.Part < 0:
		return invalid("part", "must be 1 or more")
	case a.Answers.Address != "" && !isAddress(a.Answers.Address):
		return invalid("in-reply-to", "must be the whole address of a post: https://…")
	case a.Quoted.Address != "" && !isAddress(a.Quoted.Address):
		return invalid("quoting", "must be the whole address of a post: https://…")
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

// ready says what keeps an article from being read by others.
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

// Publish makes a draft, a scheduled or a withdrawn article public as of now, or as of the moment that it was scheduled
// for and that has come; zone decides the month in its address, which is set once and kept. It returns an Invalid when
// something is missing, ErrConflict when it is published already.
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
	now = now.UTC().Truncate(time.Second)
	if a.Status == Scheduled && !a.ScheduledAt.After(now) {
		now = *a.ScheduledAt
	}
	a.Status, a.ScheduledAt, a.UpdatedAt = Published, nil, nil
	a.PublishedAt = &now
	a.settleMonth(now, zone)
	a.Revision++
	return nil
}

// Schedule sets a moment in the future at which the article goes out by itself.
func (a *Article) Schedule(at, now time.Time, zone *time.Location) error {
	if a.Status == Published {
		return ErrConflict
	}
	if !at.After(now) {
		return invalid("date", "lies in the past: publish now, or choose a later moment")
	}
	if err := a.ready(); err != nil {
		return err
	}
	at = at.UTC().Truncate(time.Second)
	a.Status, a.ScheduledAt = Scheduled, &at
	a.settleMonth(at, zone)
	return nil
}

// settleMonth gives the address its month. A scheduled article that never was public may still change it.
func (a *Article) settleMonth(at time.Time, zone *time.Location) {
	if a.Month == "" || (a.PublishedAt == nil && a.ObjectID == "") || a.Revision == 0 {
		a.Month = at.In(zone).Format("2006/01")
	}
}

// Revise marks a published article as changed: a newer revision with a newer time, later than its publication, since
// peers refuse an update that is not (contract F-034).
func (a *Article) Revise(now time.Time) error {
	if a.Status != Published {
		return ErrConflict
	}
	if err := a.ready(); err != nil {
		return err
	}
	now = now.UTC().Truncate(time.Second)
	if earliest := a.ChangedAt().Add(time.Second); now.Before(earliest) {
		now = earliest
	}
	a.UpdatedAt = &now
	a.Revision++
	return nil
}

// Correct marks a published article as changed without telling: the revision is newer, the time of the last told change
// is not.
func (a *Article) Correct() error {
	if a.Status != Published {
		return ErrConflict
	}
	if err := a.ready(); err != nil {
		return err
	}
	a.Revision++
	return nil
}

// ChangedAt is when a published article was last changed and told so, or published.
func (a Article) ChangedAt() time.Time {
	if a.UpdatedAt != nil {
		return *a.UpdatedAt
	}
	return *a.PublishedAt
}

// Unpublish undoes a publication that nobody elsewhere heard of: all that Publish changed is as before, and a scheduled
// article is a draft. The words stay as they are now.
func (a *Article) Unpublish(before Article) {
	a.Status, a.ScheduledAt, a.ObjectID, a.Revision = before.Status, nil, before.ObjectID, before.Revision
	a.Month, a.PublishedAt, a.UpdatedAt = before.Month, before.PublishedAt, before.UpdatedAt
	if a.Status == Scheduled {
		a.Status = Draft
	}
	if a.PublishedAt == nil {
		a.Month = ""
	}
}

// Withdraw takes a published article back. Its page answers 410; its text stays, and can be changed and published
// again.
func (a *Article) Withdraw() error {
	if a.Status != Published {
		return ErrConflict
	}
	a.Status = Withdrawn
	return nil
}

// Delete puts an article among the deleted ones.
func (a *Article) Delete() error {
	if a.Status == Deleted {
		return ErrConflict
	}
	a.Status = Deleted
	return nil
}

// Listed reports whether an article stands on front pages, in archives and feeds.
func (a Article) Listed() bool {
	return a.Status == Published && (a.Visibility == Public || a.Visibility == Local)
}

// OnTheWeb reports whether anybody may read its page.
func (a Article) OnTheWeb() bool { return a.Status == Published && a.Visibility != Followers }

// Federates reports whether other servers hear of it.
func (a Article) Federates() bool { return a.Visibility != Local }

// Minutes is the time to read it, at least one.
func (a Article) Minutes() int { return max(1, (a.WordCount+115)/230) }

// Same reports whether two states of an article differ in nothing that its author decides: not in what readers are
// shown, and not in who may read, answer or quote it.
func (a Article) Same(b Article) bool { return reflect.DeepEqual(a.decided(), b.decided()) }

// decided is the article without what the program notes of it, and with its lists as they are stored.
func (a Article) decided() Article {
	a.Status, a.File, a.Month, a.ObjectID, a.Revision = "", "", "", "", 0
	a.PublishedAt, a.UpdatedAt, a.ScheduledAt, a.CreatedAt, a.SavedAt = nil, nil, nil, time.Time{}, time.Time{}
	a.Answers, a.Quoted = Source{Address: a.Answers.Address}, Source{Address: a.Quoted.Address}
	names, tags := a.Authors, a.Tags
	a.Authors, a.Tags = nil, nil
	for _, by := range names {
		switch {
		case by.VoiceID == "":
			a.Authors = append(a.Authors, Byline{Name: by.Name, URL: by.URL})
		case by.VoiceID != a.VoiceID:
			a.Authors = append(a.Authors, Byline{VoiceID: by.VoiceID})
		}
	}
	for _, tag := range tags {
		if !slices.ContainsFunc(a.Tags, func(known string) bool { return strings.EqualFold(known, tag) }) {
			a.Tags = append(a.Tags, tag)
		}
	}
	return a
}

// Same reports whether two states of a translation have the same words, address and translator, and are both for
// readers or both not.
func (t Translation) Same(other Translation) bool {
	t.Behind, other.Behind = false, false
	return t == other
}

// Series is a work in parts, in the order of Article.Part.
type Series struct {
	ID          ID
	Slug        string
	Title       string
	Description string
	Language    string
	Planned     int // how many parts there will be, 0 when nobody knows
	VoiceID     ID  // of the voice that announces its parts, "" while nobody can follow it
}

// Untitled is the slug of a title that has nothing to make one from, so it says nothing of what it is the address of.
const Untitled = "untitled"

// PartOfNothing is what is said of the part of an article that names no series.
const PartOfNothing = "needs a series: name the one that this is a part of, or leave the part out"

// Picture is an entry of the picture library. Files carry no metadata and are stored in up to three widths.
type Picture struct {
	ID        ID
	VoiceID   ID
	Type      string // image/jpeg, image/png, image/gif or image/webp
	Width     int    // of the largest file
	Height    int
	Blurhash  string
	Alt       string // words for those who cannot see it; "" asks for some
	Name      string // as uploaded, for the author's eye only
	Digest    string // SHA-256 of the upload, hex: the same picture twice is one
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

// Largest is the file to link to; zero when the picture has none.
func (p Picture) Largest() PictureFile {
	if len(p.Files) == 0 {
		return PictureFile{}
	}
	return p.Files[len(p.Files)-1]
}
