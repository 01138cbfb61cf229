package activity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
)

var update = flag.Bool("update", false, "write the golden files anew")

// followID would not survive a program that takes addresses apart.
const followID = "https://veerhuis.example/users/bram?a=%7e#follows/1#%23é"

// The same evening in all tests: Ilse publishes part two of The Low Road, and changes a comma an hour later.
var (
	published21 = time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC)
	edited22    = published21.Add(time.Hour)
	overkant    = blog.Site{URL: "https://overkant.example", HandleDomain: "overkant.example", Name: "De Overkant",
		Language: "nl", PublicKey: "-----BEGIN PUBLIC KEY-----\nMIIBsite\n-----END PUBLIC KEY-----\n"}
	ilseVoice = blog.Voice{ID: "01KAV3R8XQZ6M2T4N5P7S9W0YB", Kind: blog.AuthorVoice, Handle: "ilse",
		Name:    "Ilse Verhaagen",
		Summary: "Takes the ferry & writes about it.\n\nEnglish: sometimes.", Picture: "ilse.jpg", Header: "river.webp",
		Fields:       blog.Fields{{Name: "Blog", Value: "https://overkant.example/"}, {Name: "Boat", Value: "<none>"}},
		PublicKey:    "-----BEGIN PUBLIC KEY-----\nMIIBilse\n-----END PUBLIC KEY-----\n",
		ProofKey:     "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
		Discoverable: true, Indexable: true, AlsoKnownAs: blog.Strings{"https://veerhuis.example/users/ilse"},
		CreatedAt: time.Date(2026, 3, 4, 15, 16, 17, 18, time.UTC), UpdatedAt: time.Date(2026, 5, 2, 9, 0, 0, 999, time.UTC)}
	bramMention = Mention{Handle: "bram@veerhuis.example", ActorID: bram, URL: "https://veerhuis.example/@bram"}
	heroPicture = &blog.Picture{ID: "01KAW0HERO", Type: "image/jpeg", Blurhash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
		Alt: "A ferry in fog",
		Files: []blog.PictureFile{{File: "ferry-800.jpg", Width: 800, Height: 450},
			{File: "ferry-1600.jpg", Width: 1600, Height: 900}}}
	quayPicture = blog.Picture{ID: "01KAW0QUAY", Type: "image/png", Alt: "The quay",
		Files: []blog.PictureFile{{File: "quay.png", Width: 640, Height: 480}}}
)

// fourMinutes is the article of the tests. Its texts look like addresses on purpose.
func fourMinutes(format blog.Format) PostInput {
	at := published21
	return PostInput{Site: overkant, Author: ilseVoice, Picture: heroPicture, Inline: []blog.Picture{quayPicture},
		Mentions: []Mention{bramMention},
		Article: blog.Article{ID: "01KAW0ARTICLE", VoiceID: ilseVoice.ID, Status: blog.Published, Format: format,
			Visibility: blog.Public,
			Comments:   blog.Open, Quotes: "everyone", PictureAlt: "The ferry, late", Month: "2026/11",
			ObjectID:    "01KAW0M5E8D3G6J9N2Q4T7V0XA",
			PublishedAt: &at, Tags: blog.Strings{"ferry", "low road"},
			Text: blog.Text{Language: "en", Title: "Ferry: four minutes wide", Summary: "Review: the river & <its> boats.",
				Slug: "four-minutes-wide",
				HTML: `<h2 id="low">The low road</h2><p>Four minutes, <em>if</em> the wind allows. <a ` +
					`href="/tags/ferry">More</a></p>` +
					`<figure><img src="/media/quay.png" alt="The quay" width="640" height="480"></figure>` +
					`<table><thead><tr><th>up</th><th>down</th></tr></thead>` +
					`<tbody><tr><td>8:00</td><td>8:04</td></tr></tbody></table>`}}}
}

func works() map[string]PostInput {
	teaser, warned, unlisted, followers := fourMinutes(blog.TeaserNote), fourMinutes(blog.FullNote),
		fourMinutes(blog.FullArticle), fourMinutes(blog.FullNote)
	warned.Article.Warning = "Spiders: many & big"
	warned.Article.Quotes, warned.Article.Comments = "nobody", blog.Closed
	unlisted.Article.Visibility, unlisted.Article.UpdatedAt = blog.Unlisted, &edited22
	unlisted.Article.Quotes, unlisted.Article.Comments = "followers", blog.Known
	unlisted.Picture = nil
	followers.Article.Visibility, followers.Article.Comments = blog.Followers, blog.Approve
	followers.Mentions, followers.Picture, followers.Inline = nil, nil, nil
	together := fourMinutes(blog.FullArticle)
	together.Article.Authors = []blog.Byline{{VoiceID: ilseVoice.ID, Handle: "ilse", Name: "Ilse Verhaagen"},
		{VoiceID: "01KAV3T0BIAS", Handle: "tobias", Name: "Tobias Renkema"},
		{Name: "Guest <Gast>", URL: "https://dijla.example/"}}
	together.Translations = []blog.Text{{Language: "de", Title: "Vier Minuten breit", Summary: "Der Fluss.",
		HTML: "<p>Vier Minuten.</p>"}}
	return map[string]PostInput{"article": fourMinutes(blog.FullArticle), "note-full": fourMinutes(blog.FullNote),
		"note-teaser":            teaser,
		"note-full-with-warning": warned, "article-unlisted-edited": unlisted, "note-full-followers": followers,
		"article-together": together}
}

func answers() map[string]Reply {
	comment := blog.Comment{ID: "01KAW1NOTE", HTML: "<p>Thank you: yes.</p>", Language: "en",
		Visibility: blog.PublicComment, PublishedAt: edited22,
		URL: "https://overkant.example/2026/11/four-minutes-wide#comment-01KAW1NOTE"}
	public := Reply{Site: overkant, Author: ilseVoice, Comment: comment,
		Article:   blog.Article{ObjectID: "01KAW0M5E8D3G6J9N2Q4T7V0XA", Quotes: "followers", Comments: blog.Approve},
		InReplyTo: "https://veerhuis.example/n/1#%C3é", To: &bramMention}
	restricted, alone := public, public
	restricted.Comment.Visibility, restricted.Comment.Warning = blog.RestrictedComment, "Between us"
	alone.To, alone.InReplyTo, alone.Comment.URL, alone.Comment.Language = nil, "", "", ""
	alone.Comment.Visibility = blog.UnlistedComment
	return map[string]Reply{"answer": public, "answer-restricted": restricted, "answer-to-the-article": alone}
}

// documents returns all the documents that we send or serve, by the name of their golden file.
func documents(t *testing.T) map[string][]byte {
	all := map[string][]byte{}
	add := func(name string) func([]byte, error) {
		return func(document []byte, err error) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all[name] = document
		}
	}
	for name, work := range works() {
		add(name)(Post(work))
	}
	for name, reply := range answers() {
		add(name)(Answer(reply))
	}
	add("person")(Person(overkant, ilseVoice))
	add("organization")(Person(overkant, blog.Voice{ID: "01KAV3SITE", Kind: blog.SiteVoice, Handle: "overkant",
		Name: "De Overkant", MovedTo: bram,
		ApprovesFollowers: true, CreatedAt: ilseVoice.CreatedAt}))
	add("stub")(Stub(overkant, ilseVoice))
	add("instance")(Instance(overkant))
	e := Envelope{Site: overkant, Voice: ilseVoice, ID: "01KAW2ACT", At: edited22}
	follower := blog.Follower{VoiceID: ilseVoice.ID, ActorID: bram, FollowID: followID}
	add("create")(WrapCreate(e, all["article"]))
	add("create-answer-restricted")(WrapCreate(e, all["answer-restricted"]))
	add("update")(WrapUpdate(e, all["article-unlisted-edited"]))
	add("update-person")(WrapUpdate(e, all["person"]))
	add("delete")(WrapDelete(e, all["note-full-followers"]))
	add("delete-person")(WrapDelete(e, all["person"]))
	add("tombstone")(Tombstone(all["article"], edited22))
	add("accept")(WrapAccept(e, follower))
	add("reject")(WrapReject(e, follower))
	add("reject-by-the-instance")(WrapReject(Envelope{Site: overkant, ID: "01KAW2ACT", At: edited22},
		blog.Follower{ActorID: bram}))
	add("announce")(WrapAnnounce(e, "https://veerhuis.example/n/1", bram))
	add("undo")(WrapUndo(e, all["announce"]))
	add("follow")(WrapFollow(e, bram))
	add("like")(WrapLike(e, "https://veerhuis.example/n/1", bram))
	add("move")(WrapMove(e, "https://dijla.example/users/ilse"))
	add("flag")(WrapFlag(e, kade, []string{"https://zilverduin.example/n/1", "https://zilverduin.example/n/2", kade},
		"Spam: look & see"))
	add("add")(WrapAdd(e, bridge))
	add("remove")(WrapRemove(e, bridge))
	add("delete-actor")(WrapDeleteActor(e))
	add("announce-by-the-site")(WrapAnnounce(Envelope{Site: overkant,
		Voice: blog.Voice{ID: "01KAV3SITE", Kind: blog.SiteVoice}, ID: e.ID, At: e.At}, bridge, ilse))
	add("announce-by-a-series")(WrapAnnounce(Envelope{Site: overkant,
		Voice: blog.Voice{ID: "01KAV3ROAD", Kind: blog.SeriesVoice}, ID: e.ID, At: e.At}, bridge, ""))
	add("create-by-reference")(ByReference(all["create"]))
	add("update-by-reference")(ByReference(all["update"]))
	add("create-with-proof")(AddProof(all["create"], proofKey, ilse+"#ed25519-key", edited22))
	add("undo-of-what-has-a-proof")(undoOfProven(e, all["announce"]))
	add("quote-request")(WrapQuoteRequest(e, "https://veerhuis.example/n/1", bram, all["article"]))
	addConsentDocuments(add, e)
	addCollectionDocuments(all)
	all["quote-authorization"], all["reply-authorization"] = quoteStamp.Document(), replyStamp.Document()
	all["feature-authorization"] = featureStamp.Document()
	addAuthorsDocuments(add, all)
	return all
}

// proofKey is Ilse's, for proofs; a seed of zeros will do here.
var proofKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

func undoOfProven(e Envelope, announce []byte) ([]byte, error) {
	proven, err := AddProof(announce, proofKey, ilse+"#ed25519-key", edited22)
	if err != nil {
		return nil, err
	}
	return WrapUndo(e, proven)
}

var (
	quoteStamp = Authorization{Site: overkant, Voice: ilseVoice, ID: "01KAW3STAMP",
		Kind: blog.QuoteAuthorization, Instrument: "https://veerhuis.example/n/1", Target: bridge}
	replyStamp = Authorization{Site: overkant, Voice: ilseVoice, ID: "01KAW3STAMP",
		Kind: blog.ReplyAuthorization, Instrument: "https://veerhuis.example/n/1", Target: bridge}
	featureStamp = Authorization{Site: overkant, Voice: ilseVoice, ID: "01KAW3STAMP",
		Kind: blog.FeatureAuthorization, Instrument: "https://veerhuis.example/lists/1", Target: ilse}
	asksFeature = Request{Type: "FeatureRequest", ID: "https://veerhuis.example/lists/1/asks/1", Actor: bram,
		Object: ilse, Instrument: "https://veerhuis.example/lists/1"}
	asksQuote = Request{Type: "QuoteRequest", ID: "https://veerhuis.example/n/1/quote", Actor: bram, Object: bridge,
		Instrument: "https://veerhuis.example/n/1"}
	asksReply = Request{Type: "ReplyRequest", ID: "https://veerhuis.example/n/1/reply", Actor: bram, Object: bridge,
		Instrument: "https://veerhuis.example/n/1"}
	asksNot = Request{Actor: bram, Object: bridge, Instrument: "https://veerhuis.example/n/1"}
)

func addConsentDocuments(add func(name string) func([]byte, error), e Envelope) {
	add("accept-quote-request")(WrapAcceptRequest(e, asksQuote, quoteStamp.Address()))
	add("reject-quote-request")(WrapRejectRequest(e, asksQuote))
	add("accept-reply-request")(WrapAcceptRequest(e, asksReply, quoteStamp.Address()))
	add("accept-reply-without-request")(WrapAcceptRequest(e, asksNot, quoteStamp.Address()))
	add("reject-reply-without-request")(WrapRejectRequest(e, asksNot))
	add("accept-feature-request")(WrapAcceptRequest(e, asksFeature, featureStamp.Address()))
	add("reject-feature-request")(WrapRejectRequest(e, asksFeature))
	add("delete-stamp")(WrapDeleteAuthorization(e, quoteStamp, bram, nadia, bram))
}

// authorsCollection is the one of De Overkant, with Ilse and Tobias, who said yes later.
var authorsCollection = AuthorsCollection{Site: overkant,
	Voice: blog.Voice{ID: "01KAV3SITE", Kind: blog.SiteVoice, Handle: "overkant", Name: "De Overkant",
		Summary: "Across the river & back.", Discoverable: true, FeaturesSince: &published21, CreatedAt: ilseVoice.CreatedAt,
		UpdatedAt: ilseVoice.UpdatedAt},
	Members: []blog.Authorization{
		{ID: "01KAW3TOBIAS", Target: "https://overkant.example/ap/actors/01KAV3T0BIAS", At: edited22},
		{ID: "01KAW3STAMP", Target: ilse, At: published21}}}

func addAuthorsDocuments(add func(name string) func([]byte, error), all map[string][]byte) {
	c := authorsCollection
	e := Envelope{Site: overkant, Voice: c.Voice, ID: "01KAW2ACT", At: edited22}
	id, list := overkant.AuthorsCollection(c.Voice.ID), overkant.Collections(c.Voice.ID)
	all["authors-collection"], all["authors-item"] = c.Document(), c.Item(c.Members[1])
	c.Members = nil
	all["authors-collection-empty"] = c.Document()
	add("organization-with-authors")(Person(overkant, c.Voice))
	add("add-authors-collection")(WrapAddTo(e, all["authors-collection"], list))
	add("add-authors-item")(WrapAddTo(e, all["authors-item"], id))
	add("update-authors-collection")(WrapUpdateOf(e, all["authors-collection"]))
	add("remove-authors-collection")(WrapRemoveFrom(e, id, list))
	add("remove-authors-item")(WrapRemoveFrom(e, overkant.AuthorsItem(c.Voice.ID, "01KAW3STAMP"), id))
}

// contexts are the @contexts of our documents, by what they are called in golden files.
func contexts(t *testing.T) map[string]string {
	proving, err := contextWithProof([]byte(mainContext))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"the context": mainContext, "the context of consent": requestContext,
		"the context of featured collections": featureContext,
		"the context of proofs":               string(proving)}
}

// named is a document with its @context called by name.
func named(t *testing.T, document []byte) []byte {
	for name, context := range contexts(t) {
		if bytes.HasPrefix(document, []byte(opening+context+",")) {
			return bytes.ReplaceAll(document, []byte(context), []byte(`"`+name+`"`))
		}
	}
	t.Fatalf("it begins with none of our contexts: %.200s", document)
	return nil
}

func addCollectionDocuments(all map[string][]byte) {
	outbox, replies := ilse+"/outbox", bridge+"/replies"
	all["collection"] = Collection(outbox, 3, outbox+"?cursor=a", outbox+"?cursor=z")
	all["collection-hidden"] = Collection(ilse+"/followers", 3, "", "")
	all["collection-page"] = CollectionPage(outbox+"?cursor=a", outbox, outbox+"?cursor=b",
		[]json.RawMessage{all["announce"], json.RawMessage(`"https://veerhuis.example/n/1"`)})
	all["collection-page-empty"] = CollectionPage(outbox+"?cursor=z", outbox, "", nil)
	all["items"] = Items(ilse+"/featured", []string{bridge})
	all["items-none"] = Items(ilse+"/featured", nil)
	all["context"] = ContextCollection(Conversation{Article: overkant.ArticleID("01KAW0M5E8D3G6J9N2Q4T7V0XA"),
		Author: overkant.ActorID(ilseVoice.ID), Comments: []string{"https://veerhuis.example/n/1"}, Total: 1})
	all["replies"] = Replies(replies, []string{"https://veerhuis.example/n/1"}, 61, replies+FirstReplies)
	all["replies-page"] = RepliesPage(replies+FirstReplies, replies, "", []string{"https://veerhuis.example/n/1"})
	all["count"] = Count(bridge+"/likes", 14)
	all["article-with-counts"] = WithCounts(all["article"], blog.Counts{Replies: 2, Likes: 14, Boosts: 5},
		[]string{"https://overkant.example/ap/notes/01KAW1NOTE"})
}

func TestDocumentsMatchTheirGoldenFiles(t *testing.T) {
	for name, document := range documents(t) {
		t.Run(name, func(t *testing.T) {
			got := readable(t, named(t, document))
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// readable returns a document with line breaks, so that people can review a golden file.
func readable(t *testing.T, document []byte) []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, document, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	return append(out.Bytes(), '\n')
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	want := documents(t)
	for range 20 {
		for name, got := range documents(t) {
			if !bytes.Equal(got, want[name]) {
				t.Fatalf("%s changed:\n%s\n%s", name, want[name], got)
			}
		}
	}
}

func TestTheContextIsOneThatOthersCanRead(t *testing.T) {
	var list []any
	if err := json.Unmarshal([]byte(mainContext), &list); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{namespace, "https://w3id.org/security/v1"}, list[:len(list)-1]); diff != "" {
		t.Errorf("the documents that it names (-want +got):\n%s", diff)
	}
	terms := list[len(list)-1].(map[string]any)
	for _, term := range []string{"sensitive", "Hashtag", "blurhash", "PropertyValue", "featured", "interactionPolicy",
		"attributionDomains",
		"webfinger", "assertionMethod", "Multikey", "controller", "publicKeyMultibase"} {
		if terms[term] == nil {
			t.Errorf("%s is not defined", term)
		}
	}
}

func TestOurOwnPostsAreReadAsTheyWereMeant(t *testing.T) {
	for name, work := range works() {
		t.Run(name, func(t *testing.T) {
			document, err := Post(work)
			if err != nil {
				t.Fatal(err)
			}
			o, err := ParseObject(read(t, string(document)))
			if err != nil {
				t.Fatal(err)
			}
			a := work.Article
			got := []any{o.ID, o.AttributedTo, o.URL, o.Published, o.Updated, o.Language, o.To, o.Cc}
			who := work.audience()
			var cc []string
			cc = append(cc, who.cc...)
			want := []any{overkant.ArticleID(a.ObjectID), ilse, overkant.ArticlePage(a), published21, a.UpdatedAt, "en", who.to,
				cc}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if a.Format == blog.FullArticle && (o.Type != "Article" || o.Name != a.Title ||
				o.Summary != "Review: the river &amp; &lt;its&gt; boats.") {
				t.Errorf("%s %q %q", o.Type, o.Name, o.Summary)
			}
			if a.Format != blog.FullArticle && (o.Type != "Note" || o.Name != "" || o.Summary != a.Warning) {
				t.Errorf("%s %q %q", o.Type, o.Name, o.Summary)
			}
			if !strings.Contains(o.Content, "Ferry: four minutes wide") && o.Type == "Note" {
				t.Errorf("the title is missing: %s", o.Content)
			}
		})
	}
}

func TestOurOwnActivitiesAreReadAsTheyWereMeant(t *testing.T) {
	all := documents(t)
	embedded := func(name string) Object {
		o, err := ParseObject(read(t, string(all[name])))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	for name, want := range map[string]any{
		"create":                   Create{embedded("article")},
		"create-answer-restricted": Create{embedded("answer-restricted")},
		"update":                   Update{embedded("article-unlisted-edited")},
		"update-person":            Update{embedded("person")},
		"delete":                   Delete{bridge},
		"delete-person":            Delete{ilse},
		"accept":                   Accept{Object: blog.URI(followID), FollowObject: ilse, FollowActor: bram, Type: "Follow"},
		"reject":                   Reject{Object: blog.URI(followID), FollowObject: ilse, FollowActor: bram, Type: "Follow"},
		"reject-by-the-instance":   Reject{FollowObject: overkant.InstanceID(), FollowActor: bram, Type: "Follow"},
		"announce":                 Announce{Object: "https://veerhuis.example/n/1"},
		"undo": Undo{"https://overkant.example/ap/activities/01KAW2ACT", "Announce",
			"https://veerhuis.example/n/1"},
		"undo-of-what-has-a-proof": Undo{"https://overkant.example/ap/activities/01KAW2ACT", "Announce",
			"https://veerhuis.example/n/1"},
		"follow": Follow{bram},
		"like":   Like{Object: "https://veerhuis.example/n/1"},
		"move":   Move{ilse, "https://dijla.example/users/ilse"},
		"flag": Flag{[]string{kade, "https://zilverduin.example/n/1", "https://zilverduin.example/n/2"},
			"Spam: look & see"},
		"add":                    nil,
		"remove":                 Remove{Object: bridge, Target: ilse + "/featured"},
		"delete-actor":           Delete{ilse},
		"announce-by-the-site":   Announce{Object: bridge},
		"announce-by-a-series":   Announce{Object: bridge},
		"create-by-reference":    Create{Object{ID: bridge}},
		"update-by-reference":    Update{Object{ID: bridge}},
		"create-with-proof":      Create{embedded("article")},
		"accept-quote-request":   Accept{Object: asksQuote.ID, Type: "QuoteRequest", Result: quoteStamp.Address()},
		"reject-quote-request":   Reject{Object: asksQuote.ID, Type: "QuoteRequest"},
		"accept-reply-request":   Accept{Object: asksReply.ID, Type: "ReplyRequest", Result: quoteStamp.Address()},
		"accept-feature-request": Accept{Object: asksFeature.ID, Type: "FeatureRequest", Result: featureStamp.Address()},
		"reject-feature-request": Reject{Object: asksFeature.ID, Type: "FeatureRequest"},
		"delete-stamp":           Delete{quoteStamp.Address()},

		"accept-reply-without-request": Accept{Object: asksNot.Instrument, Result: quoteStamp.Address()},
		"reject-reply-without-request": Reject{Object: asksNot.Instrument},
	} {
		a, err := Parse(read(t, string(all[name])))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, a.Act); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if a.ID != "https://overkant.example/ap/activities/01KAW2ACT" || a.Published == nil || !a.Published.Equal(edited22) {
			t.Errorf("%s: %s at %v", name, a.ID, a.Published)
		}
	}
	if embedded("person").Actor == nil {
		t.Error("the profile of a person is not read as an actor")
	}
}

func TestOurOwnProfilesAreReadAsTheyWereMeant(t *testing.T) {
	document, err := Person(overkant, ilseVoice)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseActor(read(t, string(document)))
	if err != nil {
		t.Fatal(err)
	}
	want := blog.Actor{ID: ilse, Type: "Person", Handle: "ilse@overkant.example", Name: "Ilse Verhaagen",
		Summary: "Takes the ferry & writes about it.\n\nEnglish: sometimes.", Icon: "https://overkant.example/media/ilse.jpg",
		URL: "https://overkant.example/@ilse", Host: "overkant.example", Inbox: ilse + "/inbox",
		SharedInbox:  "https://overkant.example/ap/inbox",
		FollowersURL: ilse + "/followers", AlsoKnownAs: blog.Strings{"https://veerhuis.example/users/ilse"}}
	if len(a.Keys) != 2 || a.Keys[0].KeyID != ilse+"#main-key" || a.Keys[1].KeyID != ilse+"#ed25519-key" {
		t.Errorf("the keys are %+v", a.Keys)
	}
	a.Keys = nil
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
