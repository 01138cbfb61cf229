package activity

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"

	"github.com/google/go-cmp/cmp"
)

const (
	bram   = "https://veerhuis.example/users/bram"
	nadia  = "https://noordkade.example/users/nadia"
	kade   = "https://zilverduin.example/users/kade"
	ilse   = "https://overkant.example/ap/actors/01KAV3R8XQZ6M2T4N5P7S9W0YB"
	bridge = "https://overkant.example/ap/articles/01KAW0M5E8D3G6J9N2Q4T7V0XA"
)

// read returns a document for a test.
func read(t testing.TB, body string) *Document {
	t.Helper()
	d, err := Read([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// byBram returns an activity of Bram with these members.
func byBram(kind, members string) string {
	return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://veerhuis.example/a/1",`+
		`"type":%q,"actor":%q,%s}`, kind, bram, members)
}

func TestEveryActIsUnderstoodInEachOfItsShapes(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       any
	}{
		{"a follow", byBram("Follow", `"object":"`+ilse+`"`), Follow{ilse}},
		{"a follow of an embedded actor in a list", byBram("Follow", `"object":[{"type":"Person","id":"`+ilse+`"}]`),
			Follow{ilse}},
		{"a yes by id", byBram("Accept", `"object":"https://overkant.example/ap/activities/1"`),
			Accept{Object: "https://overkant.example/ap/activities/1"}},
		{"a yes with the follow", byBram("Accept",
			`"object":{"type":"Follow","id":"https://overkant.example/ap/activities/1","actor":"`+ilse+`","object":"`+bram+`"}`),
			Accept{Object: "https://overkant.example/ap/activities/1", FollowObject: bram, FollowActor: ilse, Type: "Follow"}},
		{"a yes with a follow that lost its id",
			byBram("Accept", `"object":{"type":"Follow","actor":"`+ilse+`","object":{"id":"`+bram+`"}}`),
			Accept{FollowObject: bram, FollowActor: ilse, Type: "Follow"}},
		{"a no with the follow", byBram("Reject",
			`"object":{"type":"Follow","id":"https://overkant.example/ap/activities/1","object":"`+bram+`"}`),
			Reject{Object: "https://overkant.example/ap/activities/1", FollowObject: bram, Type: "Follow"}},
		{"an undo by id", byBram("Undo", `"object":"https://veerhuis.example/a/0"`),
			Undo{ID: "https://veerhuis.example/a/0"}},
		{"an undo of a like", byBram("Undo", `"object":{"id":"https://veerhuis.example/a/0","type":"Like","object":"`+bridge+
			`"}`),
			Undo{"https://veerhuis.example/a/0", "Like", bridge}},
		{"an undo of a like without an id", byBram("Undo", `"object":{"type":"Like","object":["`+bridge+`"]}`),
			Undo{"", "Like", bridge}},
		{"an undo of an emoji", byBram("Undo",
			`"object":{"id":"https://veerhuis.example/a/0","type":"EmojiReact","object":"`+bridge+`"}`),
			Undo{"https://veerhuis.example/a/0", "EmojiReact", bridge}},
		{"a delete by id", byBram("Delete", `"object":"https://veerhuis.example/n/1"`),
			Delete{"https://veerhuis.example/n/1"}},
		{"a delete with a tombstone", byBram("Delete", `"object":{"type":"Tombstone","id":"https://veerhuis.example/n/1"}`),
			Delete{"https://veerhuis.example/n/1"}},
		{"a delete of oneself", byBram("Delete", `"object":"`+bram+`"`), Delete{bram}},
		{"a like", byBram("Like", `"object":"`+bridge+`"`), Like{Object: bridge}},
		{"a like with a heart", byBram("Like", `"object":"`+bridge+`","content":"❤️"`),
			Like{Object: bridge, Emoji: "❤️"}},
		{"a like by Misskey", byBram("Like", `"object":"`+bridge+`","_misskey_reaction":":ferry:"`),
			Like{Object: bridge, Emoji: ":ferry:"}},
		{"an emoji", byBram("EmojiReact", `"object":{"id":"`+bridge+`"},"content":"👩🏽‍🚀"`),
			Like{Object: bridge, Emoji: "👩🏽‍🚀"}},
		{"an emoji that is markup", byBram("EmojiReact", `"object":"`+bridge+`","content":"<b>x</b>"`),
			Like{Object: bridge}},
		{"an emoji that is a tale", byBram("EmojiReact", `"object":"`+bridge+`","content":"`+strings.Repeat("🚢", 17)+`"`),
			Like{Object: bridge}},
		{"an emoji that is a keycap", byBram("EmojiReact", `"object":"`+bridge+`","content":"1️⃣"`),
			Like{Object: bridge, Emoji: "1️⃣"}},
		{"an emoji that is a word", byBram("EmojiReact", `"object":"`+bridge+`","content":"hello"`), Like{Object: bridge}},
		{"a share", byBram("Announce", `"object":"`+bridge+`"`), Announce{Object: bridge}},
		{"a share with a copy", byBram("Announce",
			`"object":{"type":"Note","id":"`+bridge+`","content":"forged","attributedTo":"x"}`), Announce{Object: bridge}},
		{"a group's share of a create", byBram("Announce",
			`"object":{"type":"Create","id":"https://noordkade.example/a/1","actor":"`+nadia+
				`","object":{"type":"Note","id":"https://noordkade.example/n/1"}}`),
			Announce{"https://noordkade.example/a/1", "Create", nadia, "https://noordkade.example/n/1", nil}},
		{"a block", byBram("Block", `"object":"`+ilse+`"`), Block{ilse}},
		{"a move", byBram("Move", `"object":"`+bram+`","target":{"id":"https://dijla.example/users/bram"}`),
			Move{bram, "https://dijla.example/users/bram"}},
		{"a report", byBram("Flag", `"object":["`+ilse+`",{"id":"`+bridge+`"},7],"content":"Spam: look"`),
			Flag{[]string{ilse, bridge}, "Spam: look"}},
		{"a report in Lemmy's words", byBram("Flag", `"object":[{"type":"Note"},"`+bridge+`"],"summary":"Spam: look"`),
			Flag{[]string{bridge}, "Spam: look"}},
		{"an emoji with its picture", byBram("EmojiReact",
			`"object":"`+bridge+`","content":":ferry:","tag":[{"type":"Emoji","name":":ferry:","icon":{"type":"Image",`+
				`"url":"https://veerhuis.example/ferry.png"}}]`),
			Like{bridge, ":ferry:", "https://veerhuis.example/ferry.png"}},
		{"an emoji with the picture of another",
			byBram("EmojiReact", `"object":"`+bridge+
				`","content":":ferry:","tag":[{"type":"Emoji","name":"boat","icon":"https://veerhuis.example/boat.png"}]`),
			Like{Object: bridge, Emoji: ":ferry:"}},
		{"a group's share of a like by two", byBram("Announce",
			`"object":{"type":"Like","id":"https://noordkade.example/a/1","actor":["`+nadia+`","`+bram+`"],"object":"`+bridge+
				`"}`),
			Announce{"https://noordkade.example/a/1", "Like", "", bridge, nil}},
		{"a request to quote", byBram("QuoteRequest", `"object":"`+bridge+`","instrument":"https://veerhuis.example/n/1"`),
			QuoteRequest{bridge, Object{ID: "https://veerhuis.example/n/1"}}},
		{"a request to quote with the quote", byBram("https://w3id.org/fep/044f#QuoteRequest",
			`"object":{"id":"`+bridge+`"},"instrument":{"type":"Note","id":"https://veerhuis.example/n/1","attributedTo":"`+bram+
				`","quote":"`+bridge+`","content":"Look: a ferry"}`),
			QuoteRequest{bridge, Object{Embedded: true, ID: "https://veerhuis.example/n/1", Type: "Note", AttributedTo: bram,
				Quote: bridge,
				URL:   "https://veerhuis.example/n/1", Content: "Look: a ferry"}}},
		{"a request to answer", byBram("ReplyRequest",
			`"object":"`+bridge+`","instrument":{"type":"Note","id":"https://veerhuis.example/n/1","inReplyTo":"`+bridge+`"}`),
			ReplyRequest{bridge, Object{Embedded: true, ID: "https://veerhuis.example/n/1", Type: "Note", InReplyTo: bridge,
				URL: "https://veerhuis.example/n/1"}}},
		{"a yes to a request", byBram("Accept",
			`"object":{"type":"QuoteRequest","id":"https://overkant.example/ap/activities/1","actor":"`+ilse+
				`","object":"https://veerhuis.example/n/1"},"result":{"id":"https://veerhuis.example/stamps/1"}`),
			Accept{Object: "https://overkant.example/ap/activities/1", Type: "QuoteRequest",
				Result: "https://veerhuis.example/stamps/1"}},
		{"a no to a request", byBram("Reject",
			`"object":{"type":"ReplyRequest","id":"https://overkant.example/ap/activities/1",`+
				`"object":"https://veerhuis.example/n/1"}`),
			Reject{Object: "https://overkant.example/ap/activities/1", Type: "ReplyRequest"}},
		{"a request to like", byBram("LikeRequest", `"object":"`+bridge+`","instrument":"https://veerhuis.example/a/2"`),
			nil},
		{"a view", byBram("View", `"object":"`+bridge+`"`), nil},
		{"a remove", byBram("Remove", `"object":"`+bridge+`","target":"https://veerhuis.example/featured"`),
			Remove{bridge, "https://veerhuis.example/featured"}},
		{"a remove from nowhere", byBram("Remove", `"object":"`+bridge+`"`), nil},
		{"a request to feature", byBram("FeatureRequest", `"object":{"id":"`+ilse+`"},`+
			`"instrument":{"type":"FeaturedCollection","id":"https://veerhuis.example/lists/1","name":"forged"}`),
			FeatureRequest{ilse, "https://veerhuis.example/lists/1"}},
		{"a request to feature in full", byBram("https://w3id.org/fep/7aa9#FeatureRequest",
			`"object":"`+ilse+`","instrument":"https://veerhuis.example/lists/1"`),
			FeatureRequest{ilse, "https://veerhuis.example/lists/1"}},
		{"an add of an account", byBram("Add", `"object":{"id":"https://veerhuis.example/lists/1/1",`+
			`"type":["https://w3id.org/fep/7aa9#FeaturedItem","Object"],"featuredObject":{"id":"`+ilse+`"},`+
			`"featureAuthorization":"https://overkant.example/ap/authorizations/1"},`+
			`"target":"https://veerhuis.example/lists/1"`),
			Add{FeaturedItem{"https://veerhuis.example/lists/1/1", ilse, "https://overkant.example/ap/authorizations/1"},
				"https://veerhuis.example/lists/1"}},
		{"a word in a chat", byBram("Create",
			`"object":{"type":"ChatMessage","id":"https://veerhuis.example/n/1","content":"psst"}`), nil},
		{"a vote", byBram("Create", `"object":{"type":"Note","id":"https://veerhuis.example/n/1","name":"Yes","inReplyTo":"`+
			bridge+`"}`), nil},
		{"a create by id", byBram("Create", `"object":"https://veerhuis.example/n/1"`),
			Create{Object{ID: "https://veerhuis.example/n/1"}}},
		{"an update by id", byBram("Update", `"object":"https://veerhuis.example/n/1"`),
			Update{Object{ID: "https://veerhuis.example/n/1"}}},
		{"a dislike", byBram("Dislike", `"object":"`+bridge+`"`), Dislike{Object: bridge}},
		{"an add", byBram("Add", `"object":"`+bridge+`","target":"https://veerhuis.example/featured"`), nil},
		{"a maybe", byBram("TentativeAccept", `"object":"`+bridge+`"`), nil},
		{"a type that nobody knows", byBram("Robot", `"object":"`+bridge+`"`), nil},
		{"an unknown act without an object", byBram("Zap", `"x":1`), nil},
		{"a post that claims to act", byBram("Note", `"content":"x"`), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := Parse(read(t, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, a.Act); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if a.ID != "https://veerhuis.example/a/1" || a.Actor != bram {
				t.Errorf("said by %q as %q", a.Actor, a.ID)
			}
		})
	}
}

func TestActivitiesThatMeanNothingAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"no type":                `{"actor":"` + bram + `","object":"` + bridge + `"}`,
		"a type that is null":    `{"type":null,"actor":"` + bram + `","object":"` + bridge + `"}`,
		"no actor":               `{"type":"Like","object":"` + bridge + `"}`,
		"an actor that is null":  `{"type":"Like","actor":null,"object":"` + bridge + `"}`,
		"an actor without an id": `{"type":"Like","actor":{"type":"Person"},"object":"` + bridge + `"}`,
		"two actors":             `{"type":"Like","actor":["` + bram + `","` + nadia + `"],"object":"` + bridge + `"}`,
		"an actor in capitals":   `{"type":"Like","ACTOR":"` + bram + `","object":"` + bridge + `"}`,
		"an actor by handle":     `{"type":"Like","actor":"acct:bram@veerhuis.example","object":"` + bridge + `"}`,
		"an id that is relative": `{"id":"/a/1","type":"Like","actor":"` + bram + `","object":"` + bridge + `"}`,
		"an id that is a script": `{"id":"javascript:alert(1)","type":"Like","actor":"` + bram + `","object":"` + bridge +
			`"}`,
		"an id that is a number": `{"id":5,"type":"Like","actor":"` + bram + `","object":"` + bridge + `"}`,
		"an id with a user in it": `{"id":"https://a@b.example/1","type":"Like","actor":"` + bram + `","object":"` +
			bridge + `"}`,
		"a follow of nobody":         byBram("Follow", `"object":null`),
		"a follow of nothing":        byBram("Follow", `"object":[]`),
		"a like of an empty object":  byBram("Like", `"object":{}`),
		"a create of nothing":        byBram("Create", `"x":1`),
		"a create of an empty note":  byBram("Create", `"object":{}`),
		"a create of a nameless one": byBram("Create", `"object":{"type":"Note","content":"x"}`),
		"a create of a script":       byBram("Create", `"object":{"type":"Note","id":"javascript:alert(1)"}`),
		"an undo of nothing":         byBram("Undo", `"object":{"type":"Like"}`),
		"a yes to nothing":           byBram("Accept", `"object":7`),
		"a move to nowhere":          byBram("Move", `"object":"`+bram+`"`),
		"a report of nothing":        byBram("Flag", `"content":"x"`),
		"a request without a post":   byBram("QuoteRequest", `"object":"`+bridge+`"`),
		"a request without a list":   byBram("FeatureRequest", `"object":"`+ilse+`"`),
		"a request about nobody":     byBram("FeatureRequest", `"instrument":"https://veerhuis.example/lists/1"`),
		"a request about nothing":    byBram("ReplyRequest", `"instrument":"https://veerhuis.example/n/1"`),
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := Parse(read(t, body)); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %+v, %v", a, err)
			}
		})
	}
}

func TestTheFrameOfAnActivityIsReadInAllItsShapes(t *testing.T) {
	at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, members string
		want          Activity
	}{
		{"lists", `"published":"2026-11-23T07:00:00Z","to":["` + Public + `"],"cc":["` + ilse + `"]`,
			Activity{Published: &at, To: []string{Public}, Cc: []string{ilse}}},
		{"single texts, another zone and fractions",
			`"published":"2026-11-23T08:00:00.000+01:00","to":"as:Public","cc":"` + ilse + `"`,
			Activity{Published: &at, To: []string{"as:Public"}, Cc: []string{ilse}}},
		{"objects and rubbish among them", `"to":[{"id":"Public"},null,7,"nonsense"],"cc":null`,
			Activity{To: []string{"Public"}}},
		{"a day is no time", `"published":"2026-11-23"`, Activity{}},
		{"a number is no time", `"published":1764000000`, Activity{}},
		{"the year 0 is no time", `"published":"0000-01-01T00:00:00Z"`, Activity{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := Parse(read(t, byBram("Like", `"object":"`+bridge+`",`+test.members)))
			if err != nil {
				t.Fatal(err)
			}
			got := Activity{Published: a.Published, To: a.To, Cc: a.Cc}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const reply = `{
	"id":"https://veerhuis.example/n/1","type":["Zap","Note"],"attributedTo":[{"type":"Person","id":"` + bram + `"},"` +
	bram + `/group"],
	"inReplyTo":["` + bridge + `",7],"name":null,"summary":"Note: mild","content":"Review: Dune",
	"contentMap":{"nl":"Recensie: Dune","en":"Review: Dune"},
	"url":[{"type":"Link","mediaType":"image/png","href":"https://veerhuis.example/x.png"},
	 {"type":"Link","mediaType":"text/html","href":"https://veerhuis.example/@bram/1"}],
	"published":"2026-11-23T07:00:00Z","updated":"2026-11-23T07:30Z","to":"` + Public + `","cc":["` + ilse + `"],
	"tag":[{"type":"Mention","href":"` + ilse +
	`","name":"@ilse"},{"type":"Hashtag","href":"https://veerhuis.example/t/a","name":"#a"},"x"],
	"attachment":{"type":"Document","mediaType":"image/png","url":"https://veerhuis.example/x.png","name":"C: drive"}
}`

func TestAReplyIsReadAsItWasWritten(t *testing.T) {
	at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	later := at.Add(30 * time.Minute)
	want := Object{Embedded: true, ID: "https://veerhuis.example/n/1", Type: "Note", AttributedTo: bram, InReplyTo: bridge,
		Summary: "Note: mild", Content: "Review: Dune", Language: "en", URL: "https://veerhuis.example/@bram/1",
		Published: at, Updated: &later, To: []string{Public}, Cc: []string{ilse}, Mentions: []string{ilse},
		Attachments: []Attachment{{"Document", "image/png", "https://veerhuis.example/x.png", "C: drive"}}}
	a, err := Parse(read(t, byBram("Create", `"object":`+reply)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Create{want}, a.Act); diff != "" {
		t.Errorf("in a Create (-want +got):\n%s", diff)
	}
	alone, err := ParseObject(read(t, reply))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, alone); diff != "" {
		t.Errorf("alone (-want +got):\n%s", diff)
	}
	if !alone.IsPost() || alone.IsVote() {
		t.Error("a reply is a post, and no vote")
	}
}

func TestOddPartsOfAPostAreReadWithCare(t *testing.T) {
	for _, test := range []struct {
		name, members string
		got           func(Object) any
		want          any
	}{
		{"content in a list", `"content":["a",{"b":1}]`, func(o Object) any { return o.Content }, "a"},
		{"content in a map alone", `"contentMap":{"nl":"Dag","en":"Hi"}`,
			func(o Object) any { return o.Content + o.Language }, "Hien"},
		{"a map that is a list", `"content":"x","contentMap":[1]`, func(o Object) any { return o.Content + o.Language }, "x"},
		{"the only language, of another form of the text", `"content":"x","contentMap":{"en":"y"}`,
			func(o Object) any { return o.Language }, "en"},
		{"the only known language", `"content":"x","contentMap":{"und":"x","en":"y"}`,
			func(o Object) any { return o.Language }, "en"},
		{"the language of the same words", `"content":"<p>x <b>y</b></p>","contentMap":{"en":"<p>x  y</p>","nl":"<p>z</p>"}`,
			func(o Object) any { return o.Language }, "en"},
		{"a language that none of the map's texts is", `"content":"x","contentMap":{"en":"y","nl":"z"}`,
			func(o Object) any { return o.Language }, ""},
		{"two languages with the same words", `"content":"<p>x</p>","contentMap":{"en":"x","nl":"x"}`,
			func(o Object) any { return o.Language }, ""},
		{"two languages with one text", `"content":"x","contentMap":{"en":"x","nl":"x"}`,
			func(o Object) any { return o.Language }, ""},
		{"a language that is markup", `"content":"x","contentMap":{"<b>":"x"}`, func(o Object) any { return o.Language }, ""},
		{"a language as Lemmy tells it", `"content":"x","language":{"identifier":"nl","name":"Nederlands"}`,
			func(o Object) any { return o.Language }, "nl"},
		{"a language as a bare text", `"content":"x","language":"nl"`, func(o Object) any { return o.Language }, "nl"},
		{"a page on another host", `"url":"https://zilverduin.example/"`, func(o Object) any { return o.URL },
			"https://veerhuis.example/n/1"},
		{"a page that is a script", `"url":"javascript:alert(1)"`, func(o Object) any { return o.URL },
			"https://veerhuis.example/n/1"},
		{"a page that is a plain text", `"url":"https://veerhuis.example/@bram/1"`, func(o Object) any { return o.URL },
			"https://veerhuis.example/@bram/1"},
		{"a reply to an embedded object", `"inReplyTo":{"id":"` + bridge + `","type":"Article"}`,
			func(o Object) any { return o.InReplyTo }, bridge},
		{"no attachment that leads anywhere", `"attachment":[5,{"type":"Image","url":"data:image/svg+xml,x"}]`,
			func(o Object) any { return len(o.Attachments) }, 0},
		{"an attachment with a link inside", `"attachment":[{"type":"Image","url":[{"type":"Link",` +
			`"href":"https://veerhuis.example/x.png"}]}]`,
			func(o Object) any { return o.Attachments[0].URL }, "https://veerhuis.example/x.png"},
		{"more attachments than we keep", `"attachment":[` +
			strings.TrimSuffix(strings.Repeat(`{"type":"Link","href":"https://veerhuis.example/x"},`, 17), ",") + `]`,
			func(o Object) any { return len(o.Attachments) }, 16},
		{"a crowd of mentions", `"tag":[` +
			strings.TrimSuffix(strings.Repeat(`{"type":"Mention","href":"`+ilse+`"},`, 51), ",") + `]`,
			func(o Object) any { return len(o.Mentions) }, 51},
		{"a crowd of recipients", `"to":[` + strings.TrimSuffix(strings.Repeat(`"`+ilse+`",`, 101), ",") + `]`,
			func(o Object) any { return len(o.To) }, 101},
		{"a mention by name alone", `"tag":{"type":"Mention","name":"@ilse@overkant.example"}`,
			func(o Object) any { return len(o.Mentions) }, 0},
		{"a quote", `"quote":"` + bridge + `","quoteUrl":"https://veerhuis.example/n/0"`,
			func(o Object) any { return o.Quote }, bridge},
		{"a quote in Pleroma's word", `"quoteUrl":"` + bridge + `"`, func(o Object) any { return o.Quote }, bridge},
		{"a quote in Fedibird's word", `"quote":null,"quoteUri":"` + bridge + `"`, func(o Object) any { return o.Quote },
			bridge},
		{"a quote in Misskey's word", `"_misskey_quote":"` + bridge + `"`, func(o Object) any { return o.Quote }, bridge},
		{"a quote among the tags", `"tag":[7,{"type":"Link","rel":["x","https://misskey-hub.net/ns#_misskey_quote"],` +
			`"href":"` + bridge + `"}]`, func(o Object) any { return o.Quote }, bridge},
		{"a quote of a script", `"quote":"javascript:alert(1)","quoteUrl":7`, func(o Object) any { return o.Quote }, ""},
		{"a stamp for a quote", `"quoteAuthorization":{"id":"` + ilse + `/stamp"}`,
			func(o Object) any { return o.QuoteAuthorization }, ilse + "/stamp"},
		{"a stamp for an answer", `"replyAuthorization":"` + ilse + `/stamp","approvedBy":"` + bram + `"`,
			func(o Object) any { return o.ReplyAuthorization }, ilse + "/stamp"},
		{"a stamp for an answer, as it was called", `"approvedBy":"` + ilse + `/stamp"`,
			func(o Object) any { return o.ReplyAuthorization }, ilse + "/stamp"},
		{"emoji", `"tag":[{"type":"Emoji","name":":ferry:","icon":{"url":"https://veerhuis.example/f.png"}},` +
			`{"type":"Emoji","name":":none:"},{"type":"Emoji","name":"<b>","icon":{"url":"https://veerhuis.example/f.png"}}]`,
			func(o Object) any { return fmt.Sprint(o.Emojis) }, "[{:ferry: https://veerhuis.example/f.png}]"},
		{"a poll and who chose what", `"oneOf":[{"name":"Yes","replies":{"totalItems":3}},{"name":"No",` +
			`"replies":{"totalItems":-4}},{"name":"?","replies":{"totalItems":9e18}},{"name":"!","replies":"x"}]`,
			func(o Object) any { return fmt.Sprint(o.Options, o.Votes) }, "[Yes No ? !] [3 0 1000000000 0]"},
		{"a poll", `"oneOf":[{"type":"Note","name":"Yes: now"},{"type":"Note","name":"No"}]`,
			func(o Object) any { return strings.Join(o.Options, "|") }, "Yes: now|No"},
		{"a poll of many", `"anyOf":{"type":"Note","name":"Only"}`,
			func(o Object) any { return strings.Join(o.Options, "|") }, "Only"},
		{"a vote", `"name":"Yes","inReplyTo":"` + bridge + `"`, func(o Object) any { return o.IsVote() }, true},
		{"a note with a name and a text", `"name":"Yes","content":"x","inReplyTo":"` + bridge + `"`,
			func(o Object) any { return o.IsVote() }, false},
		{"a far future", `"published":"9999-12-31T23:59:59Z"`, func(o Object) any { return o.Published.Year() }, 9999},
		{"a time beyond all calendars", `"published":"9999-12-31T23:59:59-12:00"`,
			func(o Object) any { return o.Published.IsZero() }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := ParseObject(read(t, `{"id":"https://veerhuis.example/n/1","type":"Note",`+test.members+`}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := test.got(o); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestObjectsWithoutAnIDOrTypeAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"no id":             `{"type":"Note"}`,
		"an id of a script": `{"type":"Note","id":"javascript:x"}`,
		"no type":           `{"id":"https://veerhuis.example/n/1"}`,
	} {
		if o, err := ParseObject(read(t, body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
	}
}

func TestF069VisibilityIsThatOfTheObjectThenOfTheActivity(t *testing.T) {
	for _, test := range []struct {
		name   string
		object Object
		to, cc []string
		want   blog.CommentVisibility
	}{
		{"everybody", Object{To: []string{Public}}, nil, nil, blog.PublicComment},
		{"everybody, in short", Object{To: []string{"as:Public"}}, nil, nil, blog.PublicComment},
		{"everybody, in shorter", Object{To: []string{ilse, "Public"}}, nil, nil, blog.PublicComment},
		{"everybody, aside", Object{To: []string{ilse}, Cc: []string{Public}}, nil, nil, blog.UnlistedComment},
		{"one person", Object{To: []string{ilse}}, []string{Public}, nil, blog.RestrictedComment},
		{"the activity alone", Object{}, []string{Public}, nil, blog.PublicComment},
		{"the activity alone, aside", Object{}, []string{ilse}, []string{Public}, blog.UnlistedComment},
		{"nobody at all", Object{}, nil, nil, blog.RestrictedComment},
		{"something that looks like everybody", Object{To: []string{Public + "s"}}, nil, nil, blog.RestrictedComment},
	} {
		if got := test.object.Visibility(test.to, test.cc); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	for _, written := range []string{`"to":"as:Public"`, `"to":["as:Public"]`, `"to":{"id":"` + Public + `"}`,
		`"to":[null,"Public"]`} {
		o, err := ParseObject(read(t, `{"id":"https://veerhuis.example/n/1","type":"Note",`+written+`}`))
		if got := o.Visibility(nil, nil); err != nil || got != blog.PublicComment {
			t.Errorf("%s: %s, %v", written, got, err)
		}
	}
}
