package activity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"causerie/internal/blog"
)

// list returns the members of a JSON array.
func list(n int, member func(i int) string) string {
	members := make([]string, n)
	for i := range members {
		members[i] = member(i)
	}
	return "[" + strings.Join(members, ",") + "]"
}

func TestADocumentIsReadUpToItsLimitsAndRefusedBeyond(t *testing.T) {
	for name, c := range map[string]struct {
		most int
		make func(n int) string
	}{
		"levels": {maxDepth, func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }},
		"names": {maxKeys, func(n int) string {
			members := list(n, func(i int) string { return fmt.Sprintf(`"n%d":1`, i) })
			return "{" + members[1:len(members)-1] + "}"
		}},
		"items": {maxItems, func(n int) string { return `{"a":` + list(n, func(int) string { return "1" }) + "}" }},
		"bytes": {maxString, func(n int) string { return `{"a":"` + strings.Repeat("x", n) + `"}` }},
	} {
		if _, err := Read([]byte(c.make(c.most))); err != nil {
			t.Errorf("%d %s: %v", c.most, name, err)
		}
		if _, err := Read([]byte(c.make(c.most + 1))); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d %s: %v, want a refusal", c.most+1, name, err)
		}
	}
}

func TestOfAListOnlyTheFirstItemsAreRead(t *testing.T) {
	address := func(i int) string { return fmt.Sprintf(`"https://veerhuis.example/%d"`, i) }
	note := func(members string) Object {
		o, err := ParseObject(read(t, `{"id":"https://veerhuis.example/n/1","type":"Question","attributedTo":"`+bram+`",`+
			members+`}`))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	actor := func(members string) (keys, aliases int) {
		a, err := ParseActor(read(t, `{"id":"`+bram+`","type":"Person","inbox":"`+bram+`/inbox","preferredUsername":"bram",`+
			members+`}`))
		if err != nil {
			t.Fatal(err)
		}
		return len(a.Keys), len(a.AlsoKnownAs)
	}
	key := func(i int) string {
		return fmt.Sprintf(`{"id":"%s#k%d","owner":"%s","publicKeyPem":"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC `+
			`KEY-----"}`, bram, i, bram)
	}
	for name, c := range map[string]struct {
		most int
		read func(n int) int
	}{
		"attachments": {maxAttachments, func(n int) int {
			return len(note(`"attachment":` + list(n, func(i int) string {
				return `{"type":"Image","url":` + address(i) + `}`
			})).Attachments)
		}},
		"options": {maxOptions, func(n int) int {
			return len(note(`"oneOf":` + list(n, func(i int) string {
				return fmt.Sprintf(`{"type":"Note","name":"%d"}`, i)
			})).Options)
		}},
		"links": {maxLinks, func(n int) int {
			var text strings.Builder
			for i := range n {
				fmt.Fprintf(&text, `<a href='https://overkant.example/%d'>x</a>`, i)
			}
			return len(note(`"content":"` + text.String() + `"`).LinksTo(blog.Site{URL: "https://overkant.example"}))
		}},
		"aliases": {maxAliases, func(n int) int { _, aliases := actor(`"alsoKnownAs":` + list(n, address)); return aliases }},
		"keys":    {maxKeysRead, func(n int) int { keys, _ := actor(`"publicKey":` + list(n, key)); return keys }},
	} {
		if got := c.read(c.most); got != c.most {
			t.Errorf("of %d %s %d are read", c.most, name, got)
		}
		if got := c.read(c.most + 1); got != c.most {
			t.Errorf("of %d %s %d are read, want %d", c.most+1, name, got, c.most)
		}
	}
}

func TestOfATextOnlyTheBeginningIsKept(t *testing.T) {
	const two = "é" // two bytes: a cut must not fall into it
	attached := func(text string) string {
		o, err := ParseObject(read(t, `{"id":"https://veerhuis.example/n/1","type":"Note","attachment":{"type":"Image",`+
			`"url":"https://veerhuis.example/1","name":"`+text+`"}}`))
		if err != nil || len(o.Attachments) != 1 {
			t.Fatalf("%+v, %v", o, err)
		}
		return o.Attachments[0].Alt
	}
	reported := func(text string) string {
		a, err := Parse(read(t, byBram("Flag", `"object":["`+bridge+`"],"content":"`+text+`"`)))
		if err != nil {
			t.Fatal(err)
		}
		return a.Act.(Flag).Content
	}
	option := func(text string) string {
		o, err := ParseObject(read(t, `{"id":"https://veerhuis.example/n/1","type":"Question","oneOf":[{"type":"Note",`+
			`"name":"`+text+`"}]}`))
		if err != nil || len(o.Options) != 1 {
			t.Fatalf("%+v, %v", o, err)
		}
		return o.Options[0]
	}
	for name, c := range map[string]struct {
		most int
		keep func(text string) string
	}{"a description": {maxAlt, attached}, "a report": {maxReport, reported}, "an option": {maxOption, option}} {
		if got := utf8.RuneCountInString(c.keep(strings.Repeat(two, c.most))); got != c.most {
			t.Errorf("of %s of %d runes %d are kept", name, c.most, got)
		}
		got := c.keep(strings.Repeat(two, c.most+1))
		if n := utf8.RuneCountInString(got); n > c.most+1 || !utf8.ValidString(got) || got == strings.Repeat(two, c.most+1) {
			t.Errorf("of %s of %d runes %d are kept, want %d", name, c.most+1, n, c.most)
		}
	}
	long := "https://veerhuis.example/" + strings.Repeat("x", maxAddress-len("https://veerhuis.example/"))
	if !isAddress(long) || isAddress(long+"x") {
		t.Errorf("an address of %d bytes is %v, one byte more %v", len(long), isAddress(long), isAddress(long+"x"))
	}
}

func TestOfAnActorNoMoreIsReadThanItsLimits(t *testing.T) {
	actor := func(members string) blog.Actor {
		a, err := ParseActor(read(t, `{"id":"`+bram+`","type":"Person","inbox":"`+bram+`/inbox",`+members+`}`))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	summary := func(n int) int { return len(actor(`"summary":"<p>` + strings.Repeat("x", n) + `</p>"`).Summary) }
	if at, over := summary(maxBio), summary(maxBio+1); at != maxBio || over != maxBio {
		t.Errorf("of a profile of %d bytes %d are kept, of one more %d", maxBio, at, over)
	}
	// An é is cut as a whole.
	if got := actor(`"summary":"x` + strings.Repeat("é", maxBio) + `"`).Summary; len(got) != maxBio-1 ||
		!utf8.ValidString(got) {
		t.Errorf("of a long profile %d bytes are kept", len(got))
	}
	named := func(n int) bool {
		return actor(`"preferredUsername":"`+strings.Repeat("é", n)+`"`).Handle != "veerhuis.example"
	}
	if !named(mostUsername) || named(mostUsername+1) {
		t.Errorf("a user name of %d characters is %v, one more %v", mostUsername, named(mostUsername), named(mostUsername+1))
	}
}

func TestACountIsBelievedUpToABillion(t *testing.T) {
	votes := func(claimed string) int {
		o, err := ParseObject(read(t, `{"id":"https://veerhuis.example/n/1","type":"Question","oneOf":[{"type":"Note",`+
			`"name":"Yes","replies":{"type":"Collection","totalItems":`+claimed+`}}]}`))
		if err != nil || len(o.Votes) != 1 {
			t.Fatalf("%+v, %v", o, err)
		}
		return o.Votes[0]
	}
	for claimed, want := range map[string]int{"999999999": 999_999_999, "1000000000": maxCount, "1000000001": maxCount,
		"1e300": maxCount, "-1": 0} {
		if got := votes(claimed); got != want {
			t.Errorf("of %s votes %d are believed, want %d", claimed, got, want)
		}
	}
}

func TestAKeyIsReadUpToItsLimits(t *testing.T) {
	written := func(n int) string {
		text := "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
		return text + strings.Repeat(" ", n-len(text))
	}
	pem := func(n int) bool { return publicPEM(map[string]any{"publicKeyPem": written(n)}) != "" }
	if !pem(maxKeyText) || pem(maxKeyText+1) {
		t.Errorf("a PEM text of %d bytes is %v, one more %v", maxKeyText, pem(maxKeyText), pem(maxKeyText+1))
	}
	multikey := func(bytes int) string { // of a modulus of so many bytes
		modulus := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(8*bytes)), big.NewInt(1))
		key := x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: modulus, E: 65537})
		return base58Of(append([]byte(rsaPrefix), key...))
	}
	n := 512 // 4096 bits
	if digits := multikey(n); len(digits) > maxMultikey || multikeyPEM("z"+digits) == "" {
		t.Errorf("the largest key that is used has %d digits, the limit is %d", len(digits), maxMultikey)
	}
	for len(multikey(n+1)) <= maxMultikey {
		n++
	}
	if at := multikey(n); multikeyPEM("z"+at) == "" {
		t.Errorf("a key of %d digits is not read", len(at))
	}
	if over := multikey(n + 1); multikeyPEM("z"+over) != "" {
		t.Errorf("a key of %d digits is read", len(over))
	}
}

func TestAProofIsReadUpToItsLimit(t *testing.T) {
	now := time.Now()
	proof := func(value string) error {
		_, err := checkProof(map[string]any{"type": proofType, "cryptosuite": proofSuite, "proofPurpose": proofPurpose,
			"created": now.Format(time.RFC3339), "proofValue": "z" + value}, now)
		return err
	}
	longest := base58Of(bytes.Repeat([]byte{0xff}, ed25519.SignatureSize))
	if len(longest) != maxProofValue || proof(longest) != nil {
		t.Errorf("the longest proof has %d digits: %v", len(longest), proof(longest))
	}
	if err := proof(longest + "1"); err == nil || !strings.Contains(err.Error(), "base58btc") {
		t.Errorf("one digit more: %v", err)
	}
}

func TestATimeIsReadUpToItsLimit(t *testing.T) {
	const short = "2026-11-23T07:00:00.Z"
	published := func(n int) any {
		at := strings.Replace(short, ".Z", "."+strings.Repeat("0", n-len(short))+"Z", 1)
		return shape(map[string]any{"type": "Note", "published": at}, "Object")["published"]
	}
	if published(maxTime) == nil || published(maxTime+1) != nil {
		t.Errorf("a time of %d bytes is %v, one more %v", maxTime, published(maxTime), published(maxTime+1))
	}
}

func TestANoteOfOursHasAtMostFourPictures(t *testing.T) {
	attached := func(n int) int {
		work := fourMinutes(blog.FullNote)
		work.Picture, work.Inline = nil, nil
		for i := range n {
			work.Inline = append(work.Inline, blog.Picture{ID: blog.ID(fmt.Sprintf("01KAV3R8XQZ6M2T4N5P7S%05d", i)),
				Type: "image/jpeg", Width: 10, Height: 10, Files: []blog.PictureFile{{File: fmt.Sprint(i, ".jpg"), Width: 10,
					Height: 10}}})
		}
		document, err := Post(work)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(document), `"type":"Image"`)
	}
	if at, over := attached(maxPictures), attached(maxPictures+1); at != maxPictures || over != maxPictures {
		t.Errorf("of %d pictures %d are attached, of one more %d", maxPictures, at, over)
	}
}

// An object that would be too large has its text once instead of twice.
func TestAnObjectOfOursIsAtMostAMegabyte(t *testing.T) {
	size := func(n int) (whole int, twice bool) {
		work := fourMinutes(blog.FullArticle)
		work.Article.HTML = "<p>" + strings.Repeat("x", n) + "</p>"
		document, err := Post(work)
		if err != nil {
			t.Fatal(err)
		}
		return len(document), strings.Contains(string(document), "contentMap")
	}
	small, twice := size(100_000)
	if !twice {
		t.Fatal("a small article has its text once")
	}
	n := 100_000 + (maxDocument-small)/2 // each letter is there twice
	for at, _ := size(n); at > maxDocument; at, _ = size(n) {
		n--
	}
	at, twice := size(n)
	over, again := size(n + 1)
	if at > maxDocument || at < maxDocument-2 || !twice || again || over > maxDocument {
		t.Errorf("%d bytes with the text twice (%v), one letter more %d bytes (twice: %v)", at, twice, over, again)
	}
}
