package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"causerie/internal/account"
	"causerie/internal/fedtest"
)

// measureGrowth does the same in a small blog and in a large one. Each page is made anew. The small blog has few rows,
// but its lists are as full as those of the large one: half of its comments are under one article, and each of its
// followers is on another server. Otherwise a page of 200 comments would be compared with one of ten.
func measureGrowth(ctx context.Context, b *bench) error {
	small, err := b.growth(ctx, benchSeed{Articles: 100, Comments: 1000, Busy: 500, Followers: 1000, Hosts: 1000,
		Settled: 20_000})
	if err != nil {
		return err
	}
	large, err := b.growth(ctx, benchSeed{Articles: b.size(3000, 100_000), Comments: b.size(30_000, 1_000_000),
		Followers: b.size(20_000, 1_000_000), Hosts: b.size(1000, 20_000), Settled: b.size(30_000, 500_000)})
	if err != nil {
		return err
	}
	for _, group := range []string{"readers", "feeds", "admin", "ActivityPub", "inbox", "queue", "commands", "publish"} {
		b.compareGroup(group, small[group], large[group])
	}
	return nil
}

// least is the time in milliseconds below which a ratio tells nothing: both times count as no less.
const least = 4.0

// compareGroup adds the figures of one kind of work: the worst ratio, and the longest time in the large blog.
func (b *bench) compareGroup(group string, small, large map[string]float64) {
	ratios := map[string]float64{}
	for name, took := range large {
		if _, there := small[name]; there { // a small blog lacks some second pages
			ratios[name] = max(took, least) / max(small[name], least)
		}
		if ratios[name] > 2 || took > 100 {
			b.say("%s: %.1f ms in the small blog, %.1f ms in the large one", name, small[name], took)
		}
	}
	name, ratio := worst(ratios)
	f := figure{What: group + ", large of small", Value: ratio, Most: 2,
		Note: fmt.Sprintf("%d kinds, with lists as full in the small blog; worst: %s, %.1f and %.1f ms", len(large), name,
			small[name], large[name])}
	most := 100.0
	if group == "publish" { // it writes a row for each server with followers, so it may take longer where there are more
		f.Most, most = 0, 1000
	}
	b.add(f)
	name, took := worst(large)
	b.add(figure{What: group + ", large", Value: took, Unit: "ms", Most: most, Note: name})
}

// timings are the shortest times of each kind of work in milliseconds, by group and name.
type timings map[string]map[string]float64

func (t timings) note(group, name string, took time.Duration) {
	if t[group] == nil {
		t[group] = map[string]float64{}
	}
	if before, known := t[group][name]; !known || milliseconds(took) < before {
		t[group][name] = milliseconds(took)
	}
}

// growth makes a blog and measures everything in it.
func (b *bench) growth(ctx context.Context, seed benchSeed) (timings, error) {
	began := time.Now()
	o, err := b.blog(ctx, seed)
	if err != nil {
		return nil, err
	}
	defer o.remove()
	b.say("%d articles, %d comments and %d followers were made in %.1f s", seed.Articles, seed.Comments, seed.Followers,
		time.Since(began).Seconds())
	if err := o.start(ctx); err != nil {
		return nil, err
	}
	t := timings{}
	for _, measure := range []func(context.Context, timings) error{o.timePages, o.timeInbox, o.timeQueue, o.timeCommands,
		o.timePublish} {
		if err := measure(ctx, t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// timePages visits all pages several times. Before each round the blog's description changes, which all pages show.
func (o *benchBlog) timePages(ctx context.Context, t timings) error {
	client, err := o.signIn(ctx)
	if err != nil {
		return err
	}
	tour, err := o.tour(ctx)
	if err != nil {
		return err
	}
	for round := range 4 {
		site := o.site
		site.Description = fmt.Sprintf("Two people on two banks, for the %d. time.", round)
		if err := o.store.SaveSite(ctx, site); err != nil {
			return err
		}
		sleep(ctx, 1500*time.Millisecond) // until the server knows
		for queue := slices.Clone(tour); len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			took, body, err := getPage(ctx, client, o.site.URL+at.path, at.accept)
			if err != nil {
				if round == 0 {
					o.b.say("%v", err)
				}
				took = math.MaxInt32 * time.Microsecond // never within the bar
			}
			t.note(at.group(), at.name, took)
			if next, more := at.next(body, o.site); more && !strings.HasSuffix(at.name, ", next") {
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// group is the kind of work that a stop of the tour belongs to.
func (s tourStop) group() string {
	switch {
	case s.accept == asServer:
		return "ActivityPub"
	case strings.HasPrefix(s.path, "/admin"):
		return "admin"
	case strings.Contains(s.path, "feed."):
		return "feeds"
	}
	return "readers"
}

// signIn returns a client with a session of Ilse's.
func (o *benchBlog) signIn(ctx context.Context) (*http.Client, error) {
	const password = "four minutes wide"
	author, err := o.store.Author(ctx, o.ilse.ID)
	if err != nil {
		return nil, err
	}
	if author.Password, err = account.HashPassword(password); err != nil {
		return nil, err
	}
	if err := o.store.SaveAuthor(ctx, author); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: reader.CheckRedirect}
	answer, err := client.PostForm(o.site.URL+"/login", url.Values{"user": {author.Handle}, "pass": {password}})
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("signing in answers %s", answer.Status)
	}
	return client, nil
}

// timeInbox sends what people elsewhere do.
func (o *benchBlog) timeInbox(ctx context.Context, t timings) error {
	at, err := o.landmarks(ctx)
	if err != nil {
		return err
	}
	world := fedtest.New(fedtest.Config{})
	defer world.Close()
	veerhuis, err := world.AddServer("veerhuis", fedtest.Mastodon)
	if err != nil {
		return err
	}
	bram, article, ilse := veerhuis.Person("bram"), o.site.ArticleID(at.busy.ObjectID), o.site.ActorID(at.ilse.ID)
	for range 8 {
		for _, step := range []struct {
			name string
			do   func() (fedtest.Sent, error)
		}{
			{"a follow", func() (fedtest.Sent, error) { return bram.Follow(ctx, ilse) }},
			{"a reply", func() (fedtest.Sent, error) { return bram.Reply(ctx, article, "<p>How wide?</p>") }},
			{"a like", func() (fedtest.Sent, error) { return bram.Like(ctx, article) }},
			{"an undone like", func() (fedtest.Sent, error) { return bram.Unlike(ctx, article) }},
			{"the end of a follow", func() (fedtest.Sent, error) { return bram.Unfollow(ctx, ilse) }},
		} {
			began := time.Now()
			if _, err := step.do(); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
			t.note("inbox", step.name, time.Since(began))
		}
	}
	return nil
}

// timeQueue looks for work in the queue, as the courier does many times a second.
func (o *benchBlog) timeQueue(ctx context.Context, t timings) error {
	for range 10 {
		for name, failing := range map[string]bool{"a claim of healthy servers": false, "a claim of failing servers": true} {
			began := time.Now()
			if _, err := o.store.ClaimPeers(ctx, time.Now(), time.Millisecond, 64, failing); err != nil {
				return err
			}
			t.note("queue", name, time.Since(began))
		}
	}
	return nil
}

// timeCommands runs commands whose output is as long in every blog.
func (o *benchBlog) timeCommands(ctx context.Context, t timings) error {
	at, err := o.landmarks(ctx)
	if err != nil {
		return err
	}
	for _, args := range [][]string{{"article", "show", at.busy.Slug}, {"deliveries", at.busy.Slug}, {"author", "list"},
		{"article", "list", "--status", "draft"}, {"block", "list"}} {
		for range 3 {
			took, err := o.run(args...)
			if err != nil {
				return err
			}
			t.note("commands", strings.Replace(strings.Join(args, " "), at.busy.Slug, "…", 1), took)
		}
	}
	return nil
}

// run runs a command of the program in a process of its own.
func (o *benchBlog) run(args ...string) (time.Duration, error) {
	cmd, err := self(append(args, o.settings()...)...)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%v: %w: %s", args, err, out)
	}
	return time.Since(began), nil
}

// timePublish publishes from the terminal. It comes last: then the server begins to try servers that do not exist.
func (o *benchBlog) timePublish(_ context.Context, t timings) error {
	for i := range 3 {
		file := filepath.Join(o.config.Data, fmt.Sprintf("crossing-%d.md", i))
		text := fmt.Sprintf("---\ntitle: The last crossing %d\ntags: [rivers]\n---\n\nIt ends here.\n", i)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		took, err := o.run("article", "publish", file, "--author", o.ilse.Handle)
		if err != nil {
			return err
		}
		t.note("publish", "article publish", took)
	}
	return nil
}
