package fedtest

import (
	"bytes"
	"hash/fnv"
	"html/template"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"strings"
)

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
article{border-top:1px solid #8886;padding:.5rem 0}header{opacity:.7;font-size:.9rem}
img{max-width:100%;height:auto}</style>
<h1>{{.Title}}</h1><p>{{.Lead}}</p>
{{range .Items}}<article><header><a href="{{.Link}}">{{.By}}</a>{{with .About}} {{.}}{{end}}</header>{{.Text}}</article>
{{end}}</html>
`))

type pageItem struct {
	Link, By, About string
	Text            template.HTML
}

type page struct {
	Title, Lead string
	Items       []pageItem
}

// page serves the HTML pages: the server's timeline at the root, a person, or one note. The demo's visitors read
// them.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	shown, status := s.findPage(strings.Trim(r.URL.Path, "/"))
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, shown); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	// Texts are shown as they came, so nothing in them may run.
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; img-src *; form-action 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(out.Bytes())
}

// findPage returns the page at a path, or the status to answer instead.
func (s *Server) findPage(path string) (page, int) {
	if path == "" {
		return s.frontPage(), http.StatusOK
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.URL + "/" + path
	// Both the page and the id: a browser may follow either.
	for _, p := range s.actors {
		if at != p.URL() && at != p.ID {
			continue
		}
		if p.left {
			return page{}, http.StatusGone
		}
		shown := page{Title: p.display, Lead: "@" + p.Handle()}
		for _, n := range s.notes {
			if n.author == p && n.open() {
				shown.Items = append(shown.Items, n.item())
			}
		}
		return shown, http.StatusOK
	}
	for _, n := range s.notes {
		if at != n.url() && at != n.id || n.audience > unlisted {
			continue
		}
		if n.gone {
			return page{}, http.StatusGone
		}
		return page{Title: n.author.display, Lead: "@" + n.author.Handle(), Items: []pageItem{n.item()}}, http.StatusOK
	}
	return page{}, http.StatusNotFound
}

func (n *note) open() bool { return !n.gone && n.audience <= unlisted }

func (n *note) item() pageItem {
	return pageItem{Link: n.url(), By: n.author.display, About: n.warning, Text: template.HTML(n.html)}
}

func (s *Server) frontPage() page {
	software, _ := s.Software.nodeInfo()
	shown := page{Title: s.Name, Lead: "A pretend " + software + " server at " + s.Host +
		". What has come from elsewhere:"}
	for _, post := range s.Timeline() {
		item := pageItem{Link: post.URL, By: post.Author, About: post.Title, Text: template.HTML(post.Content)}
		if post.Gone {
			item = pageItem{Link: post.ID, By: post.Author, About: "(deleted)"}
		}
		shown.Items = append(shown.Items, item)
	}
	return shown
}

// avatar draws a square in a colour that depends on the name.
func (s *Server) avatar(w http.ResponseWriter, path string) {
	hash := fnv.New32a()
	hash.Write([]byte(path))
	sum := hash.Sum32()
	picture := image.NewRGBA(image.Rect(0, 0, 64, 64))
	paint := color.RGBA{R: 80 + uint8(sum%120), G: 80 + uint8(sum>>8%120), B: 80 + uint8(sum>>16%120), A: 255}
	draw.Draw(picture, picture.Bounds(), image.NewUniform(paint), image.Point{}, draw.Src)
	w.Header().Set("Content-Type", "image/png")
	png.Encode(w, picture)
}
