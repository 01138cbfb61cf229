package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"causerie/internal/page"
	"causerie/internal/store/storetest"
)

func TestADatabaseThatIsAwayIsAReasonToTryAgain(t *testing.T) {
	s, leave := storetest.PostgresAway(t)
	o := newPublicBlog(t, s)
	public := New(s, o.pages, page.NewCache(s.Changes(), 0)).Routes()
	leave()
	answer := httptest.NewRecorder()
	public.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/archive", nil))
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", answer.Code, answer.Header().Get("Retry-After"))
	}
}

func TestAnAddressNamesTheMethodsThatItAccepts(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	public := New(s, o.pages, page.NewCache(s.Changes(), 0)).Routes()
	for _, ask := range []struct{ method, path, allow string }{
		{http.MethodDelete, "/", "GET,HEAD"}, {http.MethodPut, "/archive", "GET,HEAD"}, {http.MethodGet, "/theme", "POST"},
	} {
		answer := httptest.NewRecorder()
		public.ServeHTTP(answer, httptest.NewRequest(ask.method, ask.path, nil))
		allow := strings.Join(answer.Header().Values("Allow"), ",")
		if answer.Code != http.StatusMethodNotAllowed || allow != ask.allow ||
			!strings.Contains(answer.Body.String(), "does not accept this kind of request") {
			t.Errorf("%s %s: %d, Allow %q, %q", ask.method, ask.path, answer.Code, allow, answer.Body)
		}
	}
}
