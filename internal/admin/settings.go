package admin

import (
	"net/http"
	"strings"
	"time"

	"causerie/internal/account"
	"causerie/internal/blog"
)

// settingsPage is what may change of the site.
type settingsPage struct {
	frame
	Name, Description, Language, Zone string
	Voice                             voiceBox
	Troubles                          troubles
}

func (d *Desk) showSettings(v *visit) error {
	return d.settings(v, http.StatusOK, settingsOf(v.site))
}

func settingsOf(site blog.Site) settingsPage {
	return settingsPage{Name: site.Name, Description: site.Description, Language: site.Language, Zone: site.Timezone, Troubles: troubles{}}
}

func (d *Desk) settings(v *visit, status int, p settingsPage) error {
	if v.author.Role != blog.Admin {
		return blog.ErrForbidden
	}
	f, err := d.frame(v, "settings", "Settings")
	if err != nil {
		return err
	}
	p.frame = f
	if p.Voice, err = d.voiceBox(v, p.Voice.Typed, p.Troubles, d.store.SiteVoice); err != nil {
		return err
	}
	return d.pages.Render(v.w, status, "admin/settings", p)
}

func (d *Desk) saveSettings(v *visit) error {
	if v.author.Role != blog.Admin {
		return blog.ErrForbidden
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := settingsPage{Name: strings.Join(strings.Fields(form.Get("name")), " "), Description: strings.TrimSpace(form.Get("description")),
		Language: strings.TrimSpace(form.Get("language")), Zone: strings.TrimSpace(form.Get("zone")), Troubles: troubles{}}
	site := v.site
	p.take(&site)
	if len(p.Troubles) > 0 {
		return d.settings(v, http.StatusUnprocessableEntity, p)
	}
	if err := d.store.SaveSite(v.ctx(), site); err != nil {
		return err
	}
	if err := d.renameVoice(v, d.store.SiteVoice, site.Name, site.Description); err != nil {
		return err
	}
	return v.see("/admin/settings?done=saved")
}

// switchSite lets the blog as a whole be followed, or no longer.
func (d *Desk) switchSite(v *visit) error {
	if v.author.Role != blog.Admin {
		return blog.ErrForbidden
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := settingsOf(v.site)
	p.Voice.Typed = strings.TrimSpace(form.Get("handle"))
	err = d.switchVoice(v, form.Get("switch"), d.store.SiteVoice, func() (blog.Voice, error) {
		return account.LetSiteSpeak(v.ctx(), d.store, p.Voice.Typed, d.now())
	})
	if err := p.Troubles.note(err); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return d.settings(v, http.StatusUnprocessableEntity, p)
	}
	return v.see("/admin/settings?done=saved#voice")
}

// take puts what was typed into the site and says what is wrong with it.
func (p settingsPage) take(site *blog.Site) {
	if p.Name == "" || len([]rune(p.Name)) > 100 {
		p.Troubles.add("name", "must have 1 to 100 characters: it stands at the head of every page")
	}
	if len([]rune(p.Description)) > 500 {
		p.Troubles.add("description", "is longer than 500 characters: a line or two are enough")
	}
	tag, known := blog.Language(p.Language)
	if !known {
		p.Troubles.add("language", blog.UnknownLanguage)
	}
	if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "" || p.Zone == "Local" {
		p.Troubles.add("zone", "is not one that is known: write it like “Europe/Amsterdam”")
	}
	site.Name, site.Description, site.Language, site.Timezone = p.Name, p.Description, tag, p.Zone
}
