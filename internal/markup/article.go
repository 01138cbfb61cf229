package markup

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	goldmarktext "github.com/yuin/goldmark/text"

	"causerie/internal/text"
)

// Options are what the rendering of an article depends on besides its text. The zero value is usable.
type Options struct {
	// Language is the BCP 47 tag of the text. It decides the quotation marks, and the few words that we add
	// ("Notes", "Table"), which exist in English and Dutch.
	Language string
	// IDPrefix stands before every id, so that several articles fit on one page. Letters, digits and hyphens.
	IDPrefix string
	// Resolve returns the stored picture that an address in the text means. It is called once for each picture, in text
	// order, also for remote addresses, since some of them may be pictures of this blog. Nil resolves nothing.
	Resolve func(src string) (Picture, bool)
	// Mention returns the profile page of "@user@host". Nil, or ok false, leaves the mention as text; Rendered.Mentions
	// lists it all the same.
	Mention func(handle string) (url string, ok bool)
	// Tag returns the page of a tag, which is given without "#" and as written. Nil stands for /tags/ and the lower-case
	// tag.
	Tag func(name string) (url string)
}

// Picture is a stored picture, as it goes into <img>.
type Picture struct {
	URL           string
	Width, Height int    // in pixels; 0 when unknown
	Srcset        string // the attribute's value; empty for a picture of one size
}

// Rendered is an article as HTML, and what was found while rendering it.
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
	Problem Problem
	Detail  string // the tag, address or handle, shortened
	Line    int    // of the Markdown, from 1; 0 when unknown
}

// String is a sentence without its full stop: `line 3: raw HTML left out: <script>`.
func (n Notice) String() string {
	s := string(n.Problem)
	if n.Detail != "" {
		s += ": " + n.Detail
	}
	if n.Line > 0 {
		s = fmt.Sprintf("line %d: %s", n.Line, s)
	}
	return s
}

// maxNotices limits the notices about one article.
const maxNotices = 100

// Article renders Markdown: CommonMark with tables, footnotes, task lists, strikethrough, bare addresses, definition
// lists and highlighted code. It adds these rules:
//
//   - a picture alone in its paragraph is a figure, its title the caption; {.wide} or {.full} after it sets the width
//   - a paragraph "Table: ..." before or after a table is its caption; the first column names the rows
//   - a last paragraph in a quotation that begins with a dash names its source
//   - {#id} at the end of a heading is its id
//   - @user@host and #tag become links, outside code and links; of tags, the first fifty. #FFaa00 is a colour
//
// When a heading has level 1, all headings are lowered by one, since the title of the page is the h1. Raw HTML is
// left out with a notice, except for small inline elements such as <kbd> and <sub>.
//
// The error is ErrTooLarge for more than MaxArticle bytes, or ErrTooComplex. Time is linear in the length.
func Article(markdown string, options Options) (Rendered, error) {
	if len(markdown) > MaxArticle {
		return Rendered{}, fmt.Errorf("%w: an article may have %d bytes, this one has %d", ErrTooLarge, MaxArticle,
			len(markdown))
	}
	// Invalid UTF-8 must not reach a page or another server, and no later step looks for it. The parser knows no line
	// that ends in a carriage return alone.
	source := []byte(text.Written(markdown))
	// The parser cannot be stopped once it runs, so what would make it slow is refused before.
	if err := checkBudget(source); err != nil {
		return Rendered{}, err
	}
	work := &budget{}
	// A parser per article: the budget counts this text alone.
	doc := goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList, bareAddresses{},
			extension.Footnote, extension.DefinitionList, eastAsian{}),
		goldmark.WithParserOptions(work.option(), nameParsers),
	).Parser().Parse(goldmarktext.NewReader(source), parser.WithContext(parser.NewContext()))
	if work.exceeded {
		return Rendered{}, fmt.Errorf("%w: too many unfinished links and emphases in one paragraph", ErrTooComplex)
	}
	c := &articleRenderer{source: source, options: options, language: languageOf(options.Language), ids: map[string]bool{},
		repeats: map[string]int{}, seen: map[string]bool{}}
	// The depth is checked after this step, which adds levels: a box around a table, a link around a picture.
	c.reshape(doc)
	if depth(doc) > maxNesting {
		return Rendered{}, fmt.Errorf("%w: nested more than %d deep", ErrTooComplex, maxNesting)
	}
	return c.finish(doc)
}

// finish prints the reshaped tree and counts its words.
func (c *articleRenderer) finish(doc ast.Node) (Rendered, error) {
	var out bytes.Buffer
	if err := newRenderer().Render(&out, c.source, doc); err != nil {
		return Rendered{}, fmt.Errorf("render article: %w", err)
	}
	c.HTML = sanitize(ownPolicy, out.String())
	// The text comes from the HTML that readers get, so the search index and the word count know nothing that is not
	// shown.
	c.Text = Text(c.HTML)
	c.Words = CountWords(c.Text)
	c.Minutes = minutes(c.Words)
	// Notices arise step by step (raw HTML, then links, then pictures); the author reads them from top to bottom.
	slices.SortStableFunc(c.Notices, func(a, b Notice) int { return a.Line - b.Line })
	return c.Rendered, nil
}

// articleRenderer changes the parsed tree into the tree that is printed: nodes that need more than a plain tag are
// replaced by elements, which say exactly what is printed.
type articleRenderer struct {
	Rendered
	source         []byte
	options        Options
	language       language
	ids            map[string]bool // taken by headings
	repeats        map[string]int
	seen           map[string]bool // links, mentions, hashtags
	newlines       []int           // offsets, once somebody asked
	colouringSpent time.Duration
}

// reshape runs the steps that change the tree. Their order matters.
func (c *articleRenderer) reshape(doc ast.Node) {
	// First: no later step has to know raw HTML, or text in pieces.
	c.filterRawHTML(doc)
	c.joinText(doc)
	c.joinLines(doc)
	// Before pictures are replaced, so that their alt text is typeset, too.
	c.punctuate(doc)
	for _, n := range collect(doc, ofKind(kindName, ast.KindLink, ast.KindAutoLink, ast.KindImage)) {
		switch n := n.(type) {
		case *nameNode:
			c.mentionOrTag(n)
		case *ast.Link:
			c.link(n)
		case *ast.AutoLink:
			c.autoLink(n)
		case *ast.Image:
			c.image(n)
		}
	}
	// After images, which it looks for as elements.
	c.figures(doc)
	c.headings(doc)
	c.blocks(doc)
	c.endMark(doc)
	// Last: endMark and headings must not meet the list of notes as elements.
	c.notes(doc)
}

// joinText makes one text of what the inline parsers cut, so that an entity is in one piece.
func (c *articleRenderer) joinText(doc ast.Node) {
	for _, n := range collect(doc, ofKind(ast.KindText)) {
		line := n.(*ast.Text)
		for next := line.NextSibling(); next != nil && line.Parent() != nil && !line.SoftLineBreak() &&
			!line.HardLineBreak() && line.Merge(next, c.source); next = line.NextSibling() {
			remove(next)
		}
	}
}

// notice adds a notice for the author, each only once and maxNotices in all.
func (c *articleRenderer) notice(n ast.Node, trouble Problem, detail string) {
	if len(c.Notices) >= maxNotices {
		return
	}
	notice := Notice{trouble, text.Excerpt(detail, 80), c.line(n)}
	if !slices.Contains(c.Notices, notice) {
		c.Notices = append(c.Notices, notice)
	}
}

// line returns the line of the source where a node stands, from 1; 0 when it is unknown.
func (c *articleRenderer) line(n ast.Node) int {
	// Elements and inline nodes have no position of their own, so the nearest parent with one answers.
	for ; n != nil; n = n.Parent() {
		if pos := position(n); pos >= 0 && pos <= len(c.source) {
			return 1 + sort.SearchInts(c.lineEnds(), pos)
		}
	}
	return 0
}

// lineEnds returns the offsets of the line ends in the source.
func (c *articleRenderer) lineEnds() []int {
	// Most articles cause no notice, so the list is made on first use. An empty list differs from nil here.
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

// position returns the offset of a node in the source, -1 when the node has none.
func position(n ast.Node) int {
	switch n := n.(type) {
	case *ast.Text:
		return n.Segment.Start
	case *ast.RawHTML:
		if n.Segments.Len() > 0 {
			return n.Segments.At(0).Start
		}
	}
	// An element is a block by type but never came from the parser: it has no lines.
	if n.Type() == ast.TypeBlock && n.Kind() != kindElement && n.Lines() != nil && n.Lines().Len() > 0 {
		return n.Lines().At(0).Start
	}
	return -1
}
