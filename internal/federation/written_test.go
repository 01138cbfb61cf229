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
