package inbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

// attack is a blog with an honest server, whose comments and likes could be harmed, and an evil one that sends
// hostile bodies.
type attack struct {
	*overkant.Blog
	honest, evil *fedtest.Server
	bram         *fedtest.Person
	n            int
}

func newAttack(o *overkant.Blog) *attack {
	s := &attack{Blog: o, honest: o.Server("veerhuis")}
	s.bram = s.honest.Person("bram")
	crowd := fedtest.New(fedtest.Config{KeyPool: 1}) // a new key for each of a hundred people would take most of the time
	o.T.Cleanup(func() { crowd.Close() })
	var err error
	if s.evil, err = crowd.AddServer("zilverduin", fedtest.Mastodon); err != nil {
		o.T.Fatal(err)
	}
	return s
}

// scene has the objects that the placeholders in a body stand for.
type scene struct {
	article, author, said string // said is an answer of Bram's under the article
	bram, kade            *fedtest.Person
}

// send sends a body about a new article, signed by a new actor of the evil server. It returns the status and the
// effect: what is new under the article, and what the blog fetched from the honest server.
func (s *attack) send(body string, names func(scene) *strings.Replacer) (answered int, effect string) {
	s.T.Helper()
	s.n++
	ctx := s.Soon()
	a := s.Publish(func(a *blog.Article) { a.Slug = fmt.Sprintf("besieged-%d", s.n) })
	said, err := s.bram.Reply(ctx, s.Object(a), "<p>Bram was here.</p>")
	if err != nil {
		s.T.Fatal(err)
	}
	if _, err := s.bram.Like(ctx, s.Object(a)); err != nil {
		s.T.Fatal(err)
	}
	on := scene{article: s.Object(a), author: s.Site.ActorID(s.Ilse.ID), said: said.Object, bram: s.bram,
		kade: s.evil.Person(fmt.Sprintf("kade%d", s.n))}
	before, asked := s.visible(a), len(s.honest.Requests())
	answer, err := on.kade.Send(ctx, s.Site.SharedInbox(), []byte(names(on).Replace(body)))
	if answer.Status == 0 {
		s.T.Fatalf("no answer: %v", err)
	}
	s.Until("its arrival is done with", func() bool {
		n, _, err := s.Store.CountWaiting(ctx)
		return err == nil &&
			n == 0
	})
	after := s.visible(a)
	var changes []string
	for _, line := range before {
		if !slices.Contains(after, line) && !strings.Contains(line, "=") {
			changes = append(changes, "- "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			changes = append(changes, "+ "+line)
		}
	}
	for _, visit := range s.honest.Requests()[asked:] {
		changes = append(changes, "asked for "+visit.Path)
	}
	return answer.Status, strings.ReplaceAll(strings.Join(changes, "; "), s.evil.Host, "zilverduin.example")
}

// visible returns all that readers and the author see under an article.
func (s *attack) visible(a blog.Article) []string {
	s.T.Helper()
	ctx := s.Soon()
	list, err := s.Store.Comments(ctx, store.CommentFilter{Article: a.ID})
	if err != nil {
		s.T.Fatal(err)
	}
	private, err := s.Store.Comments(ctx, store.CommentFilter{Article: a.ID, Private: true})
	if err != nil {
		s.T.Fatal(err)
	}
	n, err := s.Store.CountFollowers(ctx, s.Ilse.ID)
	if err != nil {
		s.T.Fatal(err)
	}
	counts := s.Counts(a)
	lines := []string{fmt.Sprintf("followers = %d", n.Accepted), fmt.Sprintf("likes = %d", counts.Likes),
		fmt.Sprintf("boosts = %d", counts.Boosts)}
	for _, c := range append(list, private...) {
		lines = append(lines, fmt.Sprintf("%s %s: %s", c.State, c.Visibility, c.HTML))
	}
	return lines
}

// hostile is a body of internal/activity/testdata/hostile with what its index promises.
type hostile struct {
	name, body, effect, about string
	answered                  int
}

func hostiles(t *testing.T) []hostile {
	t.Helper()
	folder := filepath.Join("..", "..", "activity", "testdata", "hostile")
	index, err := os.ReadFile(filepath.Join(folder, "INDEX"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var list []hostile
	for line := range strings.Lines(string(index)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		field := strings.Split(strings.TrimSpace(line), "\t")
		body, err := os.ReadFile(filepath.Join(folder, field[0]+".json"))
		if err != nil {
			t.Fatal(err)
		}
		answered, err := strconv.Atoi(field[1])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, hostile{field[0], string(body), field[2], field[3], answered})
	}
	if len(files) != len(list)+1 {
		t.Errorf("%d bodies, and %d in the index", len(files)-1, len(list))
	}
	return list
}

// sendRows sends the hostile bodies whose line in the index begins with one of the rows, and checks status and
// effect.
func sendRows(t *testing.T, rows ...string) {
	t.Helper()
	list := slices.DeleteFunc(hostiles(t), func(h hostile) bool {
		return !slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(h.about, row) })
	})
	if len(list) == 0 {
		t.Fatalf("the index has nothing about %v", rows)
	}
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		s := newAttack(o)
		for _, h := range list {
			if code, got := s.send(h.body, ourNames(o)); code != h.answered || got != h.effect {
				t.Errorf("%s (%s) is answered with %d and %q, want %d and %q", h.name, h.about, code, got, h.answered, h.effect)
			}
		}
	})
}

func TestT026ARepeatedNameIsRefusedByTheInbox(t *testing.T) { sendRows(t, "T-026") }

func TestT027OtherCaseIsAnotherNameInTheInbox(t *testing.T) { sendRows(t, "T-027") }

func TestT028TheInboxAcceptsOneDocumentInUTF8(t *testing.T) { sendRows(t, "T-028") }

func TestT029TheInboxAcceptsOneActor(t *testing.T) { sendRows(t, "T-029") }

func TestT036NobodyChangesWhatBelongsToOthers(t *testing.T) { sendRows(t, "T-036") }

func TestT037NobodyRemovesWhatBelongsToOthers(t *testing.T) { sendRows(t, "T-037") }

func TestF099AnAuthorOnAnotherHostIsNotTrusted(t *testing.T) { sendRows(t, "T-034, F-099") }

func TestF100NobodySendsWhatIsOurs(t *testing.T) { sendRows(t, "T-036, F-100", "T-047") }

func TestT042NothingInAParentWithoutAnIDIsAccepted(t *testing.T) { sendRows(t, "T-042") }

// TestHostileBodiesGetTheAnswerOfTheIndex sends the bodies that no other test sends.
func TestHostileBodiesGetTheAnswerOfTheIndex(t *testing.T) {
	sent := regexp.MustCompile(`T-02[6789]|T-03[67]|T-034, F-099|T-042|T-047`)
	var rest []string
	for _, h := range hostiles(t) {
		if !sent.MatchString(h.about) {
			rest = append(rest, h.about)
		}
	}
	sendRows(t, rest...)
}

func ourNames(o *overkant.Blog) func(scene) *strings.Replacer {
	return func(on scene) *strings.Replacer {
		return strings.NewReplacer("https://overkant.example/ap/articles/01KAW0M5E8D3G6J9N2Q4T7V0XA", on.article,
			"https://overkant.example/ap/actors/01KAV3R8XQZ6M2T4N5P7S9W0YB", on.author, "https://overkant.example", o.Site.URL,
			"https://veerhuis.example/users/bram/notes/known", on.said,
			"https://veerhuis.example/users/bram", on.bram.ID, "https://veerhuis.example/", on.bram.Server.URL+"/",
			"https://zilverduin.example/users/kade", on.kade.ID, "https://zilverduin.example/", on.kade.Server.URL+"/")
	}
}

// corpusNames are the addresses of the hostile payloads of the corpus.
func corpusNames(o *overkant.Blog) func(scene) *strings.Replacer {
	return func(on scene) *strings.Replacer {
		return strings.NewReplacer("https://blog.example/posts/1", on.article, "https://blog.example/users/ana", on.author,
			"https://blog.example", o.Site.URL,
			"https://victim.example/users/vera", on.bram.ID, "https://victim.example/", on.bram.Server.URL+"/",
			"https://evil.example/users/mallory", on.kade.ID, "https://evil.example/", on.kade.Server.URL+"/")
	}
}
