package federation_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/signature"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// ownLetter is what a checkup brings to the blog itself, signed by a key of the given id.
func (o *overkant) ownLetter(sign func(*http.Request, []byte, signature.Key) error, key signature.Key) *http.Request {
	o.t.Helper()
	self := o.site.InstanceID()
	body, err := json.Marshal(map[string]string{"id": self + "#checkup", "type": "View", "actor": self, "object": self})
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(o.soon(), http.MethodPost, o.site.SharedInbox(), bytes.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/activity+json")
	if sign != nil {
		if err := sign(r, body, key); err != nil {
			o.t.Fatal(err)
		}
	}
	return r
}

func cavage(r *http.Request, body []byte, key signature.Key) error {
	return signature.Sign(r, body, key, time.Now())
}

func newer(r *http.Request, body []byte, key signature.Key) error {
	return signature.SignRFC9421(r, body, key, time.Now(), signature.Wish{})
}

func TestOurOwnLetterIsJudgedAndHasNoEffect(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := start(t, s, func(b *federation.Base) { b.AllowList = true })
		own := signature.Key{ID: o.site.InstanceID() + "#main-key", Private: o.instance.Private}
		stranger, err := signature.NewRSAKey(own.ID)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			sign func(*http.Request, []byte, signature.Key) error
			key  signature.Key
			want int
		}{
			"with our key":              {cavage, own, http.StatusAccepted},
			"with our key, newer":       {newer, own, http.StatusAccepted},
			"unsigned":                  {nil, own, http.StatusUnauthorized},
			"with somebody else's key":  {cavage, stranger, http.StatusUnauthorized},
			"by another name of ours":   {cavage, signature.Key{ID: o.site.InstanceID() + "#other", Private: own.Private}, http.StatusUnauthorized},
			"by a voice that never was": {cavage, signature.Key{ID: o.site.ActorID("01KAW0M5E8D3G6J9N2Q4T7V0XA") + "#main-key", Private: own.Private}, http.StatusUnauthorized},
		} {
			response, err := http.DefaultClient.Do(o.ownLetter(c.sign, c.key))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != c.want {
				t.Errorf("%s: %d, want %d", name, response.StatusCode, c.want)
			}
		}
		if arrivals, letters, err := s.CountWaiting(o.soon()); err != nil || arrivals+letters != 0 {
			t.Errorf("%d arrivals, %d letters, %v", arrivals, letters, err)
		}
	})
}

func TestOurOwnLetterIsOurs(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		kade := o.server("zilverduin").Person("kade")
		self := o.site.InstanceID()
		if _, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": self + "#1", "type": "View", "actor": self, "object": self}); status(err) != http.StatusForbidden {
			t.Errorf("signed by somebody else: %v", err)
		}
		if _, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": self + "#1", "type": "View", "actor": self, "object": self}, neighbour.Unsigned()); status(err) != http.StatusUnauthorized {
			t.Errorf("unsigned: %v", err)
		}
	})
}

func TestOurOwnKeysAreLookedUpWithoutTheNetwork(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.stop() // nobody listens at our address any more
		inbox := o.anotherInbox(o.base)
		w := httptest.NewRecorder()
		r := o.ownLetter(cavage, signature.Key{ID: o.site.InstanceID() + "#main-key", Private: o.instance.Private})
		r.RequestURI = r.URL.RequestURI()
		if inbox.ServeHTTP(w, r); w.Code != http.StatusAccepted {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
