package admin_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// browser is a browser without scripts. It keeps cookies, follows redirects, and sends the forms of its page, with what
// the test typed.
type browser struct {
	t      testing.TB
	client *http.Client
	base   string
	at     *url.URL
	status int
	header http.Header
	page   *html.Node
	source string
}

func newBrowser(t testing.TB, base string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, base: base, client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// open goes to a page of the blog.
func (b *browser) open(path string) *browser {
	b.t.Helper()
	if !strings.Contains(path, "://") {
		path = b.base + path
	}
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(request)
}

func (b *browser) do(request *http.Request) *browser {
	b.t.Helper()
	answer, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.status, b.header, b.at, b.source = answer.StatusCode, answer.Header, answer.Request.URL, string(body)
	if b.page, err = html.Parse(bytes.NewReader(body)); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// want checks the status and the path of the page.
func (b *browser) want(status int, path string) *browser {
	b.t.Helper()
	if b.status != status || !strings.HasPrefix(b.at.RequestURI(), path) {
		b.t.Fatalf("at %s with %d, want %s with %d:\n%s", b.at.RequestURI(), b.status, path, status, b.text())
	}
	return b
}

// sees checks that the page shows these texts.
func (b *browser) sees(words ...string) *browser {
	b.t.Helper()
	for _, w := range words {
		if !strings.Contains(b.text(), w) {
			b.t.Errorf("%s does not say %q:\n%s", b.at.Path, w, b.text())
		}
	}
	return b
}

// lacks checks that the page does not show these texts.
func (b *browser) lacks(words ...string) *browser {
	b.t.Helper()
	for _, w := range words {
		if strings.Contains(b.text(), w) {
			b.t.Errorf("%s says %q:\n%s", b.at.Path, w, b.text())
		}
	}
	return b
}

// text is the text of the page, in one line.
func (b *browser) text() string {
	var words []string
	for n := range b.page.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			words = append(words, strings.Fields(n.Data)...)
		}
	}
	text := strings.Join(words, " ")
	for _, mark := range []string{",", ".", ":", "”", "?"} {
		text = strings.ReplaceAll(text, " "+mark, mark)
	}
	return text
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func value(n *html.Node, name string) string {
	req, _ := attribute(n, name)
	return req
}

func words(n *html.Node) string {
	var all strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			all.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(all.String()), " ")
}

// field is the value of the field with a name, on the first form that has one.
func (b *browser) field(name string) string {
	b.t.Helper()
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && value(n, "name") == name {
			return current(n)
		}
	}
	b.t.Fatalf("%s has no field %q", b.at.Path, name)
	return ""
}

// current is the value of a field.
func current(n *html.Node) string {
	switch n.Data {
	case "textarea":
		var text strings.Builder
		for c := range n.ChildNodes() {
			text.WriteString(c.Data)
		}
		return text.String()
	case "select":
		for c := range n.Descendants() {
			if _, chosen := attribute(c, "selected"); chosen {
				return value(c, "value")
			}
		}
	}
	return value(n, "value")
}

// file is a file chosen in a form.
type file struct{ field, name, content string }

// press fills in a form with pairs of a name and a value, and presses the button with a text. A name that begins with !
// has no value, and its field is not sent.
func (b *browser) press(button string, pairs ...any) *browser {
	b.t.Helper()
	form, pressed := b.button(button)
	typed, files := map[string]string{}, []file{}
	for i := 0; i < len(pairs); i++ {
		if f, ok := pairs[i].(file); ok {
			files = append(files, f)
			continue
		}
		typed[pairs[i].(string)] = pairs[i+1].(string)
		i++
	}
	values := b.collect(form, pressed, typed)
	if action, other := attribute(pressed, "formaction"); other {
		form = &html.Node{Type: html.ElementNode, Data: "form",
			Attr: append([]html.Attribute{{Key: "action", Val: action}}, form.Attr...)}
	}
	return b.send(form, values, files)
}

// button finds a button and the form that it sends.
func (b *browser) button(text string) (form, pressed *html.Node) {
	b.t.Helper()
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && n.Data == "button" && words(n) == text {
			if form := b.formOf(n); form != nil {
				return form, n
			}
		}
	}
	b.t.Fatalf("%s has no button %q:\n%s", b.at.Path, text, b.text())
	return nil, nil
}

// formOf is the form that a control belongs to.
func (b *browser) formOf(control *html.Node) *html.Node {
	if id, ok := attribute(control, "form"); ok {
		for n := range b.page.Descendants() {
			if n.Data == "form" && value(n, "id") == id {
				return n
			}
		}
		return nil
	}
	for n := control.Parent; n != nil; n = n.Parent {
		if n.Data == "form" {
			return n
		}
	}
	return nil
}

// collect returns what a form sends by the rules of HTML: the pressed button, ticked boxes, what was typed.
func (b *browser) collect(form, pressed *html.Node, typed map[string]string) url.Values {
	b.t.Helper()
	values := url.Values{}
	seen := map[string]bool{}
	for n := range b.page.Descendants() {
		name := value(n, "name")
		if n.Type != html.ElementNode || name == "" ||
			!slices.Contains([]string{"input", "textarea", "select", "button"}, n.Data) || b.formOf(n) != form {
			continue
		}
		seen[name] = true
		kind := value(n, "type")
		_, checked := attribute(n, "checked")
		switch {
		case n.Data == "button" && n != pressed, kind == "file":
		case kind == "checkbox" || kind == "radio":
			if want, said := typed[name]; said && want == value(n, "value") || !said && checked {
				values.Add(name, value(n, "value"))
			}
		default:
			if want, said := typed[name]; said && n.Data != "button" {
				values.Add(name, want)
			} else {
				values.Add(name, current(n))
			}
		}
	}
	for name := range typed {
		if !seen[name] {
			b.t.Fatalf("the form on %s has no field %q", b.at.Path, name)
		}
	}
	return values
}

func (b *browser) send(form *html.Node, values url.Values, files []file) *browser {
	b.t.Helper()
	action, err := b.at.Parse(value(form, "action"))
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.EqualFold(value(form, "method"), "post") {
		action.RawQuery = values.Encode()
		return b.open(action.String())
	}
	body, kind := strings.NewReader(values.Encode()), "application/x-www-form-urlencoded"
	if value(form, "enctype") == "multipart/form-data" {
		body, kind = encode(b.t, values, files)
	}
	origin := b.base
	// Such a page is not named as an origin either (Fetch standard, “append a request Origin header”).
	if b.header.Get("Referrer-Policy") == "no-referrer" {
		origin = "null"
	}
	return b.post(action.String(), kind, body, "Origin", origin, "Sec-Fetch-Site", "same-origin")
}

func encode(t testing.TB, values url.Values, files []file) (*strings.Reader, string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for name, list := range values {
		for _, req := range list {
			if err := w.WriteField(name, strings.ReplaceAll(req, "\n", "\r\n")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range files {
		part, err := w.CreateFormFile(f.field, f.name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(part, f.content)
	}
	w.Close()
	return strings.NewReader(out.String()), w.FormDataContentType()
}

// post sends a body with header fields.
func (b *browser) post(address, kind string, body io.Reader, header ...string) *browser {
	b.t.Helper()
	if !strings.Contains(address, "://") {
		address = b.base + address
	}
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return b.do(request)
}

// cookie is the token of the browser's session.
func (b *browser) cookie() string {
	u, _ := url.Parse(b.base)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "causerie" {
			return c.Value
		}
	}
	return ""
}
