package activity

import (
	"fmt"

	"github.com/go-fed/activity/streams"

	"causerie/internal/blog"
)

// Request is the request of a remote actor to quote (FEP-044f) or to reply to (GoToSocial's interaction controls) an
// object of one of our voices, or to feature the voice in a collection (FEP-7aa9). [Activity.Request] reads it.
type Request struct {
	Type       string // QuoteRequest, ReplyRequest or FeatureRequest, "" for a post that came without a request
	ID         string // given by its server
	Actor      string // id of the actor that asks
	Object     string // our object or actor
	Instrument string // the post that quotes it or replies to it, or the collection
}

// Request returns the request that the activity makes; ok is false when it makes none.
func (a Activity) Request() (r Request, ok bool) {
	r = Request{ID: a.ID, Actor: a.Actor}
	switch act := a.Act.(type) {
	case QuoteRequest:
		r.Type, r.Object, r.Instrument = quoteRequest, act.Object, act.Instrument.ID
	case ReplyRequest:
		r.Type, r.Object, r.Instrument = replyRequest, act.Object, act.Instrument.ID
	case FeatureRequest:
		r.Type, r.Object, r.Instrument = featureRequest, act.Object, act.Collection
	default:
		return Request{}, false
	}
	return r, true
}

// RequestFor returns the type of the request that asks for an authorization of a kind.
func RequestFor(kind blog.AuthorizationKind) string {
	switch kind {
	case blog.QuoteAuthorization:
		return quoteRequest
	case blog.FeatureAuthorization:
		return featureRequest
	}
	return replyRequest
}

// WrapQuoteRequest asks the author of a post whether an article of ours may quote it (FEP-044f). instrument is the
// object of the article. It is embedded.
func WrapQuoteRequest(e Envelope, quoted, owner string, instrument []byte) ([]byte, error) {
	_, bare, err := reopen(instrument)
	if err != nil {
		return nil, fmt.Errorf("write activity %s: %w", e.ID, err)
	}
	// go-fed does not know the type, so an Offer is built and the extension replaces its type.
	return e.finishIn(requestContext, streams.NewActivityStreamsOffer(), audience{to: []string{owner}},
		extensions{"type": quoteRequest, "object": quoted, "instrument": bare})
}

// WithQuoteAuthorization returns the object of an article of ours with the address of the authorization that allows its
// quote, or without one for "".
func WithQuoteAuthorization(object []byte, authorization string) ([]byte, error) {
	if authorization == "" {
		return withMembers(object, map[string]any{"quoteAuthorization": nil})
	}
	return withMembers(object, map[string]any{"quoteAuthorization": authorization})
}

// WrapAcceptRequest accepts a request and gives the address of the authorization. For a post that came without a
// request the object of the Accept is the address of the post.
func WrapAcceptRequest(e Envelope, r Request, authorization string) ([]byte, error) {
	return e.decide(streams.NewActivityStreamsAccept(), r, extensions{"result": authorization})
}

// WrapRejectRequest refuses a request, or a post that came without one.
func WrapRejectRequest(e Envelope, r Request) ([]byte, error) {
	return e.decide(streams.NewActivityStreamsReject(), r, extensions{})
}

func (e Envelope) decide(act activityType, r Request, more extensions) ([]byte, error) {
	// A post that came without a request has none to embed.
	if r.Type == "" {
		setObject(act, r.Instrument)
	} else {
		more["object"] = r.embedded()
	}
	return e.finishIn(requestContext, act, audience{to: []string{r.Actor}}, more)
}

// embedded returns the request as its sender wrote it, with addresses only.
func (r Request) embedded() extensions {
	request := extensions{"type": r.Type, "actor": r.Actor, "object": r.Object, "instrument": r.Instrument}
	addNonEmpty(request, "id", r.ID)
	return request
}

// Authorization is the permission of a voice for what is elsewhere: a post that quotes or replies to one of its
// objects, or a collection that features the voice. It is valid as long as its document can be fetched. Anybody may
// fetch it, so it names addresses only.
type Authorization struct {
	Site       blog.Site
	Voice      blog.Voice
	ID         blog.ID
	Kind       blog.AuthorizationKind
	Instrument string // id of the post or the collection
	Target     string // id of our object or actor
}

// Address returns the address at which the document of the authorization is served.
func (s Authorization) Address() string { return s.Site.URL + "/ap/authorizations/" + string(s.ID) }

// Document returns the document of the authorization (FEP-044f, FEP-7aa9). That for a reply is as GoToSocial reads it:
// since 0.20 from interactingObject and interactionTarget, before that from object and target.
func (s Authorization) Document() []byte {
	members := map[string]any{"id": s.Address(), "type": "QuoteAuthorization",
		"attributedTo": s.Site.ActorID(s.Voice.ID), "interactingObject": s.Instrument, "interactionTarget": s.Target}
	switch s.Kind {
	case blog.ReplyAuthorization:
		members["type"], members["object"], members["target"] = "ReplyAuthorization", s.Instrument, s.Target
	case blog.FeatureAuthorization:
		members["type"] = "FeatureAuthorization"
	}
	return documentIn(requestContext, members)
}

// WrapDeleteAuthorization revokes an authorization. It goes to the actor it was given to and to those known to have
// shared the post. Its object is the bare address, because Mastodon looks for that.
func WrapDeleteAuthorization(e Envelope, s Authorization, to ...string) ([]byte, error) {
	act := streams.NewActivityStreamsDelete()
	setObject(act, s.Address())
	return e.finish(act, audience{to: unique(to)}, nil)
}
