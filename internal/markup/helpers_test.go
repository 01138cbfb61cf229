package markup

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// inert parses HTML as a browser would. It names the first thing that could do harm: an element or attribute that is
// not allowed, an address that runs code, a tag that is not closed.
func inert(source string, elements, attributes map[string]bool, schemes ...string) error {
	if !utf8.ValidString(source) {
		return fmt.Errorf("not UTF-8")
	}
	var open []string
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				return fmt.Errorf("<%s> is not closed", open[len(open)-1])
			}
			return nil
		case html.CommentToken, html.DoctypeToken:
			return fmt.Errorf("a comment: %s", z.Raw())
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if err := inertTag(t, elements, attributes, schemes); err != nil {
				return err
			}
			if !voidElements[t.Data] {
				open = append(open, t.Data)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				return fmt.Errorf("</%s> closes nothing in %v", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func inertTag(t html.Token, elements, attributes map[string]bool, schemes []string) error {
	if !elements[t.Data] {
		return fmt.Errorf("element <%s>", t.Data)
	}
	for _, a := range t.Attr {
		if !attributes[a.Key] {
			return fmt.Errorf("attribute %s on <%s>", a.Key, t.Data)
		}
		if a.Key != "href" && a.Key != "src" {
			continue
		}
		u, err := url.Parse(a.Val)
		if err != nil || !slices.Contains(schemes, u.Scheme) {
			return fmt.Errorf("address %q on <%s>", a.Val, t.Data)
		}
	}
	return nil
}

var (
	remoteSet   = set(strings.Join(remoteElements, " "))
	remoteAttrs = set("href rel class lang dir start reversed value")
	wireSet     = set(strings.Join(remoteElements, " ") +
		" h2 h3 h4 h5 h6 hr sup sub figure figcaption table caption thead tbody tr th td img")
	wireAttrs = set("href rel class lang dir start src alt title width height align")
	ownSet    = set(strings.Join(remoteElements, " ") +
		" h2 h3 h4 h5 h6 hr sup sub figure figcaption table caption thead tbody tr th td img footer aside div dl dt dd kbd " +
		"mark small ins cite var samp abbr bdi bdo wbr")
	ownAttributes = set("href rel class lang dir start src srcset sizes loading decoding alt title width height id role " +
		"tabindex scope aria-label aria-labelledby")
)

func checkComment(t *testing.T, c Comment) {
	t.Helper()
	if err := inert(string(c.HTML), remoteSet, remoteAttrs, "http", "https"); err != nil {
		t.Errorf("%v in %s", err, c.HTML)
	}
	if strings.ContainsAny(c.Text, "\x00\u202E") {
		t.Errorf("text %q", c.Text)
	}
}

func checkArticle(t *testing.T, r Rendered) {
	t.Helper()
	if err := inert(string(r.HTML), ownSet, ownAttributes, "http", "https", "mailto", ""); err != nil {
		t.Errorf("own page: %v in %s", err, r.HTML)
	}
	for _, kind := range []HTMLKind{ArticleHTML, NoteHTML} {
		sent := Federated(r.HTML, kind, ferry)
		if err := inert(string(sent), wireSet, wireAttrs, "https"); err != nil {
			t.Errorf("wire %d: %v in %s", kind, err, sent)
		}
	}
	if bare := string(StripLinks(r.HTML)); strings.Contains(bare, "<a ") {
		t.Errorf("a link is left in %s", bare)
	}
}

// ferry is the page of the sample article.
const ferry = "https://overkant.example/2026/11/four-minutes-wide"
