package signature

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func request(t *testing.T, method, address string, body []byte) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// arrived is a request as its receiver sees it.
func arrived(req *http.Request) *http.Request {
	req.URL.Scheme, req.URL.Host = "", ""
	req.RequestURI = req.URL.RequestURI()
	return req
}

func TestF087TheNewerDialectCoversWhatPeersDemand(t *testing.T) {
	req := request(t, http.MethodPost, "https://Overkant.example:443/ap/inbox?a=%C3%A9", reply)
	if err := SignRFC9421(req, reply, keys().rsa, now, AcceptSignature{}); err != nil {
		t.Fatal(err)
	}
	input := `("@method" "@target-uri" "content-digest");created=1794648600;keyid="` + bramRSA + `"`
	if got := req.Header.Get("Signature-Input"); got != "sig1="+input {
		t.Errorf("Signature-Input = %s", got)
	}
	base := "\"@method\": POST\n\"@target-uri\": https://overkant.example/ap/inbox?a=%C3%A9\n\"content-digest\": " +
		contentDigest() +
		"\n\"@signature-params\": " + input
	value := strings.TrimSuffix(strings.TrimPrefix(req.Header.Get("Signature"), "sig1=:"), ":")
	signed, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(base))
	if err := rsa.VerifyPKCS1v15(keys().rsa.Private.Public().(*rsa.PublicKey), crypto.SHA256, sum[:], signed); err != nil {
		t.Errorf("an independent reading of RFC 9421 refuses it: %v", err)
	}
}

func TestWhatWeSignInEitherDialectWeBelieve(t *testing.T) {
	newer := func(req *http.Request, body []byte, key Key, now time.Time) error {
		return SignRFC9421(req, body, key, now, AcceptSignature{})
	}
	for name, sign := range map[string]func(*http.Request, []byte, Key, time.Time) error{"cavage": Sign,
		"RFC 9421": newer} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, key := range []Key{keys().rsa, keys().ed25519} {
				body := reply
				if method == http.MethodGet {
					body = nil
				}
				req := request(t, method, "https://overkant.example/ap/inbox?x=1", body)
				// Signed twice, in both dialects, as a second knock is: nothing of the first may be left.
				for _, first := range []func(*http.Request, []byte, Key, time.Time) error{newer, Sign, sign} {
					if err := first(req, body, key, now); err != nil {
						t.Fatal(err)
					}
				}
				signed, err := Verify(arrived(req), body, overkant, now, Keys{Find: known})
				if err != nil || signed.KeyID != key.ID {
					t.Errorf("%s %s with %s: %+v, %v", name, method, key.ID, signed, err)
				}
				if want := map[string]Scheme{"cavage": Cavage, "RFC 9421": RFC9421}[name]; signed.Scheme != want {
					t.Errorf("%s is read as %v", name, signed.Scheme)
				}
			}
		}
	}
}

func TestAcceptSignatureIsFollowedExactly(t *testing.T) {
	for _, c := range []struct{ asked, want string }{
		{`sig1=("@method" "@target-uri" "content-digest");created;keyid`,
			`sig1=("@method" "@target-uri" "content-digest");created=1794648600;keyid="KEY"`},
		{`a=("@method" "@path" "@query" "@authority" "content-digest");created`,
			`a=("@method" "@path" "@query" "@authority" "content-digest");created=1794648600;keyid="KEY"`},
		{`x=("date" "@method" "@target-uri" "content-digest");nonce="n1";created;tag="f"`,
			`x=("date" "@method" "@target-uri" "content-digest");nonce="n1";created=1794648600;tag="f";keyid="KEY"`},
		{`x=("@method" "@target-uri" "content-digest" "content-type");alg="rsa-v1_5-sha256";expires;keyid="KEY"`,
			`x=("@method" "@target-uri" "content-digest" "content-type");alg="rsa-v1_5-sha256";expires=1794648900` +
				`;keyid="KEY";created=1794648600`},
		{`bad=("@status");created, y=("@method" "@target-uri" "content-digest")`,
			`y=("@method" "@target-uri" "content-digest");created=1794648600;keyid="KEY"`},
	} {
		asked, want := strings.ReplaceAll(c.asked, "KEY", bramRSA), strings.ReplaceAll(c.want, "KEY", bramRSA)
		req := request(t, http.MethodPost, "https://overkant.example/ap/inbox?x=1", reply)
		req.Header.Set("Content-Type", "application/activity+json")
		accepted, ok := ParseAcceptSignature(http.Header{"Accept-Signature": {asked}}, req, keys().rsa)
		if !ok {
			t.Errorf("%s: not fulfilled", asked)
			continue
		}
		if err := SignRFC9421(req, reply, keys().rsa, now, accepted); err != nil {
			t.Errorf("%s: %v", asked, err)
		}
		if got := req.Header.Get("Signature-Input"); got != want {
			t.Errorf("%s:\nsigned %s\nwant   %s", asked, got, want)
		}
		if _, err := Verify(arrived(req), reply, overkant, now, Keys{Find: known}); err != nil {
			t.Errorf("%s: what it is signed with does not hold: %v", asked, err)
		}
	}
}

func TestNoAcceptSignatureMakesUsSignWhatCouldBeReplayed(t *testing.T) {
	for _, asked := range []string{
		"", `sig1=("@method" "content-digest");created`, `sig1=("@target-uri" "content-digest")`,
		`sig1=("@method" "@target-uri")`,
		`sig1=("@method" "@authority" "@path" "content-digest")`,
		`sig1=("@method" "@target-uri" "content-digest" "user-agent")`,
		`sig1=("@method" "@target-uri" "content-digest" "@query-param";name="x")`,
		`sig1=("@method" "@target-uri" "content-digest");alg="hmac-sha256"`,
		`sig1=("@method" "@target-uri" "content-digest");keyid="https://elsewhere.example/key"`,
		`sig1=("@method" "@target-uri" "content-digest");nonce`,
		`sig1=("@method" "@target-uri" "content-digest");secret="x"`, `sig1=`, strings.Repeat("x", maxHeader+1),
		`sig1=("@method" "@method" "@target-uri" "content-digest")`,
	} {
		req := request(t, http.MethodPost, "https://overkant.example/ap/inbox", reply)
		if accepted, ok := ParseAcceptSignature(http.Header{"Accept-Signature": {asked}}, req, keys().rsa); ok {
			t.Errorf("%s: signed as %+v", asked, accepted)
		}
	}
}

func TestSynchronizationOfFollowersIsSignedInBothDialects(t *testing.T) {
	key, err := NewRSAKey("https://overkant.example/ap/actors/1#main-key")
	if err != nil {
		t.Fatal(err)
	}
	now, body := time.Now(), []byte(`{}`)
	base, _ := url.Parse("https://veerhuis.example")
	for name, sign := range map[string]func(*http.Request) error{
		"cavage":  func(r *http.Request) error { return Sign(r, body, key, now) },
		"rfc9421": func(r *http.Request) error { return SignRFC9421(r, body, key, now, AcceptSignature{}) },
	} {
		for _, said := range []string{"", `collectionId="x"`} {
			r := request(t, http.MethodPost, "https://veerhuis.example/inbox", body)
			if said != "" {
				r.Header.Set("Collection-Synchronization", said)
			}
			if err := sign(r); err != nil {
				t.Fatal(err)
			}
			find := func(context.Context, string) (crypto.PublicKey, error) { return key.Private.Public(), nil }
			if _, err := Verify(arrived(r), body, []*url.URL{base}, now, Keys{Find: find}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if Covers(r.Header, "collection-synchronization") != (said != "") || Covers(r.Header, "accept") {
				t.Errorf("%s with %q: covered %t", name, said, Covers(r.Header, "collection-synchronization"))
			}
			r.Header.Set("Collection-Synchronization", "another")
			if _, err := Verify(arrived(r), body, []*url.URL{base}, now, Keys{Find: find}); (err == nil) != (said == "") {
				t.Errorf("%s, changed after %q: %v", name, said, err)
			}
		}
	}
}
