// Package page turns templates into pages and keeps the finished ones.
//
// A Set is everything that was embedded, read once at start: the templates under layout/, web/ and admin/, the words of
// the interface under words/, and the static files. A page is a file (web/article.html) that begins by naming the
// layout it stands in and defines the pieces which that layout leaves open; its data is a struct whose fields are what
// the template shows. Each page is parsed once per language of the interface, so that a template says {{day
// .PublishedAt}} or {{t "replies" "N" .Replies}} and gets it in the language of the page. That language is the page's
// own (its article's, its front's), never the reader's: a page is the same for everybody, and so it can be kept.
//
// Cache holds finished pages as bytes, plain and compressed, until the store says that something has changed.
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
	"sync"
	"time"
)

// Set has the templates, the texts and the static files.
type Set struct {
	// Zone is the zone in which times in UTC are shown. nil is UTC. A time in another zone keeps it.
	Zone *time.Location
	// Fallback is the language of pages whose own language has no texts. "" is English.
	Fallback string

	tree   fs.FS
	names  map[string]bool // of all pages: "web/article"
	mu     sync.Mutex
	pages  map[string]*template.Template // those asked for so far, by name and language: "web/article.nl"
	words  *catalog
	static *Static
	styles map[string]*prepared // the style sheet with each theme
}

// Localized is page data that knows the language of its page (BCP 47). Other data is shown in Set.Fallback.
type Localized interface{ Locale() string }

// Load reads a tree with the folders layout, web, admin, static and words. It returns every error that can be found
// without data. words, unless nil, is a folder with the blog's own texts: de.yaml brings the interface into German, and
// nl.yaml replaces those of the program's Dutch texts that it has. A text that a language lacks is in Fallback.
func Load(tree, words fs.FS) (*Set, error) {
	catalog, err := loadCatalog(tree, words)
	if err != nil {
		return nil, err
	}
	static, err := loadStatic(tree)
	if err != nil {
		return nil, err
	}
	styles, err := loadStyles(tree)
	if err != nil {
		return nil, err
	}
	s := &Set{words: catalog, static: static, styles: styles, tree: tree, names: map[string]bool{},
		pages: map[string]*template.Template{}}
	return s, s.check(tree, catalog.languages()[0])
}

// check parses every page in one language and keeps none of them. A page takes half a megabyte in each language, and
// a process shows most of them never.
func (s *Set) check(tree fs.FS, language string) error {
	// Templates have the same shape in every language, so that one language finds all mistakes.
	layout, err := s.layout(language)
	if err != nil {
		return err
	}
	for _, pattern := range []string{"web/*.html", "admin/*.html"} {
		files, err := fs.Glob(tree, pattern)
		if err != nil {
			return err
		}
		for _, file := range files {
			name := strings.TrimSuffix(file, path.Ext(file))
			if _, err := s.parse(layout, name); err != nil {
				return err
			}
			s.names[name] = true
		}
	}
	return nil
}

func (s *Set) layout(language string) (*template.Template, error) {
	layout, err := template.New("layout").Funcs(s.functions(language)).ParseFS(s.tree, "layout/*.html")
	if err != nil {
		return nil, fmt.Errorf("read layouts: %w", err)
	}
	return layout, nil
}

func (s *Set) parse(layout *template.Template, name string) (*template.Template, error) {
	text, err := fs.ReadFile(s.tree, name+".html")
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	page, err := layout.Clone()
	if err == nil {
		page, err = page.New(name).Parse(string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("read template %s: %w", name, err)
	}
	return page, nil
}

// page returns a template in one language. It is parsed at the first call.
func (s *Set) page(name, language string) (*template.Template, error) {
	if !s.names[name] {
		return nil, fmt.Errorf("no template %q", name)
	}
	// Held while parsing, so that a page is not parsed twice at the same time.
	s.mu.Lock()
	defer s.mu.Unlock()
	if page := s.pages[name+"."+language]; page != nil {
		return page, nil
	}
	layout, err := s.layout(language)
	if err != nil {
		return nil, err
	}
	page, err := s.parse(layout, name)
	if err == nil {
		s.pages[name+"."+language] = page
	}
	return page, err
}

// Bytes returns the page of that name as a whole, or an error.
func (s *Set) Bytes(name string, data any) ([]byte, error) {
	language := s.Fallback
	if speaker, ok := data.(Localized); ok {
		language = speaker.Locale()
	}
	page, err := s.page(name, s.Language(language))
	if err != nil {
		return nil, err
	}
	// Rendered into memory: a template that fails halfway must not send half a page with status 200.
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("render %q: %w", name, err)
	}
	return out.Bytes(), nil
}

// Document returns a page for the cache.
func (s *Set) Document(status int, name string, data any) (Document, error) {
	body, err := s.Bytes(name, data)
	return Document{Status: status, Header: http.Header{"Content-Type": htmlType}, Body: body}, err
}

var htmlType = []string{"text/html; charset=utf-8"}

// Render writes a page that is made for one reader. It writes nothing when the template fails. No cache may store the
// page, unless the caller has set Cache-Control.
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
	w.Write(body) // an error means that the reader has gone, and nobody could read an answer
	return nil
}

// Static returns the handler for the static files, to be mounted at /static/.
func (s *Set) Static() *Static { return s.static }

// functions are the functions of templates, beside those of html/template.
func (s *Set) functions(language string) template.FuncMap {
	t := s.localizer(language)
	return template.FuncMap{
		"t":        t.translate,
		"number":   t.number,
		"day":      t.day,
		"shortday": t.shortDay,
		"dayyear":  t.shortDayYear,
		"month":    t.month,
		"clock":    t.clock,
		"instant":  t.instant,
		"language": LanguageName,
		"dir":      Direction,
		"initial":  initial,
		"breaks":   withBreaks,
		"static":   s.static.Address,
	}
}
