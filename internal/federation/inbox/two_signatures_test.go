package inbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// addSignature adds a second signature of RFC 9421, as proxies do: before or behind the first, or in a header apart.
func addSignature(where, params string) fedtest.SendOption {
	return fedtest.EditHeader(func(h http.Header) {
		for name, value := range map[string]string{"Signature-Input": `proxy=("@authority")` + params,
			"Signature": "proxy=:AAAA:"} {
			switch where {
			case "before":
				h.Set(name, value+", "+h.Get(name))
			case "behind":
				h.Set(name, h.Get(name)+", "+value)
			default:
				h.Add(name, value)
			}
		}
	})
}

func TestASignatureOfAProxyBesideThatOfTheActorIsNotJudged(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		const created = `;created=1790000000`
		n := 0
		send := func(want int, options ...fedtest.SendOption) {
			t.Helper()
			n++
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), overkant.Activity("Create", bram,
				overkant.ReplyNote(bram, o.Object(a), fmt.Sprint("n", n), nil), fmt.Sprint(n)), options...)
			o.WaitSettled()
			has := strings.Contains(o.CommentTexts(a), fmt.Sprint("n", n))
			if answer.Status != want || has != (want == http.StatusAccepted) {
				t.Errorf("case %d: %d %s, shown: %t, want %d", n, answer.Status, answer.Body, has, want)
			}
		}
		for _, where := range []string{"before", "behind", "apart"} {
			for _, params := range []string{
				created + `;keyid="poqkLGiymhW0uP6PZFw";alg="ed25519";tag="web-bot-auth"`, created, "",
				created + `;keyid="` + kade.KeyID() + `"`, created + `;keyid="https://proxy.example/key"`,
				created + `;keyid="` + bram.Server.URL + `/actor#main-key"`,
			} {
				send(http.StatusAccepted, fedtest.UsingRFC9421(), addSignature(where, params))
			}
		}
		asked := len(kade.Server.Requests())
		for _, where := range []string{"before", "behind", "apart"} {
			// That of the actor must be good, whatever stands beside it.
			send(http.StatusUnauthorized, fedtest.UsingRFC9421(), bram.WrongKey(), addSignature(where, created+
				`;keyid="`+kade.KeyID()+`"`))
			// Both are under one name.
			send(http.StatusUnauthorized, fedtest.UsingRFC9421(), fedtest.EditHeader(func(h http.Header) {
				h.Set("Signature-Input", strings.Replace(h.Get("Signature-Input"), "sig1", "proxy", 1))
				h.Set("Signature", strings.Replace(h.Get("Signature"), "sig1", "proxy", 1))
			}), addSignature(where, created+`;keyid="https://proxy.example/key"`))
		}
		if got := len(kade.Server.Requests()); got != asked {
			t.Errorf("the key of another was fetched %d times", got-asked)
		}
	})
}
