package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	authorHandle = "ilse"
	password     = "four words by the river"
)

// Author is an author who publishes over HTTP, as a browser does. Its methods may be called by several goroutines.
type Author struct {
	Actor string // its id

	base   string
	client *http.Client
}

// AddAuthor adds Ilse to a blog, by command.
func (p *Program) AddAuthor() *Author {
	p.t.Helper()
	out := p.Must(password+"\n", "author", "add", authorHandle, "--name", "Ilse Verhaagen", "--role", "admin",
		"--password-stdin", "--json")
	var said struct{ Object string }
	if err := json.Unmarshal([]byte(out), &said); err != nil || said.Object == "" {
		p.t.Fatalf("author add: %v: %s", err, out)
	}
	return &Author{Actor: said.Object, base: "http://" + p.Address, client: browser(p.t, 30*time.Second)}
}

// browser returns a client that keeps cookies and follows no redirect.
func browser(t testing.TB, timeout time.Duration) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// SignIn signs the author in, and lets what she publishes be sent at once.
func (a *Author) SignIn(ctx context.Context) error {
	for _, step := range []struct {
		path string
		form url.Values
	}{
		{"/login", url.Values{"user": {authorHandle}, "pass": {password}, "stay": {"yes"}}},
		{"/admin/account/hold", url.Values{"hold": {"0"}}},
	} {
		_, status, err := a.send(ctx, step.path, step.form)
		if err != nil {
			return err
		}
		if status != http.StatusSeeOther {
			return fmt.Errorf("%s: %d", step.path, status)
		}
	}
	return nil
}

func (a *Author) send(ctx context.Context, path string, form url.Values) (body string, status int, err error) {
	method, sent := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, sent = http.MethodPost, strings.NewReader(form.Encode())
	}
	return a.request(ctx, method, path, sent, "application/x-www-form-urlencoded")
}

func (a *Author) request(ctx context.Context, method, path string, sent io.Reader, contentType string) (string, int,
	error) {
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, sent)
	if err != nil {
		return "", 0, err
	}
	if sent != nil {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	// The status line was read: a body that is cut changes nothing of what it says.
	if err != nil && answer.StatusCode != http.StatusSeeOther {
		return "", 0, err
	}
	return string(text), answer.StatusCode, nil
}

// Upload adds a picture to the author's library and returns the status of the answer. 303 says that it is there.
func (a *Author) Upload(ctx context.Context, name string, picture []byte) (int, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("upload", name)
	if err != nil {
		return 0, err
	}
	if _, err := file.Write(picture); err != nil {
		return 0, err
	}
	if err := form.Close(); err != nil {
		return 0, err
	}
	_, status, err := a.request(ctx, http.MethodPost, "/admin/pictures", &body, form.FormDataContentType())
	return status, err
}

// Picture reads a file of the author's library. It may belong to no article yet, so only she sees it.
func (a *Author) Picture(ctx context.Context, file string) (code int, body string, err error) {
	body, code, err = a.request(ctx, http.MethodGet, "/media/"+file, nil, "")
	return code, body, err
}

// savedToken finds the token of the last save in a form.
var savedToken = regexp.MustCompile(`name="saved" value="([^"]+)"`)

// Draft saves a draft under a new id. The error is of the connection, or says the status.
func (a *Author) Draft(ctx context.Context, id, title, text string) error {
	form := url.Values{"title": {title}, "slug": {Slug(title)}, "text": {text}, "language": {"en"}, "action": {"save"}}
	_, status, err := a.send(ctx, "/admin/articles/"+id, form)
	if err == nil && status != http.StatusSeeOther {
		err = fmt.Errorf("save a draft: %d", status)
	}
	return err
}

// Publish publishes a draft. Acknowledged is true when the author has read the status line of the answer.
func (a *Author) Publish(ctx context.Context, id string) (acknowledged bool, err error) {
	page, status, err := a.send(ctx, "/admin/articles/"+id+"/publish", nil)
	if err != nil {
		return false, err
	}
	found := savedToken.FindStringSubmatch(page)
	if status != http.StatusOK || found == nil {
		return false, fmt.Errorf("the publish page: %d", status)
	}
	form := url.Values{"saved": {found[1]}, "when": {"now"}, "visibility": {"public"}, "format": {"article"}}
	_, status, err = a.send(ctx, "/admin/articles/"+id+"/publish", form)
	if err == nil && status != http.StatusSeeOther {
		err = fmt.Errorf("publish: %d", status)
	}
	return err == nil, err
}

// Save saves the text of an article again, on the state that token names, and returns the status.
func (a *Author) Save(ctx context.Context, id, token, title, text string) (int, error) {
	form := url.Values{"title": {title}, "slug": {Slug(title)}, "text": {text}, "language": {"en"}, "action": {"save"},
		"saved": {token}}
	_, status, err := a.send(ctx, "/admin/articles/"+id, form)
	return status, err
}

// Token returns the token of the last save of an article.
func (a *Author) Token(ctx context.Context, id string) (string, error) {
	page, status, err := a.send(ctx, "/admin/articles/"+id, nil)
	if err != nil {
		return "", err
	}
	found := savedToken.FindStringSubmatch(page)
	if found == nil {
		return "", fmt.Errorf("the editor: %d without a token", status)
	}
	return found[1], nil
}

// Slug is the last part of the address that these articles get.
func Slug(title string) string { return strings.ToLower(strings.ReplaceAll(title, " ", "-")) }

// PageOf is the path of the page of an article that was published now.
func PageOf(title string) string { return "/" + time.Now().UTC().Format("2006/01") + "/" + Slug(title) }

// Text returns the page of the editor of an article; empty when it cannot be read.
func (a *Author) Text(ctx context.Context, id string) string {
	page, _, err := a.send(ctx, "/admin/articles/"+id, nil)
	if err != nil {
		return ""
	}
	return page
}
