package markup

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"causerie/internal/blog"
	"causerie/internal/nearest"
	"causerie/internal/text"
)

// FrontMatter has the settings at the beginning of an article file. Only the title is required. A field that is not
// given has the zero value, and the defaults of the site apply.
type FrontMatter struct {
	Title         string
	Subtitle      string
	Slug          string // lowercase letters, digits and single hyphens
	Summary       string
	Language      string // a BCP 47 tag
	Tags          []string
	Series        string
	Part          int // from 1; 0 if not given
	Authors       []string
	Guest         string     // an author without an account here: a name, and perhaps a web address in angle brackets
	Format        string     // article, note-full or note-teaser
	Visibility    string     // public, unlisted, followers or local
	Date          *time.Time // time of publication, past or future
	Updated       *time.Time
	Picture       string // the picture at the top: a web address, or a file beside the article
	PictureAlt    string
	Comments      string // open, known, approve or closed
	Quotes        string // everyone, followers or nobody
	Warning       string
	InReplyTo     string  // URL of the post that the article answers
	Quoting       string  // URL of the post that the article quotes
	TranslationOf string  // the slug of the original
	ID            blog.ID // of the article that the file is; "" if not given
	Lines         int     // of the file before the text
}

// maxFrontMatter is the maximum length of a front matter, in bytes.
const maxFrontMatter = 64 << 10

// ParseFrontMatter splits an article file into its front matter and the Markdown after it. The front matter is YAML
// between two lines of three dashes. A date is a day or has one of the forms of text.ParseTime. Without a zone of its
// own it is of the given zone; nil means UTC.
//
// Its texts are in the form of text.Written, those of one line in that of text.WrittenLine. It returns all errors
// together, one per line, each with its key and line number. For an unknown key, the error suggests the nearest known
// key.
func ParseFrontMatter(file []byte, zone *time.Location) (FrontMatter, string, error) {
	if err := checkUTF8(file); err != nil {
		return FrontMatter{}, "", err
	}
	head, body, err := split([]byte(text.Written(string(file))))
	if err != nil {
		return FrontMatter{}, "", fmt.Errorf("front matter: %w", err)
	}
	root, err := parseYAML(head)
	if err != nil {
		return FrontMatter{}, "", fmt.Errorf("front matter: %w", err)
	}
	if zone == nil {
		zone = time.UTC
	}
	r := frontReader{zone: zone, seen: map[string]bool{}}
	for i := 0; i+1 < len(root.Content); i += 2 {
		r.field(root.Content[i], root.Content[i+1])
	}
	// If the title has an error of its own, do not also report it as missing.
	if r.front.Title == "" && !r.failed["title"] {
		r.errs = append(r.errs, errors.New("front matter: title is missing"))
	}
	// These errors are independent. The author can correct all of them at once.
	if err := errors.Join(r.errs...); err != nil {
		return FrontMatter{}, "", err
	}
	r.front.Lines = strings.Count(string(head), "\n") + 2 // with the lines of dashes
	return r.front, body, nil
}

// checkUTF8 returns an error with the first line that is not in UTF-8. An older encoding, such as Latin-1, cannot be
// guessed, and each wrong letter would go out to other servers.
func checkUTF8(file []byte) error {
	for number, line := range bytes.Split(file, []byte("\n")) {
		if !utf8.Valid(line) {
			return fmt.Errorf("line %d is not in UTF-8: save the file in the encoding UTF-8", number+1)
		}
	}
	return nil
}

// split returns the text between the two lines of dashes, and the text after them.
func split(file []byte) (head []byte, body string, err error) {
	// Windows editors write a byte order mark.
	file = bytes.TrimPrefix(file, []byte("\uFEFF"))
	first, rest, _ := bytes.Cut(file, []byte("\n"))
	if string(bytes.TrimRight(first, " \t")) != "---" {
		return nil, "", errors.New(`missing: the file must begin with a line “---”, then “title: ...”, then ` +
			`another “---”`)
	}
	for at := 0; at < len(rest) && at <= maxFrontMatter; {
		line, _, _ := bytes.Cut(rest[at:], []byte("\n"))
		end := min(at+len(line)+1, len(rest))
		// YAML also allows a line with three dots as the end of a document.
		if mark := string(bytes.TrimRight(line, " \t")); mark == "---" || mark == "..." {
			return rest[:at], string(rest[end:]), nil
		}
		at = end
	}
	return nil, "", errors.New(`not closed: a second line “---” must follow it`)
}

// brokenLine returns the line of a front matter where the first entry begins that cannot be read, from 1; 0 when each
// can be read alone. The parser itself often names the line before or after it.
func brokenLine(head []byte) int {
	lines := strings.SplitAfter(string(head), "\n")
	for start := 0; start < len(lines); {
		end := start + 1
		// An entry goes on until a line that is not indented. The items of a list need no indent.
		for end < len(lines) && (strings.TrimSpace(lines[end]) == "" || strings.ContainsAny(lines[end][:1], " \t-#")) {
			end++
		}
		if yaml.Unmarshal([]byte(strings.Join(lines[start:end], "")), &yaml.Node{}) != nil {
			return start + 2 // the first line of the file has the dashes
		}
		start = end
	}
	return 0
}

// parseYAML returns the mapping node of a front matter, or an empty node if there is none. Its line numbers are those
// of the file.
func parseYAML(head []byte) (*yaml.Node, error) {
	var doc yaml.Node
	// Add an empty line in place of the first "---", so that the line numbers match the file.
	err := yaml.NewDecoder(io.MultiReader(strings.NewReader("\n"), bytes.NewReader(head))).Decode(&doc)
	if errors.Is(err, io.EOF) {
		return &doc, nil
	}
	if line := brokenLine(head); err != nil && line > 0 {
		// The words of the parser, such as “mapping values are not allowed in this context”, do not help an author.
		return nil, fmt.Errorf("line %d is not “key: value”; put a text with a colon or brackets in quotes", line)
	}
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return &yaml.Node{}, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New(`not a list of settings: write lines like “title: Four minutes wide”`)
	}
	return root, nil
}

// fields are the known keys, each with the function that reads it.
var fields = []struct {
	key  string
	read func(*frontReader, *yaml.Node) error
}{
	{"title", textField(func(f *FrontMatter) *string { return &f.Title })},
	{"subtitle", textField(func(f *FrontMatter) *string { return &f.Subtitle })},
	{"slug", slugField},
	{"summary", textField(func(f *FrontMatter) *string { return &f.Summary })},
	{"language", languageField},
	{"tags", listField(func(f *FrontMatter) *[]string { return &f.Tags })},
	{"series", textField(func(f *FrontMatter) *string { return &f.Series })},
	{"part", partField},
	{"authors", listField(func(f *FrontMatter) *[]string { return &f.Authors })},
	{"guest", textField(func(f *FrontMatter) *string { return &f.Guest })},
	{"format", choiceField([]string{"article", "note-full", "note-teaser"},
		func(f *FrontMatter) *string { return &f.Format })},
	{"visibility", choiceField([]string{"public", "unlisted", "followers", "local"},
		func(f *FrontMatter) *string { return &f.Visibility })},
	{"date", dateField(func(f *FrontMatter) **time.Time { return &f.Date })},
	{"updated", dateField(func(f *FrontMatter) **time.Time { return &f.Updated })},
	{"picture", textField(func(f *FrontMatter) *string { return &f.Picture })},
	{"picture-alt", textField(func(f *FrontMatter) *string { return &f.PictureAlt })},
	{"comments", choiceField([]string{"open", "known", "approve", "closed"},
		func(f *FrontMatter) *string { return &f.Comments })},
	{"quotes", choiceField([]string{"everyone", "followers", "nobody"},
		func(f *FrontMatter) *string { return &f.Quotes })},
	{"warning", textField(func(f *FrontMatter) *string { return &f.Warning })},
	{"in-reply-to", textField(func(f *FrontMatter) *string { return &f.InReplyTo })},
	{"quoting", textField(func(f *FrontMatter) *string { return &f.Quoting })},
	{"translation-of", textField(func(f *FrontMatter) *string { return &f.TranslationOf })},
	{"id", idField},
}

// Keys returns the keys that a front matter may have.
func Keys() []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

// frontReader reads the fields of one front matter.
type frontReader struct {
	front  FrontMatter
	zone   *time.Location  // of dates that name no zone
	seen   map[string]bool // keys that occurred
	failed map[string]bool // keys with an error, and known keys that a misspelt one probably meant
	errs   []error
}

// fail adds an error about a key.
func (r *frontReader) fail(key *yaml.Node, format string, args ...any) {
	if r.failed == nil {
		r.failed = map[string]bool{}
	}
	r.failed[key.Value] = true
	r.errs = append(r.errs, fmt.Errorf("front matter: "+format, args...))
}

// field reads one key with its value.
func (r *frontReader) field(key, value *yaml.Node) {
	if key.Kind != yaml.ScalarNode {
		r.fail(key, "line %d: a key must be a word", key.Line)
		return
	}
	at := slices.IndexFunc(Keys(), func(known string) bool { return known == key.Value })
	switch {
	case at < 0:
		r.fail(key, "unknown key “%s” on line %d; %s", text.Excerpt(key.Value, 40), key.Line, suggestion(key.Value))
		// Mark the suggested key as failed too. Otherwise "titel: x" would also be reported as a missing title.
		r.failed[nearest.Word(key.Value, Keys())] = true
	case r.seen[key.Value]:
		r.fail(key, "%s is given twice, the second time on line %d", key.Value, key.Line)
	// YAML takes “tags: #rivers” for a comment.
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null" &&
		hashPattern.MatchString(cmp.Or(value.LineComment, key.LineComment)):
		r.fail(key, "%s on line %d begins with #: put it in quotes", key.Value, key.Line)
	// An empty value, as in "summary:", counts as not given.
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
		// "summary:" with nothing after it says nothing.
	default:
		if err := fields[at].read(r, value); err != nil {
			r.fail(key, "%s on line %d %w", key.Value, key.Line, err)
		}
	}
	r.seen[key.Value] = true
}

// hashPattern is a comment that is none: in a true one, a blank follows the sign.
var hashPattern = regexp.MustCompile(`^#[^\s#]`)

// suggestion names the nearest known key, or all known keys if none is near.
func suggestion(word string) string {
	if near := nearest.Word(word, Keys()); near != "" {
		return fmt.Sprintf("did you mean “%s”?", near)
	}
	return "known are " + strings.Join(Keys(), ", ")
}

// scalar returns a single value as text.
func scalar(value *yaml.Node) (string, error) {
	switch value.Kind {
	case yaml.ScalarNode:
		// “!” and “&” have a meaning in YAML, and the parser has taken the word after them away.
		if value.Anchor != "" || value.Style&yaml.TaggedStyle != 0 {
			return "", errors.New("begins with ! or &: put it in quotes")
		}
		return text.WrittenLine(value.Value), nil
	case yaml.SequenceNode:
		return "", errors.New("must be a single text, not a list; put it in quotes when it begins with a bracket")
	case yaml.MappingNode:
		return "", errors.New("must be a single text; put it in quotes when it contains a colon")
	}
	// Front matter needs no aliases. Attackers nest them to make a small file expand to gigabytes.
	return "", errors.New("must be a plain text, not an alias")
}

// textField reads any text. Like the functions below, it may set the field also with an error: ParseFrontMatter
// returns no fields then.
func textField(field func(*FrontMatter) *string) func(*frontReader, *yaml.Node) error {
	return func(r *frontReader, value *yaml.Node) error {
		s, err := scalar(value)
		*field(&r.front) = s
		return err
	}
}

func slugField(r *frontReader, value *yaml.Node) error {
	s, err := scalar(value)
	if err == nil && !blog.ValidSlug(s) {
		return fmt.Errorf("must be only lowercase letters, digits and hyphens between them, not "+
			"“%s”", text.Excerpt(s, 60))
	}
	r.front.Slug = s
	return err
}

func idField(r *frontReader, value *yaml.Node) error {
	s, err := scalar(value)
	if err == nil && !blog.ValidID(s) {
		return fmt.Errorf("must be the id of an article, which “causerie article show” prints, not "+
			"“%s”", text.Excerpt(s, 60))
	}
	r.front.ID = blog.ID(s)
	return err
}

// languageField reads a language and stores its normal form.
func languageField(r *frontReader, value *yaml.Node) error {
	s, err := scalar(value)
	if err != nil {
		return err
	}
	var known bool
	if r.front.Language, known = blog.Language(s); !known {
		return fmt.Errorf("%s, not “%s”", blog.UnknownLanguageText, text.Excerpt(s, 60))
	}
	return nil
}

// choiceField reads one of the given values.
func choiceField(choices []string, field func(*FrontMatter) *string) func(*frontReader, *yaml.Node) error {
	return func(r *frontReader, value *yaml.Node) error {
		s, err := scalar(value)
		if err == nil && !slices.Contains(choices, s) {
			last := len(choices) - 1
			err = fmt.Errorf("must be %s or %s, not “%s”", strings.Join(choices[:last], ", "), choices[last],
				text.Excerpt(s, 60))
			if near := nearest.Word(s, choices); near != "" {
				err = fmt.Errorf("%w; did you mean “%s”?", err, near)
			}
		}
		*field(&r.front) = s
		return err
	}
}

// listField reads a YAML list, or a text in which commas separate the items.
func listField(field func(*FrontMatter) *[]string) func(*frontReader, *yaml.Node) error {
	return func(r *frontReader, value *yaml.Node) error {
		words := []string{}
		if value.Kind == yaml.ScalarNode {
			s, err := scalar(value)
			if err != nil {
				return err
			}
			words = strings.Split(s, ",")
		} else if value.Kind != yaml.SequenceNode {
			return errors.New("must be a list such as [rivers, ferries]")
		}
		for _, item := range value.Content {
			s, err := scalar(item)
			if err != nil {
				return errors.New("must be a list of plain texts")
			}
			words = append(words, s)
		}
		for _, word := range words {
			if word = strings.TrimSpace(word); word != "" {
				*field(&r.front) = append(*field(&r.front), word)
			}
		}
		return nil
	}
}

func partField(r *frontReader, value *yaml.Node) error {
	s, err := scalar(value)
	if err != nil {
		return errors.New("must be a number from 1 to 9999")
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 9999 {
		return fmt.Errorf("must be a number from 1 to 9999, not “%s”", text.Excerpt(s, 60))
	}
	r.front.Part = n
	return nil
}

func dateField(field func(*FrontMatter) **time.Time) func(*frontReader, *yaml.Node) error {
	return func(r *frontReader, value *yaml.Node) error {
		s, err := scalar(value)
		if err != nil {
			return errors.New(`must be a date such as “2026-11-16” or “2026-11-16 17:00”`)
		}
		at, err := text.ParseTime(s, r.zone)
		if err != nil {
			at, err = time.ParseInLocation(time.DateOnly, s, r.zone)
		}
		// ISO 8601 has a year 0; a blog does not.
		if err == nil && at.Year() > 0 {
			*field(&r.front) = &at
			return nil
		}
		return fmt.Errorf(`must be a date such as “2026-11-16”, “2026-11-16 17:00” or `+
			`“2026-11-16T17:00:00+01:00”, not “%s”`, text.Excerpt(s, 60))
	}
}
