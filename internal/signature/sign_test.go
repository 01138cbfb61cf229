package signature

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// signaturePattern is the header as contract F-084 promises it to peers, exactly.
var signaturePattern = regexp.MustCompile(`^keyId="([^"]+)",algorithm="([^"]+)",headers="([^"]+)",` +
	`signature="([A-Za-z0-9+/=]+)"$`)

// signing is a request to sign, and what is signed of it.
type signing struct {
	name, method, url, headers, text string
	key                              Key
	algorithm                        string
}

// checkByHand verifies a signed request with Go's primitives alone, from what stands on the wire.
func checkByHand(t *testing.T, req *http.Request, want signing) {
	t.Helper()
	found := signaturePattern.FindStringSubmatch(req.Header.Get("Signature"))
	if found == nil {
		t.Fatalf("Signature: %s", req.Header.Get("Signature"))
	}
	if found[2] != want.algorithm || found[3] != want.headers {
		t.Errorf("algorithm %q over %q, want %q over %q", found[2], found[3], want.algorithm, want.headers)
	}
	signed, err := base64.StdEncoding.DecodeString(found[4])
	if err != nil {
		t.Fatal(err)
	}
	switch public := want.key.Private.Public().(type) {
	case *rsa.PublicKey:
		sum := sha256.Sum256([]byte(want.text))
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signed); err != nil {
			t.Errorf("over %q: %v", want.text, err)
		}
	case ed25519.PublicKey:
		if !ed25519.Verify(public, []byte(want.text), signed) {
			t.Errorf("over %q: no", want.text)
		}
	}
}

func TestSignWritesWhatEveryServerReads(t *testing.T) {
	const body = "{}"
	const digest = "SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=" // of "{}", by sha256sum
	const date = "Sat, 14 Nov 2026 09:30:00 GMT"
	for _, test := range []signing{
		{
			"a delivery", "POST", "https://noordkade.example/inbox",
			"(request-target) host date digest",
			"(request-target): post /inbox\nhost: noordkade.example\ndate: " + date + "\ndigest: " + digest,
			keys().rsa, "rsa-sha256",
		}, {
			"a delivery to an inbox with a query, a port and capitals", "POST", "https://Noordkade.example:8443/inbox?for=a%20b",
			"(request-target) host date digest",
			"(request-target): post /inbox?for=a%20b\nhost: noordkade.example:8443\ndate: " + date + "\ndigest: " + digest,
			keys().rsa, "rsa-sha256",
		}, {
			"a question, by the default port", "GET", "https://noordkade.example:443/users/nadia",
			"(request-target) host date",
			"(request-target): get /users/nadia\nhost: noordkade.example\ndate: " + date,
			keys().rsa, "rsa-sha256",
		}, {
			"an inbox with letters beyond ASCII in its path", "POST", "https://noordkade.example/caf%C3%A9/inbox",
			"(request-target) host date digest",
			"(request-target): post /caf%C3%A9/inbox\nhost: noordkade.example\ndate: " + date + "\ndigest: " + digest,
			keys().rsa, "rsa-sha256",
		}, {
			"a delivery with an Ed25519 key", "POST", "http://127.0.0.1:9002/inbox",
			"(request-target) host date digest",
			"(request-target): post /inbox\nhost: 127.0.0.1:9002\ndate: " + date + "\ndigest: " + digest,
			keys().ed25519, "hs2019",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest(test.method, test.url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Digest", "SHA-256=stale")
			if err := Sign(req, []byte(body), test.key, now); err != nil {
				t.Fatal(err)
			}
			checkByHand(t, req, test)
			if got := req.Header.Get("Date"); got != date {
				t.Errorf("Date: %s", got)
			}
			want := digest
			if test.method == "GET" {
				want = ""
			}
			if got := req.Header.Get("Digest"); got != want {
				t.Errorf("Digest: %q, want %q", got, want)
			}
		})
	}
}

func TestSignRefusesAKeyThatCannotBeNamed(t *testing.T) {
	req := httptest.NewRequest("GET", "https://noordkade.example/", nil)
	for _, key := range []Key{{}, {ID: bramRSA}, {ID: "a\"b", Private: keys().rsa.Private},
		{ID: "a\r\nb", Private: keys().rsa.Private}} {
		if err := Sign(req, nil, key, now); err == nil || req.Header.Get("Signature") != "" {
			t.Errorf("%q was used", key.ID)
		}
	}
}

func TestManySignAtOnceAndAllAreVerifiedOverTheWire(t *testing.T) {
	inbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if _, err := Verify(r, body, overkant, now, Keys{Find: known}); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer inbox.Close()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			key := []Key{keys().rsa, keys().ed25519}[i%2]
			req, _ := http.NewRequest("POST", inbox.URL+"/ap/inbox?a=%2F&b", bytes.NewReader(reply))
			req.Host = "overkant.example"
			if err := Sign(req, reply, key, now); err != nil {
				t.Error(err)
				return
			}
			resp, err := inbox.Client().Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusAccepted {
				t.Errorf("%s: %s", resp.Status, text)
			}
		})
	}
	all.Wait()
}

func BenchmarkSign(b *testing.B) {
	for _, key := range []Key{keys().rsa, keys().ed25519} {
		b.Run(strings.TrimPrefix(key.ID, "https://veerhuis.example/users/bram#"), func(b *testing.B) {
			req := httptest.NewRequest("POST", "https://noordkade.example/inbox", nil)
			b.ReportAllocs()
			for b.Loop() {
				if err := Sign(req, reply, key, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	cavage := hand{}.sign(b, post("/ap/inbox"))
	rfc9421 := sign9421(b, post("/ap/inbox"), hand9421{})
	for name, req := range map[string]*http.Request{"cavage": cavage, "rfc9421": rfc9421} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Verify(req.WithContext(context.Background()), reply, overkant, now,
					Keys{Find: known}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
