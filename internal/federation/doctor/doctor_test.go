package doctor_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"causerie/internal/federation"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/signature"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func cavage(r *http.Request, body []byte, key signature.Key) error {
	return signature.Sign(r, body, key, time.Now())
}

func TestADeliveryToOurselvesIsVerifiedAndHasNoEffect(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := overkant.Start(t, s, func(b *federation.Core) { b.AllowList = true })
		own := signature.Key{ID: o.Site.InstanceID() + "#main-key", Private: o.Instance.Private}
		stranger, err := signature.NewRSAKey(own.ID)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			sign func(*http.Request, []byte, signature.Key) error
			key  signature.Key
			want int
		}{
			"with our key":             {cavage, own, http.StatusAccepted},
			"with our key, newer":      {overkant.SignRFC9421, own, http.StatusAccepted},
			"unsigned":                 {nil, own, http.StatusUnauthorized},
			"with somebody else's key": {cavage, stranger, http.StatusUnauthorized},
			"by another name of ours": {cavage, signature.Key{ID: o.Site.InstanceID() + "#other", Private: own.Private},
				http.StatusUnauthorized},
			"by a voice that never was": {cavage,
				signature.Key{ID: o.Site.ActorID("01KAW0M5E8D3G6J9N2Q4T7V0XA") + "#main-key", Private: own.Private},
				http.StatusUnauthorized},
		} {
			response, err := http.DefaultClient.Do(o.CheckupDelivery(c.sign, c.key))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != c.want {
				t.Errorf("%s: %d, want %d", name, response.StatusCode, c.want)
			}
		}
		if arrivals, deliveries, err := s.CountWaiting(o.Soon()); err != nil || arrivals+deliveries != 0 {
			t.Errorf("%d arrivals, %d deliveries, %v", arrivals, deliveries, err)
		}
	})
}

func TestADeliveryInOurNameMustBeSignedByUs(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		kade := o.Server("zilverduin").Person("kade")
		self := o.Site.InstanceID()
		if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": self + "#1", "type": "View", "actor": self,
				"object": self}); overkant.StatusOf(err) != http.StatusForbidden {
			t.Errorf("signed by somebody else: %v", err)
		}
		if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": self + "#1", "type": "View", "actor": self, "object": self},
			fedtest.Unsigned()); overkant.StatusOf(err) != http.StatusUnauthorized {
			t.Errorf("unsigned: %v", err)
		}
	})
}

func TestOurOwnKeysAreLookedUpWithoutTheNetwork(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.Stop() // nobody listens at our address any more
		inbox := o.AnotherInbox(o.Core)
		w := httptest.NewRecorder()
		r := o.CheckupDelivery(cavage, signature.Key{ID: o.Site.InstanceID() + "#main-key", Private: o.Instance.Private})
		r.RequestURI = r.URL.RequestURI()
		if inbox.ServeHTTP(w, r); w.Code != http.StatusAccepted {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
