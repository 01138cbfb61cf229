package main

import (
	"context"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
	"causerie/internal/text"
)

type deliveriesRetry struct {
	articleNamed
	Host string `placeholder:"NAME" help:"Retry only deliveries to this server, as “causerie deliveries” names it."`
}

func (r deliveriesRetry) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return r.with(ctx, config, log, func(app *app, a blog.Article) error {
		n, err := app.outbox.Retry(ctx, a.ID, r.Host)
		if err != nil {
			return err
		}
		if n == 0 {
			fmt.Fprintln(c.out, "there is no failed delivery to retry")
			return nil
		}
		fmt.Fprintf(c.out, "%s will be retried at once if the server runs\n",
			text.Plural(int(n), "delivery", "deliveries"))
		return nil
	})
}
