package federation

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"causerie/internal/blog"
)

func emptyInbox(t *testing.T) *Inbox {
	t.Helper()
	base := Base{Now: time.Now, Log: slog.Default(), Site: blog.Site{URL: "https://overkant.example"}}
	keys, err := NewKeyring(base)
	if err != nil {
		t.Fatal(err)
	}
	return NewInbox(base, keys, &Outbox{})
}

// TestT119WhatTheInboxRemembersHasAnEnd fills what the inbox remembers of servers with as many as care to write.
func TestT119WhatTheInboxRemembersHasAnEnd(t *testing.T) {
	inbox := emptyInbox(t)
	for i := range 2*maxRemembered + 1 {
		inbox.heard.mark(fmt.Sprintf("%d.example", i), time.Now())
		if n := inbox.heard.size(); n > maxRemembered {
			t.Fatalf("after %d strangers %d servers are held", i+1, n)
		}
	}
}

// Each memory of what was done a moment ago is filled with the names of strangers, while one name is tried over and
// over. It is done once for that name all the same.
func TestManyStrangersDoNotMakeTheInboxForget(t *testing.T) {
	asked := map[string]int{}
	inbox := emptyInbox(t)
	for what, try := range map[string]func(name string){
		"a server's rest is ended": func(name string) {
			if inbox.hears(name, false) != nil {
				asked[name]++
			}
			inbox.heard.mark(name, time.Now())
		},
		"followers are compared": func(name string) {
			if inbox.compared.mark(name, time.Now()) {
				asked[name]++
			}
		},
	} {
		clear(asked)
		stranger := func(i int) string { return fmt.Sprintf("https://%d.nl/key", i) }
		for i := range maxRemembered + 1 {
			try(stranger(i))
			if i%1000 == 0 {
				try("https://veerhuis.nl/key")
			}
		}
		if n := asked["https://veerhuis.nl/key"]; n != 1 {
			t.Errorf("%s %d times", what, n)
		}
		if asked[stranger(maxRemembered)] != 1 || len(asked) != maxRemembered+2 {
			t.Errorf("%s for %d strangers", what, len(asked))
		}
		for i := maxRemembered / 2; i <= maxRemembered; i++ {
			if try(stranger(i)); asked[stranger(i)] != 1 {
				t.Fatalf("%s again for stranger %d of %d", what, i, maxRemembered)
			}
		}
	}
}
