package admin

import (
	"context"
	"net/http"
	"strings"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// seriesListPage lists the series there are.
type seriesListPage struct {
	frame
	Rows []seriesRow
}

type seriesRow struct {
	blog.Series
	Parts  int    // published
	Handle string // by which one follows it, "" when nobody can
}

func (d *Desk) allSeries(v *visit) error {
	if !v.author.May("") {
		return blog.ErrForbidden
	}
	f, err := d.frame(v, "articles", "Series")
	if err != nil {
		return err
	}
	all, err := d.store.AllSeries(v.ctx())
	if err != nil {
		return err
	}
	p := seriesListPage{frame: f}
	for _, s := range all {
		r := seriesRow{Series: s}
		if r.Parts, err = d.store.CountArticles(v.ctx(), store.Filter{Series: s.ID, Listed: true}); err != nil {
			return err
		}
		voice, err := d.voiceBox(v, "", troubles{}, d.voiceOf(s))
		if err != nil {
			return err
		}
		if voice.On {
			r.Handle = voice.Handle
		}
		p.Rows = append(p.Rows, r)
	}
	return d.pages.Render(v.w, http.StatusOK, "admin/series-list", p)
}

func (d *Desk) voiceOf(s blog.Series) account.FindVoice {
	return func(ctx context.Context) (blog.Voice, error) { return d.store.SeriesVoice(ctx, s.ID) }
}

// seriesPage is what is said of a series as a whole, and whether one can follow it.
type seriesPage struct {
	frame
	Series                           blog.Series // as it is stored
	Name, Description, Lang, Planned string
	Voice                            voiceBox
	Troubles                         troubles
}

func seriesPageOf(s blog.Series) seriesPage {
	return seriesPage{Series: s, Name: s.Title, Description: s.Description, Lang: s.Language, Planned: digits(s.Planned), Troubles: troubles{}}
}

// managed finds the series of the path. Series belong to nobody: editors and administrators see to them.
func (d *Desk) managed(v *visit) (blog.Series, error) {
	if !v.author.May("") {
		return blog.Series{}, blog.ErrForbidden
	}
	id, err := v.id("series")
	if err != nil {
		return blog.Series{}, err
	}
	return d.store.Series(v.ctx(), id)
}

func (d *Desk) showSeries(v *visit) error {
	s, err := d.managed(v)
	if err != nil {
		return err
	}
	return d.series(v, http.StatusOK, seriesPageOf(s))
}

func (d *Desk) series(v *visit, status int, p seriesPage) error {
	f, err := d.frame(v, "articles", "Series: "+p.Series.Title)
	if err != nil {
		return err
	}
	p.frame = f
	if p.Voice, err = d.voiceBox(v, p.Voice.Typed, p.Troubles, d.voiceOf(p.Series)); err != nil {
		return err
	}
	return d.pages.Render(v.w, status, "admin/series", p)
}

func (d *Desk) saveSeries(v *visit) error {
	s, err := d.managed(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := seriesPage{Series: s, Name: strings.Join(strings.Fields(form.Get("title")), " "), Description: strings.TrimSpace(form.Get("description")),
		Lang: strings.TrimSpace(form.Get("language")), Planned: strings.TrimSpace(form.Get("planned")), Troubles: troubles{}}
	p.take(&s)
	if len(p.Troubles) > 0 {
		return d.series(v, http.StatusUnprocessableEntity, p)
	}
	if err := d.store.SaveSeries(v.ctx(), s); err != nil {
		return err
	}
	if err := d.renameVoice(v, d.voiceOf(s), s.Title, s.Description); err != nil {
		return err
	}
	return v.see("/admin/series/" + string(s.ID) + "?done=saved")
}

// take puts what was typed into the series and says what is wrong with it.
func (p seriesPage) take(s *blog.Series) {
	if p.Name == "" || len([]rune(p.Name)) > 200 {
		p.Troubles.add("title", "must have 1 to 200 characters")
	}
	if len([]rune(p.Description)) > 500 {
		p.Troubles.add("description", "is longer than 500 characters: a line or two are enough")
	}
	tag, known := blog.Language(p.Lang)
	if !known {
		p.Troubles.add("language", blog.UnknownLanguage)
	}
	var err error
	if s.Planned, err = count(p.Planned); err != nil {
		p.Troubles.add("planned", "must be a number: how many parts there will be")
	}
	s.Title, s.Description, s.Language = p.Name, p.Description, tag
}

// switchSeries lets a series be followed, or no longer.
func (d *Desk) switchSeries(v *visit) error {
	s, err := d.managed(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := seriesPageOf(s)
	p.Voice.Typed = strings.TrimSpace(form.Get("handle"))
	err = d.switchVoice(v, form.Get("switch"), d.voiceOf(s), func() (blog.Voice, error) {
		return account.LetSeriesSpeak(v.ctx(), d.store, s, p.Voice.Typed, d.now())
	})
	if err := p.Troubles.note(err); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return d.series(v, http.StatusUnprocessableEntity, p)
	}
	return v.see("/admin/series/" + string(s.ID) + "?done=saved#voice")
}
