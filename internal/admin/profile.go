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
	Voice    blog.Voice
	Handle   string
	Rows     []fieldRow
	Count    int
	Troubles troubles
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

func (d *Desk) showProfile(v *visit) error {
	return d.profile(v, http.StatusOK, profilePage{Voice: v.author.Voice, Troubles: troubles{}})
}

func (d *Desk) profile(v *visit, status int, p profilePage) error {
	f, err := d.frame(v, "profile", "Profile")
	if err != nil {
		return err
	}
	n, err := d.store.CountFollowers(v.ctx(), v.author.ID)
	if err != nil {
		return err
	}
	p.frame, p.Handle, p.Count = f, v.site.Handle(v.author.Handle), n.Servers
	for i := range max(fieldRows, min(len(p.Voice.Fields)+1, maxFields)) {
		r := fieldRow{N: i}
		if i < len(p.Voice.Fields) {
			r.Name, r.Value = p.Voice.Fields[i].Name, p.Voice.Fields[i].Value
		}
		p.Rows = append(p.Rows, r)
	}
	return d.pages.Render(v.w, status, "admin/profile", p)
}

func (d *Desk) saveProfile(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	voice := v.author.Voice
	p := profilePage{Troubles: troubles{}}
	takeProfile(form, &voice, p.Troubles)
	portrait, err := d.upload(v, v.author.ID, "portrait", "")
	if err := p.Troubles.noteAs("portrait", err); err != nil {
		return err
	}
	if portrait.ID != "" {
		voice.Picture = portrait.Files[0].File // the smallest is large enough for a face
	}
	if p.Voice = voice; len(p.Troubles) > 0 {
		return d.profile(v, http.StatusUnprocessableEntity, p)
	}
	if err := d.outbox.Introduce(v.ctx(), voice); err != nil {
		return err
	}
	return v.see("/admin/profile?done=profile")
}

// takeProfile takes what an author may change of their voice; anything else in the form is nobody's business.
func takeProfile(form url.Values, voice *blog.Voice, t troubles) {
	voice.Name, voice.Summary = strings.Join(strings.Fields(form.Get("name")), " "), strings.TrimSpace(form.Get("bio"))
	voice.Discoverable, voice.Indexable = form.Get("discoverable") != "", form.Get("indexable") != ""
	voice.ApprovesFollowers, voice.ShowsFollowers = form.Get("approves") != "", form.Get("shows") != ""
	if form.Get("no-portrait") != "" {
		voice.Picture = ""
	}
	voice.Fields = nil
	for i := range maxFields {
		n := strconv.Itoa(i)
		field := blog.Field{Name: strings.TrimSpace(form.Get("field-name-" + n)), Value: strings.TrimSpace(form.Get("field-value-" + n))}
		if field.Name != "" || field.Value != "" {
			voice.Fields = append(voice.Fields, field)
		}
	}
	checkProfile(*voice, t)
}

func checkProfile(voice blog.Voice, t troubles) {
	author := blog.Author{Voice: voice, Role: blog.Writer}
	author.Handle = "somebody" // not in this form
	var invalid blog.Invalid
	if errors.As(author.Check(), &invalid) {
		t[invalid.Field] = split(invalid)
	}
	if len([]rune(voice.Summary)) > maxBio {
		t.add("bio", "is longer than 5,000 characters: keep the rest for an article")
	}
	for _, f := range voice.Fields {
		switch {
		case f.Name == "" || f.Value == "":
			t.add("fields", "have a line with one half empty: fill in both, or neither")
		case len([]rune(f.Name)) > maxField || len([]rune(f.Value)) > maxField:
			t.add("fields", "have a line longer than 500 characters: make it shorter")
		}
	}
}
