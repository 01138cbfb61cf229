package web

import (
	"context"

	"causerie/internal/blog"
)

// source is a post elsewhere that an article replies to or quotes.
type source struct {
	Word, Class, URL string
	Person           person // whose it is; nobody when that is not known
	Host             string
}

func (w *Web) sources(ctx context.Context, f *frame, a blog.Article) (list []source, err error) {
	for _, s := range []struct {
		post              blog.Source
		known, on, marked string
	}{
		{a.Answers, "answers-whom", "answers-post-on", "u-in-reply-to"},
		{a.Quoted, "quotes-whom", "quotes-post-on", "u-quotation-of"},
	} {
		if s.post.Address == "" {
			continue
		}
		who, err := w.knownPerson(ctx, s.post.ActorID)
		if err != nil {
			return nil, err
		}
		word := w.translate(f, s.on)
		// A stranger whom we may not name is only named by their server.
		if who.User != "" {
			word = w.translate(f, s.known)
		}
		list = append(list, source{word, s.marked, s.post.Address, who, blog.HostOf(s.post.Address)})
	}
	return list, nil
}
