package remote

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSelfClientAsksOnlyThisSite(t *testing.T) {
	elsewhere := serve(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) {})
	ours := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/", http.StatusFound)
	})
	own := NewSelfClient(Options{UserAgent: agent}, ours.URL)
	t.Cleanup(own.Close)
	for _, address := range []string{elsewhere.URL + "/", ours.URL + ".example/", ours.URL,
		strings.Replace(ours.URL, "http://", "http://user@", 1) + "/", "file:///etc/passwd", ""} {
		if _, err := own.Get(t.Context(), address, "*/*", Signing{}); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v", address, err)
		}
	}
	reply, err := own.Get(t.Context(), ours.URL+"/", "*/*", Signing{})
	if err != nil || reply.Status != http.StatusFound ||
		reply.Describe() != "302 Found, which leads to "+elsewhere.URL+"/ (text/html)" {
		t.Errorf("%s, %v", reply.Describe(), err)
	}
	if n := elsewhere.requests.Load(); n != 0 {
		t.Errorf("%d questions went elsewhere", n)
	}
}

func TestSelfClientHasADeadlineAndALimit(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"silence": {func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() },
			"no complete answer within 100ms"},
		"a body that ends": {func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("begun"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "no complete answer within 100ms"},
	} {
		ours := serve(t, "127.0.0.1:0", c.answer)
		own := NewSelfClient(Options{UserAgent: agent, Lookup: 100 * time.Millisecond}, ours.URL)
		if _, err := own.Get(t.Context(), ours.URL+"/", "*/*", Signing{}); !errors.Is(err, ErrUnavailable) ||
			err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
		own.Close()
	}
	endless := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	own := NewSelfClient(Options{UserAgent: agent}, endless.URL)
	defer own.Close()
	if reply, err := own.Get(t.Context(), endless.URL+"/", "*/*", Signing{}); err != nil ||
		len(reply.Body) != maxSelfReply {
		t.Errorf("%d bytes, %v", len(reply.Body), err)
	}
}
