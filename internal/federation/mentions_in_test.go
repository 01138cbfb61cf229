package federation_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

// named is what was kept for Ilse of posts that name her, the newest first.
func (o *overkant) named(more ...func(*store.MentionList)) (texts []string) {
	o.t.Helper()
	list := store.MentionList{Author: o.ilse.ID, Limit: 500}
	for _, change := range more {
		change(&list)
	}
	mentions, err := o.store.Mentions(o.soon(), list)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, m := range mentions {
		texts = append(texts, string(m.Visibility)+" "+m.Plain)
	}
	return texts
}

func TestAPostThatNamesAnAuthorAndNoArticleIsKeptForThem(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, nadia := o.server("veerhuis").Person("bram"), o.server("noordkade").Person("nadia")
		a, id := o.publish(), o.site.ActorID(o.ilse.ID)
		other := o.addVoice("tobias", "Tobias Lind")
		said, err := bram.Post(o.soon(), "<p>Ask ilse <script>x</script>about <b>ferries</b>.</p>", neighbour.Mention(id))
		if err != nil {
			t.Fatal(err)
		}
		if got := o.named(); len(got) != 1 || got[0] != "public Ask ilse about ferries." {
			t.Errorf("kept is %q", got)
		}
		// An answer to something elsewhere, and one that is for her alone.
		above, err := nadia.Post(o.soon(), "<p>Which rivers?</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(o.soon(), above.Object, "<p>Ilse knows.</p>", neighbour.Mention(id)); err != nil {
			t.Fatal(err)
		}
		o.until("the answer elsewhere is kept", func() bool { return len(o.named()) == 2 })
		if _, err := nadia.Post(o.soon(), "<p>Between us.</p>", neighbour.Direct(), neighbour.Mention(id)); err != nil {
			t.Fatal(err)
		}
		if got := o.named(); !slices.Equal(got, []string{"restricted Between us.", "public Ilse knows.", "public Ask ilse about ferries."}) {
			t.Errorf("kept is %q", got)
		}
		if got := o.named(func(l *store.MentionList) { l.Author = other.ID }); len(got) != 0 {
			t.Errorf("somebody else reads %q", got)
		}
		if n := len(o.comments(a)) + o.counts(a).Mentions; n != 0 {
			t.Errorf("%d of it stands under an article", n)
		}
		// An answer under an article is a comment, though it names its author.
		if _, err := bram.Reply(o.soon(), o.object(a), "<p>If the wind lets you.</p>", neighbour.Mention(id)); err != nil {
			t.Fatal(err)
		}
		if len(o.comments(a)) != 1 || len(o.named()) != 3 {
			t.Errorf("%d comments and %q", len(o.comments(a)), o.named())
		}
		// It changes with the post, and ends with it.
		if _, err := bram.Edit(o.soon(), said.Object, "<p>Ask ilse about bridges.</p>"); err != nil {
			t.Fatal(err)
		}
		if got := o.named(); got[2] != "public Ask ilse about bridges." {
			t.Errorf("after the edit it is %q", got[2])
		}
		if _, err := bram.Delete(o.soon(), said.Object); err != nil {
			t.Fatal(err)
		}
		if got := o.named(); len(got) != 2 {
			t.Errorf("after its end there are %q", got)
		}
		if _, err := nadia.Leave(o.soon()); err != nil {
			t.Fatal(err)
		}
		o.until("what she wrote went with her", func() bool { return len(o.named()) == 1 })
	})
}

func TestWordsThatNameNobodyHereOrComeFromTheBlockedAreNotKept(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("noordkade").Person("kade")
		o.befriend(bram)
		if _, err := bram.Post(o.soon(), "<p>Nothing to do with you.</p>"); err != nil {
			t.Fatal(err)
		}
		o.tell(bram, act("Create", bram, note(bram, "", "hush", map[string]any{"to": []string{bram.Followers()},
			"tag": []any{map[string]any{"type": "Mention", "href": o.site.ActorID(o.ilse.ID), "name": "@ilse"}}}), "1"), http.StatusAccepted)
		if got := o.named(); len(got) != 0 {
			t.Errorf("kept is %q", got)
		}
		if _, err := kade.Post(o.soon(), "<p>Look at me.</p>", neighbour.Mention(o.site.ActorID(o.ilse.ID))); err != nil {
			t.Fatal(err)
		}
		if got := o.named(); len(got) != 1 {
			t.Errorf("kept is %q", got)
		}
		hidden := func(l *store.MentionList) { l.Hidden = true }
		for want, level := range []blog.BlockLevel{1: blog.Limit, 0: blog.Refuse} {
			if _, err := o.store.Block(o.soon(), blog.Block{Kind: blog.BlockPerson, Subject: kade.ID, Level: level, At: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if shown, put := o.named(), o.named(hidden); len(shown) != 0 || len(put) != want {
				t.Errorf("of one who has the block %q stand %q, and %q are put away", level, shown, put)
			}
		}
	})
}

func TestOnlyTheNewestMentionsOfOneWriterAreKept(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		for n := range 53 {
			if _, err := bram.Post(o.soon(), fmt.Sprintf("<p>Look %d.</p>", n), neighbour.Mention(o.site.ActorID(o.ilse.ID))); err != nil && status(err) != http.StatusTooManyRequests {
				t.Fatal(err)
			}
		}
		if got := o.named(); len(got) != 50 || got[0] != "public Look 52." || got[49] != "public Look 3." {
			t.Errorf("%d are kept, from %q to %q", len(got), got[0], got[len(got)-1])
		}
	})
}
