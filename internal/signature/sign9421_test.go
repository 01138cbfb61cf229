package signature

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
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
	if err := SignRFC9421(req, reply, keys().rsa, now); err != nil {
		t.Fatal(err)
	}
	input := `("@method" "@target-uri" "content-digest");created=1794648600;keyid="` + bramRSA + `"`
	if got := req.Header.Get("Signature-Input"); got != "sig1="+input {
		t.Errorf("Signature-Input = %s", got)
	}
	base := "\"@method\": POST\n\"@target-uri\": https://overkant.example/ap/inbox?a=%C3%A9\n\"content-digest\": " + contentDigest() +
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
	for name, sign := range map[string]func(*http.Request, []byte, Key, time.Time) error{"cavage": Sign, "RFC 9421": SignRFC9421} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, key := range []Key{keys().rsa, keys().ed25519} {
				body := reply
				if method == http.MethodGet {
					body = nil
				}
				req := request(t, method, "https://overkant.example/ap/inbox?x=1", body)
				// Signed twice, in both dialects, as a second knock is: nothing of the first may be left.
				for _, first := range []func(*http.Request, []byte, Key, time.Time) error{SignRFC9421, Sign, sign} {
					if err := first(req, body, key, now); err != nil {
						t.Fatal(err)
					}
				}
				signed, err := Verify(arrived(req), body, overkant, now, known)
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
