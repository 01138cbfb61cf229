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
	List  deliveriesList  `cmd:"" name:"report" default:"withargs" help:"${help_deliveries_list}"`
	Retry deliveriesRetry `cmd:"" help:"Retry the failed deliveries of an article."`
}

// deliveriesList lists deliveries. It is the default, so "causerie deliveries SLUG" works too.
type deliveriesList struct {
	Article string `arg:"" optional:"" help:"The id or the slug of the article. Without it all articles are listed."`
	Failed  bool   `help:"List only failed deliveries, and those that are being retried."`
	All     bool   `help:"List all servers of the article. Without it, at most 300 are listed as text."`
	JSON    bool   `name:"json" help:"Print one JSON object on each line."`
}

// mostServers is how many servers of an article are listed as text without --all.
const mostServers = 300

// Help is printed below the command's line by --help. It names retry, which the help of the default command does not
// list.
func (deliveriesList) Help() string {
	return "“causerie deliveries retry ARTICLE” retries the failed deliveries of an article."
}

func (l deliveriesList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		t := newTable(c.out, l.JSON)
		if l.Article != "" {
			a, err := app.find(ctx, l.Article)
			if err != nil {
				return err
			}
			if !l.All && !l.Failed && !l.JSON {
				return app.printSomeServers(ctx, c, t, a, l.emptyText())
			}
			if err := app.printServers(ctx, c, t, a, l.Failed); err != nil {
				return err
			}
			return t.flushOr(l.emptyText())
		}
		err := app.eachPublished(ctx, func(articles []blog.Article) error {
			if l.Failed {
				return app.printFailed(ctx, c, t, articles)
			}
			return app.printProgress(ctx, t, articles)
		})
		if err != nil {
			return err
		}
		return t.flushOr(l.emptyText())
	})
}

// eachPublished calls do with all articles that are or were published, a hundred at a time.
func (app *app) eachPublished(ctx context.Context, do func([]blog.Article) error) error {
	filter := store.ArticleFilter{Statuses: []blog.Status{blog.Published, blog.Withdrawn, blog.Deleted}, Limit: 100}
	for {
		articles, err := app.store.Articles(ctx, filter)
		if err != nil {
			return err
		}
		if err := do(articles); err != nil || len(articles) < filter.Limit {
			return err
		}
		filter.After = &articles[len(articles)-1]
	}
}

// emptyText is printed instead of an empty list.
func (l deliveriesList) emptyText() string {
	if l.Failed {
		return "nothing failed"
	}
	if l.Article == "" {
		return "nothing is published yet"
	}
	return "sent to nobody"
}

// serverLine is the JSON of the state of an article at one server.
type serverLine struct {
	Article   string `json:"article"`
	Host      string `json:"host"`
	Software  string `json:"software"`
	Followers int    `json:"followers"`
	Holds     int    `json:"has"`    // latest version that the server accepted; 0 for none
	Newest    int    `json:"newest"` // latest version of the article
	Shows     int    `json:"told"`   // latest version sent with notice to readers, so without quiet corrections
	Words     string `json:"words"`  // the state in sentences
	Kind      string `json:"said"`   // Create, Update or Delete: the type of the delivery in the next fields
	SaidAt    string `json:"at"`
	Inbox     string `json:"inbox"`
	Status    string `json:"status"`
	Attempts  int    `json:"attempts"`
	Code      int    `json:"code"` // last HTTP status; 0 without an answer
	Answer    string `json:"answer"`
	Welcome   bool   `json:"welcome"`         // sent because the server got its first follower
	Asked     bool   `json:"asked_to_forget"` // the server accepted the Delete
	Past      bool   `json:"summed_up"`       // old: the delivery is known in sum only, and cannot be tried again
	Keeps     bool   `json:"keeps_former"`    // the server still has a copy from before a withdrawal
	NextAt    string `json:"next,omitempty"`

	FailingSince     string `json:"silent_since,omitempty"`
	UnavailableSince string `json:"given_up_at,omitempty"`
}

func (app *app) serverLineOf(a blog.Article, s blog.ServerState) serverLine {
	line := serverLine{Article: a.Slug, Host: s.Host, Software: s.Software, Followers: s.Followers,
		Holds: s.Holds, Newest: s.Newest, Shows: s.Shows, Words: deliverytext.State(s, app.localTime),
		Kind: s.Kind, SaidAt: jsonTime(&s.SaidAt), Inbox: s.Inbox, Status: string(s.Status), Attempts: s.Attempts,
		Code: s.Code, Answer: s.Answer, Welcome: s.Welcome, Asked: s.Asked, Past: s.Past, Keeps: s.Keeps,
		FailingSince: jsonTime(s.FailingSince), UnavailableSince: jsonTime(s.UnavailableSince)}
	// A settled delivery is not tried again, even if its NextAt is set.
	if !s.Status.Settled() && !s.NextAt.IsZero() {
		line.NextAt = jsonTime(&s.NextAt)
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
	// No summary in JSON, where each line is a server, and none with --failed, which lists many articles.
	if !t.isJSON() && !failedOnly {
		if err := app.printSummary(ctx, c, a, states); err != nil {
			return err
		}
	}
	app.printStates(t, a, states, failedOnly)
	return nil
}

// printSomeServers is printServers for an article that may have gone to thousands of servers: it reads no more than it
// prints.
func (app *app) printSomeServers(ctx context.Context, c *console, t *table, a blog.Article, empty string) error {
	sample, listed, err := app.store.ListedDeliveries(ctx, a.ID, mostServers)
	if err != nil {
		return err
	}
	all, states := blog.ServerStates(sample), blog.ServerStates(listed)
	if err := app.printSummary(ctx, c, a, all); err != nil {
		return err
	}
	app.printStates(t, a, states, false)
	if err := t.flushOr(empty); err != nil {
		return err
	}
	if more := blog.Count(all).Servers - len(states); more > 0 {
		fmt.Fprintf(c.out, "and %s: --all lists them too\n", text.Plural(more, "more server", "more servers"))
	}
	return nil
}

// printStates prints a line for each server.
func (app *app) printStates(t *table, a blog.Article, states []blog.ServerState, failedOnly bool) {
	for _, s := range states {
		if failedOnly && (s.Status == blog.Delivered || s.Status == blog.Waiting || s.NothingToDelete()) {
			continue
		}
		cells := []string{s.Host, string(s.Status), text.Plural(s.Followers, "follower", "followers"), app.serverText(s)}
		// The lines of several articles follow each other, so each line names its article.
		if failedOnly {
			cells = append([]string{a.Slug}, cells...)
		}
		t.line(app.serverLineOf(a, s), cells...)
	}
}

func (app *app) printFailed(ctx context.Context, c *console, t *table, articles []blog.Article) error {
	for _, a := range articles {
		if err := app.printServers(ctx, c, t, a, true); err != nil {
			return err
		}
	}
	return t.flush()
}

// printSummary prints how many servers have the article, and whether a change is held.
func (app *app) printSummary(ctx context.Context, c *console, a blog.Article, states []blog.ServerState) error {
	held, err := app.holdText(ctx, a)
	if err != nil {
		return err
	}
	if held != "" {
		fmt.Fprintln(c.out, held)
	}
	if summary := deliverytext.Summary(states, app.localTime); summary != "" {
		fmt.Fprintln(c.out, summary)
	}
	if past := deliverytext.SummedUp(states); past != "" {
		fmt.Fprintln(c.out, past)
	}
	return nil
}

// localTime formats a recent or near time for people, in the time zone of the blog. For JSON see jsonTime.
func (app *app) localTime(at time.Time) string {
	return at.In(app.site.Location()).Format("Mon 2 Jan 15:04 MST")
}

// serverText describes the state of an article at a server, the next try and the last answer.
func (app *app) serverText(s blog.ServerState) string {
	words := []string{deliverytext.State(s, app.localTime)}
	if !s.Status.Settled() && s.NextAt.After(now()) {
		words = append(words, "Next try: "+app.localTime(s.NextAt)+".")
	}
	if s.Status != blog.Delivered && s.Attempts > 0 {
		words = append(words, "Last answer:")
		// Many answers contain their status code already.
		if s.Code > 0 && !strings.Contains(s.Answer, fmt.Sprint(s.Code)) {
			words = append(words, fmt.Sprint(s.Code))
		}
		words = append(words, text.Excerpt(s.Answer, 80))
	}
	// An answer may contain line breaks, which would break the columns.
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// progressLine is the JSON of the progress of an article. Each server counts once.
type progressLine struct {
	Article string `json:"article"`
	Total   int    `json:"total"`
	Have    int    `json:"have"`         // servers that have a version, or accepted the Delete
	Newest  int    `json:"newest"`       // servers that have the latest version
	Keep    int    `json:"keeps_former"` // servers that still have a copy from before a withdrawal
	Words   string `json:"words"`

	// The states of the decisive deliveries, one per server.
	Delivered int `json:"delivered"`
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
	// A long list is printed as it is read.
	return t.flush()
}

// progressText describes how many servers have an article: "3 of 5 servers have it; 2 are silent."
func (app *app) progressText(states []blog.ServerState) string {
	switch summary := deliverytext.Summary(states, app.localTime); {
	case len(states) == 0:
		return "sent to nobody"
	case summary == "":
		return "no other server has it"
	default:
		return summary
	}
}
