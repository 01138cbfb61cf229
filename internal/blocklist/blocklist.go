// Package blocklist reads and writes lists of blocked servers in the CSV form of Mastodon. It does no I/O of its own.
package blocklist

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"causerie/internal/blog"
)

var domainPattern = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// ReadDomain returns the domain of a server, however it is written: "https://EVIL.example:8443/" is evil.example. The
// error is a blog.Invalid.
func ReadDomain(text string) (string, error) {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil && u.Host != "" && strings.Trim(u.Path, "/") == "" {
		text = u.Host
	}
	domain := Domain(text)
	// Domain cuts off all that follows the colon. In the address of a post, or in "acct:kade@evil.example", that is no
	// port, and the scheme would pass as the domain.
	if _, port, err := net.SplitHostPort(text); err == nil && strings.Trim(port, "0123456789") != "" {
		return "", notADomain(text)
	}
	// A server may be named by its IP address, which the pattern of domains does not match.
	_, notANumber := netip.ParseAddr(domain)
	switch {
	case domain == "":
		return "", blog.Block{}.Check()
	case notANumber != nil && (len(domain) > 253 || !domainPattern.MatchString(domain)):
		return "", notADomain(text)
	}
	return domain, nil
}

func notADomain(text string) error {
	return blog.Invalid{Field: "subject",
		Problem: fmt.Sprintf("“%s” is not the domain of a server: write it like “evil.example”", text)}
}

const (
	maxLines = 100_000 // lines of a list
	maxBytes = 16 << 20
	maxNamed = 20 // wrong lines that are named
)

// Blocklist is a list of servers in Mastodon's form.
type Blocklist struct {
	Blocks  []blog.Block // each server once
	Noops   int          // lines that block nothing
	Partial int          // lines that also refuse pictures or reports alone, for which there is no switch here
}

// WrongLines are the errors of lines that cannot be read, each with its number.
type WrongLines []string

func (w WrongLines) Error() string {
	if more := len(w) - maxNamed; more > 0 {
		return fmt.Sprintf("%s; and %d more lines", strings.Join(w[:maxNamed], "; "), more)
	}
	return strings.Join(w, "; ")
}

// ReadBlocklist reads Mastodon's CSV (domain, severity, reject_media, reject_reports, public_comment, obfuscate, in
// the order of its first line), or a list of bare domains, which are refused. The error is a WrongLines.
func ReadBlocklist(from io.Reader) (Blocklist, error) {
	lines := csv.NewReader(io.LimitReader(from, maxBytes+1))
	// Any number of cells: exports differ in their columns, and a list of bare domains has one.
	lines.FieldsPerRecord, lines.TrimLeadingSpace = -1, true
	list := listReader{columns: columnsOf([]string{"domain", "severity", "reject_media", "reject_reports",
		"public_comment"}), at: map[string]int{}}
	for first := true; ; first = false {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Blocklist{}, append(list.wrong, strings.TrimPrefix(err.Error(), "parse error on "))
		}
		number, _ := lines.FieldPos(0)
		// Spreadsheets write a byte order mark at the start of a file.
		cells[0] = strings.TrimPrefix(cells[0], "\uFEFF")
		switch {
		// Before the comments: the reader ends at the limit, so a comment there would end the list without an error.
		case lines.InputOffset() > maxBytes || number > maxLines:
			return Blocklist{}, append(list.wrong, fmt.Sprintf("line %d: the list is too long: cut it into several", number))
		case first && strings.EqualFold(strings.TrimPrefix(cells[0], "#"), "domain"):
			list.columns = columnsOf(cells)
		case strings.HasPrefix(cells[0], "#") || len(cells) == 1 && cells[0] == "":
		default:
			list.read(number, cells)
		}
	}
	if len(list.wrong) > 0 {
		return Blocklist{}, list.wrong
	}
	return list.Blocklist, nil
}

// columnsOf returns the position of each column.
func columnsOf(names []string) map[string]int {
	columns := map[string]int{}
	for i, name := range names {
		columns[strings.ToLower(strings.TrimPrefix(strings.TrimSpace(name), "#"))] = i
	}
	return columns
}

type listReader struct {
	Blocklist
	columns map[string]int
	at      map[string]int // where a domain stands in Blocks
	wrong   WrongLines
}

// read adds the block of one line, or its error.
func (l *listReader) read(number int, cells []string) {
	cell := func(name string) string {
		if i, ok := l.columns[name]; ok && i < len(cells) {
			return strings.TrimSpace(cells[i])
		}
		return ""
	}
	b := blog.Block{Kind: blog.BlockServer, Reason: shortReason(plainText(cell("public_comment")))}
	var err error
	if b.Subject, err = ReadDomain(cell("domain")); err != nil {
		l.wrong = append(l.wrong, fmt.Sprintf("line %d: “%s” is not the domain of a server", number, cell("domain")))
		return
	}
	switch strings.ToLower(cell("severity")) {
	case "suspend", "":
		b.Level = blog.Refuse
	case "silence", "limit":
		b.Level = blog.Limit
	case "noop", "none":
		l.Noops++
		return
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("line %d: the severity “%s” is none of suspend, silence and noop", number,
			cell("severity")))
		return
	}
	if b.Level == blog.Limit && (isTrue(cell("reject_media")) || isTrue(cell("reject_reports"))) {
		l.Partial++
	}
	// Lists that were put together name a server twice. The stricter level holds.
	if i, twice := l.at[b.Subject]; twice {
		l.Blocks[i].Level = l.Blocks[i].Level.Stricter(b.Level)
		return
	}
	l.at[b.Subject] = len(l.Blocks)
	l.Blocks = append(l.Blocks, b)
}

func isTrue(cell string) bool {
	yes, _ := strconv.ParseBool(strings.ToLower(cell))
	return yes
}

// shortReason returns a reason of at most 500 characters, valid for both databases.
func shortReason(reason string) string {
	reason = strings.ToValidUTF8(strings.ReplaceAll(reason, "\x00", ""), "\uFFFD")
	if runes := []rune(reason); len(runes) > 500 {
		return string(runes[:499]) + "…"
	}
	return reason
}

// formula has the characters with which a spreadsheet recognises a formula.
const formula = "=+-@\t\r"

// spreadsheetText returns a text as a cell that no spreadsheet runs as a formula. plainText reverses it.
func spreadsheetText(text string) string {
	if text != "" && strings.ContainsAny(text[:1], formula+"'") {
		return "'" + text
	}
	return text
}

func plainText(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsAny(cell[1:2], formula+"'") {
		return cell[1:]
	}
	return cell
}

// WriteBlocklist writes the blocks of servers as Mastodon's CSV.
func WriteBlocklist(to io.Writer, blocks []blog.Block) error {
	severity := map[blog.BlockLevel]string{blog.Limit: "silence", blog.Refuse: "suspend"}
	lines := csv.NewWriter(to)
	lines.Write([]string{"#domain", "#severity", "#reject_media", "#reject_reports", "#public_comment", "#obfuscate"})
	for _, b := range blocks {
		if b.Kind == blog.BlockServer {
			lines.Write([]string{b.Subject, severity[b.Level], "false", "false", spreadsheetText(b.Reason), "false"})
		}
	}
	lines.Flush()
	return lines.Error()
}
