package markup

import "strings"

// CleanQuote is [Clean] of a post that quotes another, and of what the post holds beside its words. Left out of the
// words is what says so to servers that know no quotes: what has the class quote-inline (FEP-044f), and at the end "RE:
// " with a link that is one of the quoted post's, as Misskey writes it.
func CleanQuote(words, beside string, quoted func(address string) bool) Comment {
	tree := parse(head(words, MaxComment), commentDepth)
	tree.drop(func(n *node) bool { return n.hasClass("quote-inline") })
	tree.dropTail(quoted)
	return comment(tree, parse(head(beside, MaxComment-min(len(words), MaxComment)), commentDepth))
}

// drop takes out of what stands below n the elements for which is says yes.
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

// dropTail takes "RE: " and a link to what is quoted off the end of a text.
func (n *node) dropTail(quoted func(address string) bool) {
	link := n.lastLink()
	if link == nil || !quoted(link.attr("href")) {
		return
	}
	before, last := strings.CutSuffix(strings.TrimSpace(n.words()), strings.TrimSpace(link.words()))
	if !last || !strings.HasSuffix(strings.TrimSpace(before), quoteSign) {
		return
	}
	n.drop(func(kid *node) bool { return kid == link })
	n.trimEnd()
	n.cutSign()
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

// trimEnd takes white space, line breaks and elements without anything in them off the end.
func (n *node) trimEnd() {
	for len(n.kids) > 0 {
		last := n.kids[len(n.kids)-1]
		last.trimEnd()
		last.text = strings.TrimRight(last.text, " \t\r\n")
		if len(last.kids) > 0 || last.text != "" || last.tag != "br" && voids[last.tag] {
			return
		}
		n.kids = n.kids[:len(n.kids)-1]
	}
}

func (n *node) cutSign() {
	for len(n.kids) > 0 {
		n = n.kids[len(n.kids)-1]
	}
	n.text = strings.TrimSuffix(n.text, quoteSign)
}
