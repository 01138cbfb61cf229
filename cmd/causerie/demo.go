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

// demoSettings are the settings that affect the demo. All others have fixed values.
var demoSettings = []string{"config", "listen", "log"}

// demoListenHelp replaces the help of --listen, because the demo has another default.
const demoListenHelp = "Where on this machine to wait for requests: localhost or an address such as 127.0.0.1, with " +
	"a port. Other addresses are refused, since the demo has a known password. Default: 127.0.0.1:8080, or another " +
	"port when that is taken."

// refuseOtherSettings returns an error for a flag that has no effect on the demo. It ignores settings from the
// environment and from a file, because they are for another blog.
func (demoCommand) refuseOtherSettings(parsed *kong.Context) error {
	for _, part := range parsed.Path {
		f := part.Flag
		// Resolved means that the value comes from the environment or from a file.
		if f != nil && !part.Resolved && f.Group != nil && f.Group.Key == "settings" &&
			!slices.Contains(demoSettings, f.Name) {
			return usageError{fmt.Errorf("--%s has no effect on the demo, which makes its own blog: leave it out (--keep DIR "+
				"keeps that blog)", f.Name)}
		}
	}
	return nil
}

func (command demoCommand) Run(ctx context.Context, c *console, config Config, _ *slog.Logger,
	parsed *kong.Context) error {
	if err := command.refuseOtherSettings(parsed); err != nil {
		return err
	}
	folder, removeFolder, err := command.makeFolder(ctx)
	if err != nil {
		return err
	}
	defer removeFolder()
	listener, err := demoListener(config.Listen)
	if err != nil {
		return err
	}
	blog, err := demoConfig(config.Log, folder, listener)
	if err != nil {
		listener.Close()
		return err
	}
	log, endLog := blog.logger(c.err)
	defer endLog()
	s, err := newServer(ctx, blog, log)
	if err != nil {
		listener.Close()
		return err
	}
	defer s.close()
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1) // room for one: serve must not block at its end
	go func() { served <- s.serve(serving, []net.Listener{listener}) }()
	defer func() {
		stop()
		<-served
	}()
	d := &demo{server: s, out: c.out, began: time.Now()}
	defer d.stop()
	if err := d.runSteps(ctx); err != nil || command.Once {
		return err
	}
	d.printAddresses(command.Keep)
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		served <- err // the deferred function waits for it as well
		return err
	}
}

// makeFolder returns the folder for the blog, and a function that removes it if it is temporary.
func (command demoCommand) makeFolder(ctx context.Context) (string, func(), error) {
	if command.Keep == "" {
		folder, err := os.MkdirTemp("", "causerie-demo-")
		return folder, func() { os.RemoveAll(folder) }, err
	}
	if _, err := os.Stat(filepath.Join(command.Keep, "causerie.db")); !errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%s has a blog already: open it with “%s”, or name an empty folder", command.Keep,
			reopenCommand(ctx, command.Keep))
	}
	return command.Keep, func() {}, nil
}

// reopenCommand returns the command line that opens a kept blog at its address.
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

// demoListener listens on the default port. If it is taken and the user asked for no port, it takes any free one.
func demoListener(wanted string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(wanted)
	if err == nil && host != "unix" && !isLoopback(host) {
		return nil, usageError{fmt.Errorf("--listen %s: the demo has a known password, so it listens only on this machine: "+
			"write --listen 127.0.0.1:8080 or --listen localhost:8080", wanted)}
	}
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

// demoURL returns the URL of the blog for the other servers. It contains an IP address, because they do not resolve
// names.
func demoURL(listener net.Listener) string {
	address := listener.Addr().(*net.TCPAddr).AddrPort()
	if address.Addr().IsUnspecified() { // it listens on all addresses; the others need one to connect to
		address = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), address.Port())
	}
	return "http://" + address.String()
}

// demoConfig returns the settings of a blog that only this machine can reach, and that connects only to this machine.
func demoConfig(logSetting, folder string, listener net.Listener) (Config, error) {
	config := Config{TLS: "off", URL: demoURL(listener), Data: folder, Timezone: "Europe/Amsterdam", Language: "nl",
		FederationAllow: prefixes{netip.MustParsePrefix("127.0.0.0/8")}, Log: cmp.Or(logSetting, "text,warn")}
	return config, config.complete(nil) // nil: the environment is meant for other blogs
}

// demo is the running demo: a blog, its authors, and the other servers.
type demo struct {
	*server
	printing               sync.Mutex // several people follow at the same time
	out                    io.Writer
	began                  time.Time
	ilse, tobias           blog.Author
	siteVoice, seriesVoice blog.Voice
	world                  *fedtest.World
	servers                []*fedtest.Server
	article                blog.Article
	expected               []string     // texts that the page must show in the end
	moderated              blog.Article // an earlier article whose comments wait for approval
}

// runSteps runs all steps, from the first article to the last reply.
func (d *demo) runSteps(ended context.Context) error {
	ctx, cancel := context.WithTimeout(ended, demoTime)
	defer cancel()
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"start the blog", d.setUpBlog},
		{"write the earlier articles", d.publishEarlier},
		{"start the other servers", d.startServers},
		{"follow", d.follow},
		{"publish", d.publish},
		{"deliver", d.deliver},
		{"receive replies", d.converse},
		{"check the page", d.checkPage},
	} {
		err := step.do(ctx)
		if err != nil && ended.Err() != nil { // Ctrl-C: the error of the step is only a consequence
			return errors.New("the demo was stopped before its end")
		}
		if err != nil {
			return fmt.Errorf("the demo failed to %s: %w", step.what, err)
		}
	}
	d.print("all steps took %.1f s", time.Since(d.began).Seconds())
	return nil
}

func (d *demo) print(format string, args ...any) {
	d.printing.Lock()
	defer d.printing.Unlock()
	fmt.Fprintf(d.out, format+"\n", args...)
}

// stop stops the other servers.
func (d *demo) stop() {
	if d.world == nil {
		return
	}
	if err := d.world.Close(); err != nil {
		d.log.Warn("the other servers could not be stopped", "error", err)
	}
}

// setUpBlog sets the name of the blog, adds two authors, and switches on the voice of the blog.
func (d *demo) setUpBlog(ctx context.Context) error {
	d.site.Name = "De Overkant"
	d.site.Description = "Twee mensen op twee oevers van één rivier, in het Nederlands en het Engels."
	if err := d.store.SaveSite(ctx, d.site); err != nil {
		return err
	}
	var making errgroup.Group // at the same time, since making keys takes long
	began := now()
	making.Go(func() (err error) {
		d.ilse, err = account.NewAuthor(ctx, d.store, blog.Author{Role: blog.Admin, Voice: blog.Voice{
			Handle: "ilse", Name: "Ilse Verhaagen",
			Summary: "Walks along rivers and writes down what is said on them."}}, demoPassword, began)
		return err
	})
	// A later time gives Tobias the later id, so that the order of the authors is fixed.
	making.Go(func() (err error) {
		d.tobias, err = account.NewAuthor(ctx, d.store, blog.Author{Role: blog.Writer, Voice: blog.Voice{
			Handle: "tobias", Name: "Tobias Renkema",
			Summary: "Boekbinder. Lijmt zo dat het ook weer los kan."}}, demoPassword, began.Add(time.Microsecond))
		return err
	})
	making.Go(func() (err error) {
		d.siteVoice, err = account.EnableSiteVoice(ctx, d.store, "overkant", began)
		return err
	})
	if err := making.Wait(); err != nil {
		return err
	}
	for who, face := range map[*blog.Author]face{&d.ilse: ilseFace, &d.tobias: tobiasFace} {
		if err := d.setPortrait(ctx, who, face); err != nil {
			return err
		}
	}
	d.print("started   %s at %s with %s and %s; the whole blog is %s", d.site.Name, d.site.Home(),
		d.site.Handle("ilse"), d.site.Handle("tobias"), d.site.Handle("overkant"))
	return nil
}

// setPortrait gives an author a face. Nobody follows them yet, so no server has to be told.
func (d *demo) setPortrait(ctx context.Context, who *blog.Author, face face) error {
	file, err := face.draw()
	if err != nil {
		return err
	}
	portrait, err := d.library.Accept(ctx, who.ID, who.Handle+".png", file)
	if err != nil {
		return err
	}
	who.Picture = portrait.Files[0].File
	return d.store.SaveVoice(ctx, who.Voice)
}

// publishEarlier publishes the articles that are older than the first follower.
func (d *demo) publishEarlier(ctx context.Context) error {
	earlier := []struct {
		file string
		by   blog.Author
		days int // ago
	}{
		{"een-kaft-voor-niemand.md", d.tobias, 34},
		{"a-cover-for-nobody.md", d.tobias, 33},
		{"the-bell-is-on-the-other-side.md", d.ilse, 19},
		{"what-the-weir-says-at-night.md", d.ilse, 12},
		{"de-kade-luistert-mee.md", d.ilse, 7},
		{"lijm-die-weer-los-wil.md", d.tobias, 3},
	}
	for _, e := range earlier {
		// This copy of the app has a clock in the past, so the articles get different dates.
		then := *d.app
		outbox := *d.outbox
		outbox.Now = func() time.Time { return time.Now().AddDate(0, 0, -e.days) }
		then.outbox = &outbox
		a, err := d.publishFile(ctx, &then, e.file, e.by)
		if err != nil {
			return err
		}
		if a.Comments == blog.Approve && d.moderated.ID == "" { // not its translation, which comes later
			d.moderated = a
		}
	}
	d.print("wrote     %d articles in English and Dutch: one of them with a guest, one the first part of a series, and "+
		"one of the texts a translation", len(earlier)-1)
	return d.openSeries(ctx)
}

// openSeries switches on the voice of the series, so that people can follow it.
func (d *demo) openSeries(ctx context.Context) error {
	series, err := d.store.SeriesBySlug(ctx, "the-low-road")
	if err != nil {
		return err
	}
	d.seriesVoice, err = account.EnableSeriesVoice(ctx, d.store, series, "lowroad", now())
	return err
}

// publishFile publishes a file of the demo, as “causerie article publish” does. The clock may be in the past.
func (d *demo) publishFile(ctx context.Context, then *app, name string, by blog.Author) (blog.Article, error) {
	text, err := demoFiles.ReadFile("demo/" + name)
	if err != nil {
		return blog.Article{}, err
	}
	source, err := then.parse(name, text, drawPicture)
	if err != nil {
		return blog.Article{}, fmt.Errorf("%s: %w", name, plain(err))
	}
	m, err := then.compose(ctx, by, source)
	if err != nil {
		return m.article, fmt.Errorf("%s: %w", name, plain(err))
	}
	return then.publish(ctx, m, outbox.ReviseOptions{}, false)
}

// drawPicture draws a picture of an article. So the program needs no picture files.
func drawPicture(name string) (io.ReadCloser, error) {
	draw, known := map[string]func(io.Writer) error{"ferry.jpg": drawFerry, "landing.png": drawLanding}[name]
	if !known {
		return nil, fs.ErrNotExist
	}
	var file bytes.Buffer
	return io.NopCloser(&file), draw(&file)
}

// startServers starts the other servers.
func (d *demo) startServers(context.Context) error {
	d.world = fedtest.New(fedtest.Config{Ports: true, FirstPort: 9001, KeyPool: 4, Log: d.log})
	for i, name := range []string{"veerhuis", "noordkade", "dijla"} {
		flavours := []fedtest.Software{fedtest.Mastodon, fedtest.GoToSocial, fedtest.Misskey}
		server, err := d.world.AddServer(name, flavours[i])
		if err != nil {
			return err
		}
		d.servers = append(d.servers, server)
	}
	return nil
}

// person returns a person on server 0, 1 or 2.
func (d *demo) person(server int, name string) *fedtest.Person {
	return d.servers[server].Person(name)
}

// follow makes people look up the authors and follow them.
func (d *demo) follow(ctx context.Context) error {
	var following errgroup.Group
	for _, f := range []struct {
		who  *fedtest.Person
		whom blog.Voice
	}{
		{d.person(0, "bram"), d.ilse.Voice}, {d.person(0, "wietske"), d.ilse.Voice},
		{d.person(1, "nadia"), d.ilse.Voice}, {d.person(2, "deniz"), d.ilse.Voice},
		{d.person(1, "joost"), d.tobias.Voice}, {d.person(2, "ines"), d.siteVoice}, {d.person(0, "pelle"), d.seriesVoice},
	} {
		following.Go(func() error {
			handle := d.site.Handle(f.whom.Handle)
			// We know the id already. The WebFinger lookup shows that it works, as it does for real people.
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
			d.print("followed  %s -> %s -> accepted", atHandle(f.who), handle)
			return nil
		})
	}
	return following.Wait()
}

func atHandle(p *fedtest.Person) string { return "@" + p.Handle() }

// publish publishes the article that the followers receive.
func (d *demo) publish(ctx context.Context) (err error) {
	if d.article, err = d.publishFile(ctx, d.app, "four-minutes-wide.md", d.ilse); err != nil {
		return err
	}
	d.print("published “%s” %s -> %s; announced by %s, %s and %s", d.article.Title, d.site.ArticlePage(d.article),
		text.Plural(len(d.servers), "server", "servers"),
		d.site.Handle("tobias"), d.site.Handle("overkant"), d.site.Handle("lowroad"))
	return nil
}

// deliver waits until the three servers have the article, and the blog has recorded it.
func (d *demo) deliver(ctx context.Context) error {
	began := time.Now()
	object := d.site.ArticleID(d.article.ObjectID)
	// First wait for the servers, then for the blog.
	for _, s := range d.servers {
		if _, err := s.WaitFor(ctx, fedtest.About("Create", object)); err != nil {
			return err
		}
	}
	var states []blog.ServerState
	err := until(ctx, func() (bool, error) {
		deliveries, err := d.store.DeliveryRows(ctx, d.article.ID)
		states = blog.ServerStates(deliveries)
		// A server may have the article before the blog has recorded the delivery.
		waits := slices.ContainsFunc(deliveries, func(row blog.DeliveryRow) bool { return !row.Status.Settled() })
		return !waits && blog.Count(states).Newest >= len(d.servers), err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", d.app.progressText(states), err)
	}
	d.print("delivered %d/%d, each signed, and verified by its server, in %d ms", len(d.servers), len(d.servers),
		time.Since(began).Milliseconds())
	return nil
}

// until calls done every 20 ms until it returns true or an error. It returns an error when ctx ends.
func until(ctx context.Context, done func() (bool, error)) error {
	for {
		ok, err := done()
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

// converse makes people reply, quote, like and boost, and the author reply to one of them.
func (d *demo) converse(ctx context.Context) error {
	object := d.site.ArticleID(d.article.ObjectID)
	bram, nadia, deniz := d.person(0, "bram"), d.person(1, "nadia"), d.person(2, "deniz")
	first, err := d.reply(ctx, bram, object, "en",
		"My grandmother kept the ferry house upstream. She said that four minutes is how long one can be brave.")
	if err != nil {
		return err
	}
	if err := d.answer(ctx, first, bram,
		"And then there is gravel. May I put that on the last leaf of section five?"); err != nil {
		return err
	}
	if _, err := d.reply(ctx, nadia, first.Object, "nl",
		"Bij ons duurt het elf minuten en blijft iedereen in de auto zitten."); err != nil {
		return err
	}
	if _, err := d.reply(ctx, deniz, object, "en",
		"The child who said “again” is the only critic I trust."); err != nil {
		return err
	}
	if err := d.quoteAndMention(ctx, deniz, d.person(0, "wietske")); err != nil {
		return err
	}
	if err := d.replyForApproval(ctx, d.person(1, "joost")); err != nil {
		return err
	}
	for _, act := range []struct {
		who  *fedtest.Person
		word string
		do   func(context.Context, string) (fedtest.Sent, error)
	}{
		{d.person(0, "wietske"), "like", d.person(0, "wietske").Like}, {deniz, "like", deniz.Like},
		{nadia, "boost", nadia.Boost},
	} {
		if _, err := act.do(ctx, object); err != nil {
			return err
		}
		d.print("-> %s from %s", act.word, atHandle(act.who))
	}
	return nil
}

// reply makes a person reply.
func (d *demo) reply(ctx context.Context, who *fedtest.Person, to, language, words string) (fedtest.Sent, error) {
	// Each reply mentions the author of the blog. Otherwise a reply to another person would not be sent to the blog.
	sent, err := who.Reply(ctx, to, "<p>"+html.EscapeString(words)+"</p>", fedtest.Language(language),
		fedtest.Mention(d.site.ActorID(d.ilse.ID)))
	if err != nil {
		return sent, err
	}
	d.expected = append(d.expected, words)
	d.print("-> reply from %s: %s", atHandle(who), words)
	return sent, nil
}

// quoteAndMention makes one person quote the article, and another mention its author in a post that only the author
// can read.
func (d *demo) quoteAndMention(ctx context.Context, quoter, mentioner *fedtest.Person) error {
	object, ilse := d.site.ArticleID(d.article.ObjectID), fedtest.Mention(d.site.ActorID(d.ilse.ID))
	words := "Reading this I rang a bell that I do not have."
	if _, err := quoter.Post(ctx, "<p>"+html.EscapeString(words)+"</p>", fedtest.Quoting(object), ilse); err != nil {
		return err
	}
	d.expected = append(d.expected, words, "quotes this article")
	d.print("-> quote from %s: %s", atHandle(quoter), words)
	if _, err := mentioner.Post(ctx, "<p>Whoever likes rivers should ask Ilse about locks.</p>", ilse); err != nil {
		return err
	}
	d.print("-> named by %s, which only %s can read", atHandle(mentioner), d.site.Handle("ilse"))
	// No page shows the mention, so we look into the database.
	return until(ctx, func() (bool, error) {
		n, err := d.store.CountMentions(ctx, store.MentionList{Author: d.ilse.ID})
		return n == 1, err
	})
}

// replyForApproval makes a person reply to the article whose comments need approval.
func (d *demo) replyForApproval(ctx context.Context, who *fedtest.Person) error {
	const words = "<p>Mijn vader bond er elk jaar een voor de boot die niet kwam. Heb je er een over?</p>"
	author := fedtest.Mention(d.site.ActorID(d.tobias.ID))
	if _, err := who.Reply(ctx, d.site.ArticleID(d.moderated.ObjectID), words, fedtest.Language("nl"),
		author); err != nil {
		return err
	}
	err := until(ctx, func() (bool, error) {
		waiting, err := d.store.Comments(ctx,
			store.CommentFilter{Article: d.moderated.ID, States: []blog.CommentState{blog.CommentWaiting}})
		return len(waiting) == 1, err
	})
	d.print("-> reply from %s under “%s”, which waits for approval", atHandle(who), d.moderated.Title)
	return err
}

// answer makes Ilse reply to a comment, and waits until the server of the comment's author has the reply.
func (d *demo) answer(ctx context.Context, to fedtest.Sent, who *fedtest.Person, words string) error {
	var comment blog.Comment
	// The inbox handles the reply in the background.
	err := until(ctx, func() (_ bool, err error) {
		comment, err = d.store.CommentByAddress(ctx, to.Object)
		if errors.Is(err, blog.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	reply, err := d.outbox.Reply(ctx, d.ilse.Voice, comment.ID, words)
	if err != nil {
		return err
	}
	if _, err := who.Server.WaitFor(ctx, fedtest.About("Create", reply.Address)); err != nil {
		return err
	}
	d.expected = append(d.expected, words)
	d.print("answered  %s -> read by %s", d.site.Handle("ilse"), atHandle(who))
	return nil
}

// checkPage fetches the article as readers do, until the page shows all replies and reactions.
func (d *demo) checkPage(ctx context.Context) error {
	missing := ""
	err := until(ctx, func() (bool, error) {
		words, err := pageText(ctx, d.site.ArticlePage(d.article))
		if err != nil {
			return false, err
		}
		// The page may still come from the cache, or a reaction may still be in the queue. Then until tries again.
		counts := []string{"4 replies", "1 mention elsewhere", "2 favourites", "1 boost"}
		missing = firstMissing(words, append(counts, d.expected...))
		return missing == "", nil
	})
	if err != nil {
		return fmt.Errorf("the page does not show “%s”: %w", missing, err)
	}
	d.print("read      the page shows 4 replies, 2 likes and 1 boost, and the quote among the replies")
	return nil
}

// firstMissing returns the first wanted text that is not in words; "" if all are there.
func firstMissing(words string, wanted []string) string {
	for _, text := range wanted {
		if !strings.Contains(words, text) {
			return text
		}
	}
	return ""
}

// pageText returns the text of a page without tags, with single spaces.
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

// printAddresses prints the addresses to visit.
func (d *demo) printAddresses(kept string) {
	d.print("\nLook around:\n  front page  %s\n  article     %s\n  in English  %sen/\n  a series    %s\n  admin       "+
		"%s/login   sign in as ilse with: %s\n  who has it  %s/admin/articles/%s/report\n  comments    "+
		"%s/admin/comments   one waits for approval\n  mentions    %s/admin/mentions",
		d.site.Home(), d.site.ArticlePage(d.article), d.site.Home(),
		d.site.SeriesPage("the-low-road"), d.site.URL, demoPassword, d.site.URL, d.article.ID, d.site.URL,
		d.site.URL)
	if kept != "" {
		d.print("  kept in     %s: open it again with “causerie --data %s --listen %s --federation-allow 127.0.0.0/8”",
			kept, kept, d.site.Host())
	}
	d.print("\nCtrl-C ends the demo.")
}
