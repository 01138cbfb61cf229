package main

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

// readable returns the pages, feeds and documents that may show something about an article, a comment or an author.
func readable(a articleLine, comment, author string) map[string]string {
	const html, ap = "text/html", "application/activity+json"
	home := a.URL[:strings.Index(a.URL, "/20")]
	return map[string]string{a.URL: html, a.URL + "/replies/2": html, home + "/": html, home + "/@ilse": html,
		home + "/archive": html, home + "/tags/rivers": html, home + "/about": html,
		home + "/feed.xml": html, home + "/feed.json": html, home + "/@ilse/feed.xml": html,
		home + "/comments/feed.xml": html, home + "/sitemap.xml": html,
		home + "/interact?action=reply&uri=" + url.QueryEscape(comment): html, home + "/nodeinfo/2.1": ap,
		a.Object: ap, a.Object + "/replies": ap, a.Object + "/replies?cursor=": ap, a.Object + "/likes": ap,
		a.Object + "/shares": ap, a.Object + "/context": ap,
		author: ap, author + "/outbox?cursor=": ap, author + "/followers": ap, author + "/followers?cursor=": ap}
}

func TestT131ABlockHidesEarlierCommentsReactionsAndCountsAtOnce(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		world := fedtest.New(fedtest.Config{})
		t.Cleanup(func() { world.Close() })
		var people []*fedtest.Person
		for _, name := range []string{"veerhuis", "zilverduin"} {
			server, err := world.AddServer(name, fedtest.Mastodon)
			if err != nil {
				t.Fatal(err)
			}
			people = append(people, server.Person(map[string]string{"veerhuis": "bram", "zilverduin": "canary"}[name]))
		}
		bram, kade := people[0], people[1]
		ilse := s.ilse(bram, kade)
		a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
		reply, err := kade.Reply(s.ctx, a.Object, "<p>The canary sings.</p>")
		if err != nil {
			t.Fatal(err)
		}
		for _, do := range []func() error{
			func() error { _, err := kade.Like(s.ctx, a.Object); return err },
			func() error { _, err := kade.Boost(s.ctx, a.Object); return err },
			func() error { _, err := kade.React(s.ctx, a.Object, "🐤"); return err },
			func() error { _, err := bram.Reply(s.ctx, a.Object, "<p>Bram.</p>"); return err },
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		pages := readable(a, reply.Object, ilse.Object)
		told := func() (list []string) {
			for address, accept := range pages {
				if _, body := s.get(address, accept); strings.Contains(strings.ToLower(body), "canary") ||
					strings.Contains(body, kade.Server.Host) || strings.Contains(body, "🐤") {
					list = append(list, address)
				}
			}
			return list
		}
		totals := func() (n [3]int) {
			for i, which := range []string{"replies", "likes", "shares"} {
				var c struct{ TotalItems int }
				_, body := s.get(a.Object+"/"+which, "application/activity+json")
				if err := json.Unmarshal([]byte(body), &c); err != nil {
					t.Fatal(err)
				}
				n[i] = c.TotalItems
			}
			return n
		}
		s.wait("everything stands there", func() bool { return totals() == [3]int{2, 1, 1} && len(told()) >= 5 })

		began := time.Now()
		out := s.cli("block", "add", kade.Server.Host, "--reason", "Sings at night")
		if !strings.Contains(out, "is blocked. 1 follower removed, 1 comment hidden, 3 reactions hidden.") {
			t.Errorf("block says %q", out)
		}
		s.wait("nothing of it stands anywhere", func() bool { return len(told()) == 0 && totals() == [3]int{1, 0, 0} })
		if took := time.Since(began); took > 5*time.Second { // 2 s on a machine with nothing else to do
			t.Errorf("it took %v, and these told it last: %v", took, told())
		}
		if _, err := kade.Server.WaitFor(s.ctx, fedtest.OfType("Reject")); err != nil {
			t.Error(err)
		}
		if out := s.cli("block", "remove", strings.ToUpper(kade.Server.Host)); !strings.Contains(out, "must follow again") {
			t.Errorf("undoing says %q", out)
		}
		s.wait("it stands again", func() bool { return totals() == [3]int{2, 1, 1} })
	})
}

func TestBlocksAreAddedListedAndRemoved(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	if out := s.cli("block", "list"); !strings.Contains(out, "nobody is blocked") {
		t.Errorf("an empty list is %q", out)
	}
	s.cli("block", "add", "https://EVIL.example:8443/", "--level", "limit", "--reason", "Loud", "--note", "since May")
	if again := s.cli("block", "add", "evil.example", "--level", "refuse", "--json"); !strings.Contains(again,
		`"level":"refuse","reason":"Loud","note":"since May"`) {
		t.Errorf("blocked again without a word why: %s", again)
	}
	s.cli("block", "add", "evil.example", "--level", "limit", "--reason", "Very loud")
	if out := s.cli("block", "list"); !strings.Contains(out, "Very loud") || !strings.Contains(out, "since May") {
		t.Errorf("the list is %q", out)
	}
	world := fedtest.New(fedtest.Config{})
	t.Cleanup(func() { world.Close() })
	server, err := world.AddServer("veerhuis", fedtest.Mastodon)
	if err != nil {
		t.Fatal(err)
	}
	s.cli("block", "add", server.Person("kade").ID)
	lines := read[blockLine](t, s.cli("block", "list", "--json"))
	if len(lines) != 2 || lines[0].Subject != "evil.example" || lines[0].Level != "limit" ||
		lines[0].Note != "since May" || lines[1].Kind != "actor" || lines[1].Level != "refuse" {
		t.Errorf("listed %+v", lines)
	}
	s.cli("block", "remove", "evil.example")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"what is not blocked": {[]string{"block", "remove", "evil.example"}, "block list"},
		"no domain":           {[]string{"block", "add", "evil example"}, "not the domain"},
		"the blog itself":     {[]string{"block", "add", s.url}, "this blog itself"},
		"no actor we know": {[]string{"block", "add", "http://127.9.9.9:1/x"},
			"not an account that can be found: write “127.9.9.9” to block the whole server"},
		"what is no actor": {[]string{"block", "add",
			server.ServeDocument("/page", map[string]any{"type": "Note", "content": "Hello."})},
			"not an account that can be found"},
		"a person nobody has": {[]string{"block", "add", "@kade@127.9.9.9:1"}, "cannot be found"},
		"what is not allowed": {[]string{"allow", "remove", "veerhuis.example"}, "allow list"},
	} {
		if _, trouble, status := cli(s.ctx, s.args(c.args...), nil, ""); status != failed ||
			!strings.Contains(trouble, c.want) {
			t.Errorf("%s: %d, %q", name, status, trouble)
		}
	}
	s.cli("allow", "add", "Veerhuis.example", "--note", "friends")
	if out := s.cli("allow", "list", "--json"); !strings.Contains(out, `"veerhuis.example"`) {
		t.Errorf("allowed %s", out)
	}
	s.cli("allow", "remove", "veerhuis.example")
}

func TestABlocklistIsImportedAndExported(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.cli("block", "add", "loud.example", "--level", "limit", "--note", "ours")
	s.cli("block", "add", "worst.example")
	const list = "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n" +
		"evil.example,suspend,true,true,\"Spam, and more\",false\nloud.example,suspend,false,false,,false\n" +
		"worst.example,silence,true,false,,false\nquiet.example,noop,false,false,,false\nBÖSE.example,silence,false,false,," +
		"true\n"
	file := write(t, "list.csv", list)
	if out := s.cli("block", "import", file, "--dry-run"); !strings.Contains(out,
		"newly blocked: 2, from limited to refused: 1, as before: 1") || !strings.Contains(out, "nothing was changed") {
		t.Errorf("a dry run says %q", out)
	}
	if n := len(read[blockLine](t, s.cli("block", "list", "--json"))); n != 2 {
		t.Fatalf("a dry run changed the list to %d", n)
	}
	for wrong, line := range map[string]string{list + "ev**.example,suspend,,,,\n": "line 7",
		list + "other.example,ban,,,,\n": "line 7", "a.example\nb..example\n": "line 2",
		list + "x.example,\"susp": "line 7", "127.0.0.1\n": "this blog itself"} {
		_, trouble, status := cli(s.ctx, s.args("block", "import", "-"), nil, wrong)
		if status != failed || !strings.Contains(trouble, line) {
			t.Errorf("%q: %d, %q, want %s named", wrong, status, trouble, line)
		}
	}
	if n := len(read[blockLine](t, s.cli("block", "list", "--json"))); n != 2 {
		t.Fatalf("a wrong list was imported in part: %d", n)
	}
	s.cli("block", "import", file)
	exported := s.cli("block", "export")
	const want = "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n" +
		"evil.example,suspend,false,false,\"Spam, and " +
		"more\",false\nloud.example,suspend,false,false,,false\nworst.example,suspend,false,false,,false\n" +
		"xn--bse-sna.example,silence,false,false,,false\n"
	if exported != want {
		t.Errorf("exported\n%s", exported)
	}
	if out, _, _ := cli(s.ctx, s.args("block", "import", "-", "--json"), nil, exported); !strings.Contains(out,
		`"known":4`) {
		t.Errorf("its own export again: %s", out)
	}
	bare := write(t, "bare.csv", "\uFEFFone.example\r\n\r\ntwo.example\r\nONE.example\r\n")
	if out := s.cli("block", "import", bare); !strings.Contains(out, "newly blocked: 2") {
		t.Errorf("bare domains: %q", out)
	}
	if lines := read[blockLine](t, s.cli("block", "list", "--json")); len(lines) != 6 || lines[1].Note != "ours" {
		t.Errorf("afterwards %+v", lines)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("#\n", 100_001)+"late.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, trouble, status := cli(s.ctx, s.args("block", "import", file), nil, ""); status != failed ||
		!strings.Contains(trouble, "too long") {
		t.Errorf("an endless list: %d, %q", status, trouble)
	}
}
