package main

import (
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

func TestSilentRefusingAndBusyServersAreDistinguished(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		world := fedtest.New(fedtest.Config{Ports: true})
		t.Cleanup(func() { world.Close() })
		moods := map[string]fedtest.Behaviour{"zilverduin": fedtest.RefusingSignatures(),
			"dijla":   fedtest.RateLimiting(time.Minute, 0),
			"steiger": fedtest.Closed()}
		hosts := map[string]*fedtest.Server{}
		var followers []*fedtest.Person
		for name := range moods {
			server, err := world.AddServer(name, fedtest.Mastodon)
			if err != nil {
				t.Fatal(err)
			}
			hosts[name], followers = server, append(followers, server.Person("bram"))
		}
		s.ilse(followers...)
		for name, mood := range moods {
			if err := hosts[name].SetBehaviour(mood); err != nil {
				t.Fatal(err)
			}
		}
		lines := func() map[string]serverLine {
			found := map[string]serverLine{}
			for _, line := range read[serverLine](t, s.cli("deliveries", "four-minutes-wide", "--json")) {
				found[line.Host] = line
			}
			return found
		}
		s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse")
		s.wait("all were tried", func() bool {
			for _, line := range lines() {
				if line.Attempts == 0 {
					return false
				}
			}
			return true
		})
		for name, want := range map[string]string{"zilverduin": "Refusing since ", "dijla": "It asks us to wait.",
			"steiger": "Has been silent since "} {
			if line := lines()[hosts[name].Host]; !strings.Contains(line.Words, want) {
				t.Errorf("of %s the report says %q, want %q", name, line.Words, want)
			}
		}
		if said := s.cli("deliveries", "four-minutes-wide"); !strings.Contains(said, "1 refuses at the moment") ||
			!strings.Contains(said, "Last answer: 401") {
			t.Errorf("the report is %q", said)
		}
		s.wait("the visits are over", func() bool {
			next, err := time.Parse(time.RFC3339, lines()[hosts["steiger"].Host].NextAt)
			return err == nil && time.Until(next) > 0
		})
		ill, _, _ := s.doctor()
		for name, want := range map[string]string{"zilverduin": " refuses what @ilse sends since ",
			"dijla": "asking us to wait: ", "steiger": "not answering at the moment: "} {
			host := hosts[name].Host
			if name == "zilverduin" {
				want = host + want
			} else {
				want += host
			}
			if !strings.Contains(ill["servers"], want) {
				t.Errorf("of %s the doctor says %q, want %q", name, ill["servers"], want)
			}
		}
		if !strings.Contains(ill["servers"], "to a Create it answered 401 ") ||
			!strings.Contains(ill["servers"], "waiting for it: 1 delivery") || ill["deliveries"] != "" {
			t.Errorf("the doctor says %v", ill)
		}
	})
}
