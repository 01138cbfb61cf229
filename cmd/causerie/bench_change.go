package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/page"
	"causerie/internal/store"
)

// measureChange counts the pages that are made anew after a like and after a reply under one article. The server's log
// tells which pages it makes.
func measureChange(ctx context.Context, b *bench) error {
	o, err := b.blog(ctx, benchSeed{Articles: 60, Comments: 300, Followers: 50, Hosts: 5})
	if err != nil {
		return err
	}
	defer o.remove()
	o.level = "debug"
	world := fedtest.New(fedtest.Config{})
	defer world.Close()
	veerhuis, err := world.AddServer("veerhuis", fedtest.Mastodon)
	if err != nil {
		return err
	}
	if err := o.start(ctx); err != nil {
		return err
	}
	articles, err := o.store.Articles(ctx, store.ArticleFilter{Listed: true, Limit: 40})
	if err != nil {
		return err
	}
	addresses := []string{o.site.Home(), o.site.URL + "/archive", o.site.URL + "/feed.xml"}
	for _, a := range articles {
		addresses = append(addresses, o.site.ArticlePage(a))
	}
	bram, last := veerhuis.Person("bram"), o.site.ArticleID(articles[len(articles)-1].ObjectID)
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"a like", func() error { _, err := bram.Like(ctx, last); return err }},
		{"a reply", func() error { _, err := bram.Reply(ctx, last, "<p>How wide?</p>"); return err }},
	} {
		for range 2 { // the second time all of them are kept
			if _, err := o.made(ctx, addresses); err != nil {
				return err
			}
			sleep(ctx, time.Second)
		}
		if err := change.do(); err != nil {
			return err
		}
		sleep(ctx, 2*time.Second)
		n, err := o.made(ctx, addresses)
		if err != nil {
			return err
		}
		// Its own page, and the front page and the archive with its counts.
		b.add(figure{What: "pages made anew after " + change.name, Value: float64(n), Most: 3,
			Note: fmt.Sprintf("of %d that are kept", len(addresses))})
	}
	return nil
}

// made requests pages and returns how many of them the server made anew.
func (o *benchBlog) made(ctx context.Context, addresses []string) (int, error) {
	before, err := o.madeSoFar()
	if err != nil {
		return 0, err
	}
	for _, address := range addresses {
		if _, err := fetch(ctx, address); err != nil {
			return 0, err
		}
	}
	after, err := o.madeSoFar()
	return after - before, err
}

func (o *benchBlog) madeSoFar() (n int, err error) {
	file, err := os.Open(o.log)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.Contains(lines.Text(), page.MadeMessage) {
			n++
		}
	}
	return n, nil
}
