package activity

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"causerie/internal/blog"
	"causerie/internal/markup"

	"github.com/go-fed/activity/streams"
	"golang.org/x/net/publicsuffix"
)

var actors = set(streams.ActivityStreamsPersonName, streams.ActivityStreamsServiceName,
	streams.ActivityStreamsGroupName,
	streams.ActivityStreamsOrganizationName, streams.ActivityStreamsApplicationName)

// maxBio is the longest profile text that we store, in bytes.
const maxBio = 2 << 10

// ParseActor reads the profile of an actor. Handle is preferredUsername with the host of the id, or the host alone when
// the name is not a valid one; it is not verified. Inbox and id are on one registrable domain. So is SharedInbox, or it
// is "". Keys are at most four keys of publicKey and assertionMethod (FEP-521a) that have the id's origin and claim no
// other owner (FEP-fe34). FetchedAt is zero. The error is an ErrMalformed when the document is not an actor, or has no
// id, or no inbox that we would deliver to.
func ParseActor(d *Document) (a blog.Actor, err error) {
	defer recoverMalformed(&err)
	return actorOf(d.root)
}

func actorOf(raw map[string]any) (blog.Actor, error) {
	a := blog.Actor{ID: addressOf(raw), Type: typeOf(raw), Inbox: addressOf(raw["inbox"])}
	switch {
	case !actors[a.Type]:
		return blog.Actor{}, malformed("%q is no kind of actor", short(a.Type))
	case a.ID == "":
		return blog.Actor{}, malformed("the actor has no id that is an address")
	case a.Inbox == "" || !sameSite(a.Inbox, a.ID):
		return blog.Actor{}, malformed("the actor %s has no inbox on its own domain", a.ID)
	}
	a.Host = blog.HostOf(a.ID)
	// preferredUsername has no host. Whether the handle belongs to the actor is verified later, by WebFinger.
	a.Handle = handle(text(raw["preferredUsername"]), a.Host)
	name, _ := inLanguages(raw, "name")
	a.Name = markup.CleanName(name)
	bio, _ := inLanguages(raw, "summary")
	a.Summary = clip(markup.Clean(bio).Text, maxBio)
	a.Icon = href(one(raw["icon"]))
	a.URL = page(raw["url"], a.ID)
	// A shared inbox elsewhere is no error: it is ignored, and the actor's own inbox is used.
	if shared := addressOf(embedded(raw["endpoints"])["sharedInbox"]); shared != "" && sameSite(shared, a.ID) {
		a.SharedInbox = shared
	}
	// The address is compared with that of Collection-Synchronization (FEP-8fcf), so it must be of the same server.
	if followers := addressOf(raw["followers"]); followers != "" && blog.SameOrigin(followers, a.ID) {
		a.FollowersURL = followers
	}
	a.MovedTo = addressOf(raw["movedTo"])
	a.AlsoKnownAs = addresses(raw["alsoKnownAs"], maxAliases)
	a.Keys = keysOf(raw, a.ID)
	return a, nil
}

// sameSite reports whether two addresses belong to one registrable domain. We deliver to no other inbox. Otherwise a
// thousand fake actors that name a victim's inbox would make us send the victim a thousand requests.
func sameSite(a, b string) bool {
	x, y := hostname(a), hostname(b)
	if x == y {
		return x != ""
	}
	one, err1 := publicsuffix.EffectiveTLDPlusOne(x)
	other, err2 := publicsuffix.EffectiveTLDPlusOne(y)
	return err1 == nil && err2 == nil && one == other
}

// hostname returns the host of an address without its port.
func hostname(address string) string {
	host := blog.HostOf(address)
	// A colon before "]" belongs to an IPv6 address without a port.
	if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
		return host[:at]
	}
	return host
}

// usernamePattern does not limit the length, mostUsername does: a limit inside the pattern would compile to four
// megabytes.
var usernamePattern = regexp.MustCompile(`^[\pL\pN_][\pL\pN\pM_.-]*$`)

const mostUsername = 100 // characters

func handle(username, host string) string {
	if utf8.RuneCountInString(username) > mostUsername || !usernamePattern.MatchString(username) {
		return host
	}
	return username + "@" + host
}
