package markup

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// repeat returns about size bytes of s.
func repeat(s string, size int) string { return strings.Repeat(s, size/len(s)) }

// testTimeLimit is three times what an idle machine needs at worst.
const testTimeLimit = 3 * time.Second

// markdownBombs are texts that some Markdown renderer, somewhere, took minutes for.
func markdownBombs(n int) map[string]string {
	var ladder, ticks, definitions, notes strings.Builder
	for i := 0; ladder.Len() < n-1000; i++ {
		ladder.WriteString(strings.Repeat(" ", 2*(i%110)) + "- a\n")
	}
	for i := 1; ticks.Len() < n-2000; i++ {
		ticks.WriteString(strings.Repeat("`", i) + "a")
	}
	for i := 0; definitions.Len() < n-100; i++ {
		definitions.WriteString("[a" + string(rune('a'+i%26)) + strings.Repeat("b", i%20) + "]: x\n")
	}
	for i := range 1400 {
		notes.WriteString("[^" + strings.Repeat("a", 1+i%50) + string(rune('a'+i%26)) + "]: x\n\n")
	}
	notes.WriteString(repeat("[^zzz] ", 7*1400))
	return map[string]string{
		"nested quotations":                   repeat(">", n),
		"deep quotations on many lines":       strings.Repeat(strings.Repeat(">", 40)+"a\n", n/42),
		"nested lists":                        repeat("- ", n),
		"deep lists on many lines":            strings.Repeat(strings.Repeat("- ", 40)+"a\n", n/82),
		"empty lines inside a deep list":      strings.Repeat("- ", 40) + "a" + repeat("\n", n-100),
		"a ladder of lists":                   ladder.String(),
		"opening brackets":                    repeat("[", n),
		"closing brackets":                    repeat("]", n),
		"opening picture brackets":            repeat("![", n),
		"unfinished links":                    repeat("[a](", n),
		"unfinished links with words":         repeat("[a](b", n),
		"unfinished links with pointed ends":  repeat("[a](<", n),
		"unfinished titles":                   repeat("[a](b \"", n),
		"empty links":                         repeat("[]()", n),
		"nested links":                        repeat("[", n/5) + repeat("](a)", n/5*4),
		"nested pictures":                     repeat("![", n/3) + repeat("](a)", n/2),
		"parentheses in an address":           repeat("[a](((", n),
		"asterisks":                           repeat("*", n),
		"emphasis that never closes":          repeat("*a ", n),
		"emphasis that never opens":           repeat("a* ", n),
		"two kinds of emphasis crossed":       repeat("*a_ ", n),
		"emphasis inside words":               repeat("a**b", n),
		"nested emphasis":                     repeat("*a ", n/3) + repeat("a*", n/3),
		"underscores":                         repeat("_a", n),
		"tildes":                              repeat("~a ", n),
		"code of growing fences":              ticks.String(),
		"unfinished comments":                 "a" + repeat("<!--", n-1),
		"unfinished tags":                     "a " + repeat("<a ", n-2),
		"unfinished tags on lines":            "a " + repeat("<a\n", n-2),
		"unfinished attributes":               "a " + repeat("<a b='", n-2),
		"unfinished processing instructions":  "a " + repeat("<?", n-2),
		"tags that never close":               "a " + repeat("<b>", n-2),
		"crossed tags":                        "a " + repeat("<b>", n/2-2) + repeat("</i>", n/2),
		"entities":                            repeat("&#1", n),
		"bare addresses":                      repeat("http://a ", n),
		"bare addresses in parentheses":       repeat("(http://", n),
		"half addresses of mail":              repeat("_a@", n),
		"quotation marks":                     repeat("'", n),
		"double quotation marks":              repeat("\"a ", n),
		"link definitions":                    definitions.String(),
		"an unfinished link definition":       "[a]: x '" + repeat("a\n", n-10),
		"references to one link":              "[a]: x\n\n" + repeat("[a] ", n-20),
		"notes and references without a note": notes.String(),
		"unfinished notes":                    repeat("[^", n),
		"references to one note":              "[^a]: x\n\n" + repeat("[^a]", n-20),
		"a wide table with short rows": "|" + repeat("a|", n/8) + "\n|" + repeat("-|", n/8) + "\n" +
			repeat("a\n", n/2),
		"a wide line that wants to be a table": "a\n" + repeat("|-", n-10),
		"many small tables":                    repeat("|a|b|\n|-|-|\n\n", n),
		"a long table":                         "|a|b|\n|-|-|\n" + repeat("|\n", n-20),
		"headings":                             repeat("# a\n", n),
		"a heading of braces":                  "# a " + repeat("{a=", n-10),
		"underlined headings":                  repeat("a\n=\n", n),
		"definitions":                          repeat("a\n: b\n", n),
		"tasks":                                repeat("- [ ] a\n", n),
		"small paragraphs":                     repeat("a\n\n", n),
		"hashtags":                             repeat("#a ", n),
		"hashes":                               repeat("#", n),
		"ats":                                  repeat("@", n),
		"mentions":                             repeat("@a@b.c ", n),
		"one long mention":                     "@a@" + repeat("b.", n-10),
		"blocks of HTML":                       repeat("<div>\n\n", n),
		"code":                                 "```go\n" + repeat("if a { b(\"", n-20) + "\n```",
		"code in many fences":                  repeat("```c\na\"\n```\n", n),
		"backslashes":                          repeat(`\a`, n),
		"spaces":                               repeat(" ", n),
		"tabs":                                 repeat("\t", n),
		"zero bytes":                           repeat("\x00", n),
	}
}

func TestT107MarkdownBombsAreRenderedOrRefusedInTime(t *testing.T) {
	for name, text := range markdownBombs(MaxArticle) {
		t.Run(name, func(t *testing.T) {
			// A try that was disturbed by whatever else the machine does gets another one.
			fastest := time.Hour
			for try := 0; try < 4 && fastest > testTimeLimit; try++ {
				start := time.Now()
				_, err := Article(text, Options{Language: "en"})
				fastest = min(fastest, time.Since(start))
				if err != nil && !errors.Is(err, ErrTooComplex) {
					t.Errorf("error %v, want ErrTooComplex or none", err)
				}
			}
			if fastest > testTimeLimit {
				t.Errorf("took %v", fastest)
			}
		})
	}
}

func TestT106CommentBombsAreCleanedInTime(t *testing.T) {
	n := MaxComment
	bombs := map[string]string{
		"nested blocks":               repeat("<div>", n),
		"nested quotations":           repeat("<blockquote><p>", n),
		"nested lists":                repeat("<ul><li>", n),
		"nested formatting":           repeat("<b><i><u>", n),
		"formatting to be reopened":   repeat("<b a=1><b a=2><i a=3>", n/4) + repeat("<p>", n/4*3),
		"links in links":              repeat("<a href=https://dijla.example/>", n),
		"links with hidden spans":     repeat("<a href=https://dijla.example/><span class=invisible>x", n),
		"nested tables":               repeat("<table><tr><td>", n),
		"foreign content":             repeat("<svg><math><mtext>", n),
		"templates":                   repeat("<template>", n),
		"end tags":                    repeat("</dl></p>", n),
		"start tags and wrong ends":   repeat("<s>", n/2) + repeat("</u>", n/2),
		"unfinished tags":             repeat("<a ", n),
		"one tag of many attributes":  "<a " + repeat("b=c ", n),
		"one tag of many classes":     "<a href=https://dijla.example/ class='" + repeat("mention ", n),
		"comments":                    repeat("<!--", n),
		"entities":                    repeat("&amp;", n),
		"half entities":               repeat("&amp", n),
		"pictures":                    repeat("<img src=https://dijla.example/ alt=x>", n),
		"combining marks":             repeat("\u0300", n),
		"paragraphs":                  repeat("<p>", n),
		"select":                      repeat("<select><option>", n),
		"raw text that never closes":  repeat("<textarea>", n),
		"a script that never closes":  "<script>" + repeat("a", n),
		"divisions around paragraphs": repeat("<div>", n/2) + repeat("<p>a", n/2),
	}
	for name, html := range bombs {
		t.Run(name, func(t *testing.T) {
			fastest := time.Hour
			for range 3 {
				start := time.Now()
				Clean(html)
				fastest = min(fastest, time.Since(start))
			}
			// 100 ms is the promise; a busy machine gets thrice that.
			if fastest > 300*time.Millisecond {
				t.Errorf("took %v", fastest)
			}
		})
	}
}

func TestT105HalfTagsByTheMegabyteCostLittle(t *testing.T) {
	for _, half := range []string{"<a", "<a href='", "&a", "<!--", "https://", "@a@",
		"<span class=\"invisible\">https://"} {
		fastest := time.Hour
		for range 5 {
			start := time.Now()
			Clean(repeat(half, 1<<20))
			CleanName(repeat(half, 1<<20))
			fastest = min(fastest, time.Since(start))
		}
		if fastest > 100*time.Millisecond {
			t.Errorf("a megabyte of %s took %v", half, fastest)
		}
	}
}
