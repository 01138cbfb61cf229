package activity

import "testing"

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"", "*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json, text/html;q=0.1`,
		"application/ld+json; profile=https://www.w3.org/ns/activitystreams", "application/json;q=1e9", ";q=,,",
		"text/html;q=NaN", `a/b;c="`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		accept := []string{header}
		a := readAccept(accept)
		for name, q := range map[string]float64{"activity": a.activity, "linked data": a.linkedData, "JSON": a.json,
			"a page": a.page, "anything": a.any} {
			if !(q >= 0 && q <= 1) {
				t.Errorf("%q likes %s %v", header, name, q)
			}
		}
		if AsksForActivity(accept) && PrefersPage(accept) {
			t.Errorf("%q wants both", header)
		}
		if kind := MediaType(accept); kind != LinkedDataType &&
			kind[:len("application/activity+json")] != "application/activity+json" {
			t.Errorf("%q is answered as %s", header, kind)
		}
		if readAccept([]string{header, header}) != a {
			t.Errorf("%q means something else when it is said twice", header)
		}
	})
}
