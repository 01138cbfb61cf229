package activity

import (
	"fmt"

	"github.com/go-fed/activity/streams"

	"causerie/internal/blog"
)

// Request is what somebody elsewhere asked of a voice of ours: to quote (FEP-044f) or to answer (GoToSocial's
// interaction controls) an object of theirs. [Activity.Request] reads it.
type Request struct {
	Type       string // QuoteRequest or ReplyRequest, "" for a post that came without a request
	ID         string // that its server gave it
	Actor      string // who asks
	Object     string // ours that is to be quoted or answered
	Instrument string // the post that quotes or answers it
}

// Request is the request that the activity makes; ok is false when it makes none.
func (a Activity) Request() (r Request, ok bool) {
	r = Request{ID: a.ID, Actor: a.Actor}
	switch act := a.Act.(type) {
	case QuoteRequest:
		r.Type, r.Object, r.Instrument = quoteRequest, act.Object, act.Instrument.ID
	case ReplyRequest:
		r.Type, r.Object, r.Instrument = replyRequest, act.Object, act.Instrument.ID
	default:
		return Request{}, false
	}
	return r, true
}

// RequestFor is the type of the request that asks for a stamp of a kind.
func RequestFor(kind blog.AuthorizationKind) string {
	if kind == blog.QuoteStamp {
		return quoteRequest
	}
	return replyRequest
}

// WrapQuoteRequest asks the writer of a post whether an article of ours may quote it (FEP-044f). instrument is the article's
// object, which is embedded.
func WrapQuoteRequest(e Envelope, quoted, owner string, instrument []byte) ([]byte, error) {
	_, bare, err := reopen(instrument)
	if err != nil {
		return nil, fmt.Errorf("write activity %s: %w", e.ID, err)
	}
	return e.finishIn(consentContext, streams.NewActivityStreamsOffer(), audience{to: []string{owner}},
		extensions{"type": quoteRequest, "object": quoted, "instrument": bare})
}

// WithQuoteAuthorization is the object of an article of ours with the stamp that allows its quote, or without one for "".
func WithQuoteAuthorization(object []byte, stamp string) ([]byte, error) {
	if stamp == "" {
		return replaced(object, map[string]any{"quoteAuthorization": nil})
	}
	return replaced(object, map[string]any{"quoteAuthorization": stamp})
}

// WrapAcceptRequest says yes to a request, and where the stamp is that proves it. A post that came without a request is
// answered by its own address.
func WrapAcceptRequest(e Envelope, r Request, stamp string) ([]byte, error) {
	return e.decide(streams.NewActivityStreamsAccept(), r, extensions{"result": stamp})
}

// WrapRejectRequest says no to a request, or to a post that came without one.
func WrapRejectRequest(e Envelope, r Request) ([]byte, error) {
	return e.decide(streams.NewActivityStreamsReject(), r, extensions{})
}

func (e Envelope) decide(act activityType, r Request, more extensions) ([]byte, error) {
	if r.Type == "" {
		about(act, r.Instrument)
	} else {
		more["object"] = r.embedded()
	}
	return e.finishIn(consentContext, act, audience{to: []string{r.Actor}}, more)
}

// embedded is the request as its sender wrote it, in addresses alone.
func (r Request) embedded() extensions {
	request := extensions{"type": r.Type, "actor": r.Actor, "object": r.Object, "instrument": r.Instrument}
	addNonEmpty(request, "id", r.ID)
	return request
}

// Authorization is a voice's lasting word that a post elsewhere may quote or answer an object of the voice. It holds for as long
// as its document can be fetched, so it names addresses only.
type Authorization struct {
	Site   blog.Site
	Voice  blog.Voice
	ID     blog.ID
	Post   string // the one that quotes or answers
	Object string // ours
}

// Address is where the stamp's document is served.
func (s Authorization) Address() string { return s.Site.URL + "/ap/authorizations/" + string(s.ID) }

// QuoteAuthorization is the document of a stamp for a quote (FEP-044f).
func QuoteAuthorization(s Authorization) []byte {
	return documentIn(consentContext, s.members("QuoteAuthorization"))
}

// ReplyAuthorization is the document of a stamp for an answer, as GoToSocial reads it: since 0.20 as interactingObject
// and interactionTarget, before that as object and target.
func ReplyAuthorization(s Authorization) []byte {
	members := s.members("ReplyAuthorization")
	members["object"], members["target"] = s.Post, s.Object
	return documentIn(consentContext, members)
}

func (s Authorization) members(kind string) map[string]any {
	return map[string]any{"id": s.Address(), "type": kind, "attributedTo": s.Site.ActorID(s.Voice.ID),
		"interactingObject": s.Post, "interactionTarget": s.Object}
}

// WrapDeleteStamp takes a stamp back, before the one whom it was given to and those who are known to have shared the
// post. Its object is the bare address, as Mastodon looks for it.
func WrapDeleteStamp(e Envelope, s Authorization, to ...string) ([]byte, error) {
	act := streams.NewActivityStreamsDelete()
	about(act, s.Address())
	return e.finish(act, audience{to: unique(to)}, nil)
}
