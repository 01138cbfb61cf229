package documents_test

import (
	"net/http"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestAHeadIsAnsweredLikeItsGet(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		for path, want := range map[string]int{o.Path(o.Object(a)): 200, o.Path(o.Object(a)) + "/replies?cursor=": 200,
			"/ap/instance": 200, "/nodeinfo/2.1": 200,
			"/.well-known/nodeinfo": 200, "/ap/nothing": 404, "/ap/inbox": 200} {
			request, err := http.NewRequestWithContext(o.Soon(), http.MethodHead, o.Site.URL+path, nil)
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

func TestCollectionsHaveOnlyNumbersAndPublicReplies(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		a := o.Publish()
		o.Publish(func(a *blog.Article) {
			a.Slug, a.Title, a.Visibility = "for-followers", "Kept among us", blog.Followers
		})
		o.Publish(func(a *blog.Article) { a.Slug, a.Title, a.Visibility = "local", "Here alone", blog.Local })
		reply, err := bram.Reply(o.Soon(), o.Object(a), "<p>Seen.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>Secret.</p>", fedtest.Direct()); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Like(o.Soon(), o.Object(a)); err != nil {
			t.Fatal(err)
		}
		actor, object := "/ap/actors/"+string(o.Ilse.ID), strings.TrimPrefix(o.Object(a), o.Site.URL)
		for path, want := range map[string][]string{
			actor + "/outbox": {`"totalItems":1`, `"first"`}, actor + "/outbox?cursor=": {`"Four minutes wide"`},
			actor + "/followers": {`"totalItems":1`}, actor + "/following": {`"totalItems":0`},
			actor + "/featured": {`"orderedItems":[]`},
			object:              {`"likes":{`, `"totalItems":1`}, object + "/replies": {reply.Object, `"totalItems":1`},
			object + "/replies?page=1": {reply.Object},
			object + "/context":        {o.Object(a), reply.Object, `"totalItems":2`}, object + "/likes": {`"totalItems":1`},
			object + "/shares": {`"totalItems":0`},
		} {
			code, _, body := o.Get(path, overkant.AsMastodon)
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
		if _, _, body := o.Get(actor+"/followers", overkant.AsMastodon); strings.Contains(body, bram.ID) {
			t.Error("the hidden list of followers is shown")
		}
	})
}
