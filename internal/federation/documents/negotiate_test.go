package documents_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// asked is a request and the answer that it should get; kind is the media type, "" for any.
type asked struct {
	path, accept string
	code         int
	kind         string
}

func answers(o *overkant.Blog, list ...asked) {
	o.T.Helper()
	for _, ask := range list {
		code, header, _ := o.Get(ask.path, ask.accept)
		if code != ask.code || ask.kind != "" && header.Get("Content-Type") != ask.kind {
			o.T.Errorf("%s as %q: %d %q, want %d %q", ask.path, ask.accept, code, header.Get("Content-Type"), ask.code, ask.kind)
		}
	}
}

// These fixtures have no pages, so a page is a 404 here.

func TestF009AHumanAddressAnswersTheObjectItself(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		for path, id := range map[string]string{o.Site.ArticlePath(a): o.Object(a), "/@ilse": o.Site.ActorID(o.Ilse.ID),
			"/": o.Site.InstanceID()} {
			code, header, body := o.Get(path, overkant.AsMastodon)
			if _, _, want := o.Get(o.Path(id), overkant.AsMastodon); code != 200 ||
				header.Get("Content-Type") != overkant.Plain || body != want || !strings.Contains(body, `"id":"`+id+`"`) {
				t.Errorf("%s: %d %q %s, want %s", path, code, header.Get("Content-Type"), body, want)
			}
		}
	})
}

func TestF125OnlyTheURLOfADocumentAnswersItAndOtherAddressesLeadToTheID(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish(func(a *blog.Article) { a.SeriesTitle, a.SeriesSlug = "The ferries", "ferries" })
		old := o.Site.ArticlePath(a)
		a = o.Revise(a, func(a *blog.Article) { a.Slug = "wider-now" })
		o.Translate(a, blog.Translation{Text: blog.Text{Language: "nl", Title: "Vier minuten", Slug: "vier-minuten",
			Markdown: "Het veer.", HTML: "<p>Het veer.</p>", Plain: "Het veer.", WordCount: 2}})
		voice := o.AddVoice(blog.SeriesVoice, "ferries", "The ferries", a.SeriesID)
		own, month := o.Site.ArticlePath(a), "/"+a.Month+"/"
		object, ilse, ferries := o.Object(a), o.Site.ActorID(o.Ilse.ID), o.Site.ActorID(voice.ID)
		for _, secure := range []bool{false, true} {
			o.Documents.AuthorizedFetch = secure
			bram := o.Server("veerhuis" + fmt.Sprint(secure)).Person("bram")
			for path, want := range map[string]string{
				own: "", "/@ilse": "", "/": "", "/series/ferries": "",
				old: object, month + "vier-minuten": object, "/1999/01/wider-now": object,
				own + "?utm_source=feed": object, own + "?lang=nl": object,
				"/@Ilse": ilse, "/@ilse?a=b": ilse, "/series/ferries?page=2": ferries,
				"/?utm_source=feed": o.Site.InstanceID(),
			} {
				for range 2 { // the second time from the cache
					for _, accept := range []string{overkant.AsMastodon, "application/activity+json"} {
						answer := given(t, o, bram, o.Site.URL+path, fedtest.EditHeader(func(h http.Header) { h.Set("Accept", accept) }))
						if status := map[bool]int{true: 200, false: 303}[want == ""]; answer.Status != status ||
							answer.Header.Get("Location") != want || !strings.Contains(answer.Header.Get("Vary"), "Accept") {
							t.Errorf("%s as %q, secure %t: %d to %q, want %q", path, accept, secure, answer.Status,
								answer.Header.Get("Location"), want)
						}
					}
				}
			}
		}
		for _, path := range []string{"/@Ilse", "/@ilse?a=b", "/%40ilse"} { // unsigned: there is a stub
			if code, header, _ := o.Get(path, overkant.AsMastodon); code != 303 || header.Get("Location") != ilse {
				t.Errorf("%s unsigned: %d %q", path, code, header.Get("Location"))
			}
		}
		o.Documents.AuthorizedFetch = false
		path := strings.Replace(own, "-", "%2d", 1)
		if code, header, _ := o.Get(path, overkant.AsMastodon); code != 303 || header.Get("Location") != object {
			t.Errorf("%s: %d %q", path, code, header.Get("Location"))
		}
	})
}

func TestF010AnAddressAnswersInTheRequestedMediaType(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		page, object := o.Site.ArticlePath(a), o.Path(o.Object(a))
		answers(o,
			asked{page, overkant.AsMastodon2, 200, overkant.Plain}, asked{page, "application/json", 200, overkant.Plain},
			asked{page, overkant.AsBrowser, 404, ""}, asked{page, "*/*", 404, ""},
			asked{page, "", 404, ""}, asked{page, "application/activity+json;q=0.2, text/html;q=0.9", 404, ""},
			asked{page, "application/json, text/html", 404, ""},
			asked{object, "*/*", 200, overkant.Plain}, asked{object, "", 200, overkant.Plain},
			asked{object, overkant.AsBrowser, 303, ""}, asked{object, overkant.AsMastodon, 200, overkant.Plain},
			asked{"/2026/11/nothing", overkant.AsMastodon, 404, overkant.Plain},
			asked{"/ap/nothing", overkant.AsMastodon, 404, "application/json; charset=utf-8"},
			asked{object + "/replies", overkant.AsBrowser, 200, overkant.Plain},
		)
		if _, header, _ := o.Get(object, overkant.AsBrowser); header.Get("Location") != o.Site.ArticlePage(a) {
			t.Errorf("a browser is led to %q", header.Get("Location"))
		}
	})
}

func TestF011AcceptIsReadHoweverItIsWritten(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		page := o.Site.ArticlePath(o.Publish())
		answers(o,
			asked{page, "APPLICATION/ACTIVITY+JSON", 200, overkant.Plain},
			asked{page, "application/ld+json; profile=https://www.w3.org/ns/activitystreams", 200, overkant.Linked},
			asked{page, `  application/ld+json ;  PROFILE="https://www.w3.org/ns/activitystreams" ,text/html;q=0.1`, 200,
				overkant.Linked},
			asked{page, "application/ld+json", 200, overkant.Linked},
			asked{page, `application/ld+json;profile="https://www.w3.org/ns/activitystreams",application/activity+json`, 200,
				overkant.Plain},
			asked{page, "application/activity+json; charset=utf-8; q=1.0", 200, overkant.Plain},
			asked{page, "text/html; q=0.5, application/activity+json ; Q=0.5", 200, overkant.Plain},
			asked{page, "application/activity+json;q=0, text/html", 404, ""},
			asked{page, "application/activity+json;q=nonsense", 404, ""},
			asked{page, ",;,=,,", 404, ""}, asked{page, "application/activity+json;q=0.3, text/html;q=0.30001", 404, ""},
		)
	})
}

func TestF013AnswersAreNeverPlainJSON(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		object, actor := o.Path(o.Object(a)), "/ap/actors/"+string(o.Ilse.ID)
		for _, path := range []string{o.Site.ArticlePath(a), "/@ilse", "/", object, object + "/replies",
			object + "/replies?cursor=", object + "/likes", object + "/shares",
			object + "/context", actor, actor + "/outbox", actor + "/outbox?cursor=", actor + "/followers", actor + "/following",
			actor + "/featured", "/ap/instance"} {
			answers(o, asked{path, "application/json", 200, overkant.Plain},
				asked{path, overkant.AsMastodon, 200, overkant.Plain}, asked{path, overkant.Linked, 200, overkant.Linked})
			if _, header, _ := o.Get(path, overkant.Linked); !strings.Contains(header.Get("Vary"), "Accept") ||
				header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: headers %v", path, header)
			}
		}
	})
}
