package activity

import (
	"github.com/go-fed/activity/streams"

	"causerie/internal/blog"
)

// Listing is a collection of another server, or a page of one. It has ids only: they say what to fetch and prove
// nothing.
type Listing struct {
	ID    string   // the address from which it was fetched
	Items []string // at most 1,000, with those of an embedded first page
	First string   // address of the first page, on the same origin; "" when it is embedded or absent
	Next  string   // address of the next page, on the same origin; "" when there is none

	// Foreign reports that the address of a page was on another origin. It was ignored.
	Foreign bool
}

var listings = set(streams.ActivityStreamsCollectionName, streams.ActivityStreamsOrderedCollectionName,
	streams.ActivityStreamsCollectionPageName, streams.ActivityStreamsOrderedCollectionPageName)

// ParseListing reads a collection or a page of one that was fetched from an address. Its id may be another one of the
// same origin, or be missing: a list proves nothing. Of a post it reads the replies that come along. The error is an
// ErrMalformed when the document is neither.
func ParseListing(d *Document, at string) (Listing, error) {
	list := d.root
	switch along := embedded(d.root["replies"]); {
	case listings[d.Type()]:
	case posts[d.Type()] && along != nil:
		list = along
	default:
		return Listing{}, malformed("it is a %s and no collection", short(d.Type()))
	}
	if id := d.ID(); id != "" && !blog.SameOrigin(id, at) {
		return Listing{}, malformed("its id %q is of another server", short(id))
	}
	l := Listing{ID: at}
	l.page(list)
	if first := embedded(list["first"]); first["items"] != nil || first["orderedItems"] != nil || first["next"] != nil {
		l.page(first)
	} else {
		l.First = l.sameOrigin(addressOf(list["first"]))
	}
	return l, nil
}

// page adds the items of a page and sets the address of the next one.
func (l *Listing) page(raw map[string]any) {
	// Some servers use "items" in an ordered page, so both names are read.
	for _, name := range []string{"orderedItems", "items"} {
		l.Items = append(l.Items, addresses(raw[name], maxItems-len(l.Items))...)
	}
	if next := l.sameOrigin(addressOf(raw["next"])); next != "" {
		l.Next = next
	}
}

// sameOrigin returns the address of a page if it has the origin of the list.
func (l *Listing) sameOrigin(address string) string {
	if address == "" || blog.SameOrigin(address, l.ID) {
		return address
	}
	// Following it would let any server choose which addresses we fetch.
	l.Foreign = true
	return ""
}

// listed returns the items of an embedded collection and of its embedded first page.
func listed(value any) []string {
	var l Listing
	l.page(embedded(value))
	l.page(embedded(embedded(value)["first"]))
	return l.Items
}

// collectionOf returns the address of a collection of an object if it has the object's origin, else "".
func collectionOf(value any, id string) string {
	if at := addressOf(value); at != "" && blog.SameOrigin(at, id) {
		return at
	}
	return ""
}
