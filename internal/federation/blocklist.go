package federation

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// BlockSubject reads whom somebody means to block: a domain, "@kade@evil.example", or the address of an actor. Who is not
// known is asked for. The error for what is none of these is a blog.Invalid.
func (o *Outbox) BlockSubject(ctx context.Context, text string) (blog.BlockKind, string, error) {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil && (u.Scheme == "https" || u.Scheme == "http") && strings.Trim(u.Path, "/") != "" {
		id, err := o.personAt(ctx, text)
		return blog.BlockPerson, id, err
	}
	if name, _, ok := strings.Cut(strings.TrimPrefix(text, "@"), "@"); ok && name != "" {
		id, err := o.personBehind(ctx, strings.TrimPrefix(text, "@"))
		return blog.BlockPerson, id, err
	}
	domain, err := ReadDomain(text)
	return blog.BlockServer, domain, err
}

// personAt is the person with an address: one who is blocked already, is known, or can be had from their server.
func (o *Outbox) personAt(ctx context.Context, address string) (string, error) {
	if _, err := o.Store.BlockOf(ctx, blog.BlockPerson, address); !errors.Is(err, blog.ErrNotFound) {
		return address, err
	}
	actor, err := o.Store.ActorByProfile(ctx, address)
	if errors.Is(err, blog.ErrNotFound) {
		ask, cancel := context.WithTimeout(ctx, mentionTime)
		defer cancel()
		actor, err = o.named(ask, address)
	}
	if err != nil && ctx.Err() == nil {
		return "", blog.Invalid{Field: "subject", Problem: fmt.Sprintf("“%s” is nobody whom we know or can ask for: write “%s” to block the whole server", address, store.Domain(blog.HostOf(address)))}
	}
	return actor.ID, err
}

func (o *Outbox) personBehind(ctx context.Context, handle string) (string, error) {
	actor, err := o.Store.ActorByHandle(ctx, handle)
	if errors.Is(err, blog.ErrNotFound) {
		ask, cancel := context.WithTimeout(ctx, mentionTime)
		defer cancel()
		actor, err = o.lookUp(ask, handle)
	}
	if err != nil && ctx.Err() == nil {
		return "", blog.Invalid{Field: "subject", Problem: fmt.Sprintf("“@%s” cannot be found: write the address of their actor, or block their server", handle)}
	}
	return actor.ID, err
}

var domainPattern = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// ReadDomain reads the domain of a server, however it is written: "https://EVIL.example:8443/" is evil.example. The error is
// a blog.Invalid.
func ReadDomain(text string) (string, error) {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil && u.Host != "" && strings.Trim(u.Path, "/") == "" {
		text = u.Host
	}
	domain := store.Domain(text)
	_, notANumber := netip.ParseAddr(domain)
	switch {
	case domain == "":
		return "", blog.Block{}.Check()
	case notANumber != nil && (len(domain) > 253 || !domainPattern.MatchString(domain)):
		return "", blog.Invalid{Field: "subject", Problem: fmt.Sprintf("“%s” is not the domain of a server", text)}
	}
	return domain, nil
}

const (
	mostListed = 100_000 // lines of a list
	listBytes  = 16 << 20
	namedLines = 20 // wrong lines that are named
)

// Blocklist is a list of servers as Mastodon exports it.
type Blocklist struct {
	Blocks  []blog.Block // each server once
	Noops   int          // lines that block nothing
	Partial int          // lines that also refuse pictures or reports alone, for which there is no switch here
}

// WrongLines are those of a list that cannot be understood, each with its number.
type WrongLines []string

func (w WrongLines) Error() string {
	if more := len(w) - namedLines; more > 0 {
		return fmt.Sprintf("%s; and %d more lines", strings.Join(w[:namedLines], "; "), more)
	}
	return strings.Join(w, "; ")
}

// ReadBlocklist reads Mastodon's CSV (domain, severity, reject_media, reject_reports, public_comment, obfuscate, in the
// order that its first line names), or a list of bare domains, which are refused. The error is a WrongLines.
func ReadBlocklist(from io.Reader) (Blocklist, error) {
	lines := csv.NewReader(io.LimitReader(from, listBytes+1))
	lines.FieldsPerRecord, lines.TrimLeadingSpace = -1, true
	list := listReader{columns: columnsOf([]string{"domain", "severity", "reject_media", "reject_reports", "public_comment"}), at: map[string]int{}}
	for first := true; ; first = false {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Blocklist{}, append(list.wrong, strings.TrimPrefix(err.Error(), "parse error on "))
		}
		number, _ := lines.FieldPos(0)
		cells[0] = strings.TrimPrefix(cells[0], "\uFEFF")
		switch {
		case first && strings.EqualFold(strings.TrimPrefix(cells[0], "#"), "domain"):
			list.columns = columnsOf(cells)
		case strings.HasPrefix(cells[0], "#") || len(cells) == 1 && cells[0] == "":
		case lines.InputOffset() > listBytes || number > mostListed:
			return Blocklist{}, append(list.wrong, fmt.Sprintf("line %d: the list is too long: cut it into several", number))
		default:
			list.read(number, cells)
		}
	}
	if len(list.wrong) > 0 {
		return Blocklist{}, list.wrong
	}
	return list.Blocklist, nil
}

// columnsOf tells where each column stands.
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

func (l *listReader) read(number int, cells []string) {
	cell := func(name string) string {
		if i, ok := l.columns[name]; ok && i < len(cells) {
			return strings.TrimSpace(cells[i])
		}
		return ""
	}
	b := blog.Block{Kind: blog.BlockServer, Reason: excerptOf(plainText(cell("public_comment")))}
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
		l.wrong = append(l.wrong, fmt.Sprintf("line %d: the severity “%s” is none of suspend, silence and noop", number, cell("severity")))
		return
	}
	if b.Level == blog.Limit && (truth(cell("reject_media")) || truth(cell("reject_reports"))) {
		l.Partial++
	}
	if i, twice := l.at[b.Subject]; twice {
		l.Blocks[i].Level = l.Blocks[i].Level.Stricter(b.Level)
		return
	}
	l.at[b.Subject] = len(l.Blocks)
	l.Blocks = append(l.Blocks, b)
}

func truth(cell string) bool {
	yes, _ := strconv.ParseBool(strings.ToLower(cell))
	return yes
}

// excerptOf is a reason as far as there is room for it.
func excerptOf(reason string) string {
	reason = strings.ToValidUTF8(strings.ReplaceAll(reason, "\x00", ""), "\uFFFD")
	if runes := []rune(reason); len(runes) > 500 {
		return string(runes[:499]) + "…"
	}
	return reason
}

// formula are the signs with which a spreadsheet takes a cell for something to reckon.
const formula = "=+-@\t\r"

// spreadsheetText is a text as a cell that no spreadsheet runs, and which [plainText] reads back.
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

// Import is what a list changes here.
type Import struct {
	New   []blog.Block // of servers that were not blocked
	Raise []blog.Block // that limited a server and refuse it now
	Known int          // that change nothing: what a list says never lowers a block
}

// PlanImport compares a list with what is blocked. The error is a blog.Invalid when the list names the blog itself.
func (o *Outbox) PlanImport(ctx context.Context, list Blocklist) (Import, error) {
	known, err := o.Store.Blocks(ctx, store.BlockList{Kind: blog.BlockServer})
	if err != nil {
		return Import{}, err
	}
	levels := map[string]blog.Block{}
	for _, b := range known {
		levels[b.Subject] = b
	}
	var plan Import
	for _, b := range list.Blocks {
		if o.notOurselves(b) != nil {
			return Import{}, blog.Invalid{Field: "list", Problem: "names " + b.Subject + ", which is this blog itself: take that line out"}
		}
		before, blocked := levels[b.Subject]
		switch {
		case !blocked:
			plan.New = append(plan.New, b)
		case before.Level != before.Level.Stricter(b.Level):
			before.Level = b.Level
			plan.Raise = append(plan.Raise, before)
		default:
			plan.Known++
		}
	}
	return plan, nil
}

// Import sets the blocks of a plan, all or none.
func (o *Outbox) Import(ctx context.Context, plan Import) error {
	return o.Block(ctx, slices.Concat(plan.New, plan.Raise)...)
}
