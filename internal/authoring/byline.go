package authoring

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"causerie/internal/blog"
)

const maxByline = 20 // names besides the owner

// Coauthor returns the by-line entry of an author of this blog, by a handle that they have or had: "tobias",
// "@Tobias" or "@tobias@blog.example". The voices of the blog and of series write nothing. A handle that no author
// has is blog.Invalid.
func (s Service) Coauthor(ctx context.Context, handle string) (blog.Byline, error) {
	voice, err := s.Store.VoiceByHandle(ctx, CleanHandle(handle, s.Site))
	if errors.Is(err, blog.ErrNotFound) || err == nil && voice.Kind != blog.AuthorVoice {
		return blog.Byline{}, blog.Invalid{Field: "byline",
			Problem: "names “@" + strings.TrimPrefix(handle, "@") +
				"”, who is no author of this blog: write a guest without the @"}
	}
	if err != nil {
		return blog.Byline{}, err
	}
	return blog.Byline{VoiceID: voice.ID, Handle: voice.Handle, Name: voice.Name, Picture: voice.Picture}, nil
}

// CleanHandle returns a handle of this blog as it is stored: in lower case, without "@" and domain.
func CleanHandle(handle string, site blog.Site) string {
	handle = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(handle), "@"))
	return strings.TrimSuffix(handle, "@"+strings.ToLower(site.HandleDomain))
}

// Guest returns the by-line entry of somebody who is not an author of this blog: "Nadia Brandt", "Nadia Brandt
// https://noordkade.example" or "Nadia Brandt <https://noordkade.example>". A missing name, or an address that is not
// http or https, is blog.Invalid.
func Guest(text string) (blog.Byline, error) {
	name, address := strings.TrimSpace(text), ""
	if before, inside, bracketed := strings.Cut(name, "<"); bracketed {
		name, address = before, strings.TrimSuffix(inside, ">")
		// Without brackets the address is the last word. A name alone may have several words.
	} else if last := strings.LastIndexAny(name, " \t") + 1; strings.Contains(name[last:], "://") {
		name, address = name[:last], name[last:]
	}
	name, address = strings.Join(strings.Fields(name), " "), strings.TrimSpace(address)
	if u, err := url.Parse(address); name == "" || address != "" &&
		(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return blog.Byline{}, blog.Invalid{Field: "byline",
			Problem: "has a line that cannot be read: write a guest like “Nadia Brandt https://noordkade.example”"}
	}
	return blog.Byline{Name: name, URL: address}, nil
}

// SetByline sets the by-line of an article: its owner first, then names. Each author of this blog is listed once. An
// author who is named by somebody else is asked: until they say yes, nothing is announced in their name, and their page
// does not list it. by is the author who names them; "" is whoever works at the terminal, who may speak for all. More
// than twenty names are blog.Invalid.
func SetByline(a *blog.Article, names []blog.Byline, by blog.ID) error {
	if len(names) > maxByline {
		return blog.Invalid{Field: "byline", Problem: fmt.Sprintf("has more than %d names: name the others in the text",
			maxByline)}
	}
	// The entry that the owner has already, with name and picture, if the article has one.
	owner := blog.Byline{VoiceID: a.VoiceID}
	asked := map[blog.ID]bool{}
	for _, named := range a.Authors {
		if named.VoiceID == a.VoiceID {
			owner = named
		}
		asked[named.VoiceID] = named.Asked
	}
	authors, known := []blog.Byline{owner}, map[blog.ID]bool{a.VoiceID: true}
	for _, named := range names {
		if named.VoiceID != "" && known[named.VoiceID] {
			continue
		}
		known[named.VoiceID] = true
		if before, ok := asked[named.VoiceID]; named.VoiceID != "" && by != "" && named.VoiceID != by {
			named.Asked = before || !ok
		}
		authors = append(authors, named)
	}
	a.Authors = authors
	return nil
}
