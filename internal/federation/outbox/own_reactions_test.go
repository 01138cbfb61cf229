package outbox_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

func TestABoostIsInTheOutboxUntilItIsUndone(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.Publish()
		for _, words := range []string{"<p>High water.</p>", "<p>Low water.</p>"} {
			if _, err := bram.Post(o.Soon(), words); err != nil {
				t.Fatal(err)
			}
		}
		post, err := bram.Post(o.Soon(), "<p>The lock is shut.</p>")
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []blog.ReactionKind{blog.Like, blog.Boost} {
			if err := o.Outbox.React(o.Soon(), o.Ilse, kind, post.Object); err != nil {
				t.Fatal(err)
			}
		}
		path := "/ap/actors/" + string(o.Ilse.ID) + "/outbox"
		type said struct {
			ID, Type string
			Object   json.RawMessage
		}
		outbox := func() (list []said, total any) {
			_, whole := o.JSON(o.Site.URL + path)
			_, page := o.Document(path + "?cursor=")
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
		if len(list) != 2 || total != 2.0 || list[0].Type != "Announce" || string(list[0].Object) != `"`+post.Object+`"` ||
			list[1].Type != "Create" {
			t.Fatalf("the outbox is %v of %v", list, total)
		}
		boost := list[0].ID
		if code, doc := o.JSON(boost); code != http.StatusOK || doc["object"] != post.Object {
			t.Errorf("the boost answers %d %v", code, doc)
		}
		o.Block(blog.BlockPerson, bram.ID, blog.Refuse)
		if list, total := outbox(); len(list) != 1 || total != 1.0 {
			t.Errorf("with its writer blocked the outbox is %v of %v", list, total)
		}
		if err := o.Store.Unblock(o.Soon(), blog.BlockPerson, bram.ID); err != nil {
			t.Fatal(err)
		}
		if list, _ := outbox(); len(list) != 2 {
			t.Errorf("with the block undone the outbox is %v", list)
		}
		if err := o.Outbox.Unreact(o.Soon(), o.Ilse, blog.Boost, post.Object); err != nil {
			t.Fatal(err)
		}
		if list, total := outbox(); len(list) != 1 || total != 1.0 || list[0].Type != "Create" {
			t.Errorf("taken back, the outbox is %v of %v", list, total)
		}
		if code, _, _ := o.Get(o.Path(boost), overkant.AsMastodon); code != http.StatusNotFound {
			t.Errorf("taken back, the boost answers %d", code)
		}
	})
}
