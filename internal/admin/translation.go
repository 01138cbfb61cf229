package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// translationPage is where an article is written in another language, with the original beside it.
type translationPage struct {
	frame
	Article  blog.Article // the original, as it is stored
	Language string
	Name     string // of the language, in itself
	Saved    string // which save of the article the form was opened on
	State    string
	Known    bool // it was saved before
	Out      bool // readers have it, or will with the article
	Behind   bool // the original changed since

	Headline, Subtitle, Text, Summary, Slug, Translator string

	Words  int
	Away   string // where the pressed button leads
	Other  *other
	Errors fieldErrors
}

// Public reports whether saving it tells the world.
func (p translationPage) Public() bool { return p.Article.Status == blog.Published }

// translations are the languages of an article beside its own, as its editor lists them.
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

// translated finds the article of the path and its text in the language of the path; the zero text where there is none.
func (h *Handler) translated(req *request) (blog.Article, blog.Translation, error) {
	a, err := h.writable(req)
	if err != nil {
		return a, blog.Translation{}, err
	}
	tag, known := blog.Language(chi.URLParam(req.r, "language"))
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
	former, err := h.asked(req, a, t.Language)
	if err != nil {
		return err
	}
	if former != nil {
		p.Headline, p.Summary, p.Text, p.State = former.Title, former.Summary, former.Markdown, req.takenUp(*former)
	}
	return h.translation(req, http.StatusOK, p, t)
}

// translation shows the page; stored is what is kept of the text.
func (h *Handler) translation(req *request, status int, p translationPage, stored blog.Translation) error {
	p.Name = page.LanguageName(p.Language)
	f, err := h.frame(req, "articles", p.Name+": "+titled(p.Article))
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
	line := func(name string) string { return strings.Join(strings.Fields(form.Get(name)), " ") }
	p := translationPage{Article: a, Language: stored.Language, Saved: form.Get("saved"), State: "Not saved yet",
		Headline: line("title"), Subtitle: line("subtitle"),
		Text: form.Get("text"), Summary: strings.TrimSpace(form.Get("summary")), Slug: line("slug"),
		Translator: line("translator"), Errors: fieldErrors{}}
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
	said := "saved"
	if a.Status == blog.Published && !t.Draft {
		if said, err = h.saidToWorld(req.ctx(), a.ID); err != nil {
			return err
		}
	}
	return req.redirect(textPath(a, t.Language) + "?done=" + said)
}

// holds reports whether the form has what is stored and nothing else.
func (p translationPage) holds(t blog.Translation) bool {
	return p.Headline == t.Title && p.Subtitle == t.Subtitle && p.Summary == t.Summary && p.Text == t.Markdown &&
		p.Slug == t.Slug && p.Translator == t.Translator
}

// translationOf makes a text of what was typed, with an address from its title where none was given.
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
	_, err = h.library.Compose(req.ctx(), &trial, nil)
	return blog.Translation{Text: trial.Text, Translator: p.Translator, Draft: draft}, err
}

// translationConflict keeps what was typed in the form, to be saved over the other version on purpose.
func (h *Handler) translationConflict(req *request, p translationPage, typed blog.Translation) error {
	a, stored, err := h.translated(req)
	if err != nil {
		return err
	}
	if stored.Title == typed.Title && stored.Summary == typed.Summary && stored.Markdown == typed.Markdown &&
		stored.Draft == typed.Draft {
		return req.redirect(textPath(a, typed.Language) + "?done=saved") // the same form twice
	}
	p.Article, p.Saved, p.State = a, token(a.SavedAt), "Not saved: changed elsewhere"
	p.Other = &other{When: when(a.SavedAt, req.now, req.zone), Title: stored.Title, Summary: stored.Summary,
		Text: stored.Markdown}
	return h.translation(req, http.StatusConflict, p, stored)
}

// previewTranslation shows what is stored of a translation as its readers will see it.
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

// showTranslation is the preview of what was typed, without saving it; the form waits below.
func (h *Handler) showTranslation(req *request, a blog.Article, t blog.Translation) error {
	series, err := h.store.SeriesOf(req.ctx(), a)
	if err != nil {
		return err
	}
	var fields []keptFormField
	for _, name := range []string{"saved", "title", "subtitle", "text", "summary", "slug", "translator"} {
		fields = append(fields, keptFormField{name, req.r.PostForm.Get(name)})
	}
	a.Text = t.Text
	return h.preview(req, previewPage{Article: a, Series: series.Title, Form: textPath(a, t.Language), Kept: fields})
}

func (h *Handler) removeTranslation(req *request) error {
	a, t, err := h.translated(req)
	if err != nil {
		return err
	}
	if _, err := h.outbox.Untranslate(req.ctx(), a.ID, t.Language); err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "?done=taken#languages")
}
