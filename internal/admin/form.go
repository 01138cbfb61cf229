package admin

import (
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// inMemory is the number of bytes of uploads that stay in memory. The rest goes to temporary files.
const inMemory = 1 << 20 // bytes of uploads; the rest waits in temporary files

// form reads a sent form of either encoding. A broken form is a blog.Invalid, one that is too large a
// *http.MaxBytesError.
func (req *request) form() (url.Values, error) {
	err := req.r.ParseForm()
	if strings.HasPrefix(req.r.Header.Get("Content-Type"), "multipart/form-data") {
		err = req.r.ParseMultipartForm(inMemory)
	}
	var large *http.MaxBytesError
	switch {
	// The multipart reader has an error of its own for a form that is too large. Both mean the same.
	case errors.As(err, &large), errors.Is(err, multipart.ErrMessageTooLarge):
		return nil, &http.MaxBytesError{}
	case err != nil:
		return nil, blog.Invalid{Field: "form", Problem: "could not be read: go back and send it again"}
	}
	for name, values := range req.r.PostForm {
		for i, value := range values {
			req.r.PostForm[name][i] = text.Written(value)
		}
	}
	// Not r.Form: values from the address must not count as typed.
	return req.r.PostForm, nil
}

// file is an uploaded file of a form; nil if none was chosen.
func (req *request) file(name string) (multipart.File, *multipart.FileHeader, error) {
	// FormFile would parse a form of the other encoding again, and fail.
	if req.r.MultipartForm == nil {
		return nil, nil, nil
	}
	file, header, err := req.r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil, nil
	}
	return file, header, err
}

// line is the value of a field of one line.
func line(form url.Values, name string) string { return text.WrittenLine(form.Get(name)) }

// lines are the lines of a text that are not blank, trimmed.
func lines(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}
