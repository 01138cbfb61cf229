package federation_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/federation/documents"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/page"
	"causerie/internal/signature"
)

// The tests here have the numbers of the rows about signatures. Each request goes through the real inbox.

// refusesEach sends deliveries that have one fault each, and then the same without the fault.
func refusesEach(t *testing.T, deliveries func(bram *fedtest.Person) map[string][]fedtest.SendOption) {
	t.Helper()
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		send := func(name string, want int, twists ...fedtest.SendOption) {
			word := strings.ReplaceAll(name, " ", "-")
			answer, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
				overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), word, nil), word), twists...)
			if answer.Status != want {
				t.Errorf("%s: %d (%v), want %d", name, answer.Status, err, want)
			}
		}
		for name, twists := range deliveries(bram) {
			send(name, http.StatusUnauthorized, twists...)
		}
		if waiting, _, err := o.Store.CountWaiting(o.Soon()); err != nil || waiting != 0 || o.CommentTexts(a) != "" {
			t.Errorf("%d arrivals and the comments %q are kept, %v", waiting, o.CommentTexts(a), err)
		}
		send("good", http.StatusAccepted)
		if got := o.CommentTexts(a); got != "good" {
			t.Errorf("comments = %q", got)
		}
	})
}

type twists = map[string][]fedtest.SendOption

// inSignature changes the text of the Signature header.
func inSignature(old, by string) fedtest.SendOption {
	return fedtest.EditHeader(func(h http.Header) { h.Set("Signature", strings.Replace(h.Get("Signature"), old, by, 1)) })
}

const allSigned = "(request-target)"

func TestT001NothingUnsignedIsAccepted(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists { return twists{"unsigned": {fedtest.Unsigned()}} })
}

func TestT002NobodySendsInAnothersName(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>Mine.</p>"); err != nil {
			t.Fatal(err)
		}
		reply := o.Comments(a)[0].Address
		for i, forged := range []map[string]any{
			overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "forged", nil), "1"),
			overkant.Activity("Delete", bram, reply, "2"), overkant.Activity("Like", bram, o.Object(a), "3"),
			overkant.Activity("Follow", bram, o.Site.ActorID(o.Ilse.ID), "4"), overkant.Activity("Delete", bram, bram.ID, "5"),
			overkant.Activity("Update", bram, map[string]any{"id": reply, "type": "Note", "attributedTo": bram.ID,
				"content": "<p>Forged.</p>", "updated": "2030-01-01T00:00:00Z"}, "6"),
		} {
			if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(), forged); err != nil {
				t.Errorf("request %d: %v, want 202", i+1, err)
			}
		}
		o.Until("all hints are followed", func() bool {
			n, _, err := o.Store.CountWaiting(o.Soon())
			return err == nil &&
				n == 0
		})
		if got, counts := o.CommentTexts(a), o.Counts(a); got != "Mine." || counts.Likes != 0 {
			t.Errorf("comments %q, %d likes", got, counts.Likes)
		}
		if n, err := o.Store.CountFollowers(o.Soon(), o.Ilse.ID); err != nil || n.Accepted+n.Pending != 0 {
			t.Errorf("followers %+v, %v", n, err)
		}
		if answer, err := kade.Send(o.Soon(), o.Site.SharedInbox(), overkant.Activity("Like", bram, o.Object(a), "7"),
			fedtest.WithKeyID(bram.KeyID())); answer.Status != http.StatusUnauthorized {
			t.Errorf("under bram's key id, with kade's key: %d, %v", answer.Status, err)
		}
	})
}

func TestT003TheDigestMustBeSigned(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		return twists{"no digest": {fedtest.WithoutDigest()}, "not covered": {fedtest.DigestNotCovered()},
			"not covered and swapped": {fedtest.DigestNotCovered(), fedtest.Tampered()}}
	})
}

func TestT004TheDigestMustBeThatOfTheBody(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		return twists{"changed": {fedtest.Tampered()}, "changed in the newer dialect": {fedtest.UsingRFC9421(),
			fedtest.Tampered()}}
	})
}

func TestT005TheHostMustBeSignedAndOurs(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		return twists{"not covered": {fedtest.Covering(allSigned, "date", "digest")},
			"another's":                      {fedtest.SignedForHost("elsewhere.example")},
			"another's in the newer dialect": {fedtest.UsingRFC9421(), fedtest.SignedForHost("elsewhere.example")}}
	})
}

func TestT006MethodAndPathMustBeSigned(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		return twists{"not covered": {fedtest.Covering("host", "date", "digest")}}
	})
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		delivery, err := bram.Prepare(o.Site.ActorID(o.Ilse.ID)+"/inbox",
			overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "moved", nil), "moved"))
		if err != nil {
			t.Fatal(err)
		}
		delivery.URL = o.Site.SharedInbox()
		if answer, err := delivery.Send(o.Soon()); answer.Status != http.StatusUnauthorized || o.CommentTexts(a) != "" {
			t.Errorf("a request to another inbox: %d, %v", answer.Status, err)
		}
	})
}

func TestT007TheTimeMustBeSignedAndOfToday(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		now := time.Now()
		return twists{"not covered": {fedtest.Covering(allSigned, "host", "digest")},
			"13 hours ago":                      {fedtest.SignedAt(now.Add(-13 * time.Hour))},
			"a year ago":                        {fedtest.SignedAt(now.AddDate(-1, 0, 0))},
			"13 hours ago in the newer dialect": {fedtest.UsingRFC9421(), fedtest.SignedAt(now.Add(-13 * time.Hour))}}
	})
}

func TestT008NothingOfTheFutureAndNothingExpired(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		later := fedtest.SignedAt(time.Now().Add(2 * time.Hour))
		past := fmt.Sprintf(",expires=%d", time.Now().Add(-time.Minute).Unix())
		return twists{"in two hours": {later}, "created in two hours": {fedtest.UsingRFC9421(), later},
			"expired": {inSignature(",headers=", past+",headers=")}}
	})
}

func TestT009ARepeatedRequestChangesNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		delivery, err := bram.Prepare(o.Site.SharedInbox(),
			overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "once", nil), "once"))
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if _, err := delivery.Send(o.Soon()); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.CommentTexts(a); got != "once" {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestT010AReplayedUndoUndoesNothingNew(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		first, again := overkant.Activity("Like", bram, o.Object(a), "1"), overkant.Activity("Like", bram, o.Object(a), "2")
		undo, err := bram.Prepare(o.Site.SharedInbox(), overkant.Activity("Undo", bram, first, "undo"))
		if err != nil {
			t.Fatal(err)
		}
		send := func() {
			if _, err := undo.Send(o.Soon()); err != nil {
				t.Fatal(err)
			}
		}
		o.PostExpecting(bram, first, http.StatusAccepted)
		send()
		if o.Counts(a).Likes != 0 {
			t.Error("the undo undoes nothing")
		}
		o.PostExpecting(bram, again, http.StatusAccepted)
		send()
		if o.Counts(a).Likes != 1 {
			t.Error("a repeated undo undid what came later")
		}
	})
}

func TestT011AParameterGivenTwiceIsRefused(t *testing.T) {
	refusesEach(t, func(bram *fedtest.Person) twists {
		return twists{"two key ids": {inSignature("keyId=", `keyId="https://elsewhere.example/key",keyId=`)},
			"two algorithms": {inSignature(",headers=", `,algorithm="rsa-sha256",headers=`)}}
	})
}

func TestT012TwoSignaturesAreNone(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		return twists{"two headers": {fedtest.EditHeader(func(h http.Header) { h.Add("Signature", h.Get("Signature")) })},
			"two headers in the newer dialect": {fedtest.UsingRFC9421(),
				fedtest.EditHeader(func(h http.Header) { h.Add("Signature", h.Get("Signature")) })},
			"one more in Authorization": {fedtest.EditHeader(func(h http.Header) {
				h.Set("Authorization",
					"Signature "+h.Get("Signature"))
			})}}
	})
}

func TestT013ASignedHeaderGivenTwiceIsRefused(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		twice := func(name string) fedtest.SendOption {
			return fedtest.EditHeader(func(h http.Header) { h.Add(name, h.Get(name)) })
		}
		return twists{"two digests": {twice("Digest")}, "two dates": {twice("Date")},
			"two content digests": {fedtest.UsingRFC9421(), twice("Content-Digest")}}
	})
}

func TestT014ASignatureThatCannotBeRebuiltIsRefused(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		covers := func(by string) []fedtest.SendOption { return []fedtest.SendOption{inSignature(`date digest"`, by)} }
		return twists{"a header that is not there": covers(`date digest x-nope"`), "an empty name": covers(`date  digest"`),
			"a name in brackets": covers(`date digest (nope)"`),
			"none": {fedtest.EditHeader(func(h http.Header) {
				before, rest, _ := strings.Cut(h.Get("Signature"), `headers="`)
				_, after, _ := strings.Cut(rest, `"`)
				h.Set("Signature", before+`headers=""`+after)
			})}}
	})
}

func TestT015TheAlgorithmFollowsFromTheKey(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		claim := func(name string) []fedtest.SendOption {
			return []fedtest.SendOption{inSignature(`"rsa-sha256"`, `"`+name+`"`)}
		}
		return twists{"none": claim("none"), "an HMAC": claim("hmac-sha256"), "SHA-1": claim("rsa-sha1"),
			"an HMAC in the newer dialect": {fedtest.UsingRFC9421(),
				fedtest.EditHeader(func(h http.Header) {
					h.Set("Signature-Input",
						h.Get("Signature-Input")+`;alg="hmac-sha256"`)
				})}}
	})
}

func TestT016WhatCannotBeReadIsNoSignature(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		return twists{"no base64": {inSignature(`,signature="`, `,signature="%%%`)},
			"empty": {fedtest.EditHeader(func(h http.Header) {
				before, _, _ := strings.Cut(h.Get("Signature"), `,signature=`)
				h.Set("Signature", before+`,signature=""`)
			})}}
	})
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) { // what is no header of its kind at all is a 400
		bram := o.Server("veerhuis").Person("bram")
		set := func(name, value string) fedtest.SendOption {
			return fedtest.EditHeader(func(h http.Header) { h.Set(name, value) })
		}
		for name, spoilt := range map[string][]fedtest.SendOption{"words": {set("Signature", "trust me")},
			"half of it":                 {set("Signature", `keyId="https://elsewhere`)},
			"words in the newer dialect": {fedtest.UsingRFC9421(), set("Signature-Input", "trust me!")}} {
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(),
				overkant.Activity("View", bram, "https://elsewhere.example/1", "v"), spoilt...)
			if answer.Status != http.StatusBadRequest {
				t.Errorf("%s: %d, want 400", name, answer.Status)
			}
		}
	})
}

// keyServer is a server with some documents, and one key with which it signs.
type keyServer struct {
	*httptest.Server
	key   signature.Key
	asked atomic.Int64
}

// newKeyServer starts a keyServer. The documents are made for its address and the PEM of its key. Another path is a
// 404.
func newKeyServer(t *testing.T, documents func(home, pem string) map[string]any) *keyServer {
	t.Helper()
	k := &keyServer{key: overkant.NewKey(t)}
	var made map[string]any
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.asked.Add(1)
		doc, ok := made[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if to, ok := doc.(string); ok {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "application/activity+json")
		w.Write(asJSON(t, doc))
	}))
	t.Cleanup(k.Close)
	made = documents(k.URL, overkant.PublicPEM(t, k.key))
	return k
}

func asJSON(t testing.TB, document any) []byte {
	t.Helper()
	body, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// profile is an actor with the keys that it lists.
func profile(id string, keys ...any) map[string]any {
	return map[string]any{"id": id, "type": "Person", "preferredUsername": "kade", "name": "Kade", "inbox": id + "/inbox",
		"outbox": id + "/outbox", "publicKey": keys}
}

func rsaKey(id, owner, pem string) map[string]any {
	return map[string]any{"id": id, "owner": owner, "publicKeyPem": pem}
}

// claims posts a Like in an actor's name, signed with the key of a keyServer under a key id.
func (k *keyServer) claims(o *overkant.Blog, keyID, actor, object string) int {
	key := k.key
	key.ID = keyID
	return o.PostSigned(key, map[string]any{"id": actor + "/likes/" + string(blog.NewID(time.Now())), "type": "Like",
		"actor": actor, "object": object})
}

func TestT017AKeyThatClaimsAnotherOwnerIsNotTheirs(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		victim := o.Server("veerhuis").Person("bram")
		evil := newKeyServer(t, func(home, pem string) map[string]any {
			return map[string]any{"/foreign": rsaKey(home+"/foreign", victim.ID, pem),
				"/unlisted": rsaKey(home+"/unlisted", home+"/v", pem), "/v": profile(home + "/v")}
		})
		for keyID, actor := range map[string]string{evil.URL + "/foreign": victim.ID,
			evil.URL + "/unlisted": evil.URL + "/v"} {
			if code := evil.claims(o, keyID, actor, o.Object(a)); code != http.StatusUnauthorized {
				t.Errorf("%s as %s: %d", keyID, actor, code)
			}
		}
		if o.Counts(a).Likes != 0 {
			t.Error("it was believed")
		}
	})
}

func TestT018AKeyUnderAnotherIDThanTheOneAskedForIsNotKept(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		evil := newKeyServer(t, func(home, pem string) map[string]any {
			return map[string]any{"/1": rsaKey(home+"/2", home+"/kade", pem), "/2": rsaKey(home+"/2", home+"/kade", pem),
				"/kade": profile(home+"/kade", rsaKey(home+"/2", home+"/kade", pem))}
		})
		if code := evil.claims(o, evil.URL+"/1", evil.URL+"/kade", o.Object(a)); code != http.StatusUnauthorized {
			t.Errorf("signed by a key with another id: %d", code)
		}
		if owner, err := o.Store.KeyOwner(o.Soon(), evil.URL+"/1"); err == nil {
			t.Errorf("it is kept as %+v", owner)
		}
		if code := evil.claims(o, evil.URL+"/2", evil.URL+"/kade", o.Object(a)); code != http.StatusAccepted {
			t.Errorf("signed by the key that is listed: %d", code)
		}
	})
}

func TestT019AnActorsAddressThatLeadsToAnotherProvesNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		far := newKeyServer(t, func(home, pem string) map[string]any {
			return map[string]any{"/m": profile(home+"/m", rsaKey(home+"/m#k", home+"/m", pem))}
		})
		near := newKeyServer(t, func(home, pem string) map[string]any {
			m := profile(home+"/m", rsaKey(home+"/v#main-key", home+"/m", pem), rsaKey(home+"/w#main-key", home+"/m", pem))
			return map[string]any{"/m": m, "/v": home + "/m", "/w": m, "/x": far.URL + "/m"}
		})
		for _, who := range []string{"/v", "/w", "/x"} {
			if code := near.claims(o, near.URL+who+"#main-key", near.URL+who, o.Object(a)); code != http.StatusUnauthorized {
				t.Errorf("%s, whose address leads elsewhere: %d", who, code)
			}
		}
		if o.Counts(a).Likes != 0 {
			t.Error("it was believed")
		}
	})
}

func TestT020NobodyListsTheKeyOfAnotherActor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		v, m := overkant.NewKey(t), overkant.NewKey(t)
		home := newKeyServer(t, func(home, _ string) map[string]any {
			return map[string]any{"/v": profile(home+"/v", rsaKey(home+"/v#main-key", home+"/v", overkant.PublicPEM(t, v)),
				rsaKey(home+"/v/key", home+"/v", overkant.PublicPEM(t, v))),
				"/m": profile(home+"/m", rsaKey(home+"/m#main-key", home+"/m", overkant.PublicPEM(t, m)),
					rsaKey(home+"/v#main-key", home+"/m", overkant.PublicPEM(t, m)),
					rsaKey(home+"/v/key", home+"/m", overkant.PublicPEM(t, m)))}
		})
		for i, signed := range []struct {
			key       signature.Key
			id, actor string
			want      int
		}{{m, "/m#main-key", "/m", 202}, {v, "/v#main-key", "/v", 202}, {m, "/v#main-key", "/v", 401},
			{m, "/v/key", "/v", 401}, {v, "/v#main-key", "/v", 202}} {
			signed.key.ID = home.URL + signed.id
			code := o.PostSigned(signed.key, map[string]any{"id": fmt.Sprint(home.URL, signed.actor, "/", i), "type": "View",
				"actor": home.URL + signed.actor, "object": o.Object(a)})
			if code != signed.want {
				t.Errorf("request %d, signed under %s: %d, want %d", i+1, signed.id, code, signed.want)
			}
		}
		for _, id := range []string{"/v#main-key", "/v/key"} {
			if owner, err := o.Store.KeyOwner(o.Soon(), home.URL+id); err != nil || owner.ActorID != home.URL+"/v" ||
				owner.PEM != overkant.PublicPEM(t, v) {
				t.Errorf("%s is kept as %+v, %v", id, owner, err)
			}
		}
	})
}

func TestT021AKeyThatWasReplacedOrRemovedSignsNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		prepare := func(name string) *fedtest.PreparedDelivery {
			delivery, err := bram.Prepare(o.Site.SharedInbox(),
				overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), name, nil), name))
			if err != nil {
				t.Fatal(err)
			}
			return delivery
		}
		o.PostExpecting(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "before", nil),
			"before"),
			http.StatusAccepted)
		old := prepare("old")
		bram.RotateKeys()
		o.PostExpecting(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "after", nil), "after"),
			http.StatusAccepted)
		if answer, _ := old.Send(o.Soon()); answer.Status != http.StatusUnauthorized {
			t.Errorf("signed with the key that was replaced: %d", answer.Status)
		}
		if _, err := bram.Like(o.Soon(), o.Object(a)); err != nil { // so that bram's server tells us
			t.Fatal(err)
		}
		late := prepare("late")
		if _, err := bram.DeleteAccount(o.Soon()); err != nil {
			t.Fatal(err)
		}
		late.Send(o.Soon())
		if got := o.CommentTexts(a); got != "|" { // two places without words
			t.Errorf("of one who left there stands %q", got)
		}
	})
}

func TestT022DeletesOfUnknownActorsCostNoFetch(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		client := &http.Client{}
		for i := range 1000 {
			actor := fmt.Sprintf("%s/users/%d", veerhuis.URL, i)
			response, err := client.Post(o.Site.SharedInbox(), "application/activity+json",
				strings.NewReader(`{"id":"`+actor+`#delete","type":"Delete","actor":"`+actor+`","object":"`+actor+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusAccepted {
				t.Fatalf("departure %d: %d", i, response.StatusCode)
			}
		}
		if visits := veerhuis.Requests(); len(visits) != 0 {
			t.Errorf("%d questions were asked", len(visits))
		}
	})
}

func TestT023InventedKeysCostAServerSixLookupsAMinute(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		for name, ids := range map[string]func(i int) string{
			"addresses without anything": func(i int) string { return fmt.Sprintf("/nothing/%d#main-key", i) },
			"parts of one profile":       func(i int) string { return fmt.Sprintf("/kade#key-%d", i) },
			"a key at every address":     func(i int) string { return fmt.Sprintf("/keys/%d", i) },
			"a profile at every address": func(i int) string { return fmt.Sprintf("/users/%d#main-key", i) },
		} {
			evil := newKeyServer(t, func(home, pem string) map[string]any {
				documents := map[string]any{"/kade": profile(home+"/kade", rsaKey(home+"/kade#main-key", home+"/kade", pem))}
				for i := range 1000 {
					documents[fmt.Sprintf("/keys/%d", i)] = rsaKey(fmt.Sprintf("%s/keys/%d", home, i), home+"/kade", pem)
					documents[fmt.Sprintf("/users/%d", i)] = profile(fmt.Sprintf("%s/users/%d", home, i),
						rsaKey(home+"/kade#main-key", home+"/kade", pem))
				}
				return documents
			})
			for i := range 1000 {
				if code := evil.claims(o, evil.URL+ids(i), evil.URL+"/kade", o.Object(a)); code != http.StatusUnauthorized {
					t.Fatalf("%s: request %d: %d", name, i, code)
				}
			}
			if asked := evil.asked.Load(); asked == 0 || asked > 6 {
				t.Errorf("%s: %d questions were asked", name, asked)
			}
		}
	})
}

func TestT024OfManyKeysFourAreKept(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		evil := newKeyServer(t, func(home, pem string) map[string]any {
			var list []any
			for i := range 30 {
				list = append(list, rsaKey(fmt.Sprintf("%s/kade#%d", home, i), home+"/kade", pem))
			}
			return map[string]any{"/kade": profile(home+"/kade", list...)}
		})
		for i, want := range map[int]int{0: 202, 3: 202, 4: 401, 29: 401} {
			if code := evil.claims(o, fmt.Sprintf("%s/kade#%d", evil.URL, i), evil.URL+"/kade", o.Object(a)); code != want {
				t.Errorf("signed by key %d: %d, want %d", i, code, want)
			}
		}
	})
}

func TestT043WhatWasFetchedCountsAndNotWhatWasPosted(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		reply, err := bram.PrepareReply(o.Soon(), o.Object(a), "<p>As it stands there.</p>")
		if err != nil {
			t.Fatal(err)
		}
		posted := overkant.ReplyNote(bram, o.Object(a), "posted", map[string]any{"id": reply.Object})
		if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(), overkant.Activity("Create", bram, posted,
			"carried")); err != nil {
			t.Fatal(err)
		}
		o.Until("it is fetched", func() bool { return o.CommentTexts(a) != "" })
		if got := o.CommentTexts(a); got != "As it stands there." {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestF018OurKeysOutliveARestart(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		before := overkant.IlseDocument(o)
		var shown struct {
			ID        string
			PublicKey struct{ ID, Owner, PublicKeyPem string }
		}
		if err := json.Unmarshal([]byte(before), &shown); err != nil {
			t.Fatal(err)
		}
		if shown.PublicKey.Owner != shown.ID || shown.PublicKey.ID != shown.ID+"#main-key" {
			t.Errorf("the key is %+v", shown)
		}
		if block, _ := pem.Decode([]byte(shown.PublicKey.PublicKeyPem)); block == nil || block.Type != "PUBLIC KEY" {
			t.Errorf("it is written as %s", shown.PublicKey.PublicKeyPem)
		}
		again := chi.NewRouter()
		documents.NewDocuments(o.Core, o.Keys, o.Inbox, page.NewCache(o.Store.Changes(), 0), "test").Routes(again)
		answer := httptest.NewRecorder()
		again.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/ap/actors/"+string(o.Ilse.ID), nil))
		if after := answer.Body.String(); after != before {
			t.Errorf("after a restart it is\n%s\nbefore\n%s", after, before)
		}
	})
}

func TestF060ASignatureThatCannotBeVerifiedNowIsTriedAgain(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		a := o.Publish()
		create := overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "x", nil), "x")
		if answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), create,
			fedtest.Unsigned()); answer.Status != http.StatusUnauthorized {
			t.Errorf("unsigned: %d", answer.Status)
		}
		if answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), create,
			bram.WrongKey()); answer.Status != http.StatusUnauthorized {
			t.Errorf("wrongly signed: %d", answer.Status)
		}
		kade := o.Server("zilverduin").Person("kade")
		delivery, err := kade.Prepare(o.Site.SharedInbox(),
			overkant.Activity("Create", kade, overkant.ReplyNote(kade, o.Object(a), "y", nil), "y"))
		if err != nil {
			t.Fatal(err)
		}
		if err := kade.Server.SetBehaviour(fedtest.Closed()); err != nil {
			t.Fatal(err)
		}
		answer, _ := delivery.Send(o.Soon())
		if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Errorf("while its server is away: %d %v", answer.Status, answer.Header)
		}
	})
}

func TestF084AnotherProgramVerifiesOurSignatures(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis") // which reads with go-fed/httpsig
		o.AddFollower(veerhuis.Person("bram"))
		keys, err := o.Store.SigningKeys(o.Soon(), o.Ilse.ID)
		if err != nil {
			t.Fatal(err)
		}
		key, err := signature.ParseKey(o.Site.ActorID(o.Ilse.ID)+"#main-key", keys.Current)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := o.Core.Remote.Post(o.Soon(), veerhuis.URL+"/inbox?for=bram&a=%2F",
			asJSON(t, map[string]any{"id": o.Site.ActivityID(blog.NewID(time.Now())),
				"type": "View", "actor": o.Site.ActorID(o.Ilse.ID), "object": "https://elsewhere.example/1"}), key)
		if err != nil || answer.Status != http.StatusAccepted {
			t.Fatalf("with a query: %+v, %v", answer, err)
		}
		for _, l := range veerhuis.Deliveries() {
			if !l.Accepted() || !strings.Contains(l.Header.Get("Signature"), `headers="(request-target) host date digest"`) ||
				!strings.Contains(l.Header.Get("Signature"), `algorithm="rsa-sha256"`) {
				t.Errorf("%s: %s, signed %s", l.Type, l.Fault, l.Header.Get("Signature"))
			}
		}
	})
}

func TestF085EachAttemptHasItsOwnDate(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		if err := veerhuis.SetBehaviour(fedtest.FailingFirst(1, 500)); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("it failed once", func() bool { return o.DeliveryRows(a)[veerhuis.Host].Attempts == 1 })
		time.Sleep(1100 * time.Millisecond) // dates are of whole seconds
		if _, err := o.Outbox.Retry(o.Soon(), a.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.Soon(),
			func(l fedtest.Delivery) bool { return l.Type == "Create" && l.Accepted() }); err != nil {
			t.Fatal(err)
		}
		deliveries := slices.DeleteFunc(veerhuis.Deliveries(), func(l fedtest.Delivery) bool { return l.Type != "Create" })
		if len(deliveries) != 2 || deliveries[0].Header.Get("Date") == deliveries[1].Header.Get("Date") ||
			!bytes.Equal(deliveries[0].Body, deliveries[1].Body) {
			t.Errorf("%d attempts, dated %s", len(deliveries), deliveries[0].Header.Get("Date"))
		}
		for _, l := range deliveries {
			if digest := l.Header.Get("Digest"); !strings.HasPrefix(digest, "SHA-256=") {
				t.Errorf("digest %s", digest)
			}
		}
	})
}

func TestF088EveryAlgorithmIsVerified(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram, gerda := o.Server("veerhuis").Person("bram"), o.Server("gts", fedtest.GoToSocial).Person("gerda")
		for name, send := range map[string]struct {
			by     *fedtest.Person
			twists []fedtest.SendOption
		}{
			"rsa-sha256":   {bram, nil},
			"hs2019":       {gerda, nil},
			"no algorithm": {bram, []fedtest.SendOption{inSignature(`algorithm="rsa-sha256",`, "")}},
			"RFC 9421":     {bram, []fedtest.SendOption{fedtest.UsingRFC9421()}},
			"in Authorization": {bram, []fedtest.SendOption{fedtest.EditHeader(func(h http.Header) {
				h.Set("Authorization", "Signature "+h.Get("Signature"))
				h.Del("Signature")
			})}},
		} {
			word := strings.ReplaceAll(name, " ", "-")
			answer, err := send.by.Send(o.Soon(), o.Site.SharedInbox(),
				overkant.Activity("Create", send.by, overkant.ReplyNote(send.by, o.Object(a), word, nil), word), send.twists...)
			if answer.Status != http.StatusAccepted {
				t.Errorf("%s: %d, %v", name, answer.Status, err)
			}
		}
		ed, err := signature.NewEd25519Key("")
		if err != nil {
			t.Fatal(err)
		}
		multikey, err := ed.Multikey()
		if err != nil {
			t.Fatal(err)
		}
		home := newKeyServer(t, func(home, _ string) map[string]any {
			actor := profile(home + "/kade")
			actor["assertionMethod"] = []any{map[string]any{"id": home + "/kade#ed", "type": "Multikey",
				"controller": home + "/kade", "publicKeyMultibase": multikey}}
			return map[string]any{"/kade": actor}
		})
		ed.ID = home.URL + "/kade#ed"
		if code := o.PostSigned(ed, map[string]any{"id": home.URL + "/1", "type": "Like", "actor": home.URL + "/kade",
			"object": o.Object(a)}); code != http.StatusAccepted {
			t.Errorf("Ed25519: %d", code)
		}
		if got := len(o.Comments(a)); got != 5 || o.Counts(a).Likes != 1 {
			t.Errorf("%d comments, %d likes", got, o.Counts(a).Likes)
		}
	})
}

func TestF089HostTargetAndDigestMustBeCovered(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		return twists{"no host": {fedtest.Covering(allSigned, "date", "digest")},
			"no target": {fedtest.Covering("host", "date", "digest")},
			"no digest": {fedtest.Covering(allSigned, "host", "date")}, "the date alone": {fedtest.CoveringDateOnly()}}
	})
}

func TestF090BodyAndTimeMustFit(t *testing.T) {
	refusesEach(t, func(*fedtest.Person) twists {
		now := time.Now()
		return twists{"changed": {fedtest.Tampered()}, "2 h ahead": {fedtest.SignedAt(now.Add(2 * time.Hour))},
			"13 h ago": {fedtest.SignedAt(now.Add(-13 * time.Hour))}}
	})
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		answer, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
			overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "late", nil), "late"),
			fedtest.SignedAt(time.Now().Add(-30*time.Minute)))
		if answer.Status != http.StatusAccepted || o.CommentTexts(a) != "late" {
			t.Errorf("30 min ago: %d, %v", answer.Status, err)
		}
	})
}

func TestF091AKeyIsFoundInAllItsShapes(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		// whose key has an address of its own, at which a stub stands
		gerda := o.Server("gts", fedtest.GoToSocial).Person("gerda")
		if answer, err := gerda.Send(o.Soon(), o.Site.SharedInbox(),
			overkant.Activity("Like", gerda, o.Object(a), "1")); answer.Status != http.StatusAccepted {
			t.Errorf("a stub: %d, %v", answer.Status, err)
		}
		home := newKeyServer(t, func(home, pem string) map[string]any {
			key := func(id string) map[string]any { return rsaKey(home+id, home+"/kade", pem) }
			return map[string]any{"/kade": profile(home+"/kade", key("/kade#main-key"), key("/key"), key("/kade/#slash")),
				"/key": key("/key"), "/kade/": home + "/kade",
				"/secret": key("/secret")}
		})
		for id, want := range map[string]int{"/kade#main-key": 202, "/key": 202, "/kade/#slash": 202, "/secret": 401,
			"/kade#other": 401} {
			if code := home.claims(o, home.URL+id, home.URL+"/kade", o.Object(a)); code != want {
				t.Errorf("%s: %d, want %d", id, code, want)
			}
		}
		if o.Counts(a).Likes != 2 {
			t.Errorf("%d people like it", o.Counts(a).Likes)
		}
	})
}

func TestF131AnIDWithLettersBeyondASCIIIsOneActorInBothForms(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		const raw, escaped = "/\u0563\u0580/author/aram", "/%D5%A3%D6%80/author/aram"
		a := o.Publish()
		for _, doc := range []struct{ id, key, owner string }{{raw, raw, raw}, {escaped, escaped, escaped},
			{raw, escaped, escaped}, {escaped, raw, raw}} {
			home := newKeyServer(t, func(home, pem string) map[string]any {
				return map[string]any{raw: profile(home+doc.id, rsaKey(home+doc.key+"#main-key", home+doc.owner, pem))}
			})
			for _, sent := range []struct{ key, actor string }{{raw, raw}, {escaped, escaped}, {raw, escaped},
				{escaped, raw}} {
				if code := home.claims(o, home.URL+sent.key+"#main-key", home.URL+sent.actor, o.Object(a)); code != 202 {
					t.Errorf("%+v of a document with %+v: %d", sent, doc, code)
				}
			}
			if known, err := o.Store.Actor(o.Soon(), home.URL+escaped); err != nil || known.Host != blog.HostOf(home.URL) {
				t.Errorf("%+v is known as %+v, %v", doc, known, err)
			}
			if _, err := o.Core.FetchActor(o.Soon(), home.URL+raw); err != nil {
				t.Errorf("asked for by its id as it is written: %v", err)
			}
		}
		if n := o.Counts(a).Likes; n != 4 {
			t.Errorf("%d people like it, want 4", n)
		}
	})
}

func TestF093BehindAProxyThePublicAddressIsWhatWasSigned(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		key := overkant.NewKey(t)
		home := "https://veerhuis.example/users/bram"
		key.ID = home + "#main-key"
		actor := blog.Actor{ID: home, Type: "Person", Host: "veerhuis.example", Inbox: home + "/inbox", FetchedAt: time.Now(),
			Keys: []blog.ActorKey{{ActorID: home, KeyID: key.ID, PEM: overkant.PublicPEM(t, key)}}}
		if err := o.Store.SaveActor(o.Soon(), actor); err != nil {
			t.Fatal(err)
		}
		base := o.Core
		base.Site.URL = "https://overkant.example"
		inbox := o.AnotherInbox(base)
		for _, signed := range []struct {
			address string
			newer   bool
			want    int
		}{{"https://overkant.example/ap/inbox", false, 202}, {"https://overkant.example/ap/inbox", true, 202},
			{"http://overkant.example/ap/inbox", true, 401},
			{"http://localhost:8080/ap/inbox", true, 401}, {"http://localhost:8080/ap/inbox", false, 401}} {
			body := []byte(`{"id":"` + home + `/1","type":"View","actor":"` + home + `","object":"` + home + `"}`)
			request, err := http.NewRequest(http.MethodPost, signed.address, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/activity+json")
			if signed.newer {
				err = signature.SignRFC9421(request, body, key, time.Now(), signature.AcceptSignature{})
			} else {
				err = signature.Sign(request, body, key, time.Now())
			}
			if err != nil {
				t.Fatal(err)
			}
			request.URL = &url.URL{Path: request.URL.Path} // as it comes from the proxy, over plain http
			request.RequestURI = request.URL.Path
			answer := httptest.NewRecorder()
			if inbox.ServeHTTP(answer, request); answer.Code != signed.want {
				t.Errorf("signed for %s (newer: %v): %d %s", signed.address, signed.newer, answer.Code, answer.Body)
			}
		}
	})
}
