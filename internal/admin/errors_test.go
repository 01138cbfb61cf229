package admin_test

import (
	"net/http"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/store/storetest"
)

func TestAuthorsAreAskedToTryAgainWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	s, leave := storetest.PostgresAway(t)
	o := open(t, s, t.TempDir())
	o.author("ilse", "Ilse Brandaris", blog.Admin)
	b := o.signIn("ilse")
	leave()
	for _, path := range []string{"/admin", "/admin/comments"} {
		b.open(path).want(http.StatusServiceUnavailable, path).sees("The database is not available").
			lacks("Something went wrong")
		if b.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	// The sign-in form reads the site.
	newBrowser(t, o.site.URL).open("/login").want(http.StatusServiceUnavailable, "/login")
}
