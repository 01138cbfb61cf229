package activity

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
)

func TestWhatIsNotForOtherServersIsNotWritten(t *testing.T) {
	draft, local, nameless := fourMinutes(blog.FullArticle), fourMinutes(blog.FullArticle), fourMinutes(blog.FullArticle)
	draft.Article.PublishedAt = nil
	local.Article.Visibility = blog.Local
	nameless.Article.ObjectID = ""
	for name, work := range map[string]PostInput{"a draft": draft, "a local article": local,
		"one without an object": nameless} {
		if document, err := Post(work); err == nil {
			t.Errorf("%s became %s", name, document)
		}
	}
}

func TestF034UpdatedIsWrittenOnlyWhenLater(t *testing.T) {
	for name, test := range map[string]struct {
		updated time.Time
		told    bool
	}{
		"an hour later":            {published21.Add(time.Hour), true},
		"in the same second":       {published21.Add(time.Second / 2), false},
		"before it was published":  {published21.Add(-time.Hour), false},
		"later, in another zone":   {published21.Add(time.Hour).In(time.FixedZone("", 7200)), true},
		"earlier, in another zone": {published21.In(time.FixedZone("", 7200)), false},
	} {
		work := fourMinutes(blog.FullNote)
		work.Article.UpdatedAt = &test.updated
		document, err := Post(work)
		if err != nil {
			t.Fatal(err)
		}
		if told := bytes.Contains(document, []byte(`"updated":"`)); told != test.told {
			t.Errorf("%s: told %v", name, told)
		}
		if bytes.Contains(document, []byte("+02:00")) {
			t.Errorf("%s: not in UTC", name)
		}
	}
}

func TestABookGoesOutAsItsTeaser(t *testing.T) {
	for _, format := range []blog.Format{blog.FullArticle, blog.FullNote} {
		work := fourMinutes(format)
		work.Article.HTML = strings.Repeat("<p>Low water.</p>", maxContent/16)
		document, err := Post(work)
		if err != nil {
			t.Fatal(err)
		}
		if len(document) > 20<<10 || !bytes.Contains(document, []byte("four-minutes-wide</a>")) {
			t.Errorf("%s: %d bytes", format, len(document))
		}
	}
}

func TestTagsBecomeOneWord(t *testing.T) {
	for tag, want := range map[string]string{"ferry": "ferry", "low road": "LowRoad", "Année 2026": "Année2026",
		"c++": "", "#x": "",
		"l'eau": "LEau", "snake_case": "snake_case", "!?": "", "日本": "日本"} {
		if got := hashtag(tag); got != want {
			t.Errorf("%q became %q, want %q", tag, got, want)
		}
	}
}

func TestALanguageIsNamedInItself(t *testing.T) {
	for tag, want := range map[string]string{"nl": "Nederlands", "fr": "français",
		"x-klingon-of-old": "x-klingon-of-old"} {
		more := extensions{}
		addLanguage(more, tag)
		if got := more["language"].(extensions)["name"]; got != want {
			t.Errorf("%s is called %v, want %s", tag, got, want)
		}
	}
}

func TestF045CountsGoWhereTheyBelongAndNowhereElse(t *testing.T) {
	work := fourMinutes(blog.FullArticle)
	work.Article.Title = `"likes":{"id":"x","type":"Collection"}`
	document, err := Post(work)
	if err != nil {
		t.Fatal(err)
	}
	counted := WithCounts(document, blog.Counts{Replies: 1, Likes: 14, Boosts: 5},
		[]string{"https://veerhuis.example/n/1"})
	var got struct {
		Name          string
		Likes, Shares struct{ TotalItems int }
		Replies       struct {
			TotalItems int
			First      struct {
				Next  string
				Items []string
			}
		}
	}
	if err := json.Unmarshal(counted, &got); err != nil {
		t.Fatalf("%v in %s", err, counted)
	}
	if got.Name != work.Article.Title || got.Likes.TotalItems != 14 || got.Shares.TotalItems != 5 ||
		got.Replies.TotalItems != 1 ||
		len(got.Replies.First.Items) != 1 || got.Replies.First.Next != "" {
		t.Errorf("got %+v", got)
	}
	again := WithCounts(counted, blog.Counts{}, nil)
	if !bytes.Equal(again, counted) {
		t.Error("a document without places for numbers was changed")
	}
}

func TestADocumentWithAnOlderContextCanStillBeWrapped(t *testing.T) {
	e := Envelope{Site: overkant, Voice: ilseVoice, ID: "01KAW2ACT", At: edited22}
	for name, stored := range map[string]string{
		"another context": `{"@context":["https://www.w3.org/ns/activitystreams",{"a":"b"}],"id":"` + bridge +
			`","type":"Note","to":["` + Public + `"],"cc":[]}`,
		"no context": `{"id":"` + bridge + `","type":"Note","to":["` + Public + `"],"cc":[]}`,
	} {
		document, err := WrapCreate(e, []byte(stored))
		if err != nil || !bytes.HasSuffix(document,
			[]byte(`"object":{"id":"`+bridge+`","type":"Note","to":["`+Public+`"],"cc":[]}}`)) {
			t.Errorf("%s: %s, %v", name, document, err)
		}
	}
	for name, stored := range map[string]string{"no object": `[]`, "nothing": ``, "no id": `{"type":"Note"}`,
		"a context without an end": `{"@context":[`} {
		if document, err := WrapCreate(e, []byte(stored)); err == nil {
			t.Errorf("%s became %s", name, document)
		}
	}
}

func TestAnActivityCanBringItsObjectAsItIsNow(t *testing.T) {
	all := documents(t)
	e := Envelope{Site: overkant, Voice: ilseVoice, ID: "01KAW2ACT", At: edited22}
	first, err := WrapCreate(e, all["article"])
	if err != nil {
		t.Fatal(err)
	}
	want, err := WrapCreate(e, all["article-unlisted-edited"])
	if err != nil {
		t.Fatal(err)
	}
	got, err := WithObject(first, all["article-unlisted-edited"])
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("with the edited object: %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestAnActivityCanNameItsObjectAlone(t *testing.T) {
	all := documents(t)
	e := Envelope{Site: overkant, Voice: ilseVoice, ID: "01KAW2ACT", At: edited22}
	whole, err := WrapCreate(e, all["article"])
	if err != nil {
		t.Fatal(err)
	}
	short, err := ByReference(whole)
	if err != nil || len(short) > 3000 || !bytes.HasSuffix(short,
		[]byte(`"object":"`+overkant.ArticleID(fourMinutes(blog.FullArticle).Article.ObjectID)+`"}`)) {
		t.Errorf("by reference: %v\n%s", err, short)
	}
	if again, err := ByReference(short); err != nil || !bytes.Equal(again, short) {
		t.Errorf("what names its object already: %v\n%s", err, again)
	}
}
