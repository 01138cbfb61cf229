package page

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
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
// of them; a test compares the others with it.
type catalog struct {
	localizers map[string]*i18n.Localizer // by base language
}

func loadCatalog(tree fs.FS) (*catalog, error) {
	files, err := fs.Glob(tree, "words/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("find the texts of the interface: %w", err)
	}
	if len(files) == 0 {
		return nil, errors.New("no texts for the interface: words/ has no YAML file")
	}
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	w := &catalog{localizers: map[string]*i18n.Localizer{}}
	for _, file := range files {
		if _, err := bundle.LoadMessageFileFS(tree, file); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		w.localizers[name] = i18n.NewLocalizer(bundle, name)
	}
	return w, nil
}

func (w *catalog) languages() []string {
	names := make([]string, 0, len(w.localizers))
	for name := range w.localizers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Language returns the language of the interface on a page in the given one: the same where there are texts for it
// ("nl-BE" is "nl"), and otherwise the set's fallback.
func (s *Set) Language(code string) string {
	for _, code := range []string{code, s.Fallback} {
		base, _, _ := strings.Cut(strings.ToLower(code), "-")
		if s.words.localizers[base] != nil {
			return base
		}
	}
	return "en"
}

// Translate returns a text of the interface for Go code, such as a title. Its arguments are those in templates.
func (s *Set) Translate(code, id string, args ...any) (string, error) {
	return s.localizer(code).translate(id, args...)
}

func (s *Set) localizer(code string) localizer {
	return localizer{language: s.Language(code), words: s.words, zone: func() *time.Location { return s.Zone }}
}

// localizer writes the texts, numbers and dates of one language.
type localizer struct {
	language string
	words    *catalog
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
	text, err := t.words.localizers[t.language].Localize(&message)
	if err != nil {
		return "", fmt.Errorf("text %q: %w", id, err)
	}
	return text, nil
}

// number returns a number as the language writes it: 1,204 in English, 1.204 in Dutch.
func (t localizer) number(n int) string { return text.NumberIn(t.language, n) }

var months = map[string][12]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
		"December"},
	"nl": {"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november",
		"december"},
}

func (t localizer) monthName(at time.Time) string {
	names, ok := months[t.language]
	if !ok {
		names = months["en"]
	}
	return names[at.Month()-1]
}

func (t localizer) monthShort(at time.Time) string {
	name := t.monthName(at)
	// The only Dutch month whose abbreviation is not its first three letters.
	if name == "maart" {
		return "mrt"
	}
	return name[:3] // the names are ASCII in every language listed
}

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
func (t localizer) day(at any) string {
	when := t.inZone(timeOf(at))
	return fmt.Sprintf("%d %s %d", when.Day(), t.monthName(when), when.Year())
}

// shortDay returns "16 Nov".
func (t localizer) shortDay(at any) string {
	when := t.inZone(timeOf(at))
	return fmt.Sprintf("%d %s", when.Day(), t.monthShort(when))
}

// shortDayYear returns "16 Nov 2026".
func (t localizer) shortDayYear(at any) string {
	return t.shortDay(at) + t.inZone(timeOf(at)).Format(" 2006")
}

// month returns "November 2026".
func (t localizer) month(at any) string {
	when := t.inZone(timeOf(at))
	return fmt.Sprintf("%s %d", t.monthName(when), when.Year())
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
