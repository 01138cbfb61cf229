package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

const (
	kills      = 20
	neighbours = 300
)

// victim is the real program in a process of its own, which is killed again and again, with other servers around it.
type victim struct {
	t       *testing.T
	url     string
	flags   []string
	store   *store.Store // a second look at its database
	world   *fedtest.World
	people  []*fedtest.Person
	serving *exec.Cmd
}

// TestF110NothingAcknowledgedIsLostToKill publishes articles and receives replies while the program is killed at
// random moments. Then everything that it acknowledged must be there. What counts is what the other servers received,
// not what the program says.
func TestF110NothingAcknowledgedIsLostToKill(t *testing.T) {
	if testing.Short() {
		t.Skip("killing takes its time")
	}
	storetest.EachURL(t, func(t *testing.T, database string) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 1))
		v := newVictim(t, database)
		var published []string
		var replies []*fedtest.PreparedActivity
		cut := 0
		for round := range kills {
			v.serve()
			published = append(published, v.publish(round))
			replies = append(replies, v.replies(published[round], round)...)
			v.killDuring(random, replies[len(replies)-10:])
			if v.waiting() > 0 {
				cut++
			}
		}
		t.Logf("%d of %d kills hit a fan-out", cut, kills)
		if cut < 3 {
			t.Errorf("only %d kills hit a fan-out: this proves little", cut)
		}
		v.serve()
		v.resend(replies)
		v.arrived(published)
		v.counted(published, len(replies))
		v.doubled(len(published))
	})
}

func newVictim(t *testing.T, database string) *victim {
	t.Helper()
	v := &victim{t: t}
	var err error
	address := freePort(t)
	v.url = "http://" + address
	v.flags = []string{"--database", database, "--data", t.TempDir(), "--url", v.url, "--listen", address,
		"--federation-allow", "127.0.0.0/8"}
	v.run("author", "add", "ilse", "--name", "Ilse Verhaagen", "--role", "admin")
	if v.store, err = store.Open(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.store.Close() })
	v.surround()
	return v
}

// surround gives Ilse a follower on each of many servers.
func (v *victim) surround() {
	v.t.Helper()
	v.world = fedtest.New(fedtest.Config{KeyPool: 8, SharedCache: true})
	v.t.Cleanup(func() { v.world.Close() })
	servers, err := v.world.AddServers(neighbours, fedtest.Mastodon)
	if err != nil {
		v.t.Fatal(err)
	}
	ilse, err := v.store.VoiceByHandle(v.t.Context(), "ilse")
	if err != nil {
		v.t.Fatal(err)
	}
	for _, server := range servers {
		p := server.Person("reader")
		v.people = append(v.people, p)
		a := blog.Actor{ID: p.ID, Type: "Person", Handle: p.Handle(), URL: p.URL(), Host: server.Host, Inbox: p.Inbox(),
			SharedInbox: server.URL + "/inbox",
			FetchedAt:   time.Now(), Keys: []blog.ActorKey{{ActorID: p.ID, KeyID: p.KeyID(), PEM: p.PublicPEM()}}}
		f := blog.Follower{VoiceID: ilse.ID, ActorID: p.ID, FollowID: p.ID + "#follow", State: blog.Accepted,
			Since: time.Now()}
		_, followErr := "", v.store.SaveActor(v.t.Context(), a)
		if followErr == nil {
			_, followErr = v.store.Follow(v.t.Context(), f)
		}
		if followErr != nil {
			v.t.Fatal(followErr)
		}
	}
}

// program returns this test binary as the program.
func (v *victim) program(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], append(args, v.flags...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// run runs a command and returns its output.
func (v *victim) run(args ...string) []byte {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), 30*time.Second)
	defer cancel()
	cmd := v.program(ctx, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		v.t.Fatalf("%v: %v\n%s", args, err, complaint.String())
	}
	return out
}

// serve starts the server and waits until it is ready.
func (v *victim) serve() {
	v.t.Helper()
	v.serving = v.program(context.Background(), "serve")
	v.serving.Stderr = os.Stderr
	if err := v.serving.Start(); err != nil {
		v.t.Fatal(err)
	}
	process := v.serving
	v.t.Cleanup(func() { process.Process.Kill(); process.Wait() })
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get(v.url + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			v.t.Fatal("it never became ready")
		}
	}
}

// publish returns the object of an article whose publication was acknowledged.
func (v *victim) publish(n int) string {
	v.t.Helper()
	file := filepath.Join(v.t.TempDir(), fmt.Sprintf("crossing-%d.md", n))
	if err := os.WriteFile(file, fmt.Appendf(nil,
		"---\ntitle: Crossing %d\nslug: crossing-%d\n---\nThe ferry comes when you ring.\n", n, n), 0o600); err != nil {
		v.t.Fatal(err)
	}
	var said struct{ Object string }
	if err := json.Unmarshal(v.run("article", "publish", file, "--author", "ilse", "--json"), &said); err != nil ||
		said.Object == "" {
		v.t.Fatalf("publish: %v %+v", err, said)
	}
	return said.Object
}

func (v *victim) replies(object string, round int) []*fedtest.PreparedActivity {
	v.t.Helper()
	var list []*fedtest.PreparedActivity
	for i := range 10 {
		ready, err := v.people[(round*10+i)%len(v.people)].PrepareReply(v.t.Context(), object, "<p>I was there.</p>")
		if err != nil {
			v.t.Fatal(err)
		}
		list = append(list, ready)
	}
	return list
}

// killDuring sends replies and kills the server at a random moment meanwhile.
func (v *victim) killDuring(random *rand.Rand, replies []*fedtest.PreparedActivity) {
	v.t.Helper()
	after := time.Duration(random.Int64N(int64(600 * time.Millisecond)))
	killed := make(chan struct{})
	time.AfterFunc(after, func() { v.serving.Process.Kill(); close(killed) })
	for _, r := range replies {
		ctx, cancel := context.WithTimeout(v.t.Context(), 2*time.Second)
		r.Send(ctx) // whether it was taken is not asked: its sender will come again, as real ones do
		cancel()
	}
	<-killed
	v.serving.Wait()
}

func (v *victim) waiting() int {
	v.t.Helper()
	_, deliveries, err := v.store.CountWaiting(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	return deliveries
}

// resend sends every reply again, also those that were accepted.
func (v *victim) resend(replies []*fedtest.PreparedActivity) {
	v.t.Helper()
	for _, r := range replies {
		var refused *fedtest.StatusError
		if _, err := r.Send(v.t.Context()); errors.As(err, &refused) {
			v.t.Errorf("a reply was refused: %v", err)
		} else if err != nil {
			v.t.Fatal(err)
		}
	}
}

// arrived waits until every acknowledged article is at every server.
func (v *victim) arrived(published []string) {
	v.t.Helper()
	missing := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if missing = v.missing(published); missing == "" {
			return
		}
	}
	v.t.Fatalf("never arrived: %s", missing)
}

func (v *victim) missing(published []string) string {
	for _, object := range published {
		for _, p := range v.people {
			if _, ok := p.Server.FindPost(object); !ok {
				return object + " at " + p.Server.Host
			}
		}
	}
	return ""
}

// counted checks that the page shows each reply once.
func (v *victim) counted(published []string, want int) {
	v.t.Helper()
	got, seen := 0, map[string]bool{}
	for _, object := range published {
		id := blog.ID(filepath.Base(object))
		a, err := v.store.ArticleByObject(v.t.Context(), id)
		if err != nil {
			v.t.Fatal(err)
		}
		comments, err := v.store.PublicComments(v.t.Context(), a.ID)
		if err != nil {
			v.t.Fatal(err)
		}
		for _, c := range comments {
			seen[c.Address] = true
			got++
		}
	}
	if got != want || len(seen) != want {
		v.t.Errorf("%d comments of %d addresses stand there, want %d of each", got, len(seen), want)
	}
}

// doubled checks that no more was sent twice than can have been under way at the kills, and logs how much it was.
func (v *victim) doubled(articles int) {
	v.t.Helper()
	sent := v.world.CountDeliveries(fedtest.OfType("Create"))
	again := sent - articles*neighbours
	v.t.Logf("%d deliveries, of which %d came twice", sent, again)
	if again > kills*neighbours/2 {
		v.t.Errorf("%d deliveries came twice", again)
	}
}
