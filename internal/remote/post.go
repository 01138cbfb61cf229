package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"causerie/internal/signature"
)

// maxText limits what is stored of an answer for the operator to read, in bytes.
const maxText = 300

// Limits of the wait that a server may ask for.
const (
	minRest = time.Minute
	maxRest = 24 * time.Hour
)

// Answer is the answer of a server to a delivery.
type Answer struct {
	Status     int           // of HTTP; any 2xx means that the delivery was accepted
	RetryAfter time.Duration // the wait that it asks for, 1 minute to 24 hours; 0: none
	Text       string        // the beginning of its body, as plain text of at most 300 bytes
	Took       time.Duration // from the DNS lookup to the end of the answer
	Left       bool          // with an error: the request was written to a connection and may have arrived
	Garbled    bool          // with an error: an answer came in time and is not HTTP
}

// Post signs an activity with an author's key and delivers it to an inbox. Every status is an answer, also a redirect.
// Only a 307 or 308 to the same server is followed, once, with a new signature. A server that does not understand the
// signature gets the request once more, signed in the other dialect.
//
// An error means that there is no answer. Its text is for a person to read ("no answer within 10 seconds"). It is
// ErrRefused when the address is not allowed, ErrUnavailable (an [Unreachable]) when the server could not be reached,
// or the error of the context when that ended first.
//
// synchronization, if given, is sent as the header Collection-Synchronization (FEP-8fcf) and signed.
func (c *Client) Post(ctx context.Context, inbox string, body []byte, key signature.Key,
	synchronization ...string) (Answer, error) {
	if key.Private == nil {
		return Answer{}, errors.New("a delivery needs a key to sign it")
	}
	start := time.Now()
	within, cancel := context.WithTimeout(ctx, c.options.Delivery)
	defer cancel()
	at, err := c.guard.parse(inbox)
	if err != nil {
		return Answer{}, err
	}
	var left, began atomic.Bool
	// Whether anything was sent decides if a failed delivery may have arrived, and an answer that began but cannot be
	// read is a fault of the server.
	within = httptrace.WithClientTrace(within, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) },
		GotFirstResponseByte: func() { began.Store(true) }})
	resp, err := c.postOnce(within, at, body, key, synchronization...)
	if err == nil {
		// One redirect is followed. A second one is returned as the answer, so a loop ends.
		if next := c.redirectTarget(resp, at); next != nil {
			discard(resp)
			resp, err = c.postOnce(within, next, body, key, synchronization...) //nolint:bodyclose // words reads and closes it
		}
	}
	if err != nil {
		return Answer{Left: left.Load(), Garbled: began.Load() && !timedOut(err)}, c.translate(ctx, err, c.options.Delivery)
	}
	answer := Answer{Status: resp.StatusCode, RetryAfter: c.retryAfter(resp.Header), Text: readText(resp)}
	answer.Took = time.Since(start)
	return answer, nil
}

func timedOut(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout()
}

func (c *Client) postOnce(ctx context.Context, at *url.URL, body []byte, key signature.Key,
	synchronization ...string) (*http.Response, error) {
	return c.doubleKnock(ctx, at, key, func(in dialect) (*http.Response, error) {
		// A new request for each attempt: the body was read by the first, and the signature covers the target.
		req, err := c.request(ctx, http.MethodPost, at, "application/activity+json", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/activity+json")
		// An activity has an id, so it may be sent again when a reused connection turns out to be closed. The empty header
		// tells net/http so; it is not sent.
		req.Header["Idempotency-Key"] = []string{}
		if words := strings.Join(synchronization, ""); words != "" {
			req.Header.Set("Collection-Synchronization", words)
		}
		if err := c.sign(req, body, key, in); err != nil {
			return nil, err
		}
		return c.transport.RoundTrip(req)
	})
}

// redirectTarget returns the address of a redirect that a delivery follows, nil for any other answer.
func (c *Client) redirectTarget(resp *http.Response, at *url.URL) *url.URL {
	// 301 and 302 let a client change POST to GET; only these two ask for the same request again.
	if resp.StatusCode != http.StatusTemporaryRedirect && resp.StatusCode != http.StatusPermanentRedirect {
		return nil
	}
	next, err := c.guard.follow(at, resp.Header.Get("Location"))
	// Another server would get an activity that is addressed to this one.
	if err != nil || !sameOrigin(next, at) {
		return nil
	}
	return next
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds or a date. It returns 0 for anything else.
func (c *Client) retryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		if seconds < 0 {
			return 0
		}
		// Limited before it is multiplied, since the product could overflow.
		seconds = min(seconds, int64(maxRest/time.Second))
		return max(time.Duration(seconds)*time.Second, minRest)
	}
	date, err := signature.ParseDate(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(c.options.Now()), minRest), maxRest)
}

// readText reads and closes the body of an answer, so that the connection can be reused, and returns its beginning.
// An error while it reads is ignored, because the status is already known.
func readText(resp *http.Response) string {
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	// net/http has decoded gzip. What is left is another coding, which nobody could read in the log.
	if resp.Header.Get("Content-Encoding") != "" {
		return ""
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		body = visibleText(body)
	}
	return clean(string(body), maxText)
}

// visibleText returns the text of an HTML page, as far as it is needed for the words of an answer.
func visibleText(page []byte) []byte {
	var text bytes.Buffer
	hidden := false
	// Four times what is stored: clean removes white space and control characters afterwards.
	for tokens := html.NewTokenizer(bytes.NewReader(page)); text.Len() < 4*maxText; {
		switch tokens.Next() {
		case html.ErrorToken:
			return text.Bytes()
		case html.TextToken:
			if !hidden {
				text.Write(tokens.Text())
			}
		case html.StartTagToken:
			name, _ := tokens.TagName()
			hidden = string(name) == "script" || string(name) == "style"
			text.WriteByte(' ')
		case html.EndTagToken:
			hidden = false
			text.WriteByte(' ')
		}
	}
	return text.Bytes()
}

// clean makes one line of untrusted text: without control and invisible characters, with single spaces, and cut
// between runes after most bytes at the latest.
func clean(text string, most int) string {
	var line strings.Builder
	blank := false
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			blank = line.Len() > 0
			continue
		}
		// The space before a word is written only when the word still fits, so the line never ends with one.
		need := utf8.RuneLen(r)
		if blank {
			need++
		}
		if line.Len()+need > most {
			break
		}
		if blank {
			line.WriteByte(' ')
			blank = false
		}
		line.WriteRune(r)
	}
	return line.String()
}
