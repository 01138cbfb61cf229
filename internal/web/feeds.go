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

// siteFeed is the newest articles: of all, or of one language.
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
		return moved("/@" + author.Handle + "/feed.xml"), nil
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

func (w *Web) finishFeed(ctx context.Context, f *frame, out feed.Feed, filter store.Filter) (page.Document, error) {
	if err := w.fillFeed(ctx, f, &out, filter); err != nil {
		return page.Document{}, err
	}
	return w.atom(out)
}

// fillFeed adds the newest articles that the filter chooses, with their whole text.
func (w *Web) fillFeed(ctx context.Context, f *frame, out *feed.Feed, filter store.Filter) error {
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
		e.Updated = since(a, ages[a.ID][a.Language])
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
		Published: published(a), Tags: a.Tags, Replies: counts.Replies, Talk: url + "#talk"}
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

// commentFeed is the newest replies on all of the blog.
func (w *Web) commentFeed(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	out := feed.Feed{ID: f.Site.URL + "/comments/feed.xml", Title: w.say(&f, "comments-of", "Site", f.Site.Name),
		Language: f.Site.Language,
		Home:     f.Site.Home(), Self: f.Site.URL + "/comments/feed.xml", Updated: f.Site.CreatedAt}
	comments, err := w.store.NewestComments(ctx, repliesPerFeed)
	if err != nil {
		return page.Document{}, err
	}
	articles := map[blog.ID]articlePage{}
	for _, c := range comments {
		if _, known := articles[c.ArticleID]; !known {
			a, err := w.store.Article(ctx, c.ArticleID)
			if err != nil {
				return page.Document{}, err
			}
			when := published(a)
			a.PublishedAt = &when
			articles[c.ArticleID] = articlePage{Article: a}
		}
	}
	for _, c := range comments {
		p := articles[c.ArticleID]
		voices, err := w.voices(ctx, &f, &p, []blog.Comment{c})
		if err != nil {
			return page.Document{}, err
		}
		e := f.replyEntry(p.Article, c, voices[0])
		out.Entries = append(out.Entries, e)
		if e.Updated.After(out.Updated) {
			out.Updated = e.Updated
		}
	}
	return w.atom(out)
}

func (f *frame) replyEntry(a blog.Article, c blog.Comment, v *comment) feed.Entry {
	url := f.Site.CommentPage(a, c.ID)
	e := feed.Entry{ID: c.Address, URL: url, Title: v.Who.Name + ": " + a.Title, HTML: c.HTML, Language: c.Language,
		Published: c.SortedAt,
		Updated:   c.SortedAt, Authors: []feed.Person{{Name: v.Who.Name}},
		Answers: &feed.Reference{ID: f.Site.ArticlePage(a), URL: f.Site.ArticlePage(a)}}
	if a.ObjectID != "" {
		e.Answers.ID = f.Site.ArticleID(a.ObjectID)
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

// feedSheet dresses a feed for those who follow a link to it with a browser.
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
	body = bytes.Replace(body, []byte(xml.Header),
		[]byte(xml.Header+`<?xml-stylesheet type="text/css" href="`+sheet+`"?>`+"\n"), 1)
	return feedDocument(feed.AtomType, body), nil
}

func feedDocument(kind string, body []byte) page.Document {
	return page.Document{Header: http.Header{"Content-Type": {kind}, "Access-Control-Allow-Origin": {"*"}}, Body: body}
}

// sitemap names every page that search engines should know.
func (w *Web) sitemap(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	places := []feed.Place{{URL: f.Site.Home()}, {URL: f.Site.URL + "/archive"}, {URL: f.Site.URL + "/about"}}
	authors, err := w.authors(ctx)
	if err != nil {
		return page.Document{}, err
	}
	hidden := map[blog.ID]bool{}
	for _, a := range authors {
		if hidden[a.ID] = !a.Indexable; a.Indexable {
			places = append(places, feed.Place{URL: f.Site.VoicePage(a.Voice)})
		}
	}
	more, err := w.index(ctx, &f)
	if err != nil {
		return page.Document{}, err
	}
	places = append(places, more...)
	for offset := 0; len(places) < feed.MostPlaces; offset += 1000 {
		filter := listed("")
		filter.Limit, filter.Offset = 1000, offset
		articles, err := w.store.Articles(ctx, filter)
		if err != nil {
			return page.Document{}, err
		}
		versions, err := w.store.Versions(ctx, ids(articles))
		if err != nil {
			return page.Document{}, err
		}
		ages, err := w.store.TextAges(ctx, ids(articles))
		if err != nil {
			return page.Document{}, err
		}
		for _, a := range articles {
			if hidden[a.VoiceID] {
				continue
			}
			for _, v := range versions[a.ID] {
				a.Text = v.Text
				places = append(places, feed.Place{URL: f.Site.ArticlePage(a), Changed: since(a, ages[a.ID][v.Language])})
			}
		}
		if len(articles) < 1000 {
			break
		}
	}
	body, err := feed.Sitemap(places)
	return page.Document{Header: http.Header{"Content-Type": {feed.SitemapType}}, Body: body}, err
}

// since is the time from which an article's words are as they are: that of its publication, unless they are known to be
// younger.
func since(a blog.Article, words store.TextAge) time.Time {
	if words.Since.After(published(a)) {
		return words.Since
	}
	return published(a)
}

// index is the pages of tags and series.
func (w *Web) index(ctx context.Context, f *frame) ([]feed.Place, error) {
	var places []feed.Place
	tags, err := w.store.Tags(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range tags[:min(len(tags), 10_000)] {
		places = append(places, feed.Place{URL: f.Site.TagPage(t.Tag)})
	}
	series, err := w.store.PublicSeries(ctx)
	for _, s := range series {
		places = append(places, feed.Place{URL: f.Site.SeriesPage(s.Slug)})
	}
	return places, err
}

// robots tells search engines what is not for them.
func (w *Web) robots(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	body := "User-agent: *\n"
	for _, path := range []string{"/admin", "/login", "/search", "/interact", "/authorize_interaction", "/preview/"} {
		body += "Disallow: " + path + "\n"
	}
	body += "\nSitemap: " + f.Site.URL + "/sitemap.xml\n"
	return page.Document{Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: []byte(body)}, nil
}
