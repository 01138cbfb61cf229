package federation_test

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
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

// post is a public note of a person's, as a Create carries it; change adds to it.
func post(p *neighbour.Person, name, content string, change map[string]any) map[string]any {
	note := map[string]any{"type": "Note", "id": p.ID + "/notes/" + name, "attributedTo": p.ID, "content": content, "to": "as:Public",
		"published": time.Now().UTC().Format(time.RFC3339)}
	for key, value := range change {
		note[key] = value
	}
	return map[string]any{"id": p.ID + "/acts/" + name, "type": "Create", "object": note}
}

// kinds lists how what stands under an article stands to it, in its order.
func (o *overkant) kinds(a blog.Article) string {
	o.t.Helper()
	var kinds []string
	for _, c := range o.comments(a) {
		if c.State == blog.CommentShown {
			kinds = append(kinds, "["+string(c.Kind)+"] "+c.Plain)
		}
	}
	return strings.Join(kinds, "|")
}

func TestAQuoteStandsUnderTheArticleInAllItsSpellings(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		tag := func(more map[string]any) map[string]any {
			link := map[string]any{"type": "Link", "mediaType": `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, "href": o.object(a)}
			for k, v := range more {
				link[k] = v
			}
			return map[string]any{"tag": []any{link}}
		}
		for i, spelling := range []map[string]any{{"quote": o.object(a)}, {"quoteUrl": o.object(a)}, {"quoteUri": o.object(a)}, {"_misskey_quote": o.object(a)},
			tag(map[string]any{"rel": "https://misskey-hub.net/ns#_misskey_quote"}), {"quote": map[string]any{"id": o.object(a), "type": "Article"}},
			{"quoteUrl": o.site.ArticlePage(a)}} {
			o.hears(bram, post(bram, fmt.Sprint(i), fmt.Sprintf("<p>%d</p>", i), spelling))
		}
		if got, want := o.counts(a), (blog.Counts{Mentions: 7}); got != want {
			t.Errorf("counted are %+v, want %+v; under the article stands %s", got, want, o.kinds(a))
		}
		if got := o.kinds(a); !strings.HasPrefix(got, "[quote] 0|[quote] 1|") {
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
	if err := json.Unmarshal(bytes.Replace(body, []byte(`"_misskey_quote": "http`), []byte(`"quote": "http`), 1), &note); err != nil || note.Quote == "" {
		t.Fatalf("%s: %v", body, err)
	}
	return strings.ReplaceAll(note.Content, note.Quote, quoted)
}

func TestAQuoteOfMisskeyShowsItsOwnWordsAlone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		o.hears(bram, post(bram, "1", quoteOfTheWild(t, o.object(a)), map[string]any{"_misskey_quote": o.object(a), "quoteUrl": o.object(a)}))
		if got := o.kinds(a); !strings.HasPrefix(got, "[quote] 投稿者の設定") || !strings.HasSuffix(got, "てることがある") {
			t.Errorf("under the article stands %q", got)
		}
	})
}

func TestAMentionIsAPostThatLeadsToTheArticle(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		ilse := map[string]any{"tag": []any{map[string]any{"type": "Mention", "href": o.site.ActorID(o.ilse.ID), "name": "@ilse"}}}
		link := func(address string) string { return `<p>See <a href="` + address + `">here</a></p>` }
		for i, step := range []struct {
			content string
			more    map[string]any
			want    string
		}{
			{link(o.site.ArticlePage(a)), ilse, "mention"},
			{link(o.site.ArticlePage(a) + "?utm_source=x#talk"), nil, "link"},
			{link(o.object(a)), nil, "link"},
			{"<p>Shared.</p>", map[string]any{"type": "Page", "name": "Four minutes", "attachment": []any{map[string]any{"type": "Link", "href": o.site.ArticlePage(a)}}}, "link"},
			{"<p>Hello.</p>", ilse, ""},
			{link(o.site.URL + "/"), nil, ""},
			{link(o.site.URL + "/2026/11/never-was"), nil, ""},
			{link("https://elsewhere.example/2026/11/four-minutes-wide"), ilse, ""},
		} {
			name := fmt.Sprint(i)
			o.hears(bram, post(bram, name, step.content, step.more))
			c, err := o.store.CommentByAddress(t.Context(), bram.ID+"/notes/"+name)
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
		if got := o.counts(a); got.Mentions != 4 || got.Replies != 0 {
			t.Errorf("counted are %+v", got)
		}
		for _, path := range []string{"/replies", "/context"} {
			if _, doc := o.json(o.object(a) + path); strings.Contains(fmt.Sprint(doc), bram.Server.Host) {
				t.Errorf("%s lists what is no reply: %v", path, doc)
			}
		}
	})
}

func TestAQuoteChangesAndEndsWithItsPost(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		other := o.publish(func(a *blog.Article) { a.Slug = "another" })
		ctx := o.soon()
		said := func(p *neighbour.Person, kind, name, content string, change map[string]any) {
			act := post(p, name, content, change)
			act["type"], act["id"] = kind, fmt.Sprintf("%s/%s/%d", p.ID, kind, time.Now().UnixNano())
			o.hears(p, act)
		}
		later := time.Now()
		updated := func(more map[string]any) map[string]any {
			later = later.Add(time.Minute)
			more["updated"] = later.UTC().Format(time.RFC3339)
			return more
		}
		quote := map[string]any{"quote": o.object(a)}
		said(bram, "Create", "1", "<p>First.</p>", quote)
		said(kade, "Update", "1", "<p>Forged.</p>", updated(map[string]any{"id": bram.ID + "/notes/1", "attributedTo": kade.ID, "quote": o.object(a)}))
		said(bram, "Update", "1", "<p>Second.</p>", updated(map[string]any{"quote": o.object(a)}))
		if got := o.kinds(a); got != "[quote] Second." {
			t.Errorf("after the edit: %q", got)
		}
		said(bram, "Update", "1", `<p><a href="`+o.site.ArticlePage(a)+`">Third</a></p>`, updated(map[string]any{}))
		if got := o.kinds(a); got != "[link] Third" {
			t.Errorf("after it quotes no more: %q", got)
		}
		said(bram, "Update", "1", "<p>Fourth.</p>", updated(map[string]any{"quote": o.object(other)}))
		if got := o.kinds(a) + o.kinds(other); got != "" {
			t.Errorf("after it speaks of something else: %q", got)
		}
		said(bram, "Create", "2", "<p>Fifth.</p>", quote)
		said(bram, "Update", "2", "<p>Fifth, for friends.</p>", updated(map[string]any{"quote": o.object(a), "to": bram.Followers()}))
		if got := o.kinds(a); got != "" || o.counts(a).Mentions != 0 {
			t.Errorf("after it is for friends alone: %q", got)
		}
		said(bram, "Update", "3", "<p>Sixth.</p>", updated(map[string]any{"quote": o.object(a)})) // its Create never came
		if got := o.kinds(a); got != "[quote] Sixth." {
			t.Errorf("a late one: %q", got)
		}
		said(kade, "Delete", "3", "", map[string]any{"id": bram.ID + "/notes/3"})
		if got := o.kinds(a); got != "[quote] Sixth." {
			t.Errorf("after somebody else deletes it: %q", got)
		}
		o.hears(bram, map[string]any{"id": bram.ID + "/deletes/3", "type": "Delete", "object": bram.ID + "/notes/3"})
		if c, err := o.store.CommentByAddress(ctx, bram.ID+"/notes/3"); err != nil || c.State != blog.CommentRemoved || c.Plain != "" || o.counts(a).Mentions != 0 {
			t.Errorf("after its writer deletes it: %+v (%v)", c, err)
		}
	})
}

func TestAQuoteWaitsWhereItsAuthorWantsNone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		o.befriend(bram)
		for i, step := range []struct {
			quotes   string
			comments blog.Policy
			want     string
		}{{"everyone", blog.Known, "[quote] bram"}, {"everyone", blog.Open, "[quote] bram|[quote] kade"}, {"followers", blog.Open, "[quote] bram"},
			{"nobody", blog.Open, ""}, {"everyone", blog.Approve, ""}, {"everyone", blog.Closed, ""}} {
			a := o.publish(func(a *blog.Article) {
				a.Slug, a.Quotes, a.Comments = fmt.Sprintf("crossing-%d", i), step.quotes, step.comments
			})
			for _, p := range []*neighbour.Person{bram, kade} {
				o.hears(p, post(p, fmt.Sprint(i), "<p>"+p.Name+"</p>", map[string]any{"quote": o.object(a)}))
			}
			if got := o.kinds(a); got != step.want {
				t.Errorf("quotes for %s, comments %s: shown are %q, want %q", step.quotes, step.comments, got, step.want)
			}
			if got, shown := o.counts(a).Mentions, len(o.comments(a)); got != shown {
				t.Errorf("%d are counted, %d shown", got, shown)
			}
			if got := len(o.waiting(a)); got != 2-len(o.comments(a)) {
				t.Errorf("%d wait", got)
			}
		}
	})
}

func TestAQuoteForFriendsIsForTheAuthorAlone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		for name, to := range map[string]any{"friends": bram.Followers(), "ilse": o.site.ActorID(o.ilse.ID), "nobody": nil} {
			o.hears(bram, post(bram, name, "<p>canary</p>", map[string]any{"quote": o.object(a), "to": to}))
		}
		private, err := o.store.Comments(o.soon(), store.CommentList{Private: true})
		if err != nil || len(private) != 1 || private[0].Address != bram.ID+"/notes/ilse" {
			t.Errorf("the author sees %+v (%v), want what was addressed to her", private, err)
		}
		if got := len(o.comments(a)) + o.counts(a).Mentions; got != 0 {
			t.Errorf("restricted quotes are shown or counted: %d", got)
		}
		for _, path := range []string{"", "/replies", "/context", "/likes", "/shares"} {
			if code, doc := o.json(o.object(a) + path); code != http.StatusOK || strings.Contains(fmt.Sprint(doc), bram.Server.Host) {
				t.Errorf("%s is %d %v", path, code, doc)
			}
		}
	})
}

func TestAnAnswerToAQuoteStandsUnderIt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, nadia := o.server("veerhuis").Person("bram"), o.server("noordkade", neighbour.Misskey).Person("nadia")
		a := o.publish()
		ctx := o.soon()
		quote, err := nadia.Post(ctx, "<p>Read this.</p>", neighbour.Quoting(o.object(a)), neighbour.Mention(o.site.ActorID(o.ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		c, err := o.store.CommentByAddress(ctx, quote.Object)
		if err != nil || c.Kind != blog.Quoting {
			t.Fatalf("the quote is %+v (%v)", c, err)
		}
		answer, err := o.outbox.Reply(ctx, o.ilse, c.ID, "Thank you.")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nadia.Server.WaitFor(ctx, neighbour.About("Create", answer.Address)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(ctx, quote.Object, "<p>I will.</p>", neighbour.Mention(o.site.ActorID(o.ilse.ID))); err != nil {
			t.Fatal(err)
		}
		threads := blog.Threads(o.comments(a))
		if len(threads) != 1 || len(threads[0].Answers) != 2 {
			t.Fatalf("the threads are %+v", threads)
		}
		if got := o.counts(a); got.Mentions != 1 || got.Replies != 2 || got.Servers != 1 {
			t.Errorf("counted are %+v", got)
		}
	})
}
