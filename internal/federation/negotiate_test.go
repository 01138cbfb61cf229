package federation_test

import (
	"strings"
	"testing"
)

const (
	asMastodon  = "application/activity+json, application/ld+json"
	asMastodon2 = `application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json, text/html;q=0.1`
	asBrowser   = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	plain       = "application/activity+json; charset=utf-8"
	linked      = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
)

// asked is a question and the answer that it should get; kind is the media type, "" for any.
type asked struct {
	path, accept string
	code         int
	kind         string
}

func (o *overkant) answers(list ...asked) {
	o.t.Helper()
	for _, ask := range list {
		code, header, _ := o.get(ask.path, ask.accept)
		if code != ask.code || ask.kind != "" && header.Get("Content-Type") != ask.kind {
			o.t.Errorf("%s as %q: %d %q, want %d %q", ask.path, ask.accept, code, header.Get("Content-Type"), ask.code, ask.kind)
		}
	}
}

// A page is answered with 404 by these fixtures, which have none: it is what the faces of the blog are for.

func TestF009AHumanAddressAnswersTheObjectItself(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		for path, id := range map[string]string{o.site.ArticlePath(a): o.object(a), "/@ilse": o.site.ActorID(o.ilse.ID), "/": o.site.InstanceID()} {
			code, header, body := o.get(path, asMastodon)
			if _, _, want := o.get(o.path(id), asMastodon); code != 200 || header.Get("Content-Type") != plain || body != want || !strings.Contains(body, `"id":"`+id+`"`) {
				t.Errorf("%s: %d %q %s, want %s", path, code, header.Get("Content-Type"), body, want)
			}
		}
	})
}

func TestF010AnAddressAnswersInTheLanguageThatIsAskedFor(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		page, object := o.site.ArticlePath(a), o.path(o.object(a))
		o.answers(
			asked{page, asMastodon2, 200, plain}, asked{page, "application/json", 200, plain}, asked{page, asBrowser, 404, ""}, asked{page, "*/*", 404, ""},
			asked{page, "", 404, ""}, asked{page, "application/activity+json;q=0.2, text/html;q=0.9", 404, ""}, asked{page, "application/json, text/html", 404, ""},
			asked{object, "*/*", 200, plain}, asked{object, "", 200, plain}, asked{object, asBrowser, 303, ""}, asked{object, asMastodon, 200, plain},
			asked{"/2026/11/nothing", asMastodon, 404, plain}, asked{"/ap/nothing", asMastodon, 404, "application/json; charset=utf-8"},
			asked{object + "/replies", asBrowser, 200, plain},
		)
		if _, header, _ := o.get(object, asBrowser); header.Get("Location") != o.site.ArticlePage(a) {
			t.Errorf("a browser is led to %q", header.Get("Location"))
		}
	})
}

func TestF011AcceptIsReadHoweverItIsWritten(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		page := o.site.ArticlePath(o.publish())
		o.answers(
			asked{page, "APPLICATION/ACTIVITY+JSON", 200, plain},
			asked{page, "application/ld+json; profile=https://www.w3.org/ns/activitystreams", 200, linked},
			asked{page, `  application/ld+json ;  PROFILE="https://www.w3.org/ns/activitystreams" ,text/html;q=0.1`, 200, linked},
			asked{page, "application/ld+json", 200, linked}, asked{page, `application/ld+json;profile="https://www.w3.org/ns/activitystreams",application/activity+json`, 200, plain},
			asked{page, "application/activity+json; charset=utf-8; q=1.0", 200, plain}, asked{page, "text/html; q=0.5, application/activity+json ; Q=0.5", 200, plain},
			asked{page, "application/activity+json;q=0, text/html", 404, ""}, asked{page, "application/activity+json;q=nonsense", 404, ""},
			asked{page, ",;,=,,", 404, ""}, asked{page, "application/activity+json;q=0.3, text/html;q=0.30001", 404, ""},
		)
	})
}

func TestF013AnswersAreNeverPlainJSON(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		object, actor := o.path(o.object(a)), "/ap/actors/"+string(o.ilse.ID)
		for _, path := range []string{o.site.ArticlePath(a), "/@ilse", "/", object, object + "/replies", object + "/replies?cursor=", object + "/likes", object + "/shares",
			object + "/context", actor, actor + "/outbox", actor + "/outbox?cursor=", actor + "/followers", actor + "/following", actor + "/featured", "/ap/instance"} {
			o.answers(asked{path, "application/json", 200, plain}, asked{path, asMastodon, 200, plain}, asked{path, linked, 200, linked})
			if _, header, _ := o.get(path, linked); !strings.Contains(header.Get("Vary"), "Accept") || header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: headers %v", path, header)
			}
		}
	})
}
