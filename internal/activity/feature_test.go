package activity

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
)

func TestF117ProfileSaysWhoMayFeatureItsAuthor(t *testing.T) {
	everybody, followers, nobody := []any{Public}, []any{ilse + "/followers"}, []any{ilse}
	for _, test := range []struct {
		name           string
		change         func(*blog.Voice)
		automatic, ask []any
	}{
		{"as the profile, for all", func(*blog.Voice) {}, everybody, nil},
		{"as the profile, who approves followers", func(v *blog.Voice) { v.ApprovesFollowers = true }, followers, nil},
		{"as the profile, not to be recommended", func(v *blog.Voice) { v.Discoverable = false }, nobody, nil},
		{"as the profile, neither", func(v *blog.Voice) { v.Discoverable, v.ApprovesFollowers = false, true }, nobody, nil},
		{"everyone", func(v *blog.Voice) { v.CanFeature, v.Discoverable = blog.FeatureEveryone, false }, everybody, nil},
		{"followers", func(v *blog.Voice) { v.CanFeature = blog.FeatureFollowers }, followers, nil},
		{"ask", func(v *blog.Voice) { v.CanFeature = blog.FeatureAsk }, nil, everybody},
		{"nobody", func(v *blog.Voice) { v.CanFeature = blog.FeatureNobody }, nobody, nil},
		{"who moved away", func(v *blog.Voice) { v.MovedTo = bram }, nobody, nil},
		{"a series", func(v *blog.Voice) { v.Kind = blog.SeriesVoice }, nobody, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			voice := ilseVoice
			test.change(&voice)
			document, err := Person(overkant, voice)
			if err != nil {
				t.Fatal(err)
			}
			policy := embedded(embedded(loose(t, document)["interactionPolicy"])["canFeature"])
			want := map[string]any{}
			if test.automatic != nil {
				want["automaticApproval"] = test.automatic
			}
			if test.ask != nil {
				want["manualApproval"] = test.ask
			}
			if diff := cmp.Diff(want, policy); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestACollectionOfAccountsIsReadInItsShapes(t *testing.T) {
	const list = `"id":"https://veerhuis.example/lists/1","attributedTo":"` + bram + `","name":"By the water",`
	item := FeaturedItem{"https://veerhuis.example/lists/1/1", ilse, "https://overkant.example/ap/authorizations/1"}
	const itemJSON = `{"id":"https://veerhuis.example/lists/1/1","type":"FeaturedItem","featuredObject":"` + ilse +
		`","featureAuthorization":"https://overkant.example/ap/authorizations/1"}`
	for name, test := range map[string]struct {
		body string
		want *FeaturedCollection
	}{
		"usual": {`{"type":"FeaturedCollection",` + list + `"topic":{"type":"Hashtag","name":"#rivers"},"totalItems":1,` +
			`"orderedItems":[` + itemJSON + `]}`, &FeaturedCollection{"rivers", []FeaturedItem{item}, true}},
		"with another type, and one item that is no list": {`{"type":["OrderedCollection",` +
			`"https://w3id.org/fep/7aa9#FeaturedCollection"],` + list + `"orderedItems":` + itemJSON + `}`,
			&FeaturedCollection{"", []FeaturedItem{item}, true}},
		"empty": {`{"type":"FeaturedCollection",` + list + `"totalItems":0}`, &FeaturedCollection{Whole: true}},
		"with more items than it shows": {`{"type":"FeaturedCollection",` + list + `"totalItems":2,` +
			`"orderedItems":[` + itemJSON + `]}`, &FeaturedCollection{"", []FeaturedItem{item}, false}},
		"with pages": {`{"type":"FeaturedCollection",` + list + `"first":"https://veerhuis.example/lists/1/first"}`,
			&FeaturedCollection{}},
		"with ids only": {`{"type":"FeaturedCollection",` + list + `"orderedItems":["https://veerhuis.example/lists/1/1"]}`,
			&FeaturedCollection{"", []FeaturedItem{{ID: "https://veerhuis.example/lists/1/1"}}, false}},
		"no collection of accounts": {`{"type":"OrderedCollection",` + list + `"totalItems":0}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := ParseObject(read(t, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, o.Collection); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if o.IsPost() || o.Name != "By the water" || o.AttributedTo != bram {
				t.Errorf("read as %+v", o)
			}
		})
	}
}

func TestF121CollectionOfTheAuthorsIsReadAsOthersReadIt(t *testing.T) {
	o, err := ParseObject(read(t, string(authorsCollection.Document())))
	if err != nil {
		t.Fatal(err)
	}
	site := authorsCollection.Voice.ID
	if o.ID != overkant.AuthorsCollection(site) || o.AttributedTo != overkant.ActorID(site) ||
		o.Name != "De Overkant" || o.URL != overkant.AuthorsPage() {
		t.Errorf("read as %+v", o)
	}
	want := &FeaturedCollection{Whole: true}
	for _, t := range []blog.Authorization{authorsCollection.Members[1], authorsCollection.Members[0]} { // by their time
		want.Items = append(want.Items, FeaturedItem{overkant.AuthorsItem(site, t.ID), t.Target,
			Authorization{Site: overkant, ID: t.ID}.Address()})
	}
	if diff := cmp.Diff(want, o.Collection); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
