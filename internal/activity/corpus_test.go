package activity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// corpus is where payloads found in the wild lie, and under hostile those made to hurt.
const corpus = "CAUSERIE_CORPUS"

// payloads calls do with every file of the corpus.
func payloads(tb testing.TB, do func(name string, body []byte)) {
	root := os.Getenv(corpus)
	if root == "" {
		tb.Skipf("%s is not set: no payloads of other servers to read", corpus)
	}
	count := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		body, err := os.ReadFile(path)
		body = bytes.ReplaceAll(body, []byte("SCRUBBED_ID"), []byte("https://mbin.example/scrubbed"))
		name, _ := filepath.Rel(root, path)
		count++
		do(name, body)
		return err
	})
	if err != nil || count == 0 {
		tb.Fatalf("%d payloads under %s: %v", count, root, err)
	}
}

// everything returns all that can be made of a body.
func everything(body []byte) (Activity, Object, error) {
	d, err := Read(body)
	if err != nil {
		return Activity{}, Object{}, err
	}
	act, err1 := Parse(d)
	object, err2 := ParseObject(d)
	ParseActor(d)
	ParseKey(d)
	if err1 != nil && err2 != nil {
		return act, object, err2
	}
	return act, object, nil
}

// commentable are the words by which the corpus names what can stand as a comment.
var commentable = strings.Fields("note article page question audio video image event")

// wanted is what a payload should be understood as, by the name that the corpus gave its kind: create-note-reply-3.json
// is the third Create of a Note in reply.
func wanted(file string) string {
	words := strings.Split(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
	if last := words[len(words)-1]; strings.Trim(last, "0123456789") == "" {
		words = words[:len(words)-1]
	}
	reply := ""
	if last := words[len(words)-1]; last == "reply" {
		reply = " in reply"
	}
	of := ""
	if len(words) > 1 {
		of = words[1]
	}
	switch first := words[0]; {
	case first == "actor":
		return "profile"
	case slices.Contains(commentable, first):
		return "post" + reply
	case (first == "create" || first == "update") && slices.Contains(commentable, of):
		return first + " of a post" + reply
	case first == "update" && (of == "person" || of == "group"):
		return "update of a profile"
	case first == "quote":
		return "quoterequest"
	case first == "emoji" && of == "react":
		return "like"
	case slices.Contains(strings.Fields("accept announce block delete dislike flag follow like move reject remove undo"),
		first) && !slices.Contains([]string{"authorization", "approval"}, of):
		return first
	case slices.Contains(strings.Fields("add create invite join leave listen lock resolve view approve "+
		"question travel"), first):
		return "heard and left alone"
	case slices.Contains(strings.Fields("webfinger nodeinfo untyped"), first):
		return "refused"
	}
	return "of no use"
}

// otherwise are payloads that are not what the name of their kind says to us, with the reason.
var otherwise = map[string]string{
	"bridgy-fed/actor-service-2.json":   "of no use: it has no inbox",
	"bridgy-fed/actor-service.json":     "of no use: it has no inbox",
	"fedify/actor-person-2.json":        "of no use: it has no inbox",
	"fedify/actor-person.json":          "of no use: it has no inbox",
	"fedify/note-2.json":                "refused: it has no id",
	"fep/actor-person-5.json":           "of no use: its inbox is on somebody else's domain",
	"fep/actor-person-6.json":           "refused: it has no id",
	"fep/actor-person-7.json":           "refused: it has no id",
	"fep/actor-person-8.json":           "refused: it has no id",
	"fep/actor-person-9.json":           "refused: its id can be fetched by nobody (ap://)",
	"fep/actor-person.json":             "of no use: its inbox is on somebody else's domain",
	"fep/announce-add.json":             "refused: its id is no address",
	"fep/move.json":                     "refused: it says of nobody that they move",
	"fep/note-6.json":                   "refused: it has no id",
	"fep/note-reply.json":               "refused: its id can be fetched by nobody (ap://)",
	"gotosocial/actor-person-2.json":    "of no use: it has no inbox",
	"gotosocial/create-note-reply.json": "heard and left alone: it is a vote in a poll",
	"gotosocial/note-2.json":            "refused: it has no id",
	"gotosocial/note.json":              "refused: it has no id",
	"mastodon/actor-person-10.json":     "of no use: it has no inbox",
	"mastodon/actor-person-8.json":      "of no use: it has no inbox",
	"mastodon/actor-person-9.json":      "of no use: it has no inbox",
	"mastodon/create-note-reply.json":   "heard and left alone: it is a vote in a poll",
	"mbin/update-group.json": "update of a post: its group has an inbox on another domain than its scrubbed " +
		"id, and is no profile",
}

// understood describes in a word what is made of a payload.
func understood(body []byte) (string, Activity, Object) {
	d, err := Read(body)
	if err != nil {
		return "refused", Activity{}, Object{}
	}
	act, noActivity := Parse(d)
	object, noObject := ParseObject(d)
	_, noActor := ParseActor(d)
	ParseKey(d)
	switch {
	case noActor == nil:
		return "profile", act, object
	case noObject == nil && object.IsPost():
		return postOf("post", object), act, object
	case noActivity == nil && act.Act != nil:
		return actOf(act), act, object
	case noActivity == nil:
		return "heard and left alone", act, object
	case noObject == nil:
		return "of no use", act, object
	}
	return "refused", act, object
}

func postOf(what string, o Object) string {
	switch {
	case o.Actor != nil:
		return strings.TrimSuffix(what, "a post") + "a profile"
	case o.InReplyTo != "":
		return what + " in reply"
	}
	return what
}

func actOf(act Activity) string {
	switch said := act.Act.(type) {
	case Create:
		return postOf("create of a post", said.Object)
	case Update:
		return postOf("update of a post", said.Object)
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", act.Act), "activity."))
}

func TestPayloadsOfTheWildAreUnderstood(t *testing.T) {
	count := map[string]int{}
	var slowest time.Duration
	var slow string
	payloads(t, func(name string, body []byte) {
		fastest := time.Hour
		for range 3 {
			start := time.Now()
			understood(body)
			fastest = min(fastest, time.Since(start))
		}
		if fastest > slowest {
			slowest, slow = fastest, name
		}
		if strings.HasPrefix(name, "hostile") {
			return
		}
		got, act, object := understood(body)
		want, special := otherwise[name]
		if !special {
			want = wanted(name)
		} else if want, _, _ = strings.Cut(want, ":"); want == wanted(name) {
			t.Errorf("%s is what its name says: it needs no entry of its own", name)
		}
		if got != want {
			t.Errorf("%s is understood as %q, want %q", name, got, want)
		}
		count[got]++
		sameText(t, name, body, act, object)
	})
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d %s", count[what], what)
	}
	t.Logf("the slowest, %s, took %v", slow, slowest)
	if slowest > 50*time.Millisecond {
		t.Errorf("%s took %v", slow, slowest)
	}
}

// sameText compares the texts that were read with what a plain JSON reader finds.
func sameText(t *testing.T, name string, body []byte, act Activity, object Object) {
	var raw map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&raw); err != nil {
		t.Errorf("%s was read, but encoding/json refuses it: %v", name, err)
		return
	}
	switch said := act.Act.(type) {
	case Create:
		raw, object = embedded(raw["object"]), said.Object
	case Update:
		raw, object = embedded(raw["object"]), said.Object
	}
	for property, got := range map[string]string{"content": object.Content, "name": object.Name,
		"summary": object.Summary} {
		want, ok := raw[property].(string)
		if property == "content" && !isHTML(text(raw["mediaType"]), want) { // its words are put into paragraphs
			got, want = words(got), words(html.EscapeString(want))
		}
		if ok && object.Embedded && got != want {
			t.Errorf("%s: %s is %q, want %q", name, property, got, want)
		}
	}
}

// words returns the words of a text in HTML, without its tags.
func words(text string) string {
	untagged := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " ")
	return strings.Join(strings.Fields(html.UnescapeString(untagged)), " ")
}

// TestHostileBodiesAreReadOrRefused takes the bodies of testdata/hostile through the decoder. Their index tells what
// the inbox answers; what it refuses with 400 is refused here.
func TestHostileBodiesAreReadOrRefused(t *testing.T) {
	folder := filepath.Join("testdata", "hostile")
	index, err := os.ReadFile(filepath.Join(folder, "INDEX"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(index)) {
		field := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		body, err := os.ReadFile(filepath.Join(folder, field[0]+".json"))
		if err != nil {
			t.Fatal(err)
		}
		fastest := time.Hour
		for range 3 {
			start := time.Now()
			everything(body)
			fastest = min(fastest, time.Since(start))
		}
		d, err := Read(body)
		if err == nil {
			_, err = Parse(d)
		}
		if (err != nil) != (field[1] == "400") || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, and the inbox answers %s", field[0], err, field[1])
		}
		if fastest > 50*time.Millisecond {
			t.Errorf("%s took %v", field[0], fastest)
		}
	}
}
