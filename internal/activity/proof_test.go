package activity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The test vector of FEP-8b32 (fep-8b32.feature), with the key pair of the W3C's EdDSA cryptosuites.
const (
	aliceKey    = "https://server.example/users/alice#ed25519-key"
	aliceSecret = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
	alicePublic = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
	aliceProof  = "z42ffGu6AUKPCFcFPiabmUvnGLPJzC7e4DGWC52NUasSSH37UMa9c58tdgVszUcZfytxa4fQ5TYHaJENCxUDe9SdL"
	aliceCreate = `{
		"@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"],
		"id": "https://server.example/activities/1", "type": "Create", "actor": "https://server.example/users/alice",
		"object": {
			"id": "https://server.example/objects/1", "type": "Note", "attributedTo": "https://server.example/users/alice",
			"content": "Hello world", "location": {"type": "Place", "longitude": -71.184902, "latitude": 25.273962}
		}
	}`
)

var aliceSpoke = time.Date(2023, 2, 24, 23, 36, 38, 0, time.UTC)

// alice is her private key, and her public one as it is written elsewhere.
func alice(t testing.TB) (ed25519.PrivateKey, ed25519.PublicKey) {
	secret, public := base58(aliceSecret[1:]), base58(alicePublic[1:])
	if !bytes.HasPrefix(secret, []byte("\x80\x26")) || !bytes.HasPrefix(public, []byte(ed25519Prefix)) {
		t.Fatal("the keys of the test vector are not read")
	}
	return ed25519.NewKeyFromSeed(secret[2:]), ed25519.PublicKey(public[2:])
}

// belongs is a finder that knows one key.
func belongs(keyID string, key ed25519.PublicKey) func(string) (ed25519.PublicKey, error) {
	return func(asked string) (ed25519.PublicKey, error) {
		if asked != keyID {
			return nil, fmt.Errorf("%s is not known", asked)
		}
		return key, nil
	}
}

func TestTheProofOfTheProposalIsMadeAndHolds(t *testing.T) {
	private, public := alice(t)
	if !private.Public().(ed25519.PublicKey).Equal(public) {
		t.Fatal("the keys of the test vector are no pair")
	}
	proven, err := AddProof([]byte(aliceCreate), private, aliceKey, aliceSpoke)
	if err != nil {
		t.Fatal(err)
	}
	d := read(t, string(proven))
	if got := d.root["proof"].(map[string]any)["proofValue"]; got != aliceProof {
		t.Errorf("the proof is %v, want %s", got, aliceProof)
	}
	keyID, err := VerifyProof(d, belongs(aliceKey, public), aliceSpoke.Add(time.Minute))
	if err != nil || keyID != aliceKey {
		t.Errorf("it was made by %q, %v", keyID, err)
	}
}

func TestOurOwnProofsHoldForAnIndependentReader(t *testing.T) {
	public := proofKey.Public().(ed25519.PublicKey)
	for name, document := range documents(t) {
		if !bytes.Contains(document, []byte(`"actor":"`+ilse)) || bytes.Contains(document, []byte(`"proof":`)) {
			continue // no activity of Ilse's
		}
		created := time.Date(2026, 11, 22, 22, 30, 0, 999, time.FixedZone("", 3600))
		proven, err := AddProof(document, proofKey, ilse+"#ed25519-key", created)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, _ := AddProof(document, proofKey, ilse+"#ed25519-key", edited22); !bytes.Equal(again, proven) {
			t.Errorf("%s: another proof in the same second", name)
		}
		if _, err := AddProof(proven, proofKey, ilse+"#ed25519-key", created); err == nil {
			t.Errorf("%s: two proofs", name)
		}
		if _, err := VerifyProof(read(t, string(proven)), belongs(ilse+"#ed25519-key", public), edited22); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !recomputed(t, proven, public) {
			t.Errorf("%s: the proof does not hold when it is computed in another way", name)
		}
	}
}

// recomputed checks a proof with nothing but the standard library, whose maps come out in the order of JCS where names
// are ASCII, and whose numbers are the same where they are short.
func recomputed(t *testing.T, document []byte, key ed25519.PublicKey) bool {
	var whole map[string]any
	if err := json.Unmarshal(document, &whole); err != nil {
		t.Fatal(err)
	}
	proof := whole["proof"].(map[string]any)
	value := proof["proofValue"].(string)
	delete(whole, "proof")
	delete(proof, "proofValue")
	if diff := cmp.Diff(whole["@context"], proof["@context"]); diff != "" {
		t.Errorf("the @context of the proof is another one:\n%s", diff)
	}
	sum := func(v any) []byte {
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(v); err != nil {
			t.Fatal(err)
		}
		hash := sha256.Sum256(bytes.TrimSpace(out.Bytes()))
		return hash[:]
	}
	return ed25519.Verify(key, append(sum(proof), sum(whole)...), base58(value[1:]))
}

func TestProofsGoUnderAContextThatKnowsThem(t *testing.T) {
	const as, terms = `"https://www.w3.org/ns/activitystreams"`, `"` + proofTerms + `"`
	for context, want := range map[string]string{
		as:                                   `[` + as + `,` + terms + `]`,
		`[` + as + `]`:                       `[` + as + `,` + terms + `]`,
		`[` + as + `,` + terms + `]`:         `[` + as + `,` + terms + `]`,
		`[` + as + `,{"a":"b"},{"c":"d"}]`:   `[` + as + `,` + terms + `,{"a":"b"},{"c":"d"}]`,
		`[` + as + `,"https://a.example/c"]`: `[` + as + `,"https://a.example/c",` + terms + `]`,
		`{"a":"b"}`:                          `[` + terms + `,{"a":"b"}]`,
	} {
		if got, err := contextWithProof([]byte(context)); err != nil || string(got) != want {
			t.Errorf("%s became %s, %v", context, got, err)
		}
	}
	for name, document := range map[string]string{"no @context": `{"id":"x"}`, "no object": `[]`,
		"no end": `{"@context":"x"`} {
		if proven, err := AddProof([]byte(document), proofKey, aliceKey, edited22); err == nil {
			t.Errorf("%s became %s", name, proven)
		}
	}
}

func TestProofsThatProveNothingAreRefused(t *testing.T) {
	private, public := alice(t)
	bytesOf, err := AddProof([]byte(aliceCreate), private, aliceKey, aliceSpoke)
	if err != nil {
		t.Fatal(err)
	}
	proven := string(bytesOf)
	value := `"proofValue":"` + aliceProof + `"`
	const ahead = -time.Hour - time.Second
	for _, test := range []struct {
		name, from, to string
		later          time.Duration
		holds          bool
	}{
		{name: "as it was made", holds: true},
		{name: "space is nothing", from: `,"proof":{`, to: " ,\n\"proof\" : {", holds: true},
		{name: "an RsaSignature2017 beside it", from: `,"proof":{`, to: `,"signature":{"type":"RsaSignature2017"},"proof":{`,
			holds: true},
		{name: "at the end of its time", later: proofPast, holds: true},
		{name: "beyond the end of its time", later: proofPast + time.Second},
		{name: "an hour before it was made", later: -time.Hour, holds: true},
		{name: "earlier than that", later: ahead},
		{name: "another text", from: `Hello world`, to: `Hello, world`},
		{name: "a member more", from: `,"proof":{`, to: `,"name":"x","proof":{`},
		{name: "a member more in the proof", from: `"proofPurpose"`, to: `"domain":"x","proofPurpose"`},
		{name: "another second", from: `23:36:38Z`, to: `23:36:39Z`},
		{name: "another writing of the second", from: `23:36:38Z`, to: `23:36:38.0Z`},
		{name: "another author", from: `"actor":"https://server.example/users/alice"`,
			to: `"actor":"https://server.example/users/bob"`},
		{name: "an author on another host", from: `"actor":"https://server.example/users/alice"`,
			to: `"actor":"https://veerhuis.example/users/bram"`},
		{name: "two authors", from: `"actor":"https://server.example/users/alice"`,
			to: `"actor":["https://server.example/users/alice","` + bram + `"]`},
		{name: "no proof", from: `"proof":`, to: `"prof":`},
		{name: "two proofs", from: `"proof":`, to: `"proof":[{},`},
		{name: "a proof that is a text", from: `"proof":{`, to: `"proof":"x","p":{`},
		{name: "another type", from: `DataIntegrityProof`, to: `Ed25519Signature2020`},
		{name: "another cryptosuite", from: `eddsa-jcs-2022`, to: `eddsa-rdfc-2022`},
		{name: "another purpose", from: `"assertionMethod"`, to: `"authentication"`},
		{name: "purposes in a list", from: `"assertionMethod"`, to: `["assertionMethod"]`},
		{name: "no second", from: `"created"`, to: `"made"`},
		{name: "a second in words", from: `2023-02-24T23:36:38Z`, to: `a Friday`},
		{name: "a day", from: `2023-02-24T23:36:38Z`, to: `2023-02-24`},
		{name: "an end that has come", from: `"created"`, to: `"expires":"2023-02-24T23:36:00Z","created"`},
		{name: "an end in words", from: `"created"`, to: `"expires":"soon","created"`},
		{name: "a key of no address", from: aliceKey, to: `did:key:` + alicePublic},
		{name: "a key on another host", from: `"verificationMethod":"https://server`,
			to: `"verificationMethod":"https://veerhuis`},
		{name: "a key on another port", from: `"verificationMethod":"https://server.example`,
			to: `"verificationMethod":"https://server.example:8443`},
		{name: "no value", from: value, to: `"v":1`},
		{name: "a value in base64", from: `"proofValue":"z`, to: `"proofValue":"u`},
		{name: "a value in capitals", from: `"proofValue":"z`, to: `"proofValue":"Z`},
		{name: "a value with a digit that is none", from: `"proofValue":"z4`, to: `"proofValue":"z0`},
		{name: "a value with space around it", from: value, to: `"proofValue":" ` + aliceProof + `"`},
		{name: "a value with zeros before it", from: `"proofValue":"z4`, to: `"proofValue":"z14`},
		{name: "a short value", from: value, to: `"proofValue":"z` + aliceProof[10:] + `"`},
		{name: "a value without an end", from: value, to: `"proofValue":"z` + strings.Repeat("2", 100000) + `"`},
		{name: "another @context in the proof", from: `"proof":{"@context":["https://www.w3.org/ns/activitystreams",`,
			to: `"proof":{"@context":[`},
		{name: "another @context all over", from: `data-integrity/v2"]`, to: `data-integrity/v2",{"actor":"as:object"}]`},
		{name: "a number that no other reader knows", from: `25.273962`, to: `25.273962,"x":1e999`},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := proven
			if test.from != "" {
				body = strings.Replace(proven, test.from, test.to, 1)
				if test.name == "two proofs" {
					body = body[:len(body)-1] + "]}"
				}
				if body == proven {
					t.Fatal("nothing was changed")
				}
			}
			keyID, err := VerifyProof(read(t, body), belongs(aliceKey, public), aliceSpoke.Add(test.later))
			if (err == nil) != test.holds || (keyID == aliceKey) != test.holds {
				t.Fatalf("%q, %v", keyID, err)
			}
			if err != nil && !errors.Is(err, ErrProof) {
				t.Errorf("the error is no ErrProof: %v", err)
			}
		})
	}
}

func TestAProofWithoutItsOwnContextHoldsUnderThatOfTheDocument(t *testing.T) {
	private, public := alice(t)
	proven, err := AddProof([]byte(aliceCreate), private, aliceKey, aliceSpoke)
	if err != nil {
		t.Fatal(err)
	}
	context := `"@context":["https://www.w3.org/ns/activitystreams", ` +
		`"https://w3id.org/security/data-integrity/v2"],"type":"DataI`
	body := strings.Replace(string(proven), context, `"type":"DataI`, 1)
	if body == string(proven) {
		t.Fatalf("nothing was changed: %s", proven)
	}
	if _, err := VerifyProof(read(t, body), belongs(aliceKey, public), aliceSpoke); err != nil {
		t.Errorf("as Fedify sends it: %v", err)
	}
	alone, err := proofDigest(members{quoted("type", proofType), quoted("cryptosuite", proofSuite),
		quoted("verificationMethod", aliceKey),
		quoted("proofPurpose", proofPurpose), quoted("created", "2023-02-24T23:36:38Z")}, mustMembers(t, aliceCreate))
	if err != nil {
		t.Fatal(err)
	}
	body = strings.Replace(body, aliceProof, "z"+base58Of(ed25519.Sign(private, alone)), 1)
	if _, err := VerifyProof(read(t, body), belongs(aliceKey, public), aliceSpoke); err != nil {
		t.Errorf("as earlier drafts of the proposal have it: %v", err)
	}
}

func mustMembers(t *testing.T, document string) members {
	list, err := membersOf([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAProofIsAskedForItsKeyOnlyWhenAllElseHolds(t *testing.T) {
	private, public := alice(t)
	proven, err := AddProof([]byte(aliceCreate), private, aliceKey, aliceSpoke)
	if err != nil {
		t.Fatal(err)
	}
	away, asked := errors.New("the host is away"), 0
	find := func(string) (ed25519.PublicKey, error) { asked++; return nil, away }
	if _, err := VerifyProof(read(t, string(proven)), find, aliceSpoke); !errors.Is(err, away) ||
		errors.Is(err, ErrProof) || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	if _, err := VerifyProof(read(t, string(proven)), find, aliceSpoke.AddDate(1, 0, 0)); !errors.Is(err, ErrProof) ||
		asked != 1 {
		t.Errorf("asked %d times for an old proof: %v", asked, err)
	}
	if _, err := VerifyProof(read(t, string(proven)), belongs(aliceKey, public[:31]), aliceSpoke); !errors.Is(err,
		ErrProof) {
		t.Errorf("half a key: %v", err)
	}
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyProof(read(t, string(proven)), belongs(aliceKey, other), aliceSpoke); !errors.Is(err, ErrProof) {
		t.Errorf("another key: %v", err)
	}
}

func TestBase58IsReadAsItIsWritten(t *testing.T) {
	for _, data := range []string{"", "\x00", "\x00\x00\x01", "a", "\xff\xff\xff", strings.Repeat("\xff", 64),
		strings.Repeat("\x00", 64), "Hello World!"} {
		written := base58Of([]byte(data))
		if got := base58(written); !bytes.Equal(got, []byte(data)) {
			t.Errorf("%q became %q and then %q", data, written, got)
		}
	}
	// The example of draft-msporny-base58.
	if got := base58Of([]byte("Hello World!")); got != "2NEpo7TZRRrLZSi2U" {
		t.Errorf("the example of the draft became %s", got)
	}
}

// signed is Alice's activity with a proof that she really made, whatever it says.
func signed(t *testing.T, document string, config members) string {
	private, _ := alice(t)
	list := mustMembers(t, document)
	digest, err := proofDigest(config, list)
	if err != nil {
		t.Fatal(err)
	}
	config = append(config, quoted("proofValue", "z"+base58Of(ed25519.Sign(private, digest))))
	return string(append(list, member{"proof", config.bytes()}).bytes())
}

func TestWellSignedProofsThatSayTheWrongThingAreRefused(t *testing.T) {
	_, public := alice(t)
	sound := members{{"@context", mustMembers(t, aliceCreate).get("@context")}, quoted("type", proofType),
		quoted("cryptosuite", proofSuite),
		quoted("verificationMethod", aliceKey), quoted("proofPurpose", proofPurpose),
		quoted("created", "2023-02-24T23:36:38Z")}
	const elsewhere = "https://veerhuis.example/users/alice#ed25519-key"
	byBram := strings.Replace(aliceCreate, `"actor": "https://server.example/users/alice"`, `"actor":"`+bram+`"`, 1)
	for _, test := range []struct {
		name, document string
		config         members
		holds          bool
	}{
		{"as it should be", aliceCreate, sound, true},
		{"with an end to come", aliceCreate, sound.with("expires", json.RawMessage(`"2023-02-25T00:00:00Z"`)), true},
		{"with an end that has come", aliceCreate, sound.with("expires", json.RawMessage(`"2023-02-24T23:36:37Z"`)), false},
		{"with an end in words", aliceCreate, sound.with("expires", json.RawMessage(`"soon"`)), false},
		{"under another @context", aliceCreate,
			sound.with("@context", json.RawMessage(`["https://www.w3.org/ns/activitystreams"]`)), false},
		{"under a longer @context", aliceCreate,
			sound.with("@context", json.RawMessage(`["https://www.w3.org/ns/activitystreams",`+
				`"https://w3id.org/security/data-integrity/v2",{}]`)), false},
		{"under no @context, of a document that has none",
			`{"id":"https://server.example/1","type":"Like","actor":"https://server.example/users/alice"}`,
			sound.without("@context"), true},
		{"under an @context, of a document that has none",
			`{"id":"https://server.example/1","type":"Like","actor":"https://server.example/users/alice"}`, sound, false},
		{"of another type", aliceCreate, sound.with("type", json.RawMessage(`"Proof"`)), false},
		{"in another suite", aliceCreate, sound.with("cryptosuite", json.RawMessage(`"eddsa-2022"`)), false},
		{"to another purpose", aliceCreate, sound.with("proofPurpose", json.RawMessage(`"authentication"`)), false},
		{"at no time", aliceCreate, sound.without("created"), false},
		{"a day before", aliceCreate, sound.with("created", json.RawMessage(`"2023-02-23T23:36:38Z"`)), false},
		{"a day after", aliceCreate, sound.with("created", json.RawMessage(`"2023-02-25T23:36:38Z"`)), false},
		{"with a key on another host", aliceCreate, sound.with("verificationMethod", json.RawMessage(`"`+elsewhere+`"`)),
			false},
		{"over the words of another host", byBram, sound, false},
		{"with two keys", aliceCreate, sound.with("verificationMethod", json.RawMessage(`["`+elsewhere+`","`+aliceKey+`"]`)),
			false},
	} {
		find := func(string) (ed25519.PublicKey, error) { return public, nil }
		_, err := VerifyProof(read(t, signed(t, test.document, test.config)), find, aliceSpoke)
		if (err == nil) != test.holds || err != nil && !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
