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
	Once bool   `help:"Exit at the end: with 0 when all steps succeeded, else with 1 and the reason."`
	Keep string `placeholder:"DIR" help:"Keep the blog in this folder, which has none yet. Default: a temporary folder."`
}

// Help is printed below the command's line by --help.
func (demoCommand) Help() string {
	return "It starts a blog with two authors, a guest and some articles in two languages. Beside it, it starts three " +
		"small fediverse servers on this machine, with a few people each. They follow an author, the whole blog or a " +
		"series. An article is published and delivered, signed, over HTTP. Replies, a quote, likes and a boost come back " +
		"and are shown under the article. Then the blog runs until Ctrl-C."
}

const (
	demoTime     = 30 * time.Second // for the whole trip
	demoPassword = "four minutes wide"
)

//go:embed demo
var demoFiles embed.FS

// demoSettings are the settings that have an effect on the demo. All others have fixed values.
var demoSettings = []string{"config", "listen", "log"}

// demoListenHelp replaces the help of --listen, whose default is another one here.
const demoListenHelp = "Where on this machine to wait for requests. Default: 127.0.0.1:8080, or another port when " +
	"that is taken."

// refuseOtherSettings returns an error for a flag that has no effect on the demo. Settings of the environment or of a
// file are ignored: they are meant for other blogs.
func (demoCommand) refuseOtherSettings(said *kong.Context) error {
	for _, part := range said.Path {
		f := part.Flag
		// Resolved means that the value came from the environment or a file.
		if f != nil && !part.Resolved && f.Group != nil && f.Group.Key == "settings" &&
			!slices.Contains(demoSettings, f.Name) {
			return usageError{fmt.Errorf("--%s has no effect on the demo, which makes its own blog: leave it out (--keep DIR "+
				"keeps that blog)", f.Name)}
		}
	}
	return nil
}

func (x demoCommand) Run(ctx context.Context, c *console, config Config, _ *slog.Logger, said *kong.Context) error {
	if err := x.refuseOtherSettings(said); err != nil {
		return err
	}
	folder, forget, err := x.makeFolder(ctx)
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
	served := make(chan error, 1) // room for one: serve must not block at its end
	go func() { served <- s.serve(serving, []net.Listener{listener}) }()
	defer func() {
		leave()
		<-served
	}()
	app := &demo{server: s, out: c.out, began: time.Now()}
	defer app.stop()
	if err := app.trip(ctx); err != nil || x.Once {
		return err
	}
	app.printAddresses(x.Keep)
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		served <- err // the deferred function waits for it as well
		return err
	}
}

// makeFolder returns the folder of the demo's blog, and a function that removes it unless it is kept.
func (x demoCommand) makeFolder(ctx context.Context) (string, func(), error) {
	if x.Keep == "" {
		folder, err := os.MkdirTemp("", "causerie-demo-")
		return folder, func() { os.RemoveAll(folder) }, err
	}
	if _, err := os.Stat(filepath.Join(x.Keep, "causerie.db")); !errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%s has a blog already: open it with “%s”, or name an empty folder", x.Keep,
			reopenCommand(ctx, x.Keep))
	}
	return x.Keep, func() {}, nil
}

// reopenCommand returns the command that opens a kept blog again, at its address.
func reopenCommand(ctx context.Context, folder string) string {
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

// demoListener listens on the usual port. When that is taken and no other was wanted, it takes any free port.
func demoListener(wanted string) (net.Listener, error) {
	listeners, err := listen(Config{Listen: cmp.Or(wanted, "127.0.0.1:8080")})
	if err != nil && wanted == "" { // the usual port is taken, perhaps by a blog
		listeners, err = listen(Config{Listen: "127.0.0.1:0"})
	}
	if err != nil {
		return nil, err
	}
	if _, isTCP := listeners[0].Addr().(*net.TCPAddr); !isTCP {
		closeAll(listeners)
		return nil, errors.New("the demo needs a TCP port: write --listen like 127.0.0.1:8080")
	}
	return listeners[0], nil
}

// demoURL returns the address at which the other servers reach the blog: an IP address, since they look up no names.
func demoURL(listener net.Listener) string {
	address := listener.Addr().(*net.TCPAddr).AddrPort()
	if address.Addr().IsUnspecified() { // it listens on all addresses; the others need one to connect to
		address = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), address.Port())
	}
	return "http://" + address.String()
}

// newDemoServer makes a new blog that only this machine can reach, and that reaches nothing else.
func newDemoServer(ctx context.Context, logSetting, folder string, listener net.Listener,
	log io.Writer) (*server, error) {
	config := Config{TLS: "off", URL: demoURL(listener), Data: folder, Timezone: "Europe/Amsterdam", Language: "nl",
		FederationAllow: prefixes{netip.MustParsePrefix("127.0.0.0/8")}, Log: cmp.Or(logSetting, "text,warn")}
	if err := config.complete(nil); err != nil { // nil: the environment is meant for other blogs
		return nil, err
	}
	return newServer(ctx, config, config.logger(log))
}

// demo is the running demo: a blog, its authors, and the servers around it.
type demo struct {
	*server
	printing     sync.Mutex // several people follow at the same time
	out          io.Writer
	began        time.Time
	ilse, tobias blog.Author
	whole, road  blog.Voice // of the blog, and of its series
	world        *fedtest.World
	servers      []*fedtest.Server
	article      blog.Article
	expected     []string     // texts that the page must show in the end
	moderated    blog.Article // an earlier article whose comments wait for approval
}

// trip does all steps, from the first article to the last reply.
func (app *demo) trip(ended context.Context) error {
	ctx, cancel := context.WithTimeout(ended, demoTime)
	defer cancel()
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"start the blog", app.foundBlog},
		{"write the earlier articles", app.publishEarlier},
		{"start the other servers", app.startServers},
		{"follow", app.follow},
		{"publish", app.publish},
		{"deliver", app.deliver},
		{"receive replies", app.converse},
		{"check the page", app.checkPage},
	} {
		err := step.do(ctx)
		if err != nil && ended.Err() != nil { // Ctrl-C: the error of the step is only a consequence
			return errors.New("the demo was stopped before its end")
		}
		if err != nil {
			return fmt.Errorf("the demo failed to %s: %w", step.what, err)
		}
	}
	app.print("all steps took %.1f s", time.Since(app.began).Seconds())
	return nil
}

func (app *demo) print(format string, args ...any) {
	app.printing.Lock()
	defer app.printing.Unlock()
	fmt.Fprintf(app.out, format+"\n", args...)
}

// stop stops the other servers.
func (app *demo) stop() {
	if app.world == nil {
		return
	}
	if err := app.world.Close(); err != nil {
		app.log.Warn("the other servers could not be stopped", "error", err)
	}
}

// foundBlog names the blog, adds two authors, and switches the voice of the blog on.
func (app *demo) foundBlog(ctx context.Context) error {
	app.site.Name = "De Overkant"
	app.site.Description = "Twee mensen op twee oevers van één rivier, in het Nederlands en het Engels."
	if err := app.store.SaveSite(ctx, app.site); err != nil {
		return err
	}
	var making errgroup.Group // at the same time, since making keys takes long
	began := now()
	making.Go(func() (err error) {
		app.ilse, err = account.NewAuthor(ctx, app.store, blog.Author{Role: blog.Admin, Voice: blog.Voice{
			Handle: "ilse", Name: "Ilse Verhaagen",
			Summary: "Walks along rivers and writes down what is said on them."}}, demoPassword, began)
		return err
	})
	// A later time gives Tobias the later id, so that the order of the authors is fixed.
	making.Go(func() (err error) {
		app.tobias, err = account.NewAuthor(ctx, app.store, blog.Author{Role: blog.Writer, Voice: blog.Voice{
			Handle: "tobias", Name: "Tobias Renkema",
			Summary: "Boekbinder. Lijmt zo dat het ook weer los kan."}}, demoPassword, began.Add(time.Microsecond))
		return err
	})
	making.Go(func() (err error) {
		app.whole, err = account.EnableSiteVoice(ctx, app.store, "overkant", began)
		return err
	})
	if err := making.Wait(); err != nil {
		return err
	}
	app.print("started   %s at %s with %s and %s; the whole blog is %s", app.site.Name, app.site.Home(),
		app.site.Handle("ilse"), app.site.Handle("tobias"), app.site.Handle("overkant"))
	return nil
}

// publishEarlier publishes the articles that are older than the followers.
func (app *demo) publishEarlier(ctx context.Context) error {
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
		// A copy of the blog with an outbox whose clock is some days behind.
		then := *app.server.app
		outbox := *app.outbox
		outbox.Now = func() time.Time { return time.Now().AddDate(0, 0, -e.days) }
		then.outbox = &outbox
		a, err := app.publishFile(ctx, &then, e.file, e.by)
		if err != nil {
			return err
		}
		if a.Comments == blog.Approve && app.moderated.ID == "" { // not its translation, which comes later
			app.moderated = a
		}
	}
	app.print("wrote     %d articles in English and Dutch: one of them with a guest, one the first part of a series, and "+
		"one of the texts a translation", len(earlier)-1)
	return app.openSeries(ctx)
}

// openSeries switches the voice of the series on, so that people can follow it.
func (app *demo) openSeries(ctx context.Context) error {
	series, err := app.store.SeriesBySlug(ctx, "the-low-road")
	if err != nil {
		return err
	}
	app.road, err = account.EnableSeriesVoice(ctx, app.store, series, "lowroad", now())
	return err
}

// publishFile publishes a file of the demo, as “causerie article publish” does. then is the app, with a clock that
// may be behind.
func (app *demo) publishFile(ctx context.Context, then *app, name string, by blog.Author) (blog.Article, error) {
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

// drawn opens a picture of an article. It is drawn now: the program carries no picture files.
func drawn(name string) (io.ReadCloser, error) {
	draw, known := map[string]func(io.Writer) error{"ferry.jpg": drawFerry, "landing.png": drawLanding}[name]
	if !known {
		return nil, fs.ErrNotExist
	}
	var file bytes.Buffer
	return io.NopCloser(&file), draw(&file)
}

// startServers starts the other servers.
func (app *demo) startServers(context.Context) error {
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

// person returns somebody on one of the servers: 0, 1 or 2.
func (app *demo) person(server int, name string) *fedtest.Person {
	return app.servers[server].Person(name)
}

// follow lets people look up the authors by their handles and follow them.
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
			// By WebFinger, as people do, not by the id that is known here.
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
			app.print("followed  %s -> %s -> accepted", atHandle(f.who), handle)
			return nil
		})
	}
	return following.Wait()
}

func atHandle(p *fedtest.Person) string { return "@" + p.Handle() }

// publish publishes the article that the followers get.
func (app *demo) publish(ctx context.Context) (err error) {
	if app.article, err = app.publishFile(ctx, app.app, "four-minutes-wide.md", app.ilse); err != nil {
		return err
	}
	app.print("published “%s” %s -> %s; announced by %s, %s and %s", app.article.Title, app.site.ArticlePage(app.article),
		text.Plural(len(app.servers), "server", "servers"),
		app.site.Handle("tobias"), app.site.Handle("overkant"), app.site.Handle("lowroad"))
	return nil
}

// deliver waits until the three servers have the article, and the blog knows it.
func (app *demo) deliver(ctx context.Context) error {
	began := time.Now()
	object := app.site.ArticleID(app.article.ObjectID)
	// First what the servers say, then what the blog knows.
	for _, s := range app.servers {
		if _, err := s.WaitFor(ctx, fedtest.About("Create", object)); err != nil {
			return err
		}
	}
	var standings []blog.ServerState
	err := until(ctx, func() (bool, error) {
		deliveries, err := app.store.DeliveryRows(ctx, app.article.ID)
		standings = blog.ServerStates(deliveries)
		// A version can have arrived while its delivery is not recorded yet.
		waits := slices.ContainsFunc(deliveries, func(l blog.DeliveryRow) bool { return !l.Status.Settled() })
		return !waits && blog.Count(standings).Newest >= len(app.servers), err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", app.app.progressText(standings), err)
	}
	app.print("delivered %d/%d, each signed, and verified by its server, in %d ms", len(app.servers), len(app.servers),
		time.Since(began).Milliseconds())
	return nil
}

// until calls yes again and again until it returns true or an error.
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

// converse lets people reply, and the author reply to them.
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
	if err := app.quoteAndMention(ctx, deniz, app.person(0, "wietske")); err != nil {
		return err
	}
	if err := app.replyForApproval(ctx, app.person(1, "joost")); err != nil {
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
		app.print("-> %s from %s", act.word, atHandle(act.who))
	}
	return nil
}

// reply lets somebody reply. Each reply mentions the author of the blog, so that those to other people are sent here
// too.
func (app *demo) reply(ctx context.Context, who *fedtest.Person, to, language, words string) (fedtest.Sent, error) {
	sent, err := who.Reply(ctx, to, "<p>"+html.EscapeString(words)+"</p>", fedtest.Language(language),
		fedtest.Mention(app.site.ActorID(app.ilse.ID)))
	if err != nil {
		return sent, err
	}
	app.expected = append(app.expected, words)
	app.print("-> reply from %s: %s", atHandle(who), words)
	return sent, nil
}

// quoteAndMention lets somebody quote the article, and somebody else mention its author in a post that only she can
// read.
func (app *demo) quoteAndMention(ctx context.Context, quoter, namer *fedtest.Person) error {
	object, ilse := app.site.ArticleID(app.article.ObjectID), fedtest.Mention(app.site.ActorID(app.ilse.ID))
	words := "Reading this I rang a bell that I do not have."
	if _, err := quoter.Post(ctx, "<p>"+html.EscapeString(words)+"</p>", fedtest.Quoting(object), ilse); err != nil {
		return err
	}
	app.expected = append(app.expected, words, "quotes this article")
	app.print("-> quote from %s: %s", atHandle(quoter), words)
	if _, err := namer.Post(ctx, "<p>Whoever likes rivers should ask Ilse about locks.</p>", ilse); err != nil {
		return err
	}
	app.print("-> named by %s, which only %s can read", atHandle(namer), app.site.Handle("ilse"))
	// The mention is on no page, so the database is asked.
	return until(ctx, func() (bool, error) {
		n, err := app.store.CountMentions(ctx, store.MentionList{Author: app.ilse.ID})
		return n == 1, err
	})
}

// replyForApproval lets somebody reply to the article whose comments wait for approval.
func (app *demo) replyForApproval(ctx context.Context, who *fedtest.Person) error {
	const words = "<p>Mijn vader bond er elk jaar een voor de boot die niet kwam. Heb je er een over?</p>"
	author := fedtest.Mention(app.site.ActorID(app.tobias.ID))
	if _, err := who.Reply(ctx, app.site.ArticleID(app.moderated.ObjectID), words, fedtest.Language("nl"),
		author); err != nil {
		return err
	}
	err := until(ctx, func() (bool, error) {
		n, err := app.store.CountComments(ctx,
			store.CommentFilter{Article: app.moderated.ID, States: []blog.CommentState{blog.CommentWaiting}})
		return n == 1, err
	})
	app.print("-> reply from %s under “%s”, which waits for approval", atHandle(who), app.moderated.Title)
	return err
}

// answer lets Ilse reply to a comment, and waits until its author's server has the reply.
func (app *demo) answer(ctx context.Context, to fedtest.Sent, who *fedtest.Person, words string) error {
	var comment blog.Comment
	// The reply arrives in the background, a moment after it was sent.
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
	app.expected = append(app.expected, words)
	app.print("answered  %s -> read by %s", app.site.Handle("ilse"), atHandle(who))
	return nil
}

// checkPage fetches the article as a reader does, until the page shows all replies and reactions.
func (app *demo) checkPage(ctx context.Context) error {
	missing := ""
	err := until(ctx, func() (bool, error) {
		words, err := pageText(ctx, app.site.ArticlePage(app.article))
		if err != nil {
			return false, err
		}
		// The page may still come from the cache, or a reaction may be in the queue: until asks again.
		counts := []string{"4 replies", "1 mention elsewhere", "2 favourites", "1 boost"}
		missing = firstMissing(words, append(counts, app.expected...))
		return missing == "", nil
	})
	if err != nil {
		return fmt.Errorf("the page does not show “%s”: %w", missing, err)
	}
	app.print("read      the page shows 4 replies, 2 likes and 1 boost, and the quote among the replies")
	return nil
}

// firstMissing returns the first wanted text that the page does not have; "" when it has all.
func firstMissing(words string, wanted []string) string {
	for _, text := range wanted {
		if !strings.Contains(words, text) {
			return text
		}
	}
	return ""
}

// pageText returns the text of a page, with single spaces.
func pageText(ctx context.Context, address string) (string, error) {
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
	var words strings.Builder // without tags, so that a sentence is found although a link is in it
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			words.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(words.String()), " "), nil
}

// printAddresses prints where to look around.
func (app *demo) printAddresses(kept string) {
	app.print("\nLook around:\n  front page  %s\n  article     %s\n  in English  %sen/\n  a series    %s\n  admin       "+
		"%s/login   sign in as ilse with: %s\n  who has it  %s/admin/articles/%s/report\n  comments    "+
		"%s/admin/comments   one waits for approval\n  mentions    %s/admin/mentions",
		app.site.Home(), app.site.ArticlePage(app.article), app.site.Home(),
		app.site.SeriesPage("the-low-road"), app.site.URL, demoPassword, app.site.URL, app.article.ID, app.site.URL,
		app.site.URL)
	if kept != "" {
		app.print("  kept in     %s: open it again with “causerie --data %s --listen %s --federation-allow 127.0.0.0/8”",
			kept, kept, app.site.Host())
	}
	app.print("\nCtrl-C ends the demo.")
}
