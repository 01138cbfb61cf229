package inbox

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/outbox"
)

func emptyInbox(t *testing.T) *Inbox {
	t.Helper()
	base := federation.Core{Now: time.Now, Log: slog.Default(), Site: blog.Site{URL: "https://overkant.example"}}
	keys, err := federation.NewKeyring(base)
	if err != nil {
		t.Fatal(err)
	}
	return NewInbox(base, keys, &outbox.Outbox{})
}

// TestT119TheMemoryOfTheInboxIsLimited contacts the inbox from more servers than it remembers.
func TestT119TheMemoryOfTheInboxIsLimited(t *testing.T) {
	inbox := emptyInbox(t)
	for i := range 2*federation.MaxRemembered + 1 {
		inbox.contacts.Mark(fmt.Sprintf("%d.example", i), time.Now())
		if n := inbox.contacts.Size(); n > federation.MaxRemembered {
			t.Fatalf("after %d strangers %d servers are held", i+1, n)
		}
	}
}

// Each memory is filled with the names of strangers, while one name is tried again and again. The limit for that name
// holds all the same.
func TestManyStrangersDoNotMakeTheInboxForget(t *testing.T) {
	asked := map[string]int{}
	inbox := emptyInbox(t)
	for what, try := range map[string]func(name string){
		"a server's rest is ended": func(name string) {
			if inbox.contactStep(name, false) != nil {
				asked[name]++
			}
			inbox.contacts.Mark(name, time.Now())
		},
		"followers are compared": func(name string) {
			if inbox.compared.Mark(name, time.Now()) {
				asked[name]++
			}
		},
	} {
		clear(asked)
		stranger := func(i int) string { return fmt.Sprintf("https://%d.nl/key", i) }
		for i := range federation.MaxRemembered + 1 {
			try(stranger(i))
			if i%1000 == 0 {
				try("https://veerhuis.nl/key")
			}
		}
		if n := asked["https://veerhuis.nl/key"]; n != 1 {
			t.Errorf("%s %d times", what, n)
		}
		if asked[stranger(federation.MaxRemembered)] != 1 || len(asked) != federation.MaxRemembered+2 {
			t.Errorf("%s for %d strangers", what, len(asked))
		}
		for i := federation.MaxRemembered / 2; i <= federation.MaxRemembered; i++ {
			if try(stranger(i)); asked[stranger(i)] != 1 {
				t.Fatalf("%s again for stranger %d of %d", what, i, federation.MaxRemembered)
			}
		}
	}
}
