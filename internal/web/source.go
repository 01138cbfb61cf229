package web

import "causerie/internal/blog"

// source is a post elsewhere that an article answers or quotes.
type source struct{ Word, Class, URL, Host string }

func (w *Web) sources(f *frame, a blog.Article) (list []source) {
	if address := a.Answers.Address; address != "" {
		list = append(list, source{w.say(f, "answers-post-on"), "u-in-reply-to", address, blog.HostOf(address)})
	}
	if address := a.Quoted.Address; address != "" {
		list = append(list, source{w.say(f, "quotes-post-on"), "u-quotation-of", address, blog.HostOf(address)})
	}
	return list
}
