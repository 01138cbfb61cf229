package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation/documents"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// What the blog looks like from outside: everything here goes by its public address.

const (
	plainType = "application/activity+json"
	asServer  = plainType + `, ` + activity.LinkedDataType

	passAP    = "Let the proxy hand every path below /ap/ to the program, POST as well as GET"
	passWhole = "Let the proxy hand everything on as it came: Host, Date, Digest, Content-Digest, Signature, Signature-Input, Content-Type, the path, the query and the body"

	renewTime = 14 * 24 * time.Hour // before its end, a certificate should have been renewed
)

// document is what a reply says of itself as a document.
type document struct {
	ID        string
	Inbox     string
	PublicKey struct{ PublicKeyPem string }
}

func documentIn(r remote.Reply) (d document) {
	json.Unmarshal(r.Body, &d) // what cannot be read says nothing
	return d
}

func isActivityReply(r remote.Reply) bool {
	return r.Status == http.StatusOK && (r.Kind == plainType || r.Kind == "application/ld+json")
}

// address checks that the public address leads to this very blog; false when there is no use in asking further.
func (c *Doctor) address(ctx context.Context) bool {
	reply, err := c.own.Get(ctx, c.Site.InstanceID(), asServer, remote.Signing{})
	if err != nil {
		c.Wrong("address", "nobody answers at "+c.Site.URL+": "+err.Error(), c.whoIsHome(ctx))
		return false
	}
	said := documentIn(reply)
	switch {
	case !isActivityReply(reply) || said.ID != c.Site.InstanceID():
		c.Wrong("address", "what answers at "+c.Site.InstanceID()+" is not this blog: "+reply.Said(), "Lead all paths of the public address to the program, without redirects, and hand Accept on")
		return false
	case strings.TrimSpace(said.PublicKey.PublicKeyPem) != strings.TrimSpace(c.Site.PublicKey):
		c.Wrong("address", "another blog answers at "+c.Site.URL, "Lead the public address to the program that works on this database")
		return false
	}
	if left := reply.Expires.Sub(c.Now()); !reply.Expires.IsZero() && left < renewTime {
		c.Warn("address", "the certificate of "+c.Site.URL+" ends on "+reply.Expires.UTC().Format("2 January 2006 15:04"), "See why the proxy has not renewed it")
	} else {
		c.OK("address", "%s leads to this blog", c.Site.URL)
	}
	c.compareClocks(reply)
	return true
}

// whoIsHome says what to do about a public address where nobody answers, by whether the program itself does.
func (c *Doctor) whoIsHome(ctx context.Context) string {
	if c.Door == "" || c.Door == c.Site.URL {
		return "Start the server, and lead the public address to it"
	}
	if reply, err := c.own.Get(ctx, c.Door+"/readyz", "*/*", remote.Signing{}); err == nil && reply.Status == http.StatusOK {
		return "The server runs at " + c.Door + ": lead the public address to it, and check its name and its certificate"
	}
	return "Start the server: nothing answers at " + c.Door + " either"
}

// dialects are the ways of signing, with the headers that each needs for a letter and for a question.
var dialects = []struct {
	scheme           signature.Scheme
	letter, question string
}{
	{signature.Cavage, "Signature, Digest and Date", "Signature and Date"},
	{signature.RFC9421, "Signature-Input, Signature and Content-Digest", "Signature-Input and Signature"},
}

// letterbox brings a letter in each dialect, from the blog to itself: what keeps it from arriving as it was sent keeps
// those of others, too.
func (c *Doctor) letterbox(ctx context.Context) {
	self := c.Site.InstanceID()
	delivery, err := json.Marshal(map[string]string{"@context": "https://www.w3.org/ns/activitystreams", "id": self + "#checkup", "type": "View", "actor": self, "object": self})
	if c.Broken("letterbox", err) {
		return
	}
	well := true
	for _, d := range dialects {
		reply, err := c.own.Post(ctx, c.Site.SharedInbox(), delivery, remote.Signing{Scheme: d.scheme, Key: c.Key})
		well = c.arrived("letterbox", "a letter signed with "+d.letter, reply, err, http.StatusAccepted) && well
	}
	if well {
		c.OK("letterbox", "letters arrive as they were sent, in both ways of signing")
	}
}

// reading asks for something that needs a signature, in each dialect.
func (c *Doctor) reading(ctx context.Context) {
	voice, err := c.someVoice(ctx)
	if voice.ID == "" {
		c.Broken("reading", err)
		return
	}
	well := true
	for _, d := range dialects {
		reply, err := c.own.Get(ctx, c.Site.ActorID(voice.ID)+"/followers_synchronization", asServer, remote.Signing{Scheme: d.scheme, Key: c.Key})
		well = c.arrived("reading", "a question signed with "+d.question, reply, err, http.StatusOK) && well
	}
	if well {
		c.OK("reading", "signed questions arrive as they were sent")
	}
}

// arrived notes what became of something that was signed; false when it is not what should have.
func (c *Doctor) arrived(check, what string, reply remote.Reply, err error, want int) bool {
	var said struct{ Error string }
	json.Unmarshal(reply.Body, &said)
	switch {
	case err != nil:
		c.Wrong(check, what+" got no answer: "+err.Error(), "Look into the log of the proxy; POST may be shut out there")
	case reply.Status == want:
		return true
	case said.Error == "":
		c.Wrong(check, what+" is answered with "+reply.Said()+", which is not said by the program", passAP)
	case reply.Status == http.StatusUnsupportedMediaType:
		c.Wrong(check, what+" arrives with another Content-Type than it was sent with", passWhole)
	default:
		c.Wrong(check, what+" does not arrive as it was sent: "+said.Error, passWhole)
	}
	return false
}

// someVoice is an author of ours who is there to be asked for; the zero Voice when there is none.
func (c *Doctor) someVoice(ctx context.Context) (blog.Voice, error) {
	voices, err := c.Store.Speaking(ctx)
	at := slices.IndexFunc(voices, func(v blog.Voice) bool { return v.Kind == blog.AuthorVoice })
	if err != nil || at < 0 {
		return blog.Voice{}, err
	}
	return voices[at], nil
}

func (c *Doctor) handleOrigin() string {
	scheme, _, _ := strings.Cut(c.Site.URL, "://")
	return scheme + "://" + c.Site.HandleDomain
}

// webfinger looks an author up at the domain of the handles.
func (c *Doctor) webfinger(ctx context.Context) {
	voice, err := c.someVoice(ctx)
	if c.Broken("webfinger", err) {
		return
	}
	if voice.ID == "" {
		c.Warn("webfinger", "there is no author yet", "Open the link that the server prints when it starts, or say “causerie author add”")
		return
	}
	handle := c.Site.Handle(voice.Handle)
	reply, err := c.lookUp(ctx, handle)
	do := "Let /.well-known/webfinger of " + c.Site.HandleDomain + " reach the program, with its query; a redirect to " + c.Site.URL + " will do"
	if err != nil || reply.Status != http.StatusOK || reply.Kind != "application/jrd+json" {
		c.Wrong("webfinger", "who looks "+handle+" up gets "+answered(reply, err), do)
		return
	}
	if self := selfIn(reply); self != c.Site.ActorID(voice.ID) {
		c.Wrong("webfinger", handle+" leads to “"+self+"” and not to "+c.Site.ActorID(voice.ID), "See who answers for "+c.Site.HandleDomain)
		return
	}
	c.OK("webfinger", "%s can be looked up", handle)
}

// lookUp asks for a handle. A domain that has nothing but the handles may send us here for that, and nowhere else.
func (c *Doctor) lookUp(ctx context.Context, handle string) (remote.Reply, error) {
	const kind = "application/jrd+json"
	query := "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+strings.TrimPrefix(handle, "@"))
	reply, err := c.own.Get(ctx, c.handleOrigin()+query, kind, remote.Signing{})
	if err == nil && c.handleOrigin() != c.Site.URL && c.Site.Owns(reply.Header.Get("Location")) {
		return c.own.Get(ctx, reply.Header.Get("Location"), kind, remote.Signing{})
	}
	return reply, err
}

// selfIn is the actor to which an answer of WebFinger leads, "" when it leads to none.
func selfIn(reply remote.Reply) string {
	var found documents.JRD
	json.Unmarshal(reply.Body, &found)
	at := slices.IndexFunc(found.Links, func(l documents.JRDLink) bool { return l.Rel == "self" })
	if at < 0 {
		return ""
	}
	return found.Links[at].Href
}

// hostMeta asks for the place where those look who find no WebFinger.
func (c *Doctor) hostMeta(ctx context.Context) {
	reply, err := c.own.Get(ctx, c.Site.URL+"/.well-known/host-meta", "application/xrd+xml", remote.Signing{})
	switch {
	case err != nil || reply.Status != http.StatusOK || !strings.Contains(string(reply.Body), c.Site.URL+"/.well-known/webfinger?"):
		c.Warn("host-meta", "who asks for /.well-known/host-meta gets "+answered(reply, err), "Let the proxy hand it to the program; a few older servers need it")
	default:
		c.OK("host-meta", "it is where it should be")
	}
}

// nodeInfo follows the way by which other servers find out what runs here.
func (c *Doctor) nodeInfo(ctx context.Context) {
	const do = "Let /.well-known/nodeinfo and /nodeinfo/ reach the program"
	reply, err := c.own.Get(ctx, c.Site.URL+"/.well-known/nodeinfo", "application/json", remote.Signing{})
	var places struct{ Links []documents.JRDLink }
	json.Unmarshal(reply.Body, &places)
	if err != nil || reply.Status != http.StatusOK || len(places.Links) == 0 {
		c.Wrong("nodeinfo", "who asks for /.well-known/nodeinfo gets "+answered(reply, err), do)
		return
	}
	for _, place := range places.Links {
		if !strings.Contains(place.Rel, "nodeinfo") {
			continue
		}
		reply, err := c.own.Get(ctx, place.Href, "application/json", remote.Signing{})
		var info struct{ Software struct{ Name string } }
		json.Unmarshal(reply.Body, &info)
		if err != nil || reply.Status != http.StatusOK || info.Software.Name != "causerie" {
			c.Wrong("nodeinfo", "who asks for "+place.Href+" gets "+answered(reply, err), do)
			return
		}
	}
	c.OK("nodeinfo", "it is where it should be")
}

// people asks for an author's profile, as a machine does that wants to follow. Where signatures are asked for, a stranger
// sees a stub of it.
func (c *Doctor) people(ctx context.Context) {
	voice, err := c.someVoice(ctx)
	if voice.ID == "" {
		c.Broken("people", err)
		return
	}
	id := c.Site.ActorID(voice.ID)
	reply, err := c.own.Get(ctx, id, asServer, remote.Signing{})
	said := documentIn(reply)
	switch {
	case err != nil || !isActivityReply(reply) || said.ID != id:
		c.Wrong("people", "who asks for "+c.Site.Handle(voice.Handle)+" gets "+answered(reply, err), passAP)
	case strings.TrimSpace(said.PublicKey.PublicKeyPem) != strings.TrimSpace(voice.PublicKey):
		c.Wrong("people", c.Site.Handle(voice.Handle)+" is shown with a key that is not theirs any more", "Let the proxy keep nothing longer than Cache-Control says, and empty its cache")
	default:
		c.OK("people", "authors are shown to other servers, with their keys")
	}
}

// pages asks for a page as a reader and as a server, twice in turn: a cache that takes one answer for the other shows here.
func (c *Doctor) pages(ctx context.Context) {
	page, want := c.Site.Home(), ""
	articles, err := c.Store.Articles(ctx, store.Filter{Federal: true, Limit: 1})
	if c.Broken("pages", err) {
		return
	}
	if len(articles) > 0 {
		page, want = c.Site.ArticlePage(articles[0]), c.Site.ArticleID(articles[0].ObjectID)
	}
	const do = "Let the proxy hand Accept on; what says Vary: Accept must not be kept there, or by Accept"
	for range 2 {
		reply, err := c.own.Get(ctx, page, "text/html", remote.Signing{})
		if err != nil || reply.Status != http.StatusOK || reply.Kind != "text/html" {
			c.Wrong("pages", "readers of "+page+" get "+answered(reply, err), do)
			return
		}
		scheme, key := signature.Scheme(""), signature.Key{}
		if c.AuthorizedFetch {
			scheme, key = signature.Cavage, c.Key
		}
		reply, err = c.own.Get(ctx, page, asServer, remote.Signing{Scheme: scheme, Key: key})
		if err != nil || !isActivityReply(reply) || want != "" && documentIn(reply).ID != want {
			c.Wrong("pages", "servers that ask for "+page+" get "+answered(reply, err), do)
			return
		}
	}
	c.OK("pages", "readers get pages and servers get documents at the same address")
}

// answered is what came of a question, in words.
func answered(r remote.Reply, err error) string {
	if err != nil {
		return "no answer: " + err.Error()
	}
	return r.Said()
}

// Differences between clocks.
const (
	clockLook  = 30 * time.Second
	clockWrong = 5 * time.Minute // signatures are judged by their time, and servers differ in how much they forgive
	setClock   = "Set the machine's clock, and let it be kept by NTP"
)

// compareClocks holds our clock against that of whoever answers at the public address.
func (c *Doctor) compareClocks(reply remote.Reply) {
	date, err := reply.Date()
	if err != nil {
		c.Warn("clock", "answers at "+c.Site.URL+" bear no Date", "Let the proxy hand it on, or set one")
		return
	}
	if off := reply.At.Sub(date).Abs(); off > clockLook {
		c.off("clock", "the clock here and the one at "+c.Site.URL+" differ by "+off.Round(time.Second).String(), off)
	}
}

func (c *Doctor) off(check, words string, by time.Duration) {
	if by > clockWrong {
		c.Wrong(check, words, setClock)
		return
	}
	c.Warn(check, words, setClock)
}

// datedLately is how far back, and how many, comments are looked at for the time that their servers had.
const (
	datedLately = 7 * 24 * time.Hour
	datedMost   = 50
)

// clock holds our clock against what was said here last and against the times at which comments say they were written:
// those of two servers or more that all lie ahead of ours do not err in the same way by chance.
func (c *Doctor) clock(ctx context.Context) {
	last, err := c.Store.LastActivity(ctx)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		c.Broken("clock", err)
		return
	}
	dated, err := c.Store.LastDated(ctx, c.Now().Add(-datedLately), datedMost)
	if c.Broken("clock", err) {
		return
	}
	ahead, servers := aheadOfUs(dated)
	switch {
	case last.Sub(c.Now()) > clockLook:
		c.Wrong("clock", "what was said here last bears a time that is still to come: "+last.UTC().Format(time.RFC3339), setClock)
	case servers > 1 && ahead > clockLook:
		c.off("clock", "what came from other servers lately was written "+ahead.Round(time.Second).String()+" after it came, by the clock here", ahead)
	case !slices.ContainsFunc(c.List, func(f Finding) bool { return f.Check == "clock" }):
		c.OK("clock", "nothing speaks against %s", c.Now().UTC().Format(time.RFC3339))
	}
}

// aheadOfUs is by how much all servers are ahead of our clock, of each the newest that it sent. Negative when one is not.
func aheadOfUs(dated []store.Dated) (ahead time.Duration, servers int) {
	seen := map[string]bool{}
	for _, d := range dated {
		if seen[d.Host] {
			continue
		}
		seen[d.Host] = true
		if by := d.PublishedAt.Sub(d.ArrivedAt); len(seen) == 1 || by < ahead {
			ahead = by
		}
	}
	return ahead, len(seen)
}
