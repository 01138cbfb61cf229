package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/doctor"
	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

const public = "https://www.w3.org/ns/activitystreams#Public"

// fetch runs “causerie fetch”. trouble is the error of a refusal.
func (s *stage) fetch(what string, settings ...string) (found doctor.FetchReport, trouble string) {
	s.t.Helper()
	out, trouble, status := cli(s.ctx, s.args(append([]string{"fetch", what, "--json"}, settings...)...), nil, "")
	if (status == failed) != (trouble != "") {
		s.t.Errorf("%s: it ended with %d and said %q", what, status, trouble)
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		s.t.Fatalf("%s: %v in %q, after %q", what, err, out, trouble)
	}
	if trouble != "" && trouble != "causerie: "+found.Refused+"\n" {
		s.t.Errorf("%s: it said %q, and %q", what, trouble, found.Refused)
	}
	return found, trouble
}

// noteIn reports whether one of the notes contains a text.
func noteIn(found doctor.FetchReport, words string) bool {
	return strings.Contains(strings.Join(found.Notes, "\n"), words)
}

func TestFetchShowsAnActor(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		server, bram := s.veerhuis()
		bram.SetAlsoKnownAs("https://noordkade.example/users/bram")
		found, trouble := s.fetch("@bram@" + server.Host)
		p := found.Person
		if trouble != "" || p == nil || found.Kind != "Person" || p.ID != bram.ID || p.Handle != bram.Handle() ||
			!p.Confirmed || p.Name != "Bram" || p.Summary != "Bram lives on veerhuis." ||
			p.Inbox != bram.Inbox() || p.SharedInbox != server.URL+"/inbox" || len(p.AlsoKnownAs) != 1 ||
			p.ApprovesFollowers == nil || *p.ApprovesFollowers || p.Indexable != nil {
			t.Errorf("%s: %+v", trouble, found.Person)
		}
		if len(p.Keys) != 2 || p.Keys[0] != bram.KeyID()+" (RSA, 2048 bits)" || p.Keys[1] != bram.ProofKeyID()+" (Ed25519)" {
			t.Errorf("keys: %v", p.Keys)
		}
		if found.Leads != bram.ID+" as @"+bram.Handle() {
			t.Errorf("the handle leads to %s", found.Leads)
		}
		if out := s.cli("fetch", bram.ID); !strings.Contains(out, "handle  @"+bram.Handle()+", confirmed by WebFinger") ||
			!strings.Contains(out, "follow  is accepted at once") {
			t.Errorf("for people:\n%s", out)
		}
		bell := "\a\x1b[31mred\u202e"
		kade := server.ServeDocument("/odd", map[string]any{"type": "Service", "preferredUsername": "kade", "name": bell,
			"inbox": server.URL + "/odd/inbox", "movedTo": bram.ID})
		found, trouble = s.fetch(kade)
		if trouble != "" || found.Person.Confirmed ||
			!strings.Contains(found.Person.Doubt, "WebFinger finds nothing for @kade@"+server.Host) ||
			found.Person.MovedTo != bram.ID || !noteIn(found, "no key that we can use") {
			t.Errorf("of somebody whom WebFinger does not know: %s %+v", trouble, found)
		}
		if out := s.cli("fetch", kade); strings.ContainsAny(out, "\a\x1b\u202e") ||
			!strings.Contains(out, "not confirmed: ") {
			t.Errorf("what moves the cursor is printed: %q", out)
		}
	})
}

func TestFetchShowsAPostAndWhereItWouldBeShown(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		_, bram := s.veerhuis()
		ilse := s.ilse()
		a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
		at := time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC)
		note, err := bram.Post(s.ctx, "<p>Vier minuten.<script>alert(1)</script></p><p>Zeker.</p>", fedtest.Unlisted(),
			fedtest.Language("nl"), fedtest.ContentWarning("water"),
			fedtest.PublishedAt(at), fedtest.InReplyTo(a.URL))
		if err != nil {
			t.Fatal(err)
		}
		found, trouble := s.fetch(note.Object)
		p := found.Post
		if trouble != "" || p == nil || found.ID != note.Object || found.Kind != "Note" || p.Author != bram.ID ||
			p.Handle != bram.Handle() || p.Warning != "water" || p.Language != "nl" ||
			p.Text != "Vier minuten.\n\nZeker." || strings.Contains(p.HTML, "script") || !p.Published.Equal(at) ||
			p.Updated != nil || p.Visibility != blog.UnlistedComment || p.InReplyTo != a.URL {
			t.Errorf("%s: %+v", trouble, p)
		}
		if !noteIn(found, "a reply in the conversation under "+a.URL) {
			t.Errorf("where it would stand: %v", found.Notes)
		}
		if out := s.cli("fetch", note.Object); !strings.Contains(out, "for       everybody, but not listed (unlisted)") ||
			!strings.Contains(out, "written   20 November 2026, 07:00 UTC") {
			t.Errorf("for people:\n%s", out)
		}
		for name, c := range map[string]struct {
			options []fedtest.NoteOption
			html    string
			want    string
		}{
			"an answer elsewhere": {[]fedtest.NoteOption{fedtest.InReplyTo("https://noordkade.example/notes/1")}, "x",
				"up to sixteen posts above it"},
			"an answer to nothing": {[]fedtest.NoteOption{fedtest.InReplyTo(s.url + "/2026/11/never-was")}, "x",
				"it replies to something that does not exist here"},
			"a link to an article": {nil, `<a href="` + a.URL + `">Read this</a>`,
				"among the comments under " + a.URL + ", as a link"},
			"a word to an author": {[]fedtest.NoteOption{fedtest.Mention(ilse.Object)}, "Good morning.",
				"kept in the admin for @ilse"},
			"something else": {nil, "Good morning.", "mentions an article of this blog, so it is ignored"},
		} {
			note, err := bram.Post(s.ctx, c.html, c.options...)
			if err != nil {
				t.Fatal(err)
			}
			if found, trouble := s.fetch(note.Object); trouble != "" || !noteIn(found, c.want) {
				t.Errorf("%s: %s %v", name, trouble, found.Notes)
			}
		}
		reply, err := bram.Reply(s.ctx, a.Object, "<p>Three on Sundays.</p>")
		if err != nil {
			t.Fatal(err)
		}
		s.shows(a.URL, "Three on Sundays", true)
		if found, trouble := s.fetch(reply.Object); trouble != "" || !noteIn(found, "and is shown") {
			t.Errorf("what is here: %s %v", trouble, found.Notes)
		}
	})
}

func TestFetchShowsAnArticleWithItsProofAndItsRules(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		server, bram := s.veerhuis()
		article := map[string]any{"id": server.URL + "/articles/1", "type": "Article", "attributedTo": bram.ID,
			"name": "On bells", "content": "<h2>Low</h2><p>They ring.</p>", "to": public,
			"published": "2026-11-20T07:00:00Z", "updated": "2026-11-21T07:00:00Z",
			"quoteUrl": "https://noordkade.example/notes/1",
			"attachment": []any{map[string]any{"type": "Image", "mediaType": "image/png", "url": server.URL + "/bell.png",
				"name": "A bell"}},
			"interactionPolicy": map[string]any{"canReply": map[string]any{"automaticApproval": bram.Followers(),
				"manualApproval": "as:Public"}, "canQuote": map[string]any{"automaticApproval": bram.ID}}}
		proven, err := bram.AddProof(article)
		if err != nil {
			t.Fatal(err)
		}
		found, trouble := s.fetch(server.ServeDocument("/articles/1", proven))
		p := found.Post
		if trouble != "" || p == nil || found.Kind != "Article" || p.Title != "On bells" ||
			!strings.Contains(p.Text, "They ring.") || p.Quotes != "https://noordkade.example/notes/1" ||
			p.Visibility != blog.PublicComment ||
			p.MayReply != "followers; everybody after approval" || p.MayQuote != "nobody but its author" || p.Updated == nil ||
			len(p.Attachments) != 1 || p.Attachments[0] != (doctor.InspectedFile{Type: "image/png",
			URL: server.URL + "/bell.png", Alt: "A bell"}) {
			t.Errorf("%s: %+v", trouble, p)
		}
		if !strings.HasPrefix(found.Proof, "holds: by "+bram.ProofKeyID()+", made ") {
			t.Errorf("its proof %s", found.Proof)
		}
		tampered := maps.Clone(proven)
		tampered["name"] = "On whistles"
		if found, _ := s.fetch(server.ServeDocument("/articles/1", tampered)); !strings.HasPrefix(found.Proof,
			"does not hold: it was not made by ") {
			t.Errorf("of other words its proof %s", found.Proof)
		}
		delete(tampered, "proof")
		if found, _ := s.fetch(server.ServeDocument("/articles/1", tampered)); found.Proof != "" {
			t.Errorf("without a proof it %s", found.Proof)
		}
	})
}

func TestFetchSaysThatAPostIsForFollowersOnly(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		world := fedtest.New(fedtest.Config{Ports: true})
		t.Cleanup(func() { world.Close() })
		shy, err := world.AddServer("dijla", fedtest.GoToSocial)
		if err != nil {
			t.Fatal(err)
		}
		salma := shy.Person("salma")
		note := shy.ServeDocument("/notes/1", map[string]any{"type": "Note", "attributedTo": salma.ID,
			"content": "<p>Hush.</p>",
			"to":      salma.Followers()})
		found, trouble := s.fetch(note)
		if trouble != "" || found.Post.Visibility != blog.RestrictedComment || found.Post.Text != "Hush." ||
			!noteIn(found, "on no page, in no feed and in no count") {
			t.Errorf("%s: %+v", trouble, found)
		}
		if out := s.cli("fetch", note); !strings.Contains(out, "for     only followers, or those it mentions") {
			t.Errorf("for people:\n%s", out)
		}
		s.stop() // so that nobody who has not met us can read our key
		stranger, err := world.AddServer("noordkade", fedtest.GoToSocial)
		if err != nil {
			t.Fatal(err)
		}
		if _, trouble := s.fetch(stranger.Person("nadia").ID); !strings.Contains(trouble, "does not show") ||
			!strings.Contains(trouble, "401 Unauthorized") {
			t.Errorf("where our key cannot be read it says %q", trouble)
		}
	})
}

func TestFetchSaysWhyItWouldRefuse(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		server, bram := s.veerhuis()
		s.ilse()
		gone, err := bram.Post(s.ctx, "x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Delete(s.ctx, gone.Object); err != nil {
			t.Fatal(err)
		}
		odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/activity+json")
			switch r.URL.Path {
			case "/large":
				w.Write([]byte(`{"id":"x","type":"Note","content":"` + strings.Repeat("x", 2<<20) + `"}`))
			case "/page":
				w.Header().Set("Content-Type", "text/html")
				w.Write([]byte("<p>Hello"))
			case "/broken":
				w.Write([]byte(`{"id":"http://` + r.Host + `/broken","type":"Note","type":"Article"}`))
			case "/twice":
				w.Write([]byte(`{"id":"http://` + r.Host + `/twice","type":"Note","@graph":[]}`))
			case "/shut":
				w.WriteHeader(http.StatusUnauthorized)
			case "/ill":
				w.WriteHeader(http.StatusBadGateway)
			case "/away":
				http.Redirect(w, r, server.URL+"/users/bram", http.StatusFound)
			case "/inside":
				http.Redirect(w, r, "https://10.0.0.1/", http.StatusFound)
			default:
				w.WriteHeader(http.StatusNotFound)
			}
		}))
		t.Cleanup(odd.Close)
		show := func(document map[string]any) string {
			return server.ServeDocument("/odd/"+document["type"].(string), document)
		}
		for what, want := range map[string]string{
			"hello":                  "“hello” is neither an address nor a handle",
			"@nobody@" + server.Host: "WebFinger finds nothing for @nobody@" + server.Host + " (404)",
			"@ilse@" + strings.TrimPrefix(s.url, "http://"): "of the blog itself",
			s.url + "/ap/instance":                          "of the blog itself",
			"https://10.0.0.1/notes/1":                      "is not an address that we fetch: it is a bare IP address",
			"http://169.254.169.254/latest":                 "is not an address that we fetch",
			"ftp://veerhuis.example/1":                      "is not an address that we fetch",
			odd.URL + "/inside":                             "is not an address that we fetch: it is a bare IP address",
			odd.URL + "/none":                               "(404)",
			gone.Object:                                     "is gone for good (410)",
			odd.URL + "/large":                              "it is longer than 1048576 bytes",
			odd.URL + "/page":                               `its type is "text/html"`,
			odd.URL + "/broken":                             "is not what we asked for: ",
			odd.URL + "/twice":                              "@graph is not read here",
			odd.URL + "/shut": "although the instance actor signed the request: it answered " +
				"401 Unauthorized",
			odd.URL + "/ill":       "is unavailable: it answered 502 Bad Gateway",
			odd.URL + "/away":      "it leads to another server",
			"http://127.0.0.1:1/x": "is unavailable: connection refused",
			show(map[string]any{"type": "OrderedCollection"}): "it has the type OrderedCollection, which is neither an " +
				"actor nor a post",
			show(map[string]any{"type": "Tombstone"}): "its author deleted it",
			show(map[string]any{"type": "Person",
				"id": nil}): "has no inbox on its own domain",
			server.ServeDocument("/foreign", map[string]any{"id": odd.URL + "/x",
				"type": "Note"}): "it has the id",
			server.ServeDocument("/ours", map[string]any{"id": s.url + "/ap/notes/1",
				"type": "Note"}): "it has the id",
			server.ServeDocument("/forged", map[string]any{"type": "Note", "content": "x",
				"attributedTo": "https://noordkade.example/users/nadia"}): "who is on another server",
			server.ServeDocument("/orphan", map[string]any{"type": "Note", "attributedTo": server.URL + "/users/none",
				"content": "x"}): "its author cannot be fetched: the server finds nothing",
			server.ServeDocument("/vote", map[string]any{"type": "Note", "attributedTo": bram.ID, "inReplyTo": s.url + "/1",
				"name": "Yes"}): "a vote in a poll",
		} {
			if found, trouble := s.fetch(what); !strings.Contains(trouble, want) || strings.Count(trouble, "\n") != 1 {
				t.Errorf("%s: it says %q, want %q; %+v", what, trouble, want, found)
			}
		}
		public := append([]string{"fetch", bram.ID}, s.settings[:4]...) // as a server on the open network has it
		if _, trouble, status := cli(s.ctx, public, nil, ""); status != failed ||
			!strings.Contains(trouble, "is not an address that we fetch: it is a bare IP address") {
			t.Errorf("of a private address it says %d %q", status, trouble)
		}
	})
}

func TestFetchObeysBlocksAndTheAllowList(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		world := fedtest.New(fedtest.Config{})
		t.Cleanup(func() { world.Close() })
		server, err := world.AddServer("veerhuis", fedtest.Mastodon)
		if err != nil {
			t.Fatal(err)
		}
		bram := server.Person("bram")
		note, err := bram.Post(s.ctx, "Hello.")
		if err != nil {
			t.Fatal(err)
		}
		s.cli("block", "add", bram.ID, "--level", "limit", "--reason", "Loud")
		if found, trouble := s.fetch(note.Object); trouble != "" || found.Block != "limit "+bram.ID+" (Loud)" ||
			!noteIn(found, "waits for approval") {
			t.Errorf("of one who is limited: %s %+v", trouble, found)
		}
		s.cli("block", "add", bram.ID, "--level", "refuse")
		if _, trouble := s.fetch(note.Object); !strings.Contains(trouble, bram.ID+" is blocked here") {
			t.Errorf("of one who is blocked it says %q", trouble)
		}
		s.cli("block", "add", server.Host)
		before := len(server.Requests())
		for _, what := range []string{note.Object, bram.ID, "@" + bram.Handle()} {
			if _, trouble := s.fetch(what); !strings.Contains(trouble, "block") {
				t.Errorf("%s: it says %q", what, trouble)
			}
		}
		if n := len(server.Requests()) - before; n != 0 {
			t.Errorf("a blocked server was asked %d times", n)
		}
		s.cli("block", "remove", server.Host)
		s.cli("block", "remove", bram.ID)
		if _, trouble := s.fetch(note.Object, "--federation", "allow-list"); !strings.Contains(trouble,
			"not on the list of allowed servers") {
			t.Errorf("of one who is not on the list it says %q", trouble)
		}
		if _, trouble := s.fetch("@"+bram.Handle(), "--federation", "allow-list"); !strings.Contains(trouble,
			"not on the list of allowed servers") {
			t.Errorf("of the handle of one who is not on the list it says %q", trouble)
		}
	})
}

func TestFetchSavesNothing(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		server, bram := s.veerhuis()
		s.ilse(bram)
		note, err := bram.Post(s.ctx, "Hello.")
		if err != nil {
			t.Fatal(err)
		}
		// that it reads nothing else is found out each time, and not kept
		if err := server.SetBehaviour(fedtest.RequiringRFC9421()); err != nil {
			t.Fatal(err)
		}
		s.fetch(bram.ID) // the server has our key from now on
		s.stop()
		storetest.Change(t, database, `UPDATE peers SET signature_scheme = '', scheme_until = NULL`)
		light, before := !strings.Contains(database, "://"), []byte(nil)
		if light {
			if before, err = os.ReadFile(database); err != nil {
				t.Fatal(err)
			}
		} else {
			storetest.Change(t, database, `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || quote_ident(current_database()) || ' SET `+
				`default_transaction_read_only = on'; END $$`)
		}
		kade := server.Person("kade")
		for _, what := range []string{note.Object, bram.ID, "@" + kade.Handle(), kade.ID, server.URL + "/none"} {
			if _, trouble := s.fetch(what, "--timezone", "Asia/Tokyo", "--language",
				"nl"); (trouble == "") == strings.HasSuffix(what, "/none") {
				t.Errorf("%s: %q", what, trouble)
			}
		}
		if light {
			after, err := os.ReadFile(database)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the database was changed (%v)", err)
			}
		}
	})
}
