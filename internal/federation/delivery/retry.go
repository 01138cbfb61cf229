package delivery

import (
	"math/rand/v2"
	"net/http"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// resting is who gets no deliveries for a while after an attempt.
type resting int

const (
	nobodyRests resting = iota // the delivery is settled
	voiceRests                 // the server answered about this delivery or its author: other authors go on
	serverRests                // it did not answer, asked us to wait, or a proxy answered in its place
)

// classify decides what an answer means for a delivery, and who must rest (contract F-106, F-107). An answer about one
// delivery never holds up other authors.
func classify(delivery store.Delivery, answer remote.Answer, err error) (blog.Delivery, resting) {
	d := blog.Delivery{
		Status: blog.Retrying, Code: answer.Status, Answer: answer.Text,
		TookMS: answer.Took.Milliseconds(), Unsure: isUnsure(answer, err),
	}
	if err != nil {
		d.Answer = err.Error()
		switch {
		case answer.Garbled:
			return d, voiceRests
		case federation.Temporary(err):
			return d, serverRests
		}
		// An address that we may not ask, or a key that cannot sign, will not be better tomorrow.
		d.Status = blog.Refused
		return d, nobodyRests
	}
	switch status := answer.Status; {
	case status/100 == 2:
		d.Status = blog.Delivered
	case status == http.StatusGone:
		d.Status = blog.GoneAway
	case status == http.StatusInternalServerError && delivery.Kind == federation.QuoteRequest:
		// GoToSocial answers 500 to types that it does not know, every time.
		d.Status = blog.Refused
	case status == http.StatusUnauthorized && isActorDelete(delivery):
		// The key is gone with the actor: a server that never fetched it cannot verify this, now or later.
		d.Status = blog.Refused
	case status == http.StatusTooManyRequests,
		status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout,
		status/100 == 5 && status != http.StatusNotImplemented && answer.RetryAfter > 0:
		return d, serverRests
	case status == http.StatusUnauthorized, // often because it could not fetch our key just now
		status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status/100 == 5 && status != http.StatusNotImplemented:
		return d, voiceRests
	default:
		d.Status = blog.Refused
	}
	return d, nobodyRests
}

// isActorDelete reports whether a delivery is the Delete of one of our actors.
func isActorDelete(d store.Delivery) bool { return d.Kind == "Delete" && d.ObjectID == "" }

// isUnsure reports whether a delivery may have been processed without confirmation: it was sent and no answer came
// back, or a 500 or a proxy's 502 or 504 did.
func isUnsure(answer remote.Answer, err error) bool {
	if err != nil {
		return answer.Left
	}
	switch answer.Status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// backoff returns how long a server, or a voice at one, rests after it failed once more. It varies by a fifth in both
// directions, so that not everything is tried again at the same moment.
func backoff(failures int) time.Duration {
	d := blog.Backoff(failures + 1)
	return d - d/5 + rand.N(2*d/5)
}
