package outbox_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

func TestF024PinnedArticlesAreListedByTheirIDs(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		first := o.Publish()
		second := o.Publish(func(a *blog.Article) { a.Slug = "the-second" })
		local := o.Publish(func(a *blog.Article) { a.Slug, a.Visibility = "local", blog.Local })
		for _, a := range []blog.Article{first, second, local, first} {
			if err := o.Outbox.Pin(t.Context(), a.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.Featured(o.Ilse); !slices.Equal(got, []any{o.Object(second), o.Object(first)}) {
			t.Errorf("featured lists %v", got)
		}
		o.Revise(second, func(a *blog.Article) { a.Visibility = blog.Unlisted })
		if got := o.Featured(o.Ilse); !slices.Equal(got, []any{o.Object(first)}) {
			t.Errorf("with one that is unlisted now, featured lists %v", got)
		}
		if err := o.Outbox.Withdraw(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Outbox.Publish(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if got := o.Featured(o.Ilse); len(got) != 0 {
			t.Errorf("after it was taken back, featured lists %v", got)
		}
	})
}

func TestF055PinsAreAddedToAndRemovedFromTheFeatured(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		a := o.Publish()
		for _, pin := range []func() error{
			func() error { return o.Outbox.Pin(t.Context(), a.ID) }, func() error { return o.Outbox.Pin(t.Context(), a.ID) },
			func() error { return o.Outbox.Unpin(t.Context(), a.ID) }, func() error { return o.Outbox.Unpin(t.Context(), a.ID) },
		} {
			if err := pin(); err != nil {
				t.Fatal(err)
			}
		}
		o.WaitSettled()
		for _, kind := range []string{"Add", "Remove"} {
			got := veerhuis.Received(kind)
			if len(got) != 1 || got[0].Object != o.Object(a) ||
				got[0].JSON()["target"] != o.Site.ActorID(o.Ilse.ID)+"/featured" ||
				got[0].JSON()["actor"] != o.Site.ActorID(o.Ilse.ID) {
				t.Errorf("%d deliveries say %s: %+v", len(got), kind, got)
			}
		}
	})
}

func TestAtMostTenArticlesArePinnedAndOnlyPublicOnes(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		var invalid blog.Invalid
		for name, change := range map[string]func(*blog.Article){
			"unlisted":      func(a *blog.Article) { a.Visibility = blog.Unlisted },
			"for followers": func(a *blog.Article) { a.Visibility = blog.Followers },
		} {
			a := o.Publish(change, func(a *blog.Article) { a.Slug = "a" + fmt.Sprint(len(name)) })
			if err := o.Outbox.Pin(t.Context(), a.ID); !errors.As(err, &invalid) {
				t.Errorf("one that is %s: %v", name, err)
			}
		}
		if err := o.Outbox.Pin(t.Context(), o.Draft(func(a *blog.Article) { a.Slug = "draft" }).ID); !errors.As(err,
			&invalid) {
			t.Errorf("a draft: %v", err)
		}
		var last error
		for i := range 11 {
			last = o.Outbox.Pin(t.Context(), o.Publish(func(a *blog.Article) { a.Slug = fmt.Sprintf("part-%d", i) }).ID)
			if i < 10 && last != nil {
				t.Fatal(last)
			}
		}
		if !errors.As(last, &invalid) || len(o.Featured(o.Ilse)) != 10 {
			t.Errorf("an eleventh: %v, with %d featured", last, len(o.Featured(o.Ilse)))
		}
	})
}

func TestAnActorIsKnownByTheTagsItUsesMost(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.Publish()
		o.Publish(func(a *blog.Article) { a.Slug, a.Tags = "b", blog.Strings{"Old houses", "rivers"} })
		o.Publish(func(a *blog.Article) { a.Slug, a.Visibility, a.Tags = "c", blog.Followers, blog.Strings{"secrets"} })
		want := []any{
			map[string]any{"type": "Hashtag", "name": "#rivers", "href": o.Site.TagPage("rivers")},
			map[string]any{"type": "Hashtag", "name": "#OldHouses", "href": o.Site.TagPage("Old houses")},
		}
		for where, got := range map[string]any{"the actor": o.ReadDocument(o.Site.ActorID(o.Ilse.ID))["tag"],
			"the collection": o.ReadDocument(o.Site.ActorID(o.Ilse.ID) + "/tags")["items"]} {
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s holds %v", where, got)
			}
		}
	})
}
