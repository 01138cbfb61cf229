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
	s.refuses(failed, "causerie: "+wrong+": front matter: unknown key “titel” on line 2; did you mean “title”?\ncauserie: "+
		wrong+": front matter: part on line 3 ", "article", "publish", wrong)
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
