package federation_test

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

// stage is a server of nobody's world that answers what it is told to.
func stage(t *testing.T, documents map[string]any) *httptest.Server {
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

func TestAWriterWhoCannotBeHadEndsTheMatter(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		documents := map[string]any{}
		elsewhere := stage(t, documents)
		note := elsewhere.URL + "/notes/1"
		documents["/notes/1"] = map[string]any{"id": note, "type": "Note", "attributedTo": elsewhere.URL + "/nobody", "inReplyTo": o.object(a), "content": "x", "to": "as:Public"}
		kade := o.server("zilverduin").Person("kade")
		if _, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": note + "#create", "type": "Create", "actor": elsewhere.URL + "/nobody", "object": note}); err != nil {
			t.Fatal(err)
		}
		o.until("the arrival is done with", func() bool { n, _, err := o.store.CountWaiting(o.soon()); return err == nil && n == 0 })
		if len(o.comments(a)) != 0 {
			t.Error("a comment of nobody's was taken in")
		}
	})
}

func TestAKeyIsHeldForAWhileOnly(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		bram := o.server("veerhuis").Person("bram")
		if _, err := bram.Like(o.soon(), o.object(a)); err != nil {
			t.Fatal(err)
		}
		o.until("bram is known", func() bool { return o.counts(a).Likes == 1 })
		actor, err := o.store.Actor(o.soon(), bram.ID)
		if err != nil {
			t.Fatal(err)
		}
		late, base := time.Duration(0), o.base
		base.Now = func() time.Time { return time.Now().Add(late) }
		inbox := o.anotherInbox(base)
		old, other := newKey(t), newKey(t)
		rotate := func(key signature.Key) {
			actor.Keys = []blog.ActorKey{{ActorID: bram.ID, KeyID: bram.KeyID(), PEM: publicPEM(t, key)}}
			if err := o.store.SaveActor(o.soon(), actor); err != nil {
				t.Fatal(err)
			}
		}
		old.ID = bram.KeyID()
		send := func() int {
			body := []byte(`{"id":"` + bram.ID + `/1","type":"View","actor":"` + bram.ID + `","object":"` + o.object(a) + `"}`)
			request, err := http.NewRequestWithContext(o.soon(), http.MethodPost, o.site.SharedInbox(), bytes.NewReader(body))
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

func TestAnAnswerThatWasTakenBackIsNotChanged(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		bram := o.server("veerhuis").Person("bram")
		reply, err := bram.Reply(o.soon(), o.object(a), "<p>How wide?</p>")
		if err != nil {
			t.Fatal(err)
		}
		comment, err := o.store.CommentByAddress(o.soon(), reply.Object)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := o.outbox.Reply(o.soon(), o.ilse, comment.ID, "Four minutes.")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.DeleteReply(o.soon(), answer.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.EditReply(o.soon(), answer.ID, "Five."); !errors.Is(err, blog.ErrGone) {
			t.Errorf("changing it: %v, want ErrGone", err)
		}
		if code, _, body := o.get(o.path(answer.Address), asMastodon); code != 410 || strings.Contains(body, "Five") {
			t.Errorf("it answers %d %s", code, body)
		}
	})
}
