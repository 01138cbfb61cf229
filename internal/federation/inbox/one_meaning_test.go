package inbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// delivered sends a Create of a reply to an article, with other members, and returns the status and the comments.
func delivered(o *overkant.Blog, p *fedtest.Person, name string, change map[string]any,
	options ...fedtest.SendOption) (int, string) {
	o.T.Helper()
	a := o.Publish(func(a *blog.Article) { a.Slug = name })
	note := map[string]any{"inReplyTo": o.Object(a)}
	for key, value := range change {
		note[key] = value
	}
	act := overkant.CreateNote(p, name, "<p>"+name+"</p>", note)
	act["actor"] = p.ID
	answer, _ := p.Send(o.Soon(), o.Site.SharedInbox(), act, options...)
	o.WaitSettled()
	return answer.Status, o.CommentTexts(a)
}

func TestT252OneIDNamesOneThing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, tess := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("tess")
		lotte := bram.Server.Person("lotte")
		for _, p := range []*fedtest.Person{bram, tess, lotte} {
			if status, shown := delivered(o, p, "first-of-"+p.Name, nil); status != 202 || shown == "" {
				t.Fatalf("a reply as it should be: %d, %q", status, shown)
			}
		}
		for name, id := range map[string]string{
			"its-author": bram.ID, "another-actor": lotte.ID, "its-author-s-key": bram.KeyID(),
			"its-author-s-inbox": bram.ID + "/inbox",
		} {
			if status, shown := delivered(o, bram, name, map[string]any{"id": id}); status != 202 || shown != "" {
				t.Errorf("a post with the id of %s: %d, %q is shown", name, status, shown)
			}
			mention := map[string]any{"id": id, "inReplyTo": nil, "to": []string{overkantPublic, o.Site.ActorID(o.Ilse.ID)},
				"tag": []any{map[string]any{"type": "Mention", "href": o.Site.ActorID(o.Ilse.ID)}}}
			delivered(o, bram, name+"-mention", mention)
			if _, err := o.Store.MentionByAddress(t.Context(), id); !errors.Is(err, blog.ErrNotFound) {
				t.Errorf("a mention with the id of %s is kept (%v)", name, err)
			}
		}
	})
}

const overkantPublic = "https://www.w3.org/ns/activitystreams#Public"

func TestT253APostByAuthorsOfSeveralServersIsNobodys(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, tess := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("tess")
		object := func(id string) any { return map[string]any{"type": "Person", "id": id} }
		for name, c := range map[string]struct {
			by    any
			shown bool
		}{
			"own-alone":        {[]any{bram.ID}, true},
			"own-and-a-group":  {[]any{object(bram.ID), map[string]any{"type": "Group", "id": bram.ID + "/group"}}, true},
			"own-and-foreign":  {[]any{bram.ID, tess.ID}, false},
			"own-and-objects":  {[]any{object(bram.ID), object(tess.ID)}, false},
			"foreign-and-own":  {[]any{tess.ID, bram.ID}, false},
			"own-and-one-here": {[]any{bram.ID, o.Site.ActorID(o.Ilse.ID)}, false},
			"own-and-no-id":    {[]any{bram.ID, map[string]any{"type": "Person"}}, false},
		} {
			status, shown := delivered(o, bram, name, map[string]any{"attributedTo": c.by})
			if status != 202 || (shown != "") != c.shown {
				t.Errorf("%s: %d, %q is shown", name, status, shown)
			}
		}
	})
}

func TestT254AnInboxTakesNoQueryThatIsNotSigned(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for inbox, want := range map[string]int{o.Site.SharedInbox(): 202, o.Site.SharedInbox() + "?to=x": 401,
			o.Site.SharedInbox() + "?": 401, o.Site.ActorID(o.Ilse.ID) + "/inbox?to=x&to=y": 401} {
			plain, _, _ := strings.Cut(inbox, "?")
			sent, err := bram.Prepare(plain, overkant.Activity("Like", bram, o.Object(a), fmt.Sprint(len(inbox))))
			if err != nil {
				t.Fatal(err)
			}
			sent.URL = inbox
			if got := overkant.StatusOf(second(sent.Send(o.Soon()))); got != want {
				t.Errorf("signed for %s, sent to %s: %d, want %d", plain, inbox, got, want)
			}
		}
		act := overkant.Activity("Like", bram, o.Object(a), "signed-query")
		if answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox()+"?to=x", act); answer.Status != 202 {
			t.Errorf("a query that is signed: %d", answer.Status)
		}
	})
}

func second(_ fedtest.Response, err error) error { return err }

func TestT255TwoKindsOfSignatureAtOnceAreRefused(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for name, edit := range map[string]func(http.Header){
			"the same in Authorization": func(h http.Header) { h.Set("Authorization", "Signature "+h.Get("Signature")) },
			"a new kind beside it": func(h http.Header) {
				h.Set("Authorization", "Signature "+h.Get("Signature"))
				h.Set("Signature", "sig=:AAAA:")
				h.Set("Signature-Input", `sig=("@method");created=1;keyid="x"`)
			},
			"a new kind in one header": func(h http.Header) {
				h.Add("Signature", "sig=:AAAA:")
				h.Set("Signature-Input", `sig=("@method");created=1;keyid="x"`)
			},
		} {
			act := overkant.Activity("Like", bram, o.Object(a), fmt.Sprint(len(name)))
			sent, err := bram.Prepare(o.Site.SharedInbox(), act)
			if err != nil {
				t.Fatal(err)
			}
			edit(sent.Header)
			if got := overkant.StatusOf(second(sent.Send(o.Soon()))); got != 401 {
				t.Errorf("%s: %d, want 401", name, got)
			}
		}
		if got := o.Counts(a).Likes; got != 0 {
			t.Errorf("%d likes", got)
		}
	})
}

func TestT256AMediaTypeOfSomethingElseIsRefused(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		const as = "https://www.w3.org/ns/activitystreams"
		for kind, want := range map[string]int{
			"application/activity+json":                                           202,
			`application/activity+json; profile="` + as + `"`:                     202,
			`application/ld+json; profile="` + as + ` https://w3id.org/security"`: 202,
			`application/activity+json; profile="https://example.org/other"`:      415,
			`application/activity+json; profile=""`:                               415,
			`application/ld+json; profile="https://example.org/other"`:            415,
		} {
			act := overkant.Activity("Like", bram, o.Object(a), fmt.Sprint(len(kind)))
			sent, err := bram.Prepare(o.Site.SharedInbox(), act)
			if err != nil {
				t.Fatal(err)
			}
			sent.Header.Set("Content-Type", kind)
			if got := overkant.StatusOf(second(sent.Send(o.Soon()))); got != want {
				t.Errorf("%s: %d, want %d", kind, got, want)
			}
		}
	})
}

func TestF137ANULInATextGoesAndTheWordsStay(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		for name, c := range map[string]struct {
			change map[string]any
			status int
			want   string
		}{
			"in-words":   {map[string]any{"content": "<p>a\x00b</p>"}, 202, "ab"},
			"in-a-title": {map[string]any{"content": "<p>c</p>", "summary": "war\x00ning", "sensitive": true}, 202, "c"},
			"in-an-aside": {map[string]any{"content": "<p>d</p>", "contentMap": map[string]any{"nl": "<p>\x00</p>"},
				"tag": []any{map[string]any{"type": "Hashtag", "name": "#\x00"}}, "x": "\x00"}, 202, "d"},
			"in-a-link": {map[string]any{"content": "<p>e</p>", "url": bram.ID + "/not\x00es/1"}, 202, "e"},
			"in-its-id": {map[string]any{"content": "<p>f</p>", "id": bram.ID + "/not\x00es/1"}, 400, ""},
		} {
			a := o.Publish(func(a *blog.Article) { a.Slug = name })
			note := map[string]any{"inReplyTo": o.Object(a)}
			for key, value := range c.change {
				note[key] = value
			}
			act := overkant.CreateNote(bram, name, "", note)
			act["actor"] = bram.ID
			body, err := json.Marshal(act)
			if err != nil {
				t.Fatal(err)
			}
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), json.RawMessage(body))
			if answer.Status != c.status || o.CommentTexts(a) != c.want {
				t.Errorf("%s: %d, %q is shown, want %q", name, answer.Status, o.CommentTexts(a), c.want)
			}
		}
	})
}
