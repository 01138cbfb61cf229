package inbox_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestF118FeatureRequestIsAnsweredByTheAuthorsPolicy(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		for _, step := range []struct {
			policy     blog.FeaturePolicy
			bram, kade string
		}{
			{blog.FeatureAsProfile, fedtest.Accepted, fedtest.Accepted},
			{blog.FeatureEveryone, fedtest.Accepted, fedtest.Accepted},
			{blog.FeatureFollowers, fedtest.Accepted, fedtest.Rejected},
			{blog.FeatureNobody, fedtest.Rejected, fedtest.Rejected},
		} {
			o.SetFeaturing(step.policy)
			for p, want := range map[*fedtest.Person]string{bram: step.bram, kade: step.kade} {
				state, _ := o.Feature(p, p.MakeCollection("By the water", "rivers"))
				if state != want {
					t.Errorf("policy %q: %s is %s, want %s", step.policy, p.Name, state, want)
				}
			}
		}
		if n := len(o.Features(blog.AuthorizationGiven)); n != 5 {
			t.Errorf("%d permissions stand, want 5", n)
		}
	})
}

func TestF118FeatureRequestWaitsForTheAuthor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.SetFeaturing(blog.FeatureAsk)
		wanted, unwanted := bram.MakeCollection("By the water", "rivers"), kade.MakeCollection("Buy now", "")
		for p, collection := range map[*fedtest.Person]string{bram: wanted, kade: unwanted} {
			if state, _ := o.Feature(p, collection); state != fedtest.Pending {
				t.Fatalf("the request of %s is %s before the author has decided", p.Name, state)
			}
		}
		asked := map[string]blog.Feature{}
		for _, f := range o.Features(blog.AuthorizationAsked) {
			asked[f.Instrument] = f
			if code, _ := o.JSON(o.Site.URL + "/ap/authorizations/" + string(f.ID)); code != http.StatusNotFound {
				t.Errorf("the permission that waits answers %d", code)
			}
		}
		if c := asked[wanted].Collection; c.Name != "By the water" || c.Topic != "rivers" ||
			asked[wanted].Owner.ID != bram.ID {
			t.Errorf("kept as %+v", asked[wanted])
		}
		for collection, accept := range map[string]bool{wanted: true, unwanted: false} {
			if err := o.Outbox.AnswerFeature(o.Soon(), o.Ilse.ID, asked[collection].ID, accept); err != nil {
				t.Fatal(err)
			}
		}
		ilse := o.Site.ActorID(o.Ilse.ID)
		o.Until("both are answered", func() bool {
			yes, _ := bram.Featured(wanted, ilse)
			no, _ := kade.Featured(unwanted, ilse)
			return yes == fedtest.Accepted && no == fedtest.Rejected
		})
		// The author has decided, whatever the policy is later.
		o.SetFeaturing(blog.FeatureEveryone)
		if state, _ := o.Feature(kade, unwanted); state != fedtest.Rejected {
			t.Errorf("asked again, the refused collection is %s", state)
		}
	})
}

func TestF118ForgedFeatureRequestHasNoEffect(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, zilverduin := o.Server("veerhuis"), o.Server("zilverduin")
		bram, joost, kade := veerhuis.Person("bram"), veerhuis.Person("joost"), zilverduin.Person("kade")
		ilse, own := o.Site.ActorID(o.Ilse.ID), bram.MakeCollection("By the water", "")
		elsewhere := zilverduin.ServeDocument("/lists/bram", map[string]any{"type": "FeaturedCollection",
			"attributedTo": bram.ID, "name": "Not his", "orderedItems": []any{}})
		foreignID := veerhuis.ServeDocument("/lists/foreign", map[string]any{"id": kade.MakeCollection("Kade's", ""),
			"type": "FeaturedCollection", "attributedTo": bram.ID, "name": "Not his", "orderedItems": []any{}})
		note := veerhuis.ServeDocument("/lists/note", map[string]any{"type": "Note", "attributedTo": bram.ID,
			"content": "By the water"})
		plain := veerhuis.ServeDocument("/lists/plain", map[string]any{"type": "OrderedCollection",
			"attributedTo": bram.ID, "orderedItems": []any{}})
		ownerless := veerhuis.ServeDocument("/lists/ownerless", map[string]any{"type": "FeaturedCollection",
			"name": "Nobody's", "orderedItems": []any{}})
		for name, request := range map[string]map[string]any{
			"a collection of somebody else":                {"instrument": joost.MakeCollection("Joost's", "")},
			"a collection of another server":               {"instrument": kade.MakeCollection("Kade's", "")},
			"a collection that another server says is his": {"instrument": elsewhere},
			"a collection with a foreign id":               {"instrument": foreignID},
			"a note":                                       {"instrument": note},
			"a list of something else":                     {"instrument": plain},
			"a collection of nobody":                       {"instrument": ownerless},
			"a collection that is not there":               {"instrument": bram.ID + "/collections/0"},
			"nobody here":                                  {"object": o.Site.ActorID(blog.NewID(time.Now()))},
			"an article":                                   {"object": o.Object(o.Publish())},
			"an embedded forgery": {"instrument": map[string]any{"id": bram.ID + "/collections/1",
				"type": "FeaturedCollection", "attributedTo": bram.ID, "name": "Never served"}},
			"an id of another server": {"id": kade.ID + "/asks/forged"},
		} {
			whole := map[string]any{"id": bram.ID + "/asks/" + fmt.Sprint(len(name)), "type": "FeatureRequest", "object": ilse,
				"instrument": own}
			for member, value := range request {
				whole[member] = value
			}
			o.Receive(bram, whole)
			for _, d := range append(veerhuis.Deliveries(), zilverduin.Deliveries()...) {
				if d.Type == "Accept" || d.Type == "Reject" {
					t.Fatalf("%s is answered: %s", name, d.Body)
				}
			}
		}
		for _, state := range []blog.AuthorizationState{blog.AuthorizationGiven, blog.AuthorizationAsked} {
			if list := o.Features(state); len(list) > 0 {
				t.Errorf("%d collections are %s: %+v", len(list), state, list)
			}
		}
		// What was asked rightly is answered, so the servers above could have been.
		if state, _ := o.Feature(bram, own); state != fedtest.Accepted {
			t.Errorf("the right request is %s", state)
		}
	})
}

func TestF118BlocksComeBeforeFeatureRequests(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		joost := o.Server("noordkade").Person("joost")
		ilse := o.Site.ActorID(o.Ilse.ID)
		given, asked := bram.MakeCollection("By the water", ""), kade.MakeCollection("Buy now", "")
		_, authorization := o.Feature(bram, given)
		o.SetFeaturing(blog.FeatureAsk)
		o.Feature(kade, asked)
		o.SetFeaturing(blog.FeatureEveryone)
		for _, p := range []*fedtest.Person{bram, kade} {
			if err := o.Outbox.Block(o.Soon(), blog.Block{Kind: blog.BlockPerson, Subject: p.ID,
				Level: blog.Refuse}); err != nil {
				t.Fatal(err)
			}
		}
		if code, _ := o.JSON(authorization); code != http.StatusNotFound {
			t.Errorf("the permission of a blocked owner answers %d", code)
		}
		if n := len(o.Features(blog.AuthorizationAsked)) + len(o.Features(blog.AuthorizationGiven)); n != 0 {
			t.Errorf("%d collections of blocked people are kept", n)
		}
		before := o.CountRequests(kade.Server)
		if _, err := kade.Feature(o.Soon(), kade.MakeCollection("Again", ""), ilse); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		if n := o.CountRequests(kade.Server) - before; n != 0 {
			t.Errorf("a blocked request costs %d requests", n)
		}
		if n := len(o.Features(blog.AuthorizationGiven)); n != 0 {
			t.Errorf("%d blocked requests are accepted", n)
		}
		limited := joost.MakeCollection("Quays", "")
		if err := o.Outbox.Block(o.Soon(), blog.Block{Kind: blog.BlockPerson, Subject: joost.ID,
			Level: blog.Limit}); err != nil {
			t.Fatal(err)
		}
		if state, _ := o.Feature(joost, limited); state != fedtest.Pending {
			t.Errorf("the request of a limited owner is %s, want it to wait for the author", state)
		}
	})
}

func TestF119FeatureAuthorizationIsServedWhileItStands(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		collection, ilse := bram.MakeCollection("By the water", "rivers"), o.Site.ActorID(o.Ilse.ID)
		_, authorization := o.Feature(bram, collection)
		code, doc := o.JSON(authorization)
		if code != http.StatusOK || doc["type"] != "FeatureAuthorization" || doc["id"] != authorization ||
			doc["interactingObject"] != collection || doc["interactionTarget"] != ilse {
			t.Errorf("the authorization is %d %v", code, doc)
		}
		// The same permission for the same collection, whoever asks again.
		if _, again := o.Feature(bram, collection); again != authorization {
			t.Errorf("asked again, the permission is %s, want %s", again, authorization)
		}
		given := o.Features(blog.AuthorizationGiven)
		if len(given) != 1 {
			t.Fatalf("%d permissions stand", len(given))
		}
		if err := o.Outbox.EndFeature(o.Soon(), o.Ilse.ID, given[0].ID); err != nil {
			t.Fatal(err)
		}
		if code, _ := o.JSON(authorization); code != http.StatusNotFound {
			t.Errorf("after it was taken back it answers %d", code)
		}
		told, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Delete", authorization))
		if err != nil || told.JSON()["actor"] != ilse {
			t.Fatalf("the owner's server is told %s, %v", told.Body, err)
		}
		o.Until("the owner drops the author", func() bool {
			state, _ := bram.Featured(collection, ilse)
			return state == fedtest.Revoked
		})
		if state, _ := o.Feature(bram, collection); state != fedtest.Rejected {
			t.Errorf("asked again, the collection that the author left is %s", state)
		}
		// Until the author lets its owner ask again.
		left := o.Features(blog.AuthorizationRevoked)
		if err := o.Outbox.ForgetFeature(o.Soon(), o.Ilse.ID, left[0].ID); err != nil {
			t.Fatal(err)
		}
		if state, _ := o.Feature(bram, collection); state != fedtest.Accepted {
			t.Errorf("let in again, the collection is %s", state)
		}
	})
}

func TestF120CollectionThatNoLongerListsTheAuthorIsForgotten(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, ilse, inbox := o.Server("veerhuis").Person("bram"), o.Site.ActorID(o.Ilse.ID), o.Site.SharedInbox()
		for _, test := range []struct {
			name   string
			listed bool // we know that the collection lists the author
			end    func(collection string) error
		}{
			{"a Remove of a known item", true, func(c string) error { return bram.RemoveItem(o.Soon(), c, ilse, inbox) }},
			{"a Delete", false, func(c string) error { return bram.DeleteCollection(o.Soon(), c, "Delete", inbox) }},
			{"a Remove of the collection", false, func(c string) error {
				return bram.DeleteCollection(o.Soon(), c, "Remove", inbox)
			}},
			{"an Update without the author", true, func(c string) error {
				if err := bram.RemoveItem(o.Soon(), c, ilse, ""); err != nil {
					return err
				}
				return bram.EditCollection(o.Soon(), c, "By the sea", inbox)
			}},
		} {
			collection := bram.MakeCollection("By the water", "")
			_, authorization := o.Feature(bram, collection)
			if test.listed {
				if _, err := bram.AnnounceItem(o.Soon(), collection, ilse, inbox); err != nil {
					t.Fatal(err)
				}
				o.WaitSettled()
			}
			if err := test.end(collection); err != nil {
				t.Fatal(err)
			}
			o.WaitSettled()
			if list := o.Features(blog.AuthorizationGiven); len(list) != 0 {
				t.Errorf("after %s the author is featured still: %+v", test.name, list)
			}
			if code, _ := o.JSON(authorization); code != http.StatusNotFound {
				t.Errorf("after %s the permission answers %d", test.name, code)
			}
			if _, err := o.Store.FeaturedCollection(o.Soon(), collection); err == nil {
				t.Errorf("after %s the collection is kept", test.name)
			}
		}
	})
}

func TestF120RemoveOfAnItemThatIsNotKnownIsLookedUp(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, ilse, inbox := o.Server("veerhuis").Person("bram"), o.Site.ActorID(o.Ilse.ID), o.Site.SharedInbox()
		joost := o.AddAuthor("joost", "Joost")
		collection := bram.MakeCollection("By the water", "")
		o.Feature(bram, collection)
		if _, err := bram.Feature(o.Soon(), collection, o.Site.ActorID(joost.ID)); err != nil {
			t.Fatal(err)
		}
		o.Until("both are in it", func() bool {
			state, _ := bram.Featured(collection, o.Site.ActorID(joost.ID))
			return state == fedtest.Accepted
		})
		if err := bram.EditCollection(o.Soon(), collection, "By the sea", inbox); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		if list := o.Features(blog.AuthorizationGiven); len(list) != 1 || list[0].Collection.Name != "By the sea" ||
			list[0].Item == "" {
			t.Errorf("after an edit the collection is %+v", list)
		}
		if err := bram.RemoveItem(o.Soon(), collection, o.Site.ActorID(joost.ID), inbox); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		stranger := map[string]any{"id": bram.ID + "#acts/odd", "type": "Remove", "object": collection + "/items/odd",
			"target": collection}
		o.Receive(bram, stranger)
		if list := o.Features(blog.AuthorizationGiven); len(list) != 1 {
			t.Fatalf("a Remove of somebody else's item leaves %d", len(list))
		}
		if err := bram.RemoveItem(o.Soon(), collection, ilse, ""); err != nil {
			t.Fatal(err)
		}
		stranger["id"] = bram.ID + "#acts/odd2"
		o.Receive(bram, stranger)
		if list := o.Features(blog.AuthorizationGiven); len(list) != 0 {
			t.Errorf("a Remove of an item that is not known leaves %+v", list)
		}
	})
}

func TestF120NobodyElseChangesACollection(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		joost := bram.Server.Person("joost")
		ilse, collection := o.Site.ActorID(o.Ilse.ID), bram.MakeCollection("By the water", "")
		o.Feature(bram, collection)
		if _, err := bram.AnnounceItem(o.Soon(), collection, ilse, o.Site.SharedInbox()); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*fedtest.Person{kade, joost} {
			for kind, object := range map[string]any{"Delete": collection, "Remove": ilse,
				"Update": map[string]any{"id": collection, "type": "FeaturedCollection", "name": "Forged",
					"attributedTo": bram.ID, "totalItems": 0, "orderedItems": []any{}}} {
				o.Receive(p, map[string]any{"id": p.ID + "#acts/" + kind, "type": kind, "object": object,
					"target": collection, "to": []string{"as:Public"}})
			}
			forged := map[string]any{"id": collection, "type": "FeaturedCollection", "name": "Forged",
				"attributedTo": p.ID, "totalItems": 0, "orderedItems": []any{}}
			o.Receive(p, map[string]any{"id": p.ID + "#acts/own", "type": "Update", "object": forged})
			if list := o.Features(blog.AuthorizationGiven); len(list) != 1 || list[0].Collection.Name != "By the water" {
				t.Errorf("%s changed the collection of Bram: %+v", p.Handle(), list)
			}
		}
	})
}

func TestACollectionMayListItsAuthorOnlyAfterOurAccept(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, inbox := o.Server("veerhuis").Person("bram"), o.Site.SharedInbox()
		collection := bram.MakeCollection("By the water", "")
		o.Feature(bram, collection)
		// It was written before the Accept came, and says nothing about the author.
		early := map[string]any{"id": collection, "type": "FeaturedCollection", "name": "By the sea",
			"attributedTo": bram.ID, "totalItems": 0, "orderedItems": []any{}}
		if _, err := bram.Send(o.Soon(), inbox, map[string]any{"id": bram.ID + "#acts/early", "type": "Update",
			"actor": bram.ID, "object": early}); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		if list := o.Features(blog.AuthorizationGiven); len(list) != 1 || list[0].Collection.Name != "By the sea" {
			t.Errorf("an Update from before the Accept leaves %+v", list)
		}
	})
}

func TestTheCollectionsOfOneServerAreLimited(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		joost := o.Server("noordkade").Person("joost")
		ilse := o.Site.ActorID(o.Ilse.ID)
		fill := func(p *fedtest.Person, domain string, state blog.AuthorizationState, n int) {
			t.Helper()
			for i := range n {
				if err := o.Store.SaveAuthorization(o.Soon(), blog.Authorization{ID: blog.NewID(time.Now()),
					Kind: blog.FeatureAuthorization, VoiceID: o.Ilse.ID, Target: ilse, ActorID: p.ID, Domain: domain,
					Instrument: fmt.Sprint(p.ID, "/", state, "/", domain, i), State: state, At: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
		}
		try := func(p *fedtest.Person, want string) {
			t.Helper()
			collection := p.MakeCollection("One more", "")
			if _, err := p.Feature(o.Soon(), collection, ilse); err != nil {
				t.Fatal(err)
			}
			o.WaitSettled()
			o.Until("the request is "+want, func() bool {
				state, _ := p.Featured(collection, ilse)
				return state == want
			})
		}
		// The first request makes the owner known, and counts.
		try(bram, fedtest.Accepted)
		domain := o.Features(blog.AuthorizationGiven)[0].Domain
		fill(bram, domain, blog.AuthorizationRevoked, 98)
		try(bram, fedtest.Accepted)
		try(bram, fedtest.Rejected)
		o.SetFeaturing(blog.FeatureAsk)
		try(kade, fedtest.Pending)
		domain = o.Features(blog.AuthorizationAsked)[0].Domain
		fill(kade, domain, blog.AuthorizationAsked, 18)
		try(kade, fedtest.Pending)
		try(kade, fedtest.Rejected)
		fill(kade, "many.example", blog.AuthorizationAsked, 179)
		try(joost, fedtest.Pending)
		try(joost, fedtest.Rejected)
	})
}
