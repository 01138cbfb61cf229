package activity

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a document may have at most. Beyond these it is refused as a whole, long before anything costly looks at it.
const (
	maxDepth  = 32
	maxKeys   = 256       // in one object
	maxItems  = 1000      // in one array
	maxString = 256 << 10 // bytes
)

// Document is a JSON object of a stranger that kept within the limits. It was read once, names compared exactly, and
// everything that is ever concluded from it comes from this one reading.
type Document struct {
	root map[string]any
	body []byte // as it came, for what was signed over it
}

// Read takes the bytes of a document: one JSON object in UTF-8, without byte order mark, NUL or anything behind it, no
// name twice in an object, no more than 32 levels, 256 names in an object, 1,000 items in an array and 256 KiB in a
// string. The words of JSON-LD that move things about in a document (@graph, @included, @reverse) are refused as well,
// since we read documents without a JSON-LD processor. The error is an ErrMalformed. Read looks at no more of the bytes
// than it must to refuse them.
func Read(body []byte) (*Document, error) {
	if !utf8.Valid(body) {
		return nil, malformed("it is not UTF-8")
	}
	s := scanner{body: body}
	s.space()
	if s.peek() != '{' {
		return nil, malformed("it does not begin as a JSON object")
	}
	root, err := s.object(1)
	if err != nil {
		return nil, err
	}
	if s.space(); s.at < len(s.body) {
		return nil, s.wrong("something follows the object")
	}
	return &Document{root: root, body: body}, nil
}

// ID is the document's id as it was written, "" when there is none.
func (d *Document) ID() string {
	id, _ := d.root["id"].(string)
	return id
}

// Type is the first type that the vocabulary knows, or the first at all, or "".
func (d *Document) Type() string { return typeOf(d.root) }

// Actor is the one actor of an activity, "" when there is none or more than one.
func (d *Document) Actor() string { return only(d.root["actor"]) }

// Object is the address of the first object of an activity, be it given as an address or embedded; "" without one.
func (d *Document) Object() string { return addressOf(d.root["object"]) }

// scanner reads JSON (RFC 8259) into maps and counts while it does. encoding/json would keep the last of two equal
// names without a word, and knows no limit but that of memory.
type scanner struct {
	body []byte
	at   int
}

func (s *scanner) wrong(format string, args ...any) error {
	return malformed("byte %d: "+format, append([]any{s.at}, args...)...)
}

// peek is the byte that comes next, 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.body) {
		return s.body[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.body) {
		switch s.body[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// take steps over the byte c, and over space around it, if c comes next.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.peek() != c {
		return false
	}
	s.at++
	s.space()
	return true
}

func (s *scanner) value(depth int) (any, error) {
	switch c := s.peek(); {
	case c == '{':
		return s.object(depth + 1)
	case c == '[':
		return s.array(depth + 1)
	case c == '"':
		return s.string()
	case c == 't':
		return true, s.word("true")
	case c == 'f':
		return false, s.word("false")
	case c == 'n':
		return nil, s.word("null")
	}
	return s.number()
}

func (s *scanner) object(depth int) (map[string]any, error) {
	if depth > maxDepth {
		return nil, s.wrong("more than %d levels", maxDepth)
	}
	object := make(map[string]any, 8)
	s.take('{')
	if s.take('}') {
		return object, nil
	}
	for {
		if err := s.member(object, depth); err != nil {
			return nil, err
		}
		if s.take('}') {
			return object, nil
		}
		if !s.take(',') {
			return nil, s.wrong("an object goes on with neither , nor }")
		}
		if len(object) == maxKeys {
			return nil, s.wrong("more than %d names in an object", maxKeys)
		}
	}
}

func (s *scanner) member(object map[string]any, depth int) error {
	if s.peek() != '"' {
		return s.wrong("a name is missing")
	}
	name, err := s.string()
	if err != nil {
		return err
	}
	if _, twice := object[name]; twice {
		return s.wrong("the name %q twice", short(name))
	}
	if name == "@graph" || name == "@included" || name == "@reverse" {
		return s.wrong("%s is not read here", name)
	}
	if !s.take(':') {
		return s.wrong("a colon is missing")
	}
	object[name], err = s.value(depth)
	return err
}

func (s *scanner) array(depth int) ([]any, error) {
	if depth > maxDepth {
		return nil, s.wrong("more than %d levels", maxDepth)
	}
	items := []any{}
	s.take('[')
	if s.take(']') {
		return items, nil
	}
	for {
		item, err := s.value(depth)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if s.take(']') {
			return items, nil
		}
		if !s.take(',') {
			return nil, s.wrong("an array goes on with neither , nor ]")
		}
		if len(items) == maxItems {
			return nil, s.wrong("more than %d items in an array", maxItems)
		}
	}
}

// string reads a text. A lone half of a surrogate pair becomes U+FFFD: emoji cut in two are common, and harmless.
func (s *scanner) string() (string, error) {
	start, escaped := s.at, false
	for s.at++; s.at < len(s.body); s.at++ {
		switch c := s.body[s.at]; {
		case c == '"':
			s.at++
			return s.plain(s.body[start:s.at], escaped)
		case c == '\\':
			escaped = true
			s.at++
		case c < ' ':
			return "", s.wrong("a control byte in a string")
		}
		if s.at-start > 6*maxString {
			return "", s.wrong("a string of more than %d bytes", maxString)
		}
	}
	return "", s.wrong("a string without an end")
}

func (s *scanner) plain(quoted []byte, escaped bool) (string, error) {
	text := string(quoted[1 : len(quoted)-1])
	if escaped {
		if err := json.Unmarshal(quoted, &text); err != nil {
			return "", s.wrong("a string with an unknown escape")
		}
	}
	if len(text) > maxString {
		return "", s.wrong("a string of more than %d bytes", maxString)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return "", s.wrong("a NUL in a string")
	}
	return text, nil
}

func (s *scanner) word(word string) error {
	if !bytes.HasPrefix(s.body[s.at:], []byte(word)) {
		return s.wrong("neither a value nor an end")
	}
	s.at += len(word)
	return nil
}

// number reads a number; one beyond the range of a float64 is infinite. We count nothing that a stranger counted.
func (s *scanner) number() (any, error) {
	start := s.at
	for s.at < len(s.body) && strings.IndexByte("+-.eE0123456789", s.body[s.at]) >= 0 {
		s.at++
	}
	digits := s.body[start:s.at]
	if len(digits) == 0 || !json.Valid(digits) {
		s.at = start
		return nil, s.wrong("neither a value nor an end")
	}
	number, _ := strconv.ParseFloat(string(digits), 64)
	return number, nil
}
