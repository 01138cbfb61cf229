package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// maud adds a second author.
func maud(t *testing.T, s *store.Store) blog.ID {
	t.Helper()
	a := blog.Author{Role: blog.Writer, Voice: blog.Voice{ID: blog.NewID(now), Kind: blog.AuthorVoice, Handle: "maud",
		Name: "Maud Lindqvist", CreatedAt: now, UpdatedAt: now}}
	if err := s.AddAuthor(t.Context(), a, store.VoiceKeys{RSA: "rsa", Ed25519: "ed"}); err != nil {
		t.Fatal(err)
	}
	return a.ID
}

// column publishes an article of a voice at a moment, with tags, in a series under a part.
func column(t *testing.T, s *store.Store, a blog.Article, at time.Time) blog.Article {
	t.Helper()
	a.ID, a.Status, a.Format, a.Comments, a.Quotes = blog.NewID(at), blog.Draft, blog.FullArticle, blog.Open, "everyone"
	a.CreatedAt, a.Markdown, a.HTML, a.Plain = at, "Text.", "<p>Text.</p>", "Text."
	if a.Visibility == "" {
		a.Visibility = blog.Public
	}
	if a.Language == "" {
		a.Language = "en"
	}
	if a.Slug == "" {
		a.Slug = strings.ToLower(strings.NewReplacer(" ", "-", ".", "-").Replace(a.Title))
	}
	if err := a.Publish(at, time.UTC); err != nil {
		t.Fatal(err)
	}
	a.ObjectID = blog.NewID(at)
	if err := s.SaveArticle(t.Context(), &a, at); err != nil {
		t.Fatal(err)
	}
	return a
}

func titlesOf(list []blog.Article) []string {
	titles := make([]string, len(list))
	for i, a := range list {
		titles[i] = a.Title
	}
	return titles
}

// listOf returns the titles of a list and how many the store counts, which must be as many without a limit.
func listOf(t *testing.T, s *store.Store, f store.ArticleFilter) []string {
	t.Helper()
	list, err := s.Articles(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.CountArticles(t.Context(), f)
	if err != nil || n != len(list) && f.Limit == 0 {
		t.Errorf("%+v: counted %d of %d, %v", f, n, len(list), err)
	}
	return titlesOf(list)
}

func TestListsFollowTheirArticles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		owner, other := ilse(t, s), maud(t, s)
		a := column(t, s, blog.Article{VoiceID: owner.ID, Tags: blog.Strings{"Rivers", "Boats"},
			Authors: []blog.Byline{{VoiceID: owner.ID}, {VoiceID: other}}, Text: blog.Text{Title: "Four"}}, now)
		published := []blog.Status{blog.Published}
		lists := map[string]store.ArticleFilter{"front": {Listed: true}, "mine": {Listed: true, Voice: owner.ID},
			"hers": {Listed: true, Voice: other, Unpinned: true}, "rivers": {Listed: true, Tag: "rivers"},
			"ferries": {Listed: true, Tag: "ferries"}, "English": {Listed: true, Language: "en"},
			"Dutch": {Listed: true, Language: "nl"}, "published": {Statuses: published},
			"her published": {Statuses: published, Voice: other},
			"her withdrawn": {Statuses: []blog.Status{blog.Withdrawn}, Voice: other, BySaveTime: true}}
		check := func(what string, want ...string) {
			t.Helper()
			var has []string
			for name, filter := range lists {
				if titles := listOf(t, s, filter); len(titles) > 0 {
					has = append(has, name)
				}
			}
			slices.Sort(has)
			slices.Sort(want)
			if diff := cmp.Diff(want, has); diff != "" {
				t.Errorf("%s: it is in (-want +got):\n%s", what, diff)
			}
		}
		save := func() {
			t.Helper()
			if err := s.SaveArticle(t.Context(), &a, now); err != nil {
				t.Fatal(err)
			}
		}
		check("published", "front", "mine", "hers", "rivers", "English", "published", "her published")
		a.Tags, a.Authors = blog.Strings{"ferries"}, a.Authors[:1]
		save()
		check("without the other author, with another tag", "front", "mine", "ferries", "English", "published")
		a.Authors = append(a.Authors, blog.Byline{VoiceID: other})
		save()
		dutch := blog.Translation{Text: blog.Text{Language: "nl", Title: "Vier", Slug: "vier"}, Draft: true}
		steps := []func() error{
			func() error { return s.SaveTranslation(t.Context(), a, dutch) },
			func() error { dutch.Draft = false; return s.SaveTranslation(t.Context(), a, dutch) },
			func() error { return s.RemoveTranslation(t.Context(), a.ID, "nl") },
		}
		all := []string{"front", "mine", "hers", "ferries", "English", "published", "her published"}
		for i, want := range [][]string{all, append([]string{"Dutch"}, all...), all} {
			if err := steps[i](); err != nil {
				t.Fatal(err)
			}
			check("translation, step "+strconv.Itoa(i), want...)
		}
		a.Language = "nl"
		save()
		check("in another language", "front", "mine", "hers", "ferries", "Dutch", "published", "her published")
		a.Visibility = blog.Unlisted
		save()
		check("unlisted", "published", "her published")
		a.Status = blog.Withdrawn
		save()
		check("withdrawn", "her withdrawn")
		a.Status, a.Visibility = blog.Published, blog.Public
		save()
		leaving, err := s.Voice(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.EraseVoice(t.Context(), leaving, now); err != nil {
			t.Fatal(err)
		}
		check("without the co-author, who left", "front", "mine", "ferries", "Dutch", "published")
		if err := s.EraseVoice(t.Context(), owner.Voice, now); err != nil {
			t.Fatal(err)
		}
		check("erased")
	})
}

func TestAPageFarBackIsThatOfTheWholeList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		owner := ilse(t, s)
		// 260 articles in five months, with several of one moment.
		var made []blog.Article
		for i := range 260 {
			at := time.Date(2026, time.June, 28, 22, 0, 0, 0, time.UTC).AddDate(0, 0, -i/2)
			made = append(made, column(t, s, blog.Article{VoiceID: owner.ID, Text: blog.Text{Title: fmt.Sprint("Crossing ", i)}},
				at))
		}
		for i := range 9 {
			if _, err := s.Pin(t.Context(), made[i*29], now); err != nil {
				t.Fatal(err)
			}
		}
		for _, filter := range []store.ArticleFilter{{Listed: true}, {Listed: true, Voice: owner.ID, Unpinned: true}} {
			all := listOf(t, s, filter)
			if want := map[bool]int{false: 260, true: 251}[filter.Unpinned]; len(all) != want {
				t.Fatalf("%d articles, want %d", len(all), want)
			}
			for _, offset := range []int{0, 199, 200, 201, 222, 240, 249, 250, 259, 260, 1_000_000} {
				filter.Limit, filter.Offset = 7, offset
				want := all[min(offset, len(all)):min(offset+7, len(all))]
				if diff := cmp.Diff(want, append([]string{}, listOf(t, s, filter)...)); diff != "" {
					t.Errorf("from %d on, without pins %v (-want +got):\n%s", offset, filter.Unpinned, diff)
				}
			}
		}
	})
}

func TestYearsBeginByTheClockOfTheBlog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		owner := ilse(t, s)
		if years, err := s.Years(t.Context(), time.UTC); err != nil || len(years) != 0 {
			t.Errorf("an empty blog has the years %v, %v", years, err)
		}
		for i, at := range []string{"2023-12-31T23:30:00Z", "2024-06-01T12:00:00Z", "2025-12-31T22:30:00Z",
			"2025-12-31T23:30:00Z", "2026-01-01T00:30:00Z", "2026-01-01T06:00:00Z", "2026-11-01T12:00:00Z"} {
			when, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			column(t, s, blog.Article{VoiceID: owner.ID, Text: blog.Text{Title: "Crossing " + strconv.Itoa(i)}}, when)
		}
		for zone, want := range map[string][]store.YearCount{
			"UTC":              {{2026, 0, 3}, {2025, 3, 2}, {2024, 5, 1}, {2023, 6, 1}},
			"Europe/Amsterdam": {{2026, 0, 4}, {2025, 4, 1}, {2024, 5, 2}},
			"America/New_York": {{2026, 0, 2}, {2025, 2, 3}, {2024, 5, 1}, {2023, 6, 1}},
			"Pacific/Auckland": {{2026, 0, 5}, {2024, 5, 2}},
		} {
			place, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			years, err := s.Years(t.Context(), place)
			if diff := cmp.Diff(want, years); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", zone, err, diff)
			}
		}
	})
}

func TestAListIsReadInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		owner := ilse(t, s)
		for i := range 10 {
			column(t, s, blog.Article{VoiceID: owner.ID, Text: blog.Text{Title: "Crossing " + strconv.Itoa(i)}},
				now.Add(time.Duration(i/3)*time.Hour))
		}
		for _, filter := range []store.ArticleFilter{{Statuses: []blog.Status{blog.Published, blog.Draft}},
			{Statuses: []blog.Status{blog.Published}, BySaveTime: true, Voice: owner.ID}} {
			whole, err := s.Articles(t.Context(), filter)
			if err != nil || len(whole) != 10 {
				t.Fatalf("%d articles, %v", len(whole), err)
			}
			var pieces []string
			for filter.Limit = 3; ; {
				some, err := s.Articles(t.Context(), filter)
				if err != nil {
					t.Fatal(err)
				}
				pieces = append(pieces, titlesOf(some)...)
				if len(some) < filter.Limit {
					break
				}
				filter.After = &some[2]
			}
			if diff := cmp.Diff(titlesOf(whole), pieces); diff != "" {
				t.Errorf("(-whole +pieces):\n%s", diff)
			}
		}
	})
}

func TestTagsHaveTheSpellingOfTheNewestArticle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		owner := ilse(t, s)
		for i, tags := range []blog.Strings{{"rivers", "boats"}, {"RIVERS", "ferries"}, {"Rivers"}} {
			column(t, s, blog.Article{VoiceID: owner.ID, Tags: tags, Text: blog.Text{Title: "Crossing " + strconv.Itoa(i)}},
				now.Add(time.Duration(i)*time.Hour))
		}
		column(t, s, blog.Article{VoiceID: owner.ID, Tags: blog.Strings{"riverS", "Secret"}, Visibility: blog.Followers,
			Text: blog.Text{Title: "For followers"}}, now.Add(9*time.Hour))
		tags, err := s.Tags(t.Context(), 10)
		want := []store.TagCount{{"rivers", "Rivers", 3}, {"boats", "boats", 1}, {"ferries", "ferries", 1}}
		if diff := cmp.Diff(want, tags); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if tags, err = s.Tags(t.Context(), 1); err != nil || len(tags) != 1 {
			t.Errorf("at most one: %v, %v", tags, err)
		}
		if tag, err := s.Tag(t.Context(), "boats"); err != nil || tag != want[1] {
			t.Errorf("boats is %+v, %v", tag, err)
		}
		if _, err := s.Tag(t.Context(), "secret"); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("a tag of what is for followers: %v", err)
		}
		names, err := s.TagsOf(t.Context(), owner.ID, 2)
		if diff := cmp.Diff([]string{"Rivers", "boats"}, names); diff != "" || err != nil {
			t.Errorf("of the author: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestTheFirstFreeSlugIsFoundAmongThousands(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, faults := storetest.OpenFailing(t, url)
		a := column(t, s, blog.Article{VoiceID: ilse(t, s).ID, Text: blog.Text{Title: "Notes"}}, now)
		storetest.Change(t, url, `WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)
			INSERT INTO slugs (slug, article_id, language, is_current) SELECT 'notes-' || i, '`+string(a.ID)+
			`', 'nl', TRUE FROM n`)
		faults.Asked()
		slug, err := s.FreeSlug(t.Context(), "notes", blog.NewID(now), "en")
		if err != nil || slug != "notes-3000" {
			t.Errorf("the slug is %q, %v", slug, err)
		}
		if n := faults.Asked(); n > 40 { // some are prepared beside
			t.Errorf("%d queries", n)
		}
	})
}

func TestPartsOfALongSeries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		owner := ilse(t, s)
		road := blog.Series{ID: "S1", Slug: "the-low-road", Title: "The low road"}
		if err := s.SaveSeries(t.Context(), road); err != nil {
			t.Fatal(err)
		}
		made := map[int]blog.Article{}
		for i, part := range []int{7, 2, 40, 5, 2} {
			made[part] = column(t, s, blog.Article{VoiceID: owner.ID, SeriesID: road.ID, Part: part,
				Text: blog.Text{Title: fmt.Sprintf("Part %d.%d", part, i)}}, now.Add(time.Duration(i)*time.Hour))
		}
		column(t, s, blog.Article{VoiceID: owner.ID, SeriesID: road.ID, Part: 6, Visibility: blog.Followers,
			Text: blog.Text{Title: "For followers"}}, now)
		if diff := cmp.Diff([]string{"Part 2.1", "Part 2.4", "Part 5.3", "Part 7.0", "Part 40.2"},
			listOf(t, s, store.ArticleFilter{Listed: true, Series: road.ID, ByPart: true})); diff != "" {
			t.Errorf("by part (-want +got):\n%s", diff)
		}
		for part, want := range map[int][]string{7: {"Part 5.3", "Part 40.2"}, 2: {"Part 5.3"}, 5: {"Part 2.4", "Part 7.0"},
			40: {"Part 7.0"}} {
			beside, err := s.PartsBeside(t.Context(), made[part])
			if diff := cmp.Diff(want, titlesOf(beside)); diff != "" || err != nil {
				t.Errorf("beside part %d: %v (-want +got):\n%s", part, err, diff)
			}
		}
		out, err := s.PartsOut(t.Context(), road.ID, 30)
		if diff := cmp.Diff([]int{2, 5, 7}, out); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		parts, err := s.CountParts(t.Context(), []blog.ID{road.ID})
		if err != nil || parts[road.ID] != 5 {
			t.Errorf("%v parts, %v", parts, err)
		}
	})
}

// lists are the questions of pages with articles. None may walk the articles, their texts or the rows of their lists.
var lists = map[string]func(context.Context, *store.Store) error{
	"front page":       articlesOf(store.ArticleFilter{Listed: true, Limit: 20}),
	"older page":       articlesOf(store.ArticleFilter{Listed: true, Limit: 20, Offset: 280}),
	"in a language":    articlesOf(store.ArticleFilter{Listed: true, Language: "en", Limit: 20}),
	"read next":        articlesOf(store.ArticleFilter{Listed: true, Prefer: "nl", Limit: 50}),
	"tag":              articlesOf(store.ArticleFilter{Listed: true, Tag: "rivers", Limit: 20}),
	"series":           articlesOf(store.ArticleFilter{Listed: true, Series: "S", ByPart: true, Limit: 100}),
	"feed of a series": articlesOf(store.ArticleFilter{Listed: true, Series: "S", Text: true, Limit: 20}),
	"author":           articlesOf(store.ArticleFilter{Listed: true, Voice: "V", Unpinned: true, Limit: 20}),
	"author, older": articlesOf(store.ArticleFilter{Listed: true, Voice: "V", Unpinned: true, Limit: 20,
		Offset: 280}),
	"feed":              articlesOf(store.ArticleFilter{Listed: true, Text: true, Limit: 20}),
	"newest for others": articlesOf(store.ArticleFilter{InOutbox: true, Limit: 1}),
	"drafts of all": articlesOf(store.ArticleFilter{Statuses: []blog.Status{blog.Draft}, BySaveTime: true,
		Limit: 51}),
	"published of one": articlesOf(store.ArticleFilter{Statuses: []blog.Status{blog.Published}, Voice: "V", Limit: 51}),
	"list of the terminal": articlesOf(store.ArticleFilter{Statuses: []blog.Status{blog.Draft, blog.Published},
		BySaveTime: true}),
	"one status":         articlesOf(store.ArticleFilter{Statuses: []blog.Status{blog.Published}, BySaveTime: true}),
	"what was published": articlesOf(store.ArticleFilter{Statuses: []blog.Status{blog.Withdrawn, blog.Published}}),
	"tags": func(ctx context.Context, s *store.Store) error {
		_, err := s.Tags(ctx, 100)
		return err
	},
	"a tag": func(ctx context.Context, s *store.Store) error {
		_, err := s.Tag(ctx, "rivers")
		return err
	},
	"tags of an author": func(ctx context.Context, s *store.Store) error {
		_, err := s.TagsOf(ctx, "V", 10)
		return err
	},
	"languages": func(ctx context.Context, s *store.Store) error {
		_, err := s.Languages(ctx)
		return err
	},
	"years": func(ctx context.Context, s *store.Store) error {
		_, err := s.Years(ctx, time.FixedZone("", 3600))
		return err
	},
	"sitemap": func(ctx context.Context, s *store.Store) error {
		_, err := s.ListedTexts(ctx, 100, 250)
		return err
	},
	"parts beside": func(ctx context.Context, s *store.Store) error {
		_, err := s.PartsBeside(ctx, blog.Article{SeriesID: "S", Part: 3, Text: blog.Text{Language: "en"}})
		return err
	},
	"parts out": func(ctx context.Context, s *store.Store) error {
		_, err := s.PartsOut(ctx, "S", 30)
		return err
	},
	"series of articles": func(ctx context.Context, s *store.Store) error {
		_, err := s.PublicSeriesOf(ctx, []blog.ID{"S"})
		return err
	},
	"ages of texts": func(ctx context.Context, s *store.Store) error {
		_, err := s.TextAges(ctx, []blog.ID{"a1", "a2"})
		return err
	},
	"a file of an author": func(ctx context.Context, s *store.Store) error {
		_, err := s.ArticleByTextSlug(ctx, "V", "crossing-7")
		if errors.Is(err, blog.ErrNotFound) {
			return nil
		}
		return err
	},
	"a free slug": func(ctx context.Context, s *store.Store) error {
		_, err := s.FreeSlug(ctx, "crossing-7", "a1", "en")
		return err
	},
	"length of an outbox": func(ctx context.Context, s *store.Store) error {
		_, err := s.CountOutbox(ctx, "V")
		return err
	},
	"outbox": func(ctx context.Context, s *store.Store) error {
		_, err := s.Outbox(ctx, "V", "", false, 20)
		return err
	},
	"pictures": func(ctx context.Context, s *store.Store) error {
		_, err := s.PicturesOf(ctx, "V", 100, 0)
		return err
	},
}

func articlesOf(f store.ArticleFilter) func(context.Context, *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		_, err := s.Articles(ctx, f)
		return err
	}
}

func TestNoListWalksAllArticlesOnSQLite(t *testing.T) {
	url := storetest.SQLite(t)
	s := grown(t, url, 300, 300)
	check := func(t *testing.T) {
		for name, ask := range lists {
			lines := plans(t, url, func(s *store.Store) error { return ask(t.Context(), s) })
			if len(lines) == 0 {
				t.Errorf("%s: nothing is asked", name)
			}
			for _, line := range lines {
				// p, before and following are the few rows that were picked, v the few voices of the blog.
				few := slices.Contains([]string{"SCAN p", "SCAN before", "SCAN following", "SCAN v", "SCAN v LEFT-JOIN",
					"SCAN CONSTANT ROW"}, line)
				inOrder := strings.Contains(line, " USING COVERING INDEX articles_saved") ||
					strings.Contains(line, " USING COVERING INDEX articles_published") ||
					strings.Contains(line, " USING INDEX articles_saved") ||
					strings.Contains(line, " USING INDEX articles_published")
				if strings.HasPrefix(line, "SCAN") && !few && !inOrder {
					t.Errorf("%s: %s in\n%s", name, line, strings.Join(lines, "\n"))
				}
			}
		}
	}
	t.Run("without statistics", check)
	if err := s.RenewStatistics(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("with statistics", check)
}

func TestAWrongListIsFoundAndMadeAnew(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := process(t, url)
		fourMinutes(t, s, ilse(t, s).ID)
		for _, fault := range []string{
			`DELETE FROM article_lists WHERE kind = 'listed'`,
			`UPDATE article_lists SET name = 'elsewhere' WHERE kind = 'language'`,
			`UPDATE article_counts SET n = n + 1`,
			`DELETE FROM article_counts`,
		} {
			storetest.Change(t, url, fault)
			if wrong, err := s.WrongLists(t.Context()); err != nil || len(wrong) == 0 || len(wrong) > 10 {
				t.Errorf("after %s: %q, %v", fault, wrong, err)
			}
			if err := s.RelistAll(t.Context()); err != nil {
				t.Fatal(err)
			}
			if wrong, err := s.WrongLists(t.Context()); err != nil || len(wrong) > 0 {
				t.Errorf("still wrong: %q, %v", wrong, err)
			}
		}
	})
}

func TestTagsOfTextsAreTagsOfTheArticleWhileTheTextIsPublic(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		owner := ilse(t, s)
		a := column(t, s, blog.Article{VoiceID: owner.ID, Tags: blog.Strings{"Rivers"},
			Text: blog.Text{Title: "Quay", Language: "en", Hashtags: blog.Strings{"Quay", "rivers"}}}, now)
		check := func(what string, want ...string) {
			t.Helper()
			tags, err := s.Tags(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, tag := range tags {
				if got = append(got, tag.Name); tag.Count != 1 {
					t.Errorf("%s: %s counts %d", what, tag.Name, tag.Count)
				}
			}
			read, err := s.Article(t.Context(), a.ID)
			if diff := cmp.Diff(blog.Strings{"Rivers"}, read.Tags); diff != "" || err != nil {
				t.Errorf("%s: %v, those that were typed (-want +got):\n%s", what, err, diff)
			}
			all := []string(read.AllTags())
			slices.Sort(all)
			slices.Sort(got)
			if diff := cmp.Diff(want, got) + cmp.Diff(want, all); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			if wrong, err := s.WrongLists(t.Context()); err != nil || len(wrong) > 0 {
				t.Errorf("%s: %q, %v", what, wrong, err)
			}
		}
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check("new", "Quay", "Rivers")
		dutch := blog.Translation{Text: blog.Text{Language: "nl", Title: "Kade", Slug: "kade",
			Hashtags: blog.Strings{"kade", "Quay"}}, Draft: true}
		do(s.SaveTranslation(t.Context(), a, dutch))
		check("with a draft of a translation", "Quay", "Rivers")
		dutch.Draft = false
		do(s.SaveTranslation(t.Context(), a, dutch))
		check("with a translation", "Quay", "Rivers", "kade")
		a.Language = "de"
		do(s.SaveArticle(t.Context(), &a, now))
		check("in another language", "Quay", "Rivers", "kade")
		a.Hashtags = nil
		do(s.SaveArticle(t.Context(), &a, now))
		check("without the words, which a translation still has", "Quay", "Rivers", "kade")
		do(s.RemoveTranslation(t.Context(), a.ID, "nl"))
		check("without the translation", "Rivers")
	})
}
