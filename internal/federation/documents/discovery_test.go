package documents_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/federation/documents"
	"causerie/internal/overkant"
	"causerie/internal/page"
)

func TestF001EveryWayToWriteAHandleLeadsToOneSubject(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		base := o.Core
		base.Site.HandleDomain = "overkant.example"
		router := chi.NewRouter()
		documents.NewDocuments(base, o.Keys, o.Inbox, page.NewCache(o.Store.Changes(), 0), "test").Routes(router)
		server := httptest.NewServer(router)
		t.Cleanup(server.Close)
		host := o.Site.Host()
		for _, resource := range []string{"acct:ilse@overkant.example", "acct:ilse@" + host, "acct:ILSE@Overkant.Example",
			"ACCT:Ilse@" + host, "@ilse@overkant.example",
			"ilse@overkant.example", "ilse@" + host} {
			answer, err := http.Get(server.URL + "/.well-known/webfinger?resource=" + url.QueryEscape(resource))
			if err != nil {
				t.Fatal(err)
			}
			var found overkant.WebFingerAnswer
			err = json.NewDecoder(answer.Body).Decode(&found)
			answer.Body.Close()
			if err != nil || found.Subject != "acct:ilse@overkant.example" || found.Self() != o.Site.ActorID(o.Ilse.ID) {
				t.Errorf("%s: %d %+v, %v", resource, answer.StatusCode, found, err)
			}
		}
	})
}

func TestF002AddressesAreResourcesAsWell(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		ilse, instance := o.Site.ActorID(o.Ilse.ID), o.Site.InstanceID()
		for resource, want := range map[string]string{o.Site.URL + "/@ilse": ilse, ilse: ilse, o.Site.ArticlePage(a): ilse,
			o.Site.URL: instance, o.Site.URL + "/": instance, instance: instance} {
			if code, _, found := o.WebFinger(resource); code != 200 || found.Self() != want ||
				!strings.HasPrefix(found.Subject, "acct:") {
				t.Errorf("%s: %d %+v, want %s", resource, code, found, want)
			}
		}
	})
}

func TestF126TheInstanceActorHasOneNameWithoutAPort(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for address, name := range map[string]string{o.Site.URL: "127.0.0.1", "https://Blog.example:8443": "Blog.example",
			"https://blog.example": "blog.example", "http://[::1]:8080": "::1"} {
			base := o.Core
			base.Site.URL = address
			base.Site.HandleDomain = base.Site.Host()
			router := chi.NewRouter()
			documents.NewDocuments(base, o.Keys, o.Inbox, page.NewCache(o.Store.Changes(), 0), "test").Routes(router)
			read := func(path string) string {
				answer := httptest.NewRecorder()
				router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
				return answer.Body.String()
			}
			wire, err := activity.Instance(base.Site)
			if err != nil || !strings.Contains(string(wire), `"preferredUsername":"`+name+`"`) {
				t.Errorf("%s: %s, %v", address, wire, err)
			}
			subject := `"subject":"acct:` + name + "@" + base.Site.HandleDomain + `"`
			for _, resource := range []string{"acct:" + name + "@" + base.Site.Host(), base.Site.InstanceID()} {
				if body := read("/.well-known/webfinger?resource=" + url.QueryEscape(resource)); !strings.Contains(body, subject) {
					t.Errorf("%s: %s, want %s", resource, body, subject)
				}
			}
		}
	})
}

func TestWebFingerSaysWhatItCannotFind(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for query, want := range map[string]int{"": 400, "?resource=a&resource=b": 400, "?resource=foo": 400,
			"?resource=acct:nobody@" + o.Site.Host(): 404,
			"?resource=acct:ilse@elsewhere.example":  404, "?resource=https://elsewhere.example/@ilse": 404} {
			if code, _, body := o.Get("/.well-known/webfinger"+query, "*/*"); code != want {
				t.Errorf("%q: %d %s, want %d", query, code, body, want)
			}
		}
	})
}

func TestF004TheSelfLinkIsTheIDByteForByte(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		_, _, found := o.WebFinger("acct:ilse@" + o.Site.HandleDomain)
		_, header, body := o.Get(o.Path(found.Self()), "application/activity+json")
		var actor struct{ ID, Webfinger string }
		if err := json.Unmarshal([]byte(body), &actor); err != nil || actor.ID != found.Self() ||
			!strings.HasPrefix(header.Get("Content-Type"), "application/activity+json") {
			t.Errorf("%s answers %q with the id %q, %v", found.Self(), header.Get("Content-Type"), actor.ID, err)
		}
	})
}

func TestF019TheHandleInAProfileLeadsBackToIt(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		_, _, body := o.Get("/ap/actors/"+string(o.Ilse.ID), overkant.AsMastodon)
		var actor struct{ ID, Webfinger string }
		if err := json.Unmarshal([]byte(body), &actor); err != nil || strings.HasPrefix(actor.Webfinger, "@") ||
			strings.Count(actor.Webfinger, "@") != 1 {
			t.Fatalf("webfinger is %q, %v", actor.Webfinger, err)
		}
		if _, _, found := o.WebFinger("acct:" + actor.Webfinger); found.Self() != actor.ID ||
			found.Subject != "acct:"+actor.Webfinger {
			t.Errorf("%s leads to %+v, want %s", actor.Webfinger, found, actor.ID)
		}
	})
}

func TestF005WebFingerServesJRDToEverybodyAndFilters(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		resource := "acct:ilse@" + o.Site.HandleDomain
		_, header, all := o.WebFinger(resource)
		if !strings.HasPrefix(header.Get("Content-Type"), "application/jrd+json") ||
			header.Get("Access-Control-Allow-Origin") != "*" || len(all.Links) < 2 {
			t.Errorf("%v with %d links", header, len(all.Links))
		}
		for _, rels := range [][]string{{"self"}, {"self", "http://webfinger.net/rel/profile-page"}, {"nothing"}} {
			_, _, found := o.WebFinger(resource, rels...)
			var got []string
			for _, l := range found.Links {
				got = append(got, l.Rel)
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(rels))
			if rels[0] == "nothing" {
				want = nil
			}
			if !slices.Equal(got, want) {
				t.Errorf("rel=%v gives %v", rels, got)
			}
		}
	})
}

func TestF006HostMetaHasOneTemplate(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		var sheet struct {
			XMLName xml.Name `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
			Link    []struct {
				Rel      string `xml:"rel,attr"`
				Template string `xml:"template,attr"`
			}
		}
		_, header, body := o.Get("/.well-known/host-meta", "*/*")
		if err := xml.Unmarshal([]byte(body), &sheet); err != nil ||
			!strings.HasPrefix(header.Get("Content-Type"), "application/xrd+xml") {
			t.Fatalf("%v: %s", err, body)
		}
		want := o.Site.URL + "/.well-known/webfinger?resource={uri}"
		if len(sheet.Link) != 1 || sheet.Link[0].Rel != "lrdd" || sheet.Link[0].Template != want {
			t.Errorf("XML: %+v, want %s", sheet.Link, want)
		}
		var plain overkant.WebFingerAnswer
		_, _, body = o.Get("/.well-known/host-meta.json", "*/*")
		if err := json.Unmarshal([]byte(body), &plain); err != nil || len(plain.Links) != 1 || plain.Links[0].Rel != "lrdd" ||
			plain.Links[0].Template != want {
			t.Errorf("JSON: %s, %v", body, err)
		}
		if code, _, _ := o.Get(strings.Replace(o.Path(want), "{uri}", url.QueryEscape("acct:ilse@"+o.Site.HandleDomain), 1),
			"*/*"); code != 200 {
			t.Errorf("the template leads to %d", code)
		}
	})
}

// nodeInfo is what the schemas of NodeInfo 2.0 and 2.1 require. They refuse other members, and so does the test.
type nodeInfo struct {
	Version  string `json:"version"`
	Software struct {
		Name       string `json:"name"`
		Version    string `json:"version"`
		Repository string `json:"repository"`
		Homepage   string `json:"homepage"`
	} `json:"software"`
	Protocols []string `json:"protocols"`
	Services  struct {
		Inbound  []string `json:"inbound"`
		Outbound []string `json:"outbound"`
	} `json:"services"`
	OpenRegistrations *bool `json:"openRegistrations"`
	Usage             *struct {
		Users struct {
			Total          *int `json:"total"`
			ActiveHalfyear *int `json:"activeHalfyear"`
			ActiveMonth    *int `json:"activeMonth"`
		} `json:"users"`
		LocalPosts    *int `json:"localPosts"`
		LocalComments *int `json:"localComments"`
	} `json:"usage"`
	Metadata map[string]any `json:"metadata"`
}

func TestF007NodeInfoKeepsToItsSchemas(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		var links overkant.WebFingerAnswer
		_, header, body := o.Get("/.well-known/nodeinfo", "*/*")
		if err := json.Unmarshal([]byte(body), &links); err != nil ||
			!strings.HasPrefix(header.Get("Content-Type"), "application/json") {
			t.Fatalf("%v: %s", err, body)
		}
		found := map[string]string{}
		for _, l := range links.Links {
			found[l.Rel] = l.Href
		}
		if found["https://www.w3.org/ns/activitystreams#Application"] != o.Site.InstanceID() {
			t.Errorf("the instance actor is not named: %s", body)
		}
		const schema = "http://nodeinfo.diaspora.software/ns/schema/"
		for _, version := range []string{"2.0", "2.1"} {
			_, header, body := o.Get(o.Path(found[schema+version]), "*/*")
			strict := json.NewDecoder(strings.NewReader(body))
			strict.DisallowUnknownFields()
			var n nodeInfo
			if err := strict.Decode(&n); err != nil {
				t.Errorf("%s: %v in %s", version, err, body)
				continue
			}
			if !strings.Contains(header.Get("Content-Type"), `profile="`+schema+version+`#"`) || n.Version != version {
				t.Errorf("%s is served as %q", n.Version, header.Get("Content-Type"))
			}
			if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(n.Software.Name) || n.Software.Version == "" ||
				!slices.Equal(n.Protocols, []string{"activitypub"}) ||
				n.Services.Inbound == nil || n.Services.Outbound == nil || n.OpenRegistrations == nil || n.Usage == nil ||
				n.Metadata == nil {
				t.Errorf("%s lacks something: %s", version, body)
			}
			if has := n.Software.Repository+n.Software.Homepage != ""; has != (version == "2.1") {
				t.Errorf("%s tells where the software is from: %v", version, has)
			}
		}
		if code, _, _ := o.Get("/nodeinfo/1.0", "*/*"); code != 404 {
			t.Errorf("/nodeinfo/1.0: %d", code)
		}
	})
}

func TestF008TheInstanceActorIsOpenAndCanBeFound(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		code, _, body := o.Get("/ap/instance", "application/activity+json")
		var actor struct {
			ID, Type, PreferredUsername, Inbox string
			PublicKey                          struct{ ID, Owner, PublicKeyPem string }
		}
		if err := json.Unmarshal([]byte(body), &actor); err != nil || code != 200 || actor.ID != o.Site.InstanceID() ||
			actor.Type != "Application" ||
			actor.Inbox == "" || actor.PublicKey.Owner != actor.ID ||
			!strings.HasPrefix(actor.PublicKey.PublicKeyPem, "-----BEGIN PUBLIC KEY-----") {
			t.Fatalf("%d %s, %v", code, body, err)
		}
		for _, resource := range []string{"acct:" + actor.PreferredUsername + "@" + o.Site.HandleDomain, actor.ID} {
			if _, _, found := o.WebFinger(resource); found.Self() != actor.ID {
				t.Errorf("%s leads to %+v", resource, found)
			}
		}
	})
}
