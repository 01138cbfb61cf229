package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"causerie/internal/blog"
)

// profilePage is how the author appears, here and elsewhere.
type profilePage struct {
	frame
	Voice  blog.Voice
	Handle string
	Rows   []fieldRow
	Count  int
	Errors fieldErrors
}

// fieldRow is one line of the profile's table.
type fieldRow struct {
	N           int
	Name, Value string
}

// Line counts the lines as people do.
func (r fieldRow) Line() int { return r.N + 1 }

const (
	fieldRows = 6 // shown; a profile may have more, made elsewhere
	maxBio    = 5000
	maxField  = 500
	maxFields = 10
)

func (h *Handler) showProfile(req *request) error {
	return h.profile(req, http.StatusOK, profilePage{Voice: req.author.Voice, Errors: fieldErrors{}})
}

func (h *Handler) profile(req *request, status int, p profilePage) error {
	f, err := h.frame(req, "profile", "Profile")
	if err != nil {
		return err
	}
	n, err := h.store.CountFollowers(req.ctx(), req.author.ID)
	if err != nil {
		return err
	}
	p.frame, p.Handle, p.Count = f, req.site.Handle(req.author.Handle), n.Servers
	for i := range max(fieldRows, min(len(p.Voice.Fields)+1, maxFields)) {
		r := fieldRow{N: i}
		if i < len(p.Voice.Fields) {
			r.Name, r.Value = p.Voice.Fields[i].Name, p.Voice.Fields[i].Value
		}
		p.Rows = append(p.Rows, r)
	}
	return h.pages.Render(req.w, status, "admin/profile", p)
}

func (h *Handler) saveProfile(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	voice := req.author.Voice
	p := profilePage{Errors: fieldErrors{}}
	takeProfile(form, &voice, p.Errors)
	portrait, err := h.upload(req, req.author.ID, "portrait", "")
	if err := p.Errors.addAs("portrait", err); err != nil {
		return err
	}
	if portrait.ID != "" {
		voice.Picture = portrait.Files[0].File // the smallest is large enough for a face
	}
	if p.Voice = voice; len(p.Errors) > 0 {
		return h.profile(req, http.StatusUnprocessableEntity, p)
	}
	if err := h.outbox.Introduce(req.ctx(), voice); err != nil {
		return err
	}
	return req.redirect("/admin/profile?done=profile")
}

// takeProfile takes what an author may change of their voice; anything else in the form is nobody's business.
func takeProfile(form url.Values, voice *blog.Voice, t fieldErrors) {
	voice.Name, voice.Summary = strings.Join(strings.Fields(form.Get("name")), " "), strings.TrimSpace(form.Get("bio"))
	voice.Discoverable, voice.Indexable = form.Get("discoverable") != "", form.Get("indexable") != ""
	voice.ApprovesFollowers, voice.ShowsFollowers = form.Get("approves") != "", form.Get("shows") != ""
	if form.Get("no-portrait") != "" {
		voice.Picture = ""
	}
	voice.Fields = nil
	for i := range maxFields {
		n := strconv.Itoa(i)
		field := blog.Field{Name: strings.TrimSpace(form.Get("field-name-" + n)),
			Value: strings.TrimSpace(form.Get("field-value-" + n))}
		if field.Name != "" || field.Value != "" {
			voice.Fields = append(voice.Fields, field)
		}
	}
	checkProfile(*voice, t)
}

func checkProfile(voice blog.Voice, t fieldErrors) {
	author := blog.Author{Voice: voice, Role: blog.Writer}
	author.Handle = "somebody" // not in this form
	var invalid blog.Invalid
	if errors.As(author.Check(), &invalid) {
		t[invalid.Field] = split(invalid)
	}
	if len([]rune(voice.Summary)) > maxBio {
		t.addNew("bio", "is longer than 5,000 characters: keep the rest for an article")
	}
	for _, f := range voice.Fields {
		switch {
		case f.Name == "" || f.Value == "":
			t.addNew("fields", "have a line with one half empty: fill in both, or neither")
		case len([]rune(f.Name)) > maxField || len([]rune(f.Value)) > maxField:
			t.addNew("fields", "have a line longer than 500 characters: make it shorter")
		}
	}
}
