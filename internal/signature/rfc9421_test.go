package signature

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/remitly-oss/httpsig-go"
)

// hand9421 signs by hand after RFC 9421, section 2.5, with Go's primitives alone.
type hand9421 struct {
	hand
	base       string    // "": https://overkant.example
	components string    // "": those that Mastodon covers
	created    time.Time // zero: now
	params     string    // in place of created, keyid and alg
	alg        string    // "": none is written
	more       string    // further parameters
}

const mastodonComponents = `"@method" "@target-uri" "content-digest"`

func contentDigest() string {
	sum := sha256.Sum256(reply)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func sign9421(t testing.TB, req *http.Request, h hand9421) *http.Request {
	t.Helper()
	if h.components == "" {
		h.components = mastodonComponents
	}
	if h.keyID == "" {
		h.keyID = bramRSA
	}
	if h.created.IsZero() {
		h.created = now
	}
	if h.params == "" {
		h.params = fmt.Sprintf(`;created=%d;keyid="%s"`, h.created.Unix(), h.keyID)
	}
	if h.alg != "" {
		h.params += `;alg="` + h.alg + `"`
	}
	input := "(" + h.components + ")" + h.params + h.more
	if req.Header.Get("Content-Digest") == "" {
		req.Header.Set("Content-Digest", contentDigest())
	}
	req.Header.Set("Signature-Input", "sig1="+input)
	signed := base64.StdEncoding.EncodeToString(h.bytes(t, h.base9421(req)+`"@signature-params": `+input))
	req.Header.Set("Signature", "sig1=:"+signed+":")
	return req
}

func (h hand9421) base9421(req *http.Request) string {
	base := h.base
	if base == "" {
		base = "https://overkant.example"
	}
	scheme, host, _ := strings.Cut(base, "://")
	path, query, _ := strings.Cut(req.RequestURI, "?")
	var text strings.Builder
	for _, component := range strings.Fields(h.components) {
		name, _, _ := strings.Cut(component, ";")
		values := map[string]string{
			`"@method"`: req.Method, `"@target-uri"`: base + req.RequestURI, `"@authority"`: host, `"@scheme"`: scheme,
			`"@request-target"`: req.RequestURI, `"@path"`: path, `"@query"`: "?" + query, `"host"`: req.Host,
		}
		value, ok := values[name]
		if !ok {
			value = req.Header.Get(strings.Trim(name, `"`))
		}
		text.WriteString(component + ": " + value + "\n")
	}
	return text.String()
}

func TestRFC9421(t *testing.T) {
	sum512 := sha512.Sum512(reply)
	right512 := "sha-512=:" + base64.StdEncoding.EncodeToString(sum512[:]) + ":"
	wrong := "sha-256=:" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":"
	ed := hand{key: keys().ed25519.Private, keyID: bramEd25519}
	created := ";created=" + unix(0)
	keyid := `;keyid="` + bramRSA + `"`
	replace := func(name, old, by string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, strings.Replace(r.Header.Get(name), old, by, 1)) }
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}

	for _, test := range []struct {
		name   string
		target string
		before func(*http.Request)
		hand   hand9421
		after  func(*http.Request)
		want   error
	}{
		{name: "a delivery by the book is believed"},
		{name: "the algorithm may be named", hand: hand9421{alg: "rsa-v1_5-sha256"}},
		{name: "Ed25519 is believed", hand: hand9421{hand: ed}},
		{name: "Ed25519 may be named", hand: hand9421{hand: ed, alg: "ed25519"}},
		{name: "Ed25519 cannot be named RSA", hand: hand9421{hand: ed, alg: "rsa-v1_5-sha256"}, want: ErrMismatch},
		{name: "RSA cannot be named Ed25519", hand: hand9421{alg: "ed25519"}, want: ErrMismatch},
		{name: "an HMAC is refused", hand: hand9421{alg: "hmac-sha256"}, want: ErrRefused},
		{name: "an algorithm of our own making is refused", hand: hand9421{alg: "none"}, want: ErrRefused},
		{name: "RSA with SHA-512 does not match", hand: hand9421{hand: hand{sha512: true}}, want: ErrMismatch},
		{name: "another's key under his name does not match", hand: hand9421{hand: hand{key: keys().kade.Private}},
			want: ErrMismatch},
		{name: "a nonce and a tag are part of what is signed", hand: hand9421{more: `;nonce="x";tag="fediverse"`}},

		{name: "what Fedify covers is enough",
			hand: hand9421{components: `"@method" "@target-uri" "@authority" "host" "date" "content-digest"`}},
		{name: "authority, path and query are enough", target: "/ap/inbox?a=1",
			hand: hand9421{components: `"@method" "@authority" "@path" "@query" "content-digest"`}},
		{name: "authority and request target are enough", target: "/ap/inbox?a=1",
			hand: hand9421{components: `"@method" "@authority" "@request-target" "content-digest"`}},
		{name: "an empty query may be covered",
			hand: hand9421{components: `"@method" "@authority" "@scheme" "@path" "@query" "content-digest"`}},
		{name: "host and path are enough", hand: hand9421{components: `"@method" "host" "@path" "content-digest"`}},
		{name: "a path without its query is not", target: "/ap/inbox?a=1",
			hand: hand9421{components: `"@method" "host" "@path" "content-digest"`}, want: ErrRefused},
		{name: "a path without host is not", hand: hand9421{components: `"@method" "@path" "content-digest"`},
			want: ErrRefused},
		{name: "a host without path is not", hand: hand9421{components: `"@method" "@authority" "content-digest"`},
			want: ErrRefused},
		{name: "a method left uncovered is refused", hand: hand9421{components: `"@target-uri" "content-digest"`},
			want: ErrRefused},
		{name: "a digest left uncovered is refused", hand: hand9421{components: `"@method" "@target-uri"`}, want: ErrRefused},
		{name: "the old digest does not stand in for the new", hand: hand9421{components: `"@method" "@target-uri" "digest"`},
			want: ErrRefused},
		{name: "a component covered twice is refused", hand: hand9421{components: mastodonComponents + ` "@method"`},
			want: ErrRefused},
		{name: "an unknown derived component is refused", hand: hand9421{components: mastodonComponents + ` "@nope"`},
			want: ErrRefused},
		{name: "the status of an answer is refused", hand: hand9421{components: mastodonComponents + ` "@status"`},
			want: ErrRefused},
		{name: "a missing header is refused", hand: hand9421{components: mastodonComponents + ` "x-nope"`}, want: ErrRefused},
		{name: "a header in capitals is refused", hand: hand9421{components: mastodonComponents + ` "Date"`},
			want: ErrRefused},
		{name: "a part of a component is refused", hand: hand9421{components: mastodonComponents + ` "date";sf`},
			want: ErrRefused},
		{name: "a component that is no name is malformed", hand: hand9421{components: mastodonComponents + ` 5`},
			want: ErrMalformed},
		{name: "a covered header that is repeated is refused", hand: hand9421{components: mastodonComponents + ` "date"`},
			after: func(r *http.Request) { r.Header.Add("Date", date(0)) }, want: ErrRefused},

		{name: "SHA-512 alone is read", before: header("Content-Digest", right512)},
		{name: "both digests right is right", before: header("Content-Digest", contentDigest()+", "+right512)},
		{name: "one right and one wrong is wrong", before: header("Content-Digest", contentDigest()+", sha-512=:AAAA:"),
			want: ErrRefused},
		{name: "a digest given twice is refused", before: header("Content-Digest", wrong+", "+contentDigest()),
			want: ErrRefused},
		{name: "a wrong digest is refused", before: header("Content-Digest", wrong), want: ErrRefused},
		{name: "MD5 alone is refused", before: header("Content-Digest", "md5=:AAAA:"), want: ErrRefused},
		{name: "a digest of another shape is refused", before: header("Content-Digest", "sha-256=(1 2)"), want: ErrRefused},
		{name: "a digest in the old form is malformed", before: header("Content-Digest", "SHA-256=AAAA"), want: ErrMalformed},
		{name: "two Content-Digest headers are refused",
			after: func(r *http.Request) { r.Header.Add("Content-Digest", contentDigest()) }, want: ErrRefused},

		{name: "created 12 hours ago is recent", hand: hand9421{created: now.Add(-12 * time.Hour)}},
		{name: "created before that is not", hand: hand9421{created: now.Add(-12*time.Hour - second)}, want: ErrRefused},
		{name: "created an hour ahead is a bad clock", hand: hand9421{created: now.Add(time.Hour)}},
		{name: "created later than that is refused", hand: hand9421{created: now.Add(time.Hour + second)}, want: ErrRefused},
		{name: "created left out is refused", hand: hand9421{params: keyid}, want: ErrRefused},
		{name: "created as a text is refused", hand: hand9421{params: `;created="` + unix(0) + `"` + keyid},
			want: ErrRefused},
		{name: "expiring now is in time", hand: hand9421{more: ";expires=" + unix(0)}},
		{name: "expired a second ago is too late", hand: hand9421{more: ";expires=" + unix(-second)}, want: ErrRefused},
		{name: "expires as a text is refused", hand: hand9421{more: `;expires="never"`}, want: ErrRefused},
		{name: "no key id is refused", hand: hand9421{params: created}, want: ErrRefused},
		{name: "a key id that is a token is refused", hand: hand9421{params: created + ";keyid=bram"}, want: ErrRefused},
		{name: "a parameter given twice is refused", hand: hand9421{more: keyid}, want: ErrRefused},
		{name: "created given twice is refused", hand: hand9421{params: ";created=1" + created + keyid}, want: ErrRefused},

		{name: "a delivery to another server does not match", hand: hand9421{base: "https://noordkade.example"},
			want: ErrMismatch},
		{name: "a delivery to the address behind the proxy does not match", hand: hand9421{base: "http://overkant.example"},
			want: ErrMismatch},
		{name: "another host than ours is refused", before: func(r *http.Request) { r.Host = "noordkade.example" },
			want: ErrRefused},
		{name: "our host in capitals is ours", before: func(r *http.Request) { r.Host = "OVERKANT.example:443" }},

		{name: "blanks between components are allowed", after: replace("Signature-Input", " ", "  ")},
		{name: "another label is as good", after: func(r *http.Request) {
			replace("Signature-Input", "sig1", "x")(r)
			replace("Signature", "sig1", "x")(r)
		}},
		{name: "two labels that differ are refused", after: replace("Signature", "sig1", "sig2"), want: ErrRefused},
		{name: "two signatures are refused", after: func(r *http.Request) {
			for _, name := range []string{"Signature", "Signature-Input"} {
				value := r.Header.Get(name)
				r.Header.Set(name, value+", "+strings.Replace(value, "sig1", "sig2", 1))
			}
		}, want: ErrRefused},
		{name: "a second one by a key without an address is left out",
			after: withProxy(`proxy=("@authority");keyid="poqkLG"`)},
		{name: "a second one without a key is left out", after: withProxy(`proxy=("@authority")`)},
		{name: "a second one that is no list is left out", after: withProxy(`proxy=5`)},
		{name: "two by keys with an address are refused", after: withProxy(`proxy=();keyid="https://proxy.example/key"`),
			want: ErrRefused},
		{name: "one label given twice is refused", after: func(r *http.Request) {
			r.Header.Set("Signature-Input", `sig1=("date");created=1;keyid="x", `+r.Header.Get("Signature-Input"))
		}, want: ErrRefused},
		{name: "two Signature headers are refused", after: func(r *http.Request) { r.Header.Add("Signature", "sig1=:AAAA:") },
			want: ErrRefused},
		{name: "a second Signature-Input header is read with the first",
			after: func(r *http.Request) { r.Header.Add("Signature-Input", "sig2=()") }},
		{name: "two Signature-Input headers with one label are refused",
			after: func(r *http.Request) { r.Header.Add("Signature-Input", "sig1=()") }, want: ErrRefused},
		{name: "a second Signature-Input header of another form is refused",
			after: func(r *http.Request) { r.Header.Add("Signature-Input", "trust me!") }, want: ErrRefused},
		{name: "no Signature is malformed", after: func(r *http.Request) { r.Header.Del("Signature") }, want: ErrMalformed},
		{name: "a Signature that is not base64 is malformed", after: header("Signature", "sig1=:!!!:"), want: ErrMalformed},
		{name: "a Signature that is a text is malformed", after: header("Signature", `sig1="AAAA"`), want: ErrMalformed},
		{name: "a Signature of the other dialect is malformed", after: header("Signature", `keyId="x",signature="AAAA"`),
			want: ErrMalformed},
		{name: "an empty Signature does not match", after: header("Signature", `sig1=::`), want: ErrMismatch},
		{name: "an empty Signature-Input is refused", after: header("Signature-Input", ""), want: ErrRefused},
		{name: "a Signature-Input that is no list is malformed", after: header("Signature-Input", "sig1=5"),
			want: ErrMalformed},
		{name: "words are malformed", after: header("Signature-Input", "trust me!"), want: ErrMalformed},
		{name: "8 KiB and a byte are malformed",
			after: header("Signature-Input", "sig1=("+strings.Repeat(" ", 8<<10+1-7)+")"), want: ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.target == "" {
				test.target = "/ap/inbox"
			}
			req := post(test.target)
			if test.before != nil {
				test.before(req)
			}
			sign9421(t, req, test.hand)
			if test.after != nil {
				test.after(req)
			}
			_, err := Verify(req, reply, overkant, now, Keys{Find: known})
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if !errors.Is(test.want, ErrMismatch) && errors.Is(err, ErrMismatch) {
				t.Errorf("blamed on the key: %v", err)
			}
		})
	}
}

// The other program makes @target-uri from the connection and not from the address,
// so it is left out here; the hand above covers it.
func TestAnotherProgramsRFC9421IsRead(t *testing.T) {
	for _, test := range []struct {
		name      string
		key       Key
		algorithm httpsig.Algorithm
		fields    []string
	}{
		{"RSA", keys().rsa, httpsig.Algo_RSA_v1_5_sha256,
			[]string{"@method", "@authority", "@path", "@query", "content-digest"}},
		{"Ed25519", keys().ed25519, httpsig.Algo_ED25519,
			[]string{"@method", "@authority", "@path", "@query", "content-digest", "content-type"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest("POST", "https://overkant.example/ap/inbox?a=1", bytes.NewReader(reply))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/activity+json")
			profile := httpsig.SigningProfile{
				Algorithm: test.algorithm,
				Fields:    httpsig.Fields(test.fields...),
				Metadata:  []httpsig.Metadata{httpsig.MetaCreated, httpsig.MetaKeyID, httpsig.MetaAlgorithm, httpsig.MetaExpires},
			}
			if err := httpsig.Sign(req, profile, httpsig.SigningKey{Key: test.key.Private, MetaKeyID: test.key.ID}); err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(req.Body)
			if err != nil {
				t.Fatal(err)
			}
			req.RequestURI = req.URL.RequestURI() // as a server would have it
			signed, err := Verify(req, body, overkant, time.Now(), Keys{Find: known})
			if err != nil || signed.KeyID != test.key.ID || signed.Scheme != RFC9421 {
				t.Errorf("got %v, %v", signed, err)
			}
		})
	}
}

// withProxy adds a second signature behind the first.
func withProxy(input string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Signature-Input", r.Header.Get("Signature-Input")+", "+input)
		r.Header.Set("Signature", r.Header.Get("Signature")+", proxy=:AAAA:")
	}
}

func TestTheCallerChoosesAmongSeveralSignatures(t *testing.T) {
	for choice, want := range map[int]error{-1: ErrRefused, 0: nil, 1: ErrRefused} {
		req := sign9421(t, post("/ap/inbox"), hand9421{})
		withProxy(`x=();keyid="poqkLG", proxy=();keyid="https://proxy.example/key"`)(req)
		var asked []string
		_, err := Verify(req, reply, overkant, now,
			Keys{Find: known, Choose: func(ids []string) int { asked = ids; return choice }})
		if !errors.Is(err, want) || want == nil && err != nil || len(asked) != 2 || asked[1] != "https://proxy.example/key" {
			t.Errorf("%d of %v: %v, want %v", choice, asked, err, want)
		}
	}
}
