package activity

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"causerie/internal/blog"
)

// The limits of a document. One that exceeds them is refused before anything costly reads it.
const (
	maxDepth  = 32
	maxKeys   = 256       // in one object
	maxItems  = 1000      // in one array
	maxString = 256 << 10 // bytes
)

// Document is a JSON object from another server that is within the limits. It is parsed once, with exact names, and all
// later decisions use that one result. It never changes, so many goroutines may use it.
type Document struct {
	root map[string]any
	body []byte // as received, to verify proofs
}

// Read parses the bytes of a document: one JSON object in UTF-8, without byte order mark or trailing bytes, no
// name twice in an object, at most 32 levels, 256 names in an object, 1,000 items in an array and 256 KiB in a string.
// The JSON-LD keywords that move content around (@graph, @included, @reverse) are refused, because we have no JSON-LD
// processor. The error is an ErrMalformed. Read stops at the first fault.
func Read(body []byte) (*Document, error) {
	// The decoder accepts invalid UTF-8, see newDecoder.
	if !utf8.Valid(body) {
		return nil, malformed("it is not UTF-8")
	}
	r := reader{newDecoder(body)}
	token, err := r.next()
	if err != nil || token.Kind() != '{' {
		return nil, malformed("it does not begin as a JSON object")
	}
	root, err := r.object()
	if err != nil {
		return nil, err
	}
	end := r.InputOffset()
	// Another reader could take what follows for the document.
	if _, err := r.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, malformed("byte %d: something follows the object", end)
	}
	return &Document{root: root, body: body}, nil
}

// ID returns the document's id, "" when there is none.
func (d *Document) ID() string { return idOf(d.root) }

// Type returns the first type that ActivityStreams knows, else the first one, or "".
func (d *Document) Type() string { return typeOf(d.root) }

// HasPage reports whether a document names an address as that of its page, with or without a slash at the end.
func (d *Document) HasPage(address string) bool {
	bare := func(address string) string {
		address, _, _ = strings.Cut(blog.URI(address), "#")
		return strings.TrimRight(address, "/")
	}
	return slices.ContainsFunc(first(many(d.root["url"]), maxAttachments),
		func(page any) bool { return href(page) != "" && bare(href(page)) == bare(address) })
}

// Actor returns the one actor of an activity, "" when there is none or more than one.
func (d *Document) Actor() string { return only(d.root["actor"]) }

// Object returns the address of the first object of an activity, which may be an address or embedded; "" without one.
func (d *Document) Object() string { return addressOf(d.root["object"]) }

// reader reads JSON (RFC 8259) token by token into maps and checks the limits. A decoder into Go values would have no
// limit but memory.
type reader struct{ *jsontext.Decoder }

// newDecoder returns a decoder that refuses a name that occurs twice in an object. It accepts an escaped half of a
// surrogate pair ("\ud83d") and reads it as U+FFFD: emoji cut in two are common and harmless. That option also accepts
// invalid UTF-8, so Read checks for it first.
func newDecoder(body []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true))
}

func (r reader) wrong(format string, args ...any) error {
	return malformed("byte %d: "+format, append([]any{r.InputOffset()}, args...)...)
}

// next reads the next token.
func (r reader) next() (jsontext.Token, error) {
	token, err := r.ReadToken()
	if err != nil {
		return token, r.fault(err)
	}
	return token, nil
}

// fault turns an error of the decoder into an ErrMalformed. A name in it is shortened: it may be as long as the
// document.
func (r reader) fault(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case !errors.As(err, &syntax):
		return r.wrong("%v", err)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return malformed("byte %d: the name %q twice", syntax.ByteOffset, short(syntax.JSONPointer.LastToken()))
	}
	return malformed("byte %d: %s", syntax.ByteOffset, short(syntax.Err.Error()))
}

func (r reader) value(token jsontext.Token) (any, error) {
	switch token.Kind() {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		text, err := r.string(token)
		return withoutNUL(text), err
	case '0':
		// A number beyond float64 becomes infinite. That is harmless: we calculate with no number of another server.
		number, _ := strconv.ParseFloat(token.String(), 64)
		return number, nil
	case 'n':
		return nil, nil
	}
	return token.Bool(), nil
}

// object reads the rest of an object after its {.
func (r reader) object() (map[string]any, error) {
	// Reading is recursive, so the depth is checked on the way down.
	if r.StackDepth() > maxDepth {
		return nil, r.wrong("more than %d levels", maxDepth)
	}
	object := make(map[string]any, 8)
	for {
		token, err := r.next()
		if err != nil || token.Kind() == '}' {
			return object, err
		}
		if len(object) == maxKeys {
			return nil, r.wrong("more than %d names in an object", maxKeys)
		}
		name, err := r.string(token)
		if err != nil {
			return nil, err
		}
		if strings.Contains(name, "\x00") {
			return nil, r.wrong("a NUL in a name")
		}
		// A JSON-LD processor would find other content in this document than we do.
		if name == "@graph" || name == "@included" || name == "@reverse" {
			return nil, r.wrong("%s is not read here", name)
		}
		if token, err = r.next(); err != nil {
			return nil, err
		}
		if object[name], err = r.value(token); err != nil {
			return nil, err
		}
	}
}

// array reads the rest of an array after its [.
func (r reader) array() ([]any, error) {
	if r.StackDepth() > maxDepth {
		return nil, r.wrong("more than %d levels", maxDepth)
	}
	items := []any{}
	for {
		token, err := r.next()
		if err != nil || token.Kind() == ']' {
			return items, err
		}
		// Checked before the item is read, so that no more is stored than the limit.
		if len(items) == maxItems {
			return nil, r.wrong("more than %d items in an array", maxItems)
		}
		item, err := r.value(token)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
}

// withoutNUL takes NUL out of a text: no database stores it, and nobody can read it. An address with one becomes no
// address: without the NUL it would be another one.
func withoutNUL(text string) string {
	if !strings.Contains(text, "\x00") {
		return text
	}
	if strings.Contains(text, "://") && !strings.ContainsAny(text, " <") {
		return strings.ReplaceAll(text, "\x00", " ")
	}
	return strings.ReplaceAll(text, "\x00", "")
}

func (r reader) string(token jsontext.Token) (string, error) {
	text := token.String()
	if len(text) > maxString {
		return "", r.wrong("a string of more than %d bytes", maxString)
	}
	return text, nil
}
