package signature

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func unix(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }

func digestOf(name string, sum []byte) string {
	return name + "=" + base64.StdEncoding.EncodeToString(sum)
}

func date(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }

const second = time.Second

func TestCavage(t *testing.T) {
	sum256 := sha256.Sum256(reply)
	sum512 := sha512.Sum512(reply)
	right256 := digestOf("SHA-256", sum256[:])
	right512 := digestOf("SHA-512", sum512[:])
	wrong := digestOf("SHA-256", make([]byte, 32))
	hs := hand{algorithm: "hs2019", headers: "(request-target) (created) host digest", created: unix(0)}
	with := func(h hand, change func(*hand)) hand { change(&h); return h }

	for _, test := range []struct {
		name   string
		target string              // "": the shared inbox
		before func(*http.Request) // the request, before it is signed
		hand   hand
		after  func(*http.Request) // what an enemy did to it since
		want   error
	}{
		{name: "a delivery by the book is believed"},
		{name: "an algorithm left out follows from the key", hand: hand{algorithm: "-"}},
		{name: "hs2019 with RSA may mean SHA-256", hand: hand{algorithm: "hs2019"}},
		{name: "hs2019 with RSA may mean SHA-512", hand: hand{algorithm: "hs2019", sha512: true}},
		{name: "rsa-sha256 cannot mean SHA-512", hand: hand{sha512: true}, want: ErrMismatch},
		{name: "rsa-sha512 is an older name for it", hand: hand{algorithm: "rsa-sha512", sha512: true}},
		{name: "an algorithm may be written in capitals", hand: hand{algorithm: "RSA-SHA256"}},
		{name: "hs2019 with Ed25519 is native",
			hand: hand{algorithm: "hs2019", key: keys().ed25519.Private, keyID: bramEd25519}},
		{name: "an algorithm left out may be Ed25519",
			hand: hand{algorithm: "-", key: keys().ed25519.Private, keyID: bramEd25519}},
		{name: "ed25519 is an older name for it",
			hand: hand{algorithm: "ed25519-sha512", key: keys().ed25519.Private, keyID: bramEd25519}},
		{name: "rsa-sha256 cannot mean Ed25519", hand: hand{key: keys().ed25519.Private, keyID: bramEd25519},
			want: ErrMismatch},
		{name: "algorithm none is refused", hand: hand{algorithm: "none"}, want: ErrRefused},
		{name: "an HMAC is refused", hand: hand{algorithm: "hmac-sha256"}, want: ErrRefused},
		{name: "rsa-sha1 is refused", hand: hand{algorithm: "rsa-sha1"}, want: ErrRefused},
		{name: "another's key under his name does not match", hand: hand{key: keys().kade.Private}, want: ErrMismatch},

		{name: "a header more may be covered",
			hand:   hand{headers: "(request-target) host date digest content-type user-agent"},
			before: func(r *http.Request) { r.Header.Set("User-Agent", "Veerhuis/4.6") }},
		{name: "names in capitals are the same names", hand: hand{headers: "(request-target) Host Date Digest"}},
		{name: "a digest left uncovered is refused", hand: hand{headers: "(request-target) host date"}, want: ErrRefused},
		{name: "a host left uncovered is refused", hand: hand{headers: "(request-target) date digest"}, want: ErrRefused},
		{name: "a target left uncovered is refused", hand: hand{headers: "host date digest"}, want: ErrRefused},
		{name: "a time left uncovered is refused", hand: hand{headers: "(request-target) host digest"}, want: ErrRefused},
		{name: "the default list is the date alone and is refused", hand: hand{headers: "-"}, want: ErrRefused},
		{name: "an empty list is refused", hand: hand{headers: "-"}, want: ErrRefused,
			after: func(r *http.Request) { r.Header.Set("Signature", r.Header.Get("Signature")+`,headers=""`) }},
		{name: "a covered header that is missing is refused", hand: hand{headers: "(request-target) host date digest x-nope"},
			want: ErrRefused},
		{name: "a name covered twice is refused", hand: hand{headers: "(request-target) host date digest date"},
			want: ErrRefused},
		{name: "two blanks between names are refused", hand: hand{headers: "(request-target)  host date digest"},
			want: ErrRefused},
		{name: "an unknown name in brackets is refused", hand: hand{headers: "(request-target) host date digest (nope)"},
			want: ErrRefused},

		{name: "a body other than the signed one is refused", want: ErrRefused,
			before: func(r *http.Request) { r.Header.Set("Digest", wrong) }},
		{name: "a digest named in small letters is read",
			before: func(r *http.Request) { r.Header.Set("Digest", "sha-256"+right256[7:]) }},
		{name: "a list of digests is read", before: func(r *http.Request) {
			r.Header.Set("Digest",
				"unixsum=30637, "+right256)
		}},
		{name: "both digests right is right", before: func(r *http.Request) {
			r.Header.Set("Digest",
				right256+","+right512)
		}},
		{name: "one right and one wrong digest is wrong", want: ErrRefused,
			before: func(r *http.Request) { r.Header.Set("Digest", right256+", SHA-512=AAAA") }},
		{name: "a digest repeated in the list is refused", want: ErrRefused,
			before: func(r *http.Request) { r.Header.Set("Digest", right256+","+right256) }},
		{name: "SHA-512 alone is read", before: func(r *http.Request) { r.Header.Set("Digest", right512) }},
		{name: "SHA-512 among unknown ones is refused", want: ErrRefused,
			before: func(r *http.Request) { r.Header.Set("Digest", right512+",md5=AAAA") }},
		{name: "MD5 alone is refused", want: ErrRefused,
			before: func(r *http.Request) { r.Header.Set("Digest", "MD5=AAAA") }},
		{name: "a digest that is not base64 is refused", want: ErrRefused,
			before: func(r *http.Request) { r.Header.Set("Digest", "SHA-256=%%%") }},
		{name: "two Digest headers are refused", want: ErrRefused,
			after: func(r *http.Request) { r.Header.Add("Digest", wrong) }},
		{name: "two Date headers are refused", want: ErrRefused,
			after: func(r *http.Request) { r.Header.Add("Date", date(0)) }},

		{name: "12 hours ago is recent", before: func(r *http.Request) { r.Header.Set("Date", date(-12*time.Hour)) }},
		{name: "12 hours and a second ago is not",
			before: func(r *http.Request) { r.Header.Set("Date", date(-12*time.Hour-second)) }, want: ErrRefused},
		{name: "an hour ahead is a bad clock", before: func(r *http.Request) { r.Header.Set("Date", date(time.Hour)) }},
		{name: "an hour and a second ahead is not",
			before: func(r *http.Request) { r.Header.Set("Date", date(time.Hour+second)) }, want: ErrRefused},
		{name: "a date that is none is refused", before: func(r *http.Request) { r.Header.Set("Date", "yesterday") },
			want: ErrRefused},
		{name: "another date than the signed one does not match",
			after: func(r *http.Request) { r.Header.Set("Date", date(second)) }, want: ErrMismatch},

		{name: "created in place of date is believed", hand: hs},
		{name: "created in place of date wants hs2019", hand: with(hs, func(h *hand) { h.algorithm = "rsa-sha256" }),
			want: ErrRefused},
		{name: "created in place of date wants hs2019 by name", hand: with(hs, func(h *hand) { h.algorithm = "-" }),
			want: ErrRefused},
		{name: "created 12 hours ago is recent", hand: with(hs, func(h *hand) { h.created = unix(-12 * time.Hour) })},
		{name: "created before that is not", hand: with(hs, func(h *hand) { h.created = unix(-12*time.Hour - second) }),
			want: ErrRefused},
		{name: "created an hour ahead is a bad clock", hand: with(hs, func(h *hand) { h.created = unix(time.Hour) })},
		{name: "created later than that is refused", hand: with(hs, func(h *hand) { h.created = unix(time.Hour + second) }),
			want: ErrRefused},
		{name: "created covered but not written is refused", hand: with(hs, func(h *hand) { h.created = "" }),
			want: ErrRefused},
		{name: "created that is no number is refused", hand: with(hs, func(h *hand) { h.created = "noon" }),
			want: ErrRefused},
		{name: "created beyond all years is refused", hand: with(hs, func(h *hand) { h.created = "9223372036854775807" }),
			want: ErrRefused},
		{name: "created in the future spoils even a signed date", hand: hand{created: unix(2 * time.Hour)}, want: ErrRefused},
		{name: "expiring now is in time", hand: with(hs, func(h *hand) { h.headers += " (expires)"; h.expires = unix(0) })},
		{name: "expired a second ago is too late",
			hand: with(hs, func(h *hand) { h.headers += " (expires)"; h.expires = unix(-second) }), want: ErrRefused},
		{name: "expired is too late even when unsigned", hand: hand{expires: unix(-second)}, want: ErrRefused},

		{name: "another host than ours is refused", before: func(r *http.Request) { r.Host = "noordkade.example" },
			want: ErrRefused},
		{name: "a host of which ours is a prefix is refused",
			before: func(r *http.Request) { r.Host = "overkant.example.zilverduin.example" }, want: ErrRefused},
		{name: "our host with the usual port is ours", before: func(r *http.Request) { r.Host = "overkant.example:443" }},
		{name: "our host with another port is refused", before: func(r *http.Request) { r.Host = "overkant.example:8080" },
			want: ErrRefused},
		{name: "our host in capitals is ours", before: func(r *http.Request) { r.Host = "Overkant.Example" }},
		{name: "a delivery to another server, sent on to us, does not match",
			before: func(r *http.Request) { r.Host = "noordkade.example" },
			after:  func(r *http.Request) { r.Host = "overkant.example" }, want: ErrMismatch},
		{name: "no forwarding header makes a host ours", before: func(r *http.Request) { r.Host = "noordkade.example" },
			want: ErrRefused,
			after: func(r *http.Request) {
				r.Header.Set("X-Forwarded-Host", "overkant.example")
				r.Header.Set("Forwarded", "host=overkant.example;proto=https")
			}},

		{name: "a query is signed with the path", target: "/ap/inbox?a=1&b=%2F"},
		{name: "a query left out of what is sent does not match", target: "/ap/inbox?a=1",
			hand: hand{target: "post /ap/inbox"}, want: ErrMismatch},
		{name: "another query than the signed one does not match", target: "/ap/inbox?a=1",
			hand: hand{target: "post /ap/inbox?a=2"}, want: ErrMismatch},
		{name: "another path than the signed one does not match", hand: hand{target: "post /ap/actors/01JA/inbox"},
			want: ErrMismatch},
		{name: "another method than the signed one does not match", hand: hand{target: "put /ap/inbox"}, want: ErrMismatch},
		{name: "a path is compared as it was sent", target: "/ap/inbox/%C3%A9"},
		{name: "the same path written otherwise does not match", target: "/ap/inbox/%C3%A9",
			hand: hand{target: "post /ap/inbox/é"}, want: ErrMismatch},

		{name: "two Signature headers are refused", want: ErrRefused,
			after: func(r *http.Request) { r.Header.Add("Signature", r.Header.Get("Signature")) }},
		{name: "Authorization serves as well", after: func(r *http.Request) {
			r.Header.Set("Authorization", "Signature "+r.Header.Get("Signature"))
			r.Header.Del("Signature")
		}},
		{name: "both at once are refused", want: ErrRefused,
			after: func(r *http.Request) { r.Header.Set("Authorization", "signature "+r.Header.Get("Signature")) }},
		{name: "another kind of Authorization is not ours to judge",
			after: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }},
		{name: "no signature at all is unsigned", after: func(r *http.Request) { r.Header.Del("Signature") },
			want: ErrUnsigned},
		{name: "only another kind of Authorization is unsigned", want: ErrUnsigned, after: func(r *http.Request) {
			r.Header.Del("Signature")
			r.Header.Set("Authorization", "Bearer x")
		}},
		{name: "a key id that is no address is refused", hand: hand{keyID: "bram@veerhuis.example"}, want: ErrRefused},
		{name: "a key id with a user is refused", hand: hand{keyID: "https://bram@veerhuis.example/key"}, want: ErrRefused},
		{name: "a key id of another scheme is refused", hand: hand{keyID: "file:///etc/passwd"}, want: ErrRefused},
		{name: "a key id without host is refused", hand: hand{keyID: "https:///key"}, want: ErrRefused},
		{name: "a key id of 2,049 bytes is refused",
			hand: hand{keyID: "https://veerhuis.example/" + strings.Repeat("k", 2049-25)}, want: ErrRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.target == "" {
				test.target = "/ap/inbox"
			}
			req := post(test.target)
			if test.before != nil {
				test.before(req)
			}
			test.hand.sign(t, req)
			if test.after != nil {
				test.after(req)
			}
			signed, err := Verify(req, reply, overkant, now, Keys{Find: known})
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err != nil && signed != (Signed{}) {
				t.Errorf("an answer %v beside the error", signed)
			}
			if !errors.Is(test.want, ErrMismatch) && errors.Is(err, ErrMismatch) {
				t.Errorf("blamed on the key: %v", err)
			}
		})
	}
}

func TestCavageHeadersAsTheyAreWritten(t *testing.T) {
	good := hand{}.value(t, post("/ap/inbox"))
	for _, test := range []struct {
		name, value string
		want        error
	}{
		{"blanks after the commas are allowed", strings.ReplaceAll(good, `",`, `", `), nil},
		{"blanks around everything are allowed", " " + strings.ReplaceAll(good, `",`, "\"\t , ") + " ", nil},
		{"unknown parameters are passed over", good + `,opaque="x"`, nil},
		{"a key id given twice is refused", good + `,keyId="https://zilverduin.example/key"`, ErrRefused},
		{"a key id given twice in other letters is refused", good + `,KEYID="https://zilverduin.example/key"`, ErrRefused},
		{"an unknown parameter given twice is refused", good + `,x="1",x="1"`, ErrRefused},
		{"two signatures in one header are refused", good + "," + good, ErrRefused},
		{"a value that is not base64 is refused", regexpSignature(good, "!!!"), ErrRefused},
		{"an empty value is refused", regexpSignature(good, ""), ErrRefused},
		{"a shortened value does not match", regexpSignature(good, "AAAA"), ErrMismatch},
		{"a missing value is refused", good[:strings.LastIndex(good, ",")], ErrRefused},
		{"no key id is refused", `signature="AAAA"`, ErrRefused},
		{"nothing is malformed", "", ErrMalformed},
		{"words are malformed", "trust me", ErrMalformed},
		{"an open quotation is malformed", good + `,x="`, ErrMalformed},
		{"a comma at the end is malformed", good + ",", ErrMalformed},
		{"no comma is malformed", strings.Replace(good, `",`, `" `, 1), ErrMalformed},
		{"a backslash is malformed", good + `,x="a\"b"`, ErrMalformed},
		{"8 KiB and a byte are malformed", good + `,x="` + strings.Repeat("x", 8<<10+1-len(good)-5) + `"`, ErrMalformed},
		{"8 KiB are not", good + `,x="` + strings.Repeat("x", 8<<10-len(good)-5) + `"`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := post("/ap/inbox")
			req.Header.Set("Signature", test.value)
			_, err := Verify(req, reply, overkant, now, Keys{Find: known})
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, test.want)
			}
		})
	}
}

// regexpSignature replaces the signature in a header by other text.
func regexpSignature(header, value string) string {
	return header[:strings.LastIndex(header, `signature="`)] + `signature="` + value + `"`
}

func TestAnHMACWithThePublicKeyAsSecretIsRefused(t *testing.T) {
	public, err := keys().rsa.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []string{"hmac-sha256", "hs2019", "rsa-sha256"} {
		req := post("/ap/inbox")
		h := hand{algorithm: algorithm}
		mac := hmac.New(sha256.New, []byte(public))
		mac.Write([]byte(h.text(req)))
		req.Header.Set("Signature", regexpSignature(h.value(t, req), base64.StdEncoding.EncodeToString(mac.Sum(nil))))
		if _, err := Verify(req, reply, overkant, now, Keys{Find: known}); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", algorithm, err)
		}
	}
}

func TestAGetNeedsNoDigestButMayHaveOne(t *testing.T) {
	empty := sha256.Sum256(nil)
	for _, test := range []struct {
		name, digest, headers string
		want                  error
	}{
		{"without digest", "", "(request-target) host date", nil},
		{"with the digest of nothing", digestOf("SHA-256", empty[:]), "(request-target) host date digest", nil},
		{"with the digest of something", digestOf("SHA-256", make([]byte, 32)), "(request-target) host date digest",
			ErrRefused},
	} {
		req := post("/ap/actors/01JA/followers?cursor=1")
		req.Method, req.Body = "GET", http.NoBody
		req.Header.Set("Digest", test.digest)
		hand{headers: test.headers}.sign(t, req)
		_, err := Verify(req, nil, overkant, now, Keys{Find: known})
		if !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

func TestVerifyReturnsKeyAndTime(t *testing.T) {
	at := now.Add(-3 * time.Minute)
	req := post("/ap/inbox")
	req.Header.Set("Date", at.Format(http.TimeFormat))
	cavage, err := Verify(hand{}.sign(t, req), reply, overkant, now, Keys{Find: known})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Signed{KeyID: bramRSA, Scheme: Cavage, At: at}, cavage); diff != "" {
		t.Error(diff)
	}
	rfc9421, err := Verify(sign9421(t, post("/ap/inbox"), hand9421{created: at}), reply, overkant, now,
		Keys{Find: known})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Signed{KeyID: bramRSA, Scheme: RFC9421, At: at}, rfc9421); diff != "" {
		t.Error(diff)
	}
}

func TestAnErrorOfFindIsNoRefusal(t *testing.T) {
	trouble := errors.New("no answer within 10 seconds")
	_, err := Verify(hand{}.sign(t, post("/ap/inbox")), reply, overkant, now,
		Keys{Find: func(context.Context, string) (crypto.PublicKey, error) { return nil, trouble }})
	if !errors.Is(err, trouble) {
		t.Errorf("got %v, want the trouble itself", err)
	}
	for _, own := range []error{ErrUnsigned, ErrMalformed, ErrRefused} {
		if errors.Is(err, own) {
			t.Errorf("the trouble passes for %v", own)
		}
	}
}

func TestAKeyIsLookedUpOnlyWhenAllElseHolds(t *testing.T) {
	asked := func(context.Context, string) (crypto.PublicKey, error) {
		return nil, errors.New("asked")
	}
	for name, req := range map[string]*http.Request{
		"an old date":       hand{created: unix(-13 * time.Hour)}.sign(t, post("/ap/inbox")),
		"no digest":         hand{headers: "(request-target) host date"}.sign(t, post("/ap/inbox")),
		"an unknown header": hand{headers: "(request-target) host date digest x-nope"}.sign(t, post("/ap/inbox")),
		"a user in the id":  hand{keyID: "http://user@10.0.0.1/"}.sign(t, post("/ap/inbox")),
		"an old creation":   sign9421(t, post("/ap/inbox"), hand9421{created: now.Add(-13 * time.Hour)}),
	} {
		if _, err := Verify(req, reply, overkant, now, Keys{Find: asked}); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAWeakKeyProvesNothing(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skipf("this build makes no weak keys: %v", err)
	}
	req := hand{key: weak}.sign(t, post("/ap/inbox"))
	for _, key := range []crypto.PublicKey{&weak.PublicKey, nil, (*rsa.PublicKey)(nil), "a key", weak} {
		_, err := Verify(req, reply, overkant, now,
			Keys{Find: func(context.Context, string) (crypto.PublicKey, error) { return key, nil }})
		if !errors.Is(err, ErrRefused) || errors.Is(err, ErrMismatch) {
			t.Errorf("%T: got %v", key, err)
		}
	}
}

func TestEachOfOurAddressesIsOurs(t *testing.T) {
	bases := []*url.URL{{Scheme: "https", Host: "overkant.example"}, {Scheme: "http", Host: "127.0.0.1:8080"}}
	for host, want := range map[string]error{"overkant.example": nil, "127.0.0.1:8080": nil, "127.0.0.1": ErrRefused} {
		req := post("/ap/inbox")
		req.Host = host
		if _, err := Verify(hand{}.sign(t, req), reply, bases, now, Keys{Find: known}); !errors.Is(err, want) ||
			want == nil && err != nil {
			t.Errorf("cavage, %s: got %v, want %v", host, err, want)
		}
		req = sign9421(t, post("/ap/inbox"), hand9421{base: "http://127.0.0.1:8080"})
		req.Host = host
		if host == "overkant.example" {
			want = ErrMismatch
		}
		if _, err := Verify(req, reply, bases, now, Keys{Find: known}); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("rfc 9421, %s: got %v, want %v", host, err, want)
		}
	}
}

func TestARequestInAbsoluteFormIsCheckedByItsPath(t *testing.T) {
	req := hand{target: "post /ap/inbox?a=1"}.sign(t, post("/ap/inbox?a=1"))
	req.RequestURI = "https://overkant.example/ap/inbox?a=1"
	if _, err := Verify(req, reply, overkant, now, Keys{Find: known}); err != nil {
		t.Error(err)
	}
}

func TestASignatureIsReadUpToItsLimits(t *testing.T) {
	verify := func(h hand, more int) error {
		req := h.sign(t, post("/ap/inbox"))
		if more > 0 { // blanks after a comma mean nothing
			value := req.Header.Get("Signature")
			req.Header.Set("Signature", strings.Replace(value, `",`, `",`+strings.Repeat(" ", more-len(value)), 1))
		}
		_, err := Verify(req, reply, overkant, now, Keys{Find: func(context.Context, string) (crypto.PublicKey, error) {
			return keys().rsa.Private.Public(), nil
		}})
		return err
	}
	if err := verify(hand{}, maxHeader); err != nil {
		t.Errorf("a header of %d bytes: %v", maxHeader, err)
	}
	if err := verify(hand{}, maxHeader+1); !errors.Is(err, ErrMalformed) {
		t.Errorf("a header of %d bytes: %v", maxHeader+1, err)
	}
	long := bramRSA + strings.Repeat("x", maxKeyID-len(bramRSA))
	if err := verify(hand{keyID: long}, 0); err != nil {
		t.Errorf("a key id of %d bytes: %v", len(long), err)
	}
	if err := verify(hand{keyID: long + "x"}, 0); !errors.Is(err, ErrRefused) {
		t.Errorf("a key id of %d bytes: %v", len(long)+1, err)
	}
	for expires, want := range map[string]error{strconv.Itoa(maxUnix): nil, strconv.Itoa(maxUnix + 1): ErrRefused} {
		h := hand{algorithm: "hs2019", headers: "(request-target) (created) (expires) host digest", created: unix(0),
			expires: expires}
		if err := verify(h, 0); !errors.Is(err, want) {
			t.Errorf("expires %s: %v, want %v", expires, err, want)
		}
	}
}

func FuzzSignatureHeader(f *testing.F) {
	f.Add(hand{}.value(f, post("/ap/inbox")))
	f.Add(`keyId="a",headers="(request-target) host date digest (created)",algorithm=hs2019,created=1,signature="AAAA"`)
	f.Add(`a=b , c="d"`)
	f.Add(`a="`)
	f.Fuzz(func(t *testing.T, header string) {
		params, err := parseParams(header)
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrRefused) {
			t.Errorf("an error without a name: %v", err)
		}
		if err == nil {
			var written []string
			for name, value := range params {
				written = append(written, fmt.Sprintf(`%s="%s"`, name, value))
			}
			again, err := parseParams(strings.Join(written, ","))
			if err != nil && !errors.Is(err, ErrMalformed) || err == nil && !cmp.Equal(params, again) {
				t.Errorf("%q reads as %v and then as %v (%v)", header, params, again, err)
			}
		}
		req := post("/ap/inbox?a")
		req.Header.Set("Signature", header)
		Verify(req, reply, overkant, now, Keys{Find: known})
	})
}

func FuzzSignatureInput(f *testing.F) {
	good := sign9421(f, post("/ap/inbox"), hand9421{})
	f.Add(good.Header.Get("Signature-Input"), good.Header.Get("Signature"), good.Header.Get("Content-Digest"))
	f.Add(`a=("@method" "@target-uri";req);created=1;keyid=:AA==:`, `a=:AAAA:`, `sha-256=(1 2)`)
	f.Add(`a=1`, `a=?1`, `sha-512=:AA==:`)
	f.Fuzz(func(t *testing.T, input, value, digest string) {
		req := post("/ap/inbox?a")
		req.Header.Set("Signature-Input", input)
		req.Header.Set("Signature", value)
		req.Header.Set("Content-Digest", digest)
		_, err := Verify(req, reply, overkant, now, Keys{Find: func(context.Context, string) (crypto.PublicKey, error) {
			return keys().kade.Private.Public(), nil
		}})
		if err == nil {
			t.Error("somebody else's key was taken for the signer's")
		}
	})
}

func FuzzDigest(f *testing.F) {
	sum := sha256.Sum256(reply)
	f.Add(digestOf("SHA-256", sum[:]))
	f.Add("sha-512=, sha-256=")
	other := sha256.Sum256([]byte("another body"))
	f.Add(digestOf("sha-256", other[:]) + "," + digestOf("SHA-256", sum[:]))
	f.Fuzz(func(t *testing.T, header string) {
		another := []byte("another body")
		sum, long := sha256.Sum256(another), sha512.Sum512(another)
		fits := func(item string) bool {
			_, value, _ := strings.Cut(item, "=")
			raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
			return err == nil && (bytes.Equal(raw, sum[:]) || bytes.Equal(raw, long[:]))
		}
		if err := checkDigest(header, another); err == nil && !slices.ContainsFunc(strings.Split(header, ","), fits) {
			t.Errorf("%q proves a body that it does not fit", header)
		}
	})
}
