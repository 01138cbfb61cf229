package web

import (
	"context"
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

// articlePage is an article with the conversation under it.
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

// FacesNames are the names of the faces, for those who cannot see them.
func (p articlePage) FacesNames() string {
	names := make([]string, len(p.Faces))
	for i, face := range p.Faces {
		names[i] = face.Name
	}
	return strings.Join(names, ", ")
}

// also is the way to the same article in another language, said in that language where the interface speaks it.
type also struct{ Language, URL, Words string }

// seriesBox leads from a part to its neighbours.
type seriesBox struct {
	Mark          seriesMark
	Steps         []string // one per part: out, here or planned
	Before, After *link
}

// interact is where a reader goes to do something from their own server. uri is the id of what they do it to.
func interact(do, uri string) string {
	return "/interact?" + url.Values{"do": {do}, "uri": {uri}}.Encode()
}

func (w *Web) article(ctx context.Context, r *http.Request) (page.Document, error) {
	a, err := w.store.ArticleBySlug(ctx, param(r, "slug"))
	if err != nil {
		return page.Document{}, err
	}
	if err := readable(a); err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, a.Language)
	if err != nil {
		return page.Document{}, err
	}
	if asked := "/" + chi.URLParam(r, "year") + "/" + chi.URLParam(r, "month") + "/" +
		param(r, "slug"); asked != f.Site.ArticlePath(a) {
		return moved(f.Site.ArticlePath(a)), nil
	}
	p := articlePage{Article: a, Path: f.Site.ArticlePath(a), Foreign: f.foreign(a.Language), By: f.people(a.Authors),
		Text: markup.Trusted(a.HTML).HTML(), Outline: outline(a.HTML)}
	when := published(a).In(f.zone)
	p.PublishedAt = &when
	if p.UpdatedAt, err = w.changed(ctx, &f, a); err != nil {
		return page.Document{}, err
	}
	for _, fill := range []func(context.Context, *frame, *articlePage) error{w.fillDeeds, w.fillAround, w.fillVersions,
		w.fillNext} {
		if err := fill(ctx, &f, &p); err != nil {
			return page.Document{}, err
		}
	}
	if p.conversation, err = w.talk(ctx, &f, &p, chi.URLParam(r, "replies")); err != nil {
		return page.Document{}, err
	}
	p.frame = f
	return w.document(http.StatusOK, "web/article", &f, p)
}

// changed is when the words of a page last became others, in the site's zone; nil when they never did. What else is
// told of an article, such as a text in another language, is no change to who reads this one.
func (w *Web) changed(ctx context.Context, f *frame, a blog.Article) (*time.Time, error) {
	ages, err := w.store.TextAges(ctx, []blog.ID{a.ID})
	words := ages[a.ID][a.Language]
	if err != nil || !words.Changed() {
		return nil, err
	}
	at := words.Since.In(f.zone)
	return &at, nil
}

// readable says why the public may not read an article: blog.ErrGone once it was theirs to read, else blog.ErrNotFound.
func readable(a blog.Article) error {
	switch {
	case a.OnTheWeb():
		return nil
	case a.Visibility != blog.Followers && a.PublishedAt != nil &&
		(a.Status == blog.Withdrawn || a.Status == blog.Deleted):
		return blog.ErrGone
	}
	return blog.ErrNotFound
}

// fillAround adds what stands around the text: picture, series, tags and the head.
func (w *Web) fillAround(ctx context.Context, f *frame, p *articlePage) error {
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
	for _, name := range p.Article.Tags {
		p.Tags = append(p.Tags, tagLink{Name: name, URL: tagPath(name)})
	}
	voices, err := w.store.Voices(ctx, []blog.ID{p.VoiceID})
	if err != nil {
		return err
	}
	p.describe(f, voices[p.VoiceID])
	return nil
}

// fillVersions adds the other languages of an article: for readers in a line, for machines in the head.
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
		if i == 0 {
			f.Head.Translations = append(f.Head.Translations, front{Language: "x-default", URL: f.Site.ArticlePage(there)})
		}
		if v.Language == p.Language {
			p.Translator = v.Translator
			continue
		}
		words, err := w.alsoIn(f, v.Language)
		if err != nil {
			return err
		}
		p.Also = append(p.Also, also{Language: v.Language, URL: f.Site.ArticlePath(there), Words: words})
	}
	return nil
}

// alsoIn says that something is there in a language: in that language, where there are words for it, else in the
// page's.
func (w *Web) alsoIn(f *frame, language string) (string, error) {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	tongue := f.Lang
	if w.pages.Language(language) == base {
		tongue = base
	}
	return w.pages.Say(tongue, "also-in", "Language", page.LanguageName(language))
}

// seriesBox finds the parts before and after an article.
func (w *Web) seriesBox(ctx context.Context, f *frame, a blog.Article) (*seriesBox, error) {
	marks, err := w.marks(ctx, f, []blog.Article{a})
	if err != nil || marks[a.ID] == nil {
		return nil, err
	}
	filter := listed("")
	filter.Series, filter.Parts, filter.Prefer = a.SeriesID, true, a.Language
	parts, err := w.store.Articles(ctx, filter)
	if err != nil {
		return nil, err
	}
	box := &seriesBox{Mark: *marks[a.ID]}
	out := map[int]bool{}
	for i := range parts {
		other := &parts[i]
		out[other.Part] = true
		switch {
		case other.Part < a.Part:
			box.Before = &link{URL: f.Site.ArticlePath(*other), Title: other.Title}
		case other.Part > a.Part && box.After == nil:
			box.After = &link{URL: f.Site.ArticlePath(*other), Title: other.Title}
		}
	}
	for n := 1; n <= min(box.Mark.Parts, 30); n++ {
		switch {
		case n == a.Part:
			box.Steps = append(box.Steps, "here")
		case out[n]:
			box.Steps = append(box.Steps, "out")
		default:
			box.Steps = append(box.Steps, "planned")
		}
	}
	return box, nil
}

const mostEmojis = 12 // different ones under an article

// fillDeeds adds what readers did and what they can do.
func (w *Web) fillDeeds(ctx context.Context, f *frame, p *articlePage) error {
	counts, err := w.store.Counts(ctx, []blog.ID{p.ID})
	if err != nil {
		return err
	}
	p.Counts = counts[p.ID]
	for i, by := range p.Authors {
		if by.VoiceID != "" {
			p.By[i].Follow = interact("follow", f.Site.ActorID(by.VoiceID))
		}
	}
	if p.ObjectID != "" && p.Federates() {
		object := f.Site.ArticleID(p.ObjectID)
		f.Head.Activity = object
		p.Boost, p.Like = interact("boost", object), interact("like", object)
		if p.Article.Comments != blog.Closed {
			p.Reply = interact("reply", object)
		}
	}
	if p.Emojis, err = w.store.Emojis(ctx, p.ID, mostEmojis); err != nil {
		return err
	}
	p.Faces, err = w.faces(ctx, p.ID)
	return err
}

// faces are some of the people who liked or boosted an article.
func (w *Web) faces(ctx context.Context, article blog.ID) ([]person, error) {
	const most = 7
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
			list = append(list, stranger(a))
		}
	}
	return list, nil
}

// stranger is somebody elsewhere as pages name them.
func stranger(a blog.Actor) person {
	user, host, _ := strings.Cut(a.Handle, "@")
	if host == "" {
		host = a.Host
	}
	return person{Name: a.DisplayName(), User: user, Host: host, URL: a.URL}
}

// fillNext finds two articles to read after this one: of the newest, those with a tag in common come first.
func (w *Web) fillNext(ctx context.Context, f *frame, p *articlePage) error {
	const most, among = 2, 50
	filter := listed("")
	filter.Limit, filter.Prefer = among, p.Language
	found, err := w.store.Articles(ctx, filter)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(a blog.Article) bool { return a.ID == p.ID })
	slices.SortStableFunc(found, func(a, b blog.Article) int {
		return shared(b.Tags, p.Article.Tags) - shared(a.Tags,
			p.Article.Tags)
	})
	p.ReadNext, err = w.entries(ctx, f, found[:min(len(found), most)], nil, true)
	return err
}

// shared counts the tags that two articles have in common, whatever their case.
func shared(a, b blog.Strings) int {
	n := 0
	for _, tag := range a {
		if slices.ContainsFunc(b, func(other string) bool { return strings.EqualFold(tag, other) }) {
			n++
		}
	}
	return n
}
