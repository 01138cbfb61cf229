package federation

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/signature"
)

// TestT119WhatIsHeldOfStrangersHasAnEnd fills what the inbox keeps in memory with as many strangers as care to write.
func TestT119WhatIsHeldOfStrangersHasAnEnd(t *testing.T) {
	key, err := signature.NewRSAKey("")
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	base := Base{Now: time.Now, Log: slog.Default(), Site: blog.Site{URL: "https://overkant.example"}}
	inbox, err := NewInbox(base, &Outbox{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2*mostHeldKeys + 1 {
		host := fmt.Sprintf("%d.example", i)
		if _, err := inbox.keys.hold(blog.ActorKey{ActorID: "https://" + host, KeyID: "https://" + host + "#main-key", PEM: text}); err != nil {
			t.Fatal(err)
		}
		inbox.noteHeard(host)
		if len(inbox.keys.held) > mostHeldKeys || len(inbox.heard) > mostHeldKeys {
			t.Fatalf("after %d strangers %d keys and %d servers are held", i+1, len(inbox.keys.held), len(inbox.heard))
		}
	}
}
