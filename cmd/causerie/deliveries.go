package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/deliverytext"
	"causerie/internal/store"
	"causerie/internal/text"
)

type deliveriesCommand struct {
	Report deliveriesReport `cmd:"" default:"withargs" help:"List the servers that have an article, or list all articles."`
	Retry  deliveriesRetry  `cmd:"" help:"Try again the deliveries that did not arrive."`
}

type deliveriesReport struct {
	Article string `arg:"" optional:"" help:"Its id or its slug; without it all articles are listed."`
	Failed  bool   `help:"Only servers that do not have it."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

func (r deliveriesReport) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, existing, func(app *app) error {
		t := newTable(c.out, r.JSON)
		if r.Article != "" {
			a, err := app.find(ctx, r.Article)
			if err != nil {
				return err
			}
			if err := app.printServers(ctx, c, t, a, r.Failed); err != nil {
				return err
			}
			return t.flushOr(r.nothing())
		}
		err := app.eachPublic(ctx, func(articles []blog.Article) error {
			if r.Failed {
				return app.printFailed(ctx, c, t, articles)
			}
			return app.printProgress(ctx, t, articles)
		})
		if err != nil {
			return err
		}
		return t.flushOr(r.nothing())
	})
}

// eachPublic goes through all articles that are or were public, some at a time.
func (app *app) eachPublic(ctx context.Context, do func([]blog.Article) error) error {
	filter := store.Filter{Statuses: []blog.Status{blog.Published, blog.Withdrawn, blog.Deleted}, Limit: 100}
	for {
		articles, err := app.store.Articles(ctx, filter)
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
	Said       string `json:"said"`   // Create, Update, Delete: the delivery that decides, and what became of it
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

func (app *app) serverLineOf(a blog.Article, s blog.ServerState) serverLine {
	line := serverLine{Article: a.Slug, Host: s.Host, Software: s.Software, Followers: s.Followers, Has: s.Holds,
		Newest: s.Newest, Told: s.Shows,
		Words: deliverytext.State(s, app.moment), Said: s.Kind, At: instant(&s.SaidAt), Inbox: s.Inbox,
		Status: string(s.Status), Attempts: s.Attempts,
		Code: s.Code, Answer: s.Answer, Welcome: s.Welcome, Asked: s.Asked, Kept: s.Keeps,
		SilentFrom: instant(s.FailingSince), GivenUpAt: instant(s.UnavailableSince)}
	if !s.Status.Settled() && !s.NextAt.IsZero() {
		line.Next = instant(&s.NextAt)
	}
	return line
}

// printServers prints a line for each server that an article went to, trouble first, under a sentence that sums them
// up.
func (app *app) printServers(ctx context.Context, c *console, t *table, a blog.Article, failedOnly bool) error {
	deliveries, err := app.store.Reports(ctx, a.ID)
	if err != nil {
		return err
	}
	standings := blog.ServerStates(deliveries)
	if t.objects == nil && !failedOnly {
		if err := app.printSummary(ctx, c, a, standings); err != nil {
			return err
		}
	}
	for _, s := range standings {
		if failedOnly && (s.Status == blog.Delivered || s.Status == blog.Waiting || s.Spared()) {
			continue
		}
		cells := []string{s.Host, string(s.Status), text.Plural(s.Followers, "follower", "followers"), app.serverWords(s)}
		if failedOnly {
			cells = append([]string{a.Slug}, cells...)
		}
		t.line(app.serverLineOf(a, s), cells...)
	}
	return nil
}

func (app *app) printFailed(ctx context.Context, c *console, t *table, articles []blog.Article) error {
	for _, a := range articles {
		if err := app.printServers(ctx, c, t, a, true); err != nil {
			return err
		}
	}
	return nil
}

// printSummary says how far an article has come, and what of it has not left yet.
func (app *app) printSummary(ctx context.Context, c *console, a blog.Article, standings []blog.ServerState) error {
	held, err := app.holdWords(ctx, a)
	if err != nil {
		return err
	}
	if held != "" {
		fmt.Fprintln(c.out, held)
	}
	if summary := deliverytext.Summary(standings, app.moment); summary != "" {
		fmt.Fprintln(c.out, summary)
	}
	return nil
}

// moment is a time of these days in the blog's zone, as people read it in a terminal.
func (app *app) moment(at time.Time) string {
	return at.In(app.site.Location()).Format("Mon 2 Jan 15:04 MST")
}

// serverWords is how a server stands, its last answer, and when it is tried again.
func (app *app) serverWords(s blog.ServerState) string {
	words := []string{deliverytext.State(s, app.moment)}
	if !s.Status.Settled() && s.NextAt.After(time.Now()) {
		words = append(words, "Tried again "+app.moment(s.NextAt)+".")
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

	Delivered int `json:"delivered"` // counted over the deliveries that decide, one a server
	Waiting   int `json:"waiting"`
	Retrying  int `json:"retrying"`
	Refused   int `json:"refused"`
	Gone      int `json:"gone"`
	GivenUp   int `json:"given_up"`
}

func (app *app) progressLineOf(a blog.Article, standings []blog.ServerState) progressLine {
	n := blog.Count(standings)
	return progressLine{Article: a.Slug, Total: n.Servers, Have: n.Have, Newest: n.Newest, Keep: n.Keep,
		Words:     app.progressWords(standings),
		Delivered: n.Deliveries[blog.Delivered], Waiting: n.Deliveries[blog.Waiting], Retrying: n.Deliveries[blog.Retrying],
		Refused: n.Deliveries[blog.Refused], Gone: n.Deliveries[blog.GoneAway], GivenUp: n.Deliveries[blog.GivenUp]}
}

func (app *app) printProgress(ctx context.Context, t *table, articles []blog.Article) error {
	ids := make([]blog.ID, len(articles))
	for i, a := range articles {
		ids[i] = a.ID
	}
	deliveries, err := app.store.Samples(ctx, ids)
	if err != nil {
		return err
	}
	for _, a := range articles {
		standings := blog.ServerStates(deliveries[a.ID])
		t.line(app.progressLineOf(a, standings), a.Slug, app.progressWords(standings))
	}
	return nil
}

// progressWords is how far an article has come: "3 of 5 servers have it; 2 are silent."
func (app *app) progressWords(standings []blog.ServerState) string {
	switch summary := deliverytext.Summary(standings, app.moment); {
	case len(standings) == 0:
		return "sent to nobody"
	case summary == "":
		return "no other server has it"
	default:
		return summary
	}
}
