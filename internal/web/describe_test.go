package web

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAContentsListShowsAHeadingAsItIsWritten(t *testing.T) {
	t.Parallel()
	got := outline(`<h2 id="amp">What &amp;lt; means</h2><h2 id="oar">The <em>log</em> &amp; the oar</h2>` +
		`<h2 id="notes" class="vh">Notes</h2><h2 id="weir">The weir</h2>`)
	want := []heading{{"amp", "What &lt; means"}, {"oar", "The log & the oar"}, {"weir", "The weir"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
