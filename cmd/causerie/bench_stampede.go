package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
)

const stampedeArticle = `---
title: Four minutes wide
tags: [rivers]
picture: ferry.jpg
picture-alt: A ferry on a calm river.
---

The ferry comes when you ring the bell, and the bell is on the other side.
`

// measureStampede publishes an article with a picture. While its deliveries leave, each follower asks for the author,
// the object, the page and the picture.
func measureStampede(ctx context.Context, b *bench) error {
	o, err := b.blog(ctx, benchSeed{Comments: 500, Followers: 50, Hosts: 5})
	if err != nil {
		return err
	}
	defer o.remove()
	servers, people := b.size(300, 2000), b.size(1500, 10_000)
	world, _, err := o.crowd(ctx, servers, people)
	if err != nil {
		return err
	}
	defer world.Close()
	if err := o.start(ctx); err != nil {
		return err
	}
	a, err := o.publishPicture(ctx)
	if err != nil {
		return err
	}
	before := cpu(o.process)
	window := time.Duration(b.size(15, 60)) * time.Second
	times, failed := o.rush(ctx, a, people, window)
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := world.WaitForCount(limit, servers, fedtest.About("Create", o.site.ArticleID(a.ObjectID))); err != nil {
		failed = append(failed, err)
	}
	note := fmt.Sprintf("%d followers on %d servers in %s", people, servers, window)
	if len(failed) > 0 {
		note += "; the first: " + failed[0].Error()
	}
	b.add(figure{What: "errors", Value: float64(len(failed)), Zero: true, Note: note})
	b.add(figure{What: "answers, p99", Value: quantile(times, 0.99), Unit: "ms", Most: 100, CPU: cpu(o.process) - before,
		Note: fmt.Sprintf("%d requests, p50 %.1f ms", len(times), quantile(times, 0.5))})
	b.add(figure{What: "memory at the most", Value: memory(o.process, "VmHWM"), Unit: "MB", Most: 120,
		Note: fmt.Sprintf("%.0f MB after it", memory(o.process, "VmRSS"))})
	return nil
}

// publishPicture publishes the article of the stampede.
func (o *benchBlog) publishPicture(ctx context.Context) (blog.Article, error) {
	author, err := o.store.Author(ctx, o.ilse.ID)
	if err != nil {
		return blog.Article{}, err
	}
	source, err := o.parse("stampede.md", []byte(stampedeArticle), drawPicture)
	if err != nil {
		return blog.Article{}, plain(err)
	}
	m, err := o.compose(ctx, author, source)
	if err != nil {
		return m.article, plain(err)
	}
	return o.app.publish(ctx, m, outbox.ReviseOptions{}, false)
}

var pictureAddress = regexp.MustCompile(`/media/[^"? ]+`)

// rush lets people ask for everything about an article, spread over a time, and returns how many milliseconds each
// answer took.
func (o *benchBlog) rush(ctx context.Context, a blog.Article, people int,
	window time.Duration) (times []float64, failed []error) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	picture, err := o.picture(ctx, a)
	if err != nil {
		return nil, []error{err}
	}
	asked := []tourStop{{path: strings.TrimPrefix(o.site.ActorID(a.VoiceID), o.site.URL), accept: asServer},
		{path: strings.TrimPrefix(o.site.ArticleID(a.ObjectID), o.site.URL), accept: asServer},
		{path: o.site.ArticlePath(a), accept: asReader}, {path: picture, accept: "image/*"}}
	var mu sync.Mutex
	var running sync.WaitGroup
	random := rand.New(rand.NewPCG(o.b.Rand, 0))
	for range people {
		wait := time.Duration(random.Int64N(int64(window)))
		running.Go(func() {
			sleep(ctx, wait)
			for _, at := range asked {
				took, _, err := getPage(ctx, client, o.site.URL+at.path, at.accept)
				mu.Lock()
				times = append(times, milliseconds(took))
				if err != nil {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return times, failed
}

// picture returns the path of the picture on the page of an article.
func (o *benchBlog) picture(ctx context.Context, a blog.Article) (string, error) {
	_, body, err := getPage(ctx, reader, o.site.ArticlePage(a), asReader)
	if err != nil {
		return "", err
	}
	path := pictureAddress.Find(body)
	if path == nil {
		return "", errors.New("the page has no picture")
	}
	return string(path), nil
}
