package outbox_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/jobs"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestF042CoAuthorsAreMentionedAndAnnounceTheArticleOnceEach(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		tobias, maud := o.AddAuthor("tobias", "Tobias Renkema"), o.AddAuthor("maud", "Maud Elzinga")
		veerhuis, noordkade := o.Server("veerhuis"), o.Server("noordkade")
		bram, nadia := veerhuis.Person("bram"), noordkade.Person("nadia")
		o.AddFollowerOf(bram, "tobias")
		o.AddFollowerOf(nadia, "maud")
		a := o.Publish(overkant.WithCoAuthors(tobias))
		o.Until("a follower of the co-author reads it",
			func() bool { post, _ := veerhuis.FindPost(o.Object(a)); return len(post.Boosters) == 1 })
		doc := o.ReadDocument(o.Object(a))
		if doc["attributedTo"] != o.Site.ActorID(o.Ilse.ID) {
			t.Errorf("attributedTo is %v", doc["attributedTo"])
		}
		post, _ := veerhuis.FindPost(o.Object(a))
		if them := o.Site.ActorID(tobias.ID); !slices.Contains(post.Mentions, them) || !slices.Contains(post.Cc, them) ||
			len(post.Boosters) != 1 || post.Boosters[0] != them {
			t.Errorf("the co-author is mentioned by %v, told in %v, announced by %v", post.Mentions, post.Cc, post.Boosters)
		}
		if !strings.HasPrefix(post.Content, `<p>with <span class="h-card"><a href="`+o.Site.VoicePage(tobias)+`"`) {
			t.Errorf("the text does not say with whom: %s", post.Content)
		}

		o.Revise(a, overkant.WithCoAuthors(tobias, maud))
		o.Until("a follower of the one who joined reads it",
			func() bool { post, _ := noordkade.FindPost(o.Object(a)); return len(post.Boosters) == 1 })
		o.Revise(a, overkant.WithCoAuthors(tobias, maud), func(a *blog.Article) { a.Title = "Four minutes" })
		o.Until("and the next edit", func() bool {
			post,
				_ := noordkade.FindPost(o.Object(a))
			return post.Title == "Four minutes"
		})
		o.WaitSettled()
		if n, m := o.CountAnnounces(veerhuis, tobias, o.Object(a)), o.CountAnnounces(noordkade, maud,
			o.Object(a)); n != 1 || m != 1 {
			t.Errorf("announced %d times by the first and %d times by the one who joined, want once each", n, m)
		}
		if post, _ := noordkade.FindPost(o.Object(a)); len(post.Mentions) != 2 ||
			!strings.Contains(post.Content, "@<span>maud</span>") {
			t.Errorf("an edit by ids alone left %v mentioned in %s", post.Mentions, post.Content)
		}

		o.Revise(a, overkant.WithCoAuthors(tobias))
		o.Until("it is no longer announced by who left",
			func() bool { post, _ := noordkade.FindPost(o.Object(a)); return len(post.Boosters) == 0 })
		o.WaitSettled()
		if n := len(veerhuis.Received("Undo")); n != 0 {
			t.Errorf("the other co-author took %d announcements back", n)
		}
		if n := o.ReadDocument(o.Site.ActorID(maud.ID) + "/outbox")["totalItems"]; n != 0.0 {
			t.Errorf("the outbox of who left still counts %v", n)
		}
		if n := o.ReadDocument(o.Site.ActorID(tobias.ID) + "/outbox")["totalItems"]; n != 1.0 {
			t.Errorf("the outbox of who stayed counts %v", n)
		}
	})
}

func TestTheWholeBlogIsFollowedAndAnnouncesEachPublicArticleOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		before := o.Publish()
		if doc := o.ReadDocument("/"); doc["type"] != "Application" {
			t.Errorf("the front page is %v before the blog has a voice", doc["type"])
		}
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		if doc := o.ReadDocument("/"); doc["id"] != o.Site.ActorID(site.ID) || doc["type"] != "Organization" ||
			doc["url"] != o.Site.Home() {
			t.Errorf("the front page is %v, a %v at %v", doc["id"], doc["type"], doc["url"])
		}
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollowerOf(bram, "overkant")
		a := o.Publish(func(a *blog.Article) { a.Slug, a.Title = "the-second", "The second" })
		o.Publish(func(a *blog.Article) { a.Slug, a.Visibility = "unlisted", blog.Unlisted })
		o.Publish(func(a *blog.Article) { a.Slug, a.Visibility = "followers", blog.Followers })
		o.Publish(func(a *blog.Article) { a.Slug, a.Visibility = "local", blog.Local })
		o.Until("it is read", func() bool { return len(bram.HomeTimeline()) == 1 })
		o.Revise(a, func(a *blog.Article) { a.Title = "The second one" })
		o.Revise(before, func(a *blog.Article) { a.Title = "The first" })
		o.Until("the edit is read", func() bool { return bram.HomeTimeline()[0].Title == "The second one" })
		o.WaitSettled()
		if n := o.CountReceived(veerhuis, "Announce", site, ""); n != 1 || o.CountAnnounces(veerhuis, site,
			o.Object(a)) != 1 {
			t.Errorf("the blog announced %d times, want the one article once", n)
		}
		if n := o.ReadDocument(o.Site.ActorID(site.ID) + "/outbox")["totalItems"]; n != 1.0 {
			t.Errorf("its outbox counts %v", n)
		}
		if n := o.ReadDocument(o.Site.ActorID(site.ID) + "/followers")["totalItems"]; n != 1.0 {
			t.Errorf("its followers are %v", n)
		}
		if err := o.Outbox.Withdraw(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
		o.Until("who has it from the blog alone is asked to forget it",
			func() bool { post, _ := veerhuis.FindPost(o.Object(a)); return post.Gone })
	})
}

func TestASilentVoiceAcceptsNoFollowerAndAnnouncesNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		veerhuis := o.Server("veerhuis")
		bram, wietske := veerhuis.Person("bram"), veerhuis.Person("wietske")
		o.AddFollowerOf(bram, "overkant")
		now := time.Now()
		if err := o.Store.SetVoiceSilent(t.Context(), site.ID, &now, now); err != nil {
			t.Fatal(err)
		}
		if _, err := wietske.Follow(o.Soon(), o.Site.ActorID(site.ID)); err != nil {
			t.Fatal(err)
		}
		o.Until("a new follower is refused",
			func() bool { return wietske.FollowState(o.Site.ActorID(site.ID)) == fedtest.Rejected })
		quiet := o.Publish()
		o.WaitSettled()
		if err := o.Store.SetVoiceSilent(t.Context(), site.ID, nil, now); err != nil {
			t.Fatal(err)
		}
		o.Revise(quiet, func(a *blog.Article) { a.Title = "Four" })
		a := o.Publish(func(a *blog.Article) { a.Slug = "again" })
		o.Until("it speaks again to those it had", func() bool { return o.CountAnnounces(veerhuis, site, o.Object(a)) == 1 })
		if n := len(veerhuis.Received("Announce")); n != 1 {
			t.Errorf("%d announcements came, want none from the silent time", n)
		}
	})
}

func TestASeriesIsFollowedAndAnnouncesItsParts(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		series := blog.Series{ID: blog.NewID(time.Now()), Slug: "the-low-road", Title: "The Low Road", Language: "en"}
		if err := o.Store.SaveSeries(t.Context(), series); err != nil {
			t.Fatal(err)
		}
		if status, _, _ := o.Get("/series/the-low-road", "application/activity+json"); status != http.StatusNotFound {
			t.Errorf("a series without a voice answers %d", status)
		}
		voice := o.AddVoice(blog.SeriesVoice, "low_road", "The Low Road", series.ID)
		doc := o.ReadDocument("/series/the-low-road")
		if doc["type"] != "Service" || doc["url"] != o.Site.SeriesPage("the-low-road") ||
			doc["preferredUsername"] != "low_road" {
			t.Errorf("the series is a %v at %v called %v", doc["type"], doc["url"], doc["preferredUsername"])
		}
		page := url.QueryEscape(o.Site.SeriesPage("the-low-road"))
		if _, _, body := o.Get("/.well-known/webfinger?resource="+page, "*/*"); !strings.Contains(body,
			"acct:low_road@"+o.Site.HandleDomain) {
			t.Errorf("its page means %s", body)
		}
		if _, header, _ := o.Get(strings.TrimPrefix(o.Site.ActorID(voice.ID), o.Site.URL),
			"text/html"); header.Get("Location") != o.Site.SeriesPage("the-low-road") {
			t.Errorf("a browser is led to %q", header.Get("Location"))
		}
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollowerOf(bram, "low_road")
		a := o.Publish()
		part := o.Publish(func(a *blog.Article) { a.Slug, a.SeriesID, a.Part = "part-one", series.ID, 1 })
		o.Until("the part is read", func() bool {
			return len(bram.HomeTimeline()) == 1 &&
				bram.HomeTimeline()[0].ID == o.Object(part)
		})
		o.Revise(a, func(a *blog.Article) { a.SeriesID, a.Part = series.ID, 2 })
		o.Until("what became a part is read", func() bool { return len(bram.HomeTimeline()) == 2 })
		o.Revise(part, func(a *blog.Article) { a.SeriesID, a.Part = "", 0 })
		o.Until("what is no part any more is taken back",
			func() bool { return len(bram.HomeTimeline()) == 1 && bram.HomeTimeline()[0].ID == o.Object(a) })
	})
}

func TestAScheduledArticleJoinsOrMakesItsSeriesWhenItIsPublished(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		at := time.Now().Add(time.Hour)
		planned := func(slug, series string, parts int) blog.Article {
			t.Helper()
			a := o.Draft(func(a *blog.Article) {
				a.Slug, a.Part, a.SeriesTitle, a.SeriesSlug, a.SeriesPlanned = slug, 1, series,
					strings.ReplaceAll(strings.ToLower(series), " ", "-"), parts
			})
			if _, err := o.Outbox.Schedule(o.Soon(), a.ID, at); err != nil {
				t.Fatal(err)
			}
			return a
		}
		first, second, other := planned("one", "The low road", 7), planned("two", "THE LOW ROAD", 0),
			planned("three", "High water", 3)
		if all, err := o.Store.SeriesByTitle(o.Soon(), 100, 0); err != nil || len(all) != 0 {
			t.Fatalf("before they go out there are %+v, %v", all, err)
		}
		road := blog.Series{ID: blog.NewID(time.Now()), Slug: "the-low-road", Title: "The Low Road", Language: "en",
			Planned: 5}
		if err := o.Store.SaveSeries(o.Soon(), road); err != nil {
			t.Fatal(err)
		}
		voice := o.AddVoice(blog.SeriesVoice, "lowroad", "The Low Road", road.ID)
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollowerOf(bram, "lowroad")

		late := o.Core
		began := time.Now()
		late.Now = func() time.Time { return at.Add(time.Minute + time.Since(began)) }
		ctx, stop := context.WithTimeout(o.Soon(), 2500*time.Millisecond)
		defer stop()
		later := &jobs.Jobs{Core: late, Outbox: &outbox.Outbox{Core: late, Wake: func() {}}}
		later.Run(ctx)
		for article, want := range map[blog.ID]blog.Series{first.ID: {Title: "The Low Road", Slug: "the-low-road",
			Planned: 7}, second.ID: {Title: "The Low Road", Slug: "the-low-road", Planned: 7},
			other.ID: {Title: "High water", Slug: "high-water", Planned: 3}} {
			a, err := o.Store.Article(o.Soon(), article)
			if err != nil || a.Status != blog.Published || a.SeriesTitle+a.SeriesSlug != "" || a.SeriesPlanned != 0 {
				t.Errorf("it is %s and wishes for %q of %d, %v", a.Status, a.SeriesTitle, a.SeriesPlanned, err)
			}
			if s, err := o.Store.Series(o.Soon(), a.SeriesID); err != nil || s.Title != want.Title || s.Slug != want.Slug ||
				s.Planned != want.Planned {
				t.Errorf("%s is in %+v, %v; want %+v", a.Slug, s, err, want)
			}
			said, err := o.Store.Announcement(o.Soon(), voice.ID, a.ObjectID)
			if announced := err == nil && said.Kind == "Announce"; announced != (want.Slug == "the-low-road") {
				t.Errorf("%s: the voice of The Low Road announced it: %v (%v)", a.Slug, announced, err)
			}
		}
	})
}
