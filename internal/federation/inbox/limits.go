package inbox

import (
	"fmt"
	"net/http"
	"time"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/ratelimit"
)

// What may be sent to our inboxes in a minute. Beyond it the answer is 429 with Retry-After: the sender keeps the
// activity and sends it again, so nothing is lost.
//
// A post that goes round the world brings thousands of answers in a minute, but from hundreds of servers. The largest
// server sends about a third of them, and 300 is what it sends for an article with a thousand reactions in a minute. An
// address may send twice as much, because one machine or relay may send for several domains. It is counted before the
// signature is verified, because that is where the work begins.
const (
	maxPerDomain  = 300 // with a valid signature, by the registrable domain of the signer
	maxPerAddress = 600 // of any kind, by IPv4 address or IPv6 network of 64 bits
	limitPeriod   = time.Minute
)

// limits counts what is sent to the inboxes. Every process counts for itself.
type limits struct{ domains, addresses *ratelimit.Limiter }

func newLimits(now func() time.Time) limits {
	return limits{domains: ratelimit.New(maxPerDomain, limitPeriod, now),
		addresses: ratelimit.New(maxPerAddress, limitPeriod, now)}
}

// checkAddress counts a request, whatever it is. One from a proxy that does not say who asks counts for nobody.
func (l limits) checkAddress(r *http.Request) error {
	source := ratelimit.ClientSource(r.RemoteAddr)
	if source != "" && !l.addresses.Take(source) {
		return refusal{http.StatusTooManyRequests,
			fmt.Sprintf("this address sends more than %d requests in a minute; send it again later", maxPerAddress)}
	}
	return nil
}

// checkDomain counts an activity whose signature is valid.
func (l limits) checkDomain(signer string) error {
	domain := blocklist.Owner(blog.HostOf(signer))
	if !l.domains.Take(domain) {
		return refusal{http.StatusTooManyRequests,
			fmt.Sprintf("%s sends more than %d activities in a minute; send it again later", domain, maxPerDomain)}
	}
	return nil
}
