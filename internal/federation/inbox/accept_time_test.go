package inbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/signature"
	"causerie/internal/store/storetest"
)

// late is a body that comes late.
type late struct {
	io.Reader
	by time.Duration
}

func (l *late) Read(p []byte) (int, error) {
	time.Sleep(l.by)
	l.by = 0
	return l.Reader.Read(p)
}

func TestAnActivityIsSavedWithinTwentyFiveSecondsOrSentAgain(t *testing.T) {
	database := storetest.SQLite(t)
	o := overkant.Start(t, overkant.OpenStore(t, database))
	a, now := o.Publish(), time.Now()
	key := overkant.NewKey(t)
	key.ID = "https://veerhuis.example/bram#main-key"
	bram := blog.Actor{ID: "https://veerhuis.example/bram", Type: "Person", Host: "veerhuis.example",
		Inbox: "https://veerhuis.example/inbox", FetchedAt: now,
		Keys: []blog.ActorKey{{KeyID: key.ID, ActorID: "https://veerhuis.example/bram", PEM: overkant.PublicPEM(t, key)}}}
	if err := o.Store.SaveActor(o.Soon(), bram); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(overkant.Activity("Like", &fedtest.Person{ID: bram.ID}, o.Object(a), "1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		by            time.Duration
		status, likes int
	}{
		{25*time.Second + time.Millisecond, http.StatusServiceUnavailable, 0},
		{25*time.Second - time.Millisecond, http.StatusAccepted, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			core, began := o.Core, time.Now()
			// Everything that waits in a bubble must have begun in it, the store as well.
			core.Store, core.Now = overkant.OpenStore(t, database), func() time.Time { return now.Add(time.Since(began)) }
			r := httptest.NewRequest(http.MethodPost, o.Site.SharedInbox(), &late{bytes.NewReader(body), c.by})
			r.Header.Set("Content-Type", "application/activity+json")
			if err := signature.Sign(r, body, key, now); err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			o.AnotherInbox(core).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("after %v the answer is %d %s", c.by, w.Code, w.Body)
			}
		})
		if got := o.Counts(a).Likes; got != c.likes {
			t.Errorf("after %v the article has %d likes", c.by, got)
		}
	}
}
