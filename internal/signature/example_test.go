package signature_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"causerie/internal/signature"
)

// A server elsewhere signs a request to us, and we verify it with the public key behind its keyId.
func ExampleVerify() {
	key, err := signature.NewEd25519Key("https://veerhuis.example/users/bram#main-key")
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC)
	body := []byte(`{"type":"Like","actor":"https://veerhuis.example/users/bram"}`)
	request := httptest.NewRequest(http.MethodPost, "https://overkant.example/ap/inbox", nil)
	if err := signature.Sign(request, body, key, now); err != nil {
		log.Fatal(err)
	}

	us := []*url.URL{{Scheme: "https", Host: "overkant.example"}}
	find := func(_ context.Context, keyID string) (crypto.PublicKey, error) {
		if keyID != key.ID {
			return nil, errors.New("no such key")
		}
		return key.Private.Public(), nil
	}
	signed, err := signature.Verify(request, body, us, now, signature.Keys{Find: find})
	fmt.Println(signed.KeyID, signed.Scheme, err)

	_, err = signature.Verify(request, []byte(`{"type":"Delete"}`), us, now, signature.Keys{Find: find})
	fmt.Println("another body is refused:", errors.Is(err, signature.ErrRefused))
	// Output:
	// https://veerhuis.example/users/bram#main-key cavage-12 <nil>
	// another body is refused: true
}
