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

// maxWords is how much of an answer is kept for a person to read, in bytes.
const maxWords = 300

// Bounds of the rest that a server may ask for.
const (
	minRest = time.Minute
	maxRest = 24 * time.Hour
)

// Answer is what a server said to a letter.
type Answer struct {
	Status     int           // of HTTP; any 2xx means that the letter was taken
	RetryAfter time.Duration // the rest that it asks for, 1 minute to 24 hours; 0: none
	Words      string        // how its answer begins, as plain text of 300 bytes at most
	Took       time.Duration // from the lookup of its name to the end of its answer
	Left       bool          // beside an error: the letter was written to a connection and may have arrived
	Garbled    bool          // beside an error: an answer came, in time, and is no HTTP
}

// Post signs a letter with an author's key and brings it to an inbox. Every status is an
// answer, also a redirect that we do not follow: only 307 and 308 to the
// same server are, once, signed anew. A server that does not understand the signature
// gets the letter once more, signed in the other dialect.
//
// What kept us from an answer comes back as an error whose text is for a person to read
// ("no answer within 10 seconds"): ErrRefused when we do not go to this
// address, ErrUnavailable (a [Unreachable]) when the server could not be reached, the context's own error when it ended first.
//
// synchronization, where there is one, goes along as the header Collection-Synchronization (FEP-8fcf), signed.
func (c *Client) Post(ctx context.Context, inbox string, body []byte, key signature.Key, synchronization ...string) (Answer, error) {
	if key.Private == nil {
		return Answer{}, errors.New("a letter needs a key to sign it")
	}
	start := time.Now()
	within, cancel := context.WithTimeout(ctx, c.options.Delivery)
	defer cancel()
	at, err := c.guard.parse(inbox)
	if err != nil {
		return Answer{}, err
	}
	var left, began atomic.Bool
	within = httptrace.WithClientTrace(within, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) },
		GotFirstResponseByte: func() { began.Store(true) }})
	resp, err := c.postOnce(within, at, body, key, synchronization...)
	if err == nil {
		if next := c.elsewhere(resp, at); next != nil {
			discard(resp)
			resp, err = c.postOnce(within, next, body, key, synchronization...) //nolint:bodyclose // words reads and closes it
		}
	}
	if err != nil {
		return Answer{Left: left.Load(), Garbled: began.Load() && !timedOut(err)}, c.translate(ctx, err, c.options.Delivery)
	}
	answer := Answer{Status: resp.StatusCode, RetryAfter: c.retryAfter(resp.Header), Words: words(resp)}
	answer.Took = time.Since(start)
	return answer, nil
}

func timedOut(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout()
}

func (c *Client) postOnce(ctx context.Context, at *url.URL, body []byte, key signature.Key, synchronization ...string) (*http.Response, error) {
	return c.doubleKnock(ctx, at, key, func(in dialect) (*http.Response, error) {
		req, err := c.request(ctx, http.MethodPost, at, "application/activity+json", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/activity+json")
		// Letters bear ids, so one may be sent again when a kept connection turns out to be closed. An
		// empty key says so to net/http without being sent.
		req.Header["Idempotency-Key"] = []string{}
		if words := strings.Join(synchronization, ""); words != "" {
			req.Header.Set("Collection-Synchronization", words)
		}
		if err := c.sign(req, body, key, in); err != nil {
			return nil, err
		}
		return c.wire.RoundTrip(req)
	})
}

// elsewhere is where a letter should be brought instead, when we do that.
func (c *Client) elsewhere(resp *http.Response, at *url.URL) *url.URL {
	if resp.StatusCode != http.StatusTemporaryRedirect && resp.StatusCode != http.StatusPermanentRedirect {
		return nil
	}
	next, err := c.guard.follow(at, resp.Header.Get("Location"))
	if err != nil || !sameOrigin(next, at) {
		return nil
	}
	return next
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds or a date. What is neither says nothing.
func (c *Client) retryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		if seconds < 0 {
			return 0
		}
		seconds = min(seconds, int64(maxRest/time.Second))
		return max(time.Duration(seconds)*time.Second, minRest)
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(c.options.Now()), minRest), maxRest)
}

// words reads the answer, so that the connection can be kept, and closes it. The status
// is known by then: trouble in reading the rest of it changes nothing.
func words(resp *http.Response) string {
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.Header.Get("Content-Encoding") != "" {
		return ""
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		body = visible(body)
	}
	return clean(string(body), maxWords)
}

// visible is the text of a page, as far as the answer's few words need it.
func visible(page []byte) []byte {
	var text bytes.Buffer
	hidden := false
	for tokens := html.NewTokenizer(bytes.NewReader(page)); text.Len() < 4*maxWords; {
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

// clean makes one line of a stranger's text: no controls, nothing invisible, single
// blanks, and cut at a rune so that it has no more than so many bytes.
func clean(text string, most int) string {
	var line strings.Builder
	blank := false
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			blank = line.Len() > 0
			continue
		}
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
