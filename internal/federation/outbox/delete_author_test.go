package outbox_test

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
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestF022ADeletedAuthorIsGoneAndEveryKnownInboxGetsTheDelete(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.AddAuthor("tobias", "Tobias Renkema")
		veerhuis, noordkade, dijla, zilverduin := o.Server("veerhuis"), o.Server("noordkade", fedtest.GoToSocial),
			o.Server("dijla"), o.Server("zilverduin")
		follower, reader, former := veerhuis.Person("bram"), noordkade.Person("nadia"), dijla.Person("maud")
		o.AddFollower(follower)
		o.AddFollower(former)
		a := o.Publish()
		if _, err := reader.Like(o.Soon(), o.Object(a)); err != nil { // follows nobody, and is known
			t.Fatal(err)
		}
		if err := o.World.WaitForCount(o.Soon(), 2, fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		if _, err := former.Unfollow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.DeleteAuthor(o.Soon(), o.Ilse.ID); err != nil {
			t.Fatal(err)
		}
		self := o.Site.ActorID(o.Ilse.ID)
		for _, server := range []*fedtest.Server{veerhuis, noordkade, dijla} {
			delivery, err := server.WaitFor(o.Soon(), fedtest.OfType("Delete"))
			if err != nil {
				t.Fatalf("%s was not told: %v", server.Name, err)
			}
			if object, ok := delivery.JSON()["object"].(string); !ok || object != self ||
				delivery.Status != http.StatusAccepted {
				t.Errorf("%s was told %s and answered %d", server.Name, delivery.Body, delivery.Status)
			}
		}
		o.Until("all deliveries are out", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
		if n := len(veerhuis.Received("Delete")); n != 1 {
			t.Errorf("a server with a shared inbox was told %d times", n)
		}
		if n := len(zilverduin.Deliveries()); n != 0 {
			t.Errorf("a server that nothing is known of got %d deliveries", n)
		}
		if post, _ := veerhuis.FindPost(o.Object(a)); !post.Gone {
			t.Error("the copy of the article stayed")
		}
		for path, want := range map[string]string{o.Path(self): `"Tombstone"`, o.Path(o.Object(a)): `"Tombstone"`,
			"/@ilse": `"Tombstone"`, o.Site.ArticlePath(a): "",
			"/.well-known/webfinger?resource=" + url.QueryEscape("acct:ilse@"+o.Site.HandleDomain): ""} {
			if code, _, body := o.Get(path, overkant.AsMastodon); code != http.StatusGone || !strings.Contains(body, want) {
				t.Errorf("%s answers %d %s", path, code, body)
			}
		}
		if _, err := follower.Follow(o.Soon(), self); overkant.StatusOf(err) != http.StatusGone {
			t.Errorf("following one who left: %v", err)
		}
		taken := blog.Author{Role: blog.Writer,
			Voice: blog.Voice{ID: blog.NewID(time.Now()), Kind: blog.AuthorVoice, Handle: "ilse", Name: "Another",
				CreatedAt: time.Now(), UpdatedAt: time.Now()}}
		if err := o.Store.AddAuthor(o.Soon(), taken, store.VoiceKeys{}); !errors.Is(err, blog.ErrConflict) {
			t.Errorf("the handle is free again: %v", err)
		}
	})
}

func TestTheLastAdminCannotBeDeleted(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		if err := o.Outbox.DeleteAuthor(o.Soon(), o.Ilse.ID); !strings.Contains(problem(err), "last admin") {
			t.Errorf("the last admin left: %v", err)
		}
		if err := o.Outbox.PlanDeletion(o.Soon(), o.Ilse.ID, time.Now()); !strings.Contains(problem(err), "last admin") {
			t.Errorf("the last admin is to leave: %v", err)
		}
		other := o.AddAuthor("tobias", "Tobias Renkema")
		if err := o.Outbox.PlanDeletion(o.Soon(), o.Ilse.ID, time.Now().Add(blog.LeaveWait)); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.PlanDeletion(o.Soon(), other.ID, time.Now()); !strings.Contains(problem(err), "last admin") {
			t.Errorf("both are to leave: %v", err)
		}
		if err := o.Outbox.CancelDeletion(o.Soon(), o.Ilse.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.OutboxIn(blog.LeaveWait + time.Hour).DeleteDueAuthors(o.Soon()); err != nil ||
			o.StoredVoice(o.Ilse.ID).RetiredAt != nil {
			t.Errorf("left though it was called off: %v", err)
		}
	})
}

func TestAPlannedDeletionWaitsUntilItIsDue(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.AddAuthor("tobias", "Tobias Renkema")
		if err := o.Outbox.PlanDeletion(o.Soon(), o.Ilse.ID, time.Now().Add(blog.LeaveWait)); err != nil {
			t.Fatal(err)
		}
		if err := o.OutboxIn(blog.LeaveWait - time.Hour).DeleteDueAuthors(o.Soon()); err != nil ||
			o.StoredVoice(o.Ilse.ID).RetiredAt != nil {
			t.Fatalf("left an hour early: %v", err)
		}
		if err := o.OutboxIn(blog.LeaveWait + time.Minute).DeleteDueAuthors(o.Soon()); err != nil ||
			o.StoredVoice(o.Ilse.ID).RetiredAt == nil {
			t.Errorf("did not leave: %v", err)
		}
	})
}

func TestT237NothingOfADeletedAuthorIsKept(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s, err := store.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		o := overkant.Start(t, s)
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		silent := o.Server("noordkade")
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		o.AddFollower(silent.Person("nadia"))
		o.FillWithCanaries(t, s, bram, tobias)
		if found := places(t, database, overkant.Canary); len(found) < 40 {
			t.Fatalf("the canary sits in %v only: this test would prove little", found)
		}
		o.Until("all deliveries are out", func() bool {
			_, deliveries, err := s.CountWaiting(o.Soon())
			return err == nil &&
				deliveries == 0
		})
		if err := silent.SetBehaviour(fedtest.Refusing(http.StatusServiceUnavailable)); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.DeleteAuthor(o.Soon(), o.Ilse.ID); err != nil {
			t.Fatal(err)
		}
		if found := places(t, database, overkant.Canary); len(found) != 0 {
			t.Errorf("the canary still sits in %v", found)
		}
		key := func() string {
			keys, err := s.SigningKeys(o.Soon(), o.Ilse.ID)
			if err != nil {
				t.Fatal(err)
			}
			return keys.Current + keys.Old
		}
		o.Until("one of the two servers was told",
			func() bool { _, deliveries, err := s.CountWaiting(o.Soon()); return err == nil && deliveries == 1 })
		if _, err := s.EraseKeys(o.Soon()); err != nil || key() == "" {
			t.Fatalf("the key went before the last delivery did (%v)", err)
		}
		o.Until("the other was tried, and is given up", func() bool {
			n, err := s.GiveUp(o.Soon(), time.Now().Add(time.Hour), time.Now())
			return err == nil && n == 1
		})
		if _, err := s.EraseKeys(o.Soon()); err != nil || key() != "" {
			t.Errorf("the key is still there (%v)", err)
		}
		if v := o.StoredVoice(o.Ilse.ID); v.PublicKey != "" || v.ProofKey != "" || v.Handle != "ilse" {
			t.Errorf("of the voice stays %+v", v)
		}
		if keys, err := s.SigningKeys(o.Soon(), tobias.ID); err != nil || keys.Current == "" {
			t.Errorf("the key of one who stays is gone (%v)", err)
		}
		o.Until("the actor is a tombstone, without keys too", func() bool { // a page that changed often just now may be late
			code, _, body := o.Get("/ap/actors/"+string(o.Ilse.ID), overkant.AsMastodon)
			return code == 410 && strings.Contains(body, `"Tombstone"`)
		})
	})
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
	for _, table := range overkant.QueryColumn(t, db, tables) {
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
