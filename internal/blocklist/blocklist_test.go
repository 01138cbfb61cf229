package blocklist_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
)

func TestADomainIsReadInEveryWrittenForm(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"evil.example", "evil.example"},
		{"  EVIL.example\t", "evil.example"},
		{"evil.example.", "evil.example"},
		{"evil.example:8443", "evil.example"},
		{"https://EVIL.example:8443/", "evil.example"},
		{"http://evil.example", "evil.example"},
		{"localhost", "localhost"},
		{"my_server.example", "my_server.example"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"https://BÜCHER.example/", "xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"192.0.2.7", "192.0.2.7"},
		{"192.0.2.7:443", "192.0.2.7"},
		{"2001:db8::1", "2001:db8::1"},
		{"[2001:DB8::1]:443", "2001:db8::1"},
		{"https://[2001:db8::1]/", "2001:db8::1"},
	} {
		got, err := blocklist.ReadDomain(c.text)
		if got != c.want || err != nil {
			t.Errorf("%q is read as %q, %v; want %q", c.text, got, err, c.want)
		}
		// Blocks store the result, and lookups pass it through Domain again.
		if again := blocklist.Domain(got); again != got {
			t.Errorf("the domain %q becomes %q when it is normalised again", got, again)
		}
	}
}

func TestT085AllNamesBelowADomainHaveOneOwner(t *testing.T) {
	for host, want := range map[string]string{
		"a.b.zilverduin.nl": "zilverduin.nl", "zilverduin.nl": "zilverduin.nl", "zilverduin.nl:8443": "zilverduin.nl",
		"x.zilverduin.co.uk": "zilverduin.co.uk", "zilverduin.co.uk": "zilverduin.co.uk",
		"bram.github.io": "bram.github.io", "github.io": "github.io",
		"127.0.0.1:9002": "127.0.0.1:9002", "127.0.0.1": "127.0.0.1", "[fd00::1]:80": "[fd00::1]:80",
		"[fd00::1]":      "[fd00::1]",
		"localhost:8080": "localhost:8080", "": "",
	} {
		if got := blocklist.Owner(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

func TestWhatIsNoDomainIsRefused(t *testing.T) {
	for _, text := range []string{"", "  ", ".", "https://", "@kade@evil.example", "kade@evil.example",
		"acct:kade@evil.example", "https://evil.example/@kade", "evil.example/about", "*.evil.example", "evil..example",
		"-evil.example", "evil-.example", "e vil.example", "evil.example,suspend", "evil\x00.example", "<b>evil.example</b>",
		strings.Repeat("evil.", 50) + "example"} {
		got, err := blocklist.ReadDomain(text)
		var invalid blog.Invalid
		if !errors.As(err, &invalid) || invalid.Field != "subject" || got != "" {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}

// onServer is the block of a server as a list makes it.
func onServer(domain string, level blog.BlockLevel, reason string) blog.Block {
	return blog.Block{Kind: blog.BlockServer, Subject: domain, Level: level, Reason: reason}
}

const header = "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"

func TestMastodonsListsAndPlainListsAreRead(t *testing.T) {
	evil := onServer("evil.example", blog.Refuse, "")
	for _, c := range []struct {
		name, text string
		want       blocklist.Blocklist
	}{
		{"nothing", "", blocklist.Blocklist{}},
		{"a header alone", header, blocklist.Blocklist{}},
		{"an export", header + "evil.example,suspend,true,true,spam,false\nloud.example,silence,false,false,,false\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Refuse, "spam"),
				onServer("loud.example", blog.Limit, "")}}},
		{"no header", "evil.example,suspend,FALSE,FALSE,spam\nloud.example,silence\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Refuse, "spam"),
				onServer("loud.example", blog.Limit, "")}}},
		{"bare domains", "evil.example\nhttps://Worse.example/\n",
			blocklist.Blocklist{Blocks: []blog.Block{evil, onServer("worse.example", blog.Refuse, "")}}},
		{"a header without marks, in another order", "Domain,Public_Comment,Severity\nevil.example,spam,suspend\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Refuse, "spam")}}},
		{"unknown columns", "#domain,colour,#severity\nevil.example,red,silence\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Limit, "")}}},
		{"fewer and more cells than columns", header + "evil.example\nloud.example,silence,,,loud,,,,\n",
			blocklist.Blocklist{Blocks: []blog.Block{evil, onServer("loud.example", blog.Limit, "loud")}}},
		{"the severities in other words", header + "evil.example,SUSPEND\nloud.example,limit\nquiet.example,noop\n" +
			"calm.example,none\n", blocklist.Blocklist{Blocks: []blog.Block{evil, onServer("loud.example", blog.Limit, "")},
			Noops: 2}},
		{"a limit with switches that exist elsewhere", header + "loud.example,silence,true,false\n" +
			"noisy.example,silence,false,TRUE\nevil.example,suspend,true,true\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("loud.example", blog.Limit, ""),
				onServer("noisy.example", blog.Limit, ""), evil}, Partial: 2}},
		{"a server twice", header + "evil.example,silence,,,first\nEVIL.example,suspend,,,second\n" +
			"evil.example.,silence,,,third\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Refuse, "first")}}},
		{"comments and empty lines", "# collected in November\n\n   \nevil.example\n#loud.example\n\n",
			blocklist.Blocklist{Blocks: []blog.Block{evil}}},
		{"a byte order mark", "\uFEFF" + header + "evil.example,silence\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Limit, "")}}},
		{"a byte order mark and no header", "\uFEFFevil.example\n", blocklist.Blocklist{Blocks: []blog.Block{evil}}},
		{"the line ends of Windows, and spaces", "evil.example, suspend , , , spam \r\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Refuse, "spam")}}},
		{"quotes, with a comma, a quote and a line end", header +
			"\"evil.example\",\"suspend\",,,\"spam, \"\"offers\"\"\nand more\"\nloud.example,silence\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Refuse, "spam, \"offers\"\nand more"),
				onServer("loud.example", blog.Limit, "")}}},
		{"a reason that no database stores", header + "evil.example,suspend,,,a\x00b\xff\n",
			blocklist.Blocklist{Blocks: []blog.Block{onServer("evil.example", blog.Refuse, "ab\uFFFD")}}},
		{"a reason that is too long", header + "evil.example,suspend,,," + strings.Repeat("é", 501) + "\n",
			blocklist.Blocklist{Blocks: []blog.Block{
				onServer("evil.example", blog.Refuse, strings.Repeat("é", 499)+"…")}}},
		{"a huge reason", header + "evil.example,suspend,,," + strings.Repeat("x", 1<<20) + "\n",
			blocklist.Blocklist{Blocks: []blog.Block{
				onServer("evil.example", blog.Refuse, strings.Repeat("x", 499)+"…")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := blocklist.ReadBlocklist(strings.NewReader(c.text))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("the list is read as\n%+v, %v\nwant\n%+v", got, err, c.want)
			}
			for _, b := range got.Blocks {
				if err := b.Check(); err != nil {
					t.Errorf("the block of %s cannot be saved: %v", b.Subject, err)
				}
			}
		})
	}
}

func TestAListWithWrongLinesIsRefusedAsAWhole(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no domain", header + "evil.example,suspend\n@kade@evil.example,suspend\n",
			"line 3: “@kade@evil.example” is not the domain of a server"},
		{"an unknown severity", "evil.example,forgive\n",
			"line 1: the severity “forgive” is none of suspend, silence and noop"},
		{"several lines", "evil..example\nloud.example\nloud.example,shout\n",
			"line 1: “evil..example” is not the domain of a server; " +
				"line 3: the severity “shout” is none of suspend, silence and noop"},
		{"the line number after a cell of two lines", "evil.example,suspend,,,\"one\ntwo\"\nevil..example\n",
			"line 3: “evil..example” is not the domain of a server"},
		{"a header without a domain column", "severity,public_comment\n",
			"line 1: the severity “public_comment” is none of suspend, silence and noop"},
		{"a domain hidden by another list", "evil.example;suspend\n",
			"line 1: “evil.example;suspend” is not the domain of a server"},
		{"a quote that stays open", "loud..example\n\"evil.example,suspend\n",
			"line 1: “loud..example” is not the domain of a server; " +
				"line 2, column 23: extraneous or missing \" in quoted-field"},
		{"a page of HTML", "<!DOCTYPE html>\n", "line 1: “<!DOCTYPE html>” is not the domain of a server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := blocklist.ReadBlocklist(strings.NewReader(c.text))
			var wrong blocklist.WrongLines
			if !errors.As(err, &wrong) || err.Error() != c.want || got.Blocks != nil {
				t.Errorf("the list is read as %+v, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestManyWrongLinesAreCounted(t *testing.T) {
	_, err := blocklist.ReadBlocklist(strings.NewReader(strings.Repeat("evil..example\n", 25)))
	if err == nil || strings.Count(err.Error(), "is not the domain") != 20 ||
		!strings.HasSuffix(err.Error(), "; and 5 more lines") {
		t.Errorf("the error is %v", err)
	}
}

// The text after the limit is not read. A list that goes on there must not pass as a shorter one.
func TestAListThatIsTooLongIsRefused(t *testing.T) {
	const lines, size = 100_000, 16 << 20
	comment := "#" + strings.Repeat("x", 1022) + "\n"
	for name, text := range map[string]string{
		"lines":                strings.Repeat("\n", lines) + "evil.example\n",
		"one line":             "evil.example,suspend,,," + strings.Repeat("x", size),
		"comments":             strings.Repeat(comment, size/len(comment)) + "#\nevil.example\n",
		"comments to the line": strings.Repeat(comment, size/len(comment)) + "evil.example\n",
	} {
		if got, err := blocklist.ReadBlocklist(strings.NewReader(text)); err == nil ||
			!strings.HasSuffix(err.Error(), "the list is too long: cut it into several") {
			t.Errorf("%s: the list is read as %+v, %v", name, got, err)
		}
	}
	fits := strings.Repeat("\n", lines-1) + "evil.example\n"
	if got, err := blocklist.ReadBlocklist(strings.NewReader(fits)); err != nil || len(got.Blocks) != 1 {
		t.Errorf("a list that just fits is read as %+v, %v", got, err)
	}
}

func TestAWrittenListReadsTheSame(t *testing.T) {
	var want []blog.Block
	for i, reason := range []string{"", "spam", "spam, \"offers\" and\nmore", "=1+2", "'quoted", "'=1", "''", "'", "-",
		"@kade", "#hash", "Grüße …", strings.Repeat("é", 500)} {
		level := blog.Refuse
		if i%2 == 1 {
			level = blog.Limit
		}
		want = append(want, onServer(fmt.Sprintf("evil%d.example", i), level, reason))
	}
	want = append(want, onServer("xn--bcher-kva.example", blog.Limit, ""), onServer("2001:db8::1", blog.Refuse, ""))
	person := blog.Block{Kind: blog.BlockPerson, Subject: "https://evil.example/users/kade", Level: blog.Refuse}

	var text strings.Builder
	if err := blocklist.WriteBlocklist(&text, append([]blog.Block{person}, want...)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text.String(), header) || strings.Contains(text.String(), person.Subject) {
		t.Errorf("the list begins %.200q", text.String())
	}
	// A spreadsheet must not run a reason as a formula.
	if strings.Contains(text.String(), ",=1+2,") {
		t.Error("the list holds a formula")
	}
	got, err := blocklist.ReadBlocklist(strings.NewReader(text.String()))
	if err != nil || !reflect.DeepEqual(got, blocklist.Blocklist{Blocks: want}) {
		t.Errorf("the list is read as\n%+v, %v\nwant\n%+v", got.Blocks, err, want)
	}
	var again strings.Builder
	if err := blocklist.WriteBlocklist(&again, got.Blocks); err != nil || again.String() != text.String() {
		t.Errorf("the list is written the second time as\n%s, %v", again.String(), err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestAFailedWriteIsReported(t *testing.T) {
	if err := blocklist.WriteBlocklist(brokenWriter{}, nil); err == nil {
		t.Error("a list that could not be written is reported as written")
	}
}
