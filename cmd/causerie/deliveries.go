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
	Report deliveriesReport `cmd:"" default:"withargs" help:"List the servers that got an article, or list all articles."`
	Retry  deliveriesRetry  `cmd:"" help:"Retry the failed deliveries of an article."`
}

type deliveriesReport struct {
	Article string `arg:"" optional:"" help:"The id or the slug of the article. Without it all articles are listed."`
	Failed  bool   `help:"List only servers that do not have it."`
	JSON    bool   `name:"json" help:"Print one JSON object on each line."`
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

// eachPublic calls do with all articles that are or were public, a hundred at a time.
func (app *app) eachPublic(ctx context.Context, do func([]blog.Article) error) error {
	filter := store.ArticleFilter{Statuses: []blog.Status{blog.Published, blog.Withdrawn, blog.Deleted}, Limit: 100}
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

// serverLine is the JSON of the state of an article at one server.
type serverLine struct {
	Article    string `json:"article"`
	Host       string `json:"host"`
	Software   string `json:"software"`
	Followers  int    `json:"followers"`
	Has        int    `json:"has"`    // the newest version that it accepted, 0 for none
	Newest     int    `json:"newest"` // the newest version
	Told       int    `json:"told"`   // the newest version that was sent to it, without quiet corrections
	Words      string `json:"words"`  // all of this in sentences
	Said       string `json:"said"`   // Create, Update or Delete: the delivery that the next fields are about
	At         string `json:"at"`
	Inbox      string `json:"inbox"`
	Status     string `json:"status"`
	Attempts   int    `json:"attempts"`
	Code       int    `json:"code"` // last HTTP status, 0 without an answer
	Answer     string `json:"answer"`
	Welcome    bool   `json:"welcome"` // sent when the first follower there came
	Asked      bool   `json:"asked_to_forget"`
	Kept       bool   `json:"keeps_former"` // it still has a copy that was withdrawn before
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
	// A settled delivery is not tried again, whatever its row says.
	if !s.Status.Settled() && !s.NextAt.IsZero() {
		line.Next = instant(&s.NextAt)
	}
	return line
}

// printServers prints a summary, and a line for each server that an article was sent to, problems first.
func (app *app) printServers(ctx context.Context, c *console, t *table, a blog.Article, failedOnly bool) error {
	deliveries, err := app.store.DeliveryRows(ctx, a.ID)
	if err != nil {
		return err
	}
	states := blog.ServerStates(deliveries)
	// Not in JSON, where each line is a server, and not among the failed ones of many articles.
	if t.objects == nil && !failedOnly {
		if err := app.printSummary(ctx, c, a, states); err != nil {
			return err
		}
	}
	for _, s := range states {
		if failedOnly && (s.Status == blog.Delivered || s.Status == blog.Waiting || s.NothingToDelete()) {
			continue
		}
		cells := []string{s.Host, string(s.Status), text.Plural(s.Followers, "follower", "followers"), app.serverText(s)}
		// Several articles are listed, so each line names its own.
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

// printSummary prints how far an article has come, and whether it is held.
func (app *app) printSummary(ctx context.Context, c *console, a blog.Article, states []blog.ServerState) error {
	held, err := app.holdText(ctx, a)
	if err != nil {
		return err
	}
	if held != "" {
		fmt.Fprintln(c.out, held)
	}
	if summary := deliverytext.Summary(states, app.moment); summary != "" {
		fmt.Fprintln(c.out, summary)
	}
	return nil
}

// moment formats a recent or near time, in the zone of the blog.
func (app *app) moment(at time.Time) string {
	return at.In(app.site.Location()).Format("Mon 2 Jan 15:04 MST")
}

// serverText describes the state of an article at a server, its last answer, and when it is tried again.
func (app *app) serverText(s blog.ServerState) string {
	words := []string{deliverytext.State(s, app.moment)}
	if !s.Status.Settled() && s.NextAt.After(time.Now()) {
		words = append(words, "Tried again "+app.moment(s.NextAt)+".")
	}
	if s.Status != blog.Delivered && s.Attempts > 0 {
		words = append(words, "Last answer:")
		// Many answers repeat their status.
		if s.Code > 0 && !strings.Contains(s.Answer, fmt.Sprint(s.Code)) {
			words = append(words, fmt.Sprint(s.Code))
		}
		words = append(words, text.Excerpt(s.Answer, 80))
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// progressLine is the JSON of the progress of an article. Each server is counted once.
type progressLine struct {
	Article string `json:"article"`
	Total   int    `json:"total"`
	Have    int    `json:"have"`         // or accepted the Delete
	Newest  int    `json:"newest"`       // of those, that have the newest version
	Keep    int    `json:"keeps_former"` // of those, that still have a copy that was withdrawn before
	Words   string `json:"words"`

	Delivered int `json:"delivered"` // the next ones count one delivery per server: the deciding one
	Waiting   int `json:"waiting"`
	Retrying  int `json:"retrying"`
	Refused   int `json:"refused"`
	Gone      int `json:"gone"`
	GivenUp   int `json:"given_up"`
}

func (app *app) progressLineOf(a blog.Article, states []blog.ServerState) progressLine {
	n := blog.Count(states)
	return progressLine{Article: a.Slug, Total: n.Servers, Have: n.Have, Newest: n.Newest, Keep: n.Keep,
		Words:     app.progressText(states),
		Delivered: n.Deliveries[blog.Delivered], Waiting: n.Deliveries[blog.Waiting], Retrying: n.Deliveries[blog.Retrying],
		Refused: n.Deliveries[blog.Refused], Gone: n.Deliveries[blog.GoneAway], GivenUp: n.Deliveries[blog.GivenUp]}
}

func (app *app) printProgress(ctx context.Context, t *table, articles []blog.Article) error {
	ids := make([]blog.ID, len(articles))
	for i, a := range articles {
		ids[i] = a.ID
	}
	deliveries, err := app.store.SampleDeliveryRows(ctx, ids)
	if err != nil {
		return err
	}
	for _, a := range articles {
		states := blog.ServerStates(deliveries[a.ID])
		t.line(app.progressLineOf(a, states), a.Slug, app.progressText(states))
	}
	return nil
}

// progressText says how far an article has come: "3 of 5 servers have it; 2 are silent."
func (app *app) progressText(states []blog.ServerState) string {
	switch summary := deliverytext.Summary(states, app.moment); {
	case len(states) == 0:
		return "sent to nobody"
	case summary == "":
		return "no other server has it"
	default:
		return summary
	}
}
