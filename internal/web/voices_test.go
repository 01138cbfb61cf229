package web

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// speak gives the blog, or a series, a voice.
func (o *overkant) speak(kind blog.VoiceKind, handle, name string, series blog.ID) blog.Voice {
	o.t.Helper()
	v := blog.Voice{ID: blog.NewID(noon), Kind: kind, Handle: handle, Name: name, PublicKey: "public", CreatedAt: noon, UpdatedAt: noon}
	o.must(o.store.AddVoice(o.t.Context(), v, store.VoiceKeys{RSA: "rsa", Ed25519: "ed"}, series))
	return v
}

func TestTheFrontPageAndASeriesSayHowTheyAreFollowed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newOverkant(t, s)
		if len(o.open("/").find("p", ".whole"))+len(o.open("/series/the-low-road").find("div", ".by")) != 0 {
			t.Error("what has no voice is offered to be followed")
		}
		site := o.speak(blog.SiteVoice, "overkant", "De Overkant", "")
		road := o.speak(blog.SeriesVoice, "low_road", "The Low Road", o.road.ID)
		for path, want := range map[string]struct {
			voice     blog.Voice
			tag, mark string
			words     string
		}{
			"/":                    {site, "p", ".whole", "@overkant@overkant.example Volg het hele blog"},
			"/series/the-low-road": {road, "div", ".by", "@low_road@overkant.example Follow this series"},
		} {
			p := o.open(path)
			box := p.one(want.tag, want.mark)
			if got := box.words(); got != want.words {
				t.Errorf("%s says %q", path, got)
			}
			if got := box.find("a")[0].attr("href"); got != interact("follow", o.site.ActorID(want.voice.ID)) {
				t.Errorf("%s leads to %q", path, got)
			}
			if got := p.header.Get("Link"); got != "<"+o.site.ActorID(want.voice.ID)+`>; rel="alternate"; type="application/activity+json"` {
				t.Errorf("%s has the link %q", path, got)
			}
		}
		for path, want := range map[string]string{"/@overkant": "/", "/@low_road": "/series/the-low-road"} {
			if p := o.open(path); p.status != 301 || p.header.Get("Location") != want {
				t.Errorf("%s answers %d to %q", path, p.status, p.header.Get("Location"))
			}
		}
		now := noon
		o.must(s.SilenceVoice(t.Context(), site.ID, &now, now))
		if len(o.open("/").find("p", ".whole")) != 0 {
			t.Error("a silent blog is offered to be followed")
		}
	})
}

func TestPinnedArticlesStandFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newOverkant(t, s)
		_, err := s.Pin(t.Context(), o.bell, noon)
		o.must(err)
		p := o.open("/@ilse")
		if diff := cmp.Diff([]string{"Pinned", "Articles"}, texts(p.find("h2", ".section"))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"The bell is on the other side", "Four minutes wide"}, texts(p.find("h3"))); diff != "" {
			t.Error(diff)
		}
		if got := p.one("ul", ".facts").words(); got != "0 followers 2 articles Feed of Ilse Verhaagen" {
			t.Errorf("facts are %q", got)
		}
		_, err = s.Pin(t.Context(), o.wide, noon)
		o.must(err)
		if diff := cmp.Diff([]string{"Pinned"}, texts(o.open("/@ilse").find("h2", ".section"))); diff != "" {
			t.Errorf("with all pinned: %s", diff)
		}
		if diff := cmp.Diff([]string{"Four minutes wide"}, texts(o.open("/@maud").find("h3"))); diff != "" {
			t.Errorf("on the page of who wrote it too: %s", diff)
		}
	})
}
