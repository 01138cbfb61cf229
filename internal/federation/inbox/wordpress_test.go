package inbox_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// post is a note of a person that its server serves, too.
type post struct {
	o   *overkant.Blog
	by  *fedtest.Person
	doc map[string]any
}

// writePost has a person write a note. at is its updated, in seconds from now.
func writePost(o *overkant.Blog, by *fedtest.Person, name, words string, change map[string]any) *post {
	n := &post{o, by, overkant.ReplyNote(by, "", name, map[string]any{"content": words})}
	delete(n.doc, "inReplyTo")
	maps.Copy(n.doc, change)
	return n
}

// edit changes the words and the time of the note at its server.
func (n *post) edit(words string, second int) {
	n.doc = maps.Clone(n.doc)
	n.doc["content"] = words
	n.doc["updated"] = time.Now().Truncate(time.Hour).Add(time.Duration(second) * time.Second).UTC().Format(time.RFC3339)
	n.by.Server.ServeDocument(strings.TrimPrefix(n.doc["id"].(string), n.by.Server.URL), n.doc)
}

// send sends an activity with the note, or with its id.
func (n *post) send(kind string, object any) {
	n.o.T.Helper()
	n.o.Receive(n.by, overkant.Activity(kind, n.by, object, kind+string(blog.NewID(time.Now()))))
}

func TestF132AnUpdateThatOnlyNamesTheActorRenewsTheProfileAndTheKeys(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i, object := range []func(p *fedtest.Person) any{
			func(p *fedtest.Person) any { return p.ID },
			func(p *fedtest.Person) any { return map[string]any{"id": p.ID, "type": "Person"} },
			func(p *fedtest.Person) any { return map[string]any{"id": p.ID} },
		} {
			p := o.Server(fmt.Sprint("wp", i)).Person("bram")
			o.AddFollower(p)
			p.Server.ServeDocument(strings.TrimPrefix(p.ID, p.Server.URL), map[string]any{"id": p.ID, "type": "Person",
				"name": "Bram of the ferry", "preferredUsername": "bram", "inbox": p.Inbox(),
				"publicKey": []any{map[string]any{"id": p.KeyID(), "owner": p.ID, "publicKeyPem": p.PublicPEM()},
					map[string]any{"id": p.ID + "#second", "owner": p.ID, "publicKeyPem": p.PublicPEM()}}})
			o.Receive(p, overkant.Activity("Update", p, object(p), "1"))
			keys, err := o.Store.ActorKeys(o.Soon(), p.ID)
			if got := o.StoredActor(p.ID).Name; got != "Bram of the ferry" || len(keys) != 2 || err != nil {
				t.Errorf("%v: %q, %d keys, %v", object(p), got, len(keys), err)
			}
		}
		stranger := o.Server("elsewhere").Person("kade")
		o.Receive(stranger, overkant.Activity("Update", stranger, stranger.ID+"/other", "1"))
	})
}

func TestF133ACreateWithANewerVersionRevises(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, bram := o.Publish(), o.Server("wp").Person("bram")
		link := `<p>See <a href="` + o.Site.ArticlePage(a) + `">it</a>.</p>`
		for name, n := range map[string]*post{
			"reply":   writePost(o, bram, "reply", "", map[string]any{"inReplyTo": o.Object(a)}),
			"quote":   writePost(o, bram, "quote", "", map[string]any{"quote": o.Object(a)}),
			"link":    writePost(o, bram, "link", "", nil),
			"mention": writePost(o, bram, "mention", "", map[string]any{"cc": []string{o.Site.ActorID(o.Ilse.ID)}}),
		} {
			more, shown := "", func() string { return o.CommentKinds(a) }
			if name == "link" {
				more = link
			}
			if name == "mention" {
				shown = func() string { return strings.Join(o.MentionTexts(), "|") }
			}
			n.edit("<p>"+name+" one</p>"+more, 1)
			n.send("Create", n.doc)
			first := n.doc
			n.edit("<p>"+name+" modified</p>"+more, 2)
			n.send("Update", n.doc)
			n.edit("<p>"+name+" again</p>"+more, 3)
			n.send("Create", n.doc)
			n.send("Create", first)
			if got := shown(); !strings.Contains(got, name+" again") || strings.Contains(got, "modified") ||
				strings.Contains(got, "one") {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
}

func TestF134OtherWordsAtTheSameTimeAreTakenAsTheirServerServesThem(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, bram := o.Publish(), o.Server("wp").Person("bram")
		n := writePost(o, bram, "reply", "", map[string]any{"inReplyTo": o.Object(a)})
		n.edit("<p>one</p>", 1)
		n.send("Create", n.doc)
		for _, words := range []string{"two", "three", "four"} {
			n.edit("<p>"+words+"</p>", 2)
			n.send("Update", n.doc)
			if got := o.CommentTexts(a); got != words {
				t.Errorf("after an edit: %q, want %q", got, words)
			}
		}
		asked := o.CountRequests(bram.Server)
		n.send("Update", n.doc)
		if got := o.CountRequests(bram.Server); got != asked {
			t.Errorf("a retry made us ask %d times", got-asked)
		}
		old := maps.Clone(n.doc)
		old["content"] = "<p>three</p>"
		n.send("Update", old) // it comes late
		if got := o.CommentTexts(a); got != "four" {
			t.Errorf("after an edit that came late: %q", got)
		}
	})
}

func TestF135APostMayChangeItsAuthorOnItsServer(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		for i, sender := range []string{"bram", "joost"} {
			wp := o.Server(fmt.Sprint("wp", i))
			bram, joost := wp.Person("bram"), wp.Person("joost")
			words := fmt.Sprint("Words ", i)
			n := writePost(o, bram, "reply", "", map[string]any{"inReplyTo": o.Object(a)})
			n.edit("<p>"+words+"</p>", 1)
			n.send("Create", n.doc)
			is := func(want string) {
				t.Helper()
				for _, c := range o.Comments(a) {
					if strings.HasPrefix(c.Plain, words) && c.ActorID != want {
						t.Errorf("the author is %s, want %s", c.ActorID, want)
					}
				}
			}
			forged := maps.Clone(n.doc) // by somebody else of the server, which says otherwise
			forged["attributedTo"], forged["content"] = joost.ID, "<p>"+words+" forged</p>"
			forged["updated"] = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
			o.Receive(joost, overkant.Activity("Update", joost, forged, "forged"))
			is(bram.ID)
			kade := o.Server(fmt.Sprint("elsewhere", i)).Person("kade")
			forged["attributedTo"] = kade.ID
			o.Receive(kade, overkant.Activity("Update", kade, forged, "forged"))
			is(bram.ID)
			n.doc["attributedTo"] = joost.ID
			n.edit("<p>"+words+" edited</p>", 2)
			n.by = wp.Person(sender)
			n.send("Update", n.doc)
			is(joost.ID)
			if got := o.CommentTexts(a); !strings.Contains(got, words+" edited") || strings.Contains(got, "forged") {
				t.Errorf("comments: %q", got)
			}
			n.by = joost
			n.edit("<p>"+words+" by the new author</p>", 3)
			n.send("Update", n.doc)
			if got := o.CommentTexts(a); !strings.Contains(got, words+" by the new author") {
				t.Errorf("comments: %q", got)
			}
		}
	})
}

func TestF136AQuoteOrLinkThatIsPutBackReturns(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, bram := o.Publish(), o.Server("wp").Person("bram")
		link := `<p>See <a href="` + o.Site.ArticlePage(a) + `">it</a>.</p>`
		for name, with := range map[string]func(there bool, n *post, second int){
			"link": func(there bool, n *post, second int) {
				n.edit("<p>A link.</p>"+map[bool]string{true: link}[there], second)
			},
			"quote": func(there bool, n *post, second int) {
				delete(n.doc, "quote")
				if there {
					n.doc["quote"] = o.Object(a)
				}
				n.edit("<p>A quote.</p>", second)
			},
		} {
			n := writePost(o, bram, name, "", nil)
			check := func(want bool) {
				t.Helper()
				if got := o.CommentKinds(a); strings.Contains(got, "A "+name) != want {
					t.Errorf("%s: %q, want it there: %t", name, got, want)
				}
			}
			with(true, n, 1)
			n.send("Create", n.doc)
			check(true)
			for second := 2; second < 6; second += 2 {
				with(false, n, second)
				n.send("Update", n.doc)
				check(false)
				with(true, n, second+1)
				n.send("Update", n.doc)
				check(true)
			}
			// What a moderator hid comes back hidden.
			hidden := o.FetchComment(n.doc["id"].(string)).ID
			if err := o.Outbox.Moderate(o.Soon(), hidden, blog.CommentHidden); err != nil {
				t.Fatal(err)
			}
			for second := 7; second < 9; second++ {
				with(second == 8, n, second)
				n.send("Update", n.doc)
				check(false)
			}
			if err := o.Outbox.Moderate(o.Soon(), hidden, blog.CommentShown); err != nil {
				t.Fatal(err)
			}
			check(true)
			// What its writer deleted stays gone, also when the link was out before.
			with(false, n, 9)
			n.send("Update", n.doc)
			n.send("Delete", n.doc["id"])
			with(true, n, 10)
			n.send("Update", n.doc)
			n.send("Create", n.doc)
			check(false)
		}
	})
}

func TestF133ACreateThatAGroupAnnouncesWithANewerVersionRevises(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, bram, group := o.Publish(), o.Server("wp").Person("bram"), o.Server("lemmy").Person("ferries")
		n := writePost(o, bram, "reply", "", map[string]any{"inReplyTo": o.Object(a)})
		announce := func(note map[string]any) int {
			t.Helper()
			asked := o.CountRequests(bram.Server)
			inner := overkant.Activity("Create", bram, note, "create")
			o.Receive(group, overkant.Activity("Announce", group, inner, string(blog.NewID(time.Now()))))
			return o.CountRequests(bram.Server) - asked
		}
		n.edit("<p>one</p>", 1)
		n.send("Create", n.doc)
		first := n.doc
		n.edit("<p>two</p>", 2)
		announce(n.doc)
		if got := o.CommentTexts(a); got != "two" {
			t.Errorf("after a newer version: %q", got)
		}
		// What is no news makes us ask nobody.
		without := maps.Clone(n.doc)
		delete(without, "updated")
		for _, note := range []map[string]any{n.doc, first, without} {
			if asked := announce(note); asked != 0 || o.CommentTexts(a) != "two" {
				t.Errorf("%v: asked %d times, %q", note["updated"], asked, o.CommentTexts(a))
			}
		}
		// The group proves nothing: the words are those of the post's own server.
		forged := maps.Clone(n.doc)
		forged["content"], forged["updated"] = "<p>forged</p>", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		announce(forged)
		if got := o.CommentTexts(a); got != "two" {
			t.Errorf("after a forged version: %q", got)
		}
	})
}
