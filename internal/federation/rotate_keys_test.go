package federation_test

import (
	"bytes"
	"context"
	"crypto"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// signedBy tells whether a letter that came bears a signature by a key.
func signedBy(t *testing.T, l neighbour.Letter, pem string) bool {
	t.Helper()
	key, err := signature.ParsePublicKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(l.Server.URL)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, l.Server.URL+l.Inbox, bytes.NewReader(l.Body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header, request.RequestURI = l.Header.Clone(), l.Inbox
	_, err = signature.Verify(request, l.Body, []*url.URL{base}, l.At, func(context.Context, string) (crypto.PublicKey, error) { return key, nil })
	return err == nil
}

// rotate gives Ilse new keys as a command beside the running blog does, and returns the old public key and the new one.
func (o *overkant) rotate() (before, after string) {
	o.t.Helper()
	changed := o.voice(o.ilse.ID)
	before = changed.PublicKey
	keys := giveKeys(o.t, &changed)
	beside := &federation.Outbox{Base: o.base, Wake: func() {}}
	if err := beside.RotateKeys(o.soon(), changed, keys); err != nil {
		o.t.Fatal(err)
	}
	return before, changed.PublicKey
}

func TestARotationIsToldWithTheOldKeyAndWhatFollowsBearsTheNewOne(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		said := o.publish()
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(said))); err != nil {
			t.Fatal(err)
		}
		ilse, proof := o.site.ActorID(o.ilse.ID), o.ilse.ProofKey
		before, after := o.rotate()
		told, err := veerhuis.WaitFor(o.soon(), neighbour.About("Update", ilse))
		if err != nil || !told.Accepted() || !signedBy(t, told, before) || signedBy(t, told, after) {
			t.Errorf("the rotation was told by %+v, %v", told, err)
		}
		now := o.voice(o.ilse.ID)
		for where, body := range map[string]string{"the Update": string(told.Body), "the actor": actorOf(o)} {
			escaped := strings.ReplaceAll(strings.TrimSpace(after), "\n", `\n`)
			if !strings.Contains(body, escaped) || !strings.Contains(body, now.ProofKey) || strings.Contains(body, proof) || !strings.Contains(body, `"`+ilse+`#main-key"`) {
				t.Errorf("%s shows %s", where, body)
			}
		}
		next := o.publish(func(a *blog.Article) { a.Slug = "next" })
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(next)))
		if err != nil || !letter.Accepted() || !signedBy(t, letter, after) {
			t.Errorf("what is said afterwards comes as %+v, %v", letter, err)
		}
		o.until("all letters are settled", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
		if n, err := o.store.EraseOldKeys(o.soon(), time.Now().Add(time.Hour)); err != nil || n != 1 {
			t.Errorf("%d old keys are erased, %v", n, err)
		}
	})
}

func actorOf(o *overkant) string {
	_, _, body := o.get("/ap/actors/"+string(o.ilse.ID), asMastodon)
	return body
}

func TestWhatWaitedOverARotationArrivesWhicheverKeyItsServerKnows(t *testing.T) {
	for name, knows := range map[string]func(*neighbour.Server){
		"the old one": func(*neighbour.Server) {},
		"the new one": (*neighbour.Server).Forget, // it asks for the key when the letter comes
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, o *overkant) {
				veerhuis := o.server("veerhuis")
				o.befriend(veerhuis.Person("bram"))
				if err := veerhuis.Be(neighbour.Closed()); err != nil {
					t.Fatal(err)
				}
				waits := o.publish()
				o.until("it could not be brought", func() bool { return o.report(waits)[veerhuis.Host].Attempts > 0 })
				before, after := o.rotate()
				if n, err := o.store.EraseOldKeys(o.soon(), time.Now().Add(time.Hour)); err != nil || n != 0 {
					t.Errorf("%d keys are erased that are still needed, %v", n, err)
				}
				knows(veerhuis)
				if err := veerhuis.Be(neighbour.Healthy()); err != nil {
					t.Fatal(err)
				}
				if _, err := o.outbox.Retry(o.soon(), waits.ID, ""); err != nil {
					t.Fatal(err)
				}
				letter, err := veerhuis.WaitFor(o.soon(), func(l neighbour.Letter) bool { return l.Type == "Create" && l.Accepted() })
				if err != nil {
					t.Fatal(err)
				}
				if old := name == "the old one"; signedBy(t, letter, before) != old || signedBy(t, letter, after) == old {
					t.Error("it arrived with the other signature")
				}
				told, err := veerhuis.WaitFor(o.soon(), func(l neighbour.Letter) bool {
					return l.Type == "Update" && l.Object == o.site.ActorID(o.ilse.ID) && l.Accepted()
				})
				if err != nil || told.At.Before(letter.At) {
					t.Errorf("the rotation was told by %+v, %v", told, err)
				}
			})
		})
	}
}

// brought lists how a server answered each time that it was brought something about an object.
func brought(s *neighbour.Server, kind, object string) (answers []int) {
	for _, l := range s.Letters() {
		if l.Type == kind && l.Object == object {
			answers = append(answers, l.Status)
		}
	}
	return answers
}

// idle waits until nothing is left to bring.
func (o *overkant) idle() {
	o.t.Helper()
	o.until("nothing is left to bring", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
}

func TestAServerThatOnlyFetchedSomethingLearnsTheNewKeyFromTheOldOne(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		tobias := o.addVoice("tobias", "Tobias Renkema")
		strict := o.server("strict")
		nadia := strict.Person("nadia")
		self := o.site.ActorID(o.ilse.ID)
		if err := strict.Learn(o.soon(), self); err != nil { // as one does that fetches an answer under a comment
			t.Fatal(err)
		}
		o.be(strict, neighbour.Remembering())
		before, after := o.rotate()
		if n := len(strict.Letters()); n != 0 {
			t.Fatalf("%d letters went to a server of which nothing is known", n)
		}
		if _, err := nadia.Follow(o.soon(), self); err != nil {
			t.Fatal(err)
		}
		if err := nadia.WaitAccepted(o.soon(), self); err != nil {
			t.Fatalf("the yes does not arrive: %v", err)
		}
		told, err := strict.WaitFor(o.soon(), neighbour.About("Update", self))
		if err != nil || !told.Accepted() || !signedBy(t, told, before) {
			t.Errorf("the new key was told by %+v, %v", told, err)
		}
		o.idle()
		a := o.publish()
		letter, err := strict.WaitFor(o.soon(), neighbour.About("Create", o.object(a)))
		if err != nil || !signedBy(t, letter, after) {
			t.Errorf("what follows comes as %+v, %v", letter, err)
		}
		o.idle()
		if got := brought(strict, "Create", o.object(a)); len(got) != 1 {
			t.Errorf("it was brought %v", got)
		}
		o.followedBy(tobias.ID, nadia)
		other := o.publish(by(tobias, "other"))
		o.until("another author's article arrives", func() bool { return o.report(other)[strict.Host].Status == blog.Delivered })
	})
}

func TestARotationIsToldToEveryServerThatMayKnowTheAuthor(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		self := o.site.ActorID(o.ilse.ID)
		a := o.publish()
		follower, former := o.server("follower").Person("bram"), o.server("former").Person("maud")
		replier, liker, answered := o.server("replier").Person("nadia"), o.server("liker").Person("deniz"), o.server("answered", neighbour.GoToSocial).Person("gerda")
		stranger := o.server("stranger")
		o.befriend(follower)
		o.befriend(former)
		if _, err := former.Unfollow(o.soon(), self); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*neighbour.Person{replier, answered} {
			reply, err := p.Reply(o.soon(), o.object(a), "<p>How wide?</p>")
			if err != nil {
				t.Fatal(err)
			}
			if p == replier {
				continue
			}
			comment, err := o.store.CommentByAddress(o.soon(), reply.Object)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := o.outbox.Reply(o.soon(), o.ilse, comment.ID, "Four minutes.")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Server.WaitFor(o.soon(), neighbour.About("Create", answer.Address)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := liker.Like(o.soon(), o.object(a)); err != nil {
			t.Fatal(err)
		}
		o.until("what they did is here", func() bool { return o.counts(a).Likes == 1 && len(o.comments(a)) == 3 })
		o.idle()
		for _, p := range []*neighbour.Person{follower, former, answered} {
			o.be(p.Server, neighbour.Remembering())
		}
		before, after := o.rotate()
		for _, p := range []*neighbour.Person{follower, former, replier, liker, answered} {
			told, err := p.Server.WaitFor(o.soon(), neighbour.About("Update", self))
			if err != nil || !told.Accepted() {
				t.Fatalf("%s was told by %+v, %v", p.Server.Name, told, err)
			}
		}
		o.idle()
		if n := len(stranger.Letters()); n != 0 {
			t.Errorf("a server that nothing is known of got %d letters", n)
		}
		if n, err := o.store.ToldOfKeys(o.soon(), o.ilse.ID); err != nil || n != 5 {
			t.Errorf("%d servers are told, %v", n, err)
		}
		for _, p := range []*neighbour.Person{follower, former, answered} { // the others met the key only now
			if told := p.Server.Received("Update"); len(told) != 1 || !signedBy(t, told[0], before) {
				t.Errorf("%s was told %d times, the first signed otherwise than with the old key", p.Server.Name, len(told))
			}
		}
		comment := o.comments(a)[0]
		for _, c := range o.comments(a) {
			if c.ActorID == answered.ID {
				comment = c
			}
		}
		answer, err := o.outbox.Reply(o.soon(), o.ilse, comment.ID, "If the wind lets you.")
		if err != nil {
			t.Fatal(err)
		}
		letter, err := answered.Server.WaitFor(o.soon(), neighbour.About("Create", answer.Address))
		if err != nil || !letter.Accepted() || !signedBy(t, letter, after) {
			t.Errorf("the next answer comes as %+v, %v", letter, err)
		}
		o.idle()
		if got := brought(answered.Server, "Create", answer.Address); len(got) != 1 {
			t.Errorf("it was brought %v", got)
		}
	})
}

func TestWhatIsWrittenAfterARotationIsBroughtOnce(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		old := []blog.Article{o.column(1), o.column(2)}
		o.idle()
		o.be(veerhuis, neighbour.Remembering())
		_, after := o.rotate()
		self := o.site.ActorID(o.ilse.ID)
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Update", self)); err != nil {
			t.Fatal(err)
		}
		o.idle()
		next := o.column(3)
		o.edit(old[0], "Column 1, mended")
		o.idle()
		for what, got := range map[string][]int{"the rotation": brought(veerhuis, "Update", self), "the next article": brought(veerhuis, "Create", o.object(next)),
			"an edit": brought(veerhuis, "Update", o.object(old[0]))} {
			if len(got) != 1 {
				t.Errorf("%s was brought %v", what, got)
			}
		}
		newcomer := o.server("newcomer")
		o.befriend(newcomer.Person("nadia"))
		o.be(newcomer, neighbour.Remembering())
		o.welcome(0, 25*time.Second)
		for _, a := range append(old, next) {
			if got := brought(newcomer, "Create", o.object(a)); len(got) != 1 || got[0] != http.StatusAccepted {
				t.Errorf("a server that met the author after the rotation was brought %v", got)
			}
		}
		for _, l := range newcomer.Received("Create") {
			if !signedBy(t, l, after) {
				t.Errorf("%s came with another signature than that of the new key", l.Object)
			}
		}
	})
}

func TestADepartureAfterARotationIsBelievedByWhoKnowsTheOldKeyAlone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.addVoice("tobias", "Tobias Renkema")
		strict := o.server("strict")
		nadia := strict.Person("nadia")
		o.befriend(nadia)
		o.be(strict, neighbour.Closed())
		before, _ := o.rotate()
		o.until("the rotation could not be told", func() bool { silent, err := o.store.SilentPeers(o.soon()); return err == nil && len(silent) == 1 })
		o.be(strict, neighbour.Remembering())
		if err := o.outbox.Leave(o.soon(), o.ilse.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.store.InTx(o.soon(), func(s *store.Store) error { return s.HeardFrom(o.soon(), strict.Host, time.Now()) }); err != nil {
			t.Fatal(err)
		}
		o.courier.Wake()
		letter, err := strict.WaitFor(o.soon(), func(l neighbour.Letter) bool { return l.Type == "Delete" && l.Accepted() })
		if err != nil || !signedBy(t, letter, before) {
			t.Errorf("it was told by %+v, %v", letter, err)
		}
	})
}

func TestTheOldKeyIsKeptForAMonth(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.befriend(o.server("veerhuis").Person("bram"))
		o.rotate()
		o.idle()
		for _, c := range []struct {
			before time.Time
			want   int64
		}{{time.Now().Add(-time.Hour), 0}, {time.Now().Add(time.Hour), 1}, {time.Now().Add(time.Hour), 0}} {
			if n, err := o.store.EraseOldKeys(o.soon(), c.before); err != nil || n != c.want {
				t.Errorf("%d keys are erased, %v; want %d", n, err, c.want)
			}
		}
		a := o.publish()
		o.until("what follows arrives", func() bool {
			for _, r := range o.report(a) {
				if r.Status == blog.Delivered && r.Attempts == 1 {
					return true
				}
			}
			return false
		})
	})
}
