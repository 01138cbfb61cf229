package admin_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/store"
)

// be changes the moods of servers.
func (o *overkant) be(moods map[*fedtest.Server]fedtest.Behaviour) {
	o.t.Helper()
	for server, mood := range moods {
		if err := server.SetBehaviour(mood); err != nil {
			o.t.Fatal(err)
		}
	}
}

// settled waits until no delivery is on its way to a server that answers.
func (o *overkant) settled() {
	o.t.Helper()
	o.until("what can be brought is brought", func() bool {
		list, err := o.store.Articles(o.soon(), store.ArticleFilter{})
		if err != nil {
			return false
		}
		for _, a := range list {
			deliveries, err := o.store.DeliveryRows(o.soon(), a.ID)
			if err != nil {
				return false
			}
			for _, l := range deliveries {
				if !l.Status.Settled() && l.Failures == 0 {
					return false
				}
			}
		}
		return true
	})
}

// line is the line of a server on the page of deliveries; "" if it has none.
func (b *browser) line(server *fedtest.Server) string {
	b.t.Helper()
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && n.Data == "li" && value(n, "class") == "server" &&
			strings.Contains(words(n), server.Host) {
			return strings.Join(strings.Fields(words(n)), " ")
		}
	}
	return ""
}

// tells checks what the lines of some servers contain.
func (b *browser) tells(lines map[*fedtest.Server][]string) {
	b.t.Helper()
	for server, want := range lines {
		line := b.line(server)
		for _, w := range want {
			if !strings.Contains(line, w) {
				b.t.Errorf("of %s the report does not say %q but %q", server.Name, w, line)
			}
		}
	}
}

func TestTheReportShowsWhichVersionEachServerHas(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis, zilverduin, dijla, kade := o.server("veerhuis"), o.server("zilverduin"), o.server("dijla"),
			o.server("noordkade")
		for _, server := range []*fedtest.Server{veerhuis, zilverduin, dijla, kade} {
			o.befriend(server.Person("bram"), "ilse")
		}
		o.be(map[*fedtest.Server]fedtest.Behaviour{kade: fedtest.Refusing(403)})
		b := o.signIn("ilse")
		a := o.published(b, "open")
		edit, report := "/admin/articles/"+string(a.ID), "/admin/articles/"+string(a.ID)+"/report"
		o.settled()
		b.open(report).sees("3 of 4 servers have it; 1 refused it.").tells(map[*fedtest.Server][]string{kade: {"refused",
			"Does not have it.", "403"}})

		o.be(map[*fedtest.Server]fedtest.Behaviour{zilverduin: fedtest.Refusing(403), dijla: fedtest.Refusing(503)})
		b.open(edit).press("Save and send", "text", prose+"\n\nThirty-three, not thirty-two.")
		o.settled()
		b.open(report).sees("3 of 4 servers have it, 1 of them the newest version; 1 refused the newest version; 1 refused "+
			"it; 1 has had problems since ", " today", "Changed (Update), to 3 servers")
		b.tells(map[*fedtest.Server][]string{veerhuis: {"delivered", "Has version 2, the newest."},
			zilverduin: {"Has version 1 and refused version 2.", "Retry now"},
			dijla:      {"Has version 1; version 2 is on its way.", "Has had problems since ", " today", "try 2"},
			kade:       {"Does not have it."}})
		b.open("/admin").sees("of 4 servers have it, 1 the newest version", "1 delivered", "1 trying again", "2 refused")
		b.open("/admin/articles").sees("3 of 4 servers have it, 1 of them the newest version")
		b.open("/admin/network").sees("3 of 4 servers have it, 1 of them the newest version; 1 refused the newest version; "+
			"1 refused it; 1 has had problems since ", " today")

		b.open(edit).press("Correct quietly", "text", prose+"\n\nThirty-three; not thirty-two.")
		o.settled()
		b.open(report).sees("Sent without a notification.")
		b.tells(map[*fedtest.Server][]string{veerhuis: {"Was told up to version 2; version 3 is a quiet correction, of " +
			"which nobody there is told."}})

		b.open(edit + "/withdraw").sees("3 servers will be asked").press("Withdraw")
		o.settled()
		b.open(report).sees("1 of 3 servers accepted the request to delete it; 1 refused, and still has it; "+
			"1 has had problems since ",
			" today", "Withdrawn (Delete), to 3 servers")
		b.tells(map[*fedtest.Server][]string{veerhuis: {"Accepted the request to delete it."},
			zilverduin: {"Still has it: it refused the request to delete it."},
			dijla:      {"Still has it; the request to delete it is on its way."},
			kade:       {"nothing to delete", "Never had it."}})
		if strings.Contains(b.line(kade), "Retry") {
			t.Error("a server that never had it can be asked again")
		}

		o.be(map[*fedtest.Server]fedtest.Behaviour{kade: fedtest.Healthy()})
		b.open(edit + "/publish").press("Publish as chosen")
		o.settled()
		b.open(report).sees("2 of 4 servers have it; 1 refused it; 1 has had problems since ", " today",
			"2 still have a copy that was taken back before.")
		b.tells(map[*fedtest.Server][]string{zilverduin: {"It still has the copy that was taken back before.",
			"Does not have it."}, kade: {"delivered"}})
		if strings.Contains(b.line(veerhuis), "still has") {
			t.Errorf("veerhuis forgot: %s", b.line(veerhuis))
		}
	})
}

func TestTheReportShowsWhoAsksForPatienceAndWhoWasGivenUp(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis, dijla, steiger, linde := o.server("veerhuis"), o.server("dijla"), o.server("steiger"), o.server("oudelinde")
		for _, server := range []*fedtest.Server{veerhuis, dijla, steiger, linde} {
			o.befriend(server.Person("samir"), "ilse")
		}
		o.be(map[*fedtest.Server]fedtest.Behaviour{dijla: fedtest.RateLimiting(time.Minute, 0), steiger: fedtest.Closed(),
			linde: fedtest.Gone()})
		b := o.signIn("ilse")
		report := "/admin/articles/" + string(o.published(b, "open").ID) + "/report"
		o.settled()
		b.open(report).sees("1 of 4 servers has it; 1 has been silent since ", " today", "1 has closed; 1 asks us to wait.")
		b.tells(map[*fedtest.Server][]string{dijla: {"try 2", "Does not have it yet. It asks us to wait.", "429"},
			steiger: {"Has been silent since ", " today"}, linde: {"gone", "410"}})
		if strings.Contains(b.line(dijla), "Retry") {
			t.Error("a server that asks for patience is offered to be tried at once")
		}
		for day := 1; day < 7; day++ {
			// A pause longer than any that the courier sets looks to it like a clock that jumped, so it tries at once.
			at, due := time.Now().AddDate(0, 0, day), time.Now().Add(3*time.Minute)
			claims, err := o.store.ClaimPeers(o.soon(), due, time.Minute, 10, true)
			if err != nil {
				t.Fatal(err)
			}
			for _, claim := range claims {
				how := store.Busy
				if claim.Host == steiger.Host {
					how = store.Silent
				}
				if err := o.store.Release(o.soon(), claim,
					store.VisitEnd{How: how, FreeAt: due.Add(-70 * time.Second)}, at); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.open(report).sees("1 was given up after a week of silence")
		b.tells(map[*fedtest.Server][]string{steiger: {"given up after", "Has been silent since ", " today",
			"after seven days. When it answers again, it gets what it missed.", "Retry now"},
			dijla: {"It asks us to wait."}})
		text := b.text()
		if strings.Index(text, steiger.Host) > strings.Index(text, linde.Host) ||
			strings.Index(text, linde.Host) > strings.Index(text, dijla.Host) ||
			strings.Index(text, dijla.Host) > strings.Index(text, veerhuis.Host) {
			t.Errorf("trouble does not stand first: %s", text)
		}
	})
}

func TestTheReportShowsWelcomeDeliveries(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		report := "/admin/articles/" + string(o.published(b, "open").ID) + "/report"
		b.open(report).sees("There is nobody to send it to yet.", "Activities, sent to nobody so far",
			"Published (Create)").lacks("Activities sent")
		lagewal := o.server("lagewal")
		o.befriend(lagewal.Person("wietske"), "ilse")
		later := *o.outbox
		later.Now = func() time.Time { return time.Now().Add(time.Minute) }
		o.until("the article is brought and settled", func() bool {
			return later.SendDueWelcomes(o.soon()) == nil && strings.Contains(b.open(report).text(), "The one server has it.")
		})
		b.tells(map[*fedtest.Server][]string{lagewal: {"1 follower", "delivered", "Sent when it got its first follower."}})
	})
}

func TestTheReportNamesWhoWasNotFound(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		known := func(name, host string) {
			t.Helper()
			id := "https://" + host + "/users/" + name
			if err := o.store.SaveActor(o.soon(),
				blog.Actor{ID: id, Type: "Person", Handle: name + "@" + host, URL: id, Host: host, Inbox: id + "/inbox",
					FetchedAt: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		known("bram", "veerhuis.example")
		b := o.signIn("ilse")
		text := prose + "\n\nAsk @bram@veerhuis.example or @kade@zilverduin.example."
		b.open("/admin/articles/new").press("Publish…", "title", "Four minutes wide", "text",
			text).press("Publish as chosen").want(200, "/admin/articles/")
		edit := "/admin/articles/" + string(o.only().ID)
		b.open(edit + "/report").sees("No account was found for @kade@zilverduin.example, so this person was not " +
			"told of the mention.")
		known("kade", "zilverduin.example")
		b.open(edit).press("Save and send").open(edit + "/report").lacks("No account was found")
		if err := o.store.MarkMaybeGone(o.soon(), "https://veerhuis.example/users/bram", time.Now(),
			time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		b.open(edit + "/report").lacks("No account was found") // he was told before
	})
}

func TestTheAdminShowsWhoRefusesWhatAnAuthorSends(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		steiger := o.server("steiger")
		o.befriend(steiger.Person("reader"), "ilse")
		o.be(map[*fedtest.Server]fedtest.Behaviour{steiger: fedtest.RefusingSignatures()})
		b := o.signIn("ilse")
		report := "/admin/articles/" + string(o.published(b, "open").ID) + "/report"
		o.until("it was tried", func() bool { return strings.Contains(b.open(report).text(), "1 refuses at the moment.") })
		b.tells(map[*fedtest.Server][]string{steiger: {"Refusing since ", " today", "401", "try 2", "Retry now"}})
		b.open("/admin").sees("Everything that was to be sent is delivered, except to one server that refuses it.")
		b.open("/admin/network").sees("Servers that refuse", steiger.Host, "Refusing since ", " today", "it answers 401",
			"to what @ilse sends (Create). 1 delivery waits for it.")
		o.be(map[*fedtest.Server]fedtest.Behaviour{steiger: fedtest.Healthy()})
		b.open(report).press("Retry now: "+steiger.Host).want(200, report).sees("Trying again now.")
		o.until("it has it", func() bool { return strings.Contains(b.open(report).text(), "The one server has it.") })
		b.open("/admin").sees("Everything that was to be sent is delivered.")
	})
}
