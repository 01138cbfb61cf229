package admin

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"causerie/internal/authoring"
	"causerie/internal/blog"
)

// editorForm is the form of the editor as typed. It is comparable, which unchanged uses.
type editorForm struct {
	Saved                             string // the token of the save that the form was opened on
	Headline, Subtitle, Text, Summary string
	Slug, Language, Tags              string
	Series, Part, Planned             string
	Byline                            string // the names after the owner, one per line
	Format, Visibility                string
	Comments, Quotes, Warning         string
	PictureID, PictureAlt             string
	UploadAlt                         string
	InReplyTo, Quoting                string
}

// readEditorForm reads a sent form. Fields of one line get single spaces.
func readEditorForm(form url.Values) editorForm {
	s := editorForm{Saved: form.Get("saved"), Headline: line(form, "title"), Subtitle: line(form, "subtitle"),
		Text:    form.Get("text"),
		Summary: line(form, "summary"),
		Slug:    line(form, "slug"), Language: line(form, "language"), Tags: line(form, "tags"),
		Series: line(form, "series"), Part: line(form, "part"),
		Planned: line(form, "planned"),
		Byline:  form.Get("byline"), Format: form.Get("format"), Visibility: form.Get("visibility"),
		Comments: form.Get("comments"),
		Quotes:   form.Get("quotes"), Warning: line(form, "warning"), PictureID: form.Get("picture"),
		PictureAlt: line(form, "picture-alt"), UploadAlt: line(form, "upload-alt"),
		InReplyTo: line(form, "in-reply-to"), Quoting: line(form, "quoting")}
	if form.Get("no-picture") != "" {
		s.PictureID, s.PictureAlt = "", ""
	}
	return s
}

// editorFormOf returns the form for a stored article and its series.
func editorFormOf(a blog.Article, series blog.Series) editorForm {
	s := editorForm{Saved: token(a.SavedAt), Headline: a.Title, Subtitle: a.Subtitle, Text: a.Markdown, Summary: a.Summary,
		Slug: a.Slug, Language: a.Language,
		Tags: strings.Join(a.Tags, ", "), Series: series.Title, Part: digits(a.Part), Planned: digits(series.Planned),
		Byline: bylineText(a),
		Format: string(a.Format), Visibility: string(a.Visibility), Comments: string(a.Comments), Quotes: a.Quotes,
		Warning:   a.Warning,
		PictureID: string(a.PictureID), PictureAlt: a.PictureAlt, InReplyTo: a.Answers.Address, Quoting: a.Quoted.Address}
	return s
}

// digits writes a number, and 0 as the empty string.
func digits(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// apply sets the typed values in an article. A value that cannot be read becomes an error; the others are set.
func (s editorForm) apply(a *blog.Article, t fieldErrors) {
	saved, err := time.Parse(time.RFC3339Nano, s.Saved)
	if err != nil {
		saved = time.Time{} // a new article has no save yet
	}
	a.SavedAt = saved
	a.Title, a.Subtitle, a.Summary, a.Markdown, a.Slug = s.Headline, s.Subtitle, s.Summary, s.Text, s.Slug
	a.Warning, a.PictureAlt = s.Warning, s.PictureAlt
	a.Answers, a.Quoted = a.Answers.At(s.InReplyTo), a.Quoted.At(s.Quoting)
	a.Format, a.Visibility, a.Comments, a.Quotes = choice(s.Format, a.Format), choice(s.Visibility, a.Visibility),
		choice(s.Comments, a.Comments), choice(s.Quotes, a.Quotes)
	a.Tags = tagList(s.Tags)
	if a.PictureID = ""; blog.ValidID(s.PictureID) {
		a.PictureID = blog.ID(s.PictureID)
	}
	if tag, known := blog.Language(s.Language); !known {
		t.addNew("language", blog.UnknownLanguageText)
	} else {
		a.Language = tag
	}
	if a.Part, err = count(s.Part); err != nil {
		t.addNew("part", "must be a number: write 1 for the first part")
	}
}

// choice is the chosen value, or before if the form lacks the field.
func choice[T ~string](typed string, before T) T {
	if typed == "" {
		return before
	}
	return T(typed)
}

// count reads a number from 1 to 10,000. An empty text is 0.
func count(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < 1 || n > 10_000) {
		err = strconv.ErrRange
	}
	return n, err
}

// tagList reads a list of tags such as "rivers, Old houses, #ferries". Of tags that differ only in case, it keeps the
// first.
func tagList(text string) blog.Strings {
	var tags blog.Strings
	known := map[string]bool{}
	for tag := range strings.SplitSeq(text, ",") {
		tag = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(tag), "#"))
		if tag != "" && !known[strings.ToLower(tag)] {
			known[strings.ToLower(tag)] = true
			tags = append(tags, tag)
		}
	}
	return tags
}

// bylineText is the content of the by-line field: all authors but the owner, one per line.
func bylineText(a blog.Article) string {
	var text strings.Builder
	for _, by := range a.Authors {
		switch {
		case by.VoiceID == a.VoiceID:
		case by.VoiceID != "":
			text.WriteString("@" + by.Handle + "\n")
		default:
			text.WriteString(strings.TrimSpace(by.Name+" "+by.URL) + "\n")
		}
	}
	return text.String()
}

// applyByline reads the by-line, one name per line: "@tobias" is an author of this blog, any other name is a guest. by
// is the author who sent the form.
func (h *Handler) applyByline(ctx context.Context, p *editorPage, a *blog.Article, by blog.ID) error {
	var names []blog.Byline
	for _, line := range lines(p.Byline) {
		name, err := authoring.Guest(line)
		if strings.HasPrefix(line, "@") {
			name, err = h.authoring().Coauthor(ctx, line)
		}
		if err == nil {
			names = append(names, name)
		} else if err := p.Errors.add(err); err != nil {
			return err
		}
	}
	return p.Errors.add(authoring.SetByline(a, names, by))
}

// applySeries reads the series, the part and the number of parts.
func (h *Handler) applySeries(ctx context.Context, p *editorPage, a *blog.Article) error {
	planned, err := count(p.Planned)
	if err != nil {
		p.Errors.addNew("planned", "must be a number: write how many parts the series will have")
	}
	// A part that could not be read has its own error, so it is not also reported as missing.
	if _, wrong := p.Errors["part"]; p.Series != "" && a.Part == 0 && !wrong {
		p.Errors["part"] = fieldError{"The part is missing.", "Fill in which part of the series this is."}
	}
	return p.Errors.add(h.authoring().SetSeries(ctx, a, p.Series, planned))
}

// bracketless replaces square brackets, which would end the description of a picture in Markdown.
func bracketless(text string) string { return strings.NewReplacer("[", "(", "]", ")").Replace(text) }
