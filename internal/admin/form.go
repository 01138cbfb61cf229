package admin

import (
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"causerie/internal/blog"
)

const inMemory = 1 << 20 // bytes of uploads; the rest waits in temporary files

// form reads a sent form, of either encoding. Its texts are what both databases can keep: valid UTF-8 without NUL, and
// lines end as they do elsewhere. A broken one is a blog.Invalid, one too large a *http.MaxBytesError.
func (req *request) form() (url.Values, error) {
	err := req.r.ParseForm()
	if strings.HasPrefix(req.r.Header.Get("Content-Type"), "multipart/form-data") {
		err = req.r.ParseMultipartForm(inMemory)
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), errors.Is(err, multipart.ErrMessageTooLarge):
		return nil, &http.MaxBytesError{}
	case err != nil:
		return nil, blog.Invalid{Field: "form", Problem: "arrived broken: go back and send it again"}
	}
	for name, values := range req.r.PostForm {
		for i, value := range values {
			req.r.PostForm[name][i] = strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "\x00", ""),
				"\r\n", "\n")
		}
	}
	return req.r.PostForm, nil
}

// file is an uploaded file of a form; nil when none was chosen.
func (req *request) file(name string) (multipart.File, *multipart.FileHeader, error) {
	if req.r.MultipartForm == nil {
		return nil, nil, nil
	}
	file, header, err := req.r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil, nil
	}
	return file, header, err
}

// lines are the lines of a text that have something on them, trimmed.
func lines(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}
