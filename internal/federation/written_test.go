package federation_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"causerie/internal/federation"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store/storetest"
)

// The tests here are about what means one thing and is written in several ways.

func TestF149TheDateOfASignatureIsReadInEachFormThatLibrariesWrite(t *testing.T) {
	// The third of a month: the dates of some libraries have one digit then.
	at := time.Date(2026, 12, 3, 9, 5, 0, 0, time.UTC)
	ahead := time.Until(at)
	o := overkant.Start(t, overkant.OpenStore(t, storetest.SQLite(t)),
		func(b *federation.Core) { b.Now = func() time.Time { return time.Now().Add(ahead) } })
	bram, a := o.Server("veerhuis").Person("bram"), o.Publish()
	for i, try := range []struct {
		layout string
		want   int
	}{
		{http.TimeFormat, 202}, {"Mon, 2 Jan 2006 15:04:05 GMT", 202}, {time.RFC1123Z, 202},
		{"Mon, 02 Jan 2006 15:04:05 UTC", 202}, {"2 Jan 2006 15:04:05 UTC", 202}, {time.RFC850, 202}, {time.ANSIC, 202},
		{"Mon, 02 Jan 2006 15:04:05 -0000", 202},
		{"Mon, 02 Jan 2020 15:04:05 GMT", 401}, {"2006", 401}, {"yesterday", 401},
	} {
		act := overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), fmt.Sprint("n", i), nil),
			fmt.Sprint(i))
		answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), act, fedtest.SignedAt(at),
			fedtest.DateLayout(try.layout))
		if answer.Status != try.want {
			t.Errorf("%s: %d %s, want %d", at.Format(try.layout), answer.Status, answer.Body, try.want)
		}
	}
}

func TestF088TheNameOfAnAlgorithmIsReadInEachSpelling(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, a := o.Server("veerhuis").Person("bram"), o.Publish()
		for name, want := range map[string]int{"rsa-sha256": 202, "RSA-SHA256": 202, "HS2019": 202, "rsa-sha512": 401,
			"ed25519": 401, "rsa": 401} {
			act := overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), name, nil), name)
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), act, inSignature(`"rsa-sha256"`, `"`+name+`"`))
			if answer.Status != want {
				t.Errorf("%s: %d %s, want %d", name, answer.Status, answer.Body, want)
			}
		}
	})
}

func TestF150AnActorsIDNamesTheOneKeyThatTheActorSignsWith(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		home := newKeyServer(t, func(home, pem string) map[string]any {
			other := overkant.PublicPEM(t, overkant.NewKey(t))
			one, two, alien := home+"/one", home+"/two", home+"/alien"
			return map[string]any{"/one": profile(one, rsaKey(one+"#main-key", one, pem)),
				"/two":   profile(two, rsaKey(two+"#old", two, other), rsaKey(two+"#new", two, pem)),
				"/alien": profile(alien, rsaKey(alien+"#main-key", one, pem)), "/bare": profile(home + "/bare")}
		})
		for _, try := range []struct {
			key, actor string
			want       int
		}{
			{"/one", "/one", 202}, {"/one", "/one", 202}, {"/one#main-key", "/one", 202},
			// which of two keys is not said, a key of somebody else is not theirs, and nobody signs for others
			{"/two", "/two", 401}, {"/two#new", "/two", 202}, {"/two", "/two", 401}, {"/alien", "/alien", 401},
			{"/bare", "/bare", 401}, {"/one#other", "/one", 401},
		} {
			if code := home.claims(o, home.URL+try.key, home.URL+try.actor, o.Object(a)); code != try.want {
				t.Errorf("%s for %s: %d, want %d", try.key, try.actor, code, try.want)
			}
		}
		if n := o.Counts(a).Likes; n != 2 {
			t.Errorf("%d people like it, want 2", n)
		}
	})
}

func TestF150AKeyNamedByTheActorsIDMayBeReplaced(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, a := o.Server("veerhuis").Person("bram"), o.Publish()
		send := func(name string, want int, twists ...fedtest.SendOption) {
			t.Helper()
			act := overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), name, nil), name)
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), act, append(twists, fedtest.WithKeyID(bram.ID))...)
			if answer.Status != want {
				t.Errorf("%s: %d %s, want %d", name, answer.Status, answer.Body, want)
			}
		}
		send("first", 202)
		old := bram.WithOwnKey()
		bram.RotateKeys()
		send("second", 202)
		send("with-the-old-key", 401, old)
		send("third", 202)
		if got := o.CommentTexts(a); got != "first|second|third" {
			t.Errorf("the comments are %q", got)
		}
	})
}

func TestF152AMediaTypeIsReadWithItsProfileHoweverItIsWritten(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, a := o.Server("veerhuis").Person("bram"), o.Publish()
		const profile = "https://www.w3.org/ns/activitystreams"
		for i, try := range []struct {
			contentType string
			want        int
		}{
			{`application/ld+json; profile="` + profile + `"`, 202}, {"application/ld+json; profile=" + profile, 202},
			{`application/ld+json;profile="` + profile + `#"`, 202}, {"application/ld+json; profile='" + profile + "'", 202},
			{"application/ld+json; charset=utf-8; profile=" + profile, 202},
			{`Application/LD+JSON; Profile="http://www.w3.org/ns/activitystreams"`, 202},
			{"application/activity+json;", 202}, {"application/ld+json; profile=https://example.org/other", 415},
			{"application/ld+json; profile=" + profile + "; profile=https://example.org/other", 415},
			{"text/html; profile=" + profile, 415}, {"", 415},
		} {
			act := overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), fmt.Sprint("n", i), nil),
				fmt.Sprint(i))
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), act, fedtest.ContentType(try.contentType))
			if answer.Status != try.want {
				t.Errorf("%s: %d %s, want %d", try.contentType, answer.Status, answer.Body, try.want)
			}
		}
	})
}
