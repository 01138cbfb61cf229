package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"causerie/internal/blog"
)

// profilePage is how the author appears, here and on other servers.
type profilePage struct {
	frame
	Voice  blog.Voice
	Handle string
	Rows   []fieldRow
	Count  int
	Errors fieldErrors
}

// featureChoice is one answer to the question who may feature the author.
type featureChoice struct {
	Value  blog.FeaturePolicy
	Words  string
	Chosen bool
}

// Features lists the answers, with the one that the author chose.
func (p profilePage) Features() []featureChoice {
	list := []featureChoice{{Value: blog.FeatureAsProfile, Words: "As my options above say"},
		{Value: blog.FeatureEveryone, Words: "Everyone"}, {Value: blog.FeatureFollowers, Words: "My followers"},
		{Value: blog.FeatureAsk, Words: "Whoever asks me, and gets my approval"},
		{Value: blog.FeatureNobody, Words: "Nobody"}}
	for i := range list {
		list[i].Chosen = list[i].Value == p.Voice.CanFeature
	}
	return list
}

// fieldRow is one line of the profile's table.
type fieldRow struct {
	N           int
	Name, Value string
}

// Line is the number of the line, from 1.
func (r fieldRow) Line() int { return r.N + 1 }

const (
	fieldRows = 6 // rows shown at least; the command line can add more
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
	// There is always one empty row to add a line, until the limit.
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
	applyProfile(form, &voice, p.Errors)
	portrait, err := h.upload(req, req.author.ID, "portrait", "")
	if err := p.Errors.addAs("portrait", err); err != nil {
		return err
	}
	if portrait.ID != "" {
		// Files go from the smallest to the largest, and a portrait is shown small.
		voice.Picture = portrait.Files[0].File
	}
	if p.Voice = voice; len(p.Errors) > 0 {
		return h.profile(req, http.StatusUnprocessableEntity, p)
	}
	if err := h.outbox.SaveProfile(req.ctx(), voice); err != nil {
		return err
	}
	return req.redirect("/admin/profile?done=profile")
}

// applyProfile reads the fields that authors may change of their voice, and no others.
func applyProfile(form url.Values, voice *blog.Voice, t fieldErrors) {
	voice.Name, voice.Summary = line(form, "name"), strings.TrimSpace(form.Get("bio"))
	voice.Discoverable, voice.Indexable = form.Get("discoverable") != "", form.Get("indexable") != ""
	voice.ApprovesFollowers, voice.ShowsFollowers = form.Get("approves") != "", form.Get("shows") != ""
	voice.CanFeature = blog.FeaturePolicy(form.Get("featured"))
	if form.Get("no-portrait") != "" {
		voice.Picture = ""
	}
	voice.Fields = nil
	for i := range maxFields {
		n := strconv.Itoa(i)
		field := blog.Field{Name: line(form, "field-name-"+n),
			Value: line(form, "field-value-"+n)}
		if field.Name != "" || field.Value != "" {
			voice.Fields = append(voice.Fields, field)
		}
	}
	checkProfile(*voice, t)
}

// checkProfile adds the errors of a voice to their fields.
func checkProfile(voice blog.Voice, t fieldErrors) {
	author := blog.Author{Voice: voice, Role: blog.Writer}
	// Check wants a valid handle, and this form has none.
	author.Handle = "somebody"
	var invalid blog.Invalid
	if errors.As(author.Check(), &invalid) {
		t[invalid.Field] = split(invalid)
	}
	if errors.As(voice.CanFeature.Check(), &invalid) {
		t[invalid.Field] = split(invalid)
	}
	if len([]rune(voice.Summary)) > maxBio {
		t.addNew("bio", "is longer than 5,000 characters: make it shorter")
	}
	for _, f := range voice.Fields {
		switch {
		case f.Name == "" || f.Value == "":
			t.addNew("fields", "have a line that is half empty: fill in both halves, or neither")
		case len([]rune(f.Name)) > maxField || len([]rune(f.Value)) > maxField:
			t.addNew("fields", "have a line longer than 500 characters: make it shorter")
		}
	}
}
