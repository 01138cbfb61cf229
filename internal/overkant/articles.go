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

// AddFollowerOf lets a person look a voice up by its handle and follow it, and waits for the Accept.
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

// AddVoice adds a voice to the site or to a series.
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

// WithCoAuthors adds authors of this blog to the by-line, after the owner.
func WithCoAuthors(voices ...blog.Voice) func(*blog.Article) {
	return func(a *blog.Article) {
		a.Authors = []blog.Byline{{VoiceID: a.VoiceID}}
		for _, v := range voices {
			a.Authors = append(a.Authors, blog.Byline{VoiceID: v.ID})
		}
	}
}

// Revise changes a published article. Like an editor it gives only the ids of co-authors.
func (o *Blog) Revise(a blog.Article, change ...func(*blog.Article)) blog.Article {
	o.T.Helper()
	edited, err := o.Store.Article(o.T.Context(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	// Read again from the store, as an editor opens the saved article.
	for _, c := range change {
		c(&edited)
	}
	if err := o.Outbox.Revise(o.T.Context(), &edited); err != nil {
		o.T.Fatal(err)
	}
	return edited
}

// CountAnnounces returns how many Announces of an object by a voice a server has accepted.
func (o *Blog) CountAnnounces(s *fedtest.Server, by blog.Voice, object string) int {
	return o.CountReceived(s, "Announce", by, object)
}

// CountReceived returns how many activities of a type by a voice a server has accepted. An empty object matches all.
func (o *Blog) CountReceived(s *fedtest.Server, kind string, by blog.Voice, object string) int {
	n := 0
	for _, l := range s.Received(kind) {
		if l.JSON()["actor"] == o.Site.ActorID(by.ID) && (l.Object == object || object == "") {
			n++
		}
	}
	return n
}

// Hold is how long an article of PublishHeld can be undone.
const Hold = 30 * time.Second

// PublishHeld publishes a draft of Ilse's with a hold.
func (o *Blog) PublishHeld(change ...func(*blog.Article)) blog.Article {
	o.T.Helper()
	a, err := o.Outbox.PublishWith(o.Soon(), o.Draft(change...).ID, outbox.PublishOptions{Hold: Hold})
	if err != nil {
		o.T.Fatal(err)
	}
	return a
}

// EndHolds releases what is held, as the jobs of another process do at the end of the hold.
func (o *Blog) EndHolds() {
	o.T.Helper()
	// A copy with a later clock, so that nothing waits for 30 seconds.
	late := o.Core
	late.Now = func() time.Time { return time.Now().Add(Hold + time.Second) }
	due, err := o.Store.DueHolds(o.Soon(), late.Now())
	if err != nil {
		o.T.Fatal(err)
	}
	outbox := &outbox.Outbox{Core: late, Wake: o.Courier.Wake}
	for _, id := range due {
		if err := outbox.ReleaseHold(o.Soon(), id); err != nil {
			o.T.Fatal(err)
		}
	}
}

// Retitle changes the title of a published article and sends an Update.
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

// WaitDelivered waits until no delivery of an article is on its way to a server that answers.
func (o *Blog) WaitDelivered(a blog.Article) {
	o.T.Helper()
	o.Until("nothing is on its way", func() bool {
		reports, err := o.Store.DeliveryRows(o.Soon(), a.ID)
		if err != nil {
			return false
		}
		for _, r := range reports {
			// A server that does not answer is retried later than in 30 seconds.
			if r.Status == blog.Waiting && !r.NextAt.After(time.Now().Add(30*time.Second)) {
				return false
			}
		}
		return true
	})
}

// AddReaders adds servers, each with one follower of Ilse.
func (o *Blog) AddReaders(names ...string) map[string]*fedtest.Server {
	o.T.Helper()
	servers := map[string]*fedtest.Server{}
	// Each on a server of its own: deliveries to one shared inbox would count as one.
	for _, name := range names {
		servers[name] = o.Server(name)
		o.AddFollower(servers[name].Person("reader"))
	}
	return servers
}

// DeliveredTypes returns the types of all activities about an object that a server got, refused ones too.
func DeliveredTypes(s *fedtest.Server, object string) (kinds []string) {
	for _, l := range s.Deliveries() {
		if l.Object == object {
			kinds = append(kinds, l.Type)
		}
	}
	return kinds
}

// Featured returns an author's featured collection, as another server reads it.
func (o *Blog) Featured(v blog.Voice) []any {
	o.T.Helper()
	return o.ReadDocument(o.Site.ActorID(v.ID) + "/featured")["orderedItems"].([]any)
}

// Translate adds a translation to an article.
func (o *Blog) Translate(a blog.Article, t blog.Translation) blog.Article {
	o.T.Helper()
	current, err := o.Store.Article(o.T.Context(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	// SavedAt shows that the translator has seen the current text.
	if current, err = o.Outbox.Translate(o.T.Context(), a.ID, current.SavedAt, t); err != nil {
		o.T.Fatal(err)
	}
	return current
}

// Follow lets a voice of this blog follow a voice of another one, and waits for the Accept.
func (o *Blog) Follow(voice blog.Voice, at *Blog, whom blog.Voice) {
	o.T.Helper()
	if _, err := o.Outbox.Follow(o.Soon(), voice, "@"+whom.Handle+"@"+at.Site.HandleDomain); err != nil {
		o.T.Fatal(err)
	}
	// The Accept comes back as a delivery of the other blog.
	o.Until("the Accept is here", func() bool {
		f, err := o.Store.Following(o.T.Context(), voice.ID, at.Site.ActorID(whom.ID))
		return err == nil && f.State == blog.Accepted
	})
}

// PublishNote publishes a short article by a voice, changed by the function.
func (o *Blog) PublishNote(voice blog.Voice, title string, change func(*blog.Article)) blog.Article {
	o.T.Helper()
	return o.Publish(func(a *blog.Article) {
		a.VoiceID, a.Format, a.Title, a.Slug = voice.ID, blog.FullNote, title,
			strings.ReplaceAll(strings.ToLower(title), " ", "-")
		a.Markdown, a.HTML, a.Plain = title+".", "<p>"+title+".</p>", title+"."
		change(a)
	})
}

// RunWelcome runs the job that welcomes new servers, once for each second from one time to another, and waits for the
// deliveries of each.
func (o *Blog) RunWelcome(from, to time.Duration) {
	o.T.Helper()
	began := time.Now()
	for at := from; at < to; at += time.Second {
		// The clock is a second further each time: the job sends one server a delivery every few seconds.
		late := o.Core
		late.Now = func() time.Time { return began.Add(at) }
		if err := (&outbox.Outbox{Core: late, Wake: o.Courier.Wake}).SendDueWelcomes(o.Soon()); err != nil {
			o.T.Fatal(err)
		}
		o.Until("the deliveries of this second have arrived", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
	}
}

// DeliveredTitles returns the titles of the objects that a server accepted in activities of a type, in their order.
func DeliveredTitles(s *fedtest.Server, kind string) (titles []string) {
	for _, l := range s.Received(kind) {
		object, _ := l.JSON()["object"].(map[string]any)
		titles = append(titles, fmt.Sprint(object["name"]))
	}
	return titles
}

// PublishNumbered publishes "Column n".
func (o *Blog) PublishNumbered(n int, change ...func(*blog.Article)) blog.Article {
	o.T.Helper()
	return o.Publish(append([]func(*blog.Article){func(a *blog.Article) {
		a.Title, a.Slug = fmt.Sprint("Column ", n),
			fmt.Sprint("column-", n)
	}}, change...)...)
}

// EndBackoff ends the back-off of a server, as a request from it does.
func (o *Blog) EndBackoff(host string) {
	o.T.Helper()
	if err := o.Store.PeerContacted(o.Soon(), host, time.Now()); err != nil {
		o.T.Fatal(err)
	}
	// The courier may sleep until the old end of the back-off.
	o.Courier.Wake()
}
