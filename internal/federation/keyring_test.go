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

// TestT119TheCacheOfKeysIsLimited uses more keys than the keyring remembers.
func TestT119TheCacheOfKeysIsLimited(t *testing.T) {
	key, err := signature.NewRSAKey("")
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	k := emptyKeyring(t, nil)
	for i := range 2*MaxRemembered + 1 {
		host := fmt.Sprintf("%d.example", i)
		if _, err := k.cacheKey(blog.ActorKey{ActorID: "https://" + host, KeyID: "https://" + host + "#main-key",
			PEM: text}); err != nil {
			t.Fatal(err)
		}
		if k.cached.Len() > MaxRemembered {
			t.Fatalf("after %d strangers %d keys are held", i+1, k.cached.Len())
		}
	}
}

func emptyKeyring(t *testing.T, client *remote.Client) *Keyring {
	t.Helper()
	k, err := NewKeyring(Core{Now: time.Now, Log: slog.Default(), Site: blog.Site{URL: "https://overkant.example"},
		Remote: client})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Each memory is filled with the names of strangers, while one name is tried again and again. The limit for that name
// holds all the same.
func TestNamingManyKeysLiftsNoLimit(t *testing.T) {
	asked := map[string]int{}
	client := remote.New(remote.Options{Permit: func(_ context.Context, address string) error {
		asked[address]++
		return remote.ErrRefused
	}})
	k := emptyKeyring(t, client)
	for what, try := range map[string]func(name string){
		"a key that does not fit is fetched": func(name string) { k.Renew(t.Context(), name) },
		"a key that nobody lists is fetched": func(name string) {
			if _, err := k.fetchUnknown(t.Context(), name, ""); err == nil {
				t.Fatal("it is listed")
			}
		},
	} {
		clear(asked)
		stranger := func(i int) string { return fmt.Sprintf("https://%d.nl/key", i) }
		for i := range MaxRemembered + 1 {
			try(stranger(i))
			if i%1000 == 0 {
				try("https://veerhuis.nl/key")
			}
		}
		if n := asked["https://veerhuis.nl/key"]; n != 1 {
			t.Errorf("%s %d times", what, n)
		}
		if asked[stranger(MaxRemembered)] != 1 || len(asked) != MaxRemembered+2 {
			t.Errorf("%s for %d strangers", what, len(asked))
		}
		for i := MaxRemembered / 2; i <= MaxRemembered; i++ {
			if try(stranger(i)); asked[stranger(i)] != 1 {
				t.Fatalf("%s again for stranger %d of %d", what, i, MaxRemembered)
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
	k := emptyKeyring(t, nil)
	id := func(i int) string { return fmt.Sprintf("https://%d.example/#main-key", i) }
	hold := func(i int) {
		if _, err := k.cacheKey(blog.ActorKey{ActorID: id(i), KeyID: id(i), PEM: text}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range MaxRemembered {
		hold(i)
	}
	if _, ok := k.fromCache(id(0)); !ok {
		t.Fatal("the first key is not held")
	}
	hold(MaxRemembered)
	for i := range MaxRemembered + 1 {
		if _, ok := k.fromCache(id(i)); ok != (i != 1) {
			t.Fatalf("key %d is held: %v", i, ok)
		}
	}
	k.Forget(id(7))
	if _, ok := k.fromCache(id(7)); ok {
		t.Error("a key is held that its owner changed")
	}
	if _, ok := k.fromCache(id(8)); !ok {
		t.Error("the key of somebody else was forgotten with it")
	}
}
