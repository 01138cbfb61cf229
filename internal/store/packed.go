package store

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"causerie/internal/blog"
)

// packed is a long text that the database has compressed (zstd, RFC 8878). A text that an earlier version saved
// without compression is read as it is. Only the form in the database changes: what is sent, hashed or signed is the
// text itself.
type packed []byte

// zstdMagic begins every frame of zstd. No document of ours begins with it, and it is not valid UTF-8.
var zstdMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}

// maxUnpacked limits what a damaged frame can make of itself, in bytes. The texts of an article have 1 MiB each.
const maxUnpacked = 64 << 20

// coder makes the encoder and the decoder when they are needed first. Both may be used by several goroutines.
var coder = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	// The options are constant, so there is no error. One encoder for all has a buffer of its own only once.
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		panic(err)
	}
	return encoder, decoder
})

// Value compresses the text, if that makes it shorter.
func (p packed) Value() (driver.Value, error) {
	encoder, _ := coder()
	frame := encoder.EncodeAll(p, nil)
	// A text that looks like a frame must become one, or else it could not be read again.
	if len(frame) >= len(p) && !bytes.HasPrefix(p, zstdMagic) {
		return append([]byte{}, p...), nil
	}
	return frame, nil
}

// Scan reads a text in either form. NULL gives nil.
func (p *packed) Scan(value any) error {
	var stored []byte
	switch value := value.(type) {
	case nil:
		*p = nil
		return nil
	case []byte:
		stored = value
	case string:
		stored = []byte(value)
	default:
		return fmt.Errorf("unpack a text: the database has a %T", value)
	}
	if !bytes.HasPrefix(stored, zstdMagic) {
		// The driver may use its buffer again.
		*p = append([]byte{}, stored...)
		return nil
	}
	_, decoder := coder()
	text, err := decoder.DecodeAll(stored, nil)
	if err != nil {
		return fmt.Errorf("unpack a text: %w", err)
	}
	*p = text
	return nil
}

// packedBody is the long part of an article's text in one column: compressed together, the three forms of one text take
// little more than one. It is the lengths of Markdown and HTML in bytes, a line feed, and then Markdown, HTML and plain
// text.
type packedBody struct{ markdown, html, plain string }

func bodyOf(t blog.Text) packedBody { return packedBody{t.Markdown, t.HTML, t.Plain} }

// fill sets the long part of a text.
func (b packedBody) fill(t *blog.Text) { t.Markdown, t.HTML, t.Plain = b.markdown, b.html, b.plain }

func (b packedBody) Value() (driver.Value, error) {
	return packed(fmt.Sprintf("%d %d\n%s%s%s", len(b.markdown), len(b.html), b.markdown, b.html, b.plain)).Value()
}

func (b *packedBody) Scan(value any) error {
	var whole packed
	if err := whole.Scan(value); err != nil {
		return err
	}
	lengths, texts, _ := strings.Cut(string(whole), "\n")
	var markdown, html int
	if _, err := fmt.Sscanf(lengths, "%d %d", &markdown, &html); err != nil || markdown < 0 || html < 0 ||
		markdown+html > len(texts) {
		return fmt.Errorf("unpack the text of an article: it begins with %.40q", whole)
	}
	*b = packedBody{texts[:markdown], texts[markdown : markdown+html], texts[markdown+html:]}
	return nil
}
