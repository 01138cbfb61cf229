package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/media"
	"causerie/internal/text"
)

// editorPage is the editor: the article as typed, and beside it what the author should know.
type editorPage struct {
	frame
	editorForm
	Article      blog.Article // as it is stored
	State        string
	Words        int
	Minutes      int
	SomeSeries   []blog.Series // suggested while one types
	Hero         *picture
	Translations []translationRow
	Checks       checks
	Other        *other // what somebody else saved meanwhile; nil if nobody did
	Into         string // the language to translate into, as typed
	Away         string // the page to which the pressed button leads; "" if the author stays
	Errors       fieldErrors
}

// Places are the blocks of the text after which a picture can be put.
func (p editorPage) Places() []place { return places(p.editorForm.Text) }

// other is the version that somebody else saved meanwhile.
type other struct {
	When, Title, Summary, Text string
}

// picture is a picture of the library, ready to be shown.
type picture struct {
	ID            blog.ID
	Src, SrcSet   string
	Alt, Name     string
	Width, Height int
}

func pictureOf(p blog.Picture, alt string) *picture {
	if alt == "" {
		alt = p.Alt
	}
	return &picture{ID: p.ID, Src: mediaPath(p.Largest().File), SrcSet: media.SrcSet(p), Alt: alt, Name: p.Name,
		Width: p.Width, Height: p.Height}
}

// newArticle opens an empty editor. The id is made now and not when the form is saved, so a form that is sent twice
// makes one article.
func (h *Handler) newArticle(req *request) error {
	a := h.newDraft(req, blog.NewID(h.now()))
	return h.edit(req, http.StatusOK, editorPage{Article: a, editorForm: editorFormOf(a, blog.Series{}),
		State: "Not saved yet", Errors: fieldErrors{}})
}

// newDraft is an empty draft of the author. It replies to or quotes the post in the address, if there is one.
func (h *Handler) newDraft(req *request, id blog.ID) blog.Article {
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
		err = errNotOwner
	}
	if err == nil && (a.Status == blog.Published || a.Status == blog.Scheduled) && !req.author.May(a.VoiceID) {
		// Readers and other servers have this text, or will have it soon. A contributor may not change it.
		err = blog.ErrForbidden
	}
	return a, err
}

// publishable finds the article of the path, if the author may publish, change and withdraw it.
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
	former, err := h.requestedVersion(req, a, a.Language)
	if err != nil {
		return err
	}
	if former != nil {
		p.Headline, p.Summary, p.Text, p.State = former.Title, former.Summary, former.Markdown, req.versionState(*former)
	}
	return h.edit(req, http.StatusOK, p)
}

// stateOf describes when the article was saved, and when it will be published.
func (req *request) stateOf(a blog.Article) string {
	saved := "Saved " + when(a.SavedAt, req.now, req.zone)
	if a.Status == blog.Scheduled {
		return saved + "; to be published " + whenAhead(*a.ScheduledAt, req.now, req.zone)
	}
	return saved
}

// edit renders the editor with everything beside the text.
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
	if _, err := h.showHold(req, &p.frame, p.Article); err != nil {
		return err
	}
	// The sentence is about the other save, and its button would undo that one.
	if p.Other != nil {
		p.Toast = nil
	}
	// The undo button sends the form of the editor, so that what was typed meanwhile is not lost.
	if p.Toast != nil && p.Toast.Undo != nil {
		p.Toast.Undo.Form = "editor"
	}
	if p.SomeSeries, err = h.store.NewestSeries(req.ctx(), suggestedSeries); err != nil {
		return err
	}
	// The checks and the counts are about what is typed, not about what is stored. Errors of the form are known already,
	// so this second apply throws its own away.
	typed := p.Article
	p.editorForm.apply(&typed, fieldErrors{})
	rendered, err := media.Compose(req.ctx(), h.store, &typed, media.Beside{})
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
	// The picture may be gone from the library. Then the article has none, and the editor still opens.
	found, err := h.store.Pictures(ctx, []blog.ID{a.PictureID})
	if p, ok := found[a.PictureID]; ok {
		return pictureOf(p, a.PictureAlt), err
	}
	return nil, err
}

// saveArticle takes the editor's form: first its pictures, then its text, then it does what the pressed button says.
func (h *Handler) saveArticle(req *request) error {
	// Before writableOrNew, which reads a field of the form: FormValue would parse it with all its files in memory.
	form, err := req.form()
	if err != nil {
		return err
	}
	a, err := h.writableOrNew(req)
	if err != nil {
		return err
	}
	p := editorPage{Article: a, editorForm: readEditorForm(form), State: "Not saved yet", Errors: fieldErrors{}}
	// Pictures first, and whatever else is wrong: a browser forgets a chosen file when the form comes back.
	if err := h.uploads(req, &p); err != nil {
		return err
	}
	edited := a
	if err := h.apply(req, &p, &edited); err != nil {
		return err
	}
	action := form.Get("action")
	if action == "preview" {
		return h.showPreview(req, edited, &p)
	}
	p.Away = p.exitOf(action, line(form, "into"))
	return h.saveTyped(req, edited, p, action)
}

// writableOrNew finds the article of the path, as writable does; an unknown id begins a new article.
func (h *Handler) writableOrNew(req *request) (blog.Article, error) {
	a, err := h.writable(req)
	if errors.Is(err, blog.ErrNotFound) {
		id, err := req.id("article")
		return h.newDraft(req, id), err
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
	unchanged, err := h.unchanged(req, a, p)
	if err != nil {
		return err
	}
	empty := unchanged && a.SavedAt.IsZero() && (action == "save" || action == "publish")
	// There is nothing to save. Saving a published article once more would send an Update without a change.
	if unchanged && p.Away != "" && !empty {
		return req.redirect(p.Away)
	}
	// A picture for a published article goes into the form only: saving would show it to readers at once.
	if action == "continue" || action == "upload" && a.Status == blog.Published && len(p.Errors) == 0 {
		return h.edit(req, http.StatusOK, p)
	}
	p.checkAction(action, empty)
	if len(p.Errors) > 0 {
		if action == "publish" {
			p.Away = "" // the publish page shows the stored article, so there is no link to it without saving
		}
		return h.edit(req, http.StatusUnprocessableEntity, p)
	}
	return h.storeArticle(req, a, edited, p, action)
}

// checkAction adds an error if the pressed button cannot do what it says. empty reports whether there is nothing to
// save.
func (p *editorPage) checkAction(action string, empty bool) {
	published := p.Article.Status == blog.Published
	switch {
	case empty:
		p.Errors["title"] = fieldError{"There is nothing to save yet.", "Give it a title, or write some text."}
	case action == unschedule && p.Article.Status != blog.Scheduled:
		p.Errors["text"] = fieldError{"It is no longer scheduled.",
			"It was published, or somebody made it a draft again. Open it again to see."}
	case published && p.Away != "" && action != "save" && action != quietly && len(p.Errors) == 0:
		p.Errors["text"] = notByTheWay
	}
}

const (
	quietly    = "quiet"      // the button that corrects a published article without telling readers
	unschedule = "unschedule" // the button that makes a scheduled article a draft again
)

// apply puts the typed values into the article. Errors go to their fields.
func (h *Handler) apply(req *request, p *editorPage, a *blog.Article) error {
	p.editorForm.apply(a, p.Errors)
	if err := h.applyByline(req.ctx(), p, a, req.author.ID); err != nil {
		return err
	}
	if err := h.applySeries(req.ctx(), p, a); err != nil {
		return err
	}
	_, err := media.Compose(req.ctx(), h.store, a, media.Beside{})
	if err := p.Errors.add(err); err != nil {
		return err
	}
	return p.Errors.add(a.Check())
}

// uploads adds the pictures of the form to the library. The line of one for the text goes after the block that the form
// names, or to the end of the text.
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
	// Only the upload button needs a file; the other buttons send the empty field too.
	if inline.ID == "" && hero.ID == "" && len(p.Errors) == 0 && req.r.PostForm.Get("action") == "upload" {
		p.Errors["upload"] = noFile
	}
	if inline.ID != "" {
		// A bracket would end the description early, and more than 400 characters make the text hard to edit. The library
		// keeps the whole description.
		image := fmt.Sprintf("![%s](%s)", text.Excerpt(bracketless(alt), 400), inline.Name)
		p.editorForm.Text = insertBlock(p.editorForm.Text, line(req.r.PostForm, "upload-after"), image)
		p.editorForm.UploadAlt = ""
	}
	return nil
}

// upload adds one file of a form to the library. It is the zero picture if no file was chosen.
func (h *Handler) upload(req *request, voice blog.ID, field, alt string) (blog.Picture, error) {
	file, header, err := req.file(field)
	if err != nil || file == nil {
		return blog.Picture{}, err
	}
	defer file.Close()
	// Browsers send an empty part without a name for a field in which no file was chosen.
	if header.Size == 0 && header.Filename == "" {
		return blog.Picture{}, nil
	}
	p, err := h.library.Accept(req.ctx(), voice, header.Filename, file)
	if err != nil || alt == "" {
		return p, err
	}
	return p, h.store.DescribePicture(req.ctx(), p.ID, alt)
}

// storeArticle saves the edited article. The outbox saves a published one, because other servers get the change.
func (h *Handler) storeArticle(req *request, before, edited blog.Article, p editorPage, action string) error {
	flash := "saved"
	var err error
	switch {
	case before.Status == blog.Published:
		if flash, err = h.savedFlash(req.ctx(), edited.ID); err != nil {
			return err
		}
		if action == quietly {
			flash = "quiet"
		}
		err = h.outbox.ReviseWith(req.ctx(), &edited, outbox.ReviseOptions{Quiet: action == quietly, Hold: req.author.Hold()})
	default:
		if action == unschedule {
			flash, edited.Status, edited.ScheduledAt = "draft", blog.Draft, nil
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
	return req.redirect("/admin/articles/" + string(edited.ID) + "?done=" + flash)
}

// savedFlash returns the name of the flash message after saving a published article. It depends on whether another
// server may have the article.
func (h *Handler) savedFlash(ctx context.Context, article blog.ID) (string, error) {
	if n, err := h.holders(ctx, article); err != nil || n == 0 {
		return "saved", err
	}
	return "told", nil
}

// conflict shows both versions. The typed one stays in the form and can be saved over the other.
func (h *Handler) conflict(req *request, edited blog.Article, p editorPage) error {
	current, err := h.store.Article(req.ctx(), edited.ID)
	if err != nil {
		return err
	}
	// A double click sends the same form twice. The second one finds its own text, which is no conflict.
	if current.Title == edited.Title && current.Summary == edited.Summary && current.Markdown == edited.Markdown {
		return req.redirect("/admin/articles/" + string(edited.ID) + "?done=saved")
	}
	p.Article, p.State = current, "Not saved: changed elsewhere"
	p.Other = &other{When: when(current.SavedAt, req.now, req.zone), Title: current.Title, Summary: current.Summary,
		Text: current.Markdown}
	// With the token of the other version, the next save succeeds.
	p.editorForm.Saved = token(current.SavedAt)
	return h.edit(req, http.StatusConflict, p)
}

// token identifies a save by its time. A form contains it, so that the next save detects a change in between.
func token(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
