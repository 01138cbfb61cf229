package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"causerie/internal/page"
	"causerie/internal/store/storetest"
)

func TestADatabaseThatIsAwayIsAReasonToTryAgain(t *testing.T) {
	s, leave := storetest.PostgresAway(t)
	o := newPublicBlog(t, s)
	public := New(s, o.pages, page.NewCache(s.Changes, 0)).Routes()
	leave()
	answer := httptest.NewRecorder()
	public.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/archive", nil))
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", answer.Code, answer.Header().Get("Retry-After"))
	}
}
