package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/fedtest"
)

// measureThread reads the page of an article with a long thread, while replies arrive at a steady pace and in a storm.
func measureThread(ctx context.Context, b *bench) error {
	replies := b.size(6000, 20_000)
	// Of eight articles besides the samples, the newest gets three of ten comments.
	o, err := b.blog(ctx, benchSeed{Articles: 2 * benchSamples, Comments: replies * 10 / 3, Followers: 1000, Hosts: 100})
	if err != nil {
		return err
	}
	defer o.remove()
	world, people, err := o.crowd(ctx, 200, 200)
	if err != nil {
		return err
	}
	defer world.Close()
	if err := o.start(ctx); err != nil {
		return err
	}
	at, err := o.landmarks(ctx)
	if err != nil {
		return err
	}
	page := o.site.ArticlePage(at.busy)
	// 1,000 a minute are one in 60 ms. Each is followed by a reader, whose page is made anew.
	ready, err := o.prepare(ctx, at.busy, people, 40)
	if err != nil {
		return err
	}
	var made []float64
	for _, reply := range ready {
		if _, err := reply.Send(ctx); err != nil {
			return err
		}
		took, err := fetch(ctx, page)
		if err != nil {
			return err
		}
		made = append(made, milliseconds(took))
		sleep(ctx, 300*time.Millisecond) // a page is made at most four times a second
	}
	b.add(figure{What: "its page, made anew", Value: quantile(made, 0.5), Unit: "ms", Most: 50,
		Note: fmt.Sprintf("%d replies", replies)})
	storm, err := o.prepare(ctx, at.busy, people, b.size(2000, 10_000))
	if err != nil {
		return err
	}
	return o.storm(ctx, page, storm)
}

// storm sends replies at 10,000 a minute while a reader asks for the page.
func (o *benchBlog) storm(ctx context.Context, page string, ready []*fedtest.PreparedActivity) error {
	before := cpu(o.process)
	sending, done := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() {
		defer done()
		failed <- pace(ctx, ready, time.Minute/10_000)
	}()
	var times []float64
	for sending.Err() == nil {
		took, err := fetch(ctx, page)
		if err != nil {
			return err
		}
		times = append(times, milliseconds(took))
		sleep(ctx, 20*time.Millisecond)
	}
	if err := <-failed; err != nil {
		return err
	}
	o.b.add(figure{What: "its page in a storm, p95", Value: quantile(times, 0.95), Unit: "ms", Most: 100,
		CPU: cpu(o.process) - before, Note: fmt.Sprintf("%d replies at 10,000 a minute, %d pages", len(ready), len(times))})
	return nil
}

// pace sends activities one after another at a rate, some of them at once when an answer takes longer.
func pace(ctx context.Context, ready []*fedtest.PreparedActivity, every time.Duration) error {
	errs := make(chan error, len(ready))
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for _, one := range ready {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		go func() {
			_, err := one.Send(ctx)
			errs <- err
		}()
	}
	var all []error
	for range ready {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}
