package activity

import (
	"github.com/go-fed/activity/streams"

	"causerie/internal/blog"
)

// Listing is a collection of another server, or a page of one, as far as it lists things: their ids alone, which say
// where to look and prove nothing.
type Listing struct {
	ID    string
	Items []string // those of a first page that came along among them; at most 1,000
	First string   // the first page, on the same origin; "" when it came along, or when there is none
	Next  string   // the next page, likewise

	// Foreign tells that a page of the list is said to lie on another origin, where it is not looked for.
	Foreign bool
}

var listings = set(streams.ActivityStreamsCollectionName, streams.ActivityStreamsOrderedCollectionName,
	streams.ActivityStreamsCollectionPageName, streams.ActivityStreamsOrderedCollectionPageName)

// ParseListing reads a collection or a page of one. The error is an ErrMalformed when the document is neither.
func ParseListing(d *Document) (Listing, error) {
	if !listings[d.Type()] {
		return Listing{}, malformed("it is a %s and no collection", short(d.Type()))
	}
	l := Listing{ID: d.ID()}
	if !isAddress(l.ID) {
		return Listing{}, malformed("its id %q is no address", short(l.ID))
	}
	l.page(d.root)
	if first := embedded(d.root["first"]); first != nil {
		l.page(first)
	} else {
		l.First = l.own(addressOf(d.root["first"]))
	}
	return l, nil
}

// page takes what a page lists and where it goes on.
func (l *Listing) page(raw map[string]any) {
	for _, name := range []string{"orderedItems", "items"} {
		l.Items = append(l.Items, addresses(raw[name], maxItems-len(l.Items))...)
	}
	if next := l.own(addressOf(raw["next"])); next != "" {
		l.Next = next
	}
}

// own is the address of a page if it lies where the list does.
func (l *Listing) own(address string) string {
	if address == "" || blog.SameOrigin(address, l.ID) {
		return address
	}
	l.Foreign = true
	return ""
}

// listed is the address of a collection that belongs to an object: on the object's own origin, or "".
func listed(value any, id string) string {
	if at := addressOf(value); at != "" && blog.SameOrigin(at, id) {
		return at
	}
	return ""
}
