package activity

import (
	"net/url"
	"strings"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
)

// The functions here set a property on any type of the vocabulary that has it. go-fed has no common type for that: a
// Note, an Article and a Create each have the setters of their own properties, and no interface of go-fed names one of
// them alone. So each property that we set has an interface here with just its setters, and what we build
// (activityType, profile, postType) asks for those that it needs.

// iri returns an address in a form that go-fed writes back unchanged: it is never parsed, so nothing is escaped a
// second time.
func iri(address string) *url.URL {
	scheme, rest, _ := strings.Cut(address, ":")
	return &url.URL{Scheme: scheme, Opaque: rest}
}

type withID interface{ SetJSONLDId(vocab.JSONLDIdProperty) }

func setID(thing withID, id string) {
	property := streams.NewJSONLDIdProperty()
	property.Set(iri(id))
	thing.SetJSONLDId(property)
}

type withName interface {
	SetActivityStreamsName(vocab.ActivityStreamsNameProperty)
}

func setName(thing withName, text string) {
	property := streams.NewActivityStreamsNameProperty()
	property.AppendXMLSchemaString(text)
	thing.SetActivityStreamsName(property)
}

type withSummary interface {
	SetActivityStreamsSummary(vocab.ActivityStreamsSummaryProperty)
}

func setSummary(thing withSummary, text string) {
	property := streams.NewActivityStreamsSummaryProperty()
	property.AppendXMLSchemaString(text)
	thing.SetActivityStreamsSummary(property)
}

type withContent interface {
	SetActivityStreamsContent(vocab.ActivityStreamsContentProperty)
}

func setContent(thing withContent, text string) {
	property := streams.NewActivityStreamsContentProperty()
	property.AppendXMLSchemaString(text)
	thing.SetActivityStreamsContent(property)
}

type withURL interface {
	SetActivityStreamsUrl(vocab.ActivityStreamsUrlProperty)
}

func setURL(thing withURL, address string) {
	property := streams.NewActivityStreamsUrlProperty()
	property.AppendIRI(iri(address))
	thing.SetActivityStreamsUrl(property)
}

type withMediaType interface {
	SetActivityStreamsMediaType(vocab.ActivityStreamsMediaTypeProperty)
}

func setMediaType(thing withMediaType, kind string) {
	property := streams.NewActivityStreamsMediaTypeProperty()
	property.Set(kind)
	thing.SetActivityStreamsMediaType(property)
}

type withHref interface {
	SetActivityStreamsHref(vocab.ActivityStreamsHrefProperty)
}

func setHref(thing withHref, address string) {
	property := streams.NewActivityStreamsHrefProperty()
	property.Set(iri(address))
	thing.SetActivityStreamsHref(property)
}

type withAuthor interface {
	SetActivityStreamsAttributedTo(vocab.ActivityStreamsAttributedToProperty)
}

func setAuthor(thing withAuthor, id string) {
	property := streams.NewActivityStreamsAttributedToProperty()
	property.AppendIRI(iri(id))
	thing.SetActivityStreamsAttributedTo(property)
}

type withTarget interface {
	SetActivityStreamsTarget(vocab.ActivityStreamsTargetProperty)
}

func setTarget(thing withTarget, id string) {
	property := streams.NewActivityStreamsTargetProperty()
	property.AppendIRI(iri(id))
	thing.SetActivityStreamsTarget(property)
}

type withPublished interface {
	SetActivityStreamsPublished(vocab.ActivityStreamsPublishedProperty)
}

func setPublished(thing withPublished, at time.Time) {
	property := streams.NewActivityStreamsPublishedProperty()
	property.Set(seconds(at))
	thing.SetActivityStreamsPublished(property)
}

type withUpdated interface {
	withPublished
	SetActivityStreamsUpdated(vocab.ActivityStreamsUpdatedProperty)
}

// setTimes sets when a thing was published, and when it was changed.
func setTimes(thing withUpdated, published time.Time, updated *time.Time) {
	setPublished(thing, published)
	// GoToSocial refuses an object that was changed before it was published.
	if updated == nil || !seconds(*updated).After(seconds(published)) {
		return
	}
	property := streams.NewActivityStreamsUpdatedProperty()
	property.Set(seconds(*updated))
	thing.SetActivityStreamsUpdated(property)
}

type withAudience interface {
	SetActivityStreamsTo(vocab.ActivityStreamsToProperty)
	SetActivityStreamsCc(vocab.ActivityStreamsCcProperty)
}

// audience is the recipients of a thing.
type audience struct{ to, cc []string }

// setAudience sets the recipients of a thing. An empty list is written, a nil one is not.
func setAudience(thing withAudience, who audience) {
	if who.to != nil {
		to := streams.NewActivityStreamsToProperty()
		for _, id := range who.to {
			to.AppendIRI(iri(id))
		}
		thing.SetActivityStreamsTo(to)
	}
	if who.cc != nil {
		cc := streams.NewActivityStreamsCcProperty()
		for _, id := range who.cc {
			cc.AppendIRI(iri(id))
		}
		thing.SetActivityStreamsCc(cc)
	}
}
