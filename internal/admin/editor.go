package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/media"
	"causerie/internal/store"
	"causerie/internal/text"
)

// editorPage is the editor: the article as it is typed, and beside it what is to be known of it.
type editorPage struct {
	frame
	sheet
	Article      blog.Article // as it is stored
	State        string
	Words        int
	Minutes      int
	AllSeries    []blog.Series
	Hero         *picture
	Translations []translationRow
	Checks       checks
	Other        *other // what somebody else saved in the meantime
	Into         string // the language to translate into
	Away         string // where the pressed button leads, when the words could not be saved on the way
	Troubles     troubles
}

// other is the version that a conflict left in the store.
type other struct {
	When, Title, Summary, Text string
}

// picture is one of the library, to be shown.
type picture struct {
	ID            blog.ID
	Src, SrcSet   string
	Alt, Name     string
	Width, Height int
}

func shown(p blog.Picture, alt string) *picture {
	if alt == "" {
		alt = p.Alt
	}
	return &picture{ID: p.ID, Src: mediaPath(p.Largest().File), SrcSet: media.SrcSet(p), Alt: alt, Name: p.Name, Width: p.Width, Height: p.Height}
}

// newArticle opens an empty sheet under a fresh id, so that one that is sent twice is still one article.
func (d *Desk) newArticle(v *visit) error {
	a := d.blank(v, blog.NewID(d.now()))
	return d.edit(v, http.StatusOK, editorPage{Article: a, sheet: sheetOf(a, blog.Series{}), State: "Not saved yet", Troubles: troubles{}})
}

func (d *Desk) blank(v *visit, id blog.ID) blog.Article {
	language := v.author.Language
	if language == "" {
		language = v.site.Language
	}
	return blog.Article{ID: id, VoiceID: v.author.ID, Status: blog.Draft, Format: blog.FullArticle, Visibility: blog.Public, Comments: blog.Open,
		Quotes: "everyone", CreatedAt: d.now(), Text: blog.Text{Language: language},
		Answers: blog.Source{Address: v.r.FormValue("in-reply-to")}, Quoted: blog.Source{Address: v.r.FormValue("quoting")},
		Authors: []blog.Byline{{VoiceID: v.author.ID, Handle: v.author.Handle, Name: v.author.Name, Picture: v.author.Picture}}}
}

// writable finds the article of the path, if the author may change its text.
func (d *Desk) writable(v *visit) (blog.Article, error) {
	id, err := v.id("article")
	if err != nil {
		return blog.Article{}, err
	}
	a, err := d.store.Article(v.ctx(), id)
	if err == nil && !v.author.MayWrite(a.VoiceID) {
		err = errNotTheirs
	}
	if err == nil && (a.Status == blog.Published || a.Status == blog.Scheduled) && !v.author.May(a.VoiceID) {
		err = blog.ErrForbidden // what readers and other servers have, or will have by itself, is not a contributor's to change
	}
	return a, err
}

// publishable finds the article of the path, if the author may publish, change and take it back.
func (d *Desk) publishable(v *visit) (blog.Article, error) {
	a, err := d.writable(v)
	if err == nil && !v.author.May(a.VoiceID) {
		err = blog.ErrForbidden
	}
	return a, err
}

func (d *Desk) editArticle(v *visit) error {
	a, err := d.writable(v)
	if err != nil {
		return err
	}
	if a.Status == blog.Deleted {
		return blog.ErrGone
	}
	series, err := d.store.SeriesOf(v.ctx(), a)
	if err != nil {
		return err
	}
	p := editorPage{Article: a, sheet: sheetOf(a, series), State: v.stateOf(a), Troubles: troubles{}}
	former, err := d.asked(v, a, a.Language)
	if err != nil {
		return err
	}
	if former != nil {
		p.Headline, p.Summary, p.Text, p.State = former.Title, former.Summary, former.Markdown, v.takenUp(*former)
	}
	return d.edit(v, http.StatusOK, p)
}

// stateOf says in the editor how an article stands.
func (v *visit) stateOf(a blog.Article) string {
	saved := "Saved " + moment(a.SavedAt, v.now, v.zone)
	if a.Status == blog.Scheduled {
		return saved + "; goes out " + comes(*a.ScheduledAt, v.now, v.zone)
	}
	return saved
}

// edit shows the editor with everything that stands beside the text.
func (d *Desk) edit(v *visit, status int, p editorPage) error {
	title := p.sheet.Headline
	if title == "" {
		title = "A new article"
	}
	f, err := d.frame(v, "articles", "Writing: "+title)
	if err != nil {
		return err
	}
	p.frame = f
	if _, err := d.tellHold(v, &p.frame, p.Article); err != nil {
		return err
	}
	if p.Toast != nil && p.Toast.Undo != nil {
		p.Toast.Undo.Form = "sheet"
	}
	if p.AllSeries, err = d.store.AllSeries(v.ctx()); err != nil {
		return err
	}
	typed := p.Article
	p.sheet.apply(&typed, troubles{})
	rendered, err := d.library.Compose(v.ctx(), &typed, nil)
	if err := p.Troubles.note(err); err != nil {
		return err
	}
	p.Words, p.Minutes = typed.Words, typed.Minutes()
	if p.Hero, err = d.hero(v.ctx(), typed); err != nil {
		return err
	}
	if p.Checks, err = d.check(v.ctx(), typed, rendered); err != nil {
		return err
	}
	if p.Translations, err = d.translations(v, p.Article); err != nil {
		return err
	}
	return d.pages.Render(v.w, status, "admin/editor", p)
}

func (d *Desk) hero(ctx context.Context, a blog.Article) (*picture, error) {
	if a.PictureID == "" {
		return nil, nil
	}
	found, err := d.store.Pictures(ctx, []blog.ID{a.PictureID})
	if p, ok := found[a.PictureID]; ok {
		return shown(p, a.PictureAlt), err
	}
	return nil, err
}

// saveArticle takes the editor's form: the pictures first, then the words, then what the pressed button says.
func (d *Desk) saveArticle(v *visit) error {
	a, err := d.writable(v)
	if errors.Is(err, blog.ErrNotFound) {
		a, err = d.fresh(v)
	}
	if err != nil {
		return err
	}
	if a.Status == blog.Deleted {
		return blog.ErrGone
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := editorPage{Article: a, sheet: readSheet(form), State: "Not saved yet", Troubles: troubles{}}
	if err := d.uploads(v, &p); err != nil {
		return err
	}
	edited := a
	if err := d.take(v, &p, &edited); err != nil {
		return err
	}
	action := form.Get("action")
	if action == "preview" {
		return d.showPreview(v, edited, &p)
	}
	p.Away = p.wayOut(action, strings.TrimSpace(form.Get("into")))
	untouched, err := d.untouched(v, a, p)
	switch {
	case err != nil:
		return err
	case untouched && a.SavedAt.IsZero() && (action == "save" || action == "publish"):
		p.Troubles["title"] = trouble{"There is nothing to save yet.", "Give it a title, or write some words."}
	case untouched && p.Away != "":
		return v.see(p.Away)
	case action == "continue", len(p.Troubles) == 0 && action == "upload" && a.Status == blog.Published:
		return d.edit(v, http.StatusOK, p)
	case action == unschedule && a.Status != blog.Scheduled:
		p.Troubles["text"] = trouble{"It waits for no moment any more.", "It went out, or somebody put it back among the drafts: open it anew to see."}
	case a.Status == blog.Published && p.Away != "" && action != "save" && action != quietly && len(p.Troubles) == 0:
		p.Troubles["text"] = notByTheWay
	}
	if len(p.Troubles) > 0 {
		if action == "publish" { // which is no way to leave words behind
			p.Away = ""
		}
		return d.edit(v, http.StatusUnprocessableEntity, p)
	}
	return d.keep(v, a, edited, p, action)
}

const (
	quietly    = "quiet"      // the button that corrects a published article without telling
	unschedule = "unschedule" // the one that keeps a scheduled article from going out
)

// fresh is an article that was never saved, under the id that its sheet was given.
func (d *Desk) fresh(v *visit) (blog.Article, error) {
	id, err := v.id("article")
	return d.blank(v, id), err
}

// take puts the sheet's words into the article and says what is wrong with them.
func (d *Desk) take(v *visit, p *editorPage, a *blog.Article) error {
	p.sheet.apply(a, p.Troubles)
	if err := d.takeByline(v.ctx(), p, a); err != nil {
		return err
	}
	if err := d.takeSeries(v.ctx(), p, a); err != nil {
		return err
	}
	_, err := d.library.Compose(v.ctx(), a, nil)
	return errors.Join(p.Troubles.note(err), p.Troubles.note(a.Check()))
}

// uploads takes the form's pictures into the library: one for the head of the article, one for its text, where it is
// put at the end. What cannot be taken is said beside its field.
func (d *Desk) uploads(v *visit, p *editorPage) error {
	hero, err := d.upload(v, p.Article.VoiceID, "hero", "")
	if err := p.Troubles.noteAs("hero", err); err != nil {
		return err
	}
	if hero.ID != "" {
		p.sheet.PictureID = string(hero.ID)
	}
	alt := p.sheet.UploadAlt
	inline, err := d.upload(v, p.Article.VoiceID, "upload", alt)
	if err := p.Troubles.noteAs("upload", err); err != nil {
		return err
	}
	if inline.ID == "" && hero.ID == "" && len(p.Troubles) == 0 && v.r.PostForm.Get("action") == "upload" {
		p.Troubles["upload"] = noFile
	}
	if inline.ID != "" {
		p.sheet.Text = fmt.Sprintf("%s\n\n![%s](%s)\n", trimEnd(p.sheet.Text), text.Excerpt(bracketless(alt), 400), inline.Name)
		p.sheet.UploadAlt = ""
	}
	return nil
}

// upload accepts one file of a form; the zero picture when none was chosen.
func (d *Desk) upload(v *visit, voice blog.ID, field, alt string) (blog.Picture, error) {
	file, header, err := v.file(field)
	if err != nil || file == nil {
		return blog.Picture{}, err
	}
	defer file.Close()
	if header.Size == 0 && header.Filename == "" {
		return blog.Picture{}, nil
	}
	p, err := d.library.Accept(v.ctx(), voice, header.Filename, file)
	if err != nil || alt == "" {
		return p, err
	}
	return p, d.store.DescribePicture(v.ctx(), p.ID, alt)
}

// keep saves the edited article: a published one through the outbox, which tells the world, another one at once.
func (d *Desk) keep(v *visit, before, edited blog.Article, p editorPage, action string) error {
	said := "saved"
	var err error
	switch {
	case before.Status == blog.Published:
		if said, err = d.saidToWorld(v.ctx(), edited.ID); err != nil {
			return err
		}
		if action == quietly {
			said = "quiet"
		}
		err = d.outbox.ReviseAs(v.ctx(), &edited, outbox.ReviseOptions{Quiet: action == quietly, Hold: v.author.Hold()})
	default:
		if action == unschedule {
			said, edited.Status, edited.ScheduledAt = "draft", blog.Draft, nil
		}
		err = d.saveDraft(v, before, &edited)
	}
	if errors.Is(err, blog.ErrConflict) {
		return d.conflict(v, edited, p)
	}
	if err := p.Troubles.note(err); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return d.edit(v, http.StatusUnprocessableEntity, p)
	}
	if p.Away != "" {
		return v.see(p.Away)
	}
	return v.see("/admin/articles/" + string(edited.ID) + "?done=" + said)
}

// saidToWorld is the word for what saving a published article does: nobody is told where no other server has it.
func (d *Desk) saidToWorld(ctx context.Context, article blog.ID) (string, error) {
	if n, err := d.holders(ctx, article); err != nil || n == 0 {
		return "saved", err
	}
	return "told", nil
}

// saveDraft writes an article that nobody else has yet, and keeps its words among its revisions when they are new.
func (d *Desk) saveDraft(v *visit, before blog.Article, a *blog.Article) error {
	return d.store.InTx(v.ctx(), func(s *store.Store) error {
		if err := s.SaveArticle(v.ctx(), a, d.now()); err != nil {
			return err
		}
		if before.Title == a.Title && before.Summary == a.Summary && before.Markdown == a.Markdown {
			return nil
		}
		return s.AddRevision(v.ctx(), store.Revision{ArticleID: a.ID, Language: a.Language, Kind: "saved", Title: a.Title, Summary: a.Summary,
			Markdown: a.Markdown, Author: v.author.Handle, At: d.now()})
	})
}

// conflict shows both versions: the typed one stays in the form, to be saved over the other on purpose.
func (d *Desk) conflict(v *visit, edited blog.Article, p editorPage) error {
	current, err := d.store.Article(v.ctx(), edited.ID)
	if err != nil {
		return err
	}
	if current.Title == edited.Title && current.Summary == edited.Summary && current.Markdown == edited.Markdown {
		return v.see("/admin/articles/" + string(edited.ID) + "?done=saved") // the same form twice
	}
	p.Article, p.State = current, "Not saved: changed elsewhere"
	p.Other = &other{When: moment(current.SavedAt, v.now, v.zone), Title: current.Title, Summary: current.Summary, Text: current.Markdown}
	p.sheet.Saved = token(current.SavedAt)
	return d.edit(v, http.StatusConflict, p)
}

// token is a save, as a form remembers which one it was opened on.
func token(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
