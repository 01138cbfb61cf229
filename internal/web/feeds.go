package web

import (
	"bytes"
	"context"
	"encoding/xml"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/feed"
	"causerie/internal/page"
	"causerie/internal/store"
)

const (
	articlesPerFeed = 20
	repliesPerFeed  = 50
)

// siteFeed is the feed of the newest articles, of all or of one language.
func (w *Web) siteFeed(ctx context.Context, r *http.Request) (page.Document, error) {
	f, out, err := w.newestFeed(ctx, chi.URLParam(r, "language"))
	if err != nil {
		return page.Document{}, err
	}
	out.Self = f.Site.URL + r.URL.Path
	return w.atom(out)
}

func (w *Web) siteFeedJSON(ctx context.Context, r *http.Request) (page.Document, error) {
	f, out, err := w.newestFeed(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	out.Self = f.Site.URL + r.URL.Path
	body, err := feed.JSON(out)
	return feedDocument(feed.JSONType, body), err
}

func (w *Web) newestFeed(ctx context.Context, language string) (frame, feed.Feed, error) {
	f, err := w.frame(ctx, language)
	if err != nil {
		return f, feed.Feed{}, err
	}
	out := feed.Feed{ID: f.Site.Home(), Title: f.Site.Name, Subtitle: f.Site.Description, Language: f.Site.Language,
		Home: f.Site.Home()}
	if language != "" {
		out.ID, out.Home, out.Language = out.Home+language+"/", out.Home+language+"/", language
	}
	err = w.fillFeed(ctx, &f, &out, listed(language))
	// Any two letters match the route. Only languages with an article have a feed.
	if err == nil && language != "" && len(out.Entries) == 0 {
		err = blog.ErrNotFound
	}
	return f, out, err
}

func (w *Web) authorFeed(ctx context.Context, r *http.Request) (page.Document, error) {
	author, err := w.authorByHandle(ctx, chi.URLParam(r, "handle"))
	if err != nil {
		return page.Document{}, err
	}
	if author.Handle != chi.URLParam(r, "handle") {
		return movedDocument("/@" + author.Handle + "/feed.xml"), nil
	}
	f, err := w.frame(ctx, author.Language)
	if err != nil {
		return page.Document{}, err
	}
	out := feed.Feed{ID: f.Site.ActorID(author.ID), Title: author.Name + " · " + f.Site.Name, Subtitle: author.Summary,
		Language: f.Lang, Home: f.Site.VoicePage(author.Voice), Self: f.Site.URL + r.URL.Path}
	if author.Picture != "" {
		out.Icon = f.Site.Media(author.Picture)
	}
	filter := listed("")
	filter.Voice = author.ID
	return w.finishFeed(ctx, &f, out, filter)
}

func (w *Web) tagFeed(ctx context.Context, r *http.Request) (page.Document, error) {
	tag := param(r, "tag")
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	filter := listed("")
	filter.Tag = tag
	n, err := w.store.CountArticles(ctx, filter)
	if err != nil {
		return page.Document{}, err
	}
	if n == 0 {
		return page.Document{}, blog.ErrNotFound
	}
	home := f.Site.URL + tagPath(tag)
	return w.finishFeed(ctx, &f, feed.Feed{ID: home, Title: "#" + tag + " · " + f.Site.Name, Language: f.Lang, Home: home,
		Self: home + "/feed.xml"}, filter)
}

func (w *Web) seriesFeed(ctx context.Context, r *http.Request) (page.Document, error) {
	series, err := w.store.PublicSeriesBySlug(ctx, chi.URLParam(r, "slug"))
	if err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, series.Language)
	if err != nil {
		return page.Document{}, err
	}
	home := f.Site.SeriesPage(series.Slug)
	filter := listed("")
	filter.Series = series.ID
	return w.finishFeed(ctx, &f, feed.Feed{ID: home, Title: series.Title + " · " + f.Site.Name,
		Subtitle: series.Description,
		Language: series.Language, Home: home, Self: home + "/feed.xml"}, filter)
}

func (w *Web) finishFeed(ctx context.Context, f *frame, out feed.Feed,
	filter store.ArticleFilter) (page.Document, error) {
	if err := w.fillFeed(ctx, f, &out, filter); err != nil {
		return page.Document{}, err
	}
	return w.atom(out)
}

// fillFeed adds the newest articles that the filter matches, with their text.
func (w *Web) fillFeed(ctx context.Context, f *frame, out *feed.Feed, filter store.ArticleFilter) error {
	filter.Text, filter.Limit = true, articlesPerFeed
	articles, err := w.store.Articles(ctx, filter)
	if err != nil {
		return err
	}
	counts, err := w.store.Counts(ctx, ids(articles))
	if err != nil {
		return err
	}
	heroes, err := w.heroes(ctx, articles...)
	if err != nil {
		return err
	}
	ages, err := w.store.TextAges(ctx, ids(articles))
	if err != nil {
		return err
	}
	out.Updated = f.Site.CreatedAt
	for _, a := range articles {
		e := f.feedEntry(a, counts[a.ID], heroes[a.ID])
		e.Updated = textSince(a, ages[a.ID][a.Language])
		out.Entries = append(out.Entries, e)
		if e.Updated.After(out.Updated) {
			out.Updated = e.Updated
		}
	}
	return nil
}

func (f *frame) feedEntry(a blog.Article, counts blog.Counts, hero *picture) feed.Entry {
	url := f.Site.ArticlePage(a)
	e := feed.Entry{ID: url, URL: url, Title: a.Title, Summary: a.Summary, HTML: feed.Absolute(a.HTML, url),
		Language:  a.Language,
		Published: published(a), Tags: a.AllTags(), Replies: counts.Replies, RepliesPage: url + "#talk"}
	// The ActivityPub id stays when the slug changes. With a new id, feed readers would show the article again.
	if a.ObjectID != "" {
		e.ID = f.Site.ArticleID(a.ObjectID)
	}
	if a.Translated { // who reads two languages gets both
		e.ID += "#" + a.Language
	}
	if a.Warning != "" {
		e.Summary, e.HTML = a.Warning, "" // the words behind a warning are read on the page
	}
	if hero != nil {
		e.Picture = f.Site.URL + hero.Src
	}
	for _, p := range f.people(a.Authors) {
		if p.User != "" {
			p.URL = f.Site.URL + p.URL
		}
		e.Authors = append(e.Authors, feed.Person{Name: p.Name, URL: p.URL})
	}
	return e
}

// commentFeed is the feed of the newest comments of the whole blog.
func (w *Web) commentFeed(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	out := feed.Feed{ID: f.Site.URL + "/comments/feed.xml", Title: w.translate(&f, "comments-of", "Site", f.Site.Name),
		Language: f.Site.Language,
		Home:     f.Site.Home(), Self: f.Site.URL + "/comments/feed.xml", Updated: f.Site.CreatedAt}
	comments, err := w.store.NewestComments(ctx, repliesPerFeed)
	if err != nil {
		return page.Document{}, err
	}
	var ids []blog.ID
	for _, c := range comments {
		ids = append(ids, c.ArticleID)
	}
	articles, err := w.store.Heads(ctx, unique(ids))
	if err != nil {
		return page.Document{}, err
	}
	read, err := w.readWriters(ctx, comments)
	if err != nil {
		return page.Document{}, err
	}
	for _, c := range comments {
		a := articles[c.ArticleID]
		when := published(a)
		a.PublishedAt = &when
		e := f.replyEntry(a, c, read.view(&f, &articlePage{Article: a}, c))
		out.Entries = append(out.Entries, e)
		if e.Updated.After(out.Updated) {
			out.Updated = e.Updated
		}
	}
	return w.atom(out)
}

func (f *frame) replyEntry(a blog.Article, c blog.Comment, v *comment) feed.Entry {
	url := f.Site.CommentPage(a, c.ID)
	e := feed.Entry{ID: c.Address, URL: url, Title: v.Person.Name + ": " + a.Title, HTML: c.HTML, Language: c.Language,
		Published: c.SortedAt,
		Updated:   c.SortedAt, Authors: []feed.Person{{Name: v.Person.Name}},
		InReplyTo: &feed.Reference{ID: f.Site.ArticlePage(a), URL: f.Site.ArticlePage(a)}}
	if a.ObjectID != "" {
		e.InReplyTo.ID = f.Site.ArticleID(a.ObjectID)
	}
	if e.ID == "" {
		e.ID = url
	}
	if c.Warning != "" {
		e.Summary, e.HTML = c.Warning, ""
	}
	if c.UpdatedAt != nil && c.UpdatedAt.After(e.Updated) {
		e.Updated = *c.UpdatedAt
	}
	return e
}

// feedSheet styles a feed that is opened in a browser.
const feedSheet = "feed.css"

func (w *Web) atom(f feed.Feed) (page.Document, error) {
	body, err := feed.Atom(f)
	if err != nil {
		return page.Document{}, err
	}
	sheet, err := w.pages.Static().Address(feedSheet)
	if err != nil {
		return page.Document{}, err
	}
	// encoding/xml cannot write a processing instruction in front of the root element.
	body = bytes.Replace(body, []byte(xml.Header),
		[]byte(xml.Header+`<?xml-stylesheet type="text/css" href="`+sheet+`"?>`+"\n"), 1)
	return feedDocument(feed.AtomType, body), nil
}

// feedDocument returns a feed that scripts of other sites may read, as feed readers in the browser need it.
func feedDocument(kind string, body []byte) page.Document {
	return page.Document{Header: http.Header{"Content-Type": {kind}, "Access-Control-Allow-Origin": {"*"}}, Body: body}
}

// textSince returns when the text of an article became what it is: its last change, or its publication.
func textSince(a blog.Article, words store.TextAge) time.Time {
	if words.Since.After(published(a)) {
		return words.Since
	}
	return published(a)
}
