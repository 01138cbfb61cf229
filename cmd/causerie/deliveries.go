package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
)

type deliveriesCommand struct {
	Report deliveriesReport `cmd:"" default:"withargs" help:"Show each server that an article was sent to, or a line for each article."`
	Retry  deliveriesRetry  `cmd:"" help:"Try the letters again that did not arrive."`
}

type deliveriesReport struct {
	Article string `arg:"" optional:"" help:"Its id or its slug; without it all articles are listed."`
	Failed  bool   `help:"Only servers that do not have it."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

func (r deliveriesReport) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		t := newTable(c.out, r.JSON)
		if r.Article != "" {
			a, err := d.find(ctx, r.Article)
			if err != nil {
				return err
			}
			if err := d.printLetters(ctx, t, a, r.Failed); err != nil {
				return err
			}
			return t.flushOr(r.nothing())
		}
		articles, err := d.store.Articles(ctx, store.Filter{Statuses: []blog.Status{blog.Published, blog.Withdrawn, blog.Deleted}})
		if err != nil {
			return err
		}
		if r.Failed {
			for _, a := range articles {
				if err := d.printLetters(ctx, t, a, true); err != nil {
					return err
				}
			}
			return t.flushOr(r.nothing())
		}
		if err := d.printProgress(ctx, t, articles); err != nil {
			return err
		}
		return t.flushOr("nothing is published yet")
	})
}

func (r deliveriesReport) nothing() string {
	if r.Failed {
		return "nothing failed"
	}
	return "sent to nobody"
}

// letterLine is one letter, as programs read it.
type letterLine struct {
	Article   string `json:"article"`
	Said      string `json:"said"` // Create, Update, Delete
	At        string `json:"at"`
	Host      string `json:"host"`
	Inbox     string `json:"inbox"`
	Followers int    `json:"followers"`
	Status    string `json:"status"`
	Attempts  int    `json:"attempts"`
	Code      int    `json:"code"` // last HTTP status, 0 without an answer
	Answer    string `json:"answer"`
	Next      string `json:"next,omitempty"`
}

func (d *desk) printLetters(ctx context.Context, t *table, a blog.Article, failedOnly bool) error {
	reports, err := d.store.Reports(ctx, a.ID)
	if err != nil {
		return err
	}
	for _, r := range reports {
		if failedOnly && (r.Status == blog.Delivered || r.Status == blog.Superseded || r.Status == blog.Waiting) {
			continue
		}
		line := letterLine{Article: a.Slug, Said: r.Kind, At: instant(&r.SaidAt), Host: r.Host, Inbox: r.Inbox, Followers: r.Followers,
			Status: string(r.Status), Attempts: r.Attempts, Code: r.Code, Answer: r.Answer}
		if !r.Status.Settled() && !r.NextAt.IsZero() {
			line.Next = instant(&r.NextAt)
		}
		t.line(line, r.Host, r.Kind, string(r.Status), plural(r.Followers, "follower"), plural(r.Attempts, "attempt"), letterWords(r))
	}
	return nil
}

// letterWords is the last answer to a letter, and when it is tried again.
func letterWords(r blog.Report) string {
	var words []string
	if r.Code > 0 {
		words = append(words, fmt.Sprint(r.Code))
	}
	if r.Answer != "" {
		words = append(words, markup.Excerpt(r.Answer, 80))
	}
	if r.Status == blog.Retrying && r.NextAt.After(time.Now()) {
		words = append(words, "again at "+r.NextAt.Local().Format("15:04"))
	}
	return strings.Join(words, " ")
}

type progressLine struct {
	Article   string `json:"article"`
	Total     int    `json:"total"`
	Delivered int    `json:"delivered"`
	Waiting   int    `json:"waiting"`
	Retrying  int    `json:"retrying"`
	Refused   int    `json:"refused"`
	Gone      int    `json:"gone"`
	GivenUp   int    `json:"given_up"`
}

func (d *desk) printProgress(ctx context.Context, t *table, articles []blog.Article) error {
	var ids []blog.ID
	for _, a := range articles {
		ids = append(ids, a.ID)
	}
	letters, err := d.store.ProgressOf(ctx, ids)
	if err != nil {
		return err
	}
	for _, a := range articles {
		p := letters[a.ID]
		t.line(progressLine{a.Slug, p.Total, p.Delivered, p.Waiting, p.Retrying, p.Refused, p.Gone, p.GivenUp}, a.Slug, progressWords(p))
	}
	return nil
}

// progressWords is how far letters have come: "delivered 212/218, 6 retrying".
func progressWords(p store.Progress) string {
	if p.Total == 0 {
		return "sent to nobody"
	}
	words := []string{fmt.Sprintf("delivered %d/%d", p.Delivered, p.Total)}
	for _, part := range []struct {
		n    int
		word string
	}{{p.Waiting, "waiting"}, {p.Retrying, "retrying"}, {p.Refused, "refused"}, {p.Gone, "gone"}, {p.GivenUp, "given up"}} {
		if part.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	return strings.Join(words, ", ")
}

type deliveriesRetry struct {
	Article string `arg:"" help:"Its id or its slug."`
	Host    string `help:"Only letters to this server, as the report names it."`
}

func (r deliveriesRetry) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		a, err := d.find(ctx, r.Article)
		if err != nil {
			return err
		}
		n, err := d.outbox.Retry(ctx, a.ID, r.Host)
		if err != nil {
			return err
		}
		if n == 0 {
			fmt.Fprintln(c.out, "nothing to try again")
			return nil
		}
		fmt.Fprintf(c.out, "%s will be tried again at once, when the server runs\n", plural(int(n), "letter"))
		return nil
	})
}
