package admin_test

import (
	"slices"
	"testing"

	"causerie/internal/blog"
)

func TestTheFieldOfTheTagsHoldsOnlyWhatWasTypedThere(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new").want(200, "/admin/articles/new")
		b.press("Save", "title", "Quay", "text", "Along the #quay and the #Rivers.", "tags", "rivers")
		check := func(want ...string) {
			t.Helper()
			a := o.only()
			if got := a.AllTags(); !slices.Equal(got, want) {
				t.Errorf("the tags are %q, want %q", got, want)
			}
			if got := b.field("tags"); got != "rivers" {
				t.Errorf("the field of the tags holds %q", got)
			}
		}
		check("rivers", "quay")
		editor := "/admin/articles/" + string(o.only().ID)
		b.open(editor + "/publish").press("Publish as chosen").sees("Published")
		b.open(editor)
		check("rivers", "quay")
		b.press("Save and send", "text", "Along the water.").open(editor)
		check("rivers")
	})
}
