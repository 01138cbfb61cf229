package activity

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
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
		"recipients": {maxRecipients, func(n int) int { return len(note(`"to":` + list(n, address)).To) }},
		"mentions": {maxTags, func(n int) int {
			return len(note(`"tag":` + list(n, func(i int) string {
				return `{"type":"Mention","href":` + address(i) + `}`
			})).Mentions)
		}},
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
			return len(note(`"content":"` + text.String() + `"`).LinksTo("https://overkant.example"))
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
	for name, c := range map[string]struct {
		most int
		keep func(text string) string
	}{"a description": {maxAlt, attached}, "a report": {maxReport, reported}} {
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
