package authoring

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"causerie/internal/blog"
)

const maxByline = 20 // names besides the owner's

// Coauthor returns the by-line of an author of this blog, by a handle that they have or had: "tobias", "@Tobias" or
// "@tobias@blog.example". The blog's own voice and those of series write nothing. A handle that no author has is
// blog.Invalid.
func (s Service) Coauthor(ctx context.Context, handle string) (blog.Byline, error) {
	voice, err := s.Store.VoiceByHandle(ctx, CleanHandle(handle, s.Site))
	if errors.Is(err, blog.ErrNotFound) || err == nil && voice.Kind != blog.AuthorVoice {
		return blog.Byline{}, blog.Invalid{Field: "byline",
			Problem: "names “@" + strings.TrimPrefix(handle, "@") +
				"”, who does not write here: a guest is written without the @"}
	}
	if err != nil {
		return blog.Byline{}, err
	}
	return blog.Byline{VoiceID: voice.ID, Handle: voice.Handle, Name: voice.Name, Picture: voice.Picture}, nil
}

// CleanHandle returns a handle of this blog as the store has it: in small letters, without the signs around it.
func CleanHandle(handle string, site blog.Site) string {
	handle = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(handle), "@"))
	return strings.TrimSuffix(handle, "@"+strings.ToLower(site.HandleDomain))
}

// Guest returns the by-line of somebody who is no author of this blog: "Nadia Brandt", "Nadia Brandt
// https://noordkade.example" or "Nadia Brandt <https://noordkade.example>". An address that is no web address, and one
// without a name, is blog.Invalid.
func Guest(text string) (blog.Byline, error) {
	name, address := strings.TrimSpace(text), ""
	if before, inside, bracketed := strings.Cut(name, "<"); bracketed {
		name, address = before, strings.TrimSuffix(inside, ">")
	} else if last := strings.LastIndexAny(name, " \t") + 1; strings.Contains(name[last:], "://") {
		name, address = name[:last], name[last:]
	}
	name, address = strings.Join(strings.Fields(name), " "), strings.TrimSpace(address)
	if u, err := url.Parse(address); name == "" || address != "" &&
		(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return blog.Byline{}, blog.Invalid{Field: "byline",
			Problem: "has a line that is not understood: write a guest as “Nadia Brandt https://noordkade.example”"}
	}
	return blog.Byline{Name: name, URL: address}, nil
}

// SetByline makes the by-line of an article: its owner, then the names, each author of this blog once. More than twenty
// names are blog.Invalid.
func SetByline(a *blog.Article, names []blog.Byline) error {
	if len(names) > maxByline {
		return blog.Invalid{Field: "byline", Problem: fmt.Sprintf("has more than %d names: name the others in the text",
			maxByline)}
	}
	owner := blog.Byline{VoiceID: a.VoiceID}
	for _, by := range a.Authors {
		if by.VoiceID == a.VoiceID {
			owner = by
		}
	}
	authors, known := []blog.Byline{owner}, map[blog.ID]bool{a.VoiceID: true}
	for _, by := range names {
		if by.VoiceID != "" && known[by.VoiceID] {
			continue
		}
		known[by.VoiceID] = true
		authors = append(authors, by)
	}
	a.Authors = authors
	return nil
}
