package outbox

import (
	"context"
	"errors"
	"time"
)

// How a server is welcomed. The first follower from a server would find an empty profile there. So the server gets
// the last public articles of the author, oldest first, each by its original Create with its true dates and its
// newest text.
const (
	welcomeArticles = 10
	welcomePace     = 5 * time.Second
	welcomesAtOnce  = 100 // servers that get their next delivery in one second
)

// SendDueWelcomes adds the welcome deliveries that are due.
func (o *Outbox) SendDueWelcomes(ctx context.Context) error {
	due, err := o.Store.DueWelcomes(ctx, o.Now(), welcomesAtOnce)
	if err != nil {
		return err
	}
	var errs []error // each welcome is a transaction of its own: one that fails does not hold up the others
	for _, w := range due {
		errs = append(errs, o.Store.QueueWelcome(ctx, w, welcomePace, o.Now()))
	}
	if len(due) > 0 {
		o.Wake()
	}
	return errors.Join(errs...)
}
