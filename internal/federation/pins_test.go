package federation_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"causerie/internal/blog"
)

// featured is what an author pinned, as another server reads it.
func (o *overkant) featured(v blog.Voice) []any {
	o.t.Helper()
	return o.read(o.site.ActorID(v.ID) + "/featured")["orderedItems"].([]any)
}

func TestF024PinnedArticlesAreListedByTheirIDs(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		first := o.publish()
		second := o.publish(func(a *blog.Article) { a.Slug = "the-second" })
		local := o.publish(func(a *blog.Article) { a.Slug, a.Visibility = "local", blog.Local })
		for _, a := range []blog.Article{first, second, local, first} {
			if err := o.outbox.Pin(t.Context(), a.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.featured(o.ilse); !slices.Equal(got, []any{o.object(second), o.object(first)}) {
			t.Errorf("featured lists %v", got)
		}
		o.revise(second, func(a *blog.Article) { a.Visibility = blog.Unlisted })
		if got := o.featured(o.ilse); !slices.Equal(got, []any{o.object(first)}) {
			t.Errorf("with one that is unlisted now, featured lists %v", got)
		}
		if err := o.outbox.Withdraw(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.outbox.Publish(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if got := o.featured(o.ilse); len(got) != 0 {
			t.Errorf("after it was taken back, featured lists %v", got)
		}
	})
}

func TestF055PinsAreAddedToAndRemovedFromTheFeatured(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		a := o.publish()
		for _, pin := range []func() error{
			func() error { return o.outbox.Pin(t.Context(), a.ID) }, func() error { return o.outbox.Pin(t.Context(), a.ID) },
			func() error { return o.outbox.Unpin(t.Context(), a.ID) }, func() error { return o.outbox.Unpin(t.Context(), a.ID) },
		} {
			if err := pin(); err != nil {
				t.Fatal(err)
			}
		}
		o.settled()
		for _, kind := range []string{"Add", "Remove"} {
			got := veerhuis.Received(kind)
			if len(got) != 1 || got[0].Object != o.object(a) || got[0].JSON()["target"] != o.site.ActorID(o.ilse.ID)+"/featured" ||
				got[0].JSON()["actor"] != o.site.ActorID(o.ilse.ID) {
				t.Errorf("%d letters say %s: %+v", len(got), kind, got)
			}
		}
	})
}

func TestTenArticlesArePinnedAndOnlyWhatEverybodyMayRead(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		var invalid blog.Invalid
		for name, change := range map[string]func(*blog.Article){
			"unlisted": func(a *blog.Article) { a.Visibility = blog.Unlisted }, "for followers": func(a *blog.Article) { a.Visibility = blog.Followers },
		} {
			a := o.publish(change, func(a *blog.Article) { a.Slug = "a" + fmt.Sprint(len(name)) })
			if err := o.outbox.Pin(t.Context(), a.ID); !errors.As(err, &invalid) {
				t.Errorf("one that is %s: %v", name, err)
			}
		}
		if err := o.outbox.Pin(t.Context(), o.draft(func(a *blog.Article) { a.Slug = "draft" }).ID); !errors.As(err, &invalid) {
			t.Errorf("a draft: %v", err)
		}
		var last error
		for i := range 11 {
			last = o.outbox.Pin(t.Context(), o.publish(func(a *blog.Article) { a.Slug = fmt.Sprintf("part-%d", i) }).ID)
			if i < 10 && last != nil {
				t.Fatal(last)
			}
		}
		if !errors.As(last, &invalid) || len(o.featured(o.ilse)) != 10 {
			t.Errorf("an eleventh: %v, with %d featured", last, len(o.featured(o.ilse)))
		}
	})
}

func TestAnActorIsKnownByTheTagsItUsesMost(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.publish()
		o.publish(func(a *blog.Article) { a.Slug, a.Tags = "b", blog.Words{"Old houses", "rivers"} })
		o.publish(func(a *blog.Article) { a.Slug, a.Visibility, a.Tags = "c", blog.Followers, blog.Words{"secrets"} })
		want := []any{
			map[string]any{"type": "Hashtag", "name": "#rivers", "href": o.site.TagPage("rivers")},
			map[string]any{"type": "Hashtag", "name": "#OldHouses", "href": o.site.TagPage("Old houses")},
		}
		for where, got := range map[string]any{"the actor": o.read(o.site.ActorID(o.ilse.ID))["tag"], "the collection": o.read(o.site.ActorID(o.ilse.ID) + "/tags")["items"]} {
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s holds %v", where, got)
			}
		}
	})
}
