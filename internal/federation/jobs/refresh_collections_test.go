package jobs_test

import (
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestF120CollectionsAreFetchedAgainEachDay(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, ilse := o.Server("veerhuis").Person("bram"), o.Site.ActorID(o.Ilse.ID)
		kept, left, gone := bram.MakeCollection("By the water", ""), bram.MakeCollection("Ferries", ""),
			bram.MakeCollection("Rivers", "")
		for _, collection := range []string{kept, left, gone} {
			o.Feature(bram, collection)
		}
		asked := bram.MakeCollection("Quays", "")
		o.SetFeaturing(blog.FeatureAsk)
		o.Feature(bram, asked)
		// Nobody tells us of any of this.
		for _, collection := range []string{gone, asked} {
			if err := bram.DeleteCollection(o.Soon(), collection, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := bram.RemoveItem(o.Soon(), left, ilse, ""); err != nil {
			t.Fatal(err)
		}
		o.RunJobsUntil(25*time.Hour, "only the collection that lists the author is left", func() bool {
			given := o.Features(blog.AuthorizationGiven)
			return len(given) == 1 && given[0].Instrument == kept && given[0].Item != "" &&
				len(o.Features(blog.AuthorizationAsked)) == 0
		})
	})
}

func TestACollectionOnASilentServerIsKept(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		collection := bram.MakeCollection("By the water", "")
		o.Feature(bram, collection)
		if err := bram.Server.SetBehaviour(fedtest.Closed()); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		o.RunJobsUntil(25*time.Hour, "the silent server was asked", func() bool {
			c, err := o.Store.FeaturedCollection(o.Soon(), collection)
			return err == nil && c.CheckAt.After(now.Add(25*time.Hour))
		})
		if n := len(o.Features(blog.AuthorizationGiven)); n != 1 {
			t.Errorf("%d permissions stand, want 1", n)
		}
	})
}

func TestF118FeatureRequestThatWaitsTooLongIsRejected(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, ilse := o.Server("veerhuis").Person("bram"), o.Site.ActorID(o.Ilse.ID)
		collection := bram.MakeCollection("By the water", "")
		o.SetFeaturing(blog.FeatureAsk)
		o.Feature(bram, collection)
		if err := o.OutboxIn(29 * 24 * time.Hour).ExpireFeatureRequests(o.Soon()); err != nil {
			t.Fatal(err)
		}
		if n := len(o.Features(blog.AuthorizationAsked)); n != 1 {
			t.Fatalf("after 29 days %d requests wait", n)
		}
		// Asked again, it has waited since the first time.
		o.Feature(bram, collection)
		o.RunJobsUntil(30*24*time.Hour+time.Minute, "nothing waits", func() bool {
			return len(o.Features(blog.AuthorizationAsked)) == 0
		})
		o.Until("its owner is told", func() bool {
			state, _ := bram.Featured(collection, ilse)
			return state == fedtest.Rejected
		})
		if o.Feature(bram, collection); len(o.Features(blog.AuthorizationAsked)) != 1 {
			t.Error("it may not be asked for again")
		}
	})
}
