package inbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// editing is a post by a person of which version after version is sent.
type editing struct {
	o    *overkant.Blog
	by   *fedtest.Person
	note map[string]any
	n    int
}

// send sends the post with new words, as a Create the first time. It has no time of its change when updated is "".
func (e *editing) send(words, updated string) {
	e.n++
	e.note["content"] = "<p>" + words + "</p>"
	delete(e.note, "updated")
	if updated != "" {
		e.note["updated"] = updated
	}
	kind := "Update"
	if e.n == 1 {
		kind = "Create"
	}
	e.o.Receive(e.by, overkant.Activity(kind, e.by, e.note, fmt.Sprint("edit", e.n)))
}

func TestF123AnEditWithoutATimeCountsInTheOrderOfArrival(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		nou, a := o.Server("veerhuis").Person("nou"), o.Publish()
		ilse := o.Site.ActorID(o.Ilse.ID)
		mention := overkant.ReplyNote(nou, "", "to-ilse", map[string]any{
			"tag": []any{map[string]any{"type": "Mention", "href": ilse}}})
		delete(mention, "inReplyTo")
		for name, try := range map[string]struct {
			note  map[string]any
			words func() string
		}{
			"a reply":   {overkant.ReplyNote(nou, o.Object(a), "reply", nil), func() string { return o.CommentTexts(a) }},
			"a mention": {mention, func() string { return strings.TrimPrefix(strings.Join(o.MentionTexts(), "|"), "public ") }},
		} {
			e := editing{o: o, by: nou, note: try.note}
			for _, step := range []struct{ words, updated, want string }{
				{"first", "", "first"}, {"second", "", "second"}, {"third", "", "third"}, {"second", "", "second"},
				{"fourth", "2026-11-29T02:00:00Z", "fourth"}, {"late", "", "fourth"},
				{"older", "2026-11-29T01:00:00Z", "fourth"}, {"fifth", "2026-11-29T03:00:00Z", "fifth"},
			} {
				e.send(step.words, step.updated)
				if got := try.words(); got != step.want {
					t.Errorf("%s after %q of %q: %q, want %q", name, step.words, step.updated, got, step.want)
				}
			}
		}
	})
}

func TestF123AnEditThatChangesNothingNeedsNoNewApproval(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		nou := o.Server("veerhuis").Person("nou")
		a := o.Publish(func(a *blog.Article) { a.Comments = blog.Approve })
		e := editing{o: o, by: nou, note: overkant.ReplyNote(nou, o.Object(a), "reply", nil)}
		approve := func() {
			for _, c := range o.WaitingComments(a) {
				if err := o.Store.ModerateComment(o.Soon(), c.ID, blog.CommentShown); err != nil {
					t.Fatal(err)
				}
			}
		}
		e.send("first", "")
		approve()
		e.send("first", "")
		if got := o.CommentTexts(a); got != "first" {
			t.Errorf("after the same words: %q", got)
		}
		e.send("second", "")
		if got := o.CommentTexts(a); got != "" || len(o.WaitingComments(a)) != 1 {
			t.Errorf("after other words: %q", got)
		}
	})
}

func TestF124AnUpdateOfAPostNeverSeenIsTakenAsItsCreateWouldBe(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		old := o.Server("veerhuis").Person("old")
		a := o.Publish()
		ilse := o.Site.ActorID(o.Ilse.ID)
		for _, age := range []time.Duration{2 * time.Hour, 30 * time.Hour, 400 * 24 * time.Hour} {
			for _, kind := range []string{"Create", "Update"} {
				name := fmt.Sprint(kind, int(age.Hours()))
				more := map[string]any{"published": time.Now().Add(-age).UTC().Format(time.RFC3339),
					"updated": time.Now().UTC().Format(time.RFC3339)}
				o.Receive(old, overkant.Activity(kind, old, overkant.ReplyNote(old, o.Object(a), name, more), name))
				if _, err := o.Store.CommentByAddress(o.Soon(), old.ID+"/notes/"+name); err != nil {
					t.Errorf("a reply of %s: %v", name, err)
				}
				more["cc"] = []string{ilse}
				mention := overkant.ReplyNote(old, "", "mention-"+name, more)
				delete(mention, "inReplyTo")
				o.Receive(old, overkant.Activity(kind, old, mention, "mention-"+name))
				if got := o.MentionTexts(); !slices.Contains(got, "public mention-"+name) {
					t.Errorf("a mention of %s: %q", name, got)
				}
			}
		}
	})
}
