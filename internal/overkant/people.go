package overkant

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/jobs"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// ReceiveAfterRestart delivers an activity to an inbox with empty caches, as after a restart.
func (o *Blog) ReceiveAfterRestart(p *fedtest.Person, activity any) {
	o.T.Helper()
	inbox := o.AnotherInbox(o.Core)
	delivery, err := p.Prepare(o.Site.SharedInbox(), activity)
	if err != nil {
		o.T.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, delivery.URL, bytes.NewReader(delivery.Body))
	maps.Copy(r.Header, delivery.Header)
	// Past the listener, which belongs to the inbox that runs.
	w := httptest.NewRecorder()
	inbox.ServeHTTP(w, r)
	if w.Code != http.StatusAccepted {
		o.T.Fatalf("it answers %d %s", w.Code, w.Body)
	}
}

// OpenStore opens a database a second time, as another process does.
func OpenStore(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// WaitAnswered waits until a note's request for permission is answered, and returns the state and the authorization.
func (o *Blog) WaitAnswered(p *fedtest.Person, note string) (state, authorization string) {
	o.T.Helper()
	o.Until("the request is answered", func() bool {
		state, authorization = p.Permission(note)
		return state != fedtest.Pending
	})
	return state, authorization
}

// Receive sends any activity by a person to the shared inbox, and waits until it has been processed.
func (o *Blog) Receive(p *fedtest.Person, activity map[string]any) {
	o.T.Helper()
	activity["actor"] = p.ID
	if _, err := p.Send(o.Soon(), o.Site.SharedInbox(), activity); err != nil {
		o.T.Fatalf("%v: %v", activity["type"], err)
	}
	o.WaitSettled()
}

// JSON requests an ActivityPub document of the blog and returns status and content.
func (o *Blog) JSON(address string) (int, map[string]any) {
	o.T.Helper()
	code, _, body := o.Get(strings.TrimPrefix(address, o.Site.URL), "application/activity+json")
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		o.T.Fatalf("%s: %v: %s", address, err, body)
	}
	return code, doc
}

// RunJobsUntil runs the jobs with a clock that is ahead by d, until holds returns true.
func (o *Blog) RunJobsUntil(d time.Duration, what string, holds func() bool) {
	o.T.Helper()
	outbox := o.OutboxIn(d)
	// The client remembers who did not answer. After d it would have forgotten.
	outbox.Remote = o.client() // another day, another memory of who did not answer
	ctx, cancel := context.WithCancel(o.Soon())
	runner := &jobs.Jobs{Core: outbox.Core, Outbox: outbox}
	done := make(chan struct{})
	go func() { defer close(done); runner.Run(ctx) }()
	o.Until(what, holds)
	// Stopped before returning: the next step of a test may set another clock.
	cancel()
	<-done
}

// client returns a client for other servers with empty caches.
func (o *Blog) client() *remote.Client {
	o.T.Helper()
	key := signature.Key{ID: o.Site.InstanceID() + "#main-key", Private: o.Instance.Private}
	client := remote.New(remote.Options{UserAgent: "Causerie/test",
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Key: key})
	o.T.Cleanup(client.Close)
	return client
}

// StoredActor returns an actor from the store.
func (o *Blog) StoredActor(id string) blog.Actor {
	o.T.Helper()
	actor, err := o.Store.Actor(o.T.Context(), id)
	if err != nil {
		o.T.Fatal(err)
	}
	return actor
}

// Canary is a word in everything that FillWithCanaries stores about an author.
const Canary = "fluitenkruid"

// FillWithCanaries puts the word wherever an author's texts and data can be: profile, articles of each kind and their
// revisions, replies, pictures, waiting deliveries and ways to sign in.
func (o *Blog) FillWithCanaries(t *testing.T, s *store.Store, bram *fedtest.Person, other blog.Voice) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	author, err := s.Author(o.Soon(), o.Ilse.ID)
	check(err)
	author.Email, author.Password = Canary+"@example.com", "argon2id:"+Canary
	check(s.SaveAuthor(o.Soon(), author))
	author.Name, author.Summary, author.Fields, author.Picture = "Ilse "+Canary, Canary,
		blog.Fields{{Name: Canary, Value: Canary}}, Canary+".png"
	check(o.Outbox.SaveProfile(o.Soon(), author.Voice))
	// A changed profile is announced after a while. An hour is past it.
	check(o.OutboxIn(time.Hour).SendDueProfiles(o.Soon()))
	now := time.Now()
	// Ways to sign in are data of the author too.
	check(s.AddSession(o.Soon(), store.Session{TokenHash: "t", VoiceID: o.Ilse.ID, Device: Canary, CreatedAt: now,
		UsedAt: now, ExpiresAt: now.Add(time.Hour)}))
	picture := blog.Picture{ID: blog.NewID(now), VoiceID: o.Ilse.ID, Type: "image/png", Alt: Canary, Name: Canary,
		Digest: "d", CreatedAt: now,
		Files: []blog.PictureFile{{File: "01KAV3PICTURE-1.png", Width: 1, Height: 1, Size: 1}}}
	check(s.AddPicture(o.Soon(), picture))
	worded := func(slug string) func(*blog.Article) {
		return func(a *blog.Article) {
			a.Slug, a.Title, a.Subtitle, a.Summary, a.Markdown, a.HTML, a.Plain = slug, Canary, Canary, Canary, Canary,
				"<p>"+Canary+"</p>", Canary
			a.Tags, a.Warning, a.PictureAlt, a.PictureID, a.Format = blog.Strings{Canary}, Canary, Canary, picture.ID,
				blog.FullNote
			a.Authors = []blog.Byline{{Name: Canary, URL: "https://" + Canary + ".example"}}
		}
	}
	o.Draft(worded("draft"))
	a := o.Publish(worded("published"))
	withdrawn := o.Publish(worded("withdrawn"))
	check(o.Outbox.Withdraw(o.Soon(), withdrawn.ID))
	edited, err := s.Article(o.Soon(), a.ID)
	check(err)
	check(o.Outbox.Revise(o.Soon(), &edited))
	reply, err := bram.Reply(o.Soon(), o.Object(a), "<p>How wide?</p>")
	check(err)
	comment, err := s.CommentByAddress(o.Soon(), reply.Object)
	check(err)
	answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, comment.ID, Canary)
	check(err)
	check(o.Outbox.EditReply(o.Soon(), answer.ID, Canary+" again"))
	// An article of another author: Ilse is only in its by-line.
	joint := o.Draft(func(a *blog.Article) {
		a.VoiceID, a.Slug, a.Authors = other.ID, "joint", []blog.Byline{{VoiceID: o.Ilse.ID}}
	})
	_, err = o.Outbox.Publish(o.Soon(), joint.ID)
	check(err)
}

// QueryColumn returns the values of a query with one column.
func QueryColumn(t *testing.T, db *sql.DB, query string) (list []string) {
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

// MentionTexts returns the stored posts that mention Ilse, newest first, each with its visibility.
func (o *Blog) MentionTexts(more ...func(*store.MentionList)) (texts []string) {
	o.T.Helper()
	list := store.MentionList{Author: o.Ilse.ID, Limit: 500}
	for _, change := range more {
		change(&list)
	}
	mentions, err := o.Store.Mentions(o.Soon(), list)
	if err != nil {
		o.T.Fatal(err)
	}
	for _, m := range mentions {
		texts = append(texts, string(m.Visibility)+" "+m.Plain)
	}
	return texts
}

// OutboxIn returns the blog's outbox with a clock that is ahead by d.
func (o *Blog) OutboxIn(d time.Duration) *outbox.Outbox {
	base := o.Core
	base.Now = func() time.Time { return time.Now().Add(d) }
	return &outbox.Outbox{Core: base, Wake: o.Courier.Wake}
}

// StoredVoice returns a voice from the store.
func (o *Blog) StoredVoice(id blog.ID) blog.Voice {
	o.T.Helper()
	v, err := o.Store.Voice(o.T.Context(), id)
	if err != nil {
		o.T.Fatal(err)
	}
	return v
}

// ReadDocument requests a document, by its path or its address, and fails the test unless it is there.
func (o *Blog) ReadDocument(path string) map[string]any {
	o.T.Helper()
	code, _, body := o.Get(o.Path(path), AsMastodon)
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil || code != http.StatusOK {
		o.T.Fatalf("%s answers %d %s", path, code, body)
	}
	return doc
}

// CountFollowers returns how many accepted followers Ilse has.
func (o *Blog) CountFollowers() int {
	o.T.Helper()
	n, err := o.Store.CountFollowers(o.T.Context(), o.Ilse.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return n.Accepted
}

// FollowPerson lets a voice follow a person, and waits for the Accept.
func (o *Blog) FollowPerson(voice blog.Voice, p *fedtest.Person) {
	o.T.Helper()
	if _, err := o.Outbox.Follow(o.Soon(), voice, p.Handle()); err != nil {
		o.T.Fatal(err)
	}
	o.Until("the Accept is processed", func() bool { return o.FollowingState(voice, p) == blog.Accepted })
}

// FollowingState returns the state in which a voice follows a person, "" when it does not.
func (o *Blog) FollowingState(voice blog.Voice, p *fedtest.Person) blog.FollowState {
	o.T.Helper()
	f, err := o.Store.Following(o.T.Context(), voice.ID, p.ID)
	// No row: she does not follow them.
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		o.T.Fatal(err)
	}
	return f.State
}
