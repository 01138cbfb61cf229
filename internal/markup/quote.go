package markup

import "strings"

// CleanQuote is [Clean] for a post that quotes another, and for what the post holds beside its text. The text loses
// its fallback for servers without quotes: an element with the class quote-inline (FEP-044f), and "RE: " with a link
// to the quoted post at the end, as Misskey writes it.
func CleanQuote(words, beside string, quoted func(address string) bool) Comment {
	tree := parse(truncate(words, MaxComment), commentDepth)
	tree.drop(func(n *node) bool { return n.hasClass("quote-inline") })
	tree.dropTail(quoted)
	// Both parts together stay within MaxComment, as one comment would.
	return comment(tree, parse(truncate(beside, MaxComment-min(len(words), MaxComment)), commentDepth))
}

// drop removes the elements below n that is accepts.
func (n *node) drop(is func(*node) bool) {
	kept := n.kids[:0]
	for _, kid := range n.kids {
		if kid.tag != "" && is(kid) {
			continue
		}
		kid.drop(is)
		kept = append(kept, kid)
	}
	n.kids = kept
}

const quoteSign = "RE:"

// dropTail removes "RE: " and a link to the quoted post from the end of a text.
func (n *node) dropTail(quoted func(address string) bool) {
	link := n.lastLink()
	if link == nil || !quoted(link.attr("href")) {
		return
	}
	before, last := strings.CutSuffix(strings.TrimSpace(n.allText()), strings.TrimSpace(link.allText()))
	// A link that only happens to be last, without the sign before it, is the author's own.
	if !last || !strings.HasSuffix(strings.TrimSpace(before), quoteSign) {
		return
	}
	n.drop(func(kid *node) bool { return kid == link })
	n.trimEnd()
	n.cutQuoteSign()
	n.trimEnd()
}

func (n *node) lastLink() *node {
	if n.tag == "a" {
		return n
	}
	for i := len(n.kids) - 1; i >= 0; i-- {
		if link := n.kids[i].lastLink(); link != nil {
			return link
		}
	}
	return nil
}

// trimEnd removes white space, line breaks and empty elements from the end.
func (n *node) trimEnd() {
	for len(n.kids) > 0 {
		last := n.kids[len(n.kids)-1]
		last.trimEnd()
		last.text = strings.TrimRight(last.text, " \t\r\n")
		// A picture is void as a line break is, but it is something to see.
		if len(last.kids) > 0 || last.text != "" || last.tag != "br" && voidElements[last.tag] {
			return
		}
		n.kids = n.kids[:len(n.kids)-1]
	}
}

func (n *node) cutQuoteSign() {
	for len(n.kids) > 0 {
		n = n.kids[len(n.kids)-1]
	}
	n.text = strings.TrimSuffix(n.text, quoteSign)
}
