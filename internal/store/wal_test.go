package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// burst writes more than 24 MB that cannot be compressed.
func burst(t *testing.T, s *store.Store, voice blog.ID) {
	t.Helper()
	for range 12 {
		payload := make([]byte, 2_000_000)
		rand.Read(payload)
		if err := s.AddActivity(t.Context(), blog.Activity{ID: blog.NewID(time.Now()), VoiceID: voice, Kind: "Update",
			Payload: payload, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
}

func fileSize(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

const walLimit = 16 << 20

func TestTheWriteAheadLogShrinksAfterABurst(t *testing.T) {
	url := storetest.SQLite(t)
	s := process(t, url)
	author := ilse(t, s)
	// A reader that keeps its view of the database, as a backup would.
	db, err := sql.Open("sqlite", "file:"+url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	view, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Rollback()
	var n int
	if err := view.QueryRow(`SELECT count(*) FROM voices`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	burst(t, s, author.ID)
	// It is in the way of the checkpoint, but of nothing else, and not for long.
	began := time.Now()
	if err := s.ShrinkWAL(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("beside a long reader the checkpoint held the writer for %s", took)
	}
	if size := fileSize(t, url+"-wal"); size <= walLimit {
		t.Fatalf("the log has only %d bytes, so this test shows nothing", size)
	}
	view.Rollback()
	if err := s.ShrinkWAL(t.Context()); err != nil {
		t.Fatal(err)
	}
	if size := fileSize(t, url+"-wal"); size > walLimit {
		t.Errorf("after the reader left, the log still has %d bytes", size)
	}
	// What was written is in the database, and one more writer finds its usual patience.
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if n := raw(t, url, `SELECT count(*) FROM activities`); n != 12 {
		t.Errorf("%d of 12 activities are there", n)
	}
	// Without a call, the next writer after a checkpoint cuts the file to its limit.
	burst(t, s, author.ID)
	for range 3 {
		addActivity(t, s, blog.Article{VoiceID: author.ID}, "Follow", 0)
	}
	if size := fileSize(t, url+"-wal"); size > walLimit+4<<20 {
		t.Errorf("after a burst without readers the log has %d bytes", size)
	}
}

// With readers that overlap there is no moment without one.
func TestTheWriteAheadLogShrinksBesideReaders(t *testing.T) {
	url := storetest.SQLite(t)
	s := process(t, url)
	author := ilse(t, s)
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	for range 4 {
		reading.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.Articles(ctx, store.ArticleFilter{Limit: 20}); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	defer reading.Wait()
	defer stop()
	var size int64
	for range 5 {
		burst(t, s, author.ID)
		if err := s.ShrinkWAL(t.Context()); err != nil {
			t.Fatal(err)
		}
		if size = fileSize(t, url+"-wal"); size <= walLimit {
			return
		}
	}
	t.Errorf("beside readers the log has %d bytes", size)
}
