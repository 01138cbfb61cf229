package federation_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store/storetest"
)

// The tests here carry the numbers of the rows of internal/threats.md about what comes to the door of the inbox.

// bait is a server that nobody should ask anything.
func bait(t *testing.T) (address string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

// note is an answer of a person's to an article, as a plain object.
func note(by *neighbour.Person, article, name string, more map[string]any) map[string]any {
	o := map[string]any{"id": by.ID + "/notes/" + name, "type": "Note", "attributedTo": by.ID, "inReplyTo": article, "to": []string{"as:Public"},
		"content": "<p>" + name + "</p>", "published": time.Now().UTC().Format(time.RFC3339)}
	for k, v := range more {
		o[k] = v
	}
	return o
}

func act(kind string, by *neighbour.Person, object any, name string) map[string]any {
	return map[string]any{"id": by.ID + "/acts/" + name, "type": kind, "actor": by.ID, "object": object}
}

// tell posts an activity signed by its actor and expects the answer.
func (o *overkant) tell(by *neighbour.Person, activity any, want int) {
	o.t.Helper()
	if answer, err := by.Send(o.soon(), o.site.SharedInbox(), activity); answer.Status != want {
		o.t.Errorf("%v: %d (%v), want %d", activity, answer.Status, err, want)
	}
}

func TestT030NoKeyIsFetchedFromAnOddAddress(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		address, asked := bait(t)
		host := strings.TrimPrefix(address, "http://")
		for _, id := range []string{"http://user@" + host + "/k", "http://user:word@10.0.0.1/", "ftp://" + host + "/k", "http://" + host[strings.LastIndexByte(host, ':'):] + "/k",
			"http://10.0.0.1/k", "file:///etc/passwd", "javascript:alert(1)", host + "/k", "http://localhost.:80/k", "http://2130706433/k"} {
			key := newKey(t)
			key.ID = id
			if code := o.post(key, map[string]any{"id": address + "/1", "type": "Like", "actor": address + "/kade", "object": o.object(a)}); code != http.StatusUnauthorized && code != http.StatusBadRequest {
				t.Errorf("signed by %s: %d, want 401", id, code)
			}
		}
		if asked.Load() != 0 {
			t.Errorf("%d questions were asked", asked.Load())
		}
	})
}

func TestT041AnIDTakenBeforehandKeepsNobodyOut(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		real := act("Like", bram, o.object(a), "1")
		forged := act("Like", kade, o.object(a), "x")
		forged["id"] = real["id"]
		o.tell(kade, forged, 202)
		if got := o.counts(a).Likes; got != 0 {
			t.Errorf("the forged one made %d likes", got)
		}
		o.tell(bram, real, 202)
		if got := o.counts(a).Likes; got != 1 {
			t.Errorf("after the real one: %d likes", got)
		}
	})
}

func TestT052ACommentDoesNotBecomeSomethingElse(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		o.tell(bram, act("Create", bram, note(bram, o.object(a), "one", nil), "1"), 202)
		later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		for _, kind := range []string{"Person", "Tombstone", "Collection", "Follow", "Key", "ChatMessage"} {
			changed := note(bram, o.object(a), "one", map[string]any{"type": kind, "updated": later, "content": "<p>changed</p>", "inbox": bram.ID + "/inbox", "preferredUsername": "kade"})
			answer, _ := bram.Send(o.soon(), o.site.SharedInbox(), act("Update", bram, changed, kind))
			if answer.Status >= 500 || o.texts(a) != "one" {
				t.Errorf("as a %s: answered %d, %q stands there", kind, answer.Status, o.texts(a))
			}
		}
		if actor, err := o.store.Actor(o.soon(), bram.ID); err != nil || !strings.HasPrefix(actor.Handle, "bram@") {
			t.Errorf("its writer is %+v, %v", actor, err)
		}
	})
}

func TestT055NobodyPinsACommentByItsDate(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		for i, published := range []string{"2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "292277026596-12-04T15:30:08Z"} {
			o.tell(bram, act("Create", bram, note(bram, o.object(a), fmt.Sprint(i), map[string]any{"published": published}), fmt.Sprint(i)), 202)
		}
		list := o.comments(a)
		for _, c := range list {
			if c.SortedAt.Before(a.PublishedAt.Add(-time.Second)) || c.SortedAt.After(time.Now()) {
				t.Errorf("%s of %v stands at %v", c.Plain, c.PublishedAt, c.SortedAt)
			}
		}
		if len(list) != 4 {
			t.Errorf("%d comments", len(list))
		}
	})
}

func TestT057ACommentLinksToItsOwnServer(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		pages := map[string]any{"script": "javascript:alert(1)", "elsewhere": "https://bank.example/login", "data": "data:text/html,x", "user": strings.Replace(bram.ID, "://", "://bank.example@", 1),
			"list": []any{map[string]any{"type": "Link", "href": "javascript:alert(1)"}}, "number": 5}
		for name, page := range pages {
			o.tell(bram, act("Create", bram, note(bram, o.object(a), name, map[string]any{"url": page}), name), 202)
		}
		list := o.comments(a)
		for _, c := range list {
			if c.URL != c.Address && c.URL != "" {
				t.Errorf("%s leads to %s", c.Plain, c.URL)
			}
		}
		if len(list) != len(pages) {
			t.Errorf("%d comments", len(list))
		}
	})
}

func TestT070NoLetterGoesToAPrivateAddress(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		documents := map[string]any{}
		elsewhere := stage(t, documents)
		key := newKey(t)
		for name, inbox := range map[string]string{"number": "http://10.0.0.5/inbox", "mapped": "http://[::ffff:10.0.0.5]/inbox", "name": "http://localhost/inbox", "file": "file:///inbox"} {
			id := elsewhere.URL + "/" + name
			documents["/"+name] = map[string]any{"id": id, "type": "Person", "preferredUsername": name, "inbox": inbox, "icon": inbox, "image": inbox, "featured": inbox,
				"endpoints": map[string]any{"sharedInbox": inbox}, "publicKey": map[string]any{"id": id + "#main-key", "owner": id, "publicKeyPem": publicPEM(t, key)}}
			key.ID = id + "#main-key"
			o.post(key, map[string]any{"id": id + "/follow", "type": "Follow", "actor": id, "object": o.site.ActorID(o.ilse.ID)})
		}
		if n, err := o.store.CountFollowers(o.soon(), o.ilse.ID); err != nil || n.Accepted+n.Pending != 0 {
			t.Errorf("%+v followers, %v", n, err)
		}
		// One whose address was fit to write to when it came, and is not any more.
		now := time.Now()
		moved := blog.Actor{ID: "http://10.0.0.5/kade", Type: "Person", Handle: "kade@10.0.0.5", Host: "10.0.0.5", Inbox: "http://10.0.0.5/inbox", FetchedAt: now}
		if err := o.store.SaveActor(o.soon(), moved); err != nil {
			t.Fatal(err)
		}
		if _, err := o.store.Follow(o.soon(), blog.Follower{VoiceID: o.ilse.ID, ActorID: moved.ID, FollowID: moved.ID + "/1", State: blog.Accepted, Since: now}); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		o.until("the letter is judged", func() bool {
			reports, err := o.store.Reports(o.soon(), a.ID)
			return err == nil && len(reports) == 1 && reports[0].Attempts > 0 && reports[0].Status != blog.Delivered
		})
	})
}

func TestT083NothingInACommentIsFetched(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		address, asked := bait(t)
		o.tell(bram, act("Create", bram, note(bram, o.object(a), "look", map[string]any{"content": `<p><a href="` + address + `/page">look</a> <img src="` + address + `/x.png"></p>`,
			"attachment": []any{map[string]any{"type": "Link", "href": address + "/card"}, map[string]any{"type": "Image", "url": address + "/y.png"}},
			"preview":    address + "/preview", "image": address + "/image", "icon": address + "/icon"}), "1"), 202)
		if len(o.comments(a)) != 1 {
			t.Error("the comment is missing")
		}
		time.Sleep(50 * time.Millisecond)
		if asked.Load() != 0 {
			t.Errorf("%d questions were asked", asked.Load())
		}
	})
}

func TestT112NoPictureOfAStrangersIsKept(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		documents := map[string]any{}
		elsewhere := stage(t, documents)
		address, asked := bait(t)
		a, key := o.publish(), newKey(t)
		for i := range 20 {
			id := fmt.Sprintf("%s/%d", elsewhere.URL, i)
			documents[fmt.Sprintf("/%d", i)] = map[string]any{"id": id, "type": "Person", "preferredUsername": fmt.Sprint("p", i), "inbox": id + "/inbox",
				"icon": map[string]any{"type": "Image", "url": address + "/a.png"}, "image": map[string]any{"type": "Image", "url": address + "/b.png"},
				"publicKey": map[string]any{"id": id + "#main-key", "owner": id, "publicKeyPem": publicPEM(t, key)}}
			key.ID = id + "#main-key"
			if code := o.post(key, map[string]any{"id": id + "/like", "type": "Like", "actor": id, "object": o.object(a)}); code != 202 {
				t.Errorf("person %d: %d", i, code)
			}
		}
		o.until("all are counted", func() bool { return o.counts(a).Likes == 20 })
		if asked.Load() != 0 {
			t.Errorf("%d pictures were fetched", asked.Load())
		}
	})
}

// raw posts a body that was not signed, as it is, and answers the status and how much of it was taken.
func (o *overkant) raw(body io.Reader, header ...string) (status int, taken int64) {
	o.t.Helper()
	counted := &counter{Reader: body}
	request, err := http.NewRequestWithContext(o.soon(), http.MethodPost, o.site.SharedInbox(), counted)
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/activity+json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, counted.n.Load()
}

type counter struct {
	io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// endless is blanks without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }

func TestT096DeadInboxesMakeNothingGrowForEver(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := openStore(t, database)
		o := start(t, s)
		const crowd = 200
		for i := range crowd {
			host := fmt.Sprintf("127.9.0.%d:1", i+1) // where nobody listens
			dead := blog.Actor{ID: "http://" + host + "/p", Type: "Person", Handle: "p@" + host, Host: host, Inbox: "http://" + host + "/inbox", FetchedAt: time.Now()}
			if err := s.SaveActor(o.soon(), dead); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Follow(o.soon(), blog.Follower{VoiceID: o.ilse.ID, ActorID: dead.ID, FollowID: dead.ID + "/1", State: blog.Accepted, Since: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		letters := func(a blog.Article) int {
			t.Helper()
			reports, err := s.Reports(o.soon(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			return len(reports)
		}
		if first := o.publish(); letters(first) != crowd {
			t.Errorf("%d letters to %d servers", letters(first), crowd)
		}
		month := time.Now().AddDate(0, 0, -40)
		storetest.Change(t, database, `UPDATE peers SET failures = 9, failing_days = 7, failed_on = 'x', unavailable_since = ?, last_success = NULL, last_heard = NULL`, month)
		if aside, _, err := s.SetAside(o.soon(), time.Now()); err != nil || aside != crowd {
			t.Errorf("%d of %d were set aside, %v", aside, crowd, err)
		}
		second := o.publish(func(a *blog.Article) { a.Slug = "five-minutes-wide" })
		if n, err := s.CountFollowers(o.soon(), o.ilse.ID); err != nil || n.Accepted != 0 || letters(second) != 0 {
			t.Errorf("after a month %+v are written to with %d letters, %v", n, letters(second), err)
		}
	})
}

func TestT103AnEndlessBodyEndsAtOneMegabyte(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		status, taken := o.raw(io.LimitReader(endless{}, 2<<30))
		if status != http.StatusRequestEntityTooLarge || taken > 16<<20 { // what was read, and what the sockets held
			t.Errorf("%d after %d bytes", status, taken)
		}
		sound := `{"type":"Like","actor":"https://veerhuis.example/users/bram","object":"x"}`
		if status, _ := o.raw(strings.NewReader(sound + strings.Repeat(" ", 1<<20-len(sound)))); status != http.StatusUnauthorized {
			t.Errorf("a megabyte: %d, want 401", status)
		}
		if status, _ := o.raw(strings.NewReader(sound + strings.Repeat(" ", 1<<20-len(sound)+1))); status != http.StatusRequestEntityTooLarge {
			t.Errorf("a megabyte and a byte: %d, want 413", status)
		}
	})
}

func TestT104ACompressedBodyIsNotUnpacked(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		io.Copy(zip, io.LimitReader(endless{}, 64<<20))
		zip.Close()
		for _, encoding := range []string{"gzip", "br", "zstd", "deflate", "gzip, gzip", "identity, gzip", "nonsense"} {
			if status, _ := o.raw(bytes.NewReader(packed.Bytes()), "Content-Encoding", encoding); status != http.StatusUnsupportedMediaType {
				t.Errorf("%s: %d, want 415", encoding, status)
			}
		}
	})
}

func TestT110TheSameAtTheSameTimeIsOnce(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		create := act("Create", bram, note(bram, o.object(a), "once", nil), "1")
		like := act("Like", bram, o.object(a), "2")
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				said := create
				if i%2 == 1 {
					said = like
				}
				o.tell(bram, said, 202)
			})
		}
		all.Wait()
		o.until("all is done with", func() bool { n, _, err := o.store.CountWaiting(o.soon()); return err == nil && n == 0 })
		if got := o.counts(a); len(o.comments(a)) != 1 || got.Replies != 1 || got.Likes != 1 {
			t.Errorf("%d comments, %+v", len(o.comments(a)), got)
		}
	})
}

func TestT113BadPostsDoNotFillTheLog(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		var log bytes.Buffer
		base := o.base
		base.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
		inbox := o.anotherInbox(base)
		for i := range 3000 {
			body := []string{`{`, `{}`, `{"type":"Like","actor":"https://zilverduin.example/kade","object":"x"}`, strings.Repeat("a", 1000)}[i%4]
			request := httptest.NewRequest(http.MethodPost, "/ap/inbox", strings.NewReader(body))
			request.Header.Set("Content-Type", "application/activity+json")
			answer := httptest.NewRecorder()
			if inbox.ServeHTTP(answer, request); answer.Code < 400 || answer.Code >= 500 {
				t.Fatalf("%s: %d", body, answer.Code)
			}
		}
		if log.Len() > 10_000 {
			t.Errorf("%d bytes of log: %.300s", log.Len(), log.String())
		}
	})
}

func TestT114NoContextIsFetched(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		address, asked := bait(t)
		like := act("Like", bram, o.object(a), "1")
		like["@context"] = []any{address + "/context", map[string]any{"@import": address + "/import", "Like": map[string]any{"@id": "as:Delete", "@context": address + "/scoped"}}}
		o.tell(bram, like, 202)
		if asked.Load() != 0 || o.counts(a).Likes != 1 {
			t.Errorf("%d questions, %d likes", asked.Load(), o.counts(a).Likes)
		}
	})
}

func TestT117MutatedLettersAreNobodysTrouble(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		dice := rand.New(rand.NewPCG(19, 78))
		values := []string{"null", "5", "-1e999", `""`, "[]", "{}", "true", `[[[null]]]`, `{"id":5}`, `"\ud800"`, `["a",null,{"type":"Note"}]`}
		for i := range 400 {
			whole := act([]string{"Create", "Update", "Delete", "Undo", "Announce", "Like", "Follow", "Move", "Flag", "QuoteRequest", "EmojiReact", "Accept"}[i%12], bram,
				note(bram, o.object(a), fmt.Sprint(i), map[string]any{"tag": []any{map[string]any{"type": "Mention", "href": bram.ID}}, "url": bram.ID, "updated": "2026-11-20T00:00:00Z"}), fmt.Sprint(i))
			mutate(whole, dice, values)
			body, err := json.Marshal(whole)
			if err != nil {
				t.Fatal(err)
			}
			answer, _ := bram.Send(o.soon(), o.site.SharedInbox(), body)
			if answer.Status == 0 || answer.Status >= 500 && answer.Status != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", body, answer.Status, answer.Body)
			}
		}
	})
}

// mutate replaces a member here and there by something of another type. The actor stays, so that the signature is theirs.
func mutate(object map[string]any, dice *rand.Rand, values []string) {
	for name, value := range object {
		switch inner, nested := value.(map[string]any); {
		case nested && dice.IntN(4) > 0:
			mutate(inner, dice, values)
		case name != "actor" && dice.IntN(4) == 0:
			object[name] = json.RawMessage(values[dice.IntN(len(values))])
		}
	}
}

func TestT118ManyAtOnceStandInNobodysWay(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		server := o.server("veerhuis")
		var all sync.WaitGroup
		for i := range 6 {
			p := server.Person(fmt.Sprint("p", i))
			all.Go(func() {
				ctx := o.soon()
				sent, err := p.Reply(ctx, o.object(a), "<p>Me too.</p>")
				for _, do := range []func() (neighbour.Sent, error){
					func() (neighbour.Sent, error) { return p.Edit(ctx, sent.Object, "<p>Me three.</p>") },
					func() (neighbour.Sent, error) { return p.Like(ctx, o.object(a)) },
					func() (neighbour.Sent, error) { return p.Follow(ctx, o.site.ActorID(o.ilse.ID)) },
					func() (neighbour.Sent, error) { return p.Boost(ctx, o.object(a)) },
					func() (neighbour.Sent, error) { return p.Unboost(ctx, o.object(a)) },
					func() (neighbour.Sent, error) { return p.Delete(ctx, sent.Object) },
				} {
					if err == nil {
						_, err = do()
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				for _, path := range []string{o.path(o.object(a)), o.path(o.object(a)) + "/replies", "/@ilse", "/ap/actors/" + string(o.ilse.ID) + "/followers"} {
					if code, _, body := o.get(path, asMastodon); code != 200 {
						t.Errorf("%s: %d %s", path, code, body)
					}
				}
			})
		}
		all.Wait()
		o.until("all is done with", func() bool {
			got := o.counts(a)
			return got.Likes == 6 && got.Boosts == 0 && got.Replies == 0
		})
	})
}

func TestF048TheAcceptGoesToThePersonalInboxWithTheirFollow(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		sent, err := bram.Follow(o.soon(), o.site.ActorID(o.ilse.ID))
		if err != nil {
			t.Fatal(err)
		}
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.OfType("Accept"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"id": sent.Activity, "type": "Follow", "actor": bram.ID, "object": o.site.ActorID(o.ilse.ID)}
		if got := letter.JSON()["object"]; fmt.Sprint(got) != fmt.Sprint(any(want)) || bram.Inbox() != veerhuis.URL+letter.Inbox {
			t.Errorf("%v came to %s, want %v", got, letter.Inbox, want)
		}
	})
}

func TestF051TheDeleteBringsATombstoneToThoseWhoHadTheCreate(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		a := o.publish()
		created, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a)))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.Withdraw(o.soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		deleted, err := veerhuis.WaitFor(o.soon(), neighbour.About("Delete", o.object(a)))
		if err != nil {
			t.Fatal(err)
		}
		stone, _ := deleted.JSON()["object"].(map[string]any)
		if stone["type"] != "Tombstone" || stone["formerType"] != "Article" || stone["id"] != o.object(a) {
			t.Errorf("the object is %v", stone)
		}
		for _, field := range []string{"to", "cc"} {
			if was, is := fmt.Sprint(created.JSON()[field]), fmt.Sprint(deleted.JSON()[field]); was != is {
				t.Errorf("%s was %s and is %s", field, was, is)
			}
		}
	})
}

func TestF047EachFollowIsAnotherAndItsUndoBringsItAlong(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		for n := 1; n <= 2; n++ {
			if _, err := o.outbox.Follow(o.soon(), o.ilse, "@"+bram.Handle()); err != nil {
				t.Fatal(err)
			}
			o.until("the follow came", func() bool { return len(veerhuis.Received("Follow")) == n })
			if err := o.outbox.Unfollow(o.soon(), o.ilse, bram.ID); err != nil {
				t.Fatal(err)
			}
			o.until("its undo came", func() bool { return len(veerhuis.Received("Undo")) == n })
		}
		follows, undos := veerhuis.Received("Follow"), veerhuis.Received("Undo")
		if follows[0].ID == follows[1].ID || follows[0].ID == "" {
			t.Errorf("both follows are %s", follows[0].ID)
		}
		for i, undo := range undos {
			whole := follows[i].JSON()
			delete(whole, "@context")
			if diff := cmp.Diff(any(whole), undo.JSON()["object"]); diff != "" {
				t.Errorf("undo %d (-the follow +its object):\n%s", i, diff)
			}
		}
	})
}

func TestF056AnAnswerDoesNotWaitForWhatMustBeFetched(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		slow, veerhuis := o.server("zilverduin"), o.server("veerhuis")
		parent := slow.Person("kade").ID + "/notes/unknown"
		o.publish()
		bram := veerhuis.Person("bram")
		o.tell(bram, act("View", bram, parent, "0"), 202) // now his key is known
		if err := slow.Be(neighbour.Hanging()); err != nil {
			t.Fatal(err)
		}
		fastest := time.Hour
		for i := range 5 {
			ready, err := bram.Prepare(o.site.SharedInbox(), act("Create", bram, note(bram, parent, fmt.Sprint(i), nil), fmt.Sprint(i+1)))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if _, err := ready.Send(o.soon()); err != nil {
				t.Fatal(err)
			}
			fastest = min(fastest, time.Since(began))
		}
		if fastest > 200*time.Millisecond {
			t.Errorf("the answer took %v", fastest)
		}
		if n, _, err := o.store.CountWaiting(o.soon()); err != nil || n == 0 {
			t.Errorf("%d arrivals wait for the slow server, %v", n, err)
		}
	})
}

func TestF057TheSameTwiceIsTheSameAsOnce(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		create := act("Create", bram, note(bram, o.object(a), "once", nil), "1")
		for range 3 {
			o.tell(bram, create, 202)
			o.tell(bram, act("Like", bram, o.object(a), "2"), 202)
		}
		o.tell(bram, act("Like", bram, o.object(a), "3"), 202)
		if got := o.counts(a); got.Replies != 1 || got.Likes != 1 || len(o.comments(a)) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestF058WhatNobodyKnowsIsHeardAndLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		for _, kind := range []string{"Levitate", "View", "Listen", "Travel", "Dislike", "as:Like", "https://example.com/ns#Like"} {
			o.tell(bram, act(kind, bram, note(bram, o.object(a), kind, nil), "x"), 202)
		}
		o.tell(bram, act("Create", bram, note(bram, o.object(a), "chat", map[string]any{"type": "ChatMessage"}), "y"), 202)
		n, _, err := o.store.CountWaiting(o.soon())
		if got := o.counts(a); err != nil || n != 0 || got != (blog.Counts{}) || len(o.comments(a)) != 0 {
			t.Errorf("%+v, %d arrivals, %v", got, n, err)
		}
	})
}

func TestF059TheDoorSaysWhatIsWrongWithALetter(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		like := act("Like", bram, o.site.ActorID(o.ilse.ID), "1")
		for name, letter := range map[string]struct {
			activity any
			twists   []neighbour.Twist
			want     int
		}{
			"half of one":          {[]byte(`{"type":`), nil, 400},
			"two of them":          {[]byte(`{}{}`), nil, 400},
			"a list":               {[]byte(`[]`), nil, 400},
			"nothing":              {[]byte(``), nil, 400},
			"without an actor":     {map[string]any{"type": "Like", "object": "x"}, nil, 400},
			"without a type":       {map[string]any{"actor": bram.ID, "object": "x"}, nil, 400},
			"a picture":            {like, []neighbour.Twist{neighbour.Typed("image/png")}, 415},
			"a page":               {like, []neighbour.Twist{neighbour.Typed("text/html")}, 415},
			"of no type":           {like, []neighbour.Twist{neighbour.Typed("")}, 415},
			"of two types":         {like, []neighbour.Twist{neighbour.Typed("application/activity+json, text/html")}, 415},
			"plain JSON":           {like, []neighbour.Twist{neighbour.Typed("application/json")}, 202},
			"linked data":          {act("Like", bram, bram.ID, "2"), []neighbour.Twist{neighbour.Typed(linked)}, 202},
			"linked data, unnamed": {act("Like", bram, bram.ID, "3"), []neighbour.Twist{neighbour.Typed("application/ld+json")}, 202},
			"too large":            {append([]byte(`{"type":"Like","actor":"x","content":"`), bytes.Repeat([]byte("a"), 1<<20)...), nil, 413},
		} {
			answer, err := bram.Send(o.soon(), o.site.SharedInbox(), letter.activity, letter.twists...)
			if answer.Status != letter.want {
				t.Errorf("%s: %d (%v), want %d", name, answer.Status, err, letter.want)
			}
			if letter.want != 202 && !strings.Contains(string(answer.Body), `"error"`) {
				t.Errorf("%s: answered without a reason: %q", name, answer.Body)
			}
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			request, err := http.NewRequestWithContext(context.Background(), method, o.site.SharedInbox(), nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "POST" {
				t.Errorf("%s: %d, Allow %q", method, response.StatusCode, response.Header.Get("Allow"))
			}
		}
	})
}

func TestWhatIsDeliveredIsWhatIsServed(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		for i, change := range []func(*blog.Article){
			func(a *blog.Article) { a.Format = blog.FullArticle },
			func(a *blog.Article) { a.Format, a.Warning = blog.FullNote, "Water" },
			func(a *blog.Article) { a.Format, a.Visibility, a.Quotes = blog.TeaserNote, blog.Unlisted, "nobody" },
		} {
			a := o.publish(change, func(a *blog.Article) { a.Slug = fmt.Sprint("served-", i) })
			letter, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a)))
			if err != nil {
				t.Fatal(err)
			}
			sent, _ := letter.JSON()["object"].(map[string]any)
			var served map[string]any
			_, _, body := o.get(o.path(o.object(a)), asMastodon)
			if err := json.Unmarshal([]byte(body), &served); err != nil {
				t.Fatal(err)
			}
			delete(served, "@context")
			for _, counted := range []string{"replies", "likes", "shares"} {
				delete(served, counted)
				delete(sent, counted)
			}
			if diff := cmp.Diff(sent, served); diff != "" || fmt.Sprint(letter.JSON()["to"], letter.JSON()["cc"]) != fmt.Sprint(sent["to"], sent["cc"]) {
				t.Errorf("%s (-delivered +served):\n%s", a.Format, diff)
			}
		}
	})
}
