package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"causerie/internal/blog"
	"causerie/internal/overkant"
	"causerie/internal/page"
	"causerie/internal/store"
	"causerie/templates"
)

var (
	zone = time.FixedZone("CET", 3600)
	noon = time.Date(2026, 11, 16, 12, 0, 0, 0, zone)
)

// publicBlog is De Overkant with its public pages on a real listener. Nothing of it federates.
type publicBlog struct {
	*overkant.Blog
	pages  *page.Set
	server *httptest.Server

	ilse, tobias, maud, samir blog.Voice
	bram, nadia, deniz, kade  blog.Actor
	road                      blog.Series
	ferry                     blog.Picture
	bell, wide, glue          blog.Article
}

func newPublicBlog(t testing.TB, s *store.Store) *publicBlog {
	t.Helper()
	o := &publicBlog{Blog: overkant.Found(t, s, "https://overkant.example", func(site *blog.Site) {
		site.Description = "Four people on two banks of one river, writing in Dutch and English."
		site.Language, site.Timezone, site.CreatedAt = "nl", "Europe/Amsterdam", noon.AddDate(-1, 0, 0)
	})}
	o.start()
	o.people()
	o.articles()
	return o
}

// start serves the public pages of the store.
func (o *publicBlog) start() {
	o.T.Helper()
	pages, err := page.Load(templates.FS, nil)
	o.must(err)
	o.pages = pages
	o.server = httptest.NewServer(New(o.Store, pages, page.NewCache(o.Store.Changes(), 0)).Routes())
	o.T.Cleanup(o.server.Close)
}

func (o *publicBlog) must(err error) {
	o.T.Helper()
	if err != nil {
		o.T.Fatal(err)
	}
}

func (o *publicBlog) people() {
	o.ilse = o.author("ilse", "Ilse Verhaagen", "en")
	o.tobias = o.author("tobias", "Tobias Renkema", "nl")
	o.maud = o.author("maud", "Maud Lindqvist", "en")
	o.samir = o.author("samir", "Samir Benhaddou", "nl")
	o.bram = o.actor("bram", "Bram Oosterling", "veerhuis.example")
	o.nadia = o.actor("nadia", "Nadia F.", "noordkade.example")
	o.deniz = o.actor("deniz", "Deniz", "dijla.example")
	o.kade = o.actor("kade", "Kade", "zilverduin.example")
}

func (o *publicBlog) author(handle, name, language string) blog.Voice {
	o.T.Helper()
	at := noon.AddDate(-1, 0, len(handle))
	return o.AddAuthor(handle, name, func(a *blog.Author) {
		a.Role, a.Language = blog.Writer, language
		a.ID, a.CreatedAt, a.UpdatedAt = blog.NewID(at), at, at
		a.Summary = name + " walks along rivers.\n\nFormerly a bridge keeper."
		a.Fields = blog.Fields{{Name: "Website", Value: "https://" + handle + ".example/"}, {Name: "River",
			Value: "the Waal"}}
	})
}

func (o *publicBlog) actor(name, display, host string) blog.Actor {
	o.T.Helper()
	id := "https://" + host + "/users/" + name
	a := blog.Actor{ID: id, Type: "Person", Handle: name + "@" + host, Name: display, URL: "https://" + host + "/@" + name,
		Host:  host,
		Inbox: id + "/inbox", FetchedAt: noon}
	o.must(o.Store.SaveActor(o.T.Context(), a))
	return a
}

// articles are part 1 and 2 of The Low Road by Ilse, the second with a guest, and one in Dutch by Tobias.
func (o *publicBlog) articles() {
	o.road = blog.Series{ID: blog.NewID(noon), Slug: "the-low-road", Title: "The Low Road",
		Description: "A walk below the dikes.", Language: "en", Planned: 5}
	o.must(o.Store.SaveSeries(o.T.Context(), o.road))
	o.ferry = blog.Picture{ID: blog.NewID(noon), VoiceID: o.ilse.ID, Type: "image/jpeg", Width: 1600, Height: 900,
		Alt:  "A man rows a passenger across a wide river.",
		Name: "ferry.jpg", Digest: "d", CreatedAt: noon}
	for _, width := range []int{480, 960, 1600} {
		o.ferry.Files = append(o.ferry.Files, blog.PictureFile{PictureID: o.ferry.ID,
			File: fmt.Sprintf("ferry-%d.jpg", width), Width: width, Height: width * 9 / 16, Size: 1000})
	}
	o.must(o.Store.AddPicture(o.T.Context(), o.ferry))

	o.bell = o.publish(noon.AddDate(0, 0, -19),
		blog.Article{VoiceID: o.ilse.ID, SeriesID: o.road.ID, Part: 1, Tags: blog.Strings{"Rivers"},
			Text: articleText("en", "The bell is on the other side", "the-bell-is-on-the-other-side",
				"In which the walk begins at a landing stage.")})
	o.wide = o.publish(noon, blog.Article{VoiceID: o.ilse.ID, SeriesID: o.road.ID, Part: 2, PictureID: o.ferry.ID,
		Tags:    blog.Strings{"Rivers", "Ferries & boats"},
		Authors: []blog.Byline{{VoiceID: o.ilse.ID}, {VoiceID: o.maud.ID}, {Name: "Harm", URL: "https://harm.example"}},
		Text:    articleText("en", "Four minutes wide", "four-minutes-wide", "On the last rowed ferry below the weir.")})
	o.glue = o.publish(noon.AddDate(0, 0, 5), blog.Article{VoiceID: o.tobias.ID, Tags: blog.Strings{"handwerk"},
		Text: articleText("nl", "Lijm die weer los wil", "lijm-die-weer-los-wil", "Over tarwestijfsel.")})
}

func articleText(language, title, slug, summary string) blog.Text {
	prose := `<p>The ferry comes when you ring the bell.</p><pre><code class="language-awk">mid++</code></pre><h2 ` +
		`id="notes" class="vh">Notes</h2><h2 id="length">The <em>length</em> of a thing said</h2><p>Four minutes.</p>` +
		`<h2 id="log">Keeping the log &amp; the oar</h2><p>Columns.</p><h2 id="bridge">What a bridge takes ` +
		`away</h2><p>Well. <a href="/media/ferry-960.jpg">The ferry</a></p>`
	return blog.Text{Language: language, Title: title, Slug: slug, Summary: summary, Markdown: "The ferry.", HTML: prose,
		Plain: "The ferry comes.", WordCount: 2000}
}

func (o *publicBlog) publish(at time.Time, a blog.Article) blog.Article {
	o.T.Helper()
	a.ID, a.Status, a.CreatedAt = blog.NewID(at), blog.Draft, at
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set((*string)(&a.Format), string(blog.FullArticle))
	set((*string)(&a.Visibility), string(blog.Public))
	set((*string)(&a.Comments), string(blog.Open))
	set(&a.Quotes, "everyone")
	o.must(a.Publish(at, zone))
	if a.Federates() {
		a.ObjectID = blog.NewID(at)
	}
	o.must(o.Store.InTx(o.T.Context(), func(s *store.Store) error {
		if err := s.SaveArticle(o.T.Context(), &a, at); err != nil || a.ObjectID == "" {
			return err
		}
		return s.SaveObject(o.T.Context(), store.Object{ID: a.ObjectID, ArticleID: a.ID, Payload: []byte("{}"), Revision: 1,
			At: at})
	}))
	o.keep(a, a.Text, at)
	a, err := o.Store.Article(o.T.Context(), a.ID)
	o.must(err)
	return a
}

// keep notes that readers have a text of an article since they were told at a time.
func (o *publicBlog) keep(a blog.Article, words blog.Text, at time.Time) {
	o.T.Helper()
	o.must(o.Store.AddRevision(o.T.Context(),
		store.Revision{ArticleID: a.ID, Language: words.Language, Kind: "published", Title: words.Title,
			Markdown: words.Markdown, At: at}))
}

// says adds a comment; change may set what is out of the ordinary.
func (o *publicBlog) says(who any, words string, after time.Duration, change ...func(*blog.Comment)) blog.Comment {
	o.T.Helper()
	at := noon.Add(after)
	c := blog.Comment{ID: blog.NewID(at), ArticleID: o.wide.ID, Origin: blog.Pushed, Visibility: blog.PublicComment,
		State: blog.CommentShown,
		HTML:  "<p>" + words + "</p>", Plain: words, Language: "en", PublishedAt: at, SortedAt: at, ArrivedAt: at}
	switch who := who.(type) {
	case blog.Actor:
		c.ActorID, c.Address, c.URL = who.ID, who.ID+"/statuses/"+string(c.ID), who.URL+"/"+string(c.ID)
	case blog.Voice:
		c.VoiceID, c.Address, c.Origin = who.ID, o.Site.NoteID(c.ID), blog.Own
	}
	for _, change := range change {
		change(&c)
	}
	o.must(o.Store.AddComment(o.T.Context(), c))
	return c
}

func answering(parent blog.Comment) func(*blog.Comment) {
	return func(c *blog.Comment) { c.ParentID, c.ArticleID = parent.ID, parent.ArticleID }
}

func (o *publicBlog) reacts(who blog.Actor, kind blog.ReactionKind, to ...blog.Comment) {
	o.T.Helper()
	r := blog.Reaction{ID: blog.NewID(noon), Kind: kind, ActorID: who.ID, ArticleID: o.wide.ID, At: noon}
	if len(to) > 0 {
		r.CommentID = to[0].ID
	}
	r.Address = who.ID + "#" + string(r.ID)
	_, err := o.Store.AddReaction(o.T.Context(), r)
	o.must(err)
}

// sheet is an answer, parsed.
type sheet struct {
	t      testing.TB
	status int
	header http.Header
	raw    string
	root   *html.Node
}

// open asks for an address as a browser does, without following redirects.
func (o *publicBlog) open(path string) sheet {
	o.T.Helper()
	return o.openAs("text/html,application/xhtml+xml,*/*;q=0.8", path)
}

// openAs is open for a program that accepts something else.
func (o *publicBlog) openAs(accept, path string) sheet {
	o.T.Helper()
	r, err := http.NewRequestWithContext(o.T.Context(), http.MethodGet, o.server.URL+path, nil)
	o.must(err)
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultTransport.RoundTrip(r)
	o.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	o.must(err)
	root, err := html.Parse(strings.NewReader(string(text)))
	o.must(err)
	return sheet{o.T, answer.StatusCode, answer.Header, string(text), root}
}

// find lists the elements with the given name and, each if not "", class, id or attribute="value" pair.
func (s sheet) find(tag string, match ...string) []node { return node{s.root}.find(tag, match...) }

// node is an element of a page.
type node struct{ *html.Node }

func (n node) find(tag string, match ...string) []node {
	var found []node
	for child := range n.Descendants() {
		if child.Type == html.ElementNode && child.Data == tag && (node{child}).is(match) {
			found = append(found, node{child})
		}
	}
	return found
}

// is reports whether an element has all of the given: ".class", "#id", "name=value".
func (n node) is(match []string) bool {
	for _, m := range match {
		name, value, _ := strings.Cut(m, "=")
		switch {
		case m[0] == '.':
			if !strings.Contains(" "+n.attr("class")+" ", " "+m[1:]+" ") {
				return false
			}
		case m[0] == '#':
			if n.attr("id") != m[1:] {
				return false
			}
		case n.attr(name) != value:
			return false
		}
	}
	return true
}

func (n node) attr(name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words is the text of an element with its spaces made single.
func (n node) words() string {
	var text strings.Builder
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			text.WriteString(child.Data)
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// one is the only element found.
func (s sheet) one(tag string, match ...string) node {
	s.t.Helper()
	found := s.find(tag, match...)
	if len(found) != 1 {
		s.t.Fatalf("%d elements are %s %v, want 1", len(found), tag, match)
	}
	return found[0]
}

func texts(nodes []node) []string {
	var list []string
	for _, n := range nodes {
		list = append(list, n.words())
	}
	return list
}

func attrs(name string, nodes []node) []string {
	var list []string
	for _, n := range nodes {
		list = append(list, n.attr(name))
	}
	return list
}
