package federation_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestF022ADeletedAuthorIsGoneAndEveryKnownInboxIsTold(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.addVoice("tobias", "Tobias Renkema")
		veerhuis, noordkade, dijla, zilverduin := o.server("veerhuis"), o.server("noordkade", neighbour.GoToSocial), o.server("dijla"), o.server("zilverduin")
		follower, reader, former := veerhuis.Person("bram"), noordkade.Person("nadia"), dijla.Person("maud")
		o.befriend(follower)
		o.befriend(former)
		a := o.publish()
		if _, err := reader.Like(o.soon(), o.object(a)); err != nil { // follows nobody, and is known
			t.Fatal(err)
		}
		if err := o.world.Wait(o.soon(), 2, neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		if _, err := former.Unfollow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.Leave(o.soon(), o.ilse.ID); err != nil {
			t.Fatal(err)
		}
		self := o.site.ActorID(o.ilse.ID)
		for _, server := range []*neighbour.Server{veerhuis, noordkade, dijla} {
			letter, err := server.WaitFor(o.soon(), neighbour.OfType("Delete"))
			if err != nil {
				t.Fatalf("%s was not told: %v", server.Name, err)
			}
			if object, ok := letter.JSON()["object"].(string); !ok || object != self || letter.Status != http.StatusAccepted {
				t.Errorf("%s was told %s and answered %d", server.Name, letter.Body, letter.Status)
			}
		}
		o.until("all letters are out", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
		if n := len(veerhuis.Received("Delete")); n != 1 {
			t.Errorf("a server with a shared inbox was told %d times", n)
		}
		if n := len(zilverduin.Letters()); n != 0 {
			t.Errorf("a server that nothing is known of got %d letters", n)
		}
		if post, _ := veerhuis.Post(o.object(a)); !post.Gone {
			t.Error("the copy of the article stayed")
		}
		for path, want := range map[string]string{o.path(self): `"Tombstone"`, o.path(o.object(a)): `"Tombstone"`, "/@ilse": `"Tombstone"`, o.site.ArticlePath(a): "",
			"/.well-known/webfinger?resource=" + url.QueryEscape("acct:ilse@"+o.site.HandleDomain): ""} {
			if code, _, body := o.get(path, asMastodon); code != http.StatusGone || !strings.Contains(body, want) {
				t.Errorf("%s answers %d %s", path, code, body)
			}
		}
		if _, err := follower.Follow(o.soon(), self); status(err) != http.StatusGone {
			t.Errorf("following one who left: %v", err)
		}
		taken := blog.Author{Role: blog.Writer, Voice: blog.Voice{ID: blog.NewID(time.Now()), Kind: blog.AuthorVoice, Handle: "ilse", Name: "Another", CreatedAt: time.Now(), UpdatedAt: time.Now()}}
		if err := o.store.AddAuthor(o.soon(), taken, store.VoiceKeys{}); !errors.Is(err, blog.ErrConflict) {
			t.Errorf("the handle is free again: %v", err)
		}
	})
}

func TestTheLastAdminStays(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		if err := o.outbox.Leave(o.soon(), o.ilse.ID); !strings.Contains(problem(err), "last admin") {
			t.Errorf("the last admin left: %v", err)
		}
		if err := o.outbox.PlanLeave(o.soon(), o.ilse.ID, time.Now()); !strings.Contains(problem(err), "last admin") {
			t.Errorf("the last admin is to leave: %v", err)
		}
		other := o.addVoice("tobias", "Tobias Renkema")
		if err := o.outbox.PlanLeave(o.soon(), o.ilse.ID, time.Now().Add(blog.LeaveWait)); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.PlanLeave(o.soon(), other.ID, time.Now()); !strings.Contains(problem(err), "last admin") {
			t.Errorf("both are to leave: %v", err)
		}
		if err := o.outbox.CallOffLeave(o.soon(), o.ilse.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.later(blog.LeaveWait + time.Hour).LeaveDue(o.soon()); err != nil || o.voice(o.ilse.ID).RetiredAt != nil {
			t.Errorf("left though it was called off: %v", err)
		}
	})
}

func TestADepartureWaitsForItsDay(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.addVoice("tobias", "Tobias Renkema")
		if err := o.outbox.PlanLeave(o.soon(), o.ilse.ID, time.Now().Add(blog.LeaveWait)); err != nil {
			t.Fatal(err)
		}
		if err := o.later(blog.LeaveWait - time.Hour).LeaveDue(o.soon()); err != nil || o.voice(o.ilse.ID).RetiredAt != nil {
			t.Fatalf("left an hour early: %v", err)
		}
		if err := o.later(blog.LeaveWait + time.Minute).LeaveDue(o.soon()); err != nil || o.voice(o.ilse.ID).RetiredAt == nil {
			t.Errorf("did not leave: %v", err)
		}
	})
}

// canary is a word that stands in everything that is kept of an author.
const canary = "fluitenkruid"

func TestT237OfADeletedAuthorNothingIsKept(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s, err := store.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		o := start(t, s)
		tobias := o.addVoice("tobias", "Tobias Renkema")
		silent := o.server("noordkade")
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram)
		o.befriend(silent.Person("nadia"))
		o.fillWithCanaries(t, s, bram, tobias)
		if found := places(t, database, canary); len(found) < 40 {
			t.Fatalf("the canary sits in %v only: this test would prove little", found)
		}
		o.until("all letters are out", func() bool { _, letters, err := s.CountWaiting(o.soon()); return err == nil && letters == 0 })
		if err := silent.Be(neighbour.Refusing(http.StatusServiceUnavailable)); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.Leave(o.soon(), o.ilse.ID); err != nil {
			t.Fatal(err)
		}
		if found := places(t, database, canary); len(found) != 0 {
			t.Errorf("the canary still sits in %v", found)
		}
		key := func() string {
			keys, err := s.SigningKeys(o.soon(), o.ilse.ID)
			if err != nil {
				t.Fatal(err)
			}
			return keys.Current + keys.Old
		}
		o.until("one of the two servers was told", func() bool { _, letters, err := s.CountWaiting(o.soon()); return err == nil && letters == 1 })
		if _, err := s.EraseKeys(o.soon()); err != nil || key() == "" {
			t.Fatalf("the key went before the last letter did (%v)", err)
		}
		o.until("the other was tried, and is given up", func() bool {
			n, err := s.GiveUp(o.soon(), time.Now().Add(time.Hour), time.Now())
			return err == nil && n == 1
		})
		if _, err := s.EraseKeys(o.soon()); err != nil || key() != "" {
			t.Errorf("the key is still there (%v)", err)
		}
		if v := o.voice(o.ilse.ID); v.PublicKey != "" || v.ProofKey != "" || v.Handle != "ilse" {
			t.Errorf("of the voice stays %+v", v)
		}
		if keys, err := s.SigningKeys(o.soon(), tobias.ID); err != nil || keys.Current == "" {
			t.Errorf("the key of one who stays is gone (%v)", err)
		}
		o.until("the actor is a tombstone, without keys too", func() bool { // a page that changed often just now may be late
			code, _, body := o.get("/ap/actors/"+string(o.ilse.ID), asMastodon)
			return code == 410 && strings.Contains(body, `"Tombstone"`)
		})
	})
}

// fillWithCanaries puts the word wherever an author's words and data can be: profile, articles of each kind, earlier
// states, answers, pictures, letters that still wait, and ways to sign in.
func (o *overkant) fillWithCanaries(t *testing.T, s *store.Store, bram *neighbour.Person, other blog.Voice) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	author, err := s.Author(o.soon(), o.ilse.ID)
	check(err)
	author.Email, author.Password = canary+"@example.com", "argon2id:"+canary
	check(s.SaveAuthor(o.soon(), author))
	author.Name, author.Summary, author.Fields, author.Picture = "Ilse "+canary, canary, blog.Fields{{Name: canary, Value: canary}}, canary+".png"
	check(o.outbox.Introduce(o.soon(), author.Voice))
	check(o.later(time.Hour).IntroduceDue(o.soon()))
	now := time.Now()
	check(s.AddSignIn(o.soon(), store.SignIn{TokenHash: "t", VoiceID: o.ilse.ID, Device: canary, CreatedAt: now, UsedAt: now, ExpiresAt: now.Add(time.Hour)}))
	picture := blog.Picture{ID: blog.NewID(now), VoiceID: o.ilse.ID, Type: "image/png", Alt: canary, Name: canary, Digest: "d", CreatedAt: now,
		Files: []blog.PictureFile{{File: "01KAV3PICTURE-1.png", Width: 1, Height: 1, Size: 1}}}
	check(s.AddPicture(o.soon(), picture))
	worded := func(slug string) func(*blog.Article) {
		return func(a *blog.Article) {
			a.Slug, a.Title, a.Subtitle, a.Summary, a.Markdown, a.HTML, a.Plain = slug, canary, canary, canary, canary, "<p>"+canary+"</p>", canary
			a.Tags, a.Warning, a.PictureAlt, a.PictureID, a.Format = blog.Words{canary}, canary, canary, picture.ID, blog.FullNote
			a.Authors = []blog.Byline{{Name: canary, URL: "https://" + canary + ".example"}}
		}
	}
	o.draft(worded("draft"))
	a := o.publish(worded("published"))
	withdrawn := o.publish(worded("withdrawn"))
	check(o.outbox.Withdraw(o.soon(), withdrawn.ID))
	edited, err := s.Article(o.soon(), a.ID)
	check(err)
	check(o.outbox.Revise(o.soon(), &edited))
	reply, err := bram.Reply(o.soon(), o.object(a), "<p>How wide?</p>")
	check(err)
	comment, err := s.CommentByAddress(o.soon(), reply.Object)
	check(err)
	answer, err := o.outbox.Reply(o.soon(), o.ilse, comment.ID, canary)
	check(err)
	check(o.outbox.EditReply(o.soon(), answer.ID, canary+" again"))
	joint := o.draft(func(a *blog.Article) {
		a.VoiceID, a.Slug, a.Authors = other.ID, "joint", []blog.Byline{{VoiceID: o.ilse.ID}}
	})
	_, err = o.outbox.Publish(o.soon(), joint.ID)
	check(err)
}

// places looks into every column of every table for a word.
func places(t *testing.T, database, word string) (found []string) {
	t.Helper()
	driver, tables := "sqlite", `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`
	if strings.HasPrefix(database, "postgres") {
		driver, tables = "postgres", `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	db, err := sql.Open(driver, database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range column(t, db, tables) {
		rows, err := db.Query(`SELECT * FROM ` + table)
		if err != nil {
			t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			cells := make([]any, len(names))
			for i := range cells {
				cells[i] = new(any)
			}
			if err := rows.Scan(cells...); err != nil {
				t.Fatal(err)
			}
			for i, cell := range cells {
				if text := fmt.Sprintf("%s", *cell.(*any)); strings.Contains(text, word) {
					found = append(found, fmt.Sprintf("%s.%s", table, names[i]))
				}
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func column(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		list = append(list, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
