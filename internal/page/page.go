// Package page turns templates into pages and keeps the finished ones.
//
// A Set is everything that was embedded, read once at start: the templates under layout/, web/ and admin/, the words of
// the interface under words/, and the static files. A page is a file (web/article.html) that begins by naming the layout
// it stands in and defines the pieces which that layout leaves open; its data is a struct whose fields are what the
// template shows. Each page is parsed once per language of the interface, so that a template says {{day .PublishedAt}} or
// {{say "replies" "N" .Replies}} and gets it in the language of the page. That language is the page's own (its article's,
// its front's), never the reader's: a page is the same for everybody, and so it can be kept.
//
// Kept holds finished pages as bytes, plain and compressed, until the store says that something has changed.
package page

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Set is the program's templates, words and static files.
type Set struct {
	// Zone is where times in UTC are shown; nil is UTC. A time that was given another zone keeps it.
	Zone *time.Location
	// Fallback is the language of pages whose own has no words here; "" is English.
	Fallback string

	pages  map[string]map[string]*template.Template // by name ("web/article"), then by language
	words  *words
	static *Static
}

// Speaker is page data that knows the language of its page, as BCP 47. Data that does not is shown in Set.Fallback.
type Speaker interface{ Speaks() string }

// Load parses all templates of a tree with the folders layout, web, admin, static and words. Every mistake that can be
// found without data is found here.
func Load(tree fs.FS) (*Set, error) {
	words, err := loadWords(tree)
	if err != nil {
		return nil, err
	}
	static, err := loadStatic(tree)
	if err != nil {
		return nil, err
	}
	s := &Set{words: words, static: static, pages: map[string]map[string]*template.Template{}}
	for _, language := range words.languages() {
		if err := s.parse(tree, language); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// parse reads every page once in one language.
func (s *Set) parse(tree fs.FS, language string) error {
	layout, err := template.New("layout").Funcs(s.functions(language)).ParseFS(tree, "layout/*.html")
	if err != nil {
		return fmt.Errorf("read layouts: %w", err)
	}
	files, err := fs.Glob(tree, "web/*.html")
	if err != nil {
		return err
	}
	desk, err := fs.Glob(tree, "admin/*.html")
	if err != nil {
		return err
	}
	for _, file := range append(files, desk...) {
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		page, err := layout.Clone()
		if err != nil {
			return fmt.Errorf("read template %s: %w", file, err)
		}
		name := strings.TrimSuffix(file, path.Ext(file))
		if page, err = page.New(name).Parse(string(text)); err != nil {
			return fmt.Errorf("read template %s: %w", file, err)
		}
		if s.pages[name] == nil {
			s.pages[name] = map[string]*template.Template{}
		}
		s.pages[name][language] = page
	}
	return nil
}

// Bytes is the finished page of that name: the whole of it or an error.
func (s *Set) Bytes(name string, data any) ([]byte, error) {
	language := s.Fallback
	if speaker, ok := data.(Speaker); ok {
		language = speaker.Speaks()
	}
	page := s.pages[name][s.Tongue(language)]
	if page == nil {
		return nil, fmt.Errorf("no template %q", name)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("render %q: %w", name, err)
	}
	return out.Bytes(), nil
}

// Document is the page as something that can be kept.
func (s *Set) Document(status int, name string, data any) (Document, error) {
	body, err := s.Bytes(name, data)
	return Document{Status: status, Header: http.Header{"Content-Type": htmlType}, Body: body}, err
}

var htmlType = []string{"text/html; charset=utf-8"}

// Render writes a page that is made for one reader. Nothing is written when the template fails. What is made for one
// reader is not stored on the way, unless the caller has set Cache-Control.
func (s *Set) Render(w http.ResponseWriter, status int, name string, data any) error {
	body, err := s.Bytes(name, data)
	if err != nil {
		return err
	}
	header := w.Header()
	header["Content-Type"] = htmlType
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	w.Write(body) // when this fails the reader went away, and there is nobody left to tell
	return nil
}

// Static serves the embedded files; mount it at /static/.
func (s *Set) Static() *Static { return s.static }

// functions are the few things that templates can say beside what html/template has.
func (s *Set) functions(language string) template.FuncMap {
	t := tongue{language: language, words: s.words, zone: func() *time.Location { return s.Zone }}
	return template.FuncMap{
		"say":      t.say,
		"number":   t.number,
		"day":      t.day,
		"shortday": t.shortDay,
		"dayyear":  t.shortDayYear,
		"month":    t.month,
		"clock":    t.clock,
		"instant":  t.instant,
		"language": languageName,
		"dir":      Direction,
		"initial":  initial,
		"static":   s.static.Address,
	}
}
