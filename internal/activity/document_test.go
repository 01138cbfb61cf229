package activity

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsNotOneSoundObjectIsRefused(t *testing.T) {
	list := func(n int) string { return `{"a":[` + strings.TrimSuffix(strings.Repeat("1,", n), ",") + `]}` }
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"n%d":%d,`, i, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	deep := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1) }
	wide := func(n int) string { return `{"a":"` + strings.Repeat("x", n) + `"}` }
	for _, test := range []struct {
		name, body string
		sound      bool
	}{
		{"an empty object", `{}`, true},
		{"an object with space around everything", " {\n\"a\" : [ 1 , true , null , \"x\" ] }\r\n\t", true},
		{"nothing at all", ``, false},
		{"an array", `[{"a":1}]`, false},
		{"a text", `"a"`, false},
		{"two objects", `{}{}`, false},
		{"an object and a NUL", "{}\x00", false},
		{"a byte order mark", "\ufeff{}", false},
		{"UTF-16", "{\x00}\x00", false},
		{"broken UTF-8", "{\"a\":\"\xff\"}", false},
		{"a surrogate half, written out", `{"a":"\ud83d cut"}`, true},
		{"a NUL in a text", `{"a":"\u0000"}`, true},
		{"a NUL in a name", `{"a\u0000":"b"}`, false},
		{"a raw line break in a text", "{\"a\":\"b\nc\"}", false},
		{"an unknown escape", `{"a":"\x41"}`, false},
		{"a text without an end", `{"a":"b`, false},
		{"a text that ends in a backslash", `{"a":"b\`, false},
		{"a name twice", `{"actor":"a","actor":"b"}`, false},
		{"a name twice, once in disguise", `{"actor":"a","\u0061ctor":"b"}`, false},
		{"a name twice further down", `{"object":[{"id":"a","id":"b"}]}`, false},
		{"a name in two cases", `{"actor":"a","Actor":"b"}`, true},
		{"@graph", `{"@graph":[]}`, false},
		{"@included further down", `{"object":{"@included":{}}}`, false},
		{"@reverse in the context", `{"@context":{"x":{"@reverse":"y"}}}`, false},
		{"a name without a value", `{"a"}`, false},
		{"a name that is a number", `{1:2}`, false},
		{"a comma too many", `{"a":1,}`, false},
		{"a comma too many in a list", `{"a":[1,]}`, false},
		{"a comma missing", `{"a":1 "b":2}`, false},
		{"a bracket that closes the wrong thing", `{"a":[1}`, false},
		{"a number with a leading zero", `{"a":01}`, false},
		{"a number with an exponent", `{"a":-1.5e+3}`, true},
		{"a number beyond all range", `{"a":1e999}`, true},
		{"no number", `{"a":-}`, false},
		{"infinity", `{"a":Infinity}`, false},
		{"a word in capitals", `{"a":True}`, false},
		{"1,000 items", list(1000), true},
		{"1,001 items", list(1001), false},
		{"256 names", names(256), true},
		{"257 names", names(257), false},
		{"32 levels", deep(32), true},
		{"33 levels", deep(33), false},
		{"10,000 levels", deep(10000), false},
		{"a text of 256 KiB", wide(maxString), true},
		{"a text of a byte more", wide(maxString + 1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := Read([]byte(test.body))
			if (err == nil) != test.sound {
				t.Fatalf("Read(%.60s): %v", test.body, err)
			}
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("the error is no ErrMalformed: %v", err)
				}
				return
			}
			sameAsLibrary(t, []byte(test.body), d)
		})
	}
}

// sameAsLibrary compares what was read with what encoding/json reads.
func sameAsLibrary(t *testing.T, body []byte, d *Document) {
	t.Helper()
	if !json.Valid(body) {
		t.Fatalf("encoding/json refuses %.100q", body)
	}
	var want map[string]any
	if json.Unmarshal(body, &want) != nil {
		return // a number beyond float64
	}
	if strings.Contains(string(body), `\u0000`) {
		return // a NUL is taken out of texts
	}
	if !reflect.DeepEqual(want, d.root) { // cmp takes minutes over the long lists of the corpus
		t.Errorf("read otherwise than by encoding/json (-want +got):\n%s", cmp.Diff(want, d.root))
	}
}

func TestTheHeadOfADocumentIsReadWithoutParsingIt(t *testing.T) {
	for _, test := range []struct {
		name, body              string
		id, kind, actor, object string
	}{
		{"plain addresses", `{"id":"https://a.example/1","type":"Like","actor":"https://a.example/u",` +
			`"object":"https://b.example/2"}`,
			"https://a.example/1", "Like", "https://a.example/u", "https://b.example/2"},
		{"everything embedded and in lists", `{"id":"https://a.example/1","type":["Zap","Like"],` +
			`"actor":[{"id":"https://a.example/u","type":"Person"}],"object":[{"id":"https://b.example/2"}]}`,
			"https://a.example/1", "Like", "https://a.example/u", "https://b.example/2"},
		{"two actors", `{"type":"Like","actor":["https://a.example/u","https://b.example/u"]}`, "", "Like", "", ""},
		{"one actor twice", `{"type":"Like","actor":["https://a.example/u","https://a.example/u"]}`, "", "Like",
			"https://a.example/u", ""},
		{"an actor and somebody without an id", `{"type":"Like","actor":["https://a.example/u",{"name":"x"}]}`, "", "Like",
			"", ""},
		{"names in other cases", `{"ID":"https://a.example/1","Type":"Like","ACTOR":"https://a.example/u"}`, "", "", "", ""},
		{"full and short names of types", `{"type":"https://www.w3.org/ns/activitystreams#Like"}`, "", "Like", "", ""},
		{"the prefix as", `{"type":"as:Follow"}`, "", "Follow", "", ""},
		{"a type that nobody knows", `{"type":"Robot"}`, "", "Robot", "", ""},
		{"all null", `{"id":null,"type":null,"actor":null,"object":null}`, "", "", "", ""},
		{"all numbers", `{"id":1,"type":2,"actor":3,"object":4}`, "", "", "", ""},
		{"an object with an id that is no address", `{"object":{"id":"javascript:alert(1)"}}`, "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := Read([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			got := [4]string{d.ID(), d.Type(), d.Actor(), d.Object()}
			if want := [4]string{test.id, test.kind, test.actor, test.object}; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestAddressesAreWhatCanBeFetched(t *testing.T) {
	for address, want := range map[string]bool{
		"https://veerhuis.example/users/bram":     true,
		"http://veerhuis.example":                 true,
		"HTTPS://veerhuis.example/":               true,
		"https://veerhuis.example:8443/a?b=c#d#e": true,
		"https://veerhuis.example/größe":          true,
		"https://xn--gre-7ka2f.example/":          true,
		"https://größe.example/":                  false,
		"https://user@veerhuis.example/":          false,
		"https://veerhuis.example\\@evil.example": false,
		"https://":                      false,
		"https:///users/bram":           false,
		"https:veerhuis.example":        false,
		"//veerhuis.example/":           false,
		"/users/bram":                   false,
		"javascript://x/%0aalert(1)":    false,
		"acct:bram@veerhuis.example":    false,
		"https://veerhuis.example/a b":  false,
		"https://veerhuis.example/a\nb": false,
		"https://veerhuis.example/%zz":  false,
		"":                              false,
		"https://veerhuis.example/" + strings.Repeat("a", maxAddress): false,
	} {
		if got := isAddress(address); got != want {
			t.Errorf("isAddress(%.60q) = %v", address, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"type":"Create","actor":"https://a.example/u","object":{"type":"Note",` +
		`"id":"https://a.example/1"}}`,
		`{"a":["\ud83d\ude00",1e5,null,true,{}]}`, `{"type":["Undo"],"actor":{"id":"https://a.example/u"},"object":[]}`} {
		f.Add([]byte(seed))
	}
	files, err := filepath.Glob(filepath.Join("testdata", "hostile", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("%d hostile bodies, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	if os.Getenv(corpus) != "" {
		payloads(f, func(_ string, body []byte) { f.Add(body) })
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := Read(body)
		if err != nil {
			return
		}
		sameAsLibrary(t, body, d)
		if _, err := Parse(d); err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("Parse: %v", err)
		}
		ParseObject(d)
		ParseActor(d)
		ParseKey(d)
		if _, err := VerifyProof(d, belongs("", nil), edited22); err == nil {
			t.Error("a proof without a key holds")
		}
		unchanged(t, body, d)
	})
}

// unchanged compares a document, of which everything was read, with what its bytes say.
func unchanged(t *testing.T, body []byte, d *Document) {
	t.Helper()
	again, err := Read(body)
	if err != nil || !reflect.DeepEqual(again, d) {
		t.Errorf("a document was changed by reading it: %v", err)
	}
}

// Those who look up the same document at once share it.
func TestADocumentIsSharedByManyReaders(t *testing.T) {
	bodies := [][]byte{[]byte(mastodon), []byte(profileOf(`"name":"Bram",`))}
	if os.Getenv(corpus) != "" {
		payloads(t, func(_ string, body []byte) { bodies = append(bodies, body) })
	}
	for _, body := range bodies {
		d, err := Read(slices.Clone(body))
		if err != nil {
			continue
		}
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				Parse(d)
				ParseObject(d)
				ParseActor(d)
				ParseKey(d)
				ParseListing(d, d.ID())
				VerifyProof(d, belongs("", nil), edited22)
			})
		}
		all.Wait()
		unchanged(t, body, d)
	}
}
