package documents_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestADatabaseFaultIsAlways503(t *testing.T) {
	storetest.EachFailing(t, func(t *testing.T, s *store.Store, faults *storetest.Faults) {
		var log overkant.Log
		o := overkant.Start(t, s, func(core *federation.Core) { core.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		a := o.Publish(func(a *blog.Article) { a.Slug = "open" })
		secret, bram, _ := o.PublishForFollowers()
		faults.Fail("slugs.slug =", 1)
		if code, _, body := o.Get("/.well-known/webfinger?resource="+o.Site.ArticlePage(a),
			overkant.AsMastodon); code != 503 {
			t.Errorf("WebFinger: %d %s", code, body)
		}
		faults.Fail("FROM followers WHERE voice_id", 1)
		if answer := given(t, o, bram, o.Object(secret)); answer.Status != 503 {
			t.Errorf("a follower: %d %s", answer.Status, answer.Body)
		}
		for path, query := range map[string]string{o.Path(o.Site.ActorID(o.Ilse.ID)): "FROM voices v WHERE v.id =",
			o.Path(o.Object(a)): "FROM objects WHERE id ="} {
			faults.Fail(query, 1)
			if code, header, body := o.Get(path, overkant.AsBrowser); code != 503 || header.Get("Retry-After") == "" {
				t.Errorf("a browser at %s: %d %s", path, code, body)
			}
			if code, _, body := o.Get(path, overkant.AsBrowser); code != 303 {
				t.Errorf("a browser at %s, after the fault: %d %s", path, code, body)
			}
		}
		if len(faults.Failed()) != 4 {
			t.Error("not every fault was met")
		}
		// The key of the signature cannot be judged, whether or not there is something to read.
		for _, address := range []string{o.Object(secret), o.Site.ArticleID(blog.NewID(time.Now()))} {
			faults.Fail("FROM blocks", 1)
			if answer := given(t, o, bram, address); answer.Status != 503 {
				t.Errorf("a follower whose key cannot be looked up: %d %s", answer.Status, answer.Body)
			}
			if len(faults.Failed()) != 1 {
				t.Error("the fault was not met")
			}
		}
		o.Documents.AuthorizedFetch = true
		faults.Fail("FROM blocks", 1)
		if answer := given(t, o, bram, o.Object(a)); answer.Status != 503 {
			t.Errorf("a reader whose key cannot be looked up: %d %s", answer.Status, answer.Body)
		}
		if len(faults.Failed()) != 1 {
			t.Error("the fault was not met")
		}
		log.Mu.Lock()
		defer log.Mu.Unlock()
		if n := strings.Count(log.Text.String(), storetest.ErrInjected.Error()); n != 7 {
			t.Errorf("%d of 7 faults are in the log:\n%s", n, log.Text.String())
		}
	})
}
