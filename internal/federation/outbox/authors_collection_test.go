package outbox_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// verified reads the collection of the authors and checks each item as Mastodon does: the ids of the items are on the
// host of the collection, each authorization on that of its actor, and it names both. It returns the actors.
func verified(o *overkant.Blog, collection, owner string) (actors []string) {
	o.T.Helper()
	doc := o.ReadDocument(collection)
	items, _ := doc["orderedItems"].([]any)
	if doc["type"] != "FeaturedCollection" || doc["id"] != collection || doc["attributedTo"] != owner ||
		doc["totalItems"] != float64(len(items)) {
		o.T.Errorf("the collection is %v", doc)
	}
	for _, one := range items {
		item, _ := one.(map[string]any)
		id, _ := item["id"].(string)
		actor, _ := item["featuredObject"].(string)
		address, _ := item["featureAuthorization"].(string)
		if item["type"] != "FeaturedItem" || item["featuredObjectType"] != "Person" ||
			blog.HostOf(id) != blog.HostOf(collection) || blog.HostOf(address) != blog.HostOf(actor) {
			o.T.Errorf("an item is %v", item)
		}
		if alone := o.ReadDocument(id); alone["featuredObject"] != actor {
			o.T.Errorf("the item alone is %v", alone)
		}
		authorization := o.ReadDocument(address)
		if authorization["type"] != "FeatureAuthorization" || authorization["interactingObject"] != collection ||
			authorization["interactionTarget"] != actor {
			o.T.Errorf("the authorization is %v", authorization)
		}
		if person := o.ReadDocument(actor); person["type"] != "Person" {
			o.T.Errorf("the featured actor is %v", person)
		}
		actors = append(actors, actor)
	}
	return actors
}

func TestF121CollectionOfTheAuthorsHoldsWithTheirPermissions(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		tobias := o.AddAuthor("tobias", "Tobias Renkema", func(a *blog.Author) { a.CanFeature = blog.FeatureAsk })
		o.AddAuthor("maud", "Maud Terpstra", func(a *blog.Author) { a.CanFeature = blog.FeatureNobody })
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollowerOf(bram, "overkant")
		owner, collection := o.Site.ActorID(site.ID), o.Site.AuthorsCollection(site.ID)
		told := func(kind, object string) {
			t.Helper()
			if _, err := bram.Server.WaitFor(o.Soon(), fedtest.About(kind, object)); err != nil {
				t.Fatalf("the follower gets no %s of %s: %v", kind, object, err)
			}
		}
		expect := func(when string, want ...string) {
			t.Helper()
			if got := verified(o, collection, owner); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s it lists %v, want %v", when, got, want)
			}
		}
		if code, _ := o.JSON(collection); code != http.StatusNotFound {
			t.Errorf("before it is switched on, it answers %d", code)
		}
		if err := o.Outbox.FeatureAuthors(o.Soon(), true); err != nil {
			t.Fatal(err)
		}
		ilse, tobiasID := o.Site.ActorID(o.Ilse.ID), o.Site.ActorID(tobias.ID)
		expect("at first", ilse)
		told("Add", collection)
		// Mastodon takes an Add only to the list that the profile names.
		last := []string{"Update of " + owner, "Add of " + collection}
		if got := received(bram.Server); !slices.Equal(got[len(got)-2:], last) {
			t.Errorf("the follower gets %v", got)
		}
		if doc := o.ReadDocument(owner); doc["featuredCollections"] != o.Site.Collections(site.ID) {
			t.Errorf("the actor of the blog says %v", doc["featuredCollections"])
		}
		if list, _ := o.ReadDocument(o.Site.Collections(site.ID))["orderedItems"].([]any); len(list) != 1 ||
			list[0] != collection {
			t.Errorf("the list of its collections is %v", list)
		}
		// Who wants to be asked is asked, and may say yes.
		asked, err := o.Store.Features(o.Soon(), tobias.ID, blog.AuthorizationAsked)
		if err != nil || len(asked) != 1 {
			t.Fatalf("asked: %+v, %v", asked, err)
		}
		if err := o.Outbox.AnswerFeature(o.Soon(), tobias.ID, asked[0].ID, true); err != nil {
			t.Fatal(err)
		}
		expect("after a yes", ilse, tobiasID)
		item := o.Site.AuthorsItem(site.ID, asked[0].ID)
		told("Add", item)
		if err := o.Outbox.EndFeature(o.Soon(), tobias.ID, asked[0].ID); err != nil {
			t.Fatal(err)
		}
		expect("after a no", ilse)
		told("Remove", item)
		// Another name is told, and those who join are found.
		joost := o.AddAuthor("joost", "Joost", func(a *blog.Author) { a.CreatedAt = time.Now().Add(time.Second) })
		voice := o.StoredVoice(site.ID)
		voice.Name = "De andere kant"
		if err := o.Outbox.SaveProfile(o.Soon(), voice); err != nil {
			t.Fatal(err)
		}
		expect("after somebody joined", ilse, o.Site.ActorID(joost.ID))
		if err := o.OutboxIn(6 * time.Minute).SendDueProfiles(o.Soon()); err != nil {
			t.Fatal(err)
		}
		told("Update", collection)
		if doc := o.ReadDocument(collection); doc["name"] != "De andere kant" {
			t.Errorf("renamed, it is %v", doc)
		}
		joosts := permission(o, site, joost).ID
		if err := o.Outbox.DeleteAuthor(o.Soon(), joost.ID); err != nil {
			t.Fatal(err)
		}
		expect("after somebody left", ilse)
		told("Remove", o.Site.AuthorsItem(site.ID, joosts))
		if err := o.Outbox.FeatureAuthors(o.Soon(), false); err != nil {
			t.Fatal(err)
		}
		told("Remove", collection)
		for _, address := range []string{collection, o.Site.Collections(site.ID)} {
			if code, _ := o.JSON(address); code != http.StatusNotFound {
				t.Errorf("switched off, %s answers %d", address, code)
			}
		}
		if doc := o.ReadDocument(owner); doc["featuredCollections"] != nil {
			t.Errorf("switched off, the actor of the blog says %v", doc["featuredCollections"])
		}
		// Her no is remembered for the next time.
		if err := o.Outbox.FeatureAuthors(o.Soon(), true); err != nil {
			t.Fatal(err)
		}
		expect("switched on again", ilse)
	})
}

// received lists what a server accepted, oldest first.
func received(s *fedtest.Server) (list []string) {
	for _, d := range s.Received("") {
		list = append(list, d.Type+" of "+d.Object)
	}
	return list
}

// permission returns the permission that an author gave, or is asked for; the zero Authorization without one.
func permission(o *overkant.Blog, site, author blog.Voice) blog.Authorization {
	o.T.Helper()
	t, err := o.Store.AuthorizationFor(o.Soon(), blog.FeatureAuthorization, o.Site.AuthorsCollection(site.ID), author.ID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		o.T.Fatal(err)
	}
	return t
}

func renewAuthors(o *overkant.Blog) {
	o.T.Helper()
	if err := o.Outbox.RenewAuthors(o.Soon()); err != nil {
		o.T.Fatal(err)
	}
}

func TestF121EachAuthorIsAskedAsTheyChose(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		var all []blog.Voice
		want := map[string]blog.AuthorizationState{"ilse": blog.AuthorizationGiven}
		for _, author := range []struct {
			handle string
			state  blog.AuthorizationState // "" where nothing is asked
			change func(*blog.Author)
		}{
			{"everyone", blog.AuthorizationGiven, func(a *blog.Author) { a.CanFeature = blog.FeatureEveryone }},
			{"asks", blog.AuthorizationAsked, func(a *blog.Author) { a.CanFeature = blog.FeatureAsk }},
			{"followers", "", func(a *blog.Author) { a.CanFeature = blog.FeatureFollowers }},
			{"nobody", "", func(a *blog.Author) { a.CanFeature = blog.FeatureNobody }},
			{"hidden", "", func(a *blog.Author) { a.Discoverable = false }},
			{"approves", "", func(a *blog.Author) { a.ApprovesFollowers = true }},
			{"disabled", "", func(a *blog.Author) { a.DisabledAt = &a.CreatedAt }},
			{"moved", "", func(a *blog.Author) { a.MovedTo = "https://veerhuis.example/users/moved" }},
		} {
			want[author.handle] = author.state
			all = append(all, o.AddAuthor(author.handle, author.handle, author.change))
		}
		if err := o.Outbox.FeatureAuthors(o.Soon(), true); err != nil {
			t.Fatal(err)
		}
		check := func(when string) {
			t.Helper()
			for _, v := range append(all, o.Ilse) {
				if got := permission(o, site, v).State; got != want[v.Handle] {
					t.Errorf("%s, %s is %q, want %q", when, v.Handle, got, want[v.Handle])
				}
			}
		}
		check("at first")
		// Nothing is written while nothing changes: each change makes every page of the blog again.
		if err := o.Outbox.AnswerFeature(o.Soon(), all[1].ID, permission(o, site, all[1]).ID, false); err != nil {
			t.Fatal(err)
		}
		want["asks"] = blog.AuthorizationRefused
		before := o.Store.Changes().Newest()
		renewAuthors(o)
		if after := o.Store.Changes().Newest(); after != before {
			t.Errorf("renewed without a change, the pages are made again: %d, %d", before, after)
		}
		check("after a no")
		// Who changes their profile is in it, and who leaves may decide again.
		nobody := o.StoredVoice(all[3].ID)
		nobody.CanFeature, want["nobody"] = blog.FeatureEveryone, blog.AuthorizationGiven
		if err := o.Outbox.SaveProfile(o.Soon(), nobody); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.EndFeature(o.Soon(), all[0].ID, permission(o, site, all[0]).ID); err != nil {
			t.Fatal(err)
		}
		want["everyone"] = blog.AuthorizationRevoked
		check("after a change of mind")
		if err := o.Outbox.ForgetFeature(o.Soon(), all[0].ID, permission(o, site, all[0]).ID); err != nil {
			t.Fatal(err)
		}
		want["everyone"] = blog.AuthorizationGiven
		check("after they let the blog ask again")
		// An own collection is not one of those that wait for somebody elsewhere.
		if err := o.Outbox.ForgetFeature(o.Soon(), all[1].ID, permission(o, site, all[1]).ID); err != nil {
			t.Fatal(err)
		}
		if err := o.OutboxIn(31 * 24 * time.Hour).ExpireFeatureRequests(o.Soon()); err != nil {
			t.Fatal(err)
		}
		want["asks"] = blog.AuthorizationAsked
		check("after a month")
		// A blog that cannot be followed recommends nobody.
		now := time.Now()
		if err := o.Store.SetVoiceSilent(o.Soon(), site.ID, &now, now); err != nil {
			t.Fatal(err)
		}
		if code, _ := o.JSON(o.Site.AuthorsCollection(site.ID)); code != http.StatusNotFound {
			t.Errorf("of a silent blog, the collection answers %d", code)
		}
		if err := o.Outbox.FeatureAuthors(o.Soon(), true); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("of a silent blog, it is switched on: %v", err)
		}
	})
}

func TestTheCollectionOfTheAuthorsHasAtMostTwentyFive(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollowerOf(bram, "overkant")
		// Those who are not in it leave their place to others.
		o.AddAuthor("maud", "Maud Terpstra", func(a *blog.Author) { a.CanFeature = blog.FeatureNobody })
		var last, left blog.Voice
		for i := range blog.MostFeatured {
			last = o.AddAuthor("author"+string(rune('a'+i)), "Author", func(a *blog.Author) {
				a.CreatedAt = time.Now().Add(time.Duration(i) * time.Second)
			})
			if i == 0 {
				left = last
			}
		}
		if err := o.Outbox.FeatureAuthors(o.Soon(), true); err != nil {
			t.Fatal(err)
		}
		actors := func() []string { return verified(o, o.Site.AuthorsCollection(site.ID), o.Site.ActorID(site.ID)) }
		if list := actors(); len(list) != blog.MostFeatured || slices.Contains(list, o.Site.ActorID(last.ID)) {
			t.Errorf("it has %d authors: %v", len(list), list)
		}
		// No server ever sees more: the place is free before the next author gets it.
		gone := permission(o, site, left)
		if err := o.Outbox.EndFeature(o.Soon(), left.ID, gone.ID); err != nil {
			t.Fatal(err)
		}
		if list := actors(); len(list) != blog.MostFeatured || !slices.Contains(list, o.Site.ActorID(last.ID)) {
			t.Errorf("after one left, it has %d authors: %v", len(list), list)
		}
		added := o.Site.AuthorsItem(site.ID, permission(o, site, last).ID)
		if _, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Add", added)); err != nil {
			t.Fatal(err)
		}
		order := []string{"Remove of " + o.Site.AuthorsItem(site.ID, gone.ID), "Add of " + added}
		if got := received(bram.Server); !slices.Equal(got[len(got)-2:], order) {
			t.Errorf("the follower gets %v", got)
		}
	})
}

// A newer profile takes the place of one that waits. The collection that waits with it is sent again.
func TestTheCollectionOfTheAuthorsReachesAServerThatWasSilent(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollowerOf(bram, "overkant")
		if err := o.Outbox.FeatureAuthors(o.Soon(), true); err != nil {
			t.Fatal(err)
		}
		collection := o.Site.AuthorsCollection(site.ID)
		if _, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Add", collection)); err != nil {
			t.Fatal(err)
		}
		if err := bram.Server.SetBehaviour(fedtest.Closed()); err != nil {
			t.Fatal(err)
		}
		voice := o.StoredVoice(site.ID)
		voice.Name = "De andere kant"
		if err := o.Outbox.SaveProfile(o.Soon(), voice); err != nil {
			t.Fatal(err)
		}
		if err := o.OutboxIn(6 * time.Minute).SendDueProfiles(o.Soon()); err != nil {
			t.Fatal(err)
		}
		blogItself := *o
		blogItself.Ilse = site
		blogItself.RotateKeys()
		o.Until("the server is known to be silent", func() bool {
			list, err := o.Store.SilentPeers(o.Soon())
			return err == nil && len(list) == 1
		})
		if err := bram.Server.SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		o.AddFollower(bram) // whoever speaks is no longer silent
		told, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Update", collection))
		if object, _ := told.JSON()["object"].(map[string]any); err != nil || object["name"] != "De andere kant" {
			t.Errorf("it gets %s, %v", told.Body, err)
		}
	})
}

func TestAnAuthorIsAddedOnceByProcessesOfTheSameMoment(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollowerOf(bram, "overkant")
		atOnce := func(do func(*outbox.Outbox) error) {
			t.Helper()
			var working sync.WaitGroup
			for range 6 {
				working.Go(func() {
					if err := do(o.OutboxIn(0)); err != nil {
						t.Error(err)
					}
				})
			}
			working.Wait()
			o.WaitIdle()
		}
		atOnce(func(x *outbox.Outbox) error { return x.FeatureAuthors(o.Soon(), true) })
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		atOnce(func(x *outbox.Outbox) error { return x.RenewAuthors(o.Soon()) })
		item := o.Site.AuthorsItem(site.ID, permission(o, site, tobias).ID)
		owner, collection := o.Site.ActorID(site.ID), o.Site.AuthorsCollection(site.ID)
		want := []string{"Update of " + owner, "Add of " + collection, "Add of " + item}
		if got := received(bram.Server); !slices.Equal(got[1:], want) { // after the Accept of the follow
			t.Errorf("the follower gets %v", got)
		}
	})
}
