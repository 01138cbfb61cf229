package admin

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyPathsOfTheAdminAreReturnedTo(t *testing.T) {
	for path, want := range map[string]string{
		"/admin":                        "/admin",
		"/admin/followers?q=bram":       "/admin/followers?q=bram",
		"/admin/articles/new":           "/admin/articles/new",
		"//zilverduin.example/admin":    "home",
		"///zilverduin.example":         "home",
		"/\\zilverduin.example":         "home",
		"/admin\\@zilverduin.example":   "home",
		"https://zilverduin.example/":   "home",
		"https:zilverduin.example":      "home",
		"/\t/zilverduin.example":        "home",
		"/admin/\r\nSet-Cookie: a=b":    "home",
		"javascript:alert(1)":           "home",
		"/administrator":                "home",
		"/login?to=/login":              "home",
		"":                              "home",
		"/admin/%zz":                    "home",
		"http:///admin":                 "home",
		"@zilverduin.example/admin":     "home",
		"/admin/..//zilverduin.example": "home",
	} {
		if got := ownPath(path, "home"); got != want {
			t.Errorf("ownPath(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestASourceIsAnAddressOrTheNetworkOfOneCustomer(t *testing.T) {
	for peer, want := range map[string]string{
		"192.0.2.1:443":              "192.0.2.1",
		"[::ffff:192.0.2.1]:443":     "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:1":   "2001:db8:1:2::/64",
		"[2001:db8:1:3::1]:1":        "2001:db8:1:3::/64",
		"[fe80::1%eth0]:1":           "fe80::/64",
		"192.0.2.1":                  "192.0.2.1",
		"@":                          "@", // a unix socket
		"":                           "",
	} {
		r := httptest.NewRequest("POST", "/login", nil)
		r.RemoteAddr = peer
		if got := source(r); got != want {
			t.Errorf("the source of %q is %q, want %q", peer, got, want)
		}
	}
}

func TestAWaitLastsAsLongAsItIsAndEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := wait(t.Context(), longestDelay); err != nil || time.Since(began) != longestDelay {
			t.Errorf("waited %v (%v)", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := wait(ctx, longestDelay); err == nil || time.Since(began) != longestDelay+time.Second {
			t.Errorf("after a request that ended: %v, %v", time.Since(began), err)
		}
	})
}
