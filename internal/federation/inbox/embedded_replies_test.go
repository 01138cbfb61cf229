package inbox_test

import (
	"fmt"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

func TestRepliesThatComeAlongWithAPostAreFetchedEachFromItsOwnServer(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i, replies := range []func(origin string, items any) map[string]any{
			func(_ string, items any) map[string]any { return map[string]any{"type": "Collection", "items": items} },
			func(_ string, items any) map[string]any {
				return map[string]any{"type": "OrderedCollection", "first": map[string]any{"type": "CollectionPage",
					"items": items}}
			},
			// The collection has an address, and its server serves it to nobody.
			func(origin string, items any) map[string]any {
				return map[string]any{"id": origin + "/replies/404", "type": "Collection",
					"first": map[string]any{"type": "CollectionPage", "items": items}}
			},
		} {
			a := o.Publish(func(a *blog.Article) { a.Slug = fmt.Sprint("along-", i) })
			bram, kade := o.Server(fmt.Sprint("veerhuis", i)).Person("bram"), o.Server(fmt.Sprint("duin", i)).Person("kade")
			parent := overkant.ReplyNote(bram, o.Object(a), "parent", nil)
			below := overkant.ReplyNote(kade, parent["id"].(string), "below", nil)
			kade.Server.ServeDocument(strings.TrimPrefix(below["id"].(string), kade.Server.URL), below)
			said := overkant.ReplyNote(kade, parent["id"].(string), "below", map[string]any{"content": "<p>said of it</p>"})
			parent["replies"] = replies(bram.Server.URL, []any{said, kade.ID + "/notes/none"})
			bram.Server.ServeDocument(strings.TrimPrefix(parent["id"].(string), bram.Server.URL), parent)
			o.Receive(bram, overkant.Activity("Create", bram, parent, "1"))
			found := o.Backfill(a)
			if got := o.CommentTexts(a); got != "parent|below" {
				t.Errorf("case %d: %q, %+v", i, got, found)
			}
		}
	})
}
