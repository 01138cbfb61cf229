package admin_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
)

func TestTheWholeBlogIsSwitchedOnAndOff(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.author("tobias", "Tobias Renkema", blog.Editor)
		b := o.signIn("ilse").open("/admin/settings").sees("Follow the whole blog", "Switch on")
		b.press("Switch on", "handle", "De Overkant").want(422, "/admin/settings/voice").sees("The handle may have 1 to 30")
		if got := b.field("handle"); got != "De Overkant" {
			t.Errorf("the field came back as %q", got)
		}
		b.press("Switch on", "handle", "tobias").want(422, "/admin/settings/voice").sees("“tobias” is taken")
		b.press("Switch on", "handle", "@overkant").want(200, "/admin/settings").sees("@overkant@",
			"0 followers on 0 servers")
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram, "overkant")
		b.open("/admin/settings").sees("1 follower on 1 server")
		b.press("Save", "name", "De Overkant, een blad", "description", "Van de overkant.").want(200, "/admin/settings")
		if due, err := o.store.DueIntroductions(t.Context(), time.Now().Add(time.Hour)); err != nil || len(due) != 1 {
			t.Errorf("its followers are to be told of %d profiles (%v)", len(due), err)
		}
		b.press("Switch off").want(200, "/admin/settings").sees("@overkant@", "Switch on")
		b.open("/admin/articles/new").press("Save", "title", "A house", "text", prose, "byline", "@tobias")
		publish := "/admin/articles/" + string(o.only().ID) + "/publish"
		b.open(publish).lacks("announced to")
		voice, err := o.store.SiteVoice(t.Context())
		if err != nil || voice.Followable() || voice.Name != "De Overkant, een blad" || voice.Summary != "Van de overkant." {
			t.Errorf("switched off it is %+v (%v)", voice, err)
		}
		b.open("/admin/settings").press("Switch on").want(200, "/admin/settings").sees("1 follower on 1 server", "Switch off")
		o.befriend(bram, "tobias")
		// Tobias has not said yes to the by-line.
		b.open(publish).sees("announced to 1 follower of the blog or the series.").lacks("of your co-authors")
		o.signIn("tobias").open("/admin/settings").want(403, "/admin/settings")
	})
}

func TestASeriesIsDescribedAndFollowed(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Editor)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		b := o.signIn("ilse").open("/admin/series").sees("No series yet.")
		series := blog.Series{ID: blog.NewID(time.Now()), Slug: "the-low-road", Title: "The Low Road", Language: "en"}
		if err := o.store.SaveSeries(t.Context(), series); err != nil {
			t.Fatal(err)
		}
		b.open("/admin/articles").sees("Series")
		b.open("/admin/series").sees("The Low Road", "no public article")
		path := "/admin/series/" + string(series.ID)
		b.open(path).press("Save", "title", "", "planned", "many", "description", "Along the dike.").want(422,
			path).sees("The number of parts must be a number", "The title must have")
		b.press("Save", "title", "The Lower Road", "planned", "5").want(200, path)
		if s, err := o.store.Series(t.Context(), series.ID); err != nil || s.Title != "The Lower Road" || s.Planned != 5 ||
			s.Description != "Along the dike." || s.Slug != "the-low-road" {
			t.Errorf("saved as %+v (%v)", s, err)
		}
		b.press("Switch on").want(200, path).sees("@the_low_road@")
		if req, err := o.store.SeriesVoice(t.Context(), series.ID); err != nil || req.Name != "The Lower Road" ||
			o.site.VoicePage(req) != o.site.SeriesPage("the-low-road") {
			t.Errorf("its voice is %+v (%v)", req, err)
		}
		b.press("Save", "title", "The Low Road").want(200, path)
		if req, err := o.store.SeriesVoice(t.Context(), series.ID); err != nil || req.Name != "The Low Road" {
			t.Errorf("its voice is %+v (%v)", req, err)
		}
		if _, err := o.store.SiteVoice(t.Context()); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("the blog has a voice too (%v)", err)
		}
		o.signIn("tobias").open("/admin/series").want(403, "/admin/series").open(path).want(403, path)
	})
}

func TestASeriesWithoutAPublishedArticleIsDeleted(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Editor)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		now := time.Now().UTC()
		series := blog.Series{ID: blog.NewID(now), Slug: "the-low-road", Title: "The Low Road", Language: "en", Planned: 3}
		if err := o.store.SaveSeries(t.Context(), series); err != nil {
			t.Fatal(err)
		}
		a := blog.Article{ID: blog.NewID(now), VoiceID: ilse.ID, Status: blog.Draft, Format: blog.FullArticle,
			Visibility: blog.Public, Comments: blog.Open, Quotes: "everyone", CreatedAt: now, SeriesID: series.ID, Part: 1,
			Text: blog.Text{Language: "en", Title: "A dike", Slug: "a-dike", Markdown: prose, HTML: "<p>Reeds.</p>",
				Plain: "Reeds.", Summary: "Reeds."}}
		if err := o.store.SaveArticle(t.Context(), &a, now); err != nil {
			t.Fatal(err)
		}
		path := "/admin/series/" + string(series.ID)
		o.signIn("tobias").post(path+"/delete", "text/plain", nil, "Sec-Fetch-Site", "same-origin").want(403, path)
		b := o.signIn("ilse").open(path).sees("No article in it is published")
		b.press("Delete the series").want(200, "/admin/series?done=deleted").sees("Deleted.", "No series yet.")
		b.open("/admin/articles/" + string(a.ID))
		if b.field("series") != "The Low Road" || b.field("planned") != "3" {
			t.Errorf("the draft is in %q of %q parts", b.field("series"), b.field("planned"))
		}

		b.open("/admin/articles/"+string(a.ID)+"/publish").press("Publish as chosen").want(200, "/admin/articles/")
		made, err := o.store.SeriesBySlug(t.Context(), "the-low-road")
		if err != nil || made.Planned != 3 {
			t.Fatalf("publishing the draft made %+v (%v)", made, err)
		}
		path = "/admin/series/" + string(made.ID)
		b.open(path).lacks("Delete the series")
		b.post(path+"/delete", "text/plain", nil, "Sec-Fetch-Site", "same-origin").want(409, path)
	})
}

func TestF121BlogRecommendsItsAuthorsWhereAnAdminSwitchesItOn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		tobias := o.author("tobias", "Tobias Renkema", blog.Writer)
		b, other := o.signIn("ilse"), o.signIn("tobias")
		const path, form = "/admin/settings/authors", "application/x-www-form-urlencoded"
		press := func(b *browser) *browser { return b.post(path, form, strings.NewReader("switch=on")) }
		press(other).want(http.StatusForbidden, path)
		// Only a blog that people can follow publishes anything.
		b.open("/admin/settings").lacks("Recommend the authors")
		press(b).want(http.StatusNotFound, path)
		b.open("/admin/settings").press("Switch on", "handle", "overkant").want(200, "/admin/settings")
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram, "overkant")
		other.open("/admin/profile").press("Save", "featured", "ask").want(200, "/admin/profile")
		b.open("/admin/settings").press("Recommend the authors").want(200, "/admin/settings").
			sees("Recommend the authors no longer")
		site, err := o.store.SiteVoice(o.soon())
		if err != nil {
			t.Fatal(err)
		}
		collection := o.site.AuthorsCollection(site.ID)
		told := func(kind, object string) {
			t.Helper()
			if _, err := bram.Server.WaitFor(o.soon(), fedtest.About(kind, object)); err != nil {
				t.Errorf("the follower gets no %s of %s: %v", kind, object, err)
			}
		}
		told("Add", collection)
		// Each author sees it as any other collection, and decides.
		b.open("/admin/featured").sees("You are in 1 collection.", "De Overkant", "by this blog")
		other.open("/admin/featured").sees("1 collection asks to feature you", "by this blog").press("Approve De Overkant").
			want(200, "/admin/featured").sees("Approved.", "You are in 1 collection.")
		given, err := o.store.AuthorizationFor(o.soon(), blog.FeatureAuthorization, collection, tobias.ID)
		if err != nil || given.State != blog.AuthorizationGiven || given.Item == "" {
			t.Fatalf("after a yes: %+v, %v", given, err)
		}
		told("Add", given.Item)
		other.press("Leave De Overkant").want(200, "/admin/featured").sees("You are in no collection.", "Left or refused")
		told("Remove", given.Item)
		b.open("/admin/settings").press("Recommend the authors no longer").want(200, "/admin/settings").
			lacks("Recommend the authors no longer")
		told("Remove", collection)
		b.open("/admin/featured").sees("You are in no collection.").lacks("by this blog")
	})
}
