package blog

import (
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Site is the blog as a whole, and the only place that knows the form of our addresses. The ids of actors, objects
// and activities are opaque. Addresses for people contain handles and slugs, which may change while the ids stay.
type Site struct {
	URL          string // public address, scheme and authority, no trailing slash: "https://overkant.example"
	HandleDomain string // the domain in @name@domain; the host of URL unless set apart
	Name         string
	Description  string
	Language     string // BCP 47, of pages that belong to no article
	Timezone     string // IANA name, for the dates on pages and the month in addresses
	PublicKey    string // SPKI PEM of the instance actor
	CreatedAt    time.Time
}

// Host is the host of the site's address, with its port if it names one.
func (s Site) Host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Hostname is the site's host without a port.
func (s Site) Hostname() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Location is the site's time zone. It is UTC when this machine does not know the zone's name.
func (s Site) Location() *time.Location {
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		// A server without time zone data must still serve its pages.
		return time.UTC
	}
	return zone
}

// Owns reports whether an address belongs to this site, however it is written.
func (s Site) Owns(address string) bool {
	_, own := s.path(address)
	return own
}

// path returns the path of an address of this site, with query and fragment. Others write our host in capitals, with
// the default port or with http: it is the same site, and must never be asked as another one.
func (s Site) path(address string) (path string, own bool) {
	// The slash matters: https://overkant.example.evil begins with the site's address as well.
	if rest, found := strings.CutPrefix(address, s.URL); found && (rest == "" || rest[0] == '/') {
		return rest, true
	}
	// Nearly all addresses are elsewhere, and need not be parsed to see it. A host may have escapes, though.
	_, host, _ := strings.Cut(s.URL, "://")
	host, _, _ = strings.Cut(strings.TrimSuffix(host, "."), ":")
	if !strings.Contains(strings.ToLower(address), strings.ToLower(host)) && !strings.Contains(address, "%") {
		return "", false
	}
	u, err := url.Parse(address)
	site, siteErr := url.Parse(s.URL)
	if err != nil || siteErr != nil || u.User != nil || u.Scheme != "https" && u.Scheme != "http" ||
		authority(u) != authority(site) {
		return "", false
	}
	_, rest, _ := strings.Cut(address, "://")
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		return rest[at:], true
	}
	return "", true
}

// authority is the host of an address in lower case, with its port unless that is the default one.
func authority(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if p := port(u); p != "443" && p != "80" {
		host += ":" + p
	}
	return host
}

// Handle is the full handle of a voice: "@ilse@overkant.example".
func (s Site) Handle(handle string) string { return "@" + handle + "@" + s.HandleDomain }

// The human addresses.

// Home is the front page.
func (s Site) Home() string { return s.URL + "/" }

// VoicePage is the profile page of a voice. The site's own voice has the front page, that of a series the page of the
// series.
func (s Site) VoicePage(v Voice) string {
	switch v.Kind {
	case SiteVoice:
		return s.Home()
	case SeriesVoice:
		return s.SeriesPage(v.SeriesSlug)
	}
	return s.Page("/@" + v.Handle)
}

// Page is the address of a page of this site by its decoded path. It has the escapes that an address needs: slugs may
// have letters of all scripts, and on the wire, in feeds and in sitemaps an address has one spelling (RFC 3986).
func (s Site) Page(path string) string { return s.URL + (&url.URL{Path: path}).EscapedPath() }

// ArticlePath is the path of an article's page: "/2026/11/four-minutes-wide". The month is that of the first
// publication.
func (s Site) ArticlePath(a Article) string { return "/" + a.Month + "/" + a.Slug }

// ArticlePage is the full address of an article's page.
func (s Site) ArticlePage(a Article) string { return s.Page(s.ArticlePath(a)) }

// The paths of pages that belong to an article, an author or a series.
var (
	articlePath = regexp.MustCompile(`^/\d{4}/\d{2}/([^/]+)$`)
	authorPath  = regexp.MustCompile(`^/@([^/]+)$`)
	seriesPath  = regexp.MustCompile(`^/series/([^/]+)$`)
)

// SlugIn returns the slug in the decoded path of an article's page; "" for any other path.
func SlugIn(path string) string { return nameIn(articlePath, path) }

// HandleIn returns the handle in the decoded path of an author's page; "" for any other path. Handles are stored in
// lower case, but an address may have capitals.
func HandleIn(path string) string { return strings.ToLower(nameIn(authorPath, path)) }

// SeriesIn returns the slug in the decoded path of a series; "" for any other path.
func SeriesIn(path string) string { return nameIn(seriesPath, path) }

func nameIn(pattern *regexp.Regexp, path string) string {
	if found := pattern.FindStringSubmatch(path); found != nil {
		return found[1]
	}
	return ""
}

// PagePath returns the decoded path of an address of this site, however that is written, without a slash at the end.
// That of the front page is "/". It is "" for an address elsewhere.
func (s Site) PagePath(address string) string {
	path, own := s.path(address)
	u, err := url.Parse(path)
	if err != nil || !own {
		return ""
	}
	return "/" + strings.Trim(u.Path, "/")
}

// PageSlug returns the slug in the address of an article's page, however it is written; "" for any other address.
func (s Site) PageSlug(address string) string { return SlugIn(s.PagePath(address)) }

// CommentPage is the place of a comment on its article's page.
func (s Site) CommentPage(a Article, comment ID) string {
	return s.ArticlePage(a) + "#comment-" + string(comment)
}

// TagPage lists the articles with a tag.
func (s Site) TagPage(tag string) string { return s.URL + "/tags/" + url.PathEscape(tag) }

// SeriesPage lists the parts of a series.
func (s Site) SeriesPage(slug string) string { return s.Page("/series/" + slug) }

// Media is the address of a file in the picture library.
func (s Site) Media(file string) string { return s.URL + "/media/" + file }

// The ActivityPub ids are never derived from a handle, slug, title or date: those can change (contract F-020, F-033).

// ActorID is the id of a voice as an actor.
func (s Site) ActorID(voice ID) string { return s.URL + "/ap/actors/" + string(voice) }

// Collections is the list of the collections of recommended accounts that a voice publishes (FEP-7aa9).
func (s Site) Collections(voice ID) string { return s.ActorID(voice) + "/collections" }

// AuthorsCollection is the id of the collection in which the voice of the blog recommends its authors.
func (s Site) AuthorsCollection(voice ID) string { return s.Collections(voice) + "/authors" }

// AuthorsPage is the page of the authors, for people.
func (s Site) AuthorsPage() string { return s.URL + "/about#authors" }

// AuthorsItem is the id of the item for an author there, made from the id of the author's authorization.
func (s Site) AuthorsItem(voice, authorization ID) string {
	return s.AuthorsCollection(voice) + "/" + string(authorization)
}

// ArticleID is the id of an article on the wire, made from its ObjectID.
func (s Site) ArticleID(object ID) string { return s.URL + "/ap/articles/" + string(object) }

// NoteID is the id of a comment by an author of ours.
func (s Site) NoteID(comment ID) string { return s.URL + "/ap/notes/" + string(comment) }

// ActivityID is the id of an activity that we sent.
func (s Site) ActivityID(activity ID) string { return s.URL + "/ap/activities/" + string(activity) }

// InstanceID is the id of the instance actor, which signs our fetches.
func (s Site) InstanceID() string { return s.URL + "/ap/instance" }

// SharedInbox is the address of the inbox for activities to any voice.
func (s Site) SharedInbox() string { return s.URL + "/ap/inbox" }

// Local parses one of our own ActivityPub addresses. kind is the segment after /ap/ ("actors", "articles", "notes",
// "activities"). rest is what follows the id ("inbox", or "" for the thing itself). ok is false for any other
// address.
func (s Site) Local(address string) (kind string, id ID, rest string, ok bool) {
	path, _ := s.path(address)
	path, found := strings.CutPrefix(path, "/ap/")
	if !found {
		return "", "", "", false
	}
	// The id of a key is that of its actor with a fragment.
	path, _, _ = strings.Cut(path, "#")
	path, _, _ = strings.Cut(path, "?")
	parts := strings.SplitN(path, "/", 3)
	if len(parts) < 2 || !ValidID(parts[1]) {
		return "", "", "", false
	}
	if len(parts) == 3 {
		rest = parts[2]
	}
	return parts[0], ID(parts[1]), rest, true
}
