package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

// A summary, then one line for each server, those with problems first.
func TestDeliveriesShowTheStateOfEachServer(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		world := fedtest.New(fedtest.Config{Ports: true})
		t.Cleanup(func() { world.Close() })
		servers := map[string]*fedtest.Server{}
		var followers []*fedtest.Person
		for _, name := range []string{"veerhuis", "zilverduin", "dijla", "steiger"} {
			server, err := world.AddServer(name, fedtest.Mastodon)
			if err != nil {
				t.Fatal(err)
			}
			servers[name], followers = server, append(followers, server.Person("bram"))
		}
		s.ilse(followers...)
		be := func(name string, mood fedtest.Behaviour) {
			t.Helper()
			if err := servers[name].SetBehaviour(mood); err != nil {
				t.Fatal(err)
			}
		}
		lines := func(more ...string) map[string]serverLine {
			found := map[string]serverLine{}
			for _, line := range read[serverLine](t,
				s.cli(append([]string{"deliveries", "four-minutes-wide", "--json"}, more...)...)) {
				found[line.Host] = line
			}
			return found
		}
		of := func(name string) serverLine { return lines()[servers[name].Host] }

		s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--hold", "1h")
		if said := s.cli("deliveries", "four-minutes-wide"); !strings.Contains(said, "the article is held: it is sent on") ||
			!strings.Contains(said, "article undo four-minutes-wide") {
			t.Errorf("of what is held the report says %q", said)
		}
		s.cli("article", "withdraw", "four-minutes-wide")
		s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse")
		s.wait("all four have it", func() bool {
			return strings.HasPrefix(s.cli("deliveries", "four-minutes-wide"), "All 4 servers have it.\n")
		})

		be("zilverduin", fedtest.Refusing(http.StatusForbidden))
		be("dijla", fedtest.RateLimiting(time.Minute, 0))
		be("steiger", fedtest.Closed())
		s.cli("article", "publish", write(t, "ferry.md", ferry+"\nA comma.\n"), "--author", "ilse")
		s.wait("the change is told", func() bool {
			return of("veerhuis").Holds == 2 && of("zilverduin").Status == "refused" &&
				strings.Contains(of("dijla").Words, "to wait") && of("steiger").FailingSince != ""
		})
		for name, want := range map[string]serverLine{
			"veerhuis": {Holds: 2, Newest: 2, Shows: 2, Status: "delivered", Code: 202, Words: "Has version 2, the newest."},
			"zilverduin": {Holds: 1, Newest: 2, Shows: 1, Status: "refused", Code: 403,
				Words: "Has version 1 and refused version 2."},
			"dijla": {Holds: 1, Newest: 2, Shows: 1, Status: "retrying", Code: 429,
				Words: "Has version 1; version 2 is on its way. It asks us to wait."},
		} {
			got := of(name)
			if (serverLine{Holds: got.Holds, Newest: got.Newest, Shows: got.Shows, Status: got.Status, Code: got.Code,
				Words: got.Words}) != want || got.Kind != "Update" || got.Followers != 1 {
				t.Errorf("of %s the report says %+v, want %+v", name, got, want)
			}
		}
		if next, err := time.Parse(time.RFC3339, of("dijla").NextAt); err != nil || time.Until(next) < 30*time.Second {
			t.Errorf("dijla, which asked for a minute, is tried again at %q", of("dijla").NextAt)
		}
		if failed := lines("--failed"); len(failed) != 3 {
			t.Errorf("in trouble are %v", failed)
		}
		said := strings.Split(strings.TrimSpace(s.cli("deliveries", "four-minutes-wide")), "\n")
		if len(said) != 5 || !strings.HasPrefix(said[0],
			"All 4 servers have it, 1 of them the newest version; 1 refused the newest version; 1 has been silent since ") ||
			!strings.HasSuffix(said[0], "; 1 asks us to wait.") ||
			!strings.HasPrefix(said[1], servers["zilverduin"].Host) || !strings.HasPrefix(said[2], servers["steiger"].Host) ||
			!strings.HasPrefix(said[4], servers["veerhuis"].Host) {
			t.Errorf("the report is %q", said)
		}
		if all := s.cli("deliveries"); !strings.HasPrefix(all, "four-minutes-wide  "+said[0]) ||
			strings.Count(all, "\n") != 1 {
			t.Errorf("of all articles it says %q", all)
		}
		if line := read[progressLine](t, s.cli("deliveries",
			"--json"))[0]; line != (progressLine{Article: "four-minutes-wide", Total: 4, Have: 4, Newest: 1, Words: said[0],
			Delivered: 1, Retrying: 2, Refused: 1}) {
			t.Errorf("of all articles it says %+v", line)
		}
		if shown := s.cli("article", "show", "four-minutes-wide"); !strings.Contains(shown, said[0]) {
			t.Errorf("the article shows %q", shown)
		}

		s.cli("article", "publish", write(t, "ferry.md", ferry+"\nA comma; no more.\n"), "--author", "ilse", "--quiet")
		s.wait("the correction is handed on", func() bool { return of("veerhuis").Holds == 3 })
		if line := of("veerhuis"); line.Shows != 2 ||
			!strings.Contains(line.Words, "version 3 is a quiet correction, of which nobody there is told") {
			t.Errorf("of the quiet correction the report says %+v", line)
		}
		s.cli("article", "withdraw", "four-minutes-wide")
		s.wait("veerhuis is asked to forget it", func() bool {
			return of("veerhuis").Asked && of("zilverduin").Kind == "Delete" && of("zilverduin").Status == "refused"
		})
		if line := of("zilverduin"); line.Asked || line.Words != "Still has it: it refused the request to delete it." {
			t.Errorf("of the refused request the report says %+v", line)
		}
		be("zilverduin", fedtest.Healthy())
		s.cli("deliveries", "retry", "four-minutes-wide", "--host", servers["zilverduin"].Host)
		s.wait("zilverduin takes it", func() bool { return of("zilverduin").Words == "Accepted the request to delete it." })
	})
}

func TestTimesAreInTheZoneOfTheBlogAndNameIt(t *testing.T) {
	s := openAt(t, storetest.SQLite(t), freePort(t), "--timezone", "Asia/Tokyo")
	veerhuis, bram := s.veerhuis()
	s.ilse(bram)
	if err := veerhuis.SetBehaviour(fedtest.RateLimiting(time.Hour, 0)); err != nil {
		t.Fatal(err)
	}
	if said := s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--hold",
		"1s"); !strings.Contains(said, " JST. Until then") {
		t.Errorf("of what is held publish says %q", said)
	}
	s.wait("it is told when the server is tried again", func() bool {
		said := s.cli("deliveries", "four-minutes-wide")
		return strings.Contains(said, "Next try: ") && strings.Contains(said, " JST.")
	})
	later := "---\ntitle: Later\ndate: " + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + "\n---\n\nWords.\n"
	if said := s.cli("article", "publish", write(t, "later.md", later), "--author", "ilse"); !strings.Contains(said,
		" JST: ") {
		t.Errorf("of what is scheduled publish says %q", said)
	}
}

func TestPublishCountsTheServersThatAnArticleIsSentTo(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	veerhuis, bram := s.veerhuis()
	s.ilse(bram)
	if err := veerhuis.SetBehaviour(fedtest.RateLimiting(time.Hour, 0)); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"", "\nA comma.\n", "\nA comma; no more.\n"} {
		if said := s.cli("article", "publish", write(t, "ferry.md", ferry+words), "--author", "ilse"); !strings.Contains(said,
			"being sent to 1 server: “causerie deliveries four-minutes-wide”") {
			t.Errorf("publish said %q", said)
		}
	}
}
