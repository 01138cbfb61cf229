package outbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestF142HandlesBeyondASCIIAreFoundAndMentioned(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		server := o.Server("oz")
		for _, name := range []string{"burak-öztürk", "Ирина", "渡し守", "a.б_в"} {
			p := server.Person(name)
			f, err := o.Outbox.Follow(o.Soon(), o.Ilse, "@"+p.Handle())
			if err != nil || f.Actor.Handle != p.Handle() {
				t.Errorf("follow %s: %q, %v", p.Handle(), f.Actor.Handle, err)
				continue
			}
			asked := slices.ContainsFunc(server.Requests(), func(r fedtest.Request) bool {
				return strings.Contains(r.Path, "webfinger")
			})
			if !asked {
				t.Errorf("WebFinger was not asked for %s", name)
			}
			// A mention has no port, as the servers of this test have.
			handle, now := name+"@oz.example", time.Now()
			known := f.Actor
			known.Handle, known.HandleCheckedAt = handle, &now
			if err := o.Store.SaveActor(o.Soon(), known); err != nil {
				t.Fatal(err)
			}
			a := o.Publish(func(a *blog.Article) {
				a.Slug, a.Markdown = "to-"+strings.ToLower(string(blog.NewID(now))), "Hello @"+handle+", and thanks."
			})
			if _, err := server.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
				t.Errorf("%s does not hear of the mention: %v", handle, err)
			}
			if _, doc := o.JSON(o.Object(a)); !slices.ContainsFunc(doc["tag"].([]any), func(tag any) bool {
				return tag.(map[string]any)["name"] == "@"+handle && tag.(map[string]any)["href"] == known.ID
			}) {
				t.Errorf("tags: %v", doc["tag"])
			}
		}
	})
}
