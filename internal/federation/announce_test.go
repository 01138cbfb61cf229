package federation_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

// follows lets a person look a voice of ours up by its handle and follow it, and waits for the yes.
func (o *overkant) follows(p *neighbour.Person, handle string) {
	o.t.Helper()
	ctx := o.soon()
	found, err := p.LookUp(ctx, handle+"@"+o.site.HandleDomain)
	if err != nil {
		o.t.Fatalf("%s looks %s up: %v", p.Handle(), handle, err)
	}
	if _, err := p.Follow(ctx, found.ID); err != nil {
		o.t.Fatalf("%s follows %s: %v", p.Handle(), handle, err)
	}
	if err := p.WaitAccepted(ctx, found.ID); err != nil {
		o.t.Fatalf("%s waits for the accept of %s: %v", p.Handle(), handle, err)
	}
}

// speak gives the site, or a series, a voice.
func (o *overkant) speak(kind blog.VoiceKind, handle, name string, series blog.ID) blog.Voice {
	o.t.Helper()
	key, now := newKey(o.t), time.Now()
	v := blog.Voice{ID: blog.NewID(now), Kind: kind, Handle: handle, Name: name, PublicKey: publicPEM(o.t, key), CreatedAt: now, UpdatedAt: now}
	if err := o.store.AddVoice(o.t.Context(), v, store.VoiceKeys{RSA: privatePEM(o.t, key)}, series); err != nil {
		o.t.Fatal(err)
	}
	return v
}

// with puts authors of ours into a by-line, behind the owner.
func with(voices ...blog.Voice) func(*blog.Article) {
	return func(a *blog.Article) {
		a.Authors = []blog.Byline{{VoiceID: a.VoiceID}}
		for _, v := range voices {
			a.Authors = append(a.Authors, blog.Byline{VoiceID: v.ID})
		}
	}
}

// revise changes a published article as an editor does that knows of its co-authors no more than their ids.
func (o *overkant) revise(a blog.Article, change ...func(*blog.Article)) blog.Article {
	o.t.Helper()
	edited, err := o.store.Article(o.t.Context(), a.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, c := range change {
		c(&edited)
	}
	if err := o.outbox.Revise(o.t.Context(), &edited); err != nil {
		o.t.Fatal(err)
	}
	return edited
}

// announced counts the announcements of an object that one of ours sent to a server.
func (o *overkant) announced(s *neighbour.Server, by blog.Voice, object string) int {
	return o.sent(s, "Announce", by, object)
}

func (o *overkant) sent(s *neighbour.Server, kind string, by blog.Voice, object string) int {
	n := 0
	for _, l := range s.Received(kind) {
		if l.JSON()["actor"] == o.site.ActorID(by.ID) && (l.Object == object || object == "") {
			n++
		}
	}
	return n
}

func TestF042CoAuthorsAreNamedAndCarryTheArticleOnceEach(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		tobias, maud := o.addVoice("tobias", "Tobias Renkema"), o.addVoice("maud", "Maud Elzinga")
		veerhuis, noordkade := o.server("veerhuis"), o.server("noordkade")
		bram, nadia := veerhuis.Person("bram"), noordkade.Person("nadia")
		o.follows(bram, "tobias")
		o.follows(nadia, "maud")
		a := o.publish(with(tobias))
		o.until("a follower of the co-author reads it", func() bool { post, _ := veerhuis.Post(o.object(a)); return len(post.Boosters) == 1 })
		doc := o.read(o.object(a))
		if doc["attributedTo"] != o.site.ActorID(o.ilse.ID) {
			t.Errorf("attributedTo is %v", doc["attributedTo"])
		}
		post, _ := veerhuis.Post(o.object(a))
		if them := o.site.ActorID(tobias.ID); !slices.Contains(post.Mentions, them) || !slices.Contains(post.Cc, them) || len(post.Boosters) != 1 || post.Boosters[0] != them {
			t.Errorf("the co-author is mentioned by %v, told in %v, announced by %v", post.Mentions, post.Cc, post.Boosters)
		}
		if !strings.HasPrefix(post.Content, `<p>with <span class="h-card"><a href="`+o.site.VoicePage(tobias)+`"`) {
			t.Errorf("the text does not say with whom: %s", post.Content)
		}

		o.revise(a, with(tobias, maud))
		o.until("a follower of the one who joined reads it", func() bool { post, _ := noordkade.Post(o.object(a)); return len(post.Boosters) == 1 })
		o.revise(a, with(tobias, maud), func(a *blog.Article) { a.Title = "Four minutes" })
		o.until("and the next edit", func() bool { post, _ := noordkade.Post(o.object(a)); return post.Title == "Four minutes" })
		o.settled()
		if n, m := o.announced(veerhuis, tobias, o.object(a)), o.announced(noordkade, maud, o.object(a)); n != 1 || m != 1 {
			t.Errorf("announced %d times by the first and %d times by the one who joined, want once each", n, m)
		}
		if post, _ := noordkade.Post(o.object(a)); len(post.Mentions) != 2 || !strings.Contains(post.Content, "@<span>maud</span>") {
			t.Errorf("an edit by ids alone left %v mentioned in %s", post.Mentions, post.Content)
		}

		o.revise(a, with(tobias))
		o.until("it is no longer announced by who left", func() bool { post, _ := noordkade.Post(o.object(a)); return len(post.Boosters) == 0 })
		o.settled()
		if n := len(veerhuis.Received("Undo")); n != 0 {
			t.Errorf("the other co-author took %d announcements back", n)
		}
		if n := o.read(o.site.ActorID(maud.ID) + "/outbox")["totalItems"]; n != 0.0 {
			t.Errorf("the outbox of who left still counts %v", n)
		}
		if n := o.read(o.site.ActorID(tobias.ID) + "/outbox")["totalItems"]; n != 1.0 {
			t.Errorf("the outbox of who stayed counts %v", n)
		}
	})
}

func TestTheWholeBlogIsFollowedAndAnnouncesEachPublicArticleOnce(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		before := o.publish()
		if doc := o.read("/"); doc["type"] != "Application" {
			t.Errorf("the front page is %v before the blog has a voice", doc["type"])
		}
		site := o.speak(blog.SiteVoice, "overkant", "De Overkant", "")
		if doc := o.read("/"); doc["id"] != o.site.ActorID(site.ID) || doc["type"] != "Organization" || doc["url"] != o.site.Home() {
			t.Errorf("the front page is %v, a %v at %v", doc["id"], doc["type"], doc["url"])
		}
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.follows(bram, "overkant")
		a := o.publish(func(a *blog.Article) { a.Slug, a.Title = "the-second", "The second" })
		o.publish(func(a *blog.Article) { a.Slug, a.Visibility = "unlisted", blog.Unlisted })
		o.publish(func(a *blog.Article) { a.Slug, a.Visibility = "followers", blog.Followers })
		o.publish(func(a *blog.Article) { a.Slug, a.Visibility = "local", blog.Local })
		o.until("it is read", func() bool { return len(bram.Home()) == 1 })
		o.revise(a, func(a *blog.Article) { a.Title = "The second one" })
		o.revise(before, func(a *blog.Article) { a.Title = "The first" })
		o.until("the edit is read", func() bool { return bram.Home()[0].Title == "The second one" })
		o.settled()
		if n := o.sent(veerhuis, "Announce", site, ""); n != 1 || o.announced(veerhuis, site, o.object(a)) != 1 {
			t.Errorf("the blog announced %d times, want the one article once", n)
		}
		if n := o.read(o.site.ActorID(site.ID) + "/outbox")["totalItems"]; n != 1.0 {
			t.Errorf("its outbox counts %v", n)
		}
		if n := o.read(o.site.ActorID(site.ID) + "/followers")["totalItems"]; n != 1.0 {
			t.Errorf("its followers are %v", n)
		}
		if err := o.outbox.Withdraw(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
		o.until("who has it from the blog alone is asked to forget it", func() bool { post, _ := veerhuis.Post(o.object(a)); return post.Gone })
	})
}

func TestABlogThatIsSilentTakesNobodyInAndAnnouncesNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		site := o.speak(blog.SiteVoice, "overkant", "De Overkant", "")
		veerhuis := o.server("veerhuis")
		bram, wietske := veerhuis.Person("bram"), veerhuis.Person("wietske")
		o.follows(bram, "overkant")
		now := time.Now()
		if err := o.store.SilenceVoice(t.Context(), site.ID, &now, now); err != nil {
			t.Fatal(err)
		}
		if _, err := wietske.Follow(o.soon(), o.site.ActorID(site.ID)); err != nil {
			t.Fatal(err)
		}
		o.until("a new follower is refused", func() bool { return wietske.Follows(o.site.ActorID(site.ID)) == neighbour.Rejected })
		quiet := o.publish()
		o.settled()
		if err := o.store.SilenceVoice(t.Context(), site.ID, nil, now); err != nil {
			t.Fatal(err)
		}
		o.revise(quiet, func(a *blog.Article) { a.Title = "Four" })
		a := o.publish(func(a *blog.Article) { a.Slug = "again" })
		o.until("it speaks again to those it had", func() bool { return o.announced(veerhuis, site, o.object(a)) == 1 })
		if n := len(veerhuis.Received("Announce")); n != 1 {
			t.Errorf("%d announcements came, want none from the silent time", n)
		}
	})
}

func TestASeriesIsFollowedAndAnnouncesItsParts(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		series := blog.Series{ID: blog.NewID(time.Now()), Slug: "the-low-road", Title: "The Low Road", Language: "en"}
		if err := o.store.SaveSeries(t.Context(), series); err != nil {
			t.Fatal(err)
		}
		if status, _, _ := o.get("/series/the-low-road", "application/activity+json"); status != http.StatusNotFound {
			t.Errorf("a series without a voice answers %d", status)
		}
		voice := o.speak(blog.SeriesVoice, "low_road", "The Low Road", series.ID)
		doc := o.read("/series/the-low-road")
		if doc["type"] != "Service" || doc["url"] != o.site.SeriesPage("the-low-road") || doc["preferredUsername"] != "low_road" {
			t.Errorf("the series is a %v at %v called %v", doc["type"], doc["url"], doc["preferredUsername"])
		}
		page := url.QueryEscape(o.site.SeriesPage("the-low-road"))
		if _, _, body := o.get("/.well-known/webfinger?resource="+page, "*/*"); !strings.Contains(body, "acct:low_road@"+o.site.HandleDomain) {
			t.Errorf("its page means %s", body)
		}
		if _, header, _ := o.get(strings.TrimPrefix(o.site.ActorID(voice.ID), o.site.URL), "text/html"); header.Get("Location") != o.site.SeriesPage("the-low-road") {
			t.Errorf("a browser is led to %q", header.Get("Location"))
		}
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.follows(bram, "low_road")
		a := o.publish()
		part := o.publish(func(a *blog.Article) { a.Slug, a.SeriesID, a.Part = "part-one", series.ID, 1 })
		o.until("the part is read", func() bool { return len(bram.Home()) == 1 && bram.Home()[0].ID == o.object(part) })
		o.revise(a, func(a *blog.Article) { a.SeriesID, a.Part = series.ID, 2 })
		o.until("what became a part is read", func() bool { return len(bram.Home()) == 2 })
		o.revise(part, func(a *blog.Article) { a.SeriesID, a.Part = "", 0 })
		o.until("what is no part any more is taken back", func() bool { return len(bram.Home()) == 1 && bram.Home()[0].ID == o.object(a) })
	})
}

func TestAScheduledArticleJoinsOrMakesItsSeriesWhenItGoesOut(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		at := time.Now().Add(time.Hour)
		planned := func(slug, series string, parts int) blog.Article {
			t.Helper()
			a := o.draft(func(a *blog.Article) {
				a.Slug, a.Part, a.SeriesTitle, a.SeriesSlug, a.SeriesPlanned = slug, 1, series, strings.ReplaceAll(strings.ToLower(series), " ", "-"), parts
			})
			if _, err := o.outbox.Schedule(o.soon(), a.ID, at); err != nil {
				t.Fatal(err)
			}
			return a
		}
		first, second, other := planned("one", "The low road", 7), planned("two", "THE LOW ROAD", 0), planned("three", "High water", 3)
		if all, err := o.store.AllSeries(o.soon()); err != nil || len(all) != 0 {
			t.Fatalf("before they go out there are %+v, %v", all, err)
		}
		road := blog.Series{ID: blog.NewID(time.Now()), Slug: "the-low-road", Title: "The Low Road", Language: "en", Planned: 5}
		if err := o.store.SaveSeries(o.soon(), road); err != nil {
			t.Fatal(err)
		}
		voice := o.speak(blog.SeriesVoice, "lowroad", "The Low Road", road.ID)
		bram := o.server("veerhuis").Person("bram")
		o.follows(bram, "lowroad")

		late := o.base
		began := time.Now()
		late.Now = func() time.Time { return at.Add(time.Minute + time.Since(began)) }
		ctx, stop := context.WithTimeout(o.soon(), 2500*time.Millisecond)
		defer stop()
		chores := &federation.Chores{Base: late, Outbox: &federation.Outbox{Base: late, Wake: func() {}}}
		chores.Run(ctx)
		for article, want := range map[blog.ID]blog.Series{first.ID: {Title: "The Low Road", Slug: "the-low-road", Planned: 7}, second.ID: {Title: "The Low Road", Slug: "the-low-road", Planned: 7},
			other.ID: {Title: "High water", Slug: "high-water", Planned: 3}} {
			a, err := o.store.Article(o.soon(), article)
			if err != nil || a.Status != blog.Published || a.SeriesTitle+a.SeriesSlug != "" || a.SeriesPlanned != 0 {
				t.Errorf("it is %s and wishes for %q of %d, %v", a.Status, a.SeriesTitle, a.SeriesPlanned, err)
			}
			if s, err := o.store.Series(o.soon(), a.SeriesID); err != nil || s.Title != want.Title || s.Slug != want.Slug || s.Planned != want.Planned {
				t.Errorf("%s is in %+v, %v; want %+v", a.Slug, s, err, want)
			}
			said, err := o.store.Announcement(o.soon(), voice.ID, a.ObjectID)
			if announced := err == nil && said.Kind == "Announce"; announced != (want.Slug == "the-low-road") {
				t.Errorf("%s: the voice of The Low Road announced it: %v (%v)", a.Slug, announced, err)
			}
		}
	})
}
