package store_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// zstdMagic begins each frame of zstd.
const zstdMagic = "\x28\xb5\x2f\xfd"

func TestLongTextsAreCompressedAndComeBackByteForByte(t *testing.T) {
	long := strings.Repeat("The ferry comes when you ring; “wacht even”, says the man. ", 100)
	for name, texts := range map[string][3]string{
		"long":              {long, "<p>" + long + "</p>", long},
		"none":              {"", "", ""},
		"short":             {"x", "<p>x</p>", "x"},
		"with line feeds":   {"1 2\n3", "\n\n", "4 5\n"},
		"of another length": {"één", "<p>één\x00</p>", "één"},
		"like a frame":      {zstdMagic + "?", zstdMagic, "28"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, url := range []string{storetest.SQLite(t), postgresUnless(t, strings.ContainsRune(texts[1], 0) ||
				strings.HasPrefix(texts[0], zstdMagic))} {
				if url == "" {
					continue
				}
				s := process(t, url)
				a := fourMinutes(t, s, ilse(t, s).ID)
				a.Markdown, a.HTML, a.Plain = texts[0], texts[1], texts[2]
				if err := s.SaveArticle(t.Context(), &a, time.Now()); err != nil {
					t.Fatal(err)
				}
				back, err := s.Article(t.Context(), a.ID)
				if err != nil || back.Markdown != texts[0] || back.HTML != texts[1] || back.Plain != texts[2] {
					t.Errorf("saved %q, read %q, %q, %q, %v", texts, back.Markdown, back.HTML, back.Plain, err)
				}
				object := store.Object{ID: a.ObjectID, ArticleID: a.ID, Payload: []byte(texts[1]), At: time.Now()}
				if err := s.SaveObject(t.Context(), object); err != nil {
					t.Fatal(err)
				}
				if o, err := s.Object(t.Context(), object.ID); err != nil || string(o.Payload) != texts[1] {
					t.Errorf("saved the payload %q, read %q, %v", texts[1], o.Payload, err)
				}
				sent := blog.Activity{ID: blog.NewID(time.Now()), VoiceID: a.VoiceID, Kind: "Create", ObjectID: object.ID,
					Payload: []byte(texts[2]), At: time.Now()}
				if err := s.AddActivity(t.Context(), sent); err != nil {
					t.Fatal(err)
				}
				if got, err := s.Activity(t.Context(), sent.ID); err != nil || string(got.Payload) != texts[2] {
					t.Errorf("saved the activity %q, read %q, %v", texts[2], got.Payload, err)
				}
				if name != "long" {
					continue
				}
				for _, column := range []string{"body FROM article_bodies", "payload FROM objects", "payload FROM activities"} {
					if stored := rawBytes(t, url, `SELECT `+column); !strings.HasPrefix(stored, zstdMagic) ||
						len(stored) > len(long)/4 {
						t.Errorf("%s has %d bytes, and the text has %d", column, len(stored), len(long))
					}
				}
			}
		})
	}
}

// Blogs from before compression have such values.
func TestTextsThatWereSavedUncompressedAreRead(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := process(t, url)
		a := fourMinutes(t, s, ilse(t, s).ID)
		const markdown, html, plain = "Hé *you*", "<p>Hé <em>you</em></p>", "Hé you"
		storetest.Change(t, url, `UPDATE article_bodies SET body = ?`, []byte("9 23\n"+markdown+html+plain))
		if back, err := s.Article(t.Context(), a.ID); err != nil || back.Markdown != markdown || back.HTML != html ||
			back.Plain != plain {
			t.Errorf("read %q, %q, %q, %v", back.Markdown, back.HTML, back.Plain, err)
		}
		storetest.Change(t, url, `UPDATE article_bodies SET body = ?`, []byte(zstdMagic+"damaged"))
		if _, err := s.Article(t.Context(), a.ID); err == nil {
			t.Error("a damaged text was read")
		}
	})
}

func TestAFrameUnpacksToALimit(t *testing.T) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := process(t, url)
		a := fourMinutes(t, s, ilse(t, s).ID)
		for size, fits := range map[int]bool{64 << 20: true, 64<<20 + 1: false} {
			storetest.Change(t, url, `UPDATE objects SET payload = ?`, encoder.EncodeAll(make([]byte, size), nil))
			if o, err := s.Object(t.Context(), a.ObjectID); (err == nil) != fits || fits && len(o.Payload) != size {
				t.Errorf("of a frame with %d bytes, %d are read, %v", size, len(o.Payload), err)
			}
		}
	})
}

// postgresUnless returns the address of a database on PostgreSQL; "" for texts that PostgreSQL does not take.
func postgresUnless(t *testing.T, refused bool) string {
	if refused {
		return ""
	}
	return storetest.Postgres(t)
}

// rawBytes returns the first value of a query as the database has it.
func rawBytes(t *testing.T, url, query string) string {
	t.Helper()
	driver, source := "sqlite", "file:"+url
	if strings.HasPrefix(url, "postgres") {
		driver, source = "postgres", url
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var value []byte
	if err := db.QueryRow(query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return string(value)
}
