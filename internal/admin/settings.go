package admin

import (
	"net/http"
	"strings"
	"time"

	"causerie/internal/account"
	"causerie/internal/blog"
)

// settingsPage changes the settings of the blog.
type settingsPage struct {
	frame
	Name, Description, Language, Zone string
	Voice                             voiceBox
	Errors                            fieldErrors
}

func (h *Handler) showSettings(req *request) error {
	return h.settings(req, http.StatusOK, settingsOf(req.site))
}

func settingsOf(site blog.Site) settingsPage {
	return settingsPage{Name: site.Name, Description: site.Description, Language: site.Language, Zone: site.Timezone,
		Errors: fieldErrors{}}
}

func (h *Handler) settings(req *request, status int, p settingsPage) error {
	if req.author.Role != blog.Admin {
		return blog.ErrForbidden
	}
	f, err := h.frame(req, "settings", "Settings")
	if err != nil {
		return err
	}
	p.frame = f
	if p.Voice, err = h.voiceBox(req, p.Voice.Typed, p.Errors, h.store.SiteVoice); err != nil {
		return err
	}
	return h.pages.Render(req.w, status, "admin/settings", p)
}

func (h *Handler) saveSettings(req *request) error {
	if req.author.Role != blog.Admin {
		return blog.ErrForbidden
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := settingsPage{Name: line(form, "name"),
		Description: strings.TrimSpace(form.Get("description")),
		Language:    line(form, "language"), Zone: line(form, "zone"),
		Errors: fieldErrors{}}
	site := req.site
	p.apply(&site)
	if len(p.Errors) > 0 {
		return h.settings(req, http.StatusUnprocessableEntity, p)
	}
	if err := h.store.SaveSite(req.ctx(), site); err != nil {
		return err
	}
	if err := h.renameVoice(req, h.store.SiteVoice, site.Name, site.Description); err != nil {
		return err
	}
	return req.redirect("/admin/settings?done=saved")
}

// switchAuthors switches the collection of the authors on or off, which the voice of the blog publishes.
func (h *Handler) switchAuthors(req *request) error {
	if req.author.Role != blog.Admin {
		return blog.ErrForbidden
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	if err := h.outbox.FeatureAuthors(req.ctx(), form.Get("switch") == "on"); err != nil {
		return err
	}
	return req.redirect("/admin/settings?done=saved#voice")
}

// switchSite switches the voice of the blog on or off.
func (h *Handler) switchSite(req *request) error {
	if req.author.Role != blog.Admin {
		return blog.ErrForbidden
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := settingsOf(req.site)
	p.Voice.Typed = line(form, "handle")
	err = h.switchVoice(req, form.Get("switch"), h.store.SiteVoice, func() (blog.Voice, error) {
		return account.EnableSiteVoice(req.ctx(), h.store, p.Voice.Typed, h.now())
	})
	if err := p.Errors.add(err); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.settings(req, http.StatusUnprocessableEntity, p)
	}
	return req.redirect("/admin/settings?done=saved#voice")
}

// apply puts the typed values into the site. Errors go to their fields.
func (p settingsPage) apply(site *blog.Site) {
	if p.Name == "" || len([]rune(p.Name)) > 100 {
		p.Errors.addNew("name", "must have 1 to 100 characters: it is shown at the top of every page")
	}
	if len([]rune(p.Description)) > 500 {
		p.Errors.addNew("description", "is longer than 500 characters: make it shorter")
	}
	tag, known := blog.Language(p.Language)
	if !known {
		p.Errors.addNew("language", blog.UnknownLanguageText)
	}
	// LoadLocation also accepts "", which means UTC, and "Local", which is the zone of the machine.
	if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "" || p.Zone == "Local" {
		p.Errors.addNew("zone", "is not one that is known: write it like “Europe/Amsterdam”")
	}
	site.Name, site.Description, site.Language, site.Timezone = p.Name, p.Description, tag, p.Zone
}
