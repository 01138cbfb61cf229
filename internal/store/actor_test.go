package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// raw runs an SQL statement directly, without the store's methods.
func raw(t *testing.T, url, query string) (n int) {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(url, "postgres") {
		driver = "postgres"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if strings.HasPrefix(query, "SELECT") {
		err = db.QueryRow(query).Scan(&n)
	} else {
		_, err = db.Exec(query)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestASearchMatchesSpecialCharactersLiterally(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		for _, name := range []string{"Bram_50%", "Bramwell", "nadia"} {
			friend(t, s, name, "veerhuis.example", author.ID)
		}
		friend(t, s, "brammetje", "veerhuis.example", "")
		filter := store.FollowerFilter{Voice: author.ID, State: blog.Accepted, Limit: 9}
		for search, want := range map[string]int{"": 3, "bram": 2, "BRAM": 2, "bram%": 0, "%": 0, "bram_5": 1, "bramw": 1,
			`\`: 0, "!": 0, "nadia@veer": 1, "nadia@x": 0, "veerhuis": 0} {
			list, err := s.FindFollowers(t.Context(), filter, search)
			if err != nil || len(list) != want {
				t.Errorf("%q finds %d, %v; want %d", search, len(list), err, want)
			}
		}
	})
}

func TestUnusedActorsAreDeletedAfterAMonth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		follower := friend(t, s, "bram", "veerhuis.example", author.ID)
		liker, writer := friend(t, s, "deniz", "dijla.example", ""), friend(t, s, "nadia", "noordkade.example", "")
		if _, err := s.AddReaction(t.Context(),
			blog.Reaction{ID: blog.NewID(now), Address: "x", Kind: blog.Like, ActorID: liker.ID, ArticleID: a.ID,
				At: now}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddComment(t.Context(), blog.Comment{ID: blog.NewID(now), Address: writer.ID + "/1", ArticleID: a.ID,
			ActorID: writer.ID, Origin: blog.Pushed,
			Visibility: blog.PublicComment, State: blog.CommentShown, PublishedAt: now, SortedAt: now,
			ArrivedAt: now}); err != nil {
			t.Fatal(err)
		}
		quoter, stranger := friend(t, s, "joost", "ponton.example", ""), friend(t, s, "kade", "zilverduin.example", "")
		if err := s.SaveAuthorization(t.Context(), blog.Authorization{ID: blog.NewID(now), Kind: blog.QuoteAuthorization,
			ArticleID: a.ID, Target: "https://overkant.example/ap/articles/1", Instrument: quoter.ID + "/1",
			ActorID: quoter.ID, State: blog.AuthorizationGiven, At: now}); err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{now.AddDate(0, 0, 20), now.AddDate(0, 0, 40)} {
			if err := s.Forget(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			for _, who := range []blog.Actor{follower, liker, writer, quoter} {
				if _, err := s.KeyOwner(t.Context(), who.ID+"#main-key"); err != nil {
					t.Errorf("%s is forgotten: %v", who.Name, err)
				}
			}
			_, err := s.Actor(t.Context(), stranger.ID)
			if want := at.Sub(now) > 31*24*time.Hour; errors.Is(err, blog.ErrNotFound) != want {
				t.Errorf("after %v the stranger is: %v", at.Sub(now), err)
			}
		}
	})
}

func TestOnlyTheLastVersionsOfACommentAreKept(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := process(t, url)
		a := fourMinutes(t, s, ilse(t, s).ID)
		kade := friend(t, s, "kade", "zilverduin.example", "")
		c := blog.Comment{ID: blog.NewID(now), Address: kade.ID + "/1", ArticleID: a.ID, ActorID: kade.ID,
			Origin:     blog.Pushed,
			Visibility: blog.PublicComment, State: blog.CommentShown, PublishedAt: now, SortedAt: now, ArrivedAt: now, HTML: "0"}
		if err := s.AddComment(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			at := now.Add(time.Duration(i+1) * time.Second)
			c.HTML, c.UpdatedAt = fmt.Sprint(i+1), &at
			if err := s.ReviseComment(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if n := raw(t, url, `SELECT count(*) FROM comment_revisions WHERE html IN ('39', '20')`); n != 2 {
			t.Errorf("%d of the newest and the oldest that should be kept are there", n)
		}
		if n := raw(t, url, `SELECT count(*) FROM comment_revisions`); n != 20 {
			t.Errorf("%d earlier states are kept, want 20", n)
		}
	})
}
