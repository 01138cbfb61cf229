package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/media"
	"causerie/internal/text"
)

// editorPage is the editor: the article as it is typed, and beside it what is to be known of it.
type editorPage struct {
	frame
	editorForm
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
	Errors       fieldErrors
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
	return &picture{ID: p.ID, Src: mediaPath(p.Largest().File), SrcSet: media.SrcSet(p), Alt: alt, Name: p.Name,
		Width: p.Width, Height: p.Height}
}

// newArticle opens an empty sheet under a fresh id, so that one that is sent twice is still one article.
func (h *Handler) newArticle(req *request) error {
	a := h.blank(req, blog.NewID(h.now()))
	return h.edit(req, http.StatusOK, editorPage{Article: a, editorForm: editorFormOf(a, blog.Series{}),
		State: "Not saved yet", Errors: fieldErrors{}})
}

// blank is an empty draft of the author's, which answers or quotes what the address names.
func (h *Handler) blank(req *request, id blog.ID) blog.Article {
	a := h.authoring().New(req.author, id, cmp.Or(req.author.Language, req.site.Language))
	a.Answers.Address, a.Quoted.Address = req.r.FormValue("in-reply-to"), req.r.FormValue("quoting")
	return a
}

// writable finds the article of the path, if the author may change its text.
func (h *Handler) writable(req *request) (blog.Article, error) {
	id, err := req.id("article")
	if err != nil {
		return blog.Article{}, err
	}
	a, err := h.store.Article(req.ctx(), id)
	if err == nil && !req.author.MayWrite(a.VoiceID) {
		err = errNotTheirs
	}
	if err == nil && (a.Status == blog.Published || a.Status == blog.Scheduled) && !req.author.May(a.VoiceID) {
		// what readers and other servers have, or will have by itself, is not a contributor's to change
		err = blog.ErrForbidden
	}
	return a, err
}

// publishable finds the article of the path, if the author may publish, change and take it back.
func (h *Handler) publishable(req *request) (blog.Article, error) {
	a, err := h.writable(req)
	if err == nil && !req.author.May(a.VoiceID) {
		err = blog.ErrForbidden
	}
	return a, err
}

func (h *Handler) editArticle(req *request) error {
	a, err := h.writable(req)
	if err != nil {
		return err
	}
	if a.Status == blog.Deleted {
		return blog.ErrGone
	}
	series, err := h.store.SeriesOf(req.ctx(), a)
	if err != nil {
		return err
	}
	p := editorPage{Article: a, editorForm: editorFormOf(a, series), State: req.stateOf(a), Errors: fieldErrors{}}
	former, err := h.asked(req, a, a.Language)
	if err != nil {
		return err
	}
	if former != nil {
		p.Headline, p.Summary, p.Text, p.State = former.Title, former.Summary, former.Markdown, req.takenUp(*former)
	}
	return h.edit(req, http.StatusOK, p)
}

// stateOf says in the editor how an article stands.
func (req *request) stateOf(a blog.Article) string {
	saved := "Saved " + when(a.SavedAt, req.now, req.zone)
	if a.Status == blog.Scheduled {
		return saved + "; goes out " + whenAhead(*a.ScheduledAt, req.now, req.zone)
	}
	return saved
}

// edit shows the editor with everything that stands beside the text.
func (h *Handler) edit(req *request, status int, p editorPage) error {
	title := p.editorForm.Headline
	if title == "" {
		title = "A new article"
	}
	f, err := h.frame(req, "articles", "Writing: "+title)
	if err != nil {
		return err
	}
	p.frame = f
	if _, err := h.tellHold(req, &p.frame, p.Article); err != nil {
		return err
	}
	if p.Toast != nil && p.Toast.Undo != nil {
		p.Toast.Undo.Form = "sheet"
	}
	if p.AllSeries, err = h.store.AllSeries(req.ctx()); err != nil {
		return err
	}
	typed := p.Article
	p.editorForm.apply(&typed, fieldErrors{})
	rendered, err := h.library.Compose(req.ctx(), &typed, nil)
	if err := p.Errors.add(err); err != nil {
		return err
	}
	p.Words, p.Minutes = typed.WordCount, typed.Minutes()
	if p.Hero, err = h.hero(req.ctx(), typed); err != nil {
		return err
	}
	if p.Checks, err = h.check(req.ctx(), typed, rendered); err != nil {
		return err
	}
	if p.Translations, err = h.translations(req, p.Article); err != nil {
		return err
	}
	return h.pages.Render(req.w, status, "admin/editor", p)
}

func (h *Handler) hero(ctx context.Context, a blog.Article) (*picture, error) {
	if a.PictureID == "" {
		return nil, nil
	}
	found, err := h.store.Pictures(ctx, []blog.ID{a.PictureID})
	if p, ok := found[a.PictureID]; ok {
		return shown(p, a.PictureAlt), err
	}
	return nil, err
}

// saveArticle takes the editor's form: first its pictures, then its text, then it does what the pressed button says.
func (h *Handler) saveArticle(req *request) error {
	a, err := h.writableOrNew(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := editorPage{Article: a, editorForm: readEditorForm(form), State: "Not saved yet", Errors: fieldErrors{}}
	if err := h.uploads(req, &p); err != nil {
		return err
	}
	edited := a
	if err := h.take(req, &p, &edited); err != nil {
		return err
	}
	action := form.Get("action")
	if action == "preview" {
		return h.showPreview(req, edited, &p)
	}
	p.Away = p.exits(action, strings.TrimSpace(form.Get("into")))
	return h.saveTyped(req, edited, p, action)
}

// writableOrNew finds the article of the path, as writable does; an unknown id begins a new article.
func (h *Handler) writableOrNew(req *request) (blog.Article, error) {
	a, err := h.writable(req)
	if errors.Is(err, blog.ErrNotFound) {
		id, err := req.id("article")
		return h.blank(req, id), err
	}
	if err == nil && a.Status == blog.Deleted {
		err = blog.ErrGone
	}
	return a, err
}

// saveTyped saves the edited article and leads to p.Away. It shows the editor again if nothing can be saved, or if the
// button does not save.
func (h *Handler) saveTyped(req *request, edited blog.Article, p editorPage, action string) error {
	a := p.Article
	untouched, err := h.untouched(req, a, p)
	if err != nil {
		return err
	}
	empty := untouched && a.SavedAt.IsZero() && (action == "save" || action == "publish")
	if untouched && p.Away != "" && !empty {
		return req.redirect(p.Away)
	}
	// A picture for a published article goes into the form only: saving would show it to readers at once.
	if action == "continue" || action == "upload" && a.Status == blog.Published && len(p.Errors) == 0 {
		return h.edit(req, http.StatusOK, p)
	}
	p.checkAction(action, empty)
	if len(p.Errors) > 0 {
		if action == "publish" {
			p.Away = "" // the publish page shows the stored article: it offers no way there without saving
		}
		return h.edit(req, http.StatusUnprocessableEntity, p)
	}
	return h.keep(req, a, edited, p, action)
}

// checkAction adds an error if the pressed button cannot do what it says. empty reports whether there is nothing to
// save.
func (p *editorPage) checkAction(action string, empty bool) {
	published := p.Article.Status == blog.Published
	switch {
	case empty:
		p.Errors["title"] = fieldError{"There is nothing to save yet.", "Give it a title, or write some words."}
	case action == unschedule && p.Article.Status != blog.Scheduled:
		p.Errors["text"] = fieldError{"It waits for no moment any more.",
			"It went out, or somebody put it back among the drafts: open it anew to see."}
	case published && p.Away != "" && action != "save" && action != quietly && len(p.Errors) == 0:
		p.Errors["text"] = notByTheWay
	}
}

const (
	quietly    = "quiet"      // the button that corrects a published article without telling
	unschedule = "unschedule" // the one that keeps a scheduled article from going out
)

// take puts the sheet's words into the article and says what is wrong with them.
func (h *Handler) take(req *request, p *editorPage, a *blog.Article) error {
	p.editorForm.apply(a, p.Errors)
	if err := h.takeByline(req.ctx(), p, a); err != nil {
		return err
	}
	if err := h.takeSeries(req.ctx(), p, a); err != nil {
		return err
	}
	_, err := h.library.Compose(req.ctx(), a, nil)
	if err := p.Errors.add(err); err != nil {
		return err
	}
	return p.Errors.add(a.Check())
}

// uploads takes the form's pictures into the library: one for the head of the article, one for its text, where it is
// put at the end. What cannot be taken is said beside its field.
func (h *Handler) uploads(req *request, p *editorPage) error {
	hero, err := h.upload(req, p.Article.VoiceID, "hero", "")
	if err := p.Errors.addAs("hero", err); err != nil {
		return err
	}
	if hero.ID != "" {
		p.editorForm.PictureID = string(hero.ID)
	}
	alt := p.editorForm.UploadAlt
	inline, err := h.upload(req, p.Article.VoiceID, "upload", alt)
	if err := p.Errors.addAs("upload", err); err != nil {
		return err
	}
	if inline.ID == "" && hero.ID == "" && len(p.Errors) == 0 && req.r.PostForm.Get("action") == "upload" {
		p.Errors["upload"] = noFile
	}
	if inline.ID != "" {
		p.editorForm.Text = fmt.Sprintf("%s\n\n![%s](%s)\n", trimEnd(p.editorForm.Text), text.Excerpt(bracketless(alt), 400),
			inline.Name)
		p.editorForm.UploadAlt = ""
	}
	return nil
}

// upload accepts one file of a form; the zero picture when none was chosen.
func (h *Handler) upload(req *request, voice blog.ID, field, alt string) (blog.Picture, error) {
	file, header, err := req.file(field)
	if err != nil || file == nil {
		return blog.Picture{}, err
	}
	defer file.Close()
	if header.Size == 0 && header.Filename == "" {
		return blog.Picture{}, nil
	}
	p, err := h.library.Accept(req.ctx(), voice, header.Filename, file)
	if err != nil || alt == "" {
		return p, err
	}
	return p, h.store.DescribePicture(req.ctx(), p.ID, alt)
}

// keep saves the edited article: a published one through the outbox, which tells the world, another one at once.
func (h *Handler) keep(req *request, before, edited blog.Article, p editorPage, action string) error {
	said := "saved"
	var err error
	switch {
	case before.Status == blog.Published:
		if said, err = h.saidToWorld(req.ctx(), edited.ID); err != nil {
			return err
		}
		if action == quietly {
			said = "quiet"
		}
		err = h.outbox.ReviseAs(req.ctx(), &edited, outbox.ReviseOptions{Quiet: action == quietly, Hold: req.author.Hold()})
	default:
		if action == unschedule {
			said, edited.Status, edited.ScheduledAt = "draft", blog.Draft, nil
		}
		err = h.authoring().SaveDraft(req.ctx(), &edited, req.author.Handle)
	}
	if errors.Is(err, blog.ErrConflict) {
		return h.conflict(req, edited, p)
	}
	if err := p.Errors.add(err); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.edit(req, http.StatusUnprocessableEntity, p)
	}
	if p.Away != "" {
		return req.redirect(p.Away)
	}
	return req.redirect("/admin/articles/" + string(edited.ID) + "?done=" + said)
}

// saidToWorld is the word for what saving a published article does: nobody is told where no other server has it.
func (h *Handler) saidToWorld(ctx context.Context, article blog.ID) (string, error) {
	if n, err := h.holders(ctx, article); err != nil || n == 0 {
		return "saved", err
	}
	return "told", nil
}

// conflict shows both versions: the typed one stays in the form, to be saved over the other on purpose.
func (h *Handler) conflict(req *request, edited blog.Article, p editorPage) error {
	current, err := h.store.Article(req.ctx(), edited.ID)
	if err != nil {
		return err
	}
	if current.Title == edited.Title && current.Summary == edited.Summary && current.Markdown == edited.Markdown {
		return req.redirect("/admin/articles/" + string(edited.ID) + "?done=saved") // the same form twice
	}
	p.Article, p.State = current, "Not saved: changed elsewhere"
	p.Other = &other{When: when(current.SavedAt, req.now, req.zone), Title: current.Title, Summary: current.Summary,
		Text: current.Markdown}
	p.editorForm.Saved = token(current.SavedAt)
	return h.edit(req, http.StatusConflict, p)
}

// token identifies the save that a form was opened on.
func token(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
