package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
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
			if err := d.printServers(ctx, c, t, a, r.Failed); err != nil {
				return err
			}
			return t.flushOr(r.nothing())
		}
		err := d.eachPublic(ctx, func(articles []blog.Article) error {
			if r.Failed {
				return d.printFailed(ctx, c, t, articles)
			}
			return d.printProgress(ctx, t, articles)
		})
		if err != nil {
			return err
		}
		return t.flushOr(r.nothing())
	})
}

// eachPublic goes through all articles that are or were public, some at a time.
func (d *desk) eachPublic(ctx context.Context, do func([]blog.Article) error) error {
	filter := store.Filter{Statuses: []blog.Status{blog.Published, blog.Withdrawn, blog.Deleted}, Limit: 100}
	for {
		articles, err := d.store.Articles(ctx, filter)
		if err != nil {
			return err
		}
		if err := do(articles); err != nil || len(articles) < filter.Limit {
			return err
		}
		filter.Offset += len(articles)
	}
}

func (r deliveriesReport) nothing() string {
	if r.Failed {
		return "nothing failed"
	}
	if r.Article == "" {
		return "nothing is published yet"
	}
	return "sent to nobody"
}

// serverLine is how one server stands with an article, as programs read it.
type serverLine struct {
	Article    string `json:"article"`
	Host       string `json:"host"`
	Software   string `json:"software"`
	Followers  int    `json:"followers"`
	Has        int    `json:"has"`    // the newest version that it took, 0 for none
	Newest     int    `json:"newest"` // the newest that there is
	Told       int    `json:"told"`   // the newest that it was told aloud, quiet corrections apart
	Words      string `json:"words"`  // the same, and what else is to be said, in sentences
	Said       string `json:"said"`   // Create, Update, Delete: the letter that decides, and what became of it
	At         string `json:"at"`
	Inbox      string `json:"inbox"`
	Status     string `json:"status"`
	Attempts   int    `json:"attempts"`
	Code       int    `json:"code"` // last HTTP status, 0 without an answer
	Answer     string `json:"answer"`
	Welcome    bool   `json:"welcome"` // brought when the first follower there came
	Asked      bool   `json:"asked_to_forget"`
	Kept       bool   `json:"keeps_former"` // it still has a copy that was taken back before
	Next       string `json:"next,omitempty"`
	SilentFrom string `json:"silent_since,omitempty"`
	GivenUpAt  string `json:"given_up_at,omitempty"`
}

func (d *desk) serverLineOf(a blog.Article, s blog.Standing) serverLine {
	line := serverLine{Article: a.Slug, Host: s.Host, Software: s.Software, Followers: s.Followers, Has: s.Holds, Newest: s.Newest, Told: s.Shows,
		Words: s.Words(d.moment), Said: s.Kind, At: instant(&s.SaidAt), Inbox: s.Inbox, Status: string(s.Status), Attempts: s.Attempts,
		Code: s.Code, Answer: s.Answer, Welcome: s.Welcome, Asked: s.Asked, Kept: s.Keeps,
		SilentFrom: instant(s.FailingSince), GivenUpAt: instant(s.UnavailableSince)}
	if !s.Status.Settled() && !s.NextAt.IsZero() {
		line.Next = instant(&s.NextAt)
	}
	return line
}

// printServers prints a line for each server that an article went to, trouble first, under a sentence that sums them up.
func (d *desk) printServers(ctx context.Context, c *console, t *table, a blog.Article, failedOnly bool) error {
	letters, err := d.store.Reports(ctx, a.ID)
	if err != nil {
		return err
	}
	standings := blog.Standings(letters)
	if t.objects == nil && !failedOnly {
		if err := d.printSummary(ctx, c, a, standings); err != nil {
			return err
		}
	}
	for _, s := range standings {
		if failedOnly && (s.Status == blog.Delivered || s.Status == blog.Waiting || s.Spared()) {
			continue
		}
		cells := []string{s.Host, string(s.Status), text.Plural(s.Followers, "follower", "followers"), d.serverWords(s)}
		if failedOnly {
			cells = append([]string{a.Slug}, cells...)
		}
		t.line(d.serverLineOf(a, s), cells...)
	}
	return nil
}

func (d *desk) printFailed(ctx context.Context, c *console, t *table, articles []blog.Article) error {
	for _, a := range articles {
		if err := d.printServers(ctx, c, t, a, true); err != nil {
			return err
		}
	}
	return nil
}

// printSummary says how far an article has come, and what of it has not left yet.
func (d *desk) printSummary(ctx context.Context, c *console, a blog.Article, standings []blog.Standing) error {
	held, err := d.holdWords(ctx, a)
	if err != nil {
		return err
	}
	if held != "" {
		fmt.Fprintln(c.out, held)
	}
	if summary := blog.Summary(standings, d.moment); summary != "" {
		fmt.Fprintln(c.out, summary)
	}
	return nil
}

// moment is a time of these days in the blog's zone, as people read it in a terminal.
func (d *desk) moment(at time.Time) string {
	return at.In(d.site.Location()).Format("Mon 2 Jan 15:04 MST")
}

// serverWords is how a server stands, its last answer, and when it is tried again.
func (d *desk) serverWords(s blog.Standing) string {
	words := []string{s.Words(d.moment)}
	if !s.Status.Settled() && s.NextAt.After(time.Now()) {
		words = append(words, "Tried again "+d.moment(s.NextAt)+".")
	}
	if s.Status != blog.Delivered && s.Attempts > 0 {
		words = append(words, "Last answer:")
		if s.Code > 0 && !strings.Contains(s.Answer, fmt.Sprint(s.Code)) {
			words = append(words, fmt.Sprint(s.Code))
		}
		words = append(words, text.Excerpt(s.Answer, 80))
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// progressLine is how the servers stand with an article, as programs read it. Each of them is counted once.
type progressLine struct {
	Article string `json:"article"`
	Total   int    `json:"total"`
	Have    int    `json:"have"`         // or took the request to forget it
	Newest  int    `json:"newest"`       // of those, that have the newest version
	Keep    int    `json:"keeps_former"` // that still have a copy that was taken back before
	Words   string `json:"words"`

	Delivered int `json:"delivered"` // these are of the letters that decide, one a server
	Waiting   int `json:"waiting"`
	Retrying  int `json:"retrying"`
	Refused   int `json:"refused"`
	Gone      int `json:"gone"`
	GivenUp   int `json:"given_up"`
}

func (d *desk) progressLineOf(a blog.Article, standings []blog.Standing) progressLine {
	n := blog.Count(standings)
	return progressLine{Article: a.Slug, Total: n.Servers, Have: n.Have, Newest: n.Newest, Keep: n.Keep, Words: d.progressWords(standings),
		Delivered: n.Letters[blog.Delivered], Waiting: n.Letters[blog.Waiting], Retrying: n.Letters[blog.Retrying],
		Refused: n.Letters[blog.Refused], Gone: n.Letters[blog.GoneAway], GivenUp: n.Letters[blog.GivenUp]}
}

func (d *desk) printProgress(ctx context.Context, t *table, articles []blog.Article) error {
	ids := make([]blog.ID, len(articles))
	for i, a := range articles {
		ids[i] = a.ID
	}
	letters, err := d.store.Samples(ctx, ids)
	if err != nil {
		return err
	}
	for _, a := range articles {
		standings := blog.Standings(letters[a.ID])
		t.line(d.progressLineOf(a, standings), a.Slug, d.progressWords(standings))
	}
	return nil
}

// progressWords is how far an article has come: "3 of 5 servers have it; 2 are silent."
func (d *desk) progressWords(standings []blog.Standing) string {
	switch summary := blog.Summary(standings, d.moment); {
	case len(standings) == 0:
		return "sent to nobody"
	case summary == "":
		return "no other server has it"
	default:
		return summary
	}
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
		fmt.Fprintf(c.out, "%s will be tried again at once, when the server runs\n", text.Plural(int(n), "letter", "letters"))
		return nil
	})
}
