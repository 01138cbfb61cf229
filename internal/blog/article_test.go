package blog_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
)

var (
	noon      = time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC)
	amsterdam = time.FixedZone("Amsterdam", 3600)
)

func fourMinutes() blog.Article {
	return blog.Article{ID: blog.NewID(noon), VoiceID: "V", Status: blog.Draft, Format: blog.FullArticle,
		Visibility: blog.Public, Comments: blog.Open,
		Quotes: "everyone", Text: blog.Text{Language: "en", Title: "Four minutes wide", Markdown: "The ferry.",
			Slug: "four-minutes-wide"}}
}

func TestPublishingFixesTheAddressForEver(t *testing.T) {
	a := fourMinutes()
	if err := a.Publish(noon, amsterdam); err != nil {
		t.Fatal(err)
	}
	if a.Status != blog.Published || a.Month != "2026/12" || a.Revision != 1 || a.UpdatedAt != nil {
		t.Errorf("published as %+v", a)
	}
	if err := a.Publish(noon, amsterdam); !errors.Is(err, blog.ErrConflict) {
		t.Errorf("a second time: %v", err)
	}
	if err := a.Withdraw(); err != nil || a.Status != blog.Withdrawn {
		t.Errorf("withdraw: %v %s", err, a.Status)
	}
	if err := a.Publish(noon.AddDate(0, 3, 0), amsterdam); err != nil || a.Month != "2026/12" {
		t.Errorf("published again under %s, %v", a.Month, err)
	}
}

func TestPublishingNamesWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*blog.Article)
		field  string
	}{
		"no title":                               {func(a *blog.Article) { a.Title = " " }, "title"},
		"no text":                                {func(a *blog.Article) { a.Markdown = "" }, "text"},
		"a title like a novel":                   {func(a *blog.Article) { a.Title = strings.Repeat("a", 301) }, "title"},
		"a summary like an article":              {func(a *blog.Article) { a.Summary = strings.Repeat("a", 501) }, "summary"},
		"a slug with capitals":                   {func(a *blog.Article) { a.Slug = "Four" }, "slug"},
		"a slug that climbs":                     {func(a *blog.Article) { a.Slug = "../admin" }, "slug"},
		"a format of somebody else's":            {func(a *blog.Article) { a.Format = "essay" }, "format"},
		"a warning that Mastodon would not show": {func(a *blog.Article) { a.Warning = "water" }, "format"},
		"a policy that nobody knows":             {func(a *blog.Article) { a.Comments = "maybe" }, "comments"},
	} {
		a := fourMinutes()
		c.change(&a)
		var missing blog.Invalid
		if err := a.Publish(noon, time.UTC); !errors.As(err, &missing) || missing.Field != c.field {
			t.Errorf("%s: %v, want it to be about %s", name, err, c.field)
		}
		if a.Status != blog.Draft {
			t.Errorf("%s: it is %s all the same", name, a.Status)
		}
	}
}

// The database keeps the former state of a held article as JSON. A later version must read what an earlier one wrote.
func TestRenamedFieldsKeepTheirNamesInJSON(t *testing.T) {
	stored := `{"Title":"Vier minuten","Words":2,"Quoted":{"Stamp":"https://veerhuis.example/stamps/1"}}`
	var a blog.Article
	if err := json.Unmarshal([]byte(stored), &a); err != nil || a.WordCount != 2 ||
		a.Quoted.Authorization != "https://veerhuis.example/stamps/1" {
		t.Errorf("read %d words and %q (%v)", a.WordCount, a.Quoted.Authorization, err)
	}
	if written, err := json.Marshal(a); err != nil || !strings.Contains(string(written), `"Words":2`) ||
		!strings.Contains(string(written), `"Stamp":"https://veerhuis.example/stamps/1"`) {
		t.Errorf("written as %s (%v)", written, err)
	}
}

func TestAChangeIsAlwaysLaterThanWhatItChanges(t *testing.T) {
	a := fourMinutes()
	if err := a.Publish(noon, time.UTC); err != nil {
		t.Fatal(err)
	}
	for i, now := range []time.Time{noon, noon.Add(-time.Hour), noon.Add(time.Minute)} {
		before := a.UpdatedAt
		if err := a.Revise(now); err != nil {
			t.Fatal(err)
		}
		if !a.UpdatedAt.After(*a.PublishedAt) || before != nil && !a.UpdatedAt.After(*before) || a.Revision != i+2 {
			t.Errorf("revision %d at %v after %v", a.Revision, a.UpdatedAt, before)
		}
	}
}

func TestFieldsThatTheProgramSetsDoNotMakeArticlesDiffer(t *testing.T) {
	guest := blog.Byline{Name: "Harm", URL: "https://harm.example"}
	file := fourMinutes()
	file.VoiceID, file.Authors, file.Tags = "ilse", []blog.Byline{{VoiceID: "ilse"}, {VoiceID: "tobias"}, guest},
		blog.Strings{"Veer", "rivers", "veer"}
	file.Quoted = blog.Source{Address: "https://veerhuis.example/n/1"}
	stored := file
	if err := stored.Publish(noon, amsterdam); err != nil {
		t.Fatal(err)
	}
	stored.Authors, stored.Tags = []blog.Byline{{VoiceID: "ilse", Name: "Ilse"},
		{VoiceID: "tobias", Handle: "tobias", Name: "Tobias"}, guest}, blog.Strings{"Veer", "rivers"}
	stored.Quoted.ActorID, stored.Quoted.Consent, stored.ObjectID = "https://veerhuis.example/users/bram",
		blog.ConsentGiven, "O"
	stored.Markdown = file.Markdown + "\n\n"
	if !file.Same(stored) || !stored.Same(file) {
		t.Errorf("%+v\nis another than\n%+v", file, stored)
	}
	for name, change := range map[string]func(*blog.Article){
		"a word":                   func(a *blog.Article) { a.Markdown += "." },
		"what the words became":    func(a *blog.Article) { a.HTML = "<p>" },
		"the slug":                 func(a *blog.Article) { a.Slug = "wide" },
		"a tag":                    func(a *blog.Article) { a.Tags = a.Tags[:1] },
		"the order of the by-line": func(a *blog.Article) { a.Authors = []blog.Byline{guest, {VoiceID: "tobias"}} },
		"who may answer":           func(a *blog.Article) { a.Comments = blog.Closed },
		"what it quotes":           func(a *blog.Article) { a.Quoted = blog.Source{} },
		"the part":                 func(a *blog.Article) { a.Part = 2 },
	} {
		edited := file
		if change(&edited); edited.Same(stored) {
			t.Errorf("%s is no change", name)
		}
	}
}

func TestAScheduledArticleHasTheTimeItWasScheduledFor(t *testing.T) {
	a := fourMinutes()
	at := noon.Add(48 * time.Hour)
	if err := a.Schedule(noon, noon, time.UTC); !errors.As(err, new(blog.Invalid)) {
		t.Errorf("scheduled for now: %v", err)
	}
	if err := a.Schedule(at, noon, time.UTC); err != nil || a.Month != "2026/12" || a.OnTheWeb() {
		t.Fatalf("scheduled: %v, %+v", err, a)
	}
	if err := a.Publish(at.Add(700*time.Millisecond), time.UTC); err != nil || !a.PublishedAt.Equal(at) {
		t.Errorf("published at %v, %v", a.PublishedAt, err)
	}
}

func TestHandlesThatEveryServerAccepts(t *testing.T) {
	for handle, ok := range map[string]bool{"ilse": true, "ilse_v": true, "i2": true, "": false, "Ilse": false,
		"il-se": false, "ilsé": false, "admin": false,
		strings.Repeat("i", 30): true, strings.Repeat("i", 31): false} {
		if err := blog.ValidHandle(handle); (err == nil) != ok {
			t.Errorf("%q: %v", handle, err)
		}
	}
}

func TestAHandleIsNotCorrectedIntoAnotherThatIsRefused(t *testing.T) {
	for handle, words := range map[string]string{"To bias": "nothing else", "Tobias": "“tobias”"} {
		if err := blog.ValidHandle(handle); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", handle, err)
		}
	}
}

func TestRolesAllowWhatTheyShould(t *testing.T) {
	for role, want := range map[blog.Role][4]bool{ // own article, own text, another's article, another's text
		blog.Admin: {true, true, true, true}, blog.Editor: {true, true, true, true}, blog.Writer: {true, true, false, false},
		blog.Contributor: {false, true, false, false},
	} {
		a := blog.Author{Voice: blog.Voice{ID: "own"}, Role: role}
		if got := [4]bool{a.May("own"), a.MayWrite("own"), a.May("other"), a.MayWrite("other")}; got != want {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
}

func TestAddressesAreReadAsTheyAreWritten(t *testing.T) {
	site := blog.Site{URL: "https://overkant.example", HandleDomain: "overkant.example"}
	id := blog.NewID(noon)
	for address, want := range map[string]string{site.ActorID(id): "actors ", site.ActorID(id) + "/inbox": "actors inbox",
		site.ArticleID(id) + "#x": "articles ",
		site.NoteID(id):           "notes ", site.ActivityID(id): "activities ",
		"https://overkant.example.evil.example/ap/actors/" + string(id): "",
		"https://evil.example/ap/actors/" + string(id):                  "", site.URL + "/ap/actors/nobody": "",
		site.InstanceID(): ""} {
		kind, got, rest, ok := site.Local(address)
		if ok != (want != "") || ok && (kind+" "+rest != want || got != id) {
			t.Errorf("%s: %q %q %q %v", address, kind, got, rest, ok)
		}
	}
	for address, want := range map[string]bool{site.URL: true, site.URL + "/x": true, site.URL + ".evil.example/": false,
		"http://overkant.example/": true} {
		if site.Owns(address) != want {
			t.Errorf("owns %s: %v", address, !want)
		}
	}
}

func TestOriginsAreComparedAsWholes(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"https://veerhuis.example/a", "https://VEERHUIS.example:443/b"}:        true,
		{"http://veerhuis.example", "http://veerhuis.example:80/"}:              true,
		{"https://veerhuis.example/", "http://veerhuis.example/"}:               false,
		{"https://veerhuis.example/", "https://veerhuis.example.evil.example/"}: false,
		{"https://veerhuis.example:8443/", "https://veerhuis.example/"}:         false, {"", ""}: false, {"/x", "/y"}: false,
	} {
		if got := blog.SameOrigin(pair[0], pair[1]); got != want {
			t.Errorf("%v: %v, want %v", pair, got, want)
		}
	}
}

func TestIDsRiseWhateverTheClockSays(t *testing.T) {
	last := blog.NewID(noon)
	for _, now := range []time.Time{noon, noon.Add(-24 * time.Hour), noon.Add(time.Second), {}} {
		next := last.After(now.Add(time.Hour * 24 * 365 * 60))
		if next <= last || !blog.ValidID(string(next)) {
			t.Errorf("%s does not come after %s", next, last)
		}
		last = next
	}
	if last.After(noon) <= last {
		t.Error("a clock that jumped back gave an earlier id")
	}
}

func TestTheBackOffGrowsToADay(t *testing.T) {
	var before time.Duration
	for failures := 1; failures < 20; failures++ {
		rest := blog.Backoff(failures)
		if rest < before || rest > 24*time.Hour {
			t.Errorf("after %d failures %v, before %v", failures, rest, before)
		}
		before = rest
	}
	if blog.Backoff(0) != 0 || blog.Backoff(1) != time.Minute || before != 24*time.Hour {
		t.Errorf("it begins with %v and ends with %v", blog.Backoff(1), before)
	}
}
