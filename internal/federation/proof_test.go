package federation_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
)

func TestWhatIsSaidToEverybodyBearsAProofFromItsBirth(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.befriend(bram)
		tobias := o.addVoice("tobias", "Tobias Renkema")
		a := o.publish(func(a *blog.Article) { a.Authors = []blog.Byline{{VoiceID: tobias.ID}} })
		edited, err := o.store.Article(o.soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		create, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a)))
		if err != nil {
			t.Fatal(err)
		}
		edited.Title = "Five minutes wide"
		if err := o.outbox.Revise(o.soon(), &edited); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.Withdraw(o.soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		said, err := o.store.Activities(o.soon(), a.ObjectID)
		if err != nil {
			t.Fatal(err)
		}
		kinds := ""
		for _, act := range said {
			kinds += act.Kind + " "
			voice := o.ilse
			if act.VoiceID == tobias.ID {
				voice = tobias
			}
			if err := neighbour.CheckProof(act.Payload, o.site.ActorID(voice.ID)+"#ed25519-key", voice.ProofKey); err != nil {
				t.Errorf("%s: %v\n%s", act.Kind, err, act.Payload)
			}
			if act.Kind == "Create" && !bytes.Equal(act.Payload, create.Body) {
				t.Errorf("the letter is not what was written down:\n%s\n%s", create.Body, act.Payload)
			}
		}
		if kinds != "Create Announce Update Delete " {
			t.Errorf("said %s", kinds)
		}
	})
}

func TestWhatIsSaidToSomeBearsNoProofAndNoneIsServed(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.befriend(bram)
		tobias := o.addVoice("tobias", "Tobias Renkema")
		public := o.publish(func(a *blog.Article) { a.Authors = []blog.Byline{{VoiceID: tobias.ID}} })
		kept := o.publish(func(a *blog.Article) { a.Slug, a.Visibility = "among-us", blog.Followers })
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(kept))); err != nil {
			t.Fatal(err)
		}
		for _, l := range veerhuis.Letters() {
			if proven := l.JSON()["proof"] != nil; proven != (l.Object == o.object(public)) {
				t.Errorf("%s of %s: proof %v", l.Type, l.Object, proven)
			}
		}
		o.rotate()
		said, err := o.store.Activities(o.soon(), public.ObjectID)
		if err != nil || len(said) != 2 {
			t.Fatal(said, err)
		}
		for _, act := range said {
			for _, path := range []string{o.path(o.site.ActivityID(act.ID)), "/ap/actors/" + string(act.VoiceID) + "/outbox?cursor="} {
				if code, _, body := o.get(path, asMastodon); code != 200 || !strings.Contains(body, `"`+act.Kind+`"`) || strings.Contains(body, "proofValue") {
					t.Errorf("%s of a %s: %d %s", path, act.Kind, code, body)
				}
			}
		}
	})
}

// carried is a Create of Bram's that stands nowhere, so that nobody can ask for it.
func (o *overkant) carried(bram *neighbour.Person, a blog.Article, name string) map[string]any {
	note := bram.ID + "/notes/" + name
	return map[string]any{"id": note + "#create", "type": "Create", "actor": bram.ID, "to": []string{"as:Public"}, "object": map[string]any{"id": note, "type": "Note",
		"attributedTo": bram.ID, "inReplyTo": o.object(a), "content": "<p>" + name + "</p>", "to": []string{"as:Public"}, "published": time.Now().UTC().Format(time.RFC3339)}}
}

func TestF081AProofByTheActorsOwnKeyReplacesTheQuestion(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		kade := o.server("zilverduin").Person("kade")
		a := o.publish()
		prove := func(by *neighbour.Person, activity map[string]any) map[string]any {
			proven, err := by.Prove(activity)
			if err != nil {
				t.Fatal(err)
			}
			return proven
		}
		for i, forward := range []func(bram, joost *neighbour.Person, own map[string]any) map[string]any{
			func(bram, _ *neighbour.Person, own map[string]any) map[string]any { return prove(bram, own) },
			func(_, _ *neighbour.Person, own map[string]any) map[string]any { return own },
			func(bram, _ *neighbour.Person, own map[string]any) map[string]any {
				changed := prove(bram, own)
				changed["object"].(map[string]any)["content"] = "<p>Changed by kade.</p>"
				return changed
			},
			func(_, joost *neighbour.Person, own map[string]any) map[string]any { return prove(joost, own) },
			func(_, _ *neighbour.Person, own map[string]any) map[string]any { return prove(kade, own) },
			func(bram, joost *neighbour.Person, own map[string]any) map[string]any {
				stolen := prove(joost, own)
				stolen["proof"].(map[string]any)["verificationMethod"] = bram.ProofKeyID()
				return stolen
			},
			func(bram, _ *neighbour.Person, own map[string]any) map[string]any {
				delete(own, "id")
				return prove(bram, own)
			},
		} {
			server := o.server(fmt.Sprint("s", i)) // each of its own, since each costs it a question that is answered 404
			bram, joost := server.Person("bram"), server.Person("joost")
			name := fmt.Sprint("case", i)
			if _, err := kade.Send(o.soon(), o.site.SharedInbox(), forward(bram, joost, o.carried(bram, a, name))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			o.until("the arrival is done with", func() bool { n, _, err := o.store.CountWaiting(o.soon()); return err == nil && n == 0 })
			asked := slices.ContainsFunc(server.Visits(), func(v neighbour.Visit) bool { return strings.HasSuffix(v.Path, "/notes/"+name) })
			if asked != (i > 0) {
				t.Errorf("%s: its origin was asked: %v", name, asked)
			}
		}
		if got := o.texts(a); got != "case0" {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestF094ABadProofChangesNothingOfWhatItsActorSigned(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		proven, err := bram.Prove(o.carried(bram, a, "spoilt"))
		if err != nil {
			t.Fatal(err)
		}
		proven["proof"].(map[string]any)["proofValue"] = "z1111"
		proven["signature"] = map[string]any{"type": "RsaSignature2017", "creator": bram.KeyID(), "created": "2020-01-01T00:00:00Z", "signatureValue": "x"}
		if _, err := bram.Send(o.soon(), o.site.SharedInbox(), proven); err != nil {
			t.Fatal(err)
		}
		if got := o.texts(a); got != "spoilt" {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestT025ASignatureWithinAForwardedDocumentIsNoProof(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		forged := o.carried(bram, a, "forged")
		forged["signature"] = map[string]any{"type": "RsaSignature2017", "creator": bram.KeyID(), "created": time.Now().UTC().Format(time.RFC3339), "signatureValue": "x"}
		if _, err := kade.Send(o.soon(), o.site.SharedInbox(), forged); err != nil {
			t.Fatal(err)
		}
		o.until("the hint is followed", func() bool { n, _, err := o.store.CountWaiting(o.soon()); return err == nil && n == 0 })
		if got := o.texts(a); got != "" {
			t.Errorf("comments = %q", got)
		}
	})
}
