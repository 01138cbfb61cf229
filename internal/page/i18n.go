package page

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"causerie/internal/text"
)

// catalog has the texts of the interface in every language with a file: words/en.yaml, words/nl.yaml. English has all
// of them; a test compares the others with it. A blog may have files of its own (see Load).
type catalog struct {
	bundle *i18n.Bundle
	names  map[string]bool // base languages
}

// loadCatalog reads the texts of the program and then those of the blog, which are added or replace them.
func loadCatalog(tree, own fs.FS) (*catalog, error) {
	bundle := i18n.NewBundle(language.English)
	w := &catalog{bundle: bundle, names: map[string]bool{}}
	if err := w.load(tree, "words/*.yaml"); err != nil {
		return nil, err
	}
	if len(w.names) == 0 {
		return nil, errors.New("no texts for the interface: words/ has no YAML file")
	}
	if own == nil {
		return w, nil
	}
	return w, w.load(own, "*.yaml")
}

func (w *catalog) load(tree fs.FS, pattern string) error {
	files, err := fs.Glob(tree, pattern)
	if err != nil {
		return fmt.Errorf("find the texts of the interface: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		// Pages find their words by the base language, so a file nl-be.yaml would never be used.
		if !languageFile.MatchString(name) {
			return fmt.Errorf("read %s: its name is no language of two or three letters, such as de.yaml", file)
		}
		body, err := fs.ReadFile(tree, file)
		if err != nil {
			return fmt.Errorf("read the texts of the interface: %w", err)
		}
		read, err := i18n.ParseMessageFileBytes(body, file, map[string]i18n.UnmarshalFunc{"yaml": yaml.Unmarshal})
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		for _, message := range read.Messages {
			if err := checkText(message); err != nil {
				return fmt.Errorf("read %s: text %q %w", file, message.ID, err)
			}
			// Arabic has six forms, and a translator may know of two.
			for _, form := range []*string{&message.Zero, &message.One, &message.Two, &message.Few, &message.Many} {
				*form = cmp.Or(*form, message.Other)
			}
		}
		if err := w.bundle.AddMessages(read.Tag, read.Messages...); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		w.names[name] = true
	}
	return nil
}

var (
	languageFile = regexp.MustCompile(`^[a-z]{2,3}$`)
	placeholder  = regexp.MustCompile(`\{\{\.[A-Za-z]+\}\}`)
)

// checkText returns an error for a text that could fail on a page.
func checkText(m *i18n.Message) error {
	for _, form := range []string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other} {
		if strings.Contains(placeholder.ReplaceAllString(form, ""), "{{") {
			return errors.New("has a placeholder that is not like {{.Name}}")
		}
	}
	if (m.ID == "months" || m.ID == "months-short") && len(strings.Fields(m.Other)) != 12 {
		return errors.New("has not twelve names")
	}
	return nil
}

func (w *catalog) languages() []string { return slices.Sorted(maps.Keys(w.names)) }

// Language returns the language of the interface on a page in the given one: the same where there are texts for it
// ("nl-BE" is "nl"), and otherwise the set's fallback.
func (s *Set) Language(code string) string {
	for _, code := range []string{code, s.Fallback} {
		base, _, _ := strings.Cut(strings.ToLower(code), "-")
		if s.words.names[base] {
			return base
		}
	}
	return "en"
}

// Translate returns a text of the interface for Go code, such as a title. Its arguments are those in templates.
func (s *Set) Translate(code, id string, args ...any) (string, error) {
	return s.localizer(code).translate(id, args...)
}

// localizer returns the localizer of a page. A text that its language lacks is in the language of the blog, or English.
func (s *Set) localizer(code string) localizer {
	t := localizer{language: s.Language(code), zone: func() *time.Location { return s.Zone }}
	for _, name := range []string{t.language, s.Language(s.Fallback), "en"} {
		t.texts = append(t.texts, i18n.NewLocalizer(s.words.bundle, name))
	}
	return t
}

// localizer writes the texts, numbers and dates of one language.
type localizer struct {
	language string
	texts    []*i18n.Localizer // the first that has a text is taken
	zone     func() *time.Location
}

// translate returns the text with that id. The arguments are pairs of a name and a value. A whole number is written
// as the language does it; the one named N chooses between singular and plural.
func (t localizer) translate(id string, args ...any) (string, error) {
	if len(args)%2 != 0 {
		return "", fmt.Errorf("text %q: a name without a value", id)
	}
	data := make(map[string]any, len(args)/2)
	message := i18n.LocalizeConfig{MessageID: id, TemplateData: data}
	for i := 0; i < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			return "", fmt.Errorf("text %q: %v is no name", id, args[i])
		}
		data[name] = args[i+1]
		if n, ok := args[i+1].(int); ok {
			// Whole numbers are always for readers here. A year must be passed as a string.
			data[name] = t.number(n)
			if name == "N" {
				message.PluralCount = n
			}
		}
	}
	var err error
	for _, texts := range t.texts {
		var text string
		if text, err = texts.Localize(&message); err == nil {
			return text, nil
		}
	}
	return "", fmt.Errorf("text %q: %w", id, err)
}

// number returns a number as the language writes it: 1,204 in English, 1.204 in Dutch.
func (t localizer) number(n int) string { return text.NumberIn(t.language, n) }

// inZone returns a time in the zone of the pages.
func (t localizer) inZone(at time.Time) time.Time {
	// A time with another zone was put into it by its caller, and keeps it.
	if zone := t.zone(); zone != nil && at.Location() == time.UTC {
		return at.In(zone)
	}
	return at
}

// timeOf returns a time.Time or a *time.Time as a time, so that templates may have either.
func timeOf(at any) time.Time {
	switch at := at.(type) {
	case time.Time:
		return at
	case *time.Time:
		if at != nil {
			return *at
		}
	}
	return time.Time{}
}

// day returns "16 November 2026".
func (t localizer) day(at any) (string, error) { return t.date("date", "months", at) }

// shortDay returns "16 Nov".
func (t localizer) shortDay(at any) (string, error) { return t.date("date-short", "months-short", at) }

// shortDayYear returns "16 Nov 2026".
func (t localizer) shortDayYear(at any) (string, error) { return t.date("date", "months-short", at) }

// month returns "November 2026".
func (t localizer) month(at any) (string, error) { return t.date("month-year", "months", at) }

// date returns a date by the pattern and the names of months with these ids.
func (t localizer) date(pattern, months string, at any) (string, error) {
	names, err := t.translate(months)
	if err != nil {
		return "", err
	}
	when := t.inZone(timeOf(at))
	return t.translate(pattern, "Day", strconv.Itoa(when.Day()), "Month", strings.Fields(names)[when.Month()-1],
		"Year", strconv.Itoa(when.Year()))
}

// clock returns "17:55".
func (t localizer) clock(at any) string { return t.inZone(timeOf(at)).Format("15:04") }

// instant returns the form for the datetime of <time>.
func (t localizer) instant(at any) string { return t.inZone(timeOf(at)).Format(time.RFC3339) }

// LanguageName returns a language's own name for itself, such as "Nederlands". An unknown code is returned as it is.
func LanguageName(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return code
	}
	if name := display.Self.Name(tag); name != "" {
		return name
	}
	return code
}

// Direction returns the dir attribute for a text in a language: rtl for those that are written so, and otherwise
// auto.
func Direction(code string) string {
	base, _, _ := strings.Cut(strings.ToLower(code), "-")
	if slices.Contains([]string{"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}, base) {
		return "rtl"
	}
	return "auto"
}

// withBreaks returns a name as HTML that may break where the parts of an address meet. A host with a port does not
// break within its numbers.
func withBreaks(name string) template.HTML {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && i+1 < len(runes) && (r == ':' && unicode.IsDigit(runes[i+1]) || r == '.' &&
			unicode.IsLetter(runes[i+1])) {
			b.WriteString("<wbr>")
		}
		b.WriteString(template.HTMLEscapeString(string(r)))
	}
	return template.HTML(b.String())
}

// initial returns the first letter of a name. It is shown where there is no picture.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "·"
}
