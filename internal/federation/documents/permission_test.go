package documents_test

import (
	"net/http"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

// Pages that change often are rendered now and then, and readers see an older one meanwhile. What others check a
// permission with is never older than what they were told.
func TestF121APermissionThatWasTakenBackIsNotServedAnyMore(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		if err := o.Outbox.FeatureAuthors(o.Soon(), true); err != nil {
			t.Fatal(err)
		}
		collection := o.Site.AuthorsCollection(site.ID)
		given := o.Features(blog.AuthorizationGiven)
		if len(given) != 1 {
			t.Fatalf("%d permissions stand", len(given))
		}
		authorization, item := o.Site.URL+"/ap/authorizations/"+string(given[0].ID), given[0].Item
		for range 10 { // more often than a page is rendered at once
			if err := o.Store.SaveSite(o.Soon(), o.Site); err != nil {
				t.Fatal(err)
			}
			for _, address := range []string{collection, item, authorization} {
				if code, _ := o.JSON(address); code != http.StatusOK {
					t.Fatalf("%s answers %d", address, code)
				}
			}
		}
		if err := o.Outbox.EndFeature(o.Soon(), o.Ilse.ID, given[0].ID); err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{item, authorization} {
			if code, _ := o.JSON(address); code != http.StatusNotFound {
				t.Errorf("taken back, %s answers %d", address, code)
			}
		}
		if doc := o.ReadDocument(collection); doc["totalItems"] != float64(0) {
			t.Errorf("the collection still has %v", doc)
		}
	})
}
