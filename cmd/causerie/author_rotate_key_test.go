package main

import (
	"net/http"
	"strings"
	"testing"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

func TestKeysAreRotatedBesideARunningServer(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		ilse := s.ilse(bram)
		_, before := s.get(ilse.Object, "application/activity+json")
		publish := func(slug string) articleLine {
			file := write(t, slug+".md", "---\ntitle: "+slug+"\nslug: "+slug+"\n---\n\nThe ferry.\n")
			return read[articleLine](t, s.cli("article", "publish", file, "--author", "ilse", "--json"))[0]
		}
		if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Create", publish("before").Object)); err != nil {
			t.Fatal(err)
		}
		if out := s.cli("author", "rotate-key", "ilse"); !strings.Contains(out, "has new keys; one server is told") {
			t.Errorf("said %q", out)
		}
		told, err := veerhuis.WaitFor(s.ctx, fedtest.About("Update", ilse.Object))
		if err != nil || !told.Accepted() {
			t.Fatalf("the server was told by %+v, %v", told, err)
		}
		s.wait("the new keys are shown", func() bool {
			status, now := s.get(ilse.Object, "application/activity+json")
			return status == http.StatusOK && now != before && strings.Contains(now, "#main-key")
		})
		if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Create", publish("after").Object)); err != nil {
			t.Fatal(err)
		}
		for _, delivery := range veerhuis.Deliveries() {
			if !delivery.Accepted() {
				t.Errorf("%s was refused: %s", delivery.Type, delivery.Fault)
			}
		}
	})
}
