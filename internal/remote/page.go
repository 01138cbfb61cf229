package remote

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"causerie/internal/activity"
)

// Alternate is the error for a page that names an object of ActivityPub as another form of itself, as those of Ghost,
// of static sites and of bridges do, which are HTML whatever is asked for. It is an ErrNotActivity: anybody may name
// any object, so the page proves nothing about it.
type Alternate struct {
	Page string // where the page was found
	ID   string // the address that it names
}

// Error names both addresses.
func (a *Alternate) Error() string {
	return fmt.Sprintf("%v: %s is a page, which names %s", ErrNotActivity, clean(a.Page, 200), clean(a.ID, 200))
}

// Unwrap returns ErrNotActivity.
func (a *Alternate) Unwrap() error { return ErrNotActivity }

// LookupPage is [Client.Lookup] for an address that a person gave, which may be that of a page. For a page that names
// an object in a header Link (RFC 8288) or in a <link> of its head, the error is an [*Alternate]. Nothing is fetched
// from there.
func (c *Client) LookupPage(ctx context.Context, address string) (*activity.Document, error) {
	doc, settle, err := c.share(ctx, address, lookup{"page ", "", c.page})
	if err == nil {
		settle(true)
	}
	return doc, err
}

// page is object for an address that may be that of a page.
func (c *Client) page(ctx context.Context, address string) (doc *activity.Document, at *url.URL, err error) {
	return c.within(ctx, address, func(e *exchange, ctx context.Context, asked string) (*activity.Document, *url.URL,
		error) {
		e.pages = true
		return e.object(ctx, asked)
	})
}

// maxHead is how much of a page is read to find the links in its head.
const maxHead = 256 << 10

// alternate returns the object that a page names, or nil. It closes the body.
func alternate(resp *http.Response, at *url.URL) *Alternate {
	defer resp.Body.Close()
	href := alternateInHeader(resp.Header)
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if href == "" && err == nil && (kind == "text/html" || kind == "application/xhtml+xml") {
		href = alternateInHead(io.LimitReader(resp.Body, maxHead))
	}
	to, err := at.Parse(href)
	if href == "" || err != nil || to.String() == at.String() {
		return nil
	}
	return &Alternate{Page: at.String(), ID: to.String()}
}

// linkValue is one link of a header Link (RFC 8288, section 3): its target and its parameters.
var linkValue = regexp.MustCompile(`<([^>]*)>((?:[^<"]|"(?:[^"\\]|\\.)*")*)`)

func alternateInHeader(header http.Header) string {
	for _, value := range header.Values("Link") {
		for _, link := range linkValue.FindAllStringSubmatch(value, -1) {
			// The parameters have the form of those of a media type.
			_, params, err := mime.ParseMediaType("link/value" + strings.TrimRight(link[2], ", \t"))
			if err == nil && isAlternate(params["rel"], params["type"]) && link[1] != "" {
				return link[1]
			}
		}
	}
	return ""
}

// alternateInHead reads only the head: the body may have the words of strangers.
func alternateInHead(page io.Reader) string {
	tokens := html.NewTokenizer(page)
	tokens.SetMaxBuf(maxHead)
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return ""
		case html.EndTagToken:
			if tokens.Token().DataAtom == atom.Head {
				return ""
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			if token.DataAtom == atom.Body {
				return ""
			}
			attrs := map[string]string{}
			for _, a := range token.Attr {
				attrs[a.Key] = strings.TrimSpace(a.Val)
			}
			if token.DataAtom == atom.Link && isAlternate(attrs["rel"], attrs["type"]) && attrs["href"] != "" {
				return attrs["href"]
			}
		}
	}
}

// isAlternate reports whether a link leads to an object of ActivityPub that is another form of the page.
func isAlternate(rel, kind string) bool {
	return slices.Contains(strings.Fields(strings.ToLower(rel)), "alternate") && activity.IsActivityType(kind)
}
