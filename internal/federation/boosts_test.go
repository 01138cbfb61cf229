package federation_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"causerie/internal/blog"
)

func TestWhatAnAuthorBoostsElsewhereStandsInTheOutboxUntilItIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.publish()
		for _, words := range []string{"<p>High water.</p>", "<p>Low water.</p>"} {
			if _, err := bram.Post(o.soon(), words); err != nil {
				t.Fatal(err)
			}
		}
		post, err := bram.Post(o.soon(), "<p>The lock is shut.</p>")
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []blog.ReactionKind{blog.Like, blog.Boost} {
			if err := o.outbox.Gesture(o.soon(), o.ilse, kind, post.Object); err != nil {
				t.Fatal(err)
			}
		}
		path := "/ap/actors/" + string(o.ilse.ID) + "/outbox"
		type said struct {
			ID, Type string
			Object   json.RawMessage
		}
		outbox := func() (list []said, total any) {
			_, whole := o.json(o.site.URL + path)
			_, page := o.document(path + "?cursor=")
			for _, item := range page.OrderedItems {
				var s said
				if err := json.Unmarshal(item, &s); err != nil {
					t.Fatal(err)
				}
				list = append(list, s)
			}
			return list, whole["totalItems"]
		}
		list, total := outbox()
		if len(list) != 2 || total != 2.0 || list[0].Type != "Announce" || string(list[0].Object) != `"`+post.Object+`"` || list[1].Type != "Create" {
			t.Fatalf("the outbox is %v of %v", list, total)
		}
		boost := list[0].ID
		if code, doc := o.json(boost); code != http.StatusOK || doc["object"] != post.Object {
			t.Errorf("the boost answers %d %v", code, doc)
		}
		o.block(blog.BlockPerson, bram.ID, blog.Refuse)
		if list, total := outbox(); len(list) != 1 || total != 1.0 {
			t.Errorf("with its writer blocked the outbox is %v of %v", list, total)
		}
		if err := o.store.Unblock(o.soon(), blog.BlockPerson, bram.ID); err != nil {
			t.Fatal(err)
		}
		if list, _ := outbox(); len(list) != 2 {
			t.Errorf("with the block undone the outbox is %v", list)
		}
		if err := o.outbox.TakeGestureBack(o.soon(), o.ilse, blog.Boost, post.Object); err != nil {
			t.Fatal(err)
		}
		if list, total := outbox(); len(list) != 1 || total != 1.0 || list[0].Type != "Create" {
			t.Errorf("taken back, the outbox is %v of %v", list, total)
		}
		if code, _, _ := o.get(o.path(boost), asMastodon); code != http.StatusNotFound {
			t.Errorf("taken back, the boost answers %d", code)
		}
	})
}
