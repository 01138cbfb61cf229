package outbox_test

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
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// signedBy reports whether a delivery that came bears a signature by a key.
func signedBy(t *testing.T, l fedtest.Delivery, pem string) bool {
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
	_, err = signature.Verify(request, l.Body, []*url.URL{base}, l.At,
		signature.Keys{Find: func(context.Context, string) (crypto.PublicKey, error) { return key, nil }})
	return err == nil
}

func TestARotationIsSentWithTheOldKeyAndLaterActivitiesWithTheNewOne(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		said := o.Publish()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(said))); err != nil {
			t.Fatal(err)
		}
		ilse, proof := o.Site.ActorID(o.Ilse.ID), o.Ilse.ProofKey
		before, after := o.RotateKeys()
		told, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Update", ilse))
		if err != nil || !told.Accepted() || !signedBy(t, told, before) || signedBy(t, told, after) {
			t.Errorf("the rotation was told by %+v, %v", told, err)
		}
		now := o.StoredVoice(o.Ilse.ID)
		for where, body := range map[string]string{"the Update": string(told.Body), "the actor": overkant.IlseDocument(o)} {
			escaped := strings.ReplaceAll(strings.TrimSpace(after), "\n", `\n`)
			if !strings.Contains(body, escaped) || !strings.Contains(body, now.ProofKey) || strings.Contains(body, proof) ||
				!strings.Contains(body, `"`+ilse+`#main-key"`) {
				t.Errorf("%s shows %s", where, body)
			}
		}
		next := o.Publish(func(a *blog.Article) { a.Slug = "next" })
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(next)))
		if err != nil || !delivery.Accepted() || !signedBy(t, delivery, after) {
			t.Errorf("what is said afterwards comes as %+v, %v", delivery, err)
		}
		o.Until("all deliveries are settled", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
		if n, err := o.Store.EraseOldKeys(o.Soon(), time.Now().Add(time.Hour)); err != nil || n != 1 {
			t.Errorf("%d old keys are erased, %v", n, err)
		}
	})
}

func TestDeliveriesFromBeforeARotationArriveWhicheverKeyTheServerKnows(t *testing.T) {
	for name, knows := range map[string]func(*fedtest.Server){
		"the old one": func(*fedtest.Server) {},
		"the new one": (*fedtest.Server).ForgetActors, // it asks for the key when the delivery comes
	} {
		t.Run(name, func(t *testing.T) {
			overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
				veerhuis := o.Server("veerhuis")
				o.AddFollower(veerhuis.Person("bram"))
				if err := veerhuis.SetBehaviour(fedtest.Closed()); err != nil {
					t.Fatal(err)
				}
				waits := o.Publish()
				o.Until("it could not be brought", func() bool { return o.DeliveryRows(waits)[veerhuis.Host].Attempts > 0 })
				before, after := o.RotateKeys()
				if n, err := o.Store.EraseOldKeys(o.Soon(), time.Now().Add(time.Hour)); err != nil || n != 0 {
					t.Errorf("%d keys are erased that are still needed, %v", n, err)
				}
				knows(veerhuis)
				if err := veerhuis.SetBehaviour(fedtest.Healthy()); err != nil {
					t.Fatal(err)
				}
				if _, err := o.Outbox.Retry(o.Soon(), waits.ID, ""); err != nil {
					t.Fatal(err)
				}
				delivery, err := veerhuis.WaitFor(o.Soon(),
					func(l fedtest.Delivery) bool { return l.Type == "Create" && l.Accepted() })
				if err != nil {
					t.Fatal(err)
				}
				if old := name == "the old one"; signedBy(t, delivery, before) != old || signedBy(t, delivery, after) == old {
					t.Error("it arrived with the other signature")
				}
				told, err := veerhuis.WaitFor(o.Soon(), func(l fedtest.Delivery) bool {
					return l.Type == "Update" && l.Object == o.Site.ActorID(o.Ilse.ID) && l.Accepted()
				})
				if err != nil || told.At.Before(delivery.At) {
					t.Errorf("the rotation was told by %+v, %v", told, err)
				}
			})
		})
	}
}

func TestAServerThatOnlyFetchedSomethingLearnsTheNewKeyFromTheOldOne(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		strict := o.Server("strict")
		nadia := strict.Person("nadia")
		self := o.Site.ActorID(o.Ilse.ID)
		if err := strict.FetchActor(o.Soon(), self); err != nil { // as one does that fetches an answer under a comment
			t.Fatal(err)
		}
		o.SetBehaviour(strict, fedtest.CachingKeys())
		before, after := o.RotateKeys()
		if n := len(strict.Deliveries()); n != 0 {
			t.Fatalf("%d deliveries went to a server of which nothing is known", n)
		}
		if _, err := nadia.Follow(o.Soon(), self); err != nil {
			t.Fatal(err)
		}
		if err := nadia.WaitAccepted(o.Soon(), self); err != nil {
			t.Fatalf("the yes does not arrive: %v", err)
		}
		told, err := strict.WaitFor(o.Soon(), fedtest.About("Update", self))
		if err != nil || !told.Accepted() || !signedBy(t, told, before) {
			t.Errorf("the new key was told by %+v, %v", told, err)
		}
		o.WaitIdle()
		a := o.Publish()
		delivery, err := strict.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a)))
		if err != nil || !signedBy(t, delivery, after) {
			t.Errorf("what follows comes as %+v, %v", delivery, err)
		}
		o.WaitIdle()
		if got := overkant.DeliveryStatuses(strict, "Create", o.Object(a)); len(got) != 1 {
			t.Errorf("it was brought %v", got)
		}
		o.StoreFollow(tobias.ID, nadia)
		other := o.Publish(overkant.OwnedBy(tobias, "other"))
		o.Until("another author's article arrives",
			func() bool { return o.DeliveryRows(other)[strict.Host].Status == blog.Delivered })
	})
}

func TestARotationIsSentToEveryServerThatMayKnowTheAuthor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		self := o.Site.ActorID(o.Ilse.ID)
		a := o.Publish()
		follower, former := o.Server("follower").Person("bram"), o.Server("former").Person("maud")
		replier, liker, answered := o.Server("replier").Person("nadia"), o.Server("liker").Person("deniz"),
			o.Server("answered", fedtest.GoToSocial).Person("gerda")
		stranger := o.Server("stranger")
		o.AddFollower(follower)
		o.AddFollower(former)
		if _, err := former.Unfollow(o.Soon(), self); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*fedtest.Person{replier, answered} {
			reply, err := p.Reply(o.Soon(), o.Object(a), "<p>How wide?</p>")
			if err != nil {
				t.Fatal(err)
			}
			if p == replier {
				continue
			}
			comment, err := o.Store.CommentByAddress(o.Soon(), reply.Object)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, comment.ID, "Four minutes.")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Server.WaitFor(o.Soon(), fedtest.About("Create", answer.Address)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := liker.Like(o.Soon(), o.Object(a)); err != nil {
			t.Fatal(err)
		}
		o.Until("what they did is here", func() bool { return o.Counts(a).Likes == 1 && len(o.Comments(a)) == 3 })
		o.WaitIdle()
		for _, p := range []*fedtest.Person{follower, former, answered} {
			o.SetBehaviour(p.Server, fedtest.CachingKeys())
		}
		before, after := o.RotateKeys()
		for _, p := range []*fedtest.Person{follower, former, replier, liker, answered} {
			told, err := p.Server.WaitFor(o.Soon(), fedtest.About("Update", self))
			if err != nil || !told.Accepted() {
				t.Fatalf("%s was told by %+v, %v", p.Server.Name, told, err)
			}
		}
		o.WaitIdle()
		if n := len(stranger.Deliveries()); n != 0 {
			t.Errorf("a server that nothing is known of got %d deliveries", n)
		}
		if n, err := o.Store.CountServersOfRotation(o.Soon(), o.Ilse.ID); err != nil || n != 5 {
			t.Errorf("%d servers are told, %v", n, err)
		}
		for _, p := range []*fedtest.Person{follower, former, answered} { // the others met the key only now
			if told := p.Server.Received("Update"); len(told) != 1 || !signedBy(t, told[0], before) {
				t.Errorf("%s was told %d times, the first signed otherwise than with the old key", p.Server.Name, len(told))
			}
		}
		comment := o.Comments(a)[0]
		for _, c := range o.Comments(a) {
			if c.ActorID == answered.ID {
				comment = c
			}
		}
		answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, comment.ID, "If the wind lets you.")
		if err != nil {
			t.Fatal(err)
		}
		delivery, err := answered.Server.WaitFor(o.Soon(), fedtest.About("Create", answer.Address))
		if err != nil || !delivery.Accepted() || !signedBy(t, delivery, after) {
			t.Errorf("the next answer comes as %+v, %v", delivery, err)
		}
		o.WaitIdle()
		if got := overkant.DeliveryStatuses(answered.Server, "Create", answer.Address); len(got) != 1 {
			t.Errorf("it was brought %v", got)
		}
	})
}

func TestActivitiesAfterARotationAreDeliveredOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		old := []blog.Article{o.PublishNumbered(1), o.PublishNumbered(2)}
		o.WaitIdle()
		o.SetBehaviour(veerhuis, fedtest.CachingKeys())
		_, after := o.RotateKeys()
		self := o.Site.ActorID(o.Ilse.ID)
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Update", self)); err != nil {
			t.Fatal(err)
		}
		o.WaitIdle()
		next := o.PublishNumbered(3)
		o.Retitle(old[0], "Column 1, mended")
		o.WaitIdle()
		for what, got := range map[string][]int{"the rotation": overkant.DeliveryStatuses(veerhuis, "Update", self),
			"the next article": overkant.DeliveryStatuses(veerhuis, "Create", o.Object(next)),
			"an edit":          overkant.DeliveryStatuses(veerhuis, "Update", o.Object(old[0]))} {
			if len(got) != 1 {
				t.Errorf("%s was brought %v", what, got)
			}
		}
		newcomer := o.Server("newcomer")
		o.AddFollower(newcomer.Person("nadia"))
		o.SetBehaviour(newcomer, fedtest.CachingKeys())
		o.RunWelcome(0, 25*time.Second)
		for _, a := range append(old, next) {
			if got := overkant.DeliveryStatuses(newcomer, "Create", o.Object(a)); len(got) != 1 ||
				got[0] != http.StatusAccepted {
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

func TestADeletionAfterARotationIsAcceptedByAServerThatKnowsOnlyTheOldKey(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.AddAuthor("tobias", "Tobias Renkema")
		strict := o.Server("strict")
		nadia := strict.Person("nadia")
		o.AddFollower(nadia)
		o.SetBehaviour(strict, fedtest.Closed())
		before, _ := o.RotateKeys()
		o.Until("the rotation could not be told",
			func() bool { silent, err := o.Store.SilentPeers(o.Soon()); return err == nil && len(silent) == 1 })
		o.SetBehaviour(strict, fedtest.CachingKeys())
		if err := o.Outbox.DeleteAuthor(o.Soon(), o.Ilse.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.Store.InTx(o.Soon(), func(s *store.Store) error {
			return s.PeerContacted(o.Soon(), strict.Host,
				time.Now())
		}); err != nil {
			t.Fatal(err)
		}
		o.Courier.Wake()
		delivery, err := strict.WaitFor(o.Soon(), func(l fedtest.Delivery) bool { return l.Type == "Delete" && l.Accepted() })
		if err != nil || !signedBy(t, delivery, before) {
			t.Errorf("it was told by %+v, %v", delivery, err)
		}
	})
}

func TestTheOldKeyIsKeptForAMonth(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.AddFollower(o.Server("veerhuis").Person("bram"))
		o.RotateKeys()
		o.WaitIdle()
		for _, c := range []struct {
			before time.Time
			want   int64
		}{{time.Now().Add(-time.Hour), 0}, {time.Now().Add(time.Hour), 1}, {time.Now().Add(time.Hour), 0}} {
			if n, err := o.Store.EraseOldKeys(o.Soon(), c.before); err != nil || n != c.want {
				t.Errorf("%d keys are erased, %v; want %d", n, err, c.want)
			}
		}
		a := o.Publish()
		o.Until("what follows arrives", func() bool {
			for _, r := range o.DeliveryRows(a) {
				if r.Status == blog.Delivered && r.Attempts == 1 {
					return true
				}
			}
			return false
		})
	})
}
