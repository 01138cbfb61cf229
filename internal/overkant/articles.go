package overkant

import (
	"fmt"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/store"
)

// AddFollowerOf lets a person look a voice of ours up by its handle and follow it, and waits for the yes.
func (o *Blog) AddFollowerOf(p *fedtest.Person, handle string) {
	o.T.Helper()
	ctx := o.Soon()
	found, err := p.LookUp(ctx, handle+"@"+o.Site.HandleDomain)
	if err != nil {
		o.T.Fatalf("%s looks %s up: %v", p.Handle(), handle, err)
	}
	if _, err := p.Follow(ctx, found.ID); err != nil {
		o.T.Fatalf("%s follows %s: %v", p.Handle(), handle, err)
	}
	if err := p.WaitAccepted(ctx, found.ID); err != nil {
		o.T.Fatalf("%s waits for the accept of %s: %v", p.Handle(), handle, err)
	}
}

// AddVoice gives the site, or a series, a voice.
func (o *Blog) AddVoice(kind blog.VoiceKind, handle, name string, series blog.ID) blog.Voice {
	o.T.Helper()
	key, now := NewKey(o.T), time.Now()
	v := blog.Voice{ID: blog.NewID(now), Kind: kind, Handle: handle, Name: name, PublicKey: PublicPEM(o.T, key),
		CreatedAt: now, UpdatedAt: now}
	if err := o.Store.AddVoice(o.T.Context(), v, store.VoiceKeys{RSA: privatePEM(o.T, key)}, series); err != nil {
		o.T.Fatal(err)
	}
	return v
}

// WithCoAuthors puts authors of ours into a by-line, behind the owner.
func WithCoAuthors(voices ...blog.Voice) func(*blog.Article) {
	return func(a *blog.Article) {
		a.Authors = []blog.Byline{{VoiceID: a.VoiceID}}
		for _, v := range voices {
			a.Authors = append(a.Authors, blog.Byline{VoiceID: v.ID})
		}
	}
}

// Revise changes a published article as an editor does that knows of its co-authors no more than their ids.
func (o *Blog) Revise(a blog.Article, change ...func(*blog.Article)) blog.Article {
	o.T.Helper()
	edited, err := o.Store.Article(o.T.Context(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	for _, c := range change {
		c(&edited)
	}
	if err := o.Outbox.Revise(o.T.Context(), &edited); err != nil {
		o.T.Fatal(err)
	}
	return edited
}

// CountAnnounces counts the announcements of an object that one of ours sent to a server.
func (o *Blog) CountAnnounces(s *fedtest.Server, by blog.Voice, object string) int {
	return o.CountReceived(s, "Announce", by, object)
}

// CountReceived returns how often a server got an activity of a kind by a voice about an object.
func (o *Blog) CountReceived(s *fedtest.Server, kind string, by blog.Voice, object string) int {
	n := 0
	for _, l := range s.Received(kind) {
		if l.JSON()["actor"] == o.Site.ActorID(by.ID) && (l.Object == object || object == "") {
			n++
		}
	}
	return n
}

// Hold is how long what PublishHeld publishes can be undone.
const Hold = 30 * time.Second

// PublishHeld publishes with a hold.
func (o *Blog) PublishHeld(change ...func(*blog.Article)) blog.Article {
	o.T.Helper()
	a, err := o.Outbox.PublishHeld(o.Soon(), o.Draft(change...).ID, Hold)
	if err != nil {
		o.T.Fatal(err)
	}
	return a
}

// EndHolds lets go what is held, as the jobs of another process would do when the time has come.
func (o *Blog) EndHolds(_ blog.Article) {
	o.T.Helper()
	late := o.Core
	late.Now = func() time.Time { return time.Now().Add(Hold + time.Second) }
	due, err := o.Store.DueHolds(o.Soon(), late.Now())
	if err != nil {
		o.T.Fatal(err)
	}
	outbox := &outbox.Outbox{Core: late, Wake: o.Courier.Wake}
	for _, id := range due {
		if err := outbox.LetGo(o.Soon(), id); err != nil {
			o.T.Fatal(err)
		}
	}
}

// Retitle changes an article's title and says so.
func (o *Blog) Retitle(a blog.Article, title string) blog.Article {
	o.T.Helper()
	edited, err := o.Store.Article(o.Soon(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	edited.Title = title
	if err := o.Outbox.Revise(o.Soon(), &edited); err != nil {
		o.T.Fatal(err)
	}
	return edited
}

// WaitDelivered waits until no delivery is on its way to a server that answers.
func (o *Blog) WaitDelivered(a blog.Article) {
	o.T.Helper()
	o.Until("nothing is on its way", func() bool {
		reports, err := o.Store.Reports(o.Soon(), a.ID)
		if err != nil {
			return false
		}
		for _, r := range reports {
			if r.Status == blog.Waiting && !r.NextAt.After(time.Now().Add(30*time.Second)) {
				return false
			}
		}
		return true
	})
}

// AddReaders makes servers with a reader of Ilse's on each.
func (o *Blog) AddReaders(names ...string) map[string]*fedtest.Server {
	o.T.Helper()
	servers := map[string]*fedtest.Server{}
	for _, name := range names {
		servers[name] = o.Server(name)
		o.AddFollower(servers[name].Person("reader"))
	}
	return servers
}

// DeliveredTypes is what a server was brought about an object, accepted or not, by type.
func DeliveredTypes(s *fedtest.Server, object string) (kinds []string) {
	for _, l := range s.Deliveries() {
		if l.Object == object {
			kinds = append(kinds, l.Type)
		}
	}
	return kinds
}

// Featured is what an author pinned, as another server reads it.
func (o *Blog) Featured(v blog.Voice) []any {
	o.T.Helper()
	return o.ReadDocument(o.Site.ActorID(v.ID) + "/featured")["orderedItems"].([]any)
}

// Translate adds a translation to an article as it is now.
func (o *Blog) Translate(a blog.Article, t blog.Translation) blog.Article {
	o.T.Helper()
	current, err := o.Store.Article(o.T.Context(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	if current, err = o.Outbox.Translate(o.T.Context(), a.ID, current.SavedAt, t); err != nil {
		o.T.Fatal(err)
	}
	return current
}

// Follow lets a voice of one blog follow a voice of another, and waits for the yes.
func (o *Blog) Follow(voice blog.Voice, at *Blog, whom blog.Voice) {
	o.T.Helper()
	if _, err := o.Outbox.Follow(o.Soon(), voice, "@"+whom.Handle+"@"+at.Site.HandleDomain); err != nil {
		o.T.Fatal(err)
	}
	o.Until("the yes is here", func() bool {
		f, err := o.Store.Following(o.T.Context(), voice.ID, at.Site.ActorID(whom.ID))
		return err == nil && f.State == blog.Accepted
	})
}

// PublishNote publishes an article by a voice, made by a change.
func (o *Blog) PublishNote(voice blog.Voice, title string, change func(*blog.Article)) blog.Article {
	o.T.Helper()
	return o.Publish(func(a *blog.Article) {
		a.VoiceID, a.Format, a.Title, a.Slug = voice.ID, blog.FullNote, title,
			strings.ReplaceAll(strings.ToLower(title), " ", "-")
		a.Markdown, a.HTML, a.Plain = title+".", "<p>"+title+".</p>", title+"."
		change(a)
	})
}

// RunWelcome lets time pass for the job that welcomes servers, a second at a time, with the deliveries of each second
// brought.
func (o *Blog) RunWelcome(from, to time.Duration) {
	o.T.Helper()
	began := time.Now()
	for at := from; at < to; at += time.Second {
		late := o.Core
		late.Now = func() time.Time { return began.Add(at) }
		if err := (&outbox.Outbox{Core: late, Wake: o.Courier.Wake}).WelcomeDue(o.Soon()); err != nil {
			o.T.Fatal(err)
		}
		o.Until("the letters of this second are brought", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
	}
}

// DeliveredTitles are the titles that a server was brought by deliveries of a type, in their order.
func DeliveredTitles(s *fedtest.Server, kind string) (titles []string) {
	for _, l := range s.Received(kind) {
		object, _ := l.JSON()["object"].(map[string]any)
		titles = append(titles, fmt.Sprint(object["name"]))
	}
	return titles
}

// PublishNumbered publishes a numbered article.
func (o *Blog) PublishNumbered(n int, change ...func(*blog.Article)) blog.Article {
	o.T.Helper()
	return o.Publish(append([]func(*blog.Article){func(a *blog.Article) {
		a.Title, a.Slug = fmt.Sprint("Column ", n),
			fmt.Sprint("column-", n)
	}}, change...)...)
}

// EndBackoff ends the rest of a server as its first word to us would.
func (o *Blog) EndBackoff(host string) {
	o.T.Helper()
	if err := o.Store.PeerContacted(o.Soon(), host, time.Now()); err != nil {
		o.T.Fatal(err)
	}
	o.Courier.Wake()
}
