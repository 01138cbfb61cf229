package overkant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// PublishForFollowers publishes an article for followers only. Bram follows Ilse and has it; Kade does not.
func (o *Blog) PublishForFollowers() (a blog.Article, bram, kade *fedtest.Person) {
	o.T.Helper()
	veerhuis := o.Server("veerhuis")
	bram, kade = veerhuis.Person("bram"), o.Server("zilverduin").Person("kade")
	o.AddFollower(bram)
	a = o.Publish(func(a *blog.Article) { a.Visibility = blog.Followers })
	// Bram's server must have it before a test asks who may read it.
	if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
		o.T.Fatal(err)
	}
	return a, bram, kade
}

// LikeOn lets this blog read an article of another one and like it in Ilse's name. Neither knows the other before.
func (o *Blog) LikeOn(other *Blog) {
	a := other.Publish()
	doc, err := o.Core.Remote.Object(o.Soon(), other.Object(a))
	if err != nil {
		// Errorf and not Fatal: tests call this in goroutines.
		o.T.Errorf("reading: %v", err)
		return
	}
	// Read first, as a person does who likes a post.
	if read, err := activity.ParseObject(doc); err != nil || !strings.Contains(read.Content, "ferry") {
		o.T.Errorf("read %q, %v", read.Content, err)
		return
	}
	keys, err := o.Store.SigningKeys(o.Soon(), o.Ilse.ID)
	if err != nil {
		o.T.Error(err)
		return
	}
	ilse := o.Site.ActorID(o.Ilse.ID)
	key, err := signature.ParseKey(ilse+"#main-key", keys.Current)
	if err != nil {
		o.T.Error(err)
		return
	}
	like := `{"id":"` + o.Site.ActivityID(blog.NewID(time.Now())) + `","type":"Like","actor":"` + ilse + `","object":"` +
		other.Object(a) + `"}`
	answer, err := o.Core.Remote.Post(o.Soon(), other.Site.SharedInbox(), []byte(like), key)
	if err != nil || answer.Status != http.StatusAccepted {
		o.T.Errorf("writing: %+v, %v", answer, err)
		return
	}
	o.Until("the like is counted", func() bool { return other.Counts(a).Likes == 1 })
	if known, err := other.Store.Actor(o.Soon(), ilse); err != nil || known.Name != "Ilse Verhaagen" {
		o.T.Errorf("known as %+v, %v", known, err)
	}
}

// ShowFollowers sets whether Ilse's follower list is public.
func (o *Blog) ShowFollowers(show bool) {
	o.T.Helper()
	v := o.StoredVoice(o.Ilse.ID)
	v.ShowsFollowers = show
	if err := o.Store.SaveVoice(o.T.Context(), v); err != nil {
		o.T.Fatal(err)
	}
}

// WebFingerAnswer is a WebFinger response as others read it.
type WebFingerAnswer struct {
	Subject string
	Aliases []string
	Links   []struct{ Rel, Type, Href, Template string }
}

// Self returns the address of the self link, "" when there is none.
func (f WebFingerAnswer) Self() string {
	for _, l := range f.Links {
		if l.Rel == "self" && l.Type == "application/activity+json" {
			return l.Href
		}
	}
	return ""
}

// WebFinger requests WebFinger for a resource.
func (o *Blog) WebFinger(resource string, rels ...string) (int, http.Header, WebFingerAnswer) {
	o.T.Helper()
	code, header, body := o.Get("/.well-known/webfinger?"+url.Values{"resource": {resource}, "rel": rels}.Encode(), "*/*")
	var found WebFingerAnswer
	if err := json.Unmarshal([]byte(body), &found); err != nil {
		o.T.Errorf("%s: %d %s", resource, code, body)
	}
	return code, header, found
}

// CheckupDelivery returns the delivery that the doctor sends to the blog itself, signed with a key.
func (o *Blog) CheckupDelivery(sign func(*http.Request, []byte, signature.Key) error, key signature.Key) *http.Request {
	o.T.Helper()
	self := o.Site.InstanceID()
	body, err := json.Marshal(map[string]string{"id": self + "#checkup", "type": "View", "actor": self, "object": self})
	if err != nil {
		o.T.Fatal(err)
	}
	r, err := http.NewRequestWithContext(o.Soon(), http.MethodPost, o.Site.SharedInbox(), bytes.NewReader(body))
	if err != nil {
		o.T.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/activity+json")
	// nil leaves it unsigned.
	if sign != nil {
		if err := sign(r, body, key); err != nil {
			o.T.Fatal(err)
		}
	}
	return r
}

// SignRFC9421 signs a request by RFC 9421.
func SignRFC9421(r *http.Request, body []byte, key signature.Key) error {
	return signature.SignRFC9421(r, body, key, time.Now(), signature.AcceptSignature{})
}

const (
	AsMastodon  = "application/activity+json, application/ld+json"
	AsMastodon2 = `application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json, ` +
		`text/html;q=0.1`
	AsBrowser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	Plain     = "application/activity+json; charset=utf-8"
	Linked    = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
)

// PostSigned posts an activity to the shared inbox, signed with any key under any key id, and returns the status.
func (o *Blog) PostSigned(key signature.Key, activity any) int {
	o.T.Helper()
	body, err := json.Marshal(activity)
	if err != nil {
		o.T.Fatal(err)
	}
	request, err := http.NewRequestWithContext(o.Soon(), http.MethodPost, o.Site.SharedInbox(), bytes.NewReader(body))
	if err != nil {
		o.T.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/activity+json")
	// By our own signer: fedtest signs only with keys of its people.
	if err := signature.Sign(request, body, key, time.Now()); err != nil {
		o.T.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.T.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// Path returns the path of an address on the blog.
func (o *Blog) Path(address string) string { return strings.TrimPrefix(address, o.Site.URL) }

// Document requests a document and decodes the members that tests look at.
func (o *Blog) Document(path string) (code int, doc Document) {
	o.T.Helper()
	code, _, body := o.Get(path, AsMastodon)
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		o.T.Fatalf("%s: %v in %s", path, err, body)
	}
	return code, doc
}

// Document is a collection, or one page of it.
type Document struct {
	ID           string
	TotalItems   int
	Next         string
	Items        []string
	OrderedItems []json.RawMessage
	First        json.RawMessage
}

// FillComments stores n public comments under an article.
func (o *Blog) FillComments(a blog.Article, n int) []blog.Comment {
	o.T.Helper()
	nadia := o.Server("noordkade").Person("nadia")
	actor := blog.Actor{ID: nadia.ID, Type: "Person", Host: nadia.Server.Host, Inbox: nadia.Inbox(), FetchedAt: time.Now()}
	list := make([]blog.Comment, n)
	// One transaction: hundreds of commits would take longer than the test.
	err := o.Store.InTx(o.Soon(), func(s *store.Store) error {
		if err := s.SaveActor(o.T.Context(), actor); err != nil {
			return err
		}
		for i := range list {
			// A second apart, so that their order is certain.
			at := time.Now().Add(time.Duration(i-n) * time.Second)
			list[i] = blog.Comment{ID: blog.NewID(at), Address: fmt.Sprintf("%s/notes/%d", nadia.ID, i), ArticleID: a.ID,
				ActorID: nadia.ID, Origin: blog.Pushed,
				Visibility: blog.PublicComment, State: blog.CommentShown, PublishedAt: at, SortedAt: at, ArrivedAt: at}
			if err := s.AddComment(o.T.Context(), list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.T.Fatal(err)
	}
	return list
}

// UnfetchableReply returns a Create of a note by Bram that his server does not serve. The blog must take it as it was
// sent.
func (o *Blog) UnfetchableReply(bram *fedtest.Person, a blog.Article, name string) map[string]any {
	note := bram.ID + "/notes/" + name
	return map[string]any{"id": note + "#create", "type": "Create", "actor": bram.ID, "to": []string{"as:Public"},
		"object": map[string]any{"id": note, "type": "Note",
			"attributedTo": bram.ID, "inReplyTo": o.Object(a), "content": "<p>" + name + "</p>", "to": []string{"as:Public"},
			"published": time.Now().UTC().Format(time.RFC3339)}}
}

// RotateKeys gives Ilse new keys, as a command beside the running blog does. It returns the old and the new public
// key.
func (o *Blog) RotateKeys() (before, after string) {
	o.T.Helper()
	changed := o.StoredVoice(o.Ilse.ID)
	before = changed.PublicKey
	keys := giveKeys(o.T, &changed)
	// Another process cannot wake this one's courier.
	beside := &outbox.Outbox{Core: o.Core, Wake: func() {}}
	if err := beside.RotateKeys(o.Soon(), changed, keys); err != nil {
		o.T.Fatal(err)
	}
	return before, changed.PublicKey
}

// IlseDocument returns Ilse's actor document as text.
func IlseDocument(o *Blog) string {
	_, _, body := o.Get("/ap/actors/"+string(o.Ilse.ID), AsMastodon)
	return body
}

// DeliveryStatuses returns the status of each delivery of a type about an object to a server.
func DeliveryStatuses(s *fedtest.Server, kind, object string) (answers []int) {
	for _, l := range s.Deliveries() {
		if l.Type == kind && l.Object == object {
			answers = append(answers, l.Status)
		}
	}
	return answers
}

// WaitIdle waits until no delivery is left.
func (o *Blog) WaitIdle() {
	o.T.Helper()
	o.Until("no delivery is left", func() bool {
		_, deliveries, err := o.Store.CountWaiting(o.Soon())
		return err == nil && deliveries == 0
	})
}

// ReplyNote returns a note by a person that replies to an article. more adds members.
func ReplyNote(by *fedtest.Person, article, name string, more map[string]any) map[string]any {
	o := map[string]any{"id": by.ID + "/notes/" + name, "type": "Note", "attributedTo": by.ID, "inReplyTo": article,
		"to":      []string{"as:Public"},
		"content": "<p>" + name + "</p>", "published": time.Now().UTC().Format(time.RFC3339)}
	for k, v := range more {
		o[k] = v
	}
	return o
}

// Activity returns an activity of a type.
func Activity(kind string, by *fedtest.Person, object any, name string) map[string]any {
	return map[string]any{"id": by.ID + "/acts/" + name, "type": kind, "actor": by.ID, "object": object}
}

// PostExpecting posts an activity signed by a person, and checks the status of the response.
func (o *Blog) PostExpecting(by *fedtest.Person, activity any, want int) {
	o.T.Helper()
	if answer, err := by.Send(o.Soon(), o.Site.SharedInbox(), activity); answer.Status != want {
		o.T.Errorf("%v: %d (%v), want %d", activity, answer.Status, err, want)
	}
}

// PostRaw posts an unsigned body to the shared inbox. It returns the status, and how many bytes of the body were
// sent.
func (o *Blog) PostRaw(body io.Reader, header ...string) (status int, taken int64) {
	o.T.Helper()
	// How much was taken shows whether a limit stopped the reading early.
	counted := &counter{Reader: body}
	request, err := http.NewRequestWithContext(o.Soon(), http.MethodPost, o.Site.SharedInbox(), counted)
	if err != nil {
		o.T.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/activity+json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.T.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, counted.n.Load()
}

type counter struct {
	io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
