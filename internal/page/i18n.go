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

// catalog are the texts of the interface in every language there is a file for: words/en.yaml, words/nl.yaml. English
// is complete by definition; a test holds the others to it.
type catalog struct {
	speak map[string]*i18n.Localizer // by base language
}

func loadWords(tree fs.FS) (*catalog, error) {
	files, err := fs.Glob(tree, "words/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("find the texts of the interface: %w", err)
	}
	if len(files) == 0 {
		return nil, errors.New("no texts for the interface: words/ has no YAML file")
	}
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	w := &catalog{speak: map[string]*i18n.Localizer{}}
	for _, file := range files {
		if _, err := bundle.LoadMessageFileFS(tree, file); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		w.speak[name] = i18n.NewLocalizer(bundle, name)
	}
	return w, nil
}

func (w *catalog) languages() []string {
	names := make([]string, 0, len(w.speak))
	for name := range w.speak {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Language is the language the interface speaks on a page in the given one: the same where there are words for it
// ("nl-BE" is "nl"), else the set's fallback.
func (s *Set) Language(code string) string {
	for _, code := range []string{code, s.Fallback} {
		base, _, _ := strings.Cut(strings.ToLower(code), "-")
		if s.words.speak[base] != nil {
			return base
		}
	}
	return "en"
}

// Say is a text of the interface for Go code, such as a title; arguments as in templates.
func (s *Set) Say(code, id string, args ...any) (string, error) {
	return s.localizer(code).say(id, args...)
}

func (s *Set) localizer(code string) localizer {
	return localizer{language: s.Language(code), words: s.words, zone: func() *time.Location { return s.Zone }}
}

// localizer speaks one language: its words, numbers and dates.
type localizer struct {
	language string
	words    *catalog
	zone     func() *time.Location
}

// say is the text with that id. Arguments are pairs of a name and a value; a whole number is written as the language
// writes it, and the one named N also chooses between singular and plural.
func (t localizer) say(id string, args ...any) (string, error) {
	if len(args)%2 != 0 {
		return "", fmt.Errorf("say %q: a name without a value", id)
	}
	data := make(map[string]any, len(args)/2)
	message := i18n.LocalizeConfig{MessageID: id, TemplateData: data}
	for i := 0; i < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			return "", fmt.Errorf("say %q: %v is no name", id, args[i])
		}
		data[name] = args[i+1]
		if n, ok := args[i+1].(int); ok {
			data[name] = t.number(n)
			if name == "N" {
				message.PluralCount = n
			}
		}
	}
	text, err := t.words.speak[t.language].Localize(&message)
	if err != nil {
		return "", fmt.Errorf("say %q: %w", id, err)
	}
	return text, nil
}

// number is a number as the language writes it: 1,204 in English, 1.204 in Dutch.
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
	if name == "maart" {
		return "mrt"
	}
	return name[:3] // the names are ASCII in every language listed
}

// here moves a time into the zone in which pages show times.
func (t localizer) here(at time.Time) time.Time {
	if zone := t.zone(); zone != nil && at.Location() == time.UTC {
		return at.In(zone)
	}
	return at
}

// moment lets templates pass a time.Time or a *time.Time.
func moment(at any) time.Time {
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

// day is "16 November 2026".
func (t localizer) day(at any) string {
	when := t.here(moment(at))
	return fmt.Sprintf("%d %s %d", when.Day(), t.monthName(when), when.Year())
}

// shortDay is "16 Nov".
func (t localizer) shortDay(at any) string {
	when := t.here(moment(at))
	return fmt.Sprintf("%d %s", when.Day(), t.monthShort(when))
}

// shortDayYear is "16 Nov 2026".
func (t localizer) shortDayYear(at any) string {
	return t.shortDay(at) + t.here(moment(at)).Format(" 2006")
}

// month is "November 2026".
func (t localizer) month(at any) string {
	when := t.here(moment(at))
	return fmt.Sprintf("%s %d", t.monthName(when), when.Year())
}

// clock is "17:55".
func (t localizer) clock(at any) string { return t.here(moment(at)).Format("15:04") }

// instant is the machine's form, for the datetime of <time>.
func (t localizer) instant(at any) string { return t.here(moment(at)).Format(time.RFC3339) }

// LanguageName is a language's own name for itself: "Nederlands". An unknown code stands for itself.
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

// Direction is the dir of a text in the given language: rtl for scripts known to run so, else auto.
func Direction(code string) string {
	base, _, _ := strings.Cut(strings.ToLower(code), "-")
	if slices.Contains([]string{"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}, base) {
		return "rtl"
	}
	return "auto"
}

// breakable is a name as HTML that may go on in a new line where an address parts: one that is a host and a port is not
// torn within its numbers.
func breakable(name string) template.HTML {
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

// initial is the first letter of a name, shown where there is no picture.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "·"
}
