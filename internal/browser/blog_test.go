package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"causerie/internal/browser"
	"causerie/internal/fedtest"
	"causerie/internal/rig"
	"causerie/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

const (
	longWord = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"
	password = "four words by the river"
)

// stage is a blog of the real program with everything that can make a page wide, ugly or wrong, among pretend servers
// whose people have names of the same kind.
type stage struct {
	t       *testing.T
	ctx     context.Context
	program *rig.Program
	world   *fedtest.World
	chrome  *browser.Browser
	admin   *browser.Tab // in which Ana is signed in
	folder  string       // of the article files
	ana     string       // her actor
	series  series
	talk    article // with the long conversation
	draft   article

	everything article
	loud       *fedtest.Person // with the long names
	sources    sources
}

// article, series and comment are what the program prints of one.
type (
	article struct{ ID, URL, Object, Status string }
	series  struct{ ID, Slug string }
	comment struct{ ID, Article, Text string }
)

// open starts the browser and a blog on SQLite without an author.
func open(t *testing.T) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	chrome := browser.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	s := &stage{t: t, ctx: ctx, chrome: chrome, world: rig.NewWorld(t), folder: t.TempDir(),
		program: rig.NewProgram(t, rig.Build(t), storetest.SQLite(t))}
	s.program.Serve()
	s.must(os.CopyFS(s.folder, os.DirFS("testdata")))
	s.must(drawPortrait(filepath.Join(s.folder, "portrait.jpg")))
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// drawPortrait draws a picture that is much higher than it is wide.
func drawPortrait(path string) error {
	picture := image.NewRGBA(image.Rect(0, 0, 900, 1500))
	for y := range 1500 {
		for x := range 900 {
			picture.Set(x, y, color.RGBA{R: uint8(x / 5), G: uint8(y / 8), B: uint8((x ^ y) / 8), A: 255})
		}
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return jpeg.Encode(file, picture, nil)
}

var firstRunLink = regexp.MustCompile(`http\S+/admin/first-run\S+`)

// begin makes the first author in a browser that runs no scripts, as the link that the server prints lets one.
func (s *stage) begin() {
	s.t.Helper()
	tab := s.chrome.Tab(s.t)
	tab.Scripts(false)
	s.admin = tab
	link := firstRunLink.FindString(s.program.Said.String())
	if link == "" {
		s.t.Fatalf("the server printed no link for the first author:\n%s", s.program.Said)
	}
	tab.Open(link)
	tab.Type("#blog", "De Overkant")
	tab.Type("#name", longWord)
	tab.Type("#handle", "ana")
	tab.Type("#password", password)
	if p := tab.Press("form .btn.first"); p.Status != 200 || !strings.Contains(string(p.Source), longWord) {
		s.t.Fatalf("the first run answers %d: %s", p.Status, p.Source)
	}
}

// file publishes a file of testdata by command.
func (s *stage) file(name string, command ...string) article {
	s.t.Helper()
	if len(command) == 0 {
		command = []string{"article", "publish"}
	}
	return printed[article](s, append(command, filepath.Join(s.folder, name), "--author", "ana", "--json")...)[0]
}

// write writes an article file and publishes it.
func (s *stage) write(slug, front, text string) article {
	s.t.Helper()
	s.must(os.WriteFile(filepath.Join(s.folder, slug+".md"),
		[]byte(fmt.Sprintf("---\nslug: %s\n%s\n---\n\n%s\n", slug, front, text)), 0o600))
	return s.file(slug + ".md")
}

// printed runs a command and returns the JSON objects that it printed.
func printed[T any](s *stage, command ...string) (list []T) {
	s.t.Helper()
	for lines := json.NewDecoder(strings.NewReader(s.program.Must("", command...))); lines.More(); {
		var one T
		s.must(lines.Decode(&one))
		list = append(list, one)
	}
	return list
}

// furnish fills the blog.
func (s *stage) furnish() {
	s.t.Helper()
	s.program.Must(password+"\n", "author", "add", "bo", "--name", "Bo Li", "--password-stdin")
	s.ana = printed[article](s, "author", "list", "--json")[0].Object
	s.program.Must("", "site", "voice", "on", "--handle", "overkant")
	s.talk = s.file("talk.md")
	held := s.file("warned.md")
	s.everything = s.file("everything.md")
	for _, name := range []string{"alles.md", "arabic.md", "japanese.md", "german.md", "long-title.md",
		"unbroken.md", "withdrawn.md"} {
		s.file(name)
	}
	s.draft = s.file("draft.md", "article", "draft")
	s.write("later", "title: Later\ndate: "+time.Now().AddDate(0, 1, 0).Format(time.RFC3339), "Not now.")
	// More than a page of the front page, in several months and two years.
	for i := range 22 {
		day := time.Now().AddDate(0, -1-i/2, -i)
		s.write(fmt.Sprint("column-", i), fmt.Sprintf("title: Column %d\ndate: %s\ntags: [rivers]", i,
			day.Format("2006-01-02")), "A short text.")
	}
	s.program.Must("", "article", "withdraw", "withdrawn")
	s.series = printed[series](s, "series", "list", "--json")[0]
	s.program.Must("", "block", "add", strings.Repeat("quarrel", 8)+".example", "--level", "refuse", "--reason", longWord)
	s.converse(s.talk, held)
}

// converse lets strangers follow, answer, mention, report and react.
func (s *stage) converse(talk, held article) {
	s.t.Helper()
	people := rig.People(s.t, s.world, 3)
	// A name of 190 letters without a blank, and a handle of ninety letters.
	loud := people[1].Server.Person("l" + strings.Repeat("o", 88) + "d")
	_, err := loud.UpdateProfile(s.ctx, strings.Repeat("LOUDER", 31)+"LOUD")
	s.must(err)
	people, s.loud = append(people, loud), loud
	rig.Follow(s.t, people, s.ana)
	bram, kim, deep := people[0], people[1], people[2]

	// Two hundred and fifty answers side by side, from three servers: no server may send more than three hundred.
	s.must(rig.Crowd(4, 250, func(i int) error {
		_, err := people[i%3].Reply(s.ctx, talk.Object, fmt.Sprintf("<p>Answer %d, if the wind lets you.</p>", i))
		return err
	}))
	// And sixty one below the other.
	at := talk.Object
	for i := range 60 {
		sent, err := deep.Reply(s.ctx, at, fmt.Sprintf("<p>Level %d.</p>", i+1), fedtest.Mention(s.ana))
		s.must(err)
		at = sent.Object
	}
	for _, post := range []struct {
		by      *fedtest.Person
		html    string
		options []fedtest.NoteOption
	}{
		{loud, "<p>" + strings.Repeat("Hoooooooooo", 40) + "</p>", nil},
		{bram, "<p>It was drowned.</p>", []fedtest.NoteOption{fedtest.ContentWarning(strings.Repeat("Sorrow", 30))}},
		{bram, "<p>كم تطول الجملة حين يكون النهر ضيقًا؟</p>",
			[]fedtest.NoteOption{fedtest.Language("ar")}},
		{kim, "<pre><code>" + strings.Repeat("for i := range 100 { measure(i) } ", 8) + "</code></pre>", nil},
		{kim, "<ul><li>One<ul><li>Two</li></ul></li></ul><blockquote><p>Quoted</p></blockquote>", nil},
	} {
		_, err := post.by.Reply(s.ctx, talk.Object, post.html, post.options...)
		s.must(err)
	}
	for _, p := range people {
		_, err := p.Like(s.ctx, talk.Object)
		s.must(err)
	}
	_, err = bram.Boost(s.ctx, talk.Object)
	s.must(err)
	_, err = loud.React(s.ctx, talk.Object, "🚢")
	s.must(err)
	// Comments on this article wait for approval.
	_, err = loud.Reply(s.ctx, held.Object, "<p>May I say this?</p>")
	s.must(err)
	_, err = loud.Post(s.ctx, "<p>Have you read "+longWord+"?</p>", fedtest.Mention(s.ana))
	s.must(err)
	_, err = loud.Report(s.ctx, s.ana, []string{talk.Object}, "It is about "+longWord)
	s.must(err)
}
