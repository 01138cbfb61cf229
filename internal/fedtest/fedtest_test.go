package fedtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newWorld lays out a world that ends with the test, on addresses where the system has them.
func newWorld(t testing.TB, config Config) *World {
	t.Helper()
	config.Ports = config.Ports || runtime.GOOS != "linux"
	w := New(config)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func startServer(t testing.TB, w *World, name string, software Software) *Server {
	t.Helper()
	s, err := w.AddServer(name, software)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// befriend lets one person find another by handle and follow them.
func befriend(t testing.TB, ctx context.Context, who, whom *Person) {
	t.Helper()
	found := must(who.LookUp(ctx, whom.Handle()))(t)
	if found.ID != whom.ID {
		t.Fatalf("%s leads to %s, not to %s", whom.Handle(), found.ID, whom.ID)
	}
	must(who.Follow(ctx, found.ID))(t)
	if err := who.WaitAccepted(ctx, found.ID); err != nil {
		t.Fatal(err)
	}
}

func TestServersOfAllSoftwareFollowAndReplyToEachOther(t *testing.T) {
	flavours := map[string]Software{"mastodon": Mastodon, "gotosocial": GoToSocial, "misskey": Misskey}
	for here, one := range flavours {
		for there, other := range flavours {
			t.Run(here+" to "+there, func(t *testing.T) {
				w, ctx := newWorld(t, Config{KeyPool: 6}), soon(t)
				veerhuis, noordkade := startServer(t, w, "veerhuis", one), startServer(t, w, "noordkade", other)
				bram, nadia := veerhuis.Person("bram"), noordkade.Person("nadia")
				befriend(t, ctx, bram, nadia)
				converse(t, ctx, bram, nadia)
			})
		}
	}
}

// converse has nadia post to bram, who answers, changes his mind and withdraws.
func converse(t *testing.T, ctx context.Context, bram, nadia *Person) {
	t.Helper()
	posted := must(nadia.Post(ctx, "<p>The ferry is late.</p>", Language("en")))(t)
	must(bram.Server.WaitFor(ctx, About("Create", posted.Object)))(t)
	if home := bram.HomeTimeline(); len(home) != 1 || home[0].Content != "<p>The ferry is late.</p>" {
		t.Fatalf("bram's home shows %+v", home)
	}
	reply := must(bram.Reply(ctx, posted.Object, "<p>Four minutes.</p>", ContentWarning("ferries")))(t)
	want := Post{
		ID: reply.Object, Type: "Note", Author: bram.ID, Summary: "ferries", Content: "<p>Four minutes.</p>",
		InReplyTo: posted.Object,
		To:        []string{public}, Cc: []string{bram.Followers(), nadia.ID}, Mentions: []string{nadia.ID},
	}
	checkPost(t, nadia.Server, want)
	if told := nadia.Mentions(); len(told) != 1 || told[0].ID != reply.Object {
		t.Errorf("nadia was notified of %+v", told)
	}
	must(bram.Edit(ctx, reply.Object, "<p>Five minutes.</p>"))(t)
	want.Content, want.Edits = "<p>Five minutes.</p>", 1
	checkPost(t, nadia.Server, want)
	must(bram.Delete(ctx, reply.Object))(t)
	checkPost(t, nadia.Server, Post{ID: reply.Object, Author: bram.ID, Gone: true})
}

func checkPost(t *testing.T, s *Server, want Post) {
	t.Helper()
	got, known := s.FindPost(want.ID)
	if !known {
		t.Fatalf("%s does not know %s", s.Name, want.ID)
	}
	got.URL, got.Object, got.Published, got.Updated = "", nil, time.Time{}, time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s shows (-want +got):\n%s", s.Name, diff)
	}
}

func TestReactionsCanBeUndone(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 6}), soon(t)
	bram := startServer(t, w, "veerhuis", Mastodon).Person("bram")
	nadia := startServer(t, w, "noordkade", Mastodon).Person("nadia")
	deniz := startServer(t, w, "dijla", Misskey).Person("deniz")
	befriend(t, ctx, nadia, deniz)
	note := must(bram.Post(ctx, "<p>High water.</p>"))(t).Object

	must(deniz.Like(ctx, note))(t)
	must(deniz.Unlike(ctx, note))(t)
	must(deniz.React(ctx, note, "⛴️"))(t)
	must(deniz.Unreact(ctx, note))(t)
	boost := must(deniz.Boost(ctx, note))(t)
	var said []string
	for _, l := range bram.Server.Received("") {
		said = append(said, strings.Trim(l.Type+" "+l.ObjectType, " "))
	}
	if diff := cmp.Diff([]string{"Like", "Undo Like", "Like", "Undo Like", "Announce"}, said); diff != "" {
		t.Errorf("bram's server heard (-want +got):\n%s", diff)
	}
	must(nadia.Server.WaitFor(ctx, func(d Delivery) bool { return d.Accepted() && d.ID == boost.Activity }))(t)
	eventually(t, "nadia's server fetches what deniz boosted", func() bool {
		home := nadia.HomeTimeline()
		return len(home) == 1 && home[0].Content == "<p>High water.</p>" && cmp.Equal(home[0].Boosters, []string{deniz.ID})
	})
	must(deniz.Unboost(ctx, note))(t)
	if home := nadia.HomeTimeline(); len(home) != 0 {
		t.Errorf("nadia still sees %+v", home)
	}
	if _, err := deniz.Unlike(ctx, note); err == nil {
		t.Error("a like that was never given can be taken back")
	}
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 400 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("it does not come true that %s", what)
}

func TestAFollowCanBeUndoneAndAnAccountDeleted(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 6}), soon(t)
	bram := startServer(t, w, "veerhuis", Mastodon).Person("bram")
	nadia := startServer(t, w, "noordkade", GoToSocial).Person("nadia")
	befriend(t, ctx, bram, nadia)
	must(bram.Unfollow(ctx, nadia.ID))(t)
	if sent := must(nadia.Post(ctx, "<p>Nobody reads this.</p>"))(t); len(sent.Responses) != 0 {
		t.Errorf("a post without followers went to %+v", sent.Responses)
	}
	befriend(t, ctx, bram, nadia)
	post := must(nadia.Post(ctx, "<p>Goodbye.</p>"))(t)
	must(bram.Server.WaitFor(ctx, About("Create", post.Object)))(t)
	must(nadia.UpdateProfile(ctx, "Nadia A."))(t)
	must(nadia.DeleteAccount(ctx))(t)
	checkPost(t, bram.Server, Post{ID: post.Object, Author: nadia.ID, Gone: true})
	for _, id := range []string{nadia.ID, post.Object} {
		refused := (*StatusError)(nil)
		if _, err := bram.fetchObject(ctx, id); !errors.As(err, &refused) || refused.Status != http.StatusGone {
			t.Errorf("%s is answered with %v, want 410", id, err)
		}
	}
	if got := bram.FollowState(nadia.ID); got != "" {
		t.Errorf("bram's follow of one who has left is %q", got)
	}
}

func TestWrongDeliveriesAreRefused(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	veerhuis := startServer(t, w, "veerhuis", Mastodon)
	bram := veerhuis.Person("bram")
	kade := startServer(t, w, "zilverduin", Mastodon).Person("kade")
	nadia := startServer(t, w, "noordkade", Mastodon).Person("nadia")
	like := map[string]any{"id": kade.ID + "#likes/1", "type": "Like", "actor": kade.ID, "object": bram.ID}
	asNadia := map[string]any{"id": nadia.ID + "#likes/1", "type": "Like", "actor": nadia.ID, "object": bram.ID}
	cases := []struct {
		name     string
		delivery any
		options  []SendOption
		status   int
		fault    string
	}{
		{"a plain delivery is accepted", like, nil, 202, ""},
		{"a date 50 minutes old is accepted", like, []SendOption{SignedAt(time.Now().Add(-50 * time.Minute))}, 202, ""},
		{"a body changed on the way", like, []SendOption{Tampered()}, 401, "is not that of the body"},
		{"a date 61 minutes old", like, []SendOption{SignedAt(time.Now().Add(-61 * time.Minute))}, 401, "date is off"},
		{"a date 61 minutes ahead", like, []SendOption{SignedAt(time.Now().Add(61 * time.Minute))}, 401, "date is off"},
		{"no digest", like, []SendOption{WithoutDigest()}, 401, "digest is not signed"},
		{"a digest that is not covered", like, []SendOption{DigestNotCovered()}, 401, "digest is not signed"},
		{"only the date covered", like, []SendOption{CoveringDateOnly()}, 401, "(request-target) is not signed"},
		{"no signature", like, []SendOption{Unsigned()}, 401, "not signed"},
		{"a key nobody knows", like, []SendOption{kade.WrongKey()}, 401, "does not fit"},
		{"the key id of somebody else", asNadia, []SendOption{WithKeyID(nadia.KeyID())}, 401, "does not fit"},
		{"a key id that does not exist", like, []SendOption{WithKeyID(kade.ID + "0#main-key")}, 401, "404"},
		{"another key id at the same actor", like, []SendOption{WithKeyID(kade.ID + "#other")}, 401, "has the key"},
		{"an actor who is not the signer", asNadia, nil, 401, "instead of the actor"},
		{"a signature for another host", like, []SendOption{SignedForHost("127.9.9.9:80")}, 401, "does not fit"},
		{"another content type", like, []SendOption{ContentType("application/json")}, 415, "content type"},
		{"something that is not JSON", []byte("hello"), nil, 400, "not an activity"},
		{"more than a megabyte", []byte(`{"type":"Like","a":"` + strings.Repeat("a", maxBody) + `"}`), nil, 413, "1 MiB"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer, err := kade.Send(ctx, veerhuis.URL+"/inbox", c.delivery, c.options...)
			if refused := (*StatusError)(nil); err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
			deliveries := veerhuis.Deliveries()
			last := deliveries[len(deliveries)-1]
			if answer.Status != c.status || last.Status != c.status {
				t.Errorf("answered %d, ledger %d, want %d (%s)", answer.Status, last.Status, c.status, last.Fault)
			}
			if !strings.Contains(last.Fault, c.fault) || (c.fault == "") != (last.Fault == "") {
				t.Errorf("the fault is %q, want %q in it", last.Fault, c.fault)
			}
			if !strings.Contains(string(answer.Body), c.fault) {
				t.Errorf("the answer %s does not say %q", answer.Body, c.fault)
			}
		})
	}
}

func TestAReplacedKeyIsFetchedOnceMore(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	veerhuis := startServer(t, w, "veerhuis", Mastodon)
	bram, nadia := veerhuis.Person("bram"), startServer(t, w, "noordkade", GoToSocial).Person("nadia")
	befriend(t, ctx, nadia, bram)
	asked := func() (n int) {
		for _, v := range nadia.Server.Requests() {
			if strings.HasSuffix(v.Path, "/main-key") && v.Status == http.StatusOK {
				n++
			}
		}
		return n
	}
	note := must(bram.Post(ctx, "<p>New locks.</p>"))(t).Object
	must(nadia.Like(ctx, note))(t)
	if asked() != 1 {
		t.Fatalf("the key was asked for %d times, want once", asked())
	}
	nadia.RotateKeys()
	must(nadia.Reply(ctx, note, "<p>Signed anew.</p>"))(t)
	must(nadia.Boost(ctx, note))(t)
	if asked() != 2 {
		t.Errorf("after the change the key was asked for %d times in all, want 2", asked())
	}
}

func TestGoToSocialServesNothingUnsigned(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	noordkade := startServer(t, w, "noordkade", GoToSocial)
	nadia := noordkade.Person("nadia")
	note := must(nadia.Post(ctx, "<p>Only for the known.</p>"))(t).Object
	for address, want := range map[string]int{
		nadia.ID: 401, note: 401, nadia.Followers(): 401, nadia.KeyID(): 200, noordkade.URL + "/actor": 200,
		noordkade.URL + "/.well-known/webfinger?resource=acct:" + nadia.Handle(): 200, noordkade.URL + "/nodeinfo/2.0": 200,
		nadia.URL(): 200, noordkade.URL + "/": 200, noordkade.URL + "/avatars/nadia.png": 200,
		noordkade.URL + "/@nobody": 404,
	} {
		if got := ask(t, address); got != want {
			t.Errorf("%s answers %d, want %d", address, got, want)
		}
	}
	bram := startServer(t, w, "veerhuis", Mastodon).Person("bram")
	if _, err := bram.fetchObject(ctx, note); err != nil {
		t.Errorf("a signed question: %v", err)
	}
	private := must(nadia.Post(ctx, "<p>Psst.</p>", FollowersOnly()))(t).Object
	if _, err := bram.fetchObject(ctx, private); err == nil {
		t.Error("a followers-only note is shown")
	}
}

func ask(t *testing.T, address string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestBehavioursDoWhatTheySay(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	kade := startServer(t, w, "zilverduin", Mastodon).Person("kade")
	cases := []struct {
		name      string
		behaviour Behaviour
		statuses  []int
	}{
		{"healthy", Healthy(), []int{202, 202}},
		{"slow", Slow(30 * time.Millisecond), []int{202}},
		{"500 and then well", FailingFirst(2, 500), []int{500, 500, 202}},
		{"too many", RateLimiting(3*time.Second, 1), []int{429, 202}},
		{"too many for ever", RateLimiting(3*time.Second, 0), []int{429, 429}},
		{"gone", Gone(), []int{410}},
		{"refusing signatures", RefusingSignatures(), []int{401}},
		{"refusing", Refusing(403), []int{403, 403}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, w, c.name, Mastodon)
			s.Person("bram")
			if err := s.SetBehaviour(c.behaviour); err != nil {
				t.Fatal(err)
			}
			var statuses []int
			began := time.Now()
			for range c.statuses {
				answer, _ := kade.Send(ctx, s.URL+"/inbox", like(kade, s))
				statuses = append(statuses, answer.Status)
				if retry := answer.Header.Get("Retry-After"); (retry == "3") != (answer.Status == 429) {
					t.Errorf("Retry-After of %d is %q", answer.Status, retry)
				}
			}
			if diff := cmp.Diff(c.statuses, statuses); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
			if c.behaviour.kind == slow && time.Since(began) < c.behaviour.pace {
				t.Errorf("a slow server took only %s", time.Since(began))
			}
			if c.behaviour.kind == gone && ask(t, s.Person("bram").ID) != 410 {
				t.Error("people of a server that is gone are still there")
			}
		})
	}
}

func like(p *Person, s *Server) map[string]any {
	return map[string]any{
		"id": fmt.Sprintf("%s#likes/%d", p.ID, s.world.nextID()), "type": "Like", "actor": p.ID,
		"object": s.URL + "/users/bram",
	}
}

func TestSilentServersCutRequestsWhenTheirBehaviourChanges(t *testing.T) {
	for name, behaviour := range map[string]Behaviour{"hanging": Hanging(), "trickling": Trickling(time.Millisecond)} {
		t.Run(name, func(t *testing.T) {
			w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
			kade := startServer(t, w, "zilverduin", Mastodon).Person("kade")
			s := startServer(t, w, "veerhuis", Mastodon)
			s.SetBehaviour(behaviour)
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			if _, err := kade.Send(short, s.URL+"/inbox", like(kade, s)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a silent server says %v", err)
			}
			done := make(chan error, 1)
			go func() {
				_, err := kade.Send(ctx, s.URL+"/inbox", like(kade, s))
				done <- err
			}()
			if err := w.WaitForCount(ctx, 2, func(d Delivery) bool {
				return d.Status == 0 &&
					d.Fault == "not looked at"
			}); err != nil {
				t.Fatal(err)
			}
			s.SetBehaviour(Healthy())
			if err := <-done; err == nil || ctx.Err() != nil {
				t.Errorf("the held delivery ended with %v", err)
			}
			must(kade.Send(ctx, s.URL+"/inbox", like(kade, s)))(t)
		})
	}
}

func TestAClosedServerOpensAgainAtTheSameAddress(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	kade := startServer(t, w, "zilverduin", Mastodon).Person("kade")
	s := startServer(t, w, "veerhuis", Mastodon)
	for range 5 {
		must(kade.Send(ctx, s.URL+"/inbox", like(kade, s)))(t)
		if err := s.SetBehaviour(Closed()); err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Send(ctx, s.URL+"/inbox", like(kade, s)); err == nil {
			t.Fatal("a closed server takes deliveries")
		}
		if err := s.SetBehaviour(Healthy()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServersSendFromTheirOwnAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	bram := startServer(t, w, "veerhuis", Mastodon).Person("bram")
	listener := must(net.Listen("tcp4", "127.0.0.1:0"))(t)
	from := make(chan string, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		from <- host
	})}
	go server.Serve(listener)
	defer server.Close()
	must(bram.Send(ctx, "http://"+listener.Addr().String()+"/inbox", []byte("{}")))(t)
	want, _, _ := net.SplitHostPort(bram.Server.Host)
	if got := <-from; got != want || want == "127.0.0.1" {
		t.Errorf("bram's server speaks from %s, want %s", got, want)
	}
}

func TestPortsOfOneAddressWork(t *testing.T) {
	w, ctx := newWorld(t, Config{Ports: true, KeyPool: 4}), soon(t)
	bram := startServer(t, w, "veerhuis", Mastodon).Person("bram")
	nadia := startServer(t, w, "noordkade", GoToSocial).Person("nadia")
	if !strings.HasPrefix(bram.ID, "http://127.0.0.1:") {
		t.Errorf("bram lives at %s", bram.ID)
	}
	befriend(t, ctx, bram, nadia)
}

func TestLookUpAcceptsOnlyAnActorThatNamesItself(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	bram := startServer(t, w, "veerhuis", Mastodon).Person("bram")
	kade := startServer(t, w, "zilverduin", Mastodon).Person("kade")
	actor := func(id, name string) map[string]any {
		document := kade.document()
		document["id"], document["preferredUsername"] = id, name
		return document
	}
	cases := []struct {
		name, subject, rel, contentType string
		document                        func(self string) map[string]any
		want                            string
	}{
		{"all is well", "acct:ilse@HOST", "self", activityType,
			func(self string) map[string]any { return actor(self, "ilse") }, ""},
		{"an id that differs by a slash", "acct:ilse@HOST", "self", activityType,
			func(self string) map[string]any { return actor(self+"/", "ilse") }, "leads to"},
		{"another name", "acct:ilse@HOST", "self", activityType,
			func(self string) map[string]any { return actor(self, "tobias") }, "says its name is"},
		{"plain JSON", "acct:ilse@HOST", "self", "application/json",
			func(self string) map[string]any { return actor(self, "ilse") }, "content type"},
		{"no self link", "acct:ilse@HOST", "me", activityType,
			func(self string) map[string]any { return actor(self, "ilse") }, "no self link"},
		{"no subject", "", "self", activityType, func(self string) map[string]any { return actor(self, "ilse") }, "subject"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			listener := must(net.Listen("tcp4", "127.0.0.1:0"))(t)
			host := listener.Addr().String()
			self := "http://" + host + "/ap/actors/01"
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/ap/actors/01" {
					writeJSON(w, c.contentType, c.document(self))
					return
				}
				writeJSON(w, "application/jrd+json", map[string]any{
					"subject": strings.Replace(c.subject, "HOST", host, 1),
					"links":   []map[string]string{{"rel": c.rel, "type": activityType, "href": self}},
				})
			})}
			go server.Serve(listener)
			defer server.Close()
			_, err := bram.LookUp(ctx, "@ilse@"+host)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("look up says %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestHundredsOfDeliveriesAtOnceAreAllRecorded(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4, SharedCache: true}), soon(t)
	post := must(startServer(t, w, "noordkade", Mastodon).Person("nadia").Post(ctx, "<p>Say something.</p>"))(t)
	const servers, each = 20, 15
	var ready []*PreparedActivity
	for _, s := range must(w.AddServers(servers, Mastodon))(t) {
		for range each {
			ready = append(ready, must(s.Person("bram").PrepareReply(ctx, post.Object, "<p>Something.</p>"))(t))
		}
	}
	var all sync.WaitGroup
	for _, r := range ready {
		all.Go(func() {
			if _, err := r.Send(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	if err := w.WaitForCount(ctx, servers*each, OfType("Create")); err != nil {
		t.Error(err)
	}
	all.Wait()
	if n := w.CountDeliveries(OfType("Create")); n != servers*each {
		t.Errorf("%d deliveries are in the ledgers, want %d", n, servers*each)
	}
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	eventually(t, "the worlds of other tests have ended", func() bool { return running() == "" })
	w := New(Config{Ports: runtime.GOOS != "linux", KeyPool: 4})
	ctx := soon(t)
	kade := startServer(t, w, "zilverduin", Mastodon).Person("kade")
	behaviours := []Behaviour{Healthy(), Hanging(), Trickling(time.Second), Slow(time.Minute), Closed()}
	var servers []*Server
	for _, behaviour := range behaviours {
		s := startServer(t, w, "veerhuis", Mastodon)
		servers = append(servers, s)
		s.SetBehaviour(behaviour)
		go kade.Send(ctx, s.URL+"/inbox", like(kade, s))
	}
	if err := w.WaitForCount(ctx, 3,
		func(Delivery) bool { return true }); err != nil { // the slow one has not written it down yet
		t.Error(err)
	}
	began := time.Now()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("closing took %s", took)
	}
	if _, err := w.AddServer("too late", Mastodon); err == nil {
		t.Error("a closed world takes new servers")
	}
	if err := w.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	for _, s := range servers {
		if conn, err := net.Dial("tcp4", s.Host); err == nil {
			conn.Close()
			t.Errorf("%s still listens", s.Host)
		}
	}
	eventually(t, "no goroutine is left", func() bool { return running() == "" })
}

// running is the stacks of goroutines that serve, ask or do something for a world. Counting all goroutines would let
// one that ends late in another test hide one that never ends in this.
func running() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var found []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		own := strings.Contains(stack, "fedtest.running")
		if !own && (strings.Contains(stack, "net/http.") || strings.Contains(stack, "fedtest.(*")) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

func TestAThousandServersStartQuickly(t *testing.T) {
	began := time.Now()
	w := newWorld(t, Config{KeyPool: 4})
	servers := must(w.AddServers(1000, Mastodon))(t)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("1,000 servers took %s to start", took)
	}
	hosts := map[string]bool{}
	for _, s := range servers {
		hosts[s.Host] = true
	}
	if len(hosts) != 1000 {
		t.Errorf("1,000 servers have %d addresses", len(hosts))
	}
}

// BenchmarkDeliveries is the cost of the pretend servers themselves: 200 servers get a Create each, with all checks,
// from a sender who has signed beforehand.
func BenchmarkDeliveries(b *testing.B) {
	w := newWorld(b, Config{KeyPool: 4, SharedCache: true})
	bram := startServer(b, w, "veerhuis", Mastodon).Person("bram")
	servers := must(w.AddServers(200, Mastodon))(b)
	var deliveries []*PreparedDelivery
	for i := range b.N {
		s := servers[i%len(servers)]
		deliveries = append(deliveries, must(bram.Prepare(s.URL+"/inbox", like(bram, s)))(b))
	}
	b.ResetTimer()
	var all sync.WaitGroup
	for worker := range 64 {
		all.Go(func() {
			for i := worker; i < len(deliveries); i += 64 {
				if _, err := deliveries[i].Send(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

func TestOnlyTheAuthorChangesAPostAndOnlyForward(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 6}), soon(t)
	noordkade := startServer(t, w, "noordkade", Mastodon)
	nadia, bram := noordkade.Person("nadia"), startServer(t, w, "veerhuis", Mastodon).Person("bram")
	kade := bram.Server.Person("kade") // of the same server as bram
	note := must(bram.Post(ctx, "<p>Four minutes.</p>", Mention(nadia.ID),
		PublishedAt(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))))(t).Object
	version := func(kind, author, content, updated string) map[string]any {
		return map[string]any{
			"id": fmt.Sprintf("%s#x/%d", author, w.nextID()), "type": kind, "actor": author,
			"object": map[string]any{
				"id": note, "type": "Note", "attributedTo": author, "content": content,
				"published": "2026-11-02T09:00:00Z", "updated": updated,
			},
		}
	}
	steps := []struct {
		name     string
		who      *Person
		activity map[string]any
		content  string
		gone     bool
	}{
		{"an Update by somebody else", kade, version("Update", kade.ID, "<p>Mine.</p>", "2026-11-02T10:00:00Z"),
			"<p>Four minutes.</p>", false},
		{"a Delete by somebody else", kade, version("Delete", kade.ID, "", ""), "<p>Four minutes.</p>", false},
		{"an Update", bram, version("Update", bram.ID, "<p>Five.</p>", "2026-11-02T10:00:00Z"), "<p>Five.</p>", false},
		{"an Update that is older", bram, version("Update", bram.ID, "<p>Three.</p>", "2026-11-02T09:30:00Z"), "<p>Five.</p>",
			false},
		{"a second Create", bram, version("Create", bram.ID, "<p>Two.</p>", "2026-11-02T11:00:00Z"), "<p>Five.</p>", false},
		{"a Delete", bram, version("Delete", bram.ID, "", ""), "", true},
		{"a Create after the Delete", bram, version("Create", bram.ID, "<p>Back.</p>", "2026-11-02T12:00:00Z"), "", true},
	}
	for _, step := range steps {
		must(step.who.Send(ctx, noordkade.URL+"/inbox", step.activity))(t)
		got, _ := noordkade.FindPost(note)
		if got.Content != step.content || got.Gone != step.gone {
			t.Errorf("after %s the post is %q, gone %v; want %q, %v", step.name, got.Content, got.Gone, step.content, step.gone)
		}
	}
}

func TestRepliesAreAddressedAsTheirVisibilitySays(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 6}), soon(t)
	nadia := startServer(t, w, "noordkade", Mastodon).Person("nadia")
	bram := startServer(t, w, "veerhuis", Mastodon).Person("bram")
	deniz := startServer(t, w, "dijla", Mastodon).Person("deniz")
	befriend(t, ctx, deniz, bram)
	note := must(nadia.Post(ctx, "<p>Who sails?</p>"))(t).Object
	cases := []struct {
		name   string
		option []NoteOption
		to, cc []string
		dijla  bool // the follower's server gets it
	}{
		{"public", nil, []string{public}, []string{bram.Followers(), nadia.ID}, true},
		{"unlisted", []NoteOption{Unlisted()}, []string{bram.Followers()}, []string{public, nadia.ID}, true},
		{"followers", []NoteOption{FollowersOnly()}, []string{bram.Followers()}, []string{nadia.ID}, true},
		{"direct", []NoteOption{Direct()}, []string{nadia.ID}, nil, false},
	}
	for _, c := range cases {
		sent := must(bram.Reply(ctx, note, "<p>I do.</p>", c.option...))(t)
		post, known := nadia.Server.FindPost(sent.Object)
		if !known || !cmp.Equal(post.To, c.to) || !cmp.Equal(post.Cc, c.cc) {
			t.Errorf("%s is addressed to %v, cc %v; want %v, %v", c.name, post.To, post.Cc, c.to, c.cc)
		}
		if _, known := deniz.Server.FindPost(sent.Object); known != c.dijla {
			t.Errorf("%s: the follower's server has it: %v", c.name, known)
		}
		public := c.name == "public" || c.name == "unlisted"
		if _, err := nadia.fetchObject(ctx, sent.Object); (err == nil) != public {
			t.Errorf("%s: asked for at its id: %v", c.name, err)
		}
	}
}

func TestAKeyThatCannotBeFetchedNowIsFetchedAgain(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	veerhuis := startServer(t, w, "veerhuis", Mastodon)
	kade := startServer(t, w, "zilverduin", Mastodon).Person("kade")
	for _, step := range []struct {
		behaviour Behaviour
		status    int
	}{{Closed(), 503}, {Gone(), 401}, {Healthy(), 202}, {Closed(), 202}} {
		if err := kade.Server.SetBehaviour(step.behaviour); err != nil {
			t.Fatal(err)
		}
		answer, _ := kade.Send(ctx, veerhuis.URL+"/inbox", like(kade, veerhuis))
		if answer.Status != step.status {
			t.Errorf("with the sender's server behaving as %d the answer is %d, want %d", step.behaviour.kind,
				answer.Status, step.status)
		}
	}
}

func TestADeletedUnknownActorIsNotAskedForAKey(t *testing.T) {
	w, ctx := newWorld(t, Config{KeyPool: 4}), soon(t)
	veerhuis := startServer(t, w, "veerhuis", Mastodon)
	kade := startServer(t, w, "zilverduin", Mastodon).Person("kade")
	farewell := map[string]any{"id": kade.ID + "#delete", "type": "Delete", "actor": kade.ID, "object": kade.ID}
	must(kade.Send(ctx, veerhuis.URL+"/inbox", farewell))(t)
	if visits := kade.Server.Requests(); len(visits) != 0 {
		t.Errorf("kade's server was asked for %s", visits[0].Path)
	}
	if heard := veerhuis.Received("Delete"); len(heard) != 0 {
		t.Errorf("the unverified Delete counts as accepted: %s", heard[0].Body)
	}
	must(kade.Send(ctx, veerhuis.URL+"/inbox", like(kade, veerhuis)))(t)
	if _, err := kade.Send(ctx, veerhuis.URL+"/inbox", farewell, Unsigned()); err == nil {
		t.Error("once kade is known, an unsigned farewell is believed")
	}
}

func TestServersThatCutConnectionsAndOneThatTalksWithoutEnd(t *testing.T) {
	world := New(Config{})
	defer world.Close()
	sender, err := world.AddServer("sender", Mastodon)
	if err != nil {
		t.Fatal(err)
	}
	bram := sender.Person("bram")
	for name, c := range map[string]struct {
		behaviour Behaviour
		accepted  bool
	}{
		"resetting": {Resetting(), false}, "TLS": {SpeakingTLS(), false}, "flapping, first up": {Flapping(time.Hour), true},
	} {
		server, err := world.AddServer(name, Mastodon)
		if err != nil {
			t.Fatal(err)
		}
		server.Person("nadia")
		if err := server.SetBehaviour(c.behaviour); err != nil {
			t.Fatal(err)
		}
		_, err = bram.Send(t.Context(), server.URL+"/inbox", map[string]any{"id": bram.ID + "/1", "type": "Like",
			"actor": bram.ID, "object": server.URL + "/1"})
		if got := server.Deliveries(); (err == nil) != c.accepted || len(got) == 0 || (got[0].Status == 202) != c.accepted {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	server, err := world.AddServer("huge", Mastodon)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.SetBehaviour(Huge()); err != nil {
		t.Fatal(err)
	}
	prepared, err := bram.Prepare(server.URL+"/inbox", map[string]any{"id": bram.ID + "/1", "type": "Like",
		"actor": bram.ID, "object": server.URL + "/1"})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := prepared.Send(t.Context()); err != nil || answer.Status != 202 || len(answer.Body) != maxBody {
		t.Errorf("huge: %d, %d bytes, %v", answer.Status, len(answer.Body), err)
	}
}
