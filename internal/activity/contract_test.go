package activity

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
)

// The tests here carry the numbers of the rows of internal/contract.md that this package alone can show.

// loose returns one of our documents as another program would see it.
func loose(t *testing.T, document []byte) map[string]any {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal(document, &raw); err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	return raw
}

// posted returns an article of ours as it is sent.
func posted(t *testing.T, work PostInput) map[string]any {
	t.Helper()
	document, err := Post(work)
	if err != nil {
		t.Fatal(err)
	}
	return loose(t, document)
}

// walk calls see with every object in a document, the outermost first.
func walk(value any, see func(map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		see(value)
		for _, member := range value {
			walk(member, see)
		}
	case []any:
		for _, item := range value {
			walk(item, see)
		}
	}
}

func TestF017ProfileHasAllPropertiesUnderTheConstantContext(t *testing.T) {
	person := loose(t, documents(t)["person"])
	context, _ := person["@context"].([]any)
	if len(context) != 3 || context[0] != namespace {
		t.Errorf("the @context is %v", context)
	}
	for _, property := range []string{"id", "type", "webfinger", "preferredUsername", "name", "summary", "url",
		"published", "updated",
		"manuallyApprovesFollowers", "discoverable", "indexable", "inbox", "outbox", "followers", "following", "featured",
		"featuredTags",
		"endpoints", "icon", "image", "tag", "attachment", "attributionDomains", "alsoKnownAs", "publicKey",
		"assertionMethod", "interactionPolicy"} {
		if person[property] == nil {
			t.Errorf("%s is missing", property)
		}
	}
}

func TestF023ListsStayListsWithOneEntry(t *testing.T) {
	for name, document := range documents(t) {
		walk(loose(t, document), func(object map[string]any) {
			for _, property := range []string{"attributionDomains", "alsoKnownAs", "attachment", "tag", "to", "cc", "items",
				"orderedItems"} {
				value, there := object[property]
				if _, list := value.([]any); there && !list && !isContext(object) {
					t.Errorf("%s: %s is %T", name, property, value)
				}
			}
		})
	}
}

// isContext reports whether an object is the part of an @context that defines words.
func isContext(object map[string]any) bool { return object["gts"] != nil }

func TestF024FeaturedArticlesAreNamedByTheirIDs(t *testing.T) {
	items := loose(t, documents(t)["items"])["orderedItems"].([]any)
	if diff := cmp.Diff([]any{bridge}, items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestF026NoActorOfOursIsAGroup(t *testing.T) {
	for _, kind := range []blog.VoiceKind{blog.AuthorVoice, blog.SiteVoice, blog.SeriesVoice, "anything else"} {
		voice := ilseVoice
		voice.Kind = kind
		for _, write := range []func(blog.Site, blog.Voice) ([]byte, error){Person, Stub} {
			document, err := write(overkant, voice)
			if kind := loose(t, document)["type"]; err != nil ||
				!slices.Contains([]any{"Person", "Organization", "Service"}, kind) {
				t.Errorf("%v, %v", kind, err)
			}
		}
	}
	document, err := Instance(overkant)
	if kind := loose(t, document)["type"]; err != nil || kind != "Application" {
		t.Errorf("the instance is a %v, %v", kind, err)
	}
}

func TestF027ArticleHasAPlainNameAndASummaryOfWords(t *testing.T) {
	o := posted(t, fourMinutes(blog.FullArticle))
	summary := o["summary"].(string)
	if o["type"] != "Article" || o["name"] != "Ferry: four minutes wide" || strings.Contains(summary, "<a") ||
		strings.Contains(summary, "<img") {
		t.Errorf("%v %q: %s", o["type"], o["name"], summary)
	}
	for plain, versions := range map[string]string{"name": "nameMap", "summary": "summaryMap", "content": "contentMap"} {
		if o[versions].(map[string]any)["en"] != o[plain] {
			t.Errorf("%s is not %s", versions, plain)
		}
	}
}

func TestF028ArticleHasNoAttachmentAndOneImage(t *testing.T) {
	o := posted(t, fourMinutes(blog.FullArticle))
	image, _ := o["image"].(map[string]any)
	if list, is := o["attachment"].([]any); !is || len(list) > 0 || image["type"] != "Image" ||
		image["url"] != "https://overkant.example/media/ferry-1600.jpg" {
		t.Errorf("attachment %v, image %v", o["attachment"], image)
	}
}

func TestF029PreviewIsANamelessNoteWithTitleAndTeaser(t *testing.T) {
	preview := posted(t, fourMinutes(blog.FullArticle))["preview"].(map[string]any)
	content := preview["content"].(string)
	if preview["type"] != "Note" || preview["id"] != nil || preview["name"] != nil {
		t.Errorf("%v", preview)
	}
	if !strings.Contains(content, "Ferry: four minutes wide") || !strings.Contains(content, "Review: the river") ||
		strings.Contains(content, "href") {
		t.Errorf("its content is %s", content)
	}
}

func TestF030FullNoteKeepsItsSummaryForWarnings(t *testing.T) {
	work := fourMinutes(blog.FullNote)
	for i := range 6 {
		more := quayPicture
		more.ID = blog.ID(fmt.Sprintf("01KAW0QUAY%d", i))
		work.Inline = append(work.Inline, more)
	}
	o := posted(t, work)
	pictures := o["attachment"].([]any)
	if o["type"] != "Note" || o["name"] != nil || o["summary"] != nil || o["sensitive"] != false || len(pictures) != 4 {
		t.Errorf("%v %v %v with %d pictures", o["type"], o["name"], o["summary"], len(pictures))
	}
	if first := pictures[0].(map[string]any); first["url"] != "https://overkant.example/media/ferry-1600.jpg" {
		t.Errorf("the first picture is %v", first)
	}
	work.Article.Warning = "Spiders"
	if o := posted(t, work); o["summary"] != "Spiders" || o["sensitive"] != true {
		t.Errorf("with a warning: %v, %v", o["summary"], o["sensitive"])
	}
}

var anchor = regexp.MustCompile(`<a href="([^"]*)"([^>]*)>`)

func TestF031TeaserHasOneLinkAndThatIsThePermalink(t *testing.T) {
	o := posted(t, fourMinutes(blog.TeaserNote))
	const page = "https://overkant.example/2026/11/four-minutes-wide"
	var links []string
	for _, a := range anchor.FindAllStringSubmatch(o["content"].(string), -1) {
		if !strings.Contains(a[2], "mention") {
			links = append(links, a[1])
		}
	}
	if diff := cmp.Diff([]string{page}, links); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{map[string]any{"type": "Link", "mediaType": "text/html", "href": page}},
		o["attachment"]); diff != "" {
		t.Errorf("the attachment (-want +got):\n%s", diff)
	}
}

func TestF033FormatSlugAndTitleLeaveTheIDAlone(t *testing.T) {
	want := posted(t, fourMinutes(blog.FullArticle))["id"]
	for _, format := range []blog.Format{blog.FullArticle, blog.FullNote, blog.TeaserNote} {
		work := fourMinutes(format)
		work.Article.Title, work.Article.Slug, work.Article.Month = "Five minutes wide", "five-minutes-wide", "2026/12"
		if got := posted(t, work)["id"]; got != want {
			t.Errorf("%s: %v, want %v", format, got, want)
		}
	}
}

func TestF034TimesAreInUTC(t *testing.T) {
	for name, document := range documents(t) {
		walk(loose(t, document), func(object map[string]any) {
			for _, moment := range []string{"published", "updated", "deleted"} {
				if at, there := object[moment].(string); there && (!strings.HasSuffix(at, "Z") || strings.Contains(at, ".")) {
					t.Errorf("%s: %s %s", name, moment, at)
				}
			}
			said, _ := object["published"].(string)
			changed, there := object["updated"].(string)
			if there && changed <= said {
				t.Errorf("%s: updated %s, published %s", name, changed, said)
			}
		})
	}
}

func TestF035WhatOthersReadAsOneIsOne(t *testing.T) {
	all := documents(t)
	for _, name := range slices.Concat(slices.Collect(maps.Keys(works())), slices.Collect(maps.Keys(answers()))) {
		o := loose(t, all[name])
		for _, property := range []string{"id", "url", "context", "attributedTo", "inReplyTo", "content", "summary", "name"} {
			if value, there := o[property]; there {
				if _, is := value.(string); !is {
					t.Errorf("%s: %s is %T", name, property, value)
				}
			}
		}
		for _, property := range []string{"language", "image"} {
			if value, there := o[property]; there {
				if _, is := value.(map[string]any); !is {
					t.Errorf("%s: %s is %T", name, property, value)
				}
			}
		}
	}
}

// allowed are the elements that may stand in what we send; those after the bar in an Article only.
var allowed = strings.Fields("p br span a del s pre blockquote code b strong u i em ul ol li ruby rt rp h2 h3 h4 h5 " +
	"h6 | img hr sup sub figure figcaption table thead tbody tr th td")

func TestF036OnlyTheSubsetGoesOutAndOnlyAbsoluteAddresses(t *testing.T) {
	element, address := regexp.MustCompile(`<([a-z0-9]+)`), regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	bar := slices.Index(allowed, "|")
	for name, work := range works() {
		o := posted(t, work)
		content := o["content"].(string)
		known := allowed
		if o["type"] == "Note" {
			known = allowed[:bar]
		}
		for _, found := range element.FindAllStringSubmatch(content, -1) {
			if !slices.Contains(known, found[1]) {
				t.Errorf("%s: <%s>", name, found[1])
			}
		}
		for _, found := range address.FindAllStringSubmatch(content, -1) {
			if !strings.HasPrefix(found[1], "https://") {
				t.Errorf("%s: leads to %s", name, found[1])
			}
		}
	}
	if note := posted(t, fourMinutes(blog.FullNote))["content"].(string); !strings.Contains(note, "8:00 | 8:04") {
		t.Errorf("the table is lost: %s", note)
	}
}

func TestF037HashtagsAndMentionsAreWhatOthersLookFor(t *testing.T) {
	for file, work := range works() {
		o := posted(t, work)
		for _, v := range o["tag"].([]any) {
			tag := v.(map[string]any)
			name, href := tag["name"].(string), tag["href"].(string)
			switch tag["type"] {
			case "Hashtag":
				if strings.Count(name, "#") != 1 || strings.ContainsAny(name, " ") ||
					!strings.HasPrefix(href, "https://overkant.example/tags/") {
					t.Errorf("%s leads to %s", name, href)
				}
			case "Mention":
				if strings.Count(name, "@") != 2 || name[0] != '@' || !slices.Contains(o["cc"].([]any), any(href)) {
					t.Errorf("%s is %s; cc %v", name, href, o["cc"])
				}
			default:
				t.Errorf("%s: a tag of type %v", file, tag["type"])
			}
		}
	}
	for _, name := range []string{"article", "article-together"} {
		if work := works()[name]; len(posted(t, work)["tag"].([]any)) < 3 {
			t.Errorf("%s has lost tags", name)
		}
	}
}

func TestF038AudienceIsThatOfTheVisibilityOnActivityAndObject(t *testing.T) {
	followers := ilse + "/followers"
	for visibility, want := range map[blog.Visibility][2][]any{
		blog.Public:    {{Public}, {followers, bram}},
		blog.Unlisted:  {{followers}, {Public, bram}},
		blog.Followers: {{followers}, {bram}},
	} {
		work := fourMinutes(blog.FullArticle)
		work.Article.Visibility = visibility
		object, err := Post(work)
		if err != nil {
			t.Fatal(err)
		}
		e := Envelope{Site: overkant, Voice: ilseVoice, ID: "01KAW2ACT", At: edited22}
		create, err := WrapCreate(e, object)
		if err != nil {
			t.Fatal(err)
		}
		for name, document := range map[string][]byte{"object": object, "activity": create} {
			o := loose(t, document)
			if diff := cmp.Diff(want, [2][]any{o["to"].([]any), o["cc"].([]any)}); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", visibility, name, diff)
			}
		}
	}
}

func TestF040QuotePoliciesAreWrittenAsTheyAreRead(t *testing.T) {
	for quotes, want := range map[string]string{"everyone": Public, "followers": ilse + "/followers", "nobody": ilse} {
		work := fourMinutes(blog.FullArticle)
		work.Article.Quotes = quotes
		policy := posted(t, work)["interactionPolicy"].(map[string]any)["canQuote"]
		if diff := cmp.Diff(map[string]any{"automaticApproval": []any{want}}, policy); diff != "" {
			t.Errorf("%s (-want +got):\n%s", quotes, diff)
		}
	}
}

func TestF041CommentModesAreWrittenAsReplyPolicies(t *testing.T) {
	followers := ilse + "/followers"
	for mode, want := range map[blog.Policy]map[string]any{
		blog.Open:    {"automaticApproval": []any{Public}},
		blog.Known:   {"automaticApproval": []any{followers}, "manualApproval": []any{Public}},
		blog.Approve: {"manualApproval": []any{Public}},
		blog.Closed:  {"automaticApproval": []any{ilse}},
	} {
		work := fourMinutes(blog.FullArticle)
		work.Article.Comments = mode
		policy := posted(t, work)["interactionPolicy"].(map[string]any)["canReply"]
		if diff := cmp.Diff(any(want), policy); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
	}
}

func TestF048AcceptEmbedsTheFollowWithItsOwnID(t *testing.T) {
	accept := loose(t, documents(t)["accept"])
	want := map[string]any{"id": followID, "type": "Follow", "actor": bram, "object": ilse}
	if diff := cmp.Diff(any(want), accept["object"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{bram}, accept["to"]); diff != "" {
		t.Errorf("to (-want +got):\n%s", diff)
	}
}

func TestF050UpdateCarriesTheWholeObjectAndItsLaterTime(t *testing.T) {
	all := documents(t)
	object, want := loose(t, all["update"])["object"].(map[string]any), loose(t, all["article-unlisted-edited"])
	delete(want, "@context")
	if diff := cmp.Diff(want, object); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if object["updated"] != edited22.Format(time.RFC3339) {
		t.Errorf("updated %v", object["updated"])
	}
}

func TestF051DeleteCarriesATombstoneToThoseWhoHadTheCreate(t *testing.T) {
	all := documents(t)
	e := Envelope{Site: overkant, Voice: ilseVoice, ID: "01KAW2ACT", At: edited22}
	for name := range works() {
		document, err := WrapDelete(e, all[name])
		if err != nil {
			t.Fatal(err)
		}
		gone, was := loose(t, document), loose(t, all[name])
		want := map[string]any{"id": bridge, "type": "Tombstone", "formerType": was["type"],
			"deleted": edited22.Format(time.RFC3339)}
		if diff := cmp.Diff([]any{want, was["to"], was["cc"]}, []any{gone["object"], gone["to"], gone["cc"]}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestF052UndoEmbedsTheOriginal(t *testing.T) {
	all := documents(t)
	e := Envelope{Site: overkant, Voice: ilseVoice, ID: "01KAW2ACT", At: edited22}
	for _, name := range []string{"announce", "like", "follow"} {
		document, err := WrapUndo(e, all[name])
		if err != nil {
			t.Fatal(err)
		}
		undo, want := loose(t, document), loose(t, all[name])
		delete(want, "@context")
		if diff := cmp.Diff([]any{want, want["to"], want["cc"]}, []any{undo["object"], undo["to"], undo["cc"]}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestF054FlagIsSentByTheInstanceToOneServerOnly(t *testing.T) {
	document := documents(t)["flag"]
	flag := loose(t, document)
	if _, there := flag["cc"]; there || flag["actor"] != overkant.InstanceID() ||
		strings.Contains(string(document), ilse) {
		t.Errorf("%s", document)
	}
	if diff := cmp.Diff([]any{kade, "https://zilverduin.example/n/1", "https://zilverduin.example/n/2"},
		flag["object"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestF055PinsNameTheFeaturedArticles(t *testing.T) {
	all := documents(t)
	featured := loose(t, all["person"])["featured"]
	for name, kind := range map[string]string{"add": "Add", "remove": "Remove"} {
		if pin := loose(t, all[name]); pin["type"] != kind || pin["target"] != featured || pin["object"] != bridge {
			t.Errorf("%s: %v", name, pin)
		}
	}
}

func TestF070VoteInAPollIsNoComment(t *testing.T) {
	vote := `{"type":"Note","id":"https://veerhuis.example/n/1","attributedTo":"` + bram + `","name":"Yes","inReplyTo":"` +
		bridge + `"}`
	a, err := Parse(read(t, byBram("Create", `"object":`+vote)))
	if err != nil || a.Act != nil {
		t.Errorf("in a Create: %+v, %v", a.Act, err)
	}
	if o, err := ParseObject(read(t, vote)); err != nil || !o.IsVote() {
		t.Errorf("alone: %+v, %v", o, err)
	}
}

func TestF071PostsOfEveryKindAreComments(t *testing.T) {
	for kind, is := range map[string]bool{"Note": true, "Article": true, "Page": true, "Question": true, "Image": true,
		"Video": true,
		"Audio": true, "Event": true, "Person": false, "Tombstone": false, "ChatMessage": false, "Collection": false} {
		o, err := ParseObject(read(t, `{"type":"`+kind+`","id":"https://veerhuis.example/n/1","content":"x","inReplyTo":"`+
			bridge+`"}`))
		if err != nil || o.IsPost() != is || o.InReplyTo != bridge {
			t.Errorf("%s: %v, %v", kind, o.IsPost(), err)
		}
	}
}

func TestF094SignaturesAndProofsWithinADocumentChangeNothing(t *testing.T) {
	want, err := Parse(read(t, byBram("Create", `"object":`+reply)))
	if err != nil {
		t.Fatal(err)
	}
	for name, member := range map[string]string{
		"a forged LD signature": `"signature":{"type":"RsaSignature2017","creator":"` + ilse +
			`#main-key","signatureValue":"AAAA"}`,
		"a signature of null":   `"signature":null`,
		"a proof that is wrong": `"proof":{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022","proofValue":"z1"}`,
		"a proof of anything":   `"proof":[[7]]`,
	} {
		got, err := Parse(read(t, byBram("Create", member+`,"object":`+reply)))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
