package inbox_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestAPublicActivityHasAProofFromTheStart(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollower(bram)
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		a := o.Publish(func(a *blog.Article) { a.Authors = []blog.Byline{{VoiceID: tobias.ID}} })
		edited, err := o.Store.Article(o.Soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		create, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a)))
		if err != nil {
			t.Fatal(err)
		}
		edited.Title = "Five minutes wide"
		if err := o.Outbox.Revise(o.Soon(), &edited); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.Withdraw(o.Soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		said, err := o.Store.Activities(o.Soon(), a.ObjectID)
		if err != nil {
			t.Fatal(err)
		}
		kinds := ""
		for _, act := range said {
			kinds += act.Kind + " "
			voice := o.Ilse
			if act.VoiceID == tobias.ID {
				voice = tobias
			}
			if err := fedtest.VerifyProof(act.Payload, o.Site.ActorID(voice.ID)+"#ed25519-key", voice.ProofKey); err != nil {
				t.Errorf("%s: %v\n%s", act.Kind, err, act.Payload)
			}
			if act.Kind == "Create" && !bytes.Equal(act.Payload, create.Body) {
				t.Errorf("the delivery is not what was written down:\n%s\n%s", create.Body, act.Payload)
			}
		}
		if kinds != "Create Announce Update Delete " {
			t.Errorf("said %s", kinds)
		}
	})
}

func TestARestrictedActivityHasNoProofAndNoneIsServed(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollower(bram)
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		public := o.Publish(func(a *blog.Article) { a.Authors = []blog.Byline{{VoiceID: tobias.ID}} })
		kept := o.Publish(func(a *blog.Article) { a.Slug, a.Visibility = "among-us", blog.Followers })
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(kept))); err != nil {
			t.Fatal(err)
		}
		for _, l := range veerhuis.Deliveries() {
			if proven := l.JSON()["proof"] != nil; proven != (l.Object == o.Object(public)) {
				t.Errorf("%s of %s: proof %v", l.Type, l.Object, proven)
			}
		}
		o.RotateKeys()
		said, err := o.Store.Activities(o.Soon(), public.ObjectID)
		if err != nil || len(said) != 2 {
			t.Fatal(said, err)
		}
		for _, act := range said {
			for _, path := range []string{o.Path(o.Site.ActivityID(act.ID)),
				"/ap/actors/" + string(act.VoiceID) + "/outbox?cursor="} {
				if code, _, body := o.Get(path, overkant.AsMastodon); code != 200 || !strings.Contains(body, `"`+act.Kind+`"`) ||
					strings.Contains(body, "proofValue") {
					t.Errorf("%s of a %s: %d %s", path, act.Kind, code, body)
				}
			}
		}
	})
}

func TestF081AProofByTheActorsOwnKeyReplacesTheFetch(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		kade := o.Server("zilverduin").Person("kade")
		a := o.Publish()
		prove := func(by *fedtest.Person, activity map[string]any) map[string]any {
			proven, err := by.AddProof(activity)
			if err != nil {
				t.Fatal(err)
			}
			return proven
		}
		for i, forward := range []func(bram, joost *fedtest.Person, own map[string]any) map[string]any{
			func(bram, _ *fedtest.Person, own map[string]any) map[string]any { return prove(bram, own) },
			func(_, _ *fedtest.Person, own map[string]any) map[string]any { return own },
			func(bram, _ *fedtest.Person, own map[string]any) map[string]any {
				changed := prove(bram, own)
				changed["object"].(map[string]any)["content"] = "<p>Changed by kade.</p>"
				return changed
			},
			func(_, joost *fedtest.Person, own map[string]any) map[string]any { return prove(joost, own) },
			func(_, _ *fedtest.Person, own map[string]any) map[string]any { return prove(kade, own) },
			func(bram, joost *fedtest.Person, own map[string]any) map[string]any {
				stolen := prove(joost, own)
				stolen["proof"].(map[string]any)["verificationMethod"] = bram.ProofKeyID()
				return stolen
			},
			func(bram, _ *fedtest.Person, own map[string]any) map[string]any {
				delete(own, "id")
				return prove(bram, own)
			},
		} {
			server := o.Server(fmt.Sprint("s", i)) // each of its own, since each costs it a question that is answered 404
			bram, joost := server.Person("bram"), server.Person("joost")
			name := fmt.Sprint("case", i)
			if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(), forward(bram, joost, o.UnfetchableReply(bram, a,
				name))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			o.Until("the arrival is done with", func() bool {
				n, _, err := o.Store.CountWaiting(o.Soon())
				return err == nil &&
					n == 0
			})
			asked := slices.ContainsFunc(server.Requests(),
				func(v fedtest.Request) bool { return strings.HasSuffix(v.Path, "/notes/"+name) })
			if asked != (i > 0) {
				t.Errorf("%s: its origin was asked: %v", name, asked)
			}
		}
		if got := o.CommentTexts(a); got != "case0" {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestF094ABadProofChangesNothingOfWhatItsActorSigned(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		proven, err := bram.AddProof(o.UnfetchableReply(bram, a, "spoilt"))
		if err != nil {
			t.Fatal(err)
		}
		proven["proof"].(map[string]any)["proofValue"] = "z1111"
		proven["signature"] = map[string]any{"type": "RsaSignature2017", "creator": bram.KeyID(),
			"created": "2020-01-01T00:00:00Z", "signatureValue": "x"}
		if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(), proven); err != nil {
			t.Fatal(err)
		}
		if got := o.CommentTexts(a); got != "spoilt" {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestT025ASignatureWithinAForwardedDocumentIsNoProof(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		forged := o.UnfetchableReply(bram, a, "forged")
		forged["signature"] = map[string]any{"type": "RsaSignature2017", "creator": bram.KeyID(),
			"created": time.Now().UTC().Format(time.RFC3339), "signatureValue": "x"}
		if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(), forged); err != nil {
			t.Fatal(err)
		}
		o.Until("the forwarded activity is handled", func() bool {
			n, _, err := o.Store.CountWaiting(o.Soon())
			return err == nil &&
				n == 0
		})
		if got := o.CommentTexts(a); got != "" {
			t.Errorf("comments = %q", got)
		}
	})
}
