package federation_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
)

func (o *overkant) showFollowers(show bool) {
	o.t.Helper()
	v := o.voice(o.ilse.ID)
	v.ShowsFollowers = show
	if err := o.store.SaveVoice(o.t.Context(), v); err != nil {
		o.t.Fatal(err)
	}
}

func TestF025HiddenFollowersAreANumber(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram)
		path := o.site.ActorID(o.ilse.ID) + "/followers"
		hidden := o.read(path)
		if _, there := hidden["first"]; there || hidden["totalItems"] != 1.0 || hidden["orderedItems"] != nil {
			t.Errorf("hidden they are %v", hidden)
		}
		o.showFollowers(true)
		shown := o.read(path)
		first, ok := shown["first"].(string)
		if !ok || shown["totalItems"] != 1.0 {
			t.Fatalf("shown they are %v", shown)
		}
		if got := o.read(first)["orderedItems"].([]any); !slices.Equal(got, []any{bram.ID}) {
			t.Errorf("shown they are %v", got)
		}
	})
}

func TestT134NoMemberOfAHiddenListIsTold(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram)
		actor := o.path(o.site.ActorID(o.ilse.ID))
		for _, path := range []string{"/followers", "/following", "/followers?cursor=", "/following?cursor=", "/followers?page=1", "/followers_synchronization",
			"/followers?cursor=" + bram.ID[:8]} {
			status, _, body := o.get(actor+path, asMastodon)
			if strings.Contains(body, bram.ID) || strings.Contains(body, "orderedItems") {
				t.Errorf("%s answers %d %s", path, status, body)
			}
		}
	})
}

func TestF102TheOutboxHasPagesOfTwentyThatStayWhereTheyAre(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		for i := range 23 {
			o.publish(func(a *blog.Article) {
				a.Slug, a.Title = fmt.Sprint("crossing-", i), fmt.Sprint("Crossing ", i)
				a.Visibility = []blog.Visibility{blog.Public, blog.Unlisted}[i%2]
			})
		}
		for _, kept := range []blog.Visibility{blog.Followers, blog.Local} {
			o.publish(func(a *blog.Article) { a.Slug, a.Title, a.Visibility = string(kept), "Kept among us", kept })
		}
		path := o.path(o.site.ActorID(o.ilse.ID)) + "/outbox"
		cover := o.read(path)
		if cover["totalItems"] != 23.0 {
			t.Errorf("it counts %v", cover["totalItems"])
		}
		first := o.read(cover["first"].(string))
		o.publish(func(a *blog.Article) { a.Slug, a.Title = "late", "Said while somebody reads" })
		second := o.read(first["next"].(string))
		items := append(first["orderedItems"].([]any), second["orderedItems"].([]any)...)
		if len(first["orderedItems"].([]any)) != 20 || len(items) != 23 || second["next"] != nil || first["partOf"] != o.site.URL+path {
			t.Errorf("pages of %d and %d, then %v", len(first["orderedItems"].([]any)), len(items)-20, second["next"])
		}
		told, err := json.Marshal(items)
		if err != nil || strings.Contains(string(told), "Kept among us") || strings.Count(string(told), `"type":"Create"`) != 23 {
			t.Errorf("it tells %s (%v)", told, err)
		}
		response, err := http.Post(o.site.URL+path, "application/activity+json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("a POST answers %d", response.StatusCode)
		}
	})
}

func TestF103RepliesAndContextHoldWhatIsPublicAndApproved(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram)
		a := o.publish()
		say := func(words string, options ...neighbour.Option) string {
			t.Helper()
			sent, err := bram.Reply(o.soon(), o.object(a), words, options...)
			if err != nil {
				t.Fatal(err)
			}
			return sent.Object
		}
		shown := say("<p>How wide?</p>")
		say("<p>Between us.</p>", neighbour.Direct())
		say("<p>For my followers.</p>", neighbour.FollowersOnly())
		hidden, err := o.store.CommentByAddress(t.Context(), say("<p>Rubbish.</p>"))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.store.ModerateComment(t.Context(), hidden.ID, blog.CommentHidden); err != nil {
			t.Fatal(err)
		}
		replies := o.read(o.object(a) + "/replies")
		if got := replies["first"].(map[string]any)["items"].([]any); !slices.Equal(got, []any{shown}) || replies["totalItems"] != 1.0 {
			t.Errorf("replies are %v", replies)
		}
		context := o.read(o.object(a) + "/context")
		if got := context["orderedItems"].([]any); !slices.Equal(got, []any{o.object(a), shown}) || context["attributedTo"] != o.site.ActorID(o.ilse.ID) {
			t.Errorf("the context is %v", context)
		}
	})
}
