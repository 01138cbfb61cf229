package activity

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// What a document may have at most. Beyond these it is refused as a whole, long before anything costly looks at it.
const (
	maxDepth  = 32
	maxKeys   = 256       // in one object
	maxItems  = 1000      // in one array
	maxString = 256 << 10 // bytes
)

// Document is a JSON object of a stranger that kept within the limits. It was read once, names compared exactly, and
// everything that is ever concluded from it comes from this one reading. Nothing changes it, so it is safe for use by
// many goroutines.
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
	if _, err := r.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, malformed("byte %d: something follows the object", end)
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

// reader reads JSON (RFC 8259) token by token into maps, and holds it to the limits. A decoder into Go values would know
// none but that of memory.
type reader struct{ *jsontext.Decoder }

// newDecoder refuses a name that is twice in an object. It does not refuse half a surrogate pair that is written out
// ("\ud83d"), which becomes U+FFFD: emoji cut in two are common, and harmless. The option for that lets other faults in
// UTF-8 pass as well, so Read looks for those first.
func newDecoder(body []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true))
}

func (r reader) wrong(format string, args ...any) error {
	return malformed("byte %d: "+format, append([]any{r.InputOffset()}, args...)...)
}

// next is the token that comes next.
func (r reader) next() (jsontext.Token, error) {
	token, err := r.ReadToken()
	if err != nil {
		return token, r.fault(err)
	}
	return token, nil
}

// fault is an error of the decoder in our words. A name in it is cut, since it may be as long as the document.
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
		return r.string(token)
	case '0':
		// One beyond the range of a float64 is infinite. We count nothing that a stranger counted.
		number, _ := strconv.ParseFloat(token.String(), 64)
		return number, nil
	case 'n':
		return nil, nil
	}
	return token.Bool(), nil
}

// object reads on behind the { of an object.
func (r reader) object() (map[string]any, error) {
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

// array reads on behind the [ of an array.
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

func (r reader) string(token jsontext.Token) (string, error) {
	text := token.String()
	if len(text) > maxString {
		return "", r.wrong("a string of more than %d bytes", maxString)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return "", r.wrong("a NUL in a string")
	}
	return text, nil
}
