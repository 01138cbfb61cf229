package inbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestAQuoteIsShownUnderTheArticleInAllItsForms(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		tag := func(more map[string]any) map[string]any {
			link := map[string]any{"type": "Link",
				"mediaType": `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, "href": o.Object(a)}
			for k, v := range more {
				link[k] = v
			}
			return map[string]any{"tag": []any{link}}
		}
		for i, spelling := range []map[string]any{{"quote": o.Object(a)}, {"quoteUrl": o.Object(a)},
			{"quoteUri": o.Object(a)}, {"_misskey_quote": o.Object(a)},
			tag(map[string]any{"rel": "https://misskey-hub.net/ns#_misskey_quote"}),
			{"quote": map[string]any{"id": o.Object(a), "type": "Article"}},
			{"quoteUrl": o.Site.ArticlePage(a)}} {
			o.Receive(bram, overkant.CreateNote(bram, fmt.Sprint(i), fmt.Sprintf("<p>%d</p>", i), spelling))
		}
		if got, want := o.Counts(a), (blog.Counts{Mentions: 7}); got != want {
			t.Errorf("counted are %+v, want %+v; under the article stands %s", got, want, o.CommentKinds(a))
		}
		if got := o.CommentKinds(a); !strings.HasPrefix(got, "[quote] 0|[quote] 1|") {
			t.Errorf("under the article stands %q", got)
		}
	})
}

// quoteOfTheWild is the content of Misskey's note in the corpus, quoting an article of ours.
func quoteOfTheWild(t *testing.T, quoted string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(corpus(t), "misskey/note.json"))
	if err != nil {
		t.Fatal(err)
	}
	var note struct{ Content, Quote string }
	if err := json.Unmarshal(bytes.Replace(body, []byte(`"_misskey_quote": "http`), []byte(`"quote": "http`), 1),
		&note); err != nil || note.Quote == "" {
		t.Fatalf("%s: %v", body, err)
	}
	return strings.ReplaceAll(note.Content, note.Quote, quoted)
}

func TestAQuoteOfMisskeyShowsOnlyItsOwnText(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		o.Receive(bram, overkant.CreateNote(bram, "1", quoteOfTheWild(t, o.Object(a)),
			map[string]any{"_misskey_quote": o.Object(a), "quoteUrl": o.Object(a)}))
		if got := o.CommentKinds(a); !strings.HasPrefix(got, "[quote] 投稿者の設定") || !strings.HasSuffix(got, "てることがある") {
			t.Errorf("under the article stands %q", got)
		}
	})
}

func TestAMentionIsAPostThatLeadsToTheArticle(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		ilse := map[string]any{"tag": []any{map[string]any{"type": "Mention", "href": o.Site.ActorID(o.Ilse.ID),
			"name": "@ilse"}}}
		link := func(address string) string { return `<p>See <a href="` + address + `">here</a></p>` }
		for i, step := range []struct {
			content string
			more    map[string]any
			want    string
		}{
			{link(o.Site.ArticlePage(a)), ilse, "mention"},
			{link(o.Site.ArticlePage(a) + "?utm_source=x#talk"), nil, "link"},
			{link(o.Object(a)), nil, "link"},
			{"<p>Shared.</p>", map[string]any{"type": "Page", "name": "Four minutes",
				"attachment": []any{map[string]any{"type": "Link", "href": o.Site.ArticlePage(a)}}}, "link"},
			{"<p>Hello.</p>", ilse, ""},
			{link(o.Site.URL + "/"), nil, ""},
			{link(o.Site.URL + "/2026/11/never-was"), nil, ""},
			{link("https://elsewhere.example/2026/11/four-minutes-wide"), ilse, ""},
		} {
			name := fmt.Sprint(i)
			o.Receive(bram, overkant.CreateNote(bram, name, step.content, step.more))
			c, err := o.Store.CommentByAddress(t.Context(), bram.ID+"/notes/"+name)
			if step.want == "" {
				if err == nil {
					t.Errorf("%d became a voice: %+v", i, c)
				}
				continue
			}
			if err != nil || string(c.Kind) != step.want || c.State != blog.CommentShown {
				t.Errorf("%d is %+v (%v), want a %s", i, c, err, step.want)
			}
		}
		if got := o.Counts(a); got.Mentions != 4 || got.Replies != 0 {
			t.Errorf("counted are %+v", got)
		}
		for _, path := range []string{"/replies", "/context"} {
			if _, doc := o.JSON(o.Object(a) + path); strings.Contains(fmt.Sprint(doc), bram.Server.Host) {
				t.Errorf("%s lists what is no reply: %v", path, doc)
			}
		}
	})
}

func TestAQuoteIsEditedAndDeletedWithItsPost(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		other := o.Publish(func(a *blog.Article) { a.Slug = "another" })
		ctx := o.Soon()
		said := func(p *fedtest.Person, kind, name, content string, change map[string]any) {
			act := overkant.CreateNote(p, name, content, change)
			act["type"], act["id"] = kind, fmt.Sprintf("%s/%s/%d", p.ID, kind, time.Now().UnixNano())
			o.Receive(p, act)
		}
		later := time.Now()
		updated := func(more map[string]any) map[string]any {
			later = later.Add(time.Minute)
			more["updated"] = later.UTC().Format(time.RFC3339)
			return more
		}
		quote := map[string]any{"quote": o.Object(a)}
		said(bram, "Create", "1", "<p>First.</p>", quote)
		said(kade, "Update", "1", "<p>Forged.</p>",
			updated(map[string]any{"id": bram.ID + "/notes/1", "attributedTo": kade.ID, "quote": o.Object(a)}))
		said(bram, "Update", "1", "<p>Second.</p>", updated(map[string]any{"quote": o.Object(a)}))
		if got := o.CommentKinds(a); got != "[quote] Second." {
			t.Errorf("after the edit: %q", got)
		}
		said(bram, "Update", "1", `<p><a href="`+o.Site.ArticlePage(a)+`">Third</a></p>`, updated(map[string]any{}))
		if got := o.CommentKinds(a); got != "[link] Third" {
			t.Errorf("after it quotes no more: %q", got)
		}
		said(bram, "Update", "1", "<p>Fourth.</p>", updated(map[string]any{"quote": o.Object(other)}))
		if got := o.CommentKinds(a) + o.CommentKinds(other); got != "" {
			t.Errorf("after it speaks of something else: %q", got)
		}
		said(bram, "Create", "2", "<p>Fifth.</p>", quote)
		said(bram, "Update", "2", "<p>Fifth, for friends.</p>",
			updated(map[string]any{"quote": o.Object(a), "to": bram.Followers()}))
		if got := o.CommentKinds(a); got != "" || o.Counts(a).Mentions != 0 {
			t.Errorf("after it is for friends alone: %q", got)
		}
		said(bram, "Update", "3", "<p>Sixth.</p>", updated(map[string]any{"quote": o.Object(a)})) // its Create never came
		if got := o.CommentKinds(a); got != "[quote] Sixth." {
			t.Errorf("a late one: %q", got)
		}
		said(kade, "Delete", "3", "", map[string]any{"id": bram.ID + "/notes/3"})
		if got := o.CommentKinds(a); got != "[quote] Sixth." {
			t.Errorf("after somebody else deletes it: %q", got)
		}
		o.Receive(bram, map[string]any{"id": bram.ID + "/deletes/3", "type": "Delete", "object": bram.ID + "/notes/3"})
		if c, err := o.Store.CommentByAddress(ctx, bram.ID+"/notes/3"); err != nil || c.State != blog.CommentRemoved ||
			c.Plain != "" || o.Counts(a).Mentions != 0 {
			t.Errorf("after its writer deletes it: %+v (%v)", c, err)
		}
	})
}

func TestAQuoteWaitsWhereThePolicyAllowsNone(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		for i, step := range []struct {
			quotes   string
			comments blog.Policy
			want     string
		}{{"everyone", blog.Known, "[quote] bram"}, {"everyone", blog.Open, "[quote] bram|[quote] kade"},
			{"followers", blog.Open, "[quote] bram"},
			{"nobody", blog.Open, ""}, {"everyone", blog.Approve, ""}, {"everyone", blog.Closed, ""}} {
			a := o.Publish(func(a *blog.Article) {
				a.Slug, a.Quotes, a.Comments = fmt.Sprintf("crossing-%d", i), step.quotes, step.comments
			})
			for _, p := range []*fedtest.Person{bram, kade} {
				o.Receive(p, overkant.CreateNote(p, fmt.Sprint(i), "<p>"+p.Name+"</p>", map[string]any{"quote": o.Object(a)}))
			}
			if got := o.CommentKinds(a); got != step.want {
				t.Errorf("quotes for %s, comments %s: shown are %q, want %q", step.quotes, step.comments, got, step.want)
			}
			if got, shown := o.Counts(a).Mentions, len(o.Comments(a)); got != shown {
				t.Errorf("%d are counted, %d shown", got, shown)
			}
			if got := len(o.WaitingComments(a)); got != 2-len(o.Comments(a)) {
				t.Errorf("%d wait", got)
			}
		}
	})
}

func TestAQuoteForFriendsIsForTheAuthorAlone(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for name, to := range map[string]any{"friends": bram.Followers(), "ilse": o.Site.ActorID(o.Ilse.ID), "nobody": nil} {
			o.Receive(bram, overkant.CreateNote(bram, name, "<p>canary</p>", map[string]any{"quote": o.Object(a), "to": to}))
		}
		private, err := o.Store.Comments(o.Soon(), store.CommentFilter{Private: true})
		if err != nil || len(private) != 1 || private[0].Address != bram.ID+"/notes/ilse" {
			t.Errorf("the author sees %+v (%v), want what was addressed to her", private, err)
		}
		if got := len(o.Comments(a)) + o.Counts(a).Mentions; got != 0 {
			t.Errorf("restricted quotes are shown or counted: %d", got)
		}
		for _, path := range []string{"", "/replies", "/context", "/likes", "/shares"} {
			if code, doc := o.JSON(o.Object(a) + path); code != http.StatusOK ||
				strings.Contains(fmt.Sprint(doc), bram.Server.Host) {
				t.Errorf("%s is %d %v", path, code, doc)
			}
		}
	})
}

func TestAReplyToAQuoteIsShownUnderIt(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, nadia := o.Server("veerhuis").Person("bram"), o.Server("noordkade", fedtest.Misskey).Person("nadia")
		a := o.Publish()
		ctx := o.Soon()
		quote, err := nadia.Post(ctx, "<p>Read this.</p>", fedtest.Quoting(o.Object(a)),
			fedtest.Mention(o.Site.ActorID(o.Ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		c, err := o.Store.CommentByAddress(ctx, quote.Object)
		if err != nil || c.Kind != blog.Quoting {
			t.Fatalf("the quote is %+v (%v)", c, err)
		}
		answer, err := o.Outbox.Reply(ctx, o.Ilse, c.ID, "Thank you.")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nadia.Server.WaitFor(ctx, fedtest.About("Create", answer.Address)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(ctx, quote.Object, "<p>I will.</p>", fedtest.Mention(o.Site.ActorID(o.Ilse.ID))); err != nil {
			t.Fatal(err)
		}
		threads := blog.Threads(o.Comments(a))
		if len(threads) != 1 || len(threads[0].Answers) != 2 {
			t.Fatalf("the threads are %+v", threads)
		}
		if got := o.Counts(a); got.Mentions != 1 || got.Replies != 2 || got.Servers != 1 {
			t.Errorf("counted are %+v", got)
		}
	})
}
