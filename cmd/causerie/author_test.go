package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

// All that can happen to an author, by commands beside a running server: another handle, an old account whose
// followers move here, a move away, and the deletion.
func TestAnAuthorIsRenamedMovesAndLeaves(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		ilse := s.ilse(bram)
		s.cli("author", "add", "tobias", "--name", "Tobias Renkema", "--role", "admin")
		published := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse",
			"--json"))[0]

		if out := s.cli("author", "rename", "ilse", "verhaagen"); !strings.Contains(out, "is @verhaagen@") {
			t.Errorf("renaming says %q", out)
		}
		s.shows(s.url+"/@ilse", "@verhaagen@", true) // the old page leads to the new one
		there := veerhuis.Person("ilse")
		if aliases := read[aliasLine](t, s.cli("author", "alias", "verhaagen", "add", "@"+there.Handle(),
			"--json")); len(aliases) != 1 || aliases[0].Object != there.ID {
			t.Errorf("the aliases are %+v", aliases)
		}
		if out := s.cli("author", "alias", "verhaagen", "remove", there.ID); !strings.Contains(out, "has no alias") {
			t.Errorf("without alias: %q", out)
		}
		if _, trouble, status := cli(s.ctx, s.args("author", "move", "verhaagen", "--to", "@"+there.Handle()), nil,
			""); status != failed ||
			!strings.Contains(trouble, "does not list @verhaagen@") || strings.Count(strings.TrimSpace(trouble), "\n") != 0 {
			t.Errorf("moving to one who does not point back: %d %s", status, trouble)
		}
		there.SetAlsoKnownAs(ilse.Object)
		if out := s.cli("author", "move", "verhaagen", "--to", "@"+there.Handle()); !strings.Contains(out,
			"until then --cancel calls it off") {
			t.Errorf("planning says %q", out)
		}
		if out := s.cli("author", "move", "verhaagen", "--cancel"); !strings.Contains(out, "was cancelled") {
			t.Errorf("calling off says %q", out)
		}
		s.cli("author", "move", "verhaagen", "--to", "@"+there.Handle(), "--wait", "0s")
		s.wait("bram has gone over", func() bool {
			m := read[moveLine](t, s.cli("author", "move", "verhaagen", "--json"))[0]
			return m.Status == "moved" && m.Told == 1 && m.Gone == 1 && m.Followers == 1
		})
		s.shows(s.url+"/@verhaagen", there.URL(), true)

		if out := s.cli("author", "delete", "verhaagen"); !strings.Contains(out, "will be deleted on") {
			t.Errorf("planning says %q", out)
		}
		if _, trouble, status := cli(s.ctx, s.args("author", "delete", "tobias"), nil, ""); status != failed ||
			!strings.Contains(trouble, "last admin") {
			t.Errorf("deleting the last admin who stays: %d %s", status, trouble)
		}
		s.cli("author", "delete", "verhaagen", "--cancel")
		s.cli("author", "delete", "verhaagen", "--now")
		if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Delete", ilse.Object)); err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{ilse.Object, ilse.URL, s.url + "/@verhaagen", published.URL, published.Object} {
			if status, _ := s.get(address, "application/activity+json"); status != http.StatusGone {
				t.Errorf("%s answers %d", address, status)
			}
		}
		if status, body := s.get(published.URL, "text/html"); status != http.StatusGone ||
			strings.Contains(body, "ring the bell") {
			t.Errorf("the page of the article answers %d", status)
		}
		if out := s.cli("author", "list"); strings.Contains(out, "Ilse") {
			t.Errorf("the list still says\n%s", out)
		}
		for _, handle := range []string{"ilse", "verhaagen"} {
			if _, trouble, status := cli(s.ctx, s.args("author", "add", handle, "--name", "Another"), nil,
				""); status != failed || !strings.Contains(trouble, "never given again") {
				t.Errorf("the handle %s is free again: %d %s", handle, status, trouble)
			}
		}
	})
}

func TestTheFilesOfADeletedAuthorAreDeleted(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("author", "add", "tobias", "--name", "Tobias Renkema", "--role", "admin")
	var picture bytes.Buffer
	if err := drawFerry(&picture); err != nil {
		t.Fatal(err)
	}
	file := write(t, "ferry.md", "---\ntitle: Wide\npicture: ferry.jpg\npicture-alt: A ferry.\n---\n\nWide.\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "ferry.jpg"), picture.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.cli("article", "draft", file, "--author", "ilse")
	folder := ""
	for i, setting := range s.settings {
		if setting == "--data" {
			folder = filepath.Join(s.settings[i+1], "media")
		}
	}
	files := func() []string {
		list, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if len(files()) == 0 {
		t.Fatalf("no picture in %s", folder)
	}
	s.cli("author", "delete", "ilse", "--now")
	if left := files(); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

func TestAnAuthorIsFoundByAFormerHandleAndNobodyElseGetsIt(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		s.cli("author", "add", "joris", "--name", "Joris Blom", "--email", "joris@overkant.example")
		s.cli("author", "rename", "joris", "jorisblom")
		joris := read[articleLine](t, s.cli("article", "draft", write(t, "one.md", "---\ntitle: One\n---\n\nWords.\n"),
			"--author", "joris", "--json"))[0]
		if shown := s.cli("article", "show", string(joris.ID)); !strings.Contains(shown, "Joris Blom") {
			t.Errorf("under the former handle it is\n%s", shown)
		}
		s.cli("article", "draft", write(t, "two.md", "---\ntitle: Two\nauthors: [ilse, joris]\n---\n\nWords.\n"), "--author",
			"ilse")
		if shown := s.cli("article", "show", "two"); !strings.Contains(shown, "Joris Blom") {
			t.Errorf("with the former handle in its by-line it is\n%s", shown)
		}
		refused := func(want string, args ...string) {
			t.Helper()
			if _, trouble, status := cli(s.ctx, s.args(append([]string{"author", "add"}, args...)...), nil,
				""); status != failed || !strings.Contains(trouble, want) {
				t.Errorf("add %q: %d, %q", args, status, trouble)
			}
		}
		refused("is a former handle of “jorisblom”", "joris", "--name", "J")
		refused("“ilse” is taken", "ilse", "--name", "I")
		refused("the e-mail address is taken", "maud", "--name", "M", "--email", "joris@overkant.example")
		s.cli("author", "delete", "joris")
		day := time.Now().Add(30 * 24 * time.Hour).UTC().Format("2006-01-02")
		if line := read[authorLine](t, s.cli("author", "list", "--json"))[1]; !strings.HasPrefix(line.Leaves, day) {
			t.Errorf("the list has %+v", line)
		}
		if list := s.cli("author", "list"); !strings.Contains(list, "to be deleted on ") {
			t.Errorf("the list is\n%s", list)
		}
		s.cli("author", "delete", "joris", "--now")
		refused("belonged to an author who has left, and is never given again", "jorisblom", "--name", "J")
	})
}

func TestF015ADeletedArticleAnswers410InBothLanguages(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		published := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse",
			"--json"))[0]
		s.cli("article", "delete", string(published.ID))
		status, body := s.get(published.Object, "application/activity+json")
		if status != http.StatusGone || !strings.Contains(body, `"type":"Tombstone"`) ||
			!strings.Contains(body, `"formerType":"Article"`) {
			t.Errorf("the object answers %d %s", status, body)
		}
		if status, body := s.get(published.URL, "text/html"); status != http.StatusGone ||
			strings.Contains(body, "ring the bell") || !strings.Contains(body, "noindex") {
			t.Errorf("the page answers %d %s", status, body)
		}
		if status, _ := s.get(published.URL, "application/activity+json"); status != http.StatusGone {
			t.Errorf("the page answers %d to a server", status)
		}
	})
}

// The handle domain passes requests below /.well-known on to the blog.
func TestHandlesMayHaveAnotherDomainThanTheBlog(t *testing.T) {
	blog := freePort(t)
	domain := httptest.NewServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: blog}))
	t.Cleanup(domain.Close)
	name := strings.TrimPrefix(domain.URL, "http://")
	s := openAt(t, storetest.SQLite(t), blog, "--handle-domain", name)
	_, bram := s.veerhuis()
	ilse := s.ilse(bram) // looked up under the handle's domain
	if ilse.Handle != "@ilse@"+name || ilse.URL != s.url+"/@ilse" {
		t.Errorf("the author is %s at %s", ilse.Handle, ilse.URL)
	}
	for _, at := range []string{domain.URL, s.url} {
		for _, handle := range []string{"ilse@" + name, "ilse@" + blog} {
			status, body := s.get(at+"/.well-known/webfinger?resource=acct:"+handle, "application/jrd+json")
			var found struct {
				Subject string
				Links   []struct{ Rel, Href string }
			}
			if err := json.Unmarshal([]byte(body), &found); err != nil || status != http.StatusOK ||
				found.Subject != "acct:ilse@"+name {
				t.Errorf("%s at %s: %d %s", handle, at, status, body)
			}
			if !slices.ContainsFunc(found.Links, func(l struct{ Rel, Href string }) bool {
				return l.Rel == "self" &&
					l.Href == ilse.Object
			}) {
				t.Errorf("%s at %s does not lead to the actor: %s", handle, at, body)
			}
		}
		if status, body := s.get(at+"/.well-known/host-meta", "application/xrd+xml"); status != http.StatusOK ||
			!strings.Contains(body, `template="`+s.url+`/.well-known/webfinger?resource={uri}"`) {
			t.Errorf("host-meta at %s: %d %s", at, status, body)
		}
	}
	if found, err := bram.LookUp(s.ctx, "ilse@"+blog); err != nil || found.ID != ilse.Object ||
		found.Handle != "ilse@"+name {
		t.Errorf("looked up under the blog's own host: %+v, %v", found, err)
	}
	_, body := s.get(ilse.Object, "application/activity+json")
	if !strings.Contains(body, `"webfinger":"ilse@`+name+`"`) || !strings.Contains(body, `"preferredUsername":"ilse"`) {
		t.Errorf("the actor says %s", body)
	}
	if status, body := s.get(s.url+"/@ilse", "text/html"); status != http.StatusOK || !strings.Contains(body, name) {
		t.Errorf("the profile page answers %d without the handle", status)
	}
}
