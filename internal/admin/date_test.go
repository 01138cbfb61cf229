package admin_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
)

func TestT249AnEarlierDateIsChosenInTheAdmin(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"), "ilse")
		b := o.signIn("ilse")
		compose := func(title string) {
			b.open("/admin/articles/new").press("Publish…", "title", title, "text", prose).want(200, "/admin/articles/")
		}
		compose("Old")
		b.press("Publish as chosen", "when", "earlier", "date", "2099-01-01T10:00").want(422,
			"/admin/articles/").sees("The time is still to come.")
		b.press("Publish as chosen", "when", "earlier", "date", "2019-03-04T12:00").want(200, "/admin/articles/").
			sees("sent to no other server")
		a := o.only()
		if got := a.PublishedAt.Format(time.RFC3339); a.Month != "2019/03" || got != "2019-03-04T11:00:00Z" {
			t.Errorf("published %s in %s", got, a.Month)
		}
		compose("Asked")
		b.press("Publish as chosen", "when", "earlier", "date", "2018-03-04T12:00", "federate", "yes").want(200,
			"/admin/articles/").lacks("sent to no other server")
		o.until("it is sent", func() bool { return len(veerhuis.Received("Create")) > 0 })
		if sent := veerhuis.Received("Create"); len(sent) != 1 {
			t.Errorf("%d articles were sent", len(sent))
		}
	})
}

// pressTwice sends the form of a page twice at once, as a double click does: the browser drops the first request.
func (b *browser) pressTwice(button string, drop time.Duration, pairs ...string) (statuses []int, addresses []string) {
	b.t.Helper()
	form, pressed := b.button(button)
	typed := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		typed[pairs[i]] = pairs[i+1]
	}
	body := b.collect(form, pressed, typed).Encode()
	action, err := url.Parse(b.base + value(form, "action"))
	if err != nil {
		b.t.Fatal(err)
	}
	var mu sync.Mutex
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() {
			ctx := b.t.Context()
			if i == 0 && drop > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, drop)
				defer cancel()
			}
			request, _ := http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(body))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Origin", b.base)
			time.Sleep(time.Duration(i) * drop)
			answer, err := b.client.Do(request)
			if err != nil {
				return // dropped
			}
			defer answer.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			statuses, addresses = append(statuses, answer.StatusCode), append(addresses, answer.Request.URL.Path)
		})
	}
	both.Wait()
	return statuses, addresses
}

func TestT250ADoubleClickOnPublishShowsTheReport(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		tomorrow := time.Now().Add(24 * time.Hour).Format("2006-01-02T15:04")
		for i, drop := range []time.Duration{0, 0, time.Millisecond, 3 * time.Millisecond, 6 * time.Millisecond,
			10 * time.Millisecond, 20 * time.Millisecond} {
			for _, when := range []string{"now", "later"} {
				b.open("/admin/articles/new").press("Publish…", "title", "Four minutes", "text", prose)
				statuses, addresses := b.pressTwice("Publish as chosen", drop, "when", when, "date", tomorrow)
				if len(statuses) == 0 {
					t.Errorf("no answer to %s after %s", when, drop)
				}
				for n, status := range statuses {
					if status != 200 || !strings.HasSuffix(addresses[n], "/report") {
						t.Errorf("%d, %s dropped after %s: %d at %s", i, when, drop, status, addresses[n])
					}
				}
			}
		}
	})
}
