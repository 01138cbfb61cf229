package admin_test

import (
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
)

func TestAPublicationCanBeUndoneForAWhile(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"), "ilse")
		b := o.signIn("ilse").open("/admin/account")
		b.press("Save", "hold", "-1").want(422, "/admin/account").sees("not a number of seconds from 0 to 600")
		b.press("Save", "hold", "300").want(200, "/admin/account").sees("Saved.")
		before := len(veerhuis.Deliveries())
		text := prose + "\n\nAsk @kade@zilverduin.example."
		b.open("/admin/articles/new").press("Publish…", "title", "Four minutes wide", "text", text).press("Publish as chosen")
		b.want(200, "/admin/articles/").sees("It is sent in 300 seconds",
			"Nothing was sent yet.").lacks("No account was found")
		if a := o.only(); a.Status != blog.Published {
			t.Errorf("it is %s", a.Status)
		}
		b.press("Undo").want(200, "/admin/articles/").sees("no other server knows of it")
		if a := o.only(); a.Status != blog.Draft || a.Markdown != text || a.ObjectID != "" {
			t.Errorf("undone, it is %s with %q", a.Status, a.Markdown)
		}
		// Sent and then changed: the earlier text comes back, and the typed one stays in the form.
		b.open("/admin/account").press("Save", "hold", "0")
		b.open("/admin/articles/" + string(o.only().ID)).press("Publish…").press("Publish as chosen").lacks("It is sent in")
		if _, err := veerhuis.WaitFor(t.Context(), fedtest.OfType("Create")); err != nil {
			t.Fatal(err)
		}
		b.open("/admin/account").press("Save", "hold", "300")
		path := "/admin/articles/" + string(o.only().ID)
		b.open(path).sees("Correct quietly", "Copies elsewhere keep the old text").press("Save and send", "title",
			"Wrong").want(200, path).sees("It is sent in 300 seconds")
		b.press("Undo").want(200, path).sees("not saved")
		if b.field("title") != "Wrong" || o.only().Title != "Four minutes wide" {
			t.Errorf("the form says %q, the article %q", b.field("title"), o.only().Title)
		}
		b.open("/admin/account").press("Save", "hold", "0")
		b.open(path).press("Correct quietly", "title", "Four minutes").want(200, path).sees("without telling")
		delivery, err := veerhuis.WaitFor(t.Context(), fedtest.OfType("Update"))
		if err != nil {
			t.Fatal(err)
		}
		object, _ := delivery.JSON()["object"].(map[string]any)
		if object["updated"] != nil || object["name"] != "Four minutes" {
			t.Errorf("the quiet correction says %v, updated %v", object["name"], object["updated"])
		}
		time.Sleep(100 * time.Millisecond)
		if n := len(veerhuis.Deliveries()) - before; n != 2 {
			t.Errorf("veerhuis got %d deliveries, want the article and the correction", n)
		}
		b.post(path+"/undo", "application/x-www-form-urlencoded", nil).sees("Too late to undo")
	})
}

func TestWithoutOtherServersNoPageMentionsThem(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		o.published(b, "open")
		b.open("/admin/articles/new").press("Publish…", "title", "A second", "text",
			prose).press("Publish as chosen").sees("Published.").lacks("being sent")
		path := strings.TrimSuffix(b.at.Path, "/report")
		b.open(path).press("Save and send", "text", "Other words.").want(200, path).sees("Saved.").lacks("being told")
		b.open(path+"/texts/nl").press("Publish the translation", "title", "Een tweede", "text", "Woorden.").want(200,
			path).sees("Saved.").lacks("being told")
		b.post(path+"/undo", "application/x-www-form-urlencoded", nil).sees("Too late to undo.",
			"no other server has it").lacks("it was sent")
		b.open(path + "/withdraw").press("Withdraw").sees("No other server had it.").lacks("being asked")
	})
}

func TestAQuietCorrectionIsNotShownAsWaitingToBeSent(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		path := "/admin/articles/" + string(o.published(b, "open").ID)
		b.open("/admin/account").press("Save", "hold", "300")
		b.open(path).press("Correct quietly", "text", "Other words.").want(200,
			path).sees("Corrected, without telling readers. You can undo it for 300 seconds.").lacks("It is sent in")
		b.open(path + "/texts/nl").sees("A translation is sent at once")
		b.open(path).press("Save and send", "text", "Yet other words.").want(200, path).sees("It is sent in 300 seconds")
	})
}
