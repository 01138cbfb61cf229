package markup

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	goldmarktext "github.com/yuin/goldmark/text"

	"causerie/internal/text"
)

// Options are what an article's rendering depends on besides its words. The zero value is usable.
type Options struct {
	// Language is the BCP 47 tag of the text. It decides the quotation marks, and the few words that we add
	// ("Notes", "Table"), which exist in English and Dutch.
	Language string
	// IDPrefix stands before every id, so that several articles fit on one page. Letters, digits and hyphens.
	IDPrefix string
	// Resolve tells which stored picture is meant by an address in the text. It is asked once for each picture, in
	// text order, also for remote addresses, of which some may be ours. Nil resolves nothing.
	Resolve func(src string) (Picture, bool)
	// Mention tells the profile page of "@user@host". Nil, or not ok, leaves the mention as text; it is reported in
	// Rendered.Mentions all the same.
	Mention func(handle string) (url string, ok bool)
	// Tag tells the page of a tag, given without "#" and as written. Nil stands for /tags/ and the lower-case tag.
	Tag func(name string) (url string)
}

// Picture is a stored picture, as it goes into <img>.
type Picture struct {
	URL           string
	Width, Height int    // in pixels; 0 when unknown
	Srcset        string // the attribute's value; empty for a picture of one size
}

// Rendered is an article made into HTML, and what was learnt on the way.
type Rendered struct {
	HTML     SafeHTML // what goes inside <div class="prose e-content">
	Text     string   // the words alone, for search and excerpts
	Words    int
	Minutes  int // to read it, at least 1
	Headings []Heading
	Images   []Image  // every picture referred to, in text order, shown or not
	Links    []string // where the text links to, each once, as written; without mentions, hashtags and notes
	Mentions []string // "@bram@veerhuis.example", each once, the host in lower case
	Hashtags []string // without "#", as first written, each once whatever its case
	Notices  []Notice // what the author should know
}

// Heading is one line of a table of contents.
type Heading struct {
	ID    string // including Options.IDPrefix
	Text  string
	Level int // 2 to 6; the title of the page is the only h1
}

// Image is a picture that the text refers to.
type Image struct {
	Source  string // as written
	Alt     string
	Picture Picture // empty when it was not resolved
}

// Problem is the kind of a [Notice].
type Problem string

// The problems of a text that do not stop its rendering.
const (
	RawHTML        Problem = "raw HTML left out"
	RemotePicture  Problem = "picture on another server shown as a link"
	MissingPicture Problem = "picture not found"
	NoAlt          Problem = "picture without alternative text"
	UnsafeLink     Problem = "link left out, its address is not safe"
	UnknownMention Problem = "mention without a known profile"
)

// Notice describes something that was not rendered as written, for the author.
type Notice struct {
	Trouble Problem
	Detail  string // the tag, address or handle, shortened
	Line    int    // of the Markdown, from 1; 0 when unknown
}

// String is a sentence without its full stop: `line 3: raw HTML left out: <script>`.
func (n Notice) String() string {
	s := string(n.Trouble)
	if n.Detail != "" {
		s += ": " + n.Detail
	}
	if n.Line > 0 {
		s = fmt.Sprintf("line %d: %s", n.Line, s)
	}
	return s
}

// maxNotices is how many notices an author gets at most.
const maxNotices = 100

// Article renders Markdown: CommonMark with tables, notes, task lists, strikethrough, bare addresses, definition
// lists and highlighted code, and these habits of ours:
//
//   - a picture alone in its paragraph is a figure, its title the caption; {.wide} or {.full} behind it makes it so
//   - a paragraph "Table: ..." before or after a table is its caption; the first column names the rows
//   - a last paragraph in a quotation that begins with a dash says whose words they are
//   - {#id} at the end of a heading is its id
//   - @user@host and #tag become links, outside code and links
//
// A heading of the first level is lowered with all others, since the page has its title. Raw HTML is left out,
// but for some small elements without consequence such as <kbd> and <sub>, and a notice says so.
//
// The error is ErrTooLarge for more than MaxArticle bytes, or ErrTooComplex. Time is linear in the length.
func Article(markdown string, options Options) (Rendered, error) {
	if len(markdown) > MaxArticle {
		return Rendered{}, fmt.Errorf("%w: an article may have %d bytes, this one has %d", ErrTooLarge, MaxArticle,
			len(markdown))
	}
	source := []byte(strings.ToValidUTF8(markdown, "\uFFFD"))
	if err := checkBudget(source); err != nil {
		return Rendered{}, err
	}
	patience := &budget{}
	doc := goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList, extension.Linkify,
			extension.Footnote, extension.DefinitionList),
		goldmark.WithParserOptions(patience.option(), nameParsers),
	).Parser().Parse(goldmarktext.NewReader(source), parser.WithContext(parser.NewContext()))
	if patience.lost {
		return Rendered{}, fmt.Errorf("%w: too many unfinished links and emphases in one paragraph", ErrTooComplex)
	}
	c := &articleRenderer{source: source, options: options, language: languageOf(options.Language), ids: map[string]bool{},
		repeats: map[string]int{}, met: map[string]bool{}}
	c.compose(doc)
	if depth(doc) > maxNesting {
		return Rendered{}, fmt.Errorf("%w: nested more than %d deep", ErrTooComplex, maxNesting)
	}
	return c.finish(doc)
}

// finish prints the composed tree and counts its words.
func (c *articleRenderer) finish(doc ast.Node) (Rendered, error) {
	var out bytes.Buffer
	if err := newRenderer().Render(&out, c.source, doc); err != nil {
		return Rendered{}, fmt.Errorf("render article: %w", err)
	}
	c.HTML = gate(ownPolicy, out.String())
	c.Text = Text(c.HTML)
	c.Words = CountWords(c.Text)
	c.Minutes = minutes(c.Words)
	slices.SortStableFunc(c.Notices, func(a, b Notice) int { return a.Line - b.Line })
	return c.Rendered, nil
}

// articleRenderer reshapes the parsed tree into that of our pages: parsed kinds that need more than a
// plain tag are replaced by elements, which say exactly what is printed.
type articleRenderer struct {
	Rendered
	source    []byte
	options   Options
	language  language
	ids       map[string]bool // taken by headings
	repeats   map[string]int
	met       map[string]bool // links, mentions, hashtags
	newlines  []int           // offsets, once somebody asked
	colouring time.Duration
}

func (c *articleRenderer) compose(doc ast.Node) {
	c.tameHTML(doc)
	c.punctuate(doc)
	for _, n := range collect(doc, ofKind(kindName, ast.KindLink, ast.KindAutoLink, ast.KindImage)) {
		switch n := n.(type) {
		case *name:
			c.name(n)
		case *ast.Link:
			c.link(n)
		case *ast.AutoLink:
			c.autoLink(n)
		case *ast.Image:
			c.image(n)
		}
	}
	c.figures(doc)
	c.headings(doc)
	c.blocks(doc)
	c.endMark(doc)
	c.notes(doc)
}

// notice tells the author, but not the same thing twice and not without end.
func (c *articleRenderer) notice(n ast.Node, trouble Problem, detail string) {
	if len(c.Notices) >= maxNotices {
		return
	}
	notice := Notice{trouble, text.Excerpt(detail, 80), c.line(n)}
	if !slices.Contains(c.Notices, notice) {
		c.Notices = append(c.Notices, notice)
	}
}

// line is where a node stands in the source, from 1; 0 when nobody knows.
func (c *articleRenderer) line(n ast.Node) int {
	for ; n != nil; n = n.Parent() {
		if pos := position(n); pos >= 0 && pos <= len(c.source) {
			return 1 + sort.SearchInts(c.lineEnds(), pos)
		}
	}
	return 0
}

// lineEnds is where the source's lines end.
func (c *articleRenderer) lineEnds() []int {
	if c.newlines == nil {
		c.newlines = []int{}
		for i, b := range c.source {
			if b == '\n' {
				c.newlines = append(c.newlines, i)
			}
		}
	}
	return c.newlines
}

func position(n ast.Node) int {
	switch n := n.(type) {
	case *ast.Text:
		return n.Segment.Start
	case *ast.RawHTML:
		if n.Segments.Len() > 0 {
			return n.Segments.At(0).Start
		}
	}
	if n.Type() == ast.TypeBlock && n.Kind() != kindElement && n.Lines() != nil && n.Lines().Len() > 0 {
		return n.Lines().At(0).Start
	}
	return -1
}
