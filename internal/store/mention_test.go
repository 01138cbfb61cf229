package store_test

import (
	"fmt"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestTheNewestMentionsAreKeptOfEachWriterAndInAll(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := open(t, url)
		voice := ilse(t, s).ID
		mention := func(actor blog.Actor, n int) {
			t.Helper()
			at := now.Add(time.Duration(n) * time.Second)
			if err := s.AddMention(t.Context(), blog.Mention{ID: blog.NewID(at), Address: fmt.Sprint(actor.ID, "/", n),
				VoiceID: voice, ActorID: actor.ID, Visibility: blog.PublicComment, HTML: fmt.Sprint(n), Plain: fmt.Sprint(n),
				PublishedAt: at, ArrivedAt: at}); err != nil {
				t.Fatal(err)
			}
		}
		count := func() int {
			return raw(t, url, `SELECT count(*) FROM mentions`)
		}
		var n int
		for writer := range 10 {
			kade := friend(t, s, fmt.Sprint("kade", writer), fmt.Sprintf("zilverduin%d.example", writer), "")
			for range 50 {
				n++
				mention(kade, n)
			}
			if got := count(); got != n {
				t.Fatalf("of %d mentions %d are kept", n, got)
			}
			if writer == 0 { // one more of this writer costs the oldest
				mention(kade, 1000)
				if got := raw(t, url, `SELECT count(*) FROM mentions WHERE plain IN ('2', '1000')`); count() != 50 || got != 2 {
					t.Errorf("%d of a writer are kept", count())
				}
				if got := raw(t, url, `SELECT count(*) FROM mentions WHERE plain = '1'`); got != 0 {
					t.Error("the oldest of a writer stays")
				}
			}
		}
		mention(friend(t, s, "bram", "veerhuis.example", ""), 2000)
		if got := count(); got != 500 {
			t.Errorf("%d mentions of a voice are kept", got)
		}
		list, err := s.Mentions(t.Context(), store.MentionList{Author: voice, Limit: 1000})
		if err != nil || len(list) != 500 || list[0].Plain != "2000" {
			t.Errorf("%d are listed, %v", len(list), err)
		}
	})
}
