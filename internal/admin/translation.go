package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/media"
	"causerie/internal/page"
)

// translationPage is the editor of a translation, with the original beside it.
type translationPage struct {
	frame
	Article  blog.Article // the original, as it is stored
	Language string
	Name     string // of the language, in English
	Saved    string // the token of the article's save that the form was opened on
	State    string
	Known    bool // it is stored
	Out      bool // published, or to be published with the article
	Behind   bool // the original has changed since

	Headline, Subtitle, Text, Summary, Slug, Translator string

	Words  int
	Away   string // the page to which the pressed button leads
	Other  *other
	Errors fieldErrors
}

// Public reports whether readers and other servers get the translation as soon as it is saved.
func (p translationPage) Public() bool { return p.Article.Status == blog.Published }

// translations lists the translations of an article, for its editor.
func (h *Handler) translations(req *request, a blog.Article) ([]translationRow, error) {
	list, err := h.store.Translations(req.ctx(), a.ID)
	rows := make([]translationRow, len(list))
	for i, t := range list {
		rows[i] = translationRow{Language: t.Language, Name: page.LanguageName(t.Language), Draft: t.Draft, Behind: t.Behind}
	}
	return rows, err
}

type translationRow struct {
	Language, Name string
	Draft, Behind  bool
}

func textPath(a blog.Article, language string) string {
	return "/admin/articles/" + string(a.ID) + "/texts/" + url.PathEscape(language)
}

// translated finds the article of the path and its translation. A missing translation is an empty draft.
func (h *Handler) translated(req *request) (blog.Article, blog.Translation, error) {
	a, err := h.writable(req)
	if err != nil {
		return a, blog.Translation{}, err
	}
	tag, known := blog.Language(chi.URLParam(req.r, "language"))
	// The path must have the canonical form of the tag, so each translation has one address.
	if !known || tag != chi.URLParam(req.r, "language") || tag == a.Language {
		return a, blog.Translation{}, blog.ErrNotFound
	}
	if a.Status == blog.Deleted {
		return a, blog.Translation{}, blog.ErrGone
	}
	t, err := h.store.Translation(req.ctx(), a.ID, tag)
	if errors.Is(err, blog.ErrNotFound) {
		t, err = blog.Translation{Text: blog.Text{Language: tag}, Draft: true}, nil
	}
	return a, t, err
}

func translationPageOf(a blog.Article, t blog.Translation) translationPage {
	return translationPage{Article: a, Language: t.Language, Saved: token(a.SavedAt), Headline: t.Title,
		Subtitle: t.Subtitle, Text: t.Markdown,
		Summary: t.Summary, Slug: t.Slug, Translator: t.Translator, Errors: fieldErrors{}}
}

func (h *Handler) editTranslation(req *request) error {
	a, t, err := h.translated(req)
	if err != nil {
		return err
	}
	p := translationPageOf(a, t)
	former, err := h.requestedVersion(req, a, t.Language)
	if err != nil {
		return err
	}
	if former != nil {
		p.Headline, p.Summary, p.Text, p.State = former.Title, former.Summary, former.Markdown, req.versionState(*former)
	}
	return h.translation(req, http.StatusOK, p, t)
}

// translation renders the page. stored is the text in the store.
func (h *Handler) translation(req *request, status int, p translationPage, stored blog.Translation) error {
	p.Name = englishName(p.Language)
	f, err := h.frame(req, "articles", p.Name+": "+titleOf(p.Article))
	if err != nil {
		return err
	}
	p.frame, p.Known, p.Out, p.Behind = f, stored.Title+stored.Markdown != "", !stored.Draft, stored.Behind
	if p.State == "" {
		p.State = "Not saved yet"
		if p.Known {
			p.State = "Saved"
		}
	}
	p.Words = len(strings.Fields(p.Text))
	return h.pages.Render(req.w, status, "admin/translation", p)
}

// translationActions are the buttons of the translation form, by their value. Any other value publishes the translation
// as storeTranslation does.
var translationActions = map[string]func(*Handler, *request, translationPage, blog.Translation) error{
	"continue": (*Handler).continueTranslation,
	"back":     (*Handler).leaveTranslation,
	"preview":  (*Handler).previewTyped,
	"draft": func(h *Handler, req *request, p translationPage, stored blog.Translation) error {
		return h.storeTranslation(req, p, stored, true)
	},
}

// saveTranslation does what the pressed button of the form says. A translation that is no draft goes out with the
// article; if the article is published, at once.
func (h *Handler) saveTranslation(req *request) error {
	a, stored, err := h.translated(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := translationPage{Article: a, Language: stored.Language, Saved: form.Get("saved"), State: "Not saved yet",
		Headline: line(form, "title"), Subtitle: line(form, "subtitle"),
		Text: form.Get("text"), Summary: line(form, "summary"), Slug: line(form, "slug"),
		Translator: line(form, "translator"), Errors: fieldErrors{}}
	if act, ok := translationActions[form.Get("action")]; ok {
		return act(h, req, p, stored)
	}
	return h.storeTranslation(req, p, stored, false)
}

// continueTranslation shows the form again after a preview.
func (h *Handler) continueTranslation(req *request, p translationPage, stored blog.Translation) error {
	return h.translation(req, http.StatusOK, p, stored)
}

// leaveTranslation saves a draft on the way back to the article. It does not save what readers would see at once.
func (h *Handler) leaveTranslation(req *request, p translationPage, stored blog.Translation) error {
	p.Away = "/admin/articles/" + string(p.Article.ID) + "#languages"
	switch {
	case p.holds(stored):
		return req.redirect(p.Away)
	// Readers and other servers would get the change, and this button does not say so.
	case p.Public() && !stored.Draft:
		p.Errors["text"] = notByTheWay
		return h.translation(req, http.StatusUnprocessableEntity, p, stored)
	}
	return h.storeTranslation(req, p, stored, stored.Draft)
}

// previewTyped shows the translation as typed, without saving it.
func (h *Handler) previewTyped(req *request, p translationPage, stored blog.Translation) error {
	t, err := h.translationOf(req, p, stored, false)
	if err := p.Errors.add(err); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.translation(req, http.StatusUnprocessableEntity, p, stored)
	}
	return h.showTranslation(req, p.Article, t)
}

// storeTranslation saves the translation and leads to p.Away, or back to the form.
func (h *Handler) storeTranslation(req *request, p translationPage, stored blog.Translation, draft bool) error {
	a := p.Article
	t, err := h.translationOf(req, p, stored, draft)
	if err == nil {
		// A token that cannot be read becomes the zero time, which no stored article has: the save is then a conflict.
		saved, _ := time.Parse(time.RFC3339Nano, p.Saved)
		a, err = h.outbox.Translate(req.ctx(), a.ID, saved, t)
	}
	if errors.Is(err, blog.ErrConflict) {
		return h.translationConflict(req, p, t)
	}
	if err := p.Errors.add(err); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.translation(req, http.StatusUnprocessableEntity, p, stored)
	}
	if p.Away != "" {
		return req.redirect(p.Away)
	}
	flash := "saved"
	if a.Status == blog.Published && !t.Draft {
		if flash, err = h.savedFlash(req.ctx(), a.ID); err != nil {
			return err
		}
	}
	return req.redirect(textPath(a, t.Language) + "?done=" + flash)
}

// holds reports whether the form has exactly what is stored.
func (p translationPage) holds(t blog.Translation) bool {
	return p.Headline == t.Title && p.Subtitle == t.Subtitle && p.Summary == t.Summary && p.Text == t.Markdown &&
		p.Slug == t.Slug && p.Translator == t.Translator
}

// translationOf makes a translation of what was typed. An empty address is made from the title.
func (h *Handler) translationOf(req *request, p translationPage, stored blog.Translation,
	draft bool) (blog.Translation, error) {
	trial := p.Article
	trial.Text = blog.Text{Language: p.Language, Title: p.Headline, Subtitle: p.Subtitle, Summary: p.Summary,
		Markdown: p.Text, Slug: p.Slug}
	slug, err := h.authoring().SlugOf(req.ctx(), trial.ID, trial.Text)
	if err != nil {
		return stored, err
	}
	trial.Slug = slug
	_, err = media.Compose(req.ctx(), h.store, &trial, media.Beside{})
	return blog.Translation{Text: trial.Text, Translator: p.Translator, Draft: draft}, err
}

// translationConflict keeps what was typed in the form, where it can be saved over the other version.
func (h *Handler) translationConflict(req *request, p translationPage, typed blog.Translation) error {
	a, stored, err := h.translated(req)
	if err != nil {
		return err
	}
	// A double click sends the same form twice. The second one finds its own text, which is no conflict.
	if stored.Title == typed.Title && stored.Summary == typed.Summary && stored.Markdown == typed.Markdown &&
		stored.Draft == typed.Draft {
		return req.redirect(textPath(a, typed.Language) + "?done=saved")
	}
	p.Article, p.Saved, p.State = a, token(a.SavedAt), "Not saved: changed elsewhere"
	p.Other = &other{When: when(a.SavedAt, req.now, req.zone), Title: stored.Title, Summary: stored.Summary,
		Text: stored.Markdown}
	return h.translation(req, http.StatusConflict, p, stored)
}

// previewTranslation shows the stored translation as readers will see it.
func (h *Handler) previewTranslation(req *request) error {
	a, t, err := h.translated(req)
	if err != nil {
		return err
	}
	series, err := h.store.SeriesOf(req.ctx(), a)
	if err != nil {
		return err
	}
	a.Text = t.Text
	return h.preview(req, previewPage{Article: a, Series: series.Title, Form: textPath(a, t.Language)})
}

// showTranslation shows the typed translation, without saving it. The form waits in hidden fields.
func (h *Handler) showTranslation(req *request, a blog.Article, t blog.Translation) error {
	series, err := h.store.SeriesOf(req.ctx(), a)
	if err != nil {
		return err
	}
	var fields []formField
	for _, name := range []string{"saved", "title", "subtitle", "text", "summary", "slug", "translator"} {
		fields = append(fields, formField{name, req.r.PostForm.Get(name)})
	}
	a.Text = t.Text
	return h.preview(req, previewPage{Article: a, Series: series.Title, Form: textPath(a, t.Language), Kept: fields})
}

func (h *Handler) removeTranslation(req *request) error {
	a, t, err := h.translated(req)
	if err != nil {
		return err
	}
	// A missing translation was removed already: the button was pressed twice.
	if _, err := h.outbox.Untranslate(req.ctx(), a.ID, t.Language); err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "?done=taken#languages")
}
