package inbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestF003WebFingerRefusesWithTheRightStatus(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		left := o.AddAuthor("maud", "Maud Terpstra")
		if err := o.Outbox.DeleteAuthor(o.Soon(), left.ID); err != nil {
			t.Fatal(err)
		}
		at := func(handle string) string {
			return "?resource=" + url.QueryEscape("acct:"+handle+"@"+o.Site.HandleDomain)
		}
		for query, want := range map[string]int{"": 400, "?resource=": 400,
			at("ilse") + "&resource=" + url.QueryEscape(o.Site.URL+"/@ilse"): 400, "?resource=foo": 400,
			at("ilse"): 200, at("nobody"): 404, "?resource=acct:ilse@elsewhere.example": 404,
			"?resource=https://elsewhere.example/@ilse": 404,
			at("maud"): 410, "?resource=" + url.QueryEscape(o.Site.URL+"/@maud"): 410,
			"?resource=" + url.QueryEscape(o.Site.ActorID(left.ID)): 410} {
			if code, _, body := o.Get("/.well-known/webfinger"+query, "*/*"); code != want {
				t.Errorf("%q: %d %s, want %d", query, code, body, want)
			}
		}
	})
}

func TestF074AnActorsDeleteRemovesCommentsReactionsAndFollow(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram, nadia := veerhuis.Person("bram"), veerhuis.Person("nadia")
		o.AddFollower(bram)
		a := o.Publish()
		ctx := o.Soon()
		for _, act := range []func() (fedtest.Sent, error){
			func() (fedtest.Sent, error) { return bram.Reply(ctx, o.Object(a), "<p>Adieu.</p>") },
			func() (fedtest.Sent, error) { return nadia.Reply(ctx, o.Object(a), "<p>I stay.</p>") },
			func() (fedtest.Sent, error) { return bram.Like(ctx, o.Object(a)) },
			func() (fedtest.Sent, error) { return bram.Boost(ctx, o.Object(a)) },
			func() (fedtest.Sent, error) { return bram.DeleteAccount(ctx) },
		} {
			if _, err := act(); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := o.Counts(a), (blog.Counts{Replies: 1, Servers: 1}); got != want || o.CommentTexts(a) != "|I stay." ||
			o.CountFollowers() != 0 {
			t.Errorf("left are %+v, %q and %d followers", got, o.CommentTexts(a), o.CountFollowers())
		}
		if gone := o.StoredActor(bram.ID); gone.GoneAt == nil || gone.Name != "" {
			t.Errorf("remembered as %+v", gone)
		}
	})
}

func TestT038NobodyUndoesWhatOthersDid(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		a := o.Publish()
		ctx := o.Soon()
		like, err := bram.Like(ctx, o.Object(a))
		if err != nil {
			t.Fatal(err)
		}
		boost, err := bram.Boost(ctx, o.Object(a))
		if err != nil {
			t.Fatal(err)
		}
		follower, err := o.Store.Follower(ctx, o.Ilse.ID, bram.ID)
		if err != nil {
			t.Fatal(err)
		}
		for kind, done := range map[string]struct {
			id,
			object string
		}{"Follow": {follower.FollowID, o.Site.ActorID(o.Ilse.ID)}, "Like": {like.Activity, o.Object(a)},
			"Announce": {boost.Activity, o.Object(a)}} {
			for name, object := range map[string]any{"bare": done.id,
				"as it was":    map[string]any{"id": done.id, "type": kind, "actor": bram.ID, "object": done.object},
				"as one's own": map[string]any{"id": done.id, "type": kind, "actor": kade.ID, "object": done.object}} {
				undo := map[string]any{"id": kade.ID + "/undo/" + kind + "/" + url.PathEscape(name), "type": "Undo",
					"actor": kade.ID, "object": object}
				if _, err := kade.Send(ctx, o.Site.SharedInbox(), undo); err != nil {
					t.Fatal(err)
				}
			}
		}
		o.WaitSettled()
		if got := o.Counts(a); got.Likes != 1 || got.Boosts != 1 || o.CountFollowers() != 1 {
			t.Errorf("left are %+v and %d followers", got, o.CountFollowers())
		}
	})
}

func TestT032HostsAreComparedAsWholes(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		reply, err := bram.Reply(o.Soon(), o.Object(a), "<p>Mine.</p>")
		if err != nil {
			t.Fatal(err)
		}
		host, own := bram.Server.Host, kade.Server.Host
		for i, id := range []string{"http://" + host + ".evil.example/notes/1", "http://evil." + host + "/notes/1",
			"http://" + host + "@" + own + "/notes/1",
			"http://" + own + "@" + host + "/notes/1", "http://" + host + "%2f@" + own + "/notes/1",
			"http://" + host + "\\@" + own + "/notes/1", "http://" + own + "./notes/1",
			"http://" + host + "/notes/1", "http:/" + own + "/notes/1",
			strings.Replace(o.Site.NoteID(blog.NewID(time.Now())), "http", "HTTP", 1)} {
			act := map[string]any{"id": kade.ID + "/acts/" + string(rune('a'+i)), "type": "Create", "actor": kade.ID,
				"object": map[string]any{"id": id, "type": "Note",
					"attributedTo": kade.ID, "inReplyTo": o.Object(a), "content": "<p>Not from there.</p>", "to": "as:Public"}}
			if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(), act); err != nil &&
				overkant.StatusOf(err) != http.StatusBadRequest {
				t.Errorf("%s: %v", id, err)
			}
		}
		for i, id := range []string{strings.ToUpper(reply.Object[:10]) + reply.Object[10:], reply.Object + "/",
			reply.Object + "#", reply.Object + "?", strings.Replace(reply.Object, host, host+".", 1)} {
			act := map[string]any{"id": kade.ID + "/dels/" + string(rune('a'+i)), "type": "Delete", "actor": kade.ID,
				"object": id}
			if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(), act); err != nil &&
				overkant.StatusOf(err) != http.StatusBadRequest {
				t.Errorf("%s: %v", id, err)
			}
		}
		o.WaitSettled()
		if got := o.CommentTexts(a); got != "Mine." {
			t.Errorf("after all the tricks: %q", got)
		}
	})
}

func TestT033ALookAlikeHostIsNoAddressAndItsASCIIFormIsShown(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		kade := o.Server("zilverduin").Person("kade")
		alike := "http://оverkant.example/users/ilse" // its first letter is Cyrillic
		if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": alike + "#1", "type": "Like", "actor": alike,
				"object": o.Site.URL}); overkant.StatusOf(err) != http.StatusBadRequest {
			t.Errorf("an activity of %s: %v, want 400", alike, err)
		}
		const ascii = "xn--verkant-9og.example"
		if err := o.Store.SaveActor(o.Soon(), blog.Actor{ID: "https://" + ascii + "/users/ilse", Type: "Person",
			Handle: "ilse@" + ascii, Host: ascii,
			Inbox: "https://" + ascii + "/inbox", FetchedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Store.ActorByHandle(o.Soon(), "ilse@оverkant.example"); err == nil {
			t.Error("found by the name that looks like ours")
		}
		if found, err := o.Store.ActorByHandle(o.Soon(), "ilse@"+ascii); err != nil || found.Handle != "ilse@"+ascii {
			t.Errorf("shown as %q (%v)", found.Handle, err)
		}
	})
}

func TestT046AHandleIsShownOnlyWhenItsOwnHostLeadsToTheActor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollower(bram)
		documents := map[string]any{}
		evil := serveDocuments(t, documents)
		host := blog.HostOf(evil.URL)
		finger := func(subject, self string) map[string]any {
			return map[string]any{"subject": "acct:" + subject,
				"links": []any{map[string]any{"rel": "self", "type": "application/activity+json", "href": self}}}
		}
		// A handle of theirs that leads to Bram does not become his name.
		documents["/.well-known/webfinger"] = finger("fool@"+host, bram.ID)
		if _, err := o.Outbox.AddAlias(o.Soon(), o.Ilse, "@fool@"+host); err != nil {
			t.Fatal(err)
		}
		if got := o.StoredActor(bram.ID).Handle; got != bram.Handle() {
			t.Errorf("Bram is called %q now", got)
		}
		// An actor of theirs that says that it is Bram is called after its own host.
		posing := evil.URL + "/users/posing"
		key := overkant.NewKey(t)
		documents["/.well-known/webfinger"] = finger(bram.Handle(), posing)
		documents["/users/posing"] = map[string]any{"id": posing, "type": "Person", "preferredUsername": "bram",
			"webfinger": bram.Handle(), "inbox": posing + "/inbox",
			"publicKey": map[string]any{"id": posing + "#main-key", "owner": posing, "publicKeyPem": overkant.PublicPEM(t, key)}}
		a := o.Publish()
		key.ID = posing + "#main-key"
		if code := o.PostSigned(key, map[string]any{"id": posing + "/likes/1", "type": "Like", "actor": posing,
			"object": o.Object(a)}); code != http.StatusAccepted {
			t.Fatalf("the like answers %d", code)
		}
		// One wait for both: jobs that are stopped between the two begin again only after their period.
		o.RunJobsUntil(2*time.Minute, "both handles were looked at", func() bool {
			due, err := o.Store.DueActors(o.Soon(), time.Now().Add(time.Hour), 10)
			return err == nil && len(due) == 0 && o.StoredActor(bram.ID).HandleCheckedAt != nil
		})
		if got := o.StoredActor(posing); got.Handle != "bram@"+host || got.HandleCheckedAt != nil {
			t.Errorf("the other one is called %q, proven at %v", got.Handle, got.HandleCheckedAt)
		}
		if got := o.StoredActor(bram.ID).Handle; got != bram.Handle() {
			t.Errorf("Bram is called %q at the end", got)
		}
	})
}

func TestT049AnActorWithAnotherKeyAfterAMonthOfSilenceCannotEdit(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		a := o.Publish()
		old, err := bram.Reply(o.Soon(), o.Object(a), "<p>My own words.</p>")
		if err != nil {
			t.Fatal(err)
		}
		edit := func(p *fedtest.Person, note, html string) {
			t.Helper()
			if _, err := p.Edit(o.Soon(), note, html); err != nil {
				t.Fatal(err)
			}
			o.WaitSettled()
		}
		nadia := bram.Server.Person("nadia")
		hers, err := nadia.Reply(o.Soon(), o.Object(a), "<p>Hers.</p>")
		if err != nil {
			t.Fatal(err)
		}
		nadia.RotateKeys() // on a living server
		edit(nadia, hers.Object, "<p>Hers, mended.</p>")
		if got := o.CommentTexts(a); got != "My own words.|Hers, mended." {
			t.Fatalf("after an ordinary rotation: %q", got)
		}
		gone := time.Now().Add(-31 * 24 * time.Hour)
		if err := o.Store.MarkActorSilent(o.Soon(), bram.ID, gone, time.Now()); err != nil {
			t.Fatal(err)
		}
		bram.RotateKeys() // whoever bought the name
		edit(bram, old.Object, "<p>Buy pills.</p>")
		if got := o.CommentTexts(a); got != "My own words.|Hers, mended." {
			t.Errorf("words of before were changed to %q", got)
		}
		if n := o.CountFollowers(); n != 0 {
			t.Errorf("followers: %d, want 0: who follows now must say so", n)
		}
		fresh, err := bram.Reply(o.Soon(), o.Object(a), "<p>New words.</p>")
		if err != nil {
			t.Fatal(err)
		}
		edit(bram, fresh.Object, "<p>New words, mended.</p>")
		if got := o.CommentTexts(a); got != "My own words.|Hers, mended.|New words, mended." {
			t.Errorf("after an edit of their own: %q", got)
		}
		if _, err := bram.Delete(o.Soon(), old.Object); err != nil {
			t.Fatal(err)
		}
		if got := o.CommentTexts(a); got != "|Hers, mended.|New words, mended." {
			t.Errorf("after the deletion: %q", got)
		}
	})
}

func TestTheStartOfAServersSilenceIsRecorded(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		if err := bram.Server.SetBehaviour(fedtest.Closed()); err != nil {
			t.Fatal(err)
		}
		o.RunJobsUntil(8*24*time.Hour, "the silence is noted",
			func() bool { return o.StoredActor(bram.ID).SilentSince != nil })
		since := *o.StoredActor(bram.ID).SilentSince
		o.RunJobsUntil(10*24*time.Hour, "it was asked again", func() bool { return true })
		if again := o.StoredActor(bram.ID).SilentSince; again == nil || !again.Equal(since) {
			t.Errorf("silent since %v, then since %v", since, again)
		}
		if err := bram.Server.SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		o.RunJobsUntil(20*24*time.Hour, "it is heard again", func() bool { return o.StoredActor(bram.ID).SilentSince == nil })
	})
}

func TestAnOldProfileIsFetchedAgainWhenItIsNeeded(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		if _, err := bram.Like(o.Soon(), o.Object(a)); err != nil {
			t.Fatal(err)
		}
		known := o.StoredActor(bram.ID)
		checked := time.Now()
		known.Name, known.HandleCheckedAt, known.FetchedAt = "Old name", &checked, time.Now().Add(-25*time.Hour)
		keys, err := o.Store.ActorKeys(o.Soon(), bram.ID)
		if err != nil {
			t.Fatal(err)
		}
		known.Keys = keys
		if err := o.Store.SaveActor(o.Soon(), known); err != nil {
			t.Fatal(err)
		}
		if due, err := o.Store.DueActors(o.Soon(), time.Now(), 10); err != nil || len(due) != 0 {
			t.Fatalf("asked for without need: %v, %v", due, err)
		}
		if _, err := bram.Boost(o.Soon(), o.Object(a)); err != nil {
			t.Fatal(err)
		}
		o.RunJobsUntil(0, "the name is the new one", func() bool { return o.StoredActor(bram.ID).Name == "Bram" })
	})
}

func TestAGoneActorIsConfirmedADayLater(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram, nadia := veerhuis.Person("bram"), veerhuis.Person("nadia")
		a := o.Publish()
		for _, p := range []*fedtest.Person{bram, nadia} {
			if _, err := p.Reply(o.Soon(), o.Object(a), "<p>"+p.Name+"</p>"); err != nil {
				t.Fatal(err)
			}
		}
		if err := veerhuis.SetBehaviour(fedtest.Gone()); err != nil { // every document answers 410
			t.Fatal(err)
		}
		o.RunJobsUntil(8*24*time.Hour, "both seem gone",
			func() bool {
				return o.StoredActor(bram.ID).ConfirmAt != nil && o.StoredActor(nadia.ID).ConfirmAt != nil
			})
		if got := o.CommentTexts(a); got != "bram|nadia" {
			t.Errorf("taken out unconfirmed: %q", got)
		}
		if err := o.Store.ClearMaybeGone(o.Soon(), nadia.ID); err != nil { // as if her server had meant something else
			t.Fatal(err)
		}
		o.RunJobsUntil(9*24*time.Hour+time.Hour, "Bram's words are gone",
			func() bool { return o.CommentTexts(a) == "|nadia" })
		if n, err := o.Store.CountComments(o.Soon(), store.CommentFilter{}); err != nil || n != 2 {
			t.Errorf("%d comments, %v", n, err)
		}
		if left := o.StoredActor(bram.ID); left.GoneAt == nil || left.ConfirmAt != nil {
			t.Errorf("remembered as %+v", left)
		}
	})
}
