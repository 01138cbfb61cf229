package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/store"
)

func TestF054AReportIsSentByTheInstanceActorAndToNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		zilverduin, veerhuis := o.server("zilverduin"), o.server("veerhuis")
		kade := zilverduin.Person("kade")
		o.befriend(veerhuis.Person("bram"), "ilse")
		b := o.signIn("ilse")
		a := o.published(b, "open")
		reply, err := kade.Reply(o.soon(), o.site.ArticleID(a.ObjectID), "<p>Buy boats.</p>")
		if err != nil {
			t.Fatal(err)
		}
		c, err := o.store.CommentByAddress(o.soon(), reply.Object)
		if err != nil {
			t.Fatal(err)
		}
		page := "/admin/comments/" + string(c.ID)
		b.open("/admin/comments?tab=published").sees("Report … Kade")
		b.open(page).sees("Report to "+zilverduin.Host).press("Send the report", "report", "  ").want(422,
			page+"/report").sees("The report is empty.")
		b.press("Send the report", "report", "Sells boats under every article.").want(200,
			page).sees("Reported to " + zilverduin.Host)
		delivery, err := zilverduin.WaitFor(o.soon(), fedtest.OfType("Flag"))
		if err != nil {
			t.Fatalf("no correctly signed report: %v", err)
		}
		flag := delivery.JSON()
		if _, cc := flag["cc"]; cc || flag["actor"] != o.site.InstanceID() ||
			delivery.KeyID != o.site.InstanceID()+"#main-key" || "http://"+zilverduin.Host+delivery.Inbox != kade.Inbox() {
			t.Errorf("sent %s with %s to %s", delivery.Body, delivery.KeyID, delivery.Inbox)
		}
		if strings.Contains(string(delivery.Body), string(ilse.ID)) ||
			!strings.Contains(string(delivery.Body), reply.Object) ||
			!strings.Contains(string(delivery.Body), "Sells boats") {
			t.Errorf("it says %s", delivery.Body)
		}
		if n := len(veerhuis.Received("Flag")); n != 0 {
			t.Errorf("a follower's server had %d reports", n)
		}
		answer, err := http.Get(delivery.ID)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("everybody can read it: %d", answer.StatusCode)
		}
		o.until("it is shown as delivered", func() bool {
			return strings.Contains(b.open("/admin/reports?tab=sent").text(), "To "+zilverduin.Host+": delivered")
		})
		b.sees("sent by Ilse Verhaagen", "Sells boats")
		if err := o.outbox.Report(o.soon(), ilse.ID, c.ID, "Again."); err == nil ||
			!strings.Contains(err.Error(), "sent before") {
			t.Errorf("a second report: %v", err)
		}
	})
}

func TestReportsAreReadResolvedAndActedOn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		veerhuis, kade := o.server("veerhuis"), o.server("zilverduin").Person("kade")
		b := o.signIn("ilse")
		b.open("/admin/reports").sees("No report waits.")
		a := o.published(b, "open")
		reply, err := kade.Reply(o.soon(), o.site.ArticleID(a.ObjectID), "<p>Buy boats.</p>")
		if err != nil {
			t.Fatal(err)
		}
		found, err := veerhuis.Person("bram").LookUp(o.soon(), "ilse@"+o.site.HandleDomain)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.Report(o.soon(), found.ID, []string{reply.Object},
			"He sells boats.\n<script>alert(1)</script>"); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.Person("bram").Report(o.soon(), found.ID, []string{o.site.ArticleID(a.ObjectID)},
			"Too wide."); err != nil {
			t.Fatal(err)
		}
		o.until("both are there", func() bool {
			return strings.Contains(b.open("/admin/reports").text(),
				"Two reports wait")
		})
		b.sees("He sells boats.", "From "+veerhuis.Host, "The author Ilse Verhaagen", "Buy boats.", "Too wide.", "From Bram",
			"The article “Four minutes wide”", "Reports 2 open")
		if strings.Contains(b.source, "<script>alert") {
			t.Error("a script reached the admin")
		}
		tobias := o.signIn("tobias")
		tobias.open("/admin/reports").want(403, "/admin/reports").lacks("boats")
		tobias.open("/admin/blocks").want(403, "/admin/blocks")
		tobias.open("/admin").lacks("Reports")
		list, err := o.store.Reports(o.soon(), store.ReportList{State: blog.ReportOpen, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			b.post("/admin/reports/"+string(c.ID), "application/x-www-form-urlencoded",
				strings.NewReader("answer=resolve")).want(200, "/admin/reports?").sees("Resolved.")
		}
		b.open("/admin/reports").sees("No report waits.")
		b.open("/admin/reports?tab=resolved").sees("resolved by Ilse Verhaagen", "Too wide.")
		b.post("/admin/reports/"+string(list[0].ID), "application/x-www-form-urlencoded",
			strings.NewReader("answer=reopen")).want(200, "/admin/reports?").sees("Open again.")
		b.open("/admin/reports").sees("One report waits")
	})
}

func TestABlockIsSeenBeforeItIsSetAndUndone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		kade := o.server("zilverduin").Person("kade")
		b := o.signIn("ilse")
		b.open("/admin/blocks").sees("No server is blocked.").open("/admin/blocks?tab=people").sees("Nobody is blocked.")
		a := o.published(b, "open")
		o.befriend(kade, "ilse")
		if _, err := kade.Reply(o.soon(), o.site.ArticleID(a.ObjectID), "<p>Buy boats.</p>"); err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Like(o.soon(), o.site.ArticleID(a.ObjectID)); err != nil {
			t.Fatal(err)
		}
		public := func(want int) {
			t.Helper()
			if list, err := o.store.PublicComments(o.soon(), a.ID); err != nil || len(list) != want {
				t.Errorf("%d comments stand (%v), want %d", len(list), err, want)
			}
		}
		b.open("/admin/followers").sees("Block … Kade")
		b.open("/admin/blocks/new?person="+url.QueryEscape(kade.ID)).sees("@"+kade.Handle()+" alone",
			"Everybody on "+blocklist.Domain(kade.Server.Host), "1 follower, 1 comment and 1 reaction")
		long := strings.Repeat("x", 501)
		b.press("Block", "reason", long, "note", "Boats.").want(422,
			"/admin/blocks").sees("The reason is longer than 500 characters")
		if b.field("reason") != long || !strings.Contains(b.source, "Boats.") {
			t.Error("a word was lost")
		}
		public(1)
		b.press("Block", "reason", "Spam").want(200, "/admin/blocks?tab=people").sees("Refused: nothing of theirs",
			"@"+kade.Handle(), "Refused", "Spam", "Boats.")
		public(0)
		if n, err := o.store.CountFollowers(o.soon(), a.VoiceID); err != nil || n.Accepted != 0 {
			t.Errorf("%+v follow, %v", n, err)
		}
		b.press("Undo the block of @"+kade.Handle()).want(200, "/admin/blocks?tab=people")
		b.sees("their comments are shown again",
			"must follow again")
		public(1)
		b.open("/admin/blocks").press("Next", "subject", "no domain").want(422,
			"/admin/blocks/new").sees("is not the domain of a server")
		if b.field("subject") != "no domain" {
			t.Errorf("the field says %q", b.field("subject"))
		}
		b.press("Next", "subject", kade.Server.Host).want(200, "/admin/blocks/new").press("Block", "level",
			"limit").want(200, "/admin/blocks?tab=servers").sees("Limited")
		public(0)
		b.open("/admin/comments").sees("Waiting: its writer is limited")
		b.press("Approve Kade")
		public(1)
		b.open("/admin/blocks").press("Next", "subject", o.site.URL).press("Block").want(422,
			"/admin/blocks").sees("is this blog itself")
	})
}

func TestAListIsSeenBeforeItIsImported(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Editor)
		b := o.signIn("ilse")
		const list = "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nevil.example,suspend," +
			"false,false,\"Spam, loud\",false\nloud.example,silence,true,false,,false\nquiet.example,noop,,,,\n"
		b.open("/admin/blocks").press("See the changes", file{"list", "list.csv", "evil.example\nev**.example\n"}).want(422,
			"/admin/blocks/import").sees("The list was not imported.", "line 2")
		b.press("See the changes", file{"list", "list.csv", list}).want(200,
			"/admin/blocks/import").sees("Import this list?", "evil.example", "Spam, loud", "1 line blocks nothing",
			"1 line would also block pictures")
		if n, err := o.store.CountBlocks(o.soon(), blog.BlockServer); err != nil || n != 0 {
			t.Fatalf("%d are blocked before it was agreed to, %v", n, err)
		}
		b.press("Import").want(200, "/admin/blocks?").sees("The list is imported.", "evil.example", "Spam, loud",
			"loud.example", "Limited")
		b.open("/admin/blocks.csv")
		want := "evil.example,suspend,false,false,\"Spam, loud\",false\nloud.example,silence,false,false,,false\n"
		if !strings.HasSuffix(b.source, want) {
			t.Errorf("exported\n%s", b.source)
		}
		b.open("/admin/blocks").press("See the changes", file{"list", "list.csv", list}).sees("This list changes nothing")
	})
}
