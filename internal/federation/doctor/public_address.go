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

// How the blog looks from outside: every request here goes to its public address.

const (
	plainType = "application/activity+json"
	asServer  = plainType + `, ` + activity.LinkedDataType

	passAP    = "Let the proxy pass every path below /ap/ to the program, POST as well as GET"
	passWhole = "Let the proxy pass everything on unchanged: Host, Date, Digest, Content-Digest, Signature, " +
		"Signature-Input, Content-Type, the path, the query and the body"

	renewTime = 14 * 24 * time.Hour // a certificate should be renewed this long before it expires
)

// document is the part of an ActivityPub document that the checks compare.
type document struct {
	ID        string
	Inbox     string
	PublicKey struct{ PublicKeyPem string }
}

// documentIn returns the fields of a document that the checks compare; the zero value when the body is not JSON.
func documentIn(r remote.Reply) (d document) {
	json.Unmarshal(r.Body, &d) // a body that is no JSON leaves the fields empty
	return d
}

func isActivityReply(r remote.Reply) bool {
	return r.Status == http.StatusOK && (r.Kind == plainType || r.Kind == "application/ld+json")
}

// address checks that the public address leads to this blog. It reports false when other requests would be useless.
func (c *Doctor) address(ctx context.Context) bool {
	reply, err := c.own.Get(ctx, c.Site.InstanceID(), asServer, remote.Signing{})
	if err != nil {
		c.Wrong("address", "nothing answers at "+c.Site.URL+": "+err.Error(), c.adviseNoAnswer(ctx))
		return false
	}
	got := documentIn(reply)
	switch {
	case !isActivityReply(reply) || got.ID != c.Site.InstanceID():
		c.Wrong("address", "what answers at "+c.Site.InstanceID()+" is not this blog: "+reply.Describe(),
			"Let the proxy pass all paths of the public address to the program, without redirects, with the header Accept")
		return false
	case strings.TrimSpace(got.PublicKey.PublicKeyPem) != strings.TrimSpace(c.Site.PublicKey):
		c.Wrong("address", "another blog answers at "+c.Site.URL,
			"Let the public address lead to the program that uses this database")
		return false
	}
	// Expires is zero without TLS.
	if left := reply.Expires.Sub(c.Now()); !reply.Expires.IsZero() && left < renewTime {
		c.Warn("address", "the certificate of "+c.Site.URL+" ends on "+reply.Expires.UTC().Format("2 January 2006 15:04"),
			"Find out why the proxy has not renewed it")
	} else {
		c.OK("address", "%s leads to this blog", c.Site.URL)
	}
	c.compareClocks(reply)
	return true
}

// adviseNoAnswer returns what to do when nothing answers at the public address. It asks the program itself, past the
// proxy.
func (c *Doctor) adviseNoAnswer(ctx context.Context) string {
	if c.Direct == "" || c.Direct == c.Site.URL {
		return "Start the server, and let the public address lead to it"
	}
	if reply, err := c.own.Get(ctx, c.Direct+"/readyz", "*/*", remote.Signing{}); err == nil &&
		reply.Status == http.StatusOK {
		return "The server runs at " + c.Direct + ": let the public address lead to it, and check its DNS and its certificate"
	}
	return "Start the server. If it listens elsewhere than " + strings.TrimPrefix(c.Direct, "http://") +
		", give doctor the same --listen"
}

// dialects are the signature schemes, with the headers that a POST and a GET need in each.
var dialects = []struct {
	scheme    signature.Scheme
	post, get string
}{
	{signature.Cavage, "Signature, Digest and Date", "Signature and Date"},
	{signature.RFC9421, "Signature-Input, Signature and Content-Digest", "Signature-Input and Signature"},
}

// inbox sends a delivery from the blog to its own inbox, once with each signature scheme. If a proxy changes it on
// the way, it changes the deliveries of other servers too.
func (c *Doctor) inbox(ctx context.Context) {
	self := c.Site.InstanceID()
	// A View changes nothing in any inbox.
	delivery, err := json.Marshal(map[string]string{
		"@context": "https://www.w3.org/ns/activitystreams",
		"id":       self + "#checkup", "type": "View", "actor": self, "object": self,
	})
	if c.Broken("inbox", err) {
		return
	}
	well := true
	for _, d := range dialects {
		reply, err := c.own.Post(ctx, c.Site.SharedInbox(), delivery, remote.Signing{Scheme: d.scheme, Key: c.Key})
		// The call comes first in the expression, so that the second scheme is tested although the first one failed.
		well = c.arrived("inbox", "a delivery signed with "+d.post, reply, err, http.StatusAccepted) && well
	}
	if well {
		c.OK("inbox", "deliveries arrive as they were sent, with both kinds of signature")
	}
}

// reading fetches a document that requires a signature, once with each signature scheme.
func (c *Doctor) reading(ctx context.Context) {
	voice, err := c.someVoice(ctx)
	if voice.ID == "" {
		c.Broken("reading", err)
		return
	}
	well := true
	for _, d := range dialects {
		at := c.Site.ActorID(voice.ID) + "/followers_synchronization"
		reply, err := c.own.Get(ctx, at, asServer, remote.Signing{Scheme: d.scheme, Key: c.Key})
		well = c.arrived("reading", "a request signed with "+d.get, reply, err, http.StatusOK) && well
	}
	if well {
		c.OK("reading", "signed requests arrive as they were sent")
	}
}

// arrived adds a finding unless a signed request got the wanted status. It reports whether it did.
func (c *Doctor) arrived(check, what string, reply remote.Reply, err error, want int) bool {
	var said struct{ Error string }
	// A proxy's page is no JSON: Error then stays empty.
	json.Unmarshal(reply.Body, &said)
	switch {
	case err != nil:
		c.Wrong(check, what+" got no answer: "+err.Error(), "Read the log of the proxy; it may block POST")
	case reply.Status == want:
		return true
	case said.Error == "": // every refusal of the program has a reason, so a proxy answered
		c.Wrong(check, what+" is answered with "+reply.Describe()+", which does not come from the program", passAP)
	case reply.Status == http.StatusUnsupportedMediaType:
		c.Wrong(check, what+" arrives with another Content-Type than it was sent with", passWhole)
	default:
		c.Wrong(check, what+" does not arrive as it was sent: "+said.Error, passWhole)
	}
	return false
}

// someVoice returns one of our authors; the zero Voice when there is none.
func (c *Doctor) someVoice(ctx context.Context) (blog.Voice, error) {
	voices, err := c.Store.ActiveVoices(ctx)
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

// webfinger looks an author up by WebFinger (RFC 7033), at the domain of the handles.
func (c *Doctor) webfinger(ctx context.Context) {
	voice, err := c.someVoice(ctx)
	if c.Broken("webfinger", err) {
		return
	}
	// Without an author there is no handle to look up.
	if voice.ID == "" {
		c.Warn("webfinger", "there is no author yet",
			"Open the link that the server prints when it starts, or use “causerie author add”")
		return
	}
	handle := c.Site.Handle(voice.Handle)
	reply, err := c.lookUp(ctx, handle)
	do := "Let /.well-known/webfinger of " + c.Site.HandleDomain + " reach the program, with its query; a redirect to " +
		c.Site.URL + " is enough"
	if err != nil || reply.Status != http.StatusOK || reply.Kind != "application/jrd+json" {
		c.Wrong("webfinger", "a lookup of "+handle+" gets "+describeReply(reply, err), do)
		return
	}
	if self := selfIn(reply); self != c.Site.ActorID(voice.ID) {
		c.Wrong("webfinger", handle+" leads to “"+self+"” and not to "+c.Site.ActorID(voice.ID),
			"Find out which server answers for "+c.Site.HandleDomain)
		return
	}
	c.OK("webfinger", "%s can be looked up", handle)
}

// lookUp asks WebFinger for a handle. A handle domain of its own may redirect to the blog, and nowhere else.
func (c *Doctor) lookUp(ctx context.Context, handle string) (remote.Reply, error) {
	const kind = "application/jrd+json"
	query := "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+strings.TrimPrefix(handle, "@"))
	reply, err := c.own.Get(ctx, c.handleOrigin()+query, kind, remote.Signing{})
	// SelfClient follows no redirects, and must not: it would follow one to anywhere.
	if err == nil && c.handleOrigin() != c.Site.URL && c.Site.Owns(reply.Header.Get("Location")) {
		return c.own.Get(ctx, reply.Header.Get("Location"), kind, remote.Signing{})
	}
	return reply, err
}

// selfIn returns the actor id in an answer of WebFinger, "" when there is none.
func selfIn(reply remote.Reply) string {
	var found documents.JRD
	json.Unmarshal(reply.Body, &found)
	at := slices.IndexFunc(found.Links, func(l documents.JRDLink) bool { return l.Rel == "self" })
	if at < 0 {
		return ""
	}
	return found.Links[at].Href
}

// hostMeta checks /.well-known/host-meta (RFC 6415), where older servers find the address of WebFinger.
func (c *Doctor) hostMeta(ctx context.Context) {
	reply, err := c.own.Get(ctx, c.Site.URL+"/.well-known/host-meta", "application/xrd+xml", remote.Signing{})
	switch {
	case err != nil || reply.Status != http.StatusOK ||
		!strings.Contains(string(reply.Body), c.Site.URL+"/.well-known/webfinger?"):
		c.Warn("host-meta", "a request for /.well-known/host-meta gets "+describeReply(reply, err),
			"Let the proxy pass it to the program; a few older servers need it")
	default:
		c.OK("host-meta", "it can be fetched")
	}
}

// nodeInfo checks the two documents of NodeInfo, by which other servers find out which software runs here.
func (c *Doctor) nodeInfo(ctx context.Context) {
	const do = "Let /.well-known/nodeinfo and /nodeinfo/ reach the program"
	reply, err := c.own.Get(ctx, c.Site.URL+"/.well-known/nodeinfo", "application/json", remote.Signing{})
	var places struct{ Links []documents.JRDLink }
	json.Unmarshal(reply.Body, &places)
	if err != nil || reply.Status != http.StatusOK || len(places.Links) == 0 {
		c.Wrong("nodeinfo", "a request for /.well-known/nodeinfo gets "+describeReply(reply, err), do)
		return
	}
	for _, place := range places.Links {
		// Links of other kinds are not ours to check.
		if !strings.Contains(place.Rel, "nodeinfo") {
			continue
		}
		reply, err := c.own.Get(ctx, place.Href, "application/json", remote.Signing{})
		var info struct{ Software struct{ Name string } }
		json.Unmarshal(reply.Body, &info)
		if err != nil || reply.Status != http.StatusOK || info.Software.Name != "causerie" {
			c.Wrong("nodeinfo", "a request for "+place.Href+" gets "+describeReply(reply, err), do)
			return
		}
	}
	c.OK("nodeinfo", "it can be fetched")
}

// people fetches an author's actor, as a server does whose user wants to follow. The request is not signed: a site that
// demands signatures answers it with a short form of the actor, which has the key as well.
func (c *Doctor) people(ctx context.Context) {
	voice, err := c.someVoice(ctx)
	// webfinger has reported that there is no author yet.
	if voice.ID == "" {
		c.Broken("people", err)
		return
	}
	id := c.Site.ActorID(voice.ID)
	reply, err := c.own.Get(ctx, id, asServer, remote.Signing{})
	got := documentIn(reply)
	switch {
	case err != nil || !isActivityReply(reply) || got.ID != id:
		c.Wrong("people", "a request for "+c.Site.Handle(voice.Handle)+" gets "+describeReply(reply, err), passAP)
	case strings.TrimSpace(got.PublicKey.PublicKeyPem) != strings.TrimSpace(voice.PublicKey):
		c.Wrong("people", "the actor of "+c.Site.Handle(voice.Handle)+" has a key that is not theirs any more",
			"Let the proxy obey Cache-Control, and empty its cache")
	default:
		c.OK("people", "other servers can fetch authors, with their keys")
	}
}

// pages fetches a page as a reader and as a server, twice in turn. This shows a cache that gives one of them the answer
// that was meant for the other.
func (c *Doctor) pages(ctx context.Context) {
	page, want := c.Site.Home(), ""
	articles, err := c.Store.Articles(ctx, store.ArticleFilter{InOutbox: true, Limit: 1})
	if c.Broken("pages", err) {
		return
	}
	if len(articles) > 0 {
		page, want = c.Site.ArticlePage(articles[0]), c.Site.ArticleID(articles[0].ObjectID)
	}
	const do = "Let the proxy pass the header Accept on; it must not cache an answer with Vary: Accept, or must cache " +
		"it by Accept"
	// Twice: only the second answer can come from a cache that the other kind of request has filled.
	for range 2 {
		reply, err := c.own.Get(ctx, page, "text/html", remote.Signing{})
		if err != nil || reply.Status != http.StatusOK || reply.Kind != "text/html" {
			c.Wrong("pages", "readers of "+page+" get "+describeReply(reply, err), do)
			return
		}
		scheme, key := signature.Scheme(""), signature.Key{}
		// Without a signature the site would answer 401 to a server.
		if c.AuthorizedFetch {
			scheme, key = signature.Cavage, c.Key
		}
		reply, err = c.own.Get(ctx, page, asServer, remote.Signing{Scheme: scheme, Key: key})
		if err != nil || !isActivityReply(reply) || want != "" && documentIn(reply).ID != want {
			c.Wrong("pages", "servers that ask for "+page+" get "+describeReply(reply, err), do)
			return
		}
	}
	c.OK("pages", "readers get pages and servers get documents at the same address")
}

// describeReply says what a request got: a status, or no answer.
func describeReply(r remote.Reply, err error) string {
	if err != nil {
		return "no answer: " + err.Error()
	}
	return r.Describe()
}

// Differences between clocks.
const (
	clockWarning = 30 * time.Second
	clockWrong   = 5 * time.Minute // signatures carry a time, and servers differ in what they tolerate
	setClock     = "Set the clock of the machine, and use NTP"
)

// compareClocks compares our clock with that of the server at the public address.
func (c *Doctor) compareClocks(reply remote.Reply) {
	date, err := reply.Date()
	if err != nil {
		c.Warn("clock", "answers at "+c.Site.URL+" have no Date header", "Let the proxy pass it on, or set one")
		return
	}
	if off := reply.At.Sub(date).Abs(); off > clockWarning {
		c.clockOff("the clock here and the one at "+c.Site.URL+" differ by "+off.Round(time.Second).String(), off)
	}
}

func (c *Doctor) clockOff(words string, by time.Duration) {
	if by > clockWrong {
		c.Wrong("clock", words, setClock)
		return
	}
	c.Warn("clock", words, setClock)
}

// Which comments are compared with our clock.
const (
	commentAge  = 7 * 24 * time.Hour
	maxComments = 50
)

// clock compares our clock with the last activity here and with the times in recent comments. A single server may
// have a wrong clock. If the comments of two or more servers are all ahead of ours, ours is wrong.
func (c *Doctor) clock(ctx context.Context) {
	last, err := c.Store.LastActivity(ctx)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		c.Broken("clock", err)
		return
	}
	dated, err := c.Store.LastDated(ctx, c.Now().Add(-commentAge), maxComments)
	if c.Broken("clock", err) {
		return
	}
	ahead, servers := aheadOfUs(dated)
	switch {
	// Our own activities carry the time of this clock. It was set back since.
	case last.Sub(c.Now()) > clockWarning:
		c.Wrong("clock", "the last activity here has a time in the future: "+last.UTC().Format(time.RFC3339), setClock)
	case servers > 1 && ahead > clockWarning:
		c.clockOff("by the clock here, recent comments of other servers were written "+ahead.Round(time.Second).String()+
			" after they arrived", ahead)
	// compareClocks, called by address, has found a difference already.
	case slices.ContainsFunc(c.List, func(f Finding) bool { return f.Check == "clock" }):
	case servers == 0:
		c.OK("clock", "it is %s here; nothing to compare yet", c.Now().UTC().Format(time.RFC3339))
	default:
		c.OK("clock", "it is %s here, which fits the times of recent comments", c.Now().UTC().Format(time.RFC3339))
	}
}

// aheadOfUs returns by how much the clocks of all servers are ahead of ours: the smallest difference, each server by
// its newest comment. It is negative when at least one server is not ahead.
func aheadOfUs(dated []store.Dated) (ahead time.Duration, servers int) {
	seen := map[string]bool{}
	for _, d := range dated {
		if seen[d.Host] {
			continue
		}
		seen[d.Host] = true
		// A post is written before it arrives, so a later time means a clock that is ahead.
		if by := d.PublishedAt.Sub(d.ArrivedAt); len(seen) == 1 || by < ahead {
			ahead = by
		}
	}
	return ahead, len(seen)
}
