package activity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
)

const spki = "-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\\n-----END " +
	"PUBLIC KEY-----\\n"

// profileOf returns a valid profile of Bram with further members. A member that is repeated does not replace the
// first, so members must differ.
func profileOf(members string) string {
	return `{"id":"` + bram + `","type":"Person","inbox":"` + bram + `/inbox",` + members + `"x":1}`
}

func TestAProfileIsReadWithAllThatWeKeepOfIt(t *testing.T) {
	text := strings.ReplaceAll(spki, `\n`, "\n")
	want := blog.Actor{ID: bram, Type: "Person", Handle: "bram@veerhuis.example", Name: "Bram: ferryman",
		Summary: "Rows.\n\nC: no",
		Icon:    "https://cdn.example/bram.png", URL: "https://veerhuis.example/@bram", Host: "veerhuis.example",
		Inbox:       bram + "/inbox",
		SharedInbox: "https://veerhuis.example/inbox", FollowersURL: bram + "/followers",
		MovedTo:     "https://dijla.example/users/bram",
		AlsoKnownAs: blog.Strings{"https://dijla.example/users/b"},
		Keys:        []blog.ActorKey{{ActorID: bram, KeyID: bram + "#main-key", PEM: text}}}
	got, err := ParseActor(read(t,
		profileOf(`"preferredUsername":"bram","name":"Bram: ferryman","summary":"<p>Rows.</p><p>C: no</p>",
		"icon":{"type":"Image","url":"https://cdn.example/bram.png"},"url":"https://veerhuis.example/@bram",
		"endpoints":{"sharedInbox":"https://veerhuis.example/inbox"},"followers":"`+bram+`/followers",
		"movedTo":"https://dijla.example/users/bram","alsoKnownAs":"https://dijla.example/users/b",
		"publicKey":{"id":"`+bram+`#main-key","owner":"`+bram+`","publicKeyPem":"`+spki+`"},`)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOddProfilesAreReadWithCare(t *testing.T) {
	key := func(id, owner string) string {
		return `{"id":"` + id + `","owner":"` + owner + `","publicKeyPem":"` + spki + `"}`
	}
	for _, test := range []struct {
		name, members string
		got           func(blog.Actor) any
		want          any
	}{
		{"no username", ``, func(a blog.Actor) any { return a.Handle }, "veerhuis.example"},
		{"a username that is a path", `"preferredUsername":"../../etc/passwd",`, func(a blog.Actor) any { return a.Handle },
			"veerhuis.example"},
		{"a username with a host in it", `"preferredUsername":"ilse@overkant.example",`,
			func(a blog.Actor) any { return a.Handle }, "veerhuis.example"},
		{"a username of a hundred letters", `"preferredUsername":"` + strings.Repeat("é", 100) + `",`,
			func(a blog.Actor) any { return a.Handle }, strings.Repeat("é", 100) + "@veerhuis.example"},
		{"a username that is too long", `"preferredUsername":"` + strings.Repeat("é", 101) + `",`,
			func(a blog.Actor) any { return a.Handle }, "veerhuis.example"},
		{"a username in another script", `"preferredUsername":"دنيز",`, func(a blog.Actor) any { return a.Handle },
			"دنيز@veerhuis.example"},
		{"a name that turns the page round", `"name":"a\u202eb\nc",`, func(a blog.Actor) any { return a.Name }, "ab c"},
		{"a name with markup stays a text", `"name":"<b>Bram</b>",`, func(a blog.Actor) any { return a.Name }, "<b>Bram</b>"},
		{"a name of 300 runes", `"name":"` + strings.Repeat("é", 300) + `",`, func(a blog.Actor) any { return a.Name },
			strings.Repeat("é", 200)},
		{"a life story", `"summary":"` + strings.Repeat("é", 3000) + `",`, func(a blog.Actor) any { return len(a.Summary) },
			2048},
		{"a script in the life story", `"summary":"<script>x</script><p>y</p>",`, func(a blog.Actor) any { return a.Summary },
			"y"},
		{"a picture of data", `"icon":{"url":"data:image/png;base64,x"},`, func(a blog.Actor) any { return a.Icon }, ""},
		{"a picture in a list", `"icon":[{"type":"Image","url":"https://veerhuis.example/a.png"}],`,
			func(a blog.Actor) any { return a.Icon }, "https://veerhuis.example/a.png"},
		{"a page elsewhere", `"url":"https://overkant.example/@ilse",`, func(a blog.Actor) any { return a.URL }, bram},
		{"a shared inbox elsewhere", `"endpoints":{"sharedInbox":"https://overkant.example/inbox"},`,
			func(a blog.Actor) any { return a.SharedInbox }, ""},
		{"a shared inbox next door", `"endpoints":{"sharedInbox":"https://in.veerhuis.example/inbox"},`,
			func(a blog.Actor) any { return a.SharedInbox }, "https://in.veerhuis.example/inbox"},
		{"somebody else's followers", `"followers":"` + ilse + `/followers",`,
			func(a blog.Actor) any { return a.FollowersURL }, ""},
		{"a key on another host", `"publicKey":` + key(ilse+"#main-key", bram) + `,`,
			func(a blog.Actor) any { return len(a.Keys) }, 0},
		{"a key of another owner", `"publicKey":` + key(bram+"#main-key", "https://veerhuis.example/users/kade") + `,`,
			func(a blog.Actor) any { return len(a.Keys) }, 0},
		{"five keys", `"publicKey":[` + key(bram+"#1", bram) + "," + key(bram+"#2", bram) + "," + key(bram+"#3", bram) + "," +
			key(bram+"#4", bram) + "," + key(bram+"#5", bram) + `],`,
			func(a blog.Actor) any { return len(a.Keys) }, 4},
		{"a key that is none", `"publicKey":{"id":"` + bram + `#k","owner":"` + bram + `","publicKeyPem":"x"},`,
			func(a blog.Actor) any { return len(a.Keys) }, 0},
		{"a key by address", `"publicKey":"` + bram + `#k","assertionMethod":"` + bram + `#l",`,
			func(a blog.Actor) any { return len(a.Keys) }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := ParseActor(read(t, profileOf(test.members)))
			if err != nil {
				t.Fatal(err)
			}
			if got := test.got(a); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestWhatIsNoActorIsRefused(t *testing.T) {
	for name, body := range map[string]string{
		"a note":                    `{"id":"` + bram + `","type":"Note","inbox":"` + bram + `/inbox"}`,
		"no id":                     `{"type":"Person","inbox":"` + bram + `/inbox"}`,
		"no inbox":                  `{"id":"` + bram + `","type":"Person"}`,
		"an inbox at another's":     `{"id":"` + bram + `","type":"Person","inbox":"https://overkant.example/ap/inbox"}`,
		"an inbox that is a script": `{"id":"` + bram + `","type":"Person","inbox":"javascript:x"}`,
	} {
		if a, err := ParseActor(read(t, body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestTheAddressOfAKeyMayAnswerInFourWays(t *testing.T) {
	pemText, keyID := strings.ReplaceAll(spki, `\n`, "\n"), bram+"/main-key"
	listed := `"publicKey":{"id":"` + keyID + `","owner":"` + bram + `","publicKeyPem":"` + spki + `"}`
	multibase := "z" + base58Text(t, append([]byte(ed25519Prefix), decoded(t, pemText)...))
	for _, test := range []struct {
		name, body string
		whole      bool
	}{
		{"a whole profile", `{"id":"` + bram + `","type":"Person","inbox":"` + bram + `/inbox","outbox":"` + bram +
			`/outbox",` + listed + `}`, true},
		{"a stub with an inbox", `{"id":"` + bram + `","type":"Person","preferredUsername":"bram","inbox":"` + bram +
			`/inbox",` + listed + `}`, false},
		{"a stub without", `{"id":"` + bram + `","type":"Person","preferredUsername":"bram",` + listed + `}`, false},
		{"the key alone", `{"id":"` + keyID + `","owner":"` + bram + `","publicKeyPem":"` + spki + `"}`, false},
		{"a Multikey", `{"id":"` + keyID + `","type":"Multikey","controller":"` + bram + `","publicKeyMultibase":"` +
			multibase + `"}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, actor, err := ParseKey(read(t, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if want := (Key{keyID, bram, pemText}); key != want {
				t.Errorf("got %+v, want %+v", key, want)
			}
			if (actor != nil) != test.whole {
				t.Errorf("actor %+v", actor)
			}
		})
	}
}

func TestKeysThatProveNothingAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"a note":                      reply,
		"a key of nobody":             `{"id":"` + bram + `#k","publicKeyPem":"` + spki + `"}`,
		"a key of somebody elsewhere": `{"id":"` + bram + `#k","owner":"` + ilse + `","publicKeyPem":"` + spki + `"}`,
		"two owners": `{"id":"` + bram + `#k","owner":"` + bram + `","controller":"` + ilse +
			`","publicKeyPem":"` + spki + `"}`,
		"a Multikey of nonsense": `{"id":"` + bram + `#k","controller":"` + bram + `","publicKeyMultibase":"z0OIl"}`,
		"a Multikey of another kind": `{"id":"` + bram + `#k","controller":"` + bram +
			`","publicKeyMultibase":"zQmWvQxTqbG2Z9HPJgG57jjwR154cKhbtJenbyYTWkjgF3e"}`,
	} {
		if key, _, err := ParseKey(read(t, body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, key, err)
		}
	}
}

func TestMultikeysOfBothKindsBecomePEM(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		bytes []byte
		key   any
	}{
		"Ed25519": {append([]byte(ed25519Prefix), public...), public},
		"RSA":     {append([]byte(rsaPrefix), x509.MarshalPKCS1PublicKey(&private.PublicKey)...), &private.PublicKey},
	} {
		der, err := x509.MarshalPKIXPublicKey(test.key)
		if err != nil {
			t.Fatal(err)
		}
		want := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		if got := multikeyPEM("z" + base58Text(t, test.bytes)); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	// The key of the test case of FEP-521a.
	if multikeyPEM("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2") == "" {
		t.Error("the example of FEP-521a is not read")
	}
}

// decoded is the raw Ed25519 key of a PEM.
func decoded(t *testing.T, text string) []byte {
	block, _ := pem.Decode([]byte(text))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(ed25519.PublicKey)
}

// base58Text writes base58btc, the other way round from what the package does.
func base58Text(t *testing.T, data []byte) string {
	number, rest := new(big.Int).SetBytes(data), new(big.Int)
	var digits string
	for number.Sign() > 0 {
		number.DivMod(number, big.NewInt(58), rest)
		digits = string(base58Digits[rest.Int64()]) + digits
	}
	return digits
}
