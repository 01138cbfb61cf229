package federation_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
)

const (
	asMastodon  = "application/activity+json, application/ld+json"
	asMastodon2 = `application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json, text/html;q=0.1`
	asBrowser   = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	plain       = "application/activity+json; charset=utf-8"
	linked      = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
)

func TestWebFingerFindsWhoIsMeant(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		host, ilse := o.site.Host(), o.site.ActorID(o.ilse.ID)
		for resource, want := range map[string]string{
			"acct:ilse@" + host: ilse, "acct:Ilse@" + strings.ToUpper(host): ilse, "@ilse@" + host: ilse, "ilse@" + host: ilse,
			o.site.URL + "/@ilse": ilse, ilse: ilse, o.site.ArticlePage(a): ilse,
			o.site.URL: o.site.InstanceID(), o.site.URL + "/": o.site.InstanceID(), "acct:127.0.0.1@" + host: o.site.InstanceID(), o.site.InstanceID(): o.site.InstanceID(),
		} {
			code, header, body := o.get("/.well-known/webfinger?resource="+url.QueryEscape(resource), "*/*")
			var found struct {
				Subject string
				Links   []struct{ Rel, Type, Href string }
			}
			if err := json.Unmarshal([]byte(body), &found); err != nil || code != 200 {
				t.Errorf("%s: %d %s", resource, code, body)
				continue
			}
			var self string
			for _, l := range found.Links {
				if l.Rel == "self" && l.Type == "application/activity+json" {
					self = l.Href
				}
			}
			if self != want || !strings.HasPrefix(header.Get("Content-Type"), "application/jrd+json") || header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: self %q, want %q (%v)", resource, self, want, header)
			}
			if want == ilse && found.Subject != "acct:ilse@"+host {
				t.Errorf("%s: subject %q", resource, found.Subject)
			}
		}
		for query, want := range map[string]int{"": 400, "?resource=a&resource=b": 400, "?resource=foo": 400, "?resource=acct:nobody@" + host: 404,
			"?resource=acct:ilse@elsewhere.example": 404, "?resource=https://elsewhere.example/@ilse": 404} {
			if code, _, body := o.get("/.well-known/webfinger"+query, "*/*"); code != want {
				t.Errorf("%q: %d %s, want %d", query, code, body, want)
			}
		}
		_, _, body := o.get("/.well-known/webfinger?rel=self&resource=acct:ilse@"+host, "*/*")
		if strings.Contains(body, "profile-page") || !strings.Contains(body, `"self"`) {
			t.Errorf("rel=self gives %s", body)
		}
	})
}

func TestTheSiteTellsWhatItIs(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		for path, words := range map[string][]string{
			"/.well-known/host-meta":      {`rel="lrdd"`, "{uri}"},
			"/.well-known/host-meta.json": {`"lrdd"`, "{uri}"},
			"/.well-known/nodeinfo":       {"schema/2.0", "schema/2.1", o.site.InstanceID()},
			"/nodeinfo/2.0":               {`"version":"2.0"`, `"causerie"`, `"activitypub"`},
			"/nodeinfo/2.1":               {`"version":"2.1"`, `"homepage"`, `"De Overkant"`},
			"/ap/instance":                {`"Application"`, `"publicKeyPem"`, `"inbox"`},
		} {
			code, _, body := o.get(path, "*/*")
			for _, word := range words {
				if code != 200 || !strings.Contains(body, word) {
					t.Errorf("%s: %d, want %q in %s", path, code, word, body)
				}
			}
		}
		if code, _, _ := o.get("/nodeinfo/1.0", "*/*"); code != 404 {
			t.Errorf("/nodeinfo/1.0: %d", code)
		}
	})
}

func TestAnAddressAnswersInTheLanguageThatIsAskedFor(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		page, object := o.site.ArticlePath(a), strings.TrimPrefix(o.object(a), o.site.URL)
		for _, ask := range []struct {
			path, accept string
			code         int
			kind         string
		}{
			{page, asMastodon, 200, plain}, {page, asMastodon2, 200, plain}, {page, "APPLICATION/ACTIVITY+JSON", 200, plain},
			{page, "application/ld+json; profile=https://www.w3.org/ns/activitystreams", 200, linked}, {page, "application/ld+json", 200, linked},
			{page, "application/json", 200, plain}, {page, asBrowser, 404, ""}, {page, "*/*", 404, ""}, {page, "", 404, ""},
			{page, "application/activity+json;q=0.2, text/html;q=0.9", 404, ""},
			{object, "*/*", 200, plain}, {object, "", 200, plain}, {object, asBrowser, 303, ""}, {object, asMastodon, 200, plain},
			{"/@ilse", asMastodon, 200, plain}, {"/", asMastodon, 200, plain}, {"/2026/11/nothing", asMastodon, 404, plain},
			{"/ap/nothing", asMastodon, 404, "application/json; charset=utf-8"}, {object + "/replies", asBrowser, 200, plain},
		} {
			code, header, body := o.get(ask.path, ask.accept)
			if code != ask.code || ask.kind != "" && header.Get("Content-Type") != ask.kind {
				t.Errorf("%s as %q: %d %q, want %d %q", ask.path, ask.accept, code, header.Get("Content-Type"), ask.code, ask.kind)
			}
			if code == 200 && (!strings.Contains(header.Get("Vary"), "Accept") || header.Get("Access-Control-Allow-Origin") != "*" || header.Get("ETag") == "") {
				t.Errorf("%s as %q: headers %v", ask.path, ask.accept, header)
			}
			if code == 303 && header.Get("Location") != o.site.ArticlePage(a) {
				t.Errorf("%s leads to %q", ask.path, header.Get("Location"))
			}
			if code == 200 && ask.path == page && !strings.Contains(body, `"id":"`+o.object(a)+`"`) {
				t.Errorf("%s does not answer the object: %s", page, body)
			}
		}
	})
}

func TestAHeadIsAnsweredLikeItsGet(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		for path, want := range map[string]int{o.path(o.object(a)): 200, o.path(o.object(a)) + "/replies?cursor=": 200, "/ap/instance": 200, "/nodeinfo/2.1": 200,
			"/.well-known/nodeinfo": 200, "/ap/nothing": 404, "/ap/inbox": 405} {
			request, err := http.NewRequestWithContext(o.soon(), http.MethodHead, o.site.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("HEAD %s: %d, want %d", path, response.StatusCode, want)
			}
		}
	})
}

func TestCollectionsTellNumbersAndPublicWordsAlone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram)
		a := o.publish()
		o.publish(func(a *blog.Article) {
			a.Slug, a.Title, a.Visibility = "for-followers", "Kept among us", blog.Followers
		})
		o.publish(func(a *blog.Article) { a.Slug, a.Title, a.Visibility = "local", "Here alone", blog.Local })
		reply, err := bram.Reply(o.soon(), o.object(a), "<p>Seen.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(o.soon(), o.object(a), "<p>Secret.</p>", neighbour.Direct()); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Like(o.soon(), o.object(a)); err != nil {
			t.Fatal(err)
		}
		actor, object := "/ap/actors/"+string(o.ilse.ID), strings.TrimPrefix(o.object(a), o.site.URL)
		for path, want := range map[string][]string{
			actor + "/outbox": {`"totalItems":1`, `"first"`}, actor + "/outbox?cursor=": {`"Four minutes wide"`},
			actor + "/followers": {`"totalItems":1`}, actor + "/following": {`"totalItems":0`}, actor + "/featured": {`"orderedItems":[]`},
			object: {`"likes":{`, `"totalItems":1`}, object + "/replies": {reply.Object, `"totalItems":1`}, object + "/replies?page=1": {reply.Object},
			object + "/context": {o.object(a), reply.Object, `"totalItems":2`}, object + "/likes": {`"totalItems":1`}, object + "/shares": {`"totalItems":0`},
		} {
			code, _, body := o.get(path, asMastodon)
			for _, word := range want {
				if code != 200 || !strings.Contains(body, word) {
					t.Errorf("%s: %d, want %q in %s", path, code, word, body)
				}
			}
			for _, secret := range []string{"Secret", "Kept among us", "Here alone"} {
				if strings.Contains(body, secret) {
					t.Errorf("%s tells %q", path, secret)
				}
			}
		}
		if _, _, body := o.get(actor+"/followers", asMastodon); strings.Contains(body, bram.ID) {
			t.Error("the hidden list of followers is shown")
		}
	})
}

func TestFollowersOnlyWordsAreForFollowersAlone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, zilverduin := o.server("veerhuis"), o.server("zilverduin")
		bram, kade := veerhuis.Person("bram"), zilverduin.Person("kade")
		o.befriend(bram)
		a := o.publish(func(a *blog.Article) { a.Visibility = blog.Followers })
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{strings.TrimPrefix(o.object(a), o.site.URL), o.site.ArticlePath(a)} {
			if code, _, body := o.get(path, asMastodon); code != 404 || strings.Contains(body, "ferry") {
				t.Errorf("%s unsigned: %d %s", path, code, body)
			}
		}
		for who, want := range map[*neighbour.Person]bool{bram: true, kade: false} {
			body, err := who.Fetch(o.soon(), o.object(a))
			if got := err == nil && strings.Contains(string(body), "ferry"); got != want {
				t.Errorf("%s reads it: %v (%v), want %v", who.Handle(), got, err, want)
			}
		}
	})
}
