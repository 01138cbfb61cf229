package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// tourStop is an address of a tour: what readers, authors and other servers ask of a blog.
type tourStop struct {
	name   string // the same in blogs of every size
	path   string
	accept string
}

const (
	asReader = "text/html"
	asServer = "application/activity+json"
)

// tour is every page and document of a blog of bench seed. The pages of the admin are there for somebody who is signed
// in.
func (app *app) tour(ctx context.Context) ([]tourStop, error) {
	at, err := app.landmarks(ctx)
	if err != nil {
		return nil, err
	}
	var list []tourStop
	add := func(accept string, paths ...string) {
		for _, path := range paths {
			list = append(list, tourStop{path, path, accept})
		}
	}
	named := func(name, path, accept string) { list = append(list, tourStop{name, path, accept}) }
	add(asReader, "/", "/en/", "/@ilse", "/tags/rivers", "/archive", "/about", "/about/federation", "/privacy",
		"/feed.xml", "/feed.json", "/en/feed.xml", "/@ilse/feed.xml", "/tags/rivers/feed.xml", "/comments/feed.xml",
		"/sitemap.xml", "/robots.txt")
	named("a quiet article", app.site.ArticlePath(at.quiet), asReader)
	named("the article with most replies", app.site.ArticlePath(at.busy), asReader)
	add(asReader, "/admin", "/admin/more", "/admin/articles", "/admin/articles?tab=drafts", "/admin/articles/new",
		"/admin/series", "/admin/comments", "/admin/comments?tab=published", "/admin/comments?tab=hidden",
		"/admin/comments?tab=private", "/admin/mentions", "/admin/reports", "/admin/blocks", "/admin/followers",
		"/admin/followers?q=p77", "/admin/featured", "/admin/following",
		"/admin/network", "/admin/pictures", "/admin/profile", "/admin/identity", "/admin/account", "/admin/settings")
	for _, page := range []string{"", "/preview", "/publish", "/versions", "/withdraw", "/report"} {
		named("/admin/articles/…"+page, "/admin/articles/"+string(at.busy.ID)+page, asReader)
	}
	named("/admin/comments/…", "/admin/comments/"+string(at.comment), asReader)

	add(asServer, "/", "/@ilse", "/ap/instance", "/.well-known/nodeinfo", "/nodeinfo/2.1")
	named("/.well-known/webfinger", "/.well-known/webfinger?resource="+url.QueryEscape("acct:"+at.ilse.Handle+"@"+
		app.site.HandleDomain), asServer)
	for _, part := range []string{"", "/outbox", "/followers", "/following", "/featured", "/tags"} {
		named("an actor"+part, "/ap/actors/"+string(at.ilse.ID)+part, asServer)
	}
	for _, part := range []string{"", "/replies", "/context", "/likes", "/shares"} {
		named("an article"+part, "/ap/articles/"+string(at.busy.ObjectID)+part, asServer)
	}
	named("a quiet article as ActivityPub", "/ap/articles/"+string(at.quiet.ObjectID), asServer)
	return list, nil
}

// landmarks are rows of a seeded blog that a tour visits.
type landmarks struct {
	ilse        blog.Voice
	busy, quiet blog.Article // with most replies, and with few
	comment     blog.ID
}

func (app *app) landmarks(ctx context.Context) (at landmarks, err error) {
	if at.ilse, err = app.store.VoiceByHandle(ctx, benchAuthors[0].Handle); err != nil {
		return at, err
	}
	n, err := app.store.CountArticles(ctx, store.ArticleFilter{Listed: true})
	if err != nil {
		return at, err
	}
	middle, err := app.store.Articles(ctx, store.ArticleFilter{Listed: true, Limit: 1, Offset: n / 2})
	if err != nil || len(middle) == 0 {
		return at, fmt.Errorf("find an article: %w", err)
	}
	at.quiet = middle[0]
	// The samples are newer than the article that got a fifth of the comments.
	newest, err := app.store.Articles(ctx, store.ArticleFilter{Listed: true, Limit: 2 * benchSamples})
	if err != nil {
		return at, err
	}
	ids := make([]blog.ID, len(newest))
	for i, a := range newest {
		ids[i] = a.ID
	}
	counts, err := app.store.Counts(ctx, ids)
	if err != nil {
		return at, err
	}
	at.busy = newest[0]
	for _, a := range newest {
		if counts[a.ID].Replies > counts[at.busy.ID].Replies {
			at.busy = a
		}
	}
	comments, err := app.store.Comments(ctx, store.CommentFilter{Article: at.busy.ID, Limit: 1})
	if err != nil || len(comments) == 0 {
		return at, fmt.Errorf("find a comment: %w", err)
	}
	at.comment = comments[0].ID
	return at, nil
}

// nextLink is a link to the next page of a list, and sitemapLink one from a sitemap to the sitemap of a part.
var (
	nextLink    = regexp.MustCompile(`<a href="([^"]+)" rel="next"`)
	sitemapLink = regexp.MustCompile(`<loc>([^<]+/sitemap[^<]*)</loc>`)
)

// next returns the stop after this one, when its answer leads to the next page of the same list.
func (s tourStop) next(body []byte, site blog.Site) (tourStop, bool) {
	var address string
	if s.accept == asServer {
		var list struct{ First, Next any }
		if json.Unmarshal(body, &list) != nil {
			return tourStop{}, false
		}
		address = pageAfter(list.First, list.Next)
	} else if found := nextLink.FindSubmatch(body); found != nil && !strings.HasPrefix(s.name, "a quiet") {
		address = strings.ReplaceAll(string(found[1]), "&amp;", "&")
	} else if found := sitemapLink.FindSubmatch(body); found != nil {
		address = string(found[1])
	}
	path := strings.TrimPrefix(address, site.URL)
	return tourStop{s.name + ", next", path, s.accept}, path != "" && strings.HasPrefix(path, "/")
}

// pageAfter returns the first of two members that is an address or a page with an id and a next page.
func pageAfter(first, next any) string {
	for _, member := range []any{first, next} {
		switch member := member.(type) {
		case string:
			return member
		case map[string]any:
			if address, ok := member["next"].(string); ok {
				return address
			}
		}
	}
	return ""
}
