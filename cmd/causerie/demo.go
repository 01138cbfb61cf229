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
	Keep string `placeholder:"DIR" help:"Keep the blog in this folder, which must not have one yet. Default: a temporary folder that is removed."`
}

// Help is printed below the command's line by --help.
func (demoCommand) Help() string {
	return "It starts a blog with two authors, a guest and some articles in two languages, and three pretended servers on this machine, each " +
		"with a few people. They follow an author, the blog as a whole or a series; an article is published and delivered with signatures " +
		"over HTTP; replies, a quote, likes and a boost come back and stand under the article. Then it goes on serving until Ctrl-C."
}

const (
	tripTime     = 30 * time.Second // for the whole trip
	demoPassword = "four minutes wide"
)

//go:embed demo
var demoFiles embed.FS

// demoSettings are the settings that the demo heeds; all others it has of its own.
var demoSettings = []string{"config", "listen", "log"}

const demoListenHelp = "Where on this machine to wait for requests. Default: 127.0.0.1:8080, or another port when that is taken."

// onlyItsOwn refuses a setting that the demo would not heed. What the environment or a file says is meant for other blogs.
func (demoCommand) onlyItsOwn(said *kong.Context) error {
	for _, part := range said.Path {
		f := part.Flag
		if f != nil && !part.Resolved && f.Group != nil && f.Group.Key == "settings" && !slices.Contains(demoSettings, f.Name) {
			return misuse{fmt.Errorf("--%s is not for the demo, which makes a blog of its own: leave it out (--keep DIR keeps that blog)", f.Name)}
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
	h, err := demoHouse(ctx, config.Log, folder, listener, c.err)
	if err != nil {
		listener.Close()
		return err
	}
	defer h.close()
	serving, leave := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- h.serve(serving, []net.Listener{listener}) }()
	defer func() {
		leave()
		<-served
	}()
	d := &demo{house: h, out: c.out, began: time.Now()}
	defer d.leave()
	if err := d.trip(ctx); err != nil || x.Once {
		return err
	}
	d.invite(x.Keep)
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
		return "", nil, fmt.Errorf("%s has a blog already: open it with “%s”, or name an empty folder", x.Keep, reopen(ctx, x.Keep))
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

// demoHouse is a new blog that only this machine can reach, and that reaches nobody else.
func demoHouse(ctx context.Context, words, folder string, listener net.Listener, log io.Writer) (*house, error) {
	config := Config{TLS: "off", URL: demoURL(listener), Data: folder, Timezone: "Europe/Amsterdam", Language: "nl",
		FederationAllow: prefixes{netip.MustParsePrefix("127.0.0.0/8")}, Log: cmp.Or(words, "text,warn")}
	if err := config.complete(nil); err != nil {
		return nil, err
	}
	return build(ctx, config, config.logger(log))
}

// demo is the play: a blog, its authors and its neighbours.
type demo struct {
	*house
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
func (d *demo) trip(ended context.Context) error {
	ctx, cancel := context.WithTimeout(ended, tripTime)
	defer cancel()
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"start the blog", d.found},
		{"write the earlier articles", d.write},
		{"start the neighbours", d.move},
		{"follow", d.follow},
		{"publish", d.publishOne},
		{"deliver", d.deliver},
		{"hear back", d.converse},
		{"look at the page", d.look},
	} {
		err := step.do(ctx)
		if err != nil && ended.Err() != nil {
			return errors.New("the demo was ended before its trip was over")
		}
		if err != nil {
			return fmt.Errorf("the demo failed to %s: %w", step.what, err)
		}
	}
	d.say("all of it took %.1f s", time.Since(d.began).Seconds())
	return nil
}

func (d *demo) say(format string, args ...any) {
	d.speaking.Lock()
	defer d.speaking.Unlock()
	fmt.Fprintf(d.out, format+"\n", args...)
}

// leave ends the neighbours.
func (d *demo) leave() {
	if d.world == nil {
		return
	}
	if err := d.world.Close(); err != nil {
		d.log.Warn("the neighbours did not leave", "error", err)
	}
}

// found names the blog and gives it two authors, and a voice of its own.
func (d *demo) found(ctx context.Context) error {
	d.site.Name = "De Overkant"
	d.site.Description = "Twee mensen op twee oevers van één rivier, in het Nederlands en het Engels."
	if err := d.store.SaveSite(ctx, d.site); err != nil {
		return err
	}
	var making errgroup.Group // of keys, which takes a while
	began := now()
	making.Go(func() (err error) {
		d.ilse, err = d.welcome(ctx, began, "ilse", "Ilse Verhaagen", "Walks along rivers and writes down what is said on them.", blog.Admin)
		return err
	})
	making.Go(func() (err error) {
		d.tobias, err = d.welcome(ctx, began.Add(time.Microsecond), "tobias", "Tobias Renkema", "Boekbinder. Lijmt zo dat het ook weer los kan.", blog.Writer)
		return err
	})
	making.Go(func() (err error) {
		d.whole, err = account.LetSiteSpeak(ctx, d.store, "overkant", began)
		return err
	})
	if err := making.Wait(); err != nil {
		return err
	}
	d.say("started   %s at %s with %s and %s; the whole of it is %s", d.site.Name, d.site.Home(), d.site.Handle("ilse"), d.site.Handle("tobias"), d.site.Handle("overkant"))
	return nil
}

func (d *demo) welcome(ctx context.Context, at time.Time, handle, name, bio string, role blog.Role) (blog.Author, error) {
	author, err := account.NewAuthor(ctx, d.store, blog.Author{Role: role, Voice: blog.Voice{Handle: handle, Name: name}}, demoPassword, at)
	if err != nil {
		return author, err
	}
	author.Summary = bio
	return author, d.store.SaveVoice(ctx, author.Voice)
}

// write publishes what the blog had before anybody followed it.
func (d *demo) write(ctx context.Context) error {
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
		then := *d.house.desk
		outbox := *d.outbox
		outbox.Now = func() time.Time { return time.Now().AddDate(0, 0, -e.days) }
		then.outbox = &outbox
		a, err := d.file(ctx, &then, e.file, e.by)
		if err != nil {
			return err
		}
		if a.Comments == blog.Approve && d.guarded.ID == "" { // its translation comes later
			d.guarded = a
		}
	}
	d.say("wrote     %d articles in English and Dutch: one of them with a guest, one the first part of a series, and one of the texts a translation", len(earlier)-1)
	return d.followable(ctx)
}

// followable lets the series be followed.
func (d *demo) followable(ctx context.Context) error {
	series, err := d.store.SeriesBySlug(ctx, "the-low-road")
	if err != nil {
		return err
	}
	d.road, err = account.LetSeriesSpeak(ctx, d.store, series, "lowroad", now())
	return err
}

// file publishes one of the demo's own files, in the way of “causerie article publish”.
func (d *demo) file(ctx context.Context, desk *desk, name string, by blog.Author) (blog.Article, error) {
	text, err := demoFiles.ReadFile("demo/" + name)
	if err != nil {
		return blog.Article{}, err
	}
	m, err := desk.compose(ctx, by, name, text, drawn)
	if err != nil {
		return m.article, fmt.Errorf("%s: %w", name, plain(err))
	}
	return desk.publish(ctx, m, outbox.ReviseOptions{})
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
func (d *demo) move(context.Context) error {
	d.world = fedtest.New(fedtest.Config{Ports: true, FirstPort: 9001, KeyPool: 4, Log: d.log})
	for i, name := range []string{"veerhuis", "noordkade", "dijla"} {
		flavours := []fedtest.Flavour{fedtest.Mastodon, fedtest.GoToSocial, fedtest.Misskey}
		server, err := d.world.Server(name, flavours[i])
		if err != nil {
			return err
		}
		d.servers = append(d.servers, server)
	}
	return nil
}

// person is somebody on one of the servers: 0, 1 or 2.
func (d *demo) person(server int, name string) *fedtest.Person {
	return d.servers[server].Person(name)
}

// follow lets people find the authors by their handles and follow them.
func (d *demo) follow(ctx context.Context) error {
	var following errgroup.Group
	for _, f := range []struct {
		who  *fedtest.Person
		whom blog.Voice
	}{
		{d.person(0, "bram"), d.ilse.Voice}, {d.person(0, "wietske"), d.ilse.Voice}, {d.person(1, "nadia"), d.ilse.Voice}, {d.person(2, "deniz"), d.ilse.Voice},
		{d.person(1, "joost"), d.tobias.Voice}, {d.person(2, "ines"), d.whole}, {d.person(0, "pelle"), d.road},
	} {
		following.Go(func() error {
			handle := d.site.Handle(f.whom.Handle)
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
			d.say("followed  %s -> %s -> accepted", known(f.who), handle)
			return nil
		})
	}
	return following.Wait()
}

func known(p *fedtest.Person) string { return "@" + p.Handle() }

// publishOne publishes the article that the followers are to get.
func (d *demo) publishOne(ctx context.Context) (err error) {
	if d.article, err = d.file(ctx, d.desk, "four-minutes-wide.md", d.ilse); err != nil {
		return err
	}
	d.say("published “%s” %s -> %s; carried on by %s, %s and %s", d.article.Title, d.site.ArticlePage(d.article), text.Plural(len(d.servers), "server", "servers"),
		d.site.Handle("tobias"), d.site.Handle("overkant"), d.site.Handle("lowroad"))
	return nil
}

// deliver waits until the three servers have the article, by their own word and by ours.
func (d *demo) deliver(ctx context.Context) error {
	began := time.Now()
	object := d.site.ArticleID(d.article.ObjectID)
	for _, s := range d.servers {
		if _, err := s.WaitFor(ctx, fedtest.About("Create", object)); err != nil {
			return err
		}
	}
	var standings []blog.Standing
	err := until(ctx, func() (bool, error) {
		letters, err := d.store.Reports(ctx, d.article.ID)
		standings = blog.Standings(letters)
		waits := slices.ContainsFunc(letters, func(l blog.Report) bool { return !l.Status.Settled() })
		return !waits && blog.Count(standings).Newest >= len(d.servers), err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", d.desk.progressWords(standings), err)
	}
	d.say("delivered %d/%d, each signed and checked by who got it, in %d ms", len(d.servers), len(d.servers), time.Since(began).Milliseconds())
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
func (d *demo) converse(ctx context.Context) error {
	object := d.site.ArticleID(d.article.ObjectID)
	bram, nadia, deniz := d.person(0, "bram"), d.person(1, "nadia"), d.person(2, "deniz")
	first, err := d.reply(ctx, bram, object, "en", "My grandmother kept the ferry house upstream. She said that four minutes is how long one can be brave.")
	if err != nil {
		return err
	}
	if err := d.answer(ctx, first, bram, "And then there is gravel. May I put that on the last leaf of section five?"); err != nil {
		return err
	}
	if _, err := d.reply(ctx, nadia, first.Object, "nl", "Bij ons duurt het elf minuten en blijft iedereen in de auto zitten."); err != nil {
		return err
	}
	if _, err := d.reply(ctx, deniz, object, "en", "The child who said “again” is the only critic I trust."); err != nil {
		return err
	}
	if err := d.speakOf(ctx, deniz, d.person(0, "wietske")); err != nil {
		return err
	}
	if err := d.knock(ctx, d.person(1, "joost")); err != nil {
		return err
	}
	for _, act := range []struct {
		who  *fedtest.Person
		word string
		do   func(context.Context, string) (fedtest.Sent, error)
	}{
		{d.person(0, "wietske"), "like", d.person(0, "wietske").Like}, {deniz, "like", deniz.Like}, {nadia, "boost", nadia.Boost},
	} {
		if _, err := act.do(ctx, object); err != nil {
			return err
		}
		d.say("-> %s from %s", act.word, known(act.who))
	}
	return nil
}

// reply lets somebody answer; the author of the blog is told also of answers to others.
func (d *demo) reply(ctx context.Context, who *fedtest.Person, to, language, words string) (fedtest.Sent, error) {
	sent, err := who.Reply(ctx, to, "<p>"+html.EscapeString(words)+"</p>", fedtest.Language(language), fedtest.Mention(d.site.ActorID(d.ilse.ID)))
	if err != nil {
		return sent, err
	}
	d.said = append(d.said, words)
	d.say("-> reply from %s: %s", known(who), words)
	return sent, nil
}

// speakOf lets somebody quote the article, and somebody else name its author, which is hers alone to read.
func (d *demo) speakOf(ctx context.Context, quoter, namer *fedtest.Person) error {
	object, ilse := d.site.ArticleID(d.article.ObjectID), fedtest.Mention(d.site.ActorID(d.ilse.ID))
	words := "Reading this I rang a bell that I do not have."
	if _, err := quoter.Post(ctx, "<p>"+html.EscapeString(words)+"</p>", fedtest.Quoting(object), ilse); err != nil {
		return err
	}
	d.said = append(d.said, words, "quotes this article")
	d.say("-> quote from %s: %s", known(quoter), words)
	if _, err := namer.Post(ctx, "<p>Whoever likes rivers should ask Ilse about locks.</p>", ilse); err != nil {
		return err
	}
	d.say("-> named by %s, for %s alone to read", known(namer), d.site.Handle("ilse"))
	return until(ctx, func() (bool, error) {
		n, err := d.store.CountMentions(ctx, store.MentionList{Author: d.ilse.ID})
		return n == 1, err
	})
}

// knock lets somebody answer where the author wants to see it first.
func (d *demo) knock(ctx context.Context, who *fedtest.Person) error {
	const words = "<p>Mijn vader bond er elk jaar een voor de boot die niet kwam. Heb je er een over?</p>"
	author := fedtest.Mention(d.site.ActorID(d.tobias.ID))
	if _, err := who.Reply(ctx, d.site.ArticleID(d.guarded.ObjectID), words, fedtest.Language("nl"), author); err != nil {
		return err
	}
	err := until(ctx, func() (bool, error) {
		n, err := d.store.CountComments(ctx, store.CommentList{Article: d.guarded.ID, States: []blog.CommentState{blog.CommentWaiting}})
		return n == 1, err
	})
	d.say("-> reply from %s under “%s”, which waits to be let in", known(who), d.guarded.Title)
	return err
}

// answer lets Ilse answer a comment, and waits until its writer has read it.
func (d *demo) answer(ctx context.Context, to fedtest.Sent, who *fedtest.Person, words string) error {
	var comment blog.Comment
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
	mine, err := d.outbox.Reply(ctx, d.ilse.Voice, comment.ID, words)
	if err != nil {
		return err
	}
	if _, err := who.Server.WaitFor(ctx, fedtest.About("Create", mine.Address)); err != nil {
		return err
	}
	d.said = append(d.said, words)
	d.say("answered  %s -> read by %s", d.site.Handle("ilse"), known(who))
	return nil
}

// look opens the article as a reader does, until all that was said stands under it.
func (d *demo) look(ctx context.Context) error {
	missing := ""
	err := until(ctx, func() (bool, error) {
		words, err := visible(ctx, d.site.ArticlePage(d.article))
		if err != nil {
			return false, err
		}
		missing = lacks(words, append([]string{"4 replies", "1 mention elsewhere", "2 favourites", "1 boost"}, d.said...))
		return missing == "", nil
	})
	if err != nil {
		return fmt.Errorf("the page does not say “%s”: %w", missing, err)
	}
	d.say("read      the page shows 4 replies, 2 likes and 1 boost, and the quote among the replies")
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
func (d *demo) invite(kept string) {
	d.say("\nLook around:\n  front page  %s\n  article     %s\n  in English  %sen/\n  a series    %s\n  desk        %s/login   sign in as ilse with: %s\n"+
		"  who has it  %s/admin/articles/%s/report\n  comments    %s/admin/comments   one waits to be let in\n  mentions    %s/admin/mentions", d.site.Home(), d.site.ArticlePage(d.article), d.site.Home(),
		d.site.SeriesPage("the-low-road"), d.site.URL, demoPassword, d.site.URL, d.article.ID, d.site.URL, d.site.URL)
	if kept != "" {
		d.say("  kept in     %s: open it again with “causerie --data %s --listen %s --federation-allow 127.0.0.0/8”", kept, kept, d.site.Host())
	}
	d.say("\nCtrl-C ends the demo.")
}
