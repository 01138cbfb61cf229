package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/store"
)

type benchSeed struct {
	Articles  int    `default:"1000" placeholder:"N" help:"How many articles. Default: ${default}."`
	Comments  int    `default:"10000" placeholder:"N" help:"How many comments. Default: ${default}."`
	Followers int    `default:"10000" placeholder:"N" help:"How many followers. Default: ${default}."`
	Hosts     int    `default:"1000" placeholder:"N" help:"On how many servers the followers are. Default: ${default}."`
	Settled   int    `default:"500000" placeholder:"N" help:"At most how many settled deliveries. Default: ${default}."`
	Busy      int    `default:"0" placeholder:"N" help:"How many of the comments are under one article. Default: a fifth."`
	Seed      uint64 `default:"1" placeholder:"N" help:"The same seed makes the same blog. Default: ${default}."`
}

// Help is printed below the command's line by --help.
func (benchSeed) Help() string {
	return "It starts a new blog when there is none, and refuses one that has articles. The rows are written by SQL. " +
		"The followers live on servers below seed.example, which do not exist: nothing can reach them."
}

// benchAuthors own the articles in turn. Half of the followers follow the first.
var benchAuthors = []blog.Voice{{Handle: "ilse", Name: "Ilse Verhaagen"}, {Handle: "jan", Name: "Jan Koster"},
	{Handle: "noor", Name: "Noor el Amrani"}, {Handle: "piet", Name: "Piet Dekker"}}

// benchSamples is how many articles are published the usual way; all others are copies of them.
const benchSamples = 8

func (b benchSeed) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	if b.Articles < benchSamples || b.Comments < 0 || b.Followers < 0 || b.Hosts < 1 || b.Settled < 0 ||
		b.Busy < 0 {
		return usageError{fmt.Errorf("a blog to measure has at least %d articles and a host; no number is negative",
			benchSamples)}
	}
	return withApp(ctx, config, log, mayCreate, func(app *app) error {
		n, err := app.store.CountArticles(ctx, store.ArticleFilter{})
		if err != nil {
			return err
		}
		if n > 0 {
			return errors.New("this blog has articles already: choose another --data or --database, since made-up articles " +
				"could not be told from them")
		}
		began := time.Now()
		shown := began
		// A line a second at most: a large blog takes minutes.
		_, err = b.fill(ctx, app, func(done, all int) {
			if time.Since(shown) > time.Second {
				shown = time.Now()
				fmt.Fprintf(c.err, "causerie: %d of %d rows, %d s\n", done, all, int(time.Since(began).Seconds()))
			}
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%d articles, %d comments and %d followers on %d hosts, from seed %d, in %.1f s.\n", b.Articles,
			b.Comments, b.Followers, b.Hosts, b.Seed, time.Since(began).Seconds())
		return nil
	})
}

// fill makes the whole blog, and returns the articles that it published the usual way.
func (b benchSeed) fill(ctx context.Context, app *app, progress func(done, all int)) ([]blog.ID, error) {
	samples, err := b.publishSamples(ctx, app)
	if err != nil {
		return nil, err
	}
	size := store.SeedSize{Articles: b.Articles - len(samples), Comments: b.Comments, Busy: b.Busy, Followers: b.Followers,
		Hosts: b.Hosts, Settled: b.Settled}
	return samples, app.store.Seed(ctx, b.Seed, size, samples, progress)
}

// publishSamples adds the authors and publishes the articles that are copied, in the way of every article.
func (b benchSeed) publishSamples(ctx context.Context, app *app) ([]blog.ID, error) {
	random := rand.New(rand.NewPCG(b.Seed, b.Seed)) // the same blog for the same seed
	var authors []blog.Author
	for _, voice := range benchAuthors {
		author, err := benchAuthor(ctx, app, voice)
		if err != nil {
			return nil, fmt.Errorf("add %s: %w", voice.Handle, plain(err))
		}
		authors = append(authors, author)
	}
	service := app.authoring()
	var ids []blog.ID
	for i := range benchSamples {
		author := authors[i%len(authors)]
		a := service.New(author, blog.NewID(now()), "en")
		a.Title, a.Summary = "Crossing "+strconv.Itoa(i+1), prose(random, 25)
		a.Tags = []string{"rivers", "crossing-" + strconv.Itoa(i%3), "day-" + strconv.Itoa(i)}
		a.Markdown = benchMarkdown(random)
		if err := service.Ready(ctx, &a); err != nil {
			return nil, plain(err)
		}
		if err := service.SaveDraft(ctx, &a, author.Handle); err != nil {
			return nil, plain(err)
		}
		if _, err := service.Release(ctx, a.ID, outbox.PublishOptions{}); err != nil {
			return nil, plain(err)
		}
		ids = append(ids, a.ID)
	}
	return ids, nil
}

// benchAuthor returns the author with the handle of a voice. It adds one when there is none.
func benchAuthor(ctx context.Context, app *app, voice blog.Voice) (blog.Author, error) {
	known, err := app.store.VoiceByHandle(ctx, voice.Handle)
	if errors.Is(err, blog.ErrNotFound) {
		return account.NewAuthor(ctx, app.store, blog.Author{Role: blog.Admin, Voice: voice}, "", now())
	}
	if err != nil {
		return blog.Author{}, err
	}
	return app.store.Author(ctx, known.ID)
}

var benchWords = strings.Fields("the ferry comes when you ring and nobody asks where you are going because the river " +
	"is four minutes wide on a calm day while the low road behind the dike is longer but has better apples than any " +
	"market in the town across the water where people still count the boats before they go home")

// prose returns a sentence with a number of words.
func prose(random *rand.Rand, words int) string {
	list := make([]string, words)
	for i := range list {
		list[i] = benchWords[random.IntN(len(benchWords))]
	}
	return strings.ToUpper(list[0][:1]) + list[0][1:] + " " + strings.Join(list[1:], " ") + "."
}

// benchMarkdown returns an article of about 1,500 words, with headings, lists, a quote, links and code.
func benchMarkdown(random *rand.Rand) string {
	var b strings.Builder
	for section := range 8 {
		fmt.Fprintf(&b, "## %s\n\n", prose(random, 4))
		for range 3 {
			fmt.Fprintf(&b, "%s %s [%s](https://overkant.example/%d) %s\n\n", prose(random, 18), prose(random, 14),
				prose(random, 3), random.IntN(1000), prose(random, 16))
		}
		switch section % 4 {
		case 0:
			fmt.Fprintf(&b, "- %s\n- %s\n\n", prose(random, 8), prose(random, 6))
		case 1:
			fmt.Fprintf(&b, "> %s\n\n", prose(random, 16))
		case 2:
			fmt.Fprintf(&b, "```go\nfmt.Println(%q)\n```\n\n", prose(random, 6))
		}
	}
	return b.String()
}
