package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

const mastodon = `application/activity+json, application/ld+json`

// addressesOf returns the addresses at which an article could be found, given its page and its object.
func (s *stage) addressesOf(page, object string) map[string]string {
	voice := read[authorLine](s.t, s.cli("author", "list", "--json"))[0]
	addresses := map[string]string{"page": page, "page to servers": page, "front page": s.url + "/",
		"feed": s.url + "/feed.xml", "JSON feed": s.url + "/feed.json",
		"author": s.url + "/@ilse", "author's feed": s.url + "/@ilse/feed.xml", "tag": s.url + "/tags/rivers",
		"tag's feed": s.url + "/tags/rivers/feed.xml",
		"archive":    s.url + "/archive", "site map": s.url + "/sitemap.xml", "NodeInfo": s.url + "/nodeinfo/2.1",
		"outbox":        s.url + "/ap/actors/" + string(voice.ID) + "/outbox",
		"outbox's page": s.url + "/ap/actors/" + string(voice.ID) + "/outbox?cursor="}
	if object != "" {
		addresses["object"], addresses["replies"] = object, object+"/replies"
	}
	return addresses
}

// foundAt lists those of them at which a text can be read.
func (s *stage) foundAt(page, object, words string) (where []string) {
	for name, address := range s.addressesOf(page, object) {
		accept := "text/html"
		if strings.Contains(address, "/ap/") || name == "page to servers" {
			accept = mastodon
		}
		if _, body := s.get(address, accept); strings.Contains(body, words) {
			where = append(where, name)
		}
	}
	return where
}

func TestF016ScheduledUnpublishedAndLocalArticlesAreNotOnTheWire(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	front := "---\ntitle: The canary\ntags: [rivers]\n"
	draft := read[articleLine](t, s.cli("article", "draft",
		write(t, "draft.md", front+"slug: draft\n---\n\nUnder the canary.\n"), "--author", "ilse", "--json"))[0]
	planned := read[articleLine](t, s.cli("article", "publish",
		write(t, "planned.md", front+"slug: planned\ndate: "+tomorrow+"\n---\n\nUnder the canary.\n"), "--author", "ilse",
		"--json"))[0]
	local := read[articleLine](t, s.cli("article", "publish",
		write(t, "local.md", front+"slug: local\nvisibility: local\n---\n\nHere alone.\n"), "--author", "ilse", "--json"))[0]
	unknown, nothing := s.get(s.url+"/ap/articles/01JD0000000000000000000000", mastodon)
	for _, a := range []articleLine{draft, planned, local} {
		for _, kind := range []string{"articles", "notes", "activities"} {
			if status, body := s.get(s.url+"/ap/"+kind+"/"+string(a.ID), mastodon); status != unknown || body != nothing {
				t.Errorf("%s: /ap/%s answers %d %s", a.Slug, kind, status, body)
			}
		}
		if a.URL == "" {
			continue
		}
		if status, body := s.get(a.URL, mastodon); status != http.StatusNotFound || body != nothing {
			t.Errorf("%s answers servers %d %s", a.URL, status, body)
		}
	}
	// the local one, which stands on the web
	if _, body := s.get(s.url+"/nodeinfo/2.1", "application/json"); !strings.Contains(body, `"localPosts":1`) {
		t.Errorf("NodeInfo counts %s", body)
	}
}

func TestT123AGuessedSlugOfADraftOrAScheduledArticleIsAsUnknownAsAnyOther(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	tomorrow := time.Now().Add(24 * time.Hour).UTC()
	s.cli("article", "draft", write(t, "draft.md", "---\ntitle: Draft\nslug: canary\n---\n\nUnder the canary.\n"),
		"--author", "ilse")
	planned := read[articleLine](t, s.cli("article", "publish",
		write(t, "planned.md", "---\ntitle: Planned\nslug: planned\ntags: [rivers]\ndate: "+tomorrow.Format(time.RFC3339)+
			"\n---\n\nUnder the canary.\n"),
		"--author", "ilse", "--json"))[0]
	for _, accept := range []string{"text/html", mastodon} {
		for _, slug := range []string{"canary", "planned"} {
			month := s.url + "/" + tomorrow.Format("2006/01") + "/"
			// of the same length, since the page repeats the word that was asked for
			status, body := s.get(month+slug, accept)
			_, other := s.get(month+strings.Repeat("x", len(slug)), accept)
			if status != http.StatusNotFound || strings.ReplaceAll(body, slug, "") != strings.ReplaceAll(other,
				strings.Repeat("x", len(slug)), "") {
				t.Errorf("%s to %s: %d\n%s\ninstead of\n%s", slug, accept, status, body, other)
			}
		}
	}
	if where := s.foundAt(planned.URL, "", "canary"); len(where) > 0 {
		t.Errorf("the scheduled article is read at %v", where)
	}
	if where := s.foundAt(planned.URL, "", "Planned"); len(where) > 0 {
		t.Errorf("the title of the scheduled article is read at %v", where)
	}
}

func TestT124ADraftIsSentToNobodyHoweverOftenItIsEdited(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	veerhuis, bram := s.veerhuis()
	s.ilse(bram)
	before := len(veerhuis.Deliveries())
	for _, words := range []string{"One canary.", "Two canaries."} {
		s.cli("article", "draft", write(t, "draft.md", "---\ntitle: Draft\nslug: canary\n---\n\n"+words+"\n"), "--author",
			"ilse")
	}
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, words := range []string{"Three canaries.", "Four canaries."} {
		s.cli("article", "publish", write(t, "later.md",
			"---\ntitle: Later\nslug: later\ndate: "+later+"\n---\n\n"+words+"\n"), "--author", "ilse")
	}
	time.Sleep(1500 * time.Millisecond) // the courier looks every second
	if deliveries := veerhuis.Deliveries(); len(deliveries) != before {
		t.Errorf("veerhuis got %s", deliveries[len(deliveries)-1].Body)
	}
	if where := s.foundAt(s.url+"/draft", "", "canar"); len(where) > 0 {
		t.Errorf("it is read at %v", where)
	}
}

func TestT125AWithdrawnArticleIsReadNowhere(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	veerhuis, bram := s.veerhuis()
	s.ilse(bram)
	a := read[articleLine](t, s.cli("article", "publish",
		write(t, "canary.md", "---\ntitle: The canary\ntags: [rivers]\n---\n\nUnder the canary.\n"), "--author", "ilse",
		"--json"))[0]
	if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Create", a.Object)); err != nil {
		t.Fatal(err)
	}
	s.wait("it is read in many places", func() bool { return len(s.foundAt(a.URL, a.Object, "canary")) >= 9 })
	s.cli("article", "withdraw", "the-canary")
	if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Delete", a.Object)); err != nil {
		t.Fatal(err)
	}
	s.wait("it is read nowhere", func() bool { return len(s.foundAt(a.URL, a.Object, "Under the canary")) == 0 })
	for accept, address := range map[string]string{"text/html": a.URL, mastodon: a.Object} {
		if status, body := s.get(address, accept); status != http.StatusGone || strings.Contains(body, "Under") {
			t.Errorf("%s answers %d %s", address, status, body)
		}
	}
	if where := s.foundAt(a.URL, a.Object, "The canary"); len(where) > 0 {
		t.Errorf("its title is read at %v", where)
	}
}

func TestAHeldArticleCanBeUndoneAndElseIsSent(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	veerhuis, bram := s.veerhuis()
	s.ilse(bram)
	before := len(veerhuis.Deliveries())
	held := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--hold",
		"1h", "--json"))[0]
	if held.Status != "published" || held.Held == "" || held.Deliveries != 0 {
		t.Errorf("it is %+v", held)
	}
	s.shows(held.URL, "Four minutes wide", true)
	if said := s.cli("article", "withdraw", "four-minutes-wide"); !strings.Contains(said, "before it was sent") {
		t.Errorf("withdraw said %q", said)
	}
	s.wait("its page is as it was", func() bool {
		status,
			_ := s.get(held.URL, "text/html")
		return status == http.StatusNotFound
	})
	if len(veerhuis.Deliveries()) != before {
		t.Errorf("veerhuis got %d deliveries", len(veerhuis.Deliveries())-before)
	}
	again := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--hold",
		"1s", "--json"))[0]
	if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Create", again.Object)); err != nil {
		t.Fatal(err)
	}
	if again.Object == held.Object {
		t.Error("the object is that which was taken back")
	}
	if said := s.cli("article", "publish", write(t, "ferry.md", ferry+"\nA comma.\n"), "--author", "ilse",
		"--quiet"); !strings.Contains(said, "revised") {
		t.Errorf("the quiet correction said %q", said)
	}
	delivery, err := veerhuis.WaitFor(s.ctx, fedtest.About("Update", again.Object))
	if err != nil {
		t.Fatal(err)
	}
	if object, _ := delivery.JSON()["object"].(map[string]any); object["updated"] != nil {
		t.Errorf("the quiet correction was updated %v", object["updated"])
	}
	if _, trouble, status := cli(s.ctx, s.args("article", "publish", write(t, "new.md", "---\ntitle: New\n---\n\nNew.\n"),
		"--author", "ilse", "--quiet"), nil, ""); status != 1 || !strings.Contains(trouble, "--quiet") {
		t.Errorf("a quiet publication ended with %d: %s", status, trouble)
	}
}

func TestAHeldEditIsUndoneAndTheArticleStays(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		s.ilse(bram)
		first := s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--hold", "1h")
		if !strings.Contains(first, "the article is held") ||
			!strings.Contains(first, "“causerie article undo four-minutes-wide” takes it back") {
			t.Errorf("of a held article publish said %q", first)
		}
		if said := s.cli("article", "undo", "four-minutes-wide"); !strings.Contains(said, "a draft again") {
			t.Errorf("undo of a held article said %q", said)
		}
		a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
		if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Create", a.Object)); err != nil {
			t.Fatal(err)
		}
		before := len(veerhuis.Deliveries())
		held := s.cli("article", "publish", write(t, "ferry.md", ferry+"\nA canary.\n"), "--author", "ilse", "--hold", "1h")
		if !strings.Contains(held, "the edit is held") {
			t.Errorf("of a held edit publish said %q", held)
		}
		if strings.Contains(held, "withdraw") ||
			!strings.Contains(held, "“causerie article undo four-minutes-wide” brings the former text back") {
			t.Errorf("of a held edit publish said %q", held)
		}
		if said := s.cli("deliveries", "four-minutes-wide"); !strings.Contains(said, "the edit is held") ||
			strings.Contains(said, "withdraw") {
			t.Errorf("of a held edit the report says %q", said)
		}
		s.shows(a.URL, "A canary.", true)
		if said := s.cli("article", "undo", "four-minutes-wide"); !strings.Contains(said, "former text") {
			t.Errorf("undo of a held edit said %q", said)
		}
		s.shows(a.URL, "A canary.", false)
		if shown := read[articleLine](t, s.cli("article", "show", "four-minutes-wide",
			"--json"))[0]; shown.Status != "published" || shown.Held != "" || shown.Object != a.Object {
			t.Errorf("after undo it is %+v", shown)
		}
		if len(veerhuis.Deliveries()) != before {
			t.Errorf("veerhuis got %d deliveries", len(veerhuis.Deliveries())-before)
		}
		if _, trouble, status := cli(s.ctx, s.args("article", "undo", "four-minutes-wide"), nil, ""); status != failed ||
			!strings.Contains(trouble, "“four-minutes-wide” is neither held nor scheduled") {
			t.Errorf("undo of nothing ended with %d: %s", status, trouble)
		}
	})
}
