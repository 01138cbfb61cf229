package documents_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store/storetest"
)

// given returns the answer to a signed request, of whatever status.
func given(t testing.TB, o *overkant.Blog, p *fedtest.Person, address string,
	twists ...fedtest.SendOption) fedtest.Response {
	t.Helper()
	answer, err := p.Get(o.Soon(), address, twists...)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestF039FollowersOnlyArticlesAreForFollowersWhoSign(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, bram, kade := o.PublishForFollowers()
		for _, path := range []string{o.Path(o.Object(a)), o.Site.ArticlePath(a)} {
			if code, header, body := o.Get(path, overkant.AsMastodon); code != 404 || strings.Contains(body, "ferry") ||
				header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s unsigned: %d %v %s", path, code, header, body)
			}
		}
		answer := given(t, o, bram, o.Object(a))
		if answer.Status != 200 || !strings.Contains(string(answer.Body), "ferry") {
			t.Errorf("a follower is answered %d %s", answer.Status, answer.Body)
		}
		if answer.Header.Get("Cache-Control") != "private, no-store" ||
			!strings.Contains(answer.Header.Get("Vary"), "Signature") {
			t.Errorf("a follower's answer may be kept: %v", answer.Header)
		}
		if answer := given(t, o, kade, o.Object(a)); answer.Status != 404 {
			t.Errorf("a stranger is answered %d", answer.Status)
		}
	})
}

func TestT132FollowersOnlyArticlesAreServedToNoOtherSigner(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, bram, kade := o.PublishForFollowers()
		pending := bram.Server.Person("joost")
		// so that kade is known
		if _, err := kade.Like(o.Soon(), o.Object(o.Publish(func(a *blog.Article) { a.Slug = "open" }))); err != nil {
			t.Fatal(err)
		}
		for who, twists := range map[*fedtest.Person][]fedtest.SendOption{
			kade:    {},
			pending: {},
			bram:    {fedtest.SignedAt(time.Now().Add(-13 * time.Hour))},
		} {
			if answer := given(t, o, who, o.Object(a), twists...); answer.Status != 404 ||
				strings.Contains(string(answer.Body), "ferry") {
				t.Errorf("%s is answered %d", who.Handle(), answer.Status)
			}
		}
		if answer := given(t, o, kade, o.Object(a), fedtest.WithKeyID(bram.KeyID())); answer.Status != 404 {
			t.Errorf("who signs with another key in a follower's name is answered %d", answer.Status)
		}
		if err := o.Store.Unfollow(o.Soon(), o.Ilse.ID, bram.ID); err != nil {
			t.Fatal(err)
		}
		if answer := given(t, o, bram, o.Object(a)); answer.Status != 404 {
			t.Errorf("who does not follow any more is answered %d", answer.Status)
		}
	})
}

func TestT262APrivateAnswerIsServedToWhomItIsAddressed(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		_, bram, kade := o.PublishForFollowers()
		open := o.Publish(func(a *blog.Article) { a.Slug = "open" })
		asked, err := kade.Reply(o.Soon(), o.Object(open), "<p>Between us: how wide?</p>", fedtest.Direct(),
			fedtest.Mention(o.Site.ActorID(o.Ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		var comment blog.Comment
		o.Until("the question is kept", func() bool {
			comment, err = o.Store.CommentByAddress(o.Soon(), asked.Object)
			return err == nil
		})
		answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, comment.ID, "Between us: as wide as a canary sings.")
		if err != nil {
			t.Fatal(err)
		}
		got := given(t, o, kade, answer.Address)
		if got.Status != 200 || !strings.Contains(string(got.Body), "canary") ||
			got.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("who was answered gets %d %v %s", got.Status, got.Header, got.Body)
		}
		for who, p := range map[string]*fedtest.Person{"a follower": bram, "a neighbour": kade.Server.Person("joost")} {
			if got := given(t, o, p, answer.Address); got.Status != 404 || strings.Contains(string(got.Body), "canary") {
				t.Errorf("%s gets %d %s", who, got.Status, got.Body)
			}
		}
		for _, path := range []string{"", "/replies", "/likes"} {
			if code, _, body := o.Get(o.Path(answer.Address)+path, overkant.AsMastodon); code != 404 ||
				strings.Contains(body, "canary") {
				t.Errorf("%s without a signature: %d %s", path, code, body)
			}
		}
		if err := o.Outbox.Block(o.Soon(), blog.Block{Kind: blog.BlockPerson, Subject: kade.ID,
			Level: blog.Refuse}); err != nil {
			t.Fatal(err)
		}
		if got := given(t, o, kade, answer.Address); got.Status != 404 {
			t.Errorf("blocked, they get %d", got.Status)
		}
	})
}

func TestT133AForbiddenDocumentIsAnsweredLikeAMissingOne(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, _, kade := o.PublishForFollowers()
		o.Draft(func(a *blog.Article) { a.Slug = "draft" })
		nothing := o.Site.ArticleID(blog.NewID(time.Now()))
		visits := func() int { return len(kade.Server.Requests()) }
		said := map[string]string{}
		for _, address := range []string{nothing, o.Object(a), o.Site.URL + "/2026/11/draft",
			o.Site.URL + "/2026/11/nothing"} {
			code, header, body := o.Get(o.Path(address), overkant.AsMastodon)
			header.Del("Date")
			said[fmt.Sprint("unsigned ", code, header, body)] = address
		}
		if len(said) != 1 {
			t.Errorf("unsigned questions are answered in %d ways: %v", len(said), said)
		}
		// What is not there must cost the same question for a stranger's key as what is forbidden.
		clear(said)
		for i, address := range []string{nothing, o.Object(a)} {
			reader, before := kade.Server.Person(fmt.Sprint("reader", i)), visits()
			answer := given(t, o, reader, address)
			answer.Header.Del("Date")
			said[fmt.Sprint(answer.Status, answer.Header, string(answer.Body), visits()-before)] = address
		}
		if len(said) != 1 {
			t.Errorf("signed questions are answered in %d ways: %v", len(said), said)
		}
	})
}

func TestF095SecureModeServesStrangersAStubAndSignersEverything(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		o.Documents.AuthorizedFetch = true
		bram := o.Server("veerhuis").Person("bram")
		actor, object := "/ap/actors/"+string(o.Ilse.ID), o.Path(o.Object(a))
		said, err := o.Store.Activities(o.Soon(), a.ObjectID)
		if err != nil || len(said) != 1 {
			t.Fatal(said, err)
		}
		for _, path := range []string{actor, "/@ilse"} {
			code, header, body := o.Get(path, overkant.AsMastodon)
			if code != 200 || !strings.Contains(body, o.Ilse.PublicKey[40:60]) || !strings.Contains(body, `"inbox"`) ||
				strings.Contains(body, "Ilse Verhaagen") || strings.Contains(body, "outbox") {
				t.Errorf("%s unsigned: %d %s", path, code, body)
			}
			if vary := header.Get("Vary"); !strings.Contains(vary, "Accept") || !strings.Contains(vary, "Signature") {
				t.Errorf("%s unsigned varies by %q", path, vary)
			}
		}
		guarded := []string{object, o.Site.ArticlePath(a), object + "/replies", object + "/replies?cursor=",
			object + "/likes", object + "/shares", object + "/context",
			actor + "/outbox", actor + "/outbox?cursor=", actor + "/followers", actor + "/following", actor + "/featured",
			actor + "/tags", o.Path(o.Site.ActivityID(said[0].ID))}
		for _, path := range guarded {
			code, header, body := o.Get(path, overkant.AsMastodon)
			if code != 401 || header.Get("Cache-Control") != "no-store" || !strings.Contains(header.Get("Vary"), "Signature") ||
				strings.Contains(body, "ferry") {
				t.Errorf("%s unsigned: %d %v %s", path, code, header, body)
			}
			if code, _, _ := o.Get(path, "application/activity+json, text/html;q=0.1"); code != 401 {
				t.Errorf("%s unsigned as Mastodon 4.4 asks: %d", path, code)
			}
			if answer := given(t, o, bram, o.Site.URL+path); answer.Status != 200 ||
				answer.Header.Get("Cache-Control") != "private, no-store" ||
				!strings.Contains(answer.Header.Get("Vary"), "Signature") {
				t.Errorf("%s signed: %d %v", path, answer.Status, answer.Header)
			}
			if answer := given(t, o, bram, o.Site.URL+path, bram.WrongKey()); answer.Status != 401 {
				t.Errorf("%s signed badly: %d", path, answer.Status)
			}
		}
		if answer := given(t, o, bram, o.Site.URL+actor); !strings.Contains(string(answer.Body), "Ilse Verhaagen") {
			t.Errorf("who signs sees %s", answer.Body)
		}
		if code, header, _ := o.Get(object, overkant.AsBrowser); code != 303 ||
			header.Get("Location") != o.Site.ArticlePage(a) {
			t.Errorf("a browser is sent to %d %v", code, header)
		}
		// these tests have no pages
		if code, header, _ := o.Get(o.Site.ArticlePath(a), overkant.AsBrowser); code != 404 ||
			!strings.Contains(header.Get("Vary"), "Signature") {
			t.Errorf("a page: %d %v", code, header)
		}
		for _, path := range []string{"/ap/instance", "/ap/instance/outbox",
			"/.well-known/webfinger?resource=acct:ilse@" + o.Site.HandleDomain, "/.well-known/host-meta",
			"/.well-known/nodeinfo", "/nodeinfo/2.1", "/"} {
			if code, _, _ := o.Get(path, overkant.AsMastodon); code != 200 {
				t.Errorf("%s unsigned: %d", path, code)
			}
		}
	})
}

func TestF128WhatIsGoneAnswersEverybodyThatItIsInSecureMode(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		kade, blocked := o.Server("zilverduin").Person("kade"), o.Server("gone").Person("joost")
		o.AddFollower(kade)
		a := o.Publish()
		other := o.Publish(func(a *blog.Article) { a.Slug = "other" })
		if _, err := kade.Reply(o.Soon(), o.Object(other), "<p>How wide?</p>"); err != nil {
			t.Fatal(err)
		}
		answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, o.Comments(other)[0].ID, "Four minutes.")
		if err != nil {
			t.Fatal(err)
		}
		o.Documents.AuthorizedFetch = true
		paths := []string{o.Path(o.Object(a)), o.Site.ArticlePath(a), o.Site.ArticlePath(a) + "?utm_source=feed",
			o.Path(o.Site.NoteID(answer.ID))}
		for _, path := range paths {
			if code, _, _ := o.Get(path, overkant.AsMastodon); code != 401 {
				t.Errorf("%s before: %d, want 401", path, code)
			}
		}
		if err := o.Outbox.Withdraw(o.Soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.DeleteReply(o.Soon(), answer.ID); err != nil {
			t.Fatal(err)
		}
		o.BlockServer(blocked)
		for _, path := range paths {
			if code, _, body := o.Get(path, overkant.AsMastodon); code != 410 || strings.Contains(body, "ferry") {
				t.Errorf("%s unsigned: %d %s", path, code, body)
			}
			for who, twists := range map[*fedtest.Person][]fedtest.SendOption{kade: nil, blocked: nil,
				kade.Server.Person("bad"): {kade.WrongKey()}} {
				if answer := given(t, o, who, o.Site.URL+path, twists...); answer.Status != 410 {
					t.Errorf("%s for %s: %d", path, who.ID, answer.Status)
				}
			}
		}
	})
}

func TestABlockedReaderFindsNothingInSecureMode(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		o.Documents.AuthorizedFetch = true
		kade := o.Server("zilverduin").Person("kade")
		o.BlockServer(kade)
		actor, object := "/ap/actors/"+string(o.Ilse.ID), o.Path(o.Object(a))
		for _, path := range []string{actor, "/@ilse", object, object + "x", object + "/replies", o.Site.ArticlePath(a),
			actor + "/outbox"} {
			if answer := given(t, o, kade, o.Site.URL+path); answer.Status != 404 ||
				string(answer.Body) != `{"error":"there is nothing here"}` {
				t.Errorf("%s for who is blocked: %d %s", path, answer.Status, answer.Body)
			}
		}
	})
}

func TestF008TheInstanceActorIsOpenInSecureMode(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.Documents.AuthorizedFetch = true
		code, _, body := o.Get(o.Path(o.Site.InstanceID()), "*/*")
		if code != 200 || !strings.Contains(body, `"inbox":"`+o.Site.InstanceID()+`/inbox"`) ||
			!strings.Contains(body, `"publicKeyPem"`) {
			t.Errorf("%d %s", code, body)
		}
		host, _, _ := strings.Cut(o.Site.Host(), ":")
		if code, _, body := o.Get("/.well-known/webfinger?resource=acct:"+host+"@"+o.Site.Host(), "*/*"); code != 200 ||
			!strings.Contains(body, o.Site.InstanceID()) {
			t.Errorf("its acct: %d %s", code, body)
		}
	})
}

func TestTwoServersInSecureModeDoNotWaitForEachOther(t *testing.T) {
	overkant.Each(t, func(t *testing.T, here *overkant.Blog) {
		there := overkant.Start(t, storetest.Open(t))
		for _, o := range []*overkant.Blog{here, there} {
			o.Documents.AuthorizedFetch = true
		}
		var both sync.WaitGroup
		for _, pair := range [][2]*overkant.Blog{{here, there}, {there, here}} {
			both.Go(func() { pair[0].LikeOn(pair[1]) })
		}
		both.Wait()
	})
}
