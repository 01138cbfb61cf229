package federation_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/signature"
	"causerie/internal/store/storetest"
)

// given is the answer to a signed question, of whatever status.
func given(t testing.TB, o *overkant, p *neighbour.Person, address string, twists ...neighbour.Twist) neighbour.Answer {
	t.Helper()
	answer, err := p.Ask(o.soon(), address, twists...)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// secret is an article of Ilse's for her followers, Bram among them, and Kade, who is none.
func (o *overkant) secret() (a blog.Article, bram, kade *neighbour.Person) {
	o.t.Helper()
	veerhuis := o.server("veerhuis")
	bram, kade = veerhuis.Person("bram"), o.server("zilverduin").Person("kade")
	o.befriend(bram)
	a = o.publish(func(a *blog.Article) { a.Visibility = blog.Followers })
	if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
		o.t.Fatal(err)
	}
	return a, bram, kade
}

func TestF039FollowersOnlyWordsAreForFollowersWhoSign(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a, bram, kade := o.secret()
		for _, path := range []string{o.path(o.object(a)), o.site.ArticlePath(a)} {
			if code, header, body := o.get(path, asMastodon); code != 404 || strings.Contains(body, "ferry") || header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s unsigned: %d %v %s", path, code, header, body)
			}
		}
		answer := given(t, o, bram, o.object(a))
		if answer.Status != 200 || !strings.Contains(string(answer.Body), "ferry") {
			t.Errorf("a follower is answered %d %s", answer.Status, answer.Body)
		}
		if answer.Header.Get("Cache-Control") != "private, no-store" || !strings.Contains(answer.Header.Get("Vary"), "Signature") {
			t.Errorf("a follower's answer may be kept: %v", answer.Header)
		}
		if answer := given(t, o, kade, o.object(a)); answer.Status != 404 {
			t.Errorf("a stranger is answered %d", answer.Status)
		}
	})
}

func TestT132WordsForFollowersAreGivenToNoOtherSignature(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a, bram, kade := o.secret()
		pending := bram.Server.Person("joost")
		if _, err := kade.Like(o.soon(), o.object(o.publish(func(a *blog.Article) { a.Slug = "open" }))); err != nil { // so that kade is known
			t.Fatal(err)
		}
		for who, twists := range map[*neighbour.Person][]neighbour.Twist{
			kade:    {},
			pending: {},
			bram:    {neighbour.Dated(time.Now().Add(-13 * time.Hour))},
		} {
			if answer := given(t, o, who, o.object(a), twists...); answer.Status != 404 || strings.Contains(string(answer.Body), "ferry") {
				t.Errorf("%s is answered %d", who.Handle(), answer.Status)
			}
		}
		if answer := given(t, o, kade, o.object(a), neighbour.As(bram.KeyID())); answer.Status != 404 {
			t.Errorf("who signs with another key in a follower's name is answered %d", answer.Status)
		}
		if err := o.store.Unfollow(o.soon(), o.ilse.ID, bram.ID); err != nil {
			t.Fatal(err)
		}
		if answer := given(t, o, bram, o.object(a)); answer.Status != 404 {
			t.Errorf("who does not follow any more is answered %d", answer.Status)
		}
	})
}

func TestT133WhatIsForbiddenIsAnsweredLikeWhatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a, _, kade := o.secret()
		o.draft(func(a *blog.Article) { a.Slug = "draft" })
		nothing := o.site.ArticleID(blog.NewID(time.Now()))
		visits := func() int { return len(kade.Server.Visits()) }
		said := map[string]string{}
		for _, address := range []string{nothing, o.object(a), o.site.URL + "/2026/11/draft", o.site.URL + "/2026/11/nothing"} {
			code, header, body := o.get(o.path(address), asMastodon)
			header.Del("Date")
			said[fmt.Sprint("unsigned ", code, header, body)] = address
		}
		if len(said) != 1 {
			t.Errorf("unsigned questions are answered in %d ways: %v", len(said), said)
		}
		// What is not there must cost the same question for a stranger's key as what is forbidden.
		clear(said)
		for i, address := range []string{nothing, o.object(a)} {
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

func TestF095SecureModeShowsStrangersAStubAndMachinesWhoSignEverything(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		o.documents.AuthorizedFetch = true
		bram := o.server("veerhuis").Person("bram")
		actor, object := "/ap/actors/"+string(o.ilse.ID), o.path(o.object(a))
		said, err := o.store.Activities(o.soon(), a.ObjectID)
		if err != nil || len(said) != 1 {
			t.Fatal(said, err)
		}
		for _, path := range []string{actor, "/@ilse"} {
			code, header, body := o.get(path, asMastodon)
			if code != 200 || !strings.Contains(body, o.ilse.PublicKey[40:60]) || !strings.Contains(body, `"inbox"`) || strings.Contains(body, "Ilse Verhaagen") || strings.Contains(body, "outbox") {
				t.Errorf("%s unsigned: %d %s", path, code, body)
			}
			if vary := header.Get("Vary"); !strings.Contains(vary, "Accept") || !strings.Contains(vary, "Signature") {
				t.Errorf("%s unsigned varies by %q", path, vary)
			}
		}
		guarded := []string{object, o.site.ArticlePath(a), object + "/replies", object + "/replies?cursor=", object + "/likes", object + "/shares", object + "/context",
			actor + "/outbox", actor + "/outbox?cursor=", actor + "/followers", actor + "/following", actor + "/featured", actor + "/tags", o.path(o.site.ActivityID(said[0].ID))}
		for _, path := range guarded {
			code, header, body := o.get(path, asMastodon)
			if code != 401 || header.Get("Cache-Control") != "no-store" || !strings.Contains(header.Get("Vary"), "Signature") || strings.Contains(body, "ferry") {
				t.Errorf("%s unsigned: %d %v %s", path, code, header, body)
			}
			if code, _, _ := o.get(path, "application/activity+json, text/html;q=0.1"); code != 401 {
				t.Errorf("%s unsigned as Mastodon 4.4 asks: %d", path, code)
			}
			if answer := given(t, o, bram, o.site.URL+path); answer.Status != 200 || answer.Header.Get("Cache-Control") != "private, no-store" || !strings.Contains(answer.Header.Get("Vary"), "Signature") {
				t.Errorf("%s signed: %d %v", path, answer.Status, answer.Header)
			}
			if answer := given(t, o, bram, o.site.URL+path, bram.WrongKey()); answer.Status != 401 {
				t.Errorf("%s signed badly: %d", path, answer.Status)
			}
		}
		if answer := given(t, o, bram, o.site.URL+actor); !strings.Contains(string(answer.Body), "Ilse Verhaagen") {
			t.Errorf("who signs sees %s", answer.Body)
		}
		if code, header, _ := o.get(object, asBrowser); code != 303 || header.Get("Location") != o.site.ArticlePage(a) {
			t.Errorf("a browser is sent to %d %v", code, header)
		}
		if code, header, _ := o.get(o.site.ArticlePath(a), asBrowser); code != 404 || !strings.Contains(header.Get("Vary"), "Signature") { // these tests have no pages
			t.Errorf("a page: %d %v", code, header)
		}
		for _, path := range []string{"/ap/instance", "/ap/instance/outbox", "/.well-known/webfinger?resource=acct:ilse@" + o.site.HandleDomain, "/.well-known/host-meta",
			"/.well-known/nodeinfo", "/nodeinfo/2.1", "/"} {
			if code, _, _ := o.get(path, asMastodon); code != 200 {
				t.Errorf("%s unsigned: %d", path, code)
			}
		}
		if code, _, _ := o.get("/ap/inbox", asMastodon); code != http.StatusMethodNotAllowed {
			t.Errorf("reading an inbox: %d", code)
		}
	})
}

func TestWhoIsBlockedFindsNothingInSecureMode(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		o.documents.AuthorizedFetch = true
		kade := o.server("zilverduin").Person("kade")
		o.refuseServer(kade)
		actor, object := "/ap/actors/"+string(o.ilse.ID), o.path(o.object(a))
		for _, path := range []string{actor, "/@ilse", object, object + "x", object + "/replies", o.site.ArticlePath(a), actor + "/outbox"} {
			if answer := given(t, o, kade, o.site.URL+path); answer.Status != 404 || string(answer.Body) != `{"error":"there is nothing here"}` {
				t.Errorf("%s for who is blocked: %d %s", path, answer.Status, answer.Body)
			}
		}
	})
}

func TestF008TheInstanceActorIsOpenInSecureMode(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.documents.AuthorizedFetch = true
		code, _, body := o.get(o.path(o.site.InstanceID()), "*/*")
		if code != 200 || !strings.Contains(body, `"inbox":"`+o.site.InstanceID()+`/inbox"`) || !strings.Contains(body, `"publicKeyPem"`) {
			t.Errorf("%d %s", code, body)
		}
		host, _, _ := strings.Cut(o.site.Host(), ":")
		if code, _, body := o.get("/.well-known/webfinger?resource=acct:"+host+"@"+o.site.Host(), "*/*"); code != 200 || !strings.Contains(body, o.site.InstanceID()) {
			t.Errorf("its acct: %d %s", code, body)
		}
	})
}

func TestTwoServersInSecureModeDoNotWaitForEachOther(t *testing.T) {
	each(t, func(t *testing.T, here *overkant) {
		there := start(t, storetest.Open(t))
		for _, o := range []*overkant{here, there} {
			o.documents.AuthorizedFetch = true
		}
		var both sync.WaitGroup
		for _, pair := range [][2]*overkant{{here, there}, {there, here}} {
			both.Go(func() { pair[0].meets(pair[1]) })
		}
		both.Wait()
	})
}

// meets lets the blog read an article of another one, and like it in Ilse's name, both meeting for the first time.
func (o *overkant) meets(other *overkant) {
	a := other.publish()
	doc, err := o.base.Remote.Object(o.soon(), other.object(a))
	if err != nil {
		o.t.Errorf("reading: %v", err)
		return
	}
	if read, err := activity.ParseObject(doc); err != nil || !strings.Contains(read.Content, "ferry") {
		o.t.Errorf("read %q, %v", read.Content, err)
		return
	}
	keys, err := o.store.SigningKeys(o.soon(), o.ilse.ID)
	if err != nil {
		o.t.Error(err)
		return
	}
	ilse := o.site.ActorID(o.ilse.ID)
	key, err := signature.ParseKey(ilse+"#main-key", keys.Current)
	if err != nil {
		o.t.Error(err)
		return
	}
	like := `{"id":"` + o.site.ActivityID(blog.NewID(time.Now())) + `","type":"Like","actor":"` + ilse + `","object":"` + other.object(a) + `"}`
	answer, err := o.base.Remote.Post(o.soon(), other.site.SharedInbox(), []byte(like), key)
	if err != nil || answer.Status != http.StatusAccepted {
		o.t.Errorf("writing: %+v, %v", answer, err)
		return
	}
	o.until("the like is counted", func() bool { return other.counts(a).Likes == 1 })
	if known, err := other.store.Actor(o.soon(), ilse); err != nil || known.Name != "Ilse Verhaagen" {
		o.t.Errorf("known as %+v, %v", known, err)
	}
}
