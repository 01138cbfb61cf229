package federation_test

import (
	"bytes"
	"context"
	"crypto"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/signature"
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
		if n, err := o.store.EraseOldKeys(o.soon()); err != nil || n != 1 {
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
				if n, err := o.store.EraseOldKeys(o.soon()); err != nil || n != 0 {
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
