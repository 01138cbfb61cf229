package activity

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The tests here carry the numbers of the rows of internal/threats.md that this package can answer before anybody else
// sees the document.

// refused are bodies that must not get past Read and Parse.
func refused(t *testing.T, bodies map[string]string) {
	t.Helper()
	for name, body := range bodies {
		d, err := Read([]byte(body))
		if err == nil {
			_, err = Parse(d)
		}
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestT026NameTwiceIsRefusedAtEveryLevel(t *testing.T) {
	refused(t, map[string]string{
		"two actors": `{"type":"Like","actor":"` + bram + `","actor":"` + nadia + `","object":"` + bridge +
			`"}`,
		"the same twice": `{"type":"Like","type":"Like","actor":"` + bram + `","object":"` + bridge + `"}`,
		"one of them in disguise": `{"type":"Like","actor":"` + bram + `","\u0061ctor":"` + nadia + `","object":"` +
			bridge + `"}`,
		"in the object": byBram("Create",
			`"object":{"id":"https://veerhuis.example/n/1","type":"Note","attributedTo":"`+bram+`","attributedTo":"`+nadia+`"}`),
		"in a list in the context": `{"@context":[{"a":1,"a":2}],"type":"Like","actor":"` + bram + `","object":"` + bridge +
			`"}`,
		"in a tag that nobody asks": byBram("Like", `"object":"`+bridge+`","tag":[{"x":{"y":1,"y":2}}]`),
	})
}

func TestT027NamesInOtherCasesAreOtherNames(t *testing.T) {
	refused(t, map[string]string{
		"ACTOR":                   `{"type":"Like","ACTOR":"` + bram + `","object":"` + bridge + `"}`,
		"Actor":                   `{"type":"Like","Actor":"` + bram + `","object":"` + bridge + `"}`,
		"OBJECT":                  byBram("Like", `"OBJECT":"`+bridge+`"`),
		"Type":                    `{"Type":"Like","actor":"` + bram + `","object":"` + bridge + `"}`,
		"an id in another object": `{"type":"Like","actor":{"ID":"` + bram + `"},"object":"` + bridge + `"}`,
	})
	a, err := Parse(read(t, byBram("Like", `"ACTOR":"`+nadia+`","Object":"x","object":"`+bridge+`"`)))
	if diff := cmp.Diff(any(Like{Object: bridge}), a.Act); err != nil || a.Actor != bram || diff != "" {
		t.Errorf("by %s, %v (-want +got):\n%s", a.Actor, err, diff)
	}
}

func TestT028NothingHidesAroundTheOneValue(t *testing.T) {
	sound := byBram("Like", `"object":"`+bridge+`"`)
	utf16 := "\xfe\xff"
	for _, r := range sound {
		utf16 += "\x00" + string(r)
	}
	refused(t, map[string]string{"a second document": sound + "{}", "a second value": sound + " null",
		"a NUL": sound + "\x00", "a comma": sound + ",",
		"a byte order mark": "\ufeff" + sound, "UTF-16": utf16, "something before it": "x" + sound,
		"broken UTF-8": strings.Replace(sound, "veerhuis", "veerhu\xffis", 1)})
	if _, err := Read([]byte(" \r\n\t" + sound + "\n\n ")); err != nil {
		t.Errorf("space around it: %v", err)
	}
}

func TestT029ThereIsOneActivityAndOneActor(t *testing.T) {
	refused(t, map[string]string{
		"a list of activities": "[" + byBram("Like", `"object":"`+bridge+`"`) + "]",
		"two actors":           `{"type":"Like","actor":["` + nadia + `","` + bram + `"],"object":"` + bridge + `"}`,
		"two embedded actors": `{"type":"Like","actor":[{"id":"` + nadia + `"},{"id":"` + bram + `"}],"object":"` +
			bridge + `"}`,
		"an actor of two ids": `{"type":"Like","actor":{"id":["` + nadia + `","` + bram + `"]},"object":"` +
			bridge + `"}`,
		"an actor and a stranger":       `{"type":"Like","actor":["` + bram + `",null],"object":"` + bridge + `"}`,
		"no actor in a list":            `{"type":"Like","actor":[],"object":"` + bridge + `"}`,
		"an actor within another actor": `{"type":"Like","actor":{"actor":"` + bram + `"},"object":"` + bridge + `"}`,
	})
}

func TestT034AuthorIsTheOneWhomTheObjectNames(t *testing.T) {
	for name, author := range map[string]string{"an address": `"` + nadia + `"`,
		"embedded":         `{"id":"` + nadia + `","url":"` + bram + `"}`,
		"the first of two": `["` + nadia + `","` + nadia + `/group"]`} {
		a, err := Parse(read(t, byBram("Create",
			`"object":{"id":"https://noordkade.example/n/1","type":"Note","attributedTo":`+author+`,"actor":"`+bram+`"}`)))
		create, _ := a.Act.(Create)
		if err != nil || create.Object.AttributedTo != nadia || create.Object.ID != "https://noordkade.example/n/1" ||
			a.Actor != bram {
			t.Errorf("%s: %+v by %s, %v", name, create, a.Actor, err)
		}
	}
	// where nobody is named, it is of the actor of the Create (ActivityPub, section 6.2); a name that is no address is one
	for members, want := range map[string]string{``: bram, `,"attributedTo":[]`: bram, `,"attributedTo":"nobody"`: "",
		`,"attributedTo":["` + bram + `","` + nadia + `"]`: "", `,"actor":"` + nadia + `"`: nadia} {
		a, err := Parse(read(t, byBram("Create", `"object":{"id":"https://veerhuis.example/n/1","type":"Note"`+members+`}`)))
		if create, _ := a.Act.(Create); err != nil || create.Object.AttributedTo != want {
			t.Errorf("%s: %q, want %q, %v", members, create.Object.AttributedTo, want, err)
		}
	}
}

func TestT040NothingIsReadOfACopyInAnAnnounce(t *testing.T) {
	for name, object := range map[string]string{
		"a note": `{"type":"Note","id":"` + bridge + `","attributedTo":"` + ilse +
			`","content":"forged","object":"x"}`,
		"within a create": `{"type":"Create","id":"https://noordkade.example/a/1","actor":"` + nadia +
			`","object":{"type":"Note","id":"` + bridge + `","content":"forged"}}`,
		"within an update": `{"type":"Update","id":"https://noordkade.example/a/1","actor":"` + nadia +
			`","object":[{"type":"Note","id":"` + bridge + `","content":"forged"}]}`,
		"in a list":         `[{"type":"Note","id":"` + bridge + `","content":"forged"}]`,
		"beside an address": `["` + bridge + `",{"type":"Note","id":"https://noordkade.example/n/1","content":"forged"}]`,
	} {
		a, err := Parse(read(t, byBram("Announce", `"object":`+object)))
		act, is := a.Act.(Announce)
		if err != nil || !is || act.Object != bridge && act.InnerObject != bridge ||
			strings.Contains(fmt.Sprintf("%+v", a), "forged") {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestT041IDsComeThroughAsTheyWereSent(t *testing.T) {
	for _, id := range []string{"https://noordkade.example/a/1", "https://VEERHUIS.example/a/1",
		"https://veerhuis.example:443/a/1#x", "http://veerhuis.example/a/%7e"} {
		d := read(t, `{"id":"`+id+`","type":"Like","actor":"`+bram+`","object":"`+bridge+`"}`)
		if a, err := Parse(d); err != nil || a.ID != id || d.ID() != id {
			t.Errorf("%s became %s, %v", id, a.ID, err)
		}
	}
	refused(t, map[string]string{
		"two ids": `{"id":["` + bram + `","` + nadia + `"],"type":"Like","actor":"` + bram + `","object":"` +
			bridge + `"}`,
		"an id in an object": `{"id":{"id":"` + nadia + `"},"type":"Like","actor":"` + bram + `","object":"` + bridge + `"}`,
		"no address":         `{"id":"urn:uuid:1","type":"Like","actor":"` + bram + `","object":"` + bridge + `"}`,
	})
}

func TestT042ForeignObjectWithinANamelessParentIsNotReached(t *testing.T) {
	note := `{"type":"Note","id":"https://noordkade.example/n/1","attributedTo":"` + nadia +
		`","content":"forged","inReplyTo":"` + bridge + `"}`
	refused(t, map[string]string{
		"a create of a nameless note": byBram("Create",
			`"object":{"type":"Note","attributedTo":"`+bram+`","object":`+note+`}`),
		"a create of a nameless create": byBram("Create",
			`"object":{"type":"Create","actor":"`+bram+`","object":`+note+`}`),
		"a share of a nameless create": byBram("Announce",
			`"object":{"type":"Create","actor":"`+bram+`","object":`+note+`}`),
		"an update of a collection of it": byBram("Update", `"object":{"type":"Collection","items":[`+note+`]}`),
	})
	a, err := Parse(read(t, byBram("Create",
		`"object":{"id":"https://veerhuis.example/n/1","type":"Note","attributedTo":"`+bram+`","replies":{"items":[`+note+
			`]},"preview":`+note+`,"tag":[`+note+`]}`)))
	if err != nil || strings.Contains(fmt.Sprintf("%+v", a), "forged") {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestT052NoteIsNoActorWhateverItCarries(t *testing.T) {
	members := `"id":"https://veerhuis.example/n/1","attributedTo":"` + bram + `","inbox":"` + bram +
		`/inbox","preferredUsername":"bram","inReplyTo":"` + bridge + `"`
	for kinds, want := range map[string]string{`"Note"`: "Note", `"Person"`: "Person", `["Note","Person"]`: "Note",
		`["Person","Note"]`:          "Person",
		`["Zap","as:Note","Person"]`: "Note", `"note"`: "note"} {
		a, err := Parse(read(t, byBram("Update", `"object":{"type":`+kinds+`,`+members+`}`)))
		o := a.Act.(Update).Object
		if err != nil || o.Type != want || (o.Actor != nil) != (want == "Person") || o.IsPost() != (want == "Note") {
			t.Errorf("%s: %s, a post %v, an actor %v, %v", kinds, o.Type, o.IsPost(), o.Actor != nil, err)
		}
	}
}

func TestT055TimesOutOfReasonAreNoTimes(t *testing.T) {
	for said, want := range map[string]time.Time{
		`"2999-01-01T00:00:00Z"`:              time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC),
		`"1970-01-01T00:00:00Z"`:              time.Unix(0, 0).UTC(),
		`"1899-12-31T23:59:59Z"`:              {},
		`"0000-01-01T00:00:00Z"`:              {},
		`"9999-12-31T23:59:59-12:00"`:         {},
		`"292277026596-12-04"`:                {},
		`1764000000`:                          {},
		`null`:                                {},
		`["2026-11-23T07:00:00Z"]`:            time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC),
		`"` + strings.Repeat("2", 1000) + `"`: {},
	} {
		o, err := ParseObject(read(t, `{"id":"https://veerhuis.example/n/1","type":"Note","published":`+said+`}`))
		if err != nil || !o.Published.Equal(want) {
			t.Errorf("%.40s is %v, %v", said, o.Published, err)
		}
	}
}

func TestT057PageIsOnTheOriginOfTheID(t *testing.T) {
	const id, page = "https://veerhuis.example/n/1", "https://veerhuis.example/@bram/1"
	for said, want := range map[string]string{
		`"javascript:alert(1)"`:                                                       id,
		`"data:text/html,x"`:                                                          id,
		`"https://zilverduin.example/"`:                                               id,
		`"https://veerhuis.example.zilverduin.example/"`:                              id,
		`"https://veerhuis.example@zilverduin.example/"`:                              id,
		`"//zilverduin.example/"`:                                                     id,
		`"http://veerhuis.example/@bram/1"`:                                           id,
		`"https://veerhuis.example:8443/@bram/1"`:                                     id,
		`[7,{"href":"javascript:x"},{"mediaType":"text/html","href":"` + page + `"}]`: page,
		`"` + page + `"`:                                                              page,
	} {
		o, err := ParseObject(read(t, `{"id":"`+id+`","type":"Note","url":`+said+`}`))
		if err != nil || o.URL != want {
			t.Errorf("%s leads to %s, %v", said, o.URL, err)
		}
	}
}

// inTime refuses a body within the time that it may cost. A try that was disturbed by whatever else the machine does
// gets others.
func inTime(t *testing.T, name, body string, most time.Duration) {
	t.Helper()
	best := time.Hour
	for try := 0; try < 40 && best > most; try++ {
		start := time.Now()
		if _, err := Read([]byte(body)); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%s: %v", name, err)
		}
		best = min(best, time.Since(start))
	}
	if best > most {
		t.Errorf("%s took %v", name, best)
	}
}

func TestT087DeepDocumentsAreRefusedAtOnce(t *testing.T) {
	for name, body := range map[string]string{"33 levels": strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33),
		"10,000 levels": strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000),
		"10,000 lists":  `{"a":` + strings.Repeat("[", 10000)} {
		inTime(t, name, body, 5*time.Millisecond)
	}
}

func TestT088LongListsAreRefusedAtOnce(t *testing.T) {
	list := func(property, item string, n int) string {
		return byBram("Create", `"`+property+`":[`+strings.TrimSuffix(strings.Repeat(item+",", n), ",")+`]`)
	}
	for name, body := range map[string]string{
		"20,000 tags":           list("tag", `{"type":"Hashtag","name":"#a"}`, 20000),
		"100,000 tags":          list("tag", `{"type":"Hashtag","name":"#a"}`, 100000),
		"100,000 recipients":    list("to", `"`+bram+`"`, 100000),
		"100,000 attachments":   list("attachment", `{"type":"Image","url":"https://veerhuis.example/x.png"}`, 100000),
		"100,000 options":       list("oneOf", `{"name":"yes"}`, 100000),
		"1,001 recipients":      list("cc", `"`+bram+`"`, 1001),
		"a million empty lists": list("x", `[]`, 1000000),
	} {
		if len(body) > 1<<20 {
			body = body[:1<<20] // the inbox reads no further
		}
		inTime(t, name, body, 5*time.Millisecond)
	}
}

func TestT089LongTextsAreCutWhereTheyAreShown(t *testing.T) {
	long := strings.Repeat("é", 100000)
	actor, err := ParseActor(read(t, profileOf(`"name":"`+long+`","summary":"`+long+`",`)))
	if err != nil || actor.Name != strings.Repeat("é", 200) || len(actor.Summary) != 2<<10 {
		t.Errorf("a name of %d and a summary of %d bytes, %v", len(actor.Name), len(actor.Summary), err)
	}
	o, err := ParseObject(read(t, `{"id":"https://veerhuis.example/n/1","type":"Question","oneOf":[{"name":"`+long+`"}],
		"attachment":[{"type":"`+long+`","mediaType":"`+long+`","url":"https://veerhuis.example/x.png","name":"`+long+`"}]}`))
	if err != nil || o.Options[0] != strings.Repeat("é", 200) || o.Attachments[0].Alt != strings.Repeat("é", 1500) ||
		len(o.Attachments[0].Type) > 200 || len(o.Attachments[0].MediaType) > 200 {
		t.Errorf("%d %d %v", len(o.Options[0]), len(o.Attachments[0].Alt), err)
	}
	a, err := Parse(read(t, byBram("Flag", `"object":"`+bridge+`","content":"`+long+`"`)))
	if flag := a.Act.(Flag); err != nil || flag.Content != strings.Repeat("é", 5000) {
		t.Errorf("a report of %d bytes, %v", len(flag.Content), err)
	}
	megabyte := strings.Repeat("x", 1<<20)
	if _, err := Read([]byte(profileOf(`"name":"` + megabyte + `",`))); !errors.Is(err, ErrMalformed) {
		t.Errorf("a name of a megabyte: %v", err)
	}
}

func TestT114ContextsAreNeitherFetchedNorBelieved(t *testing.T) {
	say := func(context string) string {
		return `{"@context":` + context + `,"id":"https://veerhuis.example/a/1","type":"Create","actor":"` + bram +
			`","object":` + reply + `}`
	}
	want, err := Parse(read(t, say(`"https://www.w3.org/ns/activitystreams"`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, context := range []string{`null`, `7`, `[]`, `"https://zilverduin.example/context"`,
		`["https://www.w3.org/ns/activitystreams",{"actor":"as:object","content":"as:name","Like":"as:Create",` +
			`"id":"@type","type":"@id"}]`,
		`[{"@base":"https://zilverduin.example/","@vocab":"https://zilverduin.example/",` +
			`"@import":"https://zilverduin.example/c"}]`} {
		got, err := Parse(read(t, say(context)))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", context, err, diff)
		}
	}
	noNetwork(t)
}

// noNetwork checks that this package has no means to fetch anything.
func noNetwork(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range parsed.Imports {
			if path := imported.Path.Value; !strings.HasSuffix(file, "_test.go") &&
				slices.Contains([]string{`"net"`, `"net/http"`, `"os"`, `"crypto/tls"`}, path) {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}

// wrong returns values that no property expects everywhere. They are made for each call, since the next change may
// hit them.
func wrong() []any {
	return []any{nil, true, 0.0, -1.5, 1e308, "", "x", "Review: Dune", "javascript:x", "https://", bram, []any{},
		[]any{nil}, []any{[]any{}},
		map[string]any{}, map[string]any{"id": nil}, map[string]any{"type": []any{7, "Note"}},
		map[string]any{"id": bram, "type": "Robot"}}
}

// spoil changes one value somewhere in a document, or removes it.
func spoil(random *rand.Rand, value any) any {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 || random.IntN(8) == 0 {
			break
		}
		name := slices.Sorted(maps.Keys(value))[random.IntN(len(value))]
		if random.IntN(6) == 0 {
			delete(value, name)
		} else {
			value[name] = spoil(random, value[name])
		}
		return value
	case []any:
		if len(value) == 0 || random.IntN(3) == 0 {
			break
		}
		i := random.IntN(len(value))
		value[i] = spoil(random, value[i])
		return value
	}
	values := wrong()
	return values[random.IntN(len(values))]
}

// spoilt returns the documents that the mutations start from: one of each kind that we read.
func spoilt(t *testing.T) [][]byte {
	bodies := [][]byte{[]byte(mastodon), []byte(aliceCreate),
		[]byte(byBram("QuoteRequest", `"object":"`+bridge+`","instrument":`+reply)),
		[]byte(byBram("Announce", `"object":{"type":"Create","id":"https://noordkade.example/a/1","actor":"`+nadia+
			`","object":`+reply+`}`)),
		[]byte(byBram("Update", `"object":{"id":"https://veerhuis.example/n/1","type":"Question","oneOf":[{"name":"Yes",`+
			`"replies":{"totalItems":3}}]}`)),
		[]byte(byBram("EmojiReact", `"object":"`+bridge+
			`","content":":ferry:","tag":[{"type":"Emoji","name":":ferry:","icon":{"url":"https://veerhuis.example/f.png"}}]`)),
	}
	all := documents(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		bodies = append(bodies, all[name])
	}
	return bodies
}

func TestT117WrongTypesEverywhereDoNoHarm(t *testing.T) {
	random := rand.New(rand.NewPCG(117, 2026))
	bodies := spoilt(t)
	understood := 0
	for i := range 10000 {
		var whole any
		if err := json.Unmarshal(bodies[i%len(bodies)], &whole); err != nil {
			t.Fatal(err)
		}
		for range 1 + random.IntN(4) {
			if spoiled, is := spoil(random, whole).(map[string]any); is {
				whole = spoiled
			}
		}
		body, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Read(body)
		if err != nil {
			t.Fatalf("it is a document all the same: %v", err)
		}
		_, err1 := Parse(d)
		_, err2 := ParseObject(d)
		_, err3 := ParseActor(d)
		_, _, err4 := ParseKey(d)
		_, err5 := VerifyProof(d, belongs("", nil), edited22)
		for _, err := range []error{err1, err2, err3, err4} {
			if err == nil {
				understood++
			} else if !errors.Is(err, ErrMalformed) || strings.Contains(err.Error(), "reading it failed") {
				t.Fatalf("%v in\n%s", err, body)
			}
		}
		if err5 != nil && !errors.Is(err5, ErrProof) && !strings.HasPrefix(err5.Error(), "find the key") {
			t.Fatalf("a proof: %v in\n%s", err5, body)
		}
	}
	if understood < 5000 {
		t.Errorf("only %d readings came to anything: the mutations are too coarse to show much", understood)
	}
}

func TestT117MutationsSpareNobody(t *testing.T) {
	if os.Getenv(corpus) == "" {
		t.Skipf("%s is not set: no payloads of other servers to spoil", corpus)
	}
	random := rand.New(rand.NewPCG(118, 2026))
	payloads(t, func(name string, body []byte) {
		for range 20 {
			var whole any
			if json.Unmarshal(body, &whole) != nil {
				return
			}
			again, err := json.Marshal(spoil(random, whole))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := everything(again); err != nil &&
				(!errors.Is(err, ErrMalformed) || strings.Contains(err.Error(), "reading it failed")) {
				t.Errorf("%s: %v in\n%s", name, err, again)
			}
		}
	})
}
