package admin

import (
	"context"
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
