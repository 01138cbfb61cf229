package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/net/html"
	"golang.org/x/sync/errgroup"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/store"
	"causerie/internal/text"
)

type demoCommand struct {
	Once bool   `help:"Leave when the trip is over: 0 when all of it succeeded, 1 with the reason when not."`
	Keep string `placeholder:"DIR" help:"Keep the blog in this folder, which has none yet. Default: a temporary folder."`
}

// Help is printed below the command's line by --help.
func (demoCommand) Help() string {
	return "It starts a blog with two authors, a guest and some articles in two languages, and three pretended servers " +
		"on this machine, each " +
		"with a few people. They follow an author, the blog as a whole or a series; an article is published and delivered " +
		"with signatures " +
		"over HTTP; replies, a quote, likes and a boost come back and stand under the article. Then it goes on serving " +
		"until Ctrl-C."
}

const (
	tripTime     = 30 * time.Second // for the whole trip
	demoPassword = "four minutes wide"
)

//go:embed demo
var demoFiles embed.FS

// demoSettings are the settings that the demo heeds; all others it has of its own.
var demoSettings = []string{"config", "listen", "log"}

const demoListenHelp = "Where on this machine to wait for requests. Default: 127.0.0.1:8080, or another port when " +
	"that is taken."

// onlyItsOwn refuses a setting that the demo would not heed. What the environment or a file says is meant for other
// blogs.
func (demoCommand) onlyItsOwn(said *kong.Context) error {
	for _, part := range said.Path {
		f := part.Flag
		if f != nil && !part.Resolved && f.Group != nil && f.Group.Key == "settings" &&
			!slices.Contains(demoSettings, f.Name) {
			return usageError{fmt.Errorf("--%s is not for the demo, which makes a blog of its own: leave it out (--keep DIR "+
				"keeps that blog)", f.Name)}
		}
	}
	return nil
}

func (x demoCommand) Run(ctx context.Context, c *console, config Config, _ *slog.Logger, said *kong.Context) error {
	if err := x.onlyItsOwn(said); err != nil {
		return err
	}
	folder, forget, err := x.folder(ctx)
	if err != nil {
		return err
	}
	defer forget()
	listener, err := demoListener(config.Listen)
	if err != nil {
		return err
	}
	s, err := newDemoServer(ctx, config.Log, folder, listener, c.err)
	if err != nil {
		listener.Close()
		return err
	}
	defer s.close()
	serving, leave := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.serve(serving, []net.Listener{listener}) }()
	defer func() {
		leave()
		<-served
	}()
	app := &demo{server: s, out: c.out, began: time.Now()}
	defer app.leave()
	if err := app.trip(ctx); err != nil || x.Once {
		return err
	}
	app.invite(x.Keep)
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		served <- err
		return err
	}
}

// folder is where the blog of the demo is kept.
func (x demoCommand) folder(ctx context.Context) (string, func(), error) {
	if x.Keep == "" {
		folder, err := os.MkdirTemp("", "causerie-demo-")
		return folder, func() { os.RemoveAll(folder) }, err
	}
	if _, err := os.Stat(filepath.Join(x.Keep, "causerie.db")); !errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%s has a blog already: open it with “%s”, or name an empty folder", x.Keep,
			reopen(ctx, x.Keep))
	}
	return x.Keep, func() {}, nil
}

// reopen is the command that opens a blog which the demo kept, at the address that it has.
func reopen(ctx context.Context, folder string) string {
	words := "causerie --data " + folder
	s, err := store.Open(ctx, filepath.Join(folder, "causerie.db"))
	if err == nil {
		defer s.Close()
		if site, err := s.Site(ctx); err == nil {
			words += " --listen " + site.Host()
		}
	}
	return words + " --federation-allow 127.0.0.0/8"
}

// demoListener takes the usual port or, when nobody asked for one, any.
func demoListener(wanted string) (net.Listener, error) {
	listeners, err := listen(Config{Listen: cmp.Or(wanted, "127.0.0.1:8080")})
	if err != nil && wanted == "" {
		listeners, err = listen(Config{Listen: "127.0.0.1:0"})
	}
	if err != nil {
		return nil, err
	}
	if _, isTCP := listeners[0].Addr().(*net.TCPAddr); !isTCP {
		closeAll(listeners)
		return nil, errors.New("the demo needs a port of this machine: write --listen as 127.0.0.1:8080")
	}
	return listeners[0], nil
}

// demoURL is how the neighbours reach the blog: by a number, which is all that they can.
func demoURL(listener net.Listener) string {
	address := listener.Addr().(*net.TCPAddr).AddrPort()
	if address.Addr().IsUnspecified() {
		address = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), address.Port())
	}
	return "http://" + address.String()
}

// newDemoServer makes a new blog that only this machine can reach, and that reaches nobody else.
func newDemoServer(ctx context.Context, words, folder string, listener net.Listener, log io.Writer) (*server, error) {
	config := Config{TLS: "off", URL: demoURL(listener), Data: folder, Timezone: "Europe/Amsterdam", Language: "nl",
		FederationAllow: prefixes{netip.MustParsePrefix("127.0.0.0/8")}, Log: cmp.Or(words, "text,warn")}
	if err := config.complete(nil); err != nil {
		return nil, err
	}
	return newServer(ctx, config, config.logger(log))
}

// demo is the play: a blog, its authors and its neighbours.
type demo struct {
	*server
	speaking     sync.Mutex // one line at a time, though people follow all at once
	out          io.Writer
	began        time.Time
	ilse, tobias blog.Author
	whole, road  blog.Voice // of the blog, and of its series
	world        *fedtest.World
	servers      []*fedtest.Server
	article      blog.Article
	said         []string     // what must stand under the article in the end
	guarded      blog.Article // an earlier one, whose author looks at each answer first
}

// trip is the whole way of an article out and of the conversation back.
func (app *demo) trip(ended context.Context) error {
	ctx, cancel := context.WithTimeout(ended, tripTime)
	defer cancel()
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"start the blog", app.found},
		{"write the earlier articles", app.write},
		{"start the neighbours", app.move},
		{"follow", app.follow},
		{"publish", app.publishOne},
		{"deliver", app.deliver},
		{"hear back", app.converse},
		{"look at the page", app.look},
	} {
		err := step.do(ctx)
		if err != nil && ended.Err() != nil {
			return errors.New("the demo was ended before its trip was over")
		}
		if err != nil {
			return fmt.Errorf("the demo failed to %s: %w", step.what, err)
		}
	}
	app.say("all of it took %.1f s", time.Since(app.began).Seconds())
	return nil
}

func (app *demo) say(format string, args ...any) {
	app.speaking.Lock()
	defer app.speaking.Unlock()
	fmt.Fprintf(app.out, format+"\n", args...)
}

// leave ends the neighbours.
func (app *demo) leave() {
	if app.world == nil {
		return
	}
	if err := app.world.Close(); err != nil {
		app.log.Warn("the neighbours did not leave", "error", err)
	}
}

// found names the blog and gives it two authors, and a voice of its own.
func (app *demo) found(ctx context.Context) error {
	app.site.Name = "De Overkant"
	app.site.Description = "Twee mensen op twee oevers van één rivier, in het Nederlands en het Engels."
	if err := app.store.SaveSite(ctx, app.site); err != nil {
		return err
	}
	var making errgroup.Group // of keys, which takes a while
	began := now()
	making.Go(func() (err error) {
		app.ilse, err = account.NewAuthor(ctx, app.store, blog.Author{Role: blog.Admin, Voice: blog.Voice{
			Handle: "ilse", Name: "Ilse Verhaagen",
			Summary: "Walks along rivers and writes down what is said on them."}}, demoPassword, began)
		return err
	})
	making.Go(func() (err error) {
		app.tobias, err = account.NewAuthor(ctx, app.store, blog.Author{Role: blog.Writer, Voice: blog.Voice{
			Handle: "tobias", Name: "Tobias Renkema",
			Summary: "Boekbinder. Lijmt zo dat het ook weer los kan."}}, demoPassword, began.Add(time.Microsecond))
		return err
	})
	making.Go(func() (err error) {
		app.whole, err = account.LetSiteSpeak(ctx, app.store, "overkant", began)
		return err
	})
	if err := making.Wait(); err != nil {
		return err
	}
	app.say("started   %s at %s with %s and %s; the whole of it is %s", app.site.Name, app.site.Home(),
		app.site.Handle("ilse"), app.site.Handle("tobias"), app.site.Handle("overkant"))
	return nil
}

// write publishes what the blog had before anybody followed it.
func (app *demo) write(ctx context.Context) error {
	earlier := []struct {
		file string
		by   blog.Author
		days int // ago
	}{
		{"een-kaft-voor-niemand.md", app.tobias, 34},
		{"a-cover-for-nobody.md", app.tobias, 33},
		{"the-bell-is-on-the-other-side.md", app.ilse, 19},
		{"what-the-weir-says-at-night.md", app.ilse, 12},
		{"de-kade-luistert-mee.md", app.ilse, 7},
		{"lijm-die-weer-los-wil.md", app.tobias, 3},
	}
	for _, e := range earlier {
		then := *app.server.app
		outbox := *app.outbox
		outbox.Now = func() time.Time { return time.Now().AddDate(0, 0, -e.days) }
		then.outbox = &outbox
		a, err := app.file(ctx, &then, e.file, e.by)
		if err != nil {
			return err
		}
		if a.Comments == blog.Approve && app.guarded.ID == "" { // its translation comes later
			app.guarded = a
		}
	}
	app.say("wrote     %d articles in English and Dutch: one of them with a guest, one the first part of a series, and "+
		"one of the texts a translation", len(earlier)-1)
	return app.followable(ctx)
}

// followable lets the series be followed.
func (app *demo) followable(ctx context.Context) error {
	series, err := app.store.SeriesBySlug(ctx, "the-low-road")
	if err != nil {
		return err
	}
	app.road, err = account.LetSeriesSpeak(ctx, app.store, series, "lowroad", now())
	return err
}

// file publishes one of the demo's own files, in the way of “causerie article publish”.
func (app *demo) file(ctx context.Context, then *app, name string, by blog.Author) (blog.Article, error) {
	text, err := demoFiles.ReadFile("demo/" + name)
	if err != nil {
		return blog.Article{}, err
	}
	source, err := then.parse(name, text, drawn)
	if err != nil {
		return blog.Article{}, fmt.Errorf("%s: %w", name, plain(err))
	}
	m, err := then.compose(ctx, by, source)
	if err != nil {
		return m.article, fmt.Errorf("%s: %w", name, plain(err))
	}
	return then.publish(ctx, m, outbox.ReviseOptions{})
}

// drawn opens the pictures of the demo's articles, which are drawn and not kept.
func drawn(name string) (io.ReadCloser, error) {
	draw, known := map[string]func(io.Writer) error{"ferry.jpg": drawFerry, "landing.png": drawLanding}[name]
	if !known {
		return nil, fs.ErrNotExist
	}
	var file bytes.Buffer
	return io.NopCloser(&file), draw(&file)
}

// move starts the other servers.
func (app *demo) move(context.Context) error {
	app.world = fedtest.New(fedtest.Config{Ports: true, FirstPort: 9001, KeyPool: 4, Log: app.log})
	for i, name := range []string{"veerhuis", "noordkade", "dijla"} {
		flavours := []fedtest.Software{fedtest.Mastodon, fedtest.GoToSocial, fedtest.Misskey}
		server, err := app.world.AddServer(name, flavours[i])
		if err != nil {
			return err
		}
		app.servers = append(app.servers, server)
	}
	return nil
}

// person is somebody on one of the servers: 0, 1 or 2.
func (app *demo) person(server int, name string) *fedtest.Person {
	return app.servers[server].Person(name)
}

// follow lets people find the authors by their handles and follow them.
func (app *demo) follow(ctx context.Context) error {
	var following errgroup.Group
	for _, f := range []struct {
		who  *fedtest.Person
		whom blog.Voice
	}{
		{app.person(0, "bram"), app.ilse.Voice}, {app.person(0, "wietske"), app.ilse.Voice},
		{app.person(1, "nadia"), app.ilse.Voice}, {app.person(2, "deniz"), app.ilse.Voice},
		{app.person(1, "joost"), app.tobias.Voice}, {app.person(2, "ines"), app.whole}, {app.person(0, "pelle"), app.road},
	} {
		following.Go(func() error {
			handle := app.site.Handle(f.whom.Handle)
			found, err := f.who.LookUp(ctx, strings.TrimPrefix(handle, "@"))
			if err != nil {
				return err
			}
			if _, err := f.who.Follow(ctx, found.ID); err != nil {
				return err
			}
			if err := f.who.WaitAccepted(ctx, found.ID); err != nil {
				return err
			}
			app.say("followed  %s -> %s -> accepted", known(f.who), handle)
			return nil
		})
	}
	return following.Wait()
}

func known(p *fedtest.Person) string { return "@" + p.Handle() }

// publishOne publishes the article that the followers are to get.
func (app *demo) publishOne(ctx context.Context) (err error) {
	if app.article, err = app.file(ctx, app.app, "four-minutes-wide.md", app.ilse); err != nil {
		return err
	}
	app.say("published “%s” %s -> %s; carried on by %s, %s and %s", app.article.Title, app.site.ArticlePage(app.article),
		text.Plural(len(app.servers), "server", "servers"),
		app.site.Handle("tobias"), app.site.Handle("overkant"), app.site.Handle("lowroad"))
	return nil
}

// deliver waits until the three servers have the article, by their own word and by ours.
func (app *demo) deliver(ctx context.Context) error {
	began := time.Now()
	object := app.site.ArticleID(app.article.ObjectID)
	for _, s := range app.servers {
		if _, err := s.WaitFor(ctx, fedtest.About("Create", object)); err != nil {
			return err
		}
	}
	var standings []blog.ServerState
	err := until(ctx, func() (bool, error) {
		deliveries, err := app.store.Reports(ctx, app.article.ID)
		standings = blog.ServerStates(deliveries)
		waits := slices.ContainsFunc(deliveries, func(l blog.DeliveryRow) bool { return !l.Status.Settled() })
		return !waits && blog.Count(standings).Newest >= len(app.servers), err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", app.app.progressWords(standings), err)
	}
	app.say("delivered %d/%d, each signed and checked by who got it, in %d ms", len(app.servers), len(app.servers),
		time.Since(began).Milliseconds())
	return nil
}

// until asks again and again until the answer is yes.
func until(ctx context.Context, yes func() (bool, error)) error {
	for {
		ok, err := yes()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited too long: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// converse lets people answer, and the author answer back.
func (app *demo) converse(ctx context.Context) error {
	object := app.site.ArticleID(app.article.ObjectID)
	bram, nadia, deniz := app.person(0, "bram"), app.person(1, "nadia"), app.person(2, "deniz")
	first, err := app.reply(ctx, bram, object, "en",
		"My grandmother kept the ferry house upstream. She said that four minutes is how long one can be brave.")
	if err != nil {
		return err
	}
	if err := app.answer(ctx, first, bram,
		"And then there is gravel. May I put that on the last leaf of section five?"); err != nil {
		return err
	}
	if _, err := app.reply(ctx, nadia, first.Object, "nl",
		"Bij ons duurt het elf minuten en blijft iedereen in de auto zitten."); err != nil {
		return err
	}
	if _, err := app.reply(ctx, deniz, object, "en",
		"The child who said “again” is the only critic I trust."); err != nil {
		return err
	}
	if err := app.speakOf(ctx, deniz, app.person(0, "wietske")); err != nil {
		return err
	}
	if err := app.knock(ctx, app.person(1, "joost")); err != nil {
		return err
	}
	for _, act := range []struct {
		who  *fedtest.Person
		word string
		do   func(context.Context, string) (fedtest.Sent, error)
	}{
		{app.person(0, "wietske"), "like", app.person(0, "wietske").Like}, {deniz, "like", deniz.Like},
		{nadia, "boost", nadia.Boost},
	} {
		if _, err := act.do(ctx, object); err != nil {
			return err
		}
		app.say("-> %s from %s", act.word, known(act.who))
	}
	return nil
}

// reply lets somebody answer; the author of the blog is told also of answers to others.
func (app *demo) reply(ctx context.Context, who *fedtest.Person, to, language, words string) (fedtest.Sent, error) {
	sent, err := who.Reply(ctx, to, "<p>"+html.EscapeString(words)+"</p>", fedtest.Language(language),
		fedtest.Mention(app.site.ActorID(app.ilse.ID)))
	if err != nil {
		return sent, err
	}
	app.said = append(app.said, words)
	app.say("-> reply from %s: %s", known(who), words)
	return sent, nil
}

// speakOf lets somebody quote the article, and somebody else name its author, which is hers alone to read.
func (app *demo) speakOf(ctx context.Context, quoter, namer *fedtest.Person) error {
	object, ilse := app.site.ArticleID(app.article.ObjectID), fedtest.Mention(app.site.ActorID(app.ilse.ID))
	words := "Reading this I rang a bell that I do not have."
	if _, err := quoter.Post(ctx, "<p>"+html.EscapeString(words)+"</p>", fedtest.Quoting(object), ilse); err != nil {
		return err
	}
	app.said = append(app.said, words, "quotes this article")
	app.say("-> quote from %s: %s", known(quoter), words)
	if _, err := namer.Post(ctx, "<p>Whoever likes rivers should ask Ilse about locks.</p>", ilse); err != nil {
		return err
	}
	app.say("-> named by %s, for %s alone to read", known(namer), app.site.Handle("ilse"))
	return until(ctx, func() (bool, error) {
		n, err := app.store.CountMentions(ctx, store.MentionList{Author: app.ilse.ID})
		return n == 1, err
	})
}

// knock lets somebody answer where the author wants to see it first.
func (app *demo) knock(ctx context.Context, who *fedtest.Person) error {
	const words = "<p>Mijn vader bond er elk jaar een voor de boot die niet kwam. Heb je er een over?</p>"
	author := fedtest.Mention(app.site.ActorID(app.tobias.ID))
	if _, err := who.Reply(ctx, app.site.ArticleID(app.guarded.ObjectID), words, fedtest.Language("nl"),
		author); err != nil {
		return err
	}
	err := until(ctx, func() (bool, error) {
		n, err := app.store.CountComments(ctx,
			store.CommentList{Article: app.guarded.ID, States: []blog.CommentState{blog.CommentWaiting}})
		return n == 1, err
	})
	app.say("-> reply from %s under “%s”, which waits to be let in", known(who), app.guarded.Title)
	return err
}

// answer lets Ilse answer a comment, and waits until its writer has read it.
func (app *demo) answer(ctx context.Context, to fedtest.Sent, who *fedtest.Person, words string) error {
	var comment blog.Comment
	err := until(ctx, func() (_ bool, err error) {
		comment, err = app.store.CommentByAddress(ctx, to.Object)
		if errors.Is(err, blog.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	mine, err := app.outbox.Reply(ctx, app.ilse.Voice, comment.ID, words)
	if err != nil {
		return err
	}
	if _, err := who.Server.WaitFor(ctx, fedtest.About("Create", mine.Address)); err != nil {
		return err
	}
	app.said = append(app.said, words)
	app.say("answered  %s -> read by %s", app.site.Handle("ilse"), known(who))
	return nil
}

// look opens the article as a reader does, until all that was said stands under it.
func (app *demo) look(ctx context.Context) error {
	missing := ""
	err := until(ctx, func() (bool, error) {
		words, err := visible(ctx, app.site.ArticlePage(app.article))
		if err != nil {
			return false, err
		}
		missing = lacks(words, append([]string{"4 replies", "1 mention elsewhere", "2 favourites", "1 boost"}, app.said...))
		return missing == "", nil
	})
	if err != nil {
		return fmt.Errorf("the page does not say “%s”: %w", missing, err)
	}
	app.say("read      the page shows 4 replies, 2 likes and 1 boost, and the quote among the replies")
	return nil
}

func lacks(words string, wanted []string) string {
	for _, text := range wanted {
		if !strings.Contains(words, text) {
			return text
		}
	}
	return ""
}

// visible is what stands on a page, its spaces made single.
func visible(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Accept", "text/html")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", address, answer.Status)
	}
	root, err := html.Parse(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		return "", err
	}
	var words strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			words.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(words.String()), " "), nil
}

// invite says where to look around.
func (app *demo) invite(kept string) {
	app.say("\nLook around:\n  front page  %s\n  article     %s\n  in English  %sen/\n  a series    %s\n  admin       "+
		"%s/login   sign in as ilse with: %s\n"+
		"  who has it  %s/admin/articles/%s/report\n  comments    %s/admin/comments   one waits to be let in\n  mentions   "+
		" %s/admin/mentions", app.site.Home(), app.site.ArticlePage(app.article), app.site.Home(),
		app.site.SeriesPage("the-low-road"), app.site.URL, demoPassword, app.site.URL, app.article.ID, app.site.URL,
		app.site.URL)
	if kept != "" {
		app.say("  kept in     %s: open it again with “causerie --data %s --listen %s --federation-allow 127.0.0.0/8”", kept,
			kept, app.site.Host())
	}
	app.say("\nCtrl-C ends the demo.")
}
