package activity

import (
	"html"
	"path"
	"strings"
	"time"

	"causerie/internal/blog"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
)

// profile is what all types of our actors have in common.
type profile interface {
	vocab.Type
	withID
	withName
	withSummary
	withURL
	withUpdated
	SetActivityStreamsPreferredUsername(vocab.ActivityStreamsPreferredUsernameProperty)
	SetActivityStreamsInbox(vocab.ActivityStreamsInboxProperty)
	SetActivityStreamsOutbox(vocab.ActivityStreamsOutboxProperty)
	SetActivityStreamsFollowers(vocab.ActivityStreamsFollowersProperty)
	SetActivityStreamsFollowing(vocab.ActivityStreamsFollowingProperty)
	SetActivityStreamsIcon(vocab.ActivityStreamsIconProperty)
	SetActivityStreamsImage(vocab.ActivityStreamsImageProperty)
	SetActivityStreamsManuallyApprovesFollowers(vocab.ActivityStreamsManuallyApprovesFollowersProperty)
	SetTootDiscoverable(vocab.TootDiscoverableProperty)
	SetTootFeatured(vocab.TootFeaturedProperty)
	SetW3IDSecurityV1PublicKey(vocab.W3IDSecurityV1PublicKeyProperty)
}

// Person returns the profile of a voice: a Person for an author, an Organization for the blog as a whole, a Service for
// a series, which posts automatically. It is never a Group, because other servers treat a Group as a forum.
func Person(site blog.Site, v blog.Voice) ([]byte, error) {
	actor, id := newProfile(v.Kind), site.ActorID(v.ID)
	setID(actor, id)
	setUsername(actor, v.Handle)
	setName(actor, v.Name)
	setSummary(actor, paragraphs(v.Summary))
	setURL(actor, site.VoicePage(v))
	// Only the day of the creation is published, as Mastodon does.
	setTimes(actor, v.CreatedAt.UTC().Truncate(24*time.Hour), &v.UpdatedAt)
	setBoxes(actor, id)
	setCompanions(actor, id)
	setPictures(actor, site, v)
	setApproval(actor, v.ApprovesFollowers)
	discoverable := streams.NewTootDiscoverableProperty()
	discoverable.Set(v.Discoverable)
	actor.SetTootDiscoverable(discoverable)
	setKey(actor, id, v.PublicKey)
	return marshal(actor, personExtensions(site, v, id))
}

func personExtensions(site blog.Site, v blog.Voice, id string) extensions {
	more := extensions{
		"webfinger":          v.Handle + "@" + site.HandleDomain,
		"indexable":          v.Indexable,
		"featuredTags":       id + "/tags",
		"endpoints":          extensions{"sharedInbox": site.SharedInbox()},
		"tag":                hashtags(site, v.Tags),
		"attachment":         fields(v.Fields),
		"attributionDomains": []string{site.Host()},
		"interactionPolicy":  extensions{"canFeature": featurePolicy(v, id)},
	}
	if v.FeaturesAuthors() {
		more["featuredCollections"] = site.Collections(v.ID)
	}
	if len(v.AlsoKnownAs) > 0 {
		more["alsoKnownAs"] = []string(v.AlsoKnownAs)
	}
	if v.MovedTo != "" {
		more["movedTo"] = v.MovedTo
	}
	// Servers that check proofs look for the key here (FEP-521a).
	if v.ProofKey != "" {
		more["assertionMethod"] = []any{extensions{"id": id + "#ed25519-key", "type": "Multikey", "controller": id,
			"publicKeyMultibase": v.ProofKey}}
	}
	return more
}

func newProfile(kind blog.VoiceKind) profile {
	switch kind {
	case blog.SiteVoice:
		return streams.NewActivityStreamsOrganization()
	case blog.SeriesVoice:
		return streams.NewActivityStreamsService()
	}
	return streams.NewActivityStreamsPerson()
}

// Instance returns the profile of the instance actor, which signs the requests of the site itself (FEP-2677).
func Instance(site blog.Site) ([]byte, error) {
	actor, id := streams.NewActivityStreamsApplication(), site.InstanceID()
	setID(actor, id)
	// An instance actor has its host as its name, as Mastodon's has. No name has a colon, so the port is left out.
	setUsername(actor, site.Hostname())
	setName(actor, "Causerie at "+site.Host())
	setURL(actor, site.URL+"/about")
	setBoxes(actor, id)
	setApproval(actor, true)
	setKey(actor, id, site.PublicKey)
	return marshal(actor, extensions{"endpoints": extensions{"sharedInbox": site.SharedInbox()}})
}

// Stub returns the profile that an unknown server gets while the site shows its documents only to servers that sign
// their requests. It has just the key, so that two such sites can verify each other.
func Stub(site blog.Site, v blog.Voice) ([]byte, error) {
	actor, id := newProfile(v.Kind), site.ActorID(v.ID)
	setID(actor, id)
	setUsername(actor, v.Handle)
	// An actor without an inbox is refused by servers that check the shape, this one among them.
	inbox := streams.NewActivityStreamsInboxProperty()
	inbox.SetIRI(iri(id + "/inbox"))
	actor.SetActivityStreamsInbox(inbox)
	setKey(actor, id, v.PublicKey)
	return marshal(actor, nil)
}

func setUsername(actor profile, name string) {
	property := streams.NewActivityStreamsPreferredUsernameProperty()
	property.SetXMLSchemaString(name)
	actor.SetActivityStreamsPreferredUsername(property)
}

func setBoxes(actor profile, id string) {
	inbox, outbox := streams.NewActivityStreamsInboxProperty(), streams.NewActivityStreamsOutboxProperty()
	inbox.SetIRI(iri(id + "/inbox"))
	outbox.SetIRI(iri(id + "/outbox"))
	actor.SetActivityStreamsInbox(inbox)
	actor.SetActivityStreamsOutbox(outbox)
}

func setCompanions(actor profile, id string) {
	followers, following := streams.NewActivityStreamsFollowersProperty(), streams.NewActivityStreamsFollowingProperty()
	followers.SetIRI(iri(id + "/followers"))
	following.SetIRI(iri(id + "/following"))
	actor.SetActivityStreamsFollowers(followers)
	actor.SetActivityStreamsFollowing(following)
	featured := streams.NewTootFeaturedProperty()
	featured.SetIRI(iri(id + "/featured"))
	actor.SetTootFeatured(featured)
}

func setApproval(actor profile, byHand bool) {
	property := streams.NewActivityStreamsManuallyApprovesFollowersProperty()
	property.Set(byHand)
	actor.SetActivityStreamsManuallyApprovesFollowers(property)
}

func setPictures(actor profile, site blog.Site, v blog.Voice) {
	if v.Picture != "" {
		icon := streams.NewActivityStreamsIconProperty()
		icon.AppendActivityStreamsImage(file(site, v.Picture))
		actor.SetActivityStreamsIcon(icon)
	}
	if v.Header != "" {
		header := streams.NewActivityStreamsImageProperty()
		header.AppendActivityStreamsImage(file(site, v.Header))
		actor.SetActivityStreamsImage(header)
	}
}

// pictureTypes are the kinds of file in the picture library.
var pictureTypes = map[string]string{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png",
	".gif":  "image/gif",
	".webp": "image/webp"}

// file returns an Image of which only the file name is known.
func file(site blog.Site, name string) vocab.ActivityStreamsImage {
	image := streams.NewActivityStreamsImage()
	if kind := pictureTypes[path.Ext(name)]; kind != "" {
		setMediaType(image, kind)
	}
	setURL(image, site.Media(name))
	return image
}

// setKey adds an actor's public key. Its id is that of the actor with a fragment, so one document proves both.
func setKey(actor profile, id, pem string) {
	key := streams.NewW3IDSecurityV1PublicKey()
	setID(key, id+"#main-key")
	owner := streams.NewW3IDSecurityV1OwnerProperty()
	owner.SetIRI(iri(id))
	key.SetW3IDSecurityV1Owner(owner)
	text := streams.NewW3IDSecurityV1PublicKeyPemProperty()
	text.Set(pem)
	key.SetW3IDSecurityV1PublicKeyPem(text)
	property := streams.NewW3IDSecurityV1PublicKeyProperty()
	property.AppendW3IDSecurityV1PublicKey(key)
	actor.SetW3IDSecurityV1PublicKey(property)
}

// fields returns the rows of a profile's table, with addresses as links. rel="me" makes Mastodon show a verified link.
func fields(table blog.Fields) []any {
	list := make([]any, 0, len(table))
	for _, field := range table {
		list = append(list, extensions{"type": "PropertyValue", "name": field.Name, "value": linkedValue(field.Value)})
	}
	return list
}

// linkedValue returns the value of a row as HTML, with an address as a link.
func linkedValue(value string) string {
	escaped := html.EscapeString(value)
	if !isAddress(value) {
		return escaped
	}
	_, shown, _ := strings.Cut(escaped, "://")
	return `<a href="` + escaped + `" rel="me noopener">` + strings.TrimSuffix(shown, "/") + `</a>`
}

// paragraphs returns plain text as HTML: a blank line separates paragraphs, a line break becomes <br>.
func paragraphs(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	var out strings.Builder
	for _, paragraph := range strings.Split(text, "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			out.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(paragraph), "\n", "<br>") + "</p>")
		}
	}
	return out.String()
}
