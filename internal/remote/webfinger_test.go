package remote

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// jrd answers a resource descriptor for an actor on the same server.
func jrd(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Content-Type", "application/jrd+json; charset=utf-8")
	fmt.Fprintf(w, `{"subject":"acct:%s@%s","aliases":[],"links":[
		{"rel":"http://webfinger.net/rel/profile-page","type":"text/html","href":"http://%[2]s/@%[1]s"},
		{"rel":"self","type":"text/html","href":"http://%[2]s/wrong"},
		{"rel":"self","type":"application/activity+json","href":"http://%[2]s/users/%[1]s"}]}`, name, r.Host)
}

func TestWebFingerFindsTheActorOfAHandle(t *testing.T) {
	near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		want := "acct:bram@" + r.Host
		if r.URL.Path != "/.well-known/webfinger" || r.URL.Query().Get("resource") != want ||
			r.Header.Get("Signature") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		jrd(w, r, "bram")
	})
	host := strings.TrimPrefix(near.URL, "http://")
	c := client(t, Options{Key: instanceKey()})
	for _, handle := range []string{"@bram@" + host, "bram@" + host, "acct:bram@" + host} {
		self, subject, err := c.WebFinger(t.Context(), handle)
		if err != nil || self != near.URL+"/users/bram" || subject != "bram@"+host {
			t.Errorf("%s: got %q, %q, %v", handle, self, subject, err)
		}
	}

	secure := start(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) { jrd(w, r, "nadia") })
	secure.StartTLS()
	trust(c, secure)
	host = strings.TrimPrefix(secure.URL, "https://")
	if self, subject, err := c.WebFinger(t.Context(), "@nadia@"+host); err != nil || subject != "nadia@"+host {
		t.Errorf("over TLS: got %q, %q, %v", self, subject, err)
	}
}

func TestT073WhatIsNoHandleIsNotLookedUp(t *testing.T) {
	bait := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) { jrd(w, r, "x") })
	host := strings.TrimPrefix(bait.URL, "http://")
	c := client(t, Options{})
	for _, handle := range []string{
		"", "@", "@@", "bram", "@bram", "@bram@", "@@" + host, "@bram@" + host + "/a", "@bram@" + host + "?b",
		"@bram@" + host + "#c",
		"@x@" + host + "/a?b#", "@bram@nadia@" + host, "@bram:secret@" + host, "@br am@" + host, "@\u0301b@" + host,
		"@bram @" + host, "@bram@ " + host,
		"@bram@" + host + "\r\nX: 1", "@bram@" + host + "%2f", `@bram@a\` + host, "@.bram@" + host, "@bram.@" + host,
		"@-@" + host, "@bram@:80",
		"@" + strings.Repeat("b", 65) + "@" + host, "http://" + host + "/@bram", "@../../x@" + host,
		"@bram&resource=x@" + host, "@bram@[::1",
	} {
		if _, _, err := c.WebFinger(t.Context(), handle); !errors.Is(err, ErrHandle) {
			t.Errorf("%q: got %v", handle, err)
		}
	}
	for _, handle := range []string{"@bram@10.0.0.1", "@bram@127.0.0.2:80", "@bram@0x7f.1", "@bram@veerhuis.nl.",
		"@bram@-"} {
		if _, _, err := c.WebFinger(t.Context(), handle); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: got %v", handle, err)
		}
	}
	if _, _, err := New(Options{}).WebFinger(t.Context(), "@x@noordkade.nl:22"); !errors.Is(err, ErrRefused) {
		t.Errorf("a port: got %v", err)
	}
	if bait.connections.Load() != 0 {
		t.Error("somebody was asked")
	}
}

func TestAWebFingerAnswerIsReadStrictly(t *testing.T) {
	const link = `{"rel":"self","type":"application/activity+json","href":"http://127.0.0.1:9/users/bram"}`
	for _, test := range []struct {
		name, kind, body string
		want             error
	}{
		{"an instance actor named by its host", "application/jrd+json",
			`{"subject":"acct:127.0.0.1:9@127.0.0.1:9","links":[` + link + `]}`, nil},
		{"plain JSON", "application/json", `{"subject":"acct:bram@127.0.0.1:9","links":[` + link + `]}`, nil},
		{"the other type of an actor", "application/jrd+json",
			`{"subject":"acct:bram@127.0.0.1:9","links":[{"rel":"self","type":"application/ld+json; ` +
				`profile=\"https://www.w3.org/ns/activitystreams\"","href":"http://127.0.0.1:9/b"}]}`, nil},
		{"a page", "text/html", `{"subject":"acct:bram@127.0.0.1:9","links":[` + link + `]}`, ErrNotActivity},
		{"no type", "", `{"subject":"acct:bram@127.0.0.1:9","links":[` + link + `]}`, ErrNotActivity},
		{"no subject", "application/jrd+json", `{"links":[` + link + `]}`, ErrNotActivity},
		{"a subject that is an address", "application/jrd+json",
			`{"subject":"http://127.0.0.1/users/bram","links":[` + link + `]}`, ErrNotActivity},
		{"a subject with more in it", "application/jrd+json", `{"subject":"acct:bram@127.0.0.1:9/x","links":[` + link + `]}`,
			ErrNotActivity},
		{"no links", "application/jrd+json", `{"subject":"acct:bram@127.0.0.1:9"}`, ErrNotActivity},
		{"no actor", "application/jrd+json", `{"subject":"acct:bram@127.0.0.1:9","links":[{"rel":"self",` +
			`"type":"text/html","href":"http://127.0.0.1:9/"}]}`, ErrNotActivity},
		{"an actor by script", "application/jrd+json",
			`{"subject":"acct:bram@127.0.0.1:9","links":[{"rel":"self","type":"application/activity+json",` +
				`"href":"javascript:x"}]}`, ErrRefused},
		{"a private actor", "application/jrd+json",
			`{"subject":"acct:bram@127.0.0.1:9","links":[{"rel":"self","type":"application/activity+json",` +
				`"href":"http://10.0.0.1/"}]}`, ErrRefused},
		{"two subjects", "application/jrd+json",
			`{"subject":"acct:a@127.0.0.1:9","subject":"acct:bram@127.0.0.1:9","links":[` + link + `]}`, ErrNotActivity},
		{"a list", "application/jrd+json", `[]`, ErrNotActivity},
		{"nothing", "application/jrd+json", ``, ErrNotActivity},
	} {
		t.Run(test.name, func(t *testing.T) {
			near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = []string{test.kind}
				io.WriteString(w, test.body)
			})
			_, _, err := client(t, Options{}).WebFinger(t.Context(), "@bram@"+strings.TrimPrefix(near.URL, "http://"))
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestT071HostMetaIsAskedOnlyAfterA404AndLeadsNowhereElse(t *testing.T) {
	bait := serve(t, forbidden+":0", func(w http.ResponseWriter, r *http.Request) { jrd(w, r, "bram") })
	far := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/wf" || !strings.HasPrefix(r.URL.Query().Get("q"), "acct:bram@127.0.0.1:") ||
			len(r.URL.Query()) != 1 {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		jrd(w, r, "bram")
	})
	xrd := func(template string) string {
		return `<?xml version="1.0"?><XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">` +
			`<Link rel="lrdd" type="application/xrd+xml" template="http://127.0.0.1:1/old?{uri}"/><Link rel="lrdd" template="` +
			template + `"/></XRD>`
	}
	for _, test := range []struct {
		name         string
		finger, meta int
		body         string
		want         error
		asked        int64
	}{
		{"it leads to another server", 404, 200, xrd(far.URL + "/wf?q={uri}"), nil, 2},
		{"it is not asked when WebFinger is gone", 410, 200, xrd(far.URL + "/wf?q={uri}"), ErrGone, 1},
		{"nor when the server is unwell", 500, 200, xrd(far.URL + "/wf?q={uri}"), ErrUnavailable, 1},
		{"without it the 404 stands", 404, 404, "", ErrNotFound, 2},
		{"what is no XML is nothing", 404, 200, "{}", ErrNotFound, 2},
		{"a template without a place for the handle is nothing", 404, 200, xrd(far.URL + "/wf"), ErrNotFound, 2},
		{"a template to a private number is refused", 404, 200, xrd(bait.URL + "/wf?q={uri}"), ErrRefused, 2},
		{"a template of data is refused", 404, 200, xrd("data:application/json,{uri}"), ErrRefused, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			near := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/.well-known/host-meta" {
					w.WriteHeader(test.meta)
					io.WriteString(w, test.body)
					return
				}
				w.WriteHeader(test.finger)
			})
			self, _, err := client(t, Options{}).WebFinger(t.Context(), "@bram@"+strings.TrimPrefix(near.URL, "http://"))
			if !errors.Is(err, test.want) || test.want == nil && (err != nil || self != far.URL+"/users/bram") {
				t.Errorf("got %q, %v, want %v", self, err, test.want)
			}
			if near.requests.Load() != test.asked {
				t.Errorf("%d requests, want %d", near.requests.Load(), test.asked)
			}
		})
	}
	if bait.connections.Load() != 0 {
		t.Error("a forbidden server was reached")
	}
}

func FuzzHandle(f *testing.F) {
	for _, seed := range []string{"@bram@veerhuis.nl", "acct:a.b@xn--a.nl", "@a@127.0.0.1:1", "@a@[::1]:1", "@a@b@c"} {
		f.Add(seed)
	}
	c := New(Options{Allow: openWorld})
	f.Fuzz(func(t *testing.T, handle string) {
		name, host, err := c.splitHandle(handle)
		if err != nil {
			return
		}
		again, same, err := c.splitHandle("@" + name + "@" + host)
		if err != nil || again != name || same != host || strings.ContainsAny(name+host, "/?#@\\ %\r\n") {
			t.Errorf("%q is %q at %q, and then %q at %q (%v)", handle, name, host, again, same, err)
		}
	})
}
