package inbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/overkant"
	"causerie/internal/signature"
)

func TestNobodyIsRemovedBecauseAStrangersKeyIsGone(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>Still here.</p>"); err != nil {
			t.Fatal(err)
		}
		gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
			_ *http.Request) {
			w.WriteHeader(http.StatusGone)
		}))
		t.Cleanup(gone.Close)
		key := overkant.NewKey(t)
		key.ID = gone.URL + "/nobody#main-key"
		o.PostSigned(key, map[string]any{"id": bram.ID + "#delete", "type": "Delete", "actor": bram.ID, "object": bram.ID})
		if got := o.CommentTexts(a); got != "Still here." {
			t.Errorf("after a Delete signed with a key that is gone elsewhere: %q", got)
		}
	})
}

// serveDocuments starts a server with these documents, by path.
func serveDocuments(t *testing.T, documents map[string]any) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		doc, ok := documents[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/activity+json")
		json.NewEncoder(w).Encode(doc)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAnActorWhoCannotBeFetchedEndsTheHandling(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		documents := map[string]any{}
		elsewhere := serveDocuments(t, documents)
		note := elsewhere.URL + "/notes/1"
		documents["/notes/1"] = map[string]any{"id": note, "type": "Note", "attributedTo": elsewhere.URL + "/nobody",
			"inReplyTo": o.Object(a), "content": "x", "to": "as:Public"}
		kade := o.Server("zilverduin").Person("kade")
		if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": note + "#create", "type": "Create", "actor": elsewhere.URL + "/nobody",
				"object": note}); err != nil {
			t.Fatal(err)
		}
		o.Until("the arrival is done with", func() bool {
			n, _, err := o.Store.CountWaiting(o.Soon())
			return err == nil &&
				n == 0
		})
		if len(o.Comments(a)) != 0 {
			t.Error("a comment of nobody's was taken in")
		}
	})
}

func TestAKeyIsCachedForALimitedTime(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram := o.Server("veerhuis").Person("bram")
		if _, err := bram.Like(o.Soon(), o.Object(a)); err != nil {
			t.Fatal(err)
		}
		o.Until("bram is known", func() bool { return o.Counts(a).Likes == 1 })
		actor, err := o.Store.Actor(o.Soon(), bram.ID)
		if err != nil {
			t.Fatal(err)
		}
		late, base := time.Duration(0), o.Core
		base.Now = func() time.Time { return time.Now().Add(late) }
		inbox := o.AnotherInbox(base)
		old, other := overkant.NewKey(t), overkant.NewKey(t)
		rotate := func(key signature.Key) {
			actor.Keys = []blog.ActorKey{{ActorID: bram.ID, KeyID: bram.KeyID(), PEM: overkant.PublicPEM(t, key)}}
			if err := o.Store.SaveActor(o.Soon(), actor); err != nil {
				t.Fatal(err)
			}
		}
		old.ID = bram.KeyID()
		send := func() int {
			body := []byte(`{"id":"` + bram.ID + `/1","type":"View","actor":"` + bram.ID + `","object":"` + o.Object(a) + `"}`)
			request, err := http.NewRequestWithContext(o.Soon(), http.MethodPost, o.Site.SharedInbox(), bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/activity+json")
			if err := signature.Sign(request, body, old, base.Now()); err != nil {
				t.Fatal(err)
			}
			answer := httptest.NewRecorder()
			inbox.ServeHTTP(answer, request)
			return answer.Code
		}
		rotate(old)
		if code := send(); code != http.StatusAccepted {
			t.Fatalf("signed with the key that is known: %d", code)
		}
		rotate(other) // as another process would that heard of it
		late = 15 * time.Minute
		if code := send(); code != http.StatusUnauthorized {
			t.Errorf("signed with the old key, a quarter of an hour after it was replaced: %d, want 401", code)
		}
	})
}

func TestAReplyThatWasDeletedCannotBeEdited(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram := o.Server("veerhuis").Person("bram")
		reply, err := bram.Reply(o.Soon(), o.Object(a), "<p>How wide?</p>")
		if err != nil {
			t.Fatal(err)
		}
		comment, err := o.Store.CommentByAddress(o.Soon(), reply.Object)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, comment.ID, "Four minutes.")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.DeleteReply(o.Soon(), answer.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.EditReply(o.Soon(), answer.ID, "Five."); !errors.Is(err, blog.ErrGone) {
			t.Errorf("changing it: %v, want ErrGone", err)
		}
		if code, _, body := o.Get(o.Path(answer.Address), overkant.AsMastodon); code != 410 ||
			strings.Contains(body, "Five") {
			t.Errorf("it answers %d %s", code, body)
		}
	})
}
