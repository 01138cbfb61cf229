package federation_test

import (
	"net/http"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
)

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
