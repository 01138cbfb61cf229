package remote

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func TestF098NoPrivateAddressIsAskedWhateverLeadsThere(t *testing.T) {
	bait := serve(t, forbidden+":0", document("{}"))
	port := bait.URL[strings.LastIndex(bait.URL, ":"):]
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, bait.URL+"/users/kade", http.StatusFound)
	})
	names := &nameServer{answers: map[string][][]string{"zilverduin.example": {{forbidden}}}}
	c := client(t, Options{})
	names.resolve(t, c)
	for name, address := range map[string]string{"by its number": bait.URL + "/users/kade",
		"by a name":     "http://zilverduin.example" + port + "/users/kade",
		"by a redirect": near.URL + "/users/kade", "link-local": "http://169.254.169.254/latest",
		"private": "http://192.168.1.1/", "of IPv6": "http://[fe80::1]/"} {
		if _, err := c.Object(t.Context(), address); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
		if answer, err := c.Post(t.Context(), address, payload, instanceKey()); err == nil &&
			answer.Status != http.StatusFound {
			t.Errorf("%s: a delivery is answered with %d", name, answer.Status)
		}
	}
	if bait.connections.Load() != 0 {
		t.Errorf("%d forbidden connections", bait.connections.Load())
	}
}

func TestT075WhatIsPutIntoAnAddressStaysOneValue(t *testing.T) {
	const id = "https://overkant.example/ap/articles/1?a=b&proxy=http://10.0.0.1/#x"
	home := HomeServer{host: "https://veerhuis.example", guard: newGuard(nil, 0),
		templates: map[string]string{subscribe: "https://veerhuis.example/a?uri={uri}&x={nothing}"}}
	for _, place := range []string{home.IntentURL("reply", id),
		HomeServer{host: home.host, guard: home.guard}.IntentURL("reply", id)} {
		u, err := url.Parse(place)
		if err != nil || u.Query().Get("uri") != id || u.Query().Has("proxy") || u.Fragment != "" ||
			u.Host != "veerhuis.example" {
			t.Errorf("%s, %v", place, err)
		}
	}
	var spoiled atomic.Int64
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if query := r.URL.Query(); r.URL.Path == "/.well-known/webfinger" &&
			(len(query) != 1 || len(query["resource"]) != 1) {
			spoiled.Add(1)
		}
		w.Header().Set("Content-Type", "application/jrd+json")
		fmt.Fprint(w, `{"subject":"acct:a.b@x.example","links":[]}`)
	})
	host := strings.TrimPrefix(near.URL, "http://")
	for _, typed := range []string{"a.b@" + host, "a&resource=acct:x@" + host, "a@" + host + "&resource=x",
		"a%26b=c@" + host, near.URL + "/@a&b=c", near.URL + "?resource=x"} {
		client(t, Options{}).HomeServer(t.Context(), typed)
		client(t, Options{}).WebFinger(t.Context(), typed)
	}
	if near.requests.Load() == 0 || spoiled.Load() != 0 {
		t.Errorf("%d questions, %d of them with more than one value", near.requests.Load(), spoiled.Load())
	}
}
