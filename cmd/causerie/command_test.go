package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestAFirstStartPrintsALinkThatOpens(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "new", "causerie.db"))
	s.wait("the link is printed", func() bool { return strings.Contains(s.out.String(), s.url+"/admin/first-run?token=") })
	_, rest, _ := strings.Cut(s.out.String(), "/admin/first-run")
	link, _, _ := strings.Cut(rest, "\n")
	if status, body := s.get(s.url+"/admin/first-run"+link, "text/html"); status != http.StatusOK ||
		!strings.Contains(body, "<form") {
		t.Errorf("the link answers %d:\n%s", status, body)
	}
}

// startOutput returns what a server prints when it starts.
func startOutput(t *testing.T, args ...string) string {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	s := &stage{t: t, ctx: ctx, out: &output{}}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append(args, "--log", "text,error"), nil, console{nil, s.out, s.out})
	}()
	s.wait("it has greeted", func() bool { return strings.Contains(s.out.String(), "Ctrl-C ends the server") })
	leave()
	if status := <-ended; status != done {
		t.Errorf("%v ended with %d: %s", args, status, s.out)
	}
	return s.out.String()
}

func TestAFirstStartSaysWhereTheDataIs(t *testing.T) {
	data, elsewhere := filepath.Join(t.TempDir(), "d2"), filepath.Join(t.TempDir(), "nonexist", "x.db")
	for _, c := range []struct {
		name       string
		args       []string
		want, lack string
	}{
		{"in its folder", nil, "Your data stays in " + data + ".\n", "new database"},
		{"in a database elsewhere", []string{"--database", elsewhere}, "A new database was created: " + elsewhere + "\n",
			"stays in " + data},
		{"there again", []string{"--database", elsewhere},
			"Your data stays in " + elsewhere + ", and its pictures in " + data + "/media.\n", "new database"},
	} {
		said := startOutput(t, append(c.args, "--data", data, "--listen", freePort(t))...)
		if !strings.Contains(said, c.want) || strings.Contains(said, c.lack) {
			t.Errorf("%s: it says\n%s", c.name, said)
		}
	}
}

func TestAFirstStartSaysThatAnAddressOfThisMachineIsForGood(t *testing.T) {
	for url, warned := range map[string]bool{"": true, "http://127.0.0.1:8080": true, "https://overkant.example": false} {
		args := []string{"--data", t.TempDir(), "--listen", freePort(t)}
		if url != "" {
			args = append(args, "--url", url)
		}
		if said := startOutput(t, args...); strings.Contains(said,
			"Only this machine can reach that address, and the address of a blog never changes. ") != warned {
			t.Errorf("at “%s” it says\n%s", url, said)
		}
	}
	data := t.TempDir()
	add := []string{"author", "add", "ilse", "--name", "Ilse Verhaagen", "--data", data}
	if _, said, status := cli(t.Context(), add, nil, ""); status != done ||
		!strings.Contains(said, "started at http://localhost:8080/; its data is in "+data+"\n") ||
		!strings.Contains(said, "the address of a blog never changes. ") {
		t.Errorf("adding the first author of all: %d, %q", status, said)
	}
}

func TestAStartOnAnotherPortThanTheAddressWarns(t *testing.T) {
	data, here, there := t.TempDir(), freePort(t), freePort(t)
	_, port, _ := net.SplitHostPort(here)
	address := "http://localhost:" + port
	for _, c := range []struct {
		name, listen string
		settings     []string
		warned       bool
	}{
		{"where it was founded", here, nil, false},
		{"elsewhere", there, nil, true},
		{"elsewhere on purpose", there, []string{"--url", address}, false},
		{"where it was founded, once more", here, nil, false},
	} {
		said := startOutput(t, append(c.settings, "--data", data, "--listen", c.listen)...)
		warning := "causerie: this blog was started as " + address + ", but listens on " + there +
			", so its links lead nowhere: start it with --listen localhost:" + port + "\n"
		if strings.Contains(said, warning) != c.warned || strings.Contains(said, "started as") != c.warned {
			t.Errorf("%s: it says\n%s", c.name, said)
		}
	}
	if _, trouble, status := cli(t.Context(), []string{"demo", "--keep", data}, nil, ""); status != failed ||
		!strings.Contains(trouble, "“causerie --data "+data+" --listen localhost:"+port+" --federation-allow "+
			"127.0.0.0/8”") {
		t.Errorf("of a kept blog the demo says %q", trouble)
	}
}

func TestAuthorsAreAddedListedAndDisabled(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	out, trouble, status := cli(s.ctx, s.args("author", "add", "tobias", "--name", "Tobias Renkema", "--password-stdin",
		"--json"), nil, "wheat paste on mondays\n")
	if status != done {
		t.Fatal(trouble)
	}
	if tobias := read[authorLine](t, out)[0]; tobias.Role != "author" || tobias.Link != "" {
		t.Errorf("the second author is %+v", tobias)
	}
	if out := s.cli("author", "list"); !strings.Contains(out, "Ilse Verhaagen") || !strings.Contains(out, "admin") ||
		!strings.Contains(out, "Tobias Renkema") {
		t.Errorf("the list is\n%s", out)
	}
	if _, trouble, status := cli(s.ctx, s.args("author", "disable", "ilse"), nil, ""); status != failed ||
		!strings.Contains(trouble, "last admin") {
		t.Errorf("shutting out the last admin: %d, %s", status, trouble)
	}
	s.cli("author", "disable", "tobias")
	if _, trouble, status := cli(s.ctx, s.args("author", "link", "tobias"), nil, ""); status != failed ||
		!strings.Contains(trouble, "--undo") {
		t.Errorf("a link for somebody disabled: %d, %s", status, trouble)
	}
	s.cli("author", "disable", "tobias", "--undo")
	link := strings.TrimSpace(s.cli("author", "link", "tobias"))
	link = link[strings.Index(link, "http"):]
	if status, body := s.get(link, "text/html"); status != http.StatusOK || !strings.Contains(body, "Tobias Renkema") {
		t.Errorf("the sign-in link answers %d:\n%s", status, body)
	}
	for command, want := range map[string]string{"article list": "no articles",
		"comment list --waiting": "no comments wait for approval", "deliveries": "nothing is published yet",
		"deliveries --failed": "nothing failed", "help article list": "the last saved first"} {
		if out := s.cli(strings.Fields(command)...); !strings.Contains(out, want) {
			t.Errorf("on an empty blog “%s” says %q", command, out)
		}
	}
	for name, c := range map[string]struct {
		args []string
		in   string
		want string
	}{
		"a handle that is taken":  {[]string{"author", "add", "ilse", "--name", "I"}, "", "taken"},
		"a handle with a capital": {[]string{"author", "add", "Maud", "--name", "M"}, "", "lowercase letters"},
		"a password of three": {[]string{"author", "add", "maud", "--name", "M", "--password-stdin"}, "abc\n",
			"too short"},
		"somebody nobody knows":    {[]string{"author", "link", "kade"}, "", "author list"},
		"keys of somebody unknown": {[]string{"author", "rotate-key", "kade"}, "", "author list"},
	} {
		if _, trouble, status := cli(s.ctx, s.args(c.args...), nil, c.in); status != failed ||
			!strings.Contains(trouble, c.want) {
			t.Errorf("%s: %d, %q", name, status, trouble)
		}
	}
}

func TestTheBlogAndASeriesAreSwitchedOnAndOff(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("article", "publish", write(t, "ferry.md",
		"---\ntitle: Four minutes wide\nseries: The Low Road\npart: 1\n---\n\nThe ferry.\n"), "--author", "ilse")
	site := read[voiceLine](t, s.cli("site", "voice", "on", "--handle", "overkant", "--json"))[0]
	if !site.On || !strings.HasPrefix(site.Handle, "@overkant@") || site.URL != s.url+"/" {
		t.Errorf("the blog speaks as %+v", site)
	}
	if out := s.cli("series", "voice", "the-low-road", "on"); !strings.Contains(out, "@the_low_road@") ||
		!strings.Contains(out, "can be followed now, and has that name permanently.") {
		t.Errorf("the series: %s", out)
	}
	if out := s.cli("series", "list"); !strings.Contains(out, "The Low Road") || !strings.Contains(out, "1 part") ||
		!strings.Contains(out, "@the_low_road@") {
		t.Errorf("the list is\n%s", out)
	}
	for path, want := range map[string]string{"/": "@overkant@", "/series/the-low-road": "@the_low_road@"} {
		if _, body := s.get(s.url+path, "text/html"); !strings.Contains(body, want) ||
			!strings.Contains(body, "/interact?do=follow") {
			t.Errorf("%s does not say how to follow it:\n%s", path, body)
		}
	}
	if status, body := s.get(s.url+"/@the_low_road", "text/html"); status != http.StatusOK ||
		!strings.Contains(body, "The Low Road") {
		t.Errorf("the handle of the series leads to %d", status)
	}
	if out := s.cli("site", "voice", "off"); !strings.Contains(out, "silent") {
		t.Errorf("switched off: %s", out)
	}
	s.wait("the front page says no longer how to follow it", func() bool {
		_, body := s.get(s.url+"/", "text/html")
		return !strings.Contains(body, "@overkant@")
	})
	for name, c := range map[string]struct{ args, want string }{
		"another handle":        {"site voice on --handle elsewhere", "stays so"},
		"a handle of an author": {"series voice the-low-road on --handle ilse", "stays so"},
		"a series that is none": {"series voice the-high-road on", "series list"},
	} {
		if _, trouble, status := cli(s.ctx, s.args(strings.Fields(c.args)...), nil, ""); status != failed ||
			!strings.Contains(trouble, c.want) {
			t.Errorf("%s: %d, %q", name, status, trouble)
		}
	}
}

func TestAnArticleFileBringsItsPicturesCoauthorsAndSeries(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("author", "add", "tobias", "--name", "Tobias Renkema")
	folder := t.TempDir()
	var picture bytes.Buffer
	if err := drawFerry(&picture); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "pictures"), 0o700); err != nil {
		t.Fatal(err)
	}
	keep := func(name string, body []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keep("pictures/ferry.jpg", picture.Bytes())
	file := keep("wide.md", []byte("---\ntitle: Four minutes wide\nseries: The Low Road\npart: 2\nauthors: [ilse, "+
		"tobias]\nguest: Harm <https://harm.example>\n"+
		"picture: pictures/ferry.jpg\npicture-alt: A ferry.\n---\n\n![The ferry at the "+
		"buoy](pictures/ferry.jpg)\n\n<script>alert(1)</script>\n"))
	out, notices, status := cli(s.ctx, s.args("article", "publish", file, "--author", "@ilse", "--json"), nil, "")
	if status != done || !strings.Contains(notices, "raw HTML left out") {
		t.Fatalf("publish ended with %d: %s", status, notices)
	}
	a := read[articleLine](t, out)[0]
	_, body := s.get(a.URL, "text/html")
	for _, want := range []string{"Tobias Renkema", "Harm", "The Low Road", `alt="The ferry at the buoy"`,
		`alt="A ferry."`, "1280w"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(body, "alert(1)</script>") {
		t.Error("a script reached the page")
	}
	if out := s.cli("article", "show", "four-minutes-wide"); !strings.Contains(out,
		"Ilse Verhaagen, Tobias Renkema, Harm") {
		t.Errorf("show says\n%s", out)
	}
}

func TestAnotherFileWithTheSameTitleRevisesNothingUnlessItSaysTheSlug(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		titled := func(front, words string) string {
			return "---\ntitle: Under the bridge\n" + front + "---\n\n" + words + "\n"
		}
		if said := s.cli("article", "publish", write(t, "bridge.md", titled("", "Water.")), "--author",
			"ilse"); !strings.HasPrefix(said, "published ") {
			t.Errorf("the first time publish said %q", said)
		}
		if said := s.cli("article", "publish", write(t, "bridge.md", titled("", "Other words altogether.")), "--author",
			"ilse"); !strings.HasPrefix(said, "revised ") {
			t.Errorf("of the same file publish said %q", said)
		}
		s.cli("article", "draft", write(t, "plan.md", "---\ntitle: A plan\n---\n\nOne.\n"), "--author", "ilse")
		for name, args := range map[string][]string{
			"another file": {"article", "publish", write(t, "tram.md", titled("", "A tram.")), "--author",
				"ilse"},
			"another draft": {"article", "draft", write(t, "plans.md", "---\ntitle: A plan\n---\n\nTwo.\n"),
				"--author", "ilse"},
			"a file that could be any": {"article", "publish", "-", "--author", "ilse"},
			"a folder's file over a file": {"article", "publish", write(t, "index.md", titled("", "Index.")), "--author",
				"ilse"},
		} {
			if _, trouble, status := cli(s.ctx, s.args(args...), nil, titled("", "Piped.")); status != failed ||
				!strings.Contains(trouble, "write “id: ") {
				t.Errorf("%s: %d, %q", name, status, trouble)
			}
		}
		if shown := s.cli("article", "show", "under-the-bridge"); !strings.Contains(shown, "Other words altogether.") {
			t.Errorf("the article is\n%s", shown)
		}
		if shown := s.cli("article", "show", "a-plan"); !strings.Contains(shown, "One.") {
			t.Errorf("the draft is\n%s", shown)
		}
		if said := s.cli("article", "publish", write(t, "tram.md", titled("slug: under-the-bridge\n", "A tram.")), "--author",
			"ilse", "--force"); !strings.HasPrefix(said, "revised ") {
			t.Errorf("of a file with the slug publish said %q", said)
		}
		if said := s.cli("article", "publish", write(t, "tram.md", titled("", "A tram, again.")), "--author",
			"ilse"); !strings.HasPrefix(said, "revised ") {
			t.Errorf("of the file that revised it publish said %q", said)
		}
	})
}

func TestASlugOfAnotherAuthorIsSkippedWhenTheTitleMakesIt(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		s.cli("author", "add", "tobias", "--name", "Tobias Renkema")
		bridge := func(words string) string {
			return write(t, "bridge.md", "---\ntitle: Under the bridge\n---\n\n"+words+"\n")
		}
		s.cli("article", "draft", bridge("Of Tobias."), "--author", "tobias")
		s.cli("article", "publish", bridge("Of Ilse."), "--author", "ilse")
		if said := s.cli("article", "publish", bridge("Of Tobias, finished."), "--author", "tobias"); !strings.HasPrefix(said,
			"published ") || !strings.Contains(said, "/under-the-bridge-2") {
			t.Errorf("of a draft whose slug somebody took meanwhile publish said %q", said)
		}
		if said := s.cli("article", "publish", bridge("Of Tobias, again."), "--author", "tobias"); !strings.HasPrefix(said,
			"revised ") || !strings.Contains(said, "/under-the-bridge-2") {
			t.Errorf("of the same file publish said %q", said)
		}
		if shown := s.cli("article", "show", "under-the-bridge"); !strings.Contains(shown, "Of Ilse.") {
			t.Errorf("the first article is\n%s", shown)
		}
		if shown := s.cli("article", "show", "under-the-bridge-2"); !strings.Contains(shown, "Of Tobias, again.") {
			t.Errorf("the second article is\n%s", shown)
		}
	})
}

func TestADraftOfAFileIsARevisionOfItsAuthorOnce(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		for _, words := range []string{"One.", "One.", "Two.", "Two."} {
			s.cli("article", "draft", write(t, "plan.md", "---\ntitle: A plan\n---\n\n"+words+"\n"), "--author", "ilse")
		}
		a := read[articleLine](t, s.cli("article", "show", "a-plan", "--json"))[0]
		db, err := store.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		list, err := db.Revisions(t.Context(), a.ID)
		if err != nil || len(list) != 2 || list[0].Author != "ilse" || list[1].Author != "ilse" {
			t.Errorf("the revisions are %+v, %v", list, err)
		}
	})
}

func TestAnUnchangedFileChangesNothing(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		s.ilse(bram)
		s.cli("author", "add", "tobias", "--name", "Tobias Renkema")
		folder := t.TempDir()
		var picture bytes.Buffer
		if err := drawFerry(&picture); err != nil {
			t.Fatal(err)
		}
		keep := func(name, body string) string {
			path := filepath.Join(folder, name)
			if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		keep("ferry.jpg", picture.String())
		wide := "---\ntitle: Wide\nslug: wide\nsummary: On a ferry.\nseries: The Low Road\npart: 2\ntags: [Veer, rivers, " +
			"veer]\nauthors: [ilse, tobias]\n" +
			"guest: Harm <https://harm.example>\npicture: ferry.jpg\npicture-alt: A ferry.\ncomments: known\n---\n\nThe " +
			"*ferry*.\n\n![At the buoy](ferry.jpg)\n"
		original := keep("wide.md", wide)
		dutch := keep("breed.md", "---\ntitle: Breed\nlanguage: nl\ntranslation-of: wide\n---\n\nHet pontje.\n")
		a := read[articleLine](t, s.cli("article", "publish", original, "--author", "ilse", "--json"))[0]
		s.wait("the article is told", func() bool { return len(veerhuis.Received("Create")) == 1 })
		s.cli("article", "publish", dutch, "--author", "ilse")
		s.wait("the translation is told", func() bool { return len(veerhuis.Received("Update")) == 1 })
		_, before := s.get(a.Object, "application/activity+json")
		for _, file := range []string{original, dutch, original, dutch} {
			if said := s.cli("article", "publish", file, "--author", "ilse"); !strings.HasPrefix(said,
				"nothing changed: http") || strings.Count(said, "\n") != 1 {
				t.Errorf("of %s publish said %q", file, said)
			}
		}
		if _, now := s.get(a.Object, "application/activity+json"); now != before {
			t.Errorf("on the wire it was\n%s\nand is\n%s", before, now)
		}
		if said := s.cli("article", "publish", keep("wide.md", wide+"More.\n"), "--author", "ilse"); !strings.HasPrefix(said,
			"revised ") {
			t.Errorf("of another text publish said %q", said)
		}
		s.wait("the change is told", func() bool { return len(veerhuis.Received("Update")) == 2 })
		if said := s.cli("article", "publish", dutch, "--author", "ilse"); !strings.HasPrefix(said, "nothing changed: ") {
			t.Errorf("of the translation, looked over again, publish said %q", said)
		}
		if shown := s.cli("article", "show", "wide"); strings.Contains(shown, "changed since") {
			t.Errorf("the translation is behind still:\n%s", shown)
		}
		if said := s.cli("article", "publish",
			keep("breed.md", "---\ntitle: Breed\nlanguage: nl\ntranslation-of: wide\n---\n\nHet pontje komt.\n"), "--author",
			"ilse"); !strings.HasPrefix(said, "published ") {
			t.Errorf("of another translation publish said %q", said)
		}
		s.wait("that is told, as the third", func() bool { return len(veerhuis.Received("Update")) == 3 })
	})
}

func TestADraftReplacesOnlyWhatAFileOfItsNameMade(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		hums := func(words string) string {
			return "---\ntitle: " + words + "\nslug: the-bridge-that-hums\n---\n\n" + words + "\n"
		}
		s.cli("article", "publish", write(t, "bridge.md", hums("Hums")), "--author", "ilse")
		for _, step := range []struct{ args, status string }{
			{"article withdraw the-bridge-that-hums", "withdrawn"},
			{"article publish " + write(t, "bridge.md",
				strings.Replace(hums("Hums"), "slug", "date: "+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+"\nslug", 1)) +
				" --author ilse", "scheduled"},
			{"article undo the-bridge-that-hums", "draft"},
		} {
			s.cli(strings.Fields(step.args)...)
			for _, file := range []string{write(t, "slug.md", hums("Other words")), "-"} {
				_, trouble, status := cli(s.ctx, s.args("article", "draft", file, "--author", "ilse"), nil, hums("Other words"))
				if status != failed || !strings.Contains(trouble, "belongs to the article “Hums”, which came from /") ||
					!strings.Contains(trouble, "/bridge.md: write another slug") {
					t.Errorf("over one that is %s, %s: %d, %q", step.status, file, status, trouble)
				}
			}
			if shown := s.cli("article", "show", "the-bridge-that-hums"); !strings.Contains(shown, step.status) ||
				strings.Contains(shown, "Other words") {
				t.Errorf("it is\n%s", shown)
			}
		}
		s.cli("article", "publish", write(t, "bridge.md", hums("Hums")), "--author", "ilse")
		s.cli("article", "withdraw", "the-bridge-that-hums")
		if said := s.cli("article", "draft", write(t, "bridge.md", hums("Hums higher")), "--author",
			"ilse"); !strings.Contains(said, "it stays withdrawn") {
			t.Errorf("of a file of its name draft said %q", said)
		}
		if shown := s.cli("article", "show", "the-bridge-that-hums"); !strings.Contains(shown, "withdrawn") ||
			!strings.Contains(shown, "Hums higher") {
			t.Errorf("it is\n%s", shown)
		}
	})
}

func TestAnArticleWhosePictureIsMissingIsSavedAndNotPublished(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	hole := "---\ntitle: Wide\n---\n\nThe ferry.\n\n![A buoy](gone.png)\n"
	file := write(t, "wide.md", hole)
	if _, notices, status := cli(s.ctx, s.args("article", "draft", file, "--author", "ilse"), nil, ""); status != done ||
		!strings.Contains(notices, file+": line 7: picture not found: gone.png") {
		t.Errorf("draft: %d, %q", status, notices)
	}
	if _, trouble, status := cli(s.ctx, s.args("article", "publish", file, "--author", "ilse"), nil,
		""); status != failed || !strings.Contains(trouble, "“gone.png” was not found") ||
		!strings.Contains(trouble, "Saved as draft “wide”: edit it and publish again, or remove it with "+
			"“causerie article "+
			"delete wide”") {
		t.Errorf("publish: %d, %q", status, trouble)
	}
	if shown := read[articleLine](t, s.cli("article", "show", "wide", "--json"))[0]; shown.Status != "draft" {
		t.Errorf("it is %s", shown.Status)
	}
	whole := write(t, "wide.md", "---\ntitle: Wide\n---\n\nThe ferry.\n")
	a := read[articleLine](t, s.cli("article", "publish", whole, "--author", "ilse", "--json"))[0]
	if _, trouble, status := cli(s.ctx, s.args("article", "publish", write(t, "wide.md", hole), "--author", "ilse"), nil,
		""); status != failed || !strings.Contains(trouble, "nothing was changed") {
		t.Errorf("a revision: %d, %q", status, trouble)
	}
	if shown := s.cli("article", "show", string(a.ID)); !strings.Contains(shown, "published") ||
		strings.Contains(shown, "gone.png") {
		t.Errorf("it is\n%s", shown)
	}
}

func TestWithdrawSaysWhatTheListSays(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	file := write(t, "wide.md", "---\ntitle: Wide\n---\n\nWords.\n")
	for _, hold := range []string{"0s", "1h"} { // the second time nothing has left when it is taken back
		s.cli("article", "publish", file, "--author", "ilse", "--hold", hold)
		if said := s.cli("article", "withdraw", "wide"); !strings.Contains(said, "withdrawn") ||
			strings.Contains(said, "a draft again") {
			t.Errorf("held for %s, withdraw said %q", hold, said)
		}
		if shown := read[articleLine](t, s.cli("article", "show", "wide", "--json"))[0]; shown.Status != "withdrawn" {
			t.Errorf("held for %s, it is %s", hold, shown.Status)
		}
	}
}

func TestWithdrawSaysWhatToDoWithAnUnpublishedArticle(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("article", "draft", write(t, "draft.md", "---\ntitle: Kept\n---\n\nWords.\n"), "--author", "ilse")
	s.cli("article", "publish", write(t, "later.md",
		"---\ntitle: Later\ndate: "+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+"\n---\n\nWords.\n"), "--author",
		"ilse")
	for slug, want := range map[string]string{"kept": "“kept” is a draft",
		"later": "“causerie article undo later” makes it a draft again"} {
		if _, trouble, status := cli(s.ctx, s.args("article", "withdraw", slug), nil, ""); status != failed ||
			!strings.Contains(trouble, want) {
			t.Errorf("%s: %d, %q", slug, status, trouble)
		}
	}
	if said := s.cli("article", "undo", "later"); !strings.Contains(said, "“Later” is a draft again") {
		t.Errorf("undo said %q", said)
	}
	if shown := read[articleLine](t, s.cli("article", "show", "later", "--json"))[0]; shown.Status != "draft" ||
		shown.Scheduled != "" {
		t.Errorf("it is %+v", shown)
	}
}

func TestATranslationIsNeitherHeldNorCorrectedQuietly(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		s.cli("article", "publish", write(t, "wide.md", "---\ntitle: Four minutes wide\n---\n\nThe ferry.\n"), "--author",
			"ilse")
		breed := "---\ntitle: Vier minuten breed\nlanguage: nl\ntranslation-of: four-minutes-wide\n---\n\nHet pontje.\n"
		pictured := func() string { return write(t, "breed.md", breed+"\n![De steiger](steiger.png)\n") }
		withPicture := pictured()
		picture, err := os.Create(filepath.Join(filepath.Dir(withPicture), "steiger.png"))
		if err := errors.Join(err, drawLanding(picture), picture.Close()); err != nil {
			t.Fatal(err)
		}
		refuse := func(when string) {
			t.Helper()
			before := s.cli("article", "show", "four-minutes-wide")
			pictured()
			for flags, want := range map[string]string{"--hold 1h": "save the text with “causerie article draft”",
				"--hold=-1h": "--hold", "--quiet": "always told of it: leave it out"} {
				args := append([]string{"article", "publish", withPicture, "--author", "ilse"}, strings.Fields(flags)...)
				if _, trouble, status := cli(s.ctx, s.args(args...), nil, ""); status != misusing ||
					!strings.Contains(trouble, want) || strings.Count(trouble, "\n") != 1 {
					t.Errorf("%s, %s: %d, %q", when, flags, status, trouble)
				}
			}
			if after := s.cli("article", "show", "four-minutes-wide"); after != before {
				t.Errorf("%s: it was %s and is %s", when, before, after)
			}
			if taken, err := filepath.Glob(filepath.Join(s.settings[3], "media", "*")); err != nil || len(taken) != 0 {
				t.Errorf("%s: the library took %v, %v", when, taken, err)
			}
		}
		refuse("before it has readers")
		s.cli("article", "publish", write(t, "breed.md", breed), "--author", "ilse")
		refuse("when it has readers")
		shown := s.cli("article", "show", "four-minutes-wide")
		if _, trouble, status := cli(s.ctx, s.args("article", "draft", write(t, "breed.md", breed+"\nNog niet.\n"),
			"--author", "ilse"), nil, ""); status != failed ||
			!strings.Contains(trouble, "“vier-minuten-breed” is published already") {
			t.Errorf("a draft of it: %d, %q", status, trouble)
		}
		if now := s.cli("article", "show", "four-minutes-wide"); now != shown {
			t.Errorf("after the draft it was %s and is %s", shown, now)
		}
		s.cli("article", "publish", pictured(), "--author", "ilse")
		if taken, err := filepath.Glob(filepath.Join(s.settings[3], "media", "*")); err != nil || len(taken) == 0 {
			t.Errorf("without a flag the library took %v, %v", taken, err)
		}
	})
}

func TestATranslationIsPublishedBesideItsOriginal(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("author", "add", "tobias", "--name", "Tobias Renkema")
	a := read[articleLine](t, s.cli("article", "publish",
		write(t, "wide.md", "---\ntitle: Four minutes wide\n---\n\nThe ferry.\n"), "--author", "ilse", "--json"))[0]
	file := func(name, more string) string {
		return write(t, name, "---\ntitle: Vier minuten breed\nlanguage: nl\n"+more+"---\n\nHet pontje.\n")
	}
	out, notices, status := cli(s.ctx, s.args("article", "publish",
		file("breed.md", "translation-of: four-minutes-wide\ntags: [veer]\n"), "--author", "ilse", "--json"), nil, "")
	if status != done || !strings.Contains(notices, "ignored, since the original decides: tags") {
		t.Fatalf("it ended with %d: %s", status, notices)
	}
	dutch := read[articleLine](t, out)[0]
	if dutch.ID != a.ID || dutch.Object != a.Object ||
		dutch.URL != strings.Replace(a.URL, "four-minutes-wide", "vier-minuten-breed", 1) {
		t.Errorf("the original is %+v, the translation %+v", a, dutch)
	}
	if status, body := s.get(dutch.URL, "text/html"); status != 200 || !strings.Contains(body, "Het pontje.") ||
		!strings.Contains(body, "also in English") {
		t.Errorf("its page answers %d:\n%s", status, body)
	}
	for _, address := range []string{a.URL, dutch.URL} {
		if _, body := s.get(address, "text/html"); strings.Contains(body, "dt-updated") {
			t.Errorf("%s is changed, though its words are those that it began with", address)
		}
	}
	if _, body := s.get(a.Object, "application/activity+json"); !strings.Contains(body, `"updated":"`) {
		t.Errorf("on the wire it is no newer:\n%s", body)
	}
	if _, body := s.get(dutch.URL, "application/activity+json"); !strings.Contains(body,
		`"nameMap":{"en":"Four minutes wide","nl":"Vier minuten breed"}`) {
		t.Errorf("on the wire it is\n%s", body)
	}
	if out := s.cli("article", "draft", write(t, "breit.md",
		"---\ntitle: Vier Minuten breit\nlanguage: de\ntranslation-of: vier-minuten-breed\n---\n\nDie Fähre.\n"), "--author",
		"ilse"); !strings.Contains(out, "draft of a translation") {
		t.Errorf("a draft: %s", out)
	}
	if out := s.cli("article", "show", "four-minutes-wide"); !strings.Contains(out, "de (draft), nl") {
		t.Errorf("show says\n%s", out)
	}
	for name, c := range map[string]struct{ file, author, want string }{
		"in the original's language": {write(t, "wide2.md",
			"---\ntitle: W\nlanguage: en\ntranslation-of: four-minutes-wide\n---\n\nW.\n"), "ilse",
			"the same as the original's"},
		"of somebody else's": {file("a.md", "translation-of: four-minutes-wide\n"), "tobias",
			"belongs to another author"},
		"of what is not there":     {file("b.md", "translation-of: nothing\n"), "ilse", "there is no article"},
		"as an article of its own": {file("c.md", ""), "ilse", "write translation-of"},
	} {
		if _, trouble, status := cli(s.ctx, s.args("article", "publish", c.file, "--author", c.author), nil,
			""); status != failed || !strings.Contains(trouble, c.want) {
			t.Errorf("%s: %d, %q", name, status, trouble)
		}
	}
	if out := s.cli("article", "untranslate", "four-minutes-wide", "nl"); !strings.Contains(out, "leads to the original") {
		t.Errorf("untranslate says %q", out)
	}
	s.wait("the original answers at its address",
		func() bool { _, body := s.get(dutch.URL, "text/html"); return strings.Contains(body, "The ferry.") })
	if _, trouble, status := cli(s.ctx, s.args("article", "untranslate", "four-minutes-wide", "nl"), nil,
		""); status != failed || !strings.Contains(trouble, "has no translation in “nl”") {
		t.Errorf("twice: %d, %q", status, trouble)
	}
}

func TestAnArticleIsPinned(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("article", "draft", write(t, "draft.md", "---\ntitle: Not yet\n---\n\nWords.\n"), "--author", "ilse")
	a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
	if out := s.cli("article", "pin", string(a.ID)); !strings.Contains(out, "pinned") {
		t.Errorf("pin says %q", out)
	}
	if _, body := s.get(s.url+"/@ilse", "text/html"); !strings.Contains(body, "Pinned") {
		t.Errorf("the page of its author is\n%s", body)
	}
	s.cli("article", "unpin", string(a.ID))
	if _, trouble, status := cli(s.ctx, s.args("article", "pin", "not-yet"), nil, ""); status != failed ||
		!strings.Contains(trouble, "only public articles can") {
		t.Errorf("a draft: %d, %q", status, trouble)
	}
}

func TestDraftsAreSavedAndDeleted(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	file := write(t, "ferry.md", ferry)
	first := read[articleLine](t, s.cli("article", "draft", file, "--author", "ilse", "--json"))[0]
	if again := read[articleLine](t, s.cli("article", "draft", file, "--author", "ilse",
		"--json"))[0]; again.ID != first.ID || again.Status != "draft" {
		t.Errorf("the same file again is %+v, not %+v", again, first)
	}
	if _, trouble, status := cli(s.ctx, s.args("article", "withdraw", "four-minutes-wide"), nil, ""); status != failed ||
		!strings.Contains(trouble, "is a draft, which nobody") {
		t.Errorf("withdrawing a draft: %d, %s", status, trouble)
	}
	s.cli("article", "delete", string(first.ID))
	if list := read[articleLine](t, s.cli("article", "list", "--status", "draft", "--json")); len(list) != 0 {
		t.Errorf("still there: %+v", list)
	}
}

func TestBadArticleFilesGetOneSentence(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("author", "add", "tobias", "--name", "Tobias Renkema")
	s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse")
	for name, c := range map[string]struct{ author, text, want string }{
		"a key that is misspelt": {"ilse", "---\ntitle: T\nsumary: s\n---\nx\n", "“summary”"},
		"no title":               {"ilse", "---\nlanguage: en\n---\nx\n", "title"},
		"no text":                {"ilse", "---\ntitle: Empty\n---\n", "empty"},
		"a slug that somebody else has": {"tobias", "---\ntitle: F\nslug: four-minutes-wide\n---\nx\n",
			"belongs to another article"},
		"a warning that would be in vain": {"ilse", "---\ntitle: W\nwarning: rain\n---\nx\n", "note-full"},
		"a picture that is not there":     {"ilse", "---\ntitle: P\npicture: none.jpg\n---\nx\n", "none.jpg"},
		"a part of no series":             {"ilse", "---\ntitle: P\npart: 3\n---\nx\n", "part needs a series"},
		"a co-author nobody knows":        {"ilse", "---\ntitle: C\nauthors: [kade]\n---\nx\n", "kade"},
		"an author nobody knows":          {"kade", ferry, "author list"},
	} {
		_, trouble, status := cli(s.ctx, s.args("article", "publish", write(t, "bad.md", c.text), "--author", c.author), nil,
			"")
		if status != failed || !strings.Contains(trouble, c.want) || !strings.HasPrefix(trouble, "causerie: ") {
			t.Errorf("%s: %d, %q", name, status, trouble)
		}
	}
}

func TestStartsThatFailSayWhy(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	taken := strings.TrimPrefix(s.url, "http://")
	file := write(t, "file", "")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a port that is taken":    {s.args("serve", "--listen", taken), "another program listens on"},
		"an address that is none": {s.args("--listen", "nowhere"), "host:port"},
		"another url": {s.args("--listen", freePort(t), "--url", "https://overkant.example"),
			"started as " + s.url},
		"another domain for handles": {s.args("--listen", freePort(t), "--handle-domain", "overkant.example"),
			"started with " + taken},
		"a database inside a file": {[]string{"--listen", freePort(t), "--database", file + "/causerie.db"},
			"--database"},
		"a database that does not answer": {[]string{"--listen", freePort(t), "--database",
			"postgres://127.0.0.1:1/x"}, "--database"},
		"a database of a kind that is not known": {[]string{"--listen", freePort(t), "--database", "mysql://x"}, "SQLite"},
		"a command without a blog":               {[]string{"article", "list", "--data", t.TempDir()}, "no blog"},
		"a command for later":                    {[]string{"backup", "all.zip", "--dry-run"}, "later version"},
	} {
		_, trouble, status := cli(s.ctx, c.args, nil, "")
		if status != failed || !strings.Contains(trouble, c.want) || strings.Count(strings.TrimSpace(trouble), "\n") > 0 {
			t.Errorf("%s: %d, %q", name, status, trouble)
		}
	}
}

func TestOnlyAStaleSocketFileIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := listen(Config{Listen: "unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listen(Config{Listen: "unix:" + path}); err == nil ||
		!strings.Contains(err.Error(), "another program listens") {
		t.Errorf("a socket that is in use: %v", err)
	}
	first[0].(*net.UnixListener).SetUnlinkOnClose(false)
	closeAll(first)
	second, err := listen(Config{Listen: "unix:" + path})
	if err != nil {
		t.Fatalf("a socket that nobody answers at: %v", err)
	}
	closeAll(second)
}

func TestMigrateListsItsSteps(t *testing.T) {
	database := filepath.Join(t.TempDir(), "causerie.db")
	if _, trouble, status := cli(t.Context(), []string{"migrate", "--status", "--database", database}, nil,
		""); status != failed || !strings.Contains(trouble, "no blog") {
		t.Errorf("the status of nothing: %d, %s", status, trouble)
	}
	for _, args := range [][]string{{"migrate"}, {"migrate", "--status"}} {
		out, trouble, status := cli(t.Context(), append(args, "--json", "--database", database), nil, "")
		if status != done {
			t.Fatal(trouble)
		}
		for _, step := range read[migrationLine](t, out) {
			if step.State != "done" {
				t.Errorf("%v leaves %+v", args, step)
			}
		}
	}
}

func TestTheDemoSucceeds(t *testing.T) {
	out, trouble, status := cli(t.Context(), []string{"demo", "--once", "--listen", freePort(t)}, nil, "")
	if status != done {
		t.Fatalf("the demo ended with %d: %s\n%s", status, trouble, out)
	}
	for _, want := range []string{"published “Four minutes wide”", "-> 3 servers", "delivered 3/3",
		"reply from @bram@127.0.0.1:", "4 replies, 2 likes and 1 boost",
		"-> @overkant@127.0.0.1:", "-> @lowroad@127.0.0.1:", "one of the texts a translation", "quote from @deniz@127.0.0.1:",
		"named by @wietske@127.0.0.1:", "which waits for approval"} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
}
