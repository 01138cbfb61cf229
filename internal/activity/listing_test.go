package activity

import (
	"errors"
	"slices"
	"testing"
)

func TestListsAreReadInEveryShape(t *testing.T) {
	const id = "https://veerhuis.example/1/replies"
	for name, c := range map[string]struct {
		doc     string
		items   []string
		first   string
		next    string
		foreign bool
	}{
		"one item": {`"items":"https://a.example/1"`, []string{"https://a.example/1"}, "", "", false},
		"embedded items": {`"orderedItems":[{"id":"https://a.example/1","content":"x"},{"type":"Note"},7,"javascript:x"]`,
			[]string{"https://a.example/1"}, "", "", false},
		"a first page": {`"first":"https://veerhuis.example/1/replies?page=1"`, nil, id + "?page=1", "", false},
		"a page within": {`"first":{"items":["https://a.example/1"],"next":"https://veerhuis.example/1/replies?page=2"}`,
			[]string{"https://a.example/1"}, "", id + "?page=2", false},
		"a page elsewhere": {`"first":"https://evil.example/list"`, nil, "", "", true},
		"goes on elsewhere": {`"items":["https://a.example/1"],"next":"http://veerhuis.example/1"`,
			[]string{"https://a.example/1"}, "", "", true},
		"a page that is only named": {`"first":{"id":"https://veerhuis.example/1/replies?page=1","type":"CollectionPage"}`,
			nil, id + "?page=1", "", false},
		"nothing": {`"totalItems":9`, nil, "", "", false},
		"items of all kinds": {`"items":["https://a.example/1"],"orderedItems":["https://a.example/2"]`,
			[]string{"https://a.example/2", "https://a.example/1"}, "", "", false},
	} {
		d, err := Read([]byte(`{"id":"` + id + `","type":"OrderedCollection",` + c.doc + `}`))
		if err != nil {
			t.Fatal(err)
		}
		l, err := ParseListing(d, id)
		if err != nil || !slices.Equal(l.Items, c.items) || l.First != c.first || l.Next != c.next || l.Foreign != c.foreign {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
	for _, doc := range []string{`{"id":"https://a.example/1","type":"Note"}`, `{"type":"Page"}`,
		`{"type":"Note","replies":"https://a.example/1/replies"}`,
		`{"type":"Person","replies":{"items":["https://a.example/2"]}}`,
		`{"id":"https://a.example/1"}`, `{"id":"https://b.example/1","type":"Collection"}`} {
		d, err := Read([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseListing(d, "https://a.example/1"); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestObjectNamesItsListsOnItsOwnOriginAlone(t *testing.T) {
	d, err := Read([]byte(`{"id":"https://a.example/1","type":"Note","context":"https://b.example/talk",` +
		`"replies":{"id":"https://a.example/1/replies","type":"Collection"}}`))
	if err != nil {
		t.Fatal(err)
	}
	o, err := ParseObject(d)
	if err != nil || o.Context != "" || o.Replies != "https://a.example/1/replies" {
		t.Errorf("%+v, %v", o, err)
	}
}
