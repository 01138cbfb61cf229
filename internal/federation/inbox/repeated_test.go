package inbox_test

import (
	"maps"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// Some servers give one id to several activities, and a server that lost its database gives its ids again.
func TestF122AnActivityIsJudgedByWhatItSaysAndNotByItsID(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		ilse := o.Site.ActorID(o.Ilse.ID)
		for name, try := range map[string]func(p *fedtest.Person, send func(map[string]any)){
			"a follow while following is accepted again": func(p *fedtest.Person, send func(map[string]any)) {
				follow := overkant.Activity("Follow", p, ilse, "1")
				send(follow)
				send(follow)
				o.Until("the second Accept", func() bool { return len(p.Server.Received("Accept")) == 2 })
			},
			"a follow after an undo follows again": func(p *fedtest.Person, send func(map[string]any)) {
				follow := overkant.Activity("Follow", p, ilse, "1")
				for _, undone := range []any{follow, follow["id"]} {
					undo := overkant.Activity("Undo", p, undone, "1/undo")
					send(follow)
					send(undo)
					send(undo) // a retry
					if _, err := o.Store.Follower(o.Soon(), o.Ilse.ID, p.ID); err == nil {
						t.Errorf("%s still follows", p.ID)
					}
				}
				send(follow)
				if f, err := o.Store.Follower(o.Soon(), o.Ilse.ID, p.ID); err != nil || f.State != blog.Accepted {
					t.Errorf("%+v, %v", f, err)
				}
			},
			"a follow after the author removed the follower": func(p *fedtest.Person, send func(map[string]any)) {
				follow := overkant.Activity("Follow", p, ilse, "1")
				send(follow)
				if err := o.Outbox.RejectFollower(o.Soon(), o.Ilse.ID, p.ID); err != nil {
					t.Fatal(err)
				}
				send(overkant.Activity("Undo", p, follow, "2"))
				send(follow)
				if _, err := o.Store.Follower(o.Soon(), o.Ilse.ID, p.ID); err != nil {
					t.Error(err)
				}
			},
			"likes, boosts and emoji are undone and come again": func(p *fedtest.Person, send func(map[string]any)) {
				a := o.PublishNumbered(1)
				for i, kind := range []string{"Like", "Announce", "EmojiReact"} {
					act := overkant.Activity(kind, p, o.Object(a), kind)
					if kind == "EmojiReact" {
						act["content"] = "🚣"
					}
					undo := overkant.Activity("Undo", p, act, kind+"/undo")
					for range 2 {
						send(act)
						send(act)
						if got := o.Counts(a); []int{got.Likes, got.Boosts, got.Likes}[i] != 1 {
							t.Errorf("%s: %+v", kind, got)
						}
						send(undo)
						send(undo)
						if got := o.Counts(a); got != (blog.Counts{}) {
							t.Errorf("%s undone: %+v", kind, got)
						}
					}
				}
			},
			"a post, its Create, its Updates and its Delete have one id": func(p *fedtest.Person, send func(map[string]any)) {
				a := o.PublishNumbered(2)
				note := overkant.ReplyNote(p, o.Object(a), "one", nil)
				act := func(kind string, change map[string]any) map[string]any {
					object := maps.Clone(note)
					maps.Copy(object, change)
					return map[string]any{"id": note["id"], "type": kind, "actor": p.ID, "object": object}
				}
				edit := func(words string, after time.Duration) map[string]any {
					at := time.Now().Add(after).UTC().Format(time.RFC3339)
					return act("Update", map[string]any{"content": "<p>" + words + "</p>", "updated": at})
				}
				for _, step := range []struct {
					sent map[string]any
					want string
				}{
					{act("Create", nil), "one"},
					{edit("two", time.Second), "two"},
					{edit("three", 2*time.Second), "three"},
					{act("Create", nil), "three"},
					{act("Delete", map[string]any{"type": "Tombstone"}), ""},
					{act("Create", nil), ""},
					{edit("four", 3*time.Second), ""},
				} {
					send(step.sent)
					if got := o.CommentTexts(a); got != step.want {
						t.Errorf("after the %v: %q, want %q", step.sent["type"], got, step.want)
					}
				}
			},
			"a mention that was deleted stays deleted": func(p *fedtest.Person, send func(map[string]any)) {
				note := overkant.ReplyNote(p, "", "hello", map[string]any{"cc": []string{ilse}})
				delete(note, "inReplyTo")
				create := map[string]any{"id": note["id"], "type": "Create", "actor": p.ID, "object": note}
				send(create)
				if got := o.MentionTexts(); len(got) != 1 {
					t.Errorf("mentions: %q", got)
				}
				send(map[string]any{"id": note["id"], "type": "Delete", "actor": p.ID, "object": note["id"]})
				send(create)
				if got := o.MentionTexts(); len(got) != 0 {
					t.Errorf("mentions after the Delete: %q", got)
				}
			},
			"two posts whose Creates have one id": func(p *fedtest.Person, send func(map[string]any)) {
				a := o.PublishNumbered(3)
				send(overkant.Activity("Create", p, overkant.ReplyNote(p, o.Object(a), "one", nil), "1"))
				send(overkant.Activity("Create", p, overkant.ReplyNote(p, o.Object(a), "two", nil), "1"))
				if got := o.CommentTexts(a); got != "one|two" {
					t.Errorf("comments: %q", got)
				}
			},
			"a profile changes twice": func(p *fedtest.Person, send func(map[string]any)) {
				send(overkant.Activity("Follow", p, ilse, "1"))
				for _, called := range []string{"Bram", "Bram of the ferry"} {
					send(overkant.Activity("Update", p, map[string]any{"id": p.ID, "type": "Person", "name": called,
						"preferredUsername": "bram", "inbox": p.Inbox(), "publicKey": map[string]any{"id": p.KeyID(), "owner": p.ID,
							"publicKeyPem": p.PublicPEM()}}, "2"))
					if got := o.StoredActor(p.ID).Name; got != called {
						t.Errorf("the name is %q, want %q", got, called)
					}
				}
			},
			"whom we follow accepts, rejects and accepts again": func(p *fedtest.Person, send func(map[string]any)) {
				o.SetBehaviour(p.Server, fedtest.Refusing(404))
				for range 2 {
					if _, err := o.Outbox.Follow(o.Soon(), o.Ilse, p.Handle()); err != nil {
						t.Fatal(err)
					}
					f := map[string]any{"type": "Follow", "actor": ilse, "object": p.ID}
					send(overkant.Activity("Accept", p, f, "yes"))
					if got := o.FollowingState(o.Ilse, p); got != blog.Accepted {
						t.Errorf("after the Accept: %q", got)
					}
					send(overkant.Activity("Reject", p, f, "no"))
					if got := o.FollowingState(o.Ilse, p); got != "" {
						t.Errorf("after the Reject: %q", got)
					}
				}
			},
			"a block ends the follow each time": func(p *fedtest.Person, send func(map[string]any)) {
				for range 2 {
					send(overkant.Activity("Follow", p, ilse, "1"))
					send(overkant.Activity("Block", p, ilse, "2"))
					if _, err := o.Store.Follower(o.Soon(), o.Ilse.ID, p.ID); err == nil {
						t.Error("who blocks still follows")
					}
				}
			},
			"a move counts once its target agrees": func(p *fedtest.Person, send func(map[string]any)) {
				target := p.Server.Person("new")
				send(overkant.Activity("Follow", p, ilse, "1"))
				move := overkant.Activity("Move", p, p.ID, "2")
				move["target"] = target.ID
				send(move)
				o.WaitSettled()
				if _, err := o.Store.Follower(o.Soon(), o.Ilse.ID, p.ID); err != nil {
					t.Errorf("a move without an alias: %v", err)
				}
				target.SetAlsoKnownAs(p.ID)
				send(move)
				o.Until("the move is done", func() bool {
					_, err := o.Store.Follower(o.Soon(), o.Ilse.ID, p.ID)
					return err != nil
				})
			},
		} {
			t.Run(name, func(t *testing.T) {
				p := o.Server("server" + string(blog.NewID(time.Now()))[18:]).Person("bram")
				try(p, func(act map[string]any) {
					t.Helper()
					if _, err := p.Send(o.Soon(), o.Site.SharedInbox(), act); err != nil {
						t.Error(err)
					}
					o.WaitSettled()
				})
			})
		}
	})
}
