package federation_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"causerie/internal/signature"
)

// post brings the blog an activity signed with any key under any key id, as no honest server would.
func (o *overkant) post(key signature.Key, activity any) int {
	o.t.Helper()
	body, err := json.Marshal(activity)
	if err != nil {
		o.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(o.soon(), http.MethodPost, o.site.SharedInbox(), bytes.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/activity+json")
	if err := signature.Sign(request, body, key, time.Now()); err != nil {
		o.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestNobodyIsRemovedBecauseAStrangersKeyIsGone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		if _, err := bram.Reply(o.soon(), o.object(a), "<p>Still here.</p>"); err != nil {
			t.Fatal(err)
		}
		gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
		t.Cleanup(gone.Close)
		key := newKey(t)
		key.ID = gone.URL + "/nobody#main-key"
		o.post(key, map[string]any{"id": bram.ID + "#delete", "type": "Delete", "actor": bram.ID, "object": bram.ID})
		if got := o.texts(a); got != "Still here." {
			t.Errorf("after a Delete signed with a key that is gone elsewhere: %q", got)
		}
	})
}
