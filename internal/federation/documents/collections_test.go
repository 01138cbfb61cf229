package documents_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestF025HiddenFollowersAreANumber(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		path := o.Site.ActorID(o.Ilse.ID) + "/followers"
		hidden := o.ReadDocument(path)
		if _, there := hidden["first"]; there || hidden["totalItems"] != 1.0 || hidden["orderedItems"] != nil {
			t.Errorf("hidden they are %v", hidden)
		}
		o.ShowFollowers(true)
		shown := o.ReadDocument(path)
		first, ok := shown["first"].(string)
		if !ok || shown["totalItems"] != 1.0 {
			t.Fatalf("shown they are %v", shown)
		}
		if got := o.ReadDocument(first)["orderedItems"].([]any); !slices.Equal(got, []any{bram.ID}) {
			t.Errorf("shown they are %v", got)
		}
	})
}

func TestT134NoMemberOfAHiddenListIsServed(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		actor := o.Path(o.Site.ActorID(o.Ilse.ID))
		for _, path := range []string{"/followers", "/following", "/followers?cursor=", "/following?cursor=",
			"/followers?page=1", "/followers_synchronization",
			"/followers?cursor=" + bram.ID[:8]} {
			status, _, body := o.Get(actor+path, overkant.AsMastodon)
			if strings.Contains(body, bram.ID) || strings.Contains(body, "orderedItems") {
				t.Errorf("%s answers %d %s", path, status, body)
			}
		}
	})
}

func TestF102TheOutboxHasStablePagesOfTwenty(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i := range 23 {
			o.Publish(func(a *blog.Article) {
				a.Slug, a.Title = fmt.Sprint("crossing-", i), fmt.Sprint("Crossing ", i)
				a.Visibility = []blog.Visibility{blog.Public, blog.Unlisted}[i%2]
			})
		}
		for _, kept := range []blog.Visibility{blog.Followers, blog.Local} {
			o.Publish(func(a *blog.Article) { a.Slug, a.Title, a.Visibility = string(kept), "Kept among us", kept })
		}
		path := o.Path(o.Site.ActorID(o.Ilse.ID)) + "/outbox"
		cover := o.ReadDocument(path)
		if cover["totalItems"] != 23.0 {
			t.Errorf("it counts %v", cover["totalItems"])
		}
		first := o.ReadDocument(cover["first"].(string))
		o.Publish(func(a *blog.Article) { a.Slug, a.Title = "late", "Said while somebody reads" })
		second := o.ReadDocument(first["next"].(string))
		items := append(first["orderedItems"].([]any), second["orderedItems"].([]any)...)
		if len(first["orderedItems"].([]any)) != 20 || len(items) != 23 || second["next"] != nil ||
			first["partOf"] != o.Site.URL+path {
			t.Errorf("pages of %d and %d, then %v", len(first["orderedItems"].([]any)), len(items)-20, second["next"])
		}
		told, err := json.Marshal(items)
		if err != nil || strings.Contains(string(told), "Kept among us") ||
			strings.Count(string(told), `"type":"Create"`) != 23 {
			t.Errorf("it tells %s (%v)", told, err)
		}
		response, err := http.Post(o.Site.URL+path, "application/activity+json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("a POST answers %d", response.StatusCode)
		}
	})
}

func TestF103RepliesAndContextHaveWhatIsPublicAndApproved(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		a := o.Publish()
		say := func(words string, options ...fedtest.NoteOption) string {
			t.Helper()
			sent, err := bram.Reply(o.Soon(), o.Object(a), words, options...)
			if err != nil {
				t.Fatal(err)
			}
			return sent.Object
		}
		shown := say("<p>How wide?</p>")
		say("<p>Between us.</p>", fedtest.Direct())
		say("<p>For my followers.</p>", fedtest.FollowersOnly())
		hidden, err := o.Store.CommentByAddress(t.Context(), say("<p>Rubbish.</p>"))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Store.ModerateComment(t.Context(), hidden.ID, blog.CommentHidden); err != nil {
			t.Fatal(err)
		}
		replies := o.ReadDocument(o.Object(a) + "/replies")
		if got := replies["first"].(map[string]any)["items"].([]any); !slices.Equal(got, []any{shown}) ||
			replies["totalItems"] != 1.0 {
			t.Errorf("replies are %v", replies)
		}
		context := o.ReadDocument(o.Object(a) + "/context")
		if got := context["orderedItems"].([]any); !slices.Equal(got, []any{o.Object(a), shown}) ||
			context["attributedTo"] != o.Site.ActorID(o.Ilse.ID) {
			t.Errorf("the context is %v", context)
		}
	})
}

func TestF127AnInboxIsAnEmptyCollectionForEverybody(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		own := "/ap/actors/" + string(o.Ilse.ID) + "/inbox"
		for _, secure := range []bool{false, true} {
			o.Documents.AuthorizedFetch = secure
			for _, path := range []string{"/ap/inbox", own, "/ap/instance/inbox"} {
				for _, accept := range []string{"", "*/*", overkant.AsMastodon, overkant.AsBrowser} {
					code, header, body := o.Get(path, accept)
					var list struct {
						ID, Type     string
						TotalItems   *int
						OrderedItems []any
					}
					if err := json.Unmarshal([]byte(body), &list); err != nil || code != 200 || list.ID != o.Site.URL+path ||
						list.Type != "OrderedCollection" || list.TotalItems == nil || *list.TotalItems != 0 ||
						len(list.OrderedItems) != 0 || header.Get("Content-Type") != overkant.Plain {
						t.Errorf("%s as %q, secure %t: %d %v %s", path, accept, secure, code, header, body)
					}
				}
			}
			if code, _, _ := o.Get("/ap/actors/"+string(blog.NewID(time.Now()))+"/inbox", "*/*"); code != 404 {
				t.Errorf("the inbox of nobody: %d", code)
			}
		}
	})
}
