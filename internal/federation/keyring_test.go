package federation

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/remote"
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
	for i := range 2*maxRemembered + 1 {
		host := fmt.Sprintf("%d.example", i)
		if _, err := inbox.keys.hold(blog.ActorKey{ActorID: "https://" + host, KeyID: "https://" + host + "#main-key", PEM: text}); err != nil {
			t.Fatal(err)
		}
		inbox.heard.mark(host, time.Now())
		if inbox.keys.held.Len() > maxRemembered || inbox.heard.last.Len() > maxRemembered {
			t.Fatalf("after %d strangers %d keys and %d servers are held", i+1, inbox.keys.held.Len(), inbox.heard.last.Len())
		}
	}
}

// Each memory of what was done a moment ago is filled with the names of strangers, while one name is tried over and
// over. It is done once for that name all the same.
func TestNamingManyStrangersReleasesNoBrake(t *testing.T) {
	asked := map[string]int{}
	client := remote.New(remote.Options{Permit: func(_ context.Context, address string) error {
		asked[address]++
		return remote.ErrRefused
	}})
	base := Base{Now: time.Now, Site: blog.Site{URL: "https://overkant.example"}, Remote: client}
	inbox, err := NewInbox(base, &Outbox{})
	if err != nil {
		t.Fatal(err)
	}
	for what, try := range map[string]func(name string){
		"a key that does not fit is fetched": func(name string) { inbox.keys.renew(t.Context(), name) },
		"a key that nobody lists is fetched": func(name string) {
			if _, err := inbox.keys.meet(t.Context(), name); err == nil {
				t.Fatal("it is listed")
			}
		},
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

// A full keyring is not emptied: all keys would be read and parsed again at once.
func TestAFullKeyringForgetsTheKeyUsedLeastRecently(t *testing.T) {
	key, err := signature.NewRSAKey("")
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	k := newKeyring(Base{Now: time.Now})
	id := func(i int) string { return fmt.Sprintf("https://%d.example/#main-key", i) }
	hold := func(i int) {
		if _, err := k.hold(blog.ActorKey{ActorID: id(i), KeyID: id(i), PEM: text}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxRemembered {
		hold(i)
	}
	if _, ok := k.look(id(0)); !ok {
		t.Fatal("the first key is not held")
	}
	hold(maxRemembered)
	for i := range maxRemembered + 1 {
		if _, ok := k.look(id(i)); ok != (i != 1) {
			t.Fatalf("key %d is held: %v", i, ok)
		}
	}
	k.forget(id(7))
	if _, ok := k.look(id(7)); ok {
		t.Error("a key is held that its owner changed")
	}
	if _, ok := k.look(id(8)); !ok {
		t.Error("the key of somebody else was forgotten with it")
	}
}
