package federation_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// choresAt does the chores, some time from now, until something holds.
func (o *overkant) choresAt(d time.Duration, what string, holds func() bool) {
	o.t.Helper()
	outbox := o.later(d)
	outbox.Remote = o.client() // another day, another memory of who did not answer
	ctx, cancel := context.WithCancel(o.soon())
	chores := &federation.Chores{Base: outbox.Base, Outbox: outbox}
	done := make(chan struct{})
	go func() { defer close(done); chores.Run(ctx) }()
	o.until(what, holds)
	cancel()
	<-done
}

// client asks other servers, and remembers nothing of what they answered before.
func (o *overkant) client() *remote.Client {
	o.t.Helper()
	key := signature.Key{ID: o.site.InstanceID() + "#main-key", Private: o.instance.Private}
	client := remote.New(remote.Options{UserAgent: "Causerie/test", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Key: key})
	o.t.Cleanup(client.Close)
	return client
}

func (o *overkant) actor(id string) blog.Actor {
	o.t.Helper()
	actor, err := o.store.Actor(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return actor
}

func TestF003WebFingerSaysWhatItCannotAnswer(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		left := o.addVoice("maud", "Maud Terpstra")
		if err := o.outbox.Leave(o.soon(), left.ID); err != nil {
			t.Fatal(err)
		}
		at := func(handle string) string {
			return "?resource=" + url.QueryEscape("acct:"+handle+"@"+o.site.HandleDomain)
		}
		for query, want := range map[string]int{"": 400, "?resource=": 400, at("ilse") + "&resource=" + url.QueryEscape(o.site.URL+"/@ilse"): 400, "?resource=foo": 400,
			at("ilse"): 200, at("nobody"): 404, "?resource=acct:ilse@elsewhere.example": 404, "?resource=https://elsewhere.example/@ilse": 404,
			at("maud"): 410, "?resource=" + url.QueryEscape(o.site.URL+"/@maud"): 410, "?resource=" + url.QueryEscape(o.site.ActorID(left.ID)): 410} {
			if code, _, body := o.get("/.well-known/webfinger"+query, "*/*"); code != want {
				t.Errorf("%q: %d %s, want %d", query, code, body, want)
			}
		}
	})
}

func TestF074AnActorsDeleteTakesWordsReactionsAndFollow(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram, nadia := veerhuis.Person("bram"), veerhuis.Person("nadia")
		o.befriend(bram)
		a := o.publish()
		ctx := o.soon()
		for _, act := range []func() (neighbour.Sent, error){
			func() (neighbour.Sent, error) { return bram.Reply(ctx, o.object(a), "<p>Adieu.</p>") },
			func() (neighbour.Sent, error) { return nadia.Reply(ctx, o.object(a), "<p>I stay.</p>") },
			func() (neighbour.Sent, error) { return bram.Like(ctx, o.object(a)) },
			func() (neighbour.Sent, error) { return bram.Boost(ctx, o.object(a)) },
			func() (neighbour.Sent, error) { return bram.Leave(ctx) },
		} {
			if _, err := act(); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := o.counts(a), (blog.Counts{Replies: 1, Servers: 1}); got != want || o.texts(a) != "|I stay." || o.followers() != 0 {
			t.Errorf("left are %+v, %q and %d followers", got, o.texts(a), o.followers())
		}
		if gone := o.actor(bram.ID); gone.GoneAt == nil || gone.Name != "" {
			t.Errorf("remembered as %+v", gone)
		}
	})
}

func TestT038NobodyTakesBackWhatSomebodyElseDid(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		o.befriend(bram)
		a := o.publish()
		ctx := o.soon()
		like, err := bram.Like(ctx, o.object(a))
		if err != nil {
			t.Fatal(err)
		}
		boost, err := bram.Boost(ctx, o.object(a))
		if err != nil {
			t.Fatal(err)
		}
		follower, err := o.store.Follower(ctx, o.ilse.ID, bram.ID)
		if err != nil {
			t.Fatal(err)
		}
		for kind, done := range map[string]struct{ id, object string }{"Follow": {follower.FollowID, o.site.ActorID(o.ilse.ID)}, "Like": {like.Activity, o.object(a)}, "Announce": {boost.Activity, o.object(a)}} {
			for name, object := range map[string]any{"bare": done.id, "as it was": map[string]any{"id": done.id, "type": kind, "actor": bram.ID, "object": done.object},
				"as one's own": map[string]any{"id": done.id, "type": kind, "actor": kade.ID, "object": done.object}} {
				undo := map[string]any{"id": kade.ID + "/undo/" + kind + "/" + url.PathEscape(name), "type": "Undo", "actor": kade.ID, "object": object}
				if _, err := kade.Send(ctx, o.site.SharedInbox(), undo); err != nil {
					t.Fatal(err)
				}
			}
		}
		o.settled()
		if got := o.counts(a); got.Likes != 1 || got.Boosts != 1 || o.followers() != 1 {
			t.Errorf("left are %+v and %d followers", got, o.followers())
		}
	})
}

func TestT032HostsAreComparedAsWholes(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		reply, err := bram.Reply(o.soon(), o.object(a), "<p>Mine.</p>")
		if err != nil {
			t.Fatal(err)
		}
		host, own := bram.Server.Host, kade.Server.Host
		for i, id := range []string{"http://" + host + ".evil.example/notes/1", "http://evil." + host + "/notes/1", "http://" + host + "@" + own + "/notes/1",
			"http://" + own + "@" + host + "/notes/1", "http://" + host + "%2f@" + own + "/notes/1", "http://" + host + "\\@" + own + "/notes/1", "http://" + own + "./notes/1",
			"http://" + host + "/notes/1", "http:/" + own + "/notes/1", strings.Replace(o.site.NoteID(blog.NewID(time.Now())), "http", "HTTP", 1)} {
			act := map[string]any{"id": kade.ID + "/acts/" + string(rune('a'+i)), "type": "Create", "actor": kade.ID, "object": map[string]any{"id": id, "type": "Note",
				"attributedTo": kade.ID, "inReplyTo": o.object(a), "content": "<p>Not from there.</p>", "to": "as:Public"}}
			if _, err := kade.Send(o.soon(), o.site.SharedInbox(), act); err != nil && status(err) != http.StatusBadRequest {
				t.Errorf("%s: %v", id, err)
			}
		}
		for i, id := range []string{strings.ToUpper(reply.Object[:10]) + reply.Object[10:], reply.Object + "/", reply.Object + "#", reply.Object + "?", strings.Replace(reply.Object, host, host+".", 1)} {
			act := map[string]any{"id": kade.ID + "/dels/" + string(rune('a'+i)), "type": "Delete", "actor": kade.ID, "object": id}
			if _, err := kade.Send(o.soon(), o.site.SharedInbox(), act); err != nil && status(err) != http.StatusBadRequest {
				t.Errorf("%s: %v", id, err)
			}
		}
		o.settled()
		if got := o.texts(a); got != "Mine." {
			t.Errorf("after all the tricks: %q", got)
		}
	})
}

func TestT033ALookAlikeHostIsNoAddressAndItsASCIIFormIsShown(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		kade := o.server("zilverduin").Person("kade")
		alike := "http://оverkant.example/users/ilse" // its first letter is Cyrillic
		if _, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": alike + "#1", "type": "Like", "actor": alike, "object": o.site.URL}); status(err) != http.StatusBadRequest {
			t.Errorf("an activity of %s: %v, want 400", alike, err)
		}
		const ascii = "xn--verkant-9og.example"
		if err := o.store.SaveActor(o.soon(), blog.Actor{ID: "https://" + ascii + "/users/ilse", Type: "Person", Handle: "ilse@" + ascii, Host: ascii,
			Inbox: "https://" + ascii + "/inbox", FetchedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.store.ActorByHandle(o.soon(), "ilse@оverkant.example"); err == nil {
			t.Error("found by the name that looks like ours")
		}
		if found, err := o.store.ActorByHandle(o.soon(), "ilse@"+ascii); err != nil || found.Handle != "ilse@"+ascii {
			t.Errorf("shown as %q (%v)", found.Handle, err)
		}
	})
}

func TestT046AHandleIsShownOnlyWhenItsOwnHostLeadsToTheActor(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.befriend(bram)
		documents := map[string]any{}
		evil := stage(t, documents)
		host := blog.HostOf(evil.URL)
		finger := func(subject, self string) map[string]any {
			return map[string]any{"subject": "acct:" + subject, "links": []any{map[string]any{"rel": "self", "type": "application/activity+json", "href": self}}}
		}
		// A handle of theirs that leads to Bram does not become his name.
		documents["/.well-known/webfinger"] = finger("fool@"+host, bram.ID)
		if _, err := o.outbox.AddAlias(o.soon(), o.ilse, "@fool@"+host); err != nil {
			t.Fatal(err)
		}
		if got := o.actor(bram.ID).Handle; got != bram.Handle() {
			t.Errorf("Bram is called %q now", got)
		}
		// An actor of theirs that says that it is Bram is called after its own host.
		posing := evil.URL + "/users/posing"
		key := newKey(t)
		documents["/.well-known/webfinger"] = finger(bram.Handle(), posing)
		documents["/users/posing"] = map[string]any{"id": posing, "type": "Person", "preferredUsername": "bram", "webfinger": bram.Handle(), "inbox": posing + "/inbox",
			"publicKey": map[string]any{"id": posing + "#main-key", "owner": posing, "publicKeyPem": publicPEM(t, key)}}
		a := o.publish()
		key.ID = posing + "#main-key"
		if code := o.post(key, map[string]any{"id": posing + "/likes/1", "type": "Like", "actor": posing, "object": o.object(a)}); code != http.StatusAccepted {
			t.Fatalf("the like answers %d", code)
		}
		o.choresAt(2*time.Minute, "Bram's handle was looked at", func() bool { return o.actor(bram.ID).HandleCheckedAt != nil })
		o.choresAt(2*time.Minute, "the other one was looked at", func() bool {
			due, err := o.store.DueActors(o.soon(), time.Now().Add(time.Hour), 10)
			return err == nil && len(due) == 0
		})
		if got := o.actor(posing); got.Handle != "bram@"+host || got.HandleCheckedAt != nil {
			t.Errorf("the other one is called %q, proven at %v", got.Handle, got.HandleCheckedAt)
		}
		if got := o.actor(bram.ID).Handle; got != bram.Handle() {
			t.Errorf("Bram is called %q at the end", got)
		}
	})
}

func TestT049OneWhoComesBackWithAnotherKeyAfterAMonthCannotEdit(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram)
		a := o.publish()
		old, err := bram.Reply(o.soon(), o.object(a), "<p>My own words.</p>")
		if err != nil {
			t.Fatal(err)
		}
		edit := func(p *neighbour.Person, note, html string) {
			t.Helper()
			if _, err := p.Edit(o.soon(), note, html); err != nil {
				t.Fatal(err)
			}
			o.settled()
		}
		nadia := bram.Server.Person("nadia")
		hers, err := nadia.Reply(o.soon(), o.object(a), "<p>Hers.</p>")
		if err != nil {
			t.Fatal(err)
		}
		nadia.RotateKey() // on a living server
		edit(nadia, hers.Object, "<p>Hers, mended.</p>")
		if got := o.texts(a); got != "My own words.|Hers, mended." {
			t.Fatalf("after an ordinary rotation: %q", got)
		}
		gone := time.Now().Add(-31 * 24 * time.Hour)
		if err := o.store.FoundSilent(o.soon(), bram.ID, gone, time.Now()); err != nil {
			t.Fatal(err)
		}
		bram.RotateKey() // whoever bought the name
		edit(bram, old.Object, "<p>Buy pills.</p>")
		if got := o.texts(a); got != "My own words.|Hers, mended." {
			t.Errorf("words of before were changed to %q", got)
		}
		if n := o.followers(); n != 0 {
			t.Errorf("followers: %d, want 0: who follows now must say so", n)
		}
		fresh, err := bram.Reply(o.soon(), o.object(a), "<p>New words.</p>")
		if err != nil {
			t.Fatal(err)
		}
		edit(bram, fresh.Object, "<p>New words, mended.</p>")
		if got := o.texts(a); got != "My own words.|Hers, mended.|New words, mended." {
			t.Errorf("after an edit of their own: %q", got)
		}
		if _, err := bram.Delete(o.soon(), old.Object); err != nil {
			t.Fatal(err)
		}
		if got := o.texts(a); got != "|Hers, mended.|New words, mended." {
			t.Errorf("after the deletion: %q", got)
		}
	})
}

func TestAServerThatDoesNotAnswerForItsPeopleIsNotedSinceWhen(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram)
		if err := bram.Server.Be(neighbour.Closed()); err != nil {
			t.Fatal(err)
		}
		o.choresAt(8*24*time.Hour, "the silence is noted", func() bool { return o.actor(bram.ID).SilentSince != nil })
		since := *o.actor(bram.ID).SilentSince
		o.choresAt(10*24*time.Hour, "it was asked again", func() bool { return true })
		if again := o.actor(bram.ID).SilentSince; again == nil || !again.Equal(since) {
			t.Errorf("silent since %v, then since %v", since, again)
		}
		if err := bram.Server.Be(neighbour.Healthy()); err != nil {
			t.Fatal(err)
		}
		o.choresAt(20*24*time.Hour, "it is heard again", func() bool { return o.actor(bram.ID).SilentSince == nil })
	})
}

func TestAnOldProfileIsAskedForAnewWhenItIsNeeded(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		if _, err := bram.Like(o.soon(), o.object(a)); err != nil {
			t.Fatal(err)
		}
		known := o.actor(bram.ID)
		checked := time.Now()
		known.Name, known.HandleCheckedAt, known.FetchedAt = "Old name", &checked, time.Now().Add(-25*time.Hour)
		keys, err := o.store.ActorKeys(o.soon(), bram.ID)
		if err != nil {
			t.Fatal(err)
		}
		known.Keys = keys
		if err := o.store.SaveActor(o.soon(), known); err != nil {
			t.Fatal(err)
		}
		if due, err := o.store.DueActors(o.soon(), time.Now(), 10); err != nil || len(due) != 0 {
			t.Fatalf("asked for without need: %v, %v", due, err)
		}
		if _, err := bram.Boost(o.soon(), o.object(a)); err != nil {
			t.Fatal(err)
		}
		o.choresAt(0, "the name is the new one", func() bool { return o.actor(bram.ID).Name == "Bram" })
	})
}

func TestADepartureThatShowsItselfIsConfirmedADayLater(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram, nadia := veerhuis.Person("bram"), veerhuis.Person("nadia")
		a := o.publish()
		for _, p := range []*neighbour.Person{bram, nadia} {
			if _, err := p.Reply(o.soon(), o.object(a), "<p>"+p.Name+"</p>"); err != nil {
				t.Fatal(err)
			}
		}
		if err := veerhuis.Be(neighbour.Gone()); err != nil { // every document answers 410
			t.Fatal(err)
		}
		o.choresAt(8*24*time.Hour, "both seem gone", func() bool { return o.actor(bram.ID).ConfirmAt != nil && o.actor(nadia.ID).ConfirmAt != nil })
		if got := o.texts(a); got != "bram|nadia" {
			t.Errorf("taken out unconfirmed: %q", got)
		}
		if err := o.store.StillThere(o.soon(), nadia.ID); err != nil { // as if her server had meant something else
			t.Fatal(err)
		}
		o.choresAt(9*24*time.Hour+time.Hour, "Bram's words are gone", func() bool { return o.texts(a) == "|nadia" })
		if n, err := o.store.CountComments(o.soon(), store.CommentList{Article: a.ID}); err != nil || n != 2 {
			t.Errorf("%d comments, %v", n, err)
		}
		if left := o.actor(bram.ID); left.GoneAt == nil || left.ConfirmAt != nil {
			t.Errorf("remembered as %+v", left)
		}
	})
}
