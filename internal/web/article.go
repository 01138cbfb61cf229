package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/page"
)

// articlePage is an article with its comments.
type articlePage struct {
	frame
	blog.Article
	conversation
	Path       string
	Foreign    string
	Also       []also // the same in other languages
	Translator string
	By         []person
	Outline    []heading
	Hero       *picture
	Text       template.HTML
	Series     *seriesBox
	Sources    []source
	Tags       []tagLink
	Reply      string // where a reader goes to reply; "" when nobody may
	Boost      string
	Like       string
	Counts     blog.Counts
	Emojis     []blog.EmojiCount // with which people reacted; they count among the favourites
	Faces      []person          // of people who liked or boosted it
	ReadNext   []entry
}

// FacesNames returns the names of the people whose pictures are shown, as alternative text.
func (p articlePage) FacesNames() string {
	names := make([]string, len(p.Faces))
	for i, face := range p.Faces {
		names[i] = face.Name
	}
	return strings.Join(names, ", ")
}

// also is a link to the article in another language. Words is written in that language where the interface has it.
type also struct{ Language, URL, Words string }

// seriesBox links a part of a series to the parts before and after it.
type seriesBox struct {
	Mark          seriesMark
	Steps         []string // one per part: out, here or planned
	Before, After *link
}

// interactPath returns the address at which a reader starts an action from their own server. uri is the id of its
// object.
func interactPath(do, uri string) string {
	return "/interact?" + url.Values{"do": {do}, "uri": {uri}}.Encode()
}

func (w *Web) article(ctx context.Context, r *http.Request) (page.Document, error) {
	a, err := w.store.ArticleBySlug(ctx, param(r, "slug"))
	if err != nil {
		return page.Document{}, err
	}
	if err := readable(a); errors.Is(err, blog.ErrGone) {
		return w.withdrawn(ctx, a)
	} else if err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, a.Language)
	if err != nil {
		return page.Document{}, err
	}
	// The slug finds the article, and slugs are unique. A wrong month, or an old slug, is redirected.
	if asked := "/" + chi.URLParam(r, "year") + "/" + chi.URLParam(r, "month") + "/" +
		param(r, "slug"); asked != f.Site.ArticlePath(a) {
		return movedDocument(f.Site.ArticlePath(a)), nil
	}
	p := articlePage{Article: a, Path: f.Site.ArticlePath(a), Foreign: f.foreign(a.Language), By: f.people(a.Authors),
		Text: markup.Trusted(a.HTML).HTML(), Outline: outline(a.HTML)}
	// Pages show all dates in the site's zone.
	when := published(a).In(f.zone)
	p.PublishedAt = &when
	if p.UpdatedAt, err = w.textChanged(ctx, &f, a); err != nil {
		return page.Document{}, err
	}
	// Reactions come first: the head, in fillContext, names the number of replies.
	for _, fill := range []func(context.Context, *frame, *articlePage) error{w.fillReactions, w.fillContext,
		w.fillVersions, w.fillNext} {
		if err := fill(ctx, &f, &p); err != nil {
			return page.Document{}, err
		}
	}
	if p.conversation, err = w.readConversation(ctx, &f, &p, chi.URLParam(r, "replies")); err != nil {
		return page.Document{}, err
	}
	p.frame = f
	return w.document(http.StatusOK, "web/article", &f, p)
}

// textChanged returns when the text of a page last changed after its publication, in the site's zone, and nil when it
// never did. Another language of the article does not count.
func (w *Web) textChanged(ctx context.Context, f *frame, a blog.Article) (*time.Time, error) {
	ages, err := w.store.TextAges(ctx, []blog.ID{a.ID})
	words := ages[a.ID][a.Language]
	if err != nil || !words.Changed() {
		return nil, err
	}
	at := words.Since.In(f.zone)
	return &at, nil
}

// readable returns nil when the public may read an article, blog.ErrGone when it could do so once, and otherwise
// blog.ErrNotFound.
func readable(a blog.Article) error {
	switch {
	case a.OnTheWeb():
		return nil
	// Only what was public may answer 410. For anything else a 410 would reveal that it existed.
	case a.Visibility != blog.Followers && a.PublishedAt != nil &&
		(a.Status == blog.Withdrawn || a.Status == blog.Deleted):
		return blog.ErrGone
	}
	return blog.ErrNotFound
}

// fillContext adds the picture, the sources, the series, the tags and the head.
func (w *Web) fillContext(ctx context.Context, f *frame, p *articlePage) error {
	heroes, err := w.heroes(ctx, p.Article)
	if err != nil {
		return err
	}
	p.Hero = heroes[p.ID]
	if p.Sources, err = w.sources(ctx, f, p.Article); err != nil {
		return err
	}
	if p.Series, err = w.seriesBox(ctx, f, p.Article); err != nil {
		return err
	}
	for _, name := range p.Article.AllTags() {
		p.Tags = append(p.Tags, tagLink{Name: name, URL: tagPath(name)})
	}
	voices, err := w.store.Voices(ctx, []blog.ID{p.VoiceID})
	if err != nil {
		return err
	}
	p.describe(f, voices[p.VoiceID])
	return nil
}

// fillVersions adds the other languages of an article, for readers and for the head.
func (w *Web) fillVersions(ctx context.Context, f *frame, p *articlePage) error {
	all, err := w.store.Versions(ctx, []blog.ID{p.ID})
	versions := all[p.ID]
	if err != nil || len(versions) < 2 {
		return err
	}
	for i, v := range versions {
		there := p.Article
		there.Text = v.Text
		f.Head.Translations = append(f.Head.Translations, front{Language: v.Language, URL: f.Site.ArticlePage(there)})
		// The first version is the original. Search engines show it to readers of all languages that are not listed.
		if i == 0 {
			f.Head.Translations = append(f.Head.Translations, front{Language: "x-default", URL: f.Site.ArticlePage(there)})
		}
		if v.Language == p.Language {
			p.Translator = v.Translator
			continue
		}
		words, err := w.alsoInText(f, v.Language)
		if err != nil {
			return err
		}
		p.Also = append(p.Also, also{Language: v.Language, URL: f.Site.ArticlePath(there), Words: words})
	}
	return nil
}

// alsoInText returns "also in" a language, in that language where the interface has it, and otherwise in the page's.
func (w *Web) alsoInText(f *frame, language string) (string, error) {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	shown := f.Lang
	if w.pages.Language(language) == base {
		shown = base
	}
	return w.pages.Translate(shown, "also-in", "Language", page.LanguageName(language))
}

// mostSteps is how many parts of a series are marked under an article. An author may plan hundreds.
const mostSteps = 30

// seriesBox finds the parts before and after an article, nil when it is in no public series.
func (w *Web) seriesBox(ctx context.Context, f *frame, a blog.Article) (*seriesBox, error) {
	marks, err := w.marks(ctx, f, []blog.Article{a})
	if err != nil || marks[a.ID] == nil {
		return nil, err
	}
	beside, err := w.store.PartsBeside(ctx, a)
	if err != nil {
		return nil, err
	}
	out, err := w.store.PartsOut(ctx, a.SeriesID, mostSteps)
	if err != nil {
		return nil, err
	}
	box := &seriesBox{Mark: *marks[a.ID]}
	for i := range beside {
		there := &link{URL: f.Site.ArticlePath(beside[i]), Title: beside[i].Title}
		if beside[i].Part < a.Part {
			box.Before = there
		} else {
			box.After = there
		}
	}
	for n := 1; n <= min(box.Mark.Parts, mostSteps); n++ {
		switch {
		case n == a.Part:
			box.Steps = append(box.Steps, "here")
		case slices.Contains(out, n):
			box.Steps = append(box.Steps, "out")
		default:
			box.Steps = append(box.Steps, "planned")
		}
	}
	return box, nil
}

const maxEmojis = 12 // different ones under an article

// fillReactions adds what readers did and what they can do.
func (w *Web) fillReactions(ctx context.Context, f *frame, p *articlePage) error {
	counts, err := w.store.Counts(ctx, []blog.ID{p.ID})
	if err != nil {
		return err
	}
	p.Counts = counts[p.ID]
	for i, by := range p.Authors {
		if by.VoiceID != "" {
			p.By[i].Follow = interactPath("follow", f.Site.ActorID(by.VoiceID))
		}
	}
	if p.ObjectID != "" && p.Federates() {
		object := f.Site.ArticleID(p.ObjectID)
		f.Head.Activity = object
		p.Boost, p.Like = interactPath("boost", object), interactPath("like", object)
		if p.Article.Comments != blog.Closed {
			p.Reply = interactPath("reply", object)
		}
	}
	if p.Emojis, err = w.store.Emojis(ctx, p.ID, maxEmojis); err != nil {
		return err
	}
	p.Faces, err = w.faces(ctx, p.ID)
	return err
}

// faces returns up to seven people who liked or boosted an article.
func (w *Web) faces(ctx context.Context, article blog.ID) ([]person, error) {
	const most = 7
	// More than seven, since several reactions may be of one person or of a comment.
	reactions, err := w.store.Reactions(ctx, article, 100)
	if err != nil {
		return nil, err
	}
	var wanted []string
	seen := map[string]bool{}
	for _, r := range reactions {
		if r.CommentID == "" && !seen[r.ActorID] && len(wanted) < most {
			seen[r.ActorID], wanted = true, append(wanted, r.ActorID)
		}
	}
	actors, err := w.store.Actors(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var list []person
	for _, id := range wanted {
		if a, ok := actors[id]; ok {
			list = append(list, personOf(a))
		}
	}
	return list, nil
}

// personOf returns an actor elsewhere as pages name them.
func personOf(a blog.Actor) person {
	user, host, _ := strings.Cut(a.Handle, "@")
	// An actor without a verified handle is named by its host.
	if host == "" {
		host = a.Host
	}
	return person{Name: a.DisplayName(), User: user, Host: host, URL: a.URL}
}

// fillNext finds two articles to read next: the newest, those with a common tag first.
func (w *Web) fillNext(ctx context.Context, f *frame, p *articlePage) error {
	const most, among = 2, 50
	filter := listed("")
	filter.Limit, filter.Prefer = among, p.Language
	found, err := w.store.Articles(ctx, filter)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(a blog.Article) bool { return a.ID == p.ID })
	tags := p.Article.AllTags()
	slices.SortStableFunc(found, func(a, b blog.Article) int {
		return sharedTags(b.AllTags(), tags) - sharedTags(a.AllTags(), tags)
	})
	p.ReadNext, err = w.entries(ctx, f, found[:min(len(found), most)], nil, true)
	return err
}

// sharedTags counts the tags that two articles have in common, ignoring case.
func sharedTags(a, b blog.Strings) int {
	n := 0
	for _, tag := range a {
		if slices.ContainsFunc(b, func(other string) bool { return strings.EqualFold(tag, other) }) {
			n++
		}
	}
	return n
}
