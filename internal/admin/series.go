package admin

import (
	"context"
	"net/http"
	"strings"

	"causerie/internal/account"
	"causerie/internal/blog"
)

// seriesListPage lists all series.
type seriesListPage struct {
	frame
	Rows  []seriesRow
	Pager pager
}

const (
	seriesPerPage   = 100
	suggestedSeries = 100 // in the editor
)

type seriesRow struct {
	blog.Series
	Parts  int    // published
	Handle string // "" if it cannot be followed
}

func (h *Handler) allSeries(req *request) error {
	if !req.author.May("") {
		return blog.ErrForbidden
	}
	f, err := h.frame(req, "articles", "Series")
	if err != nil {
		return err
	}
	all, err := h.store.SeriesByTitle(req.ctx(), seriesPerPage+1, offset(req.r))
	if err != nil {
		return err
	}
	p := seriesListPage{frame: f}
	p.Pager, all = paginate(req.r, all, seriesPerPage)
	var ids, speaking []blog.ID
	for _, s := range all {
		if ids = append(ids, s.ID); s.VoiceID != "" {
			speaking = append(speaking, s.VoiceID)
		}
	}
	// Two queries for all series of the page.
	parts, err := h.store.CountParts(req.ctx(), ids)
	if err != nil {
		return err
	}
	voices, err := h.store.Voices(req.ctx(), speaking)
	if err != nil {
		return err
	}
	for _, s := range all {
		r := seriesRow{Series: s, Parts: parts[s.ID]}
		if voice, ok := voices[s.VoiceID]; ok && voice.SilentAt == nil {
			r.Handle = req.site.Handle(voice.Handle)
		}
		p.Rows = append(p.Rows, r)
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/series-list", p)
}

func (h *Handler) seriesVoice(s blog.Series) account.FindVoice {
	return func(ctx context.Context) (blog.Voice, error) { return h.store.SeriesVoice(ctx, s.ID) }
}

// seriesPage describes a series, and switches its voice on and off.
type seriesPage struct {
	frame
	Series                           blog.Series // as it is stored
	Name, Description, Lang, Planned string
	Voice                            voiceBox
	Unused                           bool // no article in it was published: it can be deleted
	Errors                           fieldErrors
}

func seriesPageOf(s blog.Series) seriesPage {
	return seriesPage{Series: s, Name: s.Title, Description: s.Description, Lang: s.Language, Planned: digits(s.Planned),
		Errors: fieldErrors{}}
}

// seriesOfPath finds the series of the path. Series have no owner: editors and administrators manage them.
func (h *Handler) seriesOfPath(req *request) (blog.Series, error) {
	if !req.author.May("") {
		return blog.Series{}, blog.ErrForbidden
	}
	id, err := req.id("series")
	if err != nil {
		return blog.Series{}, err
	}
	return h.store.Series(req.ctx(), id)
}

func (h *Handler) showSeries(req *request) error {
	s, err := h.seriesOfPath(req)
	if err != nil {
		return err
	}
	return h.series(req, http.StatusOK, seriesPageOf(s))
}

func (h *Handler) series(req *request, status int, p seriesPage) error {
	f, err := h.frame(req, "articles", "Series: "+p.Series.Title)
	if err != nil {
		return err
	}
	p.frame = f
	if p.Voice, err = h.voiceBox(req, p.Voice.Typed, p.Errors, h.seriesVoice(p.Series)); err != nil {
		return err
	}
	if p.Unused, err = h.store.SeriesUnused(req.ctx(), p.Series.ID); err != nil {
		return err
	}
	return h.pages.Render(req.w, status, "admin/series", p)
}

// deleteSeries deletes a series in which no article was published.
func (h *Handler) deleteSeries(req *request) error {
	s, err := h.seriesOfPath(req)
	if err != nil {
		return err
	}
	if err := h.store.DeleteSeries(req.ctx(), s); err != nil {
		return err
	}
	return req.redirect("/admin/series?done=deleted")
}

func (h *Handler) saveSeries(req *request) error {
	s, err := h.seriesOfPath(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := seriesPage{Series: s, Name: line(form, "title"),
		Description: strings.TrimSpace(form.Get("description")),
		Lang:        line(form, "language"), Planned: line(form, "planned"),
		Errors: fieldErrors{}}
	p.apply(&s)
	if len(p.Errors) > 0 {
		return h.series(req, http.StatusUnprocessableEntity, p)
	}
	if err := h.store.SaveSeries(req.ctx(), s); err != nil {
		return err
	}
	// The voice has the title and the description of the series.
	if err := h.renameVoice(req, h.seriesVoice(s), s.Title, s.Description); err != nil {
		return err
	}
	return req.redirect("/admin/series/" + string(s.ID) + "?done=saved")
}

// apply puts the typed values into the series. Errors go to their fields.
func (p seriesPage) apply(s *blog.Series) {
	if p.Name == "" || len([]rune(p.Name)) > 200 {
		p.Errors.addNew("title", "must have 1 to 200 characters")
	}
	if len([]rune(p.Description)) > 500 {
		p.Errors.addNew("description", "is longer than 500 characters: make it shorter")
	}
	tag, known := blog.Language(p.Lang)
	if !known {
		p.Errors.addNew("language", blog.UnknownLanguageText)
	}
	var err error
	if s.Planned, err = count(p.Planned); err != nil {
		p.Errors.addNew("planned", "must be a number: write how many parts the series will have")
	}
	s.Title, s.Description, s.Language = p.Name, p.Description, tag
}

// switchSeries switches the voice of a series on or off.
func (h *Handler) switchSeries(req *request) error {
	s, err := h.seriesOfPath(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := seriesPageOf(s)
	p.Voice.Typed = line(form, "handle")
	err = h.switchVoice(req, form.Get("switch"), h.seriesVoice(s), func() (blog.Voice, error) {
		return account.EnableSeriesVoice(req.ctx(), h.store, s, p.Voice.Typed, h.now())
	})
	if err := p.Errors.add(err); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.series(req, http.StatusUnprocessableEntity, p)
	}
	return req.redirect("/admin/series/" + string(s.ID) + "?done=saved#voice")
}
