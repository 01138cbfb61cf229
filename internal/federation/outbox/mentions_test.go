package outbox_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/media"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestADatabaseErrorIsNotAnUnknownMention(t *testing.T) {
	storetest.EachFailing(t, func(t *testing.T, s *store.Store, faults *storetest.Faults) {
		o := overkant.Start(t, s)
		bram := o.Server("veerhuis").Person("bram")
		now := time.Now() // known, but no follower: only the mention can bring the article
		if err := s.SaveActor(o.Soon(), blog.Actor{ID: bram.ID, Type: "Person", Handle: "bram@veerhuis.example",
			HandleCheckedAt: &now, Host: bram.Server.Host, Inbox: bram.Inbox(), FetchedAt: now}); err != nil {
			t.Fatal(err)
		}
		const unknown = "@nobody@127.9.9.9"
		a := o.Draft(func(a *blog.Article) { a.Markdown = "With @bram@veerhuis.example and " + unknown + "." })
		injected := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, storetest.ErrInjected) || len(faults.Failed()) != 1 {
				t.Errorf("%s: the error is %v", what, err)
			}
		}
		for what, query := range map[string]string{
			"publish with a mention that cannot be read":       "lower(p.handle) = lower",
			"publish with a server that may be blocked or not": "FROM blocks",
		} {
			faults.Fail(query, 1)
			_, err := o.Outbox.Publish(o.Soon(), a.ID)
			injected(what, err)
		}
		a, err := o.Outbox.Publish(o.Soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Error("the mentioned person does not get the article:", err)
		}
		faults.Fail("lower(p.handle) = lower", 1)
		_, err = o.Outbox.UnknownMentions(o.Soon(), a)
		injected("list the unknown mentions", err)
		if list, err := o.Outbox.UnknownMentions(o.Soon(), a); err != nil || !slices.Equal(list, []string{unknown}) {
			t.Errorf("the unknown mentions are %q, want %q: %v", list, unknown, err)
		}
		faults.Fail("FROM blocks", 1)
		_, _, err = o.Outbox.BlockSubject(o.Soon(), unknown)
		injected("read whom to block", err)
	})
}

// TestWhoIsMentionedForTheFirstTimeIsLinked publishes, in each way, a text with somebody whom this blog never met.
func TestWhoIsMentionedForTheFirstTimeIsLinked(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		compose := func(a *blog.Article) {
			t.Helper()
			if _, err := media.Compose(o.Soon(), o.Store, a, media.Beside{}); err != nil {
				t.Fatal(err)
			}
		}
		naming := func(p *fedtest.Person) func(*blog.Article) {
			return func(a *blog.Article) {
				a.Markdown, a.Format = "Thanks @"+p.Handle()+".", blog.FullNote
				a.Slug = "thanks-" + strings.ReplaceAll(p.Name, "_", "-")
				compose(a)
			}
		}
		release := func(id blog.ID) {
			t.Helper()
			if _, err := o.Outbox.Publish(o.Soon(), id); err != nil {
				t.Fatal(err)
			}
		}
		dutch := func(a blog.Article, p *fedtest.Person, draft bool) {
			t.Helper()
			trial := a
			trial.Text = blog.Text{Language: "nl", Title: "Dank", Slug: "dank-" + strings.ReplaceAll(p.Name, "_", "-"),
				Markdown: "Dank @" + p.Handle() + "."}
			compose(&trial)
			o.Translate(a, blog.Translation{Text: trial.Text, Draft: draft})
		}
		ways := map[string]func(p *fedtest.Person) blog.Article{
			"published": func(p *fedtest.Person) blog.Article { return o.Publish(naming(p)) },
			"held": func(p *fedtest.Person) blog.Article {
				a := o.PublishHeld(naming(p))
				o.EndHolds()
				return a
			},
			"scheduled": func(p *fedtest.Person) blog.Article {
				a := o.Draft(naming(p))
				if _, err := o.Outbox.Schedule(o.Soon(), a.ID, time.Now().Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
				later := o.Core
				later.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
				if err := o.PublishDue(later); err != nil {
					t.Fatal(err)
				}
				return a
			},
			"revised": func(p *fedtest.Person) blog.Article {
				a := o.Publish(func(a *blog.Article) { a.Slug, a.Format = "plain", blog.FullNote })
				return o.Revise(a, naming(p))
			},
			"translated": func(p *fedtest.Person) blog.Article {
				a := o.Publish(func(a *blog.Article) { a.Slug = "first" })
				dutch(a, p, false)
				return a
			},
			"published with a translation": func(p *fedtest.Person) blog.Article {
				a := o.Draft(func(a *blog.Article) { a.Slug = "both" })
				dutch(a, p, false)
				release(a.ID)
				return a
			},
		}
		veerhuis := o.Server("veerhuis")
		for way, do := range ways {
			p := veerhuis.Person(strings.ReplaceAll(way, " ", "_"))
			id := do(p).ID
			a, err := o.Store.Article(o.Soon(), id)
			if err != nil {
				t.Fatal(err)
			}
			html := a.HTML
			if translations, err := o.Store.Translations(o.Soon(), id); err != nil {
				t.Fatal(err)
			} else if len(translations) > 0 {
				html = translations[0].HTML
			}
			link := `href="` + p.URL() + `"`
			if !strings.Contains(html, link) {
				t.Errorf("%s: the page says %s", way, html)
			}
			object := o.ReadDocument(o.Path(o.Object(a)))
			if text := fmt.Sprint(object["content"], object["contentMap"]); !strings.Contains(text, link) {
				t.Errorf("%s: the object says %s", way, text)
			}
			if !slices.Contains(object["cc"].([]any), any(p.ID)) {
				t.Errorf("%s: it is addressed to %v", way, object["cc"])
			}
		}
	})
}
