package delivery

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// resting says who gets no deliveries for a while after an attempt.
type resting int

const (
	nobodyRests resting = iota // the delivery is settled
	voiceRests                 // the answer concerns this delivery or its author, so only the author's deliveries wait
	serverRests                // the server was silent or asked us to wait, or a proxy answered in its place
)

// classify returns the new state of a delivery after an answer or an error, and who must rest (contract F-106, F-107).
// An answer about one delivery never delays other authors.
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
		// Another try would not help, for example when we refuse to connect to the address, or when a key cannot sign.
		d.Status = blog.Refused
		return d, nobodyRests
	}
	switch status := answer.Status; {
	case status/100 == 2:
		d.Status = blog.Delivered
	case status == http.StatusInternalServerError && delivery.Kind == federation.QuoteRequest:
		// GoToSocial answers 500 to types that it does not know, every time.
		d.Status = blog.Refused
	case (status == http.StatusUnauthorized || status == http.StatusGone) && isActorDelete(delivery):
		// A deleted actor serves no key. A server that never fetched the key cannot verify this delivery, now or later.
		// GoToSocial then answers 410: it means the key, not the inbox.
		d.Status = blog.Refused
	case status == http.StatusGone:
		d.Status = blog.GoneAway
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

// isUnsure reports whether a server may have processed a delivery without confirming it: the request was sent, but no
// answer came, or the answer was 500, 502 or 504.
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

// restTime returns how long a server, or a voice at one, rests: the time of the answer's Retry-After, else the back-off
// after that many failures before this one.
func restTime(answer remote.Answer, failures int) time.Duration {
	return cmp.Or(answer.RetryAfter, backoff(failures))
}

// backoff returns the back-off after one failure more than failures. It varies by a fifth in both directions, so that
// not everything is tried again at the same moment.
func backoff(failures int) time.Duration {
	d := blog.Backoff(failures + 1)
	return d - d/5 + rand.N(2*d/5)
}
