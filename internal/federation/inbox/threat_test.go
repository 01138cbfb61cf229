package inbox_test

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
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store/storetest"
)

// The tests here have the numbers of the rows of internal/threats.md about requests to the inbox.

// bait is a server that must not get a request.
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

func TestT030NoKeyIsFetchedFromAnOddAddress(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		address, asked := bait(t)
		host := strings.TrimPrefix(address, "http://")
		for _, id := range []string{"http://user@" + host + "/k", "http://user:word@10.0.0.1/", "ftp://" + host + "/k",
			"http://" + host[strings.LastIndexByte(host, ':'):] + "/k",
			"http://10.0.0.1/k", "file:///etc/passwd", "javascript:alert(1)", host + "/k", "http://localhost.:80/k",
			"http://2130706433/k"} {
			key := overkant.NewKey(t)
			key.ID = id
			if code := o.PostSigned(key, map[string]any{"id": address + "/1", "type": "Like", "actor": address + "/kade",
				"object": o.Object(a)}); code != http.StatusUnauthorized && code != http.StatusBadRequest {
				t.Errorf("signed by %s: %d, want 401", id, code)
			}
		}
		if asked.Load() != 0 {
			t.Errorf("%d questions were asked", asked.Load())
		}
	})
}

func TestT041AnIDTakenBeforehandBlocksNobody(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		real := overkant.Activity("Like", bram, o.Object(a), "1")
		forged := overkant.Activity("Like", kade, o.Object(a), "x")
		forged["id"] = real["id"]
		o.PostExpecting(kade, forged, 202)
		if got := o.Counts(a).Likes; got != 0 {
			t.Errorf("the forged one made %d likes", got)
		}
		o.PostExpecting(bram, real, 202)
		if got := o.Counts(a).Likes; got != 1 {
			t.Errorf("after the real one: %d likes", got)
		}
	})
}

func TestT052ACommentDoesNotBecomeSomethingElse(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		o.PostExpecting(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "one", nil), "1"), 202)
		later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		for _, kind := range []string{"Person", "Tombstone", "Collection", "Follow", "Key", "ChatMessage"} {
			changed := overkant.ReplyNote(bram, o.Object(a), "one",
				map[string]any{"type": kind, "updated": later, "content": "<p>changed</p>", "inbox": bram.ID + "/inbox",
					"preferredUsername": "kade"})
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), overkant.Activity("Update", bram, changed, kind))
			if answer.Status >= 500 || o.CommentTexts(a) != "one" {
				t.Errorf("as a %s: answered %d, %q stands there", kind, answer.Status, o.CommentTexts(a))
			}
		}
		if actor, err := o.Store.Actor(o.Soon(), bram.ID); err != nil || !strings.HasPrefix(actor.Handle, "bram@") {
			t.Errorf("its writer is %+v, %v", actor, err)
		}
	})
}

func TestT055NobodyPinsACommentByItsDate(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for i, published := range []string{"2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "0000-00-00T00:00:00Z",
			"292277026596-12-04T15:30:08Z"} {
			o.PostExpecting(bram, overkant.Activity("Create", bram,
				overkant.ReplyNote(bram, o.Object(a), fmt.Sprint(i), map[string]any{"published": published}), fmt.Sprint(i)), 202)
		}
		list := o.Comments(a)
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
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		pages := map[string]any{"script": "javascript:alert(1)", "elsewhere": "https://bank.example/login",
			"data": "data:text/html,x", "user": strings.Replace(bram.ID, "://", "://bank.example@", 1),
			"list": []any{map[string]any{"type": "Link", "href": "javascript:alert(1)"}}, "number": 5}
		for name, page := range pages {
			o.PostExpecting(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), name,
				map[string]any{"url": page}), name),
				202)
		}
		list := o.Comments(a)
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

func TestT070NothingIsDeliveredToAPrivateAddress(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		documents := map[string]any{}
		elsewhere := serveDocuments(t, documents)
		key := overkant.NewKey(t)
		for name, inbox := range map[string]string{"number": "http://10.0.0.5/inbox",
			"mapped": "http://[::ffff:10.0.0.5]/inbox", "name": "http://localhost/inbox", "file": "file:///inbox"} {
			id := elsewhere.URL + "/" + name
			documents["/"+name] = map[string]any{"id": id, "type": "Person", "preferredUsername": name, "inbox": inbox,
				"icon": inbox, "image": inbox, "featured": inbox,
				"endpoints": map[string]any{"sharedInbox": inbox},
				"publicKey": map[string]any{"id": id + "#main-key", "owner": id, "publicKeyPem": overkant.PublicPEM(t, key)}}
			key.ID = id + "#main-key"
			o.PostSigned(key, map[string]any{"id": id + "/follow", "type": "Follow", "actor": id,
				"object": o.Site.ActorID(o.Ilse.ID)})
		}
		if n, err := o.Store.CountFollowers(o.Soon(), o.Ilse.ID); err != nil || n.Accepted+n.Pending != 0 {
			t.Errorf("%+v followers, %v", n, err)
		}
		// One whose address was fit to write to when it came, and is not any more.
		now := time.Now()
		moved := blog.Actor{ID: "http://10.0.0.5/kade", Type: "Person", Handle: "kade@10.0.0.5", Host: "10.0.0.5",
			Inbox: "http://10.0.0.5/inbox", FetchedAt: now}
		if err := o.Store.SaveActor(o.Soon(), moved); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Store.Follow(o.Soon(), blog.Follower{VoiceID: o.Ilse.ID, ActorID: moved.ID, FollowID: moved.ID + "/1",
			State: blog.Accepted, Since: now}); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("the delivery is judged", func() bool {
			reports, err := o.Store.DeliveryRows(o.Soon(), a.ID)
			return err == nil && len(reports) == 1 && reports[0].Attempts > 0 && reports[0].Status != blog.Delivered
		})
	})
}

func TestT083NothingInACommentIsFetched(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		address, asked := bait(t)
		o.PostExpecting(bram, overkant.Activity("Create", bram,
			overkant.ReplyNote(bram, o.Object(a), "look",
				map[string]any{"content": `<p><a href="` + address + `/page">look</a> <img src="` + address + `/x.png"></p>`,
					"attachment": []any{map[string]any{"type": "Link", "href": address + "/card"},
						map[string]any{"type": "Image", "url": address + "/y.png"}},
					"preview": address + "/preview", "image": address + "/image", "icon": address + "/icon"}), "1"), 202)
		if len(o.Comments(a)) != 1 {
			t.Error("the comment is missing")
		}
		time.Sleep(50 * time.Millisecond)
		if asked.Load() != 0 {
			t.Errorf("%d questions were asked", asked.Load())
		}
	})
}

func TestT112NoPictureOfAStrangerIsStored(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		documents := map[string]any{}
		elsewhere := serveDocuments(t, documents)
		address, asked := bait(t)
		a, key := o.Publish(), overkant.NewKey(t)
		for i := range 20 {
			id := fmt.Sprintf("%s/%d", elsewhere.URL, i)
			documents[fmt.Sprintf("/%d", i)] = map[string]any{"id": id, "type": "Person",
				"preferredUsername": fmt.Sprint("p", i), "inbox": id + "/inbox",
				"icon":      map[string]any{"type": "Image", "url": address + "/a.png"},
				"image":     map[string]any{"type": "Image", "url": address + "/b.png"},
				"publicKey": map[string]any{"id": id + "#main-key", "owner": id, "publicKeyPem": overkant.PublicPEM(t, key)}}
			key.ID = id + "#main-key"
			if code := o.PostSigned(key, map[string]any{"id": id + "/like", "type": "Like", "actor": id,
				"object": o.Object(a)}); code != 202 {
				t.Errorf("person %d: %d", i, code)
			}
		}
		o.Until("all are counted", func() bool { return o.Counts(a).Likes == 20 })
		if asked.Load() != 0 {
			t.Errorf("%d pictures were fetched", asked.Load())
		}
	})
}

// endless is a body of blanks without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }

func TestT096DeadInboxesMakeNothingGrowForEver(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := overkant.OpenStore(t, database)
		o := overkant.Start(t, s)
		const crowd = 200
		for i := range crowd {
			host := fmt.Sprintf("127.9.0.%d:1", i+1) // where nobody listens
			dead := blog.Actor{ID: "http://" + host + "/p", Type: "Person", Handle: "p@" + host, Host: host,
				Inbox: "http://" + host + "/inbox", FetchedAt: time.Now()}
			if err := s.SaveActor(o.Soon(), dead); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Follow(o.Soon(), blog.Follower{VoiceID: o.Ilse.ID, ActorID: dead.ID, FollowID: dead.ID + "/1",
				State: blog.Accepted, Since: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		deliveries := func(a blog.Article) int {
			t.Helper()
			reports, err := s.DeliveryRows(o.Soon(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			return len(reports)
		}
		if first := o.Publish(); deliveries(first) != crowd {
			t.Errorf("%d deliveries to %d servers", deliveries(first), crowd)
		}
		month := time.Now().AddDate(0, 0, -40)
		storetest.Change(t, database, `UPDATE peers SET failures = 9, failing_days = 7, failed_on = 'x', unavailable_since `+
			`= ?, last_success = NULL, last_heard = NULL`, month)
		if aside, _, err := s.SuspendDead(o.Soon(), time.Now()); err != nil || aside != crowd {
			t.Errorf("%d of %d were set aside, %v", aside, crowd, err)
		}
		second := o.Publish(func(a *blog.Article) { a.Slug = "five-minutes-wide" })
		if n, err := s.CountFollowers(o.Soon(), o.Ilse.ID); err != nil || n.Accepted != 0 || deliveries(second) != 0 {
			t.Errorf("after a month %+v are written to with %d deliveries, %v", n, deliveries(second), err)
		}
	})
}

func TestT103AnEndlessBodyEndsAtOneMegabyte(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		status, taken := o.PostRaw(io.LimitReader(endless{}, 2<<30))
		if status != http.StatusRequestEntityTooLarge || taken > 16<<20 { // what was read, and what the sockets held
			t.Errorf("%d after %d bytes", status, taken)
		}
		sound := `{"type":"Like","actor":"https://veerhuis.example/users/bram","object":"x"}`
		if status, _ := o.PostRaw(strings.NewReader(sound +
			strings.Repeat(" ", 1<<20-len(sound)))); status != http.StatusUnauthorized {
			t.Errorf("a megabyte: %d, want 401", status)
		}
		if status, _ := o.PostRaw(strings.NewReader(sound +
			strings.Repeat(" ", 1<<20-len(sound)+1))); status != http.StatusRequestEntityTooLarge {
			t.Errorf("a megabyte and a byte: %d, want 413", status)
		}
	})
}

func TestT104ACompressedBodyIsNotUnpacked(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		io.Copy(zip, io.LimitReader(endless{}, 64<<20))
		zip.Close()
		for _, encoding := range []string{"gzip", "br", "zstd", "deflate", "gzip, gzip", "identity, gzip", "nonsense"} {
			if status, _ := o.PostRaw(bytes.NewReader(packed.Bytes()), "Content-Encoding",
				encoding); status != http.StatusUnsupportedMediaType {
				t.Errorf("%s: %d, want 415", encoding, status)
			}
		}
	})
}

func TestT110TheSameActivityAtTheSameTimeCountsOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		create := overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "once", nil), "1")
		like := overkant.Activity("Like", bram, o.Object(a), "2")
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				said := create
				if i%2 == 1 {
					said = like
				}
				o.PostExpecting(bram, said, 202)
			})
		}
		all.Wait()
		o.Until("all is done with", func() bool { n, _, err := o.Store.CountWaiting(o.Soon()); return err == nil && n == 0 })
		if got := o.Counts(a); len(o.Comments(a)) != 1 || got.Replies != 1 || got.Likes != 1 {
			t.Errorf("%d comments, %+v", len(o.Comments(a)), got)
		}
	})
}

func TestT113BadPostsDoNotFillTheLog(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		var log bytes.Buffer
		base := o.Core
		base.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
		inbox := o.AnotherInbox(base)
		for i := range 3000 {
			body := []string{`{`, `{}`, `{"type":"Like","actor":"https://zilverduin.example/kade","object":"x"}`,
				strings.Repeat("a", 1000)}[i%4]
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
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		address, asked := bait(t)
		like := overkant.Activity("Like", bram, o.Object(a), "1")
		like["@context"] = []any{address + "/context",
			map[string]any{"@import": address + "/import",
				"Like": map[string]any{"@id": "as:Delete", "@context": address + "/scoped"}}}
		o.PostExpecting(bram, like, 202)
		if asked.Load() != 0 || o.Counts(a).Likes != 1 {
			t.Errorf("%d questions, %d likes", asked.Load(), o.Counts(a).Likes)
		}
	})
}

func TestT117MutatedActivitiesDoNoHarm(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		dice := rand.New(rand.NewPCG(19, 78))
		values := []string{"null", "5", "-1e999", `""`, "[]", "{}", "true", `[[[null]]]`, `{"id":5}`, `"\ud800"`,
			`["a",null,{"type":"Note"}]`}
		for i := range 400 {
			whole := overkant.Activity([]string{"Create", "Update", "Delete", "Undo", "Announce", "Like", "Follow", "Move",
				"Flag",
				"QuoteRequest", "EmojiReact", "Accept"}[i%12], bram,
				overkant.ReplyNote(bram, o.Object(a), fmt.Sprint(i),
					map[string]any{"tag": []any{map[string]any{"type": "Mention", "href": bram.ID}}, "url": bram.ID,
						"updated": "2026-11-20T00:00:00Z"}), fmt.Sprint(i))
			mutate(whole, dice, values)
			body, err := json.Marshal(whole)
			if err != nil {
				t.Fatal(err)
			}
			answer, _ := bram.Send(o.Soon(), o.Site.SharedInbox(), body)
			if answer.Status == 0 || answer.Status >= 500 && answer.Status != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", body, answer.Status, answer.Body)
			}
		}
	})
}

// mutate replaces some members by values of another type. The actor stays, so that the signature is theirs.
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

func TestT118ManyAtOnceBlockNobody(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		server := o.Server("veerhuis")
		var all sync.WaitGroup
		for i := range 6 {
			p := server.Person(fmt.Sprint("p", i))
			all.Go(func() {
				ctx := o.Soon()
				sent, err := p.Reply(ctx, o.Object(a), "<p>Me too.</p>")
				for _, do := range []func() (fedtest.Sent, error){
					func() (fedtest.Sent, error) { return p.Edit(ctx, sent.Object, "<p>Me three.</p>") },
					func() (fedtest.Sent, error) { return p.Like(ctx, o.Object(a)) },
					func() (fedtest.Sent, error) { return p.Follow(ctx, o.Site.ActorID(o.Ilse.ID)) },
					func() (fedtest.Sent, error) { return p.Boost(ctx, o.Object(a)) },
					func() (fedtest.Sent, error) { return p.Unboost(ctx, o.Object(a)) },
					func() (fedtest.Sent, error) { return p.Delete(ctx, sent.Object) },
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
				for _, path := range []string{o.Path(o.Object(a)), o.Path(o.Object(a)) + "/replies", "/@ilse",
					"/ap/actors/" + string(o.Ilse.ID) + "/followers"} {
					if code, _, body := o.Get(path, overkant.AsMastodon); code != 200 {
						t.Errorf("%s: %d %s", path, code, body)
					}
				}
			})
		}
		all.Wait()
		o.Until("all is done with", func() bool {
			got := o.Counts(a)
			return got.Likes == 6 && got.Boosts == 0 && got.Replies == 0
		})
	})
}

func TestF048TheAcceptGoesToThePersonalInboxWithTheirFollow(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		sent, err := bram.Follow(o.Soon(), o.Site.ActorID(o.Ilse.ID))
		if err != nil {
			t.Fatal(err)
		}
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.OfType("Accept"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"id": sent.Activity, "type": "Follow", "actor": bram.ID, "object": o.Site.ActorID(o.Ilse.ID)}
		if got := delivery.JSON()["object"]; fmt.Sprint(got) != fmt.Sprint(any(want)) ||
			bram.Inbox() != veerhuis.URL+delivery.Inbox {
			t.Errorf("%v came to %s, want %v", got, delivery.Inbox, want)
		}
	})
}

func TestF051TheDeleteBringsATombstoneToThoseWhoHadTheCreate(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		a := o.Publish()
		created, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a)))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.Withdraw(o.Soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		deleted, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Delete", o.Object(a)))
		if err != nil {
			t.Fatal(err)
		}
		stone, _ := deleted.JSON()["object"].(map[string]any)
		if stone["type"] != "Tombstone" || stone["formerType"] != "Article" || stone["id"] != o.Object(a) {
			t.Errorf("the object is %v", stone)
		}
		for _, field := range []string{"to", "cc"} {
			if was, is := fmt.Sprint(created.JSON()[field]), fmt.Sprint(deleted.JSON()[field]); was != is {
				t.Errorf("%s was %s and is %s", field, was, is)
			}
		}
	})
}

func TestF047EachFollowHasItsOwnIDAndItsUndoEmbedsIt(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		for n := 1; n <= 2; n++ {
			if _, err := o.Outbox.Follow(o.Soon(), o.Ilse, "@"+bram.Handle()); err != nil {
				t.Fatal(err)
			}
			o.Until("the follow came", func() bool { return len(veerhuis.Received("Follow")) == n })
			if err := o.Outbox.Unfollow(o.Soon(), o.Ilse, bram.ID); err != nil {
				t.Fatal(err)
			}
			o.Until("its undo came", func() bool { return len(veerhuis.Received("Undo")) == n })
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

func TestF056TheAnswerDoesNotWaitForAFetch(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		slow, veerhuis := o.Server("zilverduin"), o.Server("veerhuis")
		parent := slow.Person("kade").ID + "/notes/unknown"
		o.Publish()
		bram := veerhuis.Person("bram")
		o.PostExpecting(bram, overkant.Activity("View", bram, parent, "0"), 202) // now his key is known
		if err := slow.SetBehaviour(fedtest.Hanging()); err != nil {
			t.Fatal(err)
		}
		fastest := time.Hour
		for i := range 5 {
			ready, err := bram.Prepare(o.Site.SharedInbox(),
				overkant.Activity("Create", bram, overkant.ReplyNote(bram, parent, fmt.Sprint(i), nil), fmt.Sprint(i+1)))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if _, err := ready.Send(o.Soon()); err != nil {
				t.Fatal(err)
			}
			fastest = min(fastest, time.Since(began))
		}
		if fastest > 200*time.Millisecond {
			t.Errorf("the answer took %v", fastest)
		}
		if n, _, err := o.Store.CountWaiting(o.Soon()); err != nil || n == 0 {
			t.Errorf("%d arrivals wait for the slow server, %v", n, err)
		}
	})
}

func TestF057TheSameActivityTwiceCountsOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		create := overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "once", nil), "1")
		for range 3 {
			o.PostExpecting(bram, create, 202)
			o.PostExpecting(bram, overkant.Activity("Like", bram, o.Object(a), "2"), 202)
		}
		o.PostExpecting(bram, overkant.Activity("Like", bram, o.Object(a), "3"), 202)
		if got := o.Counts(a); got.Replies != 1 || got.Likes != 1 || len(o.Comments(a)) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestF058AnUnknownActivityIsAcceptedWithoutEffect(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for _, kind := range []string{"Levitate", "View", "Listen", "Travel", "as:Like",
			"https://example.com/ns#Like"} {
			o.PostExpecting(bram, overkant.Activity(kind, bram, overkant.ReplyNote(bram, o.Object(a), kind, nil), "x"), 202)
		}
		o.PostExpecting(bram, overkant.Activity("Create", bram,
			overkant.ReplyNote(bram, o.Object(a), "chat", map[string]any{"type": "ChatMessage"}), "y"), 202)
		n, _, err := o.Store.CountWaiting(o.Soon())
		if got := o.Counts(a); err != nil || n != 0 || got != (blog.Counts{}) || len(o.Comments(a)) != 0 {
			t.Errorf("%+v, %d arrivals, %v", got, n, err)
		}
	})
}

func TestF059TheInboxSaysWhatIsWrongWithARequest(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		like := overkant.Activity("Like", bram, o.Site.ActorID(o.Ilse.ID), "1")
		for name, delivery := range map[string]struct {
			activity any
			twists   []fedtest.SendOption
			want     int
		}{
			"half of one":      {[]byte(`{"type":`), nil, 400},
			"two of them":      {[]byte(`{}{}`), nil, 400},
			"a list":           {[]byte(`[]`), nil, 400},
			"nothing":          {[]byte(``), nil, 400},
			"without an actor": {map[string]any{"type": "Like", "object": "x"}, nil, 400},
			"without a type":   {map[string]any{"actor": bram.ID, "object": "x"}, nil, 400},
			"a picture":        {like, []fedtest.SendOption{fedtest.ContentType("image/png")}, 415},
			"a page":           {like, []fedtest.SendOption{fedtest.ContentType("text/html")}, 415},
			"of no type":       {like, []fedtest.SendOption{fedtest.ContentType("")}, 415},
			"of two types":     {like, []fedtest.SendOption{fedtest.ContentType("application/activity+json, text/html")}, 415},
			"plain JSON":       {like, []fedtest.SendOption{fedtest.ContentType("application/json")}, 202},
			"linked data": {overkant.Activity("Like", bram, bram.ID, "2"),
				[]fedtest.SendOption{fedtest.ContentType(overkant.Linked)},
				202},
			"linked data, unnamed": {overkant.Activity("Like", bram, bram.ID, "3"),
				[]fedtest.SendOption{fedtest.ContentType("application/ld+json")}, 202},
			"too large": {append([]byte(`{"type":"Like","actor":"x","content":"`), bytes.Repeat([]byte("a"), 1<<20)...), nil,
				413},
		} {
			answer, err := bram.Send(o.Soon(), o.Site.SharedInbox(), delivery.activity, delivery.twists...)
			if answer.Status != delivery.want {
				t.Errorf("%s: %d (%v), want %d", name, answer.Status, err, delivery.want)
			}
			if delivery.want != 202 && !strings.Contains(string(answer.Body), `"error"`) {
				t.Errorf("%s: answered without a reason: %q", name, answer.Body)
			}
		}
		for _, method := range []string{http.MethodPatch, http.MethodPut, http.MethodDelete} {
			request, err := http.NewRequestWithContext(context.Background(), method, o.Site.SharedInbox(), nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("%s: %d, Allow %q", method, response.StatusCode, response.Header.Get("Allow"))
			}
		}
	})
}

func TestWhatIsDeliveredIsWhatIsServed(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		for i, change := range []func(*blog.Article){
			func(a *blog.Article) { a.Format = blog.FullArticle },
			func(a *blog.Article) { a.Format, a.Warning = blog.FullNote, "Water" },
			func(a *blog.Article) { a.Format, a.Visibility, a.Quotes = blog.TeaserNote, blog.Unlisted, "nobody" },
		} {
			a := o.Publish(change, func(a *blog.Article) { a.Slug = fmt.Sprint("served-", i) })
			delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a)))
			if err != nil {
				t.Fatal(err)
			}
			sent, _ := delivery.JSON()["object"].(map[string]any)
			var served map[string]any
			_, _, body := o.Get(o.Path(o.Object(a)), overkant.AsMastodon)
			if err := json.Unmarshal([]byte(body), &served); err != nil {
				t.Fatal(err)
			}
			delete(served, "@context")
			for _, counted := range []string{"replies", "likes", "shares"} {
				delete(served, counted)
				delete(sent, counted)
			}
			if diff := cmp.Diff(sent, served); diff != "" ||
				fmt.Sprint(delivery.JSON()["to"], delivery.JSON()["cc"]) != fmt.Sprint(sent["to"], sent["cc"]) {
				t.Errorf("%s (-delivered +served):\n%s", a.Format, diff)
			}
		}
	})
}
