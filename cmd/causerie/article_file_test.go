package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causerie/internal/store/storetest"
)

// refuses runs a command that must fail with a status and a text.
func (s *stage) refuses(status int, want string, args ...string) {
	s.t.Helper()
	if _, trouble, got := cli(s.ctx, s.args(args...), nil, ""); got != status || !strings.Contains(trouble, want) {
		s.t.Errorf("%v ended with %d and %q, want %d and %q", args, got, trouble, status, want)
	}
}

// tells runs a command that must succeed and print a text.
func (s *stage) tells(want string, args ...string) {
	s.t.Helper()
	if said := s.cli(args...); !strings.Contains(said, want) {
		s.t.Errorf("%v prints %q, want %q", args, said, want)
	}
}

func TestTheOnlyAuthorNeedsNoFlag(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	file := write(t, "wide.md", "---\ntitle: Wide\n---\n\nThe ferry.\n")
	s.refuses(failed, "there is no author yet: “causerie author add” adds one", "article", "draft", file)
	s.ilse()
	s.tells("saved as a draft: “causerie article publish "+file+" --author ilse” publishes it", "article", "draft", file)
	s.cli("author", "add", "tobias", "--name", "Tobias Renkema")
	s.refuses(misusing, "this blog has several authors: add --author ilse or --author tobias", "article", "publish", file)
	s.cli("author", "disable", "tobias")
	s.tells("published ", "article", "publish", file)
}

func TestAWrongArticleFileIsNamedWithWhatToDo(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	folder := t.TempDir()
	missing := filepath.Join(folder, "x.md")
	s.refuses(failed, "causerie: there is no file "+missing+"\n", "article", "publish", missing)
	s.refuses(failed, "causerie: "+folder+" is a folder: name a Markdown file\n", "article", "publish", folder)
	wrong := write(t, "wrong.md", "---\ntitel: A\npart: x\n---\n")
	s.refuses(failed, "causerie: "+wrong+": front matter: unknown key “titel” on line 2; did you mean “title”?\n"+
		"causerie: "+wrong+": front matter: part on line 3 ", "article", "publish", wrong)
	s.refuses(failed, "line 3 is not “key: value”; put a text with a colon or brackets in quotes", "article", "publish",
		write(t, "colon.md", "---\ntitle: A\nsummary: The ferry: the last\n---\n"))
	for _, handle := range []string{"piett", "'@piett'"} {
		s.refuses(failed, "authors: there is no author “piett”. For a guest, use the key guest", "article", "publish",
			write(t, "guest.md", "---\ntitle: A\nauthors: ["+handle+"]\n---\n\nWords.\n"))
	}
	s.refuses(failed, "guest: “https://x.example” cannot be read: write it like", "article", "publish",
		write(t, "guest.md", "---\ntitle: A\nguest: https://x.example\n---\n\nWords.\n"))
}

func TestAHoldDoesNotWorkForAFutureDate(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	file := write(t, "later.md", "---\ntitle: Later\ndate: "+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+
		"\n---\n\nWords.\n")
	s.refuses(failed, "--hold does not work for a date in the future", "article", "publish", file, "--hold", "2m")
	s.tells("no articles", "article", "list")
}

func TestAMissingTranslationIsAnsweredWithThoseThatExist(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("article", "publish", write(t, "wide.md", "---\ntitle: Wide\nlanguage: en\n---\n\nThe ferry.\n"))
	s.refuses(failed, "“wide” has no translations\n", "article", "untranslate", "wide", "de")
	s.cli("article", "publish", write(t, "breed.md",
		"---\ntitle: Breed\nlanguage: nl\ntranslation-of: wide\n---\n\nDe pont.\n"))
	s.refuses(failed, "“wide” has no translation in “de”; it has: nl\n", "article", "untranslate", "wide", "de")
	s.tells("readers see within seconds that it was withdrawn", "article", "withdraw", "wide")
}

func TestWhatIsDoneAlreadyIsNotSaidToBeDone(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.cli("author", "add", "tobias", "--name", "Tobias Renkema")
	s.cli("article", "publish", write(t, "wide.md", "---\ntitle: Wide\n---\n\nThe ferry.\n"), "--author", "ilse")
	s.tells("“Wide” was not pinned\n", "article", "unpin", "wide")
	s.tells("pinned “Wide”\n", "article", "pin", "wide")
	s.tells("“Wide” was pinned already\n", "article", "pin", "wide")
	s.tells("unpinned “Wide”\n", "article", "unpin", "wide")
	s.tells("Tobias Renkema was not disabled.\n", "author", "disable", "tobias", "--undo")
	s.cli("author", "disable", "tobias")
	s.tells("Tobias Renkema was disabled already.\n", "author", "disable", "tobias")
	s.tells("No deletion of Tobias Renkema was planned.\n", "author", "delete", "tobias", "--cancel")
	s.cli("author", "delete", "tobias")
	s.tells("The deletion of Tobias Renkema was planned already: on ", "author", "delete", "tobias")
	s.tells("Tobias Renkema stays.\n", "author", "delete", "tobias", "--cancel")
}

func TestAListShowsPlannedTimesAndHidesDeletedArticles(t *testing.T) {
	s := openAt(t, storetest.SQLite(t), freePort(t), "--timezone", "Europe/Amsterdam")
	s.ilse()
	s.cli("article", "publish", write(t, "later.md", "---\ntitle: Later\ndate: 2099-12-01 10:00\n---\n\nWords.\n"))
	s.tells("scheduled for 2099-12-01 10:00", "article", "list")
	s.tells("1 December 2099, 10:00 CET", "article", "show", "later")
	s.cli("article", "delete", "later")
	s.tells("no articles", "article", "list")
	s.tells("deleted", "article", "list", "--status", "deleted")
}

func TestTheHelpNamesWhatANewcomerLooksFor(t *testing.T) {
	for command, want := range map[string]string{"deliveries": "“causerie deliveries retry ARTICLE”",
		"": "All settings of the server: causerie serve --help", "author add": "--role=ROLE",
		"author move": "--to=ACCOUNT", "author alias": "<action>"} {
		out, _, _ := cli(t.Context(), append(strings.Fields(command), "--help"), nil, "")
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("the help of “%s” lacks %q:\n%s", command, want, out)
		}
	}
}

func TestTheDemoListensOnlyOnThisMachine(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "192.0.2.1:0"} {
		if _, trouble, status := cli(t.Context(), []string{"demo", "--once", "--listen", address}, nil,
			""); status != misusing || !strings.Contains(trouble, "so it listens only on this machine") {
			t.Errorf("%s: %d, %q", address, status, trouble)
		}
	}
}

func TestAMistypedServerIsSaidToBeUnknown(t *testing.T) {
	data := t.TempDir()
	if _, trouble, status := cli(t.Context(), []string{"author", "add", "ilse", "--name", "Ilse", "--data", data}, nil,
		""); status != done {
		t.Fatal(trouble)
	}
	if _, trouble, status := cli(t.Context(), []string{"author", "move", "ilse", "--to", "@x@nowhere.example", "--data",
		data}, nil, ""); status != failed ||
		!strings.Contains(trouble, "no server was found at nowhere.example: check the spelling") {
		t.Errorf("%d, %q", status, trouble)
	}
}

func TestABlockAndTheAllowListSayWhatTheyDid(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.tells("evil.example is blocked. 0 followers removed, 0 comments hidden, 0 reactions hidden.\n", "block", "add",
		"evil.example")
	s.tells("loud.example is limited. 0 comments held for approval, 0 reactions no longer counted.\n", "block", "add",
		"loud.example", "--level", "limit")
	s.refuses(failed, "“foo” is not the name of a server: write the whole domain", "block", "add", "foo")
	s.refuses(failed, "“foo” is not the name of a server: write the whole domain", "allow", "add", "foo")
	s.tells("x.example is on the list. The list only counts with --federation=allow-list.\n", "allow", "add", "x.example")
}

func TestAPasswordCommandWithoutAPasswordSaysHow(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.refuses(misusing, `run it in a terminal, or: printf '%s\n' PASSWORD | causerie author password ilse`, "author",
		"password", "ilse")
}

func TestAMigrationWithNothingToDoSaysSo(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	said := s.cli("migrate")
	if !strings.HasPrefix(said, "The database is up to date (") || !strings.HasSuffix(said, " steps).\n") {
		t.Errorf("it says %q", said)
	}
}
