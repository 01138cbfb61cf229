package inbox_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestAPostThatMentionsAnAuthorAndNoArticleIsSavedForThem(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, nadia := o.Server("veerhuis").Person("bram"), o.Server("noordkade").Person("nadia")
		a, id := o.Publish(), o.Site.ActorID(o.Ilse.ID)
		other := o.AddAuthor("tobias", "Tobias Lind")
		said, err := bram.Post(o.Soon(), "<p>Ask ilse <script>x</script>about <b>ferries</b>.</p>", fedtest.Mention(id))
		if err != nil {
			t.Fatal(err)
		}
		if got := o.MentionTexts(); len(got) != 1 || got[0] != "public Ask ilse about ferries." {
			t.Errorf("kept is %q", got)
		}
		// An answer to something elsewhere, and one that is for her alone.
		above, err := nadia.Post(o.Soon(), "<p>Which rivers?</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(o.Soon(), above.Object, "<p>Ilse knows.</p>", fedtest.Mention(id)); err != nil {
			t.Fatal(err)
		}
		o.Until("the answer elsewhere is kept", func() bool { return len(o.MentionTexts()) == 2 })
		if _, err := nadia.Post(o.Soon(), "<p>Between us.</p>", fedtest.Direct(), fedtest.Mention(id)); err != nil {
			t.Fatal(err)
		}
		if got := o.MentionTexts(); !slices.Equal(got,
			[]string{"restricted Between us.", "public Ilse knows.", "public Ask ilse about ferries."}) {
			t.Errorf("kept is %q", got)
		}
		if got := o.MentionTexts(func(l *store.MentionList) { l.Author = other.ID }); len(got) != 0 {
			t.Errorf("somebody else reads %q", got)
		}
		if n := len(o.Comments(a)) + o.Counts(a).Mentions; n != 0 {
			t.Errorf("%d of it stands under an article", n)
		}
		// An answer under an article is a comment, though it names its author.
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>If the wind lets you.</p>", fedtest.Mention(id)); err != nil {
			t.Fatal(err)
		}
		if len(o.Comments(a)) != 1 || len(o.MentionTexts()) != 3 {
			t.Errorf("%d comments and %q", len(o.Comments(a)), o.MentionTexts())
		}
		// It changes with the post, and ends with it.
		if _, err := bram.Edit(o.Soon(), said.Object, "<p>Ask ilse about bridges.</p>"); err != nil {
			t.Fatal(err)
		}
		if got := o.MentionTexts(); got[2] != "public Ask ilse about bridges." {
			t.Errorf("after the edit it is %q", got[2])
		}
		if _, err := bram.Delete(o.Soon(), said.Object); err != nil {
			t.Fatal(err)
		}
		if got := o.MentionTexts(); len(got) != 2 {
			t.Errorf("after its end there are %q", got)
		}
		if _, err := nadia.DeleteAccount(o.Soon()); err != nil {
			t.Fatal(err)
		}
		o.Until("what she wrote went with her", func() bool { return len(o.MentionTexts()) == 1 })
	})
}

func TestPostsThatMentionNobodyHereOrComeFromTheBlockedAreNotSaved(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("noordkade").Person("kade")
		o.AddFollower(bram)
		if _, err := bram.Post(o.Soon(), "<p>Nothing to do with you.</p>"); err != nil {
			t.Fatal(err)
		}
		o.PostExpecting(bram, overkant.Activity("Create", bram,
			overkant.ReplyNote(bram, "", "hush", map[string]any{"to": []string{bram.Followers()},
				"tag": []any{map[string]any{"type": "Mention", "href": o.Site.ActorID(o.Ilse.ID), "name": "@ilse"}}}), "1"),
			http.StatusAccepted)
		if got := o.MentionTexts(); len(got) != 0 {
			t.Errorf("kept is %q", got)
		}
		if _, err := kade.Post(o.Soon(), "<p>Look at me.</p>", fedtest.Mention(o.Site.ActorID(o.Ilse.ID))); err != nil {
			t.Fatal(err)
		}
		if got := o.MentionTexts(); len(got) != 1 {
			t.Errorf("kept is %q", got)
		}
		hidden := func(l *store.MentionList) { l.Hidden = true }
		for want, level := range []blog.BlockLevel{1: blog.Limit, 0: blog.Refuse} {
			if _, err := o.Store.Block(o.Soon(), blog.Block{Kind: blog.BlockPerson, Subject: kade.ID, Level: level,
				At: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if shown, put := o.MentionTexts(), o.MentionTexts(hidden); len(shown) != 0 || len(put) != want {
				t.Errorf("of one who has the block %q stand %q, and %q are put away", level, shown, put)
			}
		}
	})
}

func TestOnlyTheNewestMentionsByOneActorAreKept(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		for n := range 53 {
			if _, err := bram.Post(o.Soon(), fmt.Sprintf("<p>Look %d.</p>", n),
				fedtest.Mention(o.Site.ActorID(o.Ilse.ID))); err != nil && overkant.StatusOf(err) != http.StatusTooManyRequests {
				t.Fatal(err)
			}
		}
		if got := o.MentionTexts(); len(got) != 50 || got[0] != "public Look 52." || got[49] != "public Look 3." {
			t.Errorf("%d are kept, from %q to %q", len(got), got[0], got[len(got)-1])
		}
	})
}

func TestF134OtherWordsOfAMentionAtTheSameTimeAreTakenAsServed(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("wp").Person("bram")
		n := writePost(o, bram, "mention", "", map[string]any{"cc": []string{o.Site.ActorID(o.Ilse.ID)}})
		is := func(want string) {
			t.Helper()
			if got := strings.Join(o.MentionTexts(), "|"); got != "public "+want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		n.edit("<p>one</p>", 1)
		n.send("Create", n.doc)
		for i, words := range []string{"two", "three", "four"} {
			n.edit("<p>"+words+"</p>", 2)
			n.send([]string{"Update", "Create"}[i%2], n.doc)
			is(words)
		}
		asked := o.CountRequests(bram.Server)
		n.send("Update", n.doc)
		if got := o.CountRequests(bram.Server); got != asked {
			t.Errorf("a retry made us ask %d times", got-asked)
		}
		old := maps.Clone(n.doc)
		old["content"] = "<p>three</p>"
		n.send("Update", old) // it comes late
		is("four")
		n.edit("<p>five</p>", 1) // an older version changes nothing
		n.send("Update", n.doc)
		is("four")
	})
}

func TestF134OtherWordsOfAPrivateMentionCountInTheirOrder(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("wp").Person("bram")
		for i, words := range []string{"one", "two", "three"} {
			note := overkant.CreateNote(bram, "private", "<p>"+words+"</p>",
				map[string]any{"to": o.Site.ActorID(o.Ilse.ID), "updated": "2026-11-01T12:00:00Z"})["object"]
			o.Receive(bram, overkant.Activity([]string{"Create", "Update", "Update"}[i], bram, note, fmt.Sprint(i)))
			if got := strings.Join(o.MentionTexts(), "|"); got != "restricted "+words {
				t.Errorf("%q, want %q", got, words)
			}
		}
	})
}
